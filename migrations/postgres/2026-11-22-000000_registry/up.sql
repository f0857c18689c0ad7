-- The registry's first tables. Instants are microseconds since 1970 in UTC; legal dates are dates.
-- Append-only tables refuse UPDATE and DELETE by trigger: a mistake is answered by a new row.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'table % is append-only', TG_TABLE_NAME;
END;
$$;

-- What the catalogue says, by import; each list is versioned by date.
CREATE TABLE catalogue_imports (
    id          TEXT NOT NULL,
    list        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    valid_from  DATE NOT NULL,
    entries     INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    imported_by TEXT NOT NULL,
    CONSTRAINT catalogue_imports_pkey PRIMARY KEY (id),
    CONSTRAINT catalogue_imports_version_unique UNIQUE (list, version)
);
CREATE TRIGGER catalogue_imports_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_imports FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE catalogue_entries (
    import_id TEXT NOT NULL,
    position  INTEGER NOT NULL,
    entry_key TEXT NOT NULL,
    body      TEXT NOT NULL,
    CONSTRAINT catalogue_entries_pkey PRIMARY KEY (import_id, position)
);
CREATE TRIGGER catalogue_entries_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON catalogue_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Organisations, their filings and the programs that call for them.
CREATE TABLE organisations (
    id            TEXT NOT NULL,
    credit_code   TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    CONSTRAINT organisations_pkey PRIMARY KEY (id),
    CONSTRAINT organisations_credit_code_unique UNIQUE (credit_code)
);
CREATE TRIGGER organisations_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON organisations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE organisation_versions (
    organisation_id TEXT NOT NULL,
    version         INTEGER NOT NULL,
    name            TEXT NOT NULL,
    kinds           TEXT NOT NULL,
    region_code     TEXT,
    state           TEXT NOT NULL,
    reason          TEXT,
    recorded_at     BIGINT NOT NULL,
    recorded_by     TEXT NOT NULL,
    CONSTRAINT organisation_versions_pkey PRIMARY KEY (organisation_id, version)
);
CREATE TRIGGER organisation_versions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON organisation_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE number_prefixes (
    prefix          TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    assigned_at     BIGINT NOT NULL,
    CONSTRAINT number_prefixes_pkey PRIMARY KEY (prefix)
);
CREATE TRIGGER number_prefixes_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON number_prefixes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE filing_versions (
    filing_id         TEXT NOT NULL,
    version           INTEGER NOT NULL,
    organisation_id   TEXT NOT NULL,
    body_kind         TEXT NOT NULL,
    kinds             TEXT NOT NULL,
    occupations       TEXT NOT NULL,
    abilities         TEXT NOT NULL,
    sites             TEXT NOT NULL,
    number_prefix     TEXT,
    valid_from        DATE NOT NULL,
    valid_to          DATE NOT NULL,
    decision_document TEXT,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT filing_versions_pkey PRIMARY KEY (filing_id, version)
);
CREATE INDEX filing_versions_by_organisation ON filing_versions (organisation_id);
CREATE TRIGGER filing_versions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON filing_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE clients (
    id              TEXT NOT NULL,
    organisation_id TEXT,
    name            TEXT NOT NULL,
    role            TEXT NOT NULL,
    scopes          TEXT NOT NULL,
    secret_hash     TEXT NOT NULL,
    registered_at   BIGINT NOT NULL,
    registered_by   TEXT NOT NULL,
    CONSTRAINT clients_pkey PRIMARY KEY (id)
);
CREATE INDEX clients_by_organisation ON clients (organisation_id);
CREATE TRIGGER clients_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON clients FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE client_revocations (
    client_id  TEXT NOT NULL,
    reason     TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    revoked_by TEXT NOT NULL,
    CONSTRAINT client_revocations_pkey PRIMARY KEY (client_id)
);
CREATE TRIGGER client_revocations_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON client_revocations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE signing_keys (
    key_id        TEXT NOT NULL,
    owner         TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    public_key    BYTEA NOT NULL,
    sealed_secret BYTEA NOT NULL,
    created_at    BIGINT NOT NULL,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (key_id)
);
CREATE INDEX signing_keys_by_owner ON signing_keys (owner);
-- Two nodes that set up one database at once must not sign two logs.
CREATE UNIQUE INDEX signing_keys_one_log ON signing_keys (owner) WHERE purpose = 'log';
CREATE TRIGGER signing_keys_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON signing_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Workers: names and numbers are sealed, and found by keyed hash.
CREATE TABLE workers (
    id            TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    CONSTRAINT workers_pkey PRIMARY KEY (id)
);
CREATE TRIGGER workers_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON workers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE worker_names (
    worker_id   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    sealed_name BYTEA NOT NULL,
    reason      TEXT,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT worker_names_pkey PRIMARY KEY (worker_id, version)
);
CREATE TRIGGER worker_names_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON worker_names FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE worker_documents (
    id            TEXT NOT NULL,
    worker_id     TEXT NOT NULL,
    document_type TEXT NOT NULL,
    country       TEXT NOT NULL,
    sealed_number BYTEA NOT NULL,
    number_hash   BYTEA NOT NULL,
    recorded_at   BIGINT NOT NULL,
    recorded_by   TEXT NOT NULL,
    CONSTRAINT worker_documents_pkey PRIMARY KEY (id),
    CONSTRAINT worker_documents_number_unique UNIQUE (number_hash, document_type, country)
);
CREATE INDEX worker_documents_by_worker ON worker_documents (worker_id);
CREATE TRIGGER worker_documents_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON worker_documents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Assessment sessions, candidates, scores and public notices.
CREATE TABLE assessment_sessions (
    id                      TEXT NOT NULL,
    organisation_id         TEXT NOT NULL,
    kind                    TEXT NOT NULL,
    occupation_edition      TEXT,
    occupation_code         TEXT,
    job_type                TEXT,
    level                   TEXT,
    ability                 TEXT,
    held_on                 DATE NOT NULL,
    site                    TEXT,
    panel                   TEXT NOT NULL,
    quality_supervisor_card TEXT,
    registered_at           BIGINT NOT NULL,
    registered_by           TEXT NOT NULL,
    CONSTRAINT assessment_sessions_pkey PRIMARY KEY (id)
);
CREATE INDEX assessment_sessions_by_organisation ON assessment_sessions (organisation_id, id);
CREATE TRIGGER assessment_sessions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON assessment_sessions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE session_candidates (
    session_id    TEXT NOT NULL,
    worker_id     TEXT NOT NULL,
    employment    TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    CONSTRAINT session_candidates_pkey PRIMARY KEY (session_id, worker_id)
);
CREATE TRIGGER session_candidates_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON session_candidates FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE session_scores (
    session_id           TEXT NOT NULL,
    worker_id            TEXT NOT NULL,
    version              INTEGER NOT NULL,
    theory_tenths        INTEGER,
    practical_tenths     INTEGER,
    comprehensive_tenths INTEGER,
    reason               TEXT,
    recorded_at          BIGINT NOT NULL,
    recorded_by          TEXT NOT NULL,
    CONSTRAINT session_scores_pkey PRIMARY KEY (session_id, worker_id, version)
);
CREATE TRIGGER session_scores_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON session_scores FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE session_publications (
    session_id          TEXT NOT NULL,
    version             INTEGER NOT NULL,
    published_on        DATE NOT NULL,
    notice_ends_on      DATE NOT NULL,
    notice_working_days INTEGER NOT NULL,
    recorded_at         BIGINT NOT NULL,
    recorded_by         TEXT NOT NULL,
    CONSTRAINT session_publications_pkey PRIMARY KEY (session_id, version)
);
CREATE TRIGGER session_publications_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON session_publications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Certificates: identity, versions, and what was done to them.
CREATE TABLE certificates (
    id             TEXT NOT NULL,
    number_key     TEXT NOT NULL,
    permit_scope   TEXT NOT NULL,
    kind           TEXT NOT NULL,
    issuer_id      TEXT NOT NULL,
    worker_id      TEXT NOT NULL,
    session_id     TEXT,
    cures          TEXT,
    cure_ordinal   INTEGER NOT NULL,
    business_key   TEXT NOT NULL,
    token          TEXT NOT NULL,
    filing_id      TEXT NOT NULL,
    filing_version INTEGER NOT NULL,
    registered_at  BIGINT NOT NULL,
    registered_by  TEXT NOT NULL,
    CONSTRAINT certificates_pkey PRIMARY KEY (id),
    CONSTRAINT certificates_number_unique UNIQUE (number_key, permit_scope),
    CONSTRAINT certificates_token_unique UNIQUE (token),
    CONSTRAINT certificates_business_key_unique UNIQUE (business_key)
);
CREATE UNIQUE INDEX certificates_cures_unique ON certificates (cures) WHERE cures IS NOT NULL;
CREATE INDEX certificates_by_worker ON certificates (worker_id, id);
CREATE INDEX certificates_by_issuer ON certificates (issuer_id, id);
CREATE INDEX certificates_by_session ON certificates (session_id, worker_id) WHERE session_id IS NOT NULL;
CREATE TRIGGER certificates_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON certificates FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE certificate_versions (
    certificate_id     TEXT NOT NULL,
    version            INTEGER NOT NULL,
    credential_id      TEXT NOT NULL,
    key_id             TEXT NOT NULL,
    document_digest    TEXT NOT NULL,
    holder_document_id TEXT NOT NULL,
    facts              TEXT NOT NULL,
    issued_on          DATE NOT NULL,
    valid_to           DATE,
    review_due_on      DATE,
    form_serial        TEXT,
    status_list        BIGINT NOT NULL,
    status_position    INTEGER NOT NULL,
    status_index       INTEGER NOT NULL,
    reason             TEXT,
    decision_document  TEXT,
    issued_at          BIGINT NOT NULL,
    issued_by          TEXT NOT NULL,
    -- Behind everything that is read without it: a large value pushes what follows it onto further pages.
    sealed_holder      BYTEA NOT NULL,
    sealed_document    BYTEA NOT NULL,
    CONSTRAINT certificate_versions_pkey PRIMARY KEY (certificate_id, version),
    CONSTRAINT certificate_versions_credential_id_unique UNIQUE (credential_id),
    -- The index follows from the position by a permutation, so unique positions are unique indexes, in an order that costs less.
    CONSTRAINT certificate_versions_status_entry_unique UNIQUE (status_list, status_position)
);
CREATE TRIGGER certificate_versions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON certificate_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE status_changes (
    certificate_id    TEXT NOT NULL,
    sequence          INTEGER NOT NULL,
    change            TEXT NOT NULL,
    state_after       TEXT NOT NULL,
    reason            TEXT NOT NULL,
    decision_document TEXT,
    changed_at        BIGINT NOT NULL,
    changed_by        TEXT NOT NULL,
    CONSTRAINT status_changes_pkey PRIMARY KEY (certificate_id, sequence)
);
CREATE TRIGGER status_changes_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON status_changes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE permit_reviews (
    certificate_id    TEXT NOT NULL,
    sequence          INTEGER NOT NULL,
    reviewed_on       DATE NOT NULL,
    decision_document TEXT,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT permit_reviews_pkey PRIMARY KEY (certificate_id, sequence)
);
CREATE TRIGGER permit_reviews_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON permit_reviews FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The log: one entry per recorded fact, in one order for all nodes; full tiles of its tree; a signed checkpoint for every commit.
CREATE TABLE log_entries (
    position        BIGINT NOT NULL,
    kind            TEXT NOT NULL,
    organisation_id TEXT,
    subject         TEXT NOT NULL,
    recorded_at     BIGINT NOT NULL,
    salt            BYTEA NOT NULL,
    commitment      BYTEA NOT NULL,
    CONSTRAINT log_entries_pkey PRIMARY KEY (position)
);
CREATE INDEX log_entries_of_credentials ON log_entries (subject) WHERE kind = 'credential_signed';
CREATE TRIGGER log_entries_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE log_tiles (
    level      INTEGER NOT NULL,
    tile_index BIGINT NOT NULL,
    hashes     BYTEA NOT NULL,
    root       BYTEA NOT NULL,
    CONSTRAINT log_tiles_pkey PRIMARY KEY (level, tile_index)
);
CREATE TRIGGER log_tiles_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON log_tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE log_checkpoints (
    size        BIGINT NOT NULL,
    recorded_at BIGINT NOT NULL,
    note        TEXT NOT NULL,
    CONSTRAINT log_checkpoints_pkey PRIMARY KEY (size)
);
CREATE TRIGGER log_checkpoints_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who looked at a certificate in bulk, and on what ground (VE-6, PR-5).
CREATE TABLE lookups (
    id              TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    client_id       TEXT NOT NULL,
    worker_id       TEXT NOT NULL,
    certificate_id  TEXT NOT NULL,
    ground          TEXT NOT NULL,
    looked_at       BIGINT NOT NULL,
    CONSTRAINT lookups_pkey PRIMARY KEY (id)
);
CREATE INDEX lookups_by_worker ON lookups (worker_id, id);
CREATE TRIGGER lookups_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON lookups FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- From here on, rows that change: they follow from the facts above, or are forgotten after a while.
CREATE TABLE log_head (
    id               INTEGER NOT NULL,
    size             BIGINT NOT NULL,
    last_recorded_at BIGINT NOT NULL,
    frontier         BYTEA NOT NULL,
    CONSTRAINT log_head_pkey PRIMARY KEY (id)
);

