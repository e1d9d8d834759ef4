//! What is remembered of a register: plain data with questions, no decisions.

use super::answer::{DocumentFacts, DocumentKind, ManualReason};
use super::policy::Settings;
use super::request::{OperationKind, SellerFacts, Signer};
use crate::clock::Moment;
use crate::idempotency::Claim;
use crate::ids::{OperationId, SignatureRequestId};
use chrono::NaiveDateTime;
use fiscal::arithmetic::{Entry, ShiftTotals};
use fiscal::document::Kind;
use fiscal::offline::Planned;
use fiscal::{CashDeskNumber, FiscalNumber, LocalNumber, Money, OfflineSession, Uid};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What the directory said of the register when it was last asked for something: enough to close a shift by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Who sells and where.
    pub seller: SellerFacts,
    /// The register's number at its owner.
    pub cash_desk: CashDeskNumber,
    /// Its documents are tests.
    pub is_testing: bool,
    /// Its settings.
    pub settings: Settings,
}

/// Where the register stands between two days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// No shift.
    Closed,
    /// A shift.
    Open(Box<Shift>),
    /// A shift whose Z-report is registered: nothing but the close may follow.
    Reported(Box<Shift>),
}

impl Phase {
    /// The shift, where there is one.
    pub fn shift(&self) -> Option<&Shift> {
        match self {
            Self::Closed => None,
            Self::Open(shift) | Self::Reported(shift) => Some(shift),
        }
    }

    pub(super) fn shift_mut(&mut self) -> Option<&mut Shift> {
        match self {
            Self::Closed => None,
            Self::Open(shift) | Self::Reported(shift) => Some(shift),
        }
    }
}

/// An open shift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// Which of this register, counted from one.
    pub ordinal: u64,
    /// When it was opened, Kyiv time.
    pub opened: NaiveDateTime,
    /// The same in milliseconds since 1970.
    pub opened_ms: i64,
    /// Whose shift it is (rule 10).
    pub opener: Signer,
    /// The fiscal number of its opening.
    pub opening: Option<FiscalNumber>,
    /// The local number of its opening.
    pub first_local: Option<LocalNumber>,
    /// It is a test shift (rule 14).
    pub is_testing: bool,
    /// What its documents add up to.
    pub totals: ShiftTotals,
    /// Whether `totals` hold every document: false where another device issued some, so that the Z is made of the server's totals.
    pub is_complete: bool,
    /// The last receipt, movement of cash or storno in it.
    pub last: Option<DocumentFacts>,
    /// How many receipts, movements of cash and stornos stand in it.
    pub documents: u64,
    /// When it closes by itself.
    pub close: CloseAlarm,
}

/// When a shift closes by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseAlarm {
    /// On the wall clock, milliseconds since 1970; `None` where it does not.
    pub at_ms: Option<i64>,
    /// When the shift is too long for comfort, whether or not it closes by itself: milliseconds since 1970.
    pub alarm_ms: i64,
    /// The alarm was raised.
    pub is_alarmed: bool,
    /// When to look at the wall clock again, or to try again.
    pub look: Moment,
    /// Attempts that failed.
    pub failed: u32,
}

/// How the register stands to the tax service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// Documents are registered as they are issued.
    Online,
    /// Documents are issued under numbers of the register's own.
    Offline,
    /// The end of the offline session is made, and its last package not accepted yet: nothing can be issued until it is.
    Syncing,
    /// Offline, and at a limit: only what closes is issued.
    Blocked(BlockReason),
    /// Whether a document was registered is not known, and is being found out.
    InDoubt,
    /// A person must look.
    Manual(ManualReason),
}

/// Why only what closes may be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockReason {
    /// 36 hours of one offline session.
    SessionTooLong,
    /// 168 hours offline in a month.
    MonthTooLong,
}

impl BlockReason {
    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::SessionTooLong => "session_too_long",
            Self::MonthTooLong => "month_too_long",
        }
    }
}

