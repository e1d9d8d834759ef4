//! The Ukrainian fiscal server's documents, numbers and commands, as plain data and pure functions.
//!
//! Nothing here does I/O or knows a clock: a caller brings the moment, the number and the signature.
//!
//! ```
//! use fiscal::document::{Payment, Receipt, Register, Row, Seller, Total};
//! use fiscal::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let seller = Seller { tax_number: "34554363".into(), vat_number: None, organisation: "ТОВ
//! \"Приклад\"".into(), point: "Крамниця".into(), address: Some("м. Київ".into()), }; let register = Register
//! { cash_desk: CashDeskNumber::new(6)?, number: RegisterNumber::new(4_000_000_202)? }; let issued =
//! LocalMoment::from_parts("05022026", "090807")?; let uid =
//! Uid::new("F32EE0EF-F8EE-46BD-9943-881AF3F982F5")?; let head = Head::new(uid.clone(), seller, register,
//! issued, LocalNumber::new(1838)?);
//!
//! let sum: Money = "12.50".parse()?;
//! let receipt = Receipt {
//!     total: Some(Total::of(sum)),
//!     payments: vec![Payment::cash(sum)],
//!     rows: vec![Row { name: Some("Сир".into()), cost: Some(sum), ..Row::default() }],
//!     ..Receipt::default()
//! };
//! let mut document = Document { head, kind: Kind::sale(receipt) };
//! let xml: Vec<u8> = document.to_xml()?; // windows-1251: to be signed, and posted to /doc
//! assert_eq!(Document::from_xml(&xml)?, document);
//!
//! // The server answers with a ticket, inside the CMS that it signs.
//! let number = FiscalNumber::new("3408730318")?;
//! let ticket = Ticket::registered(uid.clone(), issued, LocalNumber::new(1838)?, number.clone(), None);
//! let answer = Ticket::from_xml(&ticket.to_xml()?)?;
//! assert_eq!(
//!     answer.check(&uid, LocalNumber::new(1838)?),
//!     Verdict::Registered { fiscal_number: number, offline_session: None },
//! );
//!
//! // What cannot be carried is refused by its path, before anything is signed.
//! if let Kind::Sale { receipt, .. } = &mut document.kind {
//!     receipt.rows[0].name = Some("Сир 🧀".into());
//! }
//! assert_eq!(document.to_xml().unwrap_err().path(), Some("checkbody.row[1].name"));
//! # Ok(())
//! # }
//! ```

pub mod amount;
pub mod arithmetic;
pub mod code;
pub mod command;
pub mod document;
#[cfg(feature = "generate")]
pub mod generate;
pub mod ids;
pub mod link;
pub mod moment;
pub mod numbers;
pub mod offline;
pub mod test_shift;
pub mod ticket;
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
