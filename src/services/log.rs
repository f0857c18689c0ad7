//! The log towards its readers: checkpoints, tiles, proofs; and whether a certificate is in it.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use crate::domain::rule::invalid;
use super::signing::version_place;
use crate::domain::text::Text;
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::leaf::commitment;
use crate::merkle::proof::is_included;
use crate::merkle::tile::TileAddress;
use crate::merkle::tlog_proof::TlogProof;
use crate::merkle::tree::{Frontier, consistency_proof, inclusion_proof};
use crate::store::backend::Conn;
use crate::store::certificates::CertificateVersionRow;
use crate::store::error::StoreError;
use crate::store::known_tree::{KnownTree, StoredNodes};
use crate::store::log::{self as store, CredentialSigned, EntryRow, FoundKind, HistoryExported, Tip};
use std::sync::{Arc, PoisonError, RwLock};

/// An entry with its proof in the newest tree.
#[derive(Debug, Clone)]
pub struct ProvenEntry {
    /// The entry as the log publishes it.
    pub entry: String,
    /// With this salt the entry commits to the fact.
    pub salt: Hash,
    pub proof: TlogProof,
    pub size: u64,
}

/// A note whose signature was checked, with what it says.
pub(super) type OpenedCheckpoint = (Arc<str>, Arc<Checkpoint>);

/// Proof that one tree is a prefix of another.
#[derive(Debug, Clone)]
pub struct ProvenPrefix {
    pub from: u64,
    pub to: u64,
    pub hashes: Vec<Hash>,
}

/// Where and when the log took a document in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Logged {
    pub index: u64,
    /// As the entry says, which the checkpoint covers.
    pub recorded_at: i64,
}

impl Registry {
    /// The newest checkpoint as a signed note, with the cosignatures that it has so far.
    pub async fn get_checkpoint(&self) -> Result<String, Error> {
        let row = self.store.read(store::find_checkpoint).await?.ok_or(Error::NotFound)?;
        self.cosigned_note(row.size.unsigned_abs(), row.note).await
    }

    /// The newest checkpoint that a quorum of witnesses has cosigned.
    pub fn get_cosigned_checkpoint(&self) -> Result<String, Error> {
        Ok(self.cosigned_tree().ok_or(Error::NotFound)?.note.clone())
    }

    /// A tile of the tree under the newest checkpoint.
    pub async fn get_tile(&self, address: TileAddress) -> Result<Vec<u8>, Error> {
        let read = move |conn: &mut Conn| {
            let size = store::find_checkpoint(conn)?.map_or(0, |row| row.size as u64);
            address.is_within(size).then(|| store::read_tile(conn, &address)).transpose()
        };
        self.store.read_snapshot(read).await?.ok_or(Error::NotFound)
    }

    /// The proof that entry `index` is in the tree of the newest checkpoint.
    pub async fn prove_inclusion(&self, index: u64) -> Result<ProvenEntry, Error> {
        let tiles = Arc::clone(&self.tiles);
        let read = move |conn: &mut Conn| {
            let Some(tip) = store::find_tip(conn)?.filter(|tip| index < tip.frontier.size()) else { return Ok(None) };
            let row = store::list_entries(conn, index as i64, index as i64 + 1)?.pop();
            row.map(|row| prove(conn, &tiles, &row, &tip)).transpose()
        };
        self.store.read_snapshot(read).await?.ok_or_else(|| beyond("index"))
    }

    /// The proof that the tree of `from` entries is a prefix of the tree of `to`.
    pub async fn prove_consistency(&self, from: u64, to: u64) -> Result<ProvenPrefix, Error> {
        if from == 0 || from > to {
            let detail = Text::new(format!("from {from} to {to} found; from at least 1 and at most to expected"), format!("from 为 {from}、to 为 {to}；from 应不小于 1 且不大于 to"));
            return Err(Error::Invalid(vec![invalid("from", detail)]));
        }
        let tiles = Arc::clone(&self.tiles);
        let read = move |conn: &mut Conn| {
            let Some(tip) = store::find_tip(conn)?.filter(|tip| to <= tip.frontier.size()) else { return Ok(None) };
            consistency_proof(&mut StoredNodes::new(conn, &tip.frontier, &tiles), from, to).map(Some)
        };
        let hashes = self.store.read_snapshot(read).await?.ok_or_else(|| beyond("to"))?;
        Ok(ProvenPrefix { from, to, hashes })
    }

