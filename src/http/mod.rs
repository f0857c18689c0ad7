//! The outside: routes, JSON bodies, problem documents. The only place with actix. Handlers parse and hand over; they never decide.
//!
//! A handler has the same name as its operation in OpenAPI, its service method and its test.

pub mod assessments;
pub mod attendance;
pub mod auth;
pub mod badges;
pub mod batches;
pub mod body;
pub mod budget;
pub mod bulk_verification;
pub mod catalogue;
pub mod client_address;
pub mod competitions;
pub mod conformance;
pub mod certificates;
pub mod credits;
pub mod discovery;
pub mod disputes;
pub mod fields;
pub mod groups;
pub mod history;
pub mod history_paper;
pub mod jobs;
pub mod log;
pub mod merges;
pub mod methods;
pub mod oauth;
pub mod once;
pub mod organisations;
pub mod own;
pub mod page;
pub mod pages;
pub mod papers;
pub mod platforms;
pub mod problem;
pub mod records;
pub mod reply;
pub mod serve;
pub mod shares;
pub mod trainees;
pub mod training;
pub mod upload;
pub mod verification;
pub mod wallets;
pub mod witness;
pub mod words;
pub mod worker_lists;
pub mod workers;
pub mod xapi;

use crate::services::Registry;
use actix_web::web;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{HeaderBuilder, ObjectBuilder, RefOr};
use utoipa::openapi::security::{ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme};
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

/// What every handler shares.
#[derive(Clone)]
pub struct AppState {
    pub registry: Registry,
    pub request_ids: Arc<problem::RequestIds>,
    pub running: Arc<once::Running>,
    pub budgets: Arc<budget::Budgets>,
}

impl AppState {
    pub fn new(registry: Registry) -> Self {
        AppState { running: Arc::default(), budgets: Arc::default(), request_ids: Arc::new(problem::RequestIds::new(registry.entropy.bytes())), registry }
    }
}

