//! The public log: what outsiders can rebuild, prove, and catch.

use crate::on_both_databases;
use crate::support::{Database, TestRegistry, Worker};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jilu::merkle::Hash;
use jilu::merkle::checkpoint::Checkpoint;
use jilu::merkle::leaf::{Entry, commitment};
use jilu::merkle::note::NoteKey;
use jilu::merkle::proof::{is_consistent, is_included};
use jilu::merkle::tlog_proof::TlogProof;
use jilu::merkle::tree::{leaf_hash, root_of};
use jilu::store::backend::Conn;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

fn log_key(registry: &TestRegistry) -> NoteKey {
    registry.get("/log/vkey").text().trim_end().parse().unwrap()
}

fn checkpoint(registry: &TestRegistry) -> Checkpoint {
    let reply = registry.get("/log/checkpoint");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    Checkpoint::open(&reply.text(), &log_key(registry)).unwrap()
}

/// Every entry of the log, read from its bundles.
fn entries(registry: &TestRegistry, size: u64) -> Vec<String> {
    let mut found = Vec::new();
    for tile in 0..size.div_ceil(256) {
        let width = (size - tile * 256).min(256);
        let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
        let reply = registry.get(&format!("/log/tile/entries/{tile:03}{partial}"));
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/octet-stream")));
        assert!(reply.header("cache-control").unwrap().contains("immutable"));
        let mut rest = reply.bytes.as_slice();
        while let Some((length, tail)) = rest.split_first_chunk::<2>() {
            let (entry, tail) = tail.split_at(usize::from(u16::from_be_bytes(*length)));
            found.push(String::from_utf8(entry.to_vec()).unwrap());
            rest = tail;
        }
    }
    assert_eq!(found.len() as u64, size);
    found
}

fn hashes(proof: &Value) -> Vec<Hash> {
    proof["hashes"].as_array().unwrap().iter().map(|text| STANDARD.decode(text.as_str().unwrap()).unwrap().try_into().unwrap()).collect()
}

on_both_databases!(outsiders_rebuild_the_tree_from_tiles_and_check_every_proof, |registry| {
    let body = registry.body();
    let early = checkpoint(registry);
    // More than one full tile.
    let workers: Vec<Worker> = (0..90).map(|index| registry.worker(&body.client, index)).collect();
    registry.session(&body, &workers, json!({}));
    let late = checkpoint(registry);
    assert!(early.size < 256 && late.size > 256, "{} {}", early.size, late.size);
    let entries = entries(registry, late.size);
    let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect();
    assert_eq!((root_of(&leaves), root_of(&leaves[..early.size as usize])), (late.root, early.root));
    // Tiles hold the hashes that follow from the entries.
    let tile = |path: &str| registry.get(&format!("/log/tile/{path}"));
    assert_eq!(tile("0/000").bytes, leaves[..256].concat());
    assert_eq!(tile("0/000.p/7").bytes, leaves[..7].concat());
    assert_eq!(tile("1/000.p/1").bytes, root_of(&leaves[..256]));
    let width = late.size - 256;
    assert_eq!(tile(&format!("0/001.p/{width}")).bytes, leaves[256..].concat());
    for absent in [format!("0/001.p/{}", width + 1), "0/001".into(), "1/000".into(), "1/000.p/2".into(), "2/000.p/1".into(), "0/0".into(), "x".into(), "entries/9".into()] {
        assert_eq!(tile(&absent).status, 404, "{absent}");
    }
    for index in [0, 1, early.size - 1, early.size, 255, 256, late.size - 1] {
        let proof = registry.get(&format!("/v1/log/proofs?index={index}")).expect(200);
        assert_eq!((proof["entry"].as_str().unwrap(), proof["tree_size"].as_u64().unwrap(), proof.get("salt")), (entries[index as usize].as_str(), late.size, None));
        assert!(is_included(&leaves[index as usize], index, late.size, &hashes(&proof), &late.root), "{index}");
    }
    for (from, to) in [(1, late.size), (early.size, late.size), (early.size, 256), (256, late.size), (late.size, late.size)] {
        let proof = registry.get(&format!("/v1/log/proofs?from={from}&to={to}")).expect(200);
        let (old, new) = (root_of(&leaves[..from as usize]), root_of(&leaves[..to as usize]));
        assert!(is_consistent(from, to, &hashes(&proof), &old, &new), "{from} {to}");
    }
    for wrong in ["", "?index=100000", "?from=0&to=5", "?from=9&to=5", "?from=1&to=100000", "?index=1&from=1", "?index=-1", "?from=1"] {
        assert_eq!(registry.get(&format!("/v1/log/proofs{wrong}")).status, 400, "{wrong}");
    }
    // Entries are told apart by kind and organisation, and time never runs backwards.
    let parsed: Vec<Entry> = entries.iter().map(|entry| Entry::parse(entry).unwrap()).collect();
    assert_eq!((parsed[0].kind.as_str(), &parsed[0].organisation), ("key_added", &None));
    assert_eq!(parsed.iter().filter(|entry| entry.kind == "candidate_registered" && entry.organisation.as_deref() == Some(body.organisation.as_str())).count(), 90);
    assert!(parsed.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
    let all = entries.concat();
    assert!(workers.iter().all(|worker| !all.contains(&worker.name) && !all.contains(&worker.number) && !all.contains(&worker.id)));
});

on_both_databases!(whoever_holds_a_certificate_proves_that_it_was_issued, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let number = certificate["certificate_number"].as_str().unwrap();
    let credential = registry.get_as(&body.client, &format!("/v1/certificates/{number}"), &[("accept", "application/vc+jwt")]).text();
    let proof = registry.get(&format!("/v1/certificates/{number}/proof")).expect(200);
    let entry = Entry::parse(proof["entry"].as_str().unwrap()).unwrap();
    assert_eq!((entry.kind.as_str(), entry.organisation.as_deref()), ("credential_signed", Some(body.organisation.as_str())));
    let salt: Hash = STANDARD.decode(proof["salt"].as_str().unwrap()).unwrap().try_into().unwrap();
    assert_eq!(entry.commitment, commitment(&salt, credential.as_bytes()));
    assert_ne!(entry.commitment, commitment(&salt, format!("{credential} ").as_bytes()));
    // As a file, with salt and entry as extra data.
    let file = registry.send("GET", &format!("/v1/certificates/{number}/proof"), &[("accept", "text/plain")], b"");
    let parsed = TlogProof::parse(&file.text()).unwrap();
    assert_eq!((parsed.extra.as_deref(), parsed.index), (Some([salt.as_slice(), entry.text().as_bytes()].concat().as_slice()), proof["leaf_index"].as_u64().unwrap()));
    let under = parsed.verify(entry.text().as_bytes(), &log_key(registry)).unwrap().unwrap();
    assert_eq!(under, checkpoint(registry));
    assert_eq!(registry.get("/v1/certificates/S000032000001263999999/proof").status, 404);
    // The document's own verification looks into the log too.
    let answer = registry.post("/v1/verifications/document", &json!({ "credential": credential })).expect(200);
    assert!(answer["checks"].as_array().unwrap().contains(&json!({ "check": "log", "outcome": "passed", "detail": "the document is in the public log, under a checkpoint that the log signed" })), "{answer}");
});

