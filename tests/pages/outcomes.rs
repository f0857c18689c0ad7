//! A registry with a certificate in every state that there is, for pages that must tell them apart.

use super::drive;
use super::support::{Database, TestRegistry, Worker};
use serde_json::{Value, json};

const NEXT_WEEK: &str = "2026-03-10T01:00:00Z";

/// A certificate as a page is asked for it: by what is printed on it, or by a file.
fn by_facts(outcome: &str, certificate: &Value, worker: &Worker) -> Value {
    json!({ "outcome": outcome, "certificate_number": certificate["certificate_number"], "name": worker.name })
}

#[test]
fn no_outcome_can_be_taken_for_another() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let workers: Vec<Worker> = (1..=6).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.published_session(&body, &workers, &[("80", "80"); 6], json!({}));
    let school = registry.body_with("123200000000000192", json!({ "certificate_kinds": ["special_operation"], "occupations": [], "number_prefix": null, "valid_from": "2018-01-01" }));
    registry.set_clock(NEXT_WEEK);
    let issued: Vec<Value> = workers.iter().map(|worker| registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201)).collect();
    let path = |index: usize| format!("/v1/certificates/{}", issued[index]["certificate_number"].as_str().unwrap());
    let mut asked = vec![by_facts("valid", &issued[0], &workers[0])];
    for (index, (change, outcome)) in [("suspend", "suspended"), ("revoke", "revoked"), ("withdraw", "withdrawn"), ("cancel", "cancelled")].into_iter().enumerate() {
        registry.post_as(&body.client, &format!("{}/status_changes", path(index + 1)), &json!({ "change": change, "reason": "test", "decision_document": "演示1号" })).expect(200);
        asked.push(by_facts(outcome, &issued[index + 1], &workers[index + 1]));
    }
    let old = registry.get_as(&body.client, &path(5), &[("accept", "application/vc+jwt")]).text();
    registry.post_as(&body.client, &format!("{}/corrections", path(5)), &json!({ "name": "李芬", "reason": "name misspelt" })).expect(201);
    asked.push(json!({ "outcome": "superseded", "file": old }));
    for (index, item, issued_on, valid_to, outcome) in [(6, "登高架设作业", "2019-06-01", "2025-05-31", "expired"), (7, "低压电工作业", "2022-05-10", "2028-05-09", "review_overdue")] {
        let worker = registry.worker(&school.client, index + 2);
        let category = if item == "低压电工作业" { "电工作业" } else { "高处作业" };
        registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "category": category, "item": item, "issued_on": issued_on, "valid_to": valid_to })).expect(201);
        asked.push(json!({ "outcome": outcome, "certificate_number": format!("T{}", worker.number), "name": worker.name }));
    }
    asked.push(json!({ "outcome": "not_found", "certificate_number": issued[0]["certificate_number"], "name": "赵不对" }));
    drive("outcomes.mjs", &json!({ "base_url": registry.base_url, "asked": asked }).to_string());
}
