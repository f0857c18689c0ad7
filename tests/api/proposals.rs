//! Changes of status by two persons.

use crate::on_both_databases;
use crate::support::{Body, TestRegistry};
use serde_json::{Value, json};

/// A session of a client in a browser: its cookie and the secret of its forms.
struct Browser {
    cookie: String,
    secret: String,
}

fn form<'a>(cookie: &'a str) -> [(&'static str, &'a str); 3] {
    [("content-type", "application/x-www-form-urlencoded"), ("accept", "text/html"), ("cookie", cookie)]
}

fn signed_in(registry: &TestRegistry, client: &(String, String)) -> Browser {
    let opened = registry.send("POST", "/console/sign-in", &form(""), format!("client_id={}&client_secret={}", client.0, client.1).as_bytes());
    assert_eq!(opened.status, 303, "{}", opened.text());
    let cookie = opened.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let page = registry.send("GET", "/console", &form(&cookie), b"").text();
    let secret = page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    Browser { cookie, secret }
}

fn second_person(registry: &TestRegistry, body: &Body) -> (String, String) {
    let client = registry.post_as(registry.registrar(), &format!("/v1/organisations/{}/clients", body.organisation), &json!({ "name": "second", "role": "assessment_body" })).expect(201);
    (client["client_id"].as_str().unwrap().to_owned(), client["client_secret"].as_str().unwrap().to_owned())
}

on_both_databases!(nobody_approves_what_they_proposed_and_a_decision_is_taken_once, |registry| {
    let body = registry.body();
    let workers = [registry.worker(&body.client, 1), registry.worker(&body.client, 2)];
    let session = registry.published_session(&body, &workers, &[("80", "80"), ("90", "90")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let [certificate, other] = workers.map(|worker| registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201));
    let (first, second) = (signed_in(registry, &body.client), signed_in(registry, &second_person(registry, &body)));
    let post = |browser: &Browser, path: &str, fields: &str| registry.send("POST", path, &form(&browser.cookie), format!("csrf={}&{fields}", browser.secret).as_bytes());
    let state = || registry.get_as(&body.client, &format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap()), &[]).expect(200)["state"].clone();
    let propose = |browser: &Browser, change: &str| post(browser, &format!("/console/certificates/{}/proposals", certificate["certificate_id"].as_str().unwrap()), &format!("change={change}&reason=x&decision_document=x"));
    let proposal_of = |certificate: &Value| {
        let page = registry.send("GET", "/console/proposals", &form(&first.cookie), b"").text();
        page.split("data-proposal=\"").find(|part| part.contains(certificate["certificate_id"].as_str().unwrap())).unwrap().split('"').next().unwrap().to_owned()
    };

    // Without the session's secret nothing happens.
    assert_eq!(registry.send("POST", "/console/proposals/spr_x/decision", &form(&first.cookie), b"csrf=x&decision=approve").status, 403);
    // What the rules refuse is not even proposed.
    assert_eq!(propose(&first, "resume").status, 422);
    assert_eq!(propose(&first, "revoke").status, 303);
    let proposal = proposal_of(&certificate);
    let decide = |browser: &Browser, decision: &str| post(browser, &format!("/console/proposals/{proposal}/decision"), &format!("decision={decision}")).status;
    assert_eq!((decide(&first, "approve"), state()), (409, json!("issued")), "whoever proposed does not decide");
    assert_eq!((decide(&second, "approve"), state()), (303, json!("revoked")));
    assert_eq!((decide(&second, "reject"), decide(&second, "approve"), state()), (409, 409, json!("revoked")), "decided once");
    registry.expect_clean_audit();

    // A rejection changes nothing, and is final.
    let path = format!("/console/certificates/{}/proposals", other["certificate_id"].as_str().unwrap());
    // Sent again, also after signing in anew, it is the same proposal.
    let again = signed_in(registry, &body.client);
    for browser in [&first, &first, &again] {
        assert_eq!(post(browser, &path, "once=ab&change=suspend&reason=x").status, 303);
    }
    assert_eq!(post(&again, &path, "once=ab&change=suspend&reason=y").status, 409, "another form under the same number");
    let page = registry.send("GET", "/console/proposals", &form(&first.cookie), b"").text();
    assert_eq!(page.matches("data-proposal").count(), 2);
    let proposal = proposal_of(&other);
    let decide = |decision: &str| post(&second, &format!("/console/proposals/{proposal}/decision"), &format!("decision={decision}")).status;
    assert_eq!((decide("reject"), decide("approve")), (303, 409));
    assert_eq!(registry.get_as(&body.client, &format!("/v1/certificates/{}", other["certificate_id"].as_str().unwrap()), &[]).expect(200)["state"], "issued");

    // A session that is idle for half an hour is over; one that goes on is renewed.
    registry.set_clock("2026-03-10T01:20:00Z");
    let renewed = registry.send("GET", "/console", &form(&first.cookie), b"");
    assert!(renewed.status == 200 && renewed.header("set-cookie").is_some());
    registry.set_clock("2026-03-10T01:45:00Z");
    assert_eq!(registry.send("GET", "/console", &form(&first.cookie), b"").status, 303);
    let cookie = renewed.header("set-cookie").unwrap().split(';').next().unwrap();
    assert_eq!(registry.send("GET", "/console", &form(cookie), b"").status, 200);
});

on_both_databases!(two_things_on_one_page_are_two_things, |registry| {
    let body = registry.body();
    let workers = [registry.worker(&body.client, 1), registry.worker(&body.client, 2)];
    let session = registry.published_session(&body, &workers, &[("80", "80"), ("90", "90")], json!({}));
    registry.set_clock("2026-03-10T01:00:00Z");
    let certificates = workers.map(|worker| registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "session_id": session })).expect(201)["certificate_id"].as_str().unwrap().to_owned());
    let browser = signed_in(registry, &body.client);
    // Every form of a page that was loaded once carries the same `once`.
    let propose = |certificate: &str| {
        let fields = format!("csrf={}&once=00ff&change=suspend&reason=x", browser.secret);
        registry.send("POST", &format!("/console/certificates/{certificate}/proposals"), &form(&browser.cookie), fields.as_bytes()).status
    };
    let proposals = || registry.send("GET", "/console/proposals", &form(&browser.cookie), b"").text().matches("data-proposal=\"").count();
    assert_eq!((propose(&certificates[0]), propose(&certificates[0]), proposals()), (303, 303, 1), "sent twice is done once");
    assert_eq!((propose(&certificates[1]), proposals()), (303, 2), "the same words about another certificate are another proposal");
});
