//! The training record: everything that is recorded of one worker, from every table, in the order of time.

use super::assessments::{ScoreRow, SessionRow};
use super::attendance::IntervalRow;
use super::backend::{Conn, on};
use super::certificates::{CertificateRow, CertificateVersionRow, StatusChangeRow};
use super::competitions::{CompetitionAnnulmentRow, CompetitionResultRow, list_results_of_worker};
use super::credits::CreditEntryRow;
use super::error::StoreError;
use super::merges::{WorkerMergeEndRow, WorkerMergeRow, list_merges};
use super::schema::training::{attendance_intervals, attendance_voids, class_annulments, class_enrolments, class_results, credit_entries, training_classes};
use super::schema::{assessment_sessions, certificate_versions, certificates, session_candidates, session_scores, status_changes, worker_documents, worker_names, workers};
use super::training::{ClassResultRow, ClassRow, EnrolmentRow};
use diesel::dsl::exists;
use diesel::prelude::*;

/// One entry, as it was recorded.
#[derive(Debug, Clone)]
pub enum RecordRow {
    Registered { at: i64 },
    /// A name that was put right; the first one came with the registration.
    NameCorrected { at: i64, version: i32, reason: Option<String> },
    DocumentAdded { at: i64, document_id: String, document_type: String },
    Enrolled(EnrolmentRow, ClassRow),
    /// With the reason and the moment of the void, where there is one.
    Attended(IntervalRow, Option<(String, i64)>),
    /// With whether the class was declared false later.
    ClassResult(ClassResultRow, ClassRow, bool),
    Candidate { at: i64, session: SessionRow },
    Scored(ScoreRow, SessionRow),
    /// A certificate with the version that was issued or corrected.
    Certified(CertificateRow, CertificateVersionRow),
    StatusChanged(StatusChangeRow),
    Credits(CreditEntryRow),
    /// With whether it was taken back later.
    Competition(CompetitionResultRow, bool),
    CompetitionAnnulled(CompetitionResultRow, CompetitionAnnulmentRow),
    /// Another record of the person was joined to this one.
    Merged(WorkerMergeRow),
    MergeUndone(WorkerMergeRow, WorkerMergeEndRow),
}

impl RecordRow {
    /// The moment that places an entry: of attendance when it was, of all others when they were recorded.
    pub fn at(&self) -> i64 {
        match self {
            RecordRow::Registered { at } | RecordRow::NameCorrected { at, .. } | RecordRow::DocumentAdded { at, .. } | RecordRow::Candidate { at, .. } => *at,
            RecordRow::Enrolled(row, _) => row.enrolled_at,
            RecordRow::Attended(row, _) => row.started_at,
            RecordRow::ClassResult(row, ..) => row.recorded_at,
            RecordRow::Scored(row, _) => row.recorded_at,
            RecordRow::Certified(_, version) => version.issued_at,
            RecordRow::StatusChanged(row) => row.changed_at,
            RecordRow::Credits(row) => row.posted_at,
            RecordRow::Competition(row, _) => row.recorded_at,
            RecordRow::CompetitionAnnulled(_, row) => row.recorded_at,
            RecordRow::Merged(row) => row.recorded_at,
            RecordRow::MergeUndone(_, end) => end.recorded_at,
        }
    }

    /// The organisation that trained, assessed or certified.
    pub fn organisation(&self) -> Option<&String> {
        match self {
            RecordRow::Enrolled(_, class) | RecordRow::ClassResult(_, class, _) => Some(&class.organisation_id),
            RecordRow::Candidate { session, .. } | RecordRow::Scored(_, session) => Some(&session.organisation_id),
            RecordRow::Certified(row, _) => Some(&row.issuer_id),
            RecordRow::Credits(row) => row.organisation_id.as_ref(),
            RecordRow::Competition(row, _) | RecordRow::CompetitionAnnulled(row, _) => row.organisation_id.as_ref(),
            RecordRow::Registered { .. } | RecordRow::NameCorrected { .. } | RecordRow::DocumentAdded { .. } | RecordRow::Attended(..) | RecordRow::StatusChanged(_) | RecordRow::Merged(_) | RecordRow::MergeUndone(..) => None,
        }
    }
}

