//! What the server answers. Fields that it adds are passed over, fields that it leaves out are absent,
//! numbers may be texts.

use super::json::{Scalar, Value, numbers, object, symbols};
use super::query::DeviceId;
use super::time::ServerTime;
use super::totals::Totals;
use crate::code::DocumentResult;
use crate::document::{DocumentSubtype, DocumentType, Seller};
use crate::ids::{
    CashDeskNumber, FiscalNumber, LocalNumber, OfflineSeed, OfflineSession, OfflineSessionId, RegisterNumber,
};
use crate::xml::{Fault, codes};
use serde::{Deserialize, Serialize};

object! {
    /// That the server is there (ServerState); its time is in [`Answered`](super::Answered).
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct ServerState {}
}

object! {
    /// The schemas in force (Schemas).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Schemas {
        /// Of CHECK.
        required "XsdSchemaCheck" => check: Vec<u8>,
        /// Of ZREP.
        required "XsdSchemaZRep" => z_report: Vec<u8>,
    }
}

object! {
    /// The economic units that the signer may see (Objects).
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Objects {
        /// They.
        nested "TaxObjects" => units: Vec<TaxObject>,
    }
}

object! {
    /// An economic unit: a shop.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct TaxObject {
        /// The owner's number at the tax service.
        scalar "Entity" => entity: u64,
        /// The unit's identifier.
        scalar "TaxObjGuid" => guid: String,
        /// Its number.
        scalar "TaxObjId" => id: u64,
        /// Whether its owner pays the single tax.
        scalar "SingleTax" => single_tax: bool,
        /// Its name (`POINTNM`).
        scalar "Name" => name: String,
        /// Its address (`POINTADDR`).
        scalar "Address" => address: Option<String>,
        /// Its owner's taxpayer's code (`TIN`).
        scalar "Tin" => tax_number: String,
        /// Its owner's number as a payer of VAT (`IPN`).
        scalar "Ipn" => vat_number: Option<String>,
        /// Its owner's name (`ORGNM`).
        scalar "OrgName" => organisation: String,
        /// Whether the signer is a senior cashier here.
        scalar "ChiefCashier" => chief_cashier: bool,
        /// Its registers.
        nested "TransactionsRegistrars" => registers: Vec<UnitRegister>,
    }
}

impl TaxObject {
    /// What documents of this unit must say of the seller.
    #[must_use]
    pub fn seller(&self) -> Seller {
        Seller {
            tax_number: self.tax_number.clone(),
            vat_number: self.vat_number.clone(),
            organisation: self.organisation.clone(),
            point: self.name.clone(),
            address: self.address.clone(),
        }
    }
}

object! {
    /// A register of a unit.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct UnitRegister {
        /// Its number at the tax service.
        required "NumFiscal" => number: RegisterNumber,
        /// Its number at its owner.
        required "NumLocal" => cash_desk: CashDeskNumber,
        /// Its name.
        scalar "Name" => name: String,
        /// Whether it is closed for good.
        scalar "Closed" => closed: bool,
    }
}

object! {
    /// Who may use registers (Operators).
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Operators {
        /// Whose registers.
        scalar "Tin" => tax_number: String,
        /// They.
        nested "Operators" => operators: Vec<Operator>,
    }
}

object! {
    /// One who may use registers.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Operator {
        /// The key's identifier, from the certificate.
        scalar "SubjectKeyId" => subject_key_id: String,
        /// Under which number it was registered.
        scalar "RegNum" => registration: String,
        /// Whether a senior cashier.
        scalar "ChiefCashier" => chief_cashier: bool,
    }
}

codes! {
    /// Whether a shift is open.
    pub enum ShiftState: "a known state of a shift" {
        /// It is not.
        Closed = 0,
        /// It is.
        Open = 1,
    }
}
numbers!(ShiftState);

/// Whole minutes; a part of one counts as one, because they are held against limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minutes(pub u64);

impl Scalar for Minutes {
    fn read(value: &Value<'_>) -> Result<Self, Fault> {
        const FORM: Fault = Fault::Form("a number of minutes");
        let text = String::read(value)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text.as_str(), ""));
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORM);
        }
        let part = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        whole
            .parse::<u64>()
            .ok()
            .and_then(|whole| whole.checked_add(part))
            .map(Self)
            .ok_or(FORM)
    }

    fn write(&self) -> String {
        self.0.to_string()
    }
}

