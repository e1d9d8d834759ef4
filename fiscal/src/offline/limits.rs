//! How long a register may work offline: 36 hours at a time, 168 hours in a calendar month.

use super::OfflineDocument;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde::{Deserialize, Serialize};

/// The limits of the tax service, and the tills' own margins before them. In minutes, as the service reports them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfflineLimits {
    /// 36 hours: the longest session (API description, offline mode).
    pub session_minutes: u32,
    /// 168 hours: the most of a calendar month.
    pub month_minutes: u32,
    /// 6 hours before either: long enough to repair a line or to fetch help before sales stop.
    pub warning_minutes: u32,
    /// 15 minutes kept for the Z, the closing and the end, of which the Z counts: each may wait half a minute for its signature.
    pub reserve_minutes: u32,
}

impl Default for OfflineLimits {
    fn default() -> Self {
        Self {
            session_minutes: 36 * 60,
            month_minutes: 168 * 60,
            warning_minutes: 6 * 60,
            reserve_minutes: 15,
        }
    }
}

/// What a register may do offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// Anything.
    Free,
    /// Anything, but someone should know.
    Warning,
    /// No new receipt and no new shift; what closes is made now.
    ClosingOnly,
    /// As before; the service will block the register, for a month's limit until the month ends.
    Exhausted,
}

/// How much time is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Of the session.
    pub session_left: TimeDelta,
    /// Of the calendar month of the moment asked about.
    pub month_left: TimeDelta,
    /// What it means.
    pub state: State,
}

impl Standing {
    /// Less of both.
    #[must_use]
    pub fn left(&self) -> TimeDelta {
        self.session_left.min(self.month_left)
    }

    /// Whether a document may be made. What closes always may: a shift must be closable, and a session must end.
    #[must_use]
    pub const fn allows(&self, document: OfflineDocument) -> bool {
        match document {
            OfflineDocument::ZReport | OfflineDocument::CloseShift | OfflineDocument::End => true,
            OfflineDocument::Begin | OfflineDocument::OpenShift | OfflineDocument::Receipt { .. } => {
                matches!(self.state, State::Free | State::Warning)
            }
        }
    }
}

impl OfflineLimits {
    /// How a register stands at `now`, if it made a receipt then: a session's duration runs to its last receipt or Z.
    ///
    /// `begun` is the moment of the session's first document (`now` for a session that would begin now), `others` what the month of `now`
    /// has of other sessions: what the service reported and what has happened since. Moments are those that documents state, plain Kyiv
    /// time, for the service measures by the same; in the night when clocks change, they differ from true hours by one.
    #[must_use]
    pub fn standing(&self, begun: NaiveDateTime, others: TimeDelta, now: NaiveDateTime) -> Standing {
        let minutes = |minutes: u32| TimeDelta::minutes(i64::from(minutes));
        let session = (now - begun).max(TimeDelta::zero());
        let month = in_month(begun, now, Month::of(now))
            .checked_add(&others)
            .unwrap_or(TimeDelta::MAX);
        let session_left = minutes(self.session_minutes) - session;
        let month_left = minutes(self.month_minutes) - month;
        let left = session_left.min(month_left);
        let state = if left <= TimeDelta::zero() {
            State::Exhausted
        } else if left <= minutes(self.reserve_minutes) {
            State::ClosingOnly
        } else if left <= minutes(self.warning_minutes) {
            State::Warning
        } else {
            State::Free
        };
        Standing {
            session_left,
            month_left,
            state,
        }
    }
}

/// A calendar month in Kyiv.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Month {
    year: i32,
    month: u32,
}

impl Month {
    /// Of a moment.
    #[must_use]
    pub fn of(moment: NaiveDateTime) -> Self {
        Self {
            year: moment.year(),
            month: moment.month(),
        }
    }

    /// The month after it.
    #[must_use]
    pub const fn next(self) -> Self {
        match self.month {
            12 => Self {
                year: self.year + 1,
                month: 1,
            },
            month => Self {
                year: self.year,
                month: month + 1,
            },
        }
    }

    /// Its first moment. Beyond the calendar (the year 262143) it is the calendar's end.
    #[must_use]
    pub fn start(self) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(self.year, self.month, 1)
            .map_or(NaiveDateTime::MAX, |day| day.and_time(NaiveTime::MIN))
    }
}

/// The time that counts of a session: from its first document to its last receipt or Z; none when it has neither.
#[must_use]
pub fn session_time(begun: NaiveDateTime, last_financial: Option<NaiveDateTime>) -> TimeDelta {
    last_financial.map_or(TimeDelta::zero(), |last| (last - begun).max(TimeDelta::zero()))
}

/// What of the time from `begun` to `until` lies in a month. A session over the boundary counts in both months, each its own part.
#[must_use]
pub fn in_month(begun: NaiveDateTime, until: NaiveDateTime, month: Month) -> TimeDelta {
    let from = begun.max(month.start());
    let to = until.min(month.next().start());
    (to - from).max(TimeDelta::zero())
}
