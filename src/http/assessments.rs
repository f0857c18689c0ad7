//! Assessment sessions: candidates, results, publication, and certificates for everybody who passed.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::jobs::JobDocument;
use super::once::once;
use super::organisations::{edition_2022, path_id};
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems};
use super::reply::{created_or_known, instant_of, kept, read, read_page};
use crate::domain::assessment::{AssessorGrade, PanelMember, Score, Scores};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::SessionId;
use crate::domain::issue::Employment;
use crate::domain::number::normalised;
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::domain::rule::Violation;
use crate::services::assessments::{CandidateOrder, SessionOrder, SessionView, parse_candidates};
use crate::services::references::WorkerReference;
use crate::services::error::Error;
use crate::services::results::{RecordedResults, ResultOrder, parse_results};
use crate::store::assessments::{CandidateStanding, PublicationRow, SessionRow};
use crate::store::jobs::JobRow;
use crate::store::stretch::ListOrder;
use crate::table::{self, Format, Rows};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An assessor of a panel, known by card.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelMemberDocument {
    /// Number of the assessor's card.
    #[schema(example = "A320001")]
    pub card_number: String,
    /// `assessor` or `senior_assessor`.
    pub grade: String,
}

/// A session to be held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"certificate_kind": "skill_level", "occupation_code": "6-31-01-03", "level": "level3", "held_on": "2026-03-02",
    "panel": [{"card_number": "A320001", "grade": "assessor"}, {"card_number": "A320002", "grade": "assessor"}, {"card_number": "A320003", "grade": "senior_assessor"}]}))]
pub struct SessionRequest {
    /// `skill_level`, `vocational_qualification` or `specific_ability`.
    pub certificate_kind: String,
    /// Occupation, for the first two kinds.
    pub occupation_code: Option<String>,
    /// Edition of the classification; `2022` when absent.
    #[serde(default = "edition_2022")]
    pub occupation_edition: String,
    /// Narrower speciality.
    pub job_type: Option<String>,
    /// `level5` to `level1`, `special_grade`, `chief`.
    pub level: Option<String>,
    /// Specific ability, for the third kind.
    pub ability: Option<String>,
    /// The day.
    pub held_on: String,
    /// The site.
    pub site: Option<String>,
    /// The panel: an odd number of at least three assessors (SV-3).
    pub panel: Vec<PanelMemberDocument>,
    /// Card of the quality supervisor (SV-4).
    pub quality_supervisor_card: Option<String>,
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionDocument {
    /// Identifier.
    pub session_id: String,
    /// The body.
    pub organisation_id: String,
    /// Kind of certificate.
    pub certificate_kind: String,
    /// Edition of the classification.
    pub occupation_edition: Option<String>,
    /// Occupation.
    pub occupation_code: Option<String>,
    /// Narrower speciality.
    pub job_type: Option<String>,
    /// Level.
    pub level: Option<String>,
    /// Specific ability.
    pub ability: Option<String>,
    /// The day.
    pub held_on: String,
    /// The site.
    pub site: Option<String>,
    /// The panel.
    pub panel: Vec<PanelMemberDocument>,
    /// Card of the quality supervisor.
    pub quality_supervisor_card: Option<String>,
    /// How many candidates there are; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<i64>,
    /// The public notice; absent before publication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publication: Option<PublicationDocument>,
    /// When it was registered.
    pub registered_at: String,
}

/// A public notice (IS-4).
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicationDocument {
    /// The session.
    pub session_id: String,
    /// 1 for the first; a new one follows changed scores.
    pub version: i32,
    /// The day of publication; the notice begins the day after.
    pub published_on: String,
    /// Working days of the notice.
    pub notice_working_days: i32,
    /// Its last day; certificates may be issued from the day after.
    pub notice_ends_on: String,
}

/// A candidate to be added: one of `worker_id` and `document_number`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CandidateRequest {
    /// The worker.
    pub worker_id: Option<String>,
    /// A document number of the worker.
    pub document_number: Option<String>,
    /// For employer bodies (IS-2): `employee`, `dispatched_worker` or `outside`; `outside` when absent.
    #[serde(default = "outside")]
    pub employment: String,
}

