//! The first page: verify by what is printed, by a file, by a photograph.

use super::answers::{answer_page, receipt_page};
use super::forms::Form;
use super::photographs::{find_qr_codes, find_qr_codes_now, token_of};
use super::reader::Reader;
use super::receipts::receipt_in;
use crate::domain::text::Text;
use crate::domain::verification::Outcome;
use crate::http::AppState;
use crate::http::auth::OptionalCaller;
use crate::http::problem::Problem;
use crate::http::budget::{count, counted_address};
use crate::http::verification::NOT_FOUND_AFTER;
use crate::services::error::Error;
use crate::services::verification::VerificationQuery;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Instant;

const FIELDS: [&str; 3] = ["certificate_number", "name", "document_number"];
/// As for the API.
const CHARACTERS_MAX: usize = 100;

/// The form, with what was given and what is wrong with it.
fn form_page(reader: &Reader, status: StatusCode, given: &Form, faults: &BTreeMap<&str, String>, problem: Option<(String, String)>) -> Result<HttpResponse, Problem> {
    let given: BTreeMap<&str, &str> = FIELDS.into_iter().map(|name| (name, given.text(name))).collect();
    let problem = problem.map(|(title, detail)| json!({ "title": title, "detail": detail }));
    // Every field has its place, so that the template may ask for each.
    let faults: BTreeMap<&str, Option<&String>> = FIELDS.into_iter().map(|name| (name, faults.get(name))).collect();
    reader.at("/".to_owned()).page(status, "verify.html", json!({ "given": given, "faults": faults, "problem": problem }))
}

/// The verify page.
#[get("/")]
pub async fn show_verify_page(reader: Reader) -> Result<HttpResponse, Problem> {
    form_page(&reader, StatusCode::OK, &Form::default(), &BTreeMap::new(), None)
}

/// Verify by two of three facts.
#[post("/")]
pub async fn verify_from_page(state: Data<AppState>, request: HttpRequest, reader: Reader, form: Form) -> Result<HttpResponse, Problem> {
    let long = FIELDS.iter().filter(|name| form.text(name).chars().count() > CHARACTERS_MAX);
    let faults: BTreeMap<&str, String> = long.map(|name| (*name, reader.say(&Text::new(format!("at most {CHARACTERS_MAX} characters expected"), format!("最多 {CHARACTERS_MAX} 个字符"))))).collect();
    if !faults.is_empty() {
        return form_page(&reader, StatusCode::BAD_REQUEST, &form, &faults, None);
    }
    counted_address(&state, &request, &OptionalCaller(None))?;
    let asked = Instant::now();
    let query = VerificationQuery { certificate_number: form.given("certificate_number"), name: form.given("name"), document_number: form.given("document_number") };
    match state.registry.verify_by_facts(&query).await {
        Ok(verdict) => {
            if verdict.outcome == Outcome::NotFound {
                tokio::time::sleep_until((asked + NOT_FOUND_AFTER).into()).await;
            }
            answer_page(&state, &request, &verdict, None, None).await
        }
        Err(Error::Refused(violations)) => {
            let title = reader.say(&Text::new("Two facts are needed", "至少需要两项信息"));
            let detail = violations.iter().map(|violation| format!("{}{}{}", violation.rule, reader.say(&Text::new(": ", "：")), reader.say(&violation.detail))).collect::<Vec<_>>().join(&reader.say(&Text::new("; ", "；")));
            form_page(&reader, StatusCode::UNPROCESSABLE_ENTITY, &form, &faults, Some((title, detail)))
        }
        Err(other) => Err(other.into()),
    }
}

