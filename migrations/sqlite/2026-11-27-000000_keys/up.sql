-- Keys that were stolen: what such a key signed counts only if the log had it before.
CREATE TABLE key_revocations (
    key_id         TEXT NOT NULL,
    compromised_at BIGINT NOT NULL,
    reason         TEXT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    CONSTRAINT key_revocations_pkey PRIMARY KEY (key_id)
) WITHOUT ROWID;
CREATE TRIGGER key_revocations_refuses_update BEFORE UPDATE ON key_revocations BEGIN SELECT RAISE(ABORT, 'table key_revocations is append-only'); END;
CREATE TRIGGER key_revocations_refuses_delete BEFORE DELETE ON key_revocations BEGIN SELECT RAISE(ABORT, 'table key_revocations is append-only'); END;

-- Nothing is issued under a stolen key, nor under one whose successor was in force at the moment of issue; also by a node that has not
-- heard of it yet.
CREATE TRIGGER certificate_versions_refuses_old_key BEFORE INSERT ON certificate_versions
WHEN EXISTS (SELECT 1 FROM key_revocations WHERE key_id = NEW.key_id)
    OR EXISTS (
        SELECT 1 FROM signing_keys AS used
        JOIN signing_keys AS newer ON newer.owner = used.owner AND newer.purpose = used.purpose AND newer.created_at > used.created_at
        WHERE used.key_id = NEW.key_id AND newer.created_at <= NEW.issued_at
    )
BEGIN SELECT RAISE(ABORT, 'certificate_versions_key_in_force'); END;
