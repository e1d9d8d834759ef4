//! One suite for every backend: what [`Store`](crate::Store) promises.

use std::{future::Future, sync::Arc};

use super::{key, number_of, numbers, put, put_if, value, whole_table};
use crate::{
    BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, Batch, Error, Health, KEY_MAX, Key, MemoryStore, SCAN_MAX, Scan,
    Sequence, SledOptions, SledStore, Store, VALUE_MAX, Version,
    fault::{Fault, FaultStore},
};

/// Runs every fact on every backend; a fault store whose fault never comes must change nothing.
macro_rules! facts {
    ($($fact:ident)*) => { $(
        mod $fact {
            #[test]
            fn on_sled() {
                super::on_sled(super::$fact);
            }
            #[test]
            fn on_sled_with_checkpoints_all_the_time() {
                super::on_sled_checkpointing(super::$fact, 1, &[]);
            }
            #[test]
            fn on_sled_in_blocks() {
                super::on_sled_checkpointing(super::$fact, 1, &["fact"]);
            }
            #[test]
            fn in_memory() {
                super::run(super::$fact(std::sync::Arc::new(super::MemoryStore::new())));
            }
            #[test]
            fn through_a_quiet_fault_store() {
                let inner = std::sync::Arc::new(super::MemoryStore::new());
                let store = super::FaultStore::new(inner, super::Fault::Fail, u64::MAX);
                super::run(super::$fact(std::sync::Arc::new(store)));
            }
        }
    )* };
}

facts! {
    a_row_that_was_committed_is_found
    an_absent_row_is_none
    the_version_of_a_row_is_the_sequence_of_its_batch
    sequences_grow
    an_expected_version_that_holds_lets_the_batch_pass
    an_expected_version_that_does_not_hold_refuses_the_whole_batch
    absent_is_a_version_that_can_be_expected
    a_deleted_row_is_absent_and_never_gets_an_old_version_again
    conditions_are_judged_before_the_batch_and_the_last_operation_wins
    of_racing_writers_exactly_one_wins
    a_read_sees_what_was_called_before_it
    operations_take_effect_in_the_order_of_the_calls
    an_operation_that_nobody_waits_for_is_done_all_the_same
    an_empty_batch_waits_for_what_is_before_it
    a_scan_is_ascending_and_stays_in_its_table
    a_scan_keeps_to_its_bounds_and_its_limit
    a_scan_sees_rows_of_the_same_group
    a_long_scan_is_capped_and_can_be_continued
    limits_are_accepted_and_one_more_is_refused
    closing_writes_what_is_queued_and_ends_everything
}

fn on_sled<F: Future<Output = ()>>(fact: impl FnOnce(Arc<dyn Store>) -> F) {
    on_sled_checkpointing(fact, 1024 * 1024, &[]);
}

