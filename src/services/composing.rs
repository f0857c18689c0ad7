//! From a decision to a certificate that is ready to be written, and its write.

use super::Registry;
use super::error::Error;
use super::intent::KeptAnswer;
use super::issuing::{Holder, IssueOrder, IssuedCertificate, Subject};
use super::numbering::Numbered;
use super::organisations::Body;
use super::signing::{VersionContent, preferred_document};
use super::workers::Worker;
use crate::domain::certificate::CertificateState;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::filing::FilingVersion;
use crate::domain::id::{CertificateId, OrganisationId};
use crate::domain::rule::Violation;
use crate::store::certificates::{self as store, CertificateRow, CertificateStateRow, Standing};
use crate::store::error::StoreError;
use crate::store::facts::IssuedFact;
use crate::store::log::Fact;
use crate::store::writer::Tx;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

impl Registry {
    #[expect(clippy::too_many_arguments, reason = "everything that was decided meets here once")]
    pub(super) async fn compose(
        &self,
        body: &Body,
        by: &str,
        order: &IssueOrder,
        mut subject: Subject,
        worker: &Worker,
        filing: &FilingVersion,
        number: Numbered,
        cured: Option<&Standing>,
        warnings: Vec<Violation>,
    ) -> Result<(IssuedCertificate, Fact), Error> {
        let now = self.now_micros();
        let id = self.new_id(CertificateId::new);
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
            token: self.new_token(),
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
            facts: subject.facts,
            issued_on: order.issued_on.unwrap_or_else(|| self.clock.today()),
            valid_to: subject.valid_to,
            review_due_on: subject.review_due_on,
            form_serial: order.form_serial.clone(),
            reason: None,
            decision_document: None,
            lineage: cured.map(|(row, ..)| format!("补正被撤销的证书 {} / cures the revoked certificate {}", row.id, row.id)),
        };
        let (version, signed) = self.sign_version(&row, &body.name, content, by).await?;
        let state = CertificateStateRow { certificate_id: row.id.clone(), version: 1, state: CertificateState::Issued.as_str().to_owned(), reviewed_on: None, changed_at: now };
        let facts = super::stored_json(&version.facts)?;
        Ok((IssuedCertificate { standing: (row, version, state), holder, facts, issuer_name: body.name.clone(), warnings, is_new: true }, signed))
    }

    /// A token for the QR code: 14 random bytes that nobody guesses, behind 4 bytes of the time, which keep new tokens together in
    /// the index.
    fn new_token(&self) -> String {
        let seconds = u32::try_from(self.clock.now().timestamp()).unwrap_or(u32::MAX);
        URL_SAFE_NO_PAD.encode([seconds.to_be_bytes().as_slice(), &self.entropy.bytes::<14>()].concat())
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
    /// The facts are written out here, on the caller's thread: the writer's time is everybody's.
    pub(super) fn new(standing: Standing, issuer: &OrganisationId, stamps: (i64, i64), signed: Fact, kept: Option<KeptAnswer>) -> Result<Self, StoreError> {
        let (row, version, _) = &standing;
        let facts = [Fact::of(Some(issuer), &IssuedFact(row, version))?, signed];
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
