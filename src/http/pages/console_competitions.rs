//! Places in skills competitions: recorded for a worker, recognised with credits, taken back.

use super::console_credits::{leads_to_entry, may_post};
use super::console_tables::Said;
use super::console_workers::{Shown, worker_page};
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::id::{CompetitionResultId, WorkerId};
use crate::http::AppState;
use crate::http::competitions::{CompetitionResultDocument, CompetitionResultRequest, ResultAnnulmentRequest, annulment_of, competition_order, newest_edition};
use crate::http::organisations::path_id;
use crate::http::problem::Problem;
use crate::http::reply::kept;
use crate::services::competitions::CompetitionView;
use crate::services::intent::Answer;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde_json::json;

pub fn pages(config: &mut ServiceConfig) {
    config.service(record_result).service(show_result).service(recognise_result).service(annul_result);
}

fn leads_to_result(view: &CompetitionView) -> Answer {
    kept(StatusCode::OK, Some(format!("/console/competition_results/{}", view.row.id)), &json!({}))
}

/// Record a place of a worker.
#[post("/console/workers/{worker_id}/competition_results")]
pub async fn record_result(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: WorkerId = path_id(&id)?;
    let recorded = async {
        let order = competition_order(&CompetitionResultRequest {
            worker_id: id.to_string(),
            competition: form.text("competition").to_owned(),
            competition_level: form.text("competition_level").to_owned(),
            event: form.text("event").to_owned(),
            occupation_edition: newest_edition(),
            occupation_code: form.given("occupation_code"),
            // What is no number is no place either, and is told so.
            place: form.text("place").parse().unwrap_or(0),
            held_on: form.text("held_on").to_owned(),
            decision_document: form.given("decision_document"),
        })?;
        submit(&state, page.actor().client.as_str(), "competition result", &form, leads_to_result, async |intent| state.registry.record_competition_result(page.actor(), &order, intent).await).await
    };
    match recorded.await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console"))),
        Err(problem) if problem.status().is_client_error() => worker_page(&state, &page, problem.status(), &id, &Said::refused(&problem, page.reader.language), Shown::again(&form)).await,
        Err(problem) => Err(problem),
    }
}

async fn result_page(state: &AppState, page: &ConsolePage, status: StatusCode, id: &CompetitionResultId, said: &Said) -> Result<HttpResponse, Problem> {
    let result = CompetitionResultDocument::new(&state.registry.get_competition_result(page.actor(), id).await?);
    page.reader.at(format!("/console/competition_results/{id}")).page(status, "console-competition.html", json!({ "result": result, "may_post": may_post(page), "said": said }))
}

/// A place in a competition.
#[get("/console/competition_results/{competition_result_id}")]
pub async fn show_result(state: Data<AppState>, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    result_page(&state, &page, StatusCode::OK, &path_id(&id)?, &Said::default()).await
}

/// On to where the answer leads, or back to the result with what was refused.
async fn shown(state: &AppState, page: &ConsolePage, id: &CompetitionResultId, done: Result<Answer, Problem>) -> Result<HttpResponse, Problem> {
    match done {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console"))),
        Err(problem) if problem.status().is_client_error() => result_page(state, page, problem.status(), id, &Said::refused(&problem, page.reader.language)).await,
        Err(problem) => Err(problem),
    }
}

/// Post the credits that a place is worth.
#[post("/console/competition_results/{competition_result_id}/recognition")]
pub async fn recognise_result(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: CompetitionResultId = path_id(&id)?;
    let done = submit(&state, page.actor().client.as_str(), "competition recognised", &form, leads_to_entry, async |intent| state.registry.recognise_competition(page.actor(), &id, intent).await).await;
    shown(&state, &page, &id, done).await
}

/// Take a place back; its credits are reversed.
#[post("/console/competition_results/{competition_result_id}/annulment")]
pub async fn annul_result(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: CompetitionResultId = path_id(&id)?;
    let annulled = async {
        let (reason, decision) = annulment_of(&ResultAnnulmentRequest { reason: form.text("reason").to_owned(), decision_document: form.given("decision_document") })?;
        submit(&state, page.actor().client.as_str(), "competition annulled", &form, leads_to_result, async |intent| state.registry.annul_competition_result(page.actor(), &id, &reason, decision.as_deref(), intent).await).await
    };
    let done = annulled.await;
    shown(&state, &page, &id, done).await
}
