//! A store that breaks at one chosen operation, for sweeps: N = 1, 2, 3... until a run no longer reaches its fault.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::sync::{Mutex as Turnstile, watch};

use crate::{Batch, BoxFuture, Error, Health, Key, Result, Row, Scan, Sequence, Store, Stored};

/// What happens to the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// [`Error::Full`] for a batch that would write (another operation passes): nothing is written, and the store lives on.
    Refuse,
    /// The disk fails before anything is written; the store is poisoned.
    Fail,
    /// The batch is durable, but the store is poisoned before it can say so.
    Lose,
    /// The first half of the batch is durable, then the store is poisoned. No [`Store`] does this; checks of whole records
    /// and of histories can show here that they would notice.
    Tear,
    /// The operation, and everything behind it, waits until [`FaultStore::release`].
    Stall,
}

/// Passes everything on to another store, until operation N.
pub struct FaultStore {
    inner: Arc<dyn Store>,
    fault: Fault,
    /// Counted from 1, in the order of the calls: gets, scans and commits alike.
    at: u64,
    begun: AtomicU64,
    /// Operations pass here one behind another; a stalled one keeps the door shut.
    door: Turnstile<()>,
    released: watch::Sender<bool>,
    poisoned: watch::Sender<bool>,
}

impl FaultStore {
    /// Breaks operation `at` (counted from 1) of `inner`.
    pub fn new(inner: Arc<dyn Store>, fault: Fault, at: u64) -> FaultStore {
        FaultStore {
            inner,
            fault,
            at,
            begun: AtomicU64::new(0),
            door: Turnstile::new(()),
            released: watch::Sender::new(false),
            poisoned: watch::Sender::new(false),
        }
    }

    /// Whether the run came as far as the fault. When it did not, a sweep is over.
    pub fn was_reached(&self) -> bool {
        self.begun.load(Ordering::SeqCst) >= self.at
    }

    /// Lets a stalled operation go on, now or when it comes.
    pub fn release(&self) {
        self.released.send_replace(true);
    }

    /// The store below, whose content is what a restart would find.
    pub fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    fn poison(&self) -> Error {
        self.poisoned.send_replace(true);
        poisoned()
    }

    /// Takes a number, waits for its turn, and says which fault it meets.
    async fn enter(&self) -> Result<Entered<'_>> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let turn = self.door.lock().await;
        if *self.poisoned.borrow() {
            return Err(poisoned());
        }
        let fault = (number == self.at).then_some(self.fault);
        if fault == Some(Fault::Stall) {
            // It cannot fail: the sender lives as long as `self`.
            drop(self.released.subscribe().wait_for(|released| *released).await);
        }
        Ok(Entered { _turn: turn, fault })
    }

    async fn read<T>(&self, read: impl FnOnce(&dyn Store) -> BoxFuture<'_, Result<T>>) -> Result<T> {
        let entered = self.enter().await?;
        match entered.fault {
            Some(Fault::Fail | Fault::Lose | Fault::Tear) => Err(self.poison()),
            Some(Fault::Refuse | Fault::Stall) | None => {
                let reading = read(&*self.inner);
                drop(entered);
                self.unless_poisoned(reading).await
            }
        }
    }

    async fn write(&self, batch: Batch) -> Result<Sequence> {
        let entered = self.enter().await?;
        match entered.fault {
            Some(Fault::Refuse) if !batch.is_empty() => Err(Error::Full { free_bytes: 0 }),
            Some(Fault::Fail) => Err(self.poison()),
            Some(Fault::Lose) => {
                // What it says is lost on purpose, be it a conflict or a sequence number.
                drop(self.inner.commit(batch).await);
                Err(self.poison())
            }
            Some(Fault::Tear) => {
                drop(self.inner.commit(first_half(batch)).await);
                Err(self.poison())
            }
            Some(Fault::Refuse | Fault::Stall) | None => {
                let writing = self.inner.commit(batch);
                drop(entered);
                self.unless_poisoned(writing).await
            }
        }
    }

    /// An answer of the store below, unless the fault came first.
    async fn unless_poisoned<T>(&self, answer: BoxFuture<'_, Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            () = self.broken() => Err(poisoned()),
            answer = answer => answer,
        }
    }

    async fn broken(&self) {
        // It cannot fail: the sender lives as long as `self`.
        drop(self.poisoned.subscribe().wait_for(|poisoned| *poisoned).await);
    }
}

struct Entered<'a> {
    _turn: tokio::sync::MutexGuard<'a, ()>,
    fault: Option<Fault>,
}

impl Store for FaultStore {
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>> {
        eager(self.read(move |inner| inner.get(key)))
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>> {
        eager(self.read(move |inner| inner.scan(scan)))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        eager(self.write(batch))
    }

    fn health(&self) -> Health {
        if *self.poisoned.borrow() {
            return Health::Poisoned {
                reason: REASON.to_owned(),
            };
        }
        self.inner.health()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let turn = self.door.lock().await;
            if *self.poisoned.borrow() {
                return Err(poisoned());
            }
            let closed = self.inner.close().await;
            drop(turn);
            closed
        })
    }
}

const REASON: &str = "a fault was asked for";

fn poisoned() -> Error {
    Error::Poisoned {
        reason: REASON.to_owned(),
    }
}

fn first_half(batch: Batch) -> Batch {
    let half = batch.len() / 2;
    let mut torn = Batch::default();
    for operation in batch.operations.into_iter().take(half) {
        match (operation.value, operation.expected) {
            (Some(value), Some(expected)) => torn.put_if(operation.key, expected, value),
            (Some(value), None) => torn.put(operation.key, value),
            (None, Some(expected)) => torn.delete_if(operation.key, expected),
            (None, None) => torn.delete(operation.key),
        }
    }
    torn
}

/// Takes a future's first step now, so that an operation's place in the queue is the place of the call. Nobody is woken for
/// this step; the caller's own first poll takes a fresh look.
fn eager<'a, T: Send + 'a>(future: impl Future<Output = T> + Send + 'a) -> BoxFuture<'a, T> {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Box::pin(std::future::ready(value)),
        Poll::Pending => future,
    }
}
