//! How receipts are paid, what a pawnshop and a withdrawal come to, and figures that do not add up.

use crate::build::*;
use fiscal::Money;
use fiscal::arithmetic::*;

fn settled(settlement: &Settlement) -> (String, String, Vec<String>) {
    let payments = (settlement.payments.iter())
        .map(|row| {
            let change = row.provided.zip(row.remains);
            let change = change.map_or(String::new(), |(provided, remains)| {
                format!(" {provided} {remains}")
            });
            format!("{} {}{change}", row.form.code, row.sum)
        })
        .collect();
    (
        settlement.sum.to_string(),
        settlement.rounding.to_string(),
        payments,
    )
}

#[test]
fn only_what_is_paid_in_cash_is_rounded() {
    let ten = Some(CashRounding::TO_TEN_KOPECKS);
    let fifty = Some(CashRounding::TO_FIFTY_KOPECKS);
    for (name, owed, by_card, handed, rule, sum, rounding, rows) in [
        (
            "the sample of rounding",
            "12.57",
            None,
            Some("20.00"),
            ten,
            "12.60",
            "-0.03",
            &["0 12.60 20.00 7.40"][..],
        ),
        (
            "the clients' example",
            "25.53",
            None,
            Some("30.00"),
            ten,
            "25.50",
            "0.03",
            &["0 25.50 30.00 4.50"],
        ),
        (
            "exact money needs no PROVIDED",
            "25.53",
            None,
            Some("25.50"),
            ten,
            "25.50",
            "0.03",
            &["0 25.50"],
        ),
        (
            "by fifty",
            "25.53",
            None,
            None,
            fifty,
            "25.50",
            "0.03",
            &["0 25.50"],
        ),
        (
            "by fifty, up",
            "25.75",
            None,
            None,
            fifty,
            "26.00",
            "-0.25",
            &["0 26.00"],
        ),
        (
            "no rule",
            "25.53",
            None,
            None,
            None,
            "25.53",
            "0.00",
            &["0 25.53"],
        ),
        (
            "a card is exact",
            "25.53",
            Some("25.53"),
            None,
            ten,
            "25.53",
            "0.00",
            &["1 25.53"],
        ),
        (
            "mixed",
            "25.53",
            Some("20.01"),
            Some("6.00"),
            ten,
            "25.51",
            "0.02",
            &["1 20.01", "0 5.50 6.00 0.50"],
        ),
        (
            "what is left rounds to nothing",
            "25.53",
            Some("25.50"),
            None,
            fifty,
            "25.50",
            "0.03",
            &["1 25.50"],
        ),
        (
            "a sale in cash is not for nothing",
            "0.04",
            None,
            None,
            ten,
            "0.10",
            "-0.06",
            &["0 0.10"],
        ),
        (
            "but what a card leaves may be",
            "25.54",
            Some("25.50"),
            None,
            ten,
            "25.50",
            "0.04",
            &["1 25.50"],
        ),
        (
            "nothing is owed",
            "0.00",
            None,
            None,
            ten,
            "0.00",
            "0.00",
            &["0 0.00"],
        ),
    ] {
        let cashless: Vec<_> = by_card.map(|sum| (card(), money(sum))).into_iter().collect();
        let settlement = settle(money(owed), &cashless, Some(&cash(handed)), rule);
        let settlement = settlement.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(
            settled(&settlement),
            (
                sum.into(),
                rounding.into(),
                rows.iter().map(ToString::to_string).collect()
            ),
            "{name}"
        );
        assert_eq!(settlement.unrounded, money(owed), "{name}");
    }
}

#[test]
fn what_does_not_pay_a_receipt_is_refused() {
    let owed = money("25.53");
    let paid = |sum: &str| vec![(card(), money(sum))];
    assert_eq!(
        settle(owed, &paid("25.54"), None, None),
        Err(Error::Overpaid {
            due: owed,
            paid: money("25.54")
        })
    );
    assert_eq!(
        settle(owed, &paid("25.00"), None, None),
        Err(Error::PaymentsMismatch {
            expected: owed,
            given: money("25.00")
        })
    );
    assert_eq!(
        settle(owed, &paid("-1.00"), None, None),
        Err(Error::NotAPayment(1))
    );
    assert_eq!(
        settle(owed, &paid("0.00"), None, None),
        Err(Error::NotAPayment(1))
    );
    assert_eq!(
        settle(
            owed,
            &[(PaymentForm::new(0, "ГОТІВКА"), money("1.00"))],
            None,
            None
        ),
        Err(Error::NotAPayment(1))
    );
    assert_eq!(
        settle(owed, &[], Some(&cash(Some("25.52"))), None),
        Err(Error::CashTooLittle {
            due: owed,
            provided: money("25.52")
        })
    );
    let many = vec![(card(), money("0.01")); PAYMENTS_MAX];
    assert_eq!(
        settle(owed, &many, None, None),
        Err(Error::TooManyPayments(PAYMENTS_MAX))
    );
}

