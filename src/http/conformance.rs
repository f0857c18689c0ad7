//! The interface that the conformance suites of the W3C drive (VC API). It is there only when the setting `conformance` is on, and signs
//! whatever it is given with a key of its own that stands for nobody.

use super::AppState;
use super::body::Body;
use super::problem::Problem;
use crate::credential::data_integrity::Suite;
use crate::credential::keys::IssuingKey;
use crate::credential::vc_api::{self, ApiFault, Expected, Securing};
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, get, post};
use serde_json::{Value, json};

/// The key, when the interface is on.
fn key(state: &AppState) -> Result<&IssuingKey, Problem> {
    state.registry.conformance_key.as_deref().ok_or_else(Problem::not_found)
}

fn refused(fault: ApiFault) -> HttpResponse {
    let body = json!({ "type": fault.problem, "title": "Not a document that holds", "status": 400, "detail": fault.detail });
    HttpResponse::BadRequest().content_type("application/problem+json").body(body.to_string())
}

fn answered(result: Result<(), ApiFault>) -> HttpResponse {
    match result {
        Ok(()) => HttpResponse::Ok().json(json!({ "verified": true, "problemDetails": [] })),
        Err(fault) => refused(fault),
    }
}

fn expected(wanted: &Value) -> Expected<'_> {
    let option = |name: &str| wanted["options"][name].as_str();
    Expected { purpose: option("expectedProofPurpose"), challenge: option("challenge"), domain: option("domain") }
}

#[post("/conformance/{form}/credentials/issue")]
pub async fn issue_for_suites(state: Data<AppState>, form: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let key = key(&state)?;
    let securing = match form.as_str() {
        "eddsa-rdfc-2022" => Securing::Proof(Suite::Rdfc),
        "eddsa-jcs-2022" => Securing::Proof(Suite::Jcs),
        "status" => Securing::Status,
        "vc+jwt" => Securing::Jwt,
        _ => return Err(Problem::not_found()),
    };
    let wanted: Value = body.json()?;
    let random = u32::from_be_bytes(state.registry.entropy.bytes()) % crate::credential::status_list::ENTRIES;
    let lists = format!("{}/conformance/status", state.registry.config.public_url);
    Ok(match vc_api::issue(key, &wanted["credential"], securing, &lists, random, state.registry.clock.now()) {
        Ok(credential) => HttpResponse::Created().json(json!({ "verifiableCredential": credential })),
        Err(fault) => refused(fault),
    })
}

#[get("/conformance/status/{purpose}")]
pub async fn get_list_for_suites(state: Data<AppState>, purpose: Path<String>) -> Result<HttpResponse, Problem> {
    let key = key(&state)?;
    let url = format!("{}/conformance/status/{purpose}", state.registry.config.public_url);
    Ok(match vc_api::status_list(key, &url, state.registry.clock.now()) {
        Ok(list) => HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(list.to_string()),
        Err(fault) => refused(fault),
    })
}

#[post("/conformance/credentials/verify")]
pub async fn verify_credential_for_suites(state: Data<AppState>, body: Body) -> Result<HttpResponse, Problem> {
    key(&state)?;
    let wanted: Value = body.json()?;
    Ok(answered(vc_api::verify_credential(&wanted["verifiableCredential"], expected(&wanted), state.registry.clock.now())))
}

#[post("/conformance/presentations/verify")]
pub async fn verify_presentation_for_suites(state: Data<AppState>, body: Body) -> Result<HttpResponse, Problem> {
    key(&state)?;
    let wanted: Value = body.json()?;
    Ok(answered(vc_api::verify_presentation(&wanted["verifiablePresentation"], expected(&wanted), state.registry.clock.now())))
}
