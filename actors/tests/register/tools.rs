//! What a person does with a register, and what its owner is told of it.

use crate::news::{told, topics};
use crate::offline::{come_back, go_away, settle, shop};
use crate::receipts::sale;
use crate::shifts::done;
use crate::till::{Agent, Server, Till, seconds};
use actors::idempotency::Claim;
use actors::machines::register::{Link, News, OperationState, Tool};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn an_agent_that_does_not_sign_a_persons_question_is_away() {
    let mut till = shop().await;
    till.agent_default = Agent::Away;
    assert!(till.tool(Tool::Resynchronise).await);
    till.wait(seconds(29)).await;
    assert_eq!(
        told(&till).await.last(),
        Some(&News::AgentAway { operation: None })
    );
    assert_eq!(till.withdrawn.len(), 1);
    till.agent_default = Agent::Signs(seconds(1));
    done(till.ask(sale("10.00")).await);
    till.check().await;
}

#[tokio::test]
async fn an_agent_that_refuses_is_not_away() {
    let mut till = shop().await;
    // A document, a person's question, what begins an offline session.
    till.agent_script = [Agent::Refuses].into();
    till.ask(sale("10.00")).await;
    till.agent_script = [Agent::Refuses].into();
    assert!(till.tool(Tool::Resynchronise).await);
    till.wait(seconds(29)).await;
    done(till.ask(sale("10.00")).await);
    assert!(till.tool(Tool::GoOffline).await);
    till.agent_script = [Agent::Refuses].into();
    till.ask(sale("10.00")).await;
    done(till.ask(sale("10.00")).await);
    // On the way back the question, the end, a package.
    till.wait(seconds(10)).await;
    for signed in 0..3 {
        till.agent_script = vec![Agent::Signs(seconds(1)); signed].into();
        till.agent_script.push_back(Agent::Refuses);
        assert!(till.tool(Tool::GoOnline).await);
        till.wait(seconds(10)).await;
        assert!(till.agent_script.is_empty());
        assert_eq!(till.view().link, Link::Offline);
    }
    settle(&mut till).await;
    let topics = topics(&till).await;
    assert!(!topics.contains(&"agent.away"), "{topics:?}");
}

#[tokio::test]
async fn an_agent_that_signs_the_question_on_the_way_back_and_not_the_package_is_away() {
    let mut till = shop().await;
    go_away(&mut till);
    till.ask(sale("10.00")).await;
    till.agent_script = [Agent::Signs(seconds(1)), Agent::Signs(seconds(1)), Agent::Away].into();
    come_back(&mut till);
    // Before the next question could be late, too.
    till.wait(seconds(55)).await;
    assert_eq!(
        told(&till).await.last(),
        Some(&News::AgentAway { operation: None })
    );
}

#[tokio::test]
async fn news_say_which_document_and_which_operation_they_are_about() {
    let mut till = shop().await;
    till.server_script = [Server::DropsAfter].into();
    let operation = till.order(sale("10.00")).await;
    till.wait(seconds(10)).await;
    let sold = done(till.last_answer(operation).unwrap());
    let news = told(&till).await;
    let about: Vec<_> = news
        .iter()
        .filter(|news| news.operation() == Some(operation))
        .map(|news| (news.topic(), news.document().map(|facts| facts.uid.clone())))
        .collect();
    let uid = Some(sold.document.uid);
    let topics = ["document.in_doubt", "document.registered", "document.settled"];
    assert_eq!(about, topics.map(|topic| (topic, uid.clone())));
    till.agent_script = [Agent::Away].into();
    let late = till.order(sale("10.00")).await;
    till.wait(seconds(29)).await;
    let news = told(&till).await.pop().unwrap();
    assert_eq!((news.operation(), news.document()), (Some(late), None));
}

#[tokio::test]
async fn an_operations_idempotency_key_is_kept_with_it() {
    let claim = Claim::of(Uuid::from_u128(1), "sale", "key", b"body");
    let mut till = shop().await;
    let operation = till
        .order_with(sale("10.00"), |order| order.claim = Some(claim))
        .await;
    let current = till.machine().current().unwrap();
    assert_eq!((current.id, current.claim), (operation, Some(claim)));
    assert_eq!(reservations(&till).await, 1);
    till.wait(seconds(5)).await;
    done(till.last_answer(operation).unwrap());
    assert_eq!(reservations(&till).await, 1, "what is done is answered again");
    till.agent_script = [Agent::Refuses].into();
    let other = Claim::of(Uuid::from_u128(1), "sale", "other", b"body");
    let order = till.order_with(sale("5.00"), |order| order.claim = Some(other));
    let operation = order.await;
    assert_eq!(reservations(&till).await, 2);
    till.wait(Duration::from_secs(5)).await;
    assert_eq!(
        reservations(&till).await,
        1,
        "what is not done may be asked for again"
    );
    assert!(matches!(
        till.last_answer(operation),
        Some(OperationState::Cancelled(_))
    ));
}

async fn reservations(till: &Till) -> usize {
    use storage::{Key, Scan, Store};
    let scan = Scan::of(Key::table("idempotency").build());
    till.store().scan(scan).await.unwrap().len()
}
