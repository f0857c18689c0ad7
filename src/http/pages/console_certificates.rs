//! The console of assessment bodies: certificates, however many there are, and changes of their status by two persons.

use super::console_tables::Said;
use super::own::{PlaceQuery, as_download, certificate_content};
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::credential::form::CredentialForm;
use crate::domain::access::{Act, authorise};
use crate::domain::calendar::end_of_day_in_china;
use crate::domain::certificate::StatusChange;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{CertificateId, OrganisationId, StatusProposalId};
use crate::http::AppState;
use crate::http::certificates::{CertificateDocument, StatusChangeRequest, credential, status_order};
use crate::http::organisations::path_id;
use crate::http::page::PageQuery;
use crate::http::papers::{paper, print};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::{instant_of, kept};
use crate::services::certificates::CertificateName;
use crate::services::issuing::IssuedCertificate;
use crate::services::proposals::ProposedChange;
use crate::store::stretch::ListOrder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{Datelike, Duration, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_certificates).service(find_certificate).service(show_certificate).service(download_paper).service(make_paper).service(propose_status_change).service(show_proposals).service(decide_proposal);
}

/// Which certificates a page shows.
#[derive(Debug, Default, Deserialize)]
pub struct CertificatesQuery {
    cursor: Option<String>,
    /// Those that were registered on this day or before; empty in a form that was not filled in.
    until: Option<String>,
}

impl CertificatesQuery {
    /// Behind which certificate the page begins.
    fn begin(&self) -> Result<Option<String>, Problem> {
        let Some(until) = self.until.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
        // Four digits of a year, as everywhere; an identifier has no room for a time much later.
        let day: Option<NaiveDate> = until.parse().ok().filter(|day: &NaiveDate| (1900..=9999).contains(&day.year()));
        let day = day.ok_or_else(|| Problem::invalid("until", "a date as 2026-03-09 expected", "应为日期，如 2026-03-09"))?;
        // Identifiers begin with their time: this one would be the first of the next day.
        let next_day = u64::try_from((end_of_day_in_china(day) + Duration::seconds(1)).timestamp_millis()).unwrap_or(0);
        Ok(Some(CertificateId::new(next_day, 0).to_string()))
    }
}

/// What stands on the page: a part of the list, or what a search found.
struct Shown {
    certificates: Vec<Value>,
    next_cursor: Option<String>,
    is_whole_list: bool,
    /// The day that was asked for.
    until: Option<String>,
}

async fn listed(state: &AppState, page: &ConsolePage, query: &CertificatesQuery) -> Result<Shown, Problem> {
    let mut window = PageQuery { limit: None, cursor: query.cursor.clone() }.window()?;
    if window.after.is_none() {
        window.after = query.begin()?;
    }
    let is_whole_list = window.after.is_none();
    let rows = state.registry.list_certificates(page.actor(), window.of(ListOrder::NewestFirst)).await?;
    let listed = window.page(rows, |issued| issued.standing.0.id.clone(), |issued| certificate_content(&issued, page.reader.public_url(), page.reader.language));
    Ok(Shown { certificates: listed.items, next_cursor: listed.next_cursor, is_whole_list, until: query.until.clone() })
}

fn certificates_page(page: &ConsolePage, status: StatusCode, shown: &Shown, said: &Said) -> Result<HttpResponse, Problem> {
    let Shown { certificates, next_cursor, is_whole_list, until } = shown;
    page.reader.at("/console/certificates".to_owned()).page(status, "console-certificates.html", json!({ "certificates": certificates, "next_cursor": next_cursor, "is_first": is_whole_list, "until": until, "said": said }))
}

/// Certificates, the newest first, from any day on, a page by keyset: the hundred thousandth costs what the first does.
#[get("/console/certificates")]
pub async fn show_certificates(state: Data<AppState>, page: ConsolePage, query: Query<CertificatesQuery>) -> Result<HttpResponse, Problem> {
    certificates_page(&page, StatusCode::OK, &listed(&state, &page, &query).await?, &Said::default())
}

