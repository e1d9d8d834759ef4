//! Between documents and the schemas' elements: the two heads as they stand in XML, and what each kind of
//! document may hold.

use super::codes::{CashMovement, DocumentSubtype, DocumentType, Service};
use super::head::{Head, Marks, Mode, Notes, Register, Seller};
use super::receipt::Receipt;
use super::zreport::ZReport;
use super::{Document, Kind, Original};
use crate::ids::{CashDeskNumber, DocumentHash, FiscalNumber, LocalNumber, RegisterNumber, Uid};
use crate::moment::LocalMoment;
use crate::xml::{
    AnyText, Boolean, Cursor, Date, Error, Fault, Fields, Hash, IdentityText, Ipn, Natural, Number, Text,
    Time, Tin, Writer, section,
};
use chrono::{NaiveDate, NaiveTime};

section! {
    /// `CHECKHEAD` as it stands.
    pub(super) struct CheckHead {
        required DOCTYPE => document_type: DocumentType as Number<DocumentType>,
        optional DOCSUBTYPE => subtype: Option<DocumentSubtype> as Number<DocumentSubtype>,
        required UID => uid: Uid as IdentityText<Uid>,
        required TIN => tax_number: String as Tin,
        optional IPN => vat_number: Option<String> as Ipn,
        required ORGNM => organisation: String as Text<256>,
        required POINTNM => point: String as Text<256>,
        optional POINTADDR => address: Option<String> as Text<256>,
        required ORDERDATE => date: NaiveDate as Date,
        required ORDERTIME => time: NaiveTime as Time,
        required ORDERNUM => local_number: LocalNumber as Number<LocalNumber>,
        required CASHDESKNUM => cash_desk: CashDeskNumber as Number<CashDeskNumber>,
        required CASHREGISTERNUM => register: RegisterNumber as Number<RegisterNumber>,
        optional ORDERRETCASHREGNUM => original_register: Option<RegisterNumber> as Number<RegisterNumber>,
        optional ORDERRETDATE => original_date: Option<NaiveDate> as Date,
        optional ORDERRETNUM => original_number: Option<FiscalNumber> as IdentityText<FiscalNumber>,
        optional ORDERSTORNUM => storno_number: Option<FiscalNumber> as IdentityText<FiscalNumber>,
        optional OPERTYPENM => operation: Option<String> as Text<128>,
        optional VEHICLERN => vehicle: Option<String> as Text<64>,
        optional REVOKELASTONLINEDOC => revoke_last_online: Option<bool> as Boolean,
        optional CASHIER => cashier: Option<String> as Text<128>,
        optional LOGOURL => logo_url: Option<String> as Text<256>,
        optional COMMENT => comment: Option<String> as AnyText,
        required VER => version: u64 as Natural,
        optional ORDERTAXNUM => fiscal_number: Option<FiscalNumber> as IdentityText<FiscalNumber>,
        optional OFFLINE => offline: Option<bool> as Boolean,
        optional PREVDOCHASH => previous: Option<DocumentHash> as Hash,
        optional REVOKED => revoked: Option<bool> as Boolean,
        optional STORNED => storned: Option<bool> as Boolean,
        optional TESTING => testing: Option<bool> as Boolean,
    }
}

section! {
    /// `ZREPHEAD` as it stands.
    pub(super) struct ZHead {
        required UID => uid: Uid as IdentityText<Uid>,
        required TIN => tax_number: String as Tin,
        optional IPN => vat_number: Option<String> as Ipn,
        required ORGNM => organisation: String as Text<256>,
        required POINTNM => point: String as Text<256>,
        optional POINTADDR => address: Option<String> as Text<256>,
        required ORDERDATE => date: NaiveDate as Date,
        required ORDERTIME => time: NaiveTime as Time,
        required ORDERNUM => local_number: LocalNumber as Number<LocalNumber>,
        required CASHDESKNUM => cash_desk: CashDeskNumber as Number<CashDeskNumber>,
        required CASHREGISTERNUM => register: RegisterNumber as Number<RegisterNumber>,
        optional CASHIER => cashier: Option<String> as Text<128>,
        required VER => version: u64 as Natural,
        optional ORDERTAXNUM => fiscal_number: Option<FiscalNumber> as IdentityText<FiscalNumber>,
        optional OFFLINE => offline: Option<bool> as Boolean,
        optional PREVDOCHASH => previous: Option<DocumentHash> as Hash,
        optional REVOKED => revoked: Option<bool> as Boolean,
        optional TESTING => testing: Option<bool> as Boolean,
    }
}

