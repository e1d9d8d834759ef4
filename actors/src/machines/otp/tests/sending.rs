//! Windows, hand-over, and what the message says.

use super::*;

#[test]
fn an_identical_send_is_refused_until_exactly_two_minutes_have_passed() {
    for (after, expected, left) in [
        (0.0, Reason::InThresholdOtpGenerator, Some(120)),
        (1.0, Reason::InThresholdOtpGenerator, Some(119)),
        (1.5, Reason::InThresholdOtpGenerator, Some(119)),
        (119.999, Reason::InThresholdOtpGenerator, Some(1)),
        (120.0, Reason::Success, None),
    ] {
        let mut desk = Desk::new();
        assert_eq!(desk.send(W()).reason, Reason::Success);
        desk.wait(after);
        let answer = desk.send(W());
        assert_eq!(
            (answer.reason, answer.retry_after_seconds),
            (expected, left),
            "after {after} s"
        );
    }
}

#[test]
fn another_contact_contract_type_or_caller_is_another_window() {
    let mut desk = Desk::new();
    desk.send(W());
    let mut other_caller = W();
    other_caller.invoker = crate::ids::InvokerCode(uuid::Uuid::from_u128(2));
    for other in [window(2002, 7), window(2001, 8), other_caller] {
        assert_eq!(desk.send(other).reason, Reason::Success, "{other:?}");
    }
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
}

#[test]
fn while_a_send_is_in_flight_an_identical_call_is_inside_the_window() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    for _ in 0..3 {
        desk.wait(100.0);
        let refusal = desk.begin(W()).unwrap_err();
        assert_eq!(refusal.reason, Reason::InThresholdOtpGenerator);
        assert!(refusal.retry_after_seconds.unwrap() >= 1);
    }
    assert_eq!(
        desk.settle(challenge, Settlement::Accepted).unwrap().reason,
        Reason::Success
    );
}

#[test]
fn the_window_begins_at_the_hand_over() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    desk.wait(9.0);
    desk.settle(challenge, Settlement::Accepted);
    desk.wait(119.0);
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
    desk.wait(1.0);
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn a_refusal_voids_the_code_frees_the_window_and_is_not_counted() {
    let mut desk = Desk::new();
    for _ in 0..20 {
        let challenge = desk.begin(W()).unwrap();
        let refused = Settlement::Refused {
            code: "411".to_owned(),
            text: "bad receptor".to_owned(),
        };
        let answer = desk.settle(challenge, refused).unwrap();
        assert_eq!(answer.reason, Reason::SendSmsFault);
        assert_eq!(answer.detail.unwrap().text(), "operator code 411: bad receptor");
        assert_eq!(answer.retry_after_seconds, None);
        let code = desk.code();
        assert_eq!(desk.verify(W(), &code).reason, Reason::OtpNotFound);
    }
}

#[test]
fn no_answer_in_time_keeps_the_window_and_the_code() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    let answer = desk.settle(challenge, Settlement::Unknown).unwrap();
    assert_eq!(answer.reason, Reason::SendSmsFault);
    assert_eq!(answer.detail, Some(Detail::OutcomeUnknown));
    assert_eq!(answer.retry_after_seconds, Some(120));
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
    let code = desk.code();
    assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
}

#[test]
fn a_later_negative_receipt_frees_the_window_of_an_unknown_send() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    desk.settle(challenge, Settlement::Unknown);
    desk.settle(
        challenge,
        Settlement::Refused {
            code: "11".to_owned(),
            text: String::new(),
        },
    );
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn a_late_word_on_a_settled_message_changes_nothing() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    desk.settle(challenge, Settlement::Accepted);
    let before = desk.book.clone();
    let refused = Settlement::Refused {
        code: "1".to_owned(),
        text: String::new(),
    };
    for late in [
        Settlement::Accepted,
        refused,
        Settlement::Unknown,
        Settlement::Lost,
    ] {
        assert_eq!(desk.settle(challenge, late), None);
        assert_eq!(desk.book, before);
    }
}

#[test]
fn a_task_that_was_lost_leaves_nothing_stuck() {
    let mut desk = Desk::new();
    desk.begin(W()).unwrap();
    let deadline = desk.book.next_deadline().unwrap();
    desk.wait(14.999);
    assert!(desk.step(Command::Wake).is_empty(), "not yet");
    desk.wait(0.001);
    assert_eq!(deadline, desk.now.mono);
    let answer = answer_of(desk.step(Command::Wake)).unwrap();
    assert_eq!(answer.detail, Some(Detail::OutcomeUnknown));
    assert_eq!(desk.book.next_deadline(), None);
}

#[test]
fn expiry_ends_the_window() {
    let mut desk = Desk::new();
    desk.policy.lifetime = std::time::Duration::from_secs(60);
    desk.send(W());
    desk.wait(59.0);
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
    desk.wait(1.0);
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn a_verified_code_ends_its_window() {
    let mut desk = Desk::new();
    desk.send(W());
    let code = desk.code();
    assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn a_generator_that_fails_is_reason_10_and_leaves_nothing() {
    let mut desk = Desk::new();
    let refusal = desk.begin_bound(W(), Binding::default(), false).unwrap_err();
    assert_eq!(refusal.reason, Reason::OtpGeneratorFault);
    assert_eq!(desk.book, OtpBook::new(CustomerId(1001)));
}

#[test]
fn a_jump_of_the_wall_clock_does_not_move_a_window() {
    let mut desk = Desk::new();
    desk.send(W());
    desk.now.wall += chrono::TimeDelta::days(3);
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
    desk.now.wall -= chrono::TimeDelta::days(6);
    desk.wait(120.0);
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn the_message_has_the_documents_four_lines() {
    let text = signing_text("کارگزاری آگاه", "نمونه\nیکم", "سبدگردانی", &Otp::typed("012345"));
    let expected =
        "کارگزاری آگاه\nنمونه یکم گرامی\nرمز یک بار مصرف برای امضای دیجیتال قرارداد سبدگردانی:\n012345";
    assert_eq!(text.expose(), expected);
}
