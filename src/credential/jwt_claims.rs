//! Registered claims of a JWT that stand beside a credential or a presentation in the payload of a `vc+jwt` or `vp+jwt`
//! (VC-JOSE-COSE, section 3.1.3; RFC 7519, 4.1). They are no part of the document; what they say must hold all the same.

use crate::domain::text::Text;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

const REGISTERED: &[&str] = &["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// The claims of one payload.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    claims: Map<String, Value>,
    /// None where a claim is of another kind than it must be: seconds are whole numbers, an audience is a text or several.
    dates: Option<(Option<DateTime<Utc>>, Option<DateTime<Utc>>)>,
}

impl Claims {
    /// Takes the claims out of a payload.
    pub fn take(payload: &mut Map<String, Value>) -> Self {
        let claims: Map<String, Value> = REGISTERED.iter().filter_map(|name| payload.shift_remove(*name).map(|value| ((*name).to_owned(), value))).collect();
        let instant = |name: &str| match claims.get(name) {
            None => Some(None),
            Some(value) => value.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0)).map(Some),
        };
        let is_audience = |value: &Value| value.is_string() || value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
        let dates = instant("nbf").zip(instant("exp")).filter(|_| instant("iat").is_some() && claims.get("aud").is_none_or(is_audience));
        Claims { dates, claims }
    }

    /// A claim; null when it is not there.
    pub fn get(&self, name: &str) -> &Value {
        self.claims.get(name).unwrap_or(&Value::Null)
    }

    /// Whether every claim is of the kind that it must be.
    pub fn are_well_formed(&self) -> bool {
        self.dates.is_some()
    }

    /// What the claims and the document disagree about; None when they agree. `author` is the issuer or the holder.
    pub fn disagreement(&self, document: &Value, author: Option<&str>) -> Option<Text> {
        let differs = |name: &str, found: Option<&str>| self.claims.get(name).is_some_and(|claim| claim.as_str().is_none() || claim.as_str() != found);
        if !self.are_well_formed() {
            Some(Text::new("nbf, exp or iat is no whole number of seconds, or aud is no text", "nbf、exp 或 iat 不是整数秒，或 aud 不是文本"))
        } else if differs("iss", author) {
            Some(Text::new("iss is not the author of the document", "iss 与文件的签发者或持有者不一致"))
        } else if differs("jti", document["id"].as_str()) {
            Some(Text::new("jti is not the id of the document", "jti 与文件的 id 不一致"))
        } else if document.get("credentialSubject").is_some() && differs("sub", document["credentialSubject"]["id"].as_str()) {
            Some(Text::new("sub is not the subject of the document", "sub 与文件的持有主体不一致"))
        } else {
            None
        }
    }

    /// Whether the signature is within the time that it was given for.
    pub fn holds_at(&self, now: DateTime<Utc>) -> bool {
        self.dates.is_some_and(|(from, until)| from.is_none_or(|from| from <= now) && until.is_none_or(|until| now < until))
    }

    /// Narrows the dates of a document to those of its signature. A date of the document that cannot be read stays, to be found.
    pub fn narrow(&self, document: &mut Map<String, Value>) {
        let Some((from, until)) = self.dates else { return };
        let mut narrow = |name: &str, claimed: Option<DateTime<Utc>>, is_wider: fn(DateTime<Utc>, DateTime<Utc>) -> bool| {
            let Some(claimed) = claimed else { return };
            let is_to_narrow = match document.get(name) {
                None => true,
                Some(own) => own.as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).is_some_and(|own| is_wider(own.to_utc(), claimed)),
            };
            if is_to_narrow {
                document.insert(name.to_owned(), json!(claimed.to_rfc3339_opts(SecondsFormat::Secs, true)));
            }
        };
        narrow("validFrom", from, |own, claimed| own < claimed);
        narrow("validUntil", until, |own, claimed| own > claimed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Map<String, Value> {
        let payload = json!({ "id": "urn:x:1", "issuer": "did:key:a", "credentialSubject": { "id": "did:key:b" }, "validUntil": "2026-06-01T00:00:00Z", "iss": "did:key:a", "jti": "urn:x:1", "sub": "did:key:b", "nbf": 1_767_225_600, "exp": 1_775_001_600, "iat": 1_767_225_600, "aud": ["a"] });
        payload.as_object().unwrap().clone()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn claims_that_agree_are_no_part_of_the_document() {
        let mut document = payload();
        let claims = Claims::take(&mut document);
        assert!(!document.contains_key("iss") && !document.contains_key("exp"));
        assert_eq!(claims.disagreement(&Value::Object(document.clone()), Some("did:key:a")), None);
        assert_eq!(claims.disagreement(&Value::Object(document.clone()), Some("did:key:c")).unwrap().en, "iss is not the author of the document");
        for (name, value) in [("jti", json!("urn:x:2")), ("sub", json!(["did:key:b"])), ("exp", json!("tomorrow")), ("nbf", json!(null)), ("exp", json!(1_775_001_600.0)), ("iat", json!("x")), ("iat", json!(1.5)), ("aud", json!(5)), ("aud", json!(["a", 5]))] {
            let mut wrong = payload();
            wrong.insert(name.to_owned(), value);
            let claims = Claims::take(&mut wrong);
            assert!(claims.disagreement(&Value::Object(wrong), Some("did:key:a")).is_some(), "{name}");
        }
    }

    #[test]
    fn a_signature_counts_in_its_own_time_only() {
        let mut document = payload();
        let claims = Claims::take(&mut document);
        assert!(claims.holds_at(at("2026-03-01T00:00:00Z")));
        assert!(!claims.holds_at(at("2025-12-31T23:59:59Z")) && !claims.holds_at(at("2026-04-01T00:00:00Z")));
        claims.narrow(&mut document);
        assert_eq!((&document["validFrom"], &document["validUntil"]), (&json!("2026-01-01T00:00:00Z"), &json!("2026-04-01T00:00:00Z")));
        let mut longer = payload();
        longer.insert("exp".to_owned(), json!(1_999_999_999));
        Claims::take(&mut longer).narrow(&mut longer);
        assert_eq!(longer["validUntil"], "2026-06-01T00:00:00Z", "a signature makes nothing valid for longer");
        for unreadable in [json!("soon"), json!(null), json!(17)] {
            let mut document = payload();
            document.insert("validUntil".to_owned(), unreadable.clone());
            Claims::take(&mut document).narrow(&mut document);
            assert_eq!(document["validUntil"], unreadable, "a claim does not stand in for a date that cannot be read");
        }
    }
}
