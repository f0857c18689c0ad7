//! Sessions of clients in a browser.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::client_access::{client_session_ends, client_sessions};
use diesel::prelude::*;
use serde::Serialize;

/// A session that a client's secret opened.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = client_sessions, treat_none_as_default_value = false)]
pub struct ClientSessionRow {
    pub id: String,
    pub client_id: String,
    pub started_at: i64,
    pub expires_at: i64,
}

/// The end of a session before its time.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = client_session_ends, treat_none_as_default_value = false)]
pub struct ClientSessionEndRow {
    pub session_id: String,
    pub ended_at: i64,
}

pub fn insert_client_session(conn: &mut Conn, row: &ClientSessionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(client_sessions::table).values(row).execute(c))?;
    Ok(())
}

/// A session that was not ended.
pub fn find_open_client_session(conn: &mut Conn, id: &str) -> Result<Option<ClientSessionRow>, StoreError> {
    Ok(on!(conn, |c| client_sessions::table
        .left_join(client_session_ends::table.on(client_session_ends::session_id.eq(client_sessions::id)))
        .filter(client_sessions::id.eq(id))
        .filter(client_session_ends::session_id.is_null())
        .select(ClientSessionRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Every session of a client that is open at a moment.
pub fn list_open_client_sessions(conn: &mut Conn, client: &str, now: i64) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| client_sessions::table
        .left_join(client_session_ends::table.on(client_session_ends::session_id.eq(client_sessions::id)))
        .filter(client_sessions::client_id.eq(client))
        .filter(client_sessions::expires_at.gt(now))
        .filter(client_session_ends::session_id.is_null())
        .order(client_sessions::id)
        .select(client_sessions::id)
        .load(c))?)
}

/// Ends a session; once is enough. Tells whether it was this that ended it.
pub fn insert_client_session_end(conn: &mut Conn, row: &ClientSessionEndRow) -> Result<bool, StoreError> {
    Ok(on!(conn, |c| diesel::insert_into(client_session_ends::table).values(row).on_conflict(client_session_ends::session_id).do_nothing().execute(c))? == 1)
}
