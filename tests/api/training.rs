//! Classes, trainees, attendance, closings.

use crate::on_both_databases;
use crate::support::{Database, Reply, TestRegistry, Worker};
use jilu::store::backend::Conn;
use serde_json::{Value, json};

/// A provider's client.
fn provider(registry: &TestRegistry, code: &str) -> (String, String) {
    registry.organisation(code, "training_provider", "training_provider").1
}

const PROVIDER: &str = "91320102MA0TEXAM3X";
const OTHER: &str = "52320100000000027X";

/// A class from Monday the 9th to Friday the 20th of March.
fn class(registry: &TestRegistry, client: &(String, String), changes: Value) -> Reply {
    let mut order = json!({ "class_type": "general_training", "name": "电工四级班", "occupation_code": "6-31-01-03", "level": "level4", "first_on": "2026-03-09", "last_on": "2026-03-20",
        "planned_theory_minutes": 990, "planned_practical_minutes": 1530 });
    for (name, value) in changes.as_object().unwrap() {
        order[name] = value.clone();
    }
    registry.post_as(client, "/v1/classes", &order)
}

/// A class with trainees, on its first morning.
fn class_with(registry: &TestRegistry, client: &(String, String), workers: &[&Worker], changes: Value) -> String {
    let id = class(registry, client, changes).expect(201)["class_id"].as_str().unwrap().to_owned();
    let trainees: Vec<Value> = workers.iter().map(|worker| json!({ "worker_id": worker.id })).collect();
    registry.post_as(client, &format!("/v1/classes/{id}/enrolments"), &json!({ "trainees": trainees })).expect(200);
    id
}

fn interval(worker: &Worker, mode: &str, part: &str, day: u32, from: &str, to: &str) -> Value {
    json!({ "worker_id": worker.id, "mode": mode, "part": part, "started_at": format!("2026-03-{day:02}T{from}:00+08:00"), "ended_at": format!("2026-03-{day:02}T{to}:00+08:00") })
}

fn record(registry: &TestRegistry, client: &(String, String), class: &str, intervals: &[Value]) -> Reply {
    registry.post_as(client, &format!("/v1/classes/{class}/attendance"), &json!(intervals))
}

/// Six class hours a day, practical in person, for as many days of the class as are asked for.
fn days(worker: &Worker, count: usize) -> Vec<Value> {
    [9, 10, 11, 12, 13, 16, 17, 18, 19, 20].into_iter().take(count).map(|day| interval(worker, "in_person", "practical", day, "09:00", "13:30")).collect()
}

fn row_rules(answer: &Value) -> Vec<(u64, Vec<String>)> {
    let rules = |row: &Value| row["violations"].as_array().unwrap().iter().map(|violation| violation["rule"].as_str().unwrap().to_owned()).collect();
    answer["rows"].as_array().unwrap().iter().map(|row| (row["row"].as_u64().unwrap(), rules(row))).collect()
}

