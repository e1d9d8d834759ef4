//! Figures that someone else computed are believed only when they add up.

use super::portion::{add, subtract, sum};
use super::{CashRounding, Error, Payment};
use crate::Money;

/// The figures of a receipt as they are stated: by a client, or by a document that is about to be signed or was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated<'a> {
    /// COST of every line, before discounts. In a pawnshop's receipt what is issued counts as negative.
    pub costs: &'a [Money],
    /// DISCOUNTSUM of the receipt, or Σ DISCOUNTSUM of its lines where the receipt has none ([`super::ReceiptTotals::discount`]).
    pub discount: Money,
    /// What taxes add that are not in the prices: Σ SUM of the rows with SIGN.
    pub excluded_tax: Money,
    /// RNDSUM; nothing when it is not stated.
    pub rounding: Money,
    /// NORNDSUM, where it is stated.
    pub unrounded: Option<Money>,
    /// SUM.
    pub sum: Money,
    /// PARTPAYSUM: a part of the sum is paid now, so that the payments are that part, and the rounding is its own.
    pub part_payment: Option<Money>,
    /// The rows of CHECKPAY.
    pub payments: &'a [Payment],
}

impl Stated<'_> {
    /// Checks that Σ COST − discounts + taxes outside the price − RNDSUM = SUM, that Σ PAY = SUM, that NORNDSUM and every change agree;
    /// and, when a rule is given, that the part in cash is rounded by it and no other part is.
    ///
    /// # Errors
    /// [`Error::SumMismatch`], [`Error::UnroundedMismatch`], [`Error::PaymentsMismatch`], [`Error::ChangeMismatch`] and
    /// [`Error::RoundingMismatch`], each with what was expected and what was given; [`Error::Amount`].
    pub fn check(&self, rule: Option<CashRounding>) -> Result<(), Error> {
        let costs = sum(self.costs.iter().copied())?;
        let owed = add(subtract(costs, self.discount)?, self.excluded_tax)?;
        let (to_pay, unrounded) = match self.part_payment {
            // The receipt's sum is whole; only what is paid of it now was rounded.
            Some(part) => {
                expect_sum(owed, self.sum)?;
                (part, add(part, self.rounding)?)
            }
            None => {
                expect_sum(subtract(owed, self.rounding)?, self.sum)?;
                (self.sum, owed)
            }
        };
        if let Some(given) = self.unrounded.filter(|given| *given != unrounded) {
            return Err(Error::UnroundedMismatch {
                expected: unrounded,
                given,
            });
        }
        let paid = sum(self.payments.iter().map(|payment| payment.sum))?;
        if paid != to_pay {
            return Err(Error::PaymentsMismatch {
                expected: to_pay,
                given: paid,
            });
        }
        self.check_changes()?;
        rule.map_or(Ok(()), |rule| self.check_rounding(rule))
    }

    fn check_changes(&self) -> Result<(), Error> {
        for (index, payment) in self.payments.iter().enumerate() {
            let expected = payment
                .provided
                .map_or(Ok(Money::ZERO), |provided| subtract(provided, payment.sum))?;
            let given = payment.remains.unwrap_or(Money::ZERO);
            if expected != given {
                return Err(Error::ChangeMismatch {
                    row: index + 1,
                    expected,
                    given,
                });
            }
        }
        Ok(())
    }

    fn check_rounding(&self, rule: CashRounding) -> Result<(), Error> {
        let cash = || self.payments.iter().filter(|payment| payment.form.is_cash());
        let in_cash = sum(cash().map(|payment| payment.sum))?;
        let unrounded = add(in_cash, self.rounding)?;
        // Without a row of cash there is nothing to round, but for a rest so small that it was rounded away, and its row with it.
        let away = rule.round(unrounded)?.is_zero() && unrounded.is_negative() == self.sum.is_negative();
        let rounded = match cash().count() {
            0 if !away => unrounded,
            rows if rows > 0 && rows == self.payments.len() => rule.round_whole(unrounded)?,
            _ => rule.round(unrounded)?,
        };
        let expected = subtract(unrounded, rounded)?;
        if expected != self.rounding {
            return Err(Error::RoundingMismatch {
                expected,
                given: self.rounding,
            });
        }
        Ok(())
    }
}

fn expect_sum(expected: Money, given: Money) -> Result<(), Error> {
    if expected == given {
        return Ok(());
    }
    Err(Error::SumMismatch { expected, given })
}
