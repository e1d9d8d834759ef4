//! The way back: packages that are lost, refused or late, a service that goes away again, another device.

use super::desk::Desk;
use super::papers::{Paper, Step, sent};
use super::shop::Shop;
use super::wire::Deed;
use crate::agents::world::{CashierKey, now};
use crate::office::seller;
use actors::machines::register::kyiv;
use dstu::cms::{Identification, Packaging, Template};
use dstu::{Entropy, LocalSigner};
use fiscal::document::Register;
use fiscal::{
    CashDeskNumber, Document, FiscalNumber, Head, Kind, LocalMoment, LocalNumber, RegisterNumber, Uid,
};
use sandbox::fiscal::{Control, Fault};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sold once online, then offline, so often.
fn offline(shop: &Shop, receipts: u32) -> Desk<'_> {
    let desk = Desk::at(shop, &json!({}));
    desk.sold();
    shop.tax.cut();
    for _ in 0..receipts {
        assert_eq!(desk.sold()["is_offline"], true);
    }
    desk
}

fn on_packages(control: Control) -> Control {
    Control {
        path: Some("/fs/pck".to_owned()),
        ..control
    }
}

#[test]
fn a_package_that_is_lost_on_its_way_or_on_its_answers_way_arrives_once() {
    let shop = Shop::open();
    for (step, times) in [(Step::Sent, 1), (Step::Taken, 1), (Step::Sent, 2)] {
        let desk = offline(&shop, 2);
        let left = AtomicU32::new(times);
        shop.tax.watch(move |seen| {
            let takes = |left: u32| {
                (sent(seen) == (Paper::Package, step))
                    .then(|| left.checked_sub(1))
                    .flatten()
            };
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, takes) {
                Ok(_) => Deed::Cut,
                Err(_) => Deed::Pass,
            }
        });
        shop.tax.mend();
        desk.agrees();
        shop.tax.leave();
        assert_eq!(
            (desk.count("sale"), desk.count("offline_end")),
            (3, 1),
            "{step:?}, {times} times"
        );
    }
}

#[test]
fn a_package_that_fails_for_a_reason_that_passes_arrives_once() {
    let shop = Shop::open();
    let code_12 = Control {
        code: 12,
        ..Control::once(Fault::Reject)
    };
    for control in [Control::once(Fault::Status), code_12] {
        let desk = offline(&shop, 2);
        let fault = control.fault;
        shop.arm(on_packages(control));
        shop.tax.mend();
        desk.agrees();
        assert_eq!(desk.count("sale"), 3, "{fault:?}");
    }
}

#[test]
fn a_service_that_goes_away_before_the_last_package_stops_nobody_from_selling() {
    let shop = Shop::open();
    let desk = offline(&shop, 2);
    let (line, signatures) = (Arc::clone(&shop.tax), shop.signatures.clone());
    // Behind the signature of the end, before anything is sent.
    shop.signing.watch(move |seen| {
        if signatures
            .of(seen)
            .contains(&(Paper::OfflineEnd, Step::SignatureOnItsWay))
        {
            line.cut();
        }
        Deed::Pass
    });
    shop.tax.mend();
    desk.tool("resync", None);
    desk.until("the end is made", |state| state["link"] == "syncing");
    desk.until("the end is taken back", |state| {
        state["link"] == "offline" && state["offline"]["undelivered"] == 3
    });
    shop.signing.leave();
    assert_eq!(desk.sold()["is_offline"], true);
    shop.tax.mend();
    desk.agrees();
    assert_eq!((desk.count("sale"), desk.count("offline_end")), (4, 1));
}

#[test]
fn an_end_whose_fate_is_not_known_stops_sales_until_it_is() {
    let shop = Shop::open();
    for step in [Step::Sent, Step::Taken] {
        let desk = offline(&shop, 1);
        let line = Arc::clone(&shop.tax);
        shop.tax.watch(move |seen| {
            if sent(seen) != (Paper::Package, step) {
                return Deed::Pass;
            }
            line.cut();
            Deed::Cut
        });
        shop.tax.mend();
        desk.tool("resync", None);
        desk.until("the only package, its last, is made", |state| {
            state["link"] == "syncing"
        });
        assert_eq!(
            desk.not_sold(),
            (503, "tax-service-unreachable".to_owned()),
            "{step:?}"
        );
        shop.tax.leave();
        shop.tax.mend();
        desk.agrees();
        assert_eq!(desk.sold()["is_offline"], false, "{step:?}");
        desk.agrees();
        assert_eq!(
            (desk.count("sale"), desk.count("offline_end")),
            (3, 1),
            "{step:?}"
        );
    }
}

