DROP INDEX certificates_by_worker;
CREATE INDEX certificates_by_worker ON certificates (worker_id, id);
