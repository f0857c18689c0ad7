//! Who signs: did:web identifiers, their documents, and the JWK set.

use super::data_integrity::multikey_id;
use super::keys::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
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

/// Where the document of a did:web stands: over https, except on this machine. None for anything that the method does not allow, such as
/// addresses in numbers.
pub fn did_web_url(did: &str) -> Option<String> {
    let mut parts = did.strip_prefix("did:web:")?.split(':');
    let address = parts.next()?.replace("%3A", ":").replace("%3a", ":");
    let (host, port) = address.split_once(':').map_or((address.as_str(), None), |(host, port)| (host, Some(port)));
    let is_name = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') && host.rsplit('.').next().is_some_and(|last| last.bytes().any(|b| b.is_ascii_alphabetic()));
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let segments: Vec<&str> = parts.collect();
    let is_segment = |segment: &&str| !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.%".contains(&b)) && !segment.bytes().all(|b| b == b'.');
    if !is_name || !is_port || !segments.iter().all(is_segment) {
        return None;
    }
    let scheme = if host == "localhost" { "http" } else { "https" };
    let path = if segments.is_empty() { ".well-known".to_owned() } else { segments.join("/") };
    Some(format!("{scheme}://{address}/{path}/did.json"))
}

/// The key behind a verification method in a DID document, if its controller lists it for assertions and has not revoked it.
pub fn key_in_did_document(document: &Value, did: &str, method: &str) -> Option<PublicKey> {
    if document["id"] != did {
        return None;
    }
    let listed = document["assertionMethod"].as_array()?.iter().find(|item| *item == method || item["id"] == method)?;
    let found = if listed.is_object() { listed } else { document["verificationMethod"].as_array()?.iter().find(|item| item["id"] == method)? };
    if found["controller"] != did || found.get("revoked").is_some() {
        return None;
    }
    match found["type"].as_str()? {
        "Multikey" | "Ed25519VerificationKey2020" => PublicKey::from_multikey(method, found["publicKeyMultibase"].as_str()?),
        "JsonWebKey" | "JsonWebKey2020" => key_in_jwk(&found["publicKeyJwk"], method),
        _ => None,
    }
}

/// The key that a DID document lists for assertions and that is this one, whatever it is called there.
pub fn same_key_in_did_document(document: &Value, did: &str, key: &PublicKey) -> Option<PublicKey> {
    let methods = document["assertionMethod"].as_array()?.iter().filter_map(|item| item.as_str().or_else(|| item["id"].as_str()));
    methods.filter_map(|method| key_in_did_document(document, did, method)).find(|listed| listed.bytes() == key.bytes())
}

/// An Ed25519 key as JWK, under a name.
pub fn key_in_jwk(jwk: &Value, name: &str) -> Option<PublicKey> {
    if jwk["kty"] != "OKP" || jwk["crv"] != "Ed25519" || jwk.get("d").is_some() {
        return None;
    }
    PublicKey::named(name, &URL_SAFE_NO_PAD.decode(jwk["x"].as_str()?).ok()?)
}

/// The key of a JWK set with this name; without a name, the only one.
pub fn key_in_jwks(keys: &Value, key_id: Option<&str>) -> Option<PublicKey> {
    let keys = keys["keys"].as_array()?;
    match key_id {
        Some(key_id) => key_in_jwk(keys.iter().find(|key| key["kid"] == key_id)?, key_id),
        None if keys.len() == 1 => key_in_jwk(&keys[0], "the only key"),
        None => None,
    }
}

