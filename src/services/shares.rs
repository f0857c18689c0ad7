//! Links by which workers show parts of their record to somebody else: made, listed, withdrawn by the worker; opened by whoever has one.
//! The access of a platform (`platforms.rs`) is one of them.
//!
//! Every opening is a fact before anything is shown, and the worker sees it. A link that is unknown, withdrawn or expired is not found.

use super::Registry;
use super::credits::CreditBalance;
use super::error::Error;
use super::intent::{Answer, Intent, KeptAnswer};
use super::issuing::IssuedCertificate;
use super::workers::Worker;
use crate::credential::form::CredentialForm;
use crate::domain::access::SignedInWorker;
use crate::domain::id::{CertificateId, LookupId, ShareId, WorkerId, WorkerSessionId};
use crate::domain::rule::invalid;
use crate::domain::sharing::{SharePart, ShareTerms};
use crate::domain::text::Text;
use crate::store::log::Fact;
use crate::store::records::{RecordPlace, RecordRow};
use crate::store::shares::{self as store, FoundShare, ShareEndRow, ShareRow, ShareViewRow};
use crate::store::writer::Tx;
use crate::vault::Sealed;
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// A link in clear, for its worker.
#[derive(Debug, Clone)]
pub struct ShareView {
    pub row: ShareRow,
    pub terms: ShareTerms,
    pub ended_at: Option<i64>,
    /// How often it was opened, and when last.
    pub views: (i64, Option<i64>),
}

/// What a link shows.
pub struct SharedRecord {
    pub terms: ShareTerms,
    pub expires_at: i64,
    pub worker: Worker,
    pub credits: Option<CreditBalance>,
    /// With their signed credentials.
    pub certificates: Option<Vec<(IssuedCertificate, String)>>,
}

/// What a worker asks for; the link's secret is made here.
#[derive(Debug, Clone)]
pub struct ShareOrder {
    pub purpose: String,
    pub parts: Vec<SharePart>,
    pub certificates: Option<Vec<CertificateId>>,
    pub expires_at: DateTime<Utc>,
}

impl Registry {
    /// Makes a link to parts of the worker's own record.
    pub async fn make_share(&self, own: &SignedInWorker, order: ShareOrder, intent: &Intent<ShareView>) -> Result<Answer, Error> {
        self.check_share(own, &order).await?;
        let terms = ShareTerms { purpose: order.purpose, parts: order.parts, certificates: order.certificates, token: hex::encode(self.entropy.bytes::<16>()), platform: None };
        let row = self.share_row(own, &terms, order.expires_at)?;
        let (answer, kept) = self.answer(intent, &ShareView { row: row.clone(), terms, ended_at: None, views: (0, None) });
        self.write_share(row, kept).await?;
        Ok(answer)
    }

