//! The registry's own numbers, for kinds that have no national rule: specific ability and training completion.
//!
//! Fourteen characters: a letter for the kind (`N` 能力, `P` 培训), two digits of the year, seven characters of a serial, three of
//! chance, one check character. Alphabet and check are those of the unified social credit code (GB 32100-2015), which every clerk's
//! software knows: no I, O, S, V, Z, and every single wrong character and every swap of two neighbours is caught.
//!
//! The serial makes numbers unique without trying, and neighbours in time neighbours in an index; it shows the order of issue, as
//! national numbers do. The chance behind it leaves one in 29,791 to whoever guesses the next one; a number alone opens nothing (VE-1).

use crate::domain::certificate_kind::CertificateKind;
use crate::domain::credit_code::{ALPHABET, check_character};
use crate::domain::rule::Malformed;
use chrono::{Datelike, NaiveDate};
use std::fmt;
use std::str::FromStr;

const LENGTH: usize = 14;
/// 31^7 serials a year.
const SERIAL_LENGTH: u32 = 7;
const CHANCE_LENGTH: u32 = 3;

/// A number of the registry's own scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedNumber(String);

impl CheckedNumber {
    /// What stands before the serial: the letter of the kind and the year. None for kinds that have another scheme.
    pub fn series(kind: CertificateKind, issued_on: NaiveDate) -> Option<String> {
        let letter = match kind {
            CertificateKind::SpecificAbility => 'N',
            CertificateKind::TrainingCompletion => 'P',
            _ => return None,
        };
        Some(format!("{letter}{:02}", issued_on.year() % 100))
    }

    /// Puts a number together from a serial of its series and some chance. None when the series has no such serial.
    pub fn compose(series: &str, serial: u64, chance: u64) -> Option<Self> {
        let mut text = series.to_owned();
        if serial >= 31_u64.pow(SERIAL_LENGTH) {
            return None;
        }
        for (value, length) in [(serial, SERIAL_LENGTH), (chance, CHANCE_LENGTH)] {
            text.extend((0..length).rev().map(|place| ALPHABET[(value / 31_u64.pow(place) % 31) as usize] as char));
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
        fn every_wrong_character_and_every_swap_is_caught(serial in 0u64..31u64.pow(7), chance: u64, at in 1usize..LENGTH, to in 0usize..31) {
            let number = CheckedNumber::compose("N26", serial, chance).unwrap().to_string();
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
        assert_eq!(CheckedNumber::series(CertificateKind::SkillLevel, day()), None);
        assert_eq!(CheckedNumber::series(CertificateKind::TrainingCompletion, day()).as_deref(), Some("P26"));
    }

    #[test]
    fn numbers_stand_in_the_order_of_their_serials_and_end_with_the_last_one() {
        let numbers: Vec<String> = [1, 2, 30, 31, 961, 27_512_614_110].into_iter().map(|serial| CheckedNumber::compose("P26", serial, u64::MAX - serial).unwrap().to_string()).collect();
        assert!(numbers.is_sorted(), "{numbers:?}");
        assert!(numbers[0].starts_with("P260000001") && numbers.iter().all(|number| number.len() == LENGTH));
        assert_eq!(CheckedNumber::compose("P26", 27_512_614_111, 0), None);
    }
}
