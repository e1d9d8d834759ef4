//! An agent that the gateway pushes requests to: slow, away, refusing; lines that are cut on either side of each word; kills at every step.

#![allow(clippy::print_stdout)] // what was measured; clippy sees a test only inside `#[test]`

use super::desk::{Desk, SALE, SHIFT};
use super::papers::{Paper, Step};
use super::shop::{Kills, Shop};
use super::signer::refuses_and_says_why;
use super::wire::{Deed, Stage};
use crate::agents::world::AGENT;
use crate::world::wait_until;
use serde_json::json;
use signing_protocol::routes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How often the gateway's pushes came to this.
fn pushes(shop: &Shop, outcome: &str) -> f64 {
    let label = format!("outcome=\"{outcome}\"");
    shop.gateway.figure("countersign_agent_pushes_total", &label)
}

/// The agent has one line in its audit log for each request: it did not even sign what it had to throw away.
#[track_caller]
fn signed_once(shop: &Shop) {
    let mut requests = shop.agent.audited();
    assert!(!requests.is_empty());
    requests.sort_unstable();
    let twice = requests.windows(2).find(|pair| pair[0] == pair[1]);
    assert_eq!(twice, None, "under one id it signs once");
}

#[test]
fn a_slow_agent_is_pushed_to_again_waited_for_and_signs_once() {
    let shop = Shop::open_pushed();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    // It stands still for longer than a push may take.
    shop.agent.pause();
    let mut line = desk.begin(25, SALE, &desk.sale());
    wait_until("a push was given up", || pushes(&shop, "not_now") >= 1.0);
    assert!(!line.is_answered(), "the sale is held");
    assert_eq!(desk.state()["awaits_signature"], true);
    shop.agent.go_on();
    Desk::held_is_done(&mut line);
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
    signed_once(&shop);
}

#[test]
fn an_agent_that_is_away_or_too_late_costs_no_number() {
    let shop = Shop::open_pushed();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.agent.pause();
    assert_eq!(desk.not_sold(), (503, "signature-late".to_owned()));
    shop.agent.go_on();
    desk.sold();
    shop.agent.kill();
    assert_eq!(desk.not_sold(), (503, "signature-late".to_owned()));
    let path = format!("/agents/{AGENT}");
    let shown = shop.gateway.supported("GET", &path, None, 200);
    assert_eq!(shown["waiting"], 0, "what nobody waits for is withdrawn");
    shop.agent.start_again();
    desk.sold();
    // Its line is cut, and mended while the sale is held.
    let pushing = shop.pushing.as_ref().unwrap();
    pushing.cut();
    let failed = pushes(&shop, "not_now");
    let mut line = desk.begin(20, SALE, &desk.sale());
    wait_until("it is pushed in vain", || pushes(&shop, "not_now") > failed);
    pushing.mend();
    Desk::held_is_done(&mut line);
    desk.agrees();
    assert_eq!(desk.count("sale"), 4);
    signed_once(&shop);
}

#[test]
fn an_agent_that_refuses_to_sign_says_why_and_costs_no_number() {
    refuses_and_says_why(&Shop::open_pushed());
}

#[test]
fn a_push_that_was_altered_is_refused_and_words_of_another_are_no_refusal() {
    let shop = Shop::open_pushed();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    let altered = |body: &[u8]| {
        let mut signed: serde_json::Value = serde_json::from_slice(body).unwrap();
        signed["request"]["deadline"] = json!("2099-01-01T00:00:00Z");
        serde_json::to_vec(&signed).unwrap()
    };
    let pushing = shop.pushing.as_ref().unwrap();
    // The agent's own words end it.
    pushing.watch(move |seen| match seen.stage {
        Stage::Asked if seen.request.path() == routes::PUSH => Deed::Instead(altered(&seen.request.body)),
        _ => Deed::Pass,
    });
    let refused = desk.try_within(20, SALE, &desk.sale());
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (503, &json!("signature-refused")),
        "{}",
        refused.text()
    );
    assert_eq!(pushes(&shop, "refused"), 1.0);
    // The same status in anybody else's does not: it is pushed again.
    let left = AtomicU32::new(1);
    pushing.watch(move |seen| match seen.stage {
        Stage::Asked if left.load(Ordering::SeqCst) == 1 => Deed::Instead(altered(&seen.request.body)),
        Stage::Answered if left.swap(0, Ordering::SeqCst) == 1 => {
            assert_eq!(seen.answer.unwrap().status(), 401);
            Deed::Instead(b"<html>Who are you?</html>".to_vec())
        }
        _ => Deed::Pass,
    });
    desk.sold();
    assert_eq!((pushes(&shop, "refused"), pushes(&shop, "not_now")), (1.0, 1.0));
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
    signed_once(&shop);
}