/// From this size on the redo log's rows go into the tree.
fn on_sled_checkpointing<F: Future<Output = ()>>(
    fact: impl FnOnce(Arc<dyn Store>) -> F,
    checkpoint_bytes: usize,
    ordered_tables: &[&'static str],
) {
    let directory = tempfile::tempdir().unwrap();
    let options = SledOptions {
        checkpoint_bytes,
        ordered_tables: ordered_tables.to_vec(),
        ..super::options(directory.path())
    };
    let store: Arc<dyn Store> = SledStore::open(options).unwrap();
    run(async {
        fact(Arc::clone(&store)).await;
        store.close().await.unwrap();
    });
}

fn run(fact: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(fact);
}

async fn a_row_that_was_committed_is_found(store: Arc<dyn Store>) {
    store.commit(put(1, b"one")).await.unwrap();
    assert_eq!(value(&*store, 1).await, Ok(Some(b"one".to_vec())));
    assert_eq!(store.health(), Health::Ready);
}

async fn an_absent_row_is_none(store: Arc<dyn Store>) {
    assert_eq!(store.get(key(1)).await, Ok(None));
    store.commit(put(2, b"")).await.unwrap();
    assert_eq!(
        value(&*store, 2).await,
        Ok(Some(Vec::new())),
        "an empty value is a value"
    );
}

async fn the_version_of_a_row_is_the_sequence_of_its_batch(store: Arc<dyn Store>) {
    let mut batch = put(1, b"a");
    batch.append(put(2, b"b"));
    let sequence = store.commit(batch).await.unwrap();
    for number in [1, 2] {
        assert_eq!(
            store.get(key(number)).await.unwrap().unwrap().version,
            sequence.into()
        );
    }
    let rows = store.scan(whole_table()).await.unwrap();
    assert!(rows.iter().all(|row| row.stored.version == sequence.into()));
}

async fn sequences_grow(store: Arc<dyn Store>) {
    let mut last = Sequence(0);
    for number in 0..10 {
        let next = store.commit(put(number, b"x")).await.unwrap();
        assert!(next > last);
        last = next;
    }
}

async fn an_expected_version_that_holds_lets_the_batch_pass(store: Arc<dyn Store>) {
    let first = store.commit(put(1, b"old")).await.unwrap();
    let second = store.commit(put_if(1, first.into(), b"new")).await.unwrap();
    assert_eq!(value(&*store, 1).await, Ok(Some(b"new".to_vec())));
    let mut batch = Batch::default();
    batch.delete_if(key(1), second.into());
    store.commit(batch).await.unwrap();
    assert_eq!(store.get(key(1)).await, Ok(None));
}

async fn an_expected_version_that_does_not_hold_refuses_the_whole_batch(store: Arc<dyn Store>) {
    let first = store.commit(put(1, b"old")).await.unwrap();
    store.commit(put(1, b"newer")).await.unwrap();
    let mut batch = put(2, b"beside");
    batch.append(put_if(1, first.into(), b"late"));
    assert_eq!(store.commit(batch).await, Err(Error::Conflict { key: key(1) }));
    assert_eq!(value(&*store, 1).await, Ok(Some(b"newer".to_vec())));
    assert_eq!(
        value(&*store, 2).await,
        Ok(None),
        "nothing of a refused batch is written"
    );
    let mut batch = Batch::default();
    batch.delete_if(key(1), first.into());
    assert_eq!(store.commit(batch).await, Err(Error::Conflict { key: key(1) }));
}

async fn absent_is_a_version_that_can_be_expected(store: Arc<dyn Store>) {
    store.commit(put_if(1, Version::ABSENT, b"first")).await.unwrap();
    assert_eq!(
        store.commit(put_if(1, Version::ABSENT, b"again")).await,
        Err(Error::Conflict { key: key(1) })
    );
    let mut batch = put(3, b"x");
    batch.delete_if(key(2), Version::ABSENT);
    store.commit(batch).await.unwrap();
    let mut batch = Batch::default();
    batch.delete_if(key(3), Version::ABSENT);
    assert_eq!(store.commit(batch).await, Err(Error::Conflict { key: key(3) }));
}

async fn a_deleted_row_is_absent_and_never_gets_an_old_version_again(store: Arc<dyn Store>) {
    let first = store.commit(put(1, b"x")).await.unwrap();
    let mut batch = Batch::default();
    batch.delete(key(1));
    batch.delete(key(2));
    store.commit(batch).await.unwrap();
    assert_eq!(store.get(key(1)).await, Ok(None));
    store.commit(put(1, b"x")).await.unwrap();
    assert_eq!(
        store.commit(put_if(1, first.into(), b"y")).await,
        Err(Error::Conflict { key: key(1) })
    );
}

async fn conditions_are_judged_before_the_batch_and_the_last_operation_wins(store: Arc<dyn Store>) {
    let mut batch = put(1, b"first");
    batch.append(put_if(1, Version::ABSENT, b"second"));
    batch.put(key(2), b"gone".to_vec());
    batch.delete(key(2));
    store.commit(batch).await.unwrap();
    assert_eq!(value(&*store, 1).await, Ok(Some(b"second".to_vec())));
    assert_eq!(value(&*store, 2).await, Ok(None));
}

async fn of_racing_writers_exactly_one_wins(store: Arc<dyn Store>) {
    let mut racing = Vec::new();
    for writer in 0..64_u8 {
        let store = Arc::clone(&store);
        racing.push(tokio::spawn(async move {
            store.commit(put_if(1, Version::ABSENT, &[writer])).await
        }));
    }
    let mut winners = Vec::new();
    for (writer, racing) in racing.into_iter().enumerate() {
        match racing.await.unwrap() {
            Ok(_) => winners.push(u8::try_from(writer).unwrap()),
            Err(error) => assert_eq!(error, Error::Conflict { key: key(1) }),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(value(&*store, 1).await, Ok(Some(winners)));
}

async fn a_read_sees_what_was_called_before_it(store: Arc<dyn Store>) {
    for round in 0..50_u8 {
        let write = store.commit(put(1, &[round]));
        let read = store.get(key(1));
        let later = store.commit(put(1, b"later"));
        // The read is awaited first: its place is the place of the call.
        assert_eq!(read.await.unwrap().unwrap().value, [round]);
        write.await.unwrap();
        later.await.unwrap();
    }
}

async fn operations_take_effect_in_the_order_of_the_calls(store: Arc<dyn Store>) {
    let writes: Vec<_> = (0..300_u32)
        .map(|round| store.commit(put(1, &round.to_be_bytes())))
        .collect();
    let mut last = Sequence(0);
    for write in writes {
        let next = write.await.unwrap();
        assert!(next > last);
        last = next;
    }
    assert_eq!(value(&*store, 1).await, Ok(Some(299_u32.to_be_bytes().to_vec())));
}

async fn an_operation_that_nobody_waits_for_is_done_all_the_same(store: Arc<dyn Store>) {
    drop(store.commit(put(1, b"alone")));
    assert_eq!(value(&*store, 1).await, Ok(Some(b"alone".to_vec())));
}

async fn an_empty_batch_waits_for_what_is_before_it(store: Arc<dyn Store>) {
    let write = store.commit(put(1, b"x"));
    let barrier = store.commit(Batch::default());
    let barrier = barrier.await.unwrap();
    assert_eq!(write.await.unwrap(), barrier);
    assert_eq!(store.get(key(1)).await.unwrap().unwrap().version, barrier.into());
}

async fn a_scan_is_ascending_and_stays_in_its_table(store: Arc<dyn Store>) {
    let mut batch = Batch::default();
    for number in [3, 1, 2] {
        batch.put(key(number), vec![]);
    }
    for neighbour in ["fac", "facts", "fact ", "g"] {
        batch.put(Key::table(neighbour).u64(1).build(), vec![]);
    }
    store.commit(batch).await.unwrap();
    assert_eq!(numbers(&*store, whole_table()).await, [1, 2, 3]);
    assert_eq!(store.scan(Scan::of(Key::table("none").build())).await, Ok(vec![]));
}

async fn a_scan_keeps_to_its_bounds_and_its_limit(store: Arc<dyn Store>) {
    let mut batch = Batch::default();
    (0..10).for_each(|number| batch.put(key(number), vec![]));
    store.commit(batch).await.unwrap();
    let scan = |after: Option<u64>, until: Option<u64>, limit| Scan {
        after: after.map(key),
        until: until.map(key),
        limit,
        ..whole_table()
    };
    let table = [
        (scan(None, None, 3), vec![0, 1, 2]),
        (scan(Some(2), None, 3), vec![3, 4, 5]),
        (scan(Some(2), Some(5), 100), vec![3, 4]),
        (scan(None, Some(0), 100), vec![]),
        (scan(Some(9), None, 100), vec![]),
        (scan(Some(5), Some(2), 100), vec![]),
        (scan(None, None, 0), vec![]),
        // Bounds outside the prefix are no way out of it.
        (
            Scan {
                prefix: key(4),
                after: Some(Key::table("a").build()),
                until: None,
                limit: 9,
            },
            vec![4],
        ),
        (
            Scan {
                prefix: key(4),
                after: Some(Key::table("z").build()),
                until: None,
                limit: 9,
            },
            vec![],
        ),
        (
            Scan {
                prefix: key(4),
                after: None,
                until: Some(Key::table("z").build()),
                limit: 9,
            },
            vec![4],
        ),
    ];
    for (scan, expected) in table {
        let shown = format!("{scan:?}");
        assert_eq!(numbers(&*store, scan).await, expected, "{shown}");
    }
}

async fn a_scan_sees_rows_of_the_same_group(store: Arc<dyn Store>) {
    let mut batch = Batch::default();
    [2, 4, 6, 8]
        .into_iter()
        .for_each(|number| batch.put(key(number), b"old".to_vec()));
    store.commit(batch).await.unwrap();
    let mut batch = Batch::default();
    batch.put(key(1), b"new".to_vec());
    batch.put(key(4), b"new".to_vec());
    batch.put(key(9), b"new".to_vec());
    batch.delete(key(6));
    let writing = store.commit(batch);
    let scanning = store.scan(whole_table());
    let limited = store.scan(Scan {
        limit: 3,
        ..whole_table()
    });
    let found = scanning.await.unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|row| (number_of(&row.key), row.stored.value.as_slice()))
        .collect();
    let (old, new) = (b"old".as_slice(), b"new".as_slice());
    assert_eq!(shown, [(1, new), (2, old), (4, new), (8, old), (9, new)]);
    assert_eq!(limited.await.unwrap(), found[..3]);
    writing.await.unwrap();
}

async fn a_long_scan_is_capped_and_can_be_continued(store: Arc<dyn Store>) {
    let rows = SCAN_MAX as u64 + 500;
    for start in (0..rows).step_by(500) {
        let mut batch = Batch::default();
        (start..start + 500).for_each(|number| batch.put(key(number), vec![1]));
        store.commit(batch).await.unwrap();
    }
    let first = store
        .scan(Scan {
            limit: usize::MAX,
            ..whole_table()
        })
        .await
        .unwrap();
    assert_eq!(first.len(), SCAN_MAX);
    let after = first.last().map(|row| row.key.clone());
    let second = numbers(
        &*store,
        Scan {
            after,
            ..whole_table()
        },
    )
    .await;
    assert_eq!(second, (SCAN_MAX as u64..rows).collect::<Vec<_>>());
}

async fn limits_are_accepted_and_one_more_is_refused(store: Arc<dyn Store>) {
    let too_large = |what, size, limit| Err(Error::TooLarge { what, size, limit });
    store.commit(put(1, &vec![1; VALUE_MAX])).await.unwrap();
    let over = store.commit(put(1, &vec![2; VALUE_MAX + 1])).await;
    assert_eq!(over, too_large("value", VALUE_MAX + 1, VALUE_MAX));
    assert_eq!(value(&*store, 1).await.unwrap().unwrap(), vec![1; VALUE_MAX]);

    let long = |length: usize| Key::table("fact").raw(&vec![9; length - 5]).build();
    let mut batch = Batch::default();
    batch.put(long(KEY_MAX), b"x".to_vec());
    store.commit(batch).await.unwrap();
    let over = Err(Error::TooLarge {
        what: "key",
        size: KEY_MAX + 1,
        limit: KEY_MAX,
    });
    assert_eq!(store.get(long(KEY_MAX + 1)).await, over);
    let mut batch = Batch::default();
    batch.delete(long(KEY_MAX + 1));
    assert_eq!(store.commit(batch).await, too_large("key", KEY_MAX + 1, KEY_MAX));
    assert!(store.scan(Scan::of(long(KEY_MAX + 1))).await.is_err());

    let mut batch = Batch::default();
    (0..BATCH_OPERATIONS_MAX as u64).for_each(|number| batch.put(key(number), vec![]));
    store.commit(batch.clone()).await.unwrap();
    batch.delete(key(0));
    let limit = BATCH_OPERATIONS_MAX;
    assert_eq!(
        store.commit(batch).await,
        too_large("batch operations", limit + 1, limit)
    );

    let mut batch = Batch::default();
    (0..63).for_each(|number| batch.put(key(number), vec![3; VALUE_MAX]));
    store.commit(batch.clone()).await.unwrap();
    (63..65).for_each(|number| batch.put(key(number), vec![3; VALUE_MAX]));
    let size = batch.bytes();
    assert_eq!(
        store.commit(batch).await,
        too_large("batch bytes", size, BATCH_BYTES_MAX)
    );
}

async fn closing_writes_what_is_queued_and_ends_everything(store: Arc<dyn Store>) {
    let queued: Vec<_> = (0..100).map(|number| store.commit(put(number, b"x"))).collect();
    store.close().await.unwrap();
    for queued in queued {
        queued.await.unwrap();
    }
    assert_eq!(store.get(key(1)).await, Err(Error::Closed));
    assert_eq!(store.scan(whole_table()).await, Err(Error::Closed));
    assert_eq!(store.commit(put(1, b"late")).await, Err(Error::Closed));
    assert_eq!(store.health(), Health::Closed);
    assert_eq!(store.close().await, Ok(()));
}
