//! One customer's one-time passwords: windows, tries, locks and caps (CM-S02, steps 7 and 8, and verification).

mod answer;
mod decide;
mod kept;
mod mac;
mod policy;
mod reason;
mod record;
mod state;
#[cfg(test)]
mod tests;
mod text;

pub use answer::{Answer, Detail, seconds_rounded_up};
pub use mac::{Binding, CodeMac, MacKeys, Subject};
pub use policy::{CAP_MAX, DAY, LOCK_AFTER_TRIES_MAX, Policy};
pub use reason::Reason;
pub use record::BookRecord;
pub(crate) use record::EarlierBook;
pub use state::{CLIENT_REFERENCE_BYTES_MAX, Challenge, Delivery, Ledger, SendNote, WindowKey};
pub(crate) use state::{ChallengeV1, ChallengeV2};
pub use text::signing_text;

use crate::clock::{Moment, Now, Process};
use crate::evidence::{OwedContract, OwedEvidence};
use crate::idempotency::Claim;
use crate::ids::{ChallengeId, ContactId, CustomerId, MessageId, RequestId};
use crate::machines::Machine;
use crate::phone::Phone;
use crate::ports::HandOver;
use crate::secret::{Otp, Secret};
use std::collections::BTreeMap;
use std::sync::Arc;

/// All that is remembered of one customer's codes.
#[derive(Clone, Debug, PartialEq)]
pub struct OtpBook {
    customer: CustomerId,
    /// Boxed: a map's node has room for eleven, and most customers have one.
    challenges: BTreeMap<WindowKey, Box<Challenge>>,
    ledgers: BTreeMap<ContactId, Ledger>,
}

/// What may be asked of a customer's book.
#[derive(Debug)]
pub enum Command {
    /// Steps 7 and 8 of CM-S02; steps 1 to 6 are passed.
    Send(Box<SendCommand>),
    /// Verification up to the comparison: judges, and counts the try.
    Verify(Box<VerifyCommand>),
    /// The comparison itself, once the try is durable.
    Compare(Box<VerifyCommand>),
    /// The operator's word on a message, or that there is none.
    Settle {
        /// Which code's message.
        challenge: ChallengeId,
        /// What became of it.
        settlement: Settlement,
        /// Who has it, and under which ids, where that is known.
        handed: Option<HandOver>,
    },
    /// A deadline has come.
    Wake,
    /// An administrator lifts a contact's lock.
    LiftLock {
        /// Which contact's.
        contact: ContactId,
        /// Who is told.
        request: RequestId,
    },
}

/// A send that has passed steps 1 to 6.
#[derive(Debug)]
pub struct SendCommand {
    /// Who waits.
    pub request: RequestId,
    /// The inputs.
    pub window: WindowKey,
    /// The contact's number.
    pub destination: Phone,
    /// First line of the message.
    pub brand: String,
    /// The customer's full name.
    pub full_name: String,
    /// The contract type's title.
    pub title: String,
    /// What the code is to be bound to.
    pub binding: Binding,
    /// The settings for this contract type.
    pub policy: Policy,
    /// What was drawn for this send; `None` where the generator failed.
    pub draw: Option<Draw>,
    /// The server's keys.
    pub keys: Arc<MacKeys>,
    /// The idempotency key it came under.
    pub claim: Option<Claim>,
    /// The caller's trace (W3C `traceparent`), to go on with towards the operator.
    pub trace: Option<String>,
    /// The integration id of the client, for the evidence that a verification may owe; at most [`CLIENT_REFERENCE_BYTES_MAX`].
    pub client: Option<String>,
}

/// All chance that a send needs.
#[derive(Debug)]
pub struct Draw {
    /// The code.
    pub code: Otp,
    /// Its id.
    pub challenge: ChallengeId,
    /// The message's id.
    pub message: MessageId,
}

/// A verification that has passed reasons 1 to 5.
#[derive(Clone, Debug)]
pub struct VerifyCommand {
    /// Who waits.
    pub request: RequestId,
    /// The inputs.
    pub window: WindowKey,
    /// The contact's number as it is now; `None` where it is no longer valid.
    pub destination: Option<Phone>,
    /// What the caller says the code was for.
    pub binding: Binding,
    /// What was typed.
    pub code: Otp,
    /// The settings for this contract type.
    pub policy: Policy,
    /// The server's keys.
    pub keys: Arc<MacKeys>,
    /// The idempotency key it came under.
    pub claim: Option<Claim>,
    /// The evidence that success owes, where the invoker is bound to an integration and the caller names the contract.
    pub evidence: Option<Box<EvidenceClaim>>,
}

