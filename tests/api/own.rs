//! Workers sign in with a one-time code, and see what is their own: record, credits, certificates, who looked.

use crate::on_both_databases;
use crate::support::{Reply, TestRegistry, Worker};
use serde_json::{Value, json};

pub fn code(registry: &TestRegistry, by: &(String, String), worker: &Worker) -> String {
    registry.post_as(by, &format!("/v1/workers/{}/access_codes", worker.id), &json!({})).expect(201)["access_code"].as_str().unwrap().to_owned()
}

pub fn sign_in(registry: &TestRegistry, code: &str, number_end: &str) -> Reply {
    registry.post("/v1/sessions", &json!({ "access_code": code, "document_number_end": number_end }))
}

pub fn end_of(worker: &Worker) -> &str {
    &worker.number[worker.number.len() - 6..]
}

/// A session of a worker, by a code that the registrar made.
pub fn signed_in(registry: &TestRegistry, worker: &Worker) -> Value {
    sign_in(registry, &code(registry, registry.registrar(), worker), end_of(worker)).expect(201)
}

on_both_databases!(a_worker_ends_one_session_or_all_of_them, |registry| {
    let body = registry.body();
    let (worker, other) = (registry.worker(&body.client, 1), registry.worker(&body.client, 2));
    let sessions = [(); 3].map(|()| signed_in(registry, &worker));
    let foreign = signed_in(registry, &other);
    let is_open = |session: &Value| own(registry, session, "GET", "/v1/me").status == 200;
    assert!(sessions.iter().chain([&foreign]).all(is_open));
    let token = sessions[1]["access_token"].as_str().unwrap().to_owned();
    assert_eq!(own(registry, &sessions[0], "DELETE", "/v1/me/session").status, 204);
    assert_eq!(sessions.each_ref().map(is_open), [false, true, true], "at once where it was asked for");
    // Another node ends all of them; this one knows within two seconds.
    registry.with_node(async |node| {
        let signed_in = node.find_signed_in_worker(&token).await.unwrap().unwrap();
        node.end_worker_sessions(&signed_in, true).await.unwrap();
    });
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert_eq!(sessions.each_ref().map(is_open), [false; 3]);
    assert!(is_open(&foreign), "nobody else is signed out");
    registry.expect_clean_audit();
});

/// A JSON request in the worker's own name.
pub fn own_post(registry: &TestRegistry, session: &Value, path: &str, body: &Value) -> Reply {
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    registry.send("POST", path, &[("authorization", &bearer), ("content-type", "application/json")], body.to_string().as_bytes())
}

/// A request in the worker's own name.
pub fn own(registry: &TestRegistry, session: &Value, method: &str, path: &str) -> Reply {
    let bearer = format!("Bearer {}", session["access_token"].as_str().unwrap());
    registry.send(method, path, &[("authorization", &bearer)], b"")
}

on_both_databases!(a_worker_signs_in_once_with_a_code_and_sees_what_is_their_own, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let code = code(registry, &body.client, &worker);
    assert_eq!(code.len(), 11);
    let session = sign_in(registry, &code.to_lowercase().replace('-', " "), &end_of(&worker).to_lowercase()).expect(201);
    assert_eq!((&session["scope"], &session["worker_id"], &session["expires_in"]), (&json!("self"), &json!(worker.id), &json!(1800)));
    assert_eq!(sign_in(registry, &code, end_of(&worker)).status, 401, "a code opens one session");
    let me = own(registry, &session, "GET", "/v1/me").expect(200);
    assert_eq!((&me["name"], &me["worker_id"]), (&json!(worker.name), &json!(worker.id)));
    assert!(!me.to_string().contains(&worker.number), "numbers are masked even here");
    let kinds: Vec<String> = own(registry, &session, "GET", "/v1/me/record").expect(200)["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.last().unwrap(), "certificate_issued");
    assert_eq!(own(registry, &session, "GET", "/v1/me/credits").expect(200)["balance"], "0.0");
    assert!(own(registry, &session, "GET", "/v1/me/credits/entries").expect(200)["items"].as_array().unwrap().is_empty());
    let certificates = own(registry, &session, "GET", "/v1/me/certificates").expect(200);
    let id = certificate["certificate_id"].as_str().unwrap();
    assert_eq!(certificates["items"][0]["certificate_id"], id);
    let credential = own(registry, &session, "GET", &format!("/v1/me/certificates/{id}"));
    let by_the_body = registry.get_as(&body.client, &format!("/v1/certificates/{id}"), &[("accept", "application/vc+jwt")]);
    assert_eq!((credential.header("content-type"), &credential.bytes), (Some("application/vc+jwt"), &by_the_body.bytes));
    assert_eq!(own(registry, &session, "DELETE", "/v1/me/session").status, 204);
    assert_eq!(own(registry, &session, "GET", "/v1/me").status, 401, "signed out");
});

on_both_databases!(ones_own_record_is_never_an_old_one, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let read = || own(registry, &session, "GET", "/v1/me/record");
    let (first, second) = (read(), read());
    assert_eq!((first.header("etag"), &first.bytes), (second.header("etag"), &second.bytes), "nothing has changed");
    let path = format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap());
    registry.post_as(&body.client, &path, &json!({ "change": "suspend", "reason": "x" })).expect(200);
    let third = read();
    assert_ne!(third.header("etag"), first.header("etag"));
    let items = |reply: &Reply| reply.json()["items"].as_array().unwrap().len();
    assert_eq!(items(&third), items(&first) + 1);
});

