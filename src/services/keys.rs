//! Keys: made here, sealed in the database, unsealed in memory, published for everybody.

use super::Registry;
use super::error::Error;
use crate::clock::from_micros;
use crate::credential::identity::{PublishedKey, did_web};
use crate::credential::keys::{IssuingKey, PublicKey};
use crate::domain::id::OrganisationId;
use crate::merkle::note::{KeyKind, NoteKey, NoteSigner};
use crate::store::error::StoreError;
use crate::store::log::Fact;
use crate::store::keys::{self, KeyRevocationRow, SigningKeyRow};
use crate::store::writer::Tx;
use crate::vault::Sealed;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Purposes of keys. Each purpose has keys of its own, so that none can be used for another.
pub const PURPOSE_CREDENTIALS: &str = "credentials";
pub const PURPOSE_TOKENS: &str = "tokens";
pub const PURPOSE_LOG: &str = "log";
pub const PURPOSE_WITNESS: &str = "witness";
/// Stands before the name of a key that a PKCS#11 module holds.
const IN_MODULE: &[u8] = b"pkcs11:";

/// The keys that this node knows, by owner and purpose and by identifier.
#[derive(Default)]
pub struct KeyRing {
    known: RwLock<Known>,
    /// Whose turn it is to read them.
    turn: tokio::sync::Mutex<()>,
}

/// A key, and the moment from which on it signs.
type SigningFrom = (DateTime<Utc>, Arc<IssuingKey>);

#[derive(Default)]
struct Known {
    /// Keys that may sign, by owner and purpose, oldest first.
    signing: HashMap<(String, String), Vec<SigningFrom>>,
    by_id: HashMap<String, Arc<KnownKey>>,
    /// Private keys by identifier.
    opened: HashMap<String, Arc<IssuingKey>>,
    /// How many keys are revoked.
    revoked: usize,
}

impl Known {
    /// The newest key of an owner and purpose whose moment has come; the first one for a clock that stands before all of them.
    fn current(&self, owner: &str, purpose: &str, now: DateTime<Utc>) -> Option<Arc<IssuingKey>> {
        let keys = self.signing.get(&(owner.to_owned(), purpose.to_owned()))?;
        keys.iter().rev().find(|(from, _)| *from <= now).or(keys.first()).map(|(_, key)| Arc::clone(key))
    }
}

/// A key with its place in the world.
pub struct KnownKey {
    pub owner: String,
    pub purpose: String,
    pub public: PublicKey,
    /// From when on it signs.
    pub created_at: DateTime<Utc>,
    /// Since when it is stolen.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Registry {
    /// The registry's own DID.
    pub fn registry_did(&self) -> &str {
        &self.did
    }

    pub fn organisation_did(&self, organisation: &OrganisationId) -> String {
        did_web(&self.config.public_url, Some(organisation.as_str()))
    }

    /// Reads every key; called after a key was made, and from time to time for the keys of other nodes. A key that cannot be opened now is
    /// passed over, so that it does not hide what happened to the others.
    pub async fn refresh_keys(&self) -> Result<(), Error> {
        self.read_keys(false).await
    }

    /// The same at the start, where a key that should sign and cannot is a reason not to begin.
    pub(super) async fn read_keys_strictly(&self) -> Result<(), Error> {
        self.read_keys(true).await
    }

