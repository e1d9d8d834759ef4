//! What the committer and the checkpoint do when the disk below them does not: a failing, panicking or silent log or tree.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use super::{Witness, key, options, put, value};
use crate::{
    Batch, Error, Health, Result, SledOptions, SledStore, Store,
    engine::{Change, Engine, Rows},
    layer::Layer,
    mirror::Mirror,
    redo::Log,
    sled_store::Parts,
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

/// A part of the world below, and how it feels.
#[derive(Clone)]
struct Temper {
    mood: Arc<Mutex<Mood>>,
    hang: Arc<Mutex<mpsc::Receiver<()>>>,
}

impl Temper {
    fn new() -> (Temper, mpsc::Sender<()>) {
        let (hang, receiver) = mpsc::channel();
        let temper = Temper {
            mood: Arc::new(Mutex::new(Mood::Fine)),
            hang: Arc::new(Mutex::new(receiver)),
        };
        (temper, hang)
    }

    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// Whether a write is hanging now.
    fn hangs(&self) -> bool {
        self.hang.try_lock().is_err()
    }

    fn try_it(&self) -> std::io::Result<()> {
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Fine => {}
            Mood::Fails => return Err(std::io::Error::other("no such luck")),
            Mood::Panics => panic!("the disk fell over"),
            Mood::Hangs => assert!(
                self.hang.lock().unwrap().recv().is_err(),
                "the test only hangs up"
            ),
        }
        Ok(())
    }
}

/// What a tree was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    Row,
    Sequence(u64),
}

/// A tree in memory. What changes it is written down.
struct MoodyEngine {
    temper: Temper,
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    applied: Arc<Mutex<Vec<Written>>>,
}

impl MoodyEngine {
    fn try_it(&self) -> Result<()> {
        self.temper.try_it().map_err(|error| Error::Poisoned {
            reason: error.to_string(),
        })
    }
}

impl Rows for MoodyEngine {
    fn read(&self, key: &[u8], show: &mut dyn FnMut(Option<&[u8]>)) -> Result<()> {
        show(self.rows.lock().unwrap().get(key).map(Vec::as_slice));
        Ok(())
    }
    fn visit(&self, start: &[u8], visit: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<()> {
        let rows = self.rows.lock().unwrap();
        rows.range(start.to_vec()..).all(|(key, value)| visit(key, value));
        Ok(())
    }
}

impl Engine for MoodyEngine {
    fn write<'a>(&self, changes: &mut dyn Iterator<Item = Change<'a>>) -> Result<usize> {
        let mut written = 0;
        for (key, row) in changes {
            self.try_it()?;
            let mut rows = self.rows.lock().unwrap();
            let has_changed = match row {
                Some(row) => {
                    rows.insert(key.to_vec(), row.to_vec());
                    true
                }
                None => rows.remove(key).is_some(),
            };
            drop(rows);
            if has_changed {
                self.applied.lock().unwrap().push(Written::Row);
            }
            written += usize::from(has_changed);
        }
        Ok(written)
    }
    fn note(&self, sequence: u64) -> Result<()> {
        self.try_it()?;
        self.applied.lock().unwrap().push(Written::Sequence(sequence));
        Ok(())
    }
    fn sync(&self) -> Result<()> {
        Ok(())
    }
    fn close(self) -> Result<()> {
        Ok(())
    }
}

/// A redo log that keeps the sizes of its groups.
struct MoodyLog {
    temper: Temper,
    groups: Arc<Mutex<Vec<usize>>>,
    files: Arc<Mutex<Files>>,
}

#[derive(Debug, Default)]
struct Files {
    is_open: bool,
    begun: u32,
    released: Vec<u32>,
    removed: bool,
}

impl Log for MoodyLog {
    fn append(
        &mut self,
        changes: &mut dyn Iterator<Item = Change<'_>>,
        _first: u64,
        _last: u64,
    ) -> std::io::Result<Option<u32>> {
        self.temper.try_it()?;
        self.groups.lock().unwrap().push(changes.count());
        let mut files = self.files.lock().unwrap();
        let begins = !std::mem::replace(&mut files.is_open, true);
        files.begun += u32::from(begins);
        Ok(begins.then_some(files.begun))
    }
    fn end_file(&mut self) {
        self.files.lock().unwrap().is_open = false;
    }
    fn release(&mut self, slots: &[u32]) -> std::io::Result<()> {
        self.files.lock().unwrap().released.extend(slots);
        Ok(())
    }
    fn remove(self) -> std::io::Result<()> {
        self.files.lock().unwrap().removed = true;
        Ok(())
    }
}