on_both_databases!(an_answer_tells_where_its_facts_stand_in_the_log, |registry| {
    let body = registry.body();
    let workers = [registry.worker(&body.client, 1), registry.worker(&body.client, 2)];
    let session = registry.published_session(&body, &workers, &[("80", "80"), ("80", "80")], json!({}));
    registry.set_clock("2026-03-20T01:00:00Z");
    let order = json!({ "worker_id": workers[0].id, "session_id": session }).to_string();
    let issue = || registry.send("POST", "/v1/certificates", &[("authorization", &format!("Bearer {}", registry.token(&body.client))), ("content-type", "application/json"), ("idempotency-key", "once")], order.as_bytes());
    let answer = issue();
    let number = answer.expect(201)["certificate_number"].as_str().unwrap().to_owned();
    let header = |name: &str| answer.header(name).unwrap().to_owned();
    let (first, entries): (u64, u64) = (header("jilu-log-index").parse().unwrap(), header("jilu-log-entries").parse().unwrap());
    assert_eq!(entries, 2, "the certificate and its document");
    let checkpoint = Checkpoint::open(&String::from_utf8(STANDARD.decode(header("jilu-log-checkpoint")).unwrap()).unwrap(), &log_key(registry)).unwrap();
    assert_eq!(checkpoint.size, first + entries);
    let proof = registry.get(&format!("/v1/certificates/{number}/proof")).expect(200);
    assert_eq!(proof["leaf_index"], first + 1);
    let entry = registry.get(&format!("/v1/log/proofs?index={first}")).expect(200);
    assert_eq!(Entry::parse(entry["entry"].as_str().unwrap()).unwrap().kind, "certificate_issued");
    // What was answered before adds nothing to the log.
    let again = issue();
    assert_eq!((&again.bytes, again.header("jilu-log-index")), (&answer.bytes, None));
});

