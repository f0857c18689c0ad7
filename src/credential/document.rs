//! The document made from a certificate: an Open Badges 3.0 AchievementCredential on VC Data Model 2.0.
//!
//! The holder is named as on the paper: name and masked document number. No hash of a document number goes in: its salt would be
//! public, and the number can be guessed. `credentialStatus` is one `revocation` entry, since OB allows a single object; the
//! suspension list uses the same index.

use crate::domain::assessment::{Score, Scores};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::credit::class_hours;
use crate::domain::level::SkillLevel;
use crate::domain::occupation::Occupation;
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

pub const VC_CONTEXT: &str = "https://www.w3.org/ns/credentials/v2";
pub const OB_CONTEXT: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
pub const OB_EXTENSIONS: &str = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json";
pub const OB_SCHEMA: &str = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json";

/// What the holder achieved, by kind of certificate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Achievement {
    Level { occupation: Occupation, occupation_name: String, job_type: Option<String>, level: SkillLevel },
    Ability { name: String },
    Completion { project: String, taught_minutes: Option<i32> },
    Permit { category: String, item: String },
}

/// Everything that goes into a credential.
#[derive(Debug, Clone)]
pub struct CredentialFacts {
    pub shared: SharedFacts,
    pub own: OwnFacts,
}

/// What a credential says like those of everybody else in the same class or session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SharedFacts {
    /// Where the registry is published, without a slash at the end.
    pub public_url: String,
    pub issuer_did: String,
    pub issuer_name: String,
    pub holder_document_name: String,
    pub kind: CertificateKind,
    pub achievement: Achievement,
    /// Tenths of a point.
    pub pass_score_tenths_min: u16,
    pub held_on: Option<NaiveDate>,
    pub issued_on: NaiveDate,
    /// Last valid day, for permits.
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    /// What this credential replaces or cures, in words.
    pub lineage: Option<String>,
    pub status_list: i64,
}

/// What a credential says of one holder.
#[derive(Debug, Clone)]
pub struct OwnFacts {
    /// A random UUID; the credential's `id` is its URN.
    pub uuid: String,
    pub holder_name: String,
    pub holder_document_masked: String,
    /// As printed; masked where the number discloses an identity number.
    pub certificate_number: String,
    pub scores: Scores,
    pub issued_at: DateTime<Utc>,
    pub status_index: u32,
}

/// A text of a document that is the holder's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blank {
    Uuid,
    HolderName,
    DocumentNumber,
    CertificateNumber,
    Theory,
    Practical,
    Comprehensive,
    IssuedAt,
    StatusIndex,
}

impl Blank {
    pub const ALL: [Blank; 9] = [
        Blank::Uuid,
        Blank::HolderName,
        Blank::DocumentNumber,
        Blank::CertificateNumber,
        Blank::Theory,
        Blank::Practical,
        Blank::Comprehensive,
        Blank::IssuedAt,
        Blank::StatusIndex,
    ];
}

impl OwnFacts {
    /// What goes into a blank; None for a part that was not held.
    pub fn text(&self, blank: Blank) -> Option<Cow<'_, str>> {
        let score = |score: Option<Score>| score.map(|score| Cow::from(score.to_string()));
        match blank {
            Blank::Uuid => Some(Cow::from(&self.uuid)),
            Blank::HolderName => Some(Cow::from(&self.holder_name)),
            Blank::DocumentNumber => Some(Cow::from(&self.holder_document_masked)),
            Blank::CertificateNumber => Some(Cow::from(&self.certificate_number)),
            Blank::Theory => score(self.scores.theory),
            Blank::Practical => score(self.scores.practical),
            Blank::Comprehensive => score(self.scores.comprehensive),
            Blank::IssuedAt => Some(Cow::from(self.issued_at.to_rfc3339_opts(SecondsFormat::Secs, true))),
            Blank::StatusIndex => Some(Cow::from(self.status_index.to_string())),
        }
    }

    /// Which parts have a score; the others leave no trace in the document.
    pub fn parts_held(&self) -> [bool; 3] {
        [self.scores.theory, self.scores.practical, self.scores.comprehensive].map(|score| score.is_some())
    }
}

impl CredentialFacts {
    /// Composes the document. It can be signed only after `conformance::check`.
    pub fn compose(&self) -> Value {
        self.shared.compose(&|blank| self.own.text(blank))
    }
}

