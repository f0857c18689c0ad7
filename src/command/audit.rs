//! `jilu audit`: recomputes everything from the rows up and names what is wrong.

use crate::{AuditArguments, Failure};
use indicatif::{ProgressBar, ProgressStyle};
use jilu::clock::Clock;
use jilu::config::Config;
use jilu::entropy::Entropy;
use jilu::services::audit::AuditOptions;

pub async fn run(config: Config, arguments: AuditArguments) -> Result<(), Failure> {
    let since = arguments.since.as_ref().map(|path| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))).transpose()?;
    let registry = super::open(config, false, Clock::System, Entropy::System).await?;
    // Only drawn where somebody watches.
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template("{msg:>8} {wide_bar} {human_pos} of {human_len}, {eta} left").map_err(|error| error.to_string())?);
    let watched = bar.clone();
    let progress = move |what: &str, done: u64, of: u64| {
        watched.set_message(what.to_owned());
        watched.set_length(of);
        watched.set_position(done);
    };
    let report = registry.audit(AuditOptions { since, progress: Box::new(progress) }).await.map_err(|error| super::describe(&error))?;
    registry.store.close();
    bar.finish_and_clear();
    report.faults.iter().for_each(|fault| println!("{fault}"));
    let found = format!("{} entries, {} checkpoints, {} facts, {} credentials, {} signatures checked", report.entries, report.checkpoints, report.facts, report.credentials, report.signatures);
    match report.faults.len() {
        0 => {
            println!("{found}: all as the log says");
            if let (Some(path), Some(checkpoint)) = (&arguments.save, &report.checkpoint) {
                std::fs::write(path, checkpoint).map_err(|error| format!("{}: {error}", path.display()))?;
            }
            Ok(())
        }
        count => Err(format!("{found}: {count} wrong").into()),
    }
}
