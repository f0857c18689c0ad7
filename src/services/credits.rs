//! The credit ledger: awards for achievements, reversals, conversions; balances and how each figure came about (CR-1 to CR-8).
//!
//! Entries are only added. Whoever posts holds the worker's row, reads where the ledger ends, and adds behind it; the tables refuse
//! a second entry for one achievement (CR-2) and two entries at one place.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::records::RecordPart;
use crate::domain::access::{Act, Actor};
use crate::domain::certificate::CertificateState;
use crate::domain::credit::{Credits, StandingCredits, added_by_second, expired_credits, expired_if_earned_by, formula_of_second};
use crate::domain::id::{CertificateId, ClassId, CreditEntryId, OrganisationId, WorkerId};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::certificates as certificate_store;
use crate::store::counters;
use crate::store::credits::{self as store, CreditEntryRow, LedgerEnd, LedgerPlace};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::merges;
use crate::store::training as class_store;
use crate::store::workers as worker_store;
use crate::store::writer::Tx;
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

pub const AWARD: &str = "award";
pub const REVERSAL: &str = "reversal";
pub const CONVERSION: &str = "conversion";
/// Sources of awards.
pub const CERTIFICATE: &str = "certificate";
pub const COMPETITION: &str = "competition";
/// How often a certificate may be recognised, each time behind a reversal.
const RECOGNITIONS_MAX: usize = 5;

/// An entry that does not know its place yet.
#[derive(Debug, Clone)]
pub(super) struct Posting {
    pub id: String,
    pub worker_id: String,
    pub kind: &'static str,
    pub source: String,
    pub achievement_key: String,
    pub amount: Credits,
    pub reverses: Option<String>,
    pub rule: &'static str,
    pub rule_version: i32,
    pub facts: Value,
    pub earned_on: NaiveDate,
    pub organisation_id: Option<OrganisationId>,
    pub posted_at: i64,
    pub posted_by: String,
}

impl Posting {
    /// The entry behind the end of its worker's ledger, which moves on.
    fn at(&self, end: &mut LedgerEnd) -> CreditEntryRow {
        *end = LedgerEnd { sequence: end.sequence + 1, balance_tenths: end.balance_tenths + self.amount.tenths() };
        CreditEntryRow {
            id: self.id.clone(),
            worker_id: self.worker_id.clone(),
            sequence: end.sequence,
            kind: self.kind.to_owned(),
            source: self.source.clone(),
            achievement_key: self.achievement_key.clone(),
            tenths: self.amount.tenths(),
            balance_tenths: end.balance_tenths,
            reverses: self.reverses.clone(),
            rule: self.rule.to_owned(),
            rule_version: self.rule_version,
            facts: self.facts.to_string(),
            earned_on: self.earned_on,
            organisation_id: self.organisation_id.as_ref().map(ToString::to_string),
            posted_at: self.posted_at,
            posted_by: self.posted_by.clone(),
        }
    }
}

/// What a single posting was decided on, besides its own facts.
#[derive(Default)]
pub(super) struct Basis {
    pub balance: Option<Credits>,
    /// The class whose credits count with it, or the result that it is for, and its stamp.
    pub stamp: Option<(String, i64)>,
}

/// The reversal of whatever an achievement gave (CR-6), before anybody has looked whether it gave anything.
pub(super) struct AchievementReversal {
    achievement_keys: [String; RECOGNITIONS_MAX],
    id: String,
    facts: Value,
    posted_at: i64,
    posted_by: String,
}

/// A worker's credits: the balance, and how much came from where.
#[derive(Debug, Clone)]
pub struct CreditBalance {
    pub balance: Credits,
    /// What of it has expired (CR-8).
    pub expired: Credits,
    /// By kind and source of the entries.
    pub sources: Vec<(String, String, Credits)>,
    pub entries: i32,
}

/// What is read of a person's ledgers for a balance.
pub(super) struct Ledgers {
    sums: Vec<(String, String, Option<i64>)>,
    ends: HashMap<String, LedgerEnd>,
    entries: Vec<CreditEntryRow>,
}

pub(super) fn class_key(class: &str, worker: &str) -> String {
    format!("class/{class}/{worker}")
}

/// The keys under which an achievement may be recognised: once, and again behind a reversal that was a mistake.
fn recognition_keys(source: &str, id: &str) -> [String; RECOGNITIONS_MAX] {
    std::array::from_fn(|place| if place == 0 { format!("{source}/{id}") } else { format!("{source}/{id}/{}", place + 1) })
}

