//! Legal dates, and working days: weekends, public holidays, and weekends that are worked in exchange.
//!
//! Source: the State Council's yearly notices, shipped as the catalogue list `holidays`. Years without a notice count weekends only.

use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, Utc, Weekday};
use std::collections::HashSet;

/// The legal date at an instant: the day in China, which has one time zone (UTC+8) and no summer time.
pub fn legal_date(at: DateTime<Utc>) -> NaiveDate {
    china(at).date_naive()
}

/// An instant as a clock in China shows it.
pub fn china(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    at.with_timezone(&FixedOffset::east_opt(8 * 3600).expect("eight hours are a legal offset"))
}

/// The last second of a day in China.
pub fn end_of_day_in_china(day: NaiveDate) -> DateTime<Utc> {
    let next = day.and_hms_opt(23, 59, 59).expect("a time of every day");
    next.and_utc() - chrono::Duration::hours(8)
}

/// The table of days that differ from the plain week.
#[derive(Debug, Clone, Default)]
pub struct WorkingCalendar {
    pub holidays: HashSet<NaiveDate>,
    pub worked_weekends: HashSet<NaiveDate>,
}

impl WorkingCalendar {
    pub fn is_working_day(&self, day: NaiveDate) -> bool {
        if self.worked_weekends.contains(&day) {
            return true;
        }
        !self.holidays.contains(&day) && !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
    }

    /// The last day of a period of `working_days`, which begins with the day after `start`. IS-4.
    pub fn working_days_after(&self, start: NaiveDate, working_days: u32) -> NaiveDate {
        let mut day = start;
        let mut left = working_days;
        while left > 0 {
            day = day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
            if day == NaiveDate::MAX {
                return day;
            }
            if self.is_working_day(day) {
                left -= 1;
            }
        }
        day
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn spring_festival_2026() -> WorkingCalendar {
        WorkingCalendar {
            holidays: (15..=23).map(|d| NaiveDate::from_ymd_opt(2026, 2, d).unwrap()).collect(),
            worked_weekends: [day("2026-02-14"), day("2026-02-28")].into_iter().collect(),
        }
    }

    #[test]
    fn the_legal_day_begins_at_sixteen_hours_utc() {
        let at = |text: &str| legal_date(text.parse().unwrap()).to_string();
        assert_eq!(at("2026-03-01T15:59:59Z"), "2026-03-01");
        assert_eq!(at("2026-03-01T16:00:00Z"), "2026-03-02");
    }

    #[test]
    fn a_plain_week_counts_from_the_day_after() {
        let calendar = WorkingCalendar::default();
        assert_eq!(calendar.working_days_after(day("2026-03-02"), 5), day("2026-03-09"));
        assert_eq!(calendar.working_days_after(day("2026-03-06"), 1), day("2026-03-09"));
        assert_eq!(calendar.working_days_after(day("2026-03-06"), 0), day("2026-03-06"));
    }

    #[test]
    fn holidays_lengthen_the_notice_and_worked_weekends_shorten_it() {
        // Friday 13th; Saturday 14th is worked; the 15th to the 23rd are free; then 24, 25, 26, 27.
        assert_eq!(spring_festival_2026().working_days_after(day("2026-02-13"), 5), day("2026-02-27"));
    }
}
