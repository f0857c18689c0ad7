//! Statements of online platforms (xAPI 1.0.3), as far as hours follow from them.
//!
//! The form is checked as the specification's part two has it: what is not a statement is refused, and everything that is one is
//! taken. Which of them are study, and when it was, is decided by [`Statement::study`]:
//!
//! 1. The trainee is the account whose `homePage` is the registry's address and whose `name` is the worker's identifier.
//! 2. The class is an activity (object, or in `context.contextActivities`) whose identifier is the class's address in the registry;
//!    other statements of the same registration and session need not name it again.
//! 3. The end of a session is study: `terminated` (cmi5, section 9.3.8) with `result.duration`. The interval ends at `timestamp` and
//!    began `duration` before. Durations of other verbs lie within it; `abandoned` is sent by whoever notices later, so its
//!    `timestamp` tells no time of study.
//! 4. A statement that another one voids tells of nothing (2.3.2).
//! 5. A session that lasted longer than the clock since it was `initialized` or `launched` was run faster than the clock.

use super::rule::{Violation, invalid};
use super::text::Text;
use chrono::{DateTime, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The verb that ends a session.
const TERMINATED: &str = "http://adlnet.gov/expapi/verbs/terminated";
/// The verb that voids another statement (part two, 2.3.2).
pub const VOIDED: &str = "http://adlnet.gov/expapi/verbs/voided";
/// Verbs that begin one.
pub const BEGINNINGS: &[&str] = &["http://adlnet.gov/expapi/verbs/launched", "http://adlnet.gov/expapi/verbs/initialized"];
const SESSION: &str = "https://w3id.org/xapi/cmi5/context/extensions/sessionid";
const TOP: &[&str] = &["id", "actor", "verb", "object", "result", "context", "timestamp", "stored", "authority", "version", "attachments"];
const RESULT: &[&str] = &["score", "success", "completion", "response", "duration", "extensions"];
const CONTEXT: &[&str] = &["registration", "instructor", "team", "contextActivities", "revision", "platform", "language", "statement", "extensions"];
const IDENTIFIERS: &[&str] = &["mbox", "mbox_sha1sum", "openid", "account"];

/// A statement whose form was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// None when the platform leaves it to the registry.
    pub id: Option<String>,
    pub verb: String,
    /// `homePage` and `name` of the actor's account.
    pub account: Option<(String, String)>,
    /// Identifiers of the object and of the context's activities.
    pub activities: Vec<String>,
    /// Registration, with the cmi5 session where there is one.
    pub session: Option<String>,
    /// None when the platform leaves it to the registry.
    pub at: Option<DateTime<Utc>>,
    pub duration: Option<TimeDelta>,
    /// The statement that this one voids.
    pub voids: Option<String>,
}

/// Study that a statement tells of: when the session began and ended, in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Study {
    pub started_at: DateTime<Utc>,
    pub ended_at: DateTime<Utc>,
}

impl Study {
    /// How much longer the session claims to be than the clock was since it began; None when it is within a second.
    pub fn accelerated_by(&self, began_at: DateTime<Utc>) -> Option<TimeDelta> {
        let ahead = began_at - self.started_at;
        (ahead > TimeDelta::seconds(1)).then_some(ahead)
    }
}

/// The faults of one statement, each with its place.
struct Faults<'a> {
    at: &'a str,
    found: Vec<Violation>,
}

impl Faults<'_> {
    fn add(&mut self, member: &str, en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) {
        self.found.push(invalid(format!("{}.{member}", self.at), Text::new(en, zh)));
    }

    fn only(&mut self, object: &Map<String, Value>, known: &[&str], within: &str) {
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            let shown: String = name.chars().take(40).collect();
            self.add(&format!("{within}{shown}"), "a property that xAPI does not define found", "含有 xAPI 未定义的属性");
        }
    }
}

