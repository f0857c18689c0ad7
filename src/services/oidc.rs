//! Workers who come through an outside OpenID Connect issuer, such as the city's identity service.
//!
//! The operator names the issuer. An ID token of it, sent within five minutes and once, opens a session like an access code does; the
//! claim that the operator names tells the document number. Keys come from the issuer's discovery document and are fetched again
//! when a token names an unknown one, at most once a minute.

use super::Registry;
use super::error::Error;
use super::worker_access::{OpenedSession, SignInRefusal};
use crate::config::OidcIssuer;
use crate::domain::id::WorkerId;
use crate::domain::text::Text;
use crate::remote::{self, Answer};
use crate::store::merges;
use crate::credential::jws::CompactJws;
use crate::credential::keys::PublicKey;
use crate::store::worker_access::AccessCodeRow;
use crate::store::workers as worker_store;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const DOCUMENT_BYTES_MAX: u64 = 1 << 18;
const TOKEN_BYTES_MAX: usize = 8192;
/// Between two looks for new keys.
const KEYS_AGAIN_AFTER: Duration = Duration::from_secs(60);
const KEYS_BELIEVED_FOR: Duration = Duration::from_secs(3_600);
/// Seconds within which a token must be sent.
const AGE_SECONDS_MAX: i64 = 300;
const LEEWAY_SECONDS: i64 = 5;
/// Asymmetric ones only: nobody shares a secret with the issuer here.
const ALGORITHMS: &[Algorithm] = &[Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA];

/// The issuer's keys as they were fetched.
#[derive(Default)]
pub struct OidcKeys(Mutex<KnownKeys>);

#[derive(Default)]
struct KnownKeys {
    keys: Option<JwkSet>,
    /// When they were asked for last, whether there was an answer or not.
    asked_at: Option<Instant>,
}

impl KnownKeys {
    /// By name; without one, the only key.
    fn find(&self, key_id: Option<&str>) -> Option<Jwk> {
        let set = self.keys.as_ref()?;
        match key_id {
            Some(id) => set.find(id),
            None if set.keys.len() == 1 => set.keys.first(),
            None => None,
        }
        .cloned()
    }
}

/// Whether a token of EdDSA holds strictly (RFC 8032, 5.1.7): the library takes small points too.
fn holds_strictly(token: &str, key: &Jwk) -> bool {
    let AlgorithmParameters::OctetKeyPair(pair) = &key.algorithm else { return false };
    let key = URL_SAFE_NO_PAD.decode(&pair.x).ok().and_then(|bytes| PublicKey::named("", &bytes));
    key.is_some_and(|key| CompactJws::parse(token).is_ok_and(|jws| jws.is_signed_by(&key)))
}

fn fetched(url: &str) -> Result<Value, String> {
    let Answer { status, body } = remote::get(url, DOCUMENT_BYTES_MAX).map_err(|error| error.to_string())?;
    if status != 200 {
        return Err(format!("{url}: status {status} found, 200 expected"));
    }
    serde_json::from_slice(&body).map_err(|_| format!("{url}: JSON expected"))
}

