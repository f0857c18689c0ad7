//! Certificates: identities, versions, and what was done to them.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::faults::site;
use super::log::{CredentialSigned, EntryRow, IsOfKind};
use super::stretch::{Stretch, stretch};
use super::schema::{certificate_states, certificate_versions, certificates, log_entries, permit_reviews, status_changes};
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::Text;
use serde::Serialize;

/// A certificate. `number_key` is its number, or a keyed hash where the number discloses an identity number.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = certificates, treat_none_as_default_value = false)]
pub struct CertificateRow {
    pub id: String,
    pub number_key: String,
    pub permit_scope: String,
    pub kind: String,
    pub issuer_id: String,
    pub worker_id: String,
    pub session_id: Option<String>,
    pub cures: Option<String>,
    pub cure_ordinal: i32,
    /// What may exist only once: the assessment, the permit, the completion, each with the ordinal of its cure.
    pub business_key: String,
    pub token: String,
    pub filing_id: String,
    pub filing_version: i32,
    pub registered_at: i64,
    pub registered_by: String,
}

/// One version of a certificate: what was signed, sealed. `facts` is a JSON text without personal data.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = certificate_versions, treat_none_as_default_value = false)]
pub struct CertificateVersionRow {
    pub certificate_id: String,
    pub version: i32,
    pub credential_id: String,
    pub key_id: String,
    pub document_digest: String,
    #[serde(skip)]
    pub sealed_document: Vec<u8>,
    #[serde(skip)]
    pub sealed_holder: Vec<u8>,
    pub holder_document_id: String,
    pub facts: String,
    pub issued_on: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    pub form_serial: Option<String>,
    pub status_list: i64,
    /// Place in the order in which entries were given; the index follows from it by the list's seed.
    pub status_position: i32,
    pub status_index: i32,
    pub reason: Option<String>,
    pub decision_document: Option<String>,
    pub issued_at: i64,
    pub issued_by: String,
}

/// Where a certificate stands now; follows from its versions, changes and reviews.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = certificate_states, treat_none_as_default_value = false)]
pub struct CertificateStateRow {
    pub certificate_id: String,
    pub version: i32,
    pub state: String,
    pub reviewed_on: Option<NaiveDate>,
    pub changed_at: i64,
}

/// One change of status.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = status_changes, treat_none_as_default_value = false)]
pub struct StatusChangeRow {
    pub certificate_id: String,
    pub sequence: i32,
    pub change: String,
    pub state_after: String,
    pub reason: String,
    pub decision_document: Option<String>,
    pub changed_at: i64,
    pub changed_by: String,
}

/// One passed review of a permit.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = permit_reviews, treat_none_as_default_value = false)]
pub struct PermitReviewRow {
    pub certificate_id: String,
    pub sequence: i32,
    pub reviewed_on: NaiveDate,
    pub decision_document: Option<String>,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// A certificate as it stands: identity, newest version, state.
pub type Standing = (CertificateRow, CertificateVersionRow, CertificateStateRow);

pub fn insert_certificate(conn: &mut Conn, row: &CertificateRow, version: &CertificateVersionRow, state: &CertificateStateRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(certificates::table).values(row).execute(c))?;
    on!(conn, |c| diesel::insert_into(certificate_versions::table).values(version).execute(c))?;
    on!(conn, |c| diesel::insert_into(certificate_states::table).values(state).execute(c))?;
    Ok(())
}

/// Many certificates at once.
pub fn insert_certificates(conn: &mut Conn, rows: &[CertificateRow], versions: &[CertificateVersionRow], states: &[CertificateStateRow]) -> Result<(), StoreError> {
    super::bulk::insert_certificate_rows(conn, rows)?;
    super::bulk::insert_certificate_versions(conn, versions)?;
    super::bulk::insert_certificate_states(conn, states)
}

/// Adds a version and makes it the current one, if the state is still the one it was decided on.
pub fn insert_version(conn: &mut Conn, version: &CertificateVersionRow, before: &CertificateStateRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(certificate_versions::table).values(version).execute(c))?;
    let after = CertificateStateRow { version: version.version, changed_at: version.issued_at, ..before.clone() };
    replace_state(conn, before, &after)
}

