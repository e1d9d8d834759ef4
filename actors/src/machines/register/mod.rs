//! One cash register: its operations, documents and shifts, by the rules of the tax service (section 3.2) and the held request.
//!
//! One document is in flight; operations wait in order. Every stage is on disk before the deed that it leads to: a document is *planned*
//! (identifier, number, XML) before the agent is asked to sign, *signed and about to be sent* before it is posted, *settled* before anybody
//! is told: three commits a sale. What is sent and not answered is in doubt and is never posted blindly (section 1.12).

mod answer;
mod apply;
mod away;
mod command;
mod decide;
mod form;
pub mod kyiv;
mod news;
mod note;
mod policy;
mod request;
mod state;
mod view;

pub use answer::{
    Answer, Cancelled, DocumentFacts, DocumentKind, Done, ManualReason, OperationRecord, OperationState,
    Refusal,
};
pub use away::{Away, NoOffline, OfflineCause, Package, PackageRefusal};
pub use command::{
    Ask, Command, Content, Draw, Effect, Event, Finding, FingerprintRecord, Order, Registered, RegisteredAt,
    Reply, Signature, Tool,
};
pub use decide::fingerprint;
pub use news::{Limit, Nearness, News, Settled, news};
pub use note::{DocumentOutcome, Note};
pub use policy::{
    AutoClose, COMMENT_CHARACTERS_MAX, OFFLINE_LIMITS, PACKAGE_LIMITS, PAYMENT_FORMS_MAX,
    PAYMENT_NAME_CHARACTERS_MAX, SHIFT_MAX, Settings, TAX_NAME_CHARACTERS_MAX, TAXES_MAX, WAITING_MAX,
};
pub use request::{
    LineRequest, OperationKind, OriginalReceipt, PaymentRequest, ReceiptRequest, Request, SellerFacts,
    Signer, Unit, WithdrawalRequest,
};
pub use state::{
    BlockReason, Body, CloseAlarm, Flight, Link, Operation, Phase, Profile, Purpose, Query, QueryStage,
    Shift, SoldRecord, Stage,
};
pub use view::{OfflineView, ShiftView, View};

use crate::clock::{Moment, Now, Written};
use crate::ids::OperationId;
use chrono::NaiveDateTime;
use fiscal::offline::Month;
use fiscal::{LocalNumber, OfflineSession, RegisterNumber};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Octets in one row of a document or a body: under the store's 16 KiB with room to spare.
pub const ROW_OCTETS_MAX: usize = 15 * 1024;

/// How many rows so many octets take.
pub fn rows_of(octets: &[u8]) -> u16 {
    u16::try_from(octets.len().div_ceil(ROW_OCTETS_MAX)).unwrap_or(u16::MAX)
}

/// All that is remembered of one register.
#[derive(Clone, Debug, PartialEq)]
pub struct RegisterBook {
    number: RegisterNumber,
    core: Core,
    /// Operations that wait, in order; each a row of its own.
    waiting: VecDeque<Operation>,
}

/// What stands in the register's own row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Core {
    profile: Option<Profile>,
    phase: Phase,
    link: Link,
    /// The number that is due; `None` before the tax service was asked for the first time.
    next: Option<LocalNumber>,
    /// The state must be asked before anything else is issued.
    must_synchronise: bool,
    /// When the last document was issued (rule 15).
    last_issued: Option<NaiveDateTime>,
    /// The last registered document.
    last: Option<DocumentFacts>,
    /// What the register needs in order to go offline.
    offline: Option<OfflineSession>,
    /// It is offline.
    away: Option<Box<Away>>,
    /// Minutes of this month in which it was offline, without the session that has not ended (rule 6).
    used: Option<(Month, i64)>,
    /// Who signed last: signs what the register does by itself between two shifts.
    signer: Option<Signer>,
    /// Since when the tax service does not answer, as far as this register has tried.
    unreached: Option<Moment>,
    /// Shifts that it has had.
    shifts: u64,
    /// Operations that it has accepted.
    accepted: u64,
    current: Option<Operation>,
    flight: Option<Flight>,
    query: Option<Query>,
}

/// A register's row (record version 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegisterRecord {
    written: Written,
    core: Core,
}

/// The row of an operation that waits (record version 1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaitingRecord {
    written: Written,
    operation: Operation,
}

impl super::Machine for RegisterBook {
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn decide(&self, command: Command, now: Now) -> super::Decision<Event, Effect> {
        decide::decide(self, command, now)
    }

    fn apply(&mut self, event: &Event) {
        self.apply_event(event);
    }

