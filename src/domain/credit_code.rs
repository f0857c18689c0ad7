//! Unified social credit codes of organisations (GB 32100-2015).

use super::rule::Malformed;
use std::fmt;
use std::str::FromStr;

/// The 31 characters of GB 32100-2015: digits and capitals without I, O, S, V, Z.
pub const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Unified social credit code: 18 characters, the last one a check character. Source: GB 32100-2015.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnifiedSocialCreditCode(String);

/// The check character of GB 32100-2015 over any text of its alphabet: weights are powers of 3 modulo 31.
///
/// None when a character is not of the alphabet. Because 31 is prime and the weights of up to 30 positions differ, every single
/// wrong character and every swap of two neighbours changes it.
pub fn check_character(text: &str) -> Option<char> {
    let mut sum = 0u32;
    let mut weight = 1u32;
    for byte in text.bytes() {
        let value = ALPHABET.iter().position(|c| *c == byte)? as u32;
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    Some(ALPHABET[((31 - sum % 31) % 31) as usize] as char)
}

impl UnifiedSocialCreditCode {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UnifiedSocialCreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UnifiedSocialCreditCode {
    type Err = Malformed;

    /// Trims and upper-cases first. The first two characters may be letters.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let code = text.trim().to_uppercase();
        let count = code.chars().count();
        if count != 18 {
            return Err(Malformed::new(
                format!("{count} characters found, 18 expected (GB 32100-2015)"),
                format!("发现 {count} 个字符，应为 18 个（GB 32100-2015）"),
            ));
        }
        if let Some(stranger) = code.chars().find(|c| !c.is_ascii() || !ALPHABET.contains(&(*c as u8))) {
            return Err(Malformed::new(
                format!("character {stranger:?} found; digits and capitals without I, O, S, V, Z expected (GB 32100-2015)"),
                format!("含有字符 {stranger:?}；应为数字及除 I、O、S、V、Z 以外的大写字母（GB 32100-2015）"),
            ));
        }
        let (body, found) = code.split_at(17);
        let expected = check_character(body).expect("every character was just found in the alphabet");
        if found != expected.to_string() {
            return Err(Malformed::new(
                format!("check character {found} found, {expected} expected (GB 32100-2015)"),
                format!("校验码为 {found}，应为 {expected}（GB 32100-2015）"),
            ));
        }
        Ok(UnifiedSocialCreditCode(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_examples_hold() {
        for valid in ["91320102MA0TEXAM3X", "93320115MA0AAAAA3M", "52320100000000027X", "123200000000000192", "113201000000000350"] {
            assert_eq!(valid.parse::<UnifiedSocialCreditCode>().unwrap().as_str(), valid);
        }
        assert_eq!(check_character("91320102MA0TEXAM3"), Some('X'));
    }

    #[test]
    fn letters_at_the_front_are_legal() {
        let body = "N1320102MA0TEXAM3";
        let code = format!("{body}{}", check_character(body).unwrap());
        assert!(code.parse::<UnifiedSocialCreditCode>().is_ok());
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |text: &str| text.parse::<UnifiedSocialCreditCode>().unwrap_err().0.en;
        assert!(fault("91320102MA0TEXAM30").contains("check character 0 found, X expected"));
        assert!(fault("91320102MAOTEXAM3X").contains("'O'"));
        assert!(fault("91320102MA0TEXAM3").contains("17 characters"));
        assert!(fault("９1320102MA0TEXAM3X").contains('９'));
    }
}
