//! What can go wrong between a service and the database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A uniqueness rule of the tables that services give a meaning to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    CreditCode,
    NumberPrefix,
    FilingVersion,
    OrganisationVersion,
    WorkerDocument,
    WorkerName,
    SessionCandidate,
    SessionScore,
    SessionPublication,
    CertificateNumber,
    CertificateBusiness,
    CertificateCure,
    CertificateVersion,
    StatusChange,
    CatalogueVersion,
    IdempotencyKey,
    ClassTrainee,
    ClassClosing,
    ClassAnnulment,
    /// The interval overlaps another one of the worker's, or is it (HR-5).
    AttendanceOverlap,
    KeyRevocation,
    WalletPickup,
    /// The code was exchanged for tokens before.
    ShareRedemption,
    WalletNonce,
    AttendanceVoid,
    GroupEnd,
    /// The worker has a result in this event already.
    CompetitionResult,
    CompetitionAnnulment,
    /// The statement is known.
    Statement,
    /// The statement is voided already.
    StatementVoid,
    /// The record is joined to another one already.
    Merged,
    MergeEnd,
    DisputeSubject,
    DisputeAnswer,
    /// A change of status that was decided on already.
    StatusDecision,
    /// The second person is the first.
    SamePerson,
    /// The code, or the token that stands in for one, has opened a session.
    AccessCodeUsed,
    /// Somebody else posted to the worker's ledger.
    CreditSequence,
    /// The achievement was posted before (CR-2).
    CreditAchievement,
    /// A registry has one key for its log, and one as a witness.
    OnlyKey,
    WitnessedLog,
    /// The job is not this worker's any more.
    JobLease,
    Other,
}

/// Names of constraints: as PostgreSQL reports them, and as the columns that SQLite reports instead.
const CONSTRAINTS: &[(Constraint, &str, &str)] = &[
    (Constraint::CreditCode, "organisations_credit_code_unique", "organisations.credit_code"),
    (Constraint::OnlyKey, "signing_keys_one_log", "signing_keys.owner"),
    (Constraint::OnlyKey, "signing_keys_one_witness", "signing_keys.owner"),
    (Constraint::WitnessedLog, "witnessed_logs_pkey", "witnessed_logs.origin"),
    (Constraint::JobLease, "job_rows_pkey", "job_rows.job_id, job_rows.row_number"),
    (Constraint::NumberPrefix, "number_prefixes_pkey", "number_prefixes.prefix"),
    (Constraint::FilingVersion, "filing_versions_pkey", "filing_versions.filing_id, filing_versions.version"),
    (Constraint::OrganisationVersion, "organisation_versions_pkey", "organisation_versions.organisation_id, organisation_versions.version"),
    (
        Constraint::WorkerDocument,
        "worker_documents_number_unique",
        "worker_documents.number_hash, worker_documents.document_type, worker_documents.country",
    ),
    (Constraint::WorkerName, "worker_names_pkey", "worker_names.worker_id, worker_names.version"),
    (Constraint::SessionCandidate, "session_candidates_pkey", "session_candidates.session_id, session_candidates.worker_id"),
    (Constraint::SessionScore, "session_scores_pkey", "session_scores.session_id, session_scores.worker_id, session_scores.version"),
    (Constraint::SessionPublication, "session_publications_pkey", "session_publications.session_id, session_publications.version"),
    (Constraint::CertificateNumber, "certificates_number_unique", "certificates.number_key, certificates.permit_scope"),
    (Constraint::CertificateBusiness, "certificates_business_key_unique", "certificates.business_key"),
    (Constraint::CertificateCure, "certificates_cures_unique", "certificates.cures"),
    (Constraint::CertificateVersion, "certificate_versions_pkey", "certificate_versions.certificate_id, certificate_versions.version"),
    (Constraint::StatusChange, "status_changes_pkey", "status_changes.certificate_id, status_changes.sequence"),
    (Constraint::CatalogueVersion, "catalogue_imports_version_unique", "catalogue_imports.list, catalogue_imports.version"),
    (Constraint::ClassTrainee, "class_enrolments_pkey", "class_enrolments.class_id, class_enrolments.worker_id"),
    (Constraint::ClassClosing, "class_closings_pkey", "class_closings.class_id"),
    (Constraint::ClassAnnulment, "class_annulments_pkey", "class_annulments.class_id"),
    (Constraint::AttendanceOverlap, "attendance_intervals_pkey", "attendance_intervals.worker_id, attendance_intervals.started_at, attendance_intervals.revision"),
    (Constraint::AttendanceVoid, "attendance_voids_pkey", "attendance_voids.worker_id, attendance_voids.started_at, attendance_voids.revision"),
    (Constraint::GroupEnd, "worker_group_ends_pkey", "worker_group_ends.group_id"),
    (Constraint::CompetitionResult, "competition_results_key_unique", "competition_results.result_key"),
    (Constraint::CompetitionAnnulment, "competition_annulments_pkey", "competition_annulments.result_id"),
    (Constraint::WalletPickup, "wallet_pickups_pkey", "wallet_pickups.offer_id"),
    (Constraint::ShareRedemption, "share_redemptions_pkey", "share_redemptions.share_id"),
    (Constraint::WalletNonce, "wallet_credentials_pkey", "wallet_credentials.nonce_hash"),
    (Constraint::KeyRevocation, "key_revocations_pkey", "key_revocations.key_id"),
    (Constraint::Statement, "statements_pkey", "statements.organisation_id, statements.id"),
    (Constraint::StatementVoid, "statement_voids_pkey", "statement_voids.organisation_id, statement_voids.statement_id"),
    (Constraint::Merged, "merged_workers_pkey", "merged_workers.worker_id"),
    (Constraint::MergeEnd, "worker_merge_ends_pkey", "worker_merge_ends.merge_id"),
    (Constraint::DisputeSubject, "disputes_subject_unique", "disputes.worker_id, disputes.subject_kind, disputes.subject_id, disputes.ordinal"),
    (Constraint::DisputeAnswer, "dispute_answers_pkey", "dispute_answers.dispute_id"),
    (Constraint::StatusDecision, "status_decisions_pkey", "status_decisions.proposal_id"),
    (Constraint::AccessCodeUsed, "access_codes_pkey", "access_codes.code_hash"),
    (Constraint::AccessCodeUsed, "worker_sessions_code_unique", "worker_sessions.code_hash"),
    (Constraint::CreditSequence, "credit_entries_sequence_unique", "credit_entries.worker_id, credit_entries.sequence"),
    (Constraint::CreditAchievement, "credit_entries_achievement_unique", "credit_entries.achievement_key"),
    (
        Constraint::IdempotencyKey,
        "idempotency_answers_pkey",
        "idempotency_answers.caller, idempotency_answers.route, idempotency_answers.idempotency_key",
    ),
];

