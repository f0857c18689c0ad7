//! Issuing: gather, ask the rules, reserve, compose, check, sign, write.

use super::Registry;
use super::composing::IssuedInsert;
use super::error::Error;
use crate::domain::rule::invalid;
use super::intent::{Answer, Intent};
use super::numbering::number_taken;
use super::organisations::Body;
use super::results::scores_of;
use super::session_facts::SessionFacts;
use super::workers::Worker;
use crate::domain::access::{Act, Actor};
use crate::domain::certificate::CertificateState;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::filing::IssueTarget;
use crate::domain::id::{CertificateId, ClassId, OrganisationId, SessionId, WorkerId};
use crate::domain::issue::{AssessedFacts, IssueFacts, asks_for_held_levels, issue_findings};
use crate::domain::level::SkillLevel;
use crate::domain::occupation::Occupation;
use crate::domain::permit::permit_dates;
use crate::domain::rule::{Violation, decide};
use crate::domain::text::Text;
use crate::domain::verification::Outcome;
use crate::store::backend::Conn;
use crate::store::certificates::{self as store, Standing};
use crate::store::counters;
use crate::store::error::{Constraint, StoreError};
use crate::store::workers as worker_store;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A certificate to be issued.
#[derive(Debug, Clone)]
pub struct IssueOrder {
    pub worker: WorkerId,
    pub subject: IssueSubject,
    /// Today when absent.
    pub issued_on: Option<NaiveDate>,
    /// Chosen by the body; the next of its series when absent.
    pub certificate_number: Option<String>,
    pub form_serial: Option<String>,
    /// A revoked certificate that this one puts right (IS-7).
    pub cures: Option<CertificateId>,
}

/// How often an order is decided anew when another one came in between.
pub(super) const ROUNDS_MAX: usize = 8;

/// Whether a conflict is with another certificate, so that the order must be looked at again.
pub(super) fn is_met_by_another(constraint: Constraint) -> bool {
    matches!(constraint, Constraint::CertificateBusiness | Constraint::CertificateCure | Constraint::CertificateNumber)
}

impl IssueOrder {
    /// Why an order that met another certificate will never succeed; None when another round may.
    pub(super) fn refusal_of(&self, constraint: Constraint) -> Option<Error> {
        match constraint {
            Constraint::CertificateBusiness | Constraint::CertificateCure if self.cures.is_some() => {
                Some(Error::Conflict(Text::new("the revoked certificate has been put right already", "该被撤销证书已办理过补正")))
            }
            Constraint::CertificateNumber if self.certificate_number.is_some() => Some(number_taken()),
            _ => None,
        }
    }
}

/// An order without its worker, who is still to be found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderContent {
    pub subject: IssueSubject,
    pub issued_on: Option<NaiveDate>,
    pub certificate_number: Option<String>,
    pub form_serial: Option<String>,
    pub cures: Option<CertificateId>,
}

impl OrderContent {
    pub fn for_worker(self, worker: WorkerId) -> IssueOrder {
        let OrderContent { subject, issued_on, certificate_number, form_serial, cures } = self;
        IssueOrder { worker, subject, issued_on, certificate_number, form_serial, cures }
    }
}

/// What the certificate is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssueSubject {
    Assessed { session: SessionId },
    Completion {
        project: String,
        taught_minutes: Option<i32>,
        /// The class that it follows from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<ClassId>,
    },
    Permit { category: String, item: String, valid_to: Option<NaiveDate>, review_due_on: Option<NaiveDate> },
}

impl IssueSubject {
    /// The kind that decides who may issue it; an assessment's own kind stands in its session.
    pub fn kind(&self) -> CertificateKind {
        match self {
            IssueSubject::Assessed { .. } => CertificateKind::SkillLevel,
            IssueSubject::Completion { .. } => CertificateKind::TrainingCompletion,
            IssueSubject::Permit { .. } => CertificateKind::SpecialOperation,
        }
    }
}

/// What is kept of a certificate's content beside the sealed document; no personal data.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// As printed; masked where the number discloses an identity number.
    pub certificate_number: String,
    pub occupation: Option<String>,
    pub occupation_name: Option<String>,
    pub job_type: Option<String>,
    pub level: Option<String>,
    pub ability: Option<String>,
    pub project: Option<String>,
    pub taught_minutes: Option<i32>,
    pub category: Option<String>,
    pub item: Option<String>,
    pub held_on: Option<NaiveDate>,
    pub theory: Option<i32>,
    pub practical: Option<i32>,
    pub comprehensive: Option<i32>,
}

