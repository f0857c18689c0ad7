//! `jilu verify`: checks a credential by files alone.

use crate::VerifyArguments;
use jilu::clock::Clock;
use jilu::credential::offline::{Evidence, verify};
use jilu::merkle::note::{KeyKind, NoteKey};
use jilu::services::papers::{PDF, open_paper};
use std::path::Path;
use std::process::ExitCode;

/// Prints every check. Exit code 0 when all passed, 1 when one failed or could not be made, 2 when a file cannot be read.
pub fn run(arguments: &VerifyArguments) -> ExitCode {
    let evidence = match read(arguments) {
        Ok(evidence) => evidence,
        Err(error) => {
            eprintln!("jilu: {error}");
            return ExitCode::from(2);
        }
    };
    let checks = verify(&evidence, Clock::System.now());
    for check in &checks {
        let outcome = match check.passed {
            Some(true) => "passed",
            Some(false) => "failed",
            None => "-",
        };
        println!("{:<10} {outcome:<7} {}", check.name, check.detail);
    }
    if checks.iter().all(|check| check.passed == Some(true)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn read(arguments: &VerifyArguments) -> Result<Evidence, String> {
    let text = |path: &Path| std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    let optional = |path: &Option<std::path::PathBuf>| path.as_deref().map(text).transpose();
    let keys = serde_json::from_str(&text(&arguments.keys)?).map_err(|error| format!("{}: {error}", arguments.keys.display()))?;
    let witnesses = witness_keys(&arguments.witness)?;
    let quorum = arguments.quorum.unwrap_or(witnesses.len());
    let mut file = std::fs::read(&arguments.file).map_err(|error| format!("{}: {error}", arguments.file.display()))?;
    let (mut proof, mut paper) = (optional(&arguments.proof)?, None);
    if file.starts_with(PDF) {
        let opened = open_paper(&file).map_err(|fault| format!("{}: {fault}", arguments.file.display()))?;
        (file, paper, proof) = (opened.credential, Some(opened.seal), proof.or(opened.proof));
    }
    Ok(Evidence { credential: file, paper, proof, keys, log_key: optional(&arguments.log_key)?, status_list: optional(&arguments.status)?, witnesses, quorum })
}

/// Verifier keys of witnesses as they stand on the command line.
pub fn witness_keys(texts: &[String]) -> Result<Vec<NoteKey>, String> {
    let key = |text: &String| text.parse().ok().filter(|key: &NoteKey| key.kind == KeyKind::Witness).ok_or_else(|| format!("--witness {text}: the verifier key of a witness expected"));
    texts.iter().map(key).collect()
}
