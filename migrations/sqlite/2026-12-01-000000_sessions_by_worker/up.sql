-- A worker who signs out everywhere ends every session of theirs.
CREATE INDEX worker_sessions_by_worker ON worker_sessions (worker_id);
