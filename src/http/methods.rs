//! What a path answers to a method that it does not have: 405 with `Allow` (RFC 9110, 15.5.6), 404 for paths that are not there.

use super::problem::Problem;
use actix_web::dev::ResourceDef;
use actix_web::{HttpRequest, HttpResponse};
use std::sync::OnceLock;

/// The paths of the OpenAPI document, each with its methods as `Allow` lists them.
fn known() -> &'static [(ResourceDef, String)] {
    static KNOWN: OnceLock<Vec<(ResourceDef, String)>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let document = super::openapi();
        let allowed = |item: &utoipa::openapi::PathItem| {
            let methods = [("GET, HEAD", &item.get), ("POST", &item.post), ("PATCH", &item.patch), ("PUT", &item.put), ("DELETE", &item.delete)];
            methods.iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        document.paths.paths.iter().map(|(path, item)| (ResourceDef::new(path.as_str()), allowed(item))).collect()
    })
}

/// Answers what no route took.
pub async fn refuse(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let allowed: Vec<&str> = known().iter().filter(|(path, _)| path.is_match(request.path())).map(|(_, allowed)| allowed.as_str()).collect();
    if allowed.is_empty() { Err(Problem::not_found()) } else { Err(Problem::method_not_allowed(allowed.join(", "))) }
}
