//! A worker's record as a Comprehensive Learner Record 2.0 (1EdTech): one credential of the registry around every certificate, each
//! with the signature of its own issuer.

use super::document::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT};
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

pub const CLR_CONTEXT: &str = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json";
pub const CLR_SCHEMA: &str = "https://purl.imsglobal.org/spec/clr/v2p0/schema/json/clr_v2p0_clrcredential_schema.json";

/// A class that was completed and that no certificate asserts.
#[derive(Debug, Clone)]
pub struct CompletedClass {
    pub class_id: String,
    pub name: String,
    pub provider_name: String,
    pub credited_hours: i32,
    /// Tenths of a credit.
    pub credit_tenths: i32,
}

/// A place in a skills competition.
#[derive(Debug, Clone)]
pub struct CompetitionPlace {
    pub result_id: String,
    pub name: String,
    /// Who held it, in words.
    pub level_zh: &'static str,
    pub place: i32,
}

/// Everything that goes into a record.
#[derive(Debug, Clone)]
pub struct RecordFacts {
    pub uuid: String,
    pub public_url: String,
    pub registry_did: String,
    pub holder_name: String,
    pub holder_document_masked: String,
    pub made_at: DateTime<Utc>,
    pub classes: Vec<CompletedClass>,
    pub places: Vec<CompetitionPlace>,
    /// Credentials with embedded proofs; at least one.
    pub credentials: Vec<Value>,
    /// Whether something that the registry knows was left away.
    pub is_partial: bool,
}

impl RecordFacts {
    /// Composes the document. It can be signed only after `conformance::check_learner_record`.
    pub fn compose(&self) -> Value {
        let mut subject = Map::new();
        subject.insert("type".into(), json!(["ClrSubject"]));
        subject.insert(
            "identifier".into(),
            json!([
                { "type": "IdentityObject", "hashed": false, "identityHash": self.holder_name, "identityType": "name" },
                { "type": "IdentityObject", "hashed": false, "identityHash": self.holder_document_masked, "identityType": "ext:maskedDocumentNumber" },
            ]),
        );
        let achievements: Vec<Value> = self.classes.iter().map(|class| self.completed(class)).chain(self.places.iter().map(|place| self.place(place))).collect();
        if !achievements.is_empty() {
            subject.insert("achievement".into(), json!(achievements));
        }
        subject.insert("verifiableCredential".into(), json!(self.credentials));
        json!({
            "@context": [VC_CONTEXT, CLR_CONTEXT, OB_CONTEXT, OB_EXTENSIONS],
            "id": format!("urn:uuid:{}", self.uuid),
            "type": ["VerifiableCredential", "ClrCredential"],
            "name": "电子培训档案 / Electronic training record",
            "description": "登记系统记录的全部证书与结业培训 / every certificate and completed training that the registry knows",
            "partial": self.is_partial,
            "issuer": { "id": self.registry_did, "type": ["Profile"], "name": "技录 Jilu" },
            "validFrom": self.made_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "awardedDate": self.made_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            "credentialSubject": subject,
            "credentialSchema": [{ "id": CLR_SCHEMA, "type": "1EdTechJsonSchemaValidator2019" }],
        })
    }

    fn completed(&self, class: &CompletedClass) -> Value {
        json!({
            "id": format!("{}/v1/classes/{}", self.public_url, class.class_id),
            "type": ["Achievement"],
            "achievementType": "LearningProgram",
            "name": class.name,
            "description": format!("{}，{} 课时 / {} class hours", class.provider_name, class.credited_hours, class.credited_hours),
            "inLanguage": "zh",
            "criteria": { "narrative": "完成规定课时并经考核合格 / attended the hours and passed the assessment" },
            "creditsAvailable": f64::from(class.credit_tenths) / 10.0,
        })
    }

    fn place(&self, place: &CompetitionPlace) -> Value {
        json!({
            "id": format!("{}/v1/competition_results/{}", self.public_url, place.result_id),
            "type": ["Achievement"],
            "achievementType": "ext:CompetitionPlace",
            "name": format!("{} 第 {} 名", place.name, place.place),
            "description": format!("{}职业技能竞赛 / skills competition", place.level_zh),
            "inLanguage": "zh",
            "criteria": { "narrative": format!("竞赛名次第 {} 名 / place {}", place.place, place.place) },
        })
    }
}
