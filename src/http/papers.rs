//! Papers with the holder's photograph, for the body that issued the certificate. Any other paper is a form of the certificate.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::problem::{Problem, Problems};
use crate::credential::form::CredentialForm;
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
/// made is a fact, which its holder sees among those who looked. A photograph is upright, of the proportions of an identity card's or of
/// one inch, of at least 295 by 413 pixels, and no larger than the setting `body_bytes_max`.
#[utoipa::path(tag = "certificates", operation_id = "make_paper", request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))), params(("certificate_number" = String, Path, description = "Number, or `certificate_id`")),
    responses((status = 200, description = "The certificate as paper (PDF/A), with the credential and its proof inside", content((Vec<u8> = "application/pdf"))), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/certificates/{certificate_number}/papers")]
pub async fn make_paper(state: Data<AppState>, caller: Caller, name: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    if !PICTURES.contains(&body.media_type.as_str()) {
        return Err(Problem::unsupported_media_type(&body.media_type, &PICTURES.join(" or ")));
    }
    Ok(paper(state.registry.make_paper(&caller.0, &CertificateName::parse(&name)?, body.bytes.to_vec()).await?))
}
