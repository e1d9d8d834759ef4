//! The totals of a shift, of an X and of a Z report alike.

use super::Sheet;
use super::receipt::tax_total_label;
use crate::amount::Money;
use crate::document::{CashWithdrawals, CurrencyTotal, CurrencyTotals, FuelTotals, Turnover, ZReport};

/// Sales and returns are printed even when there were none: a reader must see that nothing happened, not guess it.
pub(super) fn write(sheet: &mut Sheet, report: &ZReport, drawer: Option<Money>) {
    let nothing = Turnover::default();
    write_turnover(sheet, "РЕАЛІЗАЦІЯ", report.sales.as_ref().unwrap_or(&nothing));
    write_turnover(sheet, "ПОВЕРНЕННЯ", report.returns.as_ref().unwrap_or(&nothing));
    if let Some(cash) = &report.cash {
        write_withdrawals(sheet, cash);
    }
    if let Some(currency) = &report.currency {
        write_currency(sheet, currency);
    }
    if let Some(fuel) = &report.fuel {
        write_fuel(sheet, fuel);
    }
    sheet.rule();
    let body = report.body.as_ref();
    sheet.sum(
        "СЛУЖБОВЕ ВНЕСЕННЯ",
        body.and_then(|body| body.deposits).unwrap_or_default(),
    );
    sheet.sum(
        "СЛУЖБОВА ВИДАЧА",
        body.and_then(|body| body.issues).unwrap_or_default(),
    );
    sheet.fact("Транспорт:", body.and_then(|body| body.vehicle.as_deref()));
    if let Some(drawer) = drawer {
        sheet.strong_sum("ГОТІВКА В КАСІ", drawer);
    }
}

fn write_turnover(sheet: &mut Sheet, name: &str, turnover: &Turnover) {
    sheet.rule();
    sheet.heading(name);
    count(sheet, "Чеків", Some(turnover.receipts));
    sheet.strong_sum("СУМА", turnover.sum);
    for payment in &turnover.payments {
        sheet.sum(&payment.name, payment.sum);
    }
    if let Some((rounded, unrounded)) = turnover.rounding.zip(turnover.unrounded) {
        sheet.sum("Без заокруглення", unrounded);
        sheet.sum("Заокруглення", -rounded);
    }
    for tax in &turnover.taxes {
        sheet.sum(&format!("Обіг {}", tax_total_label(tax)), tax.turnover);
        if let Some(discounted) = tax.discounted_turnover.filter(|sum| *sum != tax.turnover) {
            sheet.sum("Обіг зі знижками", discounted);
        }
        sheet.some_sum("База", tax.base);
        sheet.sum(&tax_total_label(tax), tax.sum);
    }
    count(sheet, "Ломбард: видано, чеків", turnover.pawnshop_receipts_issued);
    sheet.some_sum("Ломбард: видано", turnover.pawnshop_issued);
    count(
        sheet,
        "Ломбард: отримано, чеків",
        turnover.pawnshop_receipts_received,
    );
    sheet.some_sum("Ломбард: отримано", turnover.pawnshop_received);
    count(sheet, "Переказів", turnover.transfers);
    sheet.some_sum("Сума переказів", turnover.transfers_sum);
    sheet.some_sum("Комісія за перекази", turnover.transfers_commission);
}

fn write_withdrawals(sheet: &mut Sheet, cash: &CashWithdrawals) {
    sheet.rule();
    sheet.heading("ВИДАЧА ГОТІВКИ");
    count(sheet, "Чеків", Some(cash.receipts));
    sheet.strong_sum("СУМА", cash.sum);
    sheet.some_sum("Комісія", cash.commission);
}

