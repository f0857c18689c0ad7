//! The training record: one timeline, in pages, for those who may look, each look recorded.

use crate::on_both_databases;
use crate::support::TestRegistry;
use serde_json::{Value, json};

/// Everything of a worker's record, in pages of `limit`.
fn record(registry: &TestRegistry, by: &(String, String), worker: &str, limit: usize) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = registry.get_as(by, &format!("/v1/workers/{worker}/record?limit={limit}{cursor}"), &[]).expect(200);
        let found = page["items"].as_array().unwrap();
        assert!(found.len() <= limit);
        items.extend(found.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

on_both_databases!(a_record_is_one_timeline_in_pages_of_any_size, |registry| {
    let school = registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider").1;
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let order = json!({ "class_type": "general_training", "name": "安全班", "first_on": "2026-03-11", "last_on": "2026-03-12", "planned_practical_minutes": 180 });
    let class = registry.post_as(&school, "/v1/classes", &order).expect(201)["class_id"].as_str().unwrap().to_owned();
    registry.post_as(&school, &format!("/v1/classes/{class}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }] })).expect(200);
    registry.set_clock("2026-03-12T12:00:00Z");
    // Many entries are recorded at one moment: attendance has its own.
    let hour = |hour: u32| json!({ "worker_id": worker.id, "mode": if hour % 2 == 0 { "in_person" } else { "online" }, "part": "theory", "started_at": format!("2026-03-11T{hour:02}:00:00Z"), "ended_at": format!("2026-03-11T{hour:02}:50:00Z") });
    registry.post_as(&school, &format!("/v1/classes/{class}/attendance"), &json!((1..7).map(hour).collect::<Vec<_>>())).expect(200);
    let void = json!({ "worker_id": worker.id, "started_at": "2026-03-11T01:00:00Z", "reason": "fell asleep" });
    registry.post_as(&school, &format!("/v1/classes/{class}/attendance/voids"), &void).expect(201);
    registry.post_as(&school, &format!("/v1/classes/{class}/closing"), &json!({ "results": [{ "worker_id": worker.id, "assessment": "passed" }] })).expect(201);
    let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
    registry.post_as(&body.client, &format!("{path}/corrections"), &json!({ "form_serial": "F1", "reason": "lost" })).expect(201);
    registry.post_as(&body.client, &format!("{path}/status_changes"), &json!({ "change": "suspend", "reason": "asked" })).expect(200);

    let whole = record(registry, registry.registrar(), &worker.id, 500);
    let kinds: Vec<&str> = whole.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    let expected = [
        "registered", "document_added", "candidate", "scored", "certificate_issued", "enrolled", "attended", "attended", "attended", "attended", "attended", "attended", "class_result",
        "credits_posted", "certificate_corrected", "status_changed",
    ];
    let mut sorted = (kinds.clone(), expected.to_vec());
    sorted.0.sort_unstable();
    sorted.1.sort_unstable();
    assert_eq!(sorted.0, sorted.1, "{kinds:?}");
    assert!(whole.is_sorted_by_key(|entry| entry["at"].as_str().unwrap().to_owned()));
    let voided = whole.iter().find(|entry| entry["facts"]["void"].is_object()).unwrap();
    assert_eq!((&voided["facts"]["void"]["reason"], &voided["facts"]["minutes"]), (&json!("fell asleep"), &json!(50)));
    let result = whole.iter().find(|entry| entry["kind"] == "class_result").unwrap();
    assert_eq!((&result["facts"]["name"], &result["facts"]["credited_minutes"]), (&json!("安全班"), &json!(240)), "150 minutes in person, and 100 online, of which half of 180 count");
    for limit in [1, 2, 3, 7] {
        assert_eq!(record(registry, registry.registrar(), &worker.id, limit), whole, "pages of {limit}");
    }
    assert_eq!(registry.get_as(registry.registrar(), &format!("/v1/workers/{}/record?cursor=MTIz", worker.id), &[]).status, 400);
    let text = json!(whole).to_string();
    assert!(!text.contains(&worker.number) && !text.contains(&worker.name), "no personal data");
});

on_both_databases!(a_record_is_shown_to_those_who_have_to_do_with_the_worker, |registry| {
    let body = registry.body();
    let school = registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider").1;
    let employer = registry.organisation("123200000000000192", "employer", "employer").1;
    let (worker, _) = registry.certificate(&body, 1);
    let look = |by: &(String, String), part: &str| registry.get_as(by, &format!("/v1/workers/{}/{part}", worker.id), &[]).status;
    for part in ["record", "credits", "credits/entries"] {
        assert_eq!((look(&body.client, part), look(&school, part), look(&employer, part)), (200, 404, 403), "{part}");
        assert_eq!(look(registry.registrar(), part), 200);
    }
    let nobody = "wkr_00000000000000000000000000";
    let missing = registry.get_as(&school, &format!("/v1/workers/{nobody}/record"), &[]);
    let foreign = registry.get_as(&school, &format!("/v1/workers/{}/record", worker.id), &[]);
    let without_id = |reply: &crate::support::Reply| {
        let mut body = reply.json();
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!((missing.status, without_id(&missing)), (foreign.status, without_id(&foreign)), "a foreign worker and none look the same");
});
