//! What a worker takes away, read again by programs that others wrote.

use crate::credits::{provider, trained};
use crate::on_both_databases;
use crate::own::signed_in;
use crate::support::{Reply, TestRegistry};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::process::Command;

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn history(registry: &TestRegistry, session: &Value, path: &str, headers: &[(&str, &str)]) -> Reply {
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    let headers: Vec<(&str, &str)> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
    registry.send("GET", path, &headers, b"")
}

on_both_databases!(a_history_is_read_by_others_programs_and_proven_by_the_log, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    // A name that a spreadsheet would take for a formula.
    let school = registry.organisation("93320115MA0AAAAA3M", "training_provider", "training_provider").1;
    let class = json!({ "class_type": "general_training", "name": "=1+1,\"电工\"班", "first_on": "2026-03-23", "last_on": "2026-03-24", "planned_practical_minutes": 60 });
    let class = registry.post_as(&school, "/v1/classes", &class).expect(201)["class_id"].as_str().unwrap().to_owned();
    registry.post_as(&school, &format!("/v1/classes/{class}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }] })).expect(200);
    registry.set_clock("2026-03-02T01:00:00Z");
    let body = registry.body_with("123200000000000192", json!({ "number_prefix": "S000032000002" }));
    let (holder, _) = registry.certificate(&body, 1);
    assert_eq!(holder.id, worker.id);
    registry.set_clock("2026-03-25T01:00:00Z");
    let session = signed_in(registry, &worker);
    let directory = tempfile::tempdir().unwrap();
    let forms = [
        ("history.json", "/v1/me/history", vec![("accept", "application/json")]),
        ("history.csv", "/v1/me/history", vec![("accept", "text/csv")]),
        ("history-bom.csv", "/v1/me/history?bom=true", vec![("accept", "text/csv"), ("accept-language", "zh-CN")]),
        ("history.xlsx", "/v1/me/history", vec![("accept", XLSX)]),
        ("history.jwt", "/v1/me/history", vec![("accept", "application/vc+jwt")]),
    ];
    for (file, path, headers) in &forms {
        let reply = history(registry, &session, path, headers);
        assert_eq!(reply.status, 200, "{file}: {}", reply.text());
        assert!(reply.header("content-disposition").unwrap().starts_with("attachment"), "{file}");
        let digest = hex::encode(Sha256::digest(&reply.bytes));
        assert_eq!(reply.header("link").unwrap(), format!("</v1/history_exports/{digest}>; rel=\"describedby\""));
        assert!(reply.header("jilu-log-index").is_some(), "{file}: durable before it leaves");
        std::fs::write(directory.path().join(file), &reply.bytes).unwrap();
    }
    assert_eq!(history(registry, &session, "/v1/me/history", &[("accept", "image/png")]).status, 406);
    let story = json!({ "base_url": registry.base_url, "directory": directory.path(), "schema": "tests/vectors/clr-credential-schema.json", "name": worker.name, "number": worker.number, "class": "=1+1,\"电工\"班", "credits": 3.7 });
    let output = Command::new("/usr/bin/python3").arg("tests/interop/read_history.py").arg(story.to_string()).output().expect("python3; tests/run installs it");
    assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    registry.expect_clean_audit();
});

on_both_databases!(a_file_that_was_changed_is_not_known, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    let session = signed_in(registry, &worker);
    let mut file = history(registry, &session, "/v1/me/history", &[("accept", "text/csv")]).bytes;
    assert_ne!(history(registry, &session, "/v1/me/history", &[("accept", "text/csv")]).expect_bytes(), file, "taken again it is another file");
    let find = |file: &[u8]| registry.get(&format!("/v1/history_exports/{}", hex::encode(Sha256::digest(file))));
    let known = find(&file).expect(200);
    assert_eq!((&known["form"], &known["bytes"]), (&json!("csv"), &json!(file.len())));
    let last = file.len() - 3;
    file[last] ^= 1;
    assert_eq!(find(&file).status, 404);
    assert_eq!(registry.get("/v1/history_exports/zz").fields(), ["sha256"]);
    let empty = history(registry, &session, "/v1/me/history", &[("accept", "application/vc+jwt")]);
    assert_eq!((empty.status, empty.rules()), (422, vec!["FORM".to_owned()]), "a learner record needs a certificate");
});

