//! Witnesses, monitors and restored databases: what is published cannot be taken back unnoticed. Real servers on both databases,
//! the real binary, and an independent check of cosignatures.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[macro_use]
mod support;

use jilu::merkle::note::NoteKey;
use jilu::merkle::witness::{AddCheckpoint, origin_hash};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use support::{Body, Database, Reply, TestRegistry};

const PUBLIC_URL: &str = "http://localhost:8080";

/// A registry that watches the log of another one.
fn witness_of(registry: &TestRegistry, database: Database) -> TestRegistry {
    TestRegistry::start(database, &[("witnessed_logs", &vkey(registry, "log")), ("public_url", "http://witness.example")])
}

fn vkey(registry: &TestRegistry, part: &str) -> String {
    registry.get(&format!("/{part}/vkey")).text().trim().to_owned()
}

/// The same registry again, with witnesses.
fn again_with(registry: TestRegistry, settings: &[(&str, &str)]) -> TestRegistry {
    let (directory, url, registrar) = registry.stop();
    let mut registry = TestRegistry::start_at(directory, url, settings);
    registry.use_registrar(registrar);
    registry
}

/// Tries until it holds, for a minute at most.
fn eventually<T>(what: &str, attempt: impl Fn() -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(60) {
        if let Some(found) = attempt() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("not within a minute: {what}")
}

fn checkpoint_size(note: &str) -> u64 {
    note.lines().nth(1).unwrap().parse().unwrap()
}

fn post_to_witness(witness: &TestRegistry, request: &str) -> Reply {
    witness.send("POST", "/witness/add-checkpoint", &[("content-type", "text/plain")], request.as_bytes())
}

/// What a witness that knows `old` entries needs for the newest checkpoint.
fn request_for(registry: &TestRegistry, old: u64) -> AddCheckpoint {
    let checkpoint = registry.get("/log/checkpoint").text();
    let hashes = match old {
        0 => Vec::new(),
        _ => registry.get(&format!("/v1/log/proofs?from={old}&to={}", checkpoint_size(&checkpoint))).expect(200)["hashes"].as_array().unwrap().iter().map(|hash| decoded(hash.as_str().unwrap())).collect(),
    };
    AddCheckpoint { old, hashes, checkpoint }
}

fn decoded(text: &str) -> [u8; 32] {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap().try_into().unwrap()
}

fn jilu(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jilu")).env_clear().env("JILU_MASTER_KEY", hex::encode(support::MASTER_KEY)).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Writes to the log: a worker more.
fn grow(registry: &TestRegistry, body: &Body, index: u32) {
    registry.worker(&body.client, index);
}

on_both_databases!(a_witness_answers_as_its_specification_says, |registry| {
    let body = registry.body();
    let witness = witness_of(registry, Database::Sqlite);
    let first = request_for(registry, 0);
    let size = checkpoint_size(&first.checkpoint);
    // Nobody but the log of this origin, by its key.
    let forged = AddCheckpoint { checkpoint: first.checkpoint.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1), ..first.clone() };
    assert_eq!(post_to_witness(&witness, &forged.text()).status, 403);
    let foreign = first.text().replace("localhost:8080/log", "other.example/log");
    assert_eq!(post_to_witness(&witness, &foreign).status, 404);
    for malformed in ["", "old\n\n", "nonsense", &first.text().replacen("old 0", "old 00", 1), &format!("old {}\n\n{}", size + 1, first.checkpoint)] {
        assert_eq!(post_to_witness(&witness, malformed).status, 400, "{malformed}");
    }
    assert_eq!(witness.get(&format!("/witness/{}/checkpoint", origin_hash("localhost:8080/log"))).status, 404);

    let cosigned = post_to_witness(&witness, &first.text());
    assert_eq!(cosigned.status, 200, "{}", cosigned.text());
    assert!(cosigned.text().starts_with("— witness.example/witness ") && cosigned.text().ends_with('\n'));
    // What strangers write under the log's note is not kept.
    let junk: String = (0..150).map(|n| format!("— stranger{n}.example AAAAAAAA\n")).collect();
    let padded = AddCheckpoint { old: size, checkpoint: format!("{}{junk}", first.checkpoint), ..first.clone() };
    assert_eq!(post_to_witness(&witness, &padded.text()).status, 200);
    assert!(!witness.get(&format!("/witness/{}/checkpoint", origin_hash("localhost:8080/log"))).text().contains("stranger"));
    assert_eq!(post_to_witness(&witness, &format!("{}{}", first.text(), "x".repeat(1 << 16))).status, 400);
    // The same again, now that it knows it.
    assert_eq!(post_to_witness(&witness, &AddCheckpoint { old: size, ..first.clone() }.text()).status, 200);

    grow(registry, &body, 1);
    let stale = post_to_witness(&witness, &request_for(registry, 0).text());
    assert_eq!((stale.status, stale.header("content-type"), stale.text()), (409, Some("text/x.tlog.size"), format!("{size}\n")));
    let mut broken = request_for(registry, size);
    broken.hashes[0][3] ^= 1;
    assert_eq!(post_to_witness(&witness, &broken.text()).status, 422);
    assert_eq!(post_to_witness(&witness, &request_for(registry, size).text()).status, 200);
    let kept = witness.get(&format!("/witness/{}/checkpoint", origin_hash("localhost:8080/log"))).text();
    assert_eq!(checkpoint_size(&kept), checkpoint_size(&registry.get("/log/checkpoint").text()));
    assert!(kept.contains("— localhost:8080/log ") && kept.contains("— witness.example/witness "));
});

/// The race that tlog-witness prints: A with N and B with N + K are both compared with the same old size; here on two nodes.
fn two_requests_at_once_never_roll_back(first: &TestRegistry, second: &TestRegistry, registry: &TestRegistry) {
    let body = registry.body();
    let monitoring = format!("/witness/{}/checkpoint", origin_hash("localhost:8080/log"));
    let mut known = 0;
    for round in 0..100 {
        let smaller = request_for(registry, known);
        grow(registry, &body, 2 * round);
        let larger = request_for(registry, known);
        let (one, two) = std::thread::scope(|scope| {
            let other = scope.spawn(|| post_to_witness(second, &larger.text()));
            (post_to_witness(first, &smaller.text()), other.join().unwrap())
        });
        // One was first. The other was compared with it, not with what stood before.
        let accepted: Vec<u64> = [(&one, &smaller), (&two, &larger)].iter().filter(|(reply, _)| reply.status == 200).map(|(_, request)| checkpoint_size(&request.checkpoint)).collect();
        assert_eq!(accepted.len(), 1, "{} {}", one.text(), two.text());
        known = checkpoint_size(&second.get(&monitoring).text());
        assert_eq!(known, accepted[0]);
        grow(registry, &body, 2 * round + 1);
    }
}

#[test]
fn two_requests_at_once_never_roll_a_witness_back() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let witness = witness_of(&registry, Database::Sqlite);
    two_requests_at_once_never_roll_back(&witness, &witness, &registry);
}

