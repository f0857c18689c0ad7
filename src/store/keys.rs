//! Signing keys: public halves in clear, private halves sealed.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::{key_revocations, signing_keys};
use diesel::prelude::*;
use serde::Serialize;

/// A key of the registry or of an organisation. `owner` is a DID.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = signing_keys, treat_none_as_default_value = false)]
pub struct SigningKeyRow {
    pub key_id: String,
    pub owner: String,
    pub purpose: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub public_key: Vec<u8>,
    #[serde(skip)]
    pub sealed_secret: Vec<u8>,
    pub created_at: i64,
}

/// A stolen key, and since when what it signed is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = key_revocations, treat_none_as_default_value = false)]
pub struct KeyRevocationRow {
    pub key_id: String,
    pub compromised_at: i64,
    pub reason: String,
    pub recorded_at: i64,
}

/// Fails with [`Constraint::KeyRevocation`](super::error::Constraint) for a key that was revoked before.
pub fn insert_revocation(conn: &mut Conn, row: &KeyRevocationRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(key_revocations::table).values(row).execute(c))?;
    Ok(())
}

pub fn list_revocations(conn: &mut Conn) -> Result<Vec<KeyRevocationRow>, StoreError> {
    Ok(on!(conn, |c| key_revocations::table.order(key_revocations::key_id).select(KeyRevocationRow::as_select()).load(c))?)
}

pub fn insert_key(conn: &mut Conn, row: &SigningKeyRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(signing_keys::table).values(row).execute(c))?;
    Ok(())
}

/// Every key, oldest first; of an owner and purpose the newest whose moment has come, and that was not revoked, is the one that signs.
pub fn list_keys(conn: &mut Conn) -> Result<Vec<SigningKeyRow>, StoreError> {
    Ok(on!(conn, |c| signing_keys::table.order((signing_keys::created_at, signing_keys::key_id)).select(SigningKeyRow::as_select()).load(c))?)
}

pub fn list_keys_of(conn: &mut Conn, owner: &str) -> Result<Vec<SigningKeyRow>, StoreError> {
    Ok(on!(conn, |c| signing_keys::table
        .filter(signing_keys::owner.eq(owner))
        .order((signing_keys::created_at, signing_keys::key_id))
        .select(SigningKeyRow::as_select())
        .load(c))?)
}

pub fn find_key(conn: &mut Conn, key_id: &str) -> Result<Option<SigningKeyRow>, StoreError> {
    Ok(on!(conn, |c| signing_keys::table.find(key_id).select(SigningKeyRow::as_select()).get_result(c).optional())?)
}