/// The holder as printed; sealed with the version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    pub name: String,
    pub document_type: String,
    pub document_number: String,
}

/// A certificate ready to be written, or one that stands already.
#[derive(Debug, Clone)]
pub struct IssuedCertificate {
    pub standing: Standing,
    pub holder: Holder,
    pub facts: CertificateFacts,
    pub issuer_name: String,
    /// How this version stands on the day of the answer.
    pub outcome: Outcome,
    pub warnings: Vec<Violation>,
    pub is_new: bool,
}

/// What was read before deciding.
pub(super) struct Gathered {
    pub session: Option<Arc<SessionFacts>>,
    pub worker: Worker,
    pub held: Vec<CertificateFacts>,
    pub existing: Option<Standing>,
}

impl Gathered {
    /// The stamp of the session, 0 without one.
    fn session_stamp(&self) -> i64 {
        self.session.as_ref().map_or(0, |session| session.stamp)
    }
}

/// A decision to issue, with everything it rests on.
pub(super) struct Decision {
    pub body: Arc<Body>,
    pub gathered: Gathered,
    pub subject: Subject,
    /// Place of the filing that gives the right, among the body's.
    pub filing: usize,
    pub warnings: Vec<Violation>,
}

impl Decision {
    /// Of the body and of the session.
    pub fn stamps(&self) -> (i64, i64) {
        (self.body.stamp, self.gathered.session_stamp())
    }
}

/// What a request to issue comes to.
enum Decided {
    /// The fact has its certificate already.
    Exists(Box<Standing>, Arc<Body>),
    Issue(Box<Decision>),
}

/// What the decision was made on, in terms of the field.
pub(super) struct Subject {
    pub kind: CertificateKind,
    occupation: Option<Occupation>,
    occupation_name: Option<String>,
    pub level: Option<SkillLevel>,
    pub facts: CertificateFacts,
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    pub session: Option<SessionId>,
}

