//! Issuing for many at once: what `issuing.rs` does for one, by the same rules, with reads, signatures and writes shared.
//!
//! A step of a job is decided on one reading of the database, signed on every core, and written in one transaction together with
//! its row results. Constraints tell whether anything came in between, or rows meet each other; then each row of the step is decided
//! and written again as a step of its own (`jobs.rs`).

use super::Registry;
use super::composing::{IssuedInsert, IssuedMany, Taken};
use super::error::Error;
use super::issuing::{CertificateFacts, Decision, Gathered, IssueOrder, IssueSubject, needs_held_levels};
use super::organisations::Body;
use super::session_facts::SessionFacts;
use crate::domain::id::OrganisationId;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::certificates as store;
use crate::store::workers as worker_store;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use tokio::sync::oneshot;

/// The threads that sign, one for each core. They step back for all others, as does the one that decides: a step that is ready before the
/// writer has written the one before only waits for it, and whoever verifies one certificate meanwhile is not to wait for a batch.
static SIGNERS: LazyLock<rayon::ThreadPool> = LazyLock::new(|| {
    let named = rayon::ThreadPoolBuilder::new().thread_name(|number| format!("signer-{number}")).start_handler(|_| step_back());
    named.build().expect("a process that cannot start a thread cannot serve")
});

/// Lets the threads of this process that have not called this go first.
fn step_back() {
    const NICENESS: i32 = 10;
    // On Linux this is about the thread, elsewhere about the process. Where it is not allowed, it is only slower.
    if cfg!(target_os = "linux") && let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "a thread that signs does not step back");
    }
}

/// Does work on a thread of its own that lets others go first, and gives its result; nothing comes when it panicked.
pub(super) fn behind_others<T: Send + 'static>(name: &str, work: impl FnOnce() -> T + Send + 'static) -> std::io::Result<oneshot::Receiver<T>> {
    let (done, result) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        step_back();
        // Whoever asked may have gone.
        let _ = done.send(work());
    })?;
    Ok(result)
}

/// What became of one row: a word, and its particulars as a JSON text, which is written out where the row is signed.
#[derive(Debug, Clone)]
pub(super) struct RowResult {
    pub outcome: &'static str,
    pub result: String,
}

impl RowResult {
    pub fn refused(violations: &[Violation]) -> Self {
        RowResult { outcome: "refused", result: refusal(violations).to_string() }
    }

    /// `exists` when the fact had its certificate before.
    fn issued(is_new: bool, certificate_id: &str, number: &str, warnings: &[Violation]) -> Self {
        RowResult { outcome: if is_new { "issued" } else { "exists" }, result: json!({ "certificate_id": certificate_id, "certificate_number": number, "warnings": list(warnings) }).to_string() }
    }

    fn would_issue(warnings: &[Violation]) -> Self {
        RowResult { outcome: "would_issue", result: json!({ "warnings": list(warnings) }).to_string() }
    }

    /// A refusal is a result. The registry in trouble is none: the step is tried again later. Anything else is this row's own
    /// trouble and must not stop the others.
    pub fn of(error: Error) -> Result<Self, Error> {
        match error {
            Error::Refused(violations) | Error::Invalid(violations) => Ok(RowResult::refused(&violations)),
            Error::Conflict(detail) => Ok(RowResult::refused(&[crate::domain::rule::invalid("row", detail)])),
            error @ Error::Unavailable(_) => Err(error),
            error => {
                tracing::error!(?error, "a row of a job failed");
                Ok(RowResult { outcome: "failed", result: refusal(&[]).to_string() })
            }
        }
    }

    pub fn is_failure(&self) -> bool {
        matches!(self.outcome, "refused" | "failed")
    }
}

/// Rows of a step, ready to be written.
pub(super) struct PreparedRows {
    pub results: Vec<RowResult>,
    pub insert: IssuedMany,
}

/// What is known of a row before anything is signed.
enum Row {
    Done(RowResult),
    Sign(Box<Decision>),
    /// About the same fact as an earlier row.
    Same(usize),
}

/// What the rows of a step rest on.
struct Basis {
    body: Arc<Body>,
    sessions: HashMap<String, Arc<SessionFacts>>,
    workers: HashMap<String, worker_store::FoundWorker>,
    held: HashMap<String, Vec<CertificateFacts>>,
    /// By business key: certificate and number.
    existing: HashMap<String, (String, String)>,
}

