//! A verdict in the words of one language, ready for a page or a paper.

use crate::domain::calendar::china;
use crate::domain::certificate::{CertificateState, member_name};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::level::SkillLevel;
use crate::domain::text::{Language, Text};
use crate::domain::verification::{Heading, Outcome, check_name, meaning_of_record};
use crate::http::verification::CertificateSummary;
use crate::services::verification::Verdict;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// A label with what stands beside it.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// What the API calls it.
    pub member: &'static str,
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
    /// Where anybody reads who the issuing body is and what it may issue; None where the answer names no body of this registry.
    pub issuer_page: Option<String>,
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
    /// Names the shape: the outcome, `forged`, `no_right`, `stolen_key` or `no_document`.
    pub heading: &'static str,
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

pub fn tone_of(heading: Heading) -> &'static str {
    match heading {
        Heading::Outcome(Outcome::Valid) => "good",
        Heading::Forged | Heading::NoRight | Heading::StolenKey | Heading::Outcome(Outcome::Revoked | Outcome::Withdrawn | Outcome::Cancelled) => "bad",
        Heading::Outcome(Outcome::Expired | Outcome::ReviewOverdue | Outcome::Suspended | Outcome::Superseded) => "wait",
        Heading::NoDocument | Heading::Outcome(Outcome::NotFound) => "none",
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
pub(super) const MEMBERS: [&str; 12] = ["certificate_number", "occupation_name", "job_type", "ability", "project", "category", "item", "level", "issued_on", "valid_to", "review_due_on", "issuer_name"];

/// The facts of a certificate for people: of the public summary, or of any document with the same members.
pub fn facts_of(document: &Value, language: Language) -> Vec<Fact> {
    let text = |member: &str| document[member].as_str().filter(|text| !text.is_empty());
    let fact = |member: &'static str| {
        let value = text(member)?;
        let value = match member {
            "level" => level_name(value, language),
            "occupation_name" => match text("occupation_code") {
                Some(code) if language == Language::Chinese => format!("{value}（{code}）"),
                Some(code) => format!("{value} ({code})"),
                None => value.to_owned(),
            },
            _ => value.to_owned(),
        };
        Some(Fact { member, label: member_name(member).in_language(language).to_owned(), value })
    };
    MEMBERS.into_iter().filter_map(fact).collect()
}

impl ShownVerdict {
    /// A verdict in words, with the receipt that says the same.
    pub fn new(verdict: &Verdict, language: Language, key_id: &str, receipt: String) -> Self {
        let checks = verdict.checks.iter().map(|check| {
            let step = verdict.next_step(check);
            (check.name, check.outcome.as_str(), check.detail.clone().into_language(language), step.map(|step| step.into_language(language)))
        });
        let certificates = verdict.certificates.iter().map(|certificate| shown_certificate(certificate.standing.kind.as_str(), certificate.outcome.as_str(), &json!(CertificateSummary::new(certificate)), language));
        Self::assembled(verdict.outcome, checks.collect(), certificates.collect(), verdict.status_as_of, language, (key_id, receipt))
    }

    /// What a receipt says that this registry signed. Its details are in the language in which it was asked for.
    pub fn of_receipt(answer: &Value, language: Language, receipt: String) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let outcome = answer["outcome"].as_str().and_then(|outcome| outcome.parse().ok()).unwrap_or(Outcome::NotFound);
        let checks = answer["checks"].as_array().into_iter().flatten().map(|check| {
            let outcome = ["passed", "failed"].into_iter().find(|known| check["outcome"] == *known).unwrap_or("pending");
            (check["check"].as_str().unwrap_or_default(), outcome, Cow::Owned(text(&check["detail"])), check["next_step"].as_str().map(|step| Cow::Owned(step.to_owned())))
        });
        let several = answer["certificates"].as_array().map_or(&[][..], Vec::as_slice);
        let all = if several.is_empty() { answer.get("certificate").map_or(&[][..], std::slice::from_ref) } else { several };
        let certificates = all.iter().map(|summary| {
            let outcome = summary["outcome"].as_str().and_then(|outcome| outcome.parse::<Outcome>().ok()).unwrap_or(Outcome::NotFound);
            shown_certificate(summary["certificate_kind"].as_str().unwrap_or_default(), outcome.as_str(), summary, language)
        });
        let as_of = answer["status_as_of"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map_or(DateTime::UNIX_EPOCH, |at| at.to_utc());
        let shown = Self::assembled(outcome, checks.collect(), certificates.collect(), as_of, language, (answer["key_id"].as_str().unwrap_or_default(), receipt));
        // Nobody may take it for an answer of today.
        let (name, meaning) = match language {
            Language::Chinese => (format!("回执：{}", shown.name), "这是登记系统当时的回答。证书今日如何，请重新查询。"),
            Language::English => (format!("Receipt: {}", shown.name.to_lowercase()), "This is what the registry answered at that moment. How the certificate stands today is to be asked again."),
        };
        let tone = if outcome == Outcome::Valid { "none" } else { shown.tone };
        ShownVerdict { name: Cow::Owned(name), meaning: Cow::Borrowed(meaning), tone, ..shown }
    }

    fn assembled(outcome: Outcome, checks: Vec<ToldCheck<'_>>, certificates: Vec<ShownCertificate>, as_of: DateTime<Utc>, language: Language, (key_id, receipt): (&str, String)) -> Self {
        let say = |text: Text| text.into_language(language);
        let heading = Heading::of(outcome, checks.iter().map(|(name, outcome, ..)| (*name, *outcome == "failed")));
        let is_record = checks.iter().any(|(name, ..)| *name == "certificates");
        let mut next_steps: Vec<_> = checks.iter().filter(|(_, outcome, ..)| *outcome == "failed").filter_map(|(.., step)| step.clone()).collect();
        next_steps.dedup();
        if outcome == Outcome::NotFound && next_steps.is_empty() {
            next_steps.push(say(Text::new("Ask again in a minute; if it stays so, ask the issuer.", "请一分钟后再查；如仍如此，请向签发者核实。")));
        }
        let passed = checks.iter().filter(|(_, outcome, ..)| *outcome == "passed").count();
        let checks = checks.into_iter().map(|(name, outcome, detail, next_step)| {
            let word = match outcome {
                "passed" => Text::new("passed", "通过"),
                "failed" => Text::new("failed", "未通过"),
                _ => Text::new("pending", "待定"),
            };
            ShownCheck { name: say(check_name(name)), outcome, word: say(word), detail, next_step }
        });
        ShownVerdict {
            outcome: outcome.as_str(),
            heading: heading.code(),
            name: say(heading.name()),
            meaning: say(if is_record && heading == Heading::Outcome(outcome) { meaning_of_record(outcome) } else { heading.meaning() }),
            tone: tone_of(heading),
            as_of: beijing_time(as_of, language),
            next_steps,
            passed,
            checks: checks.collect(),
            certificates,
            key_id: key_id.to_owned(),
            receipt,
        }
    }
}

/// Name, outcome, detail and next step of a check.
type ToldCheck<'a> = (&'a str, &'static str, Cow<'static, str>, Option<Cow<'static, str>>);

fn shown_certificate(kind: &str, outcome: &'static str, summary: &Value, language: Language) -> ShownCertificate {
    let issuer_page = summary["issuer_id"].as_str().map(|id| format!("/organisations/{id}"));
    ShownCertificate { kind: kind_name(kind, language), outcome, facts: facts_of(summary, language), issuer_page }
}
