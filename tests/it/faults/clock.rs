//! Hours that pass, and clocks that are set, back or forwards, under programs that run and between their runs.

#![allow(clippy::print_stdout)] // what was measured; clippy sees a test only inside `#[test]`

use super::desk::{Desk, SALE, SHIFT};
use super::hours::Hours;
use super::papers::{Paper, Step, sent};
use super::shop::Shop;
use super::wire::Deed;
use crate::agents::world::AGENT;
use crate::world::eventually;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{NaiveDateTime, TimeDelta};
use fiscal::Document;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How soon what the clock says is done, once it has been set: the gateway looks at it every second, and what it then begins takes signatures.
/// A second or two it is; the rest is for a machine that does ten other things.
const NOTICED_WITHIN: Duration = Duration::from_secs(20);
/// Before a clock is put back: a licence holds from the moment of its issue.
const A_WEEK: TimeDelta = TimeDelta::days(7);

/// When each of a register's documents says that it was issued, and what it is, in the tax service's order.
fn issued(shop: &Shop, desk: &Desk<'_>) -> Vec<(NaiveDateTime, String)> {
    let documents = shop.registered(desk.register).documents.into_iter();
    let moments = documents.map(|document| {
        let xml = BASE64_STANDARD.decode(&document.xml_base64).unwrap();
        (Document::from_xml(&xml).unwrap().head.issued.get(), document.kind)
    });
    moments.collect()
}

/// The stand-in refuses what runs back, and this says so in the test's own words.
#[track_caller]
fn never_runs_back(shop: &Shop, desk: &Desk<'_>) {
    let issued = issued(shop, desk);
    assert!(issued.is_sorted_by_key(|(moment, _)| *moment), "{issued:?}");
}

/// Waits until the shift is closed by the gateway itself; says how long that took.
#[track_caller]
fn closes_by_itself(desk: &Desk<'_>, why: &str) -> Duration {
    let began = Instant::now();
    desk.until(why, |state| {
        state["shift_open"] == false && state["operations"] == 0 && state["flight"].is_null()
    });
    let took = began.elapsed();
    println!("{why}: {took:?} after the clock was set");
    assert!(took < NOTICED_WITHIN, "{why}: {took:?}");
    took
}

fn limits(shop: &Shop, state: &str) -> f64 {
    let label = format!("state=\"{state}\"");
    shop.gateway.figure("countersign_offline_limits_total", &label)
}

fn reports(desk: &Desk<'_>) {
    desk.done(SHIFT, &desk.shift("Z_REPORT"));
}

#[test]
fn at_36_hours_of_a_session_the_shift_closes_by_itself_nothing_is_sold_and_all_of_it_is_accepted() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.tax.cut();
    assert_eq!(desk.sold()["is_offline"], true);
    hours.pass(TimeDelta::hours(20));
    reports(&desk);
    desk.sold();
    hours.pass(TimeDelta::hours(9));
    let state = desk.state();
    let left = state["offline"]["session_minutes_left"].as_i64().unwrap();
    assert!((7 * 60 - 2..=7 * 60).contains(&left), "{state}");
    assert_eq!(limits(&shop, "near"), 0.0);
    hours.pass(TimeDelta::hours(2));
    desk.until("that it is near is said", |_| limits(&shop, "near") > 0.0);
    assert_eq!(desk.sold()["is_offline"], true, "near is not reached");
    hours.pass(TimeDelta::minutes(4 * 60 + 50));
    closes_by_itself(&desk, "ten minutes before 36 hours");
    let state = desk.state();
    assert_eq!(state["link"], "blocked", "{state}");
    assert_eq!((limits(&shop, "near"), limits(&shop, "reached")), (1.0, 1.0));
    assert_eq!(desk.not_sold(), (400, "offline-limit".to_owned()));
    // And through a restart, hours later.
    shop.gateway.kill();
    hours.pass(TimeDelta::hours(5));
    shop.gateway.start_again();
    assert_eq!(desk.not_sold(), (400, "offline-limit".to_owned()));
    shop.tax.mend();
    desk.agrees();
    assert_eq!(desk.sold()["is_offline"], false);
    desk.agrees();
    never_runs_back(&shop, &desk);
    assert_eq!((desk.count("sale"), desk.count("z_report")), (5, 2));
    assert_eq!((desk.count("offline_begin"), desk.count("offline_end")), (1, 1));
}

