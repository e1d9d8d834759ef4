//! The published examples, row by row.

use crate::build::*;
use fiscal::arithmetic::*;
use fiscal::{AmountError, Quantity};

/// Letter, TURNOVER, TURNOVERDISCOUNT, SOURCESUM, SUM.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

fn check(name: &str, receipt: &Receipt, owed: &str, without_taxes: &str, rows: &[Row]) {
    let totals = receipt
        .totals(&table())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(totals.owed, money(owed), "{name}: owed");
    assert_eq!(
        totals.without_taxes,
        money(without_taxes),
        "{name}: without taxes"
    );
    let given: Vec<[String; 5]> = (totals.taxes.iter())
        .map(|row| {
            [
                row.tax.letter.to_string(),
                row.turnover.to_string(),
                row.turnover_discounted.to_string(),
                row.source.to_string(),
                row.sum.to_string(),
            ]
        })
        .collect();
    let expected: Vec<[String; 5]> = (rows.iter())
        .map(|(letter, turnover, discounted, source, sum)| {
            [letter, turnover, discounted, source, sum].map(|text| (*text).into())
        })
        .collect();
    assert_eq!(given, expected, "{name}: taxes");
}

#[test]
fn taxes_are_those_of_the_published_examples() {
    check(
        "two taxes: excise first, VAT on the rest",
        &receipt(vec![line("259.90", "АГ")]),
        "259.90",
        "206.27",
        &[
            ("А", "259.90", "259.90", "247.52", "41.25"),
            ("Г", "259.90", "259.90", "259.90", "12.38"),
        ],
    );
    check(
        "the order of the letters says nothing",
        &receipt(vec![line("259.90", "ГA")]),
        "259.90",
        "206.27",
        &[
            ("А", "259.90", "259.90", "247.52", "41.25"),
            ("Г", "259.90", "259.90", "259.90", "12.38"),
        ],
    );
    check(
        "discounts of 50 and 20 per cent",
        &receipt(vec![
            less(line("100.00", "А"), percent("50")),
            less(line("200.00", "Б"), percent("20")),
        ]),
        "210.00",
        "191.20",
        &[
            ("А", "100.00", "50.00", "50.00", "8.33"),
            ("Б", "200.00", "160.00", "160.00", "10.47"),
        ],
    );
    check(
        "means of payment",
        &receipt(vec![line("100.00", "А")]),
        "100.00",
        "83.33",
        &[("А", "100.00", "100.00", "100.00", "16.67")],
    );
    check(
        "rounding leaves the tax alone; half up gives 2.10 where the sample has 2.09",
        &receipt(vec![line("12.57", "А")]),
        "12.57",
        "10.47",
        &[("А", "12.57", "12.57", "12.57", "2.10")],
    );
}

#[test]
fn taxes_follow_their_rules_where_no_example_is_published() {
    check(
        "a tax on top is added to what is owed",
        &receipt(vec![line("100.00", "Д"), line("50.00", "")]),
        "170.00",
        "150.00",
        &[("Д", "100.00", "100.00", "100.00", "20.00")],
    );
    check(
        "an excise on top leaves the base of VAT alone",
        &receipt(vec![line("120.00", "АЕ")]),
        "126.00",
        "100.00",
        &[
            ("А", "120.00", "120.00", "120.00", "20.00"),
            ("Е", "120.00", "120.00", "120.00", "6.00"),
        ],
    );
    check(
        "an excise over two rates of VAT is divided between them: 10.00 = 3.33 + 6.67",
        &receipt(vec![line("70.00", "АГ"), line("140.00", "БГ")]),
        "210.00",
        "180.17",
        &[
            ("А", "70.00", "70.00", "66.67", "11.11"),
            ("Б", "140.00", "140.00", "133.33", "8.72"),
            ("Г", "210.00", "210.00", "210.00", "10.00"),
        ],
    );
    check(
        "a tax is rounded per receipt and rate, not per line: 0.01 + 0.01 + 0.01 of tax would be 0.03",
        &receipt(vec![line("0.04", "А"), line("0.04", "А"), line("0.04", "А")]),
        "0.12",
        "0.10",
        &[("А", "0.12", "0.12", "0.12", "0.02")],
    );
    check(
        "another tax alone",
        &receipt(vec![line("101.00", "Є")]),
        "101.00",
        "100.00",
        &[("Є", "101.00", "101.00", "101.00", "1.00")],
    );
    check(
        "a receipt's discount reaches the taxes in proportion",
        &Receipt {
            lines: vec![line("100.00", "А"), line("200.00", "Б")],
            discount: Some(percent("10")),
        },
        "270.00",
        "243.22",
        &[
            ("А", "100.00", "90.00", "90.00", "15.00"),
            ("Б", "200.00", "180.00", "180.00", "11.78"),
        ],
    );
}

#[test]
fn a_discount_of_the_receipt_is_written_on_its_lines() {
    let receipt = Receipt {
        lines: vec![
            less(line("10.00", ""), percent("10")),
            line("10.00", ""),
            line("10.00", ""),
        ],
        discount: Some(Discount::Sum(money("1.00"))),
    };
    let totals = receipt.totals(&TaxTable::default()).expect("totals");
    assert_eq!(totals.costs, money("30.00"));
    assert_eq!(totals.subtotal, money("29.00"));
    assert_eq!(totals.receipt_discount, money("1.00"));
    assert_eq!(totals.discount, money("2.00"));
    assert_eq!(totals.owed, money("28.00"));
    let parts: Vec<_> = (totals.lines.iter())
        .map(|line| {
            (
                line.own_discount.to_string(),
                line.shared_discount.to_string(),
                line.discounted.to_string(),
            )
        })
        .collect();
    let row = |own: &str, shared: &str, discounted: &str| {
        (own.to_owned(), shared.to_owned(), discounted.to_owned())
    };
    // 100 kopecks over 900, 1000 and 1000 are 31.03, 34.48 and 34.48: the last kopeck goes to the first of the equal remainders.
    assert_eq!(
        parts,
        [
            row("1.00", "0.31", "8.69"),
            row("0.00", "0.35", "9.65"),
            row("0.00", "0.34", "9.66")
        ]
    );
}

