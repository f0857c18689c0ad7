//! Codes of the registry as people read them, in both languages: on pages, in workbooks and on paper.

use crate::domain::certificate::member_name;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::text::Language;

/// Code, English, Chinese.
const WORDS: &[(&str, &str, &str)] = &[
    // entries of the record
    ("registered", "Registered", "建档"),
    ("name_corrected", "Name corrected", "姓名更正"),
    ("document_added", "Identity document added", "新增证件"),
    ("enrolled", "Enrolled", "报名入班"),
    ("attended", "Attendance", "出勤"),
    ("class_result", "Result of a class", "结班结果"),
    ("candidate", "Registered for an assessment", "报名考核"),
    ("scored", "Scores", "考核成绩"),
    ("certificate_issued", "Certificate issued", "取得证书"),
    ("certificate_corrected", "Certificate corrected", "证书更正"),
    ("status_changed", "Status of a certificate changed", "证书状态变更"),
    ("credits_posted", "Credits", "学分入账"),
    ("competition", "Competition", "竞赛获奖"),
    ("competition_annulled", "Competition result withdrawn", "竞赛成绩撤回"),
    ("exported", "File made", "文件生成"),
    ("merged", "Records joined", "档案合并"),
    ("merge_undone", "Records parted again", "撤销合并"),
    // parts and manners
    ("online", "online", "线上"),
    ("in_person", "in person", "线下"),
    ("theory", "theory", "理论"),
    ("practical", "practice", "实操"),
    ("passed", "passed", "合格"),
    ("failed", "failed", "不合格"),
    ("absent", "absent", "缺考"),
    // sources of credits
    ("award", "Awarded", "认定"),
    ("training", "Training", "培训"),
    ("certificate", "Certificate", "证书"),
    ("reversal", "Reversal", "冲正"),
    ("conversion", "Conversion", "兑换"),
    ("expiry", "Expired", "过期"),
    // what was looked at
    ("record", "Training record", "培训档案"),
    ("credits", "Credits", "学分"),
    ("certificates", "Certificates", "证书"),
    ("groups", "Priority groups", "重点群体"),
    ("share", "A link of yours", "您的分享链接"),
    ("access_code", "An access code was made", "生成了登录验证码"),
    ("consent", "with your consent", "经本人同意"),
    ("employment", "for an employment", "劳动用工需要"),
    ("photograph", "a paper with your photograph was made", "制作附照片的证书"),
    ("legal_duty", "by a duty of law", "法定职责"),
    // links and disputes
    ("open", "open", "有效"),
    ("expired", "expired", "已到期"),
    ("withdrawn", "withdrawn", "已撤回"),
    ("overdue", "overdue", "逾期未复"),
    ("answered", "answered", "已答复"),
    ("dispute_open", "waiting for an answer", "待答复"),
    ("dispute_overdue", "overdue", "逾期未复"),
    ("dispute_answered", "answered", "已答复"),
    ("upheld", "upheld", "异议成立"),
    ("rejected", "rejected", "异议不成立"),
    ("identity", "Name or documents", "姓名或证件"),
    ("class", "A class", "培训班"),
    ("attendance", "An attendance", "出勤"),
    ("session", "An assessment", "考核"),
    ("credit_entry", "A credit entry", "学分条目"),
    ("competition_result", "A competition result", "竞赛成绩"),
    // organisations and keys
    ("labour_authority", "Labour authority", "人社部门"),
    ("emergency_authority", "Emergency authority", "应急管理部门"),
    ("training_provider", "Training provider", "培训机构"),
    ("assessment_body", "Assessment body", "评价机构"),
    ("employer", "Employer", "用人单位"),
    ("registrar", "Registrar", "登记机关"),
    ("supervisor", "Supervisor", "监管人员"),
    ("auditor", "Auditor", "审计人员"),
    ("employer_body", "Employer as a body", "用人单位评价机构"),
    ("social_assessment_body", "Social assessment body", "社会培训评价组织"),
    ("active", "active", "正常"),
    ("suspended", "suspended", "已暂停"),
    ("exited", "exited", "已退出"),
    ("credentials", "credentials, receipts and lists", "证书、回执和状态列表"),
    ("tokens", "access tokens", "访问令牌"),
    ("log", "the public log", "公开日志"),
    ("witness", "witness of other logs", "见证其他日志"),
    // what a signal found
    ("day", "day", "日期"),
    ("started_at", "from", "开始"),
    ("ended_at", "to", "结束"),
    ("is_in_upload", "both in one upload", "均在同一次上报中"),
    ("recorded", "recorded already", "已有记录"),
    ("recorded_from", "from", "开始"),
    ("recorded_to", "to", "结束"),
    ("class_id", "class", "培训班编号"),
    ("other_class_id", "other class", "另一培训班"),
    ("merge_id", "joining of records", "档案合并编号"),
    ("overlaps", "overlaps", "重叠次数"),
    ("attendance_overlap", "In two places at once", "同一时间多处出勤"),
    // changes of status
    ("suspend", "suspend", "暂停"),
    ("resume", "resume", "恢复"),
    ("revoke", "revoke", "撤销"),
    ("cancel", "cancel", "注销"),
    ("withdraw", "withdraw", "撤回"),
    // jobs and their rows
    ("queued", "waiting", "等待中"),
    ("running", "running", "进行中"),
    ("finished", "finished", "已完成"),
    ("cancelled", "cancelled", "已取消"),
    ("issued", "issued", "已签发"),
    ("would_issue", "would be issued", "可以签发"),
    ("refused", "refused", "不予签发"),
    // types of training, and what they say
    ("pre_job_training", "Pre-job training", "岗前培训"),
    ("on_the_job_upgrade_training", "On-the-job upgrade", "岗位技能提升培训"),
    ("redeployment_training", "Redeployment", "转岗转业培训"),
    ("staff_exchange", "Staff exchange and practice", "岗位练兵、技术交流"),
    ("dispatched_worker_training", "Dispatched workers", "劳务派遣人员培训"),
    ("new_type_apprenticeship", "New-type apprenticeship", "企业新型学徒制"),
    ("modern_apprenticeship", "Modern apprenticeship", "现代学徒制"),
    ("training_through_work", "Training through work", "以工代训"),
    ("high_risk_safety_training", "High-risk safety", "高危行业安全技能培训"),
    ("project_based_training", "Project-based training", "项目制培训"),
    ("priority_group_training", "Priority groups", "重点群体免费培训"),
    ("trainee_placement", "Trainee placement", "见习培训"),
    ("start_up_training", "Start-up training", "创业培训"),
    ("farmer_training", "Farmers", "新型职业农民培育"),
    ("poverty_relief_training", "Poverty relief", "技能脱贫培训"),
    ("general_training", "General training", "其他培训"),
    ("regular", "Regular", "常规教学"),
    ("work_integrated_teaching", "Work-integrated teaching", "工学一体化"),
    ("internet_plus", "Internet plus", "“互联网+”培训"),
    ("training_package", "Training package", "职业培训包"),
    ("professional", "Professional knowledge and skills", "专业知识和技能"),
    ("professional_ethics", "Professional ethics", "职业道德"),
    ("law", "Law", "法律法规"),
    ("work_safety", "Work safety", "安全生产"),
    ("health", "Health", "卫生健康"),
    ("patriotism", "Patriotism and craftsmanship", "爱国主义与工匠精神"),
    ("chemicals", "Chemicals", "化工"),
    ("mining", "Mining", "矿山"),
    ("power", "Power", "电力"),
    ("metal_smelting", "Metal smelting", "金属冶炼"),
    ("explosives", "Explosives", "民爆、烟花爆竹"),
    ("environmental_protection", "Environmental protection", "环保"),
    ("employer_code", "Credit code of the employer", "用人单位信用代码"),
    ("user_enterprise_code", "Credit code of the user enterprise", "用工单位信用代码"),
    ("programme", "Programme", "专业"),
    ("months", "Months", "月数"),
    ("industry", "Industry", "行业"),
    ("contract_number", "Contract number", "合同编号"),
    ("price_fen", "Price in fen", "价格（分）"),
    ("advance_fen", "Advance in fen", "预付（分）"),
    ("placement_base_code", "Credit code of the placement base", "见习基地信用代码"),
    ("category", "Category", "类别"),
    ("department", "Department", "主管部门"),
    ("class_open", "open", "进行中"),
    ("class_closed", "closed", "已结班"),
    ("class_annulled", "declared false", "已作废"),
    // documents of workers
    ("resident_id", "Resident identity card", "居民身份证"),
    ("hk_macao_residence_permit", "Residence permit for Hong Kong and Macao residents", "港澳居民居住证"),
    ("taiwan_residence_permit", "Residence permit for Taiwan residents", "台湾居民居住证"),
    ("hk_macao_travel_permit", "Travel permit for Hong Kong and Macao residents", "港澳居民来往内地通行证"),
    ("taiwan_travel_permit", "Travel permit for Taiwan residents", "台湾居民来往大陆通行证"),
    ("passport", "Passport", "护照"),
    ("foreign_permanent_resident_id", "Foreign permanent resident card", "外国人永久居留身份证"),
    ("military_id", "Military identity card or other", "军官证及其他"),
    // facts behind a credit entry
    ("credited_hours", "Credited hours", "认定课时"),
    ("working", "Working", "计算过程"),
    ("name", "Name", "名称"),
    ("project", "Project", "项目"),
    ("level", "Level", "等级"),
    ("class_id", "Class", "培训班"),
    ("certificate_id", "Certificate", "证书"),
    ("reason", "Reason", "原因"),
    ("assessment", "Assessment", "考核"),
    ("figures", "Figures", "核算数据"),
    ("credit_hours", "Class hours of a credit", "每学分课时"),
    ("arithmetic", "Arithmetic", "计算"),
    ("planned_minutes", "Planned minutes", "计划分钟"),
    ("in_person_minutes", "Minutes in person", "线下分钟"),
    ("online_minutes", "Minutes online", "线上分钟"),
    ("practical_minutes", "Minutes of practice", "实操分钟"),
    ("concentrated_minutes", "Minutes of concentrated training", "集中培训分钟"),
    ("class_hour_minutes", "Minutes of a class hour", "每课时分钟"),
    ("online_factor_percent", "Online counts by, in percent", "线上折算比例（%）"),
    ("online_cap_percent", "Online at most, in percent", "线上上限（%）"),
    ("online_weighted_minutes", "Online minutes after that", "线上折算后分钟"),
    ("online_cap_minutes", "Online minutes at most", "线上上限分钟"),
    ("online_credited_minutes", "Online minutes credited", "线上认定分钟"),
    ("credited_minutes", "Minutes credited", "认定分钟"),
    ("hours_min", "Class hours at least", "最低课时"),
    ("attendance_percent", "Attendance, in percent", "出勤率（%）"),
    ("attendance_percent_min", "Attendance at least, in percent", "最低出勤率（%）"),
    ("rules_version", "Version of the rules", "规则版本"),
    ("certificate_kind", "Kind of certificate", "证书种类"),
    ("worth", "Worth", "标准学分"),
    ("class_credits", "Credits of the class", "培训已得学分"),
    ("combination", "How both count", "并计方式"),
    ("larger", "the larger one", "取较大者"),
    ("sum", "both", "两者相加"),
    ("are_spent", "Credits are spent", "是否扣减学分"),
    ("balance_before", "Balance before it", "兑换前余额"),
    ("entry", "Entry", "原条目"),
    ("id", "Identifier", "标识"),
    ("competition_result_id", "Competition result", "竞赛成绩"),
    ("decision_document", "Decision", "决定文号"),
    ("change", "Change", "变更"),
    ("competition_level", "Held by", "竞赛级别"),
    ("event", "Event", "赛项"),
    ("place", "Place", "名次"),
    ("open_university", "Open University credit bank", "国家开放大学学分银行"),
    ("technician_college", "Technician college, full-time course", "技工院校全日制课程"),
    // who held a competition
    ("national", "the country", "国家级"),
    ("provincial", "the province", "省级"),
    ("municipal", "the city", "市级"),
    // lists of the catalogue
    ("list_occupations", "Occupations", "职业分类"),
    ("list_levels", "Skill levels", "技能等级"),
    ("list_certificate_kinds", "Kinds of certificates", "证书种类"),
    ("list_regions", "Administrative divisions", "行政区划"),
    ("list_former_regions", "Former divisions of Jiangsu", "江苏历史区划"),
    ("list_provinces", "Provinces", "省级区划"),
    ("list_entry_class_items", "Entry-class qualifications", "准入类职业资格"),
    ("list_special_operations", "Special operations", "特种作业"),
    ("list_holidays", "Holidays and working weekends", "节假日与调休"),
    ("list_assessment_body_letters", "Letters of assessment bodies", "评价机构类别字母"),
    ("list_qualification_number_provinces", "Provinces in qualification numbers", "职业资格证书编号省份代码"),
    ("list_training_projects", "Training projects", "培训项目"),
    ("list_training_rules", "Rules of hours and credits", "课时与学分规则"),
    ("list_credit_values", "Credit values", "学分标准"),
    ("list_credit_programmes", "Programmes that take credits", "学分兑换项目"),
];

