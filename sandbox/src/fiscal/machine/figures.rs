//! The figures of one receipt: checked against one another (code 9), and as the shift adds them up.

use super::refusal::invalid;
use fiscal::arithmetic::{
    self, Discount, Entry, Figures, Letter, Line, Stated, Tax, TaxKind, TaxRow, TaxTable, Withdrawal,
};
use fiscal::document::{CashMovement, Receipt, Row, Service};
use fiscal::{Kind, Money, Percent, Rejection};

/// What a document adds to its shift; nothing for one without figures. Operations with currency and transfers of money are not added up:
/// their sections of the Z-report are taken as they are.
///
/// # Errors
/// Code 9 when the document's own figures do not agree.
pub(super) fn entry(kind: &Kind) -> Result<Option<Entry>, Rejection> {
    Ok(match kind {
        Kind::Sale { service, receipt } => match service {
            Service::Goods => Some(Entry::Sale(receipt_figures(receipt, false)?)),
            Service::Pawnshop => Some(pawnshop(receipt)?),
            Service::CashWithdrawal => Some(Entry::Withdrawal(withdrawal(receipt)?)),
            Service::Transfer | Service::Currency => None,
        },
        Kind::Return { service, receipt, .. } => match service {
            Service::Transfer | Service::Currency => None,
            _ => Some(Entry::Return(receipt_figures(receipt, false)?)),
        },
        Kind::CashMovement {
            service: Service::Currency | Service::Transfer,
            ..
        } => None,
        Kind::CashMovement {
            movement, receipt, ..
        } => {
            let sum = stated_sum(receipt)?;
            if sum.is_negative() {
                return Err(invalid(format!("Сума службової операції {sum} від'ємна")));
            }
            Some(match movement {
                CashMovement::ServiceIssue => Entry::ServiceOutput(sum),
                CashMovement::ServiceDeposit | CashMovement::AdditionalDeposit => Entry::ServiceInput(sum),
            })
        }
        _ => None,
    })
}

fn stated_sum(receipt: &Receipt) -> Result<Money, Rejection> {
    let sum = receipt.total.as_ref().and_then(|total| total.sum);
    sum.ok_or_else(|| invalid("У документі відсутня загальна сума"))
}

/// What is paid: the receipt's sum, or the part of it that is paid now.
fn paid(receipt: &Receipt) -> Result<Money, Rejection> {
    let part = receipt.total.as_ref().and_then(|total| total.part_sum);
    part.map_or_else(|| stated_sum(receipt), Ok)
}

fn receipt_figures(receipt: &Receipt, pawnshop: bool) -> Result<Figures, Rejection> {
    let total = receipt
        .total
        .as_ref()
        .ok_or_else(|| invalid("У документі відсутня загальна сума"))?;
    let sum = stated_sum(receipt)?;
    if receipt.rows.is_empty() {
        return Err(invalid("У документі відсутні товарні позиції"));
    }
    let costs = costs(&receipt.rows, pawnshop)?;
    let payments = payments(receipt)?;
    let taxes = tax_rows(receipt)?;
    let stated = Stated {
        costs: &costs,
        discount: discount(receipt)?,
        excluded_tax: add(taxes.iter().filter(|row| row.tax.excluded).map(|row| row.sum))?,
        rounding: total.rounding.unwrap_or_default(),
        unrounded: total.unrounded,
        sum,
        part_payment: total.part_sum,
        payments: &payments,
    };
    // How cash is rounded is the taxpayer's affair: no source says that the tax service looks at it.
    stated.check(None).map_err(|error| disagreement(&error))?;
    if !pawnshop {
        check_taxes(receipt, &taxes)?;
    }
    Ok(Figures {
        sum: paid(receipt)?,
        rounding: total.rounding.unwrap_or_default(),
        payments: payments
            .into_iter()
            .map(|payment| (payment.form, payment.sum))
            .collect(),
        taxes,
    })
}

