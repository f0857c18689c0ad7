//! The page of a verification's answer, whichever way was asked.

use super::reader::Reader;
use super::shown::ShownVerdict;
use crate::credential::receipt;
use crate::domain::text::{Language, Text};
use crate::domain::verification::Outcome;
use crate::http::AppState;
use crate::http::auth::OptionalCaller;
use crate::http::problem::Problem;
use crate::http::verification::{answer_bytes, counted_address};
use crate::services::error::Error;
use crate::services::verification::Verdict;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use std::collections::BTreeMap;

/// The form under a certificate by which a holder is compared with it.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// Where it is sent.
    pub action: String,
    /// What the comparison found.
    pub result: Option<String>,
    pub tone: &'static str,
}

/// What the browser says of its own checks, by their names in `answer.js`: in English and in Chinese.
const CHECK_TEXTS: &[(&str, &str, &str)] = &[
    ("signature", "The receipt is signed by a key that this registry publishes", "回执由本登记系统公布的密钥签署"),
    ("content", "The receipt says what this page shows", "回执与本页所示一致"),
    ("log", "The entry of the certificate is in the public log", "证书的登记项在公开日志中"),
    ("checkpoint", "The checkpoint of the log is signed by the log’s key", "日志检查点由日志密钥签署"),
    ("same_key", "The log’s key is the one that this browser has seen before", "日志密钥与本浏览器此前所见一致"),
    ("insecure", "this browser checks signatures only on pages that came by https", "浏览器只在 https 页面上支持验证签名"),
    ("offline", "the registry cannot be reached", "无法连接登记系统"),
];

/// What the page is made from.
#[derive(Serialize)]
struct AnswerContent {
    verdict: ShownVerdict,
    shown_as: Option<String>,
    compare: Option<Comparison>,
    check_texts: BTreeMap<&'static str, &'static str>,
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
        state.budget.spend(address);
    }
    let key = state.registry.receipt_key().await?;
    let answer = answer_bytes(&key, verdict, reader.language, false)?;
    let receipt = receipt::sign(&key, &answer).map_err(Error::from)?;
    let shown = ShownVerdict::new(verdict, reader.language, &key.public.key_id, receipt);
    let check_texts = CHECK_TEXTS.iter().map(|(name, english, chinese)| (*name, if reader.language == Language::Chinese { *chinese } else { *english })).collect();
    let content = AnswerContent { verdict: shown, shown_as: shown_as.map(|text| reader.say(&text)), compare, check_texts };
    reader.page(StatusCode::OK, "answer.html", content)
}
