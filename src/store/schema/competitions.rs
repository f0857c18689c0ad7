//! Skills competitions.

diesel::table! {
    competition_results (id) {
        id -> Text,
        worker_id -> Text,
        competition -> Text,
        competition_level -> Text,
        event -> Text,
        occupation_edition -> Nullable<Text>,
        occupation_code -> Nullable<Text>,
        place -> Integer,
        held_on -> Date,
        decision_document -> Nullable<Text>,
        result_key -> Text,
        organisation_id -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    competition_annulments (result_id) {
        result_id -> Text,
        reason -> Text,
        decision_document -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(competition_results, competition_annulments);
