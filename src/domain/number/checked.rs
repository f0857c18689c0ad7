//! The registry's own numbers, for kinds that have no national rule: specific ability and training completion.
//!
//! Fourteen characters: a letter for the kind (`N` 能力, `P` 培训), two digits of the year, ten characters of chance, one check
//! character. Alphabet and check are those of the unified social credit code (GB 32100-2015), which every clerk's software knows:
//! no I, O, S, V, Z, and every single wrong character and every swap of two neighbours is caught.

use crate::domain::certificate_kind::CertificateKind;
use crate::domain::credit_code::{ALPHABET, check_character};
use crate::domain::rule::Malformed;
use chrono::{Datelike, NaiveDate};
use std::fmt;
use std::str::FromStr;

const LENGTH: usize = 14;
const CHANCE_LENGTH: u32 = 10;

/// A number of the registry's own scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedNumber(String);

impl CheckedNumber {
    /// Puts a number together from 128 bits of chance. None for kinds that have another scheme.
    pub fn compose(kind: CertificateKind, issued_on: NaiveDate, chance: u128) -> Option<Self> {
        let letter = match kind {
            CertificateKind::SpecificAbility => 'N',
            CertificateKind::TrainingCompletion => 'P',
            _ => return None,
        };
        let mut text = format!("{letter}{:02}", issued_on.year() % 100);
        let mut rest = chance;
        for _ in 0..CHANCE_LENGTH {
            text.push(ALPHABET[(rest % 31) as usize] as char);
            rest /= 31;
        }
        text.push(check_character(&text).expect("every character comes from the alphabet"));
        Some(CheckedNumber(text))
    }
}

impl FromStr for CheckedNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let number = super::normalised(text);
        let count = number.chars().count();
        if count != LENGTH || !number.is_ascii() {
            return Err(super::wrong_length(count, LENGTH));
        }
        if !matches!(number.as_bytes()[0], b'N' | b'P') || !super::is_digits(&number[1..3]) {
            return Err(Malformed::new("N or P and two digits of the year expected in front", "应以 N 或 P 加两位年份开头"));
        }
        let (body, found) = number.split_at(LENGTH - 1);
        let expected = check_character(body).ok_or_else(|| Malformed::new("a character outside the alphabet found (no I, O, S, V, Z)", "含有字母表以外的字符（不含 I、O、S、V、Z）"))?;
        if found != expected.to_string() {
            return Err(Malformed::new("the check character does not fit the characters before it", "校验码与前面的字符不符"));
        }
        Ok(CheckedNumber(number))
    }
}

impl fmt::Display for CheckedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, 1).unwrap()
    }

    proptest! {
        #[test]
        fn every_wrong_character_and_every_swap_is_caught(chance: u128, at in 1usize..LENGTH, to in 0usize..31) {
            let number = CheckedNumber::compose(CertificateKind::SpecificAbility, day(), chance).unwrap().to_string();
            prop_assert!(number.parse::<CheckedNumber>().is_ok());
            let mut wrong = number.clone().into_bytes();
            wrong[at] = ALPHABET[to];
            let wrong = String::from_utf8(wrong).unwrap();
            prop_assert_eq!(wrong.parse::<CheckedNumber>().is_ok(), wrong == number);
            let mut swapped = number.clone().into_bytes();
            swapped.swap(at - 1, at);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(swapped.parse::<CheckedNumber>().is_ok(), swapped == number);
        }
    }

    #[test]
    fn kinds_with_another_scheme_get_no_number_here() {
        assert!(CheckedNumber::compose(CertificateKind::SkillLevel, day(), 1).is_none());
        assert!(CheckedNumber::compose(CertificateKind::TrainingCompletion, day(), 1).unwrap().to_string().starts_with("P26"));
    }
}
