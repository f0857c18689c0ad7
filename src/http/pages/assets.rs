//! What pages load: compiled in, named by its digest, so that a browser may keep it for ever.

use crate::http::problem::Problem;
use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The style of every page; it stands inside the page, so that the first answer comes in one round trip.
pub const STYLE: &str = include_str!("../../../assets/pages/jilu.css");
/// Checks signatures and proofs in the browser.
pub const PROOFS: &str = include_str!("../../../assets/pages/proofs.js");
/// The page's own use of it when it was saved and has no server.
pub const OFFLINE: &str = include_str!("../../../assets/pages/offline.js");
pub const MARK: &str = include_str!("../../../assets/pages/mark.svg");

const FILES: [(&str, &str, &str); 7] = [
    ("bulk.js", include_str!("../../../assets/pages/bulk.js"), "text/javascript; charset=utf-8"),
    ("job.js", include_str!("../../../assets/pages/job.js"), "text/javascript; charset=utf-8"),
    ("mark.svg", MARK, "image/svg+xml"),
    ("proofs.js", PROOFS, "text/javascript; charset=utf-8"),
    ("answer.js", include_str!("../../../assets/pages/answer.js"), "text/javascript; charset=utf-8"),
    ("verify.js", include_str!("../../../assets/pages/verify.js"), "text/javascript; charset=utf-8"),
    ("offline.js", OFFLINE, "text/javascript; charset=utf-8"),
];

/// A file under the name that holds its digest.
struct Asset {
    plain_name: &'static str,
    path: String,
    content: &'static str,
    media_type: &'static str,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let asset = |(name, content, media_type): (&'static str, &'static str, &'static str)| {
        let (stem, extension) = name.rsplit_once('.').expect("every asset has an extension");
        let digest = hex::encode(&Sha256::digest(content)[..8]);
        Asset { plain_name: name, path: format!("{stem}.{digest}.{extension}"), content, media_type }
    };
    FILES.into_iter().map(asset).collect()
});

/// The address of an asset.
pub fn address_of(name: &str) -> Option<String> {
    ASSETS.iter().find(|asset| asset.plain_name == name).map(|asset| format!("/assets/{}", asset.path))
}

/// How a content security policy names a text that stands inside a page (CSP Level 3, 2.3.1).
pub fn policy_hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

/// An asset by the name that holds its digest.
#[get("/assets/{name}")]
pub async fn get_asset(name: Path<String>) -> Result<HttpResponse, Problem> {
    let asset = ASSETS.iter().find(|asset| asset.path == *name).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(asset.content))
}
