//! Statements of online platforms (xAPI): every one is kept as evidence, and study that follows from one is attendance in its class.
//!
//! A batch that is not well formed is refused as a whole. The statements of one class are decided on one reading, and written with the
//! intervals that follow from them in one transaction. A statement that is known already changes nothing, so a platform sends again
//! what it does not know the fate of. One that voids another takes back what followed from it (`voids.rs`).

mod voids;

use super::Registry;
use super::attendance::{AttendanceInsert, AttendanceOrder};
use super::error::Error;
use super::references::WorkerReference;
use super::training::refuse_closed;
use crate::clock::from_micros;
use crate::domain::access::{Act, Actor};
use crate::domain::attendance::{Interval, Mode, Part};
use crate::domain::id::{ClassId, OrganisationId, SignalId, WorkerId};
use crate::domain::organisation::names;
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::domain::xapi::{BEGINNINGS, Statement, Study};
use crate::store::backend::Conn;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::signals::{self, SignalRow};
use crate::store::statements::{self as store, StatementPlace, StatementRow};
use crate::store::workers as worker_store;
use crate::store::writer::PlaceSlot;
use crate::vault::Sealed;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use voids::{Voiding, expect_standing};

/// Where study comes from that no clerk has uploaded.
pub(super) const SOURCE: &str = "xapi";

/// What became of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementOutcome {
    /// It tells of no study.
    Kept,
    /// It tells of study, but not whose or in which class.
    Unassigned,
    /// Its study is attendance.
    Recorded,
    /// Rules say no to its study.
    Refused,
}

names!(StatementOutcome {
    Kept => "kept",
    Unassigned => "unassigned",
    Recorded => "recorded",
    Refused => "refused",
});

/// A statement in clear, for the organisation that sent it.
pub struct StatementView {
    /// As it was sent, with what the registry adds (xAPI 1.0.3, part two, 2.4).
    pub statement: Value,
}

/// The statements of a batch by their identifiers, and where they stand in the log.
pub struct ReceivedStatements {
    pub ids: Vec<String>,
    pub place: PlaceSlot,
}

/// Which statement is asked for: one that stands, or one that was voided (xAPI 1.0.3, part three, 2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    Standing,
    Voided,
}

/// What follows from statements.
#[derive(Default)]
struct Consequences {
    attendance: Option<AttendanceInsert>,
    signals: Vec<SignalRow>,
    voiding: Option<Voiding>,
}

/// One statement on its way.
struct Arriving {
    id: String,
    /// Canonical, without what the registry adds.
    text: String,
    statement: Statement,
    /// A keyed hash: a platform may put anything into its names of sessions.
    session: Option<String>,
    worker: Option<String>,
    class: Option<ClassId>,
    study: Option<Study>,
    outcome: StatementOutcome,
    findings: Vec<Violation>,
}

/// What is known of a session: its class, and when it began.
#[derive(Default, Clone)]
struct Session {
    class: Option<ClassId>,
    began_at: Option<DateTime<Utc>>,
}

fn place(organisation: &str, id: &str) -> String {
    format!("{organisation}/{id}")
}

/// What a row's sealed statement belongs to.
pub(super) fn statement_place(row: &StatementRow) -> String {
    place(&row.organisation_id, &row.id)
}

impl Registry {
    /// Takes a batch of statements.
    ///
    /// # Errors
    /// `Conflict` when a statement with the same identifier and other content is known.
    pub async fn receive_statements(&self, actor: &Actor, received: Vec<(Value, Statement)>) -> Result<ReceivedStatements, Error> {
        let provider = self.own_organisation(actor)?;
        self.authorise(actor, Act::WriteTraining { provider: &provider })?;
        let now = self.clock.now();
        // Given once, so that a batch that is decided anew stays the same batch.
        let given: Vec<(String, Value, Statement)> = received
            .into_iter()
            .map(|(mut value, statement)| {
                let id = statement.id.clone().unwrap_or_else(|| self.entropy.ordered_uuid(now.timestamp_millis()));
                if let Some(members) = value.as_object_mut() {
                    // Whatever a platform claims here, the registry knows better (2.4.8, 2.4.9).
                    members.retain(|name, _| name != "stored" && name != "authority");
                    members.insert("id".to_owned(), json!(id));
                }
                (id, value, statement)
            })
            .collect();
        let mut seen = HashSet::new();
        let twice: Vec<Violation> = given.iter().enumerate().filter(|(_, (id, ..))| !seen.insert(id.clone())).map(|(index, _)| invalid(format!("{index}.id"), Text::new("the identifier stands twice in the batch", "批次中标识重复"))).collect();
        if !twice.is_empty() {
            return Err(Error::Invalid(twice));
        }
        super::again_when_stale(async || self.try_receive_statements(actor, &provider, &given).await).await
    }

