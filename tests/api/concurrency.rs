//! Many at once, and two nodes on one PostgreSQL: constraints decide, and nothing is given twice.

use crate::support::{Database, TestRegistry, Worker};
use serde_json::json;
use std::collections::HashSet;

/// Issues to `workers` at once, from several threads that take turns between the nodes.
fn issue_at_once(nodes: &[&TestRegistry], client: &(String, String), session: &str, workers: &[Worker]) -> Vec<serde_json::Value> {
    nodes.iter().for_each(|node| drop(node.token(client)));
    std::thread::scope(|scope| {
        let threads: Vec<_> = workers
            .chunks(workers.len().div_ceil(8))
            .enumerate()
            .map(|(index, chunk)| {
                let node = nodes[index % nodes.len()];
                scope.spawn(move || chunk.iter().map(|worker| node.post_as(client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201)).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn numbers_are_unique(certificates: &[serde_json::Value]) {
    let numbers: HashSet<_> = certificates.iter().map(|certificate| certificate["certificate_number"].as_str().unwrap()).collect();
    assert_eq!(numbers.len(), certificates.len());
}

#[test]
fn numbers_are_unique_under_concurrency() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        let workers: Vec<Worker> = (0..80).map(|index| registry.worker(&body.client, index)).collect();
        let session = registry.published_session(&body, &workers, &[("80", "80"); 80], json!({}));
        registry.set_clock("2026-03-10T01:00:00Z");
        numbers_are_unique(&issue_at_once(&[&registry], &body.client, &session, &workers));
    }
}

#[test]
fn two_nodes_on_one_postgresql_give_no_number_twice() {
    let first = TestRegistry::start(Database::Postgres, &[]);
    let mut second = TestRegistry::start_at(tempfile::tempdir().unwrap(), first.database_url.clone(), &[]);
    second.use_registrar(first.registrar().clone());
    let body = first.body();
    let workers: Vec<Worker> = (0..80).map(|index| first.worker(&body.client, index)).collect();
    let session = first.published_session(&body, &workers, &[("80", "80"); 80], json!({}));
    for node in [&first, &second] {
        node.set_clock("2026-03-10T01:00:00Z");
    }
    let certificates = issue_at_once(&[&first, &second], &body.client, &session, &workers);
    numbers_are_unique(&certificates);
    // One changes, the other knows within seconds.
    let certificate = &certificates[0];
    let facts = json!({ "certificate_number": certificate["certificate_number"], "document_number": workers.iter().find(|worker| certificate["worker_id"] == worker.id).unwrap().number });
    assert_eq!(second.post("/v1/verifications", &facts).expect(200)["outcome"], "valid");
    let path = format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap());
    first.post_as(&body.client, &path, &json!({ "change": "revoke", "reason": "x" })).expect(200);
    assert_eq!(first.post("/v1/verifications", &facts).expect(200)["outcome"], "revoked", "at once on the same node");
    std::thread::sleep(std::time::Duration::from_millis(3500));
    assert_eq!(second.post("/v1/verifications", &facts).expect(200)["outcome"], "revoked", "within five seconds on the other");
}

#[test]
fn one_assessment_gives_one_certificate_however_often_it_is_asked_for() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        let worker = registry.worker(&body.client, 1);
        let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
        registry.set_clock("2026-03-10T01:00:00Z");
        registry.token(&body.client);
        let order = json!({ "worker_id": worker.id, "session_id": session });
        let replies: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| registry.post_as(&body.client, "/v1/certificates", &order))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
        assert!(replies.iter().all(|reply| [200, 201].contains(&reply.status) && reply.json()["certificate_id"] == replies[0].json()["certificate_id"]));
    }
}

