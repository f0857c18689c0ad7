//! Priority groups: dated, with proof, sealed, and shown to few.

use crate::on_both_databases;
use crate::support::TestRegistry;
use jilu::store::backend::Conn;
use serde_json::{Value, json};

fn order(changes: Value) -> Value {
    let mut order = json!({ "group": "severely_disabled_person", "valid_from": "2026-01-01", "certified_by": "玄武区残联", "proof_document": "残证 7 号" });
    for (name, value) in changes.as_object().unwrap() {
        order[name] = value.clone();
    }
    order
}

on_both_databases!(a_membership_is_recorded_with_days_and_proof_and_ended_once, |registry| {
    let worker = registry.worker(registry.registrar(), 1);
    let path = format!("/v1/workers/{}/groups", worker.id);
    let record = |changes: Value| registry.post_as(registry.registrar(), &path, &order(changes));
    assert_eq!(record(json!({ "group": "rich" })).fields(), ["group"]);
    assert_eq!(record(json!({ "valid_to": "2025-12-31" })).fields(), ["valid_to"]);
    let group = record(json!({})).expect(201);
    assert_eq!((&group["group"], &group["proof_document"], &group["ended_on"]), (&json!("severely_disabled_person"), &json!("残证 7 号"), &Value::Null));
    let end = |day: &str| registry.post_as(registry.registrar(), &format!("{path}/{}/end", group["group_id"].as_str().unwrap()), &json!({ "ended_on": day, "reason": "recorded for another" }));
    assert_eq!(end("2025-12-30").fields(), ["ended_on"]);
    assert_eq!(end("2026-02-01").expect(200)["ended_on"], "2026-02-01");
    assert_eq!(end("2026-03-01").expect(200)["ended_on"], "2026-02-01", "the first end stays");
    let listed = registry.get_as(registry.registrar(), &path, &[]).expect(200);
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["end_reason"]), (1, &json!("recorded for another")));
});

on_both_databases!(memberships_are_sensitive, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let path = format!("/v1/workers/{}/groups", worker.id);
    registry.post_as(registry.registrar(), &path, &order(json!({}))).expect(201);
    assert_eq!(registry.get_as(&body.client, &path, &[]).status, 403, "not even for who certified the worker");
    assert_eq!(registry.post_as(&body.client, &path, &order(json!({}))).status, 403);
    let theirs = registry.post_as(&body.client, &format!("/v1/workers/{}/access_codes", worker.id), &json!({})).expect(201);
    let session = registry.post("/v1/sessions", &json!({ "access_code": theirs["access_code"], "document_number_end": worker.number[12..] })).expect(201);
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    let hidden = registry.send("GET", "/v1/me/groups", &[("authorization", &bearer)], b"");
    assert_eq!((hidden.status, hidden.rules()), (422, vec!["PR-3".to_owned()]), "whoever made the code could use it");
    let code = registry.post_as(registry.registrar(), &format!("/v1/workers/{}/access_codes", worker.id), &json!({})).expect(201);
    let session = registry.post("/v1/sessions", &json!({ "access_code": code["access_code"], "document_number_end": worker.number[12..] })).expect(201);
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    let own = registry.send("GET", "/v1/me/groups", &[("authorization", &bearer)], b"").expect(200);
    assert_eq!(own["items"][0]["group"], "severely_disabled_person");
    let looks = registry.send("GET", "/v1/me/lookups", &[("authorization", &bearer)], b"").expect(200);
    assert!(looks["items"].as_array().unwrap().iter().any(|look| look["part"] == "groups"));
    nothing_in_clear(registry);
});

/// What is sealed stands nowhere in the table.
fn nothing_in_clear(registry: &TestRegistry) {
    let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
    let rows = jilu::store::facts::page_groups(&mut conn, None).unwrap();
    let text = format!("{rows:?}");
    assert!(rows.len() == 1 && !text.contains("disabled"));
    let sealed = String::from_utf8_lossy(&rows[0].sealed_membership).into_owned();
    assert!(!sealed.contains("disabled") && !sealed.contains("残证"));
}
