//! What a worker shows by a link, and for what.

use super::id::CertificateId;
use super::organisation::names;
use serde::{Deserialize, Serialize};

/// A part of the record that a link shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharePart {
    /// The timeline.
    Record,
    /// Balance and sources.
    Credits,
    /// Certificates with their signed credentials.
    Certificates,
}

names!(SharePart {
    Record => "record",
    Credits => "credits",
    Certificates => "certificates",
});

/// What a link stands for; sealed at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareTerms {
    /// In the worker's own words.
    pub purpose: String,
    pub parts: Vec<SharePart>,
    /// Only these certificates; all of them, also later ones, when absent.
    pub certificates: Option<Vec<CertificateId>>,
    /// The secret of the link: 128 random bits.
    pub token: String,
}
