//! A client bound to a stand-in SMSC on loopback.

use sandbox::sms::smsc::{self, Smsc};
use smpp::{Client, Event, Mode, Settings, Silent};
use sms::{Submission, Submitted};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Long enough for a loaded machine; nothing waits that long where all is well.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// The document's text, in two parts.
pub const PERSIAN: &str = "کارگزاری آگاه\nمریم رضایی نیا اصل گرامی\nرمز یک بار مصرف برای امضای دیجیتال قرارداد سبدگردانی اختصاصی:\n123456";

pub fn settings(port: u16) -> Settings {
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
        binds: 1,
        window: 8,
        enquire_link: Duration::from_secs(30),
        response: Duration::from_secs(5),
        reconnect_min: Duration::from_millis(20),
        reconnect_max: Duration::from_millis(200),
        hexadecimal_ids: false,
    }
}

pub struct World {
    pub smsc: Smsc,
    pub client: Arc<Client>,
    pub events: mpsc::Receiver<Event>,
}

pub async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A client bound to a stand-in.
pub async fn world(change: impl FnOnce(&mut Settings), smsc: smsc::Settings) -> World {
    let (listener, port) = listener().await;
    let smsc = Smsc::alone(smsc);
    let serving = smsc.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let mut settings = settings(port);
    change(&mut settings);
    let (sender, events) = mpsc::channel(1_000);
    let client = Arc::new(Client::start(settings, sender, Arc::new(Silent)));
    tokio::time::timeout(PATIENCE, client.wait_until_bound())
        .await
        .expect("bound");
    World { smsc, client, events }
}

/// A stand-in that sends no receipts by itself.
pub fn mute() -> smsc::Settings {
    smsc::Settings {
        receipts: None,
        ..smsc::Settings::default()
    }
}

pub async fn send(client: &Client, n: u128, text: &str) -> Submitted {
    send_within(client, n, text, PATIENCE).await
}

pub async fn send_within(client: &Client, n: u128, text: &str, deadline: Duration) -> Submitted {
    let to = format!("+98912{:07}", n % 10_000_000);
    let submission = Submission {
        message: Uuid::from_u128(n),
        challenge: Uuid::from_u128(n),
        to: &to,
        text,
        validity_seconds: 300,
    };
    client.submit(&submission, deadline).await
}

impl World {
    pub async fn event(&mut self) -> Event {
        tokio::time::timeout(PATIENCE, self.events.recv())
            .await
            .expect("in time")
            .expect("open")
    }
}

/// Waits until something that goes on elsewhere is so.
pub async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waited)
        .await
        .unwrap_or_else(|_| panic!("waited in vain: {what}"));
}
