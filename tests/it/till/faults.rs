//! A first table of faults over HTTP: after each, local numbers have no gap and no repeat, and every acknowledged receipt is registered once.

use super::shop::{Act, Shop, but, eventually, sale};
use crate::office::REGISTER;
use sandbox::fiscal::{Control, Fault, RejectionForm};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

/// Sells once under a fault, then in peace; gives what the fault's own answer was.
fn sell_under(shop: &Shop, fault: impl Fn(&Shop)) -> (u16, Value) {
    assert_eq!(
        shop.sell(&but(&sale(REGISTER), "local_number", json!(1))).status,
        200
    );
    fault(shop);
    let body = but(&sale(REGISTER), "local_number", json!(2));
    let reply = shop.sell(&body);
    let answer = (reply.status, reply.json());
    // Whoever asks again gets the receipt that was made, or makes it.
    eventually("the register goes on", || shop.sell(&body).status == 200);
    let last = shop.sell(&but(&sale(REGISTER), "local_number", json!(3)));
    assert_eq!(last.status, 200, "{}", last.text());
    let registered = shop.registered(REGISTER);
    let numbers: Vec<u64> = registered.iter().map(|(number, _)| *number).collect();
    let expected: Vec<u64> = (1..=numbers.len() as u64).collect();
    assert_eq!(numbers, expected, "no gap, no repeat");
    let fiscal: BTreeSet<&String> = registered.iter().map(|(_, number)| number).collect();
    assert_eq!(fiscal.len(), registered.len());
    let last = last.json();
    assert_eq!(
        registered.last().map(|(_, number)| number.as_str()),
        last["ORDERNUM"].as_str()
    );
    answer
}

fn arm(shop: &Shop, control: Control) {
    shop.stand_in.as_ref().unwrap().server.arm(control).unwrap();
}

#[test]
fn an_agent_that_refuses_says_why_and_nothing_is_registered() {
    let shop = Shop::open();
    let (status, answer) = sell_under(&shop, |shop| shop.agent.will(Act::Refuse));
    assert_eq!(
        (status, answer["code"].as_str()),
        (503, Some("signature-refused")),
        "{answer}"
    );
    assert!(answer["message"].as_str().unwrap().contains("ключ не активовано"));
    assert_eq!(shop.registered(REGISTER).len(), 4);
}

#[test]
fn a_wrong_key_or_altered_octets_never_reach_the_tax_service() {
    for act in [Act::OtherKey, Act::OtherOctets] {
        let shop = Shop::open();
        // Asked again, the agent signs rightly: one unfit answer is not the end of a sale.
        let (status, answer) = sell_under(&shop, |shop| shop.agent.will(act));
        assert_eq!(status, 200, "{answer}");
        assert_eq!(shop.registered(REGISTER).len(), 4);
        let shop = Shop::open();
        let (status, answer) = sell_under(&shop, |shop| (0..3).for_each(|_| shop.agent.will(act)));
        assert_eq!(
            (status, answer["code"].as_str()),
            (503, Some("signature-refused")),
            "{answer}"
        );
    }
}

#[test]
fn a_tax_service_that_drops_the_answer_is_asked_and_never_sent_a_second_document() {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::Status] {
        let shop = Shop::open();
        let (status, answer) = sell_under(&shop, |shop| arm(shop, Control::once(fault)));
        assert!(
            status == 200 || answer["code"] == "pending",
            "{fault:?}: {answer}"
        );
        assert_eq!(
            shop.registered(REGISTER).len(),
            4,
            "{fault:?}: opening and three sales"
        );
    }
}

#[test]
fn a_refusal_is_told_in_the_tax_services_words_and_its_number_is_free() {
    for form in [RejectionForm::Text, RejectionForm::Ticket] {
        let shop = Shop::open();
        let refuse = |shop: &Shop| {
            arm(
                shop,
                Control {
                    form: Some(form),
                    code: 8,
                    text: "Сума не збігається".to_owned(),
                    ..Control::once(Fault::Reject)
                },
            );
        };
        let (status, answer) = sell_under(&shop, refuse);
        assert_eq!(
            (status, answer["code"].as_str()),
            (400, Some("rejected")),
            "{form:?}: {answer}"
        );
        assert!(
            answer["message"].as_str().unwrap().contains("Сума не збігається"),
            "{answer}"
        );
        assert_eq!(shop.registered(REGISTER).len(), 4);
    }
}

#[test]
fn a_tax_service_that_is_away_is_said_so_and_nothing_is_pretended() {
    let mut shop = Shop::open();
    assert_eq!(shop.sell(&sale(REGISTER)).status, 200);
    let stand_in = shop.stand_in.take().unwrap();
    let address = stand_in.url.trim_start_matches("http://").to_owned();
    let mut open = TcpStream::connect(&address).unwrap();
    open.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stand_in.abort();
    // It goes a moment later; a sale that still reached it would be in doubt, and not refused.
    let said = open.read(&mut [0]);
    assert!(said.as_ref().map_or(true, |octets| *octets == 0), "{said:?}");
    eventually("nobody listens", || TcpStream::connect(&address).is_err());
    let reply = shop.sell(&but(&sale(REGISTER), "local_number", json!(2)));
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!(reply.json()["code"], "tax-service-unreachable");
}
