//! `Idempotency-Key`: one effect, one answer, across restarts.

use crate::on_both_databases;
use crate::support::{Database, TestRegistry};
use serde_json::json;

on_both_databases!(the_same_key_gives_the_same_bytes, |registry| {
    let order = json!({ "unified_social_credit_code": "52320100000000027X", "name": "示例", "kinds": ["assessment_body"] });
    let key = [("idempotency-key", "first-try")];
    let first = registry.post_with(registry.registrar(), "/v1/organisations", &order, &key);
    let second = registry.post_with(registry.registrar(), "/v1/organisations", &order, &key);
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.bytes, second.bytes);
    assert_eq!((first.header("location"), second.header("idempotency-replayed")), (second.header("location"), Some("true")));
    let other = json!({ "unified_social_credit_code": "52320100000000027X", "name": "另一个", "kinds": ["assessment_body"] });
    let reused = registry.post_with(registry.registrar(), "/v1/organisations", &other, &key);
    assert_eq!((reused.status, reused.json()["type"].as_str().unwrap().ends_with("idempotency-key-reused")), (422, true));
    // Without a key the same business fact returns what exists.
    let known = registry.post_as(registry.registrar(), "/v1/organisations", &order);
    assert_eq!((known.status, &known.json()["organisation_id"]), (200, &first.json()["organisation_id"]));
    // Another caller's key is another key.
    let body = registry.body_with("123200000000000192", json!({}));
    let worker = json!({ "name": "张三", "documents": [{ "document_number": "32010219000101001X" }] });
    assert_eq!(registry.post_with(&body.client, "/v1/workers", &worker, &key).status, 201);
});

on_both_databases!(a_secret_is_repeated_for_the_key_and_kept_sealed, |registry| {
    let (organisation, _) = registry.organisation("52320100000000027X", "assessment_body", "assessment_body");
    let path = format!("/v1/organisations/{organisation}/clients");
    let order = json!({ "name": "x", "role": "assessment_body" });
    let first = registry.post_with(registry.registrar(), &path, &order, &[("idempotency-key", "k")]);
    let second = registry.post_with(registry.registrar(), &path, &order, &[("idempotency-key", "k")]);
    assert_eq!((first.status, first.bytes), (201, second.bytes));
});

#[test]
fn copies_sent_at_once_have_one_effect() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        let worker = json!({ "name": "张三", "documents": [{ "document_number": "32010219000101001X" }] });
        registry.token(&body.client);
        let replies: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| registry.post_with(&body.client, "/v1/workers", &worker, &[("idempotency-key", "once")]))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let done: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
        assert!(!done.is_empty() && done.iter().all(|reply| reply.bytes == done[0].bytes));
        assert!(replies.iter().all(|reply| reply.status == 201 || reply.status == 409 && reply.header("retry-after").is_some()));
        let found = registry.post_as(&body.client, "/v1/workers/search", &json!({ "document_number": "32010219000101001x" })).expect(200);
        assert_eq!(found["items"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn answers_outlive_a_restart() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let order = json!({ "unified_social_credit_code": "52320100000000027X", "name": "示例", "kinds": ["assessment_body"] });
        let first = registry.post_with(registry.registrar(), "/v1/organisations", &order, &[("idempotency-key", "k")]);
        let (directory, url, registrar) = registry.stop();
        let mut registry = TestRegistry::start_at(directory, url, &[]);
        registry.use_registrar(registrar);
        let second = registry.post_with(registry.registrar(), "/v1/organisations", &order, &[("idempotency-key", "k")]);
        assert_eq!((second.status, second.bytes), (201, first.bytes));
    }
}

on_both_databases!(a_refusal_by_the_rules_stays_the_answer_of_its_key, |registry| {
    let body = registry.body();
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({ "level": "level5" }));
    let order = json!({ "worker_id": worker.id, "session_id": session });
    let key = [("idempotency-key", "too-early")];
    let refused = registry.post_with(&body.client, "/v1/certificates", &order, &key);
    assert_eq!((refused.status, refused.rules()), (422, vec!["IS-4".to_owned()]));
    registry.set_clock("2026-03-10T01:00:00Z");
    let again = registry.post_with(&body.client, "/v1/certificates", &order, &key);
    assert_eq!((again.status, again.header("content-type"), again.header("idempotency-replayed")), (422, Some("application/problem+json"), Some("true")));
    assert_eq!(refused.bytes, again.bytes);
    assert_eq!(registry.post_with(&body.client, "/v1/certificates", &order, &[("idempotency-key", "in-time")]).status, 201);
});
