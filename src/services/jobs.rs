//! Long work as a job: asked for, done step by step, watched, cancelled, taken up again after a restart.
//!
//! A worker holds a job by a lease and moves it on with every step. A step writes what it did and its row results in one
//! transaction; if the process dies, the next worker goes on behind the last row that stands.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::bulk_issuing::{PreparedRows, RowResult};
use super::issuing::{IssueOrder, IssueSubject};
use crate::domain::access::{Act, Actor, READ_JOB, holds_any};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{JobId, OrganisationId, SessionId};
use crate::domain::text::Text;
use crate::store::assessments;
use crate::store::error::{Constraint, StoreError};
use crate::store::jobs::{self as store, JobRow, JobRowRow};
use crate::store::log::Fact;
use serde_json::json;
use std::time::Duration;

/// Rows of one step.
pub(super) const STEP: i64 = 500;
const LEASE_MICROS: i64 = 30_000_000;
const KIND_ISSUE_SESSION: &str = "issue_session";

/// Where a job is: behind which row, and behind which subject.
#[derive(Debug, Clone, Default)]
struct Cursor {
    row: i32,
    subject: Option<String>,
}

/// The next rows of a job: who each is about, and what is to be issued, or why nothing can be.
#[derive(Default)]
pub(super) struct Step {
    pub subjects: Vec<String>,
    pub orders: Vec<Result<IssueOrder, RowResult>>,
}

/// A step that is decided and signed.
struct ReadyStep {
    step: Step,
    prepared: PreparedRows,
}

