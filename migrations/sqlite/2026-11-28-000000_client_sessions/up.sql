-- People of organisations, who sign in with a client's secret.

-- Sessions of clients in a browser.
CREATE TABLE client_sessions (
    id         TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    CONSTRAINT client_sessions_pkey PRIMARY KEY (id)
);
CREATE INDEX client_sessions_by_client ON client_sessions (client_id, expires_at);
CREATE TRIGGER client_sessions_refuses_update BEFORE UPDATE ON client_sessions BEGIN SELECT RAISE(ABORT, 'table client_sessions is append-only'); END;
CREATE TRIGGER client_sessions_refuses_delete BEFORE DELETE ON client_sessions BEGIN SELECT RAISE(ABORT, 'table client_sessions is append-only'); END;

-- Sessions that were ended before their time.
CREATE TABLE client_session_ends (
    session_id TEXT NOT NULL,
    ended_at   BIGINT NOT NULL,
    CONSTRAINT client_session_ends_pkey PRIMARY KEY (session_id)
);
CREATE TRIGGER client_session_ends_refuses_update BEFORE UPDATE ON client_session_ends BEGIN SELECT RAISE(ABORT, 'table client_session_ends is append-only'); END;
CREATE TRIGGER client_session_ends_refuses_delete BEFORE DELETE ON client_session_ends BEGIN SELECT RAISE(ABORT, 'table client_session_ends is append-only'); END;
