//! Certificates: issuing one, reading, status, corrections, reviews, history.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::page::{Page, PageQuery};
use super::problem::{Problem, Problems, ViolationDocument, language};
use super::reply::{created_or_known, etag_of, instant_of, kept, negotiate, read, read_page, represent};
use super::workers::{DocumentRequest, parse_document};
use crate::credential::form::CredentialForm;
use crate::credential::status_list;
use crate::domain::certificate::StatusChange;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::document::mask_number;
use crate::domain::id::{CertificateId, SessionId, WorkerId};
use crate::domain::person_name::PersonName;
use crate::domain::text::Language;
use crate::services::certificates::CertificateName;
use crate::services::corrections::CorrectionOrder;
use crate::services::issuing::{IssueOrder, IssueSubject, IssuedCertificate, OrderContent, foreign_member};
use crate::services::status::StatusOrder;
use crate::store::certificates::{CertificateVersionRow, PermitReviewRow, StatusChangeRow};
use crate::store::stretch::ListOrder;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A certificate to be issued. With `session_id` it follows an assessment; with `project` it is a training completion; with
/// `category` and `item` it records a special operation permit.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"worker_id": "wkr_01ka4zrjh00000000000000000", "session_id": "ses_01ka4zrjh00000000000000000"}))]
pub struct CertificateRequest {
    /// The holder.
    pub worker_id: String,
    /// The session that the holder passed.
    pub session_id: Option<String>,
    /// Training project, for `training_completion`.
    pub project: Option<String>,
    /// Minutes taught, for `training_completion`.
    pub taught_minutes: Option<i32>,
    /// Category of special operation, as in the catalogue list `special_operations`.
    pub category: Option<String>,
    /// Operation item of the permit.
    pub item: Option<String>,
    /// Day of issue; today when absent. Only a permit may carry an earlier day.
    pub issued_on: Option<String>,
    /// Last valid day printed on the permit; six years when absent.
    pub valid_to: Option<String>,
    /// Review day printed on the permit; three years when absent.
    pub review_due_on: Option<String>,
    /// Number chosen by the body; the next of its series when absent.
    pub certificate_number: Option<String>,
    /// Serial of the paper form.
    pub form_serial: Option<String>,
    /// `certificate_id` of a wrongly revoked certificate that this one puts right.
    pub cures: Option<String>,
}

/// A certificate, masked.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateDocument {
    /// Identifier; use it in URLs where the number must not stand there.
    pub certificate_id: String,
    /// Number as printed; masked where it discloses an identity number.
    #[schema(example = "S000032000001263000001")]
    pub certificate_number: String,
    /// Kind.
    pub certificate_kind: String,
    /// `issued`, `suspended`, `revoked`, `cancelled` or `withdrawn`: what was done to it.
    pub state: String,
    /// How this version stands today, time and corrections included; the words are those of a verification's `outcome`.
    pub outcome: String,
    /// 1 for the first; grows with corrections.
    pub version: i32,
    /// The holder.
    pub worker_id: String,
    /// Masked name.
    pub holder_name: String,
    /// Kind of the printed document.
    pub holder_document_type: String,
    /// Masked number of the printed document.
    pub holder_document_number: String,
    /// The issuing body.
    pub issuer_id: String,
    /// Its name on the day.
    pub issuer_name: String,
    /// Occupation as `edition/code`.
    pub occupation: Option<String>,
    /// Its name.
    pub occupation_name: Option<String>,
    /// Narrower speciality.
    pub job_type: Option<String>,
    /// Level.
    pub level: Option<String>,
    /// Specific ability.
    pub ability: Option<String>,
    /// Training project.
    pub project: Option<String>,
    /// Category of special operation.
    pub category: Option<String>,
    /// Operation item.
    pub item: Option<String>,
    /// The session.
    pub session_id: Option<String>,
    /// Day of issue.
    pub issued_on: String,
    /// Last valid day, for permits.
    pub valid_to: Option<String>,
    /// Review day, for permits.
    pub review_due_on: Option<String>,
    /// Last passed review.
    pub reviewed_on: Option<String>,
    /// Serial of the paper form.
    pub form_serial: Option<String>,
    /// The filing that gave the right to issue.
    pub filing_id: String,
    /// Its version.
    pub filing_version: i32,
    /// The revoked certificate that this one puts right.
    pub cures: Option<String>,
    /// `id` of the credential.
    pub credential_id: String,
    /// Its entries in the status lists, as Bitstring Status List writes them: `revocation`, `suspension` and, with both in two bits, `message`.
    pub status_entries: Vec<serde_json::Value>,
    /// Token of the QR code.
    pub token: String,
    /// What the QR code opens.
    pub verification_url: String,
    /// What is worth a warning.
    pub warnings: Vec<ViolationDocument>,
}

