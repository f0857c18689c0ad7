//! The small issuer and verifier that the suites of the W3C drive (VC API). They sign whatever they are given, so the key is a did:key
//! of their own that stands for nobody.

use super::data_integrity::{self, Expectation, ProofOptions, Suite};
use super::document::VC_CONTEXT;
use super::identity::did_key;
use super::jws::{CREDENTIAL_TYP, CompactJws, PRESENTATION_TYP, sign};
use super::jwt_claims::Claims;
use super::keys::{IssuingKey, PublicKey};
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
            Ok(json!({ "@context": VC_CONTEXT, "id": format!("data:application/vc+jwt,{text}"), "type": "EnvelopedVerifiableCredential" }))
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

/// What whoever asks expects of a proof, where it differs from what such a document usually has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    pub purpose: Option<&'a str>,
    pub challenge: Option<&'a str>,
    pub domain: Option<&'a str>,
}

/// Verifies a credential of anybody whose key is a did:key.
///
/// # Errors
/// It does not hold.
pub fn verify_credential(credential: &Value, expected: Expected<'_>, now: DateTime<Utc>) -> Result<(), ApiFault> {
    if has_type(credential, "EnvelopedVerifiableCredential") {
        return verify_enveloped(credential, now);
    }
    check_meaning(credential, &data_model::check_credential(credential, true))?;
    verify_proofs(credential, expected, "assertionMethod", now)
}

fn verify_proofs(document: &Value, expected: Expected<'_>, usual: &str, now: DateTime<Utc>) -> Result<(), ApiFault> {
    let expected = Expectation { purpose: expected.purpose.unwrap_or(usual), challenge: expected.challenge, domain: expected.domain, now, may_add_contexts: true };
    data_integrity::verify(document, &expected, &mut did_key).map(drop).map_err(|error| fault(PROOF, error))
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

fn verify_enveloped(envelope: &Value, now: DateTime<Utc>) -> Result<(), ApiFault> {
    let opened = open_envelope(envelope, CREDENTIAL_TYP, now)?;
    check_meaning(&opened.document, &data_model::check_credential(&opened.document, true))?;
    let issuer = opened.document["issuer"]["id"].as_str().or_else(|| opened.document["issuer"].as_str());
    opened.is_by(issuer)
}

fn verify_enveloped_presentation(envelope: &Value, expected: Expected<'_>, now: DateTime<Utc>) -> Result<(), ApiFault> {
    let opened = open_envelope(envelope, PRESENTATION_TYP, now)?;
    check_presented(&opened.document, now)?;
    // Whom a JWT is for, and for which question, its claims say (VC-JOSE-COSE, section 3.1.3; OpenID4VP, nonce).
    let answers = |wanted: Option<&str>, found: &Value| wanted.is_none_or(|wanted| *found == wanted || found.as_array().is_some_and(|found| found.iter().any(|found| found == wanted)));
    if !answers(expected.challenge, &opened.nonce) || !answers(expected.domain, &opened.audience) {
        return Err(fault(PROOF, "nonce and aud as the verifier asked for expected"));
    }
    let holder = opened.document["holder"]["id"].as_str().or_else(|| opened.document["holder"].as_str());
    opened.is_by(holder.or(opened.controller()))
}

/// A document out of its envelope, with what its signature rests on.
struct Opened<'a> {
    document: Value,
    jws: CompactJws<'a>,
    key: PublicKey,
    claims: Claims,
    nonce: Value,
    audience: Value,
}

impl Opened<'_> {
    /// The DID whose key signs.
    fn controller(&self) -> Option<&str> {
        self.key.key_id.split_once('#').map(|(did, _)| did)
    }

    fn is_by(&self, author: Option<&str>) -> Result<(), ApiFault> {
        if let Some(why) = self.claims.disagreement(&self.document, author) {
            return Err(fault(MALFORMED, why.en));
        }
        let is_signed = author.is_some() && author == self.controller() && self.jws.is_signed_by(&self.key);
        if is_signed { Ok(()) } else { Err(fault(PROOF, "the signature of the author expected")) }
    }
}

