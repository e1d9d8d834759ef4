//! Documents that a register sends: what they say as typed values, and their XML in windows-1251.
//!
//! A [`Document`] is a [`Head`], the same for all, and a [`Kind`] that says what it is and holds what only it
//! has. All elements of the schemas of 25.02.2025 are typed fields, those that no shop needs (currency, fuel,
//! transfers, duty-free) in groups of their own. A bag of unknown elements was the other way: it would have
//! carried what nobody checked into bytes that somebody signs.
//!
//! A flag that is down (`TESTING`, `OFFLINE`, `REVOKED`...) is left out, and numbers have one form; else what
//! was read is written as it was.
//!
//! What is made is checked against the schemas' limits when it is written, and refused by the path of the
//! field; what is read is checked by the same rules, so that whatever was read can be written. Reading is
//! narrower than the schemas in a few places, each of which the description gives reason for: rows are
//! numbered from one, a document holds only what its kind may hold, codes are known ones, whole numbers have
//! at most 64 bits and sums at most [`LARGEST_HRYVNIAS`](crate::amount::LARGEST_HRYVNIAS).

mod codes;
mod head;
mod receipt;
mod row;
mod wire;
mod zreport;

pub use codes::{
    CashMovement, CurrencyOperation, DiscountKind, DiscountUsage, DocumentSubtype, DocumentType, MeasureUnit,
    PartPayment, PaymentForm, Service, TaxType,
};
pub use head::{Head, Marks, Mode, Notes, Register, Seller};
pub use receipt::{DutyFree, DutyFreeChange, Payment, PaymentSystem, Receipt, Tax, Terminal, Total};
pub use row::{Classification, Currency, Discount, ExciseLabel, Fuel, Row, Transfer};
pub use zreport::{
    CashWithdrawals, CurrencyTotal, CurrencyTotals, FuelPayment, FuelRemains, FuelTotal, FuelTotals,
    PaymentTotal, TaxTotal, Turnover, ZBody, ZReport,
};

use crate::amount::Money;
use crate::ids::{FiscalNumber, RegisterNumber};
use crate::xml::{Dialect, Error, decode};
use chrono::NaiveDate;

/// A document: a receipt (CHECK) or a Z-report (ZREP).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Who, where, when, under which numbers.
    pub head: Head,
    /// What it is.
    pub kind: Kind,
}

/// What a document is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A shift is opened (100).
    OpenShift,
    /// A shift is closed (101), right after its Z-report.
    CloseShift,
    /// An offline session begins (102).
    OfflineBegin {
        /// The server's last online document was issued again offline, and is to be dropped there.
        revoke_last_online: bool,
    },
    /// An offline session ends (103).
    OfflineEnd,
    /// A sale, or another service (0 to 4, subtype 0).
    Sale {
        /// What it is about.
        service: Service,
        /// What it holds.
        receipt: Receipt,
    },
    /// A return (subtype 1); its sums are positive.
    Return {
        /// What it is about.
        service: Service,
        /// Which receipt is returned, as far as it is known.
        original: Original,
        /// What it holds.
        receipt: Receipt,
    },
    /// Cash put in or taken out (subtypes 2, 3, 4): the sum, and rows only for currency.
    CashMovement {
        /// What it is about.
        service: Service,
        /// Which way.
        movement: CashMovement,
        /// What it holds.
        receipt: Receipt,
    },
    /// The last document is undone (subtype 5).
    Storno {
        /// What it is about.
        service: Service,
        /// The document.
        of: FiscalNumber,
    },
    /// A Z-report: the totals of a shift.
    ZReport(Box<ZReport>),
}

/// Which receipt is returned. Both sides accept that nothing is known of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// Its fiscal number (`ORDERRETNUM`).
    pub fiscal_number: Option<FiscalNumber>,
    /// The register that sold, when it is another one (`ORDERRETCASHREGNUM`).
    pub register: Option<RegisterNumber>,
    /// The day of the sale (`ORDERRETDATE`).
    pub date: Option<NaiveDate>,
}

impl Kind {
    /// A sale of goods.
    #[must_use]
    pub const fn sale(receipt: Receipt) -> Self {
        Self::Sale {
            service: Service::Goods,
            receipt,
        }
    }

    /// A return of goods.
    #[must_use]
    pub const fn goods_return(original: Original, receipt: Receipt) -> Self {
        Self::Return {
            service: Service::Goods,
            original,
            receipt,
        }
    }

