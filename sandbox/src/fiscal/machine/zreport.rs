//! The totals of a shift, and a Z-report held against them.

use super::book::{Book, Shift};
use super::figures;
use super::refusal::invalid;
use fiscal::arithmetic::{PAYMENT_ROWS_MAX, Report, Section, ShiftTotals};
use fiscal::document::{Turnover, ZReport};
use fiscal::{Money, Rejection};
use std::collections::BTreeMap;

impl Book {
    /// What the documents of a shift that stand add up to. Counted anew whenever it is asked for: a stand-in's shifts are short, and
    /// nothing has to be undone when a document is stornoed or revoked.
    pub(super) fn totals(&self, shift: &Shift) -> Result<Report, Rejection> {
        let mut totals = ShiftTotals::default();
        for entry in self.of_shift(shift.id).filter(|entry| !entry.storned) {
            let Some(figures) = figures::entry(&entry.accepted.document.kind)? else {
                continue;
            };
            totals.accept(figures).map_err(|error| {
                invalid(format!(
                    "Підсумки зміни неможливо розрахувати (форм оплати не більше {PAYMENT_ROWS_MAX}): {error}"
                ))
            })?;
        }
        Ok(totals.report())
    }
}

/// Code 9: the report's sums, counts, payments and taxes must be those of the shift.
pub(super) fn check(stated: &ZReport, counted: &Report) -> Result<(), Rejection> {
    check_side("ZREPREALIZ", stated.sales.as_ref(), counted.sales.as_ref())?;
    check_side("ZREPRETURN", stated.returns.as_ref(), counted.returns.as_ref())?;
    let cash = stated.cash.clone().unwrap_or_default();
    let withdrawals = counted.withdrawals.unwrap_or_default();
    same("ZREPCASH.SUM", withdrawals.sum, cash.sum)?;
    same(
        "ZREPCASH.COMMISSION",
        withdrawals.commission,
        cash.commission.unwrap_or_default(),
    )?;
    same("ZREPCASH.ORDERSCNT", withdrawals.orders_count, cash.receipts)?;
    let body = stated.body.clone().unwrap_or_default();
    same(
        "ZREPBODY.SERVICEINPUT",
        counted.service_input,
        body.deposits.unwrap_or_default(),
    )?;
    same(
        "ZREPBODY.SERVICEOUTPUT",
        counted.service_output,
        body.issues.unwrap_or_default(),
    )
}

fn check_side(name: &str, stated: Option<&Turnover>, counted: Option<&Section>) -> Result<(), Rejection> {
    let stated = stated.cloned().unwrap_or_default();
    let counted = counted.cloned().unwrap_or_default();
    let field = |field: &str| format!("{name}.{field}");
    same(&field("SUM"), counted.sum, stated.sum)?;
    same(&field("ORDERSCNT"), counted.orders_count, stated.receipts)?;
    same(
        &field("RNDSUM"),
        counted.rounding_sum,
        stated.rounding.unwrap_or_default(),
    )?;
    for (element, counted, stated) in [
        ("PWNSUMISSUED", counted.pawn_issued, stated.pawnshop_issued),
        ("PWNSUMRECEIVED", counted.pawn_received, stated.pawnshop_received),
    ] {
        same(&field(element), counted, stated.unwrap_or_default())?;
    }
    // Names of payments are free text: only codes are compared.
    let counted_payments = counted.payments.iter();
    let counted_payments = gather(counted_payments.map(|row| (u64::from(row.form.code), row.sum)));
    let stated_payments = gather(stated.payments.iter().map(|row| (row.form.code(), row.sum)));
    same_rows(&field("PAYFORMS"), &counted_payments, &stated_payments)?;
    let counted_taxes = gather(counted.taxes.iter().map(|total| {
        let tax = &total.row.tax;
        ((u64::from(tax.kind.code()), tax.percent.units()), total.row.sum)
    }));
    let stated_taxes = stated.taxes.iter();
    let stated_taxes = gather(stated_taxes.map(|row| ((row.tax.code(), row.rate.units()), row.sum)));
    same_rows(&field("TAXES"), &counted_taxes, &stated_taxes)
}

/// Sums by key; rows of nothing are as good as none.
fn gather<K: Ord>(rows: impl Iterator<Item = (K, Money)>) -> BTreeMap<K, Money> {
    let mut sums = BTreeMap::new();
    for (key, sum) in rows {
        let total: &mut Money = sums.entry(key).or_default();
        // A sum out of bounds is equal to none that was counted.
        *total = total.checked_add(sum).unwrap_or(Money::from_units(i64::MAX));
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

fn same_rows<K: Ord + std::fmt::Debug>(
    field: &str,
    counted: &BTreeMap<K, Money>,
    stated: &BTreeMap<K, Money>,
) -> Result<(), Rejection> {
    let keys = counted.keys().chain(stated.keys());
    for key in keys {
        let sum = |rows: &BTreeMap<K, Money>| rows.get(key).copied().unwrap_or_default();
        same(&format!("{field}[{key:?}]"), sum(counted), sum(stated))?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Display>(field: &str, counted: T, stated: T) -> Result<(), Rejection> {
    if counted == stated {
        return Ok(());
    }
    Err(invalid(format!(
        "Розраховане значення {field} {counted} не дорівнює значенню в Z-звіті {stated}"
    )))
}
