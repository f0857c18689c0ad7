//! Bulk work against its limits, measured in one run: `cargo bench --bench bulk`.
//!
//! Batches of 100,000 certificates over HTTP on SQLite, each compared with signing the same bytes on every core and inserting them and
//! their log entries durably, with nothing around, just before it and just after it, since a machine that has other work to do moves by
//! a third within a minute. Some batches of 10,000 before and behind them show what a certificate costs while the registry grows. Then
//! bulk verification, and the audit of everything that was made. `BENCH_CERTIFICATES` asks for more (1000000: ten large batches); a
//! worker has five certificates.

#![allow(clippy::unwrap_used, reason = "a measurement ends where something is not as it should be")]

#[path = "../tests/support/mod.rs"]
mod support;

use diesel::prelude::*;
use jilu::credential::keys::IssuingKey;
use jilu::store::backend::Conn;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Body, Database, TestRegistry};

const LARGE: usize = 100_000;
/// How many of them, unless more are asked for; the one in the middle counts.
const LARGE_BATCHES: usize = 3;
/// Batches of this size come first and last, so that the cost of a certificate in a small and in a large registry is seen.
const SMALL: usize = 10_000;
/// How many of them; the one in the middle counts, because a batch of this size takes a second and the machine has other work.
const SMALL_BATCHES: usize = 5;
const VERIFY_ROUNDS: usize = 10;
const CERTIFICATES_PER_WORKER: usize = 5;
/// What a log entry takes beside its position: kind, subject, time, salt, commitment.
const ENTRY_BYTES: usize = 140;
const STEP: usize = 1_000;

/// Seconds for signing `count` documents of `size` bytes on every core, and for inserting them durably, `STEP` at a time.
fn sign_and_insert(count: usize, size: usize) -> (f64, f64) {
    let directory = tempfile::tempdir().unwrap();
    let mut conn = Conn::open(&format!("sqlite:{}", directory.path().join("raw.db").display()).parse().unwrap()).unwrap();
    conn.execute_script("CREATE TABLE raw (number TEXT PRIMARY KEY, document BLOB NOT NULL); CREATE TABLE entries (position INTEGER PRIMARY KEY, entry BLOB NOT NULL)").unwrap();
    let Conn::Sqlite(sqlite) = &mut conn else { unreachable!() };
    let (key, document) = (IssuingKey::from_secret("did:web:bench.example", &[1; 32]), vec![b'x'; size]);
    let (mut signing, mut inserting) = (Duration::ZERO, Duration::ZERO);
    for step in 0..count / STEP {
        let started = Instant::now();
        let signed: Vec<Vec<u8>> = (0..STEP).into_par_iter().map(|_| [document.as_slice(), &key.sign(&document).unwrap()].concat()).collect();
        signing += started.elapsed();
        let started = Instant::now();
        sqlite
            .immediate_transaction(|sqlite| {
                for (row, document) in signed.into_iter().enumerate() {
                    diesel::sql_query("INSERT INTO raw VALUES (?, ?)")
                        .bind::<diesel::sql_types::Text, _>(format!("S{:021}", step * STEP + row))
                        .bind::<diesel::sql_types::Binary, _>(document)
                        .execute(sqlite)?;
                    for _ in 0..2 {
                        diesel::sql_query("INSERT INTO entries (entry) VALUES (?)").bind::<diesel::sql_types::Binary, _>([7; ENTRY_BYTES].as_slice()).execute(sqlite)?;
                    }
                }
                diesel::QueryResult::Ok(())
            })
            .unwrap();
        inserting += started.elapsed();
    }
    (signing.as_secs_f64(), inserting.as_secs_f64())
}

/// Sends a file of `rows` rows and waits for its end; seconds from the first byte to the last row.
fn issue_batch(registry: &TestRegistry, body: &Body, workers: &[String], number: usize, rows: usize) -> f64 {
    // Classes of neighbours in the order of their registration, each worker with a certificate in several of them.
    let row = |index: usize| json!({ "worker_id": workers[index % workers.len()], "project": format!("课程 {number}-{}", index / workers.len()) }).to_string();
    let file = (0..rows).map(row).collect::<Vec<_>>().join("\n");
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let started = Instant::now();
    let reply = registry.send("POST", "/v1/certificate_batches", &[("authorization", &bearer), ("content-type", "application/x-ndjson")], file.as_bytes());
    let path = reply.header("location").unwrap_or_else(|| panic!("{}", reply.text())).to_owned();
    loop {
        let job: Value = registry.get_as(&body.client, &path, &[]).expect(200);
        if job["state"] == "finished" {
            assert_eq!((&job["done"], &job["failed"]), (&json!(rows), &json!(0)));
            return started.elapsed().as_secs_f64();
        }
        assert!(["queued", "running"].contains(&job["state"].as_str().unwrap()), "{job}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Bytes of memory that are this process's own.
fn own_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn main() {
    let certificates: usize = std::env::var("BENCH_CERTIFICATES").map_or(LARGE * LARGE_BATCHES, |text| text.parse().unwrap());
    let registry = TestRegistry::start(Database::Sqlite, &[("token_seconds", "43200"), ("workers", "1")]);
    registry.let_time_pass();
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["training_completion"], "number_prefix": null, "occupations": [] }));
    println!("lists and batches over HTTP; SQLite, WAL, synchronous=FULL\n");
    let started = Instant::now();
    let workers: Vec<String> = registry.workers(&body.client, (certificates / CERTIFICATES_PER_WORKER).max(SMALL) as u32).into_iter().map(|worker| worker.id).collect();
    println!("{:>7} workers from lists {:>11.0}/s\n", workers.len(), workers.len() as f64 / started.elapsed().as_secs_f64());
    let (mut issued, mut number) = (0, 0);
    let mut issue = |rows: usize| {
        number += 1;
        issued += rows;
        (rows as f64 / issue_batch(&registry, &body, &workers, number, rows), issued)
    };
    let print = |rows: usize, rate: f64, issued: usize| println!("{rows:>7} certificates {rate:>8.0}/s   {issued:>8} in the registry   {:>4.0} MiB of own memory", own_memory());
    let first = small_batches(&mut issue, &print);
    let certificate = registry.get_as(&body.client, "/v1/certificates?limit=1", &[]).expect(200)["items"][0]["certificate_id"].as_str().unwrap().to_owned();
    let size = registry.get_as(&body.client, &format!("/v1/certificates/{certificate}"), &[("accept", "application/vc+jwt")]).bytes.len();
    let (mut before, mut times) = (sign_and_insert(LARGE, size), Vec::new());
    for _ in 0..certificates / LARGE {
        let (rate, in_registry) = issue(LARGE);
        print(LARGE, rate, in_registry);
        let after = sign_and_insert(LARGE, size);
        let [signing, inserting] = [(before.0 + after.0) / 2.0, (before.1 + after.1) / 2.0];
        times.push(LARGE as f64 / rate / (signing + inserting));
        println!("        {:.2} times signing {LARGE} documents of {size} bytes on every core ({signing:.2} s) and inserting them with their log entries ({inserting:.2} s)", times[times.len() - 1]);
        before = after;
    }
    times.sort_by(f64::total_cmp);
    println!("        {:.2} in the middle one (2 asked)", times[times.len() / 2]);
    let last = small_batches(&mut issue, &print);
    println!("        a certificate costs {:.2} of what it cost in the small registry", first / last);
    verify(&registry, &body, &workers);
    audit(&registry);
}

