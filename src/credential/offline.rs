//! A credential checked by what its holder carries: the document, the proof from the log, the published keys, a status list. No
//! database, no network, and nothing of the registry has to be believed but its keys.

use super::conformance;
use super::data_integrity::{self, Expectation};
use super::identity::did_web;
use super::jws::{CREDENTIAL_TYP, CompactJws};
use super::keys::PublicKey;
use super::{status_list, strict_json};
use crate::merkle::leaf::{Entry, commitment};
use crate::merkle::note::{Note, NoteKey};
use crate::merkle::tlog_proof::TlogProof;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// What the holder shows. Texts as they were downloaded.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The credential as a compact JWS.
    pub credential: String,
    /// The `.tlog-proof` file.
    pub proof: Option<String>,
    /// A JWK set with the keys of the issuer and, for the status list, of the registry.
    pub keys: Value,
    /// The key of the log.
    pub log_key: Option<String>,
    /// The status list that the credential points at, as a compact JWS.
    pub status_list: Option<String>,
    /// Who must have cosigned the proof's checkpoint, and how many of them are enough. None need to where there are none.
    pub witnesses: Vec<NoteKey>,
    pub quorum: usize,
}

/// One check; `passed` is None when the holder did not show what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfflineCheck {
    pub name: &'static str,
    pub passed: Option<bool>,
    pub detail: String,
}

fn check(name: &'static str, result: Result<String, String>) -> OfflineCheck {
    let passed = Some(result.is_ok());
    OfflineCheck { name, passed, detail: result.unwrap_or_else(|fault| fault) }
}

fn not_shown(name: &'static str, what: &str) -> OfflineCheck {
    OfflineCheck { name, passed: None, detail: format!("not checked: {what} was not given") }
}

/// The salt and the entry that a proof file carries as its extra data: 32 bytes, then the text.
pub fn split_extra(extra: &[u8]) -> Option<([u8; 32], &str)> {
    let (salt, entry) = extra.split_first_chunk::<32>()?;
    Some((*salt, std::str::from_utf8(entry).ok()?))
}

/// Runs every check; none is skipped silently.
pub fn verify(evidence: &Evidence, now: DateTime<Utc>) -> Vec<OfflineCheck> {
    let text = evidence.credential.trim();
    let parsed = CompactJws::parse(text).map_err(|fault| format!("not a JWS that can be verified: {fault}"));
    let document = parsed.as_ref().map_err(Clone::clone).and_then(|jws| strict_json::parse(&jws.payload).map_err(|_| "the payload is not JSON without duplicate members".to_owned()));
    let (jws, document) = match (parsed, document) {
        (Ok(jws), Ok(document)) => (jws, document),
        (Err(fault), _) | (_, Err(fault)) => return vec![check("proof", Err(fault))],
    };
    let is_record = document["type"].as_array().is_some_and(|types| types.iter().any(|name| name == "ClrCredential"));
    let conforms = if is_record { conformance::check_learner_record(&document) } else { conformance::check(&document) };
    let standard = if is_record { "the Comprehensive Learner Record 2.0" } else { "Open Badges 3.0" };
    let schema = conforms.map(|_| format!("the document follows VC 2.0 and {standard}")).map_err(|breaches| {
        let places: Vec<String> = breaches.iter().map(|breach| format!("{} ({} expected)", breach.path, breach.expected)).collect();
        places.join("; ")
    });
    let first = [check("proof", signed_by_issuer(&jws, &document, &evidence.keys)), check("schema", schema), check("validity", validity(&document, now))];
    if is_record {
        // Its own entry in the log is of the file; each certificate inside has a status of its own.
        return first.into_iter().chain([check("certificates", certificates_inside(&document, &evidence.keys, now))]).collect();
    }
    let checks = first.map(Some).into_iter().chain([
        Some(match (&evidence.proof, &evidence.log_key) {
            (Some(proof), Some(key)) => check("log", logged(text, &document, proof, key)),
            _ => not_shown("log", "the proof file or the log's key"),
        }),
        (!evidence.witnesses.is_empty()).then(|| check("witnesses", witnessed(evidence))),
        Some(match &evidence.status_list {
            Some(list) => check("status", status(&document, list.trim(), &evidence.keys, now)),
            None => not_shown("status", "a status list"),
        }),
    ]);
    checks.flatten().collect()
}

