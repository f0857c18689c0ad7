//! Attendance: intervals in which a worker was in a class (HR-5, HR-6).
//!
//! An interval is judged against its class, the moment, and the worker's other intervals in any class anywhere. The tables refuse
//! an overlap as well; here it is told with its reason, row by row.

use super::calendar::{china, legal_date};
use super::organisation::names;
use super::rule::Violation;
use super::text::Text;
use super::training_rules::TrainingRules;
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use std::collections::BTreeMap;

/// Whether the trainee was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    Online,
    InPerson,
}

names!(Mode {
    Online => "online",
    InPerson => "in_person",
});

/// What was taught.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    Theory,
    Practical,
}

names!(Part {
    Theory => "theory",
    Practical => "practical",
});

/// One interval, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
    pub mode: Mode,
    pub part: Part,
}

impl Interval {
    fn seconds(&self) -> i64 {
        (self.ended_at - self.started_at).num_seconds()
    }

    fn overlaps(&self, other: &Interval) -> bool {
        self.started_at < other.ended_at && other.started_at < self.ended_at
    }
}

/// What an interval is judged against: the class and the moment.
#[derive(Debug, Clone, Copy)]
pub struct ClassFrame<'a> {
    pub first_on: NaiveDate,
    pub last_on: NaiveDate,
    pub rules: &'a TrainingRules,
    pub now: DateTime<Utc>,
}

/// A class, as far as an overlap must tell of it.
pub type ClassOf = String;

/// One worker's day-to-day attendance in all classes, ordered by start; grows with each interval that is taken.
#[derive(Debug, Default)]
pub struct Attendance {
    by_start: BTreeMap<DateTime<Utc>, (Interval, ClassOf)>,
    seconds_on: BTreeMap<NaiveDate, i64>,
}

/// What becomes of an interval.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    New,
    /// The very same interval of the same class is recorded already.
    Known,
    Refused(Vec<Violation>),
}

impl Attendance {
    /// Adds an interval that is recorded already.
    pub fn add(&mut self, interval: Interval, class: ClassOf) {
        *self.seconds_on.entry(legal_date(interval.started_at)).or_default() += interval.seconds();
        self.by_start.insert(interval.started_at, (interval, class));
    }

    /// Judges an interval of a class and takes it if no rule is against it.
    pub fn take(&mut self, interval: Interval, class: &str, frame: &ClassFrame<'_>) -> Taken {
        if self.by_start.get(&interval.started_at).is_some_and(|(known, of)| *known == interval && of == class) {
            return Taken::Known;
        }
        let mut findings = interval_findings(&interval, frame);
        if interval.ended_at > interval.started_at {
            findings.extend(self.overlap(&interval, class));
            findings.extend(self.too_long_a_day(&interval, frame.rules));
        }
        if findings.is_empty() {
            self.add(interval, class.to_owned());
            Taken::New
        } else {
            Taken::Refused(findings)
        }
    }

    /// HR-5. No interval goes over midnight, so one that overlaps begins within a day; two joined records may overlap each other.
    fn overlap(&self, interval: &Interval, class: &str) -> Option<Violation> {
        let day_before = interval.started_at - TimeDelta::days(1);
        let (_, (known, of)) = self.by_start.range(day_before..interval.ended_at).rev().find(|(_, (known, _))| known.overlaps(interval))?;
        let (from, to) = (text_of(known.started_at), text_of(known.ended_at));
        // Another provider's class is not named to this one.
        let whose = if of == class { "this class" } else { "another class" };
        let whose_zh = if of == class { "本班" } else { "其他培训班" };
        let (day, begun, over) = (china(known.started_at).format("%Y-%m-%d"), china(known.started_at).format("%H:%M"), china(known.ended_at).format("%H:%M"));
        let detail = Text::new(
            format!("the worker was in {whose} on {day} from {begun} to {over} (time in China); one person is in one place at a time"),
            format!("该劳动者 {day} {begun} 至 {over}（北京时间）在{whose_zh}上课，同一时间不能重复计时"),
        );
        Some(Violation::deny("HR-5", detail).fact("recorded_from", from).fact("recorded_to", to))
    }

