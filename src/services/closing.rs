//! Closing a class: attendance becomes credited hours, hours become credits, and the working is kept. And its opposite: a class that
//! is declared false gives nothing.

use super::Registry;
use super::attendance::{attendance_stamp, interval_of, window_of_days};
use super::credits::{AWARD, Posting, class_key, post};
use super::error::Error;
use super::intent::{Answer, Intent};
use super::references::WorkerReference;
use super::training::{ClassView, OpenedClass, refuse_annulled};
use crate::domain::access::{Act, Actor};
use crate::domain::attendance::Interval;
use crate::domain::credit::{AttendedMinutes, ClassAssessment, completion_findings, credit_findings, credited_hours, credits_of_hours};
use crate::domain::id::{ClassId, OrganisationId};
use crate::domain::rule::{RuleOutcome, Violation, invalid};
use crate::domain::text::Text;
use crate::domain::training_rules::TrainingRules;
use crate::store::attendance::{self as attendance_store, VoidRow};
use crate::store::backend::Conn;
use crate::store::counters;
use crate::store::credits as credit_store;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::training::{self as store, AnnulmentRow, ClassResultRow, ClosingRow};
use serde_json::json;
use std::collections::HashMap;

/// A closing, and what every trainee reached.
#[derive(Debug, Clone)]
pub struct ClosedClass {
    pub closing: ClosingRow,
    pub is_new: bool,
    /// What every trainee would reach; only of a closing that was tried and not made.
    pub results: Vec<ClassResultRow>,
}

/// Everything that a closing rests on.
struct Basis {
    trainees: Vec<String>,
    attended: HashMap<String, Vec<Interval>>,
    /// Of the attendance.
    stamp: i64,
}

