//! What a document adds to its shift, and what a shift's Z-report says: between the documents' types and the arithmetic's.

use crate::arithmetic::{
    Entry, Figures, Letter, PaymentForm as Form, Report, Section, Tax as RegisteredTax, TaxKind, TaxRow,
    Withdrawal,
};
use crate::document::{
    CashMovement, CashWithdrawals, Kind, PaymentForm, PaymentTotal, Receipt, Service, Tax, TaxTotal, TaxType,
    Turnover, ZBody, ZReport,
};
use crate::{Money, Percent, TaxLetter, document};

/// What a document adds to its shift; `None` for what adds nothing (shifts, storno, offline sessions), and for services whose totals are kept otherwise
/// (currency, transfers, pawnshops, whose rows say which way each went).
#[must_use]
pub fn entry(kind: &Kind) -> Option<Entry> {
    match kind {
        Kind::Sale {
            service: Service::Goods,
            receipt,
        } => figures(receipt).map(Entry::Sale),
        Kind::Sale {
            service: Service::CashWithdrawal,
            receipt,
        } => {
            let total = receipt.total.as_ref()?;
            let withdrawal = Withdrawal::new(total.sum?, total.commission.unwrap_or_default());
            withdrawal.ok().map(Entry::Withdrawal)
        }
        Kind::Return {
            service: Service::Goods,
            receipt,
            ..
        } => figures(receipt).map(Entry::Return),
        Kind::CashMovement {
            movement, receipt, ..
        } => {
            let sum = receipt.total.as_ref()?.sum?;
            Some(match movement {
                CashMovement::ServiceDeposit | CashMovement::AdditionalDeposit => Entry::ServiceInput(sum),
                CashMovement::ServiceIssue => Entry::ServiceOutput(sum),
            })
        }
        _ => None,
    }
}

fn figures(receipt: &Receipt) -> Option<Figures> {
    let total = receipt.total.as_ref()?;
    let payment = |payment: &document::Payment| {
        let code = u32::try_from(payment.form.code()).ok()?;
        Some((Form::new(code, payment.name.clone()), payment.sum?))
    };
    Some(Figures {
        sum: total.sum?,
        rounding: total.rounding.unwrap_or_default(),
        payments: receipt.payments.iter().map(payment).collect::<Option<_>>()?,
        taxes: receipt.taxes.iter().map(tax_row).collect::<Option<_>>()?,
    })
}

fn tax_row(tax: &Tax) -> Option<TaxRow> {
    Some(TaxRow {
        tax: RegisteredTax {
            kind: TaxKind::from_code(u8::try_from(tax.tax.code()).ok()?),
            name: tax.name.clone(),
            letter: Letter::new(tax.letter?.canonical()).ok()?,
            percent: Percent::from_units(tax.rate.units()),
            excluded: tax.on_top.unwrap_or(false),
        },
        turnover: tax.turnover,
        turnover_discounted: tax.discounted_turnover.unwrap_or(tax.turnover),
        source: tax.base.unwrap_or(tax.turnover),
        sum: tax.sum,
    })
}

/// The Z-report of what a shift adds up to; an X-report shows the same figures.
#[must_use]
pub fn z_report(report: &Report) -> ZReport {
    ZReport {
        sales: report.sales.as_ref().map(turnover),
        returns: report.returns.as_ref().map(turnover),
        cash: report.withdrawals.map(|withdrawals| CashWithdrawals {
            sum: withdrawals.sum,
            commission: Some(withdrawals.commission),
            receipts: withdrawals.orders_count,
        }),
        currency: None,
        fuel: None,
        body: Some(ZBody {
            deposits: Some(report.service_input),
            issues: Some(report.service_output),
            vehicle: None,
        }),
    }
}

