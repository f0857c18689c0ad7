//! Compact JWS (RFC 7515) with EdDSA (RFC 8037): assembling our own and reading anybody's.
//!
//! jsonwebtoken rederives the key on every signature, so credentials and receipts are assembled here; access tokens stay with it.

use super::conformance::CheckedDocument;
use super::keys::{IssuingKey, PublicKey, SigningFault};
use super::strict_json;
use crate::domain::text::Text;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SIGNATURE_LENGTH;
use serde::Serialize;
use serde_json::Value;

/// A compact JWS taken apart; its signature is not yet checked.
#[derive(Debug, Clone)]
pub struct CompactJws<'a> {
    pub header: Value,
    pub payload: Vec<u8>,
    signing_input: &'a str,
    signature: Vec<u8>,
}

/// Why a text is not a JWS that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsFault {
    #[error("a text of another form found, three parts separated by dots expected")]
    NotCompact,
    #[error("another encoding found, base64url without padding expected in every part")]
    NotBase64Url,
    #[error("something else found as header, a JSON object without duplicate members expected")]
    HeaderNotJson,
    #[error("another alg found in the header, EdDSA expected")]
    WrongAlgorithm,
    #[error("a header member that changes how the signature is read found (crit, b64 or zip), none of them expected")]
    ForbiddenHeader,
}

impl JwsFault {
    /// The same in both languages.
    pub fn text(self) -> Text {
        let zh = match self {
            JwsFault::NotCompact => "应为以点分隔的三部分",
            JwsFault::NotBase64Url => "各部分应为无填充的 base64url",
            JwsFault::HeaderNotJson => "头部应为无重复成员的 JSON 对象",
            JwsFault::WrongAlgorithm => "头部 alg 应为 EdDSA",
            JwsFault::ForbiddenHeader => "头部含有改变签名读法的成员（crit、b64、zip）",
        };
        Text::new(self.to_string(), zh)
    }
}

/// `typ` of a credential (VC-JOSE-COSE, section 3.1.1).
pub const CREDENTIAL_TYP: &str = "vc+jwt";
/// `typ` of a presentation (section 3.1.2).
pub const PRESENTATION_TYP: &str = "vp+jwt";

/// A protected header (RFC 7515, section 4.1).
#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    typ: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<&'a str>,
    kid: &'a str,
}

/// Signs a credential. Only what passed every conformance rule can come here, and only the issuer's own key signs it.
///
/// # Errors
/// The issuer of the document is not the controller of the key, or the key does not sign.
pub fn sign_credential(key: &IssuingKey, document: &CheckedDocument) -> Result<String, SecuringFault> {
    if document.issuer() != key.controller {
        return Err(SecuringFault::ForeignKey);
    }
    Ok(sign(key, CREDENTIAL_TYP, Some("vc"), document.bytes())?)
}

/// Why a document was not secured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecuringFault {
    #[error("the issuer of a document is not the controller of its key")]
    ForeignKey,
    #[error(transparent)]
    Signing(#[from] SigningFault),
}

/// The header of a text under `typ` that names the key by its absolute URL. `content_type` becomes `cty`.
fn header<'a>(key: &'a IssuingKey, typ: &'a str, content_type: Option<&'a str>) -> Header<'a> {
    Header { alg: "EdDSA", typ: Some(typ), cty: content_type, kid: &key.public.key_id }
}

/// Signs `payload` under `typ`, naming the key by its absolute URL. `content_type` becomes `cty`.
pub(super) fn sign(key: &IssuingKey, typ: &str, content_type: Option<&str>, payload: &[u8]) -> Result<String, SigningFault> {
    assemble(key, &header(key, typ, content_type), payload)
}

/// How many bytes [`sign`] makes.
pub(super) fn length(key: &IssuingKey, typ: &str, content_type: Option<&str>, payload: &[u8]) -> usize {
    let signature = URL_SAFE_NO_PAD.encode([0; SIGNATURE_LENGTH]);
    signing_input(&header(key, typ, content_type), payload).len() + 1 + signature.len()
}

/// Signs `payload` without `typ`, naming the key by the address of its JWK, as the JWT profile of Open Badges wants it.
pub(super) fn sign_untyped(key: &IssuingKey, key_url: &str, payload: &[u8]) -> Result<String, SigningFault> {
    assemble(key, &Header { alg: "EdDSA", typ: None, cty: None, kid: key_url }, payload)
}

