//! Signed notes (C2SP signed-note): a text with signatures under it, and keys as texts.

use super::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Ed25519 over the text of the note.
const ED25519: u8 = 0x01;
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
    pub fn new(name: &str, key: &[u8; 32]) -> Option<Self> {
        let verifying = VerifyingKey::from_bytes(key).ok()?;
        let digest = Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key).finalize();
        is_name(name).then(|| NoteKey { name: name.to_owned(), key: verifying, id: [digest[0], digest[1], digest[2], digest[3]] })
    }
}

/// The key as a text: `name+hex(id)+base64(type || key)`.
impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id), STANDARD.encode(typed))
    }
}

impl FromStr for NoteKey {
    type Err = NoteFault;

    fn from_str(text: &str) -> Result<Self, NoteFault> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return Err(NoteFault::NotAKey) };
        let typed = STANDARD.decode(key).map_err(|_| NoteFault::NotAKey)?;
        let key: Hash = typed.strip_prefix(&[ED25519]).and_then(|key| key.try_into().ok()).ok_or(NoteFault::NotAKey)?;
        NoteKey::new(name, &key).filter(|key| hex::encode(key.id) == id).ok_or(NoteFault::NotAKey)
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
    let key = signer.key();
    let signature = [key.id.as_slice(), &signer.sign(text.as_bytes())].concat();
    format!("{text}\n— {} {}\n", key.name, STANDARD.encode(signature))
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

    /// Checks the signature of one key. Signatures of others are ignored; a wrong one of this key rejects the note.
    pub fn verify(&self, key: &NoteKey) -> Result<(), NoteFault> {
        let mut has_signed = false;
        for (_, bytes) in self.signatures.iter().filter(|(name, bytes)| *name == key.name && bytes[..4] == key.id) {
            let signature = Signature::from_slice(&bytes[4..]).map_err(|_| NoteFault::WrongSignature)?;
            key.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| NoteFault::WrongSignature)?;
            has_signed = true;
        }
        if has_signed { Ok(()) } else { Err(NoteFault::Unsigned) }
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
            let key = SigningKey::from_bytes(&[3; 32]);
            let public = NoteKey::new(name, key.verifying_key().as_bytes()).unwrap();
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
}
