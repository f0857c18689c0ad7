//! Settings from a file, the environment and the command line, checked once at start. Every fault is named at once.
//!
//! A setting `listen` is written `listen = "…"` in the file (TOML), `JILU_LISTEN` in the environment, `--listen` on the command
//! line where the command has it; later ones win. An unknown name is a fault, so that a slip of the pen does not pass in silence.

mod settings;

pub use settings::{SETTINGS, SettingDoc};

use crate::credential::identity::did_web_url;
use crate::credential::keys::PublicKey;
use crate::domain::platform::PlatformHosts;
use crate::domain::settings::RuleSettings;
use crate::merkle::note::{KeyKind, NoteKey};
use crate::store::backend::DatabaseUrl;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Everything that can be set, with the program's defaults filled in.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    /// Where the registry is reached from outside: `scheme://host[:port]`, no path. It is part of every DID.
    pub public_url: String,
    pub data: PathBuf,
    pub database: DatabaseUrl,
    pub migrate_on_start: bool,
    /// Whether the interface of the conformance suites is there.
    pub conformance: bool,
    /// HTTP worker threads.
    pub workers: usize,
    pub queue_length: usize,
    /// Largest JSON body in bytes.
    pub body_bytes_max: usize,
    /// Largest file of scores, or of a list to be verified, in bytes.
    pub upload_bytes_max: usize,
    /// Largest file of a batch in bytes, and its rows.
    pub batch_bytes_max: usize,
    pub batch_rows_max: usize,
    /// Rows of one bulk verification (VE-6).
    pub bulk_rows: usize,
    pub body_seconds_max: u64,
    pub token_seconds: u64,
    pub idempotency_days: u32,
    /// Life of a worker's access code in hours, and of the session that it opens in seconds.
    pub access_code_hours: u32,
    pub worker_session_seconds: u64,
    /// Life of a client's session in a browser, and how long it may be idle, in seconds.
    pub client_session_seconds: u64,
    pub client_idle_seconds: u64,
    /// An outside OpenID Connect issuer whose ID tokens open workers' sessions.
    pub oidc: Option<OidcIssuer>,
    /// Most days that a link of a worker may be open.
    pub share_days_max: u32,
    /// Hosts whose platforms may register and collect badges.
    pub platform_hosts: PlatformHosts,
    /// Answers `not_found` that one address without a token may get in a minute; 0 means no limit.
    pub not_found_per_minute: u32,
    /// Pictures that one address may send, and receipts that it may take, in a minute; 0 means no limit.
    pub pictures_per_minute: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Networks,
    /// Issuers elsewhere whose credentials count here.
    pub trusted_issuers: Issuers,
    /// Wrong client secrets that one client may send in 15 minutes; 0 means no limit.
    pub wrong_secrets_max: u32,
    /// KiB that hashing a client's secret takes.
    pub secret_memory_kib: u32,
    /// Who is asked to cosign this log, how many of them make a quorum, and how often they are asked, in seconds.
    pub witnesses: Witnesses,
    pub witness_quorum: usize,
    pub witness_seconds: u64,
    /// The logs that this registry cosigns as a witness.
    pub witnessed_logs: LogKeys,
    pub log_format: LogFormat,
    /// The master key in hex, if it comes from the environment; otherwise it is read from `data/master.key`.
    pub master_key: Option<MasterKey>,
    /// The module that holds the keys of issuers.
    pub key_module: Option<KeyModuleConfig>,
    pub rules: RuleSettings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// An outside OpenID Connect issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcIssuer {
    /// `iss` of its tokens; its discovery document stands below it.
    pub issuer: String,
    /// `aud` of the tokens: the client identifier that the issuer knows this registry by.
    pub audience: String,
    /// The claim that tells the worker's document number.
    pub document_claim: String,
}

/// 32 bytes from which every key at rest is derived. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey(pub [u8; 32]);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey")
    }
}

impl FromStr for MasterKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bytes = hex::decode(text.trim()).map_err(|_| "64 hexadecimal digits expected".to_owned())?;
        bytes.try_into().map(MasterKey).map_err(|_| "64 hexadecimal digits (32 bytes) expected".to_owned())
    }
}

/// Networks of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = |part: &str| part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from));
        listed(text).map(|part| network(part).map_err(|_| format!("{part:?} found, an address or a network like 10.0.0.0/8 expected"))).collect::<Result<_, _>>().map(Networks)
    }
}

