//! The small issuer and verifier that the suites of the W3C drive (VC API). They sign whatever they are given, so the key is a did:key
//! of their own that stands for nobody.

use super::data_integrity::{self, Expectation, ProofOptions, Suite};
use super::identity::did_key;
use super::jws::{CREDENTIAL_TYP, CompactJws, sign};
use super::keys::IssuingKey;
use super::presented::has_type;
use super::{data_model, linked_data, status_list, strict_json};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// What is wrong, by the names that the specifications give it (VCDM, "Problem Details"; DI, "Processing Errors").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiFault {
    pub problem: &'static str,
    pub detail: String,
}

const MALFORMED: &str = "https://www.w3.org/TR/vc-data-model#MALFORMED_VALUE_ERROR";
const LOST: &str = "https://w3id.org/security#DATA_LOSS_DETECTION_ERROR";
const PROOF: &str = "https://w3id.org/security#PROOF_VERIFICATION_ERROR";

fn fault(problem: &'static str, detail: impl ToString) -> ApiFault {
    ApiFault { problem, detail: detail.to_string() }
}

/// How a credential is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Securing {
    Proof(Suite),
    /// With an entry of the status lists at this address added, and a proof.
    Status,
    Jwt,
}

/// Issues a credential as it was given; only a missing issuer is added.
///
/// # Errors
/// The credential is not one.
pub fn issue(key: &IssuingKey, credential: &Value, securing: Securing, lists: &str, index: u32, now: DateTime<Utc>) -> Result<Value, ApiFault> {
    let faults = data_model::check_credential(credential, false);
    if !faults.is_empty() {
        return Err(fault(MALFORMED, faults.join("; ")));
    }
    let mut credential = credential.clone();
    let members = credential.as_object_mut().expect("a checked credential is an object");
    if members.contains_key("proof") {
        return Err(fault(MALFORMED, "proof: a credential without proof expected"));
    }
    members.entry("issuer").or_insert_with(|| json!(key.controller));
    if securing == Securing::Status {
        let list = format!("{lists}/revocation");
        members.insert(
            "credentialStatus".to_owned(),
            json!({ "id": format!("{list}#{index}"), "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": index.to_string(), "statusListCredential": list }),
        );
    }
    linked_data::check_lossless(&credential).map_err(|lost| fault(LOST, lost))?;
    match securing {
        Securing::Jwt => {
            let text = sign(key, CREDENTIAL_TYP, Some("vc"), credential.to_string().as_bytes()).map_err(|error| fault(PROOF, error))?;
            Ok(json!({ "@context": super::document::VC_CONTEXT, "id": format!("data:application/vc+jwt,{text}"), "type": "EnvelopedVerifiableCredential" }))
        }
        Securing::Proof(suite) => with_proof(key, credential, suite, now),
        Securing::Status => with_proof(key, credential, Suite::Rdfc, now),
    }
}

fn with_proof(key: &IssuingKey, mut document: Value, suite: Suite, now: DateTime<Utc>) -> Result<Value, ApiFault> {
    let options = ProofOptions { suite, created: now, method: &key.public.key_id, purpose: "assertionMethod" };
    let proof = data_integrity::add_proof(key, &document, &options).map_err(|error| fault(PROOF, error))?;
    document["proof"] = proof;
    Ok(document)
}

/// The list that issued credentials name: nothing in it is set.
///
/// # Errors
/// Never.
pub fn status_list(key: &IssuingKey, url: &str, now: DateTime<Utc>) -> Result<Value, ApiFault> {
    let purpose = url.rsplit('/').next().unwrap_or_default();
    with_proof(key, status_list::credential(url, &key.controller, purpose, &vec![0; status_list::BYTES], now), Suite::Rdfc, now)
}

/// Verifies a credential of anybody whose key is a did:key.
///
/// # Errors
/// It does not hold.
pub fn verify_credential(credential: &Value, now: DateTime<Utc>) -> Result<(), ApiFault> {
    if has_type(credential, "EnvelopedVerifiableCredential") {
        return verify_enveloped(credential);
    }
    check_meaning(credential, &data_model::check_credential(credential, true))?;
    data_integrity::verify(credential, &Expectation::assertion(now), &mut did_key).map(drop).map_err(|error| fault(PROOF, error))
}

fn check_meaning(document: &Value, faults: &[String]) -> Result<(), ApiFault> {
    if !faults.is_empty() {
        return Err(fault(MALFORMED, faults.join("; ")));
    }
    let mut unsecured = document.clone();
    if let Some(members) = unsecured.as_object_mut() {
        members.shift_remove("proof");
        // Each is a document of its own, and enveloped ones say nothing in RDF.
        members.shift_remove("verifiableCredential");
    }
    linked_data::check_lossless(&unsecured).map_err(|lost| fault(LOST, lost))
}

fn verify_enveloped(envelope: &Value) -> Result<(), ApiFault> {
    let text = envelope["id"].as_str().and_then(|id| id.strip_prefix("data:application/vc+jwt,")).ok_or_else(|| fault(MALFORMED, "id: a data: URL of application/vc+jwt expected"))?;
    let jws = CompactJws::parse(text).map_err(|error| fault(PROOF, error))?;
    let credential = strict_json::parse(&jws.payload).map_err(|_| fault(MALFORMED, "a payload of JSON without duplicate members expected"))?;
    if jws.typ().is_some_and(|typ| typ != CREDENTIAL_TYP) || credential.get("vc").is_some() || credential.get("vp").is_some() {
        return Err(fault(MALFORMED, "typ vc+jwt, and neither vc nor vp in the payload, expected"));
    }
    check_meaning(&credential, &data_model::check_credential(&credential, true))?;
    let key = jws.key_id().and_then(did_key).ok_or_else(|| fault(PROOF, "kid: a did:key of Ed25519 expected"))?;
    let issuer = credential["issuer"]["id"].as_str().or_else(|| credential["issuer"].as_str());
    let is_its_own = issuer == key.key_id.split_once('#').map(|(did, _)| did) && credential.get("iss").is_none_or(|iss| iss.as_str() == issuer);
    if is_its_own && jws.is_signed_by(&key) { Ok(()) } else { Err(fault(PROOF, "the signature of the issuer expected")) }
}