impl Registry {
    /// Issues one certificate of the actor's own body. One assessment gives one certificate: asking again returns it.
    pub async fn issue_certificate(&self, actor: &Actor, order: IssueOrder, intent: &Intent<IssuedCertificate>) -> Result<Answer, Error> {
        let issuer = self.authorise_issue(actor, &order)?;
        // A serial that a body chose itself may be met by the series; the next one is taken instead.
        for _ in 0..ROUNDS_MAX {
            let decision = match self.decide(&issuer, &order).await? {
                Decided::Issue(decision) => *decision,
                Decided::Exists(existing, body) => return self.answer_known(intent, &self.open_issued(*existing, body.name.clone())?).await,
            };
            let cured = self.check_cure(&order, &issuer).await?;
            let (stamps, taken) = (decision.stamps(), self.take_for(&order, &decision).await?);
            let (issued, signed) = self.compose(actor.client.as_str(), &order, decision, cured.as_ref(), taken)?;
            let (answer, kept) = self.answer(intent, &issued);
            let insert = IssuedInsert::new(issued.standing, &issuer, stamps, signed, Some(kept), &self.entropy)?;
            match self.store.write(move |tx| insert.run(tx)).await {
                Ok(()) => return Ok(answer),
                // Somebody changed what this was decided on: the body, its filing, the scores or the notice. Decide anew.
                Err(StoreError::Stale) => {
                    self.forget_basis(&issuer, &order);
                    // Or a new key has taken over.
                    self.refresh_keys().await?;
                }
                // Otherwise the fact has its certificate since a moment, which the next round finds, or the next number is free.
                Err(StoreError::Conflict(constraint)) if is_met_by_another(constraint) => order.refusal_of(constraint).map_or(Ok(()), Err)?,
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Unavailable(Text::new("no free number was found in eight tries", "连续八次未取得可用编号")))
    }

    /// What issuing would say, without issuing: warnings, or every violation.
    pub async fn check_issue(&self, actor: &Actor, order: &IssueOrder) -> Result<Vec<Violation>, Error> {
        let issuer = self.authorise_issue(actor, order)?;
        loop {
            match self.decide(&issuer, order).await? {
                Decided::Exists(..) => return Ok(Vec::new()),
                // Nothing is written that would compare the stamps.
                Decided::Issue(decision) if self.is_basis_current(&decision.body, &decision.gathered).await? => return self.check_cure(order, &issuer).await.map(|_| decision.warnings),
                Decided::Issue(_) => self.forget_basis(&issuer, order),
            }
        }
    }

    fn authorise_issue(&self, actor: &Actor, order: &IssueOrder) -> Result<OrganisationId, Error> {
        let issuer = self.own_organisation(actor)?;
        self.authorise(actor, Act::IssueCertificate { issuer: &issuer, kind: order.subject.kind() })?;
        Ok(issuer)
    }

    /// Gathers and asks the rules. A refusal on remembered facts counts only if they are still the facts.
    async fn decide(&self, issuer: &OrganisationId, order: &IssueOrder) -> Result<Decided, Error> {
        loop {
            let body = self.get_body(issuer).await?;
            let gathered = self.gather(issuer, order).await?;
            if let Some(existing) = gathered.existing.clone().filter(|_| order.cures.is_none()) {
                return Ok(Decided::Exists(Box::new(existing), body));
            }
            match self.decide_issue(&body, order, &gathered) {
                Ok((subject, filing, warnings)) => return Ok(Decided::Issue(Box::new(Decision { body, gathered, subject, filing, warnings }))),
                Err(refusal) if self.is_basis_current(&body, &gathered).await? => return Err(refusal),
                Err(_) => self.forget_basis(issuer, order),
            }
        }
    }

    pub(super) async fn is_basis_current(&self, body: &Body, gathered: &Gathered) -> Result<bool, Error> {
        let (body_id, session_id) = (body.organisation.to_string(), gathered.session.as_ref().map(|session| session.row.id.clone()));
        let read = move |conn: &mut Conn| {
            let body = counters::read_stamp(conn, &counters::stamp_of(&body_id))?;
            Ok((body, session_id.map_or(Ok(0), |id| counters::read_stamp(conn, &counters::stamp_of(&id)))?))
        };
        Ok(self.store.read(read).await? == (body.stamp, gathered.session_stamp()))
    }

    pub(super) fn forget_basis(&self, issuer: &OrganisationId, order: &IssueOrder) {
        self.forget_body(issuer);
        if let IssueSubject::Assessed { session } = &order.subject {
            self.forget_session(session.as_str());
        }
    }

    /// Everything that the rules look at: the session from memory, the worker's in three statements.
    async fn gather(&self, issuer: &OrganisationId, order: &IssueOrder) -> Result<Gathered, Error> {
        let session = match &order.subject {
            IssueSubject::Assessed { session } => {
                // A session of another body does not exist for this one.
                let own = self.session_facts(session).await?.filter(|facts| facts.row.organisation_id == issuer.as_str());
                Some(own.ok_or_else(|| Error::invalid("session_id", Text::new("no such session of this body", "本机构没有该场次")))?)
            }
            IssueSubject::Completion { .. } | IssueSubject::Permit { .. } => None,
        };
        let (worker_id, needs_held) = (order.worker.to_string(), needs_held_levels(session.as_deref())?);
        let business = self.business_key(issuer, order, 0);
        let found = self
            .store
            .read_snapshot(move |conn| {
                let existing = store::find_by_business(conn, &business)?;
                let Some((row, name, documents)) = worker_store::find_worker(conn, &worker_id)? else { return Ok(None) };
                let held = if needs_held { store::list_level_facts_of_worker(conn, &worker_id)? } else { Vec::new() };
                Ok(Some((row, name, documents, held, existing)))
            })
            .await?;
        let (row, name, documents, held, existing) = found.ok_or_else(|| Error::invalid("worker_id", Text::new("no such worker", "没有该劳动者")))?;
        Ok(Gathered { worker: self.open_worker(&row, &name, &documents)?, held: held.iter().map(|text| super::stored_json(text)).collect::<Result<_, _>>()?, session, existing })
    }

    /// What may exist only once. Behind the `@` stand what a cure may change: the day, and the ordinal of the cure.
    pub(super) fn business_key(&self, issuer: &OrganisationId, order: &IssueOrder, cure_ordinal: i32) -> String {
        let issued_on = order.issued_on.unwrap_or_else(|| self.clock.today());
        format!("{}@{}/{cure_ordinal}", business_base(issuer, order), if matches!(order.subject, IssueSubject::Assessed { .. }) { String::new() } else { issued_on.to_string() })
    }

    /// Asks the rules: a subject, the place of the filing that gives the right, and the warnings; or every violation.
    pub(super) fn decide_issue(&self, body: &Body, order: &IssueOrder, gathered: &Gathered) -> Result<(Subject, usize, Vec<Violation>), Error> {
        let today = self.clock.today();
        let issued_on = order.issued_on.unwrap_or(today);
        let subject = self.subject_of(order, gathered, issued_on)?;
        let assessed = match &gathered.session {
            None => None,
            Some(session) => {
                let (candidate, scores) = session.candidates.get(order.worker.as_str()).ok_or_else(|| Error::invalid("worker_id", Text::new("the worker is not a candidate of this session", "该劳动者不是本场次考生")))?;
                // Scores that came after the publication were never shown for objections.
                let publication = session.publication.as_ref().filter(|row| scores.as_ref().is_none_or(|scores| scores.recorded_at <= row.recorded_at));
                Some(AssessedFacts {
                    scores: scores.as_ref().map(scores_of),
                    employment: super::stored(&candidate.employment)?,
                    notice_ends_on: publication.map(|row| row.notice_ends_on),
                    held_on: session.row.held_on,
                })
            }
        };
        let occupation_text = subject.occupation.as_ref().map(ToString::to_string);
        let held_levels: Vec<SkillLevel> = gathered.held.iter().filter(|facts| facts.occupation.is_some() && facts.occupation == occupation_text).filter_map(|facts| facts.level.as_deref()?.parse().ok()).collect();
        let catalogue = self.catalogue();
        let facts = IssueFacts {
            target: IssueTarget { kind: subject.kind, occupation: subject.occupation.as_ref(), level: subject.level, ability: subject.facts.ability.as_deref() },
            issuer_state: body.state,
            filings: &body.filings,
            assessed,
            holder_birth: gathered.worker.birth(),
            held_levels: &held_levels,
            is_entry_class: subject.occupation_name.as_deref().is_some_and(|name| catalogue.is_entry_class(name, issued_on)),
            is_professional_occupation: subject.occupation.as_ref().is_some_and(|occupation| occupation.code.is_professional()),
            issued_on,
            today,
        };
        let (filing, mut findings) = issue_findings(&facts, &self.config.rules);
        if let (Some(filing), Some(text)) = (filing, &order.certificate_number) {
            findings.extend(self.number_findings(filing, &subject, text, issued_on));
        }
        let place = filing.and_then(|found| body.filings.iter().position(|known| known.filing == found.filing && known.version == found.version));
        let warnings = decide(findings).map_err(Error::Refused)?;
        let filing = place.ok_or_else(|| Error::Internal("a decision without a filing".to_owned()))?;
        Ok((subject, filing, warnings))
    }

    fn subject_of(&self, order: &IssueOrder, gathered: &Gathered, issued_on: NaiveDate) -> Result<Subject, Error> {
        let empty = |kind| Subject { kind, occupation: None, occupation_name: None, level: None, facts: CertificateFacts::default(), valid_to: None, review_due_on: None, session: None };
        match &order.subject {
            IssueSubject::Assessed { session: id } => {
                let facts = gathered.session.as_ref().ok_or_else(|| Error::Internal("a session was not gathered".to_owned()))?;
                let session = &facts.row;
                let scores = facts.candidates.get(order.worker.as_str()).and_then(|(_, scores)| scores.as_ref());
                let mut subject = empty(super::stored(&session.kind)?);
                subject.session = Some(id.clone());
                if let (Some(edition), Some(code)) = (&session.occupation_edition, &session.occupation_code) {
                    let occupation: Occupation = super::stored(&format!("{edition}/{code}"))?;
                    subject.occupation_name = self.catalogue().find_occupation_name(&occupation, issued_on);
                    subject.facts.occupation = Some(occupation.to_string());
                    subject.facts.occupation_name = subject.occupation_name.clone();
                    subject.occupation = Some(occupation);
                }
                subject.level = session.level.as_deref().map(super::stored).transpose()?;
                subject.facts.job_type = session.job_type.clone();
                subject.facts.level = session.level.clone();
                subject.facts.ability = session.ability.clone();
                subject.facts.held_on = Some(session.held_on);
                if let Some(scores) = scores {
                    (subject.facts.theory, subject.facts.practical, subject.facts.comprehensive) = (scores.theory_tenths, scores.practical_tenths, scores.comprehensive_tenths);
                }
                Ok(subject)
            }
            IssueSubject::Completion { project, taught_minutes, .. } => {
                let mut subject = empty(CertificateKind::TrainingCompletion);
                subject.facts.project = Some(project.clone());
                subject.facts.taught_minutes = *taught_minutes;
                Ok(subject)
            }
            IssueSubject::Permit { category, item, valid_to, review_due_on } => {
                let dates = permit_dates(issued_on, &self.config.rules);
                let mut subject = empty(CertificateKind::SpecialOperation);
                let known = self.catalogue().list_on("special_operations", issued_on).is_some_and(|list| list.entries.iter().any(|entry| entry.member("category_zh") == category));
                if !known {
                    return Err(Error::invalid("category", Text::new("a category that is not in the catalogue list special_operations found", "作业类别不在目录中")));
                }
                subject.facts.category = Some(category.clone());
                subject.facts.item = Some(item.clone());
                // The printed dates count where there are any (IS-10).
                subject.valid_to = Some(valid_to.unwrap_or(dates.valid_to));
                subject.review_due_on = Some(review_due_on.unwrap_or(dates.review_due_on));
                if subject.valid_to < Some(issued_on) {
                    return Err(Error::invalid("valid_to", Text::new("the last valid day lies before the day of issue", "有效期止早于签发日")));
                }
                Ok(subject)
            }
        }
    }

    /// The certificate that is put right must be a revoked one of the same body (IS-7).
    pub(super) async fn check_cure(&self, order: &IssueOrder, issuer: &OrganisationId) -> Result<Option<Standing>, Error> {
        let Some(cures) = &order.cures else { return Ok(None) };
        let wanted = cures.to_string();
        let found = self.store.read(move |conn| store::find_by_id(conn, &wanted)).await?;
        // It cures the same assessment, permit or completion, not another one.
        let base = business_base(issuer, order);
        let found = found.filter(|(row, ..)| row.issuer_id == issuer.as_str() && row.business_key.rsplit_once('@').is_some_and(|(of_cured, _)| of_cured == base));
        let standing = found.ok_or_else(|| Error::invalid("cures", Text::new("no such certificate of this body, worker and subject", "本机构没有该劳动者此项内容的证书")))?;
        if standing.2.state != CertificateState::Revoked.as_str() {
            let state = &standing.2.state;
            let detail = Text::new(format!("the certificate is {state}, revoked expected"), format!("证书状态为 {state}，应为 revoked"));
            return Err(Error::Refused(vec![Violation::deny("IS-7", detail).at("cures").fact("state", state)]));
        }
        Ok(Some(standing))
    }
}

/// Whether a session's certificates depend on the levels that their holders already have.
pub(super) fn needs_held_levels(session: Option<&SessionFacts>) -> Result<bool, Error> {
    let level = session.and_then(|session| session.row.level.as_deref()).map(super::stored).transpose()?;
    Ok(asks_for_held_levels(level))
}

/// What a certificate is about, without the day and the ordinal of its cure.
fn business_base(issuer: &OrganisationId, order: &IssueOrder) -> String {
    let worker = &order.worker;
    match &order.subject {
        IssueSubject::Assessed { session } => format!("session/{session}/{worker}"),
        // Everybody of a class stands together in the index.
        IssueSubject::Completion { class: Some(class), .. } => format!("completion/{issuer}/{class}/{worker}"),
        IssueSubject::Completion { project, .. } => format!("completion/{issuer}/{project}/{worker}"),
        IssueSubject::Permit { category, item, .. } => format!("permit/{worker}/{category}/{item}"),
    }
}

/// Fault of a request that names members of another kind of certificate.
pub fn foreign_member(field: &str, kind: CertificateKind) -> Violation {
    invalid(field, Text::new(format!("not expected for {}", kind.as_str()), format!("{}不应填写此项", kind.name_zh())))
}
