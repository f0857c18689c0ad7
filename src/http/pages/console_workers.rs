//! Workers for those who register them: found by a document number, registered one by one or from a table, given the code by which they
//! sign in. Names and numbers are masked (PR-2); what is typed goes by forms, never by addresses.

use super::console_tables::{Said, answered, body_of, is_dry_run, refused_rows};
use super::forms::Form;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::{Act, authorise};
use crate::domain::competition::CompetitionLevel;
use crate::domain::document::IdDocumentType;
use crate::domain::id::WorkerId;
use crate::domain::person_name::PersonName;
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::fields::Fields;
use crate::http::merges::MergeDocument;
use crate::http::organisations::path_id;
use crate::http::problem::Problem;
use crate::http::reply::{instant_of, kept};
use crate::http::workers::{DocumentRequest, WorkerDocument, parse_document};
use crate::services::error::Error;
use crate::http::worker_lists::{WorkerListAnswer, read_workers, worker_list_answer};
use crate::services::worker_access::NewAccessCode;
use crate::services::worker_rows::WORKERS;
use crate::services::workers::WorkerView;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_workers).service(search_workers).service(register_worker).service(upload_workers).service(show_worker).service(add_document).service(make_access_code);
}

fn document_types() -> Vec<&'static str> {
    IdDocumentType::ALL.iter().map(|kind| kind.as_str()).collect()
}

/// Finding and registering; `found` tells of a search what it found.
fn workers_page(page: &ConsolePage, status: StatusCode, said: &Said, found: Option<&[WorkerDocument]>) -> Result<HttpResponse, Problem> {
    authorise(page.actor(), Act::ReadWorker).map_err(Error::from)?;
    let may_register = authorise(page.actor(), Act::RegisterWorker).is_ok();
    page.reader.at("/console/workers".to_owned()).page(status, "console-workers.html", json!({ "said": said, "found": found, "document_types": document_types(), "may_register": may_register }))
}

/// Where workers are found and registered.
#[get("/console/workers")]
pub async fn show_workers(page: ConsolePage) -> Result<HttpResponse, Problem> {
    workers_page(&page, StatusCode::OK, &Said::default(), None)
}

/// Find a worker by a document number.
#[post("/console/workers/search")]
pub async fn search_workers(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let page = sent.page;
    match state.registry.search_workers(page.actor(), sent.form.text("document_number")).await.map_err(Problem::from) {
        Ok(views) => {
            let found: Vec<WorkerDocument> = views.iter().map(|view| WorkerDocument::new(view, page.reader.language)).collect();
            workers_page(&page, StatusCode::OK, &Said::default(), Some(&found))
        }
        Err(problem) if problem.status().is_client_error() => workers_page(&page, problem.status(), &Said::refused(&problem, page.reader.language), None),
        Err(problem) => Err(problem),
    }
}

fn document_request(form: &Form) -> DocumentRequest {
    DocumentRequest { document_type: form.text("document_type").to_owned(), document_number: form.text("document_number").to_owned(), country: form.given("country") }
}

/// Register a worker; one whose document is known is found again.
#[post("/console/workers")]
pub async fn register_worker(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let registered = async {
        let mut fields = Fields::default();
        let name: Option<PersonName> = fields.parse("name", form.text("name"));
        let document = parse_document(&mut fields, "document", &document_request(&form), state.registry.clock.today());
        fields.finish()?;
        let (name, document) = (name.expect(Fields::PARSED), document.expect(Fields::PARSED));
        let render = |view: &WorkerView| kept(StatusCode::OK, Some(format!("/console/workers/{}", view.worker.id)), &json!({}));
        submit(&state, page.actor().client.as_str(), "worker", &form, render, async |intent| state.registry.register_worker(page.actor(), name.clone(), vec![document.clone()], intent).await).await
    };
    match registered.await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console/workers"))),
        Err(problem) if problem.status().is_client_error() => workers_page(&page, problem.status(), &Said::refused(&problem, page.reader.language), None),
        Err(problem) => Err(problem),
    }
}

/// Register the workers of a table: good rows are taken, the others named and marked in the table that can be taken back.
#[post("/console/workers/lists")]
pub async fn upload_workers(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let language = page.reader.language;
    let registered = async {
        let orders = read_workers(&body_of(&form)?, state.registry.clock.today()).await?;
        let answer = submit(&state, page.actor().client.as_str(), "workers", &form, worker_list_answer(language), async |intent| state.registry.register_workers(page.actor(), orders, is_dry_run(&form), intent).await).await?;
        answered::<WorkerListAnswer>(&answer)
    };
    match registered.await {
        Ok(WorkerListAnswer { registered, known, refused, rows }) => {
            let refused_ones: Vec<_> = rows.into_iter().filter(|row| !row.violations.is_empty()).map(|row| (row.row, row.violations)).collect();
            let mut said = if refused_ones.is_empty() { Said::default() } else { Said::faulty_table(refused_rows(refused_ones, language), &form, &WORKERS, language).await };
            let counts = if is_dry_run(&form) {
                Text::new(format!("{registered} would be registered, {known} are known already, {refused} would be refused"), format!("将登记 {registered} 人，{known} 人已有档案，{refused} 行不予登记"))
            } else {
                Text::new(format!("{registered} registered, {known} were known already, {refused} refused"), format!("新登记 {registered} 人，{known} 人已有档案，{refused} 行不予登记"))
            };
            *if is_dry_run(&form) { &mut said.checked } else { &mut said.done } = Some(page.reader.say(&counts));
            workers_page(&page, StatusCode::OK, &said, None)
        }
        Err(problem) if problem.status().is_client_error() => {
            let said = Said::faulty_table(problem.document(language, ""), &form, &WORKERS, language).await;
            workers_page(&page, problem.status(), &said, None)
        }
        Err(problem) => Err(problem),
    }
}

