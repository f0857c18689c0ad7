//! Papers with the holder's photograph: printed and sealed for the body that issued, and kept nowhere.

use super::own::{own, signed_in};
use super::papers::{kept, outcome_of, paper, plain, told, verified};
use crate::on_both_databases;
use crate::support::{Database, Reply, TestRegistry};
use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use std::io::Cursor;

/// A drawn face, as a clerk has it in a file.
pub fn photograph(width: u32, height: u32, format: image::ImageFormat) -> Vec<u8> {
    let face = |x: u32, y: u32| {
        let (across, down) = (x as f32 / width as f32 - 0.5, y as f32 / height as f32 - 0.45);
        let is_face = (across / 0.24).powi(2) + (down / 0.25).powi(2) < 1.0;
        let is_shoulder = (across / 0.45).powi(2) + ((down - 0.55) / 0.25).powi(2) < 1.0;
        if is_face { Rgb([236, 190, 160]) } else if is_shoulder { Rgb([40, 60, 96]) } else { Rgb([224, 234, 242]) }
    };
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, face).write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// Asks for a paper with a photograph.
pub fn make_paper(registry: &TestRegistry, client: &(String, String), certificate: &Value, media_type: &str, file: &[u8]) -> Reply {
    let path = format!("/v1/certificates/{}/papers", certificate["certificate_id"].as_str().unwrap());
    let bearer = format!("Bearer {}", registry.token(client));
    registry.send("POST", &path, &[("authorization", &bearer), ("content-type", media_type)], file)
}

on_both_databases!(a_body_prints_the_photograph_and_the_registry_keeps_none, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let directory = tempfile::tempdir().unwrap();
    let empty = kept(directory.path(), "empty.pdf", &paper(registry, &body, &certificate));
    assert!(plain(&told("pdftotext", &["-layout"], &empty, &["-"])).contains("照片"), "a place for it");
    assert_eq!(told("pdfimages", &["-list"], &empty, &[]).lines().count(), 2, "two lines of heading");

    let made = make_paper(registry, &body.client, &certificate, "image/jpeg", &photograph(600, 840, image::ImageFormat::Jpeg));
    assert_eq!((made.status, made.header("content-type"), made.header("cache-control")), (200, Some("application/pdf"), Some("private, no-store")), "{}", made.text());
    let path = kept(directory.path(), "certificate.pdf", &made.bytes);
    told("qpdf", &["--check"], &path, &[]);
    let listed = told("pdfimages", &["-list"], &path, &[]);
    let [.., picture] = listed.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect::<Vec<_>>().try_into().map(|lines: [Vec<&str>; 3]| lines).unwrap();
    assert_eq!((picture[3], picture[4], picture[8]), ("590", "826", "jpeg"), "{listed}");
    let text = plain(&told("pdftotext", &["-layout"], &path, &["-"]));
    assert!(text.contains(&worker.name) && !text.contains("Photograph"), "{text}");
    // It is verified like any other, and whoever puts another face in breaks the seal.
    let answer = verified(registry, &made.bytes);
    assert_eq!((&answer["outcome"], outcome_of(&answer, "file").as_str()), (&json!("valid"), "passed"), "{answer}");
    let mut edited = made.bytes.clone();
    let scan = edited.windows(2).position(|bytes| bytes == [0xff, 0xda]).unwrap() + 400;
    edited[scan] ^= 1;
    let answer = verified(registry, &edited);
    assert_eq!((&answer["outcome"], outcome_of(&answer, "file").as_str()), (&json!("not_found"), "failed"));
    // The next paper has none: no form of the certificate remembers it.
    assert!(!paper(registry, &body, &certificate).windows(2).any(|bytes| bytes == [0xff, 0xda]));

    // Its holder sees that it was made, by whom and when.
    let looks = own(registry, &signed_in(registry, &worker), "GET", "/v1/me/lookups").expect(200);
    let look = looks["items"].as_array().unwrap().iter().find(|look| look["ground"] == "photograph").expect("the look is told");
    assert_eq!((&look["certificate_id"], &look["organisation_id"]), (&certificate["certificate_id"], &json!(body.organisation)));
    registry.expect_clean_audit();
});

#[test]
fn who_may_not_print_one_and_what_is_none_is_told() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["skill_level", "training_completion"] }));
    let (worker, certificate) = registry.certificate(&body, 1);
    let face = photograph(295, 413, image::ImageFormat::Png);
    let asked = |client: &(String, String), certificate: &Value, media_type: &str, file: &[u8]| {
        let reply = make_paper(&registry, client, certificate, media_type, file);
        (reply.status, reply.text())
    };
    assert_eq!(asked(&body.client, &certificate, "image/png", &face).0, 200);
    let (other, stranger) = registry.organisation("123200000000000192", "assessment_body", "assessment_body");
    assert_ne!(other, body.organisation);
    assert_eq!(asked(&stranger, &certificate, "image/png", &face).0, 404, "another body's certificate");
    assert_eq!(asked(registry.registrar(), &certificate, "image/png", &face).0, 403, "the authority sees it and does not print it");
    for (media_type, file, status, told) in [
        ("image/jpeg", photograph(200, 280, image::ImageFormat::Jpeg), 400, "200 × 280"),
        ("image/jpeg", photograph(800, 600, image::ImageFormat::Jpeg), 400, "800 × 600"),
        ("image/png", b"GIF89a".to_vec(), 400, "JPEG or PNG"),
        ("image/gif", face.clone(), 415, "image/jpeg or image/png"),
        ("image/png", vec![0; (1 << 20) + 1], 413, "1048576"),
    ] {
        let (found, text) = asked(&body.client, &certificate, media_type, &file);
        assert!(found == status && text.contains(told), "{media_type}: {found} {text}");
    }
    let completion = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker.id, "project": "电工（初级）岗前培训", "taught_minutes": 2520 })).expect(201);
    let (status, text) = asked(&body.client, &completion, "image/png", &face);
    assert!(status == 400 && text.contains("photograph"), "{text}");
    let directory = tempfile::tempdir().unwrap();
    let path = kept(directory.path(), "completion.pdf", &paper(&registry, &body, &completion));
    assert!(!plain(&told("pdftotext", &["-layout"], &path, &["-"])).contains("照片"), "a completion has no place for one");
    // One look was recorded: what was refused was not looked at.
    let looks = own(&registry, &signed_in(&registry, &worker), "GET", "/v1/me/lookups").expect(200);
    assert_eq!(looks["items"].as_array().unwrap().iter().filter(|look| look["ground"] == "photograph").count(), 1);
}
