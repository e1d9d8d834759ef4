//! Signing by the pull path, and what speaks against it.

use crate::world::{TestKey, World, soon};
use chrono::TimeDelta;
use signing_protocol::*;
use smartsign::clock::{Clock as _, SystemClock};
use uuid::Uuid;

#[track_caller]
fn reason(outcome: &Outcome) -> RefusalReason {
    match outcome {
        Outcome::Refused { reason, .. } => *reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn what_the_gateway_asks_for_is_signed_and_delivered() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    // The gateway judges signature and content before it settles anything.
    let asked = world.gateway.request(world.agent, key, b"<CHECK/>", soon());
    let outcome = world.gateway.settled(world.gateway.ask(asked)).await;
    assert!(matches!(outcome, Outcome::Signed { .. }), "{outcome:?}");
    assert_eq!(world.gateway.connection(), Some(Connection::Pull));
    running.stop().await;
}

#[tokio::test]
async fn several_keys_sign_at_once_each_its_own() {
    let world = World::new().await;
    let running = world.licensed().await;
    let made: Vec<TestKey> = (1..=3).map(TestKey::new).collect();
    let mut keys = Vec::new();
    for key in &made {
        let id = running.load(key).await;
        running.activate(id).await;
        keys.push(id);
    }
    let mut asked = Vec::new();
    for number in 0..30_usize {
        let content = format!("document {number}");
        let request = world
            .gateway
            .request(world.agent, keys[number % 3], content.as_bytes(), soon());
        asked.push((number % 3, world.gateway.ask(request)));
    }
    for (signer, id) in asked {
        let Outcome::Signed { cms } = world.gateway.settled(id).await else {
            panic!("not signed");
        };
        let message = dstu::cms::SignedData::from_der(&cms.0).unwrap();
        let certificate = message.verify(None, &[])[0].certificate.unwrap().der().to_vec();
        assert_eq!(certificate, made[signer].certificate.der());
    }
    running.stop().await;
}

#[tokio::test]
async fn a_late_request_is_refused() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let late = SystemClock.now() - TimeDelta::seconds(1);
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"late", late));
    assert_eq!(reason(&world.gateway.settled(id).await), RefusalReason::Late);
    let far = SystemClock.now() + TimeDelta::hours(1);
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"far", far));
    assert_eq!(
        reason(&world.gateway.settled(id).await),
        RefusalReason::DeadlineTooFar
    );
    running.stop().await;
}

#[tokio::test]
async fn what_was_altered_on_its_way_is_refused() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let mut altered = world.gateway.request(world.agent, key, b"one", soon());
    if let Task::Sign { bytes, .. } = &mut altered.request.task {
        bytes.0 = b"two".to_vec();
    }
    let mut forged = world.gateway.request(world.agent, key, b"three", soon());
    forged.signature.0[0] ^= 1;
    let stranger = SecretKey::from_seed(&[99; 32]);
    let foreign = world
        .gateway
        .request(world.agent, key, b"four", soon())
        .request
        .sign(&stranger);
    let other = AgentId(Uuid::new_v4());
    let elsewhere = world.gateway.request(other, key, b"five", soon());
    for request in [altered, forged, foreign, elsewhere] {
        let outcome = world.gateway.settled(world.gateway.ask(request)).await;
        assert_eq!(reason(&outcome), RefusalReason::NotAuthentic);
    }
    assert_eq!(running.health().await["signatures"], 0);
    running.stop().await;
}

#[tokio::test]
async fn a_key_that_is_unknown_or_not_active_is_refused() {
    let world = World::new().await;
    let running = world.licensed().await;
    let stored = running.load(&TestKey::new(1)).await;
    let unknown = KeyId(Uuid::new_v4());
    for (key, expected) in [
        (stored, RefusalReason::KeyNotActive),
        (unknown, RefusalReason::UnknownKey),
    ] {
        let id = world
            .gateway
            .ask(world.gateway.request(world.agent, key, b"x", soon()));
        assert_eq!(reason(&world.gateway.settled(id).await), expected);
    }
    running.stop().await;
}