#[test]
fn a_cost_stands_as_given_and_is_the_product_otherwise() {
    let priced = |price: &str, quantity: &str, cost: Option<&str>| {
        let line = Line {
            price: Some(price.parse().expect("a price")),
            quantity: quantity.parse().expect("a quantity"),
            cost: cost.map(money),
            ..line("0.00", "")
        };
        receipt(vec![line]).totals(&table()).map(|totals| totals.costs)
    };
    assert_eq!(
        priced("12.765", "2", None),
        Ok(money("25.53")),
        "from the exact price"
    );
    assert_eq!(priced("52.30", "5.701", None), Ok(money("298.16")));
    assert_eq!(
        priced("0.333", "0.5", None),
        Ok(money("0.17")),
        "0.1665 is half up"
    );
    assert_eq!(priced("52.30", "5.701", Some("298.11")), Ok(money("298.11")));
    assert_eq!(
        priced("999999999999", "999999999999", None),
        Err(Error::Amount(AmountError::TooLarge))
    );
    let largest = Line {
        price: Some(fiscal::Price::from_units(i64::MAX)),
        quantity: Quantity::from_units(i64::MAX),
        cost: None,
        ..line("0.00", "")
    };
    assert_eq!(
        receipt(vec![largest]).totals(&table()),
        Err(Error::Amount(AmountError::TooLarge))
    );
}

#[test]
fn lines_that_cannot_be_are_refused_by_their_number() {
    let letter = |character| Letter::new(character).expect("a letter");
    let second = |wrong: Line| {
        receipt(vec![line("1.00", "А"), wrong])
            .totals(&table())
            .expect_err("refused")
    };
    assert_eq!(receipt(vec![]).totals(&table()), Err(Error::NoLines));
    assert_eq!(
        receipt(vec![line("1.00", ""); LINES_MAX + 1]).totals(&table()),
        Err(Error::TooManyLines(LINES_MAX + 1))
    );
    assert_eq!(
        second(Line {
            cost: None,
            ..line("1.00", "")
        }),
        Error::CostUnknown(2)
    );
    assert_eq!(second(line("-0.01", "")), Error::NegativeLine(2));
    assert_eq!(
        second(line("1.00", "Щ")),
        Error::UnknownLetter {
            line: 2,
            letter: letter('Щ')
        }
    );
    for conflict in ["АБ", "АА", "ГЕ", "АЄ", "АГГ"] {
        assert_eq!(
            second(line("1.00", conflict)),
            Error::TaxesConflict(2),
            "{conflict}"
        );
    }
    assert_eq!(
        second(less(line("1.00", ""), Discount::Sum(money("1.01")))),
        Error::DiscountTooLarge {
            discount: money("1.01"),
            from: money("1.00")
        }
    );
    assert_eq!(
        TaxTable::new(vec![
            tax('A', TaxKind::Vat, "20", false),
            tax('А', TaxKind::Excise, "5", false)
        ]),
        Err(Error::LetterTwice(letter('А'))),
        "Latin and Cyrillic are one letter"
    );
    assert_eq!(
        TaxTable::new(vec![tax('Ж', TaxKind::Vat, "100.01", false)]),
        Err(Error::RateOutOfBounds(letter('Ж')))
    );
    assert_eq!(Letter::new('€'), Err(Error::NotALetter('€')));
}

#[test]
fn limits_are_reached_before_they_are_passed() {
    let most = receipt(vec![line("1.00", ""); LINES_MAX]).totals(&table());
    assert_eq!(most.map(|totals| totals.owed), Ok(money("2000.00")));
    let taxes = |count: u8| {
        let letters = "АБВГҐДЕЄЖЗИІЇЙКЛМ".chars().take(count.into());
        TaxTable::new(
            letters
                .map(|letter| tax(letter, TaxKind::Vat, "100", false))
                .collect(),
        )
    };
    assert_eq!(taxes(16).map(|table| table.taxes().len()), Ok(TAXES_MAX));
    assert_eq!(taxes(17), Err(Error::TooManyTaxes(17)));
    let payments = vec![(card(), money("1.00")); PAYMENTS_MAX - 1];
    let paid = settle(money("16.00"), &payments, Some(&cash(None)), None);
    assert_eq!(paid.map(|settlement| settlement.payments.len()), Ok(PAYMENTS_MAX));
}

#[test]
fn a_letter_is_cyrillic_wherever_latin_looks_the_same() {
    for (given, letters) in [
        ("ABCEHIKMOPTX", "АВСЕНІКМОРТХ"),
        ("abcehikmoptx", "АВСЕНІКМОРТХ"),
        ("абвгґеєжіїя", "АБВГҐЕЄЖІЇЯ"),
        ("DZ19", "DZ19"),
    ] {
        let read = Letter::all(given).expect("letters");
        assert_eq!(read.iter().map(ToString::to_string).collect::<String>(), letters);
    }
    for no_letter in [' ', '-', 'ё', 'ß', '٣'] {
        assert_eq!(Letter::new(no_letter), Err(Error::NotALetter(no_letter)));
    }
    for code in 0..=3 {
        assert_eq!(TaxKind::from_code(code).code(), code);
    }
    assert_eq!(
        (TaxKind::from_code(0), TaxKind::from_code(1)),
        (TaxKind::Vat, TaxKind::Excise)
    );
}
