//! Problem documents (RFC 9457): the one place where errors become answers.

use crate::domain::rule::Violation;
use crate::domain::text::{Language, Text};
use super::pages::reader::Reader;
use super::pages::signed_in::NotShown;
use super::reply::wants_page;
use crate::services::error::Error;
use crate::domain::rule::invalid;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use utoipa::{IntoResponses, ToSchema};

/// A refusal on its way to the client; the language is chosen when it is written.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: Text,
    detail: Text,
    violations: Vec<Violation>,
    retry_after: Option<u64>,
    challenge: bool,
    /// The methods that the path has.
    allow: Option<String>,
    /// The cause of an internal error: for the log, never for the client.
    cause: Option<String>,
}

/// A problem document.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"type": "https://jilu.dev/problems/refused", "title": "Rules refuse it", "status": 422, "detail": "1 rule is violated",
    "request_id": "0198b2c4f0a1", "violations": [{"rule": "IS-4", "outcome": "deny", "detail": "the public notice lasts until 2026-03-09; issued on 2026-03-05", "facts": {"notice_ends_on": "2026-03-09"}}]}))]
pub struct ProblemDocument {
    /// Stable identifier of the kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was found and what was expected.
    pub detail: String,
    /// Identifier of this request in the registry's log.
    pub request_id: String,
    /// Every rule that is violated, not only the first.
    pub violations: Vec<ViolationDocument>,
}

/// One rule that was not satisfied.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ViolationDocument {
    /// The rule, for example `IS-1`; `FORM` for the form of a request.
    pub rule: String,
    /// `deny`, `warn` or `needs_review`.
    pub outcome: String,
    /// The member of the request that carries the fact.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// What was found and what was expected.
    pub detail: String,
    /// The facts that the rule used.
    pub facts: BTreeMap<String, String>,
}

impl ViolationDocument {
    pub fn new(violation: &Violation, language: Language) -> Self {
        ViolationDocument {
            rule: violation.rule.to_owned(),
            outcome: violation.outcome.as_str().to_owned(),
            field: violation.field.clone(),
            detail: violation.detail.in_language(language).to_owned(),
            facts: violation.facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }
}

/// The problems that any operation may answer with.
#[derive(IntoResponses)]
pub enum Problems {
    /// The request is not of the form it should have
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(ProblemDocument),
    /// The access token is missing, wrong or expired
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(ProblemDocument),
    /// The access token lacks the scope
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(ProblemDocument),
    /// No such thing, or somebody else's
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(ProblemDocument),
    /// None of the media types that are served is accepted
    #[response(status = 406, content_type = "application/problem+json")]
    NotAcceptable(ProblemDocument),
    /// The client took too long to send its body
    #[response(status = 408, content_type = "application/problem+json")]
    TooSlow(ProblemDocument),
    /// It collides with what is recorded, or an equal request is still running
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(ProblemDocument),
    /// The thing changed since it was read
    #[response(status = 412, content_type = "application/problem+json")]
    PreconditionFailed(ProblemDocument),
    /// The body is too large
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(ProblemDocument),
    /// The media type is not one that is read here
    #[response(status = 415, content_type = "application/problem+json")]
    UnsupportedMediaType(ProblemDocument),
    /// Rules refuse it; every violated rule is listed
    #[response(status = 422, content_type = "application/problem+json")]
    Refused(ProblemDocument),
    /// Too many requests; see `Retry-After`
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(ProblemDocument),
    /// A fault of the registry; only an identifier of the incident is told
    #[response(status = 500, content_type = "application/problem+json")]
    Internal(ProblemDocument),
    /// Not now; see `Retry-After`
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(ProblemDocument),
}

impl Problem {
    pub fn new(status: StatusCode, kind: &'static str, title: Text, detail: Text) -> Self {
        Problem { status, kind, title, detail, violations: Vec::new(), retry_after: None, challenge: false, allow: None, cause: None }
    }

