//! The jobs that meet the faults: together they reach every statement that writes, and each is sent again until it is done.

use crate::support::{Body, Reply, TestRegistry, person};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A registry with everything that the jobs need.
pub struct World<'a> {
    pub registry: &'a TestRegistry,
    body: Body,
    school: Body,
    employer: (String, String),
    teacher: (String, String),
    /// Certificates that were acknowledged: number and name, by job and round.
    pub acknowledged: Mutex<HashMap<(String, u32), (String, String)>>,
    day: Mutex<chrono::NaiveDate>,
    /// First days of classes, by round.
    first_days: Mutex<HashMap<u32, chrono::NaiveDate>>,
}

/// What a client sees: an answer that is not a success ends the job.
type Step = Result<Value, Reply>;

impl World<'_> {
    fn post(&self, client: &(String, String), path: &str, body: &Value, key: &str) -> Step {
        self.file(client, path, "application/json", &body.to_string(), key)
    }

    fn file(&self, client: &(String, String), path: &str, media_type: &str, body: &str, key: &str) -> Step {
        let bearer = format!("Bearer {}", self.registry.token(client));
        // A stream that breaks off is no answer; the request is sent again like one that was refused for now.
        let broken = |_| Reply { status: 503, headers: Vec::new(), bytes: Vec::new() };
        success(self.registry.try_send("POST", path, &[("authorization", &bearer), ("content-type", media_type), ("idempotency-key", key)], body.as_bytes()).unwrap_or_else(broken))
    }

    fn tomorrow(&self) {
        let mut day = self.day.lock().unwrap();
        *day = day.succ_opt().unwrap();
        self.registry.set_clock(&format!("{day}T01:00:00Z"));
    }

    fn worker(&self, client: &(String, String), n: u32, key: &str) -> Result<(String, String), Reply> {
        let (name, number) = person(n);
        let worker = self.post(client, "/v1/workers", &json!({ "name": name, "documents": [{ "document_type": "resident_id", "document_number": number }] }), &format!("{key} worker"))?;
        Ok((worker["worker_id"].as_str().unwrap().to_owned(), name))
    }

    /// A wallet comes for an offer and takes what is in it.
    fn wallet(&self, offer: &Value) -> Result<(), Reply> {
        let uri = offer["credential_offer_uri"].as_str().unwrap();
        let grants = success(self.registry.get(uri.strip_prefix(&self.registry.public_url).unwrap()))?["grants"].clone();
        let grant = grants.as_object().unwrap().values().next().unwrap().clone();
        let (code, pin) = (grant["pre-authorized_code"].as_str().unwrap(), offer["tx_code"].as_str().unwrap());
        let form = format!("grant_type=urn:ietf:params:oauth:grant-type:pre-authorized_code&pre-authorized_code={code}&tx_code={pin}");
        let token = success(self.registry.send("POST", "/oauth/token", &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes()))?;
        let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
        let request = json!({ "credential_configuration_id": "training_completion_jwt_vc" }).to_string();
        success(self.registry.send("POST", "/wallet/credential", &[("authorization", &bearer), ("content-type", "application/json")], request.as_bytes())).map(|_| ())
    }

    /// A platform that a worker lets in takes its tokens; `token` is that of the worker's session.
    fn platform(&self, token: &str) -> Result<(), Reply> {
        let order = json!({ "client_name": "x", "redirect_uris": ["https://badges.example/"] });
        let client = success(self.registry.post("/oauth/registration", &order))?;
        let (id, secret) = (client["client_id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        let asking = format!("response_type=code&client_id={id}&code_challenge={challenge}&code_challenge_method=S256");
        let cookie = format!("jilu_worker={token}");
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html"), ("cookie", cookie.as_str())];
        let page = self.registry.send("GET", &format!("/oauth/authorize?{asking}"), &headers, b"").text();
        let Some(csrf) = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()) else { return Err(Reply { status: 503, headers: Vec::new(), bytes: page.into_bytes() }) };
        let request: String = form_urlencoded::byte_serialize(asking.as_bytes()).collect();
        let back = self.registry.send("POST", "/oauth/authorize", &headers, format!("csrf={csrf}&decision=allow&request={request}").as_bytes());
        let Some(code) = back.header("location").and_then(|address| address.split("code=").nth(1)).map(|rest| rest.split('&').next().unwrap().to_owned()) else { return Err(back) };
        let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let form = format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fbadges.example%2F&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        success(self.registry.send("POST", "/oauth/token", &[("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic)], form.as_bytes())).map(|_| ())
    }

    fn acknowledge(&self, job: &str, n: u32, certificate: &Value, name: &str) {
        let number = certificate["certificate_number"].as_str().unwrap().to_owned();
        let mut acknowledged = self.acknowledged.lock().unwrap();
        let (known, _) = acknowledged.entry((job.to_owned(), n)).or_insert_with(|| (number.clone(), name.to_owned()));
        assert_eq!(*known, number, "{job} {n}: one fact has two numbers");
    }

    /// Waits for a job; the lease of a worker that failed ends by the clock.
    fn finish(&self, client: &(String, String), job: &Value) -> Value {
        let path = path_of(job);
        let started = Instant::now();
        loop {
            let state = self.registry.get_as(client, &path, &[]).expect(200);
            if state["state"] == "finished" {
                return state;
            }
            assert!(started.elapsed() < Duration::from_secs(60) && state["state"] != "failed", "{state}");
            std::thread::sleep(Duration::from_millis(30));
            if started.elapsed() > Duration::from_millis(1500) {
                self.tomorrow();
            }
        }
    }
}

fn path_of(job: &Value) -> String {
    let id = job["job_id"].as_str().unwrap();
    format!("/v1/{}/{id}", if id.starts_with("bat_") { "certificate_batches" } else { "jobs" })
}

fn success(reply: Reply) -> Step {
    if reply.status < 300 { Ok(if reply.bytes.is_empty() { Value::Null } else { reply.json() }) } else { Err(reply) }
}

/// A job of a client. `is_last_try` means that nothing fails any more, so it may wait for the end.
pub type Job = fn(&World<'_>, u32, bool) -> Result<(), Reply>;

pub const JOBS: &[(&str, Job)] = &[
    ("register", |world, n, _| {
        let key = format!("register {n}");
        let head = format!("52320100{n:09}");
        let code = format!("{head}{}", jilu::domain::credit_code::check_character(&head).unwrap());
        let registrar = world.registry.registrar();
        let order = json!({ "unified_social_credit_code": code, "name": format!("机构 {n}"), "kinds": ["assessment_body"] });
        let id = world.post(registrar, "/v1/organisations", &order, &key)?["organisation_id"].as_str().unwrap().to_owned();
        let filing = json!({ "body_kind": "social_assessment_body", "certificate_kinds": ["skill_level"], "number_prefix": format!("S000032{:06}", 100_000 + n),
            "occupations": [{ "occupation_code": "6-31-01-03", "levels": ["level5"] }], "valid_from": "2025-01-01", "valid_to": "2099-12-31" });
        world.post(registrar, &format!("/v1/organisations/{id}/filings"), &filing, &format!("{key} filing"))?;
        let client = world.post(registrar, &format!("/v1/organisations/{id}/clients"), &json!({ "name": "x", "role": "assessment_body" }), &format!("{key} client"))?;
        let bearer = format!("Bearer {}", world.registry.token(registrar));
        let path = format!("/v1/organisations/{id}/clients/{}", client["client_id"].as_str().unwrap());
        success(world.registry.send("DELETE", &path, &[("authorization", &bearer), ("content-type", "application/json")], br#"{"reason":"x"}"#))?;
        let file = format!("date,kind,name_zh,name_en\n2099-01-01,holiday,演示 {n},Demo\n");
        world.file(registrar, "/v1/catalogue/imports?list=holidays&valid_from=2098-01-01", "text/csv", &file, &format!("{key} import")).map(|_| ())
    }),
    ("issue", |world, n, _| {
        let key = format!("issue {n}");
        let client = &world.body.client;
        let (worker, name) = world.worker(client, n, &key)?;
        let passport = json!({ "document_type": "passport", "country": "FR", "document_number": format!("P{n:07}") });
        world.post(client, &format!("/v1/workers/{worker}/documents"), &passport, &format!("{key} passport"))?;
        let panel: Vec<Value> = (1..=3).map(|n| json!({ "card_number": format!("A{n}"), "grade": "senior_assessor" })).collect();
        let order = json!({ "certificate_kind": "skill_level", "occupation_code": "6-31-01-03", "level": "level4", "held_on": "2026-03-02", "panel": panel });
        let session = world.post(client, "/v1/assessment_sessions", &order, &format!("{key} session"))?["session_id"].as_str().unwrap().to_owned();
        let path = format!("/v1/assessment_sessions/{session}");
        world.post(client, &format!("{path}/candidates"), &json!({ "candidates": [{ "worker_id": worker }] }), &format!("{key} candidates"))?;
        world.post(client, &format!("{path}/results"), &json!({ "results": [{ "worker_id": worker, "theory": "80", "practical": "80" }] }), &format!("{key} results"))?;
        world.post(client, &format!("{path}/publication"), &json!({}), &format!("{key} publication"))?;
        world.tomorrow();
        let certificate = world.post(client, "/v1/certificates", &json!({ "worker_id": worker, "session_id": session }), &format!("{key} certificate"))?;
        world.acknowledge("issue", n, &certificate, &name);
        Ok(())
    }),
    ("change", |world, n, _| {
        let key = format!("change {n}");
        let client = &world.school.client;
        let (worker, name) = world.worker(client, n, &key)?;
        let certificate = world.post(client, "/v1/certificates", &json!({ "worker_id": worker, "project": "电工安全" }), &format!("{key} certificate"))?;
        world.acknowledge("change", n, &certificate, &name);
        let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
        let change = |change: &str| world.post(client, &format!("{path}/status_changes"), &json!({ "change": change, "reason": "x" }), &format!("{key} {change}"));
        change("suspend")?;
        change("resume")?;
        world.post(client, &format!("{path}/corrections"), &json!({ "form_serial": format!("F{n}"), "reason": "lost" }), &format!("{key} correction"))?;
        let name = format!("{name}明");
        world.post(client, &format!("{path}/corrections"), &json!({ "name": name, "reason": "misspelt" }), &format!("{key} name"))?;
        let permit = json!({ "worker_id": worker, "category": "电工作业", "item": "低压电工作业", "issued_on": "2022-05-10" });
        let permit = world.post(client, "/v1/certificates", &permit, &format!("{key} permit"))?;
        let reviews = format!("/v1/certificates/{}/reviews", permit["certificate_id"].as_str().unwrap());
        world.post(client, &reviews, &json!({ "reviewed_on": "2025-05-01" }), &format!("{key} review"))?;
        let number = json!([{ "certificate_number": certificate["certificate_number"], "name": name, "ground": "employment" }]);
        world.post(&world.employer, "/v1/verifications/bulk", &number, &format!("{key} bulk")).map(|_| ())
    }),
    ("train", |world, n, _| {
        let key = format!("train {n}");
        let client = &world.teacher;
        let (worker, _) = world.worker(client, n, &key)?;
        // The same day when it is sent again, though the clock went on.
        let tomorrow = *world.day.lock().unwrap() + chrono::Days::new(1);
        let first = *world.first_days.lock().unwrap().entry(n).or_insert(tomorrow);
        let order = json!({ "class_type": "general_training", "name": "班", "first_on": first, "last_on": first, "planned_practical_minutes": 180 });
        let class = world.post(client, "/v1/classes", &order, &format!("{key} class"))?;
        let path = format!("/v1/classes/{}", class["class_id"].as_str().unwrap());
        world.post(client, &format!("{path}/enrolments"), &json!({ "trainees": [{ "worker_id": worker }], "reason": "x" }), &format!("{key} list"))?;
        while *world.day.lock().unwrap() <= first {
            world.tomorrow();
        }
        let interval = |from: &str, to: &str| json!({ "worker_id": worker, "mode": "in_person", "part": "practical", "started_at": format!("{first}T{from}:00+08:00"), "ended_at": format!("{first}T{to}:00+08:00") });
        let rows = json!([interval("09:00", "12:00"), interval("13:00", "13:30"), interval("11:00", "12:30")]);
        let answer = world.post(client, &format!("{path}/attendance"), &rows, &format!("{key} attendance"))?;
        assert_eq!((answer["recorded"].as_u64().unwrap() + answer["unchanged"].as_u64().unwrap(), &answer["refused"]), (2, &json!(1)), "{answer}");
        let id = |kind: &str| format!("2a41c918-b88b-4220-{kind}-{n:012}");
        let actor = json!({ "account": { "homePage": world.registry.public_url, "name": worker } });
        let ended = |kind: &str, at: &str| {
            json!({
                "id": id(kind), "actor": actor, "verb": { "id": "http://adlnet.gov/expapi/verbs/terminated" },
                "object": { "id": format!("{}{path}", world.registry.public_url) }, "timestamp": format!("{first}T{at}:00+08:00"), "result": { "duration": "PT15M" },
            })
        };
        let void = json!({ "id": id("a0a7"), "actor": actor, "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" }, "object": { "objectType": "StatementRef", "id": id("a0a6") } });
        let bearer = format!("Bearer {}", world.registry.token(client));
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("x-experience-api-version", "1.0.3")];
        for statements in [json!([ended("a0a5", "15:15"), ended("a0a6", "16:15")]), void] {
            success(world.registry.send("POST", "/xapi/statements", &headers, statements.to_string().as_bytes()))?;
        }
        let void = json!({ "worker_id": worker, "started_at": format!("{first}T13:00:00+08:00"), "reason": "x" });
        world.post(client, &format!("{path}/attendance/voids"), &void, &format!("{key} void"))?;
        world.post(client, &format!("{path}/closing"), &json!({ "results": [{ "worker_id": worker, "assessment": "passed" }] }), &format!("{key} closing"))?;
        let credits = world.registry.get_as(client, &format!("/v1/workers/{worker}/credits"), &[]);
        let credits = success(credits)?;
        assert_eq!(credits["sources"][0]["credits"], "0.2", "four hours: {credits}");
        let registrar = world.registry.registrar();
        let spend = json!({ "worker_id": worker, "programme": "technician_college", "credits": "0.1" });
        world.post(registrar, "/v1/credit_conversions", &spend, &format!("{key} spend"))?;
        world.post(registrar, &format!("{path}/annulment"), &json!({ "reason": "x", "decision_document": "x" }), &format!("{key} annulment")).map(|_| ())
    }),
    ("group", |world, n, _| {
        let key = format!("group {n}");
        let registrar = world.registry.registrar();
        let (worker, _) = world.worker(registrar, n, &key)?;
        let order = json!({ "group": "veteran", "valid_from": "2026-01-01", "certified_by": "x", "proof_document": "x" });
        let group = world.post(registrar, &format!("/v1/workers/{worker}/groups"), &order, &key)?;
        let path = format!("/v1/workers/{worker}/groups/{}/end", group["group_id"].as_str().unwrap());
        world.post(registrar, &path, &json!({ "ended_on": "2026-02-01", "reason": "x" }), &format!("{key} end")).map(|_| ())
    }),
    ("sign in", |world, n, is_last_try| {
        let key = format!("sign in {n}");
        let client = &world.school.client;
        let (worker, name) = world.worker(client, n, &key)?;
        let certificate = world.post(client, "/v1/certificates", &json!({ "worker_id": worker, "project": "电工安全" }), &format!("{key} certificate"))?;
        world.acknowledge("sign in", n, &certificate, &name);
        // What an interrupted sign-in used up is not known, so a new code is asked for.
        let code = world.post(world.registry.registrar(), &format!("/v1/workers/{worker}/access_codes"), &json!({}), &format!("{key} code {is_last_try}"))?;
        let order = json!({ "access_code": code["access_code"], "document_number_end": &person(n).1[12..] });
        let session = success(world.registry.post("/v1/sessions", &order))?;
        let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
        let own = |method: &str, path: &str, body: &str, key: &str| {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
            let reply = world.registry.try_send(method, path, &headers, body.as_bytes());
            success(reply.unwrap_or_else(|_| Reply { status: 503, headers: Vec::new(), bytes: Vec::new() }))
        };
        own("GET", "/v1/me/history", "", "")?;
        let expires_at = format!("{}T00:00:00Z", *world.day.lock().unwrap() + chrono::Days::new(30));
        let order = json!({ "purpose": "x", "parts": ["certificates"], "expires_at": expires_at }).to_string();
        let share = own("POST", "/v1/me/shares", &order, &format!("{key} share {is_last_try}"))?;
        let link = format!("/v1/shares/{}", share["url"].as_str().unwrap().rsplit('/').next().unwrap());
        success(world.registry.get(&link))?;
        own("DELETE", &format!("/v1/me/shares/{}", share["share_id"].as_str().unwrap()), "", "")?;
        let offer = own("POST", &format!("/v1/me/certificates/{}/wallet_offers", certificate["certificate_id"].as_str().unwrap()), "{}", &format!("{key} offer {is_last_try}"))?;
        world.wallet(&offer)?;
        world.platform(session["access_token"].as_str().unwrap())?;
        let order = json!({ "subject_kind": "certificate", "subject_id": certificate["certificate_id"], "statement": "x" }).to_string();
        let dispute = own("POST", "/v1/me/disputes", &order, &format!("{key} dispute"))?;
        let answer = json!({ "outcome": "rejected", "answer": "x" });
        world.post(client, &format!("/v1/disputes/{}/answers", dispute["dispute_id"].as_str().unwrap()), &answer, &format!("{key} answer"))?;
        success(world.registry.send("DELETE", "/v1/me/session", &[("authorization", &bearer)], b"")).map(|_| ())
    }),
    ("browser", |world, n, _| {
        let send = |method: &str, path: &str, cookie: &str, body: &str, status: u16| {
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html"), ("cookie", cookie)];
            let reply = world.registry.try_send(method, path, &headers, body.as_bytes()).unwrap_or_else(|_| Reply { status: 503, headers: Vec::new(), bytes: Vec::new() });
            if reply.status == status { Ok(reply) } else { Err(reply) }
        };
        let sign_in = |(id, secret): &(String, String)| {
            let opened = send("POST", "/console/sign-in", "", &format!("client_id={id}&client_secret={secret}"), 303)?;
            let cookie = opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
            let page = send("GET", "/console", &cookie, "", 200)?.text();
            Ok::<_, Reply>((cookie, page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()))
        };
        let (worker, _) = world.worker(&world.school.client, n, &format!("browser {n}"))?;
        let certificate = world.post(&world.school.client, "/v1/certificates", &json!({ "worker_id": worker, "project": "电工安全" }), &format!("browser {n} certificate"))?;
        let id = certificate["certificate_id"].as_str().unwrap();
        let ((cookie, secret), (other, other_secret)) = (sign_in(&world.school.client)?, sign_in(world.registry.registrar())?);
        send("POST", &format!("/console/certificates/{id}/proposals"), &cookie, &format!("csrf={secret}&once={n:08x}&change=suspend&reason=x"), 303)?;
        let page = send("GET", "/console/proposals", &cookie, "", 200)?.text();
        let proposal = page.split("data-proposal=\"").find(|part| part.contains(id)).unwrap().split('"').next().unwrap();
        send("POST", &format!("/console/proposals/{proposal}/decision"), &other, &format!("csrf={other_secret}&once={n:08x}&decision=approve"), 303)?;
        send("POST", "/console/sign-out", &cookie, &format!("csrf={secret}&everywhere=yes"), 303).map(|_| ())
    }),
    ("compete", |world, n, _| {
        let key = format!("compete {n}");
        let registrar = world.registry.registrar();
        let (worker, _) = world.worker(registrar, n, &key)?;
        let order = json!({ "worker_id": worker, "competition": "x", "competition_level": "national", "event": "x", "place": 1, "held_on": "2026-03-01" });
        let result = world.post(registrar, "/v1/competition_results", &order, &key)?;
        let id = result["competition_result_id"].as_str().unwrap();
        world.post(registrar, "/v1/credit_recognitions", &json!({ "competition_result_id": id }), &format!("{key} credits"))?;
        world.post(registrar, &format!("/v1/competition_results/{id}/annulment"), &json!({ "reason": "x" }), &format!("{key} annulment")).map(|_| ())
    }),
    ("merge", |world, n, _| {
        let key = format!("merge {n}");
        let registrar = world.registry.registrar();
        let (worker, name) = world.worker(registrar, n, &key)?;
        let order = json!({ "name": name, "documents": [{ "document_type": "passport", "country": "FR", "document_number": format!("M{n:07}") }] });
        let other = world.post(registrar, "/v1/workers", &order, &format!("{key} other"))?;
        let joined = world.post(registrar, &format!("/v1/workers/{worker}/merges"), &json!({ "merged_worker_id": other["worker_id"], "reason": "x" }), &key)?;
        let path = format!("/v1/workers/{worker}/merges/{}/undo", joined["merge_id"].as_str().unwrap());
        world.post(registrar, &path, &json!({ "reason": "x" }), &format!("{key} undo")).map(|_| ())
    }),
    // A certificate's credits end with it.
    ("recognise", |world, n, _| {
        let key = format!("recognise {n}");
        let client = &world.school.client;
        let (worker, _) = world.worker(client, n, &key)?;
        let permit = json!({ "worker_id": worker, "category": "电工作业", "item": "低压电工作业" });
        let permit = world.post(client, "/v1/certificates", &permit, &format!("{key} permit"))?;
        world.post(world.registry.registrar(), "/v1/credit_recognitions", &json!({ "certificate_id": permit["certificate_id"] }), &format!("{key} credits"))?;
        let path = format!("/v1/certificates/{}/status_changes", permit["certificate_id"].as_str().unwrap());
        world.post(client, &path, &json!({ "change": "revoke", "reason": "x" }), &format!("{key} revoke")).map(|_| ())
    }),
    // More looks than a tile of the log has entries, so that one becomes full.
    ("look", |world, n, _| {
        let key = format!("look {n}");
        let client = &world.school.client;
        let (worker, name) = world.worker(client, n, &key)?;
        let certificate = world.post(client, "/v1/certificates", &json!({ "worker_id": worker, "project": "电工安全" }), &format!("{key} certificate"))?;
        world.acknowledge("look", n, &certificate, &name);
        let row = json!({ "certificate_number": certificate["certificate_number"], "name": name, "ground": "employment" });
        world.post(&world.employer, "/v1/verifications/bulk", &json!(vec![row; 300]), &format!("{key} bulk")).map(|_| ())
    }),
    ("batch", |world, n, is_last_try| {
        let key = format!("batch {n}");
        let client = &world.school.client;
        let (worker, name) = world.worker(client, n, &key)?;
        let row = |project: &str| json!({ "worker_id": worker, "project": project }).to_string();
        let job = world.file(client, "/v1/certificate_batches", "application/x-ndjson", &format!("{}\n{}\n", row("一"), row("二")), &format!("{key} file"))?;
        if is_last_try {
            assert_eq!(world.finish(client, &job)["failed"], 0);
            let rows = world.registry.get_as(client, &format!("{}/rows", path_of(&job)), &[]).expect(200);
            let outcomes: Vec<&str> = rows["items"].as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap()).collect();
            assert_eq!(outcomes, ["issued", "issued"], "{rows}");
            world.acknowledge("batch", n, &rows["items"][0], &name);
        }
        let path = format!("{}/status_changes", path_of(&job));
        if !is_last_try {
            // While the fault lasts, the steps meet it: of the batch, and, if it got through, of its change.
            std::thread::sleep(Duration::from_millis(150));
            if world.registry.get_as(client, &path_of(&job), &[]).json()["state"] != "finished" {
                return Ok(());
            }
        }
        let changed = world.post(client, &path, &json!({ "change": "suspend", "reason": "x" }), &format!("{key} change"))?;
        if is_last_try {
            world.finish(client, &changed);
        } else {
            std::thread::sleep(Duration::from_millis(150));
        }
        Ok(())
    }),
];

/// The organisations of the jobs.
pub fn world(registry: &TestRegistry) -> World<'_> {
    let filing = json!({ "valid_to": "2099-12-31" });
    let school = json!({ "certificate_kinds": ["training_completion", "special_operation"], "occupations": [], "number_prefix": null, "valid_from": "2020-01-01", "valid_to": "2099-12-31" });
    let (body, school) = (registry.body_with("52320100000000027X", filing), registry.body_with("123200000000000192", school));
    let (_, employer) = registry.organisation("91320102MA0TEXAM3X", "employer", "employer");
    let (_, teacher) = registry.organisation("93320115MA0AAAAA3M", "training_provider", "training_provider");
    World { registry, body, school, employer, teacher, acknowledged: Mutex::default(), day: Mutex::new("2026-03-02".parse().unwrap()), first_days: Mutex::default() }
}
