//! Receipts: a verification answer as a compact JWS that anyone can check later with the published keys.

use super::jws::{self, CompactJws};
use super::keys::{IssuingKey, PublicKey, SigningFault};
use serde_json::Value;

/// `typ` of a receipt, so that no other signature of the registry can be passed off as one.
pub const TYP: &str = "jilu-receipt+jwt";

/// Signs an answer. The payload is the answer itself, without its receipt.
///
/// # Errors
/// The key does not sign.
pub fn sign(key: &IssuingKey, answer: &[u8]) -> Result<String, SigningFault> {
    jws::sign(key, TYP, None, answer)
}

/// The answer inside a receipt, if `key` signed it.
pub fn open(text: &str, key: &PublicKey) -> Option<Value> {
    let jws = CompactJws::parse(text).ok()?;
    (jws.typ() == Some(TYP) && jws.is_signed_by(key)).then(|| serde_json::from_slice(&jws.payload).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_opens_only_with_its_key_and_type() {
        let key = IssuingKey::from_secret("did:web:registry.example", &[1; 32]);
        let other = IssuingKey::from_secret("did:web:registry.example", &[2; 32]);
        let receipt = sign(&key, br#"{"outcome":"valid"}"#).unwrap();
        assert_eq!(open(&receipt, &key.public).unwrap()["outcome"], "valid");
        assert!(open(&receipt, &other.public).is_none());
        assert!(open(&jws::sign(&key, "vc+jwt", None, b"{}").unwrap(), &key.public).is_none());
    }
}