    /// HR-6: hours of one day, in all classes together.
    fn too_long_a_day(&self, interval: &Interval, rules: &TrainingRules) -> Option<Violation> {
        let day = legal_date(interval.started_at);
        let minutes = (self.seconds_on.get(&day).copied().unwrap_or(0) + interval.seconds()) / 60;
        let most = i64::from(rules.day_hours_max) * i64::from(rules.class_hour_minutes);
        (minutes > most).then(|| {
            let detail = Text::new(
                format!("{minutes} minutes on {day} found, at most {most} ({} class hours) expected", rules.day_hours_max),
                format!("{day} 共 {minutes} 分钟，每日最多 {most} 分钟（{} 课时）", rules.day_hours_max),
            );
            Violation::deny("HR-6", detail).fact("day", day).fact("minutes", minutes).fact("minutes_max", most)
        })
    }
}

fn text_of(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// HR-6, as far as one interval tells it.
fn interval_findings(interval: &Interval, frame: &ClassFrame<'_>) -> Vec<Violation> {
    let mut findings = Vec::new();
    let (from, to) = (text_of(interval.started_at), text_of(interval.ended_at));
    let mut deny = |field: &str, en: String, zh: String| findings.push(Violation::deny("HR-6", Text::new(en, zh)).at(field).fact("started_at", &from).fact("ended_at", &to));
    if interval.ended_at <= interval.started_at {
        deny("ended_at", format!("{to} found, a moment after {from} expected"), format!("结束时间 {to} 应晚于开始时间 {from}"));
    }
    if interval.ended_at > frame.now {
        deny("ended_at", format!("{to} lies in the future"), format!("结束时间 {to} 尚未到来"));
    }
    let day = legal_date(interval.started_at);
    // The last instant of the interval: one that ends at midnight still lies in the day before.
    if interval.ended_at > interval.started_at && legal_date(interval.ended_at - chrono::TimeDelta::microseconds(1)) != day {
        deny("ended_at", "it crosses midnight in China's time; give an interval for each day".to_owned(), "跨越零点，应按日分别填报".to_owned());
    }
    let (first, last) = (frame.first_on, frame.last_on);
    if day < first || day > last {
        deny("started_at", format!("{day} found, a day of the class from {first} to {last} expected"), format!("{day} 不在培训班 {first} 至 {last} 期间"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn interval(from: &str, to: &str) -> Interval {
        Interval { started_at: at(from), ended_at: at(to), mode: Mode::InPerson, part: Part::Theory }
    }

    fn take(attendance: &mut Attendance, from: &str, to: &str, class: &str) -> Vec<&'static str> {
        let rules = TrainingRules::standard();
        let frame = ClassFrame { first_on: "2026-03-02".parse().unwrap(), last_on: "2026-03-06".parse().unwrap(), rules: &rules, now: at("2026-03-07T00:00:00Z") };
        match attendance.take(interval(from, to), class, &frame) {
            Taken::Refused(findings) => findings.into_iter().map(|finding| finding.rule).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn touching_intervals_are_fine_and_overlapping_ones_are_not() {
        let mut attendance = Attendance::default();
        assert!(take(&mut attendance, "2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z", "a").is_empty());
        assert!(take(&mut attendance, "2026-03-02T02:00:00Z", "2026-03-02T03:00:00Z", "b").is_empty());
        for (from, to) in [("2026-03-02T01:59:59Z", "2026-03-02T02:00:01Z"), ("2026-03-02T00:30:00Z", "2026-03-02T04:00:00Z"), ("2026-03-02T01:10:00Z", "2026-03-02T01:20:00Z")] {
            assert_eq!(take(&mut attendance, from, to, "c"), ["HR-5"], "{from}");
        }
        let rules = TrainingRules::standard();
        let frame = ClassFrame { first_on: "2026-03-02".parse().unwrap(), last_on: "2026-03-06".parse().unwrap(), rules: &rules, now: at("2026-03-07T00:00:00Z") };
        let again = interval("2026-03-02T01:00:00Z", "2026-03-02T02:00:00Z");
        assert_eq!(attendance.take(again, "a", &frame), Taken::Known);
        assert!(matches!(attendance.take(again, "b", &frame), Taken::Refused(_)), "the same hour in two classes");
    }

    #[test]
    fn what_cannot_be_is_refused_by_hr_6() {
        let refused = |from: &str, to: &str| take(&mut Attendance::default(), from, to, "a");
        assert_eq!(refused("2026-03-02T02:00:00Z", "2026-03-02T01:00:00Z"), ["HR-6"], "ends before it starts");
        assert_eq!(refused("2026-03-02T02:00:00Z", "2026-03-02T02:00:00Z"), ["HR-6"], "takes no time");
        assert_eq!(refused("2026-03-06T15:00:00Z", "2026-03-06T17:00:00Z"), ["HR-6"], "crosses midnight in China");
        assert!(refused("2026-03-06T15:00:00Z", "2026-03-06T16:00:00Z").is_empty(), "ends at midnight in China");
        assert_eq!(refused("2026-03-01T15:00:00Z", "2026-03-01T15:30:00Z"), ["HR-6"], "the evening before the class");
        assert_eq!(refused("2026-03-06T16:00:00Z", "2026-03-06T17:00:00Z"), ["HR-6"], "the day after the class");
        assert_eq!(refused("2026-03-06T23:50:00Z", "2026-03-07T00:00:01Z"), ["HR-6", "HR-6"], "in the future, and after the class");
    }

    #[test]
    fn a_day_has_ten_class_hours_in_all_classes_together() {
        let mut attendance = Attendance::default();
        assert!(take(&mut attendance, "2026-03-02T01:00:00Z", "2026-03-02T08:00:00Z", "a").is_empty());
        assert!(take(&mut attendance, "2026-03-02T08:00:00Z", "2026-03-02T08:30:00Z", "b").is_empty());
        assert_eq!(take(&mut attendance, "2026-03-02T09:00:00Z", "2026-03-02T09:01:00Z", "b"), ["HR-6"]);
        assert!(take(&mut attendance, "2026-03-03T09:00:00Z", "2026-03-03T09:01:00Z", "b").is_empty());
    }

    proptest! {
        /// B3: whatever is sent, in whatever order, no overlap is taken and no day is longer than the clock or the rule.
        #[test]
        fn no_overlap_is_ever_taken(sent in prop::collection::vec((0i64..5 * 1440, 1i64..400, 0u8..3), 1..60)) {
            let rules = TrainingRules::standard();
            let beginning = at("2026-03-01T16:00:00Z");
            let frame = ClassFrame { first_on: "2026-03-02".parse().unwrap(), last_on: "2026-03-06".parse().unwrap(), rules: &rules, now: at("2026-03-07T00:00:00Z") };
            let (mut attendance, mut model): (Attendance, Vec<(i64, i64)>) = (Attendance::default(), Vec::new());
            for (start, length, class) in sent {
                let moment = |minute: i64| beginning + chrono::TimeDelta::minutes(minute);
                let wanted = Interval { started_at: moment(start), ended_at: moment(start + length), mode: Mode::Online, part: Part::Theory };
                let is_free = model.iter().all(|(from, to)| start >= *to || *from >= start + length);
                let minutes: i64 = model.iter().filter(|(from, _)| from / 1440 == start / 1440).map(|(from, to)| to - from).sum();
                let may_be_taken = is_free && start / 1440 == (start + length - 1) / 1440 && minutes + length <= 450;
                match attendance.take(wanted, &class.to_string(), &frame) {
                    Taken::New => {
                        prop_assert!(may_be_taken);
                        model.push((start, start + length));
                    }
                    Taken::Known => prop_assert!(!is_free),
                    Taken::Refused(_) => prop_assert!(!may_be_taken),
                }
            }
        }
    }
}
