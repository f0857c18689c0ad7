//! What a worker does: take the history away, share, contest, take a certificate into a wallet.

use super::own::{PlaceQuery, certificate_content};
use super::signed_in::{OwnForm, OwnPage, see_other, submit};
use crate::domain::calendar::end_of_day_in_china;
use crate::domain::dispute::DisputeSubject;
use crate::domain::id::{CertificateId, ShareId};
use crate::domain::sharing::SharePart;
use crate::http::AppState;
use crate::http::disputes::{DisputeDocument, answer_of};
use crate::http::fields::Fields;
use crate::http::history::{export_file, send_file};
use crate::http::organisations::path_id;
use crate::http::problem::{Problem, ProblemDocument};
use crate::http::shares::ShareDocument;
use crate::http::reply::kept;
use crate::http::wallets::offer_answer;
use crate::services::disputes::DisputeOrder;
use crate::services::history::HistoryForm;
use crate::services::shares::ShareOrder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config
        .service(show_downloads)
        .service(download_history)
        .service(show_shares)
        .service(make_share)
        .service(end_share)
        .service(show_disputes)
        .service(file_dispute)
        .service(offer_to_wallet);
}

/// How long a link is open unless the worker says otherwise.
const USUAL_DAYS: u64 = 14;

/// What can be taken away.
#[get("/own/downloads")]
pub async fn show_downloads(page: OwnPage) -> Result<HttpResponse, Problem> {
    page.reader.page(StatusCode::OK, "own-downloads.html", json!({}))
}

/// Take the whole history away as a file, whose digest becomes an entry of the log.
#[post("/own/downloads")]
pub async fn download_history(state: Data<AppState>, sent: OwnForm) -> Result<HttpResponse, Problem> {
    let form = match sent.form.text("form") {
        "json" => HistoryForm::Json,
        "csv" => HistoryForm::Csv,
        "xlsx" => HistoryForm::Xlsx,
        "clr" => HistoryForm::Clr,
        "pdf" => HistoryForm::Pdf,
        _ => return Err(Problem::invalid("form", "pdf, xlsx, csv, clr or json expected", "应为 pdf、xlsx、csv、clr 或 json")),
    };
    // People open such a file with a spreadsheet, which knows UTF-8 by its mark.
    let (exported, media_type) = export_file(&state.registry, &sent.page.own, form, true, sent.page.reader.language).await?;
    Ok(send_file(exported, media_type))
}

async fn shares_page(state: &AppState, page: &OwnPage, status: StatusCode, query: &PlaceQuery, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = query.page().window()?;
    let views = state.registry.list_own_shares(&page.own, window.after.clone(), window.fetch()).await?;
    let now = state.registry.clock.now().timestamp_micros();
    let listed = window.page(views, |view| view.row.id.clone(), |view| ShareDocument::new(&view, page.reader.public_url(), now));
    let certificates = state.registry.list_own_certificates(&page.own).await?;
    let certificates: Vec<Value> = certificates.iter().map(|issued| certificate_content(issued, page.reader.public_url(), page.reader.language)).collect();
    let today = state.registry.clock.today();
    let most = u64::from(state.registry.config.share_days_max) - 1;
    let day = |days: u64| today + Days::new(days);
    page.reader.page(status, "own-shares.html", json!({ "shares": listed.items, "next_cursor": listed.next_cursor, "certificates": certificates, "problem": problem, "today": today, "usual": day(USUAL_DAYS.min(most)), "last": day(most) }))
}

/// Links that the worker has made, and a form for a new one.
#[get("/own/shares")]
pub async fn show_shares(state: Data<AppState>, page: OwnPage, query: Query<PlaceQuery>) -> Result<HttpResponse, Problem> {
    shares_page(&state, &page, StatusCode::OK, &query, None).await
}

/// Make a link.
#[post("/own/shares")]
pub async fn make_share(state: Data<AppState>, sent: OwnForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let made = async {
        let mut fields = Fields::default();
        let purpose = fields.text("purpose", form.text("purpose"), 200);
        let parts: Vec<SharePart> = fields.parse_list("parts", &form.list("parts"));
        fields.count("parts", parts.len(), 1, SharePart::ALL.len());
        let certificates: Vec<CertificateId> = fields.parse_list("certificate_ids", &form.list("certificate_ids"));
        let last_day: Option<NaiveDate> = form.text("last_day").parse().ok();
        if last_day.is_none() {
            fields.fault("last_day", "a day expected", "应为日期");
        }
        fields.finish()?;
        let order = ShareOrder { purpose: purpose.expect(Fields::PARSED), parts, certificates: Some(certificates).filter(|ids| !ids.is_empty()), expires_at: end_of_day_in_china(last_day.expect(Fields::PARSED)) };
        submit(&state, page.own.worker.as_str(), "share", &form, |_| kept(StatusCode::CREATED, None, &json!({})), async |intent| state.registry.make_share(&page.own, order.clone(), intent).await).await
    };
    match made.await {
        Ok(_) => Ok(see_other("/own/shares")),
        Err(problem) if problem.status().is_client_error() => shares_page(&state, &page, problem.status(), &PlaceQuery { cursor: None }, Some(problem.document(page.reader.language, ""))).await,
        Err(problem) => Err(problem),
    }
}

