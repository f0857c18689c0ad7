//! The trainees of a class: put on its list, what they reached when it is closed, and the certificates that follow.

use super::AppState;
use super::assessments::{DryRunQuery, Empty, in_rows, parse_table, reference};
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::jobs::JobDocument;
use super::once::once;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems};
use super::reply::{created_or_known, instant_of, kept, read_page};
use super::training::parsed;
use crate::domain::credit::ClassAssessment;
use crate::domain::id::ClassId;
use crate::domain::training::EnrolmentParticulars;
use crate::services::closing::ClosedClass;
use crate::services::intent::Intent;
use crate::services::references::WorkerReference;
use crate::services::trainee_rows::{parse_assessments, parse_trainees};
use crate::services::training::EnrolmentOrder;
use crate::store::jobs::JobRow;
use crate::store::training::{ClassResultRow, ClosingRow, EnrolmentRow};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// The closing of a class.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClosingDocument {
    /// The class.
    pub class_id: String,
    /// The day.
    pub closed_on: String,
    /// Version of the list `training_rules` by which hours and credits were worked out.
    pub rules_version: i32,
    /// How many trainees it had.
    pub trainees: i32,
    /// How many of them completed it.
    pub completed: i32,
    /// Of a dry run: what every trainee would reach.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ReachedDocument>,
}

/// What one trainee would reach.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReachedDocument {
    /// The worker.
    pub worker_id: String,
    #[serde(flatten)]
    pub reached: TraineeResult,
}

/// A worker to be put on the list: one of `worker_id` and `document_number`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TraineeRequest {
    /// The worker.
    pub worker_id: Option<String>,
    /// A document number of the worker.
    pub document_number: Option<String>,
    /// What this type of training says of a trainee: `employer_code`, `user_enterprise_code`, `agreement_number`, `agreement_from`, `agreement_to`, `mentor_number`, `target_level`, `student_number`, `voucher_number`, `home_region_code`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub particulars: EnrolmentParticulars,
}

/// Workers to be put on the list, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"trainees": [{"worker_id": "wkr_01ka4zrjh00000000000000000"}, {"document_number": "32010219000101001X"}]}))]
pub struct TraineesRequest {
    /// 1 to 10,000 trainees.
    pub trainees: Vec<TraineeRequest>,
    /// Why they come onto the list on the first day or later (HR-6).
    pub reason: Option<String>,
}

/// How many trainees there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraineesAnswer {
    /// Added by this request.
    pub added: i64,
    /// On the list now.
    pub total: i64,
}

/// A trainee, with what they reached once the class is closed.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraineeDocument {
    /// The worker.
    pub worker_id: String,
    /// Why the trainee came onto the list late.
    pub reason: Option<String>,
    /// What this type of training says of a trainee.
    #[schema(value_type = Object)]
    pub particulars: Value,
    /// When the trainee was put on the list.
    pub enrolled_at: String,
    /// What the trainee reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<TraineeResult>,
}

/// What a trainee reached in a closed class.
#[derive(Debug, Serialize, ToSchema)]
pub struct TraineeResult {
    /// `passed`, `failed` or `absent`.
    pub assessment: String,
    /// Minutes that count (HR-4).
    pub credited_minutes: i32,
    /// The same in class hours (HR-1).
    pub credited_hours: i32,
    /// Whether the trainee completed the class.
    pub completed: bool,
    /// `figures`: everything that went into the hours; `findings`: every rule that was against completion or warned.
    #[schema(value_type = Object)]
    pub working: Value,
}

/// How one trainee's assessment ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassResultRequest {
    /// The worker.
    pub worker_id: Option<String>,
    /// A document number of the worker.
    pub document_number: Option<String>,
    /// `passed`, `failed` or `absent`.
    pub assessment: String,
}

/// The end of a class.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"results": [{"worker_id": "wkr_01ka4zrjh00000000000000000", "assessment": "passed"}]}))]
pub struct ClosingRequest {
    /// How the assessments ended; a trainee who is not named was absent.
    pub results: Vec<ClassResultRequest>,
}

impl ClosingDocument {
    pub fn new(row: &ClosingRow) -> Self {
        ClosingDocument { class_id: row.class_id.clone(), closed_on: row.closed_on.to_string(), rules_version: row.rules, trainees: row.trainees, completed: row.completed, results: Vec::new() }
    }

    pub fn of_closed(closed: &ClosedClass) -> Self {
        let reached = |row: &ClassResultRow| ReachedDocument { worker_id: row.worker_id.clone(), reached: TraineeResult::new(row.clone()) };
        ClosingDocument { results: closed.results.iter().map(reached).collect(), ..Self::new(&closed.closing) }
    }
}

impl TraineeResult {
    fn new(row: ClassResultRow) -> Self {
        TraineeResult { working: parsed(&row.working), assessment: row.assessment, credited_minutes: row.credited_minutes, credited_hours: row.credited_hours, completed: row.completed }
    }
}

impl TraineeDocument {
    pub fn new((row, reached): (EnrolmentRow, Option<ClassResultRow>)) -> Self {
        TraineeDocument { particulars: parsed(&row.particulars), enrolled_at: instant_of(row.enrolled_at), worker_id: row.worker_id, reason: row.reason, result: reached.map(TraineeResult::new) }
    }
}

