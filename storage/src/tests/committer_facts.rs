//! What the committer does when the disk below it does not: a failing, panicking or silent engine.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use super::{Witness, key, options, put, value};
use crate::{
    Error, Health, Result, SledOptions, SledStore, Store,
    engine::{Change, Engine},
    mirror::Mirror,
    space::{Probe, Reserve},
};

/// What the next write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Fine,
    Fails,
    Panics,
    /// Waits until the test hangs up.
    Hangs,
}

/// An engine in memory; its writes are recorded as whole groups.
struct Moody {
    mood: Arc<Mutex<Mood>>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    groups: Arc<Mutex<Vec<usize>>>,
    hang: mpsc::Receiver<()>,
}

impl Engine for Moody {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.rows.get(key).cloned())
    }
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        let mut rows = self.rows.range(start.to_vec()..);
        rows.by_ref().all(|(key, value)| visit(key, value));
        Ok(())
    }
    fn write(&mut self, changes: Vec<Change>, _sequence: u64) -> Result<()> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Fine => {}
            Mood::Fails => {
                return Err(Error::Poisoned {
                    reason: "no such luck".to_owned(),
                });
            }
            Mood::Panics => panic!("the engine fell over"),
            Mood::Hangs => assert!(self.hang.recv().is_err(), "the test only hangs up"),
        }
        self.groups.lock().unwrap().push(changes.len());
        for (key, value) in changes {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
        Ok(())
    }
    fn close(self) -> Result<()> {
        Ok(())
    }
}

struct World {
    _directory: tempfile::TempDir,
    store: Arc<SledStore>,
    witness: Arc<Witness>,
    mood: Arc<Mutex<Mood>>,
    groups: Arc<Mutex<Vec<usize>>>,
    hang: mpsc::Sender<()>,
}

fn world(change: impl FnOnce(&mut SledOptions)) -> World {
    world_with(BTreeMap::new(), change)
}

fn world_with(rows: BTreeMap<Vec<u8>, Vec<u8>>, change: impl FnOnce(&mut SledOptions)) -> World {
    let directory = tempfile::tempdir().unwrap();
    let witness = Arc::new(Witness::default());
    let mut options = SledOptions {
        observer: witness.clone(),
        ..options(directory.path())
    };
    change(&mut options);
    let probe: Probe = Arc::new(|_: &Path| Ok(u64::MAX));
    let mirror = Mirror::open(directory.path(), 0).unwrap();
    let reserve = Reserve::open(directory.path(), 0, 0, &probe).unwrap();
    let mood = Arc::new(Mutex::new(Mood::Fine));
    let groups = Arc::new(Mutex::new(Vec::new()));
    let (hang, receiver) = mpsc::channel();
    let engine = Moody {
        mood: mood.clone(),
        rows,
        groups: groups.clone(),
        hang: receiver,
    };
    let store = SledStore::start(&options, probe, engine, mirror, reserve, 0).unwrap();
    World {
        _directory: directory,
        store,
        witness,
        mood,
        groups,
        hang,
    }
}

impl World {
    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Everybody who waits, and everybody who comes, hears the reason; it is told once.
    async fn check_poisoned(&self, reason: &str) {
        let poisoned = |error: Error| match error {
            Error::Poisoned { reason: told } => assert!(told.contains(reason), "{told}"),
            other => panic!("{other}"),
        };
        poisoned(self.store.get(key(1)).await.unwrap_err());
        poisoned(self.store.commit(put(1, b"x")).await.unwrap_err());
        poisoned(self.store.close().await.unwrap_err());
        assert!(matches!(self.store.health(), Health::Poisoned { .. }));
        let told = self.witness.poisoned.lock().unwrap().clone();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(reason), "{told:?}");
    }
}

#[tokio::test]
async fn a_failing_write_is_never_acknowledged_and_poisons() {
    let world = world(|_| {});
    world.store.commit(put(1, b"before")).await.unwrap();
    world.set(Mood::Fails);
    let write = world.store.commit(put(1, b"after"));
    let read = world.store.get(key(1));
    assert!(matches!(write.await, Err(Error::Poisoned { .. })));
    assert!(
        matches!(read.await, Err(Error::Poisoned { .. })),
        "a read behind a failed write is no answer"
    );
    world.check_poisoned("no such luck").await;
}

