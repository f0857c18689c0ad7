//! What this registry has published must not be taken back. The newest checkpoint is kept in a file beside the database, and
//! witnesses keep it too; a database that is behind either has lost entries, and nothing may be signed on top of it.

use super::Registry;
use super::error::Error;
use crate::config::Witness;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::tree::root;
use crate::merkle::witness::origin_hash;
use crate::remote;
use crate::store::backend::Conn;
use crate::store::known_tree::StoredNodes;
use crate::store::log as store;
use crate::whole_file;
use std::sync::Arc;
use std::path::PathBuf;

const CHECKPOINT_BYTES_MAX: u64 = 1 << 16;

/// Why nothing may be signed: the database is not the one that was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Behind {
    #[error("{place} has a checkpoint of this log over {published} entries, and this database has only {ours}: it is an older copy. Restore a newer one; signing on top of this one would fork the public log")]
    Older { place: String, published: u64, ours: u64 },
    #[error("{place} has a checkpoint over {size} entries whose root is not that of the first {size} entries of this database: the two are different logs")]
    Forked { place: String, size: u64 },
    #[error("{0} is not a checkpoint of this log; if this database begins a new registry, move the file away")]
    Foreign(String),
}

impl Registry {
    fn published_file(&self) -> PathBuf {
        self.config.data.join("checkpoint")
    }

    /// Keeps the newest checkpoint in its file, if it is newer than `known`, which was kept before. Returns its size, or that the
    /// database has lost what was kept: a standby that was promoted too early, or a copy that was restored under a running node.
    pub async fn keep_published(&self, known: u64) -> Result<Result<u64, Behind>, Error> {
        let path = self.published_file();
        let Some(row) = self.store.read(store::find_checkpoint).await? else { return Ok(Ok(known)) };
        let size = row.size.unsigned_abs();
        if size < known {
            return Ok(Err(Behind::Older { place: path.display().to_string(), published: known, ours: size }));
        }
        if size == known {
            return Ok(Ok(known));
        }
        let directory = self.config.data.clone();
        // A node whose database is elsewhere may have no directory yet.
        let keep = move || std::fs::create_dir_all(directory).and_then(|()| whole_file::replace(&path, &row.note));
        tokio::task::spawn_blocking(keep).await.map_err(|error| Error::Internal(error.to_string()))?.map_err(|error| Error::Internal(format!("the newest checkpoint cannot be kept: {error}")))?;
        Ok(Ok(size))
    }

    /// Compares the database with what was published: the file beside it, and what its witnesses have cosigned. A witness that does
    /// not answer is passed over: verification and issuing do not depend on its being there.
    pub async fn find_behind(&self) -> Result<Option<Behind>, Error> {
        // Before `init` there is no log that could be behind.
        let Some(key) = self.log_key_if_known()? else { return Ok(None) };
        let path = self.published_file();
        let place = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(note) => {
                let Ok(checkpoint) = Checkpoint::open(&note, &key) else { return Ok(Some(Behind::Foreign(place))) };
                if let Some(behind) = self.compare_published(place, checkpoint).await? {
                    return Ok(Some(behind));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::Internal(format!("{place} cannot be read: {error}"))),
        }
        for witness in &self.config.witnesses.0 {
            if let Some(behind) = self.compare_witnessed(witness).await? {
                return Ok(Some(behind));
            }
        }
        Ok(None)
    }

    /// Compares the database with the checkpoint of this log that a witness has cosigned last. Only what this log's key signed counts:
    /// nobody else can say that the registry is behind.
    pub(super) async fn compare_witnessed(&self, witness: &Witness) -> Result<Option<Behind>, Error> {
        let key = self.log_key().await?;
        let url = format!("{}/{}/checkpoint", witness.url, origin_hash(&key.name));
        let from = url.clone();
        let answer = tokio::task::spawn_blocking(move || remote::get(&from, CHECKPOINT_BYTES_MAX)).await.map_err(|error| Error::Internal(error.to_string()))?;
        match answer {
            Ok(answer) if answer.status == 200 => match Checkpoint::open(&answer.text(), &key) {
                Ok(checkpoint) => return self.compare_published(url, checkpoint).await,
                Err(error) => tracing::warn!(%url, %error, "the witness shows a checkpoint that is not one of this log"),
            },
            Ok(answer) => tracing::warn!(%url, status = answer.status, "the witness has no checkpoint of this log"),
            Err(error) => tracing::warn!(%error, "a witness cannot be asked whether this database is the newest"),
        }
        Ok(None)
    }

    async fn compare_published(&self, place: String, published: Checkpoint) -> Result<Option<Behind>, Error> {
        let (size, tiles) = (published.size, Arc::clone(&self.tiles));
        let read = move |conn: &mut Conn| {
            let Some(tip) = store::find_tip(conn)? else { return Ok((0, None)) };
            let ours = tip.frontier.size();
            let root = if size <= ours { Some(root(&mut StoredNodes::new(conn, &tip.frontier, &tiles), size)?) } else { None };
            Ok((ours, root))
        };
        let (ours, root) = self.store.read_snapshot(read).await?;
        Ok(match root {
            None if size == 0 => None,
            None => Some(Behind::Older { place, published: size, ours }),
            Some(root) if root != published.root => Some(Behind::Forked { place, size }),
            Some(_) => None,
        })
    }
}
