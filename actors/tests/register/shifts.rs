//! Rules of shifts: who opens, who closes, what may follow what (section 3.2, rules 3, 4, 5, 10, 11, 13, 14, 15).

use crate::receipts::{card_sale, cash, discounted, giving_back, line, money, receipt, sale, withdrawal};
use crate::till::{KEY, OTHER_KEY, Till, seconds, signer};
use actors::machines::register::{
    AutoClose, DocumentKind, Done, OperationState, Phase, ReceiptRequest, Refusal, Request,
};
use fiscal::document::Kind;

pub(crate) fn done(state: OperationState) -> Box<Done> {
    match state {
        OperationState::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) fn refused(state: OperationState) -> Refusal {
    match state {
        OperationState::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn every_operation_that_may_opens_a_closed_shift_and_no_other_does() {
    for (request, opens) in [
        (sale("5.00"), true),
        (Request::ServiceIn(money("5.00")), true),
        (Request::Storno, false),
        (Request::CloseShift, false),
    ] {
        let mut till = Till::new().await;
        let state = till.ask(request.clone()).await;
        if opens {
            assert!(done(state).opening.is_some(), "{request:?}");
        } else {
            assert_eq!(refused(state), Refusal::ShiftClosed, "{request:?}");
            assert_eq!(till.posts, 0);
        }
        till.check().await;
    }
}

#[tokio::test]
async fn only_the_setting_or_the_order_turns_opening_off() {
    for (setting, order, opens) in [
        (true, None, true),
        (true, Some(false), false),
        (false, None, false),
        (false, Some(true), true),
    ] {
        let mut till = Till::new().await;
        till.unit.settings.auto_open = setting;
        let operation = till
            .order_with(sale("5.00"), |asked| asked.open_shift = order)
            .await;
        till.wait(seconds(10)).await;
        let state = till.last_answer(operation).unwrap();
        assert_eq!(
            matches!(state, OperationState::Done(_)),
            opens,
            "{setting} {order:?}: {state:?}"
        );
    }
}

#[tokio::test]
async fn an_open_shift_is_not_opened_again() {
    let mut till = Till::new().await;
    assert_eq!(
        done(till.ask(Request::OpenShift).await).document.kind,
        DocumentKind::OpenShift
    );
    assert_eq!(refused(till.ask(Request::OpenShift).await), Refusal::ShiftOpen);
    assert_eq!(till.tax.register(crate::till::register()).documents.len(), 1);
}

#[tokio::test]
async fn any_number_of_shifts_a_day_go_on_with_one_sequence() {
    let mut till = Till::new().await;
    for shift in 1..=3 {
        assert_eq!(done(till.ask(sale("1.00")).await).shift, shift);
        assert_eq!(done(till.ask(Request::CloseShift).await).shift, shift);
    }
    till.check().await;
    assert_eq!(till.machine().next_local_number().unwrap().get(), 13);
}

#[tokio::test]
async fn the_state_is_asked_before_a_shift_and_not_before_each_document() {
    let mut till = Till::new().await;
    for _ in 0..5 {
        till.ask(sale("1.00")).await;
    }
    assert_eq!(till.questions, ["TransactionsRegistrarState"]);
}

#[tokio::test]
async fn a_shift_belongs_to_its_key_and_a_senior_cashier_may_close_it() {
    let mut till = Till::new().await;
    till.ask(sale("1.00")).await;
    for (request, is_senior) in [
        (sale("1.00"), false),
        (sale("1.00"), true),
        (Request::CloseShift, false),
    ] {
        let other = signer(OTHER_KEY, is_senior);
        let operation = till.order_with(request, |order| order.signer = other).await;
        till.wait(seconds(10)).await;
        let name = Some(format!("Касир {KEY}"));
        assert_eq!(
            refused(till.last_answer(operation).unwrap()),
            Refusal::ShiftOfAnother { name }
        );
    }
    // The model of the server lets nobody but the opener close; that the document is made and signed by the senior's key is what counts.
    till.order_with(Request::CloseShift, |order| {
        order.signer = signer(OTHER_KEY, true);
    })
    .await;
    assert_eq!(till.machine().flight().unwrap().signer.subject_key_id, OTHER_KEY);
}

#[tokio::test]
async fn a_test_register_issues_tests_and_a_shift_is_of_one_kind() {
    let mut till = Till::new().await;
    till.unit.is_testing = true;
    assert!(done(till.ask(sale("1.00")).await).document.is_testing);
    till.unit.is_testing = false;
    assert_eq!(refused(till.ask(sale("1.00")).await), Refusal::TestingDiffers);
    assert!(
        done(till.ask(Request::CloseShift).await).document.is_testing,
        "it can still be closed"
    );
    assert!(!done(till.ask(sale("1.00")).await).document.is_testing);
    till.check().await;
}

#[tokio::test]
async fn cash_that_is_not_there_is_not_taken_out() {
    let mut till = Till::new().await;
    till.ask(Request::ServiceIn(money("100.00"))).await;
    till.ask(card_sale("50.00")).await;
    for (request, asked) in [
        (Request::ServiceOut(money("100.01")), "100.01"),
        (giving_back("100.10", None), "100.10"),
        (withdrawal("200.00"), "200.00"),
    ] {
        let expected = Refusal::DrawerTooLow {
            balance: money("100.00"),
            asked: money(asked),
        };
        assert_eq!(refused(till.ask(request).await), expected);
    }
    assert_eq!(
        done(till.ask(Request::ServiceOut(money("60.00"))).await).drawer,
        money("40.00")
    );
    assert_eq!(done(till.ask(withdrawal("40.00")).await).drawer, money("0.00"));
    till.unit.settings.check_drawer = false;
    assert_eq!(
        done(till.ask(giving_back("5.00", None)).await).drawer,
        money("-5.00")
    );
    till.check().await;
}

#[tokio::test]
async fn no_more_is_returned_than_was_sold() {
    let mut till = Till::new().await;
    till.ask(Request::ServiceIn(money("500.00"))).await;
    let sold = done(till.ask(sale("100.00")).await)
        .document
        .fiscal_number
        .unwrap();
    done(till.ask(giving_back("60.00", Some(&sold))).await);
    let left = Refusal::ReturnTooLarge { left: money("40.00") };
    assert_eq!(refused(till.ask(giving_back("40.10", Some(&sold))).await), left);
    done(till.ask(giving_back("40.00", Some(&sold))).await);
    let left = Refusal::ReturnTooLarge { left: money("0.00") };
    assert_eq!(refused(till.ask(giving_back("0.10", Some(&sold))).await), left);
    let documents = till.tax.register(crate::till::register()).documents;
    let Kind::Return { original, .. } = &documents[3].document.kind else {
        panic!("{:?}", documents[3].document.kind);
    };
    assert_eq!(original.fiscal_number.as_ref(), Some(&sold));
    assert!(
        matches!(
            till.ask(giving_back("10.00", None)).await,
            OperationState::Done(_)
        ),
        "no reference is none to check"
    );
    till.check().await;
}

#[tokio::test]
async fn returns_that_wait_together_do_not_return_more_than_was_sold() {
    let mut till = Till::new().await;
    till.ask(Request::ServiceIn(money("500.00"))).await;
    let sold = done(till.ask(sale("100.00")).await)
        .document
        .fiscal_number
        .unwrap();
    let first = till.order(giving_back("60.00", Some(&sold))).await;
    let second = till.order(giving_back("60.00", Some(&sold))).await;
    till.wait(seconds(20)).await;
    done(till.last_answer(first).unwrap());
    let left = Refusal::ReturnTooLarge { left: money("40.00") };
    assert_eq!(refused(till.last_answer(second).unwrap()), left);
}

#[tokio::test]
async fn only_the_last_document_is_undone_and_only_once() {
    let mut till = Till::new().await;
    till.ask(sale("10.00")).await;
    let last = done(till.ask(sale("20.00")).await)
        .document
        .fiscal_number
        .unwrap();
    assert_eq!(done(till.ask(Request::Storno).await).drawer, money("10.00"));
    assert_eq!(refused(till.ask(Request::Storno).await), Refusal::NothingToUndo);
    let documents = till.tax.register(crate::till::register()).documents;
    assert!(matches!(&documents[3].document.kind, Kind::Storno { of, .. } if *of == last));
    done(till.ask(Request::CloseShift).await);
    till.check().await;
}

#[tokio::test]
async fn figures_that_do_not_add_up_are_refused_before_anything_is_remembered() {
    let mut till = Till::new().await;
    till.ask(Request::OpenShift).await;
    let commits = till.commits;
    let wrong = ReceiptRequest {
        total: Some(money("13.00")),
        ..receipt(vec![line("Сир", "12.50", "А")], vec![cash("12.50")])
    };
    let unknown_letter = receipt(vec![line("Сир", "12.50", "Я")], vec![cash("12.50")]);
    let no_payment = receipt(vec![line("Сир", "12.50", "А")], vec![]);
    for request in [wrong, unknown_letter, no_payment] {
        let state = till.ask(Request::Sale(Box::new(request))).await;
        assert!(matches!(refused(state), Refusal::Figures(_)));
    }
    let emoji = receipt(vec![line("Сир 🧀", "12.50", "А")], vec![cash("12.50")]);
    let Refusal::Document(text) = refused(till.ask(Request::Sale(Box::new(emoji))).await) else {
        panic!("an emoji is not in windows-1251");
    };
    assert!(text.contains("checkbody.row[1].name"), "{text}");
    for sum in ["0.00", "-1.00"] {
        assert!(matches!(
            refused(till.ask(Request::ServiceIn(money(sum))).await),
            Refusal::Figures(_)
        ));
    }
    assert_eq!((till.commits, till.posts), (commits, 1), "only the opening");
}

#[tokio::test]
async fn a_cost_may_be_meant_before_its_discount_or_after_it() {
    let mut till = Till::new().await;
    for (cost, total) in [("100.00", "90.00"), ("90.00", "90.00")] {
        let request = ReceiptRequest {
            total: Some(money(total)),
            ..receipt(vec![discounted("Сир", cost, "10.00")], vec![cash(total)])
        };
        done(till.ask(Request::Sale(Box::new(request))).await);
    }
    let documents = till.tax.register(crate::till::register()).documents;
    for found in &documents[1..] {
        let total = found.document.kind.receipt().unwrap().total.clone().unwrap();
        assert_eq!(
            (total.sum, total.discount),
            (Some(money("90.00")), Some(money("10.00")))
        );
        let row = &found.document.kind.receipt().unwrap().rows[0];
        assert_eq!(row.cost, Some(money("100.00")));
    }
}

#[tokio::test]
async fn rounding_is_checked_where_it_is_given_and_found_where_it_is_not() {
    let rounded = |rounding: Option<&str>, rule: bool| ReceiptRequest {
        total: Some(money("25.50")),
        rounding: rounding.map(money),
        rounding_rule: rule.then(crate::till::rounding),
        ..receipt(vec![line("Сир", "25.53", "А")], vec![cash("25.50")])
    };
    let mut till = Till::new().await;
    for (request, fits) in [
        (rounded(Some("-0.03"), true), true),
        (rounded(Some("-0.03"), false), true),
        (rounded(None, false), true),
        (rounded(Some("0.03"), false), false),
        (rounded(Some("0.00"), false), false),
    ] {
        let state = till.ask(Request::Sale(Box::new(request.clone()))).await;
        assert_eq!(
            matches!(state, OperationState::Done(_)),
            fits,
            "{request:?}: {state:?}"
        );
    }
    let documents = till.tax.register(crate::till::register()).documents;
    let total = documents[1]
        .document
        .kind
        .receipt()
        .unwrap()
        .total
        .clone()
        .unwrap();
    assert_eq!(
        (total.rounding, total.unrounded),
        (Some(money("0.03")), Some(money("25.53")))
    );
    let by_card = ReceiptRequest {
        payments: vec![crate::receipts::card("25.50")],
        ..rounded(None, false)
    };
    assert!(matches!(
        refused(till.ask(Request::Sale(Box::new(by_card))).await),
        Refusal::Figures(_)
    ));
}

#[tokio::test]
async fn a_late_hour_in_october_that_comes_twice_does_not_run_back() {
    let mut till = Till::at("2026-10-25 03:30:00").await;
    till.unit.settings.auto_close = AutoClose::Off;
    till.ask(sale("1.00")).await;
    // Half an hour on, it is 03:00 again.
    till.wait(seconds(35 * 60)).await;
    let second = done(till.ask(sale("1.00")).await).document.issued;
    till.wait(seconds(60 * 60)).await;
    let third = done(till.ask(sale("1.00")).await).document.issued;
    assert_eq!(
        second.format("%H:%M").to_string(),
        "03:30",
        "not earlier than the document before"
    );
    assert_eq!(third.format("%H:%M").to_string(), "04:05");
    till.check().await;
}

#[tokio::test]
async fn a_shift_without_a_close_of_its_own_raises_an_alarm_and_sells_nothing_past_a_day() {
    let mut till = Till::new().await;
    till.unit.settings.auto_close = AutoClose::Off;
    till.ask(sale("1.00")).await;
    till.wait(seconds(22 * 3_600)).await;
    assert!(!till.view().shift.unwrap().is_too_long);
    assert!(
        !till
            .notes
            .contains(&actors::machines::register::Note::ShiftTooLong)
    );
    till.wait(seconds(3_600)).await;
    assert!(till.view().shift.unwrap().is_too_long);
    let alarms = till
        .notes
        .iter()
        .filter(|note| **note == actors::machines::register::Note::ShiftTooLong);
    assert_eq!(alarms.count(), 1, "it is raised by itself, once");
    assert_eq!(till.machine().state_name(), "open_too_long");
    assert!(matches!(till.ask(sale("1.00")).await, OperationState::Done(_)));
    till.wait(seconds(3_600)).await;
    assert_eq!(refused(till.ask(sale("1.00")).await), Refusal::ShiftTooLong);
    done(till.ask(Request::CloseShift).await);
    assert_eq!(*till.machine().phase(), Phase::Closed);
    done(till.ask(sale("1.00")).await);
    till.check().await;
}