section! {
    /// A CHECK as it stands.
    struct Check {
        whole CHECKHEAD => head: CheckHead as CheckHead,
        inline CHECKTOTAL => receipt: Option<Box<Receipt>> as Receipt,
    }
}

#[derive(Clone, Copy)]
enum Root {
    Check,
    ZReport,
}

pub(super) fn write(document: &Document) -> Result<Vec<u8>, Error> {
    let (root, schema) = match document.kind {
        Kind::ZReport(_) => ("ZREP", "zrep01.xsd"),
        _ => ("CHECK", "check01.xsd"),
    };
    let mut out = Writer::new(root, schema);
    match &document.kind {
        Kind::ZReport(report) => {
            let head = z_head(&document.head)
                .map_err(|(element, fault)| out.error_at("ZREPHEAD", element, fault))?;
            out.section("ZREPHEAD", &head)?;
            report.write(&mut out)?;
        }
        kind => {
            let (head, receipt) = check_head(&document.head, kind)
                .map_err(|(element, fault)| out.error_at("CHECKHEAD", element, fault))?;
            out.section("CHECKHEAD", &head)?;
            if let Some(receipt) = receipt {
                receipt.write(&mut out)?;
            }
        }
    }
    out.finish(root)
}

pub(super) fn read(text: &str) -> Result<Document, Error> {
    let (mut cursor, root) = Cursor::enter_root(text, &[("CHECK", Root::Check), ("ZREP", Root::ZReport)])?;
    let document = match root {
        Root::Check => {
            let check = Check::read(&mut cursor)?;
            check
                .into_document()
                .map_err(|(section, element, fault)| cursor.error_at(section, element, fault))?
        }
        Root::ZReport => {
            let head = cursor.section::<ZHead>("ZREPHEAD")?;
            let report = ZReport::read(&mut cursor)?;
            let head = head
                .into_head()
                .map_err(|(element, fault)| cursor.error_at("ZREPHEAD", element, fault))?;
            Document {
                head,
                kind: Kind::ZReport(Box::new(report)),
            }
        }
    };
    cursor.leave_root()?;
    Ok(document)
}

type ElementFault = (&'static str, Fault);

/// A flag is written only when it is up.
fn flag(up: bool) -> Option<bool> {
    up.then_some(true)
}

/// `ORDERTAXNUM`, `OFFLINE` and `PREVDOCHASH` of a mode.
fn mode_fields(mode: &Mode) -> (Option<FiscalNumber>, Option<bool>, Option<DocumentHash>) {
    match mode {
        Mode::Online { fiscal_number } => (fiscal_number.clone(), None, None),
        Mode::Offline {
            fiscal_number,
            previous,
        } => (Some(fiscal_number.clone()), Some(true), *previous),
    }
}

fn mode_of(
    number: Option<FiscalNumber>,
    offline: Option<bool>,
    previous: Option<DocumentHash>,
) -> Result<Mode, ElementFault> {
    match (offline.unwrap_or(false), number, previous) {
        (true, Some(fiscal_number), previous) => Ok(Mode::Offline {
            fiscal_number,
            previous,
        }),
        (true, None, _) => Err(("ORDERTAXNUM", Fault::Missing)),
        (false, _, Some(_)) => Err((
            "PREVDOCHASH",
            Fault::NotHere {
                document: "an online document",
            },
        )),
        (false, fiscal_number, None) => Ok(Mode::Online { fiscal_number }),
    }
}

/// What the type of document demands of its head.
fn check_rules(head: &Head, kind: &Kind) -> Result<(), ElementFault> {
    let document = match kind {
        Kind::OfflineBegin { .. } => "the beginning of an offline session",
        Kind::OfflineEnd => "the end of an offline session",
        _ => return Ok(()),
    };
    if head.testing {
        return Err(("TESTING", Fault::NotHere { document }));
    }
    match &head.mode {
        Mode::Online { .. } => Err(("OFFLINE", Fault::Missing)),
        Mode::Offline {
            previous: Some(_), ..
        } if matches!(kind, Kind::OfflineBegin { .. }) => Err(("PREVDOCHASH", Fault::NotHere { document })),
        Mode::Offline { .. } => Ok(()),
    }
}

fn check_head<'a>(head: &Head, kind: &'a Kind) -> Result<(CheckHead, Option<&'a Receipt>), ElementFault> {
    check_rules(head, kind)?;
    let (document_type, subtype) = kind.codes().ok_or(("DOCTYPE", Fault::Missing))?;
    let (fiscal_number, offline, previous) = mode_fields(&head.mode);
    let mut fields = CheckHead {
        document_type,
        subtype,
        uid: head.uid.clone(),
        tax_number: head.seller.tax_number.clone(),
        vat_number: head.seller.vat_number.clone(),
        organisation: head.seller.organisation.clone(),
        point: head.seller.point.clone(),
        address: head.seller.address.clone(),
        date: head.issued.get().date(),
        time: head.issued.get().time(),
        local_number: head.local_number,
        cash_desk: head.register.cash_desk,
        register: head.register.number,
        original_register: None,
        original_date: None,
        original_number: None,
        storno_number: None,
        operation: head.notes.operation.clone(),
        vehicle: head.notes.vehicle.clone(),
        revoke_last_online: None,
        cashier: head.cashier.clone(),
        logo_url: head.notes.logo_url.clone(),
        comment: head.notes.comment.clone(),
        version: head.version,
        fiscal_number,
        offline,
        previous,
        revoked: flag(head.marks.revoked),
        storned: flag(head.marks.storned),
        testing: flag(head.testing),
    };
    let mut behind = None;
    match kind {
        Kind::Sale { receipt, .. } | Kind::CashMovement { receipt, .. } => behind = Some(receipt),
        Kind::Return {
            original, receipt, ..
        } => {
            fields.original_register = original.register;
            fields.original_date = original.date;
            fields.original_number = original.fiscal_number.clone();
            behind = Some(receipt);
        }
        Kind::Storno { of, .. } => fields.storno_number = Some(of.clone()),
        Kind::OfflineBegin { revoke_last_online } => fields.revoke_last_online = flag(*revoke_last_online),
        Kind::OpenShift | Kind::CloseShift | Kind::OfflineEnd | Kind::ZReport(_) => {}
    }
    Ok((fields, behind))
}

