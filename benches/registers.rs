//! Cash registers: how many receipts a second through one agent, where a sale's time goes, and what a held sale costs. Gateway, agent and the
//! stand-in fiscal server are three processes; the agent pulls.

#![allow(clippy::print_stdout)] // a benchmark speaks to whoever runs it

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::tills::{FIRST, REGISTERS, sale};
use support::{Server, variable};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Registers that sell in parallel.
const SELLING: u64 = 100;
/// Sales held at once; the descriptor limit of a common machine is 20,000.
const HELD: u64 = 19_500;

struct Shop {
    _fiscal: Server,
    gateway: Server,
    agent: Server,
}

impl Shop {
    fn open() -> Self {
        let fiscal = Server::start_saying("fiscal", "", 1);
        let gateway = Server::start_saying("tills", &fiscal.public, 3);
        let beside = format!("{} {}", gateway.admin, gateway.said[2]);
        let agent = Server::start_saying("agent", &beside, 1);
        Self {
            _fiscal: fiscal,
            gateway,
            agent,
        }
    }
}

fn main() {
    if support::serves() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let what = std::env::var("REGISTERS_WHAT").unwrap_or_default();
    if what.is_empty() || what == "sell" {
        let shop = Shop::open();
        runtime.block_on(sell(&shop));
    }
    if what.is_empty() || what == "hold" {
        let shop = Shop::open();
        runtime.block_on(hold(&shop));
    }
}

async fn sell(shop: &Shop) {
    let numbers = Arc::new(AtomicU64::new(1));
    // Shifts open, caches fill.
    let warm = round(shop, SELLING, Duration::from_secs(3), None, &numbers).await;
    println!("warm-up: {} sales", warm.len());
    for number in 1..=variable("REGISTERS_ROUNDS", 3) {
        let before = Stages::of(&shop.gateway);
        let took = round(shop, SELLING, Duration::from_secs(8), None, &numbers).await;
        let stages = Stages::of(&shop.gateway).since(&before);
        let per_second = took.len() as f64 / 8.0;
        println!(
            "full {number}: {per_second:.0} receipts a second through {SELLING} registers; {}; {stages}",
            quantiles(&took)
        );
        // A fifth of that: each register sells at its own pace.
        let pause = Duration::from_secs_f64(SELLING as f64 / (per_second / 5.0));
        let before = Stages::of(&shop.gateway);
        let took = round(shop, SELLING, Duration::from_secs(8), Some(pause), &numbers).await;
        let stages = Stages::of(&shop.gateway).since(&before);
        println!(
            "a fifth {number}: {:.0} receipts a second; {}; {stages}",
            took.len() as f64 / 8.0,
            quantiles(&took)
        );
    }
}

/// Each register sells on a connection of its own; gives each sale's time in microseconds.
async fn round(
    shop: &Shop,
    registers: u64,
    length: Duration,
    pause: Option<Duration>,
    numbers: &Arc<AtomicU64>,
) -> Vec<u64> {
    let ends = Instant::now() + length;
    let tills: Vec<_> = (0..registers)
        .map(|index| {
            let (address, numbers) = (shop.gateway.public.clone(), Arc::clone(numbers));
            tokio::spawn(async move {
                let mut line = connect(&address).await;
                let mut took = Vec::new();
                if let Some(pause) = pause {
                    tokio::time::sleep(pause.mul_f64(index as f64 / registers as f64)).await;
                }
                while Instant::now() < ends {
                    let began = Instant::now();
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    line.write_all(&sale(FIRST + index, number))
                        .await
                        .expect("the gateway reads");
                    let (status, answer) = read(&mut line).await;
                    assert_eq!(status, 200, "{answer}");
                    took.push(u64::try_from(began.elapsed().as_micros()).expect("less than ages"));
                    if let Some(pause) = pause {
                        tokio::time::sleep(pause.saturating_sub(began.elapsed())).await;
                    }
                }
                took
            })
        })
        .collect();
    let mut all = Vec::new();
    for till in tills {
        all.extend(till.await.expect("a till does not panic"));
    }
    all.sort_unstable();
    all
}

