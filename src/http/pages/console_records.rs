//! A worker's record for those who may look at it, and for the registrar two records of one person, joined and parted again. Whoever
//! looks at a record leaves a trace that the worker sees.

use super::console_tables::{Said, answered, is_dry_run};
use super::console_workers::{Shown, worker_page};
use super::own::{PlaceQuery, named_entries};
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::{Act, authorise};
use crate::domain::id::{MergeId, WorkerId};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::fields::reason_of;
use crate::http::merges::{MergeDocument, MergeRequest, merge_order};
use crate::http::organisations::path_id;
use crate::http::problem::{Problem, ViolationDocument};
use crate::http::records::{page_of, place_of};
use crate::http::reply::kept;
use crate::services::merges::MergeView;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use serde_json::json;

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_record).service(merge_workers).service(undo_merge);
}

/// The record as a timeline; the look is recorded.
#[get("/console/workers/{worker_id}/record")]
pub async fn show_record(state: Data<AppState>, page: ConsolePage, id: Path<String>, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let (id, window): (WorkerId, _) = (path_id(&id)?, query.page().window()?);
    let behind = place_of(window.after.as_deref())?;
    let listed = page_of(state.registry.list_record(page.actor(), &id, behind, window.fetch()).await?, &window, behind);
    let entries = named_entries(&state.registry, listed.items).await?;
    let reader = if authorise(page.actor(), Act::RecordCompetition).is_ok() { "registrar" } else { "console" };
    page.reader.page(StatusCode::OK, "console-record.html", json!({ "reader": reader, "worker_id": id.as_str(), "entries": entries, "next_cursor": listed.next_cursor, "is_first": query.cursor.is_none() }))
}

/// The record that is meant by its identifier or by the number of a document.
async fn meant(state: &AppState, page: &ConsolePage, text: &str) -> Result<String, Problem> {
    if text.starts_with("wkr_") {
        return Ok(text.to_owned());
    }
    match state.registry.search_workers(page.actor(), text).await?.as_slice() {
        [one] => Ok(one.worker.id.to_string()),
        [] => Err(Problem::invalid("merged_worker_id", "no worker has a document of this number", "没有使用该证件号码的劳动者")),
        several => Err(Problem::invalid("merged_worker_id", format!("{} workers have documents of this number; give the identifier of the record", several.len()), format!("有 {} 名劳动者使用该号码，请填写档案编号", several.len()))),
    }
}

/// What a join was found to be.
#[derive(Deserialize)]
struct Tried {
    merged_worker_id: String,
    warnings: Vec<ViolationDocument>,
}

/// Join another record of the same person to this one, or only tell what speaks against it.
#[post("/console/workers/{worker_id}/merges")]
pub async fn merge_workers(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let (id, language): (WorkerId, _) = (path_id(&id)?, page.reader.language);
    let joined = async {
        let merged_worker_id = meant(&state, &page, form.text("merged_worker_id")).await?;
        let order = merge_order(id.clone(), &MergeRequest { merged_worker_id, reason: form.text("reason").to_owned(), decision_document: form.given("decision_document") })?;
        let render = move |view: &MergeView| kept(StatusCode::OK, None, &MergeDocument::new(view, language));
        let answer = submit(&state, page.actor().client.as_str(), "merge", &form, render, async |intent| state.registry.merge_workers(page.actor(), &order, is_dry_run(&form), intent).await).await?;
        answered::<Tried>(&answer)
    };
    match joined.await {
        Ok(_) if !is_dry_run(&form) => Ok(see_other(&format!("/console/workers/{id}"))),
        Ok(tried) => {
            let found = match tried.warnings.as_slice() {
                [] => page.reader.say(&Text::new("Nothing speaks against it.", "未发现疑点。")),
                warnings => warnings.iter().map(|warning| warning.detail.as_str()).collect::<Vec<_>>().join(" · "),
            };
            let about = page.reader.say(&Text::new(format!("{} would be joined to this record. {found}", tried.merged_worker_id), format!("将把 {} 并入本档案。{found}", tried.merged_worker_id)));
            worker_page(&state, &page, StatusCode::OK, &id, &Said { checked: Some(about), ..Said::default() }, Shown::again(&form)).await
        }
        Err(problem) if problem.status().is_client_error() => worker_page(&state, &page, problem.status(), &id, &Said::refused(&problem, language), Shown::again(&form)).await,
        Err(problem) => Err(problem),
    }
}

/// Part two records again.
#[post("/console/workers/{worker_id}/merges/{merge_id}/undo")]
pub async fn undo_merge(state: Data<AppState>, sent: ConsoleForm, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let (id, merge): (WorkerId, MergeId) = (path_id(&path.0)?, path_id(&path.1)?);
    let parted = async {
        let reason = reason_of(form.text("reason"))?;
        submit(&state, page.actor().client.as_str(), "merge undone", &form, |_: &MergeView| kept(StatusCode::OK, None, &json!({})), async |intent| state.registry.undo_merge(page.actor(), &id, &merge, &reason, intent).await).await
    };
    match parted.await {
        Ok(_) => Ok(see_other(&format!("/console/workers/{id}"))),
        Err(problem) if problem.status().is_client_error() => worker_page(&state, &page, problem.status(), &id, &Said::refused(&problem, page.reader.language), Shown::default()).await,
        Err(problem) => Err(problem),
    }
}
