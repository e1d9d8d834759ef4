//! What the store does about sled's ways: damaged files, lost tails, two processes, pages that outgrow a segment.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::{FileExt, PermissionsExt},
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use super::{Witness, fill, key, numbers, open, options, put, put_if, snapshots, value, whole_table};
use crate::{
    Batch, Error, Key, SCAN_MAX, Scan, SledOptions, SledStore, Store, VALUE_MAX, Version,
    mirror::{Found, Mirror},
};

const DATABASE: &str = "db";

fn open_error(options: SledOptions) -> (String, String) {
    match SledStore::open(options) {
        Err(Error::Open { detail, advice, .. }) => (detail, advice),
        Err(other) => panic!("not an error of opening: {other}"),
        Ok(_) => panic!("it opened"),
    }
}

fn length(path: &Path) -> u64 {
    path.metadata().unwrap().len()
}

/// Where the last byte that is not zero stands: sled's file is longer than its log.
fn end_of_log(path: &Path) -> u64 {
    let bytes = std::fs::read(path).unwrap();
    bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last as u64 + 1)
}

#[tokio::test]
async fn reopening_finds_everything_and_goes_on_counting() {
    let directory = tempfile::tempdir().unwrap();
    let last = fill(directory.path(), 700).await;
    let store = open(directory.path());
    assert_eq!(
        numbers(&*store, whole_table()).await,
        (0..700).collect::<Vec<_>>()
    );
    assert_eq!(store.get(key(699)).await.unwrap().unwrap().version, last.into());
    assert!(store.commit(put_if(699, last.into(), b"next")).await.unwrap() > last);
    store.close().await.unwrap();
    let store = open(directory.path());
    assert_eq!(value(&*store, 699).await, Ok(Some(b"next".to_vec())));
    store.close().await.unwrap();
}

/// Sled's own threads keep it a moment longer than its owner: whoever opened it right behind was sometimes refused.
#[tokio::test]
async fn a_closed_store_has_let_the_database_go() {
    let directory = tempfile::tempdir().unwrap();
    for round in 0..20_u64 {
        let store = open(directory.path());
        let mut batch = Batch::default();
        (0..100).for_each(|row| batch.put(key(round * 100 + row), vec![9; 8_000]));
        store.commit(batch).await.unwrap();
        store.close().await.unwrap();
        let file = File::open(directory.path().join(DATABASE)).unwrap();
        assert!(file.try_lock().is_ok(), "round {round}");
    }
}

