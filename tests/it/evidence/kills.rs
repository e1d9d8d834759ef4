//! kill -9 of the real program while containers come in: what was acknowledged stays, and the log goes on from there.

use super::desk::{ADD, GET, codes, containers, receipt};
use crate::client::{Call, Client, Connection};
use crate::process::{Dev, run};
use crate::world::wait_until;
use evidence::checkpoint::{Head, Verifier};
use evidence::hex;
use evidence::tree::{Hash, is_consistent};
use rustix::process::Signal;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const WORKERS: u64 = 8;

fn client(dev: &Dev) -> Client {
    let key = dev.file["integrations"][0]["key"].as_str().unwrap().to_owned();
    dev.partner().with_key(&key)
}

fn body(number: u64) -> String {
    format!(
        r#"{{"ClientIntegrationId":"client {}","ContractId":{number},"SignDate":"01.01.2024","UserSignKey":"canary-canary-{number}"}}"#,
        number % 50
    )
}

/// Adds as fast as answers come, until the program is gone; gives what was acknowledged.
fn load_and_kill(dev: &Dev, next: &AtomicU64, acknowledged: &Mutex<BTreeMap<u64, String>>, enough: usize) {
    let client = client(dev);
    let before = acknowledged.lock().unwrap().len();
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut connection = Connection::open(client.address);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let call = Call::new("POST", ADD).bytes(body(number).as_bytes());
                    if connection.try_write(&client.wire(call)).is_err() {
                        return;
                    }
                    let Ok(reply) = connection.read() else { return };
                    let path = reply.header("countersign-receipt").map(str::to_owned);
                    let path = path.unwrap_or_else(|| panic!("{:?}", codes(&reply)));
                    acknowledged.lock().unwrap().insert(number, path);
                }
            });
        }
        wait_until("the load has run", || {
            acknowledged.lock().unwrap().len() >= before + enough
        });
        dev.signal(Signal::KILL);
    });
}

fn checkpoint(dev: &Dev, keys: &[Verifier]) -> Head {
    Head::verified(&client(dev).without_key().get("/log/checkpoint").text(), keys).unwrap()
}

fn consistent(dev: &Dev, older: &Head, newer: &Head) -> bool {
    let path = format!("/log/proof/consistency?from={}&to={}", older.size, newer.size);
    let reply = client(dev).without_key().get(&path).json();
    let hashes = reply["hashes"].as_array().unwrap().clone();
    let hashes: Vec<Hash> = hashes
        .iter()
        .map(|hash| Hash(hex::decode(hash.as_str().unwrap()).unwrap()))
        .collect();
    is_consistent(older.size, &older.root, newer.size, &newer.root, &hashes)
}

#[test]
fn every_acknowledged_receipt_holds_after_each_kill_and_no_index_is_given_twice() {
    let cycles = std::env::var("CRASH_CYCLES")
        .ok()
        .map_or(5, |text| text.parse().expect("a number"));
    let mut random = fastrand::Rng::with_seed(2_026);
    let settings = ["evidence.audit_leaves_per_second=0"];
    let mut dev = Dev::start(&settings);
    let keys = vec![dev.file["evidence_key"].as_str().unwrap().parse().unwrap()];
    let (next, acknowledged) = (AtomicU64::new(0), Mutex::new(BTreeMap::new()));
    let mut heads: Vec<Head> = Vec::new();
    for cycle in 0..cycles {
        load_and_kill(&dev, &next, &acknowledged, random.usize(100..400));
        dev = dev.start_again(&settings);
        let head = checkpoint(&dev, &keys);
        for older in &heads {
            assert!(older.size <= head.size, "checkpoints are monotone");
            assert!(consistent(&dev, older, &head), "the log has not forked");
        }
        let known = acknowledged.lock().unwrap().clone();
        let mut indexes = BTreeSet::new();
        for (number, path) in &known {
            let receipt = receipt(&client(&dev), path);
            let under = receipt
                .verify(&keys)
                .unwrap_or_else(|refuted| panic!("{number}: {refuted}"));
            assert!(under.size >= head.size);
            assert!(indexes.insert(receipt.index), "index {} twice", receipt.index);
        }
        println!(
            "cycle {cycle}: {} acknowledged, {} in the log",
            known.len(),
            head.size
        );
        assert!(head.size >= u64::try_from(known.len()).unwrap());
        heads.push(head);
    }
    let known = acknowledged.into_inner().unwrap();
    for (number, path) in known.iter().step_by(17) {
        let asked = json!({ "ClientIntegrationId": format!("client {}", number % 50), "ContractId": number });
        let found = containers(&client(&dev).post(GET, &asked));
        assert_eq!(
            (found.len(), &found[0]["Receipt"]),
            (1, &json!(path)),
            "contract {number}"
        );
    }
    // The whole log, from the command line.
    let data = dev.data.to_str().unwrap().to_owned();
    let (code, stdout, stderr) = run(&["audit", "--full", "--dev", &data]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("is as it was recorded"), "{stdout}");
    let log = dev.log();
    assert!(!log.contains("canary-canary"), "a key of a container was logged");
}
