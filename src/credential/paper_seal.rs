//! The seal of a printed file: a compact JWS over every byte of the file but its own, so that an edit anywhere shows.

use super::jws::{self, CompactJws};
use super::keys::{IssuingKey, PublicKey, SigningFault};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::ops::Range;

/// `typ` of a seal, so that no other signature can be passed off as one.
pub const TYP: &str = "jilu-seal+jws";

/// The digest that a seal covers: SHA-256 of the file without the seal's own bytes.
pub fn digest_without(file: &[u8], seal: Range<usize>) -> [u8; 32] {
    Sha256::new().chain_update(&file[..seal.start]).chain_update(&file[seal.end..]).finalize().into()
}

fn payload(digest: &[u8; 32]) -> String {
    json!({ "sha256": hex::encode(digest) }).to_string()
}

/// Signs a digest. The length of the text depends on the key's identifier alone.
///
/// # Errors
/// The key does not sign.
pub fn sign(key: &IssuingKey, digest: &[u8; 32]) -> Result<String, SigningFault> {
    jws::sign(key, TYP, None, payload(digest).as_bytes())
}

/// Something as long as the key's seals, which stands nowhere else.
pub fn placeholder(key: &IssuingKey) -> Vec<u8> {
    vec![b'~'; jws::length(key, TYP, None, payload(&[0; 32]).as_bytes())]
}

/// The identifier of the key that a seal names.
pub fn key_id(text: &str) -> Option<String> {
    let seal = CompactJws::parse(text).ok()?;
    (seal.typ() == Some(TYP)).then(|| seal.key_id().map(str::to_owned))?
}

/// Whether `key` has sealed a file with this digest.
pub fn is_of(text: &str, key: &PublicKey, digest: &[u8; 32]) -> bool {
    let Ok(seal) = CompactJws::parse(text) else { return false };
    let said: Value = serde_json::from_slice(&seal.payload).unwrap_or_default();
    seal.typ() == Some(TYP) && seal.is_signed_by(key) && said["sha256"] == hex::encode(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_but_the_seal_counts() {
        let key = IssuingKey::from_secret("did:web:registry.example", &[1; 32]);
        let empty = placeholder(&key);
        let mut file = [b"before ".as_slice(), &empty, b" behind"].concat();
        let place = 7..7 + empty.len();
        let seal = sign(&key, &digest_without(&file, place.clone())).unwrap();
        file[place.clone()].copy_from_slice(seal.as_bytes());
        assert!(is_of(&seal, &key.public, &digest_without(&file, place.clone())));
        assert_eq!(key_id(&seal).as_deref(), Some(key.public.key_id.as_str()));
        for at in [0, 6, file.len() - 1] {
            let mut edited = file.clone();
            edited[at] ^= 1;
            assert!(!is_of(&seal, &key.public, &digest_without(&edited, place.clone())));
        }
        let other = IssuingKey::from_secret("did:web:registry.example", &[2; 32]);
        assert!(!is_of(&seal, &other.public, &digest_without(&file, place)));
    }
}
