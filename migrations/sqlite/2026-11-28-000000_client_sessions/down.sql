DROP TABLE client_session_ends;
DROP TABLE client_sessions;
