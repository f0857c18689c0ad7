-- Codes of platforms that were exchanged for tokens; each once.
CREATE TABLE share_redemptions (
    share_id    TEXT NOT NULL,
    redeemed_at BIGINT NOT NULL,
    CONSTRAINT share_redemptions_pkey PRIMARY KEY (share_id)
);
CREATE TRIGGER share_redemptions_refuses_update BEFORE UPDATE ON share_redemptions BEGIN SELECT RAISE(ABORT, 'table share_redemptions is append-only'); END;
CREATE TRIGGER share_redemptions_refuses_delete BEFORE DELETE ON share_redemptions BEGIN SELECT RAISE(ABORT, 'table share_redemptions is append-only'); END;
