//! The console of assessment bodies: sessions, candidates and scores from a table, publication, and the issue with its progress.

use super::console_tables::{Said, answered, is_dry_run, table_of};
use super::forms::Form;
use super::own::PlaceQuery;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::assessment::{AssessorGrade, PanelMember, Score};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{JobId, SessionId};
use crate::domain::level::SkillLevel;
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::assessments::{SessionDocument, in_rows};
use crate::http::fields::Fields;
use crate::http::jobs::{JobDocument, JobRowDocument};
use crate::http::organisations::path_id;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::{kept, read};
use crate::services::assessments::{CANDIDATES, SessionOrder, parse_candidates};
use crate::services::intent::Intent;
use crate::services::results::{RESULTS, RecordedResults, parse_results};
use crate::store::assessments::SessionRow;
use crate::store::stretch::ListOrder;
use crate::table::Shape;
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

/// A session with what people call it: the ability, or the occupation by its name on that day.
fn titled(state: &AppState, row: &SessionRow, session: &SessionDocument) -> Value {
    let mut shown = serde_json::to_value(session).unwrap_or_default();
    let code: Option<OccupationCode> = row.occupation_code.as_deref().and_then(|code| code.parse().ok());
    let occupation = row.occupation_edition.clone().zip(code).map(|(edition, code)| Occupation { edition, code });
    let named = occupation.and_then(|occupation| state.registry.catalogue().find_occupation_name(&occupation, row.held_on));
    shown["title"] = json!(row.ability.clone().or(named).or_else(|| session.occupation_code.clone()));
    shown
}

async fn sessions_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, form: Option<&Form>, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_sessions(page.actor(), window.of(ListOrder::NewestFirst)).await?;
    let listed = window.page(rows, |row| row.id.clone(), |row| titled(state, &row, &SessionDocument::new(&row, None, None)));
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

async fn session_page(state: &AppState, page: &ConsolePage, status: StatusCode, id: &SessionId, query: &PlaceQuery, said: Said) -> Result<HttpResponse, Problem> {
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
    let ids = listed.items.iter().filter_map(|candidate| candidate["worker_id"].as_str().map(str::to_owned)).collect();
    let names = state.registry.masked_names(page.actor(), ids).await?;
    let session = titled(state, &view.row, &SessionDocument::new(&view.row, view.publication.as_ref(), Some(view.candidates)));
    let is_over = view.publication.as_ref().is_some_and(|publication| publication.notice_ends_on < state.registry.clock.today());
    page.reader.at(format!("/console/sessions/{id}")).page(status, "console-session.html", json!({ "session": session, "candidates": listed.items, "names": names, "next_cursor": listed.next_cursor, "notice_is_over": is_over, "said": said }))
}

/// A session with its candidates and what is to be done next.
#[get("/console/sessions/{session_id}")]
pub async fn show_session(state: Data<AppState>, page: ConsolePage, id: Path<String>, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    session_page(&state, &page, StatusCode::OK, &path_id(&id)?, &query, Said::default()).await
}

/// Back to the session, or the session with what is wrong.
async fn back_to_session(state: &AppState, page: &ConsolePage, id: &SessionId, done: Result<(), Problem>) -> Result<HttpResponse, Problem> {
    match done {
        Ok(()) => Ok(see_other(&format!("/console/sessions/{id}"))),
        Err(problem) if problem.status().is_client_error() => {
            session_page(state, page, problem.status(), id, &PlaceQuery { cursor: None }, Said::refused(&problem, page.reader.language)).await
        }
        Err(problem) => Err(problem),
    }
}

/// The session's page after a table was sent: `done` tells of a dry run what it found.
async fn after_table(state: &AppState, page: &ConsolePage, id: &SessionId, form: &Form, shape: &'static Shape, done: Result<Option<Text>, Problem>) -> Result<HttpResponse, Problem> {
    match done {
        Ok(Some(found)) => session_page(state, page, StatusCode::OK, id, &PlaceQuery { cursor: None }, Said { checked: Some(page.reader.say(&found)), ..Said::default() }).await,
        Err(problem) if problem.status().is_client_error() => {
            let said = Said::faulty_table(problem.document(page.reader.language, ""), form, shape, page.reader.language).await;
            session_page(state, page, problem.status(), id, &PlaceQuery { cursor: None }, said).await
        }
        done => back_to_session(state, page, id, done.map(drop)).await,
    }
}

/// Add the candidates of a table: all of them, or none and every fault.
#[post("/console/sessions/{session_id}/candidates")]
pub async fn upload_candidates(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: SessionId = path_id(&id)?;
    let added = async {
        let (orders, rows) = table_of(&form, parse_candidates).await?.split();
        let add = async |intent: &Intent<(i64, i64)>| state.registry.add_candidates(page.actor(), &id, &orders, is_dry_run(&form), intent).await.map_err(|error| in_rows(error, &rows));
        let answer = submit(&state, page.actor().client.as_str(), "candidates", &form, |counts| kept(StatusCode::OK, None, counts), add).await?;
        let (added, total): (i64, i64) = answered(&answer)?;
        Ok(is_dry_run(&form).then(|| Text::new(format!("nothing is wrong: {added} would be added, {total} candidates in all"), format!("检查通过：将新增 {added} 名，共 {total} 名考生"))))
    };
    let added = added.await;
    after_table(&state, &page, &id, &form, &CANDIDATES, added).await
}

/// Record the scores of a table: all of them, or none and every fault.
#[post("/console/sessions/{session_id}/results")]
pub async fn upload_results(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: SessionId = path_id(&id)?;
    let recorded = async {
        let (orders, rows) = table_of(&form, parse_results).await?.split();
        let reason = form.given("reason");
        let record = async |intent: &Intent<RecordedResults>| state.registry.record_results(page.actor(), &id, &orders, reason.as_deref(), is_dry_run(&form), intent).await.map_err(|error| in_rows(error, &rows));
        let answer = submit(&state, page.actor().client.as_str(), "results", &form, |counts: &RecordedResults| kept(StatusCode::OK, None, &(counts.recorded, counts.unchanged)), record).await?;
        let (recorded, unchanged): (usize, usize) = answered(&answer)?;
        Ok(is_dry_run(&form).then(|| Text::new(format!("nothing is wrong: {recorded} would be recorded, {unchanged} are recorded already"), format!("检查通过：将登记 {recorded} 条，{unchanged} 条已登记过"))))
    };
    let recorded = recorded.await;
    after_table(&state, &page, &id, &form, &RESULTS, recorded).await
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
    let is_dry_run = is_dry_run(&form);
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
