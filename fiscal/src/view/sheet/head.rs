//! The top: whose receipt, what it is, who sat at the register (rows 1 to 5 of the form, order of the Ministry of Finance No 13).

use super::Sheet;
use crate::document::{CashMovement, Document, Head, Kind, Original, Seller, Service};
use crate::moment::date_text;
use crate::test_shift::TEST_MARK;
use crate::view::Interim;

pub(super) fn of_document(sheet: &mut Sheet, document: &Document) {
    let head = &document.head;
    sheet.title = title(&document.kind).unwrap_or("Чек").to_owned();
    if head.testing {
        sheet.heading(TEST_MARK);
    }
    marks(sheet, head);
    seller(sheet, &head.seller);
    sheet.rule();
    if let Some(title) = title(&document.kind) {
        sheet.heading(title);
    }
    if let Kind::Return { original, .. } = &document.kind {
        of_original(sheet, original);
    }
    sheet.fact("Операція:", head.notes.operation.as_deref());
    sheet.fact("Транспорт:", head.notes.vehicle.as_deref());
    sheet.fact("Касир:", head.cashier.as_deref());
    sheet.rule();
}

pub(super) fn of_interim(sheet: &mut Sheet, report: &Interim) {
    sheet.title = "X-звіт".to_owned();
    if report.testing {
        sheet.heading(TEST_MARK);
    }
    seller(sheet, &report.seller);
    sheet.rule();
    sheet.heading("X-ЗВІТ");
    sheet.fact("Касир:", report.cashier.as_deref());
    sheet.rule();
}

/// What the server marks on a document that it gives back: nobody may take it for one that counts.
fn marks(sheet: &mut Sheet, head: &Head) {
    if head.marks.revoked {
        sheet.heading("ВІДКЛИКАНО");
    }
    if head.marks.storned {
        sheet.heading("СТОРНОВАНО");
    }
}

fn seller(sheet: &mut Sheet, seller: &Seller) {
    sheet.heading(&seller.organisation);
    sheet.centred(&seller.point);
    sheet.centred(seller.address.as_deref().unwrap_or_default());
    // A payer of VAT prints that number; anybody else the taxpayer's code. "0" in IPN is a payer's of nothing.
    match seller.vat_number.as_deref() {
        Some(number) if number != "0" => sheet.centred(&format!("ПН {number}")),
        _ => sheet.centred(&format!("ІД {}", seller.tax_number)),
    }
}

/// What the document is; a sale of goods needs no name.
const fn title(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::OpenShift => "ВІДКРИТТЯ ЗМІНИ",
        Kind::CloseShift => "ЗАКРИТТЯ ЗМІНИ",
        Kind::OfflineBegin { .. } => "ПОЧАТОК ОФЛАЙН СЕСІЇ",
        Kind::OfflineEnd => "ЗАВЕРШЕННЯ ОФЛАЙН СЕСІЇ",
        Kind::ZReport(_) => "Z-ЗВІТ",
        Kind::Storno { .. } => "СТОРНО",
        Kind::CashMovement { movement, .. } => match movement {
            CashMovement::ServiceDeposit => "СЛУЖБОВЕ ВНЕСЕННЯ",
            CashMovement::AdditionalDeposit => "ОТРИМАННЯ ПІДКРІПЛЕННЯ",
            CashMovement::ServiceIssue => "СЛУЖБОВА ВИДАЧА",
        },
        Kind::Return { .. } => "ПОВЕРНЕННЯ",
        Kind::Sale { service, .. } => match service {
            Service::Goods => return None,
            Service::Transfer => "ПЕРЕКАЗ КОШТІВ",
            Service::Currency => "ОБМІН ВАЛЮТИ",
            Service::CashWithdrawal => "ВИДАЧА ГОТІВКИ",
            Service::Pawnshop => "ПОСЛУГИ ЛОМБАРДУ",
        },
    })
}

fn of_original(sheet: &mut Sheet, original: &Original) {
    sheet.fact("До чека ФН", original.fiscal_number.as_ref());
    sheet.fact("Чек видав ПРРО ФН", original.register);
    if let Some(date) = original.date {
        let digits = date_text(date);
        let (day, month, year) = (&digits[..2], &digits[2..4], &digits[4..]);
        sheet.line(&format!("Чек від {day}.{month}.{year}"));
    }
}