/// Fields of forms that are shown again.
const GIVEN: [&str; 9] = ["merged_worker_id", "reason", "decision_document", "competition", "competition_level", "event", "occupation_code", "place", "held_on"];

/// What the page of a worker shows besides the worker.
#[derive(Default)]
pub struct Shown<'a> {
    /// A code that was just made.
    pub code: Option<Value>,
    /// A form that was not done with: what was typed stays, and it stands open.
    pub form: Option<&'a Form>,
}

impl<'a> Shown<'a> {
    pub fn again(form: &'a Form) -> Self {
        Shown { form: Some(form), ..Shown::default() }
    }
}

/// A worker with what the reader may do for them.
pub async fn worker_page(state: &AppState, page: &ConsolePage, status: StatusCode, id: &WorkerId, said: &Said, shown: Shown<'_>) -> Result<HttpResponse, Problem> {
    let view = state.registry.get_worker(page.actor(), id).await?;
    let worker = WorkerDocument::new(&view, page.reader.language);
    let may = |act| authorise(page.actor(), act).is_ok();
    let merges = if may(Act::MergeWorkers) { Some(state.registry.list_merges(page.actor(), id).await?.iter().map(|view| MergeDocument::new(view, page.reader.language)).collect::<Vec<_>>()) } else { None };
    let given: BTreeMap<&str, &str> = GIVEN.iter().map(|name| (*name, shown.form.map_or("", |form| form.text(name)))).collect();
    let open = shown.form.and_then(|form| form.path().rsplit('/').next()).unwrap_or_default();
    let levels: Vec<&str> = CompetitionLevel::ALL.iter().map(|level| level.as_str()).collect();
    page.reader.at(format!("/console/workers/{id}")).page(
        status,
        "console-worker.html",
        json!({
            "worker": worker, "said": said, "code": shown.code, "given": given, "open": open, "document_types": document_types(), "merges": merges, "competition_levels": levels,
            "may_register": may(Act::RegisterWorker), "may_give_code": may(Act::MakeAccessCode), "may_read_record": may(Act::ReadRecord), "may_record_competition": may(Act::RecordCompetition),
        }),
    )
}

/// A worker, masked.
#[get("/console/workers/{worker_id}")]
pub async fn show_worker(state: Data<AppState>, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    worker_page(&state, &page, StatusCode::OK, &path_id(&id)?, &Said::default(), Shown::default()).await
}

/// Add a document to a worker.
#[post("/console/workers/{worker_id}/documents")]
pub async fn add_document(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: WorkerId = path_id(&id)?;
    let added = async {
        let mut fields = Fields::default();
        let document = parse_document(&mut fields, "document", &document_request(&form), state.registry.clock.today());
        fields.finish()?;
        let document = document.expect(Fields::PARSED);
        submit(&state, page.actor().client.as_str(), "document", &form, |_: &WorkerView| kept(StatusCode::OK, None, &json!({})), async |intent| state.registry.add_document(page.actor(), &id, document.clone(), intent).await).await
    };
    match added.await {
        Ok(_) => Ok(see_other(&format!("/console/workers/{id}"))),
        Err(problem) if problem.status().is_client_error() => worker_page(&state, &page, problem.status(), &id, &Said::refused(&problem, page.reader.language), Shown::default()).await,
        Err(problem) => Err(problem),
    }
}

/// Make the code by which a worker signs in; it stands in this answer and in no other.
#[post("/console/workers/{worker_id}/access_codes")]
pub async fn make_access_code(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: WorkerId = path_id(&id)?;
    let render = |code: &NewAccessCode| kept(StatusCode::CREATED, None, &json!({ "access_code": code.code, "expires_at": instant_of(code.expires_at) }));
    match submit(&state, page.actor().client.as_str(), "access code", &form, render, async |intent| state.registry.make_access_code(page.actor(), &id, intent).await).await {
        Ok(answer) => worker_page(&state, &page, StatusCode::OK, &id, &Said::default(), Shown { code: Some(answered(&answer)?), ..Shown::default() }).await,
        Err(problem) if problem.status().is_client_error() => worker_page(&state, &page, problem.status(), &id, &Said::refused(&problem, page.reader.language), Shown::default()).await,
        Err(problem) => Err(problem),
    }
}
