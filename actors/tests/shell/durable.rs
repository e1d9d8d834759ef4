//! `Durable` and `Pipeline` over a machine that only counts.

use actors::clock::{Moment, Now};
use actors::durable::{Durable, Persistent, Pipeline};
use actors::machines::{Decision, Machine};
use actors::testing::now_at;
use actors::wheel::{DueKey, Wheel};
use std::sync::Arc;
use storage::fault::{Fault, FaultStore};
use storage::{Batch, Error, Key, MemoryStore, Scan, Store};

#[derive(Debug, PartialEq)]
struct Counter(u64);

impl Machine for Counter {
    type Command = u64;
    type Event = u64;
    type Effect = u64;

    /// Adds; adding nothing is no event. The effect is the new count.
    fn decide(&self, add: u64, _: Now) -> Decision<u64, u64> {
        Decision {
            events: if add == 0 { vec![] } else { vec![add] },
            effects: vec![self.0 + add],
        }
    }

    fn apply(&mut self, add: &u64) {
        self.0 += add;
    }

    fn next_deadline(&self) -> Option<Moment> {
        // Odd counts are to be woken, at a moment that tells them.
        (self.0 % 2 == 1).then(|| Moment::at(now_at(i64::try_from(self.0).unwrap())))
    }
}

impl Persistent for Counter {
    type Id = i64;

    fn row(id: &i64) -> Key {
        Key::table("counter").i64(*id).build()
    }

    fn restore(_: &i64, stored: Option<&[u8]>, _: Now) -> storage::Result<Self> {
        Ok(Self(stored.map_or(0, |bytes| {
            u64::from_be_bytes(bytes.try_into().unwrap())
        })))
    }

    fn encode(&self, _: Now, mut head: Vec<u8>) -> storage::Result<Vec<u8>> {
        head.extend(self.0.to_be_bytes());
        Ok(head)
    }

    fn companions(&self, add: &u64, _: Now, batch: &mut Batch) -> storage::Result<()> {
        batch.put(Key::table("leaf").u64(self.0).build(), add.to_be_bytes().to_vec());
        Ok(())
    }

    fn due_key(id: &i64) -> Option<DueKey> {
        Some(DueKey::Customer(actors::ids::CustomerId(*id)))
    }
}

async fn load(store: &Arc<dyn Store>) -> Durable<Counter> {
    Durable::load(Arc::clone(store), Wheel::new().0, 1, now_at(0))
        .await
        .unwrap()
}

async fn rows(store: &Arc<dyn Store>, table: &'static str) -> usize {
    store
        .scan(Scan::of(Key::table(table).build()))
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn effects_come_after_the_commit_and_only_then() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut counter = load(&store).await;
    assert_eq!(counter.step(3, now_at(0)).await.unwrap(), [3]);
    assert_eq!(
        counter.step(0, now_at(0)).await.unwrap(),
        [3],
        "without an event nothing is written"
    );
    assert_eq!(load(&store).await.machine(), &Counter(3));
    let failing: Arc<dyn Store> = Arc::new(FaultStore::new(Arc::clone(&store), Fault::Fail, 2));
    let mut counter = load(&failing).await;
    assert!(matches!(
        counter.step(4, now_at(0)).await,
        Err(Error::Poisoned { .. })
    ));
    assert_eq!(load(&store).await.machine(), &Counter(3));
}

#[tokio::test]
async fn a_state_that_somebody_else_has_changed_is_not_overwritten() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let (mut one, mut other) = (load(&store).await, load(&store).await);
    one.step(1, now_at(0)).await.unwrap();
    assert!(matches!(
        other.step(10, now_at(0)).await,
        Err(Error::Conflict { .. })
    ));
    assert_eq!(load(&store).await.machine(), &Counter(1));
    assert_eq!(rows(&store, "leaf").await, 1, "nothing of its batch was written");
}

#[tokio::test]
async fn the_index_of_deadlines_moves_with_the_state_also_across_restarts() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut counter = load(&store).await;
    for (add, expected) in [(1, 1), (2, 1), (1, 0), (1, 1)] {
        counter.step(add, now_at(0)).await.unwrap();
        assert_eq!(rows(&store, "due").await, expected, "at {:?}", counter.machine());
        counter = load(&store).await;
    }
    counter.step(2, now_at(0)).await.unwrap();
    assert_eq!(
        rows(&store, "due").await,
        1,
        "the row of before the restart is taken away"
    );
}

#[tokio::test]
async fn a_pipeline_shares_commits_keeps_the_order_and_acknowledges_what_is_durable() {
    let memory = Arc::new(MemoryStore::new());
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(&memory);
    let mut pipeline = Pipeline::<Counter>::load(Arc::clone(&store), 1, now_at(0), 64, |_| {})
        .await
        .unwrap();
    let mut submitted = Vec::new();
    for _ in 0..50 {
        submitted.push(pipeline.submit(1, now_at(0)).await.unwrap());
    }
    assert_eq!(pipeline.machine(), &Counter(50), "applied at once");
    for (index, submitted) in submitted.into_iter().enumerate() {
        assert_eq!(
            submitted.durable().await.unwrap(),
            [u64::try_from(index).unwrap() + 1]
        );
    }
    assert_eq!(rows(&store, "leaf").await, 50);
    assert_eq!(load(&store).await.machine(), &Counter(50));
    pipeline.submit(1, now_at(0)).await.unwrap();
    pipeline.barrier().await.unwrap();
    assert_eq!(memory.unsynced(), 0, "a barrier waits for all before it");
}

#[tokio::test]
async fn a_pipeline_that_fails_says_so_once_and_acknowledges_nothing_more() {
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new());
    for fault in [Fault::Fail, Fault::Lose] {
        let failing: Arc<dyn Store> = Arc::new(FaultStore::new(Arc::clone(&memory), fault, 2));
        let (told, failed) = std::sync::mpsc::channel();
        let load =
            Pipeline::<Counter>::load(failing, 1, now_at(0), 64, move |error| told.send(error).unwrap());
        let mut pipeline = load.await.unwrap();
        let first = pipeline.submit(1, now_at(0)).await.unwrap();
        assert!(first.durable().await.is_err());
        assert!(matches!(pipeline.submit(1, now_at(0)).await, Err(Error::Closed)));
        assert!(failed.try_recv().is_ok() && failed.try_recv().is_err());
    }
}
