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
CREATE TRIGGER status_proposals_refuses_update BEFORE UPDATE ON status_proposals BEGIN SELECT RAISE(ABORT, 'table status_proposals is append-only'); END;
CREATE TRIGGER status_proposals_refuses_delete BEFORE DELETE ON status_proposals BEGIN SELECT RAISE(ABORT, 'table status_proposals is append-only'); END;

-- What the second person said; once.
CREATE TABLE status_decisions (
    proposal_id TEXT NOT NULL,
    approved    BOOLEAN NOT NULL,
    decided_at  BIGINT NOT NULL,
    decided_by  TEXT NOT NULL,
    CONSTRAINT status_decisions_pkey PRIMARY KEY (proposal_id)
);
CREATE TRIGGER status_decisions_refuses_update BEFORE UPDATE ON status_decisions BEGIN SELECT RAISE(ABORT, 'table status_decisions is append-only'); END;
CREATE TRIGGER status_decisions_refuses_delete BEFORE DELETE ON status_decisions BEGIN SELECT RAISE(ABORT, 'table status_decisions is append-only'); END;
-- Whoever proposed a change does not decide on it, whatever program writes it.
CREATE TRIGGER status_decisions_by_another BEFORE INSERT ON status_decisions
WHEN NEW.decided_by = (SELECT proposed_by FROM status_proposals WHERE id = NEW.proposal_id)
BEGIN SELECT RAISE(ABORT, 'status_decisions_by_another'); END;
