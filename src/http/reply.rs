//! Answers: JSON with an ETag for reads, and kept answers as they are.

use super::page::{Page, Window, link};
use crate::services::intent::Answer;
use crate::store::writer::PlaceSlot;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use chrono::{DateTime, SecondsFormat, Utc};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Index of the first log entry of what was done.
pub const LOG_INDEX: &str = "jilu-log-index";
/// How many entries it has, one behind the other.
pub const LOG_ENTRIES: &str = "jilu-log-entries";
/// The signed checkpoint that includes them, in base64.
pub const LOG_CHECKPOINT: &str = "jilu-log-checkpoint";

/// RFC 3339 in UTC with milliseconds.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

pub fn instant_of(micros: i64) -> String {
    instant(crate::clock::from_micros(micros))
}

pub fn json_bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("answers are plain data")
}

/// An answer that is kept for an idempotency key.
pub fn kept(status: StatusCode, location: Option<String>, value: &impl Serialize) -> Answer {
    Answer::new(status.as_u16(), location, json_bytes(value))
}

pub fn created_or_known(is_new: bool) -> StatusCode {
    if is_new { StatusCode::CREATED } else { StatusCode::OK }
}

pub fn send(answer: Answer) -> HttpResponse {
    let mut response = HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK));
    let media_type = if answer.status >= 400 { "application/problem+json" } else { "application/json" };
    response.content_type(media_type).insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(location) = answer.location {
        response.insert_header((header::LOCATION, location));
    }
    place_headers(&mut response, &answer.place);
    response.body(answer.body)
}

/// Tells where the facts of an answer stand in the log.
pub fn place_headers(response: &mut HttpResponseBuilder, place: &PlaceSlot) {
    if let Some(place) = place.get() {
        response.insert_header((LOG_INDEX, place.first)).insert_header((LOG_ENTRIES, place.entries)).insert_header((LOG_CHECKPOINT, STANDARD.encode(&*place.checkpoint)));
    }
}

/// A read: JSON with an ETag of its bytes; 304 when the client has them.
pub fn read(request: &HttpRequest, value: &impl Serialize) -> HttpResponse {
    let bytes = json_bytes(value);
    let etag = etag_of(&bytes);
    represent(request, "application/json", bytes, &etag, "private, no-cache")
}

pub fn etag_of(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(bytes)[..12]))
}

/// A page, with its `Link`.
pub fn read_page<T: Serialize>(request: &HttpRequest, window: &Window, page: &Page<T>) -> HttpResponse {
    with_link(read(request, page), request, window, page.next_cursor.as_deref())
}

/// The `Link` of a page that is not the last.
pub fn with_link(mut response: HttpResponse, request: &HttpRequest, window: &Window, next_cursor: Option<&str>) -> HttpResponse {
    if let Some((name, value)) = link(request, next_cursor, window.limit)
        && let Ok(value) = header::HeaderValue::from_str(&value)
    {
        response.headers_mut().insert(name, value);
    }
    response
}

/// Bytes of any media type with a given ETag.
pub fn represent(request: &HttpRequest, media_type: &str, bytes: Vec<u8>, etag: &str, cache: &str) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    // Compression marks an ETag as weak; the comparison of RFC 9110, 13.1.2 is weak anyway.
    let is_known = request.method() == actix_web::http::Method::GET && known.is_some_and(|list| list.split(',').map(|item| item.trim().trim_start_matches("W/")).any(|item| item == etag || item == "*"));
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, cache)).insert_header((header::VARY, "Accept, Accept-Language, Authorization"));
    if is_known {
        return response.finish();
    }
    response.content_type(media_type).body(bytes)
}

/// Whether an `Accept` header takes a media type, and how gladly; absent means everything.
pub fn accepts(request: &HttpRequest, media_type: &str) -> f32 {
    let Some(accept) = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()) else { return 0.5 };
    let main = media_type.split('/').next().unwrap_or_default();
    let weight = |item: &str| {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0);
        match range.as_str() {
            range if range == media_type => quality,
            "*/*" => quality * 0.4,
            range if range.strip_suffix("/*") == Some(main) => quality * 0.6,
            _ => 0.0,
        }
    };
    accept.split(',').map(|item| weight(item.trim())).fold(0.0, f32::max)
}

/// Whether it is a browser that asks, for a person.
pub fn wants_page(request: &HttpRequest) -> bool {
    accepts(request, "text/html") > accepts(request, "application/json")
}

/// The offer that a client takes most gladly; the first of equals. None when it takes none of them.
pub fn negotiate<T: Copy>(request: &HttpRequest, offers: &[(T, &[&str])]) -> Option<T> {
    let mut best: Option<(f32, T)> = None;
    for (offer, media_types) in offers {
        let gladly = media_types.iter().map(|media_type| accepts(request, media_type)).fold(0.0, f32::max);
        if gladly > best.map_or(0.0, |(most, _)| most) {
            best = Some((gladly, *offer));
        }
    }
    best.map(|(_, offer)| offer)
}
