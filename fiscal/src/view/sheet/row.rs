//! One row of a receipt: codes, name, excise labels, quantity and price, sum and letters, discount.

use super::{Block, MARK_COLUMNS_MAX, Sheet, short, trade};
use crate::amount::Money;
use crate::document::{Classification, Discount, DiscountKind, Row};
use crate::view::words::clean;

pub(super) fn write(sheet: &mut Sheet, row: &Row) {
    codes(sheet, row);
    sheet.line(row.name.as_deref().unwrap_or_default());
    sheet.line(row.description.as_deref().unwrap_or_default());
    for label in &row.excise_labels {
        sheet.fact("Акцизна марка", Some(&label.text));
    }
    trade::duty_free(sheet, row);
    if let Some(transfer) = &row.transfer {
        trade::transfer(sheet, transfer);
    }
    if let Some(fuel) = &row.fuel {
        trade::fuel(sheet, fuel);
    }
    if let Some(currency) = &row.currency {
        trade::currency(sheet, currency);
    }
    cost(sheet, row);
    if let Some(discount) = &row.discount {
        write_discount(sheet, discount);
    }
    sheet.some_sum("Часткова оплата", row.part_sum);
    sheet.line(row.comment.as_deref().unwrap_or_default());
}

fn codes(sheet: &mut Sheet, row: &Row) {
    let classification = row.classification.as_ref().map(|one| match one {
        Classification::Goods(code) => ("УКТЗЕД", code.as_str()),
        Classification::Service(code) => ("ДКПП", code.as_str()),
    });
    let codes = [
        row.code.as_deref().map(|code| ("Код", code)),
        classification,
        row.barcode.as_deref().map(|code| ("ШК", code)),
    ];
    let codes = codes
        .into_iter()
        .flatten()
        .map(|(label, code)| (label, clean(code)));
    let codes: Vec<String> = codes
        .filter(|(_, code)| !code.is_empty())
        .map(|(label, code)| format!("{label} {code}"))
        .collect();
    if !codes.is_empty() {
        sheet.blocks.push(Block::Flow(codes));
    }
}

/// `2 шт x 12.77` and the sum with its letters; without a price, whichever of them there is.
fn cost(sheet: &mut Sheet, row: &Row) {
    let unit = row.unit_name.as_deref().unwrap_or_default();
    let quantity = row.quantity.map(|quantity| format!("{} {unit}", short(quantity)));
    let price = row.price.map(|price| price.to_string());
    let multiplied: Vec<String> = [quantity, price].into_iter().flatten().collect();
    let direction = match row.pawnshop_received {
        None => "",
        Some(true) => "Отримано",
        Some(false) => "Видано",
    };
    let label = format!("{direction} {}", multiplied.join(" x "));
    let letters: String = row
        .letters
        .iter()
        .flat_map(|letters| letters.as_slice())
        .map(|letter| letter.canonical())
        .collect();
    let is_long = letters.chars().count() > MARK_COLUMNS_MAX;
    match row.cost {
        Some(cost) => sheet.pair(
            &label,
            &cost.to_string(),
            if is_long { "" } else { &letters },
            false,
        ),
        None => sheet.line(&label),
    }
    if is_long {
        sheet.fact("Податки", Some(letters));
    }
}

/// A discount is printed as what it does to the sum: less; a surcharge, more.
fn write_discount(sheet: &mut Sheet, discount: &Discount) {
    let Some(sum) = discount.sum else { return };
    let label = discount_label(sum, discount.kind, discount.percent);
    sheet.sum(&label, -sum);
}

pub(super) fn discount_label(sum: Money, kind: Option<DiscountKind>, percent: Option<Money>) -> String {
    let name = if sum.is_negative() {
        "Надбавка"
    } else {
        "Знижка"
    };
    match (kind, percent) {
        (Some(DiscountKind::Percent), Some(percent)) => format!("{name} {}%", short(percent)),
        _ => name.to_owned(),
    }
}