/// What issuing would say.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRunAnswer {
    /// `would_issue`.
    pub outcome: String,
    /// What is worth a warning.
    pub warnings: Vec<ViolationDocument>,
}

/// A change of status.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"change": "revoke", "reason": "scores were altered", "decision_document": "宁人社撤〔2026〕1号"}))]
pub struct StatusChangeRequest {
    /// `suspend`, `resume`, `revoke`, `cancel` or `withdraw`.
    pub change: String,
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// Number of the decision.
    pub decision_document: Option<String>,
}

/// A correction (IS-6); at least one of `name`, `document` and `form_serial`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "张山", "reason": "name misspelt"}))]
pub struct CorrectionRequest {
    /// The right name.
    pub name: Option<String>,
    /// The right document.
    pub document: Option<DocumentRequest>,
    /// Serial of a new paper form after a loss.
    pub form_serial: Option<String>,
    /// Never corrected: always refused (IS-6).
    pub occupation_code: Option<String>,
    /// Never corrected: always refused (IS-6).
    pub level: Option<String>,
    /// Why, 1 to 500 characters.
    pub reason: String,
    /// Number of the decision.
    pub decision_document: Option<String>,
}

/// A passed review of a permit (IS-10).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reviewed_on": "2025-05-01"}))]
pub struct ReviewRequest {
    /// The day on which it was passed.
    pub reviewed_on: String,
    /// Number of the decision.
    pub decision_document: Option<String>,
}

/// Everything that happened to a certificate, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryDocument {
    /// Identifier.
    pub certificate_id: String,
    /// Where it stands.
    pub state: String,
    /// Entries in order of time.
    pub entries: Vec<HistoryEntry>,
}

/// One entry of a history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// When.
    pub at: String,
    /// `issued`, `corrected`, `suspend`, `resume`, `revoke`, `cancel`, `withdraw` or `reviewed`.
    pub event: String,
    /// The client that did it.
    pub by: String,
    /// Version that it made.
    pub version: Option<i32>,
    /// `id` of the credential that it made.
    pub credential_id: Option<String>,
    /// State that followed.
    pub state_after: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Number of the decision.
    pub decision_document: Option<String>,
    /// Day of a passed review.
    pub reviewed_on: Option<String>,
}

