//! Organisations, filings, clients.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::page::{Page, PageQuery, Window};
use super::problem::{Problem, Problems};
use super::reply::{created_or_known, instant_of, json_bytes, kept, read_page, represent};
use crate::domain::access::{Role, Scope};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::filing::{BodyKind, FiledOccupation};
use crate::domain::id::{ClientId, FilingId, OrganisationId};
use crate::domain::level::SkillLevel;
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::services::organisations::{AmendedFiling, FilingOrder, OrganisationChange, OrganisationOrder, OrganisationView};
use crate::services::setup::NewClient;
use crate::store::organisations::{ClientRevocationRow, ClientRow, FilingVersionRow};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An organisation to be registered.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"unified_social_credit_code": "52320100000000027X", "name": "示例职业技能评价中心", "kinds": ["assessment_body"], "region_code": "320102"}))]
pub struct OrganisationRequest {
    /// Unified social credit code (GB 32100-2015).
    pub unified_social_credit_code: String,
    /// Name as registered, 1 to 100 characters.
    pub name: String,
    /// What it does: `labour_authority`, `emergency_authority`, `training_provider`, `assessment_body`, `employer`.
    pub kinds: Vec<String>,
    /// Region (GB/T 2260).
    pub region_code: Option<String>,
}

/// A change of an organisation; absent members stay as they are.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"state": "exited", "reason": "parent organisation dissolved"}))]
pub struct OrganisationPatch {
    /// New name.
    pub name: Option<String>,
    /// New kinds.
    pub kinds: Option<Vec<String>>,
    /// New region.
    pub region_code: Option<String>,
    /// `active`, `suspended` or `exited`.
    pub state: Option<String>,
    /// Why, 1 to 500 characters.
    pub reason: String,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganisationDocument {
    /// Identifier.
    pub organisation_id: String,
    /// Unified social credit code.
    pub unified_social_credit_code: String,
    /// Name.
    pub name: String,
    /// What it does.
    pub kinds: Vec<String>,
    /// Region.
    pub region_code: Option<String>,
    /// `active`, `suspended` or `exited`.
    pub state: String,
    /// Grows with every change.
    pub version: i32,
    /// Its did:web, by which its credentials name it.
    pub did: String,
    /// When it was registered.
    pub registered_at: String,
    /// When this version was recorded.
    pub changed_at: String,
}

/// An occupation with the levels that are filed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FiledOccupationDocument {
    /// Code in the edition.
    #[schema(example = "6-31-01-03")]
    pub occupation_code: String,
    /// Edition of the classification; `2022` when absent.
    #[serde(default = "edition_2022")]
    pub occupation_edition: String,
    /// `level5` to `level1`, `special_grade`, `chief`.
    pub levels: Vec<String>,
}

pub fn edition_2022() -> String {
    "2022".to_owned()
}

/// What is filed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"body_kind": "social_assessment_body", "certificate_kinds": ["skill_level"], "occupations": [{"occupation_code": "6-31-01-03", "levels": ["level5", "level4", "level3"]}],
    "number_prefix": "S000032000001", "valid_from": "2026-01-01", "valid_to": "2028-12-31"}))]
pub struct FilingRequest {
    /// `employer_body` (its own staff) or `social_assessment_body` (the public).
    pub body_kind: String,
    /// Kinds of certificates that may be issued.
    pub certificate_kinds: Vec<String>,
    /// Occupations with levels.
    #[serde(default)]
    pub occupations: Vec<FiledOccupationDocument>,
    /// Specific abilities by name.
    #[serde(default)]
    pub abilities: Vec<String>,
    /// Sites where assessments are held.
    #[serde(default)]
    pub sites: Vec<String>,
    /// 13 characters for skill level numbers, or 8 digits for qualification numbers, as assigned by the labour authority.
    pub number_prefix: Option<String>,
    /// First day.
    pub valid_from: String,
    /// Last day.
    pub valid_to: String,
    /// Number of the decision.
    pub decision_document: Option<String>,
}

