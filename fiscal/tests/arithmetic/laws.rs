//! What holds for every receipt: no kopeck comes from nothing or is lost.

use crate::build::*;
use fiscal::arithmetic::*;
use fiscal::{Money, Percent, Price, Quantity};
use proptest::prelude::*;

const LETTERS: [&str; 12] = ["", "А", "Б", "В", "Г", "Д", "Е", "АГ", "БГ", "АЕ", "ДГ", "Є"];

fn discount() -> impl Strategy<Value = Option<Discount>> {
    prop_oneof![
        3 => Just(None),
        1 => (0_i64..=10_000).prop_map(|units| Some(Discount::Percent(Percent::from_units(units)))),
    ]
}

fn a_line() -> impl Strategy<Value = Line> {
    let cost = prop_oneof![
        Just(None),
        (0_i64..=5_000_000).prop_map(|units| Some(Money::from_units(units)))
    ];
    let letters = prop::sample::select(&LETTERS[..]);
    (0_i64..=3_000_000, 0_i64..=20_000, cost, discount(), letters).prop_map(
        |(price, quantity, cost, discount, letters)| Line {
            price: Some(Price::from_units(price)),
            quantity: Quantity::from_units(quantity),
            cost,
            discount,
            letters: Letter::all(letters).expect("letters"),
        },
    )
}

fn a_receipt() -> impl Strategy<Value = Receipt> {
    (prop::collection::vec(a_line(), 1..12), discount())
        .prop_map(|(lines, discount)| Receipt { lines, discount })
}

/// How a receipt is paid: the part by card in thousandths, and the step of rounding.
fn paid() -> impl Strategy<Value = (i64, Option<CashRounding>)> {
    let rules = [
        None,
        Some(CashRounding::TO_TEN_KOPECKS),
        Some(CashRounding::TO_FIFTY_KOPECKS),
    ];
    (
        prop_oneof![Just(0_i64), 1_i64..=1000, Just(1000)],
        prop::sample::select(rules.to_vec()),
    )
}

fn settle_by((thousandths, rule): (i64, Option<CashRounding>), owed: Money) -> Settlement {
    let by_card = Money::from_units(owed.units() * thousandths / 1000);
    let cashless: Vec<_> = (!by_card.is_zero())
        .then(|| (card(), by_card))
        .into_iter()
        .collect();
    settle(owed, &cashless, Some(&cash(None)), rule).expect("settled")
}

fn total(sums: impl Iterator<Item = Money>) -> Money {
    Money::from_units(sums.map(Money::units).sum())
}

fn an_entry() -> impl Strategy<Value = Entry> {
    let receipt = || {
        (a_receipt(), paid()).prop_map(|(receipt, paid)| {
            let totals = receipt.totals(&table()).expect("totals");
            let settlement = settle_by(paid, totals.owed);
            Figures::new(&settlement, totals.taxes)
        })
    };
    let sum = || (1_i64..=1_000_000).prop_map(Money::from_units);
    prop_oneof![
        6 => receipt().prop_map(Entry::Sale),
        2 => receipt().prop_map(Entry::Return),
        1 => (0_i64..=500_000, 0_i64..=500_000, paid()).prop_map(|(issued, received, paid)| {
            let (issued, received) = (Money::from_units(issued), Money::from_units(received));
            let settlement = settle_by(paid, Money::from_units(received.units() - issued.units()));
            Entry::Pawnshop { figures: Figures::new(&settlement, vec![]), issued, received }
        }),
        1 => sum().prop_map(Entry::ServiceInput),
        1 => sum().prop_map(Entry::ServiceOutput),
        1 => (sum(), sum()).prop_map(|(sum, commission)| Entry::Withdrawal(Withdrawal::new(sum, commission).expect("one"))),
    ]
}

fn shift_of(entries: &[Entry]) -> ShiftTotals {
    let mut shift = ShiftTotals::default();
    for entry in entries {
        shift.accept(entry.clone()).expect("accepted");
    }
    shift
}

