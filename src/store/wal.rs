//! SQLite's write-ahead log, carried into the database file beside the writer and not by it.
//!
//! What is committed stands in the write-ahead log first. Left alone, SQLite carries it over at the end of some commit, and everybody waits
//! until the disk has written sixty megabytes at scattered places: the longer the tables, the more of them. So a thread of its own carries,
//! while the writer goes on. The log begins anew only when all of it has been carried and nobody reads it, and while the writer writes, a
//! rest of it always has not: that rest, a few hundred pages, the writer carries between two commits.
//!
//! Follows sqlite.org/wal.html and sqlite.org/pragma.html#pragma_wal_checkpoint. Every kind of carrying used here is PASSIVE: it waits for
//! nobody, and whatever a reader still needs stays.

use super::backend::{Conn, DatabaseUrl};
use super::error::StoreError;
use crossbeam_channel::{Receiver, Sender};
use diesel::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Pages of the log from which on they are carried: 64 MiB.
const CARRIED_FROM: i32 = 16_000;
/// So few pages are the writer's to carry.
const REST_MAX: i32 = 1_000;
/// How often the thread carries what came in while it carried, before it leaves the rest to the writer.
const ROUNDS: usize = 5;
/// Looking into the log behind every commit would cost more than it tells.
const PAUSE: Duration = Duration::from_millis(50);

/// The thread that carries, and what it tells the writer.
pub(super) struct Carrier {
    wake: Option<Sender<()>>,
    is_rest_left: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// What SQLite says of its log, in pages.
#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    log: i32,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    checkpointed: i32,
}

impl Pages {
    fn rest(&self) -> i32 {
        self.log - self.checkpointed
    }
}

impl Carrier {
    /// None for PostgreSQL, which has processes of its own for this.
    pub(super) fn start(url: &DatabaseUrl) -> Option<Self> {
        if matches!(url, DatabaseUrl::Postgres(_)) {
            return None;
        }
        let (wake, woken) = crossbeam_channel::bounded(1);
        let is_rest_left = Arc::new(AtomicBool::new(false));
        let (url, flag) = (url.clone(), Arc::clone(&is_rest_left));
        let thread = std::thread::Builder::new().name("wal".to_owned()).spawn(move || serve(&url, &woken, &flag)).expect("a process that cannot start a thread cannot serve");
        Some(Carrier { wake: Some(wake), is_rest_left, thread: Some(thread) })
    }

    /// For the writer, between two commits.
    pub(super) fn after_commit(&self, conn: &mut Conn) {
        if self.is_rest_left.swap(false, Ordering::Relaxed)
            && let Err(error) = carry(conn)
        {
            tracing::warn!(%error, "the rest of the write-ahead log was not carried; SQLite will do so later");
        }
        // Woken already is woken enough.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(url: &DatabaseUrl, woken: &Receiver<()>, is_rest_left: &AtomicBool) {
    let mut conn: Option<Conn> = None;
    while woken.recv().is_ok() {
        std::thread::sleep(PAUSE);
        let carried = match conn.as_mut() {
            Some(conn) => carry_most(conn),
            None => Conn::open_for_reading(url).and_then(|opened| carry_most(conn.insert(opened))),
        };
        match carried {
            Ok(is_most) => is_rest_left.store(is_most, Ordering::Relaxed),
            // SQLite carries by itself when the log has become four times as long.
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log is not carried beside the writer");
                conn = None;
            }
        }
    }
}

/// Whether the log was long enough to be carried, and is now, but for a rest.
fn carry_most(conn: &mut Conn) -> Result<bool, StoreError> {
    let mut pages = look(conn)?;
    if pages.rest() < CARRIED_FROM {
        return Ok(false);
    }
    for _ in 0..ROUNDS {
        let before = pages.rest();
        pages = carry(conn)?;
        if pages.rest() <= REST_MAX {
            return Ok(true);
        }
        if pages.rest() >= before {
            // Somebody reads an old state, or the writer is faster: SQLite's own carrying makes it wait when the log has become too long.
            return Ok(false);
        }
    }
    Ok(true)
}

fn look(conn: &mut Conn) -> Result<Pages, StoreError> {
    pragma(conn, "PRAGMA wal_checkpoint(NOOP)")
}

fn carry(conn: &mut Conn) -> Result<Pages, StoreError> {
    pragma(conn, "PRAGMA wal_checkpoint(PASSIVE)")
}

fn pragma(conn: &mut Conn, sql: &str) -> Result<Pages, StoreError> {
    match conn {
        Conn::Sqlite(sqlite) => Ok(diesel::sql_query(sql).get_result(sqlite)?),
        Conn::Pg(_) => Err(StoreError::Unusable("PostgreSQL has no such log".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    /// A database with one wide table, and rows that fill a page each.
    fn fill(conn: &mut Conn, pages: usize) {
        for _ in 0..pages.div_ceil(1_000) {
            conn.execute_script("INSERT INTO wide SELECT randomblob(3000) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n)").unwrap();
        }
    }

    fn open() -> (tempfile::TempDir, DatabaseUrl, Conn) {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("wal.sqlite"));
        let mut conn = Conn::open(&url).unwrap();
        conn.execute_script("CREATE TABLE wide (bytes BLOB NOT NULL)").unwrap();
        (folder, url, conn)
    }

    #[test]
    fn a_long_log_is_carried_beside_the_writer_and_begins_anew() {
        let (_folder, url, mut conn) = open();
        let carrier = Carrier::start(&url).unwrap();
        fill(&mut conn, CARRIED_FROM as usize + 2_000);
        assert!(look(&mut conn).unwrap().rest() > CARRIED_FROM, "nobody has carried anything yet");
        let started = Instant::now();
        loop {
            carrier.after_commit(&mut conn);
            let pages = look(&mut conn).unwrap();
            if pages.rest() == 0 && pages.log > CARRIED_FROM {
                break;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{} of {} pages carried", pages.checkpointed, pages.log);
            std::thread::sleep(Duration::from_millis(10));
        }
        fill(&mut conn, 1_000);
        assert!(look(&mut conn).unwrap().log < CARRIED_FROM, "the log has begun anew");
    }

    #[test]
    fn what_a_reader_sees_stays_until_it_has_ended() {
        let (_folder, url, mut conn) = open();
        fill(&mut conn, 1_000);
        let mut reader = Conn::open_for_reading(&url).unwrap();
        reader.begin_snapshot().unwrap();
        look(&mut reader).unwrap();
        reader.execute_script("SELECT count(*) FROM wide").unwrap();
        fill(&mut conn, CARRIED_FROM as usize + 1_000);
        let mut beside = Conn::open_for_reading(&url).unwrap();
        assert!(!carry_most(&mut beside).unwrap(), "the rest is too long for the writer");
        reader.execute_script("ROLLBACK").unwrap();
        assert!(carry_most(&mut beside).unwrap());
    }
}
