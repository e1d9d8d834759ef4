//! SMSCs that nobody here wrote: the package `smpp` of npm, and `drive_smpp` of Debian's kannel-extras.
//!
//! `make smpp-interop` installs both and sets `SMPP_INTEROP_NODE_MODULES` and `SMPP_INTEROP_DRIVE`; without them these tests say that they skip, and pass.

use crate::world::{PATIENCE, PERSIAN, listener, send, settings};
use smpp::{Client, Event, Mode, Silent};
use sms::{Fate, Named, Submitted};
use std::io::ErrorKind;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

/// What an SMSC by the npm package does: binds with a password, ids, receipts; prints each part as a line; `cut` makes it drop the connection of
/// every third part, after it has taken the part and before it answers.
const SMSC: &str = r#"
const smpp = require('smpp');
const cut = process.argv.includes('cut');
let taken = 0;
const server = smpp.createServer({}, session => {
  session.on('error', () => {});
  session.on('bind_transceiver', pdu => {
    const fits = pdu.system_id === 'esme' && pdu.password === 'secret';
    console.log(JSON.stringify({ bind: pdu.interface_version, fits }));
    session.send(pdu.response({ command_status: fits ? 0 : smpp.ESME_RBINDFAIL }));
  });
  session.on('enquire_link', pdu => session.send(pdu.response()));
  session.on('unbind', pdu => { session.send(pdu.response()); session.close(); });
  session.on('deliver_sm_resp', pdu => console.log(JSON.stringify({ acknowledged: pdu.command_status })));
  session.on('submit_sm', pdu => {
    taken += 1;
    const id = 'npm-' + taken;
    const udh = pdu.short_message.udh ? pdu.short_message.udh.map(element => element.toString('hex')) : [];
    console.log(JSON.stringify({ id, to: pdu.destination_addr, esm_class: pdu.esm_class, data_coding: pdu.data_coding,
      registered_delivery: pdu.registered_delivery, text: pdu.short_message.message, udh }));
    if (cut && taken % 3 === 0) { session.socket.destroy(); return; }
    session.send(pdu.response({ message_id: id }));
    if (!cut) session.deliver_sm({ source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
      short_message: 'id:' + id + ' sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:' });
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
"#;

struct Npm {
    _child: Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    port: u16,
}

/// A line of its as JSON would be one more dependency; the few fields are found by their names.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let at = line.find(&format!("\"{name}\":"))? + name.len() + 3;
    let rest = &line[at..];
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next(),
        None => rest.split([',', '}']).next(),
    }
}

impl Npm {
    async fn start(mode: &str) -> Option<Self> {
        let Some(modules) = std::env::var_os("SMPP_INTEROP_NODE_MODULES") else {
            println!(
                "skipped: SMPP_INTEROP_NODE_MODULES names no folder with the package smpp (make smpp-interop)"
            );
            return None;
        };
        let spawned = Command::new("node")
            .args(["-e", SMSC, "--", mode])
            .env("NODE_PATH", modules)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.expect("node starts");
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next_line().await.unwrap().expect("it says its port");
        let port = field(&first, "port").unwrap().parse().unwrap();
        Some(Self {
            _child: child,
            lines,
            port,
        })
    }

    async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line())
            .await
            .expect("in time");
        line.unwrap().expect("it runs")
    }
}

async fn bound(port: u16, change: impl FnOnce(&mut smpp::Settings)) -> (Client, mpsc::Receiver<Event>) {
    let (sender, events) = mpsc::channel(1_000);
    let mut settings = settings(port);
    change(&mut settings);
    let client = Client::start(settings, sender, Arc::new(Silent));
    tokio::time::timeout(PATIENCE, client.wait_until_bound())
        .await
        .expect("bound");
    (client, events)
}

