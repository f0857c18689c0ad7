//! Access codes and sessions of workers.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::worker_access::{access_codes, worker_session_ends, worker_sessions};
use diesel::prelude::*;
use serde::Serialize;

/// A one-time code, as a keyed hash.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = access_codes, treat_none_as_default_value = false)]
pub struct AccessCodeRow {
    #[serde(serialize_with = "hex::serde::serialize")]
    pub code_hash: Vec<u8>,
    pub worker_id: String,
    /// The organisation that made it for the worker; None for the first registrar.
    pub organisation_id: Option<String>,
    /// Whether the registry itself made it; sensitive data are shown only then.
    pub by_registrar: bool,
    pub expires_at: i64,
    pub made_at: i64,
    pub made_by: String,
}

/// A session that a code opened.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_sessions, treat_none_as_default_value = false)]
pub struct WorkerSessionRow {
    pub id: String,
    pub worker_id: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub code_hash: Vec<u8>,
    pub started_at: i64,
    pub expires_at: i64,
}

/// The end of a session before its time.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_session_ends, treat_none_as_default_value = false)]
pub struct WorkerSessionEndRow {
    pub session_id: String,
    pub ended_at: i64,
}

pub fn insert_access_code(conn: &mut Conn, row: &AccessCodeRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(access_codes::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_access_code(conn: &mut Conn, code_hash: &[u8]) -> Result<Option<AccessCodeRow>, StoreError> {
    Ok(on!(conn, |c| access_codes::table.find(code_hash).select(AccessCodeRow::as_select()).get_result(c).optional())?)
}

/// Opens a session; a code that has opened one is a conflict.
pub fn insert_worker_session(conn: &mut Conn, row: &WorkerSessionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_sessions::table).values(row).execute(c))?;
    Ok(())
}

/// A session that was not ended, and whether the registry itself made its code.
pub fn find_open_session(conn: &mut Conn, id: &str) -> Result<Option<(WorkerSessionRow, bool)>, StoreError> {
    Ok(on!(conn, |c| worker_sessions::table
        .inner_join(access_codes::table.on(access_codes::code_hash.eq(worker_sessions::code_hash)))
        .left_join(worker_session_ends::table.on(worker_session_ends::session_id.eq(worker_sessions::id)))
        .filter(worker_sessions::id.eq(id))
        .filter(worker_session_ends::session_id.is_null())
        .select((WorkerSessionRow::as_select(), access_codes::by_registrar))
        .get_result(c)
        .optional())?)
}

/// Sessions that these records of a person have open.
pub fn list_open_sessions(conn: &mut Conn, records: &[String], now: i64) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| worker_sessions::table
        .left_join(worker_session_ends::table.on(worker_session_ends::session_id.eq(worker_sessions::id)))
        .filter(worker_sessions::worker_id.eq_any(records))
        .filter(worker_sessions::expires_at.gt(now))
        .filter(worker_session_ends::session_id.is_null())
        .order(worker_sessions::id)
        .select(worker_sessions::id)
        .load(c))?)
}

/// Ends a session; once is enough. Tells whether it was this that ended it.
pub fn insert_session_end(conn: &mut Conn, row: &WorkerSessionEndRow) -> Result<bool, StoreError> {
    Ok(on!(conn, |c| diesel::insert_into(worker_session_ends::table).values(row).on_conflict(worker_session_ends::session_id).do_nothing().execute(c))? == 1)
}
