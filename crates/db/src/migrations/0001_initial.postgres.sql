
create extension if not exists vector;

create table search_documents (
    id uuid primary key not null,
    owner_id uuid not null,
    kind text not null,
    chat_id uuid,
    body tsvector not null
);
create index search_documents_body on search_documents using gin (body);
create index search_documents_owner on search_documents (owner_id, kind);
create index search_documents_chat on search_documents (chat_id);

-- No fixed number of dimensions: a row says which model made it, and only rows of one model are compared.
create table memory_vectors (
    memory_id uuid primary key not null references memories (id) on delete cascade,
    owner_id uuid not null,
    model text not null,
    embedding vector not null
);
create index memory_vectors_owner on memory_vectors (owner_id, model);
