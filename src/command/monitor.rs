//! `jilu monitor`: follows a log from outside, checks that it only grows, and lists what was issued in a body's name.

use crate::{Failure, MonitorArguments};
use chrono::SecondsFormat;
use jilu::merkle::checkpoint::Checkpoint;
use jilu::merkle::leaf::Entry;
use jilu::merkle::note::{Note, NoteKey};
use jilu::remote::log_reader::{Seen, Source};
use jilu::whole_file;
use serde_json::json;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

/// What an entry of these kinds says: a certificate came into being, was corrected, or changed its status.
const KINDS: &[&str] = &["certificate_issued", "certificate_corrected", "credential_signed", "status_changed", "permit_reviewed"];

/// Follows the log until it is stopped, or once. Exit code 1 when the log is not to be trusted; with `--once` also when it cannot be
/// read, a quorum is missing, or an entry is not among those that the body knows. With witnesses it follows what they have cosigned.
pub async fn run(arguments: MonitorArguments) -> Result<(), Failure> {
    let key: NoteKey = arguments.log_key.trim().parse().map_err(|error| format!("--log-key: {error}"))?;
    let witnesses = super::verify::witness_keys(&arguments.witness)?;
    let quorum = arguments.quorum.unwrap_or(witnesses.len());
    let source = if witnesses.is_empty() { Source::Checkpoint } else { Source::Cosigned };
    let known = arguments.known.as_deref().map(read_known).transpose()?;
    let mut seen = arguments.state.as_deref().map_or(Ok(Seen::default()), read_state)?;
    loop {
        let (url, log_key, from, organisation) = (arguments.url.trim_end_matches('/').to_owned(), key.clone(), seen.clone(), arguments.organisation.clone());
        let is_wanted = move |entry: &Entry| KINDS.contains(&entry.kind.as_str()) && organisation.as_deref().is_none_or(|wanted| entry.organisation.as_deref() == Some(wanted));
        let followed = tokio::task::spawn_blocking(move || from.follow(&url, source, &log_key, is_wanted)).await.map_err(|error| error.to_string())?;
        let (now, entries) = match followed {
            Ok(followed) => followed,
            // A server that is away for a while says nothing about its log.
            Err(fault) if !arguments.once && !fault.is_about_the_log() => {
                eprintln!("{fault}; asking again");
                tokio::time::sleep(Duration::from_secs(arguments.every)).await;
                continue;
            }
            Err(fault) => return Err(fault.to_string().into()),
        };
        let is_unknown = |index: u64| known.as_ref().is_some_and(|known| !known.contains(&index));
        let mut unknown = 0;
        for (index, entry) in entries {
            unknown += usize::from(is_unknown(index));
            print(index, entry.as_ref(), is_unknown(index), arguments.json);
        }
        let checkpoint = Checkpoint::open(&now.checkpoint, &key).map_err(|error| error.to_string())?;
        let cosigned = Note::parse(&now.checkpoint).map_or(0, |note| note.count_cosigned(&witnesses));
        eprintln!("{}: {} entries, consistent with the {} seen before; {cosigned} of {} witnesses", checkpoint.origin, now.size, seen.size, witnesses.len());
        if cosigned < quorum {
            let why = format!("{cosigned} witnesses have cosigned the checkpoint, {quorum} expected");
            if arguments.once {
                return Err(why.into());
            }
            eprintln!("{why}");
        }
        // The state stays where it was, so that the next look tells of them again.
        if unknown > 0 && arguments.once {
            return Err(format!("{unknown} entries are not among those in {}", arguments.known.as_deref().unwrap_or(Path::new("")).display()).into());
        }
        if let Some(path) = &arguments.state {
            let kept = serde_json::to_string(&now).map_err(|error| error.to_string())?;
            whole_file::replace(path, &kept).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        seen = now;
        if arguments.once {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(arguments.every)).await;
    }
}

fn print(index: u64, entry: Option<&Entry>, is_unknown: bool, as_json: bool) {
    let Some(entry) = entry else {
        // Whatever a log hides in there, it does not hide that it is there.
        return if as_json { println!("{}", json!({ "index": index, "kind": null })) } else { println!("{index:>10}  NOT AN ENTRY OF A REGISTRY") };
    };
    let at = entry.recorded_at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let organisation = entry.organisation.as_deref().unwrap_or("-");
    if as_json {
        println!("{}", json!({ "index": index, "recorded_at": at, "kind": entry.kind, "organisation_id": entry.organisation, "is_known": !is_unknown }));
    } else {
        println!("{index:>10}  {at}  {:<22}  {organisation}{}", entry.kind, if is_unknown { "  NOT KNOWN" } else { "" });
    }
}

/// The first word of each line is the index of an entry.
fn read_known(path: &Path) -> Result<HashSet<u64>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().next().unwrap_or_default().parse().map_err(|_| format!("{}: {line:?} found, the index of an entry expected first", path.display()))).collect()
}

fn read_state(path: &Path) -> Result<Seen, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Seen::default()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}
