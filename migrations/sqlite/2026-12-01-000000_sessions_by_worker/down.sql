DROP INDEX worker_sessions_by_worker;