fn write_currency(sheet: &mut Sheet, currency: &CurrencyTotals) {
    sheet.rule();
    sheet.heading("ОПЕРАЦІЇ З ВАЛЮТОЮ");
    count(sheet, "Документів", Some(currency.documents));
    sheet.some_sum("Отримано авансів", currency.advances);
    sheet.some_sum("Отримано підкріплень", currency.reinforcements);
    sheet.some_sum("Здано інкасацією", currency.collected);
    sheet.some_sum("Комісія за конвертації", currency.commission);
    count(sheet, "Переказів", currency.transfers);
    sheet.some_sum("Прийнято для переказу", currency.transfers_accepted);
    sheet.some_sum("Виплачено переказів", currency.transfers_issued);
    sheet.some_sum("Комісія за перекази", currency.transfers_commission);
    for one in &currency.details {
        write_one_currency(sheet, one);
    }
    for tax in &currency.taxes {
        sheet.sum(&format!("Обіг {}", tax_total_label(tax)), tax.turnover);
        sheet.sum(&tax_total_label(tax), tax.sum);
    }
}

fn write_one_currency(sheet: &mut Sheet, one: &CurrencyTotal) {
    sheet.heading(&format!("{} {:03}", one.letters, one.code));
    sheet.line(one.name.as_deref().unwrap_or_default());
    sheet.fact("Курс купівлі:", one.course_buy.as_deref());
    sheet.fact("Курс продажу:", one.course_sell.as_deref());
    sheet.fact("Курс НБУ:", one.course_official.as_deref());
    let sums = [
        ("Куплено, валюта", one.bought_foreign),
        ("Куплено, грн", one.bought_national),
        ("Продано, валюта", one.sold_foreign),
        ("Продано, грн", one.sold_national),
        ("Сторно купівлі, валюта", one.buy_storno_foreign),
        ("Сторно купівлі, грн", one.buy_storno_national),
        ("Сторно продажу, валюта", one.sell_storno_foreign),
        ("Сторно продажу, грн", one.sell_storno_national),
        ("Конвертація, прийнято", one.conversion_in),
        ("Конвертація, видано", one.conversion_out),
        ("Зворотний обмін, валюта", one.unused_foreign),
        ("Зворотний обмін, грн", one.unused_national),
        ("Комісія", one.commission),
        ("Отримано авансів", one.advances),
        ("Отримано підкріплень", one.reinforcements),
        ("Здано інкасацією", one.collected),
        ("Сторно зворотного обміну, валюта", one.unused_storno_foreign),
        ("Сторно зворотного обміну, грн", one.unused_storno_national),
        ("Сторно конвертації, повернуто", one.conversion_storno_in),
        ("Сторно конвертації, прийнято", one.conversion_storno_out),
        ("Сторно комісії", one.commission_storno),
    ];
    for (label, sum) in sums {
        sheet.some_sum(label, sum);
    }
    let cross = [&one.cross_code, &one.cross_letters, &one.cross_course];
    let cross: Vec<&str> = cross.into_iter().filter_map(Option::as_deref).collect();
    sheet.fact("Крос-курс:", Some(cross.join(" ")));
}

fn write_fuel(sheet: &mut Sheet, fuel: &FuelTotals) {
    sheet.rule();
    sheet.heading("ПАЛЬНЕ");
    for one in &fuel.details {
        sheet.line(&one.name);
        sheet.some_sum("Прийнято", one.accepted);
        sheet.some_sum("Відпущено", one.dispensed);
        sheet.some_sum("Відпущено під час повірки", one.dispensed_in_verification);
        sheet.some_sum("Вартість", one.sum);
        sheet.some_sum("Залишок", one.remains);
        for payment in &one.payments {
            sheet.sum(&payment.name, payment.sum);
            sheet.sum(&format!("{}, об'єм", payment.name), payment.volume);
        }
    }
    for one in &fuel.remains {
        sheet.line(&format!("Залишок: {}, резервуар {}", one.name, one.tank));
        sheet.fact("Колонка:", one.dispenser.as_deref());
        sheet.fact("Пістолет:", one.nozzle.as_deref());
        sheet.sum("Залишок", one.volume);
    }
}

fn count(sheet: &mut Sheet, label: &str, count: Option<u64>) {
    if let Some(count) = count {
        sheet.pair(label, &count.to_string(), "", false);
    }
}