#[test]
fn a_certificate_that_the_log_does_not_include_was_never_issued() {
    // What an intruder in the database may do to the log, each by itself.
    for tampering in [
        "UPDATE log_entries SET salt = zeroblob(32) WHERE kind = 'credential_signed'",
        "UPDATE log_entries SET recorded_at = recorded_at + 1 WHERE kind = 'credential_signed'",
        "DELETE FROM log_entries WHERE kind = 'credential_signed'",
        "UPDATE log_head SET frontier = zeroblob(length(frontier))",
        "UPDATE log_checkpoints SET note = replace(note, char(10) || (SELECT max(size) FROM log_checkpoints) || char(10), char(10) || '7' || char(10))",
    ] {
        let registry = TestRegistry::start(Database::Sqlite, &[]);
        let body = registry.body();
        let (worker, certificate) = registry.certificate(&body, 1);
        let number = certificate["certificate_number"].as_str().unwrap();
        let credential = registry.get_as(&body.client, &format!("/v1/certificates/{number}"), &[("accept", "application/vc+jwt")]).text();
        let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
        for trigger in ["log_entries_refuses_update", "log_entries_refuses_delete", "log_checkpoints_refuses_update"] {
            conn.execute_script(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        conn.execute_script(tampering).unwrap();
        // The tip of a second ago was signed, and holds the certificate; behind it the intruder is noticed.
        std::thread::sleep(Duration::from_millis(1_100));
        let facts = json!({ "certificate_number": number, "name": worker.name });
        assert_eq!(registry.post("/v1/verifications", &facts).expect(200)["outcome"], "not_found", "{tampering}");
        let token = certificate["token"].as_str().unwrap();
        assert_eq!(registry.get(&format!("/v/{token}")).expect(200)["outcome"], "not_found", "{tampering}");
        let answer = registry.post("/v1/verifications/document", &json!({ "credential": credential })).expect(200);
        assert_eq!(answer["outcome"], "not_found", "{tampering}");
        let failed: Vec<_> = answer["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "failed").map(|check| check["check"].as_str().unwrap()).collect();
        assert_eq!(failed, ["log"], "{tampering}");
    }
}

#[test]
fn what_was_edited_in_a_row_counts_against_no_document() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    registry.set_clock("2026-03-02T01:00:00Z");
    let school = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["special_operation"], "occupations": [], "number_prefix": null, "valid_from": "2020-01-01" }));
    let worker = registry.worker(&school.client, 1);
    let permit = json!({ "worker_id": worker.id, "category": "高处作业", "item": "登高架设作业", "issued_on": "2024-03-02", "valid_to": "2026-03-10" });
    let permit = registry.post_as(&school.client, "/v1/certificates", &permit).expect(201);
    let path = format!("/v1/certificates/{}", permit["certificate_id"].as_str().unwrap());
    let credential = json!({ "credential": registry.get_as(&school.client, &path, &[("accept", "application/vc+jwt")]).text() });
    let facts = json!({ "certificate_number": format!("T{}", worker.number), "name": worker.name });
    let seen = |answer: Value| (answer["outcome"].as_str().unwrap().to_owned(), answer["certificate"]["valid_to"].as_str().unwrap_or_default().to_owned());
    let outcomes = || {
        let answers = [registry.post("/v1/verifications/document", &credential), registry.post("/v1/verifications", &facts), registry.get(&format!("/v/{}", permit["token"].as_str().unwrap()))];
        answers.map(|answer| seen(answer.expect(200)))
    };
    let all = |outcome: &str| std::array::from_fn(|_| (outcome.to_owned(), "2026-03-10".to_owned()));
    assert_eq!(outcomes(), all("valid"));
    let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
    conn.execute_script("DROP TRIGGER certificate_versions_refuses_update; UPDATE certificate_versions SET valid_to = '2099-12-31', review_due_on = NULL").unwrap();
    registry.set_clock("2026-03-20T01:00:00Z");
    assert_eq!(outcomes(), all("expired"));
    std::thread::sleep(Duration::from_millis(3_100));
    assert_eq!(outcomes(), all("expired"), "nor when nothing of it is remembered any more");
    // A filing that somebody edited away: nobody had the right, whichever way it is asked, and the page says that it is not to be trusted.
    conn.execute_script("DROP TRIGGER filing_versions_refuses_update; UPDATE filing_versions SET valid_to = '2021-01-01'").unwrap();
    std::thread::sleep(Duration::from_millis(5_100));
    assert_eq!(outcomes().map(|(outcome, _)| outcome), ["not_found"; 3]);
    let answer = registry.post("/v1/verifications", &facts).expect(200);
    let right = answer["checks"].as_array().unwrap().iter().find(|check| check["check"] == "right_to_issue").unwrap();
    assert_eq!((&right["outcome"], right["next_step"].as_str().unwrap().contains("supervising authority")), (&json!("failed"), true));
    let page = registry.send("GET", &format!("/v/{}", permit["token"].as_str().unwrap()), &[("accept", "text/html"), ("accept-language", "en")], b"").text();
    assert!(page.contains("Issued without the right to") && page.contains("data-outcome=\"not_found\""), "{page}");
    conn.execute_script("UPDATE filing_versions SET valid_to = '2027-12-31'").unwrap();
    std::thread::sleep(Duration::from_millis(5_100));
    assert_eq!(outcomes(), all("expired"));
    // A row that names another key than the document was not issued either: a stolen one is not got rid of like that.
    conn.execute_script("UPDATE certificate_versions SET key_id = (SELECT key_id FROM signing_keys WHERE key_id <> certificate_versions.key_id LIMIT 1)").unwrap();
    std::thread::sleep(Duration::from_millis(3_100));
    assert_eq!(outcomes().map(|(outcome, _)| outcome), ["not_found"; 3]);
}