#[test]
fn two_requests_to_two_nodes_never_roll_a_witness_back() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let first = witness_of(&registry, Database::Postgres);
    let settings = [("witnessed_logs", vkey(&registry, "log")), ("public_url", "http://witness.example".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let second = TestRegistry::start_at(tempfile::tempdir().unwrap(), first.database_url.clone(), &settings);
    two_requests_at_once_never_roll_back(&first, &second, &registry);
}

fn outcome_of(answer: &Value, check: &str) -> Option<String> {
    let found = answer["checks"].as_array().unwrap().iter().find(|one| one["check"] == check)?;
    Some(found["outcome"].as_str().unwrap().to_owned())
}

fn a_quorum_makes_certificates_witnessed(database: Database) {
    let registry = TestRegistry::start(database, &[]);
    let (one, two) = (witness_of(&registry, Database::Sqlite), TestRegistry::start(Database::Sqlite, &[("witnessed_logs", &vkey(&registry, "log")), ("public_url", "http://second.example")]));
    let (key_one, key_two) = (vkey(&one, "witness"), vkey(&two, "witness"));
    // The second one is not there yet.
    let (directory, url, _) = two.stop();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let witnesses = format!("{key_one} {}/witness, {key_two} http://127.0.0.1:{port}/witness", one.base_url);
    let registry = again_with(registry, &[("witnesses", &witnesses), ("witness_quorum", "2"), ("witness_seconds", "1")]);
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let number = certificate["certificate_number"].as_str().unwrap().to_owned();
    let verify = || registry.post("/v1/verifications", &json!({ "certificate_number": number, "name": worker.name })).expect(200);
    // One of two is no quorum: the certificate is valid, and its witnesses are pending.
    eventually("the first cosignature", || registry.get("/log/checkpoint").text().contains("— witness.example/witness ").then_some(()));
    let answer = verify();
    assert_eq!((answer["outcome"].as_str(), outcome_of(&answer, "witnesses").as_deref()), (Some("valid"), Some("pending")), "{answer}");
    assert_eq!(registry.get("/log/cosigned").status, 404);

    let settings = [("witnessed_logs", vkey(&registry, "log")), ("public_url", "http://second.example".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let _two = TestRegistry::start_on(directory, url, &settings, port);
    // While others write: the witnesses are shown one and the same tree, however fast the log grows.
    let is_over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for index in 100.. {
                if is_over.load(std::sync::atomic::Ordering::SeqCst) {
                    return;
                }
                grow(&registry, &body, index);
            }
        });
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| eventually("a quorum", || (outcome_of(&verify(), "witnesses").as_deref() == Some("passed")).then_some(()))));
        is_over.store(true, std::sync::atomic::Ordering::SeqCst);
        found.unwrap();
    });
    assert_eq!(verify()["outcome"], "valid");
    // A new node knows the quorum from the database.
    let again = TestRegistry::start_at(tempfile::tempdir().unwrap(), registry.database_url.clone(), &[("witnesses", &witnesses), ("witness_quorum", "2"), ("witness_seconds", "3600")]);
    assert!(again.get("/log/cosigned").text().contains("— second.example/witness "));
    drop(again);

    // What the holder carries says so to a verifier without a network.
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(files.path().join(name), bytes).unwrap();
        files.path().join(name).to_str().unwrap().to_owned()
    };
    let path = format!("/v1/certificates/{number}");
    let credential = file("credential.jwt", &registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).bytes);
    let proof = file("proof", &registry.get_as(&body.client, &format!("{path}/proof"), &[("accept", "text/plain")]).bytes);
    let (keys, log_key, list) = (file("keys.json", &registry.get("/.well-known/jwks.json").bytes), file("vkey", &registry.get("/log/vkey").bytes), file("list.jwt", &registry.get("/status/revocation/1").bytes));
    let offline = |witnesses: &[&str]| {
        let mut arguments = vec!["verify", &credential, "--keys", &keys, "--proof", &proof, "--log-key", &log_key, "--status", &list];
        arguments.extend(witnesses.iter().flat_map(|key| ["--witness", key]));
        jilu(&arguments)
    };
    let lines = said(&offline(&[&key_one, &key_two]));
    assert!(lines.contains("witnesses  passed  2 of 2 witnesses have cosigned"), "{lines}");
    let stranger = vkey(&witness_of(&registry, Database::Sqlite), "witness");
    let lines = said(&offline(&[&key_one, &stranger]));
    assert!(lines.contains("witnesses  failed  1 of 2 witnesses have cosigned"), "{lines}");
    monitor_checks_the_quorum(&registry, &[&key_one, &key_two], "2 of 2 witnesses", 0);
    monitor_checks_the_quorum(&registry, &[&key_one, &stranger], "1 witnesses have cosigned the checkpoint, 2 expected", 1);
    // Another implementation agrees.
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/verify_cosignatures.py");
    let checked = Command::new("python3").arg(script).args([&registry.get("/log/cosigned").text(), &vkey(&registry, "log"), &key_one, &key_two]).output().unwrap();
    assert!(checked.status.success(), "{}", said(&checked));
}

