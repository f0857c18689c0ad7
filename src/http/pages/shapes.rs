//! Outcomes as shapes that are told apart without their colour, for templates.

use minijinja::Value;

/// Drawings of one size by what they stand for.
struct Shapes {
    /// How the drawing begins.
    head: &'static str,
    drawn: &'static [(&'static str, &'static str)],
    /// For whatever else there is.
    other: &'static str,
}

/// How a verification ended; large.
const OUTCOMES: Shapes = Shapes {
    head: r#"<svg viewBox="0 0 64 64" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">"#,
    drawn: &[
        ("valid", r#"<circle cx="32" cy="32" r="28" fill="currentColor"/><path d="m19 33 9 9 18-20" stroke="var(--sheet)" stroke-width="6"/>"#),
        ("revoked", r#"<path d="M21 4h22l17 17v22L43 60H21L4 43V21z" fill="currentColor"/><path d="m22 22 20 20m0-20L22 42" stroke="var(--sheet)" stroke-width="6"/>"#),
        ("suspended", r#"<circle cx="32" cy="32" r="28"/><path d="M25 21v22M39 21v22" stroke-width="7"/>"#),
        ("expired", r#"<path d="M16 5h32M16 59h32M20 5c0 16 24 18 24 27S20 43 20 59M44 5c0 16-24 18-24 27s24 11 24 27"/><path d="M26 55h12l-6-9z" fill="currentColor"/>"#),
        ("review_overdue", r#"<rect x="6" y="11" width="52" height="48" rx="4"/><path d="M6 24h52M20 5v12M44 5v12M32 32v11"/><path d="M32 51v.5" stroke-width="6"/>"#),
        ("withdrawn", r#"<path d="M24 14 10 28l14 14"/><path d="M10 28h28a16 16 0 0 1 0 32H24"/>"#),
        ("cancelled", r#"<circle cx="32" cy="32" r="28"/><path d="m13 51 38-38" stroke-width="6"/>"#),
        ("superseded", r#"<path d="M20 12V5h38v42h-9"/><rect x="6" y="17" width="38" height="42" rx="2"/><path d="M15 30h20M15 39h20M15 48h12"/>"#),
        ("forged", r#"<path d="M32 4 62 57H2z" fill="currentColor"/><path d="M32 23v16" stroke="var(--sheet)" stroke-width="6"/><path d="M32 48v.5" stroke="var(--sheet)" stroke-width="7"/>"#),
        ("no_right", r#"<path d="M8 59h48M15 59V29M32 59V29M49 59V29M6 29h52L32 8z"/><path d="m5 61 54-54" stroke-width="6"/>"#),
        ("stolen_key", r#"<circle cx="21" cy="32" r="13"/><path d="M34 32h26M50 32v10M58 32v8"/><path d="m6 58 52-52" stroke-width="6"/>"#),
        ("no_document", r#"<path d="M38 5H16a4 4 0 0 0-4 4v46a4 4 0 0 0 4 4h32a4 4 0 0 0 4-4V19zV19h14" stroke-dasharray="8 6"/><path d="m24 32 16 16m0-16L24 48"/>"#),
        ("unasked", r#"<path d="M34 59H16a4 4 0 0 1-4-4V9a4 4 0 0 1 4-4h32a4 4 0 0 1 4 4v20"/><path d="m21 22 7 7 14-14"/><circle cx="47" cy="47" r="12" stroke-dasharray="6 4"/><path d="M47 41v6l4 3"/>"#),
        ("foreign", r#"<circle cx="32" cy="32" r="27"/><path d="M5 32h54M32 5c-15 14-15 40 0 54M32 5c15 14 15 40 0 54"/>"#),
        ("not_yet", r#"<circle cx="32" cy="32" r="28" stroke-dasharray="10 6"/><path d="M32 14v18l12 8"/>"#),
        ("unknown_key", r#"<circle cx="21" cy="32" r="13" stroke-dasharray="8 6"/><path d="M34 32h26M50 32v10M58 32v8"/><path d="M21 32v.5" stroke-width="6"/>"#),
    ],
    other: r#"<rect x="5" y="5" width="54" height="54" rx="6" stroke-dasharray="8 6"/><path d="M24 25a8 8 0 1 1 12 7c-3 2-4 3-4 7"/><path d="M32 47v.5" stroke-width="6"/>"#,
};

/// How a check ended; in a line of text.
const CHECKS: Shapes = Shapes {
    head: r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">"#,
    drawn: &[
        ("passed", r#"<circle cx="12" cy="12" r="10"/><path d="m7.5 12.5 3 3 6-6.5"/>"#),
        ("failed", r#"<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path d="m8.5 8.5 7 7m0-7-7 7"/>"#),
    ],
    other: r#"<circle cx="12" cy="12" r="10" stroke-dasharray="4 3.5"/><path d="M12 7v5l3 2"/>"#,
};

impl Shapes {
    /// Every drawing as a value that pages share, and the one for whatever else there is.
    fn values(&self) -> (Vec<(&'static str, Value)>, Value) {
        let value = |inner: &str| Value::from_safe_string(format!("{}{inner}</svg>", self.head));
        (self.drawn.iter().map(|(name, inner)| (*name, value(inner))).collect(), value(self.other))
    }

    /// The drawing of what a template names, as a filter.
    fn filter(&self) -> impl Fn(Value) -> Value + Send + Sync + use<> {
        let (drawn, other) = self.values();
        move |wanted: Value| drawn.iter().find(|(name, _)| wanted.as_str() == Some(name)).map_or(&other, |(_, value)| value).clone()
    }
}

/// The large shape of an outcome.
pub fn shape() -> impl Fn(Value) -> Value + Send + Sync {
    OUTCOMES.filter()
}

/// The small shape of a check: `passed`, `failed`, anything else is still open.
pub fn sign() -> impl Fn(Value) -> Value + Send + Sync {
    CHECKS.filter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::verification::{Heading, Outcome};

    #[test]
    fn every_shape_has_the_name_of_an_outcome_and_looks_like_no_other() {
        for (name, _) in OUTCOMES.drawn {
            let of_files = [Heading::Forged, Heading::NoRight, Heading::StolenKey, Heading::NoDocument].map(Heading::code);
            let of_the_offline_verifier = ["unasked", "foreign", "not_yet", "unknown_key"];
            assert!(name.parse::<Outcome>().is_ok() || of_files.contains(name) || of_the_offline_verifier.contains(name), "{name}");
        }
        for shapes in [OUTCOMES, CHECKS] {
            let (drawn, other) = shapes.values();
            let texts: std::collections::BTreeSet<String> = drawn.iter().map(|(_, value)| value.to_string()).chain([other.to_string()]).collect();
            assert_eq!(texts.len(), shapes.drawn.len() + 1);
            assert!(drawn.iter().chain([&("pending", other)]).all(|(name, value)| shapes.filter()(Value::from(*name)) == *value));
        }
    }
}
