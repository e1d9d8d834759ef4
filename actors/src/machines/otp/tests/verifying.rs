//! Verification: tries counted before the comparison, one success, locks, binding.

use super::*;

#[test]
fn a_right_code_succeeds_once_and_is_used_then() {
    let mut desk = Desk::new();
    let sent = desk.send(W());
    let code = desk.code();
    let answer = desk.verify(W(), &code);
    assert_eq!(
        (answer.reason, answer.challenge),
        (Reason::Success, sent.challenge)
    );
    assert_eq!(desk.verify(W(), &code).reason, Reason::OtpNotFound);
}

#[test]
fn without_a_send_there_is_no_code() {
    assert_eq!(Desk::new().verify(W(), "123456").reason, Reason::OtpNotFound);
}

#[test]
fn digits_may_be_typed_in_persian_or_arabic_indic() {
    for zero in ['۰', '٠'] {
        let mut desk = Desk::new();
        desk.send(W());
        let digit = |c: char| char::from_u32(u32::from(zero) + c.to_digit(10).unwrap()).unwrap();
        let typed: String = desk.code().chars().map(digit).collect();
        assert_eq!(desk.verify(W(), &typed).reason, Reason::Success);
    }
}

#[test]
fn a_code_lives_for_its_lifetime_from_the_hand_over() {
    for (after, expected) in [
        (299.999, Reason::Success),
        (300.0, Reason::OtpExpired),
        (86_000.0, Reason::OtpExpired),
    ] {
        let mut desk = Desk::new();
        let challenge = desk.begin(W()).unwrap();
        desk.wait(5.0);
        desk.settle(challenge, Settlement::Accepted);
        desk.wait(after);
        let code = desk.code();
        assert_eq!(desk.verify(W(), &code).reason, expected, "after {after} s");
    }
}

#[test]
fn five_wrong_tries_kill_the_code() {
    let mut desk = Desk::new();
    desk.send(W());
    let (right, wrong) = (desk.code(), desk.wrong());
    for _ in 0..5 {
        assert_eq!(desk.verify(W(), &wrong).reason, Reason::OtpMismatch);
    }
    for code in [&wrong, &right] {
        assert_eq!(desk.verify(W(), code).reason, Reason::OtpLocked);
    }
}

#[test]
fn the_fifth_try_may_still_be_the_right_one() {
    let mut desk = Desk::new();
    desk.send(W());
    let (right, wrong) = (desk.code(), desk.wrong());
    (0..4).for_each(|_| assert_eq!(desk.verify(W(), &wrong).reason, Reason::OtpMismatch));
    assert_eq!(desk.verify(W(), &right).reason, Reason::Success);
}

#[test]
fn a_try_is_remembered_before_the_comparison() {
    let mut desk = Desk::new();
    desk.send(W());
    let command = VerifyCommand {
        request: RequestId(99),
        window: W(),
        destination: Some(phone()),
        binding: Binding::default(),
        code: Otp::typed("000000"),
        policy: desk.policy.clone(),
        keys: keys(&[1]),
        claim: None,
        evidence: None,
    };
    let decision = desk.book.decide(Command::Verify(Box::new(command)), desk.now);
    assert!(matches!(decision.events[..], [Event::TryCounted { .. }]));
    assert!(
        matches!(decision.effects[..], [Effect::Compare(_)]),
        "nothing is answered yet"
    );
}

#[test]
fn what_is_no_code_at_all_is_a_wrong_try() {
    for typed in ["", "abc", "12345", "1234567", "12 34 56", "١٢٣"] {
        let mut desk = Desk::new();
        desk.send(W());
        assert_eq!(desk.verify(W(), typed).reason, Reason::OtpMismatch, "{typed:?}");
        assert_eq!(desk.book.challenges().next().unwrap().1.tries, 1);
    }
}

#[test]
fn fifteen_wrong_tries_in_a_day_lock_the_contact_whatever_codes_they_were_for() {
    let mut desk = Desk::new();
    for round in 0..3 {
        assert_eq!(
            desk.send(W()).reason,
            Reason::Success,
            "a new code does not reset the counter, round {round}"
        );
        let wrong = desk.wrong();
        (0..5).for_each(|_| assert_eq!(desk.verify(W(), &wrong).reason, Reason::OtpMismatch));
        desk.wait(601.0);
    }
    let send = desk.send(W());
    assert_eq!(send.reason, Reason::OtpGeneratorFault);
    assert_eq!(send.detail, Some(Detail::ContactLocked { tries: 15 }));
    assert!(send.retry_after_seconds.unwrap() > 80_000);
    assert_eq!(desk.verify(W(), "000000").reason, Reason::OtpLocked);
    assert_eq!(
        desk.send(window(2001, 8)).reason,
        Reason::OtpGeneratorFault,
        "every contract type of the contact"
    );
    assert_eq!(
        desk.send(window(2002, 7)).reason,
        Reason::Success,
        "no other contact"
    );
    desk.wait(86_400.0);
    assert_eq!(desk.send(W()).reason, Reason::Success, "until the day has passed");
}