    /// The proof that a certificate's newest document is in the log, under a checkpoint that a quorum of witnesses has cosigned if
    /// there is one. It tells nothing about the holder: only who has the document can compare it with the commitment.
    pub async fn prove_certificate(&self, name: &CertificateName) -> Result<ProvenEntry, Error> {
        let standing = self.find_standing(name).await?;
        self.prove_version(&standing.1).await
    }

    /// The same for a version of a certificate.
    pub(super) async fn prove_version(&self, version: &CertificateVersionRow) -> Result<ProvenEntry, Error> {
        let place = version_place(&version.certificate_id, version.version);
        let (cosigned, tiles) = (self.cosigned_tree(), Arc::clone(&self.tiles));
        let read = move |conn: &mut Conn| {
            let Some(row) = store::find_entry_of::<CredentialSigned>(conn, &place)? else { return Ok(None) };
            let Some(tip) = store::find_tip(conn)? else { return Ok(None) };
            match cosigned.filter(|tree| row.position.unsigned_abs() < tree.size && tree.size <= tip.frontier.size()) {
                Some(tree) => prove_under(conn, &tiles, &row, &tip.frontier, tree.size, tree.note.clone()).map(Some),
                None => prove(conn, &tiles, &row, &tip).map(Some),
            }
        };
        self.store.read_snapshot(read).await?.ok_or(Error::NotFound)
    }

    /// Where the log includes exactly this document of this version, under a checkpoint that the log's key signed; None when it does
    /// not. A row that was put into the database beside the log is not issued.
    pub(super) async fn find_logged(&self, version: &CertificateVersionRow, document: &[u8]) -> Result<Option<Logged>, Error> {
        self.find_logged_fact::<CredentialSigned>(version_place(&version.certificate_id, version.version), document).await
    }

    /// The same of any fact, by its kind, what it is about, and its bytes.
    pub(super) async fn find_logged_fact<K: FoundKind>(&self, subject: String, bytes: &[u8]) -> Result<Option<Logged>, Error> {
        let tiles = Arc::clone(&self.tiles);
        let found = self.store.read(move |conn| store::find_entry_of::<K>(conn, &subject)?.map_or(Ok(None), |row| find_path(conn, &tiles, row))).await?;
        self.check_logged(found, bytes).await
    }

    /// Whether what the database has of the log includes these bytes.
    pub(super) async fn check_logged(&self, found: Option<FoundEntry>, bytes: &[u8]) -> Result<Option<Logged>, Error> {
        let Some(FoundEntry { row, leaf, path }) = found else { return Ok(None) };
        let is_of = |salt: Hash| commitment(&salt, bytes).as_slice() == row.commitment;
        if !row.salt.as_slice().try_into().is_ok_and(is_of) {
            return Ok(None);
        }
        let logged = Logged { index: row.position.unsigned_abs(), recorded_at: row.recorded_at };
        let Some(Path { hashes, note }) = path else { return Ok(Some(logged)) };
        let Some(checkpoint) = self.open_checkpoint(&note).await? else { return Ok(None) };
        if !is_included(&leaf, logged.index, checkpoint.size, &hashes, &checkpoint.root) {
            return Ok(None);
        }
        self.tiles.believe_tile(logged.index, &leaf, &hashes);
        Ok(Some(logged))
    }

    /// The checkpoint of a note that the log's key signed. The newest one is asked for again and again, and opened once.
    pub(super) async fn open_checkpoint(&self, note: &str) -> Result<Option<Arc<Checkpoint>>, Error> {
        let known = |known: &RwLock<Option<OpenedCheckpoint>>| known.read().unwrap_or_else(PoisonError::into_inner).clone().filter(|opened| &*opened.0 == note);
        if let Some((_, checkpoint)) = known(&self.checkpoint) {
            return Ok(Some(checkpoint));
        }
        let Ok(checkpoint) = Checkpoint::open(note, &self.log_key().await?) else { return Ok(None) };
        let checkpoint = Arc::new(checkpoint);
        *self.checkpoint.write().unwrap_or_else(PoisonError::into_inner) = Some((note.into(), Arc::clone(&checkpoint)));
        Ok(Some(checkpoint))
    }

