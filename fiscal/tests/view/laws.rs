//! What holds for every document and every width. Proptest prints the seed of a failure.

use crate::samples;
use encoding_rs::WINDOWS_1251;
use fiscal::document::*;
use fiscal::view::{Appearance, Subject, View, Width};
use fiscal::{FiscalNumber, Head, Money, Quantity, TaxLetter};
use proptest::collection::vec;
use proptest::prelude::*;

/// Names as people write them and as they do not: long words, blanks in rows, signs that paper has not.
fn text(most: usize) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[А-Яа-яҐґЄєІіЇї]{1,12}",
        2 => "[A-Za-z0-9/.,№«»%-]{1,20}",
        1 => "[А-Я0-9]{20,80}",
        1 => "[\\t\\n\u{a0}\u{ad}₴☕😀<&\"']{1,4}",
    ];
    vec(word, 0..12).prop_map(move |words| words.join(" ").chars().take(most).collect())
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![
        (-1_000_000_i64..1_000_000).prop_map(Money::from_units),
        (-100_000_000_000_000_i64..=100_000_000_000_000).prop_map(Money::from_units),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let discount = (money(), proptest::option::of(money()));
    (
        (text(64), text(64), text(1024), text(64), text(200)),
        (0_i64..1_000_000_000, money(), money(), "[А-ЯA-Z]{0,15}"),
        (
            proptest::option::of(discount),
            vec(text(64), 0..3),
            any::<Option<bool>>(),
        ),
    )
        .prop_map(
            |((code, barcode, name, unit, comment), (quantity, price, cost, letters), rest)| {
                let (discount, labels, pawnshop_received) = rest;
                Row {
                    code: Some(code),
                    barcode: Some(barcode),
                    name: Some(name),
                    unit_name: Some(unit),
                    quantity: Some(Quantity::from_units(quantity)),
                    price: Some(price),
                    cost: Some(cost),
                    letters: letters.parse().ok(),
                    discount: discount.map(|(sum, percent)| {
                        Box::new(Discount {
                            kind: Some(DiscountKind::Percent),
                            percent,
                            sum: Some(sum),
                            ..Discount::default()
                        })
                    }),
                    comment: Some(comment),
                    excise_labels: labels.into_iter().map(|text| ExciseLabel { text }).collect(),
                    pawnshop_received,
                    ..Row::default()
                }
            },
        )
}

