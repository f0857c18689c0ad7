//! Numbers of skill level certificates: 22 characters.
//!
//! Source: 职业技能等级证书编码规则. Letter, body code (4), province (2), body serial (6), year (2), level (1), serial (6); there is
//! no check digit. Special-grade and chief technicians have a letter at the level's position.

use super::{NumberTables, is_digits, wrong_length};
use crate::domain::level::SkillLevel;
use crate::domain::rule::{Malformed, Violation};
use crate::domain::text::Text;
use chrono::{Datelike, NaiveDate};
use std::fmt;

/// Last serial of one body, year and level.
pub const SERIAL_MAX: u32 = 999_999;

/// Positions 1-13: what the labour authority assigns to a body or site in its filing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SkillLevelPrefix(String);

impl SkillLevelPrefix {
    pub fn parse(text: &str, tables: &NumberTables) -> Result<Self, Malformed> {
        let prefix = super::normalised(text);
        if prefix.chars().count() != 13 || !prefix.is_ascii() {
            return Err(wrong_length(prefix.chars().count(), 13));
        }
        let letter = prefix.chars().next().unwrap_or(' ');
        if !tables.body_letters.contains(&letter) {
            return Err(Malformed::new(
                format!("letter {letter:?} found at position 1, one of {:?} expected", tables.body_letters),
                format!("第 1 位为 {letter:?}，应为 {:?} 之一", tables.body_letters),
            ));
        }
        if !is_digits(&prefix[1..]) {
            return Err(Malformed::new("digits expected at positions 2 to 13", "第 2 至 13 位应为数字"));
        }
        if !tables.provinces.iter().any(|province| province == &prefix[5..7]) {
            return Err(Malformed::new(
                format!("{} found at positions 6-7, a province of GB/T 2260 expected", &prefix[5..7]),
                format!("第 6-7 位为 {}，应为 GB/T 2260 省级代码", &prefix[5..7]),
            ));
        }
        Ok(SkillLevelPrefix(prefix))
    }

