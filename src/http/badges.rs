//! What platforms collect: the API of Open Badges 3.0 (section 6) and the read endpoint of CLR 2.0 (section 5).
//!
//! Paths, names and refusals are those of the specifications.

use super::AppState;
use super::auth::bearer_of;
use super::problem::{Problem, Problems};
use super::reply::json_bytes;
use crate::domain::platform::PlatformScope;
use crate::services::refusal::GrantRefusal;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

const BADGES: &str = "/ims/ob/v3p0";
const RECORDS: &str = "/ims/clr/v2p0";
const OPEN_BADGES_CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
const LIMIT: usize = 20;
const LIMIT_MAX: usize = 100;

/// Which badges (Open Badges 3.0, 6.2.2).
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the OpenAPI generator only; the query is read by hand, so that a refusal has the form of the specification")]
pub struct CollectionQuery {
    /// Items of a page, 1 to 100; 20 when absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<usize>,
    /// Items before the page.
    offset: Option<usize>,
    /// Those only that were issued behind this moment.
    #[param(example = "2026-01-01T00:00:00Z")]
    since: Option<String>,
}

struct Window {
    limit: usize,
    offset: usize,
    since: Option<DateTime<Utc>>,
}

impl Window {
    /// # Errors
    /// The name of the parameter that is wrong.
    fn of(request: &HttpRequest) -> Result<Self, String> {
        let mut window = Window { limit: LIMIT, offset: 0, since: None };
        for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
            let number = value.parse::<usize>().ok();
            match name.as_ref() {
                "limit" => window.limit = number.filter(|limit| *limit > 0).ok_or("limit")?.min(LIMIT_MAX),
                "offset" => window.offset = number.ok_or("offset")?,
                "since" => window.since = Some(DateTime::parse_from_rfc3339(&value).map_err(|_| "since")?.into()),
                _ => {}
            }
        }
        Ok(window)
    }

    /// The `Link` of a page (Open Badges 3.0, 6.4).
    fn links(&self, url: &str, total: usize) -> String {
        let last = total.saturating_sub(1) / self.limit * self.limit;
        let since = self.since.map(|since| format!("&since={}", since.format("%Y-%m-%dT%H:%M:%S%.6fZ"))).unwrap_or_default();
        let link = |relation: &str, offset: usize| format!("<{url}?limit={}&offset={offset}{since}>; rel=\"{relation}\"", self.limit);
        let mut links = Vec::new();
        if self.offset + self.limit < total {
            links.push(link("next", self.offset + self.limit));
        }
        links.extend([link("last", last), link("first", 0)]);
        if self.offset > 0 {
            links.push(link("prev", self.offset.saturating_sub(self.limit)));
        }
        links.join(", ")
    }
}

/// A page of credentials (Open Badges 3.0, B.4; CLR 2.0, B.5).
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CollectedCredentials {
    /// Credentials with embedded proofs.
    pub credential: Vec<Value>,
    /// Credentials as compact JWS.
    pub compact_jws_string: Vec<String>,
}

/// A refusal (Open Badges 3.0, B.9).
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusInfo {
    /// `failure`.
    #[serde(rename = "imsx_codeMajor")]
    pub code_major: &'static str,
    /// `error`.
    #[serde(rename = "imsx_severity")]
    pub severity: &'static str,
    /// What was found and what was expected.
    #[serde(rename = "imsx_description")]
    pub description: String,
    /// Which kind of failure.
    #[serde(rename = "imsx_codeMinor")]
    pub code_minor: Value,
}

