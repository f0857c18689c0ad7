//! The demo's class: its list, two weeks of attendance, its closing, and one worker's record and credits.

use super::demo::text;
use super::demo_client::Client;
use super::demo_people::{Person, credit_code};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

const TRAINEES_MAX: usize = 40;
/// Ten days with six class hours each are 60 of 56 planned.
const DAYS: u64 = 10;

/// What the class came to.
pub struct Training {
    class: Value,
    attendance: Value,
    closing: Value,
    credits: Value,
    explanation: Value,
    record: Vec<Value>,
}

/// A class that begins tomorrow, with the first of the people on its list.
pub fn open_class(provider: &Client, people: &[(Person, String)], today: NaiveDate) -> Result<Value, String> {
    let class = provider.post(
        "/v1/classes",
        &json!({
            "class_type": "on_the_job_upgrade_training", "name": "电工四级提升班", "occupation_code": "6-31-01-03", "level": "level4", "first_on": today + Days::new(1), "last_on": today + Days::new(DAYS),
            "planned_theory_minutes": 22 * 45, "planned_practical_minutes": 34 * 45, "particulars": { "employer_code": credit_code("91320102MA0TEXAM3") },
            "modules": [{ "kind": "professional", "name": "电工四级", "minutes": 54 * 45 }, { "kind": "work_safety", "name": "安全生产", "minutes": 2 * 45 }],
        }),
    )?;
    let trainees: Vec<Value> = people.iter().take(TRAINEES_MAX).map(|(_, worker)| json!({ "worker_id": worker })).collect();
    provider.post(&format!("/v1/classes/{}/enrolments", text(&class, "class_id")?), &json!({ "trainees": trainees }))?;
    Ok(class)
}

/// Every trainee's hours as one file: practical mornings, and evenings online. One trainee's evening was written down twice, by other
/// hands, which is refused.
fn attendance_csv(people: &[(Person, String)], today: NaiveDate) -> String {
    let mut file = String::from("document_number,mode,part,started_at,ended_at\n");
    for (index, (person, _)) in people.iter().take(TRAINEES_MAX).enumerate() {
        // One trainee stays away from the fourth day on.
        let days = if index == 4 { 3 } else { DAYS };
        for day in (1..=days).map(|n| today + Days::new(n)) {
            file.push_str(&format!("{},in_person,practical,{day} 09:00,{day} 12:00\n", person.document_number));
            file.push_str(&format!("{},online,theory,{day} 19:00,{day} 20:30\n", person.document_number));
        }
    }
    let (first, day) = (&people[0].0, today + Days::new(1));
    file.push_str(&format!("{},in_person,practical,{day} 11:00,{day} 13:00\n", first.document_number));
    file
}

/// Sends the hours, closes the class, recognises a certificate, and reads what became of one worker.
pub fn close_class(provider: &Client, registrar: &Client, class: &Value, people: &[(Person, String)], issued: &[(usize, String, String)], today: NaiveDate) -> Result<Training, String> {
    let path = format!("/v1/classes/{}", text(class, "class_id")?);
    let attendance = provider.send(&format!("{path}/attendance"), "text/csv", attendance_csv(people, today).as_bytes())?;
    let results: Vec<Value> = people.iter().take(TRAINEES_MAX).enumerate().map(|(index, (_, worker))| json!({ "worker_id": worker, "assessment": if index == 3 { "failed" } else { "passed" } })).collect();
    let closing = provider.post(&format!("{path}/closing"), &json!({ "results": results }))?;
    let (index, number, _) = issued.first().ok_or("nobody passed")?;
    let worker = &people[*index].1;
    let certificate = registrar.get_json(&format!("/v1/certificates/{number}"))?;
    let mut recognition = json!({ "certificate_id": certificate["certificate_id"] });
    if *index < TRAINEES_MAX {
        recognition["class_id"] = class["class_id"].clone();
    }
    registrar.post("/v1/credit_recognitions", &recognition)?;
    let credits = registrar.get_json(&format!("/v1/workers/{worker}/credits"))?;
    let entries = registrar.get_json(&format!("/v1/workers/{worker}/credits/entries"))?;
    let explanation = registrar.get_json(&format!("/v1/workers/{worker}/credits/entries/{}/explanation", text(&entries["items"][0], "entry_id")?))?;
    let record = registrar.get_json(&format!("/v1/workers/{worker}/record?limit=500"))?;
    Ok(Training { class: class.clone(), attendance, closing, credits, explanation, record: record["items"].as_array().cloned().unwrap_or_default() })
}

impl Training {
    pub fn print(&self) {
        let word = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let refused = &self.attendance["rows"][0]["violations"][0];
        println!("6  A class of {} trainees ({}) was held; {} intervals of attendance came in, {} was refused:", self.closing["trainees"], word(&self.class, "name"), self.attendance["recorded"], self.attendance["refused"]);
        println!("     row {:<4} {} {}", self.attendance["rows"][0]["row"], word(refused, "rule"), word(refused, "detail"));
        println!("   It was closed: {} of {} completed it. One worker has {} credits:", self.closing["completed"], self.closing["trainees"], word(&self.credits, "balance"));
        println!("     {} by {}, {}", word(&self.explanation["entry"], "credits"), word(&self.explanation, "rule"), word(&self.explanation["facts"], "arithmetic"));
        println!("   The worker's record, without the {} intervals of attendance:", self.record.iter().filter(|entry| entry["kind"] == "attended").count());
        for entry in self.record.iter().filter(|entry| entry["kind"] != "attended") {
            let facts = &entry["facts"];
            let what = ["name", "certificate_number", "occupation_code", "document_type"].iter().find_map(|name| facts[*name].as_str()).unwrap_or_default();
            let credits = facts["credits"].as_str().map(|credits| format!("{credits} credits, balance {}", word(facts, "balance"))).unwrap_or_default();
            println!("     {}  {:<20} {what}{credits}", word(entry, "at").get(..10).unwrap_or_default(), word(entry, "kind"));
        }
    }
}
