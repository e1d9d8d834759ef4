//! What the world knows: written again without looking at the machine, to judge it by.

use actors::idempotency::Claim;
use actors::ids::{ChallengeId, CustomerId, MessageId};
use actors::machines::otp::{Answer, WindowKey};
use std::collections::HashMap;

/// A window as a bystander sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Window {
    /// A message is with the operator.
    InFlight(ChallengeId),
    /// Handed over (or presumed to be) at this wall time; so many milliseconds ago by the clock that runs.
    Over {
        challenge: ChallengeId,
        wall_ms: i64,
        elapsed_ms: i64,
        length_ms: i64,
        written_elapsed_ms: i64,
    },
}

/// A message as the operator has it.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) customer: CustomerId,
    pub(crate) window: WindowKey,
    pub(crate) challenge: ChallengeId,
    pub(crate) code: String,
    pub(crate) claim: Option<Claim>,
    /// The operator's word, once it has one.
    pub(crate) taken: Option<bool>,
    /// Still to be answered to the process that sent it, by this monotonic time at the latest.
    pub(crate) pending_until: Option<i64>,
}

/// Everything a bystander knows.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) windows: HashMap<(CustomerId, WindowKey), Window>,
    pub(crate) messages: Vec<Message>,
    /// Comparisons that were made, by code.
    pub(crate) comparisons: HashMap<ChallengeId, u32>,
    /// Successful verifications, by code.
    pub(crate) successes: HashMap<ChallengeId, u32>,
    /// Answers that an idempotency key has given, and when (wall).
    pub(crate) kept: HashMap<(u64, bool), (Answer, i64)>,
    /// The furthest that the wall clock has stood since a message was handed over.
    pub(crate) latest: HashMap<ChallengeId, i64>,
}

impl Model {
    /// The wall clock was seen to stand here: an idempotency key whose time was over at any moment is over, also when the clock is set back again.
    pub(crate) fn saw(&mut self, wall_ms: i64) {
        for message in &self.messages {
            let latest = self.latest.entry(message.challenge).or_insert(wall_ms);
            *latest = wall_ms.max(*latest);
        }
    }

    /// Time passes on the running clock.
    pub(crate) fn pass(&mut self, ms: i64) {
        for window in self.windows.values_mut() {
            if let Window::Over { elapsed_ms, .. } = window {
                *elapsed_ms += ms;
            }
        }
    }

    /// A customer's record was written at this wall time: what has passed until then is known exactly.
    pub(crate) fn written(&mut self, customer: CustomerId, now_wall_ms: i64) {
        for ((owner, _), window) in &mut self.windows {
            if let Window::Over {
                wall_ms,
                elapsed_ms,
                written_elapsed_ms,
                ..
            } = window
                && *owner == customer
            {
                *wall_ms = now_wall_ms - *elapsed_ms;
                *written_elapsed_ms = *elapsed_ms;
            }
        }
    }

    /// A process begins at this wall time: what ran is judged by the wall from now on, and "in the future" is "just now".
    pub(crate) fn restart(&mut self, now_wall_ms: i64) {
        for window in self.windows.values_mut() {
            if let Window::Over {
                wall_ms,
                elapsed_ms,
                written_elapsed_ms,
                ..
            } = window
            {
                // Never younger than at the writing.
                *elapsed_ms = (now_wall_ms - *wall_ms).max(*written_elapsed_ms);
            }
        }
        self.messages
            .iter_mut()
            .for_each(|message| message.pending_until = None);
    }

    /// Whether an identical send must be refused now.
    pub(crate) fn is_closed(&self, customer: CustomerId, window: WindowKey) -> bool {
        match self.windows.get(&(customer, window)) {
            None => false,
            Some(Window::InFlight(_)) => true,
            Some(Window::Over {
                elapsed_ms,
                length_ms,
                ..
            }) => elapsed_ms < length_ms,
        }
    }

    /// Forgets a window's code, whichever window it is.
    pub(crate) fn free(&mut self, id: ChallengeId) {
        self.windows.retain(|_, window| {
            let challenge = match window {
                Window::InFlight(challenge) | Window::Over { challenge, .. } => *challenge,
            };
            challenge != id
        });
    }
}