    /// The proof that an exported file is in the log: its row as the log committed to it, and the entry.
    pub(super) async fn prove_fact_of_export(&self, export: &str) -> Result<ProvenEntry, Error> {
        let (subject, tiles) = (export.to_owned(), Arc::clone(&self.tiles));
        let read = move |conn: &mut Conn| {
            let Some(row) = store::find_entry_of::<HistoryExported>(conn, &subject)? else { return Ok(None) };
            store::find_tip(conn)?.map(|tip| prove(conn, &tiles, &row, &tip)).transpose()
        };
        self.store.read_snapshot(read).await?.ok_or(Error::NotFound)
    }
}

fn beyond(field: &str) -> Error {
    Error::Invalid(vec![invalid(field, Text::new("the log is not that long", "日志没有这么长"))])
}

/// What the database has of an entry.
pub(super) struct FoundEntry {
    row: EntryRow,
    leaf: Hash,
    /// None where a tile that a signed checkpoint covers has this very leaf.
    path: Option<Path>,
}

/// How a leaf leads to a root.
struct Path {
    hashes: Vec<Hash>,
    /// The checkpoint whose root it is to be, as a note whose signature is still to be looked at.
    note: String,
}

/// How the log of a moment ago holds an entry, as far as the database says; None when it does not. Not to be asked in a snapshot, which may
/// be older than that log.
pub(super) fn find_path(conn: &mut Conn, tiles: &KnownTree, row: EntryRow) -> Result<Option<FoundEntry>, StoreError> {
    let looked = (|| {
        let (leaf, position) = (row.leaf_hash()?, row.position.unsigned_abs());
        if let Some(is_held) = tiles.is_in_proven_tile(position, &leaf) {
            return Ok(is_held.then_some((leaf, None)));
        }
        let Some(tip) = tiles.find_tip_over(conn, row.position)?.filter(|tip| position < tip.frontier.size()) else { return Ok(None) };
        let hashes = inclusion_proof(&mut StoredNodes::new(conn, &tip.frontier, tiles), position, tip.frontier.size())?;
        Ok(Some((leaf, Some(Path { hashes, note: tip.checkpoint.note.clone() }))))
    })();
    match looked {
        Ok(found) => Ok(found.map(|(leaf, path)| FoundEntry { row, leaf, path })),
        // Tiles that do not fit are no proof.
        Err(StoreError::Corrupt(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

fn prove(conn: &mut Conn, tiles: &KnownTree, row: &EntryRow, tip: &Tip) -> Result<ProvenEntry, StoreError> {
    prove_under(conn, tiles, row, &tip.frontier, tip.frontier.size(), tip.checkpoint.note.clone())
}

/// The proof in the tree of `size` entries, which is not larger than the newest one.
fn prove_under(conn: &mut Conn, tiles: &KnownTree, row: &EntryRow, newest: &Frontier, size: u64, checkpoint: String) -> Result<ProvenEntry, StoreError> {
    let index = row.position as u64;
    if index >= size {
        return Err(StoreError::Corrupt("an entry lies beyond the newest checkpoint".to_owned()));
    }
    let hashes = inclusion_proof(&mut StoredNodes::new(conn, newest, tiles), index, size)?;
    let salt = row.salt.as_slice().try_into().map_err(|_| StoreError::Corrupt("a salt has the wrong length".to_owned()))?;
    let entry = row.entry()?.text();
    // What an offline check needs beside the document: the salt, then the entry.
    let extra = [row.salt.as_slice(), entry.as_bytes()].concat();
    Ok(ProvenEntry { entry, salt, size, proof: TlogProof { extra: Some(extra), index, hashes, checkpoint } })
}
