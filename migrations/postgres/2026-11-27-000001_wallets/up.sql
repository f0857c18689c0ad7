-- Credentials for wallets (OpenID for Verifiable Credential Issuance).

-- Offers that workers made of their certificates; codes as keyed hashes.
CREATE TABLE wallet_offers (
    id             TEXT NOT NULL,
    worker_id      TEXT NOT NULL,
    certificate_id TEXT NOT NULL,
    code_hash      BYTEA NOT NULL,
    pin_hash       BYTEA NOT NULL,
    expires_at     BIGINT NOT NULL,
    made_at        BIGINT NOT NULL,
    CONSTRAINT wallet_offers_pkey PRIMARY KEY (id),
    CONSTRAINT wallet_offers_code_unique UNIQUE (code_hash)
);
CREATE TRIGGER wallet_offers_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_offers FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A wallet that came for an offer. An offer is taken up once.
CREATE TABLE wallet_pickups (
    offer_id   TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at   BIGINT NOT NULL,
    CONSTRAINT wallet_pickups_pkey PRIMARY KEY (offer_id),
    CONSTRAINT wallet_pickups_token_unique UNIQUE (token_hash)
);
CREATE TRIGGER wallet_pickups_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_pickups FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a wallet took. A nonce serves once; without a key of the wallet it is the offer's own.
CREATE TABLE wallet_credentials (
    nonce_hash      BYTEA NOT NULL,
    offer_id        TEXT NOT NULL,
    configuration   TEXT NOT NULL,
    holder_key_hash BYTEA,
    issued_at       BIGINT NOT NULL,
    CONSTRAINT wallet_credentials_pkey PRIMARY KEY (nonce_hash)
);
CREATE TRIGGER wallet_credentials_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON wallet_credentials FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