#[tokio::test]
async fn a_dropped_store_still_writes_what_was_queued() {
    let directory = tempfile::tempdir().unwrap();
    let witness = Arc::new(Witness::default());
    let store = SledStore::open(SledOptions {
        observer: witness.clone(),
        ..options(directory.path())
    })
    .unwrap();
    (0..100).for_each(|number| drop(store.commit(put(number, b"x"))));
    drop(store);
    // The lock is free once the committer has gone; `open` says until then that somebody has it.
    let store = loop {
        match SledStore::open(options(directory.path())) {
            Ok(store) => break store,
            Err(error) => assert!(error.to_string().contains("another process"), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(witness.batches.load(Ordering::SeqCst), 100);
    assert_eq!(numbers(&*store, whole_table()).await.len(), 100);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_truncated_snapshot_is_moved_aside_once_and_nothing_is_missing() {
    for keep_half in [false, true] {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path(), 500).await;
        // Sled writes a snapshot when it opens a log that has grown.
        open(directory.path()).close().await.unwrap();
        let snapshot = snapshots(directory.path()).pop().expect("sled wrote a snapshot");
        let cut = if keep_half { length(&snapshot) / 2 } else { 0 };
        File::options()
            .write(true)
            .open(&snapshot)
            .unwrap()
            .set_len(cut)
            .unwrap();

        let witness = Arc::new(Witness::default());
        let options = SledOptions {
            observer: witness.clone(),
            ..options(directory.path())
        };
        let store = SledStore::open(options).unwrap();
        assert_eq!(witness.recovered.load(Ordering::SeqCst), 1);
        assert_eq!(numbers(&*store, whole_table()).await.len(), 500);
        store.commit(put(500, b"and it writes")).await.unwrap();
        store.close().await.unwrap();
        assert!(
            directory
                .path()
                .join("damaged-1")
                .join(snapshot.file_name().unwrap())
                .exists()
        );
        open(directory.path()).close().await.unwrap();
        assert!(!directory.path().join("damaged-2").exists());
    }
}

#[tokio::test]
async fn an_unfinished_snapshot_of_a_crash_does_not_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), 50).await;
    std::fs::write(directory.path().join("snap.FFFFFFFFFFFFFFF0.generating"), b"half").unwrap();
    let store = open(directory.path());
    assert_eq!(numbers(&*store, whole_table()).await.len(), 50);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_truncated_configuration_file_does_not_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), 50).await;
    File::options()
        .write(true)
        .open(directory.path().join("conf"))
        .unwrap()
        .set_len(0)
        .unwrap();
    let store = open(directory.path());
    assert_eq!(numbers(&*store, whole_table()).await.len(), 50);
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_torn_tail_is_found_at_start() {
    let directory = tempfile::tempdir().unwrap();
    let last = fill(directory.path(), 300).await;
    tear_tail(directory.path());

    let (detail, advice) = open_error(options(directory.path()));
    assert!(detail.contains("acknowledged data is missing"), "{detail}");
    assert!(
        detail.contains(&format!("batch {} was acknowledged", last.0)),
        "{detail}"
    );
    assert!(
        advice.contains("backup") && advice.contains("accept_lost_tail"),
        "{advice}"
    );
    let (again, _) = open_error(options(directory.path()));
    assert!(
        again.contains("acknowledged data is missing"),
        "a refusal does not heal: {again}"
    );

    let accepting = SledOptions {
        accept_lost_tail: true,
        ..options(directory.path())
    };
    let store = SledStore::open(accepting).unwrap();
    let kept = numbers(&*store, whole_table()).await.len();
    assert!((1..300).contains(&kept), "{kept} rows");
    store.close().await.unwrap();
    let store = open(directory.path());
    let next = store.commit(put(1_000, b"on we go")).await.unwrap();
    assert!(
        next > last,
        "no version is given out twice: {next:?} after {last:?}"
    );
    store.close().await.unwrap();
}

/// Overwrites the last 4 KiB of the log with zeros and takes the snapshot away, which would remember them.
fn tear_tail(directory: &Path) {
    let path = directory.join(DATABASE);
    let end = end_of_log(&path);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0; 4_096], end - 4_096).unwrap();
    snapshots(directory)
        .into_iter()
        .for_each(|snapshot| std::fs::remove_file(snapshot).unwrap());
}

#[tokio::test]
async fn a_missing_database_beside_its_sequence_file_is_not_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), 10).await;
    std::fs::remove_file(directory.path().join(DATABASE)).unwrap();
    let (detail, _) = open_error(options(directory.path()));
    assert!(detail.contains("acknowledged data is missing"), "{detail}");
    assert!(!directory.path().join(DATABASE).exists());
}

#[tokio::test]
async fn a_damaged_sequence_file_is_refused_until_it_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), 10).await;
    std::fs::write(directory.path().join("sequence"), [0xAA; 8_192]).unwrap();
    let (detail, _) = open_error(options(directory.path()));
    assert!(detail.contains("sequence file is damaged"), "{detail}");
    let accepting = SledOptions {
        accept_lost_tail: true,
        ..options(directory.path())
    };
    SledStore::open(accepting).unwrap().close().await.unwrap();
    open(directory.path()).close().await.unwrap();
}

