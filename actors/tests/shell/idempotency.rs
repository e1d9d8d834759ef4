//! One deed for one key.

use crate::world::{World, over, until, world};
use actors::idempotency::KEPT_FOR;
use actors::machines::otp::{Detail, Reason};
use actors::ports::{HandOver, Outcome};
use actors::testing::{Act, ManualClock, ScriptedOperator};
use actors::trouble::Trouble;
use std::sync::Arc;
use std::time::Duration;
use storage::MemoryStore;

/// A process that ends without a word, and the one that begins after it.
async fn crash_and_restart(
    store: &Arc<MemoryStore>,
    world: World,
    later: Duration,
) -> (Arc<MemoryStore>, World) {
    let operator = Arc::<ScriptedOperator>::clone(&world.operator);
    let wall = world.now().wall + later;
    drop(world);
    let store = Arc::new(store.crash());
    let clock = Arc::new(ManualClock::starting_at(wall));
    let world = over(Arc::<MemoryStore>::clone(&store), clock, operator, 4_096)
        .await
        .unwrap();
    (store, world)
}

async fn filled(store: &Arc<MemoryStore>) -> World {
    let world = over(
        Arc::<MemoryStore>::clone(store),
        Arc::default(),
        Arc::default(),
        4_096,
    )
    .await
    .unwrap();
    world.fill().await;
    world
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer() {
    let world = world().await;
    let first = world.send_under(Some("k")).await.unwrap();
    let second = world.send_under(Some("k")).await.unwrap();
    assert_eq!((first.answer.reason, first.replayed), (Reason::Success, false));
    assert_eq!((&second.answer, second.replayed), (&first.answer, true));
    assert_eq!(world.operator.messages().len(), 1);
}

#[tokio::test]
async fn any_other_answer_releases_the_key() {
    let world = world().await;
    world.operator.will(Act::Refuse("411"));
    assert_eq!(
        world.send_under(Some("k")).await.unwrap().answer.reason,
        Reason::SendSmsFault
    );
    let second = world.send_under(Some("k")).await.unwrap();
    assert_eq!(
        (second.answer.reason, second.replayed),
        (Reason::Success, false),
        "a refusal is judged afresh"
    );
    assert_eq!(
        world.send_under(Some("other")).await.unwrap().answer.reason,
        Reason::InThresholdOtpGenerator
    );
    world.clock.advance(Duration::from_secs(120));
    assert_eq!(
        world.send_under(Some("other")).await.unwrap().answer.reason,
        Reason::Success
    );
}

#[tokio::test]
async fn while_the_first_runs_a_repeat_is_told_so() {
    let world = Arc::new(world().await);
    world.operator.will(Act::Silence);
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.send_under(Some("k")).await }
    });
    until("the message is at the operator", || {
        world.operator.messages().len() == 1
    })
    .await;
    assert_eq!(world.send_under(Some("k")).await, Err(Trouble::StillRunning));
    world.clock.advance(Duration::from_secs(10));
    let first = first.await.unwrap().unwrap();
    assert_eq!(first.answer.detail, Some(Detail::OutcomeUnknown));
    let again = world.send_under(Some("k")).await.unwrap();
    assert_eq!(
        (again.replayed, again.answer),
        (true, first.answer),
        "an unknown outcome is kept"
    );
}

#[tokio::test]
async fn a_kept_answer_survives_a_restart_and_ends_after_a_day() {
    let store = Arc::new(MemoryStore::new());
    let world = filled(&store).await;
    let first = world.send_under(Some("k")).await.unwrap();
    let (store, world) = crash_and_restart(&store, world, KEPT_FOR - Duration::from_secs(1)).await;
    assert_eq!(world.send_under(Some("k")).await.unwrap().answer, first.answer);
    let (_store, world) = crash_and_restart(&store, world, Duration::from_secs(1)).await;
    let fresh = world.send_under(Some("k")).await.unwrap();
    assert!(!fresh.replayed && fresh.answer.challenge != first.answer.challenge);
}

