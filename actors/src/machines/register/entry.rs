//! What a document adds to its shift, and what a shift's Z-report says: between the documents' types and the arithmetic's.

use fiscal::Money;
use fiscal::Percent;
use fiscal::arithmetic::{
    Entry, Figures, Letter, PaymentForm as Form, Report, Section, Tax as RegisteredTax, TaxKind, TaxRow,
    Withdrawal,
};
use fiscal::document::{
    CashMovement, CashWithdrawals, Kind, PaymentForm, PaymentTotal, Receipt, Service, Tax, TaxTotal, TaxType,
    Turnover, ZBody, ZReport,
};
use fiscal::{TaxLetter, document};

/// What a document adds to its shift; `None` for what adds nothing, and for services whose totals are kept otherwise.
pub(super) fn entry(kind: &Kind) -> Option<Entry> {
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

/// The Z-report of what a shift adds up to.
pub(super) fn z_report(report: &Report) -> ZReport {
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
