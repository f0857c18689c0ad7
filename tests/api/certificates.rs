//! Issuing: the rules IS-1 to IS-9 over HTTP, numbers, kinds, jobs.

use crate::on_both_databases;
use crate::support::{Database, TestRegistry};
use serde_json::{Value, json};

on_both_databases!(a_certificate_follows_a_passed_assessment, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    assert_eq!(certificate["certificate_number"], "S000032000001263000001");
    assert_eq!(certificate["state"], "issued");
    assert_eq!(certificate["holder_name"], format!("{}{}", &worker.name[..3], "*".repeat(worker.name.chars().count() - 1)));
    assert_eq!(certificate["holder_document_number"], format!("{}***********{}", &worker.number[..3], &worker.number[14..]));
    assert_eq!(certificate["warnings"][0]["rule"], "IS-8");
    let text = certificate.to_string();
    assert!(!text.contains(&worker.number) && !text.contains(&worker.name), "answers are masked");
    // The same assessment gives the same certificate.
    let again = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": certificate["session_id"] })).expect(200);
    assert_eq!(again["certificate_id"], certificate["certificate_id"]);
});

on_both_databases!(everybody_who_passed_gets_one_and_the_others_hear_why, |registry| {
    let body = registry.body();
    let workers: Vec<_> = (0..5).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.published_session(&body, &workers, &[("60", "60"), ("59.5", "100"), ("80", "59.9"), ("100", "100"), ("0", "0")], json!({ "level": "level4" }));
    let run = |path: &str| -> (Value, Vec<Value>) {
        let job = registry.post_as(&body.client, path, &json!({}));
        let document = job.expect(202);
        assert_eq!(job.header("location"), Some(format!("/v1/jobs/{}", document["job_id"].as_str().unwrap()).as_str()));
        let at = format!("/v1/jobs/{}", document["job_id"].as_str().unwrap());
        for _ in 0..200 {
            let state = registry.get_as(&body.client, &at, &[]).expect(200);
            if state["state"] == "finished" {
                let rows = registry.get_as(&body.client, &format!("{at}/rows"), &[("accept", "application/x-ndjson")]).text();
                return (state, rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect());
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the job did not finish");
    };
    let path = format!("/v1/assessment_sessions/{session}/certificates");
    // The notice still runs: nobody gets one.
    let (early, rows) = run(&path);
    assert_eq!((&early["total"], &early["done"], &early["failed"]), (&json!(5), &json!(5), &json!(5)));
    assert!(rows.iter().all(|row| row["violations"].as_array().unwrap().iter().any(|violation| violation["rule"] == "IS-4")));
    registry.set_clock("2026-03-10T01:00:00Z");
    let (dry, rows) = run(&format!("{path}?dry_run=true"));
    assert_eq!((&dry["dry_run"], &dry["failed"]), (&json!(true), &json!(3)));
    assert_eq!(rows.iter().filter(|row| row["outcome"] == "would_issue").count(), 2);
    let (done, rows) = run(&path);
    assert_eq!((&done["total"], &done["done"], &done["failed"]), (&json!(5), &json!(5), &json!(3)));
    let issued: Vec<_> = rows.iter().filter(|row| row["outcome"] == "issued").map(|row| row["certificate_number"].as_str().unwrap().to_owned()).collect();
    assert_eq!(issued.len(), 2);
    assert!(issued.iter().all(|number| number.starts_with("S000032000001264")));
    for row in rows.iter().filter(|row| row["outcome"] == "refused") {
        assert_eq!(row["violations"][0]["rule"], "IS-3", "{row}");
    }
    // Asking again issues nothing new.
    let (_, again) = run(&path);
    let numbers: Vec<_> = again.iter().filter(|row| row["outcome"] == "exists").map(|row| row["certificate_number"].as_str().unwrap().to_owned()).collect();
    assert_eq!(numbers, issued);
});

on_both_databases!(every_violated_rule_is_listed, |registry| {
    // An employer body, an outsider, no scores, no notice: IS-2, IS-3 and IS-4 at once.
    let body = registry.body_with("52320100000000027X", json!({ "body_kind": "employer_body", "number_prefix": "Y000032000001" }));
    let worker = registry.worker(&body.client, 1);
    let session = registry.session(&body, &[], json!({}));
    registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/candidates"), &json!({ "candidates": [{ "worker_id": worker.id }] })).expect(200);
    let refused = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session }));
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(refused.rules(), ["IS-2", "IS-3", "IS-4", "IS-8"]);
    let chinese = registry.post_with(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session }), &[("accept-language", "zh-CN")]).json();
    assert!(chinese["violations"][0]["detail"].as_str().unwrap().contains("用人单位"));
});

