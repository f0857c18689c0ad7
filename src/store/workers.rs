//! Workers: their names and documents, sealed, and found by keyed hash.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::faults::site;
use super::schema::{worker_documents, worker_names, workers};
use diesel::prelude::*;
use serde::Serialize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// A worker.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = workers, treat_none_as_default_value = false)]
pub struct WorkerRow {
    pub id: String,
    pub registered_at: i64,
    pub registered_by: String,
}

/// One version of a name; the newest is in use.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_names, treat_none_as_default_value = false)]
pub struct WorkerNameRow {
    pub worker_id: String,
    pub version: i32,
    #[serde(skip)]
    pub sealed_name: Vec<u8>,
    pub reason: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// One document. `country` is empty where the kind needs none.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = worker_documents, treat_none_as_default_value = false)]
pub struct WorkerDocumentRow {
    pub id: String,
    pub worker_id: String,
    pub document_type: String,
    pub country: String,
    #[serde(skip)]
    pub sealed_number: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub number_hash: Vec<u8>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// New workers with their names and documents. A document that is somebody's already is a conflict.
pub fn insert_workers(conn: &mut Conn, rows: &[WorkerRow], names: &[WorkerNameRow], documents: &[WorkerDocumentRow]) -> Result<(), StoreError> {
    super::bulk::insert_worker_rows(conn, rows)?;
    super::bulk::insert_worker_names(conn, names)?;
    super::bulk::insert_worker_documents(conn, documents)
}

pub fn insert_name(conn: &mut Conn, row: &WorkerNameRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_names::table).values(row).execute(c))?;
    Ok(())
}

pub fn insert_document(conn: &mut Conn, row: &WorkerDocumentRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(worker_documents::table).values(row).execute(c))?;
    Ok(())
}

/// A worker with the name in use and all documents, oldest first.
pub type FoundWorker = (WorkerRow, WorkerNameRow, Vec<WorkerDocumentRow>);

/// A worker in one statement.
pub fn find_worker(conn: &mut Conn, id: &str) -> Result<Option<FoundWorker>, StoreError> {
    let rows: Vec<(WorkerRow, WorkerNameRow, WorkerDocumentRow)> = on!(conn, |c| workers::table
        .inner_join(worker_names::table.on(worker_names::worker_id.eq(workers::id)))
        .inner_join(worker_documents::table.on(worker_documents::worker_id.eq(workers::id)))
        .filter(workers::id.eq(id))
        .order((worker_names::version.desc(), worker_documents::id))
        .select((WorkerRow::as_select(), WorkerNameRow::as_select(), WorkerDocumentRow::as_select()))
        .load(c))?;
    let mut rows = rows.into_iter();
    let Some((worker, name, first)) = rows.next() else { return Ok(None) };
    // The newest name comes first with every document; then older names with the same ones.
    let documents = std::iter::once(first).chain(rows.take_while(|(_, other, _)| other.version == name.version).map(|(.., document)| document)).collect();
    Ok(Some((worker, name, documents)))
}

/// The same for many workers, by identifier. One that does not exist is not there.
pub fn find_workers(conn: &mut Conn, ids: &[String]) -> Result<HashMap<String, FoundWorker>, StoreError> {
    let mut found: HashMap<String, FoundWorker> = HashMap::new();
    for chunk in ids.chunks(500) {
        let rows: Vec<(WorkerRow, WorkerNameRow, WorkerDocumentRow)> = on!(conn, |c| workers::table
            .inner_join(worker_names::table.on(worker_names::worker_id.eq(workers::id)))
            .inner_join(worker_documents::table.on(worker_documents::worker_id.eq(workers::id)))
            .filter(workers::id.eq_any(chunk))
            .select((WorkerRow::as_select(), WorkerNameRow::as_select(), WorkerDocumentRow::as_select()))
            .load(c))?;
        for (worker, name, document) in rows {
            match found.entry(worker.id.clone()) {
                Entry::Vacant(place) => {
                    place.insert((worker, name, vec![document]));
                }
                Entry::Occupied(known) => {
                    let (_, newest, documents) = known.into_mut();
                    if newest.version < name.version {
                        *newest = name;
                    }
                    // Each document comes once with each name.
                    if documents.iter().all(|known| known.id != document.id) {
                        documents.push(document);
                    }
                }
            }
        }
    }
    // In the order of their registration. Sorted here: most have one, and a statement would sort all rows.
    found.values_mut().for_each(|(_, _, documents)| documents.sort_by(|one, other| one.id.cmp(&other.id)));
    Ok(found)
}

/// Documents of any kind with this number. A number alone may belong to documents of several kinds.
pub fn list_documents_by_number(conn: &mut Conn, number_hash: &[u8]) -> Result<Vec<WorkerDocumentRow>, StoreError> {
    Ok(on!(conn, |c| worker_documents::table
        .filter(worker_documents::number_hash.eq(number_hash))
        .order(worker_documents::id)
        .select(WorkerDocumentRow::as_select())
        .load(c))?)
}

/// Whose a document is: all of it but its number.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = worker_documents)]
pub struct DocumentOwner {
    pub number_hash: Vec<u8>,
    pub document_type: String,
    pub country: String,
    pub worker_id: String,
}

/// Who the documents with these numbers belong to.
pub fn list_owners_of_numbers(conn: &mut Conn, hashes: &[Vec<u8>]) -> Result<Vec<DocumentOwner>, StoreError> {
    let mut found = Vec::new();
    for chunk in hashes.chunks(500) {
        let rows: Vec<DocumentOwner> = on!(conn, |c| worker_documents::table.filter(worker_documents::number_hash.eq_any(chunk)).select(DocumentOwner::as_select()).load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Which of these workers exist.
pub fn list_existing(conn: &mut Conn, ids: &[String]) -> Result<Vec<String>, StoreError> {
    let mut found = Vec::new();
    for chunk in ids.chunks(500) {
        let rows: Vec<String> = on!(conn, |c| workers::table.filter(workers::id.eq_any(chunk)).select(workers::id).load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Keeps others from recording anything of these workers until the transaction ends. On SQLite the writer is alone.
pub fn lock_workers(conn: &mut Conn, worker_ids: &[String]) -> Result<(), StoreError> {
    if let Conn::Pg(postgres) = conn {
        for chunk in worker_ids.chunks(500) {
            let locked = workers::table.filter(workers::id.eq_any(chunk)).order(workers::id).select(workers::id).for_no_key_update();
            let _: Vec<String> = site!(locked.load(postgres.as_mut()))?;
        }
    }
    Ok(())
}
