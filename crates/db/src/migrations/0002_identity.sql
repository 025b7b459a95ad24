-- Who somebody is, and how they prove it: mail, tokens, factors, providers, keys, and the trail of it all.

-- The version of the terms that the person accepted, and when.
alter table users add column terms_version text;
alter table users add column terms_accepted_at $int;
alter table users add column password_changed_at $int;
-- Whether a login from a new device is reported by mail; the notice in the app always comes.
alter table users add column mail_new_device $bool not null default $true;

-- When the person last proved who they are: a login, or a step-up within the session.
alter table sessions add column authenticated_at $int not null default 0;
-- How they did: password, passkey, provider:NAME; with +totp, +recovery where a second factor was asked for.
alter table sessions add column method text not null default 'password';
create index sessions_expiry on sessions (expires_at);

-- The token that this one was exchanged for; inside the grace period it is given out again.
alter table refresh_tokens add column child_id $uuid;

-- Tokens that travel by mail: verify_email, reset_password, change_email, sign_in_code. Kept for a while after their
-- use, so that a second click can be told from a mistyped link.
create table email_tokens (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    purpose text not null,
    -- SHA-256 of the token.
    token_hash $bytes not null unique,
    -- The address that it proves.
    email text not null,
    created_at $int not null,
    expires_at $int not null,
    used_at $int,
    -- Set when a newer token or a changed password made it void.
    voided_at $int
) $strict;
create index email_tokens_user on email_tokens (user_id, purpose);
create index email_tokens_expiry on email_tokens (expires_at);

-- Keys that seal what is stored, each wrapped by a master key (AES-256-GCM). The master key itself is never here.
create table data_keys (
    id $uuid primary key not null,
    -- What it seals: mail, provider_token, second_factor, signing_key, csrf …
    purpose text not null,
    -- Nonce, ciphertext and tag.
    wrapped $bytes not null,
    master_key_id text not null,
    created_at $int not null,
    -- From then on it opens what it sealed, and seals nothing more.
    retired_at $int
) $strict;
create index data_keys_purpose on data_keys (purpose, retired_at);

-- Keys that sign access tokens.
create table signing_keys (
    -- Thumbprint of the public key (RFC 7638); the kid of the tokens.
    id text primary key not null,
    -- Ed25519 seed, sealed.
    seed $bytes not null,
    created_at $int not null,
    -- Published before it signs, so that every verifier knows it in time.
    active_from $int not null,
    -- Published until then, so that its last tokens stay valid.
    retired_at $int
) $strict;

-- The outbox: written in the transaction of what the mail is about.
create table mails (
    id $uuid primary key not null,
    -- Null when no account belongs to the address.
    user_id $uuid references users (id) on delete cascade,
    kind text not null,
    locale text not null,
    recipient text not null,
    -- What its template needs, as sealed JSON: it holds links that open accounts. Emptied once the mail is out.
    parameters $bytes,
    -- queued, sent or dead.
    status text not null,
    attempts $int not null,
    run_at $int not null,
    -- Until when a worker has it; then it counts as lost and another takes it.
    locked_until $int not null,
    last_error text,
    created_at $int not null,
    sent_at $int
) $strict;
create index mails_due on mails (status, run_at, locked_until);
create index mails_user on mails (user_id);

create table notices (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    kind text not null,
    -- JSON.
    data text not null,
    created_at $int not null,
    seen_at $int
) $strict;
create index notices_user on notices (user_id, seen_at, id);

-- Browsers that have signed in before: they are not new, and a stranger's guesses do not slow them down.
create table devices (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    -- SHA-256 of the device cookie's secret.
    token_hash $bytes not null,
    created_at $int not null,
    last_seen_at $int not null,
    unique (user_id, token_hash)
) $strict;

create table identities (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    provider text not null,
    -- The pair that names a person: never the address.
    issuer text not null,
    subject text not null,
    -- As the provider last said; for display only.
    email text,
    username text,
    scopes text not null,
    -- Sealed, with the identity's id as associated data.
    access_token $bytes,
    refresh_token $bytes,
    token_expires_at $int,
    created_at $int not null,
    last_used_at $int not null,
    unique (issuer, subject),
    unique (user_id, provider)
) $strict;

-- Sign-ins under way at a provider; each ends by its first use.
create table oauth_flows (
    id $uuid primary key not null,
    -- SHA-256 of the state parameter.
    state_hash $bytes not null unique,
    -- SHA-256 of the secret in the browser's cookie: the flow ends in the browser where it began.
    browser_hash $bytes not null,
    provider text not null,
    -- sign_in, link or step_up.
    purpose text not null,
    user_id $uuid references users (id) on delete cascade,
    session_id $uuid,
    -- PKCE verifier and nonce, sealed.
    secrets $bytes not null,
    redirect_to text not null,
    locale text not null,
    created_at $int not null,
    expires_at $int not null,
    used_at $int
) $strict;
create index oauth_flows_expiry on oauth_flows (expires_at);

create table totp (
    user_id $uuid primary key not null references users (id) on delete cascade,
    -- Sealed.
    secret $bytes not null,
    created_at $int not null,
    -- Null until the first code was right.
    confirmed_at $int,
    -- The last time step whose code was used: none is taken twice.
    last_step $int not null
) $strict;

create table recovery_codes (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    code_hash $bytes not null,
    created_at $int not null,
    used_at $int,
    unique (user_id, code_hash)
) $strict;

create table passkeys (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    credential_id $bytes not null unique,
    name text not null,
    -- JSON: public key, counter, transports.
    credential text not null,
    created_at $int not null,
    last_used_at $int
) $strict;
create index passkeys_user on passkeys (user_id, id);

-- Something a person began and must finish within minutes: second_factor, passkey_login, passkey_registration.
create table challenges (
    id $uuid primary key not null,
    purpose text not null,
    user_id $uuid references users (id) on delete cascade,
    -- SHA-256 of the challenge's token.
    token_hash $bytes not null unique,
    -- JSON, sealed.
    state $bytes not null,
    attempts $int not null,
    created_at $int not null,
    expires_at $int not null,
    used_at $int
) $strict;
-- To count the wrong answers of one account.
create index challenges_user on challenges (user_id, created_at);
create index challenges_expiry on challenges (expires_at);

create table api_keys (
    id $uuid primary key not null,
    user_id $uuid not null references users (id) on delete cascade,
    name text not null,
    -- The public part of the key, by which it is found.
    prefix text not null unique,
    -- SHA-256 of the secret part.
    secret_hash $bytes not null,
    -- JSON list.
    scopes text not null,
    -- JSON list of addresses and networks; empty: from anywhere.
    allowed_ips text not null,
    created_at $int not null,
    expires_at $int,
    last_used_at $int,
    last_used_ip text,
    revoked_at $int,
    -- The key that replaces this one; both work until expires_at.
    replaced_by $uuid
) $strict;
create index api_keys_user on api_keys (user_id, id);
create index api_keys_revoked on api_keys (revoked_at);
create index api_keys_expiry on api_keys (expires_at);

create table audit_events (
    id $uuid primary key not null,
    -- Whom it is about; null where there is no account (a login with an unknown address).
    user_id $uuid references users (id) on delete set null,
    -- Who did it; null is the person themselves or nobody known.
    actor_id $uuid,
    -- noun.verb, as session.revoked.
    action text not null,
    session_id $uuid,
    ip text,
    user_agent text,
    -- JSON; never a secret.
    data text not null,
    created_at $int not null
) $strict;
create index audit_events_user on audit_events (user_id, id);
