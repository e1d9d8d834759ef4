//! The tax service's XML: windows-1251, elements in the schema's order, every limit checked and every refusal
//! with its path.
//!
//! A section of a document is described once, by `section!`, and written and read from that description.
//! Reading follows the description from element to element, so that it can neither recurse deeper than the
//! schema nor gather what the schema does not know; its memory is bounded by [`DOCUMENT_BYTES_MAX`].

mod error;
mod facet;
mod read;
#[cfg(test)]
mod refusals;
mod section;
mod write;

pub use error::{Error, Fault};
pub(crate) use facet::{
    Amount, AnyText, Boolean, Date, DateTime, Dkpp, Facet, Hash, IdentityText, Ipn, Natural, Number, Numeral,
    Positive, Sum, Text, Time, Tin, Uktzed, Unit, Whole, codes,
};
pub use facet::{Course, TaxLetter, TaxLetters};
pub(crate) use read::{Cursor, Dialect, decode};
pub(crate) use section::{Choice, Fields, section};
pub(crate) use write::Writer;

/// Largest document that is written or read: what the server was measured to take. Its description says 200
/// KB, which a package is held to as well.
pub const DOCUMENT_BYTES_MAX: usize = 512_000;

/// Most rows of one table: the schema's bound of `ROWNUM`.
pub const ROWS_MAX: usize = 999_999;
