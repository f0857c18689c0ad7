//! OpenID4VCI: an offer of the worker, a wallet that comes for it, and everything that it must not get.

use crate::on_both_databases;
use crate::own::{own_post, signed_in};
use crate::support::{Reply, TestRegistry};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jilu::credential::keys::IssuingKey;
use serde_json::{Value, json};

const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

struct Offered {
    offer: Value,
    code: String,
    pin: String,
}

fn offered(registry: &TestRegistry, session: &Value, certificate: &Value) -> Offered {
    let path = format!("/v1/me/certificates/{}/wallet_offers", certificate["certificate_id"].as_str().unwrap());
    let made = own_post(registry, session, &path, &json!({})).expect(201);
    assert!(made["qr"].as_str().unwrap().starts_with("<svg"));
    let uri = made["credential_offer_uri"].as_str().unwrap();
    let link = made["offer_url"].as_str().unwrap();
    let named = form_urlencoded::parse(link.split_once('?').unwrap().1.as_bytes()).next().unwrap().1.to_string();
    assert_eq!((link.starts_with("openid-credential-offer://?credential_offer_uri="), named.as_str()), (true, uri));
    let reply = registry.get(uri.strip_prefix(&registry.public_url).unwrap());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let offer = reply.expect(200);
    let grant = &offer["grants"][PRE_AUTHORIZED];
    assert_eq!((&grant["tx_code"]["input_mode"], &grant["tx_code"]["length"]), (&json!("numeric"), &json!(6)));
    Offered { code: grant["pre-authorized_code"].as_str().unwrap().to_owned(), pin: made["tx_code"].as_str().unwrap().to_owned(), offer }
}

fn token(registry: &TestRegistry, fields: &[(&str, &str)]) -> Reply {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    registry.send("POST", "/oauth/token", &[("content-type", "application/x-www-form-urlencoded")], form.as_bytes())
}

fn redeemed(registry: &TestRegistry, code: &str, pin: &str) -> Reply {
    token(registry, &[("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", code), ("tx_code", pin)])
}

fn nonce(registry: &TestRegistry) -> String {
    let reply = registry.send("POST", "/wallet/nonce", &[], b"");
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    reply.expect(200)["c_nonce"].as_str().unwrap().to_owned()
}

fn wallet() -> IssuingKey {
    IssuingKey::from_secret("wallet", &[9; 32])
}

/// A proof of possession, with changes to its header and claims.
fn proof(registry: &TestRegistry, nonce: &str, change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let key = wallet();
    let mut header = json!({ "alg": "EdDSA", "typ": "openid4vci-proof+jwt", "jwk": { "kty": "OKP", "crv": "Ed25519", "x": key.public.jwk_x() } });
    let iat = "2026-03-10T01:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
    let mut claims = json!({ "aud": registry.public_url, "iat": iat, "nonce": nonce });
    change(&mut header, &mut claims);
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(key.sign(input.as_bytes()).unwrap()))
}

fn taken(registry: &TestRegistry, token: &str, request: &Value) -> Reply {
    registry.send("POST", "/wallet/credential", &[("authorization", &format!("Bearer {token}")), ("content-type", "application/json")], request.to_string().as_bytes())
}

fn error(reply: &Reply) -> (u16, String) {
    (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned())
}

fn word(word: &str) -> (u16, String) {
    (400, word.to_owned())
}

