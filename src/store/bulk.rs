//! Many rows in few statements. Statements are cut by the databases' limits on parameters (32,766 on SQLite).

use super::backend::{Conn, on};
use super::catalogue::EntryRow;
use super::error::StoreError;
use super::jobs::JobRowRow;
use super::journal::JournalRow;
use super::schema::{catalogue_entries, job_rows, journal};
use diesel::prelude::*;

/// Rows of one statement: far below the parameter limits for the widest of these tables.
const ROWS_PER_STATEMENT: usize = 500;

macro_rules! bulk_insert {
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty) => {
        $(#[$meta])*
        pub(super) fn $name(conn: &mut Conn, rows: &[$row]) -> Result<(), StoreError> {
            for chunk in rows.chunks(ROWS_PER_STATEMENT) {
                on!(conn, |c| diesel::insert_into($table::table).values(chunk).execute(c))?;
            }
            Ok(())
        }
    };
}

bulk_insert!(/// Journal rows of one group.
    insert_journal, journal, JournalRow);
bulk_insert!(/// Entries of one catalogue import.
    insert_catalogue_entries, catalogue_entries, EntryRow);
bulk_insert!(/// Row results of a job's step.
    insert_job_rows, job_rows, JobRowRow);
