DROP TABLE wallet_credentials;
DROP TABLE wallet_pickups;
DROP TABLE wallet_offers;
