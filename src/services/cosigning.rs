//! Our log and its witnesses: they are asked to cosign its checkpoints, and what a quorum has cosigned nobody can take back.

use super::Registry;
use super::error::Error;
use crate::config::Witness;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, NoteKey};
use crate::merkle::tree::consistency_proof;
use crate::merkle::witness::AddCheckpoint;
use crate::remote;
use crate::store::backend::Conn;
use crate::store::error::StoreError;
use crate::store::log::{self as log_store, StoredNodes};
use crate::store::witnesses::{self as store, CosignatureRow};
use std::sync::{Arc, PoisonError};

/// Answers of witnesses are a few lines.
const ANSWER_BYTES_MAX: u64 = 1 << 16;
/// How often a witness is asked again that knows another size than we believed.
const TRIES: usize = 3;
/// Of how many sizes the newest that has a quorum is looked for.
const SIZES: i64 = 20;

/// The newest tree that a quorum of witnesses has cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedTree {
    pub size: u64,
    /// The checkpoint with every cosignature that is known.
    pub note: String,
    pub cosignatures: usize,
}

/// Why a witness has not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum AskFault {
    #[error(transparent)]
    Unreachable(#[from] remote::Unreachable),
    #[error("{url}: status {status} found: {text}")]
    Refused { url: String, status: u16, text: String },
    #[error("{0}: the answer is not a cosignature of the witness's key")]
    NotACosignature(String),
    /// This database has lost entries that were published.
    #[error("the witness {witness} has cosigned {witnessed} entries of this log; this database has {ours}")]
    Behind { witness: String, witnessed: u64, ours: u64 },
    #[error("{0:?}")]
    Registry(Error),
}

impl<E: Into<Error>> From<E> for AskFault {
    fn from(error: E) -> Self {
        AskFault::Registry(error.into())
    }
}

impl Registry {
    /// Asks every witness to cosign the newest checkpoint, all at once. What they did not do comes back, by their names.
    pub async fn ask_witnesses(&self) -> Vec<(String, AskFault)> {
        let asked = self.config.witnesses.0.iter().map(async |witness| self.ask_witness(witness).await.map_err(|fault| (witness.key.name.clone(), fault)));
        let mut faults: Vec<_> = futures_util::future::join_all(asked).await.into_iter().filter_map(Result::err).collect();
        if let Err(error) = self.refresh_cosigned().await {
            faults.push((self.registry_did().to_owned(), error.into()));
        }
        faults
    }

    async fn ask_witness(&self, witness: &Witness) -> Result<(), AskFault> {
        let name = witness.key.to_string();
        let mut old = self.store.read(move |conn| store::find_cosigned_size(conn, &name)).await?.unwrap_or(0).unsigned_abs();
        for round in 0..TRIES {
            let Some((size, request)) = self.request_from(old, round > 0).await? else { return Ok(()) };
            let url = format!("{}/add-checkpoint", witness.url);
            let (to, text) = (url.clone(), request.text());
            let answer = tokio::task::spawn_blocking(move || remote::post_text(&to, &text, ANSWER_BYTES_MAX)).await.map_err(|error| Error::Internal(error.to_string()))??;
            match answer.status {
                200 => return self.keep_cosignature(witness, size, &request.checkpoint, &answer.text()).await,
                // It knows another size than we believed: ours if it lost an answer of its own, a larger one if we lost entries.
                409 => {
                    let witnessed = answer.text().trim().parse().map_err(|_| AskFault::NotACosignature(url))?;
                    self.refuse_larger(witness, witnessed).await?;
                    old = witnessed;
                }
                status => return Err(AskFault::Refused { url, status, text: answer.text().chars().take(200).collect() }),
            }
        }
        Ok(())
    }

    async fn refuse_larger(&self, witness: &Witness, witnessed: u64) -> Result<(), AskFault> {
        // Read after the answer: other nodes may have appended meanwhile.
        let (ours, _) = self.store.read(log_store::find_head).await?;
        let ours = ours.unsigned_abs();
        if witnessed > ours { Err(AskFault::Behind { witness: witness.key.name.clone(), witnessed, ours }) } else { Ok(()) }
    }

