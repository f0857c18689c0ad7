//! Attendance against its limits: `cargo bench --bench training`.
//!
//! Intervals come in as NDJSON over HTTP, the overlap check and a log entry for each included, on SQLite and on PostgreSQL, while the
//! registry grows: the last rate against the first shows whether the cost follows what is stored. `BENCH_INTERVALS` makes it grow
//! further (10000000). Then a record of 200 entries, and closings.

#![allow(clippy::unwrap_used, reason = "a measurement ends where something is not as it should be")]

#[path = "../tests/support/mod.rs"]
mod support;

use chrono::{Days, NaiveDate};
use rayon::prelude::*;
use serde_json::json;
use std::time::Instant;
use support::{Database, TestRegistry};

/// Trainees of a class, each with two intervals a day.
const TRAINEES: usize = 500;
const DAYS: u64 = 10;
const UPLOAD: usize = TRAINEES * DAYS as usize * 2;
const INTERVALS: usize = 200_000;

/// A file of two weeks of a class, day by day as it is taken.
fn file(workers: &[String], first: NaiveDate) -> String {
    let mut text = String::new();
    for day in (0..DAYS).map(|n| first + Days::new(n)) {
        for worker in workers {
            for (part, from, to) in [("theory", "09:00", "11:15"), ("practical", "13:00", "16:45")] {
                text.push_str(&json!({ "worker_id": worker, "mode": "in_person", "part": part, "started_at": format!("{day}T{from}:00+08:00"), "ended_at": format!("{day}T{to}:00+08:00") }).to_string());
                text.push('\n');
            }
        }
    }
    text
}

fn attendance(database: Database, intervals: usize) {
    let registry = TestRegistry::start(database, &[("token_seconds", "43200"), ("workers", "1")]);
    let (_, client) = registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider");
    let uploads = intervals.div_ceil(UPLOAD);
    // Classes of other workers, in the order of their registration; after as many as there are, the next fortnight begins.
    let classes = uploads.clamp(1, 200);
    let workers: Vec<String> = registry.workers(&client, (classes * TRAINEES) as u32).into_iter().map(|worker| worker.id).collect();
    let beginning: NaiveDate = "2026-03-10".parse().unwrap();
    registry.set_clock("2026-03-05T01:00:00Z");
    let (mut rates, mut stored) = (Vec::new(), 0);
    for upload in 0..uploads {
        let (group, first) = (&workers[upload % classes * TRAINEES..][..TRAINEES], beginning + Days::new(14 * (upload / classes) as u64));
        registry.set_clock(&format!("{}T01:00:00Z", first - Days::new(1)));
        let order = json!({ "class_type": "general_training", "name": "班", "first_on": first, "last_on": first + Days::new(DAYS - 1), "planned_practical_minutes": 3600 });
        let class = registry.post_as(&client, "/v1/classes", &order).expect(201)["class_id"].as_str().unwrap().to_owned();
        let trainees: Vec<_> = group.iter().map(|worker| json!({ "worker_id": worker })).collect();
        registry.post_as(&client, &format!("/v1/classes/{class}/enrolments"), &json!({ "trainees": trainees })).expect(200);
        registry.set_clock(&format!("{}T12:00:00Z", first + Days::new(DAYS)));
        let (file, bearer) = (file(group, first), format!("Bearer {}", registry.token(&client)));
        let started = Instant::now();
        let answer = registry.send("POST", &format!("/v1/classes/{class}/attendance"), &[("authorization", &bearer), ("content-type", "application/x-ndjson")], file.as_bytes()).expect(200);
        rates.push(UPLOAD as f64 / started.elapsed().as_secs_f64());
        assert_eq!((&answer["recorded"], &answer["refused"]), (&json!(UPLOAD), &json!(0)), "{answer}");
        stored += UPLOAD;
        if upload == uploads - 1 {
            close(&registry, &client, &class, group);
        }
    }
    let middle = |rates: &[f64]| {
        let mut sorted = rates.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    };
    let few = 5.min(rates.len());
    let (first, last) = (middle(&rates[..few]), middle(&rates[rates.len() - few..]));
    println!("{database:?}: {first:.0} intervals/s in the empty registry, {last:.0} with {stored} stored: an interval costs {:.2} of what it did", first / last);
    if database == Database::Sqlite {
        record(&registry, &workers[0]);
        own(&registry);
    }
}

