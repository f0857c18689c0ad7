//! What a worker reads: overview, record, credits, certificates, who looked.

use super::consent::leads_to_consent;
use super::forms::Form;
use super::reader::Reader;
use super::shown::facts_of;
use super::signed_in::{OwnForm, OwnPage, WORKER_COOKIE, see_other, session_cookie};
use crate::credential::baked::qr_svg;
use crate::credential::form::CredentialForm;
use crate::domain::id::{CertificateId, CreditEntryId};
use crate::domain::text::{Language, Text};
use crate::http::AppState;
use crate::http::certificates::{CertificateDocument, credential};
use crate::http::credits::{CreditEntryDocument, CreditsDocument, ExplanationDocument, ledger_place};
use crate::http::organisations::path_id;
use crate::http::own::look_document;
use crate::http::page::PageQuery;
use crate::http::problem::Problem;
use crate::http::records::{RecordEntryDocument, page_of, place_of};
use crate::http::workers::DocumentDocument;
use crate::services::Registry;
use crate::services::worker_access::SignInRefusal;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;

pub fn pages(config: &mut ServiceConfig) {
    config
        .service(show_sign_in)
        .service(sign_in)
        .service(sign_out)
        .service(show_overview)
        .service(show_record)
        .service(show_credits)
        .service(show_credit_entry)
        .service(show_certificate)
        .service(download_certificate)
        .service(show_looks);
}

/// Which part of a list, on a page.
#[derive(Debug, Deserialize)]
pub struct PlaceQuery {
    pub cursor: Option<String>,
}

impl PlaceQuery {
    pub fn page(&self) -> PageQuery {
        PageQuery { limit: None, cursor: self.cursor.clone() }
    }
}

/// Where somebody goes who has signed in; nowhere but to the overview, or back to a page that asks for consent.
#[derive(Debug, Default, Deserialize)]
pub struct ThenQuery {
    then: Option<String>,
}

impl ThenQuery {
    fn place(&self) -> Option<&str> {
        self.then.as_deref().filter(|then| leads_to_consent(then))
    }
}

fn sign_in_page(reader: &Reader, status: StatusCode, then: &ThenQuery, problem: Option<String>) -> Result<HttpResponse, Problem> {
    reader.page(status, "own-sign-in.html", json!({ "problem": problem, "then": then.place(), "faults": { "access_code": null, "document_number_end": null } }))
}

/// The sign-in page of workers.
#[get("/own/sign-in")]
pub async fn show_sign_in(reader: Reader, then: Query<ThenQuery>) -> Result<HttpResponse, Problem> {
    sign_in_page(&reader, StatusCode::OK, &then, None)
}

/// Sign in as a worker.
#[post("/own/sign-in")]
pub async fn sign_in(state: Data<AppState>, request: HttpRequest, reader: Reader, form: Form) -> Result<HttpResponse, Problem> {
    let source = crate::http::client_address::of(&request, &state.registry.config).map(|address| address.to_string()).unwrap_or_default();
    let then = ThenQuery { then: form.given("then") };
    match state.registry.open_worker_session(form.text("access_code"), form.text("document_number_end"), &source).await {
        Ok(opened) => {
            let mut response = see_other(then.place().unwrap_or("/own"));
            let cookie = session_cookie(&reader, WORKER_COOKIE, opened.token, opened.expires_in);
            response.add_cookie(&cookie).map_err(|error| crate::services::error::Error::Internal(error.to_string()))?;
            Ok(response)
        }
        Err(SignInRefusal::Wrong) => sign_in_page(&reader, StatusCode::UNAUTHORIZED, &then, Some(reader.say(&Registry::wrong_code()))),
        Err(SignInRefusal::TooMany(seconds)) => {
            let minutes = seconds.div_ceil(60);
            sign_in_page(&reader, StatusCode::TOO_MANY_REQUESTS, &then, Some(reader.say(&Text::new(format!("too many failed attempts; try again in {minutes} minutes"), format!("失败次数过多，请 {minutes} 分钟后再试")))))
        }
        Err(SignInRefusal::Other(error)) => Err(error.into()),
    }
}

/// Sign out, here or everywhere: the session ends on every node, and the browser forgets what it kept.
#[post("/own/sign-out")]
pub async fn sign_out(state: Data<AppState>, sent: OwnForm) -> Result<HttpResponse, Problem> {
    state.registry.end_worker_sessions(&sent.page.own, sent.form.text("everywhere") == "yes").await?;
    let mut response = see_other("/own/sign-in");
    response.add_cookie(&session_cookie(&sent.page.reader, WORKER_COOKIE, String::new(), 0)).map_err(|error| crate::services::error::Error::Internal(error.to_string()))?;
    Ok(response)
}