impl Statement {
    /// Reads a statement; `at` names its place in faults.
    ///
    /// # Errors
    /// Every fault of form (xAPI 1.0.3, part two, 2.2 to 4.6).
    pub fn parse(value: &Value, at: &str) -> Result<Self, Vec<Violation>> {
        let Some(members) = value.as_object() else {
            return Err(vec![invalid(at, Text::new("a statement object expected", "应为 statement 对象"))]);
        };
        let mut faults = Faults { at, found: Vec::new() };
        faults.only(members, TOP, "");
        if has_null(value) {
            faults.add("", "null found; leave the property away instead", "不允许 null，应省略该属性");
        }
        let id = members.get("id").map(|id| uuid_of(id).unwrap_or_else(|| {
            faults.add("id", "a UUID expected", "应为 UUID");
            String::new()
        }));
        let account = match members.get("actor") {
            Some(actor) => actor_of(actor, &mut faults),
            None => {
                faults.add("actor", "an actor expected", "缺少 actor");
                None
            }
        };
        let verb = members.get("verb").and_then(|verb| verb["id"].as_str()).filter(|id| is_iri(id)).map(str::to_owned);
        if verb.is_none() {
            faults.add("verb.id", "an IRI expected", "应为 IRI");
        }
        let mut activities = Vec::new();
        match members.get("object") {
            Some(object) => activities.extend(object_of(object, &mut faults)),
            None => faults.add("object", "an object expected", "缺少 object"),
        }
        let is_voiding = verb.as_deref() == Some(VOIDED);
        let voids = members.get("object").filter(|object| is_voiding && object["objectType"] == "StatementRef").and_then(|object| uuid_of(&object["id"]));
        if is_voiding && voids.is_none() {
            faults.add("object", "the StatementRef of the statement that is voided expected", "应为被作废 statement 的 StatementRef");
        }
        let session = members.get("context").and_then(|context| context_of(context, &mut activities, &mut faults));
        let duration = members.get("result").and_then(|result| result_of(result, &mut faults));
        let at = members.get("timestamp").and_then(|timestamp| {
            let parsed = timestamp.as_str().and_then(instant_of);
            if parsed.is_none() {
                faults.add("timestamp", "an ISO 8601 instant expected", "应为 ISO 8601 时间");
            }
            parsed
        });
        if members.get("version").is_some_and(|version| !version.as_str().is_some_and(|version| version.starts_with("1.0"))) {
            faults.add("version", "1.0.x expected", "应为 1.0.x");
        }
        if !faults.found.is_empty() {
            return Err(faults.found);
        }
        Ok(Statement { id, verb: verb.unwrap_or_default(), account, activities, session, at, duration, voids })
    }

    /// The study that this statement ends, by rule 3; `stored_at` stands in for a missing timestamp.
    pub fn study(&self, stored_at: DateTime<Utc>) -> Option<Study> {
        let duration = self.duration.filter(|_| self.verb == TERMINATED)?;
        let ended_at = self.at.unwrap_or(stored_at).trunc_subsecs(0);
        let started_at = ended_at.checked_sub_signed(TimeDelta::seconds(duration.num_seconds()))?;
        (started_at < ended_at).then_some(Study { started_at, ended_at })
    }

    /// The identifier that follows `prefix` in one of the activities.
    pub fn names<'a>(&'a self, prefix: &str) -> Option<&'a str> {
        self.activities.iter().find_map(|activity| activity.strip_prefix(prefix))
    }
}

/// Null stands nowhere but in extensions (2.2, "Requirements").
fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(members) => members.iter().any(|(name, value)| name != "extensions" && has_null(value)),
        _ => false,
    }
}

fn uuid_of(value: &Value) -> Option<String> {
    uuid::Uuid::parse_str(value.as_str()?).ok().map(|id| id.hyphenated().to_string())
}

fn is_iri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && !rest.is_empty() && !text.contains(char::is_whitespace))
}

fn instant_of(text: &str) -> Option<DateTime<Utc>> {
    // Without a zone it is UTC (4.2.7); a negative zero is no zone.
    if text.ends_with("-00:00") || text.ends_with("-0000") || text.ends_with("-00") && text.contains('T') {
        return None;
    }
    // RFC 3339 is only recommended; ISO 8601 also knows +0800 and +08.
    let with_zone = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z"));
    with_zone.map(|at| at.to_utc()).ok().or_else(|| text.parse::<NaiveDateTime>().ok().map(|at| at.and_utc()))
}

/// The account of an actor (4.1.2): an agent, or an identified group, has exactly one identifier.
fn actor_of(actor: &Value, faults: &mut Faults<'_>) -> Option<(String, String)> {
    let Some(members) = actor.as_object() else {
        faults.add("actor", "an object expected", "应为对象");
        return None;
    };
    faults.only(members, &["objectType", "name", "member", "mbox", "mbox_sha1sum", "openid", "account"], "actor.");
    let is_group = match members.get("objectType").map(Value::as_str) {
        None | Some(Some("Agent")) => false,
        Some(Some("Group")) => true,
        _ => {
            faults.add("actor.objectType", "Agent or Group expected", "应为 Agent 或 Group");
            false
        }
    };
    let identifiers = IDENTIFIERS.iter().filter(|name| members.contains_key(**name)).count();
    if identifiers != 1 && !(is_group && identifiers == 0 && members.get("member").is_some_and(Value::is_array)) {
        faults.add("actor", format!("{identifiers} of mbox, mbox_sha1sum, openid, account found, exactly one expected"), format!("应有且仅有一种标识（mbox、mbox_sha1sum、openid、account），发现 {identifiers} 种"));
    }
    if members.get("mbox").is_some_and(|mbox| !mbox.as_str().is_some_and(|mbox| mbox.starts_with("mailto:"))) {
        faults.add("actor.mbox", "a mailto IRI expected", "应为 mailto IRI");
    }
    let account = members.get("account")?;
    match (account["homePage"].as_str().filter(|home| is_iri(home)), account["name"].as_str()) {
        (Some(home), Some(name)) => Some((home.to_owned(), name.to_owned())),
        _ => {
            faults.add("actor.account", "homePage (IRL) and name expected", "应有 homePage（IRL）与 name");
            None
        }
    }
}

