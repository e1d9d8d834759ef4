//! A pawnshop's receipt (DOCTYPE 4): money goes both ways, and the sum is what was received less what was issued.

use super::portion::{subtract, sum};
use super::tax::{TaxedLine, taxes};
use super::{Error, LINES_MAX, Letter, TaxRow, TaxTable};
use crate::Money;

/// Which way the money goes (PWNDIR).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PawnDirection {
    /// To the client, PWNDIR false: a loan.
    Issued,
    /// From the client, PWNDIR true: a repayment, interest.
    Received,
}

/// One line of a pawnshop's receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PawnLine {
    /// COST, positive either way.
    pub cost: Money,
    /// Which way it goes.
    pub direction: PawnDirection,
    /// Its taxes, included in the cost.
    pub letters: Vec<Letter>,
}

/// A pawnshop's receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PawnReceipt {
    /// The lines, in their order.
    pub lines: Vec<PawnLine>,
}

/// What a pawnshop's receipt comes to, before cash is rounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PawnTotals {
    /// PWNSUMISSUED.
    pub issued: Money,
    /// PWNSUMRECEIVED.
    pub received: Money,
    /// What is owed by the client: received less issued, negative when more is handed out. [`super::settle`] takes it as it is.
    pub owed: Money,
    /// The rows of CHECKTAX: of the lines in both directions, positive, as the official samples have them.
    pub taxes: Vec<TaxRow>,
}

impl PawnReceipt {
    /// Totals the receipt with the taxes of its taxpayer.
    ///
    /// # Errors
    /// [`Error`], with the line where one is at fault.
    pub fn totals(&self, table: &TaxTable) -> Result<PawnTotals, Error> {
        if self.lines.is_empty() {
            return Err(Error::NoLines);
        }
        if self.lines.len() > LINES_MAX {
            return Err(Error::TooManyLines(self.lines.len()));
        }
        let excluded =
            |letter: &Letter| (table.taxes().iter()).any(|tax| tax.letter == *letter && tax.excluded);
        for (index, line) in self.lines.iter().enumerate() {
            if line.cost.is_negative() {
                return Err(Error::NegativeLine(index + 1));
            }
            if line.letters.iter().any(excluded) {
                return Err(Error::ExcludedTaxInPawnshop(index + 1));
            }
        }
        let taxed: Vec<TaxedLine<'_>> = (self.lines.iter())
            .map(|line| TaxedLine {
                cost: line.cost,
                discounted: line.cost,
                letters: &line.letters,
            })
            .collect();
        let (issued, received) = (
            self.moved(PawnDirection::Issued)?,
            self.moved(PawnDirection::Received)?,
        );
        Ok(PawnTotals {
            issued,
            received,
            owed: subtract(received, issued)?,
            taxes: taxes(table, &taxed)?,
        })
    }

    fn moved(&self, direction: PawnDirection) -> Result<Money, Error> {
        let lines = self.lines.iter().filter(|line| line.direction == direction);
        sum(lines.map(|line| line.cost))
    }
}
