//! A store in which one bit of one value reads otherwise than it was written, for those who must notice.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{Batch, BoxFuture, Health, Key, Result, Row, Scan, Sequence, Store, Stored};

/// Passes everything on to another store, and turns one bit of what is read at one key.
pub struct FlippedStore {
    inner: Arc<dyn Store>,
    flip: Mutex<Option<(Key, usize)>>,
}

impl FlippedStore {
    /// Turns nothing yet.
    pub fn new(inner: Arc<dyn Store>) -> FlippedStore {
        FlippedStore {
            inner,
            flip: Mutex::new(None),
        }
    }

    /// From now on the value at `key` reads with this bit turned (0 is the lowest of its first byte), and no other.
    pub fn flip(&self, key: Key, bit: usize) {
        *self.flip.lock().unwrap_or_else(PoisonError::into_inner) = Some((key, bit));
    }

    fn turn(&self, key: &Key, stored: &mut Stored) {
        let flip = self.flip.lock().unwrap_or_else(PoisonError::into_inner);
        let byte = flip
            .as_ref()
            .filter(|(flipped, _)| flipped == key)
            .and_then(|(_, bit)| Some((stored.value.get_mut(bit / 8)?, bit % 8)));
        if let Some((byte, bit)) = byte {
            *byte ^= 1 << bit;
        }
    }
}

impl Store for FlippedStore {
    fn get(&self, key: Key) -> BoxFuture<'_, Result<Option<Stored>>> {
        Box::pin(async move {
            let mut found = self.inner.get(key.clone()).await?;
            if let Some(stored) = &mut found {
                self.turn(&key, stored);
            }
            Ok(found)
        })
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Row>>> {
        Box::pin(async move {
            let mut rows = self.inner.scan(scan).await?;
            for row in &mut rows {
                self.turn(&row.key, &mut row.stored);
            }
            Ok(rows)
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Sequence>> {
        self.inner.commit(batch)
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    fn close(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.close()
    }
}
