//! Every parser of what strangers send, fed by libFuzzer: `fuzz/run` builds and runs all of them, `fuzz/run SECONDS TARGET` one.
//!
//! A parser may refuse whatever it likes. It must not panic, hang or eat memory; and where it can write what it has read, it must read the
//! same again.

#![no_main]

use jilu::credential::data_integrity::{self, Expectation};
use jilu::credential::holder::{HolderJws, HolderKey};
use jilu::credential::identity::{did_key, did_web_url, key_in_did_document, key_in_jwks};
use jilu::credential::jws::CompactJws;
use jilu::credential::presented::Presented;
use jilu::credential::vc_api::{self, Expected};
use jilu::credential::sd_jwt::SdJwt;
use jilu::credential::jwt_claims::Claims;
use jilu::credential::{badge, badge_jwt, baked, conformance, data_model, linked_data, status_list, strict_json, token_status};
use jilu::domain::document::{IdDocumentType, IdentityDocument, ResidentIdNumber};
use jilu::domain::platform::{PlatformHosts, known_scopes, redirect_url};
use jilu::domain::xapi::Statement;
use jilu::http::pages::photographs;
use jilu::merkle::checkpoint::Checkpoint;
use jilu::merkle::leaf::Entry;
use jilu::merkle::note::{Note, NoteKey};
use jilu::merkle::tile::TileAddress;
use jilu::merkle::tlog_proof::TlogProof;
use jilu::merkle::witness::AddCheckpoint;
use jilu::print::attachments;
use jilu::print::portrait::Portrait;
use jilu::services::assessments::parse_candidates;
use jilu::services::attendance_rows::parse_attendance;
use jilu::services::results::{RESULTS, parse_results};
use jilu::services::trainee_rows::{parse_assessments, parse_trainees};
use jilu::services::worker_rows::parse_workers;
use jilu::table::Format;
use jilu::table::corrections::{corrections, place_of};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeMap;
use std::sync::{Once, OnceLock};

type Target = fn(&[u8]);

const TARGETS: &[(&str, Target)] = &[
    ("presented", presented),
    ("jws", jws),
    ("sd_jwt", sd_jwt),
    ("embedded", embedded),
    ("linked_data", meaning),
    ("picture", picture),
    ("photograph", photograph),
    ("keys", keys),
    ("status", status),
    ("log", log),
    ("statement", statement),
    ("table", table),
    ("paper", paper),
    ("form", form),
];

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let target = TARGET.get_or_init(|| {
        let wanted = std::env::var("FUZZ_TARGET").unwrap_or_default();
        TARGETS.iter().find(|(name, _)| *name == wanted).unwrap_or_else(|| panic!("FUZZ_TARGET: one of {} expected", TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))).1
    });
    target(data);
});

fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or_default()
}

fn presented(data: &[u8]) {
    let _ = Presented::read(data);
}

fn jws(data: &[u8]) {
    if let Ok(jws) = CompactJws::parse(text(data)) {
        let _ = (jws.key_id(), jws.typ());
        if let Ok(payload) = strict_json::parse(&jws.payload) {
            claims(payload);
        }
    }
    if let Some(jws) = HolderJws::parse(text(data))
        && let Some(key) = HolderKey::from_jwk(&jws.header["jwk"])
    {
        let _ = jws.is_signed_by(&key);
    }
}

/// What stands beside a document in the payload of a JWT.
fn claims(payload: serde_json::Value) {
    if let Ok(document) = badge_jwt::strip(&payload) {
        let _ = badge::check(&document);
    }
    let serde_json::Value::Object(mut members) = payload else { return };
    let claims = Claims::take(&mut members);
    claims.narrow(&mut members);
    let document = serde_json::Value::Object(members);
    let _ = claims.disagreement(&document, Some("did:example:a"));
    assert!(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"].iter().all(|name| document.get(*name).is_none()));
}

fn sd_jwt(data: &[u8]) {
    if let Ok(shown) = SdJwt::parse(text(data)) {
        assert!(shown.disclosed.iter().all(|name| shown.claims.contains_key(name)));
        let _ = shown.check_key_binding(None);
    }
}

fn embedded(data: &[u8]) {
    let Ok(document) = strict_json::parse(data) else { return };
    let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a moment");
    // No proof holds unless its key signed it, and nobody has found one of these by chance.
    let _ = data_integrity::verify(&document, &Expectation::assertion(now), &mut did_key);
    let _ = vc_api::verify_credential(&document, Expected::default(), now);
    let _ = vc_api::verify_presentation(&document, Expected::default(), now);
    let _ = data_model::check_presentation(&document);
    let _ = conformance::check(&document);
}

fn meaning(data: &[u8]) {
    let Ok(document) = strict_json::parse(data) else { return };
    if let Ok(quads) = linked_data::canonical_quads(&document) {
        assert_eq!(linked_data::canonical_quads(&document).as_deref(), Ok(quads.as_str()));
        // A claim that no reader of linked data sees is not let in, whatever the rest of the document is.
        if let Some(members) = document.as_object() {
            let mut added = members.clone();
            added.insert("https://t.example/a b".to_owned(), serde_json::json!("x"));
            assert!(linked_data::canonical_quads(&serde_json::Value::Object(added)).is_err());
        }
    }
}

fn picture(data: &[u8]) {
    let _ = baked::read_png(data);
    let _ = baked::read_svg(text(data));
}

/// What a camera saw: a file, or the bits of a square picture, which no checksum keeps from being changed. A decoder of others may panic:
/// where photographs are looked at, that is caught, and so it is here. It may not hang or eat memory.
fn photograph(data: &[u8]) {
    static QUIET: Once = Once::new();
    // Our own code may not panic here either.
    QUIET.call_once(|| {
        let found = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.location().is_none_or(|place| !place.file().contains("/registry/")) {
                found(panic);
            }
        }));
    });
    let is_file = data.starts_with(b"\x89PNG") || data.starts_with(b"\xff\xd8\xff");
    let _ = std::panic::catch_unwind(|| -> Vec<String> {
        if is_file {
            let _ = Portrait::read(data);
            return photographs::read_qr_codes(data);
        }
        let side = (data.len() * 8).isqrt();
        let is_dark = |place: usize| data[place / 8] >> (place % 8) & 1 == 1;
        let grey = |x: u32, y: u32| image::Luma([if is_dark((y / 4) as usize * side + (x / 4) as usize) { 0 } else { 255 }]);
        photographs::codes_in(&image::GrayImage::from_fn(side as u32 * 4, side as u32 * 4, grey))
    });
}