/// What a verification knows of the evidence that it may come to owe.
#[derive(Clone, Debug)]
pub struct EvidenceClaim {
    /// The integration that the invoker is bound to.
    pub integration: String,
    /// ContractId as it came.
    pub contract_id: OwedContract,
    /// SHA-256 of the documents.
    pub documents_sha256: Vec<[u8; 32]>,
    /// The operator that carries codes.
    pub key_transport: String,
}

/// What became of a message, as the world reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The operator has it.
    Accepted,
    /// The operator will not send it.
    Refused {
        /// Its code.
        code: String,
        /// Its words.
        text: String,
    },
    /// No answer in time.
    Unknown,
    /// After a restart: nobody can say, and the code is gone with the process.
    Lost,
}

/// A fact about a customer's codes.
#[derive(Clone, Debug)]
pub enum Event {
    /// A code was drawn and is about to be sent.
    Issued {
        /// Its inputs.
        window: WindowKey,
        /// Itself.
        challenge: Box<Challenge>,
    },
    /// A message's fate is known, and with it the answer.
    Settled {
        /// Which code's.
        challenge: ChallengeId,
        /// What became of it.
        fate: Fate,
        /// What is told.
        answer: Answer,
        /// Where the answer is kept.
        claim: Option<Claim>,
        /// Whose message it was, and its id; only for the first word on it.
        first: Option<(crate::ids::InvokerCode, MessageId)>,
        /// Who has it.
        handed: Option<HandOver>,
    },
    /// A try was made; its outcome is not known yet.
    TryCounted {
        /// On which inputs.
        window: WindowKey,
        /// When.
        at: Moment,
    },
    /// The last counted try was right.
    Verified {
        /// On which inputs.
        window: WindowKey,
        /// What is told.
        answer: Answer,
        /// Where the answer is kept.
        claim: Option<Claim>,
        /// What is owed to the evidence log from now on.
        owed: Option<Box<OwedEvidence>>,
    },
    /// A contact's wrong tries were forgiven.
    LockLifted {
        /// Whose.
        contact: ContactId,
    },
}

/// What a settlement does to a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It went at this moment: window and lifetime begin.
    HandedOver(Moment),
    /// It may have gone, as established at this moment: window and lifetime begin all the same.
    Unknown(Moment),
    /// It did not go: the code is void, the window free, nothing is counted.
    Voided,
    /// It may have gone, but its code died with the process: the window is free, the caps count it.
    Lost,
}

/// A deed.
#[derive(Debug)]
pub enum Effect {
    /// Answer a request.
    Answer {
        /// Which.
        request: RequestId,
        /// What.
        answer: Answer,
    },
    /// Tell whoever waits for this code's outcome.
    Settled {
        /// Which code's.
        challenge: ChallengeId,
        /// What.
        answer: Answer,
    },
    /// Hand a message to an operator. Ask-only: never repeated, because its code is nowhere to be read again.
    SendSms {
        /// Which code's.
        challenge: ChallengeId,
        /// The message's id.
        message: MessageId,
        /// Whose message it is.
        partner: crate::ids::InvokerCode,
        /// How long the code lives.
        lifetime: std::time::Duration,
        /// Where to.
        destination: Phone,
        /// What, code included.
        text: Secret,
        /// The caller's trace.
        trace: Option<String>,
    },
    /// Ask the operator what became of a message that a dead process handed over, or meant to.
    AskOperator {
        /// Which code's.
        challenge: ChallengeId,
        /// The message's id.
        message: MessageId,
    },
    /// Pay what this verification owes to the evidence log. Repeatable: the same container is the same fact.
    RecordEvidence {
        /// Which verification; whoever waits for it may be told the leaf.
        request: RequestId,
        /// The debt, which is durable.
        owed: Box<OwedEvidence>,
    },
    /// Compare the code of this verification now that its try is counted.
    Compare(Box<VerifyCommand>),
    /// Publish that an identical send is refused until this moment.
    WindowClosed {
        /// Which inputs.
        window: WindowKey,
        /// Until when.
        until: Moment,
    },
    /// Take that back, before anybody is told of it.
    WindowOpened {
        /// Which inputs.
        window: WindowKey,
    },
    /// A lock was lifted (or there was none).
    LockLifted {
        /// Who is told.
        request: RequestId,
    },
}

impl Machine for OtpBook {
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn decide(&self, command: Command, now: Now) -> super::Decision<Event, Effect> {
        decide::decide(self, command, now)
    }

    fn apply(&mut self, event: &Event) {
        match event {
            Event::Issued { window, challenge } => self.issue(*window, challenge),
            Event::Settled { challenge, fate, .. } => self.settle(*challenge, *fate),
            Event::TryCounted { window, at } => self.count_try(*window, *at),
            Event::Verified { window, .. } => self.spend(*window),
            Event::LockLifted { contact } => {
                if let Some(ledger) = self.ledgers.get_mut(contact) {
                    ledger.wrong_tries.clear();
                }
            }
        }
    }