#[tokio::test]
async fn npm_smpp_takes_a_two_part_persian_message_whole_and_its_receipts_come_back() {
    let Some(mut npm) = Npm::start("all").await else {
        return;
    };
    let (client, mut events) = bound(npm.port, |_| {}).await;
    let bind = npm.line().await;
    assert_eq!(
        (field(&bind, "bind"), field(&bind, "fits")),
        (Some("52"), Some("true")),
        "{bind}"
    );
    let Submitted::Accepted { ids } = send(&client, 7, PERSIAN).await else {
        panic!("accepted")
    };
    assert_eq!(ids, ["npm-1", "npm-2"]);
    let (mut text, mut acknowledged) = (String::new(), 0);
    for id in &ids {
        let receipt = tokio::time::timeout(PATIENCE, events.recv())
            .await
            .unwrap()
            .unwrap();
        let Event::Receipt {
            report,
            acknowledgement,
        } = receipt
        else {
            panic!("a receipt")
        };
        assert_eq!(
            (report.named, report.fate),
            (Named::Theirs(id.clone()), Fate::Delivered)
        );
        acknowledgement.kept();
    }
    while acknowledged < 2 {
        let line = npm.line().await;
        if let Some(status) = field(&line, "acknowledged") {
            assert_eq!(status, "0");
            acknowledged += 1;
            continue;
        }
        assert_eq!(field(&line, "to"), Some("989120000007"));
        assert_eq!(
            (field(&line, "esm_class"), field(&line, "data_coding")),
            (Some("64"), Some("8")),
            "{line}"
        );
        assert_eq!(field(&line, "registered_delivery"), Some("1"));
        // The header as the library reads it: concatenation, a reference, of two.
        let header = line.split("\"udh\":").nth(1).expect("a header");
        assert!(header.contains("0003") && header.contains("02"), "{line}");
        text.push_str(&field(&line, "text").unwrap().replace("\\n", "\n"));
    }
    assert_eq!(text, PERSIAN);
    client.close().await;
}

#[tokio::test]
async fn npm_smpp_refuses_a_wrong_password_in_so_many_words() {
    let Some(mut npm) = Npm::start("all").await else {
        return;
    };
    let (sender, _events) = mpsc::channel(1);
    let mut wrong = settings(npm.port);
    wrong.password = zeroize::Zeroizing::new("wrong".to_owned());
    let client = Client::start(wrong, sender, Arc::new(Silent));
    let line = npm.line().await;
    assert_eq!(field(&line, "fits"), Some("false"), "{line}");
    assert_eq!(client.bound(), 0);
}

#[tokio::test]
async fn npm_smpp_cuts_connections_and_no_accepted_message_is_lost_and_none_comes_twice() {
    let Some(mut npm) = Npm::start("cut").await else {
        return;
    };
    let (client, _events) = bound(npm.port, |settings| settings.window = 1).await;
    let (mut accepted, mut unknown) = (Vec::new(), 0);
    for n in 0..30 {
        match send(&client, n, "code 123456").await {
            Submitted::Accepted { .. } => accepted.push(format!("98912{n:07}")),
            Submitted::Unknown => unknown += 1,
            refused => panic!("{refused:?}"),
        }
    }
    assert_eq!((accepted.len(), unknown), (20, 10), "each third was cut");
    let mut numbers = Vec::new();
    while numbers.len() < 30 {
        let line = npm.line().await;
        numbers.extend(field(&line, "to").map(str::to_owned));
    }
    let mut once = numbers.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), 30, "each message was taken once: {numbers:?}");
    assert!(accepted.iter().all(|number| numbers.contains(number)));
}

/// Kannel's emulator takes a bind, pushes messages from phones, and acknowledges what it is sent.
#[tokio::test]
async fn kannels_drive_smpp_is_bound_to_and_its_messages_are_taken() {
    let Some(program) = std::env::var_os("SMPP_INTEROP_DRIVE") else {
        println!("skipped: SMPP_INTEROP_DRIVE names no drive_smpp (make smpp-interop)");
        return;
    };
    // It also plays the box that messages from phones go to, and gives up where nobody listens on that port.
    let Ok(_smsbox) = tokio::net::TcpListener::bind("127.0.0.1:13001").await else {
        println!("skipped: port 13001, which drive_smpp knows by heart, is taken");
        return;
    };
    let (listener, port) = listener().await;
    drop(listener);
    let spawned = Command::new(program)
        .args(["-v", "4", "-p", &port.to_string(), "-m", "20"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    match spawned {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("skipped: SMPP_INTEROP_DRIVE is not there");
            return;
        }
        Err(error) => panic!("{error}"),
    }
    let _child = spawned;
    struct Counted(std::sync::atomic::AtomicUsize);
    impl smpp::Observer for Counted {
        fn delivered(&self) {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let counted = Arc::new(Counted(std::sync::atomic::AtomicUsize::new(0)));
    let (sender, _events) = mpsc::channel(100);
    let mut account = settings(port);
    (account.system_id, account.password) = ("foo".to_owned(), zeroize::Zeroizing::new("bar".to_owned()));
    account.mode = Mode::TransmitterAndReceiver; // it knows no transceivers
    let client = Client::start(account, sender, Arc::clone(&counted) as _);
    tokio::time::timeout(PATIENCE, client.wait_until_bound())
        .await
        .expect("bound");
    crate::world::until("all of its messages", || {
        counted.0.load(std::sync::atomic::Ordering::SeqCst) >= 20
    })
    .await;
    let submitted = send(&client, 1, PERSIAN).await;
    let Submitted::Accepted { ids } = submitted else {
        panic!("{submitted:?}")
    };
    assert_eq!(ids.len(), 2);
    client.close().await;
}
