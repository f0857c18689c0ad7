//! Signing: from a certificate's facts to a signed document, sealed; and opening what was sealed.

use super::Registry;
use super::error::Error;
use super::issuing::{CertificateFacts, Holder, IssuedCertificate};
use super::keys::PURPOSE_CREDENTIALS;
use super::serials::StatusEntry;
use super::workers::{KnownDocument, Worker};
use crate::credential::conformance::{Breach, CheckedDocument, Layout, Template, check};
use crate::credential::document::{Achievement, CredentialFacts, OwnFacts, SharedFacts};
use crate::credential::jws;
use crate::credential::keys::IssuingKey;
use crate::credential::packed;
use crate::domain::assessment::Scores;
use crate::domain::id::OrganisationId;
use crate::store::certificates::{CertificateRow, CertificateVersionRow, Standing};
use crate::store::log::{CREDENTIAL_SIGNED, Fact};
use crate::vault::{SealBroken, Sealed};
use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What goes into one version.
pub(super) struct VersionContent {
    pub number: i32,
    pub holder: Holder,
    pub holder_document: String,
    pub facts: CertificateFacts,
    pub issued_on: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    pub form_serial: Option<String>,
    pub reason: Option<String>,
    pub decision_document: Option<String>,
    pub lineage: Option<String>,
}

/// What a signature needs that only one certificate may have, taken beforehand.
pub(super) struct Reserved {
    entry: StatusEntry,
    key: Arc<IssuingKey>,
}

/// Templates of the documents that were signed last, by what they share.
pub struct Templates(quick_cache::sync::Cache<Layout, Option<Arc<Template>>>);

impl Default for Templates {
    fn default() -> Self {
        /// Classes and sessions whose certificates are issued at one time; a template has some four thousand bytes.
        const KEPT: usize = 1000;
        Templates(quick_cache::sync::Cache::new(KEPT))
    }
}

impl Templates {
    fn fill(&self, facts: CredentialFacts) -> Result<CheckedDocument, Vec<Breach>> {
        // What says where it comes from is the only one of its kind.
        if facts.shared.lineage.is_some() {
            return check(&facts.compose());
        }
        let layout = (facts.shared, facts.own.parts_held());
        let template = self.0.get_or_insert_with(&layout, || Template::of(&layout.0, &facts.own).map(|template| template.map(Arc::new)))?;
        match template {
            Some(template) => template.fill(&facts.own),
            None => check(&CredentialFacts { shared: layout.0, own: facts.own }.compose()),
        }
    }
}

/// Where a version's sealed parts belong.
pub(super) fn version_place(certificate: &str, version: i32) -> String {
    format!("{certificate}/{version}")
}

impl Registry {
    /// The body's key and an entry of the status lists, ready for a signature.
    pub(super) async fn reserve_signing(&self, issuer: &OrganisationId) -> Result<Reserved, Error> {
        let entry = self.next_status_entry().await?;
        let key = self.current_key(&self.organisation_did(issuer), PURPOSE_CREDENTIALS).await?;
        Ok(Reserved { entry, key })
    }

