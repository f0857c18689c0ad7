//! Long work as a job: asked for, done step by step, watched, cancelled, taken up again after a restart.
//!
//! A worker holds a job by a lease and moves it on with every step. A step writes what it did and its row results in one
//! transaction; if the process dies, the next worker goes on behind the last row that stands.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::batches::BatchChange;
use super::bulk_issuing::{RowResult, behind_others};
use super::composing::IssuedMany;
use super::issuing::{IssueOrder, IssueSubject, OrderContent, ROUNDS_MAX, is_met_by_another};
use super::status::StatusWrite;
use super::training::refuse_annulled;
use crate::domain::access::{Act, Actor, READ_JOB, holds_any};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{JobId, OrganisationId, SessionId};
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::assessments;
use crate::store::certificates::Standing;
use crate::store::error::{Constraint, StoreError};
use crate::store::jobs::{self as store, JobRow, JobRowRow};
use crate::store::log::Fact;
use crate::store::writer::Tx;
use futures_util::stream::{self, TryStreamExt};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// Rows of one step.
pub(super) const STEP: i64 = 1000;
/// Steps that are decided and signed at once, and steps that may be ready before the writer takes them.
const STEPS_PREPARED: usize = 4;
const STEPS_AHEAD: usize = 2;
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LEASE_MICROS: i64 = 30_000_000;
const KIND_ISSUE_SESSION: &str = "issue_session";
pub(super) const KIND_ISSUE_CLASS: &str = "issue_class";
pub(super) const KIND_ISSUE_BATCH: &str = "issue_batch";
pub(super) const KIND_CHANGE_BATCH_STATUS: &str = "change_batch_status";

/// Where a job is: behind which row, and behind which subject.
#[derive(Debug, Clone, Default)]
struct Cursor {
    row: i32,
    subject: Option<String>,
}

/// A row as its result names it: its number, and whom or what it is about.
pub(super) struct RowName {
    pub number: i32,
    pub subject: String,
}

/// A row of a step that issues: what is to be issued, or why nothing can be.
pub(super) type OrderedRow = (RowName, Result<IssueOrder, RowResult>);

/// Why a worker stops before its job is done.
enum Interrupted {
    /// The job was cancelled, or another worker has taken it over.
    LeaseLost,
    Failed(Error),
}

impl From<Error> for Interrupted {
    fn from(error: Error) -> Self {
        Interrupted::Failed(error)
    }
}

impl From<StoreError> for Interrupted {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Constraint::JobLease) => Interrupted::LeaseLost,
            other => Interrupted::Failed(other.into()),
        }
    }
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

/// The rows of a step as they were read.
enum StepRows {
    Orders(Vec<OrderedRow>),
    Changes { rows: Vec<RowName>, standings: Vec<Standing> },
}

impl StepRows {
    fn last(&self) -> Option<&RowName> {
        match self {
            StepRows::Orders(rows) => rows.last().map(|(row, _)| row),
            StepRows::Changes { rows, .. } => rows.last(),
        }
    }

    /// Where the job is behind these rows.
    fn end(&self) -> Cursor {
        self.last().map_or_else(Cursor::default, |last| Cursor { row: last.number, subject: Some(last.subject.clone()) })
    }
}

