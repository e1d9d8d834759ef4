//! What an operator may do to a message, and what is said of it: refused where nothing went, unknown where it may have, never two.

use crate::world::{PATIENCE, PERSIAN, listener, mute, send, send_within, settings, until, world};
use sandbox::sms::smsc::{self, Fault};
use smpp::{Client, Event, Silent};
use sms::{Submitted, segment};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

const SHORT: Duration = Duration::from_millis(400);
const THROTTLED: u32 = 0x58;

fn is_unsent(submitted: &Submitted) -> bool {
    matches!(submitted, Submitted::Refused { permanent: false, code, .. } if code == "not-sent")
}

#[tokio::test]
async fn a_two_part_persian_message_arrives_whole_with_the_right_bits() {
    let world = world(|_| {}, mute()).await;
    let submitted = send(&world.client, 7, PERSIAN).await;
    let Submitted::Accepted { ids } = submitted else {
        panic!("{submitted:?}")
    };
    assert_eq!(ids.len(), 2);
    assert_eq!(
        world.smsc.messages(),
        [("+989120000007".to_owned(), PERSIAN.to_owned())]
    );
    assert_eq!(world.smsc.interface_version(), Some(0x34));
    for (number, seen) in (1..).zip(world.smsc.seen()) {
        assert_eq!(
            (seen.esm_class, seen.data_coding, seen.registered_delivery),
            (0x40, 8, 1)
        );
        assert_eq!(
            (seen.validity.as_str(), seen.to.as_str()),
            ("000000000500000R", "989120000007")
        );
        assert_eq!(&seen.message[..3], &[5, 0, 3]);
        assert_eq!(&seen.message[4..6], &[2, number]);
    }
}

#[tokio::test]
async fn a_short_latin_message_has_no_header_and_the_default_alphabet() {
    let world = world(|_| {}, mute()).await;
    assert!(matches!(
        send(&world.client, 1, "code 123456").await,
        Submitted::Accepted { .. }
    ));
    let seen = &world.smsc.seen()[0];
    assert_eq!((seen.esm_class, seen.data_coding), (0, 0));
    assert_eq!(seen.message, b"code 123456");
}

#[tokio::test]
async fn a_refused_first_part_takes_the_second_with_it() {
    let world = world(|_| {}, mute()).await;
    world.smsc.will(Fault::Refuse(0x0b));
    let expected = Submitted::refused(true, "0x0000000B", "ESME_RINVDSTADR");
    assert_eq!(send(&world.client, 1, PERSIAN).await, expected);
    assert_eq!(world.smsc.submitted(), 0);
}

#[tokio::test]
async fn a_refused_second_part_leaves_half_a_message_and_so_an_unknown() {
    let world = world(|_| {}, mute()).await;
    world.smsc.will(Fault::None);
    world.smsc.will(Fault::Refuse(0x08));
    assert_eq!(send(&world.client, 1, PERSIAN).await, Submitted::Unknown);
}

#[tokio::test]
async fn congestion_is_waited_through_and_the_message_goes_once() {
    let world = world(|_| {}, mute()).await;
    for fault in [
        Fault::Refuse(THROTTLED),
        Fault::None,
        Fault::Refuse(0x14),
        Fault::Refuse(THROTTLED),
    ] {
        world.smsc.will(fault);
    }
    assert!(matches!(
        send(&world.client, 1, PERSIAN).await,
        Submitted::Accepted { .. }
    ));
    assert_eq!(world.smsc.messages().len(), 1);
    assert_eq!(world.smsc.submitted(), 2, "refused parts were not taken");
}

#[tokio::test]
async fn congestion_without_end_is_a_refusal_within_half_the_time() {
    let world = world(|_| {}, mute()).await;
    (0..100).for_each(|_| world.smsc.will(Fault::Refuse(THROTTLED)));
    let expected = Submitted::refused(false, "0x00000058", "ESME_RTHROTTLED");
    assert_eq!(send_within(&world.client, 1, "x", SHORT).await, expected);
}