/// Where the keys of issuers are held, if not by the process.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyModuleConfig {
    pub library: PathBuf,
    pub token: String,
    pub pin: String,
}

impl std::fmt::Debug for KeyModuleConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyModuleConfig({}, {})", self.library.display(), self.token)
    }
}

/// Issuers that are trusted, by DID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Issuers(pub Vec<String>);

impl FromStr for Issuers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let issuer = |part: &str| {
            let is_known = did_web_url(part).is_some() || part.strip_prefix("did:key:").is_some_and(|key| PublicKey::from_multikey(part, key).is_some());
            if is_known { Ok(part.to_owned()) } else { Err(format!("{part:?} found, a did:web with a name of a host, or a did:key of Ed25519, expected")) }
        };
        listed(text).map(issuer).collect::<Result<_, _>>().map(Issuers)
    }
}

/// A witness of this log: its key, and the address that its requests go to, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    pub key: NoteKey,
    pub url: String,
}

/// Witnesses, each written `KEY URL`, separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witnesses(pub Vec<Witness>);

impl FromStr for Witnesses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let witness = |part: &str| {
            let (key, url) = part.split_once(char::is_whitespace)?;
            let key: NoteKey = key.parse().ok().filter(|key: &NoteKey| key.kind == KeyKind::Witness)?;
            let url = url.trim().trim_end_matches('/');
            (url.starts_with("https://") || url.starts_with("http://")).then(|| Witness { key, url: url.to_owned() })
        };
        listed(text).map(|part| witness(part).ok_or_else(|| format!("{part:?} found, the verifier key of a witness and its address expected"))).collect::<Result<_, _>>().map(Witnesses)
    }
}

/// Verifier keys of logs, separated by commas.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogKeys(pub Vec<NoteKey>);

impl FromStr for LogKeys {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let key = |part: &str| part.parse().ok().filter(|key: &NoteKey| key.kind == KeyKind::Log).ok_or_else(|| format!("{part:?} found, the verifier key of a log expected"));
        listed(text).map(key).collect::<Result<_, _>>().map(LogKeys)
    }
}

/// The parts of a list; `none` is an empty one.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty() && *part != "none")
}

/// Raw settings by name, with where each came from.
#[derive(Debug, Clone, Default)]
pub struct RawSettings {
    values: BTreeMap<String, (String, String)>,
    faults: Vec<String>,
}

impl RawSettings {
    /// Reads a TOML file of plain `name = value` lines.
    pub fn add_file(&mut self, path: &Path) {
        let place = path.display().to_string();
        let table = match std::fs::read_to_string(path).map_err(|error| error.to_string()).and_then(|text| text.parse::<toml::Table>().map_err(|error| error.to_string())) {
            Ok(table) => table,
            Err(error) => return self.faults.push(format!("{place}: {error}")),
        };
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                other => {
                    self.faults.push(format!("{place}: {name}: a {} found, a text, number or boolean expected", other.type_str()));
                    continue;
                }
            };
            self.add(&name, text, &place);
        }
    }

    /// Takes every variable that begins with `JILU_`.
    pub fn add_environment(&mut self, variables: impl Iterator<Item = (String, String)>) {
        for (name, value) in variables {
            if let Some(setting) = name.strip_prefix("JILU_") {
                self.add(&setting.to_lowercase(), value, &name);
            }
        }
    }

    pub fn add(&mut self, name: &str, value: String, place: &str) {
        if SETTINGS.iter().any(|setting| setting.name == name) {
            self.values.insert(name.to_owned(), (value, place.to_owned()));
        } else {
            self.faults.push(format!("{place}: there is no setting {name:?}"));
        }
    }

    fn parse<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let Some((text, place)) = self.values.get(name) else { return default };
        match text.parse() {
            Ok(value) => value,
            Err(error) => {
                // A secret must not reach the screen, not even a mistyped one.
                let shown = if ["master_key", "database", "pkcs11_pin"].contains(&name) { "…" } else { text };
                self.faults.push(format!("{place}: {name} = {shown:?}: {error}"));
                default
            }
        }
    }

    fn parse_between<T>(&mut self, name: &str, default: T, least: T, most: T) -> T
    where
        T: FromStr + PartialOrd + Copy + std::fmt::Display,
        T::Err: std::fmt::Display,
    {
        let value = self.parse(name, default);
        if value < least || value > most {
            self.faults.push(format!("{name} = {value}: {least} to {most} expected"));
        }
        value
    }
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err("json or text expected".to_owned()),
        }
    }
}

