//! The totals of a shift: what its accepted receipts add up to, for the X report, the Z report and the drawer.

mod entry;
mod report;
mod section;

pub use entry::{Entry, Figures};
pub use report::Report;
pub use section::{PAYMENT_ROWS_MAX, PaymentTotal, Section, SectionRounding, TAX_ROWS_MAX, TaxTotal};

use crate::Money;
use section::{Sign, moved};
use serde::{Deserialize, Serialize};

/// Why a shift refuses. Whatever it refuses, it is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShiftError {
    /// A total leaves the bounds of an amount or of a count.
    #[error("a total of the shift is too large")]
    TooLarge,
    /// More means of payment than [`PAYMENT_ROWS_MAX`].
    #[error("more means of payment than {PAYMENT_ROWS_MAX} in one shift")]
    TooManyPaymentForms,
    /// More taxes than [`TAX_ROWS_MAX`].
    #[error("more taxes than {TAX_ROWS_MAX} in one shift")]
    TooManyTaxes,
    /// The last document is not there to be undone: it is none, was undone, or had no figures.
    #[error("only the last document can be undone")]
    NothingToUndo,
    /// More cash would leave the drawer than is in it.
    #[error("the drawer has {balance}, and {asked} is asked of it")]
    DrawerTooLow {
        /// What is in it.
        balance: Money,
        /// What would leave it.
        asked: Money,
    },
}

/// What a shift handed out against cards (ZREPCASH).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawals {
    /// SUM.
    pub sum: Money,
    /// COMMISSION.
    pub commission: Money,
    /// ORDERSCNT.
    pub orders_count: u64,
}

/// The accumulator of a shift. Plain and bounded, so that it can be stored after every receipt: an ordinary one has some hundred octets.
/// The worst, with every row there and every name as long as a document allows, has about thirty thousand, so that whoever stores it in
/// smaller values bounds the names of payments at the door or divides it.
///
/// Every sum is the sum of what the receipts carried: the tax of a shift is Σ of taxes that were rounded per receipt, never computed
/// anew from the turnover (2 × 8.33 is 16.66, in the official sample of the Z).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftTotals {
    sales: Section,
    returns: Section,
    withdrawals: Withdrawals,
    service_input: Money,
    service_output: Money,
    /// The last document, which alone may be undone.
    last: Option<Entry>,
}

impl ShiftTotals {
    /// Adds a document that was accepted. It counts whatever the drawer says: ask [`Self::drawer_covers`] before the document is made.
    ///
    /// # Errors
    /// [`ShiftError::TooLarge`], [`ShiftError::TooManyPaymentForms`], [`ShiftError::TooManyTaxes`].
    pub fn accept(&mut self, entry: Entry) -> Result<(), ShiftError> {
        self.put(&entry, Sign::Add)?;
        self.last = Some(entry);
        Ok(())
    }

    /// Undoes the last document (DOCSUBTYPE 5) and gives it back: everything is as it was before it, but that nothing more can be undone.
    ///
    /// # Errors
    /// [`ShiftError::NothingToUndo`].
    pub fn undo_last(&mut self) -> Result<Entry, ShiftError> {
        let last = self.last.take().ok_or(ShiftError::NothingToUndo)?;
        match self.put(&last, Sign::Subtract) {
            Ok(()) => Ok(last),
            Err(error) => {
                self.last = Some(last);
                Err(error)
            }
        }
    }

    /// A document without figures was accepted (the begin or the end of an offline session): the one before is no longer the last.
    pub fn pass(&mut self) {
        self.last = None;
    }

    /// What [`Self::undo_last`] would undo.
    #[must_use]
    pub const fn last(&self) -> Option<&Entry> {
        self.last.as_ref()
    }

