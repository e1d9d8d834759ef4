//! The Ukrainian fiscal server's documents, numbers and commands, as plain data and pure functions.
//!
//! Nothing here does I/O or knows a clock: a caller brings the moment, the number and the signature.

pub mod amount;
pub mod arithmetic;
pub mod numbers;
pub mod offline;

pub use amount::{AmountError, Money, Percent, Price, Quantity};
