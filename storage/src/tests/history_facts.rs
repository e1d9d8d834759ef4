//! Random histories: what the store in files answers is what the store in memory answers, however its rows lie in redo log, layers and tree.

use std::sync::Arc;

use super::{key, options, whole_table};
use crate::{
    Batch, MemoryStore, Result, Row, Scan, Sequence, SledOptions, SledStore, Store, Stored, Version,
};

const KEYS: u64 = 40;
const STEPS: u64 = 3_000;

/// SplitMix64: the same seed, the same history.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[derive(Debug, Clone)]
enum Step {
    Get(u64),
    Scan(Scan),
    Commit(Batch),
}

#[derive(Debug, PartialEq)]
enum Answer {
    Got(Result<Option<Stored>>),
    Scanned(Result<Vec<Row>>),
    Committed(Result<Sequence>),
}

fn step(chance: &mut Chance, newest: Sequence) -> Step {
    match chance.below(10) {
        0 | 1 => Step::Get(chance.below(KEYS)),
        2 => Step::Scan(Scan {
            after: (chance.below(2) == 0).then(|| key(chance.below(KEYS))),
            until: (chance.below(3) == 0).then(|| key(chance.below(KEYS))),
            limit: usize::try_from(chance.below(KEYS)).unwrap(),
            ..whole_table()
        }),
        _ => Step::Commit(batch(chance, newest)),
    }
}

/// Up to four operations, some on conditions that hold and some on ones that do not.
fn batch(chance: &mut Chance, newest: Sequence) -> Batch {
    let mut batch = Batch::default();
    for _ in 0..chance.below(5) {
        let key = key(chance.below(KEYS));
        let value = vec![7; usize::try_from(chance.below(300)).unwrap()];
        match chance.below(6) {
            0 => batch.delete(key),
            1 => batch.put_if(key, Version::ABSENT, value),
            2 => batch.delete_if(key, newest.into()),
            _ => batch.put(key, value),
        }
    }
    batch
}

async fn answer(store: &dyn Store, step: Step) -> Answer {
    match step {
        Step::Get(number) => Answer::Got(store.get(key(number)).await),
        Step::Scan(scan) => Answer::Scanned(store.scan(scan).await),
        Step::Commit(batch) => Answer::Committed(store.commit(batch).await),
    }
}

/// Runs one history on both; the one in files is closed and opened again now and then, with blocks from some moment on.
async fn run(seed: u64, checkpoint_bytes: usize) {
    let mut chance = Chance(seed);
    let directory = tempfile::tempdir().unwrap();
    let options = |has_blocks: bool| SledOptions {
        checkpoint_bytes,
        ordered_tables: has_blocks.then_some("fact").into_iter().collect(),
        ..options(directory.path())
    };
    let model = MemoryStore::new();
    let mut store = SledStore::open(options(false)).unwrap();
    let (mut conflicts, mut newest) = (0, Sequence(0));
    for number in 0..STEPS {
        let step = step(&mut chance, newest);
        let expected = answer(&model, step.clone()).await;
        let found = answer(&*store, step.clone()).await;
        assert_eq!(found, expected, "seed {seed}, step {number}: {step:?}");
        match expected {
            Answer::Committed(Ok(sequence)) => newest = sequence,
            Answer::Committed(Err(_)) => conflicts += 1,
            Answer::Got(_) | Answer::Scanned(_) => {}
        }
        if chance.below(500) == 0 {
            store.close().await.unwrap();
            // The directory remembers them where one start in three does not ask for them.
            store = SledStore::open(options(number > STEPS / 3 && chance.below(3) > 0)).unwrap();
        }
    }
    store.close().await.unwrap();
    assert!(conflicts > 100, "{conflicts} conflicts: conditions were judged");
}

#[tokio::test]
async fn whatever_is_done_the_files_answer_as_memory_does() {
    // One row a checkpoint, some groups a checkpoint, one checkpoint at the close.
    for (seed, checkpoint_bytes) in [(1, 1), (2, 2_000), (3, 20_000), (4, usize::MAX)] {
        println!("seed {seed}");
        run(seed, checkpoint_bytes).await;
    }
}

/// Many at once: the versions that each was told are the order in which they took effect, and the last one is what stands there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_on_few_rows_the_last_by_number_stands() {
    let directory = tempfile::tempdir().unwrap();
    let options = SledOptions {
        checkpoint_bytes: 2_000,
        ..options(directory.path())
    };
    let store = SledStore::open(options.clone()).unwrap();
    let writers: Vec<_> = (0..64_u64)
        .map(|writer| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut told = Vec::new();
                for round in 0..40_u64 {
                    let number = (writer * 7 + round) % KEYS;
                    let value = [writer.to_be_bytes(), round.to_be_bytes()].concat();
                    let mut batch = Batch::default();
                    batch.put(key(number), value.clone());
                    told.push((store.commit(batch).await.unwrap(), number, value));
                    let seen = store.get(key(number)).await.unwrap().unwrap();
                    assert!(seen.version >= told[told.len() - 1].0.into());
                }
                told
            })
        })
        .collect();
    let mut told = Vec::new();
    for writer in writers {
        told.extend(writer.await.unwrap());
    }
    told.sort();
    store.close().await.unwrap();
    let store = SledStore::open(options).unwrap();
    for number in 0..KEYS {
        let last = told.iter().rev().find(|(_, row, _)| *row == number).unwrap();
        let found = store.get(key(number)).await.unwrap().unwrap();
        assert_eq!((found.version, found.value), (last.0.into(), last.2.clone()));
    }
    store.close().await.unwrap();
}
