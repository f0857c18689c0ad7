-- Codes of platforms that were exchanged for tokens; each once.
CREATE TABLE share_redemptions (
    share_id    TEXT NOT NULL,
    redeemed_at BIGINT NOT NULL,
    CONSTRAINT share_redemptions_pkey PRIMARY KEY (share_id)
);
CREATE TRIGGER share_redemptions_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON share_redemptions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
