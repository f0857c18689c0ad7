//! OpenID for Verifiable Credential Issuance 1.0: offers that workers make, and what their wallets take.

use super::AppState;
use super::auth::{OwnCaller, bearer_of};
use super::body::Body;
use super::oauth::refused;
use super::once::once;
use super::organisations::path_id;
use super::problem::{Problem, Problems};
use super::reply::{instant_of, json_bytes, kept};
use crate::credential::baked::qr_svg;
use crate::domain::id::CertificateId;
use crate::services::intent::Answer;
use crate::services::refusal::GrantRefusal;
use crate::services::wallets::{NewOffer, offer_link};
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use utoipa::ToSchema;

/// An offer for a wallet.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletOfferDocument {
    /// Identifier.
    pub wallet_offer_id: String,
    /// What the wallet opens or scans.
    pub offer_url: String,
    /// The same as a picture (SVG).
    pub qr: String,
    /// Where the wallet reads the offer.
    pub credential_offer_uri: String,
    /// What the holder types into the wallet; shown here only.
    #[schema(example = "493536")]
    pub tx_code: String,
    /// Until when it can be taken.
    pub expires_at: String,
}

/// An offer as the answer to whoever asked for it.
pub fn offer_answer(offer: &NewOffer, public_url: &str) -> Answer {
    let (offer_url, credential_offer_uri) = offer_link(public_url, &offer.token);
    let document = WalletOfferDocument { wallet_offer_id: offer.id.clone(), qr: qr_svg(&offer_url), offer_url, credential_offer_uri, tx_code: offer.pin.clone(), expires_at: instant_of(offer.expires_at) };
    kept(StatusCode::CREATED, None, &document)
}

/// Offer a certificate to one's wallet
#[utoipa::path(tag = "workers' own", operation_id = "make_wallet_offer", params(("certificate_id" = String, Path, description = "Identifier"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The offer; it serves once", body = WalletOfferDocument), Problems), security(("bearer" = [])))]
#[post("/v1/me/certificates/{certificate_id}/wallet_offers")]
pub async fn make_wallet_offer(state: Data<AppState>, request: HttpRequest, own: OwnCaller, id: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let id: CertificateId = path_id(&id)?;
    let url = state.registry.config.public_url.clone();
    once(&request, &state, own.0.worker.as_str(), &body, move |offer| offer_answer(offer, &url), async |intent| state.registry.make_wallet_offer(&own.0, &id, intent).await).await
}

fn open(value: &Value, cache: &str) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, cache)).insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")).content_type("application/json").body(json_bytes(value))
}

/// Read an offer
#[utoipa::path(tag = "wallets", operation_id = "get_wallet_offer", params(("token" = String, Path, description = "Secret part of the offer's address")), responses((status = 200, description = "The credential offer (OpenID4VCI, 4.1)", body = Value), Problems), security(()))]
#[get("/wallet/offers/{token}")]
pub async fn get_wallet_offer(state: Data<AppState>, token: Path<String>) -> Result<HttpResponse, Problem> {
    let offer = state.registry.read_wallet_offer(&token).await?.ok_or_else(Problem::not_found)?;
    Ok(open(&offer, "no-store"))
}

/// Read the metadata of the credential issuer (OpenID4VCI)
#[utoipa::path(tag = "wallets", operation_id = "get_credential_issuer", responses((status = 200, description = "Endpoints and the credentials that can be taken", body = Value), Problems), security(()))]
#[get("/.well-known/openid-credential-issuer")]
pub async fn get_credential_issuer(state: Data<AppState>) -> HttpResponse {
    open(&state.registry.wallet_metadata(), "public, max-age=300")
}

/// Get a nonce
#[utoipa::path(tag = "wallets", operation_id = "make_wallet_nonce", responses((status = 200, description = "`c_nonce`, which serves once", body = Value), Problems), security(()))]
#[post("/wallet/nonce")]
pub async fn make_wallet_nonce(state: Data<AppState>) -> HttpResponse {
    open(&json!({ "c_nonce": state.registry.make_wallet_nonce() }), "no-store")
}

/// Take a credential
#[utoipa::path(tag = "wallets", operation_id = "issue_to_wallet", request_body(content = Value, description = "`credential_configuration_id`, and `proofs` with one `jwt` where the format binds a key (OpenID4VCI, 8.2)"), responses((status = 200, description = "The credential (OpenID4VCI, 8.3)", body = Value), Problems), security(("bearer" = [])))]
#[post("/wallet/credential")]
pub async fn issue_to_wallet(state: Data<AppState>, request: HttpRequest, body: Body) -> Result<HttpResponse, Problem> {
    let Some(token) = bearer_of(&request) else { return refused(GrantRefusal::Token) };
    let Ok(wanted) = body.json::<Value>() else { return refused(GrantRefusal::Word("invalid_credential_request", "a JSON object expected")) };
    match state.registry.issue_to_wallet(token, &wanted).await {
        Ok(credential) => Ok(open(&json!({ "credentials": [{ "credential": credential }] }), "no-store")),
        Err(refusal) => refused(refusal),
    }
}

/// The token endpoint's part for wallets (OpenID4VCI, 6).
pub(super) async fn redeem(state: &AppState, form: &HashMap<String, String>) -> Result<HttpResponse, Problem> {
    let (Some(code), Some(pin)) = (form.get("pre-authorized_code"), form.get("tx_code")) else {
        return refused(GrantRefusal::Word("invalid_request", "pre-authorized_code and tx_code expected"));
    };
    match state.registry.redeem_wallet_code(code, pin).await {
        Ok((token, seconds)) => Ok(open(&json!({ "access_token": token, "token_type": "Bearer", "expires_in": seconds }), "no-store")),
        Err(refusal) => refused(refusal),
    }
}
