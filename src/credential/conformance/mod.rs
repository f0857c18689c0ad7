//! The only maker of [`CheckedDocument`]: what has not passed here cannot be signed.
//!
//! Checks VCDM 2.0 section 4 and OB 3.0 (serialization and the AchievementCredential schema). Terms are a closed list per type: a
//! term that no context defines would be dropped by JSON-LD readers, so it is an error (DI, "Securing Data Losslessly").

mod template;

pub use template::{Layout, Template};

use super::document::{OB_CONTEXT, OB_EXTENSIONS, VC_CONTEXT};
use super::learner_record::CLR_CONTEXT;
use super::shapes::{CREDENTIAL, Form, RECORD, Shape};
use chrono::DateTime;
use oxiri::Iri;
use serde_json::{Map, Value};
use std::fmt;

/// A document that passed every conformance rule, as the bytes that are signed, stored and served.
#[derive(Debug, Clone)]
pub struct CheckedDocument {
    bytes: Vec<u8>,
    issuer: String,
}

impl CheckedDocument {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `issuer.id`, which is the controller of the key that may sign.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }
}

/// One broken rule: where in the document, and what was expected there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    pub path: String,
    pub expected: String,
}

/// Checks a Comprehensive Learner Record (CLR 2.0), and every credential in it.
///
/// # Errors
/// All breaches, not only the first.
pub fn check_learner_record(document: &Value) -> Result<CheckedDocument, Vec<Breach>> {
    let mut breaches = Vec::new();
    let mut outer = document.clone();
    let inner = outer.get_mut("credentialSubject").and_then(Value::as_object_mut).and_then(|subject| subject.shift_remove("verifiableCredential"));
    let place = Place::Member(&Place::Member(&Place::Root, "credentialSubject"), "verifiableCredential");
    match inner.as_ref().and_then(Value::as_array) {
        Some(credentials) if !credentials.is_empty() => {
            for (index, credential) in credentials.iter().enumerate() {
                let mut unsecured = credential.clone();
                let has_proof = unsecured.as_object_mut().and_then(|members| members.shift_remove("proof")).is_some_and(|proofs| !items(&proofs).is_empty());
                let place = Place::Item(&place, index);
                if !has_proof {
                    breaches.push(breach(Place::Member(&place, "proof"), "an array with at least one proof"));
                }
                breaches.extend(find_breaches(&unsecured).into_iter().map(|found| breach(Place::Member(&place, &found.path), found.expected)));
            }
        }
        _ => breaches.push(breach(place, "an array with at least one credential")),
    }
    check_contexts(&outer, &[VC_CONTEXT, CLR_CONTEXT, OB_CONTEXT, OB_EXTENSIONS], &mut breaches);
    match outer.as_object() {
        Some(members) => check_object(members, &RECORD, Place::Root, &mut breaches),
        None => breaches.push(breach("", "a JSON object")),
    }
    checked(document, breaches)
}

fn check_contexts(document: &Value, expected: &[&str], breaches: &mut Vec<Breach>) {
    if !document["@context"].as_array().is_some_and(|found| found.iter().map(Value::as_str).eq(expected.iter().map(|context| Some(*context)))) {
        breaches.push(breach("@context", format!("{} in this order", expected.join(", "))));
    }
}

fn checked(document: &Value, breaches: Vec<Breach>) -> Result<CheckedDocument, Vec<Breach>> {
    if !breaches.is_empty() {
        return Err(breaches);
    }
    let issuer = document["issuer"]["id"].as_str().unwrap_or_default().to_owned();
    Ok(CheckedDocument { bytes: document.to_string().into_bytes(), issuer })
}

/// Checks a document by every rule.
///
/// # Errors
/// All breaches, not only the first.
pub fn check(document: &Value) -> Result<CheckedDocument, Vec<Breach>> {
    checked(document, find_breaches(document))
}

/// The rules that a document breaks.
pub fn find_breaches(document: &Value) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let Some(members) = document.as_object() else {
        return vec![breach("", "a JSON object")];
    };
    check_contexts(document, &[VC_CONTEXT, OB_CONTEXT, OB_EXTENSIONS], &mut breaches);
    let types: Vec<_> = document["type"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if !types.iter().any(|name| ["OpenBadgeCredential", "AchievementCredential"].contains(name)) {
        breaches.push(breach("type", "OpenBadgeCredential or AchievementCredential among the types"));
    }
    check_object(members, &CREDENTIAL, Place::Root, &mut breaches);
    check_relations(document, &mut breaches);
    breaches
}

