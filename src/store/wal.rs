//! SQLite's write-ahead log, carried into the database file beside the writer and not by it.
//!
//! What is committed stands in the write-ahead log first. Left alone, SQLite carries it over at the end of some commit, and everybody waits
//! until the disk has written sixty megabytes at scattered places: the longer the tables, the more of them. So a thread of its own carries,
//! while the writer goes on. The log begins anew only when all of it has been carried and nobody reads it, and while the writer writes, a
//! rest of it has not: that rest the writer carries between two commits.
//!
//! To carry is what SQLite calls a checkpoint; in this program a checkpoint is what the log's key signs.
//!
//! Follows sqlite.org/wal.html and sqlite.org/pragma.html#pragma_wal_checkpoint. Every kind of carrying used here is PASSIVE: it waits for
//! nobody, and whatever a reader still needs stays.

use super::backend::{Conn, DatabaseUrl};
use super::error::StoreError;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use diesel::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// From so many pages on the log is carried, and is to begin anew: 62.5 MiB.
const CARRIED_FROM: i32 = 16_000;
/// At most so many pages are the writer's to carry.
const REST_MAX: i32 = 1_000;
/// How often the thread carries what came in while it carried. Each round is shorter than the one before, and the first that meets no
/// commit has the disk write everything down (SQLite does so only at the end of the log), so that the writer need not wait for that.
const ROUNDS: usize = 8;
/// Looking into the log behind every commit would cost more than it tells.
const PAUSE: Duration = Duration::from_millis(50);
/// A disk that fails now will not have been mended in a moment.
const PAUSE_AFTER_FAULT: Duration = Duration::from_secs(10);

/// The thread that carries, and what it tells the writer.
pub(super) struct Carrier {
    wake: Option<Sender<()>>,
    /// Nothing is ever sent: that it is gone ends the thread, also within a pause.
    alive: Option<Sender<()>>,
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
        let ((wake, woken), (alive, lives)) = (crossbeam_channel::bounded(1), crossbeam_channel::bounded(0));
        let is_rest_left = Arc::new(AtomicBool::new(false));
        let (url, flag) = (url.clone(), Arc::clone(&is_rest_left));
        let thread = std::thread::Builder::new().name("wal".to_owned()).spawn(move || serve(&url, &woken, &lives, &flag)).expect("a process that cannot start a thread cannot serve");
        Some(Carrier { wake: Some(wake), alive: Some(alive), is_rest_left, thread: Some(thread) })
    }

    /// For the writer, between two commits.
    pub(super) fn after_commit(&self, conn: &mut Conn) {
        if self.is_rest_left.swap(false, Ordering::Relaxed)
            && let Err(error) = carry(conn)
        {
            tracing::warn!(%error, "the rest of the write-ahead log was not carried");
        }
        // Woken already is woken enough.
        let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        (self.wake, self.alive) = (None, None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(url: &DatabaseUrl, woken: &Receiver<()>, lives: &Receiver<()>, is_rest_left: &AtomicBool) {
    let (mut conn, mut pause) = (None, PAUSE);
    while woken.recv().is_ok() && lives.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        let carried = match conn.as_mut() {
            Some(conn) => carry_most(conn, lives),
            None => Conn::open_for_reading(url).and_then(|opened| carry_most(conn.insert(opened), lives)),
        };
        pause = PAUSE;
        match carried {
            // Only the writer says that it is done: what it was told must not be taken back while it is in a long commit.
            Ok(true) => is_rest_left.store(true, Ordering::Relaxed),
            Ok(false) => {}
            // SQLite carries by itself when the log has become four times as long.
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log is not carried beside the writer");
                pause = PAUSE_AFTER_FAULT;
            }
        }
    }
}

/// Whether the log is long, and carried but for a rest: then the writer can let it begin anew.
fn carry_most(conn: &mut Conn, lives: &Receiver<()>) -> Result<bool, StoreError> {
    let mut pages = look(conn)?;
    if pages.log < CARRIED_FROM {
        return Ok(false);
    }
    for _ in 0..ROUNDS {
        if pages.rest() == 0 || lives.try_recv() == Err(TryRecvError::Disconnected) {
            break;
        }
        carry(conn)?;
        let before = std::mem::replace(&mut pages, look(conn)?);
        if pages.checkpointed == before.checkpointed {
            // Somebody reads an old state, or carries at this moment.
            break;
        }
    }
    // Where the rest stays long, somebody reads an old state or the writer is faster: SQLite's own carrying makes it wait, later.
    Ok(pages.rest() <= REST_MAX)
}

/// Where the log stands now.
fn look(conn: &mut Conn) -> Result<Pages, StoreError> {
    pragma(conn, "PRAGMA wal_checkpoint(NOOP)")
}

/// Carries what can be carried. How long the log is afterwards, only [`look`] tells: SQLite answers with the length from before.
fn carry(conn: &mut Conn) -> Result<(), StoreError> {
    pragma(conn, "PRAGMA wal_checkpoint(PASSIVE)").map(drop)
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

    /// Rows that fill a page each, a thousand to a commit.
    fn fill(conn: &mut Conn, pages: usize) {
        for _ in 0..pages.div_ceil(1_000) {
            conn.execute_script("INSERT INTO wide SELECT randomblob(3000) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n)").unwrap();
        }
    }

    /// A database with one wide table.
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
        fill(&mut conn, CARRIED_FROM as usize + 1_000);
        assert!(look(&mut conn).unwrap().rest() > CARRIED_FROM, "nobody has carried anything yet");
        // A writer that does not rest: the log gets shorter only when it has begun anew.
        let (started, mut longest) = (Instant::now(), 0);
        loop {
            fill(&mut conn, 1_000);
            carrier.after_commit(&mut conn);
            let log = look(&mut conn).unwrap().log;
            if log < longest {
                break;
            }
            longest = log;
            assert!(started.elapsed() < Duration::from_secs(60) && log < 60_000, "the log has {log} pages and does not begin anew");
        }
    }

    #[test]
    fn what_the_writer_is_told_is_not_taken_back() {
        let (_folder, url, mut conn) = open();
        let carrier = Carrier::start(&url).unwrap();
        fill(&mut conn, CARRIED_FROM as usize + 1_000);
        carrier.after_commit(&mut conn);
        let started = Instant::now();
        while !carrier.is_rest_left.load(Ordering::Relaxed) {
            assert!(started.elapsed() < Duration::from_secs(60), "nothing was carried");
            std::thread::sleep(PAUSE);
        }
        fill(&mut conn, 500);
        let _ = carrier.wake.as_ref().unwrap().try_send(());
        std::thread::sleep(4 * PAUSE);
        assert!(carrier.is_rest_left.load(Ordering::Relaxed));
    }

    #[test]
    fn what_a_reader_sees_stays_until_it_has_ended() {
        let (_folder, url, mut conn) = open();
        fill(&mut conn, 1_000);
        let mut reader = Conn::open_for_reading(&url).unwrap();
        reader.begin_snapshot().unwrap();
        reader.execute_script("SELECT count(*) FROM wide").unwrap();
        fill(&mut conn, CARRIED_FROM as usize + 1_000);
        let (mut beside, (_alive, lives)) = (Conn::open_for_reading(&url).unwrap(), crossbeam_channel::bounded(0));
        assert!(!carry_most(&mut beside, &lives).unwrap(), "the rest is too long for the writer");
        reader.execute_script("ROLLBACK").unwrap();
        assert!(carry_most(&mut beside, &lives).unwrap());
        assert_eq!(look(&mut beside).unwrap().rest(), 0);
    }
}
