//! The server: listeners, limits, background work, graceful stop.

use super::pages::pages;
use super::problem::{Problem, frame};
use super::{AppState, conformance_routes, documentation, routes, witness_routes};
use crate::services::Registry;
use crate::services::cosigning::AskFault;
use crate::services::published::Behind;
use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, PathConfig, QueryConfig};
use actix_web::{App, HttpResponse, HttpServer};
use std::net::TcpListener;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use utoipa_actix_web::AppExt;

/// Longest time that a running request may take after the stop was asked for, in seconds.
const STOP_SECONDS: u64 = 30;
/// How often the newest checkpoint is kept: a backup is hours old, and every file that is synced makes the log wait.
const KEEP_EVERY: Duration = Duration::from_secs(5);

/// What is served: the whole registry, or only its witness of other logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Registry,
    Witness,
}

/// How soon a node hears what another one did to keys and lists: a stolen key is refused by all of them within five seconds.
const KEEP_UP_EVERY: Duration = Duration::from_secs(2);
/// Rounds of that between two looks for what may be forgotten: an hour.
const FORGET_EVERY: u64 = 1_800;

/// A server that was started, and its end: when it has stopped and every accepted write is durable.
pub struct Serving<F> {
    pub handle: ServerHandle,
    pub server: F,
}

/// Why a server has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Asked,
    /// The database has lost what was published, so nothing may be signed.
    Behind(String),
}

/// Starts serving on a listener.
pub fn serve(registry: Registry, listener: TcpListener, workers: usize, part: Part) -> std::io::Result<Serving<impl Future<Output = std::io::Result<Ended>>>> {
    let state = Data::new(AppState::new(registry.clone()));
    let is_conformance_on = registry.config.conformance;
    let server = HttpServer::new(move || {
        let (app, _) = App::new()
            .into_utoipa_app()
            .map(|app| {
                app.app_data(state.clone())
                    .app_data(QueryConfig::default().error_handler(|error, _| query_problem(&error).into()))
                    .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
                    .wrap(Compress::default())
                    .wrap(from_fn(frame))
            })
            .configure(if part == Part::Registry { routes } else { witness_routes })
            .split_for_parts();
        match part {
            Part::Registry if is_conformance_on => app.configure(documentation).configure(pages).configure(conformance_routes).default_service(actix_web::web::to(super::methods::refuse)),
            Part::Registry => app.configure(documentation).configure(pages).default_service(actix_web::web::to(super::methods::refuse)),
            Part::Witness => app.default_service(actix_web::web::to(|| async { Err::<HttpResponse, _>(Problem::not_found()) })),
        }
    })
    .workers(workers)
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(STOP_SECONDS)
    .listen(listener)?
    .run();
    let (handle, stopper) = (server.handle(), server.handle());
    Ok(Serving { handle, server: run_until_stopped(registry, server, stopper, part) })
}

/// Runs the server and what works beside it; ends when every accepted write is durable.
async fn run_until_stopped(registry: Registry, server: Server, stopper: ServerHandle, part: Part) -> std::io::Result<Ended> {
    if part == Part::Witness {
        let ended = server.await;
        registry.store.close();
        return ended.map(|()| Ended::Asked);
    }
    let behind = Arc::new(OnceLock::new());
    let tasks = [
        actix_web::rt::spawn({
            let registry = registry.clone();
            async move { registry.work_on_jobs().await }
        }),
        actix_web::rt::spawn({
            let registry = registry.clone();
            async move { keep_up(&registry).await }
        }),
        actix_web::rt::spawn(stop_when_behind(registry.clone(), stopper, Arc::clone(&behind))),
    ];
    let ended = server.await;
    tasks.iter().for_each(|task| task.abort());
    registry.store.close();
    if let Some(why) = behind.get() {
        return Ok(Ended::Behind(String::clone(why)));
    }
    // What came since the last look is published too.
    if let Err(error) = registry.keep_published(0).await {
        tracing::error!(?error, "the newest checkpoint is not kept");
    }
    ended.map(|()| Ended::Asked)
}

/// Ends the server when the database turns out to be behind what was published.
async fn stop_when_behind(registry: Registry, stopper: ServerHandle, behind: Arc<OnceLock<String>>) {
    let why = tokio::select! {
        why = keep_published(&registry) => why,
        why = ask_witnesses(&registry) => why,
    };
    // Not one entry more, whatever is under way; then the end, with its reason known before.
    registry.store.end_signing(&why.to_string());
    tracing::error!(%why, "nothing is signed any more");
    let _ = behind.set(why.to_string());
    stopper.stop(false).await;
}

/// Keeps the newest checkpoint beside the database, every few seconds. Ends when the database has lost what was kept.
async fn keep_published(registry: &Registry) -> Behind {
    let mut known = 0;
    loop {
        match registry.keep_published(known).await {
            Ok(Ok(size)) => known = size,
            Ok(Err(behind)) => return behind,
            Err(error) => tracing::error!(?error, "the newest checkpoint is not kept"),
        }
        tokio::time::sleep(KEEP_EVERY).await;
    }
}

/// Asks the witnesses of the log as often as the setting says. Ends when one of them shows what the database does not have.
async fn ask_witnesses(registry: &Registry) -> Behind {
    loop {
        for (witness, fault) in registry.ask_witnesses().await {
            match fault {
                AskFault::Behind(behind) => return behind,
                fault => tracing::warn!(%witness, %fault, "a witness has not cosigned"),
            }
        }
        tokio::time::sleep(Duration::from_secs(registry.config.witness_seconds)).await;
    }
}

/// What has to be looked at from time to time: imports and keys of other nodes, and answers that may be forgotten.
async fn keep_up(registry: &Registry) {
    let mut rounds = 0_u64;
    loop {
        tokio::time::sleep(KEEP_UP_EVERY).await;
        rounds += 1;
        let mut results = vec![registry.refresh_catalogue().await, registry.refresh_keys().await];
        if rounds.is_multiple_of(FORGET_EVERY) {
            results.push(registry.forget_old_answers().await.map(|_| ()));
            results.push(registry.forget_abandoned_batches().await.map(|_| ()));
        }
        for error in results.into_iter().filter_map(Result::err) {
            tracing::warn!(?error, "upkeep failed");
        }
    }
}

fn query_problem(error: &actix_web::error::QueryPayloadError) -> Problem {
    let message: String = error.to_string().chars().take(200).collect();
    Problem::invalid("query", message.clone(), format!("查询参数不正确：{message}"))
}