/// The identifier of an object that is an activity (4.1.4).
fn object_of(object: &Value, faults: &mut Faults<'_>) -> Option<String> {
    match object["objectType"].as_str() {
        None | Some("Activity") => {
            let id = object["id"].as_str().filter(|id| is_iri(id));
            if id.is_none() {
                faults.add("object.id", "an IRI expected", "应为 IRI");
            }
            id.map(str::to_owned)
        }
        Some("StatementRef") => {
            if uuid_of(&object["id"]).is_none() {
                faults.add("object.id", "the UUID of a statement expected", "应为 statement 的 UUID");
            }
            None
        }
        Some("Agent" | "Group" | "SubStatement") => None,
        Some(_) => {
            faults.add("object.objectType", "Activity, Agent, Group, StatementRef or SubStatement expected", "应为 Activity、Agent、Group、StatementRef 或 SubStatement");
            None
        }
    }
}

/// The session that a context names; its activities are added.
fn context_of(context: &Value, activities: &mut Vec<String>, faults: &mut Faults<'_>) -> Option<String> {
    let Some(members) = context.as_object() else {
        faults.add("context", "an object expected", "应为对象");
        return None;
    };
    faults.only(members, CONTEXT, "context.");
    if let Some(groups) = members.get("contextActivities") {
        match groups.as_object() {
            Some(groups) => {
                faults.only(groups, &["parent", "grouping", "category", "other"], "context.contextActivities.");
                for activity in groups.values().flat_map(|group| group.as_array().map_or(std::slice::from_ref(group), Vec::as_slice)) {
                    match activity["id"].as_str().filter(|id| is_iri(id)) {
                        Some(id) => activities.push(id.to_owned()),
                        None => faults.add("context.contextActivities", "activities with an IRI expected", "应为带 IRI 的 activity"),
                    }
                }
            }
            None => faults.add("context.contextActivities", "an object expected", "应为对象"),
        }
    }
    let registration = members.get("registration").and_then(|registration| {
        let id = uuid_of(registration);
        if id.is_none() {
            faults.add("context.registration", "a UUID expected", "应为 UUID");
        }
        id
    })?;
    let session = members.get("extensions").and_then(|extensions| extensions[SESSION].as_str());
    Some(session.map_or(registration.clone(), |session| format!("{registration}/{}", session.chars().take(100).collect::<String>())))
}

