//! The one binary. Commands parse their arguments here and do their work in `command/`.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod command;

use clap::{Args, Parser, Subcommand};
use jilu::config::{Config, LogFormat, RawSettings};
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit codes: 0 done · 1 it failed while running · 2 wrong arguments or settings, nothing was started · 3 the database is older than
/// what was published, nothing is signed.
#[derive(Parser)]
#[command(name = "jilu", version, about = "Jilu (技录), the registry of skills", after_help = "Exit codes: 0 done, 1 failed while running, 2 wrong arguments or settings, 3 the database is older than what was published.\n\nExample: jilu demo")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the registry
    #[command(after_help = "Example: jilu serve --listen 0.0.0.0:8080 --database postgres://jilu@db.example/jilu?sslmode=require")]
    Serve(Place),
    /// Run the main job on invented people, then keep serving
    #[command(after_help = "Example: jilu demo --workers 50 --seed 7")]
    Demo(DemoArguments),
    /// Create keys, database and catalogue; print the first registrar's secret once
    #[command(after_help = "Example: jilu init --data /var/lib/jilu")]
    Init(Place),
    /// Apply missing migrations
    #[command(after_help = "Example: jilu migrate --database postgres://jilu@db.example/jilu")]
    Migrate(Place),
    /// List the keys, let new ones take over, strike stolen ones out
    #[command(after_help = "Example: jilu keys --data /var/lib/jilu")]
    Keys(KeysArguments),
    /// Recompute everything from the rows up; name each row that is wrong
    #[command(after_help = "Exit code 1 when something is wrong.\n\nExample: jilu audit --data /var/lib/jilu --since audited.txt --save audited.txt")]
    Audit(AuditArguments),
    /// Cosign the checkpoints of other logs as their witness
    #[command(after_help = "Example: JILU_WITNESSED_LOGS=$(curl -s https://registry.example/log/vkey) jilu witness --data /var/lib/jilu-witness --listen 0.0.0.0:8081")]
    Witness(Place),
    /// Follow a log from outside: that it only grows, and what is issued in a body's name
    #[command(after_help = "Exit code 1 when the log is not to be trusted; with --once also when it cannot be read, an entry is not known, or a quorum is missing.\n\nWith --witness it follows what the witnesses have cosigned, which is some seconds older than the newest.\n\nExample: jilu monitor https://registry.example/log --log-key \"$(cat vkey)\" --organisation org_01kjr0m5000000000000000000 --state seen.json")]
    Monitor(MonitorArguments),
    /// Check a credential, or a learner record with every certificate in it, offline: signature, schema, validity, log, status
    #[command(after_help = "Exit code 0 when every check passed.\n\nExample: jilu verify credential.jwt --keys jwks.json --proof certificate.tlog-proof --log-key vkey --status list.jwt")]
    Verify(VerifyArguments),
    /// Print the OpenAPI document
    #[command(after_help = "Example: jilu openapi > openapi/openapi.json")]
    Openapi,
    /// Print the version
    #[command(after_help = "Example: jilu version")]
    Version,
}

