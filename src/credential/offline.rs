//! A credential checked by what its holder carries: the document, the proof from the log, the published keys, a status list. No
//! database, no network, and nothing of the registry has to be believed but its keys.

use super::data_integrity::{self, Expectation};
use super::identity::did_web;
use super::jws::{CREDENTIAL_TYP, CompactJws};
use super::keys::PublicKey;
use super::presented::Presented;
use super::sd_jwt::{self, SdJwt};
use super::token_status::{self, TokenStatus};
use super::{badge_jwt, conformance, paper_seal, status_list, strict_json};
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
    /// The credential in any form that a registry hands out.
    pub credential: Vec<u8>,
    /// The paper around it, where there is one.
    pub paper: Option<PaperEvidence>,
    /// The `.tlog-proof` file.
    pub proof: Option<String>,
    /// A JWK set with the keys of the issuer and, for the status list, of the registry.
    pub keys: Value,
    /// The key of the log.
    pub log_key: Option<String>,
    /// The status list that the credential points at, as a compact JWS: a bitstring, or a token status list for an SD-JWT.
    pub status_list: Option<String>,
    /// Who must have cosigned the proof's checkpoint, and how many of them are enough. None need to where there are none.
    pub witnesses: Vec<NoteKey>,
    pub quorum: usize,
}

/// What a PDF says of itself.
#[derive(Debug, Clone)]
pub struct PaperEvidence {
    /// The seal over the file, if there is one.
    pub seal: Option<String>,
    /// What it must cover.
    pub digest: [u8; 32],
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
    let presented = match Presented::read(&evidence.credential) {
        Ok(presented) => presented,
        Err(fault) => return vec![check("proof", Err(fault.to_string()))],
    };
    let (issuer, mut checks) = match &presented {
        Presented::VcJwt(text) => of_vc_jwt(text, evidence, now),
        Presented::BadgeJwt(text) => of_badge_jwt(text, evidence, now),
        Presented::Embedded(document) => of_embedded(document, evidence, now),
        Presented::SdJwt(text) => of_sd_jwt(text, evidence, now),
    };
    if let Some(paper) = &evidence.paper {
        checks.insert(0, check("file", sealed(paper, &issuer, &evidence.keys)));
    }
    checks
}

type Checked = (String, Vec<OfflineCheck>);

fn unread(fault: String) -> Checked {
    (String::new(), vec![check("proof", Err(fault))])
}

fn read_jws(text: &str) -> Result<(CompactJws<'_>, Value), String> {
    let jws = CompactJws::parse(text).map_err(|fault| format!("not a JWS that can be verified: {fault}"))?;
    let payload = strict_json::parse(&jws.payload).map_err(|_| "the payload is not JSON without duplicate members")?;
    Ok((jws, payload))
}

fn issuer_of(document: &Value) -> String {
    document["issuer"]["id"].as_str().or_else(|| document["issuer"].as_str()).unwrap_or_default().to_owned()
}

fn schema(document: &Value, is_record: bool) -> OfflineCheck {
    let conforms = if is_record { conformance::check_learner_record(document) } else { conformance::check(document) };
    let standard = if is_record { "the Comprehensive Learner Record 2.0" } else { "Open Badges 3.0" };
    let result = conforms.map(|_| format!("the document follows VC 2.0 and {standard}")).map_err(|breaches| {
        let places: Vec<String> = breaches.iter().map(|breach| format!("{} ({} expected)", breach.path, breach.expected)).collect();
        places.join("; ")
    });
    check("schema", result)
}

fn of_vc_jwt(text: &str, evidence: &Evidence, now: DateTime<Utc>) -> Checked {
    let (jws, document) = match read_jws(text) {
        Ok(read) => read,
        Err(fault) => return unread(fault),
    };
    let proof = check("proof", signed_by_issuer(&jws, &document, &evidence.keys));
    if document["type"].as_array().is_some_and(|types| types.iter().any(|name| name == "ClrCredential")) {
        // Its own entry in the log is of the file; each certificate inside has a status of its own.
        let checks = vec![proof, schema(&document, true), check("validity", validity(&document, now)), check("certificates", certificates_inside(&document, &evidence.keys, now))];
        return (issuer_of(&document), checks);
    }
    let log = match (&evidence.proof, &evidence.log_key) {
        (Some(proof), Some(key)) => check("log", logged(text, &document, proof, key)),
        _ => not_shown("log", "the proof file or the log's key"),
    };
    of_document(&document, proof, log, evidence, now)
}

/// The log commits to the VC-JWT; other forms say the same, and only the registry can tell that they do.
fn not_what_the_log_has() -> OfflineCheck {
    not_shown("log", "the VC-JWT, to which the log's entry commits,")
}

fn of_badge_jwt(text: &str, evidence: &Evidence, now: DateTime<Utc>) -> Checked {
    let read = read_jws(text).and_then(|(jws, payload)| Ok((jws, badge_jwt::strip(&payload).map_err(|fault| fault.en)?)));
    let (jws, document) = match read {
        Ok(read) => read,
        Err(fault) => return unread(fault),
    };
    let proof = check("proof", badge_signed(&jws, &document, &evidence.keys));
    of_document(&document, proof, not_what_the_log_has(), evidence, now)
}

fn of_embedded(secured: &Value, evidence: &Evidence, now: DateTime<Utc>) -> Checked {
    let proof = check("proof", embedded(secured, &evidence.keys, now));
    let mut document = secured.clone();
    document.as_object_mut().and_then(|members| members.shift_remove("proof"));
    of_document(&document, proof, not_what_the_log_has(), evidence, now)
}

