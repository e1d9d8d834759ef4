//! The Ukrainian fiscal server's documents, numbers and commands, as plain data and pure functions.
//!
//! Nothing here does I/O or knows a clock: a caller brings the moment, the number and the signature.

pub mod amount;
pub mod arithmetic;
pub mod code;
pub mod document;
pub mod ids;
pub mod link;
pub mod moment;
pub mod numbers;
pub mod offline;
pub mod testing;
pub mod ticket;
pub mod view;
mod xml;

pub use amount::{AmountError, Money, Percent, Price, Quantity};
pub use code::{DocumentResult, ErrorCode, Rejection, Remedy};
pub use document::{Document, Head, Kind, Received};
pub use ids::{
    CashDeskNumber, DocumentHash, FiscalNumber, LocalNumber, OfflineSeed, OfflineSession, OfflineSessionId,
    RegisterNumber, Uid,
};
pub use link::{LinkTime, VerificationLink};
pub use moment::LocalMoment;
pub use ticket::{Ticket, Verdict};
pub use xml::{Course, DOCUMENT_BYTES_MAX, Error, Fault, ROWS_MAX, TaxLetter, TaxLetters};
