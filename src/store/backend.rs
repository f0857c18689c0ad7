//! The two databases behind one enum, and how a connection to each is made.
//!
//! PostgreSQL is spoken by tokio-postgres under diesel-async's blocking wrapper: TLS by rustls, and nothing to install on the
//! machine. libpq was left because its bundled form has no TLS and its other forms need OpenSSL's headers.

use super::error::StoreError;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sqlite::SqliteConnection;
use diesel_async::AsyncPgConnection;
use diesel_async::async_connection_wrapper::AsyncConnectionWrapper;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

const SQLITE_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES_MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// SQLite before this version can corrupt a database in WAL mode that has several connections (the WAL-reset race).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

pub type PgConn = AsyncConnectionWrapper<AsyncPgConnection>;

/// A connection to either database.
pub enum Conn {
    Sqlite(SqliteConnection),
    Pg(Box<PgConn>),
}

/// Runs one statement on whichever connection it is; both arms are type-checked. A site that tests can make fail.
macro_rules! on {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::store::backend::Conn::Sqlite($c) => $crate::store::faults::site!($body),
            $crate::store::backend::Conn::Pg(boxed) => {
                let $c = boxed.as_mut();
                $crate::store::faults::site!($body)
            }
        }
    };
}
pub(crate) use on;

/// Where the database is. `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    Sqlite(PathBuf),
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err("sqlite:PATH expected, the path is empty".to_owned()) } else { Ok(DatabaseUrl::Sqlite(path.into())) };
        }
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return match text.parse::<tokio_postgres::Config>() {
                Ok(_) => Ok(DatabaseUrl::Postgres(text.to_owned())),
                Err(error) => Err(format!("not a PostgreSQL URL: {error}")),
            };
        }
        Err("sqlite:PATH or postgres://USER@HOST/DATABASE expected".to_owned())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            // Built from the parsed parts: a password may stand in several places of the text.
            DatabaseUrl::Postgres(url) => match url.parse::<tokio_postgres::Config>() {
                Ok(config) => write!(f, "postgres://…@{}/{}", hosts(&config), config.get_dbname().unwrap_or_default()),
                Err(_) => f.write_str("postgres://…"),
            },
        }
    }
}

fn hosts(config: &tokio_postgres::Config) -> String {
    let name = |host: &tokio_postgres::config::Host| match host {
        tokio_postgres::config::Host::Tcp(name) => name.clone(),
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
    };
    config.get_hosts().iter().map(name).collect::<Vec<_>>().join(",")
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Conn {
    pub fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path).map(Conn::Sqlite),
            DatabaseUrl::Postgres(url) => open_postgres(url).map(|conn| Conn::Pg(Box::new(conn))),
        }
    }

    /// A connection for reads. SQLite drops the whole page cache of a reader whenever somebody else has written, and walks through
    /// its table to do so: a large one costs more than it saves.
    pub fn open_for_reading(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let mut conn = Self::open(url)?;
        if let Conn::Sqlite(sqlite) = &mut conn {
            sqlite.batch_execute("PRAGMA cache_size = -4096")?;
        }
        Ok(conn)
    }

    pub fn execute_script(&mut self, sql: &str) -> Result<(), StoreError> {
        Ok(on!(self, |c| c.batch_execute(sql))?)
    }

    /// Begins a transaction that will write. SQLite takes its write lock at once, so that it cannot fail later for want of it.
    pub fn begin(&mut self) -> Result<(), StoreError> {
        let sql = match self {
            Conn::Sqlite(_) => "BEGIN IMMEDIATE",
            Conn::Pg(_) => "BEGIN",
        };
        self.execute_script(sql)
    }

    pub fn commit(&mut self) -> Result<(), StoreError> {
        Ok(on!(self, |c| c.batch_execute("COMMIT"))?)
    }

    /// Begins a transaction that only reads, and reads one state of the database.
    pub fn begin_snapshot(&mut self) -> Result<(), StoreError> {
        let sql = match self {
            Conn::Sqlite(_) => "BEGIN",
            Conn::Pg(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.execute_script(sql)
    }

    /// The clause that keeps a row for this transaction: a lock on PostgreSQL, nothing on SQLite, whose writer is alone.
    pub fn row_lock(&self) -> &'static str {
        match self {
            Conn::Sqlite(_) => "",
            Conn::Pg(_) => " FOR UPDATE",
        }
    }

    /// The clause that keeps a row from being changed by others: a lock on PostgreSQL, nothing on SQLite, whose writer is alone.
    pub fn row_share(&self) -> &'static str {
        match self {
            Conn::Sqlite(_) => "",
            Conn::Pg(_) => " FOR SHARE",
        }
    }

    /// How the first parameter is written in a statement.
    pub fn parameter(&self) -> &'static str {
        match self {
            Conn::Sqlite(_) => "?",
            Conn::Pg(_) => "$1",
        }
    }

    /// Applies missing migrations. Two nodes that start at once take turns.
    pub fn apply_migrations(&mut self) -> Result<(), StoreError> {
        let applied = match self {
            Conn::Sqlite(conn) => conn.run_pending_migrations(SQLITE_MIGRATIONS).map(|_| ()),
            Conn::Pg(conn) => {
                conn.batch_execute("SELECT pg_advisory_lock(7419016)")?;
                let applied = conn.as_mut().run_pending_migrations(POSTGRES_MIGRATIONS).map(|_| ());
                conn.batch_execute("SELECT pg_advisory_unlock(7419016)")?;
                applied
            }
        };
        applied.map_err(|error| StoreError::Unusable(format!("a migration failed: {error}")))
    }

    /// Takes the newest migration back; for tests that go up, down and up again.
    pub fn revert_migrations(&mut self) -> Result<(), StoreError> {
        let reverted = match self {
            Conn::Sqlite(conn) => conn.revert_all_migrations(SQLITE_MIGRATIONS).map(|_| ()),
            Conn::Pg(conn) => conn.as_mut().revert_all_migrations(POSTGRES_MIGRATIONS).map(|_| ()),
        };
        reverted.map_err(|error| StoreError::Unusable(format!("a migration did not go down: {error}")))
    }

    /// A program must not run on tables that it does not know.
    pub fn refuse_pending_migrations(&mut self) -> Result<(), StoreError> {
        let pending = match self {
            Conn::Sqlite(conn) => conn.has_pending_migration(SQLITE_MIGRATIONS),
            Conn::Pg(conn) => conn.as_mut().has_pending_migration(POSTGRES_MIGRATIONS),
        };
        match pending {
            Ok(false) => Ok(()),
            Ok(true) => Err(StoreError::Unusable("migrations are missing: run `jilu migrate`, or start with migrate_on_start".to_owned())),
            Err(error) => Err(StoreError::Unusable(error.to_string())),
        }
    }
}

