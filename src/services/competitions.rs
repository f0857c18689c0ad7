//! Places in skills competitions: recorded by the authority, recognised for credits, taken back with them.

use super::Registry;
use super::credits::{AWARD, Basis, COMPETITION, Posting, reverse_achievements};
use super::error::Error;
use super::intent::{Answer, Intent};
use super::references::WorkerReference;
use crate::domain::access::{Act, Actor};
use crate::domain::competition::CompetitionLevel;
use crate::domain::credit::Credits;
use crate::domain::id::{CompetitionResultId, OrganisationId, WorkerId};
use crate::domain::occupation::Occupation;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::competitions::{self as store, CompetitionAnnulmentRow, CompetitionResultRow, FoundResult};
use crate::store::counters;
use crate::store::credits::CreditEntryRow;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use chrono::NaiveDate;
use serde_json::{Value, json};

/// How often a result may be recorded, each time behind one that was taken back.
const RECORDINGS_MAX: usize = 5;

/// A place to be recorded.
#[derive(Debug, Clone)]
pub struct CompetitionOrder {
    pub worker: WorkerReference,
    pub competition: String,
    pub level: CompetitionLevel,
    pub event: String,
    pub occupation: Option<Occupation>,
    pub place: i32,
    pub held_on: NaiveDate,
    pub decision_document: Option<String>,
}

/// A result with what is said of it.
#[derive(Debug, Clone)]
pub struct CompetitionView {
    pub row: CompetitionResultRow,
    pub annulment: Option<CompetitionAnnulmentRow>,
    /// Whether the worker is recommended for promotion first, and the version of the rules that says so.
    pub recommendation: (bool, i32),
    pub is_new: bool,
}

/// What moves when a result is taken back.
fn stamp_of(result: &str) -> String {
    format!("competition result {result}")
}

impl Registry {
    fn competition_view(&self, (row, annulment): FoundResult, is_new: bool) -> CompetitionView {
        let rules = self.catalogue().training_rules_on(row.held_on);
        let is_recommended = annulment.is_none() && row.place <= rules.promotion_place_max;
        CompetitionView { recommendation: (is_recommended, rules.version), row, annulment, is_new }
    }