#[tokio::test]
async fn the_mirror_holds_the_last_number_after_a_close_and_one_torn_slot_does_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let last = fill(directory.path(), 20).await;
    assert_eq!(Mirror::read(directory.path()).unwrap(), Found::Sequence(last.0));

    let mut mirror = Mirror::open(directory.path(), 0).unwrap();
    mirror.write(last.0 + 1).unwrap();
    mirror.write(last.0 + 2).unwrap();
    mirror.write(last.0 + 3).unwrap();
    let path = directory.path().join("sequence");
    let whole = std::fs::read(&path).unwrap();
    for (slot, left) in [(0, 2..=3), (4_096, 2..=3)] {
        let mut torn = whole.clone();
        torn[slot + 10] ^= 0xFF;
        std::fs::write(&path, &torn).unwrap();
        match Mirror::read(directory.path()).unwrap() {
            Found::Sequence(sequence) => assert!(left.contains(&(sequence - last.0)), "{sequence}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn the_mirror_follows_without_a_close() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let last = store.commit(put(1, b"x")).await.unwrap();
    // The promise is 100 ms; a busy test machine gets 10 s.
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while Mirror::read(directory.path()).unwrap() != Found::Sequence(last.0) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the mirror does not follow"
        );
        tokio::task::yield_now().await;
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_damaged_middle_is_a_clear_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    fill(directory.path(), 2_000).await;
    let path = directory.path().join(DATABASE);
    let middle = end_of_log(&path) / 2;
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all_at(&[0; 4_096], middle).unwrap();
    let (detail, advice) = open_error(options(directory.path()));
    assert!(
        detail.contains("damaged") || detail.contains("missing"),
        "{detail}"
    );
    assert!(advice.contains("backup"), "{advice}");
}

#[tokio::test]
async fn a_second_opener_is_told_that_another_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let (detail, _) = open_error(options(directory.path()));
    assert!(detail.contains("another process has it open"), "{detail}");
    store.commit(put(1, b"the first goes on")).await.unwrap();
    store.close().await.unwrap();
    open(directory.path()).close().await.unwrap();
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep").join("store");
    fill(&path, 5).await;
    let store = open(&path);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for entry in std::fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap().path();
        let expected = if entry.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&entry), expected, "{}", entry.display());
    }
    store.close().await.unwrap();
}

/// The trap behind [`VALUE_MAX`] and the size of a segment: sled keeps large pages in files that our sync does not reach.
#[tokio::test]
async fn the_largest_rows_never_leave_the_synced_file() {
    for ordered_tables in [vec![], vec!["large"]] {
        write_the_largest_rows(ordered_tables).await;
    }
}

async fn write_the_largest_rows(ordered_tables: Vec<&'static str>) {
    let directory = tempfile::tempdir().unwrap();
    let options = SledOptions {
        ordered_tables,
        ..options(directory.path())
    };
    let store = SledStore::open(options).unwrap();
    let large = |number: u64| Key::table("large").raw(&[5; 240]).u64(number).build();
    for round in 0..4_u8 {
        for number in 0..120 {
            let mut batch = Batch::default();
            batch.put(large(number), vec![round; VALUE_MAX]);
            store.commit(batch).await.unwrap();
        }
        // Merges of pages make the largest ones.
        for number in (0..120).filter(|number| number % 7 != u64::from(round)) {
            let mut batch = Batch::default();
            batch.delete(large(number));
            store.commit(batch).await.unwrap();
        }
    }
    let blobs = std::fs::read_dir(directory.path().join("blobs")).unwrap().count();
    assert_eq!(blobs, 0);
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_thousand_concurrent_committers_are_all_answered() {
    let directory = tempfile::tempdir().unwrap();
    let witness = Arc::new(Witness::default());
    let options = SledOptions {
        observer: witness.clone(),
        queue_max: 512,
        ..options(directory.path())
    };
    let store = SledStore::open(options).unwrap();
    let committers: Vec<_> = (0..4_096_u64)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let first = store.commit(put_if(number, Version::ABSENT, b"1")).await.unwrap();
                store.commit(put_if(number, first.into(), b"2")).await.unwrap();
                assert!(store.commit(put_if(number, first.into(), b"3")).await.is_err());
            })
        })
        .collect();
    for committer in committers {
        committer.await.unwrap();
    }
    assert_eq!(witness.batches.load(Ordering::SeqCst), 8_192);
    assert_eq!(witness.conflicts.load(Ordering::SeqCst), 4_096);
    assert!(
        witness.groups.load(Ordering::SeqCst) < 4_096,
        "batches are synced in groups"
    );
    assert!(
        witness.deepest.load(Ordering::SeqCst) <= 512,
        "the queue keeps to its limit"
    );
    let mut rows = 0;
    let mut after = None;
    loop {
        let page = store
            .scan(Scan {
                after,
                ..whole_table()
            })
            .await
            .unwrap();
        assert!(page.iter().all(|row| row.stored.value == b"2"));
        rows += page.len();
        after = page.last().map(|row| row.key.clone());
        if page.len() < SCAN_MAX {
            break;
        }
    }
    assert_eq!(rows, 4_096);
    store.close().await.unwrap();
}
