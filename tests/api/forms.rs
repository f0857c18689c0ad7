//! Credentials in every form: handed out, verified, forged; their status lists; other people's libraries.

use crate::on_both_databases;
use crate::own::signed_in;
use crate::support::{Body, Database, Reply, TestRegistry, Worker};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jilu::credential::{baked, status_list, token_status};
use serde_json::{Value, json};
use std::net::TcpListener;

const FORMS: [&str; 6] = ["application/vc+jwt", "application/vc", "application/jwt", "application/dc+sd-jwt", "image/svg+xml", "image/png"];

fn path(certificate: &Value) -> String {
    format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap())
}

/// Certificates of two workers who passed together.
fn two(registry: &TestRegistry, body: &Body) -> [(Worker, Value); 2] {
    let workers = [registry.worker(&body.client, 1), registry.worker(&body.client, 2)];
    let session = registry.published_session(body, &workers, &[("80", "80"), ("90", "90")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    workers.map(|worker| {
        let certificate = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201);
        (worker, certificate)
    })
}

pub fn taken(registry: &TestRegistry, client: &(String, String), certificate: &Value, form: &str) -> Reply {
    let reply = registry.get_as(client, &path(certificate), &[("accept", form)]);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(form)));
    reply
}

pub fn verified(registry: &TestRegistry, form: &str, bytes: &[u8]) -> Value {
    registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", form)], bytes).expect(200)
}

pub fn outcome_of<'a>(answer: &'a Value, check: &str) -> Option<&'a str> {
    answer["checks"].as_array().unwrap().iter().find(|found| found["check"] == check).and_then(|found| found["outcome"].as_str())
}

on_both_databases!(every_form_is_handed_out_and_verifies_until_it_is_revoked, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let mut files = Vec::new();
    for form in FORMS {
        let reply = taken(registry, &body.client, &certificate, form);
        let again = registry.get_as(&body.client, &path(&certificate), &[("accept", form), ("if-none-match", reply.header("etag").unwrap())]);
        assert_eq!(again.status, 304, "{form}: the same bytes whenever it is asked for");
        let answer = verified(registry, form, &reply.bytes);
        assert_eq!((&answer["outcome"], &answer["certificate"]["certificate_number"]), (&json!("valid"), &certificate["certificate_number"]), "{form}: {answer}");
        for check in ["proof", "schema", "validity", "record", "log", "issuer", "right_to_issue", "status"] {
            assert_eq!(outcome_of(&answer, check), Some("passed"), "{form}: {check}");
        }
        files.push((form, reply.bytes));
    }
    // Whatever it is called, it is told by what it is.
    for (_, bytes) in &files {
        assert_eq!(verified(registry, "text/plain", bytes)["outcome"], "valid");
    }
    let envelope = json!({ "@context": "https://www.w3.org/ns/credentials/v2", "type": "EnvelopedVerifiableCredential", "id": format!("data:application/vc+jwt,{}", String::from_utf8_lossy(&files[0].1)) });
    assert_eq!(registry.post("/v1/verifications/document", &envelope).expect(200)["outcome"], "valid");
    let change = json!({ "change": "revoke", "reason": "scores were altered", "decision_document": "宁人社撤〔2026〕1号" });
    registry.post_as(&body.client, &format!("{}/status_changes", path(&certificate)), &change).expect(200);
    for (form, bytes) in &files {
        let answer = verified(registry, form, bytes);
        assert_eq!(answer["outcome"], "revoked", "{form}");
        let status = answer["checks"].as_array().unwrap().iter().find(|check| check["check"] == "status").unwrap();
        assert!(status["next_step"].as_str().unwrap().contains("in force"), "{status}");
    }
});

