//! `jilu migrate`.

use jilu::config::Config;
use jilu::store::backend::Conn;

pub async fn run(config: Config) -> Result<(), String> {
    std::fs::create_dir_all(&config.data).map_err(|error| format!("{}: {error}", config.data.display()))?;
    let fault = |error: jilu::store::error::StoreError| format!("{}: {error}", config.database);
    Conn::open(&config.database).map_err(fault)?.apply_migrations().map_err(fault)?;
    println!("{} is up to date", config.database);
    Ok(())
}
