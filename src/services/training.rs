//! Training classes and their trainees.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::references::WorkerReference;
use crate::domain::access::{Act, Actor, READ_TRAINING, WRITE_TRAINING, holds_any, reaches_all};
use crate::domain::id::{ClassId, OrganisationId};
use crate::domain::level::SkillLevel;
use crate::domain::occupation::Occupation;
use crate::domain::organisation::OrganisationState;
use crate::domain::rule::{Violation, decide, invalid};
use crate::domain::text::Text;
use crate::domain::training::{ClassParticulars, ClassPlan, ClassType, EnrolmentParticulars, Method, ModuleKind, TraineeFacts, enrolment_findings, plan_faults, plan_findings};
use crate::domain::training_rules::TrainingRules;
use crate::store::backend::Conn;
use crate::store::counters;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::stretch::Stretch;
use crate::store::training::{self as store, AnnulmentRow, ClassResultRow, ClassRow, ClosingRow, EnrolmentRow};
use crate::store::workers as worker_store;
use chrono::NaiveDate;
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// Trainees of one class: as many as one closing names.
const TRAINEES_MAX: i64 = 10_000;

/// A class to be held.
#[derive(Debug, Clone)]
pub struct ClassOrder {
    pub class_type: ClassType,
    pub name: String,
    /// A line of the catalogue of training projects; a class without one cannot be subsidised.
    pub project_code: Option<String>,
    pub occupation: Option<Occupation>,
    pub level: Option<SkillLevel>,
    pub first_on: NaiveDate,
    pub last_on: NaiveDate,
    pub planned_theory_minutes: i32,
    pub planned_practical_minutes: i32,
    pub method: Method,
    pub site: Option<String>,
    pub modules: Vec<(ModuleKind, String, i32)>,
    /// Card numbers of the instructors.
    pub instructors: Vec<String>,
    pub particulars: ClassParticulars,
}

/// A class with where it stands.
#[derive(Debug, Clone)]
pub struct ClassView {
    pub row: ClassRow,
    pub trainees: i64,
    pub closing: Option<ClosingRow>,
    pub annulment: Option<AnnulmentRow>,
    pub warnings: Vec<Violation>,
    /// Grows with every change of trainees and with the closing.
    pub(super) stamp: i64,
}

/// A worker to be put on the list of a class.
#[derive(Debug, Clone)]
pub struct EnrolmentOrder {
    pub worker: WorkerReference,
    pub particulars: EnrolmentParticulars,
}

/// A class in the terms of the rules.
pub(super) struct OpenedClass {
    pub class_type: ClassType,
    pub level: Option<SkillLevel>,
    pub particulars: ClassParticulars,
}

impl OpenedClass {
    pub fn of(row: &ClassRow) -> Result<Self, Error> {
        Ok(OpenedClass { class_type: super::stored(&row.class_type)?, level: row.level.as_deref().map(super::stored).transpose()?, particulars: super::stored_json(&row.particulars)? })
    }

    pub fn plan<'a>(&'a self, row: &ClassRow) -> ClassPlan<'a> {
        ClassPlan {
            class_type: self.class_type,
            level: self.level,
            first_on: row.first_on,
            last_on: row.last_on,
            planned_theory_minutes: row.planned_theory_minutes,
            planned_practical_minutes: row.planned_practical_minutes,
            particulars: &self.particulars,
        }
    }
}

