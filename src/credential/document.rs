//! The document made from a certificate: an Open Badges 3.0 AchievementCredential on VC Data Model 2.0.
//!
//! The holder is named as on the paper: name and masked document number. No hash of a document number goes in: its salt would be
//! public, and the number can be guessed. `credentialStatus` is one `revocation` entry, since OB allows a single object; the
//! suspension list uses the same index.

use crate::domain::assessment::Scores;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::level::SkillLevel;
use crate::domain::occupation::Occupation;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

pub const VC_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
pub const OB_CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
pub const OB_EXTENSIONS: &str = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json";
pub const OB_SCHEMA: &str = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json";

/// What the holder achieved, by kind of certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Achievement {
    Level { occupation: Occupation, occupation_name: String, job_type: Option<String>, level: SkillLevel },
    Ability { name: String },
    Completion { project: String, taught_minutes: Option<i32> },
    Permit { category: String, item: String },
}

/// Everything that goes into a credential.
#[derive(Debug, Clone)]
pub struct CredentialFacts {
    /// A random UUID; the credential's `id` is its URN.
    pub uuid: String,
    /// Where the registry is published, without a slash at the end.
    pub public_url: String,
    pub issuer_did: String,
    pub issuer_name: String,
    pub holder_name: String,
    pub holder_document_name: String,
    pub holder_document_masked: String,
    pub kind: CertificateKind,
    /// As printed; masked where the number discloses an identity number.
    pub certificate_number: String,
    pub achievement: Achievement,
    pub scores: Option<Scores>,
    /// Tenths of a point.
    pub pass_score_tenths_min: u16,
    pub held_on: Option<NaiveDate>,
    pub issued_on: NaiveDate,
    pub issued_at: DateTime<Utc>,
    /// Last valid day, for permits.
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    /// What this credential replaces or cures, in words.
    pub lineage: Option<String>,
    pub status_list: i64,
    pub status_index: u32,
}

/// Midnight in China, where legal dates are counted, as an instant.
fn start_of(day: NaiveDate) -> String {
    format!("{day}T00:00:00+08:00")
}

impl CredentialFacts {
    /// Composes the document. It can be signed only after `conformance::check`.
    pub fn compose(&self) -> Value {
        let mut subject = Map::new();
        subject.insert("type".into(), json!(["AchievementSubject"]));
        subject.insert(
            "identifier".into(),
            json!([
                { "type": "IdentityObject", "hashed": false, "identityHash": self.holder_name, "identityType": "name" },
                { "type": "IdentityObject", "hashed": false, "identityHash": self.holder_document_masked, "identityType": "ext:maskedDocumentNumber" },
            ]),
        );
        subject.insert("licenseNumber".into(), json!(self.certificate_number));
        if let Some(held_on) = self.held_on {
            subject.insert("activityEndDate".into(), json!(start_of(held_on)));
        }
        if let Some(narrative) = self.narrative() {
            subject.insert("narrative".into(), json!(narrative));
        }
        let achievement_id = self.achievement_id();
        subject.insert("achievement".into(), self.achievement(&achievement_id));
        let results = self.results(&achievement_id);
        if !results.is_empty() {
            subject.insert("result".into(), Value::Array(results));
        }

        let mut document = Map::new();
        document.insert("@context".into(), json!([VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS]));
        document.insert("id".into(), json!(format!("urn:uuid:{}", self.uuid)));
        document.insert("type".into(), json!(["VerifiableCredential", "OpenBadgeCredential"]));
        document.insert("name".into(), json!(self.name()));
        document.insert("issuer".into(), json!({ "id": self.issuer_did, "type": ["Profile"], "name": self.issuer_name }));
        // A permit is valid from the day on its paper, which may have passed long before it is recorded.
        let valid_from = if self.valid_to.is_some() { start_of(self.issued_on) } else { self.issued_at.to_rfc3339_opts(SecondsFormat::Secs, true) };
        document.insert("validFrom".into(), json!(valid_from));
        if let Some(valid_to) = self.valid_to {
            document.insert("validUntil".into(), json!(format!("{valid_to}T23:59:59+08:00")));
        }
        document.insert("awardedDate".into(), json!(start_of(self.issued_on)));
        document.insert("credentialSubject".into(), Value::Object(subject));
        document.insert("credentialSchema".into(), json!([{ "id": OB_SCHEMA, "type": "1EdTechJsonSchemaValidator2019" }]));
        let list = format!("{}/status/revocation/{}", self.public_url, self.status_list);
        document.insert(
            "credentialStatus".into(),
            json!({
                "id": format!("{list}#{}", self.status_index),
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": self.status_index.to_string(),
                "statusListCredential": list,
            }),
        );
        Value::Object(document)
    }