/// A certificate as a list shows it, with the facts of its page.
pub fn certificate_content(issued: &crate::services::issuing::IssuedCertificate, public_url: &str, language: Language) -> Value {
    let mut document = serde_json::to_value(CertificateDocument::new(issued, public_url, language)).unwrap_or_default();
    // It is the holder's own: the number stands there as on the paper.
    document["certificate_number"] = json!(issued.facts.certificate_number);
    let mut labelled = document.clone();
    if let Some((_, code)) = issued.facts.occupation.as_deref().and_then(|text| text.split_once('/')) {
        labelled["occupation_code"] = json!(code);
    }
    let facts = facts_of(&labelled, language);
    let named = ["occupation_name", "ability", "project", "item"].into_iter().find_map(|member| document[member].as_str()).unwrap_or_default().to_owned();
    document["title"] = json!(named);
    document["facts"] = json!(facts);
    document["verify_url"] = json!(format!("{public_url}/v/{}", issued.standing.0.token));
    document
}

/// The overview.
#[get("/own")]
pub async fn show_overview(state: Data<AppState>, page: OwnPage) -> Result<HttpResponse, Problem> {
    let registry = &state.registry;
    let (worker, credits, certificates) = (registry.get_own_worker(&page.own).await?, registry.get_own_credits(&page.own).await?, registry.list_own_certificates(&page.own).await?);
    let documents: Vec<DocumentDocument> = worker.documents.iter().map(DocumentDocument::new).collect();
    let shown: Vec<Value> = certificates.iter().rev().map(|issued| certificate_content(issued, page.reader.public_url(), page.reader.language)).collect();
    page.reader.page(
        StatusCode::OK,
        "own.html",
        json!({ "name": worker.name.as_str(), "documents": documents, "registered_at": crate::http::reply::instant_of(worker.registered_at), "credits": CreditsDocument::new(&page.own.worker, credits), "certificates": shown }),
    )
}

/// Entries of a record with the names of the organisations and classes that they speak of.
pub async fn named_entries(registry: &Registry, entries: Vec<RecordEntryDocument>) -> Result<Vec<Value>, Problem> {
    let mut organisations: HashMap<String, String> = HashMap::new();
    let mut classes: HashMap<String, Value> = HashMap::new();
    let mut shown = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Some(id) = &entry.organisation_id
            && !organisations.contains_key(id)
        {
            organisations.insert(id.clone(), registry.organisation_name(&path_id(id)?).await?);
        }
        if let (Some(class), name @ Value::String(_)) = (entry.facts["class_id"].as_str(), &entry.facts["name"]) {
            classes.insert(class.to_owned(), name.clone());
        }
        let named = ["name", "ability", "project", "occupation_name", "category"].into_iter().find_map(|member| entry.facts.get(member).filter(|value| value.is_string()).cloned());
        let title = named.or_else(|| classes.get(entry.facts["class_id"].as_str().unwrap_or_default()).cloned());
        let organisation = entry.organisation_id.as_ref().and_then(|id| organisations.get(id));
        shown.push(json!({ "kind": entry.kind, "at": entry.at, "organisation": organisation, "title": title, "facts": entry.facts }));
    }
    Ok(shown.into_iter().fold(Vec::new(), with_attendance_together))
}

/// Attendance that follows on another of the same class stands in one entry with it: who reads a record wants the classes first. What was
/// declared void stands alone.
fn with_attendance_together(mut entries: Vec<Value>, entry: Value) -> Vec<Value> {
    let is_plain = |entry: &Value| entry["kind"] == "attended" && entry["facts"]["void"].is_null();
    match entries.last_mut() {
        Some(last) if is_plain(last) && is_plain(&entry) && last["facts"]["class_id"] == entry["facts"]["class_id"] => {
            if last["visits"].is_null() {
                last["visits"] = json!([{ "at": last["at"], "facts": last["facts"] }]);
            }
            last["minutes"] = json!(last["minutes"].as_i64().or(last["facts"]["minutes"].as_i64()).unwrap_or(0) + entry["facts"]["minutes"].as_i64().unwrap_or(0));
            last["until"] = entry["facts"]["ended_at"].clone();
            if let Some(visits) = last["visits"].as_array_mut() {
                visits.push(json!({ "at": entry["at"], "facts": entry["facts"] }));
            }
        }
        _ => entries.push(entry),
    }
    entries
}

/// The record as a timeline.
#[get("/own/record")]
pub async fn show_record(state: Data<AppState>, page: OwnPage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let behind = place_of(window.after.as_deref())?;
    let listed = page_of(state.registry.list_own_record(&page.own, behind, window.fetch()).await?, &window, behind);
    let entries = named_entries(&state.registry, listed.items).await?;
    page.reader.page(StatusCode::OK, "own-record.html", json!({ "entries": entries, "next_cursor": listed.next_cursor, "is_first": query.cursor.is_none() }))
}

