//! Long work as a job: asked for, done step by step, watched, cancelled, taken up again after a restart.
//!
//! A worker holds a job by a lease and moves it on with every step. A step issues first and records its rows then; if the process
//! dies in between, the next worker meets the certificates that stand already and records the same result.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::{IssueOrder, IssueSubject};
use crate::domain::access::{Act, Actor, READ_JOB, holds_any};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{JobId, OrganisationId, SessionId};
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::assessments;
use crate::store::error::StoreError;
use crate::store::jobs::{self as store, JobRow, JobRowRow};
use crate::store::log::Fact;
use serde_json::json;
use std::time::Duration;

/// Candidates of one step.
const STEP: i64 = 100;
const LEASE_MICROS: i64 = 30_000_000;
const KIND_ISSUE_SESSION: &str = "issue_session";

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
        let Some(mut job) = self.store.write(move |tx| store::claim_job(tx.conn, &name, now, now + LEASE_MICROS)).await? else { return Ok(false) };
        loop {
            match self.step(&mut job, &holder).await {
                Ok(true) => {}
                Ok(false) => {
                    let (id, now) = (job.id.clone(), self.now_micros());
                    self.store.write(move |tx| store::finish_job(tx.conn, &id, "finished", now)).await?;
                    return Ok(true);
                }
                // Cancelled, or taken over by another worker.
                Err(Error::Conflict(_)) => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }

    /// One step: the next candidates in the order of their identifiers. Returns whether there were any.
    async fn step(&self, job: &mut JobRow, holder: &str) -> Result<bool, Error> {
        let input: serde_json::Value = super::stored_json(&job.input)?;
        let session: SessionId = super::stored(input["session_id"].as_str().unwrap_or_default())?;
        let (job_id, session_text) = (job.id.clone(), session.to_string());
        let (last_row, candidates) = self
            .store
            .read(move |conn| {
                let last = store::find_last_job_row(conn, &job_id)?;
                let after = last.as_ref().map(|row| row.subject.clone());
                Ok((last.map_or(0, |row| row.row_number), assessments::list_candidates(conn, &session_text, after.as_deref(), STEP)?))
            })
            .await?;
        if candidates.is_empty() {
            return Ok(false);
        }
        let issuer: OrganisationId = super::stored(&job.organisation_id)?;
        let by = job.created_by.clone();
        let work = candidates.iter().map(|standing| self.issue_row(&issuer, &by, &session, &standing.candidate.worker_id, job.dry_run));
        let results = futures_util::future::join_all(work).await;
        let mut rows = Vec::with_capacity(results.len());
        for ((result, standing), row_number) in results.into_iter().zip(&candidates).zip(last_row + 1..) {
            let (outcome, result) = result?;
            job.done += 1;
            job.failed += i32::from(outcome == "refused" || outcome == "failed");
            rows.push(JobRowRow { job_id: job.id.clone(), row_number, subject: standing.candidate.worker_id.clone(), outcome: outcome.to_owned(), result: result.to_string() });
        }
        job.total = job.total.max(job.done);
        let (moved, holder, lease_until) = (job.clone(), holder.to_owned(), self.now_micros() + LEASE_MICROS);
        self.store.write(move |tx| store::advance_job(tx.conn, &moved, &holder, &rows, lease_until)).await.map_err(|error| match error {
            StoreError::Stale | StoreError::Conflict(_) => Error::Conflict(Text::new("the job was cancelled or taken over", "任务已取消或由其他节点接管")),
            other => other.into(),
        })?;
        Ok(true)
    }

    /// What became of one candidate. A refusal is a result; only a failing registry is an error.
    async fn issue_row(&self, issuer: &OrganisationId, by: &str, session: &SessionId, worker: &str, is_dry_run: bool) -> Result<(&'static str, serde_json::Value), Error> {
        let order = IssueOrder {
            worker: super::stored(worker)?,
            subject: IssueSubject::Assessed { session: session.clone() },
            issued_on: None,
            certificate_number: None,
            form_serial: None,
            cures: None,
        };
        let done = if is_dry_run {
            self.issue_warnings(issuer, &order).await.map(|warnings| ("would_issue", json!({ "warnings": list(&warnings) })))
        } else {
            self.issue(issuer, by, order, None).await.map(|(issued, _)| {
                let (row, ..) = &issued.standing;
                ("issued", json!({ "certificate_id": row.id, "certificate_number": issued.facts.certificate_number, "warnings": list(&issued.warnings) }))
            })
        };
        match done {
            Err(Error::Refused(violations) | Error::Invalid(violations)) => Ok(("refused", json!({ "violations": list(&violations) }))),
            // The registry is in trouble: the step is tried again later. Anything else is this row's own trouble and must not stop the others.
            Err(error @ Error::Unavailable(_)) => Err(error),
            Err(error) => {
                tracing::error!(?error, "a row of a job failed");
                Ok(("failed", json!({ "violations": [] })))
            }
            Ok(done) => Ok(done),
        }
    }
}

/// Violations as rows of jobs keep them, in both languages; the reader's language is chosen when they are read.
fn list(violations: &[Violation]) -> Vec<serde_json::Value> {
    violations
        .iter()
        .map(|violation| {
            let facts: serde_json::Map<String, serde_json::Value> = violation.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({ "rule": violation.rule, "outcome": violation.outcome.as_str(), "field": violation.field, "detail": violation.detail.en, "detail_zh": violation.detail.zh, "facts": facts })
        })
        .collect()
}
