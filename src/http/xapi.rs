//! Statements of online platforms (xAPI 1.0.3, part three), and what became of them.

use super::AppState;
use super::auth::{Caller, bearer_of};
use super::body::Body;
use super::fields::Fields;
use super::oauth::basic_credentials;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, language};
use super::reply::{instant_of, json_bytes, place_headers, read, read_page};
use crate::domain::access::Actor;
use crate::domain::text::{Language, Text};
use crate::domain::xapi::Statement;
use crate::services::access::TokenRefusal;
use crate::services::error::Error;
use crate::services::statements::{Asked, StatementOutcome};
use crate::store::statements::{StatementPlace, StatementRow};
use actix_web::http::header;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

const VERSION_HEADER: &str = "x-experience-api-version";
const CONSISTENT_THROUGH: &str = "x-experience-api-consistent-through";
const VERSION: &str = "1.0.3";

/// Which statement: exactly one of the two.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AskedQuery {
    /// The UUID of one that stands.
    #[serde(rename = "statementId")]
    #[param(rename = "statementId")]
    pub statement_id: Option<String>,
    /// The UUID of one that was voided.
    #[serde(rename = "voidedStatementId")]
    #[param(rename = "voidedStatementId")]
    pub voided_statement_id: Option<String>,
}

/// Which statement.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// Its UUID.
    #[serde(rename = "statementId")]
    #[param(rename = "statementId")]
    pub statement_id: String,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct StatementsQuery {
    /// `recorded`, `refused`, `unassigned` or `kept`; all when absent.
    pub outcome: Option<String>,
    /// Items of a page, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Why a statement's study is no attendance.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementFinding {
    /// The rule.
    pub rule: String,
    /// `deny` or `warn`.
    pub outcome: String,
    /// The member of the statement.
    pub field: Option<String>,
    /// What was found and what was expected.
    pub detail: String,
}

/// What became of a statement.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementOutcomeDocument {
    /// The statement's UUID.
    pub statement_id: String,
    /// Its verb, where it is of a known vocabulary; `other` otherwise.
    pub verb: String,
    /// `recorded` when its study is attendance, `refused` when rules say no, `unassigned` when it does not tell whose study or in which class, `kept` when it tells of none.
    pub outcome: String,
    /// The worker.
    pub worker_id: Option<String>,
    /// The class.
    pub class_id: Option<String>,
    /// When the study began.
    pub started_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// The statement that voids it; what followed from it was taken back.
    pub voided_by: Option<String>,
    /// Every reason.
    pub findings: Vec<StatementFinding>,
    /// When it was stored.
    pub stored_at: String,
}

/// Which versions are spoken.
#[derive(Debug, Serialize, ToSchema)]
pub struct AboutDocument {
    /// Versions of xAPI.
    pub version: Vec<&'static str>,
}

/// Who sends: by access token, or by client identifier and secret as learning platforms do (HTTP Basic).
async fn sender(state: &AppState, request: &HttpRequest) -> Result<Actor, Problem> {
    if let Some(token) = bearer_of(request) {
        return state.registry.find_actor(token).await?.ok_or_else(Problem::unauthenticated);
    }
    let basic = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(basic_credentials);
    let (client, secret) = basic.ok_or_else(Problem::unauthenticated)?;
    let source = super::client_address::of(request, &state.registry.config).map(|address| address.to_string()).unwrap_or_default();
    match state.registry.find_actor_by_secret(&client, &secret, &source).await {
        Ok(actor) => Ok(actor),
        Err(TokenRefusal::TooMany(seconds)) => Err(Problem::too_many(Text::new("too many wrong secrets for this client", "该客户端密钥错误次数过多"), seconds)),
        Err(TokenRefusal::Other(error)) => Err(error.into()),
        Err(TokenRefusal::InvalidClient | TokenRefusal::InvalidScope) => Err(Problem::unauthenticated()),
    }
}

/// Every request names the version that it speaks (part three, 3.3).
fn check_version(request: &HttpRequest) -> Result<(), Problem> {
    let given = request.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given == "1.0" || given.starts_with("1.0.") {
        return Ok(());
    }
    Err(Problem::invalid("X-Experience-API-Version", "a version 1.0.x expected", "应为 1.0.x 版本"))
}

fn answered(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::HeaderName::from_static(VERSION_HEADER), header::HeaderValue::from_static(VERSION));
    response
}

fn parsed(value: Value, at: &str) -> Result<(Value, Statement), Error> {
    let statement = Statement::parse(&value, at).map_err(Error::Invalid)?;
    Ok((value, statement))
}

/// Tell which versions are spoken
#[utoipa::path(tag = "training", operation_id = "get_xapi_about", responses((status = 200, description = "Versions", body = AboutDocument), Problems), security(()))]
#[get("/xapi/about")]
pub async fn get_xapi_about(request: HttpRequest) -> HttpResponse {
    answered(read(&request, &AboutDocument { version: vec![VERSION] }))
}

/// Take statements of an online platform
///
/// Every statement is kept as evidence; the end of a session in a class (`terminated` with `result.duration`) is
/// online attendance, and `voided` takes it back while the class is open. `GET /v1/statements` tells what became of each.
#[utoipa::path(tag = "training", operation_id = "receive_statements", params(("X-Experience-API-Version" = String, Header, description = "1.0.x")),
    request_body(description = "One statement or an array of them; one that is not well formed has the whole batch refused", content((Value = "application/json"))),
    responses((status = 200, description = "The identifiers, in the order of the statements; the same statement again changes nothing", body = Vec<String>), Problems), security(("bearer" = []), ("oauth" = ["training.write"]), ("client" = [])))]
