//! What VC Data Model 2.0 demands of any credential and presentation, whoever issued it (VCDM, section 4).
//!
//! Our own documents are held to more by [`super::conformance`]. Undefined terms and protected ones are [`super::linked_data`]'s to find.

use super::conformance::is_absolute_url;
use super::contexts;
use super::document::VC_CONTEXT;
use super::presented::has_type;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::DateTime;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256, Sha384, Sha512};

/// Each demand that is not met, in words.
pub type Faults = Vec<String>;

/// Checks a credential. `needs_issuer`: whether it is to be issued already.
pub fn check_credential(document: &Value, needs_issuer: bool) -> Faults {
    let mut faults = Faults::new();
    let Some(members) = document.as_object() else { return vec!["an object expected".to_owned()] };
    check_envelope(members, "VerifiableCredential", &mut faults);
    match members.get("issuer") {
        None if needs_issuer => faults.push("issuer: a URL, or an object with one as id, expected".to_owned()),
        None => {}
        Some(Value::Object(issuer)) if issuer.get("id").is_some_and(is_url) => {}
        Some(issuer) if is_url(issuer) => {}
        Some(_) => faults.push("issuer: a URL, or an object with one as id, expected".to_owned()),
    }
    check_subjects(members.get("credentialSubject"), &mut faults);
    check_dates(members, &mut faults);
    for (name, needs_id) in [("credentialStatus", false), ("credentialSchema", true), ("termsOfUse", false), ("evidence", false), ("refreshService", false), ("renderMethod", false), ("confidenceMethod", false)] {
        check_typed(members.get(name), name, needs_id, &mut faults);
    }
    for entry in items(members.get("credentialStatus")) {
        check_status(entry, &mut faults);
    }
    let issuer = members.get("issuer").and_then(Value::as_object);
    for (place, object) in [("", Some(members)), ("issuer.", issuer)] {
        for name in ["name", "description"] {
            if object.and_then(|object| object.get(name)).is_some_and(|value| !is_language_text(value)) {
                faults.push(format!("{place}{name}: a text, or objects with @value, @language and @direction, expected"));
            }
        }
    }
    check_related(members.get("relatedResource"), &mut faults);
    faults
}

/// Whether what a document says to readers of JSON is what it says to readers of linked data: contexts that are known here and nothing
/// else, no keywords and no names written out, by which a date or a status could be moved to where readers of JSON do not look, while
/// the meaning that was signed stays the same.
pub fn is_plainly_written(document: &Value) -> bool {
    let Some(members) = document.as_object() else { return false };
    let has_plain_contexts = items(members.get("@context")).iter().all(|context| context.as_str().is_some_and(|url| url != contexts::EXAMPLES && contexts::find(url).is_some()));
    has_plain_contexts && members.iter().filter(|(name, _)| *name != "@context").all(|(name, value)| is_plain_name(name) && has_plain_names(value))
}

fn is_plain_name(name: &str) -> bool {
    !name.contains(':') && !name.starts_with('@')
}

fn has_plain_names(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(has_plain_names),
        Value::Object(members) if members.contains_key("@value") => is_language_text(value),
        Value::Object(members) => members.iter().all(|(name, value)| is_plain_name(name) && has_plain_names(value)),
        _ => true,
    }
}

/// Checks a presentation, but not what it presents.
pub fn check_presentation(document: &Value) -> Faults {
    let mut faults = Faults::new();
    let Some(members) = document.as_object() else { return vec!["an object expected".to_owned()] };
    check_envelope(members, "VerifiablePresentation", &mut faults);
    if members.get("holder").is_some_and(|holder| !is_url(holder) && !holder.get("id").is_some_and(is_url)) {
        faults.push("holder: a URL, or an object with one as id, expected".to_owned());
    }
    if items(members.get("verifiableCredential")).iter().any(|credential| !credential.is_object()) {
        faults.push("verifiableCredential: objects expected".to_owned());
    }
    faults
}

