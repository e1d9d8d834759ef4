//! The way back from offline, one step after the other: what does not belong to the step is a stray, and changes nothing.

use crate::offline::{come_back, go_away, is_offline, kinds, settle, shop, sold};
use crate::receipts::sale;
use crate::script::wait_for;
use crate::shifts::done;
use crate::till::{Agent, Server, Till, seconds};
use actors::ids::SignatureRequestId;
use actors::machines::register::{
    Ask, Cancelled, DocumentKind, Link, ManualReason, Note, OperationState, Reply, Request, Signature, Tool,
};
use actors::ports::{Packed, Posted};
use actors::testing::unseal;
use fiscal::{LocalNumber, Uid};
use std::time::Duration;
use uuid::Uuid;

/// Everything that can come for nobody.
fn strays(till: &Till) -> Vec<Ask> {
    let nobody = SignatureRequestId(Uuid::from_u128(1));
    let uid = Uid::new("00000000-0000-0000-0000-000000000001").unwrap();
    let read = |first| Ask::PackageRead {
        first,
        count: 1,
        signer: till.machine().current().map(|operation| operation.signer.clone()),
        is_all: true,
    };
    let signed = Signature::Signed(vec![1]);
    let mut all = vec![
        Ask::Signature {
            request: nobody,
            signature: signed,
        },
        Ask::Signature {
            request: nobody,
            signature: Signature::Late,
        },
        Ask::Posted {
            uid: uid.clone(),
            posted: Posted::NotSent(String::new()),
        },
        Ask::Asked {
            uid,
            reply: Reply::Reached,
        },
        Ask::Packed {
            package: nobody,
            packed: Packed::Accepted(None),
        },
    ];
    // The first document of the session is the second of the shop, or the third.
    all.extend((1..=3).map(|first| read(LocalNumber::new(first).unwrap())));
    all
}

/// Tells all of it, and sees that nothing comes of it.
async fn check_strays(till: &mut Till, step: &str) {
    for ask in strays(till) {
        let (commits, signed, questions) = (till.commits, till.signed.len(), till.questions.len());
        till.notes.clear();
        till.tell(ask.clone()).await;
        assert_eq!(till.notes, [Note::Stray], "{step}: {ask:?}");
        assert_eq!(till.commits, commits, "{step}: {ask:?}");
        let asked = (till.signed.len(), till.questions.len());
        assert_eq!(asked, (signed, questions), "{step}: {ask:?}");
    }
}

#[tokio::test]
async fn what_comes_for_nobody_changes_nothing_at_any_step() {
    let slow = Server::Answers(seconds(5));
    let mut till = shop().await;
    check_strays(&mut till, "idle").await;
    till.agent_default = Agent::Signs(seconds(5));
    till.server_default = slow.clone();
    till.order(sale("1.00")).await;
    for step in ["a document is signed", "a document is posted"] {
        check_strays(&mut till, step).await;
        till.wait(seconds(5)).await;
    }
    till.wait(seconds(5)).await;
    till.agent_default = Agent::Signs(seconds(1));
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    check_strays(&mut till, "resting").await;
    till.agent_default = Agent::Signs(seconds(5));
    till.question_default = slow.clone();
    till.server_default = slow;
    let looks = till.questions.len();
    wait_for(&mut till, Duration::from_millis(500), |till| {
        till.questions.len() > looks
    })
    .await;
    for step in [
        "the tax service is looked for",
        "the state's question is signed",
        "the state is asked",
        "the end is signed",
        "the package is signed",
        "the package is sent",
    ] {
        check_strays(&mut till, step).await;
        till.wait(seconds(5)).await;
    }
    assert_eq!(till.packages, 1);
    settle(&mut till).await;
    assert_eq!(till.packages, 1);
}

#[tokio::test]
async fn a_person_who_speaks_while_a_package_is_on_its_way_does_not_disturb_it() {
    for (tool, taken) in [
        (Tool::GoOnline, true),
        (Tool::Resynchronise, true),
        (Tool::GoOffline, false),
    ] {
        let mut till = shop().await;
        go_away(&mut till);
        sold(&mut till, "10.00").await;
        till.question_default = Server::Answers(seconds(1));
        till.package_script = [Server::Answers(seconds(20))].into();
        wait_for(&mut till, Duration::from_millis(500), |till| till.packages > 0).await;
        assert_eq!(till.view().link, Link::Syncing);
        let questions = till.questions.len();
        assert_eq!(till.tool(tool).await, taken, "{tool:?}: the end is made");
        till.wait(seconds(21)).await;
        assert_eq!(till.view().link, Link::Online, "{tool:?}");
        assert_eq!(
            till.questions.len(),
            questions,
            "{tool:?}: nothing else was asked"
        );
        settle(&mut till).await;
    }
}

