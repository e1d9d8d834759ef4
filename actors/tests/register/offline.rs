//! Without the tax service: documents under numbers of the register's own, delivered afterwards; limits; the way back; the document whose
//! fate was not known. The stand-in server checks every number, hash and limit for itself.

use crate::receipts::{giving_back, money, sale};
use crate::shifts::{done, refused};
use crate::till::{Agent, Server, Till, is_cancelled, seconds};
use actors::machines::register::{
    BlockReason, Cancelled, DocumentKind, Done, Link, ManualReason, NoOffline, Note, OfflineCause,
    OperationState, Refusal, Request, Tool,
};
use fiscal::ErrorCode;
use fiscal::document::{Kind, Mode};
use fiscal::offline::State;
use std::time::Duration;

/// A register that may go offline, with an open shift.
pub(crate) async fn shop() -> Till {
    let mut till = Till::new().await;
    till.unit.settings.offline = true;
    done(till.ask(Request::OpenShift).await);
    till
}

/// The tax service is away: nothing can be connected to.
pub(crate) fn go_away(till: &mut Till) {
    till.server_default = Server::NotSent;
    till.question_default = Server::NotSent;
}

pub(crate) fn come_back(till: &mut Till) {
    till.server_default = Server::Answers(Duration::from_millis(700));
    till.question_default = Server::Answers(Duration::from_millis(200));
}

pub(crate) async fn sold(till: &mut Till, sum: &str) -> Done {
    *done(till.ask(sale(sum)).await)
}

pub(crate) fn is_offline(done: &Done) -> bool {
    let number = done.document.fiscal_number.as_ref().unwrap().as_str();
    assert_eq!(
        number.split('.').count() == 3,
        done.document.is_offline,
        "{number}"
    );
    done.document.is_offline
}

/// Everything is delivered, and agrees.
pub(crate) async fn settle(till: &mut Till) {
    come_back(till);
    till.wait(seconds(300)).await;
    assert!(till.is_at_rest(), "{:?}", till.view());
    assert_eq!(till.view().link, Link::Online);
    assert!(till.view().offline.is_none());
    assert_eq!(till.queued().await, 0);
    till.check().await;
}

pub(crate) fn kinds(till: &Till) -> Vec<&'static str> {
    let documents = till.tax.documents();
    let names = documents.iter().map(|found| match &found.document.kind {
        Kind::OpenShift => "open",
        Kind::CloseShift => "close",
        Kind::OfflineBegin {
            revoke_last_online: true,
        } => "begin, revoking",
        Kind::OfflineBegin { .. } => "begin",
        Kind::OfflineEnd => "end",
        Kind::ZReport(_) => "z",
        Kind::Storno { .. } => "storno",
        _ => "receipt",
    });
    names.collect()
}

#[tokio::test]
async fn a_register_sells_on_when_the_tax_service_is_away_and_delivers_when_it_is_back() {
    let mut till = shop().await;
    sold(&mut till, "10.00").await;
    go_away(&mut till);
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(8)).await;
    let first = done(till.last_answer(operation).expect("answered within the hold"));
    assert!(is_offline(&first));
    let view = till.view();
    assert_eq!(view.link, Link::Offline);
    let offline = view.offline.unwrap();
    assert_eq!(
        (offline.documents, offline.undelivered),
        (2, 2),
        "the session's first and the sale"
    );
    assert_eq!(offline.why, OfflineCause::Unreachable);
    assert!((2_150..=2_160).contains(&offline.session_minutes_left));
    // From now on at once.
    let operation = till.order(giving_back("5.00", None)).await;
    till.wait(Duration::from_millis(400)).await;
    let second = done(till.last_answer(operation).unwrap());
    assert!(is_offline(&second));
    assert_eq!(second.drawer, money("25.00"));
    assert_eq!(
        second.document.local_number.get(),
        first.document.local_number.get() + 1
    );
    let seen = till.tax.documents().len();
    assert_eq!(seen, 2, "the tax service has seen nothing of it");
    settle(&mut till).await;
    assert_eq!(
        kinds(&till),
        ["open", "receipt", "begin", "receipt", "receipt", "end"]
    );
    assert!(!is_offline(&sold(&mut till, "30.00").await), "online again");
    done(till.ask(Request::CloseShift).await);
    till.check().await;
    // And a second time, with the session that the end brought.
    go_away(&mut till);
    let state = till.ask(sale("40.00")).await;
    assert!(is_offline(&done(state)), "a shift may be opened offline, too");
    settle(&mut till).await;
    let ended = till
        .notes
        .iter()
        .filter(|note| matches!(note, Note::OfflineEnded(_)));
    assert_eq!(ended.count(), 2);
}