on_both_databases!(the_holder_takes_every_form_and_shows_only_what_they_want, |registry| {
    let body = registry.body();
    let [(worker, certificate), (_, other)] = two(registry, &body);
    let session = signed_in(registry, &worker);
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    let own = |form: &str| registry.send("GET", &format!("/v1/me/certificates/{}", certificate["certificate_id"].as_str().unwrap()), &[("authorization", &bearer), ("accept", form)], b"");
    for form in FORMS {
        assert_eq!(own(form).bytes, taken(registry, &body.client, &certificate, form).bytes, "{form}");
    }
    assert_eq!(own("text/html").status, 406);
    let whole = own("application/dc+sd-jwt").text();
    let parts: Vec<&str> = whole.trim_end_matches('~').split('~').collect();
    let named = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()[1].as_str().unwrap().to_owned();
    let names: Vec<String> = parts[1..].iter().map(|part| named(part)).collect();
    assert!(["name", "document_number", "occupation_name", "level", "theory_score"].iter().all(|name| names.iter().any(|found| found == name)), "{names:?}");
    // Occupation and level, without the name.
    let shown: String = parts[1..].iter().filter(|part| ["occupation_name", "level"].contains(&named(part).as_str())).map(|part| format!("{part}~")).collect();
    let shown = format!("{}~{shown}", parts[0]);
    let answer = verified(registry, "application/dc+sd-jwt", shown.as_bytes());
    assert_eq!(answer["outcome"], "valid", "{answer}");
    assert!(!shown.contains(&URL_SAFE_NO_PAD.encode(&worker.name)));
    // A disclosure of another credential fits no digest here.
    let foreign = taken(registry, &body.client, &other, "application/dc+sd-jwt").text();
    let mixed = format!("{}~{}~", parts[0], foreign.split('~').nth(1).unwrap());
    let answer = verified(registry, "application/dc+sd-jwt", mixed.as_bytes());
    assert_eq!((&answer["outcome"], outcome_of(&answer, "proof")), (&json!("not_found"), Some("failed")));
});

on_both_databases!(what_only_a_stolen_key_says_was_never_issued, |registry| {
    // Documents are made in the name of the issuer, but by another key and for another level.
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let embedded: Value = taken(registry, &body.client, &certificate, "application/vc").json();
    let cases: Vec<(&str, fn(&mut Value))> = vec![
        ("a claim", |d| d["credentialSubject"]["licenseNumber"] = json!("S000032000001263000002")),
        ("an added context", |d| d["@context"].as_array_mut().unwrap().push(json!({ "licenseNumber": "https://example.org/x" }))),
        ("an added vocabulary", |d| d["@context"].as_array_mut().unwrap().insert(0, json!({ "@vocab": "https://example.org/" }))),
        ("an undefined term", |d| d["credentialSubject"]["surprise"] = json!(1)),
        ("one proof instead of the other", |d| d["proof"][0]["proofValue"] = d["proof"][1]["proofValue"].clone()),
        ("another purpose", |d| d["proof"][0]["proofPurpose"] = json!("authentication")),
        ("a proof of the past", |d| d["proof"][0]["expires"] = json!("2026-03-01T00:00:00Z")),
        ("no proof", |d| d["proof"] = json!([])),
        ("another key", |d| d["proof"][0]["verificationMethod"] = json!("did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK#z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK")),
    ];
    for (what, change) in cases {
        let mut changed = embedded.clone();
        change(&mut changed);
        let answer = registry.post("/v1/verifications/document", &changed).expect(200);
        assert_eq!(answer["outcome"], "not_found", "{what}: {answer}");
    }
    // One proof of the two is enough, in any order of members: it is the same document.
    for index in 0..2 {
        let mut one = embedded.clone();
        one["proof"] = json!(embedded["proof"][index]);
        assert_eq!(registry.post("/v1/verifications/document", &one).expect(200)["outcome"], "valid");
    }
    let twice = format!("{{\"id\":\"x\",{}", &embedded.to_string()[1..]);
    assert_eq!(verified(registry, "application/vc", twice.as_bytes())["outcome"], "not_found", "a member that stands twice");
});

