//! Limits of offline sessions and of shifts where they meet something else: a month's end, an agent that is away, a process that was down.

use crate::offline::{go_away, is_offline, settle, shop, sold};
use crate::receipts::sale;
use crate::script::wait_for;
use crate::shifts::{done, refused};
use crate::till::{Agent, Till, kyiv, seconds};
use actors::machines::register::{
    AutoClose, BlockReason, DocumentKind, Limit, Link, Nearness, Note, Refusal, Request, Tool,
};
use fiscal::offline::State;
use std::time::Duration;

const HOUR: u64 = 3_600;

#[tokio::test]
async fn in_the_quarter_of_an_hour_that_is_kept_for_the_close_nothing_is_sold() {
    let mut till = shop().await;
    till.unit.settings.auto_close = AutoClose::Off;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    till.wait(seconds(18 * HOUR)).await;
    done(till.ask(Request::CloseShift).await);
    sold(&mut till, "20.00").await;
    till.agent_default = Agent::Away;
    wait_for(&mut till, seconds(60), |till| till.view().link != Link::Offline).await;
    assert!(till.machine().is_shift_open());
    till.wait(seconds(60)).await;
    let limit = Refusal::OfflineLimit(BlockReason::SessionTooLong);
    assert_eq!(refused(till.ask(sale("1.00")).await), limit);
    till.agent_default = Agent::Signs(Duration::from_millis(300));
    let operation = till.order(Request::CloseShift).await;
    till.wait(seconds(90)).await;
    assert!(
        !till.machine().is_shift_open(),
        "{:?}",
        till.last_answer(operation)
    );
    settle(&mut till).await;
    let documents = till.tax.documents();
    let last = &documents[documents.len() - 2].document;
    assert_eq!(
        last.kind,
        fiscal::Kind::CloseShift,
        "before the end of the session"
    );
}

#[tokio::test]
async fn a_close_that_would_come_too_late_is_not_tried_in_vain() {
    let mut till = shop().await;
    go_away(&mut till);
    till.unit.settings.auto_close = AutoClose::Off;
    sold(&mut till, "10.00").await;
    till.wait(seconds(18 * HOUR)).await;
    done(till.ask(Request::CloseShift).await);
    till.unit.settings.auto_close = AutoClose::BeforeMidnight { minutes: 10 };
    sold(&mut till, "20.00").await;
    till.agent_default = Agent::Away;
    till.wait(seconds(19 * HOUR)).await;
    assert!(till.notes.contains(&Note::OfflineLimit(State::Exhausted)));
    till.agent_default = Agent::Signs(Duration::from_millis(300));
    till.notes.clear();
    till.wait(seconds(6 * HOUR)).await;
    assert!(till.machine().is_shift_open());
    assert!(
        !till.notes.contains(&Note::CloseFailed),
        "though its moment has passed"
    );
    settle(&mut till).await;
    assert!(!till.machine().is_shift_open(), "online it is closed at once");
}

/// A register that has spent five times 33 hours of this month offline.
async fn worn() -> Till {
    let mut till = Till::at("2026-03-20 09:00:00").await;
    till.unit.settings.offline = true;
    done(till.ask(Request::OpenShift).await);
    for _ in 0..5 {
        go_away(&mut till);
        sold(&mut till, "10.00").await;
        till.wait(seconds(33 * HOUR)).await;
        sold(&mut till, "10.00").await;
        settle(&mut till).await;
    }
    till
}

#[tokio::test]
async fn a_session_over_a_months_end_counts_in_both_months() {
    let mut till = worn().await;
    till.wait_until("2026-03-31 22:30:00").await;
    go_away(&mut till);
    assert!(is_offline(&sold(&mut till, "10.00").await));
    let minutes = |till: &Till| till.view().offline.unwrap().month_minutes_left;
    let march = minutes(&till);
    assert!((170..=180).contains(&march), "{march}");
    till.wait_until("2026-04-01 02:00:00").await;
    let left = minutes(&till);
    assert!(
        (march - 91..=march - 89).contains(&left),
        "it has filled March to its end: {left} of {march}"
    );
    sold(&mut till, "10.00").await;
    settle(&mut till).await;
    go_away(&mut till);
    sold(&mut till, "10.00").await;
    let left = minutes(&till);
    assert!(
        (166 * 60 - 2..=166 * 60).contains(&left),
        "two hours of April: {left}"
    );
    settle(&mut till).await;
}

#[tokio::test]
async fn a_session_that_has_not_begun_is_near_no_limit() {
    let mut till = worn().await;
    till.notes.clear();
    assert!(till.tool(Tool::GoOffline).await);
    till.wait(seconds(600)).await;
    assert!(
        !till
            .notes
            .iter()
            .any(|note| matches!(note, Note::OfflineLimit(_)))
    );
    sold(&mut till, "10.00").await;
    till.wait(seconds(120)).await;
    assert!(till.notes.contains(&Note::OfflineLimit(State::Warning)));
    till.tool(Tool::GoOnline).await;
    settle(&mut till).await;
}

#[tokio::test]
async fn a_shift_that_passed_its_day_while_the_process_was_down_is_told_as_such() {
    for (later, nearness, minutes) in [
        (23 * HOUR + 1_800, Nearness::Near, 30),
        (24 * HOUR, Nearness::Reached, 0),
        (30 * HOUR, Nearness::Reached, 0),
    ] {
        let mut till = Till::new().await;
        till.unit.settings.auto_close = AutoClose::Off;
        till.agent_default = Agent::Signs(Duration::from_millis(300));
        done(till.ask(Request::OpenShift).await);
        let opened_ms = till.machine().phase().shift().unwrap().opened_ms;
        let past = till.now.wall.timestamp_millis() - opened_ms;
        till.restart(seconds(later) - Duration::from_millis(u64::try_from(past).unwrap()))
            .await;
        let told = crate::news::limits(&till).await;
        assert_eq!(told, [(Limit::Shift, nearness, minutes)], "{later}");
    }
}

#[tokio::test]
async fn a_shift_whose_close_is_moved_is_closed_once() {
    let mut till = Till::at("2026-03-03 09:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.wait_until("2026-03-03 23:50:30").await;
    till.jump(kyiv("2026-03-03 23:49:00") - till.now.wall);
    till.wait(seconds(300)).await;
    let closes = till.registered_rows().await;
    let closes = closes
        .iter()
        .filter(|record| record.facts.kind == DocumentKind::CloseShift);
    assert_eq!(closes.count(), 1);
}
