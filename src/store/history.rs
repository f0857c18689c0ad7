//! Files that workers took away.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::own_affairs::history_exports;
use diesel::prelude::*;
use serde::Serialize;

/// One file, known by its digest; the file itself is not kept.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = history_exports, treat_none_as_default_value = false)]
pub struct HistoryExportRow {
    pub id: String,
    pub worker_id: String,
    /// `json`, `csv`, `xlsx` or `clr`.
    pub form: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    pub bytes: i64,
    /// Entries of the record that are in it.
    pub entries: i32,
    /// Entries of the log when it was made.
    pub log_size: i64,
    pub exported_at: i64,
}

pub fn insert_export(conn: &mut Conn, row: &HistoryExportRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(history_exports::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_export(conn: &mut Conn, sha256: &str) -> Result<Option<HistoryExportRow>, StoreError> {
    Ok(on!(conn, |c| history_exports::table.filter(history_exports::sha256.eq(sha256)).select(HistoryExportRow::as_select()).get_result(c).optional())?)
}