    async fn read_keys(&self, is_strict: bool) -> Result<(), Error> {
        // One after the other: an older reading must not replace a newer one.
        let _turn = self.keys.turn.lock().await;
        let (rows, revocations) = self.store.read_snapshot(|conn| Ok((keys::list_keys(conn)?, keys::list_revocations(conn)?))).await?;
        let revoked: HashMap<&str, i64> = revocations.iter().map(|row| (row.key_id.as_str(), row.compromised_at)).collect();
        let newest = newest_in_force(&rows, self.now_micros());
        let opened = self.keys.known.read().unwrap_or_else(PoisonError::into_inner).opened.clone();
        let mut known = Known { revoked: revocations.len(), ..Known::default() };
        for row in &rows {
            let public = PublicKey::from_bytes(&row.owner, &row.public_key).ok_or_else(|| Error::Internal("a stored public key is not a point".to_owned()))?;
            let revoked_at = revoked.get(row.key_id.as_str()).map(|at| from_micros(*at));
            let created_at = from_micros(row.created_at);
            let entry = KnownKey { owner: row.owner.clone(), purpose: row.purpose.clone(), public, created_at, revoked_at };
            known.by_id.insert(row.key_id.clone(), Arc::new(entry));
            let is_retired = newest.get(&(row.owner.as_str(), row.purpose.as_str())).is_some_and(|at| row.created_at < *at);
            // Retired keys sign nothing; one that was opened before need not be opened again.
            if revoked_at.is_some() || is_retired {
                continue;
            }
            let key = match opened.get(&row.key_id) {
                Some(key) => Arc::clone(key),
                None => match self.open_key(row) {
                    Ok(key) => Arc::new(key),
                    Err(fault) if is_strict => return Err(fault),
                    Err(fault) => {
                        tracing::error!(key = %row.key_id, ?fault, "a key cannot be opened, and signs nothing");
                        continue;
                    }
                },
            };
            known.opened.insert(row.key_id.clone(), Arc::clone(&key));
            known.signing.entry((row.owner.clone(), row.purpose.clone())).or_default().push((created_at, key));
        }
        let log_key = known.current(self.registry_did(), PURPOSE_LOG, DateTime::<Utc>::MAX_UTC);
        let has_more_revoked = {
            let mut kept = self.keys.known.write().unwrap_or_else(PoisonError::into_inner);
            let before = std::mem::replace(&mut *kept, known);
            before.revoked != kept.revoked
        };
        if has_more_revoked {
            // Whose signatures count has changed, and with it where certificates stand and what may be handed out.
            self.standings.forget_all();
            self.genuine.forget_all();
            self.forms.forget_all();
            self.status_lists.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        if let Some(key) = log_key {
            self.sign_log_with(key)?;
        }
        Ok(())
    }

    /// A published key of an issuer by its thumbprint (RFC 7638), unless it was stolen.
    pub fn find_key_by_thumbprint(&self, thumbprint: &str) -> Option<PublicKey> {
        let known = self.keys.known.read().unwrap_or_else(PoisonError::into_inner);
        let is_it = |key: &&Arc<KnownKey>| key.purpose == PURPOSE_CREDENTIALS && key.revoked_at.is_none() && key.public.key_id.rsplit_once('#').is_some_and(|(_, name)| name == thumbprint);
        known.by_id.values().find(is_it).map(|key| key.public.clone())
    }

    pub(super) fn open_key(&self, row: &SigningKeyRow) -> Result<IssuingKey, Error> {
        let secret = self.vault.open(Sealed::SigningKey, &row.key_id, &row.sealed_secret)?;
        if let Some(label) = secret.strip_prefix(IN_MODULE).and_then(|label| std::str::from_utf8(label).ok()) {
            let module = self.key_module.as_ref().ok_or_else(|| Error::Internal(format!("{} is held by a PKCS#11 module, and pkcs11_module is not set", row.key_id)))?;
            let signer = module.signer(label).map_err(|fault| Error::Internal(fault.to_string()))?;
            return IssuingKey::held_by(signer, &row.owner, &row.public_key).ok_or_else(|| Error::Internal("a stored public key is not a point".to_owned()));
        }
        let secret: [u8; 32] = secret.try_into().map_err(|_| Error::Internal("a stored private key has the wrong length".to_owned()))?;
        Ok(IssuingKey::from_secret(&row.owner, &secret))
    }

    /// A name under which the registry signs notes: an address of it without the scheme (tlog-checkpoint, "origin").
    fn note_name(&self, part: &str) -> String {
        let host = self.config.public_url.split_once("://").map_or(self.config.public_url.as_str(), |(_, host)| host);
        format!("{host}/{part}")
    }

    fn note_key(&self, kind: KeyKind, part: &str, key: &IssuingKey) -> Result<NoteKey, Error> {
        NoteKey::new(kind, &self.note_name(part), key.public.bytes()).ok_or_else(|| Error::Internal("the registry's address cannot stand in a note".to_owned()))
    }

    pub(super) fn sign_log_with(&self, key: Arc<IssuingKey>) -> Result<(), Error> {
        let public = self.note_key(KeyKind::Log, "log", &key)?;
        self.store.set_log_signer(Arc::new(SignsNotes { key, public }));
        Ok(())
    }

    /// The key of the log as the world knows it.
    pub async fn log_key(&self) -> Result<NoteKey, Error> {
        let key = self.current_key(self.registry_did(), PURPOSE_LOG).await?;
        self.note_key(KeyKind::Log, "log", &key)
    }

    /// The same, if the keys that this node has read hold one; a database before `init` has none.
    pub(super) fn log_key_if_known(&self) -> Result<Option<NoteKey>, Error> {
        let key = self.keys.known.read().unwrap_or_else(PoisonError::into_inner).current(self.registry_did(), PURPOSE_LOG, DateTime::<Utc>::MAX_UTC);
        key.map(|key| self.note_key(KeyKind::Log, "log", &key)).transpose()
    }

    /// The key with which this registry cosigns other logs, ready to sign.
    pub(super) async fn witness_signer(&self) -> Result<SignsNotes, Error> {
        let key = self.current_key(self.registry_did(), PURPOSE_WITNESS).await?;
        let public = self.note_key(KeyKind::Witness, "witness", &key)?;
        Ok(SignsNotes { key, public })
    }

    /// The key that signs now for an owner.
    pub(super) async fn current_key(&self, owner: &str, purpose: &str) -> Result<Arc<IssuingKey>, Error> {
        let find = || self.keys.known.read().unwrap_or_else(PoisonError::into_inner).current(owner, purpose, self.clock.now());
        if let Some(key) = find() {
            return Ok(key);
        }
        self.refresh_keys().await?;
        find().ok_or_else(|| Error::Internal(format!("there is no {purpose} key of {owner}")))
    }

    /// Any key that this node has read, by its identifier.
    pub(super) fn known_key(&self, key_id: &str) -> Option<Arc<KnownKey>> {
        self.keys.known.read().unwrap_or_else(PoisonError::into_inner).by_id.get(key_id).cloned()
    }

    /// Any key by its identifier, current or old.
    pub(super) async fn find_key(&self, key_id: &str) -> Result<Option<Arc<KnownKey>>, Error> {
        if let Some(key) = self.known_key(key_id) {
            return Ok(Some(key));
        }
        // PostgreSQL refuses a NUL in a text, and no key has one in its name.
        if key_id.contains('\0') {
            return Ok(None);
        }
        let wanted = key_id.to_owned();
        // Only a key that the database has is worth reading all of them again.
        if self.store.read(move |conn| keys::find_key(conn, &wanted)).await?.is_none() {
            return Ok(None);
        }
        self.refresh_keys().await?;
        Ok(self.known_key(key_id))
    }

    /// Every published key of an owner, oldest first; empty when there is none.
    pub async fn list_published_keys(&self, owner: &str) -> Result<Vec<PublishedKey>, Error> {
        let wanted = owner.to_owned();
        let (rows, revocations) = self.store.read_snapshot(move |conn| Ok((keys::list_keys_of(conn, &wanted)?, keys::list_revocations(conn)?))).await?;
        Ok(published(&rows, &revocations, self.now_micros()))
    }

    /// Every public key of the registry and of all bodies that was not stolen, for the JWK set: its readers know no revocation.
    pub async fn list_all_keys(&self) -> Result<Vec<PublishedKey>, Error> {
        Ok(self.list_keys_ever().await?.into_iter().filter(|key| key.revoked_at.is_none()).collect())
    }

    /// The same with those that were stolen, for readers who know what that means.
    pub async fn list_keys_ever(&self) -> Result<Vec<PublishedKey>, Error> {
        let (rows, revocations) = self.list_key_rows().await?;
        Ok(published(&rows, &revocations, self.now_micros()))
    }

    /// What `jilu keys` shows: every key, and those that were stolen.
    pub async fn list_key_rows(&self) -> Result<(Vec<SigningKeyRow>, Vec<KeyRevocationRow>), Error> {
        Ok(self.store.read_snapshot(|conn| Ok((keys::list_keys(conn)?, keys::list_revocations(conn)?))).await?)
    }

    /// A new key of an owner, sealed and ready to be inserted. Keys of issuers are made in the module, where there is one; what is sealed
    /// then is the name that the module knows it by.
    pub(super) fn make_key(&self, owner: &str, purpose: &str) -> Result<SigningKeyRow, Error> {
        let (public, held) = match &self.key_module {
            Some(module) if purpose == PURPOSE_CREDENTIALS => {
                let label = format!("jilu {}", hex::encode(self.entropy.bytes::<16>()));
                let public = module.generate(&label).map_err(|fault| Error::Internal(fault.to_string()))?;
                (PublicKey::from_bytes(owner, &public).ok_or_else(|| Error::Internal("the module made a key that is not a point".to_owned()))?, [IN_MODULE, label.as_bytes()].concat())
            }
            _ => {
                let secret: [u8; 32] = self.entropy.bytes();
                (IssuingKey::from_secret(owner, &secret).public, secret.to_vec())
            }
        };
        Ok(SigningKeyRow {
            owner: owner.to_owned(),
            purpose: purpose.to_owned(),
            public_key: public.bytes().to_vec(),
            sealed_secret: self.vault.seal(Sealed::SigningKey, &public.key_id, &held, &self.entropy),
            created_at: self.now_micros(),
            key_id: public.key_id,
        })
    }
}

/// A key in the form that signs notes.
pub(super) struct SignsNotes {
    key: Arc<IssuingKey>,
    public: NoteKey,
}

impl NoteSigner for SignsNotes {
    fn key(&self) -> &NoteKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        // Keys of logs and witnesses are always held by the process.
        self.key.sign(message).expect("a key in this process signs")
    }
}

