//! Lists of the catalogue, as imported: a version of a list is a whole list with the first day on which it is in force.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::{catalogue_entries, catalogue_imports};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// One version of one list.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = catalogue_imports, treat_none_as_default_value = false)]
pub struct ImportRow {
    pub id: String,
    pub list: String,
    pub version: i32,
    pub valid_from: NaiveDate,
    pub entries: i32,
    pub digest: String,
    pub imported_at: i64,
    pub imported_by: String,
}

/// One entry of a version; `body` is a JSON object.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = catalogue_entries, treat_none_as_default_value = false)]
pub struct EntryRow {
    pub import_id: String,
    pub position: i32,
    pub entry_key: String,
    pub body: String,
}

/// The number of versions ever imported; it grows with every import, so that readers know when to look again.
pub fn count_imports(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| catalogue_imports::table.count().get_result(c))?)
}

pub fn list_imports(conn: &mut Conn) -> Result<Vec<ImportRow>, StoreError> {
    Ok(on!(conn, |c| catalogue_imports::table.order((catalogue_imports::list, catalogue_imports::version)).select(ImportRow::as_select()).load(c))?)
}

pub fn list_entries(conn: &mut Conn, import_id: &str) -> Result<Vec<EntryRow>, StoreError> {
    Ok(on!(conn, |c| catalogue_entries::table
        .filter(catalogue_entries::import_id.eq(import_id))
        .order(catalogue_entries::position)
        .select(EntryRow::as_select())
        .load(c))?)
}

/// Adds a version with its entries. A version number that exists already is a conflict: two imports at once, one wins.
pub fn insert_import(conn: &mut Conn, import: &ImportRow, entries: &[EntryRow]) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(catalogue_imports::table).values(import).execute(c))?;
    super::bulk::insert_catalogue_entries(conn, entries)
}
