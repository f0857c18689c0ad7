//! What happens around one worker in the demo: a place in a competition, a second record that is joined, a history taken away, a link,
//! a dispute and its answer.

use super::demo::text;
use super::demo_client::Client;
use super::demo_people::Person;
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

/// What came of it.
pub struct Affairs {
    place: Value,
    history: Value,
    shown: Value,
    dispute: Value,
}

/// An online session of one trainee on the first afternoon of the class, as a learning platform reports it, and one that it takes back.
pub fn study_online(provider: &Client, class: &Value, worker: &str, public_url: &str, today: NaiveDate) -> Result<(), String> {
    let day = today + Days::new(1);
    let (actor, class) = (json!({ "account": { "homePage": public_url, "name": worker } }), format!("{public_url}/v1/classes/{}", text(class, "class_id")?));
    let ended = |id: &str, at: &str| {
        json!({
            "id": id, "actor": actor, "verb": { "id": "http://adlnet.gov/expapi/verbs/terminated" }, "object": { "id": class },
            "timestamp": format!("{day}T{at}+08:00"), "result": { "duration": "PT30M" },
        })
    };
    let (studied, mistaken) = ("2a41c918-b88b-4220-a0a5-000000000001", "2a41c918-b88b-4220-a0a5-000000000002");
    let void = json!({ "actor": actor, "verb": { "id": "http://adlnet.gov/expapi/verbs/voided" }, "object": { "objectType": "StatementRef", "id": mistaken } });
    for statements in [json!([ended(studied, "14:30:00"), ended(mistaken, "15:30:00")]), void] {
        provider.send_with("/xapi/statements", "application/json", &[("x-experience-api-version", "1.0.3")], statements.to_string().as_bytes())?;
    }
    Ok(())
}

/// The worker's own steps, between those of the registrar and of the body.
pub fn look_after(base_url: &str, registrar: &Client, body: &Client, person: &Person, worker: &str, number: &str, today: NaiveDate) -> Result<Affairs, String> {
    let order = json!({ "worker_id": worker, "competition": "南京市职业技能竞赛（演示）", "competition_level": "municipal", "event": "电工", "occupation_code": "6-31-01-03", "place": 2, "held_on": today });
    let place = registrar.post("/v1/competition_results", &order)?;
    registrar.post("/v1/credit_recognitions", &json!({ "competition_result_id": place["competition_result_id"] }))?;
    let passport = json!({ "name": person.name, "documents": [{ "document_type": "passport", "country": "FR", "document_number": "X0000001" }] });
    let other = registrar.post("/v1/workers", &passport)?;
    let join = json!({ "merged_worker_id": other["worker_id"], "reason": "先以护照建档（演示）" });
    let mistaken = registrar.post(&format!("/v1/workers/{worker}/merges"), &join)?;
    registrar.post(&format!("/v1/workers/{worker}/merges/{}/undo", text(&mistaken, "merge_id")?), &json!({ "reason": "核对中（演示）" }))?;
    registrar.post(&format!("/v1/workers/{worker}/merges"), &join)?;

    let code = registrar.post(&format!("/v1/workers/{worker}/access_codes"), &json!({}))?;
    let anyone = Client::new(base_url, "", "");
    let session = anyone.post("/v1/sessions", &json!({ "access_code": code["access_code"], "document_number_end": &person.document_number[12..] }))?;
    let own = Client::with_token(base_url, &text(&session, "access_token")?);
    let history = own.get_json("/v1/me/history")?;
    let until = format!("{}T00:00:00+08:00", today + Days::new(60));
    let share = own.post("/v1/me/shares", &json!({ "purpose": "应聘电工", "parts": ["certificates", "credits"], "expires_at": until }))?;
    let (_, link) = text(&share, "url")?.rsplit_once("/v1/").map(|(host, link)| (host.to_owned(), link.to_owned())).ok_or("a link without a path")?;
    let shown = anyone.get_json(&format!("/v1/{link}"))?;
    let certificate = body.get_json(&format!("/v1/certificates/{number}"))?;
    let filed = own.post("/v1/me/disputes", &json!({ "subject_kind": "certificate", "subject_id": certificate["certificate_id"], "statement": "成绩与成绩单不符（演示）" }))?;
    let answer = json!({ "outcome": "rejected", "answer": "经核对，成绩无误（演示）" });
    let dispute = body.post(&format!("/v1/disputes/{}/answers", text(&filed, "dispute_id")?), &answer)?;
    Ok(Affairs { place, history, shown, dispute })
}

impl Affairs {
    pub fn print(&self) {
        let word = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let count = |value: &Value| value.as_array().map_or(0, Vec::len);
        println!("8  This worker took place {} in {}; a second record of the same person was joined.", self.place["place"], word(&self.place, "competition"));
        println!("   The worker took the history away ({} entries, file {}, its digest is in the log),", count(&self.history["entries"]), word(&self.history, "export_id"));
        println!("   showed {} certificate by a link, and contested one entry, which was {}.", count(&self.shown["certificates"]), word(&self.dispute, "outcome"));
    }
}
