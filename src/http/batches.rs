//! Batches of certificates: a file in, a job with row results out.

use super::AppState;
use super::assessments::DryRunQuery;
use super::auth::Caller;
use super::body::Body;
use super::certificates::{CertificateRequest, StatusChangeRequest, order_content, status_order};
use super::fields::Fields;
use super::jobs::{JobDocument, JobRowDocument, job_rows};
use super::once::once;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems};
use super::reply::{kept, read};
use super::upload::Upload;
use crate::domain::id::BatchId;
use crate::domain::number::normalised;
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::services::batches::{BatchOrder, BatchUpload};
use crate::services::references::WorkerReference;
use crate::store::jobs::JobRow;
use crate::table::Format;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::Duration;
use utoipa::ToSchema;

/// Columns of CSV and XLSX, with the Chinese headings that may stand in their place.
const COLUMNS: &[(&str, &str)] = &[
    ("worker_id", "劳动者标识"),
    ("document_number", "证件号码"),
    ("session_id", "评价场次"),
    ("project", "培训项目"),
    ("taught_minutes", "培训分钟数"),
    ("category", "作业类别"),
    ("item", "操作项目"),
    ("issued_on", "发证日期"),
    ("valid_to", "有效期至"),
    ("review_due_on", "复审日期"),
    ("certificate_number", "证书编号"),
    ("form_serial", "证书印刷号"),
    ("cures", "补正证书"),
];
const REQUIRED: &[&[&str]] = &[&["worker_id", "document_number"], &["session_id", "project", "category"]];

/// A row of a batch: an object of NDJSON, or the columns of CSV and XLSX. Exactly one of `worker_id` and `document_number`, and
/// exactly one of `session_id`, `project`, and `category` with `item`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"document_number": "32010019000101001X", "session_id": "ses_01ka4zrjh00000000000000000"}))]
pub struct BatchRowRequest {
    /// The holder.
    pub worker_id: Option<String>,
    /// Number of a document of the holder.
    pub document_number: Option<String>,
    /// The session that the holder passed.
    pub session_id: Option<String>,
    /// Training project, for `training_completion`.
    pub project: Option<String>,
    /// Minutes taught, for `training_completion`.
    #[schema(value_type = Option<i32>)]
    pub taught_minutes: Option<Value>,
    /// Category of special operation.
    pub category: Option<String>,
    /// Operation item of the permit.
    pub item: Option<String>,
    /// Day of issue; the day of the job when absent.
    pub issued_on: Option<String>,
    /// Last valid day printed on the permit.
    pub valid_to: Option<String>,
    /// Review day printed on the permit.
    pub review_due_on: Option<String>,
    /// Number chosen by the body.
    pub certificate_number: Option<String>,
    /// Serial of the paper form.
    pub form_serial: Option<String>,
    /// `certificate_id` of a wrongly revoked certificate that this one puts right.
    pub cures: Option<String>,
}

fn parse_row(cells: Map<String, Value>) -> Result<BatchOrder, Vec<Violation>> {
    let row: BatchRowRequest = serde_path_to_error::deserialize(Value::Object(cells)).map_err(|error| {
        let field = error.path().to_string();
        let detail = Text::new("a member of another type, or one that is unknown, found", "字段类型不符或字段未知");
        vec![invalid(if field == "." { "row".to_owned() } else { field }, detail)]
    })?;
    let mut fields = Fields::default();
    let worker = match (row.worker_id.as_deref(), row.document_number.as_deref()) {
        (Some(id), None) => fields.parse::<crate::domain::id::WorkerId>("worker_id", id).map(|id| WorkerReference::Id(id.to_string())),
        (None, Some(number)) if number.chars().count() <= 40 => Some(WorkerReference::DocumentNumber(normalised(number))),
        _ => {
            fields.fault("worker_id", "exactly one of worker_id and document_number expected", "应恰好给出 worker_id 与 document_number 之一");
            None
        }
    };
    // In CSV every cell is a text.
    let minutes = row.taught_minutes.as_ref().map(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()).and_then(|minutes| i32::try_from(minutes).ok()));
    if minutes == Some(None) {
        fields.fault("taught_minutes", "a whole number of minutes expected", "应为整数分钟");
    }
    let wanted = CertificateRequest {
        worker_id: String::new(),
        session_id: row.session_id,
        project: row.project,
        taught_minutes: minutes.flatten(),
        category: row.category,
        item: row.item,
        issued_on: row.issued_on,
        valid_to: row.valid_to,
        review_due_on: row.review_due_on,
        certificate_number: row.certificate_number,
        form_serial: row.form_serial,
        cures: row.cures,
    };
    let content = order_content(&mut fields, &wanted);
    fields.into_result()?;
    Ok(BatchOrder { worker: worker.expect(Fields::PARSED), content: content.expect(Fields::PARSED) })
}

