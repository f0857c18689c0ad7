//! Attendance: intervals in bulk, row by row or all or none, and the voids of what was recorded wrongly.
//!
//! A step of rows is decided on one reading of the workers' other intervals, and written in one transaction, which first looks
//! whether that reading is still whole. What came in between is decided anew; the table refuses an overlap in any case (HR-5).

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::references::WorkerReference;
use super::training::{ClassView, refuse_closed};
use crate::clock::from_micros;
use crate::domain::access::Actor;
use crate::domain::attendance::{Attendance, ClassFrame, Interval, Taken};
use crate::domain::calendar::legal_date;
use crate::domain::id::{ClassId, OrganisationId, SignalId, WorkerId};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::domain::training_rules::TrainingRules;
use crate::store::attendance::{self as store, IntervalRow, VoidRow, Window};
use crate::store::backend::Conn;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::merges::{self, Persons};
use crate::store::signals::{self, SignalRow};
use crate::store::stretch::Stretch;
use crate::store::training as class_store;
use crate::store::workers as worker_store;
use crate::store::writer::Tx;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// Rows that are decided and written together.
pub const ATTENDANCE_STEP: usize = 2_000;
/// Most rows that are recorded all or none: they are one transaction.
const ALL_OR_NONE_MAX: usize = 10_000;
/// Where intervals come from that a clerk has uploaded.
const UPLOAD: &str = "upload";
const DAY_MICROS: i64 = 86_400_000_000;

/// One row of an upload: its place in the file, and the worker and interval or what is wrong with it.
pub struct AttendanceOrder {
    pub row: usize,
    pub content: Result<(WorkerReference, Interval), Vec<Violation>>,
}

impl AttendanceOrder {
    fn worker(&self) -> Option<&WorkerReference> {
        self.content.as_ref().ok().map(|(worker, _)| worker)
    }
}

/// What became of an upload.
#[derive(Debug, Clone, Default)]
pub struct RecordedAttendance {
    pub recorded: usize,
    /// Rows that say what was recorded already.
    pub unchanged: usize,
    /// Rows that were not recorded, with every reason.
    pub refused: Vec<(usize, Vec<Violation>)>,
}

/// What becomes of good rows when others are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnFault {
    KeepGoodRows,
    RefuseAll,
    /// Nothing is recorded, nor any signal raised: the rules are only asked.
    RecordNothing,
}

/// Rows on their way into the transaction, with what they were decided on.
pub(super) struct AttendanceInsert {
    provider: OrganisationId,
    class_id: String,
    stamp: i64,
    /// Those that the rows name.
    named: Vec<String>,
    /// Every record of these persons.
    workers: Vec<String>,
    window: Window,
    /// Intervals that were there when the rows were decided.
    known: i64,
    rows: Vec<IntervalRow>,
    /// Of each row, committed to where it was decided: the writer's time is everybody's.
    facts: Vec<Fact>,
    signals: Vec<SignalRow>,
}

/// What a step's decision came to.
pub(super) struct DecidedStep {
    pub insert: AttendanceInsert,
    unchanged: usize,
    pub refused: Vec<(usize, Vec<Violation>)>,
}

/// What moves with every interval of a class, so that a closing sees them all.
pub(super) fn attendance_stamp(class_id: &str) -> String {
    format!("attendance of {class_id}")
}

impl AttendanceInsert {
    pub(super) fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.raise_signals(tx)?;
        if self.rows.is_empty() {
            return Ok(());
        }
        // Fails when the class was closed or its list changed meanwhile.
        tx.expect_stamp(&self.class_id, self.stamp)?;
        tx.move_stamp(&attendance_stamp(&self.class_id))?;
        worker_store::lock_workers(tx.conn, &self.workers)?;
        // Records that were joined meanwhile are one person now.
        if merges::list_persons(tx.conn, &self.named)?.everybody(&self.named) != self.workers {
            return Err(StoreError::Stale);
        }
        if store::count_intervals(tx.conn, &self.workers, self.window)? != self.known {
            return Err(StoreError::Stale);
        }
        store::insert_intervals(tx.conn, &self.rows)?;
        self.facts.iter().for_each(|fact| tx.record(fact.clone()));
        Ok(())
    }

    fn raise_signals(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        for signal in signals::insert_new_signals(tx.conn, self.signals.clone())? {
            tx.record(Fact::of(Some(&self.provider), &signal)?);
        }
        Ok(())
    }
}

