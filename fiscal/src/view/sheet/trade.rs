//! What a few trades print besides: transfers, fuel, currency, duty-free, self-service terminals.

use super::{Sheet, short};
use crate::document::{
    Currency, CurrencyOperation, DutyFree, DutyFreeChange, Fuel, Receipt, Row, Terminal, Transfer,
};
use crate::moment::{date_text, time_text};
use chrono::NaiveDateTime;

/// `05.02.2026 09:08:07`.
pub(super) fn moment(moment: NaiveDateTime) -> String {
    let (date, time) = (date_text(moment.date()), time_text(moment.time()));
    let (day, month, year) = (&date[..2], &date[2..4], &date[4..]);
    let (hour, minute, second) = (&time[..2], &time[2..4], &time[4..]);
    format!("{day}.{month}.{year} {hour}:{minute}:{second}")
}

pub(super) fn transfer(sheet: &mut Sheet, transfer: &Transfer) {
    let facts = [
        ("Отримувач:", &transfer.recipient),
        ("Код отримувача:", &transfer.recipient_number),
        ("Код банку:", &transfer.bank_code),
        ("Банк отримувача:", &transfer.bank_name),
        ("Рахунок:", &transfer.account),
        ("Засіб отримувача:", &transfer.recipient_means),
        ("Призначення:", &transfer.purpose),
        ("Платник:", &transfer.payer),
        ("Код платника:", &transfer.payer_number),
        ("Договір платника:", &transfer.payer_contract),
        ("Засіб платника:", &transfer.payer_means),
        ("Підстава:", &transfer.basis),
        ("Відділення:", &transfer.branch),
        ("Надавач:", &transfer.provider),
        ("Код надавача:", &transfer.provider_tax_number),
        ("Рахунок у надавача:", &transfer.provider_account),
        ("Переказ №", &transfer.transfer_id),
        ("Спосіб виплати:", &transfer.payout),
    ];
    write_facts(sheet, &facts);
}

pub(super) fn fuel(sheet: &mut Sheet, fuel: &Fuel) {
    let facts = [
        ("Замовлення:", &fuel.order),
        ("Колонка:", &fuel.dispenser),
        ("Пістолет:", &fuel.nozzle),
        ("Резервуар:", &fuel.tank),
        ("Одиниця пального:", &fuel.unit_name),
    ];
    write_facts(sheet, &facts);
    if fuel.verification == Some(true) {
        sheet.line("Під час повірки");
    }
}

pub(super) fn currency(sheet: &mut Sheet, currency: &Currency) {
    sheet.line(currency.operation.map(operation).unwrap_or_default());
    let name = |letters: &Option<String>, name: &Option<String>, code: Option<u64>| {
        let code = code.map(|code| format!("{code:03}"));
        let parts = [letters.clone(), name.clone(), code];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    sheet.fact(
        "Валюта:",
        Some(name(&currency.letters, &currency.name, currency.code)),
    );
    let out = name(&currency.out_letters, &currency.out_name, currency.out_code);
    sheet.fact("Видана валюта:", Some(out));
    sheet.fact("Курс:", currency.course.as_ref().map(short));
    sheet.fact("Курс діє з", currency.course_since.map(moment));
    sheet.some_sum("Сума у валюті", currency.foreign_sum);
    sheet.some_sum("Сума у гривнях", currency.national_sum);
    sheet.some_sum("Комісія", currency.commission);
    sheet.fact("Документів:", currency.documents);
    if currency.refused == Some(true) {
        sheet.line("Клієнт відмовився");
    }
}

const fn operation(operation: CurrencyOperation) -> &'static str {
    match operation {
        CurrencyOperation::Buy => "Купівля валюти",
        CurrencyOperation::BuyStorno => "Сторно купівлі валюти",
        CurrencyOperation::Sell => "Продаж валюти",
        CurrencyOperation::SellStorno => "Сторно продажу валюти",
        CurrencyOperation::Reverse => "Зворотний обмін",
        CurrencyOperation::Conversion => "Конвертація",
        CurrencyOperation::ReverseStorno => "Сторно зворотного обміну",
        CurrencyOperation::ConversionStorno => "Сторно конвертації",
    }
}

/// Duty-free: what tobacco weighs, how strong a drink is.
pub(super) fn duty_free(sheet: &mut Sheet, row: &Row) {
    sheet.fact("Вага тютюну, г:", row.tobacco_grams.map(short));
    sheet.fact("Штук у пачці:", row.tobacco_pieces);
    sheet.fact("Міцність, % об.:", row.alcohol_percent.map(short));
    sheet.fact("Об'єм, л:", row.alcohol_litres.map(short));
}

/// Duty-free: who bought, and in which currency was paid and given back.
pub(super) fn buyers(sheet: &mut Sheet, receipt: &Receipt) {
    for buyer in &receipt.duty_free {
        let DutyFree {
            passport,
            passport_country,
            currency,
            course,
            sum,
            provided,
            ..
        } = buyer;
        sheet.line(&format!("Паспорт: {passport} {passport_country}"));
        sheet.sum(&format!("Сплачено {currency}"), *sum);
        sheet.some_sum(&format!("Отримано {currency}"), *provided);
        sheet.fact("Курс:", course.as_ref().map(short));
    }
    for change in &receipt.duty_free_change {
        let DutyFreeChange {
            currency,
            course,
            foreign_sum,
            sum,
            ..
        } = change;
        sheet.sum(&format!("Решта {currency}"), *foreign_sum);
        sheet.sum("Решта у гривнях", *sum);
        sheet.fact("Курс:", course.as_ref().map(short));
    }
}

pub(super) fn terminal(sheet: &mut Sheet, terminal: &Terminal) {
    let facts = [
        ("Термінал №", &terminal.number),
        ("Адреса термінала:", &terminal.address),
        ("Власник:", &terminal.operator_name),
        ("Код власника:", &terminal.operator_tax_number),
        ("Операція №", &terminal.operation_number),
        ("Операція власника №", &terminal.operator_operation_number),
        ("Код банку:", &terminal.bank_code),
        ("Банк отримувача:", &terminal.bank_name),
        ("Еквайр:", &terminal.acquirer_name),
        ("Ідентифікатор еквайра:", &terminal.acquirer_id),
        ("Код еквайра:", &terminal.acquirer_tax_number),
        ("Пристрій:", &terminal.device_id),
        ("Картка:", &terminal.card),
        ("Платіжна система:", &terminal.system_name),
        ("Код платіжної системи:", &terminal.system_tax_number),
        ("Код авторизації:", &terminal.authorisation),
        ("RRN:", &terminal.transaction_id),
        ("Чек термінала:", &terminal.transaction_number),
    ];
    write_facts(sheet, &facts);
    sheet.fact("Час операції:", terminal.transaction_at.map(moment));
}

fn write_facts(sheet: &mut Sheet, facts: &[(&str, &Option<String>)]) {
    for (label, value) in facts {
        sheet.fact(label, value.as_deref());
    }
}