/// Every route with its OpenAPI entry, in one list. A path is compared with one route after the other, so the busiest stand first.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(verification::verify_by_facts)
        .service(verification::verify_document)
        .service(bulk_verification::verify_in_bulk)
        .service(verification::verify_by_token)
        .service(certificates::issue_certificate)
        .service(oauth::issue_token)
        .service(catalogue::list_catalogue)
        .service(catalogue::get_occupation)
        .service(catalogue::import_catalogue)
        .service(organisations::register_organisation)
        .service(organisations::list_organisations)
        .service(organisations::get_organisation)
        .service(organisations::change_organisation)
        .service(organisations::record_filing)
        .service(organisations::list_filings)
        .service(organisations::amend_filing)
        .service(organisations::register_client)
        .service(organisations::list_clients)
        .service(organisations::revoke_client)
        .service(workers::register_worker)
        .service(worker_lists::register_workers)
        .service(workers::search_workers)
        .service(workers::get_worker)
        .service(workers::add_document)
        .service(assessments::register_session)
        .service(assessments::list_sessions)
        .service(assessments::get_session)
        .service(assessments::add_candidates)
        .service(assessments::list_candidates)
        .service(assessments::record_results)
        .service(assessments::publish_results)
        .service(assessments::start_session_issue)
        .service(training::register_class)
        .service(training::list_classes)
        .service(training::get_class)
        .service(trainees::enrol_trainees)
        .service(trainees::list_trainees)
        .service(attendance::record_attendance)
        .service(attendance::list_attendance)
        .service(attendance::void_attendance)
        .service(xapi::receive_statements)
        .service(xapi::put_statement)
        .service(xapi::get_statement)
        .service(xapi::get_xapi_about)
        .service(xapi::list_statements)
        .service(trainees::close_class)
        .service(trainees::start_class_issue)
        .service(training::annul_class)
        .service(records::list_record)
        .service(credits::get_credits)
        .service(credits::list_credit_entries)
        .service(credits::explain_credit_entry)
        .service(credits::recognise_achievement)
        .service(competitions::record_competition_result)
        .service(competitions::get_competition_result)
        .service(competitions::annul_competition_result)
        .service(credits::reverse_credits)
        .service(credits::convert_credits)
        .service(attendance::list_signals)
        .service(groups::record_group)
        .service(groups::end_group)
        .service(groups::list_groups)
        .service(groups::list_own_groups)
        .service(merges::merge_workers)
        .service(merges::list_merges)
        .service(merges::undo_merge)
        .service(workers::make_access_code)
        .service(own::open_session)
        .service(own::end_session)
        .service(own::get_own_worker)
        .service(own::list_own_record)
        .service(own::get_own_credits)
        .service(own::list_own_credit_entries)
        .service(own::explain_own_credit_entry)
        .service(own::list_own_certificates)
        .service(own::get_own_credential)
        .service(own::list_own_looks)
        .service(history::export_own_history)
        .service(history::find_history_export)
        .service(shares::make_share)
        .service(shares::list_own_shares)
        .service(shares::end_share)
        .service(shares::open_share)
        .service(shares::list_shared_record)
        .service(disputes::file_dispute)
        .service(disputes::list_own_disputes)
        .service(disputes::list_disputes)
        .service(disputes::answer_dispute)
        .service(jobs::get_job)
        .service(jobs::list_job_rows)
        .service(jobs::cancel_job)
        .service(batches::receive_batch)
        .service(batches::get_batch)
        .service(batches::list_batch_rows)
        .service(batches::cancel_batch)
        .service(batches::change_batch_status)
        .service(certificates::list_certificates)
        .service(certificates::get_certificate)
        .service(certificates::change_status)
        .service(certificates::correct_certificate)
        .service(certificates::record_review)
        .service(certificates::get_certificate_history)
        .service(papers::make_paper)
        .service(log::get_checkpoint)
        .service(log::get_cosigned_checkpoint)
        .service(log::get_log_key)
        .service(log::get_tile)
        .service(log::prove_log)
        .service(log::prove_certificate)
        .configure(witness_routes)
        .service(discovery::get_did_document)
        .service(discovery::get_jwks)
        .service(discovery::get_organisation_did_document)
        .service(discovery::get_authorization_server)
        .service(discovery::get_status_list)
        .service(discovery::get_key)
        .service(wallets::make_wallet_offer)
        .service(wallets::get_wallet_offer)
        .service(wallets::get_credential_issuer)
        .service(wallets::make_wallet_nonce)
        .service(wallets::issue_to_wallet)
        .service(platforms::register_platform)
        .service(platforms::revoke_platform_token)
        .service(badges::get_badge_service)
        .service(badges::get_badges)
        .service(badges::get_badge_profile)
        .service(badges::get_learner_record_service)
        .service(badges::get_learner_records)
        .service(discovery::get_jwt_vc_issuer)
        .service(discovery::get_credential_type)
        .service(discovery::get_health)
        .service(discovery::get_readiness);
}

/// What the suites of the W3C drive; their own document describes it.
pub fn conformance_routes(config: &mut web::ServiceConfig) {
    config
        .service(conformance::get_list_for_suites)
        .service(conformance::verify_credential_for_suites)
        .service(conformance::verify_presentation_for_suites)
        .service(conformance::issue_for_suites);
}

