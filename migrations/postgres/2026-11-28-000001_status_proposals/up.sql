-- Changes of status that wait for a second person.

CREATE TABLE status_proposals (
    id                TEXT NOT NULL,
    certificate_id    TEXT NOT NULL,
    issuer_id         TEXT NOT NULL,
    change            TEXT NOT NULL,
    reason            TEXT NOT NULL,
    decision_document TEXT,
    proposed_at       BIGINT NOT NULL,
    proposed_by       TEXT NOT NULL,
    CONSTRAINT status_proposals_pkey PRIMARY KEY (id)
);
CREATE INDEX status_proposals_by_issuer ON status_proposals (issuer_id, id);
CREATE TRIGGER status_proposals_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON status_proposals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What the second person said; once.
CREATE TABLE status_decisions (
    proposal_id TEXT NOT NULL,
    approved    BOOLEAN NOT NULL,
    decided_at  BIGINT NOT NULL,
    decided_by  TEXT NOT NULL,
    CONSTRAINT status_decisions_pkey PRIMARY KEY (proposal_id)
);
CREATE TRIGGER status_decisions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON status_decisions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Whoever proposed a change does not decide on it, whatever program writes it.
CREATE FUNCTION status_decisions_by_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decided_by = (SELECT proposed_by FROM status_proposals WHERE id = NEW.proposal_id) THEN
        RAISE EXCEPTION 'status_decisions_by_another';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER status_decisions_by_another BEFORE INSERT ON status_decisions FOR EACH ROW EXECUTE FUNCTION status_decisions_by_another();