impl Link {
    /// Its name in metrics and answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Syncing => "syncing",
            Self::Blocked(_) => "blocked",
            Self::InDoubt => "in_doubt",
            Self::Manual(_) => "manual",
        }
    }
}

/// An operation that waits or is in work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What.
    pub kind: OperationKind,
    /// Who asks, and whose key signs.
    pub signer: Signer,
    /// What the order says of opening a closed shift.
    pub open_shift: Option<bool>,
    /// Until when the caller is held; `None` once it was answered.
    pub hold_until: Option<Moment>,
    /// When it is given up, unless its document was sent by then.
    pub give_up: Moment,
    /// The idempotency key it came under.
    pub claim: Option<Claim>,
    /// By what a repeat is known.
    pub fingerprint: Option<[u8; 32]>,
    /// The client's own number.
    pub reference: Option<u64>,
    /// For a return: of which receipt of this register.
    pub original: Option<FiscalNumber>,
    /// For the receipt's comment; at most [`super::policy::COMMENT_CHARACTERS_MAX`] characters.
    pub comment: Option<String>,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_ms: i64,
    /// Its place in the order of acceptance.
    pub sequence: u64,
    /// In how many rows its body lies; none where it went straight into a document.
    pub body_rows: u16,
    /// The document that last carried its body.
    pub last_uid: Option<Uid>,
    /// The register's state was asked for it, and followed.
    pub is_synchronised: bool,
    /// How often the state was asked anew after a refusal.
    pub remedies: u8,
    /// A pause before the next try.
    pub again_at: Option<Moment>,
    /// The shift that it opened.
    pub opening: Option<DocumentFacts>,
    /// The Z-report that it made, or the close where the Z-report was there already.
    pub z_report: Option<DocumentFacts>,
    /// Cash in the drawer at its Z-report.
    pub drawer: Option<Money>,
    /// What it is to issue, while that is in memory.
    #[serde(skip)]
    pub body: Option<Body>,
}

impl Operation {
    /// One that nothing was done for yet.
    pub(super) fn new(
        id: OperationId,
        kind: OperationKind,
        signer: Signer,
        give_up: Moment,
        accepted: (i64, u64),
    ) -> Self {
        let (accepted_ms, sequence) = accepted;
        Self {
            id,
            kind,
            signer,
            open_shift: None,
            hold_until: None,
            give_up,
            claim: None,
            fingerprint: None,
            reference: None,
            original: None,
            comment: None,
            accepted_ms,
            sequence,
            body_rows: 0,
            last_uid: None,
            is_synchronised: false,
            remedies: 0,
            again_at: None,
            opening: None,
            z_report: None,
            drawer: None,
            body: None,
        }
    }
}

/// What an operation is to issue, and what is known of the receipt that it returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The document without its head.
    pub kind: Arc<Kind>,
    /// The receipt that is returned, where this register sold it.
    pub sold: Option<SoldRecord>,
}

/// What is left of a sale for returns (row `sold/<register>/<fiscal number>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldRecord {
    /// The receipt's local number.
    pub local_number: LocalNumber,
    /// What it came to.
    pub sum: Money,
    /// What was returned of it.
    pub returned: Money,
}

/// A document on its way. Its XML and its signed octets are rows of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flight {
    /// Its identifier, drawn once.
    pub uid: Uid,
    /// What it is.
    pub kind: DocumentKind,
    /// Its number, if it is accepted.
    pub local_number: LocalNumber,
    /// When it was issued, Kyiv time.
    pub issued: NaiveDateTime,
    /// Its sum.
    pub sum: Option<Money>,
    /// A test.
    pub is_testing: bool,
    /// For which operation.
    pub operation: OperationId,
    /// Whose key signs.
    pub signer: Signer,
    /// What it adds to the shift.
    pub entry: Option<Entry>,
    /// The receipt that it returns, as it will stand then.
    pub sold: Option<(FiscalNumber, SoldRecord)>,
    /// The request for its signature.
    pub request: SignatureRequestId,
    /// The request's deadline, milliseconds since 1970: part of the request, and the same whenever it is repeated.
    pub deadline_ms: i64,
    /// How far it is.
    pub stage: Stage,
    /// When it was planned: for the time to sign.
    pub planned: Moment,
    /// How often it was posted.
    pub posts: u32,
    /// Whether its fate was ever unknown: then a caller may have been told so, and it is not given up.
    pub was_doubted: bool,
    /// Its place in the offline session, where it is issued offline: then it is never posted by itself.
    pub place: Option<Planned>,
}

