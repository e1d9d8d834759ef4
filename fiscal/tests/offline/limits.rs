//! 36 hours at a time, 168 in a month.

use crate::chains::at;
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use fiscal::offline::*;
use proptest::prelude::*;

const RECEIPT: OfflineDocument = OfflineDocument::Receipt { sum: None };

#[test]
fn a_session_warns_then_closes_then_is_exhausted() {
    let limits = OfflineLimits::default();
    let begun = at(10, 0, 0);
    for (hours, minutes, state, receipts) in [
        (0, 0, State::Free, true),
        (29, 59, State::Free, true),
        (30, 0, State::Warning, true),
        (35, 44, State::Warning, true),
        (35, 45, State::ClosingOnly, false),
        (35, 59, State::ClosingOnly, false),
        (36, 0, State::Exhausted, false),
        (50, 0, State::Exhausted, false),
    ] {
        let now = begun + TimeDelta::hours(hours) + TimeDelta::minutes(minutes);
        let standing = limits.standing(begun, TimeDelta::zero(), now);
        assert_eq!(standing.state, state, "{hours}:{minutes}");
        assert_eq!(
            standing.left().num_minutes(),
            36 * 60 - hours * 60 - minutes,
            "{hours}:{minutes}"
        );
        assert_eq!(standing.allows(RECEIPT), receipts, "{hours}:{minutes}");
        assert_eq!(standing.allows(OfflineDocument::OpenShift), receipts);
        for closing in [
            OfflineDocument::ZReport,
            OfflineDocument::CloseShift,
            OfflineDocument::End,
        ] {
            assert!(standing.allows(closing), "what closes may always be made");
        }
    }
}

#[test]
fn a_month_counts_every_session_of_it() {
    let limits = OfflineLimits::default();
    let begun = at(20, 8, 0);
    for (others, hours, state) in [
        (150, 0, State::Free),
        (150, 12, State::Warning),
        (150, 18, State::Exhausted),
        (168, 0, State::Exhausted),
        (160, 0, State::Free),
        (162, 0, State::Warning),
    ] {
        let standing = limits.standing(begun, TimeDelta::hours(others), begun + TimeDelta::hours(hours));
        assert_eq!(standing.state, state, "{others} and {hours}");
        assert_eq!(standing.month_left, TimeDelta::hours(168 - others - hours));
    }
    let standing = limits.standing(begun, TimeDelta::MAX, begun);
    assert_eq!(standing.state, State::Exhausted, "whatever was reported");
}

#[test]
fn a_new_month_begins_anew_inside_a_session() {
    let limits = OfflineLimits::default();
    let begun = at(30, 20, 0);
    let november = limits.standing(begun, TimeDelta::hours(160), at(30, 23, 59));
    assert_eq!(
        (november.state, november.month_left),
        (State::Warning, TimeDelta::minutes(241))
    );
    let december = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day");
    let december = limits.standing(
        begun,
        TimeDelta::zero(),
        december.and_hms_opt(2, 0, 0).expect("a time"),
    );
    assert_eq!(
        (december.session_left, december.month_left),
        (TimeDelta::hours(30), TimeDelta::hours(166)),
        "six hours of the session, two of the month"
    );
    assert_eq!(december.state, State::Free);
}

#[test]
fn a_session_is_measured_to_its_last_receipt_or_z() {
    let begun = at(10, 12, 0);
    assert_eq!(session_time(begun, None), TimeDelta::zero());
    assert_eq!(session_time(begun, Some(at(10, 12, 7))), TimeDelta::minutes(7));
    assert!(RECEIPT.is_financial() && OfflineDocument::ZReport.is_financial());
    for document in [
        OfflineDocument::Begin,
        OfflineDocument::OpenShift,
        OfflineDocument::CloseShift,
        OfflineDocument::End,
    ] {
        assert!(!document.is_financial(), "{document:?}");
    }
}

fn a_moment() -> impl Strategy<Value = NaiveDateTime> {
    (0_i64..=3 * 366 * 24 * 3600).prop_map(|seconds| at(1, 0, 0) + TimeDelta::seconds(seconds))
}

proptest! {
    #[test]
    fn the_parts_in_its_months_are_the_whole_session(begun in a_moment(), seconds in 0_i64..=100 * 24 * 3600) {
        let until = begun + TimeDelta::seconds(seconds);
        let mut parts = TimeDelta::zero();
        let mut month = Month::of(begun);
        // A hundred days touch five months at most; the sixth has nothing of them.
        for _ in 0..5 {
            parts += in_month(begun, until, month);
            month = month.next();
        }
        prop_assert_eq!(parts, until - begun);
        prop_assert_eq!(in_month(begun, until, month), TimeDelta::zero());
    }
}
