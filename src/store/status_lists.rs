//! Bitstring status lists: bits that change in the same transaction as the status they show.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::faults::site;
use super::schema::status_lists;
use diesel::prelude::*;
use serde::Serialize;

/// The bits of one list and purpose; `version` grows with every change.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = status_lists, treat_none_as_default_value = false)]
pub struct StatusListRow {
    pub list: i64,
    pub purpose: String,
    #[serde(skip)]
    pub seed: Vec<u8>,
    #[serde(skip)]
    pub bits: Vec<u8>,
    pub version: i64,
    pub changed_at: i64,
}

pub fn insert_list(conn: &mut Conn, row: &StatusListRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(status_lists::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

pub fn find_list(conn: &mut Conn, list: i64, purpose: &str) -> Result<Option<StatusListRow>, StoreError> {
    Ok(on!(conn, |c| status_lists::table.find((list, purpose)).select(StatusListRow::as_select()).get_result(c).optional())?)
}

/// The version alone, to learn whether a kept list is still the newest.
pub fn find_list_version(conn: &mut Conn, list: i64, purpose: &str) -> Result<Option<i64>, StoreError> {
    Ok(on!(conn, |c| status_lists::table.find((list, purpose)).select(status_lists::version).get_result(c).optional())?)
}

/// Reads a list for change; on PostgreSQL its row stays locked until the transaction ends, so that no bit is lost.
pub fn lock_list(conn: &mut Conn, list: i64, purpose: &str) -> Result<StatusListRow, StoreError> {
    let found = site!(match conn {
        Conn::Sqlite(c) => status_lists::table.find((list, purpose)).select(StatusListRow::as_select()).get_result(c).optional(),
        Conn::Pg(c) => status_lists::table.find((list, purpose)).select(StatusListRow::as_select()).for_update().get_result(c.as_mut()).optional(),
    })?;
    found.ok_or_else(|| StoreError::Corrupt(format!("status list {purpose}/{list} does not exist")))
}

pub fn replace_bits(conn: &mut Conn, row: &StatusListRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::update(status_lists::table.find((row.list, &row.purpose)))
        .set((status_lists::bits.eq(&row.bits), status_lists::version.eq(row.version + 1), status_lists::changed_at.eq(row.changed_at)))
        .execute(c))?;
    Ok(())
}
