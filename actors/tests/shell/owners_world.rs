//! Registers whose owners are told what they do: real registers over a store, a courier, and a receiver that does as it is told.

use crate::register_world::{Shop, over_with, sale};
use crate::world::until;
use actors::clock::{Clock, Moment, Now};
use actors::hooks::{Hook, Posted, Poster};
use actors::ids::AccountId;
use actors::machines::register::{OperationState, Request};
use actors::owners::{Listed, Needs, OwnerEvent, OwnerMetrics, Owners, Settings, Wanted};
use actors::register::Ordered;
use actors::testing::{ManualClock, ScriptedTax, SeededRandomness};
use fiscal::RegisterNumber;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use storage::{
    Batch, BoxFuture as Stored, Error, Health, Key, MemoryStore, Result, Row, Scan, Sequence, Store,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;
use zeroize::Zeroizing;

pub(crate) const ACCOUNT: AccountId = AccountId(Uuid::from_u128(0xA1));
pub(crate) const OTHER: AccountId = AccountId(Uuid::from_u128(0xA2));

pub(crate) fn register() -> RegisterNumber {
    RegisterNumber::new(4_000_000_202).unwrap()
}

pub(crate) fn second_register() -> RegisterNumber {
    RegisterNumber::new(4_000_000_203).unwrap()
}

/// One of the other account's.
pub(crate) fn others_register() -> RegisterNumber {
    RegisterNumber::new(4_000_000_900).unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings {
        first_pause: Duration::from_secs(5),
        pause_max: Duration::from_secs(60),
        give_up_after: Duration::from_secs(3_600),
        kept_max: 1_000,
    }
}

pub(crate) fn again(after_seconds: Option<u32>) -> Posted {
    Posted::Again {
        after_seconds,
        status: Some(503),
    }
}

struct Post {
    event: OwnerEvent,
    hook: Hook,
    is_taken: bool,
}

/// Keeps what it was posted; without a script it takes everything.
pub(crate) struct Receiver {
    posts: Mutex<Vec<Post>>,
    script: Mutex<VecDeque<Posted>>,
    default: Mutex<Posted>,
    refused: Mutex<Option<RegisterNumber>>,
    held: watch::Sender<Option<RegisterNumber>>,
}

impl Default for Receiver {
    fn default() -> Self {
        Self {
            posts: Mutex::default(),
            script: Mutex::default(),
            default: Mutex::new(Posted::Taken),
            refused: Mutex::default(),
            held: watch::Sender::new(None),
        }
    }
}

impl Poster<OwnerEvent> for Receiver {
    fn post<'a>(&'a self, hook: &'a Hook, id: Uuid, event: &'a OwnerEvent, _: Now) -> BoxFuture<'a, Posted> {
        assert_eq!(id, event.id);
        Box::pin(async move {
            let index = {
                let mut posts = self.posts.lock().unwrap();
                posts.push(Post {
                    event: event.clone(),
                    hook: hook.clone(),
                    is_taken: false,
                });
                posts.len() - 1
            };
            let mut held = self.held.subscribe();
            let _ = held.wait_for(|held| *held != Some(event.register)).await;
            let posted = if *self.refused.lock().unwrap() == Some(event.register) {
                again(None)
            } else {
                let next = self.script.lock().unwrap().pop_front();
                next.unwrap_or(*self.default.lock().unwrap())
            };
            self.posts.lock().unwrap()[index].is_taken = posted == Posted::Taken;
            posted
        })
    }
}

impl Receiver {
    pub(crate) fn will(&self, script: &[Posted]) {
        self.script.lock().unwrap().extend(script);
    }

    pub(crate) fn set_default(&self, posted: Posted) {
        *self.default.lock().unwrap() = posted;
    }

    /// Takes nothing of this register.
    pub(crate) fn refuse(&self, register: RegisterNumber) {
        *self.refused.lock().unwrap() = Some(register);
    }

    /// Answers nothing of this register until it is released.
    pub(crate) fn hold(&self, register: RegisterNumber) {
        self.held.send_replace(Some(register));
    }

    pub(crate) fn release(&self) {
        self.held.send_replace(None);
    }

