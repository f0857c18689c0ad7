//! Personal data and private keys at rest: sealed with keys that are not in the database, and found by keyed hash.
//!
//! One master key, from a file or the environment, gives a key of its own to each purpose (HKDF, RFC 5869). Without it the
//! database and its backups say nothing about anybody. A plain or salted hash of an identity number would fall in seconds: there
//! are only about 10^11 of them.

use crate::entropy::Entropy;
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

const NONCE_LENGTH: usize = 12;
/// First byte of everything sealed: which master key sealed it. A second key gets the next number.
const KEY_VERSION: u8 = 1;

/// A sealed value that does not open: wrong master key, or the bytes were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open with this master key")]
pub struct SealBroken;

/// The keys derived from the master key.
pub struct Vault {
    personal: Aes256GcmSiv,
    secrets: Aes256GcmSiv,
    index: [u8; 32],
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

/// What is sealed; each has its own key or its own associated data, so that no value can stand in for another.
#[derive(Debug, Clone, Copy)]
pub enum Sealed {
    Name,
    DocumentNumber,
    Holder,
    Document,
    SigningKey,
    Answer,
    BatchRows,
    Membership,
    ShareTerms,
    Dispute,
    Statement,
}

impl Vault {
    pub fn new(master: &[u8; 32]) -> Self {
        let derivation = Hkdf::<Sha256>::new(None, master);
        let derive = |purpose: &str| {
            let mut key = [0u8; 32];
            derivation.expand(purpose.as_bytes(), &mut key).expect("32 bytes are a legal length for HKDF-SHA-256");
            key
        };
        Vault {
            personal: Aes256GcmSiv::new(&derive("jilu personal data v1").into()),
            secrets: Aes256GcmSiv::new(&derive("jilu private keys v1").into()),
            index: derive("jilu blind index v1"),
        }
    }

    fn cipher(&self, what: Sealed) -> &Aes256GcmSiv {
        match what {
            Sealed::SigningKey => &self.secrets,
            _ => &self.personal,
        }
    }

    /// Seals `clear`, bound to its place: a value moved to another row does not open there.
    pub fn seal(&self, what: Sealed, place: &str, clear: &[u8], entropy: &Entropy) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = entropy.bytes();
        let aad = associated(what, place);
        let sealed = self.cipher(what).encrypt(Nonce::from_slice(&nonce), Payload { msg: clear, aad: &aad }).expect("values are far below the cipher's limit");
        [&[KEY_VERSION], nonce.as_slice(), &sealed].concat()
    }

    pub fn open(&self, what: Sealed, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        let (&version, rest) = sealed.split_first().ok_or(SealBroken)?;
        if version != KEY_VERSION || rest.len() < NONCE_LENGTH {
            return Err(SealBroken);
        }
        let (nonce, sealed) = rest.split_at(NONCE_LENGTH);
        let aad = associated(what, place);
        self.cipher(what).decrypt(Nonce::from_slice(nonce), Payload { msg: sealed, aad: &aad }).map_err(|_| SealBroken)
    }

    /// Opens a text; one that is not UTF-8 was not sealed by us.
    pub fn open_text(&self, what: Sealed, place: &str, sealed: &[u8]) -> Result<String, SealBroken> {
        String::from_utf8(self.open(what, place, sealed)?).map_err(|_| SealBroken)
    }

    /// The keyed hash by which a value is found. `field` keeps equal values of different fields apart.
    pub fn blind_index(&self, field: &str, value: &str) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(&self.index).expect("HMAC takes keys of any length");
        mac.update(field.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// A keyed hash that commits a public fact to a sealed text: it says nothing about the text, and no other text has it.
    pub fn commitment(&self, what: Sealed, place: &str, text: &str) -> Vec<u8> {
        self.blind_index(&format!("{what:?} {place}"), text).to_vec()
    }
}

fn associated(what: Sealed, place: &str) -> Vec<u8> {
    format!("{what:?}\0{place}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_in_its_place_with_its_key() {
        let (vault, other, entropy) = (Vault::new(&[1; 32]), Vault::new(&[2; 32]), Entropy::seeded(1));
        let sealed = vault.seal(Sealed::Name, "wkr_1", "张三".as_bytes(), &entropy);
        assert_eq!(vault.open_text(Sealed::Name, "wkr_1", &sealed).unwrap(), "张三");
        assert!(vault.open(Sealed::Name, "wkr_2", &sealed).is_err());
        assert!(vault.open(Sealed::DocumentNumber, "wkr_1", &sealed).is_err());
        assert!(other.open(Sealed::Name, "wkr_1", &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(vault.open(Sealed::Name, "wkr_1", &changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn equal_values_are_found_and_fields_are_kept_apart() {
        let vault = Vault::new(&[1; 32]);
        assert_eq!(vault.blind_index("document", "1"), vault.blind_index("document", "1"));
        assert_ne!(vault.blind_index("document", "1"), vault.blind_index("name", "1"));
        assert_ne!(vault.blind_index("document", "1"), Vault::new(&[2; 32]).blind_index("document", "1"));
    }
}
