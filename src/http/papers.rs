//! Papers with the holder's photograph, for the body that issued the certificate. Any other paper is a form of the certificate.

use super::AppState;
use super::auth::Caller;
use super::body::{PHOTOGRAPH_BYTES_MAX, PhotographBody};
use super::problem::{Problem, Problems};
use crate::credential::form::CredentialForm;
use crate::domain::access::Actor;
use crate::services::certificates::CertificateName;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, post};

/// What a photograph may come as.
const PICTURES: [&str; 2] = ["image/jpeg", "image/png"];

/// A paper that was made for whoever asked, and is kept nowhere.
pub(super) fn paper(bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok().content_type(CredentialForm::Pdf.media_type()).insert_header((header::CACHE_CONTROL, "private, no-store")).body(bytes)
}

/// Make a paper with the holder's photograph
///
/// The photograph is printed and sealed into the paper and kept nowhere; without it a paper has an empty place. That such a paper was
/// made is a fact, which its holder sees among those who looked. A photograph is upright, of the proportions of an identity card's (26 by
/// 32 mm) or of one inch (25 by 35 mm), has at least 265 by 371 pixels and at most 16 million, and at most 12 MiB. No answer is kept that
/// has a face in it, so there is no `Idempotency-Key`: who asks twice makes two papers.
#[utoipa::path(tag = "certificates", operation_id = "make_paper", request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))), params(("certificate_number" = String, Path, description = "Number, or `certificate_id`")),
    responses((status = 200, description = "The certificate as paper (PDF/A), with the credential and its proof inside", content((Vec<u8> = "application/pdf"))), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/certificates/{certificate_number}/papers")]
pub async fn make_paper(state: Data<AppState>, caller: Caller, name: Path<String>, PhotographBody(body): PhotographBody) -> Result<HttpResponse, Problem> {
    if !PICTURES.contains(&body.media_type.as_str()) {
        return Err(Problem::unsupported_media_type(&body.media_type, &PICTURES.join(" or ")));
    }
    Ok(paper(print(&state, &caller.0, &CertificateName::parse(&name)?, body.bytes).await?))
}

/// The same from a page.
pub(super) async fn print(state: &AppState, actor: &Actor, name: &CertificateName, file: impl AsRef<[u8]> + Send + 'static) -> Result<Vec<u8>, Problem> {
    if file.as_ref().len() > PHOTOGRAPH_BYTES_MAX {
        return Err(Problem::too_large(&format!("a photograph of {} bytes", file.as_ref().len()), PHOTOGRAPH_BYTES_MAX));
    }
    Ok(state.registry.make_paper(actor, name, file).await?)
}
