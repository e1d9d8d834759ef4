//! How a receipt is paid: cash is rounded, what is not cash is exact, and together they are the sum.

use super::portion::{add, subtract, sum};
use super::{CashRounding, Error, PAYMENTS_MAX};
use crate::Money;
use serde::{Deserialize, Serialize};

/// A means of payment (PAYFORMCD, PAYFORMNM). The name is free text and says nothing: clients write `ГОТIВКА` with a Latin I too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PaymentForm {
    /// PAYFORMCD: 0 cash, 1 card, 2 prepayment, 3 credit, and others that the tax service may add.
    pub code: u32,
    /// PAYFORMNM, at most 128 characters in a document.
    pub name: String,
}

impl PaymentForm {
    /// PAYFORMCD of cash.
    pub const CASH: u32 = 0;

    /// A means of payment.
    #[must_use]
    pub fn new(code: u32, name: impl Into<String>) -> Self {
        Self {
            code,
            name: name.into(),
        }
    }

    /// Whether it goes into the drawer.
    #[must_use]
    pub const fn is_cash(&self) -> bool {
        self.code == Self::CASH
    }
}

/// One row of CHECKPAY.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The means.
    pub form: PaymentForm,
    /// SUM: what is paid by it.
    pub sum: Money,
    /// PROVIDED: what was handed over, left out when there is no change.
    pub provided: Option<Money>,
    /// REMAINS: the change.
    pub remains: Option<Money>,
}

/// What is left after the other means is paid in cash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cash {
    /// PAYFORMNM of the row.
    pub name: String,
    /// What was handed over, when it is known.
    pub provided: Option<Money>,
}

/// A receipt as it is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// SUM of the receipt: what is paid.
    pub sum: Money,
    /// NORNDSUM: what was owed.
    pub unrounded: Money,
    /// RNDSUM = NORNDSUM − SUM: negative when cash was rounded up. A client's `round_sum` has the other sign.
    pub rounding: Money,
    /// The rows of CHECKPAY: what is not cash in its order, then cash.
    pub payments: Vec<Payment>,
}

/// Pays what is owed: other means exactly, the rest in cash, rounded by the rule when there is one.
///
/// Only the part that is paid in cash is rounded. The clients' vendor rounds cash and never a card, and a part paid by card is already
/// taken from the buyer to the kopeck; so 25.53 with 20.00 by card leaves 5.53, which is 5.50 in cash, and the receipt is 25.50.
///
/// A negative sum, which a pawnshop hands out, is paid by negative payments in the same way.
///
/// # Errors
/// [`Error::NotAPayment`] for cash among `cashless`, for nothing and for the wrong sign; [`Error::Overpaid`]; [`Error::PaymentsMismatch`]
/// when something is left and there is no cash; [`Error::CashTooLittle`]; [`Error::TooManyPayments`]; [`Error::Amount`].
pub fn settle(
    owed: Money,
    cashless: &[(PaymentForm, Money)],
    cash: Option<&Cash>,
    rounding: Option<CashRounding>,
) -> Result<Settlement, Error> {
    if cashless.len() >= PAYMENTS_MAX {
        return Err(Error::TooManyPayments(cashless.len()));
    }
    let handed_out = owed.is_negative();
    for (index, (form, paid)) in cashless.iter().enumerate() {
        if form.is_cash() || paid.is_zero() || paid.is_negative() != handed_out {
            return Err(Error::NotAPayment(index + 1));
        }
    }
    let paid = sum(cashless.iter().map(|(_, paid)| *paid))?;
    let left = subtract(owed, paid)?;
    if !left.is_zero() && left.is_negative() != handed_out {
        return Err(Error::Overpaid { due: owed, paid });
    }
    let mut payments: Vec<Payment> = cashless
        .iter()
        .map(|(form, sum)| exact(form.clone(), *sum))
        .collect();
    let in_cash = match cash {
        None if !left.is_zero() => {
            return Err(Error::PaymentsMismatch {
                expected: owed,
                given: paid,
            });
        }
        None => Money::ZERO,
        Some(cash) => {
            let in_cash = match rounding {
                None => left,
                Some(rule) if cashless.is_empty() => rule.round_whole(left)?,
                Some(rule) => rule.round(left)?,
            };
            // A row of nothing says something only where it is the only one.
            if !in_cash.is_zero() || payments.is_empty() {
                payments.push(cash_row(cash, in_cash)?);
            }
            in_cash
        }
    };
    let sum = add(paid, in_cash)?;
    Ok(Settlement {
        sum,
        unrounded: owed,
        rounding: subtract(owed, sum)?,
        payments,
    })
}

fn exact(form: PaymentForm, sum: Money) -> Payment {
    Payment {
        form,
        sum,
        provided: None,
        remains: None,
    }
}

fn cash_row(cash: &Cash, sum: Money) -> Result<Payment, Error> {
    let mut row = exact(PaymentForm::new(PaymentForm::CASH, &*cash.name), sum);
    let Some(provided) = cash.provided else {
        return Ok(row);
    };
    let remains = subtract(provided, sum)?;
    let towards = if sum.is_negative() { -remains } else { remains };
    if towards.is_negative() {
        return Err(Error::CashTooLittle { due: sum, provided });
    }
    // Since 2025 PROVIDED is left out when there is no change.
    if !remains.is_zero() {
        row.provided = Some(provided);
        row.remains = Some(remains);
    }
    Ok(row)
}