on_both_databases!(a_class_says_what_its_type_asks_for, |registry| {
    let client = provider(registry, PROVIDER);
    class(registry, &client, json!({})).expect(201);
    assert_eq!(class(registry, &client, json!({ "planned_practical_minutes": 1350 })).rules(), ["HR-2", "HR-3"], "52 hours at level 4");
    assert_eq!(class(registry, &client, json!({ "planned_theory_minutes": 1035, "planned_practical_minutes": 1485 })).expect(201)["warnings"][0]["rule"], "HR-3");
    for (changes, fields) in [
        (json!({ "class_type": "pre_job_training" }), vec!["particulars.employer_code"]),
        (json!({ "class_type": "pre_job_training", "particulars": { "employer_code": "1" } }), vec!["particulars.employer_code"]),
        (json!({ "class_type": "training_through_work", "particulars": { "employer_code": PROVIDER, "months": 40 } }), vec!["particulars.months"]),
        (json!({ "class_type": "high_risk_safety_training", "particulars": { "employer_code": PROVIDER, "industry": "fishing" } }), vec!["particulars.industry"]),
        (json!({ "particulars": { "category": "GYB" } }), vec!["particulars.category"]),
        (json!({ "last_on": "2026-03-08" }), vec!["last_on"]),
        (json!({ "occupation_code": "6-31-01-99" }), vec!["occupation_code"]),
        (json!({ "project_code": "nothing" }), vec!["project_code"]),
        (json!({ "project_code": "4-10-01-06-5" }), vec!["occupation_code", "level"]),
        (json!({ "class_type": "evening_class", "method": "x", "first_on": "tomorrow" }), vec!["class_type", "first_on", "method"]),
    ] {
        let reply = class(registry, &client, changes);
        assert_eq!((reply.status, reply.fields()), (400, fields.iter().map(ToString::to_string).collect::<Vec<_>>()), "{}", reply.text());
    }
    assert_eq!(class(registry, &client, json!({ "class_type": "training_through_work", "particulars": { "employer_code": PROVIDER, "months": 7 } })).rules(), ["SU-9"]);
    let price = json!({ "class_type": "project_based_training", "particulars": { "contract_number": "C1", "price_fen": 450_000, "advance_fen": 225_001 } });
    assert_eq!(class(registry, &client, price).rules(), ["SU-8"]);
    let of_project = json!({ "project_code": "4-10-01-06-5", "occupation_code": null, "level": null });
    let found = class(registry, &client, of_project).expect(201);
    assert_eq!((&found["occupation_code"], &found["level"]), (&json!("4-10-01-06"), &json!("level5")));
});

on_both_databases!(classes_belong_to_their_provider, |registry| {
    let (client, other) = (provider(registry, PROVIDER), provider(registry, OTHER));
    let worker = registry.worker(&client, 1);
    let id = class_with(registry, &client, &[&worker], json!({}));
    let path = format!("/v1/classes/{id}");
    assert_eq!(registry.get_as(&other, &path, &[]).status, 404);
    assert_eq!(registry.post_as(&other, &format!("{path}/enrolments"), &json!({ "trainees": [{ "worker_id": worker.id }] })).status, 404);
    assert_eq!(registry.post_as(&other, &format!("{path}/closing"), &json!({ "results": [] })).status, 404);
    assert_eq!(record(registry, &other, &id, &days(&worker, 1)).status, 404);
    let own = registry.get_as(&client, &path, &[]).expect(200);
    assert_eq!((&own["state"], &own["trainees"]), (&json!("open"), &json!(1)));
    assert_eq!(registry.get_as(registry.registrar(), &path, &[]).expect(200), own);
    assert_eq!(registry.get_as(&client, "/v1/classes", &[]).expect(200)["items"].as_array().unwrap().len(), 1);
    assert!(registry.get_as(&other, "/v1/classes", &[]).expect(200)["items"].as_array().unwrap().is_empty());
});

on_both_databases!(trainees_are_on_the_list_before_the_first_day_or_have_a_reason, |registry| {
    let client = provider(registry, PROVIDER);
    let (early, late) = (registry.worker(&client, 1), registry.worker(&client, 2));
    let id = class_with(registry, &client, &[&early], json!({}));
    let enrol = |worker: &Worker, reason: Option<&str>| registry.post_as(&client, &format!("/v1/classes/{id}/enrolments"), &json!({ "trainees": [{ "document_number": worker.number }], "reason": reason }));
    registry.set_clock("2026-03-09T01:00:00Z");
    let refused = enrol(&late, None);
    assert_eq!((refused.status, refused.rules(), refused.fields()), (422, vec!["HR-6".to_owned()], vec!["reason".to_owned()]));
    assert_eq!(enrol(&late, Some("moved from another class")).expect(200), json!({ "added": 1, "total": 2 }));
    assert_eq!(enrol(&late, Some("moved from another class")).expect(200), json!({ "added": 0, "total": 2 }), "twice is once");
    let listed = registry.get_as(&client, &format!("/v1/classes/{id}/enrolments"), &[]).expect(200);
    let reason = |worker: &Worker| listed["items"].as_array().unwrap().iter().find(|item| item["worker_id"] == worker.id).unwrap()["reason"].clone();
    assert_eq!((reason(&early), reason(&late)), (Value::Null, json!("moved from another class")));
});

