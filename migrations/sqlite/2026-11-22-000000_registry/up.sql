-- The registry's first tables. Instants are microseconds since 1970 in UTC; legal dates are dates.
-- Append-only tables refuse UPDATE and DELETE by trigger: a mistake is answered by a new row.

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
CREATE TRIGGER catalogue_imports_refuses_update BEFORE UPDATE ON catalogue_imports BEGIN SELECT RAISE(ABORT, 'table catalogue_imports is append-only'); END;
CREATE TRIGGER catalogue_imports_refuses_delete BEFORE DELETE ON catalogue_imports BEGIN SELECT RAISE(ABORT, 'table catalogue_imports is append-only'); END;

CREATE TABLE catalogue_entries (
    import_id TEXT NOT NULL,
    position  INTEGER NOT NULL,
    entry_key TEXT NOT NULL,
    body      TEXT NOT NULL,
    CONSTRAINT catalogue_entries_pkey PRIMARY KEY (import_id, position)
);
CREATE TRIGGER catalogue_entries_refuses_update BEFORE UPDATE ON catalogue_entries BEGIN SELECT RAISE(ABORT, 'table catalogue_entries is append-only'); END;
CREATE TRIGGER catalogue_entries_refuses_delete BEFORE DELETE ON catalogue_entries BEGIN SELECT RAISE(ABORT, 'table catalogue_entries is append-only'); END;

-- Organisations, their filings and the programs that call for them.
CREATE TABLE organisations (
    id            TEXT NOT NULL,
    credit_code   TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    CONSTRAINT organisations_pkey PRIMARY KEY (id),
    CONSTRAINT organisations_credit_code_unique UNIQUE (credit_code)
);
CREATE TRIGGER organisations_refuses_update BEFORE UPDATE ON organisations BEGIN SELECT RAISE(ABORT, 'table organisations is append-only'); END;
CREATE TRIGGER organisations_refuses_delete BEFORE DELETE ON organisations BEGIN SELECT RAISE(ABORT, 'table organisations is append-only'); END;

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
CREATE TRIGGER organisation_versions_refuses_update BEFORE UPDATE ON organisation_versions BEGIN SELECT RAISE(ABORT, 'table organisation_versions is append-only'); END;
CREATE TRIGGER organisation_versions_refuses_delete BEFORE DELETE ON organisation_versions BEGIN SELECT RAISE(ABORT, 'table organisation_versions is append-only'); END;

CREATE TABLE number_prefixes (
    prefix          TEXT NOT NULL,
    organisation_id TEXT NOT NULL,
    assigned_at     BIGINT NOT NULL,
    CONSTRAINT number_prefixes_pkey PRIMARY KEY (prefix)
) WITHOUT ROWID;
CREATE TRIGGER number_prefixes_refuses_update BEFORE UPDATE ON number_prefixes BEGIN SELECT RAISE(ABORT, 'table number_prefixes is append-only'); END;
CREATE TRIGGER number_prefixes_refuses_delete BEFORE DELETE ON number_prefixes BEGIN SELECT RAISE(ABORT, 'table number_prefixes is append-only'); END;

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
CREATE TRIGGER filing_versions_refuses_update BEFORE UPDATE ON filing_versions BEGIN SELECT RAISE(ABORT, 'table filing_versions is append-only'); END;
CREATE TRIGGER filing_versions_refuses_delete BEFORE DELETE ON filing_versions BEGIN SELECT RAISE(ABORT, 'table filing_versions is append-only'); END;

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
CREATE TRIGGER clients_refuses_update BEFORE UPDATE ON clients BEGIN SELECT RAISE(ABORT, 'table clients is append-only'); END;
CREATE TRIGGER clients_refuses_delete BEFORE DELETE ON clients BEGIN SELECT RAISE(ABORT, 'table clients is append-only'); END;

