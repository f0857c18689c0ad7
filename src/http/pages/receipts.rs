//! Receipts to keep: the signed answer as a file, and as a paper that carries it. Neither tells anything of the holder.

use super::forms::Form;
use super::reader::Reader;
use super::shown::{beijing_time, facts_of, kind_name, outcome_name};
use crate::domain::text::Language;
use crate::domain::verification::{Heading, Outcome, check_name, meaning_of_record};
use crate::http::AppState;
use crate::http::budget::count;
use crate::http::bulk_verification::told;
use crate::http::problem::Problem;
use crate::print::attachments::{self, Attachment};
use crate::print::fields::Field;
use crate::print::fonts::Fonts;
use crate::print::receipt::{Check, ReceiptSheet};
use crate::print::signs::Sign;
use crate::services::error::Error;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, post};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What the receipt is called inside its paper.
const RECEIPT: &str = "receipt.jws";

/// The receipt in a file: the text itself, or what a paper of ours carries.
pub fn receipt_in(file: &[u8]) -> Option<String> {
    if file.starts_with(b"%PDF-") {
        // Alone, as in every paper of a receipt: anybody could put one beside a certificate that was changed.
        let [only] = <[Attachment; 1]>::try_from(attachments::read(file).ok()?).ok()?;
        return (only.name == RECEIPT).then(|| String::from_utf8(only.bytes).ok())?;
    }
    std::str::from_utf8(file).ok().map(str::trim).filter(|text| text.starts_with("eyJ")).map(str::to_owned)
}

/// Download a receipt that this registry has signed.
#[post("/receipts")]
pub async fn download_receipt(state: Data<AppState>, request: HttpRequest, reader: Reader, form: Form) -> Result<HttpResponse, Problem> {
    count(&state, &request, |budgets| &budgets.receipts)?;
    let text = form.text("receipt");
    let Some(answer) = state.registry.open_receipt(text).await? else {
        return Err(Problem::invalid("receipt", "a receipt that this registry has signed expected", "应为本登记系统签署的回执"));
    };
    let (media_type, name, bytes) = if form.text("form") == "pdf" {
        let sheet = sheet_of(&answer, text, reader.public_url());
        let paper = tokio::task::spawn_blocking(move || crate::print::receipt::receipt(Fonts::shipped(), &sheet)).await.map_err(|error| Error::Internal(error.to_string()))?;
        ("application/pdf", "jilu-receipt.pdf", paper.map_err(Error::from)?)
    } else {
        ("application/jose", "jilu-receipt.jws", text.as_bytes().to_vec())
    };
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(bytes))
}

/// The shape of an outcome on paper.
fn sign_of(heading: Heading) -> Sign {
    match heading {
        Heading::Forged => Sign::Forged,
        Heading::NoRight => Sign::NoRight,
        Heading::StolenKey => Sign::StolenKey,
        Heading::NoDocument => Sign::NoDocument,
        Heading::Outcome(outcome) => match outcome {
            Outcome::Valid => Sign::Passed,
            Outcome::Suspended => Sign::Suspended,
            Outcome::Expired => Sign::Expired,
            Outcome::ReviewOverdue => Sign::ReviewOverdue,
            Outcome::Superseded => Sign::Replaced,
            Outcome::Revoked => Sign::Revoked,
            Outcome::Withdrawn => Sign::Withdrawn,
            Outcome::Cancelled => Sign::Cancelled,
            Outcome::NotFound => Sign::Unknown,
        },
    }
}

/// The facts of every certificate that the answer tells of; several, as of a permit's number, each with how it stands.
fn fields_of(answer: &Value) -> Vec<Field> {
    let several = answer["certificates"].as_array().map_or(&[][..], Vec::as_slice);
    let all = if several.is_empty() { answer.get("certificate").map_or(&[][..], std::slice::from_ref) } else { several };
    let both = |name: fn(&str, Language) -> String, code: &str| format!("{} {}", name(code, Language::Chinese), name(code, Language::English));
    let mut fields = Vec::new();
    for certificate in all {
        if let Some(kind) = certificate["certificate_kind"].as_str() {
            fields.push(Field::new("证书类别", "Kind", &both(kind_name, kind)));
        }
        if let Some(outcome) = certificate["outcome"].as_str().filter(|_| all.len() > 1) {
            fields.push(Field::new("核验结果", "Outcome", &both(outcome_name, outcome)));
        }
        let facts = facts_of(certificate, Language::Chinese).into_iter().zip(facts_of(certificate, Language::English));
        fields.extend(facts.map(|(zh, en)| Field::new(&zh.label, &en.label, &zh.value)));
    }
    fields
}

fn sheet_of(answer: &Value, text: &str, public_url: &str) -> ReceiptSheet {
    let outcome = answer["outcome"].as_str().and_then(|outcome| outcome.parse().ok()).unwrap_or(Outcome::NotFound);
    let checks = answer["checks"].as_array().map_or(&[][..], Vec::as_slice);
    let heading = Heading::of(outcome, checks.iter().map(|check| (check["check"].as_str().unwrap_or_default(), check["outcome"] == "failed")));
    let is_record = checks.iter().any(|check| check["check"] == "certificates");
    let (name, meaning) = (heading.name(), if is_record && heading == Heading::Outcome(outcome) { meaning_of_record(outcome) } else { heading.meaning() });
    let made_at = answer["status_as_of"].as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok()).map_or(DateTime::<Utc>::UNIX_EPOCH, |at| at.to_utc());
    let checks = checks.iter().map(|check| {
        let name = check_name(check["check"].as_str().unwrap_or_default());
        let outcome = match check["outcome"].as_str() {
            Some("passed") => Sign::Passed,
            Some("failed") => Sign::Failed,
            _ => Sign::Skipped,
        };
        Check { name_zh: name.zh.into_owned(), name_en: name.en.into_owned(), outcome, detail: told(check) }
    });
    ReceiptSheet {
        sign: sign_of(heading),
        outcome_zh: name.zh.into_owned(),
        outcome_en: name.en.into_owned(),
        meaning_zh: meaning.zh.into_owned(),
        meaning_en: meaning.en.into_owned(),
        verified_at: beijing_time(made_at, Language::Chinese),
        facts: fields_of(answer),
        checks: checks.collect(),
        // What a receipt is known by: the beginning of its digest.
        receipt_id: hex::encode(&Sha256::digest(text)[..12]),
        key_id: answer["key_id"].as_str().unwrap_or_default().to_owned(),
        verify_url: public_url.to_owned(),
        attachments: vec![Attachment { name: RECEIPT.to_owned(), media_type: "application/jose".to_owned(), description: "签名的回执 / the signed receipt".to_owned(), bytes: text.as_bytes().to_vec() }],
        created_at: made_at,
    }
}
