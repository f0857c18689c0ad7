//! Checking proofs: every one of a set by itself, those of a chain over the ones that they build on (DI, "Verify Proof Sets and Chains").

use super::{ProofFault, Suite};
use crate::credential::keys::PublicKey;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// More than anybody needs: each costs the reader a canonical form.
pub const PROOFS_MAX: usize = 8;

/// What a proof must have been made for.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    pub purpose: &'a str,
    pub challenge: Option<&'a str>,
    pub domain: Option<&'a str>,
    pub now: DateTime<Utc>,
    /// Whether contexts may stand behind those that an `eddsa-jcs-2022` proof was made over, as its specification allows (EDDSA, 3.3.2).
    /// They are not signed, and could make a term count that nobody defined; a document that is to be believed has none.
    pub may_add_contexts: bool,
}

impl Expectation<'_> {
    /// A credential's proof at this moment.
    pub fn assertion(now: DateTime<Utc>) -> Self {
        Expectation { purpose: "assertionMethod", challenge: None, domain: None, now, may_add_contexts: false }
    }
}

/// A proof that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedProof {
    pub suite: Suite,
    pub method: String,
    pub created: Option<DateTime<Utc>>,
}

/// Checks every proof of a document; `find_key` gives the key behind a verification method, if it may sign for this purpose.
///
/// # Errors
/// What is wrong with the first proof that does not hold.
pub fn verify(secured: &Value, expected: &Expectation<'_>, find_key: &mut dyn FnMut(&str) -> Option<PublicKey>) -> Result<Vec<CheckedProof>, ProofFault> {
    let mut document = secured.as_object().cloned().ok_or(ProofFault::Missing)?;
    let proofs = match document.shift_remove("proof") {
        Some(Value::Array(proofs)) if !proofs.is_empty() => proofs,
        Some(proof @ Value::Object(_)) => vec![proof],
        _ => return Err(ProofFault::Missing),
    };
    if proofs.len() > PROOFS_MAX {
        return Err(ProofFault::Malformed);
    }
    let proofs: Vec<Map<String, Value>> = proofs.into_iter().map(|proof| if let Value::Object(proof) = proof { Ok(proof) } else { Err(ProofFault::Malformed) }).collect::<Result<_, _>>()?;
    proofs.iter().map(|proof| verify_one(&document, proof, &proofs, expected, find_key)).collect()
}

fn verify_one(
    document: &Map<String, Value>,
    proof: &Map<String, Value>,
    all: &[Map<String, Value>],
    expected: &Expectation<'_>,
    find_key: &mut dyn FnMut(&str) -> Option<PublicKey>,
) -> Result<CheckedProof, ProofFault> {
    let text = |member: &str| proof.get(member).and_then(Value::as_str);
    if text("type") != Some("DataIntegrityProof") {
        return Err(ProofFault::Malformed);
    }
    let suite: Suite = text("cryptosuite").ok_or(ProofFault::Malformed)?.parse().map_err(|_| ProofFault::UnknownSuite)?;
    let method = text("verificationMethod").filter(|method| method.contains(':')).ok_or(ProofFault::Malformed)?;
    let value = text("proofValue").and_then(|value| bs58::decode(value.strip_prefix('z')?).into_vec().ok()).filter(|value| value.len() == 64).ok_or(ProofFault::Malformed)?;
    let created = instant(proof, "created")?;
    if text("proofPurpose").ok_or(ProofFault::Malformed)? != expected.purpose {
        return Err(ProofFault::WrongPurpose);
    }
    if text("challenge") != expected.challenge && expected.challenge.is_some() || expected.domain.is_some_and(|domain| !has_domain(proof, domain)) {
        return Err(ProofFault::WrongPurpose);
    }
    if instant(proof, "expires")?.is_some_and(|expires| expires < expected.now) {
        return Err(ProofFault::Expired);
    }
    let mut unsecured = document.clone();
    if let Some(previous) = proof.get("previousProof") {
        unsecured.insert("proof".to_owned(), previous_proofs(previous, all)?);
    }
    let mut options = proof.clone();
    options.shift_remove("proofValue");
    if suite == Suite::Jcs
        && let Some(contexts) = options.get("@context")
    {
        // What the proof was made over is the beginning; what was added behind it was not signed, and does not count.
        let found = document.get("@context");
        if !begins_with(found, contexts) || !expected.may_add_contexts && found != Some(contexts) {
            return Err(ProofFault::ForeignContexts);
        }
        unsecured.insert("@context".to_owned(), contexts.clone());
    }
    let key = find_key(method).ok_or(ProofFault::UnknownKey)?;
    let signed = suite.hash_data(&options, &Value::Object(unsecured))?;
    if !key.verifies(&signed, &value) {
        return Err(ProofFault::WrongSignature);
    }
    Ok(CheckedProof { suite, method: method.to_owned(), created })
}