fn z_head(head: &Head) -> Result<ZHead, ElementFault> {
    let not_here = Fault::NotHere {
        document: "a Z-report",
    };
    let notes = [
        ("OPERTYPENM", &head.notes.operation),
        ("VEHICLERN", &head.notes.vehicle),
        ("LOGOURL", &head.notes.logo_url),
        ("COMMENT", &head.notes.comment),
    ];
    if let Some((element, _)) = notes.into_iter().find(|(_, note)| note.is_some()) {
        return Err((element, not_here));
    }
    if head.marks.storned {
        return Err(("STORNED", not_here));
    }
    let (fiscal_number, offline, previous) = mode_fields(&head.mode);
    Ok(ZHead {
        uid: head.uid.clone(),
        tax_number: head.seller.tax_number.clone(),
        vat_number: head.seller.vat_number.clone(),
        organisation: head.seller.organisation.clone(),
        point: head.seller.point.clone(),
        address: head.seller.address.clone(),
        date: head.issued.get().date(),
        time: head.issued.get().time(),
        local_number: head.local_number,
        cash_desk: head.register.cash_desk,
        register: head.register.number,
        cashier: head.cashier.clone(),
        version: head.version,
        fiscal_number,
        offline,
        previous,
        revoked: flag(head.marks.revoked),
        testing: flag(head.testing),
    })
}

impl ZHead {
    fn into_head(self) -> Result<Head, ElementFault> {
        Ok(Head {
            uid: self.uid,
            seller: Seller {
                tax_number: self.tax_number,
                vat_number: self.vat_number,
                organisation: self.organisation,
                point: self.point,
                address: self.address,
            },
            register: Register {
                cash_desk: self.cash_desk,
                number: self.register,
            },
            issued: LocalMoment::new(self.date.and_time(self.time)).map_err(|fault| ("ORDERDATE", fault))?,
            local_number: self.local_number,
            cashier: self.cashier,
            notes: Notes::default(),
            mode: mode_of(self.fiscal_number, self.offline, self.previous)?,
            testing: self.testing.unwrap_or(false),
            version: self.version,
            marks: Marks {
                revoked: self.revoked.unwrap_or(false),
                storned: false,
            },
        })
    }
}

impl Check {
    fn into_document(self) -> Result<Document, (&'static str, &'static str, Fault)> {
        let in_head = |(element, fault)| ("CHECKHEAD", element, fault);
        let section = self.receipt.as_ref().and_then(|receipt| receipt.first_section());
        let kind = self
            .head
            .kind(self.receipt.map(|receipt| *receipt).unwrap_or_default())
            .map_err(in_head)?;
        let holds_receipt = matches!(
            kind,
            Kind::Sale { .. } | Kind::Return { .. } | Kind::CashMovement { .. }
        );
        if let Some(section) = section.filter(|_| !holds_receipt) {
            return Err((
                section,
                "",
                Fault::NotHere {
                    document: kind.name(),
                },
            ));
        }
        let head = self.head.into_head().map_err(in_head)?;
        check_rules(&head, &kind).map_err(in_head)?;
        Ok(Document { head, kind })
    }
}

