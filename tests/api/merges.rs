//! Two records of one person: joined, read as one, parted again.

use crate::credits::{balance, entries, provider, trained};
use crate::on_both_databases;
use crate::own::{code, own, own_post, sign_in, signed_in};
use crate::support::{Reply, TestRegistry, Worker};
use serde_json::{Value, json};

fn merge(registry: &TestRegistry, worker: &str, merged: &str, query: &str) -> Reply {
    let order = json!({ "merged_worker_id": merged, "reason": "同一人两次建档", "decision_document": "宁人社档〔2026〕3号" });
    registry.post_as(registry.registrar(), &format!("/v1/workers/{worker}/merges{query}"), &order)
}

/// A second record of a person, by a passport.
fn with_passport(registry: &TestRegistry, name: &str, number: &str) -> String {
    let order = json!({ "name": name, "documents": [{ "document_type": "passport", "country": "FR", "document_number": number }] });
    registry.post_as(registry.registrar(), "/v1/workers", &order).expect(201)["worker_id"].as_str().unwrap().to_owned()
}

fn class_of(registry: &TestRegistry, client: &(String, String), worker: &str, name: &str) -> String {
    let order = json!({ "class_type": "general_training", "name": name, "first_on": "2026-03-09", "last_on": "2026-03-20", "planned_practical_minutes": 2520 });
    let class = registry.post_as(client, "/v1/classes", &order).expect(201)["class_id"].as_str().unwrap().to_owned();
    registry.post_as(client, &format!("/v1/classes/{class}/enrolments"), &json!({ "trainees": [{ "worker_id": worker }], "reason": "x" })).expect(200);
    class
}

fn attend(registry: &TestRegistry, client: &(String, String), class: &str, worker: &Value, from: &str, to: &str) -> Value {
    let mut row = json!({ "mode": "in_person", "part": "practical", "started_at": format!("2026-03-{from}:00Z"), "ended_at": format!("2026-03-{to}:00Z") });
    row.as_object_mut().unwrap().extend(worker.as_object().unwrap().clone());
    registry.post_as(client, &format!("/v1/classes/{class}/attendance"), &json!([row])).expect(200)
}