CREATE TABLE client_revocations (
    client_id  TEXT NOT NULL,
    reason     TEXT NOT NULL,
    revoked_at BIGINT NOT NULL,
    revoked_by TEXT NOT NULL,
    CONSTRAINT client_revocations_pkey PRIMARY KEY (client_id)
);
CREATE TRIGGER client_revocations_refuses_update BEFORE UPDATE ON client_revocations BEGIN SELECT RAISE(ABORT, 'table client_revocations is append-only'); END;
CREATE TRIGGER client_revocations_refuses_delete BEFORE DELETE ON client_revocations BEGIN SELECT RAISE(ABORT, 'table client_revocations is append-only'); END;

CREATE TABLE signing_keys (
    key_id        TEXT NOT NULL,
    owner         TEXT NOT NULL,
    purpose       TEXT NOT NULL,
    public_key    BLOB NOT NULL,
    sealed_secret BLOB NOT NULL,
    created_at    BIGINT NOT NULL,
    CONSTRAINT signing_keys_pkey PRIMARY KEY (key_id)
);
CREATE INDEX signing_keys_by_owner ON signing_keys (owner);
-- Two nodes that set up one database at once must not sign two logs.
CREATE UNIQUE INDEX signing_keys_one_log ON signing_keys (owner) WHERE purpose = 'log';
CREATE TRIGGER signing_keys_refuses_update BEFORE UPDATE ON signing_keys BEGIN SELECT RAISE(ABORT, 'table signing_keys is append-only'); END;
CREATE TRIGGER signing_keys_refuses_delete BEFORE DELETE ON signing_keys BEGIN SELECT RAISE(ABORT, 'table signing_keys is append-only'); END;

-- Workers: names and numbers are sealed, and found by keyed hash.
CREATE TABLE workers (
    id            TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    CONSTRAINT workers_pkey PRIMARY KEY (id)
);
CREATE TRIGGER workers_refuses_update BEFORE UPDATE ON workers BEGIN SELECT RAISE(ABORT, 'table workers is append-only'); END;
CREATE TRIGGER workers_refuses_delete BEFORE DELETE ON workers BEGIN SELECT RAISE(ABORT, 'table workers is append-only'); END;

CREATE TABLE worker_names (
    worker_id   TEXT NOT NULL,
    version     INTEGER NOT NULL,
    sealed_name BLOB NOT NULL,
    reason      TEXT,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT worker_names_pkey PRIMARY KEY (worker_id, version)
);
CREATE TRIGGER worker_names_refuses_update BEFORE UPDATE ON worker_names BEGIN SELECT RAISE(ABORT, 'table worker_names is append-only'); END;
CREATE TRIGGER worker_names_refuses_delete BEFORE DELETE ON worker_names BEGIN SELECT RAISE(ABORT, 'table worker_names is append-only'); END;

CREATE TABLE worker_documents (
    id            TEXT NOT NULL,
    worker_id     TEXT NOT NULL,
    document_type TEXT NOT NULL,
    country       TEXT NOT NULL,
    sealed_number BLOB NOT NULL,
    number_hash   BLOB NOT NULL,
    recorded_at   BIGINT NOT NULL,
    recorded_by   TEXT NOT NULL,
    CONSTRAINT worker_documents_pkey PRIMARY KEY (id),
    CONSTRAINT worker_documents_number_unique UNIQUE (number_hash, document_type, country)
);
CREATE INDEX worker_documents_by_worker ON worker_documents (worker_id);
CREATE TRIGGER worker_documents_refuses_update BEFORE UPDATE ON worker_documents BEGIN SELECT RAISE(ABORT, 'table worker_documents is append-only'); END;
CREATE TRIGGER worker_documents_refuses_delete BEFORE DELETE ON worker_documents BEGIN SELECT RAISE(ABORT, 'table worker_documents is append-only'); END;

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
CREATE TRIGGER assessment_sessions_refuses_update BEFORE UPDATE ON assessment_sessions BEGIN SELECT RAISE(ABORT, 'table assessment_sessions is append-only'); END;
CREATE TRIGGER assessment_sessions_refuses_delete BEFORE DELETE ON assessment_sessions BEGIN SELECT RAISE(ABORT, 'table assessment_sessions is append-only'); END;

