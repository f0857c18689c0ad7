//! What a witness is asked and what it answers (C2SP tlog-witness). Pure: whoever keeps the latest checkpoint of each log hands it
//! in, and stores the new one in the same step in which it compares the old one.

use super::Hash;
use super::checkpoint::Checkpoint;
use super::note::{Note, NoteKey};
use super::proof::is_consistent;
use super::tree::empty_root;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// Most lines of a consistency proof.
const HASHES_MAX: usize = 63;

/// A request for a cosignature: the size that the witness is believed to know, the proof from there, and the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    pub old: u64,
    /// RFC 6962, 2.1.2; empty when `old` is 0.
    pub hashes: Vec<Hash>,
    /// The checkpoint as a note that its log has signed.
    pub checkpoint: String,
}

/// Why a witness does not cosign. Each is one status of HTTP in the specification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// 400.
    #[error("the request is not of the form of tlog-witness, or its old size is larger than the checkpoint's")]
    Malformed,
    /// 404.
    #[error("the origin of the checkpoint is not one that this witness watches")]
    UnknownOrigin,
    /// 403.
    #[error("no signature of a key of this log stands under the checkpoint")]
    Unsigned,
    /// 409; carries the size that was cosigned last.
    #[error("the old size is not the size that was cosigned last, {0}")]
    OtherSize(u64),
    /// 422.
    #[error("the proof does not lead from the old tree to the new one, or another tree of this size was cosigned")]
    NotConsistent,
}

impl AddCheckpoint {
    pub fn text(&self) -> String {
        let hashes: String = self.hashes.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
        format!("old {}\n{hashes}\n{}", self.old, self.checkpoint)
    }

