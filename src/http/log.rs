//! The public log (C2SP tlog-tiles) and proofs from it.

use super::AppState;
use super::problem::{Problem, Problems};
use super::reply::{accepts, read, represent};
use crate::merkle::tile::TileAddress;
use crate::services::certificates::CertificateName;
use crate::services::log::{ProvenEntry, ProvenPrefix};
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A checkpoint may be kept for seconds (tlog-tiles).
const CHECKPOINT_CACHE: &str = "public, max-age=2";
/// Tiles never change: a partial one has its width in its address.
const TILE_CACHE: &str = "public, max-age=31536000, immutable";

/// Proof that an entry is in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct InclusionProof {
    /// Place of the entry in the log, from 0.
    pub leaf_index: u64,
    /// The entry as the log publishes it: five lines.
    pub entry: String,
    /// Base64 of the salt, for a certificate: the entry's commitment is SHA-256(salt || credential). Absent for an entry by its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Base64 of the hashes of the inclusion proof, from the leaf upwards (RFC 6962, 2.1.1).
    pub hashes: Vec<String>,
    /// Entries under the checkpoint.
    pub tree_size: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
}

/// Proof that the log of one size is the beginning of the log of another.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsistencyProof {
    /// The smaller size.
    pub from: u64,
    /// The larger size.
    pub to: u64,
    /// Base64 of the hashes of the consistency proof (RFC 6962, 2.1.2).
    pub hashes: Vec<String>,
}

/// What was proven.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum LogProof {
    /// For `index`.
    Inclusion(InclusionProof),
    /// For `from` and `to`.
    Consistency(ConsistencyProof),
}

/// Which proof.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ProofQuery {
    /// Place of an entry: answers an inclusion proof in the newest tree.
    #[param(example = 0)]
    pub index: Option<u64>,
    /// With `to`: answers a consistency proof.
    pub from: Option<u64>,
    /// With `from`: answers a consistency proof.
    pub to: Option<u64>,
}

fn text_of(hashes: &[[u8; 32]]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

impl From<&ProvenEntry> for InclusionProof {
    fn from(proven: &ProvenEntry) -> Self {
        InclusionProof {
            leaf_index: proven.proof.index,
            entry: proven.entry.clone(),
            salt: Some(STANDARD.encode(proven.salt)),
            hashes: text_of(&proven.proof.hashes),
            tree_size: proven.size,
            checkpoint: proven.proof.checkpoint.clone(),
        }
    }
}

impl From<&ProvenPrefix> for ConsistencyProof {
    fn from(proven: &ProvenPrefix) -> Self {
        ConsistencyProof { from: proven.from, to: proven.to, hashes: text_of(&proven.hashes) }
    }
}

fn open(mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, header::HeaderValue::from_static("*"));
    response
}

/// Read the newest checkpoint of the log
#[utoipa::path(tag = "log", operation_id = "get_checkpoint", responses((status = 200, description = "The checkpoint as a signed note (C2SP tlog-checkpoint)", body = String, content_type = "text/plain"), Problems), security(()))]
#[get("/log/checkpoint")]
pub async fn get_checkpoint(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let note = state.registry.get_checkpoint().await?.into_bytes();
    let etag = super::reply::etag_of(&note);
    Ok(open(represent(&request, "text/plain; charset=utf-8", note, &etag, CHECKPOINT_CACHE)))
}

/// Read the newest checkpoint that a quorum of witnesses has cosigned
#[utoipa::path(tag = "log", operation_id = "get_cosigned_checkpoint", responses((status = 200, description = "The checkpoint with its cosignatures (C2SP tlog-cosignature); 404 when no quorum is asked for or none has cosigned yet", body = String, content_type = "text/plain"), Problems), security(()))]
#[get("/log/cosigned")]
pub async fn get_cosigned_checkpoint(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let note = state.registry.get_cosigned_checkpoint()?.into_bytes();
    let etag = super::reply::etag_of(&note);
    Ok(open(represent(&request, "text/plain; charset=utf-8", note, &etag, CHECKPOINT_CACHE)))
}