on_both_databases!(apprentices_have_an_agreement_and_a_mentor_with_time_for_them, |registry| {
    let client = provider(registry, PROVIDER);
    let workers: Vec<Worker> = (0..9).map(|index| registry.worker(&client, index)).collect();
    let order = json!({ "class_type": "new_type_apprenticeship", "last_on": "2027-03-08", "particulars": { "employer_code": PROVIDER } });
    let id = class(registry, &client, order).expect(201)["class_id"].as_str().unwrap().to_owned();
    let enrol = |workers: &[Worker], changes: Value| {
        let mut particulars = json!({ "agreement_number": "A-1", "agreement_from": "2026-03-01", "agreement_to": "2027-03-31", "mentor_number": "M-1", "target_level": "level4" });
        for (name, value) in changes.as_object().unwrap() {
            particulars[name] = value.clone();
        }
        let trainees: Vec<Value> = workers.iter().map(|worker| json!({ "worker_id": worker.id, "particulars": particulars })).collect();
        registry.post_as(&client, &format!("/v1/classes/{id}/enrolments"), &json!({ "trainees": trainees }))
    };
    assert_eq!(enrol(&workers[..1], json!({ "target_level": "level5" })).rules(), ["SU-7"]);
    assert_eq!(enrol(&workers[..1], json!({ "agreement_to": "2026-02-01" })).fields(), ["trainees[0].particulars.agreement_to"]);
    let bare = registry.post_as(&client, &format!("/v1/classes/{id}/enrolments"), &json!({ "trainees": [{ "worker_id": workers[0].id }] }));
    assert_eq!((bare.status, bare.fields().len()), (400, 5));
    assert_eq!(enrol(&workers, json!({})).rules(), ["HR-7"], "nine apprentices of one mentor");
    enrol(&workers[..8], json!({})).expect(200);
    assert_eq!(enrol(&workers[8..], json!({})).rules(), ["HR-7"], "the ninth");
    enrol(&workers[8..], json!({ "mentor_number": "M-2" })).expect(200);
});

on_both_databases!(attendance_is_judged_row_by_row, |registry| {
    let client = provider(registry, PROVIDER);
    let (worker, stranger) = (registry.worker(&client, 1), registry.worker(&client, 2));
    let id = class_with(registry, &client, &[&worker], json!({}));
    registry.set_clock("2026-03-11T04:00:00Z");
    let rows = [
        interval(&worker, "in_person", "practical", 9, "09:00", "11:15"),
        interval(&worker, "online", "theory", 9, "11:00", "12:00"),
        interval(&worker, "online", "theory", 9, "11:15", "12:00"),
        interval(&worker, "online", "theory", 10, "10:00", "09:00"),
        interval(&worker, "online", "theory", 8, "09:00", "10:00"),
        interval(&worker, "online", "theory", 11, "11:30", "12:30"),
        json!({ "worker_id": worker.id, "mode": "online", "part": "theory", "started_at": "2026-03-09T23:30:00+08:00", "ended_at": "2026-03-10T00:30:00+08:00" }),
        interval(&stranger, "online", "theory", 9, "09:00", "10:00"),
        json!({ "worker_id": "wkr_nobody", "mode": "by_post", "part": "theory", "started_at": "yesterday" }),
        interval(&worker, "online", "theory", 10, "08:00", "16:00"),
    ];
    let answer = record(registry, &client, &id, &rows).expect(200);
    assert_eq!((&answer["recorded"], &answer["unchanged"], &answer["refused"]), (&json!(2), &json!(0), &json!(8)));
    let expected: Vec<(u64, &[&str])> =
        vec![(2, &["HR-5"]), (4, &["HR-6"]), (5, &["HR-6"]), (6, &["HR-6"]), (7, &["HR-6"]), (8, &["HR-6"]), (9, &["FORM", "FORM", "FORM"]), (10, &["HR-6"])];
    assert_eq!(row_rules(&answer), expected.into_iter().map(|(row, rules)| (row, rules.iter().map(ToString::to_string).collect())).collect::<Vec<_>>());
    let again = record(registry, &client, &id, &[rows[2].clone(), rows[0].clone()]).expect(200);
    assert_eq!((&again["recorded"], &again["unchanged"]), (&json!(0), &json!(2)), "twice, and in another order");
    let listed = registry.get_as(&client, &format!("/v1/classes/{id}/attendance?worker_id={}", worker.id), &[]).expect(200);
    let minutes: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|item| &item["minutes"]).collect();
    assert_eq!(minutes, [135, 45]);
});

