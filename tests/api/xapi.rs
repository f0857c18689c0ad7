//! Statements of online platforms: kept as evidence, study that follows from them is attendance.

use crate::on_both_databases;
use crate::support::{Reply, TestRegistry, Worker};
use base64::Engine;
use serde_json::{Value, json};

const REGISTRATION: &str = "a7e6d2f0-7d5c-4a5d-8b1e-0d1f2a3b4c5d";
const CMI5: &str = "https://w3id.org/xapi/cmi5/context/categories/cmi5";
const SESSION: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";

fn platform(registry: &TestRegistry) -> (String, String) {
    registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider").1
}

/// A class of the platform with one trainee, on its first day.
fn online_class(registry: &TestRegistry, client: &(String, String)) -> (Worker, String) {
    let worker = registry.worker(client, 1);
    let order = json!({ "class_type": "general_training", "name": "线上安全培训", "first_on": "2026-03-09", "last_on": "2026-03-20", "planned_theory_minutes": 450, "method": "internet_plus" });
    let class = registry.post_as(client, "/v1/classes", &order).expect(201)["class_id"].as_str().unwrap().to_owned();
    registry.post_as(client, &format!("/v1/classes/{class}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }] })).expect(200);
    registry.set_clock("2026-03-09T12:00:00Z");
    (worker, class)
}

/// A statement in the form of cmi5's examples; the class is named where `class` is given.
fn statement(registry: &TestRegistry, n: u32, worker: &Worker, class: Option<&str>, verb: &str, at: &str, duration: Option<&str>) -> Value {
    let mut statement = json!({
        "id": format!("2a41c918-b88b-4220-a0a5-{n:012}"),
        "actor": { "objectType": "Agent", "account": { "homePage": registry.public_url, "name": worker.id } },
        "verb": { "id": format!("http://adlnet.gov/expapi/verbs/{verb}"), "display": { "en-US": verb } },
        "object": { "objectType": "Activity", "id": "https://platform.example/au/1", "definition": { "name": { "zh-CN": "电气安全" }, "type": "http://adlnet.gov/expapi/activities/module" } },
        "timestamp": at,
        "context": { "registration": REGISTRATION, "extensions": { SESSION: "s-1" }, "contextActivities": { "category": [{ "id": CMI5 }] } },
    });
    if let Some(class) = class {
        statement["context"]["contextActivities"]["grouping"] = json!([{ "id": format!("{}/v1/classes/{class}", registry.public_url) }]);
    }
    if let Some(duration) = duration {
        statement["result"] = json!({ "duration": duration });
    }
    statement
}

fn send(registry: &TestRegistry, client: &(String, String), body: &Value) -> Reply {
    registry.post_with(client, "/xapi/statements", body, &[("x-experience-api-version", "1.0.3")])
}

fn outcomes(registry: &TestRegistry, client: &(String, String), query: &str) -> Vec<Value> {
    registry.get_as(client, &format!("/v1/statements{query}"), &[]).expect(200)["items"].as_array().unwrap().clone()
}

fn attended(registry: &TestRegistry, client: &(String, String), class: &str, worker: &Worker) -> Vec<Value> {
    registry.get_as(client, &format!("/v1/classes/{class}/attendance?worker_id={}", worker.id), &[]).expect(200)["items"].as_array().unwrap().clone()
}

on_both_databases!(a_cmi5_session_becomes_online_attendance, |registry| {
    let client = platform(registry);
    let (worker, class) = online_class(registry, &client);
    let batch = json!([
        statement(registry, 1, &worker, Some(&class), "launched", "2026-03-09T01:00:00.000Z", None),
        statement(registry, 2, &worker, None, "initialized", "2026-03-09T01:00:05.000Z", None),
        statement(registry, 3, &worker, None, "completed", "2026-03-09T01:40:00.000Z", Some("PT40M")),
        statement(registry, 4, &worker, None, "terminated", "2026-03-09T01:45:05.500Z", Some("PT45M0.5S")),
    ]);
    let answer = send(registry, &client, &batch);
    assert_eq!((answer.status, answer.header("x-experience-api-version")), (200, Some("1.0.3")));
    assert!(answer.header("jilu-log-index").is_some());
    assert_eq!(answer.json(), json!(["2a41c918-b88b-4220-a0a5-000000000001", "2a41c918-b88b-4220-a0a5-000000000002", "2a41c918-b88b-4220-a0a5-000000000003", "2a41c918-b88b-4220-a0a5-000000000004"]));
    let found = attended(registry, &client, &class, &worker);
    assert_eq!(found.len(), 1, "only the end of the session counts: {found:?}");
    assert_eq!((&found[0]["started_at"], &found[0]["ended_at"], &found[0]["mode"], &found[0]["part"], &found[0]["source"]), (&json!("2026-03-09T01:00:05.000Z"), &json!("2026-03-09T01:45:05.000Z"), &json!("online"), &json!("theory"), &json!("xapi")));
    let again = send(registry, &client, &batch);
    assert_eq!((again.status, again.json()), (200, answer.json()), "sent again");
    assert_eq!(attended(registry, &client, &class, &worker).len(), 1);
    let recorded = outcomes(registry, &client, "?outcome=recorded");
    assert_eq!((recorded.len(), &recorded[0]["class_id"], &recorded[0]["worker_id"]), (1, &json!(class), &json!(worker.id)), "the class is known by the registration");
    assert_eq!(outcomes(registry, &client, "?outcome=kept&limit=2").len(), 2);
    let read = registry.get_as(&client, "/xapi/statements?statementId=2a41c918-b88b-4220-a0a5-000000000004", &[("x-experience-api-version", "1.0.3")]);
    assert!(read.header("x-experience-api-consistent-through").is_some());
    let kept = read.expect(200);
    assert_eq!((&kept["result"], &kept["authority"]["account"]["name"]), (&json!({ "duration": "PT45M0.5S" }), &json!(client.0)));
    assert!(kept["stored"].is_string());
    let mut changed = batch[3].clone();
    changed["result"]["duration"] = json!("PT50M");
    assert_eq!(send(registry, &client, &changed).status, 409, "the same identifier with other content");
    let stranger = registry.organisation("52320100000000027X", "training_provider", "training_provider").1;
    assert_eq!(registry.get_as(&stranger, "/xapi/statements?statementId=2a41c918-b88b-4220-a0a5-000000000004", &[("x-experience-api-version", "1.0.3")]).status, 404);
    registry.expect_clean_audit();
});

on_both_databases!(study_that_cannot_be_is_kept_as_evidence_and_counts_for_nothing, |registry| {
    let client = platform(registry);
    let (worker, class) = online_class(registry, &client);
    let ended = |n: u32, at: &str, duration: &str| statement(registry, n, &worker, Some(&class), "terminated", at, Some(duration));
    send(registry, &client, &json!([statement(registry, 1, &worker, Some(&class), "initialized", "2026-03-09T01:00:00Z", None), ended(2, "2026-03-09T01:30:00Z", "PT1H")])).expect(200);
    let other_session = |mut statement: Value, session: &str| {
        statement["context"]["extensions"][SESSION] = json!(session);
        statement
    };
    send(registry, &client, &other_session(ended(3, "2026-03-09T03:00:00Z", "PT30M"), "s-2")).expect(200);
    send(registry, &client, &other_session(ended(4, "2026-03-09T03:15:00Z", "PT30M"), "s-3")).expect(200);
    send(registry, &client, &other_session(ended(5, "2026-03-09T23:00:00Z", "PT30M"), "s-4")).expect(200);
    let mut of_nobody = other_session(ended(6, "2026-03-09T05:00:00Z", "PT30M"), "s-5");
    of_nobody["actor"] = json!({ "mbox": "mailto:someone@example.com" });
    send(registry, &client, &of_nobody).expect(200);
    let mut of_no_class = other_session(ended(7, "2026-03-09T06:00:00Z", "PT30M"), "s-6");
    of_no_class["context"]["registration"] = json!("00000000-0000-4000-8000-000000000000");
    of_no_class["context"]["contextActivities"] = json!({});
    send(registry, &client, &of_no_class).expect(200);
    assert_eq!(attended(registry, &client, &class, &worker).len(), 1, "s-2 alone");
    let refused = outcomes(registry, &client, "?outcome=refused");
    let told: Vec<(&str, &str)> = refused.iter().map(|item| (&item["statement_id"].as_str().unwrap()[30..], item["findings"][0]["rule"].as_str().unwrap())).collect();
    assert_eq!(told, [("000002", "HR-6"), ("000004", "HR-5"), ("000005", "HR-6")], "faster than the clock, twice at once, in the future");
    let unassigned: Vec<Value> = outcomes(registry, &client, "?outcome=unassigned").iter().map(|item| item["findings"][0]["field"].clone()).collect();
    assert_eq!(unassigned, [json!("actor"), json!("context")]);
    let signals = registry.get_as(registry.registrar(), "/v1/signals", &[]).expect(200);
    let mut kinds: Vec<&str> = signals["items"].as_array().unwrap().iter().map(|signal| signal["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["accelerated_study", "attendance_overlap"]);
    registry.set_clock("2026-03-20T12:00:00Z");
    registry.post_as(&client, &format!("/v1/classes/{class}/closing"), &json!({ "results": [] })).expect(201);
    send(registry, &client, &other_session(ended(8, "2026-03-20T03:00:00Z", "PT30M"), "s-7")).expect(200);
    assert_eq!(outcomes(registry, &client, "?outcome=refused").len(), 4, "the class is closed");
    registry.expect_clean_audit();
});

on_both_databases!(one_batch_may_tell_of_several_classes, |registry| {
    let client = platform(registry);
    let (worker, first) = online_class(registry, &client);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (_, second) = online_class(registry, &client);
    let ended = |n: u32, class: &str, at: &str| {
        let mut statement = statement(registry, n, &worker, Some(class), "terminated", at, Some("PT30M"));
        statement["context"]["extensions"][SESSION] = json!(format!("s-{n}"));
        statement
    };
    let batch = json!([ended(1, &first, "2026-03-09T02:00:00Z"), ended(2, &second, "2026-03-09T03:00:00Z"), ended(3, &second, "2026-03-09T02:15:00Z"), ended(4, &first, "2026-03-09T04:00:00Z")]);
    assert_eq!(send(registry, &client, &batch).expect(200).as_array().unwrap().len(), 4);
    assert_eq!((attended(registry, &client, &first, &worker).len(), attended(registry, &client, &second, &worker).len()), (2, 1), "one of them was in two classes at once");
    let refused = outcomes(registry, &client, "?outcome=refused");
    assert_eq!((refused.len(), &refused[0]["findings"][0]["rule"]), (1, &json!("HR-5")));
    registry.expect_clean_audit();
});

on_both_databases!(what_is_no_statement_is_refused_with_the_whole_batch, |registry| {
    let client = platform(registry);
    let (worker, class) = online_class(registry, &client);
    let good = statement(registry, 1, &worker, Some(&class), "terminated", "2026-03-09T02:00:00Z", Some("PT30M"));
    let mut bad = good.clone();
    (bad["id"], bad["result"]["duration"]) = (json!("2a41c918-b88b-4220-a0a5-000000000002"), json!("half an hour"));
    bad.as_object_mut().unwrap().remove("actor");
    assert_eq!(send(registry, &client, &json!([good, bad])).fields(), ["1.actor", "1.result.duration"]);
    assert_eq!(send(registry, &client, &json!([good, good])).fields(), ["1.id"], "twice in a batch");
    assert!(outcomes(registry, &client, "").is_empty(), "nothing was half done");
    assert_eq!(registry.post_as(&client, "/xapi/statements", &good).fields(), ["X-Experience-API-Version"]);
    assert_eq!(send(registry, registry.registrar(), &good).status, 403);
    // As learning platforms sign in: with every request.
    let basic = |secret: &str| format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{}:{secret}", client.0)));
    let with = |authorization: &str, method: &str, path: &str, body: &Value| registry.send(method, path, &[("authorization", authorization), ("content-type", "application/json"), ("x-experience-api-version", "1.0.1")], body.to_string().as_bytes());
    assert_eq!(with(&basic("wrong"), "POST", "/xapi/statements", &good).status, 401);
    let path = "/xapi/statements?statementId=2a41c918-b88b-4220-a0a5-000000000001";
    assert_eq!(with(&basic(&client.1), "PUT", path, &good).status, 204);
    assert_eq!(with(&basic(&client.1), "PUT", path, &good).status, 204, "again");
    assert_eq!(with(&basic(&client.1), "PUT", "/xapi/statements?statementId=2a41c918-b88b-4220-a0a5-000000000009", &good).fields(), ["id"]);
    let mut without_id = good.clone();
    without_id.as_object_mut().unwrap().remove("id");
    assert_eq!(with(&basic(&client.1), "POST", "/xapi/statements", &without_id).expect(200).as_array().unwrap().len(), 1);
    assert_eq!(attended(registry, &client, &class, &worker).len(), 1, "the same study under another identifier");
    assert_eq!(registry.get("/xapi/about").expect(200)["version"], json!(["1.0.3"]));
});

/// A statement that voids another one.
fn void(registry: &TestRegistry, n: u32, worker: &Worker, voided: u32) -> Value {
    let mut void = statement(registry, n, worker, None, "voided", "2026-03-09T11:00:00Z", None);
    void["object"] = json!({ "objectType": "StatementRef", "id": format!("2a41c918-b88b-4220-a0a5-{voided:012}") });
    void
}

fn read_as(registry: &TestRegistry, client: &(String, String), parameter: &str, n: u32) -> u16 {
    registry.get_as(client, &format!("/xapi/statements?{parameter}=2a41c918-b88b-4220-a0a5-{n:012}"), &[("x-experience-api-version", "1.0.3")]).status
}

on_both_databases!(a_voided_statement_is_no_attendance_whenever_its_void_comes, |registry| {
    let client = platform(registry);
    let (worker, class) = online_class(registry, &client);
    let ended = |n: u32, at: &str, duration: &str| statement(registry, n, &worker, Some(&class), "terminated", at, Some(duration));
    let starts = |expected: &[&str], why: &str| {
        let found: Vec<String> = attended(registry, &client, &class, &worker).iter().map(|item| item["started_at"].as_str().unwrap()[11..16].to_owned()).collect();
        assert_eq!(found, expected, "{why}");
    };
    send(registry, &client, &json!([ended(1, "2026-03-09T02:00:00Z", "PT1H"), ended(2, "2026-03-09T04:00:00Z", "PT1H")])).expect(200);
    starts(&["01:00", "03:00"], "both stand");
    assert_eq!((read_as(registry, &client, "statementId", 1), read_as(registry, &client, "voidedStatementId", 1)), (200, 404));
    // The void, and what the platform says instead, in one batch.
    let correction = json!([ended(4, "2026-03-09T01:30:00Z", "PT30M"), void(registry, 3, &worker, 1)]);
    send(registry, &client, &correction).expect(200);
    send(registry, &client, &correction).expect(200);
    let intervals = attended(registry, &client, &class, &worker);
    assert_eq!((intervals.len(), &intervals[0]["ended_at"]), (2, &json!("2026-03-09T01:30:00.000Z")), "the shorter session stands in its place");
    assert_eq!((read_as(registry, &client, "statementId", 1), read_as(registry, &client, "voidedStatementId", 1), read_as(registry, &client, "statementId", 3)), (404, 200, 200));
    assert_eq!(registry.get_as(&client, "/xapi/statements", &[("x-experience-api-version", "1.0.3")]).fields(), ["statementId"]);
    let listed = outcomes(registry, &client, "?outcome=recorded");
    assert_eq!((&listed[0]["statement_id"], &listed[0]["voided_by"], &listed[1]["voided_by"]), (&json!("2a41c918-b88b-4220-a0a5-000000000001"), &json!("2a41c918-b88b-4220-a0a5-000000000003"), &Value::Null));
    // Voided before it comes, and in one batch with it.
    send(registry, &client, &void(registry, 5, &worker, 6)).expect(200);
    send(registry, &client, &json!([ended(6, "2026-03-09T06:00:00Z", "PT30M")])).expect(200);
    send(registry, &client, &json!([ended(7, "2026-03-09T07:00:00Z", "PT30M"), void(registry, 8, &worker, 7)])).expect(200);
    starts(&["01:00", "03:00"], "neither of the two became attendance");
    // Told twice: the study stands as long as one of the two statements does.
    send(registry, &client, &json!([ended(9, "2026-03-09T04:00:00Z", "PT1H")])).expect(200);
    send(registry, &client, &void(registry, 10, &worker, 2)).expect(200);
    starts(&["01:00", "03:00"], "the other statement still tells of it");
    send(registry, &client, &json!([void(registry, 11, &worker, 9), void(registry, 12, &worker, 9)])).expect(200);
    starts(&["01:00"], "both are voided");
    assert_eq!(send(registry, &client, &{ let mut aimless = void(registry, 13, &worker, 4); aimless["object"] = json!({ "id": "https://platform.example/au/1" }); aimless }).fields(), ["0.object"]);
    registry.expect_clean_audit();
});

on_both_databases!(voids_that_come_too_late_or_aim_at_voids_are_kept_and_refused, |registry| {
    let client = platform(registry);
    let (worker, class) = online_class(registry, &client);
    send(registry, &client, &json!([statement(registry, 1, &worker, Some(&class), "terminated", "2026-03-09T02:00:00Z", Some("PT1H")), void(registry, 2, &worker, 99)])).expect(200);
    registry.set_clock("2026-03-20T12:00:00Z");
    registry.post_as(&client, &format!("/v1/classes/{class}/closing"), &json!({ "results": [] })).expect(201);
    send(registry, &client, &json!([void(registry, 3, &worker, 1), void(registry, 4, &worker, 2)])).expect(200);
    let refused: Vec<(Value, Value)> = outcomes(registry, &client, "?outcome=refused").iter().map(|item| (item["statement_id"].as_str().unwrap()[35..].into(), item["findings"][0]["rule"].clone())).collect();
    assert_eq!(refused, [(json!("3"), json!("HR-6")), (json!("4"), json!("FORM"))], "the class is closed; a void is not voided");
    assert_eq!(attended(registry, &client, &class, &worker).len(), 1, "hours that were counted stay until they are annulled");
    assert_eq!((read_as(registry, &client, "statementId", 1), read_as(registry, &client, "statementId", 2)), (200, 200));
    let stranger = registry.organisation("52320100000000027X", "training_provider", "training_provider").1;
    send(registry, &stranger, &void(registry, 5, &worker, 1)).expect(200);
    assert_eq!(read_as(registry, &client, "statementId", 1), 200, "nobody voids what another has sent");
    registry.expect_clean_audit();
});