    async fn try_receive_statements(&self, actor: &Actor, provider: &OrganisationId, given: &[(String, Value, Statement)]) -> Result<ReceivedStatements, Error> {
        let ids: Vec<String> = given.iter().map(|(id, ..)| id.clone()).collect();
        let (of, wanted) = (provider.to_string(), ids.clone());
        let known = self.store.read(move |conn| store::list_statements_by_ids(conn, &of, &wanted)).await?;
        let known: HashMap<String, Vec<u8>> = known.into_iter().map(|row| (row.id, row.statement_hash)).collect();
        let mut arriving = Vec::new();
        for (id, value, statement) in given {
            let text = String::from_utf8(serde_json_canonicalizer::to_vec(value).map_err(|_| Error::invalid(id.clone(), Text::new("a number beyond 2^53 found", "数值超过 2^53")))?).map_err(|error| Error::Internal(error.to_string()))?;
            match known.get(id) {
                Some(hash) if *hash == self.vault.commitment(Sealed::Statement, &place(provider.as_str(), id), &text) => {}
                Some(_) => return Err(Error::Conflict(Text::new(format!("statement {id} is known with other content"), format!("statement {id} 已存在且内容不同")))),
                None => arriving.push(Arriving { id: id.clone(), text, session: statement.session.as_deref().map(|session| hex::encode(self.vault.blind_index("xapi session", session))), statement: statement.clone(), worker: None, class: None, study: None, outcome: StatementOutcome::Kept, findings: Vec::new() }),
            }
        }
        let slot = PlaceSlot::default();
        if !arriving.is_empty() {
            let voided = self.find_voided(provider, &arriving).await?;
            let (voiding, mut arriving): (Vec<_>, Vec<_>) = arriving.into_iter().partition(|one| one.statement.voids.is_some());
            // First, so that what a platform sends instead finds its time free.
            if !voiding.is_empty() {
                self.void_statements(actor, provider, voiding, slot.clone()).await?;
            }
            self.assign(provider, &mut arriving, &voided).await?;
            // Class by class: what is decided of one must be there when the next one is judged.
            for (class, mut group) in by_class(arriving) {
                let following = self.decide_statements(actor, provider, class.as_ref(), &mut group).await?;
                self.write_statements(actor, provider, group, following, slot.clone()).await?;
            }
        }
        Ok(ReceivedStatements { ids, place: slot })
    }

