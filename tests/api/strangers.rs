//! Documents of other issuers, and everything that has been tried with documents: tricks with contexts and members, with headers and
//! claims, with addresses (promises H3, J5, J6). Whatever is refused is refused with a reason and a next step, in both languages.

use crate::forms::{outcome_of, taken, verified};
use crate::support::{Database, TestRegistry};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jilu::credential::data_integrity::{ProofOptions, Suite, add_proof};
use jilu::credential::identity::{did_key, jwk};
use jilu::credential::keys::IssuingKey;
use jilu::credential::vc_api::{self, Securing};
use serde_json::{Map, Value, json};
use std::net::TcpListener;

const VC: &str = "https://www.w3.org/ns/credentials/v2";
const OB: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";
const CLR: &str = "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json";
const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";

/// A key that the registry trusts, and a badge of its holder.
fn trusted() -> (IssuingKey, TestRegistry, Value) {
    let key = IssuingKey::of_did_key(&[6; 32]);
    let registry = TestRegistry::start(Database::Sqlite, &[("trusted_issuers", &key.controller)]);
    let achievement = json!({ "id": "https://t.example/a/1", "type": ["Achievement"], "name": "Welder, level 1", "description": "x", "criteria": { "narrative": "x" } });
    let badge = json!({
        "@context": [VC, OB], "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33", "issuer": key.controller, "type": ["VerifiableCredential", "OpenBadgeCredential"], "name": "Welder",
        "validFrom": "2026-01-01T00:00:00Z", "credentialSubject": { "id": "did:example:a", "type": ["AchievementSubject"], "achievement": achievement },
    });
    (key, registry, badge)
}

/// A document with a set of proofs, one of each suite.
fn proven(key: &IssuingKey, document: &Value, suites: &[Suite]) -> Value {
    let options = |suite: Suite| ProofOptions { suite, created: "2026-03-01T00:00:00Z".parse().unwrap(), method: &key.public.key_id, purpose: "assertionMethod" };
    let proofs: Vec<Value> = suites.iter().map(|suite| add_proof(key, document, &options(*suite)).unwrap()).collect();
    let mut secured = document.clone();
    secured["proof"] = json!(proofs);
    secured
}

fn jws(key: &IssuingKey, header: &Value, payload: &str) -> String {
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.sign(text.as_bytes()).unwrap()))
}

/// How many words of another language follow each other.
fn longest_run_of_latin_words(text: &str) -> usize {
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    text.split(|c: char| !c.is_ascii_alphabetic() && c != ' ').map(|part| part.split(' ').filter(is_word).count()).max().unwrap_or(0)
}