#[tokio::test]
async fn silence_is_unknown_and_a_late_answer_is_told() {
    let mut world = world(|_| {}, mute()).await;
    world.smsc.will(Fault::Slow(SHORT * 2));
    assert_eq!(
        send_within(&world.client, 9, "x", SHORT).await,
        Submitted::Unknown
    );
    let Event::Late { challenge, submitted } = world.event().await else {
        panic!("a late answer")
    };
    assert_eq!(
        (challenge, submitted),
        (Uuid::from_u128(9), Submitted::accepted("0000000001"))
    );
    assert_eq!(world.smsc.messages().len(), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut_after_the_message_was_taken_leaves_it_unknown_and_sends_it_once() {
    for fault in [Fault::CutAfter, Fault::HalfAnswer] {
        let world = world(|_| {}, mute()).await;
        world.smsc.will(fault);
        assert_eq!(send(&world.client, 1, "x").await, Submitted::Unknown, "{fault:?}");
        // The next bind takes the next message, and the first is not there a second time.
        assert!(matches!(
            send(&world.client, 2, "y").await,
            Submitted::Accepted { .. }
        ));
        let texts: Vec<String> = world.smsc.messages().into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["x", "y"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_before_the_message_was_taken_leaves_it_unknown_all_the_same() {
    let world = world(|_| {}, mute()).await;
    world.smsc.will(Fault::CutBefore);
    // It was written: nobody on this side can know that it was not taken.
    assert_eq!(send(&world.client, 1, "x").await, Submitted::Unknown);
}

#[tokio::test]
async fn what_was_not_written_goes_another_way() {
    let slow = smsc::Settings {
        answer_after: Duration::from_secs(60),
        ..mute()
    };
    let world = world(|settings| settings.window = 1, slow).await;
    let (client, smsc) = (Arc::clone(&world.client), world.smsc.clone());
    let first = tokio::spawn(async move { send(&client, 1, "written").await });
    until("the first is written", || smsc.submitted() == 1).await;
    // The window is full: this one waits for room, and is never written.
    assert!(is_unsent(&send_within(&world.client, 2, "waits", SHORT).await));
    world.smsc.cut();
    assert_eq!(first.await.unwrap(), Submitted::Unknown);
    assert_eq!(world.smsc.submitted(), 1);
}

#[tokio::test]
async fn without_a_bind_nothing_was_sent() {
    let (listener, port) = listener().await;
    drop(listener);
    let (sender, _events) = mpsc::channel(1);
    let client = Client::start(settings(port), sender, Arc::new(Silent));
    assert!(is_unsent(&send_within(&client, 1, "x", SHORT).await));
    assert_eq!(client.bound(), 0);
}

#[tokio::test]
async fn a_wrong_password_does_not_bind_and_says_why_without_saying_it() {
    let (listener, port) = listener().await;
    let told = smsc::Settings {
        password: "another".to_owned(),
        ..mute()
    };
    let smsc = smsc::Smsc::alone(told);
    let serving = smsc.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let (sender, _events) = mpsc::channel(1);
    let client = Client::start(settings(port), sender, Arc::new(Silent));
    until("a bind was tried", || smsc.interface_version().is_some()).await;
    assert!(is_unsent(&send_within(&client, 1, "x", SHORT).await));
}

#[tokio::test]
async fn an_operator_that_says_nothing_is_asked_and_left_and_bound_again() {
    let quick = |settings: &mut smpp::Settings| {
        settings.enquire_link = Duration::from_millis(50);
        settings.response = Duration::from_millis(200);
    };
    // A listener that takes the bind, and then nothing.
    let (listener, port) = listener().await;
    let (tell, mut binds) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let tell = tell.clone();
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut bind = [0; 256];
                let count = stream.read(&mut bind).await.unwrap();
                assert!(count > 16);
                let answer = [&[0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0][..], &bind[12..16], &[0]].concat();
                stream.write_all(&answer).await.unwrap();
                tell.send(()).await.unwrap();
                std::future::pending::<()>().await;
            });
        }
    });
    let mut settings = settings(port);
    quick(&mut settings);
    let (sender, _events) = mpsc::channel(1);
    let _client = Client::start(settings, sender, Arc::new(Silent));
    for _ in 0..2 {
        tokio::time::timeout(PATIENCE, binds.recv())
            .await
            .expect("bound, and bound again")
            .unwrap();
    }
}

