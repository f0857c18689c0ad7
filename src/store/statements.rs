//! Statements of online platforms, each as evidence of what followed from it.

use super::backend::{Conn, on};
pub use super::bulk::{insert_statement_voids, insert_statements};
use super::error::StoreError;
use super::schema::platforms::{statement_voids, statements};
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

/// A statement that another one of its organisation has voided.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = statement_voids, treat_none_as_default_value = false)]
pub struct StatementVoidRow {
    pub organisation_id: String,
    pub statement_id: String,
    /// The statement that voids it.
    pub voided_by: String,
    pub voided_at: i64,
}

/// Study that became attendance, by a statement that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyRow {
    /// The statement.
    pub id: String,
    pub worker_id: String,
    pub class_id: String,
    pub started_at: i64,
    pub ended_at: i64,
}

/// Behind which statement a page begins: moment and identifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementPlace {
    pub stored_at: i64,
    pub id: String,
}

/// What a statement tells of its session: the session, its class, the verb and the moment.
pub type OfSession = (Option<String>, Option<String>, String, i64);

/// A statement's void, beside it.
macro_rules! is_void_of {
    () => {
        statement_voids::table.on(statement_voids::organisation_id.eq(statements::organisation_id).and(statement_voids::statement_id.eq(statements::id)))
    };
}

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

/// Which of these statements are voided, by identifier.
pub fn list_statement_voids(conn: &mut Conn, organisation_id: &str, ids: &[String]) -> Result<Vec<StatementVoidRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let rows: Vec<StatementVoidRow> = on!(conn, |c| statement_voids::table
            .filter(statement_voids::organisation_id.eq(organisation_id))
            .filter(statement_voids::statement_id.eq_any(chunk))
            .order(statement_voids::statement_id)
            .select(StatementVoidRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Statements that stand and whose study became attendance, for each of these workers with any of these moments of beginning.
pub fn list_studies(conn: &mut Conn, begun: &[(String, i64)]) -> Result<Vec<StudyRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in begun.chunks(250) {
        let (workers, moments): (Vec<&String>, Vec<i64>) = chunk.iter().map(|(worker, at)| (worker, *at)).unzip();
        let rows: Vec<(String, Option<String>, Option<String>, Option<i64>, Option<i64>)> = on!(conn, |c| statements::table
            .left_join(is_void_of!())
            .filter(statements::worker_id.eq_any(&workers))
            .filter(statements::started_at.eq_any(&moments))
            .filter(statements::outcome.eq("recorded"))
            .filter(statement_voids::statement_id.is_null())
            .order((statements::worker_id, statements::started_at, statements::id))
            .select((statements::id, statements::worker_id, statements::class_id, statements::started_at, statements::ended_at))
            .load(c))?;
        found.extend(rows.into_iter().filter_map(|(id, worker, class, started, ended)| Some(StudyRow { id, worker_id: worker?, class_id: class?, started_at: started?, ended_at: ended? })));
    }
    Ok(found)
}

/// A page of an organisation's statements, in the order in which they came, each with the statement that voids it.
pub fn list_statements(conn: &mut Conn, organisation_id: &str, outcome: Option<&str>, after: Option<&StatementPlace>, limit: i64) -> Result<Vec<(StatementRow, Option<String>)>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = statements::table.left_join(is_void_of!()).filter(statements::organisation_id.eq(organisation_id)).order((statements::stored_at, statements::id)).limit(limit).into_boxed();
        if let Some(outcome) = outcome {
            query = query.filter(statements::outcome.eq(outcome));
        }
        if let Some(place) = after {
            query = query.filter(statements::stored_at.ge(place.stored_at)).filter(statements::stored_at.gt(place.stored_at).or(statements::id.gt(&place.id)));
        }
        query.select((StatementRow::as_select(), statement_voids::voided_by.nullable())).load(c)
    })?)
}