impl Registry {
    /// Records attendance in a class of the actor's own organisation, or only asks the rules. Sending the same rows again changes nothing.
    ///
    /// # Errors
    /// `Refused` with every row's reasons when the whole is to be refused and a row is; `Invalid` when it has too many rows for that.
    pub async fn record_attendance(&self, actor: &Actor, id: &ClassId, mut orders: Vec<AttendanceOrder>, on_fault: OnFault, intent: &Intent<RecordedAttendance>) -> Result<Answer, Error> {
        self.own_class(actor, id).await?;
        if on_fault == OnFault::RefuseAll && orders.len() > ALL_OR_NONE_MAX {
            let (found, most) = (orders.len(), ALL_OR_NONE_MAX);
            return Err(Error::invalid("on_fault", Text::new(format!("{found} rows found, at most {most} all or none expected; cut the file"), format!("共 {found} 行，整体提交最多 {most} 行，请拆分"))));
        }
        let mut recorded = RecordedAttendance::default();
        // Files come day by day, tables lie worker by worker: a step touches the pages of a hundred workers, and not of a whole class.
        // The rows of one worker keep their order.
        orders.sort_by(|one, other| one.worker().cmp(&other.worker()));
        let steps = if on_fault == OnFault::RefuseAll { vec![&orders[..]] } else { steps_of(&orders) };
        let (mut steps, mut decided) = (steps.into_iter(), None);
        loop {
            // While a step is written, the next one is decided. If it should have seen what was written, its own write says so.
            let (ready, next) = (decided.take(), steps.next());
            let (written, ahead) = tokio::join!(
                async {
                    match ready {
                        Some((orders, step)) => self.write_or_decide_anew(actor, id, orders, step, on_fault).await.map(Some),
                        None => Ok(None),
                    }
                },
                async {
                    match next {
                        Some(orders) => self.decide_own_step(actor, id, orders).await.map(|step| Some((orders, step))),
                        None => Ok(None),
                    }
                },
            );
            if let Some(done) = written? {
                recorded.recorded += done.recorded;
                recorded.unchanged += done.unchanged;
                recorded.refused.extend(done.refused);
            }
            decided = ahead?;
            if decided.is_none() {
                break;
            }
        }
        recorded.refused.sort_by_key(|(row, _)| *row);
        self.answer_known(intent, &recorded).await
    }

    async fn decide_own_step(&self, actor: &Actor, id: &ClassId, orders: &[AttendanceOrder]) -> Result<DecidedStep, Error> {
        let (class, provider) = self.own_class(actor, id).await?;
        refuse_closed(&class)?;
        self.decide_step(actor, &class, provider, orders, UPLOAD).await
    }

    async fn write_or_decide_anew(&self, actor: &Actor, id: &ClassId, orders: &[AttendanceOrder], step: DecidedStep, on_fault: OnFault) -> Result<RecordedAttendance, Error> {
        match self.write_attendance(step, on_fault).await {
            Err(Error::Stale) => super::again_when_stale(async || self.write_attendance(self.decide_own_step(actor, id, orders).await?, on_fault).await).await,
            done => done,
        }
    }

    async fn write_attendance(&self, mut step: DecidedStep, on_fault: OnFault) -> Result<RecordedAttendance, Error> {
        let mut done = RecordedAttendance { recorded: step.insert.rows.len(), unchanged: step.unchanged, refused: step.refused };
        if on_fault == OnFault::RecordNothing {
            return Ok(done);
        }
        let is_refused = on_fault == OnFault::RefuseAll && !done.refused.is_empty();
        if is_refused {
            step.insert.rows.clear();
        }
        if !step.insert.rows.is_empty() || !step.insert.signals.is_empty() {
            let insert = step.insert;
            // Somebody was faster: the rows are decided anew on what is there now.
            self.store.write(move |tx| insert.run(tx)).await.map_err(|error| match error {
                StoreError::Conflict(Constraint::AttendanceOverlap) => Error::Stale,
                other => other.into(),
            })?;
        }
        if is_refused {
            let mut rows = std::mem::take(&mut done.refused);
            rows.sort_by_key(|(row, _)| *row);
            let rows = rows.into_iter();
            return Err(Error::Refused(rows.flat_map(|(row, findings)| findings.into_iter().map(move |finding| at_row(row, finding))).collect()));
        }
        Ok(done)
    }

