//! The redo log: what a start finds of it, whatever a crash left.

use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{key, numbers, open, options, put, value, whole_table};
use crate::{
    Batch, Error, SledOptions, SledStore, Store,
    engine::Rows,
    layer::{Layer, Over},
    redo::{Gap, Log, Recovered, RedoLog, find},
};

/// Below the log there is nothing.
struct Nothing;

impl Rows for Nothing {
    fn read(&self, _: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> crate::Result<()> {
        show(None);
        Ok(())
    }
    fn visit(&self, _: &[u8], _: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> crate::Result<()> {
        Ok(())
    }
}

fn begin(directory: &Path) -> RedoLog {
    RedoLog::new(directory, 4_096, &find(directory, 0).unwrap())
}

/// A group of one row.
fn append(log: &mut RedoLog, sequence: u64, row: &[u8]) -> Option<u32> {
    let key = key(sequence);
    let changes = [(key.as_bytes(), Some(row))];
    log.append(&mut changes.into_iter(), sequence, sequence).unwrap()
}

fn rows(layer: &Layer) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut rows = BTreeMap::new();
    let over = Over {
        layer: Some(layer),
        below: Nothing,
    };
    over.visit(&[], &mut |key, row| {
        rows.insert(key.to_vec(), row.to_vec()).is_none()
    })
    .unwrap();
    rows
}

fn file(directory: &Path, slot: u32) -> PathBuf {
    directory.join(format!("redo-{slot}"))
}

fn found_up_to(found: &Recovered, last: u64) {
    assert_eq!(found.layer.sequence, last);
    assert_eq!(found.gap, None);
}

#[test]
fn what_was_appended_is_found_and_what_the_tree_has_is_left_out() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = begin(directory.path());
    assert_eq!(append(&mut log, 1, b"one"), Some(0), "a first file");
    assert_eq!(append(&mut log, 2, b"two"), None);
    let gone = key(1);
    let mut removal = [(gone.as_bytes(), None)].into_iter();
    log.append(&mut removal, 3, 5).unwrap();

    let found = find(directory.path(), 0).unwrap();
    found_up_to(&found, 5);
    let expected = BTreeMap::from([(key(2).as_bytes().to_vec(), b"two".to_vec())]);
    assert_eq!(rows(&found.layer), expected);
    assert_eq!(found.layer.slots, [0]);

    let found = find(directory.path(), 5).unwrap();
    found_up_to(&found, 5);
    assert!(found.layer.is_empty() && found.layer.slots.is_empty());
}

#[test]
fn a_record_torn_anywhere_is_not_there_and_the_ones_before_it_are() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = begin(directory.path());
    for sequence in 1..=3 {
        append(&mut log, sequence, &[7; 50]);
    }
    let whole = std::fs::read(file(directory.path(), 0)).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let record = end / 3;
    for cut in 2 * record..end {
        let mut torn = whole.clone();
        torn[cut..].fill(0);
        std::fs::write(file(directory.path(), 0), &torn).unwrap();
        found_up_to(&find(directory.path(), 0).unwrap(), 2);
        torn.truncate(cut);
        std::fs::write(file(directory.path(), 0), &torn).unwrap();
        found_up_to(&find(directory.path(), 0).unwrap(), 2);
    }
    for flipped in 2 * record..end {
        let mut damaged = whole.clone();
        damaged[flipped] ^= 0x10;
        std::fs::write(file(directory.path(), 0), &damaged).unwrap();
        found_up_to(&find(directory.path(), 0).unwrap(), 2);
    }
}

#[test]
fn a_file_that_is_used_again_hides_what_it_held_before() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = begin(directory.path());
    for sequence in 1..=9 {
        append(&mut log, sequence, &[7; 50]);
    }
    log.end_file();
    log.release(&[0]).unwrap();
    assert_eq!(append(&mut log, 10, &[8; 50]), Some(0), "the same file again");
    let found = find(directory.path(), 9).unwrap();
    found_up_to(&found, 10);
    assert_eq!(rows(&found.layer).len(), 1);
    assert_eq!(
        find(directory.path(), 0).unwrap().gap,
        Some(Gap {
            acknowledged: 9,
            newest: 10
        }),
        "a tree that knows less than the log begins with is noticed"
    );
}