/// Fields as people call them where a refusal names one: code, English, Chinese. Some codes mean something else elsewhere.
const FIELDS: &[(&str, &str, &str)] = &[
    ("abilities", "Specific abilities", "专项职业能力"),
    ("ability", "Specific ability", "专项职业能力"),
    ("body_kind", "Kind of body", "机构类型"),
    ("candidates", "Candidate", "考生"),
    ("card", "Card number of an assessor", "考评员证卡号"),
    ("certificate_ids", "Certificates", "证书"),
    ("certificate_kinds", "Kinds of certificates", "证书种类"),
    ("class_id", "Class", "培训班"),
    ("class_type", "Type of training", "培训类型"),
    ("comprehensive", "Comprehensive review", "综合评审"),
    ("country", "Country", "国家或地区"),
    ("decision_document", "Decision document", "决定文号"),
    ("document_number", "Document number", "证件号码"),
    ("document_type", "Kind of document", "证件类型"),
    ("employer_code", "Credit code of the employer", "用人单位信用代码"),
    ("employment", "Form of employment", "考生类别"),
    ("ended_at", "End", "结束时间"),
    ("file", "File", "文件"),
    ("first_on", "First day", "首日"),
    ("grade", "Grade", "考评员等级"),
    ("ground", "Ground", "查询依据"),
    ("held_on", "Held on", "举行日期"),
    ("instructors", "Instructors", "教师"),
    ("kinds", "Kinds", "机构职能"),
    ("last_day", "Last day", "截止日期"),
    ("last_on", "Last day", "末日"),
    ("level", "Level", "等级"),
    ("levels", "Levels", "等级"),
    ("method", "Method", "方式"),
    ("name", "Name", "名称或姓名"),
    ("number_prefix", "Prefix of the numbers", "编号前缀"),
    ("occupation_code", "Occupation code", "职业代码"),
    ("occupations", "Occupations and levels", "职业与等级"),
    ("panel", "Panel", "考评组"),
    ("parts", "Parts", "科目"),
    ("photograph", "Photograph", "照片"),
    ("planned_practical_minutes", "Planned minutes of practice", "计划实操分钟数"),
    ("planned_theory_minutes", "Planned minutes of theory", "计划理论分钟数"),
    ("practical", "Practice", "操作技能"),
    ("project_code", "Project code", "项目编码"),
    ("purpose", "Purpose", "用途"),
    ("reason", "Reason", "原因"),
    ("region_code", "Region", "地区"),
    ("role", "Role", "角色"),
    ("site", "Site", "地点"),
    ("sites", "Sites", "考点"),
    ("started_at", "Beginning", "开始时间"),
    ("statement", "Statement", "陈述"),
    ("subject_id", "What is contested", "异议对象"),
    ("subject_kind", "What is contested", "异议对象"),
    ("theory", "Theory", "理论知识"),
    ("unified_social_credit_code", "Unified social credit code", "统一社会信用代码"),
    ("until", "Until", "截至"),
    ("valid_from", "Valid from", "有效期起"),
    ("valid_to", "Valid to", "有效期至"),
];

