//! Credentials in other forms than the one that was signed at the issue: made when somebody asks, of what the log committed to.
//!
//! Every form is made with the body's current key. But for paper, which carries the newest proof, nothing in it depends on when it was
//! asked for, so that every node makes the same bytes; what was made is kept for a while.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use super::issuing::IssuedCertificate;
use super::keys::PURPOSE_CREDENTIALS;
use super::signing::version_place;
use crate::clock::from_micros;
use crate::credential::baked::{self, Picture};
use crate::credential::conformance::{self, CheckedDocument};
use crate::credential::form::{CredentialForm, PlainFacts};
use crate::credential::jws::{self, CompactJws};
use crate::credential::keys::IssuingKey;
use crate::credential::{badge_jwt, data_integrity, sd_jwt, strict_json, type_metadata};
use crate::domain::access::{Actor, SignedInWorker};
use crate::domain::assessment::Score;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::document::{IdDocumentType, mask_number};
use crate::domain::id::{CertificateId, OrganisationId};
use crate::domain::verification::Outcome;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// How many forms a node keeps.
const KEPT: usize = 2_000;

/// Certificate, version, form, the key that signed it, and, of a paper, how the certificate stood.
type FormKey = (String, i32, CredentialForm, String, Option<Outcome>);

/// Forms that were asked for a while ago.
pub struct Forms(quick_cache::sync::Cache<FormKey, Arc<Vec<u8>>>);

impl Forms {
    /// Called when signatures that counted may count no more.
    pub(super) fn forget_all(&self) {
        self.0.clear();
    }
}

impl Default for Forms {
    fn default() -> Self {
        Forms(quick_cache::sync::Cache::new(KEPT))
    }
}

/// What was signed at the issue, found in the log.
pub(super) struct SignedPayload {
    pub text: String,
    pub document: CheckedDocument,
    pub value: Value,
}

impl Registry {
    /// A version of a certificate that the actor may read, in a form.
    ///
    /// # Errors
    /// `NotFound` also when the log does not have it: it was never issued.
    pub async fn get_form(&self, actor: &Actor, name: &CertificateName, version: Option<i32>, form: CredentialForm) -> Result<Arc<Vec<u8>>, Error> {
        let issued = self.get_certificate(actor, name, version).await?;
        self.form_of(&issued, form).await
    }

    /// One of the worker's own certificates in a form.
    pub async fn get_own_form(&self, own: &SignedInWorker, id: &CertificateId, form: CredentialForm) -> Result<Arc<Vec<u8>>, Error> {
        let issued = self.get_own_certificate(own, id).await?;
        self.form_of(&issued, form).await
    }

    /// A certificate in a form.
    pub(super) async fn form_of(&self, issued: &IssuedCertificate, form: CredentialForm) -> Result<Arc<Vec<u8>>, Error> {
        let (row, version, _) = &issued.standing;
        let issuer: OrganisationId = super::stored(&row.issuer_id)?;
        let key = self.current_key(&self.organisation_did(&issuer), PURPOSE_CREDENTIALS).await?;
        let kept_as = (row.id.clone(), version.version, form, key.public.key_id.clone(), (form == CredentialForm::Pdf).then_some(issued.outcome));
        if let Some(kept) = self.forms.0.get(&kept_as) {
            return Ok(kept);
        }
        let signed = self.signed_payload(issued).await?.ok_or(Error::NotFound)?;
        let mut bytes = match form {
            // Byte for byte what was signed; only where its key was stolen, the same document under the key that is in force.
            CredentialForm::VcJwt if self.known_key(&version.key_id).is_some_and(|key| key.revoked_at.is_some()) => {
                jws::sign_credential(&key, &signed.document)?.into_bytes()
            }
            CredentialForm::VcJwt => signed.text.into_bytes(),
            CredentialForm::DataIntegrity => self.with_proofs(&key, &signed, version.issued_at)?.to_string().into_bytes(),
            CredentialForm::BadgeJwt => self.badge_jwt(&key, &signed, &row.id)?.into_bytes(),
            CredentialForm::SdJwt => self.plain_credential(issued, &signed, &key, None)?.into_bytes(),
            CredentialForm::Pdf => self.paper_of(issued, &signed, Arc::clone(&key), None).await?,
            CredentialForm::BadgeSvg | CredentialForm::BadgePng => self.picture(issued, &self.with_proofs(&key, &signed, version.issued_at)?.to_string(), form)?,
        };
        // It is kept: what it was made in may be twice as large.
        bytes.shrink_to_fit();
        let bytes = Arc::new(bytes);
        self.forms.0.insert(kept_as, Arc::clone(&bytes));
        Ok(bytes)
    }

