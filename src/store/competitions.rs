//! Results of skills competitions.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::competitions::{competition_annulments, competition_results};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// A place that a worker took.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = competition_results, treat_none_as_default_value = false)]
pub struct CompetitionResultRow {
    pub id: String,
    pub worker_id: String,
    pub competition: String,
    pub competition_level: String,
    pub event: String,
    pub occupation_edition: Option<String>,
    pub occupation_code: Option<String>,
    pub place: i32,
    pub held_on: NaiveDate,
    pub decision_document: Option<String>,
    /// What there may be one result of: competition, day, event and worker.
    pub result_key: String,
    pub organisation_id: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// A result that was taken back.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = competition_annulments, treat_none_as_default_value = false)]
pub struct CompetitionAnnulmentRow {
    pub result_id: String,
    pub reason: String,
    pub decision_document: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

pub type FoundResult = (CompetitionResultRow, Option<CompetitionAnnulmentRow>);

pub fn insert_result(conn: &mut Conn, row: &CompetitionResultRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(competition_results::table).values(row).execute(c))?;
    Ok(())
}

pub fn insert_result_annulment(conn: &mut Conn, row: &CompetitionAnnulmentRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(competition_annulments::table).values(row).execute(c))?;
    Ok(())
}

macro_rules! found {
    () => {
        competition_results::table
            .left_join(competition_annulments::table.on(competition_annulments::result_id.eq(competition_results::id)))
            .select((CompetitionResultRow::as_select(), Option::<CompetitionAnnulmentRow>::as_select()))
    };
}

pub fn find_result(conn: &mut Conn, id: &str) -> Result<Option<FoundResult>, StoreError> {
    Ok(on!(conn, |c| found!().filter(competition_results::id.eq(id)).get_result(c).optional())?)
}

pub fn find_result_by_key(conn: &mut Conn, key: &str) -> Result<Option<FoundResult>, StoreError> {
    Ok(on!(conn, |c| found!().filter(competition_results::result_key.eq(key)).get_result(c).optional())?)
}

/// A worker's results, with what was taken back.
pub fn list_results_of_worker(conn: &mut Conn, worker_id: &str) -> Result<Vec<FoundResult>, StoreError> {
    Ok(on!(conn, |c| found!().filter(competition_results::worker_id.eq(worker_id)).order(competition_results::id).load(c))?)
}