/// Certificates a second in the middle one of some small batches.
fn small_batches(issue: &mut impl FnMut(usize) -> (f64, usize), print: &impl Fn(usize, f64, usize)) -> f64 {
    let mut rates: Vec<f64> = (0..SMALL_BATCHES)
        .map(|_| {
            let (rate, size) = issue(SMALL);
            print(SMALL, rate, size);
            rate
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    rates[SMALL_BATCHES / 2]
}

/// A list of staff over HTTP, each row with its receipt and its look recorded, against the signature of a receipt alone.
fn verify(registry: &TestRegistry, body: &Body, workers: &[String]) {
    let (_, employer) = registry.organisation("91320102MA0TEXAM3X", "employer", "employer");
    let page = registry.get_as(&body.client, "/v1/certificates?limit=500", &[]).expect(200);
    let place = |id: &Value| workers.iter().position(|worker| id == worker.as_str()).unwrap() as u32;
    let rows: Vec<Value> = page["items"].as_array().unwrap().iter().map(|item| json!({ "certificate_number": item["certificate_number"], "name": support::person(place(&item["worker_id"])).0 })).collect();
    let key = IssuingKey::from_secret("did:web:bench.example", &[1; 32]);
    let started = Instant::now();
    for _ in 0..VERIFY_ROUNDS {
        let answer = registry.post_as(&employer, "/v1/verifications/bulk?ground=employment", &json!(rows)).expect(200);
        assert!(answer["items"].as_array().unwrap().iter().all(|row| row["outcome"] == "valid"), "{}", answer["items"][0]);
    }
    let bulk = started.elapsed().as_secs_f64() / (VERIFY_ROUNDS * rows.len()) as f64;
    let started = Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(key.sign(&[b'x'; 1_500]).unwrap());
    }
    let signature = started.elapsed().as_secs_f64() / 10_000.0;
    println!("\nbulk verification: {:.0} rows/s, each with its receipt and its look recorded: {:.1} times the signature of a receipt alone", 1.0 / bulk, bulk / signature);
}

/// Seconds for checking one signature over `size` bytes, strictly.
fn verification_seconds(size: usize) -> f64 {
    let (key, message) = (IssuingKey::from_secret("did:web:bench.example", &[1; 32]), vec![b'x'; size]);
    let signature = key.sign(&message).unwrap();
    let started = Instant::now();
    for _ in 0..5_000 {
        assert!(std::hint::black_box(key.public.verifies(&message, &signature)));
    }
    started.elapsed().as_secs_f64() / 5_000.0
}

/// The binary's own audit of what was made, then again on top of it.
fn audit(registry: &TestRegistry) {
    let saved = registry.directory.path().join("audited.txt");
    for since in [&[][..], &["--since", saved.to_str().unwrap()]] {
        let started = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_jilu"))
            .args(["audit", "--data", registry.directory.path().to_str().unwrap(), "--database", &registry.database_url, "--save", saved.to_str().unwrap()])
            .args(since)
            .env("JILU_MASTER_KEY", hex::encode(support::MASTER_KEY))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let (said, seconds) = (String::from_utf8_lossy(&output.stdout).trim().to_owned(), started.elapsed().as_secs_f64());
        let entries: f64 = said.split(' ').next().unwrap().parse().unwrap();
        let signatures: f64 = said.split(", ").find_map(|part| part.strip_suffix(" signatures checked: all as the log says")).unwrap().parse().unwrap();
        if signatures > 0.0 {
            let alone = signatures * verification_seconds(1_900) / std::thread::available_parallelism().unwrap().get() as f64;
            println!("audit: {:.1} times checking its {signatures} signatures alone on every core ({alone:.1} s)", seconds / alone);
        }
        println!("audit{}: {said}\n      {seconds:.1} s, {:.0} facts/s: a million in {:.0} s", if since.is_empty() { "" } else { " on top of it" }, entries / seconds, 1e6 * seconds / entries);
    }
}
