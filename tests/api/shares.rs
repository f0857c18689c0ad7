//! Links by which a worker shows parts of the record.

use crate::on_both_databases;
use crate::own::{own, own_post, signed_in};
use serde_json::{Value, json};

fn path_of(share: &Value) -> String {
    format!("/v1/shares/{}", share["url"].as_str().unwrap().rsplit('/').next().unwrap())
}

on_both_databases!(a_link_shows_what_it_says_until_it_closes_and_the_worker_sees_who_opened_it, |registry| {
    let body = registry.body();
    let (worker, first) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let order = json!({ "purpose": "应聘电工", "parts": ["certificates", "credits"], "expires_at": "2026-03-12T00:00:00+08:00" });
    let share = own_post(registry, &session, "/v1/me/shares", &order).expect(201);
    let path = path_of(&share);
    assert_eq!(path.len(), "/v1/shares/".len() + 32, "128 random bits");
    registry.let_time_pass();
    let shown = registry.get(&path).expect(200);
    assert_eq!((&shown["purpose"], &shown["name"], &shown["parts"]), (&json!("应聘电工"), &json!(worker.name), &json!(["certificates", "credits"])));
    assert_eq!((&shown["certificates"][0]["certificate_id"], &shown["credits"]["balance"], &shown["record_url"]), (&first["certificate_id"], &json!("0.0"), &Value::Null));
    assert!(shown["certificates"][0]["credential"].as_str().unwrap().matches('.').count() == 2 && !shown.to_string().contains(&worker.number));
    assert_eq!(registry.get(&format!("{path}/record")).status, 404, "the timeline was not shared");
    let listed = own(registry, &session, "GET", "/v1/me/shares").expect(200);
    assert_eq!((&listed["items"][0]["url"], &listed["items"][0]["views"], &listed["items"][0]["state"]), (&share["url"], &json!(2), &json!("open")));
    let looks = own(registry, &session, "GET", "/v1/me/lookups").expect(200);
    assert_eq!((&looks["items"][0]["part"], &looks["items"][0]["share_id"]), (&json!("share"), &share["share_id"]));
    registry.set_clock("2026-03-11T16:00:00Z");
    assert_eq!(registry.get(&path).status, 404, "closed");
    registry.expect_clean_audit();
});

on_both_databases!(a_link_to_the_timeline_is_withdrawn, |registry| {
    let body = registry.body();
    let (worker, _) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let order = json!({ "purpose": "学历学分转换", "parts": ["record", "record"], "expires_at": "2026-03-20T00:00:00Z" });
    let share = own_post(registry, &session, "/v1/me/shares", &order).expect(201);
    assert_eq!(share["parts"], json!(["record"]));
    let path = path_of(&share);
    let page = registry.get(&format!("{path}/record?limit=2")).expect(200);
    let next = registry.get(&format!("{path}/record?limit=500&cursor={}", page["next_cursor"].as_str().unwrap())).expect(200);
    let own_record = own(registry, &session, "GET", "/v1/me/record").expect(200);
    let both: Vec<&Value> = page["items"].as_array().unwrap().iter().chain(next["items"].as_array().unwrap()).collect();
    assert_eq!(both, own_record["items"].as_array().unwrap().iter().collect::<Vec<_>>());
    let of_this = format!("/v1/me/shares/{}", share["share_id"].as_str().unwrap());
    registry.set_clock("2026-03-02T01:00:00Z");
    let (other, _) = registry.certificate(&body, 2);
    assert_eq!(own(registry, &signed_in(registry, &other), "DELETE", &of_this).status, 404, "somebody else's link");
    let session = signed_in(registry, &worker);
    assert_eq!(own(registry, &session, "DELETE", &of_this).status, 204);
    assert_eq!(own(registry, &session, "DELETE", &of_this).status, 204, "once more changes nothing");
    let gone = registry.get(&path);
    assert_eq!((gone.status, registry.get("/v1/shares/00000000000000000000000000000000").status), (404, 404), "as if it never was");
    assert_eq!(own(registry, &session, "GET", "/v1/me/shares").expect(200)["items"][0]["state"], "withdrawn");
});

on_both_databases!(a_link_is_made_within_limits_and_for_ones_own_certificates, |registry| {
    let body = registry.body();
    let (_, foreign) = registry.certificate(&body, 2);
    registry.set_clock("2026-03-02T01:00:00Z");
    let (worker, own_certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let make = |change: Value| {
        let mut order = json!({ "purpose": "x", "parts": ["certificates"], "expires_at": "2026-03-20T00:00:00Z" });
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        own_post(registry, &session, "/v1/me/shares", &order)
    };
    assert_eq!(make(json!({ "expires_at": "2026-03-10T00:00:00Z" })).fields(), ["expires_at"], "in the past");
    assert_eq!(make(json!({ "expires_at": "2026-06-10T00:00:00Z" })).fields(), ["expires_at"], "more than 90 days");
    assert_eq!(make(json!({ "parts": ["groups"], "purpose": "" })).fields(), ["purpose", "parts[0]"]);
    assert_eq!(make(json!({ "certificate_ids": [own_certificate["certificate_id"], foreign["certificate_id"]] })).fields(), ["certificate_ids[1]"]);
    assert_eq!(make(json!({ "certificate_ids": [own_certificate["certificate_id"]], "parts": ["credits"] })).fields(), ["certificate_ids"]);
    let share = make(json!({ "certificate_ids": [own_certificate["certificate_id"]] })).expect(201);
    assert_eq!(registry.get(&path_of(&share)).expect(200)["certificates"].as_array().unwrap().len(), 1);
});