/// What credentials and presentations have in common: contexts, types, identifier, proofs.
fn check_envelope(members: &Map<String, Value>, type_name: &str, faults: &mut Faults) {
    let contexts = items(members.get("@context"));
    if contexts.first().and_then(Value::as_str) != Some(VC_CONTEXT) {
        faults.push(format!("@context: {VC_CONTEXT} as the first entry expected"));
    }
    for context in contexts {
        match context {
            Value::String(url) if contexts::find(url).is_some() => {}
            Value::Object(_) => {}
            _ => faults.push("@context: addresses of contexts that are known here, or objects, expected".to_owned()),
        }
    }
    if !has_type(&Value::Object(members.clone()), type_name) || !items(members.get("type")).iter().all(|name| name.as_str().is_some_and(|name| !name.is_empty())) {
        faults.push(format!("type: {type_name} among texts expected"));
    }
    if members.get("id").is_some_and(|id| !is_url(id)) {
        faults.push("id: one URL expected".to_owned());
    }
    if members.get("proof").is_some_and(|proof| !items(Some(proof)).iter().all(Value::is_object) || items(Some(proof)).is_empty()) {
        faults.push("proof: objects expected".to_owned());
    }
}

fn check_subjects(subject: Option<&Value>, faults: &mut Faults) {
    let subjects = items(subject);
    let is_subject = |subject: &Value| subject.as_object().is_some_and(|members| !members.is_empty() && members.get("id").is_none_or(is_url));
    if subjects.is_empty() || !subjects.iter().all(is_subject) {
        faults.push("credentialSubject: objects that say something, with one URL as id or none, expected".to_owned());
    }
}

fn check_dates(members: &Map<String, Value>, faults: &mut Faults) {
    let mut instant = |name: &str| {
        let value = members.get(name)?;
        let text = value.as_str().filter(|text| text.as_bytes().get(10) == Some(&b'T') && !text.ends_with('z'));
        let parsed = text.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        if parsed.is_none() {
            faults.push(format!("{name}: a date and time with a zone expected"));
        }
        parsed
    };
    if let (Some(from), Some(until)) = (instant("validFrom"), instant("validUntil"))
        && until < from
    {
        faults.push("validUntil: not earlier than validFrom expected".to_owned());
    }
}

fn check_typed(value: Option<&Value>, name: &str, needs_id: bool, faults: &mut Faults) {
    let is_typed = |item: &Value| {
        let names = items(item.get("type"));
        let id = item.get("id");
        item.is_object() && !names.is_empty() && names.iter().all(Value::is_string) && id.is_none_or(is_url) && (id.is_some() || !needs_id)
    };
    if value.is_some() && (items(value).is_empty() || !items(value).iter().all(is_typed)) {
        faults.push(format!("{name}: objects with a type{} expected", if needs_id { " and a URL as id" } else { ", and a URL as id or none," }));
    }
}

/// An entry of a bitstring list (BSL, section 2.1).
fn check_status(entry: &Value, faults: &mut Faults) {
    if !has_type(entry, "BitstringStatusListEntry") {
        return;
    }
    let text = |name: &str| entry[name].as_str();
    let is_index = text("statusListIndex").is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()));
    if !is_index || text("statusPurpose").is_none_or(str::is_empty) || !is_url(&entry["statusListCredential"]) {
        faults.push("credentialStatus: statusPurpose, statusListIndex as digits and statusListCredential as URL expected".to_owned());
    }
    if entry.get("id").is_some_and(|id| *id == entry["statusListCredential"]) {
        faults.push("credentialStatus: another id than the list's address expected".to_owned());
    }
    let size = entry.get("statusSize").map_or(Some(1), Value::as_u64).filter(|size| (1..=8).contains(size));
    let messages = entry.get("statusMessage").map(|messages| items(Some(messages)).len() as u64);
    if size.is_none() || size.is_some_and(|size| size > 1 && messages != Some(1 << size)) {
        faults.push("credentialStatus: a statusSize from 1 to 8, above 1 with as many statusMessages as values, expected".to_owned());
    }
}

fn is_language_text(value: &Value) -> bool {
    let is_object = |value: &Value| {
        value.as_object().is_some_and(|members| {
            members.get("@value").is_some_and(Value::is_string) && members.keys().all(|name| ["@value", "@language", "@direction"].contains(&name.as_str())) && members.values().all(Value::is_string)
        })
    };
    match value {
        Value::String(_) => true,
        Value::Array(items) => !items.is_empty() && items.iter().all(|item| item.is_string() || is_object(item)),
        other => is_object(other),
    }
}

