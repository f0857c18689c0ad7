//! Contested entries: filed, answered in time, overdue.

use crate::credits::{entries, provider, trained};
use crate::on_both_databases;
use crate::own::{own, own_post, signed_in};
use crate::support::{Reply, TestRegistry};
use serde_json::{Value, json};

fn file(registry: &TestRegistry, session: &Value, kind: &str, id: &Value) -> Reply {
    own_post(registry, session, "/v1/me/disputes", &json!({ "subject_kind": kind, "subject_id": id, "statement": "记录有误" }))
}

on_both_databases!(an_organisation_answers_and_a_supervisor_sees_what_is_overdue, |registry| {
    let school = provider(registry);
    let (worker, class) = trained(registry, &school, 1);
    let session = signed_in(registry, &worker);
    let dispute = file(registry, &session, "class", &json!(class)).expect(201);
    assert_eq!((&dispute["state"], &dispute["due_on"]), (&json!("open"), &json!("2026-04-13")), "15 working days behind Friday the 20th, Qingming among them");
    assert_eq!(file(registry, &session, "class", &json!(class)).expect(200), dispute, "one at a time");
    let credit = file(registry, &session, "credit_entry", &entries(registry, &worker)[0]["entry_id"]).expect(201);
    assert_eq!(credit["organisation_id"], Value::Null, "the authority answers for the ledger");
    let supervisor = registry.organisation("123200000000000192", "labour_authority", "supervisor").1;
    let stranger = registry.organisation("52320100000000027X", "training_provider", "training_provider").1;
    let ids = |client: &(String, String), state: &str| -> Vec<String> {
        let listed = registry.get_as(client, &format!("/v1/disputes?state={state}"), &[]).expect(200);
        listed["items"].as_array().unwrap().iter().map(|item| item["dispute_id"].as_str().unwrap().to_owned()).collect()
    };
    let id_of = |dispute: &Value| dispute["dispute_id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&school, "open"), [id_of(&dispute)]);
    assert!(ids(&stranger, "open").is_empty() && ids(&supervisor, "overdue").is_empty());
    registry.set_clock("2026-04-13T15:59:00Z");
    assert!(ids(&supervisor, "overdue").is_empty(), "the last day is not over");
    registry.set_clock("2026-04-13T16:00:00Z");
    let mut both = [id_of(&dispute), id_of(&credit)];
    both.sort();
    assert_eq!(ids(&supervisor, "overdue"), both);
    let path = format!("/v1/disputes/{}/answers", dispute["dispute_id"].as_str().unwrap());
    let answer = json!({ "outcome": "rejected", "answer": "考勤记录与签到一致" });
    assert_eq!((registry.post_as(&stranger, &path, &answer).status, registry.post_as(&supervisor, &path, &answer).status), (404, 403));
    let of_ledger = format!("/v1/disputes/{}/answers", credit["dispute_id"].as_str().unwrap());
    assert_eq!(registry.post_as(&school, &of_ledger, &answer).status, 404, "not the school's");
    let answered = registry.post_as(&school, &path, &answer).expect(201);
    assert_eq!((&answered["state"], &answered["outcome"], &answered["answer"]), (&json!("answered"), &json!("rejected"), &json!("考勤记录与签到一致")));
    assert_eq!(registry.post_as(&school, &path, &json!({ "outcome": "upheld", "answer": "x" })).expect(200)["outcome"], "rejected", "the first answer stays");
    assert_eq!(registry.post_as(&school, &path, &json!({ "outcome": "maybe", "answer": "" })).fields(), ["outcome", "answer"]);
    registry.post_as(registry.registrar(), &of_ledger, &answer).expect(201);
    assert!(ids(&supervisor, "overdue").is_empty());
    let session = signed_in(registry, &worker);
    let again = file(registry, &session, "class", &json!(class)).expect(201);
    assert_ne!(again["dispute_id"], dispute["dispute_id"], "an answered entry can be contested once more");
    let own_list = own(registry, &session, "GET", "/v1/me/disputes?limit=2").expect(200);
    assert_eq!((&own_list["items"][0]["dispute_id"], own_list["items"].as_array().unwrap().len()), (&again["dispute_id"], 2));
    registry.expect_clean_audit();
});

on_both_databases!(every_kind_of_entry_can_be_contested_and_only_ones_own, |registry| {
    let body = registry.body();
    let (_, foreign) = registry.certificate(&body, 2);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (worker, certificate) = registry.certificate(&body, 1);
    registry.set_clock("2026-03-02T01:00:00Z");
    let school = provider(registry);
    trained(registry, &school, 1);
    let session = signed_in(registry, &worker);
    let by = |kind: &str, id: Value| file(registry, &session, kind, &id).expect(201)["organisation_id"].clone();
    let session_id = registry.get_as(&body.client, &format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap()), &[]).expect(200)["session_id"].clone();
    assert_eq!(by("certificate", certificate["certificate_id"].clone()), json!(body.organisation));
    assert_eq!(by("session", session_id), json!(body.organisation));
    assert_eq!(by("identity", Value::Null), Value::Null);
    let place = json!({ "worker_id": worker.id, "competition": "x", "competition_level": "municipal", "event": "x", "place": 2, "held_on": "2026-03-01" });
    let place = registry.post_as(registry.registrar(), "/v1/competition_results", &place).expect(201);
    assert_eq!(by("competition_result", place["competition_result_id"].clone()), Value::Null);
    assert!(by("attendance", json!("2026-03-09T09:00:00+08:00")).is_string());
    assert_eq!(file(registry, &session, "attendance", &json!("2026-03-09T01:00:00Z")).status, 200, "the same moment, written otherwise");
    assert_eq!(file(registry, &session, "certificate", &foreign["certificate_id"]).fields(), ["subject_id"]);
    assert_eq!(file(registry, &session, "class", &Value::Null).fields(), ["subject_id"]);
    assert_eq!(file(registry, &session, "weather", &json!("x")).fields(), ["subject_kind"]);
});