    /// Cash put in or taken out.
    #[must_use]
    pub fn cash(movement: CashMovement, sum: Money) -> Self {
        let receipt = Receipt {
            total: Some(Total::of(sum)),
            ..Receipt::default()
        };
        Self::CashMovement {
            service: Service::Goods,
            movement,
            receipt,
        }
    }

    /// The last document of goods is undone.
    #[must_use]
    pub const fn storno(of: FiscalNumber) -> Self {
        Self::Storno {
            service: Service::Goods,
            of,
        }
    }

    /// A Z-report.
    #[must_use]
    pub fn z_report(report: ZReport) -> Self {
        Self::ZReport(Box::new(report))
    }

    /// `DOCTYPE` and `DOCSUBTYPE`; a Z-report has none.
    #[must_use]
    pub const fn codes(&self) -> Option<(DocumentType, Option<DocumentSubtype>)> {
        let (service, subtype) = match self {
            Self::ZReport(_) => return None,
            Self::OpenShift => return Some((DocumentType::OpenShift, None)),
            Self::CloseShift => return Some((DocumentType::CloseShift, None)),
            Self::OfflineBegin { .. } => return Some((DocumentType::OfflineBegin, None)),
            Self::OfflineEnd => return Some((DocumentType::OfflineEnd, None)),
            Self::Sale { service, .. } => (*service, DocumentSubtype::Sale),
            Self::Return { service, .. } => (*service, DocumentSubtype::Return),
            Self::CashMovement {
                service, movement, ..
            } => (
                *service,
                match movement {
                    CashMovement::ServiceDeposit => DocumentSubtype::ServiceDeposit,
                    CashMovement::AdditionalDeposit => DocumentSubtype::AdditionalDeposit,
                    CashMovement::ServiceIssue => DocumentSubtype::ServiceIssue,
                },
            ),
            Self::Storno { service, .. } => (*service, DocumentSubtype::Storno),
        };
        Some((
            match service {
                Service::Goods => DocumentType::SaleGoods,
                Service::Transfer => DocumentType::TransferFunds,
                Service::Currency => DocumentType::CurrencyExchange,
                Service::CashWithdrawal => DocumentType::CashWithdrawal,
                Service::Pawnshop => DocumentType::Pawnshop,
            },
            Some(subtype),
        ))
    }

    /// What it is called in messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OpenShift => "an opening of a shift",
            Self::CloseShift => "a closing of a shift",
            Self::OfflineBegin { .. } => "the beginning of an offline session",
            Self::OfflineEnd => "the end of an offline session",
            Self::Sale { .. } => "a sale",
            Self::Return { .. } => "a return",
            Self::CashMovement { .. } => "a movement of cash",
            Self::Storno { .. } => "a storno",
            Self::ZReport(_) => "a Z-report",
        }
    }

    /// What a receipt holds; none for kinds that have only a head.
    #[must_use]
    pub const fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Sale { receipt, .. }
            | Self::Return { receipt, .. }
            | Self::CashMovement { receipt, .. } => Some(receipt),
            _ => None,
        }
    }
}

impl Document {
    /// As XML in windows-1251, the bytes to be signed.
    ///
    /// # Errors
    /// [`Error::Field`] with the path of what breaks a limit of the schema or cannot be carried;
    /// [`Error::TooLarge`].
    pub fn to_xml(&self) -> Result<Vec<u8>, Error> {
        wire::write(self)
    }

    /// From XML in windows-1251. Comments and blanks between elements are passed over; a caller that compares
    /// or hashes keeps the bytes, see [`Received`].
    ///
    /// # Errors
    /// [`Error`] when it is too large, not well-formed, or not what the schema and the kind of document
    /// allow.
    pub fn from_xml(xml: &[u8]) -> Result<Self, Error> {
        wire::read(&decode(xml, Dialect::Strict)?)
    }
}

/// A document as it was received: what it says, and the bytes it was read from, which are what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    document: Document,
    xml: Vec<u8>,
}

impl Received {
    /// Reads a document and keeps its bytes.
    ///
    /// # Errors
    /// As [`Document::from_xml`].
    pub fn new(xml: Vec<u8>) -> Result<Self, Error> {
        Ok(Self {
            document: Document::from_xml(&xml)?,
            xml,
        })
    }

    /// What it says.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The bytes, as they came.
    #[must_use]
    pub fn xml(&self) -> &[u8] {
        &self.xml
    }

    /// Both.
    #[must_use]
    pub fn into_parts(self) -> (Document, Vec<u8>) {
        (self.document, self.xml)
    }
}