CREATE TABLE certificate_states (
    certificate_id TEXT NOT NULL,
    version        INTEGER NOT NULL,
    state          TEXT NOT NULL,
    reviewed_on    DATE,
    changed_at     BIGINT NOT NULL,
    CONSTRAINT certificate_states_pkey PRIMARY KEY (certificate_id)
);

CREATE TABLE status_lists (
    list       BIGINT NOT NULL,
    purpose    TEXT NOT NULL,
    seed       BYTEA NOT NULL,
    bits       BYTEA NOT NULL,
    version    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT status_lists_pkey PRIMARY KEY (list, purpose)
);

CREATE TABLE counters (
    name TEXT NOT NULL,
    next BIGINT NOT NULL,
    CONSTRAINT counters_pkey PRIMARY KEY (name)
);

CREATE TABLE idempotency_answers (
    caller          TEXT NOT NULL,
    route           TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash       BYTEA NOT NULL,
    status          INTEGER NOT NULL,
    location        TEXT,
    sealed_body     BYTEA NOT NULL,
    answered_at     BIGINT NOT NULL,
    CONSTRAINT idempotency_answers_pkey PRIMARY KEY (caller, route, idempotency_key)
);
CREATE INDEX idempotency_answers_by_time ON idempotency_answers (answered_at);

