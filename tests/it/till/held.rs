//! The held request: what is on the wire, what becomes of a caller whose time is over, and of one that goes away.

use super::shop::{API_TOKEN, Act, HOLD_SECONDS, Shop, but, eventually, sale, till_call};
use crate::client::{Call, Reply};
use crate::office::REGISTER;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fiscal::{Document, Kind};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn operation(shop: &Shop, reply: &Reply, prefer: &str) -> Value {
    let id = reply.json()["operation_id"].as_str().unwrap().to_owned();
    let call = Call::new("GET", &format!("/api/v1/operations/{id}")).bearer(API_TOKEN);
    let call = if prefer.is_empty() {
        call
    } else {
        call.header("Prefer", prefer)
    };
    let reply = shop.client.call(call);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

#[test]
fn the_agent_signs_exactly_the_document_and_the_tax_service_gets_what_was_signed() {
    let shop = Shop::open();
    let sold = shop.sell(&sale(REGISTER)).json();
    let asked = shop.agent.asked.lock().unwrap();
    let documents: Vec<Document> = asked
        .iter()
        .filter_map(|request| Document::from_xml(&request.content).ok())
        .collect();
    assert!(matches!(documents[0].kind, Kind::OpenShift));
    assert!(matches!(documents[1].kind, Kind::Sale { .. }));
    assert_eq!(documents[1].head.uid.as_str(), sold["uuid"].as_str().unwrap());
    let state = shop.stand_in.as_ref().unwrap().server.state();
    let last = state.registers[0].documents.last().unwrap().clone();
    let received = BASE64_STANDARD.decode(&last.xml_base64).unwrap();
    assert_eq!(received, &asked.last().unwrap().content[..], "octet for octet");
    assert_eq!(Some(last.fiscal_number.as_str()), sold["ORDERNUM"].as_str());
}

#[test]
fn the_sales_connection_stays_open_until_the_signature_comes() {
    let shop = Shop::open();
    shop.sell(&sale(REGISTER));
    let before = shop.agent.asked_times();
    shop.agent.will(Act::Wait);
    let body = but(
        &but(&sale(REGISTER), "local_number", json!(2)),
        "api_token",
        json!(API_TOKEN),
    );
    let at = shop.client.clone();
    std::thread::scope(|scope| {
        let selling = scope.spawn(move || at.call(till_call("/api/v2/check/sale", &body)));
        shop.asked(before + 1);
        // Meanwhile the register answers whatever needs no document.
        let x = shop
            .post(
                "/api/v2/shift/xReport",
                &json!({ "num_fiscal": REGISTER, "no_pdf": true }),
            )
            .json();
        assert_eq!(x["real"]["orders_count"], 1);
        assert!(!selling.is_finished());
        shop.agent.resume();
        let sold = selling.join().unwrap();
        assert_eq!(sold.status, 200, "{}", sold.text());
    });
}

#[test]
fn a_signature_that_does_not_come_in_time_cancels_and_frees_the_number() {
    let shop = Shop::open();
    shop.sell(&sale(REGISTER));
    shop.agent.will(Act::Wait);
    let began = Instant::now();
    let late = shop.sell(&but(&sale(REGISTER), "local_number", json!(2)));
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(HOLD_SECONDS) && took < Duration::from_secs(HOLD_SECONDS + 1),
        "{took:?}"
    );
    assert_eq!(
        (late.status, late.json()["code"].as_str()),
        (503, Some("signature-late")),
        "{}",
        late.text()
    );
    assert_eq!(operation(&shop, &late, "")["state"], "cancelled");
    let next = shop.sell(&but(&sale(REGISTER), "local_number", json!(2)));
    assert_eq!(
        next.status,
        200,
        "the same may be asked for again: {}",
        next.text()
    );
    let numbers: Vec<u64> = shop
        .registered(REGISTER)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert_eq!(numbers, [1, 2, 3], "no gap");
}

