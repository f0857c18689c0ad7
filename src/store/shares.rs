//! Links by which workers show parts of their record, the access of platforms among them, and every opening of one.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::own_affairs::{share_ends, share_redemptions, share_views, shares};
use diesel::prelude::*;
use serde::Serialize;

/// A link. Purpose, parts and the link itself are sealed; the hashes find it and commit to it.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = shares, treat_none_as_default_value = false)]
pub struct ShareRow {
    pub id: String,
    pub worker_id: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub token_hash: Vec<u8>,
    #[serde(skip)]
    pub sealed_terms: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub terms_hash: Vec<u8>,
    pub expires_at: i64,
    pub made_at: i64,
}

/// A link that was withdrawn.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = share_ends, treat_none_as_default_value = false)]
pub struct ShareEndRow {
    pub share_id: String,
    pub ended_at: i64,
}

/// A code that a platform exchanged for its tokens.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = share_redemptions, treat_none_as_default_value = false)]
pub struct ShareRedemptionRow {
    pub share_id: String,
    pub redeemed_at: i64,
}

/// One opening of a link.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = share_views, treat_none_as_default_value = false)]
pub struct ShareViewRow {
    pub id: String,
    pub share_id: String,
    pub worker_id: String,
    pub viewed_at: i64,
}

/// A link with the moment of its withdrawal.
pub type FoundShare = (ShareRow, Option<i64>);

pub fn insert_share(conn: &mut Conn, row: &ShareRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(shares::table).values(row).execute(c))?;
    Ok(())
}

/// Withdraws a link; once is enough. Tells whether it was this that withdrew it.
pub fn insert_share_end(conn: &mut Conn, row: &ShareEndRow) -> Result<bool, StoreError> {
    Ok(on!(conn, |c| diesel::insert_into(share_ends::table).values(row).on_conflict(share_ends::share_id).do_nothing().execute(c))? == 1)
}

/// Records that a code was exchanged; one that was exchanged before is a conflict.
pub fn insert_share_redemption(conn: &mut Conn, row: &ShareRedemptionRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(share_redemptions::table).values(row).execute(c))?;
    Ok(())
}

pub fn insert_share_view(conn: &mut Conn, row: &ShareViewRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(share_views::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_share_by_token(conn: &mut Conn, token_hash: &[u8]) -> Result<Option<FoundShare>, StoreError> {
    Ok(on!(conn, |c| shares::table
        .left_join(share_ends::table.on(share_ends::share_id.eq(shares::id)))
        .filter(shares::token_hash.eq(token_hash))
        .select((ShareRow::as_select(), share_ends::ended_at.nullable()))
        .get_result(c)
        .optional())?)
}

pub fn find_share(conn: &mut Conn, id: &str) -> Result<Option<FoundShare>, StoreError> {
    Ok(on!(conn, |c| shares::table
        .left_join(share_ends::table.on(share_ends::share_id.eq(shares::id)))
        .filter(shares::id.eq(id))
        .select((ShareRow::as_select(), share_ends::ended_at.nullable()))
        .get_result(c)
        .optional())?)
}

/// Whether the person has made this link.
pub fn has_share(conn: &mut Conn, records: &[String], id: &str) -> Result<bool, StoreError> {
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(shares::table.filter(shares::id.eq(id)).filter(shares::worker_id.eq_any(records)))).get_result(c))?)
}

/// A page of a person's links, the newest first.
pub fn list_shares(conn: &mut Conn, records: &[String], before: Option<&str>, limit: i64) -> Result<Vec<FoundShare>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = shares::table.left_join(share_ends::table.on(share_ends::share_id.eq(shares::id))).filter(shares::worker_id.eq_any(records)).order(shares::id.desc()).limit(limit).into_boxed();
        if let Some(before) = before {
            query = query.filter(shares::id.lt(before));
        }
        query.select((ShareRow::as_select(), share_ends::ended_at.nullable())).load(c)
    })?)
}

/// How often each of a person's links was opened, and when last.
pub fn count_views(conn: &mut Conn, records: &[String], share_ids: &[String]) -> Result<Vec<(String, i64, Option<i64>)>, StoreError> {
    Ok(on!(conn, |c| share_views::table
        .filter(share_views::worker_id.eq_any(records))
        .filter(share_views::share_id.eq_any(share_ids))
        .group_by(share_views::share_id)
        .select((share_views::share_id, diesel::dsl::count(share_views::id), diesel::dsl::max(share_views::viewed_at)))
        .load(c))?)
}

/// A page of openings of a person's links, the newest first.
pub fn list_views(conn: &mut Conn, records: &[String], before: Option<&str>, limit: i64) -> Result<Vec<ShareViewRow>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = share_views::table.filter(share_views::worker_id.eq_any(records)).order(share_views::id.desc()).limit(limit).into_boxed();
        if let Some(before) = before {
            query = query.filter(share_views::id.lt(before));
        }
        query.select(ShareViewRow::as_select()).load(c)
    })?)
}
