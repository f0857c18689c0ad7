//! Groups that the city trains free of charge or pays more for, each membership with its days and its proof (SU-15, SU-19).
//!
//! Source: 宁政办发〔2019〕53号, sections 2, 3 and 10. Membership is sensitive personal data (PR-3).

use super::organisation::names;
use serde::{Deserialize, Serialize};

/// A priority group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PriorityGroup {
    PoorHouseholdWorker,
    ChildOfPoorHousehold,
    RegisteredLowIncomeFarmHousehold,
    MinimumLivingAllowanceRecipient,
    PersonHardToEmploy,
    ZeroEmploymentHouseholdMember,
    SchoolLeaverNotContinuing,
    RuralMigrantWorker,
    LaidOffOrUnemployed,
    RedeployedEmployee,
    Veteran,
    DisabledPerson,
    SeverelyDisabledPerson,
    CapacityCutUnemployed,
    ReturnedMigrantWorker,
    LocalCraftTalent,
    CollegeGraduate,
}

names!(PriorityGroup {
    PoorHouseholdWorker => "poor_household_worker",
    ChildOfPoorHousehold => "child_of_poor_household",
    RegisteredLowIncomeFarmHousehold => "registered_low_income_farm_household",
    MinimumLivingAllowanceRecipient => "minimum_living_allowance_recipient",
    PersonHardToEmploy => "person_hard_to_employ",
    ZeroEmploymentHouseholdMember => "zero_employment_household_member",
    SchoolLeaverNotContinuing => "school_leaver_not_continuing",
    RuralMigrantWorker => "rural_migrant_worker",
    LaidOffOrUnemployed => "laid_off_or_unemployed",
    RedeployedEmployee => "redeployed_employee",
    Veteran => "veteran",
    DisabledPerson => "disabled_person",
    SeverelyDisabledPerson => "severely_disabled_person",
    CapacityCutUnemployed => "capacity_cut_unemployed",
    ReturnedMigrantWorker => "returned_migrant_worker",
    LocalCraftTalent => "local_craft_talent",
    CollegeGraduate => "college_graduate",
});

/// What is sealed of a membership: the group, and who certified it by what document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub group: String,
    pub certified_by: String,
    pub proof_document: String,
}
