//! What is printed keeps the rules of PDF/A, as a validator says that this project did not write: Preflight of Apache PDFBox.

use super::own::signed_in;
use super::papers::{kept, paper};
use super::photographs::{make_paper, photograph};
use crate::support::{Database, TestRegistry};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Debian's packages of it, and of what it needs.
const PREFLIGHT: [&str; 8] = ["preflight", "pdfbox2", "fontbox2", "xmpbox", "commons-logging", "commons-io", "javax.activation", "jaxb-api"];

/// Preflight knows part 1 of the standard, level b. What part 3 changed, and papers use: files may be attached (ISO 19005-3, 6.8), colour
/// profiles may be of ICC version 4 (6.2.4.2), and the metadata say so (6.6.4).
const ALLOWED_BY_PART_3: [&str; 4] = [
    "1.2.9 : Body Syntax error, EmbeddedFile entry is present in a FileSpecification dictionary",
    "1.4.7 : Trailer Syntax error, EmbeddedFile entry is present in the Names dictionary",
    "2.1.6 : Invalid graphics object, Invalid version of the ICCProfile",
    "7.11.2 : Error on MetaData, part must be 1",
];

/// What the validator finds in a file, each kind of fault once, without the page.
fn faults(file: &Path) -> BTreeSet<String> {
    let classes = PREFLIGHT.map(|name| format!("/usr/share/java/{name}.jar")).join(":");
    let output = Command::new("java").args(["-Xshare:auto", "-cp", &classes, "org.apache.pdfbox.preflight.Validator_A1b"]).arg(file).output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("PDF/A-1b file"), "the validator has come to an end: {told}");
    let is_fault = |line: &&str| line.split_once(" : ").is_some_and(|(code, _)| code.split('.').all(|part| part.parse::<u8>().is_ok()));
    told.lines().filter(is_fault).map(|line| line.split(" on page ").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn papers_histories_and_receipts_keep_the_rules_of_pdf_a() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let bearer = format!("Bearer {}", signed_in(&registry, &worker)["access_token"].as_str().unwrap());
    let number = certificate["certificate_number"].as_str().unwrap();
    let answer = registry.post("/v1/verifications", &serde_json::json!({ "certificate_number": number, "name": worker.name })).expect(200);
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("receipt", answer["receipt"].as_str().unwrap()).append_pair("form", "pdf").finish();
    let receipt = registry.send("POST", "/receipts", &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes());
    let directory = tempfile::tempdir().unwrap();
    let printed = [
        ("certificate", paper(&registry, &body, &certificate)),
        ("photograph", make_paper(&registry, &body.client, &certificate, "image/jpeg", &photograph(600, 840, image::ImageFormat::Jpeg)).expect_bytes()),
        ("history", registry.send("GET", "/v1/me/history", &[("authorization", &bearer), ("accept", "application/pdf")], b"").expect_bytes()),
        ("receipt", receipt.expect_bytes()),
    ];
    let allowed: BTreeSet<String> = ALLOWED_BY_PART_3.map(str::to_owned).into();
    for (name, bytes) in printed {
        let file = kept(directory.path(), &format!("{name}.pdf"), &bytes);
        let found = faults(&file);
        assert!(found.is_subset(&allowed), "{name}: {:?}", found.difference(&allowed));
        assert!(found.iter().any(|fault| fault.starts_with("7.11.2")), "{name} says that it is of part 3: {found:?}");
        // The validator knows a file that keeps none of it.
        let saved = directory.path().join("saved.pdf");
        assert!(Command::new("pdftocairo").arg("-pdf").arg(&file).arg(&saved).status().unwrap().success());
        assert!(!faults(&saved).is_subset(&allowed), "{name} is saved anew without what PDF/A asks for");
    }
}
