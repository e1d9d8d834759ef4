//! The throttle alone, as most people build it (`SET key value NX EX 120` on Redis with `appendfsync always`), beside ours.
//!
//! Both in one run, over the same loop-back with as many connections, in pairs of rounds. Redis keeps a key for two minutes and nothing else; a
//! send of ours also judges partner, contract type, permission, customer and phone, draws a code, keeps its HMAC, hands a message over, and keeps the outcome.

#![allow(clippy::print_stdout)] // a benchmark speaks to whoever runs it

mod support;

use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::drive::{Protocol, Round, Until, drive};
use support::{Server, gateway, median_range};

/// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 5;
const SECONDS: usize = 3;

fn main() {
    if support::serves() {
        return;
    }
    if Command::new("redis-server")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_err()
    {
        println!(
            "rivals: redis-server is not installed (Debian: apt-get install redis-server); nothing was measured"
        );
        return;
    }
    let rounds = support::variable("SPEED_ROUNDS", ROUNDS);
    println!(
        "{:<32} {:>10} {:>8} {:>8} {:>10} {:>8} {:>8} {:>7} {:>14}",
        "", "Redis/s", "p50", "p99", "ours/s", "p50", "p99", "ratio", "range"
    );
    for connections in [1, 64, 256] {
        for refused in [false, true] {
            row(connections, refused, rounds);
        }
    }
}

fn row(connections: usize, refused: bool, rounds: usize) {
    let mut pairs = Vec::new();
    for _ in 0..rounds {
        let redis = Redis::start();
        let theirs = redis.round(connections, refused);
        drop(redis);
        let gateway = Server::start("gateway");
        let ours = our_round(&gateway, connections, refused);
        pairs.push((theirs, ours));
    }
    let middle = |value: &dyn Fn(&(Round, Round)) -> f64| median_range(pairs.iter().map(value));
    let (ratio, low, high) = middle(&|(theirs, ours)| ours.per_second / theirs.per_second);
    let name = if refused { "refused" } else { "first" };
    println!(
        "{:<32} {:>10.0} {:>8.2} {:>8.2} {:>10.0} {:>8.2} {:>8.2} {ratio:>7.2} {:>14}",
        format!("{name}, {connections} connections"),
        middle(&|pair| pair.0.per_second).0,
        middle(&|pair| pair.0.p50_ms).0,
        middle(&|pair| pair.0.p99_ms).0,
        middle(&|pair| pair.1.per_second).0,
        middle(&|pair| pair.1.p50_ms).0,
        middle(&|pair| pair.1.p99_ms).0,
        format!("{low:.2} to {high:.2}"),
    );
}

fn time() -> Until {
    Until::Time(Duration::from_secs(
        support::variable("SPEED_SECONDS", SECONDS) as u64
    ))
}

fn our_round(server: &Server, connections: usize, refused: bool) -> Round {
    if refused {
        support::open_windows(server);
        let request = |n| {
            gateway::request(
                u32::try_from(n % u64::from(gateway::THROTTLED_CUSTOMERS)).expect("small"),
                0,
            )
        };
        return drive(
            &server.public,
            connections,
            time(),
            Protocol::Http,
            request,
            b"\"Reason\":9",
        );
    }
    drive(
        &server.public,
        connections,
        time(),
        Protocol::Http,
        gateway::first,
        b"\"Reason\":11",
    )
}

/// A Redis of its own, in a folder of its own.
struct Redis {
    child: Child,
    address: String,
    _folder: tempfile::TempDir,
}

impl Redis {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("a bound listener has an address").port();
        drop(free);
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .arg("--dir")
            .arg(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let address = format!("127.0.0.1:{port}");
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(&address).is_err() {
            assert!(
                std::time::Instant::now() < deadline,
                "redis-server does not listen"
            );
            std::thread::yield_now();
        }
        Self {
            child,
            address,
            _folder: folder,
        }
    }

    fn round(&self, connections: usize, refused: bool) -> Round {
        let command = |key: u64| {
            let key = format!("otp:{key:012}");
            format!(
                "*6\r\n$3\r\nSET\r\n${}\r\n{key}\r\n$1\r\n1\r\n$2\r\nNX\r\n$2\r\nEX\r\n$3\r\n120\r\n",
                key.len()
            )
            .into_bytes()
        };
        if refused {
            drive(
                &self.address,
                1,
                Until::Count(100),
                Protocol::Resp,
                command,
                b"+OK",
            );
            return drive(
                &self.address,
                connections,
                time(),
                Protocol::Resp,
                move |n| command(n % 100),
                b"$-1",
            );
        }
        drive(
            &self.address,
            connections,
            time(),
            Protocol::Resp,
            command,
            b"+OK",
        )
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
