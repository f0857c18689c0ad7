//! The forms in which one credential is handed out, over the same facts and the same entry of the log.

use super::sd_jwt;

/// A form with its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialForm {
    /// VC-JOSE-COSE: what was signed at the issue, byte for byte.
    VcJwt,
    /// JSON with a set of embedded proofs (Data Integrity).
    DataIntegrity,
    /// The JWT profile of Open Badges 3.0.
    BadgeJwt,
    /// Plain claims that the holder shows one by one (SD-JWT VC).
    SdJwt,
    /// A picture that carries the credential (Open Badges 3.0, "baked").
    BadgeSvg,
    BadgePng,
    /// The certificate as paper, with the credential inside.
    Pdf,
}

impl CredentialForm {
    /// The one that is meant when a client takes everything stands first.
    pub const ALL: [CredentialForm; 7] =
        [CredentialForm::VcJwt, CredentialForm::DataIntegrity, CredentialForm::BadgeJwt, CredentialForm::SdJwt, CredentialForm::BadgeSvg, CredentialForm::BadgePng, CredentialForm::Pdf];

    pub fn media_type(self) -> &'static str {
        self.media_types()[0]
    }

    /// Every media type that asks for this form; the first one is what it is.
    pub fn media_types(self) -> &'static [&'static str] {
        match self {
            CredentialForm::VcJwt => &["application/vc+jwt"],
            CredentialForm::DataIntegrity => &["application/vc", "application/vc+ld+json", "application/ld+json"],
            CredentialForm::BadgeJwt => &["application/jwt"],
            CredentialForm::SdJwt => &["application/dc+sd-jwt"],
            CredentialForm::BadgeSvg => &["image/svg+xml"],
            CredentialForm::BadgePng => &["image/png"],
            CredentialForm::Pdf => &["application/pdf"],
        }
    }
}

/// Facts of a credential of plain claims.
#[derive(Debug, Clone)]
pub struct PlainFacts {
    /// URL of the issuer; its keys stand under `/.well-known/jwt-vc-issuer`.
    pub issuer: String,
    pub issuer_name: String,
    /// URL of the type.
    pub vct: String,
    /// `id` of the credential in its other forms.
    pub credential_id: String,
    /// Seconds since 1970.
    pub issued_at: i64,
    pub valid_from: i64,
    pub valid_until: Option<i64>,
    /// URL of the token status list, and the place in it.
    pub status_list: String,
    pub status_index: u32,
    /// Claims that the holder may show: name and value, in the order of the paper.
    pub shown: Vec<(&'static str, serde_json::Value)>,
}

impl PlainFacts {
    /// The claims that always stand there.
    pub fn claims(&self) -> serde_json::Map<String, serde_json::Value> {
        let mut claims = serde_json::Map::new();
        let mut put = |name: &str, value: serde_json::Value| claims.insert(name.to_owned(), value);
        put("iss", self.issuer.clone().into());
        put("iat", self.issued_at.into());
        put("nbf", self.valid_from.into());
        if let Some(until) = self.valid_until {
            put("exp", until.into());
        }
        put("vct", self.vct.clone().into());
        put("id", self.credential_id.clone().into());
        put("issuer_name", self.issuer_name.clone().into());
        put("status", serde_json::json!({ "status_list": { "idx": self.status_index, "uri": self.status_list } }));
        claims
    }

    /// The claims with salts that `salt` gives to each name.
    pub fn disclosable(&self, salt: impl Fn(&str) -> String) -> Vec<sd_jwt::Disclosable> {
        self.shown.iter().map(|(name, value)| sd_jwt::Disclosable { name, value: value.clone(), salt: salt(name) }).collect()
    }
}