fn outside() -> String {
    "outside".to_owned()
}

/// Candidates to be added, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"candidates": [{"worker_id": "wkr_01ka4zrjh00000000000000000"}, {"document_number": "32010219000101001X", "employment": "employee"}]}))]
pub struct CandidatesRequest {
    /// 1 to 10,000 candidates.
    pub candidates: Vec<CandidateRequest>,
}

/// How many candidates there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidatesAnswer {
    /// Added by this request.
    pub added: i64,
    /// In the session now.
    pub total: i64,
}

/// A candidate with scores and certificate.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateDocument {
    /// The worker.
    pub worker_id: String,
    /// Tie to an employer body.
    pub employment: String,
    /// Theory, out of 100.
    pub theory: Option<String>,
    /// Practical, out of 100.
    pub practical: Option<String>,
    /// Comprehensive review, out of 100.
    pub comprehensive: Option<String>,
    /// The certificate, when it was issued.
    pub certificate_id: Option<String>,
}

/// One candidate's scores: numbers or texts from 0 to 100 with at most one decimal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResultRequest {
    /// The worker.
    pub worker_id: Option<String>,
    /// A document number of the worker.
    pub document_number: Option<String>,
    /// Theory.
    #[schema(value_type = Option<String>, example = "86")]
    pub theory: Option<ScoreText>,
    /// Practical.
    #[schema(value_type = Option<String>, example = "90.5")]
    pub practical: Option<ScoreText>,
    /// Comprehensive review, for levels 2 and above.
    #[schema(value_type = Option<String>)]
    pub comprehensive: Option<ScoreText>,
}

/// A score as a JSON number or text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum ScoreText {
    Number(serde_json::Number),
    Text(String),
}

/// Results, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"results": [{"worker_id": "wkr_01ka4zrjh00000000000000000", "theory": "86", "practical": "90.5"}]}))]
pub struct ResultsRequest {
    /// 1 to 10,000 results.
    pub results: Vec<ResultRequest>,
    /// Why recorded scores change.
    pub reason: Option<String>,
}

/// What became of a list of results.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResultsAnswer {
    /// Rows recorded.
    pub recorded: usize,
    /// Rows that say what was recorded already.
    pub unchanged: usize,
}

/// Parameters of a CSV upload of results.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ResultsQuery {
    /// Why recorded scores change; for CSV, JSON bodies carry it themselves.
    pub reason: Option<String>,
    /// Ask the rules and record nothing but the answer.
    #[serde(default)]
    pub dry_run: bool,
}

/// Whether to record anything.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DryRunQuery {
    /// Ask the rules and record nothing but the answer.
    #[serde(default)]
    pub dry_run: bool,
}

impl SessionDocument {
    pub fn new(row: &SessionRow, publication: Option<&PublicationRow>, candidates: Option<i64>) -> Self {
        SessionDocument {
            session_id: row.id.clone(),
            organisation_id: row.organisation_id.clone(),
            certificate_kind: row.kind.clone(),
            occupation_edition: row.occupation_edition.clone(),
            occupation_code: row.occupation_code.clone(),
            job_type: row.job_type.clone(),
            level: row.level.clone(),
            ability: row.ability.clone(),
            held_on: row.held_on.to_string(),
            site: row.site.clone(),
            panel: serde_json::from_str(&row.panel).unwrap_or_default(),
            quality_supervisor_card: row.quality_supervisor_card.clone(),
            candidates,
            publication: publication.map(PublicationDocument::new),
            registered_at: instant_of(row.registered_at),
        }
    }
}

impl PublicationDocument {
    fn new(row: &PublicationRow) -> Self {
        PublicationDocument {
            session_id: row.session_id.clone(),
            version: row.version,
            published_on: row.published_on.to_string(),
            notice_working_days: row.notice_working_days,
            notice_ends_on: row.notice_ends_on.to_string(),
        }
    }
}

