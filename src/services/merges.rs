//! Two records of one person: joined by the authority, with history, and parted again.
//!
//! Joining moves nothing. Every fact stays under the record that it was recorded for; reading follows the join, and so does whoever
//! signs in, is looked up by document, or is put on a list. So undoing a join leaves everything as it was before.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::workers::Worker;
use crate::domain::access::{Act, Actor};
use crate::domain::id::{MergeId, SignalId, WorkerId};
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::attendance::{self, IntervalRow, Window};
use crate::store::backend::Conn;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::merges::{self as store, FoundMerge, WorkerMergeEndRow, WorkerMergeRow};
use crate::store::signals::{self, SignalRow};
use crate::store::training;
use crate::store::workers as worker_store;
use serde_json::json;
use std::collections::BTreeMap;

/// Signals of one join; more tell nothing new.
const SIGNALS_MAX: usize = 100;

/// Two records to be joined.
#[derive(Debug, Clone)]
pub struct MergeOrder {
    /// The record that will stand for both.
    pub worker: WorkerId,
    pub merged: WorkerId,
    pub reason: String,
    pub decision_document: Option<String>,
}

/// A join with what became of it.
#[derive(Debug, Clone)]
pub struct MergeView {
    pub row: WorkerMergeRow,
    pub end: Option<WorkerMergeEndRow>,
    /// What speaks against the two being one person.
    pub warnings: Vec<Violation>,
    pub is_new: bool,
}

/// Two classes that the person would have attended at one time, and how often.
type Overlaps = BTreeMap<(String, String), usize>;

impl Registry {
    /// The record that stands for a person.
    pub(super) async fn root_of(&self, worker: &WorkerId) -> Result<WorkerId, Error> {
        let wanted = worker.to_string();
        let persons = self.store.read(move |conn| store::list_persons(conn, &[wanted])).await?;
        super::stored(persons.root_of(worker.as_str()))
    }

    /// Every record of a person, the one that stands for it first.
    pub(super) async fn person_of(&self, worker: &WorkerId) -> Result<Vec<String>, Error> {
        let wanted = worker.to_string();
        Ok(self.store.read(move |conn| store::person_of(conn, &wanted)).await?)
    }

