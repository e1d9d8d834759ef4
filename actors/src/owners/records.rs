//! What is kept of an owner's webhook and of the events for it.

use crate::ids::AccountId;
use crate::machines::register::News;
use fiscal::RegisterNumber;
use serde::{Deserialize, Serialize};
use storage::record::Record;
use uuid::Uuid;

/// An account's webhook (row `owner-hook/<account>`, record version 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerHookRecord {
    /// Where to.
    pub url: String,
    /// What the key is derived from, beside the server's own.
    pub salt: [u8; 16],
    /// The key before it, after a rotation.
    pub former: Option<FormerKey>,
    /// When it was put last, in milliseconds since 1970.
    pub put_ms: i64,
    /// When the receiver said that it wants to hear nothing more (410); nothing is owed or posted until the webhook is put again.
    pub gone_ms: Option<i64>,
}

/// A key that still signs beside the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerKey {
    /// What it is derived from.
    pub salt: [u8; 16],
    /// Until when, in milliseconds since 1970.
    pub until_ms: i64,
}

/// One event for an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerEvent {
    /// Its `webhook-id`, the same however often it is posted. UUIDv7 of its moment: ids sort by time, and within one register in its order.
    pub id: Uuid,
    /// Of which register.
    pub register: RegisterNumber,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: i64,
    /// What.
    pub news: News,
}

/// Events that one step of a register owes, written in that step's own batch (row `owner-owed/<account>/<register>/<ordinal>`, record
/// version 1). The ordinal is the step's, so that a register's events lie in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedRecord {
    /// In their order; at least one.
    pub events: Vec<OwnerEvent>,
    /// How many of them were taken.
    pub told: u8,
    /// How often the first that was not taken was posted.
    pub tries: u32,
    /// The status of the last answer to it; none where there was no answer, or no post.
    pub status: Option<u16>,
    /// Not before this moment, in milliseconds since 1970; 0 before the first post.
    pub due_ms: i64,
}

/// An event that was delivered or given up, kept for replays (row `owner-kept/<account>/<ending>/<id>`, record version 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRecord {
    /// It.
    pub event: OwnerEvent,
    /// When it was delivered last or given up, in milliseconds since 1970.
    pub ended_ms: i64,
    /// Posts so far.
    pub tries: u32,
    /// The status of the last answer that did not take it.
    pub status: Option<u16>,
}

/// A replay under way (row `owner-replay/<account>`, record version 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayRecord {
    /// Events with ids above this one...
    pub after: u128,
    /// ...up to this one are posted again, in the order of their ids.
    pub until: u128,
    /// When it was asked for, in milliseconds since 1970.
    pub asked_ms: i64,
    /// How often the next one was posted in vain.
    pub tries: u32,
    /// Not before this moment, in milliseconds since 1970.
    pub due_ms: i64,
}

macro_rules! record {
    ($type:ty, $name:literal) => {
        impl Record for $type {
            const NAME: &'static str = $name;
            const VERSION: u8 = 1;
        }
    };
}
record!(OwnerHookRecord, "owner's webhook");
record!(OwedRecord, "owed events");
record!(KeptRecord, "kept event");
record!(ReplayRecord, "replay of events");

impl OwedRecord {
    /// Those that were not taken yet.
    pub fn left(&self) -> &[OwnerEvent] {
        self.events.get(usize::from(self.told)..).unwrap_or_default()
    }
}

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ending {
    /// It was taken.
    Delivered,
    /// It was posted in vain for as long as is set.
    GivenUp,
}

impl Ending {
    /// Both: delivered ones are dropped first.
    pub const ALL: [Self; 2] = [Self::Delivered, Self::GivenUp];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::GivenUp => "given_up",
        }
    }
}

/// What is posted one after the other: the events of one register, or an account's replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// Whose.
    pub account: AccountId,
    /// Of which register; none: the replay.
    pub register: Option<RegisterNumber>,
}
