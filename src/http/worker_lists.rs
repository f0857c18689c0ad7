//! Workers registered from a list.

use super::AppState;
use super::assessments::DryRunQuery;
use super::auth::Caller;
use super::body::Body;
use super::once::once;
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::kept;
use crate::domain::text::Language;
use crate::services::error::Error;
use crate::services::intent::Answer;
use crate::services::worker_rows::{RegisteredWorkers, WorkerOrder, parse_workers};
use crate::table::Format;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use actix_web::{HttpRequest, HttpResponse, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of a list of workers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkerListAnswer {
    /// Workers registered by this list.
    pub registered: usize,
    /// Workers who were known already.
    pub known: usize,
    /// Rows that were refused.
    pub refused: usize,
    /// Each row, in the order of the file.
    pub rows: Vec<WorkerRowDocument>,
}

/// What became of a row.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WorkerRowDocument {
    /// Its place: the line of a file; 1 for the first.
    pub row: usize,
    /// The worker; absent when the row was refused, and of a dry run when the worker would be new.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub worker_id: Option<String>,
    /// Every rule that the row breaks.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub violations: Vec<ViolationDocument>,
}

/// The workers of a body.
pub async fn read_workers(body: &Body, today: NaiveDate) -> Result<Vec<WorkerOrder>, Problem> {
    let format = Format::of(&body.media_type).ok_or_else(|| Problem::unsupported_media_type(&body.media_type, "text/csv, application/x-ndjson or an XLSX workbook"))?;
    let bytes = body.bytes.clone();
    let parsed = tokio::task::spawn_blocking(move || parse_workers(format, &bytes, today)).await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(parsed.map_err(Error::Invalid)?)
}

/// What became of a list, in a language.
pub fn worker_list_answer(language: Language) -> impl Fn(&RegisteredWorkers) -> Answer + Send + Sync + 'static {
    move |list| {
        let taken = list.workers.iter().map(|(row, id, _)| WorkerRowDocument { row: *row, worker_id: id.clone(), violations: Vec::new() });
        let refused = list.refused.iter().map(|(row, found)| WorkerRowDocument { row: *row, worker_id: None, violations: found.iter().map(|violation| ViolationDocument::new(violation, language)).collect() });
        let mut rows: Vec<WorkerRowDocument> = taken.chain(refused).collect();
        rows.sort_by_key(|row| row.row);
        let registered = list.workers.iter().filter(|(_, _, is_new)| *is_new).count();
        kept(StatusCode::OK, None, &WorkerListAnswer { registered, known: list.workers.len() - registered, refused: list.refused.len(), rows })
    }
}

/// Register the workers of a list
#[utoipa::path(tag = "workers", operation_id = "register_workers", params(DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    request_body(description = "Columns `name`, `document_number` and, where they are not resident identity cards, `document_type` and `country`; at most 10,000 rows", content((String = "text/csv", example = "name,document_number\n张三,32010219000101001X\n"), (String = "application/x-ndjson"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, description = "What became of the rows; good rows are taken, and sending the same rows again changes nothing", body = WorkerListAnswer), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/lists")]
pub async fn register_workers(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let orders = read_workers(&body, state.registry.clock.today()).await?;
    once(&request, &state, caller.0.client.as_str(), &body, worker_list_answer(language(&request)), async |intent| state.registry.register_workers(&caller.0, orders, query.dry_run, intent).await).await
}
