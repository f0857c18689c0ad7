//! Verification of a list: rows in, outcomes out, each in the form that the caller likes.

use super::AppState;
use super::auth::Caller;
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{accepts, json_bytes};
use super::upload::Upload;
use super::verification::{NOT_FOUND_AFTER, answer_bytes};
use crate::credential::keys::IssuingKey;
use crate::domain::access::Actor;
use crate::domain::rule::{Malformed, Violation, invalid};
use crate::domain::text::{Language, Text};
use crate::domain::verification::Ground;
use crate::services::Registry;
use crate::services::bulk_verification::{BULK_STEP, BulkRow};
use crate::services::error::Error;
use crate::services::verification::VerificationQuery;
use crate::table::{self, Format, Row, Shape, write};
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse, post};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::{Read, Seek};
use std::sync::Arc;
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};

const COLUMNS: &[(&str, &str)] = &[("certificate_number", "证书编号"), ("name", "姓名"), ("document_number", "证件号码"), ("ground", "查询依据")];

/// Headings of CSV and XLSX: in English, and in Chinese.
const HEADINGS: [(&str, &str); 12] = [
    ("row", "行"),
    ("outcome", "结果"),
    ("reason", "说明"),
    ("certificate_number", "证书编号"),
    ("certificate_kind", "证书种类"),
    ("occupation_name", "职业名称"),
    ("level", "等级"),
    ("issued_on", "发证日期"),
    ("valid_to", "有效期至"),
    ("issuer_name", "发证机构"),
    ("status_as_of", "查询时间"),
    ("receipt", "回执"),
];

/// A row to be verified: two of three facts, and the ground for looking.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"certificate_number": "S000032000001263000001", "name": "张三", "ground": "employment"}))]
pub struct BulkRowRequest {
    /// Number as printed.
    pub certificate_number: Option<String>,
    /// Name as printed.
    pub name: Option<String>,
    /// Number of the document that is printed on the certificate.
    pub document_number: Option<String>,
    /// `consent`, `employment` or `legal_duty`; recorded with the look.
    pub ground: Option<String>,
}

/// What holds for all rows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct BulkQuery {
    /// The ground of rows that name none: `consent`, `employment` or `legal_duty`.
    #[param(example = "employment")]
    pub ground: Option<String>,
}

/// A row that could not be asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefusedRow {
    /// 1 for the first.
    pub row: usize,
    /// `refused`.
    pub outcome: &'static str,
    /// Every fault of the row.
    pub violations: Vec<ViolationDocument>,
}

/// One row's outcome: `row`, then an answer as of a single verification with its receipt, or the faults of the row.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkAnswer {
    /// One for each row, in the order of the rows.
    #[schema(value_type = Vec<Object>)]
    pub items: Vec<Value>,
}

fn parse_row(cells: Map<String, Value>, default: Option<Ground>) -> BulkRow {
    let row: BulkRowRequest = serde_path_to_error::deserialize(Value::Object(cells)).map_err(|error| {
        let field = error.path().to_string();
        vec![invalid(if field == "." { "row".to_owned() } else { field }, Text::new("a member of another type, or one that is unknown, found", "字段类型不符或字段未知"))]
    })?;
    let long = [("certificate_number", &row.certificate_number), ("name", &row.name), ("document_number", &row.document_number)].into_iter().filter(|(_, text)| text.as_ref().is_some_and(|text| text.chars().count() > 100));
    let mut faults: Vec<Violation> = long.map(|(field, _)| invalid(field, Text::new("more than 100 characters found, at most 100 expected", "超过 100 个字符"))).collect();
    let ground = match row.ground.as_deref().map(str::parse::<Ground>) {
        Some(Ok(ground)) => Some(ground),
        Some(Err(Malformed(detail))) => {
            faults.push(invalid("ground", detail));
            None
        }
        None => default.or_else(|| {
            faults.push(invalid("ground", Text::new("a ground expected, in the row or for all rows (VE-6)", "应注明查询依据（逐行或统一注明）")));
            None
        }),
    };
    match ground.filter(|_| faults.is_empty()) {
        Some(ground) => Ok((VerificationQuery { certificate_number: row.certificate_number, name: row.name, document_number: row.document_number }, ground)),
        None => Err(faults),
    }
}

