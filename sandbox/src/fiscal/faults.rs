//! Faults that can be armed: what goes wrong, with which requests, and how often. Pure.

use fiscal::{ErrorCode, RegisterNumber};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::settings::RejectionForm;

/// Faults that can be armed at once: more are a mistake.
pub const ARMED_MAX: usize = 1_000;
/// The longest delay or outage that can be asked for.
pub const SECONDS_MAX: u32 = 3_600;
/// The largest skew: ten years, so that no moment leaves the calendar.
pub const SKEW_SECONDS_MAX: u64 = 10 * 366 * 86_400;

/// What `POST /control` takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// What goes wrong.
    pub fault: Fault,
    /// How many requests it hits, before it is over. Not for `clock_skew` and `unreachable`.
    #[serde(default = "once")]
    pub times: u32,
    /// It stays until it is disarmed; `times` says nothing then.
    #[serde(default)]
    pub standing: bool,
    /// Only requests to this path: `/fs/doc`, `/fs/cmd`, `/fs/pck`.
    pub path: Option<String>,
    /// Only requests about this register.
    pub register: Option<RegisterNumber>,
    /// Only documents of this kind (`sale`, `z_report`, …, see [`kind_of`](super::kind_of)), or the command of this name.
    pub kind: Option<String>,
    /// How long to wait: of `delay` before the answer, of `unreachable` until the end, of `clock_skew` the skew, which may be negative.
    /// Others wait so long before they do their deed.
    #[serde(default)]
    pub seconds: i64,
    /// The status of `status`; 500.
    #[serde(default = "internal_error")]
    pub status: u16,
    /// The error code of `reject`; 9.
    #[serde(default = "validation_error")]
    pub code: i64,
    /// The text of `reject`.
    #[serde(default = "as_told")]
    pub text: String,
    /// The form of `reject`; as in the settings.
    pub form: Option<RejectionForm>,
}

impl Control {
    /// This fault, once, for any request.
    pub fn once(fault: Fault) -> Self {
        Self {
            fault,
            times: once(),
            standing: false,
            path: None,
            register: None,
            kind: None,
            seconds: 0,
            status: internal_error(),
            code: validation_error(),
            text: as_told(),
            form: None,
        }
    }
}

fn once() -> u32 {
    1
}

fn internal_error() -> u16 {
    500
}

fn validation_error() -> i64 {
    ErrorCode::DocumentValidationError.code()
}

fn as_told() -> String {
    "Відмова на вимогу".to_owned()
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The connection is closed without an answer, and nothing was registered.
    DropBefore,
    /// Registered, and the connection is closed without an answer.
    DropAfter,
    /// Registered, and answered late.
    Delay,
    /// Nothing is registered; an HTTP status without a body is the answer.
    Status,
    /// Nothing is registered; a refusal is the answer.
    Reject,
    /// The server's clock goes wrong, for everything, until it is disarmed.
    ClockSkew,
    /// For some seconds connections are refused.
    Unreachable,
}

/// What a request is about, as far as it could be read.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The path.
    pub path: &'a str,
    /// The register.
    pub register: Option<RegisterNumber>,
    /// The document's kind, or the command's name.
    pub kind: Option<&'a str>,
}

/// Why a fault cannot be armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// More than [`ARMED_MAX`].
    #[error("more than {ARMED_MAX} faults are armed")]
    TooMany,
    /// Longer than [`SECONDS_MAX`], or less than nothing; a skew beyond [`SKEW_SECONDS_MAX`].
    #[error("seconds are 0 to {SECONDS_MAX}; those of a skew at most {SKEW_SECONDS_MAX}, either way")]
    Seconds,
    /// Not from 100 to 599.
    #[error("the status is none")]
    Status,
}

/// What is armed.
#[derive(Debug, Default)]
pub struct Faults {
    armed: Vec<Control>,
    skew_seconds: i64,
}

