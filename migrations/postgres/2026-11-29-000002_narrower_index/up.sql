-- A person has few certificates, so they are put in order when they are read. Writing the order down took a third of a batch's pages.
DROP INDEX certificates_by_worker;
CREATE INDEX certificates_by_worker ON certificates (worker_id);