    /// Composes, checks and signs one version: the only way to a signed document. The log commits to the document itself, so that
    /// whoever holds it can prove with salt and path that it was issued. Works without waiting, so that many can be signed at once.
    pub(super) fn sign_version(&self, row: &CertificateRow, issuer_name: &str, content: VersionContent, by: &str, reserved: &Reserved) -> Result<(CertificateVersionRow, Fact), Error> {
        let Reserved { entry, key } = reserved;
        let issuer: OrganisationId = super::stored(&row.issuer_id)?;
        let did = self.organisation_did(&issuer);
        let now = self.clock.now();
        let facts = &content.facts;
        let score = |tenths: Option<i32>| tenths.and_then(crate::domain::assessment::Score::from_tenths);
        let document_type: crate::domain::document::IdDocumentType = super::stored(&content.holder.document_type)?;
        let shared = SharedFacts {
            public_url: self.config.public_url.clone(),
            issuer_did: did,
            issuer_name: issuer_name.to_owned(),
            holder_document_name: document_type.name_zh().to_owned(),
            kind: super::stored(&row.kind)?,
            achievement: achievement_of(facts)?,
            pass_score_tenths_min: self.config.rules.pass_score_tenths_min,
            held_on: facts.held_on,
            issued_on: content.issued_on,
            valid_to: content.valid_to,
            review_due_on: content.review_due_on,
            lineage: content.lineage,
            status_list: entry.list,
        };
        let own = OwnFacts {
            uuid: self.entropy.ordered_uuid(now.timestamp_millis()),
            holder_name: content.holder.name.clone(),
            holder_document_masked: crate::domain::document::mask_number(&content.holder.document_number),
            certificate_number: facts.certificate_number.clone(),
            scores: facts.held_on.map_or_else(Scores::default, |_| Scores { theory: score(facts.theory), practical: score(facts.practical), comprehensive: score(facts.comprehensive) }),
            issued_at: now,
            status_index: entry.index,
        };
        let credential_id = format!("urn:uuid:{}", own.uuid);
        let checked = self.templates.fill(CredentialFacts { shared, own }).map_err(|breaches| Error::Internal(format!("a composed document breaks rules: {breaches:?}")))?;
        let document = jws::sign_credential(key, &checked)?;
        let place = version_place(&row.id, content.number);
        let holder = serde_json::to_vec(&content.holder).map_err(|error| Error::Internal(error.to_string()))?;
        let fact = Fact::of_bytes(CREDENTIAL_SIGNED, Some(&issuer), &place, document.as_bytes().to_vec());
        let version = CertificateVersionRow {
            certificate_id: row.id.clone(),
            version: content.number,
            credential_id,
            key_id: key.public.key_id.clone(),
            document_digest: hex::encode(Sha256::digest(&document)),
            sealed_document: self.vault.seal(Sealed::Document, &place, &packed::pack(&document), &self.entropy),
            sealed_holder: self.vault.seal(Sealed::Holder, &place, &holder, &self.entropy),
            holder_document_id: content.holder_document,
            facts: serde_json::to_string(&content.facts).map_err(|error| Error::Internal(error.to_string()))?,
            issued_on: content.issued_on,
            valid_to: content.valid_to,
            review_due_on: content.review_due_on,
            form_serial: content.form_serial,
            status_list: entry.list,
            status_position: i32::try_from(entry.position).unwrap_or(i32::MAX),
            status_index: i32::try_from(entry.index).unwrap_or(i32::MAX),
            reason: content.reason,
            decision_document: content.decision_document,
            issued_at: now.timestamp_micros(),
            issued_by: by.to_owned(),
        };
        Ok((version, fact))
    }

    /// The credential of a version as it was signed.
    pub(super) fn open_credential(&self, version: &CertificateVersionRow) -> Result<String, SealBroken> {
        let opened = self.vault.open(Sealed::Document, &version_place(&version.certificate_id, version.version), &version.sealed_document)?;
        packed::unpack(opened).ok_or(SealBroken)
    }

    /// Opens what is sealed of a standing certificate.
    pub(super) fn open_issued(&self, standing: Standing, issuer_name: String) -> Result<IssuedCertificate, Error> {
        let place = version_place(&standing.0.id, standing.1.version);
        let holder = self.vault.open_text(Sealed::Holder, &place, &standing.1.sealed_holder)?;
        let outcome = self.outcome_today(&standing)?;
        Ok(IssuedCertificate { holder: super::stored_json(&holder)?, facts: super::stored_json(&standing.1.facts)?, issuer_name, outcome, warnings: Vec::new(), is_new: false, standing })
    }
}

fn achievement_of(facts: &CertificateFacts) -> Result<Achievement, Error> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    if let (Some(occupation), Some(level)) = (&facts.occupation, &facts.level) {
        return Ok(Achievement::Level {
            occupation: super::stored(occupation)?,
            occupation_name: text(&facts.occupation_name),
            job_type: facts.job_type.clone(),
            level: super::stored(level)?,
        });
    }
    if facts.ability.is_some() {
        return Ok(Achievement::Ability { name: text(&facts.ability) });
    }
    if facts.project.is_some() {
        return Ok(Achievement::Completion { project: text(&facts.project), taught_minutes: facts.taught_minutes });
    }
    Ok(Achievement::Permit { category: text(&facts.category), item: text(&facts.item) })
}

/// The document that is printed: the newest with a resident identity number, otherwise the newest; older ones may be mistyped.
pub(super) fn preferred_document(worker: &Worker) -> &KnownDocument {
    worker.documents.iter().rev().find(|known| known.document.resident().is_some()).or_else(|| worker.documents.last()).expect("a worker has at least one document")
}
