//! Signatures a second through the whole pull path: poll, verify, sign, journal and audit log on disk, deliver; the gateway verifies each. Both run in
//! this process, on the machine's cores together.
//!
//! `cargo bench -p smartsign --bench pull [-- REQUESTS]`; the disk is that of the system's temporary directory.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a program for people who measure

#[path = "../tests/it/gateway.rs"]
#[allow(dead_code)] // the tests use all of it
mod gateway;
#[path = "../tests/it/world.rs"]
#[allow(dead_code)]
mod world;

use chrono::TimeDelta;
use smartsign::clock::{Clock as _, SystemClock};
use std::time::Instant;
use world::World;

/// Octets of a document: a receipt of some lines.
const DOCUMENT_OCTETS: usize = 2_048;

#[tokio::main]
async fn main() {
    let asked = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let requests: usize = asked.unwrap_or(2_000);
    let world = World::with(|config| config.gateway.poll_requests_max = 64).await;
    let (running, key) = world.ready().await;
    world.gateway.enrolled(1).await;
    let deadline = SystemClock.now() + TimeDelta::seconds(600);
    let content = vec![b'x'; DOCUMENT_OCTETS];

    // One after the other: what a single register feels.
    let mut times = Vec::new();
    for _ in 0..200 {
        let request = world.gateway.request(world.agent, key, &content, deadline);
        let began = Instant::now();
        world.gateway.settled(world.gateway.ask(request)).await;
        times.push(began.elapsed());
    }
    times.sort();
    println!(
        "one at a time: median {:?}, 99 of 100 within {:?}",
        times[100], times[197]
    );

    let prepared: Vec<_> = (0..requests)
        .map(|_| world.gateway.request(world.agent, key, &content, deadline))
        .collect();
    let began = Instant::now();
    for request in prepared {
        world.gateway.ask(request);
    }
    world.gateway.settled_count(requests + 200).await;
    let elapsed = began.elapsed().as_secs_f64();
    println!(
        "{requests} at once: {:.0} signatures a second",
        requests as f64 / elapsed
    );
    running.stop().await;
}
