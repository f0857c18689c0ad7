//! Attendance intervals and their voids. That nobody is in two places at once is a rule of the table itself (HR-5).

use super::backend::{Conn, on};
pub use super::bulk::{insert_intervals, insert_voids};
use super::error::StoreError;
use super::schema::training::{attendance_intervals, attendance_voids};
use diesel::prelude::*;
use diesel::dsl::{exists, not};
use serde::Serialize;

/// One interval; instants in microseconds since 1970.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = attendance_intervals, treat_none_as_default_value = false)]
pub struct IntervalRow {
    pub worker_id: String,
    pub started_at: i64,
    /// How many intervals of the worker began at this moment before and were voided.
    pub revision: i32,
    pub ended_at: i64,
    pub class_id: String,
    pub mode: String,
    pub part: String,
    /// How it came in: `upload` or `xapi`.
    pub source: String,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// An interval that was recorded wrongly.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = attendance_voids, treat_none_as_default_value = false)]
pub struct VoidRow {
    pub worker_id: String,
    pub started_at: i64,
    pub revision: i32,
    pub reason: String,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// A stretch of time, the end not included, in microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

/// Whether an interval was void at a moment.
macro_rules! is_void {
    () => {
        is_void!(i64::MAX)
    };
    ($at:expr) => {
        exists(
            attendance_voids::table
                .filter(attendance_voids::worker_id.eq(attendance_intervals::worker_id))
                .filter(attendance_voids::started_at.eq(attendance_intervals::started_at))
                .filter(attendance_voids::revision.eq(attendance_intervals::revision))
                .filter(attendance_voids::recorded_at.le($at)),
        )
    };
}

/// Intervals of these workers that begin in a window, whatever their class, without those that were void at a moment.
pub fn list_intervals(conn: &mut Conn, worker_ids: &[String], window: Window, at: i64) -> Result<Vec<IntervalRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in worker_ids.chunks(500) {
        let rows: Vec<IntervalRow> = on!(conn, |c| attendance_intervals::table
            .filter(attendance_intervals::worker_id.eq_any(chunk))
            .filter(attendance_intervals::started_at.ge(window.from))
            .filter(attendance_intervals::started_at.lt(window.to))
            .filter(not(is_void!(at)))
            .select(IntervalRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Intervals of these workers that begin at any of these moments, without those that were void at `at`.
pub fn list_intervals_beginning(conn: &mut Conn, begun: &[(String, i64)], at: i64) -> Result<Vec<IntervalRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in begun.chunks(250) {
        let (workers, moments): (Vec<&String>, Vec<i64>) = chunk.iter().map(|(worker, at)| (worker, *at)).unzip();
        let rows: Vec<IntervalRow> = on!(conn, |c| attendance_intervals::table
            .filter(attendance_intervals::worker_id.eq_any(&workers))
            .filter(attendance_intervals::started_at.eq_any(&moments))
            .filter(not(is_void!(at)))
            .order((attendance_intervals::worker_id, attendance_intervals::started_at, attendance_intervals::revision))
            .select(IntervalRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// How many intervals of these workers begin in a window, voided ones included. Rows never vanish, so the same number is the same set.
pub fn count_intervals(conn: &mut Conn, worker_ids: &[String], window: Window) -> Result<i64, StoreError> {
    let mut count = 0;
    for chunk in worker_ids.chunks(500) {
        count += on!(conn, |c| attendance_intervals::table
            .filter(attendance_intervals::worker_id.eq_any(chunk))
            .filter(attendance_intervals::started_at.ge(window.from))
            .filter(attendance_intervals::started_at.lt(window.to))
            .count()
            .get_result::<i64>(c))?;
    }
    Ok(count)
}

/// What was voided of these workers' intervals that begin in a window.
pub fn list_voids(conn: &mut Conn, worker_ids: &[String], window: Window) -> Result<Vec<VoidRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in worker_ids.chunks(500) {
        let rows: Vec<VoidRow> = on!(conn, |c| attendance_voids::table
            .filter(attendance_voids::worker_id.eq_any(chunk))
            .filter(attendance_voids::started_at.ge(window.from))
            .filter(attendance_voids::started_at.lt(window.to))
            .select(VoidRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// The interval of a worker that begins at a moment and is not voided.
pub fn find_interval(conn: &mut Conn, worker_id: &str, started_at: i64) -> Result<Option<IntervalRow>, StoreError> {
    Ok(on!(conn, |c| attendance_intervals::table
        .filter(attendance_intervals::worker_id.eq(worker_id))
        .filter(attendance_intervals::started_at.eq(started_at))
        .filter(not(is_void!()))
        .select(IntervalRow::as_select())
        .get_result(c)
        .optional())?)
}

/// A page of one worker's intervals in one class, in the order of time.
pub fn list_intervals_in_class(conn: &mut Conn, class_id: &str, worker_id: &str, after: i64, limit: i64) -> Result<Vec<IntervalRow>, StoreError> {
    Ok(on!(conn, |c| attendance_intervals::table
        .filter(attendance_intervals::worker_id.eq(worker_id))
        .filter(attendance_intervals::started_at.gt(after))
        .filter(attendance_intervals::class_id.eq(class_id))
        .filter(not(is_void!()))
        .order(attendance_intervals::started_at)
        .limit(limit)
        .select(IntervalRow::as_select())
        .load(c))?)
}

pub fn insert_void(conn: &mut Conn, row: &VoidRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(attendance_voids::table).values(row).execute(c))?;
    Ok(())
}
