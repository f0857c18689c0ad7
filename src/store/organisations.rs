//! Organisations, their filings and the programs that call for them.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::{client_revocations, clients, filing_versions, number_prefixes, organisation_versions, organisations};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// An organisation; what it is called and may do stands in its versions.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = organisations, treat_none_as_default_value = false)]
pub struct OrganisationRow {
    pub id: String,
    pub credit_code: String,
    pub registered_at: i64,
    pub registered_by: String,
}

/// One version of what is known of an organisation. Lists are JSON texts.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = organisation_versions, treat_none_as_default_value = false)]
pub struct OrganisationVersionRow {
    pub organisation_id: String,
    pub version: i32,
    pub name: String,
    pub kinds: String,
    pub region_code: Option<String>,
    pub state: String,
    pub reason: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// One version of a filing. Lists are JSON texts.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = filing_versions, treat_none_as_default_value = false)]
pub struct FilingVersionRow {
    pub filing_id: String,
    pub version: i32,
    pub organisation_id: String,
    pub body_kind: String,
    pub kinds: String,
    pub occupations: String,
    pub abilities: String,
    pub sites: String,
    pub number_prefix: Option<String>,
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
    pub decision_document: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// A program that calls in the name of an organisation.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = clients, treat_none_as_default_value = false)]
pub struct ClientRow {
    pub id: String,
    pub organisation_id: Option<String>,
    pub name: String,
    pub role: String,
    pub scopes: String,
    #[serde(skip)]
    pub secret_hash: String,
    pub registered_at: i64,
    pub registered_by: String,
}

/// The end of a client.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = client_revocations, treat_none_as_default_value = false)]
pub struct ClientRevocationRow {
    pub client_id: String,
    pub reason: String,
    pub revoked_at: i64,
    pub revoked_by: String,
}

pub fn insert_organisation(conn: &mut Conn, row: &OrganisationRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(organisations::table).values(row).execute(c))?;
    Ok(())
}

pub fn insert_organisation_version(conn: &mut Conn, row: &OrganisationVersionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(organisation_versions::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_organisation(conn: &mut Conn, id: &str) -> Result<Option<(OrganisationRow, OrganisationVersionRow)>, StoreError> {
    Ok(on!(conn, |c| organisations::table
        .inner_join(organisation_versions::table.on(organisation_versions::organisation_id.eq(organisations::id)))
        .filter(organisations::id.eq(id))
        .order(organisation_versions::version.desc())
        .select((OrganisationRow::as_select(), OrganisationVersionRow::as_select()))
        .get_result(c)
        .optional())?)
}

pub fn find_organisation_by_code(conn: &mut Conn, credit_code: &str) -> Result<Option<String>, StoreError> {
    Ok(on!(conn, |c| organisations::table.filter(organisations::credit_code.eq(credit_code)).select(organisations::id).get_result(c).optional())?)
}

/// A page of organisations in order of registration, each with its newest version.
pub fn list_organisations(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<(OrganisationRow, OrganisationVersionRow)>, StoreError> {
    let after = after.unwrap_or("");
    let page: Vec<OrganisationRow> = on!(conn, |c| organisations::table
        .filter(organisations::id.gt(after))
        .order(organisations::id)
        .limit(limit)
        .select(OrganisationRow::as_select())
        .load(c))?;
    let ids: Vec<&str> = page.iter().map(|row| row.id.as_str()).collect();
    let versions: Vec<OrganisationVersionRow> = on!(conn, |c| organisation_versions::table
        .filter(organisation_versions::organisation_id.eq_any(&ids))
        .order(organisation_versions::version.desc())
        .select(OrganisationVersionRow::as_select())
        .load(c))?;
    Ok(page.into_iter().filter_map(|row| versions.iter().find(|version| version.organisation_id == row.id).cloned().map(|version| (row, version))).collect())
}

/// A number prefix that belongs to an organisation for ever.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = number_prefixes, treat_none_as_default_value = false)]
pub struct NumberPrefixRow {
    pub prefix: String,
    pub organisation_id: String,
    pub assigned_at: i64,
}

/// Takes a number prefix for an organisation for ever. Another organisation's prefix is a conflict; its own is not. Returns whether
/// it was free.
pub fn assign_number_prefix(conn: &mut Conn, row: &NumberPrefixRow) -> Result<bool, StoreError> {
    let owner: Option<String> =
        on!(conn, |c| number_prefixes::table.filter(number_prefixes::prefix.eq(&row.prefix)).select(number_prefixes::organisation_id).get_result(c).optional())?;
    if owner.as_deref() == Some(row.organisation_id.as_str()) {
        return Ok(false);
    }
    on!(conn, |c| diesel::insert_into(number_prefixes::table).values(row).execute(c))?;
    Ok(true)
}

pub fn insert_filing_version(conn: &mut Conn, row: &FilingVersionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(filing_versions::table).values(row).execute(c))?;
    Ok(())
}

/// Every version of every filing of one organisation, oldest first.
pub fn list_filing_versions(conn: &mut Conn, organisation_id: &str) -> Result<Vec<FilingVersionRow>, StoreError> {
    Ok(on!(conn, |c| filing_versions::table
        .filter(filing_versions::organisation_id.eq(organisation_id))
        .order((filing_versions::filing_id, filing_versions::version))
        .select(FilingVersionRow::as_select())
        .load(c))?)
}

pub fn insert_client(conn: &mut Conn, row: &ClientRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(clients::table).values(row).execute(c))?;
    Ok(())
}

pub fn count_clients(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| clients::table.count().get_result(c))?)
}

