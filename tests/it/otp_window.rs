//! The resend window, refusals, unknown outcomes, caps and crashes of a send.

use crate::client::{Call, Connection, Reply};
use crate::world::{
    AGAH, QUICK_TYPE, SEND, SHORT_LIVED_TYPE, Setup, World, eventually, inputs, other_than, wait_until, with,
};
use actors::testing::Act;
use actors::testing::accepted;
use serde_json::json;
use std::time::Duration;
use tokio::sync::oneshot;

fn of_type(contract_type: u8) -> serde_json::Value {
    with(&inputs(), &json!({ "ContractTypeId": contract_type }))
}

#[test]
fn the_window_starts_at_the_hand_over_and_ends_at_exactly_120_seconds() {
    let world = World::start();
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    let mut first = world.begin_held(Call::post(SEND, &inputs()));
    world.advance_seconds(7);
    tell.send(accepted()).unwrap();
    assert_eq!(first.read().unwrap().reason(), 11);
    world.advance_seconds(119);
    let early = world.send(&inputs());
    assert_eq!(
        (early.reason(), early.retry_after()),
        (9, Some(1)),
        "126 s after the request, 119 s after the hand-over"
    );
    world.clock.advance(Duration::from_millis(999));
    assert_eq!((world.send(&inputs()).reason(), world.messages()), (9, 1));
    world.clock.advance(Duration::from_millis(1));
    world.sent(&inputs());
    assert_eq!(world.messages(), 2);
}

#[test]
fn a_repeat_at_exactly_120_seconds_is_sent() {
    let world = World::start();
    world.sent(&inputs());
    world.advance_seconds(120);
    world.sent(&inputs());
}

#[test]
fn reason_9_says_how_many_whole_seconds_are_left_rounded_up() {
    let world = World::start();
    world.sent(&inputs());
    for (advance_ms, left) in [
        (0, 120),
        (1, 120),
        (998, 120),
        (1, 119),
        (500, 119),
        (60_500, 58),
        (57_999, 1),
    ] {
        world.clock.advance(Duration::from_millis(advance_ms));
        assert_eq!(
            world.send(&inputs()).retry_after(),
            Some(left),
            "after {advance_ms} ms more"
        );
    }
}

#[test]
fn while_a_send_is_in_flight_an_identical_one_is_inside_the_window() {
    let world = World::start();
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    let mut first = world.begin_held(Call::post(SEND, &inputs()));
    let second = world.send(&inputs());
    assert_eq!(second.reason(), 9);
    assert!(
        second
            .retry_after()
            .is_some_and(|seconds| (1..=120).contains(&seconds))
    );
    tell.send(accepted()).unwrap();
    assert_eq!((first.read().unwrap().reason(), world.messages()), (11, 1));
}

#[test]
fn another_contract_type_contact_customer_or_caller_is_another_window() {
    let world = World::start();
    world.sent(&inputs());
    world.sent(&of_type(8));
    world.sent(&with(&inputs(), &json!({ "CcmsCode": 1002 })));
    world.sent(&with(
        &inputs(),
        &json!({ "CcmsCode": 1002, "ContactCcmsCode": 2021 }),
    ));
    world.sent(&with(&inputs(), &json!({ "InvokerCode": AGAH })));
    assert_eq!(world.send(&inputs()).reason(), 9);
    assert_eq!(world.messages(), 5);
}

#[test]
fn another_contract_id_or_document_inside_the_window_is_still_9_and_the_code_stays_with_the_first() {
    let world = World::start();
    let first = with(&inputs(), &json!({ "ContractId": "A" }));
    let code = world.sent(&first);
    for changes in [
        json!({ "ContractId": "B" }),
        json!({ "DocumentsSha256": ["ab".repeat(32)] }),
        json!({}),
    ] {
        assert_eq!(world.send(&with(&inputs(), &changes)).reason(), 9, "{changes}");
    }
    assert_eq!(
        world
            .verify(&with(&inputs(), &json!({ "ContractId": "B" })), &code)
            .reason(),
        22
    );
    assert_eq!(world.verify(&first, &code).reason(), 11);
}

