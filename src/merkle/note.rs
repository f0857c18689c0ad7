//! Signed notes (C2SP signed-note): a text with signatures under it, and keys as texts. Logs sign their checkpoints plainly;
//! witnesses cosign them with the time at which they saw them (C2SP tlog-cosignature).

use super::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// How a key signs: its first byte in key identifiers and verifier keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519 over the text of the note.
    Log = 0x01,
    /// Ed25519 over a time and the text (tlog-cosignature, "Ed25519 signed message").
    Witness = 0x04,
}
/// Most signatures of one note (tlog-witness reads at least this many).
const SIGNATURES_MAX: usize = 200;
/// Largest note in bytes.
const NOTE_BYTES_MAX: usize = 1_000_000;

/// Signs the texts of notes under a name. The key stays with whoever implements it.
pub trait NoteSigner: Send + Sync {
    fn key(&self) -> &NoteKey;
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// A public key with the name that it signs notes under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    pub name: String,
    pub kind: KeyKind,
    key: VerifyingKey,
    id: [u8; 4],
}

/// Why a note or a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteFault {
    #[error("not a signed note")]
    NotANote,
    #[error("not a verifier key: name+id+base64 expected")]
    NotAKey,
    #[error("no signature of the key")]
    Unsigned,
    #[error("the key's signature does not fit the text")]
    WrongSignature,
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control())
}

impl NoteKey {
    /// None when the bytes are not a point of the curve, or the name cannot stand in a note.
    pub fn new(kind: KeyKind, name: &str, key: &[u8; 32]) -> Option<Self> {
        let verifying = VerifyingKey::from_bytes(key).ok()?;
        let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind as u8]).chain_update(key).finalize();
        is_name(name).then(|| NoteKey { name: name.to_owned(), kind, key: verifying, id: [digest[0], digest[1], digest[2], digest[3]] })
    }

    /// A signature line under this key's name.
    fn line(&self, signature: &[u8]) -> String {
        format!("— {} {}\n", self.name, STANDARD.encode([self.id.as_slice(), signature].concat()))
    }

    fn verify_signature(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteFault> {
        let signature = Signature::from_slice(signature).map_err(|_| NoteFault::WrongSignature)?;
        self.key.verify_strict(message, &signature).map_err(|_| NoteFault::WrongSignature)
    }
}

/// The key as a text: `name+hex(id)+base64(type || key)`.
impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[self.kind as u8], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(typed))
    }
}

impl FromStr for NoteKey {
    type Err = NoteFault;

    fn from_str(text: &str) -> Result<Self, NoteFault> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(NoteFault::NotAKey) };
        let typed = STANDARD.decode(key).map_err(|_| NoteFault::NotAKey)?;
        let (kind, key) = typed.split_first().ok_or(NoteFault::NotAKey)?;
        let kind = [KeyKind::Log, KeyKind::Witness].into_iter().find(|known| *known as u8 == *kind).ok_or(NoteFault::NotAKey)?;
        let key: Hash = key.try_into().map_err(|_| NoteFault::NotAKey)?;
        NoteKey::new(kind, name, &key).filter(|key| hex::encode(key.id) == id).ok_or(NoteFault::NotAKey)
    }
}

/// A note taken apart; its signatures are not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// With the newline at its end.
    pub text: &'a str,
    signatures: Vec<(&'a str, Vec<u8>)>,
}

/// The text with one signature under it.
pub fn sign(text: &str, signer: &dyn NoteSigner) -> String {
    format!("{text}\n{}", signer.key().line(&signer.sign(text.as_bytes())))
}

/// What a witness signs: when it saw which checkpoint.
fn cosigned_message(text: &str, seconds: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {seconds}\n{text}").into_bytes()
}

/// The line of a witness under a checkpoint's text, seen at `seconds` since 1970.
pub fn cosign(text: &str, signer: &dyn NoteSigner, seconds: u64) -> String {
    let signature = signer.sign(&cosigned_message(text, seconds));
    signer.key().line(&[seconds.to_be_bytes().as_slice(), &signature].concat())
}