on_both_databases!(a_learner_record_is_verified_with_every_certificate_in_it, |registry| {
    registry.set_clock("2026-03-02T01:00:00Z");
    let body = registry.body_with("123200000000000192", json!({ "number_prefix": "S000032000002" }));
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let take = || history(registry, &session, "/v1/me/history", &[("accept", "application/vc+jwt")]).expect_bytes();
    let verify = |file: &[u8]| registry.send("POST", "/v1/verifications/document", &[("content-type", "application/vc+jwt")], file).expect(200);
    let outcome_of = |answer: &Value, name: &str| answer["checks"].as_array().unwrap().iter().find(|check| check["check"] == name).map(|check| check["outcome"].clone());
    let record = take();
    let answer = verify(&[record.as_slice(), b"\n"].concat());
    assert_eq!(answer["outcome"], "valid", "{answer}");
    assert_eq!(answer["certificate"]["certificate_number"], certificate["certificate_number"]);
    for name in ["proof", "schema", "validity", "record", "certificates"] {
        assert_eq!(outcome_of(&answer, name), Some(json!("passed")), "{name}");
    }
    // What the registry never handed out is no record of it, whatever is in it.
    let mut changed = record.clone();
    let last = changed.len() - 40;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let answer = verify(&changed);
    assert_eq!((&answer["outcome"], outcome_of(&answer, "record")), (&json!("not_found"), Some(json!("failed"))));
    assert_eq!(outcome_of(&answer, "proof"), Some(json!("failed")));
    // The record stays genuine; what became of its certificates since is told.
    let path = format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap());
    registry.post_as(&body.client, &path, &json!({ "change": "suspend", "reason": "test", "decision_document": "演示1号" })).expect(200);
    let answer = verify(&record);
    assert_eq!((&answer["outcome"], outcome_of(&answer, "record"), outcome_of(&answer, "certificates")), (&json!("suspended"), Some(json!("passed")), Some(json!("failed"))));
    let check = answer["checks"].as_array().unwrap().iter().find(|check| check["check"] == "certificates").unwrap();
    assert!(check["detail"].as_str().unwrap().contains(certificate["certificate_number"].as_str().unwrap()) && check["next_step"].is_string(), "{check}");
});

on_both_databases!(a_record_tells_how_each_certificate_in_it_stands, |registry| {
    registry.set_clock("2026-03-02T01:00:00Z");
    let body = registry.body_with("123200000000000192", json!({ "number_prefix": "S000032000002" }));
    let (worker, certificate) = registry.certificate(&body, 1);
    let school = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["special_operation"], "occupations": [], "number_prefix": null, "valid_from": "2020-01-01" }));
    let permit = json!({ "worker_id": worker.id, "category": "高处作业", "item": "登高架设作业", "issued_on": "2020-01-01", "valid_to": "2025-12-31" });
    let permit = registry.post_as(&school.client, "/v1/certificates", &permit).expect(201);
    let record = history(registry, &signed_in(registry, &worker), "/v1/me/history", &[("accept", "application/vc+jwt")]).expect_bytes();
    let answer = registry.send("POST", "/v1/verifications/document", &[("content-type", "application/vc+jwt")], &record).expect(200);
    let outcomes: Vec<(&str, &str)> = answer["certificates"].as_array().unwrap().iter().map(|one| (one["certificate_number"].as_str().unwrap(), one["outcome"].as_str().unwrap())).collect();
    let expected = [(certificate["certificate_number"].as_str().unwrap(), "valid"), (permit["certificate_number"].as_str().unwrap(), "expired")];
    assert!(expected.iter().all(|one| outcomes.contains(one)) && outcomes.len() == 2, "{outcomes:?}");
    assert_eq!(answer["outcome"], "expired", "the one that counts least decides");
    // A permit's number is that of an identity document: it is in no answer.
    assert!(!answer.to_string().contains(&worker.number), "{answer}");
});
