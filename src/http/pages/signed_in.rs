//! People who have signed in: a cookie that scripts cannot read, and forms that carry a secret of the session.

use super::forms::Form;
use super::reader::Reader;
use crate::domain::access::{Actor, SignedInWorker};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::once::{NotOnce, submit_once};
use crate::http::problem::Problem;
use crate::services::client_sessions::ClientSession;
use crate::services::error::Error;
use crate::services::intent::{Answer, Claim, Intent};
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload};
use futures_util::future::LocalBoxFuture;
use std::fmt;
use subtle::ConstantTimeEq;

/// The cookie of a worker's session.
pub const WORKER_COOKIE: &str = "jilu_worker";
const WORKER_SIGN_IN: &str = "/own/sign-in";
/// The cookie of a client's session.
pub const CLIENT_COOKIE: &str = "jilu_client";
const CONSOLE_SIGN_IN: &str = "/console/sign-in";

/// Why a page is not shown: nobody has signed in, or something else is wrong.
#[derive(Debug)]
pub enum NotShown {
    /// Sent on to this page.
    SignIn(&'static str),
    Problem(Problem),
}

impl NotShown {
    /// What is wrong; None when somebody only has to sign in.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            NotShown::SignIn(_) => None,
            NotShown::Problem(problem) => Some(problem),
        }
    }
}

impl fmt::Display for NotShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotShown::SignIn(path) => write!(f, "not signed in, see {path}"),
            NotShown::Problem(problem) => problem.fmt(f),
        }
    }
}

impl ResponseError for NotShown {
    fn status_code(&self) -> StatusCode {
        match self {
            NotShown::SignIn(_) => StatusCode::SEE_OTHER,
            NotShown::Problem(problem) => problem.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            NotShown::SignIn(path) => see_other(path),
            NotShown::Problem(problem) => problem.error_response(),
        }
    }
}

impl From<Problem> for NotShown {
    fn from(problem: Problem) -> Self {
        NotShown::Problem(problem)
    }
}

/// On to another page, by GET.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, path)).insert_header((header::CACHE_CONTROL, "no-store")).finish()
}

/// The name of a cookie: over https bound to this very host, so that no sister domain can set it.
fn cookie_name(name: &str, is_https: bool) -> String {
    if is_https { format!("__Host-{name}") } else { name.to_owned() }
}

/// A session's cookie; an empty token takes it away.
pub fn session_cookie(reader: &Reader, name: &str, token: String, seconds: u64) -> Cookie<'static> {
    let seconds = if token.is_empty() { 0 } else { i64::try_from(seconds).unwrap_or(0) };
    Cookie::build(cookie_name(name, reader.is_https()), token).path("/").http_only(true).same_site(SameSite::Lax).secure(reader.is_https()).max_age(Duration::seconds(seconds)).finish()
}

/// The token in a session's cookie.
pub fn token_in(request: &HttpRequest, reader: &Reader, name: &str) -> Option<String> {
    request.cookie(&cookie_name(name, reader.is_https())).map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty())
}

/// A page of a worker who has signed in.
pub struct OwnPage {
    pub reader: Reader,
    pub own: SignedInWorker,
    pub token: String,
    pub form_secret: String,
}

impl FromRequest for OwnPage {
    type Error = NotShown;
    type Future = LocalBoxFuture<'static, Result<Self, NotShown>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { own_page(&request).await })
    }
}

pub(super) async fn own_page(request: &HttpRequest) -> Result<OwnPage, NotShown> {
    let reader = Reader::of(request);
    let state = request.app_data::<Data<AppState>>().expect("every route has its state");
    let Some(token) = token_in(request, &reader, WORKER_COOKIE) else { return Err(NotShown::SignIn(WORKER_SIGN_IN)) };
    let Some(own) = state.registry.find_signed_in_worker(&token).await.map_err(Problem::from)? else { return Err(NotShown::SignIn(WORKER_SIGN_IN)) };
    let form_secret = state.registry.form_secret(own.session.as_str());
    Ok(OwnPage { reader: reader.signed_in(form_secret.clone()), own, token, form_secret })
}