    /// Whose study each statement tells of, and in which class.
    async fn assign(&self, provider: &OrganisationId, arriving: &mut [Arriving], voided: &HashMap<String, String>) -> Result<(), Error> {
        let (home, classes) = (self.config.public_url.clone(), format!("{}/v1/classes/", self.config.public_url));
        let worker = |statement: &Statement| {
            let (page, name) = statement.account.as_ref()?;
            (page.trim_end_matches('/') == home).then(|| name.parse::<WorkerId>().ok()).flatten().map(|id| id.to_string())
        };
        let named: Vec<String> = arriving.iter().filter_map(|one| worker(&one.statement)).collect();
        let session_keys: HashSet<String> = arriving.iter().filter_map(|one| one.session.clone()).collect();
        let (of, keys): (String, Vec<String>) = (provider.to_string(), session_keys.into_iter().collect());
        let read = move |conn: &mut Conn| Ok((worker_store::list_existing(conn, &named)?, store::list_of_sessions(conn, &of, &keys, BEGINNINGS)?));
        let (existing, earlier) = self.store.read_snapshot(read).await?;
        let existing: HashSet<String> = existing.into_iter().collect();
        let mut sessions: HashMap<String, Session> = HashMap::new();
        for (session, class, verb, at) in earlier {
            let known = sessions.entry(session.unwrap_or_default()).or_default();
            known.class = known.class.take().or_else(|| class.and_then(|class| class.parse().ok()));
            known.began_at = known.began_at.or_else(|| BEGINNINGS.contains(&verb.as_str()).then(|| from_micros(at)));
        }
        let now = self.clock.now();
        for one in arriving.iter_mut() {
            one.worker = worker(&one.statement).filter(|worker| existing.contains(worker));
            one.class = one.statement.names(&classes).and_then(|rest| rest.split(['/', '?', '#']).next()?.parse().ok());
            one.study = one.statement.study(now);
            if let Some(key) = &one.session {
                let known = sessions.entry(key.clone()).or_default();
                known.class = known.class.take().or_else(|| one.class.clone());
                let began = BEGINNINGS.contains(&one.statement.verb.as_str()).then(|| one.statement.at.unwrap_or(now));
                known.began_at = [known.began_at, began].into_iter().flatten().min();
            }
        }
        for one in arriving.iter_mut().filter(|one| one.study.is_some()) {
            let session = one.session.as_ref().and_then(|key| sessions.get(key)).cloned().unwrap_or_default();
            one.class = one.class.take().or(session.class);
            if let Some(by) = voided.get(&one.id) {
                one.findings.push(Violation::warn("HR-6", Text::new(format!("statement {by} voids this one"), format!("本 statement 已被 {by} 作废"))).at("id"));
                continue;
            }
            if one.worker.is_none() {
                one.findings.push(Violation::warn("HR-6", Text::new(format!("an account with homePage {home} and the worker_id of a registered worker as its name expected"), format!("应为 homePage {home}、name 为已登记劳动者编号的 account"))).at("actor"));
            }
            if one.class.is_none() {
                one.findings.push(Violation::warn("HR-6", Text::new(format!("an activity {classes}… in the context, or earlier in the same registration, expected"), format!("应在 contextActivities 或同一 registration 的较早 statement 中注明班级 {classes}…"))).at("context"));
            }
            one.outcome = if one.findings.is_empty() { StatementOutcome::Recorded } else { StatementOutcome::Unassigned };
            if let (StatementOutcome::Recorded, Some(study), Some(ahead)) = (one.outcome, one.study, one.study.zip(session.began_at).and_then(|(study, began)| study.accelerated_by(began))) {
                let seconds = ahead.num_seconds();
                let detail = Text::new(format!("the session claims {seconds} seconds more than the clock was since it began; the player ran faster than the clock"), format!("学习时长比实际经过时间多 {seconds} 秒，播放快于时钟"));
                one.findings.push(Violation::deny("HR-6", detail).at("result.duration").fact("seconds_ahead", seconds).fact("ended_at", study.ended_at));
                one.outcome = StatementOutcome::Refused;
            }
        }
        Ok(())
    }

    /// Judges the study in one class like any other attendance.
    async fn decide_statements(&self, actor: &Actor, provider: &OrganisationId, class: Option<&ClassId>, group: &mut [Arriving]) -> Result<Consequences, Error> {
        let signals = group.iter().filter(|one| one.outcome == StatementOutcome::Refused).map(|one| self.accelerated(provider, one)).collect();
        let mut following = Consequences { signals, ..Consequences::default() };
        let Some(class) = class else { return Ok(following) };
        let refuse_all = |group: &mut [Arriving], findings: &[Violation]| {
            for one in group {
                (one.outcome, one.findings) = (StatementOutcome::Refused, findings.to_vec());
            }
        };
        let (view, owner) = match self.own_class(actor, class).await {
            Ok(found) => found,
            Err(Error::NotFound) => {
                refuse_all(group, &[Violation::deny("HR-6", Text::new("no such class of this organisation", "本机构没有该培训班")).at("context")]);
                return Ok(following);
            }
            Err(other) => return Err(other),
        };
        if let Err(Error::Refused(findings)) = refuse_closed(&view) {
            refuse_all(group, &findings);
            return Ok(following);
        }
        let orders: Vec<AttendanceOrder> = group.iter().enumerate().filter_map(|(index, one)| order_of(one, index)).collect();
        let step = self.decide_step(actor, &view, owner, &orders, SOURCE).await?;
        for (index, findings) in step.refused {
            (group[index].outcome, group[index].findings) = (StatementOutcome::Refused, findings);
        }
        following.attendance = Some(step.insert);
        Ok(following)
    }