on_both_databases!(a_file_of_attendance_is_kept_in_its_good_rows_or_refused_whole, |registry| {
    let client = provider(registry, PROVIDER);
    let worker = registry.worker(&client, 1);
    let id = class_with(registry, &client, &[&worker], json!({}));
    registry.set_clock("2026-03-11T04:00:00Z");
    let file = format!("证件号码,方式,内容,开始时间,结束时间\n{0},in_person,practical,2026-03-09 09:00,2026-03-09 11:15\n{0},in_person,practical,2026-03-09 11:00,2026-03-09 12:00\n", worker.number);
    let send = |query: &str, key: &str| {
        let bearer = format!("Bearer {}", registry.token(&client));
        registry.send("POST", &format!("/v1/classes/{id}/attendance{query}"), &[("authorization", &bearer), ("content-type", "text/csv"), ("idempotency-key", key)], file.as_bytes())
    };
    let refused = send("?on_fault=refuse_all", "a");
    assert_eq!((refused.status, refused.fields()), (422, vec!["row 3".to_owned()]), "{}", refused.text());
    let count = || registry.get_as(&client, &format!("/v1/classes/{id}/attendance?worker_id={}", worker.id), &[]).expect(200)["items"].as_array().unwrap().len();
    assert_eq!(count(), 0, "nothing half done");
    let kept = send("", "b");
    assert_eq!(row_rules(&kept.expect(200)), [(3, vec!["HR-5".to_owned()])]);
    assert_eq!((count(), send("", "b").bytes), (1, kept.bytes), "the same answer to the same key");
});

on_both_databases!(nobody_is_in_two_places_and_who_says_so_is_noticed, |registry| {
    let (client, other) = (provider(registry, PROVIDER), provider(registry, OTHER));
    let worker = registry.worker(&client, 1);
    let (own, foreign) = (class_with(registry, &client, &[&worker], json!({})), class_with(registry, &other, &[&worker], json!({})));
    registry.set_clock("2026-03-11T04:00:00Z");
    record(registry, &client, &own, &[interval(&worker, "in_person", "practical", 9, "09:00", "11:00")]).expect(200);
    for _ in 0..2 {
        let refused = record(registry, &other, &foreign, &[interval(&worker, "in_person", "practical", 9, "10:00", "12:00")]).expect(200);
        assert_eq!(row_rules(&refused), [(1, vec!["HR-5".to_owned()])]);
        assert!(refused["rows"][0]["violations"][0]["detail"].as_str().unwrap().contains("another class") && !refused.to_string().contains(&own));
    }
    let signals = registry.get_as(registry.registrar(), "/v1/signals", &[]).expect(200);
    assert_eq!(signals["items"].as_array().unwrap().len(), 1, "the same sign once: {signals}");
    assert_eq!((&signals["items"][0]["rule"], &signals["items"][0]["worker_id"]), (&json!("HR-5"), &json!(worker.id)));
    assert_eq!(registry.get_as(&client, "/v1/signals", &[]).status, 403);
    let void = json!({ "worker_id": worker.id, "started_at": "2026-03-09T01:00:00Z", "reason": "wrong trainee" });
    registry.post_as(&client, &format!("/v1/classes/{own}/attendance/voids"), &void).expect(201);
    assert_eq!(registry.post_as(&client, &format!("/v1/classes/{own}/attendance/voids"), &void).fields(), ["started_at"], "it is void already");
    let free = [interval(&worker, "in_person", "practical", 9, "09:00", "11:00")];
    assert_eq!(record(registry, &other, &foreign, &free).expect(200)["recorded"], 1, "the time is free again");
    assert_eq!(row_rules(&record(registry, &client, &own, &free).expect(200)), [(1, vec!["HR-5".to_owned()])]);
});