/// Read the key that signs the log
#[utoipa::path(tag = "log", operation_id = "get_log_key", responses((status = 200, description = "The verifier key as text (C2SP signed-note)", body = String, content_type = "text/plain"), Problems), security(()))]
#[get("/log/vkey")]
pub async fn get_log_key(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let text = format!("{}\n", state.registry.log_key().await?).into_bytes();
    let etag = super::reply::etag_of(&text);
    Ok(open(represent(&request, "text/plain; charset=utf-8", text, &etag, "public, max-age=300")))
}

/// Read a tile of the log
#[utoipa::path(tag = "log", operation_id = "get_tile", params(("tile" = String, Path, description = "`<L>/<N>[.p/<W>]` for hashes, `entries/<N>[.p/<W>]` for entries (C2SP tlog-tiles)", example = "0/000.p/1")),
    responses((status = 200, description = "The tile", body = Vec<u8>, content_type = "application/octet-stream"), Problems), security(()))]
#[get("/log/tile/{tile:.*}")]
pub async fn get_tile(state: Data<AppState>, request: HttpRequest, tile: Path<String>) -> Result<HttpResponse, Problem> {
    let address: TileAddress = tile.parse().map_err(|_| Problem::not_found())?;
    let bytes = state.registry.get_tile(address).await?;
    let etag = format!("\"{address}\"");
    Ok(open(represent(&request, "application/octet-stream", bytes, &etag, TILE_CACHE)))
}

/// Prove that an entry is in the log, or that one size of the log continues another
#[utoipa::path(tag = "log", operation_id = "prove_log", params(ProofQuery),
    responses((status = 200, description = "An inclusion proof for `index`, a consistency proof for `from` and `to`", body = LogProof), Problems), security(()))]
#[get("/v1/log/proofs")]
pub async fn prove_log(state: Data<AppState>, request: HttpRequest, query: Query<ProofQuery>) -> Result<HttpResponse, Problem> {
    match (query.index, query.from, query.to) {
        (Some(index), None, None) => {
            // The salt belongs to those who are shown the fact.
            let proof = InclusionProof { salt: None, ..InclusionProof::from(&state.registry.prove_inclusion(index).await?) };
            Ok(open(read(&request, &LogProof::Inclusion(proof))))
        }
        (None, Some(from), Some(to)) => Ok(open(read(&request, &LogProof::Consistency((&state.registry.prove_consistency(from, to).await?).into())))),
        _ => Err(Problem::invalid("index", "index alone, or from and to expected", "应只填 index，或同时填 from 和 to")),
    }
}

/// Prove that a certificate is in the log
///
/// Tells nothing about the holder: only who has the credential can compare it with the commitment.
#[utoipa::path(tag = "log", operation_id = "prove_certificate", params(("certificate_number" = String, Path, description = "Number or `certificate_id`", example = "S000032000001263000001")),
    responses((status = 200, description = "The proof as JSON, or with `Accept: text/plain` as a `.tlog-proof` file whose extra data are the salt (32 bytes) and the entry (C2SP tlog-proof)", content((InclusionProof = "application/json"), (String = "text/plain"))), Problems), security(()))]
#[get("/v1/certificates/{certificate_number}/proof")]
pub async fn prove_certificate(state: Data<AppState>, request: HttpRequest, certificate: Path<String>) -> Result<HttpResponse, Problem> {
    let name = CertificateName::parse(&certificate)?;
    let proven = state.registry.prove_certificate(&name).await?;
    if accepts(&request, "text/plain") > accepts(&request, "application/json") {
        let text = proven.proof.text().into_bytes();
        let etag = super::reply::etag_of(&text);
        return Ok(open(represent(&request, "text/plain; charset=utf-8", text, &etag, "private, no-cache")));
    }
    Ok(open(read(&request, &InclusionProof::from(&proven))))
}
