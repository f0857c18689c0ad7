//! Verification of many at once, for employers (VE-6): each row by the rules of one, each look recorded with its ground.

use super::Registry;
use super::error::Error;
use super::verification::{Verdict, VerificationQuery};
use crate::domain::access::{Act, Actor};
use crate::domain::id::{LookupId, OrganisationId};
use crate::domain::rule::Violation;
use crate::domain::verification::Ground;
use crate::store::log::Fact;
use crate::store::lookups::{self as store, LookupRow};
use futures_util::future::join_all;

/// One row: what is asked, and on what ground; or what is wrong with it.
pub type BulkRow = Result<(VerificationQuery, Ground), Vec<Violation>>;

/// Rows that are looked up and recorded together.
pub const BULK_STEP: usize = 100;

impl Registry {
    /// The organisation in whose name an actor may verify in bulk.
    pub fn authorise_bulk(&self, actor: &Actor) -> Result<OrganisationId, Error> {
        let organisation = self.own_organisation(actor)?;
        self.authorise(actor, Act::VerifyInBulk { organisation: &organisation })?;
        Ok(organisation)
    }

    /// Verifies rows. What was found is told only after the look is recorded (PR-5).
    pub async fn verify_rows(&self, actor: &Actor, rows: &[BulkRow]) -> Result<Vec<Result<Verdict, Vec<Violation>>>, Error> {
        let organisation = self.authorise_bulk(actor)?;
        let asked = rows.iter().map(async |row| match row {
            Ok((query, _)) => match self.verify_by_facts(query).await {
                Ok(verdict) => Ok(Ok(verdict)),
                Err(Error::Refused(violations) | Error::Invalid(violations)) => Ok(Err(violations)),
                Err(other) => Err(other),
            },
            Err(violations) => Ok(Err(violations.clone())),
        });
        let verdicts = join_all(asked).await.into_iter().collect::<Result<Vec<_>, Error>>()?;
        let mut looks = Vec::new();
        for (row, verdict) in rows.iter().zip(&verdicts) {
            let (Ok((_, ground)), Ok(verdict)) = (row, verdict) else { continue };
            let found = verdict.certificates.iter().map(|certificate| &certificate.standing);
            looks.extend(found.map(|found| self.look(actor, &organisation, (&found.worker_id, &found.certificate_id), *ground)));
        }
        if !looks.is_empty() {
            self.record_looks(organisation, looks).await?;
        }
        Ok(verdicts)
    }

    /// A look at a certificate, named by its worker and itself, which is not recorded yet.
    pub(super) fn look(&self, actor: &Actor, organisation: &OrganisationId, (worker, certificate): (&str, &str), ground: Ground) -> LookupRow {
        LookupRow {
            id: self.new_id(LookupId::new).to_string(),
            organisation_id: organisation.to_string(),
            client_id: actor.client.to_string(),
            worker_id: worker.to_owned(),
            certificate_id: certificate.to_owned(),
            ground: ground.as_str().to_owned(),
            looked_at: self.now_micros(),
        }
    }

    /// Records looks of one organisation. What was looked at is shown only behind it.
    pub(super) async fn record_looks(&self, organisation: OrganisationId, looks: Vec<LookupRow>) -> Result<(), Error> {
        self.store
            .write(move |tx| {
                store::insert_lookups(tx.conn, &looks)?;
                for look in &looks {
                    tx.record(Fact::of(Some(&organisation), look)?);
                }
                Ok(())
            })
            .await?;
        Ok(())
    }
}
