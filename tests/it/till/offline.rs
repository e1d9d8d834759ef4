//! A shop whose tax service goes away and comes back, over HTTP: what cash desks are told, what people can do, what arrives in the end.

use super::shop::{Shop, but, eventually, sale};
use crate::client::{Call, Reply};
use crate::office::REGISTER;
use actors::clock::{Clock, SystemClock};
use actors::machines::register::kyiv;
use sandbox::fiscal::{Control, Fault};
use serde_json::{Value, json};

/// One that goes offline at once.
const OFFLINE: u64 = REGISTER + 1;

fn arm(shop: &Shop, control: Control) {
    shop.stand_in.as_ref().unwrap().server.arm(control).unwrap();
}

fn disarm(shop: &Shop) {
    shop.stand_in.as_ref().unwrap().server.disarm();
}

/// Connections are refused until it is disarmed.
fn away(shop: &Shop) {
    arm(
        shop,
        Control {
            seconds: 3_600,
            ..Control::once(Fault::Unreachable)
        },
    );
}

fn on(shop: &Shop, path: &str, control: Control) {
    arm(
        shop,
        Control {
            path: Some(path.to_owned()),
            ..control
        },
    );
}

fn tool(shop: &Shop, tool: &str, body: Option<&Value>) -> Reply {
    let path = format!("/admin/v1/registers/{OFFLINE}/{tool}");
    let call = match body {
        Some(body) => Call::post(&path, body),
        None => Call::new("POST", &path),
    };
    shop.admin.call(call.header("countersign-operator", "olya"))
}

fn state(shop: &Shop) -> Value {
    let path = format!("/admin/v1/registers/{OFFLINE}/state");
    shop.admin.call(Call::new("GET", &path)).json()
}