#[test]
fn opposite_changes_at_once_leave_one_consistent_state() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        let (_, certificate) = registry.certificate(&body, 1);
        let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
        let replies: Vec<_> = std::thread::scope(|scope| {
            let change = |change: &'static str| {
                let (registry, body, path) = (&registry, &body, &path);
                scope.spawn(move || registry.post_as(&body.client, &format!("{path}/status_changes"), &json!({ "change": change, "reason": "x" })))
            };
            let threads: Vec<_> = ["revoke", "cancel", "withdraw", "revoke", "cancel", "withdraw"].into_iter().map(change).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "one wins");
        assert!(replies.iter().all(|reply| [200, 409, 422].contains(&reply.status)));
        let history = registry.get_as(&body.client, &format!("{path}/history"), &[]).expect(200);
        assert_eq!(history["entries"].as_array().unwrap().len(), 2);
        assert_eq!(history["entries"][1]["state_after"], history["state"]);
    }
}

#[test]
fn what_one_node_publishes_the_other_issues_on_at_once() {
    let first = TestRegistry::start(Database::Postgres, &[]);
    let mut second = TestRegistry::start_at(tempfile::tempdir().unwrap(), first.database_url.clone(), &[]);
    second.use_registrar(first.registrar().clone());
    let body = first.body();
    let workers: Vec<Worker> = (0..2).map(|index| first.worker(&body.client, index)).collect();
    let session = first.session(&body, &workers, json!({ "level": "level5" }));
    let path = |what: &str| format!("/v1/assessment_sessions/{session}/{what}");
    let results = json!({ "results": [{ "worker_id": workers[0].id, "theory": "80", "practical": "80" }] });
    first.post_as(&body.client, &path("results"), &results).expect(200);
    let order = json!({ "worker_id": workers[0].id, "session_id": session });
    // The second node has now read the session without its publication.
    assert_eq!(second.post_as(&body.client, "/v1/certificates", &order).rules(), ["IS-4"]);
    first.post_as(&body.client, &path("publication"), &json!({})).expect(201);
    for node in [&first, &second] {
        node.set_clock("2026-03-10T01:00:00Z");
    }
    second.post_as(&body.client, "/v1/certificates", &order).expect(201);
    // And nobody can be added any more, on either node.
    let late = json!({ "candidates": [{ "worker_id": first.worker(&body.client, 9).id, "employment": "employee" }] });
    assert_eq!(second.post_as(&body.client, &path("candidates"), &late).rules(), ["IS-4"]);
}

#[test]
fn candidates_that_are_added_at_once_all_stay() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        let workers: Vec<Worker> = (0..8).map(|index| registry.worker(&body.client, index)).collect();
        let session = registry.session(&body, &[], json!({}));
        registry.token(&body.client);
        std::thread::scope(|scope| {
            for worker in &workers {
                let (registry, body, session) = (&registry, &body, &session);
                scope.spawn(move || {
                    let order = json!({ "candidates": [{ "worker_id": worker.id, "employment": "employee" }] });
                    registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/candidates"), &order).expect(200);
                });
            }
        });
        let listed = registry.get_as(&body.client, &format!("/v1/assessment_sessions/{session}/candidates"), &[]).expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 8);
    }
}

#[test]
fn two_nodes_that_set_up_one_database_at_once_sign_one_log() {
    for _ in 0..3 {
        let url = crate::support::postgres::fresh_database();
        let nodes: Vec<TestRegistry> = std::thread::scope(|scope| {
            let starting: Vec<_> = (0..2).map(|_| scope.spawn(|| TestRegistry::start_at(tempfile::tempdir().unwrap(), url.clone(), &[]))).collect();
            starting.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(nodes[0].get("/log/vkey").text(), nodes[1].get("/log/vkey").text());
        let checkpoint = nodes[0].get("/log/checkpoint").text();
        let key: jilu::merkle::note::NoteKey = nodes[1].get("/log/vkey").text().trim().parse().unwrap();
        assert!(jilu::merkle::checkpoint::Checkpoint::open(&checkpoint, &key).is_ok());
    }
}
