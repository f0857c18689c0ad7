//! Assessment sessions: held, filled with candidates, scored, published.

use super::references::{WorkerReference, nobody_named};
use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use crate::domain::access::{Act, Actor, READ_ASSESSMENT, WRITE_ASSESSMENT, holds_any, reaches_all};
use crate::domain::assessment::{PanelMember, notice_ends_on, panel_findings};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::filing::{IssueTarget, right_to_issue};
use crate::domain::id::{OrganisationId, SessionId};
use crate::domain::issue::Employment;
use crate::domain::level::SkillLevel;
use crate::domain::occupation::Occupation;
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::store::assessments::{self as store, CandidateRow, CandidateStanding, PublicationRow, SessionRow};
use crate::store::counters;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::stretch::Stretch;
use crate::table::{self, Format, Rows, Shape};
use chrono::NaiveDate;
use serde_json::json;
use std::collections::HashSet;

/// A session to be held.
#[derive(Debug, Clone)]
pub struct SessionOrder {
    pub kind: CertificateKind,
    pub occupation: Option<Occupation>,
    pub job_type: Option<String>,
    pub level: Option<SkillLevel>,
    pub ability: Option<String>,
    pub held_on: NaiveDate,
    pub site: Option<String>,
    pub panel: Vec<PanelMember>,
    pub quality_supervisor_card: Option<String>,
}

/// A session with its publication and the number of its candidates.
#[derive(Debug, Clone)]
pub struct SessionView {
    pub row: SessionRow,
    pub publication: Option<PublicationRow>,
    pub candidates: i64,
    /// Grows with every change of candidates, scores or publications.
    pub stamp: i64,
}

/// A candidate to be added: the worker by identifier or by document number, and the tie to an employer body.
#[derive(Debug, Clone)]
pub struct CandidateOrder {
    pub worker: WorkerReference,
    pub employment: Employment,
}

/// `worker_id` or `document_number`; `employment` is `outside` when it is left empty, as in JSON.
pub const CANDIDATES: Shape = Shape { columns: &[("worker_id", "劳动者标识"), ("document_number", "证件号码"), ("employment", "考生类别")], required: &[&["worker_id", "document_number"]], rows_max: 10_000 };

/// Reads a file of candidates.
///
/// # Errors
/// Every fault with its row and column. Numbers of documents are never repeated.
pub fn parse_candidates(format: Format, bytes: &[u8]) -> Result<Rows<CandidateOrder>, Vec<Violation>> {
    table::parse_all(format, bytes, &CANDIDATES, |cells| {
        let cell = |name: &str| cells.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let worker = WorkerReference::of_cells(cell("worker_id"), cell("document_number")).ok_or_else(nobody_named);
        let employment = cell("employment").map_or(Some(Employment::Outside), |text| Employment::of_cell(&text)).ok_or_else(|| {
            let known = |name: fn(Employment) -> String| Employment::ALL.iter().copied().map(name).collect::<Vec<_>>();
            let (codes, names) = (known(|employment| employment.as_str().to_owned()).join(", "), known(|employment| employment.name().zh.into_owned()).join("、"));
            invalid("employment", Text::new(format!("one of {codes} expected"), format!("应为 {names} 之一")))
        });
        match (worker, employment) {
            (Ok(worker), Ok(employment)) => Ok(CandidateOrder { worker, employment }),
            (worker, employment) => Err(worker.err().into_iter().chain(employment.err()).collect()),
        }
    })
}

impl Registry {
    /// The body that an actor works for.
    pub(super) fn own_organisation(&self, actor: &Actor) -> Result<OrganisationId, Error> {
        actor.organisation.clone().ok_or(Error::Forbidden(&[crate::domain::access::Scope::AssessmentWrite]))
    }