on_both_databases!(lists_of_all_kinds_follow_the_certificate, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let entries = certificate["status_entries"].as_array().unwrap();
    let purposes: Vec<&str> = entries.iter().map(|entry| entry["statusPurpose"].as_str().unwrap()).collect();
    assert_eq!(purposes, ["revocation", "suspension", "message"]);
    assert_eq!((&entries[2]["statusSize"], entries[2]["statusMessage"].as_array().unwrap().len()), (&json!(2), 4));
    let index: u32 = entries[0]["statusListIndex"].as_str().unwrap().parse().unwrap();
    assert!(entries.iter().all(|entry| entry["statusListIndex"] == entries[0]["statusListIndex"]));
    let local = |url: &str| url.strip_prefix(&registry.public_url).unwrap().to_owned();
    let bits = |entry: &Value, accept: &str| {
        let reply = registry.send("GET", &local(entry["statusListCredential"].as_str().unwrap()), &[("accept", accept)], b"");
        assert_eq!(reply.header("content-type"), Some(accept));
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"));
        let again = registry.send("GET", &local(entry["statusListCredential"].as_str().unwrap()), &[("accept", accept), ("if-none-match", reply.header("etag").unwrap())], b"");
        assert_eq!((again.status, again.bytes.len()), (304, 0));
        let list: Value = if accept.ends_with("jwt") { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(reply.text().split('.').nth(1).unwrap()).unwrap()).unwrap() } else { reply.json() };
        assert_eq!(list["credentialSubject"]["statusPurpose"], entry["statusPurpose"]);
        assert_eq!(list["credentialSubject"]["ttl"], 60_000, "milliseconds, as long as a cache may keep it");
        status_list::decode(list["credentialSubject"]["encodedList"].as_str().unwrap()).unwrap()
    };
    let token = || {
        let reply = registry.get("/status/token/1");
        assert_eq!(reply.header("content-type"), Some("application/statuslist+jwt"));
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(reply.text().split('.').nth(1).unwrap()).unwrap()).unwrap();
        token_status::read_entry(&claims["status_list"], index).unwrap()
    };
    let message = || {
        let list = bits(&entries[2], "application/vc");
        (status_list::bit(&list, index * 2), status_list::bit(&list, index * 2 + 1))
    };
    assert_eq!((message(), token()), ((false, false), token_status::TokenStatus::Valid));
    let change = |change: &str| {
        let order = json!({ "change": change, "reason": "checked", "decision_document": "宁人社〔2026〕1号" });
        registry.post_as(&body.client, &format!("{}/status_changes", path(&certificate)), &order).expect(200);
    };
    change("suspend");
    assert_eq!((message(), token()), ((false, true), token_status::TokenStatus::Suspended));
    assert!(status_list::bit(&bits(&entries[1], "application/json"), index));
    change("resume");
    assert_eq!((message(), token()), ((false, false), token_status::TokenStatus::Valid));
    change("revoke");
    assert_eq!((message(), token()), ((true, false), token_status::TokenStatus::Invalid));
    assert!(status_list::bit(&bits(&entries[0], "application/vc+jwt"), index));
    assert_eq!(registry.get("/status/token/9").status, 404);
    assert_eq!(registry.get("/status/refresh/1").status, 404);
    assert_eq!(registry.get("/status/revocation/1?timestamp=2020-01-01T00:00:00Z").fields(), ["timestamp"]);
});

/// `tests/interop/read_badges.py`: a validator of JSON Schema with the schema of 1EdTech, over every form that holds the document itself.
#[test]
fn badges_follow_the_schema_of_1edtech() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let file = |form: &str| taken(&registry, &body.client, &certificate, form);
    let payload = |text: String| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text.split('.').nth(1).unwrap()).unwrap()).unwrap();
    let documents = json!({
        "vc+jwt": payload(file("application/vc+jwt").text()),
        "JWT of Open Badges": payload(file("application/jwt").text()),
        "embedded proofs": file("application/vc").json(),
        "SVG": serde_json::from_str::<Value>(&baked::read_svg(&file("image/svg+xml").text()).unwrap()).unwrap(),
        "PNG": serde_json::from_str::<Value>(&baked::read_png(&file("image/png").bytes).unwrap()).unwrap(),
    });
    let output = std::process::Command::new("/usr/bin/python3").args(["tests/interop/read_badges.py", "tests/vectors/ob-achievement-credential-schema.json", &documents.to_string()]).output().expect("python3; tests/run installs it");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("passed: ").count(), 5, "{said}");
}