#[post("/xapi/statements")]
pub async fn receive_statements(state: Data<AppState>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    check_version(&request)?;
    let actor = sender(&state, &request).await?;
    let batch = match body.json::<Value>()? {
        Value::Array(items) => items.into_iter().enumerate().map(|(index, item)| parsed(item, &index.to_string())).collect::<Vec<_>>(),
        one => vec![parsed(one, "0")],
    };
    let mut faults = Vec::new();
    let mut received = Vec::with_capacity(batch.len());
    for one in batch {
        match one {
            Ok(one) => received.push(one),
            Err(Error::Invalid(found)) => faults.extend(found),
            Err(other) => return Err(other.into()),
        }
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults).into());
    }
    let done = state.registry.receive_statements(&actor, received).await?;
    let mut response = HttpResponse::Ok();
    place_headers(&mut response, &done.place);
    Ok(answered(response.content_type("application/json").insert_header((header::CACHE_CONTROL, "no-store")).body(json_bytes(&done.ids))))
}

/// Take one statement under its identifier
#[utoipa::path(tag = "training", operation_id = "put_statement", params(StatementQuery, ("X-Experience-API-Version" = String, Header, description = "1.0.x")),
    request_body(description = "The statement", content((Value = "application/json"))), responses((status = 204, description = "It is stored"), Problems), security(("bearer" = []), ("oauth" = ["training.write"]), ("client" = [])))]
#[put("/xapi/statements")]
pub async fn put_statement(state: Data<AppState>, request: HttpRequest, query: Query<StatementQuery>, body: Body) -> Result<HttpResponse, Problem> {
    check_version(&request)?;
    let actor = sender(&state, &request).await?;
    let mut value: Value = body.json()?;
    if value.get("id").is_some_and(|id| id.as_str().is_none_or(|id| !id.eq_ignore_ascii_case(&query.statement_id))) {
        return Err(Problem::invalid("id", "the statementId of the address expected", "应与地址中的 statementId 一致"));
    }
    if let Some(members) = value.as_object_mut() {
        members.insert("id".to_owned(), Value::from(query.statement_id.clone()));
    }
    let done = state.registry.receive_statements(&actor, vec![parsed(value, "0")?]).await?;
    let mut response = HttpResponse::NoContent();
    place_headers(&mut response, &done.place);
    Ok(answered(response.finish()))
}

/// Read a statement
///
/// One that was voided is found by `voidedStatementId` alone.
#[utoipa::path(tag = "training", operation_id = "get_statement", params(AskedQuery, ("X-Experience-API-Version" = String, Header, description = "1.0.x")),
    responses((status = 200, description = "The statement as it was sent, with `stored` and `authority`", body = Value), Problems), security(("bearer" = []), ("oauth" = ["training.write"]), ("client" = [])))]
#[get("/xapi/statements")]
pub async fn get_statement(state: Data<AppState>, request: HttpRequest, query: Query<AskedQuery>) -> Result<HttpResponse, Problem> {
    check_version(&request)?;
    let actor = sender(&state, &request).await?;
    let (id, asked) = match (&query.statement_id, &query.voided_statement_id) {
        (Some(id), None) => (id, Asked::Standing),
        (None, Some(id)) => (id, Asked::Voided),
        _ => return Err(Problem::invalid("statementId", "exactly one of statementId and voidedStatementId expected", "应有且仅有 statementId 与 voidedStatementId 之一")),
    };
    let view = state.registry.get_statement(&actor, id, asked).await?;
    let mut response = answered(read(&request, &view.statement));
    if let Ok(now) = header::HeaderValue::from_str(&instant_of(state.registry.clock.now().timestamp_micros())) {
        response.headers_mut().insert(header::HeaderName::from_static(CONSISTENT_THROUGH), now);
    }
    Ok(response)
}

impl StatementOutcomeDocument {
    fn new((row, voided_by): (StatementRow, Option<String>), language: Language) -> Self {
        let findings: Vec<Value> = serde_json::from_str(&row.findings).unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let finding = |found: &Value| StatementFinding {
            rule: text(&found["rule"]),
            outcome: text(&found["outcome"]),
            field: found["field"].as_str().map(str::to_owned),
            detail: text(&found[if language == Language::Chinese { "zh" } else { "en" }]),
        };
        StatementOutcomeDocument {
            findings: findings.iter().map(finding).collect(),
            statement_id: row.id,
            verb: row.verb,
            outcome: row.outcome,
            worker_id: row.worker_id,
            class_id: row.class_id,
            started_at: row.started_at.map(instant_of),
            ended_at: row.ended_at.map(instant_of),
            voided_by,
            stored_at: instant_of(row.stored_at),
        }
    }
}

/// See what became of statements
#[utoipa::path(tag = "training", operation_id = "list_statements", params(StatementsQuery), responses((status = 200, description = "A page of the organisation's statements in the order in which they came", body = Page<StatementOutcomeDocument>), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/statements")]
pub async fn list_statements(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<StatementsQuery>) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let outcome: Option<StatementOutcome> = fields.parse_opt("outcome", query.outcome.as_deref());
    fields.finish()?;
    let window = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.window()?;
    let place = |cursor: &str| cursor.split_once('.').and_then(|(at, id)| Some(StatementPlace { stored_at: at.parse().ok()?, id: id.to_owned() }));
    let after = window.after.as_deref().map(|cursor| place(cursor).ok_or_else(PageQuery::wrong_cursor)).transpose()?;
    let rows = state.registry.list_statements(&caller.0, outcome, after, window.fetch()).await?;
    let language = language(&request);
    let page = window.page(rows, |(row, _)| format!("{}.{}", row.stored_at, row.id), |row| StatementOutcomeDocument::new(row, language));
    Ok(read_page(&request, &window, &page))
}