CREATE TABLE session_candidates (
    session_id    TEXT NOT NULL,
    worker_id     TEXT NOT NULL,
    employment    TEXT NOT NULL,
    registered_at BIGINT NOT NULL,
    registered_by TEXT NOT NULL,
    CONSTRAINT session_candidates_pkey PRIMARY KEY (session_id, worker_id)
) WITHOUT ROWID;
CREATE TRIGGER session_candidates_refuses_update BEFORE UPDATE ON session_candidates BEGIN SELECT RAISE(ABORT, 'table session_candidates is append-only'); END;
CREATE TRIGGER session_candidates_refuses_delete BEFORE DELETE ON session_candidates BEGIN SELECT RAISE(ABORT, 'table session_candidates is append-only'); END;

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
CREATE TRIGGER session_scores_refuses_update BEFORE UPDATE ON session_scores BEGIN SELECT RAISE(ABORT, 'table session_scores is append-only'); END;
CREATE TRIGGER session_scores_refuses_delete BEFORE DELETE ON session_scores BEGIN SELECT RAISE(ABORT, 'table session_scores is append-only'); END;

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
CREATE TRIGGER session_publications_refuses_update BEFORE UPDATE ON session_publications BEGIN SELECT RAISE(ABORT, 'table session_publications is append-only'); END;
CREATE TRIGGER session_publications_refuses_delete BEFORE DELETE ON session_publications BEGIN SELECT RAISE(ABORT, 'table session_publications is append-only'); END;

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
CREATE TRIGGER certificates_refuses_update BEFORE UPDATE ON certificates BEGIN SELECT RAISE(ABORT, 'table certificates is append-only'); END;
CREATE TRIGGER certificates_refuses_delete BEFORE DELETE ON certificates BEGIN SELECT RAISE(ABORT, 'table certificates is append-only'); END;

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
    sealed_holder      BLOB NOT NULL,
    sealed_document    BLOB NOT NULL,
    CONSTRAINT certificate_versions_pkey PRIMARY KEY (certificate_id, version),
    CONSTRAINT certificate_versions_credential_id_unique UNIQUE (credential_id),
    -- The index follows from the position by a permutation, so unique positions are unique indexes, in an order that costs less.
    CONSTRAINT certificate_versions_status_entry_unique UNIQUE (status_list, status_position)
);
CREATE TRIGGER certificate_versions_refuses_update BEFORE UPDATE ON certificate_versions BEGIN SELECT RAISE(ABORT, 'table certificate_versions is append-only'); END;
CREATE TRIGGER certificate_versions_refuses_delete BEFORE DELETE ON certificate_versions BEGIN SELECT RAISE(ABORT, 'table certificate_versions is append-only'); END;

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
) WITHOUT ROWID;
CREATE TRIGGER status_changes_refuses_update BEFORE UPDATE ON status_changes BEGIN SELECT RAISE(ABORT, 'table status_changes is append-only'); END;
CREATE TRIGGER status_changes_refuses_delete BEFORE DELETE ON status_changes BEGIN SELECT RAISE(ABORT, 'table status_changes is append-only'); END;

CREATE TABLE permit_reviews (
    certificate_id    TEXT NOT NULL,
    sequence          INTEGER NOT NULL,
    reviewed_on       DATE NOT NULL,
    decision_document TEXT,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT permit_reviews_pkey PRIMARY KEY (certificate_id, sequence)
);
CREATE TRIGGER permit_reviews_refuses_update BEFORE UPDATE ON permit_reviews BEGIN SELECT RAISE(ABORT, 'table permit_reviews is append-only'); END;
CREATE TRIGGER permit_reviews_refuses_delete BEFORE DELETE ON permit_reviews BEGIN SELECT RAISE(ABORT, 'table permit_reviews is append-only'); END;