on_both_databases!(a_workers_token_is_good_for_nothing_else_and_others_tokens_not_for_it, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (_, foreign) = registry.certificate(&body, 2);
    let session = sign_in(registry, &code(registry, registry.registrar(), &worker), end_of(&worker)).expect(201);
    for path in [format!("/v1/workers/{}", worker.id), format!("/v1/workers/{}/record", worker.id), "/v1/certificates".into(), "/v1/signals".into()] {
        assert_eq!(own(registry, &session, "GET", &path).status, 401, "{path}");
    }
    assert_eq!(own(registry, &session, "GET", &format!("/v1/me/certificates/{}", foreign["certificate_id"].as_str().unwrap())).status, 404);
    for path in ["/v1/me", "/v1/me/record", "/v1/me/lookups"] {
        assert_eq!(registry.get_as(registry.registrar(), path, &[]).status, 401, "{path}");
        assert_eq!(registry.get(path).status, 401, "{path}");
    }
    registry.set_clock("2026-03-10T01:31:00Z");
    assert_eq!(own(registry, &session, "GET", "/v1/me").status, 401, "after half an hour");
});

on_both_databases!(a_code_wears_out_and_expires, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let worn = code(registry, &body.client, &worker);
    for _ in 0..5 {
        let refused = sign_in(registry, &worn, "000000");
        assert!(refused.status == 401 && refused.json()["type"].as_str().unwrap().ends_with("wrong-access-code"), "{}", refused.text());
    }
    let right = sign_in(registry, &worn, end_of(&worker));
    assert_eq!(right.status, 401, "the sixth try is too late");
    let unknown = sign_in(registry, "AAAAA-AAAAA", end_of(&worker));
    let without_id = |reply: &Reply| {
        let mut body = reply.json();
        body.as_object_mut().unwrap().remove("request_id");
        body
    };
    assert_eq!((unknown.status, without_id(&unknown)), (right.status, without_id(&right)), "an unknown code and a worn one look the same");
    assert_eq!(sign_in(registry, &worn, "1").fields(), ["document_number_end"]);
    for _ in 0..3 {
        sign_in(registry, "AAAAA-AAAAA", "000000");
    }
    let waits = sign_in(registry, "AAAAA-AAAAA", "000000");
    assert!(waits.status == 429 && waits.header("retry-after").is_some(), "ten wrong ones from one address");
});

on_both_databases!(an_expired_code_opens_nothing, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let code = code(registry, &body.client, &worker);
    registry.set_clock("2026-03-13T01:00:01Z");
    assert_eq!(sign_in(registry, &code, end_of(&worker)).status, 401);
    let school = registry.organisation("91320102MA0TEXAM3X", "training_provider", "training_provider").1;
    assert_eq!(registry.post_as(&school, &format!("/v1/workers/{}/access_codes", worker.id), &json!({})).status, 404, "a school that has nothing to do with the worker");
});

on_both_databases!(a_code_opens_one_session_however_many_try_at_once, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let code = code(registry, &body.client, &worker);
    let opened = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..5).map(|_| scope.spawn(|| sign_in(registry, &code, end_of(&worker)).status)).collect();
        tries.into_iter().map(|one| one.join().unwrap()).filter(|status| *status == 201).count()
    });
    assert_eq!(opened, 1);
});

on_both_databases!(a_worker_sees_who_looked, |registry| {
    let body = registry.body();
    let employer = registry.organisation("91320102MA0TEXAM3X", "employer", "employer").1;
    let (worker, certificate) = registry.certificate(&body, 1);
    registry.let_time_pass();
    let row = json!([{ "certificate_number": certificate["certificate_number"], "name": worker.name }]);
    registry.post_as(&employer, "/v1/verifications/bulk?ground=employment", &row).expect(200);
    registry.get_as(&body.client, &format!("/v1/workers/{}/record", worker.id), &[]).expect(200);
    registry.get_as(registry.registrar(), &format!("/v1/workers/{}/credits", worker.id), &[]).expect(200);
    let session = sign_in(registry, &code(registry, registry.registrar(), &worker), end_of(&worker)).expect(201);
    own(registry, &session, "GET", "/v1/me/record").expect(200);
    let looks = |limit: usize, cursor: &str| own(registry, &session, "GET", &format!("/v1/me/lookups?limit={limit}{cursor}")).expect(200);
    let all = looks(50, "");
    let parts: Vec<&str> = all["items"].as_array().unwrap().iter().map(|look| look["part"].as_str().unwrap()).collect();
    assert_eq!(parts, ["access_code", "credits", "record", "certificate"], "the newest first, and one's own looks are none");
    let of_employer = &all["items"][3];
    assert_eq!((&of_employer["ground"], &of_employer["certificate_id"]), (&json!("employment"), &certificate["certificate_id"]));
    assert!(of_employer["organisation_name"].as_str().unwrap().contains("示例机构"));
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = looks(1, &cursor);
        paged.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(json!(paged), all["items"]);
});
