//! Who signs: did:web identifiers, their documents, and the JWK set.

use super::data_integrity::multikey_id;
use super::keys::PublicKey;
use serde_json::{Value, json};

/// The DID of the registry itself, or of an organisation whose key the registry holds (did:web, W3C CCG).
///
/// `public_url` is `https://host[:port]` without a path; a port is written as `%3A`.
pub fn did_web(public_url: &str, organisation: Option<&str>) -> String {
    let host = public_url.split_once("://").map_or(public_url, |(_, host)| host).replace(':', "%3A");
    match organisation {
        Some(organisation) => format!("did:web:{host}:organisations:{organisation}"),
        None => format!("did:web:{host}"),
    }
}

/// The key that a verification method of did:key names: the DID is the key itself (did:key, W3C CCG).
pub fn did_key(method: &str) -> Option<PublicKey> {
    let (did, fragment) = method.split_once('#')?;
    let multikey = did.strip_prefix("did:key:")?;
    if multikey == fragment { PublicKey::from_multikey(method, multikey) } else { None }
}

/// A key with what has happened to it.
#[derive(Debug, Clone)]
pub struct PublishedKey {
    pub key: PublicKey,
    /// A retired key signs nothing new; its old signatures still verify.
    pub is_current: bool,
}

/// The DID document: every key as a `Multikey` and as a `JsonWebKey`, all under `assertionMethod`, so that what an old key signed
/// keeps verifying.
pub fn did_document(did: &str, keys: &[PublishedKey]) -> Value {
    let mut methods = Vec::new();
    let mut asserted = Vec::new();
    for published in keys {
        let key = &published.key;
        methods.push(json!({ "id": key.key_id, "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk(key) }));
        let multikey_id = multikey_id(&key.key_id);
        methods.push(json!({ "id": multikey_id, "type": "Multikey", "controller": did, "publicKeyMultibase": key.multikey() }));
        asserted.extend([key.key_id.clone(), multikey_id]);
    }
    json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1", "https://w3id.org/security/jwk/v1"],
        "id": did,
        "verificationMethod": methods,
        "assertionMethod": asserted,
    })
}

/// A public JWK (RFC 7517, RFC 8037). `kid` is the name that stands in the header of whatever the key signs.
pub fn jwk(key: &PublicKey) -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": key.jwk_x(), "kid": key.key_id, "alg": "EdDSA", "use": "sig" })
}

#[cfg(test)]
mod tests {
    use super::super::keys::IssuingKey;
    use super::*;

    #[test]
    fn ports_and_paths_are_written_as_did_web_demands() {
        assert_eq!(did_web("http://localhost:8080", None), "did:web:localhost%3A8080");
        assert_eq!(did_web("https://registry.example", Some("org_1")), "did:web:registry.example:organisations:org_1");
    }

    #[test]
    fn a_did_key_is_its_own_key() {
        let key = IssuingKey::from_secret("did:web:registry.example", &[1; 32]).public;
        let multikey = key.multikey();
        let method = format!("did:key:{multikey}#{multikey}");
        assert_eq!(did_key(&method).unwrap().bytes(), key.bytes());
        for wrong in [format!("did:key:{multikey}#other"), format!("did:key:{multikey}"), "did:key:z6MkA#z6MkA".to_owned(), format!("did:web:{multikey}#{multikey}")] {
            assert_eq!(did_key(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn key_identifiers_are_absolute_and_asserted() {
        let did = "did:web:registry.example";
        let key = IssuingKey::from_secret(did, &[1; 32]).public;
        let document = did_document(did, &[PublishedKey { key: key.clone(), is_current: true }]);
        assert_eq!(document["id"], did);
        assert_eq!(document["assertionMethod"][0], key.key_id);
        assert_eq!(document["verificationMethod"][0]["publicKeyJwk"]["kid"], key.key_id);
        assert!(document["verificationMethod"][1]["publicKeyMultibase"].as_str().unwrap().starts_with("z6Mk"));
        assert!(document.to_string().find("\"d\":").is_none());
    }
}
