//! What is remembered of a customer's codes. Plain data with questions; no decisions.

use super::mac::{self, Binding, CodeMac};
use super::policy::DAY;
use crate::clock::{Moment, Now};
use crate::idempotency::Claim;
use crate::ids::{ChallengeId, ContactId, ContractTypeId, InvokerCode, MessageId, RequestId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Three of the four inputs of CM-S02; the fourth is the customer whose state this is. Identical inputs share a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WindowKey {
    /// The contact that the code goes to.
    pub contact: ContactId,
    /// The type of contract to be signed.
    pub contract_type: ContractTypeId,
    /// The system that calls.
    pub invoker: InvokerCode,
}

/// One code and its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// The message that carries it.
    pub message: MessageId,
    /// What became of the message.
    pub delivery: Delivery,
    /// When it was decided to send it.
    pub issued: Moment,
    /// The resend window in force for it.
    pub window: Duration,
    /// The lifetime in force for it.
    pub lifetime: Duration,
    /// How long its outcome may be awaited.
    pub outcome_deadline: Duration,
    /// Tries so far, counted before each comparison.
    pub tries: u8,
    /// Verified; good for nothing more.
    pub spent: bool,
    /// What is kept of the code.
    pub mac: CodeMac,
    /// What it is bound to (also inside the HMAC).
    pub binding: Binding,
    /// The idempotency key under which it was asked for. In a box: a book is read whole at each step, and most codes have none.
    pub claim: Option<Box<Claim>>,
    /// The integration id of the client, as the send named it; for the evidence that its verification may owe.
    pub client: Option<String>,
    /// Until when its outcome is awaited, while it is in flight in this process.
    #[serde(skip)]
    pub settle_by: Option<Moment>,
    /// Who waits for its outcome in this process.
    #[serde(skip)]
    pub request: Option<RequestId>,
    /// It was in flight when the process ended: its code is gone, its outcome can only be asked for.
    #[serde(skip)]
    pub orphaned: bool,
}

/// Bytes of a client's reference in a send: longer than integration ids are, and short enough for a customer's record.
pub const CLIENT_REFERENCE_BYTES_MAX: usize = 64;

/// A code as version 1 of the record stored it.
#[derive(Deserialize)]
pub(crate) struct ChallengeV1 {
    id: ChallengeId,
    message: MessageId,
    delivery: Delivery,
    issued: Moment,
    window: Duration,
    lifetime: Duration,
    outcome_deadline: Duration,
    tries: u8,
    spent: bool,
    mac_and_binding: mac::Earlier,
    claim: Option<Claim>,
}

/// A code as version 2 of the record stored it.
#[derive(Deserialize)]
pub(crate) struct ChallengeV2 {
    first: ChallengeV1,
    client: Option<String>,
}

impl From<ChallengeV1> for Challenge {
    fn from(first: ChallengeV1) -> Self {
        ChallengeV2 { first, client: None }.into()
    }
}

