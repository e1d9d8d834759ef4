//! What a customer in memory and a held request cost.

#![allow(clippy::print_stdout)] // a benchmark speaks to whoever runs it

mod support;

use support::drive::{Protocol, Until, drive};
use support::{Server, gateway};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Requests held at once: with the 500 before them just below `limits.in_flight_max`.
const HELD: u32 = 3_500;

fn main() {
    if support::serves() {
        return;
    }
    let server = Server::start("gateway");
    let ask = |count: u64, from: u64| {
        let request = move |n: u64| gateway::first(from + n);
        drive(
            &server.public,
            64,
            Until::Count(count),
            Protocol::Http,
            request,
            b"\"Reason\":11",
        );
    };
    ask(1_000, 0); // pools, arenas and the first pages of the store
    let before = server.resident_bytes();
    let customers = u64::from(gateway::CUSTOMERS) - 1_000;
    ask(customers, 1_000);
    let after = server.resident_bytes();
    println!(
        "idle customer with one live code, its rows in the store's cache and its window published: {} bytes ({customers} customers, {} MB in all)",
        after.saturating_sub(before) / customers,
        after / 1_000_000,
    );
    drop(server);

    let server = Server::start("gateway-silent");
    let held = |from: u32, count: u32| {
        let mut streams = Vec::new();
        for customer in from..from + count {
            let stream = TcpStream::connect(server.public.clone());
            streams.push((stream, gateway::request(customer, 0)));
        }
        streams
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let mut open = Vec::new();
        let mut hold = async |from, count| {
            for (stream, request) in held(from, count) {
                let mut stream = stream.await.expect("the server listens");
                stream.write_all(&request).await.expect("the server reads");
                open.push(stream);
            }
            while server.in_flight() < u64::from(from + count) {
                tokio::task::yield_now().await;
            }
        };
        hold(0, 500).await;
        let before = server.resident_bytes();
        hold(500, HELD).await;
        let after = server.resident_bytes();
        println!(
            "held send: connection, request, its customer's actor, task and timer: {} bytes ({HELD} held, {} MB in all)",
            after.saturating_sub(before) / u64::from(HELD),
            after / 1_000_000,
        );
    });
}