#[test]
fn a_quorum_makes_certificates_witnessed_on_sqlite() {
    a_quorum_makes_certificates_witnessed(Database::Sqlite);
}

#[test]
fn a_quorum_makes_certificates_witnessed_on_postgresql() {
    a_quorum_makes_certificates_witnessed(Database::Postgres);
}

#[test]
fn two_registries_witness_each_other() {
    let (first, second) = (TestRegistry::start(Database::Sqlite, &[]), TestRegistry::start(Database::Postgres, &[("public_url", "http://second.example")]));
    let ports: Vec<u16> = (0..2).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()).collect();
    let of = |registry: &TestRegistry, port: u16| (vkey(registry, "log"), format!("{} http://127.0.0.1:{port}/witness", vkey(registry, "witness")));
    let ((log_one, witness_one), (log_two, witness_two)) = (of(&first, ports[0]), of(&second, ports[1]));
    let restart = |registry: TestRegistry, port: u16, settings: &[(&str, &str)]| {
        let (directory, url, _) = registry.stop();
        TestRegistry::start_on(directory, url, settings, port)
    };
    let common = [("witness_quorum", "1"), ("witness_seconds", "1")];
    let first = restart(first, ports[0], &[&common[..], &[("witnesses", &witness_two), ("witnessed_logs", &log_two)]].concat());
    let second = restart(second, ports[1], &[&common[..], &[("witnesses", &witness_one), ("witnessed_logs", &log_one), ("public_url", "http://second.example")]].concat());
    for (registry, by) in [(&first, "— second.example/witness "), (&second, "— localhost:8080/witness ")] {
        eventually(by, || registry.get("/log/cosigned").text().contains(by).then_some(()));
    }
}

