//! Status lists as they are served: revocation and suspension as they are stored, and what follows from both, signed once for each
//! change.

use super::Registry;
use super::error::Error;
use super::keys::PURPOSE_CREDENTIALS;
use crate::clock::from_micros;
use crate::credential::{status_list, token_status};
use crate::store::status_lists as store;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The purposes that have rows of their own.
const STORED: [&str; 2] = ["revocation", "suspension"];

/// A list that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    Revocation,
    Suspension,
    /// Both in two bits (Bitstring Status List, `statusSize`).
    Message,
    /// Both as a Token Status List, for SD-JWT VC.
    Token,
}

crate::domain::organisation::names!(ListKind {
    Revocation => "revocation",
    Suspension => "suspension",
    Message => "message",
    Token => "token",
});

/// How a list is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListForm {
    Jwt,
    /// With embedded proofs, like the credentials that are secured so (Bitstring Status List, 3.1).
    DataIntegrity,
}

/// A status list as it is served.
#[derive(Debug, Clone)]
pub struct ServedStatusList {
    pub document: String,
    pub version: i64,
    pub changed_at: DateTime<Utc>,
    /// Of its bytes, since another key may have signed the same list.
    pub etag: String,
}

/// Signed lists of this node.
pub type SignedStatusLists = Mutex<HashMap<(ListKind, i64, ListForm), ServedStatusList>>;

impl Registry {
    /// A status list, signed.
    ///
    /// # Errors
    /// `NotFound` when there is no such list; a token list has no form but a token.
    pub async fn get_status_list(&self, kind: ListKind, list: i64, form: ListForm) -> Result<ServedStatusList, Error> {
        if kind == ListKind::Token && form != ListForm::Jwt {
            return Err(Error::NotFound);
        }
        let place = (kind, list, form);
        let versions = self
            .store
            .read_snapshot(move |conn| {
                let version = |conn: &mut _, purpose: &str| store::find_list_version(conn, list, purpose);
                Ok((version(conn, STORED[0])?, version(conn, STORED[1])?))
            })
            .await?;
        let (Some(revocation), Some(suspension)) = versions else { return Err(Error::NotFound) };
        let version = match kind {
            ListKind::Revocation => revocation,
            ListKind::Suspension => suspension,
            // Versions only grow, so their sum names one state of both.
            ListKind::Message | ListKind::Token => revocation + suspension,
        };
        let kept = self.status_lists.lock().unwrap_or_else(PoisonError::into_inner).get(&place).filter(|kept| kept.version == version).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let served = self.sign_status_list(kind, list, form).await?;
        self.status_lists.lock().unwrap_or_else(PoisonError::into_inner).insert(place, served.clone());
        Ok(served)
    }

    async fn sign_status_list(&self, kind: ListKind, list: i64, form: ListForm) -> Result<ServedStatusList, Error> {
        let rows = self.store.read_snapshot(move |conn| Ok((store::find_list(conn, list, STORED[0])?, store::find_list(conn, list, STORED[1])?))).await?;
        let (Some(revocation), Some(suspension)) = rows else { return Err(Error::NotFound) };
        let key = self.current_key(self.registry_did(), PURPOSE_CREDENTIALS).await?;
        let url = format!("{}/status/{}/{list}", self.config.public_url, kind.as_str());
        let (version, changed_at) = match kind {
            ListKind::Revocation => (revocation.version, revocation.changed_at),
            ListKind::Suspension => (suspension.version, suspension.changed_at),
            ListKind::Message | ListKind::Token => (revocation.version + suspension.version, revocation.changed_at.max(suspension.changed_at)),
        };
        let changed_at = from_micros(changed_at);
        if kind == ListKind::Token {
            let document = token_status::signed_list(&key, &url, &token_status::combine(&revocation.bits, &suspension.bits), changed_at)?;
            return Ok(served(document, version, changed_at));
        }
        let bits = match kind {
            ListKind::Revocation => revocation.bits,
            ListKind::Suspension => suspension.bits,
            _ => status_list::combine(&revocation.bits, &suspension.bits),
        };
        let credential = status_list::credential(&url, &key.controller, kind.as_str(), &bits, changed_at);
        let document = match form {
            ListForm::Jwt => status_list::sign(&key, &credential)?,
            ListForm::DataIntegrity => status_list::with_proofs(&key, credential, changed_at)?,
        };
        Ok(served(document, version, changed_at))
    }
}

fn served(document: String, version: i64, changed_at: DateTime<Utc>) -> ServedStatusList {
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&document)[..12]));
    ServedStatusList { document, version, changed_at, etag }
}
