//! What a worker sees and does: signing in, record, credits, certificates, who looked.

use super::AppState;
use super::auth::OwnCaller;
use super::body::Body;
use super::certificates::{CertificateDocument, credential, wanted_form};
use super::credits::{CreditEntryDocument, CreditsDocument, ExplanationDocument, ledger_place};
use super::fields::Fields;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, language};
use super::records::{RecordEntryDocument, page_of, place_of};
use super::reply::{etag_of, instant_of, json_bytes, read, read_page, represent, with_link};
use super::workers::DocumentDocument;
use crate::domain::id::{CertificateId, CreditEntryId};
use crate::services::Registry;
use crate::services::own::RenderedPage;
use crate::services::worker_access::{NUMBER_END_LENGTH, OpenedSession, SignInRefusal};
use crate::domain::text::Text;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A worker signs in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"access_code": "7K3M9-QPX2A", "document_number_end": "01001X"}))]
pub struct SessionRequest {
    /// The one-time code; capitals or not, with or without the hyphen.
    pub access_code: Option<String>,
    /// With it, the last six characters of the worker's document number.
    pub document_number_end: Option<String>,
    /// Or an ID token of the outside issuer that the registry trusts, not older than five minutes, once.
    pub id_token: Option<String>,
}

/// A worker's session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionAnswer {
    /// To be sent as `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: &'static str,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// `self`.
    pub scope: &'static str,
    /// The worker.
    pub worker_id: String,
}

/// The worker who has signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnDocument {
    /// Identifier.
    pub worker_id: String,
    /// The name, in clear.
    pub name: String,
    /// Documents, masked.
    pub documents: Vec<DocumentDocument>,
    /// When the worker was registered.
    pub registered_at: String,
}

/// A look at the worker.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookDocument {
    /// Identifier.
    pub lookup_id: String,
    /// What was looked at: `certificate`, `record`, `credits` or `groups`; `share` when a link was opened, `access_code` when a code was made.
    pub part: String,
    /// The certificate.
    pub certificate_id: Option<String>,
    /// The link that was opened.
    pub share_id: Option<String>,
    /// Who looked; null for the authority that runs the registry.
    pub organisation_id: Option<String>,
    /// Its name.
    pub organisation_name: Option<String>,
    /// On what ground, where one was given; `photograph` where the issuing body made a paper with the holder's photograph.
    pub ground: Option<String>,
    /// When.
    pub looked_at: String,
}

/// Sign in as a worker
#[utoipa::path(tag = "workers' own", operation_id = "open_session", request_body = SessionRequest, security(()),
    responses((status = 201, description = "A session; the code is used up", body = SessionAnswer), Problems))]
#[post("/v1/sessions")]
pub async fn open_session(state: Data<AppState>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: SessionRequest = body.json()?;
    let mut fields = Fields::default();
    let source = super::client_address::of(&request, &state.registry.config).map(|address| address.to_string()).unwrap_or_default();
    if let Some(token) = &wanted.id_token {
        if wanted.access_code.is_some() || wanted.document_number_end.is_some() {
            return Err(Problem::invalid("id_token", "either an access code or an ID token expected", "验证码与 id_token 应只填一种"));
        }
        let detail = Text::new("the token is not a fresh one of the trusted issuer, was used before, or tells a document number that is registered for nobody", "身份令牌无效、过期或已使用，或其证件号码未登记");
        return session_answer(state.registry.open_session_by_oidc(token, &source).await, "wrong-id-token", detail);
    }
    let code = fields.text("access_code", wanted.access_code.as_deref().unwrap_or_default(), 40);
    let number_end = wanted.document_number_end.unwrap_or_default();
    if number_end.trim().chars().count() != NUMBER_END_LENGTH {
        fields.fault("document_number_end", format!("the last {NUMBER_END_LENGTH} characters of the document number expected"), format!("应为证件号码最后 {NUMBER_END_LENGTH} 位"));
    }
    fields.finish()?;
    session_answer(state.registry.open_worker_session(&code.expect(Fields::PARSED), &number_end, &source).await, "wrong-access-code", Registry::wrong_code())
}