    /// SV-9: study faster than the clock.
    fn accelerated(&self, provider: &OrganisationId, one: &Arriving) -> SignalRow {
        let ahead = one.findings.iter().flat_map(|finding| &finding.facts).find(|(name, _)| *name == "seconds_ahead").map(|(_, value)| value.clone());
        SignalRow {
            id: self.new_id(SignalId::new).to_string(),
            signal_key: format!("accelerated_study/{provider}/{}", one.id),
            kind: "accelerated_study".to_owned(),
            rule: "HR-6".to_owned(),
            organisation_id: provider.to_string(),
            worker_id: one.worker.clone(),
            facts: json!({ "statement_id": one.id, "class_id": one.class.as_ref().map(ToString::to_string), "seconds_ahead": ahead }).to_string(),
            raised_at: self.now_micros(),
        }
    }

    fn statement_row(&self, actor: &Actor, provider: &OrganisationId, one: Arriving) -> StatementRow {
        let (at, now) = (place(provider.as_str(), &one.id), self.now_micros());
        let findings: Vec<Value> = one.findings.iter().map(|finding| json!({ "rule": finding.rule, "outcome": finding.outcome.as_str(), "field": finding.field, "en": finding.detail.en, "zh": finding.detail.zh })).collect();
        StatementRow {
            organisation_id: provider.to_string(),
            sealed_statement: self.vault.seal(Sealed::Statement, &at, one.text.as_bytes(), &self.entropy),
            statement_hash: self.vault.commitment(Sealed::Statement, &at, &one.text),
            id: one.id,
            verb: known_verb(&one.statement.verb).to_owned(),
            session: one.session,
            happened_at: one.statement.at.map_or(now, |at| at.timestamp_micros()),
            worker_id: one.worker,
            class_id: one.class.map(|class| class.to_string()),
            outcome: one.outcome.as_str().to_owned(),
            started_at: one.study.map(|study| study.started_at.timestamp_micros()),
            ended_at: one.study.map(|study| study.ended_at.timestamp_micros()),
            findings: Value::from(findings).to_string(),
            stored_at: now,
            stored_by: actor.client.to_string(),
        }
    }

    async fn write_statements(&self, actor: &Actor, provider: &OrganisationId, arriving: Vec<Arriving>, following: Consequences, slot: PlaceSlot) -> Result<(), Error> {
        let rows: Vec<StatementRow> = arriving.into_iter().map(|one| self.statement_row(actor, provider, one)).collect();
        let studies: Vec<String> = rows.iter().filter(|row| row.outcome == StatementOutcome::Recorded.as_str()).map(|row| row.id.clone()).collect();
        let organisation = provider.clone();
        self.store
            .write(move |tx| {
                tx.tell_place(&slot);
                if let Some(voiding) = &following.voiding {
                    voiding.run(tx, &organisation)?;
                }
                if !studies.is_empty() {
                    expect_standing(tx, &organisation, &studies)?;
                }
                if let Some(insert) = &following.attendance {
                    insert.run(tx)?;
                }
                store::insert_statements(tx.conn, &rows)?;
                for row in &rows {
                    tx.record(Fact::of(Some(&organisation), row)?);
                }
                for signal in signals::insert_new_signals(tx.conn, following.signals.clone())? {
                    tx.record(Fact::of(Some(&organisation), &signal)?);
                }
                Ok(())
            })
            .await
            .map_err(|error| match error {
                // Somebody was faster; the batch is decided anew on what is there now.
                StoreError::Conflict(Constraint::AttendanceOverlap | Constraint::AttendanceVoid | Constraint::Statement | Constraint::StatementVoid) => Error::Stale,
                other => other.into(),
            })
    }

