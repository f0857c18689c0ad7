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

/// Stamps: counters that grow with every change of what a decision rests on. A job that decided on a stamp compares it again in its
/// transaction ([`super::writer::Tx::expect_stamp`]); if it grew, somebody else changed the facts and the job decides anew.
pub fn read_stamp(conn: &mut Conn, name: &str) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| counters::table.find(name).select(counters::next).get_result(c).optional())?.unwrap_or(0))
}

/// Whether all these stamps, by what they stand for, are still as they were.
pub fn are_stamps(conn: &mut Conn, expected: &[(String, i64)]) -> Result<bool, StoreError> {
    for (of, stamp) in expected {
        if read_stamp(conn, &stamp_of(of))? != *stamp {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads a stamp and keeps it as it is until the transaction ends, also from other nodes.
pub(super) fn hold_stamp(conn: &mut Conn, name: &str) -> Result<i64, StoreError> {
    let sql = format!("SELECT next FROM counters WHERE name = {}{}", conn.parameter(), conn.row_share());
    let row: Option<Next> = on!(conn, |c| diesel::sql_query(&sql).bind::<diesel::sql_types::Text, _>(name).get_result(c).optional())?;
    Ok(row.map_or(0, |row| row.next))
}

/// Moves a stamp on and returns it; the row stays locked until the transaction ends.
pub(super) fn move_stamp(conn: &mut Conn, name: &str) -> Result<i64, StoreError> {
    Ok(reserve(conn, name, 1)?.end)
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    next: i64,
}

/// The stamp of an organisation (its state and filings) or of a session (its scores and publications).
pub fn stamp_of(id: &str) -> String {
    format!("stamp {id}")
}