/// What a document was answered; each check that failed says what was found and what to do next, in both languages.
fn asked(registry: &TestRegistry, bytes: &[u8]) -> Value {
    let answers = ["en", "zh-CN"].map(|language| registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", "text/plain"), ("accept-language", language)], bytes).expect(200));
    for (answer, is_chinese) in answers.iter().zip([false, true]) {
        for check in answer["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "failed") {
            for member in ["detail", "next_step"] {
                let text = check[member].as_str().unwrap_or_else(|| panic!("no {member}: {check}"));
                assert!(!text.is_empty() && text.chars().any(|c| c > '\u{4e00}') >= is_chinese, "{check}");
                assert!(!is_chinese || longest_run_of_latin_words(text) < 3, "a sentence of another language: {check}");
            }
        }
    }
    let [answer, _] = answers;
    answer
}

#[test]
fn a_proof_covers_the_contexts_that_it_was_made_over() {
    let (key, registry, badge) = trusted();
    for suites in [&[Suite::Jcs][..], &[Suite::Rdfc], &[Suite::Rdfc, Suite::Jcs]] {
        let signed = proven(&key, &badge, suites);
        assert_eq!(asked(&registry, signed.to_string().as_bytes())["outcome"], "valid", "{suites:?}");
        for (context, is_refused) in [(json!(EXAMPLES), true), (json!({ "@vocab": "https://evil.example/" }), true), (json!("https://evil.example/context"), true), (json!(CLR), suites.contains(&Suite::Jcs))] {
            let mut added = signed.clone();
            added["@context"].as_array_mut().unwrap().push(context.clone());
            let answer = asked(&registry, added.to_string().as_bytes());
            // Linked data is signed by its meaning: a known context that gives no word of the document another meaning is no change.
            assert_eq!(answer["outcome"], if is_refused { "not_found" } else { "valid" }, "{suites:?} {context}: {answer}");
        }
    }
    // What only the examples' vocabulary defines is nobody's word, whoever signed it.
    let mut vague = json!({ "@context": [VC, EXAMPLES], "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc34", "type": ["VerifiableCredential"], "issuer": key.controller, "credentialSubject": { "anything": "x" } });
    let answer = asked(&registry, proven(&key, &vague, &[Suite::Rdfc]).to_string().as_bytes());
    assert_eq!((&answer["outcome"], outcome_of(&answer, "schema")), (&json!("not_found"), Some("failed")));
    // A term that nobody defines is covered by a proof over JSON; it stays nobody's word when a vocabulary is put behind it.
    vague["@context"] = json!([VC]);
    let mut signed = proven(&key, &vague, &[Suite::Jcs]);
    assert_eq!(asked(&registry, signed.to_string().as_bytes())["outcome"], "not_found");
    signed["@context"] = json!([VC, EXAMPLES]);
    assert_eq!(asked(&registry, signed.to_string().as_bytes())["outcome"], "not_found");
}

/// Every place of a document, innermost last.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(name, inner)| places(inner, &format!("{at}/{name}"), found)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, inner)| places(inner, &format!("{at}/{index}"), found)),
        _ => {}
    }
}

/// What a forger does at one place; None where it would change nothing that a document says.
fn tampered(document: &Value, place: &str, trick: usize) -> Option<String> {
    let (parent, name) = place.rsplit_once('/')?;
    let mut changed = document.clone();
    let is_in_proofs = parent == "/proof";
    match trick {
        // Another value.
        0 => {
            let value = changed.pointer_mut(place)?;
            *value = match value.take() {
                Value::String(text) => json!(format!("{text}x")),
                Value::Number(number) => json!(number.as_f64()? + 1.0),
                Value::Bool(is_so) => json!(!is_so),
                Value::Array(items) if items.len() > 1 && place != "/proof" => json!(items.into_iter().rev().collect::<Vec<_>>()),
                _ => return None,
            };
        }
        // A member that is gone. A proof that is gone leaves one that holds.
        1 if !is_in_proofs => drop(changed.pointer_mut(parent)?.as_object_mut()?.remove(name)?),
        // A member under another name, which nobody defines.
        2 => {
            let members = changed.pointer_mut(parent)?.as_object_mut()?;
            let value = members.remove(name)?;
            members.insert(format!("{name}2"), value);
        }
        // A member more.
        3 => drop(changed.pointer_mut(place)?.as_object_mut()?.insert("surprise".to_owned(), json!(1))),
        // A member twice, the first one as it was.
        4 => {
            let members = changed.pointer_mut(parent)?.as_object_mut()?;
            members.get(name)?;
            members.insert("\u{1}".to_owned(), json!("other"));
            return Some(changed.to_string().replace("\"\\u0001\"", &json!(name).to_string()));
        }
        // Nothing where something was.
        5 if !is_in_proofs => *changed.pointer_mut(place)? = Value::Null,
        // One in a list where one stood by itself.
        6 if !is_in_proofs => {
            let value = changed.pointer_mut(place)?;
            *value = json!([value.take()]);
        }
        // Written out as linked data has it, behind a name that JSON's readers do not know.
        7 => {
            let members = changed.pointer_mut(parent)?.as_object_mut()?;
            let value = members.remove(name)?;
            members.insert("@nest".to_owned(), json!({ name: value }));
        }
        // A context more, at each place where one stands.
        8 if parent == "/@context" => changed["@context"].as_array_mut()?.insert(name.parse().ok()?, json!(CLR)),
        9 if parent == "/@context" => changed["@context"].as_array_mut()?.insert(name.parse().ok()?, json!({ "@vocab": "https://evil.example/" })),
        10 if place == "/@context" => changed["@context"].as_array_mut()?.push(json!(EXAMPLES)),
        // A text that ends before its end.
        11 => *changed.pointer_mut(place)? = json!(document.pointer(place)?.as_str()?.chars().rev().skip(1).collect::<Vec<_>>().into_iter().rev().collect::<String>()),
        _ => return None,
    }
    Some(changed.to_string())
}

