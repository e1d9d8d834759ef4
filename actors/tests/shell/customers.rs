//! Customers' actors: found, started, left, removed when dead, never asked beyond their depth.

use crate::world::{CUSTOMER, INVOKER, World, customer, over, until, world};
use actors::directory::Change;
use actors::ids::CustomerId;
use actors::machines::otp::{Detail, Reason};
use actors::ports::{HandOver, Outcome};
use actors::testing::{Act, ScriptedOperator};
use actors::trouble::Trouble;
use std::sync::Arc;
use std::time::Duration;
use storage::MemoryStore;
use tokio::sync::oneshot;

#[tokio::test]
async fn a_thousand_identical_sends_at_once_are_one_message() {
    let world = Arc::new(world().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..1_000 {
        let world = Arc::clone(&world);
        calls.spawn(async move { world.reason().await });
    }
    let answers = calls.join_all().await;
    assert_eq!(
        answers
            .iter()
            .filter(|reason| **reason == Reason::Success)
            .count(),
        1
    );
    assert_eq!(
        answers
            .iter()
            .filter(|reason| **reason == Reason::InThresholdOtpGenerator)
            .count(),
        999
    );
    assert_eq!(world.operator.messages().len(), 1);
}

#[tokio::test]
async fn beyond_its_depth_a_customer_is_busy_and_others_are_not() {
    let store = Arc::new(MemoryStore::new());
    let world = over(store, Arc::default(), Arc::default(), 4).await.unwrap();
    world.fill().await;
    let sends: Vec<_> = (0..50).map(|_| world.send()).collect();
    let answers = futures_util::future::join_all(sends).await;
    assert!(answers.iter().any(|answer| answer == &Err(Trouble::Busy)));
    assert_eq!(
        answers
            .iter()
            .flatten()
            .filter(|answer| answer.reason == Reason::Success)
            .count(),
        1
    );
    assert!(world.metrics.customers_busy.get() > 0);
    let other = world
        .service
        .send(INVOKER, World::inputs(CUSTOMER + 1), None)
        .await
        .unwrap();
    assert_eq!(other.answer.reason, Reason::Success);
}

#[tokio::test]
async fn an_idle_actor_leaves_and_the_next_call_finds_its_state() {
    let world = world().await;
    assert_eq!(world.reason().await, Reason::Success);
    assert_eq!(world.service.customers.live(), 1);
    world.service.customers.sweep_idle(Duration::from_secs(60));
    until("the sweep was looked at", || {
        world.metrics.customers_passivated.get() == 0
    })
    .await;
    assert_eq!(world.service.customers.live(), 1, "it was asked a moment ago");
    world.clock.advance(Duration::from_secs(61));
    world.service.customers.sweep_idle(Duration::from_secs(60));
    until("the actor has left", || world.service.customers.live() == 0).await;
    assert_eq!(
        (
            world.metrics.customers_passivated.get(),
            world.metrics.customers_live.get()
        ),
        (1, 0)
    );
    assert_eq!(world.reason().await, Reason::InThresholdOtpGenerator);
    assert_eq!(
        world.service.customers.live(),
        0,
        "a window that is published as closed needs no actor"
    );
    assert_eq!(world.verify("no code").await, Reason::OtpMismatch);
    assert_eq!(world.metrics.customers_started.get(), 2);
}

#[tokio::test]
async fn an_actor_that_waits_for_an_operator_does_not_leave() {
    let world = Arc::new(world().await);
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    let sending = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.reason().await }
    });
    until("the message is at the operator", || {
        world.operator.messages().len() == 1
    })
    .await;
    world.clock.advance(Duration::from_secs(9));
    world.service.customers.sweep_idle(Duration::from_secs(1));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.service.customers.live(), 1);
    tell.send(Outcome::Accepted(HandOver {
        operator: "scripted".to_owned(),
        operator_ids: vec!["1".to_owned()],
        parts: 1,
        is_polled: false,
    }))
    .unwrap();
    assert_eq!(sending.await.unwrap(), Reason::Success);
}

