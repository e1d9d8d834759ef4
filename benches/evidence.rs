//! Recorded containers a second beside durable first sends, in one run: the same client over as many connections, rounds in pairs, a gateway of
//! its own for each. Then receipts over HTTP, and proofs on one core of a log of 100,000 leaves.

#![allow(clippy::print_stdout)] // a benchmark speaks to whoever runs it

mod support;

/// The program's own.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

use actors::clock::SystemClock;
use actors::evidence::{EvidenceMetrics, EvidenceService, Parts, Settings};
use actors::machines::evidence::{Added, Limits};
use actors::random::OsRandomness;
use evidence::checkpoint::Signer;
use evidence::read_container;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::MemoryStore;
use support::drive::{Protocol, Round, Until, drive};
use support::{Server, gateway, median_range, variable};

/// Rounds of each pair; `EVIDENCE_ROUNDS` changes it.
const ROUNDS: usize = 5;
/// Seconds of one round.
const SECONDS: Duration = Duration::from_secs(4);
const CONNECTIONS: usize = 256;
/// Leaves of the log whose proofs are measured.
const LEAVES: u64 = 100_000;

/// The n-th container: of one of 20,000 clients, as sends have customers.
fn container(n: u64) -> Vec<u8> {
    let body = format!(
        r#"{{"ClientIntegrationId":"client {}","ContractId":{n},"SignDate":"01.01.2024","ContractVersion":"3","Documents":["http://test.com/doc.pdf"],"KeyTransport":"sms.ru","UserSignKey":"0001","UserSignHash":"o3275980rywefhjerty341","CompanyId":4188}}"#,
        n % 20_000
    );
    format!(
        "POST /api/v0/AddContractESignInfo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        gateway::INTEGRATION_KEY,
        body.len()
    )
    .into_bytes()
}

fn round(request: fn(u64) -> Vec<u8>, expected: &'static [u8]) -> Round {
    let server = Server::start("gateway");
    drive(
        &server.public,
        CONNECTIONS,
        Until::Time(SECONDS),
        Protocol::Http,
        request,
        expected,
    )
}

fn main() {
    if support::serves() {
        return;
    }
    let mut pairs = Vec::new();
    for _ in 0..variable("EVIDENCE_ROUNDS", ROUNDS) {
        let sends = round(gateway::first, br#""Reason":11"#);
        let adds = round(container, b"countersign-receipt");
        pairs.push((sends, adds));
    }
    let middle = |value: &dyn Fn(&(Round, Round)) -> f64| median_range(pairs.iter().map(value)).0;
    let (ratio, low, high) = median_range(
        pairs
            .iter()
            .map(|(sends, adds)| adds.per_second / sends.per_second),
    );
    println!("{CONNECTIONS} connections, {} rounds in pairs", pairs.len());
    println!(
        "first sends, durable:          {:>8.0}/s, p50 {:.1} ms, p99 {:.1} ms",
        middle(&|pair| pair.0.per_second),
        middle(&|pair| pair.0.p50_ms),
        middle(&|pair| pair.0.p99_ms)
    );
    println!(
        "recorded containers, durable:  {:>8.0}/s, p50 {:.1} ms, p99 {:.1} ms",
        middle(&|pair| pair.1.per_second),
        middle(&|pair| pair.1.p50_ms),
        middle(&|pair| pair.1.p99_ms)
    );
    println!("ratio: {ratio:.2} ({low:.2} to {high:.2})");
    proofs();
}

/// Everything on one thread.
fn proofs() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let service = EvidenceService::open(Parts {
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SystemClock::new()),
            randomness: Arc::new(OsRandomness),
            metrics: EvidenceMetrics::new(&prometheus::Registry::new()).expect("names are unique"),
            tasks: Default::default(),
            signers: vec![Signer::from_seed("bench/evidence", &[1; 32]).expect("a name")],
            former: Vec::new(),
            settings: Settings {
                limits: Limits {
                    containers_max: 100,
                    bytes_max: 4 << 20,
                },
                queue_max: 4_096,
                waiting_max: 4_096,
                contracts_max: 8,
                tiles_max: 1_024,
                checkpoint_fresh_for: Duration::from_millis(500),
            },
        });
        let service = service.await.expect("the log opens");
        let mut leaves = Vec::new();
        for from in (0..LEAVES).step_by(500) {
            let adds = (from..from + 500).map(|number| {
                let body = format!(
                    r#"{{"ClientIntegrationId":"{}","ContractId":{number},"SignDate":"01.01.2024"}}"#,
                    number % 1_000
                );
                service.add(
                    "bench",
                    read_container(body.as_bytes()).content.expect("a container"),
                )
            });
            for added in futures_util::future::join_all(adds).await {
                let Ok(Added::Recorded(leaf)) = added else {
                    panic!("not recorded")
                };
                leaves.push(leaf);
            }
        }
        let mut random = fastrand::Rng::with_seed(1);
        let tiles = service.tiles();
        let each = |what: &str, count: u32, began: Instant| {
            println!(
                "{what:<30} {:>8.0}/s on one core, {LEAVES} leaves",
                f64::from(count) / began.elapsed().as_secs_f64()
            );
        };
        let (count, began) = (200_000, Instant::now());
        for _ in 0..count {
            tiles
                .inclusion(random.u64(..LEAVES), LEAVES)
                .await
                .expect("read")
                .expect("a proof");
        }
        each("inclusion proofs:", count, began);
        let (count, began) = (200_000, Instant::now());
        for _ in 0..count {
            tiles
                .consistency(random.u64(1..LEAVES), LEAVES)
                .await
                .expect("read")
                .expect("a proof");
        }
        each("consistency proofs:", count, began);
        let (count, began) = (100_000, Instant::now());
        for _ in 0..count {
            service
                .receipt(leaves[random.usize(..leaves.len())])
                .await
                .expect("read")
                .expect("a receipt");
        }
        each("receipts:", count, began);
        let receipt = service
            .receipt(leaves[7])
            .await
            .expect("read")
            .expect("a receipt");
        let keys: Vec<_> = service.checkpoints().keys().cloned().collect();
        let (count, began) = (20_000, Instant::now());
        for _ in 0..count {
            receipt.verify(&keys).expect("it holds");
        }
        each("receipts verified:", count, began);
    });
}