impl From<ChallengeV2> for Challenge {
    fn from(ChallengeV2 { first, client }: ChallengeV2) -> Self {
        let (mac, binding) = first.mac_and_binding.into();
        Self {
            id: first.id,
            message: first.message,
            delivery: first.delivery,
            issued: first.issued,
            window: first.window,
            lifetime: first.lifetime,
            outcome_deadline: first.outcome_deadline,
            tries: first.tries,
            spent: first.spent,
            mac,
            binding,
            claim: first.claim.map(Box::new),
            client,
            settle_by: None,
            request: None,
            orphaned: false,
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Delivery {
    /// Decided and durable; the operator has not answered yet.
    InFlight,
    /// The operator took it at this moment.
    HandedOver(Moment),
    /// No answer in time, established at this moment; the message probably went.
    Unknown(Moment),
}

impl Challenge {
    /// What is left of the window in which an identical send is refused.
    pub fn window_left(&self, now: Now) -> Option<Duration> {
        match self.delivery {
            Delivery::InFlight => Some(
                self.issued
                    .left_of(self.window, now)
                    .unwrap_or_default()
                    .max(Duration::from_secs(1)),
            ),
            Delivery::HandedOver(_) | Delivery::Unknown(_) if self.spent => None,
            Delivery::HandedOver(at) | Delivery::Unknown(at) => {
                at.left_of(self.window.min(self.lifetime), now)
            }
        }
    }

    /// Whether its lifetime is over. A code in flight does not age.
    pub fn is_expired(&self, now: Now) -> bool {
        match self.delivery {
            Delivery::InFlight => false,
            Delivery::HandedOver(at) | Delivery::Unknown(at) => at.left_of(self.lifetime, now).is_none(),
        }
    }

    /// Whether it can still change an answer other than "expired".
    pub fn is_live(&self, now: Now) -> bool {
        self.delivery == Delivery::InFlight
            || (!self.spent && !self.is_expired(now))
            || self.window_left(now).is_some()
    }

    /// Gives what was read from disk its place in this process.
    pub fn restored(mut self, shift_ms: i64, now: Now) -> Self {
        self.issued = self.issued.shifted(shift_ms);
        self.delivery = match self.delivery {
            Delivery::InFlight => Delivery::InFlight,
            Delivery::HandedOver(at) => Delivery::HandedOver(at.shifted(shift_ms)),
            Delivery::Unknown(at) => Delivery::Unknown(at.shifted(shift_ms)),
        };
        if self.delivery == Delivery::InFlight {
            self.orphaned = true;
            self.settle_by = Some(Moment::at(now).plus(self.outcome_deadline));
        }
        self
    }
}

/// What is counted of one contact, beyond the life of any single code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Codes of the last day that were not verified, oldest first.
    pub sends: Vec<SendNote>,
    /// Wrong tries of the last day, oldest first. A try stands here from before its comparison; success takes it away.
    pub wrong_tries: Vec<Moment>,
}

/// One unverified code in the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendNote {
    /// When it was issued.
    pub at: Moment,
    /// For which contract type.
    pub contract_type: ContractTypeId,
    /// Which code.
    pub challenge: ChallengeId,
}

impl Ledger {
    /// What is left of the lock, if the contact is locked: a day from the last of `lock_after` wrong tries in a day.
    pub fn lock_left(&self, lock_after: u32, now: Now) -> Option<Duration> {
        let last = self.wrong_tries.last()?;
        let locked = self.wrong_tries.len() >= usize::try_from(lock_after).unwrap_or(usize::MAX);
        if locked { last.left_of(DAY, now) } else { None }
    }

    /// Until when `cap` codes within `period` stand in the way, counting those that `counts` selects.
    pub fn cap_left(
        &self,
        cap: u32,
        period: Duration,
        now: Now,
        counts: impl Fn(&SendNote) -> bool,
    ) -> Option<Duration> {
        let left: Vec<Duration> = self
            .sends
            .iter()
            .filter(|n| counts(n))
            .filter_map(|n| n.at.left_of(period, now))
            .collect();
        let over = (left.len() + 1).checked_sub(usize::try_from(cap).unwrap_or(usize::MAX))?;
        if over == 0 {
            None
        } else {
            left.get(over - 1).copied()
        }
    }

    /// Whether nothing here matters any more.
    pub fn is_idle(&self, now: Now) -> bool {
        let recent = |moment: &Moment| moment.left_of(DAY, now).is_some();
        !self.sends.iter().any(|note| recent(&note.at)) && !self.wrong_tries.iter().any(recent)
    }

    /// Gives what was read from disk its place in this process.
    pub fn restored(mut self, shift_ms: i64) -> Self {
        self.sends
            .iter_mut()
            .for_each(|note| note.at = note.at.shifted(shift_ms));
        self.wrong_tries
            .iter_mut()
            .for_each(|at| *at = at.shifted(shift_ms));
        self
    }
}
