//! The held request, the queue, repeats.

use crate::receipts::sale;
use crate::shifts::{done, refused};
use crate::till::{Agent, Server, Till, is_cancelled, seconds};
use actors::machines::register::{Cancelled, OperationState, Refusal, Request, WAITING_MAX};
use std::time::Duration;

#[tokio::test]
async fn operations_are_done_one_after_the_other_in_their_order() {
    let mut till = Till::new().await;
    let mut operations = Vec::new();
    for sum in 1..=5 {
        operations.push(till.order(sale(&format!("{sum}.00"))).await);
    }
    till.wait(seconds(20)).await;
    for (operation, number) in operations.into_iter().zip(2..) {
        let document = done(till.last_answer(operation).unwrap()).document;
        assert_eq!(
            (document.local_number.get(), document.sum.unwrap().units()),
            (number, (i64::try_from(number).unwrap() - 1) * 100)
        );
    }
    till.check().await;
}

#[tokio::test]
async fn beyond_sixty_four_that_wait_a_register_is_busy() {
    let mut till = Till::new().await;
    till.agent_default = Agent::Away;
    let mut operations = Vec::new();
    for _ in 0..=WAITING_MAX {
        operations.push(till.order(sale("1.00")).await);
    }
    assert!(
        operations
            .iter()
            .all(|operation| till.last_answer(*operation).is_none())
    );
    let one_more = till.order(sale("1.00")).await;
    assert_eq!(refused(till.last_answer(one_more).unwrap()), Refusal::Busy);
    assert_eq!(till.kept(one_more).await, None, "nothing is remembered of it");
    till.wait(seconds(29)).await;
    for (index, operation) in operations.into_iter().enumerate() {
        let why = if index == 0 {
            Cancelled::SignatureLate
        } else {
            Cancelled::QueueTooSlow
        };
        assert!(
            is_cancelled(&till.last_answer(operation).unwrap(), &why),
            "{index}"
        );
    }
    till.check().await;
    assert_eq!(till.posts, 0);
}

#[tokio::test]
async fn a_look_never_waits_behind_a_document() {
    let mut till = Till::new().await;
    done(till.ask(sale("10.00")).await);
    till.server_script = [Server::Answers(seconds(40))].into();
    till.order(sale("20.00")).await;
    till.wait(seconds(2)).await;
    let view = till.view();
    let shift = view.shift.unwrap();
    assert_eq!(
        shift.report.sales.unwrap().sum,
        "10.00".parse().unwrap(),
        "what is registered"
    );
    assert_eq!(view.last.unwrap().local_number.get(), 2);
    assert_eq!(shift.last.unwrap().local_number.get(), 2);
    assert_eq!(view.operations, 1);
}

#[tokio::test]
async fn nobody_is_held_longer_than_was_agreed() {
    for (hold, agent, server) in [
        (28, Agent::Away, Server::Answers(seconds(1))),
        (5, Agent::Away, Server::Answers(seconds(1))),
        (28, Agent::Signs(seconds(1)), Server::Answers(seconds(50))),
        (5, Agent::Signs(seconds(1)), Server::SilentAfter),
    ] {
        let mut till = Till::new().await;
        done(till.ask(Request::OpenShift).await);
        till.agent_default = agent;
        till.server_default = server;
        let from = till.now.mono;
        let operation = till
            .order_with(sale("1.00"), |order| {
                order.hold = seconds(hold);
                order.lifetime = seconds(hold);
            })
            .await;
        till.wait(seconds(40)).await;
        let (at, _) = till
            .answers
            .iter()
            .find(|(_, answer)| answer.operation == operation)
            .unwrap();
        assert_eq!(at.0 - from.0, i64::try_from(hold).unwrap() * 1_000);
    }
}