/// Opens an `EnvelopedVerifiableCredential` or `EnvelopedVerifiablePresentation` (VCDM, sections 4.13.2 and 4.13.3).
fn open_envelope<'a>(envelope: &'a Value, typ: &str, now: DateTime<Utc>) -> Result<Opened<'a>, ApiFault> {
    let contexts = envelope["@context"].as_array().map_or(std::slice::from_ref(&envelope["@context"]), Vec::as_slice);
    if !contexts.iter().any(|context| context == VC_CONTEXT) {
        return Err(fault(MALFORMED, format!("@context: {VC_CONTEXT} expected")));
    }
    let text = envelope["id"].as_str().and_then(|id| id.strip_prefix("data:application/")?.strip_prefix(typ)?.strip_prefix(','));
    let text = text.ok_or_else(|| fault(MALFORMED, format!("id: a data: URL of application/{typ} expected")))?;
    let jws = CompactJws::parse(text).map_err(|error| fault(PROOF, error))?;
    let payload = strict_json::parse(&jws.payload).map_err(|_| fault(MALFORMED, "a payload of JSON without duplicate members expected"))?;
    let Value::Object(mut members) = payload else { return Err(fault(MALFORMED, "an object as payload expected")) };
    let is_of_type = jws.typ().is_none_or(|found| found == typ) && jws.header.get("cty").is_none_or(|cty| typ.strip_suffix("+jwt").is_some_and(|expected| cty == expected));
    if !is_of_type || members.contains_key("vc") || members.contains_key("vp") {
        return Err(fault(MALFORMED, format!("typ {typ} with its cty, and neither vc nor vp in the payload, expected")));
    }
    let (nonce, audience) = (members.shift_remove("nonce").unwrap_or_default(), members.get("aud").cloned().unwrap_or_default());
    let claims = Claims::take(&mut members);
    if !claims.holds_at(now) {
        return Err(fault(PROOF, "a signature that counts today (nbf, exp) expected"));
    }
    let key = jws.key_id().and_then(did_key).ok_or_else(|| fault(PROOF, "kid: a did:key of Ed25519 expected"))?;
    Ok(Opened { document: Value::Object(members), jws, key, claims, nonce, audience })
}

/// Verifies a presentation, signed or not, and every credential in it.
///
/// # Errors
/// It, or one of them, does not hold.
pub fn verify_presentation(presentation: &Value, expected: Expected<'_>, now: DateTime<Utc>) -> Result<(), ApiFault> {
    if has_type(presentation, "EnvelopedVerifiablePresentation") {
        return verify_enveloped_presentation(presentation, expected, now);
    }
    check_presented(presentation, now)?;
    if presentation.get("proof").is_none() {
        return Ok(());
    }
    verify_proofs(presentation, expected, "authentication", now)
}

