//! Where certificates stand, in memory: what the hot path of verification reads.
//!
//! An entry is believed for three seconds and removed at once when this node changes the certificate. Reading and changing may
//! cross: a reader that put in what it had read before a change looks at the generation afterwards and takes it out again.

use crate::domain::certificate_kind::CertificateKind;
use super::error::Error;
use super::issuing::CertificateFacts;
use super::organisations::Body;
use super::verification::Check;
use crate::domain::verification::StandingFacts;
use crate::store::certificates::CertificateStateRow;
use chrono::NaiveDate;
use std::sync::{Arc, OnceLock};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const BELIEVED_FOR: Duration = Duration::from_secs(3);
const ENTRIES_MAX: usize = 200_000;

/// Who holds a certificate, as keyed hashes.
#[derive(Debug)]
pub struct HolderHashes {
    pub name: [u8; 32],
    /// Of the printed document.
    pub number: [u8; 32],
}

/// A certificate as verification sees it.
#[derive(Debug)]
pub struct Standing {
    pub certificate_id: String,
    pub worker_id: String,
    pub kind: CertificateKind,
    /// Opened when somebody asks of the holder, which who shows a document or a code does not.
    pub(super) sealed_holder: Vec<u8>,
    pub(super) holder: OnceLock<HolderHashes>,
    pub facts: StandingFacts,
    /// What the paper says, without the holder.
    pub printed: CertificateFacts,
    pub issued_on: NaiveDate,
    pub issuer: Arc<Body>,
    /// Whether the body had the right to issue it on that day (IS-1).
    pub(super) right: Check,
    pub version: i32,
    /// Where the newest document stands in the log.
    pub log_index: u64,
}

/// What decides how a version of a certificate stands.
///
/// # Errors
/// When the database holds a state that is none.
pub(super) fn standing_facts(state: &CertificateStateRow, version: i32, valid_to: Option<NaiveDate>, review_due_on: Option<NaiveDate>) -> Result<StandingFacts, Error> {
    Ok(StandingFacts { state: super::stored(&state.state)?, is_superseded: state.version != version, valid_to, review_due_on, reviewed_on: state.reviewed_on })
}

/// What is known under each number key.
pub struct Standings {
    known: quick_cache::sync::Cache<String, (Arc<[Arc<Standing>]>, Instant)>,
    /// Certificate and number key of each token; neither ever changes.
    tokens: quick_cache::sync::Cache<String, (String, String)>,
    generation: AtomicU64,
}

impl Default for Standings {
    fn default() -> Self {
        Standings { known: quick_cache::sync::Cache::new(ENTRIES_MAX), tokens: quick_cache::sync::Cache::new(ENTRIES_MAX), generation: AtomicU64::new(0) }
    }
}

impl Standings {
    pub(super) fn find(&self, number_key: &str) -> Option<Arc<[Arc<Standing>]>> {
        self.known.get(number_key).filter(|(_, at)| at.elapsed() < BELIEVED_FOR).map(|(standings, _)| standings)
    }

    pub(super) fn find_token(&self, token: &str) -> Option<(String, String)> {
        self.tokens.get(token)
    }

    pub(super) fn remember_token(&self, token: &str, certificate: &str, number_key: &str) {
        self.tokens.insert(token.to_owned(), (certificate.to_owned(), number_key.to_owned()));
    }

    /// The generation to hand to [`Standings::remember`]; take it before reading the database.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) fn remember(&self, number_key: &str, standings: Arc<[Arc<Standing>]>, generation: u64) {
        self.known.insert(number_key.to_owned(), (standings, Instant::now()));
        if self.generation() != generation {
            self.known.remove(number_key);
        }
    }

    /// Called after a commit that changed a certificate.
    pub(super) fn forget(&self, number_key: &str) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.known.remove(number_key);
    }

    /// Called after a commit that may have changed several, such as a new document of a worker.
    pub(super) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.known.clear();
    }
}
