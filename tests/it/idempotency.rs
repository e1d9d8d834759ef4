//! One message for one idempotency key, whatever is retried and whatever dies.

use crate::client::Call;
use crate::world::{AGAH, QUICK_TYPE, SEND, VERIFY, World, eventually, inputs, other_than, with, without};
use actors::ports::Outcome;
use actors::testing::Act;
use actors::testing::accepted;
use serde_json::{Value, json};
use tokio::sync::oneshot;

const KEY: &str = "7d3c9e1a";

#[test]
fn a_repeat_gets_the_first_answer_byte_for_byte_and_is_marked() {
    let world = World::start();
    let first = world.keyed(&inputs(), KEY);
    assert_eq!((first.reason(), first.is_replayed()), (11, false));
    world.advance_seconds(500);
    for _ in 0..3 {
        let again = world.keyed(&inputs(), KEY);
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert!(again.is_replayed());
    }
    assert_eq!(world.messages(), 1);
    assert_eq!(
        world.keyed(&inputs(), "another").reason(),
        11,
        "another key is another deed"
    );
}

#[test]
fn the_same_key_with_another_body_is_422() {
    let world = World::start();
    world.keyed(&inputs(), KEY);
    for body in [
        with(&inputs(), &json!({ "ContractTypeId": 8 })),
        with(&inputs(), &json!({ "Note": 1 })),
    ] {
        let reply = world.keyed(&body, KEY);
        assert_eq!(
            (reply.status, reply.problem(), reply.reason()),
            (422, "idempotency-key-reused".to_owned(), 12)
        );
    }
    assert_eq!(world.messages(), 1);
}

#[test]
fn while_the_first_runs_a_repeat_is_409_and_another_body_422() {
    let world = World::start();
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    let mut first = world.begin_held(Call::post(SEND, &inputs()).idempotency_key(KEY));
    let repeat = world.keyed(&inputs(), KEY);
    assert_eq!(
        (repeat.status, repeat.problem()),
        (409, "idempotency-key-running".to_owned())
    );
    assert_eq!(repeat.retry_after(), Some(1));
    assert_eq!(
        world.keyed(&with(&inputs(), &json!({ "Note": 1 })), KEY).status,
        422
    );
    tell.send(accepted()).unwrap();
    let first = first.read().unwrap();
    let after = world.keyed(&inputs(), KEY);
    assert_eq!((after.body, world.messages()), (first.body, 1));
}

#[test]
fn of_many_repeats_at_once_one_message_comes() {
    let world = World::start();
    let call = Call::post(SEND, &inputs()).idempotency_key(KEY);
    let mut all: Vec<_> = (0..100).map(|_| world.partner.begin(call.clone())).collect();
    let replies: Vec<_> = all.iter_mut().map(|one| one.read().unwrap()).collect();
    let firsts = replies
        .iter()
        .filter(|reply| reply.status == 200 && !reply.is_replayed())
        .count();
    assert_eq!((firsts, world.messages()), (1, 1));
    for reply in &replies {
        assert!(
            reply.status == 409 || reply.reason() == 11,
            "{} {}",
            reply.status,
            reply.text()
        );
    }
}

#[test]
fn a_client_that_goes_away_finds_its_answer_under_its_key() {
    let world = World::start();
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    drop(world.begin_held(Call::post(SEND, &inputs()).idempotency_key(KEY)));
    tell.send(accepted()).unwrap();
    let reply = eventually("the first has ended", || {
        Some(world.keyed(&inputs(), KEY)).filter(|reply| reply.status != 409)
    });
    assert_eq!(
        (reply.reason(), reply.is_replayed(), world.messages()),
        (11, true, 1)
    );
}

