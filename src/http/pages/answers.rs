//! The page of a verification's answer, whichever way was asked.

use super::reader::Reader;
use super::shown::ShownVerdict;
use crate::credential::receipt;
use crate::domain::text::Text;
use crate::domain::verification::Outcome;
use crate::http::AppState;
use crate::http::auth::OptionalCaller;
use crate::http::problem::Problem;
use crate::http::budget::counted_address;
use crate::http::verification::answer_bytes;
use crate::services::error::Error;
use crate::services::verification::Verdict;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

/// The form under a certificate by which a holder is compared with it.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Where it is sent.
    pub action: String,
    /// What the comparison found.
    pub result: Option<String>,
    pub tone: &'static str,
}

/// What the page is made from.
#[derive(Serialize)]
struct AnswerContent {
    verdict: ShownVerdict,
    shown_as: Option<String>,
    compare: Option<Comparison>,
}

/// What a receipt says that was handed over: an answer of this registry, as it was then.
pub fn receipt_page(reader: &Reader, answer: &serde_json::Value, receipt: String) -> Result<HttpResponse, Problem> {
    let shown_as = Text::new("a receipt that this registry signed; what else the file shows was not checked", "本登记系统签署的回执；文件中的其他内容未经核验");
    let content = AnswerContent { verdict: ShownVerdict::of_receipt(answer, reader.language, receipt), shown_as: Some(reader.say(&shown_as)), compare: None };
    reader.at("/".to_owned()).page(StatusCode::OK, "answer.html", content)
}

/// An answer as a page: counted, signed, written.
///
/// What was asked by a form cannot be opened again; its page leads to the form.
pub async fn answer_page(state: &AppState, request: &HttpRequest, verdict: &Verdict, shown_as: Option<Text>, compare: Option<Comparison>) -> Result<HttpResponse, Problem> {
    let asked = Reader::of(request);
    let reader = asked.at(compare.as_ref().map_or_else(|| "/".to_owned(), |compare| compare.action.clone()));
    if verdict.outcome == Outcome::NotFound
        && let Some(address) = counted_address(state, request, &OptionalCaller(None))?
    {
        state.budgets.not_found.spend(address);
    }
    let key = state.registry.receipt_key().await?;
    let answer = answer_bytes(&key, verdict, reader.language, false)?;
    let receipt = receipt::sign(&key, &answer).map_err(Error::from)?;
    let shown = ShownVerdict::new(verdict, reader.language, &key.public.key_id, receipt);
    let content = AnswerContent { verdict: shown, shown_as: shown_as.map(|text| reader.say(&text)), compare };
    reader.page(StatusCode::OK, "answer.html", content)
}