impl<'a> Note<'a> {
    pub fn parse(note: &'a str) -> Result<Self, NoteFault> {
        if note.len() > NOTE_BYTES_MAX || note.chars().any(|c| c.is_control() && c != '\n') {
            return Err(NoteFault::NotANote);
        }
        let at = note.rfind("\n\n").ok_or(NoteFault::NotANote)?;
        let (text, block) = (&note[..=at], &note[at + 2..]);
        let lines = block.strip_suffix('\n').ok_or(NoteFault::NotANote)?;
        let signature = |line: &'a str| {
            let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
            let bytes = STANDARD.decode(encoded).ok()?;
            (is_name(name) && bytes.len() >= 5).then_some((name, bytes))
        };
        let signatures: Vec<_> = lines.split('\n').map(signature).collect::<Option<_>>().ok_or(NoteFault::NotANote)?;
        if signatures.len() > SIGNATURES_MAX { Err(NoteFault::NotANote) } else { Ok(Note { text, signatures }) }
    }

    fn signatures_of(&self, key: &NoteKey) -> impl Iterator<Item = &[u8]> {
        self.signatures.iter().filter(|(name, bytes)| *name == key.name && bytes[..4] == key.id).map(|(_, bytes)| &bytes[4..])
    }

    /// Checks the signature of one log key. Signatures of others are ignored; a wrong one of this key rejects the note.
    pub fn verify(&self, key: &NoteKey) -> Result<(), NoteFault> {
        let mut has_signed = false;
        for signature in self.signatures_of(key).filter(|_| key.kind == KeyKind::Log) {
            key.verify_signature(self.text.as_bytes(), signature)?;
            has_signed = true;
        }
        if has_signed { Ok(()) } else { Err(NoteFault::Unsigned) }
    }

    /// The line of a log key under this note, if it is right: what is worth keeping of a note that strangers may have added to.
    pub fn line_of(&self, key: &NoteKey) -> Option<String> {
        self.signatures_of(key).find(|signature| key.kind == KeyKind::Log && key.verify_signature(self.text.as_bytes(), signature).is_ok()).map(|signature| key.line(signature))
    }

    /// When a witness saw this checkpoint, in seconds since 1970: the latest of its cosignatures. A wrong one of this key rejects
    /// the note.
    pub fn cosigned_at(&self, key: &NoteKey) -> Result<u64, NoteFault> {
        let mut latest = None;
        for signature in self.signatures_of(key).filter(|_| key.kind == KeyKind::Witness) {
            let (time, signature) = signature.split_first_chunk::<8>().ok_or(NoteFault::WrongSignature)?;
            // A timestamp does not exceed 2^63 - 1 (tlog-cosignature, "Format").
            let seconds = Some(u64::from_be_bytes(*time)).filter(|seconds| i64::try_from(*seconds).is_ok()).ok_or(NoteFault::WrongSignature)?;
            key.verify_signature(&cosigned_message(self.text, seconds), signature)?;
            latest = latest.max(Some(seconds));
        }
        latest.ok_or(NoteFault::Unsigned)
    }

    /// How many of these witnesses have cosigned. Two keys count as two only if they are two.
    pub fn count_cosigned(&self, witnesses: &[NoteKey]) -> usize {
        let distinct = witnesses.iter().enumerate().filter(|(place, key)| !witnesses[..*place].iter().any(|earlier| earlier.key == key.key));
        distinct.filter(|(_, key)| self.cosigned_at(key).is_ok()).count()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use ed25519_dalek::{Signer, SigningKey};

    /// A signer for tests.
    pub struct TestSigner(SigningKey, NoteKey);

    impl TestSigner {
        pub fn new(name: &str) -> Self {
            Self::of(KeyKind::Log, name, 3)
        }

        pub fn of(kind: KeyKind, name: &str, secret: u8) -> Self {
            let key = SigningKey::from_bytes(&[secret; 32]);
            let public = NoteKey::new(kind, name, key.verifying_key().as_bytes()).unwrap();
            TestSigner(key, public)
        }
    }

    impl NoteSigner for TestSigner {
        fn key(&self) -> &NoteKey {
            &self.1
        }

        fn sign(&self, message: &[u8]) -> [u8; 64] {
            self.0.sign(message).to_bytes()
        }
    }

    #[test]
    fn the_example_of_the_specification_verifies() {
        // C2SP signed-note, "Format" and golang.org/x/mod/sumdb/note.
        let key: NoteKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\
            — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let parsed = Note::parse(note).unwrap();
        assert_eq!(parsed.verify(&key), Ok(()));
        let changed = note.replace("answer", "Answer");
        assert_eq!(Note::parse(&changed).unwrap().verify(&key), Err(NoteFault::WrongSignature));
        assert_eq!(key.to_string().parse(), Ok(key));
    }

    #[test]
    fn what_is_signed_verifies_and_strangers_are_ignored() {
        let signer = TestSigner::new("log.example");
        let note = sign("hello\n", &signer);
        assert_eq!(Note::parse(&note).unwrap().verify(signer.key()), Ok(()));
        let witnessed = format!("{note}— stranger.example AAAAAAA=\n");
        assert_eq!(Note::parse(&witnessed).unwrap().verify(signer.key()), Ok(()));
        assert_eq!(Note::parse(&note).unwrap().verify(TestSigner::new("other.example").key()), Err(NoteFault::Unsigned));
        for wrong in ["", "hello\n", "hello\n\n", "hello\n\n— x AAAA\n", "he\tllo\n\n— x AAAAAAA=\n", note.trim_end()] {
            assert_eq!(Note::parse(wrong), Err(NoteFault::NotANote), "{wrong:?}");
        }
    }

    #[test]
    fn a_cosignature_says_when_its_witness_saw_the_checkpoint() {
        let (log, witness, other) = (TestSigner::new("log.example"), TestSigner::of(KeyKind::Witness, "witness.example/w1", 4), TestSigner::of(KeyKind::Witness, "witness.example/w1", 5));
        let text = "log.example\n1\nAAAA\n";
        let note = format!("{}{}", sign(text, &log), cosign(text, &witness, 1_679_315_147));
        let parsed = Note::parse(&note).unwrap();
        assert_eq!((parsed.verify(log.key()), parsed.cosigned_at(witness.key()), parsed.cosigned_at(other.key())), (Ok(()), Ok(1_679_315_147), Err(NoteFault::Unsigned)));
        // A cosignature is no signature of a log, and the other way round.
        assert_eq!((parsed.verify(witness.key()), parsed.cosigned_at(log.key())), (Err(NoteFault::Unsigned), Err(NoteFault::Unsigned)));
        let changed = note.replacen("\n1\n", "\n2\n", 1);
        assert_eq!(Note::parse(&changed).unwrap().cosigned_at(witness.key()), Err(NoteFault::WrongSignature));
        // One key under two names is one witness.
        let twin = TestSigner::of(KeyKind::Witness, "witness.example/w2", 4);
        let twice = format!("{note}{}", cosign(text, &twin, 1));
        let keys = [witness.key().clone(), twin.key().clone(), other.key().clone()];
        assert_eq!(Note::parse(&twice).unwrap().count_cosigned(&keys), 1);
        assert_eq!(witness.key().to_string().parse(), Ok(witness.key().clone()));
    }

    #[test]
    fn the_example_of_the_cosignature_specification_is_read() {
        // tlog-cosignature, first example: the identifier and the time under witness.example.com/w1.
        let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let parsed = Note::parse(note).unwrap();
        let (_, bytes) = &parsed.signatures[0];
        assert_eq!((bytes.len(), u64::from_be_bytes(bytes[4..12].try_into().unwrap())), (4 + 8 + 64, 1_679_315_147));
    }
}
