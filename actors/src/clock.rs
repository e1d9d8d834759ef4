//! Time as an argument: wall time for what is stored, monotonic time for what is running.
//!
//! A window must survive a restart and a clock set back, and never last longer than configured. So every stored
//! moment has two faces: its wall time goes to disk, its monotonic time decides while the process lives. After a
//! restart the second is computed again from the first, and a moment "in the future" counts as "just now".

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The same instant on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall time, as the machine believes it; may jump either way.
    pub wall: DateTime<Utc>,
    /// Milliseconds since the process began; never goes back.
    pub mono: Mono,
}

/// Milliseconds on the monotonic clock. Negative for moments before the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub i64);

/// When something happened: stored as wall time (milliseconds since 1970), judged by monotonic time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    wall_ms: i64,
    #[serde(skip)]
    mono: Mono,
}

impl Moment {
    /// The moment that `now` is.
    pub fn at(now: Now) -> Self {
        Self {
            wall_ms: now.wall.timestamp_millis(),
            mono: now.mono,
        }
    }

    /// Gives a moment read from disk its place on this process's monotonic clock.
    /// One that lies in the future (the clock was set back) counts as now.
    pub fn restored(self, now: Now) -> Self {
        let elapsed = (now.wall.timestamp_millis() - self.wall_ms).max(0);
        Self {
            wall_ms: self.wall_ms,
            mono: Mono(now.mono.0 - elapsed),
        }
    }

    /// Milliseconds since this moment, never negative.
    pub fn elapsed_ms(&self, now: Now) -> i64 {
        (now.mono.0 - self.mono.0).max(0)
    }

    /// What is left of `length` that began at this moment; `None` once it is over (at exactly `length` it is).
    pub fn left_of(&self, length: Duration, now: Now) -> Option<Duration> {
        let left = millis(length) - self.elapsed_ms(now);
        u64::try_from(left)
            .ok()
            .filter(|left| *left > 0)
            .map(Duration::from_millis)
    }

    /// The moment `length` later.
    pub fn plus(&self, length: Duration) -> Self {
        Self {
            wall_ms: self.wall_ms.saturating_add(millis(length)),
            mono: Mono(self.mono.0 + millis(length)),
        }
    }

    /// Milliseconds since 1970 on the wall clock.
    pub fn wall_ms(&self) -> i64 {
        self.wall_ms
    }

    /// Its place on the monotonic clock.
    pub fn mono(&self) -> Mono {
        self.mono
    }
}

/// A duration in whole milliseconds; one too long for the type is as good as for ever.
pub fn millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Where time comes from. The only one that reads the machine's clock is [`SystemClock`].
pub trait Clock: Send + Sync + 'static {
    /// This instant on both clocks.
    fn now(&self) -> Now;
    /// Completes when the monotonic clock has moved on by `length`.
    fn sleep(&self, length: Duration) -> BoxFuture<'static, ()>;
}

/// The machine's clocks.
pub struct SystemClock {
    began: Instant,
}

impl SystemClock {
    /// Monotonic time counts from here.
    #[allow(clippy::new_without_default)] // "default" would hide that the zero point is the moment of the call
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that reads the wall clock
    fn now(&self) -> Now {
        let mono = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX / 4);
        Now {
            wall: Utc::now(),
            mono: Mono(mono),
        }
    }

    fn sleep(&self, length: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now_at;

    const WINDOW: Duration = Duration::from_secs(120);

    #[test]
    fn at_exactly_its_length_a_window_is_over() {
        let begun = Moment::at(now_at(0));
        assert_eq!(
            begun.left_of(WINDOW, now_at(119_999)),
            Some(Duration::from_millis(1))
        );
        assert_eq!(begun.left_of(WINDOW, now_at(120_000)), None);
    }

    #[test]
    fn a_jump_of_the_wall_clock_does_not_move_a_running_window() {
        let begun = Moment::at(now_at(0));
        let mut later = now_at(30_000);
        later.wall += chrono::Duration::days(3);
        assert_eq!(begun.left_of(WINDOW, later), Some(Duration::from_secs(90)));
    }

    #[test]
    fn a_clock_set_back_across_a_restart_leaves_at_most_the_configured_length() {
        let begun = Moment::at(now_at(60_000));
        let mut restart = now_at(0);
        restart.wall -= chrono::Duration::hours(1);
        assert_eq!(begun.restored(restart).left_of(WINDOW, restart), Some(WINDOW));
    }

    #[test]
    fn a_window_goes_on_across_a_restart() {
        let begun = Moment::at(now_at(0));
        let restart = Now {
            mono: Mono(0),
            ..now_at(50_000)
        };
        assert_eq!(
            begun.restored(restart).left_of(WINDOW, restart),
            Some(Duration::from_secs(70))
        );
    }
}
