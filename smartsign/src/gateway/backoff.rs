//! How long to wait before trying again: doubling, drawn from the upper half, so that many agents do not come back at once. Pure.

use std::time::Duration;

/// Waits of one series of failures.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    failures: u32,
}

impl Backoff {
    /// From `min`, doubling, to `max`.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max: max.max(min),
            failures: 0,
        }
    }

    /// The next wait; `chance` is in 0.0 to 1.0.
    pub fn next(&mut self, chance: f64) -> Duration {
        let doubled = self
            .min
            .saturating_mul(2_u32.saturating_pow(self.failures.min(31)));
        self.failures = self.failures.saturating_add(1);
        let whole = doubled.min(self.max);
        whole / 2 + (whole / 2).mul_f64(chance.clamp(0.0, 1.0))
    }

    /// Something succeeded.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_begin_anew_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(1));
        let waits: Vec<u128> = (0..5).map(|_| backoff.next(1.0).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1_000, 1_000]);
        backoff.reset();
        assert_eq!(backoff.next(0.0), Duration::from_millis(100), "never below half");
        for _ in 0..100 {
            assert!(backoff.next(1.0) <= Duration::from_secs(1));
        }
    }
}
