//! Keys, status lists and health: public, cacheable, readable from any origin.

use super::AppState;
use super::organisations::path_id;
use super::platforms::{AUTH_METHODS, GRANT_TYPES};
use super::problem::{Problem, Problems};
use super::reply::{accepts, etag_of, json_bytes, negotiate, represent};
use crate::credential::identity::{did_document, jwk};
use crate::credential::status_list::TTL_SECONDS;
use crate::credential::{token_status, type_metadata};
use crate::domain::access::Scope;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::OrganisationId;
use crate::domain::platform::PlatformScope;
use crate::services::status_lists::{ListForm, ListKind};
use crate::services::wallets::PRE_AUTHORIZED;
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

/// A new key signs half a minute after everybody has read it.
const KEYS_CACHE: &str = "public, max-age=60";

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
        "authorization_endpoint": format!("{url}/oauth/authorize"),
        "registration_endpoint": format!("{url}/oauth/registration"),
        "revocation_endpoint": format!("{url}/oauth/revocation"),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "grant_types_supported": ["client_credentials", PRE_AUTHORIZED, GRANT_TYPES[0], GRANT_TYPES[1]],
        "pre-authorized_grant_anonymous_access_supported": true,
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "response_types_supported": ["code"],
        "scopes_supported": Scope::ALL.iter().map(|scope| scope.as_str()).chain(PlatformScope::ALL.iter().map(|scope| scope.as_str())).collect::<Vec<_>>(),
    });
    Ok(open(&request, "application/json", json_bytes(&metadata), KEYS_CACHE))
}

/// Which state of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// A moment, for which the list is to hold (Bitstring Status List v1.0, `timestamp`). Only the current list can be given.
    pub timestamp: Option<String>,
}

/// Read a status list (Bitstring Status List v1.0; Token Status List)
#[utoipa::path(tag = "discovery", operation_id = "get_status_list", params(("purpose" = String, Path, description = "`revocation`, `suspension`, `message` (both, two bits an entry), or `token` (Token Status List, for SD-JWT VC)", example = "revocation"), ("list" = i64, Path, description = "Number of the list", example = 1), ListQuery),
    responses((status = 200, description = "The list, signed: as a JWT, or by `Accept` with embedded proofs; the token list as `application/statuslist+jwt`", content((String = "application/vc+jwt"), (Value = "application/vc"), (String = "application/statuslist+jwt"))), Problems), security(()))]
#[get("/status/{purpose}/{list}")]
pub async fn get_status_list(state: Data<AppState>, request: HttpRequest, path: Path<(String, String)>, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    let (purpose, list) = path.into_inner();
    let kind: ListKind = purpose.parse().map_err(|_| Problem::not_found())?;
    let list: i64 = list.parse().map_err(|_| Problem::not_found())?;
    let proofs: &[&str] = &["application/vc", "application/vc+ld+json", "application/ld+json", "application/json"];
    let (form, media_type) = match kind {
        ListKind::Token => negotiate(&request, &[((ListForm::Jwt, token_status::MEDIA_TYPE), &[token_status::MEDIA_TYPE, "application/jwt"][..])]),
        _ => negotiate(&request, &[((ListForm::Jwt, "application/vc+jwt"), &["application/vc+jwt"][..]), ((ListForm::DataIntegrity, "application/vc"), proofs)]),
    }
    .ok_or_else(|| Problem::not_acceptable("application/vc+jwt, application/vc, or application/statuslist+jwt"))?;
    let served = state.registry.get_status_list(kind, list, form).await?;
    if let Some(text) = &query.timestamp {
        let at = DateTime::parse_from_rfc3339(text).map_err(|_| Problem::invalid("timestamp", "a date and time with a zone expected", "应为带时区的日期时间"))?;
        if at < served.changed_at || at > state.registry.clock.now() {
            return Err(Problem::invalid("timestamp", "earlier or later lists are not kept; a moment between the last change and now expected", "仅提供当前状态列表，时间应在最近一次变更与现在之间"));
        }
    }
    // Some clients read a body only if its type says JSON.
    let plain = accepts(&request, "application/json") > accepts(&request, "application/vc");
    let media_type = if form == ListForm::DataIntegrity && plain { "application/json" } else { media_type };
    let etag = served.etag.clone();
    let mut response = represent(&request, media_type, served.document.into_bytes(), &etag, &format!("public, max-age={TTL_SECONDS}"));
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    Ok(response)
}

/// Read one public key
#[utoipa::path(tag = "discovery", operation_id = "get_key", params(("thumbprint" = String, Path, description = "Thumbprint of the key (RFC 7638)")), responses((status = 200, description = "The key as a JWK; `kid` of credentials in the JWT profile of Open Badges", body = Value, content_type = "application/jwk+json"), Problems), security(()))]
#[get("/keys/{thumbprint}")]
pub async fn get_key(state: Data<AppState>, request: HttpRequest, thumbprint: Path<String>) -> Result<HttpResponse, Problem> {
    let key = state.registry.find_key_by_thumbprint(&thumbprint).ok_or_else(Problem::not_found)?;
    Ok(open(&request, "application/jwk+json", json_bytes(&jwk(&key)), KEYS_CACHE))
}

/// Read the keys of an issuer of SD-JWT VC
#[utoipa::path(tag = "discovery", operation_id = "get_jwt_vc_issuer", params(("organisation_id" = String, Path, description = "Identifier")), responses((status = 200, description = "The issuer and its keys (SD-JWT VC, JWT VC Issuer Metadata)", body = Value), Problems), security(()))]
#[get("/.well-known/jwt-vc-issuer/organisations/{organisation_id}")]
pub async fn get_jwt_vc_issuer(state: Data<AppState>, request: HttpRequest, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: OrganisationId = path_id(&id)?;
    let keys: Vec<Value> = state.registry.list_published_keys(&state.registry.organisation_did(&id)).await?.iter().filter(|published| published.revoked_at.is_none()).map(|published| jwk(&published.key)).collect();
    if keys.is_empty() {
        return Err(Problem::not_found());
    }
    let issuer = format!("{}/organisations/{id}", state.registry.config.public_url);
    Ok(open(&request, "application/json", json_bytes(&json!({ "issuer": issuer, "jwks": { "keys": keys } })), KEYS_CACHE))
}

/// Read what a type of SD-JWT VC is
#[utoipa::path(tag = "discovery", operation_id = "get_credential_type", params(("certificate_kind" = String, Path, description = "Kind of certificate", example = "skill_level")), responses((status = 200, description = "Type metadata: names, claims, and which of them the holder may hide", body = Value), Problems), security(()))]
#[get("/credential_types/{certificate_kind}")]
pub async fn get_credential_type(state: Data<AppState>, request: HttpRequest, kind: Path<String>) -> Result<HttpResponse, Problem> {
    let kind: CertificateKind = kind.parse().map_err(|_| Problem::not_found())?;
    Ok(open(&request, "application/json", json_bytes(&type_metadata::document(&state.registry.config.public_url, kind)), KEYS_CACHE))
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
