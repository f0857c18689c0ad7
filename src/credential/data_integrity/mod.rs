//! Embedded proofs (VC Data Integrity 1.0) with Ed25519 (Data Integrity EdDSA Cryptosuites 1.0).
//!
//! Credentials carry a proof set: `eddsa-rdfc-2022`, which learner wallets and 1EdTech read, and `eddsa-jcs-2022`, which needs no RDF.
//! Each is made over the document without any proof.

mod secure;
mod suite;
mod verify;

pub use secure::{ProofOptions, add_proof, secure, secure_as};
pub use suite::{Refusal, Suite};
pub use verify::{CheckedProof, Expectation, PROOFS_MAX, verify};

use super::keys::SigningFault;
use super::linked_data::MeaningFault;
use crate::domain::text::Text;

/// Why a proof does not prove anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    #[error("no proof found, one or an array of at least one expected")]
    Missing,
    #[error("a proof of another form found; type DataIntegrityProof, a cryptosuite of Ed25519, created with a zone, verificationMethod, proofPurpose and a proofValue in base58 expected in every proof")]
    Malformed,
    #[error("a cryptosuite that this registry does not read found, eddsa-rdfc-2022 or eddsa-jcs-2022 expected")]
    UnknownSuite,
    #[error("another proofPurpose, challenge or domain found than the expected one")]
    WrongPurpose,
    #[error("an expired proof found, one that holds today expected")]
    Expired,
    #[error("the key of the proof is not known, or not one of its controller's")]
    UnknownKey,
    #[error("a proof that another one builds on is missing")]
    MissingPrevious,
    #[error("other contexts found in the document than those that the proof was made over")]
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

impl ProofFault {
    /// The same in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            ProofFault::Missing => "没有证明，应至少有一个",
            ProofFault::Malformed => "证明的形式不符：应有类型 DataIntegrityProof、Ed25519 的 cryptosuite、带时区的 created、verificationMethod、proofPurpose，以及 base58 的 proofValue",
            ProofFault::UnknownSuite => "本登记系统不支持该 cryptosuite，应为 eddsa-rdfc-2022 或 eddsa-jcs-2022",
            ProofFault::WrongPurpose => "proofPurpose、challenge 或 domain 与要求不符",
            ProofFault::Expired => "证明已过期，应为当前有效",
            ProofFault::UnknownKey => "证明的密钥未知，或不属于其控制者",
            ProofFault::MissingPrevious => "缺少该证明所依据的另一个证明",
            ProofFault::ForeignContexts => "上下文（@context）与证明所覆盖的不一致",
            ProofFault::Meaning(fault) => return fault.text(),
            ProofFault::NoCanonicalForm => "含有超出 2^53 的数，没有规范形式",
            ProofFault::WrongSignature => "签名与文件不符",
            ProofFault::Signing(_) => "无法签名",
        };
        Text::new(self.to_string(), zh)
    }

    /// Whether it says nothing against the document: this program, or this moment, is not one to check it.
    pub fn is_unchecked(&self) -> bool {
        matches!(self, ProofFault::UnknownKey | ProofFault::UnknownSuite | ProofFault::Expired)
    }
}

/// The identifier of a key in its form as Multikey, under which Data Integrity looks for it.
pub fn multikey_id(key_id: &str) -> String {
    format!("{key_id}-multikey")
}

/// The key behind an identifier that [`multikey_id`] made.
pub fn key_of_multikey(identifier: &str) -> Option<&str> {
    identifier.strip_suffix("-multikey")
}