#[test]
fn a_line_cut_before_or_after_the_202_or_the_delivery_or_a_push_that_comes_twice_costs_nothing() {
    let shop = Shop::open_pushed();
    for (step, deed) in [
        (Step::SignatureAsked, "cut"),
        (Step::SignatureAccepted, "cut"),
        (Step::SignatureOnItsWay, "cut"),
        (Step::SignatureTaken, "cut"),
        (Step::SignatureAsked, "twice"),
        (Step::SignatureOnItsWay, "twice"),
    ] {
        let desk = Desk::at(&shop, &json!({}));
        desk.sold();
        let (left, signatures) = (AtomicU32::new(1), shop.signatures.clone());
        shop.watch_signatures(move |seen| {
            let is_meant = signatures.of(seen).contains(&(Paper::Sale, step));
            match (is_meant && left.swap(0, Ordering::SeqCst) == 1, deed) {
                (false, _) => Deed::Pass,
                (true, "cut") => Deed::Cut,
                (true, _) => Deed::Twice,
            }
        });
        let began = Instant::now();
        desk.sold();
        let took = began.elapsed();
        println!("{deed} at {step:?}: {took:?}");
        assert!(took < Duration::from_secs(5), "{deed} at {step:?}: {took:?}");
        shop.leave();
        desk.agrees();
        assert_eq!(desk.count("sale"), 2, "{deed} at {step:?}");
    }
    signed_once(&shop);
}

/// Sells until every kill has come, and says how often. On a busy machine a second push may bring a sale's signature before the agent does: then that
/// sale has not the step that is meant, and another has it.
fn sell_until_come(desk: &Desk<'_>, kills: &Kills, is_offline: bool) -> usize {
    let mut sales = 0;
    while sales == 0 || (sales < 5 && !kills.left().is_empty()) {
        assert_eq!(desk.ends_done(SALE, &desk.sale())["is_offline"], is_offline);
        sales += 1;
    }
    sales
}

/// A day online and offline with a kill at this step of each of its papers.
fn a_day(shop: &Shop, step: Step, kill: impl Fn(Vec<(Paper, Step)>) -> Arc<Kills>) -> u64 {
    let at = |papers: &[Paper]| papers.iter().map(|paper| (*paper, step)).collect::<Vec<_>>();
    let (began, mut made) = (Instant::now(), 0);
    let mut came = |kills: &Kills| {
        assert_eq!(kills.left(), [], "did not come");
        made += kills.made().values().sum::<u64>();
    };
    let desk = Desk::at(shop, &json!({}));
    let kills = kill(at(&[Paper::State, Paper::Open, Paper::Sale]));
    let online = sell_until_come(&desk, &kills, false);
    desk.agrees();
    came(&kills);
    shop.leave();
    shop.tax.cut();
    let mut offline = 1;
    if Step::OF_PUSHED_SIGNING.contains(&step) {
        let kills = kill(at(&[Paper::OfflineBegin, Paper::Sale]));
        offline = sell_until_come(&desk, &kills, true);
        came(&kills);
    } else {
        desk.ends_done(SALE, &desk.sale());
    }
    shop.leave();
    let kills = kill(at(&[Paper::State, Paper::Package]));
    shop.tax.mend();
    desk.comes_home();
    came(&kills);
    shop.leave();
    let kills = kill(at(&[Paper::ZReport, Paper::Close]));
    desk.ends_done(SHIFT, &desk.shift("Z_REPORT"));
    desk.agrees();
    came(&kills);
    shop.leave();
    let documents = shop.registered(desk.register).documents.into_iter();
    let kinds: Vec<String> = documents.map(|document| document.kind).collect();
    let sales = |count| std::iter::repeat_n("sale", count);
    let expected: Vec<&str> = ["open_shift"]
        .into_iter()
        .chain(sales(online))
        .chain(["offline_begin"])
        .chain(sales(offline))
        .chain(["offline_end", "z_report", "close_shift"])
        .collect();
    assert_eq!(kinds, expected, "{step:?}");
    println!("{made} kills at {step:?} in {:?}", began.elapsed());
    made
}

#[test]
fn no_kill_of_the_gateway_at_any_step_of_a_pushed_day_loses_or_repeats_a_document() {
    let shop = Shop::open_pushed();
    let days = Step::OF_PUSHING.map(|step| a_day(&shop, step, |moments| shop.kill_at(moments)));
    assert!(days.iter().all(|kills| *kills >= 7), "{days:?}");
    // None of them was of the agent: what it signed was not lost before it left.
    signed_once(&shop);
}

#[test]
fn no_kill_of_a_pushed_agent_alone_or_with_the_gateway_loses_or_repeats_a_document() {
    let shop = Shop::open_pushed();
    for with_gateway in [false, true] {
        for step in Step::OF_PUSHED_SIGNING {
            let kills = a_day(&shop, step, |moments| shop.kill_agent_at(moments, with_gateway));
            assert_eq!(kills, 9, "{step:?}");
        }
    }
}