/// Two providers send the same hours of the same workers at the same moment, through two nodes on PostgreSQL.
fn at_the_same_moment(first: &TestRegistry, second: &TestRegistry) {
    let (client, other) = (provider(first, PROVIDER), provider(first, OTHER));
    let workers: Vec<Worker> = (0..40).map(|index| first.worker(&client, index)).collect();
    let all: Vec<&Worker> = workers.iter().collect();
    let (own, foreign) = (class_with(first, &client, &all, json!({})), class_with(first, &other, &all, json!({})));
    [first, second].iter().for_each(|registry| registry.set_clock("2026-03-21T04:00:00Z"));
    for day in [9, 10, 11, 12, 13] {
        let rows = |from, to, is_turned: bool| {
            let mut rows: Vec<Value> = workers.iter().map(|worker| interval(worker, "in_person", "practical", day, from, to)).collect();
            if is_turned {
                rows.reverse();
            }
            rows
        };
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(|| record(first, &client, &own, &rows("09:00", "11:00", false)).expect(200));
            let two = scope.spawn(|| record(second, &other, &foreign, &rows("10:00", "12:00", true)).expect(200));
            (one.join().unwrap(), two.join().unwrap())
        });
        assert_eq!(one["recorded"].as_u64().unwrap() + two["recorded"].as_u64().unwrap(), 40, "each hour once: {one} {two}");
    }
}

#[test]
fn the_same_hour_at_the_same_moment_counts_once_on_sqlite() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    at_the_same_moment(&registry, &registry);
}

#[test]
fn the_same_hour_at_the_same_moment_counts_once_on_two_nodes() {
    let first = TestRegistry::start(Database::Postgres, &[]);
    let second = TestRegistry::start_at(tempfile::tempdir().unwrap(), first.database_url.clone(), &[]);
    at_the_same_moment(&first, &second);
}

on_both_databases!(the_table_itself_refuses_an_overlap, |registry| {
    let client = provider(registry, PROVIDER);
    let worker = registry.worker(&client, 1);
    let insert_all = |intervals: &[(i64, i64)]| {
        let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
        let row = |(from, to): &(i64, i64)| format!("('{}', {from}, 0, {to}, 'cls', 'online', 'theory', 'upload', 0, 'x')", worker.id);
        conn.execute_script(&format!("INSERT INTO attendance_intervals VALUES {}", intervals.iter().map(row).collect::<Vec<_>>().join(", ")))
    };
    let insert = |from: i64, to: i64| insert_all(&[(from, to)]);
    insert(100, 200).unwrap();
    insert(200, 300).unwrap();
    for (from, to) in [(150, 160), (50, 101), (299, 400), (0, 1000), (100, 200)] {
        assert!(insert(from, to).is_err(), "{from}..{to}");
    }
    insert(50, 100).unwrap();
    // Of one statement all rows stand or none: they must not meet each other either.
    for wrong in [[(1000, 1100), (1050, 1150)], [(1000, 2000), (1400, 1500)], [(1400, 1500), (1000, 2000)], [(1000, 1100), (1000, 1050)], [(1000, 1100), (250, 260)]] {
        assert!(insert_all(&wrong).is_err(), "{wrong:?}");
    }
    insert_all(&[(1200, 1300), (1000, 1100), (1100, 1200)]).unwrap();
});

