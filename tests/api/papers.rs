//! Certificates as PDF: checked with the programs of others, accepted back, refused when edited.

use crate::on_both_databases;
use crate::support::{Body, Database, TestRegistry, person};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub fn paper(registry: &TestRegistry, body: &Body, certificate: &Value) -> Vec<u8> {
    let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
    let reply = registry.get_as(&body.client, &path, &[("accept", "application/pdf")]);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/pdf")), "{}", reply.text());
    reply.bytes
}

pub fn verified(registry: &TestRegistry, file: &[u8]) -> Value {
    registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", "application/pdf")], file).expect(200)
}

pub fn outcome_of(answer: &Value, check: &str) -> String {
    answer["checks"].as_array().unwrap().iter().find(|found| found["check"] == check).and_then(|found| found["outcome"].as_str()).unwrap_or("-").to_owned()
}

pub fn kept(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}

/// What another program says of a file; it must end well.
pub fn told(program: &str, arguments: &[&str], file: &Path, rest: &[&str]) -> String {
    let output = Command::new(program).args(arguments).arg(file).args(rest).stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{program}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Text without what a line break adds.
pub fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

on_both_databases!(a_paper_says_what_was_issued_and_verifies_until_it_is_revoked, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let (file, directory) = (paper(registry, &body, &certificate), tempfile::tempdir().unwrap());
    let path = kept(directory.path(), "certificate.pdf", &file);

    // Other people's programs read it.
    told("qpdf", &["--check"], &path, &[]);
    let text = plain(&told("pdftotext", &["-layout"], &path, &["-"]));
    let masked = format!("{}***********{}", &worker.number[..3], &worker.number[14..]);
    // Where anybody reads what the body may issue is an address that answers (section 12).
    let about = format!("{}/organisations/{}", registry.public_url, body.organisation);
    // It may take two lines.
    for said in ["机构信息查询网址", about.trim_end_matches(body.organisation.as_str()), &body.organisation, "证书查询网址"] {
        assert!(text.contains(&plain(said)), "{said} is not on the paper: {text}");
    }
    let page = registry.send("GET", about.strip_prefix(&registry.public_url).unwrap(), &[("accept-language", "zh-CN")], b"").text();
    assert!(page.contains("S000032000001") && page.contains("电工") && page.contains("2027-12-31"), "{page}");
    for said in ["职业技能等级证书", &worker.name, &masked, "电工（6-31-01-03）", "三级/高级工", certificate["certificate_number"].as_str().unwrap(), "2026年3月10日", certificate["issuer_name"].as_str().unwrap()] {
        assert!(text.contains(&plain(said)), "{said} is not on the paper: {text}");
    }
    told("pdftoppm", &["-r", "150", "-png", "-singlefile"], &path, &[directory.path().join("page").to_str().unwrap()]);
    let url = told("zbarimg", &["--quiet", "--raw"], &directory.path().join("page.png"), &[]);
    assert_eq!(url.trim(), format!("{}/v/{}", registry.public_url, certificate["token"].as_str().unwrap()));
    assert_eq!(registry.get(url.trim().strip_prefix(&registry.public_url).unwrap()).expect(200)["outcome"], "valid");
    // What it carries is what was signed, and nothing that acts.
    let attached = told("qpdf", &["--show-attachment=certificate.jwt"], &path, &[]);
    let signed = registry.get_as(&body.client, &format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap()), &[("accept", "application/vc+jwt")]);
    assert_eq!(attached.as_bytes(), signed.bytes);
    let structure = told("qpdf", &["--json"], &path, &[]);
    assert!(!["/JavaScript", "/OpenAction", "/Launch", "/AA\""].iter().any(|act| structure.contains(act)));

    // It comes back.
    let answer = verified(registry, &file);
    assert_eq!(answer["outcome"], "valid", "{answer}");
    for check in ["file", "proof", "schema", "record", "log", "right_to_issue", "status"] {
        assert_eq!(outcome_of(&answer, check), "passed", "{check}");
    }
    // One byte anywhere, and it is another file.
    for at in [60, file.len() / 3, file.len() - 8] {
        let mut edited = file.clone();
        edited[at] ^= 1;
        let answer = verified(registry, &edited);
        assert_eq!((&answer["outcome"], outcome_of(&answer, "file").as_str()), (&json!("not_found"), "failed"), "byte {at}: {answer}");
    }
    // Saved anew by another program it carries a genuine credential, and is refused all the same.
    told("qpdf", &["--object-streams=generate", "--recompress-flate"], &path, &[directory.path().join("saved.pdf").to_str().unwrap()]);
    let answer = verified(registry, &std::fs::read(directory.path().join("saved.pdf")).unwrap());
    assert_eq!((&answer["outcome"], outcome_of(&answer, "file").as_str(), outcome_of(&answer, "proof").as_str()), (&json!("not_found"), "failed", "passed"));
    assert_eq!(outcome_of(&verified(registry, b"%PDF-1.7 nothing"), "file"), "failed");

    let change = json!({ "change": "revoke", "reason": "scores were altered", "decision_document": "宁人社撤〔2026〕1号" });
    registry.post_as(&body.client, &format!("/v1/certificates/{}/status_changes", certificate["certificate_id"].as_str().unwrap()), &change).expect(200);
    assert_eq!(verified(registry, &file)["outcome"], "revoked");
    // One that is taken now bears a stamp, and is as genuine.
    let file = paper(registry, &body, &certificate);
    assert_eq!((&verified(registry, &file)["outcome"], outcome_of(&verified(registry, &file), "file").as_str()), (&json!("revoked"), "passed"));
    let path = kept(directory.path(), "revoked.pdf", &file);
    told("qpdf", &["--check"], &path, &[]);
    let text = plain(&told("pdftotext", &["-raw"], &path, &["-"]));
    assert!(text.contains("已撤销") && text.contains("REVOKED"), "{text}");
});

