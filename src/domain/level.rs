//! The eight steps of skill. Numbers run downwards (level 1 is higher than level 5), so only ranks are compared.

use super::rule::Malformed;
use std::str::FromStr;

/// A skill level of the eight-step scheme (人社部发〔2022〕14号), in rising order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkillLevel {
    Apprentice,
    Level5,
    Level4,
    Level3,
    Level2,
    Level1,
    SpecialGrade,
    Chief,
}

impl SkillLevel {
    pub const ALL: [SkillLevel; 8] = [
        SkillLevel::Apprentice,
        SkillLevel::Level5,
        SkillLevel::Level4,
        SkillLevel::Level3,
        SkillLevel::Level2,
        SkillLevel::Level1,
        SkillLevel::SpecialGrade,
        SkillLevel::Chief,
    ];

    /// Grows with skill: 0 for apprentices to 7 for chief technicians.
    pub fn rank(self) -> u8 {
        self as u8
    }

    pub fn as_str(self) -> &'static str {
        match self {
            SkillLevel::Apprentice => "apprentice",
            SkillLevel::Level5 => "level5",
            SkillLevel::Level4 => "level4",
            SkillLevel::Level3 => "level3",
            SkillLevel::Level2 => "level2",
            SkillLevel::Level1 => "level1",
            SkillLevel::SpecialGrade => "special_grade",
            SkillLevel::Chief => "chief",
        }
    }

    pub fn name_zh(self) -> &'static str {
        match self {
            SkillLevel::Apprentice => "学徒工",
            SkillLevel::Level5 => "五级/初级工",
            SkillLevel::Level4 => "四级/中级工",
            SkillLevel::Level3 => "三级/高级工",
            SkillLevel::Level2 => "二级/技师",
            SkillLevel::Level1 => "一级/高级技师",
            SkillLevel::SpecialGrade => "特级技师",
            SkillLevel::Chief => "首席技师",
        }
    }

    pub fn name_en(self) -> &'static str {
        match self {
            SkillLevel::Apprentice => "Apprentice",
            SkillLevel::Level5 => "Junior worker (Level 5)",
            SkillLevel::Level4 => "Intermediate worker (Level 4)",
            SkillLevel::Level3 => "Senior worker (Level 3)",
            SkillLevel::Level2 => "Technician (Level 2)",
            SkillLevel::Level1 => "Senior technician (Level 1)",
            SkillLevel::SpecialGrade => "Special-grade technician",
            SkillLevel::Chief => "Chief technician",
        }
    }

    /// A level as people write it: its code, its character, its name or one of the two parts of that, such as 四级 or 中级工.
    pub fn of_words(text: &str) -> Option<SkillLevel> {
        let is_it = |level: &SkillLevel| {
            let character = level.number_character().is_some_and(|character| text.chars().eq([character]));
            level.as_str() == text || character || level.name_zh() == text || level.name_zh().split('/').any(|part| part == text)
        };
        Self::ALL.into_iter().find(is_it)
    }

    /// The character at the level's position in a certificate number; apprentices have none.
    ///
    /// The letters of the two top steps follow from the published form but are not confirmed by a text (see the catalogue list `levels`).
    pub fn number_character(self) -> Option<char> {
        match self {
            SkillLevel::Apprentice => None,
            SkillLevel::Level5 => Some('5'),
            SkillLevel::Level4 => Some('4'),
            SkillLevel::Level3 => Some('3'),
            SkillLevel::Level2 => Some('2'),
            SkillLevel::Level1 => Some('1'),
            SkillLevel::SpecialGrade => Some('T'),
            SkillLevel::Chief => Some('S'),
        }
    }

    pub fn from_number_character(character: char) -> Option<SkillLevel> {
        Self::ALL.into_iter().find(|level| level.number_character() == Some(character))
    }

    /// IS-3: levels 2 and 1 also take a comprehensive review; the two steps above them inherit it.
    pub fn needs_comprehensive_review(self) -> bool {
        self >= SkillLevel::Level2
    }
}

impl FromStr for SkillLevel {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| {
            let codes = Self::ALL.map(SkillLevel::as_str).join(", ");
            let named = Self::ALL.map(|level| format!("{} {}", level.as_str(), level.name_zh())).join("、");
            Malformed::new(format!("one of {codes} expected"), format!("应为 {named} 之一"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_grow_with_skill() {
        assert!(SkillLevel::Level1 > SkillLevel::Level5);
        assert!(SkillLevel::Chief > SkillLevel::SpecialGrade);
        assert_eq!(SkillLevel::ALL.map(SkillLevel::rank), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