/// Two that write to the table itself, past the program: the second waits for the first, and is refused.
#[test]
fn the_table_makes_two_writers_take_turns_on_postgresql() {
    let registry = TestRegistry::start(Database::Postgres, &[]);
    let worker = registry.worker(&provider(&registry, PROVIDER), 1).id;
    let begin = |from: i64, to: i64| {
        let mut conn = Conn::open(&registry.database_url.parse().unwrap()).unwrap();
        conn.execute_script("BEGIN").unwrap();
        conn.execute_script(&format!("INSERT INTO attendance_intervals VALUES ('{worker}', {from}, 0, {to}, 'cls', 'online', 'theory', 'upload', 0, 'x')")).map(|()| conn)
    };
    let mut first = begin(100, 200).unwrap();
    std::thread::scope(|scope| {
        let second = scope.spawn(|| begin(150, 250).is_err());
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!second.is_finished(), "it waits for the first");
        first.execute_script("COMMIT").unwrap();
        assert!(second.join().unwrap(), "and then sees it");
    });
    begin(200, 250).unwrap();
}

on_both_databases!(closing_works_out_hours_and_credits, |registry| {
    let client = provider(registry, PROVIDER);
    let workers: Vec<Worker> = (0..4).map(|index| registry.worker(&client, index)).collect();
    let id = class_with(registry, &client, &workers.iter().collect::<Vec<_>>(), json!({}));
    registry.set_clock("2026-03-20T12:00:00Z");
    let mut rows = Vec::new();
    // 60 hours in person; 48; 36 in person with 27 online, of which 28 would count; nothing.
    rows.extend(days(&workers[0], 10));
    rows.extend(days(&workers[1], 8));
    rows.extend(days(&workers[2], 6));
    rows.extend([9, 10, 11, 12, 13, 16, 17].iter().map(|day| interval(&workers[2], "online", "theory", *day, "19:00", "21:15")));
    let answer = record(registry, &client, &id, &rows).expect(200);
    assert_eq!(answer["refused"], 0, "{answer}");
    let results = json!({ "results": [{ "worker_id": workers[0].id, "assessment": "passed" }, { "worker_id": workers[1].id, "assessment": "passed" }, { "worker_id": workers[2].id, "assessment": "failed" }] });
    let closed = registry.post_as(&client, &format!("/v1/classes/{id}/closing"), &results).expect(201);
    assert_eq!((&closed["trainees"], &closed["completed"]), (&json!(4), &json!(1)));
    assert_eq!(registry.post_as(&client, &format!("/v1/classes/{id}/closing"), &results).expect(200), closed, "closing again changes nothing");
    let listed = registry.get_as(&client, &format!("/v1/classes/{id}/enrolments"), &[]).expect(200);
    let of = |worker: &Worker| listed["items"].as_array().unwrap().iter().find(|item| item["worker_id"] == worker.id).unwrap()["result"].clone();
    let rules = |worker: &Worker| of(worker)["working"]["findings"].as_array().unwrap().iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!((of(&workers[0])["credited_hours"].clone(), rules(&workers[0])), (json!(60), vec![]));
    assert_eq!((of(&workers[1])["credited_hours"].clone(), rules(&workers[1])), (json!(48), vec!["HR-2".to_owned()]), "credits, but not completed");
    assert_eq!((of(&workers[2])["credited_hours"].clone(), rules(&workers[2])), (json!(57), vec!["CR-4".to_owned()]), "36 + 21 online, and failed");
    assert_eq!((of(&workers[3])["credited_hours"].clone(), rules(&workers[3])), (json!(0), ["CR-4", "CR-4", "HR-2"].map(str::to_owned).to_vec()));
    let balance = |worker: &Worker| registry.get_as(&client, &format!("/v1/workers/{}/credits", worker.id), &[]).expect(200)["balance"].clone();
    assert_eq!(workers.iter().map(balance).collect::<Vec<_>>(), ["3.7", "3.0", "0.0", "0.0"]);
    for refused in [record(registry, &client, &id, &days(&workers[3], 1)), registry.post_as(&client, &format!("/v1/classes/{id}/enrolments"), &json!({ "trainees": [{ "worker_id": workers[3].id }], "reason": "late" }))] {
        assert_eq!((refused.status, refused.rules()), (422, vec!["HR-6".to_owned()]), "a closed class takes nothing more");
    }
});

