//! Codes of the registry as people read them, in both languages: on pages, in workbooks and on paper.

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
    ("legal_duty", "by a duty of law", "法定职责"),
    // links and disputes
    ("open", "open", "有效"),
    ("expired", "expired", "已到期"),
    ("withdrawn", "withdrawn", "已撤回"),
    ("overdue", "overdue", "逾期未复"),
    ("answered", "answered", "已答复"),
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
    ("exited", "exited", "已退出"),
    ("credentials", "credentials, receipts and lists", "证书、回执和状态列表"),
    ("tokens", "access tokens", "访问令牌"),
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
    // facts behind a credit entry
    ("credited_hours", "Credited hours", "认定课时"),
    ("working", "Working", "计算过程"),
    ("name", "Name", "名称"),
    ("project", "Project", "项目"),
    ("level", "Level", "等级"),
    ("class_id", "Class", "培训班"),
    ("certificate_id", "Certificate", "证书"),
    ("reason", "Reason", "原因"),
];

/// A code in words; a code without words stays as it is.
pub fn word(code: &str, language: Language) -> String {
    let Some((_, en, zh)) = WORDS.iter().find(|(known, ..)| *known == code) else { return code.to_owned() };
    match language {
        Language::English => (*en).to_owned(),
        Language::Chinese => (*zh).to_owned(),
    }
}
