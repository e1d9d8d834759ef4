//! What commands ask with.

use super::Error;
use super::json::{object, quote, symbols};
use super::time::ServerTime;
use crate::command::json::{Scalar, Value};
use crate::ids::{FiscalNumber, LocalNumber, OfflineSeed, OfflineSessionId, RegisterNumber};
use crate::xml::{Fault, codes};
use serde::{Deserialize, Serialize};

object! {
    /// Of one register (LastShiftTotals).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct OfRegister {
        /// The register.
        required "NumFiscal" => register: RegisterNumber,
    }
}

object! {
    /// A register's state (TransactionsRegistrarState).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct StateQuery {
        /// The register.
        required "NumFiscal" => register: RegisterNumber,
        /// Our offline session, when we come back from it: lets the server roll back its end.
        scalar "OfflineSessionId" => offline_session_id: Option<OfflineSessionId>,
        /// Its secret number.
        scalar "OfflineSeed" => offline_seed: Option<OfflineSeed>,
        /// Whether to tell of the economic unit, too.
        scalar "IncludeTaxObject" => include_tax_object: bool,
    }
}

/// Which document is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentNumber {
    /// By its fiscal number.
    Fiscal(FiscalNumber),
    /// By its local number.
    Local(LocalNumber),
}

/// A document, signed by the server (Check, ZRep).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DocumentQueryWire", into = "DocumentQueryWire")]
pub struct DocumentQuery {
    /// The register.
    pub register: RegisterNumber,
    /// Which document.
    pub number: DocumentNumber,
    /// As the register sent it, not as the server filled it.
    pub original: bool,
    /// With a timestamp.
    pub set_timestamp: bool,
}

object! {
    #[derive(Clone, Serialize, Deserialize)]
    struct DocumentQueryWire {
        required "RegistrarNumFiscal" => register: RegisterNumber,
        scalar "NumFiscal" => fiscal: Option<FiscalNumber>,
        scalar "NumLocal" => local: Option<LocalNumber>,
        scalar "Original" => original: bool,
        scalar "SetTimestamp" => set_timestamp: bool,
    }
}

/// A document in a form of choice (CheckExt, ZRepExt).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DocumentExtQueryWire", into = "DocumentExtQueryWire")]
pub struct DocumentExtQuery {
    /// The register.
    pub register: RegisterNumber,
    /// Which document.
    pub number: DocumentNumber,
    /// In which form.
    pub form: DocumentForm,
    /// With a timestamp.
    pub set_timestamp: bool,
    /// With the link under which the buyer finds it; not for Z-reports.
    pub acquire_cabinet_url: bool,
}

object! {
    #[derive(Clone, Serialize, Deserialize)]
    struct DocumentExtQueryWire {
        required "RegistrarNumFiscal" => register: RegisterNumber,
        scalar "NumFiscal" => fiscal: Option<FiscalNumber>,
        scalar "NumLocal" => local: Option<LocalNumber>,
        required "Type" => form: DocumentForm,
        scalar "SetTimestamp" => set_timestamp: bool,
        scalar "AcquireCabinetUrl" => acquire_cabinet_url: bool,
    }
}

codes! {
    /// In which form a document is given (`DocumentRequestType`).
    pub enum DocumentForm: "a known form of a document" {
        /// Only whether it is there.
        Availability = 0,
        /// The XML as it was sent.
        OriginalXml = 1,
        /// Signed by the server.
        SignedByServerXml = 2,
        /// As text for people, UTF-8.
        Visualization = 3,
        /// Signed by who sent it.
        SignedBySenderXml = 4,
        /// Signed by both.
        SignedBySenderAndServerXml = 5,
    }
}
symbols!(DocumentForm, number, {
    Availability = "Availability",
    OriginalXml = "OriginalXml",
    SignedByServerXml = "SignedByServerXml",
    Visualization = "Visualization",
    SignedBySenderXml = "SignedBySenderXml",
    SignedBySenderAndServerXml = "SignedBySenderAndServerXml",
});

fn one_number(fiscal: Option<FiscalNumber>, local: Option<LocalNumber>) -> Result<DocumentNumber, Error> {
    match (fiscal, local) {
        (Some(number), None) => Ok(DocumentNumber::Fiscal(number)),
        (None, Some(number)) => Ok(DocumentNumber::Local(number)),
        _ => Err(Error::Choice("NumFiscal or NumLocal")),
    }
}

impl DocumentNumber {
    fn split(self) -> (Option<FiscalNumber>, Option<LocalNumber>) {
        match self {
            Self::Fiscal(number) => (Some(number), None),
            Self::Local(number) => (None, Some(number)),
        }
    }
}

impl TryFrom<DocumentQueryWire> for DocumentQuery {
    type Error = Error;

    fn try_from(wire: DocumentQueryWire) -> Result<Self, Error> {
        Ok(Self {
            register: wire.register,
            number: one_number(wire.fiscal, wire.local)?,
            original: wire.original,
            set_timestamp: wire.set_timestamp,
        })
    }
}

impl From<DocumentQuery> for DocumentQueryWire {
    fn from(query: DocumentQuery) -> Self {
        let (fiscal, local) = query.number.split();
        Self {
            register: query.register,
            fiscal,
            local,
            original: query.original,
            set_timestamp: query.set_timestamp,
        }
    }
}

impl TryFrom<DocumentExtQueryWire> for DocumentExtQuery {
    type Error = Error;

    fn try_from(wire: DocumentExtQueryWire) -> Result<Self, Error> {
        Ok(Self {
            register: wire.register,
            number: one_number(wire.fiscal, wire.local)?,
            form: wire.form,
            set_timestamp: wire.set_timestamp,
            acquire_cabinet_url: wire.acquire_cabinet_url,
        })
    }
}