struct World {
    _directory: tempfile::TempDir,
    store: Arc<SledStore>,
    witness: Arc<Witness>,
    log: Temper,
    engine: Temper,
    groups: Arc<Mutex<Vec<usize>>>,
    applied: Arc<Mutex<Vec<Written>>>,
    files: Arc<Mutex<Files>>,
    hang_log: mpsc::Sender<()>,
    hang_engine: mpsc::Sender<()>,
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
    let (log, hang_log) = Temper::new();
    let (engine, hang_engine) = Temper::new();
    let applied = Arc::new(Mutex::new(Vec::new()));
    let groups = Arc::new(Mutex::new(Vec::new()));
    let files = Arc::new(Mutex::new(Files::default()));
    let parts = Parts {
        engine: MoodyEngine {
            temper: engine.clone(),
            rows: Mutex::new(rows),
            applied: applied.clone(),
        },
        log: MoodyLog {
            temper: log.clone(),
            groups: groups.clone(),
            files: files.clone(),
        },
        layer: Layer::above(0),
        mirror: Mirror::open(directory.path(), 0).unwrap(),
        reserve: Reserve::open(directory.path(), 0, 0, &probe).unwrap(),
    };
    let store = SledStore::start(&options, probe, parts).unwrap();
    World {
        _directory: directory,
        store,
        witness,
        log,
        engine,
        groups,
        applied,
        files,
        hang_log,
        hang_engine,
    }
}

impl World {
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
    world.log.set(Mood::Fails);
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
    world.log.set(Mood::Panics);
    let waiting: Vec<_> = (0..64)
        .map(|number| world.store.commit(put(number, b"x")))
        .collect();
    for waiting in waiting {
        assert!(matches!(waiting.await, Err(Error::Poisoned { .. })));
    }
    world.check_poisoned("the disk fell over").await;
}

#[tokio::test]
async fn a_disk_that_never_answers_is_declared_dead() {
    let world = world(|options| {
        options.stall_max = Duration::from_millis(20);
        options.queue_max = 4;
    });
    world.log.set(Mood::Hangs);
    let waiting: Vec<_> = (0..64)
        .map(|number| world.store.commit(put(number, b"x")))
        .collect();
    for waiting in waiting {
        assert!(matches!(waiting.await, Err(Error::Poisoned { .. })));
    }
    world.check_poisoned("did not answer").await;
    // The disk comes back: nothing is acknowledged any more, and the thread ends.
    let World { store, hang_log, .. } = world;
    drop(hang_log);
    assert!(matches!(
        store.commit(put(1, b"x")).await,
        Err(Error::Poisoned { .. })
    ));
}

#[tokio::test]
async fn a_read_only_group_writes_nothing() {
    let world = world(|_| {});
    assert_eq!(value(&*world.store, 1).await, Ok(None));
    world.log.set(Mood::Fails);
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

/// The committer hangs in a sync, and whoever reads a row that it has nothing to do with is answered.
#[tokio::test]
async fn a_row_that_only_the_tree_has_is_read_past_a_committer_that_hangs() {
    let row = [&7_u64.to_be_bytes()[..], b"old"].concat();
    let rows = BTreeMap::from([1, 2].map(|number| (key(number).as_bytes().to_vec(), row.clone())));
    let world = world_with(rows, |_| {});
    world.log.set(Mood::Hangs);
    let writing = world.store.commit(put(1, b"new"));
    while !world.log.hangs() {
        std::thread::yield_now();
    }
    assert_eq!(value(&*world.store, 2).await, Ok(Some(b"old".to_vec())));
    assert_eq!(value(&*world.store, 3).await, Ok(None));
    let reading = value(&*world.store, 1);
    tokio::pin!(reading);
    assert!(
        at_once(&mut reading).await.is_none(),
        "it is on its way: read behind the write"
    );
    drop(world.hang_log);
    writing.await.unwrap();
    assert_eq!(reading.await, Ok(Some(b"new".to_vec())));
    world.store.close().await.unwrap();
}

/// What a future has now.
async fn at_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = future => Some(output),
        () = std::future::ready(()) => None,
    }
}

