//! Commands of the fiscal server (`/cmd`) and their answers (section "/cmd"), as JSON.
//!
//! A [`Request`] is a [`Command`] with who asks and until when; [`Request::to_json`] gives the bytes that are
//! posted, inside a CMS where [`Command::must_be_signed`]. Answers are never signed: [`Answered::from_json`]
//! reads them, in the mode `resultAsJson=true` with the refusal in them. Check and ZRep alone answer with a
//! signed document and have no type here.

mod answer;
mod json;
mod query;
mod time;
mod totals;

#[cfg(test)]
mod tests;

pub use answer::{
    DocumentAnswer, DocumentClass, DocumentEntry, DocumentInfo, Documents, LastShiftTotals, Minutes, Objects,
    Operator, Operators, RegisterState, RegisteredDevice, Schemas, SentDocument, SentPackage, ServerState,
    Shift, ShiftState, Shifts, TaxObject, UnitRegister,
};
pub use json::RawJson;
pub use query::{
    DeviceId, DeviceRegister, DocumentExtQuery, DocumentForm, DocumentNumber, DocumentQuery, DocumentsQuery,
    LocalNumberQuery, OfRegister, SendDocument, SendOflPackage, ShiftNumber, ShiftsQuery, SignedDocument,
    StateQuery, WhichShifts,
};
pub use time::ServerTime;
pub use totals::{Totals, TotalsCash, TotalsPayment, TotalsSide, TotalsTax};

use crate::code::{ErrorCode, Rejection};
use crate::ids::Uid;
use crate::xml::DOCUMENT_BYTES_MAX;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Largest answer that is read: the documents of a busy shift take about 300 bytes each, so that this is a
/// month of a supermarket.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why JSON could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More bytes than are read.
    #[error("the JSON has {bytes} bytes, more than {max}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is read.
        max: usize,
    },
    /// Not JSON, or not of the shape.
    #[error("the JSON cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// A command that is not described.
    #[error("the command {0:?} is not known")]
    UnknownCommand(String),
    /// Not exactly one of several.
    #[error("exactly one is needed: {0}")]
    Choice(&'static str),
}

/// A command as it is posted to `/cmd`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Names the request; the answer repeats it. Any text by the description.
    pub uid: Option<Uid>,
    /// Until when the command is worth doing.
    pub deadline: Option<Deadline>,
    /// What is asked.
    pub command: Command,
}

/// The server drops a command when its clock is past `timestamp` + `timeout_milliseconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// When it was asked.
    pub timestamp: ServerTime,
    /// For how long it holds.
    pub timeout_milliseconds: u64,
}

/// What is asked of the fiscal server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Is it there, and what time has it? Answered by [`ServerState`].
    ServerState,
    /// The schemas in force. Answered by [`Schemas`].
    Schemas,
    /// The economic units of the signer. Answered by [`Objects`].
    Objects,
    /// Who may use registers. Answered by [`Operators`].
    Operators,
    /// A register's state. Answered by [`RegisterState`].
    TransactionsRegistrarState(StateQuery),
    /// A receipt. Answered by a CMS of the server.
    Check(DocumentQuery),
    /// A receipt in a form of choice. Answered by [`DocumentAnswer`].
    CheckExt(DocumentExtQuery),
    /// A Z-report. Answered by a CMS of the server.
    ZRep(DocumentQuery),
    /// A Z-report in a form of choice. Answered by [`DocumentAnswer`].
    ZRepExt(DocumentExtQuery),
    /// Shifts. Answered by [`Shifts`].
    Shifts(ShiftsQuery),
    /// Documents of a shift. Answered by [`Documents`].
    Documents(DocumentsQuery),
    /// The last shift's totals. Answered by [`LastShiftTotals`].
    LastShiftTotals(OfRegister),
    /// What became of a local number. Answered by [`DocumentInfo`].
    DocumentInfoByLocalNum(LocalNumberQuery),
    /// A signed document. Answered by [`SentDocument`].
    SendDocument(SendDocument),
    /// An offline package. Answered by [`SentPackage`].
    SendOflPackage(SendOflPackage),
    /// Which device uses a register. Answered by [`RegisteredDevice`].
    DeviceRegister(DeviceRegister),
}