/// Fields of each kind (certificate-formats, section 12).
#[test]
fn every_kind_of_paper_has_its_own_fields() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body_with("52320100000000027X", json!({ "certificate_kinds": ["specific_ability"], "occupations": [], "abilities": ["中式面点制作"], "number_prefix": null }));
    let worker = registry.worker(&body.client, 1);
    let ability = json!({ "certificate_kind": "specific_ability", "ability": "中式面点制作", "occupation_code": null, "level": null });
    let session = registry.published_session(&body, std::slice::from_ref(&worker), &[("80", "85")], ability);
    let guard = json!([{ "occupation_code": "4-07-05-01", "levels": ["level5"] }]);
    let centre = registry.body_with("123200000000000192", json!({ "occupations": guard, "certificate_kinds": ["vocational_qualification", "training_completion", "special_operation"], "number_prefix": "10012003", "valid_from": "2020-01-01" }));
    let panel = json!([{ "card_number": "B1", "grade": "senior_assessor" }, { "card_number": "B2", "grade": "senior_assessor" }, { "card_number": "B3", "grade": "senior_assessor" }]);
    let qualification = registry.published_session(&centre, std::slice::from_ref(&worker), &[("70", "75")], json!({ "certificate_kind": "vocational_qualification", "occupation_code": "4-07-05-01", "level": "level5", "panel": panel }));
    registry.set_clock("2026-03-10T01:00:00Z");
    let number = |certificate: &Value| certificate["certificate_number"].as_str().unwrap().to_owned();
    let sex = if worker.number.as_bytes()[16] % 2 == 1 { "男" } else { "女" };
    let directory = tempfile::tempdir().unwrap();
    for (issuer, order, said, unsaid) in [
        (&body, json!({ "worker_id": worker.id, "session_id": session }), vec!["专项职业能力证书", "中式面点制作", "2026年3月10日", "理论成绩", "80", "技能成绩", "85", "性别", sex], vec!["课时", "应复审日期", "作业类别", "有效期", "查询网址"]),
        (&centre, json!({ "worker_id": worker.id, "session_id": qualification }), vec!["职业资格证书", "保安员（4-07-05-01）", "五级/初级工", "70", "75", "性别", sex], vec!["课时", "应复审日期", "作业类别", "有效期"]),
        (&centre, json!({ "worker_id": worker.id, "project": "电工（初级）岗前培训", "taught_minutes": 2520 }), vec!["电工（初级）岗前培训", "课时", "56"], vec!["性别", "应复审日期", "作业类别", "理论成绩"]),
        (&centre, json!({ "worker_id": worker.id, "category": "电工作业", "item": "低压电工作业", "issued_on": "2024-05-10" }), vec!["特种作业操作证", "电工作业", "低压电工作业", "有效期起", "2024年5月10日", "有效期至", "2030年5月9日", "应复审日期", "2027年5月10日", "性别", sex], vec!["理论成绩"]),
    ] {
        let certificate = registry.post_as(&issuer.client, "/v1/certificates", &order).expect(201);
        let path = kept(directory.path(), "certificate.pdf", &paper(&registry, issuer, &certificate));
        let text = plain(&told("pdftotext", &["-layout"], &path, &["-"]));
        for said in said.iter().copied().chain([worker.name.as_str(), &number(&certificate), certificate["issuer_name"].as_str().unwrap()]) {
            assert!(text.contains(&plain(said)), "{order}: {said} is not on the paper: {text}");
        }
        for unsaid in unsaid {
            assert!(!text.contains(unsaid), "{order}: {unsaid} is on the paper: {text}");
        }
        let proof = registry.send("GET", &format!("/v1/certificates/{}/proof", certificate["certificate_id"].as_str().unwrap()), &[("accept", "text/plain")], b"");
        assert_eq!(told("qpdf", &["--show-attachment=certificate.tlog-proof"], &path, &[]).lines().nth(1), proof.text().lines().nth(1), "the same place in the log");
    }
}

