//! The credit ledger. Entries are only added; the sequence of a worker's entries and the achievement key are rules of the table.

use super::backend::{Conn, on};
pub use super::bulk::insert_credit_entries;
use super::error::StoreError;
use super::schema::training::credit_entries;
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;
use std::collections::HashMap;

/// One entry, in tenths of a credit. `facts` is a JSON text.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = credit_entries, treat_none_as_default_value = false)]
pub struct CreditEntryRow {
    pub id: String,
    pub worker_id: String,
    /// 1 for the worker's first.
    pub sequence: i32,
    /// `award`, `reversal` or `conversion`.
    pub kind: String,
    /// What it comes from: `class`, `certificate`, `competition`, or the programme of a conversion.
    pub source: String,
    /// What may be posted once (CR-2).
    pub achievement_key: String,
    pub tenths: i32,
    /// The worker's balance behind this entry.
    pub balance_tenths: i32,
    /// The entry that a reversal undoes.
    pub reverses: Option<String>,
    pub rule: String,
    pub rule_version: i32,
    pub facts: String,
    pub earned_on: NaiveDate,
    pub organisation_id: Option<String>,
    pub posted_at: i64,
    pub posted_by: String,
}

/// Where a worker's ledger ends: the last sequence and the balance in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LedgerEnd {
    pub sequence: i32,
    pub balance_tenths: i32,
}

/// The ends of these workers' ledgers; one who has no entry is not there.
pub fn list_ledger_ends(conn: &mut Conn, worker_ids: &[String]) -> Result<HashMap<String, LedgerEnd>, StoreError> {
    let mut ends = HashMap::new();
    let later = diesel::alias!(credit_entries as later);
    for chunk in worker_ids.chunks(500) {
        let rows: Vec<(String, i32, i32)> = on!(conn, |c| credit_entries::table
            .filter(credit_entries::worker_id.eq_any(chunk))
            .filter(diesel::dsl::not(diesel::dsl::exists(
                later.filter(later.field(credit_entries::worker_id).eq(credit_entries::worker_id)).filter(later.field(credit_entries::sequence).gt(credit_entries::sequence))
            )))
            .select((credit_entries::worker_id, credit_entries::sequence, credit_entries::balance_tenths))
            .load(c))?;
        ends.extend(rows.into_iter().map(|(worker, sequence, balance_tenths)| (worker, LedgerEnd { sequence, balance_tenths })));
    }
    Ok(ends)
}

pub fn find_entry(conn: &mut Conn, id: &str) -> Result<Option<CreditEntryRow>, StoreError> {
    Ok(on!(conn, |c| credit_entries::table.find(id).select(CreditEntryRow::as_select()).get_result(c).optional())?)
}

/// The entries of these achievements.
pub fn list_by_achievements(conn: &mut Conn, keys: &[String]) -> Result<Vec<CreditEntryRow>, StoreError> {
    let mut found = Vec::new();
    for chunk in keys.chunks(500) {
        let rows: Vec<CreditEntryRow> = on!(conn, |c| credit_entries::table.filter(credit_entries::achievement_key.eq_any(chunk)).select(CreditEntryRow::as_select()).load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// The last entry of a page: the ledger, and its place there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPlace {
    pub worker_id: String,
    pub sequence: i32,
}

/// A page of a person's ledgers, one behind the other, each in its order.
pub fn list_entries(conn: &mut Conn, records: &[String], after: Option<&LedgerPlace>, limit: i64) -> Result<Vec<CreditEntryRow>, StoreError> {
    let mut found: Vec<CreditEntryRow> = Vec::new();
    let first = after.map_or(0, |place| records.iter().position(|record| *record == place.worker_id).unwrap_or(records.len()));
    for (index, record) in records.iter().enumerate().skip(first) {
        let behind = after.filter(|_| index == first).map_or(0, |place| place.sequence);
        let missing = limit - found.len() as i64;
        if missing <= 0 {
            break;
        }
        let rows: Vec<CreditEntryRow> = on!(conn, |c| credit_entries::table
            .filter(credit_entries::worker_id.eq(record))
            .filter(credit_entries::sequence.gt(behind))
            .order(credit_entries::sequence)
            .limit(missing)
            .select(CreditEntryRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Every entry of a person's ledgers, in the order in which they were posted.
pub fn list_ledger(conn: &mut Conn, records: &[String]) -> Result<Vec<CreditEntryRow>, StoreError> {
    Ok(on!(conn, |c| credit_entries::table
        .filter(credit_entries::worker_id.eq_any(records))
        .order((credit_entries::posted_at, credit_entries::worker_id, credit_entries::sequence))
        .select(CreditEntryRow::as_select())
        .load(c))?)
}

/// Sums of a person's entries by kind and source, in tenths.
pub fn sum_by_source(conn: &mut Conn, records: &[String]) -> Result<Vec<(String, String, Option<i64>)>, StoreError> {
    Ok(on!(conn, |c| credit_entries::table
        .filter(credit_entries::worker_id.eq_any(records))
        .group_by((credit_entries::kind, credit_entries::source))
        .order((credit_entries::kind, credit_entries::source))
        .select((credit_entries::kind, credit_entries::source, diesel::dsl::sum(credit_entries::tenths)))
        .load(c))?)
}
