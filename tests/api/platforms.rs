//! Platforms that collect badges: registered, let in by a worker, reading, let go; and everything that they must not get.

use crate::on_both_databases;
use crate::own::{code, end_of, own, signed_in};
use crate::support::{Database, Reply, TestRegistry, Worker};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const BADGES: &str = "https://purl.imsglobal.org/spec/ob/v3p0/scope/credential.readonly";
const PROFILE: &str = "https://purl.imsglobal.org/spec/ob/v3p0/scope/profile.readonly";
const RECORDS: &str = "https://purl.imsglobal.org/spec/clr/v2p0/scope/credential.readonly";
const BACK: &str = "https://badges.example/callback?from=jilu";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn register(registry: &TestRegistry, change: impl FnOnce(&mut Value)) -> Reply {
    let mut order = json!({
        "client_name": "徽章收藏", "client_uri": "https://badges.example/", "redirect_uris": [BACK], "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "scope": format!("{BADGES} {PROFILE} {RECORDS} https://purl.imsglobal.org/spec/ob/v3p0/scope/credential.upsert offline_access"),
    });
    change(&mut order);
    registry.post("/oauth/registration", &order)
}

fn query(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn form<'a>(cookie: &'a str) -> [(&'static str, &'a str); 3] {
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html"), ("cookie", cookie)]
}

/// A browser in which a worker has signed in, and the platform that sends it around.
struct Visit<'a> {
    registry: &'a TestRegistry,
    cookie: String,
    client: (String, String),
}

impl<'a> Visit<'a> {
    fn of(registry: &'a TestRegistry, worker: &Worker) -> Self {
        let fields = query(&[("access_code", &code(registry, registry.registrar(), worker)), ("document_number_end", end_of(worker))]);
        let opened = registry.send("POST", "/own/sign-in", &form(""), fields.as_bytes());
        let client = register(registry, |_| {}).expect(201);
        let client = (client["client_id"].as_str().unwrap().to_owned(), client["client_secret"].as_str().unwrap().to_owned());
        Visit { registry, cookie: opened.header("set-cookie").unwrap().split(';').next().unwrap().to_owned(), client }
    }

    fn asking(&self, scope: &str, change: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let usual = [("response_type", "code"), ("client_id", self.client.0.as_str()), ("redirect_uri", BACK), ("scope", scope), ("state", "s&1"), ("code_challenge", &challenge), ("code_challenge_method", "S256")];
        let fields: Vec<(&str, &str)> = usual.into_iter().map(|(name, value)| (name, change.iter().find(|(changed, _)| *changed == name).map_or(value, |(_, value)| value))).filter(|(_, value)| !value.is_empty()).collect();
        query(&fields)
    }

    fn open(&self, asking: &str) -> Reply {
        self.registry.send("GET", &format!("/oauth/authorize?{asking}"), &form(&self.cookie), b"")
    }

    /// What the worker decides on the page, and where that leads.
    fn decide(&self, page: &str, decision: &str, last_day: &str) -> Reply {
        let field = |name: &str| {
            let text = page.split(&format!("name=\"{name}\" value=\"")).nth(1).unwrap().split('"').next().unwrap();
            text.replace("&amp;", "&").replace("&#x2f;", "/").replace("&#x3D;", "=")
        };
        let fields = query(&[("csrf", &field("csrf")), ("once", &field("once")), ("request", &field("request")), ("decision", decision), ("last_day", last_day)]);
        self.registry.send("POST", "/oauth/authorize", &form(&self.cookie), fields.as_bytes())
    }

    /// The code of a worker who consents.
    fn code(&self, scope: &str) -> String {
        let page = self.open(&self.asking(scope, &[]));
        assert_eq!(page.status, 200, "{}", page.text());
        let back = self.decide(&page.text(), "allow", "2026-03-20");
        assert_eq!(back.status, 303, "{}", back.text());
        told(&back)["code"].as_str().unwrap().to_owned()
    }

    fn token(&self, fields: &[(&str, &str)]) -> Reply {
        token(self.registry, &self.client, fields)
    }

    fn redeem(&self, code: &str, change: &[(&str, &str)]) -> Reply {
        let usual = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)];
        let fields: Vec<(&str, &str)> = usual.into_iter().map(|(name, value)| (name, change.iter().find(|(changed, _)| *changed == name).map_or(value, |(_, value)| value))).collect();
        self.token(&fields)
    }

    fn tokens(&self, scope: &str) -> Value {
        self.redeem(&self.code(scope), &[]).expect(200)
    }

    fn read(&self, tokens: &Value, path: &str) -> Reply {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        self.registry.send("GET", path, &[("authorization", &bearer), ("accept", "application/json")], b"")
    }
}

