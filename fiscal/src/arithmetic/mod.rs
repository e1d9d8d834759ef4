//! What a receipt comes to: lines, discounts, taxes, the rounding of cash, payments, and the totals of a shift.
//!
//! The way of a receipt: [`Receipt::totals`] gives the sum that is owed, line by line and tax by tax; [`settle`] rounds what is paid in
//! cash and gives the payments; [`Stated::check`] refuses figures that came from elsewhere and do not add up; [`ShiftTotals`] adds what
//! was accepted, for the X and the Z report. A pawnshop's receipt begins with [`PawnReceipt::totals`], a withdrawal is a [`Withdrawal`].
//!
//! The tax service recomputes totals and refuses what differs (error 9 of its API), so nothing here is approximate: every sum is whole
//! kopecks, and what is divided is divided so that the parts add up to the whole.

mod check;
mod discount;
mod error;
mod pawnshop;
mod payment;
mod portion;
mod receipt;
mod rounding;
mod shift;
mod tax;
mod withdrawal;

pub use check::Stated;
pub use discount::Discount;
pub use error::Error;
pub use pawnshop::{PawnDirection, PawnLine, PawnReceipt, PawnTotals};
pub use payment::{Cash, Payment, PaymentForm, Settlement, settle};
pub use receipt::{Line, LineTotals, Receipt, ReceiptTotals};
pub use rounding::CashRounding;
pub use shift::{
    Entry, Figures, PAYMENT_ROWS_MAX, PaymentTotal, Report, Section, SectionRounding, ShiftError,
    ShiftTotals, TAX_ROWS_MAX, TaxTotal, Withdrawals,
};
pub use tax::{Letter, TAXES_MAX, Tax, TaxKind, TaxRow, TaxTable};
pub use withdrawal::Withdrawal;

/// The most lines of one receipt: ROWNUM allows 999,999, but a document has 200 KB, and a line takes at least 100 bytes of it.
pub const LINES_MAX: usize = 2_000;

/// The most payments of one receipt: the official sample of payment means has five.
pub const PAYMENTS_MAX: usize = 16;