#[test]
fn a_thousand_tricks_and_none_is_accepted() {
    let (key, registry, badge) = trusted();
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let own = taken(&registry, &body.client, &certificate, "application/vc").json();
    let foreign = proven(&key, &badge, &[Suite::Jcs]);
    let mut tricks = Vec::new();
    for document in [&own, &foreign] {
        let mut found = Vec::new();
        places(document, "", &mut found);
        tricks.extend(found.iter().flat_map(|place| (0..12).filter_map(move |trick| Some((place.clone(), trick, tampered(document, place, trick)?)))));
    }
    assert!(tricks.len() >= 1_000, "{}", tricks.len());
    let outcome = |text: &str| verified(&registry, "text/plain", text.as_bytes())["outcome"].clone();
    for document in [&own, &foreign] {
        assert_eq!(outcome(&document.to_string()), "valid");
    }
    for (place, trick, text) in &tricks {
        assert_eq!(outcome(text), "not_found", "{trick} at {place}");
    }
}

/// Each is truly signed by a key that the registry trusts, or tries to do without.
#[test]
fn headers_and_claims_that_readers_have_fallen_for_are_refused() {
    let (key, registry, badge) = trusted();
    let header = json!({ "alg": "EdDSA", "typ": "vc+jwt", "kid": key.public.key_id });
    let good = jws(&key, &header, &badge.to_string());
    assert_eq!(asked(&registry, good.as_bytes())["outcome"], "valid");
    let parts: Vec<&str> = good.split('.').collect();
    let mut attacks: Vec<(String, String)> = Vec::new();
    for (name, value) in [
        ("alg", json!("none")), ("alg", json!("None")), ("alg", json!("HS256")), ("alg", json!("RS256")), ("alg", json!("ES256")), ("alg", json!(["EdDSA"])), ("alg", json!(null)),
        ("kid", json!("../../etc/passwd")), ("kid", json!("' OR 1=1 --")), ("kid", json!("k".repeat(10_000))), ("kid", json!("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")), ("kid", json!(null)),
        ("crit", json!(["x"])), ("crit", json!([])), ("b64", json!(false)), ("zip", json!("DEF")), ("typ", json!("vp+jwt")), ("typ", json!("at+jwt")), ("typ", json!("dc+sd-jwt")),
    ] {
        let mut changed = header.clone();
        changed[name] = value.clone();
        attacks.push((format!("{name} {value}").chars().take(60).collect(), jws(&key, &changed, &badge.to_string())));
    }
    for (name, value) in [
        ("exp", json!("4102444800")), ("exp", json!(4_102_444_800.5)), ("exp", json!(-1)), ("exp", json!(null)), ("nbf", json!(4_102_444_800_i64)), ("nbf", json!("0")), ("iat", json!(4_102_444_800_i64)), ("iat", json!("x")), ("iat", json!(1.5)),
        ("iss", json!("did:example:other")), ("iss", json!([key.controller])), ("iss", json!(null)), ("sub", json!("did:example:b")), ("sub", json!(["did:example:a"])), ("jti", json!("urn:uuid:0")), ("aud", json!(5)), ("aud", json!(["a", 5])), ("vc", json!({})), ("vp", json!({})), ("surprise", json!(1)),
    ] {
        let mut payload = badge.clone();
        payload[name] = value.clone();
        attacks.push((format!("{name} {value}"), jws(&key, &header, &payload.to_string())));
    }
    let huge_exponent = badge.to_string().replacen('{', "{\"exp\":1e400,", 1);
    let twice = badge.to_string().replacen('{', "{\"issuer\":\"did:example:other\",", 1);
    let header_twice = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string().replacen('{', "{\"alg\":\"EdDSA\",", 1)), parts[1]);
    attacks.extend([
        ("exp 1e400".to_owned(), jws(&key, &header, &huge_exponent)),
        ("a member twice".to_owned(), jws(&key, &header, &twice)),
        ("a member of the header twice".to_owned(), format!("{header_twice}.{}", URL_SAFE_NO_PAD.encode(key.sign(header_twice.as_bytes()).unwrap()))),
        ("no signature".to_owned(), format!("{}.{}.", parts[0], parts[1])),
        ("two parts".to_owned(), format!("{}.{}", parts[0], parts[1])),
        ("four parts".to_owned(), format!("{good}.x")),
        ("padding".to_owned(), format!("{good}==")),
        ("the public key as a secret".to_owned(), format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "typ": "vc+jwt", "kid": key.public.key_id }).to_string()), parts[1], URL_SAFE_NO_PAD.encode(STANDARD.encode(key.public.multikey())))),
        ("a JWT in a JWT".to_owned(), jws(&key, &header, &json!(good).to_string())),
        ("the JSON serialisation".to_owned(), json!({ "payload": parts[1], "protected": parts[0], "signature": parts[2] }).to_string()),
        ("9 KB of signature".to_owned(), format!("{good}{}", "A".repeat(9_000))),
        ("900 KB".to_owned(), "A".repeat(900_000)),
    ]);
    // The last character has bits that say nothing; only one way of writing them is taken.
    let last = good.chars().last().unwrap();
    attacks.extend("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars().filter(|other| *other != last).map(|other| (format!("another end {other}"), format!("{}{other}", &good[..good.len() - 1]))));
    for (what, text) in &attacks {
        let answer = asked(&registry, text.as_bytes());
        assert_ne!(answer["outcome"], "valid", "{what}: {answer}");
    }
}