impl Config {
    /// Checks everything.
    ///
    /// # Errors
    /// Every fault, each naming the place, the setting, what was found and what was expected.
    pub fn from_settings(mut raw: RawSettings) -> Result<Config, Vec<String>> {
        let listen: SocketAddr = raw.parse("listen", SocketAddr::from(([127, 0, 0, 1], 8080)));
        let data: PathBuf = raw.parse("data", PathBuf::from("data"));
        let default_database = DatabaseUrl::Sqlite(data.join("jilu.db"));
        let standard = RuleSettings::standard();
        let master_key = raw.values.contains_key("master_key").then(|| raw.parse("master_key", MasterKey([0; 32])));
        let pass_score: crate::domain::assessment::Score = {
            let default = crate::domain::assessment::Score::from_tenths(i32::from(standard.pass_score_tenths_min)).expect("the default is a score");
            raw.parse("pass_score", default)
        };
        let oidc = raw.parse_oidc();
        let mut config = Config {
            listen,
            public_url: raw.parse("public_url", format!("http://localhost:{}", listen.port())),
            database: raw.parse("database", default_database),
            migrate_on_start: raw.parse("migrate_on_start", true),
            conformance: raw.parse("conformance", false),
            workers: raw.parse_between("workers", std::thread::available_parallelism().map_or(2, usize::from), 1, 1024),
            queue_length: raw.parse_between("queue_length", 4096, 1, 1_000_000),
            body_bytes_max: raw.parse_between("body_bytes_max", 1 << 20, 1024, 1 << 30),
            upload_bytes_max: raw.parse_between("upload_bytes_max", 32 << 20, 1024, 1 << 32),
            batch_bytes_max: raw.parse_between("batch_bytes_max", 256 << 20, 1024, 1 << 40),
            batch_rows_max: raw.parse_between("batch_rows_max", 200_000, 1, 10_000_000),
            bulk_rows: raw.parse_between("bulk_rows", 500, 1, 1_000_000),
            body_seconds_max: raw.parse_between("body_seconds_max", 30, 1, 3600),
            token_seconds: raw.parse_between("token_seconds", 900, 10, 43_200),
            idempotency_days: raw.parse_between("idempotency_days", 7, 7, 3650),
            access_code_hours: raw.parse_between("access_code_hours", 72, 1, 24 * 90),
            oidc: None,
            share_days_max: raw.parse_between("share_days_max", 90, 1, 3_650),
            platform_hosts: raw.parse("platform_hosts", PlatformHosts::default()),
            worker_session_seconds: raw.parse_between("worker_session_seconds", 1800, 60, 43_200),
            client_session_seconds: raw.parse_between("client_session_seconds", 43_200, 60, 43_200),
            client_idle_seconds: raw.parse_between("client_idle_seconds", 1800, 60, 43_200),
            not_found_per_minute: raw.parse("not_found_per_minute", 60),
            pictures_per_minute: raw.parse("pictures_per_minute", 600),
            trusted_proxies: raw.parse("trusted_proxies", Networks::default()),
            trusted_issuers: raw.parse("trusted_issuers", Issuers::default()),
            wrong_secrets_max: raw.parse("wrong_secrets_max", 10),
            secret_memory_kib: raw.parse_between("secret_memory_kib", 19_456, 64, 1 << 20),
            witnesses: raw.parse("witnesses", Witnesses::default()),
            witness_quorum: raw.parse("witness_quorum", 0),
            witness_seconds: raw.parse_between("witness_seconds", 10, 1, 3600),
            witnessed_logs: raw.parse("witnessed_logs", LogKeys::default()),
            log_format: raw.parse("log_format", LogFormat::Json),
            master_key,
            key_module: raw.parse_key_module(),
            rules: RuleSettings {
                pass_score_tenths_min: u16::try_from(pass_score.tenths()).unwrap_or(standard.pass_score_tenths_min),
                dispute_working_days: raw.parse_between("dispute_working_days", standard.dispute_working_days, 1, 250),
                notice_working_days: raw.parse_between("notice_working_days", standard.notice_working_days, 0, 60),
                panel_members_min: raw.parse_between("panel_members_min", standard.panel_members_min, 1, 99),
                issue_backdate_days_max: raw.parse_between("issue_backdate_days_max", standard.issue_backdate_days_max, 0, 3650),
                permit_valid_years: raw.parse_between("permit_valid_years", standard.permit_valid_years, 1, 50),
                permit_review_years: raw.parse_between("permit_review_years", standard.permit_review_years, 1, 50),
                worker_age_years_min: raw.parse_between("worker_age_years_min", standard.worker_age_years_min, 0, 99),
            },
            data,
        };
        raw.check_public_url(&config.public_url);
        config.oidc = oidc.map(|(issuer, audience, document_claim)| OidcIssuer { issuer, audience: audience.unwrap_or_else(|| config.public_url.clone()), document_claim });
        let (quorum, count) = (config.witness_quorum, config.witnesses.0.len());
        if quorum > count {
            raw.faults.push(format!("witness_quorum = {quorum}: at most the number of witnesses expected, {count}"));
        }
        if raw.faults.is_empty() { Ok(config) } else { Err(raw.faults) }
    }
}