/// Find by the number of the certificate or of its holder's document; neither stands in an address.
#[post("/console/certificates/search")]
pub async fn find_certificate(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let page = &sent.page;
    let found = state.registry.search_certificates(page.actor(), sent.form.text("number")).await?;
    match found.as_slice() {
        [] => {
            let nothing = Problem::invalid("number", "no certificate of your body has this number, and no holder of one has a document with it", "本机构没有该编号的证书，也没有使用该证件号码的持证人");
            certificates_page(page, StatusCode::NOT_FOUND, &listed(&state, page, &CertificatesQuery::default()).await?, &Said::refused(&nothing, page.reader.language))
        }
        [one] => Ok(see_other(&format!("/console/certificates/{}", one.standing.0.id))),
        several => {
            let certificates = several.iter().map(|issued| certificate_content(issued, page.reader.public_url(), page.reader.language)).collect();
            certificates_page(page, StatusCode::OK, &Shown { certificates, next_cursor: None, is_whole_list: false, until: None }, &Said::default())
        }
    }
}

/// One certificate with its history.
#[get("/console/certificates/{certificate_id}")]
pub async fn show_certificate(state: Data<AppState>, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let issued = state.registry.get_certificate(page.actor(), &CertificateName::parse(&id)?, None).await?;
    certificate_page(&page, StatusCode::OK, &issued, None)
}

fn certificate_page(page: &ConsolePage, status: StatusCode, issued: &IssuedCertificate, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let certificate = certificate_content(issued, page.reader.public_url(), page.reader.language);
    let changes: Vec<&str> = StatusChange::ALL.iter().map(|change| change.as_str()).collect();
    page.reader.at(format!("/console/certificates/{}", issued.standing.0.id)).page(status, "console-certificate.html", json!({ "certificate": certificate, "may_print": may_print(page, issued), "changes": changes, "problem": problem }))
}

/// Whether the form for a photograph is shown: to whoever may issue certificates of this kind for the body; the service asks again.
fn may_print(page: &ConsolePage, issued: &IssuedCertificate) -> bool {
    let row = &issued.standing.0;
    row.kind.parse().ok().zip(row.issuer_id.parse().ok()).is_some_and(|(kind, issuer): (CertificateKind, OrganisationId)| {
        kind.has_photograph() && authorise(page.actor(), Act::IssueCertificate { issuer: &issuer, kind }).is_ok()
    })
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
        Err(problem) if problem.status().is_client_error() => refused(&state, &page, &name, &problem).await,
        Err(problem) => Err(problem),
    }
}

async fn proposals_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_status_proposals(page.actor(), window.after.clone(), window.fetch()).await?;
    let me = page.actor().client.to_string();
    let item = |change: ProposedChange| {
        let ProposedChange { proposal, decision, certificate, proposer, decider } = change;
        let mut shown = certificate_content(&certificate, page.reader.public_url(), page.reader.language);
        // A list has no need of the document number in a permit's.
        shown["certificate_number"] = json!(CertificateDocument::new(&certificate, page.reader.public_url(), page.reader.language).certificate_number);
        json!({
            "proposal_id": proposal.id, "certificate": shown,
            "change": proposal.change, "reason": proposal.reason, "decision_document": proposal.decision_document,
            "proposed_at": instant_of(proposal.proposed_at), "proposer": proposer, "is_mine": proposal.proposed_by == me,
            "decision": decision.map(|decision| json!({ "approved": decision.approved, "decider": decider, "decided_at": instant_of(decision.decided_at) })),
        })
    };
    let listed = window.page(rows, |change| change.proposal.id.clone(), item);
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

/// The paper with the holder's photograph, which is kept nowhere else.
#[post("/console/certificates/{certificate_id}/papers")]
pub async fn make_paper(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, mut form) = (sent.page, sent.form);
    let name = CertificateName::parse(&id)?;
    let made = async {
        let file = form.take_file("photograph").ok_or_else(|| Problem::invalid("photograph", "a photograph expected", "请选择照片"))?;
        print(&state, page.actor(), &name, file.bytes).await
    };
    match made.await {
        Ok(bytes) => Ok(as_download(paper(bytes), "certificate.pdf")),
        Err(problem) if problem.status().is_client_error() => refused(&state, &page, &name, &problem).await,
        Err(problem) => Err(problem),
    }
}

/// The page of a certificate with what was refused.
async fn refused(state: &AppState, page: &ConsolePage, name: &CertificateName, problem: &Problem) -> Result<HttpResponse, Problem> {
    let issued = state.registry.get_certificate(page.actor(), name, None).await?;
    certificate_page(page, problem.status(), &issued, Some(problem.document(page.reader.language, "")))
}
