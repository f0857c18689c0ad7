//! Batches of certificates: files in, row results out, whatever dies in between.

use crate::on_both_databases;
use crate::support::{Body, Database, Reply, TestRegistry, Worker};
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const AFTER_THE_NOTICE: &str = "2026-03-20T01:00:00Z";

fn send(registry: &TestRegistry, body: &Body, path: &str, media_type: &str, file: &[u8], headers: &[(&str, &str)]) -> Reply {
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let mut all = vec![("authorization", bearer.as_str()), ("content-type", media_type)];
    all.extend_from_slice(headers);
    registry.send("POST", path, &all, file)
}

/// Waits until a job has ended.
fn wait(registry: &TestRegistry, body: &Body, path: &str) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let job = registry.get_as(&body.client, path, &[]).expect(200);
        if !["queued", "running"].contains(&job["state"].as_str().unwrap()) {
            return job;
        }
        assert!(Instant::now() < until, "{job}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn rows(registry: &TestRegistry, body: &Body, path: &str) -> Vec<Value> {
    registry.get_as(&body.client, &format!("{path}/rows"), &[("accept", NDJSON)]).text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Sends a file and waits for the end: the job and its rows.
fn run(registry: &TestRegistry, body: &Body, media_type: &str, file: &[u8]) -> (Value, Vec<Value>) {
    let reply = send(registry, body, "/v1/certificate_batches", media_type, file, &[]);
    reply.expect(202);
    let path = reply.header("location").unwrap().to_owned();
    (wait(registry, body, &path), rows(registry, body, &path))
}

fn outcomes(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["outcome"].as_str().unwrap()).collect()
}

/// Three workers of a published session, of whom the last has failed.
fn assessed(registry: &TestRegistry) -> (Body, Vec<Worker>, String) {
    let body = registry.body();
    let workers: Vec<Worker> = (1..=3).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.published_session(&body, &workers, &[("80", "80"), ("75", "90"), ("80", "59")], json!({}));
    registry.set_clock(AFTER_THE_NOTICE);
    (body, workers, session)
}

fn trainer(registry: &TestRegistry) -> (Body, Worker) {
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["training_completion"], "number_prefix": null, "occupations": []}));
    let worker = registry.worker(&body.client, 1);
    (body, worker)
}

on_both_databases!(certificates_of_a_batch_stand_in_the_order_of_its_rows, |registry| {
    let (body, worker) = trainer(registry);
    let projects: Vec<String> = (0..40).map(|place| format!("课程 {place}")).collect();
    let file: Vec<String> = projects.iter().map(|project| json!({ "worker_id": worker.id, "project": project }).to_string()).collect();
    // The clock of a test stands still: all of them are of one millisecond.
    let (job, _) = run(registry, &body, NDJSON, file.join("\n").as_bytes());
    assert_eq!((&job["state"], &job["failed"]), (&json!("finished"), &json!(0)));
    let listed = registry.get_as(&body.client, "/v1/certificates?limit=100", &[]).expect(200);
    assert_eq!(listed["items"].as_array().unwrap().iter().map(|item| item["project"].as_str().unwrap()).collect::<Vec<_>>(), projects);
});

on_both_databases!(a_batch_issues_what_the_rules_allow_and_says_why_not, |registry| {
    let (body, workers, session) = assessed(registry);
    let lines = [
        json!({ "worker_id": workers[0].id, "session_id": session, "form_serial": "A-1" }).to_string(),
        json!({ "document_number": workers[1].number, "session_id": session }).to_string(),
        json!({ "worker_id": workers[2].id, "session_id": session }).to_string(),
        json!({ "worker_id": workers[0].id, "session_id": session }).to_string(),
        json!({ "document_number": "32010019001231999X", "session_id": session }).to_string(),
        json!({ "worker_id": workers[0].id, "session_id": session, "age": 5 }).to_string(),
        "{ not json".to_owned(),
        json!({ "worker_id": workers[0].id }).to_string(),
    ];
    let file = lines.join("\n");
    let dry = send(registry, &body, "/v1/certificate_batches?dry_run=true", NDJSON, file.as_bytes(), &[]);
    let path = dry.header("location").unwrap().to_owned();
    assert_eq!(wait(registry, &body, &path)["state"], "finished");
    assert_eq!(outcomes(&rows(registry, &body, &path)), ["would_issue", "would_issue", "refused", "would_issue", "refused", "refused", "refused", "refused"]);
    assert!(registry.get_as(&body.client, "/v1/certificates", &[]).expect(200)["items"].as_array().unwrap().is_empty());

    let (job, rows) = run(registry, &body, NDJSON, file.as_bytes());
    assert_eq!((&job["kind"], &job["state"], &job["total"], &job["done"], &job["failed"]), (&json!("issue_batch"), &json!("finished"), &json!(8), &json!(8), &json!(5)));
    assert_eq!(outcomes(&rows), ["issued", "issued", "refused", "exists", "refused", "refused", "refused", "refused"]);
    assert_eq!(rows[3]["certificate_number"], rows[0]["certificate_number"]);
    assert_eq!(rows[2]["violations"][0]["rule"], "IS-3");
    assert_eq!((&rows[5]["violations"][0]["field"], &rows[6]["violations"][0]["facts"]["line"]), (&json!("age"), &json!("7")));
    for (row, worker) in rows.iter().zip(&workers).take(2) {
        let facts = json!({ "certificate_number": row["certificate_number"], "name": worker.name });
        assert_eq!(registry.post("/v1/verifications", &facts).expect(200)["outcome"], "valid");
    }
    let text = rows.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains(&workers[1].number) && !text.contains("32010019001231999X"), "{text}");
});

