-- Workers' own access.

-- One-time codes by which workers sign in; kept as keyed hashes.
CREATE TABLE access_codes (
    code_hash       BYTEA NOT NULL,
    worker_id       TEXT NOT NULL,
    organisation_id TEXT,
    by_registrar    BOOLEAN NOT NULL,
    expires_at      BIGINT NOT NULL,
    made_at         BIGINT NOT NULL,
    made_by         TEXT NOT NULL,
    CONSTRAINT access_codes_pkey PRIMARY KEY (code_hash)
);
CREATE TRIGGER access_codes_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON access_codes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Sessions of workers. A code opens one session.
CREATE TABLE worker_sessions (
    id         TEXT NOT NULL,
    worker_id  TEXT NOT NULL,
    code_hash  BYTEA NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT worker_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT worker_sessions_code_unique UNIQUE (code_hash)
);
CREATE TRIGGER worker_sessions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON worker_sessions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Sessions that the worker ended.
CREATE TABLE worker_session_ends (
    session_id TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    CONSTRAINT worker_session_ends_pkey PRIMARY KEY (session_id)
);
CREATE TRIGGER worker_session_ends_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON worker_session_ends FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
