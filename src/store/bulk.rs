//! Many rows at once, as each database likes it: PostgreSQL in few statements, since every statement is a round trip; SQLite in one
//! prepared statement row by row, since a statement of another length would be parsed anew and nothing travels anyway.
//!
//! The tables that grow by thousands of rows a second go to PostgreSQL as columns: one array for each. With a parameter for every cell it
//! would parse five thousand of them with each statement.

use super::assessments::{CandidateRow, ScoreRow};
use super::attendance::{IntervalRow, VoidRow};
use super::backend::Conn;
use super::catalogue::EntryRow;
use super::certificates::{CertificateRow, CertificateStateRow, CertificateVersionRow, StatusChangeRow};
use super::credits::CreditEntryRow;
use super::error::StoreError;
use super::faults::site;
use super::jobs::JobRowRow;
use super::log::{EntryRow as LogEntryRow, TileRow};
use super::lookups::LookupRow;
use super::schema::training::{attendance_intervals, attendance_voids, class_enrolments, class_results, credit_entries};
use super::schema::{catalogue_entries, certificate_states, certificate_versions, certificates, job_rows, log_entries, log_tiles, lookups, session_candidates, session_scores, status_changes, worker_documents, worker_names, workers};
use super::schema::platforms::{statement_voids, statements};
use super::statements::{StatementRow, StatementVoidRow};
use super::training::{ClassResultRow, EnrolmentRow};
use super::workers::{WorkerDocumentRow, WorkerNameRow, WorkerRow};
use diesel::prelude::*;
use diesel::sql_types::Array;

/// Rows of one statement: far below PostgreSQL's limit of 65,535 parameters for the widest of the tables whose cells are parameters.
const ROWS_PER_STATEMENT: usize = 500;

macro_rules! bulk_insert {
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty) => {
        bulk_insert!($(#[$meta])* $name, $table, $row, |chunk| diesel::insert_into($table::table).values(chunk));
    };
    // With every column of the table: as arrays, one for each column.
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty, $columns:tt) => {
        bulk_insert!($(#[$meta])* $name, $table, $row, |chunk| columnar!($table, chunk, $columns));
    };
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty, |$chunk:ident| $statement:expr) => {
        $(#[$meta])*
        pub fn $name(conn: &mut Conn, rows: &[$row]) -> Result<(), StoreError> {
            match conn {
                Conn::Sqlite(sqlite) => {
                    for row in rows {
                        site!(diesel::insert_into($table::table).values(row).execute(sqlite))?;
                    }
                }
                Conn::Pg(postgres) => {
                    for $chunk in rows.chunks(ROWS_PER_STATEMENT) {
                        site!($statement.execute(postgres.as_mut()))?;
                    }
                }
            }
            Ok(())
        }
    };
}

/// One array for each column of these rows.
macro_rules! columnar {
    ($table:ident, $rows:ident, [$($column:ident),+]) => {{
        // A column of the table that is missing here would be NULL, and the log would commit to another row.
        let _: <$table::table as diesel::Table>::AllColumns = ($($table::$column,)+);
        diesel::sql_query(insert_unnested(stringify!($table), &[$(stringify!($column)),+]))
            $(.bind::<Array<<$table::$column as Expression>::SqlType>, _>($rows.iter().map(|row| &row.$column).collect::<Vec<_>>()))+
    }};
}

/// Inserts what arrays hold, one for each of these columns.
fn insert_unnested(table: &str, columns: &[&str]) -> String {
    let arrays: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    format!("INSERT INTO {table} ({}) SELECT * FROM unnest({})", columns.join(", "), arrays.join(", "))
}

bulk_insert!(/// Log entries of one group.
    insert_log_entries, log_entries, LogEntryRow, [position, kind, organisation_id, subject, recorded_at, salt, commitment]);
bulk_insert!(/// Tiles of the log that have become full.
    insert_log_tiles, log_tiles, TileRow);
bulk_insert!(/// Entries of one catalogue import.
    insert_catalogue_entries, catalogue_entries, EntryRow);
bulk_insert!(/// Workers.
    insert_worker_rows, workers, WorkerRow);
bulk_insert!(/// Names of workers.
    insert_worker_names, worker_names, WorkerNameRow);
bulk_insert!(/// Documents of workers; one that is somebody's already is a conflict.
    insert_worker_documents, worker_documents, WorkerDocumentRow);
bulk_insert!(/// Candidates of a session; one who is a candidate already is a conflict.
    insert_candidates, session_candidates, CandidateRow);
bulk_insert!(/// Scores of a session.
    insert_scores, session_scores, ScoreRow);
bulk_insert!(/// Identities of certificates.
    insert_certificate_rows, certificates, CertificateRow, [id, number_key, permit_scope, kind, issuer_id, worker_id, session_id, cures, cure_ordinal, business_key, token, filing_id, filing_version, registered_at, registered_by]);
bulk_insert!(/// First versions of certificates.
    insert_certificate_versions, certificate_versions, CertificateVersionRow, [
        certificate_id, version, credential_id, key_id, document_digest, sealed_document, sealed_holder, holder_document_id, facts, issued_on, valid_to,
        review_due_on, form_serial, status_list, status_position, status_index, reason, decision_document, issued_at, issued_by
    ]);
bulk_insert!(/// Where new certificates stand.
    insert_certificate_states, certificate_states, CertificateStateRow, [certificate_id, version, state, reviewed_on, changed_at]);
bulk_insert!(/// Looks at certificates.
    insert_lookup_rows, lookups, LookupRow);
bulk_insert!(/// Changes of status.
    insert_status_changes, status_changes, StatusChangeRow);
bulk_insert!(/// Row results of a job's step.
    insert_job_rows, job_rows, JobRowRow, [job_id, row_number, subject, outcome, result]);
bulk_insert!(/// Trainees of a class; one who is a trainee already is a conflict.
    insert_enrolments, class_enrolments, EnrolmentRow);
bulk_insert!(/// Attendance; the table refuses what overlaps (HR-5).
    insert_intervals, attendance_intervals, IntervalRow, [worker_id, started_at, revision, ended_at, class_id, mode, part, source, recorded_at, recorded_by]);
bulk_insert!(/// Statements of online platforms; one that is known is a conflict.
    insert_statements, statements, StatementRow);
bulk_insert!(/// Statements that others have voided; one that was voided before is a conflict.
    insert_statement_voids, statement_voids, StatementVoidRow);
bulk_insert!(/// Voids of attendance: of a class that was declared false, of study whose statements were voided.
    insert_voids, attendance_voids, VoidRow);
bulk_insert!(/// What the trainees of a closed class reached.
    insert_class_results, class_results, ClassResultRow);
bulk_insert!(/// Entries of the credit ledger.
    insert_credit_entries, credit_entries, CreditEntryRow);
