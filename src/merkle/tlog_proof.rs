//! A proof as a file (C2SP tlog-proof): the place of an entry, its inclusion proof and the signed checkpoint, for checking offline.

use super::Hash;
use super::checkpoint::Checkpoint;
use super::note::{NoteFault, NoteKey};
use super::proof::is_included;
use super::tree::leaf_hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const VERSION: &str = "c2sp.org/tlog-proof@v1";
/// A tree has at most 2^63 leaves.
const HASHES_MAX: usize = 63;

/// The proof of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What the application adds; not authenticated.
    pub extra: Option<Vec<u8>>,
    pub index: u64,
    /// From the leaf upwards.
    pub hashes: Vec<Hash>,
    /// The checkpoint as a signed note.
    pub checkpoint: String,
}

impl TlogProof {
    pub fn text(&self) -> String {
        let extra = self.extra.as_ref().map(|bytes| format!("extra {}\n", STANDARD.encode(bytes))).unwrap_or_default();
        let hashes: String = self.hashes.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
        format!("{VERSION}\n{extra}index {}\n{hashes}\n{}", self.index, self.checkpoint)
    }

    /// None when the text is not a proof.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n').peekable();
        if lines.next()? != VERSION {
            return None;
        }
        let extra = match lines.next_if(|line| line.starts_with("extra ")) {
            Some(line) => Some(STANDARD.decode(&line["extra ".len()..]).ok()?),
            None => None,
        };
        let number = lines.next()?.strip_prefix("index ")?;
        let index: u64 = number.parse().ok()?;
        let hashes = lines.map(|line| STANDARD.decode(line).ok()?.try_into().ok()).collect::<Option<Vec<Hash>>>()?;
        (index.to_string() == number && hashes.len() <= HASHES_MAX).then(|| TlogProof { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// Checks the checkpoint's signature and that it includes the entry. Returns the checkpoint, or None when the entry is not in it.
    pub fn verify(&self, entry: &[u8], key: &NoteKey) -> Result<Option<Checkpoint>, NoteFault> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        Ok(self.is_of(entry, &checkpoint).then_some(checkpoint))
    }

    /// Whether the path leads from the entry to the root of a checkpoint whose signature was checked before.
    pub fn is_of(&self, entry: &[u8], checkpoint: &Checkpoint) -> bool {
        is_included(&leaf_hash(entry), self.index, checkpoint.size, &self.hashes, &checkpoint.root)
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::NoteSigner;
    use super::super::note::tests::TestSigner;
    use super::super::tree::tests::Leaves;
    use super::super::tree::{inclusion_proof, root};
    use super::*;

    #[test]
    fn a_proof_reads_back_and_holds_for_its_entry_alone() {
        let signer = TestSigner::new("log.example");
        let mut nodes = Leaves((0..5).map(|n| leaf_hash(&[n])).collect());
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 5, root: root(&mut nodes, 5).unwrap() };
        let proof = TlogProof { extra: Some(b"salt".to_vec()), index: 3, hashes: inclusion_proof(&mut nodes, 3, 5).unwrap(), checkpoint: checkpoint.sign(&signer) };
        let read = TlogProof::parse(&proof.text()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.verify(&[3], signer.key()), Ok(Some(checkpoint)));
        assert_eq!(read.verify(&[4], signer.key()), Ok(None));
        assert_eq!(TlogProof { index: 2, ..read.clone() }.verify(&[3], signer.key()), Ok(None));
        for wrong in [proof.text().replace("index 3", "index 03"), proof.text().replace("@v1", "@v2"), proof.text().replacen("index", "idx", 1)] {
            assert_eq!(TlogProof::parse(&wrong), None);
        }
    }
}
