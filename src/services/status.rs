//! What is done to an issued certificate: suspended, resumed, revoked, cancelled, withdrawn; and a permit's review.
//!
//! The change, the state that follows from it and the bits of the status lists are one transaction.

use super::Registry;
use super::certificates::CertificateName;
use super::credits::{self, AchievementReversal};
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
use crate::store::certificates::{self as store, CertificateStateRow, CertificateVersionRow, PermitReviewRow, Standing, StatusChangeRow};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::status_lists;
use crate::store::writer::Tx;
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};

/// A change of status with its grounds.
#[derive(Debug, Clone)]
pub struct StatusOrder {
    pub change: StatusChange,
    pub reason: String,
    pub decision_document: Option<String>,
}

/// Sets the bits of entries in both lists. The rows stay locked until the commit, so that no other bit is lost.
pub(super) fn set_status_bits<'v>(tx: &mut Tx<'_>, versions: impl IntoIterator<Item = &'v CertificateVersionRow>, revoked: bool, suspended: bool, at: i64) -> Result<(), StoreError> {
    let mut indexes: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for version in versions {
        let index = u32::try_from(version.status_index).map_err(|_| StoreError::Corrupt("a status index is negative".to_owned()))?;
        indexes.entry(version.status_list).or_default().push(index);
    }
    for (number, indexes) in indexes {
        for (purpose, value) in [("revocation", revoked), ("suspension", suspended)] {
            let mut list = status_lists::lock_list(tx.conn, number, purpose)?;
            let changed: Vec<u32> = indexes.iter().copied().filter(|index| status_list::bit(&list.bits, *index) != value).collect();
            if !changed.is_empty() {
                changed.iter().for_each(|index| status_list::set_bit(&mut list.bits, *index, value));
                list.changed_at = at;
                status_lists::replace_bits(tx.conn, &list)?;
            }
        }
    }
    Ok(())
}

/// One change of many certificates of one body, ready to be written.
#[derive(Default)]
pub(super) struct StatusWrite {
    issuer: Option<OrganisationId>,
    after: Option<CertificateState>,
    rows: Vec<StatusChangeRow>,
    versions: Vec<CertificateVersionRow>,
    before: Vec<CertificateStateRow>,
    number_keys: Vec<String>,
    /// Credits that the certificates gave and that end with them (CR-6).
    reversals: Vec<AchievementReversal>,
}

impl StatusWrite {
    pub(super) fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let (Some(after), Some(first)) = (self.after, self.rows.first()) else { return Ok(()) };
        store::insert_status_changes(tx.conn, &self.rows, &self.before)?;
        set_status_bits(tx, &self.versions, after.revocation_bit(), after.suspension_bit(), first.changed_at)?;
        for row in &self.rows {
            tx.record(Fact::of(self.issuer.as_ref(), row)?);
        }
        credits::reverse_achievements(tx, &self.reversals)
    }

    /// To be called when the write is durable: nobody believes the old states any more.
    pub(super) fn number_keys(&self) -> &[String] {
        &self.number_keys
    }
}

impl Registry {
    /// Changes the status of a certificate.
    pub async fn change_status(&self, actor: &Actor, name: &CertificateName, order: StatusOrder, intent: &Intent<IssuedCertificate>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let standing = self.find_standing(name).await?;
        let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        let body = self.get_body(&issuer).await?;
        let (write, mut refusals) = self.decide_changes(&issuer, vec![standing.clone()], &order, actor.client.as_str()).await?;
        if let Some((_, violation)) = refusals.pop() {
            return Err(Error::Refused(vec![violation]));
        }
        let mut changed = self.open_issued(standing.clone(), body.name.clone())?;
        for row in &write.rows {
            changed.standing.2.state = row.state_after.clone();
            changed.standing.2.changed_at = row.changed_at;
        }
        let (answer, kept) = self.answer(intent, &changed);
        let number_key = standing.0.number_key;
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                write.run(tx)
            })
            .await
            .map_err(changed_meanwhile)?;
        self.standings.forget(&number_key);
        Ok(answer)
    }

    /// Asks the rules whether each of these certificates may be changed so; those that may not come back with the rule.
    pub(super) async fn decide_changes(&self, issuer: &OrganisationId, standings: Vec<Standing>, order: &StatusOrder, by: &str) -> Result<(StatusWrite, Vec<(String, Violation)>), Error> {
        let ids: Vec<String> = standings.iter().map(|(row, ..)| row.id.clone()).collect();
        let counts: HashMap<String, i64> = self.store.read(move |conn| store::count_status_changes(conn, &ids)).await?.into_iter().collect();
        let now = standings.iter().map(|(.., state)| state.changed_at + 1).fold(self.now_micros(), i64::max);
        let (mut write, mut refusals) = (StatusWrite { issuer: Some(issuer.clone()), ..StatusWrite::default() }, Vec::new());
        for (row, version, state) in standings {
            let before: CertificateState = super::stored(&state.state)?;
            let after = match before.after(order.change) {
                Ok(after) => after,
                Err(violation) => {
                    refusals.push((row.id, violation));
                    continue;
                }
            };
            write.after = Some(after);
            if matches!(after, CertificateState::Revoked | CertificateState::Withdrawn) {
                write.reversals.push(self.reversal_of_certificate(&row.id, order.change.as_str(), now, by));
            }
            write.rows.push(StatusChangeRow {
                sequence: i32::try_from(counts.get(&row.id).unwrap_or(&0) + 1).unwrap_or(i32::MAX),
                certificate_id: row.id,
                change: order.change.as_str().to_owned(),
                state_after: after.as_str().to_owned(),
                reason: order.reason.clone(),
                decision_document: order.decision_document.clone(),
                changed_at: now,
                changed_by: by.to_owned(),
            });
            write.versions.push(version);
            write.before.push(state);
            write.number_keys.push(row.number_key);
        }
        Ok((write, refusals))
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
}

/// Two changes at the same moment: one wins, the other is told to look again.
pub(super) fn changed_meanwhile(error: StoreError) -> Error {
    match error {
        StoreError::Conflict(Constraint::CreditSequence | Constraint::CreditAchievement) => StoreError::Stale.into(),
        StoreError::Conflict(Constraint::StatusChange | Constraint::CertificateVersion | Constraint::Other) | StoreError::Stale => StoreError::Stale.into(),
        other => other.into(),
    }
}
