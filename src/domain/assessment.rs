//! Assessment sessions: scores, the pass rule (IS-3), the panel (SV-2, SV-3) and the public notice (IS-4).

use super::calendar::WorkingCalendar;
use super::level::SkillLevel;
use super::organisation::names;
use super::rule::{Malformed, Violation};
use super::settings::RuleSettings;
use super::text::Text;
use chrono::NaiveDate;
use std::fmt;
use std::str::FromStr;

/// A score out of 100 with at most one decimal, kept in tenths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u16);

impl Score {
    pub fn from_tenths(tenths: i32) -> Option<Self> {
        u16::try_from(tenths).ok().filter(|tenths| *tenths <= 1000).map(Score)
    }

    pub fn tenths(self) -> i32 {
        i32::from(self.0)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(10) { write!(f, "{}", self.0 / 10) } else { write!(f, "{}.{}", self.0 / 10, self.0 % 10) }
    }
}

impl FromStr for Score {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed::new("a score from 0 to 100 with at most one decimal expected", "应为 0 至 100 的分数，最多一位小数");
        let text = text.trim();
        let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
        if whole.is_empty() || whole.len() > 3 || tenth.len() != 1 || !whole.bytes().chain(tenth.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(malformed());
        }
        let tenths = whole.parse::<i32>().map_err(|_| malformed())? * 10 + tenth.parse::<i32>().map_err(|_| malformed())?;
        Score::from_tenths(tenths).ok_or_else(malformed)
    }
}

/// What a candidate reached. A part that was not held is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scores {
    pub theory: Option<Score>,
    pub practical: Option<Score>,
    pub comprehensive: Option<Score>,
}

/// IS-3: theory and practical at least 60; levels 2 and above also the comprehensive review. One finding per part that fails.
pub fn pass_findings(scores: Option<&Scores>, level: Option<SkillLevel>, settings: &RuleSettings) -> Vec<Violation> {
    let Some(scores) = scores else {
        return vec![Violation::deny("IS-3", Text::new("no scores are recorded for this candidate", "该考生尚无成绩"))];
    };
    let mut parts = vec![("theory", "理论知识", scores.theory), ("practical", "操作技能", scores.practical)];
    if level.is_some_and(SkillLevel::needs_comprehensive_review) {
        parts.push(("comprehensive", "综合评审", scores.comprehensive));
    }
    let required = Score(settings.pass_score_tenths_min);
    parts
        .into_iter()
        .filter(|(_, _, score)| score.is_none_or(|score| score < required))
        .map(|(part, part_zh, score)| {
            let detail = match score {
                Some(score) => Text::new(format!("{part} {score} found, at least {required} expected"), format!("{part_zh} {score} 分，应不低于 {required} 分")),
                None => Text::new(format!("no {part} score found, at least {required} expected"), format!("缺少{part_zh}成绩，应不低于 {required} 分")),
            };
            let found = score.map_or_else(|| "none".to_owned(), |score| score.to_string());
            Violation::deny("IS-3", detail).at(part).fact("part", part).fact("found", found).fact("required", required)
        })
        .collect()
}

/// Grade of an assessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssessorGrade {
    Assessor,
    SeniorAssessor,
}

names!(AssessorGrade {
    Assessor => "assessor",
    SeniorAssessor => "senior_assessor",
});

/// One assessor of a panel, known by card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelMember {
    pub card_number: String,
    pub grade: AssessorGrade,
}

/// SV-2 and SV-3: size and grades of a panel.
pub fn panel_findings(panel: &[PanelMember], level: Option<SkillLevel>, settings: &RuleSettings) -> Vec<Violation> {
    let mut findings = Vec::new();
    let (count, least) = (panel.len(), settings.panel_members_min);
    if count < least || count.is_multiple_of(2) {
        let detail = Text::new(format!("{count} assessors found, an odd number of at least {least} expected"), format!("考评员 {count} 人，应为不少于 {least} 人的单数"));
        findings.push(Violation::deny("SV-3", detail).at("panel").fact("members", count).fact("members_min", least));
    }
    let mut cards: Vec<_> = panel.iter().map(|member| &member.card_number).collect();
    cards.sort();
    cards.dedup();
    if cards.len() < count {
        findings.push(Violation::deny("SV-3", Text::new("one assessor is named twice in the panel", "同一考评员重复出现")).at("panel"));
    }
    let juniors = panel.iter().filter(|member| member.grade == AssessorGrade::Assessor).count();
    if juniors > 0 && level.is_some_and(|level| level >= SkillLevel::Level2) {
        let detail = Text::new(
            format!("{juniors} members are assessors; levels 2 and above are assessed by senior assessors alone"),
            format!("{juniors} 人为考评员；二级及以上应由高级考评员考评"),
        );
        findings.push(Violation::deny("SV-2", detail).at("panel").fact("assessors", juniors));
    }
    findings
}

