//! Credentials for wallets: OpenID for Verifiable Credential Issuance 1.0, by pre-authorized code.
//!
//! The worker makes an offer of one certificate, scans it with the phone and types a number that only the screen shows. The code in the
//! offer serves once, which a constraint decides; so does every nonce. Five wrong numbers end an offer, on all nodes together.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::IssuedCertificate;
use super::keys::PURPOSE_CREDENTIALS;
use super::refusal::GrantRefusal;
use crate::credential::form::CredentialForm;
use crate::credential::holder::{HolderJws, HolderKey};
use crate::credential::type_metadata::{claims_metadata, vct};
use crate::domain::access::SignedInWorker;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{CertificateId, OrganisationId, WalletOfferId};
use crate::store::certificates as certificate_store;
use crate::store::counters;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::wallets::{self as store, WalletCredentialRow, WalletOfferRow, WalletPickupRow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

pub const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const PROOF_TYP: &str = "openid4vci-proof+jwt";
const OFFER_SECONDS: i64 = 600;
const TOKEN_SECONDS: i64 = 300;
const NONCE_SECONDS: i64 = 300;
const PIN_DIGITS: usize = 6;
/// Wrong numbers that an offer survives.
const TRIES_MAX: i64 = 5;
/// How far the clock of a phone may be off.
const SKEW_SECONDS: i64 = 300;

/// An offer as it is shown to the worker; code and number are not kept.
#[derive(Debug, Clone)]
pub struct NewOffer {
    pub id: String,
    /// Secret part of the address at which the wallet reads the offer.
    pub token: String,
    pub pin: String,
    pub expires_at: i64,
}

/// How a wallet may take a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletForm {
    SdJwt,
    VcJwt,
}

fn configuration_id(kind: CertificateKind, form: WalletForm) -> String {
    match form {
        WalletForm::SdJwt => format!("{}_sd_jwt", kind.as_str()),
        WalletForm::VcJwt => format!("{}_jwt_vc", kind.as_str()),
    }
}

