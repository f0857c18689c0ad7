//! `jilu audit`: recomputes everything from the rows up and names what is wrong.

use jilu::clock::Clock;
use jilu::config::Config;
use jilu::entropy::Entropy;
use std::io::{IsTerminal, Write};

pub async fn run(config: Config) -> Result<(), String> {
    let registry = super::open(config, false, Clock::System, Entropy::System).await?;
    let is_watched = std::io::stderr().is_terminal();
    let progress = move |what: &str, done: u64| {
        if is_watched {
            let _ = write!(std::io::stderr(), "\r{done:>12} {what}\x1b[K");
        }
    };
    let report = registry.audit(progress).await.map_err(|error| super::describe(&error))?;
    registry.store.close();
    if is_watched {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    report.faults.iter().for_each(|fault| println!("{fault}"));
    let found = format!("{} entries, {} checkpoints, {} facts, {} credentials", report.entries, report.checkpoints, report.facts, report.credentials);
    match report.faults.len() {
        0 => {
            println!("{found}: all as the log says");
            Ok(())
        }
        count => Err(format!("{found}: {count} wrong")),
    }
}
