//! The only door for chance.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use std::sync::{Arc, Mutex, PoisonError};

/// Where chance comes from.
#[derive(Clone)]
pub enum Entropy {
    /// The operating system.
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
            Entropy::System => getrandom::fill(bytes).expect("an operating system without randomness cannot run a registry"),
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
        let mut bytes: [u8; 16] = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = hex::encode(bytes);
        format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }
}