/// A form that a signed-in worker sent from a page of theirs.
pub struct OwnForm {
    pub page: OwnPage,
    pub form: Form,
}

impl FromRequest for OwnForm {
    type Error = NotShown;
    type Future = LocalBoxFuture<'static, Result<Self, NotShown>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let page = own_page(&request).await?;
            let form = Form::from_request(&request, &mut payload).await?;
            check_form(&form, &page.form_secret)?;
            Ok(OwnForm { page, form })
        })
    }
}

/// A page of a person of an organisation who has signed in.
pub struct ConsolePage {
    pub reader: Reader,
    pub session: ClientSession,
    pub form_secret: String,
}

impl ConsolePage {
    pub fn actor(&self) -> &Actor {
        &self.session.actor
    }
}

impl FromRequest for ConsolePage {
    type Error = NotShown;
    type Future = LocalBoxFuture<'static, Result<Self, NotShown>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { console_page(&request).await })
    }
}

async fn console_page(request: &HttpRequest) -> Result<ConsolePage, NotShown> {
    let reader = Reader::of(request);
    let state = request.app_data::<Data<AppState>>().expect("every route has its state");
    let Some(token) = token_in(request, &reader, CLIENT_COOKIE) else { return Err(NotShown::SignIn(CONSOLE_SIGN_IN)) };
    let Some(session) = state.registry.find_client_session(&token).await.map_err(Problem::from)? else { return Err(NotShown::SignIn(CONSOLE_SIGN_IN)) };
    let form_secret = state.registry.form_secret(session.session.as_str());
    let cookie = (session.token != token).then(|| session_cookie(&reader, CLIENT_COOKIE, session.token.clone(), session.idle_seconds));
    let reader = reader.signed_in(form_secret.clone());
    Ok(ConsolePage { reader: match cookie { Some(cookie) => reader.renewing(cookie), None => reader }, session, form_secret })
}

/// A form that a signed-in person of an organisation sent from a page of theirs.
pub struct ConsoleForm {
    pub page: ConsolePage,
    pub form: Form,
}

impl FromRequest for ConsoleForm {
    type Error = NotShown;
    type Future = LocalBoxFuture<'static, Result<Self, NotShown>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let page = console_page(&request).await?;
            let form = Form::from_request(&request, &mut payload).await?;
            check_form(&form, &page.form_secret)?;
            Ok(ConsoleForm { page, form })
        })
    }
}

/// A form without the secret of the session was not filled in on a page of it.
pub fn check_form(form: &Form, form_secret: &str) -> Result<(), Problem> {
    if form.text("csrf").as_bytes().ct_eq(form_secret.as_bytes()).into() {
        return Ok(());
    }
    let detail = Text::new("this form belongs to a session that has ended; open the page again", "该表单所属会话已结束，请重新打开页面");
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign-form", Text::new("Not sent from here", "表单来源不正确"), detail))
}

/// Does once what a form asks, however often the form is sent: the answer of the first time, or what the job answers now.
pub async fn submit<T>(state: &AppState, caller: &str, route: &str, form: &Form, render: impl Fn(&T) -> Answer + Send + Sync + 'static, job: impl AsyncFnOnce(&Intent<T>) -> Result<Answer, Error>) -> Result<Answer, Problem> {
    let key = form.given("once").filter(|once| once.len() <= 64 && once.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let claim = key.map(|key| Claim { caller: caller.to_owned(), route: format!("page {route} {}", form.path()), key, body_hash: form.digest() });
    submit_once(state, claim, render, job).await.map_err(|fault| match fault {
        NotOnce::OtherBody => Problem::conflict(Text::new("this form was sent before with other content; open the page again", "该表单已提交过其他内容，请重新打开页面")),
        other => other.into(),
    })
}
