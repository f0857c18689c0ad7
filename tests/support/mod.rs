//! What the tests share: a real registry behind a real server, on either database, with a clock that the test sets.

#![allow(dead_code, reason = "each test target uses its own part")]

pub mod postgres;

use jilu::clock::Clock;
use jilu::config::{Config, RawSettings};
use jilu::entropy::Entropy;
use jilu::http::serve::{Part, Serving, serve};
use jilu::services::Registry;
use jilu::store::{Store, StoreOptions};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread::JoinHandle;

pub const MASTER_KEY: [u8; 32] = [7; 32];

/// Which database a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

/// A test on both databases: two tests with one body.
#[macro_export]
macro_rules! on_both_databases {
    ($(#[doc = $doc:literal])? $name:ident, |$registry:ident| $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "a body may need none of them")]
            use super::*;

            fn body($registry: &$crate::support::TestRegistry) $body

            #[test]
            fn sqlite() {
                body(&$crate::support::TestRegistry::start_copy($crate::support::Database::Sqlite));
            }

            #[test]
            fn postgres() {
                body(&$crate::support::TestRegistry::start_copy($crate::support::Database::Postgres));
            }
        }
    };
}

/// An answer, read whole.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub bytes: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The bytes of an answer that is a success.
    pub fn expect_bytes(&self) -> Vec<u8> {
        assert_eq!(self.status, 200, "{}", self.text());
        self.bytes.clone()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body, after a look at the status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.bytes.is_empty() { Value::Null } else { self.json() }
    }

    /// Identifiers of the violated rules, in order.
    pub fn rules(&self) -> Vec<String> {
        self.json()["violations"].as_array().into_iter().flatten().map(|violation| violation["rule"].as_str().unwrap().to_owned()).collect()
    }

    /// Fields of the violations, in order.
    pub fn fields(&self) -> Vec<String> {
        self.json()["violations"].as_array().into_iter().flatten().map(|violation| violation["field"].as_str().unwrap_or("-").to_owned()).collect()
    }
}

/// A running registry.
pub struct TestRegistry {
    pub base_url: String,
    pub public_url: String,
    pub directory: tempfile::TempDir,
    pub database_url: String,
    clock: Arc<AtomicI64>,
    agent: ureq::Agent,
    registrar: (String, String),
    tokens: Mutex<std::collections::HashMap<String, String>>,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The moment at which every test begins: a Monday morning in China, in a plain week.
pub const BEGINNING: &str = "2026-03-02T01:00:00Z";

impl TestRegistry {
    /// Starts a fresh registry. `settings` are added to those of the tests.
    pub fn start(database: Database, settings: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database_url = match database {
            Database::Sqlite => format!("sqlite:{}", directory.path().join("jilu.db").display()),
            Database::Postgres => postgres::fresh_database(),
        };
        Self::start_at(directory, database_url, settings)
    }

    /// Starts a copy of a registry that was set up once in this process: to bring in the official lists is half of what a start costs.
    /// Copies have the same keys.
    pub fn start_copy(database: Database) -> Self {
        let model = model(database);
        let directory = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(model.directory.path()).unwrap() {
            let file = entry.unwrap();
            std::fs::copy(file.path(), directory.path().join(file.file_name())).unwrap();
        }
        let database_url = match database {
            Database::Sqlite => format!("sqlite:{}", directory.path().join("jilu.db").display()),
            Database::Postgres => postgres::copy_of(&model.database_url),
        };
        let mut registry = Self::start_at(directory, database_url, &[]);
        registry.use_registrar(model.registrar.clone());
        registry
    }

    /// Starts a registry on a database that may have been used before.
    pub fn start_at(directory: tempfile::TempDir, database_url: String, settings: &[(&str, &str)]) -> Self {
        Self::start_on(directory, database_url, settings, 0)
    }