/// A worker named by identifier or by document number.
pub fn reference(fields: &mut Fields, field: &str, worker_id: Option<&str>, document_number: Option<&str>) -> Option<WorkerReference> {
    match (worker_id, document_number) {
        (Some(id), None) => Some(WorkerReference::Id(id.to_owned())),
        (None, Some(number)) => Some(WorkerReference::DocumentNumber(normalised(number))),
        _ => {
            fields.fault(field, "one of worker_id and document_number expected", "应给出 worker_id 或 document_number 之一");
            None
        }
    }
}

/// Register an assessment session
#[utoipa::path(tag = "assessment", operation_id = "register_session", request_body = SessionRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The session", body = SessionDocument), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[post("/v1/assessment_sessions")]
pub async fn register_session(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: SessionRequest = body.json()?;
    let mut fields = Fields::default();
    let kind: Option<CertificateKind> = fields.parse("certificate_kind", &wanted.certificate_kind);
    let code: Option<OccupationCode> = fields.parse_opt("occupation_code", wanted.occupation_code.as_deref());
    let edition = fields.text("occupation_edition", &wanted.occupation_edition, 40);
    let level = fields.parse_opt("level", wanted.level.as_deref());
    let held_on = fields.date("held_on", &wanted.held_on);
    fields.count("panel", wanted.panel.len(), 1, 50);
    let mut panel = Vec::new();
    for (index, member) in wanted.panel.iter().enumerate() {
        let card_number = fields.text(&format!("panel[{index}].card_number"), &member.card_number, 40);
        let grade: Option<AssessorGrade> = fields.parse(&format!("panel[{index}].grade"), &member.grade);
        panel.extend(card_number.zip(grade).map(|(card_number, grade)| PanelMember { card_number, grade }));
    }
    let job_type = fields.text_opt("job_type", wanted.job_type.as_deref(), 60);
    let ability = fields.text_opt("ability", wanted.ability.as_deref(), 60);
    let site = fields.text_opt("site", wanted.site.as_deref(), 100);
    let quality_supervisor_card = fields.text_opt("quality_supervisor_card", wanted.quality_supervisor_card.as_deref(), 40);
    fields.finish()?;
    let occupation = code.zip(edition).map(|(code, edition)| Occupation { edition, code });
    let order = SessionOrder { kind: kind.expect(Fields::PARSED), occupation, job_type, level, ability, held_on: held_on.expect(Fields::PARSED), site, panel, quality_supervisor_card };
    let render = |view: &SessionView| kept(StatusCode::CREATED, Some(format!("/v1/assessment_sessions/{}", view.row.id)), &SessionDocument::new(&view.row, None, Some(0)));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.register_session(&caller.0, order, intent).await).await
}

/// List assessment sessions
#[utoipa::path(tag = "assessment", operation_id = "list_sessions", params(PageQuery), responses((status = 200, description = "A page of the body's own sessions; of all for the authority", body = Page<SessionDocument>), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[get("/v1/assessment_sessions")]
pub async fn list_sessions(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let rows = state.registry.list_sessions(&caller.0, window.of(ListOrder::OldestFirst)).await?;
    let page = window.page(rows, |row| row.id.clone(), |row| SessionDocument::new(&row, None, None));
    Ok(read_page(&request, &window, &page))
}

/// Read an assessment session
#[utoipa::path(tag = "assessment", operation_id = "get_session", params(("session_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The session", body = SessionDocument), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[get("/v1/assessment_sessions/{session_id}")]
pub async fn get_session(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: SessionId = path_id(&id)?;
    let view = state.registry.get_session(&caller.0, &id).await?;
    Ok(read(&request, &SessionDocument::new(&view.row, view.publication.as_ref(), Some(view.candidates))))
}

