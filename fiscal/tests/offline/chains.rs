//! What a chain allows, and that it holds for every history.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use fiscal::Money;
use fiscal::numbers::*;
use fiscal::offline::*;
use proptest::prelude::*;

pub fn at(day: u32, hour: u32, minute: u32) -> NaiveDateTime {
    let day = NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
    day.and_hms_opt(hour, minute, 0).expect("a time")
}

pub fn chain() -> OfflineChain {
    let session = OfflineSession {
        id: 77,
        seed: "179625192271939".parse().expect("a seed"),
    };
    OfflineChain::new(
        session,
        RegisterNumber::new(4_000_000_001).expect("a number"),
        DeskNumber::new(1).expect("a number"),
        LocalNumber::new(500).expect("a number"),
    )
}

fn add(chain: &mut OfflineChain, document: OfflineDocument, moment: NaiveDateTime, signed: &[u8]) -> Planned {
    let planned = chain.plan(document, moment).expect("planned");
    chain.record(&planned, signed).expect("recorded");
    planned
}

#[test]
fn a_session_begins_once_and_ends_once() {
    let mut one = chain();
    let noon = at(21, 12, 0);
    assert_eq!(
        one.plan(OfflineDocument::OpenShift, noon),
        Err(ChainError::NotBegun)
    );
    assert_eq!(one.plan(OfflineDocument::End, noon), Err(ChainError::NotBegun));
    add(&mut one, OfflineDocument::Begin, noon, b"102");
    assert_eq!(one.plan(OfflineDocument::Begin, noon), Err(ChainError::Begun));
    add(&mut one, OfflineDocument::End, noon, b"103");
    for document in [
        OfflineDocument::End,
        OfflineDocument::Begin,
        OfflineDocument::ZReport,
    ] {
        assert_eq!(one.plan(document, noon), Err(ChainError::Ended));
    }
}

#[test]
fn the_first_two_documents_carry_no_hash_and_every_later_one_does() {
    let mut one = chain();
    let noon = at(21, 12, 0);
    let begin = add(&mut one, OfflineDocument::Begin, noon, b"102");
    let open = add(&mut one, OfflineDocument::OpenShift, noon, b"100");
    let z = add(&mut one, OfflineDocument::ZReport, noon, b"Z");
    let end = add(&mut one, OfflineDocument::End, noon, b"103");
    assert_eq!((begin.previous_hash, open.previous_hash), (None, None));
    assert_eq!(z.previous_hash, Some(DocumentHash::of(b"100")));
    assert_eq!(end.previous_hash, Some(DocumentHash::of(b"Z")));
    assert_eq!(end.number.place, 4);
    assert_eq!(end.local_number.get(), 503);
}

#[test]
fn the_begin_may_be_signed_again_without_breaking_what_follows() {
    let noon = at(21, 12, 0);
    let (mut one, mut other) = (chain(), chain());
    add(&mut one, OfflineDocument::Begin, noon, b"102");
    add(&mut other, OfflineDocument::Begin, noon, b"102 that revokes");
    assert_eq!(one, other);
}

#[test]
fn only_what_was_planned_last_is_recorded() {
    let mut one = chain();
    let noon = at(21, 12, 0);
    add(&mut one, OfflineDocument::Begin, noon, b"102");
    let open = one.plan(OfflineDocument::OpenShift, noon).expect("planned");
    let receipt = OfflineDocument::Receipt { sum: None };
    let rival = one.plan(receipt, noon).expect("planned");
    assert_eq!(one.record(&open, b""), Err(ChainError::NotSigned));
    one.record(&open, b"100").expect("recorded");
    assert_eq!(one.record(&open, b"100"), Err(ChainError::NotNext), "twice");
    assert_eq!(
        one.record(&rival, b"0"),
        Err(ChainError::NotNext),
        "its number is taken"
    );
    let forged = Planned {
        previous_hash: None,
        ..one.plan(receipt, noon).expect("planned")
    };
    assert_eq!(one.record(&forged, b"0"), Err(ChainError::NotNext));
}

#[test]
fn time_does_not_go_back_and_october_stands_still() {
    let mut one = chain();
    add(&mut one, OfflineDocument::Begin, at(21, 12, 0), b"102");
    let error = ChainError::TimeGoesBack {
        previous: at(21, 12, 0),
        given: at(21, 11, 59),
    };
    assert_eq!(one.plan(OfflineDocument::OpenShift, at(21, 11, 59)), Err(error));
    assert_eq!(one.moment(at(21, 11, 59)), at(21, 12, 0));
    assert_eq!(one.moment(at(21, 12, 1)), at(21, 12, 1));
}

#[test]
fn a_chain_reads_back_as_it_was_stored() {
    let mut one = chain();
    add(&mut one, OfflineDocument::Begin, at(21, 12, 0), b"102");
    add(&mut one, OfflineDocument::OpenShift, at(21, 12, 0), b"100");
    let text = serde_json::to_string(&one).expect("written");
    assert_eq!(serde_json::from_str::<OfflineChain>(&text).expect("read"), one);
}

proptest! {
    #[test]
    fn any_history_verifies_and_breaks_where_it_was_changed(
        sums in prop::collection::vec((prop::option::of(0_i64..=10_000_000), 0_i64..=3_600, prop::collection::vec(any::<u8>(), 1..80)), 1..30),
        changed in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut ours = chain();
        let mut moment = at(21, 0, 0);
        let mut made = vec![(add(&mut ours, OfflineDocument::Begin, moment, b"102"), b"102".to_vec())];
        for (sum, seconds, signed) in sums {
            moment += TimeDelta::seconds(seconds);
            let document = OfflineDocument::Receipt { sum: sum.map(Money::from_units) };
            made.push((add(&mut ours, document, moment, &signed), signed));
        }
        made.push((add(&mut ours, OfflineDocument::End, moment, b"103"), b"103".to_vec()));
        for (place, (planned, _)) in made.iter().enumerate() {
            prop_assert_eq!(planned.number.place, place as u64 + 1);
            prop_assert_eq!(planned.local_number.get(), 500 + place as u64);
        }
        fn link((planned, signed): &(Planned, Vec<u8>)) -> Link<'_> {
            let Planned { document, moment, local_number, number, previous_hash } = *planned;
            Link { document, moment, local_number, number, previous_hash, signed }
        }
        let mut theirs = chain();
        prop_assert_eq!(verify(&mut theirs, made.iter().map(link)), Ok(()));
        prop_assert_eq!(&theirs, &ours);

        // One between the first and the last.
        let changed = 1 + changed.index(made.len() - 2);
        let octets = &mut made[changed].1;
        let place = place.index(octets.len());
        octets[place] ^= 1 << bit;
        let broken = verify(&mut chain(), made.iter().map(link)).expect_err("broken");
        prop_assert_eq!(broken.index, changed + 1);
        let is_hash = matches!(broken.fault, Fault::PreviousHash { .. });
        prop_assert!(is_hash);
    }
}