on_both_databases!(spreadsheets_are_read_as_clerks_write_them, |registry| {
    let (body, workers, session) = assessed(registry);
    let csv = format!("\u{feff}证件号码,评价场次\r\n{},{session}\r\n{},{session}\r\n", workers[0].number, workers[2].number);
    let (_, rows) = run(registry, &body, CSV, csv.as_bytes());
    assert_eq!(outcomes(&rows), ["issued", "refused"]);
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, (number, session)) in [("证件号码", "评价场次"), (&workers[0].number, &session), (&workers[1].number, &session)].into_iter().enumerate() {
        sheet.write(row as u32, 0, number).unwrap().write(row as u32, 1, session).unwrap();
    }
    sheet.write(3, 0, 1.9e17).unwrap().write(3, 1, &session).unwrap();
    let (_, rows) = run(registry, &body, XLSX, &workbook.save_to_buffer().unwrap());
    assert_eq!(outcomes(&rows), ["exists", "issued", "refused"]);
    assert!(rows[2]["violations"][0]["detail"].as_str().unwrap().contains("more than 15 digits"), "{}", rows[2]);
});

#[test]
fn scores_come_as_a_workbook_too() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let workers: Vec<Worker> = (1..=2).map(|index| registry.worker(&body.client, index)).collect();
    let session = registry.session(&body, &workers, json!({}));
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, heading) in ["证件号码", "理论知识", "操作技能"].into_iter().enumerate() {
        sheet.write(0, column as u16, heading).unwrap();
    }
    for (row, worker) in (1..).zip(&workers) {
        sheet.write(row, 0, &worker.number).unwrap().write(row, 1, 86).unwrap().write(row, 2, 90.5).unwrap();
    }
    let path = format!("/v1/assessment_sessions/{session}/results");
    let answer = send(&registry, &body, &path, XLSX, &workbook.save_to_buffer().unwrap(), &[]);
    assert_eq!(answer.expect(200), json!({ "recorded": 2, "unchanged": 0 }));
    let again = workers.iter().map(|worker| json!({ "worker_id": worker.id, "theory": 86, "practical": "90.5" }).to_string()).collect::<Vec<_>>().join("\n");
    assert_eq!(send(&registry, &body, &path, NDJSON, again.as_bytes(), &[]).expect(200), json!({ "recorded": 0, "unchanged": 2 }));
}

on_both_databases!(a_batch_is_one_effect_for_its_key, |registry| {
    let (body, workers, session) = assessed(registry);
    let file = json!({ "worker_id": workers[0].id, "session_id": session }).to_string();
    let once = |file: &str| send(registry, &body, "/v1/certificate_batches", NDJSON, file.as_bytes(), &[("idempotency-key", "class-7")]);
    let first = once(&file);
    first.expect(202);
    let again = once(&file);
    assert_eq!((again.status, &again.bytes, again.header("location")), (202, &first.bytes, first.header("location")));
    assert_eq!(once(&format!("{file}\n{file}")).status, 422);
});