fn assemble(key: &IssuingKey, header: &Header<'_>, payload: &[u8]) -> Result<String, SigningFault> {
    let mut text = signing_input(header, payload);
    let signature = key.sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Ok(text)
}

/// Header and payload (RFC 7515, section 5.1).
fn signing_input(header: &Header<'_>, payload: &[u8]) -> String {
    let mut text = String::with_capacity(payload.len() * 4 / 3 + 400);
    URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(header).expect("texts are plain data"), &mut text);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    text
}

impl<'a> CompactJws<'a> {
    /// Takes a text apart. Everything that could make two readers disagree is refused here.
    pub fn parse(text: &'a str) -> Result<Self, JwsFault> {
        let mut parts = text.split('.');
        let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(JwsFault::NotCompact);
        };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsFault::NotBase64Url);
        let header_value = strict_json::parse(&decode(header)?).map_err(|_| JwsFault::HeaderNotJson)?;
        if !header_value.is_object() {
            return Err(JwsFault::HeaderNotJson);
        }
        if header_value["alg"] != "EdDSA" {
            return Err(JwsFault::WrongAlgorithm);
        }
        if ["crit", "b64", "zip"].iter().any(|member| header_value.get(member).is_some()) {
            return Err(JwsFault::ForbiddenHeader);
        }
        let signing_input = &text[..header.len() + 1 + payload.len()];
        Ok(CompactJws { payload: decode(payload)?, signature: decode(signature)?, header: header_value, signing_input })
    }

    pub fn key_id(&self) -> Option<&str> {
        self.header["kid"].as_str()
    }

    pub fn typ(&self) -> Option<&str> {
        self.header["typ"].as_str()
    }

    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.verifies(self.signing_input.as_bytes(), &self.signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IssuingKey {
        IssuingKey::from_secret("did:web:example.org", &[7; 32])
    }

    fn encode(text: &str) -> String {
        URL_SAFE_NO_PAD.encode(text)
    }

    #[test]
    fn what_is_signed_verifies_and_one_changed_byte_does_not() {
        let text = sign(&key(), "vc+jwt", Some("vc"), b"{}").unwrap();
        let jws = CompactJws::parse(&text).unwrap();
        assert_eq!((jws.typ(), jws.key_id(), jws.payload.as_slice()), (Some("vc+jwt"), Some(key().public.key_id.as_str()), b"{}".as_slice()));
        assert!(jws.is_signed_by(&key().public));
        let changed = text.replacen(&encode("{}"), &encode("[]"), 1);
        assert!(!CompactJws::parse(&changed).unwrap().is_signed_by(&key().public));
    }

    #[test]
    fn the_appendix_of_rfc_8037_verifies() {
        let text = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::from_bytes("did:web:example.org", &x).unwrap();
        assert!(CompactJws::parse(text).unwrap().is_signed_by(&key));
    }

    #[test]
    fn forms_that_readers_could_disagree_on_are_refused() {
        let good = sign(&key(), "vc+jwt", None, b"{}").unwrap();
        let parts: Vec<&str> = good.split('.').collect();
        let with_header = |header: &str| format!("{}.{}.{}", encode(header), parts[1], parts[2]);
        for (wrong, fault) in [
            (format!("{good}.x"), JwsFault::NotCompact),
            (format!("{}.{}", parts[0], parts[1]), JwsFault::NotCompact),
            (format!("{good}="), JwsFault::NotBase64Url),
            (format!("{good}\n"), JwsFault::NotBase64Url),
            (with_header(r#"{"alg":"none"}"#), JwsFault::WrongAlgorithm),
            (with_header(r#"{"alg":["EdDSA"]}"#), JwsFault::WrongAlgorithm),
            (with_header(r#"{"alg":"EdDSA","alg":"EdDSA"}"#), JwsFault::HeaderNotJson),
            (with_header(r#"{"alg":"EdDSA","crit":["b64"],"b64":false}"#), JwsFault::ForbiddenHeader),
            (with_header("[]"), JwsFault::HeaderNotJson),
        ] {
            assert_eq!(CompactJws::parse(&wrong).unwrap_err(), fault, "{wrong}");
        }
    }
}
