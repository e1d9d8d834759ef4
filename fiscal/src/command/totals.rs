//! The totals of a shift as the server counts them (LastShiftTotals).

use super::json::{RawJson, object};
use crate::amount::Money;
use crate::document::{
    CashWithdrawals, PaymentForm, PaymentTotal, TaxTotal, TaxType, Turnover, ZBody, ZReport,
};
use crate::xml::TaxLetter;
use serde::{Deserialize, Serialize};

object! {
    /// The totals of a shift.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Totals {
        /// Sales.
        nested "Real" => sales: Option<TotalsSide>,
        /// Returns.
        nested "Ret" => returns: Option<TotalsSide>,
        /// Cash paid out against cards.
        nested "Cash" => cash: Option<TotalsCash>,
        /// Operations with currency, as they came: the description does not list what stands there.
        nested "Currency" => currency: Option<RawJson>,
        /// Deposits and reinforcements.
        scalar "ServiceInput" => deposits: Option<Money>,
        /// Issues.
        scalar "ServiceOutput" => issues: Option<Money>,
    }
}

object! {
    /// Sales or returns of a shift.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TotalsSide {
        /// All of it.
        scalar "Sum" => sum: Money,
        /// Pawnshop: paid out to clients.
        scalar "PwnSumIssued" => pawnshop_issued: Option<Money>,
        /// Pawnshop: received from clients.
        scalar "PwnSumReceived" => pawnshop_received: Option<Money>,
        /// Rounding.
        scalar "RndSum" => rounding: Option<Money>,
        /// All of it before rounding.
        scalar "NoRndSum" => unrounded: Option<Money>,
        /// All transfers.
        scalar "TotalCurrencySum" => transfers_sum: Option<Money>,
        /// Commission of all transfers.
        scalar "TotalCurrencyCommission" => transfers_commission: Option<Money>,
        /// How many receipts.
        scalar "OrdersCount" => receipts: u64,
        /// Pawnshop: receipts that paid out.
        scalar "PwnOrdersCountIssued" => pawnshop_receipts_issued: Option<u64>,
        /// Pawnshop: receipts that received.
        scalar "PwnOrdersCountReceived" => pawnshop_receipts_received: Option<u64>,
        /// How many transfers.
        scalar "TotalCurrencyCost" => transfers: Option<u64>,
        /// By form of payment.
        nested "PayForm" => payments: Vec<TotalsPayment>,
        /// By tax.
        nested "Tax" => taxes: Vec<TotalsTax>,
    }
}

object! {
    /// One form of payment over a shift.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TotalsPayment {
        /// Its code.
        required "PayFormCode" => form: PaymentForm,
        /// Its name.
        scalar "PayFormName" => name: String,
        /// Paid by it.
        required "Sum" => sum: Money,
    }
}

object! {
    /// One tax over a shift.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TotalsTax {
        /// What it is.
        required "Type" => tax: TaxType,
        /// Its name.
        scalar "Name" => name: String,
        /// Its letter.
        scalar "Letter" => letter: Option<TaxLetter>,
        /// Its rate in per cent.
        required "Prc" => rate: Money,
        /// Whether it comes on top of the price.
        scalar "Sign" => on_top: Option<bool>,
        /// What was sold under it, before discounts.
        scalar "Turnover" => turnover: Money,
        /// The same after discounts.
        scalar "TurnoverDiscount" => discounted_turnover: Option<Money>,
        /// What it is computed from.
        scalar "SourceSum" => base: Option<Money>,
        /// The tax.
        required "Sum" => sum: Money,
    }
}

object! {
    /// Cash paid out against cards over a shift.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TotalsCash {
        /// All of it.
        scalar "Sum" => sum: Money,
        /// Commission.
        scalar "Commission" => commission: Option<Money>,
        /// How many receipts.
        scalar "OrdersCount" => receipts: u64,
    }
}

impl Totals {
    /// The Z-report that these totals make. Sides without receipts are left out; operations with currency are
    /// not carried over, because their names in JSON are not described: whoever deals in currency builds that
    /// section.
    #[must_use]
    pub fn to_z_report(&self) -> ZReport {
        let side = |side: &Option<TotalsSide>| {
            side.as_ref()
                .filter(|side| side.receipts > 0)
                .map(TotalsSide::turnover)
        };
        let cash = self.cash.as_ref().filter(|cash| cash.receipts > 0);
        ZReport {
            sales: side(&self.sales),
            returns: side(&self.returns),
            cash: cash.map(|cash| CashWithdrawals {
                sum: cash.sum,
                commission: cash.commission,
                receipts: cash.receipts,
            }),
            currency: None,
            fuel: None,
            body: Some(ZBody {
                deposits: Some(self.deposits.unwrap_or_default()),
                issues: Some(self.issues.unwrap_or_default()),
                vehicle: None,
            }),
        }
    }
}

impl TotalsSide {
    fn turnover(&self) -> Turnover {
        Turnover {
            sum: self.sum,
            pawnshop_issued: self.pawnshop_issued,
            pawnshop_received: self.pawnshop_received,
            rounding: self.rounding,
            unrounded: self.unrounded,
            receipts: self.receipts,
            pawnshop_receipts_issued: self.pawnshop_receipts_issued,
            pawnshop_receipts_received: self.pawnshop_receipts_received,
            transfers: self.transfers,
            transfers_sum: self.transfers_sum,
            transfers_commission: self.transfers_commission,
            payments: self.payments.iter().map(TotalsPayment::total).collect(),
            taxes: self.taxes.iter().map(TotalsTax::total).collect(),
        }
    }
}

impl TotalsPayment {
    fn total(&self) -> PaymentTotal {
        PaymentTotal {
            form: self.form,
            name: self.name.clone(),
            sum: self.sum,
        }
    }
}

impl TotalsTax {
    fn total(&self) -> TaxTotal {
        TaxTotal {
            tax: self.tax,
            name: self.name.clone(),
            letter: self.letter,
            rate: self.rate,
            on_top: self.on_top,
            turnover: self.turnover,
            discounted_turnover: self.discounted_turnover,
            base: self.base,
            sum: self.sum,
        }
    }
}