#[test]
fn a_badge_as_jwt_is_read_as_open_badges_writes_it() {
    let (key, registry, badge) = trusted();
    let claims = json!({ "iss": key.controller, "sub": "did:example:a", "jti": badge["id"], "nbf": 1_767_225_600 });
    let payload = |changes: Value| {
        let mut payload: Map<String, Value> = badge.as_object().unwrap().clone();
        payload.extend(claims.as_object().unwrap().clone());
        payload.extend(changes.as_object().unwrap().clone());
        Value::Object(payload).to_string()
    };
    let own_jwk = jwk(&key.public);
    let other_jwk = jwk(&IssuingKey::of_did_key(&[7; 32]).public);
    let by_kid = json!({ "alg": "EdDSA", "kid": key.public.key_id });
    for (header, changes, outcome) in [
        (by_kid.clone(), json!({}), "valid"),
        (json!({ "alg": "EdDSA", "typ": "JWT", "kid": key.public.key_id }), json!({}), "valid"),
        (by_kid.clone(), json!({ "issuer": { "id": key.controller, "type": ["Profile"] }, "aud": "did:example:verifier", "iat": 1_767_225_600 }), "valid"),
        (json!({ "alg": "EdDSA", "jwk": own_jwk }), json!({}), "valid"),
        (json!({ "alg": "EdDSA", "jwk": other_jwk }), json!({}), "not_found"),
        (by_kid.clone(), json!({ "iss": "did:example:other" }), "not_found"),
        (by_kid.clone(), json!({ "nbf": 0 }), "not_found"),
        (by_kid.clone(), json!({ "nbf": null }), "not_found"),
        (by_kid.clone(), json!({ "aud": 5 }), "not_found"),
        (by_kid.clone(), json!({ "iat": 4_102_444_800_i64 }), "not_found"),
        (by_kid.clone(), json!({ "credentialSubject": { "id": "did:example:a", "type": ["AchievementSubject"] } }), "not_found"),
    ] {
        let answer = asked(&registry, jws(&key, &header, &payload(changes.clone())).as_bytes());
        assert_eq!(answer["outcome"], outcome, "{header} {changes}: {answer}");
    }
    for name in ["cty", "jku", "x5u", "x5c", "foo"] {
        let mut header = by_kid.clone();
        header[name] = json!("x");
        let answer = asked(&registry, jws(&key, &header, &payload(json!({}))).as_bytes());
        assert_eq!((&answer["outcome"], outcome_of(&answer, "proof")), (&json!("not_found"), Some("failed")), "{name}");
    }
}