/// The real server on a copy of a database; how it ended.
fn serve(data: &Path, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    run_on("serve", data, environment)
}

/// Long enough for the witnesses to be asked once.
fn run_on(command: &str, data: &Path, environment: &[(&str, &str)]) -> (Option<i32>, String) {
    run_for(command, data, environment, Duration::from_secs(3))
}

fn run_for(command: &str, data: &Path, environment: &[(&str, &str)], serving: Duration) -> (Option<i32>, String) {
    let listen = format!("127.0.0.1:{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port());
    let mut child = Command::new(env!("CARGO_BIN_EXE_jilu"))
        .env_clear()
        .env("JILU_MASTER_KEY", hex::encode(support::MASTER_KEY))
        .env("JILU_PUBLIC_URL", PUBLIC_URL)
        .envs(environment.iter().copied())
        .args([command, "--listen", &listen, "--data", data.to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().unwrap() {
            let mut text = String::new();
            std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut text).unwrap();
            return (status.code(), text);
        }
        if std::net::TcpStream::connect(&listen).is_ok() {
            let since = Instant::now();
            while since.elapsed() < serving && child.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(50));
            }
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                child.wait().unwrap();
                return (None, "it serves".to_owned());
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("the server neither serves nor ends")
}

/// A copy of a SQLite database as a backup has it.
fn back_up(registry: &TestRegistry) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["jilu.db", "jilu.db-wal"] {
        let _ = std::fs::copy(registry.directory.path().join(name), copy.path().join(name));
    }
    copy
}

