//! `Idempotency-Key`: the same request twice has one effect and one answer.

use super::AppState;
use super::body::Body;
use super::problem::{Problem, RequestId, language};
use super::reply::send;
use crate::domain::text::Text;
use crate::services::error::Error;
use crate::services::intent::{Answer, Claim, Earlier, Intent};
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Claims that this node is working on.
#[derive(Default)]
pub struct Running(Mutex<HashSet<(String, String, String)>>);

struct Guard {
    running: Arc<Running>,
    claim: (String, String, String),
}

impl Guard {
    fn take(running: &Arc<Running>, claim: &Claim) -> Option<Guard> {
        let claim = (claim.caller.clone(), claim.route.clone(), claim.key.clone());
        let is_new = running.0.lock().unwrap_or_else(PoisonError::into_inner).insert(claim.clone());
        is_new.then(|| Guard { running: Arc::clone(running), claim })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.running.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.claim);
    }
}

/// The claim of a request: key, caller, route, and everything that makes the request what it is.
fn claim_of(request: &HttpRequest, caller: &str, body: &Body) -> Result<Option<Claim>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=200).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic() || b == b' '));
    let key = key.ok_or_else(|| Problem::invalid("Idempotency-Key", "1 to 200 visible ASCII characters expected", "应为 1 至 200 个可见 ASCII 字符"))?;
    let route = format!("{} {}", request.method(), request.match_pattern().unwrap_or_default());
    let mut hash = Sha256::new();
    for part in [request.path().as_bytes(), request.query_string().as_bytes(), body.media_type.as_bytes(), &body.bytes] {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    Ok(Some(Claim { caller: caller.to_owned(), route, key: key.to_owned(), body_hash: hash.finalize().into() }))
}

fn replay(answer: Answer) -> HttpResponse {
    let mut response = send(answer);
    response.headers_mut().insert(
        actix_web::http::header::HeaderName::from_static("idempotency-replayed"),
        actix_web::http::header::HeaderValue::from_static("true"),
    );
    response
}

/// Why a job gave no answer of its own.
pub enum NotOnce {
    /// An equal request is on its way.
    Running,
    /// The key was used for another request.
    OtherBody,
    Failed(Error),
}

impl From<Error> for NotOnce {
    fn from(error: Error) -> Self {
        NotOnce::Failed(error)
    }
}

impl From<NotOnce> for Problem {
    fn from(fault: NotOnce) -> Self {
        match fault {
            NotOnce::Running => Problem::conflict(Text::new("a request with this key is still running", "使用该幂等键的请求仍在处理")).retry_after(1),
            NotOnce::OtherBody => {
                let detail = Text::new("the key was used for another request; take a new key for a new request", "该幂等键已用于其他请求；新请求应使用新键");
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", Text::new("The key was used before", "幂等键已被使用"), detail)
            }
            NotOnce::Failed(error) => error.into(),
        }
    }
}

/// Runs a job at most once for a claim: its answer, and whether that was given before.
async fn answer_once<T>(state: &AppState, claim: &Claim, intent: &Intent<T>, job: impl AsyncFnOnce(&Intent<T>) -> Result<Answer, Error>) -> Result<(Answer, bool), NotOnce> {
    match state.registry.find_answer(claim).await? {
        Earlier::Same(answer) => return Ok((answer, true)),
        Earlier::OtherBody => return Err(NotOnce::OtherBody),
        Earlier::None => {}
    }
    match job(intent).await {
        Ok(answer) => Ok((answer, false)),
        // Another node was faster; its answer is the answer.
        Err(Error::AnsweredMeanwhile) => match state.registry.find_answer(claim).await? {
            Earlier::Same(answer) => Ok((answer, true)),
            Earlier::OtherBody => Err(NotOnce::OtherBody),
            Earlier::None => Err(NotOnce::Failed(Error::AnsweredMeanwhile)),
        },
        Err(error) => Err(NotOnce::Failed(error)),
    }
}

/// Runs the job of a form at most once. What the rules refuse is not kept: the form is mended and sent again.
pub async fn submit_once<T>(
    state: &AppState,
    claim: Option<Claim>,
    render: impl Fn(&T) -> Answer + Send + Sync + 'static,
    job: impl AsyncFnOnce(&Intent<T>) -> Result<Answer, Error>,
) -> Result<Answer, NotOnce> {
    let intent = Intent { claim: claim.clone(), render: Box::new(render) };
    let Some(claim) = claim else { return Ok(job(&intent).await?) };
    let _guard = Guard::take(&state.running, &claim).ok_or(NotOnce::Running)?;
    answer_once(state, &claim, &intent, job).await.map(|(answer, _)| answer)
}

/// Runs a job at most once for a key. `render` writes its result as the answer that is kept.
pub async fn once<T>(
    request: &HttpRequest,
    state: &AppState,
    caller: &str,
    body: &Body,
    render: impl Fn(&T) -> Answer + Send + Sync + 'static,
    job: impl AsyncFnOnce(&Intent<T>) -> Result<Answer, Error>,
) -> Result<HttpResponse, Problem> {
    let claim = claim_of(request, caller, body)?;
    let intent = Intent { claim: claim.clone(), render: Box::new(render) };
    let Some(claim) = claim else { return Ok(send(job(&intent).await?)) };
    let _guard = Guard::take(&state.running, &claim).ok_or(NotOnce::Running)?;
    match answer_once(state, &claim, &intent, job).await {
        Ok((answer, false)) => Ok(send(answer)),
        Ok((answer, true)) => Ok(replay(answer)),
        // A decision by the rules is an answer too, and stays the answer of this key.
        Err(NotOnce::Failed(error @ Error::Refused(_))) => {
            let problem = Problem::from(error);
            let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
            let answer = Answer::new(problem.status().as_u16(), None, problem.body(language(request), &request_id));
            match state.registry.keep_answer(&claim, &answer).await {
                Err(Error::AnsweredMeanwhile) => Err(Error::AnsweredMeanwhile.into()),
                kept => kept.map(|()| send(answer)).map_err(Problem::from),
            }
        }
        Err(fault) => Err(fault.into()),
    }
}
