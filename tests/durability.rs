//! What the system calls say: every acknowledgement leaves after the disk has confirmed what it acknowledges. A killed process cannot
//! show this, since the page cache outlives it.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod support;

use serde_json::json;
use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::person;

const ISSUANCES: usize = 1000;
const CLIENTS: usize = 16;

/// `jilu serve` under strace; it ends with this value.
struct Traced {
    strace: Child,
    base_url: String,
}

impl Traced {
    fn start(data: &std::path::Path, trace: &std::path::Path, port: u16) -> Self {
        let strace = Command::new("strace")
            .args(["-f", "-y", "-s", "20000", "-e", "trace=pwrite64,fsync,fdatasync,sendto,writev", "-e", "signal=none", "-o"])
            .arg(trace)
            .arg(env!("CARGO_BIN_EXE_jilu"))
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data", data.to_str().unwrap()])
            .env("RUST_LOG", "error")
            .stderr(Stdio::null())
            .spawn()
            .expect("install Debian's package strace; tests/run does it");
        let base_url = format!("http://127.0.0.1:{port}");
        let since = Instant::now();
        while ureq::get(format!("{base_url}/readyz")).call().is_err() {
            assert!(since.elapsed() < Duration::from_secs(30), "the traced server does not serve");
            std::thread::sleep(Duration::from_millis(50));
        }
        Traced { strace, base_url }
    }

    /// Stops the server as its operator would; strace ends with it.
    fn stop(&mut self) {
        Command::new("pkill").args(["-TERM", "-P", &self.strace.id().to_string()]).status().unwrap();
        self.strace.wait().unwrap();
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = Command::new("pkill").args(["-KILL", "-P", &self.strace.id().to_string()]).status();
        let _ = self.strace.kill();
        let _ = self.strace.wait();
    }
}

/// The calls of a trace, each with the lines on which it began and ended; a call that others came between stands on two lines.
fn calls(trace: &str) -> Vec<(String, usize, usize)> {
    let (mut waiting, mut found) = (HashMap::<&str, (String, usize)>::new(), Vec::new());
    for (number, line) in trace.lines().enumerate() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            waiting.insert(process, (begun.to_owned(), number));
        } else if rest.starts_with("<... ") {
            let (begun, from) = waiting.remove(process).expect("what is resumed was begun");
            found.push((format!("{begun}{rest}"), from, number));
        } else {
            found.push((rest.to_owned(), number, number));
        }
    }
    found
}

#[test]
fn every_acknowledgement_leaves_after_the_disk_has_confirmed() {
    let directory = tempfile::tempdir().unwrap();
    let (data, trace) = (directory.path().join("data"), directory.path().join("trace"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = Command::new(env!("CARGO_BIN_EXE_jilu")).args(["init", "--listen", &format!("127.0.0.1:{port}"), "--data"]).arg(&data).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let word = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let registrar = (word("client_id"), word("client_secret"));
    let mut traced = Traced::start(&data, &trace, port);
    let post = |token: &str, path: &str, body: &serde_json::Value| -> serde_json::Value {
        let mut answer = ureq::post(format!("{}{path}", traced.base_url)).header("authorization", format!("Bearer {token}")).send_json(body).unwrap();
        answer.body_mut().read_json().unwrap()
    };
    let sign_in = |client: &(String, String)| -> String {
        let form = [("grant_type", "client_credentials"), ("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        let answer: serde_json::Value = ureq::post(format!("{}/oauth/token", traced.base_url)).send_form(form).unwrap().body_mut().read_json().unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let administrator = sign_in(&registrar);
    let school = post(&administrator, "/v1/organisations", &json!({ "unified_social_credit_code": "52320100000000027X", "name": "示例培训学校", "kinds": ["training_provider"] }));
    let school = school["organisation_id"].as_str().unwrap();
    post(&administrator, &format!("/v1/organisations/{school}/filings"), &json!({ "body_kind": "social_assessment_body", "certificate_kinds": ["training_completion"], "valid_from": "2020-01-01", "valid_to": "2099-12-31" }));
    let client = post(&administrator, &format!("/v1/organisations/{school}/clients"), &json!({ "name": "x", "role": "training_provider" }));
    let token = sign_in(&(client["client_id"].as_str().unwrap().to_owned(), client["client_secret"].as_str().unwrap().to_owned()));
    let (name, number) = person(1);
    let worker = post(&token, "/v1/workers", &json!({ "name": name, "documents": [{ "document_type": "resident_id", "document_number": number }] }));
    let (next, numbers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    if index >= ISSUANCES {
                        return;
                    }
                    let certificate = post(&token, "/v1/certificates", &json!({ "worker_id": worker["worker_id"], "project": format!("课程 {index}") }));
                    numbers.lock().unwrap().push(certificate["certificate_number"].as_str().unwrap().to_owned());
                }
            });
        }
    });
    traced.stop();

    let text = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    let calls = calls(&text);
    let wal = |call: &str| call.contains("jilu.db-wal>");
    let syncs: Vec<(usize, usize)> = calls.iter().filter(|(call, ..)| (call.starts_with("fsync(") || call.starts_with("fdatasync(")) && wal(call) && call.ends_with("= 0")).map(|(_, from, to)| (*from, *to)).collect();
    let numbers = numbers.into_inner().unwrap();
    assert_eq!(numbers.len(), ISSUANCES);
    // Where each number first stands in the write-ahead log, and where it was first sent.
    let (mut written, mut sent): (HashMap<&str, usize>, HashMap<&str, usize>) = (HashMap::new(), HashMap::new());
    for (call, from, to) in &calls {
        let is_write = call.starts_with("pwrite64(") && wal(call);
        let is_answer = (call.starts_with("sendto(") || call.starts_with("writev(")) && call.contains("HTTP/1.1 201");
        if is_write || is_answer {
            for (at, _) in call.match_indices("P2") {
                let Some(number) = call.get(at..at + 14).and_then(|found| numbers.iter().find(|number| *number == found)) else { continue };
                if is_write {
                    written.entry(number).or_insert(*to);
                } else {
                    sent.entry(number).or_insert(*from);
                }
            }
        }
    }
    for number in &numbers {
        let (written, sent) = (written.get(number.as_str()), sent.get(number.as_str()));
        let (Some(written), Some(sent)) = (written, sent) else { panic!("{number} is not in the trace: written {written:?}, sent {sent:?}") };
        let is_covered = syncs.iter().any(|(from, to)| from > written && to < sent);
        assert!(is_covered, "{number} was written on line {written} and acknowledged on line {sent}, with no sync of the log between");
    }
    println!("{} acknowledgements, {} syncs", numbers.len(), syncs.len());
}
