-- Keys that were stolen: what such a key signed counts only if the log had it before.
CREATE TABLE key_revocations (
    key_id         TEXT NOT NULL,
    compromised_at BIGINT NOT NULL,
    reason         TEXT NOT NULL,
    recorded_at    BIGINT NOT NULL,
    CONSTRAINT key_revocations_pkey PRIMARY KEY (key_id)
);
CREATE TRIGGER key_revocations_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON key_revocations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Nothing is issued under a stolen key, nor under one whose successor was in force at the moment of issue; also by a node that has not
-- heard of it yet.
CREATE FUNCTION refuse_old_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM key_revocations WHERE key_id = NEW.key_id) OR EXISTS (
        SELECT 1 FROM signing_keys AS used
        JOIN signing_keys AS newer ON newer.owner = used.owner AND newer.purpose = used.purpose AND newer.created_at > used.created_at
        WHERE used.key_id = NEW.key_id AND newer.created_at <= NEW.issued_at
    ) THEN
        RAISE EXCEPTION USING ERRCODE = 'check_violation', CONSTRAINT = 'certificate_versions_key_in_force', TABLE = 'certificate_versions', MESSAGE = 'certificate_versions_key_in_force';
    END IF;
    RETURN NEW;
END;
$$;
CREATE TRIGGER certificate_versions_refuses_old_key BEFORE INSERT ON certificate_versions FOR EACH ROW EXECUTE FUNCTION refuse_old_key();
