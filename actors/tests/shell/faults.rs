//! A store that fails at operation N, for N = 1, 2, 3…: no wrong acknowledgement, no panic, and what is found afterwards is consistent.

use crate::world::{World, over, until};
use actors::machines::otp::Reason;
use actors::testing::ScriptedOperator;
use actors::trouble::Trouble;
use std::sync::Arc;
use storage::fault::{Fault, FaultStore};
use storage::{MemoryStore, Store};

/// What was acknowledged of a send, and of the verification if a message went.
type Seen = (Result<Reason, Trouble>, Option<Result<Reason, Trouble>>);

/// One send and one right verification.
async fn history(world: &World) -> Seen {
    let sent = world
        .send_under(Some("k"))
        .await
        .map(|answered| answered.answer.reason);
    let Some(code) = world.operator.last_code() else {
        return (sent, None);
    };
    let inputs = World::inputs(crate::world::CUSTOMER);
    let code = actors::secret::Otp::typed(&code);
    let verified = world
        .service
        .verify(crate::world::INVOKER, inputs, code, None)
        .await;
    (sent, Some(verified.map(|answered| answered.answer.reason)))
}

async fn sweep(fault: Fault) {
    for at in 1..200 {
        let memory = Arc::new(MemoryStore::new());
        // Filled without faults, so that N counts the history alone.
        let filled = over(
            Arc::<MemoryStore>::clone(&memory),
            Arc::default(),
            Arc::default(),
            64,
        )
        .await
        .unwrap();
        filled.fill().await;
        drop(filled);
        let operator = Arc::<ScriptedOperator>::default();
        let store = Arc::new(FaultStore::new(
            Arc::<MemoryStore>::clone(&memory) as Arc<dyn Store>,
            fault,
            at,
        ));
        let opened = over(
            Arc::<FaultStore>::clone(&store),
            Arc::default(),
            Arc::clone(&operator),
            64,
        )
        .await;
        let seen = match &opened {
            Ok(world) => Some(history(world).await),
            Err(_) => None,
        };
        let reached = store.was_reached();
        drop(opened);
        judge(fault, at, Arc::new(memory.crash()), &operator, seen).await;
        if !reached {
            assert!(at > 5, "the history has more operations than {at}");
            return;
        }
    }
    panic!("the sweep has no end");
}

/// After a restart over what is durable.
async fn judge(
    fault: Fault,
    at: u64,
    memory: Arc<MemoryStore>,
    operator: &Arc<ScriptedOperator>,
    seen: Option<Seen>,
) {
    let what = format!("{fault:?} at {at}: {seen:?}");
    let messages = operator.messages().len();
    let clock = Arc::new(actors::testing::ManualClock::starting_at(
        actors::testing::now_at(1_000).wall,
    ));
    let world = over(memory, clock, Arc::clone(operator), 64).await.unwrap();
    let again = world.send_under(Some("k")).await.unwrap();
    let after = operator.messages().len();
    match seen {
        None => assert_eq!(again.answer.reason, Reason::Success, "{what}"),
        Some((Ok(Reason::Success), verified)) => {
            assert!(
                again.replayed && after == messages,
                "an acknowledged send is remembered, {what}"
            );
            if let Some(Ok(Reason::Success)) = verified {
                let code = operator.last_code().unwrap();
                assert_eq!(
                    world.verify(&code).await,
                    Reason::OtpNotFound,
                    "an acknowledged success is not given twice, {what}"
                );
            }
        }
        // The intent was durable although nobody could say so: as after a kill, it may have gone.
        Some((Err(_), None)) if fault == Fault::Lose && again.replayed => {
            assert_eq!((again.answer.reason, after), (Reason::SendSmsFault, 0), "{what}");
        }
        Some((Err(_), _)) if messages == 0 => {
            assert!(
                !again.replayed && again.answer.reason == Reason::Success,
                "nothing had happened, {what}"
            );
        }
        Some((sent, _)) => {
            // The message went, and its outcome could not be recorded: never a second one for this key.
            assert!(sent.is_err(), "{what}");
            assert!(again.replayed && after == messages, "{what}");
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_acknowledges_nothing() {
    sweep(Fault::Fail).await;
}

#[tokio::test]
async fn a_store_that_dies_before_it_can_say_so_loses_nothing() {
    sweep(Fault::Lose).await;
}

#[tokio::test]
async fn a_full_disk_refuses_and_everything_goes_on_afterwards() {
    sweep(Fault::Refuse).await;
}

#[tokio::test]
async fn a_stalled_store_answers_nothing_until_it_goes_on() {
    // Opening takes eight scans; then come the customer's row, the state's, the intent and the outcome.
    for at in 9..14 {
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let filled = over(Arc::clone(&memory), Arc::default(), Arc::default(), 64)
            .await
            .unwrap();
        filled.fill().await;
        drop(filled);
        let store = Arc::new(FaultStore::new(memory, Fault::Stall, at));
        let world = Arc::new(
            over(
                Arc::<FaultStore>::clone(&store),
                Arc::default(),
                Arc::default(),
                64,
            )
            .await
            .unwrap(),
        );
        let sending = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.send().await }
        });
        until("the store stalls", || {
            store.was_reached() || sending.is_finished()
        })
        .await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(sending.is_finished(), !store.was_reached(), "operation {at}");
        store.release();
        assert_eq!(sending.await.unwrap().unwrap().reason, Reason::Success);
    }
}