impl Registry {
    /// Registers a class of the actor's own organisation.
    pub async fn register_class(&self, actor: &Actor, mut order: ClassOrder, intent: &Intent<ClassView>) -> Result<Answer, Error> {
        let provider = self.own_organisation(actor)?;
        self.authorise(actor, Act::WriteTraining { provider: &provider })?;
        let mut findings = self.fill_from_project(&mut order)?;
        let plan = ClassPlan {
            class_type: order.class_type,
            level: order.level,
            first_on: order.first_on,
            last_on: order.last_on,
            planned_theory_minutes: order.planned_theory_minutes,
            planned_practical_minutes: order.planned_practical_minutes,
            particulars: &order.particulars,
        };
        let mut faults = plan_faults(&plan);
        if let Some(occupation) = &order.occupation
            && self.catalogue().find_occupation_name(occupation, order.first_on).is_none()
        {
            faults.push(invalid("occupation_code", Text::new(format!("{occupation} is not in the catalogue"), "职业不在目录中")));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        findings.extend(plan_findings(&plan, &self.catalogue().training_rules_on(order.first_on)));
        if self.get_body(&provider).await?.state != OrganisationState::Active {
            findings.push(Violation::deny("SV-6", Text::new("the organisation may not begin anything new", "该机构不得开展新业务")));
        }
        let warnings = decide(findings).map_err(Error::Refused)?;
        let row = self.new_class_row(order, &provider, actor);
        let view = ClassView { row: row.clone(), trainees: 0, closing: None, annulment: None, warnings, stamp: 0 };
        let (answer, kept) = self.answer(intent, &view);
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_class(tx.conn, &row)?;
                tx.record(Fact::of(Some(&provider), &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    fn new_class_row(&self, order: ClassOrder, provider: &OrganisationId, actor: &Actor) -> ClassRow {
        let modules: Vec<_> = order.modules.iter().map(|(kind, name, minutes)| json!({ "kind": kind.as_str(), "name": name, "minutes": minutes })).collect();
        ClassRow {
            id: self.new_id(ClassId::new).to_string(),
            organisation_id: provider.to_string(),
            class_type: order.class_type.as_str().to_owned(),
            name: order.name,
            project_code: order.project_code,
            occupation_edition: order.occupation.as_ref().map(|occupation| occupation.edition.clone()),
            occupation_code: order.occupation.as_ref().map(|occupation| occupation.code.to_string()),
            level: order.level.map(|level| level.as_str().to_owned()),
            first_on: order.first_on,
            last_on: order.last_on,
            planned_theory_minutes: order.planned_theory_minutes,
            planned_practical_minutes: order.planned_practical_minutes,
            method: order.method.as_str().to_owned(),
            site: order.site,
            modules: json!(modules).to_string(),
            instructors: json!(order.instructors).to_string(),
            particulars: json!(order.particulars).to_string(),
            registered_at: self.now_micros(),
            registered_by: actor.client.to_string(),
        }
    }

    /// Takes occupation and level from the project, and asks for its hours.
    fn fill_from_project(&self, order: &mut ClassOrder) -> Result<Vec<Violation>, Error> {
        let Some(code) = &order.project_code else { return Ok(Vec::new()) };
        let Some(project) = self.catalogue().find_entry("training_projects", code, order.first_on) else {
            return Err(Error::invalid("project_code", Text::new("no training project of this code is in force on the first day", "开班当日没有该编号的培训项目")));
        };
        let text = |name: &str| project.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        let (occupation, level): (Option<Occupation>, Option<SkillLevel>) =
            (format!("{}/{}", text("occupation_edition"), text("occupation_code")).parse().ok(), text("level").parse().ok());
        let mut faults = Vec::new();
        if order.occupation.is_some() && order.occupation != occupation {
            faults.push(invalid("occupation_code", Text::new("another occupation than the project's found; leave it away", "与培训项目的职业不一致，可不填")));
        }
        if order.level.is_some() && order.level != level {
            faults.push(invalid("level", Text::new("another level than the project's found; leave it away", "与培训项目的等级不一致，可不填")));
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        (order.occupation, order.level) = (occupation, level);
        let rules = self.catalogue().training_rules_on(order.first_on);
        let (hours, least) = (rules.hours_of(order.planned_theory_minutes + order.planned_practical_minutes), text("hours_min").parse().unwrap_or(0));
        // HR-2 speaks of the level by itself; the project may ask for more.
        Ok(if hours < least && hours >= rules.hours_min(level) {
            let detail = Text::new(format!("{hours} class hours planned, the project asks for at least {least}"), format!("计划 {hours} 课时，该项目不少于 {least} 课时"));
            vec![Violation::deny("HR-2", detail).at("planned_theory_minutes").fact("hours", hours).fact("hours_min", least)]
        } else {
            Vec::new()
        })
    }

    /// A class, for its own provider or for those who supervise; a foreign one does not exist.
    pub async fn get_class(&self, actor: &Actor, id: &ClassId) -> Result<ClassView, Error> {
        holds_any(actor, READ_TRAINING)?;
        let view = self.load_class(id).await?;
        self.authorise(actor, Act::ReadTraining { provider: &super::stored(&view.row.organisation_id)? })?;
        Ok(view)
    }

    /// A class that the actor may write.
    pub(super) async fn own_class(&self, actor: &Actor, id: &ClassId) -> Result<(ClassView, OrganisationId), Error> {
        holds_any(actor, WRITE_TRAINING)?;
        let view = self.load_class(id).await?;
        let provider: OrganisationId = super::stored(&view.row.organisation_id)?;
        self.authorise(actor, Act::WriteTraining { provider: &provider })?;
        Ok((view, provider))
    }

    pub(super) async fn load_class(&self, id: &ClassId) -> Result<ClassView, Error> {
        let wanted = id.to_string();
        let read = move |conn: &mut Conn| {
            // The stamp comes first: a change in between makes the view look older than it is, never newer.
            let stamp = counters::read_stamp(conn, &counters::stamp_of(&wanted))?;
            let Some(row) = store::find_class(conn, &wanted)? else { return Ok(None) };
            let (trainees, closing, annulment) = (store::count_enrolments(conn, &wanted)?, store::find_closing(conn, &wanted)?, store::find_annulment(conn, &wanted)?);
            Ok(Some(ClassView { row, trainees, closing, annulment, warnings: Vec::new(), stamp }))
        };
        self.store.read(read).await?.ok_or(Error::NotFound)
    }

    /// A page of classes: a provider sees its own, the authority all.
    pub async fn list_classes(&self, actor: &Actor, page: Stretch) -> Result<Vec<ClassRow>, Error> {
        holds_any(actor, READ_TRAINING)?;
        let owner = if reaches_all(actor, READ_TRAINING) { None } else { Some(self.own_organisation(actor)?) };
        Ok(self.store.read(move |conn| store::list_classes(conn, owner.as_ref().map(OrganisationId::as_str), &page)).await?)
    }

    pub async fn list_trainees(&self, actor: &Actor, id: &ClassId, after: Option<String>, limit: i64) -> Result<Vec<(EnrolmentRow, Option<ClassResultRow>)>, Error> {
        self.get_class(actor, id).await?;
        let wanted = id.to_string();
        Ok(self.store.read(move |conn| store::list_enrolments(conn, &wanted, after.as_deref(), limit)).await?)
    }

    /// Puts workers on the list of a class, all or none, or only asks the rules. One who is on it already stays as they are.
    pub async fn enrol_trainees(&self, actor: &Actor, id: &ClassId, orders: &[EnrolmentOrder], reason: Option<&str>, is_dry_run: bool, intent: &Intent<(i64, i64)>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_enrol_trainees(actor, id, orders, reason, is_dry_run, intent).await).await
    }

    async fn try_enrol_trainees(&self, actor: &Actor, id: &ClassId, orders: &[EnrolmentOrder], reason: Option<&str>, is_dry_run: bool, intent: &Intent<(i64, i64)>) -> Result<Answer, Error> {
        let (class, provider) = self.own_class(actor, id).await?;
        refuse_closed(&class)?;
        let opened = OpenedClass::of(&class.row)?;
        let workers = self.resolve_workers(&orders.iter().map(|order| &order.worker).collect::<Vec<_>>(), "trainees").await?;
        let (wanted, ids, of, today) = (id.to_string(), workers.clone(), provider.to_string(), self.clock.today());
        let is_apprenticeship = opened.class_type == ClassType::NewTypeApprenticeship;
        let mentors = format!("mentors of {provider}");
        let mentor_stamp = counters::stamp_of(&mentors);
        let (present, found, apprentices, mentors_seen) = self
            .store
            .read_snapshot(move |conn| {
                let apprentices = if is_apprenticeship { store::list_apprentice_particulars(conn, &of, today)? } else { Vec::new() };
                // The stamp is read in the same state as the list.
                Ok((store::list_trainees(conn, &wanted)?, worker_store::find_workers(conn, &ids)?, apprentices, counters::read_stamp(conn, &mentor_stamp)?))
            })
            .await?;
        let present: HashSet<String> = present.into_iter().collect();
        // Somebody who is on the list under another record is on the list.
        let workers = self.as_listed(workers, |worker| present.contains(worker)).await?;
        let rules = self.catalogue().training_rules_on(class.row.first_on);
        let (now, by) = (self.now_micros(), actor.client.to_string());
        let (mut rows, mut findings) = (Vec::new(), Vec::new());
        for (index, (worker_id, order)) in workers.into_iter().zip(orders).enumerate() {
            if present.contains(&worker_id) {
                continue;
            }
            let known = super::existing(found.get(&worker_id), "a worker that was found")?;
            let worker = self.open_worker(&known.0, &known.1, &known.2)?;
            let trainee = TraineeFacts { birth: worker.birth(), particulars: &order.particulars, has_reason: reason.is_some() };
            let of_this = enrolment_findings(&opened.plan(&class.row), &trainee, today, self.config.rules.worker_age_years_min);
            findings.extend(of_this.into_iter().map(|finding| {
                let field = finding.field.as_deref().map_or_else(|| format!("trainees[{index}]"), |field| if field == "reason" { field.to_owned() } else { format!("trainees[{index}].{field}") });
                finding.at(field)
            }));
            let particulars = serde_json::to_string(&order.particulars).map_err(|error| Error::Internal(error.to_string()))?;
            rows.push(EnrolmentRow { class_id: id.to_string(), worker_id, reason: reason.map(str::to_owned), particulars, enrolled_at: now, enrolled_by: by.clone() });
        }
        let added = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        if class.trainees + added > TRAINEES_MAX {
            findings.push(invalid("trainees", Text::new(format!("{} trainees found, at most {TRAINEES_MAX} in a class expected", class.trainees + added), format!("共 {} 人，每班最多 {TRAINEES_MAX} 人", class.trainees + added))));
        }
        if is_apprenticeship {
            findings.extend(apprenticeship_findings(class.trainees + added, &rows, &apprentices, &rules));
        }
        // One reason is missing for all of them: that is said once.
        findings.dedup_by(|one, other| one.field.as_deref() == Some("reason") && one.field == other.field);
        if !findings.is_empty() {
            return Err(if findings.iter().all(|finding| finding.rule == "FORM") { Error::Invalid(findings) } else { Error::Refused(findings) });
        }
        let result = (added, class.trainees + added);
        if is_dry_run {
            return self.answer_known(intent, &result).await;
        }
        let (answer, kept) = self.answer(intent, &result);
        let class_id = id.to_string();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                // Fails when the class was closed meanwhile.
                tx.move_stamp_from(&class_id, class.stamp)?;
                if is_apprenticeship {
                    // Another class of the provider may give the same mentors apprentices at this moment.
                    tx.move_stamp_from(&mentors, mentors_seen)?;
                }
                store::insert_enrolments(tx.conn, &rows)?;
                for row in &rows {
                    tx.record(Fact::of(Some(&provider), row)?);
                }
                Ok(())
            })
            .await
            .map_err(|error| match error {
                StoreError::Conflict(Constraint::ClassTrainee) => Error::Stale,
                other => other.into(),
            })?;
        Ok(answer)
    }
}

/// A class that is closed, or was declared false, takes nothing more.
pub(super) fn refuse_closed(class: &ClassView) -> Result<(), Error> {
    refuse_annulled(class)?;
    match &class.closing {
        None => Ok(()),
        Some(closing) => {
            let day = closing.closed_on;
            Err(Error::Refused(vec![Violation::deny("HR-6", Text::new(format!("the class was closed on {day}"), format!("培训班已于 {day} 结班"))).fact("closed_on", day)]))
        }
    }
}

pub(super) fn refuse_annulled(class: &ClassView) -> Result<(), Error> {
    match &class.annulment {
        None => Ok(()),
        Some(_) => Err(Error::Refused(vec![Violation::deny("CR-6", Text::new("the class was declared false", "该班已被认定为虚假培训"))])),
    }
}

/// HR-7: apprentices of a class and of each mentor, those of the provider's other classes included.
fn apprenticeship_findings(trainees: i64, added: &[EnrolmentRow], others: &[String], rules: &TrainingRules) -> Vec<Violation> {
    let mut findings = Vec::new();
    let most = rules.apprenticeship_class_max;
    if trainees > i64::from(most) {
        let detail = Text::new(format!("{trainees} apprentices found, at most {most} in a class expected"), format!("学徒 {trainees} 人，每班不超过 {most} 人"));
        findings.push(Violation::deny("HR-7", detail).at("trainees").fact("apprentices", trainees).fact("apprentices_max", most));
    }
    let mut by_mentor: HashMap<String, i32> = HashMap::new();
    for particulars in added.iter().map(|row| row.particulars.as_str()).chain(others.iter().map(String::as_str)) {
        let particulars: EnrolmentParticulars = serde_json::from_str(particulars).unwrap_or_default();
        if let Some(mentor) = particulars.mentor_number {
            *by_mentor.entry(mentor).or_default() += 1;
        }
    }
    let most = rules.mentor_apprentices_max;
    let mut burdened: Vec<(String, i32)> = by_mentor.into_iter().filter(|(_, apprentices)| *apprentices > most).collect();
    burdened.sort();
    findings.extend(burdened.into_iter().map(|(mentor, apprentices)| {
        let detail = Text::new(format!("mentor {mentor} has {apprentices} apprentices, at most {most} expected"), format!("导师 {mentor} 带徒 {apprentices} 人，不超过 {most} 人"));
        Violation::deny("HR-7", detail).at("trainees").fact("mentor", mentor).fact("apprentices", apprentices).fact("apprentices_max", most)
    }));
    findings
}