object! {
    /// A register's state (TransactionsRegistrarState).
    ///
    /// What is said of offline sessions is there only for who opened the shift, a senior cashier or the head.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct RegisterState {
        /// Whether its shift is open.
        required "ShiftState" => shift: ShiftState,
        /// The shift.
        scalar "ShiftId" => shift_id: Option<u64>,
        /// The fiscal number of its opening.
        scalar "OpenShiftFiscalNum" => opened_by: Option<FiscalNumber>,
        /// Whether its Z-report is registered.
        scalar "ZRepPresent" => z_report_present: bool,
        /// Whether it is a test shift.
        scalar "Testing" => testing: bool,
        /// Who opened it.
        scalar "Name" => opener: Option<String>,
        /// By which key.
        scalar "SubjectKeyId" => subject_key_id: Option<String>,
        /// The local number of its opening, 0 when closed.
        scalar "FirstLocalNum" => first_local_number: u64,
        /// The local number that is due.
        required "NextLocalNum" => next_local_number: LocalNumber,
        /// The fiscal number of the last document.
        scalar "LastFiscalNum" => last_fiscal_number: Option<FiscalNumber>,
        /// Whether the register may go offline.
        scalar "OfflineSupported" => offline_supported: bool,
        /// Whether the signer is a senior cashier here.
        scalar "ChiefCashier" => chief_cashier: bool,
        /// The offline session it may begin.
        scalar "OfflineSessionId" => offline_session_id: Option<OfflineSessionId>,
        /// Its secret number.
        scalar "OfflineSeed" => offline_seed: Option<OfflineSeed>,
        /// The local number that is due offline.
        scalar "OfflineNextLocalNum" => offline_next_local_number: Option<u64>,
        /// How long the session lasted so far.
        scalar "OfflineSessionDuration" => offline_session: Option<Minutes>,
        /// How long all sessions of the month lasted.
        scalar "OfflineSessionsMonthlyDuration" => offline_month: Option<Minutes>,
        /// Whether the end of a session was rolled back.
        scalar "OfflineSessionRolledBack" => rolled_back: bool,
        /// By which command.
        scalar "OfflineSessionRollbackCmdUID" => rolled_back_by: Option<String>,
        /// Whether the register is closed for good.
        scalar "Closed" => closed: bool,
        /// The economic unit, when it was asked for.
        nested "TaxObject" => unit: Option<TaxObject>,
    }
}

impl RegisterState {
    /// What the register needs in order to go offline, if it may.
    #[must_use]
    pub fn offline_session(&self) -> Option<OfflineSession> {
        let id = self.offline_session_id.clone()?;
        Some(OfflineSession {
            id,
            seed: self.offline_seed.clone()?,
        })
    }
}

object! {
    /// A document in a form of choice (CheckExt, ZRepExt).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DocumentAnswer {
        /// The document.
        scalar "Data" => data: Option<Vec<u8>>,
        /// Its shift.
        scalar "ShiftId" => shift_id: Option<u64>,
        /// Whether it could be had.
        required "ResultCode" => result: DocumentResult,
        /// The same in words.
        scalar "ResultText" => result_text: Option<String>,
        /// The link under which the buyer finds it.
        scalar "CabinetUrl" => cabinet_url: Option<String>,
    }
}
symbols!(DocumentResult, number, {
    Ok = "Ok",
    OnlineDocumentAbsent = "OnlineDocumentAbsent",
    OfflineNumberReserved = "OfflineNumberReserved",
    OfflineNumberNotReserved = "OfflineNumberNotReserved",
    TransactionsRegistrarNotRegistered = "TransactionsRegistrarNotRegistered",
    DocumentAbsent = "DocumentAbsent",
});

object! {
    /// The shifts asked for (Shifts).
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Shifts {
        /// They.
        nested "Shifts" => shifts: Vec<Shift>,
    }
}

object! {
    /// One shift.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Shift {
        /// The shift.
        scalar "ShiftId" => id: u64,
        /// The fiscal number of its opening.
        scalar "OpenShiftFiscalNum" => opened_by: Option<FiscalNumber>,
        /// The fiscal number of its closing.
        scalar "CloseShiftFiscalNum" => closed_by: Option<FiscalNumber>,
        /// Whether it was a test.
        scalar "Testing" => testing: bool,
        /// When it was opened.
        scalar "Opened" => opened: Option<ServerTime>,
        /// Who opened it.
        scalar "OpenName" => opener: Option<String>,
        /// By which key.
        scalar "OpenSubjectKeyId" => opener_key_id: Option<String>,
        /// When it was closed.
        scalar "Closed" => closed: Option<ServerTime>,
        /// Who closed it.
        scalar "CloseName" => closer: Option<String>,
        /// By which key.
        scalar "CloseSubjectKeyId" => closer_key_id: Option<String>,
        /// The fiscal number of its Z-report.
        scalar "ZRepFiscalNum" => z_report: Option<FiscalNumber>,
    }
}