/// The keys that the issuer publishes (OpenID Connect Discovery 1.0, 4).
fn fetch_keys(issuer: &str) -> Result<JwkSet, String> {
    let document = fetched(&format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
    if document["issuer"] != issuer {
        return Err(format!("{issuer}: its discovery document is of another issuer"));
    }
    let keys = document["jwks_uri"].as_str().ok_or_else(|| format!("{issuer}: no jwks_uri in its discovery document"))?;
    let origin = issuer.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    if !keys.starts_with("https://") && !keys.starts_with(&format!("{origin}/")) {
        return Err(format!("{issuer}: its jwks_uri is neither https nor of its own origin"));
    }
    serde_json::from_value(fetched(keys)?).map_err(|_| format!("{keys}: a JWK set expected"))
}

impl Registry {
    /// Exchanges an ID token of the configured issuer for a session.
    pub async fn open_session_by_oidc(&self, token: &str, source: &str) -> Result<OpenedSession, SignInRefusal> {
        let Some(issuer) = &self.config.oidc else {
            return Err(Error::invalid("id_token", Text::new("no outside issuer is configured; sign in with an access code", "未配置外部身份认证，请使用验证码登录")).into());
        };
        let attempt = format!("id token {source}");
        if let Some(seconds) = self.wait_for_client(&attempt) {
            return Err(SignInRefusal::TooMany(seconds));
        }
        let worker = match self.verify_id_token(issuer, token).await? {
            Some(number) => self.find_only_owner(&number).await?,
            None => None,
        };
        let opened = match worker {
            Some(worker) => {
                let now = self.now_micros();
                let code = AccessCodeRow {
                    // Of what is signed: some signatures have a second form that is valid too.
                    code_hash: self.vault.blind_index("id token", token.rsplit_once('.').map_or(token, |(signed, _)| signed)).to_vec(),
                    worker_id: worker.to_string(),
                    organisation_id: None,
                    // The issuer that the operator trusts has seen the document.
                    by_registrar: true,
                    expires_at: now + AGE_SECONDS_MAX * 1_000_000,
                    made_at: now,
                    made_by: issuer.issuer.clone(),
                };
                self.start_worker_session(&worker, code.code_hash.clone(), Some(code)).await?
            }
            None => None,
        };
        match opened {
            Some(opened) => Ok(opened),
            None => {
                self.count_wrong_secret(&attempt);
                Err(SignInRefusal::Wrong)
            }
        }
    }

    /// The document number that a token of the issuer tells; None for every kind of wrong token.
    async fn verify_id_token(&self, issuer: &OidcIssuer, token: &str) -> Result<Option<String>, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(None) };
        if !ALGORITHMS.contains(&header.alg) {
            return Ok(None);
        }
        let Some(jwk) = self.oidc_key(issuer, header.kid.as_deref()).await? else { return Ok(None) };
        let Ok(key) = DecodingKey::from_jwk(&jwk) else { return Ok(None) };
        if header.alg == Algorithm::EdDSA && !holds_strictly(token, &jwk) {
            return Ok(None);
        }
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_audience(&[&issuer.audience]);
        validation.set_issuer(&[&issuer.issuer]);
        // The library compares with the machine's clock; ours may be another.
        validation.validate_exp = false;
        let Ok(decoded) = jsonwebtoken::decode::<Value>(token, &key, &validation) else { return Ok(None) };
        let claims = decoded.claims;
        let (Some(expires), Some(issued)) = (claims["exp"].as_i64(), claims["iat"].as_i64()) else { return Ok(None) };
        let now = self.clock.now().timestamp();
        let is_current = now < expires + LEEWAY_SECONDS && issued <= now + LEEWAY_SECONDS && now <= issued + AGE_SECONDS_MAX;
        Ok(claims[&issuer.document_claim].as_str().filter(|_| is_current).map(crate::domain::number::normalised))
    }

    async fn oidc_key(&self, issuer: &OidcIssuer, key_id: Option<&str>) -> Result<Option<Jwk>, Error> {
        let unreachable = || Error::Unavailable(Text::new("the outside issuer cannot be reached; sign in with an access code, or try again", "外部身份认证暂不可用，请使用验证码登录或稍后再试"));
        {
            let mut known = self.oidc_keys.0.lock().unwrap_or_else(PoisonError::into_inner);
            // A key that the issuer has withdrawn is forgotten in time.
            let is_fresh = known.asked_at.is_some_and(|at| at.elapsed() < KEYS_BELIEVED_FOR);
            if let Some(key) = known.find(key_id).filter(|_| is_fresh) {
                return Ok(Some(key));
            }
            // Invented key identifiers, and an issuer that is down, make no more than one request a minute.
            if known.asked_at.is_some_and(|at| at.elapsed() < KEYS_AGAIN_AFTER) {
                return if known.keys.is_some() { Ok(None) } else { Err(unreachable()) };
            }
            known.asked_at = Some(Instant::now());
        }
        let url = issuer.issuer.clone();
        let keys = tokio::task::spawn_blocking(move || fetch_keys(&url)).await.map_err(|error| Error::Internal(error.to_string()))?;
        let keys = keys.map_err(|why| {
            tracing::error!(%why, "the keys of the outside issuer cannot be read");
            unreachable()
        })?;
        let mut known = self.oidc_keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.keys = Some(keys);
        Ok(known.find(key_id))
    }

    /// The person whom documents with this number belong to; None for nobody, and for several.
    async fn find_only_owner(&self, number: &str) -> Result<Option<WorkerId>, Error> {
        let hash = self.number_hash(number);
        let read = move |conn: &mut crate::store::backend::Conn| {
            let owners: Vec<String> = worker_store::list_documents_by_number(conn, &hash)?.into_iter().map(|row| row.worker_id).collect();
            Ok((merges::list_persons(conn, &owners)?, owners))
        };
        let (persons, owners) = self.store.read_snapshot(read).await?;
        let roots: HashSet<&str> = owners.iter().map(|owner| persons.root_of(owner)).collect();
        // The record that has the document, which stays the person's own when records are parted.
        if roots.len() == 1 { owners.first().map(|owner| super::stored(owner)).transpose() } else { Ok(None) }
    }
}
