//! Access: client secrets, access tokens, and who is behind them.
//!
//! Tokens are RFC 9068 `at+jwt` signed with EdDSA by a key that signs nothing else. Every claim is required and compared, the
//! header may hold `alg`, `typ` and `kid` only, and the client is looked up again every two seconds, so that a revoked client
//! is out within that time on every node.

use super::Registry;
use super::error::Error;
use super::keys::PURPOSE_TOKENS;
use crate::credential::jws::CompactJws;
use crate::domain::access::{Actor, Role, Scope, SignedInWorker};
use crate::domain::id::{ClientId, ClientSessionId, OrganisationId, WorkerId};
use crate::store::organisations::{self, ClientRow};
use crate::store::client_sessions;
use crate::store::worker_access;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a verified token is believed without looking again.
const BELIEVED_FOR: Duration = Duration::from_secs(2);
/// The scope of a worker's own token.
pub(super) const SELF_SCOPE: &str = "self";
const LEEWAY_SECONDS: u64 = 5;
const TOKEN_BYTES_MAX: usize = 4096;
const WRONG_SECRETS_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Tokens that were verified a moment ago, and clients that sent wrong secrets.
pub struct AccessCache {
    believed: quick_cache::sync::Cache<[u8; 32], (Actor, i64, Instant)>,
    believed_workers: quick_cache::sync::Cache<[u8; 32], (SignedInWorker, i64, Instant)>,
    /// Tokens that were given for a client and its secret, by a digest of both.
    tokens_of_secrets: quick_cache::sync::Cache<[u8; 32], String>,
    wrong: Mutex<HashMap<String, (u32, Instant)>>,
    /// One password hash takes its memory and a core; more at once than cores would only take memory.
    hashing: tokio::sync::Semaphore,
}

impl Default for AccessCache {
    fn default() -> Self {
        AccessCache { believed: quick_cache::sync::Cache::new(10_000), believed_workers: quick_cache::sync::Cache::new(100_000), tokens_of_secrets: quick_cache::sync::Cache::new(10_000), wrong: Mutex::new(HashMap::new()), hashing: tokio::sync::Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)) }
    }
}

/// Claims of an access token (RFC 9068, 2.2).
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub(super) sub: String,
    client_id: String,
    pub(super) scope: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

/// What `/oauth/token` answers.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    pub access_token: String,
    pub expires_in: u64,
    pub scope: String,
}

/// Why no token was given (RFC 6749, 5.2).
#[derive(Debug)]
pub enum TokenRefusal {
    InvalidClient,
    InvalidScope,
    /// Too many wrong secrets; seconds to wait.
    TooMany(u64),
    Other(Error),
}

impl From<Error> for TokenRefusal {
    fn from(error: Error) -> Self {
        TokenRefusal::Other(error)
    }
}

impl Registry {
    /// Exchanges a client's secret for an access token (RFC 6749, 4.4).
    pub async fn issue_token(&self, client_id: &str, secret: &str, scope: Option<&str>, source: &str) -> Result<IssuedToken, TokenRefusal> {
        let client = self.check_secret(client_id, secret, source).await?;
        let granted = granted_scopes(&client, scope).ok_or(TokenRefusal::InvalidScope)?;
        let access_token = self.sign_access_token(&client.id, &granted, self.entropy.uuid(), self.config.token_seconds).await?;
        Ok(IssuedToken { access_token, expires_in: self.config.token_seconds, scope: granted })
    }