    /// One fault of form at one field.
    pub fn invalid(field: &str, en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Self {
        Error::Invalid(vec![invalid(field, Text::new(en, zh))]).into()
    }

    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What the log is told, and nobody else.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    fn caused_by(mut self, why: String) -> Self {
        self.cause = Some(why);
        self
    }

    pub fn unauthenticated() -> Self {
        let detail = Text::new("a valid access token expected in the Authorization header", "Authorization 头中应有有效的访问令牌");
        let mut problem = Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", Text::new("Who is calling?", "未通过身份验证"), detail);
        problem.challenge = true;
        problem
    }

    pub fn not_found() -> Self {
        let detail = Text::new("there is no such thing here, or it is not yours", "不存在，或不属于您");
        Self::new(StatusCode::NOT_FOUND, "not-found", Text::new("Not found", "未找到"), detail)
    }

    pub fn method_not_allowed(allow: String) -> Self {
        let detail = Text::new(format!("this path has {allow}"), format!("该路径支持 {allow}"));
        let mut problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", Text::new("Method not allowed", "方法不允许"), detail);
        problem.allow = Some(allow);
        problem
    }

    pub fn too_large(found: &str, limit: usize) -> Self {
        let detail = Text::new(format!("{found} found, at most {limit} bytes expected"), format!("请求体超过上限 {limit} 字节"));
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", Text::new("Too large", "请求体过大"), detail)
    }

    pub fn unsupported_media_type(found: &str, expected: &str) -> Self {
        let shown: String = found.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(100).collect();
        let detail = Text::new(format!("media type {shown:?} found, {expected} expected"), format!("媒体类型为 {shown:?}，应为 {expected}"));
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", Text::new("Media type not read here", "不支持的媒体类型"), detail)
    }

    pub fn not_acceptable(served: &str) -> Self {
        let detail = Text::new(format!("served here: {served}"), format!("可提供：{served}"));
        Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", Text::new("None of the accepted media types is served", "没有可接受的媒体类型"), detail)
    }

    pub fn too_many(detail: Text, seconds: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", Text::new("Too many requests", "请求过多"), detail).retry_after(seconds)
    }

    pub fn conflict(detail: Text) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", Text::new("It collides with what is recorded", "与已有记录冲突"), detail)
    }

    /// The problem as a body.
    pub fn body(&self, language: Language, request_id: &str) -> Vec<u8> {
        serde_json::to_vec(&self.document(language, request_id)).expect("a problem is plain data")
    }

    /// The problem in a language.
    pub fn document(&self, language: Language, request_id: &str) -> ProblemDocument {
        ProblemDocument {
            kind: format!("https://jilu.dev/problems/{}", self.kind),
            title: self.title.in_language(language).to_owned(),
            status: self.status.as_u16(),
            detail: self.detail.in_language(language).to_owned(),
            request_id: request_id.to_owned(),
            violations: self.violations.iter().map(|violation| ViolationDocument::new(violation, language)).collect(),
        }
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    fn respond(&self, language: Language, request_id: &str) -> HttpResponse {
        let response = HttpResponse::build(self.status).content_type("application/problem+json").insert_header((header::CACHE_CONTROL, "no-store")).body(self.body(language, request_id));
        self.with_headers(response)
    }

    fn with_headers(&self, mut response: HttpResponse) -> HttpResponse {
        let mut put = |name, value: &str| {
            if let Ok(value) = header::HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        };
        if let Some(seconds) = self.retry_after {
            put(header::RETRY_AFTER, &seconds.to_string());
        }
        if let Some(allow) = &self.allow {
            put(header::ALLOW, allow);
        }
        if self.challenge {
            put(header::WWW_AUTHENTICATE, "Bearer realm=\"jilu\", error=\"invalid_token\"");
        }
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.detail.en)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    /// Only reached if the middleware below is missing.
    fn error_response(&self) -> HttpResponse {
        self.respond(Language::English, "")
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let listed = |status, kind, title: Text, violations: Vec<Violation>| {
            let count = violations.len();
            let detail = match violations.as_slice() {
                [only] => only.detail.clone(),
                _ => Text::new(format!("{count} faults, each listed in violations"), format!("共 {count} 处问题，详见 violations")),
            };
            Problem { violations, ..Problem::new(status, kind, title, detail) }
        };
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Forbidden(scopes) => {
                let names = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ");
                let detail = Text::new(format!("an access token with one of the scopes {names} expected"), format!("访问令牌应具有以下权限之一：{names}"));
                Problem::new(StatusCode::FORBIDDEN, "forbidden", Text::new("Not allowed", "没有权限"), detail)
            }
            Error::Invalid(violations) => listed(StatusCode::BAD_REQUEST, "invalid", Text::new("The request is not of the expected form", "请求格式不正确"), violations),
            Error::Refused(violations) => listed(StatusCode::UNPROCESSABLE_ENTITY, "refused", Text::new("Rules refuse it", "不符合规则"), violations),
            Error::Conflict(detail) => Problem::conflict(detail),
            Error::PreconditionFailed => {
                let detail = Text::new("the thing changed since it was read; read it again", "自读取后已被更改，请重新读取");
                Problem::new(StatusCode::PRECONDITION_FAILED, "changed", Text::new("Changed meanwhile", "已被更改"), detail)
            }
            Error::Stale => Problem::conflict(Text::new("somebody else changed it at the same moment; read it again", "同一时刻已被他人更改，请重新读取")).retry_after(1),
            Error::AnsweredMeanwhile => Problem::conflict(Text::new("an equal request was answered at the same moment; send it again", "相同请求刚刚完成，请重发")).retry_after(1),
            Error::Unavailable(detail) => {
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", Text::new("Not available now", "暂不可用"), detail).retry_after(1)
            }
            Error::Internal(why) => {
                let detail = Text::new("a fault of the registry; tell its operator the request_id", "系统内部错误，请将 request_id 告知运维人员");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", Text::new("A fault of the registry", "系统错误"), detail).caused_by(why)
            }
        }
    }
}

/// Identifier of a request, in its answer and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Gives requests their identifiers, for answers and the log: a random start for each process, then a count.
#[derive(Debug)]
pub struct RequestIds {
    process: String,
    next: AtomicU64,
}

impl RequestIds {
    pub fn new(process: [u8; 5]) -> Self {
        RequestIds { process: hex::encode(process), next: AtomicU64::new(1) }
    }