    /// The same on a port that others know.
    pub fn start_on(directory: tempfile::TempDir, database_url: String, settings: &[(&str, &str)], port: u16) -> Self {
        let clock = Arc::new(AtomicI64::new(micros(BEGINNING)));
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let config = config(&directory, &database_url, settings);
        let workers = if settings.iter().any(|(name, _)| *name == "workers") { config.workers } else { 1 };
        let (ready, started) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let server_clock = Clock::Fixed(Arc::clone(&clock));
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let options = StoreOptions { url: config.database.clone(), migrate: true, queue_length: config.queue_length };
                let store = Store::open(&options, server_clock.clone(), Entropy::System).unwrap();
                let registry = Registry::open(store, config, server_clock, Entropy::System, &MASTER_KEY).await.unwrap();
                let client = registry.set_up().await.unwrap();
                let Serving { handle, server } = serve(registry, listener, workers, Part::Registry).unwrap();
                ready.send(client.map(|client| (client.row.id, client.secret))).unwrap();
                let stopper = actix_web::rt::task::spawn_blocking(move || stopped.recv());
                actix_web::rt::spawn(async move {
                    let _ = stopper.await;
                    handle.stop(true).await;
                });
                server.await.unwrap();
            });
        });
        let registrar = started.recv().expect("the registry did not start").unwrap_or_default();
        let agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).build().into();
        TestRegistry { base_url, public_url: "http://localhost:8080".into(), directory, database_url, clock, agent, registrar, tokens: Mutex::default(), stop: Some(stop), thread: Some(thread) }
    }

    /// A connection for each request: a server that answers before it has read a body closes the connection, which a kept one meets late.
    pub fn keep_no_connections(&mut self) {
        self.agent = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).max_idle_connections(0).build().into();
    }

    /// Lets the clock go on by itself, as identifiers that sort by time expect of it.
    pub fn let_time_pass(&self) {
        let clock = Arc::downgrade(&self.clock);
        std::thread::spawn(move || {
            let mut last = std::time::Instant::now();
            while let Some(clock) = clock.upgrade() {
                std::thread::sleep(std::time::Duration::from_millis(1));
                clock.fetch_add(last.elapsed().as_micros() as i64, std::sync::atomic::Ordering::SeqCst);
                last = std::time::Instant::now();
            }
        });
    }

    /// Moves the clock, for example to `2026-03-10T01:00:00Z`.
    pub fn set_clock(&self, at: &str) {
        self.clock.store(micros(at), Ordering::SeqCst);
        self.tokens.lock().unwrap().clear();
    }

    /// Sends a request as it is.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.try_send(method, path, headers, body).unwrap()
    }

    /// The same where the connection may break.
    pub fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply, ureq::Error> {
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).unwrap();
        let mut response = self.agent.configure_request(request).allow_non_standard_methods(true).build_and_run(&self.agent)?;
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned())).collect();
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec()?;
        Ok(Reply { status: response.status().as_u16(), headers, bytes })
    }

    pub fn token(&self, client: &(String, String)) -> String {
        if let Some(token) = self.tokens.lock().unwrap().get(&client.0) {
            return token.clone();
        }
        let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", client.0, client.1);
        let reply = self.send("POST", "/oauth/token", &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes());
        let token = reply.expect(200)["access_token"].as_str().unwrap().to_owned();
        self.tokens.lock().unwrap().insert(client.0.clone(), token.clone());
        token
    }

    pub fn post_as(&self, client: &(String, String), path: &str, body: &Value) -> Reply {
        self.post_with(client, path, body, &[])
    }

    pub fn post_with(&self, client: &(String, String), path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let bearer = format!("Bearer {}", self.token(client));
        let mut all = vec![("authorization", bearer.as_str()), ("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", path, &all, body.to_string().as_bytes())
    }

    pub fn get_as(&self, client: &(String, String), path: &str, headers: &[(&str, &str)]) -> Reply {
        let bearer = format!("Bearer {}", self.token(client));
        let mut all = vec![("authorization", bearer.as_str())];
        all.extend_from_slice(headers);
        self.send("GET", path, &all, b"")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], b"")
    }

    pub fn registrar(&self) -> &(String, String) {
        &self.registrar
    }

    /// An organisation with a client of a role.
    pub fn organisation(&self, code: &str, kind: &str, role: &str) -> (String, (String, String)) {
        let order = json!({ "unified_social_credit_code": code, "name": format!("示例机构 {code}"), "kinds": [kind] });
        let id = self.post_as(&self.registrar, "/v1/organisations", &order).json()["organisation_id"].as_str().unwrap().to_owned();
        let client = self.post_as(&self.registrar, &format!("/v1/organisations/{id}/clients"), &json!({ "name": role, "role": role })).expect(201);
        (id, (client["client_id"].as_str().unwrap().to_owned(), client["client_secret"].as_str().unwrap().to_owned()))
    }

    /// A social assessment body that may certify electricians at levels 5 to 3.
    pub fn body(&self) -> Body {
        self.body_with("52320100000000027X", json!({}))
    }

    /// The same with other members of its filing.
    pub fn body_with(&self, code: &str, changes: Value) -> Body {
        let (organisation, client) = self.organisation(code, "assessment_body", "assessment_body");
        let mut filing = json!({
            "body_kind": "social_assessment_body", "certificate_kinds": ["skill_level"], "number_prefix": "S000032000001",
            "occupations": [{ "occupation_code": "6-31-01-03", "levels": ["level5", "level4", "level3"] }], "valid_from": "2025-01-01", "valid_to": "2027-12-31",
        });
        for (name, value) in changes.as_object().unwrap() {
            filing[name] = value.clone();
        }
        self.post_as(&self.registrar, &format!("/v1/organisations/{organisation}/filings"), &filing).expect(201);
        Body { organisation, client }
    }

    /// The `index`-th invented worker of section 7's form, registered by a client.
    pub fn worker(&self, client: &(String, String), index: u32) -> Worker {
        let (name, number) = person(index);
        let order = json!({ "name": name, "documents": [{ "document_type": "resident_id", "document_number": number }] });
        let reply = self.post_as(client, "/v1/workers", &order);
        assert!([200, 201].contains(&reply.status), "{}", reply.text());
        Worker { id: reply.json()["worker_id"].as_str().unwrap().to_owned(), name, number }
    }

    /// Many workers, registered from lists.
    pub fn workers(&self, client: &(String, String), count: u32) -> Vec<Worker> {
        const LIST: usize = 10_000;
        let bearer = format!("Bearer {}", self.token(client));
        let people: Vec<(String, String)> = (0..count).map(person).collect();
        let register = |list: &[(String, String)]| {
            let rows: String = list.iter().map(|(name, number)| format!("{name},{number}\n")).collect();
            let answer = self.send("POST", "/v1/workers/lists", &[("authorization", &bearer), ("content-type", "text/csv")], format!("name,document_number\n{rows}").as_bytes()).expect(200);
            let row = |(row, (name, number)): (&Value, &(String, String))| Worker { id: row["worker_id"].as_str().unwrap().to_owned(), name: name.clone(), number: number.clone() };
            answer["rows"].as_array().unwrap().iter().zip(list).map(row).collect::<Vec<_>>()
        };
        people.chunks(LIST).flat_map(register).collect()
    }

    /// A session of a body, scored and published today; `scores` per candidate as theory and practical.
    pub fn published_session(&self, body: &Body, workers: &[Worker], scores: &[(&str, &str)], changes: Value) -> String {
        let session = self.session(body, workers, changes);
        let results: Vec<Value> = workers.iter().zip(scores).map(|(worker, (theory, practical))| json!({ "worker_id": worker.id, "theory": theory, "practical": practical })).collect();
        self.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/results"), &json!({ "results": results })).expect(200);
        self.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/publication"), &json!({})).expect(201);
        session
    }

    /// A session of a body with candidates.
    pub fn session(&self, body: &Body, workers: &[Worker], changes: Value) -> String {
        let panel: Vec<Value> = (1..=3).map(|n| json!({ "card_number": format!("A{n}"), "grade": "senior_assessor" })).collect();
        let mut order = json!({ "certificate_kind": "skill_level", "occupation_code": "6-31-01-03", "level": "level3", "held_on": "2026-03-02", "panel": panel });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                order.as_object_mut().unwrap().remove(name);
            } else {
                order[name] = value.clone();
            }
        }
        let session = self.post_as(&body.client, "/v1/assessment_sessions", &order).expect(201)["session_id"].as_str().unwrap().to_owned();
        if !workers.is_empty() {
            let candidates: Vec<Value> = workers.iter().map(|worker| json!({ "worker_id": worker.id, "employment": "employee" })).collect();
            self.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/candidates"), &json!({ "candidates": candidates })).expect(200);
        }
        session
    }

    /// A certificate of a fresh session for one worker, the notice passed.
    pub fn certificate(&self, body: &Body, index: u32) -> (Worker, Value) {
        let worker = self.worker(&body.client, index);
        let session = self.published_session(body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
        self.set_clock("2026-03-10T01:00:00Z");
        let certificate = self.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201);
        (worker, certificate)
    }

    /// Stops the server and gives back what outlives it.
    pub fn stop(mut self) -> (tempfile::TempDir, String, (String, String)) {
        self.end();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap());
        (directory, self.database_url.clone(), self.registrar.clone())
    }

    /// The binary's own audit of what the test made, beside the running server.
    pub fn expect_clean_audit(&self) {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_jilu"))
            .env_clear()
            .env("JILU_MASTER_KEY", hex::encode(MASTER_KEY))
            .env("JILU_PUBLIC_URL", &self.public_url)
            .args(["audit", "--data", self.directory.path().to_str().unwrap(), "--database", &self.database_url])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }

    /// Another node of the same registry, for what no address offers.
    #[allow(dead_code, reason = "not every test file has use for it")]
    pub fn with_node<T>(&self, act: impl AsyncFnOnce(&Registry) -> T) -> T {
        let settings = config(&self.directory, &self.database_url, &[("public_url", &self.public_url)]);
        let clock = Clock::Fixed(Arc::clone(&self.clock));
        actix_web::rt::System::new().block_on(async {
            let options = StoreOptions { url: settings.database.clone(), migrate: false, queue_length: 16 };
            let store = Store::open(&options, clock.clone(), Entropy::System).unwrap();
            let registry = Registry::open(store, settings, clock, Entropy::System, &MASTER_KEY).await.unwrap();
            let done = act(&registry).await;
            registry.store.close();
            done
        })
    }

    pub fn use_registrar(&mut self, registrar: (String, String)) {
        self.registrar = registrar;
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        self.end();
    }
}