on_both_databases!(a_wallet_takes_a_certificate_once_and_proves_its_key, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let Offered { offer, code, pin } = offered(registry, &session, &certificate);
    // What the metadata say is what is offered.
    let metadata = registry.get("/.well-known/openid-credential-issuer").expect(200);
    assert_eq!((&metadata["credential_issuer"], &offer["credential_issuer"]), (&json!(registry.public_url), &json!(registry.public_url)));
    for configuration in offer["credential_configuration_ids"].as_array().unwrap() {
        let known = &metadata["credential_configurations_supported"][configuration.as_str().unwrap()];
        assert!(["dc+sd-jwt", "jwt_vc_json"].contains(&known["format"].as_str().unwrap()));
    }
    assert_eq!(registry.get("/.well-known/oauth-authorization-server").expect(200)["pre-authorized_grant_anonymous_access_supported"], true);
    let reply = redeemed(registry, &code, &pin);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let token = reply.expect(200)["access_token"].as_str().unwrap().to_owned();
    let c_nonce = nonce(registry);
    let request = json!({ "credential_configuration_id": "skill_level_sd_jwt", "proofs": { "jwt": [proof(registry, &c_nonce, |_, _| {})] } });
    let credential = taken(registry, &token, &request).expect(200)["credentials"][0]["credential"].as_str().unwrap().to_owned();
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(credential.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_eq!(payload["cnf"]["jwk"]["x"], wallet().public.jwk_x());
    let verify = |text: &str| registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", "application/dc+sd-jwt")], text.as_bytes()).expect(200)["outcome"].clone();
    assert_eq!(verify(&credential), "valid");
    // Shown by its holder, and by somebody else.
    let bound = |by: &IssuingKey| {
        use sha2::Digest;
        let claims = json!({ "iat": 1, "aud": "https://employer.example", "nonce": "n", "sd_hash": URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&credential)) });
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(json!({ "alg": "EdDSA", "typ": "kb+jwt" }).to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        format!("{credential}{input}.{}", URL_SAFE_NO_PAD.encode(by.sign(input.as_bytes()).unwrap()))
    };
    assert_eq!(verify(&bound(&wallet())), "valid");
    assert_eq!(verify(&bound(&IssuingKey::from_secret("thief", &[8; 32]))), "not_found");
    // The same nonce, the same code, the same offer: each served once.
    assert_eq!(error(&taken(registry, &token, &request)), word("invalid_nonce"));
    assert_eq!(error(&redeemed(registry, &code, &pin)), word("invalid_grant"));
    let plain = json!({ "credential_configuration_id": "skill_level_jwt_vc" });
    let signed = taken(registry, &token, &plain).expect(200)["credentials"][0]["credential"].as_str().unwrap().to_owned();
    assert_eq!(verify(&signed), "valid");
    registry.expect_clean_audit();
});

/// A key as wallets have it: most phones keep one of P-256 (the key of RFC 7515, appendix A.3).
struct Holder {
    alg: &'static str,
    jwk: Value,
    sign: fn(&[u8]) -> String,
}

fn with_p256(input: &[u8]) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let (head, middle) = ("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420", "a14403420004");
    let pkcs8 = [hex::decode(head).unwrap(), part("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"), hex::decode(middle).unwrap(), part(P256_X), part(P256_Y)].concat();
    jsonwebtoken::crypto::sign(input, &jsonwebtoken::EncodingKey::from_ec_der(&pkcs8), jsonwebtoken::Algorithm::ES256).unwrap()
}

const P256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const P256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";

fn holders() -> [Holder; 2] {
    [
        Holder { alg: "EdDSA", jwk: json!({ "kty": "OKP", "crv": "Ed25519", "x": wallet().public.jwk_x() }), sign: |input| URL_SAFE_NO_PAD.encode(wallet().sign(input).unwrap()) },
        Holder { alg: "ES256", jwk: json!({ "kty": "EC", "crv": "P-256", "x": P256_X, "y": P256_Y }), sign: with_p256 },
    ]
}

impl Holder {
    fn jws(&self, mut header: Value, claims: &Value) -> String {
        header["alg"] = json!(self.alg);
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        format!("{input}.{}", (self.sign)(input.as_bytes()))
    }

    fn did(&self) -> String {
        format!("did:jwk:{}#0", URL_SAFE_NO_PAD.encode(self.jwk.to_string()))
    }
}