/// Where a page begins: the moment of the last entry before it, and how many entries of that moment came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordPlace {
    pub at: i64,
    pub seen: i64,
}

/// The next `limit` entries behind a place. Each table gives as many rows as the page may need from it, so that the cost follows the
/// page and not the record.
///
/// A person may have several records; their entries stand in one timeline.
pub fn list_record(conn: &mut Conn, records: &[String], behind: RecordPlace, limit: i64) -> Result<Vec<RecordRow>, StoreError> {
    let most = limit + behind.seen;
    let mut rows = Vec::new();
    for worker_id in records {
        rows.extend(list_of_record(conn, worker_id, behind, most)?);
    }
    // Stable: entries of one moment keep the order of records and tables.
    rows.sort_by_key(RecordRow::at);
    Ok(rows.into_iter().skip(usize::try_from(behind.seen).unwrap_or(0)).take(usize::try_from(limit).unwrap_or(0)).collect())
}

fn list_of_record(conn: &mut Conn, worker_id: &str, behind: RecordPlace, most: i64) -> Result<Vec<RecordRow>, StoreError> {
    let mut rows = list_identity(conn, worker_id, behind.at, most)?;
    rows.extend(list_training(conn, worker_id, behind.at, most)?);
    rows.extend(list_assessments(conn, worker_id, behind.at, most)?);
    rows.extend(list_certificates(conn, worker_id, behind.at, most)?);
    let credits: Vec<CreditEntryRow> = on!(conn, |c| credit_entries::table
        .filter(credit_entries::worker_id.eq(worker_id))
        .filter(credit_entries::posted_at.ge(behind.at))
        .order((credit_entries::posted_at, credit_entries::sequence))
        .limit(most)
        .select(CreditEntryRow::as_select())
        .load(c))?;
    rows.extend(credits.into_iter().map(RecordRow::Credits));
    rows.extend(list_competitions(conn, worker_id, behind.at, most)?);
    rows.extend(list_joins(conn, worker_id)?.into_iter().filter(|row| row.at() >= behind.at));
    Ok(rows)
}

/// Joins to this record, and their ends; there are few.
fn list_joins(conn: &mut Conn, worker_id: &str) -> Result<Vec<RecordRow>, StoreError> {
    let joins = list_merges(conn, worker_id)?.into_iter().filter(|(row, _)| row.worker_id == worker_id);
    Ok(joins.flat_map(|(row, end)| std::iter::once(RecordRow::Merged(row.clone())).chain(end.map(|end| RecordRow::MergeUndone(row, end)))).collect())
}

fn list_identity(conn: &mut Conn, worker_id: &str, from: i64, most: i64) -> Result<Vec<RecordRow>, StoreError> {
    let registered: Option<i64> = on!(conn, |c| workers::table.find(worker_id).filter(workers::registered_at.ge(from)).select(workers::registered_at).get_result(c).optional())?;
    let names: Vec<(i64, i32, Option<String>)> = on!(conn, |c| worker_names::table
        .filter(worker_names::worker_id.eq(worker_id))
        .filter(worker_names::version.gt(1))
        .filter(worker_names::recorded_at.ge(from))
        .order((worker_names::recorded_at, worker_names::version))
        .limit(most)
        .select((worker_names::recorded_at, worker_names::version, worker_names::reason))
        .load(c))?;
    let documents: Vec<(i64, String, String)> = on!(conn, |c| worker_documents::table
        .filter(worker_documents::worker_id.eq(worker_id))
        .filter(worker_documents::recorded_at.ge(from))
        .order((worker_documents::recorded_at, worker_documents::id))
        .limit(most)
        .select((worker_documents::recorded_at, worker_documents::id, worker_documents::document_type))
        .load(c))?;
    let mut rows: Vec<RecordRow> = registered.into_iter().map(|at| RecordRow::Registered { at }).collect();
    rows.extend(names.into_iter().map(|(at, version, reason)| RecordRow::NameCorrected { at, version, reason }));
    rows.extend(documents.into_iter().map(|(at, document_id, document_type)| RecordRow::DocumentAdded { at, document_id, document_type }));
    Ok(rows)
}