    /// None when the text is not written exactly as the specification says.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let number = lines.next()?.strip_prefix("old ")?;
        let old: u64 = number.parse().ok()?;
        let hashes = lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<Vec<Hash>>>()?;
        (old.to_string() == number && hashes.len() <= HASHES_MAX).then(|| AddCheckpoint { old, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// The key of the log that the checkpoint says it is of, and what it says; signed by that key.
    pub fn open(&self, logs: &[NoteKey]) -> Result<(NoteKey, Checkpoint), WitnessRefusal> {
        let note = Note::parse(&self.checkpoint).map_err(|_| WitnessRefusal::Malformed)?;
        let origin = note.text.split('\n').next().unwrap_or_default();
        let mut of_origin = logs.iter().filter(|key| key.name == origin).peekable();
        if of_origin.peek().is_none() {
            return Err(WitnessRefusal::UnknownOrigin);
        }
        let key = of_origin.find(|key| note.verify(key).is_ok()).ok_or(WitnessRefusal::Unsigned)?;
        let checkpoint = Checkpoint::open(&self.checkpoint, key).map_err(|_| WitnessRefusal::Malformed)?;
        Ok((key.clone(), checkpoint))
    }

    /// Whether the checkpoint continues the one that was cosigned last: its size and root, or none.
    pub fn judge(&self, checkpoint: &Checkpoint, latest: Option<&Checkpoint>) -> Result<(), WitnessRefusal> {
        if self.old > checkpoint.size {
            return Err(WitnessRefusal::Malformed);
        }
        let known = latest.map_or(0, |latest| latest.size);
        if self.old != known {
            return Err(WitnessRefusal::OtherSize(known));
        }
        let known_root = latest.map_or_else(empty_root, |latest| latest.root);
        if self.old == checkpoint.size && checkpoint.root != known_root {
            // Two trees of one size; the empty tree has one root.
            return Err(WitnessRefusal::NotConsistent);
        }
        let is_proven = match self.old {
            0 => self.hashes.is_empty(),
            _ => is_consistent(self.old, checkpoint.size, &self.hashes, &known_root, &checkpoint.root),
        };
        if is_proven { Ok(()) } else { Err(WitnessRefusal::NotConsistent) }
    }
}

/// The name of a log in a witness's monitoring addresses.
pub fn origin_hash(origin: &str) -> String {
    hex::encode(Sha256::digest(origin))
}

#[cfg(test)]
mod tests {
    use super::super::note::NoteSigner;
    use super::super::note::tests::TestSigner;
    use super::super::tree::tests::leaves;
    use super::super::tree::{consistency_proof, root};
    use super::*;

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint { origin: "log.example".into(), size, root: root(&mut leaves(size), size).unwrap() }
    }

    fn request(old: u64, size: u64) -> AddCheckpoint {
        let hashes = if old == 0 || old > size { Vec::new() } else { consistency_proof(&mut leaves(size), old, size).unwrap() };
        AddCheckpoint { old, hashes, checkpoint: checkpoint(size).sign(&TestSigner::new("log.example")) }
    }

    #[test]
    fn what_continues_the_latest_checkpoint_is_cosigned_and_nothing_else() {
        let judged = |request: &AddCheckpoint, size: u64, latest: u64| request.judge(&checkpoint(size), Some(&checkpoint(latest)).filter(|latest| latest.size > 0));
        assert_eq!(judged(&request(0, 5), 5, 0), Ok(()));
        assert_eq!(judged(&request(0, 0), 0, 0), Ok(()));
        assert_eq!(judged(&request(5, 9), 9, 5), Ok(()));
        assert_eq!(judged(&request(5, 5), 5, 5), Ok(()));
        assert_eq!(judged(&request(9, 5), 5, 9), Err(WitnessRefusal::Malformed));
        assert_eq!(judged(&request(3, 9), 9, 5), Err(WitnessRefusal::OtherSize(5)));
        assert_eq!(judged(&request(0, 9), 9, 5), Err(WitnessRefusal::OtherSize(5)));
        let mut broken = request(5, 9);
        broken.hashes[0][0] ^= 1;
        assert_eq!(judged(&broken, 9, 5), Err(WitnessRefusal::NotConsistent));
        let superfluous = AddCheckpoint { hashes: vec![[0; 32]], ..request(0, 5) };
        assert_eq!(judged(&superfluous, 5, 0), Err(WitnessRefusal::NotConsistent));
        let other_tree = Checkpoint { root: [9; 32], ..checkpoint(5) };
        assert_eq!(request(5, 5).judge(&other_tree, Some(&checkpoint(5))), Err(WitnessRefusal::NotConsistent));
        assert_eq!(request(0, 0).judge(&Checkpoint { size: 0, ..other_tree }, None), Err(WitnessRefusal::NotConsistent));
    }

    #[test]
    fn only_watched_logs_are_opened_and_only_with_their_signature() {
        let (log, stranger) = (TestSigner::new("log.example"), TestSigner::new("other.example"));
        assert_eq!(request(0, 5).open(&[log.key().clone()]).unwrap().1, checkpoint(5));
        assert_eq!(request(0, 5).open(&[stranger.key().clone()]), Err(WitnessRefusal::UnknownOrigin));
        let forged = AddCheckpoint { checkpoint: request(0, 5).checkpoint.replacen("\n5\n", "\n6\n", 1), ..request(0, 5) };
        assert_eq!(forged.open(&[log.key().clone()]), Err(WitnessRefusal::Unsigned));
        let other_name = AddCheckpoint { checkpoint: Checkpoint { origin: "log.example".into(), ..checkpoint(5) }.sign(&stranger), ..request(0, 5) };
        assert_eq!(other_name.open(&[log.key().clone()]), Err(WitnessRefusal::Unsigned));
    }

    #[test]
    fn a_request_has_one_spelling() {
        let text = request(5, 9).text();
        assert_eq!(AddCheckpoint::parse(&text), Some(request(5, 9)));
        for wrong in [text.replacen("old 5", "old 05", 1), text.replacen("old 5", "old  5", 1), text.replacen("old", "new", 1), text.replacen("\n\n", "\n", 1), format!("old 5\n{}\n{}", "AAAA\n".repeat(64), checkpoint(5).text())] {
            assert!(AddCheckpoint::parse(&wrong).is_none_or(|parsed| Note::parse(&parsed.checkpoint).is_err()), "{wrong}");
        }
    }
}
