//! Every statement that a write rests on fails, before it ran and after it, once and for ever, with the errors of a broken, a full
//! and an interrupted disk. Nothing that was acknowledged is lost, nothing is done twice, and what the client sends again succeeds.
//!
//! The sites come from the source: every call of `on!`, `site!` and `bulk_insert!` in `src/store`. A function that writes and is
//! reached by none of the jobs below fails the test.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod jobs;
#[path = "../support/mod.rs"]
mod support;

use jilu::store::backend::Conn;
use jobs::{JOBS, World, world};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use support::{Database, TestRegistry};

/// Functions whose names begin so write.
const WRITING: &[&str] = &["insert", "replace", "update", "reserve", "hold", "move", "append", "complete", "advance", "claim", "finish", "delete", "commit", "lock"];
/// Writes that acknowledge nothing: what is forgotten after days, and cosignatures, which are asked for again at the next round.
/// `replace_witnessed` is reached by the jobs of another log only; `tests/witness.rs` shows that it is one step. `insert_revocation` is
/// reached by the command line, whose exit code acknowledges it.
const HOUSEKEEPING: &[&str] = &["delete_before", "delete_abandoned", "delete_chunks", "insert_cosignature", "replace_witnessed", "insert_revocation"];
/// Reached once in a hundred thousand certificates: a new status list.
const SELDOM: &[&str] = &["insert_list", "find_list"];
/// SQLite's writer is alone and needs no row locks.
const ON_POSTGRES_ONLY: &[&str] = &["lock_workers"];
const KINDS: &[&str] = &["EIO", "ENOSPC", "EINTR"];

/// A place in the source that can fail, with the function that it stands in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Site {
    place: String,
    function: String,
}

fn sites() -> Vec<Site> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("src/store").unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let mut function = String::new();
        for (number, line) in text.lines().enumerate() {
            if line.starts_with("#[cfg(test)]") {
                break;
            }
            if let Some(name) = line.split("fn ").nth(1).filter(|_| line.contains("fn ") && line.contains('(')) {
                function = name.split(['(', '<']).next().unwrap().to_owned();
            }
            if line.starts_with("bulk_insert!(") {
                let next = text.lines().nth(number + 1).unwrap();
                function = next.trim().split(',').next().unwrap().to_owned();
            }
            let is_site = (line.contains("on!(") || line.contains("site!(") || line.starts_with("bulk_insert!(")) && !line.contains("macro") && !line.trim_start().starts_with("//");
            let is_definition = ["backend.rs", "faults.rs", "bulk.rs"].iter().any(|file| path.ends_with(file)) && (line.contains("$body") || line.contains("$table") || line.contains("$statement") || line.contains("$run"));
            if is_site && !is_definition {
                found.push(Site { place: format!("{}:{}", path.display(), number + 1), function: function.clone() });
            }
        }
    }
    found.sort();
    found.dedup_by(|one, other| one.place == other.place);
    found
}

/// Which sites each job reaches, and which of them on the writer's thread.
fn record(world: &World<'_>, sites: &[Site], n: &mut u32) -> BTreeMap<String, (usize, bool)> {
    let hit: Arc<Mutex<BTreeMap<String, bool>>> = Arc::default();
    for Site { place, .. } in sites {
        let (hit, place) = (Arc::clone(&hit), place.clone());
        let name = format!("before {place}");
        fail::cfg_callback(name, move || {
            let is_writer = std::thread::current().name() == Some("writer");
            *hit.lock().unwrap().entry(place.clone()).or_default() |= is_writer;
        })
        .unwrap();
    }
    let mut reached: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    let mut lasted = Vec::new();
    for (index, (name, job)) in JOBS.iter().enumerate() {
        // What a job reaches by chance (a block of numbers is taken once in many certificates), it does not reach when it is wanted.
        let started = Instant::now();
        let mut always: Option<BTreeMap<String, bool>> = None;
        for _ in 0..2 {
            hit.lock().unwrap().clear();
            *n += 1;
            job(world, *n, true).unwrap_or_else(|reply| panic!("{name}: {}", reply.text()));
            let found = hit.lock().unwrap().clone();
            let is_seldom = |place: &String| sites.iter().any(|site| site.place == *place && SELDOM.contains(&site.function.as_str()));
            always = Some(match always {
                None => found,
                Some(mut first) => {
                    first.retain(|place, is_writer| is_seldom(place) || found.get(place).is_some_and(|again| *again == *is_writer));
                    first
                }
            });
        }
        lasted.push(started.elapsed());
        for (place, is_writer) in always.unwrap_or_default() {
            let known = reached.entry(place).or_insert((index, false));
            // The shortest job that reaches a site stands for all of them; on another thread than the writer's it does not count.
            if is_writer && (!known.1 || lasted[index] < lasted[known.0]) {
                *known = (index, true);
            }
        }
    }
    sites.iter().for_each(|site| fail::remove(format!("before {}", site.place)));
    reached
}

/// Fail points belong to the process.
static ALONE: Mutex<()> = Mutex::new(());