/// A key with what has happened to it.
#[derive(Debug, Clone)]
pub struct PublishedKey {
    pub key: PublicKey,
    /// A retired key signs nothing new; its old signatures still verify.
    pub is_current: bool,
    /// Since when it is stolen.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The DID document: every key as a `Multikey` and as a `JsonWebKey`, under `assertionMethod` also when it is retired, so that what it
/// signed keeps verifying. A stolen key is marked as `revoked` and asserts nothing.
pub fn did_document(did: &str, keys: &[PublishedKey]) -> Value {
    let mut methods = Vec::new();
    let mut asserted = Vec::new();
    for published in keys {
        let key = &published.key;
        let multikey_id = multikey_id(&key.key_id);
        let mut both = [
            json!({ "id": key.key_id, "type": "JsonWebKey", "controller": did, "publicKeyJwk": jwk(key) }),
            json!({ "id": multikey_id, "type": "Multikey", "controller": did, "publicKeyMultibase": key.multikey() }),
        ];
        match published.revoked_at {
            Some(at) => both.iter_mut().for_each(|method| method["revoked"] = json!(at.to_rfc3339_opts(SecondsFormat::Secs, true))),
            None => asserted.extend([key.key_id.clone(), multikey_id]),
        }
        methods.extend(both);
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
    fn a_did_web_stands_for_one_address() {
        assert_eq!(did_web_url("did:web:registry.example").as_deref(), Some("https://registry.example/.well-known/did.json"));
        assert_eq!(did_web_url("did:web:registry.example%3A8443:organisations:org_1").as_deref(), Some("https://registry.example:8443/organisations/org_1/did.json"));
        assert_eq!(did_web_url("did:web:localhost%3A8080").as_deref(), Some("http://localhost:8080/.well-known/did.json"));
        for wrong in ["did:web:127.0.0.1", "did:web:10.0.0.1%3A80", "did:web:2130706433", "did:web:[::1]", "did:web:user@host.example", "did:web:host.example:..:admin", "did:web:host.example::x", "did:web:host.example%2Fx", "did:web:host.example?x", "did:web:", "did:key:z6Mk"] {
            assert_eq!(did_web_url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_counts_only_as_its_controller_lists_it() {
        let did = "did:web:registry.example";
        let key = IssuingKey::from_secret(did, &[1; 32]).public;
        let document = did_document(did, &[PublishedKey { key: key.clone(), is_current: true, revoked_at: None }]);
        for method in [key.key_id.clone(), multikey_id(&key.key_id)] {
            assert_eq!(key_in_did_document(&document, did, &method).unwrap().bytes(), key.bytes());
            let cases: Vec<fn(&mut Value)> = vec![
                |d| d["id"] = json!("did:web:evil.example"),
                |d| d["assertionMethod"] = json!([]),
                |d| d["verificationMethod"].as_array_mut().unwrap().iter_mut().for_each(|one| one["controller"] = json!("did:web:evil.example")),
                |d| d["verificationMethod"].as_array_mut().unwrap().iter_mut().for_each(|one| one["revoked"] = json!("2026-01-01T00:00:00Z")),
                |d| d["verificationMethod"].as_array_mut().unwrap().iter_mut().for_each(|one| one["type"] = json!("Ed448")),
            ];
            for change in cases {
                let mut changed = document.clone();
                change(&mut changed);
                assert_eq!(key_in_did_document(&changed, did, &method), None, "{changed}");
            }
        }
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
        let document = did_document(did, &[PublishedKey { key: key.clone(), is_current: true, revoked_at: None }]);
        assert_eq!(document["id"], did);
        assert_eq!(document["assertionMethod"][0], key.key_id);
        assert_eq!(document["verificationMethod"][0]["publicKeyJwk"]["kid"], key.key_id);
        assert!(document["verificationMethod"][1]["publicKeyMultibase"].as_str().unwrap().starts_with("z6Mk"));
        assert!(document.to_string().find("\"d\":").is_none());
        let stolen = did_document(did, &[PublishedKey { key, is_current: false, revoked_at: "2026-03-10T02:00:00Z".parse().ok() }]);
        assert_eq!((&stolen["assertionMethod"], &stolen["verificationMethod"][0]["revoked"]), (&json!([]), &json!("2026-03-10T02:00:00Z")));
    }
}
