//! Every official sample: what it says survives reading and writing, and what the schema refuses is refused.

use crate::fixtures::{folder, leaves};
use fiscal::{Document, ErrorCode, Received, Ticket, Verdict};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The samples that the schema refuses, by what `xmllint` says, and what we say of each.
const REFUSED: [(&str, &str); 6] = [
    (
        "check01(Ломбард)",
        "checkbody.row[1].unitcd is not a number from 1 to 99999",
    ),
    // The name of the element holds a Cyrillic С.
    (
        "check01(Продаж алкоголю в магазинах безмитної торгівлі і Решта)",
        "checkdutyfree.row[1].passportdoc is missing",
    ),
    (
        "check01(Продаж алкоголю в магазинах безмитної торгівлі)",
        "checkdutyfree.row[1].passportdoc is missing",
    ),
    (
        "check01(Продаж тютюну в магазинах безмитної торгівлі і Решта)",
        "checkdutyfree.row[1].passportdoc is missing",
    ),
    (
        "check01(Продаж тютюну в магазинах безмитної торгівлі)",
        "checkdutyfree.row[1].passportdoc is missing",
    ),
    // An ampersand that is not escaped.
    (
        "check01(Часткова сплата Передплата Заокруглення)",
        "the document is not well-formed at byte 394: ill-formed document: \
         entity or character reference not closed: `;` not found before end of input",
    ),
];

/// The elements whose number is written in its one form: without zeros in front, a quantity with three digits
/// behind the point.
const NUMBERS: [&str; 3] = ["CASHREGISTERNUM", "AMOUNT", "VALCOURSE"];

fn documents() -> Vec<(String, Vec<u8>)> {
    let Some(folder) = folder("samples") else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("samples")
        .map(|file| file.expect("a sample").path())
        .collect();
    files.sort();
    let named = files.into_iter().map(|file| {
        let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(file).expect("a sample"))
    });
    named.filter(|(name, _)| !name.starts_with("ticket")).collect()
}

#[test]
fn every_sample_says_the_same_after_reading_and_writing_unless_the_schema_refuses_it() {
    let documents = documents();
    if documents.is_empty() {
        return;
    }
    assert_eq!(documents.len(), 45);
    let mut refused = BTreeSet::new();
    for (name, xml) in documents {
        let received = match Received::new(xml.clone()) {
            Ok(received) => received,
            Err(error) => {
                refused.insert((name, error.to_string()));
                continue;
            }
        };
        assert_eq!(received.xml(), xml, "{name}: its bytes stay as they came");
        let written = received
            .document()
            .to_xml()
            .expect("what was read can be written");
        assert_eq!(
            Document::from_xml(&written).as_ref(),
            Ok(received.document()),
            "{name}"
        );
        let (before, after) = (leaves(&xml), leaves(&written));
        assert_eq!(before.len(), after.len(), "{name}");
        for ((path, text), (path_after, text_after)) in before.into_iter().zip(after) {
            let is_number = NUMBERS
                .iter()
                .any(|element| path.ends_with(&format!("/{element}")));
            let (text, text_after) = if is_number {
                (number(&text), number(&text_after))
            } else {
                (text, text_after)
            };
            assert_eq!(
                (without_rows(&path), text),
                (without_rows(&path_after), text_after),
                "{name}"
            );
        }
    }
    let expected = REFUSED.map(|(name, reason)| (name.to_owned(), reason.to_owned()));
    assert_eq!(refused, BTreeSet::from(expected));
}

/// Without zeros that say nothing.
fn number(text: &str) -> String {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!(
        "{}.{}",
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0')
    )
}

/// One sample numbers two rows alike.
fn without_rows(path: &str) -> String {
    path.replace(|character: char| character.is_ascii_digit(), "")
}

#[test]
fn the_sample_ticket_is_a_rejection_with_a_number() {
    let Some(folder) = folder("samples") else { return };
    let xml = std::fs::read(folder.join("ticket01.xml")).expect("a sample");
    let ticket = Ticket::from_xml(&xml).expect("a ticket");
    let session = ticket.offline_session.as_ref().expect("a session");
    assert_eq!(
        (session.id.as_str(), session.seed.as_str()),
        ("2378946", "293573240985")
    );
    let verdict = ticket.check(&ticket.uid, ticket.local_number);
    let text = "РРО з фіскальним номером 123 не зареєстрований".to_owned();
    assert_eq!(
        verdict,
        Verdict::Rejected {
            code: ErrorCode::TransactionsRegistrarAbsent,
            text
        }
    );
    assert_eq!(leaves(&ticket.to_xml().expect("XML")), leaves(&xml));
}
