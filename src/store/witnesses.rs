//! Witnesses: what they cosigned of this log, and what this registry cosigned of others'.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::{log_cosignatures, witnessed_logs};
use diesel::prelude::*;

/// A cosignature under a checkpoint of this log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = log_cosignatures, treat_none_as_default_value = false)]
pub struct CosignatureRow {
    /// Of the checkpoint.
    pub size: i64,
    /// The witness's key as a text.
    pub witness: String,
    /// The signature line, with its newline.
    pub line: String,
    /// Seconds since 1970, as the witness says.
    pub cosigned_at: i64,
}

/// The newest checkpoint of another log that this registry has cosigned.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = witnessed_logs, treat_none_as_default_value = false)]
pub struct WitnessedRow {
    pub origin: String,
    /// SHA-256 of the origin in hex: its name in monitoring addresses.
    pub origin_hash: String,
    pub size: i64,
    pub root: Vec<u8>,
    /// The log's note with our cosignature under it.
    pub note: String,
    /// Microseconds since 1970.
    pub cosigned_at: i64,
}

/// Keeps a cosignature; another node may have kept one of the same witness and size, which says the same.
pub fn insert_cosignature(conn: &mut Conn, row: &CosignatureRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(log_cosignatures::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// The cosignatures under the checkpoint of a size.
pub fn list_cosignatures_of(conn: &mut Conn, size: i64) -> Result<Vec<CosignatureRow>, StoreError> {
    Ok(on!(conn, |c| log_cosignatures::table.filter(log_cosignatures::size.eq(size)).order(log_cosignatures::witness).select(CosignatureRow::as_select()).load(c))?)
}

/// Cosignatures in order of size and witness, behind one of them.
pub fn page_cosignatures(conn: &mut Conn, after: Option<&CosignatureRow>, limit: i64) -> Result<Vec<CosignatureRow>, StoreError> {
    let (size, witness) = after.map_or((-1, ""), |row| (row.size, row.witness.as_str()));
    Ok(on!(conn, |c| log_cosignatures::table
        .filter(log_cosignatures::size.ge(size))
        .filter(log_cosignatures::size.gt(size).or(log_cosignatures::witness.gt(witness)))
        .order((log_cosignatures::size, log_cosignatures::witness))
        .limit(limit)
        .select(CosignatureRow::as_select())
        .load(c))?)
}

/// The largest size that a witness has cosigned.
pub fn find_cosigned_size(conn: &mut Conn, witness: &str) -> Result<Option<i64>, StoreError> {
    Ok(on!(conn, |c| log_cosignatures::table.filter(log_cosignatures::witness.eq(witness)).select(diesel::dsl::max(log_cosignatures::size)).get_result(c))?)
}

/// The newest sizes, from one on, that at least `quorum` of these witnesses have cosigned, newest first.
pub fn list_quorum_sizes(conn: &mut Conn, from_size: i64, witnesses: &[String], quorum: i64, limit: i64) -> Result<Vec<i64>, StoreError> {
    Ok(on!(conn, |c| log_cosignatures::table
        .filter(log_cosignatures::size.ge(from_size))
        .filter(log_cosignatures::witness.eq_any(witnesses))
        .group_by(log_cosignatures::size)
        .having(diesel::dsl::count(log_cosignatures::witness).ge(quorum))
        .order(log_cosignatures::size.desc())
        .limit(limit)
        .select(log_cosignatures::size)
        .load(c))?)
}

pub fn find_witnessed(conn: &mut Conn, origin: &str) -> Result<Option<WitnessedRow>, StoreError> {
    Ok(on!(conn, |c| witnessed_logs::table.find(origin).select(WitnessedRow::as_select()).get_result(c).optional())?)
}

pub fn find_witnessed_by_hash(conn: &mut Conn, origin_hash: &str) -> Result<Option<WitnessedRow>, StoreError> {
    Ok(on!(conn, |c| witnessed_logs::table.filter(witnessed_logs::origin_hash.eq(origin_hash)).select(WitnessedRow::as_select()).get_result(c).optional())?)
}

/// Replaces the newest checkpoint of a log, if it is still the one that the new one was compared with (tlog-witness: compare and
/// store in one step).
pub fn replace_witnessed(conn: &mut Conn, before: Option<&WitnessedRow>, after: &WitnessedRow) -> Result<(), StoreError> {
    let Some(before) = before else {
        on!(conn, |c| diesel::insert_into(witnessed_logs::table).values(after).execute(c))?;
        return Ok(());
    };
    let changed = on!(conn, |c| diesel::update(
        witnessed_logs::table.find(&before.origin).filter(witnessed_logs::size.eq(before.size)).filter(witnessed_logs::root.eq(&before.root))
    )
    .set((
        witnessed_logs::size.eq(after.size),
        witnessed_logs::root.eq(&after.root),
        witnessed_logs::note.eq(&after.note),
        witnessed_logs::cosigned_at.eq(after.cosigned_at)
    ))
    .execute(c))?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale) }
}
