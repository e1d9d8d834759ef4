//! The tax service's fiscal server: documents and commands.

use fiscal::{FiscalNumber, LocalNumber, OfflineSession, RegisterNumber, Rejection, Uid};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// A signed document for `/doc`.
#[derive(Clone, Debug)]
pub struct TaxDocument {
    /// Of which register: for logs.
    pub register: RegisterNumber,
    /// Its identifier: the ticket must name it.
    pub uid: Uid,
    /// Its local number: the ticket must name it.
    pub local_number: LocalNumber,
    /// The CMS, DER, not compressed.
    pub cms: Arc<[u8]>,
    /// How long the server may take.
    pub deadline: Duration,
}

/// What the fiscal server said of a document.
///
/// The difference between [`Posted::NotSent`] and [`Posted::Unknown`] is the implementer's to keep: the former means that no octet of
/// the request was written, so that the document cannot have been registered. Redirects are not followed, and nothing is retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// The server has it: a ticket inside a CMS of the server whose signature holds, that names this document, with a number and no error
    /// (rule 18; [`fiscal::Ticket::check`]).
    Registered {
        /// Its fiscal number.
        fiscal_number: FiscalNumber,
        /// With an opened shift: what the register needs in order to go offline.
        offline_session: Option<OfflineSession>,
        /// The ticket's CMS as it came, to be kept.
        ticket: Vec<u8>,
    },
    /// Refused: in words (HTTP 400 with `Код помилки: <n> <Symbol>`), or by a ticket of this document. Its number is free.
    Rejected(Rejection),
    /// It was not sent: no connection, or none in time.
    NotSent(String),
    /// It was sent, and there is no answer that can be believed: a timeout, a broken connection, a status without a refusal, a ticket that
    /// cannot be read, whose signature does not hold, or that is of another document.
    Unknown(String),
}

/// A command for `/cmd?resultAsJson=true`.
#[derive(Clone, Debug)]
pub struct TaxCommand {
    /// Its name, for logs and metrics.
    pub name: &'static str,
    /// Of which register, for logs; none for what concerns none (the list of registers).
    pub register: Option<RegisterNumber>,
    /// The CMS around the JSON, or the bare JSON.
    pub body: Arc<[u8]>,
    /// Whether the body is a CMS (`application/octet-stream`) or JSON.
    pub is_signed: bool,
    /// How long the server may take.
    pub deadline: Duration,
}

/// What the fiscal server said to a command. Commands change nothing, so that an answer that is lost is asked for again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// JSON, of HTTP 200: what was asked for or a refusal.
    Answer(Vec<u8>),
    /// HTTP 204: there is nothing.
    Nothing,
    /// Refused in words.
    Rejected(Rejection),
    /// No answer in time, or none that can be read.
    Unreachable(String),
}

/// A signed package of offline documents for `/pck`.
#[derive(Clone, Debug)]
pub struct TaxPackage {
    /// Of which register: for logs.
    pub register: RegisterNumber,
    /// The CMS, DER, not compressed.
    pub cms: Arc<[u8]>,
    /// How long the server may take.
    pub deadline: Duration,
}

/// What came of a package of offline documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// The server has all of it; with the end of an offline session, the next one.
    Accepted(Option<OfflineSession>),
    /// Refused.
    Rejected(Rejection),
    /// It was not sent.
    NotSent(String),
    /// It may have been accepted.
    Unknown(String),
}

/// The fiscal server of the tax service.
pub trait TaxService: Send + Sync + 'static {
    /// Posts a document. Never repeats it by itself.
    fn post(&self, document: TaxDocument) -> BoxFuture<'_, Posted>;
    /// Posts a package. Never repeats it by itself; the difference between [`Packed::NotSent`] and [`Packed::Unknown`] is as for documents.
    fn package(&self, package: TaxPackage) -> BoxFuture<'_, Packed>;
    /// Asks.
    fn ask(&self, command: TaxCommand) -> BoxFuture<'_, Asked>;
}
