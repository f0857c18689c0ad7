//! Statements of online platforms.

diesel::table! {
    statements (organisation_id, id) {
        organisation_id -> Text,
        id -> Text,
        sealed_statement -> Binary,
        statement_hash -> Binary,
        verb -> Text,
        session -> Nullable<Text>,
        happened_at -> BigInt,
        worker_id -> Nullable<Text>,
        class_id -> Nullable<Text>,
        outcome -> Text,
        started_at -> Nullable<BigInt>,
        ended_at -> Nullable<BigInt>,
        findings -> Text,
        stored_at -> BigInt,
        stored_by -> Text,
    }
}

diesel::table! {
    statement_voids (organisation_id, statement_id) {
        organisation_id -> Text,
        statement_id -> Text,
        voided_by -> Text,
        voided_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(statements, statement_voids);