#[tokio::test]
async fn the_gateway_activates_a_key_by_a_request() {
    let world = World::new().await;
    let running = world.licensed().await;
    let key = running.load(&TestKey::new(1)).await;
    let request = Request {
        id: RequestId(Uuid::new_v4()),
        agent: world.agent,
        deadline: soon(),
        task: Task::Activate { key },
    };
    let id = world.gateway.ask(request.sign(&world.gateway.key));
    let Outcome::Activated { key: facts } = world.gateway.settled(id).await else {
        panic!("not activated");
    };
    assert_eq!((facts.key, facts.state), (key, KeyState::Active));
    assert_eq!(facts.taxpayer_number.as_deref(), Some("0000001001"));
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"x", soon()));
    assert!(matches!(world.gateway.settled(id).await, Outcome::Signed { .. }));
    running.stop().await;
}

#[tokio::test]
async fn a_secret_that_the_gateway_forgot_is_replaced() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    world.gateway.forget_secret();
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"x", soon()));
    assert!(matches!(world.gateway.settled(id).await, Outcome::Signed { .. }));
    assert!(world.gateway.enrolments() >= 2);
    running.stop().await;
}

#[tokio::test]
async fn a_restart_needs_no_new_enrolment_and_unlocks_the_keys() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    running.stop().await;
    let running = world.start().await;
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"x", soon()));
    assert!(matches!(world.gateway.settled(id).await, Outcome::Signed { .. }));
    assert_eq!(world.gateway.enrolments(), 1);
    running.stop().await;
}

#[tokio::test]
async fn keys_are_reported_as_they_change() {
    let world = World::new().await;
    let running = world.licensed().await;
    world.gateway.reported(|report| report.keys.is_empty()).await;
    let made = TestKey::new(1);
    let key = running.load(&made).await;
    let report = world.gateway.reported(|report| report.keys.len() == 1).await;
    assert_eq!(report.keys[0].state, KeyState::Stored);
    assert_eq!(report.keys[0].serial.0, made.certificate.serial());
    assert_eq!(
        Some(report.keys[0].subject_key_id.0.as_slice()),
        made.certificate.subject_key_id()
    );
    running.activate(key).await;
    let is_active = |report: &Report| report.keys.iter().any(|key| key.state == KeyState::Active);
    world.gateway.reported(is_active).await;
    running.stop().await;
}

#[tokio::test]
async fn a_gateway_that_is_away_is_shown_and_found_again() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    let address = world.gateway.address;
    world.gateway.leave().await;
    let health = running.problem("gateway_unreachable").await;
    assert_eq!(health["gateway"]["state"], "unreachable");
    assert_eq!(health["ready"], false);
    let back = crate::gateway::Gateway::start_at(address).await;
    let id = back.ask(back.request(world.agent, key, b"x", soon()));
    assert!(matches!(back.settled(id).await, Outcome::Signed { .. }));
    running.stop().await;
}

#[tokio::test]
async fn an_agent_that_the_gateway_refuses_says_so() {
    let world = World::new().await;
    let (running, _) = world.ready().await;
    world.gateway.enrolled(1).await;
    world.gateway.revoke(true);
    let health = running.problem("gateway_refuses").await;
    assert_eq!(health["gateway"]["state"], "refused");
    world.gateway.revoke(false);
    running.stop().await;
}

#[tokio::test]
async fn more_than_the_queue_takes_is_taken_later() {
    let world = World::with(|config| config.signing.queue_max = 4).await;
    let (running, key) = world.ready().await;
    for number in 0..50 {
        let content = format!("document {number}");
        world.gateway.ask(
            world
                .gateway
                .request(world.agent, key, content.as_bytes(), soon()),
        );
    }
    world.gateway.settled_count(50).await;
    assert_eq!(running.health().await["signatures"], 50, "none was refused");
    running.stop().await;
}
