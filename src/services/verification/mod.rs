//! Verification: by two of three facts, by the QR's token, by document. Every check is reported; every answer is signed.

mod document;
mod elsewhere;
mod findings;
mod genuine;
mod issuers;
mod original;
mod paper;
mod record;

pub use genuine::GenuineDocuments;
pub use issuers::KnownIssuers;

use self::document::failed;
use self::findings::{logged, registered};
use super::Registry;
use super::error::Error;
use super::issuing::{CertificateFacts, Holder};
use super::signing::version_place;
use super::keys::PURPOSE_CREDENTIALS;
use super::log::Logged;
use super::organisations::Body;
use super::standings::{HolderHashes, Standing, standing_facts};
use crate::credential::jws::CompactJws;
use crate::credential::keys::IssuingKey;
use crate::credential::receipt;
use crate::domain::filing::{IssueTarget, right_to_issue};
use crate::domain::number::normalised;
use crate::domain::person_name::PersonName;
use crate::domain::text::Text;
use crate::domain::verification::{Outcome, StandingFacts, next_step, query_findings, standing_on};
use crate::store::certificates::{self as store, ShownRow, Standing as StandingRows};
use crate::store::workers as worker_store;
use crate::vault::Sealed;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use subtle::ConstantTimeEq;

/// Two or three facts.
#[derive(Debug, Clone, Default)]
pub struct VerificationQuery {
    pub certificate_number: Option<String>,
    pub name: Option<String>,
    pub document_number: Option<String>,
}

/// One check with what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub outcome: CheckOutcome,
    pub detail: Text,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckOutcome {
    Passed,
    /// It will pass or fail soon: nothing speaks against it yet.
    Pending,
    Failed,
}

impl CheckOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            CheckOutcome::Passed => "passed",
            CheckOutcome::Pending => "pending",
            CheckOutcome::Failed => "failed",
        }
    }
}

/// A certificate that was asked about.
#[derive(Debug, Clone)]
pub struct VerifiedCertificate {
    /// How it stands today, whatever the whole answer is.
    pub outcome: Outcome,
    pub standing: Arc<Standing>,
}

/// The answer to a verification, before it is signed.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub outcome: Outcome,
    pub checks: Vec<Check>,
    /// The certificates that were asked about; the first one gave the outcome, or, of a learner record, the one that counts least.
    pub certificates: Vec<VerifiedCertificate>,
    /// Where the document of the first certificate stands in the log.
    pub log_index: Option<u64>,
    pub status_as_of: DateTime<Utc>,
}

impl Verdict {
    /// What to do next about one of its checks; None when there is nothing to do.
    pub fn next_step(&self, check: &Check) -> Option<Text> {
        (check.outcome != CheckOutcome::Passed).then(|| next_step(check.name, check.outcome == CheckOutcome::Pending, self.outcome)).flatten()
    }
}

fn check(name: &'static str, passed: bool, en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Check {
    Check { name, outcome: if passed { CheckOutcome::Passed } else { CheckOutcome::Failed }, detail: Text::new(en, zh) }
}

impl Registry {
    /// Verifies by two of three facts (VE-1). A wrong name and an unknown number give one and the same answer (VE-3).
    pub async fn verify_by_facts(&self, query: &VerificationQuery) -> Result<Verdict, Error> {
        let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let (number, name, document) = (given(&query.certificate_number), given(&query.name), given(&query.document_number));
        // A permit's number is the document number with a letter before it: the two are one fact.
        let is_one_fact = matches!((&number, &document), (Some(number), Some(document)) if normalised(number).strip_prefix('T') == Some(normalised(document).as_str()));
        if let Some(violation) = query_findings(number.is_some(), name.is_some(), document.is_some() && !is_one_fact) {
            return Err(Error::Refused(vec![violation]));
        }
        // A text that cannot be a name belongs to nobody; it must not be told apart from a wrong one.
        let name_hash = name.as_deref().map(|name| name.parse::<PersonName>().map_or([0; 32], |name| self.name_hash(&name)));
        let number_hash = document.as_deref().map(|number| self.number_hash(&normalised(number)));
        let standings = match &number {
            Some(number) => self.standings_of_number(&self.number_key(number)).await?,
            None => self.standings_of_document(number_hash.as_ref().expect("two facts without a number include a document")).await?,
        };
        let today = self.clock.today();
        let mut found = Vec::new();
        for standing in standings.iter() {
            if self.is_held_by(standing, name_hash.as_ref(), number_hash.as_ref())? {
                found.push(VerifiedCertificate { outcome: standing_on(&standing.facts, today), standing: Arc::clone(standing) });
            }
        }
        // A certificate that counts stands first, then the newest.
        found.sort_by_key(|certificate| certificate.outcome != Outcome::Valid);
        Ok(self.verdict(found))
    }

