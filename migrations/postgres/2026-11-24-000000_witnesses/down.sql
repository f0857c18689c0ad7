DROP TABLE witnessed_logs;
DROP TABLE log_cosignatures;