    fn next(&self) -> String {
        format!("{}-{:x}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The language that `Accept-Language` asks for: Chinese if it comes before English, English otherwise.
pub fn language(request: &HttpRequest) -> Language {
    let Some(text) = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()) else { return Language::English };
    let mut best = (0.0_f32, Language::English);
    for item in text.split(',') {
        let (tag, weight) = item.split_once(";q=").unwrap_or((item, "1"));
        let weight = weight.trim().parse::<f32>().unwrap_or(0.0);
        let language = match tag.trim().get(..2).map(str::to_ascii_lowercase).as_deref() {
            Some("zh") => Language::Chinese,
            Some("en") => Language::English,
            _ => continue,
        };
        if weight > best.0 {
            best = (weight, language);
        }
    }
    best.1
}

/// Gives every request an identifier and a log line, and writes every error as a problem in the reader's language.
pub async fn frame<B: MessageBody + 'static>(mut request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let request_id = request.app_data::<actix_web::web::Data<super::AppState>>().map(|state| state.request_ids.next()).unwrap_or_default();
    request.extensions_mut().insert(RequestId(request_id.clone()));
    let method = request.method().clone();
    if method == Method::HEAD {
        // Answered like GET; the server leaves the body away.
        request.head_mut().method = Method::GET;
    }
    // A NUL is no part of any identifier, and PostgreSQL refuses it in a text.
    if request.path().contains("%00") || request.query_string().contains("%00") {
        let rendered = Problem::not_found().respond(language(request.request()), &request_id);
        return Ok(request.into_response(rendered).map_into_boxed_body());
    }
    // The request must not be cloned before routing: the framework changes it in place.
    let mut response = next.call(request).await?.map_into_boxed_body();
    let (language, route) = (language(response.request()), response.request().match_pattern());
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let problem = response.response().error().and_then(problem_in).cloned().or_else(|| known_status(&response));
        if let Some(problem) = problem {
            if let Some(cause) = &problem.cause {
                tracing::error!(%request_id, %cause, "internal error");
            }
            let page = if wants_page(response.request()) { Reader::of(response.request()).problem_page(&problem, &request_id) } else { None };
            let rendered = page.map_or_else(|| problem.respond(language, &request_id), |page| problem.with_headers(page));
            response = response.into_response(rendered).map_into_boxed_body();
        }
    }
    if let Ok(value) = header::HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(header::HeaderName::from_static("x-request-id"), value);
    }
    // The pattern, never the path: paths carry tokens and numbers.
    let route = route.unwrap_or_else(|| "-".to_owned());
    let millis = started.elapsed().as_micros() as f64 / 1000.0;
    if response.status().is_server_error() {
        tracing::error!(%request_id, %method, %route, status = response.status().as_u16(), millis, "request");
    } else {
        tracing::info!(%request_id, %method, %route, status = response.status().as_u16(), millis, "request");
    }
    Ok(response)
}

/// The problem that an error is, or that kept a page from being shown.
fn problem_in(error: &actix_web::Error) -> Option<&Problem> {
    error.as_error::<Problem>().or_else(|| error.as_error::<NotShown>()?.problem())
}

/// Marks a refusal whose form another specification fixes: it leaves as it is.
pub struct OwnWords;

/// A problem for answers that the framework made without one.
fn known_status(response: &ServiceResponse<BoxBody>) -> Option<Problem> {
    if response.response().extensions().contains::<OwnWords>() || response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/") || value.as_bytes().starts_with(b"text/html")) {
        return None;
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(Problem::not_found()),
        status if status.is_client_error() => {
            let detail = Text::new("the request cannot be read", "请求无法读取");
            Some(Problem::new(status, "invalid", Text::new("The request is not of the expected form", "请求格式不正确"), detail))
        }
        _ => Some(Error::Internal("an answer without a problem".to_owned()).into()),
    }
}
