//! Keys: rotation without pause (promise E1), a stolen key that cannot date back (E2).

use crate::on_both_databases;
use crate::support::{Body, Database, TestRegistry};
use jilu::credential::jws::CompactJws;
use jilu::domain::id::OrganisationId;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A completion certificate, which needs no session.
fn issued(registry: &TestRegistry, body: &Body, worker: &str, project: &str) -> Value {
    registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker, "project": project })).expect(201)
}

fn completing(registry: &TestRegistry) -> Body {
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["training_completion"], "number_prefix": null, "occupations": [] }));
    registry.set_clock("2026-03-10T01:00:00Z");
    body
}

fn credential(registry: &TestRegistry, body: &Body, certificate: &Value, form: &str) -> Vec<u8> {
    let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
    registry.get_as(&body.client, &path, &[("accept", form)]).expect_bytes()
}

fn key_of(credential: &[u8]) -> String {
    CompactJws::parse(std::str::from_utf8(credential).unwrap()).unwrap().key_id().unwrap().to_owned()
}

fn verified(registry: &TestRegistry, bytes: &[u8]) -> Value {
    registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", "text/plain")], bytes).expect(200)
}

/// Asks again until every node must have heard of a change: five seconds (promise E2).
fn soon(registry: &TestRegistry, bytes: &[u8], outcome: &str) {
    let asked = Instant::now();
    loop {
        let answer = verified(registry, bytes);
        if answer["outcome"] == outcome {
            return;
        }
        assert!(asked.elapsed() < Duration::from_secs(5), "{outcome} expected: {answer}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Two rotations under 64 writers (promise E1): no request fails, every certificate verifies, and none is signed by a key that another one
/// had followed before it was asked for.
#[test]
fn new_keys_take_over_while_everybody_issues() {
    for database in [Database::Sqlite, Database::Postgres] {
        new_keys_take_over(&TestRegistry::start(database, &[("token_seconds", "43200")]));
    }
}

fn new_keys_take_over(registry: &TestRegistry) {
    let body = completing(registry);
    let workers: Vec<String> = (0..64).map(|index| registry.worker(&body.client, index).id).collect();
    let organisation: OrganisationId = body.organisation.parse().unwrap();
    let rotate = || registry.with_node(async |node| node.rotate_key(&node.organisation_did(&organisation), "credentials").await.unwrap().key_id);
    let before: Vec<Vec<u8>> = workers.iter().take(3).map(|worker| credential(registry, &body, &issued(registry, &body, worker, "before"), "application/vc+jwt")).collect();
    let mut keys = vec![key_of(&before[0]), rotate()];
    // Published before it signs.
    let did = registry.get(&format!("/organisations/{}/did.json", body.organisation)).expect(200);
    assert!(keys.iter().all(|key| did["assertionMethod"].as_array().unwrap().iter().any(|listed| listed == key.as_str())), "{did}");
    let waiting = credential(registry, &body, &issued(registry, &body, &workers[0], "waiting"), "application/vc+jwt");
    assert_eq!(key_of(&waiting), keys[0]);
    let cut_overs = AtomicUsize::new(0);
    let certificates: Vec<(usize, Value)> = std::thread::scope(|scope| {
        let writers: Vec<_> = workers
            .iter()
            .map(|worker| {
                let (body, cut_overs) = (&body, &cut_overs);
                scope.spawn(move || {
                    let mut made = Vec::new();
                    // Until both keys have taken over, and a little longer.
                    for round in 0.. {
                        let seen = cut_overs.load(Ordering::SeqCst);
                        made.push((seen, issued(registry, body, worker, &format!("round {round}"))));
                        if seen == 2 && made.iter().filter(|(seen, _)| *seen == 2).count() == 2 {
                            break;
                        }
                    }
                    made
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(100));
        registry.set_clock("2026-03-10T01:02:00Z");
        cut_overs.store(1, Ordering::SeqCst);
        keys.push(rotate());
        std::thread::sleep(Duration::from_millis(100));
        registry.set_clock("2026-03-10T01:04:00Z");
        cut_overs.store(2, Ordering::SeqCst);
        writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect()
    });
    for passed in 0..3 {
        assert!(certificates.iter().any(|(seen, _)| *seen == passed), "nothing was issued after {passed} of the cut-overs");
    }
    // One in five is taken: each is a request of its own.
    for (passed, certificate) in certificates.iter().step_by(5) {
        let text = credential(registry, &body, certificate, "application/vc+jwt");
        let signed_by = keys.iter().position(|key| *key == key_of(&text)).expect("a key of the body");
        assert!(signed_by >= *passed, "the key of {signed_by} cut-overs signed after {passed}");
        assert_eq!(verified(registry, &text)["outcome"], "valid");
    }
    for text in before.iter().chain([&waiting]) {
        assert_eq!(verified(registry, text)["outcome"], "valid");
    }
    registry.expect_clean_audit();
}

on_both_databases!(a_stolen_key_cannot_date_back, |registry| {
    let body = completing(registry);
    let worker = registry.worker(&body.client, 1);
    let organisation: OrganisationId = body.organisation.parse().unwrap();
    let before = issued(registry, &body, &worker.id, "before the theft");
    registry.set_clock("2026-03-12T01:00:00Z");
    let between = issued(registry, &body, &worker.id, "between theft and report");
    let forms = ["application/vc+jwt", "application/vc", "application/jwt", "application/dc+sd-jwt", "image/png"];
    let [of_before, of_between] = [&before, &between].map(|certificate| forms.map(|form| credential(registry, &body, certificate, form)));
    let stolen = key_of(&of_before[0]);
    registry.set_clock("2026-03-13T01:00:00Z");
    let new = registry.with_node(async |node| {
        assert!(node.revoke_key(&stolen, "2026-03-14T00:00:00Z".parse().unwrap(), "x").await.is_err(), "a theft that has not happened");
        assert!(node.revoke_key("did:web:nobody#key", "2026-03-11T00:00:00Z".parse().unwrap(), "x").await.is_err());
        let successor = node.revoke_key(&stolen, "2026-03-11T00:00:00Z".parse().unwrap(), "the laptop of the key's keeper was taken").await.unwrap();
        assert!(node.revoke_key(&stolen, "2026-03-11T00:00:00Z".parse().unwrap(), "again").await.is_err());
        assert_eq!(successor.as_ref().map(|row| row.owner.clone()), Some(node.organisation_did(&organisation)));
        successor.unwrap().key_id
    });
    // A new key issues at once, also on a node that has not heard of it.
    let later = issued(registry, &body, &worker.id, "after the report");
    assert_eq!(key_of(&credential(registry, &body, &later, "application/vc+jwt")), new);
    soon(registry, &of_between[0], "not_found");
    assert_eq!(verified(registry, &of_before[0])["outcome"], "valid", "the log had it before");
    for (form, bytes) in forms.iter().zip(&of_before).skip(1) {
        assert_eq!(verified(registry, bytes)["outcome"], "not_found", "{form}: nothing says when it was signed");
    }
    for certificate in [&before, &later] {
        for form in forms {
            let fresh = credential(registry, &body, certificate, form);
            assert_eq!(verified(registry, &fresh)["outcome"], "valid", "{form}");
            if form == "application/vc+jwt" {
                assert_eq!(key_of(&fresh), new);
            }
        }
    }
    let facts = json!({ "certificate_number": between["certificate_number"], "name": worker.name });
    assert_eq!(registry.post("/v1/verifications", &facts).expect(200)["outcome"], "not_found", "issued again, it counts");
    let facts = json!({ "certificate_number": before["certificate_number"], "name": worker.name });
    assert_eq!(registry.post("/v1/verifications", &facts).expect(200)["outcome"], "valid");
    // Outsiders see it in the DID document, and no longer among the keys.
    let did = registry.get(&format!("/organisations/{}/did.json", body.organisation)).expect(200);
    let method = did["verificationMethod"].as_array().unwrap().iter().find(|method| method["id"] == stolen.as_str()).unwrap();
    assert_eq!(method["revoked"], "2026-03-11T00:00:00Z");
    assert!(!did["assertionMethod"].as_array().unwrap().iter().any(|listed| listed == stolen.as_str()));
    assert!(!registry.get("/.well-known/jwks.json").expect(200).to_string().contains(&stolen));
    registry.expect_clean_audit();
});

/// The thief has everything: the keys and the whole database. What they issue in a copy of it, dated before the theft, is signed by the real
/// key, and stands in no log but theirs.
#[test]
fn what_a_thief_dates_back_with_the_real_key_does_not_count() {
    let mut registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = completing(&registry);
    let worker = registry.worker(&body.client, 1);
    let genuine = credential(&registry, &body, &issued(&registry, &body, &worker.id, "genuine"), "application/vc+jwt");
    let (directory, database_url, registrar) = registry.stop();
    let stolen_directory = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let file = entry.unwrap();
        std::fs::copy(file.path(), stolen_directory.path().join(file.file_name())).unwrap();
    }
    let stolen_url = format!("sqlite:{}", stolen_directory.path().join("jilu.db").display());
    let thief = TestRegistry::start_at(stolen_directory, stolen_url, &[]);
    thief.set_clock("2026-03-10T02:00:00Z");
    let forged: Vec<Vec<u8>> = (0..100).map(|index| credential(&thief, &body, &issued(&thief, &body, &worker.id, &format!("forged {index}")), "application/vc+jwt")).collect();
    assert!(forged.iter().all(|text| key_of(text) == key_of(&genuine) && verified(&thief, text)["outcome"] == "valid"));

    registry = TestRegistry::start_at(directory, database_url, &[]);
    registry.use_registrar(registrar);
    registry.set_clock("2026-03-13T01:00:00Z");
    let refuses_all = |registry: &TestRegistry| {
        for text in &forged {
            assert_eq!(verified(registry, text)["outcome"], "not_found");
        }
        assert_eq!(verified(registry, &genuine)["outcome"], "valid");
    };
    refuses_all(&registry);
    let stolen = key_of(&genuine);
    registry.with_node(async |node| node.revoke_key(&stolen, "2026-03-11T00:00:00Z".parse().unwrap(), "everything was taken").await.unwrap());
    refuses_all(&registry);
    std::thread::sleep(Duration::from_secs(5));
    refuses_all(&registry);
}

on_both_databases!(a_key_that_is_not_in_force_cannot_sign_whatever_a_node_believes, |registry| {
    // The rule is the table's own.
    let body = completing(registry);
    let worker = registry.worker(&body.client, 1);
    let certificate = issued(registry, &body, &worker.id, "one");
    let organisation: OrganisationId = body.organisation.parse().unwrap();
    assert_eq!(certificate["version"], 1);
    registry.with_node(async |node| node.rotate_key(&node.organisation_did(&organisation), "credentials").await.unwrap());
    let mut conn = jilu::store::backend::Conn::open(&registry.database_url.parse().unwrap()).unwrap();
    let again = |version: i32, issued_at: i64| {
        let same = "holder_document_id, facts, issued_on, valid_to, review_due_on, form_serial, status_list";
        format!(
            "INSERT INTO certificate_versions (certificate_id, version, credential_id, key_id, document_digest, {same}, status_position, status_index, reason, decision_document, issued_at, issued_by, sealed_holder, sealed_document) \
             SELECT certificate_id, {version}, credential_id || '{version}', key_id, document_digest, {same}, status_position + {version}, status_index, reason, decision_document, {issued_at}, issued_by, sealed_holder, sealed_document FROM certificate_versions WHERE version = 1"
        )
    };
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros();
    let fault = conn.execute_script(&again(2, at("2026-03-10T01:02:00Z"))).unwrap_err();
    assert!(format!("{fault:?}").contains("Stale"), "{fault:?}");
    conn.execute_script(&again(3, at("2026-03-10T01:01:00Z"))).unwrap();
});

on_both_databases!(a_theft_while_a_new_key_waits_does_not_stop_issuing, |registry| {
    let body = completing(registry);
    let worker = registry.worker(&body.client, 1);
    let organisation: OrganisationId = body.organisation.parse().unwrap();
    let stolen = key_of(&credential(registry, &body, &issued(registry, &body, &worker.id, "one"), "application/vc+jwt"));
    let (waiting, successor) = registry.with_node(async |node| {
        let waiting = node.rotate_key(&node.organisation_did(&organisation), "credentials").await.unwrap();
        let successor = node.revoke_key(&stolen, "2026-03-09T00:00:00Z".parse().unwrap(), "x").await.unwrap().unwrap();
        (waiting.key_id, successor.key_id)
    });
    let now = credential(registry, &body, &issued(registry, &body, &worker.id, "two"), "application/vc+jwt");
    assert_eq!(key_of(&now), successor);
    registry.set_clock("2026-03-10T01:02:00Z");
    let later = credential(registry, &body, &issued(registry, &body, &worker.id, "three"), "application/vc+jwt");
    assert_eq!(key_of(&later), waiting);
    // The list of SD-JWT issuers' keys has no stolen one: its readers know no revocation.
    let issuer = registry.get(&format!("/.well-known/jwt-vc-issuer/organisations/{}", body.organisation)).expect(200);
    assert!(!issuer.to_string().contains(&stolen) && issuer.to_string().contains(&successor));
    assert_eq!(registry.get(&format!("/keys/{}", stolen.rsplit_once('#').unwrap().1)).status, 404);
});
