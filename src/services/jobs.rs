//! Long work as a job: asked for, done step by step, watched, cancelled, taken up again after a restart.
//!
//! A worker holds a job by a lease and moves it on with every step. A step writes what it did and its row results in one
//! transaction; if the process dies, the next worker goes on behind the last row that stands.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::batches::BatchChange;
use super::bulk_issuing::{JobBy, RowResult};
use super::composing::IssuedMany;
use super::issuing::{IssueOrder, IssueSubject, OrderContent};
use super::status::StatusWrite;
use crate::domain::access::{Act, Actor, READ_JOB, holds_any};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{JobId, OrganisationId, SessionId};
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::assessments;
use crate::store::error::{Constraint, StoreError};
use crate::store::jobs::{self as store, JobRow, JobRowRow};
use crate::store::log::Fact;
use crate::store::writer::Tx;
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// Rows of one step.
pub(super) const STEP: i64 = 500;
const LEASE_MICROS: i64 = 30_000_000;
const KIND_ISSUE_SESSION: &str = "issue_session";
pub(super) const KIND_ISSUE_BATCH: &str = "issue_batch";
pub(super) const KIND_CHANGE_BATCH_STATUS: &str = "change_batch_status";

/// Where a job is: behind which row, and behind which subject.
#[derive(Debug, Clone, Default)]
struct Cursor {
    row: i32,
    subject: Option<String>,
}

/// One row of a step: its number, whom or what it is about, and what is to be done, or why nothing can be.
pub(super) struct StepRow {
    pub number: i32,
    pub subject: String,
    pub order: Result<IssueOrder, RowResult>,
}

/// What a step writes beside its row results.
enum StepWrite {
    Nothing,
    Issue(IssuedMany),
    Status(StatusWrite),
}

impl StepWrite {
    fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        match self {
            StepWrite::Nothing => Ok(()),
            StepWrite::Issue(many) => many.run(tx),
            StepWrite::Status(change) => change.run(tx),
        }
    }
}

/// A step that is decided and signed: a result for each row, and what is to be written.
struct ReadyStep {
    rows: Vec<StepRow>,
    results: Vec<RowResult>,
    write: StepWrite,
}