impl CertificateDocument {
    pub fn new(issued: &IssuedCertificate, public_url: &str, language: Language) -> Self {
        let ((row, version, state), facts) = (&issued.standing, &issued.facts);
        let name: Option<PersonName> = issued.holder.name.parse().ok();
        CertificateDocument {
            certificate_id: row.id.clone(),
            certificate_number: facts.certificate_number.clone(),
            certificate_kind: row.kind.clone(),
            state: state.state.clone(),
            outcome: issued.outcome.as_str().to_owned(),
            version: version.version,
            worker_id: row.worker_id.clone(),
            holder_name: name.map(|name| name.masked()).unwrap_or_default(),
            holder_document_type: issued.holder.document_type.clone(),
            holder_document_number: mask_number(&issued.holder.document_number),
            issuer_id: row.issuer_id.clone(),
            issuer_name: issued.issuer_name.clone(),
            occupation: facts.occupation.clone(),
            occupation_name: facts.occupation_name.clone(),
            job_type: facts.job_type.clone(),
            level: facts.level.clone(),
            ability: facts.ability.clone(),
            project: facts.project.clone(),
            category: facts.category.clone(),
            item: facts.item.clone(),
            session_id: row.session_id.clone(),
            issued_on: version.issued_on.to_string(),
            valid_to: version.valid_to.map(|day| day.to_string()),
            review_due_on: version.review_due_on.map(|day| day.to_string()),
            reviewed_on: state.reviewed_on.map(|day| day.to_string()),
            form_serial: version.form_serial.clone(),
            filing_id: row.filing_id.clone(),
            filing_version: row.filing_version,
            cures: row.cures.clone(),
            credential_id: version.credential_id.clone(),
            status_entries: status_list::entries(public_url, version.status_list, version.status_index),
            verification_url: format!("{public_url}/v/{}", row.token),
            token: row.token.clone(),
            warnings: issued.warnings.iter().map(|warning| ViolationDocument::new(warning, language)).collect(),
        }
    }
}

fn issue_order(wanted: CertificateRequest) -> Result<IssueOrder, Problem> {
    let mut fields = Fields::default();
    let worker: Option<WorkerId> = fields.parse("worker_id", &wanted.worker_id);
    let content = order_content(&mut fields, &wanted);
    fields.finish()?;
    Ok(content.expect(Fields::PARSED).for_worker(worker.expect(Fields::PARSED)))
}

/// Which kind of certificate a request is for, and that it names nothing of another. None when a fault was found.
pub(super) fn order_content(fields: &mut Fields, wanted: &CertificateRequest) -> Option<OrderContent> {
    let session: Option<SessionId> = fields.parse_opt("session_id", wanted.session_id.as_deref());
    let project = fields.text_opt("project", wanted.project.as_deref(), 100);
    let category = fields.text_opt("category", wanted.category.as_deref(), 60);
    let item = fields.text_opt("item", wanted.item.as_deref(), 60);
    let issued_on = fields.date_opt("issued_on", wanted.issued_on.as_deref());
    let valid_to = fields.date_opt("valid_to", wanted.valid_to.as_deref());
    let review_due_on = fields.date_opt("review_due_on", wanted.review_due_on.as_deref());
    let certificate_number = fields.text_opt("certificate_number", wanted.certificate_number.as_deref(), 40);
    let form_serial = fields.text_opt("form_serial", wanted.form_serial.as_deref(), 40);
    let cures: Option<CertificateId> = fields.parse_opt("cures", wanted.cures.as_deref());
    if wanted.taught_minutes.is_some_and(|minutes| !(1..=600_000).contains(&minutes)) {
        fields.fault("taught_minutes", "1 to 600000 minutes expected", "应为 1 至 600000 分钟");
    }
    let kind = match (wanted.session_id.is_some(), wanted.project.is_some(), wanted.category.is_some() || wanted.item.is_some()) {
        (true, false, false) => Some(CertificateKind::SkillLevel),
        (false, true, false) => Some(CertificateKind::TrainingCompletion),
        (false, false, true) => Some(CertificateKind::SpecialOperation),
        _ => {
            fields.fault("session_id", "exactly one of session_id, project, and category with item expected", "应恰好给出 session_id、project、category 与 item 三者之一");
            None
        }
    };
    for (name, is_given, owner) in [
        ("taught_minutes", wanted.taught_minutes.is_some(), CertificateKind::TrainingCompletion),
        ("valid_to", wanted.valid_to.is_some(), CertificateKind::SpecialOperation),
        ("review_due_on", wanted.review_due_on.is_some(), CertificateKind::SpecialOperation),
    ] {
        if let Some(kind) = kind.filter(|kind| is_given && *kind != owner) {
            fields.add(foreign_member(name, kind));
        }
    }
    if kind == Some(CertificateKind::SpecialOperation) && (wanted.category.is_none() || wanted.item.is_none()) {
        fields.fault("item", "category and item expected together", "category 与 item 应同时给出");
    }
    let subject = match kind? {
        CertificateKind::TrainingCompletion => IssueSubject::Completion { project: project?, taught_minutes: wanted.taught_minutes, class: None },
        CertificateKind::SpecialOperation => IssueSubject::Permit { category: category?, item: item?, valid_to, review_due_on },
        _ => IssueSubject::Assessed { session: session? },
    };
    Some(OrderContent { subject, issued_on, certificate_number, form_serial, cures })
}