/// One change of many certificates: all must still stand where the change was decided on.
pub fn insert_status_changes(conn: &mut Conn, changes: &[StatusChangeRow], before: &[CertificateStateRow]) -> Result<(), StoreError> {
    let Some(first) = changes.first() else { return Ok(()) };
    super::bulk::insert_status_changes(conn, changes)?;
    let ids: Vec<&str> = before.iter().map(|state| state.certificate_id.as_str()).collect();
    let states = certificate_states::table.filter(certificate_states::certificate_id.eq_any(&ids)).order(certificate_states::certificate_id);
    let found: Vec<CertificateStateRow> = site!(match conn {
        Conn::Sqlite(sqlite) => states.select(CertificateStateRow::as_select()).load(sqlite),
        // Locked until the commit, so that nobody changes one in between.
        Conn::Pg(postgres) => states.select(CertificateStateRow::as_select()).for_update().load(postgres.as_mut()),
    })?;
    let is_same = found.len() == before.len() && found.iter().all(|state| before.contains(state));
    if !is_same {
        return Err(StoreError::Stale);
    }
    on!(conn, |c| diesel::update(certificate_states::table.filter(certificate_states::certificate_id.eq_any(&ids)))
        .set((certificate_states::state.eq(&first.state_after), certificate_states::changed_at.eq(first.changed_at)))
        .execute(c))?;
    Ok(())
}

/// How many changes of status each of these certificates has had; none when it is not named.
pub fn count_status_changes(conn: &mut Conn, ids: &[String]) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(on!(conn, |c| status_changes::table
        .filter(status_changes::certificate_id.eq_any(ids))
        .group_by(status_changes::certificate_id)
        .select((status_changes::certificate_id, diesel::dsl::count_star()))
        .load(c))?)
}

pub fn insert_review(conn: &mut Conn, review: &PermitReviewRow, before: &CertificateStateRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(permit_reviews::table).values(review).execute(c))?;
    let after = CertificateStateRow { reviewed_on: Some(review.reviewed_on), changed_at: review.recorded_at, ..before.clone() };
    replace_state(conn, before, &after)
}

fn replace_state(conn: &mut Conn, before: &CertificateStateRow, after: &CertificateStateRow) -> Result<(), StoreError> {
    let changed = on!(conn, |c| diesel::update(
        certificate_states::table
            .find(&before.certificate_id)
            .filter(certificate_states::version.eq(before.version))
            .filter(certificate_states::state.eq(&before.state))
            .filter(certificate_states::changed_at.eq(before.changed_at))
    )
    .set((
        certificate_states::version.eq(after.version),
        certificate_states::state.eq(&after.state),
        certificate_states::reviewed_on.eq(after.reviewed_on),
        certificate_states::changed_at.eq(after.changed_at),
    ))
    .execute(c))?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

macro_rules! standing {
    ($c:ident, $filter:expr) => {
        certificates::table
            .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificates::id)))
            .inner_join(
                certificate_versions::table
                    .on(certificate_versions::certificate_id.eq(certificates::id).and(certificate_versions::version.eq(certificate_states::version))),
            )
            .filter($filter)
            .order(certificates::id)
            .select((CertificateRow::as_select(), CertificateVersionRow::as_select(), CertificateStateRow::as_select()))
    };
}

/// Certificates with this number: one, or for permits one for each category and item.
pub fn list_by_number_key(conn: &mut Conn, number_key: &str) -> Result<Vec<Standing>, StoreError> {
    Ok(on!(conn, |c| standing!(c, certificates::number_key.eq(number_key)).load(c))?)
}

pub fn find_by_id(conn: &mut Conn, id: &str) -> Result<Option<Standing>, StoreError> {
    Ok(on!(conn, |c| standing!(c, certificates::id.eq(id)).get_result(c).optional())?)
}

/// Those of these certificates that exist.
pub fn list_by_ids(conn: &mut Conn, ids: &[String]) -> Result<Vec<Standing>, StoreError> {
    Ok(on!(conn, |c| standing!(c, certificates::id.eq_any(ids)).load(c))?)
}

pub fn find_by_token(conn: &mut Conn, token: &str) -> Result<Option<Standing>, StoreError> {
    Ok(on!(conn, |c| standing!(c, certificates::token.eq(token)).get_result(c).optional())?)
}