/// One version of a filing.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilingDocument {
    /// Identifier; the same for all versions.
    pub filing_id: String,
    /// 1 for the first.
    pub version: i32,
    /// The body.
    pub organisation_id: String,
    /// `employer_body` or `social_assessment_body`.
    pub body_kind: String,
    /// Kinds of certificates.
    pub certificate_kinds: Vec<String>,
    /// Occupations with levels.
    pub occupations: Vec<FiledOccupationDocument>,
    /// Specific abilities.
    pub abilities: Vec<String>,
    /// Sites.
    pub sites: Vec<String>,
    /// Assigned prefix of numbers.
    pub number_prefix: Option<String>,
    /// First day.
    pub valid_from: String,
    /// Last day.
    pub valid_to: String,
    /// Number of the decision.
    pub decision_document: Option<String>,
    /// When this version was recorded.
    pub recorded_at: String,
}

/// A program that calls for an organisation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "issuing system", "role": "assessment_body"}))]
pub struct ClientRequest {
    /// What it is, 1 to 100 characters.
    pub name: String,
    /// `registrar`, `training_provider`, `assessment_body`, `employer`, `supervisor` or `auditor`.
    pub role: String,
    /// Scopes; all of the role when absent.
    pub scopes: Option<Vec<String>>,
}

/// A client, with its secret in the first answer only.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientDocument {
    /// Identifier, the user name at `/oauth/token`.
    pub client_id: String,
    /// The secret; only in the answer to its registration, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    /// What it is.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// When it was registered.
    pub registered_at: String,
    /// When it was revoked, if it was.
    pub revoked_at: Option<String>,
}

/// Why something ends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "the contract ended"}))]
pub struct ReasonRequest {
    /// 1 to 500 characters.
    pub reason: String,
}

