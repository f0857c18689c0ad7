//! What a wallet needs to show a credential of plain claims (SD-JWT VC, section 4, "Type Metadata").

use crate::domain::certificate_kind::CertificateKind;
use serde_json::{Value, json};

/// Claims with their names on paper: name, Chinese, English. In the order of the paper.
const CLAIMS: &[(&str, &str, &str)] = &[
    ("name", "姓名", "Name"),
    ("document_type", "证件类型", "Identity document"),
    ("document_number", "证件号码", "Document number (masked)"),
    ("certificate_number", "证书编号", "Certificate number"),
    ("occupation_edition", "职业分类大典版本", "Edition of the occupational classification"),
    ("occupation_code", "职业编码", "Occupation code"),
    ("occupation_name", "职业名称", "Occupation"),
    ("job_type", "工种", "Speciality"),
    ("level", "技能等级", "Skill level"),
    ("ability", "专项职业能力", "Specific ability"),
    ("project", "培训项目", "Training project"),
    ("category", "作业类别", "Category of special operation"),
    ("item", "操作项目", "Operation item"),
    ("held_on", "评价日期", "Day of assessment"),
    ("theory_score", "理论知识成绩", "Theory score"),
    ("practical_score", "操作技能成绩", "Practical score"),
    ("comprehensive_score", "综合评审成绩", "Comprehensive review score"),
    ("issued_on", "发证日期", "Day of issue"),
    ("valid_to", "有效期至", "Last valid day"),
    ("review_due_on", "复审日期", "Review day"),
];

/// Where the type of a kind is described, which is also its name.
pub fn vct(public_url: &str, kind: CertificateKind) -> String {
    format!("{public_url}/credential_types/{}", kind.as_str())
}

/// The description of a kind's type.
pub fn document(public_url: &str, kind: CertificateKind) -> Value {
    let display = |zh: &str, en: &str, name: &str| json!([{ "locale": "zh-CN", name: zh }, { "locale": "en", name: en }]);
    let always = [("issuer_name", "发证机构", "Issuing body")].map(|claim| (claim, "never"));
    let claims: Vec<Value> = always
        .into_iter()
        .chain(CLAIMS.iter().map(|claim| (*claim, "always")))
        .map(|((name, zh, en), sd)| json!({ "path": [name], "display": display(zh, en, "label"), "sd": sd }))
        .collect();
    json!({
        "vct": vct(public_url, kind),
        "name": kind.name_en(),
        "description": format!("{} / {}", kind.name_zh(), kind.name_en()),
        "display": [
            { "locale": "zh-CN", "name": kind.name_zh(), "rendering": { "simple": { "background_color": "#0b5d4e", "text_color": "#ffffff" } } },
            { "locale": "en", "name": kind.name_en(), "rendering": { "simple": { "background_color": "#0b5d4e", "text_color": "#ffffff" } } },
        ],
        "claims": claims,
    })
}

/// Claims as OpenID4VCI describes them (1.0, section 12.2.4, `credential_metadata`).
pub fn claims_metadata() -> Vec<Value> {
    CLAIMS.iter().map(|(name, zh, en)| json!({ "path": [name], "display": [{ "locale": "zh-CN", "name": zh }, { "locale": "en", "name": en }] })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_claim_says_whether_it_may_be_hidden() {
        let document = document("https://registry.example", CertificateKind::SkillLevel);
        assert_eq!(document["vct"], "https://registry.example/credential_types/skill_level");
        let claims = document["claims"].as_array().unwrap();
        assert!(claims.iter().all(|claim| ["always", "never"].contains(&claim["sd"].as_str().unwrap()) && claim["display"].as_array().unwrap().len() == 2));
    }
}
