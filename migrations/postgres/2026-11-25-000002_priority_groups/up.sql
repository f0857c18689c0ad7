-- Priority groups.

-- Memberships of priority groups, sealed: poverty, disability and service are sensitive (PR-3).
CREATE TABLE worker_groups (
    id                TEXT NOT NULL,
    worker_id         TEXT NOT NULL,
    sealed_membership BYTEA NOT NULL,
    membership_hash   BYTEA NOT NULL,
    valid_from        DATE NOT NULL,
    valid_to          DATE,
    organisation_id   TEXT,
    recorded_at       BIGINT NOT NULL,
    recorded_by       TEXT NOT NULL,
    CONSTRAINT worker_groups_pkey PRIMARY KEY (id)
);
CREATE INDEX worker_groups_by_worker ON worker_groups (worker_id, id);
CREATE TRIGGER worker_groups_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON worker_groups FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Memberships that ended earlier than was recorded, or that were recorded wrongly.
CREATE TABLE worker_group_ends (
    group_id    TEXT NOT NULL,
    ended_on    DATE NOT NULL,
    sealed_reason BYTEA NOT NULL,
    reason_hash BYTEA NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL,
    CONSTRAINT worker_group_ends_pkey PRIMARY KEY (group_id)
);
CREATE TRIGGER worker_group_ends_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON worker_group_ends FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
