//! Keys of holders, in their wallets: what they sign, by EdDSA or ES256, which most wallets have.

use super::keys::PublicKey;
use super::strict_json;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A public key of a holder, without anything private.
#[derive(Debug, Clone, PartialEq)]
pub struct HolderKey {
    algorithm: Algorithm,
    jwk: Value,
}

/// A compact JWS of a holder; its signature is not yet checked.
#[derive(Debug, Clone)]
pub struct HolderJws<'a> {
    pub header: Value,
    pub claims: Value,
    signing_input: &'a str,
    signature: &'a str,
}

impl HolderKey {
    /// Reads a JWK: only its public members, of a curve that is known here.
    pub fn from_jwk(jwk: &Value) -> Option<Self> {
        if jwk.get("d").is_some() {
            return None;
        }
        let part = |name: &str| jwk[name].as_str().filter(|text| URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32));
        match (jwk["kty"].as_str()?, jwk["crv"].as_str()?) {
            ("OKP", "Ed25519") => {
                PublicKey::named("holder", &URL_SAFE_NO_PAD.decode(part("x")?).ok()?)?;
                Some(HolderKey { algorithm: Algorithm::EdDSA, jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": part("x")? }) })
            }
            ("EC", "P-256") => Some(HolderKey { algorithm: Algorithm::ES256, jwk: json!({ "kty": "EC", "crv": "P-256", "x": part("x")?, "y": part("y")? }) }),
            _ => None,
        }
    }

    /// The key behind a DID URL of did:jwk.
    pub fn from_did_jwk(method: &str) -> Option<Self> {
        let encoded = method.strip_prefix("did:jwk:")?.split('#').next()?;
        Self::from_jwk(&strict_json::parse(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()?)
    }

    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// RFC 7638.
    pub fn thumbprint(&self) -> String {
        // The members stand in the order that the RFC wants: by name.
        let members = ["crv", "kty", "x", "y"].iter().filter_map(|name| self.jwk.get(*name).map(|value| format!("\"{name}\":{value}")));
        let canonical = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
    }
}

impl<'a> HolderJws<'a> {
    /// Takes a text apart; None for anything but a JWS by one of the two algorithms.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (signing_input, signature) = text.rsplit_once('.')?;
        let (header, payload) = signing_input.split_once('.')?;
        let decode = |part: &str| strict_json::parse(&URL_SAFE_NO_PAD.decode(part).ok()?).ok().filter(Value::is_object);
        let (header, claims) = (decode(header)?, decode(payload)?);
        let is_known = ["EdDSA", "ES256"].iter().any(|algorithm| header["alg"] == *algorithm);
        let is_plain = ["crit", "b64", "zip"].iter().all(|member| header.get(member).is_none());
        (is_known && is_plain).then_some(HolderJws { header, claims, signing_input, signature })
    }

    pub fn typ(&self) -> Option<&str> {
        self.header["typ"].as_str()
    }

    pub fn is_signed_by(&self, key: &HolderKey) -> bool {
        let algorithm = if key.algorithm == Algorithm::EdDSA { "EdDSA" } else { "ES256" };
        if self.header["alg"] != algorithm {
            return false;
        }
        if key.algorithm == Algorithm::EdDSA {
            // Strictly, as everywhere.
            let bytes = key.jwk["x"].as_str().and_then(|x| URL_SAFE_NO_PAD.decode(x).ok());
            let public = bytes.and_then(|bytes| PublicKey::named("holder", &bytes));
            return public.zip(URL_SAFE_NO_PAD.decode(self.signature).ok()).is_some_and(|(key, signature)| key.verifies(self.signing_input.as_bytes(), &signature));
        }
        let decoding = serde_json::from_value(key.jwk.clone()).ok().and_then(|jwk| DecodingKey::from_jwk(&jwk).ok());
        decoding.is_some_and(|decoding| jsonwebtoken::crypto::verify(self.signature, self.signing_input.as_bytes(), &decoding, Algorithm::ES256).unwrap_or(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.3: ES256 over a payload of JSON.
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn es256_key() -> Value {
        json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
    }

    #[test]
    fn the_example_of_rfc_7515_verifies_and_no_change_of_it_does() {
        let key = HolderKey::from_jwk(&es256_key()).unwrap();
        assert!(HolderJws::parse(ES256).unwrap().is_signed_by(&key));
        let changed = ES256.replace("DtEhU", "DtEhV");
        assert!(!HolderJws::parse(&changed).unwrap().is_signed_by(&key));
        let did = format!("did:jwk:{}#0", URL_SAFE_NO_PAD.encode(es256_key().to_string()));
        assert_eq!(HolderKey::from_did_jwk(&did), Some(key));
    }

    #[test]
    fn a_key_with_a_private_part_or_of_another_curve_is_none() {
        let mut private = es256_key();
        private["d"] = json!("x");
        assert_eq!(HolderKey::from_jwk(&private), None);
        for wrong in [json!({ "kty": "EC", "crv": "P-384", "x": "A", "y": "A" }), json!({ "kty": "oct", "k": "AAAA" }), json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }), json!("x")] {
            assert_eq!(HolderKey::from_jwk(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_thumbprint_of_rfc_8037_holds() {
        let key = HolderKey::from_jwk(&json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })).unwrap();
        assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
