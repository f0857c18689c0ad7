//! A link of a worker, opened in a browser.

use super::own::{certificate_content, named_entries};
use super::reader::Reader;
use crate::http::AppState;
use crate::http::page::Page;
use crate::http::problem::Problem;
use crate::http::records::RecordEntryDocument;
use crate::http::shares::SharedDocument;
use crate::services::issuing::IssuedCertificate;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

/// What a link shows, as a page.
pub fn shared_page(request: &HttpRequest, document: &SharedDocument, certificates: &[IssuedCertificate]) -> Result<HttpResponse, Problem> {
    let reader = Reader::of(request);
    let shown: Vec<Value> = certificates.iter().map(|issued| certificate_content(issued, reader.public_url(), reader.language)).collect();
    // The certificates stand there once, without their credentials, which are long and for programs.
    let mut shared = serde_json::to_value(document).unwrap_or_default();
    shared["certificates"] = Value::Null;
    reader.page(StatusCode::OK, "shared.html", json!({ "shared": shared, "certificates": shown }))
}

/// The timeline behind a link, as a page.
pub async fn shared_record_page(state: &AppState, request: &HttpRequest, listed: Page<RecordEntryDocument>) -> Result<HttpResponse, Problem> {
    let entries = named_entries(&state.registry, listed.items).await?;
    let back = request.path().trim_end_matches("/record");
    Reader::of(request).page(StatusCode::OK, "shared-record.html", json!({ "entries": entries, "next_cursor": listed.next_cursor, "back": back }))
}
