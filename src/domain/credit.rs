//! Credited hours of a class (HR-1 to HR-4, CR-4) and learning credits (CR-1 to CR-8). Credits are integers in tenths.

use super::attendance::{Interval, Mode, Part};
use super::organisation::names;
use super::rule::Violation;
use super::text::Text;
use super::training::{ClassPlan, ClassType, practical_share};
use super::training_rules::{Combination, TrainingRules};
use chrono::{Months, NaiveDate};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An amount of credits, in tenths; negative where credits are taken back or spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Credits(i32);

impl Credits {
    pub fn from_tenths(tenths: i32) -> Self {
        Credits(tenths)
    }

    pub fn tenths(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, tenths) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{}", tenths / 10, tenths % 10)
    }
}

impl FromStr for Credits {
    type Err = super::rule::Malformed;

    /// A positive amount with at most one decimal.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || super::rule::Malformed::new("credits above 0 with at most one decimal expected, such as 3.5", "应为大于 0 的学分，最多一位小数，例如 3.5");
        let (whole, tenth) = text.split_once('.').unwrap_or((text, "0"));
        let are_digits = !whole.is_empty() && whole.len() <= 6 && tenth.len() == 1 && whole.bytes().chain(tenth.bytes()).all(|b| b.is_ascii_digit());
        let tenths: i32 = if are_digits { format!("{whole}{tenth}").parse().map_err(|_| malformed())? } else { 0 };
        if tenths > 0 { Ok(Credits(tenths)) } else { Err(malformed()) }
    }
}

/// How a trainee's own assessment at the end of a class ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassAssessment {
    Passed,
    Failed,
    /// Not held, or not for this trainee.
    Absent,
}

names!(ClassAssessment {
    Passed => "passed",
    Failed => "failed",
    Absent => "absent",
});

/// The working behind credited hours: every figure that went in and came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoursWorking {
    pub planned_minutes: i32,
    pub in_person_minutes: i32,
    pub online_minutes: i32,
    /// Of both, what was practical.
    pub practical_minutes: i32,
    /// Theory in the classroom.
    pub concentrated_minutes: i32,
    pub class_hour_minutes: i32,
    pub online_factor_percent: i32,
    pub online_cap_percent: i32,
    /// Online minutes at their factor.
    pub online_weighted_minutes: i32,
    /// HR-4: the cap, as class hours counted down, in minutes.
    pub online_cap_minutes: i32,
    pub online_credited_minutes: i32,
    pub credited_minutes: i32,
    pub credited_hours: i32,
    pub hours_min: i32,
    pub attendance_percent: i32,
    pub attendance_percent_min: i32,
    pub rules_version: i32,
}

/// Attended minutes of one trainee in one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttendedMinutes {
    pub in_person: i32,
    pub online: i32,
    pub practical: i32,
    /// Theory in the classroom: the concentrated teaching of an apprenticeship.
    pub concentrated: i32,
}

impl AttendedMinutes {
    /// HR-1: seconds are added over the class, then counted as minutes once.
    pub fn of<'a>(intervals: impl IntoIterator<Item = &'a Interval>) -> Self {
        let (mut in_person, mut online, mut practical, mut concentrated) = (0, 0, 0, 0);
        for interval in intervals {
            let seconds = (interval.ended_at - interval.started_at).num_seconds();
            *if interval.mode == Mode::Online { &mut online } else { &mut in_person } += seconds;
            match (interval.part, interval.mode) {
                (Part::Practical, _) => practical += seconds,
                (Part::Theory, Mode::InPerson) => concentrated += seconds,
                (Part::Theory, Mode::Online) => {}
            }
        }
        let minutes = |seconds: i64| i32::try_from(seconds / 60).unwrap_or(i32::MAX);
        AttendedMinutes { in_person: minutes(in_person), online: minutes(online), practical: minutes(practical), concentrated: minutes(concentrated) }
    }
}

/// HR-1: the class hours that a certificate tells of, of 45 minutes, counted down.
pub fn class_hours(minutes: i32) -> i32 {
    minutes / 45
}

