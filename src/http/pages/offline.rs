//! The offline verifier: one file with the keys of this registry in it, which asks nobody. Taken from the official address once, it
//! unmasks imitations later.

use super::assets::{OFFLINE, PROOFS, STYLE, policy_hash};
use super::reader::Reader;
use super::templates::fill;
use crate::credential::identity::jwk;
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::services::error::Error;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde_json::{Value, json};

/// What the offline verifier is, and where to take it.
#[get("/offline")]
pub async fn show_offline_page(state: Data<AppState>, reader: Reader) -> Result<HttpResponse, Problem> {
    let log_key = state.registry.log_key().await?.to_string();
    reader.page(StatusCode::OK, "offline.html", json!({ "log_key": log_key, "did": state.registry.registry_did() }))
}

/// The offline verifier itself.
#[get("/offline/jilu-verifier.html")]
pub async fn download_offline_verifier(state: Data<AppState>, reader: Reader) -> Result<HttpResponse, Problem> {
    let keys: Vec<Value> = state
        .registry
        .list_all_keys()
        .await?
        .iter()
        .map(|published| jwk(&published.key))
        .collect();
    let pinned = json!({ "public_url": state.registry.config.public_url, "made_at": crate::http::reply::instant(state.registry.clock.now()), "log_key": state.registry.log_key().await?.to_string(), "keys": keys });
    let script = format!("{PROOFS}\n{OFFLINE}");
    let policy = format!("default-src 'none'; style-src {}; script-src {}", policy_hash(STYLE), policy_hash(&script));
    let content = json!({ "script": script, "policy": policy, "pinned": pinned, "made_at": super::shown::beijing_time(state.registry.clock.now(), reader.language), "public_url": state.registry.config.public_url });
    let html = fill(reader.language, "offline-verifier.html", minijinja::Value::from(minijinja::value::Serde(content))).map_err(|error| Problem::from(Error::Internal(format!("{error:#}"))))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"jilu-verifier.html\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(html))
}
