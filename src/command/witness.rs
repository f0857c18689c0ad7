//! `jilu witness`: cosigns the checkpoints of other logs, and does nothing else.

use crate::Failure;
use jilu::clock::Clock;
use jilu::config::Config;
use jilu::entropy::Entropy;
use jilu::http::serve::{Part, serve};
use std::io::Write;
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
    let cosigns: String = watched.iter().map(|log| format!("cosigns    {}\n", log.name)).collect();
    let said = format!("witness    {key}\naddress    {public_url}/witness\n{cosigns}\nWhoever runs one of these logs sets: witnesses = \"{key} {public_url}/witness\"\n");
    // Whoever has read enough may close its end; a witness goes on.
    let _ = std::io::stdout().write_all(said.as_bytes());
    super::serve::until_stopped(serve(registry, listener, workers, Part::Witness)).await
}
