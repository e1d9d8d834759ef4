//! What an agent brings is judged before anybody uses it; what does not fit is refused and counted.

use crate::world::{BAKERY_CODE, TestKey, World, settle, signed};
use actors::ports::{SignatureOutcome, SigningAgent};
use signing_protocol::{DeliveryStatus, ErrorCode, Octets, Outcome, RefusalReason, RequestId};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_signature_that_does_not_fit_is_refused_and_the_right_one_still_taken() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let other = TestKey::new(2, BAKERY_CODE, world.now());
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let id = agent.taken().await.request.id;
    for (what, outcome, counted) in [
        (
            "no signature",
            Outcome::Signed {
                cms: Octets(b"no CMS".to_vec()),
            },
            "broken",
        ),
        ("other octets", signed(&key, b"another receipt"), "other_content"),
    ] {
        let refused = agent.deliver(id, outcome).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::UnfitSignature, "{what}");
        assert_eq!(world.delivered(&agent, counted), 1.0, "{what}");
    }
    assert!(!asked.task.is_finished());
    let accepted = agent.deliver(id, signed(&key, b"a receipt")).await.unwrap();
    assert_eq!(accepted.status, DeliveryStatus::Accepted);
    assert!(matches!(asked.outcome().await, SignatureOutcome::Signed(_)));
    // Again with another key: by then it is another answer.
    let asked = world.ask(&key, b"second");
    settle().await;
    let refused = agent
        .deliver(asked.request(), signed(&other, b"second"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnfitSignature);
    assert_eq!(world.delivered(&agent, "other_key"), 1.0);
}

#[tokio::test]
async fn an_altered_signature_is_broken() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let mut cms = key.sign(b"a receipt");
    let last = cms.len() - 1;
    cms[last] ^= 1;
    let outcome = Outcome::Signed { cms: Octets(cms) };
    let refused = agent.deliver(asked.request(), outcome).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnfitSignature);
    assert_eq!(world.delivered(&agent, "broken"), 1.0);
}

#[tokio::test]
async fn the_third_unfit_signature_gives_the_request_up() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let id = asked.request();
    for _ in 0..3 {
        let refused = agent.deliver(id, signed(&key, b"other")).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::UnfitSignature);
    }
    let SignatureOutcome::Refused(refusal) = asked.outcome().await else {
        panic!("refused");
    };
    assert_eq!(refusal.reason, "unfit_signature");
    let late = agent.deliver(id, signed(&key, b"a receipt")).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::LateAnswer);
}

#[tokio::test]
async fn late_foreign_and_unknown_answers_are_refused_and_counted() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let (stranger, _) = world.ready(2).await;
    let good = signed(&key, b"a receipt");
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let id = asked.request();
    let foreign = stranger.deliver(id, good.clone()).await.unwrap_err();
    assert_eq!(foreign.code, ErrorCode::UnknownRequest, "another agent's request");
    let unknown = agent
        .deliver(RequestId(Uuid::from_u128(4)), good.clone())
        .await
        .unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UnknownRequest);
    world.clock.advance(Duration::from_secs(28));
    assert_eq!(asked.outcome().await, SignatureOutcome::Late);
    let late = agent.deliver(id, good.clone()).await.unwrap_err();
    assert_eq!(late.code, ErrorCode::LateAnswer);
    let withdrawn = world.ask(&key, b"another");
    settle().await;
    world.agents.withdraw(withdrawn.id);
    let late = agent
        .deliver(withdrawn.request(), signed(&key, b"another"))
        .await
        .unwrap_err();
    assert_eq!(late.code, ErrorCode::LateAnswer);
    assert_eq!(withdrawn.outcome().await, SignatureOutcome::Late);
    assert_eq!(
        (
            world.delivered(&stranger, "unknown_request"),
            world.delivered(&agent, "unknown_request"),
            world.delivered(&agent, "late")
        ),
        (1.0, 1.0, 2.0)
    );
}

