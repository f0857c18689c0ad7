//! Places in skills competitions.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::path_id;
use super::problem::{Problem, Problems};
use super::reply::{created_or_known, instant_of, kept, read};
use crate::domain::competition::CompetitionLevel;
use crate::domain::id::{CompetitionResultId, WorkerId};
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::services::competitions::{CompetitionOrder, CompetitionView};
use crate::services::intent::Answer;
use crate::services::references::WorkerReference;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A place to be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"worker_id": "wkr_01ka4zrjh00000000000000000", "competition": "南京市第三届职业技能竞赛", "competition_level": "municipal", "event": "电工", "occupation_code": "6-31-01-03", "place": 1, "held_on": "2026-03-01"}))]
pub struct CompetitionResultRequest {
    /// The worker.
    pub worker_id: String,
    /// Name of the competition.
    pub competition: String,
    /// `national`, `provincial` or `municipal`.
    pub competition_level: String,
    /// The event of the competition.
    pub event: String,
    /// Edition of the occupational classification; 2022 when absent.
    #[serde(default = "newest_edition")]
    pub occupation_edition: String,
    /// The occupation, where the event has one.
    pub occupation_code: Option<String>,
    /// 1 for the winner.
    pub place: i32,
    /// The day.
    pub held_on: String,
    /// The document that announced the results.
    pub decision_document: Option<String>,
}

pub fn newest_edition() -> String {
    "2022".to_owned()
}

/// Why a result is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "成绩复核有误", "decision_document": "宁人社竞〔2026〕2号"}))]
pub struct ResultAnnulmentRequest {
    /// What was found.
    pub reason: String,
    /// The decision.
    pub decision_document: Option<String>,
}

/// A place in a competition.
#[derive(Debug, Serialize, ToSchema)]
pub struct CompetitionResultDocument {
    /// Identifier.
    pub competition_result_id: String,
    /// The worker.
    pub worker_id: String,
    /// Name of the competition.
    pub competition: String,
    /// Who held it.
    pub competition_level: String,
    /// The event.
    pub event: String,
    /// Edition of the occupational classification.
    pub occupation_edition: Option<String>,
    /// The occupation.
    pub occupation_code: Option<String>,
    /// 1 for the winner.
    pub place: i32,
    /// The day.
    pub held_on: String,
    /// The document that announced the results.
    pub decision_document: Option<String>,
    /// `standing` or `annulled`.
    pub state: &'static str,
    /// Whether the winner is recommended for promotion first: up to the place `promotion_place_max` of the training rules.
    pub recommended_for_promotion: bool,
    /// The version of the training rules that says so.
    pub rule_version: i32,
    /// When it was recorded.
    pub recorded_at: String,
    /// Why it was taken back.
    pub annulled_for: Option<String>,
}

impl CompetitionResultDocument {
    pub fn new(view: &CompetitionView) -> Self {
        let row = &view.row;
        CompetitionResultDocument {
            competition_result_id: row.id.clone(),
            worker_id: row.worker_id.clone(),
            competition: row.competition.clone(),
            competition_level: row.competition_level.clone(),
            event: row.event.clone(),
            occupation_edition: row.occupation_edition.clone(),
            occupation_code: row.occupation_code.clone(),
            place: row.place,
            held_on: row.held_on.to_string(),
            decision_document: row.decision_document.clone(),
            state: if view.annulment.is_some() { "annulled" } else { "standing" },
            recommended_for_promotion: view.recommendation.0,
            rule_version: view.recommendation.1,
            recorded_at: instant_of(row.recorded_at),
            annulled_for: view.annulment.as_ref().map(|annulment| annulment.reason.clone()),
        }
    }
}

/// What a request asks to be recorded.
///
/// # Errors
/// Every member that is not what is expected.
pub fn competition_order(wanted: &CompetitionResultRequest) -> Result<CompetitionOrder, Problem> {
    let mut fields = Fields::default();
    let worker: Option<WorkerId> = fields.parse("worker_id", &wanted.worker_id);
    let competition = fields.text("competition", &wanted.competition, 100);
    let level: Option<CompetitionLevel> = fields.parse("competition_level", &wanted.competition_level);
    let event = fields.text("event", &wanted.event, 100);
    let edition = fields.text("occupation_edition", &wanted.occupation_edition, 40);
    let code: Option<OccupationCode> = fields.parse_opt("occupation_code", wanted.occupation_code.as_deref());
    if !(1..=1_000).contains(&wanted.place) {
        fields.fault("place", format!("{} found, 1 to 1000 expected", wanted.place), format!("名次为 {}，应为 1 至 1000", wanted.place));
    }
    let held_on = fields.date("held_on", &wanted.held_on);
    let decision_document = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 100);
    fields.finish()?;
    Ok(CompetitionOrder {
        worker: WorkerReference::Id(worker.expect(Fields::PARSED).to_string()),
        competition: competition.expect(Fields::PARSED),
        level: level.expect(Fields::PARSED),
        event: event.expect(Fields::PARSED),
        occupation: code.map(|code| Occupation { edition: edition.expect(Fields::PARSED), code }),
        place: wanted.place,
        held_on: held_on.expect(Fields::PARSED),
        decision_document,
    })
}

fn answer_of(view: &CompetitionView) -> Answer {
    kept(created_or_known(view.is_new), Some(format!("/v1/competition_results/{}", view.row.id)), &CompetitionResultDocument::new(view))
}

/// Reason and decision by which a result is taken back.
///
/// # Errors
/// Every member that is not what is expected.
pub fn annulment_of(wanted: &ResultAnnulmentRequest) -> Result<(String, Option<String>), Problem> {
    let mut fields = Fields::default();
    let reason = fields.text("reason", &wanted.reason, 500);
    let decision = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 100);
    fields.finish()?;
    Ok((reason.expect(Fields::PARSED), decision))
}

/// Record a place in a competition
#[utoipa::path(tag = "training", operation_id = "record_competition_result", request_body = CompetitionResultRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The result", body = CompetitionResultDocument), (status = 200, description = "It is recorded already", body = CompetitionResultDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/competition_results")]
pub async fn record_competition_result(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let order = competition_order(&body.json()?)?;
    once(&request, &state, caller.0.client.as_str(), &body, answer_of, async |intent| state.registry.record_competition_result(&caller.0, &order, intent).await).await
}

/// Read a place in a competition
#[utoipa::path(tag = "training", operation_id = "get_competition_result", params(("competition_result_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The result", body = CompetitionResultDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[get("/v1/competition_results/{competition_result_id}")]
pub async fn get_competition_result(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: CompetitionResultId = path_id(&id)?;
    Ok(read(&request, &CompetitionResultDocument::new(&state.registry.get_competition_result(&caller.0, &id).await?)))
}

/// Take a place in a competition back
#[utoipa::path(tag = "training", operation_id = "annul_competition_result", request_body = ResultAnnulmentRequest, params(("competition_result_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The result does not stand any more, and its credits are reversed", body = CompetitionResultDocument), (status = 200, description = "It was taken back already", body = CompetitionResultDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/competition_results/{competition_result_id}/annulment")]
pub async fn annul_competition_result(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let (id, (reason, decision)): (CompetitionResultId, _) = (path_id(&id)?, annulment_of(&body.json()?)?);
    once(&request, &state, caller.0.client.as_str(), &body, answer_of, async |intent| state.registry.annul_competition_result(&caller.0, &id, &reason, decision.as_deref(), intent).await).await
}
