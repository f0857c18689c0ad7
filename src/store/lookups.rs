//! Who looked at whose certificate, and why.

use super::backend::Conn;
use super::error::StoreError;
use super::schema::lookups;
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