/// A `dateTimeStamp` (XML Schema 1.1): a date and a time with a zone.
fn instant(proof: &Map<String, Value>, member: &str) -> Result<Option<DateTime<Utc>>, ProofFault> {
    let Some(value) = proof.get(member) else { return Ok(None) };
    let text = value.as_str().filter(|text| text.as_bytes().get(10) == Some(&b'T') && !text.ends_with('z')).ok_or(ProofFault::Malformed)?;
    DateTime::parse_from_rfc3339(text).map(|at| Some(at.to_utc())).map_err(|_| ProofFault::Malformed)
}

fn has_domain(proof: &Map<String, Value>, domain: &str) -> bool {
    match proof.get("domain") {
        Some(Value::String(found)) => found == domain,
        Some(Value::Array(found)) => found.iter().any(|found| found == domain),
        _ => false,
    }
}

fn begins_with(found: Option<&Value>, contexts: &Value) -> bool {
    match (contexts, found) {
        (Value::Array(contexts), Some(Value::Array(found))) => found.starts_with(contexts),
        (Value::String(_), Some(Value::Array(found))) => found.first() == Some(contexts),
        (contexts, found) => Some(contexts) == found,
    }
}

/// The proofs that a chained one names: every one of them is there.
fn previous_proofs(previous: &Value, all: &[Map<String, Value>]) -> Result<Value, ProofFault> {
    let names = match previous {
        Value::String(_) => std::slice::from_ref(previous),
        Value::Array(names) if !names.is_empty() => names,
        _ => return Err(ProofFault::MissingPrevious),
    };
    let find = |name: &Value| name.as_str().and_then(|_| all.iter().find(|proof| proof.get("id") == Some(name))).ok_or(ProofFault::MissingPrevious);
    let found: Vec<&Map<String, Value>> = names.iter().map(find).collect::<Result<_, _>>()?;
    Ok(json!(found))
}

#[cfg(test)]
mod tests {
    use super::super::{MeaningFault, secure};
    use super::*;
    use crate::credential::conformance;
    use crate::credential::document::tests::sample;
    use crate::credential::identity::did_key;
    use crate::credential::keys::IssuingKey;

    fn key() -> IssuingKey {
        IssuingKey::from_secret(&sample().shared.issuer_did, &[7; 32])
    }

    fn now() -> DateTime<Utc> {
        "2026-03-11T02:00:00Z".parse().unwrap()
    }

    fn secured() -> Value {
        secure(&key(), &conformance::check(&sample().compose()).unwrap(), "2026-03-10T02:00:00Z".parse().unwrap()).unwrap()
    }

    fn checked(document: &Value) -> Result<Vec<CheckedProof>, ProofFault> {
        let known = super::super::multikey_id(&key().public.key_id);
        verify(document, &Expectation::assertion(now()), &mut |method| (method == known).then(|| key().public))
    }

    fn vector(text: &str) -> Result<Vec<CheckedProof>, ProofFault> {
        verify(&serde_json::from_str(text).unwrap(), &Expectation::assertion(now()), &mut |method| did_key(method))
    }

