//! Making proofs.

use super::{ProofFault, Suite, multikey_id};
use crate::credential::conformance::CheckedDocument;
use crate::credential::jws::SecuringFault;
use crate::credential::keys::IssuingKey;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

/// What a proof says beside its value.
#[derive(Debug, Clone)]
pub struct ProofOptions<'a> {
    pub suite: Suite,
    pub created: DateTime<Utc>,
    /// Absolute URL of the key.
    pub method: &'a str,
    pub purpose: &'a str,
}

/// A document with the proofs of its issuer, one of each suite. It is an array, as Open Badges demands.
///
/// # Errors
/// The issuer of the document is not the controller of the key, or the key does not sign.
pub fn secure(key: &IssuingKey, document: &CheckedDocument, created: DateTime<Utc>) -> Result<Value, SecuringFault> {
    secure_as(key, document, created, &[Suite::Rdfc, Suite::Jcs])
}

/// As [`secure`], with proofs of these suites.
///
/// # Errors
/// The issuer of the document is not the controller of the key, or the key does not sign.
pub fn secure_as(key: &IssuingKey, document: &CheckedDocument, created: DateTime<Utc>, suites: &[Suite]) -> Result<Value, SecuringFault> {
    if document.issuer() != key.controller {
        return Err(SecuringFault::ForeignKey);
    }
    let unsecured: Value = serde_json::from_slice(document.bytes()).expect("a checked document is JSON");
    let method = multikey_id(&key.public.key_id);
    let proofs = suites.iter().map(|suite| {
        let options = ProofOptions { suite: *suite, created, method: &method, purpose: "assertionMethod" };
        add_proof(key, &unsecured, &options).map_err(|fault| match fault {
            ProofFault::Signing(fault) => SecuringFault::Signing(fault),
            other => unreachable!("a checked document has a canonical form: {other}"),
        })
    });
    let proofs: Vec<Value> = proofs.collect::<Result<_, _>>()?;
    let mut secured = unsecured;
    secured["proof"] = json!(proofs);
    Ok(secured)
}

/// The proof of a key over a document without proofs.
///
/// # Errors
/// The document has no canonical form, or the key does not sign.
pub fn add_proof(key: &IssuingKey, unsecured: &Value, options: &ProofOptions<'_>) -> Result<Value, ProofFault> {
    let mut proof = Map::new();
    if let (Suite::Jcs, Some(contexts)) = (options.suite, unsecured.get("@context")) {
        proof.insert("@context".to_owned(), contexts.clone());
    }
    proof.insert("type".to_owned(), json!("DataIntegrityProof"));
    proof.insert("cryptosuite".to_owned(), json!(options.suite.as_str()));
    proof.insert("created".to_owned(), json!(options.created.to_rfc3339_opts(SecondsFormat::Secs, true)));
    proof.insert("verificationMethod".to_owned(), json!(options.method));
    proof.insert("proofPurpose".to_owned(), json!(options.purpose));
    let signed = options.suite.hash_data(&proof, unsecured)?;
    proof.insert("proofValue".to_owned(), json!(format!("z{}", bs58::encode(key.sign(&signed)?).into_string())));
    Ok(Value::Object(proof))
}