    /// The document of a version as it was signed; None for a row that the log does not have, or had only when its key was stolen.
    pub(super) async fn signed_payload(&self, issued: &IssuedCertificate) -> Result<Option<SignedPayload>, Error> {
        let version = &issued.standing.1;
        let text = self.open_credential(version)?;
        // What only a stolen key has signed is not secured again by a clean one.
        if self.find_logged(version, text.as_bytes()).await?.is_none_or(|logged| self.is_doubtful(&version.key_id, logged)) {
            return Ok(None);
        }
        let stored = |fault: String| Error::Internal(format!("the document of {}: {fault}", version.certificate_id));
        let jws = CompactJws::parse(&text).map_err(|fault| stored(fault.to_string()))?;
        let value = strict_json::parse(&jws.payload).map_err(|fault| stored(fault.to_string()))?;
        let document = conformance::check(&value).map_err(|breaches| stored(format!("{breaches:?}")))?;
        Ok(Some(SignedPayload { text, document, value }))
    }

    /// The document with its set of proofs. They are dated like the issue, or like the key where that is younger.
    pub(super) fn with_proofs(&self, key: &IssuingKey, signed: &SignedPayload, issued_at: i64) -> Result<Value, Error> {
        let made_at = self.known_key(&key.public.key_id).map_or(DateTime::<Utc>::MIN_UTC, |known| known.created_at);
        let created = from_micros(issued_at).max(made_at);
        Ok(data_integrity::secure(key, &signed.document, created)?)
    }

    fn badge_jwt(&self, key: &IssuingKey, signed: &SignedPayload, certificate: &str) -> Result<String, Error> {
        // A name of the holder that stands in no other credential, so that two badges of one person are not tied together.
        let hash = self.vault.blind_index("badge subject", certificate);
        let bytes: [u8; 16] = hash[..16].try_into().expect("sixteen bytes of thirty-two");
        let subject = format!("urn:uuid:{}", uuid::Builder::from_custom_bytes(bytes).into_uuid().hyphenated());
        let document = signed.value.as_object().expect("a checked document is an object");
        badge_jwt::sign(key, &self.key_url(&key.public.key_id), document, &subject)?.ok_or_else(|| Error::Internal("a stored credential has no dates".to_owned()))
    }

    /// Where a key stands as a JWK of its own.
    pub(super) fn key_url(&self, key_id: &str) -> String {
        let (_, thumbprint) = key_id.split_once('#').unwrap_or(("", key_id));
        format!("{}/keys/{thumbprint}", self.config.public_url)
    }

    /// The credential of plain claims, bound to the holder's key where there is one.
    pub(super) fn plain_credential(&self, issued: &IssuedCertificate, signed: &SignedPayload, key: &IssuingKey, holder_key: Option<Value>) -> Result<String, Error> {
        let facts = self.plain_facts(issued, &signed.value)?;
        let place = version_place(&issued.standing.1.certificate_id, issued.standing.1.version);
        // Secret, and the same whenever it is asked for.
        let disclosable = facts.disclosable(|name| URL_SAFE_NO_PAD.encode(&self.vault.blind_index("sd-jwt salt", &format!("{place}/{name}"))[..16]));
        let mut claims = facts.claims();
        if let Some(jwk) = holder_key {
            claims.insert("cnf".to_owned(), json!({ "jwk": jwk }));
        }
        Ok(sd_jwt::issue(key, claims, &disclosable)?)
    }