/// What people see above the answer: a file that was forged is not one without a certificate, and what could not be checked is neither.
#[test]
fn a_forged_file_is_told_from_one_that_nobody_could_check() {
    let (key, registry, badge) = trusted();
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let heading = |bytes: &[u8]| {
        let boundary = "x-part-x";
        let form = [format!("--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n").as_bytes(), bytes, format!("\r\n--{boundary}--\r\n").as_bytes()].concat();
        let page = registry.send("POST", "/verify/file", &[("content-type", &format!("multipart/form-data; boundary={boundary}")), ("accept", "text/html"), ("accept-language", "en")], &form).text();
        page.split("<h1 id=\"outcome\">").nth(1).unwrap_or_else(|| panic!("{page}")).split('<').next().unwrap().to_owned()
    };
    let forged = "Do not trust this file";
    // An SD-JWT with one disclosure edited, a header that asks for no signature, a badge with another member in its header.
    let plain = taken(&registry, &body.client, &certificate, "application/dc+sd-jwt").text();
    let first = plain.split('~').nth(1).unwrap();
    let edited = URL_SAFE_NO_PAD.encode(String::from_utf8(URL_SAFE_NO_PAD.decode(first).unwrap()).unwrap().replacen("\"]", "x\"]", 1));
    assert_eq!((heading(plain.as_bytes()).as_str(), heading(plain.replace(first, &edited).as_bytes()).as_str()), ("Valid", forged));
    let original = taken(&registry, &body.client, &certificate, "application/vc+jwt").text();
    let parts: Vec<&str> = original.split('.').collect();
    for header in [json!({ "alg": "none" }), json!({ "alg": "HS256", "typ": "vc+jwt" }), json!({ "alg": "EdDSA", "typ": "vc+jwt", "crit": ["x"] })] {
        assert_eq!(heading(format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), parts[1], parts[2]).as_bytes()), forged, "{header}");
    }
    assert_eq!(heading(original.replacen(parts[2], &URL_SAFE_NO_PAD.encode([7; 64]), 1).as_bytes()), forged);
    // A receipt is known by its signature.
    let answer = registry.post("/v1/verifications", &json!({ "certificate_number": certificate["certificate_number"], "name": registry.worker(&body.client, 1).name })).expect(200);
    let receipt = answer["receipt"].as_str().unwrap().to_owned();
    assert_eq!((heading(receipt.as_bytes()).as_str(), heading(receipt.replacen(receipt.rsplit('.').next().unwrap(), &URL_SAFE_NO_PAD.encode([7; 64]), 1).as_bytes()).as_str()), ("Receipt: valid", forged));
    // No certificate at all.
    for nothing in [&b"hello"[..], b"{\"a\":1}", b"%PDF-1.7 nothing"] {
        assert_eq!(heading(nothing), "No certificate in this file", "{}", String::from_utf8_lossy(nothing));
    }
    // What this program cannot check says nothing against the document.
    let mut signed = proven(&key, &badge, &[Suite::Jcs]);
    assert_eq!(heading(signed.to_string().as_bytes()), "Valid");
    signed["proof"][0]["cryptosuite"] = json!("ecdsa-rdfc-2019");
    assert_eq!(heading(signed.to_string().as_bytes()), "Not found");
    signed = proven(&key, &badge, &[Suite::Jcs]);
    signed["name"] = json!("Master welder");
    assert_eq!(heading(signed.to_string().as_bytes()), forged);
}

