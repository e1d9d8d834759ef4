//! Names: what metrics, answers and news call things. Dashboards and receivers are written against them, so that a name is for ever.

use crate::offline::{go_away, shop};
use crate::receipts::sale;
use crate::shifts::done;
use crate::till::{Agent, Server, Till, seconds};
use actors::machines::register::{
    AutoClose, BlockReason, Cancelled, DocumentKind, DocumentOutcome, Limit, Link, ManualReason, Nearness,
    NoOffline, OfflineCause, OperationKind, OperationState, Refusal, Request, Settled,
};

fn check(names: &[(&str, &str)]) {
    for (name, expected) in names {
        assert_eq!(name, expected);
    }
}

#[test]
fn operations_and_documents_are_called_by_their_names() {
    use {DocumentKind as Document, OperationKind as Operation};
    check(&[
        (Operation::OpenShift.name(), "open_shift"),
        (Operation::Sale.name(), "sale"),
        (Operation::Return.name(), "return"),
        (Operation::ServiceIn.name(), "service_in"),
        (Operation::ServiceOut.name(), "service_out"),
        (Operation::CashWithdrawal.name(), "cash_withdrawal"),
        (Operation::Storno.name(), "storno"),
        (Operation::CloseShift.name(), "close_shift"),
        (Operation::AutoClose.name(), "auto_close"),
        (Document::OpenShift.name(), "open_shift"),
        (Document::Sale.name(), "sale"),
        (Document::Return.name(), "return"),
        (Document::ServiceIn.name(), "service_in"),
        (Document::ServiceOut.name(), "service_out"),
        (Document::CashWithdrawal.name(), "cash_withdrawal"),
        (Document::Storno.name(), "storno"),
        (Document::ZReport.name(), "z_report"),
        (Document::CloseShift.name(), "close_shift"),
        (Document::OfflineBegin.name(), "offline_begin"),
        (Document::OfflineEnd.name(), "offline_end"),
        (DocumentOutcome::Registered.name(), "registered"),
        (DocumentOutcome::Adopted.name(), "adopted"),
        (DocumentOutcome::Rejected.name(), "rejected"),
        (DocumentOutcome::Cancelled.name(), "cancelled"),
        (DocumentOutcome::Doubtful.name(), "doubtful"),
        (DocumentOutcome::Issued.name(), "issued_offline"),
        (OperationState::Pending.name(), "pending"),
        (OperationState::Refused(Refusal::Busy).name(), "refused"),
        (
            OperationState::Cancelled(Cancelled::Unsettled).name(),
            "cancelled",
        ),
    ]);
}

#[test]
fn everything_but_pending_is_resolved() {
    assert!(!OperationState::Pending.is_final());
    assert!(OperationState::Refused(Refusal::Busy).is_final());
    assert!(OperationState::Cancelled(Cancelled::Unsettled).is_final());
}

#[test]
fn reasons_and_news_are_called_by_their_names() {
    check(&[
        (ManualReason::AnotherDevice.name(), "another_device"),
        (ManualReason::ForeignDocument.name(), "foreign_document"),
        (ManualReason::NoRemedy.name(), "no_remedy"),
        (ManualReason::PackageRejected.name(), "package_rejected"),
        (BlockReason::SessionTooLong.name(), "session_too_long"),
        (BlockReason::MonthTooLong.name(), "month_too_long"),
        (OfflineCause::Unreachable.name(), "unreachable"),
        (OfflineCause::Cryptography.name(), "cryptography"),
        (OfflineCause::Person.name(), "person"),
        (NoOffline::Forbidden.name(), "forbidden"),
        (NoOffline::NoSession.name(), "no_session"),
        (NoOffline::Unsettled.name(), "unsettled"),
        (NoOffline::LimitReached.name(), "limit_reached"),
        (Settled::Registered.name(), "registered"),
        (Settled::Rejected.name(), "rejected"),
        (Settled::NotRegistered.name(), "not_registered"),
        (Settled::Revoked.name(), "revoked"),
        (Limit::OfflineSession.name(), "offline_session"),
        (Limit::OfflineMonth.name(), "offline_month"),
        (Limit::Shift.name(), "shift"),
        (Nearness::Near.name(), "near"),
        (Nearness::ClosingOnly.name(), "closing_only"),
        (Nearness::Reached.name(), "reached"),
        (Link::Online.name(), "online"),
        (Link::Offline.name(), "offline"),
        (Link::Syncing.name(), "syncing"),
        (Link::Blocked(BlockReason::MonthTooLong).name(), "blocked"),
        (Link::InDoubt.name(), "in_doubt"),
        (Link::Manual(ManualReason::NoRemedy).name(), "manual"),
    ]);
}

#[tokio::test]
async fn a_register_says_in_one_word_what_is_amiss_or_where_it_stands_between_two_days() {
    let mut till = Till::new().await;
    till.unit.settings.auto_close = AutoClose::Off;
    assert_eq!(till.machine().state_name(), "closed");
    done(till.ask(sale("1.00")).await);
    assert_eq!(till.machine().state_name(), "open");
    assert!(till.machine().is_online());
    // The Z is registered, and the close's signature is awaited.
    till.agent_script = [Agent::Signs(seconds(1)), Agent::Away].into();
    till.order(Request::CloseShift).await;
    till.wait(seconds(5)).await;
    assert_eq!(till.machine().state_name(), "reported");
    let mut till = shop().await;
    till.unit.settings.offline = false;
    till.server_script = [Server::DropsAfter].into();
    go_away(&mut till);
    till.order(sale("1.00")).await;
    till.wait(seconds(5)).await;
    assert_eq!(till.machine().state_name(), "in_doubt");
    assert!(!till.machine().is_online());
    let mut till = shop().await;
    go_away(&mut till);
    till.ask(sale("1.00")).await;
    assert_eq!(till.machine().state_name(), "offline");
}