impl Registry {
    /// Asks for certificates for everybody of a session who passed.
    pub async fn start_session_issue(&self, actor: &Actor, id: &SessionId, is_dry_run: bool, intent: &Intent<JobRow>) -> Result<Answer, Error> {
        let (session, body) = self.own_session(actor, id).await?;
        self.authorise(actor, Act::IssueCertificate { issuer: &body, kind: super::stored::<CertificateKind>(&session.row.kind)? })?;
        let row = JobRow {
            id: self.new_id(JobId::new).to_string(),
            kind: KIND_ISSUE_SESSION.to_owned(),
            organisation_id: body.to_string(),
            input: json!({ "session_id": id.as_str() }).to_string(),
            dry_run: is_dry_run,
            state: "queued".to_owned(),
            total: i32::try_from(session.candidates).unwrap_or(i32::MAX),
            done: 0,
            failed: 0,
            created_at: self.now_micros(),
            created_by: actor.client.to_string(),
            started_at: None,
            finished_at: None,
            lease_until: None,
            lease_holder: None,
        };
        let (answer, kept) = self.answer(intent, &row);
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_job(tx.conn, &row)?;
                tx.record(Fact::of(Some(&body), &row.as_requested())?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    pub async fn get_job(&self, actor: &Actor, id: &JobId) -> Result<JobRow, Error> {
        holds_any(actor, READ_JOB)?;
        let wanted = id.to_string();
        let row = self.store.read(move |conn| store::find_job(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        self.authorise(actor, Act::ReadJob { organisation: &super::stored(&row.organisation_id)? })?;
        Ok(row)
    }

    pub async fn list_job_rows(&self, actor: &Actor, id: &JobId, after: i32, limit: i64) -> Result<Vec<JobRowRow>, Error> {
        self.get_job(actor, id).await?;
        let wanted = id.to_string();
        Ok(self.store.read(move |conn| store::list_job_rows(conn, &wanted, after, limit)).await?)
    }

    /// Stops a job before its next step. What it has done stays done. Stopping one that has ended changes nothing.
    pub async fn cancel_job(&self, actor: &Actor, id: &JobId) -> Result<JobRow, Error> {
        self.get_job(actor, id).await?;
        let (wanted, now) = (id.to_string(), self.now_micros());
        self.store.write(move |tx| store::finish_job(tx.conn, &wanted, "cancelled", now)).await?;
        self.get_job(actor, id).await
    }

    /// Takes up jobs for ever; one of these runs in every serving process.
    pub async fn work_on_jobs(&self) {
        loop {
            match self.work_on_next_job().await {
                Ok(true) => {}
                Ok(false) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(error) => {
                    tracing::error!(?error, "a job could not be worked on");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Works on one job until it ends. Returns whether there was one.
    pub async fn work_on_next_job(&self) -> Result<bool, Error> {
        // Looking is cheap; only a job that is there is worth a write.
        let holder = self.entropy.uuid();
        let (now, name) = (self.now_micros(), holder.clone());
        if !self.store.read(move |conn| store::has_free_job(conn, now)).await? {
            return Ok(false);
        }
        let Some(job) = self.store.write(move |tx| store::claim_job(tx.conn, &name, now, now + LEASE_MICROS)).await? else { return Ok(false) };
        let id = job.id.clone();
        let ended = match self.work_through(job, &holder).await {
            Ok(()) => "finished",
            // Cancelled, or taken over by another worker.
            Err(Error::Conflict(_)) => return Ok(true),
            // The registry is in trouble: whoever takes the job when the lease has ended goes on.
            Err(error @ (Error::Unavailable(_) | Error::Stale)) => return Err(error),
            Err(error) => {
                tracing::error!(?error, job = %id, "a job cannot be done");
                "failed"
            }
        };
        let now = self.now_micros();
        self.store.write(move |tx| store::finish_job(tx.conn, &id, ended, now)).await?;
        Ok(true)
    }

    /// All steps that are left. While one is written, the next one is decided and signed.
    async fn work_through(&self, mut job: JobRow, holder: &str) -> Result<(), Error> {
        let id = job.id.clone();
        let last = self.store.read(move |conn| store::find_last_job_row(conn, &id)).await?;
        let mut cursor = last.map_or_else(Cursor::default, |row| Cursor { row: row.row_number, subject: Some(row.subject) });
        let mut ready = self.prepare_step(&job, &cursor).await?;
        while let Some(ReadyStep { step, prepared }) = ready {
            let first_row = cursor.row + 1;
            cursor = Cursor { row: cursor.row + step.subjects.len() as i32, subject: step.subjects.last().cloned() };
            let before = job.clone();
            let (written, next) = futures_util::future::join(self.write_step(&mut job, holder, first_row, step, prepared), self.prepare_step(&before, &cursor)).await;
            written?;
            ready = next?;
        }
        Ok(())
    }

    async fn prepare_step(&self, job: &JobRow, cursor: &Cursor) -> Result<Option<ReadyStep>, Error> {
        let step = match job.kind.as_str() {
            KIND_ISSUE_SESSION => self.next_candidates(job, cursor).await?,
            other => return Err(Error::Internal(format!("a job of unknown kind {other}"))),
        };
        if step.subjects.is_empty() {
            return Ok(None);
        }
        let orders: Vec<IssueOrder> = step.orders.iter().filter_map(|order| order.as_ref().ok().cloned()).collect();
        let prepared = self.prepare_rows(&super::stored(&job.organisation_id)?, &job.created_by, &orders, job.dry_run).await?;
        Ok(Some(ReadyStep { step, prepared }))
    }

    /// The next candidates of a session, in the order of their identifiers.
    async fn next_candidates(&self, job: &JobRow, cursor: &Cursor) -> Result<Step, Error> {
        let input: serde_json::Value = super::stored_json(&job.input)?;
        let session: SessionId = super::stored(input["session_id"].as_str().unwrap_or_default())?;
        let (wanted, after) = (session.to_string(), cursor.subject.clone());
        let candidates = self.store.read(move |conn| assessments::list_candidates(conn, &wanted, after.as_deref(), STEP)).await?;
        let mut step = Step::default();
        for standing in candidates {
            let worker = standing.candidate.worker_id;
            let subject = IssueSubject::Assessed { session: session.clone() };
            step.orders.push(Ok(IssueOrder { worker: super::stored(&worker)?, subject, issued_on: None, certificate_number: None, form_serial: None, cures: None }));
            step.subjects.push(worker);
        }
        Ok(step)
    }

    /// Writes a step with its row results. What moved since it was decided is decided again, row by row.
    async fn write_step(&self, job: &mut JobRow, holder: &str, first_row: i32, step: Step, prepared: PreparedRows) -> Result<(), Error> {
        let issuer: OrganisationId = super::stored(&job.organisation_id)?;
        match self.try_write_step(job, holder, first_row, &step, prepared).await {
            Err(StoreError::Conflict(Constraint::JobLease)) => Err(Error::Conflict(Text::new("the job was cancelled or taken over", "任务已取消或由其他节点接管"))),
            Err(StoreError::Stale | StoreError::Conflict(_)) => {
                let orders: Vec<&IssueOrder> = step.orders.iter().filter_map(|order| order.as_ref().ok()).collect();
                orders.iter().for_each(|order| self.forget_basis(&issuer, order));
                let work = orders.iter().map(|order| self.issue_alone(&issuer, &job.created_by, order, job.dry_run));
                let results = futures_util::future::try_join_all(work).await?;
                let alone = PreparedRows { results, insert: Default::default() };
                match self.try_write_step(job, holder, first_row, &step, alone).await {
                    Err(StoreError::Conflict(Constraint::JobLease)) => Err(Error::Conflict(Text::new("the job was cancelled or taken over", "任务已取消或由其他节点接管"))),
                    written => Ok(written?),
                }
            }
            written => Ok(written?),
        }
    }

    async fn try_write_step(&self, job: &mut JobRow, holder: &str, first_row: i32, step: &Step, prepared: PreparedRows) -> Result<(), StoreError> {
        let PreparedRows { results, insert } = prepared;
        let mut results = results.into_iter();
        let mut rows = Vec::with_capacity(step.subjects.len());
        let mut moved = job.clone();
        for ((subject, order), row_number) in step.subjects.iter().zip(&step.orders).zip(first_row..) {
            let result = match order {
                Ok(_) => results.next().ok_or_else(|| StoreError::Corrupt("a row without a result".to_owned()))?,
                Err(refused) => refused.clone(),
            };
            moved.done += 1;
            moved.failed += i32::from(result.is_failure());
            rows.push(JobRowRow { job_id: job.id.clone(), row_number, subject: subject.clone(), outcome: result.outcome.to_owned(), result: result.result.to_string() });
        }
        moved.total = moved.total.max(moved.done);
        let (advanced, holder, lease_until) = (moved.clone(), holder.to_owned(), self.now_micros() + LEASE_MICROS);
        self.store
            .write(move |tx| {
                store::advance_job(tx.conn, &advanced, &holder, &rows, lease_until)?;
                insert.run(tx)
            })
            .await?;
        *job = moved;
        Ok(())
    }
}