#[test]
fn expiry_ends_the_window() {
    let world = World::start();
    world.sent(&of_type(SHORT_LIVED_TYPE));
    world.advance_seconds(59);
    let inside = world.send(&of_type(SHORT_LIVED_TYPE));
    assert_eq!((inside.reason(), inside.retry_after()), (9, Some(1)));
    world.advance_seconds(2);
    world.sent(&of_type(SHORT_LIVED_TYPE));
}

#[test]
fn a_verified_code_ends_its_window() {
    let world = World::start();
    let code = world.sent(&inputs());
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
    world.sent(&inputs());
}

#[test]
fn window_lifetime_and_length_are_settings_that_a_contract_type_may_override() {
    let setup = Setup::default().config(|config| {
        config.otp.resend_window_seconds = 30;
        config.otp.code_length = 8;
        config.otp.brand = "نام دیگر".to_owned();
    });
    let world = setup.start();
    assert_eq!(world.sent(&inputs()).len(), 8);
    assert!(
        world.operator.messages()[0]
            .text
            .expose()
            .starts_with("نام دیگر\n")
    );
    assert_eq!(world.sent(&of_type(11)).len(), 4);
    assert_eq!(world.sent(&of_type(12)).len(), 10);
    world.advance_seconds(30);
    world.sent(&inputs());
}

#[test]
fn a_refusal_frees_the_window_and_voids_the_code() {
    let world = World::start();
    world.operator.will(Act::Refuse("411"));
    let refused = world.send(&inputs());
    assert_eq!(refused.reason(), 8);
    assert!(
        refused.error_messages().contains("411"),
        "the operator's code: {}",
        refused.text()
    );
    assert_eq!(refused.retry_after(), None);
    let void = world.operator.last_code().unwrap();
    assert_eq!(world.verify(&inputs(), &void).reason(), 20);
    world.sent(&inputs());
}

#[test]
fn no_answer_in_time_keeps_the_window_and_the_code_verifiable() {
    let world = World::start();
    world.operator.will(Act::Shrug);
    let unknown = world.send(&inputs());
    assert_eq!((unknown.reason(), unknown.retry_after()), (8, Some(120)));
    assert!(unknown.error_messages().contains("unknown"), "{}", unknown.text());
    assert_eq!(world.send(&inputs()).reason(), 9);
    let code = world.operator.last_code().unwrap();
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
}

#[test]
fn an_operator_that_says_nothing_at_all_is_given_up_after_the_configured_time() {
    let world = World::start();
    world.operator.will(Act::Silence);
    let mut held = world.begin_held(Call::post(SEND, &inputs()));
    let reply = answered_as_time_passes(&world, &mut held);
    assert_eq!(reply.reason(), 8);
    assert!(reply.error_messages().contains("unknown"), "{}", reply.text());
    assert_eq!(world.send(&inputs()).reason(), 9);
}

/// Lets seconds pass until there is an answer: whoever sleeps on the clock may begin to only after the first of them.
fn answered_as_time_passes(world: &World, held: &mut Connection<std::net::TcpStream>) -> Reply {
    eventually("the answer", || {
        world.advance_seconds(1);
        held.is_answered().then(|| held.read().unwrap())
    })
}

#[test]
fn caps_stop_the_sixth_unverified_code_in_ten_minutes_and_say_when_it_goes_on() {
    let world = World::start();
    for _ in 0..5 {
        world.sent(&of_type(QUICK_TYPE));
        world.advance_seconds(10);
    }
    let capped = world.send(&of_type(QUICK_TYPE));
    assert_eq!((capped.reason(), capped.retry_after()), (10, Some(550)));
    assert!(
        capped
            .error_messages()
            .contains("5 unverified codes in 600 seconds"),
        "{}",
        capped.text()
    );
    let other_caller = with(&of_type(QUICK_TYPE), &json!({ "InvokerCode": AGAH }));
    assert_eq!(
        world.send(&other_caller).reason(),
        10,
        "the cap is the contact's, whoever calls"
    );
    assert_eq!(world.messages(), 5);
    world.sent(&with(&of_type(QUICK_TYPE), &json!({ "CcmsCode": 1002 })));
    world.sent(&of_type(8));
    world.advance_seconds(549);
    assert_eq!(world.send(&of_type(QUICK_TYPE)).retry_after(), Some(1));
    world.advance_seconds(1);
    world.sent(&of_type(QUICK_TYPE));
}

