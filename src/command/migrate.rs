//! `jilu migrate`.

use crate::Failure;
use jilu::config::Config;
use jilu::store::backend::{Conn, on_plain_thread};

pub async fn run(config: Config) -> Result<(), Failure> {
    std::fs::create_dir_all(&config.data).map_err(|error| format!("{}: {error}", config.data.display()))?;
    let fault = |error: jilu::store::error::StoreError| format!("{}: {error}", config.database);
    on_plain_thread(|| Conn::open(&config.database)?.apply_migrations()).map_err(fault)?;
    println!("{} is up to date", config.database);
    Ok(())
}
