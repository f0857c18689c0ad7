//! The console of assessment bodies: certificates, however many there are, and changes of their status by two persons.

use super::console_tables::Said;
use super::own::{PlaceQuery, as_download, certificate_content};
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::credential::form::CredentialForm;
use crate::domain::certificate::StatusChange;
use crate::domain::id::StatusProposalId;
use crate::domain::number::normalised;
use crate::http::AppState;
use crate::http::certificates::{StatusChangeRequest, credential, status_order};
use crate::http::organisations::path_id;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::{instant_of, kept};
use crate::services::certificates::CertificateName;
use crate::services::error::Error;
use crate::store::proposals::Proposal;
use crate::store::stretch::ListOrder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_certificates).service(find_certificate).service(show_certificate).service(download_paper).service(propose_status_change).service(show_proposals).service(decide_proposal);
}

async fn certificates_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, said: &Said) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_certificates(page.actor(), window.of(ListOrder::NewestFirst)).await?;
    let listed = window.page(rows, |issued| issued.standing.0.id.clone(), |issued| certificate_content(&issued, page.reader.public_url(), page.reader.language));
    page.reader.at("/console/certificates".to_owned()).page(status, "console-certificates.html", json!({ "certificates": listed.items, "next_cursor": listed.next_cursor, "is_first": query.cursor.is_none(), "said": said }))
}

/// Certificates, the newest first, a page by keyset: the hundred thousandth costs what the first does.
#[get("/console/certificates")]
pub async fn show_certificates(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    certificates_page(&state, &page, StatusCode::OK, &query, &Said::default()).await
}

/// Find one by its number, which stands in no address: that of a permit is an identity number.
#[post("/console/certificates/search")]
pub async fn find_certificate(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let name = CertificateName::Number(normalised(sent.form.text("certificate_number")));
    match state.registry.get_certificate(sent.page.actor(), &name, None).await {
        Ok(found) => Ok(see_other(&format!("/console/certificates/{}", found.standing.0.id))),
        Err(Error::NotFound) => {
            let nobody = Problem::invalid("certificate_number", "no certificate of your body has this number", "本机构没有该编号的证书");
            certificates_page(&state, &sent.page, StatusCode::NOT_FOUND, &PlaceQuery { cursor: None }, &Said::refused(&nobody, sent.page.reader.language)).await
        }
        Err(error) => Err(error.into()),
    }
}

/// One certificate with its history.
#[get("/console/certificates/{certificate_id}")]
pub async fn show_certificate(state: Data<AppState>, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let issued = state.registry.get_certificate(page.actor(), &CertificateName::parse(&id)?, None).await?;
    let certificate: Value = certificate_content(&issued, page.reader.public_url(), page.reader.language);
    certificate_page(&page, StatusCode::OK, &certificate, None)
}

fn certificate_page(page: &ConsolePage, status: StatusCode, certificate: &Value, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let changes: Vec<&str> = StatusChange::ALL.iter().map(|change| change.as_str()).collect();
    page.reader.at(format!("/console/certificates/{}", certificate["certificate_id"].as_str().unwrap_or_default())).page(status, "console-certificate.html", json!({ "certificate": certificate, "changes": changes, "problem": problem }))
}

/// Propose a change of status, which another person decides on.
#[post("/console/certificates/{certificate_id}/proposals")]
pub async fn propose_status_change(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let name = CertificateName::parse(&id)?;
    let proposed = async {
        let order = status_order(StatusChangeRequest { change: form.text("change").to_owned(), reason: form.text("reason").to_owned(), decision_document: form.given("decision_document") })?;
        submit(&state, page.actor().client.as_str(), "proposal", &form, |_| kept(StatusCode::CREATED, None, &json!({})), async |intent| state.registry.propose_status_change(page.actor(), &name, order.clone(), intent).await).await
    };
    match proposed.await {
        Ok(_) => Ok(see_other("/console/proposals")),
        Err(problem) if problem.status().is_client_error() => {
            let issued = state.registry.get_certificate(page.actor(), &name, None).await?;
            let certificate = certificate_content(&issued, page.reader.public_url(), page.reader.language);
            certificate_page(&page, problem.status(), &certificate, Some(problem.document(page.reader.language, "")))
        }
        Err(problem) => Err(problem),
    }
}

async fn proposals_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_status_proposals(page.actor(), window.after.clone(), window.fetch()).await?;
    let me = page.actor().client.to_string();
    let item = |(row, decision): Proposal| {
        json!({
            "proposal_id": row.id, "certificate_id": row.certificate_id, "change": row.change, "reason": row.reason, "decision_document": row.decision_document,
            "proposed_at": instant_of(row.proposed_at), "proposed_by": row.proposed_by, "is_mine": row.proposed_by == me,
            "decision": decision.map(|decision| json!({ "approved": decision.approved, "decided_by": decision.decided_by, "decided_at": instant_of(decision.decided_at) })),
        })
    };
    let listed = window.page(rows, |(row, _)| row.id.clone(), item);
    page.reader.at("/console/proposals".to_owned()).page(status, "console-proposals.html", json!({ "proposals": listed.items, "next_cursor": listed.next_cursor, "problem": problem }))
}

/// Changes that wait for a second person, and those that were decided on.
#[get("/console/proposals")]
pub async fn show_proposals(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    proposals_page(&state, &page, StatusCode::OK, &query, None).await
}

/// Approve or reject what another person proposed.
#[post("/console/proposals/{proposal_id}/decision")]
pub async fn decide_proposal(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: StatusProposalId = path_id(&id)?;
    let decided = async {
        let is_approved = match form.text("decision") {
            "approve" => true,
            "reject" => false,
            _ => return Err(Problem::invalid("decision", "approve or reject expected", "应为 approve 或 reject")),
        };
        submit(&state, page.actor().client.as_str(), "decision", &form, |_| kept(StatusCode::CREATED, None, &json!({})), async |intent| state.registry.decide_status_proposal(page.actor(), &id, is_approved, intent).await).await
    };
    match decided.await {
        Ok(_) => Ok(see_other("/console/proposals")),
        Err(problem) if problem.status().is_client_error() => proposals_page(&state, &page, problem.status(), &PlaceQuery { cursor: None }, Some(problem.document(page.reader.language, ""))).await,
        Err(problem) => Err(problem),
    }
}

/// The paper of a certificate.
#[get("/console/certificates/{certificate_id}/certificate.pdf")]
pub async fn download_paper(state: Data<AppState>, request: HttpRequest, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let bytes = state.registry.get_form(page.actor(), &CertificateName::parse(&id)?, None, CredentialForm::Pdf).await?;
    Ok(as_download(credential(&request, CredentialForm::Pdf, &bytes), "certificate.pdf"))
}
