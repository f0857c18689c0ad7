//! What is hashed and signed, by cryptosuite (EDDSA, sections 3.2 and 3.3).

use super::ProofFault;
use crate::credential::{conformance, linked_data, quads};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// A way from a document to the bytes that are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// Signs the meaning: JSON-LD, RDFC-1.0.
    Rdfc,
    /// Signs the text: RFC 8785.
    Jcs,
}

/// No suite of this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("eddsa-rdfc-2022 or eddsa-jcs-2022 expected")]
pub struct Refusal;

impl std::str::FromStr for Suite {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        [Suite::Rdfc, Suite::Jcs].into_iter().find(|suite| suite.as_str() == text).ok_or(Refusal)
    }
}

impl Suite {
    pub fn as_str(self) -> &'static str {
        match self {
            Suite::Rdfc => "eddsa-rdfc-2022",
            Suite::Jcs => "eddsa-jcs-2022",
        }
    }

    /// SHA-256 over the canonical options and over the canonical document, options first. `options` is the proof without its value,
    /// `document` what is secured without the proof.
    ///
    /// # Errors
    /// One of the two has no canonical form.
    pub(super) fn hash_data(self, options: &Map<String, Value>, document: &Value) -> Result<[u8; 64], ProofFault> {
        let (options, document) = match self {
            Suite::Jcs => (canonical_json(&Value::Object(options.clone()))?, canonical_json(document)?),
            Suite::Rdfc => {
                let meaning = match conformance::check(document) {
                    Ok(_) => quads::of_credential(document)?,
                    Err(_) => linked_data::canonical_quads(document)?,
                };
                (options_quads(options, document)?.into_bytes(), meaning.into_bytes())
            }
        };
        let mut hashes = [0; 64];
        hashes[..32].copy_from_slice(&Sha256::digest(options));
        hashes[32..].copy_from_slice(&Sha256::digest(document));
        Ok(hashes)
    }
}

/// RFC 8785. Its library writes every object into buffers of its own, which took longer than the signature. What has only plain parts, as
/// our own documents have, is in this form when the members are in order; a property test holds both ways equal.
fn canonical_json(value: &Value) -> Result<Vec<u8>, ProofFault> {
    let written = if is_plain(value) { serde_json::to_vec(&InOrder(value)).ok() } else { serde_json_canonicalizer::to_vec(value).ok() };
    written.ok_or(ProofFault::NoCanonicalForm)
}

/// Whether all names are ASCII, whose order is the same by bytes and by UTF-16 units, and no number has more than one spelling.
fn is_plain(value: &Value) -> bool {
    const EXACT_MAX: u64 = 1 << 53;
    match value {
        Value::Number(number) => number.as_i64().is_some_and(|number| number.unsigned_abs() <= EXACT_MAX),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(members) => members.iter().all(|(name, value)| name.is_ascii() && is_plain(value)),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// A value whose members are written in the order of their names.
struct InOrder<'a>(&'a Value);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => serializer.collect_seq(items.iter().map(InOrder)),
            Value::Object(members) => {
                let mut members: Vec<(&String, &Value)> = members.iter().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                serializer.collect_map(members.into_iter().map(|(name, value)| (name, InOrder(value))))
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// The canonical options. Options of the plain kind are written directly; a test holds that equal to the general way.
fn options_quads(options: &Map<String, Value>, document: &Value) -> Result<String, ProofFault> {
    if let Some(written) = plain_options(options) {
        return Ok(written);
    }
    let mut options = options.clone();
    // They are read with the contexts of the document (EDDSA 3.2.5).
    if let Some(contexts) = document.get("@context") {
        options.insert("@context".to_owned(), contexts.clone());
    }
    Ok(linked_data::canonical_quads(&Value::Object(options))?)
}

/// None for options that hold more than the five members that every proof has.
fn plain_options(options: &Map<String, Value>) -> Option<String> {
    let text = |member: &str| options.get(member).and_then(Value::as_str);
    if options.len() != 5 || text("type") != Some("DataIntegrityProof") || text("proofPurpose") != Some("assertionMethod") {
        return None;
    }
    let (created, suite, method) = (text("created")?, text("cryptosuite")?, text("verificationMethod")?);
    let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b));
    if !method.starts_with("did:") || ![created, suite, method].into_iter().all(is_plain) {
        return None;
    }
    Some(format!(
        "_:c14n0 <http://purl.org/dc/terms/created> \"{created}\"^^<http://www.w3.org/2001/XMLSchema#dateTime> .\n\
         _:c14n0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/security#DataIntegrityProof> .\n\
         _:c14n0 <https://w3id.org/security#cryptosuite> \"{suite}\"^^<https://w3id.org/security#cryptosuiteString> .\n\
         _:c14n0 <https://w3id.org/security#proofPurpose> <https://w3id.org/security#assertionMethod> .\n\
         _:c14n0 <https://w3id.org/security#verificationMethod> <{method}> .\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::document::tests::sample;
    use proptest::prelude::*;
    use serde_json::json;

    fn values() -> impl Strategy<Value = Value> {
        let numbers = prop_oneof![any::<i64>().prop_map(Value::from), any::<u64>().prop_map(Value::from), any::<f64>().prop_map(Value::from), (-3_i64..3).prop_map(Value::from)];
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::Bool), numbers, any::<String>().prop_map(Value::String), "[\\x00-\\x7f\u{2028}\u{e000}\u{1f600}]{0,8}".prop_map(Value::String)];
        let names = prop_oneof![4 => "[ -~]{0,4}", 1 => "[a\u{e000}\u{1f600}]{0,2}"];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array), prop::collection::vec((names.clone(), inner), 0..6).prop_map(|members| Value::Object(members.into_iter().collect()))]
        })
    }

    proptest! {
        #[test]
        fn plain_values_are_written_as_the_library_writes_them(value in values()) {
            prop_assert_eq!(canonical_json(&value).ok(), serde_json_canonicalizer::to_vec(&value).ok());
        }
    }

    #[test]
    fn our_own_documents_are_plain_and_what_has_two_spellings_is_not() {
        assert!(is_plain(&sample().compose()));
        for value in [json!(1.0), json!(1e30), json!(9_007_199_254_740_994_i64), json!({ "é": 1 }), json!([{ "a": [0.5] }])] {
            assert!(!is_plain(&value), "{value}");
        }
    }

    #[test]
    fn plain_options_are_what_the_general_way_makes_of_them() {
        let document = sample().compose();
        let mut options = json!({
            "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "created": "2026-03-10T02:00:00Z",
            "verificationMethod": "did:web:localhost%3A8080:organisations:org_1#key", "proofPurpose": "assertionMethod",
        });
        let written = plain_options(options.as_object().unwrap()).unwrap();
        options["@context"] = document["@context"].clone();
        assert_eq!(written, linked_data::canonical_quads(&options).unwrap());
    }

    #[test]
    fn options_with_more_in_them_go_the_general_way() {
        let document = sample().compose();
        let options = json!({
            "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "created": "2026-03-10T02:00:00Z", "expires": "2030-01-01T00:00:00Z",
            "verificationMethod": "did:web:localhost%3A8080:organisations:org_1#key", "proofPurpose": "assertionMethod",
        });
        let options = options.as_object().unwrap();
        assert_eq!(plain_options(options), None);
        assert!(options_quads(options, &document).unwrap().contains("2030-01-01"));
    }
}
