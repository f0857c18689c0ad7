//! How reads reach a connection.
//!
//! SQLite: a connection of its own for every thread, used in place; a query takes some 20 microseconds, less than a hand-over to
//! another thread would. PostgreSQL: a few threads with one connection each, so that the callers' threads never wait for a network.

use super::backend::{Conn, DatabaseUrl};
use super::error::StoreError;
use crossbeam_channel::{Receiver, Sender};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::oneshot;

const POSTGRES_READERS: usize = 8;

/// Returns whether the connection is still good.
type Job = Box<dyn FnOnce(&mut Conn) -> bool + Send>;

pub(super) enum Readers {
    InPlace { store: u64, url: DatabaseUrl },
    Threads(Sender<Job>),
}

thread_local! {
    static CONNECTIONS: RefCell<HashMap<u64, Conn>> = RefCell::new(HashMap::new());
}

impl Readers {
    pub(super) fn new(url: &DatabaseUrl) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        match url {
            DatabaseUrl::Sqlite(_) => Readers::InPlace { store: NEXT.fetch_add(1, Ordering::Relaxed), url: url.clone() },
            DatabaseUrl::Postgres(_) => {
                let (sender, receiver) = crossbeam_channel::unbounded::<Job>();
                for number in 0..POSTGRES_READERS {
                    let (url, receiver) = (url.clone(), receiver.clone());
                    std::thread::Builder::new()
                        .name(format!("reader-{number}"))
                        .spawn(move || serve_reads(&url, &receiver))
                        .expect("a process that cannot start a thread cannot serve");
                }
                Readers::Threads(sender)
            }
        }
    }

    pub(super) async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        match self {
            Readers::InPlace { store, url } => CONNECTIONS.with_borrow_mut(|connections| {
                let conn = match connections.entry(*store) {
                    std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
                    std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Conn::open_for_reading(url)?),
                };
                let result = read(conn);
                if !is_good(&result) {
                    connections.remove(store);
                }
                result
            }),
            Readers::Threads(sender) => {
                let (answer, receiver) = oneshot::channel();
                let job: Job = Box::new(move |conn| {
                    let result = read(conn);
                    let is_good = is_good(&result);
                    let _ = answer.send(result);
                    is_good
                });
                let gone = || StoreError::Unavailable("no reader could reach the database".to_owned());
                sender.send(job).map_err(|_| gone())?;
                receiver.await.map_err(|_| gone())?
            }
        }
    }
}

/// Whether a connection may be used again. One that failed may be left in a transaction, and would show one old state for ever.
fn is_good<T>(result: &Result<T, StoreError>) -> bool {
    !matches!(result, Err(StoreError::Unavailable(_) | StoreError::Unusable(_) | StoreError::Database(_)))
}

/// One reader thread: keeps a connection and opens a new one when it breaks. A job without a connection is dropped, which its
/// caller sees as unavailable.
fn serve_reads(url: &DatabaseUrl, jobs: &Receiver<Job>) {
    let mut conn: Option<Conn> = None;
    while let Ok(job) = jobs.recv() {
        if conn.is_none() {
            conn = match Conn::open_for_reading(url) {
                Ok(opened) => Some(opened),
                Err(error) => {
                    tracing::error!(%error, "a reader cannot reach the database");
                    None
                }
            };
        }
        if let Some(open) = conn.as_mut()
            && !job(open)
        {
            conn = None;
        }
    }
}
