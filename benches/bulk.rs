//! Bulk work against its limits, measured in one run: `cargo bench --bench bulk`.
//!
//! Batches of certificates over HTTP on SQLite, one behind the other, so that the cost of a certificate is seen while the registry
//! grows; each is compared with signing the same bytes on every core and inserting them durably, with nothing around. Then the
//! audit of everything that was made. `BENCH_CERTIFICATES` sizes it (default 100000).

#![allow(clippy::unwrap_used)]

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

const BATCH: usize = 10_000;
const WORKERS: u32 = 1_000;
const STEP: usize = 500;

/// Seconds for signing `count` documents of `size` bytes on every core, and for inserting them durably, `STEP` at a time.
fn sign_and_insert(count: usize, size: usize) -> (f64, f64) {
    let directory = tempfile::tempdir().unwrap();
    let mut conn = Conn::open(&format!("sqlite:{}", directory.path().join("raw.db").display()).parse().unwrap()).unwrap();
    conn.execute_script("CREATE TABLE raw (number TEXT PRIMARY KEY, document BLOB NOT NULL)").unwrap();
    let Conn::Sqlite(sqlite) = &mut conn else { unreachable!() };
    let (key, document) = (IssuingKey::from_secret("did:web:bench.example", &[1; 32]), vec![b'x'; size]);
    let (mut signing, mut inserting) = (Duration::ZERO, Duration::ZERO);
    for step in 0..count / STEP {
        let started = Instant::now();
        let signed: Vec<Vec<u8>> = (0..STEP).into_par_iter().map(|_| [document.as_slice(), &key.sign(&document)].concat()).collect();
        signing += started.elapsed();
        let started = Instant::now();
        sqlite
            .immediate_transaction(|sqlite| {
                for (row, document) in signed.into_iter().enumerate() {
                    diesel::sql_query("INSERT INTO raw VALUES (?, ?)")
                        .bind::<diesel::sql_types::Text, _>(format!("S{:021}", step * STEP + row))
                        .bind::<diesel::sql_types::Binary, _>(document)
                        .execute(sqlite)?;
                }
                diesel::QueryResult::Ok(())
            })
            .unwrap();
        inserting += started.elapsed();
    }
    (signing.as_secs_f64(), inserting.as_secs_f64())
}

/// Sends a file of rows and waits for its end; seconds from the first byte to the last row.
fn issue_batch(registry: &TestRegistry, body: &Body, workers: &[String], number: usize) -> f64 {
    let row = |index: usize| json!({ "worker_id": workers[index % workers.len()], "project": format!("课程 {number}-{}", index / workers.len()) }).to_string();
    let file = (0..BATCH).map(row).collect::<Vec<_>>().join("\n");
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let started = Instant::now();
    let reply = registry.send("POST", "/v1/certificate_batches", &[("authorization", &bearer), ("content-type", "application/x-ndjson")], file.as_bytes());
    let path = reply.header("location").unwrap_or_else(|| panic!("{}", reply.text())).to_owned();
    loop {
        let job: Value = registry.get_as(&body.client, &path, &[]).expect(200);
        if job["state"] == "finished" {
            assert_eq!((&job["done"], &job["failed"]), (&json!(BATCH), &json!(0)));
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
    let certificates: usize = std::env::var("BENCH_CERTIFICATES").map_or(100_000, |text| text.parse().unwrap());
    let registry = TestRegistry::start(Database::Sqlite, &[("token_seconds", "43200"), ("workers", "1")]);
    registry.let_time_pass();
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["training_completion"], "number_prefix": null, "occupations": [] }));
    let workers: Vec<String> = (0..WORKERS).map(|index| registry.worker(&body.client, index).id).collect();
    println!("batches of {BATCH} certificates over HTTP; SQLite, WAL, synchronous=FULL\n");
    let (mut first, mut total) = (0.0, 0.0);
    for number in 0..certificates / BATCH {
        let seconds = issue_batch(&registry, &body, &workers, number);
        if number == 0 {
            first = seconds;
            let document = registry.get_as(&body.client, "/v1/certificates?limit=1", &[]).expect(200)["items"][0]["certificate_id"].as_str().unwrap().to_owned();
            let size = registry.get_as(&body.client, &format!("/v1/certificates/{document}"), &[("accept", "application/vc+jwt")]).bytes.len();
            let (signing, inserting) = sign_and_insert(BATCH, size);
            println!("documents of {size} bytes; signing them alone {signing:.2} s, inserting them alone {inserting:.2} s; the batch {:.2} times both\n", seconds / (signing + inserting));
        }
        total += seconds;
        let size = (number + 1) * BATCH;
        if [1, 2, 5, 10, 20, 50, 100].contains(&(number + 1)) {
            println!("{size:>9} certificates   {:>7.0}/s   {:>5.2} of the first batch's time   {:>5.0} MiB of own memory", BATCH as f64 / seconds, seconds / first, own_memory());
        }
    }
    println!("\n{certificates} certificates in {total:.1} s: {:.0}/s", certificates as f64 / total);
    audit(&registry);
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
        println!("audit{}: {said}\n      {seconds:.1} s, {:.0} facts/s: a million in {:.0} s", if since.is_empty() { "" } else { " on top of it" }, entries / seconds, 1e6 * seconds / entries);
    }
}
