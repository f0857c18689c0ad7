//! Filings: which certificates a body may issue, for what, from when to when (SV-1, IS-1).

use super::certificate_kind::CertificateKind;
use super::id::FilingId;
use super::level::SkillLevel;
use super::occupation::Occupation;
use super::organisation::names;
use super::rule::Violation;
use super::text::Text;
use chrono::NaiveDate;

/// Whom an assessment body may assess; its letter stands first in skill level numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// 用人单位: its own staff, letter `Y`.
    EmployerBody,
    /// 社会培训评价组织: the public, letter `S`.
    SocialAssessmentBody,
}

names!(BodyKind {
    EmployerBody => "employer_body",
    SocialAssessmentBody => "social_assessment_body",
});

impl BodyKind {
    pub fn letter(self) -> char {
        match self {
            BodyKind::EmployerBody => 'Y',
            BodyKind::SocialAssessmentBody => 'S',
        }
    }
}

/// One occupation of a filing with the levels that it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiledOccupation {
    pub occupation: Occupation,
    pub levels: Vec<SkillLevel>,
}

/// One version of a filing. A change of scope is a new version; no version is ever edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilingVersion {
    pub filing: FilingId,
    /// 1 for the first.
    pub version: i32,
    pub body_kind: BodyKind,
    pub kinds: Vec<CertificateKind>,
    pub occupations: Vec<FiledOccupation>,
    /// Specific abilities by their names.
    pub abilities: Vec<String>,
    /// What the labour authority assigns: 13 characters for skill level numbers, 8 digits for qualification numbers.
    pub number_prefix: Option<String>,
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
}

/// What a body wants to certify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IssueTarget<'a> {
    pub kind: CertificateKind,
    pub occupation: Option<&'a Occupation>,
    pub level: Option<SkillLevel>,
    pub ability: Option<&'a str>,
}

impl FilingVersion {
    fn covers(&self, target: &IssueTarget<'_>) -> bool {
        if !self.kinds.contains(&target.kind) {
            return false;
        }
        match target.kind {
            CertificateKind::VocationalQualification | CertificateKind::SkillLevel => {
                let (Some(occupation), Some(level)) = (target.occupation, target.level) else { return false };
                self.occupations.iter().any(|filed| &filed.occupation == occupation && filed.levels.contains(&level))
            }
            CertificateKind::SpecificAbility => target.ability.is_some_and(|ability| self.abilities.iter().any(|filed| filed == ability)),
            CertificateKind::TrainingCompletion | CertificateKind::SpecialOperation => true,
        }
    }
}

/// The version of each filing that counts on `day`: the newest whose first day has come.
pub fn versions_on<'a>(filings: impl IntoIterator<Item = &'a FilingVersion>, day: NaiveDate) -> Vec<&'a FilingVersion> {
    let mut newest: Vec<&FilingVersion> = Vec::new();
    for version in filings.into_iter().filter(|version| version.valid_from <= day) {
        match newest.iter_mut().find(|known| known.filing == version.filing) {
            Some(known) if known.version < version.version => *known = version,
            Some(_) => {}
            None => newest.push(version),
        }
    }
    newest
}

/// IS-1: the filing that gives the right to issue on `day`.
///
/// # Errors
/// The violation names what the active filings cover instead.
pub fn right_to_issue<'a>(filings: impl IntoIterator<Item = &'a FilingVersion>, target: &IssueTarget<'_>, day: NaiveDate) -> Result<&'a FilingVersion, Violation> {
    let current = versions_on(filings, day);
    let active: Vec<_> = current.iter().copied().filter(|version| day <= version.valid_to).collect();
    if let Some(version) = active.iter().copied().find(|version| version.covers(target)) {
        return Ok(version);
    }
    let wanted = describe(target);
    let (en, zh) = if active.is_empty() {
        match current.iter().map(|version| version.valid_to).max() {
            Some(ended) => (format!("the last filing ended on {ended}; {day} is after it"), format!("最近一次备案已于 {ended} 到期，{day} 在其后")),
            None => (format!("no filing is in force on {day}"), format!("{day} 没有有效备案")),
        }
    } else {
        (format!("no filing in force on {day} covers {wanted}"), format!("{day} 的有效备案不包含 {wanted}"))
    };
    Err(Violation::deny("IS-1", Text::new(en, zh)).fact("issued_on", day).fact("wanted", wanted).fact("active_filings", active.len()))
}

fn describe(target: &IssueTarget<'_>) -> String {
    let mut parts = vec![target.kind.as_str().to_owned()];
    parts.extend(target.occupation.map(ToString::to_string));
    parts.extend(target.level.map(|level| level.as_str().to_owned()));
    parts.extend(target.ability.map(str::to_owned));
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn electrician() -> Occupation {
        "2022/6-31-01-03".parse().unwrap()
    }

    fn filing(version: i32, from: &str, to: &str, levels: &[SkillLevel]) -> FilingVersion {
        FilingVersion {
            filing: FilingId::new(1, 1),
            version,
            body_kind: BodyKind::SocialAssessmentBody,
            kinds: vec![CertificateKind::SkillLevel],
            occupations: vec![FiledOccupation { occupation: electrician(), levels: levels.to_vec() }],
            abilities: vec![],
            number_prefix: Some("S000032000001".into()),
            valid_from: day(from),
            valid_to: day(to),
        }
    }

    const FIVE_TO_THREE: &[SkillLevel] = &[SkillLevel::Level5, SkillLevel::Level4, SkillLevel::Level3];

    fn may_issue(filings: &[FilingVersion], on: &str, level: SkillLevel) -> bool {
        let occupation = electrician();
        let target = IssueTarget { kind: CertificateKind::SkillLevel, occupation: Some(&occupation), level: Some(level), ability: None };
        right_to_issue(filings, &target, day(on)).is_ok()
    }

    #[test]
    fn the_worked_examples_of_is_1_hold() {
        let filings = [filing(1, "2022-03-01", "2025-02-28", FIVE_TO_THREE)];
        assert!(may_issue(&filings, "2025-02-28", SkillLevel::Level3));
        assert!(!may_issue(&filings, "2025-03-01", SkillLevel::Level3));
        assert!(!may_issue(&filings, "2024-01-01", SkillLevel::Level2));
        assert!(may_issue(&filings, "2022-03-01", SkillLevel::Level5));
        assert!(!may_issue(&filings, "2022-02-28", SkillLevel::Level5));
    }

    #[test]
    fn a_narrower_version_ends_what_the_older_one_allowed() {
        let filings = [filing(1, "2022-03-01", "2025-02-28", FIVE_TO_THREE), filing(2, "2024-01-01", "2025-02-28", &[SkillLevel::Level5])];
        assert!(may_issue(&filings, "2023-12-31", SkillLevel::Level3));
        assert!(!may_issue(&filings, "2024-01-01", SkillLevel::Level3));
        assert!(may_issue(&filings, "2024-01-01", SkillLevel::Level5));
    }

    #[test]
    fn the_same_code_of_another_edition_is_not_covered() {
        let filings = [filing(1, "2022-03-01", "2025-02-28", FIVE_TO_THREE)];
        let other: Occupation = "2015/6-31-01-03".parse().unwrap();
        let target = IssueTarget { kind: CertificateKind::SkillLevel, occupation: Some(&other), level: Some(SkillLevel::Level3), ability: None };
        assert_eq!(right_to_issue(&filings, &target, day("2024-01-01")).unwrap_err().rule, "IS-1");
    }
}