fn costs(rows: &[Row], pawnshop: bool) -> Result<Vec<Money>, Rejection> {
    let cost = |(index, row): (usize, &Row)| {
        let place = index + 1;
        let cost = row
            .cost
            .ok_or_else(|| invalid(format!("У рядку {place} відсутня вартість")))?;
        match (pawnshop, row.pawnshop_received) {
            (true, None) => Err(invalid(format!(
                "У рядку {place} відсутній напрям операції ломбарду"
            ))),
            (true, Some(false)) => Ok(-cost),
            _ => Ok(cost),
        }
    };
    rows.iter().enumerate().map(cost).collect()
}

/// The receipt's discount counts those of its rows (see `ReceiptTotals::discount`); without one, the rows' own do.
fn discount(receipt: &Receipt) -> Result<Money, Rejection> {
    let whole = receipt.total.as_ref().and_then(|total| total.discount);
    whole.map_or_else(|| add(receipt.rows.iter().map(row_discount)), Ok)
}

fn row_discount(row: &Row) -> Money {
    row.discount
        .as_ref()
        .and_then(|discount| discount.sum)
        .unwrap_or_default()
}

fn payments(receipt: &Receipt) -> Result<Vec<arithmetic::Payment>, Rejection> {
    let payment = |payment: &fiscal::document::Payment| {
        let code = u32::try_from(payment.form.code()).map_err(|_| invalid("Невідомий код форми оплати"))?;
        Ok(arithmetic::Payment {
            form: arithmetic::PaymentForm::new(code, payment.name.clone()),
            sum: payment
                .sum
                .ok_or_else(|| invalid("У формі оплати відсутня сума"))?,
            provided: payment.provided,
            remains: payment.change,
        })
    };
    receipt.payments.iter().map(payment).collect()
}

fn tax_rows(receipt: &Receipt) -> Result<Vec<TaxRow>, Rejection> {
    receipt.taxes.iter().map(tax_row).collect()
}

fn tax_row(row: &fiscal::document::Tax) -> Result<TaxRow, Rejection> {
    let wrong = || invalid(format!("Податок {} описано неправильно", row.name));
    // A tax without a letter is told apart by its kind, which is one digit in practice.
    let letter = match row.letter {
        Some(letter) => letter.canonical(),
        None => {
            char::from_digit(u32::try_from(row.tax.code()).map_err(|_| wrong())?, 10).ok_or_else(wrong)?
        }
    };
    let discounted = row.discounted_turnover.unwrap_or(row.turnover);
    Ok(TaxRow {
        tax: Tax {
            kind: TaxKind::from_code(u8::try_from(row.tax.code()).map_err(|_| wrong())?),
            name: row.name.clone(),
            letter: Letter::new(letter).map_err(|_| wrong())?,
            percent: Percent::from_units(row.rate.units()),
            excluded: row.on_top.unwrap_or(false),
        },
        turnover: row.turnover,
        turnover_discounted: discounted,
        source: row.base.unwrap_or(discounted),
        sum: row.sum,
    })
}

/// Computes the taxes anew from the rows and their letters (the tax service recomputes too). Of a part that is paid of a receipt, the
/// rows are of the part and its goods are of the whole, so that they are taken as they are.
fn check_taxes(receipt: &Receipt, stated: &[TaxRow]) -> Result<(), Rejection> {
    let part = receipt
        .total
        .as_ref()
        .is_some_and(|total| total.part_sum.is_some());
    let lettered = receipt.rows.iter().any(|row| row.letters.is_some());
    if part || (stated.is_empty() && !lettered) {
        return Ok(());
    }
    let unclear =
        |error: arithmetic::Error| invalid(format!("Податки документа неможливо розрахувати: {error}"));
    let table = TaxTable::new(stated.iter().map(|row| row.tax.clone()).collect()).map_err(unclear)?;
    let lines = receipt.rows.iter().map(line).collect::<Result<_, _>>()?;
    // What the receipt's discount has beyond those of its rows was not divided among them.
    let shared = discount(receipt)?.checked_sub(add(receipt.rows.iter().map(row_discount))?);
    let shared = shared.filter(|shared| shared.units() > 0);
    let totals = arithmetic::Receipt {
        lines,
        discount: shared.map(Discount::Sum),
    }
    .totals(&table)
    .map_err(unclear)?;
    for row in stated {
        let expected = totals
            .taxes
            .iter()
            .find(|computed| computed.tax.letter == row.tax.letter);
        let (turnover, sum) = expected.map_or((Money::ZERO, Money::ZERO), |row| (row.turnover, row.sum));
        if turnover != row.turnover || sum != row.sum {
            return Err(invalid(format!(
                "Розрахована сума податку {} {sum} (обсяг {turnover}) не дорівнює сумі в документі {} (обсяг {})",
                row.tax.name, row.sum, row.turnover
            )));
        }
    }
    Ok(())
}

