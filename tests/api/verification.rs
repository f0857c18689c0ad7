//! Verification: two of three facts, the token, the document; receipts; limits.

use crate::on_both_databases;
use crate::support::{Database, TestRegistry};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jilu::credential::keys::PublicKey;
use jilu::credential::receipt;
use serde_json::{Value, json};

/// The published key with this identifier.
fn key(registry: &TestRegistry, key_id: &str) -> PublicKey {
    let keys = registry.get("/.well-known/jwks.json").expect(200);
    let jwk = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == key_id).expect("a published key").clone();
    let key = PublicKey::from_bytes(key_id.split('#').next().unwrap(), &URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(key.key_id, key_id, "the fragment is the thumbprint");
    key
}

on_both_databases!(two_of_three_facts_are_enough_and_one_is_not, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let number = certificate["certificate_number"].as_str().unwrap();
    for facts in [
        json!({ "certificate_number": number, "name": worker.name }),
        json!({ "certificate_number": number.to_lowercase(), "name": format!(" {} ", worker.name) }),
        json!({ "certificate_number": number, "document_number": worker.number }),
        json!({ "certificate_number": number, "document_number": worker.number.to_lowercase() }),
        json!({ "name": worker.name, "document_number": worker.number }),
        json!({ "certificate_number": number, "name": worker.name, "document_number": worker.number }),
    ] {
        let answer = registry.post("/v1/verifications", &facts).expect(200);
        assert_eq!(answer["outcome"], "valid", "{facts}");
        assert_eq!(answer["certificate"]["certificate_number"], number);
        let text = answer.to_string();
        assert!(!text.contains(&worker.name) && !text.contains(&worker.number) && !text.contains(&worker.id), "PR-8: nothing about the holder");
    }
    for facts in [json!({ "certificate_number": number }), json!({ "name": worker.name }), json!({ "document_number": worker.number }), json!({}), json!({ "certificate_number": number, "name": "  " })] {
        assert_eq!(registry.post("/v1/verifications", &facts).rules(), ["VE-1"], "{facts}");
    }
});

on_both_databases!(a_wrong_name_and_an_unknown_number_give_one_answer, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let number = certificate["certificate_number"].as_str().unwrap();
    let ask = |facts: Value| {
        let mut answer = registry.post("/v1/verifications", &facts).expect(200);
        assert_eq!(answer["outcome"], "not_found");
        assert!(answer["receipt"].is_string(), "not_found is signed too");
        answer.as_object_mut().unwrap().remove("receipt");
        answer
    };
    let wrong_name = ask(json!({ "certificate_number": number, "name": "诸葛亮" }));
    assert_eq!(ask(json!({ "certificate_number": "S000032000001263999999", "name": worker.name })), wrong_name);
    assert_eq!(ask(json!({ "certificate_number": number, "document_number": "320105190006150045" })), wrong_name);
    assert_eq!(ask(json!({ "certificate_number": number, "name": worker.name, "document_number": "320105190006150045" })), wrong_name);
    assert_eq!(ask(json!({ "certificate_number": number, "name": "<script>" })), wrong_name);
    let step = wrong_name["checks"][0]["next_step"].as_str().unwrap();
    assert!(step.contains("osta.org.cn") && step.contains("issuing body"), "VE-5: names the national lookup and the issuing body as next steps: {step}");
    assert!(wrong_name["checks"][0]["detail"].as_str().unwrap().contains("does not mean that it is false"), "VE-5");
});

on_both_databases!(a_receipt_is_the_answer_signed, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let facts = json!({ "certificate_number": certificate["certificate_number"], "name": worker.name });
    let mut answer = registry.post("/v1/verifications", &facts).expect(200);
    let receipt = answer.as_object_mut().unwrap().remove("receipt").unwrap();
    let key = key(registry, answer["key_id"].as_str().unwrap());
    assert_eq!(receipt::open(receipt.as_str().unwrap(), &key).unwrap(), answer);
    let unsigned = registry.post("/v1/verifications?receipt=none", &facts).expect(200);
    assert!(unsigned.get("receipt").is_none());
});

on_both_databases!(the_credential_verifies_and_no_change_of_it_does, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let path = format!("/v1/certificates/{}", certificate["certificate_number"].as_str().unwrap());
    let reply = registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]);
    assert_eq!(reply.header("content-type"), Some("application/vc+jwt"));
    let credential = reply.text();
    assert_eq!(registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).text(), credential, "byte for byte the same");
    let ask = |text: &str| registry.send("POST", "/v1/verifications/document", &[("content-type", "application/vc+jwt")], text.as_bytes()).expect(200);
    let answer = ask(&credential);
    assert_eq!(answer["outcome"], "valid", "{answer}");
    let checks: Vec<_> = answer["checks"].as_array().unwrap().iter().map(|check| check["check"].as_str().unwrap().to_owned()).collect();
    assert_eq!(checks, ["proof", "schema", "validity", "record", "log", "issuer", "right_to_issue", "status"]);
    // One byte changed anywhere, in steps so that the test stays short.
    for at in (0..credential.len()).step_by(97) {
        let mut bytes = credential.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(ask(std::str::from_utf8(&bytes).unwrap())["outcome"], "not_found", "byte {at}");
    }
    for junk in ["", "a.b.c", "x", &credential[..credential.len() - 1], &format!("{credential}.{credential}")] {
        assert_eq!(ask(junk)["outcome"], "not_found");
    }
});