impl From<DocumentExtQuery> for DocumentExtQueryWire {
    fn from(query: DocumentExtQuery) -> Self {
        let (fiscal, local) = query.number.split();
        Self {
            register: query.register,
            fiscal,
            local,
            form: query.form,
            set_timestamp: query.set_timestamp,
            acquire_cabinet_url: query.acquire_cabinet_url,
        }
    }
}

/// Which shifts (Shifts).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ShiftsQueryWire", into = "ShiftsQueryWire")]
pub struct ShiftsQuery {
    /// The register.
    pub register: RegisterNumber,
    /// Which.
    pub which: WhichShifts,
}

/// Which shifts are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhichShifts {
    /// Those of a time.
    Between {
        /// From here.
        from: ServerTime,
        /// To here.
        to: ServerTime,
    },
    /// This one.
    One(u64),
}

object! {
    #[derive(Clone, Serialize, Deserialize)]
    struct ShiftsQueryWire {
        required "NumFiscal" => register: RegisterNumber,
        scalar "From" => from: Option<ServerTime>,
        scalar "To" => to: Option<ServerTime>,
        scalar "ShiftId" => shift_id: Option<u64>,
    }
}

impl TryFrom<ShiftsQueryWire> for ShiftsQuery {
    type Error = Error;

    fn try_from(wire: ShiftsQueryWire) -> Result<Self, Error> {
        let which = match (wire.from, wire.to, wire.shift_id) {
            (Some(from), Some(to), None) => WhichShifts::Between { from, to },
            (None, None, Some(shift_id)) => WhichShifts::One(shift_id),
            _ => return Err(Error::Choice("From with To, or ShiftId")),
        };
        Ok(Self {
            register: wire.register,
            which,
        })
    }
}

impl From<ShiftsQuery> for ShiftsQueryWire {
    fn from(query: ShiftsQuery) -> Self {
        let (from, to, shift_id) = match query.which {
            WhichShifts::Between { from, to } => (Some(from), Some(to), None),
            WhichShifts::One(shift_id) => (None, None, Some(shift_id)),
        };
        Self {
            register: query.register,
            from,
            to,
            shift_id,
        }
    }
}

/// The documents of a shift (Documents).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "DocumentsQueryWire", into = "DocumentsQueryWire")]
pub struct DocumentsQuery {
    /// The register.
    pub register: RegisterNumber,
    /// Which shift.
    pub shift: ShiftNumber,
}

/// Which shift is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShiftNumber {
    /// By its id.
    Id(u64),
    /// By the fiscal number of its opening.
    OpenedBy(FiscalNumber),
}

object! {
    #[derive(Clone, Serialize, Deserialize)]
    struct DocumentsQueryWire {
        required "NumFiscal" => register: RegisterNumber,
        scalar "ShiftId" => shift_id: Option<u64>,
        scalar "OpenShiftFiscalNum" => opened_by: Option<FiscalNumber>,
    }
}

impl TryFrom<DocumentsQueryWire> for DocumentsQuery {
    type Error = Error;

    fn try_from(wire: DocumentsQueryWire) -> Result<Self, Error> {
        let shift = match (wire.shift_id, wire.opened_by) {
            (Some(id), None) => ShiftNumber::Id(id),
            (None, Some(number)) => ShiftNumber::OpenedBy(number),
            _ => return Err(Error::Choice("ShiftId or OpenShiftFiscalNum")),
        };
        Ok(Self {
            register: wire.register,
            shift,
        })
    }
}

impl From<DocumentsQuery> for DocumentsQueryWire {
    fn from(query: DocumentsQuery) -> Self {
        let (shift_id, opened_by) = match query.shift {
            ShiftNumber::Id(id) => (Some(id), None),
            ShiftNumber::OpenedBy(number) => (None, Some(number)),
        };
        Self {
            register: query.register,
            shift_id,
            opened_by,
        }
    }
}

object! {
    /// What became of a local number (DocumentInfoByLocalNum).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct LocalNumberQuery {
        /// The register.
        required "NumFiscal" => register: RegisterNumber,
        /// The number.
        required "NumLocal" => local_number: LocalNumber,
    }
}

object! {
    /// A signed document (SendDocument).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct SendDocument {
        /// The CMS.
        required "Document" => document: Vec<u8>,
    }
}

/// Signed documents of an offline session (SendOflPackage), in the order of their local numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendOflPackage {
    /// The CMS of each.
    #[serde(rename = "Documents")]
    pub documents: Vec<SignedDocument>,
}

/// One signed document, base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignedDocument(#[serde(with = "crate::command::json::scalar")] pub Vec<u8>);

object! {
    /// Which device uses a register (DeviceRegister).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DeviceRegister {
        /// The register.
        required "NumFiscal" => register: RegisterNumber,
        /// The device.
        required "DeviceId" => device: DeviceId,
        /// Take the register over from another device.
        scalar "Forced" => forced: bool,
    }
}

/// A device: 64 hexadecimal digits, say SHA-256 of something that only it has.
#[derive(Clone, Debug, Eq)]
pub struct DeviceId(String);

impl DeviceId {
    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Fault::Form`] for anything else.
    pub fn new(text: impl Into<String>) -> Result<Self, Fault> {
        let text = text.into();
        if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Self(text))
        } else {
            Err(Fault::Form("64 hexadecimal digits"))
        }
    }

    /// From a hash.
    #[must_use]
    pub fn from_hash(hash: [u8; 32]) -> Self {
        Self(crate::ids::DocumentHash(hash).to_string())
    }

    /// Its digits, as they were given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The case of its digits says nothing.
impl PartialEq for DeviceId {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Scalar for DeviceId {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        Self::new(String::read(value)?)
    }

    fn write(&self) -> String {
        quote(&self.0)
    }
}
