//! Blocks of numbers, reserved before signing: serials of certificate numbers, and entries of status lists.
//!
//! A node takes a block in a short write of its own and hands it out from memory. Blocks grow while they are used up, so that a
//! small body sees few gaps and a large batch few writes. Of a large block the next one is taken while half of it is left, so that a
//! batch never waits behind its own writes. What a dead process had reserved stays a gap (IS-5).

use super::Registry;
use super::error::Error;
use crate::credential::status_list;
use crate::store::error::StoreError;
use crate::store::{Store, counters};
use crate::store::status_lists::{self, StatusListRow};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

const BLOCK_MAX: i64 = 4096;
/// Blocks from this size on are followed by the next one before they are used up.
const LARGE_BLOCK: i64 = 512;
const STATUS_COUNTER: &str = "status entries";

#[derive(Default)]
struct Block {
    left: Range<i64>,
    last_size: i64,
    /// The block behind it, on its way.
    following: Option<JoinHandle<Result<Range<i64>, StoreError>>>,
}

impl Block {
    fn next_size(&self) -> i64 {
        (self.last_size * 2).clamp(1, BLOCK_MAX)
    }

    fn is_to_be_followed(&self) -> bool {
        self.following.is_none() && self.last_size >= LARGE_BLOCK && (self.left.end - self.left.start) * 2 < self.last_size
    }
}

/// The blocks that this node holds.
#[derive(Default)]
pub struct Serials {
    blocks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Block>>>>,
    seeds: Mutex<HashMap<i64, Vec<u8>>>,
}

/// An entry of the status lists: the same index in the list of each purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusEntry {
    pub list: i64,
    /// Place in the order in which entries were given.
    pub position: u32,
    pub index: u32,
}

async fn reserve(store: Store, counter: String, size: i64) -> Result<Range<i64>, StoreError> {
    store.write(move |tx| counters::reserve(tx.conn, &counter, size)).await
}

impl Registry {
    /// The next number of a counter, from 1 upward; never the same one twice.
    pub(super) async fn next_number(&self, counter: &str) -> Result<i64, Error> {
        let block = {
            let mut blocks = self.serials.blocks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(blocks.entry(counter.to_owned()).or_default())
        };
        let mut block = block.lock().await;
        if block.left.is_empty() {
            let followed = match block.following.take() {
                Some(following) => following.await.ok().and_then(Result::ok),
                None => None,
            };
            // What could not be taken ahead is taken now, and says why it cannot be.
            block.left = match followed {
                Some(range) => range,
                None => reserve(self.store.clone(), counter.to_owned(), block.next_size()).await?,
            };
            block.last_size = block.left.end - block.left.start;
        }
        let number = block.left.next().ok_or_else(|| Error::Internal("a reserved block is empty".to_owned()))?;
        if block.is_to_be_followed() {
            block.following = Some(tokio::spawn(reserve(self.store.clone(), counter.to_owned(), block.next_size())));
        }
        Ok(number)
    }

    /// A status entry that was never given before, at a random index.
    pub(super) async fn next_status_entry(&self) -> Result<StatusEntry, Error> {
        let number = self.next_number(STATUS_COUNTER).await? - 1;
        let entries = i64::from(status_list::ENTRIES);
        let list = number / entries + 1;
        let position = u32::try_from(number % entries).expect("a remainder is smaller than the number of entries");
        let seed = self.status_list_seed(list).await?;
        Ok(StatusEntry { list, position, index: status_list::index_of(&seed, position) })
    }

    /// The seed of a list; the first node that needs the list makes it, for both purposes.
    async fn status_list_seed(&self, list: i64) -> Result<Vec<u8>, Error> {
        if let Some(seed) = self.serials.seeds.lock().unwrap_or_else(PoisonError::into_inner).get(&list) {
            return Ok(seed.clone());
        }
        let seed: [u8; 32] = self.entropy.bytes();
        let changed_at = self.now_micros();
        let row = self
            .store
            .write(move |tx| {
                for purpose in ["revocation", "suspension"] {
                    let bits = vec![0; status_list::BYTES];
                    status_lists::insert_list(tx.conn, &StatusListRow { list, purpose: purpose.to_owned(), seed: seed.to_vec(), bits, version: 0, changed_at })?;
                }
                // Another node may have been first; its seed counts.
                super::existing(status_lists::find_list(tx.conn, list, "revocation")?, "a status list")
            })
            .await?;
        self.serials.seeds.lock().unwrap_or_else(PoisonError::into_inner).insert(list, row.seed.clone());
        Ok(row.seed)
    }
}