/// A session of exactly as many documents as one package takes, about to be delivered.
async fn full() -> Till {
    let mut till = shop().await;
    till.agent_default = Agent::Signs(Duration::from_millis(20));
    go_away(&mut till);
    for _ in 0..99 {
        sold(&mut till, "1.00").await;
    }
    assert_eq!(till.view().offline.unwrap().undelivered, 100);
    till
}

#[tokio::test]
async fn a_session_that_fills_its_package_to_the_last_document_still_gets_its_end() {
    let mut till = full().await;
    // The package's fate is not known; the end behind it is never sent.
    till.question_default = Server::Answers(seconds(1));
    till.package_script = [Server::DropsBefore, Server::Answers(seconds(1))].into();
    till.wait(seconds(100)).await;
    assert_eq!(till.machine().away().unwrap().delivered, 100);
    assert_eq!(
        till.view().link,
        Link::Offline,
        "the end was never sent, and is taken back"
    );
    assert!(is_offline(&sold(&mut till, "2.00").await));
    settle(&mut till).await;
    let kinds = kinds(&till);
    assert_eq!(kinds.len(), 1 + 100 + 1 + 1);
    assert_eq!(kinds.last(), Some(&"end"));
}

#[tokio::test]
async fn a_person_who_wants_the_register_offline_while_it_delivers_is_heard() {
    let mut till = full().await;
    sold(&mut till, "1.00").await;
    till.question_default = Server::Answers(seconds(1));
    till.package_script = vec![Server::Answers(seconds(20)); 2].into();
    wait_for(&mut till, Duration::from_millis(500), |till| till.packages > 0).await;
    till.notes.clear();
    let questions = till.questions.len();
    assert!(till.tool(Tool::GoOffline).await);
    till.wait(seconds(60)).await;
    assert!(
        !till.notes.contains(&Note::Stray),
        "the package's answer was awaited"
    );
    assert_eq!(till.questions.len(), questions);
    let offline = till.view().offline.unwrap();
    assert_eq!((offline.undelivered, offline.stays), (1, true));
    assert_eq!(till.view().link, Link::Offline, "no end is made");
    assert!(till.tool(Tool::GoOnline).await);
    settle(&mut till).await;
}

#[tokio::test]
async fn the_ends_of_a_session_are_no_tests_though_its_receipts_are() {
    let mut till = Till::new().await;
    till.unit.is_testing = true;
    till.unit.settings.offline = true;
    done(till.ask(Request::OpenShift).await);
    till.server_script = [Server::DropsAfter].into();
    go_away(&mut till);
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(20)).await;
    assert!(done(till.last_answer(operation).unwrap()).document.is_testing);
    settle(&mut till).await;
    let documents = till.tax.documents();
    let tests: Vec<bool> = documents
        .iter()
        .map(|found| found.document.head.testing)
        .collect();
    assert_eq!(kinds(&till), ["open", "begin, revoking", "receipt", "end"]);
    assert_eq!(tests, [true, false, true, false]);
}

#[tokio::test]
async fn a_tax_service_that_has_less_than_it_told_us_is_sent_nothing() {
    let mut till = shop().await;
    let before = till.tax.clone();
    sold(&mut till, "10.00").await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.tax = before;
    come_back(&mut till);
    till.questions.clear();
    till.wait(seconds(120)).await;
    assert_eq!(till.view().link, Link::Manual(ManualReason::AnotherDevice));
    assert_eq!(
        (till.packages, &till.questions[..]),
        (0, &["ServerState", "TransactionsRegistrarState"][..])
    );
}

#[tokio::test]
async fn the_first_document_of_a_session_without_a_doubt_is_made_once() {
    let mut till = shop().await;
    go_away(&mut till);
    till.order(sale("10.00")).await;
    till.wait(seconds(8)).await;
    let signed = till.signed.len();
    settle(&mut till).await;
    assert_eq!(till.signed.len() - signed, 3, "question, end, package");
    let counted = |note| till.notes.iter().filter(|found| **found == note).count();
    assert_eq!(
        (counted(Note::OfflineBegun), counted(Note::OfflineEnded(3))),
        (1, 1)
    );
}

#[tokio::test]
async fn a_person_can_take_a_register_offline_while_its_agent_is_slow() {
    let mut till = shop().await;
    till.agent_script = [Agent::Signs(seconds(20))].into();
    let operation = till.order(sale("10.00")).await;
    till.wait(seconds(2)).await;
    assert!(till.tool(Tool::GoOffline).await);
    assert_eq!(
        till.withdrawn.len(),
        1,
        "the online document is not to be signed any more"
    );
    till.wait(seconds(5)).await;
    assert!(is_offline(&done(till.last_answer(operation).unwrap())));
    assert!(till.tool(Tool::GoOnline).await);
    settle(&mut till).await;
}

