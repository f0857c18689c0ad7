//! Keys change hands with time: a new one takes over at a moment that everybody knows beforehand, and a stolen one is struck out.
//!
//! **Rotation.** The new key is published and recorded some seconds before it signs, so that every node and every reader has it when the
//! first signature appears. The old one stays published: what it signed keeps verifying.
//!
//! **Revocation.** From the moment of the theft on, what the key signed counts only if the log had it before; the log's time decides, not
//! the date that the document claims. A new key signs at once.

use super::Registry;
use super::error::Error;
use super::keys::{PURPOSE_CREDENTIALS, PURPOSE_TOKENS, add_key};
use crate::domain::id::OrganisationId;
use crate::domain::text::Text;
use crate::store::error::{Constraint, StoreError};
use crate::store::keys::{self, KeyRevocationRow, SigningKeyRow};
use crate::store::log::Fact;
use chrono::{DateTime, TimeDelta, Utc};

/// How long a new key is known before it signs: longer than readers keep the published keys, and far longer than the rhythm in which nodes
/// look for them.
pub const TAKES_OVER_AFTER: TimeDelta = TimeDelta::seconds(90);

/// Purposes whose keys can be changed. The log and the witness are known to others by their keys.
const CHANGEABLE: [&str; 2] = [PURPOSE_CREDENTIALS, PURPOSE_TOKENS];

impl Registry {
    /// A new key of an owner, in force from now on or a little later. Returns its row.
    ///
    /// # Errors
    /// `NotFound` when the owner has no key for this purpose.
    pub async fn rotate_key(&self, owner: &str, purpose: &str) -> Result<SigningKeyRow, Error> {
        self.refuse_fixed(purpose)?;
        let (wanted, asked) = (owner.to_owned(), purpose.to_owned());
        let rows = self.store.read(move |conn| keys::list_keys_of(conn, &wanted)).await?;
        let newest = rows.iter().filter(|row| row.purpose == asked).map(|row| row.created_at).max().ok_or(Error::NotFound)?;
        let takes_over_at = self.clock.now() + TAKES_OVER_AFTER;
        // Two that are asked for at once take over one after the other.
        let row = SigningKeyRow { created_at: takes_over_at.timestamp_micros().max(newest + 1), ..self.make_key(owner, purpose)? };
        let (inserted, organisation) = (row.clone(), self.organisation_of_did(owner));
        self.store.write(move |tx| add_key(tx, &inserted, organisation.as_ref())).await?;
        self.refresh_keys().await?;
        Ok(row)
    }

    /// Strikes a stolen key out, and puts a new one in its place if it was the one that signs. Returns the new one.
    ///
    /// # Errors
    /// `NotFound` for an unknown key, `Conflict` for one that was struck out before, `Invalid` for a moment in the future.
    pub async fn revoke_key(&self, key_id: &str, compromised_at: DateTime<Utc>, reason: &str) -> Result<Option<SigningKeyRow>, Error> {
        let now = self.clock.now();
        if compromised_at > now {
            return Err(Error::invalid("since", Text::new(format!("{compromised_at} found, a moment that has passed expected"), format!("{compromised_at} 尚未到来"))));
        }
        let wanted = key_id.to_owned();
        let revoked = self.store.read(move |conn| keys::find_key(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        self.refuse_fixed(&revoked.purpose)?;
        let owner = revoked.owner.clone();
        let siblings = self.store.read(move |conn| keys::list_keys_of(conn, &owner)).await?;
        let newer = siblings.iter().any(|row| row.purpose == revoked.purpose && row.created_at > revoked.created_at && row.created_at <= now.timestamp_micros());
        // One that is to take over later still does.
        let newest = siblings.iter().filter(|row| row.purpose == revoked.purpose && row.created_at <= now.timestamp_micros()).map(|row| row.created_at).max().unwrap_or_default();
        let made = if newer { None } else { Some(self.make_key(&revoked.owner, &revoked.purpose)?) };
        let successor = made.map(|row| SigningKeyRow { created_at: now.timestamp_micros().max(newest + 1), ..row });
        let row = KeyRevocationRow { key_id: revoked.key_id, compromised_at: compromised_at.timestamp_micros(), reason: reason.to_owned(), recorded_at: now.timestamp_micros() };
        let (added, organisation) = (successor.clone(), self.organisation_of_did(&revoked.owner));
        self.store
            .write(move |tx| {
                keys::insert_revocation(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                if let Some(added) = &added {
                    add_key(tx, added, organisation.as_ref())?;
                }
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::KeyRevocation) => Error::Conflict(Text::new("the key was revoked before", "该密钥此前已被吊销")),
                other => other.into(),
            })?;
        self.refresh_keys().await?;
        Ok(successor)
    }

    fn refuse_fixed(&self, purpose: &str) -> Result<(), Error> {
        if CHANGEABLE.contains(&purpose) {
            return Ok(());
        }
        Err(Error::invalid("purpose", Text::new(format!("{purpose} found, {} expected: a log and a witness are known by their keys", CHANGEABLE.join(" or ")), format!("用途 {purpose} 的密钥不可更换"))))
    }

    /// The organisation whose DID this is; None for the registry itself.
    fn organisation_of_did(&self, did: &str) -> Option<OrganisationId> {
        did.strip_prefix(&format!("{}:organisations:", self.registry_did()))?.parse().ok()
    }
}
