//! Classes: the types of training that the city's plan names, what each must say, and who may be a trainee (HR-2, HR-3, HR-6, HR-7).
//!
//! Source: 宁政办发〔2019〕53号, sections 1 to 4, 7, 8 and 10.

use super::credit_code::UnifiedSocialCreditCode;
use super::level::SkillLevel;
use super::organisation::names;
use super::rule::{Violation, invalid};
use super::text::Text;
use super::training_rules::TrainingRules;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A type of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassType {
    /// 岗前培训: new staff; the enterprise names the occupation (SU-10).
    PreJob,
    /// 岗位技能提升培训.
    OnTheJobUpgrade,
    /// 转岗转业培训.
    Redeployment,
    /// 岗位练兵, 技术交流.
    StaffExchange,
    /// 劳务派遣人员培训: agency and user enterprise are both named.
    DispatchedWorkers,
    /// 企业新型学徒制: agreement, mentor, target level (SU-7, HR-7).
    NewTypeApprenticeship,
    /// 现代学徒制: students at school.
    ModernApprenticeship,
    /// 以工代训: months of work (SU-9).
    TrainingThroughWork,
    /// 高危行业领域安全技能提升 (SU-6).
    HighRiskSafety,
    /// 项目制培训: a package with a price (SU-8).
    ProjectBased,
    /// 免费职业技能培训 for priority groups.
    PriorityGroups,
    /// 见习培训 at a placement base (SU-17).
    TraineePlacement,
    /// 创业培训, by category (SU-5).
    StartUp,
    /// 新型职业农民培育, another department's.
    Farmers,
    /// 技能脱贫, 东西部扶贫协作: the region of origin counts.
    PovertyRelief,
    /// Anything else that a worker learns.
    General,
}

names!(ClassType {
    PreJob => "pre_job_training",
    OnTheJobUpgrade => "on_the_job_upgrade_training",
    Redeployment => "redeployment_training",
    StaffExchange => "staff_exchange",
    DispatchedWorkers => "dispatched_worker_training",
    NewTypeApprenticeship => "new_type_apprenticeship",
    ModernApprenticeship => "modern_apprenticeship",
    TrainingThroughWork => "training_through_work",
    HighRiskSafety => "high_risk_safety_training",
    ProjectBased => "project_based_training",
    PriorityGroups => "priority_group_training",
    TraineePlacement => "trainee_placement",
    StartUp => "start_up_training",
    Farmers => "farmer_training",
    PovertyRelief => "poverty_relief_training",
    General => "general_training",
});

/// How a class is taught (section 7 of the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Regular,
    WorkIntegratedTeaching,
    TrainingPackage,
    InternetPlus,
}

names!(Method {
    Regular => "regular",
    WorkIntegratedTeaching => "work_integrated_teaching",
    TrainingPackage => "training_package",
    InternetPlus => "internet_plus",
});

/// What a module of a class is about: the trade itself, or what runs through all training (section 8 of the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleKind {
    Professional,
    ProfessionalEthics,
    Law,
    WorkSafety,
    Health,
    Patriotism,
}

names!(ModuleKind {
    Professional => "professional",
    ProfessionalEthics => "professional_ethics",
    Law => "law",
    WorkSafety => "work_safety",
    Health => "health",
    Patriotism => "patriotism",
});

/// A high-risk industry (section 1 of the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HighRiskIndustry {
    Chemicals,
    Mining,
    Power,
    MetalSmelting,
    Explosives,
    EnvironmentalProtection,
}

names!(HighRiskIndustry {
    Chemicals => "chemicals",
    Mining => "mining",
    Power => "power",
    MetalSmelting => "metal_smelting",
    Explosives => "explosives",
    EnvironmentalProtection => "environmental_protection",
});

/// What a class says beside its plan; which members stand here depends on its type. Money in fen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassParticulars {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employer_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_enterprise_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub months: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_fen: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advance_fen: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement_base_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
}

/// Members of [`ClassParticulars`], in their order.
pub const CLASS_MEMBERS: [&str; 11] =
    ["employer_code", "user_enterprise_code", "programme", "months", "industry", "contract_number", "price_fen", "advance_fen", "placement_base_code", "category", "department"];

/// What an enrolment says of its trainee, by the type of the class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolmentParticulars {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employer_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_enterprise_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_from: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_to: Option<NaiveDate>,
    /// Card or staff number of the mentor; no name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mentor_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub student_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voucher_number: Option<String>,
    /// Region of origin, six digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_region_code: Option<String>,
}

/// A member that a type has; `true` where it must.
type Members = &'static [(&'static str, bool)];

