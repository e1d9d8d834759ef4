//! Three hundred receipts of one register sold offline, and their packages under kills.

use super::desk::{Desk, SALE};
use super::papers::{Paper, Step, sent};
use super::shop::Shop;
use super::wire::{Deed, Stage};
use crate::world::wait_until;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::watch;

const RECEIPTS: usize = 300;
/// Documents that the tax service takes in one package.
const PACKAGE_MAX: usize = 100;

#[test]
fn three_hundred_receipts_arrive_in_order_and_once_in_four_packages_under_kills() {
    let shop = Shop::open();
    let desk = Desk::at(&shop, &json!({}));
    desk.sold();
    shop.tax.cut();
    let began = Instant::now();
    for index in 0..RECEIPTS {
        if index == RECEIPTS / 2 {
            shop.gateway.kill();
        }
        let issued = desk.ends_done(SALE, &desk.sale());
        assert_eq!(issued["is_offline"], true, "{issued}");
    }
    println!("{RECEIPTS} receipts offline in {:?}", began.elapsed());
    // With the session's first document.
    assert_eq!(desk.state()["offline"]["undelivered"], json!(RECEIPTS + 1));
    sells_on_while_a_package_is_under_way(&shop, &desk);

    let steps = [
        Step::SignatureAsked,
        Step::Sent,
        Step::Taken,
        Step::SignatureOnItsWay,
        Step::Answered,
        Step::SignatureTaken,
    ];
    let kills = shop.kill_at(steps.map(|step| (Paper::Package, step)));
    // How many documents the tax service has behind each package.
    let lengths = Arc::new(Mutex::new(vec![shop.registered(desk.register).documents.len()]));
    let (own, kept, server, register) = (
        Arc::clone(&kills),
        Arc::clone(&lengths),
        Arc::clone(&shop.stand_in.server),
        desk.register,
    );
    shop.tax.watch(move |seen| {
        let (paper, step) = sent(seen);
        if paper == Paper::Package && seen.stage == Stage::Answered {
            let registers = server.state().registers;
            let found = registers.iter().find(|found| found.num_fiscal == register);
            kept.lock().unwrap().push(found.unwrap().documents.len());
        }
        own.look(&[(paper, step)])
    });
    shop.tax.mend();
    desk.comes_home();
    assert_eq!(kills.left(), []);
    shop.leave();
    desk.agrees();
    println!(
        "delivered under {} kills, {:?} in all",
        shop.gateway.kills(),
        began.elapsed()
    );
    let lengths = lengths.lock().unwrap().clone();
    let packages: Vec<usize> = lengths.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let own = packages.iter().filter(|package| **package > 0).count();
    assert!(own + 1 >= 4, "with the first one: {packages:?}");
    println!("packages of {packages:?} documents");
    assert!(
        packages.iter().all(|package| *package <= PACKAGE_MAX),
        "{packages:?}"
    );
    // The one before and the one beside the first package, the session's first and last, and what was sold.
    assert_eq!(there(&shop, &desk), 1 + 1 + 1 + RECEIPTS + 1 + 1, "{packages:?}");
    assert_eq!(desk.count("sale"), RECEIPTS + 2);
    assert!(shop.gateway.kills() >= 7, "{} kills", shop.gateway.kills());
}

fn there(shop: &Shop, desk: &Desk<'_>) -> usize {
    shop.registered(desk.register).documents.len()
}

/// The first package is held on its answer's way; a receipt is issued beside it, and goes with a later one. Then the line breaks again.
fn sells_on_while_a_package_is_under_way(shop: &Shop, desk: &Desk<'_>) {
    let before = there(shop, desk);
    let (free, held) = watch::channel(false);
    shop.tax.watch(move |seen| match sent(seen) {
        (Paper::Package, Step::Taken) => Deed::Hold(held.clone()),
        _ => Deed::Pass,
    });
    shop.tax.mend();
    desk.tool("resync", None);
    wait_until("the first package has arrived", || there(shop, desk) > before);
    let taken = there(shop, desk) - before;
    assert!((1..=PACKAGE_MAX).contains(&taken), "{taken}");
    assert_eq!(desk.sold()["is_offline"], true);
    shop.tax.cut();
    shop.tax.leave();
    drop(free);
    assert_eq!(there(shop, desk), before + taken);
}
