//! The JWT profile of Open Badges 3.0 ("JSON Web Token Proof"): the credential and, beside it, the claims of a JWT.

use super::keys::{IssuingKey, SigningFault};
use super::jws;
use super::jwt_claims::Claims;
use crate::domain::text::Text;
use chrono::DateTime;
use serde_json::{Map, Value, json};

/// The only members that the profile allows in a header.
const HEADER: &[&str] = &["alg", "kid", "jwk", "typ"];

/// Whether a header has no member but those of the profile.
pub fn is_of_profile(header: &Value) -> bool {
    header.as_object().is_some_and(|members| members.keys().all(|name| HEADER.contains(&name.as_str())))
}

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
pub fn strip(payload: &Value) -> Result<Value, Text> {
    let differ = |en: &'static str, zh: &'static str| Err(Text::new(en, zh));
    let Some(mut document) = payload.as_object().cloned() else { return differ("something else found as payload, an object expected", "载荷应为 JSON 对象") };
    let claims = Claims::take(&mut document);
    if !claims.are_well_formed() {
        return differ("nbf, exp or iat is no whole number of seconds, or aud is no text", "nbf、exp 或 iat 不是整数秒，或 aud 不是文本");
    }
    let issuer = document.get("issuer").unwrap_or(&Value::Null);
    if claims.get("iss").as_str().is_none_or(|iss| *issuer != iss && issuer["id"] != iss) {
        return differ("iss is not the issuer of the document", "iss 与文件的签发者不一致");
    }
    if Some(claims.get("jti")) != document.get("id") {
        return differ("jti is not the id of the document", "jti 与文件的 id 不一致");
    }
    let seconds = |member: &str| document.get(member).and_then(Value::as_str).and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map_or(Value::Null, |at| json!(at.timestamp()));
    if claims.get("nbf").is_null() || *claims.get("nbf") != seconds("validFrom") || *claims.get("exp") != seconds("validUntil") {
        return differ("nbf and exp are not the days of the document", "nbf、exp 与文件的日期不一致");
    }
    let subject = document.get_mut("credentialSubject").and_then(Value::as_object_mut).and_then(|subject| subject.shift_remove("id")).unwrap_or_default();
    if claims.get("sub").is_null() || *claims.get("sub") != subject {
        return differ("sub is not the subject of the document", "sub 与文件的持有主体不一致");
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
    fn no_other_member_of_a_header_belongs_to_the_profile() {
        assert!(is_of_profile(&json!({ "alg": "EdDSA", "kid": "k", "jwk": {}, "typ": "JWT" })));
        for name in ["cty", "jku", "x5u", "x5c", "foo"] {
            assert!(!is_of_profile(&json!({ "alg": "EdDSA", "kid": "k", name: "x" })), "{name}");
        }
    }

    #[test]
    fn what_is_stripped_is_the_credential() {
        let text = signed();
        let payload: Value = serde_json::from_slice(&CompactJws::parse(&text).unwrap().payload).unwrap();
        assert_eq!(strip(&payload), Ok(sample().compose()));
        for (name, value) in [("iss", json!("did:web:evil.example")), ("jti", json!("urn:uuid:1")), ("sub", json!("urn:uuid:2")), ("nbf", json!(0)), ("exp", json!(1)), ("iat", json!("x")), ("aud", json!(5))] {
            let mut wrong = payload.clone();
            wrong[name] = value;
            assert!(strip(&wrong).is_err(), "{name}");
        }
    }
}