#[tokio::test]
async fn a_blip_is_no_reason_to_go_offline_and_patience_is_a_setting() {
    for (patience, refusals, expected) in [(5, 3, false), (0, 1, true), (60, 20, false)] {
        let mut till = shop().await;
        till.unit.settings.offline_after = seconds(patience);
        till.server_script = vec![Server::NotSent; refusals].into();
        let done = sold(&mut till, "10.00").await;
        assert_eq!(is_offline(&done), expected, "{patience} s, {refusals} refusals");
        settle(&mut till).await;
    }
}

#[tokio::test]
async fn a_register_that_may_not_or_cannot_go_offline_says_why_and_stays() {
    let mut till = Till::new().await;
    assert_eq!(till.view().no_offline, Some(NoOffline::Unsettled));
    done(till.ask(Request::OpenShift).await);
    assert_eq!(till.view().no_offline, Some(NoOffline::Forbidden));
    go_away(&mut till);
    assert!(is_cancelled(
        &till.ask(sale("10.00")).await,
        &Cancelled::TaxServiceUnreachable
    ));
    assert!(!till.tool(Tool::GoOffline).await);
    assert_eq!(till.view().link, Link::Online);
}

#[tokio::test]
async fn code_12_for_long_is_a_reason_for_a_moment_none() {
    let mut till = shop().await;
    let refuses = Server::Refuses(ErrorCode::CryptographyError);
    till.server_script = vec![refuses.clone(); 2].into();
    assert!(!is_offline(&sold(&mut till, "10.00").await));
    till.server_default = refuses.clone();
    assert!(is_offline(&sold(&mut till, "20.00").await));
    assert_eq!(till.view().offline.unwrap().why, OfflineCause::Cryptography);
    // It answers questions, but takes no package: the register goes on selling.
    till.wait(seconds(300)).await;
    assert_eq!(till.view().link, Link::Offline);
    assert!(is_offline(&sold(&mut till, "30.00").await));
    settle(&mut till).await;
}

#[tokio::test]
async fn a_whole_day_offline_is_opened_reported_and_closed() {
    let mut till = shop().await;
    done(till.ask(Request::CloseShift).await);
    go_away(&mut till);
    for _ in 0..2 {
        sold(&mut till, "10.00").await;
        sold(&mut till, "15.00").await;
        let closed = done(till.ask(Request::CloseShift).await);
        assert_eq!(closed.document.kind, DocumentKind::ZReport);
        assert!(is_offline(&closed));
        assert!(till.view().shift.is_none());
    }
    settle(&mut till).await;
    let shift = ["open", "receipt", "receipt", "z", "close"];
    let all: Vec<_> = ["open", "z", "close", "begin"]
        .into_iter()
        .chain(shift)
        .chain(shift)
        .chain(["end"])
        .collect();
    assert_eq!(kinds(&till), all);
}

#[tokio::test]
async fn a_shift_closes_by_itself_offline_before_midnight() {
    let mut till = shop().await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.wait_until("2026-03-04 00:00:00").await;
    assert!(till.view().shift.is_none());
    settle(&mut till).await;
    assert_eq!(kinds(&till), ["open", "begin", "receipt", "z", "close", "end"]);
}

#[tokio::test]
async fn without_its_agent_a_register_issues_nothing_offline_either_and_says_so() {
    let mut till = shop().await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.agent_default = Agent::Away;
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(5)).await;
    assert!(till.view().awaits_signature);
    till.wait(seconds(24)).await;
    assert!(is_cancelled(
        &till.last_answer(operation).unwrap(),
        &Cancelled::SignatureLate
    ));
    // The tax service is back, and the agent is not: nothing can be delivered.
    come_back(&mut till);
    till.wait(seconds(120)).await;
    assert_eq!(till.view().link, Link::Offline);
    till.agent_default = Agent::Signs(Duration::from_millis(300));
    settle(&mut till).await;
}

