-- Skills competitions.

-- Places that workers took. One worker has one result in one event of a competition.
CREATE TABLE competition_results (
    id                 TEXT NOT NULL,
    worker_id          TEXT NOT NULL,
    competition        TEXT NOT NULL,
    competition_level  TEXT NOT NULL,
    event              TEXT NOT NULL,
    occupation_edition TEXT,
    occupation_code    TEXT,
    place              INTEGER NOT NULL,
    held_on            DATE NOT NULL,
    decision_document  TEXT,
    result_key         TEXT NOT NULL,
    organisation_id    TEXT,
    recorded_at        BIGINT NOT NULL,
    recorded_by        TEXT NOT NULL,
    CONSTRAINT competition_results_pkey PRIMARY KEY (id),
    CONSTRAINT competition_results_key_unique UNIQUE (result_key)
);
CREATE INDEX competition_results_by_worker ON competition_results (worker_id, id);
CREATE TRIGGER competition_results_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON competition_results FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Results that were taken back.
CREATE TABLE competition_annulments (
    result_id         TEXT NOT NULL,
    reason            TEXT NOT NULL,
    decision_document TEXT,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT competition_annulments_pkey PRIMARY KEY (result_id)
);
CREATE TRIGGER competition_annulments_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON competition_annulments FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