    /// The client whose secret this is.
    pub(super) async fn check_secret(&self, client_id: &str, secret: &str, source: &str) -> Result<ClientRow, TokenRefusal> {
        // Counted by client and source, so that a stranger's guesses do not lock the client out.
        let attempt = format!("{} {source}", client_id.chars().take(64).collect::<String>());
        if client_id.parse::<ClientId>().is_err() {
            return Err(TokenRefusal::InvalidClient);
        }
        if let Some(seconds) = self.wait_for_client(&attempt) {
            return Err(TokenRefusal::TooMany(seconds));
        }
        let wanted = client_id.to_owned();
        let client = self.store.read(move |conn| organisations::find_client(conn, &wanted)).await.map_err(Error::from)?;
        // An unknown client costs as much time as a known one with a wrong secret.
        let hash = client.as_ref().map_or_else(|| unknown_client_hash(self.config.secret_memory_kib), |client| client.secret_hash.clone());
        let secret = secret.to_owned();
        let _turn = self.access.hashing.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        let is_right = tokio::task::spawn_blocking(move || verify_secret(&hash, &secret)).await.map_err(|error| Error::Internal(error.to_string()))?;
        client.filter(|_| is_right).ok_or_else(|| {
            self.count_wrong_secret(&attempt);
            TokenRefusal::InvalidClient
        })
    }

    /// A client with all its scopes.
    pub(super) fn actor_of_client(&self, client: &ClientRow) -> Option<Actor> {
        actor_of(client, &client.scopes)
    }