/// What people call the field that a refusal names by its path, such as `panel[1].grade` or `card_2`; None for one that has no words.
pub fn field(path: &str, language: Language) -> Option<String> {
    let parts: Vec<&str> = path.split('.').collect();
    let (last, before) = parts.split_last()?;
    let named = field_part(last, language)?;
    // Of what it belongs to, only which one of several is told.
    let outer = before.iter().filter(|part| part.contains('[')).filter_map(|part| field_part(part, language));
    Some(outer.chain([named]).collect::<Vec<_>>().join(" · "))
}

fn field_part(part: &str, language: Language) -> Option<String> {
    let (name, place) = part.split_once('[').map_or((part, None), |(name, rest)| (name, rest.split(']').next().and_then(|index| index.parse::<usize>().ok())));
    let (stem, number) = name.rsplit_once('_').filter(|(_, number)| number.parse::<u8>().is_ok()).unwrap_or((name, ""));
    let own = FIELDS.iter().find(|(known, ..)| *known == stem).map(|(_, en, zh)| if language == Language::Chinese { *zh } else { *en }.to_owned());
    let elsewhere = || [word(stem, language), member_name(stem).in_language(language).to_owned()].into_iter().find(|known| known != stem);
    let named = format!("{} {number}", own.or_else(elsewhere)?).trim_end().to_owned();
    // People count from one.
    Some(match (place.map(|index| index + 1), language) {
        (None, _) => named,
        (Some(place), Language::Chinese) => format!("{named}（第 {place} 项）"),
        (Some(place), Language::English) => format!("{named} (no. {place})"),
    })
}