/// Reasons after which nothing went: the key is released, and a repeat is judged afresh.
#[test]
fn reasons_1_to_7_9_10_and_a_definite_8_release_the_key() {
    let world = World::start();
    let refusals = [
        (json!({ "InvokerCode": AGAH }), 1),
        (json!({ "ContractTypeId": 99 }), 2),
        (json!({ "ContractTypeId": 20 }), 3),
        (json!({ "CcmsCode": 9999 }), 4),
        (json!({ "ContactCcmsCode": 2004 }), 5),
        (json!({ "ContactCcmsCode": 2002 }), 6),
        (json!({ "ContactCcmsCode": 2003 }), 7),
    ];
    let keyed = |body: &Value| world.partner.call(Call::post(SEND, body).idempotency_key(KEY));
    for (changes, reason) in refusals {
        for _ in 0..2 {
            let reply = keyed(&with(&inputs(), &changes));
            assert_eq!(
                (reply.reason(), reply.is_replayed()),
                (reason, false),
                "another body under the same key, too"
            );
        }
    }
    world.chance.breaks();
    assert_eq!(keyed(&inputs()).reason(), 10);
    world.chance.recovers();
    world.operator.will(Act::Refuse("411"));
    assert_eq!(keyed(&inputs()).reason(), 8);
    world.sent(&inputs());
    let inside = keyed(&inputs());
    assert_eq!((inside.reason(), inside.is_replayed()), (9, false));
    world.advance_seconds(120);
    assert_eq!(keyed(&inputs()).reason(), 11);
    assert!(keyed(&inputs()).is_replayed());
}

#[test]
fn a_400_releases_the_key() {
    let world = World::start();
    assert_eq!(world.keyed(&without(&inputs(), "CcmsCode"), KEY).status, 400);
    assert_eq!(world.keyed(&inputs(), KEY).reason(), 11);
}

#[test]
fn an_8_of_unknown_outcome_is_kept_and_never_a_second_message_goes() {
    let mut world = World::start();
    world.operator.will(Act::Shrug);
    let first = world.keyed(&inputs(), KEY);
    assert_eq!((first.reason(), first.retry_after()), (8, Some(120)));
    for restart in [false, true] {
        if restart {
            world.restart();
        }
        world.advance_seconds(50);
        let again = world.keyed(&inputs(), KEY);
        assert_eq!((&again.body, again.is_replayed()), (&first.body, true));
    }
    world.advance_seconds(3_600);
    let late = world.keyed(&inputs(), KEY);
    assert_eq!(
        (&late.body, late.retry_after()),
        (&first.body, None),
        "waiting has no use any more"
    );
    assert_eq!(world.messages(), 1);
}

#[test]
fn a_kept_answer_survives_a_restart_and_a_crash() {
    let mut world = World::start();
    let first = world.keyed(&inputs(), KEY);
    world.restart();
    assert_eq!(world.keyed(&inputs(), KEY).body, first.body);
    world.crash();
    let again = world.keyed(&inputs(), KEY);
    assert_eq!((again.body, world.messages()), (first.body, 1));
    assert_eq!(
        world.keyed(&with(&inputs(), &json!({ "Note": 1 })), KEY).status,
        422
    );
}

#[test]
fn a_crash_between_intent_and_outcome_replays_success_where_the_operator_knows_it() {
    let mut world = World::start();
    world.operator.will(Act::Silence);
    drop(world.begin_held(Call::post(SEND, &inputs()).idempotency_key(KEY)));
    world.operator.knows(world.operator.messages()[0].id, accepted());
    world.crash();
    let reply = eventually("the debt is settled", || {
        Some(world.keyed(&inputs(), KEY)).filter(|reply| reply.status != 409)
    });
    assert_eq!((reply.reason(), reply.is_replayed()), (11, true));
    assert_eq!(world.keyed(&inputs(), KEY).body, reply.body);
    let code = world.operator.last_code().unwrap();
    assert_eq!(world.verify(&inputs(), &code).reason(), 11);
    assert_eq!(world.messages(), 1);
}

#[test]
fn a_crash_between_intent_and_outcome_is_reason_8_for_ever_where_nobody_knows() {
    let mut world = World::start();
    world.operator.will(Act::Silence);
    drop(world.begin_held(Call::post(SEND, &inputs()).idempotency_key(KEY)));
    world.crash();
    let first = world.keyed(&inputs(), KEY);
    assert_eq!(
        (first.status, first.reason()),
        (200, 8),
        "never a 409 for ever: {}",
        first.text()
    );
    assert!(first.error_messages().contains("unknown"), "{}", first.text());
    world.advance_seconds(40_000);
    world.restart();
    let again = world.keyed(&inputs(), KEY);
    assert_eq!((&again.body, again.is_replayed()), (&first.body, true));
    assert_eq!(world.messages(), 1, "never a second message for the key");
    world.sent(&inputs());
}