fn pawn(rows: &[(&str, PawnDirection, &str)]) -> PawnReceipt {
    PawnReceipt {
        lines: rows
            .iter()
            .map(|(cost, direction, letters)| PawnLine {
                cost: money(cost),
                direction: *direction,
                letters: Letter::all(letters).expect("letters"),
            })
            .collect(),
    }
}

#[test]
fn a_pawnshop_owes_what_it_received_less_what_it_issued() {
    use PawnDirection::{Issued, Received};
    let totals = pawn(&[("99.99", Issued, ""), ("10.00", Received, "")])
        .totals(&table())
        .expect("totals");
    assert_eq!(
        (totals.issued, totals.received, totals.owed),
        (money("99.99"), money("10.00"), money("-89.99"))
    );
    let settlement = settle(totals.owed, &[], Some(&cash(Some("-200.00"))), None).expect("settled");
    assert_eq!(
        settled(&settlement),
        (
            "-89.99".into(),
            "0.00".into(),
            vec!["0 -89.99 -200.00 -110.01".to_owned()]
        )
    );

    let totals = pawn(&[
        ("2828.60", Issued, "В"),
        ("96.78", Issued, "В"),
        ("65.64", Issued, "В"),
    ]);
    let totals = totals.totals(&table()).expect("totals");
    assert_eq!(totals.taxes[0].turnover, money("2991.02"));
    let rule = Some(CashRounding::TO_TEN_KOPECKS);
    let settlement = settle(totals.owed, &[], Some(&cash(None)), rule).expect("settled");
    assert_eq!(
        settled(&settlement),
        ("-2991.00".into(), "-0.02".into(), vec!["0 -2991.00".to_owned()])
    );

    assert_eq!(
        pawn(&[("1.00", Issued, ""), ("1.00", Received, "Д")]).totals(&table()),
        Err(Error::ExcludedTaxInPawnshop(2))
    );
    assert_eq!(
        settle(money("-5.00"), &[], Some(&cash(Some("-4.99"))), None),
        Err(Error::CashTooLittle {
            due: money("-5.00"),
            provided: money("-4.99")
        })
    );
}

#[test]
fn a_pawnshop_has_lines_and_not_too_many() {
    let of = |count| pawn(&vec![("1.00", PawnDirection::Received, ""); count]).totals(&table());
    assert_eq!(of(0), Err(Error::NoLines));
    assert_eq!(of(LINES_MAX).map(|totals| totals.owed), Ok(money("2000.00")));
    assert_eq!(of(LINES_MAX + 1), Err(Error::TooManyLines(LINES_MAX + 1)));
    let negative = pawn(&[
        ("1.00", PawnDirection::Issued, ""),
        ("-0.01", PawnDirection::Issued, ""),
    ]);
    assert_eq!(negative.totals(&table()), Err(Error::NegativeLine(2)));
}

#[test]
fn a_withdrawal_hands_out_something() {
    let withdrawal = Withdrawal::new(money("500.00"), money("5.00")).expect("the sample");
    assert_eq!(
        (withdrawal.sum(), withdrawal.commission()),
        (money("500.00"), money("5.00"))
    );
    for (sum, commission) in [("0.00", "0.00"), ("-1.00", "0.00"), ("1.00", "-0.01")] {
        assert!(
            Withdrawal::new(money(sum), money(commission)).is_err(),
            "{sum} {commission}"
        );
    }
}

fn row(form: PaymentForm, sum: &str, change: Option<(&str, &str)>) -> Payment {
    Payment {
        form,
        sum: money(sum),
        provided: change.map(|(provided, _)| money(provided)),
        remains: change.map(|(_, remains)| money(remains)),
    }
}

