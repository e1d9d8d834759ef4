//! Kyiv's wall clock: the time that documents carry, and when shifts close by themselves.

use super::policy::{AutoClose, SHIFT_MARGIN, SHIFT_MAX};
use crate::clock::millis;
use chrono::{DateTime, Days, NaiveDateTime, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Europe::Kyiv;
use fiscal::RegisterNumber;

const MINUTE_MS: i64 = 60_000;
/// In the mode "automatic" registers close from half an hour to five minutes before midnight, each at a minute of its own: all at once
/// they would ask their agents and the tax service for a day's signatures in the same second.
const SPREAD_MINUTES: u64 = 25;
const SPREAD_LAST_MINUTES: i64 = 5;

/// Local time in Kyiv, whole seconds. In the hour that October has twice it runs through it twice; who needs a clock that never runs
/// back keeps the later of this and what was (rule 15).
pub fn local(wall: DateTime<Utc>) -> NaiveDateTime {
    let local = wall.with_timezone(&Kyiv).naive_local();
    local.with_nanosecond(0).unwrap_or(local)
}

/// The end of the Kyiv day in which this moment lies, milliseconds since 1970. A day may have 23 or 25 hours.
pub fn day_end_ms(wall: DateTime<Utc>) -> i64 {
    let midnight = local(wall)
        .date()
        .checked_add_days(Days::new(1))
        .map(|day| day.and_time(NaiveTime::MIN));
    // Kyiv's clocks change at three and four in the night, so that midnight is there, and once.
    let end = midnight.and_then(|midnight| Kyiv.from_local_datetime(&midnight).earliest());
    end.map_or_else(
        || wall.timestamp_millis().saturating_add(millis(SHIFT_MAX)),
        |end| end.timestamp_millis(),
    )
}

/// When a shift that was opened at this moment closes by itself, milliseconds since 1970.
///
/// A shift that is opened when the day's closing is over (a late receipt) closes a minute before midnight, or at once. None lasts
/// 24 hours: on the day in October that has 25 the shift's length decides, not midnight.
pub fn close_at_ms(opened: DateTime<Utc>, mode: AutoClose, register: RegisterNumber) -> Option<i64> {
    let opened_ms = opened.timestamp_millis();
    let midnight = day_end_ms(opened);
    let before_minutes = match mode {
        AutoClose::Off => return None,
        AutoClose::BeforeMidnight { minutes } => i64::from(minutes),
        AutoClose::Automatic => {
            let spread = i64::try_from(register.get() % SPREAD_MINUTES).unwrap_or_default();
            SPREAD_LAST_MINUTES + spread
        }
    };
    let usual = midnight - before_minutes * MINUTE_MS;
    let by_day = if opened_ms < usual {
        usual
    } else {
        opened_ms.max(midnight - MINUTE_MS)
    };
    let by_length = opened_ms + millis(SHIFT_MAX) - millis(SHIFT_MARGIN);
    Some(by_day.min(by_length))
}