fn breach(path: impl fmt::Display, expected: impl Into<String>) -> Breach {
    Breach { path: path.to_string(), expected: expected.into() }
}

/// A place in the document; it becomes a text only for a breach.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Member(Place::Root, name) => f.write_str(name),
            Place::Member(parent, name) => write!(f, "{parent}.{name}"),
            Place::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

fn check_object(object: &Map<String, Value>, shape: &Shape, place: Place<'_>, breaches: &mut Vec<Breach>) {
    if let Some(type_name) = shape.type_name {
        let has_type = match object.get("type") {
            Some(Value::Array(types)) => shape.type_is_array && types.iter().any(|name| name == type_name),
            Some(Value::String(name)) => !shape.type_is_array && name == type_name,
            _ => false,
        };
        if !has_type {
            breaches.push(breach(Place::Member(&place, "type"), type_name));
        }
    }
    for (name, value) in object {
        let is_checked_elsewhere = (name == "type" && shape.type_name.is_some()) || (name == "@context" && matches!(place, Place::Root));
        if is_checked_elsewhere {
            continue;
        }
        match shape.members.iter().find(|member| member.0 == name) {
            Some(member) => check_value(value, member.1, Place::Member(&place, name), breaches),
            None => breaches.push(breach(Place::Member(&place, name), "a term that the contexts define for this type")),
        }
    }
    for member in shape.members.iter().filter(|member| member.2 && !object.contains_key(member.0)) {
        breaches.push(breach(Place::Member(&place, member.0), "a value"));
    }
}

fn check_value(value: &Value, form: Form, place: Place<'_>, breaches: &mut Vec<Breach>) {
    let text = value.as_str();
    let fault = match form {
        Form::Text if text.is_none_or(str::is_empty) => Some("a text that is not empty"),
        Form::Url if text.is_none_or(|text| !is_absolute_url(text)) => Some("an absolute URL"),
        Form::DateTime if text.is_none_or(|text| DateTime::parse_from_rfc3339(text).is_err()) => Some("a date and time with a zone (RFC 3339)"),
        Form::Number if !value.is_number() => Some("a number"),
        Form::Boolean if !value.is_boolean() => Some("true or false"),
        Form::Word(words) if text.is_none_or(|text| !words.contains(&text) && !text.starts_with("ext:")) => Some("a word of the enumeration, or one with the prefix ext:"),
        _ => None,
    };
    if let Some(expected) = fault {
        breaches.push(breach(place, expected));
    }
    match (form, value) {
        (Form::One(shape), Value::Object(object)) => check_object(object, shape, place, breaches),
        (Form::One(_), _) => breaches.push(breach(place, "one object")),
        (Form::Many(shape), Value::Array(items)) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                match item.as_object() {
                    Some(object) => check_object(object, shape, Place::Item(&place, index), breaches),
                    None => breaches.push(breach(Place::Item(&place, index), "an object")),
                }
            }
        }
        (Form::Many(_), _) => breaches.push(breach(place, "an array with at least one object")),
        _ => {}
    }
}

/// Whether a text is a URL with a scheme.
pub(super) fn is_absolute_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    // Nothing outside printable ASCII stands in a URL (RFC 3986, 2).
    is_scheme && !rest.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"{}|\\^`".contains(&b)) && Iri::parse(text).is_ok()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Rules that tie one member to another.