    fn name(&self) -> String {
        let what = match &self.achievement {
            Achievement::Level { occupation_name, job_type, level, .. } => match job_type {
                Some(job_type) => format!("{occupation_name}（{job_type}）{}", level.name_zh()),
                None => format!("{occupation_name} {}", level.name_zh()),
            },
            Achievement::Ability { name } => name.clone(),
            Achievement::Completion { project, .. } => project.clone(),
            Achievement::Permit { category, item } => format!("{category}（{item}）"),
        };
        format!("{what} {}", self.kind.name_zh())
    }

    fn achievement_id(&self) -> String {
        let base = &self.public_url;
        let escaped = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        match &self.achievement {
            Achievement::Level { occupation, level, .. } => format!("{base}/v1/catalogue/occupations/{occupation}?level={}", level.as_str()),
            Achievement::Ability { name } => format!("{base}/v1/catalogue/certificate_kinds?ability={}", escaped(name)),
            Achievement::Completion { project, .. } => format!("{base}/v1/catalogue/certificate_kinds?project={}", escaped(project)),
            Achievement::Permit { category, item } => {
                format!("{base}/v1/catalogue/certificate_kinds?category={}&item={}", escaped(category), escaped(item))
            }
        }
    }

    fn achievement(&self, id: &str) -> Value {
        let mut achievement = Map::new();
        achievement.insert("id".into(), json!(id));
        achievement.insert("type".into(), json!(["Achievement"]));
        let achievement_type = match self.kind {
            CertificateKind::VocationalQualification | CertificateKind::SkillLevel => "Certification",
            CertificateKind::SpecificAbility => "MicroCredential",
            CertificateKind::TrainingCompletion => "CertificateOfCompletion",
            CertificateKind::SpecialOperation => "License",
        };
        achievement.insert("achievementType".into(), json!(achievement_type));
        achievement.insert("name".into(), json!(self.name()));
        achievement.insert("description".into(), json!(format!("{} / {}", self.kind.name_zh(), self.kind.name_en())));
        achievement.insert("inLanguage".into(), json!("zh"));
        achievement.insert("criteria".into(), json!({ "narrative": self.criteria() }));
        if let Achievement::Level { occupation, occupation_name, level, .. } = &self.achievement {
            achievement.insert("humanCode".into(), json!(format!("{}:{}", occupation.code, level.as_str())));
            achievement.insert(
                "alignment".into(),
                json!([{
                    "type": ["Alignment"],
                    "targetCode": occupation.code.as_str(),
                    "targetFramework": format!("中华人民共和国职业分类大典 {}", occupation.edition),
                    "targetName": occupation_name,
                    "targetType": "ext:Occupation",
                    "targetUrl": format!("{}/v1/catalogue/occupations/{occupation}", self.public_url),
                }]),
            );
        }
        let descriptions = self.result_descriptions(id);
        if !descriptions.is_empty() {
            achievement.insert("resultDescription".into(), Value::Array(descriptions));
        }
        Value::Object(achievement)
    }

    fn criteria(&self) -> String {
        let pass = self.pass_score();
        match &self.achievement {
            Achievement::Level { level, .. } if level.needs_comprehensive_review() => {
                format!("理论知识、操作技能和综合评审均不低于 {pass} 分 / theory, practical and comprehensive review at least {pass} of 100 each")
            }
            Achievement::Level { .. } | Achievement::Ability { .. } => format!("理论知识和操作技能均不低于 {pass} 分 / theory and practical at least {pass} of 100 each"),
            Achievement::Completion { .. } => "完成规定培训并经考核合格 / completed the training and passed its assessment".to_owned(),
            Achievement::Permit { .. } => "经培训考核合格 / trained and tested by the emergency authority".to_owned(),
        }
    }

    fn narrative(&self) -> Option<String> {
        let mut parts = vec![format!("证件类型：{}", self.holder_document_name)];
        if let Achievement::Completion { taught_minutes: Some(minutes), .. } = &self.achievement {
            // HR-1: a class hour is 45 minutes, counted down.
            parts.push(format!("培训 {} 课时", minutes / 45));
        }
        parts.extend(self.review_due_on.map(|day| format!("复审日期：{day}")));
        parts.extend(self.lineage.clone());
        Some(parts.join("；"))
    }

