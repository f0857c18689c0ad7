-- What workers take away, share and dispute.

-- Files that workers took away. A third party finds a file by its SHA-256.
CREATE TABLE history_exports (
    id          TEXT NOT NULL,
    worker_id   TEXT NOT NULL,
    form        TEXT NOT NULL,
    sha256      TEXT NOT NULL,
    bytes       BIGINT NOT NULL,
    entries     INTEGER NOT NULL,
    log_size    BIGINT NOT NULL,
    exported_at BIGINT NOT NULL,
    CONSTRAINT history_exports_pkey PRIMARY KEY (id),
    CONSTRAINT history_exports_sha256_unique UNIQUE (sha256)
);
CREATE INDEX log_entries_of_exports ON log_entries (subject) WHERE kind = 'history_exported';
CREATE TRIGGER history_exports_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON history_exports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Links by which workers show parts of their record. Purpose, parts and the link itself are sealed; the link is found by its keyed hash.
CREATE TABLE shares (
    id           TEXT NOT NULL,
    worker_id    TEXT NOT NULL,
    token_hash   BYTEA NOT NULL,
    sealed_terms BYTEA NOT NULL,
    terms_hash   BYTEA NOT NULL,
    expires_at   BIGINT NOT NULL,
    made_at      BIGINT NOT NULL,
    CONSTRAINT shares_pkey PRIMARY KEY (id),
    CONSTRAINT shares_token_unique UNIQUE (token_hash)
);
CREATE INDEX shares_by_worker ON shares (worker_id, id);
CREATE TRIGGER shares_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON shares FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Links that were withdrawn.
CREATE TABLE share_ends (
    share_id TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    CONSTRAINT share_ends_pkey PRIMARY KEY (share_id)
);
CREATE TRIGGER share_ends_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON share_ends FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every opening of a link.
CREATE TABLE share_views (
    id        TEXT NOT NULL,
    share_id  TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    viewed_at BIGINT NOT NULL,
    CONSTRAINT share_views_pkey PRIMARY KEY (id)
);
CREATE INDEX share_views_by_worker ON share_views (worker_id, id);
CREATE TRIGGER share_views_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON share_views FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Entries that workers contest. `ordinal` counts the disputes of one entry, so that there is one at a time.
CREATE TABLE disputes (
    id               TEXT NOT NULL,
    worker_id        TEXT NOT NULL,
    subject_kind     TEXT NOT NULL,
    subject_id       TEXT NOT NULL,
    ordinal          INTEGER NOT NULL,
    organisation_id  TEXT,
    sealed_statement BYTEA NOT NULL,
    statement_hash   BYTEA NOT NULL,
    due_on           DATE NOT NULL,
    filed_at         BIGINT NOT NULL,
    CONSTRAINT disputes_pkey PRIMARY KEY (id),
    CONSTRAINT disputes_subject_unique UNIQUE (worker_id, subject_kind, subject_id, ordinal)
);
CREATE INDEX disputes_by_organisation ON disputes (organisation_id, id);
CREATE TRIGGER disputes_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON disputes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The answer to a dispute.
CREATE TABLE dispute_answers (
    dispute_id    TEXT NOT NULL,
    outcome       TEXT NOT NULL,
    sealed_answer BYTEA NOT NULL,
    answer_hash   BYTEA NOT NULL,
    answered_at   BIGINT NOT NULL,
    answered_by   TEXT NOT NULL,
    CONSTRAINT dispute_answers_pkey PRIMARY KEY (dispute_id)
);
CREATE TRIGGER dispute_answers_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON dispute_answers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
