//! The tables, once for both databases. Instants are microseconds since 1970 in UTC.

pub mod client_access;
pub mod competitions;
pub mod merges;
pub mod own_affairs;
pub mod platforms;
pub mod proposals;
pub mod training;
pub mod wallets;
pub mod worker_access;

diesel::table! {
    catalogue_imports (id) {
        id -> Text,
        list -> Text,
        version -> Integer,
        valid_from -> Date,
        entries -> Integer,
        digest -> Text,
        imported_at -> BigInt,
        imported_by -> Text,
    }
}

diesel::table! {
    catalogue_entries (import_id, position) {
        import_id -> Text,
        position -> Integer,
        entry_key -> Text,
        body -> Text,
    }
}

diesel::table! {
    organisations (id) {
        id -> Text,
        credit_code -> Text,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    organisation_versions (organisation_id, version) {
        organisation_id -> Text,
        version -> Integer,
        name -> Text,
        kinds -> Text,
        region_code -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    number_prefixes (prefix) {
        prefix -> Text,
        organisation_id -> Text,
        assigned_at -> BigInt,
    }
}

diesel::table! {
    filing_versions (filing_id, version) {
        filing_id -> Text,
        version -> Integer,
        organisation_id -> Text,
        body_kind -> Text,
        kinds -> Text,
        occupations -> Text,
        abilities -> Text,
        sites -> Text,
        number_prefix -> Nullable<Text>,
        valid_from -> Date,
        valid_to -> Date,
        decision_document -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        organisation_id -> Nullable<Text>,
        name -> Text,
        role -> Text,
        scopes -> Text,
        secret_hash -> Text,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    client_revocations (client_id) {
        client_id -> Text,
        reason -> Text,
        revoked_at -> BigInt,
        revoked_by -> Text,
    }
}

diesel::table! {
    key_revocations (key_id) {
        key_id -> Text,
        compromised_at -> BigInt,
        reason -> Text,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    signing_keys (key_id) {
        key_id -> Text,
        owner -> Text,
        purpose -> Text,
        public_key -> Binary,
        sealed_secret -> Binary,
        created_at -> BigInt,
    }
}

diesel::table! {
    workers (id) {
        id -> Text,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    worker_names (worker_id, version) {
        worker_id -> Text,
        version -> Integer,
        sealed_name -> Binary,
        reason -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    worker_documents (id) {
        id -> Text,
        worker_id -> Text,
        document_type -> Text,
        country -> Text,
        sealed_number -> Binary,
        number_hash -> Binary,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    assessment_sessions (id) {
        id -> Text,
        organisation_id -> Text,
        kind -> Text,
        occupation_edition -> Nullable<Text>,
        occupation_code -> Nullable<Text>,
        job_type -> Nullable<Text>,
        level -> Nullable<Text>,
        ability -> Nullable<Text>,
        held_on -> Date,
        site -> Nullable<Text>,
        panel -> Text,
        quality_supervisor_card -> Nullable<Text>,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    session_candidates (session_id, worker_id) {
        session_id -> Text,
        worker_id -> Text,
        employment -> Text,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    session_scores (session_id, worker_id, version) {
        session_id -> Text,
        worker_id -> Text,
        version -> Integer,
        theory_tenths -> Nullable<Integer>,
        practical_tenths -> Nullable<Integer>,
        comprehensive_tenths -> Nullable<Integer>,
        reason -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    session_publications (session_id, version) {
        session_id -> Text,
        version -> Integer,
        published_on -> Date,
        notice_ends_on -> Date,
        notice_working_days -> Integer,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    certificates (id) {
        id -> Text,
        number_key -> Text,
        permit_scope -> Text,
        kind -> Text,
        issuer_id -> Text,
        worker_id -> Text,
        session_id -> Nullable<Text>,
        cures -> Nullable<Text>,
        cure_ordinal -> Integer,
        business_key -> Text,
        token -> Text,
        filing_id -> Text,
        filing_version -> Integer,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    certificate_versions (certificate_id, version) {
        certificate_id -> Text,
        version -> Integer,
        credential_id -> Text,
        key_id -> Text,
        document_digest -> Text,
        sealed_document -> Binary,
        sealed_holder -> Binary,
        holder_document_id -> Text,
        facts -> Text,
        issued_on -> Date,
        valid_to -> Nullable<Date>,
        review_due_on -> Nullable<Date>,
        form_serial -> Nullable<Text>,
        status_list -> BigInt,
        status_position -> Integer,
        status_index -> Integer,
        reason -> Nullable<Text>,
        decision_document -> Nullable<Text>,
        issued_at -> BigInt,
        issued_by -> Text,
    }
}

diesel::table! {
    status_changes (certificate_id, sequence) {
        certificate_id -> Text,
        sequence -> Integer,
        change -> Text,
        state_after -> Text,
        reason -> Text,
        decision_document -> Nullable<Text>,
        changed_at -> BigInt,
        changed_by -> Text,
    }
}

diesel::table! {
    permit_reviews (certificate_id, sequence) {
        certificate_id -> Text,
        sequence -> Integer,
        reviewed_on -> Date,
        decision_document -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    log_entries (position) {
        position -> BigInt,
        kind -> Text,
        organisation_id -> Nullable<Text>,
        subject -> Text,
        recorded_at -> BigInt,
        salt -> Binary,
        commitment -> Binary,
    }
}

diesel::table! {
    log_tiles (level, tile_index) {
        level -> Integer,
        tile_index -> BigInt,
        hashes -> Binary,
        root -> Binary,
    }
}

diesel::table! {
    log_checkpoints (size) {
        size -> BigInt,
        recorded_at -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    log_head (id) {
        id -> Integer,
        size -> BigInt,
        last_recorded_at -> BigInt,
        frontier -> Binary,
    }
}

diesel::table! {
    certificate_states (certificate_id) {
        certificate_id -> Text,
        version -> Integer,
        state -> Text,
        reviewed_on -> Nullable<Date>,
        changed_at -> BigInt,
    }
}

diesel::table! {
    status_lists (list, purpose) {
        list -> BigInt,
        purpose -> Text,
        seed -> Binary,
        bits -> Binary,
        version -> BigInt,
        changed_at -> BigInt,
    }
}

diesel::table! {
    counters (name) {
        name -> Text,
        next -> BigInt,
    }
}

diesel::table! {
    idempotency_answers (caller, route, idempotency_key) {
        caller -> Text,
        route -> Text,
        idempotency_key -> Text,
        body_hash -> Binary,
        status -> Integer,
        location -> Nullable<Text>,
        sealed_body -> Binary,
        answered_at -> BigInt,
    }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        organisation_id -> Text,
        input -> Text,
        dry_run -> Bool,
        state -> Text,
        total -> Integer,
        done -> Integer,
        failed -> Integer,
        created_at -> BigInt,
        created_by -> Text,
        started_at -> Nullable<BigInt>,
        finished_at -> Nullable<BigInt>,
        lease_until -> Nullable<BigInt>,
        lease_holder -> Nullable<Text>,
    }
}

diesel::table! {
    job_rows (job_id, row_number) {
        job_id -> Text,
        row_number -> Integer,
        subject -> Text,
        outcome -> Text,
        result -> Text,
    }
}

diesel::table! {
    batch_chunks (batch_id, chunk) {
        batch_id -> Text,
        chunk -> Integer,
        sealed_rows -> Binary,
        received_at -> BigInt,
    }
}

diesel::table! {
    lookups (id) {
        id -> Text,
        organisation_id -> Text,
        client_id -> Text,
        worker_id -> Text,
        certificate_id -> Text,
        ground -> Text,
        looked_at -> BigInt,
    }
}

diesel::table! {
    log_cosignatures (size, witness) {
        size -> BigInt,
        witness -> Text,
        line -> Text,
        cosigned_at -> BigInt,
    }
}

diesel::table! {
    witnessed_logs (origin) {
        origin -> Text,
        origin_hash -> Text,
        size -> BigInt,
        root -> Binary,
        note -> Text,
        cosigned_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    batch_chunks,
    catalogue_imports,
    catalogue_entries,
    organisations,
    organisation_versions,
    number_prefixes,
    filing_versions,
    clients,
    client_revocations,
    key_revocations,
    signing_keys,
    workers,
    worker_names,
    worker_documents,
    assessment_sessions,
    session_candidates,
    session_scores,
    session_publications,
    certificates,
    certificate_versions,
    status_changes,
    permit_reviews,
    log_entries,
    log_tiles,
    lookups,
    log_checkpoints,
    log_head,
    certificate_states,
    status_lists,
    counters,
    idempotency_answers,
    jobs,
    job_rows,
);
