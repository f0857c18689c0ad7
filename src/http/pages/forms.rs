//! What browsers send: forms, and forms with a file.

use super::reader::Reader;
use super::signed_in::{CLIENT_COOKIE, WORKER_COOKIE, token_in};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::body::{Body, PHOTOGRAPH_BYTES_MAX};
use crate::http::problem::Problem;
use actix_multipart::Multipart;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Data, Payload as WebPayload};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::Duration;

/// Most fields of a form.
const FIELDS_MAX: usize = 64;
/// Most bytes of a field that is not a file.
const FIELD_BYTES_MAX: usize = 64 << 10;

/// A form that came from a page of this registry: another site's page cannot send it (`Sec-Fetch-Site`, `Origin`).
#[derive(Debug, Default)]
pub struct Form {
    /// Where it was sent: a page may have many forms, each about another thing.
    path: String,
    /// In the order in which they were sent; a field that may be chosen several times stands there as often.
    fields: Vec<(String, String)>,
    files: BTreeMap<String, UploadedFile>,
}

/// A file of a form.
#[derive(Debug, Clone, Default)]
pub struct UploadedFile {
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Form {
    /// The text of a field, trimmed; empty when it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, text)| text.trim()).unwrap_or_default()
    }

    /// The same, None when it is empty.
    pub fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Every value of a field that may be chosen several times, in the order of the form.
    pub fn list(&self, name: &str) -> Vec<String> {
        self.fields.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    /// Where the form was sent.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What makes this form the same when it is sent again.
    pub fn digest(&self) -> [u8; 32] {
        // Whoever signs in anew in between has another secret, and sends the same form.
        let fields = self.fields.iter().filter(|(name, _)| name != "csrf").flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
        let files = self.files.iter().flat_map(|(name, file)| [name.as_bytes(), &file.bytes]);
        let mut hash = Sha256::new();
        for part in fields.chain(files) {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// A file that is not empty.
    pub fn file(&self, name: &str) -> Option<&UploadedFile> {
        self.files.get(name).filter(|file| !file.bytes.is_empty())
    }

    /// The same, taken out of the form.
    pub fn take_file(&mut self, name: &str) -> Option<UploadedFile> {
        self.files.remove(name).filter(|file| !file.bytes.is_empty())
    }
}

/// Whether a request comes from a page of another site. Browsers say so; who is no browser has no cookies to misuse.
fn is_foreign(request: &HttpRequest, public_url: &str) -> bool {
    let of = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    match (of("sec-fetch-site"), of("origin")) {
        (Some(site), _) => !matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => origin != public_url && Some(origin.split("://").nth(1).unwrap_or_default()) != of("host"),
        (None, None) => false,
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let state = request.app_data::<Data<AppState>>().expect("every route has its state").clone();
            let config = &state.registry.config;
            if is_foreign(&request, &config.public_url) {
                let detail = Text::new("this form was sent from a page of another site; open the page here and send it again", "该表单来自其他网站的页面，请在本站重新填写提交");
                return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-form", Text::new("Not sent from here", "表单来源不正确"), detail));
            }
            match crate::http::body::media_type(&request).as_str() {
                "application/x-www-form-urlencoded" => {
                    let body = Body::from_request(&request, &mut payload).await?;
                    let fields = form_urlencoded::parse(&body.bytes).take(FIELDS_MAX).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
                    Ok(Form { path: request.path().to_owned(), fields, files: BTreeMap::new() })
                }
                "multipart/form-data" => {
                    let seconds = config.body_seconds_max;
                    // Only who has signed in sends tables; anybody sends a photograph.
                    let is_known = [WORKER_COOKIE, CLIENT_COOKIE].into_iter().any(|name| token_in(&request, &Reader::of(&request), name).is_some());
                    let limit = if is_known { config.upload_bytes_max } else { config.upload_bytes_max.min(PHOTOGRAPH_BYTES_MAX) };
                    let read = read_parts(&request, payload, limit);
                    tokio::time::timeout(Duration::from_secs(seconds), read).await.unwrap_or_else(|_| {
                        let detail = Text::new(format!("the file did not arrive within {seconds} seconds"), format!("文件未在 {seconds} 秒内送达"));
                        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", Text::new("Too slow", "传输过慢"), detail))
                    })
                }
                other => Err(Problem::unsupported_media_type(other, "application/x-www-form-urlencoded or multipart/form-data")),
            }
        })
    }
}

async fn read_parts(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Form, Problem> {
    let unread = || Problem::invalid("body", "a form whose parts can be read expected", "表单无法读取");
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if let Some(length) = declared.filter(|length| *length > limit + FIELDS_MAX * FIELD_BYTES_MAX) {
        return Err(Problem::too_large(&format!("a form of {length} bytes"), limit));
    }
    let stream = WebPayload::from_request(request, &mut { payload }).await.map_err(|_| unread())?;
    let mut parts = Multipart::new(request.headers(), stream);
    let mut form = Form { path: request.path().to_owned(), ..Form::default() };
    let mut count = 0;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|_| unread())?;
        count += 1;
        if count > FIELDS_MAX {
            return Err(unread());
        }
        let name = part.name().unwrap_or_default().to_owned();
        let file_name = part.content_disposition().and_then(|disposition| disposition.get_filename()).map(str::to_owned);
        let most = if file_name.is_some() { limit } else { FIELD_BYTES_MAX };
        let mut bytes = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|_| unread())?;
            if bytes.len() + chunk.len() > most {
                return Err(Problem::too_large("a longer file", most));
            }
            bytes.extend_from_slice(&chunk);
        }
        match file_name {
            Some(file_name) => drop(form.files.insert(name, UploadedFile { name: file_name, bytes })),
            None => form.fields.push((name, String::from_utf8(bytes).map_err(|_| unread())?)),
        }
    }
    Ok(form)
}
