//! Attendance in bulk, its voids, and the signals that it raises.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{instant_of, kept, read_page};
use crate::domain::id::{ClassId, WorkerId};
use crate::domain::rule::Violation;
use crate::domain::text::Language;
use crate::services::attendance::{AttendanceOrder, OnFault, RecordedAttendance};
use crate::services::attendance_rows::{parse_attendance, parse_attendance_items};
use crate::services::error::Error;
use crate::services::intent::Answer;
use crate::store::attendance::{IntervalRow, VoidRow};
use crate::store::signals::SignalRow;
use crate::store::stretch::ListOrder;
use crate::table::Format;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// One interval: one of `worker_id` and `document_number`, and when it was.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"worker_id": "wkr_01ka4zrjh00000000000000000", "mode": "in_person", "part": "practical", "started_at": "2026-03-09T09:00:00+08:00", "ended_at": "2026-03-09T11:15:00+08:00"}))]
#[allow(dead_code, reason = "rows are read cell by cell, so that each fault is named; this describes them")]
pub struct IntervalRequest {
    /// The worker.
    pub worker_id: Option<String>,
    /// A document number of the worker.
    pub document_number: Option<String>,
    /// `online` or `in_person`.
    pub mode: String,
    /// `theory` or `practical`.
    pub part: String,
    /// The beginning: RFC 3339 with an offset, or the time in China as `2026-03-09 09:00`. Whole seconds count.
    pub started_at: String,
    /// The end, on the same day in China.
    pub ended_at: String,
}

/// How an upload is taken.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AttendanceQuery {
    /// What happens to good rows when others are refused: `keep_good_rows` (when absent) or `refuse_all` (at most 10,000 rows).
    #[param(example = "keep_good_rows")]
    pub on_fault: Option<String>,
    /// Ask the rules and record nothing but the answer.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of an upload.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AttendanceAnswer {
    /// Rows recorded.
    pub recorded: usize,
    /// Rows that say what was recorded already.
    pub unchanged: usize,
    /// Rows that were refused.
    pub refused: usize,
    /// Each refused row with every reason.
    pub rows: Vec<RefusedInterval>,
}

/// A row that was refused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct RefusedInterval {
    /// Its place: the line of a file, the item of an array; 1 for the first.
    pub row: usize,
    /// Every rule that it breaks.
    pub violations: Vec<ViolationDocument>,
}

/// Whose attendance.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TraineeQuery {
    /// The trainee.
    pub worker_id: String,
    /// Items of a page, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A recorded interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntervalDocument {
    /// The class.
    pub class_id: String,
    /// The worker.
    pub worker_id: String,
    /// `online` or `in_person`.
    pub mode: String,
    /// `theory` or `practical`.
    pub part: String,
    /// The beginning.
    pub started_at: String,
    /// The end.
    pub ended_at: String,
    /// Whole minutes.
    pub minutes: i64,
    /// How it came in: `upload` or `xapi`.
    pub source: String,
    /// When it was recorded.
    pub recorded_at: String,
}

/// An interval that was recorded wrongly.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"worker_id": "wkr_01ka4zrjh00000000000000000", "started_at": "2026-03-09T01:00:00Z", "reason": "wrong trainee"}))]
pub struct VoidRequest {
    /// The worker.
    pub worker_id: String,
    /// When the interval begins.
    pub started_at: String,
    /// Why it is void.
    pub reason: String,
}

/// A voided interval.
#[derive(Debug, Serialize, ToSchema)]
pub struct VoidDocument {
    /// The interval, which stays in the record and counts no more.
    pub interval: IntervalDocument,
    /// Why it is void.
    pub reason: String,
    /// When it was voided.
    pub voided_at: String,
}

/// A sign of fraud (SV-9).
#[derive(Debug, Serialize, ToSchema)]
pub struct SignalDocument {
    /// Identifier.
    pub signal_id: String,
    /// Kind, such as `attendance_overlap`.
    pub kind: String,
    /// The rule that was broken.
    pub rule: String,
    /// The organisation whose act raised it.
    pub organisation_id: String,
    /// The worker whom it concerns.
    pub worker_id: Option<String>,
    /// What was found.
    #[schema(value_type = Object)]
    pub facts: Value,
    /// When it was raised.
    pub raised_at: String,
}

impl SignalDocument {
    pub fn new(row: SignalRow) -> Self {
        SignalDocument {
            facts: serde_json::from_str(&row.facts).unwrap_or_default(),
            signal_id: row.id,
            kind: row.kind,
            rule: row.rule,
            organisation_id: row.organisation_id,
            worker_id: row.worker_id,
            raised_at: instant_of(row.raised_at),
        }
    }
}

impl IntervalDocument {
    fn new(row: &IntervalRow) -> Self {
        IntervalDocument {
            class_id: row.class_id.clone(),
            worker_id: row.worker_id.clone(),
            mode: row.mode.clone(),
            part: row.part.clone(),
            started_at: instant_of(row.started_at),
            ended_at: instant_of(row.ended_at),
            minutes: (row.ended_at - row.started_at) / 60_000_000,
            source: row.source.clone(),
            recorded_at: instant_of(row.recorded_at),
        }
    }
}