#[test]
fn rare_and_long_names_are_printed_and_what_cannot_be_is_said() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    let body = registry.body();
    let names = ["𬭚𫖯", "䶮㛃𠮷", "阿卜杜拉·买买提江·吐尔逊·阿不都热依木·艾合买提", "MARIA DEL CARMEN FERNANDEZ DE LA VEGA Y SANZ"];
    let directory = tempfile::tempdir().unwrap();
    for (index, name) in (1..).zip(names.iter().chain(&["某\u{323af}"])) {
        let number = person(index).1;
        let order = json!({ "name": name, "documents": [{ "document_type": "resident_id", "document_number": number }] });
        let worker = registry.post_as(&body.client, "/v1/workers", &order).expect(201)["worker_id"].as_str().unwrap().to_owned();
        registry.set_clock("2026-03-02T01:00:00Z");
        let known = crate::support::Worker { id: worker.clone(), name: (*name).to_owned(), number };
        let session = registry.published_session(&body, &[known], &[("80", "80")], json!({ "panel": [{ "card_number": format!("A{index}1"), "grade": "senior_assessor" }, { "card_number": format!("A{index}2"), "grade": "senior_assessor" }, { "card_number": format!("A{index}3"), "grade": "senior_assessor" }] }));
        registry.set_clock("2026-03-10T01:00:00Z");
        let certificate = registry.post_as(&body.client, "/v1/certificates", &json!({ "worker_id": worker, "session_id": session })).expect(201);
        if name.contains('\u{323af}') {
            let path = format!("/v1/certificates/{}", certificate["certificate_id"].as_str().unwrap());
            let reply = registry.get_as(&body.client, &path, &[("accept", "application/pdf")]);
            assert_eq!(reply.status, 422);
            assert!(reply.text().contains("U+323AF"), "{}", reply.text());
            continue;
        }
        let path = kept(directory.path(), "certificate.pdf", &paper(&registry, &body, &certificate));
        let text = plain(&told("pdftotext", &["-layout"], &path, &["-"]));
        assert!(text.contains(&plain(name)), "{name} is not on the paper: {text}");
    }
}