on_both_databases!(keys_and_types_stand_where_credentials_name_them, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let header = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap()).unwrap();
    let payload = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text.split(['.', '~']).nth(1).unwrap()).unwrap()).unwrap();
    let badge = taken(registry, &body.client, &certificate, "application/jwt").text();
    let jwk = registry.get(header(&badge)["kid"].as_str().unwrap().strip_prefix(&registry.public_url).unwrap()).expect(200);
    assert_eq!((&jwk["kty"], &jwk["crv"], jwk.get("d")), (&json!("OKP"), &json!("Ed25519"), None));
    assert!(payload(&badge)["sub"].as_str().unwrap().starts_with("urn:uuid:"));
    let plain = taken(registry, &body.client, &certificate, "application/dc+sd-jwt").text();
    let (kid, claims) = (header(&plain)["kid"].clone(), payload(&plain));
    let (host, path) = (&registry.public_url, claims["iss"].as_str().unwrap().strip_prefix(&registry.public_url).unwrap().to_owned());
    let issuer = registry.get(&format!("/.well-known/jwt-vc-issuer{path}")).expect(200);
    assert_eq!(issuer["issuer"], claims["iss"]);
    assert!(issuer["jwks"]["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid && key["x"] == jwk["x"]));
    let kind = registry.get(claims["vct"].as_str().unwrap().strip_prefix(host.as_str()).unwrap()).expect(200);
    assert_eq!(kind["vct"], claims["vct"]);
    // Every claim that may be shown is described, under the field's own names.
    let described: Vec<&Value> = kind["claims"].as_array().unwrap().iter().map(|claim| &claim["path"][0]).collect();
    let shown: Vec<Value> = plain.trim_end_matches('~').split('~').skip(1).map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
    assert!(shown.len() > 8 && shown.iter().all(|claim| described.contains(&&claim[1])), "{shown:?}");
    let value = |name: &str| shown.iter().find(|claim| claim[1] == name).map(|claim| claim[2].clone());
    assert_eq!((value("occupation_edition"), value("occupation_code")), (Some(json!("2022")), Some(json!("6-31-01-03"))));
    assert_eq!(registry.get("/credential_types/nothing").status, 404);
    assert_eq!(registry.get("/keys/nothing").status, 404);
});

/// A registry under an address of its own, with what it trusts.
fn published(database: Database, trusted: &str) -> TestRegistry {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let directory = tempfile::tempdir().unwrap();
    let url = match database {
        Database::Sqlite => format!("sqlite:{}", directory.path().join("jilu.db").display()),
        Database::Postgres => crate::support::postgres::fresh_database(),
    };
    TestRegistry::start_on(directory, url, &[("public_url", &format!("http://localhost:{port}")), ("trusted_issuers", trusted)], port)
}

#[test]
fn another_registry_is_believed_when_the_operator_trusts_it() {
    let there = published(Database::Sqlite, "none");
    let did = format!("did:web:{}", there.base_url.replace("http://127.0.0.1:", "localhost%3A"));
    let (trusting, wary) = (published(Database::Sqlite, &did), published(Database::Sqlite, "did:web:elsewhere.example"));
    let body = there.body();
    let [(_, certificate), (_, revoked)] = two(&there, &body);
    for registry in [&trusting, &wary] {
        registry.set_clock("2026-03-10T01:00:05Z");
    }
    for form in FORMS {
        let file = taken(&there, &body.client, &certificate, form).bytes;
        let answer = verified(&trusting, form, &file);
        assert_eq!(answer["outcome"], "valid", "{form}: {answer}");
        assert_eq!((outcome_of(&answer, "issuer"), outcome_of(&answer, "status")), (Some("passed"), Some("passed")));
        let answer = verified(&wary, form, &file);
        assert_eq!((&answer["outcome"], outcome_of(&answer, "proof"), outcome_of(&answer, "issuer")), (&json!("not_found"), Some("pending"), Some("failed")), "{form}");
    }
    let order = json!({ "change": "revoke", "reason": "checked", "decision_document": "宁人社〔2026〕1号" });
    let files = FORMS.map(|form| (form, taken(&there, &body.client, &revoked, form).bytes));
    there.post_as(&body.client, &format!("{}/status_changes", path(&revoked)), &order).expect(200);
    // A registry that has not asked before learns it at once; one that has, within a minute.
    let fresh = published(Database::Sqlite, &did);
    fresh.set_clock("2026-03-10T01:00:05Z");
    for (form, file) in &files {
        assert_eq!(verified(&fresh, form, file)["outcome"], "revoked", "{form}");
    }
    let mut forged: Value = serde_json::from_slice(&files[1].1).unwrap();
    forged["credentialSubject"]["licenseNumber"] = json!("S000032000001263000009");
    assert_eq!(verified(&fresh, "application/vc", forged.to_string().as_bytes())["outcome"], "not_found");
}