fn status_info(status: StatusCode, minor: &str, description: String) -> HttpResponse {
    let code_minor = json!({ "imsx_codeMinorField": [{ "imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor }] });
    let document = StatusInfo { code_major: "failure", severity: "error", description, code_minor };
    HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/json").body(json_bytes(&document))
}

/// A refusal in the form of the specification; what is wrong with us is told as everywhere.
fn refuse(refusal: GrantRefusal) -> Result<HttpResponse, Problem> {
    let (mut response, challenge) = match refusal {
        GrantRefusal::Other(error) => return Err(error.into()),
        GrantRefusal::Scope(scope) => (status_info(StatusCode::FORBIDDEN, "forbidden", format!("a token with the scope {scope} expected")), format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")),
        GrantRefusal::Token | GrantRefusal::Client(_) | GrantRefusal::Word(..) => {
            let description = "a token of /oauth/token that has not expired, and whose consent was not withdrawn, expected".to_owned();
            (status_info(StatusCode::UNAUTHORIZED, "unauthorizedrequest", description), "Bearer error=\"invalid_token\"".to_owned())
        }
    };
    if let Ok(value) = header::HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    Ok(response)
}

fn wrong_parameter(name: &str) -> HttpResponse {
    status_info(StatusCode::BAD_REQUEST, "invalid_query_parameter", format!("{name}: limit from 1, offset from 0, since as a date and time with its zone expected"))
}

fn collection(window: &Window, url: &str, total: usize, collected: &CollectedCredentials) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-total-count", total.to_string()))
        .insert_header((header::LINK, window.links(url, total)))
        .content_type("application/json")
        .body(json_bytes(collected))
}

/// Collect badges (Open Badges 3.0)
#[utoipa::path(tag = "platforms", operation_id = "get_badges", params(CollectionQuery), security(("bearer" = [])),
    responses((status = 200, description = "The worker's certificates with embedded proofs, in order of issue; `X-Total-Count` and `Link` as the specification says. The reading is recorded, and the worker sees it", body = CollectedCredentials), (status = 400, description = "A wrong parameter", body = StatusInfo), (status = 401, description = "No token that serves", body = StatusInfo), (status = 403, description = "A scope is missing", body = StatusInfo), Problems))]
#[get("/ims/ob/v3p0/credentials")]
pub async fn get_badges(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let window = match Window::of(&request) {
        Ok(window) => window,
        Err(name) => return Ok(wrong_parameter(&name)),
    };
    let Some(token) = bearer_of(&request) else { return refuse(GrantRefusal::Token) };
    match state.registry.collect_badges(token, window.since, window.offset, window.limit).await {
        Ok(badges) => {
            let url = format!("{}{BADGES}/credentials", state.registry.config.public_url);
            Ok(collection(&window, &url, badges.total, &CollectedCredentials { credential: badges.credentials, compact_jws_string: Vec::new() }))
        }
        Err(refusal) => refuse(refusal),
    }
}

/// Read the holder's profile (Open Badges 3.0)
#[utoipa::path(tag = "platforms", operation_id = "get_badge_profile", security(("bearer" = [])),
    responses((status = 200, description = "Who the holder is, under a name that this platform alone knows. The reading is recorded, and the worker sees it", body = Value), (status = 401, description = "No token that serves", body = StatusInfo), (status = 403, description = "A scope is missing", body = StatusInfo), Problems))]
#[get("/ims/ob/v3p0/profile")]
pub async fn get_badge_profile(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let Some(token) = bearer_of(&request) else { return refuse(GrantRefusal::Token) };
    match state.registry.collect_profile(token).await {
        Ok((worker, id)) => {
            let profile = json!({ "@context": [OPEN_BADGES_CONTEXT], "id": id, "type": ["Profile"], "name": worker.name.as_str() });
            Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).content_type("application/json").body(json_bytes(&profile)))
        }
        Err(refusal) => refuse(refusal),
    }
}

/// Collect the learner record (CLR 2.0)
#[utoipa::path(tag = "platforms", operation_id = "get_learner_records", params(CollectionQuery), security(("bearer" = [])),
    responses((status = 200, description = "One learner record of this moment, signed (VC-JWT); none when the worker has no certificate. Its digest is an entry of the log; the reading is recorded, and the worker sees it", body = CollectedCredentials), (status = 400, description = "A wrong parameter", body = StatusInfo), (status = 401, description = "No token that serves", body = StatusInfo), (status = 403, description = "A scope is missing", body = StatusInfo), Problems))]
#[get("/ims/clr/v2p0/credentials")]
pub async fn get_learner_records(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let window = match Window::of(&request) {
        Ok(window) => window,
        Err(name) => return Ok(wrong_parameter(&name)),
    };
    let Some(token) = bearer_of(&request) else { return refuse(GrantRefusal::Token) };
    match state.registry.collect_learner_record(token).await {
        Ok(exported) => {
            let records: Vec<String> = exported.into_iter().map(|exported| String::from_utf8_lossy(&exported.file).into_owned()).collect();
            let total = records.len();
            let compact_jws_string = records.into_iter().skip(window.offset).collect();
            let url = format!("{}{RECORDS}/credentials", state.registry.config.public_url);
            Ok(collection(&window, &url, total, &CollectedCredentials { credential: Vec::new(), compact_jws_string }))
        }
        Err(refusal) => refuse(refusal),
    }
}

