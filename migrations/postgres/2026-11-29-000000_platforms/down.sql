DROP TABLE share_redemptions;