on_both_databases!(pictures_show_the_certificate_and_open_its_page, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let svg = taken(registry, &body.client, &certificate, "image/svg+xml").text();
    assert!(svg.contains(&worker.name) && svg.contains(certificate["certificate_number"].as_str().unwrap()));
    let inside: Value = serde_json::from_str(&baked::read_svg(&svg).unwrap()).unwrap();
    assert_eq!(inside["id"], certificate["credential_id"]);
    let png = taken(registry, &body.client, &certificate, "image/png").bytes;
    assert_eq!(serde_json::from_str::<Value>(&baked::read_png(&png).unwrap()).unwrap(), inside);
    let broken = &png[..png.len() / 2];
    assert_eq!(verified(registry, "image/png", broken)["outcome"], "not_found");
});

/// `tests/interop/node`: jose, the reference libraries of W3C's editors, an SD-JWT library.
#[test]
fn others_libraries_agree_both_ways() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("jilu.db").display());
    let registry = TestRegistry::start_on(directory, url, &[("public_url", &format!("http://localhost:{port}")), ("conformance", "true")], port);
    let body = registry.body();
    let [(_, certificate), (_, revoked)] = two(&registry, &body);
    let [revoked_file, revoked_plain] = ["application/vc", "application/dc+sd-jwt"].map(|form| taken(&registry, &body.client, &revoked, form).text());
    let order = json!({ "change": "revoke", "reason": "checked", "decision_document": "宁人社〔2026〕1号" });
    registry.post_as(&body.client, &format!("{}/status_changes", path(&revoked)), &order).expect(200);
    let files: serde_json::Map<String, Value> = FORMS[..4].iter().map(|form| ((*form).to_owned(), json!(taken(&registry, &body.client, &certificate, form).text()))).collect();
    let story = json!({ "base": registry.base_url, "public": format!("http://localhost:{port}"), "now": "2026-03-10T02:00:00Z", "number": certificate["certificate_number"], "files": files, "revoked": revoked_file, "revoked_plain": revoked_plain });
    let file = registry.directory.path().join("story.json");
    std::fs::write(&file, story.to_string()).unwrap();
    let output = std::process::Command::new("node").arg("tests/interop/node/verify_forms.mjs").arg(&file).output().expect("node, which tests/run installs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("passed: ").count(), 8, "{said}");
}

/// `tests/interop/node/issue_elsewhere.mjs`: an issuer that is made of these libraries alone, with its keys and its lists.
#[test]
fn an_issuer_made_of_others_libraries_is_believed() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let registry = TestRegistry::start(Database::Sqlite, &[("trusted_issuers", &format!("did:web:localhost%3A{port}"))]);
    registry.set_clock("2026-03-10T02:00:00Z");
    let file = registry.directory.path().join("elsewhere.json");
    std::fs::write(&file, json!({ "base": registry.base_url, "port": port, "now": "2026-03-10T02:00:00Z" }).to_string()).unwrap();
    let output = std::process::Command::new("node").arg("tests/interop/node/issue_elsewhere.mjs").arg(&file).output().expect("node, which tests/run installs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("passed: ").count(), 3, "{said}");
}