#[tokio::test]
async fn no_person_takes_a_register_offline_while_a_document_may_be_registered() {
    let mut till = shop().await;
    till.unit.settings.offline_after = seconds(3_600);
    till.server_script = [Server::Answers(seconds(5)), Server::DropsAfter].into();
    for step in ["sent", "in doubt"] {
        till.question_default = Server::NotSent;
        let operation = till.order(sale("10.00")).await;
        till.wait(seconds(2)).await;
        assert!(!till.tool(Tool::GoOffline).await, "{step}");
        come_back(&mut till);
        till.wait(seconds(60)).await;
        assert!(!is_offline(&done(till.kept(operation).await.unwrap())), "{step}");
        assert_eq!(till.view().link, Link::Online, "{step}");
        till.check().await;
    }
}

#[tokio::test]
async fn who_wants_a_register_online_need_not_wait_for_its_next_look() {
    let mut till = shop().await;
    till.tool(Tool::GoOffline).await;
    sold(&mut till, "10.00").await;
    // In the middle between two looks, which are a minute apart.
    till.wait(seconds(630)).await;
    let questions = till.questions.len();
    assert!(till.tool(Tool::GoOffline).await, "it is, and stays so");
    assert_eq!(till.questions.len(), questions);
    assert!(till.tool(Tool::GoOnline).await);
    till.wait(seconds(5)).await;
    assert_eq!(till.view().link, Link::Online);
    till.check().await;
}

#[tokio::test]
async fn a_tax_service_that_stays_away_is_asked_ever_less_often_down_to_once_a_minute() {
    let mut till = shop().await;
    go_away(&mut till);
    assert!(is_offline(&sold(&mut till, "10.00").await));
    let asked = |till: &Till, before: usize| till.questions.len() - before;
    let before = till.questions.len();
    till.wait(seconds(120)).await;
    let early = asked(&till, before);
    assert!(
        (3..=5).contains(&early),
        "{early}: after ten seconds, twenty, forty"
    );
    let before = till.questions.len();
    till.wait(seconds(3_600)).await;
    let hourly = asked(&till, before);
    assert!((55..=61).contains(&hourly), "{hourly} in an hour");
    come_back(&mut till);
    till.wait(seconds(65)).await;
    settle(&mut till).await;
    till.check().await;
}

#[tokio::test]
async fn a_register_that_is_to_stay_offline_looks_at_its_limits_once_a_minute_and_asks_nobody() {
    let mut till = shop().await;
    till.tool(Tool::GoOffline).await;
    let (questions, commits) = (till.questions.len(), till.commits);
    till.wait(seconds(605)).await;
    assert_eq!(till.questions.len(), questions);
    assert_eq!(
        till.commits - commits,
        10,
        "after ten seconds, and then each minute"
    );
    till.tool(Tool::GoOnline).await;
    settle(&mut till).await;
}

#[tokio::test]
async fn after_a_restart_the_way_back_begins_anew_and_waits_for_nobody_of_before() {
    // A package that is being signed, and one that was sent.
    for (agent, package, packages) in [
        (Agent::Away, Server::Answers(seconds(1)), 1),
        (Agent::Signs(seconds(1)), Server::SilentAfter, 1),
        (Agent::Signs(seconds(1)), Server::DropsBefore, 2),
    ] {
        let mut till = shop().await;
        go_away(&mut till);
        sold(&mut till, "10.00").await;
        till.package_script = [package.clone()].into();
        let signs = Agent::Signs(seconds(1));
        till.agent_script = [signs.clone(), signs, agent].into();
        come_back(&mut till);
        wait_for(&mut till, Duration::from_millis(100), |till| {
            till.agent_script.is_empty()
        })
        .await;
        till.wait(Duration::from_millis(1_050)).await;
        assert_eq!(till.view().link, Link::Syncing);
        till.restart(seconds(1)).await;
        till.wait(seconds(20)).await;
        assert_eq!(till.view().link, Link::Online, "{package:?}");
        assert_eq!(till.packages, packages, "{package:?}");
        till.check().await;
    }
}

#[tokio::test]
async fn the_tax_service_is_told_which_session_we_are_in_when_it_is_asked_on_the_way_back() {
    let mut till = shop().await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    let session = till.view().offline.unwrap().session.to_string();
    let before = till.signed.clone();
    settle(&mut till).await;
    let mut questions = till.signed.iter().filter_map(|(request, cms)| {
        let (_, content) = unseal(cms).filter(|_| !before.contains_key(request))?;
        let command = fiscal::command::Request::from_json(content).ok()?.command;
        match command {
            fiscal::command::Command::TransactionsRegistrarState(query) => query.offline_session_id,
            _ => None,
        }
    });
    assert_eq!(questions.next().map(|id| id.as_str().to_owned()), Some(session));
}