/// A process that dies between the intent and its outcome.
async fn killed_in_flight() -> (Arc<MemoryStore>, World) {
    let store = Arc::new(MemoryStore::new());
    let world = Arc::new(filled(&store).await);
    world.operator.will(Act::Silence);
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.send_under(Some("k")).await }
    });
    until("the message is at the operator", || {
        world.operator.messages().len() == 1
    })
    .await;
    first.abort();
    let _ = first.await;
    (store, Arc::into_inner(world).unwrap())
}

#[tokio::test]
async fn after_a_kill_in_flight_an_operator_that_knows_settles_the_key() {
    let (store, world) = killed_in_flight().await;
    let message = world.operator.messages()[0].id;
    world.operator.knows(
        message,
        Outcome::Accepted(HandOver {
            operator: "scripted".to_owned(),
            operator_ids: vec!["7".to_owned()],
            parts: 2,
            is_polled: false,
        }),
    );
    let (_store, world) = crash_and_restart(&store, world, Duration::from_secs(3)).await;
    let answered = world.send_under(Some("k")).await.unwrap();
    assert_eq!(
        (answered.answer.reason, answered.replayed),
        (Reason::Success, true)
    );
    let code = world.operator.last_code().unwrap();
    assert_eq!(world.verify(&code).await, Reason::Success);
    assert_eq!(world.operator.messages().len(), 1);
}

#[tokio::test]
async fn after_a_kill_in_flight_an_operator_that_cannot_tell_leaves_unknown_for_good() {
    let (store, world) = killed_in_flight().await;
    let code = world.operator.last_code().unwrap();
    let (_store, world) = crash_and_restart(&store, world, Duration::from_secs(3)).await;
    for _ in 0..3 {
        let answered = world.send_under(Some("k")).await.unwrap();
        assert_eq!(
            (answered.answer.reason, answered.replayed),
            (Reason::SendSmsFault, true)
        );
        assert_eq!(answered.answer.detail, Some(Detail::OutcomeUnknown));
    }
    assert_eq!(
        world.operator.messages().len(),
        1,
        "never a second message for one key"
    );
    assert_eq!(world.verify(&code).await, Reason::OtpNotFound, "the code is dead");
    assert_eq!(world.reason().await, Reason::Success, "the window is free");
}

#[tokio::test]
async fn after_a_kill_in_flight_the_wheel_settles_with_nobody_knocking() {
    let (store, world) = killed_in_flight().await;
    let (_store, world) = crash_and_restart(&store, world, Duration::from_secs(3)).await;
    assert_eq!(world.service.customers.live(), 0);
    world.clock.advance(Duration::from_secs(15));
    until("the wheel has woken the actor", || {
        world.service.customers.live() == 1
    })
    .await;
    world.tasks.close();
    world.tasks.wait().await;
    assert_eq!(world.reason().await, Reason::Success, "the window is free");
}

#[tokio::test]
async fn rows_whose_time_is_over_are_swept_and_others_stay() {
    let store = Arc::new(MemoryStore::new());
    let world = filled(&store).await;
    world.send_under(Some("k")).await.unwrap();
    let ms = |later: Duration| (world.now().wall + later).timestamp_millis();
    let hour = Duration::from_secs(3_600);
    assert_eq!(
        actors::sweeper::sweep(store.as_ref(), ms(KEPT_FOR))
            .await
            .unwrap(),
        0
    );
    assert!(world.send_under(Some("k")).await.unwrap().replayed);
    let swept = actors::sweeper::sweep(store.as_ref(), ms(KEPT_FOR + hour + Duration::from_secs(1)))
        .await
        .unwrap();
    assert!(swept >= 1, "{swept}");
    assert_eq!(
        actors::sweeper::sweep(store.as_ref(), ms(KEPT_FOR + hour * 2))
            .await
            .unwrap(),
        0
    );
    assert!(!world.send_under(Some("k")).await.unwrap().replayed);
}
