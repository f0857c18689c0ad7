//! `jilu keys`: lists the public halves, lets a new key take over, strikes a stolen one out.

use crate::{Failure, KeysArguments, KeysCommand};
use jilu::clock::{Clock, from_micros};
use jilu::config::Config;
use jilu::entropy::Entropy;
use jilu::services::Registry;
use jilu::store::keys::{KeyRevocationRow, SigningKeyRow};

pub async fn run(config: Config, arguments: KeysArguments) -> Result<(), Failure> {
    let registry = super::open(config, false, Clock::System, Entropy::System).await?;
    let done = match arguments.command.unwrap_or(KeysCommand::List) {
        KeysCommand::List => list(&registry).await,
        KeysCommand::Rotate { owner, purpose } => rotate(&registry, owner, &purpose).await,
        KeysCommand::Revoke { key_id, since, reason } => revoke(&registry, &key_id, since, &reason).await,
    };
    registry.store.close();
    done
}

fn at(micros: i64) -> String {
    from_micros(micros).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn rows(registry: &Registry) -> Result<(Vec<SigningKeyRow>, Vec<KeyRevocationRow>), Failure> {
    registry.list_key_rows().await.map_err(|error| super::describe(&error).into())
}

/// Oldest first, each with what it is now.
async fn list(registry: &Registry) -> Result<(), Failure> {
    let (rows, revocations) = rows(registry).await?;
    let now = registry.clock.now().timestamp_micros();
    for row in &rows {
        let is_newer = |other: &&SigningKeyRow| other.owner == row.owner && other.purpose == row.purpose && other.created_at > row.created_at && other.created_at <= now;
        let state = match revocations.iter().find(|revocation| revocation.key_id == row.key_id) {
            Some(revocation) => format!("revoked, stolen at {}", at(revocation.compromised_at)),
            None if row.created_at > now => "next".to_owned(),
            None if rows.iter().any(|other| is_newer(&other)) => "retired".to_owned(),
            None => "current".to_owned(),
        };
        println!("{}  {:<11}  {}  {state}", at(row.created_at), row.purpose, row.key_id);
    }
    Ok(())
}

async fn rotate(registry: &Registry, owner: Option<String>, purpose: &str) -> Result<(), Failure> {
    let owners = match owner {
        Some(owner) => vec![owner],
        None => {
            let mut owners: Vec<String> = rows(registry).await?.0.into_iter().filter(|row| row.purpose == purpose).map(|row| row.owner).collect();
            owners.sort();
            owners.dedup();
            owners
        }
    };
    for owner in owners {
        let row = registry.rotate_key(&owner, purpose).await.map_err(|error| super::describe(&error))?;
        println!("{}  signs from {} on", row.key_id, at(row.created_at));
    }
    Ok(())
}

async fn revoke(registry: &Registry, key_id: &str, since: chrono::DateTime<chrono::Utc>, reason: &str) -> Result<(), Failure> {
    let successor = registry.revoke_key(key_id, since, reason).await.map_err(|error| super::describe(&error))?;
    println!("{key_id}  revoked: what it signed counts only if the log had it before {}", since.format("%Y-%m-%dT%H:%M:%SZ"));
    if let Some(row) = successor {
        println!("{}  signs from now on", row.key_id);
    }
    Ok(())
}