on_both_databases!(a_key_of_either_curve_is_proved_as_jwk_or_did_and_never_as_certificate_chain, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let iat = "2026-03-10T01:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp();
    let verify = |text: &str| registry.send("POST", "/v1/verifications/document?receipt=none", &[("content-type", "application/dc+sd-jwt")], text.as_bytes()).expect(200)["outcome"].clone();
    let [ours, theirs] = holders();
    for (holder, other) in [(&ours, &theirs), (&theirs, &ours)] {
        for named in [json!({ "jwk": holder.jwk }), json!({ "kid": holder.did() })] {
            let Offered { code, pin, .. } = offered(registry, &session, &certificate);
            let token = redeemed(registry, &code, &pin).expect(200)["access_token"].as_str().unwrap().to_owned();
            let asked = |header: &Value, by: &Holder| {
                let mut header = header.clone();
                header["typ"] = json!("openid4vci-proof+jwt");
                let jwt = by.jws(header, &json!({ "aud": registry.public_url, "iat": iat, "nonce": nonce(registry) }));
                taken(registry, &token, &json!({ "credential_configuration_id": "skill_level_sd_jwt", "proofs": { "jwt": [jwt] } }))
            };
            assert_eq!(error(&asked(&named, other)), word("invalid_proof"), "signed by another key than {named}");
            // A signature over something else, by the right key.
            let mut header = named.clone();
            header["typ"] = json!("openid4vci-proof+jwt");
            let [old, new] = [1, 2].map(|_| holder.jws(header.clone(), &json!({ "aud": registry.public_url, "iat": iat, "nonce": nonce(registry) })));
            let spliced = format!("{}.{}", new.rsplit_once('.').unwrap().0, old.rsplit_once('.').unwrap().1);
            assert_eq!(error(&taken(registry, &token, &json!({ "credential_configuration_id": "skill_level_sd_jwt", "proofs": { "jwt": [spliced] } }))), word("invalid_proof"));
            let mut chained = named.clone();
            chained["x5c"] = json!(["MIIB"]);
            for header in [chained, json!({ "x5c": ["MIIB"] }), json!({ "jwk": holder.jwk, "kid": holder.did() }), json!({})] {
                assert_eq!(error(&asked(&header, holder)), word("invalid_proof"), "{header}");
            }
            let credential = asked(&named, holder).expect(200)["credentials"][0]["credential"].as_str().unwrap().to_owned();
            let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(credential.split('.').nth(1).unwrap()).unwrap()).unwrap();
            assert_eq!(payload["cnf"]["jwk"], holder.jwk);
            // The holder shows it, and nobody else can.
            let shown = |by: &Holder| {
                use sha2::Digest;
                let claims = json!({ "iat": iat, "aud": "https://employer.example", "nonce": "n", "sd_hash": URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&credential)) });
                format!("{credential}{}", by.jws(json!({ "typ": "kb+jwt" }), &claims))
            };
            assert_eq!((verify(&shown(holder)), verify(&shown(other))), (json!("valid"), json!("not_found")));
        }
    }
});

