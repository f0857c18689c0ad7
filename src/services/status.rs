//! What is done to an issued certificate: suspended, resumed, revoked, cancelled, withdrawn; and a permit's review.
//!
//! The change, the state that follows from it and the bits of the status lists are one transaction.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::IssuedCertificate;
use crate::credential::status_list;
use crate::domain::access::{Act, Actor, CHANGE_CERTIFICATE, holds_any};
use crate::domain::certificate::{CertificateState, StatusChange};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::OrganisationId;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::certificates::{self as store, CertificateVersionRow, PermitReviewRow, StatusChangeRow};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::status_lists;
use crate::store::writer::Tx;
use chrono::NaiveDate;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A change of status with its grounds.
#[derive(Debug, Clone)]
pub struct StatusOrder {
    pub change: StatusChange,
    pub reason: String,
    pub decision_document: Option<String>,
}

/// A status list as it is served.
#[derive(Debug, Clone)]
pub struct ServedStatusList {
    /// The list's credential as a compact JWS.
    pub document: String,
    pub version: i64,
}

/// Signed lists of this node, by purpose and number.
pub type SignedStatusLists = Mutex<HashMap<(String, i64), ServedStatusList>>;

/// Sets the bits of one entry in both lists. The rows stay locked until the commit, so that no other bit is lost.
pub(super) fn set_status_bits(tx: &mut Tx<'_>, version: &CertificateVersionRow, revoked: bool, suspended: bool, at: i64) -> Result<(), StoreError> {
    for (purpose, value) in [("revocation", revoked), ("suspension", suspended)] {
        let index = u32::try_from(version.status_index).map_err(|_| StoreError::Corrupt("a status index is negative".to_owned()))?;
        let mut list = status_lists::lock_list(tx.conn, version.status_list, purpose)?;
        if status_list::bit(&list.bits, index) != value {
            status_list::set_bit(&mut list.bits, index, value);
            list.changed_at = at;
            status_lists::replace_bits(tx.conn, &list)?;
        }
    }
    Ok(())
}

impl Registry {
    /// Changes the status of a certificate.
    pub async fn change_status(&self, actor: &Actor, name: &CertificateName, order: StatusOrder, intent: &Intent<IssuedCertificate>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let standing = self.find_standing(name).await?;
        let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        let body = self.get_body(&issuer).await?;
        let before: CertificateState = super::stored(&standing.2.state)?;
        let after = before.after(order.change).map_err(|violation| Error::Refused(vec![violation]))?;
        let (id, wanted) = (standing.0.id.clone(), standing.0.id.clone());
        let sequence = self.store.read(move |conn| store::list_status_changes(conn, &wanted)).await?.len() + 1;
        let now = self.now_micros().max(standing.2.changed_at + 1);
        let row = StatusChangeRow {
            certificate_id: id,
            sequence: i32::try_from(sequence).unwrap_or(i32::MAX),
            change: order.change.as_str().to_owned(),
            state_after: after.as_str().to_owned(),
            reason: order.reason,
            decision_document: order.decision_document,
            changed_at: now,
            changed_by: actor.client.to_string(),
        };
        let mut changed = self.open_issued(standing.clone(), body.name.clone())?;
        changed.standing.2.state = row.state_after.clone();
        changed.standing.2.changed_at = now;
        let (answer, kept) = self.answer(intent, &changed);
        let number_key = standing.0.number_key.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_status_change(tx.conn, &row, &standing.2)?;
                set_status_bits(tx, &standing.1, after.revocation_bit(), after.suspension_bit(), now)?;
                tx.record(Fact::of(Some(&issuer), &row)?);
                Ok(())
            })
            .await
            .map_err(changed_meanwhile)?;
        self.standings.forget(&number_key);
        Ok(answer)
    }

    /// Records that a permit's review was passed (IS-10).
    pub async fn record_review(&self, actor: &Actor, name: &CertificateName, reviewed_on: NaiveDate, decision_document: Option<String>, intent: &Intent<IssuedCertificate>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let standing = self.find_standing(name).await?;
        let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        let body = self.get_body(&issuer).await?;
        if standing.0.kind != CertificateKind::SpecialOperation.as_str() {
            let detail = Text::new(format!("{} found; only a special operation permit is reviewed", standing.0.kind), "只有特种作业操作证需要复审");
            return Err(Error::Refused(vec![Violation::deny("IS-10", detail).fact("certificate_kind", &standing.0.kind)]));
        }
        let today = self.clock.today();
        if reviewed_on > today || reviewed_on < standing.1.issued_on {
            let issued_on = standing.1.issued_on;
            let detail = Text::new(format!("{reviewed_on} found, a day from {issued_on} to {today} expected"), format!("复审日期 {reviewed_on} 应在 {issued_on} 至 {today} 之间"));
            return Err(Error::invalid("reviewed_on", detail));
        }
        let wanted = standing.0.id.clone();
        let sequence = self.store.read(move |conn| store::list_reviews(conn, &wanted)).await?.len() + 1;
        let now = self.now_micros().max(standing.2.changed_at + 1);
        let row = PermitReviewRow {
            certificate_id: standing.0.id.clone(),
            sequence: i32::try_from(sequence).unwrap_or(i32::MAX),
            reviewed_on,
            decision_document,
            recorded_at: now,
            recorded_by: actor.client.to_string(),
        };
        let mut changed = self.open_issued(standing.clone(), body.name.clone())?;
        changed.standing.2.reviewed_on = Some(reviewed_on);
        let (answer, kept) = self.answer(intent, &changed);
        let number_key = standing.0.number_key.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_review(tx.conn, &row, &standing.2)?;
                tx.record(Fact::of(Some(&issuer), &row)?);
                Ok(())
            })
            .await
            .map_err(changed_meanwhile)?;
        self.standings.forget(&number_key);
        Ok(answer)
    }

    /// A status list as a signed credential (Bitstring Status List v1.0); signed once for each change of its bits.
    pub async fn get_status_list(&self, purpose: &str, list: i64) -> Result<ServedStatusList, Error> {
        let (asked, place) = (purpose.to_owned(), (purpose.to_owned(), list));
        let version = self.store.read(move |conn| status_lists::find_list_version(conn, list, &asked)).await?.ok_or(Error::NotFound)?;
        let kept = self.status_lists.lock().unwrap_or_else(PoisonError::into_inner).get(&place).filter(|kept| kept.version == version).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let wanted = purpose.to_owned();
        let row = self.store.read(move |conn| status_lists::find_list(conn, list, &wanted)).await?.ok_or(Error::NotFound)?;
        let did = self.registry_did();
        let key = self.current_key(did, super::keys::PURPOSE_CREDENTIALS).await?;
        let url = format!("{}/status/{purpose}/{list}", self.config.public_url);
        let document = status_list::signed_credential(&key, &url, purpose, &row.bits, crate::clock::from_micros(row.changed_at));
        let served = ServedStatusList { document, version: row.version };
        self.status_lists.lock().unwrap_or_else(PoisonError::into_inner).insert(place, served.clone());
        Ok(served)
    }
}

/// Two changes at the same moment: one wins, the other is told to look again.
pub(super) fn changed_meanwhile(error: StoreError) -> Error {
    match error {
        StoreError::Conflict(Constraint::StatusChange | Constraint::CertificateVersion | Constraint::Other) | StoreError::Stale => StoreError::Stale.into(),
        other => other.into(),
    }
}
