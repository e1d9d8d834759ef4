//! Registers' actors: held requests, tasks and their outcomes, repeats, restarts, passivation, metrics.

use crate::register_world::{KEY, Shop, over, register, sale, shop};
use crate::world::until;
use actors::clock::Clock;
use actors::machines::register::{Cancelled, OperationState, Refusal, Request};
use actors::register::rows::Part;
use actors::register::{Asked, Ordered, RegisterMessage};
use actors::testing::{AgentAct, ManualClock, ScriptedTax, TaxAct};
use actors::trouble::Trouble;
use std::sync::Arc;
use std::time::Duration;
use storage::fault::{Fault, FaultStore};
use storage::{MemoryStore, Store};
use tokio::sync::oneshot;

fn is_done(state: &OperationState) -> bool {
    matches!(state, OperationState::Done(_))
}

fn answered(asked: Result<Asked, Trouble>) -> OperationState {
    asked.unwrap().answer.state
}

#[tokio::test]
async fn a_sale_is_held_until_it_is_registered() {
    let shop = shop().await;
    let OperationState::Done(done) = shop.order(sale("12.50")).await else {
        panic!("not done");
    };
    assert_eq!(shop.documents(), 2);
    let xml = shop
        .service
        .part(&done.document.uid, Part::Xml)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(xml, shop.tax.model().register(register()).documents[1].xml);
    for part in [Part::Signed, Part::Ticket] {
        assert!(
            shop.service
                .part(&done.document.uid, part)
                .await
                .unwrap()
                .is_some()
        );
    }
    let view = shop.service.look(register()).await.unwrap();
    assert_eq!(view.shift.unwrap().drawer, "12.50".parse().unwrap());
    assert!(is_done(&shop.order(Request::CloseShift).await));
    assert_eq!(shop.service.shifts(register(), None).await.unwrap().len(), 1);
    let registered = shop.service.registered(register(), None).await.unwrap();
    let numbers: Vec<u64> = registered
        .iter()
        .map(|record| record.facts.local_number.get())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

#[tokio::test]
async fn unfit_signatures_are_refused_and_counted_and_a_fit_one_is_still_used() {
    let shop = shop().await;
    assert!(is_done(&shop.order(Request::OpenShift).await));
    shop.agent.will(AgentAct::OtherKey);
    shop.agent.will(AgentAct::OtherContent);
    assert!(is_done(&shop.order(sale("1.00")).await));
    let requests = shop.agent.requests();
    let last = &requests[requests.len() - 3..];
    assert!(
        last.iter()
            .all(|request| request.id == last[0].id && request.key == KEY),
        "asked again under the same id"
    );
    (0..3).for_each(|_| shop.agent.will(AgentAct::OtherContent));
    let OperationState::Cancelled(Cancelled::SignatureRefused { reason, .. }) =
        shop.order(sale("1.00")).await
    else {
        panic!("an agent that goes on so is given up");
    };
    assert_eq!(reason, "other_content");
    let unfit = |reason| shop.metrics.unfit_signatures.with_label_values(&[reason]).get();
    assert_eq!((unfit("other_key"), unfit("other_content")), (1, 4));
    assert_eq!(shop.documents(), 2);
}

#[tokio::test]
async fn a_key_that_no_agent_has_is_refused_in_the_agents_words() {
    let shop = shop().await;
    shop.agent.will(AgentAct::Refuse("key_not_active"));
    let state = shop.order(sale("1.00")).await;
    let OperationState::Cancelled(Cancelled::SignatureRefused { reason, .. }) = state else {
        panic!("{state:?}");
    };
    assert_eq!(reason, "key_not_active");
}

#[tokio::test]
async fn a_caller_that_goes_away_loses_nothing() {
    let shop = shop().await;
    let (told, hold) = oneshot::channel();
    shop.agent.will(AgentAct::Hold(hold));
    let order = shop.begin(Shop::ordered(sale("1.00")));
    shop.asked(1).await;
    order.abort();
    told.send(()).unwrap();
    shop.posted(2).await;
    until("the sale is registered", || shop.documents() == 2).await;
    let view = shop.service.look(register()).await.unwrap();
    assert_eq!(view.last.unwrap().local_number.get(), 2);
    until("nobody is held", || shop.metrics.held_requests.get() == 0).await;
}

#[tokio::test]
async fn an_agent_that_says_nothing_is_waited_for_as_long_as_was_agreed_and_told_to_stop() {
    let shop = shop().await;
    assert!(is_done(&shop.order(Request::OpenShift).await));
    shop.agent.will(AgentAct::Silence);
    let order = shop.begin(Shop::ordered(sale("1.00")));
    shop.asked(3).await;
    until("a signature is pending", || {
        shop.metrics
            .pending_signatures
            .with_label_values(&["scripted"])
            .get()
            == 1
    })
    .await;
    shop.clock.advance(Duration::from_millis(27_999));
    assert_eq!(shop.metrics.held_requests.get(), 1);
    shop.clock.advance(Duration::from_millis(1));
    let state = answered(order.await.unwrap());
    assert_eq!(state, OperationState::Cancelled(Cancelled::SignatureLate));
    assert_eq!(shop.agent.withdrawn(), [shop.agent.requests()[2].id]);
    until("no signature is pending", || {
        shop.metrics
            .pending_signatures
            .with_label_values(&["scripted"])
            .get()
            == 0
    })
    .await;
    assert!(is_done(&shop.order(sale("2.00")).await), "its number is free");
}

#[tokio::test]
async fn what_is_sent_and_not_answered_is_pending_and_may_be_waited_for_again() {
    let shop = shop().await;
    assert!(is_done(&shop.order(Request::OpenShift).await));
    let (told, hold) = oneshot::channel();
    shop.tax.will(TaxAct::Hold(hold));
    let order = shop.begin(Shop::ordered(sale("1.00")));
    shop.posted(2).await;
    shop.clock.advance(Duration::from_secs(28));
    let asked = order.await.unwrap().unwrap();
    assert_eq!(asked.answer.state, OperationState::Pending);
    let operation = asked.answer.operation;
    let (service, clock) = (shop.service.clone(), Arc::clone(&shop.clock));
    let waiting = tokio::spawn(async move { service.operation(operation, Duration::from_secs(25)).await });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_secs(20));
    told.send(()).unwrap();
    let record = waiting.await.unwrap().unwrap().unwrap();
    assert!(is_done(&record.state), "{record:?}");
    let again = shop.service.operation(operation, Duration::ZERO).await.unwrap();
    assert_eq!(again, Some(record));
}

