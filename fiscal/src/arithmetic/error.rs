//! Why the figures of a receipt are refused.

use super::{LINES_MAX, Letter, PAYMENTS_MAX, TAXES_MAX};
use crate::{AmountError, Money};

/// Why figures are refused. Lines and rows count from one, as ROWNUM does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A sum leaves the bounds of an amount.
    #[error("a sum {0}")]
    Amount(#[from] AmountError),
    /// More lines than [`LINES_MAX`].
    #[error("{0} lines are more than {LINES_MAX}")]
    TooManyLines(usize),
    /// More payments than [`PAYMENTS_MAX`].
    #[error("{0} payments are more than {PAYMENTS_MAX}")]
    TooManyPayments(usize),
    /// A receipt of goods with no line.
    #[error("there is no line")]
    NoLines,
    /// A line gives neither its cost nor a price to compute it from.
    #[error("line {0} has neither a cost nor a price")]
    CostUnknown(usize),
    /// A line's price, quantity or cost is less than nothing.
    #[error("line {0} is negative")]
    NegativeLine(usize),
    /// A discount is negative (the page knows no rule for a surcharge), or a percentage is above a hundred.
    #[error("a discount of {0} is not one")]
    NotADiscount(String),
    /// A discount is larger than what it is taken from.
    #[error("a discount of {discount} is larger than {from}")]
    DiscountTooLarge {
        /// The discount that was asked.
        discount: Money,
        /// What it would be taken from.
        from: Money,
    },
    /// No character that a tax is marked with.
    #[error("{0:?} is no letter of a tax")]
    NotALetter(char),
    /// More taxes than [`TAXES_MAX`].
    #[error("{0} taxes are more than {TAXES_MAX}")]
    TooManyTaxes(usize),
    /// Two taxes have one letter.
    #[error("two taxes have the letter {0}")]
    LetterTwice(Letter),
    /// A rate is below nothing or above a hundred per cent.
    #[error("the rate of the tax {0} is out of bounds")]
    RateOutOfBounds(Letter),
    /// A line has a letter that the taxpayer's table does not know.
    #[error("line {line} has the tax {letter}, which is not registered")]
    UnknownLetter {
        /// The line.
        line: usize,
        /// Its letter.
        letter: Letter,
    },
    /// The taxes of a line do not go together: at most one VAT and one excise, any other tax alone.
    #[error("the taxes of line {0} do not go together")]
    TaxesConflict(usize),
    /// A pawnshop's line has a tax that is not included in its sum; no source says which way it would move.
    #[error("line {0} of a pawnshop has a tax outside its sum")]
    ExcludedTaxInPawnshop(usize),
    /// A step of rounding that is not above nothing, or a minimum that is no multiple of it.
    #[error("cash cannot be rounded by steps of {step} from {minimum}")]
    RoundingStep {
        /// The step.
        step: Money,
        /// The least sum in cash.
        minimum: Money,
    },
    /// A payment of the wrong sign, or cash among what is not.
    #[error("payment {0} is not one")]
    NotAPayment(usize),
    /// More is paid than is owed, by means that give no change.
    #[error("{paid} is paid without cash, of {due}")]
    Overpaid {
        /// What is owed.
        due: Money,
        /// What was paid without cash.
        paid: Money,
    },
    /// Less cash is handed over than is to be paid.
    #[error("{provided} is handed over, of {due}")]
    CashTooLittle {
        /// What is to be paid in cash, rounded.
        due: Money,
        /// What was handed over.
        provided: Money,
    },
    /// Σ COST − discounts + taxes outside the price − RNDSUM is not SUM.
    #[error("the sum is {expected}, not {given}")]
    SumMismatch {
        /// What the parts add up to.
        expected: Money,
        /// What was stated.
        given: Money,
    },
    /// NORNDSUM is not the sum before rounding.
    #[error("the sum before rounding is {expected}, not {given}")]
    UnroundedMismatch {
        /// What the parts add up to.
        expected: Money,
        /// What was stated.
        given: Money,
    },
    /// The rounding is not what the rule makes of the part that is paid in cash.
    #[error("the rounding is {expected}, not {given}")]
    RoundingMismatch {
        /// RNDSUM by the rule.
        expected: Money,
        /// RNDSUM as stated.
        given: Money,
    },
    /// Σ PAY is not the sum that is to be paid.
    #[error("the payments are {given} of {expected}")]
    PaymentsMismatch {
        /// What is to be paid.
        expected: Money,
        /// What the payments add up to.
        given: Money,
    },
    /// PROVIDED − SUM of a payment is not REMAINS.
    #[error("the change of payment {row} is {expected}, not {given}")]
    ChangeMismatch {
        /// The payment.
        row: usize,
        /// What was handed over less what was paid.
        expected: Money,
        /// What was stated.
        given: Money,
    },
    /// A withdrawal of nothing or less, or with a commission below nothing.
    #[error("a withdrawal of {sum} with a commission of {commission} is not one")]
    NotAWithdrawal {
        /// What is handed out.
        sum: Money,
        /// What is taken for it.
        commission: Money,
    },
}
