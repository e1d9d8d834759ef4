//! What a customer's book remembers, for how long, and what it publishes.

use super::*;

fn published(effects: &[Effect]) -> Option<(bool, Option<Moment>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::WindowClosed { until, .. } => Some((true, Some(*until))),
        Effect::WindowOpened { .. } => Some((false, None)),
        _ => None,
    })
}

#[test]
fn a_code_is_live_until_its_lifetime_ends_also_when_its_window_is_over() {
    let mut desk = Desk::new();
    assert_eq!(desk.send(W()).reason, Reason::Success);
    desk.wait(121.0);
    let live = |desk: &Desk| {
        desk.book
            .challenges()
            .filter(|(_, code)| code.is_live(desk.now))
            .count()
    };
    assert_eq!(
        live(&desk),
        1,
        "the window is over, the code may still be verified"
    );
    desk.wait(179.0);
    assert_eq!(live(&desk), 0, "its lifetime is over");
    desk.begin(W()).unwrap();
    assert_eq!(live(&desk), 1, "a code in flight is live");
    desk.wait(3_600.0);
    assert_eq!(live(&desk), 1, "however long it has been in flight");
}

#[test]
fn an_expired_code_is_remembered_as_expired_when_another_is_sent() {
    let mut desk = Desk::new();
    let (old, new) = (window(2001, 7), window(2001, 8));
    assert_eq!(desk.send(old).reason, Reason::Success);
    let code = desk.code();
    desk.wait(301.0);
    assert_eq!(desk.send(new).reason, Reason::Success);
    assert_eq!(desk.verify(old, &code).reason, Reason::OtpExpired);
}

/// A code that was verified before the operator's word came stays until then; the next send clears it away.
#[test]
fn a_code_that_was_used_is_forgotten_with_the_next_send() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    let code = desk.code();
    assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
    desk.settle(challenge, Settlement::Accepted);
    assert_eq!(desk.book.challenges().count(), 1);
    assert_eq!(desk.send(window(2001, 8)).reason, Reason::Success);
    assert_eq!(desk.book.challenges().count(), 1, "the new one alone");
}

#[test]
fn a_verified_code_leaves_the_counts_and_takes_no_other_along() {
    let mut desk = Desk::new();
    desk.policy.short_cap = 1;
    let (first, second) = (window(2001, 7), window(2001, 8));
    assert_eq!(desk.send(second).reason, Reason::Success);
    assert_eq!(desk.send(first).reason, Reason::Success);
    let code = desk.code();
    assert_eq!(desk.verify(first, &code).reason, Reason::Success);
    assert_eq!(desk.send(first).reason, Reason::Success, "verified: not counted");
    desk.wait(301.0);
    let refused = desk.send(second);
    assert!(
        matches!(refused.detail, Some(Detail::Capped { .. })),
        "{refused:?}"
    );
}

#[test]
fn contacts_of_yesterday_make_room_for_others() {
    let mut desk = Desk::new();
    for contact in 0..8 {
        assert_eq!(desk.send(window(contact, 7)).reason, Reason::Success);
        let wrong = desk.wrong();
        assert_eq!(
            desk.verify(window(contact, 7), &wrong).reason,
            Reason::OtpMismatch
        );
    }
    desk.wait(301.0);
    let refused = desk.send(window(8, 7));
    assert_eq!(refused.detail, Some(Detail::TooManyContacts { allowed: 8 }));
    desk.wait(24.0 * 3_600.0);
    assert_eq!(desk.send(window(8, 7)).reason, Reason::Success);
    let challenges = desk.book.record(desk.now);
    assert_eq!(challenges.ledgers.len(), 1, "the others' counts are gone");
}

#[test]
fn only_the_code_under_way_is_in_flight() {
    let mut desk = Desk::new();
    assert!(!desk.book.is_waiting());
    assert_eq!(desk.send(window(2001, 8)).reason, Reason::Success);
    let settled = desk.book.challenges().next().unwrap().1.id;
    assert!(!desk.book.is_waiting() && !desk.book.is_in_flight(settled));
    let flying = desk.begin(W()).unwrap();
    assert!(desk.book.is_waiting() && desk.book.is_in_flight(flying));
    assert!(!desk.book.is_in_flight(settled));
    desk.settle(flying, Settlement::Accepted);
    assert!(!desk.book.is_waiting() && !desk.book.is_in_flight(flying));
}

#[test]
fn an_acceptance_after_the_outcome_was_declared_unknown_changes_nothing() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    desk.settle(challenge, Settlement::Unknown);
    let before = desk.book.clone();
    desk.wait(5.0);
    let effects = desk.step(Command::Settle {
        challenge,
        settlement: Settlement::Accepted,
        handed: None,
    });
    assert!(effects.is_empty(), "{effects:?}");
    assert_eq!(desk.book, before);
}

#[test]
fn a_window_is_published_from_the_hand_over_and_not_where_the_code_was_used_already() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    let accepted = |challenge| Command::Settle {
        challenge,
        settlement: Settlement::Accepted,
        handed: None,
    };
    let until = Moment::at(desk.now).plus(desk.policy.resend_window);
    let effects = desk.step(accepted(challenge));
    assert_eq!(published(&effects), Some((true, Some(until))));

    let other = window(2001, 8);
    let challenge = desk.begin(other).unwrap();
    let code = desk.code();
    assert_eq!(desk.verify(other, &code).reason, Reason::Success);
    let effects = desk.step(accepted(challenge));
    assert_eq!(published(&effects), Some((false, None)));
}