impl ClassType {
    /// What a class of this type says.
    fn class_members(self) -> Members {
        match self {
            ClassType::PreJob | ClassType::OnTheJobUpgrade | ClassType::Redeployment | ClassType::StaffExchange => &[("employer_code", true)],
            ClassType::DispatchedWorkers => &[("employer_code", true), ("user_enterprise_code", true)],
            ClassType::NewTypeApprenticeship => &[("employer_code", true)],
            ClassType::ModernApprenticeship => &[("programme", true), ("employer_code", false)],
            ClassType::TrainingThroughWork => &[("employer_code", true), ("months", true)],
            ClassType::HighRiskSafety => &[("employer_code", true), ("industry", true)],
            ClassType::ProjectBased => &[("contract_number", true), ("price_fen", true), ("advance_fen", false)],
            ClassType::PriorityGroups | ClassType::General => &[],
            ClassType::TraineePlacement => &[("placement_base_code", true), ("months", true)],
            ClassType::StartUp => &[("category", true)],
            ClassType::Farmers => &[("department", true)],
            ClassType::PovertyRelief => &[("department", false)],
        }
    }

    /// Whether a class of this type says this of itself.
    pub fn asks_for(self, member: &str) -> bool {
        self.class_members().iter().any(|(known, _)| *known == member)
    }

    /// What an enrolment in a class of this type says.
    fn enrolment_members(self) -> Members {
        match self {
            ClassType::DispatchedWorkers => &[("employer_code", true), ("user_enterprise_code", true)],
            ClassType::NewTypeApprenticeship => &[("agreement_number", true), ("agreement_from", true), ("agreement_to", true), ("mentor_number", true), ("target_level", true)],
            ClassType::ModernApprenticeship => &[("student_number", true), ("agreement_number", false), ("mentor_number", false)],
            ClassType::PovertyRelief => &[("home_region_code", true)],
            _ => &[],
        }
    }
}

/// Members that do not belong to a type, and those it lacks.
fn member_findings(given: &impl Serialize, members: Members, field: &str, of: ClassType) -> Vec<Violation> {
    let given = serde_json::to_value(given).unwrap_or_default();
    let given: Vec<&String> = given.as_object().map(|members| members.keys().collect()).unwrap_or_default();
    let name = of.as_str();
    let foreign = given.iter().filter(|given| **given != "voucher_number" && !members.iter().any(|(known, _)| known == *given));
    let missing = members.iter().filter(|(member, is_required)| *is_required && !given.iter().any(|given| given == member));
    foreign
        .map(|given| invalid(format!("{field}.{given}"), Text::new(format!("{name} has no such member"), format!("{name} 没有该字段"))))
        .chain(missing.map(|(member, _)| invalid(format!("{field}.{member}"), Text::new(format!("expected for {name}"), format!("{name} 应填写该字段")))))
        .collect()
}

fn code_findings<'a>(codes: impl IntoIterator<Item = (&'a str, &'a Option<String>)>, field: &str) -> Vec<Violation> {
    let parsed = codes.into_iter().filter_map(|(name, code)| code.as_ref().map(|code| (name, code.parse::<UnifiedSocialCreditCode>())));
    parsed.filter_map(|(name, code)| code.err().map(|fault| invalid(format!("{field}.{name}"), fault.0))).collect()
}

/// A class as far as rules look at it.
#[derive(Debug, Clone)]
pub struct ClassPlan<'a> {
    pub class_type: ClassType,
    pub level: Option<SkillLevel>,
    pub first_on: NaiveDate,
    pub last_on: NaiveDate,
    pub planned_theory_minutes: i32,
    pub planned_practical_minutes: i32,
    pub particulars: &'a ClassParticulars,
}

impl ClassPlan<'_> {
    pub fn planned_minutes(&self) -> i32 {
        self.planned_theory_minutes + self.planned_practical_minutes
    }
}