/// The duration of a result (4.2.4; ISO 8601).
fn result_of(result: &Value, faults: &mut Faults<'_>) -> Option<TimeDelta> {
    let Some(members) = result.as_object() else {
        faults.add("result", "an object expected", "应为对象");
        return None;
    };
    faults.only(members, RESULT, "result.");
    for name in ["success", "completion"] {
        if members.get(name).is_some_and(|value| !value.is_boolean()) {
            faults.add(&format!("result.{name}"), "true or false expected", "应为 true 或 false");
        }
    }
    let duration = members.get("duration")?;
    let parsed = duration.as_str().filter(|text| text.starts_with('P')).and_then(|text| speedate::Duration::parse_str(text).ok());
    if parsed.is_none() {
        faults.add("result.duration", "an ISO 8601 duration expected, such as PT45M", "应为 ISO 8601 时长，例如 PT45M");
    }
    parsed.map(|duration| TimeDelta::seconds(duration.signed_total_seconds()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A `terminated` statement in the form of cmi5's own examples.
    fn terminated() -> Value {
        json!({
            "id": "2a41c918-b88b-4220-20a5-a4c32391a240",
            "actor": { "objectType": "Agent", "account": { "homePage": "https://registry.example", "name": "wkr_01ka4zrjh00000000000000000" } },
            "verb": { "id": "http://adlnet.gov/expapi/verbs/terminated", "display": { "en": "terminated" } },
            "object": { "objectType": "Activity", "id": "https://platform.example/au/1", "definition": { "name": { "zh-CN": "电工安全" } } },
            "timestamp": "2026-03-09T10:00:00.250+08:00",
            "result": { "duration": "PT45M0.5S" },
            "context": {
                "registration": "a7e6d2f0-7d5c-4a5d-8b1e-0d1f2a3b4c5d",
                "extensions": { "https://w3id.org/xapi/cmi5/context/extensions/sessionid": "s-1", "anything": null },
                "contextActivities": { "grouping": [{ "id": "https://registry.example/v1/classes/cls_01ka4zrjh00000000000000000" }], "category": { "id": "https://w3id.org/xapi/cmi5/context/categories/cmi5" } },
            },
        })
    }

    /// When the statements arrived.
    fn noon() -> DateTime<Utc> {
        "2026-03-09T04:00:00Z".parse().unwrap()
    }

    fn places(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut statement = terminated();
        change(&mut statement);
        Statement::parse(&statement, "0").err().unwrap_or_default().into_iter().filter_map(|fault| fault.field).collect()
    }

    #[test]
    fn a_cmi5_session_is_study_that_ends_at_its_timestamp() {
        let statement = Statement::parse(&terminated(), "0").unwrap();
        let study = statement.study(noon()).unwrap();
        assert_eq!((study.started_at, study.ended_at), ("2026-03-09T01:15:00Z".parse().unwrap(), "2026-03-09T02:00:00Z".parse().unwrap()));
        assert_eq!(statement.session.as_deref(), Some("a7e6d2f0-7d5c-4a5d-8b1e-0d1f2a3b4c5d/s-1"));
        assert_eq!(statement.names("https://registry.example/v1/classes/"), Some("cls_01ka4zrjh00000000000000000"));
        assert_eq!(study.accelerated_by("2026-03-09T01:15:01Z".parse().unwrap()), None);
        assert_eq!(study.accelerated_by("2026-03-09T01:45:00Z".parse().unwrap()), Some(TimeDelta::minutes(30)));
    }

    #[test]
    fn only_the_end_of_a_session_is_study() {
        for verb in ["https://w3id.org/xapi/adl/verbs/abandoned", "http://adlnet.gov/expapi/verbs/suspended", "http://adlnet.gov/expapi/verbs/completed", "http://adlnet.gov/expapi/verbs/initialized", "http://adlnet.gov/expapi/verbs/passed"] {
            let mut statement = terminated();
            statement["verb"]["id"] = json!(verb);
            assert_eq!(Statement::parse(&statement, "0").unwrap().study(noon()), None, "{verb}");
        }
        let mut statement = terminated();
        statement["result"] = json!({ "duration": "PT0.4S" });
        assert_eq!(Statement::parse(&statement, "0").unwrap().study(noon()), None, "less than a second");
        statement.as_object_mut().unwrap().remove("result");
        assert_eq!(Statement::parse(&statement, "0").unwrap().study(noon()), None);
    }

    #[test]
    fn instants_are_read_in_every_form_that_platforms_use() {
        let expected: DateTime<Utc> = "2026-03-09T02:00:00Z".parse().unwrap();
        for text in ["2026-03-09T10:00:00+08:00", "2026-03-09T10:00:00+0800", "2026-03-09T10:00:00+08", "2026-03-09T02:00:00", "2026-03-09T02:00:00.000Z"] {
            assert_eq!(instant_of(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn each_fault_of_form_is_told_at_its_place() {
        type Case = (&'static str, fn(&mut Value));
        let cases: Vec<Case> = vec![
            ("0", |s| *s = json!([])),
            ("0.", |s| s["result"]["response"] = Value::Null),
            ("0.surprise", |s| s["surprise"] = json!(1)),
            ("0.id", |s| s["id"] = json!("1")),
            ("0.actor", |s| s["actor"]["mbox"] = json!("mailto:a@example.com")),
            ("0.actor", |s| {
                s["actor"].as_object_mut().unwrap().remove("account");
            }),
            ("0.actor.account", |s| s["actor"]["account"] = json!({ "name": "x" })),
            ("0.actor.mbox", |s| s["actor"] = json!({ "mbox": "a@example.com" })),
            ("0.actor.objectType", |s| s["actor"]["objectType"] = json!("Person")),
            ("0.verb.id", |s| s["verb"] = json!({ "id": "terminated" })),
            ("0.object.id", |s| s["object"]["id"] = json!("au 1")),
            ("0.object.objectType", |s| s["object"]["objectType"] = json!("Thing")),
            ("0.timestamp", |s| s["timestamp"] = json!("2026-03-09T10:00:00-00:00")),
            ("0.timestamp", |s| s["timestamp"] = json!("yesterday")),
            ("0.result.duration", |s| s["result"]["duration"] = json!("45 minutes")),
            ("0.result.success", |s| s["result"]["success"] = json!("yes")),
            ("0.context.registration", |s| s["context"]["registration"] = json!("r")),
            ("0.context.contextActivities.friend", |s| s["context"]["contextActivities"]["friend"] = json!([])),
            ("0.version", |s| s["version"] = json!("2.0.0")),
        ];
        assert!(places(|_| {}).is_empty());
        for (place, change) in cases {
            assert_eq!(places(change), [place], "{place}");
        }
    }
}
