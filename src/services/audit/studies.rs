//! Attendance and statements of online platforms: each row against its entry, and the two against each other.

use super::Audit;
use crate::services::statements::{SOURCE, StatementOutcome, statement_place};
use crate::store::attendance::{IntervalRow, list_intervals_beginning};
use crate::store::backend::Conn;
use crate::store::error::StoreError;
use crate::store::facts;
use crate::store::merges::{self, Persons};
use crate::store::statements::{StatementRow, list_studies};
use crate::vault::Sealed;
use std::collections::HashSet;

/// Study of a person: the record that stands for them, the class, when it began and ended.
type Study = (String, String, i64, i64);

/// Who some study is of, and every record of theirs with the moment at which it began.
fn begun(conn: &mut Conn, studies: &[(&String, i64)]) -> Result<(Persons, Vec<(String, i64)>), StoreError> {
    let workers: HashSet<&String> = studies.iter().map(|(worker, _)| *worker).collect();
    let persons = merges::list_persons(conn, &workers.into_iter().cloned().collect::<Vec<_>>())?;
    let places = studies.iter().flat_map(|(worker, at)| persons.records_of(worker).into_iter().map(|record| (record, *at))).collect();
    Ok((persons, places))
}

impl Audit<'_> {
    pub(super) fn statements(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut last: Option<StatementRow> = None;
        loop {
            let page = facts::page_statements(conn, last.as_ref())?;
            for row in &page {
                self.fact("statements", row)?;
                self.sealed("statements", Sealed::Statement, &statement_place(row), &row.sealed_statement, &row.statement_hash);
            }
            self.expect_attendance(conn, &page)?;
            match page.last() {
                Some(row) => last = Some(row.clone()),
                None => return Ok(()),
            }
        }
    }

    /// Study that was recorded is attendance, or was until it was voided.
    fn expect_attendance(&mut self, conn: &mut Conn, page: &[StatementRow]) -> Result<(), StoreError> {
        let recorded: Vec<(&StatementRow, &String, i64)> =
            page.iter().filter(|row| row.outcome == StatementOutcome::Recorded.as_str()).filter_map(|row| Some((row, row.worker_id.as_ref()?, row.started_at?))).collect();
        let (persons, places) = begun(conn, &recorded.iter().map(|(_, worker, at)| (*worker, *at)).collect::<Vec<_>>())?;
        let intervals = list_intervals_beginning(conn, &places, i64::MIN)?;
        let found: HashSet<Study> = intervals.into_iter().map(|row| (persons.root_of(&row.worker_id).to_owned(), row.class_id, row.started_at, row.ended_at)).collect();
        for (row, worker, started_at) in recorded {
            let study = (persons.root_of(worker).to_owned(), row.class_id.clone().unwrap_or_default(), started_at, row.ended_at.unwrap_or_default());
            if !found.contains(&study) {
                self.fault(format!("statements {}: the attendance that it became is not there", row.id));
            }
        }
        Ok(())
    }

    pub(super) fn attendance(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut last: Option<IntervalRow> = None;
        loop {
            let page = facts::page_intervals(conn, last.as_ref())?;
            page.iter().try_for_each(|row| self.fact("attendance_intervals", row))?;
            self.expect_statements(conn, &page)?;
            match page.last() {
                Some(row) => last = Some(row.clone()),
                None => return Ok(()),
            }
        }
    }

    /// Attendance of platforms rests on a statement that stands, unless it was voided itself.
    fn expect_statements(&mut self, conn: &mut Conn, page: &[IntervalRow]) -> Result<(), StoreError> {
        let online: Vec<(&String, i64)> = page.iter().filter(|row| row.source == SOURCE).map(|row| (&row.worker_id, row.started_at)).collect();
        let (persons, places) = begun(conn, &online)?;
        let studies: HashSet<Study> = list_studies(conn, &places)?.into_iter().map(|study| (persons.root_of(&study.worker_id).to_owned(), study.class_id, study.started_at, study.ended_at)).collect();
        for row in list_intervals_beginning(conn, &places, i64::MAX)?.into_iter().filter(|row| row.source == SOURCE) {
            let place = format!("attendance_intervals {}/{}/{}", row.worker_id, row.started_at, row.revision);
            if !studies.contains(&(persons.root_of(&row.worker_id).to_owned(), row.class_id, row.started_at, row.ended_at)) {
                self.fault(format!("{place}: no statement that stands tells of it"));
            }
        }
        Ok(())
    }
}