on_both_databases!(every_wrong_request_of_a_wallet_is_answered_by_its_word, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let Offered { code, pin, .. } = offered(registry, &session, &certificate);
    assert_eq!(error(&token(registry, &[("grant_type", PRE_AUTHORIZED), ("pre-authorized_code", &code)])), word("invalid_request"));
    assert_eq!(error(&token(registry, &[("grant_type", PRE_AUTHORIZED), ("tx_code", &pin)])), word("invalid_request"));
    assert_eq!(error(&token(registry, &[("grant_type", "password")])), word("unsupported_grant_type"));
    assert_eq!(error(&redeemed(registry, "unknown", &pin)), word("invalid_grant"));
    let wrong_pin = if pin == "000000" { "000001" } else { "000000" };
    assert_eq!(error(&redeemed(registry, &code, wrong_pin)), word("invalid_grant"));
    let token = redeemed(registry, &code, &pin).expect(200)["access_token"].as_str().unwrap().to_owned();
    let with = |jwt: String| json!({ "credential_configuration_id": "skill_level_sd_jwt", "proofs": { "jwt": [jwt] } });
    let good = || proof(registry, &nonce(registry), |_, _| {});
    assert_eq!(taken(registry, "unknown", &with(good())).status, 401);
    assert_eq!(registry.send("POST", "/wallet/credential", &[("content-type", "application/json")], b"{}").status, 401);
    for (request, expected) in [
        (json!({}), "invalid_credential_request"),
        (json!({ "credential_identifier": "x" }), "unknown_credential_identifier"),
        (json!({ "credential_configuration_id": "special_operation_sd_jwt" }), "unknown_credential_configuration"),
        (json!({ "credential_configuration_id": "skill_level_sd_jwt" }), "invalid_proof"),
        (json!({ "credential_configuration_id": "skill_level_sd_jwt", "proofs": { "jwt": [good(), good()] } }), "invalid_proof"),
        (with("x.y.z".into()), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |header, _| header["typ"] = json!("JWT"))), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |header, _| header["kid"] = json!("did:jwk:x"))), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |header, _| header["alg"] = json!("none"))), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |header, _| header["jwk"]["x"] = json!(IssuingKey::from_secret("other", &[1; 32]).public.jwk_x()))), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |_, claims| claims["aud"] = json!("https://elsewhere.example"))), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |_, claims| claims["iat"] = json!(1))), "invalid_proof"),
        (with(proof(registry, &nonce(registry), |_, claims| claims["iss"] = json!("wallet"))), "invalid_proof"),
        (with(proof(registry, "made up", |_, _| {})), "invalid_nonce"),
        (with(proof(registry, &"A".repeat(54), |_, _| {})), "invalid_nonce"),
    ] {
        assert_eq!(error(&taken(registry, &token, &request)), word(expected), "{request}");
    }
    taken(registry, &token, &with(good())).expect(200);
    // Tokens and nonces end.
    let late = nonce(registry);
    registry.set_clock("2026-03-10T01:06:00Z");
    assert_eq!(taken(registry, &token, &with(proof(registry, &late, |_, _| {}))).status, 401);
});

on_both_databases!(an_offer_wears_out_and_expires_and_is_the_holders_alone, |registry| {
    let body = registry.body();
    let (worker, certificate) = registry.certificate(&body, 1);
    let session = signed_in(registry, &worker);
    let Offered { code, pin, .. } = offered(registry, &session, &certificate);
    let wrong_pin = if pin == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        assert_eq!(error(&redeemed(registry, &code, wrong_pin)), word("invalid_grant"));
    }
    assert_eq!(error(&redeemed(registry, &code, &pin)), word("invalid_grant"), "five wrong numbers end an offer");
    // Many wallets at once: one gets it.
    let Offered { code, pin, .. } = offered(registry, &session, &certificate);
    let won: usize = std::thread::scope(|scope| (0..4).map(|_| scope.spawn(|| usize::from(redeemed(registry, &code, &pin).status == 200))).collect::<Vec<_>>().into_iter().map(|one| one.join().unwrap()).sum());
    assert_eq!(won, 1);
    let Offered { code, pin, .. } = offered(registry, &session, &certificate);
    registry.set_clock("2026-03-10T01:11:00Z");
    assert_eq!(error(&redeemed(registry, &code, &pin)), word("invalid_grant"), "ten minutes");
    assert_eq!(registry.get("/wallet/offers/unknown").status, 404);
    let stranger = registry.worker(&body.client, 2);
    let session = signed_in(registry, &stranger);
    let path = format!("/v1/me/certificates/{}/wallet_offers", certificate["certificate_id"].as_str().unwrap());
    assert_eq!(own_post(registry, &session, &path, &json!({})).status, 404);
});