#[tokio::test]
async fn calls_during_departures_lose_nothing() {
    let world = Arc::new(world().await);
    for round in 0..200_u32 {
        world.clock.advance(Duration::from_secs(1));
        let calls: Vec<_> = (0..4).map(|_| world.send()).collect();
        world.service.customers.sweep_idle(Duration::ZERO);
        for answer in futures_util::future::join_all(calls).await {
            assert!(answer.is_ok(), "round {round}: {answer:?}");
        }
    }
    let messages = world.operator.messages().len();
    assert_eq!(messages, 2, "one each two minutes of 200 seconds");
}

#[tokio::test]
async fn an_operator_that_says_nothing_is_given_up_at_its_deadline() {
    let world = Arc::new(world().await);
    world.operator.will(Act::Silence);
    let sending = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.send().await }
    });
    until("the message is at the operator", || {
        world.operator.messages().len() == 1
    })
    .await;
    world.clock.advance(Duration::from_secs(10));
    let answer = sending.await.unwrap().unwrap();
    assert_eq!(
        (answer.reason, answer.detail),
        (Reason::SendSmsFault, Some(Detail::OutcomeUnknown))
    );
    let code = world.operator.last_code().unwrap();
    assert_eq!(
        world.verify(&code).await,
        Reason::Success,
        "the message probably went"
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_undo_its_send() {
    let world = Arc::new(world().await);
    let (tell, told) = oneshot::channel();
    world.operator.will(Act::Hold(told));
    let sending = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.reason().await }
    });
    until("the message is at the operator", || {
        world.operator.messages().len() == 1
    })
    .await;
    sending.abort();
    tell.send(Outcome::Accepted(HandOver {
        operator: "scripted".to_owned(),
        operator_ids: vec!["1".to_owned()],
        parts: 1,
        is_polled: false,
    }))
    .unwrap();
    world.tasks.close();
    world.tasks.wait().await;
    assert_eq!(world.reason().await, Reason::InThresholdOtpGenerator);
    assert_eq!(world.operator.messages().len(), 1);
}

#[tokio::test]
async fn an_unknown_customer_starts_no_actor() {
    let world = world().await;
    let answer = world
        .service
        .send(INVOKER, World::inputs(9_999), None)
        .await
        .unwrap();
    assert_eq!(answer.answer.reason, Reason::CustomerNotFound);
    assert_eq!(world.service.customers.live(), 0);
}

#[tokio::test]
async fn the_directory_is_read_afresh_for_every_send() {
    let world = world().await;
    let put = |number: &str| vec![Change::PutCustomer(CustomerId(CUSTOMER), customer(number))];
    world.service.directory.apply(put("021")).await.unwrap();
    assert_eq!(world.reason().await, Reason::InvalidPhone);
    world.service.directory.apply(put("09120000007")).await.unwrap();
    assert_eq!(world.reason().await, Reason::Success);
    assert_eq!(world.operator.messages()[0].destination.expose(), "+989120000007");
}

#[tokio::test]
async fn a_state_that_cannot_be_read_fails_its_own_customer_only() {
    use storage::{Batch, Key, Store};
    let store = Arc::new(MemoryStore::new());
    let mut batch = Batch::default();
    batch.put(Key::table("otp-book").i64(CUSTOMER).build(), vec![0; 40]);
    store.commit(batch).await.unwrap();
    let world = over(store, Arc::default(), Arc::<ScriptedOperator>::default(), 64)
        .await
        .unwrap();
    world.fill().await;
    for _ in 0..3 {
        assert_eq!(world.send().await, Err(Trouble::Unforeseen));
    }
    until("the failures were counted", || {
        world.metrics.customers_failed.get() == 3
    })
    .await;
    until("the dead were removed", || world.service.customers.live() == 0).await;
    let other = world
        .service
        .send(INVOKER, World::inputs(CUSTOMER + 1), None)
        .await
        .unwrap();
    assert_eq!(other.answer.reason, Reason::Success);
}
