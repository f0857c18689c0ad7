//! Access tokens (RFC 6749): client credentials, by Basic authentication or in the form; codes of wallets and of platforms.

use super::AppState;
use super::body::Body;
use super::problem::Problem;
use super::reply::json_bytes;
use crate::domain::text::Text;
use crate::services::access::TokenRefusal;
use crate::services::refusal::GrantRefusal;
use crate::services::wallets::PRE_AUTHORIZED;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

/// A request for an access token, as a form.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "read by the OpenAPI generator only; forms are read by name")]
pub struct TokenRequest {
    /// `client_credentials`; of a wallet, `urn:ietf:params:oauth:grant-type:pre-authorized_code` with `pre-authorized_code` and `tx_code`;
    /// of a platform, `authorization_code` with `code`, `redirect_uri` and `code_verifier`, or `refresh_token` with `refresh_token`.
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// The client, unless it stands in the Authorization header.
    #[schema(example = "cli_01ka4zrjh00000000000000000")]
    client_id: Option<String>,
    /// Its secret, unless it stands in the Authorization header.
    client_secret: Option<String>,
    /// Scopes wanted, separated by spaces; all scopes of the client when absent.
    scope: Option<String>,
    /// Of a platform: the code that its redirect address was called with.
    code: Option<String>,
    /// Of a platform: that address.
    redirect_uri: Option<String>,
    /// Of a platform: what its `code_challenge` was made of (RFC 7636, 4.1).
    code_verifier: Option<String>,
    /// Of a platform that a worker lets go on reading.
    refresh_token: Option<String>,
}

/// An access token (RFC 6749, 5.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// A JWT (RFC 9068) to be sent as `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds until it expires.
    pub expires_in: u64,
    /// The scopes it carries.
    pub scope: String,
    /// For a platform that a worker lets go on reading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// A refusal (RFC 6749, 5.2).
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenError {
    /// `invalid_request`, `invalid_client`, `invalid_grant`, `invalid_scope` or `unsupported_grant_type`; of a registration
    /// `invalid_redirect_uri` or `invalid_client_metadata`.
    pub error: String,
    /// What was found and what was expected.
    pub error_description: String,
}

/// Exchange a client's secret for an access token
#[utoipa::path(tag = "access", operation_id = "issue_token", request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"), security((), ("client" = [])),
    responses((status = 200, description = "An access token", body = TokenAnswer), (status = 400, description = "The request is not of the expected form", body = TokenError),
        (status = 401, description = "Unknown client or wrong secret", body = TokenError), (status = 413, description = "The body is too large", content_type = "application/problem+json", body = super::problem::ProblemDocument),
        (status = 429, description = "Too many wrong secrets; see `Retry-After`", content_type = "application/problem+json", body = super::problem::ProblemDocument)))]
#[post("/oauth/token")]
pub async fn issue_token(state: Data<AppState>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let form = match read_form(&body) {
        Ok(form) => form,
        Err(refusal) => return refused(refusal),
    };
    match form.get("grant_type").map(String::as_str) {
        Some("client_credentials") => {}
        Some(PRE_AUTHORIZED) => return super::wallets::redeem(&state, &form).await,
        Some(grant @ ("authorization_code" | "refresh_token")) => return super::platforms::redeem(&state, &request, &form, grant).await,
        Some(_) => return Ok(refuse(400, "unsupported_grant_type", "client_credentials, authorization_code, refresh_token, or the pre-authorized code of a wallet, expected")),
        None => return Ok(refuse(400, "invalid_request", "grant_type expected")),
    }
    let (client_id, secret) = match credentials_of(&request, &form) {
        Ok(credentials) => credentials,
        Err(refusal) => return refused(refusal),
    };
    let source = super::client_address::of(&request, &state.registry.config).map(|address| address.to_string()).unwrap_or_default();
    match state.registry.issue_token(&client_id, &secret, form.get("scope").map(String::as_str), &source).await {
        Ok(token) => {
            let answer = TokenAnswer { access_token: token.access_token, token_type: "Bearer".to_owned(), expires_in: token.expires_in, scope: token.scope, refresh_token: None };
            Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/json").body(json_bytes(&answer)))
        }
        Err(TokenRefusal::InvalidClient) => Ok(refuse(401, "invalid_client", "unknown client or wrong secret")),
        Err(TokenRefusal::InvalidScope) => Ok(refuse(400, "invalid_scope", "a scope that the client does not have found")),
        Err(TokenRefusal::TooMany(seconds)) => Err(Problem::too_many(Text::new("too many wrong secrets for this client", "该客户端密钥错误次数过多"), seconds)),
        Err(TokenRefusal::Other(error)) => Err(error.into()),
    }
}

