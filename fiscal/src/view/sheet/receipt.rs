//! The middle: rows, totals, taxes, payments.

use super::row::{self, discount_label};
use super::{Sheet, short, trade};
use crate::amount::Money;
use crate::document::{PartPayment, Payment, PaymentSystem, Receipt, Tax, TaxTotal, Total};

pub(super) fn write(sheet: &mut Sheet, receipt: &Receipt) {
    for row in &receipt.rows {
        row::write(sheet, row);
    }
    sheet.rule();
    if let Some(total) = &receipt.total {
        write_total(sheet, total, receipt);
    }
    sheet.rule();
    for payment in &receipt.payments {
        write_payment(sheet, payment);
    }
    if let Some(terminal) = &receipt.terminal {
        trade::terminal(sheet, terminal);
    }
    trade::buyers(sheet, receipt);
}

/// Cash put in or taken out: the sum alone, and rows only for currency.
pub(super) fn write_movement(sheet: &mut Sheet, receipt: &Receipt) {
    for row in &receipt.rows {
        row::write(sheet, row);
    }
    if let Some(sum) = receipt.total.as_ref().and_then(|total| total.sum) {
        sheet.strong_sum("СУМА", sum);
    }
    for payment in &receipt.payments {
        write_payment(sheet, payment);
    }
}

/// `СУМА`, the taxes, `ЗАОКРУГЛЕННЯ`, `ДО СПЛАТИ`: in the order of the form.
fn write_total(sheet: &mut Sheet, total: &Total, receipt: &Receipt) {
    sheet.some_sum("Видано клієнту", total.pawnshop_issued);
    sheet.some_sum("Отримано від клієнта", total.pawnshop_received);
    let (of_rows, rest) = discounts(total, receipt);
    if let Some(rest) = rest {
        let label = discount_label(rest, total.discount_kind, total.discount_percent);
        sheet.sum(&label.to_uppercase(), -rest);
    }
    let rounded = total.sum.zip(total.unrounded);
    if let Some(sum) = total.unrounded.or(total.sum) {
        sheet.strong_sum("СУМА", sum);
    }
    sheet.some_sum("Знижки разом", of_rows);
    for tax in &receipt.taxes {
        write_tax(sheet, tax);
    }
    sheet.some_sum("Без податків і зборів", total.untaxed);
    sheet.some_sum("Комісія", total.commission);
    if let Some((sum, unrounded)) = rounded {
        // What it does to the sum; the document carries it with the other sign (RNDSUM, notes that settle contradictions).
        sheet.some_sum("ЗАОКРУГЛЕННЯ", sum.checked_sub(unrounded));
        sheet.strong_sum("ДО СПЛАТИ", sum);
    }
    write_part(sheet, total);
}

/// The receipt's discount counts those of the rows in it, which are printed there (official sample of discounts). The first is all of
/// it when the rows have it all, only to be said; the second is what is more than theirs, to be taken off.
fn discounts(total: &Total, receipt: &Receipt) -> (Option<Money>, Option<Money>) {
    let Some(discount) = total.discount.filter(|discount| !discount.is_zero()) else {
        return (None, None);
    };
    let mut of_rows = receipt.rows.iter().filter_map(|row| row.discount.as_ref()?.sum);
    let of_rows = of_rows.try_fold(Money::ZERO, Money::checked_add);
    match of_rows.and_then(|of_rows| discount.checked_sub(of_rows)) {
        Some(Money::ZERO) => (Some(discount), None),
        rest => (None, rest),
    }
}

fn write_part(sheet: &mut Sheet, total: &Total) {
    let name = match total.part_payment {
        Some(PartPayment::Prepayment) => "Попередня оплата",
        Some(PartPayment::FinalSettlement) => "Остаточний розрахунок",
        Some(PartPayment::NextInstalment) => "Черговий платіж",
        None => "Часткова оплата",
    };
    let label = match total.part_percent {
        Some(percent) => format!("{name} {}%", short(percent)),
        None => name.to_owned(),
    };
    match (total.part_sum, total.part_payment) {
        (Some(sum), _) => sheet.sum(&label, sum),
        (None, Some(_)) => sheet.line(&label),
        (None, None) => {}
    }
    sheet.fact("Чек передоплати ФН", total.prepayment_number.as_deref());
}

fn write_tax(sheet: &mut Sheet, tax: &Tax) {
    sheet.sum(
        &tax_label(
            &tax.name,
            tax.letter.map(|letter| letter.canonical()),
            tax.rate,
            tax.on_top,
        ),
        tax.sum,
    );
}

pub(super) fn tax_total_label(tax: &TaxTotal) -> String {
    tax_label(
        &tax.name,
        tax.letter.map(|letter| letter.canonical()),
        tax.rate,
        tax.on_top,
    )
}

/// `ПДВ А 20%`; a tax that comes on top of the price says so.
fn tax_label(name: &str, letter: Option<char>, rate: Money, on_top: Option<bool>) -> String {
    let letter = letter.map(|letter| format!(" {letter}")).unwrap_or_default();
    let on_top = if on_top == Some(true) {
        " понад ціну"
    } else {
        ""
    };
    format!("{name}{letter} {}%{on_top}", short(rate))
}

fn write_payment(sheet: &mut Sheet, payment: &Payment) {
    match payment.sum {
        Some(sum) => sheet.sum(&payment.name, sum),
        None => sheet.line(&payment.name),
    }
    sheet.some_sum("Отримано", payment.provided);
    sheet.some_sum("Решта", payment.change);
    for system in &payment.systems {
        write_system(sheet, system);
        // One system that took everything says nothing new by its sum.
        if payment.systems.len() > 1 {
            sheet.some_sum("Сплачено нею", system.sum);
        }
    }
}

/// What the terminal's slip says: who acquired, where, by which card.
fn write_system(sheet: &mut Sheet, system: &PaymentSystem) {
    sheet.fact("Еквайр:", system.acquirer_name.as_deref());
    sheet.fact("Ідентифікатор еквайра:", system.acquirer_id.as_deref());
    sheet.fact("Код еквайра:", system.acquirer_tax_number.as_deref());
    sheet.fact("Термінал:", system.device_id.as_deref());
    sheet.fact("Картка:", system.card.as_deref());
    sheet.fact("Платіжна система:", system.name.as_deref());
    sheet.fact("Код платіжної системи:", system.tax_number.as_deref());
    sheet.fact("Код авторизації:", system.authorisation.as_deref());
    sheet.fact("RRN:", system.transaction_id.as_deref());
    sheet.fact("Чек термінала:", system.transaction_number.as_deref());
    sheet.fact("Час операції:", system.transaction_at.map(trade::moment));
    sheet.fact("Клієнт:", system.client.as_deref());
    sheet.some_sum("Комісія", system.commission);
}