/// A list of texts as the registry stored it.
fn texts(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

impl OrganisationDocument {
    pub fn new(view: &OrganisationView) -> Self {
        OrganisationDocument {
            organisation_id: view.row.id.clone(),
            unified_social_credit_code: view.row.credit_code.clone(),
            name: view.version.name.clone(),
            kinds: texts(&view.version.kinds),
            region_code: view.version.region_code.clone(),
            state: view.version.state.clone(),
            version: view.version.version,
            did: view.did.clone(),
            registered_at: instant_of(view.row.registered_at),
            changed_at: instant_of(view.version.recorded_at),
        }
    }
}

impl FilingDocument {
    pub fn new(row: &FilingVersionRow) -> Self {
        let occupations: Vec<(String, Vec<String>)> = serde_json::from_str(&row.occupations).unwrap_or_default();
        let filed = |(occupation, levels): (String, Vec<String>)| {
            let (edition, code) = occupation.split_once('/').unwrap_or_default();
            FiledOccupationDocument { occupation_code: code.to_owned(), occupation_edition: edition.to_owned(), levels }
        };
        FilingDocument {
            filing_id: row.filing_id.clone(),
            version: row.version,
            organisation_id: row.organisation_id.clone(),
            body_kind: row.body_kind.clone(),
            certificate_kinds: texts(&row.kinds),
            occupations: occupations.into_iter().map(filed).collect(),
            abilities: texts(&row.abilities),
            sites: texts(&row.sites),
            number_prefix: row.number_prefix.clone(),
            valid_from: row.valid_from.to_string(),
            valid_to: row.valid_to.to_string(),
            decision_document: row.decision_document.clone(),
            recorded_at: instant_of(row.recorded_at),
        }
    }
}

impl ClientDocument {
    pub fn new(row: &ClientRow, secret: Option<&str>, revocation: Option<&ClientRevocationRow>) -> Self {
        ClientDocument {
            client_id: row.id.clone(),
            client_secret: secret.map(str::to_owned),
            name: row.name.clone(),
            role: row.role.clone(),
            scopes: row.scopes.split(' ').map(str::to_owned).collect(),
            registered_at: instant_of(row.registered_at),
            revoked_at: revocation.map(|revocation| instant_of(revocation.revoked_at)),
        }
    }
}

/// A path segment as an identifier; one of another form names nothing.
pub fn path_id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Register an organisation
#[utoipa::path(tag = "organisations", operation_id = "register_organisation", request_body = OrganisationRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The organisation", body = OrganisationDocument), (status = 200, description = "The code was registered already", body = OrganisationDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/organisations")]
pub async fn register_organisation(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let order = organisation_order(body.json()?)?;
    once(&request, &state, caller.0.client.as_str(), &body, render_organisation, async |intent| state.registry.register_organisation(&caller.0, order, intent).await).await
}

/// The organisation that a request is about.
pub(super) fn organisation_order(wanted: OrganisationRequest) -> Result<OrganisationOrder, Problem> {
    let mut fields = Fields::default();
    let credit_code = fields.parse("unified_social_credit_code", &wanted.unified_social_credit_code);
    let name = fields.text("name", &wanted.name, 100);
    fields.count("kinds", wanted.kinds.len(), 1, 5);
    let kinds = fields.parse_list("kinds", &wanted.kinds);
    fields.finish()?;
    Ok(OrganisationOrder { credit_code: credit_code.expect(Fields::PARSED), name: name.expect(Fields::PARSED), kinds, region_code: wanted.region_code })
}

fn render_organisation((view, is_new): &(OrganisationView, bool)) -> crate::services::intent::Answer {
    kept(created_or_known(*is_new), Some(format!("/v1/organisations/{}", view.row.id)), &OrganisationDocument::new(view))
}

/// List organisations
#[utoipa::path(tag = "organisations", operation_id = "list_organisations", params(PageQuery), responses((status = 200, description = "A page of organisations", body = Page<OrganisationDocument>), Problems), security(()))]
#[get("/v1/organisations")]
pub async fn list_organisations(state: Data<AppState>, request: HttpRequest, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let rows = state.registry.list_organisations(window.after.clone(), window.fetch()).await?;
    let page = window.page(rows, |view| view.row.id.clone(), |view| OrganisationDocument::new(&view));
    Ok(read_page(&request, &window, &page))
}

/// Read an organisation
#[utoipa::path(tag = "organisations", operation_id = "get_organisation", params(("organisation_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The organisation; its ETag is its version", body = OrganisationDocument), Problems), security(()))]
#[get("/v1/organisations/{organisation_id}")]
pub async fn get_organisation(state: Data<AppState>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let view = state.registry.get_organisation(&path_id(&id)?).await?;
    let document = OrganisationDocument::new(&view);
    Ok(represent(&request, "application/json", json_bytes(&document), &format!("\"{}\"", document.version), "no-cache"))
}

/// Change an organisation
#[utoipa::path(tag = "organisations", operation_id = "change_organisation", request_body = OrganisationPatch, params(("organisation_id" = String, Path, description = "Identifier"), ("If-Match" = Option<String>, Header, description = "ETag of the version that the change was decided on"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "The new version", body = OrganisationDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[patch("/v1/organisations/{organisation_id}")]
pub async fn change_organisation(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let change = organisation_change(body.json()?, expected_version(&request))?;
    let id: OrganisationId = path_id(&id)?;
    let render = |view: &OrganisationView| kept(StatusCode::OK, None, &OrganisationDocument::new(view));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.change_organisation(&caller.0, &id, change, intent).await).await
}

/// The version that `If-Match` names; one that it cannot be, when it names something else.
fn expected_version(request: &HttpRequest) -> Option<i32> {
    let tag = request.headers().get(header::IF_MATCH)?.to_str().unwrap_or_default().trim_matches(['"', ' ']).to_owned();
    (tag != "*").then(|| tag.parse().unwrap_or(-1))
}

/// The change that a request is about, decided on a version where one is named.
pub(super) fn organisation_change(wanted: OrganisationPatch, expected_version: Option<i32>) -> Result<OrganisationChange, Problem> {
    let mut fields = Fields::default();
    let name = fields.text_opt("name", wanted.name.as_deref(), 100);
    let kinds = wanted.kinds.as_ref().map(|kinds| {
        fields.count("kinds", kinds.len(), 1, 5);
        fields.parse_list("kinds", kinds)
    });
    let state = fields.parse_opt("state", wanted.state.as_deref());
    let reason = fields.text("reason", &wanted.reason, 500);
    fields.finish()?;
    Ok(OrganisationChange { name, kinds, region_code: wanted.region_code, state, reason: reason.expect(Fields::PARSED), expected_version })
}