    /// `Y` employer, `S` social assessment body.
    pub fn letter(&self) -> char {
        self.0.chars().next().expect("thirteen characters were parsed")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A number of 22 characters, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkillLevelNumber {
    prefix: SkillLevelPrefix,
    year: u8,
    level_character: char,
    serial: u32,
}

impl SkillLevelNumber {
    pub fn parse(text: &str, tables: &NumberTables) -> Result<Self, Malformed> {
        let number = super::normalised(text);
        let count = number.chars().count();
        if count != 22 || !number.is_ascii() {
            return Err(wrong_length(count, 22));
        }
        let prefix = SkillLevelPrefix::parse(&number[..13], tables)?;
        if !is_digits(&number[13..15]) {
            return Err(Malformed::new("two digits of the year expected at positions 14-15", "第 14-15 位应为两位年份"));
        }
        let level_character = number.as_bytes()[15] as char;
        if !matches!(level_character, '1'..='5' | 'A'..='Z') {
            return Err(Malformed::new(
                format!("level {level_character:?} found at position 16; 5 to 1, or a letter for the two top steps expected"),
                format!("第 16 位等级为 {level_character:?}，应为 5 至 1，或最高两级的字母"),
            ));
        }
        if !is_digits(&number[16..]) {
            return Err(Malformed::new("six digits expected at positions 17-22", "第 17-22 位应为六位数字"));
        }
        let serial: u32 = number[16..].parse().expect("six digits were just found");
        if serial == 0 {
            return Err(Malformed::new("serial 000000 found, 000001 or above expected", "流水号为 000000，应从 000001 起"));
        }
        let year = number[13..15].parse().expect("two digits were just found");
        Ok(SkillLevelNumber { prefix, year, level_character, serial })
    }

    /// Puts a number together. None when the level has no character or the serial does not fit in six digits.
    pub fn compose(prefix: &SkillLevelPrefix, issued_on: NaiveDate, level: SkillLevel, serial: u32) -> Option<Self> {
        let level_character = level.number_character()?;
        (1..=SERIAL_MAX).contains(&serial).then(|| SkillLevelNumber { prefix: prefix.clone(), year: (issued_on.year() % 100) as u8, level_character, serial })
    }

    pub fn prefix(&self) -> &SkillLevelPrefix {
        &self.prefix
    }

    /// None for a letter that the table of levels does not know.
    pub fn level(&self) -> Option<SkillLevel> {
        SkillLevel::from_number_character(self.level_character)
    }

    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// IS-5: what the number says must agree with the record. Each disagreement is a finding of its own.
    pub fn disagreements(&self, assigned: &SkillLevelPrefix, issued_on: NaiveDate, level: SkillLevel) -> Vec<Violation> {
        let mut findings = Vec::new();
        let mut add = |positions: &'static str, found: String, expected: String| {
            if found != expected {
                let detail = Text::new(
                    format!("positions {positions} of the number are {found}, {expected} expected"),
                    format!("证书编号第 {positions} 位为 {found}，应为 {expected}"),
                );
                findings.push(Violation::deny("IS-5", detail).at("certificate_number").fact("positions", positions).fact("found", found).fact("expected", expected));
            }
        };
        add("1", self.prefix.letter().to_string(), assigned.letter().to_string());
        add("2-13", self.prefix.0[1..].to_owned(), assigned.0[1..].to_owned());
        add("14-15", format!("{:02}", self.year), format!("{:02}", issued_on.year() % 100));
        add("16", self.level_character.to_string(), level.number_character().map(String::from).unwrap_or_default());
        findings
    }
}

impl fmt::Display for SkillLevelNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:02}{}{:06}", self.prefix.0, self.year, self.level_character, self.serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SkillLevelNumber, Malformed> {
        SkillLevelNumber::parse(text, &NumberTables::published())
    }

    fn day(year: i32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, 3, 1).unwrap()
    }

    #[test]
    fn the_worked_examples_of_section_1_hold() {
        let number = parse("S000032000001243000012").unwrap();
        assert_eq!((number.prefix().letter(), number.level(), number.serial()), ('S', Some(SkillLevel::Level3), 12));
        assert_eq!(parse("s000032000001243000012").unwrap().to_string(), "S000032000001243000012");
        assert_eq!(parse("Y000123000007195000001").unwrap().level(), Some(SkillLevel::Level5));
        assert_eq!(parse("Y00003200000124T000001").unwrap().level(), Some(SkillLevel::SpecialGrade));
        for (wrong, part) in [
            ("S000032000001246000012", "'6'"),
            ("S000099000001243000012", "99 found"),
            ("S000032000001240000012", "'0'"),
            ("S00003200000124300001", "21 characters"),
            ("S000032000001243000000", "000000"),
            ("J000032000001243000012", "'J'"),
        ] {
            let fault = parse(wrong).unwrap_err().0.en;
            assert!(fault.contains(part), "{wrong}: {fault}");
        }
    }

    #[test]
    fn a_composed_number_reads_back() {
        let prefix = SkillLevelPrefix::parse("S000032000001", &NumberTables::published()).unwrap();
        let number = SkillLevelNumber::compose(&prefix, day(2024), SkillLevel::Level3, 12).unwrap();
        assert_eq!(number.to_string(), "S000032000001243000012");
        assert_eq!(parse(&number.to_string()).unwrap(), number);
        assert!(SkillLevelNumber::compose(&prefix, day(2024), SkillLevel::Apprentice, 1).is_none());
        assert!(SkillLevelNumber::compose(&prefix, day(2024), SkillLevel::Level3, 0).is_none());
        assert!(SkillLevelNumber::compose(&prefix, day(2024), SkillLevel::Level3, SERIAL_MAX + 1).is_none());
    }

    #[test]
    fn each_disagreement_with_the_record_is_its_own_finding() {
        let number = parse("S000032000001243000012").unwrap();
        let own = SkillLevelPrefix::parse("S000032000001", &NumberTables::published()).unwrap();
        let other = SkillLevelPrefix::parse("Y000032000002", &NumberTables::published()).unwrap();
        assert!(number.disagreements(&own, day(2024), SkillLevel::Level3).is_empty());
        assert_eq!(number.disagreements(&other, day(2025), SkillLevel::Level4).len(), 4);
        assert_eq!(number.disagreements(&own, day(2025), SkillLevel::Level3)[0].facts[0].1, "14-15");
    }
}
