//! Faults of the tax service that is there: slow, refusing, breaking off, mistaken about numbers, shifts and the hour.

use super::desk::{Desk, SALE, SHIFT};
use super::papers::{Paper, Step, sent};
use super::shop::Shop;
use super::wire::Deed;
use sandbox::fiscal::{Control, Fault, RejectionForm};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Of one register's documents alone.
fn of(desk: &Desk<'_>, control: Control) -> Control {
    Control {
        path: Some("/fs/doc".to_owned()),
        register: fiscal::RegisterNumber::new(desk.register).ok(),
        ..control
    }
}

fn refusal(code: i64) -> Control {
    Control {
        code,
        ..Control::once(Fault::Reject)
    }
}

/// Patient: what is tested is not how a register goes offline.
fn patient() -> Value {
    json!({ "offline": false })
}

#[test]
fn a_slow_tax_service_is_waited_for_and_who_cannot_wait_asks_by_the_id() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &patient());
    desk.sold();
    let slow = |seconds| Control {
        seconds,
        ..Control::once(Fault::Delay)
    };
    shop.arm(of(&desk, slow(2)));
    desk.sold();
    shop.arm(of(&desk, slow(3)));
    let pending = desk.try_within(1, SALE, &desk.sale());
    assert_eq!(
        (pending.status, &pending.json()["code"]),
        (202, &json!("pending")),
        "{}",
        pending.text()
    );
    let settled = desk.settled(&pending);
    assert!(settled["ORDERNUM"].is_string(), "{settled}");
    desk.agrees();
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn a_refusal_in_words_or_by_a_ticket_is_told_and_its_number_is_free() {
    let shop = Shop::open();
    for (code, form) in [
        (9, RejectionForm::Text),
        (9, RejectionForm::Ticket),
        (3, RejectionForm::Text),
        (77, RejectionForm::Ticket),
    ] {
        let desk = Desk::at(&shop, &patient());
        desk.sold();
        let refuses = Control {
            form: Some(form),
            text: "Сума не збігається".to_owned(),
            ..refusal(code)
        };
        shop.arm(of(&desk, refuses));
        let refused = desk.try_within(20, SALE, &desk.sale());
        let answer = refused.json();
        assert_eq!(
            (refused.status, &answer["code"]),
            (400, &json!("rejected")),
            "{code} {form:?}: {answer}"
        );
        assert!(
            answer["message"].as_str().unwrap().contains("Сума не збігається"),
            "{answer}"
        );
        desk.sold();
        desk.agrees();
        assert_eq!(desk.count("sale"), 2, "{code} {form:?}");
    }
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_and_no_second_document_is_made() {
    let shop = Shop::open();
    for (step, times) in [
        (Step::Sent, 1),
        (Step::Taken, 1),
        (Step::Sent, 2),
        (Step::Taken, 2),
    ] {
        let desk = Desk::at(&shop, &patient());
        desk.sold();
        // And so does the first question about it, where it breaks twice.
        let left = AtomicU32::new(times);
        shop.tax.watch(move |seen| {
            let (paper, at) = sent(seen);
            let is_meant = matches!(paper, Paper::Sale | Paper::State) && at == step;
            let takes = |left: u32| is_meant.then(|| left.checked_sub(1)).flatten();
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes) {
                Ok(_) => Deed::Cut,
                Err(_) => Deed::Pass,
            }
        });
        desk.ends_done(SALE, &desk.sale());
        shop.tax.leave();
        desk.sold();
        desk.agrees();
        assert_eq!(desk.count("sale"), 3, "{step:?} {times}");
    }
}

#[test]
fn an_error_of_the_service_is_a_doubt_and_no_refusal() {
    let shop = Shop::open();
    for status in [500, 503] {
        let desk = Desk::at(&shop, &patient());
        desk.sold();
        let fails = Control {
            status,
            ..Control::once(Fault::Status)
        };
        shop.arm(of(&desk, fails));
        desk.ends_done(SALE, &desk.sale());
        desk.agrees();
        assert_eq!(desk.count("sale"), 2, "{status}");
    }
}

#[test]
fn a_number_or_a_shift_said_to_be_another_is_asked_for_and_the_receipt_is_made() {
    let shop = Shop::open();
    for code in [7, 5, 12] {
        let desk = Desk::at(&shop, &patient());
        desk.sold();
        shop.arm(of(&desk, refusal(code)));
        desk.ends_done(SALE, &desk.sale());
        desk.agrees();
        assert_eq!(desk.count("sale"), 2, "code {code}");
    }
}

#[test]
fn a_shift_said_to_be_open_reported_or_unreported_is_asked_for_and_followed() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &patient());
    let once = |code, kind: &str| {
        let kind = Some(kind.to_owned());
        shop.arm(of(
            &desk,
            Control {
                kind,
                ..refusal(code)
            },
        ));
    };
    once(4, "open_shift");
    desk.ends_done(SALE, &desk.sale());
    for (code, kind) in [(8, "z_report"), (6, "close_shift")] {
        once(code, kind);
        desk.ends(SHIFT, &desk.shift("Z_REPORT"));
        desk.agrees();
    }
    if desk.state()["shift_open"] == true {
        desk.ends_done(SHIFT, &desk.shift("Z_REPORT"));
    }
    desk.ends_done(SALE, &desk.sale());
    desk.agrees();
    assert_eq!((desk.count("open_shift"), desk.count("sale")), (2, 2));
    assert_eq!((desk.count("z_report"), desk.count("close_shift")), (1, 1));
}

#[test]
fn a_service_that_contradicts_itself_about_the_shift_stops_the_register_until_a_person_has_looked() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &patient());
    desk.sold();
    let contradicts = Control {
        standing: true,
        ..refusal(5)
    };
    shop.arm(of(&desk, contradicts));
    let asked = desk.try_within(5, SALE, &desk.sale());
    assert!(
        matches!(asked.status, 202 | 409),
        "{} {}",
        asked.status,
        asked.text()
    );
    desk.until("it waits for a person", |state| state["link"] == "manual");
    assert_eq!(desk.not_sold_within(20), (409, "register-stopped".to_owned()));
    shop.stand_in.server.disarm();
    // Still after a restart.
    shop.gateway.kill();
    shop.gateway.start_again();
    assert_eq!(desk.not_sold_within(20), (409, "register-stopped".to_owned()));
    assert_eq!(desk.tool("resolve", Some(&json!({}))), 200);
    desk.sold();
    desk.agrees();
}

#[test]
fn a_service_whose_clock_is_wrong_refuses_and_nothing_is_registered_until_it_is_right() {
    let shop = Shop::open_with(None, "reserve_bytes = 0", |settings| {
        settings.document_clock_minutes_max = Some(30);
    });
    let desk = Desk::at(&shop, &patient());
    desk.sold();
    for seconds in [-7_200, 7_200] {
        shop.arm(Control {
            seconds,
            ..Control::once(Fault::ClockSkew)
        });
        let refused = desk.try_within(20, SALE, &desk.sale());
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (400, &json!("rejected")),
            "{}",
            refused.text()
        );
        shop.stand_in.server.disarm();
        desk.sold();
    }
    desk.agrees();
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn a_cash_desk_that_goes_away_changes_nothing() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &patient());
    desk.sold();
    let body = desk.sale();
    shop.agent.pause();
    let line = desk.begin(20, SALE, &body);
    desk.until("a signature is awaited", |state| {
        state["awaits_signature"] == true
    });
    drop(line);
    shop.agent.go_on();
    // The repeat gets the receipt that it made.
    desk.done(SALE, &body);
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
}
