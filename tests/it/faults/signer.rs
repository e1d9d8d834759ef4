//! Faults of the agent: slow, away, refusing, wrong, twice, late.

use super::desk::{Desk, SALE};
use super::papers::{Paper, Step, with_signature};
use super::shop::Shop;
use super::wire::{Deed, Stage};
use crate::agents::world::AGENT;
use crate::office::{Cashier, TAX_NUMBER};
use crate::world::wait_until;
use serde_json::json;
use tokio::sync::watch;

/// Answers in the agent's place.
type Falsely = fn(&Cashier, &[u8], Vec<u8>) -> Vec<u8>;

#[test]
fn a_slow_agent_is_waited_for() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.agent.pause();
    let mut line = desk.begin(20, SALE, &desk.sale());
    desk.until("a signature is awaited", |state| {
        state["awaits_signature"] == true
    });
    assert!(!line.is_answered(), "the sale is held");
    shop.agent.go_on();
    Desk::held_is_done(&mut line);
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
}

#[test]
fn an_agent_that_is_away_or_too_late_costs_no_number() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    // Too late: it signs after everybody has given up, and its answer changes nothing.
    shop.agent.pause();
    assert_eq!(desk.not_sold(), (503, "signature-late".to_owned()));
    shop.agent.go_on();
    desk.sold();
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
    shop.agent.kill();
    assert_eq!(desk.not_sold(), (503, "signature-late".to_owned()));
    let shown = shop
        .gateway
        .supported("GET", &format!("/agents/{AGENT}"), None, 200);
    assert_eq!(shown["waiting"], 0, "what nobody waits for is withdrawn");
    shop.agent.start_again();
    desk.sold();
    desk.agrees();
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn an_agent_that_refuses_says_why_and_costs_no_number() {
    refuses_and_says_why(&Shop::open());
}

/// The same, however the agent is given its requests.
pub fn refuses_and_says_why(shop: &Shop) {
    let desk = Desk::at(shop, &json!({}));
    desk.sold();
    shop.agent.lock();
    assert_eq!(desk.not_sold_within(20), (503, "signature-refused".to_owned()));
    shop.agent.unlock(&shop.gateway);
    desk.sold();
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
}

#[test]
fn a_signature_of_another_key_over_other_octets_or_spoilt_never_reaches_the_tax_service() {
    let shop = Shop::open();
    let other_key: Falsely = |stranger, content, _| stranger.sign(content).to_vec();
    let other_octets: Falsely = |stranger, _, _| stranger.sign(b"something else").to_vec();
    let spoilt: Falsely = |_, _, mut signed| {
        *signed.last_mut().unwrap() ^= 1;
        signed
    };
    let desks = [other_key, other_octets, spoilt].map(|falsely| (Desk::at(&shop, &json!({})), falsely));
    for (desk, _) in &desks {
        desk.sold();
    }
    let false_at: Vec<(u64, Falsely)> = desks
        .iter()
        .map(|(desk, falsely)| (desk.register, *falsely))
        .collect();
    let (signatures, stranger) = (shop.signatures.clone(), Cashier::new(5, TAX_NUMBER));
    shop.signing.watch(move |seen| {
        signatures.of(seen);
        let asked = signatures.answered(seen).filter(|_| seen.stage == Stage::Asked);
        let falsely = asked.as_ref().and_then(|asked| {
            let found = false_at
                .iter()
                .find(|(register, _)| asked.register == Some(*register));
            found.map(|(_, falsely)| (asked, falsely))
        });
        let instead = falsely.and_then(|(asked, falsely)| {
            with_signature(&seen.request.body, |signed| {
                falsely(&stranger, &asked.content, signed)
            })
        });
        instead.map_or(Deed::Pass, Deed::Instead)
    });
    // All at once: each is asked for three times, five seconds apart.
    let bodies = desks.each_ref().map(|(desk, _)| desk.sale());
    let calls = desks
        .iter()
        .zip(&bodies)
        .map(|((desk, _), body)| desk.begin(25, SALE, body));
    for mut line in calls.collect::<Vec<_>>() {
        let reply = line.read().unwrap();
        let code = reply.json()["code"].clone();
        assert_eq!(
            (reply.status, code),
            (503, json!("signature-refused")),
            "{}",
            reply.text()
        );
    }
    for outcome in ["other_key", "other_content", "broken"] {
        assert!(deliveries(&shop, outcome) >= 3.0, "{outcome}");
    }
    shop.signing.leave();
    for (desk, _) in &desks {
        desk.sold();
        desk.agrees();
        assert_eq!(desk.count("sale"), 2, "nothing was made of the false one");
    }
}