/// Sells, and gives the receipt.
fn sold(shop: &Shop, local: u64) -> Value {
    let reply = shop.sell(&but(&sale(OFFLINE), "local_number", json!(local)));
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

fn is_offline(receipt: &Value) -> bool {
    let number = receipt["ORDERNUM"].as_str().unwrap();
    let is_offline = receipt["is_offline"].as_bool().unwrap();
    assert_eq!(number.split('.').count() == 3, is_offline, "{number}");
    is_offline
}

/// The service is well, and everything arrives; numbers have no gap and no repeat.
fn settle(shop: &Shop) {
    disarm(shop);
    eventually("the register is online again", || {
        tool(shop, "resync", None);
        state(shop)["link"] == "online"
    });
    let numbers: Vec<u64> = shop
        .registered(OFFLINE)
        .into_iter()
        .map(|(number, _)| number)
        .collect();
    assert!(
        numbers.iter().copied().eq(1..=numbers.len() as u64),
        "{numbers:?}"
    );
}

fn assert_arrived(shop: &Shop, receipts: &[Value]) {
    let registered = shop.registered(OFFLINE);
    for receipt in receipts {
        let number = receipt["ORDERNUM"].as_str().unwrap();
        let found = registered.iter().filter(|(_, known)| known == number);
        assert_eq!(found.count(), 1, "{number} in {registered:?}");
    }
}

#[test]
fn a_shop_sells_without_the_tax_service_and_every_receipt_arrives() {
    let shop = Shop::open();
    let before = sold(&shop, 1);
    assert!(!is_offline(&before));
    away(&shop);
    let first = sold(&shop, 2);
    assert!(is_offline(&first));
    let link = first["link"].as_str().unwrap_or_default().to_owned();
    let number = first["ORDERNUM"].as_str().unwrap();
    assert!(link.contains(number) || first["qr"].is_string(), "{link}");
    let second = sold(&shop, 3);
    // A repeat gets the same receipt, and makes no other.
    assert_eq!(sold(&shop, 3)["ORDERNUM"], second["ORDERNUM"]);
    let shown = shop.get(&format!("/api/v2/tax_objects/{OFFLINE}")).json();
    let shift = &shown["data"]["shift"];
    assert_eq!(
        (&shown["data"]["state"], &shift["offline"]),
        (&json!("offline"), &json!(true))
    );
    assert_eq!(shift["offline_timeline"][0]["checks_count"], json!(3), "{shift}");
    assert_eq!(shift["offline_timeline"][0]["undelivered_count"], json!(3));
    let report = shop
        .post("/api/v2/shift/xReport", &json!({ "num_fiscal": OFFLINE }))
        .json();
    assert_eq!(report["is_offline"], json!(true), "{report}");
    assert_eq!(report["offline_timeline"], shift["offline_timeline"]);
    let state = state(&shop);
    assert_eq!(state["offline"]["why"], "unreachable", "{state}");
    assert_eq!(state["offline"]["undelivered"], json!(3));
    // The words that clients know, while receipts wait.
    let today = kyiv::local(SystemClock::new().now().wall)
        .format("%d.%m.%Y")
        .to_string();
    let closed = shop.post(
        "/api/v2/shift",
        &json!({ "num_fiscal": OFFLINE, "action_type": "Z_REPORT" }),
    );
    assert_eq!(closed.status, 200, "{}", closed.text());
    let period = json!({ "num_fiscal": OFFLINE, "from": today, "to": today, "include_checks": true });
    let period = shop.post("/api/v2/shift/zReport/period", &period);
    assert_eq!(
        (period.status, period.json()["code"].as_str()),
        (400, Some("checks-not-delivered")),
        "{}",
        period.text()
    );
    settle(&shop);
    assert_arrived(&shop, &[before, first, second]);
    let after = sold(&shop, 4);
    assert!(!is_offline(&after), "online again");
}

#[test]
fn a_gateway_that_goes_down_offline_comes_back_offline_and_delivers_everything() {
    let mut shop = Shop::open();
    sold(&shop, 1);
    away(&shop);
    let first = sold(&shop, 2);
    shop.stop();
    shop.start();
    assert_eq!(state(&shop)["link"], "offline");
    let second = sold(&shop, 3);
    assert!(is_offline(&second));
    shop.stop();
    shop.start();
    settle(&shop);
    assert_arrived(&shop, &[first, second]);
}

#[test]
fn a_receipt_whose_fate_was_not_known_is_issued_again_and_the_first_one_revoked() {
    for fault in [Fault::DropAfter, Fault::DropBefore] {
        let shop = Shop::open();
        sold(&shop, 1);
        on(&shop, "/fs/doc", Control::once(fault));
        on(
            &shop,
            "/fs/cmd",
            Control {
                standing: true,
                ..Control::once(Fault::DropBefore)
            },
        );
        let receipt = sold(&shop, 2);
        assert!(is_offline(&receipt), "{fault:?}: {receipt}");
        settle(&shop);
        assert_arrived(&shop, &[receipt]);
        // Opening, sale, the session's first, the sale again, its end.
        assert_eq!(shop.registered(OFFLINE).len(), 5, "{fault:?}");
    }
}

#[test]
fn a_package_under_every_fault_arrives_once() {
    let code_12 = Control {
        code: 12,
        ..Control::once(Fault::Reject)
    };
    for control in [
        Control::once(Fault::DropBefore),
        Control::once(Fault::DropAfter),
        Control::once(Fault::Status),
        code_12,
    ] {
        let shop = Shop::open();
        sold(&shop, 1);
        away(&shop);
        let receipts = [sold(&shop, 2), sold(&shop, 3)];
        disarm(&shop);
        let fault = control.fault;
        on(&shop, "/fs/pck", control);
        eventually("the package is tried", || {
            tool(&shop, "resync", None);
            state(&shop)["link"] == "online"
        });
        settle(&shop);
        assert_arrived(&shop, &receipts);
        assert_eq!(shop.registered(OFFLINE).len(), 6, "{fault:?}");
    }
}

#[test]
fn a_refused_package_stops_the_register_until_a_person_resolves_it() {
    let shop = Shop::open();
    sold(&shop, 1);
    away(&shop);
    let receipt = sold(&shop, 2);
    disarm(&shop);
    on(
        &shop,
        "/fs/pck",
        Control {
            code: 10,
            text: "Пакет не подобається".to_owned(),
            ..Control::once(Fault::Reject)
        },
    );
    tool(&shop, "resync", None);
    eventually("it waits for a person", || state(&shop)["link"] == "manual");
    let rejected = state(&shop)["offline"]["rejected"].to_string();
    assert!(rejected.contains("Пакет не подобається"), "{rejected}");
    let refused = shop.sell(&but(&sale(OFFLINE), "local_number", json!(3)));
    assert_eq!(
        (refused.status, refused.json()["code"].as_str()),
        (409, Some("register-stopped"))
    );
    let unfit = tool(&shop, "resolve", Some(&json!({ "issued": false })));
    assert_eq!(unfit.status, 422, "there is no document in doubt");
    assert_eq!(tool(&shop, "resolve", Some(&json!({}))).status, 200);
    settle(&shop);
    assert_arrived(&shop, &[receipt]);
}

#[test]
fn a_person_takes_a_register_offline_and_back_closes_a_shift_and_all_of_it_is_kept() {
    let shop = Shop::open();
    sold(&shop, 1);
    assert_eq!(tool(&shop, "online", None).status, 422, "it is not offline");
    let offline = tool(&shop, "offline", None);
    assert_eq!(
        (offline.status, offline.json()["link"].as_str()),
        (200, Some("offline"))
    );
    let receipt = sold(&shop, 2);
    assert!(is_offline(&receipt), "though the service is there");
    assert_eq!(tool(&shop, "resync", None).status, 422, "it stays");
    assert_eq!(tool(&shop, "online", None).status, 200);
    eventually("the register is online again", || {
        state(&shop)["link"] == "online"
    });
    assert_arrived(&shop, &[receipt]);
    // By a senior cashier of the account, whom nobody named.
    let closed = tool(&shop, "close-shift", Some(&json!({})));
    assert_eq!(
        (closed.status, &closed.json()["shift_open"]),
        (200, &json!(false)),
        "{}",
        closed.text()
    );
    let again = tool(&shop, "close-shift", Some(&json!({})));
    assert_eq!(again.status, 422, "{}", again.text());
    let path = format!("/admin/v1/registers/{OFFLINE}/audit");
    let audit = shop.admin.call(Call::new("GET", &path)).json();
    let uses: Vec<(String, String)> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|used| {
            assert_eq!(used["operator"], "olya");
            let text = |field: &str| used[field].as_str().unwrap().to_owned();
            (text("tool"), text("outcome"))
        })
        .collect();
    let expected = [
        ("online", "unfit-object"),
        ("offline", "taken"),
        ("resync", "unfit-object"),
        ("online", "taken"),
    ];
    for (used, expected) in uses.iter().zip(expected) {
        assert_eq!((used.0.as_str(), used.1.as_str()), expected);
    }
    assert_eq!(uses.len(), 6, "{uses:?}");
    assert!(uses[4].1.starts_with("closed, operation "), "{uses:?}");
    let nobody = Call::post(&format!("/admin/v1/registers/{OFFLINE}/online"), &json!({}))
        .header("countersign-operator", "");
    assert_eq!(shop.admin.call(nobody).status, 400, "a name of nothing is none");
}
