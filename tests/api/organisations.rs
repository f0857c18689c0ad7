//! Organisations, filings, clients.

use crate::on_both_databases;
use crate::support::TestRegistry;
use serde_json::{Value, json};

fn filing() -> Value {
    json!({
        "body_kind": "social_assessment_body", "certificate_kinds": ["skill_level"], "number_prefix": "S000032000001",
        "occupations": [{ "occupation_code": "6-31-01-03", "levels": ["level5"] }], "valid_from": "2025-01-01", "valid_to": "2027-12-31",
    })
}

on_both_databases!(codes_are_checked_and_letters_at_the_front_are_legal, |registry| {
    let register = |code: &str| registry.post_as(registry.registrar(), "/v1/organisations", &json!({ "unified_social_credit_code": code, "name": "示例", "kinds": ["employer"] }));
    let head = "N1320102MA0TEXAM3";
    let letter_in_front = format!("{head}{}", jilu::domain::credit_code::check_character(head).unwrap());
    for valid in ["91320102MA0TEXAM3X", "93320115ma0aaaaa3m", letter_in_front.as_str()] {
        register(valid).expect(201);
    }
    for wrong in ["91320102MA0TEXAM30", "91320102MAOTEXAM3X", "91320102MA0TEXAM3", ""] {
        let reply = register(wrong);
        assert_eq!((reply.status, reply.fields()), (400, vec!["unified_social_credit_code".to_owned()]), "{wrong}");
    }
});

on_both_databases!(an_organisation_is_changed_by_versions_only, |registry| {
    let (id, _) = registry.organisation("52320100000000027X", "assessment_body", "assessment_body");
    let path = format!("/v1/organisations/{id}");
    let bearer = format!("Bearer {}", registry.token(registry.registrar()));
    let change = |etag: &str, body: Value| registry.send("PATCH", &path, &[("authorization", &bearer), ("content-type", "application/json"), ("if-match", etag)], body.to_string().as_bytes());
    let first = registry.get(&path);
    assert_eq!((first.header("etag"), &first.json()["version"]), (Some("\"1\""), &json!(1)));
    assert_eq!(registry.send("GET", &path, &[("if-none-match", "\"1\"")], b"").status, 304);
    let second = change("\"1\"", json!({ "name": "新名称", "reason": "renamed" }));
    assert_eq!((&second.expect(200)["version"], &second.json()["name"]), (&json!(2), &json!("新名称")));
    assert_eq!(change("\"1\"", json!({ "state": "exited", "reason": "x" })).status, 412);
    assert_eq!(registry.get(&path).json()["state"], "active");
});

on_both_databases!(a_filing_is_checked_whole, |registry| {
    let (id, _) = registry.organisation("52320100000000027X", "assessment_body", "assessment_body");
    let file = |change: &dyn Fn(&mut Value)| {
        let mut order = filing();
        change(&mut order);
        registry.post_as(registry.registrar(), &format!("/v1/organisations/{id}/filings"), &order)
    };
    for (field, change) in [
        ("number_prefix", (|order: &mut Value| order["number_prefix"] = json!("Y000032000001")) as fn(&mut Value)),
        ("number_prefix", |order| order["number_prefix"] = json!("S000099000001")),
        ("number_prefix", |order| order["number_prefix"] = Value::Null),
        ("valid_to", |order| order["valid_to"] = json!("2024-12-31")),
        ("valid_to", |order| order["valid_to"] = json!("2027-02-30")),
        ("occupations", |order| order["occupations"][0]["occupation_code"] = json!("6-99-99-99")),
        ("occupations", |order| order["occupations"][0]["levels"] = json!([])),
        ("occupations[0].levels[0]", |order| order["occupations"][0]["levels"] = json!(["level6"])),
        ("occupations", |order| order["occupations"][0]["levels"] = json!(["level5", "level4", "level5"])),
        ("occupations", |order| order["occupations"] = json!([order["occupations"][0], order["occupations"][0]])),
        ("certificate_kinds", |order| order["certificate_kinds"] = json!([])),
        ("body_kind", |order| order["body_kind"] = json!("club")),
        ("surprise", |order| order["surprise"] = json!(1)),
    ] {
        let reply = file(&change);
        assert_eq!(reply.status, 400, "{field}: {}", reply.text());
        assert!(reply.fields().contains(&field.to_owned()), "{field}: {:?}", reply.fields());
    }
    file(&|_| {}).expect(201);
    let (other, _) = registry.organisation("123200000000000192", "assessment_body", "assessment_body");
    assert_eq!(registry.post_as(registry.registrar(), &format!("/v1/organisations/{other}/filings"), &filing()).status, 409, "a prefix belongs to one body");
});