/// Issue one certificate
#[utoipa::path(tag = "certificates", operation_id = "issue_certificate", request_body = CertificateRequest, params(super::assessments::DryRunQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The certificate", body = CertificateDocument), (status = 200, description = "This assessment has its certificate already; or what a dry run found", content((CertificateDocument = "application/json"), (DryRunAnswer = "application/json"))), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[post("/v1/certificates")]
pub async fn issue_certificate(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<super::assessments::DryRunQuery>, body: Body) -> Result<HttpResponse, Problem> {
    let order = issue_order(body.json()?)?;
    let language = language(&request);
    if query.dry_run {
        let warnings = state.registry.check_issue(&caller.0, &order).await?;
        let answer = DryRunAnswer { outcome: "would_issue".to_owned(), warnings: warnings.iter().map(|warning| ViolationDocument::new(warning, language)).collect() };
        return Ok(read(&request, &answer));
    }
    let url = state.registry.config.public_url.clone();
    let render = move |issued: &IssuedCertificate| kept(created_or_known(issued.is_new), Some(format!("/v1/certificates/{}", issued.standing.0.id)), &CertificateDocument::new(issued, &url, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.issue_certificate(&caller.0, order, intent).await).await
}

/// List the body's own certificates
#[utoipa::path(tag = "certificates", operation_id = "list_certificates", params(PageQuery), responses((status = 200, description = "A page, in order of issue", body = Page<CertificateDocument>), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/certificates")]
pub async fn list_certificates(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (window, language) = (query.window()?, language(&request));
    let rows = state.registry.list_certificates(&caller.0, window.of(ListOrder::OldestFirst)).await?;
    let page = window.page(rows, |issued| issued.standing.0.id.clone(), |issued| CertificateDocument::new(&issued, &state.registry.config.public_url, language));
    Ok(read_page(&request, &window, &page))
}

/// Which version of a certificate.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct VersionQuery {
    /// An older version, as the history names it; the current one when absent.
    pub version: Option<i32>,
}

