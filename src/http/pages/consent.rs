//! The page on which a worker lets a platform in (RFC 6749, 4.1.1; RFC 7636; Open Badges 3.0, 7.1.2).
//!
//! Whoever is unknown, or names an address that it did not register, gets a page and no redirect: nobody is sent where nobody vouched for.

use super::reader::Reader;
use super::signed_in::{NotShown, OwnForm, own_page, see_other, submit};
use crate::domain::calendar::end_of_day_in_china;
use crate::domain::platform::{Platform, PlatformScope, known_scopes};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::reply::kept;
use crate::services::platforms::Consent;
use actix_web::http::StatusCode;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use std::collections::HashMap;
use url::Url;

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_consent).service(decide_consent);
}

const PATH: &str = "/oauth/authorize";
/// How long a platform goes on reading unless the worker says otherwise.
const USUAL_DAYS: u64 = 30;
/// A challenge of `S256`: 32 bytes as base64url (RFC 7636, 4.2).
const CHALLENGE_LENGTH: usize = 43;

/// Whether an address may be gone to after signing in: only a page that asks for consent.
pub fn leads_to_consent(address: &str) -> bool {
    address.strip_prefix(PATH).is_some_and(|rest| rest.starts_with('?')) && address.len() <= 8_192 && address.is_ascii()
}

/// What a platform asks for, as far as it can be believed.
struct Asked {
    client_id: String,
    platform: Platform,
    redirect_uri: String,
    back: Url,
    state: Option<String>,
    scopes: Vec<PlatformScope>,
    code_challenge: String,
}

/// Why it is not shown to the worker.
enum Unasked {
    /// There is nobody to tell but the reader.
    Page(Problem),
    /// Told to the platform (RFC 6749, 4.1.2.1).
    Back(String),
}

fn told(back: &Url, issuer: &str, state: Option<&str>, error: &str, description: &str) -> String {
    let mut back = back.clone();
    back.query_pairs_mut().append_pair("error", error).append_pair("error_description", description).append_pair("iss", issuer);
    if let Some(state) = state {
        back.query_pairs_mut().append_pair("state", state);
    }
    back.into()
}

impl Asked {
    fn of(app: &AppState, query: &str) -> Result<Self, Unasked> {
        let wrong = |detail: Text| Unasked::Page(Problem::new(StatusCode::BAD_REQUEST, "unknown-platform", Text::new("Not asked by a known platform", "请求方未知"), detail));
        let mut fields: HashMap<String, String> = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if fields.insert(name.to_string(), value.to_string()).is_some() {
                return Err(wrong(Text::new(format!("{name} stands twice"), format!("参数 {name} 重复"))));
            }
        }
        let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
        let client_id = field("client_id");
        let Some(platform) = app.registry.find_platform(client_id) else {
            return Err(wrong(Text::new("the platform that sent you here has not registered, or may not collect certificates any more", "将您带到此页的平台未登记，或已不被允许收集证书")));
        };
        let redirect_uri = match (fields.get("redirect_uri"), platform.redirect_uris.as_slice()) {
            (None, [only]) => only.clone(),
            (Some(named), known) if known.contains(named) => named.clone(),
            _ => return Err(wrong(Text::new(format!("{} did not register the address to which you would be sent back", platform.name), format!("「{}」未登记要返回的网址", platform.name)))),
        };
        let back = Url::parse(&redirect_uri).map_err(|error| Unasked::Page(crate::services::error::Error::Internal(error.to_string()).into()))?;
        let state = fields.get("state").cloned();
        let refuse = |error: &str, description: &str| Unasked::Back(told(&back, &app.registry.config.public_url, state.as_deref(), error, description));
        if field("response_type") != "code" {
            return Err(refuse("unsupported_response_type", "response_type code expected"));
        }
        let challenge = field("code_challenge");
        let is_challenge = challenge.len() == CHALLENGE_LENGTH && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        if field("code_challenge_method") != "S256" || !is_challenge {
            return Err(refuse("invalid_request", "PKCE with a code_challenge by S256 expected"));
        }
        let scopes: Vec<PlatformScope> = match fields.get("scope") {
            Some(scope) => known_scopes(scope).into_iter().filter(|scope| platform.scopes.contains(scope)).collect(),
            None => platform.scopes.clone(),
        };
        if !scopes.iter().any(|scope| scope.meaning().is_some()) {
            return Err(refuse("invalid_scope", "a scope that was registered, and that reads something, expected"));
        }
        Ok(Asked { client_id: client_id.to_owned(), redirect_uri, back, state, scopes, code_challenge: challenge.to_owned(), platform })
    }

    fn may_go_on(&self) -> bool {
        self.scopes.contains(&PlatformScope::OfflineAccess)
    }

    /// Where the worker is sent back to, as a browser shows it.
    fn origin(&self) -> String {
        self.back.origin().ascii_serialization()
    }
}

