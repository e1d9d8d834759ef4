//! Shifts close by themselves: when, by which key, and what happens when they cannot.

use crate::receipts::sale;
use crate::shifts::{done, refused};
use crate::till::{Agent, KEY, Till, kyiv, seconds};
use actors::machines::register::{
    AutoClose, DocumentKind, Note, OperationState, Phase, Request, kyiv as local,
};
use chrono::TimeDelta;
use fiscal::RegisterNumber;

const TEN: AutoClose = AutoClose::BeforeMidnight { minutes: 10 };

#[test]
fn the_moment_of_closing_is_before_midnight_and_before_a_day_of_shift() {
    let number = RegisterNumber::new(4_000_000_005).unwrap();
    for (opened, mode, closes) in [
        ("2026-03-03 09:00:00", TEN, "2026-03-03 23:50:00"),
        ("2026-03-03 23:49:59", TEN, "2026-03-03 23:50:00"),
        ("2026-03-03 23:50:00", TEN, "2026-03-03 23:59:00"),
        ("2026-03-03 23:59:30", TEN, "2026-03-03 23:59:30"),
        ("2026-03-03 00:00:00", TEN, "2026-03-03 23:45:00"),
        // 23 hours in March, 25 in October.
        ("2026-03-29 01:00:00", TEN, "2026-03-29 23:50:00"),
        ("2026-10-25 00:01:00", TEN, "2026-10-25 22:46:00"),
        ("2026-10-25 01:30:00", TEN, "2026-10-25 23:50:00"),
        // The register's own minute: 5 + 4,000,000,005 mod 25 before midnight.
        ("2026-03-03 09:00:00", AutoClose::Automatic, "2026-03-03 23:50:00"),
        ("2026-10-25 00:01:00", AutoClose::Automatic, "2026-10-25 22:46:00"),
    ] {
        let at = local::close_at_ms(kyiv(opened), mode, number).unwrap();
        assert_eq!(at, kyiv(closes).timestamp_millis(), "{opened} {mode:?}");
    }
    assert_eq!(
        local::close_at_ms(kyiv("2026-03-03 09:00:00"), AutoClose::Off, number),
        None
    );
}

#[tokio::test]
async fn a_shift_closes_by_itself_with_the_key_that_opened_it() {
    for day in ["2026-03-03", "2026-03-29", "2026-10-25"] {
        for mode in [TEN, AutoClose::Automatic] {
            let mut till = Till::at(&format!("{day} 09:00:00")).await;
            till.unit.settings.auto_close = mode;
            done(till.ask(sale("10.00")).await);
            till.wait_until(&format!("{day} 23:29:00")).await;
            assert!(till.machine().is_shift_open(), "{day} {mode:?}");
            till.wait_until(&format!("{day} 23:59:59")).await;
            assert_eq!(*till.machine().phase(), Phase::Closed, "{day} {mode:?}");
            let documents = till.tax.documents();
            assert_eq!(documents.len(), 4);
            assert_eq!(
                documents[2].document.head.cashier.as_deref(),
                Some(&*format!("Касир {KEY}"))
            );
            till.check().await;
        }
    }
}

#[tokio::test]
async fn a_late_receipt_opens_a_shift_that_closes_a_minute_before_midnight() {
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.wait_until("2026-03-03 23:55:00").await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    assert_eq!(done(till.ask(sale("10.00")).await).shift, 2);
    till.wait_until("2026-03-03 23:58:55").await;
    assert!(till.machine().is_shift_open());
    till.wait_until("2026-03-03 23:59:10").await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    // In the last minute each receipt has a shift of its own.
    assert_eq!(done(till.ask(sale("10.00")).await).shift, 3);
    till.wait(seconds(10)).await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    till.check().await;
}

