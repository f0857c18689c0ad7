//! Corrections (IS-6): a new version of the same certificate with the same number; the old version stays readable with the reason.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::{Holder, IssuedCertificate};
use super::signing::VersionContent;
use super::status::{changed_meanwhile, set_status_bits};
use super::workers::{add_documents, is_document_conflict};
use crate::domain::access::{Act, Actor, CHANGE_CERTIFICATE, Role, holds_any};
use crate::domain::certificate::CertificateState;
use crate::domain::document::IdentityDocument;
use crate::domain::id::OrganisationId;
use crate::domain::issue::issuer_findings;
use crate::domain::person_name::PersonName;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::certificates as store;
use crate::store::error::StoreError;
use crate::store::log::Fact;
use crate::store::workers as worker_store;

/// What is put right. At least one member is given.
#[derive(Debug, Clone)]
pub struct CorrectionOrder {
    pub name: Option<PersonName>,
    pub document: Option<IdentityDocument>,
    /// Serial of a new paper form after a loss; the number stays.
    pub form_serial: Option<String>,
    pub reason: String,
    pub decision_document: Option<String>,
    /// Members that no correction may touch, as named in the request.
    pub forbidden: Vec<&'static str>,
}

impl Registry {
    /// Corrects a certificate. Name and document number of the worker's record are corrected with it.
    pub async fn correct_certificate(&self, actor: &Actor, name: &CertificateName, order: CorrectionOrder, intent: &Intent<IssuedCertificate>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let standing = self.find_standing(name).await?;
        let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        check_correction(&order, &standing.2.state)?;
        let body = self.get_body(&issuer).await?;
        // The authority may still put right what a body that is out has left.
        if let Some(finding) = issuer_findings(body.state).filter(|_| actor.role == Role::AssessmentBody) {
            return Err(Error::Refused(vec![finding]));
        }
        if let Some(document) = &order.document {
            self.check_documents(std::slice::from_ref(document))?;
        }
        let worker = self.load_worker(&super::stored(&standing.0.worker_id)?).await?;
        let before = self.open_issued(standing.clone(), body.name.clone())?;
        let by = actor.client.to_string();

        let new_name = order.name.clone().filter(|name| name != &worker.name);
        let name_row = new_name.as_ref().map(|name| self.name_row(&worker.id, worker.name_version + 1, name, Some(order.reason.clone()), &by));
        let is_known = |document: &IdentityDocument| worker.documents.iter().any(|known| &known.document == document);
        let added = order.document.as_ref().filter(|document| !is_known(document)).map(|document| self.document_row(&worker.id, document, &by));
        let holder_document = match (&order.document, &added) {
            (_, Some((known, _))) => known.id.to_string(),
            (Some(document), None) => worker.documents.iter().find(|known| &known.document == document).map_or_else(|| standing.1.holder_document_id.clone(), |known| known.id.to_string()),
            (None, None) => standing.1.holder_document_id.clone(),
        };
        let holder = Holder {
            name: order.name.as_ref().map_or(before.holder.name, |name| name.as_str().to_owned()),
            document_type: order.document.as_ref().map_or(before.holder.document_type, |document| document.kind().as_str().to_owned()),
            document_number: order.document.as_ref().map_or(before.holder.document_number, |document| document.number().to_owned()),
        };
        let content = VersionContent {
            number: standing.1.version + 1,
            holder: holder.clone(),
            holder_document,
            facts: before.facts.clone(),
            issued_on: standing.1.issued_on,
            valid_to: standing.1.valid_to,
            review_due_on: standing.1.review_due_on,
            form_serial: order.form_serial.clone().or_else(|| standing.1.form_serial.clone()),
            reason: Some(order.reason.clone()),
            decision_document: order.decision_document.clone(),
            lineage: Some(format!("更正：替代第 {} 版 / correction: replaces version {}, {}", standing.1.version, standing.1.version, standing.1.credential_id)),
        };
        let (version, signed) = self.sign_version(&standing.0, &body.name, content, &by, &self.reserve_signing(&issuer).await?)?;
        let mut state = standing.2.clone();
        (state.version, state.changed_at) = (version.version, version.issued_at);
        let corrected = (standing.0.clone(), version.clone(), state);
        let outcome = self.outcome_today(&corrected)?;
        let corrected = IssuedCertificate { standing: corrected, holder, facts: before.facts, issuer_name: body.name.clone(), outcome, warnings: Vec::new(), is_new: true };
        let (answer, kept) = self.answer(intent, &corrected);
        let document_rows: Vec<_> = added.into_iter().map(|(_, row)| row).collect();
        let is_suspended = standing.2.state == CertificateState::Suspended.as_str();
        let written = self
            .store
            .write(move |tx| {
                kept.keep(tx)?;
                if let Some(row) = &name_row {
                    worker_store::insert_name(tx.conn, row)?;
                    tx.record(Fact::of(Some(&issuer), row)?);
                }
                add_documents(tx, &document_rows)?;
                store::insert_version(tx.conn, &version, &standing.2)?;
                // The old document is superseded: its own entry says so to everybody who checks it offline.
                set_status_bits(tx, [&standing.1], true, false, version.issued_at)?;
                set_status_bits(tx, [&version], false, is_suspended, version.issued_at)?;
                tx.record(Fact::of(Some(&issuer), &version)?);
                tx.record(signed.clone());
                Ok(())
            })
            .await;
        if matches!(written, Err(StoreError::Stale)) {
            // A new key may have taken over; whoever asks again signs with it.
            self.refresh_keys().await?;
        }
        written.map_err(|error| {
            if is_document_conflict(&error) {
                return Error::Conflict(Text::new("the document belongs to another worker", "该证件已属于另一名劳动者"));
            }
            changed_meanwhile(error)
        })?;
        self.standings.forget_all();
        Ok(answer)
    }
}

fn check_correction(order: &CorrectionOrder, state: &str) -> Result<(), Error> {
    let mut findings: Vec<Violation> = order
        .forbidden
        .iter()
        .map(|field| {
            let detail = Text::new(format!("{field} is never corrected; revoke the certificate and issue a new one"), format!("{field} 不属于更正；应撤销后重新发证"));
            Violation::deny("IS-6", detail).at(*field)
        })
        .collect();
    if !["issued", "suspended"].contains(&state) {
        findings.push(Violation::deny("IS-7", Text::new(format!("a {state} certificate is not corrected"), format!("状态为 {state} 的证书不能更正"))).fact("state", state));
    }
    if order.name.is_some() && order.document.is_some() {
        let detail = Text::new("name and document together are another person, not a slip of the pen; correct one at a time", "姓名与证件同时变更不属于笔误，应逐项更正");
        findings.push(Violation::deny("IS-6", detail).at("document"));
    }
    if !findings.is_empty() {
        return Err(Error::Refused(findings));
    }
    if order.name.is_none() && order.document.is_none() && order.form_serial.is_none() {
        return Err(Error::invalid("name", Text::new("nothing to correct found; name, document or form_serial expected", "没有更正内容；应给出 name、document 或 form_serial")));
    }
    Ok(())
}