on_both_databases!(a_change_of_scope_is_a_new_version, |registry| {
    let body = registry.body();
    let path = format!("/v1/organisations/{}/filings", body.organisation);
    let first = registry.get(&path).expect(200)["items"][0].clone();
    let mut narrower = filing();
    narrower["valid_from"] = json!("2026-03-05");
    let amended = registry.post_as(registry.registrar(), &format!("{path}/{}/versions", first["filing_id"].as_str().unwrap()), &narrower).expect(201);
    assert_eq!((&amended["version"], &amended["filing_id"]), (&json!(2), &first["filing_id"]));
    assert_eq!(registry.get(&path).expect(200)["items"].as_array().unwrap().len(), 2, "no version is ever edited");
    // Who decided on the first version is told that there is a second.
    let versions = format!("{path}/{}/versions", first["filing_id"].as_str().unwrap());
    for (tag, status) in [("\"1\"", 412), ("\"x\"", 412), ("\"2\"", 201), ("*", 201)] {
        assert_eq!(registry.post_with(registry.registrar(), &versions, &narrower, &[("if-match", tag)]).status, status, "{tag}");
    }
    // Of many at once that were decided on the same version one is recorded.
    let statuses = std::thread::scope(|scope| {
        let amend = || registry.post_with(registry.registrar(), &versions, &narrower, &[("if-match", "\"4\"")]).status;
        let sent: Vec<_> = (0..6).map(|_| scope.spawn(amend)).collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect::<Vec<u16>>()
    });
    assert!(statuses.iter().filter(|status| **status == 201).count() == 1 && statuses.iter().all(|status| matches!(status, 201 | 412)), "{statuses:?}");
    // What the older version allowed ends with the first day of the newer.
    let panel: Vec<Value> = (1..=3).map(|n| json!({ "card_number": format!("A{n}"), "grade": "assessor" })).collect();
    let session = |held_on: &str| registry.post_as(&body.client, "/v1/assessment_sessions", &json!({ "certificate_kind": "skill_level", "occupation_code": "6-31-01-03", "level": "level3", "held_on": held_on, "panel": panel }));
    session("2026-03-04").expect(201);
    assert_eq!(session("2026-03-05").rules(), ["IS-1"]);
});

on_both_databases!(lists_are_keyset_pages, |registry| {
    for code in ["91320102MA0TEXAM3X", "93320115MA0AAAAA3M", "52320100000000027X", "123200000000000192", "113201000000000350"] {
        registry.organisation(code, "employer", "employer");
    }
    let mut seen = Vec::new();
    let mut path = "/v1/organisations?limit=2".to_owned();
    loop {
        let reply = registry.get(&path);
        let page = reply.expect(200);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["organisation_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        let link = reply.header("link").unwrap();
        assert!(link.contains(cursor) && link.ends_with("rel=\"next\""));
        path = link.trim_start_matches('<').split('>').next().unwrap().to_owned();
    }
    let mut unique = seen.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((seen.len(), unique.len()), (5, 5));
    for wrong in ["limit=0", "limit=501", "limit=x", "cursor=!!", "offset=2"] {
        assert_eq!(registry.get(&format!("/v1/organisations?{wrong}")).status, 400, "{wrong}");
    }
});

#[test]
fn a_client_gets_only_scopes_of_its_role() {
    let registry = TestRegistry::start(crate::support::Database::Sqlite, &[]);
    let (id, _) = registry.organisation("52320100000000027X", "assessment_body", "assessment_body");
    let path = format!("/v1/organisations/{id}/clients");
    let reply = registry.post_as(registry.registrar(), &path, &json!({ "name": "x", "role": "assessment_body", "scopes": ["verification.bulk"] }));
    assert_eq!((reply.status, reply.fields()), (400, vec!["scopes".to_owned()]));
    let foreign = registry.post_as(registry.registrar(), &path, &json!({ "name": "x", "role": "registrar" }));
    assert_eq!((foreign.status, foreign.fields()), (400, vec!["role".to_owned()]), "an assessment body has no registrar");
    let narrow = registry.post_as(registry.registrar(), &path, &json!({ "name": "x", "role": "assessment_body", "scopes": ["assessment.write"] })).expect(201);
    let client = (narrow["client_id"].as_str().unwrap().to_owned(), narrow["client_secret"].as_str().unwrap().to_owned());
    assert_eq!(registry.post_as(&client, "/v1/certificates", &json!({ "worker_id": "wkr_01ka4zrjh00000000000000000", "project": "x" })).status, 403);
    let listed = registry.get_as(registry.registrar(), &path, &[]).expect(200);
    assert!(listed["items"].as_array().unwrap().iter().all(|client| client.get("client_secret").is_none()), "a secret is shown once");
}

on_both_databases!(filings_and_clients_come_in_pages, |registry| {
    let body = registry.body();
    let registrar = registry.registrar();
    let filings = format!("/v1/organisations/{}/filings", body.organisation);
    let first: Value = registry.get(&filings).expect(200)["items"][0].clone();
    let versions = format!("{filings}/{}/versions", first["filing_id"].as_str().unwrap());
    for year in 2028..2032 {
        let mut amended = filing();
        amended["valid_to"] = json!(format!("{year}-12-31"));
        registry.post_as(registrar, &versions, &amended).expect(201);
    }
    let clients = format!("/v1/organisations/{}/clients", body.organisation);
    for number in 0..4 {
        registry.post_as(registrar, &clients, &json!({ "name": format!("program {number}"), "role": "assessment_body" })).expect(201);
    }
    for (path, key) in [(&filings, "version"), (&clients, "client_id")] {
        let whole = registry.get_as(registrar, path, &[]).expect(200);
        let expected: Vec<Value> = whole["items"].as_array().unwrap().iter().map(|item| item[key].clone()).collect();
        let (mut found, mut next) = (Vec::new(), format!("{path}?limit=2"));
        loop {
            let reply = registry.get_as(registrar, &next, &[]);
            let page = reply.expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 2);
            found.extend(items.iter().map(|item| item[key].clone()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            assert!(reply.header("link").unwrap().contains(cursor));
            next = format!("{path}?limit=2&cursor={cursor}");
        }
        assert_eq!((found.len(), &found), (5, &expected), "{path}");
        assert_eq!(registry.get_as(registrar, &format!("{path}?cursor=%21"), &[]).fields(), ["cursor"]);
        assert_eq!(registry.get_as(registrar, &format!("{path}?limit=0"), &[]).fields(), ["limit"]);
    }
});