#[derive(Args)]
pub struct AuditArguments {
    #[command(flatten)]
    place: Place,
    /// Checkpoint of an earlier clean audit: credentials before it are not asked for their signatures again; everything else is checked
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// Where to put the checkpoint that a clean audit covers
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// Where the registry is and how it is configured.
#[derive(Args, Clone, Default)]
pub struct Place {
    /// Address and port to serve on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Directory of keys and, by default, of the SQLite file [default: data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// sqlite:PATH or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args, Clone)]
pub struct KeysArguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<KeysCommand>,
}

#[derive(clap::Subcommand, Clone)]
pub enum KeysCommand {
    /// List the public halves, oldest first, each with what it is now
    List,
    /// Let a new key take over in some seconds; the old one stays published
    Rotate {
        /// DID of the owner [default: the registry and every organisation]
        #[arg(long, value_name = "DID")]
        owner: Option<String>,
        /// credentials or tokens
        #[arg(long, default_value = "credentials")]
        purpose: String,
    },
    /// Strike a stolen key out: what it signed counts only if the log had it before
    Revoke {
        /// Identifier of the key, as `jilu keys` lists it
        #[arg(value_name = "KEY")]
        key_id: String,
        /// When it was stolen (RFC 3339)
        #[arg(long, value_name = "TIME")]
        since: chrono::DateTime<chrono::Utc>,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

#[derive(Args, Clone)]
pub struct DemoArguments {
    #[command(flatten)]
    place: Place,
    /// Print one JSON object when ready, and nothing else, on standard output
    #[arg(long)]
    json: bool,
    /// How many workers to invent
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(2..=5000))]
    workers: u32,
    /// Stop when done instead of serving on
    #[arg(long)]
    exit: bool,
    /// Makes the run repeatable
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

#[derive(Args, Clone)]
pub struct VerifyArguments {
    /// The credential in any form: a JWT, JSON with proofs, an SD-JWT, a picture, a PDF
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The published keys: /.well-known/jwks.json
    #[arg(long, value_name = "FILE")]
    keys: PathBuf,
    /// The proof from the log: /v1/certificates/{number}/proof as text/plain; a PDF carries its own
    #[arg(long, value_name = "FILE", requires = "log_key")]
    proof: Option<PathBuf>,
    /// The key of the log: /log/vkey
    #[arg(long, value_name = "FILE")]
    log_key: Option<PathBuf>,
    /// The status list that the credential names
    #[arg(long, value_name = "FILE")]
    status: Option<PathBuf>,
    /// Verifier key of a witness that must have cosigned the proof's checkpoint; may be given several times
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// How many of the witnesses are enough [default: all]
    #[arg(long, value_name = "N", requires = "witness")]
    quorum: Option<usize>,
}

#[derive(Args, Clone)]
pub struct MonitorArguments {
    /// Where the log is, for example https://registry.example/log
    #[arg(value_name = "URL")]
    url: String,
    /// The key of the log: the text of /log/vkey
    #[arg(long, value_name = "KEY")]
    log_key: String,
    /// List only what was entered for this organisation
    #[arg(long, value_name = "ID")]
    organisation: Option<String>,
    /// Where to keep what was seen, so that the next run goes on from there
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Indexes of entries that the body knows, one a line (from Jilu-Log-Index and Jilu-Log-Entries); others are marked
    #[arg(long, value_name = "FILE")]
    known: Option<PathBuf>,
    /// Verifier key of a witness of the log; may be given several times
    #[arg(long, value_name = "KEY")]
    witness: Vec<String>,
    /// How many witnesses must have cosigned the checkpoint [default: all]
    #[arg(long, value_name = "N", requires = "witness")]
    quorum: Option<usize>,
    /// Look once and stop
    #[arg(long)]
    once: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    every: u64,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Why a command has failed.
pub enum Failure {
    Failed(String),
    /// The database is older than what was published.
    Behind(String),
}

impl From<String> for Failure {
    fn from(why: String) -> Self {
        Failure::Failed(why)
    }
}

impl Place {
    /// Reads file, environment and arguments; later ones win.
    fn settings(&self) -> RawSettings {
        let mut raw = RawSettings::default();
        if let Some(file) = &self.config {
            raw.add_file(file);
        }
        raw.add_environment(std::env::vars());
        for (name, value) in [("listen", &self.listen), ("data", &self.data), ("database", &self.database)] {
            if let Some(value) = value {
                raw.add(name, value.clone(), &format!("--{name}"));
            }
        }
        raw
    }
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Openapi => {
            print!("{}", jilu::http::openapi_text());
            ExitCode::SUCCESS
        }
        Command::Version => {
            println!("jilu {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Command::Verify(arguments) => command::verify::run(&arguments),
        Command::Demo(arguments) => run(command::demo::settings(&arguments), "warn", |config| command::demo::run(config, arguments)),
        Command::Monitor(arguments) => end(actix_web::rt::System::new().block_on(command::monitor::run(arguments))),
        Command::Witness(place) => run(place.settings(), "info", command::witness::run),
        Command::Serve(place) => run(place.settings(), "info", command::serve::run),
        Command::Init(place) => run(place.settings(), "warn", command::init::run),
        Command::Migrate(place) => run(place.settings(), "warn", command::migrate::run),
        Command::Audit(arguments) => run(arguments.place.settings(), "warn", |config| command::audit::run(config, arguments)),
        Command::Keys(arguments) => run(arguments.place.settings(), "warn", |config| command::keys::run(config, arguments)),
    }
}

/// Checks the settings, then runs a command to its end.
fn run<F>(raw: RawSettings, log_level: &str, command: impl FnOnce(Config) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Failure>>,
{
    let config = match Config::from_settings(raw) {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("jilu cannot start, {} wrong:", if faults.len() == 1 { "one setting is".to_owned() } else { format!("{} settings are", faults.len()) });
            faults.iter().for_each(|fault| eprintln!("  {fault}"));
            return ExitCode::from(2);
        }
    };
    start_log(config.log_format, log_level);
    end(actix_web::rt::System::new().block_on(command(config)))
}

fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(why)) => {
            eprintln!("jilu: {why}");
            ExitCode::FAILURE
        }
        Err(Failure::Behind(why)) => {
            eprintln!("jilu: {why}");
            ExitCode::from(3)
        }
    }
}

/// Log lines go to standard error; `RUST_LOG` chooses others.
fn start_log(format: LogFormat, level: &str) {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    match format {
        LogFormat::Json => log.json().flatten_event(true).init(),
        LogFormat::Text => log.init(),
    }
}
