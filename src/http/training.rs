//! Training classes: registered, or declared false.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::{edition_2022, path_id};
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{created_or_known, instant_of, kept, read, read_page};
use super::trainees::ClosingDocument;
use crate::domain::id::ClassId;
use crate::domain::level::SkillLevel;
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::domain::text::Language;
use crate::domain::training::{ClassParticulars, ClassType, Method, ModuleKind};
use crate::services::training::{ClassOrder, ClassView};
use crate::store::training::{AnnulmentRow, ClassRow};
use crate::store::stretch::ListOrder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A module of a class.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModuleDocument {
    /// `professional`, `professional_ethics`, `law`, `work_safety`, `health` or `patriotism`.
    pub kind: String,
    /// What is taught.
    pub name: String,
    /// Minutes.
    pub minutes: i32,
}

/// A class to be held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"class_type": "on_the_job_upgrade_training", "name": "电工四级提升班", "occupation_code": "6-31-01-03", "level": "level4", "first_on": "2026-03-09", "last_on": "2026-03-20",
    "planned_theory_minutes": 990, "planned_practical_minutes": 1530, "particulars": {"employer_code": "91320102MA0TEXAM3X"}}))]
pub struct ClassRequest {
    /// Type of training, such as `pre_job_training`, `new_type_apprenticeship` or `general_training`.
    pub class_type: String,
    /// Name of the class.
    pub name: String,
    /// A line of the list `training_projects`; without one the class cannot be subsidised. Occupation and level follow from it.
    pub project_code: Option<String>,
    /// Occupation, where there is one.
    pub occupation_code: Option<String>,
    /// Edition of the classification; `2022` when absent.
    #[serde(default = "edition_2022")]
    pub occupation_edition: String,
    /// Level that the class leads to.
    pub level: Option<String>,
    /// First day.
    pub first_on: String,
    /// Last day.
    pub last_on: String,
    /// Planned minutes of theory.
    #[serde(default)]
    pub planned_theory_minutes: i32,
    /// Planned minutes of practical training.
    #[serde(default)]
    pub planned_practical_minutes: i32,
    /// `regular`, `work_integrated_teaching`, `training_package` or `internet_plus`; `regular` when absent.
    #[serde(default = "regular")]
    pub method: String,
    /// The site.
    pub site: Option<String>,
    /// What is taught, common content included.
    #[serde(default)]
    pub modules: Vec<ModuleDocument>,
    /// Card numbers of the instructors.
    #[serde(default)]
    pub instructors: Vec<String>,
    /// What this type of training says beside its plan: `employer_code`, `user_enterprise_code`, `programme`, `months`, `industry`, `contract_number`, `price_fen`, `advance_fen`, `placement_base_code`, `category`, `department`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub particulars: ClassParticulars,
}

pub fn regular() -> String {
    "regular".to_owned()
}

/// A class.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassDocument {
    /// Identifier.
    pub class_id: String,
    /// The provider.
    pub organisation_id: String,
    /// Type of training.
    pub class_type: String,
    /// Name of the class.
    pub name: String,
    /// Line of the list of training projects.
    pub project_code: Option<String>,
    /// Edition of the classification.
    pub occupation_edition: Option<String>,
    /// Occupation.
    pub occupation_code: Option<String>,
    /// Level.
    pub level: Option<String>,
    /// First day.
    pub first_on: String,
    /// Last day.
    pub last_on: String,
    /// Planned minutes of theory.
    pub planned_theory_minutes: i32,
    /// Planned minutes of practical training.
    pub planned_practical_minutes: i32,
    /// Method of teaching.
    pub method: String,
    /// The site.
    pub site: Option<String>,
    /// What is taught.
    pub modules: Vec<ModuleDocument>,
    /// Card numbers of the instructors.
    pub instructors: Vec<String>,
    /// What this type of training says beside its plan.
    #[schema(value_type = Object)]
    pub particulars: Value,
    /// `open`, `closed` or `annulled`; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<&'static str>,
    /// How many trainees there are; absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trainees: Option<i64>,
    /// The closing, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<ClosingDocument>,
    /// What the rules remark without refusing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ViolationDocument>,
    /// When it was registered.
    pub registered_at: String,
}

