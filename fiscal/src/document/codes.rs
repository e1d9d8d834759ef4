//! The enumerations of the description (section "enumerations") and of the schemas' comments.

use crate::xml::{Fault, codes};
use serde::{Deserialize, Serialize};

codes! {
    /// What a CHECK is (`DOCTYPE`).
    pub enum DocumentType: "a known type of document" {
        /// Sale of goods and services.
        SaleGoods = 0,
        /// Transfer of money.
        TransferFunds = 1,
        /// Exchange of currency.
        CurrencyExchange = 2,
        /// Cash paid out against a card.
        CashWithdrawal = 3,
        /// A pawnshop's service: in the schema and a sample, not in the description.
        Pawnshop = 4,
        /// A shift is opened.
        OpenShift = 100,
        /// A shift is closed.
        CloseShift = 101,
        /// An offline session begins.
        OfflineBegin = 102,
        /// An offline session ends.
        OfflineEnd = 103,
    }
}

codes! {
    /// What a receipt of one of the services is (`DOCSUBTYPE`).
    pub enum DocumentSubtype: "a known subtype of document" {
        /// A sale.
        Sale = 0,
        /// A return.
        Return = 1,
        /// Cash put in, or an advance received.
        ServiceDeposit = 2,
        /// Reinforcement received.
        AdditionalDeposit = 3,
        /// Cash taken out, or collected.
        ServiceIssue = 4,
        /// The last document is undone.
        Storno = 5,
    }
}

codes! {
    /// What a receipt is about: the types of document that have a subtype.
    pub enum Service: "a known service" {
        /// Goods and services.
        Goods = 0,
        /// Transfer of money.
        Transfer = 1,
        /// Exchange of currency.
        Currency = 2,
        /// Cash paid out against a card.
        CashWithdrawal = 3,
        /// A pawnshop's service.
        Pawnshop = 4,
    }
}

codes! {
    /// Which way cash moves without a sale.
    pub enum CashMovement: "a known movement of cash" {
        /// Cash put in, or an advance received.
        ServiceDeposit = 2,
        /// Reinforcement received.
        AdditionalDeposit = 3,
        /// Cash taken out, or collected.
        ServiceIssue = 4,
    }
}

codes! {
    /// When a discount or surcharge applies (`USAGETYPE`). The schema's list is open; these are the ones it
    /// names.
    pub enum DiscountUsage: "a known use of a discount" {
        /// On the sale before.
        PreviousSale = 0,
        /// On a subtotal.
        Subtotal = 1,
        /// Special.
        Special = 2,
    }
}

codes! {
    /// How a discount or surcharge is given (`DISCOUNTTYPE`).
    pub enum DiscountKind: "a known kind of discount" {
        /// As a sum.
        Sum = 0,
        /// As a percentage.
        Percent = 1,
    }
}

codes! {
    /// Which part of a price is paid (`PARTPAYTYPE`).
    pub enum PartPayment: "a known kind of part payment" {
        /// Before.
        Prepayment = 1,
        /// The rest.
        FinalSettlement = 2,
        /// One of several.
        NextInstalment = 3,
    }
}

codes! {
    /// What is done with a currency (`VALOPERTYPE`).
    pub enum CurrencyOperation: "a known operation with currency" {
        /// Bought from the client.
        Buy = 0,
        /// A purchase undone.
        BuyStorno = 1,
        /// Sold to the client.
        Sell = 2,
        /// A sale undone.
        SellStorno = 3,
        /// Unused hryvnias exchanged back.
        Reverse = 4,
        /// One foreign currency for another.
        Conversion = 5,
        /// An exchange back undone.
        ReverseStorno = 6,
        /// A conversion undone.
        ConversionStorno = 7,
    }
}

/// The name of [`PaymentForm::CASH`].
pub(super) const CASH: &str = "ГОТІВКА";
/// The name of [`PaymentForm::CARD`].
pub(super) const CARD: &str = "КАРТКА";

/// How is paid (`PAYFORMCD`): an open list, of which the description and the sample of 2025 name these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PaymentForm(u64);

impl PaymentForm {
    /// Cash.
    pub const CASH: Self = Self(0);
    /// A bank card.
    pub const CARD: Self = Self(1);
    /// A prepayment made earlier.
    pub const PREPAYMENT: Self = Self(2);
    /// On credit.
    pub const CREDIT: Self = Self(3);
    /// An electronic means of payment, by the wording of 2025.
    pub const ELECTRONIC_MEANS: Self = Self(301);
    /// A certificate.
    pub const CERTIFICATE: Self = Self(305);
    /// A transfer from an account.
    pub const TRANSFER: Self = Self(306);
    /// A cashless instrument of payment, in general.
    pub const CASHLESS: Self = Self(100_000);

    /// Any code.
    #[must_use]
    pub const fn new(code: u64) -> Self {
        Self(code)
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u64 {
        self.0
    }

    /// Its Ukrainian name (`PAYFORMNM`) where there is one to go by; any other must be brought along.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::CASH => CASH,
            Self::CARD => CARD,
            Self::PREPAYMENT => "ПОПЕРЕДНЯ ОПЛАТА",
            Self::CREDIT => "КРЕДИТ",
            Self::ELECTRONIC_MEANS => CARD,
            Self::CERTIFICATE => "СЕРТИФІКАТ",
            Self::TRANSFER => "ПЕРЕКАЗ З ПОТОЧНОГО РАХУНКУ",
            Self::CASHLESS => "БЕЗГОТІВКОВИЙ ПЛАТІЖНИЙ ІНСТРУМЕНТ",
            _ => return None,
        })
    }
}

impl TryFrom<u64> for PaymentForm {
    type Error = Fault;

    fn try_from(code: u64) -> Result<Self, Fault> {
        Ok(Self(code))
    }
}

impl From<PaymentForm> for u64 {
    fn from(form: PaymentForm) -> u64 {
        form.0
    }
}

/// What a tax is (`TYPE`): an open list, of which these are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaxType(u64);

impl TaxType {
    /// Value added tax, "ПДВ".
    pub const VAT: Self = Self(0);
    /// Excise, "Акциз".
    pub const EXCISE: Self = Self(1);
    /// Pension fund, "ПФ".
    pub const PENSION_FUND: Self = Self(2);

    /// Any code.
    #[must_use]
    pub const fn new(code: u64) -> Self {
        Self(code)
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for TaxType {
    type Error = Fault;

    fn try_from(code: u64) -> Result<Self, Fault> {
        Ok(Self(code))
    }
}

impl From<TaxType> for u64 {
    fn from(tax: TaxType) -> u64 {
        tax.0
    }
}

/// A unit of measure by the national classifier (`UNITCD`) and its short Ukrainian name (`UNITNM`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeasureUnit {
    /// 1 to 99999.
    pub code: u32,
    /// As it is printed.
    pub name: &'static str,
}

impl MeasureUnit {
    /// A piece, the only unit that the samples of 2025 name with its code.
    pub const PIECE: Self = Self {
        code: 2009,
        name: "шт",
    };
}