/// The figures of a report, added up anew from the receipts, without the accumulator.
fn check_section(section: Option<&Section>, figures: &[&Figures]) -> Result<(), TestCaseError> {
    let Some(section) = section else {
        prop_assert!(figures.is_empty());
        return Ok(());
    };
    prop_assert_eq!(section.sum, total(figures.iter().map(|figures| figures.sum)));
    prop_assert_eq!(section.orders_count, figures.len() as u64);
    prop_assert_eq!(
        section.rounding_sum,
        total(figures.iter().map(|figures| figures.rounding))
    );
    let payments = || figures.iter().flat_map(|figures| &figures.payments);
    for row in &section.payments {
        let of_form = payments().filter(|(form, _)| *form == row.form);
        prop_assert_eq!(row.sum, total(of_form.map(|(_, sum)| *sum)));
    }
    prop_assert_eq!(
        total(section.payments.iter().map(|row| row.sum)),
        section.sum,
        "Σ PAY = SUM"
    );
    let taxes = || figures.iter().flat_map(|figures| &figures.taxes);
    for one in &section.taxes {
        let of_tax = || taxes().filter(|row| row.tax == one.row.tax);
        prop_assert_eq!(one.row.sum, total(of_tax().map(|row| row.sum)));
        prop_assert_eq!(one.row.turnover, total(of_tax().map(|row| row.turnover)));
        prop_assert_eq!(one.row.source, total(of_tax().map(|row| row.source)));
    }
    prop_assert_eq!(
        total(section.taxes.iter().map(|one| one.row.sum)),
        total(taxes().map(|row| row.sum))
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_parts_of_a_receipt_are_its_whole(receipt in a_receipt()) {
        let totals = receipt.totals(&table()).expect("totals");
        let lines = || totals.lines.iter();
        prop_assert_eq!(total(lines().map(|line| line.shared_discount)), totals.receipt_discount);
        prop_assert_eq!(total(lines().map(|line| line.discount)), totals.discount);
        prop_assert_eq!(total(lines().map(|line| line.own_discount)).units() + totals.receipt_discount.units(), totals.discount.units());
        prop_assert_eq!(total(lines().map(|line| line.cost)), totals.costs);
        for line in lines() {
            prop_assert_eq!(line.cost.units() - line.discount.units(), line.discounted.units());
            prop_assert!(!line.discounted.is_negative());
        }
        prop_assert_eq!(totals.costs.units() - totals.discount.units() + totals.excluded_tax.units(), totals.owed.units());
        prop_assert_eq!(totals.owed.units() - total(totals.taxes.iter().map(|row| row.sum)).units(), totals.without_taxes.units());
        prop_assert!(!totals.without_taxes.is_negative());
        for row in &totals.taxes {
            prop_assert!(row.source <= row.turnover_discounted && row.turnover_discounted <= row.turnover);
            prop_assert!(!row.sum.is_negative());
        }
        // What VAT does not see of its turnover is the excise inside, all of it that stands beside VAT.
        let beside = |row: &&TaxRow| row.tax.kind == TaxKind::Vat;
        let hidden = total(totals.taxes.iter().filter(beside).map(|row| Money::from_units(row.turnover_discounted.units() - row.source.units())));
        let excise = totals.taxes.iter().find(|row| row.tax.letter.character() == 'Г').map_or(Money::ZERO, |row| row.sum);
        prop_assert!(hidden <= excise);
        let alone = receipt.lines.iter().any(|line| line.letters == Letter::all("Г").expect("a letter"));
        prop_assert!(alone || hidden == excise);
    }

    #[test]
    fn what_is_settled_passes_the_check_and_nothing_a_kopeck_off_does(receipt in a_receipt(), paid in paid(), off in prop_oneof![Just(-1_i64), Just(1)]) {
        let totals = receipt.totals(&table()).expect("totals");
        let settlement = settle_by(paid, totals.owed);
        prop_assert_eq!(total(settlement.payments.iter().map(|row| row.sum)), settlement.sum);
        prop_assert_eq!(settlement.sum.units() + settlement.rounding.units(), totals.owed.units());
        let costs: Vec<Money> = totals.lines.iter().map(|line| line.cost).collect();
        let stated = Stated {
            costs: &costs,
            discount: totals.discount,
            excluded_tax: totals.excluded_tax,
            rounding: settlement.rounding,
            unrounded: Some(settlement.unrounded),
            sum: settlement.sum,
            part_payment: None,
            payments: &settlement.payments,
        };
        prop_assert_eq!(stated.check(paid.1), Ok(()));
        let wrong = Money::from_units(settlement.sum.units() + off);
        prop_assert_eq!(
            Stated { sum: wrong, ..stated.clone() }.check(paid.1),
            Err(Error::SumMismatch { expected: settlement.sum, given: wrong })
        );
        let mut payments = settlement.payments.clone();
        payments[0].sum = Money::from_units(payments[0].sum.units() + off);
        prop_assert_eq!(
            Stated { payments: &payments, ..stated }.check(paid.1),
            Err(Error::PaymentsMismatch { expected: settlement.sum, given: wrong })
        );
    }

    #[test]
    fn a_z_is_what_its_receipts_add_up_to(entries in prop::collection::vec(an_entry(), 0..25)) {
        let shift = shift_of(&entries);
        let report = shift.report();
        let sales: Vec<&Figures> = entries.iter().filter_map(|entry| match entry {
            Entry::Sale(figures) | Entry::Pawnshop { figures, .. } => Some(figures),
            _ => None,
        }).collect();
        let returns: Vec<&Figures> = entries.iter().filter_map(|entry| match entry {
            Entry::Return(figures) => Some(figures),
            _ => None,
        }).collect();
        check_section(report.sales.as_ref(), &sales)?;
        check_section(report.returns.as_ref(), &returns)?;
        let flows = total(entries.iter().map(|entry| entry.drawer_flow().expect("in bounds")));
        prop_assert_eq!(shift.drawer(Money::ZERO), Ok(flows));
    }

    #[test]
    fn undoing_is_as_if_it_had_not_been(entries in prop::collection::vec(an_entry(), 1..15)) {
        let mut shift = shift_of(&entries);
        let (last, before) = entries.split_last().expect("one at least");
        prop_assert_eq!(shift.undo_last(), Ok(last.clone()));
        let mut expected = shift_of(before);
        expected.pass();
        prop_assert_eq!(shift, expected);
    }

    #[test]
    fn shifts_merge_into_what_one_shift_would_have_been(
        entries in prop::collection::vec(an_entry(), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let (morning, evening) = entries.split_at(cut.index(entries.len() + 1));
        let (mut one, two) = (shift_of(morning), shift_of(evening));
        let mut other_way = two.clone();
        other_way.merge(&one).expect("merged");
        one.merge(&two).expect("merged");
        prop_assert_eq!(&one, &other_way, "in either order");
        prop_assert_eq!(one.report(), shift_of(&entries).report());
        prop_assert_eq!(one.undo_last(), Err(ShiftError::NothingToUndo));
    }
}