    /// `source` tells where the rows come from.
    pub(super) async fn decide_step(&self, actor: &Actor, class: &ClassView, provider: OrganisationId, orders: &[AttendanceOrder], source: &'static str) -> Result<DecidedStep, Error> {
        let references: Vec<&WorkerReference> = orders.iter().filter_map(|order| order.content.as_ref().ok().map(|(worker, _)| worker)).collect();
        let mut found = self.find_referenced(&references).await?.into_iter();
        let named: Vec<Result<(String, Interval), Vec<Violation>>> = orders
            .iter()
            .map(|order| match &order.content {
                Err(faults) => Err(faults.clone()),
                Ok((_, interval)) => match found.next() {
                    Some(Ok(worker)) => Ok((worker, *interval)),
                    Some(Err(why)) => Err(vec![invalid("worker_id", why)]),
                    None => Err(Vec::new()),
                },
            })
            .collect();
        let window = window_of(class, &named);
        let (class_id, ids, names) = (class.row.id.clone(), workers_of(&named), workers_of(&named));
        let read = move |conn: &mut Conn| {
            let trainees: HashSet<String> = class_store::list_trainees(conn, &class_id)?.into_iter().collect();
            // One person is in one place, however many records there are of them.
            let persons = merges::list_persons(conn, &ids)?;
            let workers = persons.everybody(&ids);
            let (count, voids) = (store::count_intervals(conn, &workers, window)?, store::list_voids(conn, &workers, window)?);
            let intervals = store::list_intervals(conn, &workers, window, i64::MAX)?;
            Ok((trainees, count, voids, intervals, persons, workers))
        };
        let (trainees, known, voids, intervals, persons, workers) = self.store.read_snapshot(read).await?;
        let mut revisions: HashMap<(String, i64), i32> = HashMap::new();
        for void in voids {
            let next = revisions.entry((void.worker_id, void.started_at)).or_default();
            *next = (void.revision + 1).max(*next);
        }
        let mut attendance: HashMap<String, Attendance> = HashMap::new();
        for row in intervals {
            let interval = interval_of(&row)?;
            attendance.entry(persons.root_of(&row.worker_id).to_owned()).or_default().add(interval, row.class_id);
        }
        let rules = self.catalogue().training_rules_on(class.row.first_on);
        let mut judge = Judge { registry: self, actor, class, source, provider: &provider, rules: &rules, now: self.clock.now(), trainees, persons, attendance, revisions, rows: Vec::new(), signals: Vec::new() };
        let (mut unchanged, mut refused) = (0, Vec::new());
        for (order, named) in orders.iter().zip(named) {
            match named.and_then(|(worker, interval)| judge.take(worker, interval)) {
                Ok(true) => {}
                Ok(false) => unchanged += 1,
                Err(findings) => refused.push((order.row, findings)),
            }
        }
        let Judge { mut rows, signals, .. } = judge;
        // In the order of the table, so that neighbours are written together and two nodes lock in one order.
        rows.sort_by(|one, other| (&one.worker_id, one.started_at).cmp(&(&other.worker_id, other.started_at)));
        let facts = rows.iter().map(|row| Ok(Fact::of(Some(&provider), row)?.committed(self.entropy.bytes()))).collect::<Result<_, StoreError>>()?;
        Ok(DecidedStep { insert: AttendanceInsert { provider, class_id: class.row.id.clone(), stamp: class.stamp, named: names, workers, window, known, rows, facts, signals }, unchanged, refused })
    }

