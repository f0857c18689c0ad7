//! What a worker shows, by a link or to a platform, and for what.

use super::id::CertificateId;
use super::organisation::names;
use super::platform::PlatformScope;
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
    /// Whom it is for, where it is no link but a platform's access; then the secret is its refresh token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<PlatformTerms>,
}

/// A platform that a worker lets in, and the code by which it comes for its tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlatformTerms {
    /// Its identifier, by which it is known again.
    pub client_id: String,
    pub name: String,
    pub scopes: Vec<PlatformScope>,
    pub redirect_uri: String,
    /// The secret of the authorization code: 128 random bits.
    pub code: String,
    /// SHA-256 of what only the platform knows (RFC 7636, 4.2), as base64url.
    pub code_challenge: String,
}