#[test]
fn past_36_hours_with_an_open_shift_what_is_there_is_delivered_and_the_shift_closed_online() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.tax.cut();
    desk.sold();
    hours.pass(TimeDelta::hours(18));
    reports(&desk);
    desk.sold();
    // The agent is away for the quarter of an hour that is kept for the report.
    shop.agent.kill();
    hours.pass(TimeDelta::minutes(17 * 60 + 50));
    desk.until("a signature for the report is awaited", |state| {
        state["awaits_signature"] == true
    });
    hours.pass(TimeDelta::hours(1));
    shop.agent.start_again();
    let state = desk.until("the report is given up", |state| state["operations"] == 0);
    assert_eq!(
        (&state["link"], &state["shift_open"]),
        (&json!("blocked"), &json!(true))
    );
    for (path, body) in [(SHIFT, desk.shift("Z_REPORT")), (SALE, desk.sale())] {
        let told = desk.try_within(2, path, &body);
        assert_eq!(
            (told.status, &told.json()["code"]),
            (400, &json!("offline-limit")),
            "{}",
            told.text()
        );
    }
    assert_eq!(desk.state()["shift_open"], true);
    shop.tax.mend();
    desk.agrees();
    assert_eq!(desk.count("z_report"), 1);
    reports(&desk);
    desk.agrees();
    never_runs_back(&shop, &desk);
    assert_eq!((desk.count("sale"), desk.count("z_report")), (3, 2));
    let documents = shop.registered(desk.register).documents;
    let report = documents
        .iter()
        .rfind(|document| document.kind == "z_report")
        .unwrap();
    assert!(!report.offline, "the shift was closed online");
}

#[test]
fn at_168_hours_of_a_month_no_session_begins_until_the_next_month() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    reports(&desk);
    for session in 1..=5 {
        shop.tax.cut();
        assert_eq!(desk.sold()["is_offline"], true, "session {session}");
        reports(&desk);
        hours.pass(TimeDelta::hours(33));
        desk.sold();
        reports(&desk);
        shop.tax.mend();
        desk.agrees();
    }
    // 165 hours are used, and perhaps some minutes.
    shop.tax.cut();
    let sold = desk.sold();
    assert_eq!(sold["is_offline"], true);
    hours.pass(TimeDelta::minutes(2 * 60 + 50));
    closes_by_itself(&desk, "a quarter of an hour before 168 hours");
    assert_eq!(desk.link(), "blocked");
    assert_eq!(desk.not_sold(), (400, "offline-limit".to_owned()));
    shop.tax.mend();
    desk.agrees();
    assert_eq!(desk.state()["cannot_go_offline"], "limit_reached");
    assert_eq!(desk.sold()["is_offline"], false, "online it sells as ever");
    shop.tax.cut();
    assert_eq!(desk.not_sold(), (503, "tax-service-unreachable".to_owned()));
    shop.tax.mend();
    desk.agrees();
    reports(&desk);
    assert_eq!(desk.count("offline_begin"), 6);
    // In the next month one does.
    hours.pass_until(25, 8, 0);
    assert_eq!(desk.sold()["is_offline"], false);
    shop.tax.cut();
    assert_eq!(desk.sold()["is_offline"], true);
    shop.tax.mend();
    desk.agrees();
    never_runs_back(&shop, &desk);
    assert_eq!((desk.count("offline_begin"), desk.count("offline_end")), (7, 7));
}