#[tokio::test]
async fn several_binds_share_the_messages_and_one_that_is_lost_does_not_stop_the_others() {
    let world = world(|settings| (settings.binds, settings.window) = (3, 2), mute()).await;
    until("three binds", || world.client.bound() == 3).await;
    let mut sends = Vec::new();
    for n in 0..60 {
        let client = Arc::clone(&world.client);
        sends.push(tokio::spawn(async move { send(&client, n, "x").await }));
        if n == 30 {
            world.smsc.will(Fault::CutBefore);
        }
    }
    let (mut accepted, mut unknown) = (0, 0);
    for send in sends {
        match send.await.unwrap() {
            Submitted::Accepted { .. } => accepted += 1,
            Submitted::Unknown => unknown += 1,
            refused => panic!("{refused:?}"),
        }
    }
    assert!(
        (1..=2).contains(&unknown),
        "what was written on the lost bind, and no more: {unknown}"
    );
    assert_eq!(accepted + unknown, 60);
    let mut numbers: Vec<String> = world.smsc.messages().into_iter().map(|(to, _)| to).collect();
    let whole = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), whole, "none twice");
    assert!(whole >= accepted, "none that was accepted is lost");
    until("three binds again", || world.client.bound() == 3).await;
}

/// Connections are cut again and again under load, whatever is under way: every message that was accepted is there, and none twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_again_and_again_no_accepted_message_is_lost_and_none_comes_twice() {
    let seed = 2_026;
    println!("seed {seed}");
    let mut random = fastrand_like(seed);
    let world = world(|settings| (settings.binds, settings.window) = (2, 4), mute()).await;
    let mut accepted = Vec::new();
    let mut unknown = 0;
    for round in 0..40_u128 {
        let sends: Vec<_> = (0..8)
            .map(|n| {
                let (client, number) = (Arc::clone(&world.client), round * 8 + n);
                tokio::spawn(async move { (number, send(&client, number, PERSIAN).await) })
            })
            .collect();
        match random() % 4 {
            0 => world.smsc.cut(),
            1 => world.smsc.will(Fault::CutAfter),
            2 => world.smsc.will(Fault::HalfAnswer),
            _ => {}
        }
        for send in sends {
            match send.await.unwrap() {
                (number, Submitted::Accepted { .. }) => accepted.push(format!("+98912{number:07}")),
                (_, Submitted::Unknown) => unknown += 1,
                (number, refused) => panic!("{number}: {refused:?}"),
            }
        }
    }
    let messages = world.smsc.messages();
    let mut numbers: Vec<&str> = messages.iter().map(|(to, _)| to.as_str()).collect();
    numbers.sort_unstable();
    let before = numbers.len();
    numbers.dedup();
    assert_eq!(numbers.len(), before, "none comes twice");
    assert!(
        accepted
            .iter()
            .all(|number| numbers.binary_search(&number.as_str()).is_ok()),
        "none is lost"
    );
    assert!(messages.iter().all(|(_, text)| text == PERSIAN), "none is torn");
    assert!(
        unknown > 0 && accepted.len() > 100,
        "both happened: {} accepted, {unknown} unknown",
        accepted.len()
    );
}

fn fastrand_like(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

#[tokio::test]
async fn a_sender_that_goes_away_takes_its_unwritten_part_with_it() {
    let slow = smsc::Settings {
        answer_after: Duration::from_secs(60),
        ..mute()
    };
    let world = world(|settings| settings.window = 1, slow).await;
    let (client, smsc) = (Arc::clone(&world.client), world.smsc.clone());
    let first = tokio::spawn(async move { send(&client, 1, "written").await });
    until("the first is written", || smsc.submitted() == 1).await;
    let gone = tokio::time::timeout(SHORT, send(&world.client, 2, "never")).await;
    assert!(gone.is_err());
    first.abort();
    assert_eq!(world.smsc.submitted(), 1);
}

#[tokio::test]
async fn an_orderly_end_waits_for_answers_and_says_goodbye() {
    let slow = smsc::Settings {
        answer_after: Duration::from_millis(300),
        ..mute()
    };
    let world = world(|_| {}, slow).await;
    let (client, smsc) = (Arc::clone(&world.client), world.smsc.clone());
    let last = tokio::spawn(async move { send(&client, 1, "last").await });
    until("it is written", || smsc.submitted() == 1).await;
    let submitted = last.await.unwrap();
    assert!(matches!(submitted, Submitted::Accepted { .. }), "{submitted:?}");
    let client = Arc::into_inner(world.client).expect("nobody else has it");
    client.close().await;
}

#[test]
fn the_text_of_these_tests_takes_two_parts() {
    assert_eq!(segment::count(PERSIAN), 2);
}
