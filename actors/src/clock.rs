//! Time as an argument: wall time for what outlives the process, monotonic time for what is running.
//!
//! A window must survive a restart and a clock set back, and never last longer than configured. So moments are monotonic, and a
//! record says beside them which process wrote it and when on both clocks ([`Written`]). The process that wrote a record
//! reads its moments as they are, whatever the wall clock did meanwhile. Another process moves them all by what the wall clock says has
//! passed between the writing and its own beginning (nothing, if the clock was set back), plus its own age.

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The same instant on both clocks of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall time, as the machine believes it; may jump either way.
    pub wall: DateTime<Utc>,
    /// Monotonic time of this process.
    pub mono: Moment,
    /// Whose clocks these are.
    pub process: Process,
}

/// A process, as records remember it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// A random number, so that two never share it.
    pub id: u64,
    /// The wall clock at its beginning, in milliseconds since 1970. Not changed by later jumps: a record is read the same whenever it is read.
    pub began_wall_ms: i64,
}

/// Milliseconds on the monotonic clock of a process: 0 is its beginning, what earlier processes did is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(pub i64);

impl Moment {
    /// The moment that `now` is.
    pub fn at(now: Now) -> Self {
        now.mono
    }

    /// Milliseconds since this moment, never negative.
    pub fn elapsed_ms(self, now: Now) -> i64 {
        (now.mono.0 - self.0).max(0)
    }

    /// What is left of `length` that began at this moment; `None` once it is over (at exactly `length` it is).
    pub fn left_of(self, length: Duration, now: Now) -> Option<Duration> {
        let left = millis(length) - self.elapsed_ms(now);
        u64::try_from(left)
            .ok()
            .filter(|left| *left > 0)
            .map(Duration::from_millis)
    }

    /// The moment `length` later.
    pub fn plus(self, length: Duration) -> Self {
        Self(self.0.saturating_add(millis(length)))
    }

    /// The same moment on another process's clock ([`Written::shift`]).
    pub fn shifted(self, shift_ms: i64) -> Self {
        Self(self.0.saturating_add(shift_ms))
    }

    /// Where it lies on the wall clock, as that stands now; milliseconds since 1970.
    pub fn wall_ms(self, now: Now) -> i64 {
        now.wall.timestamp_millis().saturating_add(self.0 - now.mono.0)
    }
}

/// When a record was written, and by which process; stands in every record that holds moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    process: u64,
    wall_ms: i64,
    mono: Moment,
}

impl Written {
    /// Written now.
    pub fn at(now: Now) -> Self {
        Self {
            process: now.process.id,
            wall_ms: now.wall.timestamp_millis(),
            mono: now.mono,
        }
    }

    /// By how much the record's moments are to be moved for this process.
    pub fn shift(self, reader: Process) -> i64 {
        if self.process == reader.id {
            return 0;
        }
        let between = reader.began_wall_ms.saturating_sub(self.wall_ms).max(0);
        (-between).saturating_sub(self.mono.0)
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
    process: Process,
}

impl SystemClock {
    /// Monotonic time counts from here.
    ///
    /// # Panics
    /// Where the operating system has no random numbers: a gateway could not work without.
    #[allow(clippy::new_without_default)] // "default" would hide that the zero point is the moment of the call
    #[allow(clippy::disallowed_methods)] // one of the two places that read the wall clock
    pub fn new() -> Self {
        let id = getrandom::u64().expect("the operating system has random numbers");
        let process = Process {
            id,
            began_wall_ms: Utc::now().timestamp_millis(),
        };
        Self {
            began: Instant::now(),
            process,
        }
    }
}

thread_local! {
    /// The last instant that this thread was told. A send asks nine times, and most of them within the millisecond of somebody else's.
    static LAST: Cell<Option<Now>> = const { Cell::new(None) };
}

impl Clock for SystemClock {
    /// Both clocks tell milliseconds: the wall clock is read again where the monotonic one has moved on.
    #[allow(clippy::disallowed_methods)] // the other one
    fn now(&self) -> Now {
        let mono = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX / 4);
        let (mono, process) = (Moment(mono), self.process);
        let last = LAST.get();
        if let Some(last) = last.filter(|last| last.mono == mono && last.process == process) {
            return last;
        }
        let wall = Utc::now();
        let now = Now { wall, mono, process };
        LAST.set(Some(now));
        now
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
    fn the_wall_clock_goes_on_with_the_monotonic_one_and_every_process_has_its_own() {
        let (clock, other) = (SystemClock::new(), SystemClock::new());
        let (first, mut now) = (clock.now(), clock.now());
        while now.mono.0 < first.mono.0 + 20 {
            assert_eq!(other.now().process, other.process);
            now = clock.now();
            assert_eq!(now.process, clock.process);
        }
        let wall = (now.wall - first.wall).num_milliseconds();
        assert!((18..=10_000).contains(&wall), "{wall} ms in 20");
    }

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
        let (begun, written) = (Moment::at(now_at(0)), Written::at(now_at(0)));
        for jump in [-3_600, 3_600, 259_200] {
            let mut later = now_at(30_000);
            later.wall += chrono::Duration::seconds(jump);
            let read = begun.shifted(written.shift(later.process));
            assert_eq!(
                read.left_of(WINDOW, later),
                Some(Duration::from_secs(90)),
                "{jump} s, read again by the same process"
            );
        }
    }

    #[test]
    fn what_is_left_after_a_restart_is_what_the_wall_clock_says_but_never_more_than_configured() {
        let (begun, written) = (Moment::at(now_at(60_000)), Written::at(now_at(70_000)));
        for (began_ms, age_ms, left) in [
            (70_000, 0, Some(110)),
            (100_000, 0, Some(80)),
            (100_000, 79_000, Some(1)),
            (180_000, 0, None),
            // A clock set back: nothing has passed in between, but the process's own age counts, whenever the record is read.
            (-3_600_000, 0, Some(110)),
            (-3_600_000, 50_000, Some(60)),
            (-3_600_000, 110_000, None),
        ] {
            let process = Process {
                id: 2,
                began_wall_ms: now_at(began_ms).wall.timestamp_millis(),
            };
            // Wherever the wall clock has jumped since.
            for jump in [0, -7_200, 7_200] {
                let wall = now_at(began_ms + age_ms).wall + chrono::Duration::seconds(jump);
                let now = Now {
                    wall,
                    mono: Moment(age_ms),
                    process,
                };
                let read = begun.shifted(written.shift(now.process));
                assert_eq!(
                    read.left_of(WINDOW, now),
                    left.map(Duration::from_secs),
                    "{began_ms} {age_ms} {jump}"
                );
            }
        }
    }

    #[test]
    fn a_moment_lies_on_the_wall_clock_as_that_stands_now() {
        let mut now = now_at(1_000);
        let deadline = Moment::at(now).plus(WINDOW);
        assert_eq!(deadline.wall_ms(now), now.wall.timestamp_millis() + 120_000);
        now.wall += chrono::Duration::hours(1);
        assert_eq!(deadline.wall_ms(now), now.wall.timestamp_millis() + 120_000);
    }
}