on_both_databases!(a_damaged_file_is_refused_as_a_whole, |registry| {
    let (body, worker) = trainer(registry);
    let many: String = (0..700).map(|n| format!("{},课程{n}\n", worker.id)).collect();
    let (gbk, _, _) = encoding_rs::GBK.encode("worker_id,project\n甲,乙\n");
    for (media_type, file, status, expected) in [
        (CSV, gbk.to_vec(), 400, "GBK"),
        (CSV, b"worker_id,age\n1,2\n".to_vec(), 400, "none of"),
        (CSV, b"worker_id\nw\n".to_vec(), 400, "session_id or project or category"),
        (CSV, format!("worker_id,project\n{many}\"cut").into_bytes(), 400, "cut off"),
        (NDJSON, b"\n".to_vec(), 400, "no rows"),
        (NDJSON, format!("{}{}", "{}\n".repeat(600), " ".repeat(70_000)).into_bytes(), 400, "longer than"),
        (XLSX, b"PK\x03\x04 no".to_vec(), 400, "not an XLSX"),
        ("application/json", b"[]".to_vec(), 415, "application/x-ndjson"),
    ] {
        let reply = send(registry, &body, "/v1/certificate_batches", media_type, &file, &[]);
        assert_eq!(reply.status, status, "{expected}: {}", reply.text());
        assert!(reply.text().contains(expected), "{expected}: {}", reply.text());
    }
    let other = registry.organisation("91320102MA0TEXAM3X", "employer", "employer");
    let reply = registry.send("POST", "/v1/certificate_batches", &[("authorization", &format!("Bearer {}", registry.token(&other.1))), ("content-type", NDJSON)], b"{}");
    assert!([403, 404].contains(&reply.status), "{}", reply.text());
});

on_both_databases!(a_whole_batch_is_withdrawn_but_not_what_stood_before, |registry| {
    let (body, workers, session) = assessed(registry);
    let before = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": workers[0].id, "session_id": session })).expect(201);
    let file = workers.iter().map(|worker| json!({ "worker_id": worker.id, "session_id": session }).to_string()).collect::<Vec<_>>().join("\n");
    let reply = send(registry, &body, "/v1/certificate_batches", NDJSON, file.as_bytes(), &[]);
    let batch = reply.header("location").unwrap().to_owned();
    wait(registry, &body, &batch);
    let issued = rows(registry, &body, &batch)[1]["certificate_number"].clone();
    let change = json!({ "change": "withdraw", "reason": "the class was never held", "decision_document": "宁人社撤〔2026〕2号" }).to_string();
    let withdraw = |query: &str| {
        let reply = send(registry, &body, &format!("{batch}/status_changes{query}"), "application/json", change.as_bytes(), &[]);
        reply.expect(202);
        let job = reply.header("location").unwrap().to_owned();
        assert_eq!(wait(registry, &body, &job)["state"], "finished");
        rows(registry, &body, &job)
    };
    assert_eq!(outcomes(&withdraw("?dry_run=true")), ["would_change"]);
    let outcome = |number: &Value, name: &str| registry.post("/v1/verifications", &json!({ "certificate_number": number, "name": name })).expect(200)["outcome"].clone();
    assert_eq!(outcome(&issued, &workers[1].name), "valid");
    let changed = withdraw("");
    assert_eq!((outcomes(&changed), &changed[0]["row"]), (vec!["changed"], &json!(2)));
    assert_eq!(outcome(&issued, &workers[1].name), "withdrawn");
    assert_eq!(outcome(&before["certificate_number"], &workers[0].name), "valid");
    let again = withdraw("");
    assert_eq!((outcomes(&again), again[0]["violations"].as_array().unwrap().len()), (vec!["refused"], 1));
});

on_both_databases!(one_fact_on_many_rows_is_issued_once_and_withdrawn_once, |registry| {
    let (body, worker) = trainer(registry);
    registry.let_time_pass();
    let row = |project: usize| format!("{}\n", json!({ "worker_id": worker.id, "project": format!("课程{project}") }));
    // The first fact stands on the next row too, and far behind in another step.
    let file: String = std::iter::once(0).chain(0..600).chain([0, 3]).map(row).collect();
    let reply = send(registry, &body, "/v1/certificate_batches", NDJSON, file.as_bytes(), &[]);
    let batch = reply.header("location").unwrap().to_owned();
    wait(registry, &body, &batch);
    let found = rows(registry, &body, &batch);
    let known: Vec<usize> = outcomes(&found).iter().enumerate().filter(|(_, outcome)| **outcome == "exists").map(|(place, _)| place).collect();
    assert_eq!(known, [1, 601, 602]);
    assert_eq!(outcomes(&found).iter().filter(|outcome| **outcome == "issued").count(), 600);
    let change = json!({ "change": "withdraw", "reason": "the class was never held" }).to_string();
    let reply = send(registry, &body, &format!("{batch}/status_changes"), "application/json", change.as_bytes(), &[]);
    let job = reply.header("location").unwrap().to_owned();
    assert_eq!(wait(registry, &body, &job)["state"], "finished");
    let changed = rows(registry, &body, &job);
    assert_eq!((changed.len(), outcomes(&changed).iter().all(|outcome| *outcome == "changed")), (600, true));
});

