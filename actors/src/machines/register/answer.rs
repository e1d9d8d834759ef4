//! What becomes of an operation, as callers are told and as it is remembered.

use super::request::OperationKind;
use super::state::BlockReason;
use crate::ids::OperationId;
use chrono::NaiveDateTime;
use fiscal::{FiscalNumber, LocalNumber, Money, RegisterNumber, Uid};
use serde::{Deserialize, Serialize};

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Of which operation; may be asked for again.
    pub operation: OperationId,
    /// What became of it. `Pending`: it is not resolved yet, and goes on.
    pub state: OperationState,
    /// Whether the shift is open now.
    pub is_shift_open: bool,
}

/// An operation, as it is kept (row `operation/<id>`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationRecord {
    /// Of which register.
    pub register: RegisterNumber,
    /// What.
    pub kind: OperationKind,
    /// When it was accepted, in milliseconds since 1970.
    pub accepted_ms: i64,
    /// The client's own `local_number`.
    pub reference: Option<u64>,
    /// What became of it.
    pub state: OperationState,
}

/// What became of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationState {
    /// Accepted, not resolved yet. Never a failure: its document may be registered.
    Pending,
    /// Its document is registered.
    Done(Box<Done>),
    /// It was not done, and will not be.
    Refused(Refusal),
    /// It was given up before anything was registered; its number is free, and it may be asked for again.
    Cancelled(Cancelled),
}

/// The full answer of an operation that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Its document; of a closing the Z-report, or the close where the Z-report was there already.
    pub document: DocumentFacts,
    /// The opening of the shift, where the operation opened it.
    pub opening: Option<DocumentFacts>,
    /// Cash in the drawer after it.
    pub drawer: Money,
    /// Which shift of this register, counted from one.
    pub shift: u64,
}

/// What is known of a registered document. Its XML and its signed octets are rows of their own, by `uid`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFacts {
    /// Its identifier, and the key of its rows.
    pub uid: Uid,
    /// What it is.
    pub kind: DocumentKind,
    /// Its place in the register's sequence (ORDERNUM of the document).
    pub local_number: LocalNumber,
    /// The tax service's number; unknown only where another device's document was adopted.
    pub fiscal_number: Option<FiscalNumber>,
    /// When it was issued, local Kyiv time, whole seconds.
    pub issued: NaiveDateTime,
    /// Its sum, where it has one.
    pub sum: Option<Money>,
    /// Issued without the tax service.
    pub is_offline: bool,
    /// A test.
    pub is_testing: bool,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DocumentKind {
    /// DOCTYPE 100.
    OpenShift,
    /// DOCTYPE 0, DOCSUBTYPE 0.
    Sale,
    /// DOCSUBTYPE 1.
    Return,
    /// DOCSUBTYPE 2.
    ServiceIn,
    /// DOCSUBTYPE 4.
    ServiceOut,
    /// DOCTYPE 3.
    CashWithdrawal,
    /// DOCSUBTYPE 5.
    Storno,
    /// ZREP.
    ZReport,
    /// DOCTYPE 101.
    CloseShift,
    /// DOCTYPE 102.
    OfflineBegin,
    /// DOCTYPE 103.
    OfflineEnd,
}

impl DocumentKind {
    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenShift => "open_shift",
            Self::Sale => "sale",
            Self::Return => "return",
            Self::ServiceIn => "service_in",
            Self::ServiceOut => "service_out",
            Self::CashWithdrawal => "cash_withdrawal",
            Self::Storno => "storno",
            Self::ZReport => "z_report",
            Self::CloseShift => "close_shift",
            Self::OfflineBegin => "offline_begin",
            Self::OfflineEnd => "offline_end",
        }
    }
}

/// Why an operation was not done and will not be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// As much waits for the register as is allowed.
    Busy,
    /// The shift is open already.
    ShiftOpen,
    /// The shift is closed, and is not to be opened for this.
    ShiftClosed,
    /// The shift was opened with another key (rule 10).
    ShiftOfAnother {
        /// By whom, as far as is known.
        name: Option<String>,
    },
    /// The shift is 24 hours old: close it first (rule 5).
    ShiftTooLong,
    /// The shift is a test and the register is not, or the other way (rule 14).
    TestingDiffers,
    /// The figures do not add up.
    Figures(String),
    /// The document cannot carry what it is to carry: the path of the field and why.
    Document(String),
    /// The drawer has less cash than would be taken out of it (rule 11).
    DrawerTooLow {
        /// What is in it.
        balance: Money,
        /// What was to be taken out.
        asked: Money,
    },
    /// More would be returned than is left of the sale (rule 13).
    ReturnTooLarge {
        /// What is left.
        left: Money,
    },
    /// Only the last document of a shift can be undone, and it is none that can.
    NothingToUndo,
    /// More means of payment, or taxes, in one shift than are kept apart.
    TooManyForms,
    /// The register is closed for good at the tax service.
    RegisterClosed,
    /// The tax service refused.
    Rejected {
        /// Its code.
        code: i64,
        /// Its words.
        text: String,
    },
    /// The register waits for a person.
    Manual(ManualReason),
    /// It is offline, and has been for as long as is allowed: only what closes is issued (rule 6).
    OfflineLimit(BlockReason),
    /// The clock shows a year that documents cannot carry.
    Clock,
}

/// Why an operation was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cancelled {
    /// Its turn did not come in time.
    QueueTooSlow,
    /// The signature did not come in time.
    SignatureLate,
    /// The agent refused to sign, or what it signed was unfit.
    SignatureRefused {
        /// For programs.
        reason: String,
        /// For people.
        text: String,
    },
    /// The tax service could not be reached.
    TaxServiceUnreachable,
    /// The state of the register or its shift could not be settled in time.
    Unsettled,
    /// A person decided that its document was not issued.
    ByPerson,
}

/// Why a register waits for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ManualReason {
    /// The tax service's next number can be explained only by another device.
    AnotherDevice,
    /// Our number is taken by a document that is not ours.
    ForeignDocument,
    /// The state was asked anew too often and still was not what the tax service said.
    NoRemedy,
    /// The tax service refused a package of offline documents.
    PackageRejected,
}

impl ManualReason {
    /// Its name in metrics and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnotherDevice => "another_device",
            Self::ForeignDocument => "foreign_document",
            Self::NoRemedy => "no_remedy",
            Self::PackageRejected => "package_rejected",
        }
    }
}

impl OperationState {
    /// Its name in metrics and answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done(_) => "done",
            Self::Refused(_) => "refused",
            Self::Cancelled(_) => "cancelled",
        }
    }

    /// Whether it is resolved.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Pending)
    }
}
