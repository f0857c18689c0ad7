//! The offline verifier: one file with the keys of this registry in it, which asks nobody. Taken from the official address once, it
//! unmasks imitations later.

use super::assets::{OFFLINE, PROOFS, STYLE, policy_hash};
use super::reader::Reader;
use super::shown::{MEMBERS, beijing_time, tone_of};
use super::templates::fill;
use crate::credential::identity::{PublishedKey, jwk};
use crate::domain::certificate::member_name;
use crate::domain::text::{Language, Text};
use crate::domain::verification::{CHECKS, Heading, Outcome, check_name};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::reply::instant;
use crate::services::error::Error;
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

/// What the offline verifier is, and where to take it.
#[get("/offline")]
pub async fn show_offline_page(state: Data<AppState>, reader: Reader) -> Result<HttpResponse, Problem> {
    let log_key = state.registry.log_key().await?.to_string();
    reader.page(StatusCode::OK, "offline.html", json!({ "log_key": log_key, "did": state.registry.registry_did() }))
}

/// The offline verifier itself.
#[get("/offline/jilu-verifier.html")]
pub async fn download_offline_verifier(state: Data<AppState>, reader: Reader) -> Result<HttpResponse, Problem> {
    let (registry, language) = (&state.registry, reader.language);
    let keys: Vec<Value> = registry.list_keys_ever().await?.iter().map(pinned_key).collect();
    let pinned = json!({ "did": registry.registry_did(), "made_at": instant(registry.clock.now()), "log_key": registry.log_key().await?.to_string(), "keys": keys });
    let script = format!("{PROOFS}\n{OFFLINE}");
    let policy = format!("default-src 'none'; style-src {}; script-src {}", policy_hash(STYLE), policy_hash(&script));
    let headings = headings(language);
    let shapes: Vec<&String> = headings.keys().collect();
    let members: Map<String, Value> = MEMBERS.into_iter().map(|member| (member.to_owned(), json!(member_name(member).in_language(language)))).collect();
    let checks: Map<String, Value> = CHECKS.into_iter().map(|check| (check.to_owned(), json!(check_name(check).in_language(language)))).collect();
    let content = json!({
        "script": script, "policy": policy, "pinned": pinned, "shapes": shapes, "headings": headings, "members": members, "check_names": checks,
        "made_at": beijing_time(registry.clock.now(), language), "public_url": registry.config.public_url,
    });
    let html = fill(language, "offline-verifier.html", minijinja::Value::from(minijinja::value::Serde(content))).map_err(|error| Problem::from(Error::Internal(format!("{error:#}"))))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"jilu-verifier.html\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(html))
}

/// A key as the verifier knows it: a JWK, with the moment of its theft if it was stolen.
fn pinned_key(published: &PublishedKey) -> Value {
    let mut key = jwk(&published.key);
    if let Some(at) = published.revoked_at {
        key["revoked_at"] = json!(at.to_rfc3339_opts(SecondsFormat::Micros, true));
    }
    key
}

/// What may stand above an answer: as on the pages, and what only somebody without a network has to say.
fn headings(language: Language) -> Map<String, Value> {
    let of_files = [Heading::Forged, Heading::NoRight, Heading::StolenKey, Heading::NoDocument];
    let shared = Outcome::ALL.iter().map(|outcome| Heading::Outcome(*outcome)).chain(of_files).map(|heading| (heading.code(), heading.name(), heading.meaning(), tone_of(heading)));
    let own = [
        ("unasked", Text::new("Genuine, status not asked", "确系签发，状态未查"), Text::new("Its issuer signed exactly this. Whether it is still in force today can only be asked online.", "该文件确由签发者签署且未被改动；今日是否仍然有效，须联网查询。"), "none"),
        ("foreign", Text::new("Not of this registry", "不是本登记系统的文件"), Text::new("This tool knows the keys of one registry and cannot check the file, which says nothing against it.", "本工具只有本登记系统的公钥，无法核验该文件；这不说明其真假。"), "none"),
        ("not_yet", Text::new("Not yet valid", "尚未生效"), Text::new("Its issuer signed exactly this, but its first valid day has not come.", "该文件确由签发者签署且未被改动，但有效期尚未开始。"), "wait"),
        ("unknown_key", Text::new("Could not be checked", "未能核验"), Text::new("It names a key that this tool does not have. Download the tool again from the official address; do not rely on the file before.", "其签名密钥不在本工具中。请从官方地址重新下载本工具再核验，在此之前勿采信。"), "none"),
    ];
    shared.chain(own).map(|(code, name, meaning, tone)| (code.to_owned(), json!({ "name": name.in_language(language), "meaning": meaning.in_language(language), "tone": tone }))).collect()
}
