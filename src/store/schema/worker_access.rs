//! Workers' own access.

diesel::table! {
    access_codes (code_hash) {
        code_hash -> Binary,
        worker_id -> Text,
        organisation_id -> Nullable<Text>,
        by_registrar -> Bool,
        expires_at -> BigInt,
        made_at -> BigInt,
        made_by -> Text,
    }
}

diesel::table! {
    worker_sessions (id) {
        id -> Text,
        worker_id -> Text,
        code_hash -> Binary,
        started_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    worker_session_ends (session_id) {
        session_id -> Text,
        ended_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(access_codes, worker_sessions, worker_session_ends);
