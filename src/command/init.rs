//! `jilu init`.

use crate::Failure;
use jilu::clock::Clock;
use jilu::config::Config;
use jilu::entropy::Entropy;

pub async fn run(config: Config) -> Result<(), Failure> {
    let (data, database) = (config.data.display().to_string(), config.database.to_string());
    let registry = super::open(config, true, Clock::System, Entropy::System).await?;
    super::refuse_if_behind(&registry).await?;
    let client = registry.set_up().await.map_err(|error| super::describe(&error))?;
    registry.store.close();
    println!("database    {database}");
    println!("keys        {data}/master.key (keep a copy in a safe place: without it nothing can be read)");
    println!("registry    {}", registry.registry_did());
    match client {
        Some(client) => {
            println!("\nThe first registrar. The secret is shown this once and never again:\n");
            println!("client_id      {}\nclient_secret  {}", client.row.id, client.secret);
        }
        None => println!("\nThere are clients already; no secret is shown a second time."),
    }
    Ok(())
}
