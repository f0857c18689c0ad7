//! The first start: the registry's own keys, the shipped catalogue, and the first registrar.

use super::Registry;
use super::error::Error;
use super::keys::{PURPOSE_CREDENTIALS, PURPOSE_LOG, PURPOSE_TOKENS, PURPOSE_WITNESS, add_key};
use crate::domain::access::Role;
use crate::domain::id::ClientId;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::organisations::{self, ClientRow};
use std::sync::Arc;

/// A client with its secret, which is shown once and never again.
#[derive(Debug, Clone)]
pub struct NewClient {
    pub row: ClientRow,
    pub secret: String,
}

impl Registry {
    /// Makes what a new registry lacks. Running it again changes nothing and returns None.
    pub async fn set_up(&self) -> Result<Option<NewClient>, Error> {
        self.ensure_registry_keys().await?;
        self.load_shipped_catalogue().await?;
        let (secret, secret_hash) = self.make_secret();
        let row = ClientRow {
            id: self.new_id(ClientId::new).to_string(),
            organisation_id: None,
            name: "first registrar".to_owned(),
            role: Role::Registrar.as_str().to_owned(),
            scopes: scope_text(Role::Registrar),
            secret_hash,
            registered_at: self.now_micros(),
            registered_by: "init".to_owned(),
        };
        let inserted = row.clone();
        let is_new = self
            .store
            .write(move |tx| {
                // The writer's transaction is alone, so the count is still right when the row goes in.
                if organisations::count_clients(tx.conn)? > 0 {
                    return Ok(false);
                }
                organisations::insert_client(tx.conn, &inserted)?;
                tx.record(Fact::of(None, &inserted)?);
                Ok(true)
            })
            .await?;
        Ok(is_new.then_some(NewClient { row, secret }))
    }

    pub async fn ensure_registry_keys(&self) -> Result<(), Error> {
        let did = self.registry_did().to_owned();
        let owner = did.to_string();
        let existing = self.store.read(move |conn| crate::store::keys::list_keys_of(conn, &owner)).await?;
        // Another node may have made some of them since this one opened the database.
        self.refresh_keys().await?;
        // The log's key comes first: without it nothing can be written, and its own entry is the first one that it signs.
        for purpose in [PURPOSE_LOG, PURPOSE_CREDENTIALS, PURPOSE_TOKENS, PURPOSE_WITNESS] {
            if existing.iter().any(|key| key.purpose == purpose) {
                continue;
            }
            let row = self.make_key(&did, purpose)?;
            if purpose == PURPOSE_LOG {
                self.sign_log_with(Arc::new(self.open_key(&row)?))?;
            }
            match self.store.write(move |tx| add_key(tx, &row, None)).await {
                // Another node is setting up the same database: its key counts, and nothing was signed with ours.
                Err(StoreError::Conflict(Constraint::OnlyKey)) => self.refresh_keys().await?,
                written => written?,
            }
        }
        self.refresh_keys().await
    }
}

/// Every scope of a role, as tokens and tables write them.
pub(super) fn scope_text(role: Role) -> String {
    role.scopes().iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}
