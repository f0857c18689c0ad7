//! Reading certificates: by number, by identifier, by issuer; with their history.

use super::Registry;
use super::error::Error;
use super::issuing::IssuedCertificate;
use crate::domain::access::{Act, Actor, READ_CERTIFICATE, holds_any};
use crate::domain::id::{CertificateId, OrganisationId};
use crate::domain::number::normalised;
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::stretch::Stretch;
use crate::store::{merges, workers};
use crate::store::certificates::{self as store, CertificateVersionRow, PermitReviewRow, Standing, StatusChangeRow};

/// How a path names a certificate: by its number, or by its identifier where the number must not stand in a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateName {
    Number(String),
    Id(CertificateId),
}

/// Everything that happened to a certificate, oldest first within each list.
#[derive(Debug, Clone)]
pub struct CertificateHistory {
    pub current: Standing,
    pub versions: Vec<CertificateVersionRow>,
    pub changes: Vec<StatusChangeRow>,
    pub reviews: Vec<PermitReviewRow>,
}

impl CertificateName {
    /// Reads a path segment. A permit's number discloses an identity number, so it is refused in a URL.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.starts_with("crt_") {
            return text.parse().map(CertificateName::Id).map_err(|_| Error::NotFound);
        }
        let number = normalised(text);
        if number.starts_with('T') && number.len() >= 10 {
            let detail = Text::new("the number of a special operation permit contains an identity number and must not stand in a URL; use the certificate_id", "特种作业操作证编号含公民身份号码，不得出现在网址中；请使用 certificate_id");
            return Err(Error::invalid("certificate_number", detail));
        }
        Ok(CertificateName::Number(number))
    }
}

impl Registry {
    pub(super) async fn find_standing(&self, name: &CertificateName) -> Result<Standing, Error> {
        let name = name.clone();
        let found = self
            .store
            .read(move |conn| match &name {
                CertificateName::Number(number) => Ok(store::list_by_number_key(conn, number)?.into_iter().next()),
                CertificateName::Id(id) => store::find_by_id(conn, id.as_str()),
            })
            .await?;
        found.ok_or(Error::NotFound)
    }

    /// A certificate that the actor may read, in its current or an older version (IS-6); a foreign one does not exist.
    pub async fn get_certificate(&self, actor: &Actor, name: &CertificateName, version: Option<i32>) -> Result<IssuedCertificate, Error> {
        holds_any(actor, READ_CERTIFICATE)?;
        let standing = self.find_standing(name).await?;
        let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
        self.authorise(actor, Act::ReadCertificate { issuer: &issuer })?;
        let body = self.get_body(&issuer).await?;
        let (row, current, state) = standing;
        let shown = match version.filter(|version| *version != current.version) {
            None => current,
            Some(version) => {
                let id = row.id.clone();
                self.store.read(move |conn| store::find_version(conn, &id, version)).await?.ok_or(Error::NotFound)?
            }
        };
        self.open_issued((row, shown, state), body.name.clone())
    }

    /// A page of the actor's own certificates, by the time of their issue.
    pub async fn list_certificates(&self, actor: &Actor, page: Stretch) -> Result<Vec<IssuedCertificate>, Error> {
        let issuer = self.own_organisation(actor)?;
        self.authorise(actor, Act::ReadCertificate { issuer: &issuer })?;
        let body = self.get_body(&issuer).await?;
        let rows = self.store.read(move |conn| store::list_by_issuer(conn, issuer.as_str(), &page)).await?;
        rows.into_iter().map(|standing| self.open_issued(standing, body.name.clone())).collect()
    }

    /// Certificates with this number that the actor may read, and of the actor's own body those whose holder has this document number;
    /// the newest first.
    pub async fn search_certificates(&self, actor: &Actor, number: &str) -> Result<Vec<IssuedCertificate>, Error> {
        holds_any(actor, READ_CERTIFICATE)?;
        let own = actor.organisation.clone();
        let (key, hash) = (self.number_key(number), self.number_hash(&normalised(number)).to_vec());
        let find = move |conn: &mut Conn| {
            let holders: Vec<String> = workers::list_owners_of_numbers(conn, &[hash])?.into_iter().map(|owner| owner.worker_id).collect();
            let holders = merges::list_persons(conn, &holders)?.everybody(&holders);
            Ok((store::list_by_number_key(conn, &key)?, store::list_by_workers(conn, &holders)?))
        };
        let (numbered, held) = self.store.read_snapshot(find).await?;
        let own = |(row, ..): &Standing| own.as_ref().is_some_and(|own| own.as_str() == row.issuer_id);
        let mut found = Vec::new();
        for standing in numbered.into_iter().chain(held.into_iter().filter(own)).rev() {
            let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
            if self.authorise(actor, Act::ReadCertificate { issuer: &issuer }).is_ok() {
                let body = self.get_body(&issuer).await?;
                found.push(self.open_issued(standing, body.name.clone())?);
            }
        }
        Ok(found)
    }

    pub async fn get_certificate_history(&self, actor: &Actor, name: &CertificateName) -> Result<CertificateHistory, Error> {
        holds_any(actor, READ_CERTIFICATE)?;
        let current = self.find_standing(name).await?;
        self.authorise(actor, Act::ReadCertificate { issuer: &super::stored(&current.0.issuer_id)? })?;
        let id = current.0.id.clone();
        let (versions, changes, reviews) =
            self.store.read(move |conn| Ok((store::list_versions(conn, &id)?, store::list_status_changes(conn, &id)?, store::list_reviews(conn, &id)?))).await?;
        Ok(CertificateHistory { current, versions, changes, reviews })
    }
}
