//! One signature for each request id: twice at once, twice in a row, and across restarts.

use crate::world::{World, soon};
use signing_protocol::*;
use std::collections::HashSet;

/// Lines of the audit log that tell of signatures for a request.
fn audited(world: &World, id: RequestId) -> usize {
    let directory = world.directory.path().join("agent/audit");
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        count += lines
            .filter(|line| line["event"] == "signed" && line["request"] == id.to_string())
            .count();
    }
    count
}

fn distinct(outcomes: &[Outcome]) -> usize {
    let cms = outcomes.iter().map(|outcome| match outcome {
        Outcome::Signed { cms } => cms.0.clone(),
        other => panic!("not signed: {other:?}"),
    });
    cms.collect::<HashSet<_>>().len()
}

#[tokio::test]
async fn a_request_that_comes_twice_is_signed_once() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"<CHECK/>", soon()));
    world.gateway.settled(id).await;
    let request = world.gateway.asked(id);
    let (status, again) = running
        .call(
            "POST",
            "/api/v1/sign",
            Some(serde_json::to_value(&request).unwrap()),
        )
        .await;
    assert_eq!(status, 200, "{again}");
    let again: Delivery = serde_json::from_value(again).unwrap();
    assert_eq!(
        distinct(&[world.gateway.deliveries(id), vec![again.outcome]].concat()),
        1
    );
    assert_eq!(audited(&world, id), 1);
    running.stop().await;
}

#[tokio::test]
async fn requests_that_come_many_times_at_once_are_signed_once() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let request = world.gateway.request(world.agent, key, b"<CHECK/>", soon());
    let body = serde_json::to_value(&request).unwrap();
    let calls = (0..20).map(|_| running.call("POST", "/api/v1/sign", Some(body.clone())));
    let answers = futures_util::future::join_all(calls).await;
    let outcomes = answers.into_iter().map(|(status, value)| {
        assert_eq!(status, 200, "{value}");
        serde_json::from_value::<Delivery>(value).unwrap().outcome
    });
    assert_eq!(distinct(&outcomes.collect::<Vec<_>>()), 1);
    assert_eq!(audited(&world, request.request.id), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_signature_that_was_not_delivered_is_the_same_after_a_restart() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    world.gateway.fail_deliveries(1_000);
    let id = world
        .gateway
        .ask(world.gateway.request(world.agent, key, b"<CHECK/>", soon()));
    world.gateway.deliveries_of(id, 2).await;
    running.stop().await;
    world.gateway.fail_deliveries(0);
    // The gateway does not hand it out again: the agent remembers by itself what it owes.
    let running = world.start().await;
    world.gateway.settled(id).await;
    assert_eq!(distinct(&world.gateway.deliveries(id)), 1);
    assert_eq!(audited(&world, id), 1);
    // And if it does, the answer is still the same.
    let before = world.gateway.deliveries(id).len();
    world.gateway.unsettle(id);
    world.gateway.hand_out_again();
    assert_eq!(distinct(&world.gateway.deliveries_of(id, before + 1).await), 1);
    assert_eq!(audited(&world, id), 1);
    running.stop().await;
}

#[tokio::test]
async fn an_id_that_was_used_is_not_signed_for_other_content() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let request = world.gateway.request(world.agent, key, b"one", soon());
    let id = world.gateway.ask(request.clone());
    world.gateway.settled(id).await;
    let mut other = request.request;
    if let Task::Sign { bytes, .. } = &mut other.task {
        bytes.0 = b"two".to_vec();
    }
    let other = other.sign(&world.gateway.key);
    let (_, answer) = running
        .call(
            "POST",
            "/api/v1/sign",
            Some(serde_json::to_value(&other).unwrap()),
        )
        .await;
    assert_eq!(answer["reason"], "id_reused", "{answer}");
    assert_eq!(audited(&world, id), 1);
    running.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_signs_nothing_twice() {
    let world = World::new().await;
    let (running, key) = world.ready().await;
    let request = world.gateway.request(world.agent, key, b"one", soon());
    let id = world.gateway.ask(request.clone());
    world.gateway.settled(id).await;
    // Long after; what is out of time is forgotten with the next change.
    world.clock.shift(3_600);
    running
        .call("POST", &format!("/api/v1/keys/{key}/deactivate"), None)
        .await;
    running.activate(key).await;
    world.clock.shift(0);
    assert_eq!(running.health().await["remembered"], 0, "it was forgotten");
    let (_, answer) = running
        .call(
            "POST",
            "/api/v1/sign",
            Some(serde_json::to_value(&request).unwrap()),
        )
        .await;
    assert_eq!(answer["reason"], "late", "{answer}");
    assert_eq!(audited(&world, id), 1);
    running.stop().await;
}