fn list_training(conn: &mut Conn, worker_id: &str, from: i64, most: i64) -> Result<Vec<RecordRow>, StoreError> {
    let enrolled: Vec<(EnrolmentRow, ClassRow)> = on!(conn, |c| class_enrolments::table
        .inner_join(training_classes::table.on(training_classes::id.eq(class_enrolments::class_id)))
        .filter(class_enrolments::worker_id.eq(worker_id))
        .filter(class_enrolments::enrolled_at.ge(from))
        .order((class_enrolments::enrolled_at, class_enrolments::class_id))
        .limit(most)
        .select((EnrolmentRow::as_select(), ClassRow::as_select()))
        .load(c))?;
    let attended: Vec<(IntervalRow, Option<(String, i64)>)> = on!(conn, |c| attendance_intervals::table
        .left_join(
            attendance_voids::table.on(attendance_voids::worker_id
                .eq(attendance_intervals::worker_id)
                .and(attendance_voids::started_at.eq(attendance_intervals::started_at))
                .and(attendance_voids::revision.eq(attendance_intervals::revision)))
        )
        .filter(attendance_intervals::worker_id.eq(worker_id))
        .filter(attendance_intervals::started_at.ge(from))
        .order((attendance_intervals::started_at, attendance_intervals::revision))
        .limit(most)
        .select((IntervalRow::as_select(), (attendance_voids::reason, attendance_voids::recorded_at).nullable()))
        .load(c))?;
    let results: Vec<(ClassResultRow, ClassRow, Option<String>)> = on!(conn, |c| class_results::table
        .inner_join(training_classes::table.on(training_classes::id.eq(class_results::class_id)))
        .left_join(class_annulments::table.on(class_annulments::class_id.eq(class_results::class_id)))
        .filter(class_results::worker_id.eq(worker_id))
        .filter(class_results::recorded_at.ge(from))
        .order((class_results::recorded_at, class_results::class_id))
        .limit(most)
        .select((ClassResultRow::as_select(), ClassRow::as_select(), class_annulments::class_id.nullable()))
        .load(c))?;
    let mut rows: Vec<RecordRow> = enrolled.into_iter().map(|(row, class)| RecordRow::Enrolled(row, class)).collect();
    rows.extend(attended.into_iter().map(|(row, void)| RecordRow::Attended(row, void)));
    rows.extend(results.into_iter().map(|(row, class, annulled)| RecordRow::ClassResult(row, class, annulled.is_some())));
    Ok(rows)
}

fn list_assessments(conn: &mut Conn, worker_id: &str, from: i64, most: i64) -> Result<Vec<RecordRow>, StoreError> {
    let candidates: Vec<(i64, SessionRow)> = on!(conn, |c| session_candidates::table
        .inner_join(assessment_sessions::table.on(assessment_sessions::id.eq(session_candidates::session_id)))
        .filter(session_candidates::worker_id.eq(worker_id))
        .filter(session_candidates::registered_at.ge(from))
        .order((session_candidates::registered_at, session_candidates::session_id))
        .limit(most)
        .select((session_candidates::registered_at, SessionRow::as_select()))
        .load(c))?;
    let scores: Vec<(ScoreRow, SessionRow)> = on!(conn, |c| session_scores::table
        .inner_join(assessment_sessions::table.on(assessment_sessions::id.eq(session_scores::session_id)))
        .filter(session_scores::worker_id.eq(worker_id))
        .filter(session_scores::recorded_at.ge(from))
        .order((session_scores::recorded_at, session_scores::session_id, session_scores::version))
        .limit(most)
        .select((ScoreRow::as_select(), SessionRow::as_select()))
        .load(c))?;
    let mut rows: Vec<RecordRow> = candidates.into_iter().map(|(at, session)| RecordRow::Candidate { at, session }).collect();
    rows.extend(scores.into_iter().map(|(row, session)| RecordRow::Scored(row, session)));
    Ok(rows)
}

