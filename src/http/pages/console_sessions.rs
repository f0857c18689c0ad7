//! The console of assessment bodies: sessions, candidates and scores from a table, publication, and the issue with its progress.

use super::bulk::media_type_of;
use super::forms::Form;
use super::own::PlaceQuery;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::assessment::{AssessorGrade, PanelMember, Score};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{JobId, SessionId};
use crate::domain::level::SkillLevel;
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::domain::rule::Violation;
use crate::http::AppState;
use crate::http::assessments::{SessionDocument, parse_table};
use crate::http::body::Body;
use crate::http::fields::Fields;
use crate::http::jobs::{JobDocument, JobRowDocument};
use crate::http::organisations::path_id;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::{kept, read};
use crate::services::assessments::{SessionOrder, parse_candidates};
use crate::services::results::parse_results;
use crate::table::Format;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config
        .service(show_sessions)
        .service(register_session)
        .service(show_session)
        .service(upload_candidates)
        .service(upload_results)
        .service(publish_results)
        .service(issue_certificates)
        .service(show_job)
        .service(read_job);
}

/// Edition of the classification that the form means.
const EDITION: &str = "2022";
/// Members of a panel that the form has room for.
const PANEL: [&str; 5] = ["1", "2", "3", "4", "5"];

async fn sessions_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, form: Option<&Form>, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_sessions(page.actor(), window.after.clone(), window.fetch()).await?;
    let listed = window.page(rows, |row| row.id.clone(), |row| SessionDocument::new(&row, None, None));
    let fields = ["occupation_code", "level", "held_on", "site", "ability"].map(str::to_owned).into_iter().chain(PANEL.map(|place| format!("card_{place}")));
    let given: serde_json::Map<String, Value> = fields.map(|name| (name.clone(), json!(form.map_or("", |form| form.text(&name))))).collect();
    let levels: Vec<&str> = SkillLevel::ALL.iter().map(|level| level.as_str()).collect();
    page.reader.page(status, "console-sessions.html", json!({ "sessions": listed.items, "next_cursor": listed.next_cursor, "levels": levels, "given": given, "panel": PANEL, "today": state.registry.clock.today(), "problem": problem }))
}

/// Sessions, and a form for a new one.
#[get("/console/sessions")]
pub async fn show_sessions(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    sessions_page(&state, &page, StatusCode::OK, &query, None, None).await
}

fn session_order(form: &Form) -> Result<SessionOrder, Problem> {
    let mut fields = Fields::default();
    let ability = fields.text_opt("ability", form.given("ability").as_deref(), 60);
    let kind = if ability.is_some() { CertificateKind::SpecificAbility } else { CertificateKind::SkillLevel };
    let code: Option<OccupationCode> = fields.parse_opt("occupation_code", form.given("occupation_code").as_deref());
    let level = fields.parse_opt("level", form.given("level").as_deref());
    let held_on = fields.date("held_on", form.text("held_on"));
    let site = fields.text_opt("site", form.given("site").as_deref(), 100);
    let mut panel = Vec::new();
    for place in PANEL {
        let Some(card) = form.given(&format!("card_{place}")) else { continue };
        let card_number = fields.text(&format!("card_{place}"), &card, 40);
        let grade: Option<AssessorGrade> = fields.parse(&format!("grade_{place}"), form.text(&format!("grade_{place}")));
        panel.extend(card_number.zip(grade).map(|(card_number, grade)| PanelMember { card_number, grade }));
    }
    fields.count("panel", panel.len(), 1, PANEL.len());
    fields.finish()?;
    let occupation = code.map(|code| Occupation { edition: EDITION.to_owned(), code });
    Ok(SessionOrder { kind, occupation, job_type: None, level, ability, held_on: held_on.expect(Fields::PARSED), site, panel, quality_supervisor_card: None })
}

/// Register a session.
#[post("/console/sessions")]
pub async fn register_session(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let registered = async {
        let order = session_order(&form)?;
        submit(&state, page.actor().client.as_str(), "session", &form, |view: &crate::services::assessments::SessionView| kept(StatusCode::CREATED, Some(format!("/console/sessions/{}", view.row.id)), &json!({})), async |intent| state.registry.register_session(page.actor(), order.clone(), intent).await).await
    };
    match registered.await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console/sessions"))),
        Err(problem) if problem.status().is_client_error() => sessions_page(&state, &page, problem.status(), &PlaceQuery { cursor: None }, Some(&form), Some(problem.document(page.reader.language, ""))).await,
        Err(problem) => Err(problem),
    }
}

async fn session_page(state: &AppState, page: &ConsolePage, status: StatusCode, id: &SessionId, query: &PlaceQuery, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let view = state.registry.get_session(page.actor(), id).await?;
    let rows = state.registry.list_candidates(page.actor(), id, window.after.clone(), window.fetch()).await?;
    let score = |tenths: Option<i32>| tenths.and_then(Score::from_tenths).map(|score| score.to_string());
    let listed = window.page(
        rows,
        |row| row.candidate.worker_id.clone(),
        |row| {
            let part = |of: fn(&crate::store::assessments::ScoreRow) -> Option<i32>| row.scores.as_ref().and_then(|scores| score(of(scores)));
            json!({ "worker_id": row.candidate.worker_id, "employment": row.candidate.employment, "theory": part(|s| s.theory_tenths), "practical": part(|s| s.practical_tenths), "comprehensive": part(|s| s.comprehensive_tenths), "certificate_id": row.certificate_id })
        },
    );
    let session = SessionDocument::new(&view.row, view.publication.as_ref(), Some(view.candidates));
    let is_over = view.publication.as_ref().is_some_and(|publication| publication.notice_ends_on < state.registry.clock.today());
    page.reader.at(format!("/console/sessions/{id}")).page(status, "console-session.html", json!({ "session": session, "candidates": listed.items, "next_cursor": listed.next_cursor, "notice_is_over": is_over, "problem": problem }))
}