/// Why a class is declared false.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "no training took place", "decision_document": "宁人社监〔2026〕1号"}))]
pub struct AnnulmentRequest {
    /// What was found.
    pub reason: String,
    /// The decision.
    pub decision_document: String,
}

/// A class that was declared false.
#[derive(Debug, Serialize, ToSchema)]
pub struct AnnulmentDocument {
    /// The class.
    pub class_id: String,
    /// What was found.
    pub reason: String,
    /// The decision.
    pub decision_document: String,
    /// When it was recorded.
    pub recorded_at: String,
}

/// The JSON of a stored text.
pub fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

impl ClassDocument {
    pub fn new(row: &ClassRow) -> Self {
        ClassDocument {
            class_id: row.id.clone(),
            organisation_id: row.organisation_id.clone(),
            class_type: row.class_type.clone(),
            name: row.name.clone(),
            project_code: row.project_code.clone(),
            occupation_edition: row.occupation_edition.clone(),
            occupation_code: row.occupation_code.clone(),
            level: row.level.clone(),
            first_on: row.first_on.to_string(),
            last_on: row.last_on.to_string(),
            planned_theory_minutes: row.planned_theory_minutes,
            planned_practical_minutes: row.planned_practical_minutes,
            method: row.method.clone(),
            site: row.site.clone(),
            modules: serde_json::from_str(&row.modules).unwrap_or_default(),
            instructors: serde_json::from_str(&row.instructors).unwrap_or_default(),
            particulars: parsed(&row.particulars),
            state: None,
            trainees: None,
            closing: None,
            warnings: Vec::new(),
            registered_at: instant_of(row.registered_at),
        }
    }

    pub fn of_view(view: &ClassView, language: Language) -> Self {
        let state = match (&view.annulment, &view.closing) {
            (Some(_), _) => "annulled",
            (None, Some(_)) => "closed",
            (None, None) => "open",
        };
        ClassDocument {
            state: Some(state),
            trainees: Some(view.trainees),
            closing: view.closing.as_ref().map(ClosingDocument::new),
            warnings: view.warnings.iter().map(|warning| ViolationDocument::new(warning, language)).collect(),
            ..Self::new(&view.row)
        }
    }
}