    fn pass_score(&self) -> String {
        crate::domain::assessment::Score::from_tenths(i32::from(self.pass_score_tenths_min)).map(|score| score.to_string()).unwrap_or_default()
    }

    fn score_parts(&self) -> Vec<(&'static str, &'static str, String)> {
        let Some(scores) = &self.scores else { return Vec::new() };
        [("theory", "理论知识", scores.theory), ("practical", "操作技能", scores.practical), ("comprehensive", "综合评审", scores.comprehensive)]
            .into_iter()
            .filter_map(|(part, name, score)| score.map(|score| (part, name, score.to_string())))
            .collect()
    }

    fn result_descriptions(&self, achievement_id: &str) -> Vec<Value> {
        let pass = self.pass_score();
        let mut descriptions: Vec<Value> = self
            .score_parts()
            .into_iter()
            .map(|(part, name, _)| {
                json!({
                    "id": format!("{achievement_id}#{part}"), "type": ["ResultDescription"], "name": name,
                    "resultType": "RawScore", "valueMin": "0", "valueMax": "100", "requiredValue": pass,
                })
            })
            .collect();
        if let Achievement::Level { level, .. } = &self.achievement {
            let level_id = format!("{achievement_id}#{}", level.as_str());
            descriptions.push(json!({
                "id": format!("{achievement_id}#level"), "type": ["ResultDescription"], "name": "等级", "resultType": "RubricCriterionLevel",
                "requiredLevel": level_id,
                "rubricCriterionLevel": [{
                    "id": level_id, "type": ["RubricCriterionLevel"], "name": level.name_zh(), "description": level.name_en(), "level": level.as_str(),
                }],
            }));
        }
        descriptions
    }

    fn results(&self, achievement_id: &str) -> Vec<Value> {
        let mut results: Vec<Value> = self
            .score_parts()
            .into_iter()
            .map(|(part, _, value)| json!({ "type": ["Result"], "resultDescription": format!("{achievement_id}#{part}"), "value": value }))
            .collect();
        if let Achievement::Level { level, .. } = &self.achievement {
            results.push(json!({
                "type": ["Result"], "resultDescription": format!("{achievement_id}#level"),
                "achievedLevel": format!("{achievement_id}#{}", level.as_str()), "value": level.as_str(),
            }));
        }
        results
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A complete level credential, for tests of the modules that take one.
    pub fn sample() -> CredentialFacts {
        CredentialFacts {
            uuid: "5f6c2a4e-6a55-4b6e-9d1e-1f0d8f3a2b10".into(),
            public_url: "http://localhost:8080".into(),
            issuer_did: "did:web:localhost%3A8080:organisations:org_1".into(),
            issuer_name: "示例评价机构".into(),
            holder_name: "张三".into(),
            holder_document_name: "居民身份证".into(),
            holder_document_masked: "320***********001X".into(),
            kind: CertificateKind::SkillLevel,
            certificate_number: "S000032000001263000001".into(),
            achievement: Achievement::Level {
                occupation: "2022/6-31-01-03".parse().unwrap(),
                occupation_name: "电工".into(),
                job_type: None,
                level: SkillLevel::Level3,
            },
            scores: Some(Scores { theory: "86".parse().ok(), practical: "90.5".parse().ok(), comprehensive: None }),
            pass_score_tenths_min: 600,
            held_on: "2026-03-01".parse().ok(),
            issued_on: "2026-03-10".parse().unwrap(),
            issued_at: "2026-03-10T02:00:00Z".parse().unwrap(),
            valid_to: None,
            review_due_on: None,
            lineage: None,
            status_list: 1,
            status_index: 94567,
        }
    }

    #[test]
    fn the_document_says_what_the_paper_says() {
        let document = sample().compose();
        let subject = &document["credentialSubject"];
        assert_eq!(subject["licenseNumber"], "S000032000001263000001");
        assert_eq!(subject["identifier"][0]["identityHash"], "张三");
        assert_eq!(subject["identifier"][1]["identityHash"], "320***********001X");
        assert_eq!(subject["achievement"]["alignment"][0]["targetCode"], "6-31-01-03");
        assert_eq!(subject["result"][1]["value"], "90.5");
        assert_eq!(document["credentialStatus"]["statusListIndex"], "94567");
        assert!(document.get("validUntil").is_none());
    }
}