fn close(registry: &TestRegistry, client: &(String, String), class: &str, workers: &[String]) {
    let results: Vec<_> = workers.iter().map(|worker| json!({ "worker_id": worker, "assessment": "passed" })).collect();
    let started = Instant::now();
    registry.post_as(client, &format!("/v1/classes/{class}/closing"), &json!({ "results": results })).expect(201);
    println!("  closing a class of {TRAINEES} with {UPLOAD} intervals: {:.2} s", started.elapsed().as_secs_f64());
}

/// A page of a record, with the look recorded durably before it is shown.
fn record(registry: &TestRegistry, worker: &str) {
    let path = format!("/v1/workers/{worker}/record?limit=200");
    let started = Instant::now();
    for _ in 0..500 {
        registry.get_as(registry.registrar(), &path, &[]).expect(200);
    }
    println!("  a record, each look recorded, one client: {:.0}/s", 500.0 / started.elapsed().as_secs_f64());
}

/// A worker's own record of 200 entries, and a history of 2,000 as a workbook.
fn own(registry: &TestRegistry) {
    registry.set_clock("2029-01-01T01:00:00Z");
    let (_, client) = registry.organisation("52320100000000027X", "training_provider", "training_provider");
    for (index, entries) in [(50_001, 200), (50_002, 2_000)] {
        let worker = registry.worker(&client, index);
        let order = json!({ "class_type": "general_training", "name": "班", "first_on": "2029-01-02", "last_on": "2034-12-31", "planned_practical_minutes": 3600 });
        let class = registry.post_as(&client, "/v1/classes", &order).expect(201)["class_id"].as_str().unwrap().to_owned();
        registry.post_as(&client, &format!("/v1/classes/{class}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }] })).expect(200);
        registry.set_clock("2035-01-01T01:00:00Z");
        let first: NaiveDate = "2029-01-02".parse().unwrap();
        // Registered, a document, enrolled: three entries are there.
        let row = |n: u64| json!({ "worker_id": worker.id, "mode": "in_person", "part": "practical", "started_at": format!("{}T09:00:00+08:00", first + Days::new(n)), "ended_at": format!("{}T11:15:00+08:00", first + Days::new(n)) });
        let rows: Vec<_> = (0..entries - 3).map(row).collect();
        assert_eq!(registry.post_as(&client, &format!("/v1/classes/{class}/attendance"), &json!(rows)).expect(200)["recorded"], entries - 3);
        let code = registry.post_as(registry.registrar(), &format!("/v1/workers/{}/access_codes", worker.id), &json!({})).expect(201)["access_code"].clone();
        let session = registry.post("/v1/sessions", &json!({ "access_code": code, "document_number_end": &worker.number[12..] })).expect(201);
        let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
        let get = |path: &str, accept: &str| {
            let reply = registry.send("GET", path, &[("authorization", &bearer), ("accept", accept)], b"");
            assert_eq!(reply.status, 200, "{}", reply.text());
            reply.bytes
        };
        if entries == 200 {
            let length = serde_json::from_slice::<serde_json::Value>(&get("/v1/me/record?limit=500", "*/*")).unwrap()["items"].as_array().unwrap().len();
            let started = Instant::now();
            let rounds = 4_000;
            (0..4).into_par_iter().for_each(|_| (0..rounds / 4).for_each(|_| drop(get("/v1/me/record?limit=500", "*/*"))));
            println!("  a worker's own record of {length} entries, one server thread: {:.0}/s", f64::from(rounds) / started.elapsed().as_secs_f64());
        } else {
            let mut times: Vec<f64> = (0..20)
                .map(|_| {
                    let started = Instant::now();
                    get("/v1/me/history", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet");
                    started.elapsed().as_secs_f64() * 1000.0
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!("  a history of {entries} entries as a workbook, logged before it leaves: {:.0} ms, the slowest of twenty {:.0} ms", times[10], times[19]);
        }
        registry.set_clock("2029-01-01T01:00:00Z");
    }
}

fn main() {
    let intervals: usize = std::env::var("BENCH_INTERVALS").map_or(INTERVALS, |text| text.parse().unwrap());
    println!("attendance over HTTP, {UPLOAD} intervals a file\n");
    attendance(Database::Sqlite, intervals);
    attendance(Database::Postgres, intervals);
}