fn reversal_key(entry: &str) -> String {
    format!("reversal/{entry}")
}

/// Adds entries behind the ends of their ledgers, within a transaction. What was posted before stays as it is (CR-2).
pub(super) fn post(tx: &mut Tx<'_>, postings: &[Posting]) -> Result<(), StoreError> {
    let mut workers: Vec<String> = postings.iter().map(|posting| posting.worker_id.clone()).collect();
    workers.sort();
    workers.dedup();
    worker_store::lock_workers(tx.conn, &workers)?;
    let keys: Vec<String> = postings.iter().map(|posting| posting.achievement_key.clone()).collect();
    let posted: HashSet<String> = store::list_by_achievements(tx.conn, &keys)?.into_iter().map(|row| row.achievement_key).collect();
    let mut ends = store::list_ledger_ends(tx.conn, &workers)?;
    let new = postings.iter().filter(|posting| !posted.contains(&posting.achievement_key));
    let rows: Vec<(CreditEntryRow, Option<&OrganisationId>)> = new.map(|posting| (posting.at(ends.entry(posting.worker_id.clone()).or_default()), posting.organisation_id.as_ref())).collect();
    for (row, organisation) in &rows {
        tx.record(Fact::of(*organisation, row)?);
    }
    store::insert_credit_entries(tx.conn, &rows.into_iter().map(|(row, _)| row).collect::<Vec<_>>())
}

/// Postings that were not reversed, in the order of the ledger.
fn standing_credits(ledger: &[CreditEntryRow]) -> Vec<StandingCredits> {
    let reversed: HashSet<&String> = ledger.iter().filter_map(|row| row.reverses.as_ref()).collect();
    let standing = ledger.iter().filter(|row| row.kind != REVERSAL && !reversed.contains(&row.id));
    standing
        .map(|row| match row.kind.as_str() {
            CONVERSION => StandingCredits::Spent { on: row.earned_on, credits: Credits::from_tenths(-row.tenths) },
            _ => StandingCredits::Earned { on: row.earned_on, credits: Credits::from_tenths(row.tenths) },
        })
        .collect()
}

/// CR-6: credits of achievements that end with blame are taken back, in the transaction that ends them.
pub(super) fn reverse_achievements(tx: &mut Tx<'_>, reversals: &[AchievementReversal]) -> Result<(), StoreError> {
    let keys: Vec<String> = reversals.iter().flat_map(|reversal| reversal.achievement_keys.clone()).collect();
    let awards: HashMap<String, CreditEntryRow> = store::list_by_achievements(tx.conn, &keys)?.into_iter().map(|row| (row.achievement_key.clone(), row)).collect();
    if awards.is_empty() {
        return Ok(());
    }
    // Earlier recognitions were reversed before there was another one.
    let newest = |reversal: &AchievementReversal| reversal.achievement_keys.iter().rev().find_map(|key| awards.get(key));
    let postings: Vec<Posting> = reversals
        .iter()
        .filter_map(|reversal| newest(reversal).map(|award| reversal_of(award, "CR-6", reversal.facts.clone(), &reversal.id, reversal.posted_at, &reversal.posted_by)))
        .collect::<Result<_, _>>()?;
    post(tx, &postings)
}

/// CR-3: an entry that names another one and undoes it.
fn reversal_of(award: &CreditEntryRow, rule: &'static str, facts: Value, id: &str, posted_at: i64, posted_by: &str) -> Result<Posting, StoreError> {
    let organisation_id = award.organisation_id.as_deref().map(str::parse).transpose().map_err(|_| StoreError::Corrupt("the organisation of a credit entry cannot be read".to_owned()))?;
    Ok(Posting {
        id: id.to_owned(),
        worker_id: award.worker_id.clone(),
        kind: REVERSAL,
        source: award.source.clone(),
        achievement_key: reversal_key(&award.id),
        amount: Credits::from_tenths(-award.tenths),
        reverses: Some(award.id.clone()),
        rule,
        rule_version: award.rule_version,
        facts,
        earned_on: award.earned_on,
        organisation_id,
        posted_at,
        posted_by: posted_by.to_owned(),
    })
}

impl Registry {
    pub(super) fn new_entry_id(&self) -> String {
        self.new_id(CreditEntryId::new).to_string()
    }