#[tokio::test]
async fn a_session_that_never_began_costs_nothing() {
    let mut till = shop().await;
    go_away(&mut till);
    till.agent_script = [Agent::Signs(seconds(1))].into();
    till.agent_default = Agent::Away;
    let operation = till.order(sale("10.00")).await;
    till.wait(seconds(29)).await;
    assert!(is_cancelled(
        &till.last_answer(operation).unwrap(),
        &Cancelled::SignatureLate
    ));
    assert_eq!(till.view().offline.unwrap().documents, 0);
    till.agent_default = Agent::Signs(seconds(1));
    settle(&mut till).await;
    assert_eq!(kinds(&till), ["open"]);
}

/// The post of a sale breaks, registered or not, and then the service is away.
async fn doubtful(server: Server) -> Till {
    let mut till = shop().await;
    sold(&mut till, "10.00").await;
    till.server_script = [server].into();
    go_away(&mut till);
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(15)).await;
    let state = till.last_answer(operation).expect("answered within the hold");
    assert!(is_offline(&done(state)), "issued again");
    till
}

#[tokio::test]
async fn a_doubtful_document_that_was_registered_is_issued_again_and_revoked() {
    let mut till = doubtful(Server::DropsAfter).await;
    assert_eq!(till.tax.documents().len(), 3, "it has the document that we doubt");
    sold(&mut till, "30.00").await;
    settle(&mut till).await;
    assert_eq!(
        kinds(&till),
        ["open", "receipt", "begin, revoking", "receipt", "receipt", "end"]
    );
    let revoked = till.tax.revoked();
    assert_eq!(revoked.len(), 1);
    let ours = actors::register::queue::revoked(till.store(), crate::till::register())
        .await
        .unwrap();
    assert_eq!(ours.len(), 1);
    assert!(ours[0].facts.uid.is_same(&revoked[0].head.uid));
    assert_eq!(done(till.ask(Request::CloseShift).await).drawer, money("60.00"));
}

#[tokio::test]
async fn a_doubtful_document_that_was_not_registered_is_issued_again_and_nothing_is_revoked() {
    let mut till = doubtful(Server::DropsBefore).await;
    settle(&mut till).await;
    assert_eq!(kinds(&till), ["open", "receipt", "begin", "receipt", "end"]);
    assert!(till.tax.revoked().is_empty());
}

#[tokio::test]
async fn a_doubtful_z_report_is_issued_again_and_revoked() {
    let mut till = shop().await;
    sold(&mut till, "10.00").await;
    till.server_script = [Server::DropsAfter].into();
    go_away(&mut till);
    let operation = till.order(Request::CloseShift).await;
    till.wait(seconds(20)).await;
    assert!(is_offline(&done(till.last_answer(operation).unwrap())));
    settle(&mut till).await;
    assert_eq!(
        kinds(&till),
        ["open", "receipt", "begin, revoking", "z", "close", "end"]
    );
}

#[tokio::test]
async fn an_opening_or_a_storno_in_doubt_cannot_be_revoked_and_waits() {
    for storno in [false, true] {
        let mut till = shop().await;
        sold(&mut till, "10.00").await;
        let request = if storno {
            Request::Storno
        } else {
            done(till.ask(Request::CloseShift).await);
            // The state is asked before a shift, and then the post breaks.
            till.question_script = [Server::Answers(seconds(1))].into();
            sale("20.00")
        };
        till.server_script = [Server::DropsAfter].into();
        go_away(&mut till);
        let operation = till.order(request).await;
        till.wait(seconds(60)).await;
        // The opening is the register's own affair; the sale behind it is given up in its time.
        let expected = if storno {
            OperationState::Pending
        } else {
            OperationState::Cancelled(Cancelled::Unsettled)
        };
        assert_eq!(till.last_answer(operation), Some(expected));
        assert_eq!(till.view().link, Link::InDoubt, "storno {storno}");
        settle(&mut till).await;
        assert!(till.kept(operation).await.unwrap().is_final());
        assert!(!kinds(&till).contains(&"begin"));
    }
}

#[tokio::test]
async fn a_doubt_without_an_agent_is_kept_until_it_is_known() {
    let mut till = shop().await;
    till.server_script = [Server::DropsAfter].into();
    go_away(&mut till);
    till.agent_script = vec![Agent::Signs(seconds(1)); 3].into();
    till.agent_default = Agent::Away;
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(200)).await;
    assert_eq!(
        till.last_answer(operation),
        Some(OperationState::Pending),
        "it may be registered: {:?}",
        till.view()
    );
    till.agent_default = Agent::Signs(seconds(1));
    settle(&mut till).await;
    assert!(till.kept(operation).await.unwrap().is_final());
}

