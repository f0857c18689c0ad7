//! Numbers of special operations work permits: `T` and the holder's identity number.
//!
//! Source: ZWFW C0210-2021. The number discloses the identity number, so it is masked, sealed and hashed exactly like one; and a
//! worker's several permits share it, so that the number alone is not a key.

use crate::domain::document::ResidentIdNumber;
use crate::domain::rule::Malformed;
use chrono::NaiveDate;
use std::fmt;

/// `T` followed by an 18-character identity number. `Debug` and `Display` show the masked form.
#[derive(Clone, PartialEq, Eq)]
pub struct PermitNumber(ResidentIdNumber);

impl PermitNumber {
    pub fn parse(text: &str, today: NaiveDate) -> Result<Self, Malformed> {
        let number = super::normalised(text);
        let tail = number.strip_prefix('T').ok_or_else(|| Malformed::new("T and an 18-character identity number expected", "应为 T 加 18 位公民身份号码"))?;
        ResidentIdNumber::parse(tail, today).map(PermitNumber)
    }

    pub fn of_holder(holder: &ResidentIdNumber) -> Self {
        PermitNumber(holder.clone())
    }

    /// The number in clear. Personal data.
    pub fn clear(&self) -> String {
        format!("T{}", self.0.as_str())
    }

    /// PR-2: `T`, then as an identity number.
    pub fn masked(&self) -> String {
        format!("T{}", self.0.masked())
    }
}

impl fmt::Display for PermitNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for PermitNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_an_identity_number_and_stays_hidden() {
        let today = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
        let number = PermitNumber::parse("t32010219000101001x", today).unwrap();
        assert_eq!(number.clear(), "T32010219000101001X");
        assert_eq!(format!("{number} {number:?}"), "T320***********001X T320***********001X");
        for wrong in ["T320102190001010011", "32010219000101001X", "T3201021900010100", "TS6A123456789"] {
            assert!(PermitNumber::parse(wrong, today).is_err(), "{wrong}");
        }
    }
}
