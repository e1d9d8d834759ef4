//! What a shift adds up: the figures of one accepted document.

use super::ShiftError;
use super::section::{Sign, moved};
use crate::Money;
use crate::arithmetic::{Payment, PaymentForm, Settlement, TaxRow, Withdrawal};
use serde::{Deserialize, Serialize};

/// The figures of one receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// SUM.
    pub sum: Money,
    /// RNDSUM = NORNDSUM − SUM; nothing when cash was not rounded.
    pub rounding: Money,
    /// Every payment with its sum.
    pub payments: Vec<(PaymentForm, Money)>,
    /// The rows of CHECKTAX.
    pub taxes: Vec<TaxRow>,
}

impl Figures {
    /// Of a receipt that was settled.
    #[must_use]
    pub fn new(settlement: &Settlement, taxes: Vec<TaxRow>) -> Self {
        let pair = |payment: &Payment| (payment.form.clone(), payment.sum);
        Self {
            sum: settlement.sum,
            rounding: settlement.rounding,
            payments: settlement.payments.iter().map(pair).collect(),
            taxes,
        }
    }

    fn cash(&self) -> Result<Money, ShiftError> {
        let cash = self.payments.iter().filter(|(form, _)| form.is_cash());
        cash.map(|(_, sum)| *sum)
            .try_fold(Money::ZERO, |left, right| moved(left, right, Sign::Add))
    }
}

/// One accepted document that has figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A sale (DOCTYPE 0, DOCSUBTYPE 0).
    Sale(Figures),
    /// A return (DOCSUBTYPE 1); its sums are positive.
    Return(Figures),
    /// A pawnshop's receipt (DOCTYPE 4); its sum may be negative.
    Pawnshop {
        /// The receipt.
        figures: Figures,
        /// PWNSUMISSUED.
        issued: Money,
        /// PWNSUMRECEIVED.
        received: Money,
    },
    /// Cash brought in, as a deposit or as reinforcement (DOCSUBTYPE 2 and 3).
    ServiceInput(Money),
    /// Cash taken out, or collected (DOCSUBTYPE 4).
    ServiceOutput(Money),
    /// Cash handed out against a card (DOCTYPE 3).
    Withdrawal(Withdrawal),
}

impl Entry {
    /// What the document puts into the drawer; negative for what it takes out.
    ///
    /// # Errors
    /// [`ShiftError::TooLarge`].
    pub fn drawer_flow(&self) -> Result<Money, ShiftError> {
        Ok(match self {
            Self::Sale(figures) | Self::Pawnshop { figures, .. } => figures.cash()?,
            Self::Return(figures) => -figures.cash()?,
            Self::ServiceInput(sum) => *sum,
            Self::ServiceOutput(sum) => -*sum,
            Self::Withdrawal(withdrawal) => -withdrawal.sum(),
        })
    }
}
