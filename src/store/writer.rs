//! The one writer of this node: takes all waiting jobs as a group, makes them durable with one commit, then answers.
//!
//! A group is first tried as a whole. If any job fails, the group is rolled back and every job runs again in a savepoint of its
//! own, so that only the ones that fail are lost. Hence a job may run twice, and must touch nothing but its transaction.
//! A crash before COMMIT leaves nothing; a crash after it leaves everything, and clients that retry with the same key get their
//! answer from `idempotency_answers`.

use super::backend::{Conn, DatabaseUrl};
use super::counters;
use super::error::StoreError;
use super::log::{self, Fact};
use super::wal::Carrier;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::merkle::note::NoteSigner;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Most jobs of one commit.
const GROUP_MAX: usize = 1024;
/// Longest wait for a durable commit.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How often a group is tried again when the database broke a deadlock between two nodes.
const TRIES: usize = 4;
const RECONNECT_AFTER: Duration = Duration::from_millis(500);

/// Where the facts of one job stand in the log, once they are durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    /// Index of the first entry; the others follow it.
    pub first: u64,
    pub entries: u64,
    /// The signed checkpoint of the commit, which includes them.
    pub checkpoint: Arc<str>,
}

/// Filled when the job's commit is durable.
pub type PlaceSlot = Arc<OnceLock<LogPlace>>;

/// A job's view of the transaction.
pub struct Tx<'a> {
    pub conn: &'a mut Conn,
    facts: Vec<Fact>,
    stamps: &'a mut Stamps,
    place: Option<PlaceSlot>,
}

/// Stamps that jobs of this transaction have read and hold, by name: a group of a thousand certificates of one session reads one.
type Stamps = HashMap<String, i64>;

impl Tx<'_> {
    /// Names the log entry of a fact that this job has inserted.
    pub fn record(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Asks to be told where the facts of this job will stand in the log.
    pub fn tell_place(&mut self, slot: &PlaceSlot) {
        self.place = Some(Arc::clone(slot));
    }

    /// Refuses to go on when the stamp of an organisation or a session is not the one that was decided on.
    pub fn expect_stamp(&mut self, of: &str, expected: i64) -> Result<(), StoreError> {
        let found = match self.stamps.get(of) {
            Some(found) => *found,
            None => {
                let found = counters::hold_stamp(self.conn, &counters::stamp_of(of))?;
                self.stamps.insert(of.to_owned(), found);
                found
            }
        };
        if found == expected { Ok(()) } else { Err(StoreError::Stale) }
    }

    /// Says that what a stamp stands for has changed.
    pub fn move_stamp(&mut self, of: &str) -> Result<(), StoreError> {
        let moved = counters::move_stamp(self.conn, &counters::stamp_of(of))?;
        self.stamps.insert(of.to_owned(), moved);
        Ok(())
    }

    /// The same, if nobody has moved it since it was `expected`. Holds also for the first move, when there is no row to lock.
    pub fn move_stamp_from(&mut self, of: &str, expected: i64) -> Result<(), StoreError> {
        self.move_stamp(of)?;
        let is_next = self.stamps.get(of).is_some_and(|moved| *moved == expected.max(1) + 1);
        if is_next { Ok(()) } else { Err(StoreError::Stale) }
    }
}

/// What a group gets from outside: the moment, chance for salts, and the log's key.
struct Stamped {
    now_micros: i64,
    entropy: Entropy,
    signer: Option<Arc<dyn NoteSigner>>,
}

/// The key that signs the log.
#[derive(Clone, Default)]
enum Signing {
    /// Not known yet.
    #[default]
    Without,
    With(Arc<dyn NoteSigner>),
    /// Never again in this process, and why.
    Ended(Arc<str>),
}

type LogKey = Arc<RwLock<Signing>>;

/// A job whose result type is hidden behind its own answer channel.
trait Job: Send {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Sends what the last run returned, or the error that the group ended with.
    fn answer(self: Box<Self>, error: Option<StoreError>);
}

