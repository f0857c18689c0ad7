//! The kinds of certificates that the registry keeps.

use super::rule::Malformed;
use std::str::FromStr;

/// A kind of certificate. Source: 宁政办发〔2019〕53号, section 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CertificateKind {
    VocationalQualification,
    SkillLevel,
    SpecificAbility,
    TrainingCompletion,
    SpecialOperation,
}

impl CertificateKind {
    pub const ALL: [CertificateKind; 5] = [
        CertificateKind::VocationalQualification,
        CertificateKind::SkillLevel,
        CertificateKind::SpecificAbility,
        CertificateKind::TrainingCompletion,
        CertificateKind::SpecialOperation,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            CertificateKind::VocationalQualification => "vocational_qualification",
            CertificateKind::SkillLevel => "skill_level",
            CertificateKind::SpecificAbility => "specific_ability",
            CertificateKind::TrainingCompletion => "training_completion",
            CertificateKind::SpecialOperation => "special_operation",
        }
    }

    pub fn name_zh(self) -> &'static str {
        match self {
            CertificateKind::VocationalQualification => "职业资格证书",
            CertificateKind::SkillLevel => "职业技能等级证书",
            CertificateKind::SpecificAbility => "专项职业能力证书",
            CertificateKind::TrainingCompletion => "培训合格证书",
            CertificateKind::SpecialOperation => "特种作业操作证",
        }
    }

    pub fn name_en(self) -> &'static str {
        match self {
            CertificateKind::VocationalQualification => "Vocational qualification certificate",
            CertificateKind::SkillLevel => "Vocational skill level certificate",
            CertificateKind::SpecificAbility => "Specific vocational ability certificate",
            CertificateKind::TrainingCompletion => "Training completion certificate",
            CertificateKind::SpecialOperation => "Special operations work permit",
        }
    }

    /// Whether a certificate of this kind names an occupation and a level.
    pub fn has_level(self) -> bool {
        matches!(self, CertificateKind::VocationalQualification | CertificateKind::SkillLevel)
    }

    /// Whether its paper has a place for the holder's photograph (certificate-formats, section 12).
    pub fn has_photograph(self) -> bool {
        self != CertificateKind::TrainingCompletion
    }

    /// Whether it is earned in an assessment session of this registry.
    pub fn is_assessed(self) -> bool {
        matches!(self, CertificateKind::VocationalQualification | CertificateKind::SkillLevel | CertificateKind::SpecificAbility)
    }
}

impl FromStr for CertificateKind {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.as_str()).collect();
            Malformed::new(format!("one of {} expected", names.join(", ")), format!("应为 {} 之一", names.join("、")))
        })
    }
}
