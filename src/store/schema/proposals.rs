//! Changes of status that wait for a second person.

diesel::table! {
    status_proposals (id) {
        id -> Text,
        certificate_id -> Text,
        issuer_id -> Text,
        change -> Text,
        reason -> Text,
        decision_document -> Nullable<Text>,
        proposed_at -> BigInt,
        proposed_by -> Text,
    }
}

diesel::table! {
    status_decisions (proposal_id) {
        proposal_id -> Text,
        approved -> Bool,
        decided_at -> BigInt,
        decided_by -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(status_proposals, status_decisions);