/// The embedded proof of every certificate in a learner record, each by a key of its own issuer.
fn certificates_inside(record: &Value, keys: &Value, now: DateTime<Utc>) -> Result<String, String> {
    let inside = record["credentialSubject"]["verifiableCredential"].as_array().map_or(&[][..], Vec::as_slice);
    for credential in inside {
        embedded(credential, keys, now).map_err(|why| format!("{}: {why}", credential["id"].as_str().unwrap_or("a credential without id")))?;
    }
    Ok(format!("{} certificates, each with the proof of its issuer", inside.len()))
}

/// Every embedded proof of a credential, by a published key of its issuer.
fn embedded(credential: &Value, keys: &Value, now: DateTime<Utc>) -> Result<String, String> {
    let issuer = credential["issuer"]["id"].as_str();
    let mut find_key = |method: &str| {
        let (key, controller) = published_key(data_integrity::key_of_multikey(method)?, keys).ok()?;
        (issuer == Some(controller.as_str())).then_some(key)
    };
    let proofs = data_integrity::verify(credential, &Expectation::assertion(now), &mut find_key).map_err(|fault| fault.to_string())?;
    let methods: Vec<String> = proofs.iter().map(|proof| format!("{} by {}", proof.suite.as_str(), proof.method)).collect();
    Ok(methods.join(", "))
}

/// Whether enough witnesses have cosigned the checkpoint that the proof rests on: a log that shows two people two trees has no
/// quorum for both.
fn witnessed(evidence: &Evidence) -> Result<String, String> {
    let proof = evidence.proof.as_deref().and_then(TlogProof::parse).ok_or("not a tlog-proof file")?;
    let note = Note::parse(&proof.checkpoint).map_err(|error| format!("the checkpoint: {error}"))?;
    let (found, quorum, count) = (note.count_cosigned(&evidence.witnesses), evidence.quorum, evidence.witnesses.len());
    let said = format!("{found} of {count} witnesses have cosigned the checkpoint, at least {quorum} expected");
    if found >= quorum && quorum > 0 { Ok(said) } else { Err(said) }
}

/// The key that a header names, from the JWK set; its identifier begins with the DID of its controller.
fn key_of(jws: &CompactJws<'_>, keys: &Value) -> Result<(PublicKey, String), String> {
    published_key(jws.key_id().ok_or("no key identifier in the header")?, keys)
}

/// A key of the set, with its controller.
fn published_key(key_id: &str, keys: &Value) -> Result<(PublicKey, String), String> {
    let (controller, _) = key_id.split_once('#').ok_or("the key identifier is not a DID URL")?;
    let jwk = keys["keys"].as_array().into_iter().flatten().find(|key| key["kid"] == key_id).ok_or_else(|| format!("{key_id} is not among the keys given"))?;
    let bytes = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap_or_default()).unwrap_or_default();
    let key = PublicKey::from_bytes(controller, &bytes).filter(|key| key.key_id == key_id).ok_or("the key given does not have the thumbprint of its name")?;
    Ok((key, controller.to_owned()))
}

fn signed_by_issuer(jws: &CompactJws<'_>, document: &Value, keys: &Value) -> Result<String, String> {
    if jws.typ() != Some(CREDENTIAL_TYP) {
        return Err(format!("typ {CREDENTIAL_TYP} expected in the header"));
    }
    let (key, controller) = key_of(jws, keys)?;
    let issuer = document["issuer"]["id"].as_str().or_else(|| document["issuer"].as_str());
    if issuer != Some(controller.as_str()) {
        return Err("the issuer is not the controller of the key".to_owned());
    }
    if jws.is_signed_by(&key) { Ok(format!("signed by {}", key.key_id)) } else { Err("the signature does not fit the document".to_owned()) }
}

