//! Packages: whole, in order, and bounded.

use fiscal::offline::*;
use proptest::prelude::*;

const SMALL: PackageLimits = PackageLimits {
    documents_max: 3,
    octets_max: 40,
};

#[test]
fn a_length_stands_before_each_document_the_lowest_octet_first() {
    assert_eq!(
        pack(&[&b"ab"[..], b"c"], SMALL),
        Ok(b"\x02\0\0\0ab\x01\0\0\0c".to_vec())
    );
    assert_eq!(
        parse(b"\x02\0\0\0ab\x01\0\0\0c", SMALL),
        Ok(vec![&b"ab"[..], b"c"])
    );
}

#[test]
fn a_package_is_full_at_a_hundred_documents_or_at_its_octets() {
    let limits = PackageLimits::default();
    let documents = vec![vec![1; 100]; 250];
    assert_eq!(split(&documents, limits), Ok(vec![0..100, 100..200, 200..250]));
    // 19 × (10,000 + 4) = 190,076, one too many.
    let documents = vec![vec![1; 10_000]; 20];
    assert_eq!(split(&documents, limits), Ok(vec![0..18, 18..20]));
    let exact = [vec![1; 100_000 - 4], vec![1; 90_000 - 4], vec![1; 1]];
    assert_eq!(split(&exact, limits), Ok(vec![0..2, 2..3]), "full to the octet");
    assert_eq!(split::<Vec<u8>>(&[], limits), Ok(vec![]));
}

#[test]
fn what_is_no_package_is_refused_with_its_place() {
    for (octets, error) in [
        (&b""[..], PackageError::Empty),
        (b"\x01\0\0", PackageError::Torn(0)),
        (b"\x01\0\0\0", PackageError::Torn(0)),
        (b"\x01\0\0\0ab", PackageError::Torn(1)),
        (b"\x01\0\0\0a\xff\xff\xff\xffb", PackageError::Torn(1)),
        (b"\x01\0\0\0a\0\0\0\0", PackageError::EmptyDocument(1)),
        (&b"\x01\0\0\0a".repeat(4), PackageError::TooManyDocuments(3)),
        (
            &[0; 41],
            PackageError::TooLarge {
                octets: 41,
                octets_max: 40,
            },
        ),
    ] {
        assert_eq!(parse(octets, SMALL), Err(error), "{octets:?}");
    }
    let large = PackageError::DocumentTooLarge {
        index: 1,
        octets: 41,
        octets_max: 40,
    };
    let documents = [vec![1], vec![1; 37]];
    assert_eq!(split(&documents, SMALL), Err(large));
    assert_eq!(pack(&documents, SMALL), Err(large));
    assert_eq!(
        split(&[vec![1], vec![]], SMALL),
        Err(PackageError::EmptyDocument(1))
    );
    assert_eq!(pack::<Vec<u8>>(&[], SMALL), Err(PackageError::Empty));
    assert_eq!(
        pack(&vec![vec![1]; 4], SMALL),
        Err(PackageError::TooManyDocuments(3))
    );
    assert_eq!(
        pack(&vec![vec![1; 20]; 2], SMALL),
        Err(PackageError::TooLarge {
            octets: 48,
            octets_max: 40
        })
    );
}

proptest! {
    #[test]
    fn every_document_arrives_once_and_in_order(documents in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=36), 0..40)) {
        let mut arrived = Vec::new();
        for range in split(&documents, SMALL).expect("split") {
            let octets = pack(&documents[range], SMALL).expect("packed");
            prop_assert!(octets.len() <= SMALL.octets_max);
            arrived.extend(parse(&octets, SMALL).expect("parsed").into_iter().map(<[u8]>::to_vec));
        }
        prop_assert_eq!(arrived, documents);
    }

    #[test]
    fn damaged_octets_are_refused_or_are_the_package_of_what_they_say(
        documents in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=8), 1..=3),
        place in any::<prop::sample::Index>(),
        value in 0_u8..8,
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = pack(&documents, SMALL).expect("packed");
        let cut = cut.index(whole.len());
        let boundaries = documents.iter().scan(0, |end, document| {
            *end += document.len() + 4;
            Some(*end)
        });
        let parsed = parse(&whole[..cut], SMALL);
        prop_assert_eq!(parsed.is_ok(), boundaries.clone().any(|end| end == cut), "a cut is seen unless it is between documents");
        let mut damaged = whole.clone();
        damaged[place.index(whole.len())] = value;
        if let Ok(documents) = parse(&damaged, SMALL) {
            prop_assert_eq!(pack(&documents, SMALL), Ok(damaged));
        }
    }
}