/// All rows of a file; as many as `rows_max` stay in memory.
pub(super) fn read_rows(media_type: &str, file: &mut (impl Read + Seek), rows_max: usize, default: Option<Ground>) -> Result<Vec<BulkRow>, Problem> {
    let mut rows = Vec::new();
    let shape = Shape { columns: COLUMNS, required: &[&["certificate_number", "name"], &["name", "document_number"]], rows_max };
    if media_type == "application/json" {
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| Error::Internal(error.to_string()))?;
        let expected = || Problem::invalid("body", "an array of objects expected", "应为对象数组");
        let Ok(Value::Array(items)) = crate::credential::strict_json::parse(&text) else { return Err(expected()) };
        if items.is_empty() || items.len() > rows_max {
            return Err(Problem::invalid("body", format!("{} rows found, 1 to {rows_max} expected", items.len()), format!("共 {} 行，应为 1 至 {rows_max} 行", items.len())));
        }
        rows.extend(items.into_iter().map(|item| match item {
            Value::Object(cells) if !table::has_nul(&cells) => parse_row(cells.into_iter().filter(|(_, value)| !value.is_null()).collect(), default),
            _ => Err(vec![invalid("row", Text::new("another JSON value found, an object expected", "应为 JSON 对象"))]),
        }));
        return Ok(rows);
    }
    let format = Format::of(media_type).ok_or_else(|| Problem::unsupported_media_type(media_type, "application/json, application/x-ndjson, text/csv or an XLSX workbook"))?;
    let mut take = |row: Row| {
        rows.push(row.cells.map_err(|fault| vec![fault]).and_then(|cells| parse_row(cells, default)));
        Ok(())
    };
    table::read(format, file, &shape, &mut take).map_err(|faults| Problem::from(Error::Invalid(faults)))?;
    Ok(rows)
}

/// One JSON object for each row, a step at a time: what a step found is recorded before it leaves.
pub(super) fn answers(registry: Registry, actor: Actor, rows: Vec<BulkRow>, key: Arc<IssuingKey>, language: Language) -> impl Stream<Item = Result<Vec<Vec<u8>>, Problem>> {
    let steps: Vec<(usize, Vec<BulkRow>)> = {
        let mut rows = rows.into_iter();
        let mut steps = Vec::new();
        loop {
            let step: Vec<BulkRow> = rows.by_ref().take(BULK_STEP).collect();
            if step.is_empty() {
                break steps;
            }
            steps.push((steps.len() * BULK_STEP, step));
        }
    };
    stream::iter(steps).then(move |(first, step)| {
        let (registry, actor, key) = (registry.clone(), actor.clone(), Arc::clone(&key));
        async move {
            let asked = Instant::now();
            let verdicts = registry.verify_rows(&actor, &step).await?;
            // As for one (VE-3): what was not found must not be told from what was by the time that looking took.
            tokio::time::sleep_until((asked + NOT_FOUND_AFTER).into()).await;
            let write = |(verdict, row): (&Result<_, Vec<Violation>>, usize)| match verdict {
                Ok(verdict) => {
                    let answer = answer_bytes(&key, verdict, language, true)?;
                    Ok([format!("{{\"row\":{row},").as_bytes(), &answer[1..]].concat())
                }
                Err(violations) => Ok(json_bytes(&RefusedRow { row, outcome: "refused", violations: violations.iter().map(|violation| ViolationDocument::new(violation, language)).collect() })),
            };
            verdicts.iter().zip(first + 1..).map(write).collect()
        }
    })
}

/// Why an answer is not `valid`, and what to do next: the faults of a row, or the checks that failed.
pub(super) fn reason_of(answer: &Value) -> String {
    let failed = answer["checks"].as_array().into_iter().flatten().filter(|check| check["outcome"] == "failed");
    answer["violations"].as_array().into_iter().flatten().chain(failed).map(told).collect::<Vec<_>>().join(" · ")
}

/// What a check or a fault of an answer says, and what to do next.
pub(super) fn told(item: &Value) -> String {
    let detail = item["detail"].as_str().unwrap_or_default();
    item["next_step"].as_str().map_or_else(|| detail.to_owned(), |step| format!("{detail} → {step}"))
}

/// An answer as the cells of a line.
fn cells(answer: &[u8]) -> Vec<String> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let reason = reason_of(&answer);
    let text = |value: &Value| value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned);
    HEADINGS
        .iter()
        .map(|(name, _)| match *name {
            "reason" => reason.clone(),
            "row" | "outcome" | "status_as_of" | "receipt" => text(&answer[*name]),
            name => text(&answer["certificate"][name]),
        })
        .collect()
}