#[tokio::test]
async fn a_key_that_is_repeated_gives_the_first_answer_and_one_receipt() {
    let shop = shop().await;
    let first = shop.order_under("k", "1.00").await.unwrap();
    let second = shop.order_under("k", "1.00").await.unwrap();
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.answer, second.answer);
    assert_eq!(shop.order_under("k", "2.00").await, Err(Trouble::OtherBody));
    assert_eq!(shop.documents(), 2);
    // What was given up frees its key.
    shop.agent.will(AgentAct::Refuse("failed"));
    assert!(!is_done(
        &shop.order_under("l", "1.00").await.unwrap().answer.state
    ));
    let tried_again = shop.order_under("l", "1.00").await.unwrap();
    assert!(is_done(&tried_again.answer.state) && !tried_again.replayed);
}

#[tokio::test]
async fn a_repeat_of_the_clients_number_waits_for_the_first_and_gets_its_full_answer() {
    let shop = shop().await;
    assert!(is_done(&shop.order(Request::OpenShift).await));
    let numbered = || Ordered {
        reference: Some(17),
        ..Shop::ordered(sale("1.00"))
    };
    let (told, hold) = oneshot::channel();
    shop.agent.will(AgentAct::Hold(hold));
    let first = shop.begin(numbered());
    shop.asked(3).await;
    let second = shop.begin(numbered());
    until("the repeat is seen", || shop.metrics.repeats.get() == 1).await;
    told.send(()).unwrap();
    let (first, second) = (first.await.unwrap().unwrap(), second.await.unwrap().unwrap());
    let third = shop.service.order(numbered()).await.unwrap();
    assert!(is_done(&first.answer.state));
    assert_eq!(first.answer, second.answer);
    assert_eq!(first.answer, third.answer);
    assert_eq!(shop.documents(), 2);
}

#[tokio::test]
async fn nobody_needs_to_knock_after_a_restart() {
    let store = Arc::new(MemoryStore::new());
    let shop = over(Arc::<MemoryStore>::clone(&store), Arc::default(), Arc::default())
        .await
        .unwrap();
    assert!(is_done(&shop.order(Request::OpenShift).await));
    shop.tax.will(TaxAct::DropAfter);
    shop.tax.will_for_command(TaxAct::DropBefore);
    let order = shop.begin(Shop::ordered(sale("1.00")));
    shop.posted(2).await;
    until("it is in doubt", || shop.documents() == 2).await;
    order.abort();
    let store = Arc::new(store.crash());
    let clock = ManualClock::starting_at(shop.clock.now().wall + chrono::TimeDelta::seconds(5));
    let tax = Arc::new(ScriptedTax::over(shop.tax.model()));
    drop(shop);
    let shop = over(store, Arc::new(clock), tax).await.unwrap();
    until("the doubt is settled", || {
        shop.metrics
            .documents
            .with_label_values(&["sale", "adopted"])
            .get()
            == 1
    })
    .await;
    assert_eq!(shop.tax.posts().len(), 0, "never posted blindly");
    let registered = shop.service.registered(register(), None).await.unwrap();
    assert_eq!(registered.len(), 2);
}

