//! Bodies: read within limits of size and time, then parsed strictly.

use super::AppState;
use super::problem::Problem;
use crate::credential::strict_json;
use crate::domain::text::Text;
use crate::services::error::Error;
use crate::domain::rule::invalid;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::StreamExt;
use futures_util::future::{LocalBoxFuture, poll_immediate};
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Most members of all objects and items of all arrays together, so that a small body cannot cost much.
const VALUES_MAX: usize = 100_000;
const DEPTH_MAX: usize = 64;

/// The whole body as bytes, with its media type (without parameters, lower case).
#[derive(Debug)]
pub struct Body {
    pub media_type: String,
    pub bytes: Bytes,
}

/// The media type of a request's body, without parameters, in lower case.
pub fn media_type(request: &HttpRequest) -> String {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

impl FromRequest for Body {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let config = &request.app_data::<Data<AppState>>().expect("every route has its state").registry.config;
        let limit = if crate::table::Format::of(&media_type(request)).is_some() { config.upload_bytes_max } else { config.body_bytes_max };
        receive(request, payload, limit)
    }
}

/// Most bytes of a photograph: more than a telephone's has.
pub const PHOTOGRAPH_BYTES_MAX: usize = 12 << 20;

/// A body that is a photograph.
pub struct PhotographBody(pub Body);

impl FromRequest for PhotographBody {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = receive(request, payload, PHOTOGRAPH_BYTES_MAX);
        Box::pin(async { body.await.map(PhotographBody) })
    }
}

/// Reads a body of at most this many bytes.
fn receive(request: &HttpRequest, payload: &mut Payload, limit: usize) -> LocalBoxFuture<'static, Result<Body, Problem>> {
    let seconds = request.app_data::<Data<AppState>>().expect("every route has its state").registry.config.body_seconds_max;
    let media_type = media_type(request);
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let encoding = request.headers().get(header::CONTENT_ENCODING).cloned();
    let mut payload = payload.take();
    Box::pin(async move {
        if let Some(length) = declared.filter(|length| *length > limit) {
            return Err(Problem::too_large(&format!("a body of {length} bytes"), limit));
        }
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(Problem::unsupported_media_type("a compressed body", "a body without Content-Encoding"));
        }
        let read = async {
            let mut bytes = BytesMut::with_capacity(declared.unwrap_or(0).min(1 << 20));
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| Problem::invalid("body", "the body ended before it was whole", "请求体不完整"))?;
                if bytes.len() + chunk.len() > limit {
                    return Err(Problem::too_large("a longer body", limit));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes.freeze())
        };
        let mut read = std::pin::pin!(read);
        // Mostly the body came with the head, and no timer is needed.
        if let Some(bytes) = poll_immediate(&mut read).await {
            return Ok(Body { media_type, bytes: bytes? });
        }
        match tokio::time::timeout(Duration::from_secs(seconds), read).await {
            Ok(bytes) => Ok(Body { media_type, bytes: bytes? }),
            Err(_) => {
                let detail = Text::new(format!("the body did not arrive within {seconds} seconds"), format!("请求体未在 {seconds} 秒内送达"));
                Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", Text::new("Too slow", "请求体传输过慢"), detail))
            }
        }
    })
}

impl Body {
    /// Parses a JSON body: no duplicate members, no unknown ones, no deep nesting.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.media_type != "application/json" {
            return Err(Problem::unsupported_media_type(&self.media_type, "application/json"));
        }
        self.json_whatever_its_type()
    }

    /// The same where an empty body means an empty object.
    pub fn json_or_empty<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.bytes.is_empty() {
            return Body { media_type: "application/json".to_owned(), bytes: Bytes::from_static(b"{}") }.json();
        }
        self.json()
    }

    fn json_whatever_its_type<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if std::str::from_utf8(&self.bytes).is_err() {
            return Err(Problem::invalid("body", "bytes that are not UTF-8 found, JSON in UTF-8 expected", "请求体不是 UTF-8 编码的 JSON"));
        }
        let value = strict_json::parse(&self.bytes).map_err(|error| Problem::invalid("body", format!("not JSON: {error}"), format!("不是有效的 JSON：{error}")))?;
        let mut count = 0;
        if !is_within(&value, DEPTH_MAX, &mut count) {
            return Err(Problem::invalid("body", format!("at most {VALUES_MAX} values nested at most {DEPTH_MAX} deep, and no NUL character expected"), format!("最多 {VALUES_MAX} 个值、{DEPTH_MAX} 层嵌套，且不含 NUL 字符")));
        }
        if let Ok(parsed) = T::deserialize(&value) {
            return Ok(parsed);
        }
        // Once more, to tell where the fault is.
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner().to_string();
            // A missing member has no place of its own; the message names it, and the path is the object that lacks it.
            let field = match (missing_member(&inner), path.as_str()) {
                (Some(member), ".") => member.to_owned(),
                (Some(member), _) => format!("{path}.{member}"),
                (None, ".") => "body".to_owned(),
                (None, _) => path,
            };
            Error::Invalid(vec![invalid(field, Text::new(shortened(&inner), format!("格式不符：{}", shortened(&inner))))]).into()
        })
    }
}

fn missing_member(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.split('`').next()
}

/// Messages of serde repeat what was sent; a long or personal text must not come back.
fn shortened(message: &str) -> String {
    let without_value = match (message.find("invalid type: "), message.find("invalid value: "), message.rfind(", expected")) {
        (Some(start), _, Some(end)) | (None, Some(start), Some(end)) if start < end => {
            let kind: String = message[start..].split(": ").nth(1).unwrap_or_default().chars().take_while(|c| c.is_alphabetic() || *c == ' ').collect();
            format!("{}{} found{}", &message[..start], kind.trim(), &message[end..])
        }
        _ => message.to_owned(),
    };
    without_value.chars().take(300).collect()
}

fn is_within(value: &serde_json::Value, depth: usize, count: &mut usize) -> bool {
    *count += 1;
    if *count > VALUES_MAX || depth == 0 {
        return false;
    }
    match value {
        // PostgreSQL refuses a NUL in a text, and no name or number has one.
        serde_json::Value::String(text) => !text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().all(|item| is_within(item, depth - 1, count)),
        serde_json::Value::Object(members) => members.values().all(|member| is_within(member, depth - 1, count)),
        _ => true,
    }
}
