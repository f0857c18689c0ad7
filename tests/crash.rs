//! `kill -9` while many write: nothing that was acknowledged is lost, no number is given twice, and every checkpoint that was ever
//! served fits the log.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "support/mod.rs"]
mod support;

use jilu::merkle::Hash;
use jilu::merkle::checkpoint::Checkpoint;
use jilu::merkle::note::NoteKey;
use jilu::merkle::proof::is_consistent;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

const ROUNDS: u64 = 40;
const WRITERS: usize = 64;

/// A registry whose process is killed and started again.
struct Victim {
    data: tempfile::TempDir,
    database: String,
    port: u16,
    agent: ureq::Agent,
}

impl Victim {
    fn new(database: Option<String>) -> Self {
        let data = tempfile::tempdir().unwrap();
        let port = free_port();
        let database = database.unwrap_or_else(|| format!("sqlite:{}", data.path().join("jilu.db").display()));
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(20))).build().into();
        Victim { data, database, port, agent }
    }

    fn jilu(&self, command: &str) -> Command {
        let mut jilu = Command::new(env!("CARGO_BIN_EXE_jilu"));
        jilu.env_clear().env("JILU_LISTEN", format!("127.0.0.1:{}", self.port)).env("RUST_LOG", "error").env("JILU_DATABASE", &self.database).arg(command).arg("--data").arg(self.data.path());
        jilu
    }

    fn init(&self) -> (String, String) {
        let said = String::from_utf8(self.jilu("init").output().unwrap().stdout).unwrap();
        let word = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        (word("client_id"), word("client_secret"))
    }

    fn serve(&self) -> Server {
        let child = Server(self.jilu("serve").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let since = Instant::now();
        while self.agent.get(self.url("/readyz")).call().map_or(true, |answer| answer.status() != 200) {
            assert!(since.elapsed() < Duration::from_secs(20), "the server did not come back");
            std::thread::sleep(Duration::from_millis(10));
        }
        child
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn token(&self, client: &(String, String)) -> String {
        let form = [("grant_type", "client_credentials"), ("client_id", client.0.as_str()), ("client_secret", client.1.as_str())];
        let answer: Value = self.agent.post(self.url("/oauth/token")).send_form(form).unwrap().body_mut().read_json().unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// None when the server died under the request.
    fn post(&self, token: &str, path: &str, body: &Value, key: Option<&str>) -> Option<(u16, Value)> {
        let mut request = self.agent.post(self.url(path)).header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let mut answer = request.send(body.to_string()).ok()?;
        let status = answer.status().as_u16();
        Some((status, serde_json::from_slice(&answer.body_mut().read_to_vec().ok()?).ok()?))
    }

    /// Creates a thing, asking again with the same key as clients do. None when the server died.
    fn create(&self, token: &str, path: &str, body: &Value, key: &str) -> Option<Value> {
        loop {
            match self.post(token, path, body, Some(key))? {
                (201, answer) => return Some(answer),
                (409 | 503, _) => std::thread::sleep(Duration::from_millis(20)),
                (status, answer) => panic!("{path}: {status} {answer}"),
            }
        }
    }

    fn get(&self, path: &str) -> Option<String> {
        self.agent.get(self.url(path)).call().ok()?.body_mut().read_to_string().ok()
    }

    fn made(&self, token: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.post(token, path, body, None).unwrap();
        assert!([200, 201].contains(&status), "{path} {answer}");
        answer
    }
}

/// A port below those that outgoing connections get: while the server is dead, none of them must take its place.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let candidate = 20_000 + (std::process::id() + 97 * NEXT.fetch_add(1, Ordering::SeqCst)) % 10_000;
        let port = u16::try_from(candidate).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A serving process; it does not outlive this value.
struct Server(Child);

impl Server {
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was acknowledged: worker and certificate number, by person.
type Acknowledged = Mutex<HashMap<u32, (String, String)>>;

/// Registers people and issues to them until the server dies.
fn write(victim: &Victim, token: &str, next: &AtomicU32, acknowledged: &Acknowledged) {
    loop {
        let index = next.fetch_add(1, Ordering::SeqCst);
        let (name, number) = support::person(index);
        let worker = json!({ "name": name, "documents": [{ "document_type": "resident_id", "document_number": number }] });
        let Some(worker) = victim.create(token, "/v1/workers", &worker, &format!("worker {index}")) else { return };
        let id = worker["worker_id"].as_str().unwrap().to_owned();
        let order = json!({ "worker_id": id, "project": "电工安全" });
        let Some(certificate) = victim.create(token, "/v1/certificates", &order, &format!("certificate {index}")) else { return };
        acknowledged.lock().unwrap().insert(index, (id, certificate["certificate_number"].as_str().unwrap().to_owned()));
    }
}

/// `alive` is the least time in milliseconds that a process gets before it is killed.
fn survives(database: Option<String>, alive: u64) {
    let victim = Victim::new(database);
    let registrar = victim.init();
    let mut child = victim.serve();
    let administrator = victim.token(&registrar);
    let order = json!({ "unified_social_credit_code": "52320100000000027X", "name": "示例培训学校", "kinds": ["training_provider"] });
    let provider = victim.made(&administrator, "/v1/organisations", &order)["organisation_id"].as_str().unwrap().to_owned();
    let filing = json!({ "body_kind": "social_assessment_body", "certificate_kinds": ["training_completion"], "valid_from": "2020-01-01", "valid_to": "2099-12-31" });
    victim.made(&administrator, &format!("/v1/organisations/{provider}/filings"), &filing);
    let client = victim.made(&administrator, &format!("/v1/organisations/{provider}/clients"), &json!({ "name": "x", "role": "training_provider" }));
    let client = (client["client_id"].as_str().unwrap().to_owned(), client["client_secret"].as_str().unwrap().to_owned());
    let key: NoteKey = victim.get("/log/vkey").unwrap().trim().parse().unwrap();

    let (next, acknowledged, mut served) = (AtomicU32::new(0), Acknowledged::default(), BTreeMap::<u64, Hash>::new());
    for round in 0..ROUNDS {
        let token = victim.token(&client);
        let is_over = AtomicBool::new(false);
        let seen = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS).map(|_| scope.spawn(|| write(&victim, &token, &next, &acknowledged))).collect();
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    seen.lock().unwrap().extend(victim.get("/log/checkpoint"));
                    std::thread::sleep(Duration::from_millis(15));
                }
            });
            // Every second time it is killed while it certainly acknowledges, however busy this machine is.
            let (before, since) = (acknowledged.lock().unwrap().len(), Instant::now());
            while round % 2 == 1 && acknowledged.lock().unwrap().len() == before && since.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(alive + round * 137 % 500));
            child.kill();
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            is_over.store(true, Ordering::SeqCst);
        });
        for note in seen.into_inner().unwrap() {
            // An answer that was cut off is no checkpoint.
            let Ok(checkpoint) = Checkpoint::open(&note, &key) else { continue };
            let earlier = served.insert(checkpoint.size, checkpoint.root);
            assert!(earlier.is_none_or(|root| root == checkpoint.root), "two trees of one size");
        }
        child = victim.serve();
    }

    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 100, "only {} were acknowledged", acknowledged.len());
    let numbers: HashSet<&str> = acknowledged.values().map(|(_, number)| number.as_str()).collect();
    assert_eq!(numbers.len(), acknowledged.len());
    let token = victim.token(&client);
    for (index, (_, number)) in &acknowledged {
        let (name, document) = support::person(*index);
        let (status, answer) = victim.post(&token, "/v1/verifications?receipt=none", &json!({ "certificate_number": number, "name": name, "document_number": document }), None).unwrap();
        assert_eq!((status, answer["outcome"].as_str()), (200, Some("valid")), "{number} was acknowledged: {answer}");
    }
    let sizes: Vec<u64> = served.keys().copied().collect();
    for pair in sizes.windows(2) {
        let proof: Value = serde_json::from_str(&victim.get(&format!("/v1/log/proofs?from={}&to={}", pair[0], pair[1])).unwrap()).unwrap();
        let hashes: Vec<Hash> = proof["hashes"].as_array().unwrap().iter().map(|text| decode(text.as_str().unwrap())).collect();
        assert!(is_consistent(pair[0], pair[1], &hashes, &served[&pair[0]], &served[&pair[1]]), "{pair:?}");
    }
    child.kill();
    let audit = victim.jilu("audit").output().unwrap();
    assert!(audit.status.success(), "{}{}", String::from_utf8_lossy(&audit.stdout), String::from_utf8_lossy(&audit.stderr));
    println!("{} acknowledged, {} checkpoints seen, {}", acknowledged.len(), sizes.len(), String::from_utf8_lossy(&audit.stdout));
}

fn decode(text: &str) -> Hash {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap().try_into().unwrap()
}

#[test]
fn killed_at_any_moment_on_sqlite_nothing_acknowledged_is_lost() {
    survives(None, 200);
}

#[test]
fn killed_at_any_moment_on_postgresql_nothing_acknowledged_is_lost() {
    survives(Some(support::postgres::fresh_database()), 700);
}
