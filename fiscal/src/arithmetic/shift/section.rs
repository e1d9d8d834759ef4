//! One section of a report: sales or returns, by means of payment and by tax.

use super::{Figures, ShiftError};
use crate::Money;
use crate::arithmetic::{PaymentForm, Tax, TaxRow};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// The most means of payment in one section, told apart by code and name: the official samples have five. More would let clients, who
/// name them freely, grow what is stored after every receipt.
pub const PAYMENT_ROWS_MAX: usize = 32;

/// The most taxes in one section: a taxpayer's table, twice, for one that is changed while the shift is open.
pub const TAX_ROWS_MAX: usize = 2 * crate::arithmetic::TAXES_MAX;

/// What one means of payment brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentTotal {
    /// PAYFORMCD and PAYFORMNM.
    pub form: PaymentForm,
    /// SUM.
    pub sum: Money,
    /// How many payments are in it.
    pub payments_count: u64,
}

/// What one tax came to: Σ of rows that were rounded per receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxTotal {
    /// The sums, as one row.
    pub row: TaxRow,
    /// How many receipts are in it.
    pub receipts_count: u64,
}

/// The rounding of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionRounding {
    /// RNDSUM.
    pub rounding: Money,
    /// NORNDSUM = SUM + RNDSUM.
    pub unrounded: Money,
}

/// ZREPREALIZ or ZREPRETURN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// SUM.
    pub sum: Money,
    /// Σ RNDSUM; see [`Section::rounding`].
    pub rounding_sum: Money,
    /// How many receipts were rounded.
    pub rounded_count: u64,
    /// ORDERSCNT.
    pub orders_count: u64,
    /// PWNSUMISSUED.
    pub pawn_issued: Money,
    /// PWNSUMRECEIVED.
    pub pawn_received: Money,
    /// PWNORDERSCNTISSUED: receipts that issued something.
    pub pawn_issued_count: u64,
    /// PWNORDERSCNTRECEIVED: receipts that received something. One that did both is in both.
    pub pawn_received_count: u64,
    /// PAYFORMS, by code and name.
    pub payments: Vec<PaymentTotal>,
    /// TAXES, by kind and letter.
    pub taxes: Vec<TaxTotal>,
}

/// Whether a document is added or undone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    Subtract,
}

impl Sign {
    pub(super) fn count(self, count: u64, by: u64) -> Result<u64, ShiftError> {
        let moved = match self {
            Self::Add => count.checked_add(by),
            Self::Subtract => count.checked_sub(by),
        };
        moved.ok_or(ShiftError::TooLarge)
    }
}

/// A total after one sum.
pub(super) fn moved(total: Money, by: Money, sign: Sign) -> Result<Money, ShiftError> {
    let moved = match sign {
        Sign::Add => total.checked_add(by),
        Sign::Subtract => total.checked_sub(by),
    };
    moved.ok_or(ShiftError::TooLarge)
}

impl Section {
    /// RNDSUM and NORNDSUM, when any receipt was rounded.
    ///
    /// # Errors
    /// [`ShiftError::TooLarge`].
    pub fn rounding(&self) -> Result<Option<SectionRounding>, ShiftError> {
        if self.rounded_count == 0 {
            return Ok(None);
        }
        Ok(Some(SectionRounding {
            rounding: self.rounding_sum,
            unrounded: moved(self.sum, self.rounding_sum, Sign::Add)?,
        }))
    }

    /// What of it is cash.
    ///
    /// # Errors
    /// [`ShiftError::TooLarge`].
    pub fn cash(&self) -> Result<Money, ShiftError> {
        let cash = self.payments.iter().filter(|row| row.form.is_cash());
        cash.map(|row| row.sum)
            .try_fold(Money::ZERO, |left, right| moved(left, right, Sign::Add))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orders_count == 0
    }

    /// The section with one receipt more, or less; `pawn` is what a pawnshop issued and received.
    pub(super) fn with(
        &self,
        figures: &Figures,
        pawn: Option<(Money, Money)>,
        sign: Sign,
    ) -> Result<Self, ShiftError> {
        let (issued, received) = pawn.unwrap_or_default();
        let one = Self {
            sum: figures.sum,
            rounding_sum: figures.rounding,
            rounded_count: u64::from(!figures.rounding.is_zero()),
            orders_count: 1,
            pawn_issued: issued,
            pawn_received: received,
            pawn_issued_count: u64::from(!issued.is_zero()),
            pawn_received_count: u64::from(!received.is_zero()),
            payments: Vec::new(),
            taxes: Vec::new(),
        };
        let mut section = self.moved_by(&one, sign)?;
        for (form, sum) in &figures.payments {
            section.pay(form, *sum, 1, sign)?;
        }
        for row in &figures.taxes {
            section.tax(row, 1, sign)?;
        }
        Ok(section)
    }

