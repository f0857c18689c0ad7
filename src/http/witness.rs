//! This registry as a witness of other logs (C2SP tlog-witness). Statuses and bodies are the specification's, not problem documents:
//! logs read them.

use super::AppState;
use super::body::Body;
use super::problem::{OwnWords, Problem, Problems};
use super::reply::{etag_of, represent};
use crate::merkle::witness::WitnessRefusal;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};

/// 63 hashes, and a checkpoint with 200 signatures.
const REQUEST_BYTES_MAX: usize = 1 << 16;

/// Cosign a checkpoint of a log
///
/// The body is `old`, the size that the witness is believed to know; the lines of the consistency proof from there; an empty line; the checkpoint.
#[utoipa::path(tag = "witness", operation_id = "add_checkpoint", request_body(content = String, content_type = "text/plain"), responses(
    (status = 200, description = "The cosignature: a signature line (C2SP tlog-cosignature)", body = String, content_type = "text/plain"),
    (status = 400, description = "The request is not of its form, or its old size is larger than the checkpoint's", body = String, content_type = "text/plain"),
    (status = 403, description = "No signature of the log's key stands under the checkpoint", body = String, content_type = "text/plain"),
    (status = 404, description = "The origin is not one that this witness watches", body = String, content_type = "text/plain"),
    (status = 409, description = "The old size is not the size that was cosigned last, which is told", body = String, content_type = "text/x.tlog.size"),
    (status = 422, description = "The proof does not lead from the old tree to the new one, or another tree of this size was cosigned", body = String, content_type = "text/plain")), security(()))]
#[post("/witness/add-checkpoint")]
pub async fn add_checkpoint(state: Data<AppState>, body: Body) -> Result<HttpResponse, Problem> {
    let judged = match std::str::from_utf8(&body.bytes) {
        Ok(text) if text.len() <= REQUEST_BYTES_MAX => state.registry.add_checkpoint(text).await?,
        _ => Err(WitnessRefusal::Malformed),
    };
    let refusal = match judged {
        Ok(line) => return Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(line)),
        Err(refusal) => refusal,
    };
    let (status, media_type, text) = match refusal {
        WitnessRefusal::Malformed => (StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", refusal.to_string()),
        WitnessRefusal::UnknownOrigin => (StatusCode::NOT_FOUND, "text/plain; charset=utf-8", refusal.to_string()),
        WitnessRefusal::Unsigned => (StatusCode::FORBIDDEN, "text/plain; charset=utf-8", refusal.to_string()),
        WitnessRefusal::OtherSize(size) => (StatusCode::CONFLICT, "text/x.tlog.size", size.to_string()),
        WitnessRefusal::NotConsistent => (StatusCode::UNPROCESSABLE_ENTITY, "text/plain; charset=utf-8", refusal.to_string()),
    };
    let mut response = HttpResponse::build(status).content_type(media_type).body(format!("{text}\n"));
    response.extensions_mut().insert(OwnWords);
    Ok(response)
}

/// Read the newest checkpoint that this witness has cosigned of a log
#[utoipa::path(tag = "witness", operation_id = "get_witnessed_checkpoint", params(("origin_hash" = String, Path, description = "SHA-256 of the log's origin in hex", example = "8c2d2b4c6ed2a04ea64a3a1d3a4b0ec5d0f0d4e6a3b6a4c8d5a1f7b2c3d4e5f6")),
    responses((status = 200, description = "The checkpoint with the cosignature", body = String, content_type = "text/plain"), Problems), security(()))]
#[get("/witness/{origin_hash}/checkpoint")]
pub async fn get_witnessed_checkpoint(state: Data<AppState>, request: HttpRequest, origin_hash: Path<String>) -> Result<HttpResponse, Problem> {
    let note = state.registry.find_witnessed(&origin_hash.to_ascii_lowercase()).await?.into_bytes();
    let etag = etag_of(&note);
    Ok(represent(&request, "text/plain; charset=utf-8", note, &etag, "public, max-age=2"))
}

/// Read the key with which this registry cosigns
#[utoipa::path(tag = "witness", operation_id = "get_witness_key", responses((status = 200, description = "The verifier key as text (C2SP tlog-cosignature)", body = String, content_type = "text/plain"), Problems), security(()))]
#[get("/witness/vkey")]
pub async fn get_witness_key(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let text = format!("{}\n", state.registry.witness_key().await?).into_bytes();
    let etag = etag_of(&text);
    Ok(represent(&request, "text/plain; charset=utf-8", text, &etag, "public, max-age=300"))
}