fn token(registry: &TestRegistry, client: &(String, String), fields: &[(&str, &str)]) -> Reply {
    let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", client.0, client.1)));
    registry.send("POST", "/oauth/token", &[("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic)], query(fields).as_bytes())
}

/// What the address says to which the worker is sent back.
fn told(back: &Reply) -> Value {
    let address = back.header("location").unwrap();
    let (page, fields) = address.split_once('?').unwrap();
    assert_eq!(page, "https://badges.example/callback");
    let fields: serde_json::Map<String, Value> = form_urlencoded::parse(fields.as_bytes()).map(|(name, value)| (name.to_string(), json!(value))).collect();
    assert_eq!((&fields["from"], &fields["state"]), (&json!("jilu"), &json!("s&1")), "what was there is kept");
    Value::Object(fields)
}

fn shares(registry: &TestRegistry, session: &Value) -> Value {
    own(registry, session, "GET", "/v1/me/shares").expect(200)["items"].clone()
}

on_both_databases!(a_platform_collects_what_a_worker_lets_it_and_no_longer, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let visit = Visit::of(registry, &worker);
    let page = visit.open(&visit.asking(&format!("{BADGES} {PROFILE} offline_access"), &[])).text();
    assert!(page.contains("徽章收藏") && page.contains("badges.example") && page.contains(&worker.name), "{page}");
    let code = visit.code(&format!("{BADGES} {PROFILE} offline_access"));
    let answer = visit.redeem(&code, &[]);
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    let tokens = answer.expect(200);
    assert_eq!((&tokens["token_type"], tokens["scope"].as_str().unwrap().split(' ').count()), (&json!("Bearer"), 3));

    // The badge is the certificate, checked by anybody.
    let collected = visit.read(&tokens, "/ims/ob/v3p0/credentials?limit=1");
    assert_eq!((collected.header("x-total-count"), collected.header("cache-control")), (Some("1"), Some("no-store")));
    let badge = collected.expect(200)["credential"][0].clone();
    let own_badge = registry.get_as(&body.client, &format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap()), &[("accept", "application/vc")]).expect(200);
    let checked = registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", "application/vc")], badge.to_string().as_bytes()).expect(200);
    assert_eq!((&checked["outcome"], &badge["id"]), (&json!("valid"), &own_badge["id"]), "{checked}");
    let profile = visit.read(&tokens, "/ims/ob/v3p0/profile").expect(200);
    assert_eq!((&profile["name"], &profile["type"]), (&json!(worker.name), &json!(["Profile"])));
    assert!(profile["id"].as_str().unwrap().starts_with("urn:uuid:") && !profile.to_string().contains(&worker.number));
    let refused = visit.read(&tokens, "/ims/clr/v2p0/credentials");
    assert_eq!((refused.status, refused.json()["imsx_codeMajor"].as_str()), (403, Some("failure")), "not consented to");

    // The worker sees it, and each reading.
    let listed = shares(registry, &session);
    assert_eq!((&listed[0]["platform"], &listed[0]["url"], &listed[0]["parts"], &listed[0]["views"]), (&json!("徽章收藏"), &Value::Null, &json!(["certificates"]), &json!(2)));
    let refresh = tokens["refresh_token"].as_str().unwrap();
    assert_eq!(registry.get(&format!("/v1/shares/{refresh}")).status, 404, "a refresh token is no link");

    // It goes on, with less if it wants, until the day that was chosen.
    registry.set_clock("2026-03-11T01:00:00Z");
    assert_eq!(visit.read(&tokens, "/ims/ob/v3p0/profile").status, 401, "access tokens are short");
    let later = visit.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", PROFILE)]).expect(200);
    assert_eq!((&later["scope"], visit.read(&later, "/ims/ob/v3p0/credentials").status, visit.read(&later, "/ims/ob/v3p0/profile").status), (&json!(PROFILE), 403, 200));
    registry.set_clock("2026-03-20T15:59:00Z");
    let last = visit.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).expect(200);
    assert_eq!(last["expires_in"], 59, "no longer than the consent");
    registry.set_clock("2026-03-20T16:01:00Z");
    assert_eq!(visit.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]).json()["error"], "invalid_grant");
    registry.expect_clean_audit();
});

