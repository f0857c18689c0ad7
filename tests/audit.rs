//! `jilu audit` on a database that somebody has edited by hand: every edit is found and its row is named.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use jilu::store::backend::Conn;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn jilu(arguments: &[&str], data: &Path, public_url: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jilu")).env_clear().env("JILU_PUBLIC_URL", public_url).args(arguments).arg("--data").arg(data).output().unwrap()
}

/// Opens a database as an intruder would: without the triggers that refuse edits.
fn intrude(database: &Path) -> Conn {
    let mut conn = Conn::open(&format!("sqlite:{}", database.display()).parse().unwrap()).unwrap();
    for migration in std::fs::read_dir("migrations/sqlite").unwrap() {
        let file = std::fs::read_to_string(migration.unwrap().path().join("up.sql")).unwrap();
        for line in file.lines().filter_map(|line| line.strip_prefix("CREATE TRIGGER ")) {
            conn.execute_script(&format!("DROP TRIGGER {}; PRAGMA foreign_keys = OFF;", line.split(' ').next().unwrap())).unwrap();
        }
    }
    conn
}

/// An edit in SQL, and the table that the audit must name.
const EDITS: &[(&str, &str)] = &[
    ("INSERT INTO key_revocations SELECT key_id, 1, 'x', 1 FROM signing_keys WHERE purpose = 'credentials' LIMIT 1", "key_revocations"),
    ("UPDATE signing_keys SET created_at = created_at - 1000000000 WHERE purpose = 'credentials'", "signing_keys"),
    ("INSERT INTO wallet_credentials VALUES (x'00', 'wof_x', 'skill_level_jwt_vc', NULL, 1)", "wallet_credentials"),
    ("INSERT INTO status_proposals VALUES ('spr_x', 'crt_x', 'org_x', 'revoke', 'x', NULL, 1, 'cli_x')", "status_proposals"),
    ("INSERT INTO status_decisions VALUES ('spr_x', 1, 1, 'cli_y')", "status_decisions"),
    ("INSERT INTO client_sessions VALUES ('cse_x', 'cli_x', 1, 2)", "client_sessions"),
    ("INSERT INTO client_session_ends VALUES ('cse_x', 1)", "client_session_ends"),
    ("INSERT INTO wallet_pickups VALUES ('wof_x', x'00', 1, 1)", "wallet_pickups"),
    ("UPDATE session_scores SET theory_tenths = 1000 WHERE worker_id = (SELECT min(worker_id) FROM session_scores)", "session_scores"),
    ("DELETE FROM session_scores WHERE worker_id = (SELECT max(worker_id) FROM session_scores)", "the fact is gone: scores_recorded"),
    ("INSERT INTO session_scores SELECT session_id, worker_id, version + 1, 1000, 1000, NULL, 'x', recorded_at, recorded_by FROM session_scores LIMIT 1", "session_scores"),
    ("UPDATE session_candidates SET employment = 'dispatched_worker' WHERE worker_id = (SELECT max(worker_id) FROM session_candidates)", "session_candidates"),
    ("DELETE FROM session_candidates WHERE worker_id = (SELECT max(worker_id) FROM session_candidates)", "the fact is gone: candidate_registered"),
    ("INSERT INTO session_candidates SELECT session_id, 'wkr_00000000000000000000000000', employment, registered_at, registered_by FROM session_candidates LIMIT 1", "session_candidates"),
    ("UPDATE session_publications SET notice_ends_on = '2020-01-01'", "session_publications"),
    ("UPDATE assessment_sessions SET held_on = '2020-01-01'", "assessment_sessions"),
    ("UPDATE assessment_sessions SET level = 'level1'", "assessment_sessions"),
    ("UPDATE training_classes SET planned_practical_minutes = 45", "training_classes"),
    ("UPDATE training_classes SET last_on = '2020-01-01'", "training_classes"),
    ("DELETE FROM class_enrolments WHERE worker_id = (SELECT min(worker_id) FROM class_enrolments)", "the fact is gone: trainee_enrolled"),
    ("INSERT INTO class_enrolments SELECT class_id, 'wkr_00000000000000000000000000', NULL, '{}', enrolled_at, enrolled_by FROM class_enrolments LIMIT 1", "class_enrolments"),
    ("UPDATE attendance_intervals SET ended_at = ended_at + 3600000000 WHERE started_at = (SELECT min(started_at) FROM attendance_intervals)", "attendance_intervals"),
    ("UPDATE attendance_intervals SET ended_at = ended_at + 3600000000", "its hours do not follow from the attendance"),
    ("DELETE FROM attendance_intervals WHERE started_at = (SELECT max(started_at) FROM attendance_intervals)", "its hours do not follow from the attendance"),
    ("INSERT INTO attendance_intervals SELECT worker_id, started_at + 86400000000 * 30, 0, ended_at + 86400000000 * 30, class_id, mode, part, source, recorded_at, recorded_by FROM attendance_intervals LIMIT 1", "attendance_intervals"),
    ("INSERT INTO attendance_voids SELECT worker_id, started_at, revision, 'x', recorded_at, recorded_by FROM attendance_intervals LIMIT 1", "attendance_voids"),
    ("UPDATE class_closings SET completed = completed + 1", "class_closings"),
    ("UPDATE class_results SET credited_hours = 100", "class_results"),
    ("UPDATE class_results SET completed = 1 - completed", "class_results"),
    ("UPDATE credit_entries SET tenths = tenths + 10, balance_tenths = balance_tenths + 10 WHERE sequence = 1", "its credits do not follow from its hours"),
    ("UPDATE credit_entries SET balance_tenths = 1000 WHERE sequence = 1", "do not add up to its balance"),
    ("DELETE FROM credit_entries WHERE worker_id = (SELECT min(worker_id) FROM credit_entries) AND sequence = 1", "the fact is gone: credits_posted"),
    ("INSERT INTO credit_entries SELECT 'crd_x', worker_id, 99, kind, source, 'x', 10, balance_tenths + 10, NULL, rule, rule_version, facts, earned_on, organisation_id, posted_at, posted_by FROM credit_entries LIMIT 1", "an entry before it is missing"),
    ("UPDATE statements SET outcome = 'kept'", "statements"),
    ("UPDATE statements SET ended_at = ended_at + 3600000000", "statements"),
    ("UPDATE statements SET sealed_statement = zeroblob(100)", "what is sealed is not what was recorded"),
    ("DELETE FROM statements", "the fact is gone: statement_received"),
    ("DELETE FROM statements WHERE outcome = 'recorded'", "no statement that stands tells of it"),
    ("DELETE FROM attendance_intervals WHERE source = 'xapi'", "the attendance that it became is not there"),
    ("UPDATE statement_voids SET voided_by = 'x'", "statement_voids"),
    ("DELETE FROM statement_voids", "the fact is gone: statement_voided"),
    ("DELETE FROM attendance_voids", "no statement that stands tells of it"),
    ("UPDATE competition_results SET place = 1", "competition_results"),
    ("DELETE FROM competition_results", "the place in a competition that it stands for is gone"),
    ("INSERT INTO competition_annulments SELECT id, 'x', NULL, recorded_at, recorded_by FROM competition_results", "it stands for a place in a competition that was taken back"),
    ("UPDATE worker_merges SET merged_worker_id = 'wkr_00000000000000000000000000'", "worker_merges"),
    ("DELETE FROM worker_merge_ends", "the fact is gone: workers_parted"),
    ("DELETE FROM merged_workers", "it does not follow from the joins and their ends"),
    ("INSERT INTO merged_workers SELECT id, 'wkr_00000000000000000000000000', 'mrg_x' FROM workers ORDER BY id LIMIT 1 OFFSET 5", "it does not follow from the joins and their ends"),
    ("UPDATE history_exports SET sha256 = replace(sha256, 'a', 'b')", "history_exports"),
    ("UPDATE shares SET expires_at = expires_at + 86400000000", "shares"),
    ("UPDATE shares SET sealed_terms = zeroblob(100)", "what is sealed is not what was recorded"),
    ("DELETE FROM share_views", "the fact is gone: share_viewed"),
    ("INSERT INTO share_ends SELECT id, made_at FROM shares", "share_ends"),
    ("INSERT INTO share_redemptions SELECT id, made_at FROM shares", "share_redemptions"),
    ("UPDATE disputes SET due_on = '2099-12-31'", "disputes"),
    ("UPDATE dispute_answers SET outcome = 'upheld'", "dispute_answers"),
    ("UPDATE dispute_answers SET sealed_answer = zeroblob(100)", "what is sealed is not what was recorded"),
    ("DELETE FROM dispute_answers", "the fact is gone: dispute_answered"),
    ("UPDATE workers SET registered_at = registered_at - 1 WHERE id = (SELECT max(id) FROM workers)", "workers"),
    ("DELETE FROM workers WHERE id = (SELECT max(id) FROM workers)", "the fact is gone: worker_registered"),
    ("UPDATE worker_names SET recorded_at = 0 WHERE worker_id = (SELECT max(worker_id) FROM worker_names)", "worker_names"),
    ("UPDATE worker_documents SET number_hash = zeroblob(32) WHERE rowid = 3", "worker_documents"),
    ("UPDATE worker_documents SET worker_id = (SELECT min(id) FROM workers) WHERE rowid = 3", "worker_documents"),
    ("UPDATE organisations SET credit_code = 'x' || substr(credit_code, 2)", "organisations"),
    ("UPDATE organisation_versions SET name = 'x' WHERE organisation_id = (SELECT max(organisation_id) FROM organisation_versions)", "organisation_versions"),
    ("UPDATE filing_versions SET valid_to = '2099-12-31'", "filing_versions"),
    ("UPDATE number_prefixes SET organisation_id = 'org_x'", "number_prefixes"),
    ("UPDATE clients SET scopes = 'registry.admin' WHERE rowid = 2", "clients"),
    ("DELETE FROM clients WHERE rowid = 2", "the fact is gone: client_registered"),
    ("UPDATE signing_keys SET created_at = 0 WHERE rowid = 2", "signing_keys"),
    ("UPDATE catalogue_imports SET digest = 'x' WHERE rowid = 1", "catalogue_imports"),
    ("UPDATE certificates SET number_key = 'S000032000001263999999' WHERE rowid = 1", "certificates"),
    ("UPDATE certificates SET worker_id = (SELECT worker_id FROM certificates WHERE rowid = 2) WHERE rowid = 1", "certificates"),
    ("DELETE FROM certificates WHERE rowid = 1", "certificate_versions"),
    ("UPDATE certificate_versions SET issued_on = '2020-01-01' WHERE rowid = 1", "certificates"),
    ("UPDATE certificate_versions SET facts = replace(facts, 'level4', 'level1') WHERE rowid = 1", "certificates"),
    ("UPDATE certificate_versions SET sealed_document = (SELECT sealed_document FROM certificate_versions WHERE rowid = 2) WHERE rowid = 1", "certificate_versions"),
    ("UPDATE certificate_versions SET sealed_holder = (SELECT sealed_holder FROM certificate_versions WHERE rowid = 2) WHERE rowid = 1", "certificate_versions"),
    ("DELETE FROM certificate_versions WHERE rowid = 1", "certificates"),
    ("DELETE FROM status_changes", "the fact is gone: status_changed"),
    ("UPDATE status_changes SET reason = 'x'", "status_changes"),
    ("UPDATE certificate_states SET state = 'issued' WHERE state = 'revoked'", "certificate_states"),
    ("UPDATE certificate_states SET reviewed_on = '2026-01-01'", "certificate_states"),
    ("DELETE FROM certificate_states", "certificate_states"),
    ("UPDATE status_lists SET bits = zeroblob(16384) WHERE purpose = 'revocation'", "status_lists revocation/1"),
    ("UPDATE status_lists SET bits = x'01' || substr(bits, 2) WHERE purpose = 'suspension'", "status_lists suspension/1"),
    ("UPDATE jobs SET input = '{}'", "jobs"),
    ("UPDATE log_entries SET commitment = zeroblob(32) WHERE position = 7", "log_checkpoints"),
    ("DELETE FROM log_entries WHERE position = 7", "log_entries: position 7"),
    ("DELETE FROM log_entries WHERE position = 0; UPDATE status_changes SET reason = 'x'", "status_changes"),
    ("DELETE FROM log_entries WHERE position = (SELECT max(position) FROM log_entries)", "log_head"),
    ("UPDATE log_entries SET kind = 'job_requested' WHERE kind = 'status_changed'", "log_checkpoints"),
    ("UPDATE log_tiles SET hashes = zeroblob(8192)", "log_tiles 0/0"),
    ("DELETE FROM log_tiles", "log_tiles 0/0"),
    ("UPDATE log_checkpoints SET note = replace(note, '/log', '/gol') WHERE size = (SELECT max(size) FROM log_checkpoints)", "log_checkpoints"),
    ("DELETE FROM log_checkpoints WHERE size = (SELECT max(size) FROM log_checkpoints)", "log_checkpoints"),
    ("INSERT INTO log_cosignatures SELECT size, 'witness.example+00000000+AAAA', '— witness.example AAAAAAAA', 1 FROM log_checkpoints LIMIT 1", "log_cosignatures"),
    ("UPDATE log_head SET frontier = zeroblob(length(frontier))", "log_head"),
];

