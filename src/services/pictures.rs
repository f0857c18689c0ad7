//! When a picture of somebody else is unpacked: as many at once as there are cores, since each takes much memory.

use std::sync::{Arc, LazyLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from))));

/// Reads a picture off the threads that answer requests, when it is its turn. None when the decoder failed.
pub async fn read_picture<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let turn = Arc::clone(&TURNS).acquire_owned().await.ok()?;
    read_in_turn(turn, read).await
}

/// The same at once; the outer None when others are being read, who go first.
pub async fn read_picture_now<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<Option<T>> {
    let turn = Arc::clone(&TURNS).try_acquire_owned().ok()?;
    Some(read_in_turn(turn, read).await)
}

/// The turn ends with the reading, also where whoever asked has gone away meanwhile.
async fn read_in_turn<T: Send + 'static>(turn: OwnedSemaphorePermit, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let reading = move || {
        let _turn = turn;
        read()
    };
    tokio::task::spawn_blocking(reading).await.ok()
}
