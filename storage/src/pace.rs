//! How fast a layer goes into the tree: as fast as the next one fills, so that those who wait for the committer never meet a burst of it.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// 64 rows between two looks, a third of a millisecond of work.
const ROWS_BETWEEN_LOOKS: usize = 64;
/// 500 ms: longer than that no layer is spread. With little to do the next one fills slowly, and what is in the log alone delays a start.
const SPREAD_MAX: Duration = Duration::from_millis(500);
/// 1 ms: how long the thread sleeps when it is ahead.
const NAP: Duration = Duration::from_millis(1);
/// Shares are counted in thousandths.
const WHOLE: usize = 1_000;

/// What the committer lets the checkpoint know.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How much of the next layer is there.
    filled: AtomicUsize,
    is_awaited: AtomicBool,
}

impl Pace {
    /// A layer begins: the next one is empty, and nobody waits.
    pub(crate) fn begin(&self) {
        self.filled.store(0, Ordering::Relaxed);
        self.is_awaited.store(false, Ordering::Relaxed);
    }

    /// So much of the next layer is there, of what makes it a whole one.
    pub(crate) fn fill(&self, bytes: usize, whole: usize) {
        self.filled
            .store(bytes.saturating_mul(WHOLE) / whole.max(1), Ordering::Relaxed);
    }

    /// Somebody waits for the layer: no more pauses.
    pub(crate) fn hurry(&self) {
        self.is_awaited.store(true, Ordering::Relaxed);
    }

    /// For a layer that somebody waits for from the start.
    pub(crate) fn hurried() -> Pace {
        let pace = Pace::default();
        pace.hurry();
        pace
    }

    /// Sleeps while so many of the rows are more than the moment asks for.
    pub(crate) fn keep(&self, rows: usize, of: usize, begun: Instant) {
        if !rows.is_multiple_of(ROWS_BETWEEN_LOOKS) {
            return;
        }
        while self.is_ahead(rows * WHOLE / of.max(1), begun.elapsed()) {
            thread::park_timeout(NAP);
        }
    }

    /// Whether this share of the rows is more than the next layer's filling, and the time that has passed, ask for.
    fn is_ahead(&self, share: usize, passed: Duration) -> bool {
        let by_time = passed.as_millis() * WHOLE as u128 / SPREAD_MAX.as_millis();
        let by_filling = self.filled.load(Ordering::Relaxed);
        !self.is_awaited.load(Ordering::Relaxed) && share > by_filling && share as u128 > by_time
    }
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            filled: AtomicUsize::new(0),
            is_awaited: AtomicBool::new(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_goes_in_as_the_next_one_fills_and_as_time_passes() {
        let (pace, none) = (Pace::default(), Duration::ZERO);
        pace.begin();
        assert!(!pace.is_ahead(0, none) && pace.is_ahead(1, none));
        pace.fill(30, 100);
        assert!(!pace.is_ahead(300, none) && pace.is_ahead(301, none));
        pace.fill(250, 100);
        assert!(!pace.is_ahead(WHOLE, none));
        pace.begin();
        assert!(pace.is_ahead(500, SPREAD_MAX / 4) && !pace.is_ahead(500, SPREAD_MAX / 2));
        assert!(!pace.is_ahead(WHOLE, SPREAD_MAX));
    }

    #[test]
    fn who_waits_is_not_kept_waiting() {
        let pace = Pace::default();
        pace.begin();
        assert!(pace.is_ahead(900, Duration::ZERO));
        pace.hurry();
        assert!(!pace.is_ahead(900, Duration::ZERO));
        pace.begin();
        assert!(
            pace.is_ahead(900, Duration::ZERO),
            "the next layer's pace is its own"
        );
        Pace::hurried().keep(ROWS_BETWEEN_LOOKS, ROWS_BETWEEN_LOOKS, Instant::now());
    }
}
