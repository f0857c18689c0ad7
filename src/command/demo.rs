//! `jilu demo`: the main job on invented people, over HTTP, then the server stays up.
//!
//! The demo's clock begins weeks ago, so that a public notice of five working days can pass; then it is set to now.

use super::demo_client::Client;
use super::demo_people::{Person, credit_code, person};
use super::demo_training::{Training, close_class, open_class};
use super::demo_worker::{Affairs, look_after, study_online};
use crate::{DemoArguments, Failure};
use chrono::{Days, NaiveDate};
use jilu::clock::Clock;
use jilu::config::{Config, RawSettings};
use jilu::entropy::Entropy;
use jilu::http::serve::{Part, Serving, serve};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// How long ago the demo begins; longer than the longest public holidays around five working days.
const BEGINS_SECONDS_AGO: i64 = 35 * 86_400;
const ELECTRICIAN: &str = "6-31-01-03";

/// Settings of the demo: a fresh directory unless one is named, and the port that is really used in every address.
pub fn settings(arguments: &DemoArguments) -> RawSettings {
    let mut raw = arguments.place.settings();
    if arguments.place.data.is_none() && std::env::var("JILU_DATA").is_err() && arguments.place.config.is_none() {
        let name = format!("jilu-demo-{}", std::process::id());
        raw.add("data", std::env::temp_dir().join(name).display().to_string(), "demo");
    }
    raw
}