#[tokio::test]
async fn the_same_answer_again_is_repeated_also_after_the_deadline_and_another_one_is_refused() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let id = asked.request();
    let good = signed(&key, b"a receipt");
    agent.deliver(id, good.clone()).await.unwrap();
    for seconds in [0, 60] {
        world.clock.advance(Duration::from_secs(seconds));
        let repeated = agent.deliver(id, good.clone()).await.unwrap();
        assert_eq!(repeated.status, DeliveryStatus::Repeated);
        let other = agent.deliver(id, signed(&key, b"other")).await.unwrap_err();
        assert_eq!(other.code, ErrorCode::OtherAnswer);
    }
    assert_eq!(
        (
            world.delivered(&agent, "repeated"),
            world.delivered(&agent, "other_answer")
        ),
        (2.0, 2.0)
    );
}

#[tokio::test]
async fn who_asks_again_under_the_same_id_gets_the_same_signature() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let first = world.ask(&key, b"a receipt");
    settle().await;
    let second = world.ask_as(&key, b"a receipt", first.id);
    settle().await;
    let taken = agent.taken().await;
    agent.sign(&taken, &key).await.unwrap();
    let outcomes = (first.outcome().await, second.outcome().await);
    assert!(
        matches!(&outcomes, (SignatureOutcome::Signed(one), SignatureOutcome::Signed(two)) if one == two)
    );
    // And once it is settled: it is handed out again, and the agent gives the same octets.
    let third = world.ask_as(
        &key,
        b"a receipt",
        actors::ids::SignatureRequestId(taken.request.id.0),
    );
    settle().await;
    assert_eq!(agent.taken().await, taken);
    agent.sign(&taken, &key).await.unwrap();
    assert_eq!(third.outcome().await, outcomes.0);
}

#[tokio::test]
async fn an_agents_refusal_settles_and_its_passing_trouble_does_not() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let id = asked.request();
    let refusal = |reason| Outcome::Refused {
        reason,
        message: "words ".repeat(100),
    };
    agent.deliver(id, refusal(RefusalReason::Busy)).await.unwrap();
    agent.deliver(id, refusal(RefusalReason::Failed)).await.unwrap();
    settle().await;
    assert!(!asked.task.is_finished());
    agent
        .deliver(id, refusal(RefusalReason::KeyNotActive))
        .await
        .unwrap();
    let SignatureOutcome::Refused(refused) = asked.outcome().await else {
        panic!("refused");
    };
    assert_eq!(refused.reason, "key_not_active");
    assert_eq!(refused.text.chars().count(), 200);
    assert_eq!(
        (
            world.delivered(&agent, "transient"),
            world.delivered(&agent, "refused_by_agent")
        ),
        (2.0, 1.0)
    );
}

#[tokio::test]
async fn an_outcome_of_another_kind_than_was_asked_for_is_no_answer() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let stray = agent
        .deliver(asked.request(), Outcome::Activated { key: key.facts() })
        .await
        .unwrap_err();
    assert_eq!(stray.code, ErrorCode::InvalidBody);
    assert!(!asked.task.is_finished());
}

#[tokio::test]

async fn a_certificate_that_names_another_keys_identifier_is_no_signature_of_that_key() {
    let world = World::new().await;
    let (agent, key) = world.ready(1).await;
    let forged = TestKey::forged(9, &key);
    assert_eq!(forged.facts().subject_key_id, key.facts().subject_key_id);
    let asked = world.ask(&key, b"a receipt");
    settle().await;
    let refused = agent
        .deliver(asked.request(), signed(&forged, b"a receipt"))
        .await
        .unwrap_err();
    assert_eq!(refused.code, ErrorCode::UnfitSignature);
    assert_eq!(world.delivered(&agent, "broken"), 1.0);
}

#[tokio::test]
async fn what_never_happened_is_counted_as_nothing_so_that_the_first_time_is_an_increase() {
    let world = World::new().await;
    let (agent, _) = world.ready(1).await;
    world.put_agent(agent.id, &[crate::world::SHOP], true).await; // sets the gauges
    let text = prometheus::TextEncoder::new()
        .encode_to_string(&world.registry.gather())
        .unwrap();
    for outcome in ["broken", "other_content", "other_key", "other_answer", "late"] {
        let line = format!("countersign_agent_deliveries_total{{agent=\"agent 1\",outcome=\"{outcome}\"}} 0");
        assert!(text.contains(&line), "{outcome}");
    }
}