    /// Verifies by the token in the QR code.
    pub async fn verify_by_token(&self, token: &str) -> Result<Verdict, Error> {
        let Some((certificate, standings)) = self.standings_of_token(token).await? else { return Ok(self.verdict(Vec::new())) };
        let today = self.clock.today();
        let found = standings.iter().filter(|standing| standing.certificate_id == certificate);
        Ok(self.verdict(found.map(|standing| VerifiedCertificate { outcome: standing_on(&standing.facts, today), standing: Arc::clone(standing) }).collect()))
    }

    /// Whether the certificate behind a token is of the person with this name, this document number, or both; None when there is no such
    /// certificate. For whoever stands before the holder and sees their identity document.
    pub async fn compare_holder(&self, token: &str, name: Option<&str>, document_number: Option<&str>) -> Result<Option<bool>, Error> {
        let Some((certificate, standings)) = self.standings_of_token(token).await? else { return Ok(None) };
        let Some(standing) = standings.iter().find(|standing| standing.certificate_id == certificate) else { return Ok(None) };
        let name_hash = name.map(|name| name.parse::<PersonName>().map_or([0; 32], |name| self.name_hash(&name)));
        let number_hash = document_number.map(|number| self.number_hash(&normalised(number)));
        self.is_held_by(standing, name_hash.as_ref(), number_hash.as_ref()).map(Some)
    }

    /// Whether a certificate's holder has this name and this number, where they were given; compared in constant time.
    fn is_held_by(&self, standing: &Standing, name_hash: Option<&[u8; 32]>, number_hash: Option<&[u8; 32]>) -> Result<bool, Error> {
        let holder = self.holder_of(standing)?;
        let name_fits = name_hash.is_none_or(|hash| bool::from(hash.ct_eq(&holder.name)));
        let number_fits = number_hash.is_none_or(|hash| bool::from(hash.ct_eq(&holder.number)));
        Ok(name_fits & number_fits)
    }