impl Registry {
    /// Asks for certificates for everybody of a session who passed.
    pub async fn start_session_issue(&self, actor: &Actor, id: &SessionId, is_dry_run: bool, intent: &Intent<JobRow>) -> Result<Answer, Error> {
        let (session, body) = self.own_session(actor, id).await?;
        self.authorise(actor, Act::IssueCertificate { issuer: &body, kind: super::stored::<CertificateKind>(&session.row.kind)? })?;
        let input = json!({ "session_id": id.as_str() });
        let row = self.new_job(self.new_id(JobId::new).to_string(), KIND_ISSUE_SESSION, &body, &input, session.candidates, is_dry_run, actor);
        self.ask_for_job(row, &body, intent).await
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one row")]
    pub(super) fn new_job(&self, id: String, kind: &str, organisation: &OrganisationId, input: &serde_json::Value, total: i64, is_dry_run: bool, actor: &Actor) -> JobRow {
        JobRow {
            id,
            kind: kind.to_owned(),
            organisation_id: organisation.to_string(),
            input: input.to_string(),
            dry_run: is_dry_run,
            state: "queued".to_owned(),
            total: i32::try_from(total).unwrap_or(i32::MAX),
            done: 0,
            failed: 0,
            created_at: self.now_micros(),
            created_by: actor.client.to_string(),
            started_at: None,
            finished_at: None,
            lease_until: None,
            lease_holder: None,
        }
    }

    /// Queues a job; what was asked for is a fact.
    pub(super) async fn ask_for_job(&self, row: JobRow, organisation: &OrganisationId, intent: &Intent<JobRow>) -> Result<Answer, Error> {
        let body = organisation.clone();
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

    /// Any job, batches included.
    pub async fn find_job(&self, actor: &Actor, id: &str) -> Result<JobRow, Error> {
        holds_any(actor, READ_JOB)?;
        let wanted = id.to_owned();
        let row = self.store.read(move |conn| store::find_job(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        self.authorise(actor, Act::ReadJob { organisation: &super::stored(&row.organisation_id)? })?;
        Ok(row)
    }

    pub async fn list_job_rows(&self, actor: &Actor, id: &str, after: i32, limit: i64) -> Result<Vec<JobRowRow>, Error> {
        self.find_job(actor, id).await?;
        let wanted = id.to_owned();
        Ok(self.store.read(move |conn| store::list_job_rows(conn, &wanted, after, limit)).await?)
    }

    /// Stops a job before its next step. What it has done stays done. Stopping one that has ended changes nothing.
    pub async fn cancel_job(&self, actor: &Actor, id: &str) -> Result<JobRow, Error> {
        self.find_job(actor, id).await?;
        let (wanted, now) = (id.to_owned(), self.now_micros());
        self.store.write(move |tx| store::finish_job(tx.conn, &wanted, None, "cancelled", now)).await?;
        self.find_job(actor, id).await
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
        self.store.write(move |tx| store::finish_job(tx.conn, &id, Some(&holder), ended, now)).await?;
        Ok(true)
    }

    /// All steps that are left. While one is written, the next one is decided and signed.
    async fn work_through(&self, mut job: JobRow, holder: &str) -> Result<(), Error> {
        let id = job.id.clone();
        let last = self.store.read(move |conn| store::find_last_job_row(conn, &id)).await?;
        let mut cursor = last.map_or_else(Cursor::default, |row| Cursor { row: row.row_number, subject: Some(row.subject) });
        let mut ready = self.prepare_step(&job, &cursor).await?;
        while let Some(step) = ready {
            if let Some(last) = step.rows.last() {
                cursor = Cursor { row: last.number, subject: Some(last.subject.clone()) };
            }
            let before = job.clone();
            let (written, next) = futures_util::future::join(self.write_step(&mut job, holder, step), self.prepare_step(&before, &cursor)).await;
            written?;
            ready = next?;
        }
        Ok(())
    }

    async fn prepare_step(&self, job: &JobRow, cursor: &Cursor) -> Result<Option<ReadyStep>, Error> {
        let rows = match job.kind.as_str() {
            KIND_ISSUE_SESSION => self.next_candidates(job, cursor).await?,
            KIND_ISSUE_BATCH => self.next_batch_rows(job, cursor.row).await?,
            KIND_CHANGE_BATCH_STATUS => return self.prepare_changes(job, cursor.row).await,
            other => return Err(Error::Internal(format!("a job of unknown kind {other}"))),
        };
        if rows.is_empty() {
            return Ok(None);
        }
        let orders: Vec<IssueOrder> = rows.iter().filter_map(|row| row.order.as_ref().ok().cloned()).collect();
        let prepared = self.prepare_rows(&super::stored(&job.organisation_id)?, job_by(job), &orders, job.dry_run).await?;
        Ok(Some(ReadyStep { results: merge(&rows, prepared.results)?, rows, write: StepWrite::Issue(prepared.insert) }))
    }

    /// The next candidates of a session, in the order of their identifiers.
    async fn next_candidates(&self, job: &JobRow, cursor: &Cursor) -> Result<Vec<StepRow>, Error> {
        let input: serde_json::Value = super::stored_json(&job.input)?;
        let session: SessionId = super::stored(input["session_id"].as_str().unwrap_or_default())?;
        let (wanted, after) = (session.to_string(), cursor.subject.clone());
        let candidates = self.store.read(move |conn| assessments::list_candidates(conn, &wanted, after.as_deref(), STEP)).await?;
        let rows = candidates.into_iter().zip(cursor.row + 1..).map(|(standing, number)| {
            let subject = standing.candidate.worker_id;
            let content = OrderContent { subject: IssueSubject::Assessed { session: session.clone() }, issued_on: None, certificate_number: None, form_serial: None, cures: None };
            Ok(StepRow { number, order: Ok(content.for_worker(super::stored(&subject)?)), subject })
        });
        rows.collect()
    }

    /// The next certificates of a batch whose status is to be changed.
    async fn prepare_changes(&self, job: &JobRow, after: i32) -> Result<Option<ReadyStep>, Error> {
        let BatchChange { batch, order } = self.batch_change(job)?;
        let (issued, standings) = self.next_issued(&batch, &job.organisation_id, after).await?;
        if issued.is_empty() {
            return Ok(None);
        }
        let rows = issued.into_iter().map(|(number, subject)| StepRow { number, subject, order: Err(RowResult { outcome: "changed", result: json!({}) }) }).collect::<Vec<_>>();
        let (write, refusals) = self.decide_changes(&super::stored(&job.organisation_id)?, standings, &order, &job.created_by).await?;
        let mut refused: HashMap<String, Violation> = refusals.into_iter().collect();
        let outcome = if job.dry_run { "would_change" } else { "changed" };
        let results = rows
            .iter()
            .map(|row| match refused.remove(&row.subject) {
                Some(violation) => RowResult::refused(&[violation]),
                None => RowResult { outcome, result: json!({ "certificate_id": row.subject }) },
            })
            .collect();
        Ok(Some(ReadyStep { rows, results, write: if job.dry_run { StepWrite::Nothing } else { StepWrite::Status(write) } }))
    }

    /// Writes a step with its row results. What moved since it was decided is decided again: certificates row by row, changes of
    /// status together.
    async fn write_step(&self, job: &mut JobRow, holder: &str, mut step: ReadyStep) -> Result<(), Error> {
        let issuer: OrganisationId = super::stored(&job.organisation_id)?;
        for _ in 0..8 {
            match self.try_write_step(job, holder, &step.rows, step.results, step.write).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict(Constraint::JobLease)) => return Err(Error::Conflict(Text::new("the job was cancelled or taken over", "任务已取消或由其他节点接管"))),
                Err(StoreError::Stale | StoreError::Conflict(_)) => {}
                Err(other) => return Err(other.into()),
            }
            if job.kind == KIND_CHANGE_BATCH_STATUS {
                let after = step.rows.first().map_or(0, |row| row.number - 1);
                let Some(again) = self.prepare_changes(job, after).await? else { return Ok(()) };
                step = again;
                continue;
            }
            let orders: Vec<IssueOrder> = step.rows.iter().filter_map(|row| row.order.as_ref().ok().cloned()).collect();
            orders.iter().for_each(|order| self.forget_basis(&issuer, order));
            let prepared = self.issue_one_by_one(&issuer, job_by(job), &orders, job.dry_run).await?;
            (step.results, step.write) = (merge(&step.rows, prepared.results)?, StepWrite::Issue(prepared.insert));
        }
        Err(Error::Unavailable(Text::new("a step met changes eight times", "任务步骤连续八次遇到变更")))
    }

    async fn try_write_step(&self, job: &mut JobRow, holder: &str, rows: &[StepRow], results: Vec<RowResult>, write: StepWrite) -> Result<(), StoreError> {
        let mut moved = job.clone();
        moved.done += rows.len() as i32;
        moved.failed += results.iter().filter(|result| result.is_failure()).count() as i32;
        moved.total = moved.total.max(moved.done);
        let row = |(row, result): (&StepRow, &RowResult)| JobRowRow { job_id: job.id.clone(), row_number: row.number, subject: row.subject.clone(), outcome: result.outcome.to_owned(), result: result.result.to_string() };
        let job_rows: Vec<JobRowRow> = rows.iter().zip(&results).map(row).collect();
        let changed = if let StepWrite::Status(change) = &write { change.number_keys().to_vec() } else { Vec::new() };
        let (advanced, holder, lease_until) = (moved.clone(), holder.to_owned(), self.now_micros() + LEASE_MICROS);
        self.store
            .write(move |tx| {
                store::advance_job(tx.conn, &advanced, &holder, &job_rows, lease_until)?;
                write.run(tx)
            })
            .await?;
        changed.iter().for_each(|key| self.standings.forget(key));
        *job = moved;
        Ok(())
    }
}

fn job_by(job: &JobRow) -> JobBy<'_> {
    JobBy { client: &job.created_by, since: job.created_at }
}

/// Results of all rows in their order: of those that were decided, and of those that never could be.
fn merge(rows: &[StepRow], decided: Vec<RowResult>) -> Result<Vec<RowResult>, Error> {
    let mut decided = decided.into_iter();
    rows.iter()
        .map(|row| match &row.order {
            Ok(_) => decided.next().ok_or_else(|| Error::Internal("a row without a result".to_owned())),
            Err(refused) => Ok(refused.clone()),
        })
        .collect()
}