/// Runs something that blocks on PostgreSQL's runtime; a thread that drives a runtime of its own must not.
pub fn on_plain_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(work).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    value: String,
}

fn open_sqlite(path: &std::path::Path) -> Result<SqliteConnection, StoreError> {
    let unusable = |error: String| StoreError::Unusable(format!("sqlite:{}: {error}", path.display()));
    let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(|error| unusable(error.to_string()))?;
    // No mmap: a file that shrinks under it would end the process. A larger cache would cost more than it saves: a commit that has
    // moved pages about walks through all of it. SQLite carries its write-ahead log by itself only where `wal` does not keep up.
    conn.batch_execute(
        "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0; \
         PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = 64000;",
    )?;
    let setting = |conn: &mut SqliteConnection, sql: &str| -> Result<String, StoreError> { Ok(diesel::sql_query(sql).get_result::<Setting>(conn)?.value) };
    let version = setting(&mut conn, "SELECT sqlite_version() AS value")?;
    let number = version.split('.').fold(0, |sum, part| sum * 1000 + part.parse::<i32>().unwrap_or(0));
    if number < SQLITE_VERSION_MIN {
        return Err(unusable(format!("SQLite {version} found, 3.51.3 or newer expected")));
    }
    for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2")] {
        let found = setting(&mut conn, &format!("SELECT CAST({pragma} AS TEXT) AS value FROM pragma_{pragma}"))?;
        if found != expected {
            return Err(unusable(format!("{pragma} is {found}, {expected} expected: acknowledged facts could be lost")));
        }
    }
    Ok(conn)
}

/// The threads that move PostgreSQL's bytes; callers block on their own threads.
fn postgres_io() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres-io")
            .enable_all()
            .build()
            .expect("a process that cannot start a thread cannot serve")
    })
}

fn open_postgres(url: &str) -> Result<PgConn, StoreError> {
    let config: tokio_postgres::Config = url.parse().map_err(|error: tokio_postgres::Error| StoreError::Unusable(error.to_string()))?;
    let runtime = postgres_io();
    // The wrapper blocks on the runtime that is current when it is made.
    let _entered = runtime.enter();
    let connected = runtime.block_on(async {
        let (client, connection) = config.connect(postgres_tls()).await.map_err(|error| StoreError::Unavailable(with_cause(&error)))?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await.map_err(|error| StoreError::Unavailable(error.to_string()))
    })?;
    let mut conn = PgConn::from(connected);
    for (setting, dangerous) in [("fsync", &["off"] as &[&str]), ("full_page_writes", &["off"]), ("synchronous_commit", &["off", "local"])] {
        let found = diesel::sql_query(format!("SELECT current_setting('{setting}') AS value")).get_result::<Setting>(&mut conn)?.value;
        if dangerous.contains(&found.as_str()) {
            return Err(StoreError::Unusable(format!("PostgreSQL runs with {setting} = {found}: acknowledged facts could be lost")));
        }
    }
    Ok(conn)
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// TLS with the machine's own roots; `sslmode=require` in the URL makes it a condition, and the certificate is always verified.
fn postgres_tls() -> tokio_postgres_rustls::MakeRustlsConnect {
    static CONFIG: OnceLock<Arc<rustls::ClientConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("ring supports TLS 1.2 and 1.3");
        Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    });
    tokio_postgres_rustls::MakeRustlsConnect::new(config.as_ref().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_parsed_and_passwords_never_shown() {
        assert_eq!("sqlite:data/jilu.db".parse(), Ok(DatabaseUrl::Sqlite("data/jilu.db".into())));
        let url: DatabaseUrl = "postgres://jilu:s3cret@db.example/jilu".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://…@db.example/jilu postgres://…@db.example/jilu");
        let hidden: DatabaseUrl = "postgres://jilu@db.example/jilu?password=s3cret".parse().unwrap();
        assert_eq!(hidden.to_string(), "postgres://…@db.example/jilu");
        for wrong in ["", "sqlite:", "mysql://x", "postgres://h:notaport/x"] {
            assert!(wrong.parse::<DatabaseUrl>().is_err(), "{wrong}");
        }
    }
}
