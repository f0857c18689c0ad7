//! Two records of one person: which were joined, which were parted again, and who is who now.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::merges::{merged_workers, worker_merge_ends, worker_merges};
use diesel::prelude::*;
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};

/// A record that was joined to another one, which stands for both from then on.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_merges, treat_none_as_default_value = false)]
pub struct WorkerMergeRow {
    pub id: String,
    /// The record that stands for both.
    pub worker_id: String,
    pub merged_worker_id: String,
    pub reason: String,
    pub decision_document: Option<String>,
    pub organisation_id: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// A join that was undone.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_merge_ends, treat_none_as_default_value = false)]
pub struct WorkerMergeEndRow {
    pub merge_id: String,
    pub reason: String,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// Which record stands for which now: a projection of the two facts before.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = merged_workers, treat_none_as_default_value = false)]
pub struct MergedWorkerRow {
    pub worker_id: String,
    pub into_worker_id: String,
    pub merge_id: String,
}

pub type FoundMerge = (WorkerMergeRow, Option<WorkerMergeEndRow>);

/// Joins a record to another one. One that is joined already is a conflict.
pub fn insert_merge(conn: &mut Conn, row: &WorkerMergeRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_merges::table).values(row).execute(c))?;
    let projected = MergedWorkerRow { worker_id: row.merged_worker_id.clone(), into_worker_id: row.worker_id.clone(), merge_id: row.id.clone() };
    on!(conn, |c| diesel::insert_into(merged_workers::table).values(&projected).execute(c))?;
    Ok(())
}

/// Parts two records again; a second end is a conflict.
pub fn insert_merge_end(conn: &mut Conn, row: &WorkerMergeEndRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_merge_ends::table).values(row).execute(c))?;
    on!(conn, |c| diesel::delete(merged_workers::table.filter(merged_workers::merge_id.eq(&row.merge_id))).execute(c))?;
    Ok(())
}

/// Whether a record stands for itself: it is not joined to another one.
pub fn is_root(conn: &mut Conn, worker_id: &str) -> Result<bool, StoreError> {
    let joined: i64 = on!(conn, |c| merged_workers::table.filter(merged_workers::worker_id.eq(worker_id)).count().get_result(c))?;
    Ok(joined == 0)
}

/// Every join that touches a record, in the order in which they were recorded.
pub fn list_merges(conn: &mut Conn, worker_id: &str) -> Result<Vec<FoundMerge>, StoreError> {
    Ok(on!(conn, |c| worker_merges::table
        .left_join(worker_merge_ends::table.on(worker_merge_ends::merge_id.eq(worker_merges::id)))
        .filter(worker_merges::worker_id.eq(worker_id).or(worker_merges::merged_worker_id.eq(worker_id)))
        .order(worker_merges::id)
        .select((WorkerMergeRow::as_select(), Option::<WorkerMergeEndRow>::as_select()))
        .load(c))?)
}

/// Every join of the registry as it stands, for the audit.
pub fn list_merged(conn: &mut Conn) -> Result<Vec<MergedWorkerRow>, StoreError> {
    Ok(on!(conn, |c| merged_workers::table.order(merged_workers::worker_id).select(MergedWorkerRow::as_select()).load(c))?)
}

/// Who some workers are: the records that stand for one person together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Persons {
    into: HashMap<String, String>,
}

impl Persons {
    /// The record that stands for the person.
    pub fn root_of<'a>(&'a self, worker: &'a str) -> &'a str {
        let mut root = worker;
        // No longer than there are joins: a circle, which no join can make, would have no end.
        for _ in 0..self.into.len() {
            let Some(into) = self.into.get(root) else { break };
            root = into;
        }
        root
    }

    /// Every record of the person, the one that stands for it first.
    pub fn records_of(&self, worker: &str) -> Vec<String> {
        let root = self.root_of(worker);
        let mut joined: Vec<&String> = self.into.keys().filter(|other| self.root_of(other) == root).collect();
        joined.sort();
        std::iter::once(root.to_owned()).chain(joined.into_iter().cloned()).collect()
    }

    /// These workers with every other record of theirs, sorted.
    pub fn everybody(&self, workers: &[String]) -> Vec<String> {
        if self.into.is_empty() {
            return workers.to_vec();
        }
        workers.iter().flat_map(|worker| self.records_of(worker)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// Who these workers are. Joins are few, so following them costs little more than finding that there are none.
pub fn list_persons(conn: &mut Conn, worker_ids: &[String]) -> Result<Persons, StoreError> {
    let mut persons = Persons::default();
    let mut seen: HashSet<String> = worker_ids.iter().cloned().collect();
    let mut edge: Vec<String> = worker_ids.to_vec();
    while !edge.is_empty() {
        let mut found: Vec<(String, String)> = Vec::new();
        for chunk in edge.chunks(500) {
            let above: Vec<(String, String)> = on!(conn, |c| merged_workers::table.filter(merged_workers::worker_id.eq_any(chunk)).select((merged_workers::worker_id, merged_workers::into_worker_id)).load(c))?;
            let below: Vec<(String, String)> = on!(conn, |c| merged_workers::table.filter(merged_workers::into_worker_id.eq_any(chunk)).select((merged_workers::worker_id, merged_workers::into_worker_id)).load(c))?;
            found.extend(above.into_iter().chain(below));
        }
        edge.clear();
        for (worker, into) in found {
            edge.extend([&worker, &into].into_iter().filter(|id| seen.insert((*id).clone())).cloned());
            persons.into.insert(worker, into);
        }
    }
    Ok(persons)
}

/// Every record of one person, the one that stands for it first.
pub fn person_of(conn: &mut Conn, worker_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(list_persons(conn, &[worker_id.to_owned()])?.records_of(worker_id))
}