#[tokio::test]
async fn the_close_waits_for_the_operation_in_work_and_goes_before_those_that_wait() {
    let mut till = Till::at("2026-03-03 23:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.wait_until("2026-03-03 23:49:59").await;
    till.agent_default = Agent::Signs(seconds(3));
    let first = till.order(sale("1.00")).await;
    let second = till.order(sale("2.00")).await;
    till.wait(seconds(27)).await;
    let (first, second) = (
        done(till.last_answer(first).unwrap()),
        done(till.last_answer(second).unwrap()),
    );
    assert_eq!((first.shift, second.shift), (1, 2));
    assert!(second.opening.is_some());
    till.check().await;
}

#[tokio::test]
async fn a_close_without_its_agent_is_tried_again_until_it_is_done() {
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.agent_default = Agent::Away;
    till.wait_until("2026-03-04 00:30:00").await;
    let shift = till.view().shift.unwrap();
    assert!(shift.close_failed >= 7, "{}", shift.close_failed);
    let failures = till
        .notes
        .iter()
        .filter(|note| **note == Note::CloseFailed)
        .count();
    assert_eq!(failures, usize::try_from(shift.close_failed).unwrap());
    assert!(!till.notes.contains(&Note::ShiftTooLong));
    till.wait_until("2026-03-04 21:10:00").await;
    assert!(
        till.notes.contains(&Note::ShiftTooLong),
        "an alarm while attempts go on failing"
    );
    till.agent_default = Agent::Signs(seconds(1));
    till.wait(seconds(6 * 60)).await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    till.check().await;
}

#[tokio::test]
async fn the_close_comes_in_time_though_the_clock_was_set_either_way() {
    for jump in [-3 * 3_600, 3 * 3_600, -600, 600, 9 * 3_600, 9 * 3_600 + 2_400] {
        let mut till = Till::at("2026-03-03 09:00:00").await;
        done(till.ask(sale("10.00")).await);
        till.wait(seconds(5 * 3_600)).await;
        till.set_clock(TimeDelta::seconds(jump)).await;
        till.wait_until("2026-03-03 23:49:30").await;
        assert!(till.machine().is_shift_open(), "{jump}");
        till.wait_until("2026-03-03 23:51:30").await;
        assert_eq!(*till.machine().phase(), Phase::Closed, "{jump}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_past_the_moment_closes_the_shift_at_once() {
    for jump in [10 * 3_600, 17 * 3_600, 70 * 3_600] {
        let mut till = Till::at("2026-03-03 09:00:00").await;
        done(till.ask(sale("10.00")).await);
        till.wait(seconds(5 * 3_600)).await;
        till.set_clock(TimeDelta::seconds(jump)).await;
        till.wait(seconds(10)).await;
        assert_eq!(*till.machine().phase(), Phase::Closed, "{jump}");
        till.check().await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_while_a_sale_is_in_work_is_looked_at_when_that_has_ended() {
    let mut till = Till::at("2026-03-03 09:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.agent_default = Agent::Signs(seconds(5));
    let order = till.order(sale("1.00")).await;
    till.wait(seconds(1)).await;
    till.set_clock(TimeDelta::hours(13)).await;
    till.wait(seconds(10)).await;
    done(till.last_answer(order).unwrap());
    till.wait_until("2026-03-03 23:49:30").await;
    assert!(till.machine().is_shift_open());
    till.wait_until("2026-03-03 23:51:30").await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    till.check().await;
}

#[tokio::test]
async fn a_clock_that_is_set_past_the_last_hour_of_a_shift_without_a_close_raises_the_alarm_at_once() {
    let mut till = Till::at("2026-03-03 09:00:00").await;
    till.unit.settings.auto_close = AutoClose::Off;
    done(till.ask(sale("10.00")).await);
    till.set_clock(TimeDelta::hours(22)).await;
    assert!(!till.notes.contains(&Note::ShiftTooLong));
    till.set_clock(TimeDelta::hours(1)).await;
    assert!(till.notes.contains(&Note::ShiftTooLong));
}

#[tokio::test]
async fn a_shift_that_was_opened_by_a_clock_set_back_since_closes_on_the_day_that_it_is_now() {
    // Across a restart, too.
    for restarts in [false, true] {
        let mut till = Till::at("2026-03-05 09:00:00").await;
        done(till.ask(sale("10.00")).await);
        till.set_clock(TimeDelta::days(-2)).await;
        if restarts {
            till.restart(seconds(60)).await;
        }
        done(till.ask(sale("10.00")).await);
        till.wait_until("2026-03-03 23:49:30").await;
        assert!(till.machine().is_shift_open());
        till.wait_until("2026-03-03 23:51:00").await;
        assert_eq!(*till.machine().phase(), Phase::Closed);
        till.check().await;
    }
}

#[tokio::test]
async fn a_clock_that_is_set_between_two_attempts_to_close_shortens_no_pause() {
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.agent_default = Agent::Away;
    till.wait_until("2026-03-04 00:30:00").await;
    let failed = till.view().shift.unwrap().close_failed;
    for _ in 0..5 {
        till.set_clock(TimeDelta::minutes(7)).await;
    }
    till.wait(seconds(30)).await;
    let now = till.view().shift.unwrap().close_failed;
    assert!(now <= failed + 1, "{failed}, then {now}");
}

#[tokio::test]
async fn the_close_is_not_forgotten_over_a_restart() {
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.restart(seconds(3_600)).await;
    till.wait_until("2026-03-03 23:50:30").await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.restart(seconds(3 * 3_600)).await;
    till.wait(seconds(10)).await;
    assert_eq!(
        *till.machine().phase(),
        Phase::Closed,
        "its moment had passed meanwhile"
    );
    till.check().await;
}

#[tokio::test]
async fn another_setting_moves_the_close_of_the_open_shift() {
    let mut till = Till::at("2026-03-03 09:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.unit.settings.auto_close = AutoClose::BeforeMidnight { minutes: 60 };
    done(till.ask(sale("10.00")).await);
    till.wait_until("2026-03-03 23:00:30").await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
}

#[tokio::test]
async fn after_the_z_nothing_but_the_close_is_issued() {
    let mut till = Till::new().await;
    done(till.ask(sale("10.00")).await);
    // The Z is signed, the close is not.
    till.agent_script
        .extend([Agent::Signs(seconds(1)), Agent::Refuses]);
    let closing = done(till.ask(Request::CloseShift).await);
    assert_eq!(
        closing.document.kind,
        DocumentKind::ZReport,
        "the Z is what was asked for, and it is done"
    );
    let next = till.order(sale("5.00")).await;
    till.wait(seconds(20)).await;
    let next = done(till.last_answer(next).unwrap());
    assert_eq!(next.shift, 2);
    let kinds: Vec<_> = till
        .registered_rows()
        .await
        .iter()
        .map(|record| record.facts.kind)
        .collect();
    let names: Vec<_> = kinds.iter().map(|kind| DocumentKind::name(*kind)).collect();
    assert_eq!(
        names,
        [
            "open_shift",
            "sale",
            "z_report",
            "close_shift",
            "open_shift",
            "sale"
        ]
    );
    till.check().await;
    assert!(matches!(
        till.kept(till.answers[0].1.operation).await,
        Some(OperationState::Done(_))
    ));
}

#[tokio::test]
async fn a_sale_that_only_came_as_far_as_the_close_owed_before_it_is_given_up_and_not_done() {
    let mut till = Till::new().await;
    done(till.ask(sale("10.00")).await);
    till.agent_script
        .extend([Agent::Signs(seconds(1)), Agent::Refuses, Agent::Refuses]);
    done(till.ask(Request::CloseShift).await);
    // The close is signed, the state's question before the next shift is not.
    till.agent_script
        .extend([Agent::Signs(seconds(1)), Agent::Refuses]);
    let operation = till.order(sale("5.00")).await;
    till.wait(seconds(29)).await;
    let state = till.last_answer(operation).unwrap();
    assert!(matches!(state, OperationState::Cancelled(_)), "{state:?}");
    till.wait(seconds(60)).await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    till.check().await;
}

#[tokio::test]
async fn attempts_to_close_that_fail_at_once_come_further_and_further_apart() {
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    till.agent_default = Agent::Refuses;
    till.wait_until("2026-03-03 23:52:00").await;
    let first = till.view().shift.unwrap().close_failed;
    assert_eq!(first, 4, "at once, and after 15 seconds, 30, a minute");
    till.wait(seconds(3_600)).await;
    let hour = till.view().shift.unwrap().close_failed - first;
    assert!((11..=14).contains(&hour), "then every five minutes: {hour}");
    till.agent_default = Agent::Signs(seconds(1));
    till.wait(seconds(310)).await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    till.check().await;
}

#[tokio::test]
async fn only_an_attempt_to_close_that_failed_counts_as_one() {
    let mut till = Till::at("2026-03-03 22:00:00").await;
    done(till.ask(sale("10.00")).await);
    refused(till.ask(Request::OpenShift).await);
    till.agent_script = [Agent::Refuses].into();
    till.ask(sale("10.00")).await;
    assert_eq!(till.view().shift.unwrap().close_failed, 0);
    till.wait_until("2026-03-03 23:55:00").await;
    assert_eq!(*till.machine().phase(), Phase::Closed);
    assert!(!till.notes.contains(&Note::CloseFailed));
}
