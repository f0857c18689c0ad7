//! What templates do with codes and moments: filters, one for each kind of word.

use super::shapes;
use super::shown::{beijing_time, kind_name, level_name, outcome_name, state_name, tone_of};
use crate::domain::issue::Employment;
use crate::domain::text::Language;
use crate::domain::verification::{Heading, Outcome};
use crate::http::words::{field, word};
use chrono::DateTime;
use minijinja::Environment;

/// An RFC 3339 instant in Beijing time; what is none stays as it is.
fn time(text: &str, language: Language) -> String {
    DateTime::parse_from_rfc3339(text).map_or_else(|_| text.to_owned(), |at| beijing_time(at.to_utc(), language))
}

/// The filters of templates.
pub fn add_filters(environment: &mut Environment<'static>, language: Language) {
    environment.add_filter("word", move |code: String| word(&code, language));
    environment.add_filter("field", move |path: String| field(&path, language));
    environment.add_filter("time", move |text: String| time(&text, language));
    environment.add_filter("employment", move |code: String| Employment::of_cell(&code).map_or(code, |employment| employment.name().in_language(language).to_owned()));
    environment.add_filter("level", move |code: String| level_name(&code, language));
    environment.add_filter("kind", move |code: String| kind_name(&code, language));
    environment.add_filter("state", move |code: String| state_name(&code, language));
    environment.add_filter("outcome", move |code: String| outcome_name(&code, language));
    environment.add_filter("shape", shapes::shape());
    environment.add_filter("sign", shapes::sign());
    environment.add_filter("tone", |code: String| code.parse::<Outcome>().map_or("none", |outcome| tone_of(Heading::Outcome(outcome))));
}
