//! Memberships of priority groups, sealed.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::training::{worker_group_ends, worker_groups};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// A membership. What group it is, and its proof, are sealed; the hash commits to them.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_groups, treat_none_as_default_value = false)]
pub struct WorkerGroupRow {
    pub id: String,
    pub worker_id: String,
    #[serde(skip)]
    pub sealed_membership: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub membership_hash: Vec<u8>,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub organisation_id: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// The end of a membership before its recorded last day.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_group_ends, treat_none_as_default_value = false)]
pub struct WorkerGroupEndRow {
    pub group_id: String,
    pub ended_on: NaiveDate,
    /// Why it ended may tell as much as the membership.
    #[serde(skip)]
    pub sealed_reason: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub reason_hash: Vec<u8>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

pub fn insert_group(conn: &mut Conn, row: &WorkerGroupRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_groups::table).values(row).execute(c))?;
    Ok(())
}

pub fn insert_group_end(conn: &mut Conn, row: &WorkerGroupEndRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_group_ends::table).values(row).execute(c))?;
    Ok(())
}

/// Memberships of a person with their ends, in the order in which they were recorded.
pub fn list_groups(conn: &mut Conn, records: &[String]) -> Result<Vec<(WorkerGroupRow, Option<WorkerGroupEndRow>)>, StoreError> {
    Ok(on!(conn, |c| worker_groups::table
        .left_join(worker_group_ends::table.on(worker_group_ends::group_id.eq(worker_groups::id)))
        .filter(worker_groups::worker_id.eq_any(records))
        .order(worker_groups::id)
        .select((WorkerGroupRow::as_select(), Option::<WorkerGroupEndRow>::as_select()))
        .load(c))?)
}