fn check_relations(document: &Value, breaches: &mut Vec<Breach>) {
    let instant = |name: &str| document[name].as_str().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    if let (Some(from), Some(until)) = (instant("validFrom"), instant("validUntil"))
        && until < from
    {
        breaches.push(breach("validUntil", "not earlier than validFrom"));
    }
    let subject = &document["credentialSubject"];
    if subject.get("id").is_none() && subject.get("identifier").is_none() {
        breaches.push(breach("credentialSubject", "an id or an identifier"));
    }
    let achievement = &subject["achievement"];
    let criteria = &achievement["criteria"];
    if criteria.get("id").is_none() && criteria.get("narrative").is_none() {
        breaches.push(breach("credentialSubject.achievement.criteria", "an id or a narrative"));
    }
    let descriptions = items(&achievement["resultDescription"]);
    let levels: Vec<&Value> = descriptions.iter().flat_map(|description| items(&description["rubricCriterionLevel"])).map(|level| &level["id"]).collect();
    for (index, result) in items(&subject["result"]).iter().enumerate() {
        let path = format!("credentialSubject.result[{index}]");
        if result.get("resultDescription").is_some_and(|id| !descriptions.iter().any(|description| &description["id"] == id)) {
            breaches.push(breach(&path, "a resultDescription of this achievement"));
        }
        if result.get("achievedLevel").is_some_and(|id| !levels.contains(&id)) {
            breaches.push(breach(&path, "an achievedLevel of this achievement"));
        }
    }
    let status = &document["credentialStatus"];
    if status.get("id") == status.get("statusListCredential") {
        breaches.push(breach("credentialStatus.id", "another URL than the list's"));
    }
    if status["statusListIndex"].as_str().is_none_or(|index| index.parse::<u32>().map(|number| number.to_string()) != Ok(index.to_owned())) {
        breaches.push(breach("credentialStatus.statusListIndex", "a base-10 number as text"));
    }
}

#[cfg(test)]
mod tests {
    use crate::credential::document::tests::sample;
    use super::*;
    use serde_json::json;

    fn breaches(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut document = sample().compose();
        change(&mut document);
        check(&document).err().unwrap_or_default().into_iter().map(|breach| breach.path).collect()
    }

    #[test]
    fn our_own_document_passes_and_keeps_its_bytes() {
        let document = sample().compose();
        let checked = check(&document).unwrap();
        assert_eq!(checked.bytes(), document.to_string().as_bytes());
        assert_eq!(checked.issuer(), sample().shared.issuer_did);
    }

    #[test]
    fn every_required_member_is_missed() {
        for name in ["id", "type", "issuer", "validFrom", "credentialSubject", "credentialStatus"] {
            let found = breaches(|document| {
                document.as_object_mut().unwrap().shift_remove(name);
            });
            assert!(found.iter().any(|path| path.starts_with(name)), "{name}: {found:?}");
        }
    }

    #[test]
    fn each_broken_rule_is_found_at_its_place() {
        let cases: Vec<(&str, fn(&mut Value))> = vec![
            ("@context", |d| d["@context"] = json!([OB_CONTEXT, VC_CONTEXT, OB_EXTENSIONS])),
            ("@context", |d| d["@context"].as_array_mut().unwrap().push(json!({"@vocab": "urn:x:"}))),
            ("type", |d| d["type"] = json!(["VerifiableCredential"])),
            ("type", |d| d["type"] = json!("VerifiableCredential")),
            ("id", |d| d["id"] = json!("not a url")),
            ("id", |d| d["id"] = Value::Null),
            ("surprise", |d| d["surprise"] = json!(1)),
            ("validFrom", |d| d["validFrom"] = json!("2026-03-10")),
            ("validUntil", |d| d["validUntil"] = json!("2020-01-01T00:00:00Z")),
            ("issuer.type", |d| d["issuer"]["type"] = json!("Profile")),
            ("issuer.id", |d| d["issuer"]["id"] = json!("bodies/17")),
            ("credentialSchema", |d| d["credentialSchema"] = json!([])),
            ("credentialSubject.creditsEarned", |d| d["credentialSubject"]["creditsEarned"] = json!("6")),
            ("credentialSubject", |d| {
                d["credentialSubject"].as_object_mut().unwrap().shift_remove("identifier");
            }),
            ("credentialSubject.identifier[0].hashed", |d| d["credentialSubject"]["identifier"][0]["hashed"] = json!("no")),
            ("credentialSubject.result[0]", |d| d["credentialSubject"]["result"][0]["resultDescription"] = json!("urn:x:other")),
            ("credentialSubject.result[0].value", |d| d["credentialSubject"]["result"][0]["value"] = json!(86)),
            ("credentialSubject.achievement.resultDescription[0].resultType", |d| {
                d["credentialSubject"]["achievement"]["resultDescription"][0]["resultType"] = json!("Points")
            }),
            ("credentialStatus", |d| d["credentialStatus"] = json!([d["credentialStatus"].clone()])),
            ("credentialStatus.statusListIndex", |d| d["credentialStatus"]["statusListIndex"] = json!(94567)),
            ("credentialStatus.id", |d| d["credentialStatus"]["id"] = d["credentialStatus"]["statusListCredential"].clone()),
        ];
        for (path, change) in cases {
            let found = breaches(change);
            assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
        }
    }
}
