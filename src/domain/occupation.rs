//! Occupation codes. A code without the edition of its classification is not a key: codes moved between editions.

use super::rule::Malformed;
use std::fmt;
use std::str::FromStr;

/// Code of an occupation in one edition of 中华人民共和国职业分类大典, for example 6-31-01-03.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OccupationCode(String);

impl OccupationCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Engineering professionals of class 2 follow a separate scheme and get no 22-character number by default.
    pub fn is_professional(&self) -> bool {
        self.0.starts_with('2')
    }
}

impl fmt::Display for OccupationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OccupationCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let text = text.trim();
        let bytes = text.as_bytes();
        let is_code = bytes.len() == 10
            && (b'1'..=b'8').contains(&bytes[0])
            && [1, 4, 7].iter().all(|at| bytes[*at] == b'-')
            && [2, 3, 5, 6, 8, 9].iter().all(|at| bytes[*at].is_ascii_digit());
        if is_code {
            Ok(OccupationCode(text.to_owned()))
        } else {
            Err(Malformed::new("an occupation code of the form 6-31-01-03 expected", "应为形如 6-31-01-03 的职业编码"))
        }
    }
}

/// An occupation: the edition of the classification and the code in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Occupation {
    pub edition: String,
    pub code: OccupationCode,
}

impl fmt::Display for Occupation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.edition, self.code)
    }
}

impl FromStr for Occupation {
    type Err = Malformed;

    /// Reads the form `edition/code`, as in `2022/6-31-01-03`.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (edition, code) = text
            .split_once('/')
            .ok_or_else(|| Malformed::new("an edition, a slash and a code expected, as in 2022/6-31-01-03", "应为 版本/编码，例如 2022/6-31-01-03"))?;
        Ok(Occupation { edition: edition.to_owned(), code: code.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_four_parts() {
        assert!("6-31-01-03".parse::<OccupationCode>().is_ok());
        for wrong in ["9-31-01-03", "6-31-01-3", "6 31 01 03", "6-31-01-03-3", "", "六-31-01-03"] {
            assert!(wrong.parse::<OccupationCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_same_code_in_two_editions_is_two_occupations() {
        assert_ne!("2022/6-31-01-10".parse::<Occupation>().unwrap(), "2015/6-31-01-10".parse::<Occupation>().unwrap());
    }
}
