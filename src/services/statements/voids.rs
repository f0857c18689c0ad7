//! Statements that void others (xAPI 1.0.3, part two, 2.3.2): study that only a voided one tells of is no attendance any more.
//!
//! A statement may be voided before it comes, or while it is judged elsewhere. Whoever writes second sees the first, because both
//! hold the organisation's stamp, and decides anew. A closed class takes no void, as it takes no other change: what was credited
//! is put right by the registrar.

use super::super::Registry;
use super::super::attendance::attendance_stamp;
use super::super::error::Error;
use super::super::training::refuse_closed;
use super::{Arriving, Consequences, SOURCE, StatementOutcome};
use crate::domain::access::Actor;
use crate::domain::id::OrganisationId;
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::domain::xapi::VOIDED;
use crate::store::attendance::{self as attendance_store, IntervalRow, VoidRow};
use crate::store::backend::Conn;
use crate::store::error::StoreError;
use crate::store::log::Fact;
use crate::store::merges::{self, Persons};
use crate::store::statements::{self as store, StatementRow, StatementVoidRow, StudyRow};
use crate::store::writer::{PlaceSlot, Tx};
use std::collections::{HashMap, HashSet};

/// What moves with every statement of an organisation that tells of study or voids another.
fn statements_stamp(organisation: &OrganisationId) -> String {
    format!("statements of {organisation}")
}

/// What follows from statements that void others.
#[derive(Clone)]
pub(super) struct Voiding {
    targets: Vec<String>,
    /// What was decided on.
    known: Known,
    voids: Vec<StatementVoidRow>,
    intervals: Vec<VoidRow>,
    /// Classes that lose attendance, with the stamps that they had.
    classes: Vec<(String, i64)>,
}

/// What is known of the statements that are to be voided.
#[derive(Clone, PartialEq)]
struct Known {
    rows: Vec<StatementRow>,
    voids: Vec<StatementVoidRow>,
    /// Statements that stand and tell of study of the same workers at the same moments.
    studies: Vec<StudyRow>,
    /// Attendance that begins with that study.
    intervals: Vec<IntervalRow>,
    persons: Persons,
}

impl Known {
    fn read(conn: &mut Conn, organisation_id: &str, targets: &[String]) -> Result<Self, StoreError> {
        let rows = store::list_statements_by_ids(conn, organisation_id, targets)?;
        let voids = store::list_statement_voids(conn, organisation_id, targets)?;
        let workers: HashSet<String> = rows.iter().filter_map(|row| row.worker_id.clone()).collect();
        let persons = merges::list_persons(conn, &workers.into_iter().collect::<Vec<_>>())?;
        let begun = rows.iter().filter_map(|row| Some((row.worker_id.as_ref()?, row.started_at?)));
        let begun: Vec<(String, i64)> = begun.flat_map(|(worker, at)| persons.records_of(worker).into_iter().map(move |record| (record, at))).collect();
        Ok(Known { studies: store::list_studies(conn, &begun)?, intervals: attendance_store::list_intervals_beginning(conn, &begun, i64::MAX)?, rows, voids, persons })
    }

    /// The attendance that a statement's study became, unless another statement tells of the same study, or a clerk has uploaded it.
    fn interval_of(&self, target: &StatementRow, gone: &HashSet<&str>) -> Option<&IntervalRow> {
        if target.outcome != StatementOutcome::Recorded.as_str() {
            return None;
        }
        let person = self.persons.root_of(target.worker_id.as_deref()?);
        let is_same = |worker: &str, class: &str, started_at: i64, ended_at: i64| {
            self.persons.root_of(worker) == person && Some(class) == target.class_id.as_deref() && Some(started_at) == target.started_at && Some(ended_at) == target.ended_at
        };
        let is_told_elsewhere = self.studies.iter().any(|study| study.id != target.id && !gone.contains(study.id.as_str()) && is_same(&study.worker_id, &study.class_id, study.started_at, study.ended_at));
        self.intervals.iter().find(|row| !is_told_elsewhere && row.source == SOURCE && is_same(&row.worker_id, &row.class_id, row.started_at, row.ended_at))
    }
}

impl Voiding {
    pub(super) fn run(&self, tx: &mut Tx<'_>, organisation: &OrganisationId) -> Result<(), StoreError> {
        tx.move_stamp(&statements_stamp(organisation))?;
        if Known::read(tx.conn, organisation.as_str(), &self.targets)? != self.known {
            return Err(StoreError::Stale);
        }
        for (class, stamp) in &self.classes {
            // Fails when the class was closed meanwhile.
            tx.expect_stamp(class, *stamp)?;
            tx.move_stamp(&attendance_stamp(class))?;
        }
        store::insert_statement_voids(tx.conn, &self.voids)?;
        for row in &self.voids {
            tx.record(Fact::of(Some(organisation), row)?);
        }
        attendance_store::insert_voids(tx.conn, &self.intervals)?;
        for row in &self.intervals {
            tx.record(Fact::of(Some(organisation), row)?);
        }
        Ok(())
    }
}

