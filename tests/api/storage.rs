//! What lies in the database: nothing in clear, nothing editable, migrations that go both ways.

use crate::support::{Database, TestRegistry};
use jilu::store::backend::Conn;
use serde_json::json;

/// Every file under a directory, as bytes.
pub fn bytes_below(directory: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { bytes_below(&path) } else { std::fs::read(path).unwrap() });
    }
    all
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn names_and_numbers_are_nowhere_in_clear() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 3);
    let order = json!({ "name": worker.name, "documents": [{ "document_number": worker.number }] });
    registry.post_with(&body.client, "/v1/workers", &order, &[("idempotency-key", "k")]).expect(200);
    let path = format!("/v1/certificates/{}", certificate["certificate_number"].as_str().unwrap());
    registry.post_as(&body.client, &format!("{path}/corrections"), &json!({ "name": "刘秀兰", "reason": "x" })).expect(201);
    let (directory, _, _) = registry.stop();
    let stored = bytes_below(directory.path());
    assert!(contains(&stored, b"S000032000001263000001"), "the search finds what is there in clear");
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for secret in [worker.number.as_str(), &worker.number[..17], worker.name.as_str(), "刘秀兰"] {
        let forms = [secret.as_bytes().to_vec(), utf16(secret), hex::encode(secret).into_bytes()];
        // Base64 has three alignments; the inner characters of each are the same wherever the text stands.
        let base64 = (0..3).map(|shift| {
            use base64::Engine;
            let padded = [vec![b' '; shift], secret.as_bytes().to_vec()].concat();
            let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(padded);
            text.as_bytes()[if shift == 0 { 0 } else { 4 }..text.len() - 2].to_vec()
        });
        for form in forms.into_iter().chain(base64.filter(|form| form.len() >= 8)) {
            assert!(!contains(&stored, &form), "found in clear");
        }
    }
}

#[test]
fn facts_refuse_update_and_delete() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        registry.certificate(&body, 1);
        let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
        for table in ["certificates", "certificate_versions", "session_scores", "log_entries", "log_checkpoints", "workers", "filing_versions"] {
            let column = if table == "log_entries" { "subject" } else if table == "log_checkpoints" { "note" } else if table == "session_scores" { "reason" } else if table == "filing_versions" || table == "certificate_versions" { "decision_document" } else { "registered_by" };
            for sql in [format!("UPDATE {table} SET {column} = 'x'"), format!("DELETE FROM {table}")] {
                let refused = conn.execute_script(&sql).expect_err(&sql).to_string();
                assert!(refused.contains("append-only"), "{sql}: {refused}");
            }
        }
    }
}

#[test]
fn migrations_go_up_down_and_up_again() {
    let directory = tempfile::tempdir().unwrap();
    for url in [format!("sqlite:{}", directory.path().join("x.db").display()), crate::support::postgres::fresh_database()] {
        let mut conn = Conn::open(&url.parse().unwrap()).unwrap();
        conn.apply_migrations().unwrap();
        conn.refuse_pending_migrations().unwrap();
        conn.revert_migrations().unwrap();
        assert!(conn.refuse_pending_migrations().is_err());
        conn.apply_migrations().unwrap();
        conn.refuse_pending_migrations().unwrap();
    }
}

#[test]
fn the_log_has_every_fact_in_one_unbroken_order() {
    for database in [Database::Sqlite, Database::Postgres] {
        let registry = TestRegistry::start(database, &[]);
        let body = registry.body();
        registry.certificate(&body, 1);
        let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
        let facts = jilu::store::log::list_entries(&mut conn, 0, 10_000).unwrap();
        assert!(facts.iter().zip(0..).all(|(fact, position)| fact.position == position));
        assert!(facts.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at), "time never runs backwards");
        let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).collect();
        for kind in ["key_added", "organisation_registered", "filing_recorded", "client_registered", "worker_registered", "worker_document_added", "session_registered", "candidate_registered", "scores_recorded", "results_published", "certificate_issued", "credential_signed", "worker_name_recorded", "number_prefix_assigned"] {
            assert!(kinds.contains(&kind), "{kind}");
        }
        assert!(facts.iter().all(|fact| fact.salt.len() == 32 && fact.commitment.len() == 32));
    }
}
