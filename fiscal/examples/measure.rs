//! Measures what one core does: receipts totalled, settled and added to a shift a second, control numbers and chained documents a second.
//!
//! `cargo run --release -p fiscal --example measure` prints the median of several runs, with the least and the most.

#![expect(clippy::print_stdout, reason = "a command line program speaks to its user")]

use chrono::NaiveDate;
use fiscal::arithmetic::{
    Cash, CashRounding, Discount, Entry, Error, Figures, Letter, Line, PaymentForm, Receipt, ShiftTotals,
    Tax, TaxKind, TaxTable, settle,
};
use fiscal::numbers::{ControlSource, DeskNumber, DocumentHash, LocalNumber, OfflineSession, RegisterNumber};
use fiscal::offline::{OfflineChain, OfflineDocument};
use fiscal::{Money, Percent, Price, Quantity};
use std::hint::black_box;
use std::time::Instant;

/// Odd, so that a median is one of them.
const RUNS: usize = 9;
/// A run takes some tenths of a second: long beside what a timer or a scheduler adds.
const RECEIPTS: u64 = 300_000;
const CONTROLS: u64 = 500_000;
const DOCUMENTS: u64 = 80_000;
/// A signed receipt of the official package has about so many octets.
const SIGNED_OCTETS: usize = 3_685;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let table = table()?;
    let receipt = receipt()?;
    report("receipts of 5 lines totalled", RECEIPTS, || {
        for _ in 0..RECEIPTS {
            black_box(black_box(&receipt).totals(&table)?);
        }
        Ok(())
    })?;
    report(
        "receipts totalled, settled and added to a shift",
        RECEIPTS,
        || {
            let mut shift = ShiftTotals::default();
            for _ in 0..RECEIPTS {
                shift.accept(sale(black_box(&receipt), &table)?)?;
            }
            black_box(shift.report());
            Ok(())
        },
    )?;
    let session = OfflineSession {
        id: 21_182,
        seed: "179625192271939".parse()?,
    };
    let moment = NaiveDate::from_ymd_opt(2026, 11, 21).and_then(|day| day.and_hms_opt(12, 0, 0));
    let moment = moment.expect("a moment of the calendar");
    let (register, desk) = (RegisterNumber::new(4_000_000_202)?, DeskNumber::new(6)?);
    let hash = Some(DocumentHash::of(b"the document before"));
    report("control numbers", CONTROLS, || {
        for number in 1..=CONTROLS {
            let source = ControlSource {
                seed: &session.seed,
                moment,
                local_number: LocalNumber::new(number)?,
                register,
                desk,
                sum: Some(Money::from_units(5_000)),
                previous_hash: hash,
            };
            black_box(source.control());
        }
        Ok(())
    })?;
    let signed = vec![7; SIGNED_OCTETS];
    report("offline documents planned and recorded", DOCUMENTS, || {
        let mut chain = OfflineChain::new(session.clone(), register, desk, LocalNumber::new(1)?);
        let begin = chain.plan(OfflineDocument::Begin, moment)?;
        chain.record(&begin, &signed)?;
        let document = OfflineDocument::Receipt {
            sum: Some(Money::from_units(5_000)),
        };
        for _ in 1..DOCUMENTS {
            let planned = chain.plan(document, moment)?;
            chain.record(&planned, &signed)?;
        }
        black_box(chain);
        Ok(())
    })
}

/// Runs it several times and prints how many a second.
fn report(
    name: &str,
    times: u64,
    mut run: impl FnMut() -> Result<(), Box<dyn std::error::Error>>,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut rates = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        let times = u32::try_from(times)?;
        rates.push(f64::from(times) / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let (least, median, most) = (rates[0], rates[RUNS / 2], rates[RUNS - 1]);
    println!("{median:>12.0} a second (from {least:.0} to {most:.0}): {name}");
    Ok(())
}

fn table() -> Result<TaxTable, Error> {
    let tax = |kind, name: &str, letter, percent| -> Result<Tax, Error> {
        Ok(Tax {
            kind,
            name: name.into(),
            letter: Letter::new(letter)?,
            percent: Percent::from_units(percent),
            excluded: false,
        })
    };
    TaxTable::new(vec![
        tax(TaxKind::Vat, "ПДВ", 'А', 2_000)?,
        tax(TaxKind::Vat, "ПДВ", 'Б', 700)?,
        tax(TaxKind::Excise, "Акциз", 'Г', 500)?,
    ])
}

/// Five lines: priced or with a cost, two taxes, discounts of a line and of the whole.
fn receipt() -> Result<Receipt, Error> {
    let line = |price, quantity, cost: Option<i64>, discount, letters: &str| -> Result<Line, Error> {
        Ok(Line {
            price: Some(Price::from_units(price)),
            quantity: Quantity::from_units(quantity),
            cost: cost.map(Money::from_units),
            discount,
            letters: Letter::all(letters)?,
        })
    };
    Ok(Receipt {
        lines: vec![
            line(25_990, 10_000, Some(25_990), None, "АГ")?,
            line(12_765, 2_000, None, None, "А")?,
            line(
                52_300,
                5_701,
                None,
                Some(Discount::Percent(Percent::from_units(1_250))),
                "Б",
            )?,
            line(
                20_500,
                1_000,
                None,
                Some(Discount::Sum(Money::from_units(150))),
                "Б",
            )?,
            line(16_500, 6_000, Some(9_900), None, "А")?,
        ],
        discount: Some(Discount::Percent(Percent::from_units(300))),
    })
}

fn sale(receipt: &Receipt, table: &TaxTable) -> Result<Entry, Error> {
    let totals = receipt.totals(table)?;
    let by_card = [(PaymentForm::new(1, "КАРТКА"), Money::from_units(20_001))];
    let cash = Cash {
        name: "ГОТІВКА".into(),
        provided: None,
    };
    let settlement = settle(
        totals.owed,
        &by_card,
        Some(&cash),
        Some(CashRounding::TO_TEN_KOPECKS),
    )?;
    Ok(Entry::Sale(Figures::new(&settlement, totals.taxes)))
}
