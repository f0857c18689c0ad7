//! May this body give this worker this certificate on this day? Rules IS-1 to IS-9, all of them at once.

use super::assessment::{Scores, notice_findings, pass_findings};
use super::certificate_kind::CertificateKind;
use super::filing::{BodyKind, FilingVersion, IssueTarget, right_to_issue};
use super::level::SkillLevel;
use super::organisation::{OrganisationState, names};
use super::permit;
use super::rule::{RuleOutcome, Violation};
use super::settings::RuleSettings;
use super::text::Text;
use chrono::NaiveDate;

/// How a candidate is tied to an employer body (IS-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Employment {
    /// The body's own employee.
    Employee,
    /// Employed by an agency, working for the body.
    DispatchedWorker,
    /// Neither.
    Outside,
}

names!(Employment {
    Employee => "employee",
    DispatchedWorker => "dispatched_worker",
    Outside => "outside",
});

impl Employment {
    /// What a clerk calls it.
    pub fn name(self) -> Text {
        match self {
            Employment::Employee => Text::new("own employee", "本单位职工"),
            Employment::DispatchedWorker => Text::new("agency worker", "劳务派遣人员"),
            Employment::Outside => Text::new("from outside", "社会人员"),
        }
    }

    /// Reads a code, or its Chinese name as a clerk writes it in a table.
    pub fn of_cell(text: &str) -> Option<Self> {
        Employment::ALL.iter().copied().find(|known| known.as_str() == text.trim() || known.name().zh == text.trim())
    }
}

/// What the assessment session says of one candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssessedFacts {
    pub scores: Option<Scores>,
    pub employment: Employment,
    pub notice_ends_on: Option<NaiveDate>,
    pub held_on: NaiveDate,
}

/// Everything the rules look at.
#[derive(Debug)]
pub struct IssueFacts<'a> {
    pub target: IssueTarget<'a>,
    pub issuer_state: OrganisationState,
    pub filings: &'a [FilingVersion],
    /// None for kinds that need no session.
    pub assessed: Option<AssessedFacts>,
    pub holder_birth: Option<NaiveDate>,
    /// Levels that the worker already holds in the same occupation.
    pub held_levels: &'a [SkillLevel],
    /// Whether the occupation is an entry-class item of the qualification catalogue on the day of issue.
    pub is_entry_class: bool,
    pub is_professional_occupation: bool,
    pub issued_on: NaiveDate,
    pub today: NaiveDate,
}

/// Every finding on an intended certificate, warnings included. The right to issue comes back as the filing version that gives it.
pub fn issue_findings<'a>(facts: &IssueFacts<'a>, settings: &RuleSettings) -> (Option<&'a FilingVersion>, Vec<Violation>) {
    let mut findings = Vec::new();
    let filing = match right_to_issue(facts.filings, &facts.target, facts.issued_on) {
        Ok(filing) => Some(filing),
        Err(violation) => {
            findings.push(violation);
            None
        }
    };
    findings.extend(issuer_findings(facts.issuer_state));
    findings.extend(date_findings(facts, settings));
    if let (Some(assessed), true) = (&facts.assessed, facts.target.kind.is_assessed()) {
        findings.extend(staff_findings(filing, assessed.employment));
        findings.extend(pass_findings(assessed.scores.as_ref(), facts.target.level, settings));
        findings.extend(notice_findings(assessed.notice_ends_on, facts.issued_on));
    }
    if facts.target.kind == CertificateKind::SpecialOperation {
        findings.extend(permit::holder_findings(facts.holder_birth, facts.issued_on));
    }
    findings.extend(sequence_findings(facts));
    findings.extend(entry_class_findings(facts));
    (filing, findings)
}

/// SV-6: after exit, or while suspended, a body issues nothing, corrects nothing and prints no faces. What it issued stays, in every form.
pub fn issuer_findings(state: OrganisationState) -> Option<Violation> {
    (state != OrganisationState::Active).then(|| {
        let state = state.as_str();
        Violation::deny("SV-6", Text::new(format!("the issuing body is {state}, active expected"), format!("评价机构状态为 {state}，应为 active"))).fact("state", state)
    })
}