fn location(row: &JobRow) -> Option<String> {
    let kind = if row.id.starts_with("bat_") { "certificate_batches" } else { "jobs" };
    Some(format!("/v1/{kind}/{}", row.id))
}

/// Issue a batch of certificates
#[utoipa::path(tag = "certificates", operation_id = "receive_batch", params(DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    request_body(description = "A file of rows: NDJSON, CSV with a header, or the first sheet of a workbook. Columns are the members of a row, or their Chinese headings", content((BatchRowRequest = "application/x-ndjson"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 202, description = "The batch is received and queued; a faulty row is that row's result. `Location` names it", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/certificate_batches")]
pub async fn receive_batch(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<DryRunQuery>, payload: Payload) -> Result<HttpResponse, Problem> {
    state.registry.authorise_batch(&caller.0)?;
    let config = &state.registry.config;
    let upload = Upload::receive(&request, payload, &config.data, config.batch_bytes_max, Duration::from_secs(config.body_seconds_max)).await?;
    let format = Format::of(&upload.media_type).ok_or_else(|| Problem::unsupported_media_type(&upload.media_type, "application/x-ndjson, text/csv or an XLSX workbook"))?;
    let body = upload.as_body();
    let render = |row: &JobRow| kept(StatusCode::ACCEPTED, location(row), &JobDocument::new(row));
    let Upload { file, digest, .. } = upload;
    let batch = BatchUpload { file, format, digest, columns: COLUMNS, required: REQUIRED, parse: parse_row, is_dry_run: query.dry_run };
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.receive_batch(&caller.0, batch, intent).await).await
}

/// Read how far a batch is
#[utoipa::path(tag = "certificates", operation_id = "get_batch", params(("batch_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The batch", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/certificate_batches/{batch_id}")]
pub async fn get_batch(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: BatchId = path_id(&id)?;
    Ok(read(&request, &JobDocument::new(&state.registry.find_job(&caller.0, id.as_str()).await?)))
}

/// Read what became of each row of a batch, as pages of JSON or as one stream of NDJSON
#[utoipa::path(tag = "certificates", operation_id = "list_batch_rows", params(("batch_id" = String, Path, description = "Identifier"), PageQuery),
    responses((status = 200, description = "A page, or with `Accept: application/x-ndjson` all rows, one on a line", content((Page<JobRowDocument> = "application/json"), (String = "application/x-ndjson"))), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/certificate_batches/{batch_id}/rows")]
pub async fn list_batch_rows(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let id: BatchId = path_id(&id)?;
    job_rows(&state, &request, &caller, id.to_string(), &query).await
}

/// Cancel a batch; what it has issued stays issued
#[utoipa::path(tag = "certificates", operation_id = "cancel_batch", params(("batch_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The batch", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/certificate_batches/{batch_id}/cancellation")]
pub async fn cancel_batch(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: BatchId = path_id(&id)?;
    Ok(read(&request, &JobDocument::new(&state.registry.cancel_job(&caller.0, id.as_str()).await?)))
}

/// Change the status of every certificate that a batch has issued (SV-7)
#[utoipa::path(tag = "certificates", operation_id = "change_batch_status", request_body = StatusChangeRequest, params(("batch_id" = String, Path, description = "Identifier"), DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 202, description = "A job; `Location` names it", body = JobDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.status"])))]
#[post("/v1/certificate_batches/{batch_id}/status_changes")]
pub async fn change_batch_status(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let (id, order): (BatchId, _) = (path_id(&id)?, status_order(body.json()?)?);
    let render = |row: &JobRow| kept(StatusCode::ACCEPTED, location(row), &JobDocument::new(row));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.change_batch_status(&caller.0, &id, order, query.dry_run, intent).await).await
}
