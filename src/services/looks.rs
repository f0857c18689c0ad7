//! Looks at other people's certificates: each is a fact before what was looked at is shown (PR-5), and its holder sees it (PR-7).

use super::Registry;
use super::error::Error;
use crate::domain::access::Actor;
use crate::domain::id::{LookupId, OrganisationId};
use crate::domain::verification::Ground;
use crate::store::log::Fact;
use crate::store::lookups::{self as store, LookupRow};

/// Whose certificate is looked at, and why.
pub(super) struct Looked<'a> {
    pub worker_id: &'a str,
    pub certificate_id: &'a str,
    pub ground: Ground,
}

impl Registry {
    /// Records what an actor looks at in the name of an organisation; nothing when that is nothing.
    pub(super) async fn record_looks(&self, actor: &Actor, organisation: OrganisationId, looked: impl Iterator<Item = Looked<'_>>) -> Result<(), Error> {
        let row = |looked: Looked<'_>| LookupRow {
            id: self.new_id(LookupId::new).to_string(),
            organisation_id: organisation.to_string(),
            client_id: actor.client.to_string(),
            worker_id: looked.worker_id.to_owned(),
            certificate_id: looked.certificate_id.to_owned(),
            ground: looked.ground.as_str().to_owned(),
            looked_at: self.now_micros(),
        };
        let rows: Vec<LookupRow> = looked.map(row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.store
            .write(move |tx| {
                store::insert_lookups(tx.conn, &rows)?;
                for row in &rows {
                    tx.record(Fact::of(Some(&organisation), row)?);
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
