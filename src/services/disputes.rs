//! Contested entries: filed by the worker, answered by the organisation that the entry comes from, watched by supervisors.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use crate::domain::access::{Act, Actor, READ_DISPUTES, SignedInWorker, reaches_all};
use crate::domain::dispute::{DisputeOutcome, DisputeSubject};
use crate::domain::id::{DisputeId, OrganisationId};
use crate::domain::text::Text;
use crate::store::assessments;
use crate::store::attendance;
use crate::store::backend::Conn;
use crate::store::certificates;
use crate::store::competitions;
use crate::store::credits;
use crate::store::disputes::{self as store, DisputeAnswerRow, DisputeFilter, DisputeRow, FoundDispute};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::training;
use crate::vault::Sealed;
use chrono::{DateTime, Utc};

/// A dispute in clear, for those who may see it.
#[derive(Debug, Clone)]
pub struct DisputeView {
    pub row: DisputeRow,
    pub statement: String,
    /// With what was answered.
    pub answer: Option<(DisputeAnswerRow, String)>,
    /// Not answered, and its day has passed.
    pub is_overdue: bool,
    pub is_new: bool,
}

/// What a worker contests, and why.
#[derive(Debug, Clone)]
pub struct DisputeOrder {
    pub subject: DisputeSubject,
    /// Identifier of the entry; of attendance the moment at which it began; none for the worker's own identity.
    pub subject_id: Option<String>,
    pub statement: String,
}

/// Which disputes are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisputeState {
    Open,
    Answered,
    Overdue,
}

crate::domain::organisation::names!(DisputeState {
    Open => "open",
    Answered => "answered",
    Overdue => "overdue",
});

pub(super) fn answer_place(dispute: &str) -> String {
    format!("{dispute}/answer")
}

/// The organisation that an entry of this person comes from: None inside for the authority. None when there is no such entry.
fn find_author(conn: &mut Conn, records: &[String], subject: DisputeSubject, id: &str) -> Result<Option<Option<String>>, StoreError> {
    Ok(match subject {
        DisputeSubject::Identity => Some(None),
        DisputeSubject::Class => match training::has_trainee(conn, id, records)? {
            true => training::find_class(conn, id)?.map(|class| Some(class.organisation_id)),
            false => None,
        },
        DisputeSubject::Attendance => {
            let started_at = DateTime::parse_from_rfc3339(id).map(|at| at.timestamp_micros()).unwrap_or(i64::MIN);
            let mut found = None;
            for worker in records {
                found = found.or(attendance::find_interval(conn, worker, started_at)?);
            }
            match found {
                Some(interval) => training::find_class(conn, &interval.class_id)?.map(|class| Some(class.organisation_id)),
                None => None,
            }
        }
        DisputeSubject::Session => match assessments::has_candidate(conn, id, records)? {
            true => assessments::find_session(conn, id)?.map(|session| Some(session.organisation_id)),
            false => None,
        },
        DisputeSubject::Certificate => certificates::find_by_id(conn, id)?.filter(|(row, ..)| records.contains(&row.worker_id)).map(|(row, ..)| Some(row.issuer_id)),
        // The authority posts, reverses and recognises, and records competitions.
        DisputeSubject::CompetitionResult => competitions::find_result(conn, id)?.filter(|(row, _)| records.contains(&row.worker_id)).map(|_| None),
        DisputeSubject::CreditEntry => credits::find_entry(conn, id)?.filter(|row| records.contains(&row.worker_id)).map(|_| None),
    })
}