pub(super) fn refuse(status: u16, error: &str, description: &str) -> HttpResponse {
    let mut response = HttpResponse::build(actix_web::http::StatusCode::from_u16(status).unwrap_or(actix_web::http::StatusCode::BAD_REQUEST));
    // `Pragma` for caches of HTTP/1.0, which RFC 6749, 5.1 still asks for.
    response.insert_header((header::CACHE_CONTROL, "no-store")).insert_header((header::PRAGMA, "no-cache")).insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")).content_type("application/json");
    if status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"jilu\""));
    }
    response.body(json_bytes(&TokenError { error: error.to_owned(), error_description: description.to_owned() }))
}

/// The parameters of a request to the token endpoint, each once (RFC 6749, 3.2).
pub(super) fn read_form(body: &Body) -> Result<HashMap<String, String>, GrantRefusal> {
    if body.media_type != "application/x-www-form-urlencoded" {
        return Err(GrantRefusal::Word("invalid_request", "a form (application/x-www-form-urlencoded) expected"));
    }
    let mut form = HashMap::new();
    for (name, value) in form_urlencoded::parse(&body.bytes) {
        if form.insert(name.to_string(), value.to_string()).is_some() {
            return Err(GrantRefusal::Word("invalid_request", "a parameter stands twice"));
        }
    }
    Ok(form)
}

/// A client's name and secret, in the header or in the form (RFC 6749, 2.3.1).
pub(super) fn credentials_of(request: &HttpRequest, form: &HashMap<String, String>) -> Result<(String, String), GrantRefusal> {
    let basic = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(basic_credentials);
    match (basic, form.get("client_id"), form.get("client_secret")) {
        (Some(Some((id, secret))), named, None) if named.is_none_or(|named| named == &id) => Ok((id, secret)),
        (None, Some(id), Some(secret)) => Ok((id.clone(), secret.clone())),
        (Some(None), ..) => Err(GrantRefusal::Client("Basic credentials expected")),
        (Some(Some(_)), ..) => Err(GrantRefusal::Word("invalid_request", "credentials in the header or in the form expected, not both")),
        (None, ..) => Err(GrantRefusal::Client("client_id and client_secret expected")),
    }
}

/// A refusal in the words of OAuth and of what builds on it.
pub(super) fn refused(refusal: GrantRefusal) -> Result<HttpResponse, Problem> {
    match refusal {
        GrantRefusal::Word(error, description) => Ok(refuse(400, error, description)),
        GrantRefusal::Client(description) => Ok(refuse(401, "invalid_client", description)),
        GrantRefusal::Token => {
            let mut response = refuse(401, "invalid_token", "a token of /oauth/token that has not expired expected");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer error=\"invalid_token\""));
            Ok(response)
        }
        GrantRefusal::Scope(scope) => Ok(refuse(403, "insufficient_scope", &format!("a token with the scope {scope} expected"))),
        GrantRefusal::Other(error) => Err(error.into()),
    }
}

/// `client_secret_basic`: both parts are form-encoded before they are joined (RFC 6749, 2.3.1).
pub(super) fn basic_credentials(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |part: &str| form_urlencoded::parse(format!("x={}", part.replace('&', "%26")).as_bytes()).next().map(|(_, value)| value.to_string());
    Some((decode(id)?, decode(secret)?))
}
