//! From a decision to a certificate that is ready to be written, and its write.

use super::Registry;
use super::error::Error;
use super::intent::KeptAnswer;
use super::issuing::{Decision, Holder, IssueOrder, IssuedCertificate};
use super::numbering::Numbered;
use super::signing::{Reserved, VersionContent, preferred_document};
use crate::domain::certificate::CertificateState;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{CertificateId, OrganisationId};
use crate::entropy::Entropy;
use crate::store::certificates::{self as store, CertificateRow, CertificateStateRow, CertificateVersionRow, Standing};
use crate::store::error::StoreError;
use crate::store::facts::IssuedFact;
use crate::store::log::Fact;
use crate::store::writer::Tx;
use std::collections::BTreeMap;

/// What is taken for one certificate before it is composed; given away unused it stays a gap (IS-5).
pub(super) struct Taken {
    id: CertificateId,
    number: Numbered,
    reserved: Reserved,
}

impl Registry {
    /// Takes identifier, number, status entry and key for what was decided: in the order of a list, which its certificates keep.
    pub(super) async fn take_for(&self, order: &IssueOrder, decision: &Decision) -> Result<Taken, Error> {
        let number = self.take_number(order, &decision.subject, &decision.body.filings[decision.filing], &decision.gathered.worker).await?;
        Ok(Taken { id: self.new_id(CertificateId::new), number, reserved: self.reserve_signing(&decision.body.organisation).await? })
    }

    /// Composes and signs what was decided. Works without waiting, so that many can be composed at once.
    pub(super) fn compose(&self, by: &str, order: &IssueOrder, decision: Decision, cured: Option<&Standing>, taken: Taken) -> Result<(IssuedCertificate, Fact), Error> {
        let Decision { body, gathered, mut subject, filing, warnings } = decision;
        let (worker, filing, Taken { id, number, reserved }) = (&gathered.worker, &body.filings[filing], taken);
        let now = self.now_micros();
        subject.facts.certificate_number = number.printed;
        let document = preferred_document(worker);
        let cure_ordinal = cured.map_or(0, |(row, ..)| row.cure_ordinal + 1);
        let business_key = self.business_key(&body.organisation, order, cure_ordinal);
        let row = CertificateRow {
            id: id.to_string(),
            number_key: number.key,
            // A worker's permits share one number; each item, renewal and cure is a certificate of its own.
            permit_scope: if subject.kind == CertificateKind::SpecialOperation { business_key.clone() } else { String::new() },
            kind: subject.kind.as_str().to_owned(),
            issuer_id: body.organisation.to_string(),
            worker_id: worker.id.to_string(),
            session_id: subject.session.as_ref().map(ToString::to_string),
            cures: cured.map(|(row, ..)| row.id.clone()),
            cure_ordinal,
            business_key,
            token: self.entropy.token(self.clock.now().timestamp()),
            filing_id: filing.filing.to_string(),
            filing_version: filing.version,
            registered_at: now,
            registered_by: by.to_owned(),
        };
        let holder = Holder { name: worker.name.as_str().to_owned(), document_type: document.document.kind().as_str().to_owned(), document_number: document.document.number().to_owned() };
        let content = VersionContent {
            number: 1,
            holder: holder.clone(),
            holder_document: document.id.to_string(),
            facts: subject.facts.clone(),
            issued_on: order.issued_on.unwrap_or_else(|| self.clock.today()),
            valid_to: subject.valid_to,
            review_due_on: subject.review_due_on,
            form_serial: order.form_serial.clone(),
            reason: None,
            decision_document: None,
            lineage: cured.map(|(row, ..)| format!("补正被撤销的证书 {} / cures the revoked certificate {}", row.id, row.id)),
        };
        let (version, signed) = self.sign_version(&row, &body.name, content, by, &reserved)?;
        let state = CertificateStateRow { certificate_id: row.id.clone(), version: 1, state: CertificateState::Issued.as_str().to_owned(), reviewed_on: None, changed_at: now };
        let standing = (row, version, state);
        let outcome = self.outcome_today(&standing)?;
        Ok((IssuedCertificate { standing, holder, facts: subject.facts, issuer_name: body.name.clone(), outcome, warnings, is_new: true }, signed))
    }
}

/// The write of one certificate: it stands if body, filing, candidates, scores and notice are still those that were decided on.
pub(super) struct IssuedInsert {
    standing: Standing,
    /// Of the body and of the session.
    stamps: (i64, i64),
    facts: [Fact; 2],
    kept: Option<KeptAnswer>,
}

impl IssuedInsert {
    /// The facts are written out and committed to here, on the caller's thread: the writer's time is everybody's.
    pub(super) fn new(standing: Standing, issuer: &OrganisationId, stamps: (i64, i64), signed: Fact, kept: Option<KeptAnswer>, entropy: &Entropy) -> Result<Self, StoreError> {
        let (row, version, _) = &standing;
        let facts = [Fact::of(Some(issuer), &IssuedFact(row, version))?, signed].map(|fact| fact.committed(entropy.bytes()));
        Ok(IssuedInsert { standing, stamps, facts, kept })
    }

    pub(super) fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if let Some(kept) = &self.kept {
            kept.keep(tx)?;
        }
        let (row, version, state) = &self.standing;
        tx.expect_stamp(&row.issuer_id, self.stamps.0)?;
        if let Some(session) = &row.session_id {
            tx.expect_stamp(session, self.stamps.1)?;
        }
        store::insert_certificate(tx.conn, row, version, state)?;
        self.facts.iter().for_each(|fact| tx.record(fact.clone()));
        Ok(())
    }
}

/// The write of many certificates: all stand, or none does.
#[derive(Default)]
pub(super) struct IssuedMany {
    rows: Vec<CertificateRow>,
    versions: Vec<CertificateVersionRow>,
    states: Vec<CertificateStateRow>,
    /// What each was decided on, once.
    stamps: BTreeMap<String, i64>,
    facts: Vec<Fact>,
}

impl IssuedMany {
    pub(super) fn new(inserts: Vec<IssuedInsert>) -> Self {
        let mut many = IssuedMany::default();
        for IssuedInsert { standing: (row, version, state), stamps, facts, .. } in inserts {
            many.stamps.insert(row.issuer_id.clone(), stamps.0);
            many.stamps.extend(row.session_id.clone().map(|session| (session, stamps.1)));
            many.rows.push(row);
            many.versions.push(version);
            many.states.push(state);
            many.facts.extend(facts);
        }
        many
    }

    /// Something else that the decisions rest on, by its stamp.
    pub(super) fn rest_on(&mut self, of: String, stamp: i64) {
        self.stamps.insert(of, stamp);
    }

    pub(super) fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for (of, expected) in &self.stamps {
            tx.expect_stamp(of, *expected)?;
        }
        store::insert_certificates(tx.conn, &self.rows, &self.versions, &self.states)?;
        self.facts.iter().for_each(|fact| tx.record(fact.clone()));
        Ok(())
    }
}
