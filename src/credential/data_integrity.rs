//! Embedded proofs (VC Data Integrity 1.0) by the suite `eddsa-jcs-2022` (Data Integrity EdDSA Cryptosuites 1.0, section 3.3).

use super::conformance::CheckedDocument;
use super::jws::ForeignKey;
use super::keys::{IssuingKey, PublicKey};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

const SUITE: &str = "eddsa-jcs-2022";

/// Why a proof does not prove anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    #[error("a proof with type DataIntegrityProof, cryptosuite {SUITE}, created, verificationMethod, proofPurpose assertionMethod and proofValue expected")]
    Malformed,
    #[error("the contexts of the proof are not the first ones of the document")]
    ForeignContexts,
    #[error("the signature does not fit the document")]
    WrongSignature,
}

/// The identifier of a key in its form as Multikey, under which Data Integrity looks for it.
pub fn multikey_id(key_id: &str) -> String {
    format!("{key_id}-multikey")
}

/// The key behind an identifier that [`multikey_id`] made.
pub fn key_of_multikey(identifier: &str) -> Option<&str> {
    identifier.strip_suffix("-multikey")
}

/// SHA-256 over the canonical options and over the canonical document, options first (EDDSA 3.3.4).
fn hash_data(options: &Value, document: &Value) -> Result<Vec<u8>, serde_json::Error> {
    let (options, document) = (serde_json_canonicalizer::to_vec(options)?, serde_json_canonicalizer::to_vec(document)?);
    Ok([Sha256::digest(options), Sha256::digest(document)].concat())
}