fn of_document(document: &Value, proof: OfflineCheck, log: OfflineCheck, evidence: &Evidence, now: DateTime<Utc>) -> Checked {
    let status = match &evidence.status_list {
        Some(list) => check("status", status(document, list.trim(), &evidence.keys, now)),
        None => not_shown("status", "a status list"),
    };
    let witnesses = (!evidence.witnesses.is_empty()).then(|| check("witnesses", witnessed(evidence)));
    let checks = [Some(proof), Some(schema(document, false)), Some(check("validity", validity(document, now))), Some(log), witnesses, Some(status)];
    (issuer_of(document), checks.into_iter().flatten().collect())
}

fn of_sd_jwt(text: &str, evidence: &Evidence, now: DateTime<Utc>) -> Checked {
    let shown = match SdJwt::parse(text) {
        Ok(shown) => shown,
        Err(fault) => return unread(format!("not an SD-JWT that can be verified: {fault}")),
    };
    let claim = |name: &str| shown.claims.get(name).unwrap_or(&Value::Null);
    let issuer = claim("iss").as_str().and_then(|url| url.split_once("/organisations/")).map(|(registry, organisation)| format!("{}:organisations:{organisation}", did_web(registry, None))).unwrap_or_default();
    let proof = key_of(&shown.jws, &evidence.keys).and_then(|(key, controller)| {
        shown.check_key_binding(None).map_err(|fault| fault.to_string())?;
        match (controller == issuer && shown.jws.typ() == Some(sd_jwt::TYP), shown.jws.is_signed_by(&key)) {
            (false, _) => Err("the issuer is not the controller of the key".to_owned()),
            (true, false) => Err("the signature does not fit the document".to_owned()),
            (true, true) => Ok(format!("signed by {}", key.key_id)),
        }
    });
    let (seconds, begins, ends) = (now.timestamp(), claim("nbf").as_i64().or(claim("iat").as_i64()), claim("exp").as_i64());
    let is_valid = begins.is_some_and(|begins| begins <= seconds) && ends.is_none_or(|ends| seconds < ends);
    let day = |seconds: Option<i64>| seconds.and_then(|seconds| DateTime::from_timestamp(seconds, 0)).map_or_else(|| "—".to_owned(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    let said = format!("from {} until {}", day(begins), day(ends));
    let status = match &evidence.status_list {
        Some(list) => check("status", token_status_of(claim("status"), list.trim(), &evidence.keys)),
        None => not_shown("status", "a token status list"),
    };
    let checks = vec![check("proof", proof), check("validity", if is_valid { Ok(said) } else { Err(said) }), not_what_the_log_has(), status];
    (issuer, checks)
}

/// The entry of a credential in a signed list (Token Status List, 8).
fn token_status_of(status: &Value, list: &str, keys: &Value) -> Result<String, String> {
    let (jws, claims) = read_jws(list).map_err(|fault| format!("the status list: {fault}"))?;
    let (key, controller) = key_of(&jws, keys).map_err(|fault| format!("the status list: {fault}"))?;
    let reference = &status["status_list"];
    let url = reference["uri"].as_str().unwrap_or_default();
    let registry = url.split_once("/status/").map(|(address, _)| did_web(address, None));
    if jws.typ() != Some(token_status::TYP) || registry.as_deref() != Some(controller.as_str()) || !jws.is_signed_by(&key) {
        return Err("the status list: not signed by the registry that publishes it".to_owned());
    }
    if claims["sub"] != url {
        return Err("the status list is not the one that the credential points at".to_owned());
    }
    let index = reference["idx"].as_u64().and_then(|index| u32::try_from(index).ok()).ok_or("the credential has no status index")?;
    match token_status::read_entry(&claims["status_list"], index).ok_or("the status list cannot be decoded")? {
        TokenStatus::Valid => Ok("valid in the list".to_owned()),
        TokenStatus::Invalid => Err("invalid in the list".to_owned()),
        TokenStatus::Suspended => Err("suspended in the list".to_owned()),
        TokenStatus::Other(value) => Err(format!("status {value} in the list, which is not known here")),
    }
}

/// The seal over every byte of a paper, by a published key of the credential's issuer.
fn sealed(paper: &PaperEvidence, issuer: &str, keys: &Value) -> Result<String, String> {
    let seal = paper.seal.as_deref().ok_or("the seal of the file is missing")?;
    let (key, controller) = published_key(&paper_seal::key_id(seal).ok_or("the seal of the file cannot be read")?, keys)?;
    let is_whole = controller == issuer && paper_seal::is_of(seal, &key, &paper.digest);
    if is_whole { Ok("every byte is as the issuing body sealed it".to_owned()) } else { Err("the file was changed after it was made: what the page shows need not be what was issued".to_owned()) }
}

/// A signature in the JWT profile of Open Badges, whose header names the address of the key: its last part is the thumbprint.
fn badge_signed(jws: &CompactJws<'_>, document: &Value, keys: &Value) -> Result<String, String> {
    let (_, thumbprint) = jws.key_id().and_then(|url| url.rsplit_once("/keys/")).ok_or("the address of a key expected in the header")?;
    let (key, controller) = published_key(&format!("{}#{thumbprint}", issuer_of(document)), keys)?;
    if controller == issuer_of(document) && jws.is_signed_by(&key) { Ok(format!("signed by {}", key.key_id)) } else { Err("the signature does not fit the document".to_owned()) }
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