/// Withdraw a link.
#[post("/own/shares/{share_id}/withdrawal")]
pub async fn end_share(state: Data<AppState>, sent: OwnForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: ShareId = path_id(&id)?;
    state.registry.end_share(&sent.page.own, &id).await?;
    Ok(see_other("/own/shares"))
}

async fn disputes_page(state: &AppState, page: &OwnPage, status: StatusCode, query: &DisputeQuery, problem: Option<ProblemDocument>) -> Result<HttpResponse, Problem> {
    let window = PlaceQuery { cursor: query.cursor.clone() }.page().window()?;
    let views = state.registry.list_own_disputes(&page.own, window.after.clone(), window.fetch()).await?;
    let listed = window.page(views, |view| view.row.id.clone(), |view| DisputeDocument::new(&view));
    let subjects: Vec<&str> = DisputeSubject::ALL.iter().map(|subject| subject.as_str()).collect();
    page.reader.page(
        status,
        "own-disputes.html",
        json!({ "disputes": listed.items, "next_cursor": listed.next_cursor, "problem": problem, "subjects": subjects, "subject_kind": query.subject_kind.as_deref().unwrap_or("identity"), "subject_id": query.subject_id.as_deref().unwrap_or_default() }),
    )
}

/// The list of disputes, and what a new one is about.
#[derive(Debug, Default, serde::Deserialize)]
pub struct DisputeQuery {
    cursor: Option<String>,
    subject_kind: Option<String>,
    subject_id: Option<String>,
}

/// Contested entries, and a form to contest one.
#[get("/own/disputes")]
pub async fn show_disputes(state: Data<AppState>, page: OwnPage, query: Query<DisputeQuery>) -> Result<HttpResponse, Problem> {
    disputes_page(&state, &page, StatusCode::OK, &query, None).await
}

/// Contest an entry.
#[post("/own/disputes")]
pub async fn file_dispute(state: Data<AppState>, sent: OwnForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let filed = async {
        let mut fields = Fields::default();
        let subject: Option<DisputeSubject> = fields.parse("subject_kind", form.text("subject_kind"));
        let subject_id = form.given("subject_id").filter(|_| subject != Some(DisputeSubject::Identity));
        if subject.is_some_and(|subject| subject != DisputeSubject::Identity) && subject_id.is_none() {
            fields.fault("subject_id", "choose “contest” beside the entry in your record", "请在档案中该条目旁点“提出异议”");
        }
        let statement = fields.text("statement", form.text("statement"), 2_000);
        fields.finish()?;
        let order = DisputeOrder { subject: subject.expect(Fields::PARSED), subject_id, statement: statement.expect(Fields::PARSED) };
        submit(&state, page.own.worker.as_str(), "dispute", &form, answer_of, async |intent| state.registry.file_dispute(&page.own, &order, intent).await).await
    };
    match filed.await {
        Ok(_) => Ok(see_other("/own/disputes")),
        Err(problem) if problem.status().is_client_error() => {
            let query = DisputeQuery { cursor: None, subject_kind: form.given("subject_kind"), subject_id: form.given("subject_id") };
            disputes_page(&state, &page, problem.status(), &query, Some(problem.document(page.reader.language, ""))).await
        }
        Err(problem) => Err(problem),
    }
}

/// Offer a certificate to a wallet: a QR code, and six digits that stand on this page alone.
#[post("/own/certificates/{certificate_id}/wallet")]
pub async fn offer_to_wallet(state: Data<AppState>, sent: OwnForm, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: CertificateId = path_id(&id)?;
    let page = sent.page;
    let url = page.reader.public_url().to_owned();
    let answer = submit(&state, page.own.worker.as_str(), "wallet", &sent.form, move |offer| offer_answer(offer, &url), async |intent| state.registry.make_wallet_offer(&page.own, &id, intent).await).await?;
    let offer: Value = serde_json::from_slice(&answer.body).map_err(|error| crate::services::error::Error::Internal(error.to_string()))?;
    page.reader.at(format!("/own/certificates/{id}")).page(StatusCode::OK, "own-wallet.html", json!({ "offer": offer, "certificate_id": id.to_string() }))
}
