//! Special operation permits: how long they are valid and when their review is due (IS-10).

use super::rule::Violation;
use super::settings::RuleSettings;
use super::text::Text;
use chrono::{Days, Months, NaiveDate};

/// The dates printed on a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermitDates {
    pub valid_from: NaiveDate,
    /// Last valid day.
    pub valid_to: NaiveDate,
    /// Last day by which the review must be passed.
    pub review_due_on: NaiveDate,
}

/// The dates of a permit issued on a day, where the paper prints no others: six years, review after three.
pub fn permit_dates(issued_on: NaiveDate, settings: &RuleSettings) -> PermitDates {
    let years = |count: u32| issued_on.checked_add_months(Months::new(count * 12)).unwrap_or(NaiveDate::MAX);
    PermitDates {
        valid_from: issued_on,
        valid_to: years(settings.permit_valid_years).checked_sub_days(Days::new(1)).unwrap_or(NaiveDate::MAX),
        review_due_on: years(settings.permit_review_years),
    }
}

/// Whether the review that fell due before `day` is still missing.
pub fn is_review_overdue(review_due_on: NaiveDate, reviewed_on: Option<NaiveDate>, day: NaiveDate) -> bool {
    day > review_due_on && reviewed_on.is_none_or(|reviewed| reviewed > day)
}

/// IS-10: the holder of a permit is at least 18.
pub fn holder_findings(birth: Option<NaiveDate>, issued_on: NaiveDate) -> Vec<Violation> {
    match birth.map(|birth| super::document::age_on(birth, issued_on)) {
        Some(age) if age >= 18 => Vec::new(),
        Some(age) => {
            let detail = Text::new(format!("the holder is {age} years old on {issued_on}, at least 18 expected"), format!("{issued_on} 时持证人 {age} 周岁，应不低于 18 周岁"));
            vec![Violation::deny("IS-10", detail).at("worker_id").fact("age", age)]
        }
        None => vec![Violation::deny("IS-10", Text::new("the holder needs a resident identity number, from which the permit's number is made", "持证人须有公民身份号码，操作证号由其组成")).at("worker_id")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_worked_example_of_is_10_holds() {
        let dates = permit_dates(day("2022-05-10"), &RuleSettings::standard());
        assert_eq!(dates, PermitDates { valid_from: day("2022-05-10"), valid_to: day("2028-05-09"), review_due_on: day("2025-05-10") });
        assert!(is_review_overdue(dates.review_due_on, None, day("2025-06-01")));
        assert!(!is_review_overdue(dates.review_due_on, None, day("2025-05-10")));
        assert!(!is_review_overdue(dates.review_due_on, Some(day("2025-05-01")), day("2025-06-01")));
    }

    #[test]
    fn leap_days_do_not_fail() {
        assert_eq!(permit_dates(day("2024-02-29"), &RuleSettings::standard()).valid_to, day("2030-02-27"));
    }

    #[test]
    fn holders_are_adults() {
        assert!(holder_findings(Some(day("1900-01-01")), day("1918-01-01")).is_empty());
        assert_eq!(holder_findings(Some(day("1900-01-02")), day("1918-01-01"))[0].rule, "IS-10");
        assert_eq!(holder_findings(None, day("1918-01-01")).len(), 1);
    }
}
