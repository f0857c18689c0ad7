//! Who looked at whose certificate or record, and why.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::lookups;
use super::schema::training::record_lookups;
use diesel::prelude::*;
use serde::Serialize;

/// One look at a certificate.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = lookups, treat_none_as_default_value = false)]
pub struct LookupRow {
    pub id: String,
    pub organisation_id: String,
    pub client_id: String,
    pub worker_id: String,
    pub certificate_id: String,
    pub ground: String,
    pub looked_at: i64,
}

pub fn insert_lookups(conn: &mut Conn, rows: &[LookupRow]) -> Result<(), StoreError> {
    super::bulk::insert_lookup_rows(conn, rows)
}

/// One look at a worker's record, or at a part of it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = record_lookups, treat_none_as_default_value = false)]
pub struct RecordLookupRow {
    pub id: String,
    pub worker_id: String,
    /// None for the first registrar.
    pub organisation_id: Option<String>,
    pub client_id: String,
    /// `record` or `credits`.
    pub part: String,
    pub looked_at: i64,
}

pub fn insert_record_lookup(conn: &mut Conn, row: &RecordLookupRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(record_lookups::table).values(row).execute(c))?;
    Ok(())
}
