//! A running server, and a client that sees the octets on the wire.

use crate::documents::*;
use crate::keys::Key;
use crate::world::settings;
use chrono::{DateTime, TimeZone, Utc};
use dstu::cms::SignedData;
use fiscal::command::{Command, Request};
use fiscal::{Document, Kind, Ticket, Uid, Verdict};
use sandbox::fiscal::{MovedClock, Operator, Server, Settings};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here should take: a test that would hang fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| {
            line.split_once(':')
                .is_some_and(|(found, _)| found.eq_ignore_ascii_case(name))
        })?;
        Some(line.split_once(':')?.1.trim())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.status, 200, "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Sends a request; what came back until the connection ended, which may be nothing.
pub(crate) async fn exchange(address: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    };
    tokio::time::timeout(PATIENCE, exchange)
        .await
        .expect("an answer in time")
}

pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    let mut request = head.into_bytes();
    request.extend_from_slice(body);
    request
}

pub(crate) fn parse(answer: &[u8]) -> Reply {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("the end of a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply {
        status,
        head,
        body: answer[end + 4..].to_vec(),
    }
}

pub(crate) const OCTETS: (&str, &str) = ("content-type", "application/octet-stream");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json; charset=UTF-8");

/// A server that runs, with a folder that outlives it.
pub(crate) struct Running {
    pub(crate) server: Arc<Server>,
    pub(crate) clock: Arc<MovedClock>,
    pub(crate) address: SocketAddr,
    pub(crate) control: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<std::io::Result<()>>,
}

/// Not a whole second, as clocks rarely show one.
pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 2, 5, 10, 0, 0).unwrap() + chrono::TimeDelta::milliseconds(250)
}

/// Settings in which this key is a cashier's.
pub(crate) fn settings_for(key: &Key) -> Settings {
    let mut settings = settings();
    settings.companies[0].operators.push(Operator {
        subject_key_id: key.who().key_id,
        chief: false,
    });
    settings
}

impl Running {
    pub(crate) async fn start(settings: Settings, folder: &Path) -> Self {
        let clock = Arc::new(MovedClock::new(noon()));
        let server = Arc::new(Server::open_with_clock(settings, folder, clock.clone()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, control_address) = (listener.local_addr().unwrap(), control.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = Arc::clone(&server);
        let task = tokio::spawn(async move {
            let shutdown = async {
                stopped.await.ok();
            };
            serving.serve(listener, Some(control), shutdown).await
        });
        Self {
            server,
            clock,
            address,
            control: control_address,
            stop: Some(stop),
            task,
        }
    }

    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        tokio::time::timeout(PATIENCE, self.task)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let answer = exchange(self.address, &request("POST", path, headers, body))
            .await
            .unwrap();
        parse(&answer)
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: &str) -> Reply {
        let answer = exchange(self.control, &request(method, path, &[], body.as_bytes()))
            .await
            .unwrap();
        parse(&answer)
    }

    /// Arms a fault over HTTP.
    pub(crate) async fn arm(&self, control: serde_json::Value) {
        let reply = self.control("POST", "/control", &control.to_string()).await;
        assert_eq!(reply.status, 204, "{}", reply.text());
    }

    /// Sends a document; its ticket's verdict.
    pub(crate) async fn send(&self, key: &Key, document: &Document) -> Verdict {
        let signed = key.sign(&document.to_xml().unwrap());
        let reply = self.post("/fs/doc", &[OCTETS], &signed).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        self.ticket(&reply.body)
            .check(&document.head.uid, document.head.local_number)
    }

    /// A ticket, whose signature must be the server's.
    pub(crate) fn ticket(&self, message: &[u8]) -> Ticket {
        Ticket::from_xml(&self.opened(message)).unwrap()
    }

    /// What the server signed.
    pub(crate) fn opened(&self, message: &[u8]) -> Vec<u8> {
        let message = SignedData::from_der(message).unwrap();
        let verdicts = message.verify(None, &[]);
        assert!(verdicts.len() == 1 && verdicts[0].holds());
        assert_eq!(
            verdicts[0].certificate.unwrap().der(),
            self.server.certificate().der()
        );
        message.content().unwrap().to_vec()
    }

    /// The documents of one register that are accepted, by the state that is told.
    pub(crate) async fn documents(&self) -> Vec<serde_json::Value> {
        let state = self.control("GET", "/control/state", "").await.json();
        let registers = state["registers"].as_array().unwrap();
        registers.first().map_or_else(Vec::new, |register| {
            register["documents"].as_array().unwrap().clone()
        })
    }

    /// A signed command in the mode `resultAsJson=true`.
    pub(crate) async fn ask(&self, key: &Key, command: Command) -> serde_json::Value {
        let json = command_json(command);
        self.post("/fs/cmd?resultAsJson=true", &[OCTETS], &key.sign(&json))
            .await
            .json()
    }
}

pub(crate) fn command_json(command: Command) -> Vec<u8> {
    Request::new(Uid::new("request-1").unwrap(), command)
        .to_json()
        .unwrap()
}

/// A server with a cashier whose shift is open.
pub(crate) async fn open_shift() -> (Running, Key, TempDir) {
    let (folder, key) = (tempfile::tempdir().unwrap(), Key::new(1, TAX_NUMBER));
    let running = Running::start(settings_for(&key), folder.path()).await;
    let verdict = running.send(&key, &document(1, Kind::OpenShift)).await;
    assert!(
        matches!(
            verdict,
            Verdict::Registered {
                offline_session: Some(_),
                ..
            }
        ),
        "{verdict:?}"
    );
    (running, key, folder)
}
