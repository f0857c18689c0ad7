//! The journal: one row for every recorded fact, in one order for all nodes.
//!
//! A row holds a kind, a time, the organisation and a salted commitment to the fact's canonical bytes, never the fact itself. The
//! commitment is SHA-256(salt || bytes); the bytes are the JSON of the fact's row with its members in the order of the table.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::{journal, journal_head};
use crate::domain::id::OrganisationId;
use diesel::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A fact that a job recorded, waiting for its position.
#[derive(Debug, Clone)]
pub struct Fact {
    kind: &'static str,
    organisation_id: Option<String>,
    subject: String,
    canonical: Vec<u8>,
}

impl Fact {
    /// `row` is what was inserted; its JSON is what the journal commits to.
    pub fn of(kind: &'static str, organisation: Option<&OrganisationId>, subject: impl ToString, row: &impl Serialize) -> Result<Self, StoreError> {
        let canonical = serde_json::to_vec(row).map_err(|error| StoreError::Corrupt(error.to_string()))?;
        Ok(Fact { kind, organisation_id: organisation.map(ToString::to_string), subject: subject.to_string(), canonical })
    }
}

/// SHA-256(salt || canonical bytes).
pub fn commitment(salt: &[u8; 32], canonical: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(salt).chain_update(canonical).finalize().into()
}

#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = journal, treat_none_as_default_value = false)]
pub struct JournalRow {
    pub position: i64,
    pub kind: String,
    pub organisation_id: Option<String>,
    pub subject: String,
    pub recorded_at: i64,
    pub salt: Vec<u8>,
    pub commitment: Vec<u8>,
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    size: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    last_recorded_at: i64,
}

/// Gives the facts of a group their positions. The row lock on the head is the sequencer between nodes; time never runs backwards.
pub(super) fn append(conn: &mut Conn, facts: Vec<Fact>, now_micros: i64, mut salt: impl FnMut() -> [u8; 32]) -> Result<(), StoreError> {
    if facts.is_empty() {
        return Ok(());
    }
    let sql = format!("SELECT size, last_recorded_at FROM journal_head WHERE id = 1{}", conn.row_lock());
    let head: Head = on!(conn, |c| diesel::sql_query(&sql).get_result(c))?;
    let recorded_at = now_micros.max(head.last_recorded_at + 1);
    let rows: Vec<JournalRow> = facts
        .into_iter()
        .zip(head.size..)
        .map(|(fact, position)| {
            let salt = salt();
            let commitment = commitment(&salt, &fact.canonical).to_vec();
            JournalRow { position, kind: fact.kind.to_owned(), organisation_id: fact.organisation_id, subject: fact.subject, recorded_at, salt: salt.to_vec(), commitment }
        })
        .collect();
    let size = head.size + rows.len() as i64;
    super::bulk::insert_journal(conn, &rows)?;
    on!(conn, |c| diesel::update(journal_head::table.find(1)).set((journal_head::size.eq(size), journal_head::last_recorded_at.eq(recorded_at))).execute(c))?;
    Ok(())
}

/// Facts in order, from a position on.
pub fn list_facts(conn: &mut Conn, from: i64, limit: i64) -> Result<Vec<JournalRow>, StoreError> {
    Ok(on!(conn, |c| journal::table.filter(journal::position.ge(from)).order(journal::position).limit(limit).select(JournalRow::as_select()).load(c))?)
}
