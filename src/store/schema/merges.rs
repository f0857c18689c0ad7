//! Two records of one person.

diesel::table! {
    worker_merges (id) {
        id -> Text,
        worker_id -> Text,
        merged_worker_id -> Text,
        reason -> Text,
        decision_document -> Nullable<Text>,
        organisation_id -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    worker_merge_ends (merge_id) {
        merge_id -> Text,
        reason -> Text,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    merged_workers (worker_id) {
        worker_id -> Text,
        into_worker_id -> Text,
        merge_id -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(worker_merges, worker_merge_ends, merged_workers);