/// Related resources (VCDM, section 5.3): each once, each with a digest; those that are compiled in are compared with it.
fn check_related(value: Option<&Value>, faults: &mut Faults) {
    let mut seen: Vec<&str> = Vec::new();
    for resource in items(value) {
        let Some(id) = resource["id"].as_str().filter(|_| is_url(&resource["id"])) else {
            faults.push("relatedResource: a URL as id expected".to_owned());
            continue;
        };
        if seen.contains(&id) {
            faults.push("relatedResource: each resource once expected".to_owned());
        }
        seen.push(id);
        let digests: Vec<(Vec<u8>, Algorithm)> = [resource["digestSRI"].as_str().and_then(sri), resource["digestMultibase"].as_str().and_then(multibase)].into_iter().flatten().collect();
        let given = ["digestSRI", "digestMultibase"].iter().filter(|name| resource.get(**name).is_some()).count();
        if given == 0 || digests.len() != given {
            faults.push("relatedResource: digestSRI or digestMultibase expected".to_owned());
        }
        if let Some(text) = contexts::find(id)
            && digests.iter().any(|(digest, algorithm)| algorithm.digest(text.as_bytes()) != *digest)
        {
            faults.push("relatedResource: the digest of the resource expected".to_owned());
        }
    }
}

#[derive(Clone, Copy)]
enum Algorithm {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Algorithm::Sha256 => Sha256::digest(bytes).to_vec(),
            Algorithm::Sha384 => Sha384::digest(bytes).to_vec(),
            Algorithm::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// Subresource Integrity: `sha384-` and base64.
fn sri(text: &str) -> Option<(Vec<u8>, Algorithm)> {
    let (name, digest) = text.split_once('-')?;
    let (algorithm, length) = match name {
        "sha256" => (Algorithm::Sha256, 32),
        "sha384" => (Algorithm::Sha384, 48),
        "sha512" => (Algorithm::Sha512, 64),
        _ => return None,
    };
    STANDARD.decode(digest).ok().filter(|digest| digest.len() == length).map(|digest| (digest, algorithm))
}

/// A multihash in base64url or base58btc. Some write the bare digest, whose length tells the algorithm.
fn multibase(text: &str) -> Option<(Vec<u8>, Algorithm)> {
    let bytes = match text.split_at_checked(1)? {
        ("u", rest) => URL_SAFE_NO_PAD.decode(rest).ok()?,
        ("z", rest) => bs58::decode(rest).into_vec().ok()?,
        _ => return None,
    };
    match bytes.as_slice() {
        [0x12, 0x20, digest @ ..] if digest.len() == 32 => Some((digest.to_vec(), Algorithm::Sha256)),
        [0x20, 0x30, digest @ ..] if digest.len() == 48 => Some((digest.to_vec(), Algorithm::Sha384)),
        bare if bare.len() == 32 => Some((bare.to_vec(), Algorithm::Sha256)),
        bare if bare.len() == 48 => Some((bare.to_vec(), Algorithm::Sha384)),
        _ => None,
    }
}

pub(super) fn items(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(other) => std::slice::from_ref(other),
        None => &[],
    }
}

