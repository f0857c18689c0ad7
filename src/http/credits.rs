//! Learning credits: balance, ledger, and how each entry came about; reversals, conversions, recognitions.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::organisations::path_id;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems};
use super::reply::{created_or_known, instant_of, kept, read, read_page};
use crate::domain::credit::Credits;
use crate::domain::id::{CertificateId, ClassId, CompetitionResultId, CreditEntryId, WorkerId};
use crate::services::credits::CreditBalance;
use crate::services::intent::{Answer, Intent};
use crate::store::credits::{CreditEntryRow, LedgerPlace};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A worker's credits.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditsDocument {
    /// The worker.
    pub worker_id: String,
    /// The sum of all entries.
    #[schema(example = "3.5")]
    pub balance: String,
    /// What of it has expired and cannot be used (CR-8).
    #[schema(example = "0.0")]
    pub expired: String,
    /// How many entries the ledger has.
    pub entries: i32,
    /// How much came from where, and went where.
    pub sources: Vec<CreditSource>,
}

/// Credits of one kind of entry from one source.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditSource {
    /// `award`, `reversal` or `conversion`.
    pub kind: String,
    /// `class`, `certificate`, `competition`; for conversions the programme.
    pub source: String,
    /// The sum; negative where credits were taken back or spent.
    #[schema(example = "3.5")]
    pub credits: String,
}

/// One entry of the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub struct CreditEntryDocument {
    /// Identifier.
    pub entry_id: String,
    /// The worker.
    pub worker_id: String,
    /// 1 for the worker's first entry.
    pub sequence: i32,
    /// `award`, `reversal` or `conversion`.
    pub kind: String,
    /// Where the credits come from or go to.
    pub source: String,
    /// The amount.
    #[schema(example = "3.5")]
    pub credits: String,
    /// The balance behind this entry.
    #[schema(example = "6.0")]
    pub balance: String,
    /// The entry that a reversal undoes.
    pub reverses: Option<String>,
    /// The day on which they were earned.
    pub earned_on: String,
    /// The organisation whose training or certificate gave them.
    pub organisation_id: Option<String>,
    /// When it was posted.
    pub posted_at: String,
}

/// How an entry came about.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplanationDocument {
    /// The entry.
    pub entry: CreditEntryDocument,
    /// The rule that gave the figure, for example `CR-1`.
    pub rule: String,
    /// Version of the list `training_rules` that was in force.
    pub rule_version: i32,
    /// What may be posted once (CR-2).
    pub achievement_key: String,
    /// The facts that the rule used, with the arithmetic.
    #[schema(value_type = Object)]
    pub facts: Value,
}

/// An entry to be undone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"entry_id": "crd_01ka4zrjh00000000000000000", "reason": "posted for another worker"}))]
pub struct CreditReversalRequest {
    /// The entry.
    pub entry_id: String,
    /// Why.
    pub reason: String,
}

/// Credits to be used in another programme.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"worker_id": "wkr_01ka4zrjh00000000000000000", "programme": "technician_college", "credits": "2.0"}))]
pub struct CreditConversionRequest {
    /// The worker.
    pub worker_id: String,
    /// A programme of the list `credit_programmes`.
    pub programme: String,
    /// How many.
    pub credits: String,
}

/// A certificate to be recognised.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"certificate_id": "crt_01ka4zrjh00000000000000000"}))]
pub struct CreditRecognitionRequest {
    /// The certificate.
    pub certificate_id: Option<String>,
    /// Or the place in a competition.
    pub competition_result_id: Option<String>,
    /// The class that the certificate was earned in: both are one achievement (CR-5).
    pub class_id: Option<String>,
}

impl CreditsDocument {
    pub fn new(worker: &WorkerId, credits: CreditBalance) -> Self {
        let sources = credits.sources.into_iter().map(|(kind, source, credits)| CreditSource { kind, source, credits: credits.to_string() }).collect();
        CreditsDocument { worker_id: worker.to_string(), balance: credits.balance.to_string(), expired: credits.expired.to_string(), entries: credits.entries, sources }
    }
}

