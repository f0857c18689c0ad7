//! Workers: one record per person, sealed at rest, masked in answers.

use crate::on_both_databases;
use crate::support::{Body, Database, TestRegistry};
use serde_json::{Value, json};

on_both_databases!(the_same_document_finds_the_same_worker, |registry| {
    let body = registry.body();
    let register = |name: &str, documents: Value| registry.post_as(&body.client, "/v1/workers", &json!({ "name": name, "documents": documents }));
    let first = register("张三", json!([{ "document_number": "32010219000101001X" }])).expect(201);
    assert_eq!((&first["name"], &first["documents"][0]["document_number"]), (&json!("张*"), &json!("320***********001X")));
    let again = register(" 张三 ", json!([{ "document_number": "３２０１０２１９０００１０１００１ｘ" }])).expect(200);
    assert_eq!(again["worker_id"], first["worker_id"]);
    // A second document is added; both find the worker.
    let passport = json!({ "document_type": "passport", "country": "CN", "document_number": "E12345678" });
    let both = register("张三", json!([{ "document_number": "32010219000101001X" }, passport])).expect(200);
    assert_eq!(both["documents"].as_array().unwrap().len(), 2);
    let found = registry.post_as(&body.client, "/v1/workers/search", &json!({ "document_number": "e12345678" })).expect(200);
    assert_eq!(found["items"][0]["worker_id"], first["worker_id"]);
    // Another name under a known document is a matter of correction, and two people's documents one of merging.
    assert_eq!(register("李四", json!([{ "document_number": "32010219000101001X" }])).status, 422);
    let other = register("李四", json!([{ "document_number": "320105190006150045" }])).expect(201);
    let mixed = register("张三", json!([{ "document_number": "32010219000101001X" }, { "document_number": "320105190006150045" }]));
    assert_eq!(mixed.status, 422, "{}", mixed.text());
    let add = registry.post_as(&body.client, &format!("/v1/workers/{}/documents", other["worker_id"].as_str().unwrap()), &passport);
    assert_eq!(add.status, 409);
    let read = registry.get_as(&body.client, &format!("/v1/workers/{}", other["worker_id"].as_str().unwrap()), &[]).expect(200);
    assert_eq!(read["documents"].as_array().unwrap().len(), 1, "nothing half done");
});

