//! The console of the authority: organisations, keys, signals.

use super::forms::Form;
use super::own::PlaceQuery;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::{Act, authorise};
use crate::domain::organisation::OrganisationKind;
use crate::http::AppState;
use crate::http::attendance::SignalDocument;
use crate::http::organisations::{OrganisationDocument, OrganisationRequest, organisation_order, path_id};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::kept;
use crate::services::error::Error;
use crate::services::organisations::OrganisationView;
use crate::store::stretch::ListOrder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde_json::json;

pub fn pages(config: &mut ServiceConfig) {
    config
        .service(show_organisations)
        .service(register_organisation)
        .service(show_keys)
        .service(show_signals);
}

/// These pages are for those who may see signals, which is the authority.
pub fn of_authority(page: &ConsolePage) -> Result<(), Problem> {
    Ok(authorise(page.actor(), Act::ReadSignals).map_err(Error::from)?)
}

/// Whether the forms of the registrar are shown; the services ask again.
pub fn may_write(page: &ConsolePage) -> bool {
    authorise(page.actor(), Act::AdministerRegistry).is_ok()
}

async fn organisations_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, form: Option<&Form>, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let views = state.registry.list_organisations(window.after.clone(), window.fetch()).await?;
    let listed = window.page(views, |view| view.row.id.clone(), |view| OrganisationDocument::new(&view));
    let kinds: Vec<&str> = OrganisationKind::ALL.iter().map(|kind| kind.as_str()).collect();
    let given = |name: &str| form.map_or("", |form| form.text(name)).to_owned();
    page.reader.page(
        status,
        "console-organisations.html",
        json!({ "organisations": listed.items, "next_cursor": listed.next_cursor, "kinds": kinds, "may_write": may_write(page), "given": { "unified_social_credit_code": given("unified_social_credit_code"), "name": given("name"), "region_code": given("region_code") }, "problem": problem }),
    )
}

/// Organisations, and for the registrar a form for a new one.
#[get("/console/organisations")]
pub async fn show_organisations(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    of_authority(&page)?;
    organisations_page(&state, &page, StatusCode::OK, &query, None, None).await
}

/// Register an organisation.
#[post("/console/organisations")]
pub async fn register_organisation(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let registered = async {
        let order = organisation_order(OrganisationRequest { unified_social_credit_code: form.text("unified_social_credit_code").to_owned(), name: form.text("name").to_owned(), kinds: form.list("kinds"), region_code: form.given("region_code") })?;
        let render = |(view, _): &(OrganisationView, bool)| kept(StatusCode::CREATED, Some(format!("/console/organisations/{}", view.row.id)), &json!({}));
        submit(&state, page.actor().client.as_str(), "organisation", &form, render, async |intent| state.registry.register_organisation(page.actor(), order.clone(), intent).await).await
    };
    match registered.await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console/organisations"))),
        Err(problem) if problem.status().is_client_error() => organisations_page(&state, &page, problem.status(), &PlaceQuery { cursor: None }, Some(&form), Some(problem.document(page.reader.language, ""))).await,
        Err(problem) => Err(problem),
    }
}

/// Every public key, with whose it is and whether it still signs.
#[get("/console/keys")]
pub async fn show_keys(state: Data<AppState>, page: ConsolePage) -> Result<HttpResponse, Problem> {
    of_authority(&page)?;
    let (rows, revocations) = state.registry.list_key_rows().await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        let revoked = revocations.iter().find(|revocation| revocation.key_id == row.key_id);
        // The last part of an organisation's DID is its identifier; the registry's own has none.
        let owner_name = match row.owner.split_once(":organisations:") {
            Some((_, id)) => state.registry.organisation_name(&path_id(id)?).await.ok(),
            None => None,
        };
        keys.push(json!({ "key_id": row.key_id, "owner_name": owner_name, "purpose": row.purpose, "created_at": crate::http::reply::instant_of(row.created_at), "is_revoked": revoked.is_some() }));
    }
    page.reader.page(StatusCode::OK, "console-keys.html", json!({ "keys": keys, "log_key": state.registry.log_key().await?.to_string() }))
}

/// Signs of fraud, the newest first.
#[get("/console/signals")]
pub async fn show_signals(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_signals(page.actor(), window.of(ListOrder::NewestFirst)).await?;
    let listed = window.page(rows, |row| row.id.clone(), SignalDocument::new);
    let mut shown = Vec::with_capacity(listed.items.len());
    for signal in listed.items {
        let organisation = state.registry.organisation_name(&path_id(&signal.organisation_id)?).await?;
        let mut signal = serde_json::to_value(signal).unwrap_or_default();
        signal["organisation"] = json!(organisation);
        shown.push(signal);
    }
    page.reader.page(StatusCode::OK, "console-signals.html", json!({ "signals": shown, "next_cursor": listed.next_cursor }))
}
