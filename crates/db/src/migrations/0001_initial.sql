-- Times are microseconds since 1970 in UTC. Ids are UUIDv7: their order is the order of creation.

create table users (
    id $uuid primary key not null,
    -- As typed, for display and mail; email_key is what is compared: the address with its domain in lower case.
    email text not null,
    email_key text not null unique,
    email_verified_at $int,
    -- PHC string; null for people who only sign in through a provider.
    password_hash text,
    display_name text not null,
    full_name text,
    avatar_url text,
    bio text,
    locale text not null,
    role text not null,
    plan text not null,
    status text not null,
    -- Counters, kept in the transaction that makes or deletes what they count.
    chat_count $int not null default 0,
    message_count $int not null default 0,
    created_at $int not null,
    updated_at $int not null
) $strict;

create table preferences (
    user_id $uuid primary key not null references users (id) on delete cascade,
    version $int not null,
    data text not null,
    updated_at $int not null
) $strict;

create table sessions (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    -- SHA-256 of the cookie's secret.
    token_hash $bytes not null unique,
    remember $bool not null,
    user_agent text,
    ip text,
    created_at $int not null,
    last_active_at $int not null,
    expires_at $int not null,
    revoked_at $int,
    revoked_reason text
) $strict;
create index sessions_user on sessions (user_id, id);

create table refresh_tokens (
    id $uuid primary key not null,
    session_id $uuid not null references sessions (id) on delete cascade,
    -- SHA-256 of the token.
    token_hash $bytes not null unique,
    created_at $int not null,
    expires_at $int not null,
    -- Set when it is exchanged: a second use then is a stolen token.
    used_at $int
) $strict;
create index refresh_tokens_session on refresh_tokens (session_id);

create table chats (
    id $uuid primary key not null,
    owner_id $uuid not null references users (id) on delete cascade,
    title text not null,
    theme text,
    audience text,
    response_style text,
    model text,
    created_at $int not null,
    -- The last message or change; the list is ordered by it.
    updated_at $int not null,
    deleted_at $int
) $strict;
create index chats_owner on chats (owner_id, deleted_at, updated_at, id);

create table messages (
    id $uuid primary key not null,
    chat_id $uuid not null references chats (id) on delete cascade,
    owner_id $uuid not null references users (id) on delete cascade,
    role text not null,
    content text not null,
    status text not null,
    tier text,
    model text,
    -- Why it failed: a problem code and a sentence for people.
    error_code text,
    error_detail text,
    input_tokens $int,
    output_tokens $int,
    created_at $int not null,
    completed_at $int
) $strict;
create index messages_chat on messages (chat_id, id);
create index messages_owner on messages (owner_id);

-- One run of a model, beside the message that it writes.
create table generations (
    message_id $uuid primary key not null references messages (id) on delete cascade,
    chat_id $uuid not null,
    owner_id $uuid not null,
    user_message_id $uuid not null,
    -- The process that runs it; when its lease is over, another node ends it as interrupted.
    node_id $uuid not null,
    status text not null,
    lease_until $int not null,
    cancel_requested $bool not null,
    created_at $int not null,
    finished_at $int
) $strict;
create index generations_running on generations (status, lease_until);
create index generations_user_message on generations (user_message_id);

-- What its readers are sent, in order. Append-only.
create table generation_events (
    message_id $uuid not null references generations (message_id) on delete cascade,
    seq $int not null,
    kind text not null,
    data text not null,
    primary key (message_id, seq)
) $strict;

create table memories (
    id $uuid primary key not null,
    owner_id $uuid not null references users (id) on delete cascade,
    kind text not null,
    content text not null,
    -- SHA-256 of the normalised content: the same statement is kept once.
    content_hash $bytes not null,
    importance $real not null,
    confidence $real not null,
    occurred_at $int not null,
    valid_from $int,
    valid_to $int,
    superseded_by $uuid,
    source_chat_id $uuid,
    source_message_id $uuid,
    created_at $int not null,
    last_accessed_at $int,
    access_count $int not null default 0,
    unique (owner_id, content_hash)
) $strict;
create index memories_owner on memories (owner_id, id);
create index memories_source on memories (source_message_id);

create table idempotency_keys (
    owner_id $uuid not null references users (id) on delete cascade,
    key text not null,
    -- SHA-256 of method, path and body.
    fingerprint $bytes not null,
    status $int not null,
    body text not null,
    created_at $int not null,
    primary key (owner_id, key)
) $strict;
create index idempotency_keys_created on idempotency_keys (created_at);

create table jobs (
    id $uuid primary key not null,
    kind text not null,
    payload text not null,
    run_at $int not null,
    attempts $int not null,
    -- Until when a worker has it; then it counts as lost and another takes it.
    locked_until $int not null,
    last_error text,
    created_at $int not null,
    -- Set when it failed too often: kept for an operator to look at.
    dead_at $int
) $strict;
create index jobs_due on jobs (dead_at, run_at, locked_until);
