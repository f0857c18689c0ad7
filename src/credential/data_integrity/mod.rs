//! Embedded proofs (VC Data Integrity 1.0) with Ed25519 (Data Integrity EdDSA Cryptosuites 1.0).
//!
//! Credentials carry a proof set: `eddsa-rdfc-2022`, which learner wallets and 1EdTech read, and `eddsa-jcs-2022`, which needs no RDF.
//! Each is made over the document without any proof.

mod secure;
mod suite;
mod verify;

pub use secure::{ProofOptions, add_proof, secure, secure_as};
pub use suite::{Refusal, Suite};
pub use verify::{CheckedProof, Expectation, verify};

use super::keys::SigningFault;
use super::linked_data::MeaningFault;

/// Why a proof does not prove anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    #[error("a proof, or an array of at least one, expected")]
    Missing,
    #[error("type DataIntegrityProof, a cryptosuite of Ed25519, created with a zone, verificationMethod, proofPurpose and a proofValue in base58 expected in every proof")]
    Malformed,
    #[error("another proofPurpose, challenge or domain expected")]
    WrongPurpose,
    #[error("the proof has expired")]
    Expired,
    #[error("the key of the proof is not known, or not one of its controller's")]
    UnknownKey,
    #[error("a proof that another one builds on is missing")]
    MissingPrevious,
    #[error("the contexts of the proof are not the first ones of the document")]
    ForeignContexts,
    #[error(transparent)]
    Meaning(#[from] MeaningFault),
    #[error("a number beyond 2^53 found, which has no canonical form")]
    NoCanonicalForm,
    #[error("the signature does not fit the document")]
    WrongSignature,
    /// Making a proof, not checking one.
    #[error(transparent)]
    Signing(#[from] SigningFault),
}

/// The identifier of a key in its form as Multikey, under which Data Integrity looks for it.
pub fn multikey_id(key_id: &str) -> String {
    format!("{key_id}-multikey")
}

/// The key behind an identifier that [`multikey_id`] made.
pub fn key_of_multikey(identifier: &str) -> Option<&str> {
    identifier.strip_suffix("-multikey")
}
