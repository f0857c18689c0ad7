//! Names of people: one normal form, and the masked form that answers show.

use super::rule::Malformed;
use std::fmt;
use std::str::FromStr;
use unicode_normalization::UnicodeNormalization;

/// A person's name as on the document, normalised by VE-4: trimmed, full-width to half-width, one kind of middle dot.
///
/// `Debug` shows the masked form, so that a name cannot slip into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonName(String);

/// Longest name accepted, in characters: romanised names of minorities and foreigners fit well within it.
const CHARACTERS_MAX: usize = 64;

/// The middle dots and look-alikes that people type between the parts of a name.
const MIDDLE_DOTS: &[char] = &['•', '‧', '∙', '⋅', '・', '･', '●', '．', '\u{2022}', '\u{0387}', '\u{16EB}'];

impl PersonName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// PR-2: the first character, and one star for each other.
    pub fn masked(&self) -> String {
        let mut characters = self.0.chars();
        let first = characters.next().expect("a name is never empty");
        std::iter::once(first).chain(characters.map(|_| '*')).collect()
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// VE-4 as a text function: what two names are compared by.
fn normalise(text: &str) -> String {
    // Compatibility composition folds full-width letters and spaces; it would also fold the full-width full stop to '.', so dots go first.
    let dotted: String = text.chars().map(|c| if MIDDLE_DOTS.contains(&c) { '·' } else { c }).collect();
    let folded: String = dotted.nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl FromStr for PersonName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_foreign_to_names = |c: char| {
            c.is_control() || c.is_numeric() && c.is_ascii() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '<' | '>')
        };
        if text.trim().chars().any(is_foreign_to_names) {
            return Err(Malformed::new(
                "a digit, control or invisible character found, letters and middle dots expected",
                "含有数字、控制字符或不可见字符，应为文字和间隔号",
            ));
        }
        let name = normalise(text);
        let count = name.chars().count();
        if count == 0 {
            return Err(Malformed::new("an empty name found, a name expected", "姓名为空"));
        }
        if count > CHARACTERS_MAX {
            return Err(Malformed::new(
                format!("{count} characters found, at most {CHARACTERS_MAX} expected"),
                format!("发现 {count} 个字符，最多 {CHARACTERS_MAX} 个"),
            ));
        }
        Ok(PersonName(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PersonName {
        text.parse().unwrap()
    }

    #[test]
    fn names_match_after_trimming_width_and_dots() {
        assert_eq!(name("  张三 "), name("张三"));
        assert_eq!(name("ＬＩ　Ｍｉｎｇ"), name("LI Ming"));
        for dot in ["·", "•", "‧", "・", "･", "．"] {
            assert_eq!(name(&format!("阿依古丽{dot}买买提")), name("阿依古丽·买买提"), "{dot}");
        }
    }

    #[test]
    fn nothing_fuzzy_matches() {
        assert_ne!(name("张三"), name("張三"));
        assert_ne!(name("Li Ming"), name("LiMing"));
    }

    #[test]
    fn masking_keeps_the_first_character() {
        assert_eq!(name("张三").masked(), "张*");
        assert_eq!(name("欧阳明").masked(), "欧**");
        assert_eq!(format!("{:?}", name("欧阳明")), "欧**");
    }

    #[test]
    fn hostile_names_are_refused() {
        for wrong in ["", "   ", "张\n三", "张\u{202e}三", "张\u{200b}三", "张3", "<b>"] {
            assert!(wrong.parse::<PersonName>().is_err(), "{wrong:?}");
        }
        assert!("张".repeat(65).parse::<PersonName>().is_err());
        assert!("张".repeat(64).parse::<PersonName>().is_ok());
    }
}