async fn hold(shop: &Shop) {
    let numbers = Arc::new(AtomicU64::new(1));
    // Every register's shift is opened by its first sale, so that what is held is one document each and what waits behind it.
    let opened = open_shifts(shop, &numbers).await;
    println!("{opened} registers sold once");
    let seconds = variable("REGISTERS_HOLD_SECONDS", 28) as u64;
    stop(&shop.agent);
    let before = shop.gateway.resident_bytes();
    let began = Instant::now();
    let mut lines = Vec::new();
    for index in 0..HELD {
        let mut line = connect(&shop.gateway.public).await;
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        line.write_all(&sale(FIRST + index % REGISTERS, number))
            .await
            .expect("the gateway reads");
        lines.push((Instant::now(), line));
    }
    while shop.gateway.in_flight() < HELD {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let opened = began.elapsed();
    let after = shop.gateway.resident_bytes();
    println!(
        "held: {HELD} sales over {REGISTERS} registers, all in after {:.1} s: {} bytes each ({} MB in all)",
        opened.as_secs_f64(),
        after.saturating_sub(before) / HELD,
        after / 1_000_000,
    );
    let cpu = shop.gateway.cpu();
    let idle = Duration::from_secs(5);
    tokio::time::sleep(idle).await;
    println!(
        "idle: {:.1} % of a core",
        (shop.gateway.cpu() - cpu).as_secs_f64() / idle.as_secs_f64() * 100.0
    );
    if std::env::var("REGISTERS_END").as_deref() == Ok("shutdown") {
        let told = Instant::now();
        terminate(&shop.gateway);
        let late = answers(lines, |_| told).await;
        println!("shutdown: {late}");
        return;
    }
    let late = answers(lines, |sent| sent + Duration::from_secs(seconds)).await;
    println!("deadline: {late}");
}

async fn open_shifts(shop: &Shop, numbers: &Arc<AtomicU64>) -> u64 {
    let tills: Vec<_> = (0..SELLING)
        .map(|first| {
            let (address, numbers) = (shop.gateway.public.clone(), Arc::clone(numbers));
            tokio::spawn(async move {
                let mut line = connect(&address).await;
                for index in (first..REGISTERS).step_by(usize::try_from(SELLING).expect("a hundred")) {
                    let number = numbers.fetch_add(1, Ordering::Relaxed);
                    line.write_all(&sale(FIRST + index, number))
                        .await
                        .expect("the gateway reads");
                    let (status, answer) = read(&mut line).await;
                    assert_eq!(status, 200, "{answer}");
                }
            })
        })
        .collect();
    for till in tills {
        till.await.expect("a till does not panic");
    }
    REGISTERS
}

/// Reads every answer; says by code how many there were, and how late the last came after its moment.
async fn answers(lines: Vec<(Instant, TcpStream)>, due: impl Fn(Instant) -> Instant) -> String {
    let mut codes = std::collections::BTreeMap::<String, u64>::new();
    let tasks: Vec<_> = lines
        .into_iter()
        .map(|(sent, mut line)| {
            tokio::spawn(async move {
                let (status, answer) = read(&mut line).await;
                let code = answer
                    .split("\"code\":\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next());
                (sent, Instant::now(), format!("{status} {}", code.unwrap_or("-")))
            })
        })
        .collect();
    let mut latest = Duration::ZERO;
    for task in tasks {
        let (sent, came, code) = task.await.expect("a till does not panic");
        latest = latest.max(came.saturating_duration_since(due(sent)));
        *codes.entry(code).or_default() += 1;
    }
    format!(
        "{codes:?}, the last {:.2} s after its moment",
        latest.as_secs_f64()
    )
}

async fn connect(address: &str) -> TcpStream {
    let line = TcpStream::connect(address).await.expect("the gateway listens");
    line.set_nodelay(true).expect("a socket takes its options");
    line
}

/// One answer: its status and body.
async fn read(line: &mut TcpStream) -> (u16, String) {
    let mut bytes = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            let length: usize = length.expect("every answer has a length");
            if body.len() >= length {
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                return (status.expect("a status"), body.to_owned());
            }
        }
        let read = line.read(&mut piece).await.expect("the gateway answers");
        assert!(
            read > 0,
            "the gateway closed: {}",
            String::from_utf8_lossy(&bytes)
        );
        bytes.extend_from_slice(&piece[..read]);
    }
}

fn quantiles(took: &[u64]) -> String {
    let at = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
        let index = (took.len() as f64 * share) as usize;
        took[index.min(took.len() - 1)] as f64 / 1_000.0
    };
    format!("p50 {:.1} ms, p99 {:.1} ms", at(0.5), at(0.99))
}

/// Where the time of sales went, out of the gateway's own histograms.
struct Stages {
    sign: (f64, f64),
    register: (f64, f64),
    commit: (f64, f64),
    answers: f64,
}

impl Stages {
    fn of(gateway: &Server) -> Self {
        let pair = |name: &str| {
            (
                gateway.sum(&format!("{name}_sum")),
                gateway.sum(&format!("{name}_count")),
            )
        };
        Self {
            sign: pair("countersign_agent_sign_seconds"),
            register: pair("countersign_tax_post_seconds"),
            commit: pair("countersign_store_group_seconds"),
            answers: gateway.sum("countersign_register_answers_total"),
        }
    }

    fn since(&self, before: &Self) -> Self {
        let minus = |now: (f64, f64), then: (f64, f64)| (now.0 - then.0, now.1 - then.1);
        Self {
            sign: minus(self.sign, before.sign),
            register: minus(self.register, before.register),
            commit: minus(self.commit, before.commit),
            answers: self.answers - before.answers,
        }
    }
}

impl std::fmt::Display for Stages {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mean = |(sum, count): (f64, f64)| if count > 0.0 { sum / count * 1_000.0 } else { 0.0 };
        write!(
            out,
            "means: sign {:.2} ms, register {:.2} ms, commit {:.2} ms ({:.1} groups of commits a sale)",
            mean(self.sign),
            mean(self.register),
            mean(self.commit),
            self.commit.1 / self.answers.max(1.0)
        )
    }
}

fn stop(server: &Server) {
    server.signal(rustix::process::Signal::STOP);
}

fn terminate(server: &Server) {
    server.signal(rustix::process::Signal::TERM);
}
