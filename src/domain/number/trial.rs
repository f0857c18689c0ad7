//! The provincial trial form of level certificates: 20 characters, read but never issued.
//!
//! `R`, where filed (`G` ministry, `S` province, `C` city, `X` county), `N` employer or `W` third party, region (6), body (3),
//! year (2), level (1), serial (5).

use super::{is_digits, wrong_length};
use crate::domain::rule::Malformed;
use std::fmt;
use std::str::FromStr;

/// A number of the trial form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialNumber(String);

impl FromStr for TrialNumber {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let number = super::normalised(text);
        let count = number.chars().count();
        if count != 20 || !number.is_ascii() {
            return Err(wrong_length(count, 20));
        }
        let bytes = number.as_bytes();
        let is_trial = bytes[0] == b'R' && b"GSCX".contains(&bytes[1]) && b"NW".contains(&bytes[2]) && is_digits(&number[3..]) && (b'1'..=b'5').contains(&bytes[14]);
        if is_trial {
            Ok(TrialNumber(number))
        } else {
            Err(Malformed::new("R, one of G S C X, N or W, and 17 digits with a level 5 to 1 expected", "应为 R、G/S/C/X 之一、N 或 W，加 17 位数字且等级为 5 至 1"))
        }
    }
}

impl fmt::Display for TrialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_example_holds() {
        assert!("RSN32010000119300001".parse::<TrialNumber>().is_ok());
        for wrong in ["RZN32010000119300001", "RSA32010000119300001", "RSN32010000119600001", "RSN3201000011930000"] {
            assert!(wrong.parse::<TrialNumber>().is_err(), "{wrong}");
        }
    }
}