fn list_certificates(conn: &mut Conn, worker_id: &str, from: i64, most: i64) -> Result<Vec<RecordRow>, StoreError> {
    let certified: Vec<(CertificateRow, CertificateVersionRow)> = on!(conn, |c| certificates::table
        .inner_join(certificate_versions::table.on(certificate_versions::certificate_id.eq(certificates::id)))
        .filter(certificates::worker_id.eq(worker_id))
        .filter(certificate_versions::issued_at.ge(from))
        .order((certificate_versions::issued_at, certificates::id, certificate_versions::version))
        .limit(most)
        .select((CertificateRow::as_select(), CertificateVersionRow::as_select()))
        .load(c))?;
    let changes: Vec<StatusChangeRow> = on!(conn, |c| status_changes::table
        .inner_join(certificates::table.on(certificates::id.eq(status_changes::certificate_id)))
        .filter(certificates::worker_id.eq(worker_id))
        .filter(status_changes::changed_at.ge(from))
        .order((status_changes::changed_at, status_changes::certificate_id, status_changes::sequence))
        .limit(most)
        .select(StatusChangeRow::as_select())
        .load(c))?;
    let mut rows: Vec<RecordRow> = certified.into_iter().map(|(row, version)| RecordRow::Certified(row, version)).collect();
    rows.extend(changes.into_iter().map(RecordRow::StatusChanged));
    Ok(rows)
}

/// A worker has a handful of these; the result and what took it back are two entries.
fn list_competitions(conn: &mut Conn, worker_id: &str, from: i64, most: i64) -> Result<Vec<RecordRow>, StoreError> {
    let mut rows = Vec::new();
    for (row, annulment) in list_results_of_worker(conn, worker_id)? {
        if row.recorded_at >= from {
            rows.push(RecordRow::Competition(row.clone(), annulment.is_some()));
        }
        if let Some(annulment) = annulment.filter(|annulment| annulment.recorded_at >= from) {
            rows.push(RecordRow::CompetitionAnnulled(row, annulment));
        }
    }
    rows.sort_by_key(RecordRow::at);
    rows.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    Ok(rows)
}

/// Whether an organisation has trained, assessed or certified a person, under any of the person's records.
pub fn has_tie(conn: &mut Conn, organisation_id: &str, records: &[String]) -> Result<bool, StoreError> {
    let trained = class_enrolments::table
        .inner_join(training_classes::table.on(training_classes::id.eq(class_enrolments::class_id)))
        .filter(class_enrolments::worker_id.eq_any(records))
        .filter(training_classes::organisation_id.eq(organisation_id))
        .select(class_enrolments::class_id);
    let assessed = session_candidates::table
        .inner_join(assessment_sessions::table.on(assessment_sessions::id.eq(session_candidates::session_id)))
        .filter(session_candidates::worker_id.eq_any(records))
        .filter(assessment_sessions::organisation_id.eq(organisation_id))
        .select(session_candidates::session_id);
    let certified = certificates::table.filter(certificates::worker_id.eq_any(records)).filter(certificates::issuer_id.eq(organisation_id)).select(certificates::id);
    let ties = (exists(trained), exists(assessed), exists(certified));
    let (trained, assessed, certified): (bool, bool, bool) = on!(conn, |c| diesel::select(ties).get_result(c))?;
    Ok(trained || assessed || certified)
}
