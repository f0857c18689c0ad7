//! Assessment sessions, candidates, scores and public notices.

use super::backend::{Conn, on};
pub use super::bulk::{insert_candidates, insert_scores};
use super::error::StoreError;
use super::stretch::{Stretch, stretch};
use super::schema::{assessment_sessions, certificates, session_candidates, session_publications, session_scores};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// A session. `panel` is a JSON text.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = assessment_sessions, treat_none_as_default_value = false)]
pub struct SessionRow {
    pub id: String,
    pub organisation_id: String,
    pub kind: String,
    pub occupation_edition: Option<String>,
    pub occupation_code: Option<String>,
    pub job_type: Option<String>,
    pub level: Option<String>,
    pub ability: Option<String>,
    pub held_on: NaiveDate,
    pub site: Option<String>,
    pub panel: String,
    pub quality_supervisor_card: Option<String>,
    pub registered_at: i64,
    pub registered_by: String,
}

/// A worker in a session.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = session_candidates, treat_none_as_default_value = false)]
pub struct CandidateRow {
    pub session_id: String,
    pub worker_id: String,
    pub employment: String,
    pub registered_at: i64,
    pub registered_by: String,
}

/// One version of a candidate's scores, in tenths of a point.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = session_scores, treat_none_as_default_value = false)]
pub struct ScoreRow {
    pub session_id: String,
    pub worker_id: String,
    pub version: i32,
    pub theory_tenths: Option<i32>,
    pub practical_tenths: Option<i32>,
    pub comprehensive_tenths: Option<i32>,
    pub reason: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// One publication of a session's results; the newest counts.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = session_publications, treat_none_as_default_value = false)]
pub struct PublicationRow {
    pub session_id: String,
    pub version: i32,
    pub published_on: NaiveDate,
    pub notice_ends_on: NaiveDate,
    pub notice_working_days: i32,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// A candidate with the newest scores and the certificate, where there are any.
#[derive(Debug, Clone, PartialEq)]
pub struct CandidateStanding {
    pub candidate: CandidateRow,
    pub scores: Option<ScoreRow>,
    pub certificate_id: Option<String>,
}

pub fn insert_session(conn: &mut Conn, row: &SessionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(assessment_sessions::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_session(conn: &mut Conn, id: &str) -> Result<Option<SessionRow>, StoreError> {
    Ok(on!(conn, |c| assessment_sessions::table.find(id).select(SessionRow::as_select()).get_result(c).optional())?)
}

/// A page of sessions, of one organisation or of all.
pub fn list_sessions(conn: &mut Conn, organisation_id: Option<&str>, page: &Stretch) -> Result<Vec<SessionRow>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = stretch!(assessment_sessions::table, assessment_sessions::id, page);
        if let Some(organisation_id) = organisation_id {
            query = query.filter(assessment_sessions::organisation_id.eq(organisation_id));
        }
        query.select(SessionRow::as_select()).load(c)
    })?)
}

/// Every candidate of a session.
pub fn list_all_candidates(conn: &mut Conn, session_id: &str) -> Result<Vec<CandidateRow>, StoreError> {
    Ok(on!(conn, |c| session_candidates::table.filter(session_candidates::session_id.eq(session_id)).select(CandidateRow::as_select()).load(c))?)
}

/// Whether one of these workers is a candidate of a session.
pub fn has_candidate(conn: &mut Conn, session_id: &str, worker_ids: &[String]) -> Result<bool, StoreError> {
    let listed = session_candidates::table.filter(session_candidates::session_id.eq(session_id)).filter(session_candidates::worker_id.eq_any(worker_ids));
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(listed.clone())).get_result(c))?)
}

/// Every candidate of a session, by worker.
pub fn list_candidate_workers(conn: &mut Conn, session_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| session_candidates::table.filter(session_candidates::session_id.eq(session_id)).select(session_candidates::worker_id).load(c))?)
}

/// Every version of every score of a session, oldest first.
pub fn list_all_scores(conn: &mut Conn, session_id: &str) -> Result<Vec<ScoreRow>, StoreError> {
    Ok(on!(conn, |c| session_scores::table
        .filter(session_scores::session_id.eq(session_id))
        .order((session_scores::worker_id, session_scores::version))
        .select(ScoreRow::as_select())
        .load(c))?)
}

pub fn count_candidates(conn: &mut Conn, session_id: &str) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| session_candidates::table.filter(session_candidates::session_id.eq(session_id)).count().get_result(c))?)
}

/// A page of candidates in the order of their identifiers, with newest scores and certificates: three statements, however many rows.
pub fn list_candidates(conn: &mut Conn, session_id: &str, after: Option<&str>, limit: i64) -> Result<Vec<CandidateStanding>, StoreError> {
    let after = after.unwrap_or("");
    let candidates: Vec<CandidateRow> = on!(conn, |c| session_candidates::table
        .filter(session_candidates::session_id.eq(session_id))
        .filter(session_candidates::worker_id.gt(after))
        .order(session_candidates::worker_id)
        .limit(limit)
        .select(CandidateRow::as_select())
        .load(c))?;
    let workers: Vec<&str> = candidates.iter().map(|row| row.worker_id.as_str()).collect();
    let scores: Vec<ScoreRow> = on!(conn, |c| session_scores::table
        .filter(session_scores::session_id.eq(session_id))
        .filter(session_scores::worker_id.eq_any(&workers))
        .order(session_scores::version)
        .select(ScoreRow::as_select())
        .load(c))?;
    let issued: Vec<(String, String)> = on!(conn, |c| certificates::table
        .filter(certificates::session_id.eq(session_id))
        .filter(certificates::worker_id.eq_any(&workers))
        .order(certificates::cure_ordinal)
        .select((certificates::worker_id, certificates::id))
        .load(c))?;
    // Later versions overwrite earlier ones.
    let newest: std::collections::HashMap<String, ScoreRow> = scores.into_iter().map(|row| (row.worker_id.clone(), row)).collect();
    let issued: std::collections::HashMap<String, String> = issued.into_iter().collect();
    Ok(candidates
        .into_iter()
        .map(|candidate| CandidateStanding {
            scores: newest.get(&candidate.worker_id).cloned(),
            certificate_id: issued.get(&candidate.worker_id).cloned(),
            candidate,
        })
        .collect())
}

pub fn insert_publication(conn: &mut Conn, row: &PublicationRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(session_publications::table).values(row).execute(c))?;
    Ok(())
}

/// The newest publication.
pub fn find_publication(conn: &mut Conn, session_id: &str) -> Result<Option<PublicationRow>, StoreError> {
    Ok(on!(conn, |c| session_publications::table
        .filter(session_publications::session_id.eq(session_id))
        .order(session_publications::version.desc())
        .select(PublicationRow::as_select())
        .get_result(c)
        .optional())?)
}