#[tokio::test]
async fn a_panic_in_the_committer_poisons_and_nobody_waits_for_ever() {
    let world = world(|options| options.queue_max = 4);
    world.set(Mood::Panics);
    let waiting: Vec<_> = (0..64)
        .map(|number| world.store.commit(put(number, b"x")))
        .collect();
    for waiting in waiting {
        assert!(matches!(waiting.await, Err(Error::Poisoned { .. })));
    }
    world.check_poisoned("the engine fell over").await;
}

#[tokio::test]
async fn a_disk_that_never_answers_is_declared_dead() {
    let world = world(|options| {
        options.stall_max = Duration::from_millis(20);
        options.queue_max = 4;
    });
    world.set(Mood::Hangs);
    let waiting: Vec<_> = (0..64)
        .map(|number| world.store.commit(put(number, b"x")))
        .collect();
    for waiting in waiting {
        assert!(matches!(waiting.await, Err(Error::Poisoned { .. })));
    }
    world.check_poisoned("did not answer").await;
    // The disk comes back: nothing is acknowledged any more, and the thread ends.
    let World { store, hang, .. } = world;
    drop(hang);
    assert!(matches!(
        store.commit(put(1, b"x")).await,
        Err(Error::Poisoned { .. })
    ));
}

#[tokio::test]
async fn a_read_only_group_writes_nothing() {
    let world = world(|_| {});
    assert_eq!(value(&*world.store, 1).await, Ok(None));
    world.set(Mood::Fails);
    assert_eq!(value(&*world.store, 1).await, Ok(None));
    world.store.close().await.unwrap();
    assert_eq!(*world.groups.lock().unwrap(), Vec::<usize>::new());
}

#[tokio::test]
async fn groups_keep_to_their_caps() {
    let world = world(|options| {
        options.group_operations_max = 10;
        options.group_bytes_max = 50_000;
        options.queue_max = 10_000;
    });
    let small: Vec<_> = (0..200)
        .map(|number| world.store.commit(put(number, b"x")))
        .collect();
    for small in small {
        small.await.unwrap();
    }
    let largest = world.groups.lock().unwrap().iter().copied().max();
    assert!(largest <= Some(10), "{largest:?} rows in one group");
    world.groups.lock().unwrap().clear();
    let large: Vec<_> = (0..50)
        .map(|number| world.store.commit(put(number, &[1; 16_000])))
        .collect();
    for large in large {
        large.await.unwrap();
    }
    let largest = world.groups.lock().unwrap().iter().copied().max();
    assert!(
        largest <= Some(3),
        "{largest:?} rows of 16 kB in one group of 50 kB"
    );
    world.store.close().await.unwrap();
}

const AN_HOUR: Duration = Duration::from_secs(3_600);

#[tokio::test]
async fn a_lone_writer_never_waits_for_others_to_gather() {
    let world = world(|options| options.gather = AN_HOUR);
    for number in 0..3 {
        world.store.commit(put(number, b"x")).await.unwrap();
    }
    world.store.close().await.unwrap();
}

#[tokio::test]
async fn closing_does_not_wait_for_others_to_gather() {
    let world = world(|options| options.gather = AN_HOUR);
    world.set(Mood::Hangs);
    // The first goes alone and hangs; the crowd behind it makes one group, after which the committer gathers.
    let waiting: Vec<_> = (0..100)
        .map(|number| world.store.commit(put(number, b"x")))
        .collect();
    drop(world.hang);
    for waiting in waiting {
        waiting.await.unwrap();
    }
    let last = world.store.commit(put(999, b"x"));
    world.store.close().await.unwrap();
    assert!(last.await.is_ok(), "what was queued before is still written");
}

#[tokio::test]
async fn a_row_without_a_version_is_reported_and_harms_nobody_else() {
    // Planted below the store, which itself never writes a row of three bytes.
    let damaged = BTreeMap::from([(key(1).as_bytes().to_vec(), vec![1, 2, 3])]);
    let World {
        store,
        _directory: directory,
        ..
    } = world_with(damaged, |_| {});
    assert!(matches!(store.get(key(1)).await, Err(Error::Corrupt { .. })));
    assert!(matches!(
        store.scan(super::whole_table()).await,
        Err(Error::Corrupt { .. })
    ));
    store.commit(put(2, b"fine")).await.unwrap();
    assert_eq!(store.health(), Health::Ready);
    store.close().await.unwrap();
    drop(directory);
}
