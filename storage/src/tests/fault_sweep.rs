//! One client's history with a fault at operation 1, 2, 3... until a run is clean: no wrong acknowledgement, no torn batch,
//! nobody left waiting.

use std::sync::Arc;

use super::{key, open, value};
use crate::{
    Batch, Error, MemoryStore, Result, Scan, Store, Version,
    fault::{Fault, FaultStore},
    tests::{put, whole_table},
};

/// The history writes the step's number into both rows of a pair, in one batch.
const PAIR: [u64; 2] = [1, 2];
const STEPS: u8 = 6;

/// A version that no row has.
const NEVER: Version = Version(u64::MAX);

/// What the client knows when it stops.
#[derive(Debug, Default)]
struct Knows {
    /// The newest step that was acknowledged.
    acknowledged: u8,
    /// The newest step that was tried.
    tried: u8,
    refusals: usize,
    poisoned: bool,
}

/// Runs the history until it ends or the store does.
async fn history(store: Arc<dyn Store>) -> Knows {
    let mut knows = Knows::default();
    while knows.tried < STEPS {
        knows.tried += 1;
        match step(&*store, &mut knows).await {
            Ok(()) => {}
            Err(Error::Full { .. }) => knows.refusals += 1,
            Err(Error::Poisoned { .. }) => {
                knows.poisoned = true;
                return knows;
            }
            Err(error) => panic!("step {}: {error}", knows.tried),
        }
    }
    knows
}

