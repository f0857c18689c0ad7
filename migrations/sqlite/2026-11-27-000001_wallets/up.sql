-- Credentials for wallets (OpenID for Verifiable Credential Issuance).

-- Offers that workers made of their certificates; codes as keyed hashes.
CREATE TABLE wallet_offers (
    id             TEXT NOT NULL,
    worker_id      TEXT NOT NULL,
    certificate_id TEXT NOT NULL,
    code_hash      BLOB NOT NULL,
    pin_hash       BLOB NOT NULL,
    expires_at     BIGINT NOT NULL,
    made_at        BIGINT NOT NULL,
    CONSTRAINT wallet_offers_pkey PRIMARY KEY (id),
    CONSTRAINT wallet_offers_code_unique UNIQUE (code_hash)
);
CREATE TRIGGER wallet_offers_refuses_update BEFORE UPDATE ON wallet_offers BEGIN SELECT RAISE(ABORT, 'table wallet_offers is append-only'); END;
CREATE TRIGGER wallet_offers_refuses_delete BEFORE DELETE ON wallet_offers BEGIN SELECT RAISE(ABORT, 'table wallet_offers is append-only'); END;

-- A wallet that came for an offer. An offer is taken up once.
CREATE TABLE wallet_pickups (
    offer_id   TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at   BIGINT NOT NULL,
    CONSTRAINT wallet_pickups_pkey PRIMARY KEY (offer_id),
    CONSTRAINT wallet_pickups_token_unique UNIQUE (token_hash)
);
CREATE TRIGGER wallet_pickups_refuses_update BEFORE UPDATE ON wallet_pickups BEGIN SELECT RAISE(ABORT, 'table wallet_pickups is append-only'); END;
CREATE TRIGGER wallet_pickups_refuses_delete BEFORE DELETE ON wallet_pickups BEGIN SELECT RAISE(ABORT, 'table wallet_pickups is append-only'); END;

-- What a wallet took. A nonce serves once; without a key of the wallet it is the offer's own.
CREATE TABLE wallet_credentials (
    nonce_hash      BLOB NOT NULL,
    offer_id        TEXT NOT NULL,
    configuration   TEXT NOT NULL,
    holder_key_hash BLOB,
    issued_at       BIGINT NOT NULL,
    CONSTRAINT wallet_credentials_pkey PRIMARY KEY (nonce_hash)
);
CREATE TRIGGER wallet_credentials_refuses_update BEFORE UPDATE ON wallet_credentials BEGIN SELECT RAISE(ABORT, 'table wallet_credentials is append-only'); END;
CREATE TRIGGER wallet_credentials_refuses_delete BEFORE DELETE ON wallet_credentials BEGIN SELECT RAISE(ABORT, 'table wallet_credentials is append-only'); END;