on_both_databases!(a_platform_pages_through_badges_and_takes_the_learner_record, |registry| {
    let body = registry.body();
    let (worker, first) = registry.certificate(&body, 1);
    let order = json!({ "worker_id": worker.id, "project": "电工安全" });
    let school = registry.body_with("123200000000000192", json!({ "certificate_kinds": ["training_completion"], "occupations": [], "number_prefix": null }));
    registry.set_clock("2026-03-10T02:00:00Z");
    let second = registry.post_as(&school.client, "/v1/certificates", &order).expect(201);
    let visit = Visit::of(registry, &worker);
    let tokens = visit.tokens(&format!("{BADGES} {RECORDS}"));
    assert_eq!(tokens["refresh_token"], Value::Null, "it did not ask to go on");
    let numbers = |reply: &Reply| -> Vec<String> { reply.json()["credential"].as_array().unwrap().iter().map(|badge| badge["credentialSubject"]["achievement"]["name"].to_string()).collect() };
    let all = visit.read(&tokens, "/ims/ob/v3p0/credentials");
    assert_eq!(numbers(&all).len(), 2);
    let one = visit.read(&tokens, "/ims/ob/v3p0/credentials?limit=1&offset=1");
    assert_eq!((numbers(&one), one.header("x-total-count")), (numbers(&all)[1..].to_vec(), Some("2")));
    let links = one.header("link").unwrap();
    assert!(links.contains("offset=0>; rel=\"prev\"") && links.contains("offset=1>; rel=\"last\"") && !links.contains("\"next\""), "{links}");
    let since = visit.read(&tokens, "/ims/ob/v3p0/credentials?since=2026-03-10T01:30:00Z");
    assert_eq!((since.header("x-total-count"), numbers(&since)), (Some("1"), numbers(&all)[1..].to_vec()));
    for (wrong, name) in [("limit=0", "limit"), ("limit=x", "limit"), ("offset=-1", "offset"), ("since=yesterday", "since")] {
        let refused = visit.read(&tokens, &format!("/ims/ob/v3p0/credentials?{wrong}"));
        let info = refused.expect(400);
        assert_eq!((&info["imsx_codeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"], info["imsx_description"].as_str().unwrap().starts_with(name)), (&json!("invalid_query_parameter"), true));
    }
    let record = visit.read(&tokens, "/ims/clr/v2p0/credentials").expect(200)["compactJwsString"][0].as_str().unwrap().to_owned();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(record.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(claims["credentialSubject"]["verifiableCredential"].as_array().unwrap().len(), 2, "{first} {second}");
    assert_eq!(registry.get(&format!("/v1/history_exports/{}", hex::encode(Sha256::digest(&record)))).status, 200, "its digest is an entry of the log");
    registry.expect_clean_audit();
});

on_both_databases!(a_code_serves_once_and_for_its_own_platform_only, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let (session, visit) = (signed_in(registry, &worker), Visit::of(registry, &worker));
    let other = register(registry, |order| order["client_name"] = json!("另一平台")).expect(201);
    let other = (other["client_id"].as_str().unwrap().to_owned(), other["client_secret"].as_str().unwrap().to_owned());
    let code = visit.code(BADGES);
    let wrong: [&[(&str, &str)]; 4] = [&[("code_verifier", "x")], &[("redirect_uri", "https://badges.example/callback")], &[("code", "shr_x.y")], &[("code", &code[..code.len() - 1])]];
    for change in wrong {
        assert_eq!(visit.redeem(&code, change).expect(400)["error"], "invalid_grant", "{change:?}");
    }
    let fields = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", BACK), ("code_verifier", VERIFIER)];
    assert_eq!(token(registry, &other, &fields).expect(400)["error"], "invalid_grant", "a stolen code");
    assert_eq!(token(registry, &(visit.client.0.clone(), other.1.clone()), &fields).expect(401)["error"], "invalid_client");
    assert_eq!(visit.token(&fields[..3]).expect(400)["error"], "invalid_request", "no verifier");
    let tokens = visit.redeem(&code, &[]).expect(200);
    assert_eq!(visit.read(&tokens, "/ims/ob/v3p0/credentials").status, 200);
    assert_eq!(visit.redeem(&code, &[]).expect(400)["error"], "invalid_grant");
    assert_eq!(visit.read(&tokens, "/ims/ob/v3p0/credentials").status, 401, "a code that comes twice ends what it opened");
    assert_eq!(shares(registry, &session)[0]["state"], "withdrawn");
    let late = visit.code(BADGES);
    registry.set_clock("2026-03-10T01:02:01Z");
    assert_eq!(visit.redeem(&late, &[]).expect(400)["error"], "invalid_grant", "codes are short");
    registry.expect_clean_audit();
});