    /// The newest checkpoint, and what a witness that knows `old` entries has to be sent for it; None when there is nothing new.
    /// `is_told` means that the witness said so itself.
    async fn request_from(&self, old: u64, is_told: bool) -> Result<Option<(u64, AddCheckpoint)>, Error> {
        let read = move |conn: &mut Conn| {
            let Some(tip) = log_store::find_tip(conn)? else { return Ok(None) };
            let size = tip.frontier.size();
            // A witness that says itself that it knows all of it has cosigned, and we have lost its answer.
            if old > size || (old == size && !is_told) {
                return Ok(None);
            }
            let hashes = if old == 0 { Vec::new() } else { consistency_proof(&mut StoredNodes::new(conn, &tip.frontier), old, size)? };
            Ok::<_, StoreError>(Some((size, AddCheckpoint { old, hashes, checkpoint: tip.checkpoint.note })))
        };
        Ok(self.store.read_snapshot(read).await?)
    }

    async fn keep_cosignature(&self, witness: &Witness, size: u64, checkpoint: &str, answer: &str) -> Result<(), AskFault> {
        let own = format!("— {} ", witness.key.name);
        // Lines of others are ignored; the witness may have several keys.
        let cosigned = answer.split_inclusive('\n').filter(|line| line.starts_with(&own)).find_map(|line| {
            let note = format!("{checkpoint}{line}");
            let seconds = Note::parse(&note).ok()?.cosigned_at(&witness.key).ok()?;
            Some((line.to_owned(), seconds))
        });
        let (line, seconds) = cosigned.ok_or_else(|| AskFault::NotACosignature(witness.url.clone()))?;
        let row = CosignatureRow { size: size as i64, witness: witness.key.to_string(), line, cosigned_at: seconds as i64 };
        self.store.write(move |tx| store::insert_cosignature(tx.conn, &row)).await?;
        Ok(())
    }

    fn witness_keys(&self) -> Vec<NoteKey> {
        self.config.witnesses.0.iter().map(|witness| witness.key.clone()).collect()
    }

    /// The note of a size with the cosignatures that are known under it.
    pub(super) async fn cosigned_note(&self, size: u64, note: String) -> Result<String, Error> {
        let lines = self.store.read(move |conn| store::list_cosignatures_of(conn, size as i64)).await?;
        Ok(lines.iter().fold(note, |note, row| note + &row.line))
    }

    /// Looks for the newest tree that a quorum has cosigned; on every node, whoever asked.
    pub async fn refresh_cosigned(&self) -> Result<(), Error> {
        let quorum = self.config.witness_quorum;
        if quorum == 0 {
            return Ok(());
        }
        let (log, witnesses) = (self.log_key_if_known()?, self.witness_keys());
        let Some(log) = log else { return Ok(()) };
        for size in self.store.read(|conn| store::list_cosigned_sizes(conn, SIZES)).await? {
            let Some(row) = self.store.read(move |conn| log_store::find_checkpoint_of(conn, size)).await? else { continue };
            let note = self.cosigned_note(size.unsigned_abs(), row.note).await?;
            let cosignatures = Note::parse(&note).map_or(0, |note| note.count_cosigned(&witnesses));
            if cosignatures >= quorum && Checkpoint::open(&note, &log).is_ok_and(|checkpoint| checkpoint.size == size.unsigned_abs()) {
                let tree = CosignedTree { size: size.unsigned_abs(), note, cosignatures };
                *self.cosigned.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(tree));
                return Ok(());
            }
        }
        Ok(())
    }

    /// The newest tree that a quorum has cosigned, if a quorum is asked for and one has.
    pub fn cosigned_tree(&self) -> Option<Arc<CosignedTree>> {
        self.cosigned.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
