//! What the commands do.

pub mod audit;
pub mod demo;
pub mod demo_client;
pub mod demo_people;
mod demo_training;
mod demo_worker;
pub mod init;
pub mod keys;
pub mod migrate;
pub mod monitor;
pub mod serve;
pub mod verify;
pub mod witness;

use crate::Failure;
use jilu::clock::Clock;
use jilu::config::{Config, MasterKey};
use jilu::entropy::Entropy;
use jilu::services::Registry;
use jilu::services::error::Error;
use jilu::store::{Store, StoreOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The master key: from the settings, from its file, or, when `may_create`, a new one.
fn master_key(config: &Config, may_create: bool, entropy: &Entropy) -> Result<[u8; 32], String> {
    if let Some(MasterKey(key)) = &config.master_key {
        return Ok(*key);
    }
    let path = config.data.join("master.key");
    match std::fs::read_to_string(&path) {
        Ok(text) => text.parse::<MasterKey>().map(|key| key.0).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_create => create_master_key(&path, entropy),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(format!("{} does not exist: run `jilu init`, or set JILU_MASTER_KEY", path.display())),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// Writes a new key, readable by its owner only, and durable before anything is sealed with it.
fn create_master_key(path: &Path, entropy: &Entropy) -> Result<[u8; 32], String> {
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    let key: [u8; 32] = entropy.bytes();
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(fault)?;
    file.write_all(format!("{}\n", hex::encode(key)).as_bytes()).map_err(fault)?;
    file.sync_all().map_err(fault)?;
    std::fs::File::open(path.parent().unwrap_or(Path::new("."))).and_then(|directory| directory.sync_all()).map_err(fault)?;
    Ok(key)
}

/// Opens store and registry.
async fn open(config: Config, may_create: bool, clock: Clock, entropy: Entropy) -> Result<Registry, String> {
    std::fs::create_dir_all(&config.data).map_err(|error| format!("{}: {error}", config.data.display()))?;
    // Never from a seeded generator: a key that anybody can make again protects nothing.
    let master_key = master_key(&config, may_create, &Entropy::System)?;
    let options = StoreOptions { url: config.database.clone(), migrate: may_create || config.migrate_on_start, queue_length: config.queue_length };
    let store = Store::open(&options, clock.clone(), entropy.clone()).map_err(|error| format!("{}: {error}", config.database))?;
    Registry::open(store, config, clock, entropy, &master_key).await.map_err(|error| describe(&error))
}

/// What was published must still be there before anything is signed.
async fn refuse_if_behind(registry: &Registry) -> Result<(), Failure> {
    match registry.find_behind().await.map_err(|error| describe(&error))? {
        Some(behind) => Err(Failure::Behind(behind.to_string())),
        None => Ok(()),
    }
}

/// An error for the terminal of whoever runs the registry.
fn describe(error: &Error) -> String {
    match error {
        Error::Internal(why) => why.clone(),
        Error::Invalid(violations) | Error::Refused(violations) => violations.iter().map(|violation| &*violation.detail.en).collect::<Vec<_>>().join("; "),
        other => format!("{other:?}"),
    }
}
