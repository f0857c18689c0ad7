-- Statements of online platforms (xAPI).

-- Statements as they were received, sealed, each as evidence of the study interval that was made from it. `findings` is a JSON text.
CREATE TABLE statements (
    organisation_id  TEXT NOT NULL,
    id               TEXT NOT NULL,
    sealed_statement BLOB NOT NULL,
    statement_hash   BLOB NOT NULL,
    verb             TEXT NOT NULL,
    session          TEXT,
    happened_at      BIGINT NOT NULL,
    worker_id        TEXT,
    class_id         TEXT,
    outcome          TEXT NOT NULL,
    started_at       BIGINT,
    ended_at         BIGINT,
    findings         TEXT NOT NULL,
    stored_at        BIGINT NOT NULL,
    stored_by        TEXT NOT NULL,
    CONSTRAINT statements_pkey PRIMARY KEY (organisation_id, id)
);
CREATE INDEX statements_by_session ON statements (organisation_id, session, happened_at);
CREATE INDEX statements_by_time ON statements (organisation_id, stored_at, id);
CREATE TRIGGER statements_refuses_update BEFORE UPDATE ON statements BEGIN SELECT RAISE(ABORT, 'table statements is append-only'); END;
CREATE TRIGGER statements_refuses_delete BEFORE DELETE ON statements BEGIN SELECT RAISE(ABORT, 'table statements is append-only'); END;
