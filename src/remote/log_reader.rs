//! Reads a log as everybody can (C2SP tlog-tiles), and checks that it only ever grows.

use super::{Unreachable, get};
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::leaf::Entry;
use crate::merkle::note::NoteKey;
use crate::merkle::tile::{Content, TileAddress, WIDTH};
use crate::merkle::tree::{Frontier, leaf_hash};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

const CHECKPOINT_BYTES_MAX: u64 = 1 << 16;
/// 256 entries of at most 65,535 bytes behind their lengths.
const BUNDLE_BYTES_MAX: u64 = WIDTH * (65_535 + 2);

/// What a reader knows of a log: all of its entries up to `size`, as the roots of their complete subtrees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub size: u64,
    /// Base64 of the roots, largest subtree first.
    frontier: String,
    /// The signed checkpoint that said so.
    pub checkpoint: String,
}

/// Why a log is not to be trusted, or could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LogFault {
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    #[error("{url}: status {status} found, 200 expected")]
    Status { url: String, status: u16 },
    #[error("the checkpoint is not one of this log: {0}")]
    NotACheckpoint(String),
    #[error("THE LOG HAS SHRUNK: {seen} entries were seen, its signed checkpoint now says {found}")]
    Shrunk { seen: u64, found: u64 },
    #[error("THE LOG HAS FORKED: its entries do not give the root of its signed checkpoint of size {0}")]
    Forked(u64),
    #[error("what is kept of the log is damaged")]
    Damaged,
    #[error("the entries of {0} are not of the form of tlog-tiles")]
    Malformed(String),
}

/// An entry that is new to the reader, with its place in the log; None when it is not one as Jilu writes them.
pub type NewEntry = (u64, Option<Entry>);

/// Which checkpoint a reader follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The newest.
    Checkpoint,
    /// The newest that the log's witnesses have cosigned, which is some seconds older.
    Cosigned,
}

impl LogFault {
    /// Whether it says something about the log, and not only that it could not be read now.
    pub fn is_about_the_log(&self) -> bool {
        !matches!(self, LogFault::Unreachable(_) | LogFault::Status { .. })
    }
}

fn fetch(url: String, bytes_max: u64) -> Result<Vec<u8>, LogFault> {
    let answer = get(&url, bytes_max)?;
    if answer.status == 200 { Ok(answer.body) } else { Err(LogFault::Status { url, status: answer.status }) }
}

/// A checkpoint of the log at `url`, signed by `key`; the note and what it says.
fn read_checkpoint(url: &str, source: Source, key: &NoteKey) -> Result<(String, Checkpoint), LogFault> {
    let name = if source == Source::Checkpoint { "checkpoint" } else { "cosigned" };
    let note = String::from_utf8(fetch(format!("{url}/{name}"), CHECKPOINT_BYTES_MAX)?).map_err(|error| LogFault::NotACheckpoint(error.to_string()))?;
    let checkpoint = Checkpoint::open(&note, key).map_err(|error| LogFault::NotACheckpoint(error.to_string()))?;
    Ok((note, checkpoint))
}

impl Seen {
    /// Reads what came since, and checks that the newest tree continues the one that was seen: all entries, old and new, give the
    /// root that the log signed. Returns what is known now, and those of the new entries that are wanted or cannot be read.
    pub fn follow(&self, url: &str, source: Source, key: &NoteKey, is_wanted: impl Fn(&Entry) -> bool) -> Result<(Seen, Vec<NewEntry>), LogFault> {
        let (note, checkpoint) = read_checkpoint(url, source, key)?;
        let found = checkpoint.size;
        if found < self.size {
            return Err(LogFault::Shrunk { seen: self.size, found });
        }
        let known = STANDARD.decode(&self.frontier).map_err(|_| LogFault::Damaged)?;
        let mut frontier = Frontier::from_bytes(self.size, &known).ok_or(LogFault::Damaged)?;
        let mut new = Vec::new();
        while frontier.size() < found {
            let index = frontier.size() / WIDTH;
            let width = (found - index * WIDTH).min(WIDTH);
            let address = TileAddress { content: Content::Entries, index, width };
            let bundle = fetch(format!("{url}/tile/{address}"), BUNDLE_BYTES_MAX)?;
            let entries = split_bundle(&bundle).filter(|entries| entries.len() as u64 == width).ok_or_else(|| LogFault::Malformed(address.to_string()))?;
            // The beginning of the bundle may have been seen already.
            for entry in entries.into_iter().skip((frontier.size() % WIDTH) as usize) {
                let parsed = std::str::from_utf8(entry).ok().and_then(Entry::parse);
                if parsed.as_ref().is_none_or(&is_wanted) {
                    new.push((frontier.size(), parsed));
                }
                frontier.push(leaf_hash(entry));
            }
        }
        if frontier.root() != checkpoint.root {
            return Err(LogFault::Forked(found));
        }
        Ok((Seen { size: found, frontier: STANDARD.encode(frontier.to_bytes()), checkpoint: note }, new))
    }
}

/// The entries of a bundle: each behind its length of two bytes.
fn split_bundle(mut rest: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<2>() {
        let (entry, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = tail;
    }
    rest.is_empty().then_some(entries)
}
