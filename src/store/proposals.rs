//! Changes of status that wait for a second person, and what that person said.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::proposals::{status_decisions, status_proposals};
use diesel::prelude::*;
use serde::Serialize;

/// A change of status that somebody proposes.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = status_proposals, treat_none_as_default_value = false)]
pub struct StatusProposalRow {
    pub id: String,
    pub certificate_id: String,
    pub issuer_id: String,
    pub change: String,
    pub reason: String,
    pub decision_document: Option<String>,
    pub proposed_at: i64,
    pub proposed_by: String,
}

/// What the second person said.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = status_decisions, treat_none_as_default_value = false)]
pub struct StatusDecisionRow {
    pub proposal_id: String,
    pub approved: bool,
    pub decided_at: i64,
    pub decided_by: String,
}

/// A proposal with its decision, where there is one.
pub type Proposal = (StatusProposalRow, Option<StatusDecisionRow>);

pub fn insert_status_proposal(conn: &mut Conn, row: &StatusProposalRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(status_proposals::table).values(row).execute(c))?;
    Ok(())
}

/// Decides on a proposal; one that is decided is a conflict, and so is the person who made it.
pub fn insert_status_decision(conn: &mut Conn, row: &StatusDecisionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(status_decisions::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_status_proposal(conn: &mut Conn, id: &str) -> Result<Option<Proposal>, StoreError> {
    Ok(on!(conn, |c| status_proposals::table
        .left_join(status_decisions::table.on(status_decisions::proposal_id.eq(status_proposals::id)))
        .filter(status_proposals::id.eq(id))
        .select((StatusProposalRow::as_select(), Option::<StatusDecisionRow>::as_select()))
        .get_result(c)
        .optional())?)
}

/// A page of an issuer's proposals, the newest first; of all issuers when None is named.
pub fn list_status_proposals(conn: &mut Conn, issuer: Option<&str>, before: Option<&str>, limit: i64) -> Result<Vec<Proposal>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = status_proposals::table
            .left_join(status_decisions::table.on(status_decisions::proposal_id.eq(status_proposals::id)))
            .select((StatusProposalRow::as_select(), Option::<StatusDecisionRow>::as_select()))
            .order(status_proposals::id.desc())
            .limit(limit)
            .into_boxed();
        if let Some(issuer) = issuer {
            query = query.filter(status_proposals::issuer_id.eq(issuer));
        }
        if let Some(before) = before {
            query = query.filter(status_proposals::id.lt(before));
        }
        query.load(c)
    })?)
}
