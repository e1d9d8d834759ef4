//! The process is killed at every commit of a day's operations, before it reached the disk or after; the next process carries on.

use crate::receipts::{card_sale, giving_back, money, sale};
use crate::till::{Agent, Kill, Server, Till, seconds};
use actors::ids::OperationId;
use actors::machines::register::{OperationState, Phase, Request};

/// A short day: an opening by itself, receipts that wait for one another, a return, a Z.
async fn day(till: &mut Till) -> Vec<OperationId> {
    let mut operations = Vec::new();
    for request in [
        sale("10.00"),
        card_sale("20.00"),
        Request::ServiceIn(money("50.00")),
        giving_back("5.00", None),
        Request::Storno,
        sale("7.00"),
    ] {
        operations.push(till.order(request).await);
    }
    till.wait(seconds(27)).await;
    operations.push(till.order(Request::CloseShift).await);
    till.wait(seconds(27)).await;
    operations
}

async fn judge(mut till: Till, operations: Vec<OperationId>, how: &str) {
    till.server_default = Server::Answers(seconds(1));
    till.agent_default = Agent::Signs(seconds(1));
    (till.kill, till.then_kill) = (None, None);
    till.wait(seconds(180)).await;
    assert!(till.is_at_rest(), "{how}: {:?}", till.view());
    till.check().await;
    let documents = till.tax.documents();
    for operation in operations {
        match till.kept(operation).await {
            Some(OperationState::Done(done)) => {
                let own = documents
                    .iter()
                    .filter(|found| found.document.head.uid == done.document.uid);
                assert_eq!(own.count(), 1, "{how}: a receipt is at the server exactly once");
            }
            Some(state) => assert!(state.is_final(), "{how}: {state:?}"),
            // Killed before it was accepted: nobody was told anything.
            None => assert!(till.last_answer(operation).is_none(), "{how}"),
        }
        // Who was told that it is done was told the truth, also before the kill.
        let told = till
            .answers
            .iter()
            .filter(|(_, answer)| answer.operation == operation);
        for (_, answer) in told {
            if let OperationState::Done(done) = &answer.state {
                assert_eq!(
                    till.kept(operation).await,
                    Some(OperationState::Done(done.clone())),
                    "{how}"
                );
            }
        }
    }
    if *till.machine().phase() != Phase::Closed {
        assert!(
            matches!(till.ask(Request::CloseShift).await, OperationState::Done(_)),
            "{how}"
        );
    }
    assert!(
        matches!(till.ask(sale("1.00")).await, OperationState::Done(_)),
        "{how}"
    );
    till.check().await;
}

#[tokio::test]
async fn no_kill_at_any_commit_loses_or_repeats_a_receipt() {
    let mut whole = Till::new().await;
    day(&mut whole).await;
    let commits = whole.commits;
    assert!(commits > 30, "a day of {commits} commits");
    for commit in 1..=commits {
        for is_durable in [false, true] {
            for server in [
                Server::Answers(seconds(1)),
                Server::DropsAfter,
                Server::DropsBefore,
            ] {
                let mut till = Till::new().await;
                till.kill = Some(Kill { commit, is_durable });
                till.server_script = [server.clone(), server.clone()].into();
                let operations = day(&mut till).await;
                let how = format!("commit {commit}, durable {is_durable}, {server:?}");
                assert_eq!(till.kills, 1, "{how}");
                judge(till, operations, &how).await;
            }
        }
    }
}

#[tokio::test]
async fn a_second_kill_right_after_the_first_changes_nothing() {
    let mut twice = 0;
    for commit in 1..=30 {
        for second in 1..=4 {
            let mut till = Till::new().await;
            till.kill = Some(Kill {
                commit,
                is_durable: true,
            });
            till.then_kill = Some(Kill {
                commit: commit + second,
                is_durable: second % 2 == 0,
            });
            let operations = day(&mut till).await;
            twice += u32::from(till.kills == 2);
            judge(till, operations, &format!("commits {commit} and {second} later")).await;
        }
    }
    assert!(twice > 100, "killed twice in {twice} of 120 histories");
}

#[tokio::test]
async fn a_document_that_was_sent_when_the_process_died_is_asked_for_and_never_posted_blindly() {
    for server in [Server::Answers(seconds(5)), Server::DropsBefore] {
        let is_registered = matches!(server, Server::Answers(_));
        let mut till = Till::new().await;
        till.ask(Request::OpenShift).await;
        till.server_script = [server].into();
        let operation = till.order(sale("10.00")).await;
        till.wait(std::time::Duration::from_millis(350)).await;
        let posts = till.posts;
        till.restart(seconds(5)).await;
        assert_eq!(till.posts, posts, "not before the state was asked");
        till.wait(seconds(20)).await;
        assert!(matches!(
            till.kept(operation).await,
            Some(OperationState::Done(_))
        ));
        assert_eq!(
            till.posts - posts,
            u32::from(!is_registered),
            "posted again only where it was not registered"
        );
        till.check().await;
    }
}

#[tokio::test]
async fn a_request_for_a_signature_is_repeated_under_its_id_after_a_restart() {
    let mut till = Till::new().await;
    till.ask(Request::OpenShift).await;
    till.agent_script = [Agent::Away].into();
    let operation = till.order(sale("10.00")).await;
    let request = till.machine().flight().unwrap().request;
    till.restart(seconds(5)).await;
    assert_eq!(till.machine().flight().unwrap().request, request);
    till.wait(seconds(5)).await;
    assert!(matches!(
        till.kept(operation).await,
        Some(OperationState::Done(_))
    ));
}

#[tokio::test]
async fn what_waits_survives_a_restart_in_its_order_and_ends_in_its_time() {
    let mut till = Till::new().await;
    till.ask(Request::OpenShift).await;
    till.agent_default = Agent::Away;
    let mut operations = Vec::new();
    for sum in ["1.00", "2.00", "3.00"] {
        operations.push(till.order(sale(sum)).await);
    }
    till.agent_default = Agent::Signs(seconds(1));
    till.restart(seconds(3)).await;
    till.wait(seconds(20)).await;
    let mut numbers = Vec::new();
    for operation in operations {
        let Some(OperationState::Done(done)) = till.kept(operation).await else {
            panic!("{:?}", till.kept(operation).await);
        };
        numbers.push((done.document.local_number.get(), done.document.sum.unwrap()));
    }
    // The first was being signed by an agent that came back; the others followed in order.
    assert_eq!(
        numbers,
        [(2, money("1.00")), (3, money("2.00")), (4, money("3.00"))]
    );
    till.restart(seconds(3)).await;
    till.agent_default = Agent::Away;
    let late = till.order(sale("4.00")).await;
    let behind = till.order(sale("5.00")).await;
    till.restart(seconds(60)).await;
    till.wait(seconds(1)).await;
    for operation in [late, behind] {
        assert!(
            matches!(till.kept(operation).await, Some(OperationState::Cancelled(_))),
            "its time was over"
        );
    }
    till.check().await;
}
