//! Credentials for wallets.

diesel::table! {
    wallet_offers (id) {
        id -> Text,
        worker_id -> Text,
        certificate_id -> Text,
        code_hash -> Binary,
        pin_hash -> Binary,
        expires_at -> BigInt,
        made_at -> BigInt,
    }
}

diesel::table! {
    wallet_pickups (offer_id) {
        offer_id -> Text,
        token_hash -> Binary,
        expires_at -> BigInt,
        taken_at -> BigInt,
    }
}

diesel::table! {
    wallet_credentials (nonce_hash) {
        nonce_hash -> Binary,
        offer_id -> Text,
        configuration -> Text,
        holder_key_hash -> Nullable<Binary>,
        issued_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(wallet_offers, wallet_pickups, wallet_credentials);
