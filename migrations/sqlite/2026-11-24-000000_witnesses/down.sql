DROP INDEX signing_keys_one_witness;
DROP TABLE witnessed_logs;
DROP TABLE log_cosignatures;
