//! Credentials against their limits, on one core: `cargo bench --bench credentials`.
//!
//! What each form costs, compared with a bare signature; verification by document, compared with a bare strict verification.

#![allow(clippy::unwrap_used, reason = "a measurement ends where something is not as it should be")]

#[path = "../tests/support/mod.rs"]
mod support;

use jilu::credential::conformance::{self, CheckedDocument};
use jilu::credential::data_integrity::{Expectation, Suite, key_of_multikey, secure_as, verify};
use jilu::credential::form::CredentialForm;
use jilu::credential::jws::{self, CompactJws};
use jilu::credential::keys::IssuingKey;
use jilu::credential::linked_data;
use jilu::services::certificates::CertificateName;
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::{Duration, Instant};
use support::{Database, TestRegistry};

const MEASURED: Duration = Duration::from_secs(2);
const DOCUMENTS: usize = 2_000;

/// What somebody else's signing service reaches on one core with `eddsa-rdfc-2022` (Node.js, `@digitalbazaar/vc`); ten times that is asked.
const COMMON_SERVICE: f64 = 195.0;

/// Runs `work` for a while, and prints how often it ran, and what part of each limit that is.
fn rate(name: &str, limits: &[(f64, &str)], mut work: impl FnMut(usize)) -> f64 {
    let started = Instant::now();
    let mut times = 0;
    while started.elapsed() < MEASURED {
        work(times);
        times += 1;
    }
    let rate = times as f64 / started.elapsed().as_secs_f64();
    let parts: Vec<String> = limits.iter().map(|(limit, of)| format!("{:.2} of {of}", rate / limit)).collect();
    println!("{rate:>10.0}/s  {name}{}{}", if parts.is_empty() { "" } else { ": " }, parts.join(", "));
    rate
}

/// The payload of a credential that a registry made.
fn payload(text: &str) -> Value {
    serde_json::from_slice(&CompactJws::parse(text).unwrap().payload).unwrap()
}

fn issued(registry: &TestRegistry) -> Vec<String> {
    let body = registry.body();
    let workers = registry.workers(&body.client, DOCUMENTS as u32);
    let scores = vec![("80", "90"); DOCUMENTS];
    let sessions: Vec<String> = workers.chunks(500).zip(scores.chunks(500)).map(|(workers, scores)| registry.published_session(&body, workers, scores, json!({}))).collect();
    registry.set_clock("2026-03-10T01:00:00Z");
    let mut texts = Vec::new();
    for (session, workers) in sessions.iter().zip(workers.chunks(500)) {
        for worker in workers {
            let certificate = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201);
            let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
            texts.push(registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).text());
        }
    }
    texts
}

fn main() {
    let registry = TestRegistry::start(Database::Sqlite, &[("token_seconds", "43200"), ("workers", "1")]);
    let texts = issued(&registry);
    let document: CheckedDocument = conformance::check(&payload(&texts[0])).unwrap();
    let key = IssuingKey::from_secret(document.issuer(), &[7; 32]);
    let now = "2026-03-10T02:00:00Z".parse().unwrap();
    println!("securing a credential of {} bytes on one core, as part of a bare signature\n", document.bytes().len());
    let bare = rate("bare signature", &[], |_| {
        black_box(key.sign(document.bytes()).unwrap());
    });
    let of_bare = (bare, "it");
    rate("vc+jwt", &[of_bare], |_| {
        black_box(jws::sign_credential(&key, &document).unwrap());
    });
    rate("eddsa-jcs-2022", &[of_bare, (8_000.0, "the 8,000 asked")], |_| {
        black_box(secure_as(&key, &document, now, &[Suite::Jcs]).unwrap());
    });
    rate("eddsa-rdfc-2022, written directly", &[of_bare, (10.0 * COMMON_SERVICE, "ten times a common signing service")], |_| {
        black_box(secure_as(&key, &document, now, &[Suite::Rdfc]).unwrap());
    });
    let value = payload(&texts[0]);
    rate("canonical N-Quads by way of JSON-LD", &[of_bare], |_| {
        black_box(linked_data::canonical_quads(&value).unwrap());
    });
    println!("\nverifying, as part of a bare strict verification\n");
    let (message, signature) = (document.bytes(), key.sign(document.bytes()).unwrap());
    let strict = rate("bare strict verification", &[], |_| assert!(key.public.verifies(black_box(message), &signature)));
    let secured = secure_as(&key, &document, now, &[Suite::Rdfc, Suite::Jcs]).unwrap();
    rate("a set of both proofs", &[(strict, "it")], |_| {
        let found = verify(black_box(&secured), &Expectation::assertion(now), &mut |method| (key_of_multikey(method) == Some(&key.public.key_id)).then(|| key.public.clone()));
        assert_eq!(found.unwrap().len(), 2);
    });
    let token = registry.token(registry.registrar());
    registry.with_node(async |node| {
        let actor = node.find_actor(&token).await.unwrap().unwrap();
        let names: Vec<CertificateName> = texts.iter().take(500).map(|text| CertificateName::parse(payload(text)["credentialSubject"]["licenseNumber"].as_str().unwrap()).unwrap()).collect();
        node.get_form(&actor, &names[0], None, CredentialForm::Pdf).await.unwrap();
        let started = Instant::now();
        for name in &names[1..] {
            black_box(node.get_form(&actor, name, None, CredentialForm::Pdf).await.unwrap());
        }
        println!("{:>10.0}/s        certificates as PDF, one behind the other (200 asked)", (names.len() - 1) as f64 / started.elapsed().as_secs_f64());
        // Other forms are made when they are asked for, and kept for a while.
        for form in [CredentialForm::DataIntegrity, CredentialForm::SdJwt] {
            let mut times = Vec::new();
            for _ in 0..2 {
                let started = Instant::now();
                for name in &names {
                    black_box(node.get_form(&actor, name, None, form).await.unwrap());
                }
                times.push(started.elapsed().as_secs_f64());
            }
            println!("{:>10.0}/s  {form:?} taken for the first time; taken again {:.1} times as fast", names.len() as f64 / times[0], times[0] / times[1]);
        }
        // Each for the first time, then each again; after three seconds none is remembered any more. Bare verifications of the same texts go
        // in between. Of the hundreds the middle one is told, since the machine does other things too, and all of them together.
        let signatures: Vec<_> = texts.iter().map(|text| key.sign(text.as_bytes()).unwrap()).collect();
        for (name, rounds) in [("for the first time", 1), ("shown again", 20)] {
            let mut hundreds = Vec::new();
            for (texts, signatures) in (0..rounds).flat_map(|_| texts.chunks(100).zip(signatures.chunks(100))) {
                let started = Instant::now();
                for text in texts {
                    assert_eq!(node.verify_document(text.as_bytes()).await.unwrap().outcome.as_str(), "valid");
                }
                let whole = started.elapsed().as_secs_f64();
                let started = Instant::now();
                for (text, signature) in texts.iter().zip(signatures) {
                    assert!(key.public.verifies(text.as_bytes(), signature));
                }
                hundreds.push((started.elapsed().as_secs_f64(), whole));
            }
            hundreds.sort_by(|left, right| (left.0 / left.1).total_cmp(&(right.0 / right.1)));
            let (bare, whole) = hundreds[(hundreds.len() - 1) / 2];
            let all = hundreds.iter().map(|(bare, _)| bare).sum::<f64>() / hundreds.iter().map(|(_, whole)| whole).sum::<f64>();
            println!("{:>10.0}/s  {:.2}  verification by document, vc+jwt, {name}; all together {all:.2} (0.50 asked)", 100.0 / whole, bare / whole);
        }
    });
}
