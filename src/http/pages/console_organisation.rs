//! The console of the authority: one organisation, its filings and who has access for it.

use super::console_authority::{may_write, of_authority};
use super::filings::{amended_filing, empty_filing, filing_request, given_filing};
use super::organisation::named_filing;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::Role;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::filing::BodyKind;
use crate::domain::id::{ClientId, FilingId, OrganisationId};
use crate::domain::organisation::{OrganisationKind, OrganisationState};
use crate::http::AppState;
use crate::http::fields::reason_of;
use crate::http::organisations::{ClientDocument, ClientRequest, OrganisationDocument, OrganisationPatch, client_order, filing_order, organisation_change, path_id};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::kept;
use crate::services::error::Error;
use crate::services::organisations::AmendedFiling;
use crate::services::setup::NewClient;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config
        .service(show_organisation)
        .service(change_organisation)
        .service(record_filing)
        .service(show_filing)
        .service(amend_filing)
        .service(register_client)
        .service(revoke_client);
}

/// Most filings and clients that a page shows; it says so when there are more.
const SHOWN_MAX: i64 = 200;

/// What a form of the page led to: a new client with its secret, or what was refused and what had been typed.
#[derive(Default)]
struct Said {
    new_client: Option<Value>,
    problem: Option<ProblemDocument>,
    filing: Option<Value>,
    change: Option<Value>,
    client: Option<Value>,
    /// Why something changes; it stands in the form also where the rest is drawn anew.
    reason: String,
}

/// What the form of a filing offers.
fn choices() -> Value {
    let kinds: Vec<&str> = CertificateKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let body_kinds: Vec<&str> = BodyKind::ALL.iter().map(|kind| kind.as_str()).collect();
    json!({ "kinds": kinds, "body_kinds": body_kinds })
}

/// The page of one organisation, for one reader.
struct Place<'a> {
    state: &'a AppState,
    page: &'a ConsolePage,
    id: &'a OrganisationId,
}

