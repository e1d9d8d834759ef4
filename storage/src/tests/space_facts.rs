//! A disk that fills up, in pretence and on a small file system of its own.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{Witness, fill, key, numbers, open, options, put, value, whole_table};
use crate::{Batch, Error, Health, SledOptions, SledStore, Store, space::Probe, tables::AGE_MAX};

const FREE_MIN: u64 = 1_000_000;

/// A disk whose free space the test decides.
fn pretended(free: &Arc<AtomicU64>) -> Probe {
    let free = Arc::clone(free);
    Arc::new(move |_: &Path| Ok(free.load(Ordering::SeqCst)))
}

/// The promise is a second; a busy test machine gets 20.
async fn until(store: &dyn Store, wanted: impl Fn(&Health) -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !wanted(&store.health()) {
        assert!(
            tokio::time::Instant::now() < deadline,
            "still {:?}",
            store.health()
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_before_damage_and_recovers_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let witness = Arc::new(Witness::default());
    let free = Arc::new(AtomicU64::new(FREE_MIN));
    let options = SledOptions {
        observer: witness.clone(),
        free_bytes_min: FREE_MIN,
        ..options(directory.path())
    };
    let store = SledStore::open_with(&options, pretended(&free)).unwrap();
    store.commit(put(1, b"room")).await.unwrap();
    assert_eq!(store.health(), Health::Ready);

    let free_bytes = FREE_MIN - 1;
    free.store(free_bytes, Ordering::SeqCst);
    until(&*store, |health| *health == Health::Full { free_bytes }).await;
    assert_eq!(
        store.commit(put(1, b"no room")).await,
        Err(Error::Full { free_bytes })
    );
    let mut delete = Batch::default();
    delete.delete(key(1));
    assert_eq!(
        store.commit(delete).await,
        Err(Error::Full { free_bytes }),
        "a deletion is written too"
    );
    assert_eq!(value(&*store, 1).await, Ok(Some(b"room".to_vec())), "reads go on");
    assert!(
        store.commit(Batch::default()).await.is_ok(),
        "a barrier writes nothing"
    );

    free.store(FREE_MIN, Ordering::SeqCst);
    // Without any traffic.
    until(&*store, |health| *health == Health::Ready).await;
    store.commit(put(1, b"room again")).await.unwrap();
    assert_eq!(*witness.full.lock().unwrap(), [true, false]);
    store.close().await.unwrap();
}

/// What was committed needs room in the tree later; it is kept for it, so that the tree never meets a full disk.
#[tokio::test]
async fn what_waits_for_the_tree_counts_as_taken_until_it_is_there() {
    // Where the machine stood still so long that rows went into the tree meanwhile, nothing was seen: again.
    while !sees_what_waits_counted().await {}
}

async fn sees_what_waits_counted() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let free = Arc::new(AtomicU64::new(FREE_MIN + 100_000));
    let options = SledOptions {
        free_bytes_min: FREE_MIN,
        checkpoint_bytes: usize::MAX,
        ..options(directory.path())
    };
    let store = SledStore::open_with(&options, pretended(&free)).unwrap();
    let begun = Instant::now();
    let mut rows = 0;
    while store.commit(put(rows, &[9; 16_000])).await.is_ok() {
        rows += 1;
        assert!(rows < 1_000, "nothing is refused");
    }
    let health = store.health();
    if begun.elapsed() >= AGE_MAX {
        return false;
    }
    // 256 KiB are too little to be counted, and each row is counted four times.
    assert!((5..10).contains(&rows), "{rows} rows of 16 kB");
    assert!(matches!(health, Health::Full { .. }));
    // The age of the rows brings them into the tree, whose file system still says that there is room.
    until(&*store, |health| *health == Health::Ready).await;
    store.commit(put(rows, b"room again")).await.unwrap();
    store.close().await.unwrap();
    true
}

#[tokio::test]
async fn the_reserve_is_given_up_on_a_full_disk_and_made_again_later() {
    let directory = tempfile::tempdir().unwrap();
    let reserve = directory.path().join("reserve");
    let free = Arc::new(AtomicU64::new(10 * FREE_MIN));
    let options = SledOptions {
        free_bytes_min: FREE_MIN,
        reserve_bytes: FREE_MIN,
        ..options(directory.path())
    };
    let store = SledStore::open_with(&options, pretended(&free)).unwrap();
    store.commit(put(1, b"x")).await.unwrap();
    store.close().await.unwrap();
    assert_eq!(reserve.metadata().unwrap().len(), FREE_MIN);

    free.store(0, Ordering::SeqCst);
    let store = SledStore::open_with(&options, pretended(&free)).unwrap();
    assert!(!reserve.exists(), "given up");
    assert_eq!(value(&*store, 1).await, Ok(Some(b"x".to_vec())));
    assert!(matches!(
        store.commit(put(1, b"y")).await,
        Err(Error::Full { .. })
    ));
    assert!(!reserve.exists());

    free.store(3 * FREE_MIN, Ordering::SeqCst);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !reserve.exists() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the reserve does not come back"
        );
        value(&*store, 1).await.unwrap();
    }
    store.close().await.unwrap();
    assert_eq!(reserve.metadata().unwrap().len(), FREE_MIN);
}

