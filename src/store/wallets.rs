//! Offers to wallets, and what wallets took. Codes, tokens, nonces and keys are keyed hashes.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::schema::wallets::{wallet_credentials, wallet_offers, wallet_pickups};
use diesel::prelude::*;
use serde::{Serialize, Serializer};

/// An offer of a certificate.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = wallet_offers, treat_none_as_default_value = false)]
pub struct WalletOfferRow {
    pub id: String,
    pub worker_id: String,
    pub certificate_id: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub code_hash: Vec<u8>,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub pin_hash: Vec<u8>,
    pub expires_at: i64,
    pub made_at: i64,
}

/// A wallet that came for an offer, and the token that it got.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = wallet_pickups, treat_none_as_default_value = false)]
pub struct WalletPickupRow {
    pub offer_id: String,
    #[serde(serialize_with = "hex::serde::serialize")]
    pub token_hash: Vec<u8>,
    pub expires_at: i64,
    pub taken_at: i64,
}

/// A credential that a wallet took.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = wallet_credentials, treat_none_as_default_value = false)]
pub struct WalletCredentialRow {
    #[serde(serialize_with = "hex::serde::serialize")]
    pub nonce_hash: Vec<u8>,
    pub offer_id: String,
    pub configuration: String,
    #[serde(serialize_with = "hex_or_nothing")]
    pub holder_key_hash: Option<Vec<u8>>,
    pub issued_at: i64,
}

fn hex_or_nothing<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
    bytes.as_ref().map(hex::encode).serialize(serializer)
}

pub fn insert_offer(conn: &mut Conn, row: &WalletOfferRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(wallet_offers::table).values(row).execute(c))?;
    Ok(())
}

/// An offer by its code, and whether a wallet has come for it.
pub fn find_offer_by_code(conn: &mut Conn, code_hash: &[u8]) -> Result<Option<(WalletOfferRow, bool)>, StoreError> {
    Ok(on!(conn, |c| wallet_offers::table
        .left_join(wallet_pickups::table.on(wallet_pickups::offer_id.eq(wallet_offers::id)))
        .filter(wallet_offers::code_hash.eq(code_hash))
        .select((WalletOfferRow::as_select(), wallet_pickups::offer_id.nullable().is_not_null()))
        .get_result(c)
        .optional())?)
}

/// Takes an offer up; one that was taken up before is a conflict.
pub fn insert_pickup(conn: &mut Conn, row: &WalletPickupRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(wallet_pickups::table).values(row).execute(c))?;
    Ok(())
}

/// The offer that a token is for.
pub fn find_offer_by_token(conn: &mut Conn, token_hash: &[u8]) -> Result<Option<(WalletOfferRow, WalletPickupRow)>, StoreError> {
    Ok(on!(conn, |c| wallet_pickups::table
        .inner_join(wallet_offers::table.on(wallet_offers::id.eq(wallet_pickups::offer_id)))
        .filter(wallet_pickups::token_hash.eq(token_hash))
        .select((WalletOfferRow::as_select(), WalletPickupRow::as_select()))
        .get_result(c)
        .optional())?)
}

/// Records what a wallet took; a nonce that was used before is a conflict.
pub fn insert_wallet_credential(conn: &mut Conn, row: &WalletCredentialRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(wallet_credentials::table).values(row).execute(c))?;
    Ok(())
}