#[test]
fn respond_async_answers_at_once_and_the_operation_is_waited_for_by_its_id() {
    let shop = Shop::open();
    let body = but(&sale(REGISTER), "api_token", json!(API_TOKEN));
    let accepted = shop
        .client
        .call(till_call("/api/v2/check/sale", &body).header("Prefer", "respond-async"));
    assert_eq!(accepted.status, 202, "{}", accepted.text());
    let id = accepted.json()["operation_id"].as_str().unwrap().to_owned();
    assert_eq!(
        accepted.header("location"),
        Some(format!("/api/v1/operations/{id}").as_str())
    );
    let resolved = operation(&shop, &accepted, "wait=10");
    assert_eq!(
        (resolved["state"].as_str(), resolved["kind"].as_str()),
        (Some("done"), Some("sale"))
    );
    assert_eq!(
        resolved["result"]["ORDERNUM"].as_str(),
        shop.registered(REGISTER)
            .last()
            .map(|(_, number)| number.as_str())
    );
    let nobody = shop
        .client
        .call(Call::new("GET", &format!("/api/v1/operations/{id}")));
    assert_eq!(nobody.status, 401);
    let unknown = "/api/v1/operations/01900000-0000-7000-8000-000000000000";
    assert_eq!(
        shop.client
            .call(Call::new("GET", unknown).bearer(API_TOKEN))
            .status,
        404
    );
}

#[test]
fn a_till_that_goes_away_changes_nothing() {
    let shop = Shop::open();
    shop.sell(&sale(REGISTER));
    let before = shop.agent.asked_times();
    shop.agent.will(Act::Wait);
    let body = but(
        &but(&sale(REGISTER), "local_number", json!(5)),
        "api_token",
        json!(API_TOKEN),
    );
    let line = shop.client.begin(till_call("/api/v2/check/sale", &body));
    shop.asked(before + 1);
    drop(line); // without reading
    shop.agent.resume();
    eventually("it is registered", || shop.registered(REGISTER).len() == 3);
    let again = shop.sell(&body);
    assert_eq!(again.status, 200, "{}", again.text());
    assert_eq!(
        shop.registered(REGISTER).len(),
        3,
        "the repeat gets the receipt that it made"
    );
}

#[test]
fn one_key_is_one_operation_and_another_body_under_it_is_refused() {
    let shop = Shop::open();
    let body = but(&sale(REGISTER), "api_token", json!(API_TOKEN));
    let call = |body: &Value| till_call("/api/v2/check/sale", body).idempotency_key("a key");
    let first = shop.client.call(call(&body));
    let again = shop.client.call(call(&body));
    assert_eq!(
        (first.status, again.status),
        (200, 200),
        "{} {}",
        first.text(),
        again.text()
    );
    assert_eq!(first.json()["ORDERNUM"], again.json()["ORDERNUM"]);
    assert!(again.is_replayed() && !first.is_replayed());
    let other = shop.client.call(call(&but(&body, "local_number", json!(9))));
    assert_eq!(
        (other.status, other.json()["code"].as_str()),
        (422, Some("idempotency-key-reused"))
    );
    assert_eq!(shop.registered(REGISTER).len(), 2);
}

#[test]
fn going_down_answers_who_is_held_and_the_next_process_goes_on() {
    let mut shop = Shop::open();
    shop.sell(&sale(REGISTER));
    let before = shop.agent.asked_times();
    shop.agent.will(Act::Wait);
    let body = but(
        &but(&sale(REGISTER), "local_number", json!(5)),
        "api_token",
        json!(API_TOKEN),
    );
    let mut line = shop.client.begin(till_call("/api/v2/check/sale", &body));
    shop.asked(before + 1);
    let began = Instant::now();
    shop.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let told = line.read().unwrap();
    assert_eq!(
        (told.status, told.json()["code"].as_str()),
        (202, Some("pending")),
        "{}",
        told.text()
    );
    shop.start();
    let resolved = operation(&shop, &told, "wait=10");
    assert_eq!(resolved["state"], "done", "{resolved}");
    assert_eq!(shop.registered(REGISTER).len(), 3);
}