/// A document of somebody whom nobody trusts sends this registry nowhere, not even to those whom it trusts.
#[test]
fn a_stranger_cannot_send_the_registry_to_a_trusted_issuer() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let registry = TestRegistry::start(Database::Sqlite, &[("trusted_issuers", &format!("did:web:localhost%3A{port}"))]);
    let stranger = IssuingKey::of_did_key(&[8; 32]);
    let document = json!({ "@context": [VC], "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc36", "type": ["VerifiableCredential"], "issuer": stranger.controller, "credentialSubject": { "id": "did:example:a" }, "iss": stranger.controller, "sub": "did:example:a", "jti": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc36", "nbf": 1_767_225_600 });
    for kid in [format!("http://localhost:{port}/key"), format!("did:web:localhost%3A{port}#k")] {
        for typ in [json!("JWT"), json!("vc+jwt")] {
            asked(&registry, jws(&stranger, &json!({ "alg": "EdDSA", "typ": typ, "kid": kid }), &document.to_string()).as_bytes());
        }
    }
    let mut embedded = proven(&stranger, &json!({ "@context": [VC], "type": ["VerifiableCredential"], "issuer": stranger.controller, "credentialSubject": { "id": "did:example:a" } }), &[Suite::Jcs]);
    embedded["proof"][0]["verificationMethod"] = json!(format!("did:web:localhost%3A{port}#k"));
    asked(&registry, embedded.to_string().as_bytes());
    assert!(matches!(listener.accept(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "somebody knocked");
    // A NUL is no part of any name.
    let nul = jws(&stranger, &json!({ "alg": "EdDSA", "typ": "vc+jwt", "kid": "did:web:localhost\u{0}#k" }), &json!({ "id": "urn:\u{0}", "issuer": "did:web:localhost%3A8080" }).to_string());
    asked(&registry, nul.as_bytes());
}

#[test]
fn a_key_of_unknown_hands_is_checked_and_counts_for_nothing() {
    let (_, registry, badge) = trusted();
    let unknown = IssuingKey::of_did_key(&[8; 32]);
    let mut theirs = badge.clone();
    theirs["issuer"] = json!(unknown.controller);
    let signed = proven(&unknown, &theirs, &[Suite::Rdfc, Suite::Jcs]);
    let answer = asked(&registry, signed.to_string().as_bytes());
    let outcomes = ["proof", "issuer", "schema", "validity"].map(|check| outcome_of(&answer, check));
    assert_eq!((&answer["outcome"], outcomes), (&json!("not_found"), [Some("passed"), Some("failed"), Some("passed"), Some("passed")]), "{answer}");
    let mut changed = signed;
    changed["name"] = json!("Master welder");
    assert_eq!(outcome_of(&asked(&registry, changed.to_string().as_bytes()), "proof"), Some("failed"));
}

/// What linked data drops for its name is not covered by a proof over linked data, so it must not be there.
#[test]
fn nothing_can_be_added_to_a_strangers_badge_under_its_proof() {
    let (key, registry, badge) = trusted();
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    let achievement = &badge["credentialSubject"]["achievement"];
    let signed = vc_api::issue(&key, &badge, Securing::Proof(Suite::Rdfc), "", 0, now).unwrap();
    let asked = |document: &Value| asked(&registry, document.to_string().as_bytes());
    assert_eq!(asked(&signed)["outcome"], "valid");
    for id in ["https://t.example/a 2", "https://t.example/%zz", "https://[x/", "https://t.example/<a>"] {
        let mut added = signed.clone();
        let master = json!({ "id": id, "type": ["Achievement"], "name": "Master welder, level 5", "description": "x", "criteria": { "narrative": "x" } });
        added["credentialSubject"]["achievement"] = json!([achievement, master]);
        assert_eq!(asked(&added)["outcome"], "not_found", "{id}");
    }
    // The same of a JWT: its claims are evaluated, and are no part of the document.
    let jwt = |claims: Value| {
        let mut payload = badge.clone();
        payload.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        jws(&key, &json!({ "alg": "EdDSA", "typ": "vc+jwt", "kid": key.public.key_id }), &payload.to_string())
    };
    for (claims, outcome) in [
        (json!({}), "valid"),
        (json!({ "iss": key.controller, "jti": badge["id"], "sub": "did:example:a", "exp": 4_102_444_800_i64 }), "valid"),
        (json!({ "exp": 1_767_312_000 }), "expired"),
        (json!({ "nbf": 4_102_444_800_i64 }), "not_found"),
        (json!({ "iss": "did:example:other" }), "not_found"),
        (json!({ "surprise": 1 }), "not_found"),
    ] {
        assert_eq!(verified(&registry, "application/vc+jwt", jwt(claims.clone()).as_bytes())["outcome"], outcome, "{claims}");
    }
}

/// The meaning that a proof covers can be written in ways that readers of JSON do not see; those are not believed.
#[test]
fn a_strangers_dates_and_status_cannot_be_hidden() {
    let key = IssuingKey::of_did_key(&[5; 32]);
    let registry = TestRegistry::start(Database::Sqlite, &[("trusted_issuers", &key.controller)]);
    let now = "2026-03-01T00:00:00Z".parse().unwrap();
    let signed = |extra: Value| {
        let mut credential = json!({ "@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33", "type": ["VerifiableCredential"], "issuer": key.controller, "validFrom": "2026-01-01T00:00:00Z", "credentialSubject": { "id": "did:example:a" } });
        credential.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        vc_api::issue(&key, &credential, Securing::Proof(Suite::Rdfc), "", 0, now).unwrap()
    };
    let asked = |document: &Value| asked(&registry, document.to_string().as_bytes());
    assert_eq!(asked(&signed(json!({ "validUntil": "9999-01-01T00:00:00Z" })))["outcome"], "valid");
    let ended = signed(json!({ "validUntil": "2026-02-01T00:00:00Z" }));
    assert_eq!(asked(&ended)["outcome"], "expired");
    let mut hidden = ended.clone();
    let until = hidden.as_object_mut().unwrap().remove("validUntil").unwrap();
    let written_out = json!({ "@type": "http://www.w3.org/2001/XMLSchema#dateTime", "@value": until });
    for (name, value) in [("@nest", json!({ "validUntil": until })), ("https://www.w3.org/2018/credentials#validUntil", written_out)] {
        let mut hidden = hidden.clone();
        hidden[name] = value;
        let answer = asked(&hidden);
        assert_eq!((&answer["outcome"], outcome_of(&answer, "schema")), (&json!("not_found"), Some("failed")), "{name}: {answer}");
        // Of the second one the proof still holds, which is why it is dangerous.
        assert_eq!(outcome_of(&answer, "proof") == Some("passed"), name != "@nest", "{answer}");
    }
    let entry = json!({ "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "1", "statusListCredential": "https://elsewhere.invalid/status" });
    let answer = asked(&signed(json!({ "credentialStatus": entry })));
    assert_eq!((&answer["outcome"], outcome_of(&answer, "status")), (&json!("not_found"), Some("pending")), "a status that is not known is not a good one");
}

/// The canary's address in every way that servers have been led astray with.
fn addresses_of_canary(port: u16) -> Vec<String> {
    let hosts = [
        "127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "0.0.0.0", "[::]", "127.127.127.127",
        "169.254.169.254", "100.64.0.1", "10.0.0.1", "elsewhere.invalid@127.0.0.1", "elsewhere.invalid:80@127.0.0.1", "127.0.0.1%23elsewhere.invalid", "elsewhere.invalid%00.localhost", "①②⑦.0.0.1", "elsewhere.invalid.localhost",
    ];
    let mut addresses: Vec<String> = hosts.iter().flat_map(|host| [format!("http://{host}:{port}/list"), format!("https://{host}:{port}/list")]).collect();
    addresses.extend([format!("//127.0.0.1:{port}/list"), format!("ftp://127.0.0.1:{port}/list"), format!("gopher://127.0.0.1:{port}/_list"), format!("http:127.0.0.1:{port}"), format!("http://127.0.0.1:{port}\\@elsewhere.invalid/"), "file:///etc/passwd".to_owned(), format!("did:web:127.0.0.1%3A{port}"), format!("did:web:localhost%3A{port}")]);
    addresses
}

#[test]
fn no_address_outside_the_list_is_ever_asked() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let registry = TestRegistry::start(Database::Sqlite, &[("trusted_issuers", "did:web:elsewhere.invalid")]);
    let key = IssuingKey::from_secret("did:key", &[5; 32]);
    let multikey = key.public.multikey();
    let issuers = [
        format!("did:web:localhost%3A{port}"),
        format!("did:web:127.0.0.1%3A{port}"),
        format!("did:web:elsewhere.invalid.localhost%3A{port}"),
        format!("http://localhost:{port}"),
        format!("http://elsewhere.invalid@localhost:{port}"),
        format!("did:key:{multikey}"),
    ];
    for issuer in issuers {
        let method = if issuer.starts_with("did:key") { format!("{issuer}#{multikey}") } else { format!("{issuer}#key") };
        assert!(did_key(&method).is_some() == issuer.starts_with("did:key"));
        let entry = json!({ "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "1", "statusListCredential": format!("http://localhost:{port}/status") });
        let document = json!({
            "@context": ["https://www.w3.org/ns/credentials/v2", format!("http://localhost:{port}/context")], "type": ["VerifiableCredential"], "issuer": issuer,
            "credentialSubject": { "id": "did:example:a" }, "credentialStatus": entry, "credentialSchema": { "id": format!("http://localhost:{port}/schema"), "type": "JsonSchema" },
            "proof": { "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "created": "2026-03-01T00:00:00Z", "verificationMethod": method, "proofPurpose": "assertionMethod", "proofValue": format!("z{}", "2".repeat(87)) },
        });
        let answer = registry.post("/v1/verifications/document", &document).expect(200);
        assert_eq!(answer["outcome"], "not_found", "{issuer}");
        let header = json!({ "alg": "EdDSA", "typ": "vc+jwt", "kid": method, "jku": format!("http://localhost:{port}/jwks"), "x5u": format!("http://localhost:{port}/x5u") });
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(document.to_string()));
        let jwt = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).unwrap()));
        assert_eq!(verified(&registry, "application/vc+jwt", jwt.as_bytes())["outcome"], "not_found");
        let svg = format!(r#"<!DOCTYPE svg SYSTEM "http://localhost:{port}/dtd"><svg xmlns="http://www.w3.org/2000/svg" xmlns:o="https://purl.imsglobal.org/spec/ob/v3p0"><o:credential verify="{jwt}"/><image href="http://localhost:{port}/image"/></svg>"#);
        assert_eq!(verified(&registry, "image/svg+xml", svg.as_bytes())["outcome"], "not_found");
    }
    // The same of an issuer that is trusted: what its documents name is asked for only where the operator has written the host down.
    let trusted_key = IssuingKey::of_did_key(&[6; 32]);
    let trusting = TestRegistry::start(Database::Sqlite, &[("trusted_issuers", &format!("{},did:web:elsewhere.invalid", trusted_key.controller))]);
    let addresses = addresses_of_canary(port);
    assert!(addresses.len() >= 60, "{}", addresses.len());
    for address in &addresses {
        let entry = json!({ "type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "1", "statusListCredential": address });
        let document = json!({ "@context": [VC], "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc35", "type": ["VerifiableCredential"], "issuer": trusted_key.controller, "credentialSubject": { "id": "did:example:a" }, "credentialStatus": entry });
        let answer = asked(&trusting, proven(&trusted_key, &document, &[Suite::Jcs]).to_string().as_bytes());
        assert_ne!(answer["outcome"], "valid", "{address}: {answer}");
        // As a context, as an address of the key, as an issuer.
        let mut context = document.clone();
        context["@context"] = json!([VC, address]);
        assert_ne!(asked(&trusting, proven(&trusted_key, &context, &[Suite::Jcs]).to_string().as_bytes())["outcome"], "valid", "{address}");
        let badge = jws(&trusted_key, &json!({ "alg": "EdDSA", "kid": address }), &document.to_string());
        assert_ne!(asked(&trusting, badge.as_bytes())["outcome"], "valid", "{address}");
        let mut elsewhere = document;
        elsewhere["issuer"] = json!(address);
        assert_ne!(asked(&trusting, jws(&trusted_key, &json!({ "alg": "EdDSA", "typ": "vc+jwt", "kid": format!("{address}#key") }), &elsewhere.to_string()).as_bytes())["outcome"], "valid", "{address}");
    }
    assert!(matches!(listener.accept(), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock), "somebody knocked");
}