on_both_databases!(documents_of_every_kind_are_checked, |registry| {
    let body = registry.body();
    let register = |document: Value| registry.post_as(&body.client, "/v1/workers", &json!({ "name": "张三", "documents": [document] }));
    for (index, valid) in [
        json!({ "document_type": "hk_macao_residence_permit", "document_number": "810000190001010018" }),
        json!({ "document_type": "taiwan_residence_permit", "document_number": "83000019000101002X" }),
        json!({ "document_type": "hk_macao_travel_permit", "document_number": "H12345678" }),
        json!({ "document_type": "taiwan_travel_permit", "document_number": "12345678" }),
        json!({ "document_type": "passport", "country": "FR", "document_number": "12AB34567" }),
        json!({ "document_type": "foreign_permanent_resident_id", "document_number": "ABC123456789012" }),
        json!({ "document_type": "military_id", "document_number": "军字第123456号" }),
        json!({ "document_number": "320103190001010112" }),
        json!({ "document_number": "320124190001010130" }),
    ]
    .into_iter()
    .enumerate()
    {
        let worker = register(valid.clone()).expect(201);
        assert_eq!(worker["warnings"], json!([]), "{index} {valid}: a dissolved region is known");
    }
    for (wrong, part) in [
        ("320102190001010011", "check character"),
        ("320106190002290020", "not a date"),
        ("32010219000101001", "17 characters"),
        ("320102000101001", "15 characters"),
    ] {
        let reply = register(json!({ "document_number": wrong }));
        assert_eq!((reply.status, reply.fields()), (400, vec!["documents[0].document_number".to_owned()]));
        assert!(reply.text().contains(part) && !reply.text().contains(wrong), "{}", reply.text());
    }
    let child = crate::support::person(0).1.replace("1900", "2015");
    let head = &child[..17];
    let sum: u32 = head.bytes().zip([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let child = format!("{head}{}", b"10X98765432"[(sum % 11) as usize] as char);
    assert_eq!(register(json!({ "document_number": child })).rules(), ["PR-4"]);
});

on_both_databases!(every_fault_is_listed_with_its_field, |registry| {
    let body = registry.body();
    let order = json!({ "name": "张\u{202e}三", "documents": [{ "document_number": "1" }, { "document_type": "club_card", "document_number": "2" }, { "document_type": "passport", "document_number": "E12345678" }] });
    let reply = registry.post_as(&body.client, "/v1/workers", &order);
    assert_eq!(reply.status, 400);
    assert_eq!(reply.fields(), ["name", "documents[0].document_number", "documents[1].document_type", "documents[2].document_number"]);
});

on_both_databases!(a_list_of_workers_is_taken_row_by_row, |registry| {
    let body = registry.body();
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let send = |path: &str, list: &str, key: Option<&str>| {
        let mut headers = vec![("authorization", bearer.as_str()), ("content-type", "text/csv")];
        headers.extend(key.map(|key| ("idempotency-key", key)));
        registry.send("POST", path, &headers, list.as_bytes())
    };
    let known = registry.post_as(&body.client, "/v1/workers", &json!({ "name": "张三", "documents": [{ "document_number": "32010219000101001X" }] })).expect(201);
    let list = "姓名,证件号码,证件类型,签发国\n张三,32010219000101001X,,\n李四,320105190006150045,居民身份证,\n王五,32010219000101001X,,\n赵六,320105190006150046,,\nJean Dupont,12AB34567,护照,FR\nJean Dupont,12AB34567,passport,FR\n";
    let before = registry.get("/log/checkpoint").text();
    let tried = send("/v1/workers/lists?dry_run=true", list, None).expect(200);
    assert_eq!((&tried["registered"], &tried["known"], &tried["refused"]), (&json!(2), &json!(2), &json!(2)), "it is as the list will be");
    assert_eq!(registry.get("/log/checkpoint").text(), before, "a dry run records nothing");
    let taken = send("/v1/workers/lists", list, Some("list-1")).expect(200);
    assert_eq!((&taken["registered"], &taken["known"], &taken["refused"]), (&json!(2), &json!(2), &json!(2)));
    let rows = taken["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| row["row"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(rows[0]["worker_id"], known["worker_id"]);
    assert_eq!(rows[4]["worker_id"], rows[5]["worker_id"]);
    let fault = |row: &Value| (row["violations"][0]["rule"].clone(), row["violations"][0]["field"].clone());
    assert_eq!((fault(&rows[2]), fault(&rows[3])), ((json!("PR-1"), json!("name")), (json!("FORM"), json!("document_number"))));
    assert!(!taken.to_string().contains("320105190006150046"), "numbers are not repeated");
    assert_eq!(send("/v1/workers/lists", list, Some("list-1")).expect(200), taken);
    let again = send("/v1/workers/lists", list, None).expect(200);
    assert_eq!((&again["registered"], &again["known"]), (&json!(0), &json!(4)), "the same list finds everybody again");
    assert_eq!(send("/v1/workers/lists", "name\n张三\n", None).status, 400);
    let employer = registry.organisation("91320102MA0TEXAM3X", "employer", "employer").1;
    let foreign = format!("Bearer {}", registry.token(&employer));
    assert_eq!(registry.send("POST", "/v1/workers/lists", &[("authorization", &foreign), ("content-type", "text/csv")], list.as_bytes()).status, 403);
});

on_both_databases!(lists_whose_lines_end_in_two_ways_lose_nobody, |registry| {
    let body = registry.body();
    let bearer = format!("Bearer {}", registry.token(&body.client));
    let people: Vec<(String, String)> = (0..4).map(crate::support::person).collect();
    // A list of one system behind a list of another: the reader cannot tell all lines apart, and may give two the same number.
    let line = |index: usize, end: &str| format!("{},{}{end}", people[index].0, people[index].1);
    let list = ["name,document_number\n".to_owned(), line(0, "\n"), line(1, "\r\n"), line(2, "\r\n"), line(3, "\r\n"), line(0, "\r\n"), line(1, "\r\n")].concat();
    let answer = registry.send("POST", "/v1/workers/lists", &[("authorization", &bearer), ("content-type", "text/csv")], list.as_bytes()).expect(200);
    assert_eq!((&answer["registered"], &answer["known"]), (&json!(4), &json!(2)), "{answer}");
    let ids: Vec<&str> = answer["rows"].as_array().unwrap().iter().map(|row| row["worker_id"].as_str().unwrap()).collect();
    let known = |index: usize| registry.worker(&body.client, index as u32).id;
    assert_eq!(ids.len(), 6);
    for (index, id) in (0..4).map(known).enumerate() {
        assert_eq!(ids.iter().filter(|found| **found == id).count(), if index < 2 { 2 } else { 1 });
    }
});

fn two_offices(first: &TestRegistry, second: &TestRegistry) {
    let nodes = [first, second];
    let bodies = [first.body_with("52320100000000027X", json!({})), first.body_with("123200000000000192", json!({ "number_prefix": "S000032000002" }))];
    // More than one step, and from two ends, so that each meets what the other has just written.
    let people: Vec<(String, String)> = (0..1_500).map(crate::support::person).collect();
    let list = |people: &mut dyn Iterator<Item = &(String, String)>| std::iter::once("name,document_number\n".to_owned()).chain(people.map(|(name, number)| format!("{name},{number}\n"))).collect::<String>();
    let lists = [list(&mut people.iter()), list(&mut people.iter().rev())];
    let send = |((body, list), node): ((&Body, &String), &TestRegistry)| {
        let bearer = format!("Bearer {}", node.token(&body.client));
        node.send("POST", "/v1/workers/lists", &[("authorization", &bearer), ("content-type", "text/csv")], list.as_bytes()).expect(200)
    };
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = bodies.iter().zip(&lists).zip(nodes).map(|both| scope.spawn(move || send(both))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |name: &str| answers.iter().map(|answer| answer[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((count("registered"), count("known"), count("refused")), (1_500, 1_500, 0));
    let ids = |answer: &Value| answer["rows"].as_array().unwrap().iter().map(|row| row["worker_id"].clone()).collect::<Vec<_>>();
    let mut other = ids(&answers[1]);
    other.reverse();
    assert_eq!(ids(&answers[0]), other);
}

#[test]
fn a_list_that_two_offices_send_at_once_registers_everybody_once_on_sqlite() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    two_offices(&registry, &registry);
}

#[test]
fn a_list_that_two_offices_send_at_once_registers_everybody_once_on_two_nodes() {
    let first = TestRegistry::start(Database::Postgres, &[]);
    let second = TestRegistry::start_at(tempfile::tempdir().unwrap(), first.database_url.clone(), &[]);
    two_offices(&first, &second);
}