#[test]
fn figures_that_do_not_add_up_are_refused_with_what_was_expected() {
    let cash = || PaymentForm::new(0, "ГОТIВКА");
    let costs = [money("300.00"), money("12.57")];
    let payments = [
        row(card(), "200.00", Some(("200.00", "0.00"))),
        row(cash(), "22.60", Some(("50.00", "27.40"))),
    ];
    let good = || Stated {
        costs: &costs,
        discount: money("90.00"),
        excluded_tax: money("0.00"),
        rounding: money("-0.03"),
        unrounded: Some(money("222.57")),
        sum: money("222.60"),
        part_payment: None,
        payments: &payments,
    };
    let rule = Some(CashRounding::TO_TEN_KOPECKS);
    assert_eq!(good().check(rule), Ok(()));
    let wrong = |stated: Stated<'_>, error: Error| assert_eq!(stated.check(rule), Err(error));
    let pair = |expected: &str, given: &str| (money(expected), money(given));

    let (expected, given) = pair("222.61", "222.60");
    wrong(
        Stated {
            discount: money("89.99"),
            ..good()
        },
        Error::SumMismatch { expected, given },
    );
    let (expected, given) = pair("222.60", "222.59");
    wrong(
        Stated { sum: given, ..good() },
        Error::SumMismatch { expected, given },
    );
    let (expected, given) = pair("222.57", "222.54");
    wrong(
        Stated {
            unrounded: Some(given),
            ..good()
        },
        Error::UnroundedMismatch { expected, given },
    );
    let (expected, given) = pair("222.60", "200.00");
    wrong(
        Stated {
            payments: &payments[..1],
            ..good()
        },
        Error::PaymentsMismatch { expected, given },
    );
    let (expected, given) = pair("27.40", "27.41");
    let change = [
        payments[0].clone(),
        row(cash(), "22.60", Some(("50.00", "27.41"))),
    ];
    wrong(
        Stated {
            payments: &change,
            ..good()
        },
        Error::ChangeMismatch {
            row: 2,
            expected,
            given,
        },
    );
    // The same figures with the whole by card: a rounding that no cash explains.
    let by_card = [row(card(), "222.60", None)];
    let (expected, given) = pair("0.00", "-0.03");
    let by_card = Stated {
        payments: &by_card,
        ..good()
    };
    wrong(by_card.clone(), Error::RoundingMismatch { expected, given });
    assert_eq!(
        by_card.check(None),
        Ok(()),
        "without a rule only the sums are checked"
    );
    // Rounded by the rule of ten where fifty is the rule.
    let (expected, given) = pair("0.07", "-0.03");
    assert_eq!(
        good().check(Some(CashRounding::TO_FIFTY_KOPECKS)),
        Err(Error::RoundingMismatch { expected, given })
    );
    // A rest in cash that was rounded away leaves a card alone, and its rounding.
    let vanished = Stated {
        costs: &[money("200.20")],
        discount: Money::ZERO,
        rounding: money("0.20"),
        unrounded: None,
        sum: money("200.00"),
        payments: &payments[..1],
        ..good()
    };
    assert_eq!(vanished.check(Some(CashRounding::TO_FIFTY_KOPECKS)), Ok(()));
}

#[test]
fn the_least_sum_is_checked_where_cash_is_the_whole_payment() {
    let cash = |sum| row(PaymentForm::new(0, "ГОТІВКА"), sum, None);
    let check = |cost: &str, rounding: &str, sum: &str, payments: &[Payment]| {
        let stated = Stated {
            costs: &[money(cost)],
            discount: Money::ZERO,
            excluded_tax: Money::ZERO,
            rounding: money(rounding),
            unrounded: None,
            sum: money(sum),
            part_payment: None,
            payments,
        };
        stated.check(Some(CashRounding::TO_TEN_KOPECKS))
    };
    let mismatch = |expected: &str, given: &str| {
        Err(Error::RoundingMismatch {
            expected: money(expected),
            given: money(given),
        })
    };
    assert_eq!(check("0.04", "-0.06", "0.10", &[cash("0.10")]), Ok(()));
    assert_eq!(
        check("0.04", "0.04", "0.00", &[cash("0.00")]),
        mismatch("-0.06", "0.04")
    );
    let card = row(card(), "1.00", None);
    assert_eq!(
        check("1.04", "-0.06", "1.10", &[card.clone(), cash("0.10")]),
        mismatch("0.04", "-0.06")
    );
    assert_eq!(check("1.04", "0.04", "1.00", &[card]), Ok(()));
}

#[test]
fn a_part_payment_is_rounded_by_itself() {
    let payments = [row(PaymentForm::new(0, "ГОТІВКА"), "25.30", None)];
    let stated = Stated {
        costs: &[money("59.00")],
        discount: Money::ZERO,
        excluded_tax: Money::ZERO,
        rounding: money("0.04"),
        unrounded: Some(money("25.34")),
        sum: money("59.00"),
        part_payment: Some(money("25.30")),
        payments: &payments,
    };
    assert_eq!(stated.check(Some(CashRounding::TO_TEN_KOPECKS)), Ok(()));
    let whole = Stated {
        part_payment: None,
        ..stated
    };
    assert_eq!(
        whole.check(None),
        Err(Error::SumMismatch {
            expected: money("58.96"),
            given: money("59.00")
        })
    );
}