/// A step that is decided and signed: a result for each row, and what is to be written.
struct ReadyStep {
    rows: Vec<RowName>,
    results: Vec<RowResult>,
    write: StepWrite,
    /// What each row orders; empty for a change of status.
    orders: Vec<Result<IssueOrder, RowResult>>,
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
        self.job_asked.notify_one();
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
                // Jobs that were asked for on another node, or whose lease has ended, are looked for.
                Ok(false) => {
                    let _ = tokio::time::timeout(LOOK_EVERY, self.job_asked.notified()).await;
                }
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
            Err(Interrupted::LeaseLost) => return Ok(true),
            // The registry is in trouble: whoever takes the job when the lease has ended goes on.
            Err(Interrupted::Failed(error @ Error::Unavailable(_))) => return Err(error),
            Err(Interrupted::Failed(error)) => {
                tracing::error!(?error, job = %id, "a job cannot be done");
                "failed"
            }
        };
        let now = self.now_micros();
        self.store.write(move |tx| store::finish_job(tx.conn, &id, Some(&holder), ended, now)).await?;
        Ok(true)
    }

    /// All steps that are left. While one is written, the next ones are decided and signed on a thread of their own, so that neither
    /// the writer nor the cores wait for each other; a few at most, so that memory does not grow with the job.
    async fn work_through(&self, mut job: JobRow, holder: &str) -> Result<(), Interrupted> {
        let id = job.id.clone();
        let last = self.store.read(move |conn| store::find_last_job_row(conn, &id)).await?;
        let cursor = last.map_or_else(Cursor::default, |row| Cursor { row: row.row_number, subject: Some(row.subject) });
        let (ready, mut to_write) = tokio::sync::mpsc::channel(STEPS_AHEAD);
        let (registry, asked, runtime) = (self.clone(), job.clone(), tokio::runtime::Handle::current());
        let preparing = behind_others("preparing", move || runtime.block_on(registry.prepare_steps(&asked, cursor, ready))).map_err(|error| Error::Internal(error.to_string()))?;
        while let Some(step) = to_write.recv().await {
            self.write_step(&mut job, holder, step).await?;
        }
        Ok(preparing.await.map_err(|_| Error::Internal("the steps of a job could not be prepared".to_owned()))??)
    }

    /// Decides and signs step after step, until the job's end or until nobody takes them any more. While one is signed, the rows of
    /// the next are read and decided.
    async fn prepare_steps(&self, job: &JobRow, cursor: Cursor, ready: tokio::sync::mpsc::Sender<ReadyStep>) -> Result<(), Error> {
        let rows = stream::try_unfold(cursor, async |cursor| {
            let rows = self.next_rows(job, &cursor).await?;
            Ok(rows.map(|rows| {
                let end = rows.end();
                (rows, end)
            }))
        });
        let steps = rows.map_ok(|rows| self.prepare_step(job, rows)).try_buffered(STEPS_PREPARED);
        let mut steps = std::pin::pin!(steps);
        while let Some(step) = steps.try_next().await? {
            if ready.send(step).await.is_err() {
                break;
            }
        }
        Ok(())
    }

    /// The rows of the next step; None behind the last one.
    async fn next_rows(&self, job: &JobRow, cursor: &Cursor) -> Result<Option<StepRows>, Error> {
        let rows = match job.kind.as_str() {
            KIND_ISSUE_SESSION => StepRows::Orders(self.next_candidates(job, cursor).await?),
            KIND_ISSUE_CLASS => StepRows::Orders(self.next_trainees(job, cursor.row, cursor.subject.clone()).await?),
            KIND_ISSUE_BATCH => StepRows::Orders(self.next_batch_rows(job, cursor.row).await?),
            KIND_CHANGE_BATCH_STATUS => self.next_changes(job, cursor.row).await?,
            other => return Err(Error::Internal(format!("a job of unknown kind {other}"))),
        };
        Ok(Some(rows).filter(|rows| rows.last().is_some()))
    }

    async fn prepare_step(&self, job: &JobRow, rows: StepRows) -> Result<ReadyStep, Error> {
        match rows {
            StepRows::Orders(rows) => {
                let (rows, orders): (Vec<RowName>, Vec<Result<IssueOrder, RowResult>>) = rows.into_iter().unzip();
                let (results, write) = self.prepare_orders(job, &orders).await?;
                Ok(ReadyStep { rows, results, write, orders })
            }
            StepRows::Changes { rows, standings } => self.prepare_changes(job, rows, standings).await,
        }
    }

    /// A result for each order, and the certificates that are to be written.
    async fn prepare_orders(&self, job: &JobRow, orders: &[Result<IssueOrder, RowResult>]) -> Result<(Vec<RowResult>, StepWrite), Error> {
        let to_issue: Vec<IssueOrder> = orders.iter().filter_map(|order| order.as_ref().ok().cloned()).collect();
        let class = self.class_of_job(job).await?;
        if let Some(Err(false_class)) = class.as_ref().map(refuse_annulled) {
            let refused = RowResult::of(false_class)?;
            return Ok((orders.iter().map(|order| order.as_ref().err().cloned().unwrap_or_else(|| refused.clone())).collect(), StepWrite::Nothing));
        }
        let mut prepared = self.prepare_rows(&super::stored(&job.organisation_id)?, &job.created_by, &to_issue, job.dry_run).await?;
        if let Some(class) = class {
            // Fails when the class was declared false meanwhile.
            prepared.insert.rest_on(class.row.id, class.stamp);
        }
        let mut decided = prepared.results.into_iter();
        let merged = orders.iter().map(|order| match order {
            Ok(_) => decided.next().ok_or_else(|| Error::Internal("a row without a result".to_owned())),
            Err(refused) => Ok(refused.clone()),
        });
        Ok((merged.collect::<Result<_, _>>()?, StepWrite::Issue(prepared.insert)))
    }

    /// The next candidates of a session, in the order of their identifiers.
    async fn next_candidates(&self, job: &JobRow, cursor: &Cursor) -> Result<Vec<OrderedRow>, Error> {
        let input: serde_json::Value = super::stored_json(&job.input)?;
        let session: SessionId = super::stored(input["session_id"].as_str().unwrap_or_default())?;
        let (wanted, after) = (session.to_string(), cursor.subject.clone());
        let candidates = self.store.read(move |conn| assessments::list_candidates(conn, &wanted, after.as_deref(), STEP)).await?;
        let rows = candidates.into_iter().zip(cursor.row + 1..).map(|(standing, number)| {
            let subject = standing.candidate.worker_id;
            let content = OrderContent { subject: IssueSubject::Assessed { session: session.clone() }, issued_on: None, certificate_number: None, form_serial: None, cures: None };
            Ok((RowName { number, subject: subject.clone() }, Ok(content.for_worker(super::stored(&subject)?))))
        });
        rows.collect()
    }

    /// The next certificates of a batch whose status is to be changed.
    async fn next_changes(&self, job: &JobRow, after: i32) -> Result<StepRows, Error> {
        let (issued, standings) = self.next_issued(&self.batch_change(job)?.batch, &job.organisation_id, after).await?;
        Ok(StepRows::Changes { rows: issued.into_iter().map(|(number, subject)| RowName { number, subject }).collect(), standings })
    }

    async fn prepare_changes(&self, job: &JobRow, rows: Vec<RowName>, standings: Vec<Standing>) -> Result<ReadyStep, Error> {
        let BatchChange { order, .. } = self.batch_change(job)?;
        let (write, refusals) = self.decide_changes(&super::stored(&job.organisation_id)?, standings, &order, &job.created_by).await?;
        let mut refused: HashMap<String, Violation> = refusals.into_iter().collect();
        let outcome = if job.dry_run { "would_change" } else { "changed" };
        let results = rows
            .iter()
            .map(|row| match refused.remove(&row.subject) {
                Some(violation) => RowResult::refused(&[violation]),
                None => RowResult { outcome, result: json!({ "certificate_id": row.subject }).to_string() },
            })
            .collect();
        let write = if job.dry_run { StepWrite::Nothing } else { StepWrite::Status(write) };
        Ok(ReadyStep { rows, results, write, orders: Vec::new() })
    }

    /// Writes a step with its row results. What moved since it was decided is decided again: changes of status together, orders row
    /// by row, so that one row that meets another does not hold up the rest.
    async fn write_step(&self, job: &mut JobRow, holder: &str, mut step: ReadyStep) -> Result<(), Interrupted> {
        for _ in 0..ROUNDS_MAX {
            let ReadyStep { rows, results, write, orders } = step;
            match self.try_write_step(job, holder, &rows, results, write).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Stale) if !orders.is_empty() => return self.write_rows(job, holder, rows, orders).await,
                Err(StoreError::Conflict(constraint)) if is_met_by_another(constraint) => return self.write_rows(job, holder, rows, orders).await,
                Err(StoreError::Stale | StoreError::Conflict(Constraint::StatusChange | Constraint::CreditSequence | Constraint::CreditAchievement)) => {}
                Err(other) => return Err(other.into()),
            }
            let after = rows.first().map_or(0, |row| row.number - 1);
            step = self.prepare_step(job, self.next_changes(job, after).await?).await?;
        }
        Err(moved_too_often().into())
    }

    /// The rows of a step, each as a step of its own.
    async fn write_rows(&self, job: &mut JobRow, holder: &str, rows: Vec<RowName>, orders: Vec<Result<IssueOrder, RowResult>>) -> Result<(), Interrupted> {
        for (row, order) in rows.into_iter().zip(orders) {
            self.write_row(job, holder, row, order).await?;
        }
        Ok(())
    }

    async fn write_row(&self, job: &mut JobRow, holder: &str, row: RowName, mut order: Result<IssueOrder, RowResult>) -> Result<(), Interrupted> {
        let issuer: OrganisationId = super::stored(&job.organisation_id)?;
        for _ in 0..ROUNDS_MAX {
            if let Ok(order) = &order {
                self.forget_basis(&issuer, order);
            }
            let (results, write) = self.prepare_orders(job, std::slice::from_ref(&order)).await?;
            match self.try_write_step(job, holder, std::slice::from_ref(&row), results, write).await {
                Ok(()) => return Ok(()),
                // Or a new key has taken over.
                Err(StoreError::Stale) => self.refresh_keys().await?,
                Err(StoreError::Conflict(constraint)) if is_met_by_another(constraint) => {
                    if let Some(refusal) = order.as_ref().ok().and_then(|order| order.refusal_of(constraint)) {
                        order = Err(RowResult::of(refusal)?);
                    }
                }
                Err(other) => return Err(other.into()),
            }
        }
        Err(moved_too_often().into())
    }

    async fn try_write_step(&self, job: &mut JobRow, holder: &str, rows: &[RowName], results: Vec<RowResult>, write: StepWrite) -> Result<(), StoreError> {
        let mut moved = job.clone();
        moved.done += rows.len() as i32;
        moved.failed += results.iter().filter(|result| result.is_failure()).count() as i32;
        moved.total = moved.total.max(moved.done);
        let row = |(row, result): (&RowName, RowResult)| JobRowRow { job_id: job.id.clone(), row_number: row.number, subject: row.subject.clone(), outcome: result.outcome.to_owned(), result: result.result };
        let job_rows: Vec<JobRowRow> = rows.iter().zip(results).map(row).collect();
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

fn moved_too_often() -> Error {
    Error::Unavailable(Text::new("a step met changes eight times", "任务步骤连续八次遇到变更"))
}