fn line(row: &Row) -> Result<Line, Rejection> {
    let letters = row.letters.as_ref().map_or(&[][..], |letters| letters.as_slice());
    let letter = |letter: &fiscal::TaxLetter| {
        Letter::new(letter.canonical())
            .map_err(|_| invalid(format!("Невідома літера податку {}", letter.as_written())))
    };
    let discount = row_discount(row);
    Ok(Line {
        price: None,
        quantity: row.quantity.unwrap_or_default(),
        cost: row.cost,
        discount: (!discount.is_zero()).then_some(Discount::Sum(discount)),
        letters: letters.iter().map(letter).collect::<Result<_, _>>()?,
    })
}

fn pawnshop(receipt: &Receipt) -> Result<Entry, Rejection> {
    let figures = receipt_figures(receipt, true)?;
    let side = |received: bool| {
        let rows = receipt
            .rows
            .iter()
            .filter(|row| row.pawnshop_received == Some(received));
        add(rows.filter_map(|row| row.cost))
    };
    let (issued, received) = (side(false)?, side(true)?);
    let total = receipt.total.as_ref();
    let stated = |pick: fn(&fiscal::document::Total) -> Option<Money>| total.and_then(pick);
    for (expected, given) in [
        (issued, stated(|total| total.pawnshop_issued)),
        (received, stated(|total| total.pawnshop_received)),
    ] {
        if given.is_some_and(|given| given != expected) {
            return Err(sum_differs(expected, given.unwrap_or_default()));
        }
    }
    Ok(Entry::Pawnshop {
        figures,
        issued,
        received,
    })
}

fn withdrawal(receipt: &Receipt) -> Result<Withdrawal, Rejection> {
    let sum = stated_sum(receipt)?;
    let commission = receipt.total.as_ref().and_then(|total| total.commission);
    let paid = add(payments(receipt)?.iter().map(|payment| payment.sum))?;
    if paid != sum {
        return Err(sum_differs(paid, sum));
    }
    Withdrawal::new(sum, commission.unwrap_or_default())
        .map_err(|_| invalid(format!("Сума видачі готівки {sum} не є додатною")))
}

fn add(sums: impl IntoIterator<Item = Money>) -> Result<Money, Rejection> {
    let sum = sums.into_iter().try_fold(Money::ZERO, Money::checked_add);
    sum.ok_or_else(|| invalid("Сума документа завелика"))
}

/// The tax service's own words.
fn sum_differs(expected: Money, given: Money) -> Rejection {
    invalid(format!(
        "Розрахована загальна сума {expected} (з урахуванням податків і дисконтів) не дорівнює загальній сумі в документі {given}"
    ))
}

fn disagreement(error: &arithmetic::Error) -> Rejection {
    match error {
        arithmetic::Error::SumMismatch { expected, given } => sum_differs(*expected, *given),
        arithmetic::Error::PaymentsMismatch { expected, given } => invalid(format!(
            "Сума форм оплати {given} не дорівнює сумі до сплати {expected}"
        )),
        arithmetic::Error::UnroundedMismatch { expected, given } => invalid(format!(
            "Розрахована сума без заокруглення {expected} не дорівнює сумі в документі {given}"
        )),
        arithmetic::Error::ChangeMismatch { row, expected, given } => invalid(format!(
            "Решта форми оплати {row} у документі {given} не дорівнює розрахованій {expected}"
        )),
        other => invalid(format!("Суми документа не узгоджені: {other}")),
    }
}
