-- Cosignatures that witnesses gave to checkpoints of this log (C2SP tlog-cosignature).
CREATE TABLE log_cosignatures (
    size        BIGINT NOT NULL,
    witness     TEXT NOT NULL,
    line        TEXT NOT NULL,
    cosigned_at BIGINT NOT NULL,
    CONSTRAINT log_cosignatures_pkey PRIMARY KEY (size, witness)
);
CREATE INDEX log_cosignatures_by_witness ON log_cosignatures (witness, size);
CREATE TRIGGER log_cosignatures_refuses_update BEFORE UPDATE ON log_cosignatures BEGIN SELECT RAISE(ABORT, 'table log_cosignatures is append-only'); END;
CREATE TRIGGER log_cosignatures_refuses_delete BEFORE DELETE ON log_cosignatures BEGIN SELECT RAISE(ABORT, 'table log_cosignatures is append-only'); END;

-- The newest checkpoint of each log that this registry, as a witness, has cosigned. Changes: a witness keeps the latest only.
CREATE TABLE witnessed_logs (
    origin      TEXT NOT NULL,
    origin_hash TEXT NOT NULL,
    size        BIGINT NOT NULL,
    root        BLOB NOT NULL,
    note        TEXT NOT NULL,
    cosigned_at BIGINT NOT NULL,
    CONSTRAINT witnessed_logs_pkey PRIMARY KEY (origin)
);
CREATE INDEX witnessed_logs_by_hash ON witnessed_logs (origin_hash);

-- Two nodes that start at once must not cosign with two keys.
CREATE UNIQUE INDEX signing_keys_one_witness ON signing_keys (owner) WHERE purpose = 'witness';