on_both_databases!(a_worker_or_the_platform_itself_ends_it, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let (session, visit) = (signed_in(registry, &worker), Visit::of(registry, &worker));
    let revoke = |client: &(String, String), token: &str| {
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", client.0, client.1)));
        registry.send("POST", "/oauth/revocation", &[("content-type", "application/x-www-form-urlencoded"), ("authorization", &basic)], query(&[("token", token)]).as_bytes()).status
    };
    let other = register(registry, |order| order["client_name"] = json!("另一平台")).expect(201);
    let other = (other["client_id"].as_str().unwrap().to_owned(), other["client_secret"].as_str().unwrap().to_owned());
    for by_which in ["refresh_token", "access_token"] {
        let tokens = visit.tokens(&format!("{BADGES} offline_access"));
        let token = tokens[by_which].as_str().unwrap();
        assert_eq!((revoke(&other, token), visit.read(&tokens, "/ims/ob/v3p0/credentials").status), (200, 200), "somebody else's token is as good as none");
        assert_eq!((revoke(&visit.client, token), visit.read(&tokens, "/ims/ob/v3p0/credentials").status), (200, 401));
        assert_eq!(visit.token(&[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]).status, 400);
        assert_eq!(revoke(&visit.client, token), 200, "once more changes nothing");
    }
    let tokens = visit.tokens(&format!("{BADGES} offline_access"));
    let id = shares(registry, &session).as_array().unwrap().iter().find(|share| share["state"] == "open").unwrap()["share_id"].as_str().unwrap().to_owned();
    assert_eq!(own(registry, &session, "DELETE", &format!("/v1/me/shares/{id}")).status, 204);
    assert_eq!((visit.read(&tokens, "/ims/ob/v3p0/credentials").status, visit.redeem("x", &[]).status), (401, 400));
    // A platform's token opens nothing else, and nothing else opens what platforms read.
    let tokens = visit.tokens(&format!("{BADGES} {RECORDS}"));
    for path in ["/v1/me", "/v1/me/record", "/v1/certificates", &format!("/v1/workers/{}", worker.id)] {
        assert_eq!(visit.read(&tokens, path).status, 401, "{path}");
    }
    for session in [&session, &json!({ "access_token": registry.token(&body.client) }), &json!({ "access_token": "x" })] {
        assert_eq!(visit.read(session, "/ims/ob/v3p0/credentials").status, 401);
    }
    let refused = registry.get("/ims/ob/v3p0/credentials");
    assert!(refused.header("www-authenticate").unwrap().starts_with("Bearer"));
});

on_both_databases!(nobody_is_sent_where_nobody_vouched_for, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let visit = Visit::of(registry, &worker);
    // Told to the reader, with no redirect.
    let (head, seal) = visit.client.0.split_once('.').unwrap();
    let forged = format!("{}.{seal}", URL_SAFE_NO_PAD.encode(String::from_utf8(URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap().replace("badges.example", "evil.example")));
    for change in [("client_id", "x"), ("client_id", forged.as_str()), ("redirect_uri", "https://evil.example/"), ("redirect_uri", "https://badges.example/callback?from=jilu&x")] {
        let page = visit.open(&visit.asking(BADGES, &[change]));
        assert_eq!((page.status, page.header("location")), (400, None), "{change:?}");
    }
    // Told to the platform.
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    for (change, error) in [(("response_type", "token"), "unsupported_response_type"), (("code_challenge", ""), "invalid_request"), (("code_challenge", VERIFIER.get(1..).unwrap()), "invalid_request"), (("code_challenge_method", "plain"), "invalid_request"), (("scope", "offline_access"), "invalid_scope"), (("scope", "self"), "invalid_scope")] {
        let back = visit.open(&visit.asking(BADGES, &[change]));
        assert_eq!((back.status, &told(&back)["error"]), (303, &json!(error)), "{change:?} {challenge}");
    }
    let page = visit.open(&visit.asking(BADGES, &[])).text();
    assert_eq!(told(&visit.decide(&page, "deny", ""))["error"], "access_denied");
    // A form of another page, and a day that is too late.
    assert_eq!(registry.send("POST", "/oauth/authorize", &form(&visit.cookie), format!("csrf=x&decision=allow&request={}", visit.asking(BADGES, &[])).as_bytes()).status, 403);
    let page = visit.open(&visit.asking(&format!("{BADGES} offline_access"), &[])).text();
    assert_eq!(visit.decide(&page, "allow", "2027-03-20").status, 400);
    // The same form twice is one consent.
    let (one, two) = (visit.decide(&page, "allow", "2026-03-20"), visit.decide(&page, "allow", "2026-03-20"));
    assert_eq!((told(&one), one.status), (told(&two), 303));
    assert_eq!(shares(registry, &signed_in(registry, &worker)).as_array().unwrap().len(), 1);
    // Whoever has not signed in does so first, and comes back to the question; to nothing else.
    let asked = registry.send("GET", &format!("/oauth/authorize?{}", visit.asking(BADGES, &[])), &form(""), b"");
    let place = asked.header("location").unwrap().strip_prefix("/own/sign-in?").unwrap().to_owned();
    let then = form_urlencoded::parse(place.as_bytes()).next().unwrap().1.to_string();
    for (then, leads_to) in [(then.as_str(), then.as_str()), ("https://evil.example/", "/own"), ("//evil.example/oauth/authorize?", "/own"), ("/oauth/authorize", "/own")] {
        let fields = query(&[("access_code", &code(registry, registry.registrar(), &worker)), ("document_number_end", end_of(&worker)), ("then", then)]);
        assert_eq!(registry.send("POST", "/own/sign-in", &form(""), fields.as_bytes()).header("location"), Some(leads_to));
    }
});

