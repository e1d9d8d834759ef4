//! A store that a test can hold, fill and let go again.

use std::sync::Arc;
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
pub struct Gate(watch::Sender<Mode>);

/// Passes everything on; commits wait while the gate is closed, and are refused while the disk is "full".
struct Gated {
    inner: Arc<dyn Store>,
    gate: Gate,
}

/// Free bytes that a full disk claims to have.
const FREE_BYTES: u64 = 1_000;

impl Gate {
    pub fn new() -> Self {
        Self(watch::Sender::new(Mode::Open))
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

    pub fn open(&self) {
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