    /// The figures of the X and of the Z report, which are the same: only the Z is sent.
    #[must_use]
    pub fn report(&self) -> Report {
        let some = |section: &Section| (!section.is_empty()).then(|| section.clone());
        Report {
            sales: some(&self.sales),
            returns: some(&self.returns),
            withdrawals: (self.withdrawals.orders_count > 0).then_some(self.withdrawals),
            service_input: self.service_input,
            service_output: self.service_output,
        }
    }

    /// What is in the drawer that had `opening` before the shift: plus cash of sales and deposits, less cash of returns, collections and
    /// withdrawals (rule 11 of section 3.2). Commonly the opening sum enters as a deposit, and `opening` is nothing.
    ///
    /// # Errors
    /// [`ShiftError::TooLarge`].
    pub fn drawer(&self, opening: Money) -> Result<Money, ShiftError> {
        [
            (self.sales.cash()?, Sign::Add),
            (self.service_input, Sign::Add),
            (self.returns.cash()?, Sign::Subtract),
            (self.service_output, Sign::Subtract),
            (self.withdrawals.sum, Sign::Subtract),
        ]
        .into_iter()
        .try_fold(opening, |balance, (sum, sign)| moved(balance, sum, sign))
    }

    /// Whether the drawer has what a document would take out of it: a policy of tills, not a rule of the tax service, which does not
    /// look (rule 11 of section 3.2).
    ///
    /// # Errors
    /// [`ShiftError::DrawerTooLow`], [`ShiftError::TooLarge`].
    pub fn drawer_covers(&self, opening: Money, entry: &Entry) -> Result<(), ShiftError> {
        let flow = entry.drawer_flow()?;
        let balance = self.drawer(opening)?;
        if flow.is_negative() && moved(balance, flow, Sign::Add)?.is_negative() {
            return Err(ShiftError::DrawerTooLow {
                balance,
                asked: -flow,
            });
        }
        Ok(())
    }

    /// Adds another shift, for the report of a period. Nothing can be undone after it.
    ///
    /// # Errors
    /// [`ShiftError::TooLarge`], [`ShiftError::TooManyPaymentForms`], [`ShiftError::TooManyTaxes`].
    pub fn merge(&mut self, other: &Self) -> Result<(), ShiftError> {
        let merged = Self {
            sales: self.sales.with_section(&other.sales)?,
            returns: self.returns.with_section(&other.returns)?,
            withdrawals: self.withdrawals.with(&other.withdrawals, Sign::Add)?,
            service_input: moved(self.service_input, other.service_input, Sign::Add)?,
            service_output: moved(self.service_output, other.service_output, Sign::Add)?,
            last: None,
        };
        *self = merged;
        Ok(())
    }

    /// Moves every total by one document; on an error nothing has moved.
    fn put(&mut self, entry: &Entry, sign: Sign) -> Result<(), ShiftError> {
        match entry {
            Entry::Sale(figures) => self.sales = self.sales.with(figures, None, sign)?,
            Entry::Return(figures) => self.returns = self.returns.with(figures, None, sign)?,
            // The tax service's totals carry a pawnshop's sums in the section of sales (Totals.Real).
            Entry::Pawnshop {
                figures,
                issued,
                received,
            } => self.sales = self.sales.with(figures, Some((*issued, *received)), sign)?,
            Entry::ServiceInput(sum) => self.service_input = moved(self.service_input, *sum, sign)?,
            Entry::ServiceOutput(sum) => self.service_output = moved(self.service_output, *sum, sign)?,
            Entry::Withdrawal(withdrawal) => {
                let one = Withdrawals {
                    sum: withdrawal.sum(),
                    commission: withdrawal.commission(),
                    orders_count: 1,
                };
                self.withdrawals = self.withdrawals.with(&one, sign)?;
            }
        }
        Ok(())
    }
}

impl Withdrawals {
    fn with(&self, other: &Self, sign: Sign) -> Result<Self, ShiftError> {
        Ok(Self {
            sum: moved(self.sum, other.sum, sign)?,
            commission: moved(self.commission, other.commission, sign)?,
            orders_count: sign.count(self.orders_count, other.orders_count)?,
        })
    }
}
