//! A verdict in the words of one language, ready for a page or a paper.

use crate::domain::calendar::china;
use crate::domain::certificate::{CertificateState, member_name};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::level::SkillLevel;
use crate::domain::text::{Language, Text};
use crate::domain::verification::{Outcome, check_name, meaning_of_record, next_step};
use crate::http::verification::CertificateSummary;
use crate::services::verification::{CheckOutcome, Verdict};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A label with what stands beside it.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    pub label: String,
    pub value: String,
}

/// A certificate as far as verification tells of it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownCertificate {
    pub kind: String,
    /// How it stands today.
    pub outcome: &'static str,
    pub facts: Vec<Fact>,
}

/// One check.
#[derive(Debug, Clone, Serialize)]
pub struct ShownCheck {
    pub name: Cow<'static, str>,
    /// `passed`, `failed` or `pending`.
    pub outcome: &'static str,
    /// The same in words.
    pub word: Cow<'static, str>,
    pub detail: Cow<'static, str>,
    pub next_step: Option<Cow<'static, str>>,
}

/// A verdict.
#[derive(Debug, Clone, Serialize)]
pub struct ShownVerdict {
    pub outcome: &'static str,
    pub name: Cow<'static, str>,
    pub meaning: Cow<'static, str>,
    /// `good`, `bad`, `wait` or `none`: the colour that goes with shape and word.
    pub tone: &'static str,
    /// Beijing time.
    pub as_of: String,
    pub next_steps: Vec<Cow<'static, str>>,
    pub checks: Vec<ShownCheck>,
    /// How many checks passed.
    pub passed: usize,
    pub certificates: Vec<ShownCertificate>,
    pub key_id: String,
    pub receipt: String,
}

/// A moment in Beijing time, to the second.
pub fn beijing_time(at: DateTime<Utc>, language: Language) -> String {
    let text = china(at).format("%Y-%m-%d %H:%M:%S");
    match language {
        Language::Chinese => format!("{text}（北京时间）"),
        Language::English => format!("{text} (Beijing time)"),
    }
}

pub fn tone_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Valid => "good",
        Outcome::Revoked | Outcome::Withdrawn | Outcome::Cancelled => "bad",
        Outcome::Expired | Outcome::ReviewOverdue | Outcome::Suspended | Outcome::Superseded => "wait",
        Outcome::NotFound => "none",
    }
}

/// What a state of a certificate is called.
pub fn state_name(state: &str, language: Language) -> String {
    state.parse::<CertificateState>().map_or_else(|_| state.to_owned(), |state| state.name().in_language(language).to_owned())
}

/// What an outcome is called.
pub fn outcome_name(outcome: &str, language: Language) -> String {
    outcome.parse::<Outcome>().map_or_else(|_| outcome.to_owned(), |outcome| outcome.name().in_language(language).to_owned())
}

/// What a level is called.
pub fn level_name(level: &str, language: Language) -> String {
    level.parse::<SkillLevel>().map_or_else(|_| level.to_owned(), |level| if language == Language::Chinese { level.name_zh() } else { level.name_en() }.to_owned())
}

/// What a kind of certificate is called.
pub fn kind_name(kind: &str, language: Language) -> String {
    kind.parse::<CertificateKind>().map_or_else(|_| kind.to_owned(), |kind| if language == Language::Chinese { kind.name_zh() } else { kind.name_en() }.to_owned())
}

/// Public members of a certificate, in the order of the paper.
const MEMBERS: [&str; 12] = ["certificate_number", "occupation_name", "job_type", "ability", "project", "category", "item", "level", "issued_on", "valid_to", "review_due_on", "issuer_name"];

/// The facts of a certificate for people: of the public summary, or of any document with the same members.
pub fn facts_of(document: &Value, language: Language) -> Vec<Fact> {
    let text = |member: &str| document[member].as_str().filter(|text| !text.is_empty());
    let fact = |member: &str| {
        let value = text(member)?;
        let value = match member {
            "level" => level_name(value, language),
            "occupation_name" => text("occupation_code").map_or(value.to_owned(), |code| format!("{value}（{code}）")),
            _ => value.to_owned(),
        };
        Some(Fact { label: member_name(member).in_language(language).to_owned(), value })
    };
    MEMBERS.into_iter().filter_map(fact).collect()
}

impl ShownVerdict {
    /// A verdict in words, with the receipt that says the same.
    pub fn new(verdict: &Verdict, language: Language, key_id: &str, receipt: String) -> Self {
        let say = |text: Text| text.into_language(language);
        let checks: Vec<ShownCheck> = verdict
            .checks
            .iter()
            .map(|check| {
                let (outcome, word) = match check.outcome {
                    CheckOutcome::Passed => ("passed", Text::new("passed", "通过")),
                    CheckOutcome::Pending => ("pending", Text::new("pending", "待定")),
                    CheckOutcome::Failed => ("failed", Text::new("failed", "未通过")),
                };
                let step = (check.outcome != CheckOutcome::Passed).then(|| next_step(check.name, check.outcome == CheckOutcome::Pending)).flatten();
                ShownCheck { name: say(check_name(check.name)), outcome, word: say(word), detail: say(check.detail.clone()), next_step: step.map(say) }
            })
            .collect();
        let mut next_steps: Vec<_> = checks.iter().filter(|check| check.outcome == "failed").filter_map(|check| check.next_step.clone()).collect();
        next_steps.dedup();
        let certificates = verdict
            .certificates
            .iter()
            .map(|certificate| ShownCertificate {
                kind: kind_name(certificate.standing.kind.as_str(), language),
                outcome: certificate.outcome.as_str(),
                facts: facts_of(&json!(CertificateSummary::new(certificate)), language),
            })
            .collect();
        ShownVerdict {
            outcome: verdict.outcome.as_str(),
            name: say(verdict.outcome.name()),
            meaning: say(if verdict.checks.iter().any(|check| check.name == "certificates") { meaning_of_record(verdict.outcome) } else { verdict.outcome.meaning() }),
            tone: tone_of(verdict.outcome),
            as_of: beijing_time(verdict.status_as_of, language),
            next_steps,
            passed: checks.iter().filter(|check| check.outcome == "passed").count(),
            checks,
            certificates,
            key_id: key_id.to_owned(),
            receipt,
        }
    }
}