impl Command {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ServerState => "ServerState",
            Self::Schemas => "Schemas",
            Self::Objects => "Objects",
            Self::Operators => "Operators",
            Self::TransactionsRegistrarState(_) => "TransactionsRegistrarState",
            Self::Check(_) => "Check",
            Self::CheckExt(_) => "CheckExt",
            Self::ZRep(_) => "ZRep",
            Self::ZRepExt(_) => "ZRepExt",
            Self::Shifts(_) => "Shifts",
            Self::Documents(_) => "Documents",
            Self::LastShiftTotals(_) => "LastShiftTotals",
            Self::DocumentInfoByLocalNum(_) => "DocumentInfoByLocalNum",
            Self::SendDocument(_) => "SendDocument",
            Self::SendOflPackage(_) => "SendOflPackage",
            Self::DeviceRegister(_) => "DeviceRegister",
        }
    }

    /// Whether the server wants it signed (the table of section "/cmd"; a document that is sent is signed
    /// itself).
    #[must_use]
    pub const fn must_be_signed(&self) -> bool {
        !matches!(
            self,
            Self::ServerState | Self::Schemas | Self::Check(_) | Self::CheckExt(_) | Self::SendDocument(_)
        )
    }

    fn from_fields(name: &str, json: &[u8]) -> Result<Self, Error> {
        Ok(match name {
            "ServerState" => Self::ServerState,
            "Schemas" => Self::Schemas,
            "Objects" => Self::Objects,
            "Operators" => Self::Operators,
            "TransactionsRegistrarState" => Self::TransactionsRegistrarState(serde_json::from_slice(json)?),
            "Check" => Self::Check(serde_json::from_slice(json)?),
            "CheckExt" => Self::CheckExt(serde_json::from_slice(json)?),
            "ZRep" => Self::ZRep(serde_json::from_slice(json)?),
            "ZRepExt" => Self::ZRepExt(serde_json::from_slice(json)?),
            "Shifts" => Self::Shifts(serde_json::from_slice(json)?),
            "Documents" => Self::Documents(serde_json::from_slice(json)?),
            "LastShiftTotals" => Self::LastShiftTotals(serde_json::from_slice(json)?),
            "DocumentInfoByLocalNum" => Self::DocumentInfoByLocalNum(serde_json::from_slice(json)?),
            "SendDocument" => Self::SendDocument(serde_json::from_slice(json)?),
            "SendOflPackage" => Self::SendOflPackage(serde_json::from_slice(json)?),
            "DeviceRegister" => Self::DeviceRegister(serde_json::from_slice(json)?),
            other => return Err(Error::UnknownCommand(other.chars().take(64).collect())),
        })
    }
}

json::object! {
    /// What every request has besides its command's own fields.
    #[derive(Serialize, Deserialize)]
    struct Envelope {
        required "Command" => command: String,
        scalar "UID" => uid: Option<Uid>,
        scalar "Timestamp" => timestamp: Option<ServerTime>,
        scalar "Timeout" => timeout: Option<u64>,
    }
}

/// An envelope with the fields of its command.
#[derive(Serialize)]
struct Filled<'a, T> {
    #[serde(flatten)]
    envelope: Envelope,
    #[serde(flatten)]
    fields: &'a T,
}

/// No fields.
#[derive(Serialize)]
struct Nothing {}

impl Request {
    /// A request that is named and never expires.
    #[must_use]
    pub const fn new(uid: Uid, command: Command) -> Self {
        Self {
            uid: Some(uid),
            deadline: None,
            command,
        }
    }

    /// As JSON, UTF-8 without a mark.
    ///
    /// # Errors
    /// [`Error::Json`] never in practice: nothing here fails to be written.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        match &self.command {
            Command::ServerState | Command::Schemas | Command::Objects | Command::Operators => {
                self.fill(&Nothing {})
            }
            Command::TransactionsRegistrarState(query) => self.fill(query),
            Command::Check(query) | Command::ZRep(query) => self.fill(query),
            Command::CheckExt(query) | Command::ZRepExt(query) => self.fill(query),
            Command::Shifts(query) => self.fill(query),
            Command::Documents(query) => self.fill(query),
            Command::LastShiftTotals(query) => self.fill(query),
            Command::DocumentInfoByLocalNum(query) => self.fill(query),
            Command::SendDocument(document) => self.fill(document),
            Command::SendOflPackage(package) => self.fill(package),
            Command::DeviceRegister(device) => self.fill(device),
        }
    }

    fn fill<T: Serialize>(&self, fields: &T) -> Result<Vec<u8>, Error> {
        let envelope = Envelope {
            command: self.command.name().to_owned(),
            uid: self.uid.clone(),
            timestamp: self.deadline.map(|deadline| deadline.timestamp),
            timeout: self.deadline.map(|deadline| deadline.timeout_milliseconds),
        };
        Ok(serde_json::to_vec(&Filled { envelope, fields })?)
    }

    /// From JSON, as a stand-in server reads it: with or without a mark, unknown fields passed over, a
    /// deadline only when both its halves are there.
    ///
    /// # Errors
    /// [`Error`] when it is too large, not JSON, not a known command, or lacks what the command needs.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let json = bounded(json, DOCUMENT_BYTES_MAX)?;
        let envelope: Envelope = serde_json::from_slice(json)?;
        let deadline = envelope.timestamp.zip(envelope.timeout);
        Ok(Self {
            command: Command::from_fields(&envelope.command, json)?,
            uid: envelope.uid,
            deadline: deadline.map(|(timestamp, timeout_milliseconds)| Deadline {
                timestamp,
                timeout_milliseconds,
            }),
        })
    }
}

