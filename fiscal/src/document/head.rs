//! What every document says of itself: who issues it, where, when, under which numbers.

use crate::ids::{CashDeskNumber, DocumentHash, FiscalNumber, LocalNumber, RegisterNumber, Uid};
use crate::moment::LocalMoment;

/// The head of every document, receipt and Z-report alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The document's identifier.
    pub uid: Uid,
    /// Who sells, and where: as the tax service has it registered.
    pub seller: Seller,
    /// Which register.
    pub register: Register,
    /// When it was issued (`ORDERDATE`, `ORDERTIME`).
    pub issued: LocalMoment,
    /// Its place in the register's one sequence.
    pub local_number: LocalNumber,
    /// Who sat at the register, at most 128 characters.
    pub cashier: Option<String>,
    /// What may be said besides; only receipts have room for it.
    pub notes: Notes,
    /// Online or offline, and the number that follows from it.
    pub mode: Mode,
    /// A document of a test shift: registered, not fiscal. All documents of a shift are of one kind, and an
    /// offline session's first and last are never tests (section "testing documents").
    pub testing: bool,
    /// The version of the format (`VER`): 1, or 0 in documents of old.
    pub version: u64,
    /// What the server marks on documents that it gives back.
    pub marks: Marks,
}

impl Head {
    /// The version of the format that is written.
    pub const VERSION: u64 = 1;

    /// A head of an online document that is no test and names no cashier.
    #[must_use]
    pub fn new(
        uid: Uid,
        seller: Seller,
        register: Register,
        issued: LocalMoment,
        local_number: LocalNumber,
    ) -> Self {
        Self {
            uid,
            seller,
            register,
            issued,
            local_number,
            cashier: None,
            notes: Notes::default(),
            mode: Mode::Online { fiscal_number: None },
            testing: false,
            version: Self::VERSION,
            marks: Marks::default(),
        }
    }

    /// The same, issued by this cashier.
    #[must_use]
    pub fn with_cashier(mut self, cashier: impl Into<String>) -> Self {
        self.cashier = Some(cashier.into());
        self
    }

    /// The same, offline under this number; the hash is of the signed document before it, and only a
    /// session's first has none.
    #[must_use]
    pub fn offline(mut self, fiscal_number: FiscalNumber, previous: Option<DocumentHash>) -> Self {
        self.mode = Mode::Offline {
            fiscal_number,
            previous,
        };
        self
    }

    /// The same, as a test.
    #[must_use]
    pub fn as_test(mut self) -> Self {
        self.testing = true;
        self
    }
}

/// Who sells, and where. The server compares it with its registry (codes 3 and 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seller {
    /// Taxpayer's code or passport (`TIN`): 5 to 10 digits, or two Ukrainian capitals and 6 digits.
    pub tax_number: String,
    /// Number as a payer of VAT (`IPN`): 0, or 6 to 12 digits, or a passport; none for who pays none.
    pub vat_number: Option<String>,
    /// Name, at most 256 characters.
    pub organisation: String,
    /// Name of the shop, at most 256 characters.
    pub point: String,
    /// Its address, at most 256 characters.
    pub address: Option<String>,
}

/// Which register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Register {
    /// Its number at its owner.
    pub cash_desk: CashDeskNumber,
    /// Its number at the tax service.
    pub number: RegisterNumber,
}

/// Whether a document was issued online or offline, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The server numbers it; the number is there in documents that it gives back.
    Online {
        /// `ORDERTAXNUM`.
        fiscal_number: Option<FiscalNumber>,
    },
    /// The register numbers it, and chains it to the document before.
    Offline {
        /// `session.n.control`.
        fiscal_number: FiscalNumber,
        /// Of the signed document before it in the session.
        previous: Option<DocumentHash>,
    },
}

impl Mode {
    /// The fiscal number, when there is one.
    #[must_use]
    pub const fn fiscal_number(&self) -> Option<&FiscalNumber> {
        match self {
            Self::Online { fiscal_number } => fiscal_number.as_ref(),
            Self::Offline { fiscal_number, .. } => Some(fiscal_number),
        }
    }
}

/// What a receipt may say besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Name of the operation, at most 128 characters.
    pub operation: Option<String>,
    /// Registration of the vehicle, at most 64 characters.
    pub vehicle: Option<String>,
    /// Link to a picture, at most 256 characters.
    pub logo_url: Option<String>,
    /// Any comment.
    pub comment: Option<String>,
}

/// What the server marks on documents that it gives back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Revoked: an offline document took its place, and it counts as not issued.
    pub revoked: bool,
    /// Undone by a later storno.
    pub storned: bool,
}