fn every_site_fails(database: Database, kinds: &[&str]) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut registry = TestRegistry::start(database, &[("notice_working_days", "0"), ("token_seconds", "43200"), ("wrong_secrets_max", "0")]);
    registry.keep_no_connections();
    let world = world(&registry);
    let sites = sites();
    assert!(sites.len() > 80, "only {} sites were found in the source", sites.len());
    let mut n = 0;
    let reached = record(&world, &sites, &mut n);
    let writes = |site: &&Site| WRITING.iter().any(|word| site.function.starts_with(word)) && !HOUSEKEEPING.contains(&site.function.as_str());
    let is_elsewhere = |site: &&Site| database == Database::Sqlite && ON_POSTGRES_ONLY.contains(&site.function.as_str());
    let untested: Vec<&Site> = sites.iter().filter(writes).filter(|site| !is_elsewhere(site)).filter(|site| !reached.contains_key(&site.place)).collect();
    assert!(untested.is_empty(), "no job reaches these: {untested:#?}");
    let is_seldom = |place: &String| sites.iter().any(|site| site.place == *place && SELDOM.contains(&site.function.as_str()));
    let mut failed = 0;
    for (place, (job, _)) in reached.iter().filter(|(_, (_, is_writer))| *is_writer) {
        // What is left of a batch waits for the end of a lease, so one kind has to do.
        let kinds = if JOBS[*job].0 == "batch" { &kinds[..1] } else { kinds };
        for (moment, kind, duration) in kinds.iter().flat_map(|kind| ["1*", ""].into_iter().flat_map(move |duration| ["before", "after"].map(|moment| (moment, *kind, duration)))) {
            n += 1;
            let (name, run) = JOBS[*job];
            let point = format!("{moment} {place}");
            // Shown when what follows fails.
            println!("{name} {n}: {duration}{kind} {point}");
            fail::cfg(&point, &format!("{duration}return({kind})")).unwrap();
            let first = run(&world, n, false);
            fail::remove(&point);
            match &first {
                Err(reply) => {
                    failed += 1;
                    assert!([500, 503].contains(&reply.status), "{point} {kind}: {name} was answered {} {}", reply.status, reply.text());
                }
                // A fault that comes once is met by the writer's second try; one that stays is not. Steps of a batch fail unseen.
                Ok(()) => assert!(!duration.is_empty() || name == "batch" || is_seldom(place), "{point} {kind}: {name} was acknowledged all the same"),
            }
            run(&world, n, true).unwrap_or_else(|reply| panic!("{point} {duration}{kind}: {name} sent again: {} {}", reply.status, reply.text()));
        }
    }
    println!("{failed} jobs failed and were sent again, {} sites", reached.values().filter(|(_, is_writer)| *is_writer).count());

    let acknowledged = world.acknowledged.lock().unwrap();
    let numbers: BTreeSet<&String> = acknowledged.values().map(|(number, _)| number).collect();
    assert_eq!(numbers.len(), acknowledged.len(), "a number is bound to two facts");
    for ((job, n), (number, name)) in acknowledged.iter() {
        let name = if job == "change" { format!("{name}明") } else { name.clone() };
        let answer = registry.post("/v1/verifications?receipt=none", &json!({ "certificate_number": number, "name": name })).expect(200);
        let expected = if job == "batch" { "suspended" } else { "valid" };
        assert_eq!(answer["outcome"], expected, "{job} {n}: {answer}");
    }
    drop(acknowledged);
    drop(world);
    let (directory, url, _) = registry.stop();
    let audit = Command::new(env!("CARGO_BIN_EXE_jilu"))
        .env_clear()
        .env("JILU_MASTER_KEY", hex::encode(support::MASTER_KEY))
        .env("JILU_PUBLIC_URL", "http://localhost:8080")
        .args(["audit", "--data", directory.path().to_str().unwrap(), "--database", &url])
        .output()
        .unwrap();
    assert!(audit.status.success(), "{}{}", String::from_utf8_lossy(&audit.stdout), String::from_utf8_lossy(&audit.stderr));
}

#[test]
fn every_statement_of_a_write_may_fail_on_sqlite() {
    every_site_fails(Database::Sqlite, KINDS);
}

#[test]
fn every_statement_of_a_write_may_fail_on_postgresql() {
    every_site_fails(Database::Postgres, &KINDS[..1]);
}

/// A reader whose transaction could not be ended is not used again: it would show one old state for ever.
fn a_broken_reader_is_left(database: Database) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let registry = TestRegistry::start(database, &[]);
    let site = sites().into_iter().find(|site| site.function == "execute_script").unwrap();
    let point = format!("before {}", site.place);
    registry.with_node(async |node| {
        let count = |conn: &mut Conn| jilu::store::organisations::list_organisations(conn, None, 100).map(|listed| listed.len());
        let known = node.store.read_snapshot(count).await.unwrap();
        // As many as there are readers: each begins, and cannot end. The registry's own tasks read too, and may be those whom it meets.
        let mut broken = 0;
        for _ in 0..200 {
            fail::cfg(&point, "1*off->1*return(EIO)->off").unwrap();
            let read = node.store.read_snapshot(count).await;
            fail::remove(&point);
            broken += usize::from(read.is_err());
            if broken == 20 {
                break;
            }
        }
        assert_eq!(broken, 20);
        registry.organisation("93320115MA0AAAAA3M", "training_provider", "training_provider");
        for _ in 0..20 {
            assert_eq!(node.store.read(count).await.unwrap(), known + 1);
        }
    });
}

#[test]
fn a_broken_reader_is_left_on_sqlite() {
    a_broken_reader_is_left(Database::Sqlite);
}

#[test]
fn a_broken_reader_is_left_on_postgresql() {
    a_broken_reader_is_left(Database::Postgres);
}
