//! How the gateway stands, as health shows it.

use super::client::CallError;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// How the gateway stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkState {
    /// In a word.
    pub state: LinkWord,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why, where it is not connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Milliseconds by which the agent's clock is ahead of the gateway's (behind: negative), a call's time included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<i64>,
}

/// How the gateway stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkWord {
    /// Nothing was asked yet.
    Starting,
    /// The last call succeeded.
    Connected,
    /// No answer, or none that can be understood.
    Unreachable,
    /// The gateway refuses this agent.
    Refused,
    /// There is no licence to ask with.
    Unlicensed,
}

impl LinkState {
    pub(super) fn new(now: DateTime<Utc>) -> Self {
        Self {
            state: LinkWord::Starting,
            since: now,
            detail: None,
            clock_ahead_ms: None,
        }
    }

    /// What a call makes of it. True where the word changed, which is worth a line in the log.
    pub(super) fn after<A>(&mut self, call: &Result<A, CallError>, now: DateTime<Utc>) -> bool {
        let word = match call {
            Ok(_) => LinkWord::Connected,
            Err(CallError::Unlicensed(_)) => LinkWord::Unlicensed,
            Err(CallError::Local(_)) => return false,
            Err(CallError::Answered {
                status: 401 | 403, ..
            }) => LinkWord::Refused,
            Err(CallError::Answered { status, .. }) if *status < 500 && *status != 429 => LinkWord::Connected,
            Err(_) => LinkWord::Unreachable,
        };
        let changed = word != self.state;
        if changed {
            self.state = word;
            self.since = now;
        }
        self.detail = match call {
            Err(error) if word != LinkWord::Connected => Some(error.to_string()),
            _ => None,
        };
        changed
    }
}
