//! Verification of a list, for employers: a file in, a table or a workbook out.

use super::forms::Form;
use super::reader::Reader;
use super::shown::{kind_name, level_name, tone_of};
use super::signed_in::{ConsoleForm, ConsolePage};
use crate::domain::text::{Language, Text};
use crate::domain::verification::{Ground, Heading, Outcome};
use crate::http::AppState;
use crate::http::bulk_verification::{answers, read_rows, reason_of, workbook_of};
use crate::http::problem::{Problem, ProblemDocument};
use crate::services::bulk_verification::BulkRow;
use crate::services::error::Error;
use crate::table;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::io::Cursor;
use std::rc::Rc;

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_bulk_page).service(verify_list_from_page).service(download_list_template);
}

/// A list to be filled in, with the headings that are read.
const TEMPLATE: &str = "\u{feff}证书编号,姓名,证件号码,查询依据\r\nS000032000001263000001,张三,,employment\r\n";

fn bulk_page(reader: &Reader, state: &AppState, status: StatusCode, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    reader.page(status, "bulk.html", json!({ "rows_max": state.registry.config.bulk_rows, "problem": problem, "faults": { "file": null } }))
}

/// The page where a list is handed over.
#[get("/bulk")]
pub async fn show_bulk_page(state: Data<AppState>, page: ConsolePage) -> Result<HttpResponse, Problem> {
    state.registry.authorise_bulk(page.actor())?;
    bulk_page(&page.reader, &state, StatusCode::OK, None)
}

/// A list to be filled in.
#[get("/bulk/list.csv")]
pub async fn download_list_template() -> HttpResponse {
    HttpResponse::Ok().content_type("text/csv; charset=utf-8").insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"list.csv\"")).body(TEMPLATE)
}

/// What kind of table a file is, by the end of its name.
pub fn media_type_of(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "csv" => Some(table::CSV),
        "xlsx" => Some(table::XLSX),
        "ndjson" | "jsonl" => Some(table::NDJSON),
        _ => None,
    }
}

/// One line of the result.
fn line_of(answer: &[u8], language: Language) -> Value {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let say = |text: Text| text.in_language(language).to_owned();
    let outcome = answer["outcome"].as_str().unwrap_or_default();
    let (word, tone) = outcome.parse::<Outcome>().map_or_else(|_| (say(Text::new("Not asked", "未查询")), "bad"), |outcome| (say(outcome.name()), tone_of(Heading::Outcome(outcome))));
    let certificate = &answer["certificate"];
    let text = |member: &str| certificate[member].as_str();
    let named = ["occupation_name", "ability", "project", "item"].into_iter().find_map(text);
    let what: Vec<String> = [text("certificate_kind").map(|kind| kind_name(kind, language)), named.map(str::to_owned), text("level").map(|level| level_name(level, language))].into_iter().flatten().collect();
    json!({ "row": answer["row"], "outcome": outcome.parse::<Outcome>().map_or("no_document", Outcome::as_str), "word": word, "tone": tone, "number": text("certificate_number"), "what": what.join(" · "), "issuer": text("issuer_name"), "reason": reason_of(&answer) })
}

/// A list that was handed over, read and ready to be asked.
async fn read_list(state: &AppState, form: &Form) -> Result<Vec<BulkRow>, Problem> {
    let file = form.file("file").ok_or_else(|| Problem::invalid("file", "a file expected", "请选择文件"))?;
    let media_type = media_type_of(&file.name).ok_or_else(|| Problem::invalid("file", "a file that ends in .csv or .xlsx expected", "应为 .csv 或 .xlsx 文件"))?;
    let ground: Option<Ground> = form.given("ground").map(|text| text.parse()).transpose().map_err(|crate::domain::rule::Malformed(detail)| Problem::from(Error::invalid("ground", detail)))?;
    let (bytes, rows_max) = (file.bytes.clone(), state.registry.config.bulk_rows);
    tokio::task::spawn_blocking(move || read_rows(media_type, &mut Cursor::new(bytes), rows_max, ground)).await.map_err(|error| Error::Internal(error.to_string()))?
}

/// What the page of a result shows.
fn result_of(answers: &[Vec<u8>], language: Language) -> Result<Value, Problem> {
    let lines: Vec<Value> = answers.iter().map(|answer| line_of(answer, language)).collect();
    let valid = lines.iter().filter(|line| line["outcome"] == "valid").count();
    // Within the page, since to ask again would record each look twice.
    let workbook = format!("data:{};base64,{}", table::XLSX, STANDARD.encode(workbook_of(answers, language)?));
    Ok(json!({ "valid": valid, "others": lines.len() - valid, "lines": lines, "workbook": workbook }))
}

/// Lines of JSON: after each step how many rows are done, at the end the page of the result.
fn progress(reader: Reader, total: usize, steps: impl Stream<Item = Result<Vec<Vec<u8>>, Problem>> + 'static) -> HttpResponse {
    let line = |said: Value| Bytes::from(format!("{said}\n"));
    let (done, answered) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(Vec::with_capacity(total))));
    let kept = Rc::clone(&answered);
    let moving = steps.map_ok(move |step| {
        done.set(done.get() + step.len());
        kept.borrow_mut().extend(step);
        line(json!({ "done": done.get(), "total": total }))
    });
    let mut response = HttpResponse::Ok();
    response.content_type(table::NDJSON).insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    reader.renew(&mut response);
    let end = stream::once(async move {
        let content = result_of(&answered.borrow(), reader.language)?;
        Ok(line(json!({ "page": reader.html("bulk-result.html", content)? })))
    });
    // The status has left already, so that nobody else writes down why the list was not finished.
    let lines = moving.chain(end).inspect_err(|problem: &Problem| tracing::error!(cause = problem.cause().unwrap_or("refused"), "a list was not verified to its end"));
    response.streaming(Box::pin(lines))
}

/// Verify a list.
#[post("/bulk")]
pub async fn verify_list_from_page(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    state.registry.authorise_bulk(page.actor())?;
    let language = page.reader.language;
    let rows = match read_list(&state, &form).await {
        Ok(rows) => rows,
        Err(problem) if problem.status().is_client_error() => return bulk_page(&page.reader, &state, problem.status(), Some(problem.document(language, ""))),
        Err(problem) => return Err(problem),
    };
    let (total, key) = (rows.len(), state.registry.receipt_key().await?);
    let steps = answers(state.registry.clone(), page.actor().clone(), rows, key, language);
    if form.text("as") == "progress" {
        return Ok(progress(page.reader, total, steps));
    }
    let answers = steps.try_collect::<Vec<_>>().await?.concat();
    if form.text("as") == "xlsx" {
        return Ok(HttpResponse::Ok()
            .content_type(table::XLSX)
            .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"verification.xlsx\""))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(workbook_of(&answers, language)?));
    }
    page.reader.page(StatusCode::OK, "bulk-result.html", result_of(&answers, language)?)
}
