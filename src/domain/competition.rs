//! Skills competitions (技能竞赛).

use super::organisation::names;

/// Who holds a competition; the list of credit values goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompetitionLevel {
    National,
    Provincial,
    Municipal,
}

names!(CompetitionLevel {
    National => "national",
    Provincial => "provincial",
    Municipal => "municipal",
});

impl CompetitionLevel {
    pub fn name_zh(self) -> &'static str {
        match self {
            CompetitionLevel::National => "国家级",
            CompetitionLevel::Provincial => "省级",
            CompetitionLevel::Municipal => "市级",
        }
    }
}
