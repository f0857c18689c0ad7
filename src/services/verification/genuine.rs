//! Documents that were found genuine a moment ago: what was found of each that its next reader would find again.
//!
//! Where the certificate stands is never kept here; it is asked for each time, from [`super::Standing`]s that are believed as long. Only
//! genuine documents are kept, so nobody fills the memory with guesses.

use super::Check;
use super::document::Dates;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const BELIEVED_FOR: Duration = Duration::from_secs(3);
const ENTRIES_MAX: usize = 20_000;

/// What stays true of a genuine document.
pub(super) struct Genuine {
    /// Proof and schema.
    pub form: Vec<Check>,
    pub dates: Dates,
    /// Record, log, issuer and, where there is something to say, the key.
    pub record: Vec<Check>,
    pub right: Check,
    pub log_index: u64,
    pub number_key: String,
    pub certificate_id: String,
    pub version: i32,
}

/// By the digest of the bytes that were shown.
pub struct GenuineDocuments {
    known: quick_cache::sync::Cache<[u8; 32], (Arc<Genuine>, Instant)>,
    generation: AtomicU64,
}

impl Default for GenuineDocuments {
    fn default() -> Self {
        GenuineDocuments { known: quick_cache::sync::Cache::new(ENTRIES_MAX), generation: AtomicU64::new(0) }
    }
}

pub(super) fn digest_of(shown: &[u8]) -> [u8; 32] {
    Sha256::digest(shown).into()
}

impl GenuineDocuments {
    pub(super) fn find(&self, digest: &[u8; 32]) -> Option<Arc<Genuine>> {
        self.known.get(digest).filter(|(_, at)| at.elapsed() < BELIEVED_FOR).map(|(genuine, _)| genuine)
    }

    /// To be taken before a document is checked, for [`GenuineDocuments::remember`].
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) fn remember(&self, digest: [u8; 32], genuine: Genuine, generation: u64) {
        self.known.insert(digest, (Arc::new(genuine), Instant::now()));
        if self.generation() != generation {
            self.known.remove(&digest);
        }
    }

    /// Called when signatures that counted may count no more.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }
}
