//! The only door for chance.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::sync::{Arc, Mutex, PoisonError};

/// Where chance comes from.
#[derive(Clone)]
pub enum Entropy {
    /// The operating system, by way of a generator of each thread (ChaCha, sown anew by the system every 64 KiB). A
    /// certificate takes some nine draws, and a system call costs more than a draw.
    System,
    /// A seeded generator, so that tests and `demo --seed` repeat. Never for real keys.
    Seeded(Arc<Mutex<ChaCha20Rng>>),
}

impl Entropy {
    pub fn seeded(seed: u64) -> Self {
        Entropy::Seeded(Arc::new(Mutex::new(ChaCha20Rng::seed_from_u64(seed))))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn fill(&self, bytes: &mut [u8]) {
        match self {
            Entropy::System => rand::thread_rng().fill_bytes(bytes),
            Entropy::Seeded(generator) => generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes),
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    pub fn number(&self) -> u128 {
        u128::from_be_bytes(self.bytes())
    }

    /// A random UUID (RFC 9562, version 4).
    pub fn uuid(&self) -> String {
        uuid_text(self.bytes(), 4)
    }

    /// A UUID that sorts by time (RFC 9562, version 7), with 74 random bits. Neighbours in time are neighbours in an index.
    pub fn ordered_uuid(&self, millis: i64) -> String {
        let mut bytes: [u8; 16] = self.bytes();
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        uuid_text(bytes, 7)
    }

    /// The token of a QR code: 128 random bits behind 16 that neighbours in time share, so that they are neighbours in an index too. Nobody
    /// guesses one, and the index of a large registry is not read all over for every batch.
    pub fn token(&self, seconds: i64) -> String {
        let [.., high, low] = seconds.to_be_bytes();
        URL_SAFE_NO_PAD.encode([[high, low].as_slice(), &self.bytes::<16>()].concat())
    }
}

fn uuid_text(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_carry_their_version_and_ordered_ones_their_time() {
        let entropy = Entropy::seeded(1);
        let random = entropy.uuid();
        assert_eq!((random.len(), &random[14..15]), (36, "4"));
        // The example of RFC 9562, appendix A.6, begins with these 48 bits.
        assert!(entropy.ordered_uuid(0x017F_22E2_79B0).starts_with("017f22e2-79b0-7"));
    }

    #[test]
    fn a_token_has_128_bits_that_nobody_knows() {
        let entropy = Entropy::seeded(1);
        let tokens: Vec<Vec<u8>> = (0..200).map(|_| URL_SAFE_NO_PAD.decode(entropy.token(0x1234_5678)).unwrap()).collect();
        let moved = |byte: usize| tokens.iter().fold(0, |moved, token| moved | (token[byte] ^ tokens[0][byte])).count_ones();
        assert_eq!((&tokens[0][..2], (2..tokens[0].len()).map(moved).sum::<u32>()), ([0x56, 0x78].as_slice(), 128));
    }
}
