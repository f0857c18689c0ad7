//! The console of assessment bodies: certificates, the newest last, however many there are.

use super::own::{PlaceQuery, as_download, certificate_content};
use super::signed_in::ConsolePage;
use crate::credential::form::CredentialForm;
use crate::http::AppState;
use crate::http::certificates::credential;
use crate::http::problem::Problem;
use crate::services::certificates::CertificateName;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_certificates).service(show_certificate).service(download_paper);
}

/// A page of certificates, by keyset: the hundred thousandth is as near as the first.
#[get("/console/certificates")]
pub async fn show_certificates(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_certificates(page.actor(), window.after.clone(), window.fetch()).await?;
    let listed = window.page(rows, |issued| issued.standing.0.id.clone(), |issued| certificate_content(&issued, page.reader.public_url(), page.reader.language));
    page.reader.page(StatusCode::OK, "console-certificates.html", json!({ "certificates": listed.items, "next_cursor": listed.next_cursor, "is_first": query.cursor.is_none() }))
}

/// One certificate with its history.
#[get("/console/certificates/{certificate_id}")]
pub async fn show_certificate(state: Data<AppState>, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let issued = state.registry.get_certificate(page.actor(), &CertificateName::parse(&id)?, None).await?;
    let certificate: Value = certificate_content(&issued, page.reader.public_url(), page.reader.language);
    page.reader.page(StatusCode::OK, "console-certificate.html", json!({ "certificate": certificate }))
}

/// The paper of a certificate.
#[get("/console/certificates/{certificate_id}/certificate.pdf")]
pub async fn download_paper(state: Data<AppState>, request: HttpRequest, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let bytes = state.registry.get_form(page.actor(), &CertificateName::parse(&id)?, None, CredentialForm::Pdf).await?;
    Ok(as_download(credential(&request, CredentialForm::Pdf, &bytes), "certificate.pdf"))
}