impl Place<'_> {
    async fn show(&self, status: StatusCode, said: Said) -> Result<HttpResponse, Problem> {
        let Place { state, page, id } = self;
        let organisation = OrganisationDocument::new(&state.registry.get_organisation(id).await?);
        let filings: Vec<Value> = state.registry.list_filings(id, None, SHOWN_MAX).await?.iter().map(|row| named_filing(state, row)).collect();
        let clients: Vec<ClientDocument> = if may_write(page) {
            state.registry.list_clients(page.actor(), id, None, SHOWN_MAX).await?.iter().map(|(row, revocation)| ClientDocument::new(row, None, revocation.as_ref())).collect()
        } else {
            Vec::new()
        };
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        let organisation_kinds: Vec<&str> = OrganisationKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let states: Vec<&str> = OrganisationState::ALL.iter().map(|state| state.as_str()).collect();
        // Of an authority the one that only reads, not the one that may do everything.
        let roles_of_kind = Role::ALL.iter().rev().filter(|role| organisation.kinds.iter().any(|kind| kind == role.organisation_kind().as_str()));
        let own_role = roles_of_kind.map(|role| role.as_str()).next().unwrap_or_default();
        let client = said.client.unwrap_or_else(|| json!({ "name": "", "role": own_role }));
        let change = said.change.unwrap_or_else(|| json!({ "name": organisation.name, "kinds": organisation.kinds, "region_code": organisation.region_code, "state": organisation.state, "reason": said.reason, "version": organisation.version.to_string() }));
        let filing = said.filing.unwrap_or_else(|| empty_filing(state.registry.clock.today()));
        page.reader.at(format!("/console/organisations/{id}")).page(
            status,
            "console-organisation.html",
            json!({ "organisation": organisation, "filings": filings, "clients": clients, "may_write": may_write(page), "choices": choices(), "filing": filing, "change": change, "client": client, "roles": roles, "organisation_kinds": organisation_kinds, "states": states, "new_client": said.new_client, "problem": said.problem, "shown_max": SHOWN_MAX }),
        )
    }

    /// The page anew, or with what was refused; `given` is what had been typed. Where somebody else's change came first the form shows what
    /// stands now, so that nobody takes it back unseen.
    async fn answer<T>(&self, done: Result<T, Problem>, given: Said) -> Result<HttpResponse, Problem> {
        match done {
            Ok(_) => Ok(see_other(&format!("/console/organisations/{}", self.id))),
            Err(problem) if problem.status() == StatusCode::PRECONDITION_FAILED => {
                self.show(problem.status(), Said { problem: Some(problem.document(self.page.reader.language, "")), reason: given.reason, ..Said::default() }).await
            }
            Err(problem) if problem.status().is_client_error() => self.show(problem.status(), Said { problem: Some(problem.document(self.page.reader.language, "")), ..given }).await,
            Err(problem) => Err(problem),
        }
    }

    /// One filing; `refused` is what was refused, and what had been typed.
    async fn show_filing(&self, status: StatusCode, filing: &FilingId, refused: Option<(ProblemDocument, Value)>) -> Result<HttpResponse, Problem> {
        let Place { state, page, id } = self;
        let organisation = OrganisationDocument::new(&state.registry.get_organisation(id).await?);
        let versions = state.registry.list_filing_versions(id, filing).await?;
        let (problem, given) = refused.unzip();
        let newest = || versions.last().map(|newest| amended_filing(newest, page.reader.language, state.registry.clock.today()));
        // Somebody else's version came first: the form begins anew from it, and what was typed stands beside it to be taken over.
        let (form, typed) = if status == StatusCode::PRECONDITION_FAILED { (newest(), given) } else { (given.or_else(newest), None) };
        let named: Vec<Value> = versions.iter().map(|row| named_filing(state, row)).collect();
        page.reader.at(format!("/console/organisations/{id}/filings/{filing}")).page(
            status,
            "console-filing.html",
            json!({ "organisation": organisation, "filing_id": filing, "filings": named, "filing": form, "typed": typed, "choices": choices(), "may_write": may_write(page), "problem": problem }),
        )
    }
}

/// An organisation with its filings and, for the registrar, its clients.
#[get("/console/organisations/{organisation_id}")]
pub async fn show_organisation(state: Data<AppState>, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    of_authority(&page)?;
    Place { state: &state, page: &page, id: &path_id(&id)? }.show(StatusCode::OK, Said::default()).await
}

/// Change what is registered of an organisation, suspend it, let it exit or come back. It is decided on the version that the page showed.
#[post("/console/organisations/{organisation_id}/versions")]
pub async fn change_organisation(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    of_authority(&page)?;
    let id: OrganisationId = path_id(&id)?;
    let changed = async {
        let wanted = OrganisationPatch { name: form.given("name"), kinds: Some(form.list("kinds")), region_code: form.given("region_code"), state: form.given("state"), reason: form.text("reason").to_owned() };
        let change = organisation_change(wanted, Some(form.text("version").parse().unwrap_or(-1)))?;
        submit(&state, page.actor().client.as_str(), "organisation", &form, |_| kept(StatusCode::OK, None, &json!({})), async |intent| state.registry.change_organisation(page.actor(), &id, change.clone(), intent).await).await
    };
    let given = json!({ "name": form.text("name"), "kinds": form.list("kinds"), "region_code": form.text("region_code"), "state": form.text("state"), "reason": form.text("reason"), "version": form.text("version") });
    Place { state: &state, page: &page, id: &id }.answer(changed.await, Said { change: Some(given), reason: form.text("reason").to_owned(), ..Said::default() }).await
}

