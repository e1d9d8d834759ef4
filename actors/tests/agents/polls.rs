//! Held polls: what waits reaches the agent at once, and nobody waits for anybody else.

use crate::world::{SHOP_CODE, TestKey, World, content, settle};
use actors::ports::{SignatureOutcome, SigningAgent};
use signing_protocol::{ErrorCode, SessionId};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_held_poll_gets_a_request_at_once_and_who_asked_gets_the_signature() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let agent = Arc::new(agent);
    let polling = Arc::clone(&agent);
    let poll = tokio::spawn(async move { polling.poll(50).await });
    settle().await;
    assert!(!poll.is_finished(), "nothing waits yet");
    let asked = world.ask(&key, b"a receipt");
    let answer = poll.await.unwrap().expect("without the clock having moved");
    let [request] = answer.requests.as_slice() else {
        panic!("one request");
    };
    assert_eq!(answer.now, world.now());
    assert_eq!(content(request), b"a receipt");
    let verified = request.clone().verify(&[world.gateway.public_key()], agent.id);
    assert!(verified.is_ok(), "signed by the gateway, for this agent");
    world.clock.advance(Duration::from_millis(700));
    agent.sign(request, &key).await.unwrap();
    let SignatureOutcome::Signed(cms) = asked.outcome().await else {
        panic!("signed");
    };
    assert_eq!(cms, key.sign(b"a receipt"));
    let named = [("agent", "agent 1")];
    assert_eq!(world.metric("countersign_agent_sign_seconds_sum", &named), 0.7);
    assert_eq!(world.agents.view(agent.id).unwrap().signatures_a_minute, 1);
}

#[tokio::test]
async fn a_request_that_came_while_nobody_polled_is_given_to_the_next_poll() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let first = world.ask(&key, b"first");
    settle().await;
    let second = world.ask(&key, b"second");
    settle().await;
    let answer = agent.poll(0).await.unwrap();
    assert_eq!(
        answer.requests.iter().map(content).collect::<Vec<_>>(),
        [b"first".as_slice(), b"second"],
        "in order"
    );
    agent.sign(&answer.requests[1], &key).await.unwrap();
    assert!(matches!(second.outcome().await, SignatureOutcome::Signed(_)));
    agent.sign(&answer.requests[0], &key).await.unwrap();
    assert!(matches!(first.outcome().await, SignatureOutcome::Signed(_)));
}

#[tokio::test]
async fn a_poll_ends_after_its_wait_with_nothing() {
    let world = World::new().await;
    let agent = Arc::new(world.ready(1).await.0);
    assert!(agent.poll(0).await.is_none());
    let polling = Arc::clone(&agent);
    let poll = tokio::spawn(async move { polling.poll(50).await });
    settle().await;
    world.clock.advance(Duration::from_millis(49_999));
    settle().await;
    assert!(!poll.is_finished());
    world.clock.advance(Duration::from_millis(1));
    assert!(poll.await.unwrap().is_none());
}

#[tokio::test]
async fn a_second_poll_ends_the_one_before() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let agent = Arc::new(agent);
    let poll = |agent: &Arc<_>| {
        let agent: Arc<crate::world::Agent> = Arc::clone(agent);
        tokio::spawn(async move { agent.poll(50).await })
    };
    let first = poll(&agent);
    settle().await;
    let second = poll(&agent);
    assert!(first.await.unwrap().is_none());
    let _asked = world.ask(&key, b"a receipt");
    assert!(second.await.unwrap().is_some());
}

#[tokio::test]
async fn what_a_broken_poll_took_along_comes_again_after_five_seconds() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let _asked = world.ask(&key, b"a receipt");
    settle().await;
    let lost = agent.taken().await;
    let agent = Arc::new(agent);
    let polling = Arc::clone(&agent);
    let poll = tokio::spawn(async move { polling.poll(50).await });
    settle().await;
    world.clock.advance(Duration::from_millis(4_999));
    settle().await;
    assert!(!poll.is_finished());
    world.clock.advance(Duration::from_millis(1));
    let again = poll.await.unwrap().unwrap().requests;
    assert_eq!(again, [lost], "the same in everything");
    let restarted = agent.poll_as(SessionId(Uuid::from_u128(9)), 0).await;
    assert_eq!(
        restarted.unwrap().requests.len(),
        1,
        "a new session gets it at once"
    );
}

#[tokio::test]
async fn two_sessions_that_take_turns_are_told_of() {
    let world = World::new().await;
    let agent = world.ready(1).await.0;
    let copy = SessionId(Uuid::from_u128(9));
    for session in [agent.session, copy] {
        agent.poll_as(session, 0).await;
        assert!(!world.agents.view(agent.id).unwrap().has_copies);
    }
    agent.poll_as(agent.session, 0).await;
    assert!(world.agents.view(agent.id).unwrap().has_copies);
    world.clock.advance(Duration::from_secs(601));
    assert!(!world.agents.view(agent.id).unwrap().has_copies);
}

#[tokio::test]
async fn a_poll_ends_when_the_gateway_goes_down() {
    let world = World::new().await;
    let agent = Arc::new(world.ready(1).await.0);
    let polling = Arc::clone(&agent);
    let poll = tokio::spawn(async move { polling.poll(50).await });
    settle().await;
    world.agents.close();
    assert!(poll.await.unwrap().is_none());
}

#[tokio::test]
async fn parameters_of_a_poll_have_bounds() {
    use actors::agents::Poll;
    let session = SessionId(Uuid::from_u128(1));
    for (wait, max, fits) in [
        (0, None, true),
        (50, Some(64), true),
        (51, None, false),
        (0, Some(0), false),
        (0, Some(65), false),
    ] {
        let poll = Poll::new(wait, max, session);
        assert_eq!(poll.is_ok(), fits, "{wait} {max:?}");
        if let Err(refused) = poll {
            assert_eq!(refused.code, ErrorCode::InvalidBody);
        }
    }
}

#[tokio::test]
async fn nobody_who_cannot_sign_is_asked() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    assert_eq!(world.agents.agent_of(key.id), Some("agent 1".to_owned()));
    let unknown = TestKey::new(9, SHOP_CODE, world.now());
    let reason = |outcome| match outcome {
        SignatureOutcome::Refused(refusal) => refusal.reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(world.ask(&unknown, b"x").outcome().await), "unknown_key");
    world.put_agent(agent.id, &[crate::world::SHOP], false).await;
    assert_eq!(reason(world.ask(&key, b"x").outcome().await), "licence");
    world.put_agent(agent.id, &[crate::world::SHOP], true).await;
    agent.report(&[], world.now()).await.unwrap();
    assert_eq!(
        reason(world.ask(&key, b"x").outcome().await),
        "unknown_key",
        "the agent has removed it"
    );
    assert_eq!(world.agents.agent_of(key.id), None);
}

#[tokio::test]
async fn after_a_restart_of_the_gateway_the_same_request_is_asked_again() {
    let world = World::new().await;
    let (mut agent, key) = world.ready(1).await;
    let before = world.ask(&key, b"a receipt");
    settle().await;
    let taken = agent.taken().await;
    let again = world.restarted().await;
    agent.at(&again);
    assert!(
        agent.sign(&taken, &key).await.is_err(),
        "nobody asked this process yet"
    );
    let asked = again.ask_as(&key, b"a receipt", before.id);
    settle().await;
    assert_eq!(agent.taken().await, taken, "the same in everything");
    agent.sign(&taken, &key).await.unwrap();
    assert!(matches!(asked.outcome().await, SignatureOutcome::Signed(_)));
}
