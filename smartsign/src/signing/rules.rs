//! Whether a request is signed: pure, over everything that bears on it.

use crate::licence::Unlicensed;
use chrono::{DateTime, TimeDelta, Utc};
use signing_protocol::{
    CONTENT_OCTETS_MAX, DEADLINE_SECONDS_MAX, KeyState, LOAD_OCTETS_MAX, Licence, Outcome, RefusalReason,
    Request, Task,
};

/// A refusal with its reason in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub reason: RefusalReason,
    /// For people.
    pub message: String,
}

impl Refusal {
    /// A refusal in words.
    pub fn new(reason: RefusalReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            reason: refusal.reason,
            message: refusal.message,
        }
    }
}

/// What bears on a request.
pub struct Circumstances<'a> {
    /// Now.
    pub now: DateTime<Utc>,
    /// The licence, if it holds now.
    pub licence: &'a Result<Licence, Unlicensed>,
    /// Requests with this deadline or an earlier one may have been forgotten.
    pub horizon: DateTime<Utc>,
    /// Whether there is room to remember one more.
    pub can_remember: bool,
}

/// Judges everything but the key: licence, form, size, time, memory.
///
/// # Errors
/// The first reason against it.
pub fn judge(request: &Request, circumstances: &Circumstances<'_>) -> Result<Licence, Refusal> {
    let Circumstances { now, horizon, .. } = *circumstances;
    let licence = match circumstances.licence {
        Ok(licence) => licence,
        Err(unlicensed) => return Err(Refusal::new(RefusalReason::Licence, unlicensed.to_string())),
    };
    if now > request.deadline {
        return Err(Refusal::new(
            RefusalReason::Late,
            format!("the deadline was {}", request.deadline),
        ));
    }
    if request.deadline - now > TimeDelta::seconds(DEADLINE_SECONDS_MAX) {
        let message = "the deadline is more than a quarter of an hour away; one of the clocks is wrong";
        return Err(Refusal::new(RefusalReason::DeadlineTooFar, message));
    }
    if let Task::Sign { form, bytes, .. } = &request.task {
        if !licence.covers(*form) {
            let message = format!("the licence does not cover {}", form.name());
            return Err(Refusal::new(RefusalReason::Licence, message));
        }
        if bytes.0.len() > CONTENT_OCTETS_MAX {
            let message = format!("more than {CONTENT_OCTETS_MAX} octets");
            return Err(Refusal::new(RefusalReason::TooLarge, message));
        }
        if request.deadline <= horizon {
            let message = "this may have been signed and forgotten: the agent's clock was set back";
            return Err(Refusal::new(RefusalReason::Late, message));
        }
        if !circumstances.can_remember {
            let message = "as many requests are remembered as signing.remembered_max allows";
            return Err(Refusal::new(RefusalReason::Busy, message));
        }
    }
    if let Task::Load(upload) = &request.task
        && upload.octets() > LOAD_OCTETS_MAX
    {
        let message = format!("more than {LOAD_OCTETS_MAX} octets");
        return Err(Refusal::new(RefusalReason::TooLarge, message));
    }
    Ok(licence.clone())
}

/// What a key's state means for a request.
pub fn unfit_key(state: KeyState) -> Refusal {
    match state {
        KeyState::Stored | KeyState::Active => Refusal::new(
            RefusalReason::KeyNotActive,
            "the key is stored, and not active; activate it",
        ),
        KeyState::NotYetValid => Refusal::new(
            RefusalReason::Certificate,
            "the key's certificate is not valid yet",
        ),
        KeyState::Expired => Refusal::new(
            RefusalReason::Certificate,
            "the key's certificate has expired; load a new key",
        ),
        KeyState::WrongPassword => Refusal::new(
            RefusalReason::WrongPassword,
            "the stored password does not open the key; remove it and load it again",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signing_protocol::{AgentId, Form, KeyId, Octets, RequestId, SecretKey};
    use uuid::Uuid;

    fn moment(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn licence(forms: Vec<Form>) -> Licence {
        Licence {
            agent: AgentId(Uuid::nil()),
            name: String::new(),
            public_key: SecretKey::from_seed(&[1; 32]).public_key(),
            forms,
            keys_max: 1,
            not_before: moment(-100),
            expires: moment(1_000),
        }
    }

    fn check(
        deadline: i64,
        octets: usize,
        licence: Result<Licence, Unlicensed>,
        horizon: i64,
        can_remember: bool,
        expected: Option<RefusalReason>,
    ) {
        let request = Request {
            id: RequestId(Uuid::nil()),
            agent: AgentId(Uuid::nil()),
            deadline: moment(deadline),
            task: Task::Sign {
                register: None,
                key: KeyId(Uuid::nil()),
                form: Form::CmsAttached,
                bytes: Octets(vec![0; octets]),
            },
        };
        let circumstances = Circumstances {
            now: moment(0),
            licence: &licence,
            horizon: moment(horizon),
            can_remember,
        };
        let judged = judge(&request, &circumstances);
        assert_eq!(
            judged.err().map(|refusal| refusal.reason),
            expected,
            "deadline {deadline}, {octets} octets, horizon {horizon}, {can_remember}"
        );
    }

    #[test]
    fn a_request_is_signed_only_where_nothing_speaks_against_it() {
        let good = || Ok(licence(vec![Form::CmsAttached]));
        let max = DEADLINE_SECONDS_MAX;
        check(0, 10, good(), -10, true, None);
        check(-1, 10, good(), -10, true, Some(RefusalReason::Late));
        check(max, 10, good(), -10, true, None);
        check(
            max + 1,
            10,
            good(),
            -10,
            true,
            Some(RefusalReason::DeadlineTooFar),
        );
        check(5, CONTENT_OCTETS_MAX, good(), -10, true, None);
        check(
            5,
            CONTENT_OCTETS_MAX + 1,
            good(),
            -10,
            true,
            Some(RefusalReason::TooLarge),
        );
        check(
            5,
            10,
            Ok(licence(Vec::new())),
            -10,
            true,
            Some(RefusalReason::Licence),
        );
        check(
            5,
            10,
            Err(Unlicensed::Missing),
            -10,
            true,
            Some(RefusalReason::Licence),
        );
        check(5, 10, good(), 5, true, Some(RefusalReason::Late));
        check(5, 10, good(), 4, true, None);
        check(5, 10, good(), -10, false, Some(RefusalReason::Busy));
    }
}
