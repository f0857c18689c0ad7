//! What a rule answers: its identifier, its outcome and the facts it used.
//!
//! Rules are functions from facts and a date to a list of findings. They never stop at the first one, so that whoever asks
//! hears everything that is wrong at once.

use super::text::Text;
use std::borrow::Cow;

/// What a rule says of the facts it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleOutcome {
    Deny,
    Warn,
    NeedsReview,
}

impl RuleOutcome {
    pub fn as_str(self) -> &'static str {
        match self {
            RuleOutcome::Deny => "deny",
            RuleOutcome::Warn => "warn",
            RuleOutcome::NeedsReview => "needs_review",
        }
    }
}

/// One rule that was not simply satisfied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The rule's identifier in the domain book, for example `IS-1`.
    pub rule: &'static str,
    pub outcome: RuleOutcome,
    /// The field of the request that carries the fact, where one does.
    pub field: Option<String>,
    /// What was found and what was expected.
    pub detail: Text,
    /// The facts that the rule used, as names and values; never personal data.
    pub facts: Vec<(&'static str, String)>,
}

impl Violation {
    pub fn new(rule: &'static str, outcome: RuleOutcome, detail: Text) -> Self {
        Violation { rule, outcome, field: None, detail, facts: Vec::new() }
    }

    pub fn deny(rule: &'static str, detail: Text) -> Self {
        Self::new(rule, RuleOutcome::Deny, detail)
    }

    pub fn warn(rule: &'static str, detail: Text) -> Self {
        Self::new(rule, RuleOutcome::Warn, detail)
    }

    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    pub fn fact(mut self, name: &'static str, value: impl ToString) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }
}

/// A fault of form as a violation; `FORM` is not a rule of the domain book but of the interface.
pub fn invalid(field: impl Into<String>, detail: Text) -> Violation {
    Violation::deny("FORM", detail).at(field)
}

/// Splits findings into those that stop an act and those that only accompany it.
pub fn decide(findings: Vec<Violation>) -> Result<Vec<Violation>, Vec<Violation>> {
    if findings.iter().any(|finding| finding.outcome != RuleOutcome::Warn) {
        return Err(findings);
    }
    Ok(findings)
}

/// A text that is not of the form it should have. Says what was expected, and describes what was found without repeating
/// personal data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.en)]
pub struct Malformed(pub Text);

impl Malformed {
    pub fn new(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Self {
        Malformed(Text::new(en, zh))
    }
}
