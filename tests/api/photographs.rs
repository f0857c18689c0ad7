//! Papers with the holder's photograph: printed and sealed for the body that issued, and kept nowhere.

use super::own::{own, signed_in};
use super::storage::{bytes_below, contains};
use super::papers::{kept, outcome_of, paper, plain, told, verified};
use crate::on_both_databases;
use crate::support::{Database, Reply, TestRegistry};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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

/// Where the picture's own bytes stand in a paper, behind its last marker.
fn scan_of(file: &[u8]) -> std::ops::Range<usize> {
    let find = |from: usize, piece: &[u8]| from + file[from..].windows(piece.len()).position(|window| window == piece).unwrap();
    let picture = find(find(0, b"/Subtype/Image"), &[0xff, 0xd8, 0xff]);
    let scan = find(picture, &[0xff, 0xda]);
    scan..find(scan, &[0xff, 0xd9])
}

on_both_databases!(a_body_prints_the_photograph_and_its_holder_sees_that, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let directory = tempfile::tempdir().unwrap();
    let empty = kept(directory.path(), "empty.pdf", &paper(registry, &body, &certificate));
    assert!(plain(&told("pdftotext", &["-layout"], &empty, &["-"])).contains("照片"), "a place for it");
    assert_eq!(told("pdfimages", &["-list"], &empty, &[]).lines().count(), 2, "two lines of heading");

    let sent = photograph(600, 840, image::ImageFormat::Jpeg);
    let made = make_paper(registry, &body.client, &certificate, "image/jpeg", &sent);
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
    let scan = scan_of(&made.bytes);
    let mut edited = made.bytes.clone();
    edited[scan.start + scan.len() / 2] ^= 1;
    let answer = verified(registry, &edited);
    assert_eq!((&answer["outcome"], outcome_of(&answer, "file").as_str()), (&json!("not_found"), "failed"));
    // The next paper has none.
    assert!(!contains(&paper(registry, &body, &certificate), b"/Subtype/Image"));

    // Its holder sees that it was made, by whom and when.
    let looks = own(registry, &signed_in(registry, &worker), "GET", "/v1/me/lookups").expect(200);
    let look = looks["items"].as_array().unwrap().iter().find(|look| look["ground"] == "photograph").expect("the look is told");
    assert_eq!((&look["certificate_id"], &look["organisation_id"]), (&certificate["certificate_id"], &json!(body.organisation)));
    registry.expect_clean_audit();
});

#[test]
fn the_registry_keeps_no_photograph() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let sent = photograph(600, 840, image::ImageFormat::Jpeg);
    let made = make_paper(&registry, &body.client, &certificate, "image/jpeg", &sent).expect_bytes();
    let printed = &made[scan_of(&made)];
    let (directory, ..) = registry.stop();
    let stored = bytes_below(directory.path());
    assert!(contains(&stored, b"S000032000001263000001"), "the search finds what is there in clear");
    for piece in [&sent[sent.len() / 2..][..60], &printed[printed.len() / 2..][..60]] {
        // Base64 has three alignments; the inner characters are the same wherever the piece stands.
        let base64 = (0..3).map(|shift| STANDARD.encode(&piece[shift..])[..48].as_bytes().to_vec());
        for form in [piece.to_vec(), hex::encode(piece).into_bytes()].into_iter().chain(base64) {
            assert!(!contains(&stored, &form), "a photograph was kept");
        }
    }
}

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
        ("image/png", photograph(4000, 5200, image::ImageFormat::Png), 400, "16 million"),
        ("image/gif", face.clone(), 415, "image/jpeg or image/png"),
        ("image/png", vec![0; (12 << 20) + 1], 413, "12582912"),
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
    // No answer with a face in it is kept: whoever asks twice makes two papers, whatever key they send.
    let keyed = || {
        let path = format!("/v1/certificates/{}/papers", certificate["certificate_id"].as_str().unwrap());
        registry.send("POST", &path, &[("authorization", &format!("Bearer {}", registry.token(&body.client))), ("content-type", "image/png"), ("idempotency-key", "k")], &face).expect_bytes()
    };
    assert_ne!(keyed(), keyed(), "each with the newest proof");
    // Three looks were recorded: what was refused was not looked at.
    let looks = own(&registry, &signed_in(&registry, &worker), "GET", "/v1/me/lookups").expect(200);
    assert_eq!(looks["items"].as_array().unwrap().iter().filter(|look| look["ground"] == "photograph").count(), 3);
    // Who is suspended signs no faces, and may again when that is over (SV-6).
    let state = |state: &str| {
        let path = format!("/v1/organisations/{}", body.organisation);
        let bearer = format!("Bearer {}", registry.token(registry.registrar()));
        registry.send("PATCH", &path, &[("authorization", &bearer), ("content-type", "application/json")], json!({ "state": state, "reason": "x" }).to_string().as_bytes()).expect(200);
    };
    state("suspended");
    let refused = make_paper(&registry, &body.client, &certificate, "image/png", &face);
    assert_eq!((refused.status, refused.rules()), (422, vec!["SV-6".to_owned()]));
    state("active");
    assert_eq!(asked(&body.client, &certificate, "image/png", &face).0, 200);
}
