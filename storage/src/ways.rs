//! Which rows are on their way into the tree: queued, or durable in the redo log alone. Any other row is read from the tree by whoever asks, without the
//! committer's queue: no operation on it stands before the reader, and what the tree says of it is durable.
//!
//! Rows are counted in places that several may share. A reader of a row that shares its place with one on its way asks the committer, in vain.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use smallvec::SmallVec;

use crate::Key;

/// 262,144 places of four bytes: with as many rows on their way as the redo log takes (some 20,000), one reader in thirteen asks the committer in vain.
const PLACES: u32 = 1 << 18;

/// How many writes to the rows of each place are on their way.
pub(crate) struct Ways {
    places: Vec<AtomicU32>,
}

/// Writes that are on their way until this is dropped.
pub(crate) struct Way {
    all: Arc<Ways>,
    /// In place for as many as most batches write.
    places: SmallVec<[u32; 6]>,
}

impl Ways {
    pub(crate) fn new() -> Arc<Ways> {
        Arc::new(Ways {
            places: std::iter::repeat_with(AtomicU32::default)
                .take(PLACES as usize)
                .collect(),
        })
    }

    /// Writes to these rows set out. Called before they are queued.
    pub(crate) fn set_out<'a>(self: &Arc<Ways>, keys: impl Iterator<Item = &'a Key>) -> Way {
        let places: SmallVec<_> = keys.map(place_of).collect();
        for place in &places {
            self.places[*place as usize].fetch_add(1, Ordering::AcqRel);
        }
        Way {
            all: Arc::clone(self),
            places,
        }
    }

    /// Whether nothing is on its way to this row: all that anybody wrote to it before this call is in the tree.
    pub(crate) fn is_free(&self, key: &Key) -> bool {
        self.places[place_of(key) as usize].load(Ordering::Acquire) == 0
    }
}

/// Whoever finds keys that share a place only makes their readers wait as all did without this.
fn place_of(key: &Key) -> u32 {
    crc32fast::hash(key.as_bytes()) % PLACES
}

impl Drop for Way {
    fn drop(&mut self) {
        for place in &self.places {
            self.all.places[*place as usize].fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl std::fmt::Debug for Way {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Way({} writes)", self.places.len())
    }
}
