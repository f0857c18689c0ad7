//! What a QR code opens: the certificate for people, and whether it is of the person who stands there.

use super::answers::{Comparison, answer_page};
use super::forms::Form;
use crate::domain::text::Text;
use crate::domain::verification::Outcome;
use crate::http::AppState;
use crate::http::auth::OptionalCaller;
use crate::http::problem::Problem;
use crate::http::budget::counted_address;
use crate::http::verification::NOT_FOUND_AFTER;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, post};
use std::time::Instant;

/// The page of a token.
pub async fn show_certificate(state: &AppState, request: &HttpRequest, token: &str) -> Result<HttpResponse, Problem> {
    certificate_page(state, request, token, None, None).await
}

/// The same, with how it was found and what a comparison with the holder gave.
pub async fn certificate_page(state: &AppState, request: &HttpRequest, token: &str, shown_as: Option<Text>, compared: Option<(Text, &'static str)>) -> Result<HttpResponse, Problem> {
    let reader = super::reader::Reader::of(request);
    counted_address(state, request, &OptionalCaller(None))?;
    let verdict = state.registry.verify_by_token(token).await?;
    let comparison = (verdict.outcome != Outcome::NotFound).then(|| {
        let (result, tone) = compared.unzip();
        Comparison { action: format!("/v/{token}"), result: result.map(|text| reader.say(&text)), tone: tone.unwrap_or("none") }
    });
    answer_page(state, request, &verdict, shown_as, comparison).await
}

/// Compare the holder's identity document with the certificate behind a token.
#[post("/v/{token}")]
pub async fn compare_holder(state: Data<AppState>, request: HttpRequest, token: Path<String>, form: Form) -> Result<HttpResponse, Problem> {
    let address = counted_address(&state, &request, &OptionalCaller(None))?;
    let (name, number) = (form.given("name"), form.given("document_number"));
    if name.is_none() && number.is_none() {
        let nothing = (Text::new("Give the name or the document number.", "请填写姓名或证件号码。"), "none");
        return certificate_page(&state, &request, &token, None, Some(nothing)).await;
    }
    let asked = Instant::now();
    let result = match state.registry.compare_holder(&token, name.as_deref(), number.as_deref()).await? {
        Some(true) => (Text::new("Yes: what you gave is what the certificate says of its holder.", "一致：所填信息与证书持证人相符。"), "good"),
        Some(false) | None => {
            // Names are not to be guessed by asking often, or by how long it takes.
            if let Some(address) = address {
                state.budgets.not_found.spend(address);
            }
            tokio::time::sleep_until((asked + NOT_FOUND_AFTER).into()).await;
            (Text::new("No: the certificate is of somebody else, or what you gave is mistyped.", "不一致：该证书属于他人，或填写有误。"), "bad")
        }
    };
    certificate_page(&state, &request, &token, None, Some(result)).await
}
