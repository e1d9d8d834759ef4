//! Short ways to say a receipt.

use fiscal::arithmetic::*;
use fiscal::{Money, Percent, Quantity};

pub fn money(text: &str) -> Money {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub fn tax(letter: char, kind: TaxKind, percent: &str, excluded: bool) -> Tax {
    Tax {
        kind,
        name: match kind {
            TaxKind::Vat => "ПДВ".into(),
            TaxKind::Excise => "Акциз".into(),
            TaxKind::Other(code) => format!("Збір {code}"),
        },
        letter: Letter::new(letter).expect("a letter"),
        percent: percent.parse::<Percent>().expect("a rate"),
        excluded,
    }
}

/// А 20 %, Б 7 %, В 0 %; Г excise 5 %; Д VAT 20 % and Е excise 5 % on top of the price; Є the pension fund's 1 %.
pub fn table() -> TaxTable {
    TaxTable::new(vec![
        tax('А', TaxKind::Vat, "20", false),
        tax('Б', TaxKind::Vat, "7", false),
        tax('В', TaxKind::Vat, "0", false),
        tax('Г', TaxKind::Excise, "5", false),
        tax('Д', TaxKind::Vat, "20", true),
        tax('Е', TaxKind::Excise, "5", true),
        tax('Є', TaxKind::Other(2), "1", false),
    ])
    .expect("a table")
}

pub fn line(cost: &str, letters: &str) -> Line {
    Line {
        price: None,
        quantity: Quantity::from_units(1_000),
        cost: Some(money(cost)),
        discount: None,
        letters: Letter::all(letters).expect("letters"),
    }
}

pub fn less(line: Line, discount: Discount) -> Line {
    Line {
        discount: Some(discount),
        ..line
    }
}

pub fn percent(text: &str) -> Discount {
    Discount::Percent(text.parse().expect("a percentage"))
}

pub fn receipt(lines: Vec<Line>) -> Receipt {
    Receipt {
        lines,
        discount: None,
    }
}

pub fn card() -> PaymentForm {
    PaymentForm::new(1, "КАРТКА")
}

pub fn cash(provided: Option<&str>) -> Cash {
    Cash {
        name: "ГОТІВКА".into(),
        provided: provided.map(money),
    }
}
