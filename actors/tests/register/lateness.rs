//! What comes late, and what is made early of it: who waits how long changes nothing of what is done.

use crate::offline::{come_back, go_away, settle, shop};
use crate::receipts::sale;
use crate::shifts::{done, refused};
use crate::till::{Agent, OTHER_KEY, Server, Till, is_cancelled, kyiv, seconds, signer};
use actors::ids::OperationId;
use actors::machines::register::{
    AutoClose, Cancelled, Link, OperationState, Refusal, Request, Tool, WAITING_MAX,
};
use chrono::TimeDelta;
use std::time::Duration;
use storage::{Key, Scan, Store};

/// Held so long, and given up after a minute.
async fn held(till: &mut Till, request: Request, hold: u64) -> OperationId {
    till.order_with(request, |order| {
        order.hold = seconds(hold);
        order.lifetime = seconds(60);
    })
    .await
}

#[tokio::test]
async fn who_stops_waiting_hurries_nothing_and_stops_nothing() {
    let slow = Server::Answers(seconds(9));
    for (agent, server, question) in [
        (Agent::Signs(seconds(9)), slow.clone(), slow.clone()),
        (Agent::Signs(seconds(1)), Server::NotSent, slow),
    ] {
        let mut seen = Vec::new();
        for hold in 1..=30 {
            let mut till = Till::new().await;
            till.agent_default = agent.clone();
            till.question_default = question.clone();
            till.server_script = vec![server.clone(); 10].into();
            let operation = held(&mut till, sale("1.00"), hold).await;
            till.wait(seconds(60)).await;
            let state = till.kept(operation).await.unwrap();
            let document = done(state).document;
            seen.push((till.posts, till.questions.len(), document.issued));
        }
        assert!(seen.iter().all(|one| *one == seen[0]), "{agent:?}: {seen:?}");
    }
}

#[tokio::test]
async fn an_opening_or_a_closing_that_was_sent_is_not_given_up() {
    for (request, before) in [
        (Request::OpenShift, None),
        (Request::CloseShift, Some(sale("1.00"))),
    ] {
        let mut till = Till::new().await;
        if let Some(before) = before {
            done(till.ask(before).await);
        }
        till.server_script = [Server::Answers(seconds(40))].into();
        let operation = till.order(request.clone()).await;
        till.wait(seconds(35)).await;
        let told = till.last_answer(operation);
        assert_eq!(told, Some(OperationState::Pending), "{request:?}");
        till.wait(seconds(20)).await;
        done(till.kept(operation).await.unwrap());
        till.check().await;
    }
}

#[tokio::test]
async fn a_signature_that_comes_at_its_deadline_comes_late() {
    // Of the question before a shift, and of the document.
    for is_open in [false, true] {
        let mut till = Till::new().await;
        if is_open {
            done(till.ask(Request::OpenShift).await);
        }
        let posts = till.posts;
        till.agent_script = [Agent::Signs(seconds(28))].into();
        let operation = till.order(sale("1.00")).await;
        till.wait(seconds(29)).await;
        let state = till.last_answer(operation).unwrap();
        assert!(is_cancelled(&state, &Cancelled::SignatureLate), "{state:?}");
        till.wait(seconds(60)).await;
        assert_eq!((till.posts, till.questions.len()), (posts, usize::from(is_open)));
    }
}

#[tokio::test]
async fn looks_that_find_nothing_come_further_and_further_apart() {
    let mut till = shop().await;
    till.unit.settings.offline = false;
    till.server_script = [Server::DropsAfter].into();
    go_away(&mut till);
    till.order(sale("1.00")).await;
    till.wait(seconds(10)).await;
    let first = till.questions.len();
    assert!(first >= 4, "at first after a second, two, four: {first}");
    till.wait(seconds(50)).await;
    let second = till.questions.len();
    assert!((2..=3).contains(&(second - first)), "{second}");
    till.wait(seconds(3_600)).await;
    let hour = till.questions.len() - second;
    assert!((55..=61).contains(&hour), "then once a minute: {hour}");
    // A question whose answer is lost has waited for it besides.
    till.question_default = Server::SilentAfter;
    let before = till.questions.len();
    till.wait(seconds(3_600)).await;
    let hour = till.questions.len() - before;
    assert!((40..=46).contains(&hour), "and their pauses: {hour}");
    settle(&mut till).await;
}