on_both_databases!(two_records_are_read_as_one_and_parted_again, |registry| {
    let school = provider(registry);
    let (worker, _) = trained(registry, &school, 1);
    registry.set_clock("2026-03-02T01:00:00Z");
    let other = with_passport(registry, &worker.name, "AB1234567");
    let open = class_of(registry, &school, &other, "焊工班");
    registry.set_clock("2026-03-25T01:00:00Z");
    let path = format!("/v1/workers/{}/record?limit=500", worker.id);
    let count = |path: &str| registry.get_as(registry.registrar(), path, &[]).expect(200)["items"].as_array().unwrap().len();
    let (before, of_other) = (count(&path), count(&format!("/v1/workers/{other}/record")));
    let joined = merge(registry, &worker.id, &other, "").expect(201);
    assert_eq!((&joined["state"], &joined["warnings"]), (&json!("joined"), &json!([])));
    assert_eq!(count(&path), before + of_other + 1, "both, and the join");
    assert_eq!(count(&format!("/v1/workers/{other}/record?limit=500")), before + of_other + 1, "under either name");
    assert_eq!(registry.get_as(registry.registrar(), &format!("/v1/workers/{other}"), &[]).expect(200)["merged_into"], worker.id);
    let found = registry.post_as(registry.registrar(), "/v1/workers/search", &json!({ "document_number": "AB1234567" })).expect(200);
    assert_eq!((&found["items"][0]["worker_id"], found["items"].as_array().unwrap().len(), found["items"][0]["documents"].as_array().unwrap().len()), (&json!(worker.id), 1, 2));
    let both = json!({ "name": worker.name, "documents": [{ "document_type": "passport", "country": "FR", "document_number": "AB1234567" }, { "document_type": "resident_id", "document_number": worker.number }] });
    assert_eq!(registry.post_as(registry.registrar(), "/v1/workers", &both).expect(200)["worker_id"], worker.id);
    // Whoever signs in with the joined record is the same person.
    let of_joined = Worker { id: other.clone(), ..worker.clone() };
    let session = sign_in(registry, &code(registry, registry.registrar(), &of_joined), "234567").expect(201);
    assert_eq!(own(registry, &session, "GET", "/v1/me").expect(200)["worker_id"], worker.id);
    assert_eq!(own(registry, &session, "GET", "/v1/me/credits").expect(200)["balance"], "3.7");
    let order = json!({ "purpose": "x", "parts": ["credits"], "expires_at": "2026-04-01T00:00:00Z" });
    let share = own_post(registry, &session, "/v1/me/shares", &order).expect(201);
    let link = format!("/v1/shares/{}", share["url"].as_str().unwrap().rsplit('/').next().unwrap());
    assert_eq!(registry.get(&link).expect(200)["credits"]["worker_id"], worker.id);
    // The open class knows the person by the other record; one person is in one place.
    let refused = attend(registry, &school, &open, &json!({ "worker_id": worker.id }), "09T02:00", "09T03:00");
    assert_eq!(refused["rows"][0]["violations"][0]["rule"], "HR-5", "{refused}");
    assert_eq!(attend(registry, &school, &open, &json!({ "document_number": "AB1234567" }), "14T02:00", "14T03:00")["recorded"], 1);
    assert_eq!(attend(registry, &school, &open, &json!({ "worker_id": worker.id }), "14T02:00", "14T03:00")["unchanged"], 1);
    let again = registry.post_as(&school, &format!("/v1/classes/{open}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }], "reason": "x" })).expect(200);
    assert_eq!(again["added"], 0, "{again}");
    registry.expect_clean_audit();

    let undo = || registry.post_as(registry.registrar(), &format!("/v1/workers/{}/merges/{}/undo", worker.id, joined["merge_id"].as_str().unwrap()), &json!({ "reason": "同名不同人" }));
    assert_eq!(undo().expect(201)["state"], "undone");
    assert_eq!(undo().status, 200);
    assert_eq!(count(&path), before + 2, "with the join and its end");
    assert_eq!(count(&format!("/v1/workers/{other}/record")), of_other + 1, "with one interval more");
    let shown = registry.get(&link).expect(200);
    assert_eq!((&shown["credits"]["worker_id"], &shown["credits"]["balance"]), (&json!(other), &json!("0.0")), "a link shows whose it was");
    let listed = registry.get_as(registry.registrar(), &format!("/v1/workers/{other}/merges"), &[]).expect(200);
    assert_eq!((&listed["items"][0]["state"], &listed["items"][0]["undone_for"]), (&json!("undone"), &json!("同名不同人")));
    merge(registry, &worker.id, &other, "").expect(201);
    registry.expect_clean_audit();
});

on_both_databases!(credits_of_both_records_are_one_balance, |registry| {
    let school = provider(registry);
    let (worker, _) = trained(registry, &school, 1);
    let other = with_passport(registry, &worker.name, "AB1234567");
    merge(registry, &other, &worker.id, "").expect(201);
    let kept = Worker { id: other.clone(), ..worker.clone() };
    assert_eq!((balance(registry, &kept), entries(registry, &kept).len()), (json!("3.7"), 1));
    let convert = |credits: &str| registry.post_as(registry.registrar(), "/v1/credit_conversions", &json!({ "worker_id": other, "programme": "technician_college", "credits": credits }));
    assert_eq!(convert("3.8").rules(), ["CR-7"]);
    convert("2.0").expect(201);
    assert_eq!((balance(registry, &worker), entries(registry, &worker).len()), (json!("1.7"), 2), "asked under either record");
    let first = registry.get_as(registry.registrar(), &format!("/v1/workers/{other}/credits/entries?limit=1"), &[]).expect(200);
    let second = registry.get_as(registry.registrar(), &format!("/v1/workers/{other}/credits/entries?limit=1&cursor={}", first["next_cursor"].as_str().unwrap()), &[]).expect(200);
    assert_eq!((&first["items"][0]["credits"], &second["items"][0]["credits"], &second["next_cursor"]), (&json!("-2.0"), &json!("3.7"), &Value::Null));
    registry.expect_clean_audit();
});

on_both_databases!(credits_are_spent_once_whichever_record_is_named, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    let other = with_passport(registry, &worker.name, "AB1234567");
    merge(registry, &worker.id, &other, "").expect(201);
    let spent: usize = std::thread::scope(|scope| {
        let spend = |id: String| move || loop {
            let reply = registry.post_as(registry.registrar(), "/v1/credit_conversions", &json!({ "worker_id": id, "programme": "technician_college", "credits": "1.0" }));
            match reply.status {
                201 => break 1,
                422 => break 0,
                409 | 503 => {}
                status => panic!("{status}: {}", reply.text()),
            }
        };
        let spenders: Vec<_> = (0..12).map(|n| scope.spawn(spend(if n % 2 == 0 { worker.id.clone() } else { other.clone() }))).collect();
        spenders.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!((spent, balance(registry, &worker)), (3, json!("0.7")), "3.7 credits");
    registry.expect_clean_audit();
});

on_both_databases!(attendance_that_meets_a_join_is_refused_or_told, |registry| {
    let school = provider(registry);
    let pairs: Vec<(Worker, Worker)> = (0..4).map(|n| (registry.worker(&school, 2 * n + 1), registry.worker(&school, 2 * n + 2))).collect();
    let classes: Vec<(String, String)> = pairs.iter().map(|(one, other)| (class_of(registry, &school, &one.id, "甲班"), class_of(registry, &school, &other.id, "乙班"))).collect();
    registry.set_clock("2026-03-25T01:00:00Z");
    let mut met = 0;
    for ((one, other), (first, second)) in pairs.iter().zip(&classes) {
        attend(registry, &school, second, &json!({ "worker_id": other.id }), "09T02:00", "09T03:00");
        let answer = std::thread::scope(|scope| {
            let attending = scope.spawn(|| attend(registry, &school, first, &json!({ "worker_id": one.id }), "09T02:30", "09T03:30"));
            merge(registry, &one.id, &other.id, "").expect(201);
            attending.join().unwrap()
        });
        met += usize::from(answer["recorded"] == 1);
    }
    let signals = registry.get_as(registry.registrar(), "/v1/signals?limit=500", &[]).expect(200);
    let told = signals["items"].as_array().unwrap().iter().filter(|signal| signal["facts"]["merge_id"].is_string()).count();
    assert_eq!(told, met, "an overlap that was not refused is told with the join: {signals}");
});

on_both_databases!(what_speaks_against_a_join_is_told_first, |registry| {
    let school = provider(registry);
    let (worker, _) = trained(registry, &school, 1);
    registry.set_clock("2026-03-02T01:00:00Z");
    let other = registry.worker(&school, 2);
    let class = class_of(registry, &school, &other.id, "焊工班");
    registry.set_clock("2026-03-25T01:00:00Z");
    attend(registry, &school, &class, &json!({ "worker_id": other.id }), "09T02:00", "09T03:00");
    let tried = merge(registry, &worker.id, &other.id, "?dry_run=true").expect(200);
    let rules: Vec<&Value> = tried["warnings"].as_array().unwrap().iter().map(|warning| &warning["rule"]).collect();
    assert_eq!(rules.first(), Some(&&json!("PR-1")), "names");
    assert_eq!(rules.last(), Some(&&json!("HR-5")));
    assert!(registry.get_as(registry.registrar(), &format!("/v1/workers/{}/merges", worker.id), &[]).expect(200)["items"].as_array().unwrap().is_empty(), "only tried");
    merge(registry, &worker.id, &other.id, "").expect(201);
    let signals = registry.get_as(registry.registrar(), "/v1/signals", &[]).expect(200);
    assert_eq!((&signals["items"][0]["rule"], &signals["items"][0]["facts"]["overlaps"]), (&json!("HR-5"), &json!(1)));
    let third = registry.worker(&school, 3);
    assert_eq!(merge(registry, &third.id, &other.id, "").rules(), ["FORM"], "joined already");
    assert_eq!(merge(registry, &other.id, &third.id, "").rules(), ["FORM"], "stands for nobody");
    assert_eq!(merge(registry, &third.id, &third.id, "").fields(), ["merged_worker_id"]);
    assert_eq!(merge(registry, &third.id, "wkr_01ka4zrjh00000000000000000", "").fields(), ["merged_worker_id"]);
    assert_eq!(registry.post_as(&school, &format!("/v1/workers/{}/merges", third.id), &json!({ "merged_worker_id": worker.id, "reason": "x" })).status, 403);
    // Joins follow each other.
    merge(registry, &third.id, &worker.id, "").expect(201);
    let session = signed_in(registry, &Worker { id: other.id.clone(), ..other.clone() });
    assert_eq!(own(registry, &session, "GET", "/v1/me").expect(200)["worker_id"], third.id);
    assert_eq!(own(registry, &session, "GET", "/v1/me/credits").expect(200)["balance"], "3.7");
});

on_both_databases!(two_joins_against_each_other_leave_one, |registry| {
    let (one, other) = (registry.worker(registry.registrar(), 1), registry.worker(registry.registrar(), 2));
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tries = [(&one, &other), (&other, &one)].map(|(kept, merged)| scope.spawn(|| merge(registry, &kept.id, &merged.id, "").status));
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    registry.expect_clean_audit();
});
