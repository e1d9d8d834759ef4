//! The store in memory: the same promise and the same order, and a crash on demand that loses what was not synced.

use std::{
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use crate::{
    Batch, BoxFuture, Error, Health, Key, Result, Row, Scan, Sequence, Store, Stored, Version,
    batch::Operation,
};

/// Rows in memory, for tests and simulations.
///
/// An operation is judged when it is called. Its batch is *durable* once its future, or that of any operation behind it, was
/// awaited; until then [`MemoryStore::crash`] loses it, as a crash of the machine would.
#[derive(Debug, Default)]
pub struct MemoryStore {
    disk: Mutex<Disk>,
}

#[derive(Debug, Default)]
struct Disk {
    /// What every operation sees.
    rows: BTreeMap<Key, Stored>,
    /// What a crash leaves.
    durable: BTreeMap<Key, Stored>,
    /// What is between the two, in order.
    unsynced: VecDeque<(Sequence, Vec<Operation>)>,
    /// Of the last batch that was judged.
    sequence: u64,
    ending: Option<Error>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// Stops this store, whose operations answer [`Error::Poisoned`] from now on, and gives one that holds only what was
    /// durable.
    pub fn crash(&self) -> MemoryStore {
        self.crash_keeping(0)
    }

    /// Like [`MemoryStore::crash`], but the first `batches` that nobody had waited for reached the disk all the same.
    pub fn crash_keeping(&self, batches: usize) -> MemoryStore {
        let mut disk = self.lock();
        disk.ending.get_or_insert(Error::Poisoned {
            reason: "the machine crashed".to_owned(),
        });
        let mut durable = std::mem::take(&mut disk.durable);
        for (kept, operations) in disk.unsynced.drain(..).take(batches) {
            apply(&mut durable, kept, operations);
        }
        // A number that was given out may have been seen; it is never given out again.
        let sequence = disk.sequence;
        disk.rows.clear();
        let rows = durable.clone();
        let disk = Disk {
            rows,
            durable,
            unsynced: VecDeque::new(),
            sequence,
            ending: None,
        };
        MemoryStore {
            disk: Mutex::new(disk),
        }
    }

    /// How many batches a crash would lose.
    pub fn unsynced(&self) -> usize {
        self.lock().unsynced.len()
    }

    /// Answers after everything judged so far became durable. That takes a turn of the executor, as a disk would.
    fn after_sync<T: Send + 'static>(&self, outcome: Result<T>) -> BoxFuture<'_, Result<T>> {
        let mut outcome = Some(outcome);
        let mut has_waited = false;
        Box::pin(poll_fn(move |context| {
            if !std::mem::replace(&mut has_waited, true) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let answer = self.lock().sync().and_then(|()| {
                outcome.take().unwrap_or_else(|| {
                    Err(Error::Poisoned {
                        reason: "asked twice".to_owned(),
                    })
                })
            });
            Poll::Ready(answer)
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>> {
        let outcome = key.check_length().and_then(|()| self.lock().open()?.get(&key));
        self.after_sync(outcome)
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>> {
        let outcome = scan
            .check_size()
            .and_then(|()| Ok(self.lock().open()?.scan(&scan)));
        self.after_sync(outcome)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        let outcome = batch
            .check_size()
            .and_then(|()| self.lock().open()?.commit(batch));
        self.after_sync(outcome)
    }

    fn health(&self) -> Health {
        match &self.lock().ending {
            None => Health::Ready,
            Some(Error::Poisoned { reason }) => Health::Poisoned {
                reason: reason.clone(),
            },
            Some(_) => Health::Closed,
        }
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        let mut disk = self.lock();
        let result = match disk.ending.clone() {
            None => disk.sync().map(|()| disk.ending = Some(Error::Closed)),
            Some(Error::Closed) => Ok(()),
            Some(error) => Err(error),
        };
        drop(disk);
        Box::pin(std::future::ready(result))
    }
}

impl Disk {
    fn open(&mut self) -> Result<&mut Disk> {
        self.ending.clone().map_or(Ok(self), Err)
    }

    fn get(&self, key: &Key) -> Result<Option<Stored>> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(&self, scan: &Scan) -> Vec<Row> {
        let rows = self
            .rows
            .range::<[u8], _>((Bound::Included(scan.start()), Bound::Unbounded));
        rows.take_while(|(key, _)| !scan.is_past(key.as_bytes()))
            .filter(|(key, _)| scan.is_wanted(key.as_bytes()))
            .take(scan.limit())
            .map(|(key, stored)| Row {
                key: key.clone(),
                stored: stored.clone(),
            })
            .collect()
    }

    fn commit(&mut self, batch: Batch) -> Result<Sequence> {
        if batch.is_empty() {
            return Ok(Sequence(self.sequence));
        }
        batch.check_versions(|key| Ok(Version::of(self.rows.get(key))))?;
        self.sequence += 1;
        let sequence = Sequence(self.sequence);
        apply(&mut self.rows, sequence, batch.operations.clone());
        self.unsynced.push_back((sequence, batch.operations));
        Ok(sequence)
    }

    /// What was closed is durable already, so only a crash stands in the way.
    fn sync(&mut self) -> Result<()> {
        if let Some(error @ Error::Poisoned { .. }) = &self.ending {
            return Err(error.clone());
        }
        for (sequence, operations) in self.unsynced.drain(..) {
            apply(&mut self.durable, sequence, operations);
        }
        Ok(())
    }
}

fn apply(rows: &mut BTreeMap<Key, Stored>, sequence: Sequence, operations: Vec<Operation>) {
    for operation in operations {
        match operation.row {
            Some(row) => rows.insert(
                operation.key,
                Stored {
                    version: sequence.into(),
                    value: row.into_value(),
                },
            ),
            None => rows.remove(&operation.key),
        };
    }
}