#[test]
fn an_audit_names_every_row_that_was_edited_by_hand() {
    let directory = tempfile::tempdir().unwrap();
    let told = jilu(&["demo", "--exit", "--json", "--workers", "40", "--listen", "127.0.0.1:0"], directory.path(), "http://localhost");
    let story: Value = serde_json::from_slice(&told.stdout).unwrap();
    let public_url = story["base_url"].as_str().unwrap().replace("127.0.0.1", "localhost");
    let audited = directory.path().join("audited.txt");
    let audited = audited.to_str().unwrap();
    let clean = jilu(&["audit", "--save", audited], directory.path(), &public_url);
    let said = String::from_utf8_lossy(&clean.stdout).into_owned();
    assert!(clean.status.success() && said.contains("all as the log says"), "{said}{}", String::from_utf8_lossy(&clean.stderr));
    // A later audit rests on the earlier one, and checks no signature twice.
    let later = jilu(&["audit", "--since", audited], directory.path(), &public_url);
    let said = String::from_utf8_lossy(&later.stdout).into_owned();
    assert!(later.status.success() && said.contains(", 0 signatures checked: all as the log says"), "{said}{}", String::from_utf8_lossy(&later.stderr));
    let foreign = directory.path().join("foreign.txt");
    std::fs::write(&foreign, std::fs::read_to_string(audited).unwrap().replacen("\n\n", "\nA\n\n", 1)).unwrap();
    let refused = jilu(&["audit", "--since", foreign.to_str().unwrap()], directory.path(), &public_url);
    assert!(refused.status.code() == Some(1) && String::from_utf8_lossy(&refused.stderr).contains("not a checkpoint of this log"), "{refused:?}");
    let mut missed = Vec::new();
    for (edit, place) in EDITS {
        let copy = tempfile::tempdir().unwrap();
        for name in ["jilu.db", "master.key"] {
            std::fs::copy(directory.path().join(name), copy.path().join(name)).unwrap();
        }
        let mut conn = intrude(&copy.path().join("jilu.db"));
        conn.execute_script(edit).unwrap_or_else(|error| panic!("{edit}: {error}"));
        drop(conn);
        for arguments in [&["audit"][..], &["audit", "--since", audited]] {
            let output = jilu(arguments, copy.path(), &public_url);
            let said = String::from_utf8_lossy(&output.stdout);
            if output.status.code() != Some(1) || !said.lines().any(|line| line.contains(place)) {
                missed.push(format!("{arguments:?} {edit}\n{said}{}", String::from_utf8_lossy(&output.stderr)));
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
