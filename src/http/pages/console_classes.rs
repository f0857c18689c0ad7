//! The console of training providers: classes, trainees and attendance from a table, the closing with its working. The authority looks
//! on, and may declare a class false.

use super::console_tables::{Said, answered, body_of, is_dry_run, refused_rows, table_of};
use super::forms::Form;
use super::own::PlaceQuery;
use super::signed_in::{ConsoleForm, ConsolePage, see_other, submit};
use crate::domain::access::{Act, WRITE_TRAINING, authorise, holds_any};
use crate::domain::id::ClassId;
use crate::domain::level::SkillLevel;
use crate::domain::text::{Language, Text};
use crate::domain::training::{CLASS_MEMBERS, ClassParticulars, ClassType, HighRiskIndustry, Method, ModuleKind};
use crate::http::AppState;
use crate::http::assessments::in_rows;
use crate::http::attendance::{AttendanceAnswer, attendance_answer, read_orders};
use crate::http::fields::Fields;
use crate::http::organisations::{edition_2022, path_id};
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::reply::kept;
use crate::http::trainees::{ClosingDocument, TraineeDocument};
use crate::http::training::{AnnulmentRequest, ClassDocument, ClassRequest, ModuleDocument, annulment_order, class_order};
use crate::services::attendance::OnFault;
use crate::services::attendance_rows::ATTENDANCE;
use crate::services::closing::ClosedClass;
use crate::services::intent::Intent;
use crate::services::trainee_rows::{ASSESSMENTS, TRAINEES, parse_assessments, parse_trainees};
use crate::services::training::ClassView;
use crate::store::jobs::JobRow;
use crate::store::stretch::ListOrder;
use crate::table::Shape;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde_json::{Map, Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config
        .service(show_classes)
        .service(register_class)
        .service(show_class)
        .service(upload_trainees)
        .service(upload_attendance)
        .service(close_class)
        .service(issue_certificates)
        .service(annul_class);
}

fn may_write(page: &ConsolePage) -> bool {
    holds_any(page.actor(), WRITE_TRAINING).is_ok()
}