on_both_databases!(a_credential_signed_by_a_stranger_is_not_found, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let path = format!("/v1/certificates/{}", certificate["certificate_number"].as_str().unwrap());
    let credential = registry.get_as(&body.client, &path, &[("accept", "application/vc+jwt")]).text();
    let payload = URL_SAFE_NO_PAD.decode(credential.split('.').nth(1).unwrap()).unwrap();
    let issuer = serde_json::from_slice::<Value>(&payload).unwrap()["issuer"]["id"].as_str().unwrap().to_owned();
    let forger = jilu::credential::keys::IssuingKey::from_secret(&issuer, &[9; 32]);
    let header = json!({ "alg": "EdDSA", "typ": "vc+jwt", "cty": "vc", "kid": forger.public.key_id }).to_string();
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(&payload));
    let forged = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(forger.sign(signed.as_bytes()).unwrap()));
    let answer = registry.post("/v1/verifications/document", &json!({ "credential": forged })).expect(200);
    assert_eq!(answer["outcome"], "not_found");
    assert_eq!((&answer["checks"][0]["check"], &answer["checks"][0]["outcome"]), (&json!("proof"), &json!("failed")));
});

on_both_databases!(the_token_of_the_qr_code_opens_the_answer, |registry| {
    let body = registry.body();
    let (_, certificate) = registry.certificate(&body, 1);
    let token = certificate["token"].as_str().unwrap();
    assert!(URL_SAFE_NO_PAD.decode(token).unwrap().len() * 8 >= 128);
    assert_eq!(registry.get(&format!("/v/{token}")).expect(200)["outcome"], "valid");
    assert_eq!(registry.get("/v/AAAAAAAAAAAAAAAAAAAAAAAA").expect(200)["outcome"], "not_found");
});

on_both_databases!(answers_are_in_the_readers_language, |registry| {
    let facts = json!({ "certificate_number": "S000032000001263000001", "name": "张三" }).to_string();
    let ask = |language: &str| registry.send("POST", "/v1/verifications", &[("content-type", "application/json"), ("accept-language", language)], facts.as_bytes()).expect(200);
    assert!(ask("zh-CN,zh;q=0.9,en;q=0.8")["checks"][0]["detail"].as_str().unwrap().contains("不等于证书为假"));
    assert!(ask("en;q=0.9,zh;q=0.3")["checks"][0]["detail"].as_str().unwrap().contains("does not mean that it is false"));
});

#[test]
fn pictures_and_receipts_are_counted_by_address() {
    let registry = TestRegistry::start(Database::Sqlite, &[("pictures_per_minute", "4")]);
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let facts = json!({ "certificate_number": certificate["certificate_number"], "name": worker.name });
    let receipt = registry.post("/v1/verifications", &facts).expect(200)["receipt"].as_str().unwrap().to_owned();
    let form = |fields: &[(&str, &str)]| form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let urlencoded = [("content-type", "application/x-www-form-urlencoded")];
    let take = || registry.send("POST", "/receipts", &urlencoded, form(&[("receipt", &receipt), ("form", "pdf")]).as_bytes());
    let frame = b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f.jpg\"\r\n\r\nx\r\n--b--\r\n";
    let show = || registry.send("POST", "/verify/frame", &[("content-type", "multipart/form-data; boundary=b")], frame);
    // Each kind by itself; a photograph counts as a picture.
    let photograph = b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"f.jpg\"\r\n\r\n\xff\xd8\xff\r\n--b--\r\n";
    let upload = || registry.send("POST", "/verify/file", &[("content-type", "multipart/form-data; boundary=b"), ("accept", "text/html")], photograph);
    for _ in 0..2 {
        assert_eq!([take().status, show().status, upload().status, take().status], [200, 204, 422, 200]);
    }
    for stopped in [take(), show(), upload()] {
        assert_eq!(stopped.status, 429);
        assert!(stopped.header("retry-after").unwrap().parse::<u64>().unwrap() <= 61);
    }
    registry.post("/v1/verifications", &facts).expect(200);
}

#[test]
fn guessing_is_slowed_down_but_a_token_is_not_counted() {
    let registry = TestRegistry::start(Database::Sqlite, &[("not_found_per_minute", "5")]);
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let right = json!({ "certificate_number": certificate["certificate_number"], "name": worker.name });
    let wrong = json!({ "certificate_number": "S000032000001263999999", "name": "诸葛亮" });
    for _ in 0..5 {
        registry.post("/v1/verifications", &right).expect(200);
        registry.post("/v1/verifications", &wrong).expect(200);
    }
    let stopped = registry.post("/v1/verifications", &right);
    assert_eq!(stopped.status, 429, "right and wrong must not be told apart by the limit");
    assert!(stopped.header("retry-after").unwrap().parse::<u64>().unwrap() <= 61);
    registry.post_as(&body.client, "/v1/verifications", &wrong).expect(200);
}
