//! Contested entries: the worker files, the organisation answers, supervisors see what is overdue.

use super::AppState;
use super::auth::{Caller, OwnCaller};
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems};
use super::reply::{created_or_known, instant_of, kept, read_page};
use crate::domain::dispute::{DisputeOutcome, DisputeSubject};
use crate::domain::id::DisputeId;
use crate::services::disputes::{DisputeOrder, DisputeState, DisputeView};
use crate::services::intent::Answer;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An entry that the worker contests.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"subject_kind": "class", "subject_id": "cls_01ka4zrjh00000000000000000", "statement": "3 月 12 日我也到课，未登记"}))]
pub struct DisputeRequest {
    /// `identity`, `class`, `attendance`, `session`, `certificate`, `credit_entry` or `competition_result`.
    pub subject_kind: String,
    /// Identifier of the entry; of attendance the moment at which it began; absent for `identity`.
    pub subject_id: Option<String>,
    /// What is wrong.
    pub statement: String,
}

/// The answer to a dispute.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "upheld", "answer": "已补登 3 月 12 日出勤"}))]
pub struct DisputeAnswerRequest {
    /// `upheld` when the entry is put right, `rejected` when it stands.
    pub outcome: String,
    /// Why, or what was done.
    pub answer: String,
}

/// A contested entry.
#[derive(Debug, Serialize, ToSchema)]
pub struct DisputeDocument {
    /// Identifier.
    pub dispute_id: String,
    /// The worker.
    pub worker_id: String,
    /// What is contested.
    pub subject_kind: String,
    /// Which entry.
    pub subject_id: Option<String>,
    /// Who answers; null for the authority that runs the registry.
    pub organisation_id: Option<String>,
    /// What the worker says.
    pub statement: String,
    /// `open`, `overdue` or `answered`.
    pub state: &'static str,
    /// Last day for the answer.
    pub due_on: String,
    /// When it was filed.
    pub filed_at: String,
    /// `upheld` or `rejected`.
    pub outcome: Option<String>,
    /// What was answered.
    pub answer: Option<String>,
    /// When.
    pub answered_at: Option<String>,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DisputeQuery {
    /// `open`, `answered` or `overdue`; all when absent.
    pub state: Option<String>,
    /// Items of a page, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl DisputeDocument {
    pub fn new(view: &DisputeView) -> Self {
        let row = &view.row;
        let answer = view.answer.as_ref();
        DisputeDocument {
            dispute_id: row.id.clone(),
            worker_id: row.worker_id.clone(),
            subject_kind: row.subject_kind.clone(),
            subject_id: (!row.subject_id.is_empty()).then(|| row.subject_id.clone()),
            organisation_id: row.organisation_id.clone(),
            statement: view.statement.clone(),
            state: match (answer, view.is_overdue) {
                (Some(_), _) => DisputeState::Answered,
                (None, true) => DisputeState::Overdue,
                (None, false) => DisputeState::Open,
            }
            .as_str(),
            due_on: row.due_on.to_string(),
            filed_at: instant_of(row.filed_at),
            outcome: answer.map(|(row, _)| row.outcome.clone()),
            answer: answer.map(|(_, text)| text.clone()),
            answered_at: answer.map(|(row, _)| instant_of(row.answered_at)),
        }
    }
}

/// A dispute as the answer to its filing.
pub fn answer_of(view: &DisputeView) -> Answer {
    kept(created_or_known(view.is_new), None, &DisputeDocument::new(view))
}

/// Contest an entry of one's own record
#[utoipa::path(tag = "workers' own", operation_id = "file_dispute", request_body = DisputeRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The dispute, with the last day for its answer", body = DisputeDocument), (status = 200, description = "A dispute of this entry is open already", body = DisputeDocument), Problems), security(("bearer" = [])))]
#[post("/v1/me/disputes")]
pub async fn file_dispute(state: Data<AppState>, request: HttpRequest, own: OwnCaller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: DisputeRequest = body.json()?;
    let mut fields = Fields::default();
    let subject: Option<DisputeSubject> = fields.parse("subject_kind", &wanted.subject_kind);
    let subject_id = fields.text_opt("subject_id", wanted.subject_id.as_deref(), 60);
    if subject.is_some_and(|subject| subject != DisputeSubject::Identity) && wanted.subject_id.is_none() {
        fields.fault("subject_id", "the identifier of an entry expected", "应注明所异议的记录");
    }
    let statement = fields.text("statement", &wanted.statement, 2_000);
    fields.finish()?;
    let order = DisputeOrder { subject: subject.expect(Fields::PARSED), subject_id, statement: statement.expect(Fields::PARSED) };
    once(&request, &state, own.0.worker.as_str(), &body, answer_of, async |intent| state.registry.file_dispute(&own.0, &order, intent).await).await
}

/// List one's own disputes
#[utoipa::path(tag = "workers' own", operation_id = "list_own_disputes", params(PageQuery), responses((status = 200, description = "A page of disputes, the newest first", body = Page<DisputeDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/disputes")]
pub async fn list_own_disputes(state: Data<AppState>, request: HttpRequest, own: OwnCaller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let views = state.registry.list_own_disputes(&own.0, window.after.clone(), window.fetch()).await?;
    let page = window.page(views, |view| view.row.id.clone(), |view| DisputeDocument::new(&view));
    Ok(read_page(&request, &window, &page))
}

/// List disputes
#[utoipa::path(tag = "supervision", operation_id = "list_disputes", params(DisputeQuery), responses((status = 200, description = "A page of disputes in the order in which they were filed: those that the caller's organisation answers, or all for the authority and its supervisors", body = Page<DisputeDocument>), Problems), security(("bearer" = []), ("oauth" = ["supervision.read"])))]
#[get("/v1/disputes")]
pub async fn list_disputes(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<DisputeQuery>) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let wanted: Option<DisputeState> = fields.parse_opt("state", query.state.as_deref());
    fields.finish()?;
    let window = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.window()?;
    let views = state.registry.list_disputes(&caller.0, wanted, window.after.clone(), window.fetch()).await?;
    let page = window.page(views, |view| view.row.id.clone(), |view| DisputeDocument::new(&view));
    Ok(read_page(&request, &window, &page))
}

/// An answer, parsed.
pub fn dispute_answer(wanted: &DisputeAnswerRequest) -> Result<(DisputeOutcome, String), Problem> {
    let mut fields = Fields::default();
    let outcome: Option<DisputeOutcome> = fields.parse("outcome", &wanted.outcome);
    let answer = fields.text("answer", &wanted.answer, 2_000);
    fields.finish()?;
    Ok((outcome.expect(Fields::PARSED), answer.expect(Fields::PARSED)))
}

/// Answer a dispute
#[utoipa::path(tag = "supervision", operation_id = "answer_dispute", request_body = DisputeAnswerRequest, params(("dispute_id" = String, Path, description = "The dispute"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The dispute with its answer", body = DisputeDocument), (status = 200, description = "It was answered already; the first answer stays", body = DisputeDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/disputes/{dispute_id}/answers")]
pub async fn answer_dispute(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let (outcome, answer) = dispute_answer(&body.json()?)?;
    let id: DisputeId = path_id(&id)?;
    once(&request, &state, caller.0.client.as_str(), &body, answer_of, async |intent| state.registry.answer_dispute(&caller.0, &id, outcome, &answer, intent).await).await
}