/// Add candidates
#[utoipa::path(tag = "assessment", operation_id = "add_candidates",
    request_body(content((CandidatesRequest = "application/json"), (String = "text/csv", example = "document_number,employment\n32010219000101001X,outside\n"), (String = "application/x-ndjson"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), params(("session_id" = String, Path, description = "Identifier"), DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "All are candidates now, or would be", body = CandidatesAnswer), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[post("/v1/assessment_sessions/{session_id}/candidates")]
pub async fn add_candidates(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let (orders, rows) = if body.media_type == "application/json" { (parse_candidates_json(&body)?, Vec::new()) } else { parse_table(&body, parse_candidates).await?.split() };
    let id: SessionId = path_id(&id)?;
    let render = |(added, total): &(i64, i64)| kept(StatusCode::OK, None, &CandidatesAnswer { added: *added, total: *total });
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.add_candidates(&caller.0, &id, &orders, query.dry_run, intent).await.map_err(|error| in_rows(error, &rows))).await
}

/// What a table says, read off the threads that answer requests: a workbook takes its time, and others must not wait for it.
pub async fn parse_table<T: Send + 'static>(body: &Body, parse: fn(Format, &[u8]) -> Result<Rows<T>, Vec<Violation>>) -> Result<Rows<T>, Problem> {
    let format = Format::of(&body.media_type).ok_or_else(|| Problem::unsupported_media_type(&body.media_type, "application/json, application/x-ndjson, text/csv or an XLSX workbook"))?;
    let bytes = body.bytes.clone();
    let parsed = tokio::task::spawn_blocking(move || parse(format, &bytes)).await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(parsed.map_err(Error::Invalid)?)
}

/// A refusal that names rows of the file instead of items of a list.
pub fn in_rows(error: Error, rows: &[usize]) -> Error {
    let named = |faults: Vec<Violation>| faults.into_iter().map(|fault| table::in_rows(fault, rows)).collect();
    match error {
        Error::Invalid(faults) => Error::Invalid(named(faults)),
        Error::Refused(faults) => Error::Refused(named(faults)),
        other => other,
    }
}

fn parse_candidates_json(body: &Body) -> Result<Vec<CandidateOrder>, Problem> {
    let wanted: CandidatesRequest = body.json()?;
    let mut fields = Fields::default();
    fields.count("candidates", wanted.candidates.len(), 1, 10_000);
    let mut orders = Vec::new();
    for (index, candidate) in wanted.candidates.iter().enumerate() {
        let at = format!("candidates[{index}]");
        let worker = reference(&mut fields, &at, candidate.worker_id.as_deref(), candidate.document_number.as_deref());
        let employment: Option<Employment> = fields.parse(&format!("{at}.employment"), &candidate.employment);
        orders.extend(worker.zip(employment).map(|(worker, employment)| CandidateOrder { worker, employment }));
    }
    fields.finish()?;
    Ok(orders)
}

/// List candidates with scores and certificates
#[utoipa::path(tag = "assessment", operation_id = "list_candidates", params(("session_id" = String, Path, description = "Identifier"), PageQuery), responses((status = 200, description = "A page of candidates", body = Page<CandidateDocument>), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[get("/v1/assessment_sessions/{session_id}/candidates")]
pub async fn list_candidates(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (id, window): (SessionId, _) = (path_id(&id)?, query.window()?);
    let rows = state.registry.list_candidates(&caller.0, &id, window.after.clone(), window.fetch()).await?;
    let score = |tenths: Option<i32>| tenths.and_then(Score::from_tenths).map(|score| score.to_string());
    let item = |row: CandidateStanding| CandidateDocument {
        theory: row.scores.as_ref().and_then(|scores| score(scores.theory_tenths)),
        practical: row.scores.as_ref().and_then(|scores| score(scores.practical_tenths)),
        comprehensive: row.scores.as_ref().and_then(|scores| score(scores.comprehensive_tenths)),
        worker_id: row.candidate.worker_id,
        employment: row.candidate.employment,
        certificate_id: row.certificate_id,
    };
    let page = window.page(rows, |row| row.candidate.worker_id.clone(), item);
    Ok(read_page(&request, &window, &page))
}