/// An answer in the mode `resultAsJson=true`, and any other that was answered with 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<T> {
    /// The request's name.
    pub uid: Option<String>,
    /// The server's time.
    pub timestamp: Option<ServerTime>,
    /// What was asked for, or why not. [`ErrorCode::NoContent`] is the twin of HTTP 204: there is nothing.
    pub result: Result<T, Rejection>,
}

json::object! {
    /// What every answer has besides its own fields.
    #[derive(Serialize, Deserialize)]
    struct AnswerEnvelope {
        scalar "UID" => uid: Option<String>,
        scalar "Timestamp" => timestamp: Option<ServerTime>,
        scalar "ErrorCode" => error_code: Option<ErrorCode>,
        scalar "ErrorMessage" => error_message: Option<String>,
    }
}

#[derive(Serialize)]
struct FilledAnswer<'a, T> {
    #[serde(flatten)]
    envelope: AnswerEnvelope,
    #[serde(flatten)]
    body: Option<&'a T>,
}

impl<T: DeserializeOwned> Answered<T> {
    /// From JSON.
    ///
    /// # Errors
    /// [`Error`] when it is too large, not JSON, or neither a refusal nor what was asked for.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let json = bounded(json, ANSWER_BYTES_MAX)?;
        let envelope: AnswerEnvelope = serde_json::from_slice(json)?;
        let result = match envelope.error_code {
            None | Some(ErrorCode::Ok) => Ok(serde_json::from_slice(json)?),
            Some(code) => Err(Rejection {
                code,
                text: envelope.error_message.unwrap_or_default(),
            }),
        };
        Ok(Self {
            uid: envelope.uid,
            timestamp: envelope.timestamp,
            result,
        })
    }
}

impl<T: Serialize> Answered<T> {
    /// As JSON in the mode `resultAsJson=true`.
    ///
    /// # Errors
    /// [`Error::Json`] never in practice.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let (code, message) = match &self.result {
            Ok(_) => (ErrorCode::Ok, None),
            Err(rejection) => (rejection.code, Some(rejection.text.clone())),
        };
        let envelope = AnswerEnvelope {
            uid: self.uid.clone(),
            timestamp: self.timestamp,
            error_code: Some(code),
            error_message: message,
        };
        Ok(serde_json::to_vec(&FilledAnswer {
            envelope,
            body: self.result.as_ref().ok(),
        })?)
    }
}

/// Reads any of this module's types from JSON that may begin with a byte order mark.
///
/// # Errors
/// [`Error`] when it is larger than [`ANSWER_BYTES_MAX`], not JSON, or not of the shape.
pub fn from_json<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    Ok(serde_json::from_slice(bounded(json, ANSWER_BYTES_MAX)?)?)
}

fn bounded(json: &[u8], max: usize) -> Result<&[u8], Error> {
    match json.len() {
        bytes if bytes > max => Err(Error::TooLarge { bytes, max }),
        _ => Ok(json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json)),
    }
}

impl json::Scalar for ErrorCode {
    fn read(value: &json::Value<'_>) -> Result<Self, crate::xml::Fault> {
        let text = String::read(value)?;
        let code = text
            .trim()
            .parse()
            .map_err(|_| crate::xml::Fault::Form("a number of an error"))?;
        Ok(Self::from_code(code))
    }

    fn write(&self) -> String {
        self.code().to_string()
    }
}
