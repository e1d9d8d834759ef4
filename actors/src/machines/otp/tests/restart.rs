//! What holds when the process ends and begins again.

use super::*;

#[test]
fn the_window_survives_a_restart() {
    for (later, expected) in [
        (0, Reason::InThresholdOtpGenerator),
        (119, Reason::InThresholdOtpGenerator),
        (120, Reason::Success),
    ] {
        let mut desk = Desk::new();
        desk.send(W());
        desk.restart(later);
        assert_eq!(desk.send(W()).reason, expected, "{later} s later");
    }
}

#[test]
fn a_clock_set_back_across_a_restart_never_makes_a_window_longer_than_configured() {
    let mut desk = Desk::new();
    desk.send(W());
    desk.restart(-3_600);
    assert_eq!(desk.send(W()).retry_after_seconds, Some(120));
    desk.wait(120.0);
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn tries_and_codes_survive_a_restart() {
    let mut desk = Desk::new();
    desk.send(W());
    let (right, wrong) = (desk.code(), desk.wrong());
    (0..4).for_each(|_| drop(desk.verify(W(), &wrong)));
    desk.restart(10);
    assert_eq!(desk.verify(W(), &wrong).reason, Reason::OtpMismatch);
    assert_eq!(desk.verify(W(), &right).reason, Reason::OtpLocked);
}

#[test]
fn locks_and_caps_survive_a_restart() {
    let mut desk = Desk::new();
    desk.policy.resend_window = std::time::Duration::from_secs(1);
    for _ in 0..5 {
        desk.send(W());
        desk.wait(1.0);
    }
    desk.restart(1);
    assert_eq!(desk.send(W()).reason, Reason::OtpGeneratorFault);
    desk.restart(-86_400);
    desk.wait(1.0);
    assert_eq!(
        desk.send(W()).reason,
        Reason::OtpGeneratorFault,
        "also with the clock set back"
    );
}

#[test]
fn a_message_in_flight_at_the_end_is_asked_for_at_the_beginning() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    assert!(
        desk.book.owed().is_empty(),
        "while the process lives its own task settles it"
    );
    desk.restart(5);
    assert!(
        matches!(desk.book.owed()[..], [Effect::AskOperator { challenge: asked, .. }] if asked == challenge)
    );
    assert_eq!(
        desk.begin(W()).unwrap_err().reason,
        Reason::InThresholdOtpGenerator,
        "it is still in flight"
    );
    assert_eq!(
        desk.settle(challenge, Settlement::Accepted),
        None,
        "whoever waited is gone"
    );
    assert_eq!(desk.send(W()).reason, Reason::InThresholdOtpGenerator);
    let code = desk.code();
    assert_eq!(desk.verify(W(), &code).reason, Reason::Success);
}

#[test]
fn what_nobody_can_tell_of_is_dead_its_window_free_and_still_counted() {
    let mut desk = Desk::new();
    for _ in 0..5 {
        let challenge = desk.begin(W()).unwrap();
        desk.restart(1);
        desk.settle(challenge, Settlement::Lost);
        let code = desk.code();
        assert_eq!(desk.verify(W(), &code).reason, Reason::OtpNotFound);
    }
    assert_eq!(
        desk.send(W()).reason,
        Reason::OtpGeneratorFault,
        "five may have gone"
    );
}

#[test]
fn an_operator_that_is_silent_after_a_restart_is_awaited_no_longer_than_the_deadline() {
    let mut desk = Desk::new();
    let challenge = desk.begin(W()).unwrap();
    desk.restart(3_600);
    assert!(desk.step(Command::Wake).is_empty());
    desk.wait(15.0);
    let effects = desk.step(Command::Wake);
    let kept = Answer::of(Reason::SendSmsFault)
        .because(Detail::OutcomeUnknown)
        .about(challenge);
    assert!(
        matches!(&effects[..], [Effect::WindowOpened { .. }, Effect::Settled { answer, .. }] if *answer == kept),
        "{effects:?}"
    );
    assert_eq!(desk.send(W()).reason, Reason::Success);
}

#[test]
fn what_is_stored_is_what_is_read() {
    let mut desk = Desk::new();
    desk.send(W());
    let bound = Binding::to(Some("1"), &[[1; 32]]);
    desk.begin_bound(window(2002, 8), bound, true).unwrap();
    let wrong = desk.wrong();
    desk.verify(W(), &wrong);
    let record = desk.book.record(desk.now);
    let bytes = storage::record::encode(&record).unwrap();
    let read: BookRecord<'_> = storage::record::decode(&bytes).unwrap();
    assert_eq!(storage::record::encode(&read).unwrap(), bytes);
    assert_eq!(read.challenges[&window(2002, 8)].binding, bound);
    assert_eq!(read.challenges[&W()].binding, Binding::default());
    assert_eq!(
        OtpBook::restored(CustomerId(1001), read, desk.now)
            .challenges()
            .count(),
        2
    );
}
