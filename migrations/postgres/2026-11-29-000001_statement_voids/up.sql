-- Statements of online platforms that others have voided (xAPI 1.0.3, part two, 2.3.2); a statement may be voided before it comes.
CREATE TABLE statement_voids (
    organisation_id TEXT NOT NULL,
    statement_id    TEXT NOT NULL,
    voided_by       TEXT NOT NULL,
    voided_at       BIGINT NOT NULL,
    CONSTRAINT statement_voids_pkey PRIMARY KEY (organisation_id, statement_id)
);
CREATE TRIGGER statement_voids_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_voids FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Which statements tell of the same study.
CREATE INDEX statements_by_study ON statements (worker_id, started_at);
