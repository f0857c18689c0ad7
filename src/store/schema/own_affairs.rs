//! What workers take away, share and dispute.

diesel::table! {
    history_exports (id) {
        id -> Text,
        worker_id -> Text,
        form -> Text,
        sha256 -> Text,
        bytes -> BigInt,
        entries -> Integer,
        log_size -> BigInt,
        exported_at -> BigInt,
    }
}

diesel::table! {
    shares (id) {
        id -> Text,
        worker_id -> Text,
        token_hash -> Binary,
        sealed_terms -> Binary,
        terms_hash -> Binary,
        expires_at -> BigInt,
        made_at -> BigInt,
    }
}

diesel::table! {
    share_ends (share_id) {
        share_id -> Text,
        ended_at -> BigInt,
    }
}

diesel::table! {
    share_redemptions (share_id) {
        share_id -> Text,
        redeemed_at -> BigInt,
    }
}

diesel::table! {
    share_views (id) {
        id -> Text,
        share_id -> Text,
        worker_id -> Text,
        viewed_at -> BigInt,
    }
}

diesel::table! {
    disputes (id) {
        id -> Text,
        worker_id -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        ordinal -> Integer,
        organisation_id -> Nullable<Text>,
        sealed_statement -> Binary,
        statement_hash -> Binary,
        due_on -> Date,
        filed_at -> BigInt,
    }
}

diesel::table! {
    dispute_answers (dispute_id) {
        dispute_id -> Text,
        outcome -> Text,
        sealed_answer -> Binary,
        answer_hash -> Binary,
        answered_at -> BigInt,
        answered_by -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(history_exports, shares, share_ends, share_redemptions, share_views, disputes, dispute_answers);