codes! {
    /// Receipt or Z-report (`DocumentClass`).
    pub enum DocumentClass: "a known class of documents" {
        /// A receipt, an opening, anything that is a CHECK.
        Check = 0,
        /// A Z-report.
        ZRep = 1,
    }
}
symbols!(DocumentClass, symbol, { Check = "Check", ZRep = "ZRep", });
symbols!(DocumentType, symbol, {
    SaleGoods = "SaleGoods",
    TransferFunds = "TransferFunds",
    CurrencyExchange = "CurrencyExchange",
    CashWithdrawal = "CashWithdrawal",
    Pawnshop = "Pawnshop",
    OpenShift = "OpenShift",
    CloseShift = "CloseShift",
    OfflineBegin = "OfflineBegin",
    OfflineEnd = "OfflineEnd",
});
symbols!(DocumentSubtype, symbol, {
    Sale = "CheckGoods",
    Return = "CheckReturn",
    ServiceDeposit = "ServiceDeposit",
    AdditionalDeposit = "AdditionalDeposit",
    ServiceIssue = "ServiceIssue",
    Storno = "CheckStorno",
});

object! {
    /// The documents asked for (Documents).
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Documents {
        /// They.
        nested "Documents" => documents: Vec<DocumentEntry>,
    }
}

object! {
    /// One document of a shift.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DocumentEntry {
        /// Its fiscal number.
        scalar "NumFiscal" => fiscal_number: Option<FiscalNumber>,
        /// Its local number.
        required "NumLocal" => local_number: LocalNumber,
        /// When it was issued.
        scalar "DocDateTime" => issued: Option<ServerTime>,
        /// Receipt or Z-report.
        required "DocClass" => class: DocumentClass,
        /// `DOCTYPE` of a receipt.
        scalar "CheckDocType" => document_type: Option<DocumentType>,
        /// `DOCSUBTYPE` of a receipt.
        scalar "CheckDocSubType" => subtype: Option<DocumentSubtype>,
        /// Whether it was revoked.
        scalar "Revoked" => revoked: bool,
        /// Whether it was undone.
        scalar "Storned" => storned: bool,
    }
}

object! {
    /// What became of a local number (DocumentInfoByLocalNum).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct DocumentInfo {
        /// Its document's fiscal number.
        required "NumFiscal" => fiscal_number: FiscalNumber,
        /// Receipt or Z-report.
        required "DocClass" => class: DocumentClass,
        /// `DOCTYPE` of a receipt.
        scalar "CheckDocType" => document_type: Option<DocumentType>,
        /// `DOCSUBTYPE` of a receipt.
        scalar "CheckDocSubType" => subtype: Option<DocumentSubtype>,
        /// Whether it was revoked.
        scalar "Revoked" => revoked: bool,
        /// Whether it was undone.
        scalar "Storned" => storned: bool,
    }
}

object! {
    /// The last shift and its totals (LastShiftTotals): an X-report, and the draft of the Z-report.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct LastShiftTotals {
        /// Whether it is open.
        required "ShiftState" => shift: ShiftState,
        /// Whether its Z-report is registered.
        scalar "ZRepPresent" => z_report_present: bool,
        /// Whether it is a test.
        scalar "Testing" => testing: bool,
        /// When it was opened.
        scalar "Opened" => opened: Option<ServerTime>,
        /// Who opened it.
        scalar "OpenName" => opener: Option<String>,
        /// By which key.
        scalar "OpenSubjectKeyId" => opener_key_id: Option<String>,
        /// When it was closed.
        scalar "Closed" => closed: Option<ServerTime>,
        /// Who closed it.
        scalar "CloseName" => closer: Option<String>,
        /// By which key.
        scalar "CloseSubjectKeyId" => closer_key_id: Option<String>,
        /// The fiscal number of its Z-report.
        scalar "ZRepFiscalNum" => z_report: Option<FiscalNumber>,
        /// The totals, while it is open.
        nested "Totals" => totals: Option<Totals>,
    }
}

object! {
    /// The answer to a document (SendDocument).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct SentDocument {
        /// The CMS around the ticket.
        required "Ticket" => ticket: Vec<u8>,
    }
}

object! {
    /// The answer to an offline package (SendOflPackage, and `/pck`).
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    pub struct SentPackage {
        /// The next offline session, when this one ended in the package.
        scalar "OfflineSessionId" => offline_session_id: Option<OfflineSessionId>,
        /// Its secret number.
        scalar "OfflineSeed" => offline_seed: Option<OfflineSeed>,
    }
}

impl SentPackage {
    /// From the answer to `/pck`: `OK`, or JSON when the session ended in the package.
    ///
    /// # Errors
    /// [`Error`](super::Error) when it is neither.
    pub fn from_body(body: &[u8]) -> Result<Self, super::Error> {
        match body.trim_ascii() {
            b"OK" => Ok(Self::default()),
            json => super::from_json(json),
        }
    }

    /// The next offline session, when this one ended in the package.
    #[must_use]
    pub fn offline_session(&self) -> Option<OfflineSession> {
        let id = self.offline_session_id.clone()?;
        Some(OfflineSession {
            id,
            seed: self.offline_seed.clone()?,
        })
    }
}

object! {
    /// Which device uses a register (DeviceRegister).
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct RegisteredDevice {
        /// The device; another than was sent means that the register is taken.
        required "DeviceId" => device: DeviceId,
    }
}
