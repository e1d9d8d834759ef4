//! The gateway's disk fills up while registers sell.

use super::desk::Desk;
use super::papers::{Paper, Step};
use super::shop::Shop;
use super::wire::Deed;
use crate::disk::{FREE_MIN, RESERVE, SmallDisk};
use crate::world::{eventually, wait_until};
use serde_json::json;
use tokio::sync::watch;

fn shop_on(disk: &SmallDisk) -> Shop {
    let storage = format!("free_bytes_min = {FREE_MIN}\nreserve_bytes = {RESERVE}");
    Shop::open_with(Some(&disk.directory.path().join("store")), &storage, |_| ())
}

#[test]
fn a_full_disk_refuses_a_sale_before_it_has_a_number_and_one_under_way_ends_well() {
    let disk = match SmallDisk::mount() {
        Ok(disk) => disk,
        Err(why) => {
            println!("skipped: a file system in memory cannot be mounted here: {why}");
            return;
        }
    };
    let shop = shop_on(&disk);
    let desk = Desk::at(&shop, &json!({ "offline": false }));
    desk.sold();
    // Its signature is there when the disk is full.
    let (free, held) = watch::channel(false);
    let signatures = shop.signatures.clone();
    shop.signing.watch(move |seen| match signatures.of(seen)[..] {
        [(Paper::Sale, Step::SignatureOnItsWay)] => Deed::Hold(held.clone()),
        _ => Deed::Pass,
    });
    let body = desk.sale();
    let mut line = desk.begin(20, super::desk::SALE, &body);
    desk.until("a signature is awaited", |state| {
        state["awaits_signature"] == true
    });
    disk.fill_until(0);
    wait_until("the gateway has seen it", || {
        shop.gateway.support().get("/readyz").status == 503
    });
    shop.signing.leave();
    let before = shop.registered(desk.register);
    free.send(true).unwrap();
    let told = line.read().unwrap();
    assert_eq!(
        (told.status, &told.json()["code"]),
        (503, &json!("unavailable")),
        "{}",
        told.text()
    );
    // Another one is refused, and has no number.
    let refused = desk.try_within(1, super::desk::SALE, &desk.sale());
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (503, &json!("unavailable")),
        "{}",
        refused.text()
    );
    assert_eq!(
        shop.registered(desk.register),
        before,
        "nothing goes out ahead of its record"
    );
    // And through a restart on the full disk.
    shop.gateway.kill();
    shop.gateway.start_again();
    assert_eq!(shop.gateway.support().get("/readyz").status, 503);
    disk.clear();
    wait_until("there is room", || {
        shop.gateway.support().get("/readyz").status == 200
    });
    // Whoever asks again gets the receipt of the one that was under way, or makes it.
    eventually("it is sold", || {
        let reply = desk.try_within(10, super::desk::SALE, &body);
        (reply.status == 200).then_some(())
    });
    desk.sold();
    desk.agrees();
    assert_eq!(desk.count("sale"), 3);
}
