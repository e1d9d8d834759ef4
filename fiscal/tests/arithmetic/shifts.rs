//! A shift's totals, its drawer, and what is undone.

use crate::build::*;
use fiscal::Money;
use fiscal::arithmetic::*;

pub fn figures(lines: Vec<Line>, by_card: Option<&str>, rule: Option<CashRounding>) -> Figures {
    let totals = receipt(lines).totals(&table()).expect("totals");
    let cashless: Vec<_> = by_card.map(|sum| (card(), money(sum))).into_iter().collect();
    let settlement = settle(totals.owed, &cashless, Some(&cash(None)), rule).expect("settled");
    Figures::new(&settlement, totals.taxes)
}

fn accepted(entries: impl IntoIterator<Item = Entry>) -> ShiftTotals {
    let mut shift = ShiftTotals::default();
    for entry in entries {
        shift.accept(entry).expect("accepted");
    }
    shift
}

fn withdrawal(sum: &str, commission: &str) -> Entry {
    Entry::Withdrawal(Withdrawal::new(money(sum), money(commission)).expect("a withdrawal"))
}

#[test]
fn taxes_of_a_shift_are_the_sum_of_the_receipts_taxes() {
    let sale = || Entry::Sale(figures(vec![line("50.00", "А")], None, None));
    let shift = accepted([sale(), sale()]);
    let sales = shift.report().sales.expect("sales");
    assert_eq!(sales.taxes.len(), 1);
    assert_eq!(
        sales.taxes[0].row.sum,
        money("16.66"),
        "2 × 8.33, where 100.00 would have 16.67"
    );
    assert_eq!(sales.taxes[0].row.turnover, money("100.00"));
    assert_eq!((sales.sum, sales.orders_count), (money("100.00"), 2));
    assert_eq!(sales.rounding(), Ok(None));
}

#[test]
fn a_shift_of_every_kind_reports_every_section() {
    let ten = Some(CashRounding::TO_TEN_KOPECKS);
    let pawn = PawnReceipt {
        lines: vec![
            PawnLine {
                cost: money("99.99"),
                direction: PawnDirection::Issued,
                letters: vec![],
            },
            PawnLine {
                cost: money("10.00"),
                direction: PawnDirection::Received,
                letters: vec![],
            },
        ],
    };
    let pawn = pawn.totals(&table()).expect("totals");
    let pawn_paid = settle(pawn.owed, &[], Some(&cash(None)), None).expect("settled");
    let shift = accepted([
        Entry::ServiceInput(money("1000.00")),
        Entry::Sale(figures(vec![line("12.57", "А")], None, ten)),
        Entry::Sale(figures(vec![line("25.53", "А")], Some("20.00"), ten)),
        Entry::Return(figures(vec![line("12.53", "А")], None, ten)),
        Entry::Pawnshop {
            figures: Figures::new(&pawn_paid, pawn.taxes),
            issued: pawn.issued,
            received: pawn.received,
        },
        withdrawal("500.00", "5.00"),
        Entry::ServiceInput(money("0.50")),
        Entry::ServiceOutput(money("100.00")),
    ]);
    let report = shift.report();
    let sales = report.sales.expect("sales");
    // 12.60 + 25.50 − 89.99, before rounding 12.57 + 25.53 − 89.99.
    assert_eq!(sales.sum, money("-51.89"));
    assert_eq!(
        sales.rounding(),
        Ok(Some(SectionRounding {
            rounding: money("0.00"),
            unrounded: money("-51.89")
        })),
        "two roundings that meet are still roundings"
    );
    assert_eq!((sales.orders_count, sales.rounded_count), (3, 2));
    assert_eq!(
        (sales.pawn_issued, sales.pawn_received),
        (money("99.99"), money("10.00"))
    );
    assert_eq!((sales.pawn_issued_count, sales.pawn_received_count), (1, 1));
    let forms: Vec<_> = (sales.payments.iter())
        .map(|row| (row.form.code, row.sum, row.payments_count))
        .collect();
    assert_eq!(forms, [(0, money("-71.89"), 3), (1, money("20.00"), 1)]);
    let returns = report.returns.expect("returns");
    assert_eq!((returns.sum, returns.orders_count), (money("12.50"), 1));
    assert_eq!(
        returns.rounding().expect("in bounds").expect("rounded").unrounded,
        money("12.53")
    );
    let withdrawals = report.withdrawals.expect("withdrawals");
    assert_eq!(
        (withdrawals.sum, withdrawals.commission, withdrawals.orders_count),
        (money("500.00"), money("5.00"), 1)
    );
    assert_eq!(
        (report.service_input, report.service_output),
        (money("1000.50"), money("100.00"))
    );
    // 7.00 + 1000.50 − 71.89 − 12.50 − 500.00 − 100.00: cards and commissions never enter the drawer.
    assert_eq!(shift.drawer(money("7.00")), Ok(money("323.11")));
}

