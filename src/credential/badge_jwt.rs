//! The JWT profile of Open Badges 3.0 ("JSON Web Token Proof"): the credential and, beside it, the claims of a JWT.

use super::keys::{IssuingKey, SigningFault};
use super::jws;
use chrono::DateTime;
use serde_json::{Map, Value, json};

const CLAIMS: &[&str] = &["iss", "sub", "jti", "nbf", "exp"];

/// Signs a credential by this profile. The subject gets an identifier, since the profile demands one; `key_url` answers with the key as a
/// JWK.
///
/// `document` passed the conformance rules. None when its dates cannot be read.
///
/// # Errors
/// The key does not sign.
pub fn sign(key: &IssuingKey, key_url: &str, document: &Map<String, Value>, subject: &str) -> Result<Option<String>, SigningFault> {
    let Some(payload) = payload_of(document, subject) else { return Ok(None) };
    jws::sign_untyped(key, key_url, payload.to_string().as_bytes()).map(Some)
}

fn payload_of(document: &Map<String, Value>, subject: &str) -> Option<Value> {
    let seconds = |member: &str| document.get(member).and_then(Value::as_str).map(|text| DateTime::parse_from_rfc3339(text).map(|at| at.timestamp())).transpose().ok();
    let mut payload = document.clone();
    payload.get_mut("credentialSubject")?.as_object_mut()?.insert("id".to_owned(), json!(subject));
    payload.insert("iss".to_owned(), document["issuer"]["id"].clone());
    payload.insert("sub".to_owned(), json!(subject));
    payload.insert("jti".to_owned(), document["id"].clone());
    payload.insert("nbf".to_owned(), json!(seconds("validFrom")??));
    if let Some(until) = seconds("validUntil")? {
        payload.insert("exp".to_owned(), json!(until));
    }
    Some(Value::Object(payload))
}

/// What was signed, without what the profile adds: the document and the subject's identifier.
///
/// # Errors
/// In words: what the claims and the document disagree about.
pub fn strip(payload: &Value) -> Result<Value, &'static str> {
    let mut document = payload.as_object().cloned().ok_or("a payload object expected")?;
    let claims: Map<String, Value> = CLAIMS.iter().filter_map(|name| document.shift_remove(*name).map(|value| ((*name).to_owned(), value))).collect();
    let claim = |name: &str| claims.get(name).unwrap_or(&Value::Null);
    if *claim("iss") != document["issuer"]["id"] {
        return Err("iss is not the issuer of the document");
    }
    if *claim("jti") != document["id"] {
        return Err("jti is not the id of the document");
    }
    let seconds = |member: &str| document.get(member).and_then(Value::as_str).and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| json!(at.timestamp()));
    if Some(claim("nbf")) != seconds("validFrom").as_ref() || claims.get("exp") != seconds("validUntil").as_ref() {
        return Err("nbf and exp are not the days of the document");
    }
    let subject = document.get_mut("credentialSubject").and_then(Value::as_object_mut).and_then(|subject| subject.shift_remove("id"));
    if claims.get("sub") != subject.as_ref() {
        return Err("sub is not the subject of the document");
    }
    Ok(Value::Object(document))
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::sample;
    use super::super::jws::CompactJws;
    use super::*;

    fn signed() -> String {
        let facts = sample();
        let key = IssuingKey::from_secret(&facts.shared.issuer_did, &[7; 32]);
        sign(&key, "http://localhost:8080/keys/k", facts.compose().as_object().unwrap(), "urn:uuid:0").unwrap().unwrap()
    }

    #[test]
    fn the_header_has_only_what_the_profile_allows() {
        let text = signed();
        let header = CompactJws::parse(&text).unwrap().header;
        assert_eq!(header, json!({ "alg": "EdDSA", "kid": "http://localhost:8080/keys/k" }));
    }

    #[test]
    fn what_is_stripped_is_the_credential() {
        let text = signed();
        let payload: Value = serde_json::from_slice(&CompactJws::parse(&text).unwrap().payload).unwrap();
        assert_eq!(strip(&payload), Ok(sample().compose()));
        for (name, value) in [("iss", json!("did:web:evil.example")), ("jti", json!("urn:uuid:1")), ("sub", json!("urn:uuid:2")), ("nbf", json!(0)), ("exp", json!(1))] {
            let mut wrong = payload.clone();
            wrong[name] = value;
            assert!(strip(&wrong).is_err(), "{name}");
        }
    }
}
