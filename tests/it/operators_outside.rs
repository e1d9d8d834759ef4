//! The world outside for tests of operators: the stand-in with every operator's face and an SMSC, in threads of its own, and a partner's server.

use crate::world::{Setup, eventually};
use countersign::config::{Config, ConfigSecret, SmppAccount, SmsSenderKind};
use sandbox::sms::smsc::{self, Smsc};
use sandbox::sms::{Control, Misbehaviour, Operator};
use sms::routing::{Candidate, Route};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use tokio::runtime::Runtime;

/// The operators, and the name of the one by SMPP.
pub const OPERATORS: [&str; 5] = ["kavenegar", "smsru", "turbosms", "twilio", SMPP];
pub const SMPP: &str = "main";
/// This gateway's URL as operators see it.
pub const PUBLIC_URL: &str = "https://gateway.test";
pub const TWILIO_TOKEN: &str = "token-of-twilio";
pub const SMSRU_TOKEN: &str = "token-in-the-url";
pub const KAVENEGAR_KEY: &str = "4B61766568204B6579";

/// Operators that run.
pub struct Outside {
    /// What arrived by HTTP and by SMPP, and what goes wrong with the former.
    pub operator: Arc<Mutex<Operator>>,
    /// What goes wrong with the latter.
    pub smsc: Smsc,
    http: SocketAddr,
    smpp_port: u16,
    _runtime: Runtime,
}

impl Outside {
    pub fn start(smsc: smsc::Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let operator = Arc::<Mutex<Operator>>::default();
        let smsc = Smsc::new(smsc, Arc::clone(&operator));
        let (http, smpp_port) = runtime.block_on(async {
            let http = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let smpp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let (address, port) = (http.local_addr().unwrap(), smpp.local_addr().unwrap().port());
            let (messages, serving) = (Arc::clone(&operator), smsc.clone());
            tokio::spawn(sandbox::sms::serve_over(http, messages, std::future::pending()));
            tokio::spawn(async move { serving.serve(smpp, std::future::pending()).await });
            (address, port)
        });
        Self {
            operator,
            smsc,
            http,
            smpp_port,
            _runtime: runtime,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    pub fn smpp_port(&self) -> u16 {
        self.smpp_port
    }

    /// Numbers and texts that arrived, in order.
    pub fn messages(&self) -> Vec<(String, String)> {
        let operator = self.operator.lock().unwrap();
        let messages = operator.messages(None).into_iter();
        messages
            .map(|message| (message.to.clone(), message.text.clone()))
            .collect()
    }

    /// The code in the last message.
    pub fn last_code(&self) -> String {
        let messages = self.messages();
        let (_, text) = messages.last().expect("a message arrived");
        text.lines().last().unwrap().to_owned()
    }

    /// The next message by HTTP goes so; `deliver` whether one that times out arrives.
    pub fn will(&self, misbehaviour: Misbehaviour, code: &str, deliver: bool) {
        self.operator.lock().unwrap().arm(&Control {
            next: 1,
            r#do: misbehaviour,
            code: code.to_owned(),
            seconds: 1,
            deliver,
        });
    }

    /// A gateway whose messages go to these operators, the first first.
    pub fn setup(&self, order: &[&str]) -> Setup {
        Setup::default()
            .with_operators()
            .config(|config| self.configure(config, order))
    }

    fn configure(&self, config: &mut Config, order: &[&str]) {
        config.webhooks.private_addresses = true;
        let sms = &mut config.sms;
        sms.sender = SmsSenderKind::Operators;
        sms.timeout_seconds = 2;
        sms.receipts_url = PUBLIC_URL.to_owned();
        let candidate = |(rank, name): (u32, &&str)| Candidate {
            operator: (*name).to_owned(),
            rank,
            weight: 1,
        };
        sms.routes = vec![Route {
            prefix: "98".to_owned(),
            operators: (0..).zip(order).map(candidate).collect(),
        }];
        let url = self.url();
        for account in [&mut sms.kavenegar, &mut sms.smsru, &mut sms.turbosms] {
            account.url.clone_from(&url);
            account.key = ConfigSecret::new("a-key");
            account.sender = "Brand".to_owned();
        }
        sms.kavenegar.key = ConfigSecret::new(KAVENEGAR_KEY);
        sms.smsru.receipt_token = ConfigSecret::new(SMSRU_TOKEN);
        sms.twilio.url = url;
        sms.twilio.account = "AC0".to_owned();
        sms.twilio.key = ConfigSecret::new(TWILIO_TOKEN);
        sms.twilio.sender = "+15005550006".to_owned();
        let account = SmppAccount {
            host: "127.0.0.1".to_owned(),
            port: self.smpp_port,
            system_id: "esme".to_owned(),
            password: ConfigSecret::new("secret"),
            source: "1000".to_owned(),
            ..SmppAccount::default()
        };
        sms.smpp = [(SMPP.to_owned(), account)].into();
    }
}

/// A stand-in SMSC that sends no receipts by itself.
pub fn mute() -> smsc::Settings {
    smsc::Settings {
        receipts: None,
        ..smsc::Settings::default()
    }
}

/// A post as a partner's server read it: header fields in lower case, and the body.
#[derive(Clone, Debug)]
pub struct Post {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Post {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }
}

/// A partner's server: answers each post with the next status that it was told, else 204.
pub struct PartnersServer {
    pub url: String,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl PartnersServer {
    pub fn start(statuses: &'static [u16]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/news", listener.local_addr().unwrap());
        let posts = Arc::<Mutex<Vec<Post>>>::default();
        let kept = Arc::clone(&posts);
        std::thread::spawn(move || {
            let mut statuses = statuses.iter();
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some(post) = read(&mut BufReader::new(stream.try_clone().unwrap())) else {
                    continue;
                };
                kept.lock().unwrap().push(post);
                let status = statuses.next().unwrap_or(&204);
                let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()); // who has gone needs none
            }
        });
        Self { url, posts }
    }

    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    pub fn wait_for(&self, count: usize) -> Vec<Post> {
        eventually("the partner is told", || {
            let posts = self.posts();
            (posts.len() >= count).then_some(posts)
        })
    }
}

fn read(reader: &mut impl BufRead) -> Option<Post> {
    let (mut headers, mut line) = (Vec::new(), String::new());
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            break;
        }
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")?
        .1
        .parse()
        .ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Post { headers, body })
}