#[test]
fn a_clock_put_back_across_a_restart_never_makes_documents_run_back_online_or_offline() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    // Of the machine that gateway and agent share; the tax service has its own.
    let set = |by: TimeDelta| {
        shop.gateway.kill();
        shop.agent.kill();
        hours.gateway.jump(by);
        hours.agent.jump(by);
        shop.agent.start_again();
        shop.gateway.start_again();
    };
    for back in [TimeDelta::hours(3), TimeDelta::days(2)] {
        // It was ahead, and is put right; or it was right, and is put back.
        for was_ahead in [true, false] {
            for is_offline in [false, true] {
                hours.pass(A_WEEK);
                let desk = Desk::at(&shop, &json!({}));
                if was_ahead {
                    set(back);
                }
                desk.ends_done(SALE, &desk.sale());
                if is_offline {
                    shop.tax.cut();
                }
                desk.ends_done(SALE, &desk.sale());
                set(-back);
                for _ in 0..2 {
                    let sold = desk.ends_done(SALE, &desk.sale());
                    assert_eq!(sold["is_offline"], is_offline, "{sold}");
                }
                if !was_ahead {
                    set(back);
                }
                shop.tax.mend();
                desk.agrees();
                never_runs_back(&shop, &desk);
                // What was issued by the clock that was put back states the later of it and of what was issued before.
                let issued = issued(&shop, &desk).into_iter();
                let sales = issued.filter_map(|(moment, kind)| (kind == "sale").then_some(moment));
                let sales: Vec<_> = sales.collect();
                assert_eq!(sales[1..], [sales[1]; 3], "{back}, {was_ahead}");
                reports(&desk);
                desk.agrees();
            }
        }
    }
}

#[test]
fn a_gateway_whose_clock_alone_is_put_back_gets_no_signature_loses_no_number_and_says_so() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    hours.pass(A_WEEK);
    let desk = Desk::at(&shop, &json!({ "offline": false }));
    desk.sold();
    for by in [TimeDelta::hours(-5), TimeDelta::days(-3)] {
        shop.gateway.kill();
        hours.gateway.jump(by);
        shop.gateway.start_again();
        assert_eq!(desk.not_sold_within(20), (503, "signature-refused".to_owned()));
        // It reports when it starts, and every half a minute.
        shop.agent.kill();
        shop.agent.start_again();
        let shown = eventually("the difference shows", || {
            let path = format!("/agents/{AGENT}");
            let agent = shop.gateway.supported("GET", &path, None, 200);
            let ahead = agent["clock_ahead_seconds"].as_i64();
            ahead
                .is_some_and(|ahead| ahead >= -by.num_seconds() - 5)
                .then_some(agent)
        });
        assert_eq!(shown["waiting"], 0, "{shown}");
        shop.gateway.kill();
        hours.gateway.jump(-by);
        shop.gateway.start_again();
        desk.ends_done(SALE, &desk.sale());
        desk.agrees();
    }
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn a_clock_that_is_set_while_a_paper_is_under_way_leaves_nothing_stuck() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    // Never back to where it has been: of that an agent says something else.
    for (by, is_offline) in [
        (TimeDelta::hours(6), false),
        (TimeDelta::hours(-1), false),
        (TimeDelta::hours(6), true),
        (TimeDelta::hours(-1), true),
    ] {
        let desk = Desk::at(&shop, &json!({}));
        desk.sold();
        if is_offline {
            shop.tax.cut();
            desk.sold();
        }
        // A signature is awaited.
        shop.agent.pause();
        let body = desk.sale();
        let began = Instant::now();
        let mut line = desk.begin(20, SALE, &body);
        desk.until("a signature is awaited", |state| {
            state["awaits_signature"] == true
        });
        hours.pass(by);
        shop.agent.go_on();
        let told = line.read().unwrap();
        let took = began.elapsed();
        println!(
            "{by} offline {is_offline}: {} {} in {took:?}",
            told.status,
            told.json()["code"]
        );
        assert!(matches!(told.status, 200 | 503), "{}", told.text());
        assert!(took < Duration::from_secs(21), "{took:?}");
        desk.ends_done(SALE, &body);
        // A document in doubt, where the service is there.
        if !is_offline {
            shop.tax.watch(|seen| match sent(seen) {
                (Paper::Sale, Step::Taken) => Deed::Cut,
                _ => Deed::Pass,
            });
            let hours = &hours;
            let pending = desk.begin(20, SALE, &desk.sale());
            desk.until("it is in doubt", |state| state["flight"] == "sale");
            hours.pass(by);
            shop.tax.leave();
            drop(pending);
        }
        let began = Instant::now();
        shop.tax.mend();
        desk.agrees();
        println!("home in {:?}", began.elapsed());
        never_runs_back(&shop, &desk);
        desk.sold();
        desk.agrees();
    }
}

