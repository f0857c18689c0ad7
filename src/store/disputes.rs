//! Entries that workers contest, and the answers.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::own_affairs::{dispute_answers, disputes};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// A contested entry. What the worker says is sealed; the hash commits to it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = disputes, treat_none_as_default_value = false)]
pub struct DisputeRow {
    pub id: String,
    pub worker_id: String,
    pub subject_kind: String,
    pub subject_id: String,
    /// 1 for the first dispute of this entry; another one may follow an answer.
    pub ordinal: i32,
    /// Who answers; None for the authority that runs the registry.
    pub organisation_id: Option<String>,
    #[serde(skip)]
    pub sealed_statement: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub statement_hash: Vec<u8>,
    /// Last day for the answer.
    pub due_on: NaiveDate,
    pub filed_at: i64,
}

/// The answer to a dispute.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = dispute_answers, treat_none_as_default_value = false)]
pub struct DisputeAnswerRow {
    pub dispute_id: String,
    pub outcome: String,
    #[serde(skip)]
    pub sealed_answer: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub answer_hash: Vec<u8>,
    pub answered_at: i64,
    pub answered_by: String,
}

pub type FoundDispute = (DisputeRow, Option<DisputeAnswerRow>);

/// Which disputes are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeFilter {
    All,
    /// Not answered.
    Open,
    Answered,
    /// Not answered, and due before this day.
    DueBefore(NaiveDate),
}

pub fn insert_dispute(conn: &mut Conn, row: &DisputeRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(disputes::table).values(row).execute(c))?;
    Ok(())
}

/// Answers a dispute; a second answer is a conflict.
pub fn insert_dispute_answer(conn: &mut Conn, row: &DisputeAnswerRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(dispute_answers::table).values(row).execute(c))?;
    Ok(())
}

/// Disputes with their answers.
macro_rules! found {
    () => {
        disputes::table.left_join(dispute_answers::table.on(dispute_answers::dispute_id.eq(disputes::id))).select((DisputeRow::as_select(), Option::<DisputeAnswerRow>::as_select()))
    };
}

pub fn find_dispute(conn: &mut Conn, id: &str) -> Result<Option<FoundDispute>, StoreError> {
    Ok(on!(conn, |c| found!().filter(disputes::id.eq(id)).get_result(c).optional())?)
}

/// The newest dispute of an entry, under any of the person's records.
pub fn find_newest_of(conn: &mut Conn, records: &[String], subject_kind: &str, subject_id: &str) -> Result<Option<FoundDispute>, StoreError> {
    Ok(on!(conn, |c| found!()
        .filter(disputes::worker_id.eq_any(records))
        .filter(disputes::subject_kind.eq(subject_kind))
        .filter(disputes::subject_id.eq(subject_id))
        .order((disputes::filed_at.desc(), disputes::ordinal.desc()))
        .limit(1)
        .get_result(c)
        .optional())?)
}

/// A page of a person's disputes, the newest first.
pub fn list_of_worker(conn: &mut Conn, records: &[String], before: Option<&str>, limit: i64) -> Result<Vec<FoundDispute>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = found!().filter(disputes::worker_id.eq_any(records)).order(disputes::id.desc()).limit(limit).into_boxed();
        if let Some(before) = before {
            query = query.filter(disputes::id.lt(before));
        }
        query.load(c)
    })?)
}

/// A page of disputes in the order in which they were filed: of one organisation, or of all.
pub fn list_disputes(conn: &mut Conn, organisation_id: Option<&str>, filter: DisputeFilter, after: Option<&str>, limit: i64) -> Result<Vec<FoundDispute>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = found!().order(disputes::id).limit(limit).into_boxed();
        if let Some(organisation) = organisation_id {
            query = query.filter(disputes::organisation_id.eq(organisation));
        }
        query = match filter {
            DisputeFilter::All => query,
            DisputeFilter::Open => query.filter(dispute_answers::dispute_id.is_null()),
            DisputeFilter::Answered => query.filter(dispute_answers::dispute_id.is_not_null()),
            DisputeFilter::DueBefore(day) => query.filter(dispute_answers::dispute_id.is_null()).filter(disputes::due_on.lt(day)),
        };
        if let Some(after) = after {
            query = query.filter(disputes::id.gt(after));
        }
        query.load(c)
    })?)
}