#[tokio::test]
async fn what_comes_of_a_package_is_asked_for_and_never_sent_again_blindly() {
    for (script, packages) in [
        (vec![Server::DropsAfter], 1),
        (vec![Server::SilentAfter], 1),
        (vec![Server::DropsBefore], 2),
        (vec![Server::NotSent], 2),
        (vec![Server::DropsBefore, Server::DropsAfter], 2),
        (vec![Server::Refuses(ErrorCode::CryptographyError)], 2),
    ] {
        let mut till = shop().await;
        go_away(&mut till);
        sold(&mut till, "10.00").await;
        till.package_script = script.clone().into();
        settle(&mut till).await;
        assert_eq!(till.packages, packages, "{script:?}");
        go_away(&mut till);
        assert!(
            is_offline(&sold(&mut till, "1.00").await),
            "the next session was taken over: {script:?}"
        );
        settle(&mut till).await;
    }
}

#[tokio::test]
async fn an_end_that_was_never_sent_is_taken_back_and_sales_go_on() {
    let mut till = shop().await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.question_default = Server::Answers(seconds(1));
    till.package_script = vec![Server::NotSent; 3].into();
    till.wait(seconds(40)).await;
    assert!(till.packages > 0);
    assert_eq!(till.view().link, Link::Offline);
    let done = sold(&mut till, "20.00").await;
    assert!(is_offline(&done));
    assert_eq!(
        done.document.local_number.get(),
        4,
        "the number of the end is free"
    );
    settle(&mut till).await;
    assert_eq!(kinds(&till), ["open", "begin", "receipt", "receipt", "end"]);
}

#[tokio::test]
async fn an_end_whose_fate_is_not_known_stops_sales_until_it_is() {
    let mut till = shop().await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    // The service comes back for the questions and the package, and goes away with it.
    till.question_script = vec![Server::Answers(seconds(1)); 2].into();
    till.package_script = [Server::DropsAfter].into();
    till.wait(seconds(70)).await;
    assert_eq!(till.view().link, Link::Syncing);
    let operation = till.order(sale("20.00")).await;
    till.wait(seconds(29)).await;
    assert!(is_cancelled(
        &till.last_answer(operation).unwrap(),
        &Cancelled::TaxServiceUnreachable
    ));
    settle(&mut till).await;
    assert_eq!(till.packages, 1, "it had arrived");
    assert!(!is_offline(&sold(&mut till, "30.00").await));
}

#[tokio::test]
async fn a_refused_package_waits_for_a_person_and_goes_again_after_them() {
    let mut till = shop().await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    come_back(&mut till);
    till.package_script = vec![Server::Refuses(ErrorCode::PackageValidationError)].into();
    till.wait(seconds(60)).await;
    assert_eq!(till.view().link, Link::Manual(ManualReason::PackageRejected));
    assert_eq!(till.view().offline.unwrap().rejected.unwrap().code, 10);
    assert_eq!(
        refused(till.ask(sale("1.00")).await),
        Refusal::Manual(ManualReason::PackageRejected)
    );
    assert!(till.notes.contains(&Note::PackageRejected));
    let packages = till.packages;
    till.wait(seconds(3_600)).await;
    assert_eq!(till.packages, packages, "nothing is sent meanwhile");
    till.resolve(None).await;
    assert_eq!(till.resolved, [true]);
    settle(&mut till).await;
    sold(&mut till, "2.00").await;
}

#[tokio::test]
async fn another_device_that_used_our_number_stops_the_register() {
    let mut other = Till::another().await;
    let mut till = shop().await;
    other.see(&till).await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    done(other.ask(sale("99.00")).await);
    till.wait(seconds(120)).await;
    till.tax = other.tax.clone();
    come_back(&mut till);
    till.wait(seconds(120)).await;
    assert_eq!(till.view().link, Link::Manual(ManualReason::AnotherDevice));
    assert_eq!(till.packages, 0);
    assert_eq!(till.queued().await, 2, "what was issued is kept");
}

