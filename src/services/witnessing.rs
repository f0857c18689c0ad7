//! This registry as a witness of other logs (C2SP tlog-witness): it cosigns a checkpoint only if it continues the one before, and
//! keeps it before it answers.

use super::error::Error;
use super::{Registry, again_when_stale};
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::note::{Note, NoteKey, NoteSigner, cosign};
use crate::merkle::witness::{AddCheckpoint, WitnessRefusal, origin_hash};
use crate::store::error::{Constraint, StoreError};
use crate::store::witnesses::{self as store, WitnessedRow};

impl Registry {
    /// The key with which this registry cosigns, as the world knows it.
    pub async fn witness_key(&self) -> Result<NoteKey, Error> {
        Ok(self.witness_signer().await?.key().clone())
    }

    /// Cosigns a checkpoint of a log that this registry watches. The answer is the signature line, or why there is none.
    pub async fn add_checkpoint(&self, request: &str) -> Result<Result<String, WitnessRefusal>, Error> {
        let Some(request) = AddCheckpoint::parse(request) else { return Ok(Err(WitnessRefusal::Malformed)) };
        let (key, checkpoint) = match request.open(&self.config.witnessed_logs.0) {
            Ok(opened) => opened,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // Another request may replace the latest checkpoint between the comparison and the write; then compare again.
        again_when_stale(async || self.cosign_next(&request, &key, &checkpoint).await).await
    }

    async fn cosign_next(&self, request: &AddCheckpoint, log: &NoteKey, checkpoint: &Checkpoint) -> Result<Result<String, WitnessRefusal>, Error> {
        let origin = checkpoint.origin.clone();
        let latest = self.store.read(move |conn| store::find_witnessed(conn, &origin)).await?;
        if let Err(refusal) = request.judge(checkpoint, latest.as_ref().map(checkpoint_of).transpose()?.as_ref()) {
            if matches!(refusal, WitnessRefusal::NotConsistent) {
                tracing::error!(origin = %checkpoint.origin, size = checkpoint.size, "a log signed a checkpoint that does not continue the one before");
            }
            return Ok(Err(refusal));
        }
        let note = Note::parse(&request.checkpoint).map_err(|error| Error::Internal(error.to_string()))?;
        let now = self.clock.now();
        let line = cosign(note.text, &self.witness_signer().await?, u64::try_from(now.timestamp()).unwrap_or(0));
        // The same tree again changes nothing, so it costs no write.
        if latest.as_ref().is_some_and(|latest| latest.size.unsigned_abs() == checkpoint.size) {
            return Ok(Ok(line));
        }
        // Only the log's own signature is kept: anybody may have written others under its note.
        let signed = note.line_of(log).ok_or_else(|| Error::Internal("a checked signature is gone".to_owned()))?;
        let row = WitnessedRow {
            origin_hash: origin_hash(&checkpoint.origin),
            origin: checkpoint.origin.clone(),
            size: i64::try_from(checkpoint.size).map_err(|error| Error::Internal(error.to_string()))?,
            root: checkpoint.root.to_vec(),
            note: format!("{}\n{signed}{line}", note.text),
            cosigned_at: now.timestamp_micros(),
        };
        match self.store.write(move |tx| store::replace_witnessed(tx.conn, latest.as_ref(), &row)).await {
            Ok(()) => Ok(Ok(line)),
            Err(StoreError::Conflict(Constraint::WitnessedLog)) => Err(Error::Stale),
            Err(other) => Err(other.into()),
        }
    }

    /// The newest checkpoint that was cosigned of a log, by the hash of its origin, with the cosignature.
    pub async fn find_witnessed(&self, origin_hash: &str) -> Result<String, Error> {
        let wanted = origin_hash.to_owned();
        Ok(self.store.read(move |conn| store::find_witnessed_by_hash(conn, &wanted)).await?.ok_or(Error::NotFound)?.note)
    }
}

fn checkpoint_of(row: &WitnessedRow) -> Result<Checkpoint, Error> {
    let root = row.root.as_slice().try_into().map_err(|_| Error::Internal("a witnessed root has the wrong length".to_owned()))?;
    Ok(Checkpoint { origin: row.origin.clone(), size: row.size.unsigned_abs(), root })
}
