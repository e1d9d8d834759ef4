//! Facts about stores. `contract` holds what is true of every backend; the others look at one part each.

mod committer_facts;
mod contract;
mod fault_sweep;
mod group_facts;
mod history_facts;
mod key_facts;
mod packed_facts;
mod queue_facts;
mod record_facts;
mod redo_facts;
mod sled_facts;
mod space_facts;
mod teller_facts;
mod ways_facts;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{Batch, Key, Observer, Result, Scan, Sequence, SledOptions, SledStore, Store, Version};

/// A key of the table that these tests write.
fn key(number: u64) -> Key {
    Key::table("fact").u64(number).build()
}

fn put(number: u64, value: &[u8]) -> Batch {
    let mut batch = Batch::default();
    batch.put(key(number), value.to_vec());
    batch
}

fn put_if(number: u64, expected: Version, value: &[u8]) -> Batch {
    let mut batch = Batch::default();
    batch.put_if(key(number), expected, value.to_vec());
    batch
}

async fn value(store: &dyn Store, number: u64) -> Result<Option<Vec<u8>>> {
    Ok(store.get(key(number)).await?.map(|stored| stored.value))
}

fn whole_table() -> Scan {
    Scan::of(Key::table("fact").build())
}

async fn numbers(store: &dyn Store, scan: Scan) -> Vec<u64> {
    let rows = store.scan(scan).await.unwrap();
    rows.iter().map(|row| number_of(&row.key)).collect()
}

fn number_of(key: &Key) -> u64 {
    let mut reader = crate::KeyReader::new(key, "fact").unwrap();
    let number = reader.u64().unwrap();
    reader.finish().unwrap();
    number
}

/// Options that work on the small disk of any test machine.
fn options(directory: &Path) -> SledOptions {
    SledOptions {
        cache_bytes: 16 * 1024 * 1024,
        free_bytes_min: 0,
        reserve_bytes: 4_096,
        checkpoint_bytes: 256 * 1024,
        ..SledOptions::new(directory)
    }
}

fn open(directory: &Path) -> Arc<SledStore> {
    SledStore::open(options(directory)).unwrap()
}

/// Writes rows `0..rows`, 200 bytes each, one batch a row, and closes.
async fn fill(directory: &Path, rows: u64) -> Sequence {
    let store = open(directory);
    let mut last = Sequence(0);
    for number in 0..rows {
        last = store.commit(put(number, &[7; 200])).await.unwrap();
    }
    store.close().await.unwrap();
    last
}

fn snapshots(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("snap."))
        .collect()
}

/// Remembers what it was told.
#[derive(Debug, Default)]
struct Witness {
    batches: AtomicU64,
    groups: AtomicU64,
    conflicts: AtomicU64,
    recovered: AtomicU64,
    deepest: AtomicU64,
    full: Mutex<Vec<bool>>,
    poisoned: Mutex<Vec<String>>,
}

impl Observer for Witness {
    fn committed(&self, batches: usize, _operations: usize, _bytes: usize, _sync: Duration) {
        self.batches.fetch_add(batches as u64, Ordering::SeqCst);
        self.groups.fetch_add(1, Ordering::SeqCst);
    }
    fn queue_depth(&self, operations: usize) {
        self.deepest.fetch_max(operations as u64, Ordering::SeqCst);
    }
    fn conflicted(&self) {
        self.conflicts.fetch_add(1, Ordering::SeqCst);
    }
    fn full(&self, is_full: bool, _free_bytes: u64) {
        self.full.lock().unwrap().push(is_full);
    }
    fn snapshot_recovered(&self) {
        self.recovered.fetch_add(1, Ordering::SeqCst);
    }
    fn poisoned(&self, reason: &str) {
        self.poisoned.lock().unwrap().push(reason.to_owned());
    }
}