pub(super) fn filing_order(wanted: FilingRequest) -> Result<FilingOrder, Problem> {
    let mut fields = Fields::default();
    let body_kind: Option<BodyKind> = fields.parse("body_kind", &wanted.body_kind);
    let kinds: Vec<CertificateKind> = fields.parse_list("certificate_kinds", &wanted.certificate_kinds);
    fields.count("occupations", wanted.occupations.len(), 0, 500);
    let mut occupations = Vec::new();
    for (index, filed) in wanted.occupations.iter().enumerate() {
        let code: Option<OccupationCode> = fields.parse(&format!("occupations[{index}].occupation_code"), &filed.occupation_code);
        let edition = fields.text(&format!("occupations[{index}].occupation_edition"), &filed.occupation_edition, 40);
        let levels: Vec<SkillLevel> = fields.parse_list(&format!("occupations[{index}].levels"), &filed.levels);
        if let (Some(code), Some(edition)) = (code, edition) {
            occupations.push(FiledOccupation { occupation: Occupation { edition, code }, levels });
        }
    }
    fields.count("abilities", wanted.abilities.len(), 0, 500);
    let abilities = wanted.abilities.iter().enumerate().filter_map(|(index, text)| fields.text(&format!("abilities[{index}]"), text, 60)).collect();
    fields.count("sites", wanted.sites.len(), 0, 100);
    let sites = wanted.sites.iter().enumerate().filter_map(|(index, text)| fields.text(&format!("sites[{index}]"), text, 100)).collect();
    let (valid_from, valid_to) = (fields.date("valid_from", &wanted.valid_from), fields.date("valid_to", &wanted.valid_to));
    let number_prefix = fields.text_opt("number_prefix", wanted.number_prefix.as_deref(), 20).map(|text| crate::domain::number::normalised(&text));
    let decision_document = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 200);
    fields.finish()?;
    Ok(FilingOrder {
        body_kind: body_kind.expect(Fields::PARSED),
        kinds,
        occupations,
        abilities,
        sites,
        number_prefix,
        valid_from: valid_from.expect(Fields::PARSED),
        valid_to: valid_to.expect(Fields::PARSED),
        decision_document,
    })
}

fn render_filing(row: &FilingVersionRow) -> crate::services::intent::Answer {
    kept(StatusCode::CREATED, Some(format!("/v1/organisations/{}/filings", row.organisation_id)), &FilingDocument::new(row))
}

/// File what a body may issue
#[utoipa::path(tag = "organisations", operation_id = "record_filing", request_body = FilingRequest, params(("organisation_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The filing", body = FilingDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/organisations/{organisation_id}/filings")]
pub async fn record_filing(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let (id, order): (OrganisationId, FilingOrder) = (path_id(&id)?, filing_order(body.json()?)?);
    once(&request, &state, caller.0.client.as_str(), &body, render_filing, async |intent| state.registry.record_filing(&caller.0, &id, None, order, intent).await).await
}

/// Record a new version of a filing
#[utoipa::path(tag = "organisations", operation_id = "amend_filing", request_body = FilingRequest, params(("organisation_id" = String, Path, description = "Identifier"), ("filing_id" = String, Path, description = "The filing"), ("If-Match" = Option<String>, Header, description = "The newest version that the change was decided on, in quotes"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The new version; it counts from its first day on", body = FilingDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/organisations/{organisation_id}/filings/{filing_id}/versions")]
pub async fn amend_filing(state: Data<AppState>, request: HttpRequest, caller: Caller, path: Path<(String, String)>, body: Body) -> Result<HttpResponse, Problem> {
    let id: OrganisationId = path_id(&path.0)?;
    let amended = AmendedFiling { filing: path_id(&path.1)?, expected_version: expected_version(&request) };
    let order = filing_order(body.json()?)?;
    once(&request, &state, caller.0.client.as_str(), &body, render_filing, async |intent| state.registry.record_filing(&caller.0, &id, Some(amended), order, intent).await).await
}

/// The place of a filing's version in the list of all.
pub fn filing_cursor(row: &FilingVersionRow) -> String {
    format!("{}/{}", row.filing_id, row.version)
}