/// A document with an embedded proof of its issuer.
///
/// # Errors
/// The issuer of the document is not the controller of the key.
pub fn secure(key: &IssuingKey, document: &CheckedDocument, created: DateTime<Utc>) -> Result<Value, ForeignKey> {
    if document.issuer() != key.controller {
        return Err(ForeignKey);
    }
    let mut secured: Value = serde_json::from_slice(document.bytes()).expect("a checked document is JSON");
    let mut proof = json!({
        "@context": secured["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": created.to_rfc3339_opts(SecondsFormat::Secs, true),
        "verificationMethod": multikey_id(&key.public.key_id),
        "proofPurpose": "assertionMethod",
    });
    let signed = hash_data(&proof, &secured).expect("a checked document has a canonical form");
    proof["proofValue"] = json!(format!("z{}", bs58::encode(key.sign(&signed)).into_string()));
    secured["proof"] = json!([proof]);
    Ok(secured)
}

/// The key that the only proof of a document names.
pub fn verification_method(secured: &Value) -> Option<&str> {
    only_proof(secured)?.get("verificationMethod")?.as_str()
}

fn only_proof(secured: &Value) -> Option<&Map<String, Value>> {
    match secured.get("proof")? {
        Value::Array(proofs) if proofs.len() == 1 => proofs[0].as_object(),
        Value::Object(proof) => Some(proof),
        _ => None,
    }
}

/// Checks the only proof of a document against a key; whether the key is the issuer's, the caller knows.
///
/// # Errors
/// What is wrong with the proof.
pub fn verify(secured: &Value, key: &PublicKey) -> Result<(), ProofFault> {
    let mut options = only_proof(secured).cloned().ok_or(ProofFault::Malformed)?;
    let is = |member: &str, expected: &str| options.get(member).is_some_and(|found| found == expected);
    let is_formed = is("type", "DataIntegrityProof") && is("cryptosuite", SUITE) && is("proofPurpose", "assertionMethod") && is("verificationMethod", &multikey_id(&key.key_id));
    let has_date = options.get("created").and_then(Value::as_str).is_some_and(|text| DateTime::parse_from_rfc3339(text).is_ok());
    let value = options.shift_remove("proofValue").and_then(|value| bs58::decode(value.as_str()?.strip_prefix('z')?).into_vec().ok());
    let Some(signature) = value.filter(|_| is_formed && has_date) else { return Err(ProofFault::Malformed) };
    let mut document = secured.as_object().cloned().ok_or(ProofFault::Malformed)?;
    document.shift_remove("proof");
    if let Some(contexts) = options.get("@context") {
        let found = document.get("@context");
        let begins = match (contexts, found) {
            (Value::Array(contexts), Some(Value::Array(found))) => found.starts_with(contexts),
            (contexts, found) => Some(contexts) == found,
        };
        if !begins {
            return Err(ProofFault::ForeignContexts);
        }
        document.insert("@context".to_owned(), contexts.clone());
    }
    let signed = hash_data(&Value::Object(options), &Value::Object(document)).map_err(|_| ProofFault::Malformed)?;
    if key.verifies(&signed, &signature) { Ok(()) } else { Err(ProofFault::WrongSignature) }
}

#[cfg(test)]
mod tests {
    use super::super::conformance;
    use super::super::document::tests::sample;
    use super::*;

    fn key() -> IssuingKey {
        IssuingKey::from_secret(&sample().issuer_did, &[7; 32])
    }

    fn secured() -> Value {
        secure(&key(), &conformance::check(&sample().compose()).unwrap(), "2026-03-10T02:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn what_was_secured_verifies_in_any_order_of_members() {
        let document = secured();
        assert_eq!(verify(&document, &key().public), Ok(()));
        assert_eq!(verification_method(&document), Some(multikey_id(&key().public.key_id).as_str()));
        let turned: Map<String, Value> = document.as_object().unwrap().clone().into_iter().rev().collect();
        assert_eq!(verify(&Value::Object(turned), &key().public), Ok(()));
    }

    #[test]
    fn nothing_can_be_changed() {
        type Case = (fn(&mut Value), ProofFault);
        let cases: Vec<Case> = vec![
            (|d| d["credentialSubject"]["licenseNumber"] = json!("S000032000001263000002"), ProofFault::WrongSignature),
            (|d| d["@context"].as_array_mut().unwrap().insert(0, json!("https://example.org/other")), ProofFault::ForeignContexts),
            (|d| d["proof"][0]["created"] = json!("2026-03-10T02:00:01Z"), ProofFault::WrongSignature),
            (|d| d["proof"][0]["created"] = json!("yesterday"), ProofFault::Malformed),
            (|d| d["proof"][0]["proofPurpose"] = json!("authentication"), ProofFault::Malformed),
            (|d| d["proof"][0]["cryptosuite"] = json!("eddsa-rdfc-2022"), ProofFault::Malformed),
            (|d| d["proof"][0]["verificationMethod"] = json!("did:web:evil.example#key"), ProofFault::Malformed),
            (|d| d["proof"] = json!([]), ProofFault::Malformed),
            (|d| d["proof"] = json!([d["proof"][0], d["proof"][0]]), ProofFault::Malformed),
        ];
        for (change, fault) in cases {
            let mut document = secured();
            change(&mut document);
            assert_eq!(verify(&document, &key().public), Err(fault), "{document}");
        }
    }

    #[test]
    fn nobody_else_secures_it() {
        let other = IssuingKey::from_secret("did:web:evil.example", &[7; 32]);
        assert!(secure(&other, &conformance::check(&sample().compose()).unwrap(), "2026-03-10T02:00:00Z".parse().unwrap()).is_err());
        let same_name = IssuingKey::from_secret(&sample().issuer_did, &[8; 32]);
        assert!(verify(&secured(), &same_name.public).is_err());
    }

    #[test]
    fn the_example_of_the_specification_verifies() {
        let secured: Value = serde_json::from_str(include_str!("../../tests/vectors/eddsa-jcs-2022.json")).unwrap();
        let (_, multikey) = secured["proof"]["verificationMethod"].as_str().unwrap().split_once('#').unwrap();
        let bytes = bs58::decode(&multikey[1..]).into_vec().unwrap();
        let key = PublicKey::from_bytes("did:key:example", &bytes[2..]).unwrap();
        let mut document = secured.as_object().unwrap().clone();
        let mut options = document.shift_remove("proof").unwrap().as_object().unwrap().clone();
        let value = options.shift_remove("proofValue").unwrap();
        let signature = bs58::decode(&value.as_str().unwrap()[1..]).into_vec().unwrap();
        assert!(key.verifies(&hash_data(&Value::Object(options), &Value::Object(document)).unwrap(), &signature));
    }
}