/// Faults of form, each with its field.
pub fn plan_faults(plan: &ClassPlan<'_>) -> Vec<Violation> {
    let (given, of) = (plan.particulars, plan.class_type);
    let mut faults = member_findings(given, of.class_members(), "particulars", of);
    faults.extend(code_findings([("employer_code", &given.employer_code), ("user_enterprise_code", &given.user_enterprise_code), ("placement_base_code", &given.placement_base_code)], "particulars"));
    let mut add = |field: &str, en: &'static str, zh: &'static str| faults.push(invalid(field, Text::new(en, zh)));
    if plan.last_on < plan.first_on {
        add("last_on", "a day not before first_on expected", "结班日期不应早于开班日期");
    }
    if plan.planned_minutes() <= 0 && of != ClassType::TrainingThroughWork && of != ClassType::TraineePlacement {
        add("planned_theory_minutes", "planned minutes of theory or practical training expected", "应填写计划理论或实操时长");
    }
    if given.industry.as_ref().is_some_and(|industry| industry.parse::<HighRiskIndustry>().is_err()) {
        add("particulars.industry", "one of chemicals, mining, power, metal_smelting, explosives, environmental_protection expected", "应为所列高危行业之一");
    }
    if given.months.is_some_and(|months| !(1..=36).contains(&months)) {
        add("particulars.months", "1 to 36 months expected", "应为 1 至 36 个月");
    }
    if given.price_fen.is_some_and(|price| price <= 0) {
        add("particulars.price_fen", "a price above 0 expected", "价格应大于 0");
    }
    if given.advance_fen.is_some_and(|advance| advance < 0) {
        add("particulars.advance_fen", "an amount of 0 or more expected", "预付金额不应为负");
    }
    faults
}

/// What the rules say of a planned class: HR-2 denies, HR-3 warns; SU-8 and SU-9 on price and months.
pub fn plan_findings(plan: &ClassPlan<'_>, rules: &TrainingRules) -> Vec<Violation> {
    let mut findings = Vec::new();
    let (hours, least) = (rules.hours_of(plan.planned_minutes()), rules.hours_min(plan.level));
    if hours < least {
        let detail = Text::new(format!("{hours} class hours planned, at least {least} expected at this level"), format!("计划 {hours} 课时，该等级不少于 {least} 课时"));
        findings.push(Violation::deny("HR-2", detail).at("planned_theory_minutes").fact("hours", hours).fact("hours_min", least));
    }
    findings.extend(practical_share(plan.planned_practical_minutes, plan.planned_minutes(), plan.level, rules));
    let given = plan.particulars;
    if let (Some(price), Some(advance)) = (given.price_fen, given.advance_fen)
        && advance > price / 2
    {
        let detail = Text::new(format!("{advance} fen in advance found, at most half of {price} expected"), format!("预付 {advance} 分，不应超过 {price} 分的 50%"));
        findings.push(Violation::deny("SU-8", detail).at("particulars.advance_fen").fact("advance_fen", advance).fact("price_fen", price));
    }
    if plan.class_type == ClassType::TrainingThroughWork && given.months.is_some_and(|months| months > 6) {
        findings.push(Violation::deny("SU-9", Text::new("training through work lasts at most 6 months", "以工代训最长 6 个月")).at("particulars.months"));
    }
    findings
}

/// HR-3: "generally" at least so many per cent, so it warns. Classes without a level have no such share.
pub fn practical_share(practical: i32, total: i32, level: Option<SkillLevel>, rules: &TrainingRules) -> Option<Violation> {
    let least = rules.practical_percent_min;
    let is_enough = i64::from(practical) * 100 >= i64::from(total) * i64::from(least);
    (level.is_some() && !is_enough).then(|| {
        let detail = Text::new(format!("{practical} of {total} minutes are practical, at least {least}% expected"), format!("实操 {practical} 分钟，共 {total} 分钟，一般不低于 {least}%"));
        Violation::warn("HR-3", detail).fact("practical_minutes", practical).fact("minutes", total).fact("practical_percent_min", least)
    })
}

/// What is known of a worker who is to be a trainee.
#[derive(Debug, Clone, Copy)]
pub struct TraineeFacts<'a> {
    pub birth: Option<NaiveDate>,
    pub particulars: &'a EnrolmentParticulars,
    pub has_reason: bool,
}

