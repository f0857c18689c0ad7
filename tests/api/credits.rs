//! The credit ledger: awards once, reversals, recognitions, conversions, explanations, and its audit.

use crate::on_both_databases;
use crate::support::{TestRegistry, Worker};
use serde_json::{Value, json};

/// A worker who has completed a class of ten days with six practical hours each: 60 hours, 3.7 credits.
pub fn trained(registry: &TestRegistry, client: &(String, String), index: u32) -> (Worker, String) {
    let worker = registry.worker(client, index);
    let order = json!({ "class_type": "general_training", "name": "电工四级班", "level": "level4", "first_on": "2026-03-09", "last_on": "2026-03-20", "planned_practical_minutes": 2520 });
    let id = registry.post_as(client, "/v1/classes", &order).expect(201)["class_id"].as_str().unwrap().to_owned();
    registry.post_as(client, &format!("/v1/classes/{id}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }] })).expect(200);
    registry.set_clock("2026-03-20T12:00:00Z");
    let day = |day: u32| json!({ "worker_id": worker.id, "mode": "in_person", "part": "practical", "started_at": format!("2026-03-{day:02}T01:00:00Z"), "ended_at": format!("2026-03-{day:02}T05:30:00Z") });
    let rows: Vec<Value> = [9, 10, 11, 12, 13, 16, 17, 18, 19, 20].into_iter().map(day).collect();
    assert_eq!(registry.post_as(client, &format!("/v1/classes/{id}/attendance"), &json!(rows)).expect(200)["recorded"], 10);
    registry.post_as(client, &format!("/v1/classes/{id}/closing"), &json!({ "results": [{ "worker_id": worker.id, "assessment": "passed" }] })).expect(201);
    (worker, id)
}

pub fn provider(registry: &TestRegistry) -> (String, String) {
    registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider").1
}

pub fn balance(registry: &TestRegistry, worker: &Worker) -> Value {
    registry.get_as(registry.registrar(), &format!("/v1/workers/{}/credits", worker.id), &[]).expect(200)["balance"].clone()
}

pub fn entries(registry: &TestRegistry, worker: &Worker) -> Vec<Value> {
    registry.get_as(registry.registrar(), &format!("/v1/workers/{}/credits/entries", worker.id), &[]).expect(200)["items"].as_array().unwrap().clone()
}

on_both_databases!(an_entry_explains_itself, |registry| {
    let (worker, class) = trained(registry, &provider(registry), 1);
    let entry = &entries(registry, &worker)[0];
    assert_eq!((&entry["credits"], &entry["balance"], &entry["source"], &entry["earned_on"]), (&json!("3.7"), &json!("3.7"), &json!("class"), &json!("2026-03-20")));
    let path = format!("/v1/workers/{}/credits/entries/{}/explanation", worker.id, entry["entry_id"].as_str().unwrap());
    let explanation = registry.get_as(registry.registrar(), &path, &[]).expect(200);
    assert_eq!((&explanation["rule"], &explanation["rule_version"]), (&json!("CR-1"), &json!(1)));
    assert_eq!(explanation["facts"]["arithmetic"], "floor(60 * 10 / 16) / 10 = 3.7");
    assert_eq!((&explanation["facts"]["class_id"], &explanation["facts"]["figures"]["in_person_minutes"]), (&json!(class), &json!(2700)));
    let of_another = registry.worker(registry.registrar(), 2);
    assert_eq!(registry.get_as(registry.registrar(), &path.replace(&worker.id, &of_another.id), &[]).status, 404);
});

on_both_databases!(a_reversal_names_its_entry_and_happens_once, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    let entry = entries(registry, &worker)[0]["entry_id"].clone();
    let reverse = |entry: &Value| registry.post_as(registry.registrar(), "/v1/credit_reversals", &json!({ "entry_id": entry, "reason": "posted wrongly" }));
    let reversal = reverse(&entry).expect(201);
    assert_eq!((&reversal["credits"], &reversal["balance"], &reversal["reverses"], &reversal["kind"]), (&json!("-3.7"), &json!("0.0"), &entry, &json!("reversal")));
    assert_eq!(reverse(&entry).expect(200), reversal, "twice is once");
    assert_eq!(reverse(&reversal["entry_id"]).rules(), ["CR-3"]);
    assert_eq!(entries(registry, &worker).len(), 2);
    assert_eq!(registry.post_as(&provider_of(registry), "/v1/credit_reversals", &json!({ "entry_id": entry, "reason": "x" })).status, 403);
});

fn provider_of(registry: &TestRegistry) -> (String, String) {
    registry.organisation("52320100000000027X", "training_provider", "training_provider").1
}

on_both_databases!(a_certificate_and_its_class_are_one_achievement_and_end_with_blame, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let id = certificate["certificate_id"].as_str().unwrap();
    let recognise = |order: Value| registry.post_as(registry.registrar(), "/v1/credit_recognitions", &order);
    let entry = recognise(json!({ "certificate_id": id })).expect(201);
    assert_eq!((&entry["credits"], &entry["source"]), (&json!("3.0"), &json!("certificate")));
    assert_eq!(recognise(json!({ "certificate_id": id })).expect(200), entry, "CR-2");
    let revoke = json!({ "change": "revoke", "reason": "scores were wrong" });
    registry.post_as(&body.client, &format!("/v1/certificates/{id}/status_changes"), &revoke).expect(200);
    assert_eq!(balance(registry, &worker), "0.0", "CR-6");
    assert_eq!(entries(registry, &worker)[1]["reverses"], entry["entry_id"]);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (_, other) = registry.certificate(&body, 2);
    let other = other["certificate_id"].as_str().unwrap();
    registry.post_as(&body.client, &format!("/v1/certificates/{other}/status_changes"), &revoke).expect(200);
    assert_eq!(recognise(json!({ "certificate_id": other })).rules(), ["CR-6"]);
});

