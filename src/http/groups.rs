//! Memberships of priority groups.

use super::AppState;
use super::auth::{Caller, OwnCaller};
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::path_id;
use super::page::Page;
use super::problem::{Problem, Problems};
use super::reply::{instant_of, kept, read};
use crate::domain::id::{GroupId, WorkerId};
use crate::domain::priority_group::{Membership, PriorityGroup};
use crate::services::groups::GroupView;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A membership to be recorded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"group": "rural_migrant_worker", "valid_from": "2026-01-01", "certified_by": "玄武区人力资源和社会保障局", "proof_document": "玄人社证〔2026〕7号"}))]
pub struct GroupRequest {
    /// The group, such as `rural_migrant_worker`, `veteran` or `severely_disabled_person`.
    pub group: String,
    /// First day.
    pub valid_from: String,
    /// Last day; absent while it lasts.
    pub valid_to: Option<String>,
    /// Who certified it.
    pub certified_by: String,
    /// By what document.
    pub proof_document: String,
}

/// The end of a membership.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"ended_on": "2026-06-30", "reason": "found work"}))]
pub struct GroupEndRequest {
    /// Its last day; the day before the first one when it never held.
    pub ended_on: String,
    /// Why.
    pub reason: String,
}

/// A membership.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupDocument {
    /// Identifier.
    pub group_id: String,
    /// The worker.
    pub worker_id: String,
    /// The group.
    pub group: String,
    /// First day.
    pub valid_from: String,
    /// Last day, as recorded at first.
    pub valid_to: Option<String>,
    /// The day on which it ended, if that was recorded later.
    pub ended_on: Option<String>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// Who certified it.
    pub certified_by: String,
    /// By what document.
    pub proof_document: String,
    /// When it was recorded.
    pub recorded_at: String,
}

impl GroupDocument {
    fn new(view: &GroupView) -> Self {
        GroupDocument {
            group_id: view.row.id.clone(),
            worker_id: view.row.worker_id.clone(),
            group: view.membership.group.clone(),
            valid_from: view.row.valid_from.to_string(),
            valid_to: view.row.valid_to.map(|day| day.to_string()),
            ended_on: view.end.as_ref().map(|(day, _)| day.to_string()),
            end_reason: view.end.as_ref().map(|(_, reason)| reason.clone()),
            certified_by: view.membership.certified_by.clone(),
            proof_document: view.membership.proof_document.clone(),
            recorded_at: instant_of(view.row.recorded_at),
        }
    }
}

fn page_of(views: &[GroupView]) -> Page<GroupDocument> {
    Page { items: views.iter().map(GroupDocument::new).collect(), next_cursor: None }
}

/// Record a membership of a priority group
#[utoipa::path(tag = "workers", operation_id = "record_group", request_body = GroupRequest, params(("worker_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The membership", body = GroupDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/{worker_id}/groups")]
pub async fn record_group(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: GroupRequest = body.json()?;
    let mut fields = Fields::default();
    let group: Option<PriorityGroup> = fields.parse("group", &wanted.group);
    let (valid_from, valid_to) = (fields.date("valid_from", &wanted.valid_from), fields.date_opt("valid_to", wanted.valid_to.as_deref()));
    let (certified_by, proof_document) = (fields.text("certified_by", &wanted.certified_by, 100), fields.text("proof_document", &wanted.proof_document, 200));
    fields.finish()?;
    let (id, valid_from): (WorkerId, _) = (path_id(&id)?, valid_from.expect(Fields::PARSED));
    let membership = Membership { group: group.expect(Fields::PARSED).as_str().to_owned(), certified_by: certified_by.expect(Fields::PARSED), proof_document: proof_document.expect(Fields::PARSED) };
    let render = |view: &GroupView| kept(StatusCode::CREATED, None, &GroupDocument::new(view));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.record_group(&caller.0, &id, membership, valid_from, valid_to, intent).await).await
}

/// End a membership
#[utoipa::path(tag = "workers", operation_id = "end_group", request_body = GroupEndRequest, params(("worker_id" = String, Path, description = "Identifier"), ("group_id" = String, Path, description = "The membership"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "The membership with its end; the first one stays", body = GroupDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/{worker_id}/groups/{group_id}/end")]
pub async fn end_group(state: Data<AppState>, request: HttpRequest, caller: Caller, path: Path<(String, String)>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: GroupEndRequest = body.json()?;
    let mut fields = Fields::default();
    let (ended_on, reason) = (fields.date("ended_on", &wanted.ended_on), fields.text("reason", &wanted.reason, 500));
    fields.finish()?;
    let (worker, group): (WorkerId, GroupId) = (path_id(&path.0)?, path_id(&path.1)?);
    let (ended_on, reason) = (ended_on.expect(Fields::PARSED), reason.expect(Fields::PARSED));
    let render = |view: &GroupView| kept(StatusCode::OK, None, &GroupDocument::new(view));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.end_group(&caller.0, &worker, &group, ended_on, &reason, intent).await).await
}

/// List memberships of priority groups
#[utoipa::path(tag = "workers", operation_id = "list_groups", params(("worker_id" = String, Path, description = "Identifier")), responses((status = 200, description = "Every membership; there is one page. The look is recorded, and the worker sees it", body = Page<GroupDocument>), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[get("/v1/workers/{worker_id}/groups")]
pub async fn list_groups(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: WorkerId = path_id(&id)?;
    Ok(read(&request, &page_of(&state.registry.list_groups(&caller.0, &id).await?)))
}

/// List one's own memberships of priority groups
#[utoipa::path(tag = "workers' own", operation_id = "list_own_groups", responses((status = 200, description = "Every membership; there is one page", body = Page<GroupDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/groups")]
pub async fn list_own_groups(state: Data<AppState>, request: HttpRequest, own: OwnCaller) -> Result<HttpResponse, Problem> {
    Ok(read(&request, &page_of(&state.registry.list_own_groups(&own.0).await?)))
}