/// How many deliveries of agents came to this.
fn deliveries(shop: &Shop, outcome: &str) -> f64 {
    let label = format!("outcome=\"{outcome}\"");
    shop.gateway.figure("countersign_agent_deliveries_total", &label)
}

#[test]
fn an_agent_that_answers_twice_or_late_changes_nothing() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    let signatures = shop.signatures.clone();
    shop.signing.watch(move |seen| match signatures.of(seen)[..] {
        [(_, Step::SignatureOnItsWay)] => Deed::Twice,
        _ => Deed::Pass,
    });
    desk.sold();
    wait_until("the second one is counted", || {
        deliveries(&shop, "repeated") >= 1.0
    });
    // Held until nobody waits for it any more.
    let (free, held) = watch::channel(false);
    let (reached, signatures) = (watch::Sender::new(0), shop.signatures.clone());
    let arrived = reached.subscribe();
    shop.signing.watch(move |seen| match signatures.of(seen)[..] {
        [(Paper::Sale, Step::SignatureOnItsWay)] => {
            reached.send_modify(|count| *count += 1);
            Deed::Hold(held.clone())
        }
        _ => Deed::Pass,
    });
    assert_eq!(desk.not_sold(), (503, "signature-late".to_owned()));
    assert_eq!(*arrived.borrow(), 1, "it was signed, and late");
    shop.signing.leave();
    free.send(true).unwrap();
    wait_until("the late one is counted", || deliveries(&shop, "late") >= 1.0);
    desk.sold();
    desk.agrees();
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn without_its_agent_a_register_issues_nothing_offline_and_delivers_nothing() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.tax.cut();
    assert_eq!(desk.sold()["is_offline"], true);
    let due = desk.state()["next_local_number"].clone();
    shop.agent.kill();
    assert_eq!(desk.not_sold(), (503, "signature-late".to_owned()));
    let state = desk.state();
    assert_eq!(
        (&state["link"], &state["next_local_number"]),
        (&json!("offline"), &due),
        "{state}"
    );
    shop.tax.mend();
    desk.tool("resync", None);
    wait_until("the way back waits for a signature", || {
        shop.gateway
            .supported("GET", &format!("/agents/{AGENT}"), None, 200)["waiting"]
            == 1
    });
    let state = desk.state();
    assert_eq!(state["offline"]["undelivered"], 2, "{state}");
    shop.agent.start_again();
    desk.agrees();
    assert_eq!(desk.sold()["is_offline"], false);
    desk.agrees();
    assert_eq!(desk.count("sale"), 3);
}

#[test]
fn a_doubt_without_an_agent_is_kept_until_it_is_known() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({ "offline": false }));
    desk.sold();
    let body = desk.sale();
    // The answer is lost, and nobody can sign the question for what became of it.
    shop.tax.watch(|seen| match super::papers::sent(seen) {
        (Paper::Sale, Step::Taken) => Deed::Cut,
        _ => Deed::Pass,
    });
    let signatures = shop.signatures.clone();
    shop.signing.watch(move |seen| match signatures.of(seen)[..] {
        [(Paper::State, Step::SignatureAsked)] => Deed::Cut,
        _ => Deed::Pass,
    });
    let reply = desk.try_within(2, SALE, &body);
    assert_eq!(
        (reply.status, &reply.json()["code"]),
        (202, &json!("pending")),
        "{}",
        reply.text()
    );
    assert_eq!(desk.link(), "in_doubt");
    shop.agent.kill();
    assert_eq!(desk.link(), "in_doubt");
    shop.tax.leave();
    shop.signing.leave();
    shop.agent.start_again();
    let settled = desk.settled(&reply);
    assert!(settled["ORDERNUM"].is_string(), "{settled}");
    desk.agrees();
    assert_eq!(desk.count("sale"), 2, "the doubtful one is the receipt");
}