/// HR-1 and HR-4: what the attended minutes are worth in class hours.
pub fn credited_hours(plan: &ClassPlan<'_>, attended: AttendedMinutes, rules: &TrainingRules) -> HoursWorking {
    let planned = plan.planned_minutes();
    let percent = |amount: i32, percent: i32| i32::try_from(i64::from(amount) * i64::from(percent) / 100).unwrap_or(i32::MAX);
    let weighted = percent(attended.online, rules.online_factor_percent);
    // The cap is a number of class hours, counted down: 40% of 56 is 22.
    let cap = percent(rules.hours_of(planned), rules.online_cap_percent) * rules.class_hour_minutes;
    let online = weighted.min(cap);
    let credited = attended.in_person + online;
    HoursWorking {
        planned_minutes: planned,
        in_person_minutes: attended.in_person,
        online_minutes: attended.online,
        practical_minutes: attended.practical,
        concentrated_minutes: attended.concentrated,
        class_hour_minutes: rules.class_hour_minutes,
        online_factor_percent: rules.online_factor_percent,
        online_cap_percent: rules.online_cap_percent,
        online_weighted_minutes: weighted,
        online_cap_minutes: cap,
        online_credited_minutes: online,
        credited_minutes: credited,
        credited_hours: rules.hours_of(credited),
        hours_min: rules.hours_min(plan.level),
        attendance_percent: if planned > 0 { i32::try_from(i64::from(credited) * 100 / i64::from(planned)).unwrap_or(i32::MAX) } else { 100 },
        attendance_percent_min: rules.attendance_percent_min,
        rules_version: rules.version,
    }
}

/// Why a trainee of a closed class gets no credits (CR-4); empty when credits are due.
pub fn credit_findings(working: &HoursWorking, assessment: ClassAssessment) -> Vec<Violation> {
    let mut findings = Vec::new();
    let (found, least) = (working.attendance_percent, working.attendance_percent_min);
    if found < least {
        let detail = Text::new(format!("attendance is {found}% of the planned hours, at least {least}% expected"), format!("出勤 {found}%，应不低于 {least}%"));
        findings.push(Violation::deny("CR-4", detail).fact("attendance_percent", found).fact("attendance_percent_min", least));
    }
    if assessment != ClassAssessment::Passed {
        let word = assessment.as_str();
        findings.push(Violation::deny("CR-4", Text::new(format!("the assessment is {word}, passed expected"), "结业考核未通过")).fact("assessment", word));
    }
    findings
}

/// Why a trainee has not completed the class: CR-4's reasons, and HR-2. HR-3 only warns.
pub fn completion_findings(plan: &ClassPlan<'_>, working: &HoursWorking, assessment: ClassAssessment, rules: &TrainingRules) -> Vec<Violation> {
    let mut findings = credit_findings(working, assessment);
    let (hours, least) = (working.credited_hours, working.hours_min);
    if hours < least {
        let detail = Text::new(format!("{hours} class hours credited, at least {least} expected at this level"), format!("认定 {hours} 课时，该等级不少于 {least} 课时"));
        findings.push(Violation::deny("HR-2", detail).fact("hours", hours).fact("hours_min", least));
    }
    findings.extend(apprenticeship_hours(plan, working, rules));
    findings.extend(practical_share(working.practical_minutes, working.in_person_minutes + working.online_minutes, plan.level, rules));
    findings
}

/// HR-7: hours of an apprenticeship for each year that it lasts, begun ones counted whole; and those of concentrated teaching.
fn apprenticeship_hours(plan: &ClassPlan<'_>, working: &HoursWorking, rules: &TrainingRules) -> Vec<Violation> {
    if plan.class_type != ClassType::NewTypeApprenticeship {
        return Vec::new();
    }
    let years = i32::try_from((plan.last_on - plan.first_on).num_days() / 366 + 1).unwrap_or(i32::MAX);
    let asked = [
        ("hours", "课时", working.credited_hours, rules.apprenticeship_year_hours_min * years),
        ("hours of concentrated teaching", "集中教学课时", rules.hours_of(working.concentrated_minutes), rules.apprenticeship_concentrated_hours_min * years),
    ];
    let deny = |(what, what_zh, found, least): (&str, &str, i32, i32)| {
        let detail = Text::new(format!("{found} class {what} in {years} years found, at least {least} expected"), format!("{years} 年内{what_zh} {found}，应不少于 {least}"));
        Violation::deny("HR-7", detail).fact("found", found).fact("least", least).fact("years", years)
    };
    asked.into_iter().filter(|(.., found, least)| found < least).map(deny).collect()
}

/// CR-1: credits of class hours.
pub fn credits_of_hours(hours: i32, rules: &TrainingRules) -> Credits {
    Credits(hours * 10 / rules.credit_hours)
}

/// CR-5: what a second achievement of one class adds to what the first one was worth.
pub fn added_by_second(first: Credits, second: Credits, rules: &TrainingRules) -> Credits {
    match rules.class_and_certificate {
        Combination::Sum => second,
        Combination::Larger => Credits((second.0 - first.0).max(0)),
    }
}

/// [`added_by_second`] as a formula, which is read in every language.
pub fn formula_of_second(first: Credits, second: Credits, rules: &TrainingRules) -> String {
    let added = added_by_second(first, second, rules);
    match rules.class_and_certificate {
        Combination::Sum => format!("{first} + {second} - {first} = {added}"),
        Combination::Larger => format!("max({first}, {second}) - {first} = {added}"),
    }
}