fn parse_results_json(body: &Body) -> Result<(Vec<ResultOrder>, Option<String>), Problem> {
    let wanted: ResultsRequest = body.json()?;
    let mut fields = Fields::default();
    fields.count("results", wanted.results.len(), 1, 10_000);
    let mut orders = Vec::new();
    for (index, result) in wanted.results.iter().enumerate() {
        let at = format!("results[{index}]");
        let worker = reference(&mut fields, &at, result.worker_id.as_deref(), result.document_number.as_deref());
        let mut score = |name: &str, text: &Option<ScoreText>| -> Option<Score> {
            let text = match text.as_ref()? {
                ScoreText::Number(number) => number.to_string(),
                ScoreText::Text(text) => text.clone(),
            };
            fields.parse(&format!("{at}.{name}"), &text)
        };
        let scores = Scores { theory: score("theory", &result.theory), practical: score("practical", &result.practical), comprehensive: score("comprehensive", &result.comprehensive) };
        orders.extend(worker.map(|worker| ResultOrder { worker, scores }));
    }
    let reason = fields.text_opt("reason", wanted.reason.as_deref(), 500);
    fields.finish()?;
    Ok((orders, reason))
}

/// Record scores
#[utoipa::path(tag = "assessment", operation_id = "record_results", params(("session_id" = String, Path, description = "Identifier"), ResultsQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    request_body(content((ResultsRequest = "application/json"), (String = "text/csv", example = "document_number,theory,practical\n32010219000101001X,86,90.5\n"), (String = "application/x-ndjson", example = "{\"document_number\":\"32010219000101001X\",\"theory\":86,\"practical\":90.5}\n"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, description = "All rows are recorded, or would be", body = ResultsAnswer), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[post("/v1/assessment_sessions/{session_id}/results")]
pub async fn record_results(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<ResultsQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let ((orders, rows), reason) = match body.media_type.as_str() {
        "application/json" => {
            let (orders, reason) = parse_results_json(&body)?;
            ((orders, Vec::new()), reason)
        }
        _ => {
            let mut fields = Fields::default();
            let reason = fields.text_opt("reason", query.reason.as_deref(), 500);
            fields.finish()?;
            (parse_table(&body, parse_results).await?.split(), reason)
        }
    };
    let id: SessionId = path_id(&id)?;
    let render = |recorded: &RecordedResults| kept(StatusCode::OK, None, &ResultsAnswer { recorded: recorded.recorded, unchanged: recorded.unchanged });
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.record_results(&caller.0, &id, &orders, reason.as_deref(), query.dry_run, intent).await.map_err(|error| in_rows(error, &rows))).await
}

/// Publish the results
#[utoipa::path(tag = "assessment", operation_id = "publish_results", params(("session_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The public notice", body = PublicationDocument), (status = 200, description = "It was published already, and no score has changed since", body = PublicationDocument), Problems), security(("bearer" = []), ("oauth" = ["assessment.write"])))]
#[post("/v1/assessment_sessions/{session_id}/publication")]
pub async fn publish_results(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let _: Empty = body.json_or_empty()?;
    let id: SessionId = path_id(&id)?;
    let render = |(row, is_new): &(PublicationRow, bool)| kept(created_or_known(*is_new), None, &PublicationDocument::new(row));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.publish_results(&caller.0, &id, intent).await).await
}

/// Nothing: an empty object or an empty body.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Issue certificates to everybody who passed
#[utoipa::path(tag = "assessment", operation_id = "start_session_issue", params(("session_id" = String, Path, description = "Identifier"), DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 202, description = "A job; `Location` names it", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/assessment_sessions/{session_id}/certificates")]
pub async fn start_session_issue(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let _: Empty = body.json_or_empty()?;
    let id: SessionId = path_id(&id)?;
    let render = |row: &JobRow| kept(StatusCode::ACCEPTED, Some(format!("/v1/jobs/{}", row.id)), &JobDocument::new(row));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.start_session_issue(&caller.0, &id, query.dry_run, intent).await).await
}