on_both_databases!(rows_that_meet_each_other_are_told_apart_and_the_others_stand, |registry| {
    let (body, workers, session) = assessed(registry);
    let wrong = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": workers[0].id, "session_id": session })).expect(201);
    let id = wrong["certificate_id"].as_str().unwrap();
    registry.post_as(&body.client, &format!("/v1/certificates/{id}/status_changes"), &json!({ "change": "revoke", "reason": "revoked in error" })).expect(200);
    let cure = json!({ "worker_id": workers[0].id, "session_id": session, "cures": id }).to_string();
    let file = [cure.clone(), json!({ "worker_id": workers[1].id, "session_id": session }).to_string(), cure].join("\n");
    let (job, found) = run(registry, &body, NDJSON, file.as_bytes());
    assert_eq!((&job["state"], outcomes(&found)), (&json!("finished"), vec!["issued", "issued", "refused"]));
    assert_ne!(found[0]["certificate_number"], wrong["certificate_number"]);
    assert!(found[2]["violations"][0]["detail"].as_str().unwrap().contains("put right already"), "{}", found[2]);

    // Two rows claim one number.
    let (body, worker) = (&body, &workers[0]);
    let other = registry.worker(&body.client, 9);
    let again = registry.published_session(body, &[worker.clone(), other.clone()], &[("80", "80"), ("80", "80")], json!({ "level": "level4", "held_on": "2026-03-19" }));
    registry.set_clock("2026-04-20T01:00:00Z");
    let number = "S000032000001264000777";
    let claim = |worker: &Worker| json!({ "worker_id": worker.id, "session_id": again, "certificate_number": number }).to_string();
    let (job, found) = run(registry, body, NDJSON, [claim(worker), claim(&other)].join("\n").as_bytes());
    assert_eq!((&job["state"], outcomes(&found)), (&json!("finished"), vec!["issued", "refused"]), "{found:?}");
    assert_eq!((&found[0]["certificate_number"], &found[1]["violations"][0]["rule"]), (&json!(number), &json!("IS-5")));
});

#[test]
fn a_batch_goes_on_where_a_dead_node_left_it() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let (body, worker) = trainer(&registry);
        let file: String = (0..2_100).map(|n| format!("{}\n", json!({ "worker_id": worker.id, "project": format!("课程{n}") }))).collect();
        let path = send(&registry, &body, "/v1/certificate_batches", NDJSON, file.as_bytes(), &[]).header("location").unwrap().to_owned();
        // Stopped while it works: a part is done.
        while registry.get_as(&body.client, &path, &[]).expect(200)["done"].as_i64().unwrap() == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (directory, url, registrar) = registry.stop();
        let mut registry = TestRegistry::start_at(directory, url, &[]);
        registry.use_registrar(registrar);
        let done = registry.get_as(&body.client, &path, &[]).expect(200)["done"].as_i64().unwrap();
        assert!((500..2_100).contains(&done), "{done}: nothing was left to do");
        // The dead node's lease ends.
        registry.set_clock("2026-03-20T01:00:00Z");
        let job = wait(&registry, &body, &path);
        assert_eq!((&job["state"], &job["done"], &job["failed"]), (&json!("finished"), &json!(2_100), &json!(0)));
        let rows = rows(&registry, &body, &path);
        let numbers: std::collections::HashSet<&str> = rows.iter().map(|row| row["certificate_number"].as_str().unwrap()).collect();
        assert_eq!((rows.len(), numbers.len()), (2_100, 2_100));
        assert!(outcomes(&rows).iter().all(|outcome| *outcome == "issued"));
    }
}

on_both_databases!(a_cancelled_batch_stops_and_keeps_what_it_issued, |registry| {
    let (body, worker) = trainer(registry);
    let file: String = (0..5_000).map(|n| format!("{}\n", json!({ "worker_id": worker.id, "project": format!("课程{n}") }))).collect();
    let path = send(registry, &body, "/v1/certificate_batches", NDJSON, file.as_bytes(), &[]).header("location").unwrap().to_owned();
    while registry.get_as(&body.client, &path, &[]).expect(200)["done"].as_i64().unwrap() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(registry.post_as(&body.client, &format!("{path}/cancellation"), &json!({})).expect(200)["state"], "cancelled");
    let job = wait(registry, &body, &path);
    let done = job["done"].as_u64().unwrap() as usize;
    assert!((500..5_000).contains(&done), "{done}");
    assert_eq!(rows(registry, &body, &path).len(), done);
});