/// A client that has not been revoked.
pub fn find_client(conn: &mut Conn, id: &str) -> Result<Option<ClientRow>, StoreError> {
    Ok(on!(conn, |c| clients::table
        .left_join(client_revocations::table.on(client_revocations::client_id.eq(clients::id)))
        .filter(clients::id.eq(id))
        .filter(client_revocations::client_id.is_null())
        .select(ClientRow::as_select())
        .get_result(c)
        .optional())?)
}

/// What these clients are called.
pub fn list_client_names(conn: &mut Conn, ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    Ok(on!(conn, |c| clients::table.filter(clients::id.eq_any(ids)).select((clients::id, clients::name)).load(c))?)
}

/// A page of an organisation's clients, in order of registration.
pub fn list_clients(conn: &mut Conn, organisation_id: &str, after: Option<&str>, limit: i64) -> Result<Vec<(ClientRow, Option<ClientRevocationRow>)>, StoreError> {
    Ok(on!(conn, |c| clients::table
        .left_join(client_revocations::table.on(client_revocations::client_id.eq(clients::id)))
        .filter(clients::organisation_id.eq(organisation_id))
        .filter(clients::id.gt(after.unwrap_or("")))
        .order(clients::id)
        .limit(limit)
        .select((ClientRow::as_select(), Option::<ClientRevocationRow>::as_select()))
        .load(c))?)
}

/// A client of an organisation, with its end if it has come.
pub fn find_client_of(conn: &mut Conn, organisation_id: &str, client_id: &str) -> Result<Option<(ClientRow, Option<ClientRevocationRow>)>, StoreError> {
    Ok(on!(conn, |c| clients::table
        .left_join(client_revocations::table.on(client_revocations::client_id.eq(clients::id)))
        .filter(clients::organisation_id.eq(organisation_id))
        .filter(clients::id.eq(client_id))
        .select((ClientRow::as_select(), Option::<ClientRevocationRow>::as_select()))
        .get_result(c)
        .optional())?)
}

/// A page of an organisation's filings with all their versions, behind one of them.
pub fn page_filing_versions(conn: &mut Conn, organisation_id: &str, after: Option<(&str, i32)>, limit: i64) -> Result<Vec<FilingVersionRow>, StoreError> {
    let (filing, version) = after.unwrap_or(("", 0));
    Ok(on!(conn, |c| filing_versions::table
        .filter(filing_versions::organisation_id.eq(organisation_id))
        .filter(filing_versions::filing_id.gt(filing).or(filing_versions::filing_id.eq(filing).and(filing_versions::version.gt(version))))
        .order((filing_versions::filing_id, filing_versions::version))
        .limit(limit)
        .select(FilingVersionRow::as_select())
        .load(c))?)
}

pub fn insert_client_revocation(conn: &mut Conn, row: &ClientRevocationRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(client_revocations::table).values(row).execute(c))?;
    Ok(())
}