impl CheckHead {
    /// Which kind it is; whatever this kind has no place for is refused.
    fn kind(&self, receipt: Receipt) -> Result<Kind, ElementFault> {
        let kind = match (self.service(), self.subtype) {
            (None, None) => self.technical_kind(),
            (None, Some(_)) => {
                return Err((
                    "DOCSUBTYPE",
                    Fault::NotHere {
                        document: "a document without services",
                    },
                ));
            }
            (Some(_), None) => return Err(("DOCSUBTYPE", Fault::Missing)),
            (Some(service), Some(subtype)) => self.service_kind(service, subtype, receipt)?,
        };
        let document = kind.name();
        let refuse = |there: bool, element| {
            if there {
                Err((element, Fault::NotHere { document }))
            } else {
                Ok(())
            }
        };
        if !matches!(kind, Kind::Return { .. }) {
            refuse(self.original_register.is_some(), "ORDERRETCASHREGNUM")?;
            refuse(self.original_date.is_some(), "ORDERRETDATE")?;
            refuse(self.original_number.is_some(), "ORDERRETNUM")?;
        }
        refuse(
            self.storno_number.is_some() && !matches!(kind, Kind::Storno { .. }),
            "ORDERSTORNUM",
        )?;
        refuse(
            self.revoke_last_online.is_some() && !matches!(kind, Kind::OfflineBegin { .. }),
            "REVOKELASTONLINEDOC",
        )?;
        Ok(kind)
    }

    fn service(&self) -> Option<Service> {
        Service::try_from(self.document_type.code()).ok()
    }

    fn technical_kind(&self) -> Kind {
        match self.document_type {
            DocumentType::OpenShift => Kind::OpenShift,
            DocumentType::CloseShift => Kind::CloseShift,
            DocumentType::OfflineBegin => Kind::OfflineBegin {
                revoke_last_online: self.revoke_last_online.unwrap_or(false),
            },
            _ => Kind::OfflineEnd,
        }
    }

    fn service_kind(
        &self,
        service: Service,
        subtype: DocumentSubtype,
        receipt: Receipt,
    ) -> Result<Kind, ElementFault> {
        let movement = |movement| Kind::CashMovement {
            service,
            movement,
            receipt: receipt.clone(),
        };
        Ok(match subtype {
            DocumentSubtype::Sale => Kind::Sale { service, receipt },
            DocumentSubtype::Return => Kind::Return {
                service,
                original: Original {
                    fiscal_number: self.original_number.clone(),
                    register: self.original_register,
                    date: self.original_date,
                },
                receipt,
            },
            DocumentSubtype::ServiceDeposit => movement(CashMovement::ServiceDeposit),
            DocumentSubtype::AdditionalDeposit => movement(CashMovement::AdditionalDeposit),
            DocumentSubtype::ServiceIssue => movement(CashMovement::ServiceIssue),
            DocumentSubtype::Storno => Kind::Storno {
                service,
                of: self
                    .storno_number
                    .clone()
                    .ok_or(("ORDERSTORNUM", Fault::Missing))?,
            },
        })
    }

    fn into_head(self) -> Result<Head, ElementFault> {
        Ok(Head {
            uid: self.uid,
            seller: Seller {
                tax_number: self.tax_number,
                vat_number: self.vat_number,
                organisation: self.organisation,
                point: self.point,
                address: self.address,
            },
            register: Register {
                cash_desk: self.cash_desk,
                number: self.register,
            },
            issued: LocalMoment::new(self.date.and_time(self.time)).map_err(|fault| ("ORDERDATE", fault))?,
            local_number: self.local_number,
            cashier: self.cashier,
            notes: Notes {
                operation: self.operation,
                vehicle: self.vehicle,
                logo_url: self.logo_url,
                comment: self.comment,
            },
            mode: mode_of(self.fiscal_number, self.offline, self.previous)?,
            testing: self.testing.unwrap_or(false),
            version: self.version,
            marks: Marks {
                revoked: self.revoked.unwrap_or(false),
                storned: self.storned.unwrap_or(false),
            },
        })
    }
}
