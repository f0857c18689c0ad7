//! Links by which workers show parts of their record.

use super::AppState;
use super::auth::{OptionalCaller, OwnCaller};
use super::body::Body;
use super::certificates::CertificateDocument;
use super::credits::CreditsDocument;
use super::fields::Fields;
use super::history::HeldCertificate;
use super::once::once;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, language};
use super::records::{RecordEntryDocument, page_of, place_of};
use super::reply::{instant_of, kept, read, read_page, wants_page};
use super::budget::counted_address;
use super::workers::DocumentDocument;
use crate::domain::id::{CertificateId, ShareId};
use crate::domain::sharing::SharePart;
use crate::services::error::Error;
use crate::services::issuing::IssuedCertificate;
use crate::services::shares::{ShareOrder, ShareView, SharedRecord};
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A link to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"purpose": "应聘电工", "parts": ["certificates", "credits"], "expires_at": "2026-04-10T00:00:00+08:00"}))]
pub struct ShareRequest {
    /// What it is for, in the worker's own words.
    pub purpose: String,
    /// `record`, `credits`, `certificates`: at least one.
    pub parts: Vec<String>,
    /// Only these certificates; all of them, also later ones, when absent.
    pub certificate_ids: Option<Vec<String>>,
    /// When the link closes.
    pub expires_at: String,
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub struct ShareDocument {
    /// Identifier.
    pub share_id: String,
    /// What it is for.
    pub purpose: String,
    /// What it shows.
    pub parts: Vec<&'static str>,
    /// Only these certificates; null for all.
    pub certificate_ids: Option<Vec<String>>,
    /// The link itself; null for a platform's access, which is no link.
    pub url: Option<String>,
    /// The platform that reads, by the name that it gave itself; null for a link.
    pub platform: Option<String>,
    /// `open`, `expired` or `withdrawn`.
    pub state: &'static str,
    /// When it closes.
    pub expires_at: String,
    /// When it was made.
    pub made_at: String,
    /// When it was withdrawn.
    pub withdrawn_at: Option<String>,
    /// How often it was opened.
    pub views: i64,
    /// When last.
    pub last_viewed_at: Option<String>,
}

/// Which part of the timeline.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SharedRecordQuery {
    /// Items of a page, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Language of the page: `zh` or `en`; otherwise as `Accept-Language` asks.
    #[param(example = "en")]
    pub lang: Option<String>,
}

/// What a link shows.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedDocument {
    /// What it is for, as the worker says.
    pub purpose: String,
    /// What it shows; `record` stands at `record_url`.
    pub parts: Vec<&'static str>,
    /// When it closes.
    pub expires_at: String,
    /// The worker's name, in clear.
    pub name: String,
    /// Documents, masked.
    pub documents: Vec<DocumentDocument>,
    /// Where the pages of the timeline begin.
    pub record_url: Option<String>,
    /// Balance and sources.
    pub credits: Option<CreditsDocument>,
    /// Certificates with their signed credentials.
    pub certificates: Option<Vec<HeldCertificate>>,
}

impl ShareDocument {
    pub fn new(view: &ShareView, public_url: &str, now: i64) -> Self {
        let state = match view.ended_at {
            Some(_) => "withdrawn",
            None if view.row.expires_at <= now => "expired",
            None => "open",
        };
        ShareDocument {
            share_id: view.row.id.clone(),
            purpose: view.terms.purpose.clone(),
            parts: view.terms.parts.iter().map(|part| part.as_str()).collect(),
            certificate_ids: view.terms.certificates.as_ref().map(|ids| ids.iter().map(ToString::to_string).collect()),
            url: view.terms.platform.is_none().then(|| format!("{public_url}/v1/shares/{}", view.terms.token)),
            platform: view.terms.platform.as_ref().map(|platform| platform.name.clone()),
            state,
            expires_at: instant_of(view.row.expires_at),
            made_at: instant_of(view.row.made_at),
            withdrawn_at: view.ended_at.map(instant_of),
            views: view.views.0,
            last_viewed_at: view.views.1.map(instant_of),
        }
    }
}

/// Make a link to one's own record
#[utoipa::path(tag = "workers' own", operation_id = "make_share", request_body = ShareRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The link; whoever has it sees the parts until it closes", body = ShareDocument), Problems), security(("bearer" = [])))]
#[post("/v1/me/shares")]
pub async fn make_share(state: Data<AppState>, request: HttpRequest, own: OwnCaller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: ShareRequest = body.json()?;
    let mut fields = Fields::default();
    let purpose = fields.text("purpose", &wanted.purpose, 200);
    fields.count("parts", wanted.parts.len(), 1, SharePart::ALL.len());
    let mut parts: Vec<SharePart> = fields.parse_list("parts", &wanted.parts);
    parts.sort_by_key(|part| part.as_str());
    parts.dedup();
    let certificates = wanted.certificate_ids.as_ref().map(|ids| {
        fields.count("certificate_ids", ids.len(), 1, 100);
        fields.parse_list::<CertificateId>("certificate_ids", ids)
    });
    let expires_at: Option<DateTime<Utc>> = DateTime::parse_from_rfc3339(&wanted.expires_at).ok().map(Into::into);
    if expires_at.is_none() {
        fields.fault("expires_at", "a moment with its offset expected, such as 2026-04-10T00:00:00+08:00", "应为带时区的时间，例如 2026-04-10T00:00:00+08:00");
    }
    fields.finish()?;
    let order = ShareOrder { purpose: purpose.expect(Fields::PARSED), parts, certificates, expires_at: expires_at.expect(Fields::PARSED) };
    let (public_url, now) = (state.registry.config.public_url.clone(), state.registry.clock.now().timestamp_micros());
    let render = move |view: &ShareView| kept(StatusCode::CREATED, None, &ShareDocument::new(view, &public_url, now));
    once(&request, &state, own.0.worker.as_str(), &body, render, async |intent| state.registry.make_share(&own.0, order, intent).await).await
}

