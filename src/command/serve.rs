//! `jilu serve`.

use crate::Failure;
use jilu::clock::Clock;
use jilu::config::Config;
use jilu::entropy::Entropy;
use jilu::http::serve::{Ended, Part, Serving, serve};
use std::net::TcpListener;

pub async fn run(config: Config) -> Result<(), Failure> {
    let listener = TcpListener::bind(config.listen).map_err(|error| format!("{}: {error}", config.listen))?;
    let (workers, public_url, database) = (config.workers, config.public_url.clone(), config.database.to_string());
    let registry = super::open(config, false, Clock::System, Entropy::System).await?;
    if registry.list_published_keys(registry.registry_did()).await.map_err(|error| super::describe(&error))?.is_empty() {
        let (known, _) = registry.list_key_rows().await.map_err(|error| super::describe(&error))?;
        return Err(match known.iter().map(|row| &row.owner).find(|owner| !owner.contains(":organisations:")) {
            Some(did) => format!("this registry was initialised as {did}, and public_url now means {}; set public_url to its address", registry.registry_did()),
            None => "the registry has no keys yet: run `jilu init` first".to_owned(),
        }
        .into());
    }
    super::refuse_if_behind(&registry).await?;
    // A registry of an earlier version lacks the keys and the lists of later ones.
    registry.ensure_registry_keys().await.map_err(|error| super::describe(&error))?;
    registry.load_shipped_catalogue().await.map_err(|error| super::describe(&error))?;
    tracing::info!(%public_url, %database, version = env!("CARGO_PKG_VERSION"), "serving");
    until_stopped(serve(registry, listener, workers, Part::Registry)).await
}

/// Serves until the process is asked to stop, or until nothing may be signed any more.
pub async fn until_stopped(started: std::io::Result<Serving<impl Future<Output = std::io::Result<Ended>>>>) -> Result<(), Failure> {
    let Serving { server, .. } = started.map_err(|error| error.to_string())?;
    match server.await.map_err(|error| error.to_string())? {
        Ended::Asked => {
            tracing::info!("stopped; everything accepted is durable");
            Ok(())
        }
        Ended::Behind(why) => Err(Failure::Behind(why)),
    }
}