fn validity(document: &Value, now: DateTime<Utc>) -> Result<String, String> {
    let instant = |name: &str| document[name].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    let from = instant("validFrom").ok_or("validFrom is missing")?;
    if from > now {
        return Err(format!("valid from {from}"));
    }
    match instant("validUntil") {
        Some(until) if until < now => Err(format!("valid until {until}")),
        _ => Ok(format!("valid at {}", now.format("%Y-%m-%dT%H:%M:%SZ"))),
    }
}

fn logged(credential: &str, document: &Value, proof: &str, key: &str) -> Result<String, String> {
    let key: NoteKey = key.parse().map_err(|error| format!("the log's key: {error}"))?;
    let proof = TlogProof::parse(proof).ok_or("not a tlog-proof file")?;
    let (salt, text) = proof.extra.as_deref().and_then(split_extra).ok_or("the proof carries no salt and entry")?;
    let entry = Entry::parse(text).ok_or("the proof's entry is not one of this kind of log")?;
    let organisation = document["issuer"]["id"].as_str().and_then(|did| did.rsplit_once(':')).map(|(_, organisation)| organisation);
    if entry.kind != "credential_signed" || entry.organisation.as_deref() != organisation {
        return Err("the entry is not about a credential of this issuer".to_owned());
    }
    if entry.commitment != commitment(&salt, credential.as_bytes()) {
        return Err("the entry commits to another document".to_owned());
    }
    match proof.verify(text.as_bytes(), &key) {
        Ok(Some(checkpoint)) => Ok(format!("entry {} of the log {} of {} entries, recorded at {}", proof.index, checkpoint.origin, checkpoint.size, entry.recorded_at.format("%Y-%m-%dT%H:%M:%SZ"))),
        Ok(None) => Err("the log's checkpoint does not include the entry".to_owned()),
        Err(error) => Err(format!("the checkpoint: {error}")),
    }
}

/// The bit of the credential in a signed list (Bitstring Status List v1.0, 3.2).
fn status(document: &Value, list: &str, keys: &Value, now: DateTime<Utc>) -> Result<String, String> {
    let jws = CompactJws::parse(list).map_err(|fault| format!("the status list: {fault}"))?;
    let credential = strict_json::parse(&jws.payload).map_err(|_| "the status list is not JSON without duplicate members")?;
    signed_by_issuer(&jws, &credential, keys).map_err(|fault| format!("the status list: {fault}"))?;
    // Any key in the set may have signed it, but only the registry that publishes the list speaks for it.
    let url = credential["id"].as_str().unwrap_or_default();
    let registry = url.split_once("/status/").map(|(address, _)| did_web(address, None));
    if registry.as_deref() != credential["issuer"].as_str() {
        return Err("the status list: its issuer is not the registry that publishes it".to_owned());
    }
    let entry = &document["credentialStatus"];
    if credential["id"] != entry["statusListCredential"] || credential["credentialSubject"]["statusPurpose"] != entry["statusPurpose"] {
        return Err("the status list is not the one that the credential points at".to_owned());
    }
    let index: u32 = entry["statusListIndex"].as_str().and_then(|text| text.parse().ok()).ok_or("the credential has no status index")?;
    let bits = status_list::decode(credential["credentialSubject"]["encodedList"].as_str().unwrap_or_default()).ok_or("the status list cannot be decoded")?;
    let since = validity(&credential, now).map(|_| credential["validFrom"].as_str().unwrap_or_default().to_owned()).map_err(|fault| format!("the status list: {fault}"))?;
    let purpose = entry["statusPurpose"].as_str().unwrap_or_default();
    if status_list::bit(&bits, index) { Err(format!("{purpose} is set in the list of {since}")) } else { Ok(format!("{purpose} is not set in the list of {since}")) }
}