#[test]
fn a_refused_package_stops_the_register_through_a_restart_until_a_person_resolves_it() {
    let shop = Shop::open();
    for code in [10, 9] {
        let desk = offline(&shop, 1);
        shop.arm(on_packages(Control {
            code,
            text: "Пакет не подобається".to_owned(),
            ..Control::once(Fault::Reject)
        }));
        shop.tax.mend();
        desk.tool("resync", None);
        let stopped = desk.until("it waits for a person", |state| state["link"] == "manual");
        assert!(
            stopped["offline"]["rejected"]
                .to_string()
                .contains("Пакет не подобається"),
            "{stopped}"
        );
        assert_eq!(desk.not_sold_within(20), (409, "register-stopped".to_owned()));
        shop.gateway.kill();
        shop.gateway.start_again();
        assert_eq!(desk.link(), "manual");
        assert_eq!(
            desk.tool("resolve", Some(&json!({ "issued": false }))),
            422,
            "nothing is in doubt"
        );
        assert_eq!(desk.tool("resolve", Some(&json!({}))), 200);
        desk.agrees();
        assert_eq!(desk.count("sale"), 2, "code {code}");
    }
}

/// Undoes the last document at the tax service, under this local number, with the cashier's own key: as another till with a copy of it would.
fn undone_by_another_device(shop: &Shop, desk: &Desk<'_>, local_number: u64) {
    let known = shop.registered(desk.register).documents;
    let of = FiscalNumber::new(known.last().unwrap().fiscal_number.as_str()).unwrap();
    let xml = {
        let uid = Uid::new("00000000-0000-4000-8000-00000000d01e").unwrap();
        let register = Register {
            cash_desk: CashDeskNumber::new(1 + desk.register - crate::office::REGISTER).unwrap(),
            number: RegisterNumber::new(desk.register).unwrap(),
        };
        let issued = LocalMoment::new(kyiv::local(now())).unwrap();
        let local_number = LocalNumber::new(local_number).unwrap();
        let document = Document {
            head: Head::new(uid, seller(), register, issued, local_number),
            kind: Kind::Storno {
                service: fiscal::document::Service::Goods,
                of,
            },
        };
        document.to_xml().unwrap()
    };
    let cashier = CashierKey::new(7);
    let signer = LocalSigner::new(cashier.key, cashier.certificate).unwrap();
    let template = Template::new(&signer, Identification::KeyId).unwrap();
    let signed = template.sign(&signer, &xml, Packaging::Attached, None, &Entropy::new([9; 32]));
    let call = crate::client::Call::new("POST", "/fs/doc").header("Content-Type", "application/octet-stream");
    let address = shop
        .stand_in
        .url
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    let reply = crate::client::Client::new(address, None).call(call.bytes(&signed.unwrap()));
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn another_device_that_used_the_register_meanwhile_stops_it_and_nothing_is_sent() {
    let shop = Shop::open();
    let desk = offline(&shop, 1);
    undone_by_another_device(&shop, &desk, 3);
    let before = shop.registered(desk.register);
    shop.tax.mend();
    desk.tool("resync", None);
    desk.until("it waits for a person", |state| state["link"] == "manual");
    assert_eq!(desk.not_sold_within(20), (409, "register-stopped".to_owned()));
    let state = desk.state();
    assert_eq!(
        state["offline"]["undelivered"], 2,
        "what was issued is kept: {state}"
    );
    assert_eq!(shop.registered(desk.register), before);
}

#[test]
fn another_device_that_used_an_online_registers_number_stops_it_too() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({ "offline": false }));
    desk.sold();
    undone_by_another_device(&shop, &desk, 3);
    let asked = desk.try_within(10, super::desk::SALE, &desk.sale());
    assert!(
        matches!(asked.status, 202 | 409),
        "{} {}",
        asked.status,
        asked.text()
    );
    desk.until("it waits for a person", |state| state["link"] == "manual");
    assert_eq!(desk.count("sale"), 1);
}
