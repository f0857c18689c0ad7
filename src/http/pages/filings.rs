//! What a filing looks like in a form: one occupation in a line, its code and then its levels.

use super::forms::Form;
use crate::domain::level::SkillLevel;
use crate::domain::text::Language;
use crate::http::organisations::{FiledOccupationDocument, FilingDocument, FilingRequest, edition_2022};
use crate::store::organisations::FilingVersionRow;
use chrono::NaiveDate;
use serde_json::{Value, json};

/// Lines that say something.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// An occupation as it was typed. A level that nobody knows stays as it is, so that the answer names it with every other fault.
fn occupation(line: &str) -> FiledOccupationDocument {
    let mut words = line.split(|c: char| c.is_whitespace() || ",，、;；:：".contains(c)).filter(|word| !word.is_empty());
    let named = words.next().unwrap_or_default();
    let (edition, code) = named.split_once('/').map_or_else(|| (edition_2022(), named), |(edition, code)| (edition.to_owned(), code));
    let levels = words.map(|word| SkillLevel::of_words(word).map_or_else(|| word.to_owned(), |level| level.as_str().to_owned())).collect();
    FiledOccupationDocument { occupation_code: code.to_owned(), occupation_edition: edition, levels }
}

/// The filing that a form asks for.
pub fn filing_request(form: &Form) -> FilingRequest {
    let listed = |name: &str| lines(form.text(name)).map(str::to_owned).collect();
    FilingRequest {
        body_kind: form.text("body_kind").to_owned(),
        certificate_kinds: form.list("certificate_kinds"),
        occupations: lines(form.text("occupations")).map(occupation).collect(),
        abilities: listed("abilities"),
        sites: listed("sites"),
        number_prefix: form.given("number_prefix"),
        valid_from: form.text("valid_from").to_owned(),
        valid_to: form.text("valid_to").to_owned(),
        decision_document: form.given("decision_document"),
    }
}

/// What was typed, to stand in the form again.
pub fn given_filing(form: &Form) -> Value {
    let given = |name: &str| form.text(name).to_owned();
    json!({
        "body_kind": given("body_kind"), "certificate_kinds": form.list("certificate_kinds"), "occupations": given("occupations"),
        "abilities": given("abilities"), "sites": given("sites"), "number_prefix": given("number_prefix"),
        "valid_from": given("valid_from"), "valid_to": given("valid_to"), "decision_document": given("decision_document"), "version": given("version"),
    })
}

/// A form that nobody has filled in: most filings begin today.
pub fn empty_filing(today: NaiveDate) -> Value {
    let mut empty = given_filing(&Form::default());
    empty["valid_from"] = json!(today);
    empty
}

/// The next version of a filing, as somebody would have typed it: what stands, from today on, since a change that begins earlier would give or
/// take a right for days that have passed.
pub fn amended_filing(row: &FilingVersionRow, language: Language, today: NaiveDate) -> Value {
    let filing = FilingDocument::new(row);
    let level = |code: &String| match code.parse::<SkillLevel>() {
        Ok(level) if language == Language::Chinese => level.name_zh().split('/').next().unwrap_or_default().to_owned(),
        _ => code.clone(),
    };
    let line = |filed: &FiledOccupationDocument| {
        let edition = if filed.occupation_edition == edition_2022() { String::new() } else { format!("{}/", filed.occupation_edition) };
        format!("{edition}{} {}", filed.occupation_code, filed.levels.iter().map(level).collect::<Vec<_>>().join(" "))
    };
    json!({
        "body_kind": filing.body_kind, "certificate_kinds": filing.certificate_kinds, "occupations": filing.occupations.iter().map(line).collect::<Vec<_>>().join("\n"),
        "abilities": filing.abilities.join("\n"), "sites": filing.sites.join("\n"), "number_prefix": filing.number_prefix,
        "valid_from": row.valid_from.max(today), "valid_to": filing.valid_to, "decision_document": "", "version": filing.version.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_occupation_with_its_levels_however_they_are_written() {
        for line in ["6-31-01-03 level5 level4", "6-31-01-03 5 4", "6-31-01-03：五级、四级", "2022/6-31-01-03\t五级/初级工，中级工", "6-31-01-03,初级工,四级/中级工"] {
            let filed = occupation(line);
            assert_eq!((filed.occupation_edition.as_str(), filed.occupation_code.as_str(), filed.levels), ("2022", "6-31-01-03", vec!["level5".to_owned(), "level4".to_owned()]), "{line}");
        }
        let odd = occupation("2015/4-10-01-02 高手 特级技师");
        assert_eq!((odd.occupation_edition.as_str(), odd.levels), ("2015", vec!["高手".to_owned(), "special_grade".to_owned()]));
    }
}
