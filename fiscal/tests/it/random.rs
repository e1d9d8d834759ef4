//! Random documents and tickets: what is written reads back, whatever else is read is refused or can be
//! written.

use fiscal::generate::Generator;
use fiscal::{Document, Kind, Ticket};
use proptest::prelude::*;
use std::collections::BTreeSet;

proptest! {
    #[test]
    fn what_is_written_reads_back(seed: u64) {
        let document = Generator::new(seed).document();
        let xml = document.to_xml().expect("within every limit");
        prop_assert_eq!(Document::from_xml(&xml), Ok(document));
    }

    #[test]
    fn a_made_ticket_reads_back(seed: u64) {
        let ticket = Generator::new(seed).ticket();
        let xml = ticket.to_xml().expect("within every limit");
        prop_assert_eq!(Ticket::from_xml(&xml), Ok(ticket));
    }

    /// One octet changed, one cut out, or the rest cut off: never a panic, and what is still read is also
    /// written and read the same.
    #[test]
    fn a_damaged_document_is_refused_or_is_another_document(seed: u64, place: prop::sample::Index, octet: u8, how in 0..3_u8) {
        let mut xml = Generator::new(seed).document().to_xml().expect("within every limit");
        let place = place.index(xml.len());
        match how {
            0 => xml[place] = octet,
            1 => drop(xml.remove(place)),
            _ => xml.truncate(place),
        }
        if let Ok(document) = Document::from_xml(&xml) {
            let again = document.to_xml().expect("what was read can be written");
            prop_assert_eq!(Document::from_xml(&again), Ok(document));
        }
    }
}

/// The generator makes every kind, so that the tests above mean something.
#[test]
fn random_documents_are_of_every_kind() {
    let mut generator = Generator::new(1);
    let kinds: BTreeSet<_> = (0..500).map(|_| generator.document().kind.name()).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    let storno = |document: &Document| matches!(document.kind, Kind::Storno { .. });
    assert!((0..100).any(|_| storno(&generator.document())));
}
