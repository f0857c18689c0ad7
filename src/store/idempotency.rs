//! Answers kept for clients that ask again: written in the same transaction as the effect they tell of.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::idempotency_answers;
use diesel::prelude::*;
use serde::Serialize;

/// One answer, byte for byte.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = idempotency_answers, treat_none_as_default_value = false)]
pub struct AnswerRow {
    pub caller: String,
    pub route: String,
    pub idempotency_key: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub body_hash: Vec<u8>,
    pub status: i32,
    pub location: Option<String>,
    #[serde(skip)]
    pub sealed_body: Vec<u8>,
    pub answered_at: i64,
}

/// Keeps an answer; the key in use already is a conflict, so that of two equal requests one has its effect.
pub fn insert_answer(conn: &mut Conn, row: &AnswerRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(idempotency_answers::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_answer(conn: &mut Conn, caller: &str, route: &str, key: &str) -> Result<Option<AnswerRow>, StoreError> {
    Ok(on!(conn, |c| idempotency_answers::table.find((caller, route, key)).select(AnswerRow::as_select()).get_result(c).optional())?)
}

/// Forgets answers older than an instant.
pub fn delete_before(conn: &mut Conn, micros: i64) -> Result<usize, StoreError> {
    Ok(on!(conn, |c| diesel::delete(idempotency_answers::table.filter(idempotency_answers::answered_at.lt(micros))).execute(c))?)
}
