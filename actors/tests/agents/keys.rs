//! Keys: reported, bound to their agent, unlocked.

use crate::world::{BAKERY_CODE, SHOP, SHOP_CODE, TestKey, World, settle};
use actors::agents::NotActivated;
use actors::agents::book::NoAccount;
use actors::agents::records::AgreementKind;
use actors::ports::SigningAgent;
use signing_protocol::{ErrorCode, KeyState, Outcome, RefusalReason, Task};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn another_agents_key_is_not_taken_over() {
    let world = World::new().await;
    let (_, key) = world.ready(1).await;
    let (thief, _) = world.ready(2).await;
    let refused = thief.report(&[&key], world.now()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidBody);
    assert_eq!(world.agents.agent_of(key.id), Some("agent 1".to_owned()));
}

#[tokio::test]
async fn what_an_agent_says_of_its_life_and_keys_is_shown() {
    let world = World::new().await;
    let (agent, mut key) = world.ready(1).await;
    let second = TestKey::new(3, SHOP_CODE, world.now());
    key.state = KeyState::Stored;
    let ahead = world.now() + chrono::TimeDelta::seconds(7);
    agent.report(&[&key, &second], ahead).await.unwrap();
    let view = world.agents.view(agent.id).unwrap();
    assert!(view.is_here);
    assert_eq!(
        (view.waiting_there, view.signatures, view.clock_ahead_seconds),
        (2, 17, 7)
    );
    assert_eq!(view.keys.len(), 2);
    world.put_agent(agent.id, &[SHOP], true).await; // sets the gauges
    let gauge = |name: &str, label: (&str, &str)| world.metric(name, &[("agent", "agent 1"), label]);
    let any = ("agent", "agent 1");
    assert_eq!(gauge("countersign_agent_seen", any), 1.0);
    assert_eq!(gauge("countersign_agent_keys", ("state", "stored")), 1.0);
    assert_eq!(gauge("countersign_agent_keys", ("state", "active")), 1.0);
    assert_eq!(gauge("countersign_agent_clock_ahead_seconds", any), 7.0);
    let expires = second.certificate.not_after().timestamp() as f64;
    assert_eq!(
        gauge("countersign_agent_key_expiry_timestamp_seconds", any),
        expires
    );
    world.clock.advance(Duration::from_secs(90));
    assert!(!world.agents.view(agent.id).unwrap().is_here);
    world.put_agent(agent.id, &[SHOP], true).await;
    assert_eq!(gauge("countersign_agent_seen", any), 0.0);
}

#[tokio::test]
async fn a_report_out_of_bounds_is_refused() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let refused = agent.report(&[&key, &key], world.now()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidBody, "a key twice");
}

#[tokio::test]
async fn a_key_is_unlocked_once_its_holder_has_agreed() {
    let world = World::new().await;
    let (agent, mut key) = world.ready(1).await;
    key.state = KeyState::Stored;
    agent.report(&[&key], world.now()).await.unwrap();
    key.state = KeyState::Active;
    world.end_agreement(SHOP, AgreementKind::KeyUse).await;
    let refused = world.agents.activate(agent.id, key.id).await;
    assert_eq!(refused, Err(NotActivated::NoAccount(NoAccount::KeyUse)));
    world.agree(SHOP, AgreementKind::KeyUse, &[SHOP_CODE]).await;
    world.end_agreement(SHOP, AgreementKind::AgentUse).await;
    let refused = world.agents.activate(agent.id, key.id).await;
    assert_eq!(refused, Err(NotActivated::NoAccount(NoAccount::AgentUse)));
    world.agree(SHOP, AgreementKind::AgentUse, &[]).await;
    let activate = |world: &World| {
        let (agents, agent, key) = (Arc::clone(&world.agents), agent.id, key.id);
        tokio::spawn(async move { agents.activate(agent, key).await })
    };
    let unlocking = activate(&world);
    settle().await;
    let request = agent.taken().await.request;
    assert!(matches!(request.task, Task::Activate { key: asked } if asked.0 == key.id.0));
    let outcome = Outcome::Activated { key: key.facts() };
    agent.deliver(request.id, outcome).await.unwrap();
    assert_eq!(unlocking.await.unwrap(), Ok(key.facts()));
    assert_eq!(
        world.agents.view(agent.id).unwrap().keys[0].state,
        Some(KeyState::Active),
        "before the next report"
    );
    let unlocking = activate(&world);
    settle().await;
    let request = agent.taken().await.request;
    let outcome = Outcome::Refused {
        reason: RefusalReason::WrongPassword,
        message: "it does not open".to_owned(),
    };
    agent.deliver(request.id, outcome).await.unwrap();
    let refused = unlocking.await.unwrap();
    assert!(matches!(refused, Err(NotActivated::Refused { reason, .. }) if reason == "wrong_password"));
    let unlocking = activate(&world);
    settle().await;
    world.clock.advance(Duration::from_secs(30));
    assert_eq!(unlocking.await.unwrap(), Err(NotActivated::Late));
}

#[tokio::test]
async fn a_key_of_a_holder_whom_no_account_names_is_not_unlocked() {
    let world = World::new().await;
    let (agent, _) = world.ready(1).await;
    // The bakery has agreed, but this agent does not serve it.
    let foreign = TestKey::new(3, BAKERY_CODE, world.now());
    agent.report(&[&foreign], world.now()).await.unwrap();
    let refused = world.agents.activate(agent.id, foreign.id).await;
    assert_eq!(refused, Err(NotActivated::NoAccount(NoAccount::KeyUse)));
    let unknown = TestKey::new(4, SHOP_CODE, world.now());
    let refused = world.agents.activate(agent.id, unknown.id).await;
    assert_eq!(refused, Err(NotActivated::UnknownKey));
}
