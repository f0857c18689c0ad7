DROP TRIGGER certificate_versions_refuses_old_key ON certificate_versions;
DROP FUNCTION refuse_old_key();
DROP TABLE key_revocations;
