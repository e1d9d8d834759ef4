//! What the lines of a receipt come to: costs, discounts, taxes, and the sum that is owed before cash is rounded.

use super::portion::{add, apportion, subtract, sum};
use super::tax::{TaxedLine, taxes};
use super::{Discount, Error, LINES_MAX, Letter, TaxRow, TaxTable};
use crate::{AmountError, Money, Price, Quantity};

/// One line of goods or services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Unit price, of up to three digits as clients send it.
    pub price: Option<Price>,
    /// Quantity.
    pub quantity: Quantity,
    /// COST, the sum of the line before its discount. When it is given it stands, and is never compared with the quantity times the price
    /// (the note on prices); when it is not, that product is rounded half up from the exact price.
    pub cost: Option<Money>,
    /// What is taken off the line.
    pub discount: Option<Discount>,
    /// Its taxes; none for who pays no VAT.
    pub letters: Vec<Letter>,
}

/// A sale or a return; the sums of a return are positive too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The lines, in their order.
    pub lines: Vec<Line>,
    /// What is taken off the whole, after the lines' own discounts.
    pub discount: Option<Discount>,
}

/// What one line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTotals {
    /// COST, before discounts.
    pub cost: Money,
    /// The line's own discount.
    pub own_discount: Money,
    /// Its part of the receipt's discount.
    pub shared_discount: Money,
    /// DISCOUNTSUM of the line: both together.
    pub discount: Money,
    /// COST less DISCOUNTSUM.
    pub discounted: Money,
}

/// What a receipt comes to, before cash is rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptTotals {
    /// The lines, in their order.
    pub lines: Vec<LineTotals>,
    /// Σ COST.
    pub costs: Money,
    /// SUBCHECK: what the receipt's discount is taken from, after the lines' own.
    pub subtotal: Money,
    /// The receipt's own discount, divided among the lines.
    pub receipt_discount: Money,
    /// DISCOUNTSUM of the receipt: every discount, the lines' included.
    ///
    /// The schema calls the field the *total* discount, and the official sample of discounts (two lines less 50.00 and 40.00, the
    /// receipt 90.00, the sum 210.00 of 300.00) counts the lines' in it. The receipt's own discount is therefore written on the lines
    /// too, so that Σ COST less either is the same sum.
    pub discount: Money,
    /// The rows of CHECKTAX.
    pub taxes: Vec<TaxRow>,
    /// What taxes add that are not in the prices.
    pub excluded_tax: Money,
    /// NORNDSUM: what is owed.
    pub owed: Money,
    /// NOTAXSUM: what is owed without any tax.
    pub without_taxes: Money,
}

impl Receipt {
    /// Totals the receipt with the taxes of its taxpayer.
    ///
    /// # Errors
    /// [`Error`], with the line where one is at fault.
    pub fn totals(&self, table: &TaxTable) -> Result<ReceiptTotals, Error> {
        let (lines, subtotal, receipt_discount) = self.line_totals()?;
        let taxed: Vec<TaxedLine<'_>> = (lines.iter().zip(&self.lines))
            .map(|(totals, line)| TaxedLine {
                cost: totals.cost,
                discounted: totals.discounted,
                letters: &line.letters,
            })
            .collect();
        let taxes = taxes(table, &taxed)?;
        let excluded = taxes.iter().filter(|row| row.tax.excluded);
        let excluded_tax = sum(excluded.map(|row| row.sum))?;
        let owed = add(sum(lines.iter().map(|line| line.discounted))?, excluded_tax)?;
        Ok(ReceiptTotals {
            costs: sum(lines.iter().map(|line| line.cost))?,
            subtotal,
            receipt_discount,
            discount: sum(lines.iter().map(|line| line.discount))?,
            excluded_tax,
            owed,
            without_taxes: subtract(owed, sum(taxes.iter().map(|row| row.sum))?)?,
            taxes,
            lines,
        })
    }

    /// The lines with every discount on them, the subtotal, and the receipt's own discount.
    fn line_totals(&self) -> Result<(Vec<LineTotals>, Money, Money), Error> {
        if self.lines.is_empty() {
            return Err(Error::NoLines);
        }
        if self.lines.len() > LINES_MAX {
            return Err(Error::TooManyLines(self.lines.len()));
        }
        let mut lines = Vec::with_capacity(self.lines.len());
        for (index, line) in self.lines.iter().enumerate() {
            lines.push(line.totals(index + 1)?);
        }
        let before: Vec<Money> = lines.iter().map(|line| line.discounted).collect();
        let subtotal = sum(before.iter().copied())?;
        let receipt_discount = match self.discount {
            Some(discount) => discount.of(subtotal)?,
            None => return Ok((lines, subtotal, Money::ZERO)),
        };
        for (line, part) in lines.iter_mut().zip(apportion(receipt_discount, &before)) {
            line.shared_discount = part;
            line.discount = add(line.own_discount, part)?;
            line.discounted = subtract(line.cost, line.discount)?;
        }
        Ok((lines, subtotal, receipt_discount))
    }
}

impl Line {
    /// COST as given, or the quantity times the price.
    fn cost(&self, number: usize) -> Result<Money, Error> {
        let negative = |price: Price| price.is_negative();
        if self.quantity.is_negative()
            || self.price.is_some_and(negative)
            || self.cost.is_some_and(Money::is_negative)
        {
            return Err(Error::NegativeLine(number));
        }
        match (self.cost, self.price) {
            (Some(cost), _) => Ok(cost),
            (None, Some(price)) => {
                let product = price.decimal().checked_mul(self.quantity.decimal());
                Ok(Money::rounded(product.ok_or(AmountError::TooLarge)?)?)
            }
            (None, None) => Err(Error::CostUnknown(number)),
        }
    }

    fn totals(&self, number: usize) -> Result<LineTotals, Error> {
        let cost = self.cost(number)?;
        let discount = self
            .discount
            .map_or(Ok(Money::ZERO), |discount| discount.of(cost))?;
        Ok(LineTotals {
            cost,
            own_discount: discount,
            shared_discount: Money::ZERO,
            discount,
            discounted: subtract(cost, discount)?,
        })
    }
}