/// Register a class
#[utoipa::path(tag = "training", operation_id = "register_class", request_body = ClassRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The class", body = ClassDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/classes")]
pub async fn register_class(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let order = class_order(body.json()?)?;
    let language = language(&request);
    let render = move |view: &ClassView| kept(StatusCode::CREATED, Some(format!("/v1/classes/{}", view.row.id)), &ClassDocument::of_view(view, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.register_class(&caller.0, order, intent).await).await
}

/// A class to be held, parsed.
pub fn class_order(wanted: ClassRequest) -> Result<ClassOrder, Problem> {
    let mut fields = Fields::default();
    let class_type: Option<ClassType> = fields.parse("class_type", &wanted.class_type);
    let name = fields.text("name", &wanted.name, 100);
    let project_code = fields.text_opt("project_code", wanted.project_code.as_deref(), 40);
    let code: Option<OccupationCode> = fields.parse_opt("occupation_code", wanted.occupation_code.as_deref());
    let edition = fields.text("occupation_edition", &wanted.occupation_edition, 40);
    let level: Option<SkillLevel> = fields.parse_opt("level", wanted.level.as_deref());
    let (first_on, last_on) = (fields.date("first_on", &wanted.first_on), fields.date("last_on", &wanted.last_on));
    let method: Option<Method> = fields.parse("method", &wanted.method);
    let site = fields.text_opt("site", wanted.site.as_deref(), 100);
    for (field, minutes) in [("planned_theory_minutes", wanted.planned_theory_minutes), ("planned_practical_minutes", wanted.planned_practical_minutes)] {
        if !(0..=1_000_000).contains(&minutes) {
            fields.fault(field, format!("{minutes} found, 0 to 1000000 minutes expected"), format!("{minutes} 应为 0 至 1000000 分钟"));
        }
    }
    fields.count("modules", wanted.modules.len(), 0, 200);
    fields.count("instructors", wanted.instructors.len(), 0, 200);
    let mut modules = Vec::new();
    for (index, module) in wanted.modules.iter().enumerate() {
        let kind: Option<ModuleKind> = fields.parse(&format!("modules[{index}].kind"), &module.kind);
        let name = fields.text(&format!("modules[{index}].name"), &module.name, 100);
        if module.minutes <= 0 {
            fields.fault(&format!("modules[{index}].minutes"), "minutes above 0 expected", "分钟数应大于 0");
        }
        modules.extend(kind.zip(name).map(|(kind, name)| (kind, name, module.minutes)));
    }
    let instructors = wanted.instructors.iter().enumerate().filter_map(|(index, card)| fields.text(&format!("instructors[{index}]"), card, 40)).collect();
    fields.finish()?;
    Ok(ClassOrder {
        class_type: class_type.expect(Fields::PARSED),
        name: name.expect(Fields::PARSED),
        project_code,
        occupation: code.zip(edition).map(|(code, edition)| Occupation { edition, code }),
        level,
        first_on: first_on.expect(Fields::PARSED),
        last_on: last_on.expect(Fields::PARSED),
        planned_theory_minutes: wanted.planned_theory_minutes,
        planned_practical_minutes: wanted.planned_practical_minutes,
        method: method.expect(Fields::PARSED),
        site,
        modules,
        instructors,
        particulars: wanted.particulars,
    })
}

/// List classes
#[utoipa::path(tag = "training", operation_id = "list_classes", params(PageQuery), responses((status = 200, description = "A page of the provider's own classes; of all for the authority", body = Page<ClassDocument>), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/classes")]
pub async fn list_classes(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let rows = state.registry.list_classes(&caller.0, window.of(ListOrder::OldestFirst)).await?;
    let page = window.page(rows, |row| row.id.clone(), |row| ClassDocument::new(&row));
    Ok(read_page(&request, &window, &page))
}

/// Read a class
#[utoipa::path(tag = "training", operation_id = "get_class", params(("class_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The class", body = ClassDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/classes/{class_id}")]
pub async fn get_class(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: ClassId = path_id(&id)?;
    let view = state.registry.get_class(&caller.0, &id).await?;
    Ok(read(&request, &ClassDocument::of_view(&view, language(&request))))
}

/// Why a class is declared false, and by which decision; parsed.
pub fn annulment_order(wanted: &AnnulmentRequest) -> Result<(String, String), Problem> {
    let mut fields = Fields::default();
    let (reason, decision) = (fields.text("reason", &wanted.reason, 500), fields.text("decision_document", &wanted.decision_document, 200));
    fields.finish()?;
    Ok((reason.expect(Fields::PARSED), decision.expect(Fields::PARSED)))
}

/// Declare a class false
#[utoipa::path(tag = "training", operation_id = "annul_class", request_body = AnnulmentRequest, params(("class_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The class counts for nothing any more; its credits are reversed", body = AnnulmentDocument), (status = 200, description = "It was declared false already", body = AnnulmentDocument), Problems), security(("bearer" = []), ("oauth" = ["supervision.act"])))]
#[post("/v1/classes/{class_id}/annulment")]
pub async fn annul_class(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let (reason, decision) = annulment_order(&body.json()?)?;
    let id: ClassId = path_id(&id)?;
    let document = |row: &AnnulmentRow| AnnulmentDocument { class_id: row.class_id.clone(), reason: row.reason.clone(), decision_document: row.decision_document.clone(), recorded_at: instant_of(row.recorded_at) };
    let render = move |(row, is_new): &(AnnulmentRow, bool)| kept(created_or_known(*is_new), None, &document(row));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.annul_class(&caller.0, &id, &reason, &decision, intent).await).await
}
