//! A worker's credits for those who may look at them: balance, ledger, how each entry came about; and what the registrar posts by
//! decision: recognitions, conversions, reversals.

use super::console_tables::Said;
use super::forms::Form;
use super::own::PlaceQuery;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::{Act, authorise};
use crate::domain::id::{ClassId, CreditEntryId, WorkerId};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::credits::{CreditConversionRequest, CreditEntryDocument, CreditsDocument, ExplanationDocument, conversion_of, ledger_place};
use crate::http::fields::{Fields, reason_of};
use crate::http::organisations::path_id;
use crate::http::problem::Problem;
use crate::http::reply::kept;
use crate::services::certificates::CertificateName;
use crate::services::error::Error;
use crate::services::intent::Answer;
use crate::store::credits::CreditEntryRow;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_credits).service(show_entry).service(recognise_certificate).service(convert_credits).service(reverse_credits);
}

/// Whether the forms of the registrar are shown; the services ask again.
pub fn may_post(page: &ConsolePage) -> bool {
    authorise(page.actor(), Act::PostCredits).is_ok()
}

async fn credits_page(state: &AppState, page: &ConsolePage, status: StatusCode, id: &WorkerId, query: &PlaceQuery, said: &Said) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let after = ledger_place(window.after.as_deref())?;
    let (balance, rows) = state.registry.get_credits_and_entries(page.actor(), id, after, window.fetch()).await?;
    let credits = CreditsDocument::new(id, balance);
    let listed = window.page(rows, |row| format!("{}.{}", row.worker_id, row.sequence), |row| CreditEntryDocument::new(&row));
    let catalogue = state.registry.catalogue();
    let name = page.reader.say(&Text::new("name_en", "name_zh"));
    let programmes: Vec<Value> = catalogue
        .list_on("credit_programmes", state.registry.clock.today())
        .into_iter()
        .flat_map(|list| &list.entries)
        .map(|entry| json!({ "programme": entry.key, "name": entry.members().get(&name) }))
        .collect();
    page.reader.at(format!("/console/workers/{id}/credits")).page(
        status,
        "console-credits.html",
        json!({ "worker_id": id.as_str(), "credits": credits, "entries": listed.items, "next_cursor": listed.next_cursor, "programmes": programmes, "may_post": may_post(page), "said": said }),
    )
}

/// Balance, sources and the ledger; the look is recorded.
#[get("/console/workers/{worker_id}/credits")]
pub async fn show_credits(state: Data<AppState>, page: ConsolePage, id: Path<String>, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    credits_page(&state, &page, StatusCode::OK, &path_id(&id)?, &query, &Said::default()).await
}

async fn entry_page(state: &AppState, page: &ConsolePage, status: StatusCode, worker: &WorkerId, entry: &CreditEntryId, said: &Said) -> Result<HttpResponse, Problem> {
    let explanation = ExplanationDocument::new(state.registry.get_credit_entry(page.actor(), worker, entry).await?);
    page.reader.at(format!("/console/workers/{worker}/credits/{entry}")).page(status, "console-credit.html", json!({ "worker_id": worker.as_str(), "explanation": explanation, "may_post": may_post(page), "said": said }))
}

/// How an entry came about.
#[get("/console/workers/{worker_id}/credits/{entry_id}")]
pub async fn show_entry(state: Data<AppState>, page: ConsolePage, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    entry_page(&state, &page, StatusCode::OK, &path_id(&path.0)?, &path_id(&path.1)?, &Said::default()).await
}

/// Leads from a form to the entry that it made.
pub fn leads_to_entry((row, _): &(CreditEntryRow, bool)) -> Answer {
    kept(StatusCode::OK, Some(format!("/console/workers/{}/credits/{}", row.worker_id, row.id)), &json!({}))
}

