//! Counters that hand out blocks of numbers: one statement, the same on both databases, correct under any concurrency.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::counters;
use diesel::prelude::*;
use std::ops::Range;

/// Takes the next `count` numbers of a counter, from 1 upward. A block that is not used stays a gap (IS-5 allows gaps, never reuse).
pub fn reserve(conn: &mut Conn, name: &str, count: i64) -> Result<Range<i64>, StoreError> {
    let next: i64 = on!(conn, |c| diesel::insert_into(counters::table)
        .values((counters::name.eq(name), counters::next.eq(1 + count)))
        .on_conflict(counters::name)
        .do_update()
        .set(counters::next.eq(counters::next + count))
        .returning(counters::next)
        .get_result(c))?;
    Ok(next - count..next)
}

/// Stamps: counters that grow with every change of what a decision rests on. A job that decided on a stamp reads it again in its
/// transaction; if it grew, somebody else changed the facts and the job decides anew.
pub fn read_stamp(conn: &mut Conn, name: &str) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| counters::table.find(name).select(counters::next).get_result(c).optional())?.unwrap_or(0))
}

/// Refuses to go on when a stamp is not the one that was decided on.
pub fn expect_stamp(conn: &mut Conn, name: &str, expected: i64) -> Result<(), StoreError> {
    if read_stamp(conn, name)? == expected { Ok(()) } else { Err(StoreError::Stale) }
}

/// Moves a stamp on; the row stays locked until the transaction ends.
pub fn bump_stamp(conn: &mut Conn, name: &str) -> Result<(), StoreError> {
    reserve(conn, name, 1).map(|_| ())
}

/// The stamp of an organisation (its state and filings) or of a session (its scores and publications).
pub fn stamp_of(id: &str) -> String {
    format!("stamp {id}")
}