prop_compose! {
    fn receipt()(
        rows in vec(row(), 0..6),
        sums in vec(money(), 8),
        names in vec(text(64), 6),
        letter in "[А-Я]",
    ) -> Receipt {
        let system = PaymentSystem {
            name: Some(names[0].clone()),
            acquirer_name: Some(names[1].clone()),
            card: Some(names[2].clone()),
            commission: Some(sums[0]),
            ..PaymentSystem::default()
        };
        let payment = Payment {
            name: names[3].clone(),
            provided: Some(sums[1]),
            change: Some(sums[2]),
            ..Payment::card(sums[3], system)
        };
        let tax = Tax {
            tax: TaxType::VAT,
            name: names[4].clone(),
            letter: letter.chars().next().and_then(|letter| TaxLetter::new(letter).ok()),
            rate: sums[4],
            on_top: Some(true),
            turnover: sums[5],
            discounted_turnover: None,
            base: None,
            sum: sums[6],
        };
        Receipt {
            rows,
            total: Some(Total {
                unrounded: Some(sums[7]),
                discount: Some(sums[0]),
                part_sum: Some(sums[1]),
                prepayment_number: Some(names[5].clone()),
                ..Total::of(sums[3])
            }),
            taxes: vec![tax],
            payments: vec![payment],
            ..Receipt::default()
        }
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    (receipt(), 0..3).prop_map(|(receipt, which)| match which {
        0 => Kind::sale(receipt),
        1 => Kind::goods_return(Original::default(), receipt),
        _ => Kind::Sale {
            service: Service::Pawnshop,
            receipt,
        },
    })
}

prop_compose! {
    fn document()(
        kind in kind(),
        names in vec(text(256), 4),
        number in "[!-~]{1,128}",
        is_offline in any::<bool>(),
        testing in any::<bool>(),
    ) -> Document {
        let mut head: Head = samples::head();
        head.seller.organisation = names[0].clone();
        head.seller.point = names[1].clone();
        head.seller.address = Some(names[2].clone());
        head.cashier = Some(names[3].chars().take(128).collect());
        head.notes.comment = Some(names[0].clone());
        head.testing = testing;
        let number = FiscalNumber::new(number).expect("a number");
        if is_offline {
            head = head.offline(number, Some(fiscal::DocumentHash([0x5a; 32])));
        } else {
            head.mode = Mode::Online { fiscal_number: Some(number) };
        }
        Document { head, kind }
    }
}

fn view(document: &Document, footer: &str) -> View {
    let appearance = Appearance {
        software: "Countersign",
        footer,
        ..Appearance::default()
    };
    let subject = Subject::Registered {
        document,
        fiscal_number: None,
    };
    View::new(subject, &appearance)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_line_is_printable_and_inside_its_width(
        document in document(), footer in text(300), columns in Width::LEAST..=Width::MOST,
    ) {
        let view = view(&document, &footer);
        let width = Width::new(columns).expect("a width");
        let text = view.text(width);
        prop_assert!(text.ends_with('\n'));
        for line in text.lines() {
            prop_assert!(line.chars().count() <= columns.into(), "{} of {columns}: {line:?}", line.chars().count());
            prop_assert!(!line.is_empty() && !line.ends_with(' '), "{line:?}");
            prop_assert!(!line.contains(|character: char| character.is_control()), "{line:?}");
            prop_assert!(!WINDOWS_1251.encode(line).2, "{line:?}");
        }
        // The link stands in one place, in lines that are the link when joined.
        let link = view.link().expect("a receipt with a sum and a number has a link");
        prop_assert!(text.replace('\n', "").contains(link), "{link} in\n{text}");
    }

    #[test]
    fn a_word_that_fits_a_line_is_never_cut(name in text(1024), columns in Width::LEAST..=Width::MOST) {
        let row = Row { name: Some(name.clone()), cost: Some(Money::from_units(100)), ..Row::default() };
        let document = samples::document(Kind::sale(Receipt { rows: vec![row], ..Receipt::default() }));
        let text = view(&document, "").text(Width::new(columns).expect("a width"));
        let printed: Vec<&str> = text.split_whitespace().collect();
        let plain = |word: &&str| {
            word.chars().count() <= columns.into() && word.chars().all(|character| character.is_alphanumeric())
        };
        for word in name.split_whitespace().filter(plain) {
            prop_assert!(printed.contains(&word), "{word} in\n{text}");
        }
    }

    #[test]
    fn sums_end_in_one_column(
        costs in vec((0_i64..10_000_000, "[АБВГ]{0,2}"), 1..8), columns in Width::LEAST..=Width::MOST,
    ) {
        let sum = Money::from_units(costs.iter().map(|(cost, _)| cost).sum());
        let rows = costs.iter().map(|(cost, letters)| Row {
            name: Some("Хліб".into()),
            cost: Some(Money::from_units(*cost)),
            letters: letters.parse().ok(),
            ..Row::default()
        });
        let receipt = Receipt {
            rows: rows.collect(),
            total: Some(Total::of(sum)),
            payments: vec![Payment::cash(sum)],
            ..Receipt::default()
        };
        let document = samples::document(Kind::sale(receipt));
        let text = view(&document, "").text(Width::new(columns).expect("a width"));
        let marks = costs.iter().map(|(_, letters)| letters.chars().count()).max().unwrap_or(0);
        let edge = usize::from(columns) - if marks == 0 { 0 } else { marks + 1 };
        let body = text.split("Касир").nth(1).and_then(|rest| rest.split("ВН").next()).expect("rows and totals");
        let mut seen = 0;
        for line in body.lines().filter(|line| line.contains('.') && !line.contains("О. П.")) {
            let point = line.rfind('.').map(|at| line[..at].chars().count()).expect("a point");
            prop_assert_eq!(point + 3, edge, "{}", line);
            seen += 1;
        }
        prop_assert_eq!(seen, costs.len() + 2, "rows, the sum and the payment");
    }
}