/// The last day of a public notice that was published on `published_on`. IS-4.
pub fn notice_ends_on(published_on: NaiveDate, calendar: &WorkingCalendar, settings: &RuleSettings) -> NaiveDate {
    calendar.working_days_after(published_on, settings.notice_working_days)
}

/// IS-4: certificates follow the notice; the first possible day is the one after its last day.
pub fn notice_findings(notice_ends_on: Option<NaiveDate>, issued_on: NaiveDate) -> Vec<Violation> {
    match notice_ends_on {
        None => vec![Violation::deny("IS-4", Text::new("the session's results have not been published", "该场次成绩尚未公示"))],
        Some(last) if issued_on <= last => {
            let detail = Text::new(format!("the public notice lasts until {last}; issued on {issued_on}"), format!("公示期至 {last} 结束，签发日为 {issued_on}"));
            vec![Violation::deny("IS-4", detail).fact("notice_ends_on", last).fact("issued_on", issued_on)]
        }
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(theory: &str, practical: &str, comprehensive: Option<&str>) -> Scores {
        Scores { theory: Some(theory.parse().unwrap()), practical: Some(practical.parse().unwrap()), comprehensive: comprehensive.map(|text| text.parse().unwrap()) }
    }

    fn passes(scores: &Scores, level: SkillLevel) -> bool {
        pass_findings(Some(scores), Some(level), &RuleSettings::standard()).is_empty()
    }

    #[test]
    fn the_worked_examples_of_is_3_hold() {
        assert!(passes(&scores("60", "60", None), SkillLevel::Level3));
        assert!(!passes(&scores("59.5", "100", None), SkillLevel::Level3));
        assert!(!passes(&scores("60", "59.9", None), SkillLevel::Level3));
        assert!(!passes(&scores("60", "60", None), SkillLevel::Level2));
        assert!(!passes(&scores("60", "60", Some("59.9")), SkillLevel::Level1));
        assert!(passes(&scores("60", "60", Some("60")), SkillLevel::Level2));
    }

    #[test]
    fn every_failed_part_is_listed() {
        let findings = pass_findings(Some(&scores("10", "20", None)), Some(SkillLevel::Level2), &RuleSettings::standard());
        let parts: Vec<_> = findings.iter().map(|finding| finding.field.clone().unwrap()).collect();
        assert_eq!(parts, ["theory", "practical", "comprehensive"]);
        assert_eq!(pass_findings(None, None, &RuleSettings::standard()).len(), 1);
    }

    #[test]
    fn scores_have_at_most_one_decimal() {
        for (text, tenths) in [("0", 0), ("100", 1000), ("59.5", 595), (" 86.0 ", 860)] {
            assert_eq!(text.parse::<Score>().unwrap().tenths(), tenths);
        }
        for wrong in ["", "100.1", "101", "59.55", "-1", "+5", "6e1", ".5", "5.", "六十", "NaN"] {
            assert!(wrong.parse::<Score>().is_err(), "{wrong}");
        }
        assert_eq!("59.5".parse::<Score>().unwrap().to_string(), "59.5");
        assert_eq!("86.0".parse::<Score>().unwrap().to_string(), "86");
    }

    #[test]
    fn panels_are_odd_large_and_senior_enough() {
        let settings = RuleSettings::standard();
        let panel = |count: usize, grade| (0..count).map(|n| PanelMember { card_number: format!("A{n}"), grade }).collect::<Vec<_>>();
        assert!(panel_findings(&panel(3, AssessorGrade::Assessor), Some(SkillLevel::Level3), &settings).is_empty());
        assert_eq!(panel_findings(&panel(4, AssessorGrade::Assessor), Some(SkillLevel::Level3), &settings)[0].rule, "SV-3");
        assert_eq!(panel_findings(&panel(1, AssessorGrade::SeniorAssessor), Some(SkillLevel::Level3), &settings)[0].rule, "SV-3");
        assert_eq!(panel_findings(&panel(3, AssessorGrade::Assessor), Some(SkillLevel::Level2), &settings)[0].rule, "SV-2");
        assert!(panel_findings(&panel(5, AssessorGrade::SeniorAssessor), Some(SkillLevel::Chief), &settings).is_empty());
    }

    #[test]
    fn certificates_follow_the_notice() {
        let last: NaiveDate = "2026-03-09".parse().unwrap();
        assert_eq!(notice_findings(None, last).len(), 1);
        assert_eq!(notice_findings(Some(last), last).len(), 1);
        assert!(notice_findings(Some(last), "2026-03-10".parse().unwrap()).is_empty());
    }
}
