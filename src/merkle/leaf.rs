//! The entry of one fact, as everybody sees it: what kind, when, whose, and a salted commitment to the fact. No personal data.
//!
//! An entry is a text of five lines, each ending in a newline:
//!
//! ```text
//! jilu-entry/v1
//! certificate_issued
//! 2026-03-10T01:00:00.000000Z
//! org_01KJ…                      (or - when the fact is of no organisation)
//! base64(SHA-256(salt || fact))
//! ```
//!
//! The salt is 32 fresh random bytes for each fact, so that nobody can guess a fact from its commitment. Whoever is shown the salt
//! and the bytes of the fact can check both against the entry.

use super::Hash;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest, Sha256};

const VERSION: &str = "jilu-entry/v1";

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: String,
    /// Microseconds count.
    pub recorded_at: DateTime<Utc>,
    pub organisation: Option<String>,
    pub commitment: Hash,
}

/// SHA-256(salt || fact).
pub fn commitment(salt: &Hash, fact: &[u8]) -> Hash {
    Sha256::new().chain_update(salt).chain_update(fact).finalize().into()
}

impl Entry {
    pub fn text(&self) -> String {
        let organisation = self.organisation.as_deref().unwrap_or("-");
        let at = self.recorded_at.to_rfc3339_opts(SecondsFormat::Micros, true);
        format!("{VERSION}\n{}\n{at}\n{organisation}\n{}\n", self.kind, STANDARD.encode(self.commitment))
    }

    /// Reads an entry; None when it is not written exactly as [`Entry::text`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        if lines.next()? != VERSION {
            return None;
        }
        let (kind, at, organisation, encoded) = (lines.next()?, lines.next()?, lines.next()?, lines.next()?);
        let entry = Entry {
            kind: kind.to_owned(),
            recorded_at: DateTime::parse_from_rfc3339(at).ok()?.to_utc(),
            organisation: (organisation != "-").then(|| organisation.to_owned()),
            commitment: STANDARD.decode(encoded).ok()?.try_into().ok()?,
        };
        (entry.text() == text).then_some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::leaf_hash;
    use super::*;

    /// The vector that ARCHITECTURE.md prints for those who write monitors.
    #[test]
    fn the_published_vector_holds() {
        let entry = Entry {
            kind: "certificate_issued".into(),
            recorded_at: "2026-03-10T01:00:00Z".parse().unwrap(),
            organisation: Some("org_01KJR0M5000000000000000000".into()),
            commitment: commitment(&[7; 32], br#"{"example":true}"#),
        };
        let text = "jilu-entry/v1\ncertificate_issued\n2026-03-10T01:00:00.000000Z\norg_01KJR0M5000000000000000000\n5xYECLj6PLdsBc4KDC4hx8Fz37oDBTdQ5qc1/KNiNz4=\n";
        assert_eq!(entry.text(), text);
        assert_eq!(hex::encode(leaf_hash(text.as_bytes())), "c02ddb8ee7e477f6fa93962421ca9fca99ae10b60ebc7e68d97c72746d4e02b5");
        assert_eq!(Entry::parse(text), Some(entry));
    }

    #[test]
    fn only_one_spelling_is_read() {
        let text = Entry { kind: "key_added".into(), recorded_at: DateTime::UNIX_EPOCH, organisation: None, commitment: [0; 32] }.text();
        assert!(Entry::parse(&text).is_some_and(|entry| entry.organisation.is_none()));
        for wrong in [text.trim_end().to_owned(), format!("{text}\n"), text.replace("v1", "v2"), text.replace("000000Z", "0Z"), text.replace('Z', "+00:00")] {
            assert_eq!(Entry::parse(&wrong), None, "{wrong}");
        }
    }
}
