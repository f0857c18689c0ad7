//! The only place with SQL. The store keeps and finds; it never decides.
//!
//! Reads run on the caller's thread (SQLite) or on reader threads (PostgreSQL); writes go through the one writer of this node.
//! Facts are append-only: only projections of facts are ever updated.

pub mod backend;
pub mod batches;
mod bulk;
pub mod error;
pub mod facts;
mod faults;
pub mod known_tree;
pub mod log;
pub mod lookups;
mod reader;
pub mod schema;
mod wal;
pub mod writer;

pub mod assessments;
pub mod attendance;
pub mod catalogue;
pub mod certificates;
pub mod client_sessions;
pub mod competitions;
pub mod counters;
pub mod credits;
pub mod disputes;
pub mod groups;
pub mod history;
pub mod idempotency;
pub mod jobs;
pub mod keys;
pub mod merges;
pub mod organisations;
pub mod proposals;
pub mod records;
pub mod shares;
pub mod signals;
pub mod statements;
pub mod status_lists;
pub mod stretch;
pub mod training;
pub mod witnesses;
pub mod wallets;
pub mod worker_access;
pub mod workers;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::merkle::note::NoteSigner;
use backend::{Conn, DatabaseUrl, on_plain_thread};
use error::StoreError;
use reader::Readers;
use std::sync::Arc;
use writer::{Tx, Writer};

/// A database with its readers and its writer. Clones share them.
#[derive(Clone)]
pub struct Store {
    readers: Arc<Readers>,
    writer: Arc<Writer>,
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    pub url: DatabaseUrl,
    /// Whether missing migrations are applied; otherwise they stop the start.
    pub migrate: bool,
    /// Jobs that may wait for the writer before new ones are turned away.
    pub queue_length: usize,
}

impl Store {
    /// Opens the database, checks its version and settings, and starts the writer.
    pub fn open(options: &StoreOptions, clock: Clock, entropy: Entropy) -> Result<Self, StoreError> {
        let conn = on_plain_thread(|| {
            let mut conn = Conn::open(&options.url)?;
            if options.migrate {
                conn.apply_migrations()?;
            }
            conn.refuse_pending_migrations()?;
            Ok::<_, StoreError>(conn)
        })?;
        let readers = Readers::new(&options.url);
        let writer = Writer::start(conn, options.url.clone(), options.queue_length, clock, entropy);
        Ok(Store { readers: Arc::new(readers), writer: Arc::new(writer) })
    }

    /// Runs a read. It sees what was committed, and decides nothing.
    pub async fn read<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers.read(read).await
    }

    /// Runs several reads on one snapshot. On SQLite it also keeps the page cache between them, which every commit of the writer empties.
    pub async fn read_snapshot<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> Result<T, StoreError> + Send + 'static,
    {
        self.readers
            .read(move |conn| {
                conn.begin_snapshot()?;
                let result = read(conn);
                conn.execute_script("ROLLBACK")?;
                result
            })
            .await
    }

    /// Hands a job to the writer and waits until it is durable.
    ///
    /// The closure may run twice, so it must touch nothing but its transaction. If it fails, nothing of it stays.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer.write(job).await
    }

    /// Gives the writer the key that signs checkpoints. Without one nothing that is a fact can be written.
    pub fn set_log_signer(&self, signer: Arc<dyn NoteSigner>) {
        self.writer.set_log_signer(signer);
    }

    /// Writes nothing any more, also not what was accepted and is not yet durable.
    pub fn end_signing(&self, why: &str) {
        self.writer.end_signing(why);
    }

    /// Finishes what was accepted, then stops the writer.
    pub fn close(&self) {
        self.writer.stop();
    }
}
