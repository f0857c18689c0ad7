DROP TABLE worker_session_ends;
DROP TABLE worker_sessions;
DROP TABLE access_codes;