impl Faults {
    /// Arms a fault. An outage is not kept here: it begins at once.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn arm(&mut self, control: Control) -> Result<(), ControlError> {
        if control.fault == Fault::ClockSkew {
            if control.seconds.unsigned_abs() > SKEW_SECONDS_MAX {
                return Err(ControlError::Seconds);
            }
            self.skew_seconds = control.seconds;
            return Ok(());
        }
        if !(0..=i64::from(SECONDS_MAX)).contains(&control.seconds) {
            return Err(ControlError::Seconds);
        }
        if !(100..600).contains(&control.status) {
            return Err(ControlError::Status);
        }
        if control.fault == Fault::Unreachable {
            return Ok(());
        }
        if self.armed.len() == ARMED_MAX {
            return Err(ControlError::TooMany);
        }
        self.armed.push(control);
        Ok(())
    }

    /// Forgets everything.
    pub fn disarm(&mut self) {
        *self = Self::default();
    }

    /// How far the server's clock is wrong.
    pub fn skew_seconds(&self) -> i64 {
        self.skew_seconds
    }

    /// What goes wrong with a request: the first that was armed for it.
    pub fn take(&mut self, target: Target<'_>) -> Option<Control> {
        let hit = self.armed.iter().position(|control| control.hits(target))?;
        if self.armed[hit].standing {
            return Some(self.armed[hit].clone());
        }
        if self.armed[hit].times > 1 {
            self.armed[hit].times -= 1;
            return Some(self.armed[hit].clone());
        }
        Some(self.armed.remove(hit))
    }
}

impl Control {
    fn hits(&self, target: Target<'_>) -> bool {
        self.path.as_deref().is_none_or(|path| path == target.path)
            && (self.register.is_none() || self.register == target.register)
            && (self.kind.is_none() || self.kind.as_deref() == target.kind)
    }

    /// How long to wait.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.seconds).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target<'_> {
        Target {
            path,
            register: RegisterNumber::new(4_000_000_001).ok(),
            kind: Some("sale"),
        }
    }

    #[test]
    fn a_fault_hits_what_it_is_armed_for_as_often_as_it_is_told() {
        let mut faults = Faults::default();
        let mut control = Control::once(Fault::DropAfter);
        control.times = 2;
        control.path = Some("/fs/doc".to_owned());
        control.kind = Some("sale".to_owned());
        faults.arm(control).expect("armed");
        assert!(faults.take(target("/fs/cmd")).is_none());
        let other = Target {
            kind: Some("z_report"),
            ..target("/fs/doc")
        };
        assert!(faults.take(other).is_none());
        assert!(faults.take(target("/fs/doc")).is_some());
        assert!(faults.take(target("/fs/doc")).is_some());
        assert!(faults.take(target("/fs/doc")).is_none());
    }

    #[test]
    fn a_standing_fault_stays_until_it_is_disarmed() {
        let mut faults = Faults::default();
        let mut control = Control::once(Fault::Status);
        control.standing = true;
        faults.arm(control).expect("armed");
        for _ in 0..5 {
            assert!(faults.take(target("/fs/doc")).is_some());
        }
        faults.disarm();
        assert!(faults.take(target("/fs/doc")).is_none());
    }

    #[test]
    fn what_cannot_be_meant_is_not_armed() {
        let mut faults = Faults::default();
        let mut control = Control::once(Fault::Delay);
        control.seconds = i64::from(SECONDS_MAX) + 1;
        assert_eq!(faults.arm(control), Err(ControlError::Seconds));
        let mut control = Control::once(Fault::Status);
        control.status = 99;
        assert_eq!(faults.arm(control), Err(ControlError::Status));
        let mut control = Control::once(Fault::ClockSkew);
        control.seconds = -86_400;
        assert_eq!(faults.arm(control), Ok(()));
        assert_eq!(faults.skew_seconds(), -86_400);
    }
}