/// Inserts a key and records it.
pub(super) fn add_key(tx: &mut Tx<'_>, row: &SigningKeyRow, organisation: Option<&OrganisationId>) -> Result<(), StoreError> {
    keys::insert_key(tx.conn, row)?;
    tx.record(Fact::of(organisation, row)?);
    Ok(())
}

/// When the key in force of each owner and purpose was made.
fn newest_in_force(rows: &[SigningKeyRow], now: i64) -> HashMap<(&str, &str), i64> {
    let mut newest = HashMap::new();
    for row in rows.iter().filter(|row| row.created_at <= now) {
        let at = newest.entry((row.owner.as_str(), row.purpose.as_str())).or_insert(row.created_at);
        *at = row.created_at.max(*at);
    }
    newest
}

fn published(rows: &[SigningKeyRow], revocations: &[KeyRevocationRow], now: i64) -> Vec<PublishedKey> {
    let newest = newest_in_force(rows, now);
    let revoked: HashMap<&str, i64> = revocations.iter().map(|row| (row.key_id.as_str(), row.compromised_at)).collect();
    rows.iter()
        .filter(|row| row.purpose == PURPOSE_CREDENTIALS)
        .filter_map(|row| {
            let is_current = newest.get(&(row.owner.as_str(), row.purpose.as_str())) == Some(&row.created_at);
            let revoked_at = revoked.get(row.key_id.as_str()).map(|at| from_micros(*at));
            PublicKey::from_bytes(&row.owner, &row.public_key).map(|key| PublishedKey { key, is_current, revoked_at })
        })
        .collect()
}