fn turnover(section: &Section) -> Turnover {
    let is_rounded = section.rounded_count > 0;
    let has = |count: u64, sum: Money| (count > 0).then_some(sum);
    Turnover {
        sum: section.sum,
        pawnshop_issued: has(section.pawn_issued_count, section.pawn_issued),
        pawnshop_received: has(section.pawn_received_count, section.pawn_received),
        rounding: is_rounded.then_some(section.rounding_sum),
        unrounded: section
            .sum
            .checked_add(section.rounding_sum)
            .filter(|_| is_rounded),
        receipts: section.orders_count,
        pawnshop_receipts_issued: (section.pawn_issued_count > 0).then_some(section.pawn_issued_count),
        pawnshop_receipts_received: (section.pawn_received_count > 0).then_some(section.pawn_received_count),
        transfers: None,
        transfers_sum: None,
        transfers_commission: None,
        payments: section
            .payments
            .iter()
            .map(|row| PaymentTotal {
                form: PaymentForm::new(row.form.code.into()),
                name: row.form.name.clone(),
                sum: row.sum,
            })
            .collect(),
        taxes: section.taxes.iter().map(|total| tax_total(&total.row)).collect(),
    }
}

fn tax_total(row: &TaxRow) -> TaxTotal {
    TaxTotal {
        tax: TaxType::new(row.tax.kind.code().into()),
        name: row.tax.name.clone(),
        // A letter of a tax is a visible character, so that it is one of a document, too.
        letter: TaxLetter::new(row.tax.letter.character()).ok(),
        rate: Money::from_units(row.tax.percent.units()),
        on_top: row.tax.excluded.then_some(true),
        turnover: row.turnover,
        discounted_turnover: Some(row.turnover_discounted),
        base: Some(row.source),
        sum: row.sum,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::ShiftTotals;
    use crate::document::{Payment, Total};

    fn money(kopecks: i64) -> Money {
        Money::from_units(kopecks)
    }

    fn receipt(kopecks: i64, rounding: i64, tax: i64) -> Receipt {
        Receipt {
            total: Some(Total {
                rounding: (rounding != 0).then_some(money(rounding)),
                unrounded: (rounding != 0).then_some(money(kopecks + rounding)),
                ..Total::of(money(kopecks))
            }),
            payments: vec![Payment::cash(money(kopecks))],
            taxes: vec![Tax {
                tax: TaxType::VAT,
                name: "ПДВ".to_owned(),
                letter: TaxLetter::new('А').ok(),
                rate: money(2_000),
                on_top: None,
                turnover: money(kopecks),
                discounted_turnover: None,
                base: Some(money(kopecks)),
                sum: money(tax),
            }],
            ..Receipt::default()
        }
    }

    #[test]
    fn a_shift_of_documents_becomes_its_z_report() {
        let sale = |receipt| Kind::Sale {
            service: Service::Goods,
            receipt,
        };
        let documents = [
            Kind::OpenShift,
            Kind::cash(CashMovement::ServiceDeposit, money(10_000)),
            // 2 x 8.33, not 16.67: each receipt's tax is rounded by itself.
            sale(receipt(5_000, 0, 833)),
            sale(receipt(5_000, -3, 833)),
            Kind::cash(CashMovement::ServiceIssue, money(3_000)),
        ];
        let mut totals = ShiftTotals::default();
        for entry in documents.iter().filter_map(entry) {
            totals.accept(entry).unwrap();
        }
        let report = z_report(&totals.report());
        let sales = report.sales.unwrap();
        assert_eq!(sales.sum, money(10_000));
        assert_eq!(sales.receipts, 2);
        assert_eq!(sales.rounding, Some(money(-3)));
        assert_eq!(sales.unrounded, Some(money(9_997)));
        assert_eq!(sales.payments.len(), 1);
        assert_eq!(sales.payments[0].sum, money(10_000));
        assert_eq!(sales.taxes[0].sum, money(1_666));
        assert_eq!(sales.taxes[0].rate, money(2_000));
        assert_eq!(report.returns, None);
        let body = report.body.unwrap();
        assert_eq!(
            (body.deposits, body.issues),
            (Some(money(10_000)), Some(money(3_000)))
        );
    }
}
