//! The console of organisations: signing in and out, and what there is to do for each role.

use super::forms::Form;
use super::reader::Reader;
use super::signed_in::{CLIENT_COOKIE, ConsoleForm, ConsolePage, see_other, session_cookie};
use crate::domain::access::Role;
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::services::access::TokenRefusal;
use crate::services::error::Error;
use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_sign_in).service(sign_in).service(sign_out).service(show_console);
}

fn sign_in_page(reader: &Reader, status: StatusCode, problem: Option<String>) -> Result<HttpResponse, Problem> {
    reader.page(status, "console-sign-in.html", json!({ "problem": problem, "faults": { "client_id": null, "client_secret": null } }))
}

/// The sign-in page of organisations.
#[get("/console/sign-in")]
pub async fn show_sign_in(reader: Reader) -> Result<HttpResponse, Problem> {
    sign_in_page(&reader, StatusCode::OK, None)
}

/// Sign in as a person of an organisation.
#[post("/console/sign-in")]
pub async fn sign_in(state: Data<AppState>, request: HttpRequest, reader: Reader, form: Form) -> Result<HttpResponse, Problem> {
    let source = crate::http::client_address::of(&request, &state.registry.config).map(|address| address.to_string()).unwrap_or_default();
    match state.registry.open_client_session(form.text("client_id"), form.text("client_secret"), &source).await {
        Ok(session) => {
            let mut response = see_other("/console");
            response.add_cookie(&session_cookie(&reader, CLIENT_COOKIE, session.token, session.idle_seconds)).map_err(|error| Error::Internal(error.to_string()))?;
            Ok(response)
        }
        Err(TokenRefusal::InvalidClient | TokenRefusal::InvalidScope) => sign_in_page(&reader, StatusCode::UNAUTHORIZED, Some(reader.say(&Text::new("unknown identifier, or wrong secret", "账号或密钥不正确")))),
        Err(TokenRefusal::TooMany(seconds)) => {
            let minutes = seconds.div_ceil(60);
            sign_in_page(&reader, StatusCode::TOO_MANY_REQUESTS, Some(reader.say(&Text::new(format!("too many failed attempts; try again in {minutes} minutes"), format!("失败次数过多，请 {minutes} 分钟后再试")))))
        }
        Err(TokenRefusal::Other(error)) => Err(error.into()),
    }
}

/// Sign out, here or everywhere.
#[post("/console/sign-out")]
pub async fn sign_out(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    state.registry.end_client_sessions(&sent.page.session, sent.form.text("everywhere") == "yes").await?;
    let mut response = see_other("/console/sign-in");
    response.add_cookie(&session_cookie(&sent.page.reader, CLIENT_COOKIE, String::new(), 0)).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(response)
}

/// What a role is called.
pub fn role_name(role: Role) -> Text {
    let (en, zh) = match role {
        Role::Registrar => ("Registrar", "登记机关"),
        Role::TrainingProvider => ("Training provider", "培训机构"),
        Role::AssessmentBody => ("Assessment body", "评价机构"),
        Role::Employer => ("Employer", "用人单位"),
        Role::Supervisor => ("Supervisor", "监管人员"),
        Role::Auditor => ("Auditor", "审计人员"),
    };
    Text::new(en, zh)
}

/// What there is to do for a role.
fn tasks(reader: &Reader, role: Role) -> Vec<Value> {
    let task = |href: &str, en: &'static str, zh: &'static str, about_en: &'static str, about_zh: &'static str| json!({ "href": href, "name": reader.say(&Text::new(en, zh)), "about": reader.say(&Text::new(about_en, about_zh)) });
    let workers = || task("/console/workers", "Workers", "劳动者", "Find, register, give the code to sign in", "查找、建档、生成登录验证码");
    let certificates = || task("/console/certificates", "Certificates", "证书", "Every certificate of your body, with its paper", "本机构的全部证书及 PDF");
    let disputes = || task("/console/disputes", "Disputes", "异议", "Contested entries and their answers", "劳动者对记录的异议及答复");
    let proposals = || task("/console/proposals", "Changes of status", "状态变更审批", "Proposed by one person, decided on by another", "一人申请，另一人审批");
    match role {
        Role::Employer => vec![task("/bulk", "Verify a list", "批量核验", "Up to several hundred certificates from a spreadsheet, each answer with a receipt", "用表格一次核验数百份证书，每个回答均有回执")],
        Role::AssessmentBody => vec![
            task("/console/sessions", "Sessions", "考核场次", "Candidates and scores from a spreadsheet, publication, issue", "导入考生和成绩，公示，批量发证"),
            certificates(),
            proposals(),
            workers(),
            disputes(),
        ],
        Role::Registrar | Role::Supervisor | Role::Auditor => vec![
            task("/console/organisations", "Organisations", "机构与备案", "Filings, and who has access", "机构、备案与账号"),
            task("/console/signals", "Signals", "风险信号", "Signs of fraud, the newest first", "最近发现的排在前面"),
            task("/console/catalogue", "Catalogue", "目录", "The official lists that rules go by, and their versions", "规则所依据的官方名录及其版本"),
            task("/console/keys", "Keys", "密钥", "Every public key, and whether it still signs", "全部公钥及其状态"),
            disputes(),
            workers(),
            task("/console/classes", "Classes", "培训班", "Of every provider, with what its trainees reached", "各培训机构的培训班及学员结果"),
        ]
        .into_iter()
        .chain((role != Role::Auditor).then(proposals))
        .collect(),
        Role::TrainingProvider => vec![
            task("/console/classes", "Classes", "培训班", "Trainees and attendance from a spreadsheet, closing with credited hours", "导入学员和考勤，结班并认定课时"),
            certificates(),
            proposals(),
            workers(),
            disputes(),
        ],
    }
}

/// The first page of the console.
#[get("/console")]
pub async fn show_console(state: Data<AppState>, page: ConsolePage) -> Result<HttpResponse, Problem> {
    let actor = page.actor();
    let organisation = match &actor.organisation {
        Some(id) => Some(state.registry.organisation_name(id).await?),
        None => None,
    };
    page.reader.page(StatusCode::OK, "console.html", json!({ "client": page.session.name, "role": page.reader.say(&role_name(actor.role)), "organisation": organisation, "tasks": tasks(&page.reader, actor.role) }))
}
