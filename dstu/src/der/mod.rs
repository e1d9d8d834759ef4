//! Reading and writing DER: range-preserving, because signatures are over octets as they were received.

pub mod oid;
mod reader;
pub(crate) mod time;
pub(crate) mod writer;

pub use reader::{Element, Reader};

/// Tags, with the constructed bit where the type has it.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
    pub(crate) const UTF8_STRING: u8 = 0x0C;
    pub(crate) const PRINTABLE_STRING: u8 = 0x13;
    pub(crate) const TELETEX_STRING: u8 = 0x14;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const BMP_STRING: u8 = 0x1E;
    pub(crate) const SEQUENCE: u8 = 0x30;
    pub(crate) const SET: u8 = 0x31;

    /// `[number]`, primitive.
    pub(crate) const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// `[number]`, constructed.
    pub(crate) const fn context_constructed(number: u8) -> u8 {
        0xA0 | number
    }
}

/// Why octets are not the expected structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An element ends beyond the data.
    #[error("the data end inside an element")]
    Truncated,
    /// An indefinite length, a length of more than four octets, or a tag of more than one octet.
    #[error("the element's form is not supported: indefinite or huge length, or a long tag")]
    Form,
    /// Another element was expected.
    #[error("expected an element with tag {expected:#04x}, found {found:#04x}")]
    Tag {
        /// The tag that the structure asks for.
        expected: u8,
        /// The tag that stands there.
        found: u8,
    },
    /// Something follows the last element.
    #[error("data follow the last element")]
    Trailing,
    /// An element's content is not a value of its type.
    #[error("an element's content is not a value of its type")]
    Value,
}
