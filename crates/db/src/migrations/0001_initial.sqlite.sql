
-- Terms carry their owner as a prefix, so that neither a match nor its score depends on anybody else's words.
create virtual table search_documents using fts5 (body, kind unindexed, id unindexed, chat_id unindexed, tokenize = "unicode61 remove_diacritics 0 tokenchars '_'", detail = 'full');

create table search_rows (
    id blob primary key not null,
    kind text not null,
    chat_id blob,
    row integer not null unique
) strict;
create index search_rows_chat on search_rows (chat_id);

create table memory_vectors (
    memory_id blob primary key not null references memories (id) on delete cascade,
    owner_id blob not null,
    model text not null,
    embedding blob not null
) strict;
create index memory_vectors_owner on memory_vectors (owner_id, model);