/// A code in words; a code without words stays as it is.
pub fn word(code: &str, language: Language) -> String {
    let known = WORDS.iter().find(|(known, ..)| *known == code).map(|(_, en, zh)| (*en, *zh));
    let kind = || code.parse::<CertificateKind>().ok().map(|kind| (kind.name_en(), kind.name_zh()));
    let Some((en, zh)) = known.or_else(kind) else { return code.to_owned() };
    match language {
        Language::English => en.to_owned(),
        Language::Chinese => zh.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_named_by_the_end_of_its_path_and_by_its_own_meaning() {
        let zh = |path: &str| field(path, Language::Chinese);
        assert_eq!(zh("particulars.employer_code").as_deref(), Some("用人单位信用代码"));
        assert_eq!(zh("card_2").as_deref(), Some("考评员证卡号 2"));
        assert_eq!((zh("candidates[3].employment").as_deref(), word("employment", Language::Chinese).as_str()), (Some("考生（第 4 项） · 考生类别"), "劳动用工需要"));
        assert_eq!((zh("occupations[0].levels[1]").as_deref(), field("panel[1].grade", Language::English).as_deref()), (Some("职业与等级（第 1 项） · 等级（第 2 项）"), Some("Panel (no. 2) · Grade")));
        assert_eq!((zh("row 6, document_number"), zh("x"), zh("category").as_deref()), (None, None, Some("类别")));
    }
}