/// Verify a file: a credential in any form, or a picture with the QR code of a certificate.
#[post("/verify/file")]
pub async fn verify_file_from_page(state: Data<AppState>, request: HttpRequest, reader: Reader, form: Form) -> Result<HttpResponse, Problem> {
    let Some(file) = form.file("file") else {
        let title = reader.say(&Text::new("No file was chosen", "未选择文件"));
        let detail = reader.say(&Text::new("Choose a certificate file or a photo.", "请选择证书文件或照片。"));
        return form_page(&reader, StatusCode::BAD_REQUEST, &Form::default(), &BTreeMap::new(), Some((title, detail)));
    };
    counted_address(&state, &request, &OptionalCaller(None))?;
    let is_picture = file.bytes.starts_with(b"\x89PNG") || file.bytes.starts_with(&[0xff, 0xd8, 0xff]);
    if is_picture {
        count(&state, &request, |budgets| &budgets.pictures)?;
    }
    let shown = file.bytes.clone();
    let receipt = tokio::task::spawn_blocking(move || receipt_in(&shown)).await.map_err(|error| Error::Internal(error.to_string()))?;
    if let Some(receipt) = receipt
        && let Some(answer) = state.registry.open_receipt(&receipt).await?
    {
        return receipt_page(&reader, &answer, receipt);
    }
    let verdict = state.registry.verify_document(&file.bytes).await?;
    // A picture without a credential in it may still show a QR code.
    if is_picture && verdict.checks.iter().any(|check| check.name == "document") {
        let codes = find_qr_codes(file.bytes.clone()).await?;
        let public_url = &state.registry.config.public_url;
        if let Some(token) = codes.iter().find_map(|code| token_of(code, public_url)) {
            return super::tokens::certificate_page(&state, &request, token, Some(Text::new("read from the QR code in the picture", "读取自图片中的二维码")), None).await;
        }
        let title = reader.say(&Text::new("Nothing to verify in this picture", "图片中没有可核验的内容"));
        let detail = match codes.first() {
            Some(foreign) => {
                let shown: String = foreign.chars().filter(|c| !c.is_control()).take(120).collect();
                reader.say(&Text::new(
                    format!("The QR code in it does not lead to this registry ({public_url}) but to: {shown}. Do not trust what that page says of a certificate of this registry."),
                    format!("图片中的二维码并不指向本登记系统（{public_url}），而是：{shown}。请勿采信该页面关于本系统证书的内容。"),
                ))
            }
            None => reader.say(&Text::new("No QR code was found. Take it from nearer, straight and in good light, or verify by number and name.", "未识别到二维码。请靠近、摆正、光线充足地重拍，或按编号和姓名查询。")),
        };
        return form_page(&reader, StatusCode::UNPROCESSABLE_ENTITY, &Form::default(), &BTreeMap::new(), Some((title, detail)));
    }
    answer_page(&state, &request, &verdict, Some(Text::new("the file that was handed over", "所提交的文件")), None).await
}

/// Most bytes of one picture of a camera.
const FRAME_BYTES_MAX: usize = 512 << 10;

/// What the QR code in one picture of a camera says, for browsers that cannot read codes themselves; no content when there is none, 503
/// while photographs wait. The picture is looked at and forgotten.
#[post("/verify/frame")]
pub async fn read_frame_of_camera(state: Data<AppState>, request: HttpRequest, form: Form) -> Result<HttpResponse, Problem> {
    count(&state, &request, |budgets| &budgets.pictures)?;
    let Some(file) = form.file("file") else { return Ok(HttpResponse::BadRequest().finish()) };
    if file.bytes.len() > FRAME_BYTES_MAX {
        return Ok(HttpResponse::PayloadTooLarge().finish());
    }
    let Some(codes) = find_qr_codes_now(file.bytes.clone()).await else { return Ok(HttpResponse::ServiceUnavailable().insert_header((header::RETRY_AFTER, "1")).finish()) };
    let own = codes.iter().find(|code| token_of(code, &state.registry.config.public_url).is_some());
    Ok(match own.or(codes.first()) {
        Some(text) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").insert_header((header::CACHE_CONTROL, "no-store")).body(text.clone()),
        None => HttpResponse::NoContent().finish(),
    })
}
