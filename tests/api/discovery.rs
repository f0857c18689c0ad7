//! Keys, metadata, documentation: what anybody reads first.

use crate::on_both_databases;
use serde_json::json;

on_both_databases!(keys_are_published_where_did_web_looks, |registry| {
    let body = registry.body();
    let did = registry.get("/.well-known/did.json");
    assert_eq!((did.header("content-type"), did.header("access-control-allow-origin")), (Some("application/did+json"), Some("*")));
    assert_eq!(did.json()["id"], "did:web:localhost%3A8080");
    let organisation = registry.get(&format!("/organisations/{}/did.json", body.organisation)).expect(200);
    assert_eq!(organisation["id"], format!("did:web:localhost%3A8080:organisations:{}", body.organisation));
    assert_eq!(organisation["assertionMethod"][0], organisation["verificationMethod"][0]["id"]);
    assert_eq!(registry.get("/organisations/org_01ka4zrjh00000000000000000/did.json").status, 404);
    let keys = registry.get("/.well-known/jwks.json").expect(200);
    let keys = keys["keys"].as_array().unwrap();
    assert!(keys.iter().any(|key| key["kid"] == organisation["verificationMethod"][0]["id"]));
    assert!(keys.iter().all(|key| key["crv"] == "Ed25519" && key.get("d").is_none()));
    for path in ["/.well-known/did.json", "/.well-known/jwks.json", &format!("/organisations/{}/did.json", body.organisation)] {
        let reply = registry.get(path);
        assert_eq!(reply.header("cache-control"), Some("public, max-age=60"), "{path}");
        assert_eq!(registry.send("GET", path, &[("if-none-match", reply.header("etag").unwrap())], b"").status, 304, "{path}");
    }
});

on_both_databases!(documentation_needs_no_other_server, |registry| {
    assert_eq!(registry.get("/openapi.json").json(), serde_json::to_value(jilu::http::openapi()).unwrap());
    let page = registry.get("/docs/");
    assert_eq!(page.status, 200);
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-initializer.js"] {
        assert_eq!(registry.get(&format!("/docs/{file}")).status, 200, "{file}");
    }
    assert!(!page.text().contains("//cdn") && !page.text().contains("https://"));
    assert_eq!(registry.get("/healthz").expect(200)["status"], "ok");
    assert_eq!(registry.get("/readyz").expect(200)["status"], "ok");
    assert_eq!(registry.get("/.well-known/oauth-authorization-server").expect(200)["token_endpoint"], json!("http://localhost:8080/oauth/token"));
});