#[test]
fn a_restored_older_database_signs_nothing() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let witness = witness_of(&registry, Database::Sqlite);
    let witnesses = format!("{} {}/witness", vkey(&witness, "witness"), witness.base_url);
    let registry = again_with(registry, &[("witnesses", &witnesses), ("witness_seconds", "1")]);
    let body = registry.body();
    for lost in [1, 3, 300] {
        let copy = back_up(&registry);
        (0..lost).for_each(|index| grow(&registry, &body, 1000 * lost + index));
        let size = checkpoint_size(&registry.get("/log/checkpoint").text());
        let monitoring = format!("/witness/{}/checkpoint", origin_hash("localhost:8080/log"));
        eventually("the witness to know all", || (checkpoint_size(&witness.get(&monitoring).text()) == size).then_some(()));
        let published = registry.directory.path().join("checkpoint");
        eventually("the file to know all", || (checkpoint_size(&std::fs::read_to_string(&published).ok()?) == size).then_some(()));

        // The backup as it is: nothing beside it says that it is old, and nobody was asked.
        assert_eq!(serve(copy.path(), &[]), (None, "it serves".to_owned()));
        let copy = back_up_of(copy.path());
        // The witness says so.
        let (code, why) = serve(copy.path(), &[("JILU_WITNESSES", &witnesses)]);
        assert!(code == Some(3) && why.contains("it is an older copy") && why.contains(&format!("{size} entries")), "{code:?} {why}");
        // Or the file that stayed beside the database.
        std::fs::copy(&published, copy.path().join("checkpoint")).unwrap();
        for command in ["serve", "init"] {
            let (code, why) = run_on(command, copy.path(), &[]);
            assert!(code == Some(3) && why.contains("it is an older copy"), "{command} {code:?} {why}");
        }
    }
    // A file of another log, and a tree that went another way.
    let copy = back_up(&registry);
    let url = format!("sqlite:{}", copy.path().join("jilu.db").display());
    let other_way = TestRegistry::start_at(copy, url, &[]);
    (0..5).for_each(|index| grow(&other_way, &body, 350_000 + index));
    (0..9).for_each(|index| grow(&registry, &body, 355_000 + index));
    let note = other_way.get("/log/checkpoint").text();
    let (directory, ..) = registry.stop();
    std::fs::write(directory.path().join("checkpoint"), note).unwrap();
    let (code, why) = serve(directory.path(), &[]);
    assert!(code == Some(3) && why.contains("the two are different logs"), "{code:?} {why}");
    std::fs::write(directory.path().join("checkpoint"), witness.get("/log/checkpoint").text()).unwrap();
    let (code, why) = serve(directory.path(), &[]);
    assert!(code == Some(3) && why.contains("is not a checkpoint of this log"), "{code:?} {why}");
    std::fs::remove_file(directory.path().join("checkpoint")).unwrap();
    // The newest database goes on.
    assert_eq!(serve(directory.path(), &[("JILU_WITNESSES", &witnesses)]), (None, "it serves".to_owned()));
}

fn back_up_of(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["jilu.db", "jilu.db-wal"] {
        let _ = std::fs::copy(directory.join(name), copy.path().join(name));
    }
    copy
}

#[test]
fn a_running_server_stops_when_a_witness_shows_what_it_does_not_have() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let witness = witness_of(&registry, Database::Sqlite);
    let body = registry.body();
    let copy = back_up(&registry);
    (0..3).for_each(|index| grow(&registry, &body, index));
    post_to_witness(&witness, &request_for(&registry, 0).text());
    // The witness is away when the older copy is started, and comes back.
    let key = vkey(&witness, "witness");
    let settings = [("witnessed_logs", vkey(&registry, "log")), ("public_url", "http://witness.example".to_owned())];
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (directory, url, _) = witness.stop();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let back = std::thread::scope(|scope| {
        let back = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1500));
            TestRegistry::start_on(directory, url, &settings, port)
        });
        let witnesses = format!("{key} http://127.0.0.1:{port}/witness");
        let (code, why) = run_for("serve", copy.path(), &[("JILU_WITNESSES", &witnesses), ("JILU_WITNESS_SECONDS", "1")], Duration::from_secs(15));
        assert!(code == Some(3) && why.contains("it is an older copy"), "{code:?} {why}");
        back.join().unwrap()
    });
    drop(back);
}