#[tokio::test]
async fn a_directory_that_cannot_be_asked_poisons() {
    let directory = tempfile::tempdir().unwrap();
    let probe: Probe = Arc::new(|_: &Path| Err(std::io::Error::other("gone")));
    let store = SledStore::open_with(&options(directory.path()), probe);
    // Without a reserve file there is nothing to ask for at open; the first group asks.
    let store = store.unwrap();
    assert!(matches!(
        store.commit(put(1, b"x")).await,
        Err(Error::Poisoned { .. })
    ));
    assert!(matches!(store.health(), Health::Poisoned { .. }));
}

/// A file system of 32 MiB that is really full. Needs the right to mount.
#[tokio::test]
async fn a_really_full_disk_is_refused_in_time_and_opens_again() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: no small file system can be mounted here");
        return;
    };
    let path = disk.path.path().join("store");
    fill(&path, 100).await;
    let options = || SledOptions {
        free_bytes_min: 8 << 20,
        reserve_bytes: 3 << 20,
        ..options(&path)
    };
    let store = SledStore::open(options()).unwrap();
    let mut written = 0;
    let refusal = loop {
        let mut batch = Batch::default();
        (0..16).for_each(|row| batch.put(key(1_000 + written * 16 + row), vec![9; 4_096]));
        match store.commit(batch).await {
            Ok(_) => written += 1,
            // What waited for the tree took less there than was kept for it: there is room again, until there is none.
            Err(Error::Full { .. }) if store.health() == Health::Ready => {}
            Err(error) => break error,
        }
        assert!(written < 10_000, "32 MiB hold no 640 MB");
    };
    assert!(matches!(refusal, Error::Full { .. }), "{refusal}");
    assert_eq!(
        value(&*store, 1_000).await,
        Ok(Some(vec![9; 4_096])),
        "reads go on"
    );
    store.close().await.unwrap();

    // Somebody else takes the rest; the reserve is what lets the store open.
    disk.fill_up();
    let store = SledStore::open(options()).unwrap();
    assert!(!path.join("reserve").exists());
    assert_eq!(
        numbers(&*store, whole_table()).await.len(),
        1_000.min(100 + usize::try_from(written).unwrap() * 16)
    );
    assert!(matches!(
        store.commit(put(1, b"x")).await,
        Err(Error::Full { .. })
    ));
    disk.make_room();
    until(&*store, |health| *health == Health::Ready).await;
    store.close().await.unwrap();
    open(&path).close().await.unwrap();
}

struct SmallDisk {
    path: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Option<SmallDisk> {
        let path = tempfile::tempdir().unwrap();
        let mounting = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=32m,mode=0700", "tmpfs"])
            .arg(path.path())
            .output();
        mounting
            .is_ok_and(|output| output.status.success())
            .then_some(SmallDisk { path })
    }

    fn fill_up(&self) {
        let mut file = std::fs::File::create(self.path.path().join("ballast")).unwrap();
        let filled = std::io::copy(&mut std::io::repeat(1), &mut file);
        assert_eq!(filled.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounting = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.path.path())
            .status();
        assert!(
            unmounting.is_ok_and(|status| status.success()),
            "the small file system stays mounted"
        );
    }
}
