//! Fields of requests: each parsed into its type, every fault collected.

use super::problem::Problem;
use crate::domain::rule::{Malformed, Violation};
use crate::domain::text::Text;
use crate::services::error::Error;
use crate::domain::rule::invalid;
use chrono::{Datelike, NaiveDate};
use std::borrow::Cow;
use std::str::FromStr;

/// Why something is done, where nothing else is asked.
///
/// # Errors
/// It is empty, too long, or has characters that nobody sees.
pub fn reason_of(text: &str) -> Result<String, Problem> {
    let mut fields = Fields::default();
    let reason = fields.text("reason", text, 500);
    fields.finish()?;
    Ok(reason.expect(Fields::PARSED))
}

/// The faults found so far in one request.
#[derive(Default)]
pub struct Fields {
    faults: Vec<Violation>,
}

/// Years that a legal date may lie in.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2200;

impl Fields {
    pub fn fault(&mut self, field: &str, en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) {
        self.faults.push(invalid(field, Text::new(en, zh)));
    }

    pub fn add(&mut self, violation: Violation) {
        self.faults.push(violation);
    }

    pub fn parse<T: FromStr<Err = Malformed>>(&mut self, field: &str, text: &str) -> Option<T> {
        text.parse().map_err(|fault: Malformed| self.faults.push(invalid(field, fault.0))).ok()
    }

    pub fn parse_opt<T: FromStr<Err = Malformed>>(&mut self, field: &str, text: Option<&str>) -> Option<T> {
        text.and_then(|text| self.parse(field, text))
    }

    pub fn take<T>(&mut self, field: &str, parsed: Result<T, Malformed>) -> Option<T> {
        parsed.map_err(|fault| self.faults.push(invalid(field, fault.0))).ok()
    }

    pub fn parse_list<T: FromStr<Err = Malformed>>(&mut self, field: &str, texts: &[String]) -> Vec<T> {
        texts.iter().enumerate().filter_map(|(index, text)| self.parse(&format!("{field}[{index}]"), text)).collect()
    }

    /// A legal date, `YYYY-MM-DD`.
    pub fn date(&mut self, field: &str, text: &str) -> Option<NaiveDate> {
        let date = (text.len() == 10).then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()).flatten().filter(|date| YEARS.contains(&date.year()));
        if date.is_none() {
            // A longer text is no date, and may be something that must not be repeated.
            let shown = if text.chars().count() <= 10 { text } else { "a longer text" };
            self.fault(field, format!("{shown:?} found, a date of the calendar as YYYY-MM-DD expected"), format!("发现 {shown:?}，应为 YYYY-MM-DD 形式的有效日期"));
        }
        date
    }

    pub fn date_opt(&mut self, field: &str, text: Option<&str>) -> Option<NaiveDate> {
        text.and_then(|text| self.date(field, text))
    }

    /// A text for people: 1 to `characters_max` characters, trimmed, no control characters.
    pub fn text(&mut self, field: &str, text: &str, characters_max: usize) -> Option<String> {
        let trimmed = text.trim();
        let count = trimmed.chars().count();
        if count == 0 || count > characters_max {
            self.fault(field, format!("{count} characters found, 1 to {characters_max} expected"), format!("发现 {count} 个字符，应为 1 至 {characters_max} 个"));
            return None;
        }
        let is_hidden = |c: char| c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}');
        if trimmed.chars().any(is_hidden) {
            self.fault(field, "a control or invisible character found", "含有控制字符或不可见字符");
            return None;
        }
        Some(trimmed.to_owned())
    }

    pub fn text_opt(&mut self, field: &str, text: Option<&str>, characters_max: usize) -> Option<String> {
        text.and_then(|text| self.text(field, text, characters_max))
    }

    /// At most `most` items.
    pub fn count(&mut self, field: &str, found: usize, least: usize, most: usize) {
        if !(least..=most).contains(&found) {
            self.fault(field, format!("{found} items found, {least} to {most} expected"), format!("发现 {found} 项，应为 {least} 至 {most} 项"));
        }
    }

    /// Ends the parsing: all faults as one problem.
    pub fn finish(self) -> Result<(), Problem> {
        self.into_result().map_err(|faults| Error::Invalid(faults).into())
    }

    /// The same, with the faults as they are.
    pub fn into_result(self) -> Result<(), Vec<Violation>> {
        if self.faults.is_empty() { Ok(()) } else { Err(self.faults) }
    }

    /// What every parsed field must be once [`Fields::finish`] has passed.
    pub const PARSED: &'static str = "a field without a fault has a value";
}