#[test]
fn a_crash_and_a_refusal_that_the_operator_remembers_release_the_key() {
    let mut world = World::start();
    world.operator.will(Act::Silence);
    drop(world.begin_held(Call::post(SEND, &inputs()).idempotency_key(KEY)));
    let refused = Outcome::Refused {
        permanent: true,
        code: "411".to_owned(),
        text: String::new(),
    };
    world.operator.knows(world.operator.messages()[0].id, refused);
    world.crash();
    let reply = eventually("the debt is settled", || {
        Some(world.keyed(&inputs(), KEY)).filter(|reply| reply.status != 409)
    });
    assert_eq!(
        (reply.reason(), reply.is_replayed(), world.messages()),
        (11, false, 2)
    );
}

#[test]
fn a_key_is_kept_24_hours() {
    let world = World::start();
    let first = world.keyed(&inputs(), KEY);
    world.advance_seconds(86_399);
    assert_eq!(world.keyed(&inputs(), KEY).body, first.body);
    world.advance_seconds(1);
    let later = world.keyed(&with(&inputs(), &json!({ "Note": 1 })), KEY);
    assert_eq!((later.reason(), later.is_replayed()), (11, false));
    assert_eq!(world.messages(), 2);
}

#[test]
fn two_partners_may_use_the_same_key_and_so_may_the_two_routes() {
    let world = World::start();
    assert_eq!(world.keyed(&inputs(), KEY).reason(), 11);
    let code = world.operator.last_code().unwrap();
    let theirs = world.keyed(&with(&inputs(), &json!({ "InvokerCode": AGAH })), KEY);
    assert_eq!((theirs.reason(), theirs.is_replayed()), (11, false));
    let body = with(&inputs(), &json!({ "Otp": code }));
    let verified = world.partner.call(Call::post(VERIFY, &body).idempotency_key(KEY));
    assert_eq!((verified.reason(), verified.is_replayed()), (11, false));
}

#[test]
fn a_verification_under_a_key_keeps_its_success_and_nothing_else() {
    let mut world = World::start();
    let code = world.sent(&inputs());
    let verify = |world: &World, code: &str| {
        let body = with(&inputs(), &json!({ "Otp": code }));
        world.partner.call(Call::post(VERIFY, &body).idempotency_key(KEY))
    };
    let wrong = other_than(&code);
    assert_eq!(
        (verify(&world, &wrong).reason(), verify(&world, &wrong).reason()),
        (22, 22)
    );
    let first = verify(&world, &code);
    assert_eq!((first.reason(), first.is_replayed()), (11, false));
    world.restart();
    let again = verify(&world, &code);
    assert_eq!(
        (
            again.body,
            again
                .headers
                .iter()
                .any(|(name, _)| name == "idempotent-replayed")
        ),
        (first.body, true)
    );
    assert_eq!(verify(&world, &wrong).status, 422);
    assert_eq!(
        world.verify(&inputs(), &code).reason(),
        20,
        "without the key the code is used"
    );
}

#[test]
fn a_key_has_1_to_255_visible_characters() {
    let world = World::start();
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    for key in ["", "   ", &too_long, "ключ", "a\tb"] {
        let reply = world.keyed(&inputs(), key);
        assert_eq!(
            (reply.status, reply.problem()),
            (400, "invalid-idempotency-key".to_owned()),
            "{key:?}"
        );
        assert_eq!(reply.reason(), 12);
    }
    assert_eq!(world.messages(), 0);
    let body = with(&inputs(), &json!({ "ContractTypeId": QUICK_TYPE }));
    assert_eq!(world.keyed(&body, &longest).reason(), 11);
    assert_eq!(world.keyed(&inputs(), "k").reason(), 11);
}