#[tokio::test]
async fn who_does_not_want_to_wait_is_told_pending_at_once_and_may_ask_later() {
    let mut till = Till::new().await;
    till.agent_default = Agent::Signs(seconds(40));
    let operation = till
        .order_with(sale("1.00"), |order| {
            order.hold = Duration::ZERO;
            order.lifetime = seconds(300);
        })
        .await;
    assert_eq!(till.last_answer(operation), Some(OperationState::Pending));
    till.unit.settings.signature_max = seconds(60);
    till.agent_default = Agent::Signs(seconds(20));
    till.wait(seconds(200)).await;
    // The agent was too slow for the first question's signature; what is given up says so.
    assert!(till.kept(operation).await.unwrap().is_final());
}

#[tokio::test]
async fn a_hold_that_is_shorter_than_the_lifetime_ends_with_pending_and_the_operation_goes_on() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.agent_default = Agent::Signs(seconds(15));
    let operation = till
        .order_with(sale("1.00"), |order| {
            order.hold = seconds(5);
            order.lifetime = seconds(60);
        })
        .await;
    let behind = till
        .order_with(sale("2.00"), |order| {
            order.hold = seconds(5);
            order.lifetime = seconds(60);
        })
        .await;
    till.wait(seconds(6)).await;
    assert_eq!(till.last_answer(operation), Some(OperationState::Pending));
    assert_eq!(
        till.last_answer(behind),
        Some(OperationState::Pending),
        "also while it waits"
    );
    till.wait(seconds(40)).await;
    done(till.last_answer(operation).unwrap());
    done(till.last_answer(behind).unwrap());
    till.check().await;
}

async fn numbered(till: &mut Till) -> actors::ids::OperationId {
    till.order_with(sale("12.50"), |order| order.reference = Some(3_000_000_017))
        .await
}

#[tokio::test]
async fn a_repeat_inside_a_shift_gets_the_first_answer_and_makes_no_document() {
    let mut till = Till::new().await;
    let first = numbered(&mut till).await;
    // While the first runs...
    let second = numbered(&mut till).await;
    assert_eq!(till.repeats, [(second, first)]);
    till.wait(seconds(10)).await;
    done(till.last_answer(first).unwrap());
    // ...and when it is done.
    let third = numbered(&mut till).await;
    assert_eq!(till.repeats[1], (third, first));
    assert_eq!(till.tax.documents().len(), 2);
    // In the next shift, and with other figures, it is another sale.
    let operation = till
        .order_with(sale("12.60"), |order| order.reference = Some(3_000_000_017))
        .await;
    till.wait(seconds(10)).await;
    done(till.last_answer(operation).unwrap());
    done(till.ask(Request::CloseShift).await);
    let fourth = numbered(&mut till).await;
    till.wait(seconds(10)).await;
    assert_eq!(done(till.last_answer(fourth).unwrap()).shift, 2);
    assert_eq!(till.repeats.len(), 2);
    till.check().await;
}

#[tokio::test]
async fn a_sale_and_a_return_may_share_a_number_and_a_setting_turns_recognition_off() {
    let mut till = Till::new().await;
    for request in [sale("12.50"), crate::receipts::giving_back("12.50", None)] {
        let operation = till.order_with(request, |order| order.reference = Some(17)).await;
        till.wait(seconds(10)).await;
        done(till.last_answer(operation).unwrap());
    }
    till.unit.settings.find_duplicates = false;
    till.order_with(sale("12.50"), |order| order.reference = Some(17))
        .await;
    till.wait(seconds(10)).await;
    assert!(till.repeats.is_empty());
    assert_eq!(till.tax.documents().len(), 4);
}

#[tokio::test]
async fn what_was_given_up_may_be_asked_for_again() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.agent_script = [Agent::Refuses].into();
    for is_done in [false, true] {
        let operation = till
            .order_with(sale("12.50"), |order| order.reference = Some(17))
            .await;
        till.wait(seconds(10)).await;
        assert_eq!(
            matches!(till.last_answer(operation), Some(OperationState::Done(_))),
            is_done
        );
    }
    assert!(till.repeats.is_empty());
    till.check().await;
}
