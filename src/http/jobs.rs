//! Jobs: how far they are, what became of each row, and stopping them.

use super::AppState;
use super::auth::Caller;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{accepts, instant_of, json_bytes, read, read_page};
use crate::domain::id::JobId;
use crate::domain::text::Language;
use crate::store::jobs::{JobRow, JobRowRow};
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobDocument {
    /// Identifier.
    pub job_id: String,
    /// `issue_session`, `issue_class`, `issue_batch` or `change_batch_status`.
    pub kind: String,
    /// `queued`, `running`, `finished`, `cancelled`, or `failed` when the registry could not go on.
    pub state: String,
    /// Rows in all.
    pub total: i32,
    /// Rows done, refused ones included.
    pub done: i32,
    /// Rows refused.
    pub failed: i32,
    /// Whether nothing is issued.
    pub dry_run: bool,
    /// When it was asked for.
    pub created_at: String,
    /// When work on it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRowDocument {
    /// 1 for the first.
    pub row: i32,
    /// The worker, where the row names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_id: Option<String>,
    /// `issued`, `exists` (it had its certificate before), `changed`, `refused`, `failed` (tell the operator); in a dry run
    /// `would_issue` or `would_change`.
    pub outcome: String,
    /// The certificate, when it was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_id: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_number: Option<String>,
    /// Every violated rule, when it was refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<ViolationDocument>,
    /// What is worth a warning.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ViolationDocument>,
}

impl JobDocument {
    pub fn new(row: &JobRow) -> Self {
        JobDocument {
            job_id: row.id.clone(),
            kind: row.kind.clone(),
            state: row.state.clone(),
            total: row.total,
            done: row.done,
            failed: row.failed,
            dry_run: row.dry_run,
            created_at: instant_of(row.created_at),
            started_at: row.started_at.map(instant_of),
            finished_at: row.finished_at.map(instant_of),
        }
    }
}

impl JobRowDocument {
    pub fn new(row: &JobRowRow, language: Language) -> Self {
        let result: Value = serde_json::from_str(&row.result).unwrap_or_default();
        let text = |name: &str| result[name].as_str().map(str::to_owned);
        let violations = |name: &str| -> Vec<ViolationDocument> {
            let mut items = result[name].as_array().cloned().unwrap_or_default();
            if language == Language::Chinese {
                items.iter_mut().for_each(|item| item["detail"] = item["detail_zh"].clone());
            }
            items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect()
        };
        JobRowDocument {
            row: row.row_number,
            worker_id: row.subject.starts_with("wkr_").then(|| row.subject.clone()),
            outcome: row.outcome.clone(),
            certificate_id: text("certificate_id"),
            certificate_number: text("certificate_number"),
            violations: violations("violations"),
            warnings: violations("warnings"),
        }
    }
}

/// Read a job
#[utoipa::path(tag = "jobs", operation_id = "get_job", params(("job_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The job", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/jobs/{job_id}")]
pub async fn get_job(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: JobId = path_id(&id)?;
    Ok(read(&request, &JobDocument::new(&state.registry.find_job(&caller.0, id.as_str()).await?)))
}

/// Read what became of each row, as pages of JSON or as one stream of NDJSON
#[utoipa::path(tag = "jobs", operation_id = "list_job_rows", params(("job_id" = String, Path, description = "Identifier"), PageQuery),
    responses((status = 200, description = "A page, or with `Accept: application/x-ndjson` all rows, one on a line", content((Page<JobRowDocument> = "application/json"), (String = "application/x-ndjson"))), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/jobs/{job_id}/rows")]
pub async fn list_job_rows(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let id: JobId = path_id(&id)?;
    job_rows(&state, &request, &caller, id.as_str().to_owned(), &query).await
}

/// Rows of any job, batches included.
pub(super) async fn job_rows(state: &Data<AppState>, request: &HttpRequest, caller: &Caller, id: String, query: &PageQuery) -> Result<HttpResponse, Problem> {
    let (window, language) = (query.window()?, language(request));
    let after = window.after.as_deref().map_or(Some(0), |text| text.parse().ok()).ok_or_else(|| Problem::invalid("cursor", "the next_cursor of an earlier page expected", "应为上一页的 next_cursor"))?;
    if accepts(request, "application/x-ndjson") > accepts(request, "application/json") {
        state.registry.find_job(&caller.0, &id).await?;
        let (registry, actor) = (state.registry.clone(), caller.0.clone());
        // Each step reads the next rows, so that a list of any length needs the memory of one page.
        let stream = futures_util::stream::try_unfold(after, move |after| {
            let (registry, actor, id) = (registry.clone(), actor.clone(), id.clone());
            async move {
                let rows = registry.list_job_rows(&actor, &id, after, super::page::LIMIT_MAX).await.map_err(Problem::from)?;
                let Some(last) = rows.last().map(|row| row.row_number) else { return Ok(None) };
                let mut lines = Vec::new();
                for row in &rows {
                    lines.extend(json_bytes(&JobRowDocument::new(row, language)));
                    lines.push(b'\n');
                }
                Ok::<_, Problem>(Some((Bytes::from(lines), last)))
            }
        });
        return Ok(HttpResponse::Ok().content_type("application/x-ndjson").streaming(Box::pin(stream)));
    }
    let rows = state.registry.list_job_rows(&caller.0, &id, after, window.fetch()).await?;
    let page = window.page(rows, |row| row.row_number.to_string(), |row| JobRowDocument::new(&row, language));
    Ok(read_page(request, &window, &page))
}

/// Cancel a job; what it has done stays done
#[utoipa::path(tag = "jobs", operation_id = "cancel_job", params(("job_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The job", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/jobs/{job_id}/cancellation")]
pub async fn cancel_job(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: JobId = path_id(&id)?;
    Ok(read(&request, &JobDocument::new(&state.registry.cancel_job(&caller.0, id.as_str()).await?)))
}