    /// The section with another added to it.
    pub(super) fn with_section(&self, other: &Self) -> Result<Self, ShiftError> {
        let mut section = self.moved_by(other, Sign::Add)?;
        for row in &other.payments {
            section.pay(&row.form, row.sum, row.payments_count, Sign::Add)?;
        }
        for total in &other.taxes {
            section.tax(&total.row, total.receipts_count, Sign::Add)?;
        }
        Ok(section)
    }

    /// Everything but the rows.
    fn moved_by(&self, other: &Self, sign: Sign) -> Result<Self, ShiftError> {
        Ok(Self {
            sum: moved(self.sum, other.sum, sign)?,
            rounding_sum: moved(self.rounding_sum, other.rounding_sum, sign)?,
            rounded_count: sign.count(self.rounded_count, other.rounded_count)?,
            orders_count: sign.count(self.orders_count, other.orders_count)?,
            pawn_issued: moved(self.pawn_issued, other.pawn_issued, sign)?,
            pawn_received: moved(self.pawn_received, other.pawn_received, sign)?,
            pawn_issued_count: sign.count(self.pawn_issued_count, other.pawn_issued_count)?,
            pawn_received_count: sign.count(self.pawn_received_count, other.pawn_received_count)?,
            payments: self.payments.clone(),
            taxes: self.taxes.clone(),
        })
    }

    /// Moves the row of a means of payment; a row comes with its first payment and goes with its last.
    fn pay(&mut self, form: &PaymentForm, sum: Money, count: u64, sign: Sign) -> Result<(), ShiftError> {
        match self.payments.binary_search_by(|row| row.form.cmp(form)) {
            Ok(place) => {
                let row = &mut self.payments[place];
                row.sum = moved(row.sum, sum, sign)?;
                row.payments_count = sign.count(row.payments_count, count)?;
                if row.payments_count == 0 {
                    self.payments.remove(place);
                }
            }
            Err(_) if sign == Sign::Subtract => return Err(ShiftError::NothingToUndo),
            Err(_) if self.payments.len() == PAYMENT_ROWS_MAX => return Err(ShiftError::TooManyPaymentForms),
            Err(place) => self.payments.insert(
                place,
                PaymentTotal {
                    form: form.clone(),
                    sum,
                    payments_count: count,
                },
            ),
        }
        Ok(())
    }

    /// Moves the row of a tax, as [`Self::pay`].
    fn tax(&mut self, row: &TaxRow, count: u64, sign: Sign) -> Result<(), ShiftError> {
        match self
            .taxes
            .binary_search_by(|total| order(&total.row.tax, &row.tax))
        {
            Ok(place) => {
                let total = &mut self.taxes[place];
                total.receipts_count = sign.count(total.receipts_count, count)?;
                let sums = &mut total.row;
                for (sum, by) in [
                    (&mut sums.turnover, row.turnover),
                    (&mut sums.turnover_discounted, row.turnover_discounted),
                    (&mut sums.source, row.source),
                    (&mut sums.sum, row.sum),
                ] {
                    *sum = moved(*sum, by, sign)?;
                }
                if total.receipts_count == 0 {
                    self.taxes.remove(place);
                }
            }
            Err(_) if sign == Sign::Subtract => return Err(ShiftError::NothingToUndo),
            Err(_) if self.taxes.len() == TAX_ROWS_MAX => return Err(ShiftError::TooManyTaxes),
            Err(place) => self.taxes.insert(
                place,
                TaxTotal {
                    row: row.clone(),
                    receipts_count: count,
                },
            ),
        }
        Ok(())
    }
}

/// VAT first, then by letter; a tax whose rate, sign or name was changed in the shift has a row of its own.
fn order(one: &Tax, other: &Tax) -> Ordering {
    let key = |tax: &Tax| (tax.kind.code(), tax.letter, tax.percent, tax.excluded);
    key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name))
}
