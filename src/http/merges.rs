//! Two records of one person: joined, listed, parted.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::{Fields, reason_of};
use super::once::once;
use super::organisations::path_id;
use super::page::Page;
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{created_or_known, instant_of, kept, read};
use crate::domain::id::{MergeId, WorkerId};
use crate::domain::text::Language;
use crate::services::merges::{MergeOrder, MergeView};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A record to be joined to this one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"merged_worker_id": "wkr_01ka4zrjh00000000000000000", "reason": "同一人先以护照、后以身份证建档", "decision_document": "宁人社档〔2026〕3号"}))]
pub struct MergeRequest {
    /// The other record of the same person.
    pub merged_worker_id: String,
    /// How it is known that they are one person.
    pub reason: String,
    /// The decision.
    pub decision_document: Option<String>,
}

/// Why two records are parted again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "同名不同人"}))]
pub struct MergeEndRequest {
    /// What was found.
    pub reason: String,
}

/// Whether it is only tried.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MergeQuery {
    /// Tells what speaks against it, and joins nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Two records that were joined.
#[derive(Debug, Serialize, ToSchema)]
pub struct MergeDocument {
    /// Identifier.
    pub merge_id: String,
    /// The record that stands for both.
    pub worker_id: String,
    /// The other one.
    pub merged_worker_id: String,
    /// How it is known that they are one person.
    pub reason: String,
    /// The decision.
    pub decision_document: Option<String>,
    /// `joined` or `undone`.
    pub state: &'static str,
    /// When they were joined.
    pub recorded_at: String,
    /// Why they were parted.
    pub undone_for: Option<String>,
    /// When.
    pub undone_at: Option<String>,
    /// What speaks against the two being one person.
    pub warnings: Vec<ViolationDocument>,
}

impl MergeDocument {
    pub fn new(view: &MergeView, language: Language) -> Self {
        MergeDocument {
            merge_id: view.row.id.clone(),
            worker_id: view.row.worker_id.clone(),
            merged_worker_id: view.row.merged_worker_id.clone(),
            reason: view.row.reason.clone(),
            decision_document: view.row.decision_document.clone(),
            state: if view.end.is_some() { "undone" } else { "joined" },
            recorded_at: instant_of(view.row.recorded_at),
            undone_for: view.end.as_ref().map(|end| end.reason.clone()),
            undone_at: view.end.as_ref().map(|end| instant_of(end.recorded_at)),
            warnings: view.warnings.iter().map(|warning| ViolationDocument::new(warning, language)).collect(),
        }
    }
}

/// What a request asks to be joined to a record.
///
/// # Errors
/// Every member that is not what is expected.
pub fn merge_order(worker: WorkerId, wanted: &MergeRequest) -> Result<MergeOrder, Problem> {
    let mut fields = Fields::default();
    let merged: Option<WorkerId> = fields.parse("merged_worker_id", &wanted.merged_worker_id);
    let reason = fields.text("reason", &wanted.reason, 500);
    let decision_document = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 100);
    fields.finish()?;
    Ok(MergeOrder { worker, merged: merged.expect(Fields::PARSED), reason: reason.expect(Fields::PARSED), decision_document })
}

/// Join two records of one person
///
/// Nothing is moved: facts stay under the record that they were recorded for, and reading follows the join.
#[utoipa::path(tag = "workers", operation_id = "merge_workers", request_body = MergeRequest, params(("worker_id" = String, Path, description = "The record that will stand for both"), MergeQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The records are joined", body = MergeDocument), (status = 200, description = "A dry run", body = MergeDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/{worker_id}/merges")]
pub async fn merge_workers(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<MergeQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let order = merge_order(path_id(&id)?, &body.json()?)?;
    let language = language(&request);
    let render = move |view: &MergeView| kept(created_or_known(view.is_new), None, &MergeDocument::new(view, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.merge_workers(&caller.0, &order, query.dry_run, intent).await).await
}

/// List the joins of a record
#[utoipa::path(tag = "workers", operation_id = "list_merges", params(("worker_id" = String, Path, description = "Identifier")), responses((status = 200, description = "Every join that touches the record, also undone ones, in the order in which they were recorded; there is one page", body = Page<MergeDocument>), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[get("/v1/workers/{worker_id}/merges")]
pub async fn list_merges(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (id, language): (WorkerId, _) = (path_id(&id)?, language(&request));
    let items = state.registry.list_merges(&caller.0, &id).await?.iter().map(|view| MergeDocument::new(view, language)).collect();
    Ok(read(&request, &Page::<MergeDocument> { items, next_cursor: None }))
}

/// Part two records again
#[utoipa::path(tag = "workers", operation_id = "undo_merge", request_body = MergeEndRequest, params(("worker_id" = String, Path, description = "The record that stands for both"), ("merge_id" = String, Path, description = "The join"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The records are two again", body = MergeDocument), (status = 200, description = "They were parted already", body = MergeDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/{worker_id}/merges/{merge_id}/undo")]
pub async fn undo_merge(state: Data<AppState>, request: HttpRequest, caller: Caller, path: Path<(String, String)>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: MergeEndRequest = body.json()?;
    let (worker, merge, reason): (WorkerId, MergeId, _) = (path_id(&path.0)?, path_id(&path.1)?, reason_of(&wanted.reason)?);
    let language = language(&request);
    let render = move |view: &MergeView| kept(created_or_known(view.is_new), None, &MergeDocument::new(view, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.undo_merge(&caller.0, &worker, &merge, &reason, intent).await).await
}
