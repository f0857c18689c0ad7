//! The JSON-LD contexts that the product knows. They are compiled in and never fetched (see `contexts/SOURCES.md`).

use super::document::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT};
use super::learner_record::CLR_CONTEXT;

/// What the suites of the W3C write their documents with. It defines every term that nothing else defines, so that a document under it
/// could say anything; only the conformance interface takes it.
pub const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";

const KNOWN: &[(&str, &str)] = &[
    (VC_CONTEXT, include_str!("credentials-v2.json")),
    (OB_CONTEXT, include_str!("open-badges-3.0.3.json")),
    (OB_EXTENSIONS, include_str!("open-badges-extensions.json")),
    (CLR_CONTEXT, include_str!("clr-2.0.1.json")),
    ("https://w3id.org/security/data-integrity/v2", include_str!("data-integrity-v2.json")),
    ("https://w3id.org/security/multikey/v1", include_str!("multikey-v1.json")),
    ("https://www.w3.org/ns/did/v1", include_str!("did-v1.json")),
    (EXAMPLES, include_str!("examples-v2.json")),
];

/// The text behind the address of a context; None when the product does not know it.
pub fn find(url: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(known, _)| *known == url).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_base_context_is_the_one_that_the_specification_demands() {
        // VCDM 2.0, "Base Context".
        assert_eq!(hex::encode(Sha256::digest(find(VC_CONTEXT).unwrap())), "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734");
    }

    #[test]
    fn every_context_is_a_json_object_with_a_context() {
        for (url, text) in KNOWN {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            assert!(value.get("@context").is_some(), "{url}");
        }
    }
}
