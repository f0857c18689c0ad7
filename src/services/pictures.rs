//! When a picture of somebody else is unpacked: few at once, since each takes much memory. Papers and verification have turns of their own, so
//! that neither waits for the other.

use super::error::Error;
use crate::domain::text::Text;
use std::sync::{Arc, LazyLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may wait for each that is read; whoever comes then is told to come again.
const WAITING_FOR_EACH: usize = 8;

/// Turns to read a picture.
pub struct Turns {
    reading: Arc<Semaphore>,
    /// Those that are read and those that wait.
    present: Semaphore,
}

/// For what cameras and people show to be verified.
pub static SHOWN: LazyLock<Turns> = LazyLock::new(|| Turns::new(cores().min(4)));
/// For photographs of holders; a core is left for everybody else.
pub static PORTRAITS: LazyLock<Turns> = LazyLock::new(|| Turns::new((cores() - 1).clamp(1, 4)));

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

impl Turns {
    fn new(at_once: usize) -> Self {
        Turns { reading: Arc::new(Semaphore::new(at_once)), present: Semaphore::new(at_once * (1 + WAITING_FOR_EACH)) }
    }

    /// Reads a picture off the threads that answer requests, when it is its turn. None when the decoder failed.
    ///
    /// # Errors
    /// Too many wait.
    pub async fn read<T: Send + 'static>(&self, read: impl FnOnce() -> T + Send + 'static) -> Result<Option<T>, Error> {
        let busy = || Error::Unavailable(Text::new("too many pictures are waiting to be read", "等待读取的图片过多"));
        let _present = self.present.try_acquire().map_err(|_| busy())?;
        let turn = Arc::clone(&self.reading).acquire_owned().await.map_err(|_| busy())?;
        Ok(read_in_turn(turn, read).await)
    }

    /// The same at once; the outer None when others are being read, who go first.
    pub async fn read_now<T: Send + 'static>(&self, read: impl FnOnce() -> T + Send + 'static) -> Option<Option<T>> {
        let turn = Arc::clone(&self.reading).try_acquire_owned().ok()?;
        Some(read_in_turn(turn, read).await)
    }
}

/// The turn ends with the reading, also where whoever asked has gone away meanwhile.
async fn read_in_turn<T: Send + 'static>(turn: OwnedSemaphorePermit, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let reading = move || {
        let _turn = turn;
        read()
    };
    tokio::task::spawn_blocking(reading).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap()
    }

    #[test]
    fn a_turn_lasts_as_long_as_the_reading_also_when_whoever_asked_has_gone() {
        let turns = Turns::new(1);
        runtime().block_on(async {
            let (begun, beginning) = mpsc::channel();
            let (end, ending) = mpsc::channel::<()>();
            let reading = turns.read(move || {
                begun.send(()).unwrap();
                ending.recv().unwrap();
            });
            assert!(tokio::time::timeout(Duration::from_millis(50), reading).await.is_err(), "whoever asked goes away");
            beginning.recv().unwrap();
            assert_eq!(turns.read_now(|| 1).await, None, "the picture is still being read");
            end.send(()).unwrap();
            assert_eq!(turns.read(|| 2).await.unwrap(), Some(2));
            assert_eq!(turns.read(|| -> i32 { panic!("a decoder fails") }).await.unwrap(), None);
            assert_eq!(turns.read_now(|| 3).await, Some(Some(3)), "and its turn ends");
        });
    }

    #[test]
    fn few_may_wait() {
        let turns = Turns::new(1);
        runtime().block_on(async {
            let (end, ending) = mpsc::channel::<()>();
            let first = turns.read(move || ending.recv().unwrap());
            let others = futures_util::future::join_all((0..WAITING_FOR_EACH).map(|number| turns.read(move || number)));
            let mut all = std::pin::pin!(futures_util::future::join(first, others));
            assert!(tokio::time::timeout(Duration::from_millis(50), &mut all).await.is_err());
            let one_more = tokio::time::timeout(Duration::from_secs(5), turns.read(|| 0)).await;
            assert!(matches!(one_more, Ok(Err(Error::Unavailable(_)))), "one more than may wait");
            end.send(()).unwrap();
            let (_, others) = all.await;
            assert!(others.into_iter().enumerate().all(|(number, read)| matches!(read, Ok(Some(found)) if found == number)));
            assert!(turns.read(|| 0).await.is_ok(), "there is room again");
        });
    }
}