impl Registry {
    /// Makes an offer of one of the worker's certificates.
    pub async fn make_wallet_offer(&self, own: &SignedInWorker, certificate: &CertificateId, intent: &Intent<NewOffer>) -> Result<Answer, Error> {
        let certificate = self.get_own_certificate(own, certificate).await?;
        let token = URL_SAFE_NO_PAD.encode(self.entropy.bytes::<24>());
        let (id, now) = (self.new_id(WalletOfferId::new).to_string(), self.now_micros());
        let number = u64::from_be_bytes(self.entropy.bytes()) % 10_u64.pow(PIN_DIGITS as u32);
        let shown = NewOffer { pin: format!("{number:0PIN_DIGITS$}"), token, expires_at: now + OFFER_SECONDS * 1_000_000, id };
        let row = WalletOfferRow {
            worker_id: own.record.to_string(),
            certificate_id: certificate.standing.0.id.clone(),
            code_hash: self.wallet_hash("code", &self.wallet_code(&shown.token)),
            pin_hash: self.wallet_hash("pin", &format!("{}/{}", shown.id, shown.pin)),
            expires_at: shown.expires_at,
            made_at: now,
            id: shown.id.clone(),
        };
        let (answer, kept) = self.answer(intent, &shown);
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_offer(tx.conn, &row)?;
                tx.record(Fact::of(None, &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    fn wallet_hash(&self, field: &str, value: &str) -> Vec<u8> {
        self.vault.blind_index(&format!("wallet {field}"), value).to_vec()
    }

    /// The pre-authorized code that follows from the address of an offer.
    fn wallet_code(&self, token: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.vault.blind_index("wallet offer", token))
    }

    /// The offer at an address, as a wallet reads it; None when there is none that can still be taken.
    pub async fn read_wallet_offer(&self, token: &str) -> Result<Option<Value>, Error> {
        let code = self.wallet_code(token);
        let hash = self.wallet_hash("code", &code);
        let Some((offer, is_taken)) = self.store.read(move |conn| store::find_offer_by_code(conn, &hash)).await? else { return Ok(None) };
        if is_taken || offer.expires_at <= self.now_micros() {
            return Ok(None);
        }
        let kind: CertificateKind = super::stored(&self.offered(&offer.certificate_id).await?.standing.0.kind)?;
        Ok(Some(json!({
            "credential_issuer": self.config.public_url,
            "credential_configuration_ids": [configuration_id(kind, WalletForm::SdJwt), configuration_id(kind, WalletForm::VcJwt)],
            "grants": { PRE_AUTHORIZED: {
                "pre-authorized_code": code,
                "tx_code": { "input_mode": "numeric", "length": PIN_DIGITS, "description": "网页上显示的六位数字 / the six digits that the page shows" },
            } },
        })))
    }

    async fn offered(&self, certificate: &str) -> Result<IssuedCertificate, Error> {
        let wanted = certificate.to_owned();
        let standing = self.store.read(move |conn| certificate_store::find_by_id(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        let body = self.get_body(&super::stored(&standing.0.issuer_id)?).await?;
        self.open_issued(standing, body.name.clone())
    }

    /// Exchanges a pre-authorized code and the number on the screen for a token; seconds for which it holds.
    ///
    /// # Errors
    /// `invalid_grant` for a wrong, used or expired code and for a wrong number: one answer for all of them.
    pub async fn redeem_wallet_code(&self, code: &str, pin: &str) -> Result<(String, i64), GrantRefusal> {
        const WRONG: GrantRefusal = GrantRefusal::Word("invalid_grant", "the code or the tx_code is wrong, was used, or has expired");
        let hash = self.wallet_hash("code", code);
        let Some((offer, is_taken)) = self.store.read(move |conn| store::find_offer_by_code(conn, &hash)).await? else { return Err(WRONG) };
        if is_taken || offer.expires_at <= self.now_micros() {
            return Err(WRONG);
        }
        // Counted before anything is compared: whoever asks many times at once gets no more than five answers.
        let counter = format!("tries {}", offer.id);
        let tries = self.store.write(move |tx| counters::reserve(tx.conn, &counter, 1)).await?.start;
        let given = self.wallet_hash("pin", &format!("{}/{}", offer.id, pin.trim()));
        if tries > TRIES_MAX || !bool::from(given.ct_eq(&offer.pin_hash)) {
            return Err(WRONG);
        }
        let token = URL_SAFE_NO_PAD.encode(self.entropy.bytes::<32>());
        let now = self.now_micros();
        let row = WalletPickupRow { offer_id: offer.id, token_hash: self.wallet_hash("token", &token), expires_at: now + TOKEN_SECONDS * 1_000_000, taken_at: now };
        let taken = self
            .store
            .write(move |tx| {
                store::insert_pickup(tx.conn, &row)?;
                tx.record(Fact::of(None, &row)?);
                Ok(())
            })
            .await;
        match taken {
            Ok(()) => Ok((token, TOKEN_SECONDS)),
            Err(StoreError::Conflict(Constraint::WalletPickup)) => Err(WRONG),
            Err(error) => Err(error.into()),
        }
    }

    /// A nonce that the registry knows again without keeping it.
    pub fn make_wallet_nonce(&self) -> String {
        let mut bytes = (self.clock.now().timestamp() + NONCE_SECONDS).to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.entropy.bytes::<16>());
        let mac = self.vault.blind_index("wallet nonce", &hex::encode(&bytes));
        bytes.extend_from_slice(&mac[..16]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn is_wallet_nonce(&self, nonce: &str) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(nonce) else { return false };
        let Some((body, mac)) = bytes.split_at_checked(24).filter(|(_, mac)| mac.len() == 16) else { return false };
        let own = self.vault.blind_index("wallet nonce", &hex::encode(body));
        let until = i64::from_be_bytes(body[..8].try_into().expect("eight bytes of twenty-four"));
        bool::from(own[..16].ct_eq(mac)) && until >= self.clock.now().timestamp()
    }

    /// Hands a wallet its credential.
    ///
    /// # Errors
    /// By the words of the specification.
    pub async fn issue_to_wallet(&self, token: &str, request: &Value) -> Result<String, GrantRefusal> {
        let hash = self.wallet_hash("token", token);
        let Some((offer, pickup)) = self.store.read(move |conn| store::find_offer_by_token(conn, &hash)).await? else { return Err(GrantRefusal::Token) };
        if pickup.expires_at <= self.now_micros() {
            return Err(GrantRefusal::Token);
        }
        if request.get("credential_identifier").is_some() {
            return Err(GrantRefusal::Word("unknown_credential_identifier", "credential_configuration_id expected"));
        }
        let Some(wanted) = request["credential_configuration_id"].as_str() else {
            return Err(GrantRefusal::Word("invalid_credential_request", "credential_configuration_id expected"));
        };
        let certificate = self.offered(&offer.certificate_id).await?;
        let kind: CertificateKind = super::stored(&certificate.standing.0.kind)?;
        let form = match [WalletForm::SdJwt, WalletForm::VcJwt].into_iter().find(|form| configuration_id(kind, *form) == wanted) {
            Some(form) => form,
            None => return Err(GrantRefusal::Word("unknown_credential_configuration", "one of the offer's configurations expected")),
        };
        let proof = if form == WalletForm::SdJwt { Some(self.check_wallet_proof(&request["proofs"])?) } else { None };
        let credential = self.wallet_credential(&certificate, form, proof.as_ref().map(|(key, _)| key)).await?;
        let row = WalletCredentialRow {
            // Without a nonce, the same offer in the same form is the same pickup, however often it is asked for.
            nonce_hash: proof.as_ref().map_or_else(|| self.wallet_hash("offer", &format!("{}/{wanted}", offer.id)), |(_, nonce)| self.wallet_hash("nonce used", nonce)),
            offer_id: offer.id,
            configuration: wanted.to_owned(),
            holder_key_hash: proof.as_ref().map(|(key, _)| self.wallet_hash("holder key", &key.thumbprint())),
            issued_at: self.now_micros(),
        };
        let written = self
            .store
            .write(move |tx| {
                store::insert_wallet_credential(tx.conn, &row)?;
                tx.record(Fact::of(None, &row)?);
                Ok(())
            })
            .await;
        match written {
            Ok(()) => Ok(credential),
            Err(StoreError::Conflict(Constraint::WalletNonce)) if proof.is_some() => Err(GrantRefusal::Word("invalid_nonce", "the nonce was used before")),
            Err(StoreError::Conflict(Constraint::WalletNonce)) => Ok(credential),
            Err(error) => Err(error.into()),
        }
    }

    async fn wallet_credential(&self, certificate: &IssuedCertificate, form: WalletForm, holder: Option<&HolderKey>) -> Result<String, Error> {
        if form == WalletForm::VcJwt {
            let bytes = self.form_of(certificate, CredentialForm::VcJwt).await?;
            return Ok(String::from_utf8_lossy(&bytes).into_owned());
        }
        let issuer: OrganisationId = super::stored(&certificate.standing.0.issuer_id)?;
        let key = self.current_key(&self.organisation_did(&issuer), PURPOSE_CREDENTIALS).await?;
        let signed = self.signed_payload(certificate).await?.ok_or(Error::NotFound)?;
        self.plain_credential(certificate, &signed, &key, holder.map(|holder| holder.jwk().clone()))
    }

    /// The key that a wallet proves to have, and the nonce that it used (VCI, appendix F.1).
    fn check_wallet_proof(&self, proofs: &Value) -> Result<(HolderKey, String), GrantRefusal> {
        const INVALID: fn(&'static str) -> GrantRefusal = |why| GrantRefusal::Word("invalid_proof", why);
        let texts = proofs["jwt"].as_array().filter(|texts| texts.len() == 1).ok_or(INVALID("proofs with one jwt expected"))?;
        let jws = texts[0].as_str().and_then(HolderJws::parse).ok_or(INVALID("a JWT by EdDSA or ES256 expected"))?;
        if jws.typ() != Some(PROOF_TYP) {
            return Err(INVALID("typ openid4vci-proof+jwt expected"));
        }
        let named = ["kid", "jwk", "x5c"].iter().filter(|name| jws.header.get(**name).is_some()).count();
        let key = match (jws.header.get("jwk"), jws.header["kid"].as_str()) {
            (Some(jwk), None) => HolderKey::from_jwk(jwk),
            (None, Some(method)) => HolderKey::from_did_jwk(method),
            _ => None,
        };
        let key = key.filter(|_| named == 1).ok_or(INVALID("exactly one of jwk and kid (did:jwk), with a key of Ed25519 or P-256, expected"))?;
        let claims = &jws.claims;
        let is_for_us = claims["aud"] == self.config.public_url.as_str() || claims["aud"] == json!([self.config.public_url]);
        let now = self.clock.now().timestamp();
        let is_fresh = claims["iat"].as_i64().is_some_and(|iat| (now - iat).abs() <= SKEW_SECONDS);
        if !is_for_us || !is_fresh || claims.get("iss").is_some() {
            return Err(INVALID("aud of this issuer, a fresh iat, and no iss expected"));
        }
        if !jws.is_signed_by(&key) {
            return Err(INVALID("the signature does not fit the key"));
        }
        let nonce = claims["nonce"].as_str().filter(|nonce| self.is_wallet_nonce(nonce)).ok_or(GrantRefusal::Word("invalid_nonce", "a fresh c_nonce of this issuer expected"))?;
        Ok((key, nonce.to_owned()))
    }

    /// What wallets need to know of this issuer (VCI, section 12.2).
    pub fn wallet_metadata(&self) -> Value {
        let url = &self.config.public_url;
        let mut configurations = Map::new();
        for kind in CertificateKind::ALL {
            let display = json!([
                { "locale": "zh-CN", "name": kind.name_zh(), "background_color": "#0b5d4e", "text_color": "#ffffff" },
                { "locale": "en", "name": kind.name_en(), "background_color": "#0b5d4e", "text_color": "#ffffff" },
            ]);
            configurations.insert(configuration_id(kind, WalletForm::SdJwt), json!({
                "format": "dc+sd-jwt", "vct": vct(url, kind), "scope": configuration_id(kind, WalletForm::SdJwt),
                "cryptographic_binding_methods_supported": ["jwk", "did:jwk"],
                "credential_signing_alg_values_supported": ["EdDSA"],
                "proof_types_supported": { "jwt": { "proof_signing_alg_values_supported": ["EdDSA", "ES256"] } },
                "credential_metadata": { "display": display, "claims": claims_metadata() },
            }));
            configurations.insert(configuration_id(kind, WalletForm::VcJwt), json!({
                "format": "jwt_vc_json", "scope": configuration_id(kind, WalletForm::VcJwt),
                "credential_signing_alg_values_supported": ["EdDSA"],
                "credential_definition": { "type": ["VerifiableCredential", "OpenBadgeCredential"] },
                "credential_metadata": { "display": display },
            }));
        }
        json!({
            "credential_issuer": url,
            "credential_endpoint": format!("{url}/wallet/credential"),
            "nonce_endpoint": format!("{url}/wallet/nonce"),
            "display": [{ "locale": "zh-CN", "name": "技录" }, { "locale": "en", "name": "Jilu" }],
            "credential_configurations_supported": configurations,
        })
    }
}

/// What a wallet scans: the address of an offer in the scheme that wallets listen to.
pub fn offer_link(public_url: &str, token: &str) -> (String, String) {
    let uri = format!("{public_url}/wallet/offers/{token}");
    let escaped: String = form_urlencoded::byte_serialize(uri.as_bytes()).collect();
    (format!("openid-credential-offer://?credential_offer_uri={escaped}"), uri)
}