    fn next_deadline(&self) -> Option<Moment> {
        let waiting = self
            .challenges
            .values()
            .filter(|c| c.delivery == Delivery::InFlight);
        waiting.filter_map(|challenge| challenge.settle_by).min()
    }
}

/// A moment as "now", for pruning inside `apply`, which knows no clock but the event's own moment. Only its monotonic time is asked for.
fn as_now(moment: Moment) -> Now {
    Now {
        wall: chrono::DateTime::UNIX_EPOCH,
        mono: moment,
        process: Process::default(),
    }
}

impl OtpBook {
    fn issue(&mut self, window: WindowKey, challenge: &Challenge) {
        let now = as_now(challenge.issued);
        self.challenges.retain(|_, kept| kept.is_live(now) || !kept.spent);
        while self.challenges.len() >= policy::LIVE_CODES_MAX {
            let oldest_dead = self
                .challenges
                .iter()
                .filter(|(_, kept)| !kept.is_live(now))
                .min_by_key(|(_, c)| c.issued);
            let Some(key) = oldest_dead.map(|(key, _)| *key) else {
                break;
            };
            self.challenges.remove(&key);
        }
        self.ledgers.retain(|_, ledger| !ledger.is_idle(now));
        let ledger = self.ledgers.entry(window.contact).or_default();
        ledger.sends.retain(|note| note.at.left_of(DAY, now).is_some());
        ledger.sends.push(SendNote {
            at: challenge.issued,
            contract_type: window.contract_type,
            challenge: challenge.id,
        });
        self.challenges.insert(window, Box::new(challenge.clone()));
    }

    fn settle(&mut self, id: ChallengeId, fate: Fate) {
        let Some((window, challenge)) = self
            .challenges
            .iter_mut()
            .find(|(_, challenge)| challenge.id == id)
        else {
            return;
        };
        challenge.request = None;
        challenge.settle_by = None;
        challenge.orphaned = false;
        let window = *window;
        match fate {
            Fate::HandedOver(at) => challenge.delivery = Delivery::HandedOver(at),
            Fate::Unknown(at) => challenge.delivery = Delivery::Unknown(at),
            Fate::Voided => {
                self.challenges.remove(&window);
                self.forget_send(window.contact, id);
            }
            Fate::Lost => {
                self.challenges.remove(&window);
            }
        }
    }

    fn count_try(&mut self, window: WindowKey, at: Moment) {
        if let Some(challenge) = self.challenges.get_mut(&window) {
            challenge.tries = challenge.tries.saturating_add(1);
        }
        let ledger = self.ledgers.entry(window.contact).or_default();
        ledger
            .wrong_tries
            .retain(|tried| tried.left_of(DAY, as_now(at)).is_some());
        ledger.wrong_tries.push(at);
    }

    fn spend(&mut self, window: WindowKey) {
        let Some(challenge) = self.challenges.get_mut(&window) else {
            return;
        };
        challenge.spent = true;
        let (id, settled) = (challenge.id, challenge.delivery != Delivery::InFlight);
        if settled {
            self.challenges.remove(&window);
        }
        if let Some(ledger) = self.ledgers.get_mut(&window.contact) {
            ledger.wrong_tries.pop();
        }
        self.forget_send(window.contact, id);
    }

    fn forget_send(&mut self, contact: ContactId, id: ChallengeId) {
        if let Some(ledger) = self.ledgers.get_mut(&contact) {
            ledger.sends.retain(|note| note.challenge != id);
        }
    }

    /// A book with nothing in it.
    pub fn new(customer: CustomerId) -> Self {
        Self {
            customer,
            challenges: BTreeMap::new(),
            ledgers: BTreeMap::new(),
        }
    }

    /// Whose book it is.
    pub fn customer(&self) -> CustomerId {
        self.customer
    }

    /// Whether the outcome of this code is still awaited.
    pub fn is_in_flight(&self, id: ChallengeId) -> bool {
        self.challenges
            .values()
            .any(|c| c.id == id && c.delivery == Delivery::InFlight)
    }

    /// Whether anything is awaited; such a customer's actor stays.
    pub fn is_waiting(&self) -> bool {
        self.challenges
            .values()
            .any(|challenge| challenge.delivery == Delivery::InFlight)
    }

    /// After a restart: the messages whose outcome must be asked for.
    pub fn owed(&self) -> Vec<Effect> {
        let orphans = self.challenges.values().filter(|challenge| challenge.orphaned);
        orphans
            .map(|c| Effect::AskOperator {
                challenge: c.id,
                message: c.message,
            })
            .collect()
    }

    /// Every live window with its code, for inspection and for the invariants of tests.
    pub fn challenges(&self) -> impl Iterator<Item = (&WindowKey, &Challenge)> {
        self.challenges
            .iter()
            .map(|(key, challenge)| (key, challenge.as_ref()))
    }
}
