//! Why a document could not be written or read: where in it, and what is wrong there.

use crate::amount::AmountError;
use std::fmt;

/// Why a document could not be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// One field is at fault; the path is of its elements in lower case with rows counted from one:
    /// `checkbody.row[3].name`.
    #[error("{path} {fault}")]
    Field {
        /// Where.
        path: String,
        /// Why.
        fault: Fault,
    },
    /// The document is larger than [`DOCUMENT_BYTES_MAX`](super::DOCUMENT_BYTES_MAX).
    #[error("the document has {bytes} bytes, more than {max}", max = super::DOCUMENT_BYTES_MAX)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Not declared as XML in windows-1251.
    #[error("the document does not declare itself XML 1.0 in windows-1251")]
    Declaration,
    /// Not well-formed.
    #[error("the document is not well-formed at byte {at}: {reason}")]
    Malformed {
        /// How far it was read.
        at: u64,
        /// What the parser said.
        reason: String,
    },
    /// Well-formed, but something that no document holds: a DTD, a processing instruction, an entity of its
    /// own.
    #[error("the document holds {what} at byte {at}")]
    Forbidden {
        /// How far it was read.
        at: u64,
        /// What it is.
        what: &'static str,
    },
    /// Its first element is none that was asked for.
    #[error("the document is a {found}")]
    Root {
        /// What it is.
        found: String,
    },
}

impl Error {
    /// The path of the field at fault, when it is one field's.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Field { path, .. } => Some(path),
            _ => None,
        }
    }

    /// What is wrong with the field, when it is one field's.
    #[must_use]
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Field { fault, .. } => Some(fault),
            _ => None,
        }
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It must be there and is not.
    #[error("is missing")]
    Missing,
    /// Another element stands in its place: unknown, repeated or out of the schema's order.
    #[error("has {found} where it has no place")]
    Unexpected {
        /// The element that stands there, its name cut at 64 characters.
        found: String,
    },
    /// It has no place in a document of this kind.
    #[error("has no place in {document}")]
    NotHere {
        /// The kind of document.
        document: &'static str,
    },
    /// Text stands between elements.
    #[error("has text between its elements")]
    Text,
    /// An attribute that the schema does not know, or `ROWNUM` missing or out of turn.
    #[error("has wrong attributes: {0}")]
    Attributes(&'static str),
    /// A character that windows-1251 does not have, or that XML does not allow.
    #[error("has the character {character:?} (U+{number:04X}), which windows-1251 does not carry", number = *character as u32)]
    Character {
        /// The character.
        character: char,
    },
    /// More characters than the schema allows.
    #[error("has more than {max} characters")]
    TooLong {
        /// What the schema allows.
        max: usize,
    },
    /// Nothing where something must be.
    #[error("is empty")]
    Empty,
    /// Not of the form that the schema asks for.
    #[error("is not {0}")]
    Form(&'static str),
    /// Zero where the schema wants a number above it.
    #[error("is not a number above zero")]
    NotPositive,
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] AmountError),
    /// More rows than `ROWNUM` can count.
    #[error("has more than {max} rows", max = super::ROWS_MAX)]
    TooManyRows,
}

/// The way from the root's children down to where we are.
#[derive(Debug, Default)]
pub(crate) struct Path {
    steps: Vec<(&'static str, Option<usize>)>,
}

impl Path {
    pub(crate) fn push(&mut self, element: &'static str) {
        self.steps.push((element, None));
    }

    pub(crate) fn push_row(&mut self, row: usize) {
        self.steps.push(("row", Some(row)));
    }

    pub(crate) fn pop(&mut self) {
        self.steps.pop();
    }

    /// The error of where we are.
    pub(crate) fn error(&self, fault: Fault) -> Error {
        Error::Field {
            path: self.to_string(),
            fault,
        }
    }

    /// The error of a grandchild of where we are; of the child itself where the grandchild has no name.
    pub(crate) fn error_at(&mut self, section: &'static str, element: &'static str, fault: Fault) -> Error {
        if element.is_empty() {
            return self.error_in(section, fault);
        }
        self.push(section);
        let error = self.error_in(element, fault);
        self.pop();
        error
    }

    /// The error of a child of where we are.
    pub(crate) fn error_in(&self, element: &'static str, fault: Fault) -> Error {
        let element = element.to_lowercase();
        let path = if self.steps.is_empty() {
            element
        } else {
            format!("{self}.{element}")
        };
        Error::Field { path, fault }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return out.write_str("document");
        }
        for (place, (element, row)) in self.steps.iter().enumerate() {
            if place > 0 {
                out.write_str(".")?;
            }
            out.write_str(&element.to_lowercase())?;
            if let Some(row) = row {
                write!(out, "[{row}]")?;
            }
        }
        Ok(())
    }
}
