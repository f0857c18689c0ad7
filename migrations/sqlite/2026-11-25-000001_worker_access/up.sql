-- Workers' own access.

-- One-time codes by which workers sign in; kept as keyed hashes.
CREATE TABLE access_codes (
    code_hash       BLOB NOT NULL,
    worker_id       TEXT NOT NULL,
    organisation_id TEXT,
    by_registrar    BOOLEAN NOT NULL,
    expires_at      BIGINT NOT NULL,
    made_at         BIGINT NOT NULL,
    made_by         TEXT NOT NULL,
    CONSTRAINT access_codes_pkey PRIMARY KEY (code_hash)
);
CREATE TRIGGER access_codes_refuses_update BEFORE UPDATE ON access_codes BEGIN SELECT RAISE(ABORT, 'table access_codes is append-only'); END;
CREATE TRIGGER access_codes_refuses_delete BEFORE DELETE ON access_codes BEGIN SELECT RAISE(ABORT, 'table access_codes is append-only'); END;

-- Sessions of workers. A code opens one session.
CREATE TABLE worker_sessions (
    id         TEXT NOT NULL,
    worker_id  TEXT NOT NULL,
    code_hash  BLOB NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT worker_sessions_pkey PRIMARY KEY (id),
    CONSTRAINT worker_sessions_code_unique UNIQUE (code_hash)
);
CREATE TRIGGER worker_sessions_refuses_update BEFORE UPDATE ON worker_sessions BEGIN SELECT RAISE(ABORT, 'table worker_sessions is append-only'); END;
CREATE TRIGGER worker_sessions_refuses_delete BEFORE DELETE ON worker_sessions BEGIN SELECT RAISE(ABORT, 'table worker_sessions is append-only'); END;

-- Sessions that the worker ended.
CREATE TABLE worker_session_ends (
    session_id TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    CONSTRAINT worker_session_ends_pkey PRIMARY KEY (session_id)
);
CREATE TRIGGER worker_session_ends_refuses_update BEFORE UPDATE ON worker_session_ends BEGIN SELECT RAISE(ABORT, 'table worker_session_ends is append-only'); END;
CREATE TRIGGER worker_session_ends_refuses_delete BEFORE DELETE ON worker_session_ends BEGIN SELECT RAISE(ABORT, 'table worker_session_ends is append-only'); END;
