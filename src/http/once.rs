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

fn other_body() -> Problem {
    let detail = Text::new("the key was used for another request; take a new key for a new request", "该幂等键已用于其他请求；新请求应使用新键");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", Text::new("The key was used before", "幂等键已被使用"), detail)
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
    let Some(_guard) = Guard::take(&state.running, &claim) else {
        let detail = Text::new("a request with this key is still running", "使用该幂等键的请求仍在处理");
        return Err(Problem::conflict(detail).retry_after(1));
    };
    match state.registry.find_answer(&claim).await? {
        Earlier::Same(answer) => return Ok(replay(answer)),
        Earlier::OtherBody => return Err(other_body()),
        Earlier::None => {}
    }
    match job(&intent).await {
        Ok(answer) => Ok(send(answer)),
        // Another node was faster; its answer is the answer.
        Err(Error::AnsweredMeanwhile) => match state.registry.find_answer(&claim).await? {
            Earlier::Same(answer) => Ok(replay(answer)),
            Earlier::OtherBody => Err(other_body()),
            Earlier::None => Err(Error::AnsweredMeanwhile.into()),
        },
        // A decision by the rules is an answer too, and stays the answer of this key.
        Err(error @ Error::Refused(_)) => {
            let problem = Problem::from(error);
            let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
            let answer = Answer::new(problem.status().as_u16(), None, problem.body(language(request), &request_id));
            match state.registry.keep_answer(&claim, &answer).await {
                Err(Error::AnsweredMeanwhile) => Err(Error::AnsweredMeanwhile.into()),
                kept => kept.map(|()| send(answer)).map_err(Problem::from),
            }
        }
        Err(error) => Err(error.into()),
    }
}
