//! Access: tokens, scopes, and that a body sees and touches only its own.

use crate::on_both_databases;
use crate::support::{Database, TestRegistry};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

on_both_databases!(a_body_sees_and_touches_only_its_own, |registry| {
    let own = registry.body();
    let other = registry.body_with("123200000000000192", json!({ "number_prefix": "S000032000002" }));
    let (worker, certificate) = registry.certificate(&own, 1);
    let session = certificate["session_id"].as_str().unwrap();
    let number = certificate["certificate_number"].as_str().unwrap();
    let missing = registry.get_as(&other.client, "/v1/certificates/S000032000001263999999", &[]);
    for path in [format!("/v1/certificates/{number}"), format!("/v1/certificates/{number}/history"), format!("/v1/assessment_sessions/{session}"), format!("/v1/assessment_sessions/{session}/candidates")] {
        let foreign = registry.get_as(&other.client, &path, &[]);
        assert_eq!(foreign.status, 404, "{path}");
        let strip = |reply: &crate::support::Reply| {
            let mut body = reply.json();
            body.as_object_mut().unwrap().remove("request_id");
            body
        };
        assert_eq!(strip(&foreign), strip(&missing), "a foreign thing and a missing one answer alike");
    }
    for (path, order) in [
        (format!("/v1/certificates/{number}/status_changes"), json!({ "change": "revoke", "reason": "x" })),
        (format!("/v1/certificates/{number}/corrections"), json!({ "name": "王五", "reason": "x" })),
        (format!("/v1/assessment_sessions/{session}/candidates"), json!({ "candidates": [{ "worker_id": worker.id }] })),
        (format!("/v1/assessment_sessions/{session}/results"), json!({ "results": [{ "worker_id": worker.id, "theory": "1", "practical": "1" }] })),
        (format!("/v1/assessment_sessions/{session}/publication"), json!({})),
        (format!("/v1/assessment_sessions/{session}/certificates"), json!({})),
    ] {
        assert_eq!(registry.post_as(&other.client, &path, &order).status, 404, "{path}");
    }
    let foreign_session = registry.post_as(&other.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session }));
    assert_eq!(foreign_session.status, 400);
    assert_eq!(registry.get_as(&own.client, &format!("/v1/certificates/{number}"), &[]).status, 200);
});

on_both_databases!(every_role_is_held_to_its_scopes, |registry| {
    let body = registry.body();
    let (_, employer) = registry.organisation("91320102MA0TEXAM3X", "employer", "employer");
    let (_, auditor) = registry.organisation("113201000000000350", "labour_authority", "auditor");
    let (_, certificate) = registry.certificate(&body, 1);
    let path = format!("/v1/certificates/{}", certificate["certificate_number"].as_str().unwrap());
    let organisation = json!({ "unified_social_credit_code": "93320115MA0AAAAA3M", "name": "x", "kinds": ["employer"] });
    for client in [&body.client, &employer, &auditor] {
        assert_eq!(registry.post_as(client, "/v1/organisations", &organisation).status, 403);
    }
    for asked in [path.as_str(), "/v1/certificates/S000032000001263999999"] {
        assert_eq!(registry.get_as(&employer, asked, &[]).status, 403, "a missing scope says nothing about what exists");
    }
    assert_eq!(registry.get_as(&auditor, &path, &[]).status, 200, "an auditor reads everything, masked");
    assert_eq!(registry.post_as(&auditor, &format!("{path}/status_changes"), &json!({ "change": "revoke", "reason": "x" })).status, 403);
    assert_eq!(registry.get(&path).status, 401);
    assert_eq!(registry.get(&path).header("www-authenticate").map(|text| text.starts_with("Bearer")), Some(true));
});