/// A session, or why there is none; `kind` and `detail` say what was wrong.
fn session_answer(opened: Result<OpenedSession, SignInRefusal>, kind: &'static str, detail: Text) -> Result<HttpResponse, Problem> {
    match opened {
        Ok(opened) => {
            let answer = SessionAnswer { access_token: opened.token, token_type: "Bearer", expires_in: opened.expires_in, scope: "self", worker_id: opened.worker.to_string() };
            Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/json").body(json_bytes(&answer)))
        }
        Err(SignInRefusal::Wrong) => Err(Problem::new(StatusCode::UNAUTHORIZED, kind, Text::new("No session was opened", "未能登录"), detail)),
        Err(SignInRefusal::TooMany(seconds)) => Err(Problem::too_many(Text::new("too many failed attempts from this address", "该地址登录失败次数过多"), seconds)),
        Err(SignInRefusal::Other(error)) => Err(error.into()),
    }
}

/// Sign out
#[utoipa::path(tag = "workers' own", operation_id = "end_session", responses((status = 204, description = "The session has ended"), Problems), security(("bearer" = [])))]
#[delete("/v1/me/session")]
pub async fn end_session(state: Data<AppState>, own: OwnCaller) -> Result<HttpResponse, Problem> {
    state.registry.end_worker_sessions(&own.0, false).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Read one's own data
#[utoipa::path(tag = "workers' own", operation_id = "get_own_worker", responses((status = 200, description = "The worker", body = OwnDocument), Problems), security(("bearer" = [])))]
#[get("/v1/me")]
pub async fn get_own_worker(state: Data<AppState>, request: HttpRequest, own: OwnCaller) -> Result<HttpResponse, Problem> {
    let worker = state.registry.get_own_worker(&own.0).await?;
    let documents = worker.documents.iter().map(DocumentDocument::new).collect();
    Ok(read(&request, &OwnDocument { worker_id: worker.id.to_string(), name: worker.name.as_str().to_owned(), documents, registered_at: instant_of(worker.registered_at) }))
}

/// Read one's own training record
#[utoipa::path(tag = "workers' own", operation_id = "list_own_record", params(PageQuery), responses((status = 200, description = "A page of the record in the order of time", body = Page<RecordEntryDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/record")]
pub async fn list_own_record(state: Data<AppState>, request: HttpRequest, own: OwnCaller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let behind = place_of(window.after.as_deref())?;
    let page = state
        .registry
        .render_own_record(&own.0, behind, window.fetch(), |rows| {
            let page = page_of(rows, &window, behind);
            let body = json_bytes(&page);
            RenderedPage { etag: etag_of(&body), body, next_cursor: page.next_cursor }
        })
        .await?;
    Ok(with_link(represent(&request, "application/json", page.body.clone(), &page.etag, "private, no-cache"), &request, &window, page.next_cursor.as_deref()))
}

/// Read one's own credits
#[utoipa::path(tag = "workers' own", operation_id = "get_own_credits", responses((status = 200, description = "Balance and sources", body = CreditsDocument), Problems), security(("bearer" = [])))]
#[get("/v1/me/credits")]
pub async fn get_own_credits(state: Data<AppState>, request: HttpRequest, own: OwnCaller) -> Result<HttpResponse, Problem> {
    let credits = state.registry.get_own_credits(&own.0).await?;
    Ok(read(&request, &CreditsDocument::new(&own.0.worker, credits)))
}

/// List one's own credit entries
#[utoipa::path(tag = "workers' own", operation_id = "list_own_credit_entries", params(PageQuery), responses((status = 200, description = "A page of the ledger in its order", body = Page<CreditEntryDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/credits/entries")]
pub async fn list_own_credit_entries(state: Data<AppState>, request: HttpRequest, own: OwnCaller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let after = ledger_place(window.after.as_deref())?;
    let rows = state.registry.list_own_credit_entries(&own.0, after, window.fetch()).await?;
    let page = window.page(rows, |row| format!("{}.{}", row.worker_id, row.sequence), |row| CreditEntryDocument::new(&row));
    Ok(read_page(&request, &window, &page))
}

/// Explain one's own credit entry
#[utoipa::path(tag = "workers' own", operation_id = "explain_own_credit_entry", params(("entry_id" = String, Path, description = "The entry")), responses((status = 200, description = "Rule, facts and arithmetic", body = ExplanationDocument), Problems), security(("bearer" = [])))]
#[get("/v1/me/credits/entries/{entry_id}/explanation")]
pub async fn explain_own_credit_entry(state: Data<AppState>, request: HttpRequest, own: OwnCaller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: CreditEntryId = path_id(&id)?;
    let row = state.registry.get_own_credit_entry(&own.0, &id).await?;
    Ok(read(&request, &ExplanationDocument::new(row)))
}

/// List one's own certificates
#[utoipa::path(tag = "workers' own", operation_id = "list_own_certificates", responses((status = 200, description = "Every certificate, in order of issue; there is one page", body = Page<CertificateDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/certificates")]
pub async fn list_own_certificates(state: Data<AppState>, request: HttpRequest, own: OwnCaller) -> Result<HttpResponse, Problem> {
    let (certificates, language) = (state.registry.list_own_certificates(&own.0).await?, language(&request));
    let items = certificates.iter().map(|issued| CertificateDocument::new(issued, &state.registry.config.public_url, language)).collect();
    Ok(read(&request, &Page::<CertificateDocument> { items, next_cursor: None }))
}

/// Take the credential of one's own certificate
#[utoipa::path(tag = "workers' own", operation_id = "get_own_credential", params(("certificate_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The credential by `Accept`: `application/vc+jwt` byte for byte as it was signed, `application/vc`, `application/jwt`, `application/dc+sd-jwt`, `image/svg+xml`, `image/png`, `application/pdf`",
    content((String = "application/vc+jwt"), (serde_json::Value = "application/vc"), (String = "application/jwt"), (String = "application/dc+sd-jwt"), (String = "image/svg+xml"), (Vec<u8> = "image/png"), (Vec<u8> = "application/pdf"))), Problems), security(("bearer" = [])))]