    pub(super) fn reversal_of_certificate(&self, certificate: &str, change: &str, at: i64, by: &str) -> AchievementReversal {
        self.reversal_of_achievement(CERTIFICATE, certificate, json!({ "certificate_id": certificate, "change": change }), at, by)
    }

    pub(super) fn reversal_of_achievement(&self, source: &str, id: &str, facts: Value, at: i64, by: &str) -> AchievementReversal {
        AchievementReversal { achievement_keys: recognition_keys(source, id), id: self.new_entry_id(), facts, posted_at: at, posted_by: by.to_owned() }
    }

    /// The reversals of what these trainees got for a class that is declared false.
    pub(super) fn reversals_of_class(&self, awards: &[CreditEntryRow], facts: &Value, at: i64, by: &str) -> Result<Vec<Posting>, Error> {
        awards.iter().map(|award| Ok(reversal_of(award, "CR-6", facts.clone(), &self.new_entry_id(), at, by)?)).collect()
    }

    /// A worker's balance, by source.
    pub async fn get_credits(&self, actor: &Actor, worker: &WorkerId) -> Result<CreditBalance, Error> {
        self.authorise(actor, Act::ReadRecord)?;
        self.look_at_record(actor, worker, RecordPart::Credits).await?;
        self.balance_of(worker).await
    }

    /// The balance with a page of the ledger: one look.
    pub async fn get_credits_and_entries(&self, actor: &Actor, worker: &WorkerId, after: Option<LedgerPlace>, limit: i64) -> Result<(CreditBalance, Vec<CreditEntryRow>), Error> {
        let entries = self.list_credit_entries(actor, worker, after, limit).await?;
        Ok((self.balance_of(worker).await?, entries))
    }

    pub(super) async fn balance_of(&self, worker: &WorkerId) -> Result<CreditBalance, Error> {
        let wanted = worker.to_string();
        let read_ledgers = self.ledger_reader();
        let read = move |conn: &mut Conn| {
            let records = merges::person_of(conn, &wanted)?;
            read_ledgers(conn, &records)
        };
        let ledgers = self.store.read_snapshot(read).await?;
        Ok(self.balance_from(ledgers))
    }

    /// How a person's ledgers are read; whole only where credits may have expired.
    pub(super) fn ledger_reader(&self) -> impl FnOnce(&mut Conn, &[String]) -> Result<Ledgers, StoreError> + Send + use<> {
        let today = self.clock.today();
        let may_expire = expired_if_earned_by(today, &self.catalogue().training_rules_on(today)).is_some();
        move |conn, records| {
            let entries = if may_expire { store::list_ledger(conn, records)? } else { Vec::new() };
            Ok(Ledgers { sums: store::sum_by_source(conn, records)?, ends: store::list_ledger_ends(conn, records)?, entries })
        }
    }

    pub(super) fn balance_from(&self, ledgers: Ledgers) -> CreditBalance {
        let Ledgers { sums, ends, entries: ledger } = ledgers;
        let today = self.clock.today();
        let rules = self.catalogue().training_rules_on(today);
        let (balance, entries) = ends.values().fold((0, 0), |(balance, entries), end| (balance + end.balance_tenths, entries + end.sequence));
        let amount = |tenths: Option<i64>| Credits::from_tenths(i32::try_from(tenths.unwrap_or(0)).unwrap_or(i32::MAX));
        let expired = expired_credits(&standing_credits(&ledger), today, &rules);
        let sources = sums.into_iter().map(|(kind, source, tenths)| (kind, source, amount(tenths))).collect();
        CreditBalance { balance: Credits::from_tenths(balance), expired, sources, entries }
    }

    /// A page of a worker's ledger.
    pub async fn list_credit_entries(&self, actor: &Actor, worker: &WorkerId, after: Option<LedgerPlace>, limit: i64) -> Result<Vec<CreditEntryRow>, Error> {
        self.authorise(actor, Act::ReadRecord)?;
        self.look_at_record(actor, worker, RecordPart::Credits).await?;
        let records = self.person_of(worker).await?;
        Ok(self.store.read(move |conn| store::list_entries(conn, &records, after.as_ref(), limit)).await?)
    }

    /// One entry of a worker's ledger.
    pub async fn get_credit_entry(&self, actor: &Actor, worker: &WorkerId, entry: &CreditEntryId) -> Result<CreditEntryRow, Error> {
        self.authorise(actor, Act::ReadRecord)?;
        self.look_at_record(actor, worker, RecordPart::Credits).await?;
        self.find_credit_entry_of(worker, entry).await
    }

