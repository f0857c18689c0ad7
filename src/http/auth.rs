//! From a bearer token to an actor.

use super::AppState;
use super::problem::Problem;
use crate::domain::access::{Actor, SignedInWorker};
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;

/// The actor of a request that needs one.
pub struct Caller(pub Actor);

/// The actor of a request that may do without one; a wrong token is still refused.
pub struct OptionalCaller(pub Option<Actor>);

/// The worker who has signed in.
pub struct OwnCaller(pub SignedInWorker);

/// The bearer token of a request.
pub fn bearer_of(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

async fn find(request: HttpRequest) -> Result<Option<Actor>, Problem> {
    if !request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let state = request.app_data::<Data<AppState>>().expect("every route has its state");
    let Some(token) = bearer_of(&request) else { return Err(Problem::unauthenticated()) };
    match state.registry.find_actor(token).await? {
        Some(actor) => Ok(Some(actor)),
        None => Err(Problem::unauthenticated()),
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { find(request).await?.map(Caller).ok_or_else(Problem::unauthenticated) })
    }
}

impl FromRequest for OptionalCaller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { find(request).await.map(OptionalCaller) })
    }
}

impl FromRequest for OwnCaller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state = request.app_data::<Data<AppState>>().expect("every route has its state");
            let Some(token) = bearer_of(&request) else { return Err(Problem::unauthenticated()) };
            state.registry.find_signed_in_worker(token).await?.map(OwnCaller).ok_or_else(Problem::unauthenticated)
        })
    }
}
