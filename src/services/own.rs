//! What a worker sees and does with what is their own. Nobody else's scopes matter here, and a look at oneself is not recorded.

use super::Registry;
use super::credits::CreditBalance;
use super::error::Error;
use super::issuing::IssuedCertificate;
use super::workers::Worker;
use crate::domain::access::SignedInWorker;
use crate::domain::id::{CertificateId, CreditEntryId, OrganisationId};
use crate::store::backend::Conn;
use crate::store::certificates as certificate_store;
use crate::store::credits::{self as credit_store, CreditEntryRow, LedgerPlace};
use crate::store::log as log_store;
use crate::store::lookups::{self, Look};
use crate::store::merges;
use crate::store::records::{self, RecordPlace, RecordRow};
use std::collections::HashMap;
use std::sync::Arc;

/// A page as it is sent.
pub struct RenderedPage {
    pub body: Vec<u8>,
    pub etag: String,
    pub next_cursor: Option<String>,
}

/// Worker, place and length of a page.
type PageKey = (String, i64, i64, i64);

/// Pages of records that were written a moment ago, each with the size of the log then: nothing has changed while that is the same.
pub struct OwnRecords {
    pages: quick_cache::sync::Cache<PageKey, (i64, Arc<RenderedPage>)>,
}

impl Default for OwnRecords {
    fn default() -> Self {
        OwnRecords { pages: quick_cache::sync::Cache::new(1_000) }
    }
}

impl Registry {
    /// The worker's own data, in clear.
    pub async fn get_own_worker(&self, own: &SignedInWorker) -> Result<Worker, Error> {
        self.load_worker(&own.worker).await
    }

    /// A page of the worker's record as `render` writes it; written once for each state of the log.
    pub async fn render_own_record(&self, own: &SignedInWorker, behind: RecordPlace, limit: i64, render: impl FnOnce(Vec<RecordRow>) -> RenderedPage) -> Result<Arc<RenderedPage>, Error> {
        let key = (own.worker.to_string(), behind.at, behind.seen, limit);
        let known = self.own_records.pages.get(&key);
        let (known_size, wanted) = (known.as_ref().map(|(size, _)| *size), own.worker.to_string());
        let read = move |conn: &mut Conn| {
            let size = log_store::read_size(conn)?;
            if known_size == Some(size) {
                return Ok((size, None));
            }
            let of_person = merges::person_of(conn, &wanted)?;
            Ok((size, Some(records::list_record(conn, &of_person, behind, limit)?)))
        };
        match (self.store.read_snapshot(read).await?, known) {
            ((_, None), Some((_, page))) => Ok(page),
            ((size, rows), _) => {
                let page = Arc::new(render(rows.unwrap_or_default()));
                self.own_records.pages.insert(key, (size, Arc::clone(&page)));
                Ok(page)
            }
        }
    }

    pub async fn list_own_record(&self, own: &SignedInWorker, behind: RecordPlace, limit: i64) -> Result<Vec<RecordRow>, Error> {
        let wanted = own.worker.to_string();
        let read = move |conn: &mut Conn| {
            let of_person = merges::person_of(conn, &wanted)?;
            records::list_record(conn, &of_person, behind, limit)
        };
        Ok(self.store.read_snapshot(read).await?)
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

    /// One of the worker's certificates.
    pub async fn get_own_certificate(&self, own: &SignedInWorker, id: &CertificateId) -> Result<IssuedCertificate, Error> {
        let (wanted, records) = (id.to_string(), self.person_of(&own.worker).await?);
        let standing = self.store.read(move |conn| certificate_store::find_by_id(conn, &wanted)).await?.filter(|(row, ..)| records.contains(&row.worker_id)).ok_or(Error::NotFound)?;
        let body = self.get_body(&super::stored(&standing.0.issuer_id)?).await?;
        self.open_issued(standing, body.name.clone())
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
