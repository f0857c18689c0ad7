//! Issuers that are not of this registry: whom the operator trusts, and where their keys are.
//!
//! Nothing is ever asked of an address that the operator has not written down: the documents that people show name addresses, and a
//! server that follows them can be sent anywhere (SSRF). A did:key needs no question; it is trusted only if it is listed.

use crate::credential::identity::{did_key, did_web, did_web_url, key_in_did_document, key_in_jwk, key_in_jwks, same_key_in_did_document};
use crate::credential::keys::PublicKey;
use crate::remote;
use crate::services::Registry;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const DOCUMENT_BYTES_MAX: u64 = 1 << 20;
/// How long an answer is believed; the status lists of others say the same of theirs.
const BELIEVED_FOR: Duration = Duration::from_secs(60);

/// Documents of trusted issuers that were fetched a moment ago.
#[derive(Default)]
pub struct KnownIssuers(Mutex<HashMap<String, Fetched>>);

/// A body, and when it came.
type Fetched = (Instant, Arc<Vec<u8>>);

const KEPT_MAX: usize = 100;

impl Registry {
    /// Whether the operator trusts an issuer: by its DID, or by a did:web of its host that is listed.
    pub(super) fn is_trusted_issuer(&self, issuer: &str) -> bool {
        let did = did_of(issuer);
        self.config.trusted_issuers.0.iter().any(|listed| did.strip_prefix(listed.as_str()).is_some_and(|rest| rest.is_empty() || listed.starts_with("did:web:") && rest.starts_with(':')))
    }

    /// Whether an address is of a host that is listed.
    fn may_ask(&self, url: &str) -> bool {
        let Some((scheme, rest)) = url.split_once("://") else { return false };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let did = did_web(&format!("{scheme}://{host}"), None);
        // The address that a did:web stands for: encrypted, except on this machine.
        let is_its_scheme = did_web_url(&did).is_some_and(|own| own.starts_with(&format!("{scheme}://")));
        is_its_scheme && self.config.trusted_issuers.0.iter().any(|listed| listed.strip_prefix(&did).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
    }

    /// A document of a trusted issuer; None when it is not to be asked, or gives no answer.
    pub(super) async fn ask_issuer(&self, url: &str) -> Option<Arc<Vec<u8>>> {
        if !self.may_ask(url) {
            return None;
        }
        let known = self.known_issuers.0.lock().unwrap_or_else(PoisonError::into_inner).get(url).filter(|(at, _)| at.elapsed() < BELIEVED_FOR).map(|(_, body)| Arc::clone(body));
        if known.is_some() {
            return known;
        }
        let wanted = url.to_owned();
        let answer = tokio::task::spawn_blocking(move || remote::get(&wanted, DOCUMENT_BYTES_MAX)).await.ok()?;
        match answer {
            Ok(answer) if answer.status == 200 => {
                let body = Arc::new(answer.body);
                let mut known = self.known_issuers.0.lock().unwrap_or_else(PoisonError::into_inner);
                if known.len() >= KEPT_MAX {
                    known.clear();
                }
                known.insert(url.to_owned(), (Instant::now(), Arc::clone(&body)));
                Some(body)
            }
            Ok(answer) => {
                tracing::warn!(url, status = answer.status, "a trusted issuer has no such document");
                None
            }
            Err(error) => {
                tracing::warn!(%error, "a trusted issuer does not answer");
                None
            }
        }
    }

    async fn ask_issuer_json(&self, url: &str) -> Option<Value> {
        crate::credential::strict_json::parse(&self.ask_issuer(url).await?).ok()
    }

    /// The key behind a verification method that its controller lists for assertions, with the controller.
    pub(super) async fn resolve_key(&self, method: &str) -> Option<(PublicKey, String)> {
        let (did, _) = method.split_once('#')?;
        if did.starts_with("did:key:") {
            return Some((did_key(method)?, did.to_owned()));
        }
        let document = self.ask_issuer_json(&did_web_url(did)?).await?;
        Some((key_in_did_document(&document, did, method)?, did.to_owned()))
    }

    /// The key whose JWK stands at an address (Open Badges 3.0, JSON Web Token Proof), with its controller. The address alone says nothing
    /// about whose it is: it counts if the issuer lists the same key for assertions.
    pub(super) async fn resolve_addressed_key(&self, url: &str, issuer: &str) -> Option<(PublicKey, String)> {
        let key = key_in_jwk(&self.ask_issuer_json(url).await?, url)?;
        let document = self.ask_issuer_json(&did_web_url(issuer)?).await?;
        Some((same_key_in_did_document(&document, issuer, &key)?, issuer.to_owned()))
    }

    /// The key that stands in the header itself (Open Badges 3.0, JSON Web Token Proof), with its controller: it counts if it is the issuer's
    /// own (did:key), or if the issuer lists it for assertions.
    pub(super) async fn resolve_shown_key(&self, jwk: &Value, issuer: &str) -> Option<(PublicKey, String)> {
        let key = key_in_jwk(jwk, "jwk")?;
        let listed = match issuer.strip_prefix("did:key:") {
            Some(multikey) => did_key(&format!("{issuer}#{multikey}")).filter(|own| own.bytes() == key.bytes())?,
            None => same_key_in_did_document(&self.ask_issuer_json(&did_web_url(issuer)?).await?, issuer, &key)?,
        };
        Some((listed, issuer.to_owned()))
    }

    /// The key of an issuer of SD-JWT VC, by the metadata under its own address (SD-JWT VC, "JWT VC Issuer Metadata").
    pub(super) async fn resolve_plain_key(&self, issuer: &str, key_id: Option<&str>) -> Option<PublicKey> {
        let (scheme, rest) = issuer.split_once("://")?;
        let (host, path) = rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
        let metadata = self.ask_issuer_json(&format!("{scheme}://{host}/.well-known/jwt-vc-issuer{path}")).await?;
        if metadata["issuer"] != issuer {
            return None;
        }
        let keys = match (&metadata["jwks"], metadata["jwks_uri"].as_str()) {
            (Value::Null, Some(url)) => self.ask_issuer_json(url).await?,
            (keys @ Value::Object(_), None) => keys.clone(),
            _ => return None,
        };
        key_in_jwks(&keys, key_id)
    }
}

/// The DID of an issuer that is named by a URL.
fn did_of(issuer: &str) -> String {
    match issuer.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let path: String = path.split('/').filter(|segment| !segment.is_empty()).map(|segment| format!(":{segment}")).collect();
            format!("{}{path}", did_web(&format!("{scheme}://{host}"), None))
        }
        None => issuer.to_owned(),
    }
}