#[test]
fn an_administrator_lifts_a_lock() {
    let mut desk = Desk::new();
    for _ in 0..3 {
        desk.send(W());
        let wrong = desk.wrong();
        (0..5).for_each(|_| drop(desk.verify(W(), &wrong)));
        desk.wait(601.0);
    }
    assert_eq!(desk.send(W()).reason, Reason::OtpGeneratorFault);
    let effects = desk.step(Command::LiftLock {
        contact: ContactId(2001),
        request: RequestId(7),
    });
    assert!(matches!(
        effects[..],
        [Effect::LockLifted {
            request: RequestId(7)
        }]
    ));
    assert_eq!(desk.send(W()).reason, Reason::Success);
    let none = desk.book.decide(
        Command::LiftLock {
            contact: ContactId(9),
            request: RequestId(8),
        },
        desk.now,
    );
    assert!(
        none.events.is_empty() && none.effects.len() == 1,
        "lifting what is not there is told, not remembered"
    );
}

#[test]
fn a_success_is_no_wrong_try() {
    let mut desk = Desk::new();
    for _ in 0..40 {
        assert_eq!(desk.send(W()).reason, Reason::Success);
        let code = desk.code();
        assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
    }
}

#[test]
fn a_code_bound_to_a_contract_is_good_for_that_contract_alone() {
    let bound = Binding::to(Some("1"), &[[1; 32], [2; 32]]);
    for (binding, expected) in [
        (bound, Reason::Success),
        (
            Binding::to(Some("1"), &[[2; 32], [1; 32], [1; 32]]),
            Reason::Success,
        ),
        (Binding::default(), Reason::OtpMismatch),
        (Binding::to(Some("2"), &[[1; 32], [2; 32]]), Reason::OtpMismatch),
        (Binding::to(None, &[[1; 32], [2; 32]]), Reason::OtpMismatch),
        (Binding::to(Some("1"), &[[1; 32]]), Reason::OtpMismatch),
    ] {
        let mut desk = Desk::new();
        let challenge = desk.begin_bound(W(), bound, true).unwrap();
        desk.settle(challenge, Settlement::Accepted);
        let code = desk.code();
        assert_eq!(
            desk.verify_bound(W(), &code, binding, Some(phone())).reason,
            expected,
            "{binding:?}"
        );
    }
}

#[test]
fn a_code_bound_to_nothing_is_not_good_for_a_contract() {
    let mut desk = Desk::new();
    desk.send(W());
    let code = desk.code();
    let answer = desk.verify_bound(W(), &code, Binding::to(Some(""), &[]), Some(phone()));
    assert_eq!(answer.reason, Reason::OtpMismatch);
}

#[test]
fn a_code_is_good_only_for_the_number_that_it_was_sent_to() {
    let other = Phone::mobile("09120000002", IR).unwrap();
    for destination in [Some(other), None] {
        let mut desk = Desk::new();
        desk.send(W());
        let code = desk.code();
        assert_eq!(
            desk.verify_bound(W(), &code, Binding::default(), destination)
                .reason,
            Reason::OtpMismatch
        );
    }
}

#[test]
fn two_keys_are_live_during_a_rotation() {
    let mut desk = Desk::new();
    desk.send(W());
    desk.send(window(2002, 7));
    let (first, second) = (desk.sent[0].code.clone(), desk.sent[1].code.clone());
    desk.with_keys(&[2, 1]);
    assert_eq!(
        desk.verify(W(), &first).reason,
        Reason::Success,
        "the old key still checks"
    );
    desk.with_keys(&[2]);
    assert_eq!(
        desk.verify(window(2002, 7), &second).reason,
        Reason::OtpMismatch,
        "a key that is gone checks nothing"
    );
}

#[test]
fn a_code_may_be_verified_before_the_operator_has_answered() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    let code = desk.code();
    assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
    assert_eq!(
        desk.verify(W(), &code).reason,
        Reason::OtpNotFound,
        "one success per code"
    );
    assert_eq!(
        desk.begin(W()).unwrap_err().reason,
        Reason::InThresholdOtpGenerator,
        "it is still in flight"
    );
    assert_eq!(
        desk.settle(challenge, Settlement::Accepted).unwrap().reason,
        Reason::Success
    );
    assert_eq!(
        desk.send(W()).reason,
        Reason::Success,
        "used, so its window is over"
    );
}

#[test]
fn a_new_code_ends_the_one_before() {
    let mut desk = Desk::new();
    desk.send(W());
    let old = desk.code();
    desk.wait(120.0);
    desk.send(W());
    let new = desk.code();
    assert_ne!(old, new, "seed 1 draws different codes");
    assert_eq!(desk.verify(W(), &old).reason, Reason::OtpMismatch);
    assert_eq!(desk.verify(W(), &new).reason, Reason::Success);
}
