//! A registry with classes of thousands that wait for their certificates, and two persons who watch each other.

use super::drive;
use super::support::{Database, TestRegistry, Worker};
use serde_json::{Value, json};

const CANDIDATES: usize = 5_000;

#[test]
fn a_batch_runs_on_while_its_page_is_left_and_two_persons_change_a_status() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let workers: Vec<Worker> = registry.workers(&body.client, CANDIDATES as u32);
    let sessions: Vec<String> = (0..2).map(|_| registry.published_session(&body, &workers, &[("80", "80"); CANDIDATES], json!({}))).collect();
    let client = |name: &str| {
        let made = registry.post_as(registry.registrar(), &format!("/v1/organisations/{}/clients", body.organisation), &json!({ "name": name, "role": "assessment_body" })).expect(201);
        json!({ "client_id": made["client_id"], "client_secret": made["client_secret"], "name": name })
    };
    let [proposer, approver]: [Value; 2] = ["发证科 王一", "质量科 李二"].map(client);
    registry.set_clock("2026-03-10T01:00:00Z");
    drive("batch.mjs", &json!({ "base_url": registry.base_url, "sessions": sessions, "candidates": CANDIDATES, "proposer": proposer, "approver": approver }).to_string());
}