/// The trainees of a JSON body, and why they come late.
fn parse_trainees_json(body: &Body) -> Result<(Vec<EnrolmentOrder>, Option<String>), Problem> {
    let wanted: TraineesRequest = body.json()?;
    let mut fields = Fields::default();
    fields.count("trainees", wanted.trainees.len(), 1, 10_000);
    let reason = fields.text_opt("reason", wanted.reason.as_deref(), 500);
    let mut orders = Vec::new();
    for (index, trainee) in wanted.trainees.into_iter().enumerate() {
        let worker = reference(&mut fields, &format!("trainees[{index}]"), trainee.worker_id.as_deref(), trainee.document_number.as_deref());
        orders.extend(worker.map(|worker| EnrolmentOrder { worker, particulars: trainee.particulars }));
    }
    fields.finish()?;
    Ok((orders, reason))
}

/// How a list of trainees is taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TraineesQuery {
    /// Ask the rules and record nothing but the answer.
    #[serde(default)]
    pub dry_run: bool,
    /// Why those of a table come onto the list on the first day or later (HR-6); JSON has a member for it.
    pub reason: Option<String>,
}

/// Put workers on the list of a class
#[utoipa::path(tag = "training", operation_id = "enrol_trainees",
    request_body(content((TraineesRequest = "application/json"), (String = "text/csv", example = "document_number\n32010219000101001X\n"), (String = "application/x-ndjson"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), params(("class_id" = String, Path, description = "Identifier"), TraineesQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "All are on the list now, or would be", body = TraineesAnswer), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/classes/{class_id}/enrolments")]
pub async fn enrol_trainees(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<TraineesQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let (orders, rows, reason) = if body.media_type == "application/json" {
        let (orders, reason) = parse_trainees_json(&body)?;
        (orders, Vec::new(), reason)
    } else {
        let mut fields = Fields::default();
        let reason = fields.text_opt("reason", query.reason.as_deref(), 500);
        fields.finish()?;
        let (orders, rows) = parse_table(&body, parse_trainees).await?.split();
        (orders, rows, reason)
    };
    let id: ClassId = path_id(&id)?;
    let render = |(added, total): &(i64, i64)| kept(StatusCode::OK, None, &TraineesAnswer { added: *added, total: *total });
    let enrol = async |intent: &Intent<(i64, i64)>| state.registry.enrol_trainees(&caller.0, &id, &orders, reason.as_deref(), query.dry_run, intent).await.map_err(|error| in_rows(error, &rows));
    once(&request, &state, caller.0.client.as_str(), &body, render, enrol).await
}

/// List trainees with what they reached
#[utoipa::path(tag = "training", operation_id = "list_trainees", params(("class_id" = String, Path, description = "Identifier"), PageQuery), responses((status = 200, description = "A page of trainees", body = Page<TraineeDocument>), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/classes/{class_id}/enrolments")]
pub async fn list_trainees(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (id, window): (ClassId, _) = (path_id(&id)?, query.window()?);
    let rows = state.registry.list_trainees(&caller.0, &id, window.after.clone(), window.fetch()).await?;
    let page = window.page(rows, |(row, _)| row.worker_id.clone(), TraineeDocument::new);
    Ok(read_page(&request, &window, &page))
}

/// How the assessments of a JSON body ended.
fn parse_assessments_json(body: &Body) -> Result<Vec<(WorkerReference, ClassAssessment)>, Problem> {
    let wanted: ClosingRequest = body.json()?;
    let mut fields = Fields::default();
    fields.count("results", wanted.results.len(), 0, 10_000);
    let mut assessed = Vec::new();
    for (index, result) in wanted.results.iter().enumerate() {
        let at = format!("results[{index}]");
        let worker = reference(&mut fields, &at, result.worker_id.as_deref(), result.document_number.as_deref());
        let assessment: Option<ClassAssessment> = fields.parse(&format!("{at}.assessment"), &result.assessment);
        assessed.extend(worker.zip(assessment));
    }
    fields.finish()?;
    Ok(assessed)
}

/// Close a class
#[utoipa::path(tag = "training", operation_id = "close_class",
    request_body(content((ClosingRequest = "application/json"), (String = "text/csv", example = "document_number,assessment\n32010219000101001X,passed\n"), (String = "application/x-ndjson"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), params(("class_id" = String, Path, description = "Identifier"), DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The class is closed, hours and credits are worked out", body = ClosingDocument), (status = 200, description = "It was closed already; or, of a dry run, what closing it would give", body = ClosingDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/classes/{class_id}/closing")]
pub async fn close_class(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let (assessed, rows) = if body.media_type == "application/json" { (parse_assessments_json(&body)?, Vec::new()) } else { parse_table(&body, parse_assessments).await?.split() };
    let id: ClassId = path_id(&id)?;
    let render = |closed: &ClosedClass| kept(created_or_known(closed.is_new), None, &ClosingDocument::of_closed(closed));
    let close = async |intent: &Intent<ClosedClass>| state.registry.close_class(&caller.0, &id, &assessed, query.dry_run, intent).await.map_err(|error| in_rows(error, &rows));
    once(&request, &state, caller.0.client.as_str(), &body, render, close).await
}

/// Issue completion certificates to everybody who completed a class
#[utoipa::path(tag = "training", operation_id = "start_class_issue", params(("class_id" = String, Path, description = "Identifier"), DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 202, description = "A job; `Location` names it. Its row of a trainee who did not complete the class says why", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/classes/{class_id}/certificates")]
pub async fn start_class_issue(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let _: Empty = body.json_or_empty()?;
    let id: ClassId = path_id(&id)?;
    let render = |row: &JobRow| kept(StatusCode::ACCEPTED, Some(format!("/v1/jobs/{}", row.id)), &JobDocument::new(row));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.start_class_issue(&caller.0, &id, query.dry_run, intent).await).await
}
