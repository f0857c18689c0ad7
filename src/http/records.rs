//! The electronic training record of a worker.

use super::AppState;
use super::auth::Caller;
use super::organisations::path_id;
use super::page::{Page, PageQuery, Window};
use super::problem::{Problem, Problems};
use super::reply::{instant_of, read_page};
use crate::domain::assessment::Score;
use crate::domain::credit::Credits;
use crate::domain::id::WorkerId;
use crate::store::assessments::SessionRow;
use crate::store::competitions::CompetitionResultRow;
use crate::store::records::{RecordPlace, RecordRow};
use crate::store::training::ClassRow;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// One entry of the record.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordEntryDocument {
    /// `registered`, `name_corrected`, `document_added`, `enrolled`, `attended`, `class_result`, `candidate`, `scored`, `certificate_issued`, `certificate_corrected`, `status_changed`, `credits_posted`, `competition`, `competition_annulled`, `merged` or `merge_undone`.
    pub kind: &'static str,
    /// When it was recorded; of attendance, when it began.
    pub at: String,
    /// The organisation that trained, assessed or certified.
    pub organisation_id: Option<String>,
    /// What was recorded: identifiers, names of class and occupation, minutes, scores, states.
    #[schema(value_type = Object)]
    pub facts: Value,
}

fn about_class(class: &ClassRow) -> Value {
    json!({ "class_id": class.id, "class_type": class.class_type, "name": class.name, "occupation_code": class.occupation_code, "level": class.level, "first_on": class.first_on, "last_on": class.last_on })
}

fn about_session(session: &SessionRow) -> Value {
    json!({ "session_id": session.id, "certificate_kind": session.kind, "occupation_code": session.occupation_code, "level": session.level, "ability": session.ability, "held_on": session.held_on })
}

fn about_competition(row: &CompetitionResultRow) -> Value {
    json!({ "competition_result_id": row.id, "name": format!("{} {}", row.competition, row.event), "competition_level": row.competition_level, "occupation_code": row.occupation_code, "held_on": row.held_on })
}

/// The members of two objects in one.
fn with(mut facts: Value, more: Value) -> Value {
    if let (Some(facts), Value::Object(more)) = (facts.as_object_mut(), more) {
        facts.extend(more);
    }
    facts
}

