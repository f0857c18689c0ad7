//! What a worker sees and does with what is their own. Nobody else's scopes matter here, and a look at oneself is not recorded.

use super::Registry;
use super::credits::CreditBalance;
use super::error::Error;
use super::issuing::IssuedCertificate;
use super::signing::version_place;
use super::workers::Worker;
use crate::domain::access::SignedInWorker;
use crate::domain::id::{CertificateId, CreditEntryId, OrganisationId};
use crate::store::certificates as certificate_store;
use crate::store::credits::{self as credit_store, CreditEntryRow, LedgerPlace};
use crate::store::lookups::{self, Look};
use crate::store::merges;
use crate::store::records::{self, RecordPlace, RecordRow};
use crate::vault::Sealed;
use std::collections::HashMap;

impl Registry {
    /// The worker's own data, in clear.
    pub async fn get_own_worker(&self, own: &SignedInWorker) -> Result<Worker, Error> {
        self.load_worker(&own.worker).await
    }

    pub async fn list_own_record(&self, own: &SignedInWorker, behind: RecordPlace, limit: i64) -> Result<Vec<RecordRow>, Error> {
        let wanted = own.worker.to_string();
        Ok(self.store.read_snapshot(move |conn| {
                let of_person = merges::person_of(conn, &wanted)?;
                records::list_record(conn, &of_person, behind, limit)
            }).await?)
    }

    pub async fn get_own_credits(&self, own: &SignedInWorker) -> Result<CreditBalance, Error> {
        self.balance_of(&own.worker).await
    }

    pub async fn list_own_credit_entries(&self, own: &SignedInWorker, after: Option<LedgerPlace>, limit: i64) -> Result<Vec<CreditEntryRow>, Error> {
        let records = self.person_of(&own.worker).await?;
        Ok(self.store.read(move |conn| credit_store::list_entries(conn, &records, after.as_ref(), limit)).await?)
    }

    pub async fn get_own_credit_entry(&self, own: &SignedInWorker, entry: &CreditEntryId) -> Result<CreditEntryRow, Error> {
        self.find_credit_entry_of(&own.worker, entry).await
    }

    /// Every certificate of the worker, in order of issue.
    pub async fn list_own_certificates(&self, own: &SignedInWorker) -> Result<Vec<IssuedCertificate>, Error> {
        let records = self.person_of(&own.worker).await?;
        let standings = self.store.read(move |conn| certificate_store::list_by_workers(conn, &records)).await?;
        let mut certificates = Vec::with_capacity(standings.len());
        for standing in standings {
            let body = self.get_body(&super::stored(&standing.0.issuer_id)?).await?;
            certificates.push(self.open_issued(standing, body.name.clone())?);
        }
        Ok(certificates)
    }

    /// The signed credential of one of the worker's certificates, byte for byte.
    pub async fn get_own_document(&self, own: &SignedInWorker, id: &CertificateId) -> Result<String, Error> {
        let (wanted, records) = (id.to_string(), self.person_of(&own.worker).await?);
        let standing = self.store.read(move |conn| certificate_store::find_by_id(conn, &wanted)).await?.filter(|(row, ..)| records.contains(&row.worker_id));
        let (row, version, _) = standing.ok_or(Error::NotFound)?;
        Ok(self.vault.open_text(Sealed::Document, &version_place(&row.id, version.version), &version.sealed_document)?)
    }

    /// A page of looks at the worker, the newest first, each with the name of the organisation that looked (PR-7).
    pub async fn list_own_looks(&self, own: &SignedInWorker, before: Option<String>, limit: i64) -> Result<Vec<(Look, Option<String>)>, Error> {
        let records = self.person_of(&own.worker).await?;
        let looks = self.store.read(move |conn| lookups::list_looks(conn, &records, before.as_deref(), limit)).await?;
        let mut names: HashMap<String, String> = HashMap::new();
        for id in looks.iter().filter_map(|look| look.organisation_id.clone()) {
            if !names.contains_key(&id) {
                let organisation: OrganisationId = super::stored(&id)?;
                names.insert(id, self.get_body(&organisation).await?.name.clone());
            }
        }
        Ok(looks.into_iter().map(|look| (look.organisation_id.as_ref().and_then(|id| names.get(id).cloned()), look)).map(|(name, look)| (look, name)).collect())
    }
}
