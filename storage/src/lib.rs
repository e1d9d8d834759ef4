//! Durable typed tables; knows bytes, not customers.
//!
//! # The promise
//! When [`Store::commit`] returns `Ok`, the batch is on the disk, synced, whole. When it returns [`Error::Conflict`],
//! [`Error::TooLarge`] or [`Error::Full`], nothing of it was or will be written. When it returns [`Error::Poisoned`], nobody
//! knows: the process should end, and what is found at the next start is the truth. A read is answered behind every operation
//! that was queued before it and never shows what is not yet durable.
//!
//! Operations are queued in the order of the *calls* (not of the first `await`), also while the queue is full. A future that
//! is dropped does not take its operation back, unless the operation still stood outside a full queue.
//!
//! # How
//! A group of batches is durable once it stands, synced, in the redo log: one write and one sync, whatever it changes. The rows lie in layers in
//! memory, over sled's tree, until the checkpoint brings them there, many groups at once; a start reads back from the log what the tree has not.
//! In tables that grow at their end several rows share an entry of the tree ([`SledOptions::ordered_tables`]).
//! A row that is in the tree alone, with nothing on its way to it, is read there by the caller itself; every other read stands in the committer's queue.
//! Sled itself is asked for no commit: its flush holds a lock against its writes, wakes every thread of its pool and does not reach the disk.
//!
//! # Where things are
//! [`SledStore`] keeps tables in sled behind one committer thread; [`MemoryStore`] does the same in memory and can crash on
//! purpose; [`fault`] (feature `testing`) wraps either and fails, tears or stalls an operation. [`Key`] and [`record`] make
//! the bytes. No type of sled is visible here, so that another backend can follow.

mod batch;
mod blocks;
mod changes;
mod checkpoint;
mod committer;
mod crowd;
mod engine;
mod error;
#[cfg(any(test, feature = "testing"))]
pub mod fault;
#[cfg(any(test, feature = "testing"))]
mod flip;
mod group;
mod key;
mod layer;
mod memory;
mod mirror;
mod observer;
mod options;
mod packed;
mod queue;
pub mod record;
mod redo;
mod shared;
mod sled_engine;
mod sled_open;
mod sled_store;
mod space;
mod tables;
mod teller;
#[cfg(test)]
mod tests;
mod versions;
mod ways;

use std::{future::Future, pin::Pin};

pub use batch::{BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, Batch, VALUE_MAX};
pub use error::{Error, Result};
pub use key::{KEY_MAX, Key, KeyBuilder, KeyReader};
pub use memory::MemoryStore;
pub use observer::{NoObserver, Observer};
pub use options::SledOptions;
pub use record::Record;
pub use sled_store::SledStore;

/// What the methods of [`Store`] return, so that a store can be used as `Arc<dyn Store>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// 1,000 rows a scan, 16 MB at the most; who wants more continues with [`Scan::after`].
pub const SCAN_MAX: usize = 1_000;

/// A store of rows: see the promise at the top of this package.
pub trait Store: Send + Sync + 'static {
    /// The row at `key`. Sees every operation queued before it, and never what is not yet durable. A row that lies on the disk alone is read there and then.
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>>;

    /// Rows in ascending order of their keys; the same promise as [`Store::get`].
    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>>;

    /// Writes all of a batch or nothing; durable when it returns `Ok`. [`Error::Conflict`]: an expected version did not hold,
    /// nothing of the batch was written. An empty batch waits for what was queued before it.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>>;

    /// How the store is now. May look at the file system, never waits for the queue.
    fn health(&self) -> Health;

    /// Waits for what is queued, syncs and closes. Afterwards every operation answers [`Error::Closed`]; closing again is fine.
    fn close(&self) -> BoxFuture<'_, Result<()>>;
}

/// Which write made a row what it is; the [`Sequence`] of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of a row that is not there. A row that is deleted and written again gets a new version, never an old one.
    pub const ABSENT: Version = Version(0);

    /// The number of the batch that wrote the row, 0 for one that is not there: it only grows from one write of a row to the next.
    pub fn number(self) -> u64 {
        self.0
    }

    pub(crate) fn of(row: Option<&Stored>) -> Version {
        row.map_or(Version::ABSENT, |stored| stored.version)
    }
}

impl From<Sequence> for Version {
    fn from(sequence: Sequence) -> Version {
        Version(sequence.0)
    }
}

/// The number of a committed batch, and the version of every row that it wrote. Numbers only grow, and one that anybody was
/// told is never given out again, also after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// A value and the version that a later commit may expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Of the batch that wrote the value.
    pub version: Version,
    /// The bytes as they were put.
    pub value: Vec<u8>,
}

/// A row that a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its place.
    pub key: Key,
    /// What is there.
    pub stored: Stored,
}

/// Which rows to read: those whose key begins with `prefix`, above `after` and below `until`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What every key begins with; `Key::table("name").build()` is a whole table.
    pub prefix: Key,
    /// Only keys greater than this one: the last key of the page before.
    pub after: Option<Key>,
    /// Only keys less than this one.
    pub until: Option<Key>,
    /// At most so many rows; more than [`SCAN_MAX`] counts as [`SCAN_MAX`].
    pub limit: usize,
}

impl Scan {
    /// The first [`SCAN_MAX`] rows under a prefix.
    pub fn of(prefix: Key) -> Scan {
        Scan {
            prefix,
            after: None,
            until: None,
            limit: SCAN_MAX,
        }
    }

    pub(crate) fn check_size(&self) -> Result<()> {
        let keys = [Some(&self.prefix), self.after.as_ref(), self.until.as_ref()];
        keys.into_iter().flatten().try_for_each(Key::check_length)
    }

    /// Keys are in ascending order from here on...
    pub(crate) fn start(&self) -> &[u8] {
        let prefix = self.prefix.as_bytes();
        self.after
            .as_ref()
            .map_or(prefix, |after| after.as_bytes().max(prefix))
    }

    /// ...and this one is beyond the last.
    pub(crate) fn is_past(&self, key: &[u8]) -> bool {
        let is_until = self.until.as_ref().is_some_and(|until| key >= until.as_bytes());
        is_until || (!key.starts_with(self.prefix.as_bytes()) && key > self.prefix.as_bytes())
    }

    /// Only the key of `after` itself is inside the bounds and unwanted.
    pub(crate) fn is_wanted(&self, key: &[u8]) -> bool {
        self.after.as_ref().is_none_or(|after| key > after.as_bytes())
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.min(SCAN_MAX)
    }
}

/// How a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Reads and writes.
    Ready,
    /// Reads only, until space is freed; nothing needs a restart.
    Full {
        /// What is left.
        free_bytes: u64,
    },
    /// Neither; the process should end.
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// Closed on purpose.
    Closed,
}
