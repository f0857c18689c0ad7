//! Batches of certificates as they came, sealed, in pieces of one step each.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::{batch_chunks, jobs};
use diesel::prelude::*;

/// Rows of one step, sealed.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = batch_chunks, treat_none_as_default_value = false)]
pub struct ChunkRow {
    pub batch_id: String,
    /// 0 for the first.
    pub chunk: i32,
    pub sealed_rows: Vec<u8>,
    pub received_at: i64,
}

pub fn insert_chunk(conn: &mut Conn, row: &ChunkRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(batch_chunks::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_chunk(conn: &mut Conn, batch_id: &str, chunk: i32) -> Result<Option<ChunkRow>, StoreError> {
    Ok(on!(conn, |c| batch_chunks::table.find((batch_id, chunk)).select(ChunkRow::as_select()).get_result(c).optional())?)
}

/// Forgets what was received for a batch that was not accepted.
pub fn delete_chunks(conn: &mut Conn, batch_id: &str) -> Result<(), StoreError> {
    on!(conn, |c| diesel::delete(batch_chunks::table.filter(batch_chunks::batch_id.eq(batch_id))).execute(c))?;
    Ok(())
}

/// Forgets pieces whose batch was never accepted, because client or node went away while they came.
pub fn delete_abandoned(conn: &mut Conn, before: i64) -> Result<usize, StoreError> {
    let accepted = jobs::table.select(jobs::id);
    Ok(on!(conn, |c| diesel::delete(batch_chunks::table.filter(batch_chunks::received_at.lt(before)).filter(batch_chunks::batch_id.ne_all(accepted))).execute(c))?)
}