on_both_databases!(a_mistaken_reversal_is_cured_by_recognising_again, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let recognise = || registry.post_as(registry.registrar(), "/v1/credit_recognitions", &json!({ "certificate_id": certificate["certificate_id"] }));
    let reverse = |entry: &Value| registry.post_as(registry.registrar(), "/v1/credit_reversals", &json!({ "entry_id": entry["entry_id"], "reason": "mistaken" })).expect(201);
    let first = recognise().expect(201);
    reverse(&first);
    let second = recognise().expect(201);
    assert_eq!((&second["balance"], recognise().expect(200)), (&json!("3.0"), second.clone()), "and once again is once");
    let revoke = json!({ "change": "revoke", "reason": "scores were wrong" });
    registry.post_as(&body.client, &format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap()), &revoke).expect(200);
    assert_eq!(balance(registry, &worker), "0.0");
});

on_both_databases!(a_class_and_its_certificate_count_the_larger_one, |registry| {
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["training_completion"], "number_prefix": null, "occupations": [] }));
    let body_of_level = registry.body_with("123200000000000192", json!({ "number_prefix": "S000032000002" }));
    let (worker, class) = trained(registry, &provider(registry), 1);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (holder, certificate) = registry.certificate(&body_of_level, 1);
    assert_eq!(holder.id, worker.id);
    let order = json!({ "certificate_id": certificate["certificate_id"], "class_id": class });
    let entry = registry.post_as(registry.registrar(), "/v1/credit_recognitions", &order).expect(201);
    assert_eq!((&entry["credits"], &entry["balance"]), (&json!("0.0"), &json!("3.7")), "CR-5: 3.0 is less than 3.7");
    let completion = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "project": "电工四级班" })).expect(201);
    let worthless = registry.post_as(registry.registrar(), "/v1/credit_recognitions", &json!({ "certificate_id": completion["certificate_id"] }));
    assert_eq!(worthless.rules(), ["CR-2"], "the list of values has nothing for completions");
});

on_both_databases!(credits_are_shown_or_spent_as_the_programme_says, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    let convert = |programme: &str, credits: &str| registry.post_as(registry.registrar(), "/v1/credit_conversions", &json!({ "worker_id": worker.id, "programme": programme, "credits": credits }));
    assert_eq!(convert("open_university", "3.7").expect(201)["balance"], "3.7", "shown, not spent");
    assert_eq!(convert("technician_college", "2.0").expect(201)["balance"], "1.7");
    assert_eq!(convert("technician_college", "1.8").rules(), ["CR-7"]);
    assert_eq!(convert("unknown", "1.0").fields(), ["programme"]);
    assert_eq!(convert("technician_college", "1.85").fields(), ["credits"]);
    let sources = registry.get_as(registry.registrar(), &format!("/v1/workers/{}/credits", worker.id), &[]).expect(200)["sources"].clone();
    let found: Vec<(&Value, &Value)> = sources.as_array().unwrap().iter().map(|source| (&source["source"], &source["credits"])).collect();
    assert_eq!(found, [(&json!("class"), &json!("3.7")), (&json!("open_university"), &json!("0.0")), (&json!("technician_college"), &json!("-2.0"))]);
});