    /// Voids intervals of an open class that were recorded wrongly: they stay in the record, and their time is free again.
    pub async fn void_attendance(&self, actor: &Actor, id: &ClassId, worker: &WorkerId, started_at: DateTime<Utc>, reason: String, intent: &Intent<(IntervalRow, VoidRow)>) -> Result<Answer, Error> {
        let (class, provider) = self.own_class(actor, id).await?;
        refuse_closed(&class)?;
        let (wanted, at) = (worker.to_string(), started_at.timestamp_micros());
        let found = self.store.read(move |conn| store::find_interval(conn, &wanted, at)).await?.filter(|row| row.class_id == id.as_str());
        let Some(interval) = found else {
            return Err(Error::invalid("started_at", Text::new("no interval of this worker in this class begins at this moment", "本班没有该劳动者于该时刻开始的考勤记录")));
        };
        let row = VoidRow {
            worker_id: interval.worker_id.clone(),
            started_at: interval.started_at,
            revision: interval.revision,
            reason,
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &(interval, row.clone()));
        let class_id = id.to_string();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                tx.expect_stamp(&class_id, class.stamp)?;
                tx.move_stamp(&attendance_stamp(&class_id))?;
                store::insert_void(tx.conn, &row)?;
                tx.record(Fact::of(Some(&provider), &row)?);
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::AttendanceVoid) => Error::Conflict(Text::new("the interval was voided meanwhile", "该考勤记录已被作废")),
                other => other.into(),
            })?;
        Ok(answer)
    }

    /// A page of a trainee's intervals in a class, in the order of time.
    pub async fn list_attendance(&self, actor: &Actor, id: &ClassId, worker: &WorkerId, after: i64, limit: i64) -> Result<Vec<IntervalRow>, Error> {
        self.get_class(actor, id).await?;
        let (class_id, worker) = (id.to_string(), worker.to_string());
        Ok(self.store.read(move |conn| store::list_intervals_in_class(conn, &class_id, &worker, after, limit)).await?)
    }

    /// A page of signals for those who supervise.
    pub async fn list_signals(&self, actor: &Actor, page: Stretch) -> Result<Vec<SignalRow>, Error> {
        self.authorise(actor, crate::domain::access::Act::ReadSignals)?;
        Ok(self.store.read(move |conn| signals::list_signals(conn, &page)).await?)
    }
}

/// Rows that are ordered by worker, cut into steps between two workers; only who has more rows than a step is cut through.
fn steps_of(orders: &[AttendanceOrder]) -> Vec<&[AttendanceOrder]> {
    let (mut steps, mut rest) = (Vec::new(), orders);
    while rest.len() > ATTENDANCE_STEP {
        let next = rest[ATTENDANCE_STEP].worker();
        let whole = rest[..ATTENDANCE_STEP].iter().rposition(|order| order.worker() != next).map_or(ATTENDANCE_STEP, |last| last + 1);
        let (step, behind) = rest.split_at(whole);
        steps.push(step);
        rest = behind;
    }
    steps.push(rest);
    steps
}

fn at_row(row: usize, finding: Violation) -> Violation {
    let at = finding.field.as_deref().filter(|field| *field != "row").map_or_else(|| format!("row {row}"), |field| format!("row {row}, {field}"));
    finding.at(at)
}

/// The workers that are named, each once.
fn workers_of(named: &[Result<(String, Interval), Vec<Violation>>]) -> Vec<String> {
    let mut workers: Vec<String> = named.iter().flatten().map(|(worker, _)| worker.clone()).collect();
    workers.sort();
    workers.dedup();
    workers
}

/// The days of the named intervals, as far as the class has them, and the days around: whatever can touch one begins in this window.
fn window_of(class: &ClassView, named: &[Result<(String, Interval), Vec<Violation>>]) -> Window {
    let starts = named.iter().flatten().map(|(_, interval)| interval.started_at.timestamp_micros());
    let (first, last) = starts.fold((i64::MAX, i64::MIN), |(first, last), at| (first.min(at), last.max(at)));
    let (first, last) = (first.max(midnight(class.row.first_on) - DAY_MICROS), last.min(midnight(class.row.last_on) + DAY_MICROS));
    Window { from: first - DAY_MICROS, to: (last + DAY_MICROS).max(first - DAY_MICROS) }
}

/// Everything that begins on the days of a class, seen from anywhere: days of China begin eight hours before those of the window.
pub(super) fn window_of_days(first_on: NaiveDate, last_on: NaiveDate) -> Window {
    Window { from: midnight(first_on) - DAY_MICROS, to: midnight(last_on) + 2 * DAY_MICROS }
}

fn midnight(day: NaiveDate) -> i64 {
    day.and_time(NaiveTime::MIN).and_utc().timestamp_micros()
}

pub(super) fn interval_of(row: &IntervalRow) -> Result<Interval, Error> {
    Ok(Interval { started_at: from_micros(row.started_at), ended_at: from_micros(row.ended_at), mode: super::stored(&row.mode)?, part: super::stored(&row.part)? })
}

/// Judges the rows of a step one after the other.
struct Judge<'a> {
    registry: &'a Registry,
    actor: &'a Actor,
    class: &'a ClassView,
    source: &'static str,
    provider: &'a OrganisationId,
    rules: &'a TrainingRules,
    now: DateTime<Utc>,
    trainees: HashSet<String>,
    persons: Persons,
    /// By the record that stands for the person.
    attendance: HashMap<String, Attendance>,
    revisions: HashMap<(String, i64), i32>,
    rows: Vec<IntervalRow>,
    signals: Vec<SignalRow>,
}