#[test]
fn a_monitor_lists_what_was_issued_in_a_name_and_notices_a_log_that_shrinks_or_forks() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let key = vkey(&registry, "log");
    let files = tempfile::tempdir().unwrap();
    let state = files.path().join("seen.json");
    let follow = |at: &TestRegistry, more: &[&str]| {
        let url = format!("{}/log", at.base_url);
        jilu(&[&["monitor", &url, "--log-key", &key, "--once", "--state", state.to_str().unwrap()], more].concat())
    };
    let first = follow(&registry, &["--organisation", &body.organisation]);
    assert!(first.status.success(), "{}", said(&first));
    let (worker, certificate) = registry.certificate(&body, 1);
    let second = follow(&registry, &["--organisation", &body.organisation, "--json"]);
    let entries: Vec<Value> = String::from_utf8_lossy(&second.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["certificate_issued", "credential_signed"], "{}", said(&second));
    assert!(!said(&second).contains(&worker.name));

    // What the body did not issue itself stands out.
    let session = registry.published_session(&body, &[registry.worker(&body.client, 2)], &[("80", "80")], json!({}));
    registry.set_clock("2026-03-20T01:00:00Z");
    let copy = back_up(&registry);
    let mine = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": registry.worker(&body.client, 2).id, "session_id": session }));
    mine.expect(201);
    registry.post_as(&body.client, &format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap()), &json!({ "change": "suspend", "reason": "x" })).expect(200);
    let known = files.path().join("known");
    let index: u64 = mine.header("jilu-log-index").unwrap().parse().unwrap();
    std::fs::write(&known, format!("{index} mine\n{} mine\n", index + 1)).unwrap();
    let third = follow(&registry, &["--organisation", &body.organisation, "--known", known.to_str().unwrap()]);
    let lines: Vec<String> = String::from_utf8_lossy(&third.stdout).lines().filter(|line| line.ends_with("NOT KNOWN")).map(str::to_owned).collect();
    assert!(third.status.code() == Some(1) && lines.len() == 1 && lines[0].contains("status_changed"), "{}", said(&third));

    // It is told again until somebody has looked at it without the list.
    assert!(follow(&registry, &["--organisation", &body.organisation, "--known", known.to_str().unwrap()]).status.code() == Some(1));
    assert!(follow(&registry, &[]).status.success());
    // An older copy of the database behind the same key.
    let url = format!("sqlite:{}", copy.path().join("jilu.db").display());
    let older = TestRegistry::start_at(copy, url, &[]);
    let shrunk = follow(&older, &[]);
    assert!(shrunk.status.code() == Some(1) && said(&shrunk).contains("THE LOG HAS SHRUNK"), "{}", said(&shrunk));
    // It goes on by itself: another history of the same log.
    (10..20).for_each(|index| grow(&older, &body, index));
    let forked = follow(&older, &[]);
    assert!(forked.status.code() == Some(1) && said(&forked).contains("THE LOG HAS FORKED"), "{}", said(&forked));
    // Nothing of this was believed.
    assert!(follow(&registry, &[]).status.success());
}

/// With witnesses a monitor follows what they have cosigned, and their number is checked.
fn monitor_checks_the_quorum(registry: &TestRegistry, witnesses: &[&str], expected: &str, code: i32) {
    let (url, key) = (format!("{}/log", registry.base_url), vkey(registry, "log"));
    let mut arguments = vec!["monitor", &url, "--log-key", &key, "--once"];
    arguments.extend(witnesses.iter().flat_map(|key| ["--witness", key]));
    let output = jilu(&arguments);
    assert!(output.status.code() == Some(code) && said(&output).contains(expected), "{}", said(&output));
}

#[test]
fn the_witness_command_cosigns_and_does_nothing_else() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let directory = tempfile::tempdir().unwrap();
    let nobody = jilu(&["witness", "--data", directory.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(nobody.status.code() == Some(1) && said(&nobody).contains("witnessed_logs names no log"), "{}", said(&nobody));
    let mut child = Command::new(env!("CARGO_BIN_EXE_jilu"))
        .env_clear()
        .env("JILU_WITNESSED_LOGS", vkey(&registry, "log"))
        .args(["witness", "--listen", "127.0.0.1:0", "--data", directory.path().to_str().unwrap()])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.stdout.take().unwrap();
    let _child = Running(child);
    let lines: Vec<String> = std::io::BufRead::lines(std::io::BufReader::new(output)).take(3).map(Result::unwrap).collect();
    let word = |line: &str| lines.iter().find_map(|found| found.strip_prefix(line)).unwrap().trim().to_owned();
    let (key, address) = (word("witness"), word("address"));
    assert!(key.parse::<NoteKey>().is_ok(), "{key}");
    let registry = again_with(registry, &[("witnesses", &format!("{key} {address}")), ("witness_quorum", "1"), ("witness_seconds", "1")]);
    let note = eventually("the cosignature", || Some(registry.get("/log/cosigned")).filter(|reply| reply.status == 200)).text();
    assert!(note.contains(key.split('+').next().unwrap()), "{note}");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let status = |path: &str| agent.get(format!("{}{path}", address.strip_suffix("/witness").unwrap())).call().unwrap().status().as_u16();
    assert_eq!((status("/witness/vkey"), status("/v1/organisations"), status("/docs/")), (200, 404, 404));
}

/// A process that does not outlive this value.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
