//! Status changes, corrections, history, and the lists that show them.

use crate::on_both_databases;
use crate::support::TestRegistry;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::io::Read;

fn payload(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// A bit of a served status list.
fn bit(registry: &TestRegistry, purpose: &str, entry: &Value) -> bool {
    let url = entry["statusListCredential"].as_str().unwrap().replace("/revocation/", &format!("/{purpose}/"));
    let reply = registry.get(url.strip_prefix(&registry.public_url).unwrap());
    assert_eq!((reply.status, reply.header("content-type"), reply.header("access-control-allow-origin")), (200, Some("application/vc+jwt"), Some("*")));
    let list = payload(&reply.text());
    assert_eq!((&list["id"], &list["credentialSubject"]["statusPurpose"]), (&json!(url), &json!(purpose)));
    let encoded = list["credentialSubject"]["encodedList"].as_str().unwrap().strip_prefix('u').unwrap().to_owned();
    let mut bits = Vec::new();
    flate2::read::GzDecoder::new(URL_SAFE_NO_PAD.decode(encoded).unwrap().as_slice()).read_to_end(&mut bits).unwrap();
    assert!(bits.len() >= 16 * 1024);
    let index: usize = entry["statusListIndex"].as_str().unwrap().parse().unwrap();
    bits[index / 8] & (0x80 >> (index % 8)) != 0
}

on_both_databases!(every_change_shows_in_verification_history_and_lists, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let number = certificate["certificate_number"].as_str().unwrap();
    let path = format!("/v1/certificates/{number}");
    let credential = payload(&registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).text());
    let entry = &credential["credentialStatus"];
    let verify = || registry.post("/v1/verifications", &json!({ "certificate_number": number, "name": worker.name })).expect(200)["outcome"].as_str().unwrap().to_owned();
    let change = |change: &str| registry.post_as(&body.client, &format!("{path}/status_changes"), &json!({ "change": change, "reason": "test", "decision_document": "演示1号" }));
    let bits = || (bit(registry, "revocation", entry), bit(registry, "suspension", entry));
    assert_eq!((verify().as_str(), bits()), ("valid", (false, false)));
    assert_eq!(change("resume").rules(), ["IS-7"]);
    change("suspend").expect(200);
    assert_eq!((verify().as_str(), bits()), ("suspended", (false, true)));
    change("resume").expect(200);
    assert_eq!((verify().as_str(), bits()), ("valid", (false, false)));
    change("revoke").expect(200);
    assert_eq!((verify().as_str(), bits()), ("revoked", (true, false)));
    for after in ["resume", "suspend", "cancel", "withdraw", "revoke"] {
        assert_eq!(change(after).rules(), ["IS-7"], "from revoked nothing leads back");
    }
    let history = registry.get_as(&body.client, &format!("{path}/history"), &[]).expect(200);
    let events: Vec<_> = history["entries"].as_array().unwrap().iter().map(|entry| entry["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(events, ["issued", "suspend", "resume", "revoke"]);
    assert_eq!(history["entries"][3]["decision_document"], "演示1号");
});

on_both_databases!(a_wrongful_revocation_is_cured_by_a_new_issue, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let order = json!({ "worker_id": worker.id, "session_id": certificate["session_id"], "cures": certificate["certificate_id"] });
    assert_eq!(registry.post_as(&body.client, "/v1/certificates", &order).rules(), ["IS-7"], "only a revoked one is cured");
    let path = format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap());
    registry.post_as(&body.client, &path, &json!({ "change": "revoke", "reason": "by mistake" })).expect(200);
    // It cures the assessment that the revoked one was about, and no other.
    registry.set_clock(crate::support::BEGINNING);
    let worker_again = crate::support::Worker { id: worker.id.clone(), name: worker.name.clone(), number: worker.number.clone() };
    let other = registry.published_session(&body, &[worker_again], &[("80", "80")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let elsewhere = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": other, "cures": certificate["certificate_id"] }));
    assert_eq!((elsewhere.status, elsewhere.fields()), (400, vec!["cures".to_owned()]), "{}", elsewhere.text());
    let cured = registry.post_as(&body.client, "/v1/certificates", &order).expect(201);
    assert_eq!(cured["cures"], certificate["certificate_id"]);
    assert_ne!(cured["certificate_number"], certificate["certificate_number"], "a number is never used again");
    assert_eq!(registry.post_as(&body.client, "/v1/certificates", &order).status, 409, "one mistake is cured once");
});

on_both_databases!(a_correction_is_a_new_version_with_the_same_number, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let number = certificate["certificate_number"].as_str().unwrap();
    let path = format!("/v1/certificates/{number}");
    let old = registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).text();
    let corrected = registry.post_as(&body.client, &format!("{path}/corrections"), &json!({ "name": "李芬", "reason": "name misspelt" })).expect(201);
    assert_eq!((&corrected["certificate_number"], &corrected["version"]), (&json!(number), &json!(2)));
    let verify = |name: &str| registry.post("/v1/verifications", &json!({ "certificate_number": number, "name": name })).expect(200)["outcome"].clone();
    assert_eq!((verify("李芬"), verify(&worker.name)), (json!("valid"), json!("not_found")));
    // The old document is superseded, for those who ask and for those who read the list.
    let answer = registry.post("/v1/verifications/document", &json!({ "credential": old })).expect(200);
    assert_eq!(answer["outcome"], "superseded", "{answer}");
    assert!(bit(registry, "revocation", &payload(&old)["credentialStatus"]));
    let new = registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).text();
    assert!(!bit(registry, "revocation", &payload(&new)["credentialStatus"]));
    assert_eq!(registry.post("/v1/verifications/document", &json!({ "credential": new })).expect(200)["outcome"], "valid");
    assert!(payload(&new)["credentialSubject"]["narrative"].as_str().unwrap().contains(payload(&old)["id"].as_str().unwrap()));
    let first = registry.get_as(&body.client, &format!("{path}?version=1"), &[("accept", "application/vc+jwt")]);
    assert_eq!(first.text(), old, "the old version stays readable, byte for byte");
    assert_eq!(registry.get_as(&body.client, &format!("{path}?version=9"), &[]).status, 404);
    // The worker's record is corrected with it; occupation and level never are.
    let record = registry.get_as(&body.client, &format!("/v1/workers/{}", worker.id), &[]).expect(200);
    assert_eq!(record["name"], "李*");
    let level = registry.post_as(&body.client, &format!("{path}/corrections"), &json!({ "level": "level2", "occupation_code": "6-31-01-03", "reason": "x" }));
    assert_eq!(level.rules(), ["IS-6", "IS-6"]);
    let reissued = registry.post_as(&body.client, &format!("{path}/corrections"), &json!({ "form_serial": "A0000002", "reason": "paper lost" })).expect(201);
    assert_eq!((&reissued["certificate_number"], &reissued["form_serial"], &reissued["version"]), (&json!(number), &json!("A0000002"), &json!(3)));
    let document = json!({ "document": { "document_type": "resident_id", "document_number": "320105190006150045" }, "reason": "number typo" });
    let renumbered = registry.post_as(&body.client, &format!("{path}/corrections"), &document).expect(201);
    assert_eq!(renumbered["holder_document_number"], "320***********0045");
    assert_eq!(registry.post("/v1/verifications", &json!({ "certificate_number": number, "document_number": "320105190006150045" })).expect(200)["outcome"], "valid");
});

on_both_databases!(a_withdrawn_and_a_cancelled_certificate_say_so, |registry| {
    let body = registry.body();
    for (index, (change, outcome)) in [("withdraw", "withdrawn"), ("cancel", "cancelled")].into_iter().enumerate() {
        registry.set_clock(crate::support::BEGINNING);
        let (worker, certificate) = registry.certificate(&body, index as u32);
        let path = format!("/v1/certificates/{}/status_changes", certificate["certificate_number"].as_str().unwrap());
        registry.post_as(&body.client, &path, &json!({ "change": change, "reason": "test" })).expect(200);
        let answer = registry.post("/v1/verifications", &json!({ "name": worker.name, "document_number": worker.number })).expect(200);
        assert_eq!(answer["outcome"], outcome);
    }
});