on_both_databases!(a_class_is_closed_on_its_last_day_and_by_its_own_list, |registry| {
    let client = provider(registry, PROVIDER);
    let (worker, stranger) = (registry.worker(&client, 1), registry.worker(&client, 2));
    let id = class_with(registry, &client, &[&worker], json!({}));
    let close = |worker: &Worker, assessment: &str| registry.post_as(&client, &format!("/v1/classes/{id}/closing"), &json!({ "results": [{ "worker_id": worker.id, "assessment": assessment }] }));
    registry.set_clock("2026-03-19T15:59:59Z");
    assert_eq!(close(&worker, "passed").rules(), ["HR-6"]);
    registry.set_clock("2026-03-19T16:00:00Z");
    assert_eq!(close(&worker, "brilliant").fields(), ["results[0].assessment"]);
    assert_eq!(close(&stranger, "passed").fields(), ["results[0]"]);
    close(&worker, "passed").expect(201);
});

on_both_databases!(tables_are_tried_before_anything_is_recorded, |registry| {
    let client = provider(registry, PROVIDER);
    let (one, two) = (registry.worker(&client, 1), registry.worker(&client, 2));
    let id = class(registry, &client, json!({})).expect(201)["class_id"].as_str().unwrap().to_owned();
    let send = |path: &str, table: &str| {
        let bearer = format!("Bearer {}", registry.token(&client));
        registry.send("POST", &format!("/v1/classes/{id}/{path}"), &[("authorization", &bearer), ("content-type", "text/csv")], table.as_bytes())
    };
    let size = || registry.get("/log/checkpoint").text().lines().nth(1).unwrap().to_owned();
    let before = size();
    let trainees = format!("证件号码\n{}\n{}\n", one.number, two.number);
    assert_eq!(send("enrolments?dry_run=true", &trainees).expect(200), json!({ "added": 2, "total": 2 }));
    assert_eq!(size(), before, "nobody is on the list");
    let faulty = send("enrolments", &format!("证件号码,协议编号\n{}\n{},A-1\n", one.number, two.number));
    assert_eq!((faulty.status, faulty.fields()), (400, vec!["row 2".to_owned()]), "a row that is too short");
    let strange = send("enrolments", &format!("证件号码,协议编号\n{},\n{},A-1\n", one.number, two.number));
    assert_eq!((strange.status, strange.fields()), (400, vec!["row 3, agreement_number".to_owned()]), "a class of this type has no agreements");
    assert_eq!(send("enrolments", &trainees).expect(200), json!({ "added": 2, "total": 2 }));
    registry.set_clock("2026-03-10T04:00:00Z");
    let late = registry.worker(&client, 3);
    assert_eq!(send("enrolments", &format!("证件号码\n{}\n", late.number)).rules(), ["HR-6"]);
    assert_eq!(send("enrolments?reason=late", &format!("证件号码\n{}\n", late.number)).expect(200)["total"], 3);

    let before = size();
    let attendance = format!("证件号码,方式,内容,开始时间,结束时间\n{0},线下,实操,2026-03-09 09:00,2026-03-09 11:15\n{0},线上,理论,2026-03-09 10:00,2026-03-09 11:00\n{1},线下,理论,2026-03-09 09:00,2026-03-09 10:30\n", one.number, two.number);
    let tried = send("attendance?dry_run=true", &attendance).expect(200);
    assert_eq!((&tried["recorded"], row_rules(&tried)), (&json!(2), vec![(3, vec!["HR-5".to_owned()])]));
    assert_eq!(size(), before, "no interval, and no signal");
    assert_eq!(send("attendance", &attendance).expect(200)["recorded"], 2);

    registry.set_clock("2026-03-20T10:00:00Z");
    let before = size();
    let results = format!("证件号码,考核结果\n{},合格\n{},不合格\n", one.number, two.number);
    let tried = send("closing?dry_run=true", &results).expect(200);
    let of = |worker: &Worker| tried["results"].as_array().unwrap().iter().find(|result| result["worker_id"] == worker.id).unwrap().clone();
    assert_eq!((&tried["trainees"], &tried["completed"], of(&one)["credited_hours"].clone(), of(&late)["assessment"].clone()), (&json!(3), &json!(0), json!(3), json!("absent")));
    assert_eq!(size(), before, "the class is open");
    assert_eq!(send("closing", "证件号码,考核结果\nx,合格\n").fields(), ["row 2"]);
    let closed = send("closing", &results).expect(201);
    assert_eq!((closed.get("results"), &closed["completed"]), (None, &json!(0)));
    let listed = registry.get_as(&client, &format!("/v1/classes/{id}/enrolments"), &[]).expect(200);
    let reached = |worker: &Worker| listed["items"].as_array().unwrap().iter().find(|item| item["worker_id"] == worker.id).unwrap()["result"]["working"].clone();
    assert_eq!(reached(&one), of(&one)["working"], "it came as it was foretold");
});

