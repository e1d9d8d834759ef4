//! Shifts close by themselves: at the moment that the settings name, tried again until it is done (rules 5 and 20).
//!
//! The moment is one of the wall clock, and deadlines are monotonic. So the way there is halved: each time half of what the wall clock says
//! is left. When the clock was set, either way, the wheel wakes the register, and the look is set anew.

use super::super::command::Event;
use super::super::kyiv;
use super::super::note::Note;
use super::super::policy::{
    ALARM_BEFORE, ALARM_LEAST, CLOSE_LIFETIME, CLOSE_PAUSE, CLOSE_PAUSE_MAX, SHIFT_MAX,
};
use super::super::request::OperationKind;
use super::super::state::{CloseAlarm, Operation, Phase};
use super::turn::Turn;
use crate::clock::{Moment, millis};
use crate::ids::OperationId;
use chrono::{DateTime, Utc};
use std::time::Duration;

/// What differs by less is no sign that the clock was set: the two clocks are not read at once.
const CLOCK_SET_LEAST_MS: i64 = 1_000;

impl Turn {
    /// When a shift that was opened at this moment closes by itself.
    pub(super) fn close_alarm(&self, opened: DateTime<Utc>) -> CloseAlarm {
        let mode = self
            .core()
            .profile
            .as_ref()
            .map(|profile| profile.settings.auto_close);
        let at_ms = mode.and_then(|mode| kyiv::close_at_ms(opened, mode, self.book.number));
        let alarm_ms = opened.timestamp_millis() + millis(SHIFT_MAX) - millis(ALARM_BEFORE);
        CloseAlarm {
            at_ms,
            alarm_ms,
            is_alarmed: false,
            look: self.look_at(at_ms.map_or(alarm_ms, |at_ms| at_ms.min(alarm_ms))),
            failed: 0,
        }
    }

    /// When to look at the wall clock again.
    fn look_at(&self, at_ms: i64) -> Moment {
        let left = (at_ms - self.wall_ms()).max(0);
        let least = millis(ALARM_LEAST);
        let step = if left <= least {
            left
        } else {
            (left / 2).max(least)
        };
        self.moment()
            .plus(Duration::from_millis(u64::try_from(step).unwrap_or_default()))
    }

    /// The settings changed: the open shift follows.
    pub(super) fn set_close_anew(&mut self) {
        let opened_ms = self.core().phase.shift().map(|shift| shift.opened_ms);
        if let Some(opened) = opened_ms.and_then(DateTime::from_timestamp_millis) {
            let alarm = self.close_alarm(opened);
            self.note(Event::CloseSet(alarm));
        }
    }

    /// Whether the shift is to be closed now: its moment has come, or its Z-report is registered and the close is owed.
    pub(super) fn is_close_due(&self) -> bool {
        match &self.core().phase {
            Phase::Closed => false,
            Phase::Reported(shift) => shift.close.failed == 0 || self.is_past(shift.close.look),
            Phase::Open(shift) => {
                let is_time = shift.close.at_ms.is_some_and(|at_ms| at_ms <= self.wall_ms());
                (is_time || self.is_closed_by_limit())
                    && !self.is_z_too_late()
                    && (shift.close.failed == 0 || self.is_past(shift.close.look))
            }
        }
    }

    /// Begins an operation of the gateway's own that closes the shift, where that is due.
    pub(super) fn begin_close(&mut self) -> bool {
        let due = self.is_close_due();
        let Some(shift) = self.core().phase.shift().filter(|_| due) else {
            return false;
        };
        let operation = Operation::new(
            OperationId(self.draw.operation),
            OperationKind::AutoClose,
            shift.opener.clone(),
            self.moment().plus(CLOSE_LIFETIME),
            (self.wall_ms(), self.core().accepted.saturating_add(1)),
        );
        self.note(Event::CloseBegun(Box::new(operation)));
        true
    }

    /// An attempt failed; the next comes after a pause.
    pub(super) fn close_failed(&mut self) {
        self.count(Note::CloseFailed);
        let Some(shift) = self.core().phase.shift() else {
            return;
        };
        let failed = shift.close.failed.saturating_add(1);
        let factor = 1_u32
            .checked_shl(failed.saturating_sub(1).min(16))
            .unwrap_or(u32::MAX);
        let pause = CLOSE_PAUSE.saturating_mul(factor).min(CLOSE_PAUSE_MAX);
        let mut alarm = CloseAlarm {
            look: self.moment().plus(pause),
            failed,
            ..shift.close.clone()
        };
        self.raise(&mut alarm);
        self.note(Event::CloseSet(alarm));
    }

    /// Raises the alarm of a shift that is too long, once.
    fn raise(&mut self, alarm: &mut CloseAlarm) {
        if !alarm.is_alarmed && alarm.alarm_ms <= self.wall_ms() {
            alarm.is_alarmed = true;
            self.count(Note::ShiftTooLong);
        }
    }

    /// The moment to close has not come, and the look at the wall clock is due, or the clock was set since it was determined: an alarm may be
    /// due, and the next look is another. Where something is under way, its end comes here.
    pub(super) fn look_at_clock(&mut self) {
        let is_idle = !self.book.is_busy();
        let Some(shift) = self.core().phase.shift().filter(|_| is_idle) else {
            return;
        };
        let (before, mut alarm) = (shift.close.clone(), shift.close.clone());
        if alarm.failed == 0 && shift.opened_ms > self.wall_ms().saturating_add(CLOCK_SET_LEAST_MS) {
            self.close_as_opened_now(&mut alarm);
        }
        if !alarm.is_awaited() || self.is_close_due() {
            return;
        }
        let next = |alarm: &CloseAlarm| {
            let alarm_ms = (!alarm.is_alarmed).then_some(alarm.alarm_ms);
            [alarm.at_ms, alarm_ms].into_iter().flatten().min()
        };
        let look = next(&alarm).map_or(alarm.look, |next| self.look_at(next));
        // Between two attempts the look is a pause, whatever the hour.
        let is_sooner = alarm.failed == 0 && look.0.saturating_add(CLOCK_SET_LEAST_MS) < alarm.look.0;
        if alarm == before && !self.is_past(alarm.look) && !is_sooner {
            return;
        }
        self.raise(&mut alarm);
        // One that has passed and does not close is too late for its report, and waits for no hour.
        if let Some(next) = next(&alarm).filter(|next| *next > self.wall_ms()) {
            alarm.look = self.look_at(next);
        }
        if alarm != before {
            self.note(Event::CloseSet(alarm));
        }
    }

    /// A shift that was opened later than it is now was opened by a clock that has been set back. By its opening it would close days late: it
    /// closes as one that is opened now.
    fn close_as_opened_now(&self, alarm: &mut CloseAlarm) {
        let anew = self.close_alarm(self.now.wall);
        alarm.at_ms = alarm.at_ms.zip(anew.at_ms).map(|(before, now)| before.min(now));
        alarm.alarm_ms = alarm.alarm_ms.min(anew.alarm_ms);
    }
}

impl CloseAlarm {
    /// Whether the wall clock is to be looked at again.
    fn is_awaited(&self) -> bool {
        self.at_ms.is_some() || !self.is_alarmed
    }
}

/// When the close must be looked at, if nothing else is under way.
pub(super) fn deadline(phase: &Phase) -> Option<Moment> {
    let shift = phase.shift()?;
    let is_owed = matches!(phase, Phase::Reported(_)) || shift.close.is_awaited();
    is_owed.then_some(shift.close.look)
}