/// Balance, sources and the ledger.
#[get("/own/credits")]
pub async fn show_credits(state: Data<AppState>, page: OwnPage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let after = ledger_place(window.after.as_deref())?;
    let credits = CreditsDocument::new(&page.own.worker, state.registry.get_own_credits(&page.own).await?);
    let rows = state.registry.list_own_credit_entries(&page.own, after, window.fetch()).await?;
    let listed = window.page(rows, |row| format!("{}.{}", row.worker_id, row.sequence), |row| CreditEntryDocument::new(&row));
    page.reader.page(StatusCode::OK, "own-credits.html", json!({ "credits": credits, "entries": listed.items, "next_cursor": listed.next_cursor }))
}

/// How a credit entry came about.
#[get("/own/credits/{entry_id}")]
pub async fn show_credit_entry(state: Data<AppState>, page: OwnPage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: CreditEntryId = path_id(&id)?;
    let explanation = ExplanationDocument::new(state.registry.get_own_credit_entry(&page.own, &id).await?);
    page.reader.page(StatusCode::OK, "own-credit.html", json!({ "explanation": explanation }))
}

/// A certificate with everything that can be done with it.
#[get("/own/certificates/{certificate_id}")]
pub async fn show_certificate(state: Data<AppState>, page: OwnPage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: CertificateId = path_id(&id)?;
    let issued = state.registry.get_own_certificate(&page.own, &id).await?;
    let certificate = certificate_content(&issued, page.reader.public_url(), page.reader.language);
    let qr = qr_svg(certificate["verify_url"].as_str().unwrap_or_default());
    page.reader.page(StatusCode::OK, "own-certificate.html", json!({ "certificate": certificate, "qr": qr }))
}

/// Files of a certificate by the end of their name.
const FILES: [(&str, CredentialForm); 7] = [
    ("certificate.pdf", CredentialForm::Pdf),
    ("certificate.jwt", CredentialForm::VcJwt),
    ("certificate.json", CredentialForm::DataIntegrity),
    ("badge.jwt", CredentialForm::BadgeJwt),
    ("certificate.sd-jwt", CredentialForm::SdJwt),
    ("badge.svg", CredentialForm::BadgeSvg),
    ("badge.png", CredentialForm::BadgePng),
];

/// A certificate as a file.
#[get("/own/certificates/{certificate_id}/{file}")]
pub async fn download_certificate(state: Data<AppState>, request: HttpRequest, page: OwnPage, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (id, file) = path.into_inner();
    let id: CertificateId = path_id(&id)?;
    let (name, form) = FILES.into_iter().find(|(name, _)| *name == file).ok_or_else(Problem::not_found)?;
    let bytes = state.registry.get_own_form(&page.own, &id, form).await?;
    Ok(as_download(credential(&request, form, &bytes), name))
}

/// An answer as a file to keep.
pub fn as_download(mut response: HttpResponse, name: &str) -> HttpResponse {
    if let Ok(value) = actix_web::http::header::HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(actix_web::http::header::CONTENT_DISPOSITION, value);
    }
    response
}

/// Who looked.
#[get("/own/looks")]
pub async fn show_looks(state: Data<AppState>, page: OwnPage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_own_looks(&page.own, window.after.clone(), window.fetch()).await?;
    let listed = window.page(rows, |(look, _)| look.id.clone(), look_document);
    page.reader.page(StatusCode::OK, "own-looks.html", json!({ "looks": listed.items, "next_cursor": listed.next_cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attendance_of_one_class_stands_together_unless_it_is_void() {
        let visit = |class: &str, hour: u32, minutes: i64, void: Value| json!({ "kind": "attended", "at": format!("2026-03-02T0{hour}:00:00Z"), "facts": { "class_id": class, "minutes": minutes, "ended_at": format!("2026-03-02T0{hour}:45:00Z"), "void": void } });
        let other = json!({ "kind": "enrolled", "at": "2026-03-01T00:00:00Z", "facts": { "class_id": "a" } });
        let entries = [other, visit("a", 1, 45, Value::Null), visit("a", 2, 30, Value::Null), visit("a", 3, 45, json!({ "reason": "x" })), visit("a", 4, 45, Value::Null), visit("b", 5, 45, Value::Null), visit("b", 6, 15, Value::Null)];
        let shown = entries.into_iter().fold(Vec::new(), with_attendance_together);
        let told: Vec<_> = shown.iter().map(|entry| (entry["visits"].as_array().map_or(0, Vec::len), entry["minutes"].as_i64(), entry["until"].as_str().map(str::to_owned))).collect();
        let until = |hour: u32| Some(format!("2026-03-02T0{hour}:45:00Z"));
        assert_eq!(told, [(0, None, None), (2, Some(75), until(2)), (0, None, None), (0, None, None), (2, Some(60), until(6))]);
    }
}