    #[test]
    fn what_was_secured_verifies_in_any_order_of_members() {
        let document = secured();
        let suites: Vec<Suite> = checked(&document).unwrap().iter().map(|proof| proof.suite).collect();
        assert_eq!(suites, [Suite::Rdfc, Suite::Jcs]);
        let turned: Map<String, Value> = document.as_object().unwrap().clone().into_iter().rev().collect();
        assert!(checked(&Value::Object(turned)).is_ok());
    }

    #[test]
    fn a_proof_that_was_truly_made_for_another_time_or_purpose_does_not_hold() {
        let document = sample().compose();
        let signed = |suite: Suite, name: &str, value: &str| {
            let mut proof = json!({ "type": "DataIntegrityProof", "cryptosuite": suite.as_str(), "created": "2026-03-10T02:00:00Z", "verificationMethod": super::super::multikey_id(&key().public.key_id), "proofPurpose": "assertionMethod" });
            proof[name] = json!(value);
            let value = key().sign(&suite.hash_data(proof.as_object().unwrap(), &document).unwrap()).unwrap();
            proof["proofValue"] = json!(format!("z{}", bs58::encode(value).into_string()));
            let mut secured = document.clone();
            secured["proof"] = json!([proof]);
            secured
        };
        for suite in [Suite::Rdfc, Suite::Jcs] {
            assert!(checked(&signed(suite, "expires", "2026-03-11T02:00:00Z")).is_ok());
            assert_eq!(checked(&signed(suite, "expires", "2026-03-11T01:59:59Z")), Err(ProofFault::Expired));
            assert_eq!(checked(&signed(suite, "proofPurpose", "authentication")), Err(ProofFault::WrongPurpose));
            assert_eq!(checked(&signed(suite, "verificationMethod", "did:web:evil.example#key")), Err(ProofFault::UnknownKey));
        }
    }

    #[test]
    fn nothing_can_be_changed() {
        type Case = (fn(&mut Value), ProofFault);
        let cases: Vec<Case> = vec![
            (|d| d["credentialSubject"]["licenseNumber"] = json!("S000032000001263000002"), ProofFault::WrongSignature),
            (|d| d["proof"][0]["created"] = json!("2026-03-10T02:00:01Z"), ProofFault::WrongSignature),
            (|d| d["proof"][1]["created"] = json!("2026-03-10T02:00:01Z"), ProofFault::WrongSignature),
            (|d| d["proof"][0]["created"] = json!("yesterday"), ProofFault::Malformed),
            (|d| d["proof"][0]["created"] = json!("2026-03-10 02:00:00Z"), ProofFault::Malformed),
            (|d| d["proof"][0]["proofPurpose"] = json!("authentication"), ProofFault::WrongPurpose),
            (|d| d["proof"][0]["expires"] = json!("2026-03-10T03:00:00Z"), ProofFault::Expired),
            (|d| d["proof"][0]["cryptosuite"] = json!("eddsa-jcs-2022"), ProofFault::WrongSignature),
            (|d| d["proof"][0]["cryptosuite"] = json!("ecdsa-rdfc-2019"), ProofFault::UnknownSuite),
            (|d| d["proof"][0]["verificationMethod"] = json!("did:web:evil.example#key"), ProofFault::UnknownKey),
            (|d| d["proof"][0]["proofValue"] = d["proof"][1]["proofValue"].clone(), ProofFault::WrongSignature),
            (|d| d["proof"][0]["previousProof"] = json!("urn:uuid:0"), ProofFault::MissingPrevious),
            (|d| d["proof"] = json!([]), ProofFault::Missing),
            (|d| d["proof"] = json!("proof"), ProofFault::Missing),
            (|d| d["proof"] = json!([d["proof"][0], null]), ProofFault::Malformed),
        ];
        for (change, fault) in cases {
            let mut document = secured();
            change(&mut document);
            assert_eq!(checked(&document), Err(fault), "{document}");
        }
    }