/// CR-8: the last day on which credits must have been earned to be expired on a day; None when credits never expire.
pub fn expired_if_earned_by(day: NaiveDate, rules: &TrainingRules) -> Option<NaiveDate> {
    let years = u32::try_from(rules.credit_valid_years).ok().filter(|years| *years > 0)?;
    day.checked_sub_months(Months::new(12 * years))
}

/// A posting that stands: what was earned on a day, or what was spent on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingCredits {
    Earned { on: NaiveDate, credits: Credits },
    Spent { on: NaiveDate, credits: Credits },
}

/// CR-8: what of a ledger has expired on a day. Whoever spends, spends what is oldest and has not expired by then.
pub fn expired_credits(ledger: &[StandingCredits], day: NaiveDate, rules: &TrainingRules) -> Credits {
    let mut left: Vec<(NaiveDate, i32)> = Vec::new();
    for posting in ledger {
        match *posting {
            StandingCredits::Earned { on, credits } => {
                let place = left.partition_point(|(earned, _)| *earned <= on);
                left.insert(place, (on, credits.0));
            }
            StandingCredits::Spent { on, credits } => {
                let (limit, mut open) = (expired_if_earned_by(on, rules), credits.0);
                for (_, tenths) in left.iter_mut().filter(|(earned, _)| limit.is_none_or(|limit| *earned > limit)) {
                    let taken = open.min(*tenths);
                    *tenths -= taken;
                    open -= taken;
                }
            }
        }
    }
    let Some(limit) = expired_if_earned_by(day, rules) else { return Credits(0) };
    Credits(left.iter().filter(|(earned, _)| *earned <= limit).map(|(_, tenths)| tenths).sum())
}

#[cfg(test)]
mod tests {
    use super::super::level::SkillLevel;
    use super::super::training::ClassParticulars;
    use super::*;
    use proptest::prelude::*;