async fn step(store: &dyn Store, knows: &mut Knows) -> Result<()> {
    let before = store.get(key(PAIR[0])).await?;
    let seen = before.as_ref().map_or(0, |stored| stored.value[0]);
    assert!(
        seen >= knows.acknowledged,
        "what was acknowledged is seen: {seen} in {knows:?}"
    );
    let mut batch = Batch::default();
    batch.put_if(key(PAIR[0]), Version::of(before.as_ref()), vec![knows.tried]);
    batch.put(key(PAIR[1]), vec![knows.tried]);
    // A read queued behind the write, awaited before it, and a stale write behind both.
    let writing = store.commit(batch);
    let reading = store.scan(whole_table());
    let mut stale = Batch::default();
    stale.put_if(key(PAIR[0]), NEVER, vec![0]);
    stale.put(key(99), b"never".to_vec());
    let late = store.commit(stale);
    let read = reading.await;
    let written = writing.await;
    let late = late.await;
    if written.is_ok() {
        knows.acknowledged = knows.tried;
    }
    written?;
    let shown: Vec<_> = read?.into_iter().map(|row| row.stored.value).collect();
    assert_eq!(shown, [[knows.tried], [knows.tried]]);
    match late {
        Err(Error::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
        Ok(_) => panic!("a stale write was acknowledged"),
    }
}

/// What a restart finds must agree with what the client knows. Gives whether the batch is torn.
async fn check(store: &dyn Store, knows: &Knows, context: &str) -> bool {
    assert_eq!(
        value(store, 99).await.unwrap(),
        None,
        "{context}: a refused batch was written"
    );
    let mut found = Vec::new();
    for number in PAIR {
        found.push(value(store, number).await.unwrap().map_or(0, |value| value[0]));
    }
    for step in &found {
        assert!(
            *step >= knows.acknowledged,
            "{context}: acknowledged and lost: {found:?}, {knows:?}"
        );
        assert!(
            *step <= knows.tried,
            "{context}: from nowhere: {found:?}, {knows:?}"
        );
    }
    found[0] != found[1]
}

/// Sweeps one fault over the history; `begin` and `restart` make a store and find it again. Gives the torn runs.
async fn sweep<S: Store, B: Future<Output = Arc<S>>, R: Future<Output = Arc<dyn Store>>>(
    fault: Fault,
    begin: impl Fn() -> B,
    restart: impl Fn(Arc<S>) -> R,
) -> usize {
    let (mut torn, mut poisoned, mut refused) = (0, 0, 0);
    for at in 1_u64.. {
        assert!(at < 1_000, "the sweep does not end");
        let context = format!("{fault:?} at operation {at}");
        let inner = begin().await;
        let store = Arc::new(FaultStore::new(inner.clone(), fault, at));
        let running = tokio::spawn(history(store.clone()));
        while !running.is_finished() {
            // A stalled operation is let go once it is reached; everything behind it has waited.
            if store.was_reached() {
                store.release();
            }
            tokio::task::yield_now().await;
        }
        let knows = running.await.unwrap();
        poisoned += usize::from(knows.poisoned);
        refused += knows.refusals;
        assert!(
            knows.poisoned || knows.acknowledged > 0 || knows.refusals > 0,
            "{context}: {knows:?}"
        );
        let restarted = restart(inner).await;
        torn += usize::from(check(&*restarted, &knows, &context).await);
        restarted.close().await.unwrap();
        if !store.was_reached() {
            assert_eq!(
                (knows.acknowledged, knows.poisoned),
                (STEPS, false),
                "a clean run ends the sweep"
            );
            assert!(
                at > u64::from(STEPS) * 4,
                "the history has four operations a step"
            );
            break;
        }
    }
    let expects_poison = matches!(fault, Fault::Fail | Fault::Lose | Fault::Tear);
    assert_eq!(
        poisoned > 0,
        expects_poison,
        "{fault:?}: {poisoned} runs poisoned"
    );
    assert_eq!(
        refused > 0,
        fault == Fault::Refuse,
        "{fault:?}: {refused} refusals"
    );
    torn
}

async fn sweep_in_memory(fault: Fault) -> usize {
    let begin = || async { Arc::new(MemoryStore::new()) };
    let restart = |store: Arc<MemoryStore>| async move { Arc::new(store.crash()) as Arc<dyn Store> };
    sweep(fault, begin, restart).await
}

#[tokio::test]
async fn no_lawful_fault_tears_a_batch_or_loses_an_acknowledgement_in_memory() {
    for fault in [Fault::Refuse, Fault::Fail, Fault::Lose, Fault::Stall] {
        assert_eq!(sweep_in_memory(fault).await, 0, "{fault:?}");
    }
}

#[tokio::test]
async fn no_lawful_fault_tears_a_batch_or_loses_an_acknowledgement_on_sled() {
    for fault in [Fault::Refuse, Fault::Fail, Fault::Lose, Fault::Stall] {
        let directory = std::sync::Mutex::new(tempfile::tempdir().unwrap());
        let begin = || async {
            let fresh = tempfile::tempdir().unwrap();
            let store = open(fresh.path());
            *directory.lock().unwrap() = fresh;
            store
        };
        let restart = |store: Arc<crate::SledStore>| {
            let path = directory.lock().unwrap().path().to_owned();
            async move {
                store.close().await.unwrap();
                open(&path) as Arc<dyn Store>
            }
        };
        assert_eq!(sweep(fault, begin, restart).await, 0, "{fault:?}");
    }
}

#[tokio::test]
async fn a_torn_batch_is_noticed_by_the_check() {
    assert!(
        sweep_in_memory(Fault::Tear).await > 0,
        "or the other sweeps prove nothing"
    );
}

#[tokio::test]
async fn a_crash_loses_what_nobody_waited_for_and_nothing_else() {
    let store = MemoryStore::new();
    store.commit(put(1, b"awaited")).await.unwrap();
    let writing = store.commit(put(2, b"in flight"));
    drop(store.commit(put(3, b"in flight too")));
    assert_eq!(store.unsynced(), 2);
    let after = store.crash();
    assert!(
        matches!(writing.await, Err(Error::Poisoned { .. })),
        "never acknowledged after the crash"
    );
    assert!(matches!(store.get(key(1)).await, Err(Error::Poisoned { .. })));
    assert_eq!(after.scan(Scan::of(key(1))).await.unwrap().len(), 1);
    assert_eq!(value(&after, 2).await, Ok(None));
    assert_eq!(value(&after, 3).await, Ok(None));
}

#[tokio::test]
async fn a_crash_may_keep_the_first_of_what_was_in_flight() {
    let store = MemoryStore::new();
    let first = store.commit(put(1, b"x")).await.unwrap();
    for number in 2..5 {
        drop(store.commit(put(number, b"in flight")));
    }
    let after = store.crash_keeping(2);
    assert_eq!(super::numbers(&after, whole_table()).await, [1, 2, 3]);
    let next = after.commit(put(9, b"y")).await.unwrap();
    assert!(next.0 > first.0 + 3, "no number is given out twice");
}

#[tokio::test]
async fn a_later_operation_makes_the_earlier_ones_durable() {
    let store = MemoryStore::new();
    drop(store.commit(put(1, b"x")));
    assert_eq!(value(&store, 2).await, Ok(None));
    assert_eq!(store.unsynced(), 0);
    assert_eq!(value(&store.crash(), 1).await, Ok(Some(b"x".to_vec())));
}