on_both_databases!(a_revoked_client_is_out, |registry| {
    let body = registry.body();
    let token = registry.token(&body.client);
    let path = format!("/v1/organisations/{}/clients/{}", body.organisation, body.client.0);
    let bearer = format!("Bearer {}", registry.token(registry.registrar()));
    let reply = registry.send("DELETE", &path, &[("authorization", &bearer), ("content-type", "application/json")], br#"{"reason":"left"}"#);
    assert_eq!(reply.status, 204, "{}", reply.text());
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(registry.send("GET", "/v1/certificates", &[("authorization", &format!("Bearer {token}"))], b"").status, 401);
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", body.client.0, body.client.1);
    assert_eq!(registry.send("POST", "/oauth/token", &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes()).status, 401);
});

#[test]
fn the_token_endpoint_follows_rfc_6749() {
    let registry = TestRegistry::start(Database::Sqlite, &[("wrong_secrets_max", "3")]);
    let (id, secret) = registry.registrar().clone();
    let form = |headers: &[(&str, &str)], body: &str| {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        registry.send("POST", "/oauth/token", &all, body.as_bytes())
    };
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let answer = form(&[("authorization", &basic)], "grant_type=client_credentials");
    assert_eq!(answer.expect(200)["token_type"], "Bearer");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(form(&[("authorization", &basic)], "grant_type=password").expect(400)["error"], "unsupported_grant_type");
    assert_eq!(form(&[("authorization", &basic)], "").expect(400)["error"], "invalid_request");
    assert_eq!(form(&[("authorization", &basic)], "grant_type=client_credentials&scope=subsidy.decide").expect(400)["error"], "invalid_scope");
    assert_eq!(form(&[], "grant_type=client_credentials").expect(401)["error"], "invalid_client");
    for _ in 0..3 {
        let wrong = format!("grant_type=client_credentials&client_id={id}&client_secret=wrong");
        assert_eq!(form(&[], &wrong).expect(401)["error"], "invalid_client");
    }
    let stopped = form(&[("authorization", &basic)], "grant_type=client_credentials");
    assert_eq!(stopped.status, 429);
    assert!(stopped.header("retry-after").is_some());
}

/// The attacks on tokens that readers have fallen for; each gets the same 401.
#[test]
fn no_forged_token_passes() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let good = registry.token(registry.registrar());
    let parts: Vec<&str> = good.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let with_header = |change: &dyn Fn(&mut Value)| {
        let mut changed = header.clone();
        change(&mut changed);
        format!("{}.{}.{}", encode(&changed), parts[1], parts[2])
    };
    let with_claims = |change: &dyn Fn(&mut Value)| {
        let mut changed = claims.clone();
        change(&mut changed);
        format!("{}.{}.{}", parts[0], encode(&changed), parts[2])
    };
    let mut attacks = vec![
        String::new(), "x".into(), "a.b.c".into(), format!("{}.{}.", parts[0], parts[1]), format!("{}.{}", parts[0], parts[1]), format!("{good}="), format!("{good}.x"),
        format!("{good}{}", "A".repeat(9_000)), "A".repeat(7_000), with_claims(&|claims| claims["sub"] = json!("cli_other")), with_claims(&|claims| claims["scope"] = json!("registry.admin audit.read")),
    ];
    for algorithm in [json!("none"), json!("None"), json!("HS256"), json!("RS256"), json!("ES256"), json!(["EdDSA"]), Value::Null] {
        attacks.push(with_header(&|header| header["alg"] = algorithm.clone()));
    }
    for (name, value) in [("jku", json!("http://127.0.0.1:1/keys")), ("x5u", json!("http://127.0.0.1:1/x")), ("jwk", json!({})), ("x5c", json!([])), ("crit", json!(["b64"])), ("b64", json!(false)), ("zip", json!("DEF")), ("typ", json!("JWT")), ("typ", json!("vc+jwt")), ("kid", json!("../../etc/passwd")), ("kid", json!("' OR 1=1 --")), ("kid", json!("k".repeat(10_000)))] {
        attacks.push(with_header(&|header| header[name] = value.clone()));
    }
    for attack in &attacks {
        let reply = registry.send("GET", "/v1/assessment_sessions", &[("authorization", &format!("Bearer {attack}"))], b"");
        assert!([401, 431].contains(&reply.status), "{} for {}", reply.status, &attack[..attack.len().min(80)]);
    }
    // Signed with the right key of another purpose, or with missing and wrong claims: the key signs, the claims do not fit.
    assert_eq!(registry.send("GET", &format!("/v1/assessment_sessions?access_token={good}"), &[], b"").status, 401, "a token in the query is no token");
    registry.set_clock("2026-03-02T01:15:06Z");
    assert_eq!(registry.send("GET", "/v1/assessment_sessions", &[("authorization", &format!("Bearer {good}"))], b"").status, 401, "expired");
}