impl Judge<'_> {
    /// Whether the interval is new; or why it is refused.
    fn take(&mut self, named: String, interval: Interval) -> Result<bool, Vec<Violation>> {
        let person = self.persons.root_of(&named).to_owned();
        let worker = if self.trainees.contains(&named) { named } else { self.persons.records_of(&person).into_iter().find(|record| self.trainees.contains(record)).unwrap_or(named) };
        if !self.trainees.contains(&worker) {
            return Err(vec![Violation::deny("HR-6", Text::new("the worker is not on the list of this class", "该劳动者不在本班学员名单中")).at("worker_id")]);
        }
        let row = &self.class.row;
        let frame = ClassFrame { first_on: row.first_on, last_on: row.last_on, rules: self.rules, now: self.now };
        match self.attendance.entry(person).or_default().take(interval, &row.id, &frame) {
            Taken::Known => Ok(false),
            Taken::Refused(findings) => {
                let overlaps: Vec<SignalRow> = findings.iter().filter(|finding| finding.rule == "HR-5").map(|finding| self.signal(&worker, &interval, finding)).collect();
                self.signals.extend(overlaps);
                Err(findings)
            }
            Taken::New => {
                let started_at = interval.started_at.timestamp_micros();
                self.rows.push(IntervalRow {
                    revision: self.revisions.get(&(worker.clone(), started_at)).copied().unwrap_or(0),
                    worker_id: worker,
                    started_at,
                    ended_at: interval.ended_at.timestamp_micros(),
                    class_id: row.id.clone(),
                    mode: interval.mode.as_str().to_owned(),
                    part: interval.part.as_str().to_owned(),
                    source: self.source.to_owned(),
                    recorded_at: self.now.timestamp_micros(),
                    recorded_by: self.actor.client.to_string(),
                });
                Ok(true)
            }
        }
    }

    /// SV-9: the same overlap, sent again, is the same signal.
    fn signal(&self, worker: &str, interval: &Interval, finding: &Violation) -> SignalRow {
        let (from, to, class) = (interval.started_at.timestamp_micros(), interval.ended_at.timestamp_micros(), &self.class.row.id);
        // What it met may be another row of the same upload, which is no evidence against anybody else.
        let is_in_upload = self.rows.iter().any(|row| row.worker_id == worker && row.started_at < to && from < row.ended_at);
        let facts: serde_json::Map<String, serde_json::Value> = finding.facts.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        SignalRow {
            id: self.registry.new_id(SignalId::new).to_string(),
            signal_key: format!("attendance_overlap/{worker}/{class}/{from}/{to}"),
            kind: "attendance_overlap".to_owned(),
            rule: "HR-5".to_owned(),
            organisation_id: self.provider.to_string(),
            worker_id: Some(worker.to_owned()),
            facts: json!({ "class_id": class, "day": legal_date(interval.started_at), "started_at": interval.started_at, "ended_at": interval.ended_at, "is_in_upload": is_in_upload, "recorded": facts }).to_string(),
            raised_at: self.now.timestamp_micros(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orders(counts: &[usize]) -> Vec<AttendanceOrder> {
        let at = from_micros(0);
        let interval = Interval { started_at: at, ended_at: at, mode: crate::domain::attendance::Mode::Online, part: crate::domain::attendance::Part::Theory };
        let of = |(worker, count): (usize, &usize)| (0..*count).map(move |row| AttendanceOrder { row, content: Ok((WorkerReference::Id(format!("{worker:04}")), interval)) });
        counts.iter().enumerate().flat_map(of).collect()
    }

    #[test]
    fn steps_are_cut_between_workers() {
        let lengths = |counts: &[usize]| steps_of(&orders(counts)).iter().map(|step| step.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&[ATTENDANCE_STEP]), [ATTENDANCE_STEP]);
        assert_eq!(lengths(&[1_500, 600, 10]), [1_500, 610], "the second worker stays whole");
        assert_eq!(lengths(&[5_000]), [2_000, 2_000, 1_000], "only who has more rows than a step is cut through");
        assert_eq!(lengths(&[10, 3_000]), [10, 2_000, 1_000]);
    }
}