/// List one's own links
#[utoipa::path(tag = "workers' own", operation_id = "list_own_shares", params(PageQuery), responses((status = 200, description = "A page of links, the newest first", body = Page<ShareDocument>), Problems), security(("bearer" = [])))]
#[get("/v1/me/shares")]
pub async fn list_own_shares(state: Data<AppState>, request: HttpRequest, own: OwnCaller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let window = query.window()?;
    let views = state.registry.list_own_shares(&own.0, window.after.clone(), window.fetch()).await?;
    let (public_url, now) = (&state.registry.config.public_url, state.registry.clock.now().timestamp_micros());
    let page = window.page(views, |view| view.row.id.clone(), |view| ShareDocument::new(&view, public_url, now));
    Ok(read_page(&request, &window, &page))
}

/// Withdraw a link
#[utoipa::path(tag = "workers' own", operation_id = "end_share", params(("share_id" = String, Path, description = "The link")), responses((status = 204, description = "It shows nothing any more"), Problems), security(("bearer" = [])))]
#[delete("/v1/me/shares/{share_id}")]
pub async fn end_share(state: Data<AppState>, own: OwnCaller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: ShareId = path_id(&id)?;
    state.registry.end_share(&own.0, &id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A link that shows nothing counts against the address that tried it, as a verification that found nothing does.
async fn opened<T>(state: &AppState, request: &HttpRequest, open: impl Future<Output = Result<T, Error>>) -> Result<T, Problem> {
    let address = counted_address(state, request, &OptionalCaller(None))?;
    let result = open.await;
    if let (Err(Error::NotFound), Some(address)) = (&result, address) {
        state.budgets.not_found.spend(address);
    }
    Ok(result?)
}

/// Open a link
#[utoipa::path(tag = "verification", operation_id = "open_share", params(("token" = String, Path, description = "The secret of the link")), responses((status = 200, description = "What the worker shows; the opening is recorded, and the worker sees it. 404 when there is no such link, or it was withdrawn or has expired", body = SharedDocument), Problems), security(()))]
#[get("/v1/shares/{token}")]
pub async fn open_share(state: Data<AppState>, request: HttpRequest, token: Path<String>) -> Result<HttpResponse, Problem> {
    let shared = opened(&state, &request, state.registry.open_share(&token)).await?;
    let SharedRecord { terms, expires_at, worker, credits, certificates } = shared;
    let (public_url, language) = (&state.registry.config.public_url, language(&request));
    let is_page = wants_page(&request);
    let for_page: Vec<IssuedCertificate> = certificates.iter().flatten().filter(|_| is_page).map(|(issued, _)| issued.clone()).collect();
    let held = |(issued, credential)| HeldCertificate { certificate: CertificateDocument::new(&issued, public_url, language), credential };
    let document = SharedDocument {
        record_url: terms.parts.contains(&SharePart::Record).then(|| format!("{public_url}/v1/shares/{}/record", terms.token)),
        parts: terms.parts.iter().map(|part| part.as_str()).collect(),
        purpose: terms.purpose,
        expires_at: instant_of(expires_at),
        name: worker.name.as_str().to_owned(),
        documents: worker.documents.iter().map(DocumentDocument::new).collect(),
        credits: credits.map(|credits| CreditsDocument::new(&worker.id, credits)),
        certificates: certificates.map(|certificates| certificates.into_iter().map(held).collect()),
    };
    if is_page {
        return super::pages::shared::shared_page(&request, &document, &for_page);
    }
    Ok(read(&request, &document))
}

/// Read the timeline behind a link
#[utoipa::path(tag = "verification", operation_id = "list_shared_record", params(("token" = String, Path, description = "The secret of the link"), SharedRecordQuery), responses((status = 200, description = "A page of the record in the order of time", body = Page<RecordEntryDocument>), Problems), security(()))]
#[get("/v1/shares/{token}/record")]
pub async fn list_shared_record(state: Data<AppState>, request: HttpRequest, token: Path<String>, query: Query<SharedRecordQuery>) -> Result<HttpResponse, Problem> {
    let window = PageQuery { limit: query.limit, cursor: query.cursor.clone() }.window()?;
    let behind = place_of(window.after.as_deref())?;
    let rows = opened(&state, &request, state.registry.list_shared_record(&token, behind, window.fetch())).await?;
    let page = page_of(rows, &window, behind);
    if wants_page(&request) {
        return super::pages::shared::shared_record_page(&state, &request, page).await;
    }
    Ok(read_page(&request, &window, &page))
}
