//! The Ukrainian fiscal server's documents, numbers and commands, as plain data and pure functions.
//!
//! Nothing here does I/O or knows a clock: a caller brings the moment, the number and the signature.

pub mod amount;
pub mod document;
pub mod ids;
pub mod moment;
mod xml;

pub use amount::{AmountError, Money, Price, Quantity};
pub use document::{Document, Head, Kind, Received};
pub use ids::{CashDeskNumber, DocumentHash, FiscalNumber, LocalNumber, RegisterNumber, Uid};
pub use moment::LocalMoment;
pub use xml::{Course, DOCUMENT_BYTES_MAX, Error, Fault, ROWS_MAX, TaxLetter, TaxLetters};
