//! Who reads a page, in which language, and the page as an answer with the headers that keep it safe.

use super::assets::{self, policy_hash};
use super::templates::fill;
use crate::domain::text::{Language, Text};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::services::error::Error;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::{StatusCode, header};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload};
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde::Serialize;
use serde_json::json;
use std::future::{Ready, ready};
use std::sync::LazyLock;

/// Keeps the reader's language.
const LANGUAGE_COOKIE: &str = "lang";

/// Nothing from elsewhere, no style or script that was not written by us, no frame around us. `form-action` stands last, since a page may
/// add a site to it.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "default-src 'none'; style-src {}; script-src 'self'; img-src 'self' data:; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
        policy_hash(assets::STYLE)
    )
});

/// Who reads.
#[derive(Clone)]
pub struct Reader {
    pub language: Language,
    /// Address by which the page can be opened, mostly without a query; not always that of the form that led to it.
    path: String,
    /// Whether the language was chosen by this very request, and is to be kept.
    is_chosen: bool,
    state: Data<AppState>,
    /// Of whoever has signed in: what every form of theirs must carry.
    form_secret: Option<String>,
    /// A session's cookie that takes the place of an older one.
    renewed: Option<Cookie<'static>>,
    /// Another site to which a form of the page may lead.
    leads_to: Option<String>,
}

/// A place in the head of every page.
#[derive(Debug, Serialize)]
struct NavigationItem {
    href: &'static str,
    name: String,
    is_here: bool,
}

/// What every template knows.
#[derive(Debug, Serialize)]
struct PageContext {
    public_url: String,
    path: String,
    navigation: Vec<NavigationItem>,
    other_language: String,
    /// What a form must carry to be believed; None where nobody has signed in.
    csrf: Option<String>,
    /// Where the form that ends the session is sent.
    sign_out: &'static str,
    /// Makes each form that is filled in one effect, however often it is sent; None where nobody has signed in.
    once: Option<String>,
}

/// The language of a page: chosen by `?lang=`, kept in a cookie, asked for by `Accept-Language`; otherwise Chinese.
fn language_of(request: &HttpRequest) -> (Language, bool) {
    let named = |text: &str| match text {
        "zh" => Some(Language::Chinese),
        "en" => Some(Language::English),
        _ => None,
    };
    let chosen = form_urlencoded::parse(request.query_string().as_bytes()).find(|(name, _)| name == "lang").and_then(|(_, value)| named(&value));
    if let Some(language) = chosen {
        return (language, true);
    }
    let kept = request.cookie(LANGUAGE_COOKIE).and_then(|cookie| named(cookie.value()));
    let asked = || if request.headers().contains_key(header::ACCEPT_LANGUAGE) { crate::http::problem::language(request) } else { Language::Chinese };
    (kept.unwrap_or_else(asked), false)
}

impl FromRequest for Reader {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Reader::of(request)))
    }
}

impl Reader {
    pub fn of(request: &HttpRequest) -> Self {
        let (language, is_chosen) = language_of(request);
        let state = request.app_data::<Data<AppState>>().expect("every route has its state").clone();
        Reader { language, is_chosen, path: request.path().to_owned(), state, form_secret: None, renewed: None, leads_to: None }
    }

    /// The reader of a page that a form opened, and that stands under another address.
    pub fn at(&self, path: String) -> Self {
        Reader { path, ..self.clone() }
    }

    /// The reader as somebody who has signed in.
    pub fn signed_in(self, form_secret: String) -> Self {
        Reader { form_secret: Some(form_secret), ..self }
    }

    /// The same with a cookie for the session to go on with.
    pub fn renewing(self, cookie: Cookie<'static>) -> Self {
        Reader { renewed: Some(cookie), ..self }
    }

    /// The same with a form that leads to another site.
    pub fn leading_to(self, origin: String) -> Self {
        Reader { leads_to: Some(origin), ..self }
    }

    pub fn public_url(&self) -> &str {
        &self.state.registry.config.public_url
    }

    pub fn say(&self, text: &Text) -> String {
        text.in_language(self.language).to_owned()
    }

    fn context(&self) -> PageContext {
        let places = [("/", "核验", "Verify"), ("/bulk", "批量核验", "In bulk"), ("/own", "我的档案", "My record"), ("/console", "工作台", "Console")];
        let navigation = places
            .into_iter()
            .map(|(href, zh, en)| NavigationItem { href, name: self.say(&Text::new(en, zh)), is_here: self.path == href || (href != "/" && self.path.starts_with(&format!("{href}/"))) })
            .collect();
        let other = if self.language == Language::Chinese { "en" } else { "zh" };
        let once = self.form_secret.as_ref().map(|_| hex::encode(self.state.registry.entropy.bytes::<16>()));
        PageContext { public_url: self.public_url().to_owned(), path: self.path.clone(), navigation, other_language: format!("{}{}lang={other}", self.path, if self.path.contains('?') { '&' } else { '?' }), csrf: self.form_secret.clone(), sign_out: if self.path.starts_with("/own") { "/own/sign-out" } else { "/console/sign-out" }, once }
    }

    /// The text of a page, for an answer that is already under way.
    ///
    /// # Errors
    /// As of [`Reader::page`].
    pub fn html(&self, template: &str, content: impl Serialize) -> Result<String, Problem> {
        fill(self.language, template, context! { page => Serde(self.context()), ..Value::from(Serde(content)) }).map_err(|error| Problem::from(Error::Internal(format!("{template}: {error:#}"))))
    }

    /// A page.
    ///
    /// # Errors
    /// `Internal` when the template and what it was given do not fit.
    pub fn page(&self, status: StatusCode, template: &str, content: impl Serialize) -> Result<HttpResponse, Problem> {
        let html = self.html(template, content)?;
        let mut response = HttpResponse::build(status);
        response
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::CONTENT_LANGUAGE, if self.language == Language::Chinese { "zh-CN" } else { "en" }))
            .insert_header((header::VARY, "Accept, Accept-Language, Cookie"))
            .insert_header((header::CONTENT_SECURITY_POLICY, self.leads_to.as_ref().map_or_else(|| POLICY.clone(), |origin| format!("{} {origin}", *POLICY))))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            // The address of a page may hold a token, which no other site is told.
            .insert_header((header::REFERRER_POLICY, "same-origin"))
            .insert_header(("permissions-policy", "camera=(self), microphone=(), geolocation=()"))
            .insert_header(("cross-origin-opener-policy", "same-origin"));
        if self.is_https() {
            response.insert_header((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"));
        }
        self.renew(&mut response);
        if self.is_chosen {
            let name = if self.language == Language::Chinese { "zh" } else { "en" };
            response.cookie(Cookie::build(LANGUAGE_COOKIE, name).path("/").same_site(SameSite::Lax).secure(self.is_https()).max_age(Duration::days(365)).finish());
        }
        Ok(response.body(html))
    }

    /// Lets the session go on with its new cookie.
    pub fn renew(&self, response: &mut HttpResponseBuilder) {
        if let Some(cookie) = &self.renewed {
            response.cookie(cookie.clone());
        }
    }

    /// Whether people reach the registry by https.
    pub fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }

    /// A refusal as a page.
    pub fn problem_page(&self, problem: &Problem, request_id: &str) -> Option<HttpResponse> {
        let area = ["/own", "/console", "/bulk"].into_iter().find(|area| self.path.starts_with(area)).unwrap_or("/");
        let content = json!({ "problem": problem.document(self.language, request_id), "back": area });
        // Whatever stood under the address, the other language is chosen where there is a page.
        self.at(area.to_owned()).page(problem.status(), "problem.html", content).ok()
    }
}
