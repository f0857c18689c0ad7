//! Organisations that train, assess, employ or supervise.


/// What an organisation does in the registry; one may do several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OrganisationKind {
    LabourAuthority,
    EmergencyAuthority,
    TrainingProvider,
    AssessmentBody,
    Employer,
}

/// Whether an organisation may act. SV-6: after exit nothing new; what was issued earlier stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrganisationState {
    Active,
    Suspended,
    Exited,
}

macro_rules! names {
    ($type:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $type {
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $text),+ }
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::domain::rule::Malformed;

            fn from_str(text: &str) -> Result<Self, crate::domain::rule::Malformed> {
                Self::ALL.iter().copied().find(|item| item.as_str() == text).ok_or_else(|| {
                    let names: Vec<_> = Self::ALL.iter().map(|item| item.as_str()).collect();
                    crate::domain::rule::Malformed::new(format!("one of {} expected", names.join(", ")), format!("应为 {} 之一", names.join("、")))
                })
            }
        }
    };
}
pub(crate) use names;

names!(OrganisationKind {
    LabourAuthority => "labour_authority",
    EmergencyAuthority => "emergency_authority",
    TrainingProvider => "training_provider",
    AssessmentBody => "assessment_body",
    Employer => "employer",
});

names!(OrganisationState {
    Active => "active",
    Suspended => "suspended",
    Exited => "exited",
});