impl Registry {
    /// Decides and signs the orders of a step.
    pub(super) async fn prepare_rows(&self, issuer: &OrganisationId, by: &str, orders: &[IssueOrder], is_dry_run: bool) -> Result<PreparedRows, Error> {
        loop {
            let keys: Vec<String> = orders.iter().map(|order| self.business_key(issuer, order, 0)).collect();
            let basis = self.read_basis(issuer, orders, keys.clone()).await?;
            let rows = self.decide_rows(orders, &keys, &basis)?;
            // A refusal on remembered facts counts only if they are still the facts; of a dry run nothing else compares them.
            let is_to_compare = is_dry_run || rows.iter().any(|row| matches!(row, Row::Done(result) if result.is_failure()));
            if is_to_compare && !self.is_basis_of_rows_current(&basis).await? {
                orders.iter().for_each(|order| self.forget_basis(issuer, order));
                continue;
            }
            return self.sign_rows(issuer, by, orders, rows, is_dry_run).await;
        }
    }

    /// Everything that the rules look at, in a handful of statements.
    async fn read_basis(&self, issuer: &OrganisationId, orders: &[IssueOrder], keys: Vec<String>) -> Result<Basis, Error> {
        let body = self.get_body(issuer).await?;
        let mut sessions = HashMap::new();
        for order in orders {
            if let IssueSubject::Assessed { session } = &order.subject
                && !sessions.contains_key(session.as_str())
                && let Some(facts) = self.session_facts(session).await?.filter(|facts| facts.row.organisation_id == issuer.as_str())
            {
                sessions.insert(session.to_string(), facts);
            }
        }
        let workers: Vec<String> = orders.iter().map(|order| order.worker.to_string()).collect::<HashSet<_>>().into_iter().collect();
        let mut levelled = Vec::new();
        for order in orders {
            if let IssueSubject::Assessed { session } = &order.subject
                && needs_held_levels(sessions.get(session.as_str()).map(Arc::as_ref))?
            {
                levelled.push(order.worker.to_string());
            }
        }
        let (found, levels, existing) = self
            .store
            .read_snapshot(move |conn| Ok((worker_store::find_workers(conn, &workers)?, store::list_level_facts_of_workers(conn, &levelled)?, store::list_by_business(conn, &keys)?)))
            .await?;
        let mut held: HashMap<String, Vec<CertificateFacts>> = HashMap::new();
        for (worker, facts) in levels {
            held.entry(worker).or_default().push(super::stored_json(&facts)?);
        }
        let existing = existing.into_iter().map(|(key, id, facts)| Ok((key, (id, super::stored_json::<CertificateFacts>(&facts)?.certificate_number)))).collect::<Result<_, Error>>()?;
        Ok(Basis { body, sessions, workers: found, held, existing })
    }

    async fn is_basis_of_rows_current(&self, basis: &Basis) -> Result<bool, Error> {
        let stamps: Vec<(String, i64)> =
            std::iter::once((basis.body.organisation.to_string(), basis.body.stamp)).chain(basis.sessions.values().map(|session| (session.row.id.clone(), session.stamp))).collect();
        Ok(self.store.read(move |conn| crate::store::counters::are_stamps(conn, &stamps)).await?)
    }

    /// One after the other: meanwhile the cores sign the step before.
    fn decide_rows(&self, orders: &[IssueOrder], keys: &[String], basis: &Basis) -> Result<Vec<Row>, Error> {
        let mut first: HashMap<&str, usize> = HashMap::new();
        orders
            .iter()
            .zip(keys)
            .enumerate()
            .map(|(place, (order, key))| {
                // A cure is another certificate for the same fact.
                if order.cures.is_some() {
                    return self.decide_row(order, basis);
                }
                if let Some(earlier) = first.get(key.as_str()) {
                    return Ok(Row::Same(*earlier));
                }
                if let Some((id, number)) = basis.existing.get(key) {
                    return Ok(Row::Done(RowResult::issued(false, id, number, &[])));
                }
                let row = self.decide_row(order, basis)?;
                // What was refused says nothing about another row of the same fact, which may be mended.
                if matches!(row, Row::Sign(_)) {
                    first.insert(key, place);
                }
                Ok(row)
            })
            .collect()
    }