impl RawSettings {
    fn parse_key_module(&mut self) -> Option<KeyModuleConfig> {
        let text = |raw: &Self, name: &str| raw.values.get(name).map(|(text, _)| text.clone());
        let library = text(self, "pkcs11_module").filter(|path| path != "none")?;
        let pin = text(self, "pkcs11_pin");
        if pin.is_none() {
            self.faults.push("pkcs11_module without pkcs11_pin, which opens it".to_owned());
        }
        Some(KeyModuleConfig { library: library.into(), token: text(self, "pkcs11_token").unwrap_or_else(|| "jilu".to_owned()), pin: pin.unwrap_or_default() })
    }

    /// Issuer, audience if given, and claim.
    fn parse_oidc(&mut self) -> Option<(String, Option<String>, String)> {
        let text = |raw: &Self, name: &str| raw.values.get(name).map(|(text, _)| text.clone());
        let Some(issuer) = text(self, "oidc_issuer") else {
            for name in ["oidc_audience", "oidc_document_claim"] {
                if let Some((_, place)) = self.values.get(name) {
                    self.faults.push(format!("{place}: {name} without oidc_issuer, which it belongs to"));
                }
            }
            return None;
        };
        let is_here = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|prefix| issuer.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/'])));
        if !(issuer.starts_with("https://") || is_here) {
            self.faults.push(format!("oidc_issuer = {issuer:?}: https://… expected"));
        }
        Some((issuer, text(self, "oidc_audience"), text(self, "oidc_document_claim").unwrap_or_else(|| "document_number".to_owned())))
    }

    /// did:web knows no IP addresses and no paths in a registry's own DID.
    fn check_public_url(&mut self, url: &str) {
        let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        let fault = match host {
            None => Some("https://HOST or http://HOST expected"),
            Some(host) if host.is_empty() || host.contains(['/', '?', '#', '@', ' ']) => Some("no path, query or user expected after the host"),
            Some(host) if host.parse::<SocketAddr>().is_ok() || host.parse::<std::net::IpAddr>().is_ok() => Some("a host name expected: did:web allows no IP address"),
            Some(_) => None,
        };
        self.faults.extend(fault.map(|fault| format!("public_url = {url:?}: {fault}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[(&str, &str)]) -> Result<Config, Vec<String>> {
        let mut raw = RawSettings::default();
        raw.add_environment(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Config::from_settings(raw)
    }

    #[test]
    fn defaults_are_whole_and_follow_each_other() {
        let config = config(&[("JILU_LISTEN", "127.0.0.1:9000"), ("JILU_DATA", "/tmp/x"), ("HOME", "/")]).unwrap();
        assert_eq!(config.public_url, "http://localhost:9000");
        assert_eq!(config.database, DatabaseUrl::Sqlite("/tmp/x/jilu.db".into()));
        assert_eq!(config.rules, RuleSettings::standard());
    }

    #[test]
    fn every_fault_is_named_at_once_and_secrets_are_not_shown() {
        let faults = config(&[
            ("JILU_LISTEN", "nowhere"),
            ("JILU_DATABASE", "mysql://x"),
            ("JILU_WORKERS", "0"),
            ("JILU_PUBLIC_URL", "http://10.0.0.1"),
            ("JILU_MASTER_KEY", "5ecret"),
            ("JILU_LISTN", "x"),
            ("JILU_PASS_SCORE", "600"),
        ])
        .unwrap_err();
        assert_eq!(faults.len(), 7, "{faults:#?}");
        assert!(!faults.join(" ").contains("5ecret"));
    }
}