#[test]
fn an_agent_whose_clock_was_set_back_signs_nothing_that_it_may_have_signed_and_forgotten() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    hours.pass(A_WEEK);
    let desk = Desk::at(&shop, &json!({ "offline": false }));
    desk.sold();
    // It forgets what it signed ten minutes after it was wanted, and begins to when it signs again.
    hours.pass(TimeDelta::hours(5));
    desk.sold();
    hours.pass(TimeDelta::hours(-6));
    let told = desk.try_within(20, SALE, &desk.sale());
    let answer = told.json();
    assert_eq!(
        (told.status, &answer["code"]),
        (503, &json!("signature-refused")),
        "{answer}"
    );
    let words = answer["message"].as_str().unwrap();
    assert!(words.contains("clock was set back"), "{words}");
    // Until its clock is where it was.
    hours.pass(TimeDelta::hours(1) + TimeDelta::minutes(1));
    desk.sold();
    desk.agrees();
    never_runs_back(&shop, &desk);
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn a_shift_closes_by_itself_before_midnight_however_the_clock_came_to_be_there() {
    let Some(hours) = Hours::at_morning() else { return };
    let shop = Shop::open_by(&hours);
    let closing = json!({ "auto_close_minutes": 10 });
    let desk = Desk::at(&shop, &closing);
    let open = |desk: &Desk<'_>| {
        desk.sold();
        assert_eq!(desk.state()["shift_open"], true);
    };
    // Not yet.
    open(&desk);
    hours.pass_until(0, 23, 40);
    desk.sold();
    assert_eq!(desk.state()["shift_open"], true);
    // Past the moment.
    hours.pass_until(0, 23, 52);
    closes_by_itself(&desk, "at 23:52");
    desk.agrees();
    // Two seconds before it.
    hours.pass_until(1, 8, 0);
    open(&desk);
    hours.pass_until(0, 23, 49);
    hours.pass(TimeDelta::seconds(58));
    closes_by_itself(&desk, "two seconds after 23:49:58");
    desk.agrees();
    // Past midnight, as on a machine that was asleep: late, and at once.
    hours.pass_until(1, 8, 0);
    open(&desk);
    hours.pass_until(1, 7, 0);
    closes_by_itself(&desk, "on the next morning");
    // Put back, the shift closes when the clock comes to it.
    open(&desk);
    hours.pass(TimeDelta::hours(-6));
    desk.sold();
    assert_eq!(desk.state()["shift_open"], true);
    hours.pass_until(1, 23, 55);
    closes_by_itself(&desk, "at 23:55 of the next day");
    // Offline, and while nobody runs.
    hours.pass_until(1, 8, 0);
    open(&desk);
    shop.tax.cut();
    desk.sold();
    shop.gateway.kill();
    hours.pass_until(0, 23, 51);
    shop.gateway.start_again();
    closes_by_itself(&desk, "after a start at 23:51, offline");
    shop.tax.mend();
    desk.agrees();
    never_runs_back(&shop, &desk);
    assert_eq!(desk.count("z_report"), 5);
    let _: Value = desk.sold();
}