    fn decide_row(&self, order: &IssueOrder, basis: &Basis) -> Result<Row, Error> {
        let missing = |field: &str, en: &'static str, zh: &'static str| Ok(Row::Done(RowResult::refused(&[crate::domain::rule::invalid(field, Text::new(en, zh))])));
        let session = match &order.subject {
            IssueSubject::Assessed { session } => match basis.sessions.get(session.as_str()) {
                Some(facts) => Some(Arc::clone(facts)),
                None => return missing("session_id", "no such session of this body", "本机构没有该场次"),
            },
            IssueSubject::Completion { .. } | IssueSubject::Permit { .. } => None,
        };
        let Some((row, name, documents)) = basis.workers.get(order.worker.as_str()) else {
            return missing("worker_id", "no such worker", "没有该劳动者");
        };
        let held = basis.held.get(order.worker.as_str()).cloned().unwrap_or_default();
        let worker = match self.open_worker(row, name, documents) {
            Ok(worker) => worker,
            Err(error) => return RowResult::of(error).map(Row::Done),
        };
        let gathered = Gathered { worker, held, session, existing: None };
        match self.decide_issue(&basis.body, order, &gathered) {
            Ok((subject, filing, warnings)) => Ok(Row::Sign(Box::new(Decision { body: Arc::clone(&basis.body), gathered, subject, filing, warnings }))),
            Err(error) => RowResult::of(error).map(Row::Done),
        }
    }

    /// Takes numbers and signs, off the threads that answer requests.
    async fn sign_rows(&self, issuer: &OrganisationId, by: &str, orders: &[IssueOrder], rows: Vec<Row>, is_dry_run: bool) -> Result<PreparedRows, Error> {
        let (mut results, mut to_sign, mut same) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
        let pending = || RowResult { outcome: "failed", result: String::new() };
        for (place, (row, order)) in rows.into_iter().zip(orders).enumerate() {
            results.push(match row {
                Row::Done(result) => result,
                Row::Same(earlier) => {
                    same.push((place, earlier));
                    pending()
                }
                Row::Sign(decision) => match self.ready_to_sign(issuer, order, &decision, is_dry_run).await {
                    Ok(None) => RowResult::would_issue(&decision.warnings),
                    Ok(Some((cured, taken))) => {
                        to_sign.push((place, order.clone(), decision, cured, taken));
                        pending()
                    }
                    Err(error) => RowResult::of(error)?,
                },
            });
        }
        let (registry, owner, by) = (self.clone(), issuer.clone(), by.to_owned());
        let sign = move || {
            to_sign
                .into_par_iter()
                .map(|(place, order, decision, cured, taken)| {
                    let stamps = decision.stamps();
                    let (issued, signed) = match registry.compose(&by, &order, *decision, cured.as_ref(), taken) {
                        Ok(composed) => composed,
                        Err(error) => return Ok((place, RowResult::of(error)?, None)),
                    };
                    let result = RowResult::issued(issued.is_new, &issued.standing.0.id, &issued.facts.certificate_number, &issued.warnings);
                    Ok((place, result, Some(IssuedInsert::new(issued.standing, &owner, stamps, signed, None, &registry.entropy)?)))
                })
                .collect::<Result<Vec<_>, Error>>()
        };
        // One step after the other: two at once would both be ready late, and the writer would wait for them.
        let turn = self.cores.lock().await;
        let signed = tokio::task::spawn_blocking(|| SIGNERS.install(sign)).await.map_err(|error| Error::Internal(error.to_string()))??;
        drop(turn);
        let mut inserts = Vec::with_capacity(signed.len());
        for (place, result, insert) in signed {
            results[place] = result;
            inserts.extend(insert);
        }
        for (place, earlier) in same {
            let RowResult { outcome, result } = results[earlier].clone();
            results[place] = RowResult { outcome: if outcome == "issued" { "exists" } else { outcome }, result };
        }
        Ok(PreparedRows { results, insert: IssuedMany::new(inserts) })
    }

    /// The certificate that a row puts right, and what is taken for the new one; None in a dry run, which takes nothing.
    async fn ready_to_sign(&self, issuer: &OrganisationId, order: &IssueOrder, decision: &Decision, is_dry_run: bool) -> Result<Option<(Option<store::Standing>, Taken)>, Error> {
        let cured = self.check_cure(order, issuer).await?;
        Ok(if is_dry_run { None } else { Some((cured, self.take_for(order, decision).await?)) })
    }
}

/// A row that was refused for what was found, and kept, elsewhere.
pub(super) fn refusal_of(violations: Value) -> RowResult {
    RowResult { outcome: "refused", result: json!({ "violations": violations }).to_string() }
}

/// Why a row was refused, as rows of jobs keep it.
pub(super) fn refusal(violations: &[Violation]) -> Value {
    json!({ "violations": list(violations) })
}

/// Violations as rows of jobs keep them, in both languages; the reader's language is chosen when they are read.
pub(super) fn list(violations: &[Violation]) -> Vec<Value> {
    violations
        .iter()
        .map(|violation| {
            let facts: serde_json::Map<String, Value> = violation.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            json!({ "rule": violation.rule, "outcome": violation.outcome.as_str(), "field": violation.field, "detail": violation.detail.en, "detail_zh": violation.detail.zh, "facts": facts })
        })
        .collect()
}