/// The certificate of one business fact. Mostly there is none, which one look at an index tells.
pub fn find_by_business(conn: &mut Conn, business_key: &str) -> Result<Option<Standing>, StoreError> {
    let id: Option<String> = on!(conn, |c| certificates::table.filter(certificates::business_key.eq(business_key)).select(certificates::id).get_result(c).optional())?;
    id.map_or(Ok(None), |id| find_by_id(conn, &id))
}

/// The certificates of these business facts: business key, certificate, and the JSON of its facts.
pub fn list_by_business(conn: &mut Conn, keys: &[String]) -> Result<Vec<(String, String, String)>, StoreError> {
    let mut found = Vec::new();
    for chunk in keys.chunks(500) {
        let rows: Vec<(String, String, String)> = on!(conn, |c| certificates::table
            .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificates::id)))
            .inner_join(
                certificate_versions::table
                    .on(certificate_versions::certificate_id.eq(certificates::id).and(certificate_versions::version.eq(certificate_states::version)))
            )
            .filter(certificates::business_key.eq_any(chunk))
            .select((certificates::business_key, certificates::id, certificate_versions::facts))
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Workers of a session who have a certificate that has not ended.
pub fn list_certified_workers(conn: &mut Conn, session_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| certificates::table
        .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificates::id)))
        .filter(certificates::session_id.eq(session_id))
        .filter(certificate_states::state.eq_any(["issued", "suspended"]))
        .select(certificates::worker_id)
        .load(c))?)
}

/// Every certificate of these workers, in order of issue.
pub fn list_by_workers(conn: &mut Conn, worker_ids: &[String]) -> Result<Vec<Standing>, StoreError> {
    Ok(on!(conn, |c| standing!(c, certificates::worker_id.eq_any(worker_ids)).load(c))?)
}

/// A page of one issuer's certificates, by the time of their issue.
pub fn list_by_issuer(conn: &mut Conn, issuer_id: &str, page: &Stretch) -> Result<Vec<Standing>, StoreError> {
    Ok(on!(conn, |c| stretch!(standing!(c, certificates::issuer_id.eq(issuer_id)), certificates::id, page).load(c))?)
}

/// What a verification asks of a certificate and one of its versions: no more columns than that, since whoever shows a document waits
/// for them.
#[derive(Debug, Clone, Queryable)]
pub struct ShownRow {
    pub certificate_id: String,
    pub number_key: String,
    pub kind: String,
    pub issuer_id: String,
    pub worker_id: String,
    pub filing_id: String,
    pub filing_version: i32,
    pub version: i32,
    pub key_id: String,
    pub document_digest: String,
    pub sealed_holder: Vec<u8>,
    pub facts: String,
    pub issued_on: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    /// Of the certificate; its version is the newest.
    pub state: CertificateStateRow,
}

impl From<Standing> for ShownRow {
    fn from((row, version, state): Standing) -> Self {
        ShownRow {
            certificate_id: row.id,
            number_key: row.number_key,
            kind: row.kind,
            issuer_id: row.issuer_id,
            worker_id: row.worker_id,
            filing_id: row.filing_id,
            filing_version: row.filing_version,
            version: version.version,
            key_id: version.key_id,
            document_digest: version.document_digest,
            sealed_holder: version.sealed_holder,
            facts: version.facts,
            issued_on: version.issued_on,
            valid_to: version.valid_to,
            review_due_on: version.review_due_on,
            state,
        }
    }
}

/// The version that a credential is of, and its entry in the log if there is one, in one statement.
pub fn find_by_credential(conn: &mut Conn, credential_id: &str) -> Result<Option<(ShownRow, Option<EntryRow>)>, StoreError> {
    Ok(on!(conn, |c| certificate_versions::table
        .inner_join(certificates::table.on(certificates::id.eq(certificate_versions::certificate_id)))
        .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificate_versions::certificate_id)))
        .left_join(
            log_entries::table.on(IsOfKind::<CredentialSigned>::new()
                .and(log_entries::subject.eq(certificate_versions::certificate_id.concat("/").concat(certificate_versions::version.cast::<Text>()))))
        )
        .filter(certificate_versions::credential_id.eq(credential_id))
        .select((
            (
                certificates::id,
                certificates::number_key,
                certificates::kind,
                certificates::issuer_id,
                certificates::worker_id,
                certificates::filing_id,
                certificates::filing_version,
                certificate_versions::version,
                certificate_versions::key_id,
                certificate_versions::document_digest,
                certificate_versions::sealed_holder,
                certificate_versions::facts,
                certificate_versions::issued_on,
                certificate_versions::valid_to,
                certificate_versions::review_due_on,
                certificate_states::all_columns,
            ),
            log_entries::all_columns.nullable(),
        ))
        .get_result(c)
        .optional())?)
}

