//! The only door for time.

use crate::domain::calendar::legal_date;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
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

/// An instant from microseconds since 1970, as the database keeps it.
pub fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MIN_UTC)
}