    /// A statement that the actor's organisation has sent.
    ///
    /// # Errors
    /// `NotFound` also for a statement that was voided when one that stands is asked for, and the other way round.
    pub async fn get_statement(&self, actor: &Actor, id: &str, asked: Asked) -> Result<StatementView, Error> {
        let provider = self.own_organisation(actor)?;
        self.authorise(actor, Act::WriteTraining { provider: &provider })?;
        let (of, wanted) = (provider.to_string(), [id.to_ascii_lowercase()]);
        let read = move |conn: &mut Conn| Ok((store::list_statements_by_ids(conn, &of, &wanted)?.pop(), !store::list_statement_voids(conn, &of, &wanted)?.is_empty()));
        let (row, is_voided) = self.store.read_snapshot(read).await?;
        let row = row.filter(|_| is_voided == (asked == Asked::Voided)).ok_or(Error::NotFound)?;
        let mut statement: Value = super::stored_json(&self.vault.open_text(Sealed::Statement, &statement_place(&row), &row.sealed_statement)?)?;
        if let Some(members) = statement.as_object_mut() {
            let instant = |micros: i64| json!(from_micros(micros).to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
            members.insert("stored".to_owned(), instant(row.stored_at));
            members.entry("timestamp").or_insert_with(|| instant(row.happened_at));
            members.entry("version").or_insert_with(|| json!("1.0.0"));
            members.insert("authority".to_owned(), json!({ "objectType": "Agent", "account": { "homePage": self.config.public_url, "name": row.stored_by } }));
        }
        Ok(StatementView { statement })
    }

    /// A page of what became of the organisation's statements, each with the statement that voids it.
    pub async fn list_statements(&self, actor: &Actor, outcome: Option<StatementOutcome>, after: Option<StatementPlace>, limit: i64) -> Result<Vec<(StatementRow, Option<String>)>, Error> {
        let provider = self.own_organisation(actor)?;
        self.authorise(actor, Act::WriteTraining { provider: &provider })?;
        let of = provider.to_string();
        Ok(self.store.read(move |conn| store::list_statements(conn, &of, outcome.map(StatementOutcome::as_str), after.as_ref(), limit)).await?)
    }
}

/// A verb of the vocabularies that everybody knows; a platform's own may say anything, and stays in the sealed statement.
fn known_verb(verb: &str) -> &str {
    let name = ["http://adlnet.gov/expapi/verbs/", "https://w3id.org/xapi/adl/verbs/", "http://activitystrea.ms/schema/1.0/"].iter().find_map(|vocabulary| verb.strip_prefix(vocabulary));
    if name.is_some_and(|name| name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')) { verb } else { "other" }
}

/// Statements whose study may be attendance by their class, the others together; in the order in which they stand in the batch.
fn by_class(arriving: Vec<Arriving>) -> Vec<(Option<ClassId>, Vec<Arriving>)> {
    let mut groups: Vec<(Option<ClassId>, Vec<Arriving>)> = Vec::new();
    let mut places: HashMap<Option<ClassId>, usize> = HashMap::new();
    for one in arriving {
        let class = one.class.clone().filter(|_| one.outcome == StatementOutcome::Recorded);
        let place = *places.entry(class.clone()).or_insert_with(|| {
            groups.push((class, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(one);
    }
    groups
}

fn order_of(one: &Arriving, index: usize) -> Option<AttendanceOrder> {
    let (worker, study) = (one.worker.clone()?, one.study?);
    let interval = Interval { started_at: study.started_at, ended_at: study.ended_at, mode: Mode::Online, part: Part::Theory };
    Some(AttendanceOrder { row: index, content: Ok((WorkerReference::Id(worker), interval)) })
}