    /// A token of a client; of a worker, whose session its `jti` names; or of a platform's access.
    pub(super) async fn sign_access_token(&self, subject: &str, scope: &str, id: String, seconds: u64) -> Result<String, Error> {
        let now = self.clock.now().timestamp();
        let claims = Claims {
            iss: self.config.public_url.clone(),
            aud: self.config.public_url.clone(),
            sub: subject.to_owned(),
            client_id: subject.to_owned(),
            scope: scope.to_owned(),
            iat: now,
            nbf: now,
            exp: now + i64::try_from(seconds).unwrap_or(i64::MAX / 2),
            jti: id,
        };
        let key = self.current_key(self.registry_did(), PURPOSE_TOKENS).await?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.public.key_id.clone());
        let der = key.to_pkcs8().ok_or_else(|| Error::Internal("the key of tokens is held elsewhere".to_owned()))?;
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(&der)).map_err(|error| Error::Internal(error.to_string()))
    }

    /// The worker behind a bearer token whose session is open. None for every kind of wrong token.
    pub async fn find_signed_in_worker(&self, token: &str) -> Result<Option<SignedInWorker>, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let now = self.clock.now().timestamp();
        if let Some((worker, expires, at)) = self.access.believed_workers.get(&digest)
            && at.elapsed() < BELIEVED_FOR
        {
            return Ok((now < expires).then_some(worker));
        }
        let Some(claims) = self.verify_token(token).await?.filter(|claims| claims.scope == SELF_SCOPE) else { return Ok(None) };
        let wanted = claims.jti.clone();
        let Some((row, by_registrar)) = self.store.read(move |conn| worker_access::find_open_session(conn, &wanted)).await?.filter(|(row, _)| row.worker_id == claims.sub) else { return Ok(None) };
        // Whoever signs in with one of two joined records sees the whole person.
        let record: WorkerId = super::stored(&row.worker_id)?;
        let worker = SignedInWorker { worker: self.root_of(&record).await?, record, session: super::stored(&row.id)?, by_registrar };
        self.access.believed_workers.insert(digest, (worker.clone(), claims.exp, Instant::now()));
        Ok(Some(worker))
    }

    /// The actor behind a client's secret, for platforms that send it with every request. A secret is hashed once in the life of a token.
    pub async fn find_actor_by_secret(&self, client_id: &str, secret: &str, source: &str) -> Result<Actor, TokenRefusal> {
        let digest: [u8; 32] = Sha256::new().chain_update(client_id).chain_update([0]).chain_update(secret).finalize().into();
        if let Some(token) = self.access.tokens_of_secrets.get(&digest)
            && let Some(actor) = self.find_actor(&token).await?
        {
            return Ok(actor);
        }
        let token = self.issue_token(client_id, secret, None, source).await?.access_token;
        self.access.tokens_of_secrets.insert(digest, token.clone());
        self.find_actor(&token).await?.ok_or(TokenRefusal::InvalidClient)
    }

    /// What every form of a session carries, so that no other page can send one in its name.
    pub fn form_secret(&self, session: &str) -> String {
        hex::encode(&self.vault.blind_index("form", session)[..16])
    }

    /// Who is behind a bearer token. None for every kind of wrong token: the caller hears one answer for all of them.
    pub async fn find_actor(&self, token: &str) -> Result<Option<Actor>, Error> {
        if token.len() > TOKEN_BYTES_MAX {
            return Ok(None);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let now = self.clock.now().timestamp();
        if let Some((actor, expires, at)) = self.access.believed.get(&digest)
            && at.elapsed() < BELIEVED_FOR
        {
            return Ok((now < expires).then_some(actor));
        }
        let Some(claims) = self.verify_token(token).await? else { return Ok(None) };
        let (wanted, session, now_micros) = (claims.sub.clone(), claims.jti.clone(), self.now_micros());
        let is_of_session = session.parse::<ClientSessionId>().is_ok();
        let client = self
            .store
            .read(move |conn| {
                // A browser's token is no better than its session.
                if is_of_session && client_sessions::find_open_client_session(conn, &session)?.is_none_or(|row| row.client_id != wanted || row.expires_at <= now_micros) {
                    return Ok(None);
                }
                organisations::find_client(conn, &wanted)
            })
            .await?;
        let Some(client) = client else { return Ok(None) };
        let Some(actor) = actor_of(&client, &claims.scope) else { return Ok(None) };
        self.access.believed.insert(digest, (actor.clone(), claims.exp, Instant::now()));
        Ok(Some(actor))
    }

    /// The actor behind the token of a browser, with the session and the moment (seconds since 1970) at which the token was made.
    pub(super) async fn find_session_actor(&self, token: &str) -> Result<Option<(Actor, ClientSessionId, i64)>, Error> {
        let Some(actor) = self.find_actor(token).await? else { return Ok(None) };
        // The token was verified a moment ago: its claims are what we wrote.
        let Ok(jws) = CompactJws::parse(token) else { return Ok(None) };
        let Ok(claims) = serde_json::from_slice::<Claims>(&jws.payload) else { return Ok(None) };
        Ok(claims.jti.parse().ok().map(|session| (actor, session, claims.iat)))
    }

    /// Forgets every actor that was believed a moment ago.
    pub(super) fn forget_actors(&self) {
        self.access.believed.clear();
    }

    /// Forgets sessions of a worker that were believed a moment ago.
    pub(super) fn forget_worker_sessions(&self, ended: &[String]) {
        self.access.believed_workers.retain(|_, (worker, ..)| !ended.iter().any(|id| id == worker.session.as_str()));
    }

    pub(super) async fn verify_token(&self, token: &str) -> Result<Option<Claims>, Error> {
        // Forms that readers could disagree on are refused before the library sees them.
        let Ok(jws) = CompactJws::parse(token) else { return Ok(None) };
        let is_plain = jws.header.as_object().is_some_and(|header| header.keys().all(|name| ["alg", "typ", "kid"].contains(&name.as_str())));
        let (Some("at+jwt"), Some(key_id), true) = (jws.typ(), jws.key_id(), is_plain) else { return Ok(None) };
        if crate::credential::strict_json::parse(&jws.payload).is_err() {
            return Ok(None);
        }
        let Some(key) = self.find_key(key_id).await?.filter(|key| key.purpose == PURPOSE_TOKENS && key.owner == self.registry_did() && key.revoked_at.is_none()) else { return Ok(None) };
        if !jws.is_signed_by(&key.public) {
            return Ok(None);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.set_audience(&[&self.config.public_url]);
        validation.set_issuer(&[&self.config.public_url]);
        // The library compares with the machine's clock; ours may be another, so both instants are compared below.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let decoding = DecodingKey::from_ed_der(key.public.bytes());
        let Ok(decoded) = jsonwebtoken::decode::<Claims>(token, &decoding, &validation) else { return Ok(None) };
        let claims = decoded.claims;
        let now = self.clock.now().timestamp();
        let leeway = i64::try_from(LEEWAY_SECONDS).unwrap_or(0);
        let is_current = now < claims.exp + leeway && claims.nbf <= now + leeway && claims.iat <= now + leeway;
        let is_ours = claims.aud == self.config.public_url && claims.iss == self.config.public_url && claims.sub == claims.client_id;
        Ok((is_current && is_ours).then_some(claims))
    }

    pub(super) fn wait_for_client(&self, attempt: &str) -> Option<u64> {
        let wrong = self.access.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, since) = wrong.get(attempt)?;
        let left = WRONG_SECRETS_WINDOW.checked_sub(since.elapsed())?;
        (self.config.wrong_secrets_max > 0 && *count >= self.config.wrong_secrets_max).then_some(left.as_secs() + 1)
    }

    pub(super) fn count_wrong_secret(&self, attempt: &str) {
        let mut wrong = self.access.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.retain(|_, (_, since)| since.elapsed() < WRONG_SECRETS_WINDOW);
        // Invented names must not fill the memory; the argon2 cost bounds how fast they come.
        if wrong.len() < 100_000 {
            wrong.entry(attempt.to_owned()).or_insert((0, Instant::now())).0 += 1;
        }
    }

    /// A new client secret: shown once, kept as argon2.
    pub(super) fn make_secret(&self) -> (String, String) {
        let secret = URL_SAFE_NO_PAD.encode(self.entropy.bytes::<32>());
        let salt = SaltString::encode_b64(&self.entropy.bytes::<16>()).expect("16 bytes are a legal salt");
        let hash = secret_hasher(self.config.secret_memory_kib).hash_password(secret.as_bytes(), &salt).expect("legal costs and salt").to_string();
        (secret, hash)
    }
}