/// A session with its candidates and what is to be done next.
#[get("/console/sessions/{session_id}")]
pub async fn show_session(state: Data<AppState>, page: ConsolePage, id: Path<String>, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    session_page(&state, &page, StatusCode::OK, &path_id(&id)?, &query, None).await
}

/// Back to the session, or the session with what is wrong.
async fn back_to_session(state: &AppState, page: &ConsolePage, id: &SessionId, done: Result<(), Problem>) -> Result<HttpResponse, Problem> {
    match done {
        Ok(()) => Ok(see_other(&format!("/console/sessions/{id}"))),
        Err(problem) if problem.status().is_client_error() => session_page(state, page, problem.status(), id, &PlaceQuery { cursor: None }, Some(problem.document(page.reader.language, ""))).await,
        Err(problem) => Err(problem),
    }
}

/// The table in a form's file, as the API would have been sent it.
async fn table_of<T: Send + 'static>(form: &Form, parse: fn(Format, &[u8]) -> Result<Vec<T>, Vec<Violation>>) -> Result<Vec<T>, Problem> {
    let file = form.file("file").ok_or_else(|| Problem::invalid("file", "a file expected", "请选择文件"))?;
    let media_type = media_type_of(&file.name).ok_or_else(|| Problem::invalid("file", "a file that ends in .csv or .xlsx expected", "应为 .csv 或 .xlsx 文件"))?;
    parse_table(&Body { media_type: media_type.to_owned(), bytes: file.bytes.clone().into() }, parse).await
}

/// Add the candidates of a table: all of them, or none and every fault.
#[post("/console/sessions/{session_id}/candidates")]
pub async fn upload_candidates(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: SessionId = path_id(&id)?;
    let added = async {
        let orders = table_of(&form, parse_candidates).await?;
        submit(&state, page.actor().client.as_str(), "candidates", &form, |_| kept(StatusCode::OK, None, &json!({})), async |intent| state.registry.add_candidates(page.actor(), &id, orders.clone(), intent).await).await.map(drop)
    };
    let added = added.await;
    back_to_session(&state, &page, &id, added).await
}

/// Record the scores of a table: all of them, or none and every fault.
#[post("/console/sessions/{session_id}/results")]
pub async fn upload_results(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: SessionId = path_id(&id)?;
    let recorded = async {
        let orders = table_of(&form, parse_results).await?;
        submit(&state, page.actor().client.as_str(), "results", &form, |_| kept(StatusCode::OK, None, &json!({})), async |intent| state.registry.record_results(page.actor(), &id, orders.clone(), form.given("reason"), intent).await).await.map(drop)
    };
    let recorded = recorded.await;
    back_to_session(&state, &page, &id, recorded).await
}

/// Publish the results, which begins the public notice.
#[post("/console/sessions/{session_id}/publication")]
pub async fn publish_results(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: SessionId = path_id(&id)?;
    let published = submit(&state, page.actor().client.as_str(), "publication", &form, |_| kept(StatusCode::CREATED, None, &json!({})), async |intent| state.registry.publish_results(page.actor(), &id, intent).await).await.map(drop);
    back_to_session(&state, &page, &id, published).await
}

/// Issue to everybody who passed, or only ask the rules.
#[post("/console/sessions/{session_id}/certificates")]
pub async fn issue_certificates(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: SessionId = path_id(&id)?;
    let is_dry_run = form.text("dry_run") == "yes";
    let started = submit(&state, page.actor().client.as_str(), "issue", &form, |row: &crate::store::jobs::JobRow| kept(StatusCode::ACCEPTED, Some(format!("/console/jobs/{}", row.id)), &json!({})), async |intent| state.registry.start_session_issue(page.actor(), &id, is_dry_run, intent).await).await;
    match started {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console/sessions"))),
        Err(problem) => back_to_session(&state, &page, &id, Err(problem)).await,
    }
}

/// A job with its progress; the page may be left and opened again.
#[get("/console/jobs/{job_id}")]
pub async fn show_job(state: Data<AppState>, page: ConsolePage, id: Path<String>, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    let id: JobId = path_id(&id)?;
    let window = query.page().window()?;
    let after = window.after.as_deref().map_or(Some(0), |text| text.parse().ok()).ok_or_else(crate::http::page::PageQuery::wrong_cursor)?;
    let job = state.registry.find_job(page.actor(), id.as_str()).await?;
    let rows = state.registry.list_job_rows(page.actor(), id.as_str(), after, window.fetch()).await?;
    let language = page.reader.language;
    let listed = window.page(rows, |row| row.row_number.to_string(), |row| JobRowDocument::new(&row, language));
    page.reader.page(StatusCode::OK, "console-job.html", json!({ "job": JobDocument::new(&job), "rows": listed.items, "next_cursor": listed.next_cursor }))
}

/// A job's progress for the script of its page.
#[get("/console/jobs/{job_id}/progress")]
pub async fn read_job(state: Data<AppState>, request: HttpRequest, page: ConsolePage, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: JobId = path_id(&id)?;
    Ok(read(&request, &JobDocument::new(&state.registry.find_job(page.actor(), id.as_str()).await?)))
}