#[tokio::test]
async fn after_a_restart_what_may_still_be_signed_is_asked_for_and_what_may_not_is_not() {
    // Of the question before a shift, and of the document.
    for is_open in [false, true] {
        for (later, is_asked) in [(5, true), (40, false)] {
            let mut till = Till::new().await;
            if is_open {
                done(till.ask(Request::OpenShift).await);
            }
            till.agent_script = [Agent::Away].into();
            let operation = till.order(sale("1.00")).await;
            let signed = till.signed.len();
            till.restart(seconds(later)).await;
            let asked = till.signed.len() - signed;
            assert_eq!(asked, usize::from(is_asked), "{is_open} {later}");
            till.wait(seconds(8)).await;
            let state = till.kept(operation).await.unwrap();
            if is_asked {
                done(state);
            } else {
                assert!(is_cancelled(&state, &Cancelled::SignatureLate), "{state:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_pause_that_outlives_its_operation_with_the_process_ends_it_unreached() {
    let mut till = Till::new().await;
    till.question_default = Server::NotSent;
    let operation = till.order(sale("1.00")).await;
    // The question is put every second, and fails after a moment.
    till.wait(Duration::from_millis(5_900)).await;
    assert!(till.machine().current().unwrap().again_at.is_some());
    till.restart(seconds(60)).await;
    assert!(is_cancelled(
        &till.kept(operation).await.unwrap(),
        &Cancelled::TaxServiceUnreachable
    ));
}

#[tokio::test]
async fn a_question_that_is_not_answered_in_time_is_the_tax_services_silence() {
    let mut till = Till::new().await;
    till.question_default = Server::SilentAfter;
    let operation = till.order(sale("1.00")).await;
    till.wait(seconds(29)).await;
    assert!(is_cancelled(
        &till.last_answer(operation).unwrap(),
        &Cancelled::TaxServiceUnreachable
    ));
    assert_eq!(till.questions.len(), 2, "it was put again in between");
    till.question_default = Server::Answers(seconds(1));
    done(till.ask(sale("1.00")).await);
    till.check().await;
}

#[tokio::test]
async fn a_whole_queue_that_cannot_be_is_refused_in_one_go() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.agent_script = [Agent::Signs(seconds(20))].into();
    till.order(sale("1.00")).await;
    let mut behind = Vec::new();
    for _ in 0..WAITING_MAX {
        let order = till.order_with(sale("1.00"), |order| order.signer = signer(OTHER_KEY, false));
        behind.push(order.await);
    }
    till.wait(seconds(21)).await;
    let commits = till.commits;
    for operation in behind {
        let refusal = refused(till.last_answer(operation).expect("its turn has come"));
        assert!(matches!(refusal, Refusal::ShiftOfAnother { .. }));
    }
    till.wait(seconds(60)).await;
    assert_eq!(till.commits, commits, "nothing was left to do");
}

#[tokio::test]
async fn the_way_to_the_close_is_halved_so_that_an_idle_day_costs_a_few_commits() {
    let mut till = Till::at("2026-03-03 09:00:00").await;
    done(till.ask(sale("1.00")).await);
    let commits = till.commits;
    till.wait_until("2026-03-03 23:49:00").await;
    let looks = till.commits - commits;
    assert!((8..=14).contains(&looks), "{looks} looks at the clock");
}

#[tokio::test]
async fn what_is_of_no_use_any_more_is_asked_back_from_the_agent() {
    // A question of the doubt, when the late ticket comes.
    let mut till = shop().await;
    till.unit.settings.offline = false;
    till.server_script = [Server::Answers(seconds(20))].into();
    till.agent_script = [Agent::Signs(seconds(1)), Agent::Away].into();
    let operation = till.order(sale("1.00")).await;
    till.wait(seconds(2)).await;
    let uid = till.machine().flight().unwrap().uid.clone();
    let posted = actors::ports::Posted::Unknown("the proxy gave up".to_owned());
    till.tell(actors::machines::register::Ask::Posted { uid, posted })
        .await;
    assert!(till.view().awaits_signature);
    till.wait(seconds(25)).await;
    done(till.last_answer(operation).unwrap());
    assert_eq!(till.withdrawn.len(), 1);
    assert!(!till.view().awaits_signature);
    // A question of an operation that is given up, and a document.
    for is_open in [false, true] {
        let mut till = Till::new().await;
        if is_open {
            done(till.ask(Request::OpenShift).await);
        }
        till.agent_script = [Agent::Away].into();
        till.order(sale("1.00")).await;
        till.wait(seconds(29)).await;
        assert_eq!(till.withdrawn.len(), 1, "{is_open}");
        till.ask(sale("1.00")).await;
        assert_eq!(till.withdrawn.len(), 1, "what was signed is not asked back");
    }
    // On the way back: a question, the end, a package.
    for signed in 0..3 {
        let mut till = shop().await;
        go_away(&mut till);
        till.ask(sale("1.00")).await;
        till.agent_script = vec![Agent::Signs(seconds(1)); signed].into();
        till.agent_script.push_back(Agent::Away);
        settle(&mut till).await;
        assert_eq!(till.withdrawn.len(), 1, "after {signed} signatures");
    }
    // What is signed already is the tax service's to answer.
    let mut till = shop().await;
    go_away(&mut till);
    till.ask(sale("1.00")).await;
    till.question_script = [Server::Answers(seconds(1)), Server::NotSent].into();
    settle(&mut till).await;
    assert_eq!(till.withdrawn, []);
}

#[tokio::test]
async fn whoever_asks_again_waits_with_the_first_as_long_as_they_agreed() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.agent_default = Agent::Signs(seconds(15));
    let mut numbered = Vec::new();
    for hold in [5, 20, 0] {
        let order = till.order_with(sale("1.00"), |order| {
            order.reference = Some(17);
            order.hold = seconds(hold);
            order.lifetime = seconds(60);
        });
        numbered.push(order.await);
        till.wait(seconds(2)).await;
    }
    till.wait(seconds(8)).await;
    let [first, second, third] = numbered[..] else {
        panic!("three were asked for");
    };
    assert_eq!(till.repeats, [(second, first), (third, first)]);
    assert_eq!(till.last_answer(first), None, "the second waits on");
    till.wait(seconds(10)).await;
    done(till.last_answer(first).unwrap());
    let commits = till.commits;
    till.order_with(sale("1.00"), |order| order.reference = Some(17))
        .await;
    assert_eq!(till.repeats.len(), 3);
    assert_eq!(till.commits, commits, "what is done is not held for");
}

async fn bodies(till: &Till) -> usize {
    let scan = Scan::of(Key::table("operation-body").build());
    till.store().scan(scan).await.unwrap().len()
}

#[tokio::test]
async fn a_sale_that_goes_straight_into_its_document_costs_no_rows_of_its_own() {
    let mut till = shop().await;
    till.order(sale("1.00")).await;
    assert_eq!(bodies(&till).await, 0);
    till.order(sale("2.00")).await;
    assert_eq!(bodies(&till).await, 1, "one that waits is kept until its turn");
    till.wait(seconds(10)).await;
    assert_eq!(bodies(&till).await, 0);
}

#[tokio::test]
async fn a_sale_before_which_something_else_is_due_outlives_the_process() {
    // Its shift is to be closed first: the clock was set.
    let mut till = Till::at("2026-03-03 23:00:00").await;
    till.unit.settings.auto_close = AutoClose::BeforeMidnight { minutes: 10 };
    done(till.ask(sale("1.00")).await);
    till.jump(kyiv("2026-03-03 23:55:00") - till.now.wall);
    outlives(&mut till, 2).await;
    // The register is to be asked for first.
    let mut till = shop().await;
    till.agent_default = Agent::Away;
    till.tool(Tool::Resynchronise).await;
    till.wait(seconds(30)).await;
    outlives(&mut till, 1).await;
    // The offline session is to begin first.
    let mut till = shop().await;
    till.tool(Tool::GoOffline).await;
    outlives(&mut till, 1).await;
    till.tool(Tool::GoOnline).await;
    settle(&mut till).await;
    // The end of the session is to be accepted first.
    let mut till = shop().await;
    go_away(&mut till);
    till.ask(sale("10.00")).await;
    till.question_script = vec![Server::Answers(seconds(1)); 2].into();
    till.package_script = [Server::DropsAfter].into();
    till.wait(seconds(70)).await;
    assert_eq!(till.view().link, Link::Syncing);
    come_back(&mut till);
    outlives(&mut till, 1).await;
}

async fn outlives(till: &mut Till, shift: u64) {
    till.agent_default = Agent::Away;
    let operation = held(till, sale("7.00"), 28).await;
    till.agent_default = Agent::Signs(Duration::from_millis(300));
    till.restart(seconds(2)).await;
    till.wait(seconds(50)).await;
    let state = till.kept(operation).await.unwrap();
    assert_eq!(done(state).shift, shift);
}

#[tokio::test]
async fn a_shift_says_how_long_it_is_open() {
    let mut till = Till::new().await;
    done(till.ask(Request::OpenShift).await);
    till.wait(seconds(5_430)).await;
    assert_eq!(till.view().shift.unwrap().minutes, 90);
    till.jump(TimeDelta::hours(-3));
    assert_eq!(till.view().shift.unwrap().minutes, 0, "the clock was set back");
}
