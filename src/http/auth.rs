//! From a bearer token to an actor.

use super::AppState;
use super::problem::Problem;
use crate::domain::access::Actor;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::LocalBoxFuture;

/// The actor of a request that needs one.
pub struct Caller(pub Actor);

/// The actor of a request that may do without one; a wrong token is still refused.
pub struct OptionalCaller(pub Option<Actor>);

async fn find(request: HttpRequest) -> Result<Option<Actor>, Problem> {
    let Some(value) = request.headers().get(header::AUTHORIZATION) else { return Ok(None) };
    let state = request.app_data::<Data<AppState>>().expect("every route has its state");
    let token = value.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let Some((_, token)) = token else { return Err(Problem::unauthenticated()) };
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
