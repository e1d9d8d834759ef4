//! What a store tells about itself while it works; the gateway turns it into metrics.

use std::time::Duration;

/// Called from the store's own threads. Implementations count and return; they never wait.
pub trait Observer: Send + Sync {
    /// A group of batches became durable: how many batches and row operations, how many bytes of keys and values, and how
    /// long writing and syncing took together.
    fn committed(&self, batches: usize, operations: usize, bytes: usize, sync: Duration) {
        let _ = (batches, operations, bytes, sync);
    }
    /// Rows that were durable in the redo log are durable in the tree now: how many, and how long that took beside everything else.
    fn checkpointed(&self, rows: usize, took: Duration) {
        let _ = (rows, took);
    }
    /// How many operations were left in the queue when a group was taken.
    fn queue_depth(&self, operations: usize) {
        let _ = operations;
    }
    /// A batch was refused because an expected version did not hold.
    fn conflicted(&self) {}
    /// Batches are refused (or, with `false`, taken again) because the disk is nearly full.
    fn full(&self, is_full: bool, free_bytes: u64) {
        let _ = (is_full, free_bytes);
    }
    /// A damaged snapshot was moved aside at start, and the database opened without it.
    fn snapshot_recovered(&self) {}
    /// The store failed for good. Told once.
    fn poisoned(&self, reason: &str) {
        let _ = reason;
    }
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
