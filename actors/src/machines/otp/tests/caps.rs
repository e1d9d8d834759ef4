//! Caps, their order, and the bounds that keep a record small.

use super::*;
use crate::machines::otp::policy::{LEDGERS_MAX, LIVE_CODES_MAX};

fn capped(answer: &Answer) -> Option<(u32, u32, bool)> {
    match answer.detail {
        Some(Detail::Capped {
            allowed,
            seconds,
            of_contract_type,
        }) => Some((allowed, seconds, of_contract_type)),
        _ => None,
    }
}

#[test]
fn five_unverified_codes_in_ten_minutes_are_the_cap() {
    let mut desk = Desk::new();
    for _ in 0..5 {
        assert_eq!(desk.send(W()).reason, Reason::Success);
        desk.wait(120.0);
    }
    // The first is 600 s old by now and no longer counts; the next one makes five again.
    assert_eq!(desk.send(W()).reason, Reason::Success);
    desk.policy.resend_window = std::time::Duration::from_secs(1);
    desk.wait(2.0);
    let answer = desk.send(W());
    assert_eq!(
        answer.reason,
        Reason::InThresholdOtpGenerator,
        "the window of a code is the one it was sent with"
    );
}

#[test]
fn a_cap_says_when_it_ends_and_ends_then() {
    let mut desk = Desk::new();
    desk.policy.resend_window = std::time::Duration::from_secs(10);
    for _ in 0..5 {
        assert_eq!(desk.send(W()).reason, Reason::Success);
        desk.wait(10.0);
    }
    let answer = desk.send(W());
    assert_eq!(
        (answer.reason, capped(&answer)),
        (Reason::OtpGeneratorFault, Some((5, 600, true)))
    );
    assert_eq!(answer.retry_after_seconds, Some(550));
    assert_eq!(
        desk.send(window(2001, 8)).reason,
        Reason::Success,
        "another contract type has its own"
    );
    desk.wait(550.0);
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn ten_a_day_and_thirty_a_day_for_all_contract_types() {
    let mut desk = Desk::new();
    for contract_type in 1..=3 {
        for _ in 0..10 {
            assert_eq!(desk.send(window(2001, contract_type)).reason, Reason::Success);
            desk.wait(601.0);
        }
        let answer = desk.send(window(2001, contract_type));
        let contact_too = contract_type == 3;
        let allowed = if contact_too {
            (30, 86_400, false)
        } else {
            (10, 86_400, true)
        };
        let both = capped(&answer) == Some((10, 86_400, true)) && contact_too;
        assert!(capped(&answer) == Some(allowed) || both, "{answer:?}");
    }
    let answer = desk.send(window(2001, 4));
    assert_eq!(capped(&answer), Some((30, 86_400, false)));
    desk.wait(86_400.0);
    assert_eq!(desk.send(window(2001, 4)).reason, Reason::Success);
}

#[test]
fn a_customer_who_signs_six_contracts_in_one_sitting_is_not_stopped() {
    let mut desk = Desk::new();
    for _ in 0..6 {
        assert_eq!(desk.send(W()).reason, Reason::Success);
        let code = desk.code();
        assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
        desk.wait(30.0);
    }
}

#[test]
fn the_order_in_step_seven_is_window_lock_caps_generator() {
    let mut desk = Desk::new();
    desk.policy.tries_max = 10;
    desk.policy.lock_after_tries = 5;
    desk.policy.resend_window = std::time::Duration::from_secs(20);
    for _ in 0..5 {
        assert_eq!(desk.send(W()).reason, Reason::Success);
        desk.wait(20.0);
    }
    desk.wait(520.0);
    assert_eq!(desk.send(W()).reason, Reason::Success);
    let wrong = desk.wrong();
    (0..5).for_each(|_| drop(desk.verify(W(), &wrong)));
    // Window, lock and cap stand in the way together.
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
    desk.wait(20.0);
    assert!(matches!(
        desk.send(W()).detail,
        Some(Detail::ContactLocked { .. })
    ));
    desk.step(Command::LiftLock {
        contact: ContactId(2001),
        request: RequestId(0),
    });
    assert!(
        desk.begin_bound(W(), Binding::default(), false)
            .is_err_and(|answer| capped(&answer).is_some() == (desk.now.mono.0 < 600_000))
    );
}

#[test]
fn a_record_at_every_bound_fits_the_store() {
    let mut desk = Desk::new();
    desk.policy = Policy {
        tries_max: 10,
        lock_after_tries: LOCK_AFTER_TRIES_MAX,
        short_cap: CAP_MAX,
        daily_cap: CAP_MAX,
        contact_daily_cap: CAP_MAX,
        resend_window: std::time::Duration::from_secs(1),
        lifetime: std::time::Duration::from_secs(600),
        ..Policy::default()
    };
    let contacts = i64::try_from(LEDGERS_MAX).unwrap();
    // Every contact sends up to its cap, then tries up to its lock.
    for contact in 0..contacts {
        for _ in 0..CAP_MAX {
            assert_eq!(desk.send(window(i64::MIN + contact, 255)).reason, Reason::Success);
            desk.wait(1.0);
        }
        for _ in 0..9 {
            assert_eq!(
                desk.verify(window(i64::MIN + contact, 255), "no").reason,
                Reason::OtpMismatch
            );
        }
    }
    let refused = desk.send(window(7, 255));
    assert_eq!(
        refused.detail,
        Some(Detail::TooManyContacts { allowed: 8 }),
        "one contact more"
    );
    let mut book = desk.book.clone();
    for ledger in book.ledgers.values_mut() {
        ledger.wrong_tries.resize(
            usize::try_from(LOCK_AFTER_TRIES_MAX).unwrap(),
            Moment::at(desk.now),
        );
    }
    let (key, mut challenge) = book
        .challenges
        .iter()
        .next()
        .map(|(key, c)| (*key, c.clone()))
        .unwrap();
    challenge.claim = Some(Box::new(Claim::new(key.invoker, "send", "key", b"body")));
    challenge.client = Some("x".repeat(CLIENT_REFERENCE_BYTES_MAX));
    for contract_type in 0..=u8::MAX {
        if book.challenges.len() == LIVE_CODES_MAX {
            break;
        }
        book.challenges.insert(
            WindowKey {
                contract_type: crate::ids::ContractTypeId(contract_type),
                ..key
            },
            challenge.clone(),
        );
    }
    assert_eq!(book.challenges.len(), LIVE_CODES_MAX);
    let bytes = storage::record::encode(&book.record(desk.now)).unwrap().len();
    assert!(bytes <= 16 * 1_024 - 64, "{bytes} bytes");
}

#[test]
fn twenty_eight_live_codes_are_the_most_and_dead_ones_make_room() {
    let mut desk = Desk::new();
    let max = u8::try_from(LIVE_CODES_MAX).unwrap();
    for contract_type in 0..max {
        assert_eq!(desk.send(window(2001, contract_type)).reason, Reason::Success);
    }
    let refused = desk.send(window(2001, max));
    assert!(
        matches!(refused.detail, Some(Detail::TooManyLiveCodes { .. })),
        "{refused:?}"
    );
    desk.wait(301.0);
    assert_eq!(desk.send(window(2001, max)).reason, Reason::Success);
    assert!(desk.book.challenges().count() <= LIVE_CODES_MAX);
}