impl CreditEntryDocument {
    pub fn new(row: &CreditEntryRow) -> Self {
        CreditEntryDocument {
            entry_id: row.id.clone(),
            worker_id: row.worker_id.clone(),
            sequence: row.sequence,
            kind: row.kind.clone(),
            source: row.source.clone(),
            credits: Credits::from_tenths(row.tenths).to_string(),
            balance: Credits::from_tenths(row.balance_tenths).to_string(),
            reverses: row.reverses.clone(),
            earned_on: row.earned_on.to_string(),
            organisation_id: row.organisation_id.clone(),
            posted_at: instant_of(row.posted_at),
        }
    }
}

impl ExplanationDocument {
    pub fn new(row: CreditEntryRow) -> Self {
        ExplanationDocument {
            entry: CreditEntryDocument::new(&row),
            facts: serde_json::from_str(&row.facts).unwrap_or_default(),
            rule: row.rule,
            rule_version: row.rule_version,
            achievement_key: row.achievement_key,
        }
    }
}

/// `worker.sequence`: the last entry of the page before.
pub fn ledger_place(cursor: Option<&str>) -> Result<Option<LedgerPlace>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let place = cursor.rsplit_once('.').and_then(|(worker, sequence)| Some(LedgerPlace { worker_id: worker.to_owned(), sequence: sequence.parse().ok()? }));
    place.map(Some).ok_or_else(PageQuery::wrong_cursor)
}

fn answer_of((row, is_new): &(CreditEntryRow, bool)) -> Answer {
    let location = format!("/v1/workers/{}/credits/entries/{}/explanation", row.worker_id, row.id);
    kept(created_or_known(*is_new), Some(location), &CreditEntryDocument::new(row))
}

/// Whose credits a request asks to be converted, for which programme, and how many.
///
/// # Errors
/// Every member that is not what is expected.
pub fn conversion_of(wanted: &CreditConversionRequest) -> Result<(WorkerId, String, Credits), Problem> {
    let mut fields = Fields::default();
    let worker: Option<WorkerId> = fields.parse("worker_id", &wanted.worker_id);
    let programme = fields.text("programme", &wanted.programme, 60);
    let credits: Option<Credits> = fields.parse("credits", &wanted.credits);
    fields.finish()?;
    Ok((worker.expect(Fields::PARSED), programme.expect(Fields::PARSED), credits.expect(Fields::PARSED)))
}

/// Read a worker's credits
#[utoipa::path(tag = "credits", operation_id = "get_credits", params(("worker_id" = String, Path, description = "Identifier")), responses((status = 200, description = "Balance and sources", body = CreditsDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/workers/{worker_id}/credits")]
pub async fn get_credits(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>) -> Result<HttpResponse, Problem> {
    let id: WorkerId = path_id(&id)?;
    let credits = state.registry.get_credits(&caller.0, &id).await?;
    Ok(read(&request, &CreditsDocument::new(&id, credits)))
}

/// List a worker's credit entries
#[utoipa::path(tag = "credits", operation_id = "list_credit_entries", params(("worker_id" = String, Path, description = "Identifier"), PageQuery), responses((status = 200, description = "A page of the ledger in its order", body = Page<CreditEntryDocument>), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/workers/{worker_id}/credits/entries")]
pub async fn list_credit_entries(state: Data<AppState>, request: HttpRequest, caller: Caller, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (id, window): (WorkerId, _) = (path_id(&id)?, query.window()?);
    let after = ledger_place(window.after.as_deref())?;
    let rows = state.registry.list_credit_entries(&caller.0, &id, after, window.fetch()).await?;
    let page = window.page(rows, |row| format!("{}.{}", row.worker_id, row.sequence), |row| CreditEntryDocument::new(&row));
    Ok(read_page(&request, &window, &page))
}