    /// Records a place. The same worker, event, competition and day find the result that stands.
    pub async fn record_competition_result(&self, actor: &Actor, order: &CompetitionOrder, intent: &Intent<CompetitionView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::RecordCompetition)?;
        if order.held_on > self.clock.today() {
            return Err(Error::invalid("held_on", Text::new("a day that has come expected", "日期不应晚于今日")));
        }
        if let Some(occupation) = &order.occupation
            && self.catalogue().find_occupation_name(occupation, order.held_on).is_none()
        {
            return Err(Error::invalid("occupation_code", Text::new("no such occupation in the catalogue", "目录中没有该职业")));
        }
        let worker = self.find_referenced(&[&order.worker]).await?.pop().ok_or_else(|| Error::Internal("a reference without an answer".to_owned()))?;
        let worker = worker.map_err(|why| Error::invalid("worker_id", why))?;
        let worker = self.root_of(&super::stored(&worker)?).await?;
        for ordinal in 1..=RECORDINGS_MAX {
            // One that was taken back makes room for another one.
            if let Some(answer) = self.try_record_competition_result(actor, order, &worker, ordinal, intent).await? {
                return Ok(answer);
            }
        }
        Err(Error::Conflict(Text::new("results of this worker in this event were taken back too often", "该劳动者在此项目的成绩撤回次数过多")))
    }

    /// None when the result of this ordinal was taken back.
    async fn try_record_competition_result(&self, actor: &Actor, order: &CompetitionOrder, worker: &WorkerId, ordinal: usize, intent: &Intent<CompetitionView>) -> Result<Option<Answer>, Error> {
        let key_of = |worker: &str| json!([order.competition, order.held_on, order.event, worker, ordinal]).to_string();
        let key = key_of(worker.as_str());
        // Another record of the person may have it; within one record the constraint decides.
        let keys: Vec<String> = self.person_of(worker).await?.iter().map(|record| key_of(record)).collect();
        let known = self.store.read(move |conn| keys.iter().find_map(|key| store::find_result_by_key(conn, key).transpose()).transpose()).await?;
        if let Some(known) = known {
            return self.answer_known_result(order, known, intent).await;
        }
        let row = CompetitionResultRow {
            id: self.new_id(CompetitionResultId::new).to_string(),
            worker_id: worker.to_string(),
            competition: order.competition.clone(),
            competition_level: order.level.as_str().to_owned(),
            event: order.event.clone(),
            occupation_edition: order.occupation.as_ref().map(|occupation| occupation.edition.to_string()),
            occupation_code: order.occupation.as_ref().map(|occupation| occupation.code.to_string()),
            place: order.place,
            held_on: order.held_on,
            decision_document: order.decision_document.clone(),
            result_key: key.clone(),
            organisation_id: actor.organisation.as_ref().map(ToString::to_string),
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &self.competition_view((row.clone(), None), true));
        let organisation = actor.organisation.clone();
        let inserted = self
            .store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_result(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                // From here on there is a row that a recognition and an annulment can wait for each other at.
                tx.move_stamp(&stamp_of(&row.id))?;
                Ok(())
            })
            .await;
        match inserted {
            Ok(()) => Ok(Some(answer)),
            Err(StoreError::Conflict(Constraint::CompetitionResult)) => {
                let known = self.store.read(move |conn| store::find_result_by_key(conn, &key)).await?.ok_or(Error::Stale)?;
                self.answer_known_result(order, known, intent).await
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The result that stands, if it says the same; None when it was taken back.
    async fn answer_known_result(&self, order: &CompetitionOrder, known: FoundResult, intent: &Intent<CompetitionView>) -> Result<Option<Answer>, Error> {
        if known.1.is_some() {
            return Ok(None);
        }
        if known.0.place != order.place || known.0.competition_level != order.level.as_str() {
            let (place, level) = (known.0.place, &known.0.competition_level);
            return Err(Error::Conflict(Text::new(format!("place {place} ({level}) is recorded for this worker in this event; take it back first"), format!("该劳动者在此项目已登记第 {place} 名（{level}），应先撤回"))));
        }
        self.answer_known(intent, &self.competition_view(known, false)).await.map(Some)
    }

    pub async fn get_competition_result(&self, actor: &Actor, id: &CompetitionResultId) -> Result<CompetitionView, Error> {
        self.authorise(actor, Act::RecordCompetition)?;
        self.load_competition_result(id).await
    }

    async fn load_competition_result(&self, id: &CompetitionResultId) -> Result<CompetitionView, Error> {
        let wanted = id.to_string();
        let found = self.store.read(move |conn| store::find_result(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        Ok(self.competition_view(found, false))
    }

    /// Takes a result back, with the credits that it gave (CR-6). The first annulment stays.
    pub async fn annul_competition_result(&self, actor: &Actor, id: &CompetitionResultId, reason: &str, decision_document: Option<&str>, intent: &Intent<CompetitionView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::RecordCompetition)?;
        let view = self.load_competition_result(id).await?;
        if view.annulment.is_some() {
            return self.answer_known(intent, &view).await;
        }
        let now = self.now_micros();
        let row = CompetitionAnnulmentRow {
            result_id: id.to_string(),
            reason: reason.to_owned(),
            decision_document: decision_document.map(str::to_owned),
            recorded_at: now,
            recorded_by: actor.client.to_string(),
        };
        let facts = json!({ "competition_result_id": id.as_str(), "reason": reason });
        let reversal = self.reversal_of_achievement(COMPETITION, id.as_str(), facts, now, actor.client.as_str());
        let annulled = CompetitionView { is_new: true, ..self.competition_view((view.row, Some(row.clone())), true) };
        let (answer, kept) = self.answer(intent, &annulled);
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_result_annulment(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                tx.move_stamp(&stamp_of(&row.result_id))?;
                reverse_achievements(tx, std::slice::from_ref(&reversal))
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::CompetitionAnnulment) => Error::Conflict(Text::new("the result was taken back meanwhile", "该成绩已被撤回")),
                other => other.into(),
            })?;
        Ok(answer)
    }

    /// Recognises a place for credits, by the list that was in force on its day (CR-2).
    pub async fn recognise_competition(&self, actor: &Actor, id: &CompetitionResultId, intent: &Intent<(CreditEntryRow, bool)>) -> Result<Answer, Error> {
        self.authorise(actor, Act::PostCredits)?;
        super::again_when_stale(async || {
            let of = stamp_of(id.as_str());
            let counter = counters::stamp_of(&of);
            let stamp = self.store.read(move |conn| counters::read_stamp(conn, &counter)).await?;
            let view = match self.load_competition_result(id).await {
                Err(Error::NotFound) => return Err(Error::invalid("competition_result_id", Text::new("no such result", "没有该竞赛成绩"))),
                other => other?,
            };
            if view.annulment.is_some() {
                return Err(Error::Refused(vec![Violation::deny("CR-6", Text::new("a result that was taken back gives nothing", "已撤回的竞赛成绩不予认定")).at("competition_result_id")]));
            }
            let (row, catalogue) = (view.row, self.catalogue());
            let key = format!("competition/{}/{}", row.competition_level, row.place);
            let worth: Option<Credits> = catalogue.find_entry("credit_values", &key, row.held_on).and_then(|entry| entry.get("credits").and_then(Value::as_str).and_then(|text| text.parse().ok()));
            let Some(amount) = worth else {
                return Err(Error::Refused(vec![Violation::deny("CR-2", Text::new("the list of credit values has nothing for this place", "学分认定表未收录该名次")).at("competition_result_id").fact("place", row.place)]));
            };
            let posting = Posting {
                id: self.new_entry_id(),
                worker_id: row.worker_id.clone(),
                kind: AWARD,
                source: COMPETITION.to_owned(),
                achievement_key: self.free_recognition_key(COMPETITION, &row.id).await?,
                amount,
                reverses: None,
                rule: "CR-2",
                rule_version: catalogue.training_rules_on(row.held_on).version,
                facts: json!({ "competition_result_id": row.id, "competition": row.competition, "competition_level": row.competition_level, "place": row.place, "arithmetic": format!("{key} = {amount}") }),
                earned_on: row.held_on,
                organisation_id: row.organisation_id.as_deref().map(super::stored::<OrganisationId>).transpose()?,
                posted_at: self.now_micros(),
                posted_by: actor.client.to_string(),
            };
            self.try_post_one(&posting, Basis { balance: None, stamp: Some((of, stamp)) }, intent).await
        })
        .await
    }
}