#[test]
fn caps_stop_the_eleventh_unverified_code_in_a_day() {
    let world = World::start();
    for _ in 0..10 {
        world.sent(&of_type(QUICK_TYPE));
        world.advance_seconds(600);
    }
    let capped = world.send(&of_type(QUICK_TYPE));
    assert_eq!(
        (capped.reason(), capped.retry_after()),
        (10, Some(86_400 - 6_000))
    );
    assert!(
        capped
            .error_messages()
            .contains("10 unverified codes in 86400 seconds"),
        "{}",
        capped.text()
    );
}

#[test]
fn caps_stop_the_thirty_first_unverified_code_of_a_contact_in_a_day() {
    let world = World::start();
    for contract_type in [7, 8, QUICK_TYPE] {
        for _ in 0..10 {
            world.sent(&of_type(contract_type));
            world.advance_seconds(600);
        }
    }
    let capped = world.send(&of_type(SHORT_LIVED_TYPE));
    assert_eq!(capped.reason(), 10);
    assert!(
        capped
            .error_messages()
            .contains("30 unverified codes in 86400 seconds for this contact"),
        "{}",
        capped.text()
    );
    world.sent(&with(&inputs(), &json!({ "CcmsCode": 1002 })));
}

#[test]
fn a_customer_who_signs_twelve_contracts_in_one_sitting_is_not_stopped() {
    let world = World::start();
    for _ in 0..12 {
        let code = world.sent(&inputs());
        assert_eq!(world.verify(&inputs(), &code).reason(), 11);
    }
}

#[test]
fn a_refused_message_counts_in_no_cap() {
    let world = World::start();
    for _ in 0..12 {
        world.operator.will(Act::Refuse("411"));
        assert_eq!(world.send(&inputs()).reason(), 8);
    }
    world.sent(&inputs());
}

#[test]
fn caps_and_locks_survive_a_restart() {
    let mut world = World::start();
    for _ in 0..5 {
        world.sent(&of_type(QUICK_TYPE));
        world.advance_seconds(2);
    }
    world.restart();
    assert_eq!(world.send(&of_type(QUICK_TYPE)).reason(), 10);
}

#[test]
fn the_window_survives_a_restart() {
    for on_disk in [false, true] {
        let setup = Setup::default();
        let mut world = if on_disk { setup.on_disk() } else { setup }.start();
        let code = world.sent(&inputs());
        world.advance_seconds(50);
        world.restart_with_clock_moved(10);
        let reply = world.send(&inputs());
        assert_eq!(
            (reply.reason(), reply.retry_after()),
            (9, Some(60)),
            "on disk: {on_disk}"
        );
        assert_eq!(world.verify(&inputs(), &code).reason(), 11);
        assert_eq!(world.messages(), 1);
    }
}

#[test]
fn the_window_survives_a_clock_set_back_and_never_lasts_longer_than_configured() {
    let mut world = World::start();
    world.sent(&inputs());
    world.advance_seconds(30);
    world.clock.jump(chrono::TimeDelta::hours(-5));
    assert_eq!(
        world.send(&inputs()).retry_after(),
        Some(90),
        "a running window does not see the wall clock"
    );
    world.clock.jump(chrono::TimeDelta::hours(50));
    assert_eq!(world.send(&inputs()).retry_after(), Some(90));
    world.clock.jump(chrono::TimeDelta::hours(-45));
    world.restart_with_clock_moved(-86_400);
    assert_eq!(world.send(&inputs()).retry_after(), Some(120));
    world.advance_seconds(120);
    world.sent(&inputs());
}

#[test]
fn killed_before_the_intent_nothing_happened() {
    let mut world = World::start();
    world.gate.close();
    let mut lost = world
        .partner
        .begin(Call::post(SEND, &inputs()).idempotency_key("k"));
    wait_until("the actor is at its commit", || {
        a_customers_actor_was_started(&world)
    });
    world.crash();
    assert!(lost.read().is_err());
    assert_eq!(world.messages(), 0);
    assert_eq!(world.keyed(&inputs(), "k").reason(), 11);
}

