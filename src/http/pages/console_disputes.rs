//! Contested entries for those who answer them, and for those who see to it that they are answered.

use super::console_tables::Said;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::{ANSWER_DISPUTES, holds_any};
use crate::services::disputes::DisputeState;
use crate::domain::id::DisputeId;
use crate::http::AppState;
use crate::http::disputes::{DisputeAnswerRequest, DisputeDocument, answer_of, dispute_answer};
use crate::http::fields::Fields;
use crate::http::organisations::path_id;
use crate::http::page::PageQuery;
use crate::http::problem::Problem;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use serde_json::json;

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_disputes).service(answer_dispute);
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub struct DisputesQuery {
    /// `open`, `answered` or `overdue`; all when absent.
    state: Option<String>,
    cursor: Option<String>,
}

async fn disputes_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &DisputesQuery, said: &Said) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::default();
    let wanted: Option<DisputeState> = fields.parse_opt("state", query.state.as_deref());
    fields.finish()?;
    let window = PageQuery { limit: None, cursor: query.cursor.clone() }.window()?;
    let views = state.registry.list_disputes(page.actor(), wanted, window.after.clone(), window.fetch()).await?;
    let listed = window.page(views, |view| view.row.id.clone(), |view| DisputeDocument::new(&view));
    let path = wanted.map_or_else(|| "/console/disputes".to_owned(), |wanted| format!("/console/disputes?state={}", wanted.as_str()));
    let states: Vec<&str> = DisputeState::ALL.iter().map(|one| one.as_str()).collect();
    let content = json!({ "disputes": listed.items, "next_cursor": listed.next_cursor, "states": states, "state": wanted.map(DisputeState::as_str), "may_answer": holds_any(page.actor(), ANSWER_DISPUTES).is_ok(), "said": said });
    page.reader.at(path).page(status, "console-disputes.html", content)
}

/// Contested entries, those that nobody answered in time among them.
#[get("/console/disputes")]
pub async fn show_disputes(state: Data<AppState>, page: ConsolePage, query: Query<DisputesQuery>) -> Result<HttpResponse, Problem> {
    disputes_page(&state, &page, StatusCode::OK, &query, &Said::default()).await
}

/// Answer a contested entry; the first answer stays.
#[post("/console/disputes/{dispute_id}/answers")]
pub async fn answer_dispute(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: DisputeId = path_id(&id)?;
    let answered = async {
        let (outcome, answer) = dispute_answer(&DisputeAnswerRequest { outcome: form.text("outcome").to_owned(), answer: form.text("answer").to_owned() })?;
        submit(&state, page.actor().client.as_str(), "dispute answer", &form, answer_of, async |intent| state.registry.answer_dispute(page.actor(), &id, outcome, &answer, intent).await).await
    };
    match answered.await {
        Ok(_) => Ok(see_other("/console/disputes")),
        Err(problem) if problem.status().is_client_error() => disputes_page(&state, &page, problem.status(), &DisputesQuery::default(), &Said::refused(&problem, page.reader.language)).await,
        Err(problem) => Err(problem),
    }
}