/// What the trigger that refuses overlaps says on both databases.
const OVERLAP: &str = "attendance_intervals_no_overlap";

/// What the trigger that refuses signatures of retired and stolen keys says on both databases.
const OLD_KEY: &str = "certificate_versions_key_in_force";

/// What the trigger that wants two persons says on both databases.
const SAME_PERSON: &str = "status_decisions_by_another";

/// How SQLite and PostgreSQL say that the disk is broken, full, or that a call was interrupted.
const DISK_TROUBLE: &[&str] = &["disk I/O error", "database or disk is full", "interrupted", "No space left on device"];

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("a row that must be unique exists already ({0:?})")]
    Conflict(Constraint),
    /// A guarded update met another state than the one it was decided on; decide again.
    #[error("the state changed since it was read")]
    Stale,
    /// The writer's queue is full.
    #[error("the writer's queue is full")]
    QueueFull,
    /// The database cannot be reached, or the outcome of a commit is not known. The same request may be sent again.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
    #[error("the database cannot be used: {0}")]
    Unusable(String),
    #[error("database error: {0}")]
    Database(#[source] DieselError),
}

impl StoreError {
    /// Whether the database ended the transaction for the sake of another one: a deadlock or a serialization failure.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            StoreError::Database(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            StoreError::Database(DieselError::DatabaseError(_, info)) => info.message().contains("deadlock detected"),
            _ => false,
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                let columns = info.message().strip_prefix("UNIQUE constraint failed: ");
                let known = CONSTRAINTS.iter().find(|(_, name, sqlite_columns)| info.constraint_name() == Some(name) || columns == Some(sqlite_columns));
                StoreError::Conflict(known.map_or(Constraint::Other, |(constraint, ..)| *constraint))
            }
            DieselError::DatabaseError(_, info) if info.message() == OVERLAP => StoreError::Conflict(Constraint::AttendanceOverlap),
            DieselError::DatabaseError(_, info) if info.message() == SAME_PERSON => StoreError::Conflict(Constraint::SamePerson),
            // Signed again, by the key that is in force, it goes in.
            DieselError::DatabaseError(_, info) if info.message() == OLD_KEY => StoreError::Stale,
            DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, info) => {
                StoreError::Unavailable(info.message().to_owned())
            }
            // The disk's trouble, not the request's: what is sent again, or taken up again, may succeed.
            DieselError::DatabaseError(_, info) if DISK_TROUBLE.iter().any(|trouble| info.message().contains(trouble)) => StoreError::Unavailable(info.message().to_owned()),
            DieselError::BrokenTransactionManager => StoreError::Unavailable("the connection broke".to_owned()),
            other => StoreError::Database(other),
        }
    }
}
