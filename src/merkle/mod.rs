//! The append-only log's mathematics and texts. Pure: hashes, proofs, tiles, notes, checkpoints; keys come in as values.
//!
//! Specifications: RFC 6962 section 2.1 (hashes), RFC 9162 section 2.1 (verification of proofs), C2SP tlog-tiles, tlog-checkpoint,
//! signed-note, tlog-proof, tlog-cosignature, tlog-witness.

pub mod checkpoint;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tlog_proof;
pub mod tree;
pub mod witness;

/// A SHA-256 hash of the tree.
pub type Hash = [u8; 32];
