//! Sessions, candidates, results and publication.

use crate::on_both_databases;
use crate::support::{Reply, TestRegistry};
use serde_json::{Value, json};

fn upload(registry: &TestRegistry, client: &(String, String), session: &str, query: &str, file: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", registry.token(client));
    registry.send("POST", &format!("/v1/assessment_sessions/{session}/results{query}"), &[("authorization", &bearer), ("content-type", "text/csv; charset=utf-8")], file)
}

on_both_databases!(scores_come_in_as_csv_all_or_none, |registry| {
    let body = registry.body();
    let workers: Vec<_> = (0..3).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.session(&body, &workers, json!({}));
    let scores = || registry.get_as(&body.client, &format!("/v1/assessment_sessions/{session}/candidates"), &[]).expect(200)["items"].as_array().unwrap().iter().filter(|item| !item["theory"].is_null()).count();
    let bad = format!("document_number,theory,practical\n{},86,90.5\n{},101,60\nnobody,60,60\n", workers[0].number, workers[1].number);
    let refused = upload(registry, &body.client, &session, "", bad.as_bytes());
    assert_eq!((refused.status, refused.fields()), (400, vec!["row 3, theory".to_owned()]));
    assert!(!refused.text().contains(&workers[1].number));
    assert_eq!(scores(), 0, "nothing half done");
    for (file, part) in [
        (format!("document_number,theory,practical\n{0},86,90\n{0},86,90\n", workers[0].number), "row 2 already"),
        ("document_number,theory,practical\n320115190012310079,60,60\n".to_owned(), "register the worker first"),
        (format!("document_number,theory,practical\n{},86\n", workers[0].number), "2 columns found, 3 columns expected"),
        ("document_number,theory,practical\n\"3201".to_owned(), "cut off"),
        (String::new(), "empty file"),
    ] {
        let refused = upload(registry, &body.client, &session, "", file.as_bytes());
        assert!(refused.status == 400 && refused.text().contains(part), "{part}: {}", refused.text());
        assert!(!refused.text().contains(&workers[0].number), "a document number never comes back");
    }
    // What only the registry can know is said of the row too.
    let refused = upload(registry, &body.client, &session, "?dry_run=true", format!("document_number,theory,practical\n{},86,90\n\n320115190012310079,60,60\n", workers[0].number).as_bytes());
    assert_eq!((refused.status, refused.fields()), (400, vec!["row 4".to_owned()]), "{}", refused.text());
    let (gbk, _, _) = encoding_rs::GBK.encode("document_number,theory,practical,姓名\n1,2,3,张三\n");
    assert!(upload(registry, &body.client, &session, "", &gbk).text().contains("GBK"));
    let good = format!("\u{feff}document_number,theory,practical\r\n{},86,90.5\r\n{},60,60\r\n{},,\r\n", workers[0].number, workers[1].number, workers[2].number);
    assert_eq!(upload(registry, &body.client, &session, "?dry_run=true", good.as_bytes()).expect(200)["recorded"], 3);
    assert_eq!(scores(), 0, "a dry run writes nothing");
    assert_eq!(upload(registry, &body.client, &session, "", good.as_bytes()).expect(200)["recorded"], 3);
    assert_eq!(upload(registry, &body.client, &session, "", good.as_bytes()).expect(200), json!({ "recorded": 0, "unchanged": 3 }));
    assert_eq!(scores(), 2);
});

on_both_databases!(candidates_come_in_as_csv_all_or_none, |registry| {
    let body = registry.body();
    let workers: Vec<_> = (0..3).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.session(&body, &[], json!({}));
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let path = format!("/v1/assessment_sessions/{session}/candidates");
    let send = |file: String| registry.send("POST", &path, &[("authorization", &bearer), ("content-type", "text/csv")], file.as_bytes());
    let listed = || registry.get_as(&body.client, &path, &[]).expect(200)["items"].clone();
    let refused = send(format!("证件号码,考生类别\n{},退休\n,社会人员\n{},\n", workers[0].number, workers[1].number));
    assert_eq!((refused.status, refused.fields()), (400, vec!["row 2, employment".to_owned(), "row 3".to_owned()]));
    assert!(!refused.text().contains(&workers[0].number));
    assert_eq!(listed(), json!([]), "nothing half done");
    let checked = registry.send("POST", &format!("{path}?dry_run=true"), &[("authorization", &bearer), ("content-type", "text/csv")], format!("证件号码\n{}\n", workers[0].number).as_bytes());
    assert_eq!((checked.expect(200), listed()), (json!({ "added": 1, "total": 1 }), json!([])), "a dry run writes nothing");
    // By code, by name, and left empty as in JSON.
    let added = send(format!("证件号码,考生类别\n{},劳务派遣人员\n{},employee\n{},\n", workers[0].number, workers[1].number, workers[2].number));
    assert_eq!(added.expect(200), json!({ "added": 3, "total": 3 }));
    for (worker, employment) in workers.iter().zip(["dispatched_worker", "employee", "outside"]) {
        assert!(listed().as_array().unwrap().iter().any(|item| item["worker_id"] == worker.id.as_str() && item["employment"] == employment), "{employment}");
    }
});