    /// An entry of any ledger of the person.
    pub(super) async fn find_credit_entry_of(&self, worker: &WorkerId, entry: &CreditEntryId) -> Result<CreditEntryRow, Error> {
        let records = self.person_of(worker).await?;
        self.find_credit_entry(entry).await?.filter(|row| records.contains(&row.worker_id)).ok_or(Error::NotFound)
    }

    pub(super) async fn find_credit_entry(&self, entry: &CreditEntryId) -> Result<Option<CreditEntryRow>, Error> {
        let wanted = entry.to_string();
        Ok(self.store.read(move |conn| store::find_entry(conn, &wanted)).await?)
    }

    /// Undoes an entry by one that names it (CR-3). Undoing it again returns the first reversal.
    pub async fn reverse_credits(&self, actor: &Actor, entry: &CreditEntryId, reason: &str, intent: &Intent<(CreditEntryRow, bool)>) -> Result<Answer, Error> {
        self.authorise(actor, Act::PostCredits)?;
        let award = self.find_credit_entry(entry).await?.ok_or_else(|| Error::invalid("entry_id", Text::new("no such entry", "没有该学分记录")))?;
        if award.kind == REVERSAL {
            return Err(Error::Refused(vec![Violation::deny("CR-3", Text::new("a reversal is not reversed; a certificate can be recognised again", "冲正记录不能再冲正；证书可重新认定")).at("entry_id")]));
        }
        let posting = reversal_of(&award, "CR-3", json!({ "reason": reason, "entry": { "id": award.id, "credits": Credits::from_tenths(award.tenths).to_string() } }), &self.new_entry_id(), self.now_micros(), actor.client.as_str())?;
        super::again_when_stale(async || self.try_post_one(&posting, Basis::default(), intent).await).await
    }

    /// Uses credits in another programme; they are spent only where the programme says so (CR-7).
    pub async fn convert_credits(&self, actor: &Actor, worker: &WorkerId, programme: &str, amount: Credits, intent: &Intent<(CreditEntryRow, bool)>) -> Result<Answer, Error> {
        self.authorise(actor, Act::PostCredits)?;
        let known = worker.to_string();
        if self.store.read(move |conn| worker_store::list_existing(conn, &[known])).await?.is_empty() {
            return Err(Error::invalid("worker_id", Text::new("no such worker", "没有该劳动者")));
        }
        super::again_when_stale(async || {
            let (today, credits) = (self.clock.today(), self.balance_of(worker).await?);
            let (balance, usable) = (credits.balance, Credits::from_tenths(credits.balance.tenths() - credits.expired.tenths()));
            let Some(entry) = self.catalogue().find_entry("credit_programmes", programme, today) else {
                return Err(Error::invalid("programme", Text::new("no programme of this name is in the catalogue", "目录中没有该学分转换项目")));
            };
            if amount > usable {
                let detail = Text::new(format!("{amount} credits asked for, {usable} can be used"), format!("申请转换 {amount} 学分，可用 {usable}"));
                let rule = if amount > balance { "CR-7" } else { "CR-8" };
                return Err(Error::Refused(vec![Violation::deny(rule, detail).at("credits").fact("credits", amount).fact("balance", balance).fact("expired", credits.expired)]));
            }
            let consumes = entry.get("consumes_credits").is_some_and(|value| value == "1");
            let id = self.new_entry_id();
            let posting = Posting {
                worker_id: worker.to_string(),
                kind: CONVERSION,
                source: programme.to_owned(),
                achievement_key: format!("conversion/{id}"),
                amount: Credits::from_tenths(if consumes { -amount.tenths() } else { 0 }),
                reverses: None,
                rule: "CR-7",
                rule_version: self.catalogue().training_rules_on(today).version,
                facts: json!({ "programme": programme, "credits": amount.to_string(), "are_spent": consumes, "balance_before": balance.to_string() }),
                earned_on: today,
                organisation_id: actor.organisation.clone(),
                posted_at: self.now_micros(),
                posted_by: actor.client.to_string(),
                id,
            };
            self.try_post_one(&posting, Basis { balance: Some(balance), stamp: None }, intent).await
        })
        .await
    }