on_both_databases!(a_class_that_was_declared_false_gives_nothing, |registry| {
    let client = provider(registry);
    let (worker, class) = trained(registry, &client, 1);
    let annul = |by: &(String, String)| registry.post_as(by, &format!("/v1/classes/{class}/annulment"), &json!({ "reason": "no training took place", "decision_document": "宁人社监〔2026〕1号" }));
    assert_eq!(annul(&client).status, 403);
    let annulment = annul(registry.registrar()).expect(201);
    assert_eq!(annul(registry.registrar()).expect(200), annulment);
    assert_eq!(balance(registry, &worker), "0.0");
    assert_eq!(registry.get_as(&client, &format!("/v1/classes/{class}"), &[]).expect(200)["state"], "annulled");
    let record = registry.get_as(registry.registrar(), &format!("/v1/workers/{}/record?limit=500", worker.id), &[]).expect(200);
    let attended: Vec<&Value> = record["items"].as_array().unwrap().iter().filter(|entry| entry["kind"] == "attended").collect();
    assert!(attended.len() == 10 && attended.iter().all(|entry| entry["facts"]["void"].is_object()), "the worker's time is free again");
    let result = record["items"].as_array().unwrap().iter().find(|entry| entry["kind"] == "class_result").unwrap();
    assert_eq!(result["facts"]["class_annulled"], true);
    registry.expect_clean_audit();
});

on_both_databases!(rules_change_by_a_new_version_and_old_classes_keep_theirs, |registry| {
    let client = provider(registry);
    let import = |file: &str, from: &str| {
        let bearer = format!("Bearer {}", registry.token(registry.registrar()));
        registry.send("POST", &format!("/v1/catalogue/imports?list=training_rules&valid_from={from}"), &[("authorization", &bearer), ("content-type", "text/csv")], file.as_bytes())
    };
    let refused = import("parameter,value\ncredit_hours,0\nbonus,1\n", "2026-03-01");
    assert_eq!((refused.status, refused.fields()), (400, vec!["credit_hours".to_owned(), "bonus".to_owned()]));
    import("parameter,value\ncredit_hours,20\n", "2026-03-10").expect(201);
    let (worker, _) = trained(registry, &client, 1);
    assert_eq!(entries(registry, &worker)[0]["credits"], "3.7", "the class began before the new version");
    import("parameter,value\ncredit_hours,20\n", "2026-03-01").expect(201);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (worker, _) = trained(registry, &client, 2);
    assert_eq!(entries(registry, &worker)[0]["credits"], "3.0");
});

on_both_databases!(credits_expire_where_the_rules_say_so, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    let bearer = format!("Bearer {}", registry.token(registry.registrar()));
    let path = "/v1/catalogue/imports?list=training_rules&valid_from=2026-03-01";
    registry.send("POST", path, &[("authorization", &bearer), ("content-type", "text/csv")], b"parameter,value\ncredit_valid_years,2\n").expect(201);
    let convert = |credits: &str| registry.post_as(registry.registrar(), "/v1/credit_conversions", &json!({ "worker_id": worker.id, "programme": "technician_college", "credits": credits }));
    convert("1.0").expect(201);
    let expired = || registry.get_as(registry.registrar(), &format!("/v1/workers/{}/credits", worker.id), &[]).expect(200)["expired"].clone();
    registry.set_clock("2028-03-18T16:00:00Z");
    assert_eq!(expired(), "0.0", "earned on the 20th");
    registry.set_clock("2028-03-19T16:00:00Z");
    assert_eq!(expired(), "2.7", "3.7, of which 1.0 was spent");
    assert_eq!((convert("0.1").rules(), convert("3.0").rules()), (vec!["CR-8".to_owned()], vec!["CR-7".to_owned()]));
});

on_both_databases!(sixty_four_writers_leave_a_ledger_that_adds_up, |registry| {
    let (worker, _) = trained(registry, &provider(registry), 1);
    let before = entries(registry, &worker).len();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(64).build().unwrap();
    let spent: usize = pool.install(|| {
        use rayon::prelude::*;
        let order = json!({ "worker_id": worker.id, "programme": "technician_college", "credits": "0.1" });
        (0..64).into_par_iter().map(|_| loop {
            let reply = registry.post_as(registry.registrar(), "/v1/credit_conversions", &order);
            match reply.status {
                201 => break 1,
                422 => break 0,
                // Met by others too often.
                409 | 503 => {}
                other => panic!("{other}: {}", reply.text()),
            }
        }).sum()
    });
    assert_eq!(spent, 37, "3.7 credits are 37 tenths");
    let ledger = registry.get_as(registry.registrar(), &format!("/v1/workers/{}/credits/entries?limit=500", worker.id), &[]).expect(200)["items"].as_array().unwrap().clone();
    assert_eq!((ledger.len(), &ledger.last().unwrap()["balance"]), (before + 37, &json!("0.0")));
    assert!(ledger.iter().zip(1..).all(|(entry, sequence)| entry["sequence"] == sequence));
});