/// IS-1 is judged on the day of issue, so that day must be an honest one: neither in the future nor set back.
fn date_findings(facts: &IssueFacts<'_>, settings: &RuleSettings) -> Option<Violation> {
    // A permit is recorded from the emergency authority's paper, whose date has passed already.
    let is_recorded = facts.target.kind == CertificateKind::SpecialOperation;
    let days_back = (facts.today - facts.issued_on).num_days();
    let is_honest = days_back >= 0 && (is_recorded || days_back <= i64::from(settings.issue_backdate_days_max));
    (!is_honest).then(|| {
        let (issued_on, today) = (facts.issued_on, facts.today);
        let detail = Text::new(format!("issue date {issued_on} found, {today} expected"), format!("签发日期为 {issued_on}，应为 {today}"));
        Violation::deny("IS-1", detail).at("issued_on").fact("issued_on", issued_on).fact("today", today)
    })
}

/// IS-2: an employer body certifies its own and its dispatched staff only.
fn staff_findings(filing: Option<&FilingVersion>, employment: Employment) -> Option<Violation> {
    let is_employer_body = filing.is_some_and(|filing| filing.body_kind == BodyKind::EmployerBody);
    (is_employer_body && employment == Employment::Outside).then(|| {
        let detail = Text::new("an employer body certifies only its own or dispatched staff; the candidate is recorded as neither", "用人单位只能评价本单位职工或劳务派遣人员，该考生未登记为其中之一");
        Violation::deny("IS-2", detail).fact("body_kind", BodyKind::EmployerBody.as_str()).fact("employment", employment.as_str())
    })
}

/// Whether IS-8 looks at the levels that a worker already holds: only above the first one.
pub fn asks_for_held_levels(level: Option<SkillLevel>) -> bool {
    level.is_some_and(|level| level > SkillLevel::Level5)
}

/// IS-8: a missing lower level is worth a warning, no more; the standards list other routes.
fn sequence_findings(facts: &IssueFacts<'_>) -> Option<Violation> {
    let level = facts.target.level.filter(|level| asks_for_held_levels(Some(*level)))?;
    let holds_level_below = facts.held_levels.iter().any(|held| held.rank() + 1 >= level.rank());
    (!holds_level_below).then(|| {
        let level = level.as_str();
        Violation::warn("IS-8", Text::new(format!("no certificate of the level below {level} is on record for this occupation"), format!("该职业没有低于 {level} 一级的证书记录"))).fact("level", level)
    })
}