    fn next_deadline(&self) -> Option<Moment> {
        decide::next_deadline(self)
    }
}

impl RegisterBook {
    /// A register of which nothing is known.
    pub fn new(number: RegisterNumber) -> Self {
        Self {
            number,
            core: Core {
                profile: None,
                phase: Phase::Closed,
                link: Link::Online,
                next: None,
                must_synchronise: false,
                last_issued: None,
                last: None,
                offline: None,
                away: None,
                used: None,
                signer: None,
                unreached: None,
                shifts: 0,
                accepted: 0,
                current: None,
                flight: None,
                query: None,
            },
            waiting: VecDeque::new(),
        }
    }

    /// Which register.
    pub fn number(&self) -> RegisterNumber {
        self.number
    }

    /// Whether this operation waits or is in work.
    pub fn is_live(&self, operation: OperationId) -> bool {
        let current = self.core.current.iter();
        current.chain(&self.waiting).any(|live| live.id == operation)
    }

    /// Whether anything is under way; such a register's actor stays.
    pub fn is_busy(&self) -> bool {
        let core = &self.core;
        core.current.is_some() || core.flight.is_some() || core.query.is_some() || !self.waiting.is_empty()
    }

    /// The operation in work.
    pub fn current(&self) -> Option<&Operation> {
        self.core.current.as_ref()
    }

    /// Whether documents are registered as they are issued.
    pub fn is_online(&self) -> bool {
        self.core.link == Link::Online
    }

    /// Whether a shift is open, and takes documents.
    pub fn is_shift_open(&self) -> bool {
        matches!(self.core.phase, Phase::Open(_))
    }

    /// Its state in one word, for metrics: what is amiss, or where it stands between two days.
    pub fn state_name(&self) -> &'static str {
        match (&self.core.link, &self.core.phase) {
            (Link::Online, Phase::Closed) => "closed",
            (Link::Online, Phase::Open(shift)) if shift.close.is_alarmed => "open_too_long",
            (Link::Online, Phase::Open(_)) => "open",
            (Link::Online, Phase::Reported(_)) => "reported",
            (link, _) => link.name(),
        }
    }

    /// The document on its way, for the shell's rows and for the invariants of tests.
    pub fn flight(&self) -> Option<&Flight> {
        self.core.flight.as_ref()
    }

    /// Where the register stands between two days.
    pub fn phase(&self) -> &Phase {
        &self.core.phase
    }

    /// What is remembered of it while it is offline.
    pub fn away(&self) -> Option<&Away> {
        self.core.away.as_deref()
    }

    /// The number that is due, where it is known.
    pub fn next_local_number(&self) -> Option<LocalNumber> {
        self.core.next
    }

    /// What is written to disk now, but for what waits.
    pub fn record(&self, now: Now) -> RegisterRecord {
        RegisterRecord {
            written: Written::at(now),
            core: self.core.clone(),
        }
    }

    /// What is written of an operation that waits.
    pub fn waiting_record(operation: &Operation, now: Now) -> WaitingRecord {
        WaitingRecord {
            written: Written::at(now),
            operation: operation.clone(),
        }
    }

    /// What was read from disk, given its place on this process's clock. Who was held is gone.
    pub fn restored(number: RegisterNumber, record: RegisterRecord, now: Now) -> Self {
        let shift_ms = record.written.shift(now.process);
        let mut core = record.core;
        core.shift(shift_ms);
        Self {
            number,
            core,
            waiting: VecDeque::new(),
        }
    }

    /// Adds an operation that waits, as read from disk in order.
    pub fn restore_waiting(&mut self, record: WaitingRecord, now: Now) {
        let mut operation = record.operation;
        operation.shift(record.written.shift(now.process));
        self.waiting.push_back(operation);
    }
}

impl Core {
    fn shift(&mut self, by_ms: i64) {
        self.current
            .iter_mut()
            .for_each(|operation| operation.shift(by_ms));
        if let Some(flight) = &mut self.flight {
            flight.shift(by_ms);
        }
        if let Some(query) = &mut self.query {
            query.shift(by_ms);
        }
        if let Some(away) = &mut self.away {
            away.shift(by_ms);
        }
        self.unreached = self.unreached.map(|at| at.shifted(by_ms));
        if let Some(shift) = self.phase.shift_mut() {
            shift.close.look = shift.close.look.shifted(by_ms);
        }
    }
}

impl Operation {
    fn shift(&mut self, by_ms: i64) {
        self.hold_until = None;
        self.give_up = self.give_up.shifted(by_ms);
        self.again_at = self.again_at.map(|at| at.shifted(by_ms));
    }
}
