//! Verification: public, by two of three facts, by document, by the QR's token. Every answer is signed unless it is asked not to be.

use super::AppState;
use super::auth::OptionalCaller;
use super::body::Body;
use super::budget::counted_address;
use super::problem::{Problem, Problems, language};
use super::reply::{instant, json_bytes, wants_page};
use crate::credential::form::CredentialForm;
use crate::credential::keys::IssuingKey;
use crate::credential::receipt;
use crate::domain::text::Language;
use crate::domain::verification::Outcome;
use crate::services::verification::{Verdict, VerificationQuery, VerifiedCertificate};
use actix_web::http::header;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use chrono::NaiveDate;
use std::borrow::Cow;
use std::time::{Duration, Instant};
use utoipa::{IntoParams, ToSchema};

/// Two or three facts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"certificate_number": "S000032000001263000001", "name": "张三"}))]
pub struct VerificationRequest {
    /// Number as printed.
    pub certificate_number: Option<String>,
    /// Name as printed.
    pub name: Option<String>,
    /// Number of the document that is printed on the certificate.
    pub document_number: Option<String>,
}

/// A credential to be checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentVerificationRequest {
    /// The credential as text: a JWT, an SD-JWT, JSON or SVG.
    pub credential: String,
}

/// How the answer is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReceiptQuery {
    /// `none` leaves the receipt away.
    #[param(example = "none")]
    pub receipt: Option<String>,
}

/// How the answer to a QR code is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TokenQuery {
    /// `none` leaves the receipt away.
    #[param(example = "none")]
    pub receipt: Option<String>,
    /// Language of the page: `zh` or `en`; otherwise as `Accept-Language` asks.
    #[param(example = "en")]
    pub lang: Option<String>,
}

/// One check.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckDocument<'a> {
    /// `file`, `record`, `log`, `witnesses`, `key`, `proof`, `issuer`, `schema`, `right_to_issue`, `status`, `validity`, `review`,
    /// `document`, when what was shown is none, or `certificates`, those of a learner record.
    pub check: &'static str,
    /// `passed` or `failed`; `pending` for what could not be checked, such as witnesses that have not cosigned yet.
    pub outcome: &'static str,
    /// What was found, and what was expected.
    pub detail: &'a str,
    /// What to do next, when it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<Cow<'static, str>>,
}

/// What an answer tells of a certificate: nothing about the holder (PR-8).
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateSummary<'a> {
    /// How it stands today, whatever the outcome of the whole answer.
    outcome: &'static str,
    /// Number as printed; masked where it discloses an identity number.
    certificate_number: &'a str,
    /// Kind.
    certificate_kind: &'static str,
    /// State as stored.
    state: &'static str,
    /// Version.
    version: i32,
    /// Edition of the classification.
    #[serde(skip_serializing_if = "Option::is_none")]
    occupation_edition: Option<&'a str>,
    /// Occupation.
    #[serde(skip_serializing_if = "Option::is_none")]
    occupation_code: Option<&'a str>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    occupation_name: Option<&'a str>,
    /// Narrower speciality.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type: Option<&'a str>,
    /// Level.
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<&'a str>,
    /// Specific ability.
    #[serde(skip_serializing_if = "Option::is_none")]
    ability: Option<&'a str>,
    /// Training project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    /// Category of special operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<&'a str>,
    /// Operation item.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a str>,
    /// Day of issue.
    #[schema(value_type = String)]
    issued_on: NaiveDate,
    /// Last valid day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    valid_to: Option<NaiveDate>,
    /// Review day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    review_due_on: Option<NaiveDate>,
    /// The issuing body.
    issuer_id: &'a str,
    /// Its name.
    issuer_name: &'a str,
}