/// Read a certificate, as JSON or as a credential
#[utoipa::path(tag = "certificates", operation_id = "get_certificate", params(VersionQuery, ("certificate_number" = String, Path, description = "Number, or `certificate_id`; a permit only by `certificate_id`, since its number contains an identity number")),
    responses((status = 200, description = "The certificate; by `Accept` as a credential: `application/vc+jwt` byte for byte as it was signed, `application/vc` with embedded proofs (Data Integrity), `application/jwt` in the JWT profile of Open Badges, `application/dc+sd-jwt` as plain claims to be shown one by one, `image/svg+xml` and `image/png` as a badge that carries it, `application/pdf` as paper with the credential and its proof inside",
        content((CertificateDocument = "application/json"), (String = "application/vc+jwt"), (serde_json::Value = "application/vc"), (String = "application/jwt"), (String = "application/dc+sd-jwt"), (String = "image/svg+xml"), (Vec<u8> = "image/png"), (Vec<u8> = "application/pdf"))), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/certificates/{certificate_number}")]
pub async fn get_certificate(state: Data<AppState>, request: HttpRequest, caller: Caller, name: Path<String>, query: Query<VersionQuery>) -> Result<HttpResponse, Problem> {
    let name = CertificateName::parse(&name)?;
    let offers: Vec<(Option<CredentialForm>, &[&str])> = std::iter::once((None, &["application/json"][..])).chain(FORMS.map(|form| (Some(form), form.media_types()))).collect();
    match negotiate(&request, &offers).ok_or_else(|| Problem::not_acceptable(&format!("application/json, {}", media_types())))? {
        Some(form) => Ok(credential(&request, form, &state.registry.get_form(&caller.0, &name, query.version, form).await?)),
        None => {
            let issued = state.registry.get_certificate(&caller.0, &name, query.version).await?;
            Ok(read(&request, &CertificateDocument::new(&issued, &state.registry.config.public_url, language(&request))))
        }
    }
}

const FORMS: [CredentialForm; 7] = CredentialForm::ALL;

/// The media types of all forms, for those who asked for none of them.
pub(super) fn media_types() -> String {
    FORMS.map(CredentialForm::media_type).join(", ")
}

/// The form of a credential that a client takes most gladly.
pub(super) fn wanted_form(request: &HttpRequest) -> Result<CredentialForm, Problem> {
    let offers = FORMS.map(|form| (form, form.media_types()));
    negotiate(request, &offers).ok_or_else(|| Problem::not_acceptable(&media_types()))
}

/// A credential as it is handed out.
pub(super) fn credential(request: &HttpRequest, form: CredentialForm, bytes: &[u8]) -> HttpResponse {
    represent(request, form.media_type(), bytes.to_vec(), &etag_of(bytes), "private, no-cache")
}

pub(super) fn status_order(wanted: StatusChangeRequest) -> Result<StatusOrder, Problem> {
    let mut fields = Fields::default();
    let change: Option<StatusChange> = fields.parse("change", &wanted.change);
    let reason = fields.text("reason", &wanted.reason, 500);
    let decision_document = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 200);
    fields.finish()?;
    Ok(StatusOrder { change: change.expect(Fields::PARSED), reason: reason.expect(Fields::PARSED), decision_document })
}

/// Change the status of a certificate
#[utoipa::path(tag = "certificates", operation_id = "change_status", request_body = StatusChangeRequest, params(("certificate_number" = String, Path, description = "Number, or `certificate_id`"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "The certificate as it stands now", body = CertificateDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.status"])))]
#[post("/v1/certificates/{certificate_number}/status_changes")]
pub async fn change_status(state: Data<AppState>, request: HttpRequest, caller: Caller, name: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let order = status_order(body.json()?)?;
    let (name, language, url) = (CertificateName::parse(&name)?, language(&request), state.registry.config.public_url.clone());
    let render = move |issued: &IssuedCertificate| kept(StatusCode::OK, None, &CertificateDocument::new(issued, &url, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.change_status(&caller.0, &name, order, intent).await).await
}

/// Correct a certificate
#[utoipa::path(tag = "certificates", operation_id = "correct_certificate", request_body = CorrectionRequest, params(("certificate_number" = String, Path, description = "Number, or `certificate_id`"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 201, description = "The new version, with the same number", body = CertificateDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.status"])))]
#[post("/v1/certificates/{certificate_number}/corrections")]
pub async fn correct_certificate(state: Data<AppState>, request: HttpRequest, caller: Caller, name: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: CorrectionRequest = body.json()?;
    let mut fields = Fields::default();
    let holder_name: Option<PersonName> = fields.parse_opt("name", wanted.name.as_deref());
    let document = wanted.document.as_ref().and_then(|document| parse_document(&mut fields, "document", document, state.registry.clock.today()));
    let form_serial = fields.text_opt("form_serial", wanted.form_serial.as_deref(), 40);
    let reason = fields.text("reason", &wanted.reason, 500);
    let decision_document = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 200);
    fields.finish()?;
    let forbidden = [("occupation_code", wanted.occupation_code.is_some()), ("level", wanted.level.is_some())].into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).collect();
    let order = CorrectionOrder { name: holder_name, document, form_serial, reason: reason.expect(Fields::PARSED), decision_document, forbidden };
    let (name, language, url) = (CertificateName::parse(&name)?, language(&request), state.registry.config.public_url.clone());
    let render = move |issued: &IssuedCertificate| kept(StatusCode::CREATED, None, &CertificateDocument::new(issued, &url, language));
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.correct_certificate(&caller.0, &name, order, intent).await).await
}