/// Midnight in China, where legal dates are counted, as an instant.
fn start_of(day: NaiveDate) -> String {
    format!("{day}T00:00:00+08:00")
}

/// Gives the text of a blank, if there is one.
type Own<'a> = dyn Fn(Blank) -> Option<Cow<'a, str>> + 'a;

impl SharedFacts {
    /// Composes the document of a holder whose own texts these are.
    pub fn compose(&self, own: &Own<'_>) -> Value {
        let text = |blank| own(blank).unwrap_or_default();
        let mut subject = Map::new();
        subject.insert("type".into(), json!(["AchievementSubject"]));
        subject.insert(
            "identifier".into(),
            json!([
                { "type": "IdentityObject", "hashed": false, "identityHash": text(Blank::HolderName), "identityType": "name" },
                { "type": "IdentityObject", "hashed": false, "identityHash": text(Blank::DocumentNumber), "identityType": "ext:maskedDocumentNumber" },
            ]),
        );
        subject.insert("licenseNumber".into(), json!(text(Blank::CertificateNumber)));
        if let Some(held_on) = self.held_on {
            subject.insert("activityEndDate".into(), json!(start_of(held_on)));
        }
        if let Some(narrative) = self.narrative() {
            subject.insert("narrative".into(), json!(narrative));
        }
        let achievement_id = self.achievement_id();
        subject.insert("achievement".into(), self.achievement(&achievement_id, own));
        let results = self.results(&achievement_id, own);
        if !results.is_empty() {
            subject.insert("result".into(), Value::Array(results));
        }

        let mut document = Map::new();
        document.insert("@context".into(), json!([VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS]));
        document.insert("id".into(), json!(format!("urn:uuid:{}", text(Blank::Uuid))));
        document.insert("type".into(), json!(["VerifiableCredential", "OpenBadgeCredential"]));
        document.insert("name".into(), json!(self.name()));
        document.insert("issuer".into(), json!({ "id": self.issuer_did, "type": ["Profile"], "name": self.issuer_name }));
        // A permit is valid from the day on its paper, which may have passed long before it is recorded.
        let valid_from = if self.valid_to.is_some() { start_of(self.issued_on) } else { text(Blank::IssuedAt).into_owned() };
        document.insert("validFrom".into(), json!(valid_from));
        if let Some(valid_to) = self.valid_to {
            document.insert("validUntil".into(), json!(format!("{valid_to}T23:59:59+08:00")));
        }
        document.insert("awardedDate".into(), json!(start_of(self.issued_on)));
        document.insert("credentialSubject".into(), Value::Object(subject));
        document.insert("credentialSchema".into(), json!([{ "id": OB_SCHEMA, "type": "1EdTechJsonSchemaValidator2019" }]));
        let list = format!("{}/status/revocation/{}", self.public_url, self.status_list);
        let index = text(Blank::StatusIndex);
        document.insert(
            "credentialStatus".into(),
            json!({
                "id": format!("{list}#{index}"),
                "type": "BitstringStatusListEntry",
                "statusPurpose": "revocation",
                "statusListIndex": index,
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

    fn achievement(&self, id: &str, own: &Own<'_>) -> Value {
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
        let descriptions = self.result_descriptions(id, own);
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
            parts.push(format!("培训 {} 课时", class_hours(*minutes)));
        }
        parts.extend(self.review_due_on.map(|day| format!("复审日期：{day}")));
        parts.extend(self.lineage.clone());
        Some(parts.join("；"))
    }

    fn pass_score(&self) -> String {
        crate::domain::assessment::Score::from_tenths(i32::from(self.pass_score_tenths_min)).map(|score| score.to_string()).unwrap_or_default()
    }

    fn result_descriptions(&self, achievement_id: &str, own: &Own<'_>) -> Vec<Value> {
        let pass = self.pass_score();
        let mut descriptions: Vec<Value> = scores_in(own)
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

    fn results(&self, achievement_id: &str, own: &Own<'_>) -> Vec<Value> {
        let mut results: Vec<Value> = scores_in(own)
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

/// The parts that were held: name in identifiers, Chinese name, score.
fn scores_in<'a, 'own>(own: &'a Own<'own>) -> impl Iterator<Item = (&'static str, &'static str, Cow<'own, str>)> + use<'a, 'own> {
    let parts = [("theory", "理论知识", Blank::Theory), ("practical", "操作技能", Blank::Practical), ("comprehensive", "综合评审", Blank::Comprehensive)];
    parts.into_iter().filter_map(|(part, name, blank)| Some((part, name, own(blank)?)))
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A complete level credential, for tests of the modules that take one.
    pub fn sample() -> CredentialFacts {
        let shared = SharedFacts {
            public_url: "http://localhost:8080".into(),
            issuer_did: "did:web:localhost%3A8080:organisations:org_1".into(),
            issuer_name: "示例评价机构".into(),
            holder_document_name: "居民身份证".into(),
            kind: CertificateKind::SkillLevel,
            achievement: Achievement::Level {
                occupation: "2022/6-31-01-03".parse().unwrap(),
                occupation_name: "电工".into(),
                job_type: None,
                level: SkillLevel::Level3,
            },
            pass_score_tenths_min: 600,
            held_on: "2026-03-01".parse().ok(),
            issued_on: "2026-03-10".parse().unwrap(),
            valid_to: None,
            review_due_on: None,
            lineage: None,
            status_list: 1,
        };
        let own = OwnFacts {
            uuid: "5f6c2a4e-6a55-4b6e-9d1e-1f0d8f3a2b10".into(),
            holder_name: "张三".into(),
            holder_document_masked: "320***********001X".into(),
            certificate_number: "S000032000001263000001".into(),
            scores: Scores { theory: "86".parse().ok(), practical: "90.5".parse().ok(), comprehensive: None },
            issued_at: "2026-03-10T02:00:00Z".parse().unwrap(),
            status_index: 94567,
        };
        CredentialFacts { shared, own }
    }

    /// Any text that may stand in a document, control characters and all.
    fn text() -> impl Strategy<Value = String> {
        proptest::string::string_regex("[\\x00-\\x7f\u{a0}张三·𠮷\"\\\\]{1,12}").unwrap()
    }

    fn day() -> impl Strategy<Value = NaiveDate> {
        prop::sample::select(vec!["2026-03-10".parse().unwrap(), "1999-12-31".parse().unwrap()])
    }

    fn achievement() -> impl Strategy<Value = (CertificateKind, Achievement)> {
        let level = prop::sample::select(vec![SkillLevel::Level5, SkillLevel::Level3, SkillLevel::Level1]);
        prop_oneof![
            (text(), proptest::option::of(text()), level).prop_map(|(occupation_name, job_type, level)| (
                CertificateKind::SkillLevel,
                Achievement::Level { occupation: "2022/6-31-01-03".parse().unwrap(), occupation_name, job_type, level }
            )),
            text().prop_map(|name| (CertificateKind::SpecificAbility, Achievement::Ability { name })),
            (text(), proptest::option::of(0..9000i32)).prop_map(|(project, taught_minutes)| (CertificateKind::TrainingCompletion, Achievement::Completion { project, taught_minutes })),
            (text(), text()).prop_map(|(category, item)| (CertificateKind::SpecialOperation, Achievement::Permit { category, item })),
        ]
    }

    /// What any holder may have of their own; now and then what no document may say.
    pub fn any_own() -> impl Strategy<Value = OwnFacts> {
        let score = || proptest::option::of((0..=1000).prop_map(|tenths| Score::from_tenths(tenths).unwrap()));
        let scores = (score(), score(), score()).prop_map(|(theory, practical, comprehensive)| Scores { theory, practical, comprehensive });
        let name = prop_oneof![9 => text(), 1 => Just(String::new())];
        let uuid = prop_oneof![9 => "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}", 1 => text()];
        (uuid, name, text(), text(), scores, 0..253_402_300_800i64, any::<u32>()).prop_map(|(uuid, holder_name, holder_document_masked, certificate_number, scores, seconds, status_index)| OwnFacts {
            uuid,
            holder_name,
            holder_document_masked,
            certificate_number,
            scores,
            issued_at: DateTime::from_timestamp(seconds, 0).unwrap(),
            status_index,
        })
    }

    /// Facts of any kind of certificate.
    pub fn any_facts() -> impl Strategy<Value = CredentialFacts> {
        let dates = (proptest::option::of(day()), proptest::option::of(day()), proptest::option::of(day()));
        (achievement(), text(), dates, proptest::option::of(text()), any_own()).prop_map(|((kind, achievement), issuer_name, (valid_to, review_due_on, held_on), lineage, own)| CredentialFacts {
            shared: SharedFacts { kind, achievement, issuer_name, valid_to, review_due_on, held_on, lineage, ..sample().shared },
            own,
        })
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