impl<'a> CertificateSummary<'a> {
    pub fn new(certificate: &'a VerifiedCertificate) -> Self {
        let (standing, printed) = (&*certificate.standing, &certificate.standing.printed);
        let (occupation_edition, occupation_code) = printed.occupation.as_deref().and_then(|occupation| occupation.split_once('/')).unzip();
        CertificateSummary {
            outcome: certificate.outcome.as_str(),
            certificate_number: &printed.certificate_number,
            certificate_kind: standing.kind.as_str(),
            state: standing.facts.state.as_str(),
            version: standing.version,
            occupation_edition,
            occupation_code,
            occupation_name: printed.occupation_name.as_deref(),
            job_type: printed.job_type.as_deref(),
            level: printed.level.as_deref(),
            ability: printed.ability.as_deref(),
            project: printed.project.as_deref(),
            category: printed.category.as_deref(),
            item: printed.item.as_deref(),
            issued_on: standing.issued_on,
            valid_to: standing.facts.valid_to,
            review_due_on: standing.facts.review_due_on,
            issuer_id: standing.issuer.organisation.as_str(),
            issuer_name: &standing.issuer.name,
        }
    }
}

/// The answer to a verification.
#[derive(Debug, Serialize, ToSchema)]
pub struct VerificationAnswer<'a> {
    /// `valid`, `expired`, `review_overdue`, `suspended`, `revoked`, `withdrawn`, `cancelled`, `superseded` or `not_found`.
    pub outcome: &'static str,
    /// Every check by itself.
    pub checks: Vec<CheckDocument<'a>>,
    /// The certificate that the outcome is about; of a learner record the first in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateSummary<'a>>,
    /// All certificates that fit, when a name and a document number were given, or that a learner record has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<CertificateSummary<'a>>,
    /// Where the document of the certificate stands in the log: `/v1/log/proofs?index=` proves the entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_index: Option<u64>,
    /// The moment for which the answer holds.
    pub status_as_of: String,
    /// The key of the receipt.
    pub key_id: &'a str,
    /// This answer as a compact JWS that anyone can check later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// VE-3: an answer that found nothing leaves this long after its question, so that a known number with a wrong name cannot be told
/// from an unknown one by the time that looking took.
pub(super) const NOT_FOUND_AFTER: Duration = Duration::from_millis(20);
async fn answer(state: &AppState, request: &HttpRequest, query: &ReceiptQuery, caller: &OptionalCaller, verdict: Result<Verdict, crate::services::error::Error>) -> Result<HttpResponse, Problem> {
    let address = counted_address(state, request, caller)?;
    let verdict = verdict?;
    if let Some(address) = address.filter(|_| verdict.outcome == Outcome::NotFound) {
        state.budgets.not_found.spend(address);
    }
    let is_signed = match query.receipt.as_deref() {
        None => true,
        Some("none") => false,
        Some(_) => return Err(Problem::invalid("receipt", "none expected, or nothing", "应为 none 或不填")),
    };
    let language = language(request);
    let key = state.registry.receipt_key().await?;
    let bytes = answer_bytes(&key, &verdict, language, is_signed)?;
    Ok(HttpResponse::Ok().content_type("application/json").insert_header((header::CACHE_CONTROL, "no-store")).body(bytes))
}