CREATE TABLE jobs (
    id              TEXT NOT NULL,
    kind            TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    input           TEXT NOT NULL,
    dry_run         BOOLEAN NOT NULL,
    state           TEXT NOT NULL,
    total           INTEGER NOT NULL,
    done            INTEGER NOT NULL,
    failed          INTEGER NOT NULL,
    created_at      BIGINT NOT NULL,
    created_by      TEXT NOT NULL,
    started_at      BIGINT,
    finished_at     BIGINT,
    lease_until     BIGINT,
    lease_holder    TEXT,
    CONSTRAINT jobs_pkey PRIMARY KEY (id)
);
CREATE INDEX jobs_by_state ON jobs (state, created_at);

CREATE TABLE job_rows (
    job_id     TEXT NOT NULL,
    row_number INTEGER NOT NULL,
    subject    TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    result     TEXT NOT NULL,
    CONSTRAINT job_rows_pkey PRIMARY KEY (job_id, row_number)
);

-- What a batch came with, sealed, as long as its certificates are kept.
CREATE TABLE batch_chunks (
    batch_id    TEXT NOT NULL,
    chunk       INTEGER NOT NULL,
    sealed_rows BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    CONSTRAINT batch_chunks_pkey PRIMARY KEY (batch_id, chunk)
);

INSERT INTO log_head (id, size, last_recorded_at, frontier) VALUES (1, 0, 0, '');
