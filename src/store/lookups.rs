//! Who looked at whose certificate or record, and why.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::lookups;
use super::shares::{ShareViewRow, list_views};
use super::schema::training::record_lookups;
use diesel::prelude::*;
use serde::Serialize;

/// One look at a certificate.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = lookups, treat_none_as_default_value = false)]
pub struct LookupRow {
    pub id: String,
    pub organisation_id: String,
    pub client_id: String,
    pub worker_id: String,
    pub certificate_id: String,
    pub ground: String,
    pub looked_at: i64,
}

pub fn insert_lookups(conn: &mut Conn, rows: &[LookupRow]) -> Result<(), StoreError> {
    super::bulk::insert_lookup_rows(conn, rows)
}

/// One look at a worker's record, or at a part of it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = record_lookups, treat_none_as_default_value = false)]
pub struct RecordLookupRow {
    pub id: String,
    pub worker_id: String,
    /// None for the first registrar.
    pub organisation_id: Option<String>,
    pub client_id: String,
    /// `record`, `credits`, `groups` or `access_code`.
    pub part: String,
    pub looked_at: i64,
}

pub fn insert_record_lookup(conn: &mut Conn, row: &RecordLookupRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(record_lookups::table).values(row).execute(c))?;
    Ok(())
}

/// A look at a worker, whatever was looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub id: String,
    pub organisation_id: Option<String>,
    /// `certificate`, `share`, or the part of the record.
    pub part: String,
    pub certificate_id: Option<String>,
    /// The link that was opened.
    pub share_id: Option<String>,
    pub ground: Option<String>,
    pub looked_at: i64,
}

/// A page of looks at the records of a person, the newest first.
pub fn list_looks(conn: &mut Conn, records: &[String], before: Option<&str>, limit: i64) -> Result<Vec<Look>, StoreError> {
    let certificates: Vec<LookupRow> = on!(conn, |c| {
        let mut query = lookups::table.filter(lookups::worker_id.eq_any(records)).order(lookups::id.desc()).limit(limit).into_boxed();
        if let Some(before) = before {
            query = query.filter(lookups::id.lt(before));
        }
        query.select(LookupRow::as_select()).load(c)
    })?;
    let looked: Vec<RecordLookupRow> = on!(conn, |c| {
        let mut query = record_lookups::table.filter(record_lookups::worker_id.eq_any(records)).order(record_lookups::id.desc()).limit(limit).into_boxed();
        if let Some(before) = before {
            query = query.filter(record_lookups::id.lt(before));
        }
        query.select(RecordLookupRow::as_select()).load(c)
    })?;
    let of_certificate = |row: LookupRow| Look {
        id: row.id,
        organisation_id: Some(row.organisation_id),
        part: "certificate".to_owned(),
        certificate_id: Some(row.certificate_id),
        share_id: None,
        ground: Some(row.ground),
        looked_at: row.looked_at,
    };
    let of_record = |row: RecordLookupRow| Look { id: row.id, organisation_id: row.organisation_id, part: row.part, certificate_id: None, share_id: None, ground: None, looked_at: row.looked_at };
    let of_share = |row: ShareViewRow| Look { id: row.id, organisation_id: None, part: "share".to_owned(), certificate_id: None, share_id: Some(row.share_id), ground: None, looked_at: row.viewed_at };
    let views = list_views(conn, records, before, limit)?;
    let mut looks: Vec<Look> = certificates.into_iter().map(of_certificate).chain(looked.into_iter().map(of_record)).chain(views.into_iter().map(of_share)).collect();
    looks.sort_by(|one, other| other.id.cmp(&one.id));
    looks.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(looks)
}