#[test]
fn killed_after_the_intent_the_operator_is_asked_and_what_it_has_is_in_the_window() {
    let mut world = World::start();
    world.operator.will(Act::Silence);
    drop(world.begin_held(Call::post(SEND, &inputs())));
    let message = world.operator.messages().remove(0);
    world.operator.knows(message.id, accepted());
    world.crash();
    assert_eq!(world.send(&inputs()).reason(), 9);
    let code = world.operator.last_code().unwrap();
    assert_eq!(
        world.verify(&inputs(), &code).reason(),
        11,
        "it is in the customer's hand"
    );
    assert_eq!(world.messages(), 1);
}

#[test]
fn killed_after_the_intent_and_nobody_can_tell_the_code_is_dead_and_the_window_free() {
    let mut world = World::start();
    world.operator.will(Act::Silence);
    drop(world.begin_held(Call::post(SEND, &inputs())));
    let dead = world.operator.last_code().unwrap();
    world.crash();
    wait_until("the debt is settled", || world.send(&inputs()).reason() == 11);
    assert_eq!(world.messages(), 2);
    let live = world.operator.last_code().unwrap();
    assert_ne!(dead, live, "by the seed of this run");
    assert_eq!(world.verify(&inputs(), &dead).reason(), 22);
    assert_eq!(world.verify(&inputs(), &live).reason(), 11);
}

/// Whether a customer's actor was given something to do in this run of the gateway.
fn a_customers_actor_was_started(world: &World) -> bool {
    let metrics = world.admin.get("/metrics").text();
    metrics
        .lines()
        .any(|line| line == "countersign_customer_actors_started_total 1")
}

#[test]
fn a_debt_is_settled_although_nobody_asks() {
    let mut world = World::start();
    world.operator.will(Act::Silence);
    drop(world.begin_held(Call::post(SEND, &inputs())));
    world.crash();
    eventually("the wheel wakes the customer's actor", || {
        world.advance_seconds(1);
        a_customers_actor_was_started(&world).then_some(())
    });
}

#[test]
fn wrong_tries_before_a_restart_count_after_it() {
    let mut world = World::start();
    let code = world.sent(&inputs());
    for _ in 0..4 {
        assert_eq!(world.verify(&inputs(), &other_than(&code)).reason(), 22);
    }
    world.restart();
    assert_eq!(world.verify(&inputs(), &other_than(&code)).reason(), 22);
    assert_eq!(world.verify(&inputs(), &code).reason(), 23);
}

/// Sends the same request so many times at once, each over a connection of its own, and counts the Reasons 11 and 9.
fn storm(world: &World, sends: usize) -> (usize, usize) {
    let wire = world.partner.wire(Call::post(SEND, &inputs()));
    let (last, most) = wire.split_last().unwrap();
    let mut connections: Vec<_> = (0..sends)
        .map(|_| Connection::open(world.partner.address))
        .collect();
    connections
        .iter_mut()
        .for_each(|connection| connection.write(most));
    // All but the last byte is there, so that the last bytes make them one moment.
    connections
        .iter_mut()
        .for_each(|connection| connection.write(&[*last]));
    let reasons: Vec<u64> = connections
        .iter_mut()
        .map(|connection| connection.read().unwrap().reason())
        .collect();
    let count = |wanted: u64| reasons.iter().filter(|reason| **reason == wanted).count();
    (count(11), count(9))
}

#[test]
fn of_a_thousand_identical_sends_at_once_one_succeeds_also_across_a_restart() {
    let mut world = Setup::default().on_disk().start();
    assert_eq!(storm(&world, 1_000), (1, 999));
    assert_eq!(world.messages(), 1);
    world.advance_seconds(60);
    world.restart();
    assert_eq!(storm(&world, 1_000), (0, 1_000));
    assert_eq!(world.messages(), 1);
    world.advance_seconds(60);
    assert_eq!(storm(&world, 1_000), (1, 999));
    assert_eq!(world.messages(), 2);
}
