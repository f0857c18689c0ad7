//! `jilu keys`: the public halves, oldest first.

use crate::Failure;
use jilu::clock::{Clock, from_micros};
use jilu::config::Config;
use jilu::entropy::Entropy;

pub async fn run(config: Config) -> Result<(), Failure> {
    let registry = super::open(config, false, Clock::System, Entropy::System).await?;
    for row in registry.list_key_rows().await.map_err(|error| super::describe(&error))? {
        println!("{}  {:<11}  {}", from_micros(row.created_at).format("%Y-%m-%dT%H:%M:%SZ"), row.purpose, row.key_id);
    }
    registry.store.close();
    Ok(())
}
