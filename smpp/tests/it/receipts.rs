//! Receipts: read, handed on, and acknowledged when they are kept and not before.

use crate::world::{PERSIAN, mute, send, until, world};
use sandbox::sms::smsc;
use smpp::Event;
use sms::{Fate, Named, Submitted};

fn ids(submitted: Submitted) -> Vec<String> {
    match submitted {
        Submitted::Accepted { ids } => ids,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn every_part_has_a_receipt_that_names_it() {
    let mut world = world(|_| {}, smsc::Settings::default()).await;
    let ids = ids(send(&world.client, 1, PERSIAN).await);
    for id in ids {
        let Event::Receipt {
            report,
            acknowledgement,
        } = world.event().await
        else {
            panic!("a receipt")
        };
        assert_eq!((report.named, report.fate), (Named::Theirs(id), Fate::Delivered));
        acknowledgement.kept();
    }
    until("both are acknowledged", || world.smsc.acknowledged() == [0, 0]).await;
}

#[tokio::test]
async fn a_receipt_that_nobody_keeps_is_asked_for_again() {
    let mut world = world(|_| {}, mute()).await;
    let ids = ids(send(&world.client, 1, "x").await);
    world.smsc.receipt(&ids[0], "UNDELIV");
    let Event::Receipt {
        report,
        acknowledgement,
    } = world.event().await
    else {
        panic!("a receipt")
    };
    assert_eq!(report.fate, Fate::Failed);
    drop(acknowledgement);
    until("ESME_RX_T_APPN", || world.smsc.acknowledged() == [0x64]).await;
}

#[tokio::test]
async fn a_receipt_that_says_nothing_is_taken_and_not_handed_on() {
    let mut world = world(|_| {}, mute()).await;
    let ids = ids(send(&world.client, 1, "x").await);
    world.smsc.receipt(&ids[0], "UNKNOWN");
    until("it is acknowledged", || world.smsc.acknowledged() == [0]).await;
    assert!(world.events.try_recv().is_err());
}

#[tokio::test]
async fn hexadecimal_ids_are_named_as_receipts_will_name_them() {
    let world = world(|settings| settings.hexadecimal_ids = true, mute()).await;
    for n in 1..=16 {
        let expected = vec![u64::from_str_radix(&format!("{n:010}"), 16).unwrap().to_string()];
        assert_eq!(ids(send(&world.client, n, "x").await), expected);
    }
}

#[tokio::test]
async fn a_transmitter_and_a_receiver_do_together_what_a_transceiver_does() {
    let mut world = world(
        |settings| settings.mode = smpp::Mode::TransmitterAndReceiver,
        smsc::Settings::default(),
    )
    .await;
    let ids = ids(send(&world.client, 1, "x").await);
    let Event::Receipt {
        report,
        acknowledgement,
    } = world.event().await
    else {
        panic!("a receipt")
    };
    assert_eq!(report.named, Named::Theirs(ids[0].clone()));
    acknowledgement.kept();
    until("it is acknowledged", || world.smsc.acknowledged() == [0]).await;
    assert_eq!(world.client.bound(), 1, "one that messages can go out by");
}