/// A presentation apart from its own proof.
fn check_presented(presentation: &Value, now: DateTime<Utc>) -> Result<(), ApiFault> {
    check_meaning(presentation, &data_model::check_presentation(presentation))?;
    let credentials = match &presentation["verifiableCredential"] {
        Value::Array(credentials) => credentials.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    credentials.iter().try_for_each(|credential| verify_credential(credential, Expected::default(), now))
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
            assert_eq!(verify_credential(&credential, Expected::default(), now()), Ok(()), "{securing:?}");
            let presentation = json!({ "@context": [VC_CONTEXT], "type": ["VerifiablePresentation"], "verifiableCredential": [credential] });
            assert_eq!(verify_presentation(&presentation, Expected::default(), now()), Ok(()));
        }
    }

    #[test]
    fn a_signed_presentation_is_for_one_challenge() {
        let presentation = json!({ "@context": [VC_CONTEXT], "type": ["VerifiablePresentation"], "verifiableCredential": [issued(Securing::Jwt)] });
        let mut proof = json!({ "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "created": "2026-03-10T02:00:00Z", "verificationMethod": key().public.key_id, "proofPurpose": "authentication", "challenge": "c-1", "domain": "d.example", "@context": presentation["@context"] });
        let hash = |value: &Value| {
            use sha2::Digest;
            sha2::Sha256::digest(serde_json_canonicalizer::to_vec(value).unwrap()).to_vec()
        };
        proof["proofValue"] = json!(format!("z{}", bs58::encode(key().sign(&[hash(&proof), hash(&presentation)].concat()).unwrap()).into_string()));
        let mut signed = presentation.clone();
        signed["proof"] = proof;
        let asked = |challenge, domain| verify_presentation(&signed, Expected { challenge: Some(challenge), domain: Some(domain), purpose: None }, now());
        assert_eq!(asked("c-1", "d.example"), Ok(()));
        assert!(asked("c-2", "d.example").is_err());
        assert!(asked("c-1", "e.example").is_err());
    }

    #[test]
    fn a_proof_for_another_purpose_is_not_taken() {
        let credential = issued(Securing::Proof(Suite::Rdfc));
        let asked = |purpose| verify_credential(&credential, Expected { purpose: Some(purpose), ..Expected::default() }, now());
        assert_eq!(asked("assertionMethod"), Ok(()));
        assert!(asked("authentication").is_err());
    }

    /// What a payload is enveloped as: media type, `cty`, and changes of the envelope.
    fn enveloped(typ: &str, cty: &str, payload: &Value) -> Value {
        let text = sign(&key(), typ, Some(cty), payload.to_string().as_bytes()).unwrap();
        let kind = if typ == PRESENTATION_TYP { "EnvelopedVerifiablePresentation" } else { "EnvelopedVerifiableCredential" };
        json!({ "@context": [VC_CONTEXT], "id": format!("data:application/{typ},{text}"), "type": kind })
    }

    #[test]
    fn an_envelope_says_what_it_is_and_counts_in_its_time() {
        let mut payload = credential();
        payload["issuer"] = json!(key().controller);
        let verify = |envelope: &Value| verify_credential(envelope, Expected::default(), now());
        assert_eq!(verify(&enveloped(CREDENTIAL_TYP, "vc", &payload)), Ok(()));
        let cases: Vec<fn(&mut Value)> = vec![|e| e["@context"] = json!([]), |e| e["@context"] = json!(["https://www.w3.org/ns/credentials/examples/v2"]), |e| e["id"] = json!("data:text/plain,x"), |e| e["id"] = json!(e["id"].as_str().unwrap().replace("vc+jwt", "vp+jwt"))];
        for change in cases {
            let mut wrong = enveloped(CREDENTIAL_TYP, "vc", &payload);
            change(&mut wrong);
            assert!(verify(&wrong).is_err(), "{wrong}");
        }
        assert!(verify(&enveloped(CREDENTIAL_TYP, "bad+cty", &payload)).is_err());
        for (name, value, holds) in [("iss", json!(key().controller), true), ("iss", json!("did:example:other"), false), ("exp", json!(1_900_000_000), true), ("exp", json!(1_700_000_000), false), ("nbf", json!(1_900_000_000), false), ("vc", json!({}), false)] {
            let mut claimed = payload.clone();
            claimed[name] = value;
            assert_eq!(verify(&enveloped(CREDENTIAL_TYP, "vc", &claimed)).is_ok(), holds, "{claimed}");
        }
    }

    #[test]
    fn a_presentation_in_an_envelope_is_for_one_verifier() {
        let payload = json!({ "@context": [VC_CONTEXT], "type": ["VerifiablePresentation"], "holder": key().controller, "verifiableCredential": [issued(Securing::Jwt)], "nonce": "c-1", "aud": ["d.example"] });
        let envelope = enveloped(PRESENTATION_TYP, "vp", &payload);
        let asked = |envelope: &Value, challenge, domain| verify_presentation(envelope, Expected { challenge: Some(challenge), domain: Some(domain), purpose: None }, now());
        assert_eq!(asked(&envelope, "c-1", "d.example"), Ok(()));
        assert_eq!(verify_presentation(&envelope, Expected::default(), now()), Ok(()));
        assert!(asked(&envelope, "c-2", "d.example").is_err() && asked(&envelope, "c-1", "e.example").is_err());
        let mut of_another = payload.clone();
        of_another["holder"] = json!("did:example:other");
        assert!(verify_presentation(&enveloped(PRESENTATION_TYP, "vp", &of_another), Expected::default(), now()).is_err());
        let mut with_a_bad_one = payload;
        with_a_bad_one["verifiableCredential"][0]["@context"] = json!([]);
        assert!(verify_presentation(&enveloped(PRESENTATION_TYP, "vp", &with_a_bad_one), Expected::default(), now()).is_err());
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
            unsigned["@context"] = json!([VC_CONTEXT]);
            unsigned["type"] = json!(["VerifiableCredential"]);
            unsigned["credentialSubject"] = json!({ "id": "did:example:a" });
            assert!(issue(&key(), &unsigned, Securing::Proof(Suite::Jcs), "https://r.example", 0, now()).is_ok());
            change(&mut unsigned);
            for securing in [Securing::Proof(Suite::Rdfc), Securing::Proof(Suite::Jcs), Securing::Jwt] {
                assert!(issue(&key(), &unsigned, securing, "https://r.example", 0, now()).is_err(), "{unsigned}");
            }
            let mut secured = issued(Securing::Proof(Suite::Jcs));
            change(&mut secured);
            assert!(verify_credential(&secured, Expected::default(), now()).is_err(), "{secured}");
        }
        for nothing in [json!(null), json!("x"), json!([]), json!({})] {
            assert!(verify_credential(&nothing, Expected::default(), now()).is_err());
            assert!(verify_presentation(&nothing, Expected::default(), now()).is_err());
        }
    }
}
