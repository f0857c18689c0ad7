//! The catalogue: shipped, public, filtered, dated, imported.

use crate::on_both_databases;
use serde_json::{Value, json};

on_both_databases!(lists_are_public_with_filters_and_search, |registry| {
    let count = |path: &str| registry.get(path).expect(200)["items"].as_array().unwrap().len();
    assert_eq!(count("/v1/catalogue/levels"), 8);
    assert_eq!(count("/v1/catalogue/occupations?text=%E7%94%B5%E5%B7%A5&code_prefix=6-31"), 1);
    assert_eq!(count("/v1/catalogue/occupations?edition=online-after-2022"), 3);
    assert_eq!(count("/v1/catalogue/entry_class_items"), 24);
    assert!(count("/v1/catalogue/regions?code_prefix=3201") >= 12);
    let one = registry.get("/v1/catalogue/occupations/2022/6-31-01-03").expect(200);
    assert_eq!((&one["name"], &one["key"]), (&json!("电工"), &json!("2022/6-31-01-03")));
    assert_eq!(registry.get("/v1/catalogue/occupations/1999/6-31-01-03").status, 404);
    assert_eq!(registry.get("/v1/catalogue/nothing").status, 404);
    let mut seen = 0;
    let mut path = "/v1/catalogue/occupations?limit=500".to_owned();
    loop {
        let page = registry.get(&path).expect(200);
        seen += page["items"].as_array().unwrap().len();
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/catalogue/occupations?limit=500&cursor={cursor}");
    }
    assert_eq!(seen, 1639);
});

on_both_databases!(an_import_is_a_new_version_from_a_day_on, |registry| {
    let import = |query: &str, file: &str| {
        let bearer = format!("Bearer {}", registry.token(registry.registrar()));
        registry.send("POST", &format!("/v1/catalogue/imports?{query}"), &[("authorization", &bearer), ("content-type", "text/csv")], file.as_bytes())
    };
    let file = "date,kind,name_zh,name_en\n2026-03-03,holiday,演示,Demo\n";
    assert_eq!(import("list=holidays&valid_from=2026-03-02&dry_run=true", file).expect(200)["dry_run"], true);
    let bad = import("list=holidays&valid_from=2026-03-02", "date,kind\n2026-03-03,holiday\n2026-03-03,holiday\nx\n");
    assert_eq!((bad.status, bad.fields()), (400, vec!["row 3".to_owned(), "row 4".to_owned()]));
    assert_eq!(import("list=nothing&valid_from=2026-03-02", file).fields(), ["list"]);
    let answer = import("list=holidays&valid_from=2026-03-02", file).expect(201);
    assert_eq!((&answer["version"], &answer["entries"]), (&json!(2), &json!(1)));
    let on = |day: &str| registry.get(&format!("/v1/catalogue/holidays?on={day}&limit=500")).expect(200)["items"].as_array().unwrap().len();
    assert_eq!((on("2026-03-01"), on("2026-03-02")), (290, 1), "the older version stays readable");
    // The rules know the new day at once.
    let body = registry.body();
    let worker = registry.worker(&body.client, 1);
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "80")], json!({}));
    let notice: Value = registry.get_as(&body.client, &format!("/v1/assessment_sessions/{session}"), &[]).expect(200);
    assert_eq!(notice["publication"]["notice_ends_on"], "2026-03-10");
    let (_, employer) = registry.organisation("91320102MA0TEXAM3X", "employer", "employer");
    let bearer = format!("Bearer {}", registry.token(&employer));
    assert_eq!(registry.send("POST", "/v1/catalogue/imports?list=holidays&valid_from=2026-03-02", &[("authorization", &bearer), ("content-type", "text/csv")], file.as_bytes()).status, 403);
});