/// Explain a credit entry
#[utoipa::path(tag = "credits", operation_id = "explain_credit_entry", params(("worker_id" = String, Path, description = "Identifier"), ("entry_id" = String, Path, description = "The entry")), responses((status = 200, description = "Rule, facts and arithmetic", body = ExplanationDocument), Problems), security(("bearer" = []), ("oauth" = ["training.write"])))]
#[get("/v1/workers/{worker_id}/credits/entries/{entry_id}/explanation")]
pub async fn explain_credit_entry(state: Data<AppState>, request: HttpRequest, caller: Caller, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (worker, entry): (WorkerId, CreditEntryId) = (path_id(&path.0)?, path_id(&path.1)?);
    let row = state.registry.get_credit_entry(&caller.0, &worker, &entry).await?;
    Ok(read(&request, &ExplanationDocument::new(row)))
}

/// Recognise a certificate or a place in a competition
#[utoipa::path(tag = "credits", operation_id = "recognise_achievement", request_body = CreditRecognitionRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The entry", body = CreditEntryDocument), (status = 200, description = "It was recognised already", body = CreditEntryDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/credit_recognitions")]
pub async fn recognise_achievement(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: CreditRecognitionRequest = body.json()?;
    let mut fields = Fields::default();
    let certificate: Option<CertificateId> = fields.parse_opt("certificate_id", wanted.certificate_id.as_deref());
    let competition: Option<CompetitionResultId> = fields.parse_opt("competition_result_id", wanted.competition_result_id.as_deref());
    let class: Option<ClassId> = fields.parse_opt("class_id", wanted.class_id.as_deref());
    if wanted.certificate_id.is_some() == wanted.competition_result_id.is_some() {
        fields.fault("certificate_id", "either certificate_id or competition_result_id expected", "certificate_id 与 competition_result_id 应填且只填一项");
    }
    if wanted.competition_result_id.is_some() && wanted.class_id.is_some() {
        fields.fault("class_id", "a class goes with a certificate only", "class_id 只用于证书");
    }
    fields.finish()?;
    let recognise = async |intent: &Intent<_>| match (certificate, competition) {
        (Some(certificate), _) => state.registry.recognise_certificate(&caller.0, &certificate, class.as_ref(), intent).await,
        (None, competition) => state.registry.recognise_competition(&caller.0, &competition.expect(Fields::PARSED), intent).await,
    };
    once(&request, &state, caller.0.client.as_str(), &body, answer_of, recognise).await
}

/// Reverse a credit entry
#[utoipa::path(tag = "credits", operation_id = "reverse_credits", request_body = CreditReversalRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The reversal", body = CreditEntryDocument), (status = 200, description = "It was reversed already", body = CreditEntryDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/credit_reversals")]
pub async fn reverse_credits(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: CreditReversalRequest = body.json()?;
    let mut fields = Fields::default();
    let entry: Option<CreditEntryId> = fields.parse("entry_id", &wanted.entry_id);
    let reason = fields.text("reason", &wanted.reason, 500);
    fields.finish()?;
    let (entry, reason) = (entry.expect(Fields::PARSED), reason.expect(Fields::PARSED));
    once(&request, &state, caller.0.client.as_str(), &body, answer_of, async |intent| state.registry.reverse_credits(&caller.0, &entry, &reason, intent).await).await
}

/// Convert credits
#[utoipa::path(tag = "credits", operation_id = "convert_credits", request_body = CreditConversionRequest, params(("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The entry; negative where the programme spends credits", body = CreditEntryDocument), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/credit_conversions")]
pub async fn convert_credits(state: Data<AppState>, request: HttpRequest, caller: Caller, body: Body) -> Result<HttpResponse, Problem> {
    let (worker, programme, credits) = conversion_of(&body.json()?)?;
    once(&request, &state, caller.0.client.as_str(), &body, answer_of, async |intent| state.registry.convert_credits(&caller.0, &worker, &programme, credits, intent).await).await
}