/// Whether a worker may be put on the list of a class today: HR-6, PR-4, and what the type asks for.
pub fn enrolment_findings(plan: &ClassPlan<'_>, trainee: &TraineeFacts<'_>, today: NaiveDate, age_years_min: u32) -> Vec<Violation> {
    let (given, of) = (trainee.particulars, plan.class_type);
    let mut findings = member_findings(given, of.enrolment_members(), "particulars", of);
    findings.extend(code_findings([("employer_code", &given.employer_code), ("user_enterprise_code", &given.user_enterprise_code)], "particulars"));
    if let (Some(from), Some(to)) = (given.agreement_from, given.agreement_to)
        && to < from
    {
        findings.push(invalid("particulars.agreement_to", Text::new("a day not before agreement_from expected", "协议终止日期不应早于起始日期")));
    }
    if given.target_level.as_ref().is_some_and(|level| level.parse::<SkillLevel>().is_err()) {
        findings.push(invalid("particulars.target_level", Text::new("a level such as level4 expected", "应为等级，例如 level4")));
    }
    if of == ClassType::NewTypeApprenticeship && given.target_level.as_deref() == Some("level5") {
        findings.push(Violation::deny("SU-7", Text::new("an apprenticeship leads to level 4 or above", "新型学徒制的培养目标为四级及以上")).at("particulars.target_level"));
    }
    if today >= plan.first_on && !trainee.has_reason {
        let first = plan.first_on;
        let detail = Text::new(format!("the class begins on {first}; a trainee who is not on its list before that day needs a reason"), format!("培训班于 {first} 开班，当日起补录学员须说明理由"));
        findings.push(Violation::deny("HR-6", detail).at("reason").fact("first_on", first).fact("today", today));
    }
    if let Some(birth) = trainee.birth
        && super::document::age_on(birth, plan.first_on) < age_years_min
    {
        let detail = Text::new(format!("the worker is younger than {age_years_min} on the first day of the class"), format!("开班当日未满 {age_years_min} 周岁"));
        findings.push(Violation::deny("HR-6", detail).fact("age_years_min", age_years_min));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(level: Option<SkillLevel>, hours: (i32, i32), particulars: &ClassParticulars) -> ClassPlan<'_> {
        let day = |text: &str| text.parse().unwrap();
        ClassPlan { class_type: ClassType::General, level, first_on: day("2026-03-02"), last_on: day("2026-03-31"), planned_theory_minutes: hours.0 * 45, planned_practical_minutes: hours.1 * 45, particulars }
    }

    fn rules_of(findings: Vec<Violation>) -> Vec<&'static str> {
        findings.into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn the_worked_examples_of_hr_2_and_hr_3_hold() {
        let (none, rules) = (ClassParticulars::default(), TrainingRules::standard());
        let found = |level, theory, practical| rules_of(plan_findings(&plan(Some(level), (theory, practical), &none), &rules));
        assert_eq!(found(SkillLevel::Level4, 20, 32), ["HR-2"], "52 hours at level 4");
        assert!(found(SkillLevel::Level5, 16, 24).is_empty(), "40 hours at level 5");
        assert_eq!(found(SkillLevel::Level4, 23, 33), ["HR-3"], "33 of 56");
        assert!(found(SkillLevel::Level4, 22, 34).is_empty(), "34 of 56");
        assert!(rules_of(plan_findings(&plan(None, (3, 0), &none), &rules)).is_empty(), "no level, no minimum");
    }

    #[test]
    fn every_type_says_what_is_its_own_and_nothing_else() {
        let none = ClassParticulars::default();
        for class_type in ClassType::ALL {
            let lacking = plan_faults(&ClassPlan { class_type: *class_type, ..plan(None, (1, 1), &none) }).len();
            assert_eq!(lacking, class_type.class_members().iter().filter(|(_, is_required)| *is_required).count(), "{class_type:?}");
        }
        let foreign = ClassParticulars { months: Some(2), ..ClassParticulars::default() };
        assert_eq!(plan_faults(&plan(None, (1, 1), &foreign))[0].field.as_deref(), Some("particulars.months"));
    }

    #[test]
    fn half_of_a_price_may_be_paid_in_advance() {
        let rules = TrainingRules::standard();
        for (advance, expected) in [(225_000, vec![]), (225_001, vec!["SU-8"])] {
            let particulars = ClassParticulars { contract_number: Some("C1".into()), price_fen: Some(450_000), advance_fen: Some(advance), ..ClassParticulars::default() };
            assert_eq!(rules_of(plan_findings(&ClassPlan { class_type: ClassType::ProjectBased, ..plan(None, (1, 1), &particulars) }, &rules)), expected);
        }
    }

    #[test]
    fn late_trainees_need_a_reason_and_children_are_refused() {
        let (none, given) = (ClassParticulars::default(), EnrolmentParticulars::default());
        let found = |today: &str, birth: &str, has_reason| {
            rules_of(enrolment_findings(&plan(None, (1, 1), &none), &TraineeFacts { birth: birth.parse().ok(), particulars: &given, has_reason }, today.parse().unwrap(), 14))
        };
        assert!(found("2026-03-01", "1990-01-01", false).is_empty());
        assert_eq!(found("2026-03-02", "1990-01-01", false), ["HR-6"]);
        assert!(found("2026-03-02", "1990-01-01", true).is_empty());
        assert_eq!(found("2026-03-01", "2012-03-03", false), ["HR-6"]);
        assert!(found("2026-03-01", "2012-03-02", false).is_empty());
    }
}
