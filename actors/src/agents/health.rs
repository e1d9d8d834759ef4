//! What is known of an agent's life: last seen, keys, how often it signs.

use crate::clock::{Moment, Now};
use crate::ids::KeyId;
use chrono::{DateTime, Utc};
use signing_protocol::{KeyFacts, KeyState, METHOD_LOAD, REPORT_SECONDS_DEFAULT, Report, SessionId};
use std::collections::HashMap;
use std::time::Duration;

/// An agent that was not seen for so long is away: three reports are missing. Never less than three of the default's, because a held poll
/// shows itself only when it ends.
pub fn away_after(report_seconds: u32) -> Duration {
    Duration::from_secs(3 * u64::from(report_seconds.max(REPORT_SECONDS_DEFAULT)))
}

/// How long two sessions that took turns are shown.
const COPIES_SHOWN: Duration = Duration::from_secs(10 * 60);
/// A clock so many seconds off spoils deadlines.
pub const SKEW_SECONDS_MAX: i64 = 5;

/// Signatures in the last minute, counted by seconds.
#[derive(Clone, Debug)]
pub struct Rate {
    seconds: [(i64, u32); 60],
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            seconds: [(i64::MIN, 0); 60],
        }
    }
}

impl Rate {
    /// One more.
    pub fn count(&mut self, now: Now) {
        let second = now.mono.0.div_euclid(1_000);
        let place = usize::try_from(second.rem_euclid(60)).unwrap_or(0);
        let slot = &mut self.seconds[place];
        if slot.0 != second {
            *slot = (second, 0);
        }
        slot.1 = slot.1.saturating_add(1);
    }

    /// In the sixty seconds up to now.
    pub fn in_the_last_minute(&self, now: Now) -> u32 {
        let second = now.mono.0.div_euclid(1_000);
        let recent = self
            .seconds
            .iter()
            .filter(|(at, _)| (second - 59..=second).contains(at));
        recent.map(|(_, count)| count).sum()
    }
}

/// What an agent said, and when it was seen; since the gateway's start.
#[derive(Clone, Debug, Default)]
pub struct Life {
    seen: Option<(Moment, DateTime<Utc>)>,
    copies: Option<Moment>,
    /// The run of its program.
    pub session: Option<SessionId>,
    /// Its program's name and version.
    pub program: Option<String>,
    /// Requests that wait in the agent.
    pub waiting: u32,
    /// Signatures since its program's start.
    pub signatures: u64,
    /// Seconds by which its clock is ahead of ours.
    pub clock_ahead_seconds: i64,
    /// What its keys are fit for.
    pub keys: HashMap<KeyId, KeyState>,
    /// Whether it takes keys to load.
    pub takes_keys: bool,
    /// How often it signs for us.
    pub rate: Rate,
}

impl Life {
    /// It spoke to us.
    pub fn saw(&mut self, now: Now) {
        self.seen = Some((now.mono, now.wall));
    }

    /// It reported.
    pub fn reported(&mut self, report: &Report, now: Now) {
        self.saw(now);
        self.session = Some(report.session);
        self.program = Some(report.program.clone());
        self.waiting = report.waiting;
        self.signatures = report.signatures;
        self.takes_keys = report.methods.iter().any(|method| method == METHOD_LOAD);
        self.clock_ahead_seconds = (report.now - now.wall).num_seconds();
        let states = report.keys.iter().map(|facts| (KeyId(facts.key.0), facts.state));
        self.keys = states.collect();
    }

    /// It unlocked or stored a key; the next report says so too.
    pub fn has_key(&mut self, facts: &KeyFacts) {
        self.keys.insert(KeyId(facts.key.0), facts.state);
    }

    /// Two of its sessions take turns.
    pub fn saw_copies(&mut self, now: Now) {
        self.copies = Some(now.mono);
    }

    /// When it was seen last.
    pub fn last_seen(&self) -> Option<DateTime<Utc>> {
        self.seen.map(|(_, wall)| wall)
    }

    /// Whether it was seen lately.
    pub fn is_here(&self, now: Now, away_after: Duration) -> bool {
        self.seen
            .is_some_and(|(at, _)| at.left_of(away_after, now).is_some())
    }

    /// Whether two copies of it were seen lately.
    pub fn has_copies(&self, now: Now) -> bool {
        self.copies
            .is_some_and(|at| at.left_of(COPIES_SHOWN, now).is_some())
    }
}

/// How often something may be done: so many times in each minute, counted from the first.
#[derive(Clone, Debug)]
pub struct Meter {
    per_minute: u32,
    began: Option<Moment>,
    count: u32,
}

impl Meter {
    /// So many in a minute.
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            began: None,
            count: 0,
        }
    }

    /// Takes one place.
    ///
    /// # Errors
    /// The seconds until there is one again.
    pub fn take(&mut self, now: Now) -> Result<(), u32> {
        let minute = Duration::from_secs(60);
        let left = self.began.and_then(|began| began.left_of(minute, now));
        if left.is_none() {
            self.began = Some(now.mono);
            self.count = 0;
        }
        if self.count >= self.per_minute {
            let seconds = left.unwrap_or(minute).as_millis().div_ceil(1_000);
            return Err(u32::try_from(seconds).unwrap_or(60));
        }
        self.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now_at;

    #[test]
    fn signatures_are_counted_for_a_minute() {
        let mut rate = Rate::default();
        for at_ms in [0, 100, 1_000, 59_999] {
            rate.count(now_at(at_ms));
        }
        for (at_ms, expected) in [(59_999, 4), (60_000, 2), (61_000, 1), (118_999, 1), (119_000, 0)] {
            assert_eq!(rate.in_the_last_minute(now_at(at_ms)), expected, "{at_ms}");
        }
        rate.count(now_at(119_500));
        assert_eq!(
            rate.in_the_last_minute(now_at(119_900)),
            1,
            "a second is counted anew"
        );
    }

    #[test]
    fn an_agent_is_away_when_three_reports_are_missing() {
        for (report_seconds, away_ms) in [(5, 90_000), (30, 90_000), (60, 180_000)] {
            let away_after = away_after(report_seconds);
            let mut life = Life::default();
            assert!(!life.is_here(now_at(0), away_after), "never seen");
            life.saw(now_at(1_000));
            assert!(life.is_here(now_at(1_000 + away_ms - 1), away_after));
            assert!(!life.is_here(now_at(1_000 + away_ms), away_after));
        }
    }

    #[test]
    fn a_meter_gives_so_many_places_a_minute_and_says_when_there_is_one_again() {
        let mut meter = Meter::new(2);
        assert_eq!(meter.take(now_at(500)), Ok(()));
        assert_eq!(meter.take(now_at(600)), Ok(()));
        assert_eq!(meter.take(now_at(700)), Err(60));
        assert_eq!(meter.take(now_at(60_400)), Err(1));
        assert_eq!(meter.take(now_at(60_500)), Ok(()));
    }
}