struct TypedJob<T, F> {
    job: F,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for TypedJob<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.result = Some((self.job)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, error: Option<StoreError>) {
        let result = match (error, self.result) {
            (Some(error), _) => Err(error),
            (None, Some(result)) => Ok(result),
            (None, None) => Err(StoreError::Unavailable("the job was not run".to_owned())),
        };
        // A caller that went away does not undo what is durable.
        let _ = self.answer.send(result);
    }
}

pub(super) struct Writer {
    queue: Mutex<Option<Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    signer: LogKey,
}

impl Writer {
    pub(super) fn start(conn: Conn, url: DatabaseUrl, queue_length: usize, clock: Clock, entropy: Entropy) -> Self {
        let (sender, receiver) = crossbeam_channel::bounded(queue_length);
        let signer = LogKey::default();
        let mut worker = Worker { conn: Some(conn), carrier: Carrier::start(&url), url, clock, entropy, signer: Arc::clone(&signer) };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || worker.serve(&receiver)).expect("a process that cannot start a thread cannot serve");
        Writer { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)), signer }
    }

    pub(super) fn set_log_signer(&self, signer: Arc<dyn NoteSigner>) {
        let mut signing = self.signer.write().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*signing, Signing::Ended(_)) {
            *signing = Signing::With(signer);
        }
    }

    pub(super) fn end_signing(&self, why: &str) {
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Signing::Ended(why.into());
    }

    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, receiver) = oneshot::channel();
        let stopped = || StoreError::Unavailable("the writer has stopped".to_owned());
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone().ok_or_else(stopped)?;
        queue.try_send(Box::new(TypedJob { job, result: None, answer })).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::QueueFull,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        drop(queue);
        let unknown = || StoreError::Unavailable("the outcome is not known; send the same request again".to_owned());
        // A commit that waits for a standby must not hold the client for ever; the job itself goes on.
        tokio::time::timeout(ANSWER_WITHIN, receiver).await.map_err(|_| unknown())?.map_err(|_| unknown())?
    }

    /// Takes no more jobs, finishes those accepted, and waits for the thread.
    pub(super) fn stop(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker {
    conn: Option<Conn>,
    carrier: Option<Carrier>,
    url: DatabaseUrl,
    clock: Clock,
    entropy: Entropy,
    signer: LogKey,
}

impl Worker {
    fn serve(&mut self, queue: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = queue.recv() {
            let mut group = vec![first];
            while group.len() < GROUP_MAX
                && let Ok(job) = queue.try_recv()
            {
                group.push(job);
            }
            self.commit_group(group);
            if let (Some(carrier), Some(conn)) = (&self.carrier, &mut self.conn) {
                carrier.after_commit(conn);
            }
        }
    }

    fn commit_group(&mut self, mut group: Vec<Box<dyn Job>>) {
        let signer = match self.signer.read().unwrap_or_else(PoisonError::into_inner).clone() {
            Signing::Without => None,
            Signing::With(signer) => Some(signer),
            Signing::Ended(why) => return answer_all(group, &StoreError::Unavailable(why.to_string())),
        };
        let stamped = Stamped { now_micros: self.clock.now().timestamp_micros(), entropy: self.entropy.clone(), signer };
        let conn = match self.connection() {
            Ok(conn) => conn,
            Err(error) => return answer_all(group, &error),
        };
        let mut tried = match try_whole(conn, &mut group, &stamped) {
            Ok(()) => {
                group.into_iter().for_each(|job| job.answer(None));
                return;
            }
            // What may be durable must not be done again: the clients ask, and find it or not.
            Err(error @ StoreError::Unavailable(_)) => Err(error),
            Err(_) => {
                let _ = conn.execute_script("ROLLBACK");
                try_each(conn, &mut group, &stamped)
            }
        };
        for _ in 1..TRIES {
            if !tried.as_ref().is_err_and(StoreError::is_transient) {
                break;
            }
            let _ = conn.execute_script("ROLLBACK");
            tried = try_each(conn, &mut group, &stamped);
        }
        match tried {
            Ok(errors) => group.into_iter().zip(errors).for_each(|(job, error)| job.answer(error)),
            Err(error) => {
                let _ = conn.execute_script("ROLLBACK");
                tracing::error!(%error, jobs = group.len(), "a group of writes failed");
                if matches!(error, StoreError::Unavailable(_)) {
                    self.conn = None;
                }
                answer_all(group, &error);
            }
        }
    }

    /// The connection, opened again if it broke; on PostgreSQL a server that restarts is waited for by the clients' retries.
    fn connection(&mut self) -> Result<&mut Conn, StoreError> {
        let broken = self.conn.as_mut().is_none_or(|conn| matches!(conn, Conn::Pg(_)) && conn.execute_script("").is_err());
        if broken {
            self.conn = None;
            self.conn = Some(Conn::open(&self.url).inspect_err(|_| std::thread::sleep(RECONNECT_AFTER))?);
        }
        self.conn.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }
}

fn answer_all(group: Vec<Box<dyn Job>>, error: &StoreError) {
    for job in group {
        job.answer(Some(StoreError::Unavailable(error.to_string())));
    }
}

/// The facts of a group in their order, and who wants to know where they will stand.
#[derive(Default)]
struct GroupFacts {
    facts: Vec<Fact>,
    /// First fact, number of facts, and the slot to be filled.
    asked: Vec<(u64, u64, PlaceSlot)>,
}

fn run_job(conn: &mut Conn, job: &mut Box<dyn Job>, group: &mut GroupFacts, stamps: &mut Stamps) -> Result<(), StoreError> {
    let mut tx = Tx { conn, facts: Vec::new(), stamps, place: None };
    job.run(&mut tx)?;
    if let Some(slot) = tx.place.take().filter(|_| !tx.facts.is_empty()) {
        group.asked.push((group.facts.len() as u64, tx.facts.len() as u64, slot));
    }
    group.facts.append(&mut tx.facts);
    Ok(())
}

fn finish(conn: &mut Conn, group: GroupFacts, stamped: &Stamped) -> Result<(), StoreError> {
    let appended = log::append(conn, group.facts, stamped.now_micros, || stamped.entropy.bytes(), stamped.signer.as_deref())?;
    // Whatever went wrong here, the commit may have become durable before.
    conn.commit().map_err(|error| StoreError::Unavailable(format!("the outcome of a commit is not known: {error}")))?;
    if let Some((start, checkpoint)) = appended {
        let checkpoint: Arc<str> = checkpoint.into();
        for (first, entries, slot) in group.asked {
            let _ = slot.set(LogPlace { first: start + first, entries, checkpoint: Arc::clone(&checkpoint) });
        }
    }
    Ok(())
}

/// The common case: nobody fails, and no savepoint is paid for.
fn try_whole(conn: &mut Conn, group: &mut [Box<dyn Job>], stamped: &Stamped) -> Result<(), StoreError> {
    conn.begin()?;
    let (mut facts, mut stamps) = (GroupFacts::default(), Stamps::new());
    for job in group {
        run_job(conn, job, &mut facts, &mut stamps)?;
    }
    finish(conn, facts, stamped)
}

/// Every job in a savepoint: a job that fails is rolled back alone and gets its own error.
fn try_each(conn: &mut Conn, group: &mut [Box<dyn Job>], stamped: &Stamped) -> Result<Vec<Option<StoreError>>, StoreError> {
    conn.begin()?;
    let (mut facts, mut stamps) = (GroupFacts::default(), Stamps::new());
    let mut errors = Vec::with_capacity(group.len());
    for job in group {
        conn.execute_script("SAVEPOINT job")?;
        match run_job(conn, job, &mut facts, &mut stamps) {
            Ok(()) => {
                conn.execute_script("RELEASE SAVEPOINT job")?;
                errors.push(None);
            }
            Err(error) if error.is_transient() || matches!(error, StoreError::Unavailable(_)) => return Err(error),
            Err(error) => {
                conn.execute_script("ROLLBACK TO SAVEPOINT job")?;
                stamps.clear();
                conn.execute_script("RELEASE SAVEPOINT job")?;
                errors.push(Some(error));
            }
        }
    }
    finish(conn, facts, stamped)?;
    Ok(errors)
}