on_both_databases!(the_right_to_issue_is_that_of_the_day_of_issue, |registry| {
    let body = registry.body_with("52320100000000027X", json!({ "valid_to": "2026-03-09" }));
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let order = json!({ "worker_id": worker.id, "session_id": session });
    assert_eq!(registry.post_as(&body.client, "/v1/certificates", &order).rules(), ["IS-1", "IS-8"]);
    let back = json!({ "worker_id": worker.id, "session_id": session, "issued_on": "2026-03-09" });
    assert!(registry.post_as(&body.client, "/v1/certificates", &back).rules().contains(&"IS-1".to_owned()), "a date set back is not honest");
});

on_both_databases!(an_exited_body_issues_nothing, |registry| {
    let body = registry.body();
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let bearer = format!("Bearer {}", registry.token(registry.registrar()));
    let path = format!("/v1/organisations/{}", body.organisation);
    registry.send("PATCH", &path, &[("authorization", &bearer), ("content-type", "application/json")], json!({ "state": "exited", "reason": "dissolved" }).to_string().as_bytes()).expect(200);
    let refused = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session }));
    assert!(refused.rules().contains(&"SV-6".to_owned()), "{}", refused.text());
});

on_both_databases!(entry_class_occupations_need_review_or_a_qualification, |registry| {
    let guard = json!([{ "occupation_code": "4-07-05-01", "levels": ["level5"] }]);
    let body = registry.body_with("52320100000000027X", json!({ "occupations": guard }));
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({ "occupation_code": "4-07-05-01", "level": "level5" }));
    let centre = registry.body_with("123200000000000192", json!({ "occupations": guard, "certificate_kinds": ["vocational_qualification"], "number_prefix": "10012003" }));
    let other = registry.published_session(&centre, std::slice::from_ref(&worker), &[("80", "80")], json!({ "certificate_kind": "vocational_qualification", "occupation_code": "4-07-05-01", "level": "level5" }));
    registry.set_clock("2026-03-10T01:00:00Z");
    let refused = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session }));
    assert_eq!((refused.status, &refused.json()["violations"][0]["outcome"]), (422, &json!("needs_review")));
    let qualified = registry.post_as(&centre.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": other })).expect(201);
    assert_eq!(qualified["certificate_number"], "2610012003500001");
});

on_both_databases!(the_other_kinds_have_their_own_numbers, |registry| {
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["specific_ability"], "occupations": [], "abilities": ["中式面点制作"], "number_prefix": null }));
    let worker = registry.worker(&body.client, 1);
    let ability = json!({ "certificate_kind": "specific_ability", "ability": "中式面点制作", "occupation_code": null, "level": null });
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], ability);
    let school = registry.body_with("123200000000000192", json!({ "certificate_kinds": ["training_completion", "special_operation"], "occupations": [], "number_prefix": null, "valid_from": "2020-01-01" }));
    registry.set_clock("2026-03-10T01:00:00Z");
    let ability = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201);
    assert!(ability["certificate_number"].as_str().unwrap().starts_with("N26"));
    let completion = registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "project": "电工（初级）岗前培训", "taught_minutes": 2520 })).expect(201);
    assert!(completion["certificate_number"].as_str().unwrap().starts_with("P26"));
    // A permit is recorded with the day on its paper; its number is never shown whole.
    let permit = json!({ "worker_id": worker.id, "category": "电工作业", "item": "低压电工作业", "issued_on": "2022-05-10" });
    let permit = registry.post_as(&school.client, "/v1/certificates", &permit).expect(201);
    assert_eq!((&permit["valid_to"], &permit["review_due_on"]), (&json!("2028-05-09"), &json!("2025-05-10")));
    assert!(permit["certificate_number"].as_str().unwrap().starts_with("T320***"));
    // The same number for another item, but not twice for one.
    let other = registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "category": "电工作业", "item": "高压电工作业", "issued_on": "2022-05-10" }));
    assert_eq!(other.expect(201)["certificate_number"], permit["certificate_number"]);
    let twice = registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "category": "电工作业", "item": "低压电工作业", "issued_on": "2022-05-10" }));
    assert_eq!(twice.expect(200)["certificate_id"], permit["certificate_id"]);
    let again = registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "project": "电工（初级）岗前培训", "taught_minutes": 2520 }));
    assert_eq!(again.expect(200)["certificate_id"], completion["certificate_id"]);
    // One that has run out is recorded too, and renewed under the same number.
    let old = registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "category": "高处作业", "item": "登高架设作业", "issued_on": "2020-01-01", "valid_to": "2025-12-31" }));
    let old = old.expect(201);
    registry.post_as(&school.client, "/v1/certificates", &json!({ "worker_id": worker.id, "category": "高处作业", "item": "登高架设作业" })).expect(201);
    // Found by its whole number, with the review overdue; the review is recorded; then it is valid.
    let ask = json!({ "certificate_number": format!("T{}", worker.number), "name": worker.name });
    let outcomes = |answer: &Value| answer["certificates"].as_array().unwrap().iter().map(|item| item["item"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let found = registry.post("/v1/verifications", &ask).expect(200);
    assert_eq!(outcomes(&found).len(), 4);
    // Each stands by itself, whatever the whole answer is; the page says so too.
    let standing = |item: &str, issued_on: &str| found["certificates"].as_array().unwrap().iter().find(|one| one["item"] == item && one["issued_on"] == issued_on).unwrap()["outcome"].clone();
    assert_eq!((&found["outcome"], standing("登高架设作业", "2026-03-10"), standing("登高架设作业", "2020-01-01"), standing("低压电工作业", "2022-05-10")), (&json!("valid"), json!("valid"), json!("expired"), json!("review_overdue")));
    let form = format!("certificate_number=T{}&name={}&lang=en", worker.number, worker.name);
    let page = registry.send("POST", "/", &[("content-type", "application/x-www-form-urlencoded"), ("accept-language", "en")], form.as_bytes()).text();
    let tags: Vec<&str> = page.split("<span class=\"tag ").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(tags, ["good", "wait", "wait", "wait"], "{page}");
    assert_eq!((page.matches("Expired</span>").count(), page.matches("Review overdue</span>").count()), (1, 2));
    let shown = registry.get_as(&school.client, &format!("/v1/certificates/{}", old["certificate_id"].as_str().unwrap()), &[]).expect(200);
    assert_eq!((&shown["state"], &shown["outcome"]), (&json!("issued"), &json!("expired")));
    let ask_one = json!({ "certificate_number": format!("T{}", worker.number), "document_number": worker.number });
    assert_eq!(registry.post("/v1/verifications", &ask_one).rules(), ["VE-1"], "a permit's number and its document number are one fact");
    for certificate in [&permit, &other.json()] {
        let path = format!("/v1/certificates/{}/reviews", certificate["certificate_id"].as_str().unwrap());
        registry.post_as(&school.client, &path, &json!({ "reviewed_on": "2025-05-01" })).expect(200);
    }
    assert_eq!(registry.post("/v1/verifications", &ask).expect(200)["outcome"], "valid");
    let by_number = registry.get_as(&school.client, &format!("/v1/certificates/T{}", worker.number), &[]);
    assert_eq!(by_number.status, 400, "a permit's number must not stand in a URL");
});

