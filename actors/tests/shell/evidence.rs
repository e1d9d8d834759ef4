//! What is recorded, how it is proved, and that every turned bit is found.

use crate::evidence_world::{Log, container, debt, identity, keys, open, settings, signer, try_open};
use crate::golden::from_hex;
use actors::evidence::{audit_head, audit_leaves, audit_owed, rows};
use actors::machines::evidence::{Added, Place};
use evidence::checkpoint::Head;
use evidence::tile::TileId;
use evidence::tree::{Hash, is_consistent, is_included};
use evidence::{Leaf, hex};
use std::sync::Arc;
use std::time::Duration;
use storage::fault::FlippedStore;
use storage::record::{decode, encode};
use storage::{Batch, Key, MemoryStore, Store};

async fn filled(store: &Arc<dyn Store>, count: u64) -> (Log, Vec<Hash>) {
    let log = open(Arc::clone(store), 1).await;
    let mut leaves = Vec::new();
    for number in 0..count {
        let more = format!(r#","UserSignKey":"{number:04}","CompanyId":{}"#, number % 7);
        leaves.push(
            log.add(container(&format!("client {}", number % 10), number, &more))
                .await,
        );
    }
    (log, leaves)
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

#[tokio::test]
async fn what_is_recorded_comes_back_and_the_same_again_is_the_same_fact() {
    let store = memory();
    let log = open(Arc::clone(&store), 1).await;
    let first = container("c", 1, r#","UserSignHash":"x""#);
    let leaf = log.add(first.clone()).await;
    log.clock.advance(Duration::from_secs(5));
    assert_eq!(log.add(first.clone()).await, leaf);
    let other = log.add(container("c", 1, "")).await;
    assert_ne!(other, leaf);
    let company = log.add(container("c", 1, r#","CompanyId":"9""#)).await;
    let found = log.service.recorded("i", &identity("c", 1)).await.unwrap();
    let seen: Vec<_> = found
        .iter()
        .map(|kept| (kept.hash, kept.leaf.version, kept.index))
        .collect();
    assert_eq!(seen, [(leaf, 1, 0), (other, 2, 1), (company, 1, 2)]);
    assert_eq!(found[0].leaf.container, first);
    assert_eq!(found[1].leaf.recorded_seconds - found[0].leaf.recorded_seconds, 5);
    // Another integration sees nothing of it, and of the same container makes a fact of its own.
    assert_eq!(
        log.service.recorded("other", &identity("c", 1)).await.unwrap(),
        []
    );
    let Ok(Added::Recorded(theirs)) = log.service.add("other", first).await else {
        panic!("recorded")
    };
    assert_ne!(theirs, leaf);
}

#[tokio::test]
async fn the_same_container_from_many_at_once_is_one_leaf() {
    let store = memory();
    let log = open(Arc::clone(&store), 1).await;
    let adds = (0..64).map(|_| log.add(container("c", 1, "")));
    let leaves = futures_util::future::join_all(adds).await;
    assert!(leaves.iter().all(|leaf| *leaf == leaves[0]));
    assert_eq!(log.service.tiles().durable(), 1);
    let adds = (0..64).map(|number| log.add(container("c", 2, &format!(r#","KeyTransport":"{number}""#))));
    futures_util::future::join_all(adds).await;
    let found = log.service.recorded("i", &identity("c", 2)).await.unwrap();
    let versions: Vec<u32> = found.iter().map(|kept| kept.leaf.version).collect();
    assert_eq!(
        versions,
        (1..=64).collect::<Vec<u32>>(),
        "in the order of the log"
    );
}

#[tokio::test]
async fn a_container_of_half_a_megabyte_is_kept_whole() {
    let store = memory();
    let log = open(Arc::clone(&store), 1).await;
    let links = vec![format!("\"{}\"", "ж".repeat(2_048)); 100].join(",");
    let large: Vec<_> = (0..4)
        .map(|number| container("c", number, &format!(r#","Documents":[{links}]"#)))
        .collect();
    let adds = large.iter().map(|container| log.add(container.clone()));
    futures_util::future::join_all(adds).await;
    for (number, container) in (0..).zip(&large) {
        let found = log.service.recorded("i", &identity("c", number)).await.unwrap();
        assert_eq!(found[0].leaf.container, *container);
    }
    let page = audit_leaves(store.as_ref(), 0, 4, true).await.unwrap();
    assert_eq!((page.next, page.findings), (4, vec![]));
}

#[tokio::test]
async fn a_receipt_is_there_at_once_and_checkpoints_are_monotone_over_restarts() {
    let store = memory();
    let mut heads: Vec<Head> = Vec::new();
    for round in 0..4_u64 {
        let log = open(Arc::clone(&store), round).await;
        for number in 0..100 {
            let leaf = log.add(container("c", 1_000 * round + number, "")).await;
            let receipt = log.receipt(leaf).await;
            let head = receipt.verify(&keys()).unwrap();
            assert_eq!(receipt.index, round * 100 + number);
            assert!(head.size > receipt.index);
            heads.push(head);
        }
        let kept = log
            .service
            .checkpoints()
            .keep(store.as_ref(), &mut None)
            .await
            .unwrap();
        assert_eq!(kept.unwrap().size, (round + 1) * 100);
        log.service.drain(Duration::from_secs(5)).await;
    }
    let log = open(Arc::clone(&store), 9).await;
    for pair in heads.windows(2) {
        let [older, newer] = pair else { unreachable!() };
        assert!(older.size <= newer.size);
        let path = log
            .service
            .tiles()
            .consistency(older.size, newer.size)
            .await
            .unwrap()
            .unwrap();
        assert!(is_consistent(
            older.size,
            &older.root,
            newer.size,
            &newer.root,
            &path
        ));
    }
}

#[tokio::test]
async fn a_checkpoint_is_signed_anew_only_when_it_is_old_or_too_small() {
    let store = memory();
    let (log, _) = filled(&store, 3).await;
    let first = log.service.checkpoints().current(0).await.unwrap();
    assert_eq!(first.size, 3);
    let leaf = log.add(container("c", 77, "")).await;
    assert_eq!(
        log.service.checkpoints().current(0).await.unwrap(),
        first,
        "it is fresh"
    );
    log.clock.advance(Duration::from_millis(500));
    assert_eq!(log.service.checkpoints().current(0).await.unwrap().size, 4);
    log.add(container("c", 78, "")).await;
    assert_eq!(
        log.receipt(leaf).await.verify(&keys()).unwrap().size,
        4,
        "it covers the leaf"
    );
    let last = log.add(container("c", 79, "")).await;
    assert_eq!(
        log.receipt(last).await.verify(&keys()).unwrap().size,
        6,
        "it did not"
    );
}

#[tokio::test]
async fn a_log_that_is_behind_its_checkpoint_or_another_does_not_start() {
    let store = memory();
    let (log, _) = filled(&store, 5).await;
    log.service
        .checkpoints()
        .keep(store.as_ref(), &mut None)
        .await
        .unwrap();
    log.service.drain(Duration::from_secs(5)).await;
    let kept = rows::checkpoint_kept(store.as_ref()).await.unwrap().unwrap();
    let key = Key::table("evidence-checkpoint").build();
    for (size, root, said) in [
        (6, kept.root, "behind" /* of what was signed */),
        (5, [1; 32], "not those that were signed"),
    ] {
        let mut batch = Batch::default();
        let record = rows::CheckpointRecord {
            size,
            root,
            ..kept.clone()
        };
        batch.put(key.clone(), encode(&record).unwrap());
        store.commit(batch).await.unwrap();
        let refused = try_open(Arc::clone(&store), 2)
            .await
            .err()
            .expect("it does not start");
        assert!(
            refused.contains(said) || refused.contains("was signed"),
            "{refused}"
        );
        assert_eq!(audit_head(&store, &keys()).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn every_proof_of_a_thousand_containers_verifies_from_the_store() {
    let store = memory();
    let (_, leaves) = filled(&store, 1_000).await;
    // Read anew, so that tiles come from the store.
    let log = open(Arc::clone(&store), 2).await;
    let tiles = log.service.tiles();
    let root = tiles.root(1_000).await.unwrap();
    for (index, leaf) in (0..).zip(&leaves) {
        let path = tiles.inclusion(index, 1_000).await.unwrap().unwrap();
        assert!(is_included(leaf, index, 1_000, &path, &root), "leaf {index}");
    }
    let sizes: Vec<u64> = (1..=50).map(|place| place * 20).collect();
    for &older in &sizes {
        let older_root = tiles.root(older).await.unwrap();
        for &newer in sizes.iter().filter(|newer| **newer >= older) {
            let path = tiles.consistency(older, newer).await.unwrap().unwrap();
            let newer_root = tiles.root(newer).await.unwrap();
            assert!(
                is_consistent(older, &older_root, newer, &newer_root, &path),
                "{older} to {newer}"
            );
        }
    }
    assert_eq!(tiles.inclusion(0, 1_001).await.unwrap(), None, "not durable");
    assert_eq!(tiles.inclusion(1_000, 1_000).await.unwrap(), None);
    assert_eq!(tiles.consistency(0, 7).await.unwrap(), None);
}

/// All pages, and the head.
async fn audited(store: &Arc<dyn Store>) -> Vec<String> {
    let (mut at, mut found) = (0, Vec::new());
    loop {
        let page = audit_leaves(store.as_ref(), at, 1_024, true).await.unwrap();
        found.extend(page.findings.into_iter().map(|finding| finding.what));
        if page.next >= page.size {
            break;
        }
        at = page.next;
    }
    let head = audit_head(store, &keys()).await.unwrap();
    found.extend(head.into_iter().map(|finding| finding.what));
    found
}

#[tokio::test]
async fn every_turned_bit_of_a_hundred_containers_is_found_and_named() {
    let store = memory();
    let (log, leaves) = filled(&store, 1_000).await;
    log.service
        .checkpoints()
        .keep(store.as_ref(), &mut None)
        .await
        .unwrap();
    let flipped = Arc::new(FlippedStore::new(Arc::clone(&store)));
    let as_store = Arc::clone(&flipped) as Arc<dyn Store>;
    assert_eq!(
        audited(&as_store).await,
        Vec::<String>::new(),
        "nothing is wrong before"
    );
    let mut turned = 0;
    for index in (0..1_000_u64).step_by(10) {
        let record = rows::leaf_at(store.as_ref(), index).await.unwrap().unwrap();
        let hash = leaves[usize::try_from(index).unwrap()];
        for row in [
            rows::container_row(record.place, 0),
            rows::leaf_row(index),
            rows::hash_row(hash),
        ] {
            let bits = 8 * store.get(row.clone()).await.unwrap().unwrap().value.len();
            for bit in 0..bits {
                flipped.flip(row.clone(), bit);
                // The one leaf's tile: a page begins at a multiple of 256.
                let page = audit_one(&as_store, index).await;
                let named = page.iter().any(|(what, detail)| {
                    *what == format!("{row:?}")
                        || detail.contains(&format!("leaf {index}"))
                        || detail.contains("leaf's own row")
                });
                assert!(named, "bit {bit} of {row:?}: {page:?}");
                turned += 1;
            }
        }
    }
    assert!(turned > 100 * 8 * 200, "{turned} bits were turned");
    println!("{turned} turned bits were found");
}

/// What an audit of one leaf finds, without the 255 others of its tile.
async fn audit_one(store: &Arc<dyn Store>, index: u64) -> Vec<(String, String)> {
    let page = actors::evidence::audit_leaf(store.as_ref(), index).await.unwrap();
    page.into_iter()
        .map(|finding| (finding.what, finding.detail))
        .collect()
}

#[tokio::test]
async fn every_turned_bit_of_tiles_head_and_checkpoint_is_found_and_named() {
    let store = memory();
    let (log, _) = filled(&store, 600).await;
    log.service
        .checkpoints()
        .keep(store.as_ref(), &mut None)
        .await
        .unwrap();
    let flipped = Arc::new(FlippedStore::new(Arc::clone(&store)));
    let as_store = Arc::clone(&flipped) as Arc<dyn Store>;
    let tile = rows::tile_row(TileId { level: 0, index: 1 });
    let checkpoint = Key::table("evidence-checkpoint").build();
    for (row, step) in [(tile, 1_003), (rows::log_row(), 7), (checkpoint, 11)] {
        let bits = 8 * store.get(row.clone()).await.unwrap().unwrap().value.len();
        // The nine bytes before the head say when an actor is to be woken, which the log never is.
        let from = if row == rows::log_row() { 72 } else { 0 };
        for bit in (from..bits).step_by(step) {
            flipped.flip(row.clone(), bit);
            let found = audited(&as_store).await;
            assert!(
                found.contains(&format!("{row:?}")) || !found.is_empty(),
                "bit {bit} of {row:?}: {found:?}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_missing_or_lies_elsewhere_is_named() {
    let store = memory();
    let (_, leaves) = filled(&store, 300).await;
    let place = |index: u64| {
        let store = Arc::clone(&store);
        async move { rows::leaf_at(store.as_ref(), index).await.unwrap().unwrap().place }
    };
    let (one, two) = (place(1).await, place(2).await);
    let value = |row: Key| {
        let store = Arc::clone(&store);
        async move { store.get(row).await.unwrap().unwrap().value }
    };
    // Two containers change places, a third is gone, and a fourth's index.
    let (first, second) = (
        value(rows::container_row(one, 0)).await,
        value(rows::container_row(two, 0)).await,
    );
    let mut batch = Batch::default();
    batch.put(rows::container_row(one, 0), second);
    batch.put(rows::container_row(two, 0), first);
    batch.delete(rows::container_row(place(3).await, 0));
    batch.delete(rows::hash_row(leaves[4]));
    batch.delete(rows::leaf_row(5));
    batch.delete(rows::tile_row(TileId { level: 0, index: 0 }));
    store.commit(batch).await.unwrap();
    let found = audited(&store).await;
    assert_eq!(
        found.len(),
        7,
        "five leaves, a tile, and the head that hangs on it: {found:?}"
    );
    let of = |place: Place| format!("{:?}", rows::container_row(place, 0));
    for what in [
        of(one),
        of(two),
        format!("{:?}", rows::leaf_row(5)),
        format!("{:?}", rows::hash_row(leaves[4])),
    ] {
        assert!(found.contains(&what), "{what}");
    }
    // A reader is not given what the log does not have.
    let bytes = value(rows::container_row(one, 0)).await;
    assert_eq!(Leaf::from_bytes(&bytes).unwrap().container.contract_id.raw(), "2");
}

#[tokio::test]
async fn a_debt_is_paid_once_however_often_it_is_called_in() {
    let store = memory();
    let log = open(Arc::clone(&store), 1).await;
    let owed = debt(1);
    let leaf = log.service.pay(&owed).await.unwrap();
    assert_eq!(log.service.pay(&owed).await, Ok(leaf));
    let other = debt(2);
    let (again, once_more) = tokio::join!(log.service.pay(&owed), log.service.pay(&other));
    assert_eq!(again, Ok(leaf));
    assert_ne!(once_more, Ok(leaf));
    assert_eq!(log.service.tiles().durable(), 2);
    assert_eq!(log.service.paid(owed.challenge).await, Ok(Some(leaf)));
    assert_eq!(audit_owed(store.as_ref()).await.unwrap(), []);
    let kept = log
        .service
        .recorded("i", &identity("1001", 313_527))
        .await
        .unwrap();
    let container = &kept[0].leaf.container;
    assert_eq!(container.sign_date, "01.03.2026 08:00:00");
    assert_eq!(
        container.user_sign_key.as_deref(),
        Some("challenge:00000000-0000-0000-0000-000000000001")
    );
    assert_eq!(container.documents_sha256, Some(vec![[7; 32]]));
}

#[tokio::test]
async fn keys_of_two_logs_are_refused_and_a_former_key_is_told() {
    let stranger = evidence::checkpoint::Signer::from_seed("another", &[1; 32]).unwrap();
    let parts = |former| actors::evidence::Parts {
        store: memory(),
        clock: Arc::new(actors::testing::ManualClock::default()),
        randomness: Arc::new(actors::testing::SeededRandomness::new(1)),
        metrics: actors::evidence::EvidenceMetrics::new(&prometheus::Registry::new()).unwrap(),
        tasks: Default::default(),
        signers: vec![signer(2)],
        former: vec![former],
        settings: settings(),
    };
    let refused = actors::evidence::EvidenceService::open(parts(stranger.verifier().clone())).await;
    assert!(refused.err().unwrap().contains("of one log"));
    let service = actors::evidence::EvidenceService::open(parts(signer(1).verifier().clone()))
        .await
        .unwrap();
    assert_eq!(service.checkpoints().keys().count(), 2);
}

#[test]
fn the_records_of_evidence_are_the_golden_ones() {
    let place = Place {
        contract: actors::machines::evidence::ContractKey([1; 32]),
        company: actors::machines::evidence::CompanyKey([2; 16]),
        version: 300,
    };
    let leaf = rows::LeafRecord { hash: [3; 32], place };
    let log = rows::LogRecord {
        size: 5,
        roots: vec![[4; 32], [5; 32]],
    };
    let checkpoint = rows::CheckpointRecord {
        size: 5,
        root: [6; 32],
        note: "note".to_owned(),
    };
    let hexes = [
        hex::encode(&encode(&leaf).unwrap()),
        hex::encode(&encode(&log).unwrap()),
        hex::encode(&encode(&checkpoint).unwrap()),
        hex::encode(&encode(&debt(0xA1)).unwrap()),
    ];
    let golden = include_str!("../../golden/evidence-1.hex");
    assert_eq!(
        hexes.join("\n"),
        golden.trim(),
        "the bytes have changed; a new form is a new version"
    );
    let bytes: Vec<Vec<u8>> = golden.lines().map(from_hex).collect();
    assert_eq!(decode::<rows::LeafRecord>(&bytes[0]).unwrap(), leaf);
    assert_eq!(decode::<rows::LogRecord>(&bytes[1]).unwrap(), log);
    assert_eq!(decode::<rows::CheckpointRecord>(&bytes[2]).unwrap(), checkpoint);
    assert_eq!(
        decode::<actors::evidence::OwedEvidence>(&bytes[3]).unwrap(),
        debt(0xA1)
    );
}