#[tokio::test]
async fn a_store_that_fails_at_any_commit_of_a_sale_gives_no_answer_ahead_of_its_record() {
    for fault in [Fault::Fail, Fault::Lose, Fault::Refuse] {
        let mut at = 1;
        loop {
            let memory = Arc::new(MemoryStore::new());
            let store = Arc::new(FaultStore::new(
                Arc::<MemoryStore>::clone(&memory) as Arc<dyn Store>,
                fault,
                at,
            ));
            let Ok(shop) = over(Arc::<FaultStore>::clone(&store), Arc::default(), Arc::default()).await
            else {
                at += 1;
                continue;
            };
            let order = shop.begin(Shop::ordered(sale("1.00")));
            for _ in 0..2_000 {
                tokio::task::yield_now().await;
            }
            shop.clock.advance(Duration::from_secs(60));
            let asked = order.await.unwrap();
            if let Ok(asked) = &asked
                && is_done(&asked.answer.state)
            {
                let kept = shop
                    .service
                    .operation(asked.answer.operation, Duration::ZERO)
                    .await;
                // Of a store that died the copy below is asked.
                if let Ok(kept) = kept {
                    assert!(is_done(&kept.unwrap().state), "{fault:?} at {at}");
                }
            }
            if !store.was_reached() {
                assert!(is_done(&answered(asked)), "{fault:?} at {at}");
                break;
            }
            // The next process makes it good, whatever happened: nothing is registered that we do not know of.
            let tax = Arc::new(ScriptedTax::over(shop.tax.model()));
            let clock = ManualClock::starting_at(shop.clock.now().wall + chrono::TimeDelta::seconds(5));
            drop(shop);
            let shop = over(Arc::new(memory.crash()), Arc::new(clock), tax)
                .await
                .unwrap();
            assert!(is_done(&shop.order(sale("2.00")).await), "{fault:?} at {at}");
            let registered = shop.service.registered(register(), None).await.unwrap();
            assert_eq!(registered.len(), shop.documents(), "{fault:?} at {at}");
            at += 1;
        }
        assert!(at > 10, "{fault:?}: the fault was met {at} times");
    }
}

#[tokio::test]
async fn a_register_at_rest_leaves_memory_and_one_with_a_shift_stays() {
    let shop = shop().await;
    assert!(is_done(&shop.order(sale("1.00")).await));
    let registry = &shop.service.registers;
    let gauge = |state| shop.metrics.registers.with_label_values(&[state]).get();
    assert_eq!(gauge("open"), 1);
    registry.sweep_idle(Duration::ZERO);
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(registry.live(), 1);
    assert!(is_done(&shop.order(Request::CloseShift).await));
    assert_eq!((gauge("open"), gauge("closed")), (0, 1));
    registry.sweep_idle(Duration::ZERO);
    until("it leaves", || shop.service.registers.live() == 0).await;
    until("it is counted no more", || gauge("closed") == 0).await;
    assert!(is_done(&shop.order(sale("1.00")).await), "and comes back");
}

#[tokio::test]
async fn a_hundred_callers_at_once_are_served_in_order_or_told_that_the_register_is_busy() {
    let shop = shop().await;
    assert!(is_done(&shop.order(Request::OpenShift).await));
    let orders: Vec<_> = (0..100)
        .map(|_| shop.begin(Shop::ordered(sale("1.00"))))
        .collect();
    let (mut done, mut busy) = (0, 0);
    for order in orders {
        match answered(order.await.unwrap()) {
            OperationState::Done(_) => done += 1,
            OperationState::Refused(Refusal::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(done + busy, 100);
    assert!(done >= 64, "{done} done, {busy} busy");
    assert_eq!(shop.documents(), 1 + done);
    let documents = shop
        .metrics
        .documents
        .with_label_values(&["sale", "registered"])
        .get();
    assert_eq!(usize::try_from(documents).unwrap(), done);
    assert_eq!(shop.metrics.held_requests.get(), 0);
}

#[tokio::test]
async fn stray_outcomes_are_counted_and_an_unknown_operation_is_none() {
    let shop = shop().await;
    let stray = actors::machines::register::Ask::Posted {
        uid: fiscal::Uid::new("NOBODY").unwrap(),
        posted: actors::ports::Posted::Unknown(String::new()),
    };
    shop.service
        .registers
        .tell(register(), RegisterMessage::Told(Box::new(stray)));
    until("it is counted", || shop.metrics.strays.get() == 1).await;
    let unknown = actors::ids::OperationId(uuid::Uuid::from_u128(9));
    assert_eq!(shop.service.operation(unknown, Duration::ZERO).await, Ok(None));
    assert_eq!(shop.service.resolve(register(), None).await, Ok(false));
}
