//! Refusals: a code, a text in Ukrainian, and the document that they are about where one could be read.

use fiscal::{Document, ErrorCode, LocalMoment, LocalNumber, Rejection, Ticket, Uid};

/// Why nothing was accepted or answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Code and text.
    pub rejection: Rejection,
    /// What a ticket would say of the document; none when it could not be read.
    pub document: Option<TicketHead>,
}

impl Refusal {
    /// The ticket that refuses; none when the document could not be read.
    pub fn ticket(&self) -> Option<Ticket> {
        let head = self.document.clone()?;
        let Rejection { code, text } = self.rejection.clone();
        Some(Ticket::rejected(
            head.uid,
            head.issued,
            head.local_number,
            code,
            text,
        ))
    }
}

/// What a ticket repeats of its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketHead {
    /// The document's identifier.
    pub uid: Uid,
    /// When it was issued.
    pub issued: LocalMoment,
    /// Its local number.
    pub local_number: LocalNumber,
}

impl TicketHead {
    /// Of a document.
    pub fn of(document: &Document) -> Self {
        Self {
            uid: document.head.uid.clone(),
            issued: document.head.issued,
            local_number: document.head.local_number,
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self {
            rejection,
            document: None,
        }
    }
}

/// A refusal of this code.
pub(super) fn refuse(code: ErrorCode, text: impl Into<String>) -> Rejection {
    Rejection {
        code,
        text: text.into(),
    }
}

/// A refusal of a document as such (code 9).
pub(super) fn invalid(text: impl Into<String>) -> Rejection {
    refuse(ErrorCode::DocumentValidationError, text)
}
