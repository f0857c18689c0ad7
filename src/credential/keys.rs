//! Signing keys: one interface to sign with the current key and to find any key by its identifier.
//!
//! Ed25519 only (RFC 8032). Every verification is strict: small-order and non-canonical points are refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// A public key with the name it is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// Absolute URL of the verification method: the controller's DID, `#`, the RFC 7638 thumbprint.
    pub key_id: String,
    key: VerifyingKey,
}

/// Whatever holds a private key: this process, or a device that the key never leaves.
pub trait Signer: Send + Sync {
    /// The signature of RFC 8032 over `message`.
    ///
    /// # Errors
    /// The device does not answer, or refuses.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFault>;
}

/// Why nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing could be signed: {0}")]
pub struct SigningFault(pub String);

impl Signer for SigningKey {
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFault> {
        Ok(ed25519_dalek::Signer::sign(self, message).to_bytes())
    }
}

/// A private key that signs in the name of `controller`.
pub struct IssuingKey {
    pub controller: String,
    pub public: PublicKey,
    signer: Arc<dyn Signer>,
    /// The key itself, where this process holds it.
    own: Option<SigningKey>,
}

impl fmt::Debug for IssuingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuingKey({})", self.public.key_id)
    }
}

/// RFC 7638 thumbprint of an Ed25519 key: SHA-256 over the required members in lexicographic order.
pub fn thumbprint(public: &[u8; 32]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical))
}

impl PublicKey {
    /// None when the bytes are not a point of the curve.
    pub fn from_bytes(controller: &str, bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 32] = bytes.try_into().ok()?;
        let key = VerifyingKey::from_bytes(&bytes).ok()?;
        Some(PublicKey { key_id: format!("{controller}#{}", thumbprint(&bytes)), key })
    }

    /// A key under a name that others gave it. None when the bytes are not a point of the curve.
    pub fn named(key_id: &str, bytes: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(bytes.try_into().ok()?).ok()?;
        Some(PublicKey { key_id: key_id.to_owned(), key })
    }

    /// Reads the Multikey form of an Ed25519 key under its name.
    pub fn from_multikey(key_id: &str, text: &str) -> Option<Self> {
        let bytes = bs58::decode(text.strip_prefix('z')?).into_vec().ok()?;
        Self::named(key_id, bytes.strip_prefix(&[0xed, 0x01])?)
    }

    pub fn bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The `x` member of a JWK (RFC 8037).
    pub fn jwk_x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.as_bytes())
    }

    /// The Multikey form: `z` + base58btc(0xed 0x01 + key).
    pub fn multikey(&self) -> String {
        let mut bytes = vec![0xed, 0x01];
        bytes.extend_from_slice(self.key.as_bytes());
        format!("z{}", bs58::encode(bytes).into_string())
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl IssuingKey {
    /// `secret` are the 32 bytes of RFC 8032, 5.1.5.
    pub fn from_secret(controller: &str, secret: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let public_bytes = key.verifying_key().to_bytes();
        let public = PublicKey { key_id: format!("{controller}#{}", thumbprint(&public_bytes)), key: key.verifying_key() };
        IssuingKey { controller: controller.to_owned(), public, signer: Arc::new(key.clone()), own: Some(key) }
    }

    /// A key that something else holds. None when `public` is not a point of the curve.
    pub fn held_by(signer: Arc<dyn Signer>, controller: &str, public: &[u8]) -> Option<Self> {
        Some(IssuingKey { controller: controller.to_owned(), public: PublicKey::from_bytes(controller, public)?, signer, own: None })
    }

    /// A key that is its own controller: a did:key (W3C CCG).
    pub fn of_did_key(secret: &[u8; 32]) -> Self {
        let mut key = Self::from_secret("", secret);
        let multikey = key.public.multikey();
        key.controller = format!("did:key:{multikey}");
        key.public.key_id = format!("did:key:{multikey}#{multikey}");
        key
    }

    /// The private key as PKCS#8 (RFC 8410), the form that jsonwebtoken takes. None for a key that something else holds.
    pub fn to_pkcs8(&self) -> Option<Vec<u8>> {
        use ed25519_dalek::pkcs8::EncodePrivateKey;
        Some(self.own.as_ref()?.to_pkcs8_der().expect("an Ed25519 key always has a PKCS#8 form").as_bytes().to_vec())
    }

    /// The one place where the product signs.
    ///
    /// # Errors
    /// The device that holds the key does not sign.
    pub fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningFault> {
        self.signer.sign(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_thumbprint_of_rfc_8037_a_3_holds() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&x.try_into().unwrap()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_signature_of_rfc_8032_test_2_holds() {
        let secret: [u8; 32] = hex::decode("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap().try_into().unwrap();
        let key = IssuingKey::from_secret("did:web:example.org", &secret);
        let signature = key.sign(&[0x72]).unwrap();
        assert_eq!(
            hex::encode(signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        assert!(key.public.verifies(&[0x72], &signature));
        assert!(!key.public.verifies(&[0x73], &signature));
    }

    /// Project Wycheproof: malleable, truncated and garbled signatures, and good ones (promise E4).
    #[test]
    fn every_vector_of_wycheproof_ends_as_expected() {
        let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
        let mut count = 0;
        for group in &set.test_groups {
            let key = PublicKey::named("wycheproof", &group.key.pk).unwrap();
            for test in &group.tests {
                assert_eq!(key.verifies(&test.msg, &test.sig), test.result == wycheproof::TestResult::Valid, "{}: {}", test.tc_id, test.comment);
                count += 1;
            }
        }
        assert!(count > 100, "{count}");
    }

    /// All points whose order divides eight, and the same written in other ways that decoders take (promise E4): each makes some
    /// signature out of nothing for readers who are not strict.
    const SMALL_ORDER: [&str; 14] = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ];

    #[test]
    fn a_point_of_small_order_verifies_nothing_as_key_or_in_a_signature() {
        let point = |text: &str| -> [u8; 32] { hex::decode(text).unwrap().try_into().unwrap() };
        let own = IssuingKey::from_secret("did:web:example.org", &[7; 32]);
        for key in SMALL_ORDER {
            for r in SMALL_ORDER {
                let signature = [point(r), [0; 32]].concat();
                if let Some(key) = PublicKey::named("small", &point(key)) {
                    assert!((0_u8..16).all(|message| !key.verifies(&[message], &signature)), "{r}");
                }
                assert!(!own.public.verifies(b"anything", &signature), "{r}");
            }
        }
    }

    #[test]
    fn no_bit_of_a_signature_its_message_or_its_key_can_be_turned() {
        let (own, message) = (IssuingKey::from_secret("did:web:example.org", &[7; 32]), [0x5a_u8; 1_200]);
        let signature = own.sign(&message).unwrap();
        let key = point_of(&own);
        let turned = |bytes: &[u8], bit: usize| {
            let mut changed = bytes.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            changed
        };
        assert!(own.public.verifies(&message, &signature));
        assert!((0..64 * 8).all(|bit| !own.public.verifies(&message, &turned(&signature, bit))));
        assert!((0..1_200 * 8).all(|bit| !own.public.verifies(&turned(&message, bit), &signature)));
        assert!((0..32 * 8).all(|bit| PublicKey::named("turned", &turned(&key, bit)).is_none_or(|key| !key.verifies(&message, &signature))));
    }

    fn point_of(key: &IssuingKey) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(key.public.jwk_x()).unwrap()
    }
}