fn is_url(value: &Value) -> bool {
    value.as_str().is_some_and(is_absolute_url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn credential() -> Value {
        json!({
            "@context": [VC_CONTEXT, "https://www.w3.org/ns/credentials/examples/v2"],
            "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
            "type": ["VerifiableCredential"],
            "issuer": { "id": "did:example:issuer", "name": [{ "@value": "x", "@language": "en" }] },
            "validFrom": "2023-01-01T00:00:00Z", "validUntil": "9999-01-01T00:00:00Z",
            "credentialSubject": [{ "id": "did:example:a" }],
            "credentialSchema": { "id": "https://example.org/s", "type": "JsonSchema" },
            "relatedResource": [{ "id": VC_CONTEXT, "digestSRI": format!("sha256-{}", STANDARD.encode(Sha256::digest(contexts::find(VC_CONTEXT).unwrap()))) }],
        })
    }

    #[test]
    fn a_good_credential_has_no_faults() {
        assert_eq!(check_credential(&credential(), true), Faults::new());
        let digest = Sha256::digest(contexts::find(VC_CONTEXT).unwrap());
        for bytes in [digest.to_vec(), [&[0x12, 0x20], digest.as_slice()].concat()] {
            let mut related = credential();
            related["relatedResource"] = json!([{ "id": VC_CONTEXT, "digestMultibase": format!("u{}", URL_SAFE_NO_PAD.encode(bytes)) }]);
            assert_eq!(check_credential(&related, true), Faults::new());
        }
        let mut bare = credential();
        for name in ["id", "issuer", "validFrom", "validUntil", "credentialSchema", "relatedResource"] {
            bare.as_object_mut().unwrap().shift_remove(name);
        }
        bare["@context"] = json!(VC_CONTEXT);
        assert_eq!(check_credential(&bare, false), Faults::new());
        assert_eq!(check_credential(&bare, true).len(), 1);
    }

    #[test]
    fn names_that_only_some_readers_see_are_not_plain() {
        let plain = || {
            let mut plain = credential();
            plain["@context"] = json!([VC_CONTEXT]);
            plain
        };
        assert!(is_plainly_written(&plain()));
        assert!(!is_plainly_written(&credential()), "the examples define whatever nobody else does");
        let cases: Vec<fn(&mut Value)> = vec![
            |d| d["@nest"] = json!({ "validUntil": "2030-01-01T00:00:00Z" }),
            |d| d["https://www.w3.org/2018/credentials#validUntil"] = json!("2030-01-01T00:00:00Z"),
            |d| d["credentialSubject"][0]["@id"] = json!("did:example:b"),
            |d| d["@context"].as_array_mut().unwrap().push(json!({ "until": "https://www.w3.org/2018/credentials#validUntil" })),
            |d| d["@context"].as_array_mut().unwrap().push(json!("https://example.org/unknown")),
        ];
        for change in cases {
            let mut document = plain();
            change(&mut document);
            assert!(!is_plainly_written(&document), "{document}");
        }
    }

    #[test]
    fn each_demand_is_made() {
        let cases: Vec<(&str, fn(&mut Value))> = vec![
            ("@context", |d| d["@context"].as_array_mut().unwrap().reverse()),
            ("@context", |d| d["@context"].as_array_mut().unwrap().push(json!("https://example.org/unknown"))),
            ("@context", |d| d["@context"].as_array_mut().unwrap().push(json!(1))),
            ("type", |d| d["type"] = json!("Other")),
            ("id", |d| d["id"] = Value::Null),
            ("id", |d| d["id"] = json!(["urn:x:1", "urn:x:2"])),
            ("id", |d| d["id"] = json!("no url")),
            ("issuer", |d| d["issuer"] = Value::Null),
            ("issuer", |d| d["issuer"] = json!({ "id": null })),
            ("issuer.name", |d| d["issuer"]["name"] = json!({ "@value": "x", "extra": "y" })),
            ("credentialSubject", |d| d["credentialSubject"] = json!({})),
            ("credentialSubject", |d| d["credentialSubject"] = json!("did:example:a")),
            ("credentialSubject", |d| d["credentialSubject"] = json!([])),
            ("credentialSubject", |d| d["credentialSubject"] = json!({ "id": ["urn:a:1", "urn:a:2"] })),
            ("validFrom", |d| d["validFrom"] = json!("2023-01-01")),
            ("validUntil", |d| d["validUntil"] = json!("2022-01-01T00:00:00Z")),
            ("credentialSchema", |d| d["credentialSchema"] = json!({ "type": "JsonSchema" })),
            ("credentialStatus", |d| d["credentialStatus"] = json!({ "id": "urn:x:1" })),
            ("credentialStatus", |d| d["credentialStatus"] = json!({ "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": 5, "statusListCredential": "https://example.org/l" })),
            ("evidence", |d| d["evidence"] = json!([{}])),
            ("termsOfUse", |d| d["termsOfUse"] = json!("x")),
            ("proof", |d| d["proof"] = json!("x")),
            ("relatedResource", |d| d["relatedResource"][0]["digestSRI"] = json!(format!("sha256-{}", STANDARD.encode([0; 32])))),
            ("relatedResource", |d| d["relatedResource"] = json!([{ "id": VC_CONTEXT, "digestMultibase": format!("u{}", URL_SAFE_NO_PAD.encode([0; 32])) }])),
            ("relatedResource", |d| d["relatedResource"] = json!([{ "id": VC_CONTEXT, "digestMultibase": format!("u{}", URL_SAFE_NO_PAD.encode([0; 20])) }])),
            ("relatedResource", |d| d["relatedResource"] = json!([{ "id": "https://example.org/r" }])),
            ("relatedResource", |d| d["relatedResource"] = json!([d["relatedResource"][0], d["relatedResource"][0]])),
            ("name", |d| d["name"] = json!(1)),
        ];
        for (place, change) in cases {
            let mut document = credential();
            change(&mut document);
            let faults = check_credential(&document, true);
            assert!(faults.iter().any(|fault| fault.starts_with(place)), "{place}: {faults:?}");
        }
    }
}
