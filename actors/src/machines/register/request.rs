//! What may be asked of a register, parsed: amounts are exact, letters are letters, whoever asks is known.

use super::policy::Settings;
use crate::ids::{AccountId, CashierId, KeyId};
use chrono::NaiveDate;
use fiscal::arithmetic::{CashRounding, Discount, Letter, TaxTable};
use fiscal::document::{Classification, PaymentSystem, Seller};
use fiscal::{CashDeskNumber, FiscalNumber, Money, Price, Quantity, RegisterNumber};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// An operation of a register, as its caller asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Open a shift.
    OpenShift,
    /// Z-report, then close: the two are one operation.
    CloseShift,
    /// A sale.
    Sale(Box<ReceiptRequest>),
    /// A return; its sums are positive.
    Return {
        /// What is returned.
        receipt: Box<ReceiptRequest>,
        /// Of which receipt, where that is known. No client sends it today.
        original: Option<OriginalReceipt>,
    },
    /// Cash put in (DOCSUBTYPE 2).
    ServiceIn(Money),
    /// Cash taken out (DOCSUBTYPE 4).
    ServiceOut(Money),
    /// Cash handed out against a card (DOCTYPE 3).
    CashWithdrawal(Box<WithdrawalRequest>),
    /// The last document of the shift is undone (DOCSUBTYPE 5).
    Storno,
}

/// Which receipt is returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalReceipt {
    /// Its fiscal number.
    pub number: FiscalNumber,
    /// The register that sold, where it is another one.
    pub register: Option<RegisterNumber>,
    /// The day of the sale.
    pub date: Option<NaiveDate>,
}

/// The figures of a sale or a return. What is left out is computed; what is given is checked ("check only what is given").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptRequest {
    /// At least one, at most [`fiscal::arithmetic::LINES_MAX`].
    pub lines: Vec<LineRequest>,
    /// At least one; their sums are as rounded already, where cash was rounded.
    pub payments: Vec<PaymentRequest>,
    /// `total_sum`: to pay, after rounding.
    pub total: Option<Money>,
    /// `round_sum`, the client's sign: rounded − unrounded.
    pub rounding: Option<Money>,
    /// `round_rule`, where the client names one: cash is checked against it.
    pub rounding_rule: Option<CashRounding>,
    /// Off the whole receipt, besides what the lines say.
    pub discount: Option<Discount>,
    /// For the receipt's comment.
    pub comment: Option<String>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineRequest {
    /// What is sold.
    pub name: String,
    /// The seller's own code.
    pub code: Option<String>,
    /// Barcode.
    pub barcode: Option<String>,
    /// The state's code of the goods or the service.
    pub classification: Option<Classification>,
    /// The unit's code, 1 to 99999.
    pub unit_code: Option<u32>,
    /// The unit's name.
    pub unit_name: Option<String>,
    /// How much of it.
    pub quantity: Quantity,
    /// Unit price, of up to three digits; never compared with the cost.
    pub price: Option<Price>,
    /// The line's sum. Before its discount, or after: clients differ, and the receipt's total tells which.
    pub cost: Option<Money>,
    /// Off this line; a sum is not negative here, whatever sign the client has.
    pub discount: Option<Discount>,
    /// Its taxes.
    pub letters: Vec<Letter>,
    /// Labels of excise.
    pub excise_labels: Vec<String>,
}

/// One means of payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRequest {
    /// PAYFORMCD: 0 cash, 1 card.
    pub code: u32,
    /// Its name as the client writes it; codes that have an official name are written by that.
    pub name: String,
    /// Paid by it.
    pub sum: Money,
    /// Handed over.
    pub provided: Option<Money>,
    /// Change.
    pub remains: Option<Money>,
    /// What the terminal says of a card.
    pub system: Option<Box<PaymentSystem>>,
}

/// Cash against a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WithdrawalRequest {
    /// Handed out.
    pub sum: Money,
    /// Taken for it, on the card.
    pub commission: Money,
    /// What the terminal says of the card.
    pub system: Option<Box<PaymentSystem>>,
}