fn unasked(unasked: Unasked) -> Result<HttpResponse, NotShown> {
    match unasked {
        Unasked::Page(problem) => Err(problem.into()),
        Unasked::Back(address) => Ok(see_other(&address)),
    }
}

/// The request, the platform's host, and what it would read.
fn page_of(state: &AppState, reader: &Reader, asked: &Asked, query: &str, name: &str, status: StatusCode, problem: Option<String>) -> Result<HttpResponse, NotShown> {
    let today = state.registry.clock.today();
    let most = u64::from(state.registry.config.share_days_max) - 1;
    let day = |days: u64| today + Days::new(days);
    let reads: Vec<String> = asked.scopes.iter().filter_map(|scope| scope.meaning()).map(|meaning| reader.say(&meaning)).collect();
    let content: Value = json!({
        "platform": asked.platform.name, "host": asked.back.host_str(), "reads": reads, "goes_on": asked.may_go_on(), "request": query, "name": name, "problem": problem,
        "today": today, "usual": day(USUAL_DAYS.min(most)), "last": day(most),
    });
    Ok(reader.clone().at(format!("{PATH}?{query}")).leading_to(asked.origin()).page(status, "consent.html", content)?)
}

/// Asks the worker whether a platform may come in.
#[get("/oauth/authorize")]
pub async fn show_consent(state: Data<AppState>, request: HttpRequest) -> Result<HttpResponse, NotShown> {
    let query: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form_urlencoded::parse(request.query_string().as_bytes()).filter(|(name, _)| name != "lang")).finish();
    let asked = match Asked::of(&state, &query) {
        Ok(asked) => asked,
        Err(fault) => return unasked(fault),
    };
    let page = match own_page(&request).await {
        Ok(page) => page,
        Err(NotShown::SignIn(path)) => {
            let then: String = form_urlencoded::Serializer::new(String::new()).append_pair("then", &format!("{PATH}?{query}")).finish();
            return Ok(see_other(&format!("{path}?{then}")));
        }
        Err(other) => return Err(other),
    };
    let worker = state.registry.get_own_worker(&page.own).await.map_err(Problem::from)?;
    page_of(&state, &page.reader, &asked, &query, worker.name.as_str(), StatusCode::OK, None)
}

/// Takes the worker's decision, and sends the worker back.
#[post("/oauth/authorize")]
pub async fn decide_consent(state: Data<AppState>, sent: OwnForm) -> Result<HttpResponse, NotShown> {
    let (page, form) = (sent.page, sent.form);
    let query = form.text("request").to_owned();
    let asked = match Asked::of(&state, &query) {
        Ok(asked) => asked,
        Err(fault) => return unasked(fault),
    };
    let issuer = &state.registry.config.public_url;
    if form.text("decision") != "allow" {
        return Ok(see_other(&told(&asked.back, issuer, asked.state.as_deref(), "access_denied", "the worker did not consent")));
    }
    let today = state.registry.clock.today();
    let latest = today + Days::new(u64::from(state.registry.config.share_days_max) - 1);
    let last_day = if asked.may_go_on() { form.text("last_day").parse::<NaiveDate>().ok().filter(|day| *day >= today && *day <= latest) } else { Some(today) };
    let Some(last_day) = last_day else {
        let worker = state.registry.get_own_worker(&page.own).await.map_err(Problem::from)?;
        let problem = page.reader.say(&Text::new(format!("a day from {today} to {latest} expected"), format!("日期应在 {today} 至 {latest} 之间")));
        return page_of(&state, &page.reader, &asked, &query, worker.name.as_str(), StatusCode::BAD_REQUEST, Some(problem));
    };
    let consent = Consent { client_id: asked.client_id, platform: asked.platform, redirect_uri: asked.redirect_uri, scopes: asked.scopes, code_challenge: asked.code_challenge, until: end_of_day_in_china(last_day) };
    // The address holds the code, so it is kept sealed, like every answer's body.
    let render = |address: &String| kept(StatusCode::CREATED, None, address);
    let answer = submit(&state, page.own.worker.as_str(), "consent", &form, render, async |intent| state.registry.consent_to_platform(&page.own, consent.clone(), asked.state.as_deref(), intent).await).await?;
    let address: String = serde_json::from_slice(&answer.body).map_err(|error| Problem::from(crate::services::error::Error::Internal(error.to_string())))?;
    Ok(see_other(&address))
}
