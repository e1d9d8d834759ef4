//! Every operation of the store, broken in every way: what was acknowledged is there, no index is given twice, the log never forks.

use crate::evidence_world::{Log, container, debt, identity, keys, open, try_open};
use actors::evidence::{audit_head, audit_leaves, rows};
use actors::machines::evidence::Added;
use evidence::Receipt;
use evidence::tree::{Hash, is_consistent};
use std::collections::HashMap;
use std::sync::Arc;
use storage::fault::{Fault, FaultStore};
use storage::{Batch, Key, MemoryStore, Store};

const DEBT_ROW: u128 = 7;

/// A debt as a verification leaves it.
async fn owe(store: &dyn Store) {
    let owed = debt(DEBT_ROW);
    let mut batch = Batch::default();
    let key = Key::table("evidence-owed")
        .raw(owed.challenge.0.as_bytes())
        .build();
    batch.put(key, storage::record::encode(&owed).unwrap());
    store.commit(batch).await.unwrap();
}

/// What callers were told.
#[derive(Default)]
struct Told {
    leaves: Vec<(u64, Hash)>,
    receipts: Vec<Receipt>,
}

async fn history(log: &Log, told: &mut Told) {
    for round in 0..6_u64 {
        let adds = (0..5).map(|number| {
            let number = 5 * round + number;
            async move {
                (
                    number,
                    log.service
                        .add("i", container(&format!("c{}", number % 3), number, ""))
                        .await,
                )
            }
        });
        let adds = futures_util::future::join(futures_util::future::join_all(adds), log.service.pay_debts());
        let (added, _) = adds.await;
        for (number, outcome) in added {
            if let Ok(Added::Recorded(leaf)) = outcome {
                told.leaves.push((number, leaf));
                if let Ok(Some(receipt)) = log.service.receipt(leaf).await {
                    told.receipts.push(receipt);
                }
            }
        }
    }
}

async fn check_after(store: Arc<dyn Store>, told: &Told, what: &str) -> u64 {
    let log = open(Arc::clone(&store), 99).await;
    log.service.pay_debts().await.unwrap();
    let size = log.service.tiles().durable();
    let mut indexes = HashMap::new();
    for (number, leaf) in &told.leaves {
        let receipt = log.receipt(*leaf).await;
        let head = receipt
            .verify(&keys())
            .unwrap_or_else(|refuted| panic!("{what}: {refuted}"));
        assert_eq!(head.size, size, "{what}");
        assert_eq!(
            indexes.insert(receipt.index, leaf),
            None,
            "{what}: an index twice"
        );
        let kept = log
            .service
            .recorded("i", &identity(&format!("c{}", number % 3), *number))
            .await
            .unwrap();
        assert!(
            kept.iter().any(|kept| kept.hash == *leaf),
            "{what}: what was acknowledged is kept"
        );
    }
    let root = log.service.tiles().root(size).await.unwrap();
    for receipt in &told.receipts {
        let head = receipt.verify(&keys()).unwrap();
        let path = log
            .service
            .tiles()
            .consistency(head.size, size)
            .await
            .unwrap()
            .unwrap();
        assert!(
            is_consistent(head.size, &head.root, size, &root, &path),
            "{what}: the log has forked"
        );
    }
    let owed = log
        .service
        .recorded("i", &identity("1001", 313_527))
        .await
        .unwrap();
    assert_eq!(owed.len(), 1, "{what}: the debt is paid once");
    let page = audit_leaves(store.as_ref(), 0, 1_024, true).await.unwrap();
    assert_eq!((page.next, page.findings), (size, vec![]), "{what}");
    assert_eq!(audit_head(&store, &keys()).await.unwrap(), vec![], "{what}");
    for index in 0..size {
        assert!(
            rows::leaf_at(store.as_ref(), index).await.unwrap().is_some(),
            "{what}: no gap at {index}"
        );
    }
    size
}

async fn sweep(fault: Fault) -> (u64, u64) {
    let (mut at, mut least) = (1, u64::MAX);
    loop {
        let memory = Arc::new(MemoryStore::new());
        owe(memory.as_ref()).await;
        let broken = Arc::new(FaultStore::new(Arc::clone(&memory) as Arc<dyn Store>, fault, at));
        let mut told = Told::default();
        if let Ok(log) = try_open(Arc::clone(&broken) as Arc<dyn Store>, at).await {
            history(&log, &mut told).await;
            log.tasks.close();
            log.tasks.wait().await;
        }
        let was_reached = broken.was_reached();
        // As after a loss of power: what nobody had waited for is gone.
        let left: Arc<dyn Store> = match fault {
            Fault::Refuse => memory,
            _ => Arc::new(memory.crash()),
        };
        let size = check_after(left, &told, &format!("{fault:?} at {at}")).await;
        assert!(size > 0);
        least = least.min(u64::try_from(told.leaves.len()).unwrap());
        if !was_reached {
            assert_eq!(told.leaves.len(), 30, "without a fault everything is recorded");
            return (at, least);
        }
        at += 1;
    }
}

#[tokio::test]
async fn a_store_that_fails_at_any_operation_loses_nothing_that_was_acknowledged() {
    for fault in [Fault::Refuse, Fault::Fail, Fault::Lose] {
        let (operations, least) = sweep(fault).await;
        println!("{fault:?}: {operations} operations broken, at worst {least} of 30 acknowledged");
        assert!(operations > 20, "{fault:?}: {operations}");
        assert!(least < 30, "{fault:?}: some were refused");
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_the_log_goes_on_without_a_restart_when_there_is_space() {
    let (mut at, mut refused) = (1, 0);
    loop {
        let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let broken = Arc::new(FaultStore::new(Arc::clone(&memory), Fault::Refuse, at));
        let log = open(Arc::clone(&broken) as Arc<dyn Store>, at).await;
        let number = 1_000 + at;
        let first = log.service.add("i", container("c", number, "")).await;
        refused += u32::from(first.is_err());
        let again = log.add(container("c", number, "")).await;
        assert!(log.receipt(again).await.verify(&keys()).is_ok());
        if !broken.was_reached() {
            assert_eq!(refused, 1, "the commit was among the operations");
            return;
        }
        at += 1;
    }
}