/// What the demo made, for the screen and for `--json`.
struct Story {
    base_url: String,
    clients: Vec<(&'static str, Client)>,
    people: Vec<(Person, String)>,
    access_codes: Vec<String>,
    session: Value,
    publication: Value,
    rows: Vec<Value>,
    issued: Vec<(usize, String, String)>,
    revoked: String,
    answers: Vec<(String, Value)>,
    training: Training,
    affairs: Affairs,
    body: Value,
    did: String,
    log_vkey: String,
}

pub async fn run(mut config: Config, arguments: DemoArguments) -> Result<(), Failure> {
    let listener = TcpListener::bind(config.listen).map_err(|error| format!("{}: {error}", config.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    if config.listen.port() == 0 {
        config.public_url = format!("http://localhost:{}", address.port());
    }
    let shift = Arc::new(AtomicI64::new(-BEGINS_SECONDS_AGO));
    let entropy = arguments.seed.map_or(Entropy::System, Entropy::seeded);
    let (workers, data, public_url) = (config.workers, config.data.clone(), config.public_url.clone());
    let registry = super::open(config, true, Clock::Shifted(Arc::clone(&shift)), entropy).await?;
    let registrar = registry.set_up().await.map_err(|error| super::describe(&error))?;
    let registrar = registrar.ok_or_else(|| format!("{} holds a registry already; name another --data or --database", data.display()))?;
    let today = registry.clock.today();
    let Serving { handle, server } = serve(registry, listener, workers, Part::Registry).map_err(|error| error.to_string())?;
    let served = actix_web::rt::spawn(server);

    let (count, base_url, told_url) = (arguments.workers, format!("http://{address}"), public_url.clone());
    let scores = data.join("scores.csv");
    let told = actix_web::rt::task::spawn_blocking(move || tell(&base_url, &told_url, Client::new(&base_url, &registrar.row.id, &registrar.secret), count, today, &scores, &shift)).await;
    let mut story = match told.map_err(|error| error.to_string()).and_then(|story| story) {
        Ok(story) => story,
        Err(error) => {
            handle.stop(false).await;
            return Err(format!("the demo did not run to its end: {error}").into());
        }
    };
    story.base_url = public_url;
    if arguments.json {
        println!("{}", story.as_json());
    } else {
        story.print(&data.display().to_string(), arguments.exit);
    }
    if arguments.exit {
        handle.stop(true).await;
    }
    served.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    Ok(())
}

/// The main job, from a filed assessment body to a verified certificate.
fn tell(base_url: &str, public_url: &str, mut registrar: Client, count: u32, today: NaiveDate, scores: &std::path::Path, shift: &AtomicI64) -> Result<Story, String> {
    registrar.sign_in()?;
    let (authority, body) = register_organisations(&registrar)?;
    let body_id = text(&body, "organisation_id")?;
    let until = today + Days::new(3 * 365);
    let filing = json!({
        "body_kind": "social_assessment_body", "certificate_kinds": ["skill_level"], "number_prefix": "S000032000001",
        "occupations": [{ "occupation_code": ELECTRICIAN, "levels": ["level5", "level4", "level3"] }],
        "valid_from": (today - Days::new(30)).to_string(), "valid_to": until.to_string(), "decision_document": "宁人社备〔演示〕1号",
    });
    registrar.post(&format!("/v1/organisations/{body_id}/filings"), &filing)?;
    let mut clients = register_clients(base_url, &registrar, &authority, &body_id)?;
    let issuing = &clients[1].1;

    let mut people = Vec::new();
    for index in 0..count {
        let person = person(index);
        let order = json!({ "name": person.name, "documents": [{ "document_type": "resident_id", "document_number": person.document_number }] });
        let worker = issuing.post("/v1/workers", &order)?;
        people.push((person, text(&worker, "worker_id")?));
    }
    let class = open_class(&clients[0].1, &people, today)?;
    let panel: Vec<Value> = (1..=3).map(|n| json!({ "card_number": format!("A32000{n}"), "grade": "senior_assessor" })).collect();
    let session = issuing.post(
        "/v1/assessment_sessions",
        &json!({ "certificate_kind": "skill_level", "occupation_code": ELECTRICIAN, "level": "level4", "held_on": today.to_string(), "site": "南京市玄武区示范考点", "panel": panel }),
    )?;
    let session_path = format!("/v1/assessment_sessions/{}", text(&session, "session_id")?);
    let candidates: Vec<Value> = people.iter().map(|(_, worker)| json!({ "worker_id": worker })).collect();
    for chunk in candidates.chunks(5000) {
        issuing.post(&format!("{session_path}/candidates"), &json!({ "candidates": chunk }))?;
    }
    std::fs::write(scores, scores_csv(&people)).map_err(|error| format!("{}: {error}", scores.display()))?;
    let file = std::fs::read(scores).map_err(|error| format!("{}: {error}", scores.display()))?;
    issuing.send(&format!("{session_path}/results"), "text/csv", &file)?;
    let publication = issuing.send(&format!("{session_path}/publication"), "application/json", b"")?;

    // The notice passes: the demo's clock moves to now, and everybody signs in again.
    shift.store(0, Ordering::SeqCst);
    clients.iter_mut().try_for_each(|(_, client)| client.sign_in())?;
    registrar.sign_in()?;
    let issuing = &clients[1].1;
    let job = issuing.send(&format!("{session_path}/certificates"), "application/json", b"")?;
    let rows = wait_for(issuing, &text(&job, "job_id")?)?;
    let number_of = |worker: &str| rows.iter().find(|row| row["worker_id"] == worker).and_then(|row| row["certificate_number"].as_str()).map(str::to_owned);
    let mut issued = Vec::new();
    for (index, (_, worker)) in people.iter().enumerate() {
        if let Some(number) = number_of(worker) {
            let certificate = issuing.get_json(&format!("/v1/certificates/{number}"))?;
            issued.push((index, number, text(&certificate, "token")?));
        }
    }
    study_online(&clients[0].1, &class, &people[1].1, public_url, today)?;
    let training = close_class(&clients[0].1, &registrar, &class, &people, &issued, today)?;
    let (answers, revoked) = verify_and_revoke(base_url, issuing, &people, &issued)?;
    let (first, number, _) = issued.first().ok_or("nobody passed")?;
    let affairs = look_after(base_url, &registrar, issuing, &people[*first].0, &people[*first].1, number, today)?;
    let access_codes = people.iter().map(|(_, worker)| text(&registrar.post(&format!("/v1/workers/{worker}/access_codes"), &json!({}))?, "access_code")).collect::<Result<_, _>>()?;
    let did = text(&issuing.get_json("/.well-known/did.json")?, "id")?;
    let log_vkey = issuing.get("/log/vkey", "text/plain")?.trim().to_owned();
    clients.insert(0, ("registrar", registrar));
    Ok(Story { base_url: base_url.to_owned(), clients, people, access_codes, session, publication, rows, issued, revoked, answers, training, affairs, body, did, log_vkey })
}

fn register_organisations(registrar: &Client) -> Result<(String, Value), String> {
    let order = |code: &str, name: &str, kind: &str| json!({ "unified_social_credit_code": credit_code(code), "name": name, "kinds": [kind], "region_code": "320102" });
    let authority = registrar.post("/v1/organisations", &order("11320100000000035", "南京市人力资源和社会保障局（演示）", "labour_authority"))?;
    let body = registrar.post("/v1/organisations", &order("52320100000000027", "南京示范职业技能评价中心", "assessment_body"))?;
    registrar.post("/v1/organisations", &order("91320102MA0TEXAM3", "玄武示范机电有限公司", "employer"))?;
    let school = registrar.post("/v1/organisations", &order("12320000000000019", "南京示范职业培训学校", "training_provider"))?;
    let completions = json!({ "body_kind": "social_assessment_body", "certificate_kinds": ["training_completion"], "occupations": [], "valid_from": "2020-01-01", "valid_to": "2099-12-31", "decision_document": "宁人社备〔演示〕2号" });
    registrar.post(&format!("/v1/organisations/{}/filings", text(&school, "organisation_id")?), &completions)?;
    Ok((text(&authority, "organisation_id")?, body))
}

/// One client of each role, in the order of the API's list of actors.
fn register_clients(base_url: &str, registrar: &Client, authority: &str, body: &str) -> Result<Vec<(&'static str, Client)>, String> {
    let organisations = registrar.get_json("/v1/organisations?limit=500")?;
    let of_kind = |kind: &str| {
        let items = organisations["items"].as_array().cloned().unwrap_or_default();
        items.iter().find(|item| item["kinds"][0] == kind).and_then(|item| item["organisation_id"].as_str()).unwrap_or(authority).to_owned()
    };
    let (provider, employer) = (of_kind("training_provider"), of_kind("employer"));
    let mut clients = Vec::new();
    for (role, organisation) in [("training_provider", provider.as_str()), ("assessment_body", body), ("employer", &employer), ("supervisor", authority), ("auditor", authority)] {
        let answer = registrar.post(&format!("/v1/organisations/{organisation}/clients"), &json!({ "name": format!("demo {role}"), "role": role }))?;
        let mut client = Client::new(base_url, &text(&answer, "client_id")?, &text(&answer, "client_secret")?);
        client.sign_in()?;
        clients.push((role, client));
    }
    Ok(clients)
}

/// Scores for everybody: most pass, every fourth fails one part, and one did not come.
fn scores_csv(people: &[(Person, String)]) -> String {
    let mut file = String::from("document_number,theory,practical\n");
    for (index, (person, _)) in people.iter().enumerate() {
        let (theory, practical) = match index {
            3 => ("59.5".to_owned(), "100".to_owned()),
            2 => (String::new(), String::new()),
            index if index % 4 == 3 => ("72".to_owned(), "48".to_owned()),
            index => ((70 + index % 28).to_string(), format!("{}.5", 65 + index % 30)),
        };
        file.push_str(&format!("{},{theory},{practical}\n", person.document_number));
    }
    file
}

fn wait_for(client: &Client, job: &str) -> Result<Vec<Value>, String> {
    for _ in 0..1200 {
        let state = client.get_json(&format!("/v1/jobs/{job}"))?;
        if state["state"] == "finished" {
            let lines = client.get(&format!("/v1/jobs/{job}/rows"), "application/x-ndjson")?;
            return lines.lines().map(|line| serde_json::from_str(line).map_err(|error| error.to_string())).collect();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Err("the job did not finish within two minutes".to_owned())
}

/// An employer checks; one certificate is revoked; a forged one fails.
fn verify_and_revoke(base_url: &str, issuing: &Client, people: &[(Person, String)], issued: &[(usize, String, String)]) -> Result<(Vec<(String, Value)>, String), String> {
    let anyone = Client::new(base_url, "", "");
    let (first, number, _) = issued.first().ok_or("nobody passed")?;
    let (second, revoked, _) = issued.get(1).ok_or("only one passed")?;
    let ask = |number: &str, name: &str| anyone.post("/v1/verifications", &json!({ "certificate_number": number, "name": name }));
    let name_of = |index: &usize| people[*index].0.name.as_str();
    let mut answers = vec![("the right name".to_owned(), ask(number, name_of(first))?)];
    answers.push(("a wrong name".to_owned(), ask(number, "诸葛亮")?));
    issuing.post(&format!("/v1/certificates/{revoked}/status_changes"), &json!({ "change": "revoke", "reason": "scores were altered (demo)", "decision_document": "宁人社撤〔演示〕1号" }))?;
    answers.push(("a revoked one".to_owned(), ask(revoked, name_of(second))?));
    let credential = issuing.get(&format!("/v1/certificates/{number}"), "application/vc+jwt")?;
    answers.push(("the signed credential".to_owned(), anyone.send("/v1/verifications/document", "application/vc+jwt", credential.as_bytes())?));
    answers.push(("the same, one byte forged".to_owned(), anyone.send("/v1/verifications/document", "application/vc+jwt", forged(&credential).as_bytes())?));
    Ok((answers, revoked.clone()))
}

/// A credential with one character of its payload changed.
fn forged(credential: &str) -> String {
    let at = credential.find('.').map_or(0, |dot| dot + 200);
    let other = if credential.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &credential[..at], &credential[at + 1..])
}

pub(super) fn text(value: &Value, name: &str) -> Result<String, String> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| format!("no {name} in {value}"))
}

impl Story {
    fn as_json(&self) -> Value {
        let clients: serde_json::Map<String, Value> =
            self.clients.iter().map(|(role, client)| ((*role).to_owned(), json!({ "client_id": client.client_id, "client_secret": client.client_secret }))).collect();
        let workers: Vec<Value> = self
            .people
            .iter()
            .zip(&self.access_codes)
            .map(|((person, worker), code)| json!({ "worker_id": worker, "name": person.name, "document_type": "resident_id", "document_number": person.document_number, "access_code": code }))
            .collect();
        let certificates: Vec<Value> = self
            .issued
            .iter()
            .map(|(index, number, token)| {
                let (person, state) = (&self.people[*index].0, if number == &self.revoked { "revoked" } else { "issued" });
                json!({ "certificate_number": number, "kind": "skill_level", "state": state, "name": person.name, "document_number": person.document_number, "token": token })
            })
            .collect();
        json!({
            "base_url": self.base_url, "clients": clients, "workers": workers, "certificates": certificates,
            "issuer_dids": [self.body["did"]], "registry_did": self.did, "log_vkey": self.log_vkey,
        })
    }

    fn print(&self, data: &str, is_over: bool) {
        let (url, field) = (&self.base_url, |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned());
        let refused: Vec<&Value> = self.rows.iter().filter(|row| row["outcome"] == "refused").collect();
        println!("Jilu 技录 · the registry of skills · demo on invented people\n");
        println!("1  The labour authority filed {} for electricians (电工 {ELECTRICIAN}), levels 5 to 3.", field(&self.body, "name"));
        println!("2  {} workers were registered; names and document numbers are sealed in the database.", self.people.len());
        println!("3  A level 4 session was held on {}; scores came in from {data}/scores.csv.", field(&self.session, "held_on"));
        println!("4  Published on {}; the public notice of {} working days ended on {}.", field(&self.publication, "published_on"), self.publication["notice_working_days"], field(&self.publication, "notice_ends_on"));
        println!("5  {} certificates were issued and signed, {} were refused:", self.issued.len(), refused.len());
        for row in refused.iter().take(3) {
            println!("     row {:<4} {} {}", row["row"], field(&row["violations"][0], "rule"), field(&row["violations"][0], "detail"));
        }
        self.training.print();
        println!("7  An employer checks:");
        for (what, answer) in &self.answers {
            println!("     {what:<28} {}", field(answer, "outcome"));
        }
        self.affairs.print();
        if is_over {
            return;
        }
        let (index, number, token) = &self.issued[0];
        println!("\nThe server stays up; Ctrl-C stops it.\n");
        let person = &self.people[*index].0;
        println!("  Verify a certificate     {url}/   number {number}, name {}", person.name);
        println!("  What a QR code opens     {url}/v/{token}");
        println!("  As this worker           {url}/own   code {}, last six {}", self.access_codes[*index], &person.document_number[12..]);
        for (role, place) in [("training_provider", "console"), ("assessment_body", "console"), ("employer", "bulk"), ("registrar", "console")] {
            let (_, client) = self.clients.iter().find(|(known, _)| *known == role).expect("the demo registers one of each role");
            println!("  As {:<22}{url}/{place}   identifier {}, secret {}", format!("the {}", role.replace('_', " ")), client.client_id, client.client_secret);
        }
        println!("\n  API, to browse and try   {url}/docs/");
        println!("  Public keys              {url}/.well-known/did.json");
        println!("  The public log           {url}/log/checkpoint");
        println!("\n  curl -s {url}/v1/verifications -H 'content-type: application/json' \\\n    -d '{{\"certificate_number\":\"{number}\",\"name\":\"{}\"}}'", person.name);
        println!("\n  As this worker           curl -s {url}/v1/sessions -H 'content-type: application/json' \\\n    -d '{{\"access_code\":\"{}\",\"document_number_end\":\"{}\"}}'   # then {url}/v1/me/record", self.access_codes[*index], &person.document_number[12..]);
        let (_, body) = self.clients.iter().find(|(role, _)| *role == "assessment_body").expect("the demo registers one of each role");
        println!("\n  As the assessment body   curl -s {url}/oauth/token -u {}:{} -d grant_type=client_credentials", body.client_id, body.client_secret);
    }
}