/// Who asks, and whose key signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// The user.
    pub account: AccountId,
    /// The cashier.
    pub cashier: CashierId,
    /// The key.
    pub key: KeyId,
    /// The key's identifier from its certificate, hexadecimal in lower case: what the tax service knows it by.
    pub subject_key_id: String,
    /// The cashier's name, as it is printed; at most 128 characters.
    pub name: String,
    /// A senior cashier, who may close the shifts of others (rule 10).
    pub is_senior: bool,
}

/// What the directory knows of a register, as it stands when something is asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Who sells and where, as the tax service has it registered.
    pub seller: SellerFacts,
    /// The register's number at its owner.
    pub cash_desk: CashDeskNumber,
    /// Its documents are tests.
    pub is_testing: bool,
    /// The taxes of its registration.
    pub taxes: Arc<TaxTable>,
    /// Its settings.
    pub settings: Settings,
}

/// [`Seller`], as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SellerFacts {
    /// Taxpayer's code (`TIN`).
    pub tax_number: String,
    /// Number as a payer of VAT (`IPN`).
    pub vat_number: Option<String>,
    /// The owner's name.
    pub organisation: String,
    /// The shop's name.
    pub point: String,
    /// Its address.
    pub address: Option<String>,
}

impl SellerFacts {
    /// As a document carries it.
    pub fn seller(&self) -> Seller {
        Seller {
            tax_number: self.tax_number.clone(),
            vat_number: self.vat_number.clone(),
            organisation: self.organisation.clone(),
            point: self.point.clone(),
            address: self.address.clone(),
        }
    }
}

impl From<Seller> for SellerFacts {
    fn from(seller: Seller) -> Self {
        Self {
            tax_number: seller.tax_number,
            vat_number: seller.vat_number,
            organisation: seller.organisation,
            point: seller.point,
            address: seller.address,
        }
    }
}

/// What an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OperationKind {
    /// [`Request::OpenShift`].
    OpenShift,
    /// [`Request::Sale`].
    Sale,
    /// [`Request::Return`].
    Return,
    /// [`Request::ServiceIn`].
    ServiceIn,
    /// [`Request::ServiceOut`].
    ServiceOut,
    /// [`Request::CashWithdrawal`].
    CashWithdrawal,
    /// [`Request::Storno`].
    Storno,
    /// [`Request::CloseShift`].
    CloseShift,
    /// The gateway closes the shift by itself.
    AutoClose,
}

impl OperationKind {
    /// Its name in metrics, logs and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenShift => "open_shift",
            Self::Sale => "sale",
            Self::Return => "return",
            Self::ServiceIn => "service_in",
            Self::ServiceOut => "service_out",
            Self::CashWithdrawal => "cash_withdrawal",
            Self::Storno => "storno",
            Self::CloseShift => "close_shift",
            Self::AutoClose => "auto_close",
        }
    }

    /// Whether it closes a shift.
    pub fn closes_shift(self) -> bool {
        matches!(self, Self::CloseShift | Self::AutoClose)
    }

    /// Whether a closed shift is opened for it, unless that is turned off: sale, return, cash in and cash out (the document's list).
    pub fn opens_shift(self) -> bool {
        matches!(
            self,
            Self::Sale | Self::Return | Self::ServiceIn | Self::ServiceOut | Self::CashWithdrawal
        )
    }
}

impl Request {
    /// The receipt of this register that it returns, where it says so.
    pub fn original_of(&self, register: RegisterNumber) -> Option<&FiscalNumber> {
        match self {
            Self::Return {
                original: Some(original),
                ..
            } if original.register.is_none_or(|other| other == register) => Some(&original.number),
            _ => None,
        }
    }

    /// What it is.
    pub fn kind(&self) -> OperationKind {
        match self {
            Self::OpenShift => OperationKind::OpenShift,
            Self::CloseShift => OperationKind::CloseShift,
            Self::Sale(_) => OperationKind::Sale,
            Self::Return { .. } => OperationKind::Return,
            Self::ServiceIn(_) => OperationKind::ServiceIn,
            Self::ServiceOut(_) => OperationKind::ServiceOut,
            Self::CashWithdrawal(_) => OperationKind::CashWithdrawal,
            Self::Storno => OperationKind::Storno,
        }
    }
}