#[test]
fn a_start_goes_on_in_another_file_and_all_are_read_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    for sequence in 1..=5 {
        // Each start has crashed before any checkpoint.
        let mut log = begin(directory.path());
        append(&mut log, sequence, &[u8::try_from(sequence).unwrap()]);
    }
    let found = find(directory.path(), 0).unwrap();
    found_up_to(&found, 5);
    assert_eq!(found.layer.slots.len(), 5);
    assert_eq!(rows(&found.layer).len(), 5);
    let mut log = RedoLog::new(directory.path(), 4_096, &found);
    append(&mut log, 6, b"six");
    log.release(&found.layer.slots).unwrap();
    let left = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left, 3, "two are kept for use again, and the one that is written");
    found_up_to(&find(directory.path(), 5).unwrap(), 6);
}

#[test]
fn a_damaged_record_before_others_is_a_gap() {
    let directory = tempfile::tempdir().unwrap();
    let mut log = begin(directory.path());
    append(&mut log, 1, b"one");
    append(&mut log, 2, b"two");
    log.end_file();
    append(&mut log, 3, b"three");
    let first = OpenOptions::new()
        .write(true)
        .open(file(directory.path(), 0))
        .unwrap();
    first.write_all_at(b"damage", 40).unwrap();
    let found = find(directory.path(), 0).unwrap();
    assert_eq!(
        found.gap,
        Some(Gap {
            acknowledged: 2,
            newest: 3
        })
    );
    assert_eq!(found.layer.sequence, 0, "what stands behind a gap is not taken");
}

/// What a process that is killed leaves behind: the files as they are, while the store still runs.
fn kill(from: &Path) -> tempfile::TempDir {
    let after = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), after.path().join(entry.file_name())).unwrap();
        }
    }
    after
}

/// Nothing goes into the tree before the store is closed, so that its files stand still.
fn without_checkpoints(directory: &Path) -> SledOptions {
    SledOptions {
        checkpoint_bytes: usize::MAX,
        ..options(directory)
    }
}

#[tokio::test]
async fn after_a_kill_everything_that_was_acknowledged_is_there_again_and_again() {
    let mut directory = tempfile::tempdir().unwrap();
    let mut written = 0;
    let mut last = crate::Sequence(0);
    for round in 0..4_u8 {
        let store = SledStore::open(without_checkpoints(directory.path())).unwrap();
        assert_eq!(
            numbers(&*store, whole_table()).await,
            (0..written).collect::<Vec<_>>(),
            "round {round}"
        );
        for _ in 0..20 {
            let next = store.commit(put(written, &[round])).await.unwrap();
            assert!(next > last, "no number is given out twice");
            last = next;
            written += 1;
        }
        let mut gone = Batch::default();
        gone.delete(key(written - 1));
        last = store.commit(gone).await.unwrap();
        written -= 1;
        let after = kill(directory.path());
        drop(store);
        directory = after;
    }
    let store = open(directory.path());
    assert_eq!(
        numbers(&*store, whole_table()).await,
        (0..written).collect::<Vec<_>>()
    );
    store.close().await.unwrap();
    assert!(!file(directory.path(), 0).exists(), "a closed store has no log");
    let store = open(directory.path());
    assert_eq!(
        numbers(&*store, whole_table()).await,
        (0..written).collect::<Vec<_>>()
    );
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_log_that_lost_acknowledged_batches_is_refused_until_that_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let store = SledStore::open(without_checkpoints(directory.path())).unwrap();
    let mut last = crate::Sequence(0);
    for number in 0..10 {
        last = store.commit(put(number, b"x")).await.unwrap();
    }
    let after = kill(directory.path());
    store.close().await.unwrap();
    // The mirror of a store that was closed knows the last number for certain.
    std::fs::copy(directory.path().join("sequence"), after.path().join("sequence")).unwrap();
    let log = file(after.path(), 0);
    let bytes = std::fs::read(&log).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    std::fs::write(&log, &bytes[..end]).unwrap();

    match SledStore::open(options(after.path())) {
        Err(Error::Open { detail, .. }) => {
            let said = format!("batch {} was acknowledged", last.0);
            assert!(detail.contains(&said), "{detail}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it opened"),
    }
    let accepting = SledOptions {
        accept_lost_tail: true,
        ..options(after.path())
    };
    let store = SledStore::open(accepting).unwrap();
    assert_eq!(numbers(&*store, whole_table()).await, (0..9).collect::<Vec<_>>());
    store.close().await.unwrap();
    let store = open(after.path());
    assert!(store.commit(put(10, b"on we go")).await.unwrap() > last);
    assert_eq!(value(&*store, 9).await, Ok(None));
    store.close().await.unwrap();
}
