//! Platforms at the doors of OAuth: they register (RFC 7591), get tokens (RFC 6749, RFC 7636) and give them back (RFC 7009).
//!
//! The page on which a worker consents stands in `pages/consent.rs`, what a platform then reads in `badges.rs`.

use super::AppState;
use super::body::Body;
use super::oauth::{TokenAnswer, TokenError, credentials_of, read_form, refuse, refused};
use super::problem::{Problem, Problems};
use super::reply::json_bytes;
use crate::domain::platform::{Platform, PlatformScope, known_scopes, scope_text};
use crate::services::error::Error;
use crate::services::platforms::RegisteredPlatform;
use crate::services::refusal::GrantRefusal;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

/// How a platform shows who it is at the token endpoint.
pub const AUTH_METHODS: [&str; 2] = ["client_secret_basic", "client_secret_post"];
pub const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

/// A platform that registers (RFC 7591, 2). Members that are not listed here are left aside.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(example = json!({"client_name": "Badge Collector", "redirect_uris": ["https://badges.example/callback"], "grant_types": ["authorization_code", "refresh_token"], "scope": "https://purl.imsglobal.org/spec/ob/v3p0/scope/credential.readonly offline_access"}))]
pub struct RegistrationRequest {
    /// Its name, as workers read it: 1 to 60 characters.
    #[serde(default)]
    pub client_name: String,
    /// Where workers are sent back to: one to five addresses, `https` (`http` on one's own machine only).
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    /// Scopes that it may ask for; badges and profile when absent. Those that are not known here are left away.
    pub scope: Option<String>,
    /// `authorization_code`, `refresh_token`.
    pub grant_types: Option<Vec<String>>,
    /// `code`.
    pub response_types: Option<Vec<String>>,
    /// `client_secret_basic` or `client_secret_post`.
    pub token_endpoint_auth_method: Option<String>,
}

/// A registered platform (RFC 7591, 3.2.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct RegistrationAnswer {
    /// Its identifier; what it registered is in it.
    pub client_id: String,
    /// Its secret; shown here only.
    pub client_secret: String,
    /// Seconds since 1970.
    pub client_id_issued_at: i64,
    /// 0: never.
    pub client_secret_expires_at: i64,
    /// Its name.
    pub client_name: String,
    /// Where workers are sent back to.
    pub redirect_uris: Vec<String>,
    /// `authorization_code`, `refresh_token`.
    pub grant_types: Vec<&'static str>,
    /// `code`.
    pub response_types: Vec<&'static str>,
    /// How it shows who it is.
    pub token_endpoint_auth_method: String,
    /// Scopes that it may ask for.
    pub scope: String,
}

/// A token that a platform gives back, as a form (RFC 7009, 2.1).
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only; forms are read by name")]
pub struct RevocationRequest {
    /// An access token or a refresh token.
    token: String,
    /// Which of the two; it is found out anyway.
    token_type_hint: Option<String>,
}

/// Register a platform that collects badges
#[utoipa::path(tag = "platforms", operation_id = "register_platform", request_body = RegistrationRequest, security(()),
    responses((status = 201, description = "Identifier and secret (RFC 7591). By themselves they open nothing: each worker consents", body = RegistrationAnswer), (status = 400, description = "What was wrong", body = TokenError), Problems))]