fn keys(data: &[u8]) {
    let _ = (did_key(text(data)), did_web_url(text(data)), HolderKey::from_did_jwk(text(data)));
    if let Ok(document) = strict_json::parse(data) {
        let _ = (key_in_jwks(&document, None), key_in_did_document(&document, "did:web:a.example", "did:web:a.example#k"), HolderKey::from_jwk(&document));
    }
}

fn status(data: &[u8]) {
    if let Some(bits) = status_list::decode(text(data)) {
        assert_eq!(status_list::decode(&status_list::encode(&bits)), Some(bits));
    }
    let _ = token_status::read_entry(&serde_json::json!({ "bits": 2, "lst": text(data) }), 7);
}

fn log(data: &[u8]) {
    let text = text(data);
    let _ = (Note::parse(text), Entry::parse(text), TlogProof::parse(text), AddCheckpoint::parse(text));
    if let Ok(address) = text.parse::<TileAddress>() {
        assert_eq!(address.to_string().parse::<TileAddress>().ok(), Some(address));
    }
    if let Ok(key) = text.parse::<NoteKey>() {
        assert_eq!(key.to_string().parse::<NoteKey>().map(|again| again.to_string()), Ok(key.to_string()));
        let _ = Checkpoint::open(text, &key);
    }
}

fn statement(data: &[u8]) {
    if let Ok(value) = strict_json::parse(data)
        && let Ok(statement) = Statement::parse(&value, "0")
    {
        let _ = statement.study(chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("a moment"));
    }
}

/// Files of clerks, in each form that they may have.
fn table(data: &[u8]) {
    let (Some((first, file)), formats) = (data.split_first(), [Format::Csv, Format::Ndjson, Format::Xlsx]) else { return };
    let format = formats[usize::from(*first) % formats.len()];
    let today = chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
    let _ = (parse_candidates(format, file), parse_attendance(format, file), parse_trainees(format, file), parse_assessments(format, file), parse_workers(format, file, today));
    let Err(faults) = parse_results(format, file) else { return };
    let notes: BTreeMap<usize, String> = faults.iter().filter_map(|fault| Some((place_of(fault.field.as_deref()?)?.0, fault.detail.en.to_string()))).collect();
    // What comes back to be corrected is read as what was sent.
    if let Some(again) = corrections(format, file, &RESULTS, &notes) {
        let rows = |result: Result<_, Vec<_>>| result.err().map(|faults: Vec<jilu::domain::rule::Violation>| faults.len());
        assert_eq!(rows(parse_results(Format::Xlsx, &again).map(drop)).is_some(), !faults.is_empty());
    }
}

/// PDFs that somebody hands in.
fn paper(data: &[u8]) {
    let _ = (attachments::read(data), attachments::seal_place(data));
}

/// What stands in addresses and forms.
fn form(data: &[u8]) {
    let text = text(data);
    if let Ok(url) = redirect_url(text, &PlatformHosts::Any) {
        assert!(url.scheme() == "https" || url.host_str().is_some_and(|host| host == "localhost" || host.starts_with("127.") || host == "[::1]"));
    }
    if let Ok(hosts) = text.parse::<PlatformHosts>() {
        assert_eq!(hosts.to_string().parse(), Ok(hosts));
    }
    let _ = known_scopes(text);
    let today = chrono::NaiveDate::from_ymd_opt(2026, 3, 1).expect("a day");
    if let Ok(number) = ResidentIdNumber::parse(text, today) {
        assert_eq!(ResidentIdNumber::parse(number.as_str(), today).as_ref(), Ok(&number));
    }
    for kind in IdDocumentType::ALL {
        let _ = IdentityDocument::parse(kind, Some("KOR"), text, today);
    }
}
