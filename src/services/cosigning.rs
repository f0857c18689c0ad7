//! Our log and its witnesses: they are asked to cosign its checkpoints, and what a quorum has cosigned nobody can take back.

use super::Registry;
use super::error::Error;
use super::published::Behind;
use crate::config::Witness;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, NoteKey};
use crate::merkle::tree::consistency_proof;
use crate::merkle::witness::AddCheckpoint;
use crate::remote;
use crate::store::backend::Conn;
use crate::store::known_tree::StoredNodes;
use crate::store::log::{self as log_store, Tip};
use crate::store::witnesses::{self as store, CosignatureRow};
use std::sync::{Arc, PoisonError};

/// Answers of witnesses are a few lines.
const ANSWER_BYTES_MAX: u64 = 1 << 16;
/// How often a witness is asked again that knows another size than we believed.
const TRIES: usize = 3;
/// How many sizes with a quorum are looked at; the newest is the one, unless somebody has edited it.
const SIZES: i64 = 5;

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
    /// The witness has shown a checkpoint of this log that this database does not continue.
    #[error(transparent)]
    Behind(Behind),
    #[error("{0:?}")]
    Registry(Error),
}

impl<E: Into<Error>> From<E> for AskFault {
    fn from(error: E) -> Self {
        AskFault::Registry(error.into())
    }
}

impl Registry {
    /// Asks every witness to cosign one and the same checkpoint, the newest, all at once: a quorum is one of a size. What they did
    /// not do comes back, by their names.
    pub async fn ask_witnesses(&self) -> Vec<(String, AskFault)> {
        let tip = match self.store.read(log_store::find_tip).await {
            Ok(Some(tip)) => Arc::new(tip),
            Ok(None) => return Vec::new(),
            Err(error) => return vec![(self.registry_did().to_owned(), error.into())],
        };
        let asked = self.config.witnesses.0.iter().map(async |witness| self.ask_witness(witness, &tip).await.map_err(|fault| (witness.key.name.clone(), fault)));
        let mut faults: Vec<_> = futures_util::future::join_all(asked).await.into_iter().filter_map(Result::err).collect();
        if let Err(error) = self.refresh_cosigned().await {
            faults.push((self.registry_did().to_owned(), error.into()));
        }
        faults
    }

    async fn ask_witness(&self, witness: &Witness, tip: &Arc<Tip>) -> Result<(), AskFault> {
        let (name, size) = (witness.key.to_string(), tip.frontier.size());
        let mut old = self.store.read(move |conn| store::find_cosigned_size(conn, &name)).await?.unwrap_or(0).unsigned_abs();
        if old >= size {
            return Ok(());
        }
        let url = format!("{}/add-checkpoint", witness.url);
        let mut last = String::new();
        for _ in 0..TRIES {
            let request = self.request_from(old, tip).await?;
            let (to, text) = (url.clone(), request.text());
            let answer = tokio::task::spawn_blocking(move || remote::post_text(&to, &text, ANSWER_BYTES_MAX)).await.map_err(|error| Error::Internal(error.to_string()))??;
            last = answer.text().chars().take(200).collect();
            match answer.status {
                200 => return self.keep_cosignature(witness, size, &request.checkpoint, &answer.text()).await,
                409 => match last.trim().parse::<u64>() {
                    // It knows another size than we believed: it had answered before, and the answer was lost.
                    Ok(witnessed) if witnessed <= size => old = witnessed,
                    // Another node may have shown it a newer tree meanwhile.
                    _ => return self.refuse_behind(witness, url, 409, last).await,
                },
                status => return self.refuse_behind(witness, url, status, last).await,
            }
        }
        self.refuse_behind(witness, url, 409, last).await
    }

    /// A refusal is believed to mean that this database is the wrong one only if the witness shows a checkpoint that this log signed.
    async fn refuse_behind(&self, witness: &Witness, url: String, status: u16, text: String) -> Result<(), AskFault> {
        match self.compare_witnessed(witness).await? {
            Some(behind) => Err(AskFault::Behind(behind)),
            None if status == 409 => Ok(()),
            None => Err(AskFault::Refused { url, status, text }),
        }
    }

    /// What a witness that knows `old` entries has to be sent for a tree.
    async fn request_from(&self, old: u64, tip: &Arc<Tip>) -> Result<AddCheckpoint, Error> {
        let (size, checkpoint, tip, tiles) = (tip.frontier.size(), tip.checkpoint.note.clone(), Arc::clone(tip), Arc::clone(&self.tiles));
        let read = move |conn: &mut Conn| if old == 0 { Ok(Vec::new()) } else { consistency_proof(&mut StoredNodes::new(conn, &tip.frontier, &tiles), old, size) };
        Ok(AddCheckpoint { old, hashes: self.store.read_snapshot(read).await?, checkpoint })
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
        let (quorum, witnesses) = (self.config.witness_quorum, self.witness_keys());
        let Some(log) = self.log_key_if_known()?.filter(|_| quorum > 0) else { return Ok(()) };
        let names: Vec<String> = witnesses.iter().map(NoteKey::to_string).collect();
        // From the one that is known: looking must not cost more the longer the log is cosigned.
        let known = self.cosigned_tree().map_or(0, |tree| tree.size as i64);
        for size in self.store.read(move |conn| store::list_quorum_sizes(conn, known, &names, quorum as i64, SIZES)).await? {
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