async fn classes_page(state: &AppState, page: &ConsolePage, status: StatusCode, query: &PlaceQuery, form: Option<&Form>, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let rows = state.registry.list_classes(page.actor(), window.of(ListOrder::NewestFirst)).await?;
    let listed = window.page(rows, |row| row.id.clone(), |row| ClassDocument::new(&row));
    let plan = ["class_type", "name", "project_code", "occupation_code", "level", "first_on", "last_on", "planned_theory_minutes", "planned_practical_minutes", "method", "site", "instructors"];
    let modules = ModuleKind::ALL.iter().flat_map(|kind| [format!("module_{}", kind.as_str()), format!("minutes_{}", kind.as_str())]);
    let fields = plan.into_iter().chain(CLASS_MEMBERS).map(str::to_owned).chain(modules);
    let given: Map<String, Value> = fields.map(|name| (name.clone(), json!(form.map_or("", |form| form.text(&name))))).collect();
    let codes = |all: &[&'static str]| json!(all);
    page.reader.page(
        status,
        "console-classes.html",
        json!({
            "classes": listed.items, "next_cursor": listed.next_cursor, "may_write": may_write(page), "given": given, "problem": problem,
            "types": codes(&ClassType::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
            "levels": codes(&SkillLevel::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
            "methods": codes(&Method::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
            "modules": codes(&ModuleKind::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
            "industries": codes(&HighRiskIndustry::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>()),
            "members": CLASS_MEMBERS.map(|member| json!({ "name": member, "types": ClassType::ALL.iter().filter(|one| one.asks_for(member)).map(|one| one.as_str()).collect::<Vec<_>>() })),
            "hour_minutes": state.registry.catalogue().training_rules_on(state.registry.clock.today()).class_hour_minutes,
        }),
    )
}

/// Classes, and for a provider a form for a new one.
#[get("/console/classes")]
pub async fn show_classes(state: Data<AppState>, page: ConsolePage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    classes_page(&state, &page, StatusCode::OK, &query, None, None).await
}

/// A whole number in a field; an empty one is none.
fn number<T: std::str::FromStr>(fields: &mut Fields, form: &Form, name: &str) -> Option<T> {
    let text = form.given(name)?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        fields.fault(name, "a whole number expected", "应为整数");
    }
    parsed
}

fn class_request(form: &Form) -> Result<ClassRequest, Problem> {
    let mut fields = Fields::default();
    let mut modules = Vec::new();
    for kind in ModuleKind::ALL {
        let name = form.given(&format!("module_{}", kind.as_str()));
        let minutes = number(&mut fields, form, &format!("minutes_{}", kind.as_str()));
        if name.is_some() || minutes.is_some() {
            modules.push(ModuleDocument { kind: kind.as_str().to_owned(), name: name.unwrap_or_default(), minutes: minutes.unwrap_or(0) });
        }
    }
    let request = ClassRequest {
        class_type: form.text("class_type").to_owned(),
        name: form.text("name").to_owned(),
        project_code: form.given("project_code"),
        occupation_code: form.given("occupation_code"),
        occupation_edition: edition_2022(),
        level: form.given("level"),
        first_on: form.text("first_on").to_owned(),
        last_on: form.text("last_on").to_owned(),
        planned_theory_minutes: number(&mut fields, form, "planned_theory_minutes").unwrap_or(0),
        planned_practical_minutes: number(&mut fields, form, "planned_practical_minutes").unwrap_or(0),
        method: form.text("method").to_owned(),
        site: form.given("site"),
        modules,
        instructors: form.text("instructors").split([',', '，', '、', ' ']).map(str::trim).filter(|card| !card.is_empty()).map(str::to_owned).collect(),
        particulars: ClassParticulars {
            employer_code: form.given("employer_code"),
            user_enterprise_code: form.given("user_enterprise_code"),
            programme: form.given("programme"),
            months: number(&mut fields, form, "months"),
            industry: form.given("industry"),
            contract_number: form.given("contract_number"),
            price_fen: number(&mut fields, form, "price_fen"),
            advance_fen: number(&mut fields, form, "advance_fen"),
            placement_base_code: form.given("placement_base_code"),
            category: form.given("category"),
            department: form.given("department"),
        },
    };
    fields.finish()?;
    Ok(request)
}

/// Register a class.
#[post("/console/classes")]
pub async fn register_class(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let registered = async {
        let order = class_order(class_request(&form)?)?;
        let render = |view: &ClassView| kept(StatusCode::CREATED, Some(format!("/console/classes/{}", view.row.id)), &json!({}));
        submit(&state, page.actor().client.as_str(), "class", &form, render, async |intent| state.registry.register_class(page.actor(), order.clone(), intent).await).await
    };
    match registered.await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console/classes"))),
        Err(problem) if problem.status().is_client_error() => classes_page(&state, &page, problem.status(), &PlaceQuery { cursor: None }, Some(&form), Some(problem.document(page.reader.language, ""))).await,
        Err(problem) => Err(problem),
    }
}

/// What a closing that was only tried would give.
type Preview = Option<Value>;

/// Trainees of a preview that the page shows; it says so when there are more.
const PREVIEW_MAX: usize = 200;

async fn class_page(state: &AppState, page: &ConsolePage, status: StatusCode, id: &ClassId, query: &PlaceQuery, (said, preview): (Said, Preview)) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let view = state.registry.get_class(page.actor(), id).await?;
    let rows = state.registry.list_trainees(page.actor(), id, window.after.clone(), window.fetch()).await?;
    let listed = window.page(rows, |(row, _)| row.worker_id.clone(), TraineeDocument::new);
    let previewed = preview.iter().flat_map(|preview| preview["results"].as_array().into_iter().flatten()).take(PREVIEW_MAX).filter_map(|result| result["worker_id"].as_str().map(str::to_owned));
    let names = state.registry.masked_names(page.actor(), listed.items.iter().map(|trainee| trainee.worker_id.clone()).chain(previewed).collect()).await?;
    let row = &view.row;
    let rules = state.registry.catalogue().training_rules_on(row.first_on);
    let today = state.registry.clock.today();
    page.reader.at(format!("/console/classes/{id}")).page(
        status,
        "console-class.html",
        json!({
            "class": ClassDocument::of_view(&view, page.reader.language), "provider": state.registry.organisation_name(&path_id(&row.organisation_id)?).await?,
            "annulment": view.annulment.as_ref().map(|annulment| json!({ "reason": annulment.reason, "decision_document": annulment.decision_document })),
            "planned_hours": rules.hours_of(row.planned_theory_minutes + row.planned_practical_minutes), "has_begun": today >= row.first_on, "is_over": today >= row.last_on,
            "trainees": listed.items, "names": names, "next_cursor": listed.next_cursor, "said": said, "preview": preview, "preview_max": PREVIEW_MAX,
            "may_write": may_write(page) && view.closing.is_none() && view.annulment.is_none(), "may_issue": may_write(page) && view.closing.as_ref().is_some_and(|closing| closing.completed > 0) && view.annulment.is_none(), "may_annul": authorise(page.actor(), Act::AnnulClass).is_ok() && view.annulment.is_none(),
        }),
    )
}

/// A class with its trainees and what is to be done next.
#[get("/console/classes/{class_id}")]
pub async fn show_class(state: Data<AppState>, page: ConsolePage, id: Path<String>, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    class_page(&state, &page, StatusCode::OK, &path_id(&id)?, &query, (Said::default(), None)).await
}

const FIRST: PlaceQuery = PlaceQuery { cursor: None };

/// The class after something was sent: what was done or found, or what is wrong, in a table row by row.
async fn after(state: &AppState, page: &ConsolePage, id: &ClassId, form: &Form, shape: &'static Shape, done: Result<(Said, Preview), Problem>) -> Result<HttpResponse, Problem> {
    match done {
        Ok(shown) => class_page(state, page, StatusCode::OK, id, &FIRST, shown).await,
        Err(problem) if problem.status().is_client_error() => {
            let said = Said::faulty_table(problem.document(page.reader.language, ""), form, shape, page.reader.language).await;
            class_page(state, page, problem.status(), id, &FIRST, (said, None)).await
        }
        Err(problem) => Err(problem),
    }
}

/// Put the workers of a table on the list of a class: all of them, or none and every fault.
#[post("/console/classes/{class_id}/enrolments")]
pub async fn upload_trainees(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: ClassId = path_id(&id)?;
    let enrolled = async {
        let (orders, rows) = table_of(&form, parse_trainees).await?.split();
        let reason = form.given("reason");
        let enrol = async |intent: &Intent<(i64, i64)>| state.registry.enrol_trainees(page.actor(), &id, &orders, reason.as_deref(), is_dry_run(&form), intent).await.map_err(|error| in_rows(error, &rows));
        let answer = submit(&state, page.actor().client.as_str(), "trainees", &form, |counts| kept(StatusCode::OK, None, counts), enrol).await?;
        let (added, total): (i64, i64) = answered(&answer)?;
        let say = |text: Text| Some(page.reader.say(&text));
        Ok((if is_dry_run(&form) {
            Said { checked: say(Text::new(format!("nothing is wrong: {added} would be added, {total} trainees in all"), format!("检查通过：将新增 {added} 名，共 {total} 名学员"))), ..Said::default() }
        } else {
            Said { done: say(Text::new(format!("{added} added, {total} trainees in all"), format!("已新增 {added} 名，共 {total} 名学员"))), ..Said::default() }
        }, None))
    };
    let enrolled = enrolled.await;
    after(&state, &page, &id, &form, &TRAINEES, enrolled).await
}

/// What became of an upload of attendance; its refused rows are named, and marked in the table that can be taken back.
async fn said_of_attendance(answer: AttendanceAnswer, form: &Form, language: Language) -> Said {
    let AttendanceAnswer { recorded, unchanged, refused, rows } = answer;
    let counts = if is_dry_run(form) {
        Text::new(format!("{recorded} would be recorded, {unchanged} are recorded already, {refused} would be refused"), format!("将登记 {recorded} 条，{unchanged} 条已登记过，{refused} 条不予登记"))
    } else {
        Text::new(format!("{recorded} recorded, {unchanged} were recorded already, {refused} refused"), format!("已登记 {recorded} 条，{unchanged} 条此前已登记，{refused} 条不予登记"))
    };
    let counts = counts.in_language(language).to_owned();
    let mut said = if rows.is_empty() { Said::default() } else { Said::faulty_table(refused_rows(rows.into_iter().map(|row| (row.row, row.violations)).collect(), language), form, &ATTENDANCE, language).await };
    *if is_dry_run(form) { &mut said.checked } else { &mut said.done } = Some(counts);
    said
}

/// Record the attendance of a table: good rows stay, or all or none if so wanted.
#[post("/console/classes/{class_id}/attendance")]
pub async fn upload_attendance(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: ClassId = path_id(&id)?;
    let recorded = async {
        let orders = read_orders(&body_of(&form)?).await?;
        let on_fault = match (is_dry_run(&form), form.text("on_fault")) {
            (true, _) => OnFault::RecordNothing,
            (false, "refuse_all") => OnFault::RefuseAll,
            (false, _) => OnFault::KeepGoodRows,
        };
        let render = attendance_answer(page.reader.language);
        let answer = submit(&state, page.actor().client.as_str(), "attendance", &form, render, async |intent| state.registry.record_attendance(page.actor(), &id, orders, on_fault, intent).await).await?;
        Ok((said_of_attendance(answered(&answer)?, &form, page.reader.language).await, None))
    };
    let recorded = recorded.await;
    after(&state, &page, &id, &form, &ATTENDANCE, recorded).await
}

/// Close a class by the assessments of a table, or only see what that would give.
#[post("/console/classes/{class_id}/closing")]
pub async fn close_class(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: ClassId = path_id(&id)?;
    let closed = async {
        let (assessed, rows) = table_of(&form, parse_assessments).await?.split();
        let close = async |intent: &Intent<ClosedClass>| state.registry.close_class(page.actor(), &id, &assessed, is_dry_run(&form), intent).await.map_err(|error| in_rows(error, &rows));
        let answer = submit(&state, page.actor().client.as_str(), "closing", &form, |closed: &ClosedClass| kept(StatusCode::OK, None, &ClosingDocument::of_closed(closed)), close).await?;
        let closing: Value = answered(&answer)?;
        let (completed, trainees) = (&closing["completed"], &closing["trainees"]);
        let say = |text: Text| Some(page.reader.say(&text));
        let is_tried = is_dry_run(&form) && closing["results"].is_array();
        Ok(if is_tried {
            (Said { checked: say(Text::new(format!("{completed} of {trainees} trainees would complete the class"), format!("{trainees} 名学员中将有 {completed} 名结业"))), ..Said::default() }, Some(closing))
        } else {
            (Said { done: say(Text::new(format!("the class is closed: {completed} of {trainees} trainees completed it"), format!("已结班：{trainees} 名学员中 {completed} 名结业"))), ..Said::default() }, None)
        })
    };
    let closed = closed.await;
    after(&state, &page, &id, &form, &ASSESSMENTS, closed).await
}

/// Issue completion certificates to everybody who completed the class, or only ask the rules.
#[post("/console/classes/{class_id}/certificates")]
pub async fn issue_certificates(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: ClassId = path_id(&id)?;
    let render = |row: &JobRow| kept(StatusCode::ACCEPTED, Some(format!("/console/jobs/{}", row.id)), &json!({}));
    match submit(&state, page.actor().client.as_str(), "class issue", &form, render, async |intent| state.registry.start_class_issue(page.actor(), &id, is_dry_run(&form), intent).await).await {
        Ok(answer) => Ok(see_other(answer.location.as_deref().unwrap_or("/console/classes"))),
        Err(problem) if problem.status().is_client_error() => class_page(&state, &page, problem.status(), &id, &FIRST, (Said::refused(&problem, page.reader.language), None)).await,
        Err(problem) => Err(problem),
    }
}

/// Declare a class false: its hours and credits count for nothing any more.
#[post("/console/classes/{class_id}/annulment")]
pub async fn annul_class(state: Data<AppState>, sent: ConsoleForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let id: ClassId = path_id(&id)?;
    let annulled = async {
        let (reason, decision) = annulment_order(&AnnulmentRequest { reason: form.text("reason").to_owned(), decision_document: form.text("decision_document").to_owned() })?;
        submit(&state, page.actor().client.as_str(), "annulment", &form, |_| kept(StatusCode::OK, None, &json!({})), async |intent| state.registry.annul_class(page.actor(), &id, &reason, &decision, intent).await).await
    };
    match annulled.await {
        Ok(_) => Ok(see_other(&format!("/console/classes/{id}"))),
        Err(problem) if problem.status().is_client_error() => class_page(&state, &page, problem.status(), &id, &FIRST, (Said::refused(&problem, page.reader.language), None)).await,
        Err(problem) => Err(problem),
    }
}