    /// Recognises a certificate: decides what it is worth, together with the class that it was earned in (CR-2, CR-5).
    pub async fn recognise_certificate(&self, actor: &Actor, certificate: &CertificateId, class: Option<&ClassId>, intent: &Intent<(CreditEntryRow, bool)>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_recognise_certificate(actor, certificate, class, intent).await).await
    }

    async fn try_recognise_certificate(&self, actor: &Actor, certificate: &CertificateId, class: Option<&ClassId>, intent: &Intent<(CreditEntryRow, bool)>) -> Result<Answer, Error> {
        self.authorise(actor, Act::PostCredits)?;
        let wanted = certificate.to_string();
        let standing = self.store.read(move |conn| certificate_store::find_by_id(conn, &wanted)).await?;
        let (row, version, state) = standing.ok_or_else(|| Error::invalid("certificate_id", Text::new("no such certificate", "没有该证书")))?;
        let today = self.clock.today();
        let is_valid = super::stored::<CertificateState>(&state.state)? == CertificateState::Issued && version.valid_to.is_none_or(|last| last >= today);
        if !is_valid {
            let detail = Text::new("only a certificate that is valid today is recognised", "仅当前有效的证书可认定学分");
            return Err(Error::Refused(vec![Violation::deny("CR-6", detail).at("certificate_id").fact("state", &state.state)]));
        }
        let worth = self.worth_of(&row, version.issued_on).await?;
        let rules = self.catalogue().training_rules_on(version.issued_on);
        let (first, class_stamp) = match class {
            None => (Credits::default(), None),
            Some(class) => {
                let (first, stamp) = self.credits_of_class(class, &row.worker_id).await?;
                (first, Some((class.to_string(), stamp)))
            }
        };
        let amount = if class.is_some() { added_by_second(first, worth, &rules) } else { worth };
        let facts = json!({
            "certificate_id": row.id, "certificate_kind": row.kind, "worth": worth.to_string(), "class_id": class.map(ClassId::as_str), "class_credits": class.map(|_| first.to_string()),
            "combination": class.map(|_| rules.class_and_certificate.as_str()), "arithmetic": if class.is_some() { formula_of_second(first, worth, &rules) } else { worth.to_string() },
        });
        let posting = Posting {
            id: self.new_entry_id(),
            worker_id: row.worker_id.clone(),
            kind: AWARD,
            source: CERTIFICATE.to_owned(),
            achievement_key: self.free_recognition_key(CERTIFICATE, &row.id).await?,
            amount,
            reverses: None,
            rule: if class.is_some() { "CR-5" } else { "CR-2" },
            rule_version: rules.version,
            facts,
            earned_on: version.issued_on,
            organisation_id: Some(super::stored(&row.issuer_id)?),
            posted_at: self.now_micros(),
            posted_by: actor.client.to_string(),
        };
        self.try_post_one(&posting, Basis { balance: None, stamp: class_stamp }, intent).await
    }

    /// The key of an achievement's newest recognition; a new one if that was reversed.
    pub(super) async fn free_recognition_key(&self, source: &str, id: &str) -> Result<String, Error> {
        let keys = recognition_keys(source, id);
        let (wanted, mut key) = (keys.to_vec(), keys[0].clone());
        let (awards, reversals) = self
            .store
            .read_snapshot(move |conn| {
                let awards = store::list_by_achievements(conn, &wanted)?;
                let reversals = store::list_by_achievements(conn, &awards.iter().map(|award| reversal_key(&award.id)).collect::<Vec<_>>())?;
                Ok((awards, reversals))
            })
            .await?;
        for (place, candidate) in keys.iter().enumerate() {
            let Some(award) = awards.iter().find(|award| award.achievement_key == *candidate) else { break };
            let is_reversed = reversals.iter().any(|reversal| reversal.reverses.as_ref() == Some(&award.id));
            key = keys.get(place + usize::from(is_reversed)).unwrap_or(candidate).clone();
        }
        Ok(key)
    }

    /// What the list of credit values gives for a certificate; the issuer's kind of filing may matter.
    async fn worth_of(&self, row: &certificate_store::CertificateRow, issued_on: NaiveDate) -> Result<Credits, Error> {
        let body = self.get_body(&super::stored(&row.issuer_id)?).await?;
        let filing = body.filings.iter().find(|filing| filing.filing.as_str() == row.filing_id && filing.version == row.filing_version);
        let catalogue = self.catalogue();
        let keys = [format!("certificate/{}/{}", row.kind, filing.map_or("", |filing| filing.body_kind.as_str())), format!("certificate/{}/", row.kind)];
        let entry = keys.iter().find_map(|key| catalogue.find_entry("credit_values", key, issued_on));
        let worth = entry.and_then(|entry| entry.get("credits").and_then(Value::as_str).and_then(|text| text.parse().ok()));
        worth.ok_or_else(|| Error::Refused(vec![Violation::deny("CR-2", Text::new("the list of credit values has nothing for certificates of this kind", "学分认定表未收录该类证书")).at("certificate_id")]))
    }

    /// What a worker has from a class, and the stamp of the class then.
    async fn credits_of_class(&self, class: &ClassId, worker: &str) -> Result<(Credits, i64), Error> {
        let (class, worker) = (class.to_string(), worker.to_owned());
        let read = move |conn: &mut Conn| {
            let stamp = counters::read_stamp(conn, &counters::stamp_of(&class))?;
            let awards = store::list_by_achievements(conn, &[class_key(&class, &worker)])?;
            let reversals = store::list_by_achievements(conn, &awards.iter().map(|award| reversal_key(&award.id)).collect::<Vec<_>>())?;
            // What was reversed is worth nothing beside the certificate.
            Ok((stamp, class_store::find_class_result(conn, &class, &worker)?, if reversals.is_empty() { awards } else { Vec::new() }))
        };
        let (stamp, result, awards) = self.store.read_snapshot(read).await?;
        if result.is_none() {
            return Err(Error::Invalid(vec![invalid("class_id", Text::new("the holder has no result in this class, or it is not closed", "持证人在该班没有结业结果，或该班尚未结班"))]));
        }
        Ok((awards.first().map_or_else(Credits::default, |award| Credits::from_tenths(award.tenths)), stamp))
    }

    /// Posts one entry, or returns the one that stands for the same achievement.
    pub(super) async fn try_post_one(&self, posting: &Posting, basis: Basis, intent: &Intent<(CreditEntryRow, bool)>) -> Result<Answer, Error> {
        let (key, worker, certificate) = (posting.achievement_key.clone(), posting.worker_id.clone(), posting.facts["certificate_id"].as_str().map(str::to_owned));
        let (posted, mut ends, records) = self
            .store
            .read_snapshot(move |conn| {
                let records = merges::person_of(conn, &worker)?;
                Ok((store::list_by_achievements(conn, &[key])?, store::list_ledger_ends(conn, &records)?, records))
            })
            .await?;
        if let Some(posted) = posted.into_iter().next() {
            return self.answer_known(intent, &(posted, false)).await;
        }
        let total: i32 = ends.values().map(|end| end.balance_tenths).sum();
        let mut end = ends.remove(&posting.worker_id).unwrap_or_default();
        if basis.balance.is_some_and(|balance| balance.tenths() != total) {
            return Err(Error::Stale);
        }
        let row = posting.at(&mut end);
        let (answer, kept) = self.answer(intent, &(row.clone(), true));
        let organisation = posting.organisation_id.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                // A certificate that ends at this moment gives nothing any more.
                if let Some(certificate) = &certificate
                    && row.kind == AWARD
                    && certificate_store::hold_state(tx.conn, certificate)?.as_deref() != Some(CertificateState::Issued.as_str())
                {
                    return Err(StoreError::Stale);
                }
                // Whoever declares the class false, or takes the result back, moves its stamp.
                if let Some((of, stamp)) = &basis.stamp {
                    tx.expect_stamp(of, *stamp)?;
                }
                // Behind the state, as those who end certificates lock them: others wait for this entry instead of meeting it.
                worker_store::lock_workers(tx.conn, &records)?;
                // What is spent must still be there, in all ledgers of the person together.
                if let Some(balance) = basis.balance {
                    let now = merges::person_of(tx.conn, &row.worker_id)?;
                    let total: i32 = store::list_ledger_ends(tx.conn, &now)?.values().map(|end| end.balance_tenths).sum();
                    if now != records || total != balance.tenths() {
                        return Err(StoreError::Stale);
                    }
                }
                store::insert_credit_entries(tx.conn, std::slice::from_ref(&row))?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::CreditSequence | Constraint::CreditAchievement) => Error::Stale,
                other => other.into(),
            })?;
        Ok(answer)
    }
}