/// The place behind which a page of filings begins.
pub fn filing_place(window: &Window) -> Result<Option<(FilingId, i32)>, Problem> {
    let place = |cursor: &String| -> Option<(FilingId, i32)> {
        let (filing, version) = cursor.split_once('/')?;
        Some((filing.parse().ok()?, version.parse().ok()?))
    };
    window.after.as_ref().map(|cursor| place(cursor).ok_or_else(PageQuery::wrong_cursor)).transpose()
}

/// List filings with all their versions
#[utoipa::path(tag = "organisations", operation_id = "list_filings", params(PageQuery, ("organisation_id" = String, Path, description = "Identifier")), responses((status = 200, description = "A page of filings, every version of each", body = Page<FilingDocument>), Problems), security(()))]
#[get("/v1/organisations/{organisation_id}/filings")]
pub async fn list_filings(state: Data<AppState>, request: HttpRequest, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (id, window): (OrganisationId, _) = (path_id(&id)?, query.window()?);
    let rows = state.registry.list_filings(&id, filing_place(&window)?, window.fetch()).await?;
    let page = window.page(rows, filing_cursor, |row| FilingDocument::new(&row));
    Ok(read_page(&request, &window, &page))
}

/// Register a client of an organisation
#[utoipa::path(tag = "organisations", operation_id = "register_client", request_body = ClientRequest, params(("organisation_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The client with its secret, shown this once", body = ClientDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/organisations/{organisation_id}/clients")]
pub async fn register_client(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let (name, role, scopes) = client_order(body.json()?)?;
    let id: OrganisationId = path_id(&id)?;
    let render = |client: &NewClient| kept(StatusCode::CREATED, None, &ClientDocument::new(&client.row, Some(&client.secret), None));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.register_client(&caller.0, &id, name, role, scopes, intent).await).await
}

/// Name, role and scopes of the client that a request is about.
pub(super) fn client_order(wanted: ClientRequest) -> Result<(String, Role, Option<Vec<Scope>>), Problem> {
    let mut fields = Fields::default();
    let name = fields.text("name", &wanted.name, 100);
    let role: Option<Role> = fields.parse("role", &wanted.role);
    let scopes: Option<Vec<Scope>> = wanted.scopes.as_ref().map(|scopes| {
        fields.count("scopes", scopes.len(), 1, 20);
        fields.parse_list("scopes", scopes)
    });
    fields.finish()?;
    Ok((name.expect(Fields::PARSED), role.expect(Fields::PARSED), scopes))
}

/// List clients of an organisation
#[utoipa::path(tag = "organisations", operation_id = "list_clients", params(PageQuery, ("organisation_id" = String, Path, description = "Identifier")), responses((status = 200, description = "A page of clients, without secrets, in order of registration", body = Page<ClientDocument>), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[get("/v1/organisations/{organisation_id}/clients")]
pub async fn list_clients(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let clients = state.registry.list_clients(&caller.0, &path_id(&id)?, window.after.clone(), window.fetch()).await?;
    let page = window.page(clients, |(row, _)| row.id.clone(), |(row, revocation)| ClientDocument::new(&row, None, revocation.as_ref()));
    Ok(read_page(&request, &window, &page))
}

/// Revoke a client
#[utoipa::path(tag = "organisations", operation_id = "revoke_client", request_body = ReasonRequest, params(("organisation_id" = String, Path, description = "Identifier"), ("client_id" = String, Path, description = "The client")),
    responses((status = 204, description = "Its tokens stop within seconds"), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[delete("/v1/organisations/{organisation_id}/clients/{client_id}")]
pub async fn revoke_client(state: Data<AppState>, caller: Caller, path: Path<(String, String)>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: ReasonRequest = body.json()?;
    let mut fields = Fields::default();
    let reason = fields.text("reason", &wanted.reason, 500);
    fields.finish()?;
    let (id, client): (OrganisationId, ClientId) = (path_id(&path.0)?, path_id(&path.1)?);
    state.registry.revoke_client(&caller.0, &id, &client, reason.expect(Fields::PARSED)).await?;
    Ok(HttpResponse::NoContent().finish())
}