#[tokio::test]
async fn at_36_hours_the_shift_is_closed_nothing_is_sold_and_all_of_it_is_accepted() {
    let mut till = shop().await;
    till.unit.settings.auto_close = actors::machines::register::AutoClose::Off;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.wait(seconds(20 * 3_600)).await;
    done(till.ask(Request::CloseShift).await);
    sold(&mut till, "20.00").await;
    till.wait(seconds(9 * 3_600)).await;
    assert!(!till.notes.contains(&Note::OfflineLimit(State::Warning)));
    till.wait(seconds(2 * 3_600)).await;
    assert!(till.notes.contains(&Note::OfflineLimit(State::Warning)));
    assert_eq!(till.view().link, Link::Offline);
    sold(&mut till, "30.00").await;
    till.wait(seconds(5 * 3_600)).await;
    assert_eq!(till.view().link, Link::Blocked(BlockReason::SessionTooLong));
    assert!(
        till.view().shift.is_none(),
        "its Z-report would be too late later"
    );
    for request in [sale("1.00"), Request::OpenShift] {
        assert_eq!(
            refused(till.ask(request).await),
            Refusal::OfflineLimit(BlockReason::SessionTooLong)
        );
    }
    till.wait(seconds(40 * 3_600)).await;
    let limits = till
        .notes
        .iter()
        .filter(|note| matches!(note, Note::OfflineLimit(_)));
    assert_eq!(limits.count(), 3, "each said once");
    settle(&mut till).await;
    sold(&mut till, "40.00").await;
}

#[tokio::test]
async fn a_z_report_beyond_the_limit_would_spoil_its_package_and_is_made_online_instead() {
    let mut till = shop().await;
    till.unit.settings.auto_close = actors::machines::register::AutoClose::Off;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.wait(seconds(18 * 3_600)).await;
    done(till.ask(Request::CloseShift).await);
    sold(&mut till, "20.00").await;
    // The agent is away for the quarter of an hour that is kept for it.
    till.agent_default = Agent::Away;
    till.wait(seconds(19 * 3_600)).await;
    till.agent_default = Agent::Signs(seconds(1));
    assert_eq!(
        refused(till.ask(Request::CloseShift).await),
        Refusal::OfflineLimit(BlockReason::SessionTooLong)
    );
    till.wait(seconds(600)).await;
    assert!(till.view().shift.is_some());
    settle(&mut till).await;
    assert!(!is_offline(&done(till.ask(Request::CloseShift).await)));
    till.check().await;
}

#[tokio::test]
async fn at_168_hours_of_a_month_no_session_begins_until_the_next() {
    let mut till = shop().await;
    for _ in 0..5 {
        go_away(&mut till);
        sold(&mut till, "10.00").await;
        till.wait(seconds(33 * 3_600)).await;
        sold(&mut till, "10.00").await;
        settle(&mut till).await;
    }
    // 165 hours are used.
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.wait(seconds(3 * 3_600)).await;
    assert_eq!(till.view().link, Link::Blocked(BlockReason::MonthTooLong));
    assert_eq!(
        refused(till.ask(sale("1.00")).await),
        Refusal::OfflineLimit(BlockReason::MonthTooLong)
    );
    settle(&mut till).await;
    assert_eq!(till.view().no_offline, Some(NoOffline::LimitReached));
    go_away(&mut till);
    assert!(is_cancelled(
        &till.ask(sale("1.00")).await,
        &Cancelled::TaxServiceUnreachable
    ));
    settle(&mut till).await;
    till.wait_until("2026-04-01 08:00:00").await;
    assert!(!is_offline(&sold(&mut till, "1.00").await));
    go_away(&mut till);
    assert!(is_offline(&sold(&mut till, "10.00").await));
    settle(&mut till).await;
}

#[tokio::test]
async fn a_person_takes_a_register_offline_and_back() {
    let mut till = shop().await;
    assert!(till.tool(Tool::GoOffline).await);
    assert!(is_offline(&sold(&mut till, "10.00").await));
    assert_eq!(till.view().offline.unwrap().why, OfflineCause::Person);
    till.wait(seconds(3_600)).await;
    assert_eq!(
        till.view().link,
        Link::Offline,
        "it stays, though the service is there"
    );
    assert!(!till.tool(Tool::Resynchronise).await, "it was told to stay");
    till.restart(seconds(5)).await;
    till.wait(seconds(600)).await;
    assert_eq!(till.view().link, Link::Offline);
    assert!(till.tool(Tool::GoOnline).await);
    till.wait(seconds(10)).await;
    assert_eq!(till.view().link, Link::Online);
    till.check().await;
    assert!(!till.tool(Tool::GoOnline).await, "it is");
}