/// A session whose first document may have to revoke the sale before it.
async fn doubtful(till: &mut Till) {
    till.server_script = [Server::DropsAfter].into();
    go_away(till);
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(15)).await;
    assert!(is_offline(&done(till.last_answer(operation).unwrap())));
}

#[tokio::test]
async fn a_first_document_that_would_revoke_what_is_not_there_any_more_is_made_again() {
    let mut till = shop().await;
    sold(&mut till, "10.00").await;
    let before = till.tax.clone();
    doubtful(&mut till).await;
    till.question_default = Server::Answers(seconds(1));
    till.package_script = [Server::NotSent].into();
    wait_for(&mut till, seconds(1), |till| till.packages > 0).await;
    // The tax service was set back meanwhile: the last online document is another.
    till.tax = before;
    settle(&mut till).await;
    assert_eq!(kinds(&till), ["open", "receipt", "begin", "receipt", "end"]);
    assert!(till.tax.revoked().is_empty());
}

/// The way home leads to what another device left at the tax service: nothing is delivered, and a person must look.
async fn stops_for(till: &mut Till, other: &Till) {
    till.wait(seconds(600)).await;
    till.see(other).await;
    come_back(till);
    till.wait(seconds(120)).await;
    let reason = ManualReason::AnotherDevice;
    assert_eq!((till.view().link, till.packages), (Link::Manual(reason), 0));
}

#[tokio::test]
async fn a_document_of_another_device_behind_the_one_in_doubt_stops_the_register() {
    let mut till = shop().await;
    doubtful(&mut till).await;
    let mut other = Till::another().await;
    other.wait(seconds(120)).await;
    other.see(&till).await;
    done(other.ask(sale("99.00")).await);
    stops_for(&mut till, &other).await;
}

#[tokio::test]
async fn what_another_device_issued_in_our_session_is_not_taken_for_ours() {
    let mut till = shop().await;
    let mut other = Till::another().await;
    other.unit.settings.offline = true;
    other.wait(seconds(120)).await;
    other.see(&till).await;
    go_away(&mut till);
    for _ in 0..5 {
        sold(&mut till, "10.00").await;
    }
    // It sells online under the number of our session's first document, and then goes offline as we did.
    sold(&mut other, "99.00").await;
    go_away(&mut other);
    sold(&mut other, "98.00").await;
    come_back(&mut other);
    other.wait(seconds(120)).await;
    assert_eq!(kinds(&other)[2..], ["begin", "receipt", "end"]);
    stops_for(&mut till, &other).await;
    assert_eq!(till.queued().await, 6, "what was issued is kept");
}

#[tokio::test]
async fn a_sale_that_waits_for_the_end_of_the_session_is_given_up_in_its_time_and_the_end_goes_on() {
    let late = Server::Answers(seconds(40));
    for (end, package, why) in [
        (seconds(20), Server::Answers(seconds(1)), Cancelled::SignatureLate),
        (seconds(1), late, Cancelled::TaxServiceUnreachable),
    ] {
        let mut till = shop().await;
        go_away(&mut till);
        done(till.ask(Request::CloseShift).await);
        come_back(&mut till);
        let looks = till.questions.len();
        wait_for(&mut till, Duration::from_millis(50), |till| {
            till.questions.len() > looks
        })
        .await;
        // The opening is issued after it was seen that nothing is left but the end: the sale behind it has to wait.
        till.agent_script = [seconds(10), seconds(1), end].map(Agent::Signs).into();
        till.package_script = [package].into();
        let operation = till.order(sale("10.00")).await;
        till.wait(seconds(29)).await;
        assert_eq!(till.last_answer(operation), Some(OperationState::Cancelled(why)));
        assert_eq!(till.view().link == Link::Syncing, end == seconds(1));
        till.wait(seconds(25)).await;
        assert_eq!(till.view().link, Link::Online);
        assert_eq!(till.packages, 1);
        assert_eq!(kinds(&till), ["open", "begin", "z", "close", "open", "end"]);
        settle(&mut till).await;
    }
}

#[tokio::test]
async fn a_shift_closes_at_its_moment_offline_too() {
    let mut till = shop().await;
    go_away(&mut till);
    till.wait_until("2026-03-03 22:30:17").await;
    sold(&mut till, "10.00").await;
    till.wait_until("2026-03-03 23:49:59").await;
    assert!(till.machine().is_shift_open());
    till.wait_until("2026-03-03 23:50:02").await;
    assert!(!till.machine().is_shift_open());
    let last = till.view().last.unwrap();
    assert_eq!((last.kind, last.is_offline), (DocumentKind::CloseShift, true));
    settle(&mut till).await;
}