impl Registry {
    /// Closes a class of the actor's own organisation, or only works out what that would give. Whoever is not named was not assessed.
    /// Closing again changes nothing.
    pub async fn close_class(&self, actor: &Actor, id: &ClassId, assessed: &[(WorkerReference, ClassAssessment)], is_dry_run: bool, intent: &Intent<ClosedClass>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_close_class(actor, id, assessed, is_dry_run, intent).await).await
    }

    async fn try_close_class(&self, actor: &Actor, id: &ClassId, assessed: &[(WorkerReference, ClassAssessment)], is_dry_run: bool, intent: &Intent<ClosedClass>) -> Result<Answer, Error> {
        let (class, provider) = self.own_class(actor, id).await?;
        if let Some(closing) = class.closing {
            return self.answer_known(intent, &ClosedClass { closing, is_new: false, results: Vec::new() }).await;
        }
        refuse_annulled(&class)?;
        let (today, last) = (self.clock.today(), class.row.last_on);
        if today < last {
            let detail = Text::new(format!("the class lasts until {last}; it cannot be closed before"), format!("培训班至 {last} 结束，此前不能结班"));
            return Err(Error::Refused(vec![Violation::deny("HR-6", detail).fact("last_on", last).fact("today", today)]));
        }
        let workers = self.resolve_workers(&assessed.iter().map(|(worker, _)| worker).collect::<Vec<_>>(), "results").await?;
        let basis = self.read_closing_basis(&class).await?;
        let workers = self.as_listed(workers, |worker| basis.trainees.binary_search_by(|trainee| trainee.as_str().cmp(worker)).is_ok()).await?;
        let strangers = workers.iter().enumerate().filter(|(_, worker)| basis.trainees.binary_search(worker).is_err());
        let faults: Vec<Violation> = strangers.map(|(index, _)| invalid(format!("results[{index}]"), Text::new("the worker is not on the list of this class", "该劳动者不在本班学员名单中"))).collect();
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let assessments: HashMap<String, ClassAssessment> = workers.into_iter().zip(assessed.iter().map(|(_, assessment)| *assessment)).collect();
        let rules = self.catalogue().training_rules_on(class.row.first_on);
        let (results, postings) = self.work_out(&class, &provider, &basis, (&assessments, &rules), actor)?;
        let closing = ClosingRow {
            class_id: id.to_string(),
            rules: rules.version,
            trainees: i32::try_from(results.len()).unwrap_or(i32::MAX),
            completed: i32::try_from(results.iter().filter(|row| row.completed).count()).unwrap_or(i32::MAX),
            closed_on: today,
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        if is_dry_run {
            return self.answer_known(intent, &ClosedClass { closing, is_new: false, results }).await;
        }
        let (answer, kept) = self.answer(intent, &ClosedClass { closing: closing.clone(), is_new: true, results: Vec::new() });
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                // Fails when the list, or any interval, came in meanwhile; the same way those wait for this one.
                tx.move_stamp_from(&closing.class_id, class.stamp)?;
                tx.expect_stamp(&attendance_stamp(&closing.class_id), basis.stamp)?;
                store::insert_closing(tx.conn, &closing)?;
                tx.record(Fact::of(Some(&provider), &closing)?);
                store::insert_class_results(tx.conn, &results)?;
                for row in &results {
                    tx.record(Fact::of(Some(&provider), row)?);
                }
                post(tx, &postings)
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::ClassClosing | Constraint::CreditSequence | Constraint::CreditAchievement) => Error::Stale,
                other => other.into(),
            })?;
        Ok(answer)
    }

    async fn read_closing_basis(&self, class: &ClassView) -> Result<Basis, Error> {
        let window = window_of_days(class.row.first_on, class.row.last_on);
        let class_id = class.row.id.clone();
        let read = move |conn: &mut Conn| {
            // The stamp comes first: what comes in behind it makes the closing start anew.
            let stamp = counters::read_stamp(conn, &counters::stamp_of(&attendance_stamp(&class_id)))?;
            let mut trainees = store::list_trainees(conn, &class_id)?;
            trainees.sort();
            let rows: Vec<_> = attendance_store::list_intervals(conn, &trainees, window, i64::MAX)?.into_iter().filter(|row| row.class_id == class_id).collect();
            Ok((stamp, trainees, rows))
        };
        let (stamp, trainees, rows) = self.store.read_snapshot(read).await?;
        let mut attended: HashMap<String, Vec<Interval>> = HashMap::new();
        for row in rows {
            let interval = interval_of(&row)?;
            attended.entry(row.worker_id).or_default().push(interval);
        }
        Ok(Basis { trainees, attended, stamp })
    }

    /// What every trainee reached, and the credits that are due.
    fn work_out(&self, class: &ClassView, provider: &OrganisationId, basis: &Basis, (assessments, rules): (&HashMap<String, ClassAssessment>, &TrainingRules), actor: &Actor) -> Result<(Vec<ClassResultRow>, Vec<Posting>), Error> {
        let (opened, now) = (OpenedClass::of(&class.row)?, self.now_micros());
        let plan = opened.plan(&class.row);
        let (mut results, mut postings) = (Vec::with_capacity(basis.trainees.len()), Vec::new());
        for worker in &basis.trainees {
            let assessment = assessments.get(worker).copied().unwrap_or(ClassAssessment::Absent);
            let working = credited_hours(&plan, AttendedMinutes::of(basis.attended.get(worker).into_iter().flatten()), rules);
            let findings = completion_findings(&plan, &working, assessment, rules);
            results.push(ClassResultRow {
                class_id: class.row.id.clone(),
                worker_id: worker.clone(),
                assessment: assessment.as_str().to_owned(),
                credited_minutes: working.credited_minutes,
                credited_hours: working.credited_hours,
                completed: findings.iter().all(|finding| finding.outcome == RuleOutcome::Warn),
                working: json!({ "figures": working, "findings": super::bulk_issuing::list(&findings) }).to_string(),
                recorded_at: now,
            });
            if !credit_findings(&working, assessment).is_empty() {
                continue;
            }
            let (hours, credits) = (working.credited_hours, credits_of_hours(working.credited_hours, rules));
            postings.push(Posting {
                id: self.new_entry_id(),
                worker_id: worker.clone(),
                kind: AWARD,
                source: "class".to_owned(),
                achievement_key: class_key(&class.row.id, worker),
                amount: credits,
                reverses: None,
                rule: "CR-1",
                rule_version: rules.version,
                facts: json!({
                    "class_id": class.row.id, "assessment": assessment.as_str(), "figures": working, "credit_hours": rules.credit_hours,
                    "arithmetic": format!("floor({hours} * 10 / {}) / 10 = {credits}", rules.credit_hours),
                }),
                earned_on: class.row.last_on,
                organisation_id: Some(provider.clone()),
                posted_at: now,
                posted_by: actor.client.to_string(),
            });
        }
        Ok((results, postings))
    }

    /// Declares a class false: its attendance is voided, and its credits are reversed (CR-6).
    pub async fn annul_class(&self, actor: &Actor, id: &ClassId, reason: &str, decision_document: &str, intent: &Intent<(AnnulmentRow, bool)>) -> Result<Answer, Error> {
        self.authorise(actor, Act::AnnulClass)?;
        super::again_when_stale(async || self.try_annul_class(actor, id, reason, decision_document, intent).await).await
    }

    async fn try_annul_class(&self, actor: &Actor, id: &ClassId, reason: &str, decision_document: &str, intent: &Intent<(AnnulmentRow, bool)>) -> Result<Answer, Error> {
        let class = self.load_class(id).await?;
        if let Some(annulment) = class.annulment {
            return self.answer_known(intent, &(annulment, false)).await;
        }
        let provider: OrganisationId = super::stored(&class.row.organisation_id)?;
        let (class_id, window) = (id.to_string(), window_of_days(class.row.first_on, class.row.last_on));
        let read = move |conn: &mut Conn| {
            let stamp = counters::read_stamp(conn, &counters::stamp_of(&attendance_stamp(&class_id)))?;
            let trainees = store::list_trainees(conn, &class_id)?;
            let keys: Vec<String> = trainees.iter().map(|worker| class_key(&class_id, worker)).collect();
            let intervals = attendance_store::list_intervals(conn, &trainees, window, i64::MAX)?;
            let last_void = attendance_store::list_voids(conn, &trainees, window)?.iter().map(|void| void.recorded_at).max().unwrap_or(0);
            Ok((stamp, last_void, credit_store::list_by_achievements(conn, &keys)?, intervals.into_iter().filter(|row| row.class_id == class_id).collect::<Vec<_>>()))
        };
        let (stamp, last_void, awards, intervals) = self.store.read_snapshot(read).await?;
        // Clocks of two nodes may differ; an audit must tell these voids from those that the closing knew.
        let now = self.now_micros().max(class.closing.as_ref().map_or(0, |closing| closing.recorded_at) + 1).max(last_void + 1);
        // Nobody was there: the workers' time is free for what they really did.
        let voids: Vec<VoidRow> = intervals
            .into_iter()
            .map(|row| VoidRow { worker_id: row.worker_id, started_at: row.started_at, revision: row.revision, reason: "the class was declared false".to_owned(), recorded_at: now, recorded_by: actor.client.to_string() })
            .collect();
        let facts = json!({ "class_id": id.as_str(), "reason": reason, "decision_document": decision_document });
        let postings = self.reversals_of_class(&awards, &facts, now, actor.client.as_str())?;
        let row = AnnulmentRow {
            class_id: id.to_string(),
            reason: reason.to_owned(),
            decision_document: decision_document.to_owned(),
            recorded_at: now,
            recorded_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &(row.clone(), true));
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                // Fails when the class was closed meanwhile: then there are more credits to reverse.
                tx.move_stamp_from(&row.class_id, class.stamp)?;
                tx.expect_stamp(&attendance_stamp(&row.class_id), stamp)?;
                store::insert_annulment(tx.conn, &row)?;
                tx.record(Fact::of(Some(&provider), &row)?);
                attendance_store::insert_voids(tx.conn, &voids)?;
                for void in &voids {
                    tx.record(Fact::of(Some(&provider), void)?);
                }
                post(tx, &postings)
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::ClassAnnulment | Constraint::AttendanceVoid | Constraint::CreditSequence | Constraint::CreditAchievement) => Error::Stale,
                other => other.into(),
            })?;
        Ok(answer)
    }
}