/// The answer as JSON, with its receipt unless that is not wanted.
pub(super) fn answer_bytes(key: &IssuingKey, verdict: &Verdict, language: Language, is_signed: bool) -> Result<Vec<u8>, crate::services::error::Error> {
    let mut bytes = json_bytes(&document(verdict, language, &key.public.key_id));
    if is_signed {
        // The answer is an object, so its receipt goes in before the last brace; a compact JWS needs no escapes.
        let receipt = receipt::sign(key, &bytes)?;
        bytes.pop();
        bytes.extend_from_slice(format!(r#","receipt":"{receipt}"}}"#).as_bytes());
    }
    Ok(bytes)
}

fn document<'a>(verdict: &'a Verdict, language: Language, key_id: &'a str) -> VerificationAnswer<'a> {
    VerificationAnswer {
        outcome: verdict.outcome.as_str(),
        checks: verdict
            .checks
            .iter()
            .map(|check| CheckDocument {
                check: check.name,
                outcome: check.outcome.as_str(),
                detail: check.detail.in_language(language),
                next_step: verdict.next_step(check).map(|text| text.into_language(language)),
            })
            .collect(),
        certificate: verdict.certificates.first().map(CertificateSummary::new),
        certificates: if verdict.certificates.len() > 1 { verdict.certificates.iter().map(CertificateSummary::new).collect() } else { Vec::new() },
        log_index: verdict.log_index,
        status_as_of: instant(verdict.status_as_of),
        key_id,
        receipt: None,
    }
}

/// Verify by two of three facts
#[utoipa::path(tag = "verification", operation_id = "verify_by_facts", request_body = VerificationRequest, params(ReceiptQuery), responses((status = 200, description = "The answer, also when nothing was found", body = VerificationAnswer), Problems), security((), ("bearer" = [])))]
#[post("/v1/verifications")]
pub async fn verify_by_facts(state: Data<AppState>, request: HttpRequest, caller: OptionalCaller, query: Query<ReceiptQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: VerificationRequest = body.json()?;
    for (field, text) in [("certificate_number", &wanted.certificate_number), ("name", &wanted.name), ("document_number", &wanted.document_number)] {
        if text.as_ref().is_some_and(|text| text.chars().count() > 100) {
            return Err(Problem::invalid(field, "more than 100 characters found, at most 100 expected", "超过 100 个字符"));
        }
    }
    counted_address(&state, &request, &caller)?;
    let asked = Instant::now();
    let facts = VerificationQuery { certificate_number: wanted.certificate_number, name: wanted.name, document_number: wanted.document_number };
    let verdict = state.registry.verify_by_facts(&facts).await;
    if verdict.as_ref().is_ok_and(|verdict| verdict.outcome == Outcome::NotFound) {
        tokio::time::sleep_until((asked + NOT_FOUND_AFTER).into()).await;
    }
    answer(&state, &request, &query, &caller, verdict).await
}

/// Verify a credential
///
/// In any form that the registry hands out; also of issuers elsewhere that the operator trusts. The form is told by what it is.
#[utoipa::path(tag = "verification", operation_id = "verify_document", params(ReceiptQuery),
    request_body(content((String = "application/vc+jwt"), (Value = "application/vc"), (String = "application/jwt"), (String = "application/dc+sd-jwt"), (String = "image/svg+xml"), (Vec<u8> = "image/png"), (Vec<u8> = "application/pdf"), (DocumentVerificationRequest = "application/json"))), responses((status = 200, description = "The answer with every check", body = VerificationAnswer), Problems), security((), ("bearer" = [])))]
#[post("/v1/verifications/document")]
pub async fn verify_document(state: Data<AppState>, request: HttpRequest, caller: OptionalCaller, query: Query<ReceiptQuery>, body: Body) -> Result<HttpResponse, Problem> {
    // JSON is either a document with proofs or an envelope around any other form.
    let shown = match body.media_type.as_str() {
        "application/json" => match body.json::<Value>()? {
            Value::Object(members) if members.contains_key("credential") => body.json::<DocumentVerificationRequest>()?.credential.into_bytes(),
            _ => body.bytes.to_vec(),
        },
        media_type if CredentialForm::ALL.iter().any(|form| form.media_types().contains(&media_type)) || media_type == "text/plain" => body.bytes.to_vec(),
        other => return Err(Problem::unsupported_media_type(other, &format!("application/json, text/plain or {}", super::certificates::media_types()))),
    };
    counted_address(&state, &request, &caller)?;
    let verdict = state.registry.verify_document(&shown).await;
    answer(&state, &request, &query, &caller, verdict).await
}

/// Verify by the token of a QR code
#[utoipa::path(tag = "verification", operation_id = "verify_by_token", params(("token" = String, Path, description = "Token of the QR code"), TokenQuery), responses((status = 200, description = "The answer; a page for people when `Accept` prefers `text/html`", content((VerificationAnswer = "application/json"), (String = "text/html"))), Problems), security((), ("bearer" = [])))]
#[get("/v/{token}")]
pub async fn verify_by_token(state: Data<AppState>, request: HttpRequest, caller: OptionalCaller, query: Query<TokenQuery>, token: Path<String>) -> Result<HttpResponse, Problem> {
    if wants_page(&request) {
        return super::pages::tokens::show_certificate(&state, &request, &token).await;
    }
    counted_address(&state, &request, &caller)?;
    let verdict = state.registry.verify_by_token(&token).await;
    answer(&state, &request, &ReceiptQuery { receipt: query.into_inner().receipt }, &caller, verdict).await
}
