//! Workers and their documents. Answers show masked names and numbers (PR-2).

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::path_id;
use super::page::Page;
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{created_or_known, instant_of, kept, read};
use crate::domain::document::{IdDocumentType, IdentityDocument};
use crate::domain::id::WorkerId;
use crate::domain::person_name::PersonName;
use crate::domain::text::Language;
use crate::services::worker_access::NewAccessCode;
use crate::services::workers::{KnownDocument, WorkerView, masked};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A document of a worker.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"document_type": "resident_id", "document_number": "32010219000101001X"}))]
pub struct DocumentRequest {
    /// `resident_id`, `hk_macao_residence_permit`, `taiwan_residence_permit`, `hk_macao_travel_permit`, `taiwan_travel_permit`, `passport`, `foreign_permanent_resident_id` or `military_id`.
    #[serde(default = "resident_id")]
    pub document_type: String,
    /// The number as printed.
    pub document_number: String,
    /// Issuing country of a passport, two capital letters (ISO 3166-1).
    pub country: Option<String>,
}

fn resident_id() -> String {
    "resident_id".to_owned()
}

/// A worker to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "张三", "documents": [{"document_type": "resident_id", "document_number": "32010219000101001X"}]}))]
pub struct WorkerRequest {
    /// Real name as on the document.
    pub name: String,
    /// Documents, 1 to 10.
    pub documents: Vec<DocumentRequest>,
}

/// A document, masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentDocument {
    /// Identifier.
    pub document_id: String,
    /// Kind of document.
    pub document_type: String,
    /// Masked number.
    #[schema(example = "320***********001X")]
    pub document_number: String,
    /// Issuing country of a passport.
    pub country: Option<String>,
}

/// A worker, masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkerDocument {
    /// Identifier.
    pub worker_id: String,
    /// Masked name.
    #[schema(example = "张*")]
    pub name: String,
    /// Masked documents.
    pub documents: Vec<DocumentDocument>,
    /// When the worker was registered.
    pub registered_at: String,
    /// The record that stands for this one, if it was joined to another.
    pub merged_into: Option<String>,
    /// What is unusual about the documents, but no reason to refuse them.
    pub warnings: Vec<ViolationDocument>,
}

/// A code by which the worker signs in, once.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessCodeDocument {
    /// The code; it stands in this answer and in no other.
    #[schema(example = "7K3M9-QPX2A")]
    pub access_code: String,
    /// Until when it can be used.
    pub expires_at: String,
}

/// A document number to look for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"document_number": "32010219000101001X"}))]
pub struct WorkerSearch {
    /// The number as printed, of any kind of document.
    pub document_number: String,
}

impl DocumentDocument {
    pub fn new(known: &KnownDocument) -> Self {
        DocumentDocument {
            document_id: known.id.to_string(),
            document_type: known.document.kind().as_str().to_owned(),
            document_number: masked(known),
            country: known.document.country().map(str::to_owned),
        }
    }
}

impl WorkerDocument {
    pub fn new(view: &WorkerView, language: Language) -> Self {
        let worker = &view.worker;
        WorkerDocument {
            worker_id: worker.id.to_string(),
            name: worker.name.masked(),
            documents: worker.documents.iter().map(DocumentDocument::new).collect(),
            registered_at: instant_of(worker.registered_at),
            merged_into: view.merged_into.as_ref().map(ToString::to_string),
            warnings: view.warnings.iter().map(|warning| ViolationDocument::new(warning, language)).collect(),
        }
    }
}

/// Parses a document; faults are named under `field`.
pub fn parse_document(fields: &mut Fields, field: &str, wanted: &DocumentRequest, today: NaiveDate) -> Option<IdentityDocument> {
    let kind: IdDocumentType = fields.parse(&format!("{field}.document_type"), &wanted.document_type)?;
    let parsed = IdentityDocument::parse(kind, wanted.country.as_deref(), &wanted.document_number, today);
    fields.take(&format!("{field}.document_number"), parsed)
}

/// Register a worker
#[utoipa::path(tag = "workers", operation_id = "register_worker", request_body = WorkerRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The worker", body = WorkerDocument), (status = 200, description = "The document was known; the same worker", body = WorkerDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers")]
pub async fn register_worker(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: WorkerRequest = body.json()?;
    let today = state.registry.clock.today();
    let mut fields = Fields::default();
    let name: Option<PersonName> = fields.parse("name", &wanted.name);
    fields.count("documents", wanted.documents.len(), 1, 10);
    let documents: Vec<IdentityDocument> = wanted.documents.iter().enumerate().filter_map(|(index, document)| parse_document(&mut fields, &format!("documents[{index}]"), document, today)).collect();
    fields.finish()?;
    let (name, language) = (name.expect(Fields::PARSED), language(&request));
    let render = move |view: &WorkerView| kept(created_or_known(view.is_new), Some(format!("/v1/workers/{}", view.worker.id)), &WorkerDocument::new(view, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.register_worker(&caller.0, name, documents, intent).await).await
}

/// Find workers by document number
#[utoipa::path(tag = "workers", operation_id = "search_workers", request_body = WorkerSearch, responses((status = 200, description = "Workers with a document of this number; there is one page", body = Page<WorkerDocument>), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/search")]
pub async fn search_workers(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: WorkerSearch = body.json()?;
    let language = language(&request);
    let items = state.registry.search_workers(&caller.0, &wanted.document_number).await?.iter().map(|view| WorkerDocument::new(view, language)).collect();
    Ok(read(&request, &Page::<WorkerDocument> { items, next_cursor: None }))
}

/// Read a worker
#[utoipa::path(tag = "workers", operation_id = "get_worker", params(("worker_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The worker, masked", body = WorkerDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[get("/v1/workers/{worker_id}")]
pub async fn get_worker(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: WorkerId = path_id(&id)?;
    let view = state.registry.get_worker(&caller.0, &id).await?;
    Ok(read(&request, &WorkerDocument::new(&view, language(&request))))
}

/// Add a document to a worker
#[utoipa::path(tag = "workers", operation_id = "add_document", request_body = DocumentRequest, params(("worker_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "The worker with the document", body = WorkerDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/workers/{worker_id}/documents")]
pub async fn add_document(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: DocumentRequest = body.json()?;
    let mut fields = Fields::default();
    let document = parse_document(&mut fields, "document", &wanted, state.registry.clock.today());
    fields.finish()?;
    let (id, document, language): (WorkerId, _, _) = (path_id(&id)?, document.expect(Fields::PARSED), language(&request));
    let render = move |view: &WorkerView| kept(actix_web::http::StatusCode::OK, None, &WorkerDocument::new(view, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.add_document(&caller.0, &id, document, intent).await).await
}

/// Make an access code for a worker
#[utoipa::path(tag = "workers", operation_id = "make_access_code", params(("worker_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The code, to be handed to the worker; the worker sees who made it", body = AccessCodeDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[post("/v1/workers/{worker_id}/access_codes")]
pub async fn make_access_code(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let _: super::assessments::Empty = body.json_or_empty()?;
    let id: WorkerId = path_id(&id)?;
    let render = |code: &NewAccessCode| kept(actix_web::http::StatusCode::CREATED, None, &AccessCodeDocument { access_code: code.code.clone(), expires_at: instant_of(code.expires_at) });
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.make_access_code(&caller.0, &id, intent).await).await
}