impl Flight {
    /// What is known of the document; its fiscal number, where it has one.
    pub(super) fn facts(&self, fiscal_number: Option<FiscalNumber>) -> DocumentFacts {
        DocumentFacts {
            uid: self.uid.clone(),
            kind: self.kind,
            local_number: self.local_number,
            fiscal_number,
            issued: self.issued,
            sum: self.sum,
            is_offline: self.place.is_some(),
            is_testing: self.is_testing,
        }
    }
}

/// How far a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// The agent was asked, and may take until then.
    Signing {
        /// Until when.
        until: Moment,
    },
    /// Signed, and not registered for certain: it is sent again then.
    Signed {
        /// When.
        again_at: Moment,
    },
    /// Sent, or about to be: it may be registered.
    Sending {
        /// Until when the answer is awaited.
        until: Moment,
    },
    /// Nobody knows whether it is registered (section 1.12).
    InDoubt {
        /// When the next look is due.
        again_at: Moment,
        /// Looks that settled nothing.
        failed: u32,
    },
}

impl Flight {
    pub(super) fn shift(&mut self, by_ms: i64) {
        self.planned = self.planned.shifted(by_ms);
        match &mut self.stage {
            Stage::Signing { until: at }
            | Stage::Sending { until: at }
            | Stage::Signed { again_at: at }
            | Stage::InDoubt { again_at: at, .. } => *at = at.shifted(by_ms),
        }
    }

    /// Whether it may be registered, so that its number is not free.
    pub fn may_be_registered(&self) -> bool {
        matches!(self.stage, Stage::Sending { .. } | Stage::InDoubt { .. })
    }
}

/// A question to the tax service. Harmless to repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Query {
    /// Its identifier.
    pub uid: Uid,
    /// What is asked, and what for.
    pub purpose: Purpose,
    /// Whose key signs.
    pub signer: Signer,
    /// The request for its signature.
    pub request: SignatureRequestId,
    /// The request's deadline, milliseconds since 1970: part of the request, and the same whenever it is repeated.
    pub deadline_ms: i64,
    /// Until when: the signature, or the answer.
    pub stage: QueryStage,
}

impl Query {
    pub(super) fn shift(&mut self, by_ms: i64) {
        match &mut self.stage {
            QueryStage::Signing { until } | QueryStage::Asking { until } => *until = until.shifted(by_ms),
        }
    }
}

/// What is asked, and what for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// The register's state, before a shift or after a refusal.
    Synchronise,
    /// The register's state, to settle a doubt.
    Doubt,
    /// What became of the doubtful number.
    DoubtNumber,
    /// The document under the doubtful number, whose fiscal number this is.
    DoubtDocument(FiscalNumber),
    /// The server's totals, for the Z of a shift that we have not wholly seen.
    Totals,
    /// Whether the tax service can be reached at all, on the way back from offline. Needs no signature.
    Probe,
    /// The register's state, on the way back.
    Return,
    /// Whose the last document is that the tax service has: it has more than it told us.
    ReturnNumber {
        /// The number that is due there.
        next: LocalNumber,
        /// The session that it has for us next.
        session: Option<OfflineSession>,
    },
    /// Whether the document of this number is the one whose fate was not known when the register went offline.
    ReturnDocument(FiscalNumber),
}

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueryStage {
    /// Being signed.
    Signing {
        /// Until when.
        until: Moment,
    },
    /// Being asked.
    Asking {
        /// Until when.
        until: Moment,
    },
}
