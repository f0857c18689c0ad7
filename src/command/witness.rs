//! `jilu witness`: cosigns the checkpoints of other logs, and does nothing else.

use crate::Failure;
use jilu::clock::Clock;
use jilu::config::Config;
use jilu::entropy::Entropy;
use jilu::http::serve::{Part, serve};
use std::net::TcpListener;

pub async fn run(mut config: Config) -> Result<(), Failure> {
    let listener = TcpListener::bind(config.listen).map_err(|error| format!("{}: {error}", config.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    if config.listen.port() == 0 {
        config.public_url = format!("http://localhost:{}", address.port());
    }
    if config.witnessed_logs.0.is_empty() {
        return Err("witnessed_logs names no log: give the verifier keys of the logs to be cosigned (their /log/vkey)".to_owned().into());
    }
    let (workers, public_url, watched) = (config.workers, config.public_url.clone(), config.witnessed_logs.0.clone());
    let registry = super::open(config, true, Clock::System, Entropy::System).await?;
    super::refuse_if_behind(&registry).await?;
    registry.ensure_registry_keys().await.map_err(|error| super::describe(&error))?;
    let key = registry.witness_key().await.map_err(|error| super::describe(&error))?;
    println!("witness    {key}");
    println!("address    {public_url}/witness");
    watched.iter().for_each(|log| println!("cosigns    {}", log.name));
    println!("\nWhoever runs one of these logs sets: witnesses = \"{key} {public_url}/witness\"");
    super::serve::until_stopped(serve(registry, listener, workers, Part::Witness)).await
}
