//! The tax service is away: when a register goes offline, what it issues there, and when it may not.

use super::desk::{Desk, SALE, SHIFT};
use super::papers::{Paper, Step, sent};
use super::shop::Shop;
use super::wire::Deed;
use sandbox::fiscal::{Control, Fault};
use serde_json::json;
use std::sync::Arc;

/// The line breaks for good behind this paper's step, as when somebody drives into the cable.
fn breaks_at(shop: &Shop, paper: Paper, step: Step) {
    let line = Arc::clone(&shop.tax);
    shop.tax.watch(move |seen| {
        if sent(seen) != (paper, step) {
            return Deed::Pass;
        }
        line.cut();
        Deed::Cut
    });
}

#[test]
fn a_service_that_is_away_for_a_moment_is_no_reason_to_go_offline() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({ "offline_after_seconds": 20 }));
    desk.sold();
    shop.tax.cut();
    let mut line = desk.begin(20, SALE, &desk.sale());
    desk.until("the document waits to be sent", |state| {
        state["flight"] == "sale" && state["awaits_signature"] == false
    });
    shop.tax.mend();
    let sold = line.read().unwrap();
    assert_eq!(
        (sold.status, &sold.json()["is_offline"]),
        (200, &json!(false)),
        "{}",
        sold.text()
    );
    desk.agrees();
}

#[test]
fn a_shop_sells_on_offline_through_a_restart_and_every_receipt_arrives() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    assert_eq!(desk.sold()["is_offline"], false);
    shop.tax.cut();
    assert_eq!(desk.sold()["is_offline"], true);
    assert_eq!(desk.state()["offline"]["why"], "unreachable");
    shop.gateway.stop();
    shop.gateway.start_again();
    assert_eq!(desk.link(), "offline");
    let body = desk.sale();
    let second = desk.done(SALE, &body);
    assert_eq!(second["is_offline"], true);
    assert_eq!(
        desk.done(SALE, &body)["ORDERNUM"],
        second["ORDERNUM"],
        "a repeat is no other receipt"
    );
    shop.gateway.kill();
    shop.gateway.start_again();
    shop.tax.mend();
    desk.agrees();
    assert_eq!(desk.sold()["is_offline"], false);
    desk.agrees();
    assert_eq!(
        (
            desk.count("offline_begin"),
            desk.count("sale"),
            desk.count("offline_end")
        ),
        (1, 4, 1)
    );
}

#[test]
fn a_service_that_cannot_check_signatures_is_as_good_as_away() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.arm(Control {
        standing: true,
        code: 12,
        ..Control::once(Fault::Reject)
    });
    assert_eq!(desk.sold()["is_offline"], true);
    assert_eq!(desk.state()["offline"]["why"], "cryptography");
    shop.stand_in.server.disarm();
    desk.agrees();
    assert_eq!(desk.count("sale"), 2);
}

#[test]
fn a_whole_day_offline_is_opened_reported_and_closed() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    // A session's number comes with an opening online.
    desk.sold();
    desk.done(SHIFT, &desk.shift("Z_REPORT"));
    shop.tax.cut();
    desk.done(SHIFT, &desk.shift("OPEN_SHIFT"));
    assert_eq!(desk.sold()["is_offline"], true);
    desk.done(SHIFT, &desk.shift("Z_REPORT"));
    assert_eq!(desk.state()["shift_open"], false);
    shop.tax.mend();
    desk.agrees();
    assert_eq!((desk.count("z_report"), desk.count("close_shift")), (2, 2));
}

#[test]
fn a_service_that_goes_away_at_any_paper_of_a_day_leaves_no_gap_and_no_repeat() {
    let shop = Shop::open();
    for paper in [
        Paper::State,
        Paper::Open,
        Paper::Sale,
        Paper::ZReport,
        Paper::Close,
    ] {
        for step in [Step::Sent, Step::Taken] {
            let desk = Desk::at(&shop, &json!({}));
            breaks_at(&shop, paper, step);
            // Some of it cannot be done offline; whatever is said of it, it is true.
            desk.try_within(2, SALE, &desk.sale());
            desk.try_within(2, SHIFT, &desk.shift("Z_REPORT"));
            shop.tax.leave();
            shop.tax.mend();
            desk.agrees();
            desk.sold();
            desk.agrees();
        }
    }
}

#[test]
fn a_receipt_or_a_report_in_doubt_is_issued_again_offline_and_the_first_revoked() {
    let shop = Shop::open();
    for (paper, step) in [
        (Paper::Sale, Step::Sent),
        (Paper::Sale, Step::Taken),
        (Paper::ZReport, Step::Taken),
    ] {
        let desk = Desk::at(&shop, &json!({}));
        desk.sold();
        breaks_at(&shop, paper, step);
        if paper == Paper::Sale {
            assert_eq!(desk.sold()["is_offline"], true, "{step:?}");
        } else {
            desk.done(SHIFT, &desk.shift("Z_REPORT"));
        }
        shop.tax.leave();
        shop.tax.mend();
        desk.agrees();
        let sales = if paper == Paper::Sale { 2 } else { 1 };
        assert_eq!(
            desk.count("sale"),
            sales,
            "{paper:?} {step:?}: what was revoked counts as not issued"
        );
        assert_eq!(desk.count("offline_begin"), 1);
    }
}

#[test]
fn an_opening_in_doubt_cannot_be_revoked_and_waits_for_the_service() {
    let shop = Shop::open();
    for step in [Step::Sent, Step::Taken] {
        let desk = Desk::at(&shop, &json!({}));
        desk.sold();
        desk.done(SHIFT, &desk.shift("Z_REPORT"));
        breaks_at(&shop, Paper::Open, step);
        let told = desk.not_sold_within(4);
        assert_eq!(told, (503, "unsettled".to_owned()), "{step:?}");
        assert_eq!(desk.link(), "in_doubt");
        shop.tax.leave();
        shop.tax.mend();
        desk.agrees();
        desk.sold();
        desk.agrees();
        assert_eq!((desk.count("open_shift"), desk.count("sale")), (2, 2), "{step:?}");
    }
}

#[test]
fn a_session_that_never_began_costs_nothing() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.tax.cut();
    shop.agent.kill();
    assert_eq!(desk.not_sold().0, 503);
    shop.tax.mend();
    shop.agent.start_again();
    desk.agrees();
    assert_eq!(desk.sold()["is_offline"], false);
    desk.agrees();
    assert_eq!(desk.count("offline_begin"), 0);
}

#[test]
fn a_register_that_may_not_or_cannot_go_offline_says_why_and_costs_no_number() {
    let shop = Shop::open();
    let forbidden = Desk::at(&shop, &json!({ "offline": false }));
    forbidden.sold();
    // Nobody has asked yet where it stands, nor what session it has.
    let fresh = Desk::at(&shop, &json!({}));
    shop.tax.cut();
    for (desk, why) in [(&forbidden, "forbidden"), (&fresh, "unsettled")] {
        let told = desk.not_sold();
        assert_eq!(told.0, 503, "{why}: {told:?}");
        assert_eq!(desk.state()["cannot_go_offline"], why);
    }
    assert_eq!(forbidden.not_sold(), (503, "tax-service-unreachable".to_owned()));
    shop.tax.mend();
    for desk in [&forbidden, &fresh] {
        desk.sold();
        desk.agrees();
        assert_eq!(desk.count("offline_begin"), 0);
    }
}