impl Registry {
    /// Contests an entry of the worker's own record. While one dispute of an entry is open, filing again returns it.
    pub async fn file_dispute(&self, own: &SignedInWorker, order: &DisputeOrder, intent: &Intent<DisputeView>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_file_dispute(own, order, intent).await).await
    }

    async fn try_file_dispute(&self, own: &SignedInWorker, order: &DisputeOrder, intent: &Intent<DisputeView>) -> Result<Answer, Error> {
        let (worker, subject) = (own.record.to_string(), order.subject);
        // Written in one way, so that an entry has one name.
        let subject_id = match (subject, &order.subject_id) {
            (DisputeSubject::Identity, _) => String::new(),
            (DisputeSubject::Attendance, Some(id)) => DateTime::parse_from_rfc3339(id).map(|at| at.with_timezone(&Utc).to_rfc3339()).unwrap_or_default(),
            (_, id) => id.clone().unwrap_or_default(),
        };
        let (records, id) = (self.person_of(&own.worker).await?, subject_id.clone());
        let (author, newest) = self
            .store
            .read_snapshot(move |conn| Ok((find_author(conn, &records, subject, &id)?, store::find_newest_of(conn, &records, subject.as_str(), &id)?)))
            .await?;
        let Some(organisation_id) = author else {
            return Err(Error::invalid("subject_id", Text::new("no such entry in your record", "您的档案中没有该记录")));
        };
        let ordinal = match newest {
            Some((row, None)) => return self.answer_known(intent, &self.open_dispute((row, None))?).await,
            Some((row, Some(_))) => row.ordinal + 1,
            None => 1,
        };
        let id = self.new_id(DisputeId::new).to_string();
        let row = DisputeRow {
            worker_id: worker,
            subject_kind: subject.as_str().to_owned(),
            subject_id,
            ordinal,
            organisation_id,
            sealed_statement: self.vault.seal(Sealed::Dispute, &id, order.statement.as_bytes(), &self.entropy),
            statement_hash: self.vault.commitment(Sealed::Dispute, &id, &order.statement),
            due_on: self.catalogue().calendar.working_days_after(self.clock.today(), self.config.rules.dispute_working_days),
            filed_at: self.now_micros(),
            id,
        };
        let view = DisputeView { is_new: true, ..self.open_dispute((row.clone(), None))? };
        let (answer, kept) = self.answer(intent, &view);
        let organisation: Option<OrganisationId> = row.organisation_id.as_deref().map(super::stored).transpose()?;
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_dispute(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::DisputeSubject) => Error::Stale,
                other => other.into(),
            })?;
        Ok(answer)
    }

    /// A page of the worker's own disputes, the newest first.
    pub async fn list_own_disputes(&self, own: &SignedInWorker, before: Option<String>, limit: i64) -> Result<Vec<DisputeView>, Error> {
        let records = self.person_of(&own.worker).await?;
        let found = self.store.read(move |conn| store::list_of_worker(conn, &records, before.as_deref(), limit)).await?;
        found.into_iter().map(|found| self.open_dispute(found)).collect()
    }

    /// A page of disputes: of the actor's organisation, or of all for the authority and its supervisors.
    pub async fn list_disputes(&self, actor: &Actor, state: Option<DisputeState>, after: Option<String>, limit: i64) -> Result<Vec<DisputeView>, Error> {
        self.authorise(actor, Act::ReadDisputes)?;
        let organisation = if reaches_all(actor, READ_DISPUTES) { None } else { Some(self.own_organisation(actor)?.to_string()) };
        let filter = match state {
            None => DisputeFilter::All,
            Some(DisputeState::Open) => DisputeFilter::Open,
            Some(DisputeState::Answered) => DisputeFilter::Answered,
            Some(DisputeState::Overdue) => DisputeFilter::DueBefore(self.clock.today()),
        };
        let found = self.store.read(move |conn| store::list_disputes(conn, organisation.as_deref(), filter, after.as_deref(), limit)).await?;
        found.into_iter().map(|found| self.open_dispute(found)).collect()
    }

    /// Answers a dispute. The first answer stays.
    pub async fn answer_dispute(&self, actor: &Actor, id: &DisputeId, outcome: DisputeOutcome, text: &str, intent: &Intent<DisputeView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::AnswerDisputes)?;
        let wanted = id.to_string();
        let found = self.store.read(move |conn| store::find_dispute(conn, &wanted)).await?;
        let is_own = |row: &DisputeRow| match &row.organisation_id {
            Some(organisation) => actor.organisation.as_ref().is_some_and(|own| own.as_str() == organisation),
            None => false,
        };
        let (row, answered) = found.filter(|(row, _)| reaches_all(actor, READ_DISPUTES) || is_own(row)).ok_or(Error::NotFound)?;
        if answered.is_some() {
            return self.answer_known(intent, &self.open_dispute((row, answered))?).await;
        }
        let place = answer_place(&row.id);
        let answer_row = DisputeAnswerRow {
            dispute_id: row.id.clone(),
            outcome: outcome.as_str().to_owned(),
            sealed_answer: self.vault.seal(Sealed::Dispute, &place, text.as_bytes(), &self.entropy),
            answer_hash: self.vault.commitment(Sealed::Dispute, &place, text),
            answered_at: self.now_micros(),
            answered_by: actor.client.to_string(),
        };
        let view = DisputeView { is_new: true, ..self.open_dispute((row, Some(answer_row.clone())))? };
        let (answer, kept) = self.answer(intent, &view);
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_dispute_answer(tx.conn, &answer_row)?;
                tx.record(Fact::of(organisation.as_ref(), &answer_row)?);
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::DisputeAnswer) => Error::Conflict(Text::new("the dispute was answered meanwhile", "该异议已被答复")),
                other => other.into(),
            })?;
        Ok(answer)
    }

    fn open_dispute(&self, (row, answer): FoundDispute) -> Result<DisputeView, Error> {
        let statement = self.vault.open_text(Sealed::Dispute, &row.id, &row.sealed_statement)?;
        let answer = answer.map(|answer| Ok::<_, Error>((self.vault.open_text(Sealed::Dispute, &answer_place(&answer.dispute_id), &answer.sealed_answer)?, answer))).transpose()?;
        let is_overdue = answer.is_none() && row.due_on < self.clock.today();
        Ok(DisputeView { row, statement, answer: answer.map(|(text, row)| (row, text)), is_overdue, is_new: false })
    }
}
