//! Messages a second through SMPP on loopback: one bind with a window of 64, against a stand-in SMSC in the same process that answers at once.
//! `SMPP_SECONDS` makes a round longer. With `SMPP_ANSWER_MS` the SMSC takes so long for each part, as one that is far away does.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a program that prints figures

use sandbox::sms::smsc::{self, Smsc};
use smpp::{Client, Mode, Settings, Silent};
use sms::{Submission, Submitted};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What operators usually grant.
const WINDOW: usize = 64;
const ONE_PART: &str = "code 123456";
const TWO_PARTS: &str = "کارگزاری آگاه\nمریم رضایی نیا اصل گرامی\nرمز یک بار مصرف برای امضای دیجیتال قرارداد سبدگردانی اختصاصی:\n123456";

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let seconds = Duration::from_secs(number("SMPP_SECONDS", 3));
    let answer = Duration::from_millis(number("SMPP_ANSWER_MS", 0));
    println!("| text | binds | messages/s | parts/s | p50 | p99 |");
    println!("|---|---|---|---|---|---|");
    for (name, text, parts) in [("one part", ONE_PART, 1), ("two parts", TWO_PARTS, 2)] {
        for binds in [1, 4] {
            let (count, mut latencies) = runtime.block_on(round(text, binds, seconds, answer));
            latencies.sort_unstable();
            let rate = f64::from(u32::try_from(count).unwrap()) / seconds.as_secs_f64();
            let at = |share: usize| latencies[(latencies.len() - 1) * share / 100] as f64 / 1_000.0;
            println!(
                "| {name} | {binds} | {rate:.0} | {:.0} | {:.2} ms | {:.2} ms |",
                rate * f64::from(parts),
                at(50),
                at(99)
            );
        }
    }
}

/// Messages that were accepted, and how long each took in microseconds.
async fn round(
    text: &'static str,
    binds: usize,
    seconds: Duration,
    answer_after: Duration,
) -> (u64, Vec<u64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let smsc = Smsc::alone(smsc::Settings {
        receipts: None,
        keeps: false,
        answer_after,
        ..smsc::Settings::default()
    });
    let (serving, (stop, stopped)) = (smsc.clone(), tokio::sync::oneshot::channel::<()>());
    let server = tokio::spawn(async move {
        serving
            .serve(listener, async {
                let _ = stopped.await; // told, or forgotten: both mean stop
            })
            .await;
    });
    let (events, _receipts) = mpsc::channel(1);
    let client = Arc::new(Client::start(settings(port, binds), events, Arc::new(Silent)));
    while client.bound() < binds {
        tokio::task::yield_now().await;
    }
    let (count, until) = (Arc::new(AtomicU64::new(0)), Instant::now() + seconds);
    let senders: Vec<_> = (0..WINDOW * binds)
        .map(|sender| {
            let (client, count) = (Arc::clone(&client), Arc::clone(&count));
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let began = Instant::now();
                    let submission = Submission {
                        message: Uuid::nil(),
                        challenge: Uuid::nil(),
                        to: "+989121234567",
                        text,
                        validity_seconds: 300,
                    };
                    let submitted = client.submit(&submission, Duration::from_secs(10)).await;
                    assert!(
                        matches!(submitted, Submitted::Accepted { .. }),
                        "{sender}: {submitted:?}"
                    );
                    count.fetch_add(1, Ordering::Relaxed);
                    latencies.push(u64::try_from(began.elapsed().as_micros()).unwrap());
                }
                latencies
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for sender in senders {
        latencies.extend(sender.await.unwrap());
    }
    Arc::into_inner(client).unwrap().close().await;
    let _ = stop.send(());
    server.await.unwrap();
    assert!(smsc.submitted() >= count.load(Ordering::Relaxed));
    (count.load(Ordering::Relaxed), latencies)
}

fn settings(port: u16, binds: usize) -> Settings {
    Settings {
        name: "stand-in".to_owned(),
        host: "127.0.0.1".to_owned(),
        port,
        system_id: "esme".to_owned(),
        password: Zeroizing::new("secret".to_owned()),
        system_type: String::new(),
        source: "1000".to_owned(),
        source_ton: 0,
        source_npi: 1,
        mode: Mode::Transceiver,
        binds,
        window: WINDOW,
        enquire_link: Duration::from_secs(30),
        response: Duration::from_secs(5),
        reconnect_min: Duration::from_millis(20),
        reconnect_max: Duration::from_secs(1),
        hexadecimal_ids: false,
    }
}