/// Verifies a presentation, signed or not, and every credential in it.
///
/// # Errors
/// It, or one of them, does not hold.
pub fn verify_presentation(presentation: &Value, challenge: Option<&str>, domain: Option<&str>, now: DateTime<Utc>) -> Result<(), ApiFault> {
    check_meaning(presentation, &data_model::check_presentation(presentation))?;
    let credentials = match &presentation["verifiableCredential"] {
        Value::Array(credentials) => credentials.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    for credential in credentials {
        verify_credential(credential, now)?;
    }
    if presentation.get("proof").is_none() {
        return Ok(());
    }
    let expected = Expectation { purpose: "authentication", challenge, domain, now };
    data_integrity::verify(presentation, &expected, &mut did_key).map(drop).map_err(|error| fault(PROOF, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IssuingKey {
        IssuingKey::of_did_key(&[3; 32])
    }

    fn now() -> DateTime<Utc> {
        "2026-03-10T02:00:00Z".parse().unwrap()
    }

    fn credential() -> Value {
        serde_json::from_str::<Value>(include_str!("../../tests/vectors/eddsa-2022/unsigned.json")).unwrap()
    }

    fn issued(securing: Securing) -> Value {
        let mut unsigned = credential();
        unsigned["issuer"] = json!(key().controller);
        issue(&key(), &unsigned, securing, "https://registry.example/conformance/status", 7, now()).unwrap()
    }

    #[test]
    fn what_is_issued_verifies_in_every_form() {
        for securing in [Securing::Proof(Suite::Rdfc), Securing::Proof(Suite::Jcs), Securing::Status, Securing::Jwt] {
            let credential = issued(securing);
            assert_eq!(verify_credential(&credential, now()), Ok(()), "{securing:?}");
            let presentation = json!({ "@context": [super::super::document::VC_CONTEXT], "type": ["VerifiablePresentation"], "verifiableCredential": [credential] });
            assert_eq!(verify_presentation(&presentation, None, None, now()), Ok(()));
        }
    }

    #[test]
    fn a_signed_presentation_is_for_one_challenge() {
        let presentation = json!({ "@context": [super::super::document::VC_CONTEXT], "type": ["VerifiablePresentation"], "verifiableCredential": [issued(Securing::Jwt)] });
        let mut proof = json!({ "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "created": "2026-03-10T02:00:00Z", "verificationMethod": key().public.key_id, "proofPurpose": "authentication", "challenge": "c-1", "domain": "d.example", "@context": presentation["@context"] });
        let hash = |value: &Value| {
            use sha2::Digest;
            sha2::Sha256::digest(serde_json_canonicalizer::to_vec(value).unwrap()).to_vec()
        };
        proof["proofValue"] = json!(format!("z{}", bs58::encode(key().sign(&[hash(&proof), hash(&presentation)].concat()).unwrap()).into_string()));
        let mut signed = presentation.clone();
        signed["proof"] = proof;
        assert_eq!(verify_presentation(&signed, Some("c-1"), Some("d.example"), now()), Ok(()));
        assert!(verify_presentation(&signed, Some("c-2"), Some("d.example"), now()).is_err());
        assert!(verify_presentation(&signed, Some("c-1"), Some("e.example"), now()).is_err());
    }

    #[test]
    fn what_is_wrong_is_neither_issued_nor_verified() {
        let cases: Vec<fn(&mut Value)> = vec![
            |d| d["surprise"] = json!(1),
            |d| d["type"] = json!("VerifiablePresentation"),
            |d| d["@context"] = json!(["https://www.w3.org/2018/credentials/v1"]),
            |d| d["credentialSubject"] = Value::Null,
        ];
        for change in cases {
            let mut unsigned = credential();
            // Without the vocabulary of the examples nothing undefined slips through.
            unsigned["@context"] = json!([super::super::document::VC_CONTEXT]);
            unsigned["type"] = json!(["VerifiableCredential"]);
            unsigned["credentialSubject"] = json!({ "id": "did:example:a" });
            assert!(issue(&key(), &unsigned, Securing::Proof(Suite::Jcs), "https://r.example", 0, now()).is_ok());
            change(&mut unsigned);
            for securing in [Securing::Proof(Suite::Rdfc), Securing::Proof(Suite::Jcs), Securing::Jwt] {
                assert!(issue(&key(), &unsigned, securing, "https://r.example", 0, now()).is_err(), "{unsigned}");
            }
            let mut secured = issued(Securing::Proof(Suite::Jcs));
            change(&mut secured);
            assert!(verify_credential(&secured, now()).is_err(), "{secured}");
        }
        for nothing in [json!(null), json!("x"), json!([]), json!({})] {
            assert!(verify_credential(&nothing, now()).is_err());
            assert!(verify_presentation(&nothing, None, None, now()).is_err());
        }
    }
}