/// On to the entry, or back to the ledger with what was refused.
async fn shown(state: &AppState, page: &ConsolePage, id: &WorkerId, posted: Result<Answer, Problem>) -> Result<HttpResponse, Problem> {
    match posted {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console"))),
        Err(problem) if problem.status().is_client_error() => credits_page(state, page, problem.status(), id, &PlaceQuery { cursor: None }, &Said::refused(&problem, page.reader.language)).await,
        Err(problem) => Err(problem),
    }
}

/// The record that stands for a person.
async fn person(state: &AppState, page: &ConsolePage, worker: &WorkerId) -> Result<WorkerId, Problem> {
    Ok(state.registry.get_worker(page.actor(), worker).await?.merged_into.unwrap_or_else(|| worker.clone()))
}

/// The credits of a certificate go to its holder, who must be the worker of the page.
async fn recognised(state: &AppState, page: &ConsolePage, worker: &WorkerId, form: &Form) -> Result<Answer, Problem> {
    let mut fields = Fields::default();
    let class: Option<ClassId> = fields.parse_opt("class_id", form.given("class_id").as_deref());
    fields.finish()?;
    let found = match CertificateName::parse(form.text("certificate")) {
        Ok(name) => state.registry.get_certificate(page.actor(), &name, None).await,
        Err(Error::NotFound) => Err(Error::NotFound),
        Err(_) => return Err(Problem::invalid("certificate", "the number of a permit names its holder; its identifier, crt_…, expected", "特种作业操作证编号含公民身份号码，请填写以 crt_ 开头的标识")),
    };
    let issued = match found {
        Err(Error::NotFound) => return Err(Problem::invalid("certificate", "no such certificate", "没有该证书")),
        other => other?,
    };
    let (id, holder) = (path_id(&issued.standing.0.id)?, path_id(&issued.standing.0.worker_id)?);
    if person(state, page, &holder).await? != person(state, page, worker).await? {
        return Err(Problem::invalid("certificate", "a certificate of another person found, one of this worker expected", "该证书属于他人，应为本人证书"));
    }
    submit(state, page.actor().client.as_str(), "recognition", form, leads_to_entry, async |intent| state.registry.recognise_certificate(page.actor(), &id, class.as_ref(), intent).await).await
}

/// Recognise a certificate.
#[post("/console/workers/{worker_id}/credits/recognitions")]
pub async fn recognise_certificate(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: WorkerId = path_id(&id)?;
    let posted = recognised(&state, &sent.page, &id, &sent.form).await;
    shown(&state, &sent.page, &id, posted).await
}

/// Use credits in another programme.
#[post("/console/workers/{worker_id}/credits/conversions")]
pub async fn convert_credits(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let converted = async {
        let wanted = CreditConversionRequest { worker_id: id.to_string(), programme: form.text("programme").to_owned(), credits: form.text("credits").to_owned() };
        let (worker, programme, credits) = conversion_of(&wanted)?;
        submit(&state, page.actor().client.as_str(), "conversion", &form, leads_to_entry, async |intent| state.registry.convert_credits(page.actor(), &worker, &programme, credits, intent).await).await
    };
    let posted = converted.await;
    shown(&state, &page, &path_id(&id)?, posted).await
}

/// Undo an entry by another one.
#[post("/console/workers/{worker_id}/credits/{entry_id}/reversal")]
pub async fn reverse_credits(state: Data<AppState>, sent: ConsoleForm, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let (worker, entry): (WorkerId, CreditEntryId) = (path_id(&path.0)?, path_id(&path.1)?);
    let reversed = async {
        let reason = reason_of(form.text("reason"))?;
        // An entry of this worker, or none.
        state.registry.get_credit_entry(page.actor(), &worker, &entry).await?;
        submit(&state, page.actor().client.as_str(), "reversal", &form, leads_to_entry, async |intent| state.registry.reverse_credits(page.actor(), &entry, &reason, intent).await).await
    };
    match reversed.await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console"))),
        Err(problem) if problem.status().is_client_error() => entry_page(&state, &page, problem.status(), &worker, &entry, &Said::refused(&problem, page.reader.language)).await,
        Err(problem) => Err(problem),
    }
}
