//! The official samples as people see them: nothing that a buyer or an inspector looks for is left out.

use crate::fixtures::{folder, leaves};
use fiscal::view::{Appearance, Subject, View, Width};
use fiscal::{Document, FiscalNumber};

/// What is told in words or in another form, and what only programs look for.
const NOT_SHOWN: [&str; 22] = [
    // Told in words.
    "DOCTYPE",
    "SIGN",
    "OFFLINE",
    "PWNDIR",
    "VALREFUSESELL",
    "FUELSALESIGN",
    // In another form: with points and colons, without zeros in front, as what it does to the sum, in Cyrillic.
    "ORDERDATE",
    "ORDERTIME",
    "VALCOURSEDATE",
    "POSTRANSDATE",
    "CASHREGISTERNUM",
    "VALCOURSE",
    "RNDSUM",
    "LETTER",
    "LETTERS",
    // Payers of VAT show that number instead.
    "TIN",
    // For programs: identifiers, codes beside their names, what the tax was computed from.
    "UID",
    "UNITCD",
    "PAYFORMCD",
    "PREVDOCHASH",
    "REVOKELASTONLINEDOC",
    "LOGOURL",
];
/// On receipts; reports show them.
const NOT_SHOWN_OF_TAXES: [&str; 2] = ["TURNOVER", "SOURCESUM"];

#[test]
fn what_the_official_samples_say_is_printed() {
    let Some(folder) = folder("samples") else { return };
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("samples") {
        let path = file.expect("a sample").path();
        let xml = std::fs::read(&path).expect("a sample");
        // Some are refused, see the tests of reading.
        let Ok(document) = Document::from_xml(&xml) else {
            continue;
        };
        seen += 1;
        let number = FiscalNumber::new("3408730318").expect("a number");
        let subject = Subject::Registered {
            document: &document,
            fiscal_number: Some(&number),
        };
        let view = View::new(subject, &Appearance::default());
        for columns in [24, 64] {
            let width = Width::new(columns).expect("a width");
            let text = view.text(width);
            let is_inside = text.lines().all(|line| line.chars().count() <= columns.into());
            assert!(is_inside, "{}\n{text}", path.display());
        }
        let text = view.text(Width::new(64).expect("a width"));
        let words: Vec<&str> = text.split_whitespace().collect();
        for (element, said) in leaves(&xml) {
            let name = element.rsplit('/').next().unwrap_or_default();
            let is_base = element.starts_with("CHECKTAX/") && NOT_SHOWN_OF_TAXES.contains(&name);
            if NOT_SHOWN.contains(&name) || is_base {
                continue;
            }
            let shown = said.split_whitespace().all(|word| {
                let short = word.trim_end_matches('0').trim_end_matches('.');
                words
                    .iter()
                    .any(|printed| printed.contains(word) || printed.contains(short))
            });
            assert!(shown, "{}: {element} {said}\n{text}", path.display());
        }
    }
    assert_eq!(seen, 39, "samples");
}
