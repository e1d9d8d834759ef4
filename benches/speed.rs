//! What the gateway costs beside a bare warp "hello" on the same accept loop, in one run, with wrk on the same machine.
//!
//! Each server is a process of its own (this program again). Rounds alternate: hello, gateway, hello, gateway; the ratio is taken pair by pair, and
//! its median and range are printed. Sends go to an operator in the process that takes everything at once.

#![allow(clippy::print_stdout)] // a benchmark speaks to whoever runs it

mod support;

/// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use support::{Load, Row, Server, median_range};

/// Rounds of each pair; `SPEED_ROUNDS` changes it. `SPEED_ONLY` names what is measured by a part of its name.
const ROUNDS: usize = 5;

fn main() {
    if support::serves() {
        return;
    }
    if !support::has_wrk() {
        println!("speed: wrk is not installed (Debian: apt-get install wrk); nothing was measured");
        return;
    }
    let rounds = support::variable("SPEED_ROUNDS", ROUNDS);
    let only = std::env::var("SPEED_ONLY").unwrap_or_default();
    let hello = Server::start("hello");
    println!(
        "{:<44} {:>10} {:>10} {:>8} {:>16} {:>9} {:>9}",
        "", "hello/s", "ours/s", "ratio", "range", "p50", "p99"
    );
    for (name, load, connections) in [
        ("throttled send (Reason 9), 64 connections", Load::Throttled, 64),
        ("throttled send (Reason 9), 256 connections", Load::Throttled, 256),
        ("unknown customer (Reason 4), 64 connections", Load::Unknown, 64),
        ("first send, durable, 64 connections", Load::First, 64),
        ("first send, durable, 256 connections", Load::First, 256),
        ("first send, operator by HTTP, 256", Load::FirstOverHttp, 256),
    ]
    .into_iter()
    .filter(|(name, ..)| name.contains(&only))
    {
        let mut rows = Vec::new();
        for _ in 0..rounds {
            let bare = support::wrk(&hello, Load::Hello, connections);
            // A gateway of its own for each round: no window is met twice, no database grows.
            let operator = (load == Load::FirstOverHttp).then(|| Server::start("operator"));
            let role = if operator.is_some() {
                "gateway-http"
            } else {
                "gateway"
            };
            let gateway = Server::start_beside(role, operator.as_ref());
            support::warm_up(&gateway, load, connections);
            let before = support::answers(&gateway, load);
            let ours = support::wrk(&gateway, load, connections);
            support::assert_answers(&gateway, load, before, ours.requests);
            rows.push(Row { bare, ours });
        }
        let (ratio, low, high) =
            median_range(rows.iter().map(|row| row.ours.per_second / row.bare.per_second));
        let middle = |value: fn(&Row) -> f64| median_range(rows.iter().map(value)).0;
        println!(
            "{name:<44} {:>10.0} {:>10.0} {ratio:>8.2} {:>16} {:>6.2} ms {:>6.2} ms",
            middle(|row| row.bare.per_second),
            middle(|row| row.ours.per_second),
            format!("{low:.2} to {high:.2}"),
            middle(|row| row.ours.p50_ms),
            middle(|row| row.ours.p99_ms),
        );
    }
}
