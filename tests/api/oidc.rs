//! Workers who come through an outside OpenID Connect issuer.

use crate::own::own;
use crate::support::{Database, TestRegistry};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;

/// An issuer of our own: its discovery document and its keys.
struct Issuer {
    url: String,
    key: SigningKey,
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = SigningKey::from_bytes(&[9; 32]);
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": "k1", "x": URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes()) }] });
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let Ok(mut connection) = connection else { return };
                let mut request = [0; 4096];
                let length = connection.read(&mut request).unwrap_or(0);
                let body = if request[..length].starts_with(b"GET /keys ") { &keys } else { &discovery }.to_string();
                let _ = write!(connection, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            }
        });
        Issuer { url, key }
    }

    fn token(&self, changes: Value) -> String {
        let mut claims = json!({ "iss": self.url, "aud": "jilu", "sub": "citizen-1", "iat": 1_772_413_200, "exp": 1_772_416_800, "id_number": "x", "nonce": changes.to_string() });
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.sign(&claims, &self.key, "k1")
    }

    fn sign(&self, claims: &Value, key: &SigningKey, kid: &str) -> String {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ed_der(key.to_pkcs8_der().unwrap().as_bytes())).unwrap()
    }
}

fn of_issuer(database: Database) {
    let issuer = Issuer::start();
    let registry = &TestRegistry::start(database, &[("oidc_issuer", &issuer.url), ("oidc_audience", "jilu"), ("oidc_document_claim", "id_number"), ("wrong_secrets_max", "0")]);
    // 2026-03-02T01:00:00Z, when the tokens are issued.
    let worker = registry.worker(registry.registrar(), 1);
    let sign_in = |token: &str| registry.post("/v1/sessions", &json!({ "id_token": token }));
    let right = issuer.token(json!({ "id_number": worker.number.to_lowercase() }));
    let session = sign_in(&right).expect(201);
    assert_eq!(own(registry, &session, "GET", "/v1/me").expect(200)["worker_id"], worker.id);
    assert_eq!(own(registry, &session, "GET", "/v1/me/groups").status, 200, "the issuer has seen the document");
    assert_eq!(sign_in(&right).status, 401, "a token opens one session");
    let wrong = |changes: Value| {
        let mut all = json!({ "id_number": worker.number });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let reply = sign_in(&issuer.token(all));
        assert!(reply.status == 401 && reply.json()["type"].as_str().unwrap().ends_with("wrong-id-token"), "{changes}: {}", reply.text());
    };
    for changes in [
        json!({ "aud": "somebody else" }),
        json!({ "iss": "https://evil.example" }),
        json!({ "exp": 1_772_413_190 }),
        json!({ "iat": 1_772_412_890 }),
        json!({ "iat": 1_772_413_210 }),
        json!({ "iat": null }),
        json!({ "id_number": "32010219000101999X" }),
        json!({ "id_number": 5 }),
    ] {
        wrong(changes);
    }
    let claims = json!({ "iss": issuer.url, "aud": "jilu", "sub": "x", "iat": 1_772_413_200, "exp": 1_772_416_800, "id_number": worker.number });
    let forger = SigningKey::from_bytes(&[8; 32]);
    assert_eq!(sign_in(&issuer.sign(&claims, &forger, "k1")).status, 401, "another key under a known name");
    assert_eq!(sign_in(&issuer.sign(&claims, &forger, "k2")).status, 401, "an unknown key");
    let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(claims.to_string()));
    assert_eq!(sign_in(&none).status, 401);
    let shared = jsonwebtoken::encode(&Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) }, &claims, &EncodingKey::from_secret(issuer.key.verifying_key().as_bytes())).unwrap();
    assert_eq!(sign_in(&shared).status, 401, "a public key is no shared secret");
    assert_eq!(registry.post("/v1/sessions", &json!({ "id_token": right, "access_code": "AAAAA-AAAAA" })).fields(), ["id_token"]);
    registry.expect_clean_audit();
}

#[test]
fn an_id_token_of_the_trusted_issuer_opens_one_session_on_sqlite() {
    of_issuer(Database::Sqlite);
}

#[test]
fn an_id_token_of_the_trusted_issuer_opens_one_session_on_postgres() {
    of_issuer(Database::Postgres);
}

#[test]
fn without_an_issuer_there_are_no_id_tokens() {
    let registry = TestRegistry::start(Database::Sqlite, &[]);
    assert_eq!(registry.post("/v1/sessions", &json!({ "id_token": "x" })).fields(), ["id_token"]);
}