/// Holds the stamp against whoever voids one of these statements, which tell of study, at this moment.
pub(super) fn expect_standing(tx: &mut Tx<'_>, organisation: &OrganisationId, ids: &[String]) -> Result<(), StoreError> {
    tx.move_stamp(&statements_stamp(organisation))?;
    if store::list_statement_voids(tx.conn, organisation.as_str(), ids)?.is_empty() { Ok(()) } else { Err(StoreError::Stale) }
}

impl Registry {
    /// Which of these statements are voided, and by which: earlier, or in this batch.
    pub(super) async fn find_voided(&self, provider: &OrganisationId, arriving: &[Arriving]) -> Result<HashMap<String, String>, Error> {
        let (of, ids): (String, Vec<String>) = (provider.to_string(), arriving.iter().map(|one| one.id.clone()).collect());
        let known = self.store.read(move |conn| store::list_statement_voids(conn, &of, &ids)).await?;
        let in_batch = arriving.iter().filter_map(|one| Some((one.statement.voids.clone()?, one.id.clone())));
        Ok(in_batch.chain(known.into_iter().map(|row| (row.statement_id, row.voided_by))).collect())
    }

    /// Takes statements that void others.
    pub(super) async fn void_statements(&self, actor: &Actor, provider: &OrganisationId, mut voiding: Vec<Arriving>, slot: PlaceSlot) -> Result<(), Error> {
        let targets: Vec<String> = voiding.iter().filter_map(|one| one.statement.voids.clone()).collect();
        let (of, wanted) = (provider.to_string(), targets.clone());
        let known = self.store.read_snapshot(move |conn| Known::read(conn, &of, &wanted)).await?;
        let voids_themselves: HashSet<String> = voiding.iter().map(|one| one.id.clone()).chain(known.rows.iter().filter(|row| row.verb == VOIDED).map(|row| row.id.clone())).collect();
        let mut gone: HashSet<&str> = known.voids.iter().map(|row| row.statement_id.as_str()).collect();
        let mut classes: HashMap<String, Result<i64, Vec<Violation>>> = HashMap::new();
        let (mut voids, mut intervals, now) = (Vec::new(), Vec::new(), self.now_micros());
        for (one, target) in voiding.iter_mut().zip(&targets) {
            if voids_themselves.contains(target) {
                let detail = Text::new("a statement that voids another cannot be voided", "用于作废的 statement 不能再被作废");
                (one.outcome, one.findings) = (StatementOutcome::Refused, vec![invalid("object.id", detail)]);
                continue;
            }
            if gone.contains(target.as_str()) {
                one.findings.push(Violation::warn("FORM", Text::new("the statement was voided before", "该 statement 此前已作废")).at("object.id"));
                continue;
            }
            let row = known.rows.iter().find(|row| row.id == *target);
            if let Some(interval) = row.and_then(|row| known.interval_of(row, &gone)) {
                if !classes.contains_key(&interval.class_id) {
                    let (view, _) = self.own_class(actor, &super::super::stored(&interval.class_id)?).await?;
                    classes.insert(interval.class_id.clone(), may_lose_attendance(&view)?);
                }
                if let Err(findings) = &classes[&interval.class_id] {
                    (one.outcome, one.findings) = (StatementOutcome::Refused, findings.clone());
                    continue;
                }
                intervals.push(VoidRow {
                    worker_id: interval.worker_id.clone(),
                    started_at: interval.started_at,
                    revision: interval.revision,
                    reason: format!("xAPI voided: {}", one.id),
                    recorded_at: now,
                    recorded_by: actor.client.to_string(),
                });
            }
            gone.insert(target);
            voids.push(StatementVoidRow { organisation_id: provider.to_string(), statement_id: target.clone(), voided_by: one.id.clone(), voided_at: now });
        }
        let classes = classes.into_iter().filter_map(|(class, stamp)| Some((class, stamp.ok()?))).collect();
        let following = Consequences { voiding: Some(Voiding { targets, known, voids, intervals, classes }), ..Consequences::default() };
        self.write_statements(actor, provider, voiding, following, slot).await
    }
}

/// The stamp of a class that is open, or why it takes no void.
fn may_lose_attendance(class: &super::super::training::ClassView) -> Result<Result<i64, Vec<Violation>>, Error> {
    match refuse_closed(class) {
        Ok(()) => Ok(Ok(class.stamp)),
        Err(Error::Refused(findings)) => Ok(Err(findings)),
        Err(other) => Err(other),
    }
}
