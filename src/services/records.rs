//! The electronic training record: one timeline of a worker's classes, hours, assessments, certificates and credits.
//!
//! Whoever looks at somebody else's record is recorded before anything is shown (PR-5), so that the worker sees it (PR-7).

use super::Registry;
use super::error::Error;
use crate::domain::access::{Act, Actor, READ_RECORD, reaches_all};
use crate::domain::id::{LookupId, WorkerId};
use crate::store::backend::Conn;
use crate::store::log::Fact;
use crate::store::lookups::{self, RecordLookupRow};
use crate::store::merges;
use crate::store::records::{self as store, RecordPlace, RecordRow};
use crate::store::workers as worker_store;

/// A part of a record that somebody looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordPart {
    Record,
    Credits,
    /// Memberships of priority groups.
    Groups,
    /// A code by which the worker signs in was made.
    AccessCode,
}

impl RecordPart {
    fn as_str(self) -> &'static str {
        match self {
            RecordPart::Record => "record",
            RecordPart::Credits => "credits",
            RecordPart::Groups => "groups",
            RecordPart::AccessCode => "access_code",
        }
    }
}

impl Registry {
    /// A page of a worker's record, for the authority and for organisations that trained, assessed or certified the worker.
    pub async fn list_record(&self, actor: &Actor, worker: &WorkerId, behind: RecordPlace, limit: i64) -> Result<Vec<RecordRow>, Error> {
        self.authorise(actor, Act::ReadRecord)?;
        self.look_at_record(actor, worker, RecordPart::Record).await?;
        let wanted = worker.to_string();
        let read = move |conn: &mut Conn| {
            let records = merges::person_of(conn, &wanted)?;
            store::list_record(conn, &records, behind, limit)
        };
        Ok(self.store.read_snapshot(read).await?)
    }

    /// Lets an actor who may look at records at all look at this one, and records it. A worker whom the actor has nothing to do with does not exist.
    pub(super) async fn look_at_record(&self, actor: &Actor, worker: &WorkerId, part: RecordPart) -> Result<(), Error> {
        // Groups are the authority's affair, which was asked before.
        let sees_all = reaches_all(actor, READ_RECORD) || part == RecordPart::Groups;
        let (wanted, organisation) = (worker.to_string(), actor.organisation.clone());
        let may_look = self
            .store
            .read(move |conn| {
                let exists = !worker_store::list_existing(conn, std::slice::from_ref(&wanted))?.is_empty();
                let Some(organisation) = organisation.filter(|_| exists && !sees_all) else { return Ok(exists && sees_all) };
                let records = merges::person_of(conn, &wanted)?;
                store::has_tie(conn, organisation.as_str(), &records)
            })
            .await?;
        if !may_look {
            return Err(Error::NotFound);
        }
        let (organisation, row) = (
            actor.organisation.clone(),
            RecordLookupRow {
                id: self.new_id(LookupId::new).to_string(),
                worker_id: worker.to_string(),
                organisation_id: actor.organisation.as_ref().map(ToString::to_string),
                client_id: actor.client.to_string(),
                part: part.as_str().to_owned(),
                looked_at: self.now_micros(),
            },
        );
        self.store
            .write(move |tx| {
                lookups::insert_record_lookup(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await?;
        Ok(())
    }
}