/// IS-9 and the catalogue: entry-class items need a qualification; professionals of class 2 follow another scheme.
fn entry_class_findings(facts: &IssueFacts<'_>) -> Vec<Violation> {
    if facts.target.kind != CertificateKind::SkillLevel {
        return Vec::new();
    }
    let occupation = facts.target.occupation.map(ToString::to_string).unwrap_or_default();
    let mut findings = Vec::new();
    if facts.is_entry_class {
        let detail = Text::new(
            format!("{occupation} is an entry-class item of the qualification catalogue; a level certificate needs the authority's review"),
            format!("{occupation} 属于国家职业资格目录准入类，发放等级证书须经主管部门审核"),
        );
        findings.push(Violation::new("IS-9", RuleOutcome::NeedsReview, detail).at("occupation").fact("occupation", &occupation));
    }
    if facts.is_professional_occupation {
        let detail = Text::new(format!("{occupation} is a profession of major class 2, which has a scheme of its own"), format!("{occupation} 属于第二大类专业技术人员，另有评价办法"));
        findings.push(Violation::new("IS-9", RuleOutcome::NeedsReview, detail).at("occupation").fact("occupation", &occupation));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filing::FiledOccupation;
    use crate::domain::id::FilingId;
    use crate::domain::occupation::Occupation;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    struct Case {
        occupation: Occupation,
        filings: Vec<FilingVersion>,
        level: SkillLevel,
        kind: CertificateKind,
        change: fn(&mut IssueFacts<'_>),
    }

    fn case() -> Case {
        let occupation: Occupation = "2022/6-31-01-03".parse().unwrap();
        let filing = FilingVersion {
            filing: FilingId::new(1, 1),
            version: 1,
            body_kind: BodyKind::EmployerBody,
            kinds: vec![CertificateKind::SkillLevel, CertificateKind::VocationalQualification, CertificateKind::SpecialOperation],
            occupations: vec![FiledOccupation { occupation: occupation.clone(), levels: SkillLevel::ALL.to_vec() }],
            abilities: vec![],
            number_prefix: Some("Y000032000001".into()),
            valid_from: day("2022-03-01"),
            valid_to: day("2025-02-28"),
        };
        Case { occupation, filings: vec![filing], level: SkillLevel::Level5, kind: CertificateKind::SkillLevel, change: |_| {} }
    }

    impl Case {
        fn rules(&self) -> Vec<(&'static str, RuleOutcome)> {
            let mut facts = IssueFacts {
                target: IssueTarget { kind: self.kind, occupation: Some(&self.occupation), level: Some(self.level), ability: None },
                issuer_state: OrganisationState::Active,
                filings: &self.filings,
                assessed: Some(AssessedFacts {
                    scores: Some(Scores { theory: "80".parse().ok(), practical: "80".parse().ok(), comprehensive: "80".parse().ok() }),
                    employment: Employment::Employee,
                    notice_ends_on: Some(day("2024-03-08")),
                    held_on: day("2024-02-20"),
                }),
                holder_birth: Some(day("1900-01-01")),
                held_levels: &[],
                is_entry_class: false,
                is_professional_occupation: false,
                issued_on: day("2024-03-11"),
                today: day("2024-03-11"),
            };
            (self.change)(&mut facts);
            issue_findings(&facts, &RuleSettings::standard()).1.iter().map(|finding| (finding.rule, finding.outcome)).collect()
        }
    }

    #[test]
    fn a_clean_case_has_no_finding() {
        assert_eq!(case().rules(), []);
    }

    #[test]
    fn each_rule_answers_by_its_identifier() {
        use RuleOutcome::{Deny, NeedsReview, Warn};
        let cases: [(fn(&mut IssueFacts<'_>), &str, RuleOutcome); 9] = [
            (|facts| facts.filings = &[], "IS-1", Deny),
            (|facts| facts.today = "2024-03-12".parse().unwrap(), "IS-1", Deny),
            (|facts| facts.today = "2024-03-10".parse().unwrap(), "IS-1", Deny),
            (|facts| facts.assessed.as_mut().unwrap().employment = Employment::Outside, "IS-2", Deny),
            (|facts| facts.assessed.as_mut().unwrap().scores.as_mut().unwrap().theory = "59.9".parse().ok(), "IS-3", Deny),
            (|facts| facts.assessed.as_mut().unwrap().notice_ends_on = Some("2024-03-11".parse().unwrap()), "IS-4", Deny),
            (|facts| facts.is_entry_class = true, "IS-9", NeedsReview),
            (|facts| facts.issuer_state = OrganisationState::Exited, "SV-6", Deny),
            (|facts| facts.target.level = Some(SkillLevel::Level3), "IS-8", Warn),
        ];
        for (change, rule, outcome) in cases {
            assert_eq!(Case { change, ..case() }.rules(), [(rule, outcome)], "{rule}");
        }
    }

    #[test]
    fn every_violated_rule_is_listed_not_only_the_first() {
        let change: fn(&mut IssueFacts<'_>) = |facts| {
            facts.is_entry_class = true;
            let assessed = facts.assessed.as_mut().unwrap();
            assessed.scores = None;
            assessed.notice_ends_on = None;
            assessed.employment = Employment::Outside;
        };
        let rules: Vec<_> = Case { change, ..case() }.rules().into_iter().map(|(rule, _)| rule).collect();
        assert_eq!(rules, ["IS-2", "IS-3", "IS-4", "IS-9"]);
    }

    #[test]
    fn a_qualification_may_be_given_for_an_entry_class_item() {
        let qualified = Case { kind: CertificateKind::VocationalQualification, change: |facts| facts.is_entry_class = true, ..case() };
        assert_eq!(qualified.rules(), []);
    }

    #[test]
    fn a_dispatched_worker_is_staff_and_a_level_below_silences_the_warning() {
        let change: fn(&mut IssueFacts<'_>) = |facts| {
            facts.assessed.as_mut().unwrap().employment = Employment::DispatchedWorker;
            facts.target.level = Some(SkillLevel::Level3);
            facts.held_levels = &[SkillLevel::Level4];
        };
        assert_eq!(Case { change, ..case() }.rules(), []);
    }
}
