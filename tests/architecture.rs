//! The rules of the tree itself: import directions, file sizes, paired migrations, generated files, the table of settings.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn files(directory: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![PathBuf::from(directory)];
    while let Some(path) = waiting.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn modules_import_only_what_their_layer_may() {
    let allowed: &[(&str, &[&str])] = &[
        ("domain", &["domain"]),
        ("merkle", &["merkle"]),
        ("credential", &["domain", "merkle", "credential"]),
        ("table", &["domain", "credential", "table"]),
        ("print", &["print"]),
        ("remote", &["merkle", "remote"]),
        ("store", &["domain", "merkle", "store", "clock", "entropy"]),
        ("services", &["domain", "merkle", "credential", "print", "table", "store", "remote", "services", "clock", "entropy", "config", "vault", "whole_file", "key_module"]),
        ("http", &["domain", "merkle", "credential", "print", "table", "store", "services", "http", "clock", "config"]),
    ];
    for (layer, imports) in allowed {
        for file in files(&format!("src/{layer}"), "rs") {
            let text = fs::read_to_string(&file).unwrap();
            for (_, rest) in text.match_indices("crate::").map(|(at, _)| text.split_at(at + "crate::".len())) {
                let module: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                assert!(imports.contains(&module.as_str()), "{} imports {module}, which {layer} may not", file.display());
            }
        }
    }
}

#[test]
fn only_http_and_the_commands_know_actix_and_only_the_store_knows_sql() {
    for file in files("src", "rs") {
        let (path, text) = (file.display().to_string(), fs::read_to_string(&file).unwrap());
        let is_outside = path.starts_with("src/http/") || path.starts_with("src/command/") || path == "src/main.rs";
        assert!(is_outside || !text.contains("actix"), "{path} names actix");
        assert!(path.starts_with("src/store/") || !text.contains("diesel::"), "{path} names diesel");
    }
}

#[test]
fn files_stay_below_500_lines() {
    for file in files("src", "rs").into_iter().chain(files("tests", "rs")) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 500, "{} has {lines} lines", file.display());
    }
}

#[test]
fn migrations_come_in_pairs() {
    let names = |database: &str| -> BTreeSet<String> {
        fs::read_dir(Path::new("migrations").join(database)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    for database in ["sqlite", "postgres"] {
        for name in names(database) {
            for file in ["up.sql", "down.sql"] {
                assert!(Path::new("migrations").join(database).join(&name).join(file).exists(), "{database}/{name}/{file} is missing");
            }
        }
    }
}

#[test]
fn the_openapi_file_equals_the_routes() {
    let file = fs::read_to_string("openapi/openapi.json").unwrap();
    assert!(file == jilu::http::openapi_text(), "write it again: cargo run -- openapi > openapi/openapi.json");
}

#[test]
fn every_operation_and_every_field_is_described() {
    let document = serde_json::to_value(jilu::http::openapi()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place} has no summary");
            assert!(operation["operationId"].is_string(), "{place} has no operation id");
            let answers = operation["responses"].as_object().unwrap();
            assert!(answers.keys().any(|status| status.starts_with('2')), "{place} has no answer for success");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{place}: {} is not described", parameter["name"]);
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let is_described = property["description"].is_string() || property["oneOf"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind["description"].is_string()));
            assert!(is_described, "{name}.{field} is not described");
        }
    }
}

#[test]
fn the_readme_has_every_setting_as_it_is() {
    let readme = fs::read_to_string("README.md").unwrap();
    for setting in jilu::config::SETTINGS {
        let row = format!("| `{}` | {} | {} |", setting.name, setting.default, setting.meaning);
        assert!(readme.contains(&row), "README.md lacks the row\n{row}");
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("[dev-dependencies]").next().unwrap();
    for line in dependencies.lines().filter(|line| line.contains(" = ") && !line.trim_start().starts_with('#')) {
        assert!(line.contains(" # "), "no reason beside: {line}");
    }
}