on_both_databases!(a_changed_score_needs_a_reason_and_a_new_notice, |registry| {
    let body = registry.body();
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
    let path = format!("/v1/assessment_sessions/{session}");
    registry.set_clock("2026-03-10T01:00:00Z");
    let change = |reason: Option<&str>| registry.post_as(&body.client, &format!("{path}/results"), &json!({ "results": [{ "worker_id": worker.id, "theory": 90, "practical": "80" }], "reason": reason }));
    assert_eq!(change(None).status, 400);
    change(Some("added wrongly")).expect(200);
    let refused = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session }));
    assert!(refused.rules().contains(&"IS-4".to_owned()), "{}", refused.text());
    let notice = registry.post_as(&body.client, &format!("{path}/publication"), &json!({})).expect(201);
    assert_eq!((&notice["version"], &notice["notice_ends_on"]), (&json!(2), &json!("2026-03-17")));
    assert_eq!(registry.post_as(&body.client, &format!("{path}/publication"), &json!({})).expect(200), notice, "publishing again changes nothing");
    registry.set_clock("2026-03-18T01:00:00Z");
    registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201);
});

on_both_databases!(scores_stand_as_long_as_a_certificate_rests_on_them, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let path = format!("/v1/assessment_sessions/{}/results", certificate["session_id"].as_str().unwrap());
    let change = || registry.post_as(&body.client, &path, &json!({ "results": [{ "worker_id": worker.id, "theory": 10, "practical": "80" }], "reason": "altered" }));
    let refused = change();
    assert!(refused.status == 400 && refused.text().contains("revoke it first"), "{}", refused.text());
    let revoke = json!({ "change": "revoke", "reason": "scores were wrong" });
    registry.post_as(&body.client, &format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap()), &revoke).expect(200);
    change().expect(200);
});

on_both_databases!(the_notice_counts_working_days_with_the_holiday_table, |registry| {
    registry.set_clock("2026-02-13T01:00:00Z");
    let body = registry.body();
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({ "held_on": "2026-02-13" }));
    // Saturday 14th is worked, the 15th to the 23rd are free.
    let notice = registry.get_as(&body.client, &format!("/v1/assessment_sessions/{session}"), &[]).expect(200)["publication"].clone();
    assert_eq!((&notice["published_on"], &notice["notice_ends_on"]), (&json!("2026-02-13"), &json!("2026-02-27")));
    for (at, status) in [("2026-02-27T15:59:59Z", 422), ("2026-02-27T16:00:00Z", 201)] {
        registry.set_clock(at);
        assert_eq!(registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).status, status, "{at}");
    }
});

on_both_databases!(sessions_are_checked_against_panel_filing_and_kind, |registry| {
    let body = registry.body();
    let panel = |count: usize, grade: &str| (0..count).map(|n| json!({ "card_number": format!("A{n}"), "grade": grade })).collect::<Vec<_>>();
    let order = |changes: Value| {
        let mut order = json!({ "certificate_kind": "skill_level", "occupation_code": "6-31-01-03", "level": "level3", "held_on": "2026-03-02", "panel": panel(3, "assessor") });
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        registry.post_as(&body.client, "/v1/assessment_sessions", &order)
    };
    order(json!({})).expect(201);
    assert_eq!(order(json!({ "panel": panel(4, "assessor") })).rules(), ["SV-3"]);
    assert_eq!(order(json!({ "panel": panel(1, "assessor"), "level": "level2" })).rules(), ["SV-3", "SV-2", "IS-1"]);
    assert_eq!(order(json!({ "held_on": "2028-01-01" })).rules(), ["IS-1"]);
    for (changes, field) in [
        (json!({ "level": null }), "level"),
        (json!({ "occupation_code": null }), "occupation_code"),
        (json!({ "occupation_code": "6-31-01-99" }), "occupation_code"),
        (json!({ "occupation_edition": "1999" }), "occupation_code"),
        (json!({ "ability": "面点" }), "ability"),
        (json!({ "certificate_kind": "training_completion" }), "certificate_kind"),
        (json!({ "held_on": "2026-02-29" }), "held_on"),
    ] {
        let reply = order(changes);
        assert!(reply.status == 400 && reply.fields().contains(&field.to_owned()), "{field}: {}", reply.text());
    }
});

on_both_databases!(scores_before_the_day_and_for_strangers_are_refused, |registry| {
    let body = registry.body();
    let (worker, stranger) = (registry.worker(&body.client, 1), registry.worker(&body.client, 2));
    let session = registry.session(&body, std::slice::from_ref(&worker), json!({ "held_on": "2026-03-05" }));
    let results = |worker: &str| registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/results"), &json!({ "results": [{ "worker_id": worker, "theory": "1", "practical": "1" }] }));
    assert_eq!(results(&worker.id).rules(), ["SV-9"]);
    registry.set_clock("2026-03-05T01:00:00Z");
    assert_eq!(results(&stranger.id).fields(), ["results[0]"]);
    let nothing = registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/publication"), &json!({}));
    assert_eq!(nothing.rules(), ["IS-4"]);
    results(&worker.id).expect(200);
});