#[tokio::test]
async fn resynchronising_asks_the_tax_service_at_once() {
    let mut till = shop().await;
    let questions = till.questions.len();
    assert!(till.tool(Tool::Resynchronise).await);
    till.wait(seconds(2)).await;
    assert_eq!(till.questions[questions..], ["TransactionsRegistrarState"]);
    sold(&mut till, "10.00").await;
    assert_eq!(till.questions.len(), questions + 1, "and it is not asked again");
    till.check().await;
}

#[tokio::test]
async fn only_the_last_document_of_a_session_can_be_undone_in_it() {
    let mut till = shop().await;
    sold(&mut till, "10.00").await;
    till.tool(Tool::GoOffline).await;
    assert_eq!(
        refused(till.ask(Request::Storno).await),
        Refusal::NothingToUndo,
        "the session's first document would come between"
    );
    sold(&mut till, "20.00").await;
    assert!(is_offline(&done(till.ask(Request::Storno).await)));
    till.tool(Tool::GoOnline).await;
    settle(&mut till).await;
    assert_eq!(
        kinds(&till),
        ["open", "receipt", "begin", "receipt", "storno", "end"]
    );
}

#[tokio::test]
async fn three_hundred_documents_go_in_four_packages_in_order_with_kills_in_between() {
    let mut till = shop().await;
    till.agent_default = Agent::Signs(Duration::from_millis(20));
    go_away(&mut till);
    for _ in 0..300 {
        sold(&mut till, "1.00").await;
    }
    assert_eq!(till.view().offline.unwrap().undelivered, 301);
    come_back(&mut till);
    for length in [12, 1, 2, 3, 1, 2] {
        till.wait(seconds(length)).await;
        till.restart(seconds(1)).await;
    }
    settle(&mut till).await;
    assert_eq!(till.tax.documents().len(), 1 + 302);
    assert!(till.packages >= 4, "{}", till.packages);
    let offline = till.tax.documents();
    let offline = offline
        .iter()
        .filter(|found| matches!(found.document.head.mode, Mode::Offline { .. }));
    assert_eq!(offline.count(), 302);
}

/// A day that goes offline and comes back, killed at every commit.
async fn day(till: &mut Till, server: Server) -> Vec<actors::ids::OperationId> {
    let mut operations = Vec::new();
    operations.push(till.order(sale("10.00")).await);
    till.wait(seconds(5)).await;
    till.server_script = [server].into();
    go_away(till);
    operations.push(till.order(sale("20.00")).await);
    operations.push(till.order(sale("30.00")).await);
    till.wait(seconds(25)).await;
    operations.push(till.order(Request::CloseShift).await);
    till.wait(seconds(20)).await;
    operations.push(till.order(sale("40.00")).await);
    till.wait(seconds(20)).await;
    come_back(till);
    till.wait(seconds(120)).await;
    operations.push(till.order(sale("50.00")).await);
    till.wait(seconds(30)).await;
    operations
}

#[tokio::test]
async fn no_kill_at_any_commit_of_an_offline_day_loses_or_repeats_a_document() {
    let scripts = [Server::NotSent, Server::DropsAfter, Server::DropsBefore];
    for server in scripts {
        let mut whole = Till::new().await;
        whole.unit.settings.offline = true;
        day(&mut whole, server.clone()).await;
        settle(&mut whole).await;
        let commits = whole.commits;
        assert!(commits > 40, "{commits}");
        for commit in 1..=commits {
            for is_durable in [false, true] {
                let mut till = Till::new().await;
                till.unit.settings.offline = true;
                till.kill = Some(crate::till::Kill { commit, is_durable });
                let operations = day(&mut till, server.clone()).await;
                let how = format!("{server:?}, commit {commit}, durable {is_durable}");
                assert_eq!(till.kills, 1, "{how}");
                till.kill = None;
                come_back(&mut till);
                till.wait(seconds(400)).await;
                assert!(till.is_at_rest(), "{how}: {:?}", till.view());
                assert_eq!(till.view().link, Link::Online, "{how}");
                assert_eq!(till.queued().await, 0, "{how}");
                till.check().await;
                let documents = till.tax.documents();
                for operation in operations {
                    let Some(state) = till.kept(operation).await else {
                        continue;
                    };
                    assert!(state.is_final(), "{how}: {state:?}");
                    if let OperationState::Done(done) = state {
                        let own = documents
                            .iter()
                            .filter(|found| found.document.head.uid == done.document.uid);
                        assert_eq!(own.count(), 1, "{how}: a receipt is at the server exactly once");
                    }
                }
                sold(&mut till, "1.00").await;
            }
        }
    }
}
