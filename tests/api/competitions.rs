//! Places in skills competitions: in the record, worth credits, taken back with them.

use crate::credits::{balance, entries};
use crate::on_both_databases;
use crate::support::{Reply, TestRegistry, Worker};
use serde_json::{Value, json};

fn record(registry: &TestRegistry, worker: &Worker, change: Value) -> Reply {
    let mut order = json!({ "worker_id": worker.id, "competition": "南京市第三届职业技能竞赛", "competition_level": "municipal", "event": "电工", "occupation_code": "6-31-01-03", "place": 2, "held_on": "2026-03-01" });
    order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    registry.post_as(registry.registrar(), "/v1/competition_results", &order)
}

fn recognise(registry: &TestRegistry, result: &Value) -> Reply {
    registry.post_as(registry.registrar(), "/v1/credit_recognitions", &json!({ "competition_result_id": result["competition_result_id"] }))
}

on_both_databases!(a_place_is_worth_what_the_list_says_and_is_taken_back_with_its_credits, |registry| {
    let worker = registry.worker(registry.registrar(), 1);
    let result = record(registry, &worker, json!({})).expect(201);
    assert_eq!((&result["state"], &result["recommended_for_promotion"]), (&json!("standing"), &json!(true)));
    assert_eq!(record(registry, &worker, json!({})).expect(200), result, "once");
    assert_eq!(record(registry, &worker, json!({ "place": 1 })).status, 409, "another place of the same event");
    let entry = recognise(registry, &result).expect(201);
    assert_eq!((&entry["credits"], &entry["source"], &entry["earned_on"]), (&json!("1.5"), &json!("competition"), &json!("2026-03-01")));
    assert_eq!(recognise(registry, &result).expect(200), entry, "CR-2");
    let path = format!("/v1/workers/{}/record", worker.id);
    let kinds = || -> Vec<Value> { registry.get_as(registry.registrar(), &path, &[]).expect(200)["items"].as_array().unwrap().iter().map(|item| item["kind"].clone()).collect() };
    assert!(kinds().contains(&json!("competition")));
    let of_this = format!("/v1/competition_results/{}", result["competition_result_id"].as_str().unwrap());
    let annul = || registry.post_as(registry.registrar(), &format!("{of_this}/annulment"), &json!({ "reason": "成绩复核有误" }));
    let annulled = annul().expect(201);
    assert_eq!((&annulled["state"], &annulled["recommended_for_promotion"]), (&json!("annulled"), &json!(false)));
    assert_eq!(annul().status, 200);
    assert_eq!((balance(registry, &worker), entries(registry, &worker).len()), (json!("0.0"), 2));
    assert_eq!(recognise(registry, &result).rules(), ["CR-6"]);
    assert_eq!(registry.get_as(registry.registrar(), &of_this, &[]).expect(200)["annulled_for"], "成绩复核有误");
    assert!(kinds().contains(&json!("competition_annulled")));
    let right = record(registry, &worker, json!({ "place": 1 })).expect(201);
    assert_eq!(recognise(registry, &right).expect(201)["credits"], "2.0", "recorded rightly behind the mistake");
    registry.expect_clean_audit();
});

on_both_databases!(a_place_without_a_value_and_wrong_results_are_refused, |registry| {
    let worker = registry.worker(registry.registrar(), 1);
    let fourth = record(registry, &worker, json!({ "place": 4 })).expect(201);
    assert_eq!(fourth["recommended_for_promotion"], false);
    assert_eq!(recognise(registry, &fourth).rules(), ["CR-2"]);
    let wrong = json!({ "event": "", "place": 0, "competition_level": "village", "held_on": "2026-02-30", "occupation_code": "x" });
    assert_eq!(record(registry, &worker, wrong).fields(), ["competition_level", "event", "occupation_code", "place", "held_on"]);
    assert_eq!(record(registry, &worker, json!({ "held_on": "2099-01-01" })).fields(), ["held_on"]);
    assert_eq!(record(registry, &worker, json!({ "occupation_code": "9-99-99-99" })).fields(), ["occupation_code"]);
    let nobody = json!({ "worker_id": "wkr_01ka4zrjh00000000000000000" });
    assert_eq!(record(registry, &worker, nobody).fields(), ["worker_id"]);
    let school = registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider").1;
    assert_eq!(registry.post_as(&school, "/v1/competition_results", &json!({ "worker_id": worker.id, "competition": "x", "competition_level": "national", "event": "x", "place": 1, "held_on": "2026-03-01" })).status, 403);
    let both = json!({ "certificate_id": "crt_01ka4zrjh00000000000000000", "competition_result_id": fourth["competition_result_id"], "class_id": "cls_01ka4zrjh00000000000000000" });
    assert_eq!(registry.post_as(registry.registrar(), "/v1/credit_recognitions", &both).fields(), ["certificate_id", "class_id"]);
});
