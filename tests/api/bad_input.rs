//! Bad input: one clear problem document, and nothing half done.

use crate::support::{Database, TestRegistry};
use serde_json::{Value, json};

#[test]
fn bodies_that_cannot_be_read_are_named() {
    let registry = TestRegistry::start(Database::Sqlite, &[("body_bytes_max", "2048"), ("upload_bytes_max", "4096")]);
    let bearer = format!("Bearer {}", registry.token(registry.registrar()));
    let send = |media_type: &str, body: &[u8]| registry.send("POST", "/v1/organisations", &[("authorization", &bearer), ("content-type", media_type)], body);
    let json = |body: &str| send("application/json", body.as_bytes());
    for (reply, status, part) in [
        (json(""), 400, "not JSON"),
        (json("{"), 400, "not JSON"),
        (json("[]"), 400, "invalid length 0"),
        (json("{} {}"), 400, "trailing characters"),
        (json(r#"{"name":"a","name":"b"}"#), 400, "twice"),
        (json(r#"{"name":5,"kinds":[],"unified_social_credit_code":"x"}"#), 400, "expected a string"),
        (json(r#"{"name":"a","kinds":"x","unified_social_credit_code":"x"}"#), 400, "expected a sequence"),
        (json(r#"{"name":"a","kinds":["employer"]}"#), 400, "missing field"),
        (send("application/json", b"{\"name\":\"\xff\"}"), 400, "not UTF-8"),
        (send("text/plain", b"{}"), 415, "text/plain"),
        (send("application/xml", b"<x/>"), 415, "application/json expected"),
        (json(&" ".repeat(3000)), 413, "2048"),
        (json(&"[".repeat(1000)), 400, "not JSON"),
    ] {
        assert_eq!(reply.status, status, "{}", reply.text());
        assert_eq!(reply.header("content-type"), Some("application/problem+json"));
        let problem = reply.json();
        assert!(problem["detail"].as_str().unwrap().contains(part), "{part}: {problem}");
        assert_eq!(problem["request_id"].as_str(), reply.header("x-request-id"));
    }
    let unknown = json(r#"{"name":"a","kinds":[],"unified_social_credit_code":"x","colour":"red"}"#);
    assert_eq!(unknown.fields(), ["colour"]);
    let gzip = registry.send("POST", "/v1/organisations", &[("authorization", &bearer), ("content-type", "application/json"), ("content-encoding", "gzip")], b"\x1f\x8b");
    assert_eq!(gzip.status, 415);
}

#[test]
fn unknown_paths_methods_and_identifiers_are_problems_too() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    for path in ["/nothing", "/v1/organisations/17", "/v1/organisations/org_1", "/status/revocation/999", "/status/colour/1", "/status/revocation/x"] {
        let reply = registry.get(path);
        assert_eq!((reply.status, reply.header("content-type")), (404, Some("application/problem+json")), "{path}");
    }
    for path in ["/v1/workers/wkr_1", "/v1/assessment_sessions/x", "/v1/jobs/job_1", "/v1/certificates/S1", "/v1/certificates/crt_1"] {
        assert_eq!(registry.get_as(&body.client, path, &[]).status, 404, "{path}");
    }
    let reply = registry.send("PUT", "/v1/organisations", &[], b"");
    assert_eq!((reply.status, reply.header("content-type")), (405, Some("application/problem+json")));
    let refused = registry.get_as(&body.client, "/v1/certificates/S000032000001263000001", &[("accept", "image/gif")]);
    assert_eq!(refused.status, 406);
    let key = registry.post_with(&body.client, "/v1/workers", &json!({}), &[("idempotency-key", &"x".repeat(201))]);
    assert_eq!(key.status, 400);
}

/// Every POST and PATCH of the document, with values of the wrong type in every field: always a problem, never a fault of ours.
#[test]
fn no_wrong_type_in_any_field_of_any_operation_is_our_fault() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let document = serde_json::to_value(jilu::http::openapi()).unwrap();
    let wrong: [Value; 9] = [Value::Null, json!(5), json!(-1.5), json!(true), json!("\u{0}\u{202e}"), json!("x".repeat(5000)), json!([]), json!({}), json!([[{}]])];
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path
            .replace("{organisation_id}", &body.organisation)
            .replace("{worker_id}", certificate["worker_id"].as_str().unwrap())
            .replace("{session_id}", certificate["session_id"].as_str().unwrap())
            .replace("{certificate_number}", certificate["certificate_number"].as_str().unwrap())
            .replace("{filing_id}", certificate["filing_id"].as_str().unwrap())
            .replace("{client_id}", "cli_01ka4zrjh00000000000000000")
            .replace("{job_id}", "job_01ka4zrjh00000000000000000");
        for method in ["post", "patch", "delete"] {
            let Some(reference) = operations[method]["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str() else { continue };
            let schema = &document["components"]["schemas"][reference.rsplit('/').next().unwrap()];
            for client in [registry.registrar(), &body.client] {
                let bearer = format!("Bearer {}", registry.token(client));
                for field in schema["properties"].as_object().unwrap().keys() {
                    for value in &wrong {
                        let mut order = schema["example"].clone();
                        order[field] = value.clone();
                        let reply = registry.send(&method.to_uppercase(), &path, &[("authorization", &bearer), ("content-type", "application/json")], order.to_string().as_bytes());
                        assert!(reply.status < 500, "{method} {path} {field} = {value}: {}", reply.text());
                        // OAuth has its own form of a refusal (RFC 7591, 3.2.2).
                        let refusal = if path.starts_with("/oauth/") { "application/json" } else { "application/problem+json" };
                        assert!(reply.status < 400 || reply.header("content-type") == Some(refusal), "{method} {path}");
                        asked += 1;
                    }
                }
            }
        }
    }
    assert!(asked > 500, "only {asked} requests");
}

crate::on_both_databases!(a_nul_character_is_nobodys_name_and_no_fault_of_ours, |registry| {
    let body = registry.body();
    for path in ["/v/%00", "/status/%00/1", "/v1/organisations/%00", "/v1/catalogue/%00"] {
        assert_eq!(registry.get(path).status, 404, "{path}");
    }
    assert_eq!(registry.get("/v1/organisations?cursor=AA").status, 400);
    assert_eq!(registry.post("/v1/verifications", &json!({ "certificate_number": "\u{0}", "name": "张三" })).status, 400);
    let candidates = json!({ "candidates": [{ "worker_id": "wkr_\u{0}" }] });
    let session = registry.session(&body, &[], json!({}));
    assert_eq!(registry.post_as(&body.client, &format!("/v1/assessment_sessions/{session}/candidates"), &candidates).status, 400);
});

crate::on_both_databases!(personal_data_in_the_wrong_place_does_not_come_back, |registry| {
    let body = registry.body();
    let number = registry.worker(&body.client, 1).number;
    let as_number: Value = serde_json::from_str(number.trim_end_matches('X')).unwrap();
    let reply = registry.post_as(&body.client, "/v1/workers", &json!({ "name": "张三", "documents": [{ "document_number": as_number }] }));
    assert!(reply.status == 400 && !reply.text().contains(&number[..12]), "{}", reply.text());
    let session = registry.session(&body, &[], json!({}));
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let file = format!("{number},86,90\n");
    let reply = registry.send("POST", &format!("/v1/assessment_sessions/{session}/results"), &[("authorization", &bearer), ("content-type", "text/csv")], file.as_bytes());
    assert!(reply.status == 400 && !reply.text().contains(&number), "{}", reply.text());
});

#[test]
fn a_method_that_a_path_does_not_have_is_answered_with_those_it_has() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    for (method, path, allow) in [("DELETE", "/v1/certificates", "GET, HEAD, POST"), ("GET", "/v1/verifications", "POST"), ("POST", "/healthz", "GET, HEAD")] {
        let reply = registry.send(method, path, &[], b"");
        assert_eq!((reply.status, reply.header("allow"), reply.header("content-type")), (405, Some(allow), Some("application/problem+json")), "{method} {path}");
    }
    assert_eq!(registry.send("DELETE", "/v1/nowhere", &[], b"").status, 404);
    let (head, get) = (registry.send("HEAD", "/v1/catalogue/levels", &[], b""), registry.get("/v1/catalogue/levels"));
    assert_eq!((head.status, head.header("etag"), head.bytes.len()), (200, get.header("etag"), 0));
}
