//! The bottom: numbers, moment, online or offline, QR code and link, what kind of receipt it is, who made the software.

use super::{Block, Sheet, trade};
use crate::document::{Document, Kind, Mode, Receipt, Register, Service};
use crate::ids::FiscalNumber;
use crate::numbers::OfflineNumber;
use crate::test_shift::TEST_MARK;
use crate::view::{Appearance, Interim};

const NOT_FISCAL: &str = "НЕФІСКАЛЬНИЙ ДОКУМЕНТ";

pub(super) fn of_document(
    sheet: &mut Sheet,
    document: &Document,
    fiscal_number: Option<&FiscalNumber>,
    appearance: &Appearance<'_>,
) {
    let head = &document.head;
    sheet.rule();
    sheet.line(head.notes.comment.as_deref().unwrap_or_default());
    let name = match document.kind {
        Kind::ZReport(_) => "ЗВІТ",
        _ => "ЧЕК",
    };
    let number = match fiscal_number {
        Some(number) => format!("{name} ФН {number}"),
        None => format!("{name} НЕ ЗАРЕЄСТРОВАНО"),
    };
    sheet.pair(&number, &format!("ВН {}", head.local_number), "", false);
    register(sheet, head.register);
    let moment = trade::moment(head.issued.get());
    sheet.pair(
        &moment,
        mode_name(matches!(head.mode, Mode::Offline { .. })),
        "",
        false,
    );
    if let Mode::Offline { fiscal_number, .. } = &head.mode {
        let number: Option<OfflineNumber> = fiscal_number.as_str().parse().ok();
        sheet.fact("КОНТРОЛЬНЕ ЧИСЛО", number.map(|number| number.control));
    }
    if sheet.link.is_some() {
        sheet.blocks.extend([Block::Code, Block::Link]);
    }
    let class = match (head.testing, fiscal_number) {
        (true, _) => TEST_MARK,
        (false, None) => NOT_FISCAL,
        (false, Some(_)) => class(&document.kind),
    };
    close(sheet, class, appearance.software);
    if matches!(document.kind, Kind::Sale { .. } | Kind::Return { .. }) {
        appearance.footer.lines().for_each(|line| sheet.centred(line));
    }
}

pub(super) fn of_interim(sheet: &mut Sheet, report: &Interim, appearance: &Appearance<'_>) {
    sheet.rule();
    register(sheet, report.register);
    let moment = trade::moment(report.taken.get());
    sheet.pair(&moment, mode_name(report.is_offline), "", false);
    close(
        sheet,
        if report.testing { TEST_MARK } else { NOT_FISCAL },
        appearance.software,
    );
}

fn register(sheet: &mut Sheet, register: Register) {
    let number = format!("ФН ПРРО {}", register.number);
    sheet.pair(&number, &format!("ВН {}", register.cash_desk), "", false);
}

const fn mode_name(is_offline: bool) -> &'static str {
    if is_offline {
        "ОФЛАЙН"
    } else {
        "ОНЛАЙН"
    }
}

fn close(sheet: &mut Sheet, class: &str, software: &str) {
    sheet.heading(class);
    sheet.centred(software);
}

/// Which form of receipt it is: money that goes to the buyer has a form of its own (ФКЧ-2), in a pawnshop too.
fn class(kind: &Kind) -> &'static str {
    match kind {
        Kind::ZReport(_) => "ФІСКАЛЬНИЙ ЗВІТНИЙ ЧЕК",
        Kind::Return { .. } => "ВИДАТКОВИЙ ЧЕК",
        Kind::Sale {
            service: Service::CashWithdrawal,
            ..
        } => "ВИДАТКОВИЙ ЧЕК",
        Kind::Sale {
            service: Service::Pawnshop,
            receipt,
        } if pays_out(receipt) => "ВИДАТКОВИЙ ЧЕК",
        Kind::Sale { .. } => "ФІСКАЛЬНИЙ ЧЕК",
        Kind::OpenShift
        | Kind::CloseShift
        | Kind::OfflineBegin { .. }
        | Kind::OfflineEnd
        | Kind::CashMovement { .. }
        | Kind::Storno { .. } => "СЛУЖБОВИЙ ЧЕК",
    }
}

fn pays_out(receipt: &Receipt) -> bool {
    let sum = receipt.total.as_ref().and_then(|total| total.sum);
    sum.is_some_and(|sum| sum.is_negative())
}
