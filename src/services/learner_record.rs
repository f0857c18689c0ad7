//! A worker's record as a Comprehensive Learner Record, signed by the registry, each certificate inside by its issuer.

use super::Registry;
use super::error::Error;
use super::history::History;
use super::issuing::IssuedCertificate;
use super::keys::PURPOSE_CREDENTIALS;
use super::signing::preferred_document;
use crate::credential::conformance;
use crate::credential::jws;
use crate::credential::learner_record::{CompetitionPlace, CompletedClass, RecordFacts};
use crate::domain::competition::CompetitionLevel;
use crate::domain::id::OrganisationId;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::records::RecordRow;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

impl Registry {
    /// Composes and signs a learner record.
    ///
    /// # Errors
    /// `Refused` when the worker has no certificate: a record needs at least one (CLR 2.0, ClrSubject).
    pub(super) async fn sign_history(&self, history: History) -> Result<Vec<u8>, Error> {
        let mut credentials = Vec::with_capacity(history.certificates.len());
        for (certificate, _) in &history.certificates {
            credentials.extend(self.secure_again(certificate).await?);
        }
        if credentials.is_empty() {
            let detail = Text::new("a learner record (CLR 2.0) holds at least one certificate, and there is none yet; take the history in another form", "学习者档案（CLR 2.0）至少应含一份证书，目前没有；请选择其他格式");
            return Err(Error::Refused(vec![Violation::deny("FORM", detail)]));
        }
        let now = self.clock.now();
        let facts = RecordFacts {
            uuid: self.entropy.ordered_uuid(now.timestamp_millis()),
            public_url: self.config.public_url.clone(),
            registry_did: self.registry_did().to_owned(),
            holder_name: history.worker.name.as_str().to_owned(),
            holder_document_masked: super::workers::masked(preferred_document(&history.worker)),
            made_at: now,
            classes: completed_classes(&history),
            places: competition_places(&history)?,
            is_partial: credentials.len() < history.certificates.len(),
            credentials,
        };
        let checked = conformance::check_learner_record(&facts.compose()).map_err(|breaches| Error::Internal(format!("a composed record breaks rules: {breaches:?}")))?;
        let key = self.current_key(self.registry_did(), PURPOSE_CREDENTIALS).await?;
        Ok(jws::sign_credential(&key, &checked)?.into_bytes())
    }

    /// The very document that was issued, with embedded proofs of its issuer in place of the JWS around it. None for a row that the
    /// log does not have: it was never issued.
    async fn secure_again(&self, certificate: &IssuedCertificate) -> Result<Option<Value>, Error> {
        let Some(signed) = self.signed_payload(certificate).await? else { return Ok(None) };
        let issuer: OrganisationId = super::stored(&certificate.standing.0.issuer_id)?;
        let key = self.current_key(&self.organisation_did(&issuer), PURPOSE_CREDENTIALS).await?;
        self.with_proofs(&key, &signed, certificate.standing.1.issued_at).map(Some)
    }
}

/// Classes that were completed and not declared false, with the credits that they gave.
fn completed_classes(history: &History) -> Vec<CompletedClass> {
    let reversed: HashSet<&String> = history.entries.iter().filter_map(|row| if let RecordRow::Credits(entry) = row { entry.reverses.as_ref() } else { None }).collect();
    let mut credits: HashMap<String, i32> = HashMap::new();
    for row in &history.entries {
        if let RecordRow::Credits(entry) = row
            && entry.source == "class"
            && !reversed.contains(&entry.id)
            && let Some(class) = entry.achievement_key.split('/').nth(1).filter(|_| entry.achievement_key.starts_with("class/"))
        {
            *credits.entry(class.to_owned()).or_default() += entry.tenths;
        }
    }
    let completed = history.entries.iter().filter_map(|row| match row {
        RecordRow::ClassResult(result, class, false) if result.completed => Some((result, class)),
        _ => None,
    });
    completed
        .map(|(result, class)| CompletedClass {
            class_id: class.id.clone(),
            name: class.name.clone(),
            provider_name: history.organisations.get(&class.organisation_id).cloned().unwrap_or_default(),
            credited_hours: result.credited_hours,
            credit_tenths: credits.get(&class.id).copied().unwrap_or(0),
        })
        .collect()
}

/// Places in competitions that were not taken back.
fn competition_places(history: &History) -> Result<Vec<CompetitionPlace>, Error> {
    let standing = history.entries.iter().filter_map(|row| match row {
        RecordRow::Competition(result, false) => Some(result),
        _ => None,
    });
    standing
        .map(|result| {
            let level: CompetitionLevel = super::stored(&result.competition_level)?;
            Ok(CompetitionPlace { result_id: result.id.clone(), name: format!("{} {}", result.competition, result.event), level_zh: level.name_zh(), place: result.place })
        })
        .collect()
}
