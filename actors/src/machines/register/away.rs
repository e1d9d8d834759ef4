//! What is remembered of a register that issues documents without the tax service (section 1.8): the session's chain, what of it was
//! delivered, the document whose fate was not known when it began, and how far the way back is.

use super::answer::DocumentKind;
use super::request::Signer;
use super::state::{BlockReason, Flight, Link, Query};
use crate::clock::Moment;
use crate::ids::SignatureRequestId;
use fiscal::document::Kind;
use fiscal::offline::{OfflineChain, OfflineDocument, Planned, State};
use fiscal::{
    CashDeskNumber, LocalNumber, OfflineSeed, OfflineSession, OfflineSessionId, RegisterNumber, Uid, numbers,
};
use serde::{Deserialize, Serialize};

/// A register that is offline: from the decision to leave until the end of its session was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// The session's chain. It has not begun until the first document is needed: until then the way back is free.
    pub chain: OfflineChain,
    /// The chain without its end, while the end may still be taken back because it was never sent.
    pub(super) before_end: Option<OfflineChain>,
    /// When it was decided, milliseconds since 1970.
    pub since_ms: i64,
    /// Why.
    pub why: OfflineCause,
    /// A person wants it offline until a person says otherwise.
    pub stays: bool,
    /// Who signed the last document: signs the way back, too.
    pub(super) signer: Signer,
    /// The document that begins the session, once it is signed.
    pub(super) begin: Option<Begin>,
    /// The first document's local number, whether it is made yet or not.
    pub(super) first: LocalNumber,
    /// How many documents of the session the tax service has.
    pub delivered: u64,
    /// The online document whose fate was not known when the register left. It is issued again offline; should the tax service have it,
    /// the first document revokes it.
    pub(super) doubtful: Option<Box<Flight>>,
    /// Whether the first document says so.
    pub(super) revokes: bool,
    /// Whether a package with the end in it was sent, and its fate is not known: then the end cannot be taken back.
    pub(super) end_unknown: bool,
    /// The refusal of the last package, while it is being looked into or waits for a person.
    pub rejected: Option<PackageRefusal>,
    /// How near the limits it was seen to be.
    pub limit: State,
    /// Which limit.
    pub(super) block: Option<BlockReason>,
    /// How far the way back is.
    pub(super) step: Homeward,
}

/// Why a register went offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OfflineCause {
    /// The tax service could not be reached.
    Unreachable,
    /// It answered code 12: it could not check signatures.
    Cryptography,
    /// A person said so.
    Person,
}

impl OfflineCause {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Cryptography => "cryptography",
            Self::Person => "person",
        }
    }
}

/// Why a register cannot go offline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOffline {
    /// Its settings forbid it.
    Forbidden,
    /// The tax service gave it no session.
    NoSession,
    /// Where it stands at the tax service is not known: it must be asked first.
    Unsettled,
    /// The month's hours are used up.
    LimitReached,
}

impl NoOffline {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::NoSession => "no_session",
            Self::Unsettled => "unsettled",
            Self::LimitReached => "limit_reached",
        }
    }
}

/// The document that begins a session: it may be made again until it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(super) uid: Uid,
    pub(super) place: Planned,
    pub(super) signer: Signer,
}

/// Why a package was refused; its text is cut to what is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageRefusal {
    /// The tax service's code.
    pub code: i64,
    /// Its words.
    pub text: String,
}

/// Documents that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The local number of the first.
    pub first: LocalNumber,
    /// How many.
    pub count: u64,
    /// Whether the end of the session is among them.
    pub has_end: bool,
}

/// How far the way back is. One thing at a time; documents are issued meanwhile, until the end is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Homeward {
    /// Nothing is under way.
    Resting {
        /// When to look again.
        look: Moment,
        /// Looks that failed.
        failed: u32,
    },
    /// The tax service is asked.
    Asking(Box<Query>),
    /// What is to be sent next is being read. Lost with the process, and begun anew.
    Reading,
    /// Nothing is left but the end: it is made as soon as no other document is under way.
    Ending,
    /// The first document is made again, and being signed.
    Remaking {
        /// The request for its signature.
        request: SignatureRequestId,
        /// Until when.
        until: Moment,
        /// Whether it will revoke.
        revokes: bool,
    },
    /// A package is being signed.
    Signing {
        /// Which.
        package: Package,
        /// The request for its signature.
        request: SignatureRequestId,
        /// Until when.
        until: Moment,
    },
    /// A package is sent, or about to be.
    Sending {
        /// Which.
        package: Package,
        /// Its name: the request for its signature.
        request: SignatureRequestId,
        /// Until when the answer is awaited.
        until: Moment,
    },
}

