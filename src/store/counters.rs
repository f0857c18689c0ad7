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
