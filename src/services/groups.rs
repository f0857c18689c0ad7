//! Memberships of priority groups: recorded by the authority with their proof, read by it and by the worker, ended and never changed.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::records::RecordPart;
use crate::domain::access::{Act, Actor, SignedInWorker};
use crate::domain::id::{GroupId, WorkerId};
use crate::domain::priority_group::Membership;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::error::{Constraint, StoreError};
use crate::store::groups::{self as store, WorkerGroupEndRow, WorkerGroupRow};
use crate::store::log::Fact;
use crate::vault::Sealed;
use chrono::NaiveDate;

/// A membership in clear, for those who may see it.
#[derive(Debug, Clone)]
pub struct GroupView {
    pub row: WorkerGroupRow,
    /// Last day and reason.
    pub end: Option<(NaiveDate, String)>,
    pub membership: Membership,
}

/// Where the reason of an end belongs.
pub(super) fn end_place(group: &str) -> String {
    format!("{group}/end")
}

impl Registry {
    pub(super) fn membership_hash(&self, id: &str, text: &str) -> Vec<u8> {
        self.vault.blind_index("group membership", &format!("{id}/{text}")).to_vec()
    }

    /// Records a membership of a worker.
    pub async fn record_group(&self, actor: &Actor, worker: &WorkerId, membership: Membership, valid_from: NaiveDate, valid_to: Option<NaiveDate>, intent: &Intent<GroupView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::ManageGroups)?;
        if valid_to.is_some_and(|last| last < valid_from) {
            return Err(Error::invalid("valid_to", Text::new("a day not before valid_from expected", "截止日期不应早于起始日期")));
        }
        self.look_at_record(actor, worker, RecordPart::Groups).await?;
        let id = self.new_id(GroupId::new).to_string();
        let text = serde_json::to_string(&membership).map_err(|error| Error::Internal(error.to_string()))?;
        let row = WorkerGroupRow {
            worker_id: worker.to_string(),
            sealed_membership: self.vault.seal(Sealed::Membership, &id, text.as_bytes(), &self.entropy),
            membership_hash: self.membership_hash(&id, &text),
            id,
            valid_from,
            valid_to,
            organisation_id: actor.organisation.as_ref().map(ToString::to_string),
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &GroupView { row: row.clone(), end: None, membership });
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_group(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    /// Ends a membership on a day; the first end stays.
    pub async fn end_group(&self, actor: &Actor, worker: &WorkerId, group: &GroupId, ended_on: NaiveDate, reason: &str, intent: &Intent<GroupView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::ManageGroups)?;
        self.look_at_record(actor, worker, RecordPart::Groups).await?;
        let mut view = self.groups_of(worker).await?.into_iter().find(|view| view.row.id == group.as_str()).ok_or(Error::NotFound)?;
        if view.end.is_some() {
            return self.answer_known(intent, &view).await;
        }
        let (first, last) = (view.row.valid_from.pred_opt().unwrap_or(view.row.valid_from), view.row.valid_to);
        if ended_on < first || last.is_some_and(|last| ended_on > last) {
            let detail = Text::new("a day of the membership expected, or the day before its first one", "应为身份有效期内的日期，或起始日期的前一天");
            return Err(Error::invalid("ended_on", detail));
        }
        let row = WorkerGroupEndRow {
            group_id: group.to_string(),
            ended_on,
            sealed_reason: self.vault.seal(Sealed::Membership, &end_place(group.as_str()), reason.as_bytes(), &self.entropy),
            reason_hash: self.membership_hash(&end_place(group.as_str()), reason),
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        view.end = Some((ended_on, reason.to_owned()));
        let (answer, kept) = self.answer(intent, &view);
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_group_end(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::GroupEnd) => Error::Conflict(Text::new("the membership was ended meanwhile", "该身份已被终止")),
                other => other.into(),
            })?;
        Ok(answer)
    }

    /// Memberships of a worker, for the authority; the look is recorded.
    pub async fn list_groups(&self, actor: &Actor, worker: &WorkerId) -> Result<Vec<GroupView>, Error> {
        self.authorise(actor, Act::ReadGroups)?;
        self.look_at_record(actor, worker, RecordPart::Groups).await?;
        self.groups_of(worker).await
    }

    /// The worker's own, if the registry itself made the code that they signed in with (PR-3).
    pub async fn list_own_groups(&self, own: &SignedInWorker) -> Result<Vec<GroupView>, Error> {
        if !own.by_registrar {
            let detail = Text::new("memberships are shown after signing in with a code that the registry itself made", "重点群体身份须凭登记管理方生成的验证码登录后查看");
            return Err(Error::Refused(vec![Violation::deny("PR-3", detail)]));
        }
        self.groups_of(&own.worker).await
    }

    async fn groups_of(&self, worker: &WorkerId) -> Result<Vec<GroupView>, Error> {
        let records = self.person_of(worker).await?;
        let rows = self.store.read(move |conn| store::list_groups(conn, &records)).await?;
        let open = |(row, end): (WorkerGroupRow, Option<WorkerGroupEndRow>)| {
            let membership = super::stored_json(&self.vault.open_text(Sealed::Membership, &row.id, &row.sealed_membership)?)?;
            let end = end.map(|end| Ok::<_, Error>((end.ended_on, self.vault.open_text(Sealed::Membership, &end_place(&end.group_id), &end.sealed_reason)?))).transpose()?;
            Ok(GroupView { row, end, membership })
        };
        rows.into_iter().map(open).collect()
    }
}
