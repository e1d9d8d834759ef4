//! A store that breaks at one chosen operation, for sweeps: N = 1, 2, 3... until a run no longer reaches its fault.

use std::{
    collections::VecDeque,
    future::ready,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::sync::{oneshot, watch};

pub use crate::flip::FlippedStore;
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
    state: Mutex<State>,
    poisoned: watch::Sender<bool>,
}

#[derive(Default)]
struct State {
    begun: u64,
    is_released: bool,
    /// The stalled operation and what came behind it, to be begun in this order.
    stalled: VecDeque<Box<dyn FnOnce() + Send>>,
}

impl FaultStore {
    /// Breaks operation `at` (counted from 1) of `inner`.
    pub fn new(inner: Arc<dyn Store>, fault: Fault, at: u64) -> FaultStore {
        FaultStore {
            inner,
            fault,
            at,
            state: Mutex::default(),
            poisoned: watch::Sender::new(false),
        }
    }

    /// Whether the run came as far as the fault. When it did not, a sweep is over.
    pub fn was_reached(&self) -> bool {
        self.lock().begun >= self.at
    }

    /// Lets a stalled operation, and everything behind it, go on: now, or when it comes.
    pub fn release(&self) {
        let mut state = self.lock();
        state.is_released = true;
        // Under the lock, so that nothing overtakes them. They only begin operations, and wait for nothing.
        while let Some(begin) = state.stalled.pop_front() {
            begin();
        }
    }

    /// The store below, whose content is what a restart would find.
    pub fn inner(&self) -> Arc<dyn Store> {
        Arc::clone(&self.inner)
    }

    fn read<T: Send + 'static>(&self, read: Begin<T>) -> BoxFuture<'_, Result<T>> {
        let fault = match self.count() {
            Ok(fault) => fault,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        match fault {
            Some(Fault::Fail | Fault::Lose | Fault::Tear) => Box::pin(ready(Err(self.poison()))),
            Some(Fault::Refuse) | None => self.pass(read, false),
            Some(Fault::Stall) => self.pass(read, true),
        }
    }

    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        let fault = match self.count() {
            Ok(fault) => fault,
            Err(error) => return Box::pin(ready(Err(error))),
        };
        match fault {
            Some(Fault::Refuse) if !batch.is_empty() => Box::pin(ready(Err(Error::Full { free_bytes: 0 }))),
            Some(Fault::Fail) => Box::pin(ready(Err(self.poison()))),
            Some(Fault::Lose) => self.write_and_poison(batch),
            Some(Fault::Tear) => self.write_and_poison(first_half(batch)),
            Some(Fault::Refuse) | None => self.pass(committing(batch), false),
            Some(Fault::Stall) => self.pass(committing(batch), true),
        }
    }

    /// Counts an operation and says which fault it meets.
    fn count(&self) -> Result<Option<Fault>> {
        if self.is_poisoned() {
            return Err(poisoned());
        }
        let mut state = self.lock();
        state.begun += 1;
        Ok((state.begun == self.at).then_some(self.fault))
    }

    /// Begins an operation of the store below, now or behind a stalled one.
    fn pass<T: Send + 'static>(&self, begin: Begin<T>, stalls: bool) -> BoxFuture<'_, Result<T>> {
        let inner = Arc::clone(&self.inner);
        let mut state = self.lock();
        let is_behind = !state.stalled.is_empty();
        if !is_behind && (!stalls || state.is_released) {
            return self.unless_poisoned(begin(inner));
        }
        let (sender, begun) = oneshot::channel();
        state.stalled.push_back(Box::new(move || {
            // One who left does not get the answer; the operation is done all the same.
            drop(sender.send(begin(inner)));
        }));
        drop(state);
        self.unless_poisoned(Box::pin(async move {
            match begun.await {
                Ok(operation) => operation.await,
                Err(_) => Err(poisoned()),
            }
        }))
    }

    /// What the store below says is lost on purpose, be it a conflict or a sequence number.
    fn write_and_poison(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        let writing = committing(batch)(Arc::clone(&self.inner));
        let error = self.poison();
        Box::pin(async move {
            drop(writing.await);
            Err(error)
        })
    }

    /// An answer of the store below, unless the fault comes first.
    fn unless_poisoned<'a, T: Send + 'a>(
        &'a self,
        answer: BoxFuture<'static, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = self.broken() => Err(poisoned()),
                answer = answer => answer,
            }
        })
    }

    async fn broken(&self) {
        // It cannot fail: the sender lives as long as `self`.
        drop(self.poisoned.subscribe().wait_for(|poisoned| *poisoned).await);
    }

    fn poison(&self) -> Error {
        self.poisoned.send_replace(true);
        poisoned()
    }

    fn is_poisoned(&self) -> bool {
        *self.poisoned.borrow()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for FaultStore {
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>> {
        self.read(beginning(move |inner| async move { inner.get(key).await }))
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>> {
        self.read(beginning(move |inner| async move { inner.scan(scan).await }))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        self.write(batch)
    }

    fn health(&self) -> Health {
        if self.is_poisoned() {
            return Health::Poisoned {
                reason: REASON.to_owned(),
            };
        }
        self.inner.health()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        if self.is_poisoned() {
            return Box::pin(ready(Err(poisoned())));
        }
        self.pass(beginning(|inner| async move { inner.close().await }), false)
    }
}

/// Begins an operation on a store, so that it has its place there, and gives what is left to wait for.
type Begin<T> = Box<dyn FnOnce(Arc<dyn Store>) -> BoxFuture<'static, Result<T>> + Send>;

fn beginning<T, F>(operation: impl FnOnce(Arc<dyn Store>) -> F + Send + 'static) -> Begin<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    Box::new(move |inner| eager(operation(inner)))
}

fn committing(batch: Batch) -> Begin<Sequence> {
    beginning(move |inner| async move { inner.commit(batch).await })
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
    batch
        .operations
        .into_iter()
        .take(half)
        .for_each(|operation| torn.push(operation));
    torn
}

/// Takes a future's first step now, in which it calls the store below. Nobody is woken for this step; the caller's own first
/// poll takes a fresh look.
fn eager<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> BoxFuture<'static, T> {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Box::pin(ready(value)),
        Poll::Pending => future,
    }
}
