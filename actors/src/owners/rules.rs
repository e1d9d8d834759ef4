//! When an event is posted again, when it is given up, and which id it has: pure.

use super::Settings;
use crate::clock::millis;
use std::time::Duration;
use uuid::Uuid;

/// The most that one step of a register has news of; they share an id but for its last four bits.
pub(super) const EVENTS_MAX: u128 = 16;
/// Bits of an id below its time in milliseconds (UUIDv7, RFC 9562 section 5.7).
const BITS_BELOW_TIME: u32 = 80;
/// The longest that a receiver may have us wait by `Retry-After`: a day, as for partners.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause after so many posts in vain: the first, doubled each time, up to the longest; or what the receiver asks for, where that is longer.
pub(super) fn pause(settings: &Settings, tries: u32, asked_seconds: Option<u32>) -> Duration {
    let factor = 1_u32
        .checked_shl(tries.saturating_sub(1).min(31))
        .unwrap_or(u32::MAX);
    let own = settings
        .first_pause
        .saturating_mul(factor)
        .min(settings.pause_max);
    let asked = asked_seconds.map_or(Duration::ZERO, |seconds| Duration::from_secs(seconds.into()));
    own.max(asked.min(RETRY_AFTER_MAX))
}

/// Whether what happened then is given up when it is posted in vain now.
pub(super) fn is_too_old(settings: &Settings, at_ms: i64, now_ms: i64) -> bool {
    now_ms.saturating_sub(at_ms) >= millis(settings.give_up_after)
}

/// How long to wait for a due moment, which is never further away than the longest pause: a clock set back delays nothing for days.
pub(super) fn wait(settings: &Settings, due_ms: i64, now_ms: i64) -> Option<Duration> {
    let longest = millis(settings.pause_max.max(RETRY_AFTER_MAX));
    let left = due_ms.saturating_sub(now_ms).min(longest);
    let left = u64::try_from(left).ok().filter(|left| *left > 0)?;
    Some(Duration::from_millis(left))
}

/// Ids for the events of one step: above those that the register had last, whatever the clock says.
pub(super) fn ids(drawn: Uuid, last: Uuid, count: usize) -> Vec<Uuid> {
    let place = |id: Uuid| id.as_u128() & !(EVENTS_MAX - 1);
    let first = if place(drawn) > place(last) {
        place(drawn)
    } else {
        place(last).saturating_add(EVENTS_MAX)
    };
    (first..).take(count).map(Uuid::from_u128).collect()
}

/// Below every id of this moment.
pub(super) fn below(ms: i64) -> u128 {
    let ms = u128::try_from(ms.max(0)).unwrap_or(0);
    (ms << BITS_BELOW_TIME).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            first_pause: Duration::from_secs(5),
            pause_max: Duration::from_secs(3_600),
            give_up_after: Duration::from_secs(72 * 3_600),
            kept_max: 10,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_a_receiver_may_ask_for_more() {
        let seconds = |tries, asked| pause(&settings(), tries, asked).as_secs();
        let own: Vec<u64> = (1..=12).map(|tries| seconds(tries, None)).collect();
        assert_eq!(
            own,
            [5, 10, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 3_600, 3_600]
        );
        assert_eq!(seconds(u32::MAX, None), 3_600);
        for (asked, given) in [(1, 5), (6, 6), (7_200, 7_200), (u32::MAX, 86_400)] {
            assert_eq!(seconds(1, Some(asked)), given, "{asked} asked for");
        }
    }

    #[test]
    fn a_clock_set_back_delays_nothing_beyond_the_longest_pause() {
        assert_eq!(wait(&settings(), 10_000, 9_000), Some(Duration::from_secs(1)));
        assert_eq!(wait(&settings(), 10_000, 10_000), None);
        assert_eq!(wait(&settings(), 0, 10_000), None);
        assert_eq!(wait(&settings(), i64::MAX, 0), Some(RETRY_AFTER_MAX));
    }

    #[test]
    fn ids_grow_within_a_step_and_from_step_to_step_even_when_the_clock_is_set_back() {
        let at = |ms: u128, tail: u128| Uuid::from_u128((ms << BITS_BELOW_TIME) | tail);
        let first = ids(at(5_000, 0x7FF3), Uuid::nil(), 3);
        assert_eq!(first, [at(5_000, 0x7FF0), at(5_000, 0x7FF1), at(5_000, 0x7FF2)]);
        for drawn in [at(5_000, 0x11), at(4_000, 0xFFFF), at(5_000, 0x7FFF)] {
            let next = ids(drawn, first[2], 2);
            assert!(next[0] > first[2] && next[1] > next[0], "{next:?}");
        }
        assert!(below(5_000) < first[0].as_u128() && below(5_001) > first[2].as_u128());
    }
}
