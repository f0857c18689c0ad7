//! Statements of online platforms, each as evidence of what followed from it.

use super::backend::{Conn, on};
pub use super::bulk::insert_statements;
use super::error::StoreError;
use super::schema::platforms::statements;
use diesel::prelude::*;
use serde::Serialize;

/// A statement. What the platform sent is sealed; the hash commits to it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = statements, treat_none_as_default_value = false)]
pub struct StatementRow {
    pub organisation_id: String,
    /// The platform's UUID, or ours.
    pub id: String,
    #[serde(skip)]
    pub sealed_statement: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub statement_hash: Vec<u8>,
    pub verb: String,
    /// A keyed hash of the registration with the cmi5 session.
    pub session: Option<String>,
    pub happened_at: i64,
    pub worker_id: Option<String>,
    pub class_id: Option<String>,
    /// `kept`, `unassigned`, `recorded` or `refused`.
    pub outcome: String,
    /// The study that it tells of.
    pub started_at: Option<i64>,
    pub ended_at: Option<i64>,
    /// Why it was refused or not assigned: a JSON text without personal data.
    pub findings: String,
    pub stored_at: i64,
    pub stored_by: String,
}

/// Behind which statement a page begins: moment and identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementPlace {
    pub stored_at: i64,
    pub id: String,
}

/// What a statement tells of its session: the session, its class, the verb and the moment.
pub type OfSession = (Option<String>, Option<String>, String, i64);

/// Those of these statements that an organisation has sent.
pub fn list_statements_by_ids(conn: &mut Conn, organisation_id: &str, ids: &[String]) -> Result<Vec<StatementRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let rows: Vec<StatementRow> =
            on!(conn, |c| statements::table.filter(statements::organisation_id.eq(organisation_id)).filter(statements::id.eq_any(chunk)).select(StatementRow::as_select()).load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// What is known of these sessions, in the order of time.
pub fn list_of_sessions(conn: &mut Conn, organisation_id: &str, sessions: &[String], verbs: &[&str]) -> Result<Vec<OfSession>, StoreError> {
    let mut found = Vec::new();
    for chunk in sessions.chunks(500) {
        let rows: Vec<OfSession> = on!(conn, |c| statements::table
            .filter(statements::organisation_id.eq(organisation_id))
            .filter(statements::session.eq_any(chunk))
            .filter(statements::class_id.is_not_null().or(statements::verb.eq_any(verbs)))
            .order(statements::happened_at)
            .select((statements::session, statements::class_id, statements::verb, statements::happened_at))
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// A page of an organisation's statements, in the order in which they came.
pub fn list_statements(conn: &mut Conn, organisation_id: &str, outcome: Option<&str>, after: Option<&StatementPlace>, limit: i64) -> Result<Vec<StatementRow>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = statements::table.filter(statements::organisation_id.eq(organisation_id)).order((statements::stored_at, statements::id)).limit(limit).into_boxed();
        if let Some(outcome) = outcome {
            query = query.filter(statements::outcome.eq(outcome));
        }
        if let Some(place) = after {
            query = query.filter(statements::stored_at.ge(place.stored_at)).filter(statements::stored_at.gt(place.stored_at).or(statements::id.gt(&place.id)));
        }
        query.select(StatementRow::as_select()).load(c)
    })?)
}