/// Fetches `count` proofs of random entries from several threads while `write` appends; every proof and its checkpoint are of one tree.
fn prove_under_load(nodes: &[&TestRegistry], count: u32, write: impl Fn(&TestRegistry, u32) + Sync) -> Vec<Checkpoint> {
    let key = log_key(nodes[0]);
    let (left, is_over, seen) = (AtomicU32::new(count), AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for (number, node) in (0..).zip(nodes.iter().cycle().take(2)) {
            let (is_over, write) = (&is_over, &write);
            scope.spawn(move || {
                for index in (number * 100_000).. {
                    if is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    write(node, index);
                }
            });
        }
        let readers: Vec<_> = (0..4_u64)
            .map(|reader| {
                let (left, seen, key, node) = (&left, &seen, &key, nodes[reader as usize % nodes.len()]);
                scope.spawn(move || {
                    let (mut chance, mut newest) = (reader + 1, checkpoint(node));
                    while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                        let index = chance % newest.size;
                        let proof = node.get(&format!("/v1/log/proofs?index={index}")).expect(200);
                        newest = Checkpoint::open(proof["checkpoint"].as_str().unwrap(), key).unwrap();
                        let leaf = leaf_hash(proof["entry"].as_str().unwrap().as_bytes());
                        assert_eq!(proof["tree_size"], newest.size);
                        assert!(is_included(&leaf, index, newest.size, &hashes(&proof), &newest.root), "{index} in {}", newest.size);
                        seen.lock().unwrap().push(newest.clone());
                    }
                })
            })
            .collect();
        let ended: Vec<_> = readers.into_iter().map(|reader| reader.join()).collect();
        is_over.store(true, Ordering::SeqCst);
        ended.into_iter().for_each(|reader| reader.unwrap());
    });
    seen.into_inner().unwrap()
}

on_both_databases!(proofs_hold_while_the_log_grows, |registry| {
    let body = registry.body();
    registry.token(&body.client);
    let before = checkpoint(registry).size;
    prove_under_load(&[registry], 5_000, |node, index| {
        node.worker(&body.client, index % 300_000);
    });
    assert!(checkpoint(registry).size > before + 100, "hardly anything was written meanwhile");
});

#[test]
fn two_nodes_under_load_never_fork_the_log() {
    let first = TestRegistry::start(Database::Postgres, &[]);
    let mut second = TestRegistry::start_at(tempfile::tempdir().unwrap(), first.database_url.clone(), &[]);
    second.use_registrar(first.registrar().clone());
    let body = first.body_with("123200000000000192", json!({ "certificate_kinds": ["training_completion"], "occupations": [], "number_prefix": null }));
    let numbers = Mutex::new(HashSet::new());
    let seen = prove_under_load(&[&first, &second], 2_000, |node, index| {
        let worker = node.worker(&body.client, index % 300_000);
        let certificate = node.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "project": "电工安全" })).expect(201);
        assert!(numbers.lock().unwrap().insert(certificate["certificate_number"].as_str().unwrap().to_owned()), "a number was given twice");
    });
    // Whatever either of them said, there is one tree of each size, and each continues the one before.
    let trees: BTreeMap<u64, Hash> = seen.iter().map(|checkpoint| (checkpoint.size, checkpoint.root)).collect();
    assert!(seen.iter().all(|checkpoint| trees[&checkpoint.size] == checkpoint.root), "two trees of one size");
    let sizes: Vec<u64> = trees.keys().copied().collect();
    assert!(sizes.len() > 50 && numbers.lock().unwrap().len() > 50);
    for pair in sizes.windows(2).step_by(sizes.len() / 50) {
        let proof = second.get(&format!("/v1/log/proofs?from={}&to={}", pair[0], pair[1])).expect(200);
        assert!(is_consistent(pair[0], pair[1], &hashes(&proof), &trees[&pair[0]], &trees[&pair[1]]), "{pair:?}");
    }
}