/// The intervals of a body.
pub async fn read_orders(body: &Body) -> Result<Vec<AttendanceOrder>, Problem> {
    let bytes = body.bytes.clone();
    if body.media_type == "application/json" {
        let items: Vec<Value> = body.json()?;
        if items.is_empty() {
            return Err(Problem::invalid("body", "no intervals found, at least one expected", "没有考勤记录"));
        }
        return Ok(parse_attendance_items(items));
    }
    let format = Format::of(&body.media_type).ok_or_else(|| Problem::unsupported_media_type(&body.media_type, "application/json, application/x-ndjson, text/csv or an XLSX workbook"))?;
    // A long file takes its time; other requests must not wait for it.
    let parsed = tokio::task::spawn_blocking(move || parse_attendance(format, &bytes)).await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(parsed.map_err(Error::Invalid)?)
}

/// What became of an upload, in a language.
pub fn attendance_answer(language: Language) -> impl Fn(&RecordedAttendance) -> Answer + Send + Sync + 'static {
    move |recorded| {
        let violations = |found: &[Violation]| found.iter().map(|violation| ViolationDocument::new(violation, language)).collect();
        let rows: Vec<RefusedInterval> = recorded.refused.iter().map(|(row, found)| RefusedInterval { row: *row, violations: violations(found) }).collect();
        kept(StatusCode::OK, None, &AttendanceAnswer { recorded: recorded.recorded, unchanged: recorded.unchanged, refused: rows.len(), rows })
    }
}

/// Record attendance
#[utoipa::path(tag = "training", operation_id = "record_attendance", params(("class_id" = String, Path, description = "Identifier"), AttendanceQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    request_body(description = "Intervals: a JSON array, NDJSON, CSV with a header, or the first sheet of a workbook; at most 200,000 rows", content((Vec<IntervalRequest> = "application/json"), (IntervalRequest = "application/x-ndjson"), (String = "text/csv", example = "worker_id,mode,part,started_at,ended_at\nwkr_01ka4zrjh00000000000000000,online,theory,2026-03-09 19:00,2026-03-09 20:30\n"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, description = "What became of the rows; sending the same rows again changes nothing", body = AttendanceAnswer), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/classes/{class_id}/attendance")]
pub async fn record_attendance(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<AttendanceQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let on_fault = match query.on_fault.as_deref() {
        None | Some("keep_good_rows" | "refuse_all") if query.dry_run => OnFault::RecordNothing,
        None | Some("keep_good_rows") => OnFault::KeepGoodRows,
        Some("refuse_all") => OnFault::RefuseAll,
        Some(_) => return Err(Problem::invalid("on_fault", "keep_good_rows or refuse_all expected", "应为 keep_good_rows 或 refuse_all")),
    };
    let (id, language): (ClassId, _) = (path_id(&id)?, language(&request));
    let orders = read_orders(&body).await?;
    let render = attendance_answer(language);
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.record_attendance(&caller.0, &id, orders, on_fault, intent).await).await
}

/// List a trainee's attendance in a class
#[utoipa::path(tag = "training", operation_id = "list_attendance", params(("class_id" = String, Path, description = "Identifier"), TraineeQuery), responses((status = 200, description = "A page of intervals in the order of time, without voided ones", body = Page<IntervalDocument>), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/classes/{class_id}/attendance")]
pub async fn list_attendance(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<TraineeQuery>) -> Result<HttpResponse, Problem> {
    let (id, worker): (ClassId, WorkerId) = (path_id(&id)?, path_id(&query.worker_id)?);
    let window = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.window()?;
    let after = window.after.as_deref().map(str::parse).transpose().map_err(|_| PageQuery::wrong_cursor())?;
    let rows = state.registry.list_attendance(&caller.0, &id, &worker, after.unwrap_or(i64::MIN), window.fetch()).await?;
    let page = window.page(rows, |row| row.started_at.to_string(), |row| IntervalDocument::new(&row));
    Ok(read_page(&request, &window, &page))
}

/// Void an interval
#[utoipa::path(tag = "training", operation_id = "void_attendance", request_body = VoidRequest, params(("class_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The interval counts no more, and its time is free again", body = VoidDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/classes/{class_id}/attendance/voids")]
pub async fn void_attendance(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: VoidRequest = body.json()?;
    let mut fields = Fields::default();
    let worker: Option<WorkerId> = fields.parse("worker_id", &wanted.worker_id);
    let reason = fields.text("reason", &wanted.reason, 500);
    let started_at: Option<DateTime<Utc>> = DateTime::parse_from_rfc3339(&wanted.started_at).ok().map(Into::into);
    if started_at.is_none() {
        fields.fault("started_at", "a moment with its offset expected, such as 2026-03-09T09:00:00+08:00", "应为带时区的时间，例如 2026-03-09T09:00:00+08:00");
    }
    fields.finish()?;
    let (id, worker, started_at): (ClassId, _, _) = (path_id(&id)?, worker.expect(Fields::PARSED), started_at.expect(Fields::PARSED));
    let reason = reason.expect(Fields::PARSED);
    let render = |(interval, void): &(IntervalRow, VoidRow)| kept(StatusCode::CREATED, None, &VoidDocument { interval: IntervalDocument::new(interval), reason: void.reason.clone(), voided_at: instant_of(void.recorded_at) });
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.void_attendance(&caller.0, &id, &worker, started_at, reason, intent).await).await
}

/// List signals
#[utoipa::path(tag = "supervision", operation_id = "list_signals", params(PageQuery), responses((status = 200, description = "A page of signals in the order in which they were raised", body = Page<SignalDocument>), Problems), security(("bearer" = []), ("oauth" = ["supervision.read"])))]
#[get("/v1/signals")]
pub async fn list_signals(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let rows = state.registry.list_signals(&caller.0, window.of(ListOrder::OldestFirst)).await?;
    let page = window.page(rows, |row| row.id.clone(), SignalDocument::new);
    Ok(read_page(&request, &window, &page))
}
