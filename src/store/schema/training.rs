//! Training, attendance and credits.

diesel::table! {
    training_classes (id) {
        id -> Text,
        organisation_id -> Text,
        class_type -> Text,
        name -> Text,
        project_code -> Nullable<Text>,
        occupation_edition -> Nullable<Text>,
        occupation_code -> Nullable<Text>,
        level -> Nullable<Text>,
        first_on -> Date,
        last_on -> Date,
        planned_theory_minutes -> Integer,
        planned_practical_minutes -> Integer,
        method -> Text,
        site -> Nullable<Text>,
        modules -> Text,
        instructors -> Text,
        particulars -> Text,
        registered_at -> BigInt,
        registered_by -> Text,
    }
}

diesel::table! {
    class_enrolments (class_id, worker_id) {
        class_id -> Text,
        worker_id -> Text,
        reason -> Nullable<Text>,
        particulars -> Text,
        enrolled_at -> BigInt,
        enrolled_by -> Text,
    }
}

diesel::table! {
    attendance_intervals (worker_id, started_at, revision) {
        worker_id -> Text,
        started_at -> BigInt,
        revision -> Integer,
        ended_at -> BigInt,
        class_id -> Text,
        mode -> Text,
        part -> Text,
        source -> Text,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    attendance_voids (worker_id, started_at, revision) {
        worker_id -> Text,
        started_at -> BigInt,
        revision -> Integer,
        reason -> Text,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    class_closings (class_id) {
        class_id -> Text,
        rules -> Integer,
        trainees -> Integer,
        completed -> Integer,
        closed_on -> Date,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    class_results (class_id, worker_id) {
        class_id -> Text,
        worker_id -> Text,
        assessment -> Text,
        credited_minutes -> Integer,
        credited_hours -> Integer,
        completed -> Bool,
        working -> Text,
        recorded_at -> BigInt,
    }
}

diesel::table! {
    class_annulments (class_id) {
        class_id -> Text,
        reason -> Text,
        decision_document -> Text,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    credit_entries (id) {
        id -> Text,
        worker_id -> Text,
        sequence -> Integer,
        kind -> Text,
        source -> Text,
        achievement_key -> Text,
        tenths -> Integer,
        balance_tenths -> Integer,
        reverses -> Nullable<Text>,
        rule -> Text,
        rule_version -> Integer,
        facts -> Text,
        earned_on -> Date,
        organisation_id -> Nullable<Text>,
        posted_at -> BigInt,
        posted_by -> Text,
    }
}

diesel::table! {
    signals (id) {
        id -> Text,
        signal_key -> Text,
        kind -> Text,
        rule -> Text,
        organisation_id -> Text,
        worker_id -> Nullable<Text>,
        facts -> Text,
        raised_at -> BigInt,
    }
}

diesel::table! {
    record_lookups (id) {
        id -> Text,
        worker_id -> Text,
        organisation_id -> Nullable<Text>,
        client_id -> Text,
        part -> Text,
        looked_at -> BigInt,
    }
}

diesel::table! {
    worker_groups (id) {
        id -> Text,
        worker_id -> Text,
        sealed_membership -> Binary,
        membership_hash -> Binary,
        valid_from -> Date,
        valid_to -> Nullable<Date>,
        organisation_id -> Nullable<Text>,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::table! {
    worker_group_ends (group_id) {
        group_id -> Text,
        ended_on -> Date,
        sealed_reason -> Binary,
        reason_hash -> Binary,
        recorded_at -> BigInt,
        recorded_by -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    training_classes,
    class_enrolments,
    attendance_intervals,
    attendance_voids,
    class_closings,
    class_results,
    class_annulments,
    credit_entries,
    signals,
    record_lookups,
    worker_groups,
    worker_group_ends,
);