    fn holder_of<'a>(&self, standing: &'a Standing) -> Result<&'a HolderHashes, Error> {
        if let Some(known) = standing.holder.get() {
            return Ok(known);
        }
        let place = version_place(&standing.certificate_id, standing.version);
        let holder: Holder = super::stored_json(&self.vault.open_text(Sealed::Holder, &place, &standing.sealed_holder)?)?;
        let name: PersonName = super::stored(&holder.name)?;
        Ok(standing.holder.get_or_init(|| HolderHashes { name: self.name_hash(&name), number: self.number_hash(&holder.document_number) }))
    }

    /// The certificate that a token opens, among those with its number.
    async fn standings_of_token(&self, token: &str) -> Result<Option<(String, Arc<[Arc<Standing>]>)>, Error> {
        let (certificate, number_key) = match self.standings.find_token(token) {
            Some(known) => known,
            None => {
                let wanted = token.to_owned();
                let Some((row, ..)) = self.store.read(move |conn| store::find_by_token(conn, &wanted)).await? else { return Ok(None) };
                self.standings.remember_token(token, &row.id, &row.number_key);
                (row.id, row.number_key)
            }
        };
        Ok(Some((certificate, self.standings_of_number(&number_key).await?)))
    }

    fn verdict(&self, mut certificates: Vec<VerifiedCertificate>) -> Verdict {
        let status_as_of = self.clock.now();
        // One that nobody had the right to issue speaks only where there is no other.
        if certificates.iter().any(|certificate| certificate.standing.right.outcome == CheckOutcome::Passed) {
            certificates.retain(|certificate| certificate.standing.right.outcome == CheckOutcome::Passed);
        }
        let Some(VerifiedCertificate { outcome, standing }) = certificates.first() else {
            let detail = "no certificate of this registry fits all the facts given; this does not mean that it is false";
            let detail_zh = "本登记系统没有与所给信息全部相符的证书；这不等于证书为假";
            return Verdict { outcome: Outcome::NotFound, checks: vec![check("record", false, detail, detail_zh)], certificates, log_index: None, status_as_of };
        };
        let mut checks = vec![check("record", true, "a certificate fits all the facts given", "有证书与所给信息全部相符"), logged(), registered(&standing.issuer)];
        checks.extend(self.check_witnesses(standing.log_index));
        checks.push(standing.right.clone());
        if standing.right.outcome == CheckOutcome::Failed {
            return failed(checks, status_as_of);
        }
        checks.extend(standing_checks(*outcome, &standing.facts));
        Verdict { outcome: *outcome, checks, log_index: Some(standing.log_index), certificates, status_as_of }
    }

    /// Whether a quorum of witnesses has cosigned a tree that includes an entry; None when none is asked for. Between issuing and
    /// cosigning a certificate is valid, and this is pending.
    fn check_witnesses(&self, index: u64) -> Option<Check> {
        let quorum = self.config.witness_quorum;
        if quorum == 0 {
            return None;
        }
        Some(match self.cosigned_tree().filter(|tree| index < tree.size) {
            Some(tree) => {
                let (size, count) = (tree.size, tree.cosignatures);
                check("witnesses", true, format!("{count} witnesses have cosigned a checkpoint over {size} entries that includes it, at least {quorum} expected"), format!("{count} 个见证方已联署包含该证书的检查点（{size} 条），至少需要 {quorum} 个"))
            }
            None => Check {
                name: "witnesses",
                outcome: CheckOutcome::Pending,
                detail: Text::new(format!("issued; fewer than {quorum} witnesses have cosigned a checkpoint that includes it so far, ask again in a minute"), format!("已签发；联署包含该证书的检查点的见证方尚不足 {quorum} 个，请一分钟后再查")),
            },
        })
    }

    /// The issuing body, and whether it had the right. What is remembered of a body may be older than a filing that was used at once, so
    /// nothing is said against it without looking again.
    async fn right_of(&self, row: &ShownRow, facts: &CertificateFacts) -> Result<(Arc<Body>, Check), Error> {
        let id = super::stored(&row.issuer_id)?;
        let issuer = self.get_body(&id).await?;
        let right = Self::check_right(&issuer, row, facts)?;
        if right.outcome == CheckOutcome::Passed {
            return Ok((issuer, right));
        }
        self.forget_body(&id);
        let issuer = self.get_body(&id).await?;
        let right = Self::check_right(&issuer, row, facts)?;
        Ok((issuer, right))
    }

    /// Whether the filing that the certificate names gave the right to issue it on that day (IS-1), asked of the rules again.
    fn check_right(body: &Body, row: &ShownRow, facts: &CertificateFacts) -> Result<Check, Error> {
        let occupation = facts.occupation.as_deref().map(super::stored).transpose()?;
        let level = facts.level.as_deref().map(super::stored).transpose()?;
        let target = IssueTarget { kind: super::stored(&row.kind)?, occupation: occupation.as_ref(), level, ability: facts.ability.as_deref() };
        // Versions that came later do not take back a right that was used before them.
        let known = body.filings.iter().filter(|filing| filing.filing.as_str() == row.filing_id && filing.version <= row.filing_version);
        let (day, filing, number) = (row.issued_on, &row.filing_id, row.filing_version);
        Ok(match right_to_issue(known, &target, day) {
            Ok(_) => check("right_to_issue", true, format!("filing {filing}, version {number}, covered it on {day}"), format!("备案 {filing} 第 {number} 版在 {day} 有效并包含该项")),
            Err(violation) => Check { name: "right_to_issue", outcome: CheckOutcome::Failed, detail: violation.detail },
        })
    }

    fn name_hash(&self, name: &PersonName) -> [u8; 32] {
        self.vault.blind_index("holder name", name.as_str())
    }

    /// What a certificate is found by under this number.
    pub(super) fn number_key(&self, number: &str) -> String {
        let number = normalised(number);
        let is_permit = number.starts_with('T') && number.len() == 19;
        if is_permit { self.permit_number_key(&number) } else { number }
    }

    async fn standings_of_number(&self, number_key: &str) -> Result<Arc<[Arc<Standing>]>, Error> {
        if let Some(standings) = self.standings.find(number_key) {
            return Ok(standings);
        }
        let generation = self.standings.generation();
        let wanted = number_key.to_owned();
        let rows = self.store.read(move |conn| store::list_by_number_key(conn, &wanted)).await?;
        let mut standings = Vec::with_capacity(rows.len());
        for row in rows {
            standings.extend(self.standing_of(row).await?);
        }
        let standings: Arc<[Arc<Standing>]> = standings.into();
        // Unknown numbers are not kept: guessing must not push out what is asked for.
        if !standings.is_empty() {
            self.standings.remember(number_key, Arc::clone(&standings), generation);
        }
        Ok(standings)
    }

    async fn standings_of_document(&self, number_hash: &[u8; 32]) -> Result<Arc<[Arc<Standing>]>, Error> {
        let wanted = *number_hash;
        let rows = self
            .store
            .read(move |conn| {
                let owners: Vec<String> = worker_store::list_documents_by_number(conn, &wanted)?.into_iter().map(|document| document.worker_id).collect();
                store::list_by_workers(conn, &owners)
            })
            .await?;
        let mut standings = Vec::with_capacity(rows.len());
        for row in rows.into_iter().rev() {
            standings.extend(self.standing_of(row).await?);
        }
        Ok(standings.into())
    }

    /// Whether a document came into the log when its key was stolen already. Such a one has to be issued again.
    pub(super) fn is_doubtful(&self, key_id: &str, logged: Logged) -> bool {
        self.known_key(key_id).and_then(|key| key.revoked_at).is_some_and(|stolen_at| stolen_at.timestamp_micros() <= logged.recorded_at)
    }

    /// A certificate as verification sees it; None when the log does not include its document, for then it was never issued, and for one
    /// that only a stolen key has signed.
    async fn standing_of(&self, rows: StandingRows) -> Result<Option<Arc<Standing>>, Error> {
        let (row, mut version, state) = rows;
        let document = self.open_credential(&version)?;
        let Some(logged) = self.find_logged(&version, document.as_bytes()).await? else {
            tracing::error!(certificate = %row.id, version = version.version, "a certificate in the database is not in the log");
            return Ok(None);
        };
        // The document says who signed it and until when it is valid, whatever a row says that somebody edited by hand.
        let Some((_, last_day)) = original::key_and_last_day(&document).filter(|(key_id, _)| *key_id == version.key_id) else {
            tracing::error!(certificate = %row.id, version = version.version, "a certificate in the database names another key than its document");
            return Ok(None);
        };
        version.valid_to = last_day;
        let printed: CertificateFacts = super::stored_json(&version.facts)?;
        let row = (row, version, state).into();
        let (issuer, right) = self.right_of(&row, &printed).await?;
        self.standing_logged(row, printed, issuer, right, logged)
    }

    /// The same where the log is known to include the newest document, which says what is `printed`.
    fn standing_logged(&self, row: ShownRow, printed: CertificateFacts, issuer: Arc<Body>, right: Check, logged: Logged) -> Result<Option<Arc<Standing>>, Error> {
        if self.is_doubtful(&row.key_id, logged) {
            tracing::warn!(certificate = %row.certificate_id, version = row.version, "a certificate was issued when its key was stolen already");
            return Ok(None);
        }
        Ok(Some(Arc::new(Standing {
            kind: super::stored(&row.kind)?,
            holder: OnceLock::new(),
            facts: standing_facts(&row.state, row.version, row.valid_to, row.review_due_on)?,
            printed,
            issued_on: row.issued_on,
            issuer,
            right,
            sealed_holder: row.sealed_holder,
            version: row.version,
            log_index: logged.index,
            worker_id: row.worker_id,
            certificate_id: row.certificate_id,
        })))
    }

    /// How a version stands today.
    pub(super) fn outcome_today(&self, (_, version, state): &StandingRows) -> Result<Outcome, Error> {
        Ok(standing_on(&standing_facts(state, version.version, version.valid_to, version.review_due_on)?, self.clock.today()))
    }

    /// What a receipt says that this registry signed, with whichever of its keys; None for any other text. A key that was stolen could say
    /// anything.
    pub async fn open_receipt(&self, text: &str) -> Result<Option<Value>, Error> {
        let Some(key_id) = CompactJws::parse(text).ok().and_then(|jws| jws.key_id().map(str::to_owned)) else { return Ok(None) };
        let key = self.find_key(&key_id).await?.filter(|key| key.purpose == PURPOSE_CREDENTIALS && key.owner == self.registry_did() && key.revoked_at.is_none());
        Ok(key.and_then(|key| receipt::open(text, &key.public)))
    }

    /// The key that signs receipts now.
    pub async fn receipt_key(&self) -> Result<Arc<IssuingKey>, Error> {
        self.current_key(self.registry_did(), PURPOSE_CREDENTIALS).await
    }
}

fn standing_checks(outcome: Outcome, facts: &StandingFacts) -> Vec<Check> {
    let is_in_force = !matches!(outcome, Outcome::Revoked | Outcome::Suspended | Outcome::Withdrawn | Outcome::Cancelled | Outcome::Superseded);
    let (state, state_zh) = match (outcome, facts.state) {
        (Outcome::Superseded, _) => ("superseded", Outcome::Superseded.name().zh),
        (_, state) => (state.as_str(), state.name().zh),
    };
    let mut checks = vec![check("status", is_in_force, format!("the certificate is {state}"), format!("证书状态：{state_zh}"))];
    if let Some(last) = facts.valid_to {
        checks.push(check("validity", outcome != Outcome::Expired, format!("valid to {last}"), format!("有效期至 {last}")));
    }
    if let Some(due) = facts.review_due_on {
        let done = facts.reviewed_on.map_or_else(|| "no review on record".to_owned(), |day| format!("reviewed on {day}"));
        checks.push(check("review", outcome != Outcome::ReviewOverdue, format!("review due by {due}; {done}"), format!("复审截止 {due}")));
    }
    checks
}