    fn plan(hours: i32, level: SkillLevel, particulars: &ClassParticulars) -> ClassPlan<'_> {
        let (first_on, last_on) = ("2026-03-02".parse().unwrap(), "2026-03-31".parse().unwrap());
        ClassPlan { class_type: ClassType::General, level: Some(level), first_on, last_on, planned_theory_minutes: 0, planned_practical_minutes: hours * 45, particulars }
    }

    #[test]
    fn the_worked_examples_of_hr_4_hold() {
        let none = ClassParticulars::default();
        for (planned, in_person, online, factor, cap, credited) in [(56, 34, 22, 100, 40, 56), (56, 28, 28, 100, 40, 50), (40, 20, 30, 100, 50, 40), (40, 20, 30, 50, 50, 35)] {
            let rules = TrainingRules { online_factor_percent: factor, online_cap_percent: cap, ..TrainingRules::standard() };
            let attended = AttendedMinutes { in_person: in_person * 45, online: online * 45, practical: in_person * 45, concentrated: 0 };
            let plan = plan(planned, if planned == 56 { SkillLevel::Level4 } else { SkillLevel::Level5 }, &none);
            let working = credited_hours(&plan, attended, &rules);
            assert_eq!(working.credited_hours, credited, "{planned} planned, {in_person} + {online}");
            let denied: Vec<_> = completion_findings(&plan, &working, ClassAssessment::Passed, &rules).into_iter().filter(|finding| finding.rule == "HR-2").collect();
            assert_eq!(denied.len(), usize::from(credited < working.hours_min));
        }
    }

    #[test]
    fn the_worked_examples_of_cr_1_hold() {
        for (hours, credits) in [(56, "3.5"), (40, "2.5"), (15, "0.9"), (1, "0.0")] {
            assert_eq!(credits_of_hours(hours, &TrainingRules::standard()).to_string(), credits);
        }
    }

    #[test]
    fn credits_need_attendance_and_a_passed_assessment() {
        let none = ClassParticulars::default();
        let found = |hours, assessment| {
            let attended = AttendedMinutes { in_person: hours * 45, online: 0, practical: 0, concentrated: 0 };
            credit_findings(&credited_hours(&plan(40, SkillLevel::Level5, &none), attended, &TrainingRules::standard()), assessment).len()
        };
        assert_eq!((found(32, ClassAssessment::Passed), found(31, ClassAssessment::Passed)), (0, 1), "80% and a little less");
        assert_eq!((found(32, ClassAssessment::Failed), found(31, ClassAssessment::Absent)), (1, 2));
    }

    #[test]
    fn an_apprenticeship_has_its_hours_in_every_year() {
        let (none, rules) = (ClassParticulars::default(), TrainingRules::standard());
        let found = |last_on: &str, hours: i32, concentrated: i32| {
            let plan = ClassPlan { class_type: ClassType::NewTypeApprenticeship, last_on: last_on.parse().unwrap(), ..plan(600, SkillLevel::Level4, &none) };
            let attended = AttendedMinutes { in_person: hours * 45, online: 0, practical: (hours - concentrated) * 45, concentrated: concentrated * 45 };
            let findings = completion_findings(&plan, &credited_hours(&plan, attended, &rules), ClassAssessment::Passed, &rules);
            findings.into_iter().filter(|finding| finding.rule == "HR-7").count()
        };
        assert_eq!((found("2027-03-01", 600, 160), found("2027-03-01", 599, 160), found("2027-03-01", 599, 159)), (0, 1, 2));
        assert_eq!((found("2028-02-28", 1200, 320), found("2028-02-28", 600, 160)), (0, 2), "two years");
    }

    #[test]
    fn hours_and_certificate_of_one_class_count_once() {
        let (rules, tenths) = (TrainingRules::standard(), Credits::from_tenths);
        assert_eq!(added_by_second(tenths(35), tenths(30), &rules), tenths(0));
        assert_eq!(added_by_second(tenths(25), tenths(30), &rules), tenths(5));
        assert_eq!(formula_of_second(tenths(25), tenths(30), &rules), "max(2.5, 3.0) - 2.5 = 0.5");
        let sum = TrainingRules { class_and_certificate: Combination::Sum, ..rules };
        assert_eq!(added_by_second(tenths(25), tenths(30), &sum), tenths(30));
        assert_eq!(formula_of_second(tenths(25), tenths(30), &sum), "2.5 + 3.0 - 2.5 = 3.0");
    }

    #[test]
    fn credits_expire_after_their_years_and_only_if_they_were_not_spent() {
        let day: NaiveDate = "2026-03-02".parse().unwrap();
        assert_eq!(expired_if_earned_by(day, &TrainingRules::standard()), None, "by default they do not");
        let rules = TrainingRules { credit_valid_years: 5, ..TrainingRules::standard() };
        assert_eq!(expired_if_earned_by(day, &rules), "2021-03-02".parse().ok());
        let date = |text: &str| text.parse::<NaiveDate>().unwrap();
        let earned = |on: &str, tenths| StandingCredits::Earned { on: date(on), credits: Credits::from_tenths(tenths) };
        let spent = |on: &str, tenths| StandingCredits::Spent { on: date(on), credits: Credits::from_tenths(tenths) };
        let expired = |ledger: &[StandingCredits]| expired_credits(ledger, day, &rules).tenths();
        assert_eq!(expired(&[earned("2015-01-01", 30), earned("2022-01-01", 20)]), 30);
        assert_eq!(expired(&[earned("2015-01-01", 30), earned("2022-01-01", 20), spent("2023-01-01", 20)]), 30, "what had expired by then was not spent");
        assert_eq!(expired(&[earned("2020-01-01", 30), spent("2021-01-01", 20)]), 10, "the oldest first");
        assert_eq!(expired(&[earned("2020-01-01", 30), earned("2022-01-01", 20), spent("2023-01-01", 40)]), 0);
        assert_eq!(expired_credits(&[earned("1990-01-01", 30)], day, &TrainingRules::standard()).tenths(), 0);
    }

    #[test]
    fn credits_are_written_with_one_decimal() {
        assert_eq!(Credits::from_tenths(-35).to_string(), "-3.5");
        assert_eq!("3.5".parse::<Credits>().unwrap().tenths(), 35);
        for wrong in ["", "0", "0.0", "-1", "3.55", "1e3", ".5", "3."] {
            assert!(wrong.parse::<Credits>().is_err(), "{wrong}");
        }
    }

    proptest! {
        /// B3: credited minutes never exceed what was attended, and online ones never their cap.
        #[test]
        fn credited_hours_never_exceed_attended_ones(planned in 1i32..2_000, in_person in 0i32..100_000, online in 0i32..100_000, factor in 0i32..=100, cap in 0i32..=100) {
            let (none, rules) = (ClassParticulars::default(), TrainingRules { online_factor_percent: factor, online_cap_percent: cap, ..TrainingRules::standard() });
            let working = credited_hours(&plan(planned, SkillLevel::Level5, &none), AttendedMinutes { in_person, online, practical: 0, concentrated: 0 }, &rules);
            prop_assert!(working.credited_minutes <= in_person + online);
            prop_assert!(working.online_credited_minutes * 100 <= planned * 45 * cap);
            prop_assert!(working.credited_hours * 45 <= working.credited_minutes);
        }
    }
}
