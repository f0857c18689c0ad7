//! Verification of lists: every form in, every form out, and every look recorded.

use crate::on_both_databases;
use crate::support::{Database, Reply, TestRegistry};
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

struct Scene {
    employer: (String, String),
    number: String,
    name: String,
    document: String,
}

fn scene(registry: &TestRegistry) -> Scene {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let (_, employer) = registry.organisation("91320102MA0TEXAM3X", "employer", "employer");
    Scene { employer, number: certificate["certificate_number"].as_str().unwrap().to_owned(), name: worker.name, document: worker.number }
}

fn ask(registry: &TestRegistry, scene: &Scene, query: &str, media_type: &str, accept: &str, file: &[u8]) -> Reply {
    let bearer = format!("Bearer {}", registry.token(&scene.employer));
    registry.send("POST", &format!("/v1/verifications/bulk{query}"), &[("authorization", &bearer), ("content-type", media_type), ("accept", accept)], file)
}

on_both_databases!(a_list_is_verified_row_by_row, |registry| {
    let scene = scene(registry);
    let rows = json!([
        { "certificate_number": scene.number, "name": scene.name, "ground": "employment" },
        { "certificate_number": scene.number, "name": "王五", "ground": "employment" },
        { "name": scene.name, "document_number": scene.document, "ground": "consent" },
        { "certificate_number": scene.number, "ground": "consent" },
        { "certificate_number": scene.number, "name": scene.name },
        { "certificate_number": scene.number, "name": scene.name, "ground": "curiosity" },
        7,
    ]);
    let size = || registry.get("/log/checkpoint").text().lines().nth(1).unwrap().parse::<u64>().unwrap();
    let before = size();
    let answer = ask(registry, &scene, "", "application/json", "application/json", rows.to_string().as_bytes()).expect(200);
    let items = answer["items"].as_array().unwrap();
    let outcomes: Vec<&str> = items.iter().map(|item| item["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["valid", "not_found", "valid", "refused", "refused", "refused", "refused"]);
    assert_eq!(items.iter().map(|item| item["row"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!((&items[3]["violations"][0]["rule"], &items[4]["violations"][0]["field"]), (&json!("VE-1"), &json!("ground")));
    assert_eq!(items[0]["certificate"]["certificate_number"], scene.number.as_str());
    // The receipt holds the answer as one verification gives it.
    let payload = items[0]["receipt"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let signed: Value = serde_json::from_slice(&base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap()).unwrap();
    assert_eq!((&signed["outcome"], &signed["certificate"]), (&items[0]["outcome"], &items[0]["certificate"]));
    // Two rows found somebody, and both looks are entries of the log.
    assert_eq!(size() - before, 2);
    let entry = registry.get(&format!("/v1/log/proofs?index={before}")).expect(200);
    assert!(entry["entry"].as_str().unwrap().contains("\ncertificate_looked_up\n"), "{entry}");
    assert!(!answer.to_string().contains(&scene.document) && !answer.to_string().contains("wkr_"));
});

on_both_databases!(every_form_goes_in_and_comes_out, |registry| {
    let scene = scene(registry);
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, (number, name)) in [("证书编号", "姓名"), (scene.number.as_str(), scene.name.as_str()), (scene.number.as_str(), "王五")].into_iter().enumerate() {
        sheet.write(row as u32, 0, number).unwrap().write(row as u32, 1, name).unwrap();
    }
    let line = |name: &str| json!({ "certificate_number": scene.number, "name": name });
    let files = [
        ("application/json", json!([line(&scene.name), line("王五")]).to_string().into_bytes()),
        (NDJSON, format!("{}\n{}\n", line(&scene.name), line("王五")).into_bytes()),
        (CSV, format!("certificate_number,姓名\n{},{}\n{},王五\n", scene.number, scene.name, scene.number).into_bytes()),
        (XLSX, workbook.save_to_buffer().unwrap()),
    ];
    for (media_type, file) in &files {
        let lines = ask(registry, &scene, "?ground=employment", media_type, NDJSON, file);
        assert_eq!(lines.status, 200, "{media_type}: {}", lines.text());
        let outcomes: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["outcome"].clone()).collect();
        assert_eq!(outcomes, ["valid", "not_found"], "{media_type}");
    }
    let csv = ask(registry, &scene, "?ground=employment", CSV, CSV, &files[2].1);
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = csv.text();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!((rows[0][1], rows[1][1], rows[2][1], rows[1][3]), ("outcome", "valid", "not_found", scene.number.as_str()));
    let bearer = format!("Bearer {}", registry.token(&scene.employer));
    let xlsx = registry.send("POST", "/v1/verifications/bulk?ground=employment", &[("authorization", &bearer), ("content-type", CSV), ("accept", XLSX), ("accept-language", "zh-CN")], &files[2].1);
    assert_eq!((xlsx.status, xlsx.header("content-type")), (200, Some(XLSX)));
    // Opened by another library.
    let mut book: calamine::Xlsx<_> = calamine::Reader::new(std::io::Cursor::new(xlsx.bytes)).unwrap();
    let range = calamine::Reader::worksheet_range(&mut book, "查验结果").unwrap();
    assert_eq!((range.get_value((0, 1)).unwrap().to_string(), range.get_value((1, 1)).unwrap().to_string(), range.get_value((2, 1)).unwrap().to_string()), ("结果".into(), "valid".into(), "not_found".into()));
});

#[test]
fn lists_are_for_employers_and_have_an_end() {
    let registry = TestRegistry::start(Database::Sqlite, &[("bulk_rows", "3")]);
    let scene = scene(&registry);
    let rows = |count: usize| Value::from(vec![json!({ "certificate_number": scene.number, "name": scene.name }); count]).to_string();
    for (query, file, status, expected) in [
        ("?ground=employment", rows(3), 200, "valid"),
        ("?ground=employment", rows(4), 400, "1 to 3 expected"),
        ("?ground=curiosity", rows(1), 400, "legal_duty"),
        ("?ground=employment", "{}".to_owned(), 400, "an array"),
        ("?ground=employment", "[]".to_owned(), 400, "0 rows"),
    ] {
        let reply = ask(&registry, &scene, query, "application/json", "application/json", file.as_bytes());
        assert!(reply.status == status && reply.text().contains(expected), "{status} {expected}: {} {}", reply.status, reply.text());
    }
    let ndjson = format!("{}\n", json!({ "certificate_number": scene.number, "name": scene.name })).repeat(4);
    assert!(ask(&registry, &scene, "?ground=employment", NDJSON, NDJSON, ndjson.as_bytes()).text().contains("more than 3 rows"));
    assert_eq!(ask(&registry, &scene, "", "application/pdf", "application/json", b"%PDF").status, 415);
    assert_eq!(ask(&registry, &scene, "", "application/json", "image/png", b"[]").status, 406);
    assert_eq!(registry.send("POST", "/v1/verifications/bulk", &[("content-type", "application/json")], b"[]").status, 401);
    let body = registry.organisation("113201000000000350", "labour_authority", "auditor").1;
    let bearer = format!("Bearer {}", registry.token(&body));
    assert_eq!(registry.send("POST", "/v1/verifications/bulk", &[("authorization", &bearer), ("content-type", "application/json")], b"[]").status, 403);
}
