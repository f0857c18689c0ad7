//! Templates with their two languages. A template that names something that it was not given is an error, not an empty place.

use super::assets;
use super::shown::{kind_name, level_name};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::level::SkillLevel;
use crate::domain::verification::{Heading, Outcome};
use crate::domain::text::Language;
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        /// Every template by its name.
        pub const TEMPLATES: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../assets/pages/", $name)))),+];
    };
}

templates!(
    "base.html", "macros.html", "verify.html", "answer.html", "problem.html", "offline.html", "organisation.html", "offline-verifier.html", "own-layout.html", "own-sign-in.html", "own.html",
    "own-record.html", "own-credits.html", "own-credit.html", "own-certificate.html", "own-wallet.html", "own-downloads.html", "own-shares.html", "own-looks.html", "own-disputes.html", "shared.html", "shared-record.html",
    "console-sign-in.html", "consent.html", "console.html", "bulk.html", "bulk-result.html", "console-sessions.html", "console-session.html",
    "console-job.html", "console-certificates.html", "console-certificate.html",
    "console-organisations.html", "console-organisation.html", "console-filing.html", "console-keys.html", "console-signals.html", "console-disputes.html",
    "console-proposals.html", "console-classes.html", "console-class.html", "console-workers.html", "console-worker.html",
    "console-record.html", "console-credits.html", "console-credit.html", "console-competition.html", "console-catalogue.html", "console-list.html",
);

static CHINESE: LazyLock<Environment<'static>> = LazyLock::new(|| environment(Language::Chinese));
static ENGLISH: LazyLock<Environment<'static>> = LazyLock::new(|| environment(Language::English));

fn environment(language: Language) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().expect("the usual delimiters fit each other"));
    super::filters::add_filters(&mut environment, language);
    // What `spoken` leaves. Values, which are shared, and not texts, which would be copied.
    environment.add_function("t", move |chinese: Value, english: Value| match language {
        Language::Chinese => chinese,
        Language::English => english,
    });
    environment.add_function("asset", |name: String| {
        assets::address_of(&name).ok_or_else(|| minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, format!("no asset {name}")))
    });
    environment.add_global("css", Value::from_safe_string(assets::STYLE.to_owned()));
    environment.add_global("words", Value::from(words(language)));
    environment.add_global("mark", Value::from_safe_string(assets::MARK.replacen("<svg ", "<svg aria-hidden=\"true\" ", 1)));
    for (name, text) in TEMPLATES {
        environment.add_template_owned(*name, spoken(text, language)).expect("templates are compiled by a test");
    }
    environment
}

/// What kinds, levels and outcomes are called, as JSON: the browser compares them with what a receipt says.
fn words(language: Language) -> String {
    let kinds = CertificateKind::ALL.iter().map(|kind| (kind.as_str(), kind_name(kind.as_str(), language)));
    let levels = SkillLevel::ALL.iter().map(|level| (level.as_str(), level_name(level.as_str(), language)));
    let files = [Heading::Forged, Heading::NoRight, Heading::StolenKey, Heading::NoDocument];
    let headings = Outcome::ALL.iter().map(|outcome| Heading::Outcome(*outcome)).chain(files).map(|heading| (heading.code(), heading.name().into_language(language).into_owned()));
    serde_json::to_string(&kinds.chain(levels).chain(headings).collect::<BTreeMap<_, _>>()).expect("texts are JSON")
}

/// How a text of two languages begins that stands by itself in a template.
const SAID: &str = "{{ t(\"";

/// A template in one language: `{{ t("…", "…") }}` becomes the text that it would write, since a page would ask for dozens of them. What
/// is part of a larger expression stays and is asked for; so do texts with a space at an end, which a tag beside them could take.
fn spoken(template: &str, language: Language) -> String {
    let mut written = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, found)) = rest.split_once(SAID) {
        written.push_str(before);
        match said(found, language) {
            Some((text, behind)) => {
                written.push_str(&HtmlEscape(text).to_string());
                rest = behind;
            }
            None => {
                written.push_str(SAID);
                rest = found;
            }
        }
    }
    written + rest
}

/// The text in one language, and what stands behind the expression whose beginning was read.
fn said(found: &str, language: Language) -> Option<(&str, &str)> {
    let (chinese, found) = found.split_once("\", \"")?;
    let (english, found) = found.split_once('"')?;
    let behind = found.strip_prefix(") }}")?;
    let text = match language {
        Language::Chinese => chinese,
        Language::English => english,
    };
    let is_plain = [chinese, english].iter().all(|text| !text.contains(['"', '\\', '{']));
    (is_plain && !text.is_empty() && text.trim() == text).then_some((text, behind))
}

/// A template filled in.
///
/// # Errors
/// The template asks for something that it was not given.
pub fn fill(language: Language, name: &str, context: Value) -> Result<String, minijinja::Error> {
    let environment = match language {
        Language::Chinese => &*CHINESE,
        Language::English => &*ENGLISH,
    };
    environment.get_template(name)?.render(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_compiles_in_both_languages() {
        for language in [Language::Chinese, Language::English] {
            assert!(environment(language).templates().count() >= TEMPLATES.len());
        }
    }

    #[test]
    fn texts_are_written_as_they_would_be_asked_for() {
        for language in [Language::Chinese, Language::English] {
            let asked = environment(language);
            let mut written = 0;
            for (name, template) in TEMPLATES {
                for (at, _) in template.match_indices(SAID) {
                    let expression = &template[at..at + template[at..].find("}}").unwrap() + 2];
                    let spoken = spoken(expression, language);
                    if spoken != expression {
                        assert_eq!(asked.render_str(expression, ()).unwrap(), spoken, "{name}");
                        written += 1;
                    }
                }
            }
            assert!(written > 600, "{written}");
        }
        let kept = [r#"{{ t("a ", "b ") }}"#, r#"{{ t("甲", "a") if x else "" }}"#, r#"{{ t("", "") }}"#, r#"{{ t("{{ x }}", "a") }}"#];
        kept.iter().for_each(|template| assert_eq!(spoken(template, Language::Chinese), *template));
        assert_eq!(spoken(r#"<p>{{ t("甲", "a & b") }}{{ t("乙", "c") }}</p>"#, Language::English), "<p>a &amp; bc</p>");
    }

    #[test]
    fn what_was_not_given_is_an_error() {
        assert!(fill(Language::English, "problem.html", Value::UNDEFINED).is_err());
    }
}