on_both_databases!(a_platform_registers_by_the_rules, |registry| {
    let answer = register(registry, |_| {}).expect(201);
    assert_eq!((&answer["client_secret_expires_at"], &answer["redirect_uris"], &answer["token_endpoint_auth_method"]), (&json!(0), &json!([BACK]), &json!("client_secret_basic")));
    assert!(!answer["scope"].as_str().unwrap().contains("upsert"), "what is not here is left away, and it is told");
    assert!(answer["client_id"].as_str().unwrap().len() <= 255);
    for (member, value, error) in [
        ("redirect_uris", json!(["http://badges.example/callback"]), "invalid_redirect_uri"),
        ("redirect_uris", json!(["https://badges.example/#x"]), "invalid_redirect_uri"),
        ("redirect_uris", json!([]), "invalid_redirect_uri"),
        ("redirect_uris", json!("https://badges.example/"), "invalid_client_metadata"),
        ("client_name", json!(""), "invalid_client_metadata"),
        ("client_name", json!("a".repeat(61)), "invalid_client_metadata"),
        ("scope", json!("self"), "invalid_client_metadata"),
        ("grant_types", json!(["implicit"]), "invalid_client_metadata"),
        ("response_types", json!(["token"]), "invalid_client_metadata"),
        ("token_endpoint_auth_method", json!("none"), "invalid_client_metadata"),
    ] {
        let refused = register(registry, |order| order[member] = value.clone());
        assert_eq!((refused.status, &refused.json()["error"]), (400, &json!(error)), "{member} {value}");
    }
    let server = registry.get("/.well-known/oauth-authorization-server").expect(200);
    for (service, path) in [("/ims/ob/v3p0/discovery", "/credentials"), ("/ims/clr/v2p0/discovery", "/credentials")] {
        let description = registry.get(service).expect(200);
        let scheme = &description["components"]["securitySchemes"]["OAuth2ACG"];
        let flow = &scheme["flows"]["authorizationCode"];
        assert_eq!((&scheme["x-imssf-registrationUrl"], &flow["authorizationUrl"], &flow["tokenUrl"], &flow["refreshUrl"]), (&server["registration_endpoint"], &server["authorization_endpoint"], &server["token_endpoint"], &server["token_endpoint"]));
        let scope = description["paths"][path]["get"]["security"][0]["OAuth2ACG"][0].as_str().unwrap();
        assert!(flow["scopes"].get(scope).is_some() && description["info"]["title"].is_string());
    }
});

/// The list of hosts holds at every door, also for platforms that came before it became shorter.
#[test]
fn only_hosts_that_the_operator_lists_come_in() {
    let registry = TestRegistry::start(Database::Sqlite, &[("platform_hosts", "badges.example")]);
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    assert_eq!(register(&registry, |order| order["redirect_uris"] = json!(["https://evil.example/"])).expect(400)["error"], "invalid_redirect_uri");
    let visit = Visit::of(&registry, &worker);
    let code = visit.code(&format!("{BADGES} offline_access"));
    let tokens = visit.redeem(&code, &[]).expect(200);
    let (client, cookie, asking) = (visit.client.clone(), visit.cookie.clone(), visit.asking(BADGES, &[]));
    let (directory, url, _) = registry.stop();
    let registry = TestRegistry::start_at(directory, url, &[("platform_hosts", "none")]);
    registry.set_clock("2026-03-10T01:00:00Z");
    let visit = Visit { registry: &registry, cookie, client };
    assert_eq!(visit.open(&asking).status, 400);
    assert_eq!(visit.read(&tokens, "/ims/ob/v3p0/credentials").status, 401);
    assert_eq!(visit.token(&[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]).status, 401);
}
