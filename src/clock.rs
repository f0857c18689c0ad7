//! The only door for time.

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The machine's clock moved by a number of seconds: the demo lives through weeks in a moment.
    Shifted(Arc<AtomicI64>),
    /// A clock that stands still until it is set, in microseconds since 1970: for tests.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Clock::System => Utc::now(),
            Clock::Shifted(seconds) => Utc::now() + TimeDelta::seconds(seconds.load(Ordering::SeqCst)),
            Clock::Fixed(micros) => from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// The legal date: the day in China, which has one time zone (UTC+8) and no summer time.
    pub fn today(&self) -> NaiveDate {
        legal_date(self.now())
    }
}

/// The day in China at an instant.
pub fn legal_date(at: DateTime<Utc>) -> NaiveDate {
    let china = FixedOffset::east_opt(8 * 3600).expect("eight hours are a legal offset");
    at.with_timezone(&china).date_naive()
}

/// An instant from microseconds since 1970, as the database keeps it.
pub fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MIN_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legal_day_begins_at_sixteen_hours_utc() {
        let at = |text: &str| legal_date(text.parse().unwrap()).to_string();
        assert_eq!(at("2026-03-01T15:59:59Z"), "2026-03-01");
        assert_eq!(at("2026-03-01T16:00:00Z"), "2026-03-02");
    }
}