on_both_databases!(completion_certificates_follow_from_a_class, |registry| {
    let (school, client) = registry.organisation(OTHER, "training_provider", "training_provider");
    let supervisor = registry.organisation("123200000000000192", "labour_authority", "supervisor").1;
    let (one, two) = (registry.worker(&client, 1), registry.worker(&client, 2));
    let id = class_with(registry, &client, &[&one, &two], json!({}));
    let issue = |query: &str| registry.post_as(&client, &format!("/v1/classes/{id}/certificates{query}"), &json!({}));
    assert_eq!(issue("").rules(), ["HR-6"], "the class is open");
    let filing = json!({ "body_kind": "social_assessment_body", "certificate_kinds": ["training_completion"], "occupations": [], "valid_from": "2025-01-01", "valid_to": "2027-12-31" });
    registry.set_clock("2026-03-20T10:00:00Z");
    record(registry, &client, &id, &days(&one, 10)).expect(200);
    registry.post_as(&client, &format!("/v1/classes/{id}/closing"), &json!({ "results": [{ "worker_id": one.id, "assessment": "passed" }] })).expect(201);
    let rows = |job: &Value| {
        let job = job["job_id"].as_str().unwrap();
        let path = format!("/v1/jobs/{job}");
        while registry.get_as(&client, &path, &[]).expect(200)["state"] != "finished" {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        registry.get_as(&client, &format!("/v1/jobs/{job}/rows"), &[]).expect(200)["items"].as_array().unwrap().clone()
    };
    let of = |rows: &[Value], worker: &Worker| rows.iter().find(|row| row["worker_id"] == worker.id).unwrap().clone();
    assert_eq!(of(&rows(&issue("?dry_run=true").expect(202)), &one)["violations"][0]["rule"], "IS-1", "no filing allows it");
    registry.post_as(registry.registrar(), &format!("/v1/organisations/{school}/filings"), &filing).expect(201);
    let tried = rows(&issue("?dry_run=true").expect(202));
    assert_eq!((&of(&tried, &one)["outcome"], &of(&tried, &two)["outcome"]), (&json!("would_issue"), &json!("refused")));
    let issued = rows(&issue("").expect(202));
    let certificate = of(&issued, &one);
    assert_eq!((&certificate["outcome"], &of(&issued, &two)["violations"][0]["rule"]), (&json!("issued"), &json!("CR-4")));
    let read = registry.get_as(&client, &format!("/v1/certificates/{}", certificate["certificate_number"].as_str().unwrap()), &[]).expect(200);
    assert_eq!((&read["project"], &read["certificate_kind"]), (&json!("电工四级班"), &json!("training_completion")));
    assert_eq!(of(&rows(&issue("").expect(202)), &one)["outcome"], "exists", "nobody gets a second one");
    // Another class of the same name is another training.
    let again = class_with(registry, &client, &[&one], json!({ "first_on": "2026-03-23", "last_on": "2026-04-03" }));
    assert_ne!(again, id);
    // A class that was declared false gives nothing, also when the job was asked for before.
    registry.post_as(&supervisor, &format!("/v1/classes/{id}/annulment"), &json!({ "reason": "no training took place", "decision_document": "宁人社监〔2026〕1号" })).expect(201);
    assert_eq!(issue("").rules(), ["CR-6"]);
    let other = provider(registry, PROVIDER);
    assert_eq!(registry.post_as(&other, &format!("/v1/classes/{id}/certificates"), &json!({})).status, 404);
});