    /// What a certificate says in plain claims.
    pub(super) fn plain_facts(&self, issued: &IssuedCertificate, document: &Value) -> Result<PlainFacts, Error> {
        let (row, version, _) = &issued.standing;
        let (facts, holder, url) = (&issued.facts, &issued.holder, &self.config.public_url);
        let kind: CertificateKind = super::stored(&row.kind)?;
        let document_type: IdDocumentType = super::stored(&holder.document_type)?;
        let seconds = |member: &str| document[member].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.timestamp());
        let score = |tenths: Option<i32>| tenths.and_then(Score::from_tenths).map(|score| json!(score.to_string()));
        let text = |value: &Option<String>| value.as_ref().map(|text| json!(text));
        let day = |day: Option<chrono::NaiveDate>| day.map(|day| json!(day));
        let is_assessed = facts.held_on.is_some();
        let (edition, code) = facts.occupation.as_deref().and_then(|text| text.split_once('/')).unzip();
        let shown = [
            ("name", Some(json!(holder.name))),
            ("document_type", Some(json!(document_type.name_zh()))),
            ("document_number", Some(json!(mask_number(&holder.document_number)))),
            ("certificate_number", Some(json!(facts.certificate_number))),
            ("occupation_edition", edition.map(|edition| json!(edition))),
            ("occupation_code", code.map(|code| json!(code))),
            ("occupation_name", text(&facts.occupation_name)),
            ("job_type", text(&facts.job_type)),
            ("level", text(&facts.level)),
            ("ability", text(&facts.ability)),
            ("project", text(&facts.project)),
            ("category", text(&facts.category)),
            ("item", text(&facts.item)),
            ("held_on", day(facts.held_on)),
            ("theory_score", score(facts.theory).filter(|_| is_assessed)),
            ("practical_score", score(facts.practical).filter(|_| is_assessed)),
            ("comprehensive_score", score(facts.comprehensive).filter(|_| is_assessed)),
            ("issued_on", Some(json!(version.issued_on))),
            ("valid_to", day(version.valid_to)),
            ("review_due_on", day(version.review_due_on)),
        ];
        Ok(PlainFacts {
            issuer: format!("{url}/organisations/{}", row.issuer_id),
            // As it was when the certificate was issued.
            issuer_name: document["issuer"]["name"].as_str().unwrap_or_default().to_owned(),
            vct: type_metadata::vct(url, kind),
            credential_id: version.credential_id.clone(),
            issued_at: from_micros(version.issued_at).timestamp(),
            valid_from: seconds("validFrom").unwrap_or_default(),
            valid_until: seconds("validUntil"),
            status_list: format!("{url}/status/token/{}", version.status_list),
            status_index: u32::try_from(version.status_index).map_err(|_| Error::Internal("a status index is negative".to_owned()))?,
            shown: shown.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))).collect(),
        })
    }

    fn picture(&self, issued: &IssuedCertificate, credential: &str, form: CredentialForm) -> Result<Vec<u8>, Error> {
        let (row, version, _) = &issued.standing;
        let (kind, facts): (CertificateKind, _) = (super::stored(&row.kind)?, &issued.facts);
        let url = format!("{}/v/{}", self.config.public_url, row.token);
        if form == CredentialForm::BadgePng {
            return Ok(baked::png(&url, credential));
        }
        let level: Option<crate::domain::level::SkillLevel> = facts.level.as_deref().map(super::stored).transpose()?;
        let named = [&facts.occupation_name, &facts.ability, &facts.project, &facts.item].into_iter().flatten().next().cloned().unwrap_or_default();
        let title = level.map_or(named.clone(), |level| format!("{named} {}", level.name_zh()));
        let picture = Picture {
            kind: kind.name_zh(),
            title: &title,
            holder: &issued.holder.name,
            number: &facts.certificate_number,
            issuer: &issued.issuer_name,
            issued_on: version.issued_on.to_string(),
            url: &url,
        };
        Ok(baked::svg(&picture, credential).into_bytes())
    }
}