/// Record a passed review of a permit
#[utoipa::path(tag = "certificates", operation_id = "record_review", request_body = ReviewRequest, params(("certificate_number" = String, Path, description = "`certificate_id` of the permit"), ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")),
    responses((status = 200, description = "The permit as it stands now", body = CertificateDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.status"])))]
#[post("/v1/certificates/{certificate_number}/reviews")]
pub async fn record_review(state: Data<AppState>, request: HttpRequest, caller: Caller, name: Path<String>, body: Body) -> Result<HttpResponse, Problem> {
    let wanted: ReviewRequest = body.json()?;
    let mut fields = Fields::default();
    let reviewed_on = fields.date("reviewed_on", &wanted.reviewed_on);
    let decision_document = fields.text_opt("decision_document", wanted.decision_document.as_deref(), 200);
    fields.finish()?;
    let (name, language, url) = (CertificateName::parse(&name)?, language(&request), state.registry.config.public_url.clone());
    let render = move |issued: &IssuedCertificate| kept(StatusCode::OK, None, &CertificateDocument::new(issued, &url, language));
    let reviewed_on = reviewed_on.expect(Fields::PARSED);
    once(&request, &state, caller.0.client.as_str(), &body, render, async |intent| state.registry.record_review(&caller.0, &name, reviewed_on, decision_document, intent).await).await
}

/// Read the history of a certificate
#[utoipa::path(tag = "certificates", operation_id = "get_certificate_history", params(("certificate_number" = String, Path, description = "Number, or `certificate_id`")),
    responses((status = 200, description = "Versions, changes of status and reviews, oldest first", body = HistoryDocument), Problems), security(("bearer" = []), ("oauth" = ["certificate.issue"])))]
#[get("/v1/certificates/{certificate_number}/history")]
pub async fn get_certificate_history(state: Data<AppState>, request: HttpRequest, caller: Caller, name: Path<String>) -> Result<HttpResponse, Problem> {
    let history = state.registry.get_certificate_history(&caller.0, &CertificateName::parse(&name)?).await?;
    let mut entries: Vec<(i64, HistoryEntry)> = Vec::new();
    entries.extend(history.versions.iter().map(version_entry));
    entries.extend(history.changes.iter().map(change_entry));
    entries.extend(history.reviews.iter().map(review_entry));
    entries.sort_by_key(|(at, _)| *at);
    let document = HistoryDocument { certificate_id: history.current.0.id.clone(), state: history.current.2.state.clone(), entries: entries.into_iter().map(|(_, entry)| entry).collect() };
    Ok(read(&request, &document))
}

fn entry(at: i64, event: &str, by: &str, reason: Option<&String>, decision_document: Option<&String>) -> HistoryEntry {
    HistoryEntry {
        at: instant_of(at),
        event: event.to_owned(),
        by: by.to_owned(),
        version: None,
        credential_id: None,
        state_after: None,
        reason: reason.cloned(),
        decision_document: decision_document.cloned(),
        reviewed_on: None,
    }
}

fn version_entry(row: &CertificateVersionRow) -> (i64, HistoryEntry) {
    let event = if row.version == 1 { "issued" } else { "corrected" };
    let base = entry(row.issued_at, event, &row.issued_by, row.reason.as_ref(), row.decision_document.as_ref());
    (row.issued_at, HistoryEntry { version: Some(row.version), credential_id: Some(row.credential_id.clone()), ..base })
}

fn change_entry(row: &StatusChangeRow) -> (i64, HistoryEntry) {
    let base = entry(row.changed_at, &row.change, &row.changed_by, Some(&row.reason), row.decision_document.as_ref());
    (row.changed_at, HistoryEntry { state_after: Some(row.state_after.clone()), ..base })
}

fn review_entry(row: &PermitReviewRow) -> (i64, HistoryEntry) {
    let base = entry(row.recorded_at, "reviewed", &row.recorded_by, None, row.decision_document.as_ref());
    (row.recorded_at, HistoryEntry { reviewed_on: Some(row.reviewed_on.to_string()), ..base })
}