impl RecordEntryDocument {
    pub fn new(row: &RecordRow) -> Self {
        let (kind, facts) = match row {
            RecordRow::Registered { .. } => ("registered", json!({})),
            RecordRow::NameCorrected { version, reason, .. } => ("name_corrected", json!({ "version": version, "reason": reason })),
            RecordRow::DocumentAdded { document_id, document_type, .. } => ("document_added", json!({ "document_id": document_id, "document_type": document_type })),
            RecordRow::Enrolled(row, class) => ("enrolled", with(about_class(class), json!({ "reason": row.reason }))),
            RecordRow::Attended(row, void) => (
                "attended",
                json!({
                    "class_id": row.class_id, "mode": row.mode, "part": row.part, "ended_at": instant_of(row.ended_at), "minutes": (row.ended_at - row.started_at) / 60_000_000,
                    "void": void.as_ref().map(|(reason, at)| json!({ "reason": reason, "at": instant_of(*at) })),
                }),
            ),
            RecordRow::ClassResult(row, class, class_annulled) => (
                "class_result",
                with(about_class(class), json!({ "assessment": row.assessment, "credited_minutes": row.credited_minutes, "credited_hours": row.credited_hours, "completed": row.completed, "class_annulled": class_annulled })),
            ),
            RecordRow::Candidate { session, .. } => ("candidate", about_session(session)),
            RecordRow::Scored(row, session) => {
                let score = |tenths: Option<i32>| tenths.and_then(Score::from_tenths).map(|score| score.to_string());
                let scores = json!({ "version": row.version, "reason": row.reason, "theory": score(row.theory_tenths), "practical": score(row.practical_tenths), "comprehensive": score(row.comprehensive_tenths) });
                ("scored", with(about_session(session), scores))
            }
            RecordRow::Certified(row, version) => {
                let mut facts: Value = serde_json::from_str(&version.facts).unwrap_or_default();
                if let Some(members) = facts.as_object_mut() {
                    members.retain(|_, value| !value.is_null());
                }
                let more = json!({ "certificate_id": row.id, "certificate_kind": row.kind, "version": version.version, "issued_on": version.issued_on, "valid_to": version.valid_to, "reason": version.reason });
                (if version.version == 1 { "certificate_issued" } else { "certificate_corrected" }, with(facts, more))
            }
            RecordRow::StatusChanged(row) => ("status_changed", json!({ "certificate_id": row.certificate_id, "change": row.change, "state": row.state_after, "reason": row.reason, "decision_document": row.decision_document })),
            RecordRow::Credits(row) => (
                "credits_posted",
                json!({ "entry_id": row.id, "entry_kind": row.kind, "source": row.source, "credits": Credits::from_tenths(row.tenths).to_string(), "balance": Credits::from_tenths(row.balance_tenths).to_string(), "reverses": row.reverses }),
            ),
            RecordRow::Competition(row, is_annulled) => ("competition", with(about_competition(row), json!({ "place": row.place, "annulled": is_annulled, "decision_document": row.decision_document }))),
            RecordRow::CompetitionAnnulled(row, annulment) => ("competition_annulled", with(about_competition(row), json!({ "reason": annulment.reason, "decision_document": annulment.decision_document }))),
            RecordRow::Merged(row) => ("merged", json!({ "merge_id": row.id, "merged_worker_id": row.merged_worker_id, "reason": row.reason, "decision_document": row.decision_document })),
            RecordRow::MergeUndone(row, end) => ("merge_undone", json!({ "merge_id": row.id, "merged_worker_id": row.merged_worker_id, "reason": end.reason })),
        };
        RecordEntryDocument { kind, at: instant_of(row.at()), organisation_id: row.organisation().cloned(), facts }
    }
}

/// `moment.seen`: where the page before ended.
pub fn place_of(cursor: Option<&str>) -> Result<RecordPlace, Problem> {
    let Some(cursor) = cursor else { return Ok(RecordPlace { at: i64::MIN, seen: 0 }) };
    let place = cursor.split_once('.').and_then(|(at, seen)| Some(RecordPlace { at: at.parse().ok()?, seen: seen.parse().ok()? }));
    place.filter(|place| (0..=10_000).contains(&place.seen)).ok_or_else(PageQuery::wrong_cursor)
}

/// The cursor behind the last of these entries, the first of which stand behind `before`.
fn cursor_behind(shown: &[RecordRow], before: RecordPlace) -> Option<String> {
    let last = shown.last()?.at();
    let same = shown.iter().rev().take_while(|row| row.at() == last).count() as i64;
    let seen = if before.at == last { before.seen + same } else { same };
    Some(URL_SAFE_NO_PAD.encode(format!("{last}.{seen}")))
}

/// Cuts fetched entries to a page.
pub fn page_of(mut rows: Vec<RecordRow>, window: &Window, behind: RecordPlace) -> Page<RecordEntryDocument> {
    let has_more = rows.len() as i64 > window.limit;
    rows.truncate(usize::try_from(window.limit).unwrap_or(usize::MAX));
    let next_cursor = if has_more { cursor_behind(&rows, behind) } else { None };
    Page { items: rows.iter().map(RecordEntryDocument::new).collect(), next_cursor }
}

/// Read a worker's training record
#[utoipa::path(tag = "training", operation_id = "list_record", params(("worker_id" = String, Path, description = "Identifier"), PageQuery), responses((status = 200, description = "A page of the record in the order of time; the look is recorded, and the worker sees it", body = Page<RecordEntryDocument>), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/workers/{worker_id}/record")]
pub async fn list_record(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (id, window): (WorkerId, _) = (path_id(&id)?, query.window()?);
    let behind = place_of(window.after.as_deref())?;
    let rows = state.registry.list_record(&caller.0, &id, behind, window.fetch()).await?;
    Ok(read_page(&request, &window, &page_of(rows, &window, behind)))
}