fn in_language((en, zh): (&'static str, &'static str), language: Language) -> &'static str {
    if language == Language::Chinese { zh } else { en }
}

/// Answers as a workbook.
pub(super) fn workbook_of(answers: &[Vec<u8>], language: Language) -> Result<Vec<u8>, Error> {
    let rows = answers.iter().map(|answer| cells(answer).iter().map(write::Cell::from).collect()).collect();
    let sheet = write::Sheet { name: in_language(("Verification", "查验结果"), language), heading: HEADINGS.map(|pair| in_language(pair, language)).to_vec(), rows };
    write::workbook(&[sheet]).map_err(|error| Error::Internal(error.to_string()))
}

/// Verify a list
#[utoipa::path(tag = "verification", operation_id = "verify_in_bulk", params(BulkQuery),
    request_body(description = "Rows, at most as many as the setting `bulk_rows` says: a JSON array, NDJSON, CSV with a header, or the first sheet of a workbook", content((Vec<BulkRowRequest> = "application/json"), (BulkRowRequest = "application/x-ndjson"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
    responses((status = 200, description = "An outcome for each row, in the form that `Accept` asks for; every look that finds somebody is recorded", content((BulkAnswer = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))), Problems), security(("bearer" = []), ("oauth" = ["verification.bulk"])))]
#[post("/v1/verifications/bulk")]
pub async fn verify_in_bulk(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<BulkQuery>, payload: Payload) -> Result<HttpResponse, Problem> {
    state.registry.authorise_bulk(&caller.0)?;
    let config = &state.registry.config;
    let default = query.ground.as_deref().map(str::parse::<Ground>).transpose().map_err(|Malformed(detail)| Problem::from(Error::invalid("ground", detail)))?;
    let forms = ["application/json", table::NDJSON, table::CSV, table::XLSX];
    let wanted = forms.into_iter().rev().max_by(|a, b| accepts(&request, a).total_cmp(&accepts(&request, b))).filter(|form| accepts(&request, form) > 0.0);
    let wanted = wanted.ok_or_else(|| Problem::not_acceptable(&forms.join(", ")))?;
    // A JSON text is read as a whole, a file row by row.
    let bytes_max = if super::body::media_type(&request) == "application/json" { config.body_bytes_max } else { config.upload_bytes_max };
    let mut upload = Upload::receive(&request, payload, &config.data, bytes_max, Duration::from_secs(config.body_seconds_max)).await?;
    let rows_max = config.bulk_rows;
    let rows = tokio::task::spawn_blocking(move || read_rows(&upload.media_type, &mut upload.file, rows_max, default)).await.map_err(|error| Error::Internal(error.to_string()))??;
    let language = language(&request);
    let key = state.registry.receipt_key().await?;
    let answers = answers(state.registry.clone(), caller.0.clone(), rows, key, language);
    let mut response = HttpResponse::Ok();
    response.content_type(if wanted == table::CSV { "text/csv; charset=utf-8" } else { wanted }).insert_header((header::CACHE_CONTROL, "no-store"));
    let heading = |pair| in_language(pair, language);
    Ok(match wanted {
        table::NDJSON => response.streaming(Box::pin(answers.map_ok(|step| Bytes::from(step.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()).collect::<Vec<u8>>())))),
        table::CSV => {
            let head: Vec<String> = HEADINGS.into_iter().map(|pair| heading(pair).to_owned()).collect();
            let first = stream::once(async move { Ok(Bytes::from(write::csv_lines([head.as_slice()]))) });
            let lines = answers.map_ok(|step| Bytes::from(write::csv_lines(step.iter().map(|answer| cells(answer)).collect::<Vec<_>>().iter().map(Vec::as_slice))));
            response.streaming(Box::pin(first.chain(lines)))
        }
        table::XLSX => {
            let file = workbook_of(&answers.try_collect::<Vec<_>>().await?.concat(), language)?;
            response.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"verification.xlsx\"")).body(file)
        }
        _ => {
            let mut is_first = true;
            let items = answers.map_ok(move |step| {
                let mut text = Vec::new();
                for item in step {
                    text.extend_from_slice(if std::mem::take(&mut is_first) { b"" } else { b"," });
                    text.extend(item);
                }
                Bytes::from(text)
            });
            let (head, tail) = (stream::once(async { Ok(Bytes::from_static(b"{\"items\":[")) }), stream::once(async { Ok(Bytes::from_static(b"]}")) }));
            response.streaming(Box::pin(head.chain(items).chain(tail)))
        }
    })
}