/// Passes of Argon2id over its memory.
const PASSES: u32 = 2;

fn secret_hasher(memory_kib: u32) -> argon2::Argon2<'static> {
    let cost = argon2::Params::new(memory_kib, PASSES, 1, None).expect("the settings allow legal costs only");
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cost)
}

/// A hash of nothing that anybody knows, so that unknown clients take as long as known ones.
fn unknown_client_hash(memory_kib: u32) -> String {
    format!("$argon2id$v=19$m={memory_kib},t={PASSES},p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
}

fn verify_secret(hash: &str, secret: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| argon2::Argon2::default().verify_password(secret.as_bytes(), &hash).is_ok())
}

/// The scopes asked for, if the client has them all; every scope of the client when none is asked for.
fn granted_scopes(client: &ClientRow, asked: Option<&str>) -> Option<String> {
    let held: Vec<&str> = client.scopes.split(' ').collect();
    match asked.map(str::trim).filter(|asked| !asked.is_empty()) {
        None => Some(client.scopes.clone()),
        Some(asked) => asked.split_whitespace().all(|scope| held.contains(&scope)).then(|| asked.split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// The actor of a client, with those scopes of the token that the client still has.
fn actor_of(client: &ClientRow, scope: &str) -> Option<Actor> {
    let held: Vec<&str> = client.scopes.split(' ').collect();
    let scopes: Vec<Scope> = scope.split(' ').filter(|name| held.contains(name)).filter_map(|name| name.parse().ok()).collect();
    let organisation = match &client.organisation_id {
        Some(id) => Some(id.parse::<OrganisationId>().ok()?),
        None => None,
    };
    Some(Actor { client: client.id.parse::<ClientId>().ok()?, organisation, role: client.role.parse::<Role>().ok()?, scopes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_client_costs_as_much_as_a_known_one() {
        for memory_kib in [64, 19_456] {
            let (unknown, known) = (unknown_client_hash(memory_kib), secret_hasher(memory_kib).hash_password(b"x", &SaltString::encode_b64(&[0; 16]).unwrap()).unwrap().to_string());
            let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(cost(&unknown), cost(&known));
            assert!(!verify_secret(&unknown, "x") && verify_secret(&known, "x"));
        }
    }
}