    /// Joins two records of one person. A dry run tells what speaks against it.
    pub async fn merge_workers(&self, actor: &Actor, order: &MergeOrder, is_dry_run: bool, intent: &Intent<MergeView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::MergeWorkers)?;
        super::again_when_stale(async || self.try_merge_workers(actor, order, is_dry_run, intent).await).await
    }

    async fn try_merge_workers(&self, actor: &Actor, order: &MergeOrder, is_dry_run: bool, intent: &Intent<MergeView>) -> Result<Answer, Error> {
        let (kept, merged) = self.check_merge(order).await?;
        let ids = vec![order.worker.to_string(), order.merged.to_string()];
        let wanted = ids.clone();
        let overlaps = self.store.read_snapshot(move |conn| find_overlaps(conn, &wanted)).await?;
        let row = WorkerMergeRow {
            id: self.new_id(MergeId::new).to_string(),
            worker_id: order.worker.to_string(),
            merged_worker_id: order.merged.to_string(),
            reason: order.reason.clone(),
            decision_document: order.decision_document.clone(),
            organisation_id: actor.organisation.as_ref().map(ToString::to_string),
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        let view = MergeView { row: row.clone(), end: None, warnings: warnings_of(&kept, &merged, &overlaps), is_new: !is_dry_run };
        if is_dry_run {
            return Ok((intent.render)(&view));
        }
        let raised = self.overlap_signals(&row, overlaps.clone()).await?;
        let (answer, kept_answer) = self.answer(intent, &view);
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                kept_answer.keep(tx)?;
                worker_store::lock_workers(tx.conn, &ids)?;
                // A record that was joined meanwhile stands for nobody.
                if !(store::is_root(tx.conn, &row.worker_id)? && store::is_root(tx.conn, &row.merged_worker_id)?) {
                    return Err(StoreError::Stale);
                }
                // Attendance that came in between belongs to what is told of the join.
                if find_overlaps(tx.conn, &ids)? != overlaps {
                    return Err(StoreError::Stale);
                }
                store::insert_merge(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                for signal in signals::insert_new_signals(tx.conn, raised.clone())? {
                    tx.record(Fact::of(None, &signal)?);
                }
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::Merged) => Error::Stale,
                other => other.into(),
            })?;
        self.standings.forget_all();
        Ok(answer)
    }

    /// Both records, if they can be joined.
    async fn check_merge(&self, order: &MergeOrder) -> Result<(Worker, Worker), Error> {
        if order.worker == order.merged {
            return Err(Error::invalid("merged_worker_id", Text::new("another record expected", "应为另一份档案")));
        }
        let kept = self.load_worker(&order.worker).await?;
        let merged = match self.load_worker(&order.merged).await {
            Err(Error::NotFound) => return Err(Error::invalid("merged_worker_id", Text::new("no such worker", "没有该劳动者"))),
            other => other?,
        };
        for (field, worker) in [("worker_id", &order.worker), ("merged_worker_id", &order.merged)] {
            let root = self.root_of(worker).await?;
            if root != *worker {
                let detail = Text::new(format!("the record is joined to {root} already; name that one"), format!("该档案已并入 {root}，请使用后者"));
                return Err(Error::Refused(vec![Violation::deny("FORM", detail).at(field).fact("stands_for", root)]));
            }
        }
        Ok((kept, merged))
    }

    /// SV-9: one person in two places at once.
    async fn overlap_signals(&self, row: &WorkerMergeRow, overlaps: Overlaps) -> Result<Vec<SignalRow>, Error> {
        let mut raised = Vec::new();
        for ((one, other), count) in overlaps.into_iter().take(SIGNALS_MAX) {
            let wanted = other.clone();
            let class = self.store.read(move |conn| training::find_class(conn, &wanted)).await?.ok_or_else(|| Error::Internal("a class of an interval is gone".to_owned()))?;
            raised.push(SignalRow {
                id: self.new_id(SignalId::new).to_string(),
                signal_key: format!("merge_overlap/{}/{one}/{other}", row.id),
                kind: "attendance_overlap".to_owned(),
                rule: "HR-5".to_owned(),
                organisation_id: class.organisation_id,
                worker_id: Some(row.worker_id.clone()),
                facts: json!({ "merge_id": row.id, "class_id": other, "other_class_id": one, "overlaps": count }).to_string(),
                raised_at: row.recorded_at,
            });
        }
        Ok(raised)
    }

    /// Every join that touches a record, in the order in which they were recorded.
    pub async fn list_merges(&self, actor: &Actor, worker: &WorkerId) -> Result<Vec<MergeView>, Error> {
        self.authorise(actor, Act::MergeWorkers)?;
        let wanted = worker.to_string();
        let found = self.store.read(move |conn| store::list_merges(conn, &wanted)).await?;
        if found.is_empty() {
            self.load_worker(worker).await?;
        }
        Ok(found.into_iter().map(view_of).collect())
    }

    /// Parts two records again. The first end stays.
    pub async fn undo_merge(&self, actor: &Actor, worker: &WorkerId, merge: &MergeId, reason: &str, intent: &Intent<MergeView>) -> Result<Answer, Error> {
        let mut view = self.list_merges(actor, worker).await?.into_iter().find(|view| view.row.id == merge.as_str() && view.row.worker_id == worker.as_str()).ok_or(Error::NotFound)?;
        if view.end.is_some() {
            return self.answer_known(intent, &view).await;
        }
        let row = WorkerMergeEndRow { merge_id: merge.to_string(), reason: reason.to_owned(), recorded_at: self.now_micros(), recorded_by: actor.client.to_string() };
        (view.end, view.is_new) = (Some(row.clone()), true);
        let (answer, kept) = self.answer(intent, &view);
        let organisation = actor.organisation.clone();
        let ids = vec![view.row.worker_id, view.row.merged_worker_id];
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                worker_store::lock_workers(tx.conn, &ids)?;
                store::insert_merge_end(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::MergeEnd) => Error::Conflict(Text::new("the records were parted meanwhile", "该合并已被撤销")),
                other => other.into(),
            })?;
        self.standings.forget_all();
        Ok(answer)
    }
}

fn view_of((row, end): FoundMerge) -> MergeView {
    MergeView { row, end, warnings: Vec::new(), is_new: false }
}

/// Times at which the person would have been in two classes, by the pairs of classes.
fn find_overlaps(conn: &mut Conn, workers: &[String]) -> Result<Overlaps, StoreError> {
    let persons = store::list_persons(conn, workers)?;
    let everybody = persons.everybody(workers);
    let mut intervals: Vec<IntervalRow> = attendance::list_intervals(conn, &everybody, Window { from: i64::MIN, to: i64::MAX }, i64::MAX)?;
    intervals.sort_by_key(|row| row.started_at);
    let mut overlaps = Overlaps::new();
    let mut latest: Option<IntervalRow> = None;
    for row in intervals {
        if let Some(before) = latest.as_ref().filter(|before| before.ended_at > row.started_at) {
            *overlaps.entry((before.class_id.clone(), row.class_id.clone())).or_default() += 1;
        }
        if latest.as_ref().is_none_or(|before| before.ended_at < row.ended_at) {
            latest = Some(row);
        }
    }
    Ok(overlaps)
}

fn warnings_of(kept: &Worker, merged: &Worker, overlaps: &Overlaps) -> Vec<Violation> {
    let mut warnings = Vec::new();
    if kept.name != merged.name {
        warnings.push(Violation::warn("PR-1", Text::new("the names of the two records differ", "两份档案姓名不同")).at("merged_worker_id"));
    }
    if let (Some(one), Some(other)) = (kept.birth(), merged.birth())
        && one != other
    {
        warnings.push(Violation::warn("PR-1", Text::new("the documents of the two records tell different dates of birth", "两份档案证件的出生日期不同")).at("merged_worker_id"));
    }
    let count: usize = overlaps.values().sum();
    if count > 0 {
        let detail = Text::new(format!("the person would have been in two places at once {count} times; joining raises signals"), format!("合并后有 {count} 次出勤时间重叠，将产生监管信号"));
        warnings.push(Violation::warn("HR-5", detail).at("merged_worker_id").fact("overlaps", count));
    }
    warnings
}