/// File what a body may issue.
#[post("/console/organisations/{organisation_id}/filings")]
pub async fn record_filing(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    of_authority(&page)?;
    let id: OrganisationId = path_id(&id)?;
    let recorded = async {
        let order = filing_order(filing_request(&form))?;
        submit(&state, page.actor().client.as_str(), "filing", &form, |_| kept(StatusCode::CREATED, None, &json!({})), async |intent| state.registry.record_filing(page.actor(), &id, None, order.clone(), intent).await).await
    };
    Place { state: &state, page: &page, id: &id }.answer(recorded.await, Said { filing: Some(given_filing(&form)), ..Said::default() }).await
}

/// One filing with its versions and, for the registrar, a form for the next.
#[get("/console/organisations/{organisation_id}/filings/{filing_id}")]
pub async fn show_filing(state: Data<AppState>, page: ConsolePage, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    of_authority(&page)?;
    Place { state: &state, page: &page, id: &path_id(&path.0)? }.show_filing(StatusCode::OK, &path_id(&path.1)?, None).await
}

/// Record a new version of a filing, decided on the version that the page showed; what was issued under the ones before stays as it is.
#[post("/console/organisations/{organisation_id}/filings/{filing_id}/versions")]
pub async fn amend_filing(state: Data<AppState>, sent: ConsoleForm, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    of_authority(&page)?;
    let (id, filing): (OrganisationId, FilingId) = (path_id(&path.0)?, path_id(&path.1)?);
    let recorded = async {
        let order = filing_order(filing_request(&form))?;
        let amended = AmendedFiling { filing: filing.clone(), expected_version: Some(form.text("version").parse().unwrap_or(-1)) };
        submit(&state, page.actor().client.as_str(), "filing version", &form, |_| kept(StatusCode::CREATED, None, &json!({})), async |intent| state.registry.record_filing(page.actor(), &id, Some(amended.clone()), order.clone(), intent).await).await
    };
    match recorded.await {
        Ok(_) => Ok(see_other(&format!("/console/organisations/{id}/filings/{filing}"))),
        Err(problem) if problem.status().is_client_error() => {
            let refused = (problem.document(page.reader.language, ""), given_filing(&form));
            Place { state: &state, page: &page, id: &id }.show_filing(problem.status(), &filing, Some(refused)).await
        }
        Err(problem) => Err(problem),
    }
}

/// Give a person or a program access; the secret stands in this answer and in no other.
#[post("/console/organisations/{organisation_id}/clients")]
pub async fn register_client(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    of_authority(&page)?;
    let id: OrganisationId = path_id(&id)?;
    let registered = async {
        let (name, role, scopes) = client_order(ClientRequest { name: form.text("name").to_owned(), role: form.text("role").to_owned(), scopes: None })?;
        let render = |client: &NewClient| kept(StatusCode::CREATED, None, &ClientDocument::new(&client.row, Some(&client.secret), None));
        submit(&state, page.actor().client.as_str(), "client", &form, render, async |intent| state.registry.register_client(page.actor(), &id, name.clone(), role, scopes.clone(), intent).await).await
    };
    let place = Place { state: &state, page: &page, id: &id };
    match registered.await {
        Ok(answer) => {
            let client: Value = serde_json::from_slice(&answer.body).map_err(|error| Error::Internal(error.to_string()))?;
            place.show(StatusCode::OK, Said { new_client: Some(client), ..Said::default() }).await
        }
        refused => place.answer(refused, Said { client: Some(json!({ "name": form.text("name"), "role": form.text("role") })), ..Said::default() }).await,
    }
}

/// Take access away; it ends within seconds everywhere, the person's sessions with it.
#[post("/console/organisations/{organisation_id}/clients/{client_id}/revocation")]
pub async fn revoke_client(state: Data<AppState>, sent: ConsoleForm, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    of_authority(&page)?;
    let (id, client): (OrganisationId, ClientId) = (path_id(&path.0)?, path_id(&path.1)?);
    let revoked = async { Ok::<_, Problem>(state.registry.revoke_client(page.actor(), &id, &client, reason_of(form.text("reason"))?).await?) };
    Place { state: &state, page: &page, id: &id }.answer(revoked.await, Said::default()).await
}
