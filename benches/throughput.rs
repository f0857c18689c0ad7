//! What the hot paths reach, as ratios to their limits measured in the same run: `cargo bench`.
//!
//! The real server on SQLite, driven over HTTP by 64 connections from one thread. Figures of a noisy machine move; ratios of one
//! run do not move much. Verification is compared with a bare handler that reads the same body and sends a body of the same size;
//! issuing with signing and a durable insert of the same bytes in groups of the same size, without anything around them.

#![allow(clippy::unwrap_used, reason = "a measurement ends where something is not as it should be")]

#[path = "../tests/support/mod.rs"]
mod support;

use diesel::prelude::*;
use jilu::credential::keys::IssuingKey;
use jilu::store::backend::Conn;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Body, Database, TestRegistry, Worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: usize = 64;
const SECONDS: u64 = 4;
const WORKERS: u32 = 5_000;
const SESSIONS: usize = 8;
const AFTER_THE_NOTICE: &str = "2026-03-10T01:00:00Z";

/// One measurement of requests over HTTP.
struct Load {
    requests_per_second: f64,
    body_bytes: usize,
}

/// Sends requests until the time or the requests are used up; every answer must have an expected status.
fn drive(address: &str, requests: Vec<Vec<u8>>, is_repeated: bool, statuses: &'static [&'static str]) -> Load {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (requests, next, done, size) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let started = Instant::now();
    let until = started + Duration::from_secs(SECONDS);
    runtime.block_on(async {
        let tasks: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let (requests, next, done, size, address) = (Arc::clone(&requests), Arc::clone(&next), Arc::clone(&done), Arc::clone(&size), address.to_owned());
                tokio::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.set_nodelay(true).unwrap();
                    let mut buffer = vec![0u8; 64 * 1024];
                    while Instant::now() < until {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if !is_repeated && index >= requests.len() {
                            break;
                        }
                        stream.write_all(&requests[index % requests.len()]).await.unwrap();
                        size.store(read_answer(&mut stream, &mut buffer, statuses).await, Ordering::Relaxed);
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    Load { requests_per_second: done.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64(), body_bytes: size.load(Ordering::Relaxed) }
}

/// Reads one answer with a Content-Length; its size.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8], statuses: &[&str]) -> usize {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).await.unwrap();
        assert!(count > 0, "the server closed the connection");
        filled += count;
        let Some(head) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = std::str::from_utf8(&buffer[..head]).unwrap();
        let length: usize = text.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").map(str::to_owned)).unwrap().parse().unwrap();
        if filled >= head + 4 + length {
            assert!(statuses.contains(&&text[9..12]), "{}", String::from_utf8_lossy(&buffer[..filled]));
            return length;
        }
    }
}

fn post(path: &str, token: Option<&str>, body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n{authorization}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// A bare actix-web handler with one worker: reads a body, sends `size` bytes.
fn bare_handler(size: usize, request: &Value) -> f64 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let body = actix_web::web::Bytes::from(vec![b'x'; size]);
            let server = actix_web::HttpServer::new(move || {
                let body = body.clone();
                let handler = move |_: actix_web::web::Bytes| {
                    let body = body.clone();
                    async move { actix_web::HttpResponse::Ok().content_type("application/json").body(body) }
                };
                actix_web::App::new().route("/", actix_web::web::post().to(handler))
            })
            .workers(1)
            .listen(listener)
            .unwrap()
            .run();
            sender.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    let handle = receiver.recv().unwrap();
    let load = drive(&address, vec![post("/", None, request)], true, &["200"]);
    actix_web::rt::System::new().block_on(handle.stop(false));
    thread.join().unwrap();
    load.requests_per_second
}

/// Signing and durable inserts of documents of `size` bytes, in groups of as many as there are connections; per second.
fn sign_and_insert(size: usize) -> f64 {
    let directory = tempfile::tempdir().unwrap();
    let mut conn = Conn::open(&format!("sqlite:{}", directory.path().join("raw.db").display()).parse().unwrap()).unwrap();
    conn.execute_script("CREATE TABLE raw (number TEXT PRIMARY KEY, document BLOB NOT NULL)").unwrap();
    let Conn::Sqlite(sqlite) = &mut conn else { unreachable!() };
    let (key, document) = (IssuingKey::from_secret("did:web:bench.example", &[1; 32]), vec![b'x'; size]);
    let (started, mut done) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(SECONDS) {
        sqlite
            .immediate_transaction(|sqlite| {
                for _ in 0..CONNECTIONS {
                    let signed = [document.as_slice(), &key.sign(&document).unwrap()].concat();
                    done += 1;
                    diesel::sql_query("INSERT INTO raw VALUES (?, ?)")
                        .bind::<diesel::sql_types::Text, _>(format!("S{done:021}"))
                        .bind::<diesel::sql_types::Binary, _>(signed)
                        .execute(sqlite)?;
                }
                diesel::QueryResult::Ok(())
            })
            .unwrap();
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

fn signatures_per_second() -> f64 {
    let (key, message) = (IssuingKey::from_secret("did:web:bench.example", &[1; 32]), vec![b'x'; 900]);
    let (started, mut done) = (Instant::now(), 0);
    while started.elapsed() < Duration::from_secs(1) {
        std::hint::black_box(key.sign(&message).unwrap());
        done += 1;
    }
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Sessions whose notice has passed, with workers who passed: the orders for their certificates.
fn prepare(registry: &TestRegistry) -> (Body, Vec<Worker>, Vec<Value>) {
    let body = registry.body();
    let workers = registry.workers(&body.client, WORKERS);
    let scores = vec![("80", "80"); workers.len()];
    let mut orders = Vec::new();
    for _ in 0..SESSIONS {
        let session = registry.published_session(&body, &workers, &scores, json!({ "level": "level5" }));
        orders.extend(workers.iter().map(|worker| json!({ "worker_id": worker.id, "session_id": session })));
    }
    registry.set_clock(AFTER_THE_NOTICE);
    (body, workers, orders)
}

fn print(what: &str, figure: f64, of: &str, limit: f64) {
    println!("{what:<52} {figure:>9.0}/s   {:>5.2} of {of} ({limit:.0}/s)", figure / limit);
}

fn main() {
    let signatures = signatures_per_second();
    println!("64 connections from one thread; SQLite, WAL, synchronous=FULL; {SECONDS} s each\n");

    let registry = TestRegistry::start(Database::Sqlite, &[("token_seconds", "43200"), ("workers", "2")]);
    registry.let_time_pass();
    let (body, workers, orders) = prepare(&registry);
    let address = registry.base_url.strip_prefix("http://").unwrap();
    let token = registry.token(&body.client);
    let issue = drive(address, orders.iter().map(|order| post("/v1/certificates", Some(&token), order)).collect(), false, &["201"]);
    let certificates = registry.get_as(&body.client, "/v1/certificates?limit=500", &[]).expect(200);
    let number = certificates["items"][0]["certificate_number"].as_str().unwrap();
    let document = registry.get_as(&body.client, &format!("/v1/certificates/{number}"), &[("accept", "application/vc+jwt")]);
    let raw = sign_and_insert(document.bytes.len());
    print("issue over HTTP, one certificate a request", issue.requests_per_second, "signing plus durable insert alone", raw);

    // The same database again, behind one worker thread.
    let (directory, database_url, registrar) = registry.stop();
    let mut registry = TestRegistry::start_at(directory, database_url, &[("token_seconds", "43200"), ("workers", "1")]);
    registry.use_registrar(registrar);
    registry.set_clock(AFTER_THE_NOTICE);
    let address = registry.base_url.strip_prefix("http://").unwrap();
    let facts: Vec<Value> = certificates["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|certificate| {
            let name = &workers.iter().find(|worker| certificate["worker_id"] == worker.id.as_str()).unwrap().name;
            json!({ "certificate_number": certificate["certificate_number"], "name": name })
        })
        .collect();
    let verify = |path: &str| drive(address, facts.iter().map(|facts| post(path, None, facts)).collect(), true, &["200"]);
    let unsigned = verify("/v1/verifications?receipt=none");
    let bare = bare_handler(unsigned.body_bytes, &facts[0]);
    print("verify by number and name, unsigned, one worker", unsigned.requests_per_second, "a bare actix-web handler", bare);
    let signed = verify("/v1/verifications");
    print("verify by number and name, signed, one worker", signed.requests_per_second, "Ed25519 signatures of one core", signatures);
    let tokens = certificates["items"].as_array().unwrap().iter().map(|certificate| certificate["token"].as_str().unwrap());
    let pages = tokens.map(|token| format!("GET /v/{token} HTTP/1.1\r\nhost: bench\r\naccept: text/html\r\n\r\n").into_bytes()).collect();
    let page = drive(address, pages, true, &["200"]);
    print(&format!("the page of a QR code ({} bytes), signed, one worker", page.body_bytes), page.requests_per_second, "the 5,000 asked", 5_000.0);
}
