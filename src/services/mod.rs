//! The jobs: one method per job on [`Registry`].
//!
//! A job gathers facts, asks the pure rules, composes, signs, and hands one closure to the writer. Services know no HTTP. They are
//! async only where they wait for the store: a thread that blocked on every waiting write could not fill a group.

pub mod access;
pub mod assessments;
pub mod attendance;
pub mod attendance_rows;
pub mod audit;
pub mod batches;
mod bulk_issuing;
pub mod bulk_verification;
pub mod catalogue;
pub mod certificates;
pub mod class_issuing;
pub mod client_sessions;
pub mod closing;
pub mod competitions;
mod composing;
pub mod credits;
pub mod corrections;
pub mod cosigning;
pub mod disputes;
pub mod error;
pub mod forms;
pub mod groups;
pub mod history;
mod learner_record;
pub mod merges;
pub mod intent;
pub mod issuing;
pub mod jobs;
pub mod key_changes;
pub mod keys;
pub mod log;
mod looks;
mod numbering;
pub mod oidc;
pub mod organisations;
pub mod own;
pub mod papers;
pub mod pictures;
pub mod platforms;
pub mod proposals;
pub mod published;
pub mod records;
pub mod references;
pub mod refusal;
pub mod results;
pub mod serials;
pub mod session_facts;
pub mod shares;
pub mod setup;
mod signing;
pub mod standings;
pub mod statements;
pub mod trainee_rows;
pub mod training;
pub mod status;
pub mod status_lists;
pub mod verification;
pub mod witnessing;
pub mod wallets;
pub mod worker_access;
pub mod worker_rows;
pub mod workers;

use crate::clock::Clock;
use crate::config::Config;
use crate::credential::keys::IssuingKey;
use crate::domain::access::{Act, Actor, authorise};
use crate::domain::id::LastId;
use crate::entropy::Entropy;
use crate::key_module::KeyModule;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::vault::Vault;
use error::Error;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

const STALE_TRIES: usize = 8;

/// Everything that a job needs. One per process; clones share it.
#[derive(Clone)]
pub struct Registry {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub vault: Arc<Vault>,
    pub config: Arc<Config>,
    did: Arc<str>,
    pub keys: Arc<keys::KeyRing>,
    pub catalogue: Arc<catalogue::CatalogueCache>,
    pub serials: Arc<serials::Serials>,
    pub standings: Arc<standings::Standings>,
    checkpoint: Arc<RwLock<Option<log::OpenedCheckpoint>>>,
    tiles: Arc<crate::store::known_tree::KnownTree>,
    cosigned: Arc<RwLock<Option<Arc<cosigning::CosignedTree>>>>,
    pub access: Arc<access::AccessCache>,
    own_records: Arc<own::OwnRecords>,
    forms: Arc<forms::Forms>,
    templates: Arc<signing::Templates>,
    known_issuers: Arc<verification::KnownIssuers>,
    genuine: Arc<verification::GenuineDocuments>,
    /// Holds the keys of issuers, where the operator has such a device.
    key_module: Option<Arc<KeyModule>>,
    /// Signs for the conformance suites, when they are let in; made anew at every start.
    pub conformance_key: Option<Arc<IssuingKey>>,
    oidc_keys: Arc<oidc::OidcKeys>,
    pub bodies: Arc<organisations::BodyCache>,
    pub sessions: Arc<session_facts::SessionCache>,
    pub status_lists: Arc<status_lists::SignedStatusLists>,
    /// Whose turn it is to keep every core busy.
    cores: Arc<tokio::sync::Mutex<()>>,
    last_id: Arc<Mutex<LastId>>,
    /// Wakes whoever works on jobs when one is asked for on this node.
    job_asked: Arc<tokio::sync::Notify>,
}

impl Registry {
    /// Puts a registry together over an open store. Catalogue and keys are read at once, so that a broken one stops the start.
    pub async fn open(store: Store, config: Config, clock: Clock, entropy: Entropy, master_key: &[u8; 32]) -> Result<Self, Error> {
        let registry = Registry {
            vault: Arc::new(Vault::new(master_key)),
            keys: Arc::new(keys::KeyRing::default()),
            catalogue: Arc::new(catalogue::CatalogueCache::default()),
            serials: Arc::new(serials::Serials::default()),
            standings: Arc::new(standings::Standings::default()),
            checkpoint: Arc::default(),
            tiles: Arc::default(),
            cosigned: Arc::default(),
            access: Arc::new(access::AccessCache::default()),
            own_records: Arc::default(),
            forms: Arc::default(),
            templates: Arc::default(),
            known_issuers: Arc::default(),
            genuine: Arc::default(),
            key_module: config.key_module.as_ref().map(|module| KeyModule::open(&module.library, &module.token, &module.pin)).transpose().map_err(|fault| Error::Internal(fault.to_string()))?,
            conformance_key: config.conformance.then(|| Arc::new(IssuingKey::of_did_key(&entropy.bytes()))),
            oidc_keys: Arc::default(),
            bodies: Arc::new(organisations::BodyCache::default()),
            sessions: Arc::default(),
            status_lists: Arc::default(),
            cores: Arc::default(),
            last_id: Arc::default(),
            job_asked: Arc::default(),
            did: crate::credential::identity::did_web(&config.public_url, None).into(),
            config: Arc::new(config),
            store,
            clock,
            entropy,
        };
        registry.refresh_catalogue().await?;
        registry.read_keys_strictly().await?;
        registry.refresh_cosigned().await?;
        Ok(registry)
    }

    fn authorise(&self, actor: &Actor, act: Act<'_>) -> Result<(), Error> {
        Ok(authorise(actor, act)?)
    }

    fn now_micros(&self) -> i64 {
        self.clock.now().timestamp_micros()
    }

    fn new_id<T>(&self, make: impl FnOnce(u64, u128) -> T) -> T {
        let chance = self.entropy.number();
        let mut last = self.last_id.lock().unwrap_or_else(PoisonError::into_inner);
        // Looked at in turn: whoever is held up before must not bring back an earlier moment.
        *last = last.next(u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0), chance);
        make(last.at_millis, last.chance)
    }
}

/// Runs a job again when somebody else changed what it had read; the client asked for no particular state.
async fn again_when_stale<T>(job: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    for _ in 1..STALE_TRIES {
        match job().await {
            Err(Error::Stale) => {}
            other => return other,
        }
    }
    job().await
}

/// Reads a JSON text that the registry itself has written.
fn stored_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::Internal(format!("a stored JSON text cannot be read: {error}")))
}

/// Parses a stored word that only the registry has written.
fn stored<T: std::str::FromStr>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|_| Error::Internal("a stored value is not of its type".to_owned()))
}

/// A store's answer that must exist because a constraint or an earlier read says so.
fn existing<T>(found: Option<T>, what: &str) -> Result<T, StoreError> {
    found.ok_or_else(|| StoreError::Corrupt(format!("{what} is missing")))
}