#[tokio::test]
async fn closing_does_not_wait_for_others_to_gather() {
    let world = world(|options| options.gather = AN_HOUR);
    world.log.set(Mood::Hangs);
    // The first goes alone and hangs; the crowd behind it makes one group, after which the committer gathers.
    let mut waiting = vec![world.store.commit(put(0, b"x"))];
    while !world.log.hangs() {
        std::thread::yield_now();
    }
    waiting.extend((1..=100).map(|number| world.store.commit(put(number, b"x"))));
    drop(world.hang_log);
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

/// Writes until the checkpoint has been begun, and gives what it said.
async fn write_until_checkpoint(world: &World) -> Result<()> {
    for number in 0.. {
        world.store.commit(put(number, &[7; 100])).await?;
        if !world.applied.lock().unwrap().is_empty() {
            break;
        }
        assert!(number < 100_000, "the checkpoint never begins");
    }
    Ok(())
}

#[tokio::test]
async fn a_failing_or_panicking_checkpoint_poisons() {
    for (mood, reason) in [
        (Mood::Fails, "no such luck"),
        (Mood::Panics, "the disk fell over"),
    ] {
        let world = world(|options| options.checkpoint_bytes = 1_000);
        world.engine.set(mood);
        let refused = write_until_checkpoint(&world).await;
        assert!(matches!(refused, Err(Error::Poisoned { .. })), "{refused:?}");
        world.check_poisoned(reason).await;
        let files = world.files.lock().unwrap();
        assert!(
            files.released.is_empty() && !files.removed,
            "the log is all there is: {files:?}"
        );
    }
}

#[tokio::test]
async fn a_tree_that_never_answers_is_declared_dead() {
    let world = world(|options| {
        options.checkpoint_bytes = 1_000;
        options.stall_max = Duration::from_millis(20);
    });
    world.engine.set(Mood::Hangs);
    let refused = write_until_checkpoint(&world).await;
    assert!(matches!(refused, Err(Error::Poisoned { .. })), "{refused:?}");
    world.check_poisoned("did not answer").await;
    drop(world.hang_engine);
}

#[tokio::test]
async fn nobody_waits_for_the_tree_until_the_log_is_at_its_limit() {
    let world = world(|options| {
        options.checkpoint_bytes = 10_000;
        options.group_operations_max = 10;
    });
    world.engine.set(Mood::Hangs);
    // Rows of 100 bytes and what they cost beside that: the first 10 kB are handed over, 20 kB more fit behind them.
    for number in 0..100 {
        world.store.commit(put(number, &[7; 100])).await.unwrap();
        assert_eq!(value(&*world.store, number).await, Ok(Some(vec![7; 100])));
    }
    let waiting: Vec<_> = (100..300)
        .map(|number| world.store.commit(put(number, &[7; 100])))
        .collect();
    let mut groups = world.groups.lock().unwrap().iter().sum::<usize>();
    assert!(groups < 300, "the committer waits");
    drop(world.hang_engine);
    for waiting in waiting {
        waiting.await.unwrap();
    }
    world.store.close().await.unwrap();
    groups = world.groups.lock().unwrap().iter().sum::<usize>();
    assert_eq!(groups, 300);
    let applied = world.applied.lock().unwrap().clone();
    assert_eq!(
        applied.iter().filter(|written| **written == Written::Row).count(),
        300
    );
    assert_eq!(applied.last(), Some(&Written::Sequence(300)));
}

#[tokio::test]
async fn a_row_goes_into_the_tree_once_and_one_that_came_and_went_not_at_all() {
    let world = world(|options| options.checkpoint_bytes = 1_000_000);
    for round in 0..10 {
        world.store.commit(put(1, &[round])).await.unwrap();
        world
            .store
            .commit(put(100 + u64::from(round), b""))
            .await
            .unwrap();
        let mut gone = Batch::default();
        gone.delete(key(100 + u64::from(round)));
        world.store.commit(gone).await.unwrap();
    }
    world.store.close().await.unwrap();
    assert_eq!(
        *world.applied.lock().unwrap(),
        [Written::Row, Written::Sequence(30)]
    );
    let files = world.files.lock().unwrap();
    assert!(files.removed, "a closed store needs no log");
}

#[tokio::test]
async fn a_file_of_the_log_is_given_back_once_the_tree_has_its_rows() {
    let world = world(|options| options.checkpoint_bytes = 1_000);
    for number in 0..1_000 {
        world.store.commit(put(number % 7, &[7; 100])).await.unwrap();
    }
    world.store.close().await.unwrap();
    let files = world.files.lock().unwrap();
    assert!(files.begun > 2, "{files:?}");
    let expected: Vec<u32> = (1..=u32::try_from(files.released.len()).unwrap()).collect();
    assert_eq!(files.released, expected, "each once, in their order");
}
