//! Receipts to keep: the signed answer as a file. It tells nothing of the holder.

use super::forms::Form;
use crate::credential::receipt;
use crate::http::AppState;
use crate::http::problem::Problem;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpResponse, post};

/// Download a receipt that this registry has signed.
#[post("/receipts")]
pub async fn download_receipt(state: Data<AppState>, form: Form) -> Result<HttpResponse, Problem> {
    let text = form.text("receipt");
    let key = state.registry.receipt_key().await?;
    if receipt::open(text, &key.public).is_none() {
        return Err(Problem::invalid("receipt", "a receipt that this registry has signed expected", "应为本登记系统签署的回执"));
    }
    Ok(HttpResponse::Ok()
        .content_type("application/jose")
        .insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"jilu-receipt.jws\""))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text.to_owned()))
}
