//! Agents that want requests pushed.

use crate::world::{Agent, PUSH_URL, TestKey, World, content, settle};
use actors::ports::{Pushed, SignatureOutcome};
use signing_protocol::{Connection, SessionId};
use std::time::Duration;
use uuid::Uuid;

async fn pushed_to(world: &World) -> (Agent, TestKey) {
    let (mut agent, key) = world.ready(1).await;
    agent.connection = Connection::Push {
        url: PUSH_URL.to_owned(),
    };
    agent.enrol().await.unwrap();
    (agent, key)
}

fn pushes(world: &World) -> usize {
    world.pusher.pushed.lock().unwrap().len()
}

fn will(world: &World, outcome: Pushed) {
    world.pusher.script.lock().unwrap().push_back(outcome);
}

fn not_now(retry_after: Option<u64>) -> Pushed {
    Pushed::NotNow {
        retry_after: retry_after.map(Duration::from_secs),
        why: "no connection".to_owned(),
    }
}

#[tokio::test]
async fn a_request_is_pushed_at_once_and_its_outcome_is_delivered() {
    let world = World::new().await;
    let (agent, key) = pushed_to(&world).await;
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    assert_eq!(pushes(&world), 1);
    let request = world.pusher.pushed.lock().unwrap()[0].as_ref().clone();
    assert_eq!(content(&request), b"a receipt");
    agent.sign(&request, &key).await.unwrap();
    assert!(matches!(asked.outcome().await, SignatureOutcome::Signed(_)));
    world.clock.advance(Duration::from_secs(10));
    settle().await;
    assert_eq!(pushes(&world), 1, "what is settled is pushed no more");
}

#[tokio::test]
async fn what_is_not_taken_is_pushed_again_the_same_in_everything_until_its_deadline() {
    let world = World::new().await;
    let (_agent, key) = pushed_to(&world).await;
    for _ in 0..100 {
        will(&world, not_now(None));
    }
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    for (milliseconds, expected) in [
        (249, 1),
        (1, 2),
        (499, 2),
        (1, 3),
        (1_000, 4),
        (2_000, 5),
        (4_000, 6),
        (5_000, 7),
    ] {
        world.clock.advance(Duration::from_millis(milliseconds));
        settle().await;
        assert_eq!(pushes(&world), expected, "{milliseconds} ms later");
    }
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(asked.outcome().await, SignatureOutcome::Late);
    settle().await;
    world.clock.advance(Duration::from_secs(30));
    settle().await;
    let after = pushes(&world);
    world.clock.advance(Duration::from_secs(30));
    settle().await;
    assert_eq!(pushes(&world), after, "nothing after the deadline");
    let pushed = world.pusher.pushed.lock().unwrap();
    assert!(pushed.iter().all(|request| *request == pushed[0]));
    let counted = [("agent", "agent 1"), ("outcome", "not_now")];
    assert_eq!(
        world.metric("countersign_agent_pushes_total", &counted),
        pushed.len() as f64
    );
}

#[tokio::test]
async fn what_was_taken_and_never_answered_is_pushed_again_after_five_seconds() {
    let world = World::new().await;
    let (_agent, key) = pushed_to(&world).await;
    let _asked = world.ask(&key, b"a receipt");
    settle().await;
    world.clock.advance(Duration::from_millis(4_999));
    settle().await;
    assert_eq!(pushes(&world), 1);
    world.clock.advance(Duration::from_millis(1));
    settle().await;
    assert_eq!(pushes(&world), 2);
}

#[tokio::test]
async fn an_agent_that_has_started_anew_is_pushed_at_once_what_it_had_taken_or_could_not_take() {
    for before in [Pushed::Taken, not_now(Some(4))] {
        let world = World::new().await;
        let (mut agent, key) = pushed_to(&world).await;
        agent.report(&[&key], world.now()).await.unwrap();
        will(&world, before);
        let _asked = world.ask(&key, b"a receipt");
        settle().await;
        assert_eq!(pushes(&world), 1);
        // A further report of the same program is no reason.
        agent.report(&[&key], world.now()).await.unwrap();
        settle().await;
        assert_eq!(pushes(&world), 1);
        agent.session = SessionId(Uuid::from_u128(0xa11e));
        agent.report(&[&key], world.now()).await.unwrap();
        settle().await;
        assert_eq!(pushes(&world), 2);
    }
}

#[tokio::test]
async fn an_agent_that_says_when_again_is_heard_within_bounds() {
    let world = World::new().await;
    let (_agent, key) = pushed_to(&world).await;
    will(&world, not_now(Some(2)));
    will(&world, not_now(Some(3_600)));
    let _asked = world.ask(&key, b"a receipt");
    settle().await;
    for (seconds, expected) in [(1, 1), (1, 2), (4, 2), (1, 3)] {
        world.clock.advance(Duration::from_secs(seconds));
        settle().await;
        assert_eq!(pushes(&world), expected);
    }
}

#[tokio::test]
async fn an_agent_that_will_never_take_a_request_is_believed() {
    let world = World::new().await;
    let (_agent, key) = pushed_to(&world).await;
    will(
        &world,
        Pushed::Refused {
            reason: "not_authentic",
            text: "the request is not signed by this gateway".to_owned(),
        },
    );
    let SignatureOutcome::Refused(refusal) = world.ask(&key, b"a receipt").outcome().await else {
        panic!("refused");
    };
    assert_eq!(refusal.reason, "not_authentic");
}

#[tokio::test]
async fn what_waits_is_pushed_as_soon_as_the_agent_says_that_it_wants_pushes() {
    let world = World::new().await;
    let (mut agent, key) = world.ready(1).await;
    let _asked = world.ask(&key, b"a receipt");
    settle().await;
    assert_eq!(pushes(&world), 0, "it pulls");
    agent.connection = Connection::Push {
        url: PUSH_URL.to_owned(),
    };
    agent.enrol().await.unwrap();
    settle().await;
    assert_eq!(pushes(&world), 1);
}

#[tokio::test]
async fn what_is_asked_once_more_is_pushed_once_more() {
    let world = World::new().await;
    let (agent, key) = pushed_to(&world).await;
    let first = world.ask(&key, b"a receipt");
    settle().await;
    let request = world.pusher.pushed.lock().unwrap()[0].as_ref().clone();
    let id = first.id;
    agent.sign(&request, &key).await.unwrap();
    // At once: the task of the first push has not yet seen that it is over.
    let again = world.ask_as(&key, b"a receipt", id);
    let signed = first.outcome().await;
    settle().await;
    assert_eq!(pushes(&world), 2);
    agent.sign(&request, &key).await.unwrap();
    assert_eq!(again.outcome().await, signed);
}
