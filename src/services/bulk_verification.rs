//! Verification of many at once, for employers (VE-6): each row by the rules of one, each look recorded with its ground.

use super::Registry;
use super::error::Error;
use super::looks::Looked;
use super::verification::{Verdict, VerificationQuery};
use crate::domain::access::{Act, Actor};
use crate::domain::id::OrganisationId;
use crate::domain::rule::Violation;
use crate::domain::verification::Ground;
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
        let found = rows.iter().zip(&verdicts).filter_map(|(row, verdict)| row.as_ref().ok().zip(verdict.as_ref().ok()));
        let looked = found.flat_map(|((_, ground), verdict)| {
            verdict.certificates.iter().map(|found| Looked { worker_id: &found.standing.worker_id, certificate_id: &found.standing.certificate_id, ground: *ground })
        });
        self.record_looks(actor, organisation, looked).await?;
        Ok(verdicts)
    }
}
