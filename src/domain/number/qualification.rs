//! Numbers of vocational qualification certificates: 16 digits.
//!
//! Source: 职业技能鉴定编码规则. Year (2), province or industry (2, a code table of its own), city (2), kind of testing body (1),
//! body serial (3), level (1), serial (5); there is no check digit. Shanghai's 13 digits are read with `000` in front.

use super::{is_digits, wrong_length};
use crate::domain::level::SkillLevel;
use crate::domain::rule::{Malformed, Violation};
use crate::domain::text::Text;
use chrono::{Datelike, NaiveDate};
use std::fmt;
use std::str::FromStr;

/// Last serial of one body, year and level.
pub const SERIAL_MAX: u32 = 99_999;

/// Positions 3-10: the code of the testing body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TestingBodyCode(String);

impl TestingBodyCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TestingBodyCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let code = text.trim();
        if code.len() != 8 || !is_digits(code) {
            return Err(Malformed::new("eight digits expected, as in 10012003", "应为 8 位数字，例如 10012003"));
        }
        if code.as_bytes()[4] > b'4' {
            return Err(Malformed::new(
                format!("kind of testing body {} found, 0 to 4 expected", &code[4..5]),
                format!("鉴定机构类别为 {}，应为 0 至 4", &code[4..5]),
            ));
        }
        Ok(TestingBodyCode(code.to_owned()))
    }
}

/// A number of 16 digits, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualificationNumber {
    year: u8,
    body: TestingBodyCode,
    level: SkillLevel,
    serial: u32,
}

impl QualificationNumber {
    /// Puts a number together. None when the level is not one of the five, or the serial does not fit in five digits.
    pub fn compose(body: &TestingBodyCode, issued_on: NaiveDate, level: SkillLevel, serial: u32) -> Option<Self> {
        let is_of_the_five = (SkillLevel::Level5..=SkillLevel::Level1).contains(&level);
        (is_of_the_five && (1..=SERIAL_MAX).contains(&serial)).then(|| QualificationNumber { year: (issued_on.year() % 100) as u8, body: body.clone(), level, serial })
    }

    pub fn level(&self) -> SkillLevel {
        self.level
    }

    pub fn body(&self) -> &TestingBodyCode {
        &self.body
    }

    pub fn serial(&self) -> u32 {
        self.serial
    }

    /// IS-5: what the number says must agree with the record. Each disagreement is a finding of its own.
    pub fn disagreements(&self, assigned: &TestingBodyCode, issued_on: NaiveDate, level: SkillLevel) -> Vec<Violation> {
        let parts = [
            ("1-2", format!("{:02}", self.year), format!("{:02}", issued_on.year() % 100)),
            ("3-10", self.body.0.clone(), assigned.0.clone()),
            ("11", self.level.as_str().to_owned(), level.as_str().to_owned()),
        ];
        parts
            .into_iter()
            .filter(|(_, found, expected)| found != expected)
            .map(|(positions, found, expected)| {
                let detail = Text::new(
                    format!("positions {positions} of the number are {found}, {expected} expected"),
                    format!("证书编号第 {positions} 位为 {found}，应为 {expected}"),
                );
                Violation::deny("IS-5", detail).at("certificate_number").fact("positions", positions).fact("found", found).fact("expected", expected)
            })
            .collect()
    }
}

impl FromStr for QualificationNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let mut number = super::normalised(text);
        if number.len() == 13 && is_digits(&number) {
            number.insert_str(0, "000");
        }
        let count = number.chars().count();
        if count != 16 {
            return Err(wrong_length(count, 16));
        }
        if !is_digits(&number) {
            return Err(Malformed::new("sixteen digits expected", "应为 16 位数字"));
        }
        let level_character = number.as_bytes()[10] as char;
        let level = SkillLevel::from_number_character(level_character).ok_or_else(|| {
            Malformed::new(format!("level {level_character} found at position 11, 5 to 1 expected"), format!("第 11 位等级为 {level_character}，应为 5 至 1"))
        })?;
        let serial: u32 = number[11..].parse().expect("five digits were just found");
        if serial == 0 {
            return Err(Malformed::new("serial 00000 found, 00001 or above expected", "流水号为 00000，应从 00001 起"));
        }
        Ok(QualificationNumber { year: number[..2].parse().expect("two digits were just found"), body: number[2..10].parse()?, level, serial })
    }
}

impl fmt::Display for QualificationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.number_character().expect("only the five levels with digits are parsed or composed");
        write!(f, "{:02}{}{}{:05}", self.year, self.body.0, level, self.serial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_of_section_2_holds() {
        let number: QualificationNumber = "1310012003300001".parse().unwrap();
        assert_eq!((number.level(), number.body().as_str(), number.serial()), (SkillLevel::Level3, "10012003", 1));
        assert_eq!(number.to_string(), "1310012003300001");
    }

    #[test]
    fn thirteen_digits_of_shanghai_are_read_with_zeroes_in_front() {
        let number: QualificationNumber = "0912003300001".parse().unwrap();
        assert_eq!(number.to_string(), "0000912003300001");
    }

    #[test]
    fn faults_are_named() {
        for wrong in ["1310012003600001", "1310015003300001", "1310012003300000", "131001200330001", "13100120033000AB"] {
            assert!(wrong.parse::<QualificationNumber>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_composed_number_reads_back_and_disagreements_are_listed() {
        let body: TestingBodyCode = "10012003".parse().unwrap();
        let day = NaiveDate::from_ymd_opt(2013, 5, 1).unwrap();
        let number = QualificationNumber::compose(&body, day, SkillLevel::Level3, 1).unwrap();
        assert_eq!(number.to_string(), "1310012003300001");
        assert!(QualificationNumber::compose(&body, day, SkillLevel::Chief, 1).is_none());
        let other: TestingBodyCode = "10012004".parse().unwrap();
        assert_eq!(number.disagreements(&other, NaiveDate::from_ymd_opt(2014, 1, 1).unwrap(), SkillLevel::Level4).len(), 3);
    }
}