#[test]
fn an_empty_shift_reports_no_section() {
    let report = ShiftTotals::default().report();
    assert_eq!(
        (report.sales, report.returns, report.withdrawals),
        (None, None, None)
    );
    assert_eq!(
        (report.service_input, report.service_output),
        (Money::ZERO, Money::ZERO)
    );
}

#[test]
fn only_the_last_document_is_undone() {
    let mut shift = accepted([Entry::ServiceInput(money("10.00"))]);
    let before = shift.report();
    let sale = Entry::Sale(figures(vec![line("259.90", "АГ")], Some("100.00"), None));
    shift.accept(sale.clone()).expect("accepted");
    assert_eq!(shift.last(), Some(&sale));
    assert_eq!(shift.undo_last(), Ok(sale));
    assert_eq!(shift.report(), before, "to the last row");
    assert_eq!(
        shift.undo_last(),
        Err(ShiftError::NothingToUndo),
        "the deposit is not the last"
    );

    shift.accept(withdrawal("1.00", "0.00")).expect("accepted");
    shift.pass();
    assert_eq!(
        shift.undo_last(),
        Err(ShiftError::NothingToUndo),
        "another document came after"
    );
}

#[test]
fn a_drawer_gives_no_more_than_it_has() {
    let shift = accepted([Entry::ServiceInput(money("100.00"))]);
    let opening = money("1.00");
    let returned = |cost: &str, by_card| Entry::Return(figures(vec![line(cost, "А")], by_card, None));
    for (entry, asked) in [
        (Entry::ServiceOutput(money("101.00")), None),
        (Entry::ServiceOutput(money("101.01")), Some("101.01")),
        (returned("101.00", None), None),
        (returned("101.01", None), Some("101.01")),
        (returned("500.00", Some("400.00")), None),
        (withdrawal("101.01", "9.00"), Some("101.01")),
        (Entry::ServiceInput(money("5.00")), None),
    ] {
        let expected = asked.map_or(Ok(()), |asked| {
            Err(ShiftError::DrawerTooLow {
                balance: money("101.00"),
                asked: money(asked),
            })
        });
        assert_eq!(shift.drawer_covers(opening, &entry), expected, "{entry:?}");
    }
}

#[test]
fn a_refused_document_moves_nothing() {
    let mut shift = ShiftTotals::default();
    let paid_by = |number: usize| {
        let form = PaymentForm::new(1, format!("КАРТКА {number}"));
        let settlement = settle(money("1.00"), &[(form, money("1.00"))], None, None).expect("settled");
        Entry::Sale(Figures::new(&settlement, vec![]))
    };
    for number in 0..PAYMENT_ROWS_MAX {
        shift.accept(paid_by(number)).expect("a means of payment");
    }
    let before = shift.clone();
    assert_eq!(
        shift.accept(paid_by(PAYMENT_ROWS_MAX)),
        Err(ShiftError::TooManyPaymentForms)
    );
    assert_eq!(shift, before);
    shift.accept(paid_by(0)).expect("one that is known");

    let much = Entry::ServiceInput(money("999999999999.99"));
    shift.accept(much.clone()).expect("in bounds");
    let before = shift.clone();
    assert_eq!(shift.accept(much), Err(ShiftError::TooLarge));
    assert_eq!(shift, before);
}

#[test]
fn a_shift_reads_back_as_it_was_stored() {
    let shift = accepted([
        Entry::Sale(figures(
            vec![line("259.90", "АГ")],
            Some("100.00"),
            Some(CashRounding::TO_TEN_KOPECKS),
        )),
        withdrawal("20.00", "0.10"),
    ]);
    let text = serde_json::to_string(&shift).expect("written");
    assert_eq!(serde_json::from_str::<ShiftTotals>(&text).expect("read"), shift);
}
