//! Keys, status lists and health: public, cacheable, readable from any origin.

use super::AppState;
use super::organisations::path_id;
use super::problem::{Problem, Problems};
use super::reply::{etag_of, json_bytes, represent};
use crate::credential::identity::{did_document, jwk};
use crate::credential::status_list::TTL_SECONDS;
use crate::domain::access::Scope;
use crate::domain::id::OrganisationId;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Keys change rarely; a new one is read within this time.
const KEYS_CACHE: &str = "public, max-age=300";

fn open(request: &HttpRequest, media_type: &str, bytes: Vec<u8>, cache: &str) -> HttpResponse {
    let etag = etag_of(&bytes);
    let mut response = represent(request, media_type, bytes, &etag, cache);
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    response
}

/// Read the registry's DID document
#[utoipa::path(tag = "discovery", operation_id = "get_did_document", responses((status = 200, description = "The DID document (did:web)", body = Value, content_type = "application/did+json"), Problems), security(()))]
#[get("/.well-known/did.json")]
pub async fn get_did_document(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let did = state.registry.registry_did();
    let keys = state.registry.list_published_keys(did).await?;
    Ok(open(&request, "application/did+json", json_bytes(&did_document(did, &keys)), KEYS_CACHE))
}

/// Read the public keys as a JWK set
#[utoipa::path(tag = "discovery", operation_id = "get_jwks", responses((status = 200, description = "Every public key of the registry and of all bodies; `kid` is what stands in the header of whatever the key signs", body = Value, content_type = "application/jwk-set+json"), Problems), security(()))]
#[get("/.well-known/jwks.json")]
pub async fn get_jwks(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let keys: Vec<Value> = state.registry.list_all_keys().await?.iter().map(|published| jwk(&published.key)).collect();
    Ok(open(&request, "application/jwk-set+json", json_bytes(&json!({ "keys": keys })), KEYS_CACHE))
}

/// Read an organisation's DID document
#[utoipa::path(tag = "discovery", operation_id = "get_organisation_did_document", params(("organisation_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The DID document (did:web)", body = Value, content_type = "application/did+json"), Problems), security(()))]
#[get("/organisations/{organisation_id}/did.json")]
pub async fn get_organisation_did_document(state: Data<AppState>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: OrganisationId = path_id(&id)?;
    let did = state.registry.organisation_did(&id);
    let keys = state.registry.list_published_keys(&did).await?;
    if keys.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(open(&request, "application/did+json", json_bytes(&did_document(&did, &keys)), KEYS_CACHE))
}

/// Read the metadata of the authorization server (RFC 8414)
#[utoipa::path(tag = "discovery", operation_id = "get_authorization_server", responses((status = 200, description = "Where and how access tokens are issued", body = Value), Problems), security(()))]
#[get("/.well-known/oauth-authorization-server")]
pub async fn get_authorization_server(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let url = &state.registry.config.public_url;
    let metadata = json!({
        "issuer": url,
        "token_endpoint": format!("{url}/oauth/token"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "response_types_supported": [],
        "scopes_supported": Scope::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
    });
    Ok(open(&request, "application/json", json_bytes(&metadata), KEYS_CACHE))
}

/// Read a status list (Bitstring Status List v1.0)
#[utoipa::path(tag = "discovery", operation_id = "get_status_list", params(("purpose" = String, Path, description = "`revocation` or `suspension`", example = "revocation"), ("list" = i64, Path, description = "Number of the list", example = 1)),
    responses((status = 200, description = "The list as a signed credential", body = String, content_type = "application/vc+jwt"), Problems), security(()))]
#[get("/status/{purpose}/{list}")]
pub async fn get_status_list(state: Data<AppState>, request: HttpRequest, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (purpose, list) = path.into_inner();
    let list: i64 = list.parse().map_err(|_| Problem::not_found())?;
    let served = state.registry.get_status_list(&purpose, list).await?;
    let etag = format!("\"{purpose}-{list}-{}\"", served.version);
    let mut response = represent(&request, "application/vc+jwt", served.document.into_bytes(), &etag, &format!("public, max-age={TTL_SECONDS}"));
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    Ok(response)
}

/// How the process is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// Version of the program.
    pub version: String,
}

/// Whether the process is alive
#[utoipa::path(tag = "discovery", operation_id = "get_health", responses((status = 200, description = "It is", body = Health)), security(()))]
#[get("/healthz")]
pub async fn get_health() -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Whether it can serve
#[utoipa::path(tag = "discovery", operation_id = "get_readiness", responses((status = 200, description = "The database answers", body = Health), Problems), security(()))]
#[get("/readyz")]
pub async fn get_readiness(state: Data<AppState>) -> Result<HttpResponse, Problem> {
    state.registry.list_published_keys(state.registry.registry_did()).await?;
    Ok(HttpResponse::Ok().json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }))
}