impl Away {
    /// Whether its first document is made.
    pub fn is_begun(&self) -> bool {
        self.begin.is_some()
    }

    /// Documents of the session that the tax service does not have yet.
    pub fn undelivered(&self) -> u64 {
        self.chain.length().saturating_sub(self.delivered)
    }

    /// The local number of the first document that the tax service does not have.
    pub(super) fn due(&self) -> LocalNumber {
        later(self.first, self.delivered)
    }

    /// Whether this operation's document is the doubtful one.
    pub(super) fn is_doubtful(&self, operation: crate::ids::OperationId) -> bool {
        self.doubtful
            .as_ref()
            .is_some_and(|flight| flight.operation == operation)
    }

    /// How the register stands to the tax service.
    pub(super) fn link(&self) -> Link {
        match self.block {
            _ if self.chain.ended() => Link::Syncing,
            Some(reason) => Link::Blocked(reason),
            None => Link::Offline,
        }
    }

    pub(super) fn shift(&mut self, by_ms: i64) {
        match &mut self.step {
            Homeward::Resting { look: at, .. }
            | Homeward::Remaking { until: at, .. }
            | Homeward::Signing { until: at, .. }
            | Homeward::Sending { until: at, .. } => *at = at.shifted(by_ms),
            Homeward::Asking(query) => query.shift(by_ms),
            Homeward::Reading | Homeward::Ending => {}
        }
        if let Some(flight) = &mut self.doubtful {
            flight.shift(by_ms);
        }
    }
}

/// The number `count` places later.
pub(super) fn later(number: LocalNumber, count: u64) -> LocalNumber {
    LocalNumber::new(number.get().saturating_add(count)).expect("a positive number and more is positive")
}

/// What a document is, as far as an offline number depends on it.
pub(super) fn offline_document(kind: &Kind) -> OfflineDocument {
    match kind {
        Kind::OpenShift => OfflineDocument::OpenShift,
        Kind::CloseShift => OfflineDocument::CloseShift,
        Kind::OfflineBegin { .. } => OfflineDocument::Begin,
        Kind::OfflineEnd => OfflineDocument::End,
        Kind::ZReport(_) => OfflineDocument::ZReport,
        kind => OfflineDocument::Receipt {
            sum: kind.receipt().and_then(|receipt| receipt.total.as_ref()?.sum),
        },
    }
}

/// A chain that has not begun; `None` where a number or the session is beyond what offline numbers are computed from.
pub(super) fn new_chain(
    session: &OfflineSession,
    register: RegisterNumber,
    desk: CashDeskNumber,
    next: LocalNumber,
) -> Option<OfflineChain> {
    let session = numbers::OfflineSession {
        id: session.id.as_str().parse().ok()?,
        seed: session.seed.as_str().parse().ok()?,
    };
    Some(OfflineChain::new(
        session,
        numbers::RegisterNumber::new(register.get()).ok()?,
        numbers::DeskNumber::new(desk.get()).ok()?,
        numbers::LocalNumber::new(next.get()).ok()?,
    ))
}

/// A chain's session as commands carry it.
pub(super) fn session_of(chain: &OfflineChain) -> Option<OfflineSession> {
    let session = chain.session();
    Some(OfflineSession {
        id: OfflineSessionId::new(session.id.to_string()).ok()?,
        seed: OfflineSeed::new(session.seed.secret()).ok()?,
    })
}

impl DocumentKind {
    /// Whether it carries what a caller asked for, and not only the state of a shift or a session.
    pub(super) fn is_receipt(self) -> bool {
        !matches!(
            self,
            Self::OpenShift | Self::ZReport | Self::CloseShift | Self::OfflineBegin | Self::OfflineEnd
        )
    }

    /// Whether one whose fate is not known may be issued again offline: the tax service can revoke a receipt or a Z-report, but no opening
    /// and no close (section 1.8). A storno undoes the last document only, which it would not be any more.
    pub(super) fn may_be_issued_again(self) -> bool {
        matches!(self, Self::ZReport) || (self.is_receipt() && self != Self::Storno)
    }
}
