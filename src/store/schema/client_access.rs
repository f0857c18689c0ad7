//! Sessions of clients in a browser.

diesel::table! {
    client_sessions (id) {
        id -> Text,
        client_id -> Text,
        started_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::table! {
    client_session_ends (session_id) {
        session_id -> Text,
        ended_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(client_sessions, client_session_ends);