    /// Registers a session of the actor's own body.
    pub async fn register_session(&self, actor: &Actor, order: SessionOrder, intent: &Intent<SessionView>) -> Result<Answer, Error> {
        let body_id = self.own_organisation(actor)?;
        self.authorise(actor, Act::WriteAssessment { body: &body_id })?;
        self.check_session(&order)?;
        let body = self.get_body(&body_id).await?;
        let target = IssueTarget { kind: order.kind, occupation: order.occupation.as_ref(), level: order.level, ability: order.ability.as_deref() };
        let mut findings = panel_findings(&order.panel, order.level, &self.config.rules);
        // SV-6: an assessment outside the filed scope costs a body its filing, so it does not begin.
        findings.extend(right_to_issue(&body.filings, &target, order.held_on).err());
        if !findings.is_empty() {
            return Err(Error::Refused(findings));
        }
        let panel: Vec<_> = order.panel.iter().map(|member| json!({ "card_number": member.card_number, "grade": member.grade.as_str() })).collect();
        let row = SessionRow {
            id: self.new_id(SessionId::new).to_string(),
            organisation_id: body_id.to_string(),
            kind: order.kind.as_str().to_owned(),
            occupation_edition: order.occupation.as_ref().map(|occupation| occupation.edition.clone()),
            occupation_code: order.occupation.as_ref().map(|occupation| occupation.code.to_string()),
            job_type: order.job_type,
            level: order.level.map(|level| level.as_str().to_owned()),
            ability: order.ability,
            held_on: order.held_on,
            site: order.site,
            panel: json!(panel).to_string(),
            quality_supervisor_card: order.quality_supervisor_card,
            registered_at: self.now_micros(),
            registered_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &SessionView { row: row.clone(), publication: None, candidates: 0, stamp: 0 });
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_session(tx.conn, &row)?;
                tx.record(Fact::of(Some(&body_id), &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    fn check_session(&self, order: &SessionOrder) -> Result<(), Error> {
        let mut faults: Vec<Violation> = Vec::new();
        let mut add = |field: &str, en: String, zh: &'static str| faults.push(invalid(field, Text::new(en, zh)));
        if !order.kind.is_assessed() {
            add("certificate_kind", format!("{} is not earned in a session", order.kind.as_str()), "该类证书不经评价场次取得");
        }
        if order.kind.has_level() {
            match &order.occupation {
                None => add("occupation_code", "an occupation expected for this kind".into(), "该类证书应注明职业"),
                Some(occupation) if self.catalogue().find_occupation_name(occupation, self.clock.today()).is_none() => {
                    add("occupation_code", format!("{occupation} is not in the catalogue"), "职业不在目录中");
                }
                Some(_) => {}
            }
            match order.level {
                None => add("level", "a level expected for this kind".into(), "该类证书应注明等级"),
                Some(SkillLevel::Apprentice) => add("level", "apprentices get no numbered certificate; level5 or above expected".into(), "学徒工不发放带编号的证书"),
                Some(_) => {}
            }
            if order.ability.is_some() {
                add("ability", "no ability expected: this kind names an occupation and a level".into(), "该类证书不应填写专项能力");
            }
        } else {
            if order.ability.is_none() {
                add("ability", "an ability expected for this kind".into(), "应注明专项能力");
            }
            if order.occupation.is_some() || order.level.is_some() {
                add("level", "no occupation or level expected: this kind names an ability".into(), "专项职业能力证书没有职业和等级");
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// A session, for its own body or for those who supervise; a foreign one does not exist.
    pub async fn get_session(&self, actor: &Actor, id: &SessionId) -> Result<SessionView, Error> {
        holds_any(actor, READ_ASSESSMENT)?;
        let view = self.load_session(id).await?;
        self.authorise(actor, Act::ReadAssessment { body: &super::stored(&view.row.organisation_id)? })?;
        Ok(view)
    }

    /// A session that the actor may write.
    pub(super) async fn own_session(&self, actor: &Actor, id: &SessionId) -> Result<(SessionView, OrganisationId), Error> {
        holds_any(actor, WRITE_ASSESSMENT)?;
        let view = self.load_session(id).await?;
        let body: OrganisationId = super::stored(&view.row.organisation_id)?;
        self.authorise(actor, Act::WriteAssessment { body: &body })?;
        Ok((view, body))
    }

    async fn load_session(&self, id: &SessionId) -> Result<SessionView, Error> {
        let wanted = id.to_string();
        let found = self
            .store
            .read(move |conn| {
                // The stamp comes first: a change in between makes the view look older than it is, never newer.
                let stamp = counters::read_stamp(conn, &counters::stamp_of(&wanted))?;
                let Some(row) = store::find_session(conn, &wanted)? else { return Ok(None) };
                Ok(Some(SessionView { publication: store::find_publication(conn, &wanted)?, candidates: store::count_candidates(conn, &wanted)?, row, stamp }))
            })
            .await?;
        found.ok_or(Error::NotFound)
    }

    /// A page of sessions: a body sees its own, the authority all.
    pub async fn list_sessions(&self, actor: &Actor, page: Stretch) -> Result<Vec<SessionRow>, Error> {
        holds_any(actor, READ_ASSESSMENT)?;
        let owner = if reaches_all(actor, READ_ASSESSMENT) { None } else { Some(self.own_organisation(actor)?) };
        Ok(self.store.read(move |conn| store::list_sessions(conn, owner.as_ref().map(OrganisationId::as_str), &page)).await?)
    }

    /// Adds candidates, all or none. A worker who is a candidate already stays one.
    pub async fn add_candidates(&self, actor: &Actor, id: &SessionId, orders: &[CandidateOrder], is_dry_run: bool, intent: &Intent<(i64, i64)>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_add_candidates(actor, id, orders, is_dry_run, intent).await).await
    }

    async fn try_add_candidates(&self, actor: &Actor, id: &SessionId, orders: &[CandidateOrder], is_dry_run: bool, intent: &Intent<(i64, i64)>) -> Result<Answer, Error> {
        let (session, body) = self.own_session(actor, id).await?;
        if session.publication.is_some() {
            return Err(Error::Refused(vec![Violation::deny("IS-4", Text::new("the results are published; nobody can be added any more", "成绩已公示，不能再增加考生")).at("candidates")]));
        }
        let workers = self.resolve_workers(&orders.iter().map(|order| &order.worker).collect::<Vec<_>>(), "candidates").await?;
        let wanted = id.to_string();
        let present: HashSet<String> = self.store.read(move |conn| store::list_candidate_workers(conn, &wanted)).await?.into_iter().collect();
        let workers = self.as_listed(workers, |worker| present.contains(worker)).await?;
        let (now, by) = (self.now_micros(), actor.client.to_string());
        let rows: Vec<CandidateRow> = workers
            .into_iter()
            .zip(orders)
            .filter(|(worker, _)| !present.contains(worker))
            .map(|(worker_id, order)| CandidateRow { session_id: id.to_string(), worker_id, employment: order.employment.as_str().to_owned(), registered_at: now, registered_by: by.clone() })
            .collect();
        let added = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let result = (added, session.candidates + added);
        if is_dry_run {
            return self.answer_known(intent, &result).await;
        }
        let (answer, kept) = self.answer(intent, &result);
        let session_id = id.to_string();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                // Fails when the results were published meanwhile.
                tx.move_stamp_from(&session_id, session.stamp)?;
                store::insert_candidates(tx.conn, &rows)?;
                for row in &rows {
                    tx.record(Fact::of(Some(&body), row)?);
                }
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::SessionCandidate) => Error::Conflict(Text::new("another request is adding the same candidates; send it again", "另一请求正在添加相同考生，请重试")),
                other => other.into(),
            })?;
        self.forget_session(id.as_str());
        Ok(answer)
    }

    pub async fn list_candidates(&self, actor: &Actor, id: &SessionId, after: Option<String>, limit: i64) -> Result<Vec<CandidateStanding>, Error> {
        self.get_session(actor, id).await?;
        let wanted = id.to_string();
        Ok(self.store.read(move |conn| store::list_candidates(conn, &wanted, after.as_deref(), limit)).await?)
    }

    /// Publishes the results: the public notice of IS-4 begins tomorrow. Publishing again without new scores changes nothing.
    pub async fn publish_results(&self, actor: &Actor, id: &SessionId, intent: &Intent<(PublicationRow, bool)>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_publish_results(actor, id, intent).await).await
    }

    async fn try_publish_results(&self, actor: &Actor, id: &SessionId, intent: &Intent<(PublicationRow, bool)>) -> Result<Answer, Error> {
        let (session, body) = self.own_session(actor, id).await?;
        let wanted = id.to_string();
        let (stamp, scores) = self.store.read(move |conn| Ok((counters::read_stamp(conn, &counters::stamp_of(&wanted))?, store::list_all_scores(conn, &wanted)?))).await?;
        let newest = scores.iter().map(|row| row.recorded_at).max();
        let Some(newest) = newest else {
            return Err(Error::Refused(vec![Violation::deny("IS-4", Text::new("no scores are recorded; there is nothing to publish", "尚无成绩，无可公示"))]));
        };
        let version = match session.publication {
            Some(earlier) if earlier.recorded_at >= newest => return self.answer_known(intent, &(earlier, false)).await,
            Some(earlier) => earlier.version + 1,
            None => 1,
        };
        let published_on = self.clock.today();
        let rules = &self.config.rules;
        let row = PublicationRow {
            session_id: id.to_string(),
            version,
            published_on,
            notice_ends_on: notice_ends_on(published_on, &self.catalogue().calendar, rules),
            notice_working_days: i32::try_from(rules.notice_working_days).unwrap_or(i32::MAX),
            // Clocks of two nodes may differ; the order of scores and publications must not.
            recorded_at: self.now_micros().max(newest),
            recorded_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &(row.clone(), true));
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                tx.move_stamp_from(&row.session_id, stamp)?;
                store::insert_publication(tx.conn, &row)?;
                tx.record(Fact::of(Some(&body), &row)?);
                Ok(())
            })
            .await?;
        self.forget_session(id.as_str());
        Ok(answer)
    }
}
