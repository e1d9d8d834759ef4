//! A store that a test can hold, fill and let go again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use storage::{Batch, BoxFuture, Error, Health, Key, Result, Row, Scan, Sequence, Store, Stored};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Open,
    Closed,
    Full,
}

/// The test's hand on the gate; cheap to clone.
#[derive(Clone)]
pub struct Gate(watch::Sender<Mode>, Arc<Counting>);

/// Commits that still pass before the gate closes by itself, and whether one stands before it.
struct Counting {
    left: AtomicU64,
    is_held: AtomicBool,
}

/// It does not close by itself.
const ENDLESS: u64 = u64::MAX;

/// Passes everything on; commits wait while the gate is closed, and are refused while the disk is "full".
struct Gated {
    inner: Arc<dyn Store>,
    gate: Gate,
}

/// Free bytes that a full disk claims to have.
const FREE_BYTES: u64 = 1_000;

impl Gate {
    pub fn new() -> Self {
        let counting = Counting {
            left: AtomicU64::new(ENDLESS),
            is_held: AtomicBool::new(false),
        };
        Self(watch::Sender::new(Mode::Open), Arc::new(counting))
    }

    pub fn before(&self, inner: Arc<dyn Store>) -> Arc<dyn Store> {
        let gate = self.clone();
        Arc::new(Gated { inner, gate })
    }

    /// From now on no commit reaches the disk, and none is answered.
    pub fn close(&self) {
        self.0.send_replace(Mode::Closed);
    }

    /// From now on every commit is refused for want of space.
    pub fn fill(&self) {
        self.0.send_replace(Mode::Full);
    }

    /// So many commits pass from now on, and no more.
    pub fn close_after(&self, commits: u64) {
        self.1.left.store(commits, Ordering::SeqCst);
    }

    /// Whether a commit has come to the closed gate.
    pub fn is_held(&self) -> bool {
        self.1.is_held.load(Ordering::SeqCst)
    }

    fn count(&self) {
        let spent = self
            .1
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| match left {
                ENDLESS => Some(ENDLESS),
                left => left.checked_sub(1),
            });
        if spent.is_err() {
            self.close();
        }
        if *self.0.borrow() == Mode::Closed {
            self.1.is_held.store(true, Ordering::SeqCst);
        }
    }

    pub fn open(&self) {
        self.1.left.store(ENDLESS, Ordering::SeqCst);
        self.1.is_held.store(false, Ordering::SeqCst);
        self.0.send_replace(Mode::Open);
    }
}

impl Store for Gated {
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>> {
        self.inner.get(key)
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>> {
        self.inner.scan(scan)
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        self.gate.count();
        let mut mode = self.gate.0.subscribe();
        Box::pin(async move {
            let passed = mode
                .wait_for(|mode| *mode != Mode::Closed)
                .await
                .map(|mode| *mode);
            match passed {
                Ok(Mode::Full) => Err(Error::Full {
                    free_bytes: FREE_BYTES,
                }),
                Ok(_) => self.inner.commit(batch).await,
                Err(_) => Err(Error::Closed),
            }
        })
    }

    fn health(&self) -> Health {
        if *self.gate.0.borrow() == Mode::Full {
            return Health::Full {
                free_bytes: FREE_BYTES,
            };
        }
        self.inner.health()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.close()
    }
}