    /// Promise J6: contexts that are added, reordered or redefined, undefined terms.
    #[test]
    fn contexts_and_terms_cannot_be_played_with() {
        let redefining = json!({ "licenseNumber": "https://example.org/other" });
        let vocabulary = json!({ "@vocab": "https://example.org/vocab#" });
        let cases: Vec<fn(&mut Value, Value)> = vec![
            |d, _| d["@context"].as_array_mut().unwrap().reverse(),
            |d, extra| d["@context"].as_array_mut().unwrap().push(extra),
            |d, extra| d["@context"].as_array_mut().unwrap().insert(0, extra),
            |d, _| d["@context"].as_array_mut().unwrap().push(json!("https://example.org/unknown")),
            |d, _| d["credentialSubject"]["surprise"] = json!(1),
            |d, extra| {
                d["@context"].as_array_mut().unwrap().push(extra);
                d["credentialSubject"]["surprise"] = json!(1);
            },
        ];
        for extra in [redefining, vocabulary] {
            for change in &cases {
                let mut document = secured();
                change(&mut document, extra.clone());
                let mut by_meaning = document.clone();
                by_meaning["proof"] = json!([document["proof"][0]]);
                // Whether or not its meaning is the same, the document as a whole is not what was signed.
                assert!(checked(&document).is_err() || conformance::check(&without_proof(&document)).is_err(), "{document}");
                assert!(checked(&by_meaning).is_err() || conformance::check(&without_proof(&by_meaning)).is_err(), "{document}");
            }
        }
    }

    fn without_proof(document: &Value) -> Value {
        let mut members = document.as_object().unwrap().clone();
        members.shift_remove("proof");
        Value::Object(members)
    }

    #[test]
    fn nobody_else_secures_it() {
        let other = IssuingKey::from_secret("did:web:evil.example", &[7; 32]);
        let document = conformance::check(&sample().compose()).unwrap();
        assert!(secure(&other, &document, now()).is_err());
        let same_name = IssuingKey::from_secret(&sample().shared.issuer_did, &[8; 32]);
        assert_eq!(verify(&secured(), &Expectation::assertion(now()), &mut |_| Some(same_name.public.clone())), Err(ProofFault::WrongSignature));
    }

    #[test]
    fn challenge_and_domain_must_be_those_that_were_asked_for() {
        let expected = Expectation { challenge: Some("c-1"), ..Expectation::assertion(now()) };
        assert_eq!(verify(&secured(), &expected, &mut |_| Some(key().public)), Err(ProofFault::WrongPurpose));
        let expected = Expectation { domain: Some("https://verifier.example"), ..Expectation::assertion(now()) };
        assert_eq!(verify(&secured(), &expected, &mut |_| Some(key().public)), Err(ProofFault::WrongPurpose));
    }

    #[test]
    fn the_examples_of_the_specifications_verify() {
        for (name, text, proofs) in [
            ("jcs", include_str!("../../../tests/vectors/eddsa-2022/jcs-signed.json"), 1),
            ("rdfc", include_str!("../../../tests/vectors/eddsa-2022/rdfc-signed.json"), 1),
            ("set", include_str!("../../../tests/vectors/eddsa-2022/proof-set.json"), 2),
            ("chain", include_str!("../../../tests/vectors/eddsa-2022/proof-chain.json"), 4),
            ("previous by array", include_str!("../../../tests/vectors/proof-chains/array-ok.json"), 2),
            ("previous by text", include_str!("../../../tests/vectors/proof-chains/string-ok.json"), 2),
        ] {
            assert_eq!(vector(text).map(|found| found.len()), Ok(proofs), "{name}");
        }
        for text in [
            include_str!("../../../tests/vectors/proof-chains/array-missing-fail.json"),
            include_str!("../../../tests/vectors/proof-chains/missing-fail.json"),
            include_str!("../../../tests/vectors/proof-chains/not-string-fail.json"),
            include_str!("../../../tests/vectors/proof-chains/string-missing-fail.json"),
        ] {
            assert!(matches!(vector(text), Err(ProofFault::MissingPrevious | ProofFault::Meaning(MeaningFault::RelativeIdentifier))), "{text}");
        }
    }
}
