//! Webhooks of owners of registers: how long they are tried, and what is kept of their events.

use serde::{Deserialize, Serialize};

/// Webhooks of owners; the reasons are in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Webhooks {
    /// Seconds after the first post in vain; each next pause is twice as long...
    pub first_pause_seconds: u64,
    /// ...up to this, in seconds.
    pub pause_max_seconds: u64,
    /// How old an event may become, in hours, before a post in vain is its last.
    pub give_up_hours: u64,
    /// Events of one account that are kept for replays, owed ones among them.
    pub events_max: u64,
    /// Whether events, and news of messages to partners, may be posted to private networks, and there without TLS.
    pub private_addresses: bool,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            first_pause_seconds: 5,
            pause_max_seconds: 3_600,
            give_up_hours: 72,
            events_max: 10_000,
            private_addresses: false,
        }
    }
}
