//! The settings of a [`SledStore`](crate::SledStore), each with its default and the reason for it.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use tokio::runtime::Handle;

use crate::{NoObserver, Observer};

/// How a [`SledStore`](crate::SledStore) is opened.
#[derive(Clone)]
pub struct SledOptions {
    /// The directory; made with mode 0700 if it is not there.
    pub path: PathBuf,
    /// Sled's page cache. 256 MiB: a million rows of 200 bytes stay in memory.
    pub cache_bytes: u64,
    /// Operations waiting for the committer; those who bring more wait. 16,384: a tenth of a second of work.
    pub queue_max: usize,
    /// Operations in one group. 1,000: beyond it sled is bound by the CPU, and only latency grows.
    pub group_operations_max: usize,
    /// Bytes of keys and values in one group (a single larger batch still goes alone). 1 MiB: a sync stays short.
    pub group_bytes_max: usize,
    /// Bytes that wait in the redo log, and in memory, to be brought into the tree. 4 MiB: a few thousand sends, whose rows are then written into the tree
    /// once instead of four times; at twice as much commits wait. The log takes up to four times as much on the disk.
    pub checkpoint_bytes: usize,
    /// How long the committer gathers batches at the most, until half of those who write have brought one, while many do (8 or more). 4 ms: two busy processors
    /// bring two hundred meanwhile, which then cost one sync and one wake-up; with few writers it never waits. 0 switches it off.
    pub gather: Duration,
    /// Commits are refused while less is free. 64 MiB: more than is written between two looks at the disk.
    pub free_bytes_min: u64,
    /// A file of this size is kept beside the database and given up when a full disk would not let it open. 16 MiB: several
    /// segments of the log. 0 keeps none.
    pub reserve_bytes: u64,
    /// Tables whose rows come mostly in the order of their keys: those that are written together share a block of the tree, which costs it as much
    /// as one row elsewhere. What is named once the directory remembers. A row that comes among others costs a block, of 2 KiB. None by default.
    pub ordered_tables: Vec<&'static str>,
    /// How long one group may take before the store is declared dead. 60 s: a disk that is silent for a minute does not come
    /// back in time for anyone who waits, and sled would wait for its I/O threads for ever.
    pub stall_max: Duration,
    /// Opens although the database is older than the sequence number mirrored beside it: acknowledged data is missing, and
    /// the administrator said so. For one start.
    pub accept_lost_tail: bool,
    /// The runtime that callers are answered in, if it has threads of its own. Without one, which costs more, the store's thread answers them one by one. By
    /// default the one that the options are made in.
    pub runtime: Option<Handle>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
}

impl SledOptions {
    /// The defaults, for a directory.
    pub fn new(path: impl Into<PathBuf>) -> SledOptions {
        SledOptions {
            path: path.into(),
            cache_bytes: 256 * 1024 * 1024,
            queue_max: 16_384,
            group_operations_max: 1_000,
            group_bytes_max: 1024 * 1024,
            checkpoint_bytes: 4 * 1024 * 1024,
            gather: Duration::from_millis(4),
            free_bytes_min: 64 * 1024 * 1024,
            reserve_bytes: 16 * 1024 * 1024,
            ordered_tables: Vec::new(),
            stall_max: Duration::from_secs(60),
            accept_lost_tail: false,
            runtime: Handle::try_current().ok(),
            observer: Arc::new(NoObserver),
        }
    }
}

/// The defaults, in the directory `data` where the process stands.
impl Default for SledOptions {
    fn default() -> SledOptions {
        SledOptions::new("data")
    }
}

impl fmt::Debug for SledOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SledOptions")
            .field("path", &self.path)
            .field("cache_bytes", &self.cache_bytes)
            .field("queue_max", &self.queue_max)
            .field("group_operations_max", &self.group_operations_max)
            .field("group_bytes_max", &self.group_bytes_max)
            .field("checkpoint_bytes", &self.checkpoint_bytes)
            .field("gather", &self.gather)
            .field("free_bytes_min", &self.free_bytes_min)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("ordered_tables", &self.ordered_tables)
            .field("stall_max", &self.stall_max)
            .field("accept_lost_tail", &self.accept_lost_tail)
            .finish_non_exhaustive()
    }
}
