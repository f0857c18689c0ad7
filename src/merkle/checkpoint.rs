//! Checkpoints (C2SP tlog-checkpoint): origin, size and root, signed as a note.

use super::Hash;
use super::note::{Note, NoteFault, NoteKey, NoteSigner, sign};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a log says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl Checkpoint {
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The checkpoint as a note, signed by the log.
    pub fn sign(&self, signer: &dyn NoteSigner) -> String {
        sign(&self.text(), signer)
    }

    /// Reads a checkpoint that `key` has signed under its own name as origin.
    pub fn open(note: &str, key: &NoteKey) -> Result<Self, NoteFault> {
        let note = Note::parse(note)?;
        note.verify(key)?;
        Self::parse(note.text).filter(|checkpoint| checkpoint.origin == key.name).ok_or(NoteFault::NotANote)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let root: Hash = STANDARD.decode(root).ok()?.try_into().ok()?;
        // Extension lines are opaque to us and may be there; a size has one spelling.
        (number.to_string() == size && !origin.is_empty() && lines.all(|line| !line.is_empty())).then(|| Checkpoint { origin: origin.to_owned(), size: number, root })
    }
}

#[cfg(test)]
mod tests {
    use super::super::note::tests::TestSigner;
    use super::super::tree::{empty_root, leaf_hash, root_of};
    use super::*;

    #[test]
    fn checkpoints_of_another_implementation_open_and_fit_its_leaves() {
        // transparency-dev/tessera, testdata/log: fifteen entries and a checkpoint after each (see tests/vectors/SOURCES.md).
        let key: NoteKey = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx".parse().unwrap();
        let bundle = include_bytes!("../../tests/vectors/tessera-log/entries.p15");
        let (mut rest, mut leaves) = (bundle.as_slice(), Vec::new());
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
            leaves.push(leaf_hash(entry));
            rest = tail;
        }
        let checkpoint = Checkpoint::open(include_str!("../../tests/vectors/tessera-log/checkpoint"), &key).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (15, root_of(&leaves)));
        let first = Checkpoint::open(include_str!("../../tests/vectors/tessera-log/checkpoint.1"), &key).unwrap();
        assert_eq!((first.size, first.root), (1, leaves[0]));
    }

    #[test]
    fn what_is_signed_opens_and_other_spellings_do_not() {
        let signer = TestSigner::new("log.example");
        let checkpoint = Checkpoint { origin: "log.example".into(), size: 0, root: empty_root() };
        assert_eq!(Checkpoint::open(&checkpoint.sign(&signer), signer.key()), Ok(checkpoint));
        for text in ["log.example\n01\nAA==\n", "other.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", "log.example\n0\n", "log.example\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"] {
            assert_eq!(Checkpoint::open(&sign(text, &signer), signer.key()), Err(NoteFault::NotANote), "{text}");
        }
    }
}