/// A registry that was set up and stopped.
struct Model {
    directory: tempfile::TempDir,
    database_url: String,
    registrar: (String, String),
}

fn model(database: Database) -> &'static Model {
    static MODELS: [OnceLock<Model>; 2] = [OnceLock::new(), OnceLock::new()];
    MODELS[usize::from(database == Database::Postgres)].get_or_init(|| {
        let (directory, database_url, registrar) = TestRegistry::start(database, &[]).stop();
        Model { directory, database_url, registrar }
    })
}

/// An assessment body and its client.
pub struct Body {
    pub organisation: String,
    pub client: (String, String),
}

/// A registered worker, in clear.
#[derive(Debug, Clone)]
pub struct Worker {
    pub id: String,
    pub name: String,
    pub number: String,
}

trait Run {
    fn build_and_run(self, agent: &ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error>;
}

impl Run for ureq::config::ConfigBuilder<ureq::typestate::HttpCrateScope<Vec<u8>>> {
    fn build_and_run(self, agent: &ureq::Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        agent.run(self.build())
    }
}

/// An invented person of the year 1900.
pub fn person(index: u32) -> (String, String) {
    let day = chrono::NaiveDate::from_ymd_opt(1900, 1, 1).unwrap() + chrono::Days::new(u64::from(index % 365));
    let head = format!("320102{}{:03}", day.format("%Y%m%d"), 1 + index / 365);
    let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = head.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let surname = ["王", "李", "张", "刘", "陈"][index as usize % 5];
    let given = ["明", "芳", "伟", "秀英", "强", "磊", "洋"][index as usize % 7];
    (format!("{surname}{given}"), format!("{head}{}", b"10X98765432"[(sum % 11) as usize] as char))
}

fn micros(at: &str) -> i64 {
    at.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_micros()
}

fn config(directory: &tempfile::TempDir, database_url: &str, settings: &[(&str, &str)]) -> Config {
    let mut raw = RawSettings::default();
    // Hashing secrets as a real registry does would be a third of all that the tests do.
    for (name, value) in [("data", directory.path().to_str().unwrap()), ("database", database_url), ("not_found_per_minute", "0"), ("pictures_per_minute", "0"), ("secret_memory_kib", "64")].iter().chain(settings) {
        raw.add(name, (*value).to_owned(), "test");
    }
    Config::from_settings(raw).unwrap()
}