#[get("/v1/me/certificates/{certificate_id}")]
pub async fn get_own_credential(state: Data<AppState>, request: HttpRequest, own: OwnCaller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let (form, id): (_, CertificateId) = (wanted_form(&request)?, path_id(&id)?);
    Ok(credential(&request, form, &state.registry.get_own_form(&own.0, &id, form).await?))
}

/// A look with the name of the organisation that looked.
pub fn look_document((look, organisation_name): (crate::store::lookups::Look, Option<String>)) -> LookDocument {
    LookDocument {
        lookup_id: look.id,
        part: look.part,
        certificate_id: look.certificate_id,
        share_id: look.share_id,
        organisation_id: look.organisation_id,
        organisation_name,
        ground: look.ground,
        looked_at: instant_of(look.looked_at),
    }
}

/// See who looked
#[utoipa::path(tag = "workers' own", operation_id = "list_own_looks", params(PageQuery), responses((status = 200, description = "A page of looks at the worker's certificates, record and credits, the newest first", body = Page<LookDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/lookups")]
pub async fn list_own_looks(state: Data<AppState>, request: HttpRequest, own: OwnCaller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let rows = state.registry.list_own_looks(&own.0, window.after.clone(), window.fetch()).await?;
    let page = window.page(rows, |(look, _)| look.id.clone(), look_document);
    Ok(read_page(&request, &window, &page))
}
