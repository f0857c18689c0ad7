//! Certificate numbers: one file per family, and the list of them.
//!
//! A number proves nothing by itself; these types only say whether a text can be a number of its family and what its parts are.
//! To add a family: write its file, and add it to [`CertificateNumber::parse`].

pub mod checked;
pub mod qualification;
pub mod skill_level;
pub mod special_operation;
pub mod trial;

use super::rule::Malformed;
use checked::CheckedNumber;
use chrono::NaiveDate;
use qualification::QualificationNumber;
use skill_level::SkillLevelNumber;
use special_operation::PermitNumber;
use std::fmt;
use trial::TrialNumber;

/// The tables that number rules refer to. They are lists of the catalogue, so that a new letter or province needs no new program.
#[derive(Debug, Clone, Default)]
pub struct NumberTables {
    /// Letters of assessment bodies: `Y` employer, `S` social body.
    pub body_letters: Vec<char>,
    /// Two-digit provinces (GB/T 2260) that may stand in a skill level number.
    pub provinces: Vec<String>,
}

impl NumberTables {
    /// The tables as first published, for tests and for the first start.
    #[cfg(test)]
    pub fn published() -> Self {
        let provinces = "11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65";
        NumberTables { body_letters: vec!['Y', 'S'], provinces: provinces.split(' ').map(str::to_owned).collect() }
    }
}

/// A certificate number of any family that the registry can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateNumber {
    SkillLevel(SkillLevelNumber),
    Qualification(QualificationNumber),
    Checked(CheckedNumber),
    Permit(PermitNumber),
    Trial(TrialNumber),
}

impl CertificateNumber {
    /// Reads a number of any family; the first character and the length decide which.
    pub fn parse(text: &str, tables: &NumberTables, today: NaiveDate) -> Result<Self, Malformed> {
        let number = normalised(text);
        let first = number.chars().next().unwrap_or(' ');
        match (first, number.len()) {
            ('R', _) => number.parse().map(Self::Trial),
            ('T', _) => PermitNumber::parse(&number, today).map(Self::Permit),
            ('N' | 'P', _) => number.parse().map(Self::Checked),
            ('Y' | 'S', _) => SkillLevelNumber::parse(&number, tables).map(Self::SkillLevel),
            ('0'..='9', 13 | 16) => number.parse().map(Self::Qualification),
            _ => SkillLevelNumber::parse(&number, tables).map(Self::SkillLevel),
        }
    }
}

impl fmt::Display for CertificateNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SkillLevel(number) => number.fmt(f),
            Self::Qualification(number) => number.fmt(f),
            Self::Checked(number) => number.fmt(f),
            Self::Permit(number) => number.fmt(f),
            Self::Trial(number) => number.fmt(f),
        }
    }
}

/// What numbers are compared by: trimmed, half-width, upper case.
pub fn normalised(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    if text.is_ascii() {
        return text.trim().to_ascii_uppercase();
    }
    text.trim().nfkc().collect::<String>().to_uppercase()
}

fn wrong_length(found: usize, expected: usize) -> Malformed {
    Malformed::new(format!("{found} characters found, {expected} expected"), format!("发现 {found} 个字符，应为 {expected} 个"))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}
