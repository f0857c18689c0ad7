//! Hours and credits, worked out again: attendance → credited hours → credits → balances.

use super::Audit;
use crate::domain::attendance::Interval;
use crate::domain::credit::{AttendedMinutes, HoursWorking, credited_hours, credits_of_hours};
use crate::domain::training_rules::TrainingRules;
use crate::services::attendance::{interval_of, window_of_days};
use crate::services::credits::{AWARD, COMPETITION, REVERSAL};
use crate::services::error::Error;
use crate::services::training::OpenedClass;
use crate::store::attendance as attendance_store;
use crate::store::backend::Conn;
use crate::store::credits::CreditEntryRow;
use crate::store::error::StoreError;
use crate::store::facts::{self, for_each};
use crate::store::training::{self as class_store, ClassResultRow};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// What is kept of an entry while its worker's ledger is replayed.
struct Replayed {
    worker: String,
    sequence: i32,
    balance: i32,
    /// Amounts of the worker's entries so far, for their reversals.
    amounts: HashMap<String, i32>,
    /// Awards for places that were taken back; each must be reversed before the ledger ends.
    unfounded: HashSet<String>,
}

fn corrupt(error: Error) -> StoreError {
    StoreError::Corrupt(format!("{error:?}"))
}

impl Audit<'_> {
    pub(super) fn ledger(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        // Class by class; the results of one are neighbours, and may go over the end of a page.
        let (mut last, mut of_class): (Option<ClassResultRow>, Vec<ClassResultRow>) = (None, Vec::new());
        loop {
            let page = facts::page_class_results(conn, last.as_ref())?;
            last = page.last().cloned();
            for row in page {
                self.fact("class_results", &row)?;
                if of_class.first().is_some_and(|first| first.class_id != row.class_id) {
                    self.hours(conn, &std::mem::take(&mut of_class))?;
                }
                of_class.push(row);
            }
            if last.is_none() {
                break;
            }
        }
        if !of_class.is_empty() {
            self.hours(conn, &of_class)?;
        }
        self.entries(conn)
    }

    /// The rules of a version, as the catalogue has them.
    fn rules(&self, version: i32) -> Option<TrainingRules> {
        self.registry.catalogue().training_rules_of(version)
    }

    /// What the trainees of one class reached, from their attendance.
    fn hours(&mut self, conn: &mut Conn, results: &[ClassResultRow]) -> Result<(), StoreError> {
        let class_id = &results[0].class_id;
        let (class, closing) = (class_store::find_class(conn, class_id)?, class_store::find_closing(conn, class_id)?);
        let (Some(class), Some(closing)) = (class, closing) else {
            self.fault(format!("class_results {class_id}: its class or its closing is gone"));
            return Ok(());
        };
        let Some(rules) = self.rules(closing.rules) else {
            self.fault(format!("class_closings {class_id}: version {} of the rules is unknown", closing.rules));
            return Ok(());
        };
        // The attendance as the closing knew it: before all of it was voided with the class.
        let known_until = class_store::find_annulment(conn, class_id)?.map_or(i64::MAX, |annulment| annulment.recorded_at - 1);
        let opened = OpenedClass::of(&class).map_err(corrupt)?;
        let plan = opened.plan(&class);
        for chunk in results.chunks(500) {
            let workers: Vec<String> = chunk.iter().map(|row| row.worker_id.clone()).collect();
            let mut attended: HashMap<String, Vec<Interval>> = HashMap::new();
            for row in attendance_store::list_intervals(conn, &workers, window_of_days(class.first_on, class.last_on), known_until)?.into_iter().filter(|row| row.class_id == *class_id) {
                let interval = interval_of(&row).map_err(corrupt)?;
                attended.entry(row.worker_id).or_default().push(interval);
            }
            for row in chunk {
                let working = credited_hours(&plan, AttendedMinutes::of(attended.get(&row.worker_id).into_iter().flatten()), &rules);
                let stored: Option<HoursWorking> = serde_json::from_str::<Value>(&row.working).ok().and_then(|mut working| serde_json::from_value(working["figures"].take()).ok());
                let is_right = stored.as_ref() == Some(&working) && (row.credited_minutes, row.credited_hours) == (working.credited_minutes, working.credited_hours);
                if !is_right {
                    self.fault(format!("class_results {class_id}/{}: its hours do not follow from the attendance", row.worker_id));
                }
            }
        }
        Ok(())
    }

    /// Every posting again, in the order of each worker's ledger.
    fn entries(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut replayed: Option<Replayed> = None;
        for_each(conn, facts::page_credit_entries, |row| {
            self.fact("credit_entries", &row)?;
            let ledger = match replayed.take() {
                Some(ledger) if ledger.worker == row.worker_id => ledger,
                ended => {
                    self.end_ledger(ended);
                    Replayed { worker: row.worker_id.clone(), sequence: 0, balance: 0, amounts: HashMap::new(), unfounded: HashSet::new() }
                }
            };
            replayed = Some(self.replay(ledger, &row));
            Ok(())
        })?;
        self.end_ledger(replayed);
        Ok(())
    }

    fn end_ledger(&mut self, ledger: Option<Replayed>) {
        for entry in ledger.into_iter().flat_map(|ledger| ledger.unfounded) {
            self.fault(format!("credit_entries {entry}: it stands for a place in a competition that was taken back"));
        }
    }

    fn replay(&mut self, mut ledger: Replayed, row: &CreditEntryRow) -> Replayed {
        if row.sequence != ledger.sequence + 1 {
            self.fault(format!("credit_entries {}: an entry before it is missing", row.id));
        }
        ledger.balance += row.tenths;
        // A person with two records may spend from one what the other one earned.
        let may_be_below = row.kind == REVERSAL || self.known.once_joined.contains(&row.worker_id);
        if row.balance_tenths != ledger.balance || ledger.balance < 0 && !may_be_below {
            self.fault(format!("credit_entries {}: the entries up to it do not add up to its balance", row.id));
            ledger.balance = row.balance_tenths;
        }
        if row.kind == REVERSAL && row.reverses.as_ref().and_then(|entry| ledger.amounts.get(entry)) != Some(&-row.tenths) {
            self.fault(format!("credit_entries {}: it does not undo the entry that it names", row.id));
        }
        if let Some(reversed) = &row.reverses {
            ledger.unfounded.remove(reversed);
        }
        if row.kind == AWARD && row.source == COMPETITION {
            let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
            match facts["competition_result_id"].as_str().and_then(|id| self.known.results.get(id)) {
                Some(false) => {}
                Some(true) => {
                    ledger.unfounded.insert(row.id.clone());
                }
                None => self.fault(format!("credit_entries {}: the place in a competition that it stands for is gone", row.id)),
            }
        }
        if row.kind == AWARD && row.source == "class" && self.credits_of_class_award(row) != Some(row.tenths) {
            self.fault(format!("credit_entries {}: its credits do not follow from its hours", row.id));
        }
        ledger.sequence = row.sequence;
        ledger.amounts.insert(row.id.clone(), row.tenths);
        ledger
    }

    fn credits_of_class_award(&self, row: &CreditEntryRow) -> Option<i32> {
        let facts: Value = serde_json::from_str(&row.facts).ok()?;
        let hours = i32::try_from(facts["figures"]["credited_hours"].as_i64()?).ok()?;
        Some(credits_of_hours(hours, &self.rules(row.rule_version)?).tenths())
    }
}