-- The log: one entry per recorded fact, in one order for all nodes; full tiles of its tree; a signed checkpoint for every commit.
CREATE TABLE log_entries (
    position        INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    organisation_id TEXT,
    subject         TEXT NOT NULL,
    recorded_at     BIGINT NOT NULL,
    salt            BLOB NOT NULL,
    commitment      BLOB NOT NULL,
    CONSTRAINT log_entries_pkey PRIMARY KEY (position)
);
CREATE INDEX log_entries_of_credentials ON log_entries (subject) WHERE kind = 'credential_signed';
CREATE TRIGGER log_entries_refuses_update BEFORE UPDATE ON log_entries BEGIN SELECT RAISE(ABORT, 'table log_entries is append-only'); END;
CREATE TRIGGER log_entries_refuses_delete BEFORE DELETE ON log_entries BEGIN SELECT RAISE(ABORT, 'table log_entries is append-only'); END;

CREATE TABLE log_tiles (
    level      INTEGER NOT NULL,
    tile_index BIGINT NOT NULL,
    hashes     BLOB NOT NULL,
    root       BLOB NOT NULL,
    CONSTRAINT log_tiles_pkey PRIMARY KEY (level, tile_index)
);
CREATE TRIGGER log_tiles_refuses_update BEFORE UPDATE ON log_tiles BEGIN SELECT RAISE(ABORT, 'table log_tiles is append-only'); END;
CREATE TRIGGER log_tiles_refuses_delete BEFORE DELETE ON log_tiles BEGIN SELECT RAISE(ABORT, 'table log_tiles is append-only'); END;

CREATE TABLE log_checkpoints (
    size        INTEGER NOT NULL,
    recorded_at BIGINT NOT NULL,
    note        TEXT NOT NULL,
    CONSTRAINT log_checkpoints_pkey PRIMARY KEY (size)
);
CREATE TRIGGER log_checkpoints_refuses_update BEFORE UPDATE ON log_checkpoints BEGIN SELECT RAISE(ABORT, 'table log_checkpoints is append-only'); END;
CREATE TRIGGER log_checkpoints_refuses_delete BEFORE DELETE ON log_checkpoints BEGIN SELECT RAISE(ABORT, 'table log_checkpoints is append-only'); END;

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
CREATE TRIGGER lookups_refuses_update BEFORE UPDATE ON lookups BEGIN SELECT RAISE(ABORT, 'table lookups is append-only'); END;
CREATE TRIGGER lookups_refuses_delete BEFORE DELETE ON lookups BEGIN SELECT RAISE(ABORT, 'table lookups is append-only'); END;

-- From here on, rows that change: they follow from the facts above, or are forgotten after a while.
CREATE TABLE log_head (
    id               INTEGER NOT NULL,
    size             BIGINT NOT NULL,
    last_recorded_at BIGINT NOT NULL,
    frontier         BLOB NOT NULL,
    CONSTRAINT log_head_pkey PRIMARY KEY (id)
);

CREATE TABLE certificate_states (
    certificate_id TEXT NOT NULL,
    version        INTEGER NOT NULL,
    state          TEXT NOT NULL,
    reviewed_on    DATE,
    changed_at     BIGINT NOT NULL,
    CONSTRAINT certificate_states_pkey PRIMARY KEY (certificate_id)
) WITHOUT ROWID;

CREATE TABLE status_lists (
    list       BIGINT NOT NULL,
    purpose    TEXT NOT NULL,
    seed       BLOB NOT NULL,
    bits       BLOB NOT NULL,
    version    BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT status_lists_pkey PRIMARY KEY (list, purpose)
);

CREATE TABLE counters (
    name TEXT NOT NULL,
    next BIGINT NOT NULL,
    CONSTRAINT counters_pkey PRIMARY KEY (name)
) WITHOUT ROWID;

CREATE TABLE idempotency_answers (
    caller          TEXT NOT NULL,
    route           TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash       BLOB NOT NULL,
    status          INTEGER NOT NULL,
    location        TEXT,
    sealed_body     BLOB NOT NULL,
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
    sealed_rows BLOB NOT NULL,
    received_at BIGINT NOT NULL,
    CONSTRAINT batch_chunks_pkey PRIMARY KEY (batch_id, chunk)
);

INSERT INTO log_head (id, size, last_recorded_at, frontier) VALUES (1, 0, 0, x'');