/// An operation of a service description.
fn described(operation: &str, summary: &str, scope: PlatformScope) -> Value {
    json!({ "get": {
        "operationId": operation, "summary": summary,
        "responses": { "200": { "description": "As the specification says" }, "default": { "description": "Imsx_StatusInfo" } },
        "security": [{ "OAuth2ACG": [scope.as_str()] }],
    } })
}

/// A service description document: OpenAPI, with what a platform needs to register (Open Badges 3.0, 6.3 and 7.1.1.1).
fn service_description(public_url: &str, title: &str, base: &str, paths: &Value, scopes: &[PlatformScope]) -> HttpResponse {
    let named: serde_json::Map<String, Value> = scopes
        .iter()
        .map(|scope| (scope.as_str().to_owned(), json!(scope.meaning().map_or_else(|| "go on reading until the consent ends".to_owned(), |meaning| format!("read {}", meaning.en)))))
        .collect();
    // What the operator says of terms and privacy stands at the door, which is the verify page.
    let home = format!("{public_url}/");
    let document = json!({
        "openapi": "3.0.1",
        "info": {
            "title": title, "version": "1.0", "description": "技录 Jilu, the registry of skills",
            "termsOfService": home, "x-imssf-image": super::pages::assets::address_of("mark.svg").map(|path| format!("{public_url}{path}")), "x-imssf-privacyPolicyUrl": home,
        },
        "servers": [{ "url": format!("{public_url}{base}") }],
        "paths": paths,
        "components": { "schemas": {}, "securitySchemes": { "OAuth2ACG": {
            "type": "oauth2", "description": "OAuth 2.0 Authorization Code Grant with PKCE (S256)",
            "x-imssf-name": "技录 Jilu",
            "x-imssf-registrationUrl": format!("{public_url}/oauth/registration"),
            "x-imssf-privacyPolicyUrl": home, "x-imssf-termsOfServiceUrl": home,
            "flows": { "authorizationCode": {
                "authorizationUrl": format!("{public_url}/oauth/authorize"), "tokenUrl": format!("{public_url}/oauth/token"), "refreshUrl": format!("{public_url}/oauth/token"), "scopes": named,
            } },
        } } },
    });
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=300")).insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")).content_type("application/json").body(json_bytes(&document))
}

/// Read the service description (Open Badges 3.0)
#[utoipa::path(tag = "platforms", operation_id = "get_badge_service", responses((status = 200, description = "Where a platform registers, asks workers for consent, gets tokens and collects badges", body = Value), Problems), security(()))]
#[get("/ims/ob/v3p0/discovery")]
pub async fn get_badge_service(state: Data<AppState>) -> HttpResponse {
    let paths = json!({ "/credentials": described("getCredentials", "Get the holder's badges", PlatformScope::ReadBadges), "/profile": described("getProfile", "Get the holder's profile", PlatformScope::ReadProfile) });
    service_description(&state.registry.config.public_url, "Open Badges 3.0 of Jilu", BADGES, &paths, &[PlatformScope::ReadBadges, PlatformScope::ReadProfile, PlatformScope::OfflineAccess])
}

/// Read the service description (CLR 2.0)
#[utoipa::path(tag = "platforms", operation_id = "get_learner_record_service", responses((status = 200, description = "Where a platform registers, asks workers for consent, gets tokens and collects learner records", body = Value), Problems), security(()))]
#[get("/ims/clr/v2p0/discovery")]
pub async fn get_learner_record_service(state: Data<AppState>) -> HttpResponse {
    let paths = json!({ "/credentials": described("getCredentials", "Get the holder's learner record", PlatformScope::ReadLearnerRecord) });
    service_description(&state.registry.config.public_url, "Comprehensive Learner Record 2.0 of Jilu", RECORDS, &paths, &[PlatformScope::ReadLearnerRecord, PlatformScope::OfflineAccess])
}