/// What a witness serves.
pub fn witness_routes(config: &mut ServiceConfig<'_>) {
    config.service(witness::add_checkpoint).service(witness::get_witness_key).service(witness::get_witnessed_checkpoint);
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jilu 技录",
        description = "The registry of skills: training records, learning credits and certificates that nobody has to trust the registry for.\n\n\
            Limits: JSON bodies 1 MiB (413), CSV uploads 32 MiB (413), 500 items a page, 10 wrong client secrets in 15 minutes (429), \
            60 `not_found` answers a minute for one address without a token (429). All are settings.\n\n\
            Every POST that creates takes `Idempotency-Key`: the same key and body give the same answer, byte for byte, for at least seven days; \
            the same key with another body 422; while the first is still running 409 with `Retry-After`.\n\n\
            What was written is durable and in the public log before it is answered: `Jilu-Log-Index`, `Jilu-Log-Entries` and \
            `Jilu-Log-Checkpoint` say where (not when an earlier answer is repeated).\n\n\
            Texts are in English or, with `Accept-Language: zh-CN`, in Chinese.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "access", description = "Access tokens"),
        (name = "catalogue", description = "Official lists, dated, public"),
        (name = "organisations", description = "Organisations, their filings and clients"),
        (name = "workers", description = "Workers and their documents"),
        (name = "training", description = "Classes, trainees, attendance, closings"),
        (name = "credits", description = "Learning credits: balance, ledger, explanations"),
        (name = "supervision", description = "What supervisors look at"),
        (name = "workers' own", description = "What a worker sees and does: record, credits, certificates, who looked"),
        (name = "wallets", description = "Credentials for wallets (OpenID4VCI 1.0)"),
        (name = "assessment", description = "Sessions, candidates, results, publication"),
        (name = "jobs", description = "Long work"),
        (name = "certificates", description = "Issuing, status, corrections"),
        (name = "verification", description = "Checking a certificate, public"),
        (name = "log", description = "The public log of every fact, and proofs from it, public"),
        (name = "witness", description = "This registry as a witness of other logs, public"),
        (name = "discovery", description = "Keys, status lists, health, public"),
    )
)]
struct ApiDoc;

/// The OpenAPI document, made from the routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let (_, mut document) = actix_web::App::new().into_utoipa_app().openapi(ApiDoc::openapi()).configure(routes).split_for_parts();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.contact = None;
    describe_log_headers(&mut document);
    let scopes = crate::domain::access::Scope::ALL.iter().map(|scope| (scope.as_str().to_owned(), scope.as_str().to_owned()));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT (RFC 9068)").build()));
    let flow = ClientCredentials::new("/oauth/token", Scopes::from_iter(scopes));
    components.add_security_scheme("oauth", SecurityScheme::OAuth2(OAuth2::new([Flow::ClientCredentials(flow)])));
    components.add_security_scheme("client", SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some("client_id and client_secret")).build()));
    document
}

/// What was created tells where it stands in the log.
fn describe_log_headers(document: &mut utoipa::openapi::OpenApi) {
    let header = |description: &str, kind| HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(kind))).description(Some(description)).build();
    let headers = [
        (reply::LOG_INDEX, header("Index of the first log entry of what was done; absent when nothing was", Type::Integer)),
        (reply::LOG_ENTRIES, header("How many entries it has, one behind the other", Type::Integer)),
        (reply::LOG_CHECKPOINT, header("The signed checkpoint (C2SP tlog-checkpoint) that includes them, in base64", Type::String)),
    ];
    let created = document.paths.paths.values_mut().filter_map(|path| path.post.as_mut()).filter_map(|operation| operation.responses.responses.get_mut("201"));
    for response in created {
        if let RefOr::T(response) = response {
            response.headers.extend(headers.iter().map(|(name, header)| ((*name).to_owned(), RefOr::T(header.clone()))));
        }
    }
}

/// The OpenAPI document as the file in the tree has it.
pub fn openapi_text() -> String {
    let mut text = serde_json::to_string_pretty(&openapi()).expect("the document is plain data");
    text.push('\n');
    text
}

/// Routes outside the OpenAPI document: the document itself and its browsable page.
fn documentation(config: &mut web::ServiceConfig) {
    let page = utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").url("/openapi.json", openapi());
    config.service(page).route("/docs", web::get().to(|| async { actix_web::HttpResponse::PermanentRedirect().insert_header(("Location", "/docs/")).finish() }));
}