#[post("/oauth/registration")]
pub async fn register_platform(state: Data<AppState>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: RegistrationRequest = match body.json() {
        Ok(wanted) => wanted,
        Err(problem) if problem.status() == StatusCode::BAD_REQUEST => return Ok(refuse(400, "invalid_client_metadata", "a JSON object of client metadata expected")),
        Err(problem) => return Err(problem),
    };
    let method = wanted.token_endpoint_auth_method.as_deref().unwrap_or(AUTH_METHODS[0]);
    let only = |given: &Option<Vec<String>>, known: &[&str]| given.iter().flatten().all(|name| known.contains(&name.as_str()));
    if !AUTH_METHODS.contains(&method) || !only(&wanted.grant_types, &GRANT_TYPES) || !only(&wanted.response_types, &["code"]) {
        return Ok(refuse(400, "invalid_client_metadata", "grant_types of authorization_code and refresh_token, response_types of code, client_secret_basic or client_secret_post expected"));
    }
    let scopes = wanted.scope.as_deref().map_or_else(|| vec![PlatformScope::ReadBadges, PlatformScope::ReadProfile], known_scopes);
    match state.registry.register_platform(Platform { name: wanted.client_name.trim().to_owned(), redirect_uris: wanted.redirect_uris, scopes, registered_at: 0 }) {
        Ok(RegisteredPlatform { client_id, client_secret, platform }) => {
            let answer = RegistrationAnswer {
                client_id,
                client_secret,
                client_id_issued_at: platform.registered_at,
                client_secret_expires_at: 0,
                client_name: platform.name,
                redirect_uris: platform.redirect_uris,
                grant_types: GRANT_TYPES.to_vec(),
                response_types: vec!["code"],
                token_endpoint_auth_method: method.to_owned(),
                scope: scope_text(&platform.scopes),
            };
            Ok(HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache")).content_type("application/json").body(json_bytes(&answer)))
        }
        Err(Error::Invalid(faults)) => {
            let of_field = |fault: &crate::domain::rule::Violation| fault.field.clone().unwrap_or_default();
            let is_redirect = faults.iter().all(|fault| of_field(fault).starts_with("redirect_uris"));
            let detail: Vec<String> = faults.iter().map(|fault| format!("{}: {}", of_field(fault), fault.detail.en)).collect();
            Ok(refuse(400, if is_redirect { "invalid_redirect_uri" } else { "invalid_client_metadata" }, &detail.join("; ")))
        }
        Err(error) => Err(error.into()),
    }
}

/// The token endpoint's part for platforms.
pub(super) async fn redeem(state: &AppState, request: &HttpRequest, form: &HashMap<String, String>, grant: &str) -> Result<HttpResponse, Problem> {
    let (id, secret) = match credentials_of(request, form) {
        Ok(credentials) => credentials,
        Err(refusal) => return refused(refusal),
    };
    let (registry, field) = (&state.registry, |name: &str| form.get(name).map(String::as_str));
    let tokens = match (grant, field("code"), field("redirect_uri"), field("code_verifier"), field("refresh_token")) {
        ("authorization_code", Some(code), Some(uri), Some(verifier), _) => registry.redeem_platform_code((&id, &secret), code, uri, verifier).await,
        ("authorization_code", ..) => Err(GrantRefusal::Word("invalid_request", "code, redirect_uri and code_verifier expected")),
        (_, _, _, _, Some(token)) => registry.refresh_platform_token((&id, &secret), token, field("scope")).await,
        _ => Err(GrantRefusal::Word("invalid_request", "refresh_token expected")),
    };
    match tokens {
        Ok(tokens) => {
            let answer = TokenAnswer { access_token: tokens.access_token, token_type: "Bearer".to_owned(), expires_in: tokens.expires_in, scope: tokens.scope, refresh_token: tokens.refresh_token };
            Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache")).content_type("application/json").body(json_bytes(&answer)))
        }
        Err(refusal) => refused(refusal),
    }
}

/// Give a platform's token back
#[utoipa::path(tag = "platforms", operation_id = "revoke_platform_token", request_body(content = RevocationRequest, content_type = "application/x-www-form-urlencoded"), security(("client" = [])),
    responses((status = 200, description = "The token and all others of the same consent open nothing any more; also when it was not known"), (status = 400, description = "What was wrong", body = TokenError), (status = 401, description = "Unknown client or wrong secret", body = TokenError), Problems))]
#[post("/oauth/revocation")]
pub async fn revoke_platform_token(state: Data<AppState>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let revoked = async {
        let form = read_form(&body)?;
        let (id, secret) = credentials_of(&request, &form)?;
        let token = form.get("token").ok_or(GrantRefusal::Word("invalid_request", "token expected"))?;
        state.registry.revoke_platform_token((&id, &secret), token).await
    };
    match revoked.await {
        Ok(()) => Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).finish()),
        Err(refusal) => refused(refusal),
    }
}
