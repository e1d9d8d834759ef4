//! What the callers and the store's threads know together: the queue, how it ended, and since when a group is running.

use std::{
    future::ready,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::{oneshot, watch};

use crate::{
    BoxFuture, Error, Health, Key, Observer, Result, Stored,
    committer::panic_text,
    engine::Rows,
    group::{self, Answer, Asker, Operation, Said},
    queue::Queue,
    space::Space,
    ways::Ways,
};

/// Whether the store still works.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Running,
    Closed,
    Poisoned { reason: String },
}

/// The threads that may hang on the disk.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Worker {
    Committer,
    Checkpoint,
}

pub(crate) struct Shared {
    pub(crate) queue: Queue<Operation>,
    pub(crate) space: Space,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) ways: Arc<Ways>,
    /// For readers that need not ask the committer; `None` once the store lets go of it.
    tree: RwLock<Option<Arc<dyn Rows + Send + Sync>>>,
    ending: watch::Sender<Ending>,
    has_failed: AtomicBool,
    /// By [`Worker`].
    busy_since: [Mutex<Option<Instant>>; 2],
    /// Whom the committer took from the queue together; those that are answered are gone.
    in_hand: Mutex<Vec<Option<Asker>>>,
    /// Since when callers are reading the tree.
    reading_since: [Mutex<Option<Instant>>; READERS_WATCHED],
}

/// 16: so many reads at once are watched for a disk that does not answer. Of more than that the others are not, and these are enough to tell.
const READERS_WATCHED: usize = 16;

/// A read that is watched until it is dropped.
struct Reading<'a>(Option<&'a Mutex<Option<Instant>>>);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Shared {
    pub(crate) fn new(
        queue_max: usize,
        space: Space,
        observer: Arc<dyn Observer>,
        tree: Arc<dyn Rows + Send + Sync>,
    ) -> Shared {
        let ending = watch::Sender::new(Ending::Running);
        Shared {
            queue: Queue::new(queue_max),
            space,
            observer,
            ways: Ways::new(),
            tree: RwLock::new(Some(tree)),
            ending,
            has_failed: AtomicBool::new(false),
            busy_since: Default::default(),
            in_hand: Mutex::default(),
            reading_since: Default::default(),
        }
    }