on_both_databases!(special_grade_and_chief_numbers_carry_a_letter, |registry| {
    let changes = json!({ "body_kind": "employer_body", "number_prefix": "Y000032000001", "occupations": [{ "occupation_code": "6-31-01-03", "levels": ["special_grade", "chief"] }] });
    let body = registry.body_with("91320102MA0TEXAM3X", changes);
    let worker = registry.worker(&body.client, 1);
    let mut sessions = Vec::new();
    for level in ["special_grade", "chief"] {
        let session = registry.session(&body, std::slice::from_ref(&worker), json!({ "level": level }));
        let results = json!({ "results": [{ "worker_id": worker.id, "theory": 80, "practical": "80", "comprehensive": 60 }] });
        registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/results"), &results).expect(200);
        registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/publication"), &json!({})).expect(201);
        sessions.push(session);
    }
    registry.set_clock("2026-03-10T01:00:00Z");
    let numbers: Vec<_> = sessions
        .iter()
        .map(|session| registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201)["certificate_number"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(numbers, ["Y00003200000126T000001", "Y00003200000126S000001"]);
});

on_both_databases!(a_chosen_number_must_agree_with_the_record_and_is_used_once, |registry| {
    let body = registry.body();
    let workers: Vec<_> = (0..3).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.published_session(&body, &workers, &[("80", "80"); 3], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let issue = |worker: usize, number: &str| registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": workers[worker].id, "session_id": session, "certificate_number": number }));
    let wrong = issue(0, "Y000032000002254000001");
    assert_eq!(wrong.rules(), ["IS-8", "IS-5", "IS-5", "IS-5", "IS-5"], "{}", wrong.text());
    assert_eq!(issue(0, "S000032000001263000001").expect(201)["certificate_number"], "S000032000001263000001");
    assert_eq!(issue(1, "S000032000001263000001").rules(), ["IS-5"]);
    // The series steps over the number that is taken.
    let next = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": workers[1].id, "session_id": session })).expect(201);
    assert_eq!(next["certificate_number"], "S000032000001263000002");
});

#[test]
fn a_dry_run_of_one_certificate_records_nothing() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let order = json!({ "worker_id": worker.id, "session_id": session });
    assert_eq!(registry.post_as(&body.client, "/v1/certificates?dry_run=true", &order).expect(200)["outcome"], "would_issue");
    assert_eq!(registry.get_as(&body.client, "/v1/certificates", &[]).expect(200)["items"], json!([]));
    registry.post_as(&body.client, "/v1/certificates", &order).expect(201);
}