/// A version with its certificate and the state of that.
pub fn find_with_version(conn: &mut Conn, certificate_id: &str, version: i32) -> Result<Option<Standing>, StoreError> {
    Ok(on!(conn, |c| certificate_versions::table
        .inner_join(certificates::table.on(certificates::id.eq(certificate_versions::certificate_id)))
        .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificate_versions::certificate_id)))
        .filter(certificate_versions::certificate_id.eq(certificate_id))
        .filter(certificate_versions::version.eq(version))
        .select((CertificateRow::as_select(), CertificateVersionRow::as_select(), CertificateStateRow::as_select()))
        .get_result(c)
        .optional())?)
}

pub fn find_version(conn: &mut Conn, certificate_id: &str, version: i32) -> Result<Option<CertificateVersionRow>, StoreError> {
    Ok(on!(conn, |c| certificate_versions::table.find((certificate_id, version)).select(CertificateVersionRow::as_select()).get_result(c).optional())?)
}

pub fn list_versions(conn: &mut Conn, certificate_id: &str) -> Result<Vec<CertificateVersionRow>, StoreError> {
    Ok(on!(conn, |c| certificate_versions::table
        .filter(certificate_versions::certificate_id.eq(certificate_id))
        .order(certificate_versions::version)
        .select(CertificateVersionRow::as_select())
        .load(c))?)
}

pub fn list_status_changes(conn: &mut Conn, certificate_id: &str) -> Result<Vec<StatusChangeRow>, StoreError> {
    Ok(on!(conn, |c| status_changes::table
        .filter(status_changes::certificate_id.eq(certificate_id))
        .order(status_changes::sequence)
        .select(StatusChangeRow::as_select())
        .load(c))?)
}

pub fn list_reviews(conn: &mut Conn, certificate_id: &str) -> Result<Vec<PermitReviewRow>, StoreError> {
    Ok(on!(conn, |c| permit_reviews::table
        .filter(permit_reviews::certificate_id.eq(certificate_id))
        .order(permit_reviews::sequence)
        .select(PermitReviewRow::as_select())
        .load(c))?)
}

/// Facts of a worker's certificates with a level that are in force: what the rules on level sequence look at.
pub fn list_level_facts_of_worker(conn: &mut Conn, worker_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| certificates::table
        .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificates::id)))
        .inner_join(
            certificate_versions::table
                .on(certificate_versions::certificate_id.eq(certificates::id).and(certificate_versions::version.eq(certificate_states::version)))
        )
        .filter(certificates::worker_id.eq(worker_id))
        .filter(certificates::kind.eq("skill_level").or(certificates::kind.eq("vocational_qualification")))
        .filter(certificate_states::state.eq("issued"))
        .select(certificate_versions::facts)
        .load(c))?)
}

/// The same for many workers: worker and facts.
pub fn list_level_facts_of_workers(conn: &mut Conn, worker_ids: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for chunk in worker_ids.chunks(500) {
        let rows: Vec<(String, String)> = on!(conn, |c| certificates::table
            .inner_join(certificate_states::table.on(certificate_states::certificate_id.eq(certificates::id)))
            .inner_join(
                certificate_versions::table
                    .on(certificate_versions::certificate_id.eq(certificates::id).and(certificate_versions::version.eq(certificate_states::version)))
            )
            .filter(certificates::worker_id.eq_any(chunk))
            .filter(certificates::kind.eq("skill_level").or(certificates::kind.eq("vocational_qualification")))
            .filter(certificate_states::state.eq("issued"))
            .select((certificates::worker_id, certificate_versions::facts))
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// The state of a certificate, which stays as it is until the transaction ends.
pub fn hold_state(conn: &mut Conn, certificate_id: &str) -> Result<Option<String>, StoreError> {
    let state = certificate_states::table.find(certificate_id).select(certificate_states::state);
    Ok(site!(match conn {
        Conn::Sqlite(sqlite) => state.get_result(sqlite).optional(),
        Conn::Pg(postgres) => state.for_share().get_result(postgres.as_mut()).optional(),
    })?)
}
