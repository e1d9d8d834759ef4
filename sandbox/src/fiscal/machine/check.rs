//! The rules for one document of a register, in the order in which they are looked at.
//!
//! The tax service publishes no order. Ours: the register (code 1), access (3, 2), the local number (7), the shift (4, 5, 6, 8), then
//! everything that is code 9: mode, test, identity, time, the registry's texts, storno, sums, totals of the Z-report.

use super::book::{Accepted, Book, Shift};
use super::refusal::{invalid, refuse};
use super::registry::{Access, Place};
use super::{figures, issued, zreport};
use chrono::{DateTime, TimeDelta, Utc};
use fiscal::document::Service;
use fiscal::{Document, ErrorCode, FiscalNumber, Kind, LocalNumber, Rejection};

/// A document that wants to be the register's next one.
pub(super) struct Candidate<'a> {
    pub(super) accepted: &'a Accepted,
    pub(super) place: Place<'a>,
    pub(super) access: Access,
}

/// Codes 3 and 9: what a document says of its seller must be what is registered.
pub(super) fn check_seller(place: &Place<'_>, document: &Document) -> Result<(), Rejection> {
    let seller = &document.head.seller;
    let differs = |element: &str, stated: &str, registered: &str| {
        invalid(format!(
            "Значення {element} «{stated}» не відповідає реєстраційним даним «{registered}»"
        ))
    };
    let register = document.head.register;
    if register.cash_desk != place.register.cash_desk {
        let (stated, registered) = (
            register.cash_desk.to_string(),
            place.register.cash_desk.to_string(),
        );
        return Err(differs("CASHDESKNUM", &stated, &registered));
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    for (element, stated, registered) in [
        ("ORGNM", seller.organisation.clone(), place.company.name.clone()),
        ("POINTNM", seller.point.clone(), place.unit.name.clone()),
        ("POINTADDR", text(&seller.address), text(&place.unit.address)),
        ("IPN", text(&seller.vat_number), text(&place.company.vat_number)),
    ] {
        if stated != registered {
            return Err(differs(element, &stated, &registered));
        }
    }
    Ok(())
}

/// Code 3: a document of another taxpayer.
pub(super) fn check_tax_number(place: &Place<'_>, document: &Document) -> Result<(), Rejection> {
    let stated = &document.head.seller.tax_number;
    if *stated == place.company.tax_number {
        return Ok(());
    }
    Err(refuse(
        ErrorCode::InvalidTin,
        format!(
            "TIN {stated} у документі не дорівнює коду суб'єкта господарювання {}",
            place.company.tax_number
        ),
    ))
}

/// Code 7, in the tax service's words.
pub(super) fn check_local_number(due: LocalNumber, document: &Document) -> Result<(), Rejection> {
    if document.head.local_number == due {
        return Ok(());
    }
    Err(refuse(
        ErrorCode::CheckLocalNumberInvalid,
        format!("Номер документа повинен дорівнювати {due}"),
    ))
}

/// How far the moment of an online document may be from the clock, when that is looked at.
pub(super) fn check_clock(
    minutes_max: Option<u32>,
    document: &Document,
    at: DateTime<Utc>,
) -> Result<(), Rejection> {
    let Some(minutes) = minutes_max else {
        return Ok(());
    };
    let now = at.with_timezone(&chrono_tz::Europe::Kyiv).naive_local();
    if (now - issued(document)).abs() <= TimeDelta::minutes(i64::from(minutes)) {
        return Ok(());
    }
    Err(invalid(format!(
        "Дата і час документа {} відрізняються від часу сервера {}",
        document.head.issued,
        now.format("%Y-%m-%d %H:%M:%S")
    )))
}

impl Book {
    /// All that the register's own past demands of its next document but for its number, and the sums in it.
    pub(super) fn check(&self, candidate: &Candidate<'_>) -> Result<(), Rejection> {
        let document = &*candidate.accepted.document;
        self.check_shift(document)?;
        self.check_owner(candidate)?;
        self.check_testing(document)?;
        self.check_identity(document)?;
        check_seller(&candidate.place, document)?;
        if let Kind::Storno { service, of } = &document.kind {
            self.check_storno(*service, of)?;
        }
        figures::entry(&document.kind)?;
        match (&document.kind, self.open_shift()) {
            (Kind::ZReport(report), Some(shift)) => zreport::check(report, &self.totals(shift)?),
            _ => Ok(()),
        }
    }

    /// Codes 4, 5, 6 and 8.
    fn check_shift(&self, document: &Document) -> Result<(), Rejection> {
        match (&document.kind, self.open_shift()) {
            (Kind::OfflineBegin { .. } | Kind::OfflineEnd, _) | (Kind::OpenShift, None) => Ok(()),
            (Kind::OpenShift, Some(shift)) => Err(opened_by(shift)),
            (_, None) => Err(refuse(ErrorCode::ShiftNotOpened, "Зміну не відкрито")),
            (Kind::CloseShift, Some(shift)) if shift.z_report.is_some() => Ok(()),
            (Kind::CloseShift, Some(_)) => Err(refuse(
                ErrorCode::LastDocumentMustBeZRep,
                "Останнім документом перед закриттям зміни повинен бути Z-звіт",
            )),
            // A receipt would make the shift impossible to close: it is refused as a second Z-report is.
            (_, Some(shift)) => match &shift.z_report {
                None => Ok(()),
                Some(number) => Err(refuse(
                    ErrorCode::ZRepAlreadyRegistered,
                    format!("Z-звіт {number} поточної зміни вже зареєстровано"),
                )),
            },
        }
    }

    /// A shift is continued by the key that opened it; a senior cashier may close it, and bring its offline session to an end.
    fn check_owner(&self, candidate: &Candidate<'_>) -> Result<(), Rejection> {
        let Some(shift) = self.open_shift() else {
            return Ok(());
        };
        let closes = matches!(
            candidate.accepted.document.kind,
            Kind::ZReport(_) | Kind::CloseShift | Kind::OfflineBegin { .. } | Kind::OfflineEnd
        );
        if candidate.accepted.signer.is_same(&shift.opener) || (closes && candidate.access.chief) {
            return Ok(());
        }
        Err(opened_by(shift))
    }

    fn check_testing(&self, document: &Document) -> Result<(), Rejection> {
        match self.open_shift() {
            Some(shift) if !fiscal::test_shift::may_stand_in(document, shift.testing) => Err(invalid(
                "Ознака TESTING документа відрізняється від ознаки поточної зміни",
            )),
            _ => Ok(()),
        }
    }

    /// A document's identifier is its own, and its time does not run backwards.
    fn check_identity(&self, document: &Document) -> Result<(), Rejection> {
        let uid = &document.head.uid;
        let same = |entry: &&super::Entry| entry.accepted.document.head.uid.is_same(uid);
        if let Some(entry) = self.documents.iter().rev().find(same) {
            return Err(invalid(format!(
                "Документ з UID {uid} вже зареєстровано з локальним номером {}",
                entry.local_number()
            )));
        }
        let last = self
            .documents
            .last()
            .map(|entry| issued(&entry.accepted.document));
        match last.filter(|last| *last > issued(document)) {
            Some(last) => Err(invalid(format!(
                "Дата і час документа {} передують даті і часу попереднього документа {last}",
                document.head.issued
            ))),
            None => Ok(()),
        }
    }

    /// Only the last document may be undone, if it is a receipt; of currency any of the shift.
    fn check_storno(&self, service: Service, of: &FiscalNumber) -> Result<(), Rejection> {
        let last_only = || invalid("Сторнуватись може лише останній документ");
        let can_be_undone = |entry: &&super::Entry| {
            entry.accepted.fiscal_number == *of
                && !entry.storned
                && entry.accepted.document.kind.receipt().is_some()
        };
        let mut candidates = self.documents.iter().rev();
        let found = match (service, self.open_shift()) {
            (Service::Currency, Some(shift)) => {
                candidates.find(|entry| entry.shift == Some(shift.id) && can_be_undone(entry))
            }
            _ => candidates.next().filter(can_be_undone),
        };
        found.map(|_| ()).ok_or_else(last_only)
    }
}

/// Code 4: the text names the person and the key.
fn opened_by(shift: &Shift) -> Rejection {
    refuse(
        ErrorCode::ShiftAlreadyOpened,
        format!(
            "Зміну вже відкрито користувачем {}, ідентифікатор ключа {}",
            shift.opener.name, shift.opener.key_id
        ),
    )
}