    pub(crate) fn count(&self) -> usize {
        self.posts.lock().unwrap().len()
    }

    pub(crate) fn taken(&self, register: RegisterNumber) -> usize {
        let posts = self.posts.lock().unwrap();
        let own = posts
            .iter()
            .filter(|post| post.is_taken && post.event.register == register);
        own.count()
    }

    fn of<T>(&self, read: impl Fn(&Post) -> T) -> Vec<T> {
        self.posts.lock().unwrap().iter().map(read).collect()
    }

    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.of(|post| post.event.id)
    }

    pub(crate) fn topics(&self) -> Vec<&'static str> {
        self.of(|post| post.event.news.topic())
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.of(|post| post.hook.url.clone())
    }

    /// The keys that signed: the current one, and the one before it.
    pub(crate) fn keys(&self) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        self.of(|post| {
            let former = post.hook.former_key.as_ref().map(|key| key.to_vec());
            (post.hook.key.to_vec(), former)
        })
    }
}

/// A store whose next commits can be made to fail for want of space.
pub(crate) struct Flaky {
    inner: MemoryStore,
    failing: AtomicUsize,
}

impl Store for Flaky {
    fn get(&self, key: Key) -> Stored<'_, Result<Option<storage::Stored>>> {
        self.inner.get(key)
    }

    fn scan(&self, scan: Scan) -> Stored<'_, Result<Vec<Row>>> {
        self.inner.scan(scan)
    }

    fn commit(&self, batch: Batch) -> Stored<'_, Result<Sequence>> {
        let one_less = |left: usize| left.checked_sub(1);
        let fails = self
            .failing
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        match fails {
            Ok(_) => Box::pin(std::future::ready(Err(Error::Full { free_bytes: 0 }))),
            Err(_) => self.inner.commit(batch),
        }
    }

    fn health(&self) -> Health {
        self.inner.health()
    }

    fn close(&self) -> Stored<'_, Result<()>> {
        self.inner.close()
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<Flaky>,
    pub(crate) owners: Owners,
    pub(crate) metrics: OwnerMetrics,
    pub(crate) receiver: Arc<Receiver>,
    clock: Arc<ManualClock>,
    tax: Arc<ScriptedTax>,
    shop: Shop,
    courier: JoinHandle<()>,
    settings: Settings,
}

impl Drop for World {
    fn drop(&mut self) {
        self.courier.abort();
    }
}

/// A world in which the account has a webhook.
pub(crate) async fn world() -> World {
    opened(settings()).await
}

pub(crate) async fn opened(settings: Settings) -> World {
    let store = Arc::new(Flaky {
        inner: MemoryStore::new(),
        failing: AtomicUsize::new(0),
    });
    let world = begin(store, Arc::default(), Arc::default(), Arc::default(), settings).await;
    let put = world
        .owners
        .put_hook(ACCOUNT, "https://owner.test/".to_owned())
        .await;
    assert_eq!(
        put.unwrap().key.expect("the first time the key is shown").len(),
        32
    );
    world
}

async fn owners(store: &Arc<Flaky>, clock: &Arc<ManualClock>, settings: Settings) -> (Owners, OwnerMetrics) {
    let metrics = OwnerMetrics::new(&prometheus::Registry::new()).unwrap();
    let seed = u64::try_from(clock.now().wall.timestamp_millis()).unwrap();
    let owners = Owners::open(Needs {
        store: Arc::<Flaky>::clone(store),
        clock: Arc::<ManualClock>::clone(clock),
        randomness: Arc::new(SeededRandomness::new(seed)),
        key: Zeroizing::new(vec![7; 32]),
        owner_of: Arc::new(|number| {
            let is_others = number == others_register();
            Some(if is_others { OTHER } else { ACCOUNT })
        }),
        settings,
        metrics: metrics.clone(),
    });
    (owners.await.unwrap(), metrics)
}