    /// Queues an operation now; the future waits for its answer, or for the end of the store.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        operation: Operation,
        answer: oneshot::Receiver<Result<T>>,
    ) -> BoxFuture<'_, Result<T>> {
        let Ok(ticket) = self.queue.push(operation) else {
            return Box::pin(ready(Err(self.refusal())));
        };
        Box::pin(async move {
            let answered = answer.await;
            drop(ticket);
            match answered {
                Ok(result) => result,
                // It was dropped by whoever ended the store, who says why in a moment.
                Err(_) => Err(self.ended().await),
            }
        })
    }

    /// The committer has these in hand from now on, and nobody else: where it hangs they are let go by [`Shared::poison`].
    pub(crate) fn take_in_hand(&self, askers: Vec<Asker>) {
        *self.in_hand() = askers.into_iter().map(Some).collect();
        // Who ended the store before may have looked too early.
        if self.is_poisoned() {
            self.let_go();
        }
    }

    /// What is said to those in hand, by their places; nothing to those that were let go.
    pub(crate) fn answers(&self, said: Vec<(usize, Said)>) -> Vec<Answer> {
        let mut in_hand = self.in_hand();
        let answers = said.into_iter().filter_map(|(place, said)| {
            let asker = in_hand.get_mut(place)?.take()?;
            Some(Answer { asker, said })
        });
        answers.collect()
    }

    fn let_go(&self) {
        let in_hand = std::mem::take(&mut *self.in_hand());
        // Dropped only here, because that wakes those who wait.
        drop(in_hand);
    }

    /// Nothing in its changes panics.
    fn in_hand(&self) -> MutexGuard<'_, Vec<Option<Asker>>> {
        self.in_hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a row in the tree, if nothing is on its way to it and the tree is still there. It may wait for the disk, as the committer would, but nobody
    /// waits behind it.
    pub(crate) fn read_settled(&self, key: &Key) -> Option<Result<Option<Stored>>> {
        // Never waited for: whoever takes the tree away may itself wait, behind a reader whose disk is silent.
        let tree = self.tree.try_read().ok()?;
        let tree = tree
            .as_ref()
            .filter(|_| self.is_running() && self.ways.is_free(key))?;
        let mut found = Ok(None);
        let mut show =
            |row: Option<&[u8]>| found = row.map(|row| group::unpack(key.as_bytes(), row)).transpose();
        let reading = self.watch_reading();
        let read = catch_unwind(AssertUnwindSafe(|| tree.read(key.as_bytes(), &mut show)));
        drop(reading);
        let read = read.unwrap_or_else(|panic| {
            Err(Error::Poisoned {
                reason: format!("a read panicked: {}", panic_text(&*panic)),
            })
        });
        Some(match read {
            Ok(()) => found,
            Err(error) => {
                self.poison(&error.clone().into_reason());
                Err(error)
            }
        })
    }

    fn watch_reading(&self) -> Reading<'_> {
        let place = self.reading_since.iter().find(|place| {
            let Ok(mut since) = place.try_lock() else {
                return false;
            };
            let is_free = since.is_none();
            if is_free {
                *since = Some(Instant::now());
            }
            is_free
        });
        Reading(place)
    }

    /// Nobody reads the tree any more but its owner.
    pub(crate) fn let_tree_go(&self) {
        *self.tree.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Ends the store for good: nobody waits any longer, nothing is taken any more. Only the first reason counts.
    pub(crate) fn poison(&self, reason: &str) {
        if !self.is_running() || self.has_failed.swap(true, Ordering::SeqCst) {
            return;
        }
        tracing::error!(reason, "the store failed and takes nothing more");
        let telling = catch_unwind(AssertUnwindSafe(|| self.observer.poisoned(reason)));
        if telling.is_err() {
            tracing::error!("the observer panicked while it was told that the store failed");
        }
        self.end(Ending::Poisoned {
            reason: reason.to_owned(),
        });
        self.queue.abandon();
        self.let_go();
    }

    /// Everything was written and let go.
    pub(crate) fn closed(&self) {
        self.end(Ending::Closed);
    }

    /// Waits for the end and says how it was: `Ok` after a close.
    pub(crate) async fn ended_well(&self) -> Result<()> {
        match self.ended().await {
            Error::Closed => Ok(()),
            error => Err(error),
        }
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        matches!(*self.ending.borrow(), Ending::Poisoned { .. })
    }

    pub(crate) fn is_running(&self) -> bool {
        *self.ending.borrow() == Ending::Running
    }

    pub(crate) fn health(&self) -> Health {
        match &*self.ending.borrow() {
            Ending::Poisoned { reason } => {
                return Health::Poisoned {
                    reason: reason.clone(),
                };
            }
            Ending::Closed => return Health::Closed,
            Ending::Running => {}
        }
        match self.space.full() {
            Ok(None) => Health::Ready,
            Ok(Some(free_bytes)) => Health::Full { free_bytes },
            Err(error) => Health::Poisoned {
                reason: error.into_reason(),
            },
        }
    }

    /// A piece of work begins or ends; for [`Shared::check_stall`].
    pub(crate) fn set_busy(&self, worker: Worker, since: Option<Instant>) {
        let busy = &self.busy_since[worker as usize];
        *busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    /// Declares the store dead if a piece of work takes too long; the thread that does it may never come back.
    pub(crate) fn check_stall(&self, stall_max: Duration) {
        let hangs = |busy: &Mutex<Option<Instant>>| {
            let since = *busy.lock().unwrap_or_else(PoisonError::into_inner);
            since.is_some_and(|since| since.elapsed() > stall_max)
        };
        if self.busy_since.iter().chain(&self.reading_since).any(hangs) {
            self.poison(&format!(
                "the disk did not answer for {} seconds",
                stall_max.as_secs_f32()
            ));
        }
    }

    /// The first end stays.
    fn end(&self, how: Ending) {
        self.ending.send_if_modified(|ending| {
            let is_running = *ending == Ending::Running;
            if is_running {
                *ending = how;
            }
            is_running
        });
    }

    async fn ended(&self) -> Error {
        let mut ending = self.ending.subscribe();
        // It cannot fail: the sender lives as long as `self`.
        drop(ending.wait_for(|ending| *ending != Ending::Running).await);
        self.refusal()
    }

    /// What an operation hears that came too late.
    fn refusal(&self) -> Error {
        match &*self.ending.borrow() {
            Ending::Poisoned { reason } => Error::Poisoned {
                reason: reason.clone(),
            },
            Ending::Closed | Ending::Running => Error::Closed,
        }
    }
}