    pub(super) async fn write_share(&self, row: ShareRow, kept: KeptAnswer) -> Result<(), Error> {
        let write = move |tx: &mut Tx<'_>| {
            kept.keep(tx)?;
            store::insert_share(tx.conn, &row)?;
            tx.record(Fact::of(None, &row)?);
            Ok(())
        };
        Ok(self.store.write(write).await?)
    }

    /// A row for these terms, which it seals.
    pub(super) fn share_row(&self, own: &SignedInWorker, terms: &ShareTerms, until: DateTime<Utc>) -> Result<ShareRow, Error> {
        let id = self.new_id(ShareId::new).to_string();
        let text = serde_json::to_string(terms).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(ShareRow {
            worker_id: own.record.to_string(),
            token_hash: self.share_hash(&terms.token),
            sealed_terms: self.vault.seal(Sealed::ShareTerms, &id, text.as_bytes(), &self.entropy),
            terms_hash: self.vault.commitment(Sealed::ShareTerms, &id, &text),
            id,
            expires_at: until.timestamp_micros(),
            made_at: self.now_micros(),
        })
    }

    async fn check_share(&self, own: &SignedInWorker, order: &ShareOrder) -> Result<(), Error> {
        let (now, days) = (self.clock.now(), self.config.share_days_max);
        let latest = now + chrono::Duration::days(i64::from(days));
        let mut faults = Vec::new();
        if order.expires_at <= now || order.expires_at > latest {
            faults.push(invalid("expires_at", Text::new(format!("a moment within the next {days} days expected"), format!("应为今后 {days} 天之内的时间"))));
        }
        if let Some(wanted) = &order.certificates {
            if !order.parts.contains(&SharePart::Certificates) {
                faults.push(invalid("certificate_ids", Text::new("chosen certificates found, but certificates is not among the parts", "已选证书，但 parts 不含 certificates")));
            }
            let held = self.list_own_certificates(own).await?;
            let is_held = |id: &CertificateId| held.iter().any(|certificate| certificate.standing.0.id == id.as_str());
            let foreign = wanted.iter().enumerate().filter(|(_, id)| !is_held(id));
            faults.extend(foreign.map(|(index, _)| invalid(format!("certificate_ids[{index}]"), Text::new("no such certificate of yours", "您没有该证书"))));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    pub(super) fn share_hash(&self, token: &str) -> Vec<u8> {
        self.vault.blind_index("share", token).to_vec()
    }

    pub(super) fn open_terms(&self, row: &ShareRow) -> Result<ShareTerms, Error> {
        super::stored_json(&self.vault.open_text(Sealed::ShareTerms, &row.id, &row.sealed_terms)?)
    }

    /// A page of the worker's links, the newest first.
    pub async fn list_own_shares(&self, own: &SignedInWorker, before: Option<String>, limit: i64) -> Result<Vec<ShareView>, Error> {
        let records = self.person_of(&own.worker).await?;
        let read = move |conn: &mut crate::store::backend::Conn| {
            let found = store::list_shares(conn, &records, before.as_deref(), limit)?;
            let ids: Vec<String> = found.iter().map(|(row, _)| row.id.clone()).collect();
            Ok((store::count_views(conn, &records, &ids)?, found))
        };
        let (views, found) = self.store.read_snapshot(read).await?;
        let views: HashMap<String, (i64, Option<i64>)> = views.into_iter().map(|(id, count, last)| (id, (count, last))).collect();
        let view = |(row, ended_at): FoundShare| Ok(ShareView { terms: self.open_terms(&row)?, views: views.get(&row.id).copied().unwrap_or_default(), row, ended_at });
        found.into_iter().map(view).collect()
    }

    /// Withdraws a link of the worker's own; once is enough.
    pub async fn end_share(&self, own: &SignedInWorker, id: &ShareId) -> Result<(), Error> {
        let (records, wanted) = (self.person_of(&own.worker).await?, id.to_string());
        if !self.store.read(move |conn| store::has_share(conn, &records, &wanted)).await? {
            return Err(Error::NotFound);
        }
        self.withdraw_share(ShareEndRow { share_id: id.to_string(), ended_at: self.now_micros() }).await
    }

    pub(super) async fn withdraw_share(&self, row: ShareEndRow) -> Result<(), Error> {
        self.store
            .write(move |tx| {
                if store::insert_share_end(tx.conn, &row)? {
                    tx.record(Fact::of(None, &row)?);
                }
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Opens a link: the worker, and the parts but the timeline. The opening is recorded first.
    pub async fn open_share(&self, token: &str) -> Result<SharedRecord, Error> {
        let (row, terms, holder) = self.view_share(token).await?;
        let has = |part| terms.parts.contains(&part);
        let credits = if has(SharePart::Credits) { Some(self.balance_of(&holder.worker).await?) } else { None };
        let certificates = if has(SharePart::Certificates) { Some(self.shown_certificates(&holder, terms.certificates.as_deref()).await?) } else { None };
        Ok(SharedRecord { worker: self.get_own_worker(&holder).await?, expires_at: row.expires_at, terms, credits, certificates })
    }

    /// A page of the timeline that a link shows.
    pub async fn list_shared_record(&self, token: &str, behind: RecordPlace, limit: i64) -> Result<Vec<RecordRow>, Error> {
        let (_, terms, holder) = self.view_share(token).await?;
        if !terms.parts.contains(&SharePart::Record) {
            return Err(Error::NotFound);
        }
        self.list_own_record(&holder, behind, limit).await
    }

    async fn view_share(&self, token: &str) -> Result<(ShareRow, ShareTerms, SignedInWorker), Error> {
        let hash = self.share_hash(token);
        let found = self.store.read(move |conn| store::find_share_by_token(conn, &hash)).await?;
        let now = self.now_micros();
        let (row, _) = found.filter(|(row, ended_at)| ended_at.is_none() && row.expires_at > now).ok_or(Error::NotFound)?;
        let terms = self.open_terms(&row)?;
        // What a platform refreshes its tokens with is no link.
        if terms.platform.is_some() {
            return Err(Error::NotFound);
        }
        let holder = self.record_view(&row).await?;
        Ok((row, terms, holder))
    }

    /// Records an opening; whoever opened it reads as the holder does, but for what is sensitive.
    pub(super) async fn record_view(&self, row: &ShareRow) -> Result<SignedInWorker, Error> {
        let view = ShareViewRow { id: self.new_id(LookupId::new).to_string(), share_id: row.id.clone(), worker_id: row.worker_id.clone(), viewed_at: self.now_micros() };
        self.store
            .write(move |tx| {
                store::insert_share_view(tx.conn, &view)?;
                tx.record(Fact::of(None, &view)?);
                Ok(())
            })
            .await?;
        let record: WorkerId = super::stored(&row.worker_id)?;
        Ok(SignedInWorker { worker: self.root_of(&record).await?, record, session: self.new_id(WorkerSessionId::new), by_registrar: false })
    }

    async fn shown_certificates(&self, holder: &SignedInWorker, chosen: Option<&[CertificateId]>) -> Result<Vec<(IssuedCertificate, String)>, Error> {
        let mut shown = Vec::new();
        for certificate in self.list_own_certificates(holder).await? {
            let id: CertificateId = super::stored(&certificate.standing.0.id)?;
            if chosen.is_none_or(|chosen| chosen.contains(&id)) {
                let document = self.form_of(&certificate, CredentialForm::VcJwt).await?;
                shown.push((certificate, String::from_utf8_lossy(&document).into_owned()));
            }
        }
        Ok(shown)
    }
}