async fn begin(
    store: Arc<Flaky>,
    clock: Arc<ManualClock>,
    tax: Arc<ScriptedTax>,
    receiver: Arc<Receiver>,
    settings: Settings,
) -> World {
    let (owners, metrics) = owners(&store, &clock, settings).await;
    let shop = over_with(
        Arc::<Flaky>::clone(&store),
        Arc::clone(&clock),
        Arc::clone(&tax),
        Arc::new(owners.clone()),
    );
    let shop = shop.await.unwrap();
    let courier = tokio::spawn(owners.clone().run(Arc::<Receiver>::clone(&receiver)));
    World {
        store,
        owners,
        metrics,
        receiver,
        clock,
        tax,
        shop,
        courier,
        settings,
    }
}

impl World {
    pub(crate) async fn order(&self, register: RegisterNumber, request: Request) -> OperationState {
        let ordered = Ordered {
            register,
            ..Shop::ordered(request)
        };
        self.shop.service.order(ordered).await.unwrap().answer.state
    }

    /// A sale that is done; the first of a register opens its shift.
    pub(crate) async fn sell(&self, register: RegisterNumber) -> OperationState {
        let state = self.order(register, sale("12.50")).await;
        assert!(matches!(state, OperationState::Done(_)), "{state:?}");
        state
    }

    pub(crate) fn now(&self) -> Duration {
        let Moment(ms) = self.clock.now().mono;
        Duration::from_millis(u64::try_from(ms).unwrap())
    }

    pub(crate) fn wall_ms(&self) -> i64 {
        self.clock.now().wall.timestamp_millis()
    }

    /// Moves time in small steps, and lets everything that falls due be done.
    pub(crate) async fn wait(&self, length: Duration) {
        let step = Duration::from_secs(if length > Duration::from_secs(900) { 60 } else { 1 });
        let mut left = length;
        while left > Duration::ZERO {
            let next = left.min(step);
            self.clock.advance(next);
            left -= next;
            for _ in 0..60 {
                tokio::task::yield_now().await;
            }
        }
    }

    pub(crate) async fn until(&self, what: &str, condition: impl Fn() -> bool) {
        until(what, condition).await;
    }

    pub(crate) async fn posted(&self, count: usize) {
        until(&format!("{count} posts are made"), || {
            self.receiver.count() >= count
        })
        .await;
        // What follows from the last is written.
        for _ in 0..60 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.receiver.count(), count);
    }

    pub(crate) async fn listed(&self, wanted: Wanted) -> Vec<Listed> {
        self.owners.events(ACCOUNT, &wanted).await.unwrap()
    }

    pub(crate) fn ended(&self, ending: &str) -> u64 {
        self.metrics.events.with_label_values(&[ending]).get()
    }

    pub(crate) async fn until_replayed(&self) {
        for _ in 0..10_000 {
            if !self.owners.is_replaying(ACCOUNT).await.unwrap() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the replay does not end");
    }

    pub(crate) async fn until_owed_tries(&self, tries: u32) {
        let wanted = Wanted {
            owed: true,
            limit: 1,
            ..Wanted::default()
        };
        for _ in 0..10_000 {
            let owed = self.listed(wanted).await;
            if owed.first().is_some_and(|owed| owed.tries == tries) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("the post was not written down");
    }

    pub(crate) fn stop_courier(&self) {
        self.courier.abort();
    }

    pub(crate) fn fail_commits(&self, count: usize) {
        self.store.failing.store(count, Ordering::SeqCst);
    }

    /// The process is killed, and another begins over what was durable; the receiver lives on.
    pub(crate) async fn restart(&mut self) {
        self.courier.abort();
        // A moment later, so that nothing is drawn again.
        self.clock.advance(Duration::from_millis(1));
        let store = Arc::new(Flaky {
            inner: self.store.inner.crash(),
            failing: AtomicUsize::new(0),
        });
        let (clock, tax) = (Arc::clone(&self.clock), Arc::clone(&self.tax));
        *self = begin(store, clock, tax, Arc::clone(&self.receiver), self.settings).await;
    }

    /// What another process would find.
    pub(crate) async fn another(&self) -> World {
        let store = Arc::new(Flaky {
            inner: self.store.inner.crash(),
            failing: AtomicUsize::new(0),
        });
        let (clock, tax) = (Arc::clone(&self.clock), Arc::clone(&self.tax));
        let receiver = Arc::new(Receiver::default());
        begin(store, clock, tax, receiver, self.settings).await
    }
}
