//! The server: listeners, limits, background work, graceful stop.

use super::problem::{Problem, frame};
use super::{AppState, documentation, routes};
use crate::services::Registry;
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{Data, PathConfig, QueryConfig};
use actix_web::{App, HttpServer};
use std::net::TcpListener;
use std::time::Duration;
use utoipa_actix_web::AppExt;

/// Longest time that a running request may take after the stop was asked for, in seconds.
const STOP_SECONDS: u64 = 30;

/// Starts serving on a listener. The future ends when the server has stopped and every accepted write is durable.
pub fn serve(registry: Registry, listener: TcpListener, workers: usize) -> std::io::Result<(ServerHandle, impl Future<Output = std::io::Result<()>>)> {
    let state = Data::new(AppState::new(registry.clone()));
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
            .configure(routes)
            .split_for_parts();
        app.configure(documentation).default_service(actix_web::web::to(super::methods::refuse))
    })
    .workers(workers)
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(75))
    .shutdown_timeout(STOP_SECONDS)
    .listen(listener)?
    .run();
    let handle = server.handle();
    Ok((handle, async move {
        let jobs = actix_web::rt::spawn({
            let registry = registry.clone();
            async move { registry.work_on_jobs().await }
        });
        let upkeep = actix_web::rt::spawn({
            let registry = registry.clone();
            async move { keep_up(&registry).await }
        });
        let ended = server.await;
        jobs.abort();
        upkeep.abort();
        registry.store.close();
        ended
    }))
}

/// What has to be looked at from time to time: imports and keys of other nodes, and answers that may be forgotten.
async fn keep_up(registry: &Registry) {
    let mut rounds = 0_u64;
    loop {
        tokio::time::sleep(Duration::from_secs(5)).await;
        rounds += 1;
        let mut results = vec![registry.refresh_catalogue().await, registry.refresh_keys().await];
        if rounds.is_multiple_of(720) {
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
