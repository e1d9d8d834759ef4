//! An operator behind a webhook that outlives the gateway: it takes messages, keeps each, and answers when and how it is told.

use crate::client::{Call, Client, Connection};
use crate::world::wait_until;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// `sms.webhook.secret` of whoever posts here; nobody here checks the signature, another test does.
pub const WEBHOOK_SECRET: &str = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cywgbm90IG9mIGFueW9uZQ==";

/// A message as it came.
#[derive(Clone, Debug)]
pub struct Taken {
    pub id: String,
    pub to: String,
    pub text: String,
    /// Whether it was answered with acceptance.
    pub accepted: bool,
    pub at: Instant,
}

impl Taken {
    /// The last line.
    pub fn code(&self) -> &str {
        self.text.lines().last().unwrap_or_default()
    }
}

/// How messages to come are treated.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Of a hundred messages, so many are refused.
    pub refused_percent: u64,
    /// An answer takes up to so long.
    pub delay_max: Duration,
    /// What a refusal says of itself; `{to}` and `{text}` stand for the message's own.
    pub refusal: String,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Vec<Taken>>,
    manner: Mutex<Manner>,
    /// Connections that were accepted and have not ended.
    open: AtomicUsize,
    seed: AtomicU64,
}

/// The receiver; its threads end with the process, for they hold nothing.
#[derive(Clone)]
pub struct Receiver {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    pub fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        shared.seed.store(seed, Ordering::SeqCst);
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Counted before anything that is accepted later can be answered.
                accepting.open.fetch_add(1, Ordering::SeqCst);
                let shared = Arc::clone(&accepting);
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    // A peer that was killed ends its connection in the middle of anything.
                    while let Ok(Some(body)) = read_request(&mut reader) {
                        if shared.answer(&mut reader, &body).is_err() {
                            break;
                        }
                    }
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, shared }
    }

    /// The settings that send messages here.
    pub fn settings(&self) -> Vec<String> {
        vec![
            "sms.sender=webhook".to_owned(),
            format!("sms.webhook.url=http://{}/sms", self.address),
            format!("sms.webhook.secret={WEBHOOK_SECRET}"),
        ]
    }

    pub fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    pub fn messages(&self) -> Vec<Taken> {
        self.shared.taken.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.shared.taken.lock().unwrap().len()
    }

    /// Those whose text names `title`, to one number, in the order in which they came.
    pub fn messages_to(&self, to: &str, title: &str) -> Vec<Taken> {
        let taken = self.shared.taken.lock().unwrap();
        let of_cell = taken
            .iter()
            .filter(|message| message.to == to && message.text.contains(title));
        of_cell.cloned().collect()
    }

    /// Once the process that posted is dead: waits until everything that it managed to write was read.
    pub fn wait_until_all_is_read(&self) {
        // Accepted in order: when this one is answered, every earlier connection is counted.
        let last = Client::new(self.address, None).call(Call::new("GET", "/"));
        assert_eq!(last.status, 404);
        wait_until("the connections of the dead process have ended", || {
            self.shared.open.load(Ordering::SeqCst) == 0
        });
    }
}

impl Shared {
    fn answer(&self, reader: &mut BufReader<TcpStream>, body: &[u8]) -> std::io::Result<()> {
        if body.is_empty() {
            return reader
                .get_mut()
                .write_all(b"HTTP/1.1 404 x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
        let manner = self.manner.lock().unwrap().clone();
        let mut random = fastrand::Rng::with_seed(self.seed.fetch_add(1, Ordering::SeqCst));
        let accepted = random.u64(0..100) >= manner.refused_percent;
        let message: Value = serde_json::from_slice(body).expect("a message is JSON");
        let of = |field: &str| {
            message["data"][field]
                .as_str()
                .expect("a message is whole")
                .to_owned()
        };
        let (to, text) = (of("to"), of("text"));
        let refusal = manner.refusal.replace("{to}", &to).replace("{text}", &text);
        // Kept before it is answered: whoever has the answer finds the message here.
        self.taken.lock().unwrap().push(Taken {
            id: of("id"),
            to,
            text,
            accepted,
            at: Instant::now(),
        });
        let delay = manner.delay_max.mul_f64(random.f64());
        let until = Instant::now() + delay;
        while Instant::now() < until {
            std::thread::park_timeout(until - Instant::now());
        }
        let (status, said) = if accepted {
            (204, String::new())
        } else {
            let said = serde_json::json!({ "code": "418", "text": refusal });
            (400, said.to_string())
        };
        let head = format!(
            "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n{said}",
            said.len()
        );
        reader.get_mut().write_all(head.as_bytes())
    }
}

/// The body of the next request; `None` where the connection ended between two.
fn read_request(reader: &mut BufReader<TcpStream>) -> std::io::Result<Option<Vec<u8>>> {
    let (mut line, mut length, mut first) = (String::new(), 0, true);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return if first {
                Ok(None)
            } else {
                Err(std::io::ErrorKind::UnexpectedEof.into())
            };
        }
        first = false;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            if line.trim_end().is_empty() {
                break;
            }
            continue; // the request line
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length is a number");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

/// A call whose connection may break at any point, as it does when a process is killed.
pub fn try_call(client: &Client, call: Call) -> Attempt {
    match try_begin(client, call) {
        Ok(mut connection) => attempt(&mut connection),
        Err(attempt) => attempt,
    }
}

/// What came of a call.
#[derive(Debug)]
pub enum Attempt {
    Answered(crate::client::Reply),
    /// The request went out, or part of it, and no answer came.
    Cut,
    /// Nobody was there to take it.
    NotSent,
}

pub fn try_begin(client: &Client, call: Call) -> Result<Connection<TcpStream>, Attempt> {
    let stream = TcpStream::connect(client.address).map_err(|_| Attempt::NotSent)?;
    let limits = [
        stream.set_read_timeout(Some(Duration::from_secs(40))),
        stream.set_nodelay(true),
    ];
    assert!(limits.iter().all(Result::is_ok), "a socket takes its options");
    let mut connection = Connection::over(stream);
    match connection.try_write(&client.wire(call)) {
        Ok(()) => Ok(connection),
        Err(_) => Err(Attempt::Cut),
    }
}

pub fn attempt(connection: &mut Connection<TcpStream>) -> Attempt {
    match connection.read() {
        // An answer of these routes has a body; one that was cut behind its head has none.
        Ok(reply) if !reply.body.is_empty() => Attempt::Answered(reply),
        Ok(_) => Attempt::Cut,
        Err(error) => {
            let patience_ended = matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            );
            assert!(!patience_ended, "an answer took longer than the test waits");
            Attempt::Cut
        }
    }
}
